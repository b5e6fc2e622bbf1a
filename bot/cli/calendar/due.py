"""`enlace due` and `enlace digest`: what would be sent and reported, and the coordination's digest of a week."""

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from bot.cli.at_server import Row, look, moment, now, settings
from bot.cli.console import expect_language, print_rows
from bot.cli.options import JsonOption, LanguageOption, PlanOption

if TYPE_CHECKING:
    from bot.settings import Settings
    from storage.plan.plans import Plan
    from storage.unit_of_work import UnitOfWork

app = typer.Typer()


@app.command()
def digest(
    week: Annotated[str, typer.Option(metavar="DAY", help="The Monday it is for, or any day of that week.")] = "",
    language: LanguageOption = "",
    plan_code: PlanOption = "",
) -> None:
    """Print the coordinator's digest. For a past week, it shows what is known today."""
    from bot.open_storage import open_storage, plan_named
    from bot.schedule.digests import WEEK, printed

    chosen = settings()
    expect_language(language)
    instant = _monday(moment("--week", week, chosen), chosen) if week else now()
    with open_storage(chosen) as database, database.view() as unit:
        plan = plan_named(unit, plan_code)
        print(printed(unit, plan.id, instant, instant - WEEK, language or chosen.language))


def _monday(instant: datetime, chosen: "Settings") -> datetime:
    """The Monday of that week, at the hour of the digest."""
    zone = ZoneInfo(chosen.timezone)
    day = instant.astimezone(zone).date()
    return datetime.combine(day - timedelta(days=day.weekday()), time(8, 30), zone)


@app.command()
def due(
    at: Annotated[str, typer.Option("--at", metavar="ISO", help="As of this instant.")] = "",
    reports: Annotated[bool, typer.Option("--reports", help="Instead: what each agency has still to report.")] = False,
    plan_code: PlanOption = "",
    as_json: JsonOption = False,
) -> None:
    """Print the scheduled messages that would be sent now and to whom, and why others get none. Send nothing."""
    chosen = settings()
    instant = now() if not at else moment("--at", at, chosen)
    print_rows((_reports if reports else _messages)(chosen, instant, plan_code), as_json)


def _reports(chosen: "Settings", instant: datetime, plan_code: str) -> list[Row]:
    """Return what each agency still has to report at that instant."""
    on = instant.astimezone(ZoneInfo(chosen.timezone)).date()

    def rows(unit: "UnitOfWork", plan: "Plan") -> list[Row]:
        return [
            {
                "agency": agency.code,
                "code": due.code,
                "period": due.period.code,
                "due_on": due.period.due_on.isoformat(),
                "title": due.item.title(chosen.language),
            }
            for agency in unit.plans.agencies(plan.id)
            for due in unit.plans.due(plan.id, agency.id, on)
        ]

    return look(plan_code, rows, at=chosen)


def _messages(chosen: "Settings", instant: datetime, plan_code: str) -> list[Row]:
    """A row for each schedule and each person it is for. What would be said comes first."""
    from bot.open_storage import open_storage, plan_named
    from bot.schedule import scheduler
    from bot.schedule.explain import explained
    from conversations.wording import wording

    say = wording(chosen.language)

    def furnished(unit: "UnitOfWork") -> int:
        plan = plan_named(unit, plan_code)
        scheduler.ensure_schedules(unit, plan.id, instant)
        return plan.id

    with open_storage(chosen) as database:
        plan_id = database.units.submit(None, furnished).result()
        with database.view() as unit:
            found = sorted(explained(unit, instant, chosen.timezone, plan_id), key=lambda one: not one.is_said)
    return [
        {
            "verdict": say("due.said" if one.is_said else "due.not_said"),
            "what": one.what,
            "name": one.who.name,
            "role": one.who.role.value,
            "agency": one.who.agency_code or "-",
            "why": one.why(say),
        }
        for one in found
    ]
