"""`enlace periods`: reporting periods, moved for everybody or reopened for one agency.

The rules are those of the chat: what no button offers there is refused here.
"""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.at_server import Row, act, agency_named, look, settings, today
from bot.cli.console import fail, print_rows, talk
from bot.cli.options import JsonOption, PlanOption
from bot.errors import Complaint, Misuse

if TYPE_CHECKING:
    from bot.chat.actor import Actor
    from conversations.plan.model import Agency
    from conversations.plan.periods import ReportingPeriod
    from storage.plan.plans import Plan
    from storage.unit_of_work import UnitOfWork

app = typer.Typer(no_args_is_help=True)

PeriodArgument = Annotated[str, typer.Argument(metavar="PERIOD", help="Its code, such as 201809 or 2018Q3.")]


@app.command("list")
def list_periods(plan_code: PlanOption = "", as_json: JsonOption = False) -> None:
    """List the periods: code, state, days, and the agencies that have a period reopened or asked for it."""
    from conversations.plan.periods import ONE_DAY

    chosen = settings()
    on = today(chosen)

    def rows(unit: "UnitOfWork", plan: "Plan") -> list[Row]:
        found = unit.periods.reopenings(plan.id, on)
        return [
            {
                "period": period.code,
                "state": period.stage(on),
                "opens": period.opens_on.isoformat(),
                "due": period.due_on.isoformat(),
                "grace_until": period.grace_until_on.isoformat(),
                "locks": period.locks_on.isoformat(),
                "reopened": [
                    f"{one.agency_code}:{(one.until_on - ONE_DAY).isoformat()}"
                    for one in found
                    if one.period_id == period.id and one.until_on is not None
                ],
                "asked": [one.agency_code for one in found if one.period_id == period.id and one.is_asked],
            }
            for period in unit.plans.periods(plan.id)
        ]

    print_rows(look(plan_code, rows, at=chosen), as_json)


@app.command()
def move(
    code: PeriodArgument,
    opens: Annotated[bool, typer.Option("--open", help="Open it today.")] = False,
    locks: Annotated[bool, typer.Option("--lock", help="Lock it at the end of today.")] = False,
    days: Annotated[int | None, typer.Option("--days", help="1, 3 or 5 days more for everybody.")] = None,
    plan_code: PlanOption = "",
) -> None:
    """Open or lock a period earlier or later, for all agencies; reminders follow its days."""
    from bot.acts.plan.periods import moves, set_days

    if opens + locks + (days is not None) != 1:
        fail("Say one of --open, --lock and --days", 2)
    wanted = "open" if opens else "lock" if locks else f"more{days}"

    def work(actor: "Actor") -> "ReportingPeriod":
        period = _period(actor, code)
        found = moves(actor, period)
        if wanted not in found:
            can = ", ".join(_option(name) for name in found)
            raise Complaint(f"Period {code} is {_STAGES[period.stage(actor.today)]}: what can be done is {can}.")
        actor.tell(set_days(actor, found[wanted]))
        return _period(actor, code)

    moved = act(plan_code, work)
    talk(f"{code} opens {moved.opens_on}, is due {moved.due_on} and locks {moved.locks_on}.")


@app.command()
def correct(
    code: PeriodArgument,
    item: Annotated[str, typer.Argument(metavar="ACTIVITY|INDICATOR", help="Its code, as in the plan.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it stays in the log.")],
    lead: Annotated[str, typer.Option("--lead", metavar="AGENCY", help="The agency that had to report it.")] = "",
    values: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="cadence, target, start_date or due_date; several at once."),
    ] = None,
    plan_code: PlanOption = "",
) -> None:
    """Correct what was expected in a period that has locked, and of whom. Every figure that it moves is marked."""
    from bot.acts.plan.periods import correct
    from storage.errors import Conflict, NotFound

    if not reason.strip():
        fail("A correction needs a reason: --reason", 2)
    pairs = [each.partition("=") for each in values or ()]
    changes = {field.strip(): value.strip() for field, _, value in pairs} | ({"lead": lead} if lead else {})
    if not changes:
        fail("Say what it should have been: --lead or --set", 2)

    def work(actor: "Actor") -> dict[str, str]:
        try:
            return correct(actor, _period(actor, code), item, changes, reason.strip())
        except (Conflict, NotFound, ValueError) as error:
            raise Complaint(
                f"{error}. A correction is of a locked period, a row of the plan and values that it can have."
            ) from error

    for field, was in act(plan_code, work).items():
        before, now = was or "nothing", changes[field] or "nothing"
        talk(f"{item} in {code}, {field}: {before} before, {now} now. It is marked as corrected.")


