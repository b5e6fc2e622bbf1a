"""What is in place when the demonstration begins: people, forms, last period's reports, and who hears of it all."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.acts.calendar.holidays import country_of, public_holidays
from bot.acts.people.enrolment import Newcomer, enrol
from bot.chat.form_cache import FormCache
from bot.demo.cast import BEGINS, CAST, MINISTER, Cast, Furnished
from bot.open_storage import open_storage
from bot.settings import Settings
from bot.setup import set_up
from conversations.plan.expected import expected_activities
from conversations.plan.model import Activity, Role
from conversations.plan.periods import ReportingPeriod
from conversations.plan.sharing.events import INTERNAL, kinds_for
from conversations.session import engine
from conversations.session.engine import Given
from conversations.session.events import Event, Tap, Typed
from conversations.session.questions import is_sending
from conversations.session.session import Session
from conversations.xforms.form import Form
from conversations.xforms.instance import Filling
from storage.messages.endpoints import NewEndpoint, Target
from storage.reports.submissions import NewSubmission
from storage.unit_of_work import UnitOfWork

HERE: Final = "127.0.0.1"
LAST_PERIODS = ("2018Q2", "201808")
WAITING = (("PRE-103", "2018Q3"), ("ASI-301", "201809"))
_Due = tuple[Activity, ReportingPeriod, datetime]


def furnish(settings: Settings, target: Target) -> Furnished:
    """Make what is missing. `target` gets every event from now on."""
    for sentence in set_up(settings, BEGINS.astimezone(UTC)):
        print(sentence, file=sys.stderr)
    if seed(settings):
        print("People enrolled, last period's reports and two of this one's in place.", file=sys.stderr)
    start = wake(settings)
    hear(settings, target, start)
    holidays = public_holidays(country_of(settings.timezone), start.year, start.year + 6)
    return Furnished(start, data_token(settings, start), frozenset(holidays))


def hear(settings: Settings, target: Target, now: datetime) -> None:
    """Make this demonstration's receiver the one that gets every event. Remove the receiver of an earlier run."""

    def work(unit: UnitOfWork) -> None:
        plan_id = unit.plans.only().id
        for each in unit.endpoints.all(plan_id):
            if each.host == HERE:
                unit.endpoints.remove(each, now=now, by=None)
        new = NewEndpoint(target, HERE, audience=INTERNAL, kinds=kinds_for(INTERNAL))
        unit.endpoints.add(plan_id, new, now, by=None)

    with open_storage(settings) as database:
        database.units.submit(None, work).result()


READER: Final = "demo"


def data_token(settings: Settings, now: datetime) -> str:
    """Make a public token for this demonstration's reader. Revoke the token of an earlier run."""

    def work(unit: UnitOfWork) -> str:
        plan_id = unit.plans.only().id
        for each in unit.tokens.all(plan_id, only_open=True):
            if each.name == READER:
                unit.tokens.revoke(plan_id, each.prefix, now, None)
        return unit.tokens.make(plan_id, "public", READER, now, None).secret

    with open_storage(settings) as database:
        return database.units.submit(None, work).result()


# ------------------------------------------------------------------ what is in place when it begins
def seed(settings: Settings) -> bool:
    """Enrol the cast, send every agency's reports until October, and leave two reports to review.

    It is one unit: a demo that was interrupted begins again. False if it is done already.
    """

    def work(unit: UnitOfWork) -> bool:
        if unit.people.list(unit.plans.only().id):
            return False
        populate(unit, settings)
        _enrol(unit, settings, [MINISTER])
        _report(unit, settings, _waiting(unit), is_validated=False)
        return True

    with open_storage(settings) as database:
        return database.units.submit(None, work).result()


def populate(unit: UnitOfWork, settings: Settings) -> None:
    """The cast with their roles, and last period's reports, reviewed already."""
    _enrol(unit, settings, CAST)
    _report(unit, settings, _last(unit), is_validated=True)


def wake(settings: Settings) -> datetime:
    """The time at which the demo goes on: its beginning, or just after the last act of an earlier run.

    Telegram begins with empty phones, so no chat has a present card any more.
    """
    from sqlalchemy import func, select, update

    from storage.database.models import Chat, ProcessedUpdate, table

    def work(unit: UnitOfWork) -> datetime | None:
        unit.connection.execute(update(table(Chat)).values(card_id=None))
        latest: datetime | None = unit.connection.execute(
            select(func.max(table(ProcessedUpdate).c.processed_at))
        ).scalar()
        return latest

    with open_storage(settings) as database:
        latest = database.units.submit(None, work).result()
    begin = BEGINS.astimezone(UTC)
    return max(begin, latest + timedelta(minutes=1)) if latest else begin


