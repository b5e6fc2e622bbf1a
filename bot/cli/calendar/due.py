"""`enlace due` and `enlace digest`: what would be sent and reported, and the coordination's digest of a week."""

from datetime import date, datetime, time, timedelta
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
    with open_storage(chosen) as database, database.view() as unit:
        plan = plan_named(unit, plan_code)
        instant = _monday(plan.day_of(moment("--week", week, plan.zone)), plan.zone) if week else now()
        print(printed(unit, plan.id, instant, instant - WEEK, language or chosen.language))


def _monday(day: date, zone: ZoneInfo) -> datetime:
    """The Monday of that week, at the hour of the digest."""
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
    print_rows((_reports if reports else _messages)(chosen, at, plan_code), as_json)


def _instant(at: str, plan: "Plan") -> datetime:
    return moment("--at", at, plan.zone) if at else now()


def _reports(chosen: "Settings", at: str, plan_code: str) -> list[Row]:
    """Return what each agency still has to report at that instant."""

    def rows(unit: "UnitOfWork", plan: "Plan") -> list[Row]:
        on = plan.day_of(_instant(at, plan))
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


def _messages(chosen: "Settings", at: str, plan_code: str) -> list[Row]:
    """A row for each schedule and each person it is for. What would be said comes first."""
    from bot.open_storage import open_storage, plan_named
    from bot.schedule import scheduler
    from bot.schedule.explain import explained
    from conversations.wording import wording

    say = wording(chosen.language)

    def furnished(unit: "UnitOfWork") -> tuple[int, datetime]:
        plan = plan_named(unit, plan_code)
        instant = _instant(at, plan)
        scheduler.ensure_schedules(unit, plan.id, instant)
        return plan.id, instant

    with open_storage(chosen) as database:
        plan_id, instant = database.units.submit(None, furnished).result()
        with database.view() as unit:
            found = sorted(explained(unit, instant, plan_id), key=lambda one: not one.is_said)
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
