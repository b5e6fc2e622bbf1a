"""`enlace holidays`: days on which nobody is expected to work."""

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.at_server import Row, act, day, settings
from bot.cli.console import print_rows, talk
from bot.cli.options import JsonOption, PlanOption
from bot.errors import Complaint

if TYPE_CHECKING:
    from bot.chat.actor import Actor

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
        _furnish(actor)
        return [
            {"day": one.on.isoformat(), "name": one.name or "added by an administrator"}
            for one in actor.unit.holidays.all(actor.plan_id)
            if one.on >= first and not one.is_removed
        ]

    print_rows(act(plan_code, work, at=chosen), as_json)


@app.command()
def add(on: DayArgument, plan_code: PlanOption = "") -> None:
    """Add a day on which nobody is expected to work. Days of future periods move with it."""
    from bot.acts.calendar.holidays import add_holiday

    chosen = settings()
    new = day("DAY", on, chosen)

    def work(actor: "Actor") -> None:
        _furnish(actor)
        add_holiday(actor, new)

    act(plan_code, work, at=chosen)
    talk(f"{on} is a holiday.")


@app.command()
def remove(on: DayArgument, plan_code: PlanOption = "") -> None:
    """Remove a holiday. Days of future periods move back."""
    from bot.acts.calendar.holidays import remove_holiday

    chosen = settings()
    old = day("DAY", on, chosen)

    def work(actor: "Actor") -> None:
        _furnish(actor)
        if not remove_holiday(actor, old):
            raise Complaint(f"{old.isoformat()} is no holiday: see 'enlace holidays list'.")

    act(plan_code, work, at=chosen)
    talk(f"{on} is no holiday.")


def _furnish(actor: "Actor") -> None:
    """Add the country's holidays before anybody changes them, also if the bot has not run yet."""
    from bot.acts.calendar.holidays import add_public_holidays

    add_public_holidays(actor.unit, actor.unit.plans.by_id(actor.plan_id), actor.now)