def _enrol(unit: UnitOfWork, settings: Settings, members: Iterable[Cast]) -> None:
    for member in members:
        enrol(
            unit,
            Newcomer(member.telegram_id, member.name, member.role, member.agency, member.language),
            BEGINS.astimezone(UTC) - timedelta(days=60),
            settings.timezone,
        )


_PROGRESS = (12, 35, 20, 8, 50, 27, 15, 40, 5, 60)
_NEXT_STEPS = (
    "Convocar la próxima jornada con los equipos locales",
    "Revisar el material con la mesa técnica antes de fin de mes",
    "Enviar el borrador a las instituciones de apoyo",
    "Cerrar el calendario del próximo trimestre",
)


def _last(unit: UnitOfWork) -> Iterator[_Due]:
    """The reports that were due before October."""
    plan = unit.plans.only()
    for code in LAST_PERIODS:
        period = unit.plans.period(plan.id, code)
        at = datetime(period.opens_on.year, period.opens_on.month, 4, 14, 0, tzinfo=UTC)
        for activity in expected_activities(unit.plans.activities(plan.id), period):
            yield activity, period, at


def _waiting(unit: UnitOfWork) -> Iterator[_Due]:
    """The reports that were sent the day before and are in the coordinator's queue."""
    plan = unit.plans.only()
    for activity, period in WAITING:
        yield (
            unit.plans.activity(plan.id, activity),
            unit.plans.period(plan.id, period),
            BEGINS.astimezone(UTC) - timedelta(hours=16),
        )


def _report(unit: UnitOfWork, settings: Settings, due: Iterator[_Due], *, is_validated: bool) -> None:
    """Reports that are filled through the same engine as in the chat."""
    plan = unit.plans.only()
    version = unit.forms.current(plan.id, "activity_report")
    if version is None:
        return
    form = FormCache(settings.timezone).version(unit, version.id)
    reporters = {
        person.membership.agency_id: person.id
        for person in unit.people.list(plan.id)
        if person.membership and person.membership.role is Role.FOCAL_POINT
    }
    fallback = next(p.id for p in unit.people.list(plan.id) if p.membership and p.membership.role is Role.COORDINATOR)
    agencies = {agency.code: agency.id for agency in unit.plans.agencies(plan.id)}
    for number, (activity, period, at) in enumerate(due, 1):
        unit.submissions.add(
            NewSubmission(
                plan_id=plan.id,
                form_id=version.form_key,
                form_version_id=version.id,
                instance_id=f"uuid:demo-{period.code}-{activity.code}",
                person_id=reporters.get(agencies[activity.agency_code], fallback),
                agency_id=agencies[activity.agency_code],
                subject=activity.subject,
                reporting_period_id=period.id,
                answers=fill(form, activity, period, number, at, settings),
                sensitive=activity.is_restricted,
                language="es",
                activity_status="in_progress",
                progress=_PROGRESS[number % len(_PROGRESS)],
                started_at=at,
                validation_state="validated" if is_validated else "submitted",
            ),
            at + timedelta(minutes=number),
        )


def fill(
    form: Form, activity: Activity, period: ReportingPeriod, number: int, at: datetime, settings: Settings
) -> dict[str, str]:
    """An "en curso" report as an officer taps it."""
    values = {
        "agency": activity.agency_code,
        "activity": activity.code,
        "period": period.code,
        "prev_progress": "0",
        "restricted": "yes" if activity.is_restricted else "no",
    }
    filling = Filling(f"uuid:demo-{period.code}-{activity.code}", at, settings.timezone, "es")
    taken = engine.begin(
        form, filling, Given(values=values, restricted=activity.is_restricted, strict=activity.care.is_read_strictly)
    )
    answers = {
        "status": "in_progress",
        "progress": str(_PROGRESS[number % len(_PROGRESS)]),
        "reached": "no",
        "evidence_type": "later",
        "next_step": _NEXT_STEPS[number % len(_NEXT_STEPS)],
    }
    for _ in range(len(form.questions)):
        node = taken.instance.node(taken.session.at)
        if is_sending(node.question):
            break
        taken = engine.step(form, taken.session, _event(taken.session, node.question.name, answers), now=at)
    return taken.instance.answers()


def _event(session: Session, name: str, answers: Mapping[str, str]) -> Event:
    if name in answers:
        return Typed(answers[name], 1)
    return Tap(session.turn, "skip")