_STAGES = {
    "ahead": "yet to open",
    "open": "open",
    "grace": "in its days of grace",
    "late": "late, and locks soon",
    "locked": "locked",
}


def _option(wanted: str) -> str:
    return f"--days {wanted.removeprefix('more')}" if wanted.startswith("more") else f"--{wanted}"


@app.command()
def reopen(
    code: PeriodArgument,
    agency: Annotated[str, typer.Option(help="For this agency alone.")],
    days: Annotated[int, typer.Option("--days", help="For 1, 3 or 7 days.")] = 3,
    reason: Annotated[
        str, typer.Option(help="correction, missing, trouble, or in words; the one that the agency gave.")
    ] = "",
    plan_code: PlanOption = "",
) -> None:
    """Reopen a locked period for one agency. Its people are told. The reopening ends by itself."""
    from bot.acts.plan.periods import LONGEST_REASON, REOPENED_DAYS, reopen_for, standing_of
    from conversations.session.safeguards.characters import clean
    from conversations.session.safeguards.guard import personal_data

    if days not in REOPENED_DAYS:
        raise Misuse(f"--days is one of {', '.join(map(str, REOPENED_DAYS))}.")
    reason = clean(reason)
    if len(reason) > LONGEST_REASON:
        raise Misuse(f"--reason has {LONGEST_REASON} characters at most; this one has {len(reason)}.")
    if personal_data(reason, strict=False) is not None:
        raise Misuse(
            "--reason seems to hold personal data (a phone, an e-mail) or the place of a shelter: say it without."
        )

    def work(actor: "Actor") -> date:
        found = agency_named(actor.unit, actor.plan_id, agency)
        period = _period(actor, code, found)
        if period.stage(actor.today) != "locked":
            last = period.last_on.isoformat()
            raise Complaint(f"Period {code} is not locked for {found.code}: they can report until {last}.")
        standing = standing_of(actor, period, found)
        given = reason or (standing.reason if standing is not None and standing.is_asked else "")
        if not given:
            raise Misuse(f"{found.code} has not asked for it: say why with --reason.")
        last_day, news = reopen_for(actor, period, found, days, given)
        actor.tell(news)
        return last_day

    talk(f"{code} is open for {agency} until {act(plan_code, work)}.")


@app.command()
def end(
    code: PeriodArgument, agency: Annotated[str, typer.Option(help="Code of the agency.")], plan_code: PlanOption = ""
) -> None:
    """End an agency's reopening before its last day, or refuse the one it asked for. Its people are told."""
    from bot.acts.plan.periods import end_reopening, standing_of

    def work(actor: "Actor") -> bool:
        """Return whether the reopening was only asked for."""
        found = agency_named(actor.unit, actor.plan_id, agency)
        period = _period(actor, code, found)
        standing = standing_of(actor, period, found)
        if standing is None:
            raise Complaint(f"Period {code} is not reopened for {found.code}: see 'enlace periods list'.")
        actor.tell(end_reopening(actor, period, found, standing))
        return standing.is_asked

    was_asked = act(plan_code, work)
    talk(f"{code} stays locked for {agency}." if was_asked else f"{code} is locked for {agency} again.")


def _period(actor: "Actor", code: str, agency: "Agency | None" = None) -> "ReportingPeriod":
    from storage.errors import NotFound

    try:
        return actor.unit.plans.period(actor.plan_id, code, agency.id if agency else None)
    except NotFound:
        raise Complaint(f"The plan has no period {code!r}: see 'enlace periods list'.") from None
