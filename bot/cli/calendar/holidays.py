"""`enlace holidays`: days on which nobody is expected to work."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bot.cli.at_server import Row, act, day, settings
from bot.cli.console import print_rows, talk
from bot.cli.options import JsonOption, PlanOption
from bot.errors import Complaint

if TYPE_CHECKING:
    from bot.chat.actor import Actor
    from bot.settings import Settings

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True)

DayArgument = Annotated[str, typer.Argument(metavar="DAY", help="Such as 2018-11-06.")]


@app.command("list")
def list_holidays(
    since: Annotated[str, typer.Option("--from", metavar="DAY", help="From this day on; today.")] = "",
    plan_code: PlanOption = "",
    as_json: JsonOption = False,
) -> None:
    """The country's holidays and those that administrators added, one a line."""
    chosen = settings()
    first = day("--from", since, chosen)

    def work(actor: "Actor") -> list[Row]:
        return [
            {"day": one.on.isoformat(), "name": one.name or "added by an administrator"}
            for one in actor.unit.holidays.all(actor.plan_id)
            if one.on >= first and not one.is_removed
        ]

    print_rows(_act(plan_code, work, chosen), as_json)


@app.command()
def add(on: DayArgument, plan_code: PlanOption = "") -> None:
    """Add a day on which nobody is expected to work. Days of future periods move with it."""
    from bot.acts.calendar.holidays import add_holiday

    chosen = settings()
    new = day("DAY", on, chosen)

    _act(plan_code, lambda actor: add_holiday(actor, new), chosen)
    talk(f"{on} is a holiday.")


@app.command()
def remove(on: DayArgument, plan_code: PlanOption = "") -> None:
    """Remove a holiday. Days of future periods move back."""
    from bot.acts.calendar.holidays import remove_holiday

    chosen = settings()
    old = day("DAY", on, chosen)

    if not _act(plan_code, lambda actor: remove_holiday(actor, old), chosen):
        raise Complaint(f"{old.isoformat()} is no holiday: see 'enlace holidays list'.")
    talk(f"{on} is no holiday.")


def _act(plan_code: str, work: Callable[["Actor"], T], chosen: "Settings") -> T:
    """Do this after the country's holidays were added, also if the bot has not run yet."""
    from bot.acts.calendar.holidays import add_public_holidays

    def furnished(actor: "Actor") -> T:
        add_public_holidays(actor.unit, actor.unit.plans.by_id(actor.plan_id), actor.now)
        return work(actor)

    return act(plan_code, furnished, at=chosen)
