"""The rows from which an agenda is made (`conversations.plan.calendar.agenda_rows`).

They take a fixed number of statements. The size of the plan does not matter.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, bindparam, func, literal_column, not_, or_, select

from conversations.plan.calendar.agenda import PASSING, Agenda
from conversations.plan.calendar.agenda_rows import (
    LOOK_BACK,
    AgendaRows,
    Delegated,
    OutlookRows,
    PassedRows,
    Reports,
    Scope,
    Sent,
    closing_steps,
    concerned,
    ended_together,
)
from conversations.plan.calendar.ledger import BESIDE, LADDER, LONGEST, SAID, LedgerRow, job_name
from conversations.plan.figures.monitoring import LOOK_BACK as CLOSINGS_KNOWN
from conversations.plan.periods import ReportingPeriod
from storage.calendar.holidays import Holidays, known_since
from storage.calendar.pauses import Pauses
from storage.calendar.recipients import Recipients
from storage.database.facts import Facts
from storage.database.models import Base, columns_of
from storage.database.statements import Prepared, one_of, prepared
from storage.database.unit import Repository
from storage.people.delegations import Delegations
from storage.plan.past_reports import ENDING_REPORTS, to_report
from storage.plan.plans import Plans
from storage.plan.seen_periods import reopened_for, seen_locks_on

_tables = Base.metadata.tables
_plan = _tables["plan"]
_fire = _tables["fire"]
_person = _tables["person"]
_membership = _tables["membership"]
_agency = _tables["agency"]
_period = _tables["reporting_period"]
_submission = _tables["submission"]
_closing = _tables["closing"]
_session = _tables["session"]
_reopening = _tables["reopening"]
_OF_PLAN: Any = bindparam("plan_id")
_LEDGER = (
    select(
        *(_fire.c[name] for name in LedgerRow.__slots__ if name in _fire.c),
        _person.c.timezone,
        select(_plan.c.timezone).where(_plan.c.id == _OF_PLAN).scalar_subquery(),
    )
    .join(_person, _person.c.id == _fire.c.person_id)
    .where(_fire.c.plan_id == _OF_PLAN, _fire.c.window >= bindparam("since"))
)
_OWN = _LEDGER.where(_fire.c.what == bindparam("what"))
_OWN_OF = _OWN.where(_fire.c.person_id.in_(bindparam("people", expanding=True)))
# Messages of every job that shares people's budget, sent or waiting, in all plans of this plan's people
# (docs/domain.md#reminders).
_OTHERS = (
    select(
        *(_fire.c[name] for name in LedgerRow.__slots__ if name in _fire.c),
        _person.c.timezone,
        select(_plan.c.timezone).where(_plan.c.id == _OF_PLAN).scalar_subquery(),
    )
    .join(_person, _person.c.id == _fire.c.person_id)
    .where(
        _fire.c.plan_id.in_(select(_plan.alias().c.id)),  # the index on (plan, person) finds them
        _fire.c.person_id.in_(select(_membership.c.person_id).where(_membership.c.plan_id == _OF_PLAN)),
        _fire.c.window >= bindparam("since"),
        not_(one_of(_fire.c.what, sorted(BESIDE))),
        one_of(_fire.c.state, SAID),
        or_(
            _fire.c.state == literal_column("'queued'"),
            func.coalesce(_fire.c.settled_at, _fire.c.fired_at) >= bindparam("said_since"),
        ),
    )
)
# Count for the agency that they reported for at that time. Their role today, or in other plans, does not matter.
_ANSWERS = (
    select(_agency.c.code, _fire.c.answer)
    .join(
        _membership,
        and_(
            _membership.c.person_id == _fire.c.person_id,
            _membership.c.plan_id == _fire.c.plan_id,
            _membership.c.active_from <= _fire.c.fired_at,
            or_(_membership.c.active_to.is_(None), _membership.c.active_to > _fire.c.fired_at),
        ),
    )
    .join(_agency, _agency.c.id == _membership.c.agency_id)
    .where(
        _fire.c.plan_id == _OF_PLAN, _fire.c.window >= bindparam("since"), not_(one_of(_fire.c.answer, ("", *PASSING)))
    )
    .order_by(_fire.c.id)
)
_LOCKED_UNCLOSED = Prepared(
    select(_period.c.id)
    .where(
        _period.c.plan_id == _OF_PLAN,
        _period.c.end_on >= bindparam("since"),
        _period.c.locks_on > bindparam("kept_since"),
        _period.c.locks_on <= bindparam("today"),
        ~select(_closing.c.id)
        .where(_closing.c.reporting_period_id == _period.c.id, _closing.c.agency_id == bindparam("agency_id"))
        .exists(),
    )
    .limit(literal_column("1"))
)
_DRAFTS = (
    select(_session.c.person_id, _session.c.subject, seen_locks_on.label("locks_on"))
    .join(_period, _period.c.id == _session.c.reporting_period_id)
    .outerjoin(_reopening, reopened_for(_session.c.agency_id))
    .where(
        _session.c.plan_id == _OF_PLAN,
        _session.c.state == literal_column("'open'"),
        _session.c.subject.is_not(None),
        # A correction that was opened and not touched holds nothing that the sent report does not.
        or_(_session.c.supersedes_id.is_(None), _session.c.touched_at > _session.c.opened_at),
        seen_locks_on > bindparam("after"),
        seen_locks_on <= bindparam("until"),
    )
    .order_by(_session.c.id)
)
_REPORTED = (
    select(
        *columns_of(
            Sent,
            _submission,
            period=_period.c.code,
            state=_submission.c.validation_state,
            promises=_submission.c.promises_evidence,
            sent_at=_submission.c.submitted_at,
            plan_timezone=_plan.c.timezone,
        )
    )
    .join(_period, _period.c.id == _submission.c.reporting_period_id)
    .join(_plan, _plan.c.id == _submission.c.plan_id)
    .where(
        _submission.c.plan_id == _OF_PLAN,
        _submission.c.is_current,
        _submission.c.subject.is_not(None),
        _submission.c.reporting_period_id.in_(bindparam("period_ids", expanding=True)),
    )
)
_CLOSED = (
    select(_agency.c.code.label("agency"), _period.c.code.label("period"), _closing.c.closed_at, _plan.c.timezone)
    .select_from(_closing)
    .join(_plan, _plan.c.id == _closing.c.plan_id)
    .join(_agency, _agency.c.id == _closing.c.agency_id)
    .join(_period, _period.c.id == _closing.c.reporting_period_id)
    .where(_closing.c.plan_id == _OF_PLAN, _period.c.end_on >= bindparam("since"))
)


class Agendas(Repository):
    """The rows from which an agenda is made."""

    def outlook_rows(
        self, plan_id: int, today: date, what: str = LADDER, people: Collection[int] | None = None
    ) -> OutlookRows:
        """The rows for the outlook of one job on a day of the plan.

        If `people` are named, only their rows of the ledger.
        """
        since = (today - LOOK_BACK).isoformat()
        own: dict[str, Any] = {"plan_id": plan_id, "what": what, "since": since}
        if people is None:
            ledger = self._rows(_OWN, **own)
        else:
            ledger = self._expanded(_OWN_OF, **own, people=sorted(people))
        # The ladder learns how much of people's budgets is spent; all others, who has had a notice today.
        back = LONGEST if what == LADDER else timedelta(days=2)
        said_since = datetime.combine(today - back, time(0), UTC)
        others: list[Any] = []
        if job_name(what) not in BESIDE:
            windows_since = (today - max(back, LOOK_BACK)).isoformat()
            others = self._rows(_OTHERS, plan_id=plan_id, since=windows_since, said_since=said_since)
        return OutlookRows(
            plan_id=plan_id,
            what=what,
            today=today,
            holidays=self._unit.of(Holidays).days(plan_id),
            periods=self._unit.of(Plans).periods(plan_id),
            ledger=[LedgerRow(*row) for row in ledger],
            others=[LedgerRow(*row) for row in others],
            pauses=tuple(one.pause for one in self._unit.of(Pauses).current(plan_id, today - LOOK_BACK)),
            delegations=[
                Delegated(one.person_id, one.deputy_id if one.receives else None, one.begun_at, one.until_on)
                for one in self._unit.of(Delegations).of_plan(plan_id)
            ],
            # Drafts lapse in the first minute of the day on which their period locks.
            drafts=[
                (person_id, subject.partition(":")[2], on)
                for person_id, subject, on in self._rows(
                    _DRAFTS, plan_id=plan_id, after=today, until=today + timedelta(days=7)
                )
            ],
        )

    def agenda_rows(self, plan_id: int, outlook: Agenda, scope: Scope) -> AgendaRows:
        """The rows that complete an outlook to an agenda, within the scope."""
        today, periods, is_closing = outlook.today, concerned(outlook).values(), bool(closing_steps(outlook))
        reports = self.reports(plan_id, periods, scope.agencies)
        since = min([today - CLOSINGS_KNOWN, *(period.end_on for period in periods)])
        indicators = self._unit.of(Plans).indicators(plan_id) if scope.contributing else ()
        answers = self._rows(_ANSWERS, plan_id=plan_id, since=(today - LOOK_BACK).isoformat()) if is_closing else []
        return AgendaRows(
            reports=reports,
            closed=self.closed(plan_id, since),
            kept_since=self.kept_since(plan_id, today) if is_closing else today,
            indicators=tuple(one for one in indicators if one.subject not in reports.unreportable),
            reporters=() if scope.is_decided and not is_closing else self._unit.of(Recipients).reporters(plan_id),
            answers={row.code: row.answer for row in answers},
            letters=self.letters(plan_id) if is_closing else {},
        )

    def may_have_let_lock(self, plan_id: int, agency_id: int, today: date) -> bool:
        """Whether some period has locked that the agency never closed.

        One statement: without such a period nobody need read `passed_rows`, and most who ask have none.
        """
        values = {
            "plan_id": plan_id,
            "agency_id": agency_id,
            "since": today - CLOSINGS_KNOWN,
            "kept_since": self.kept_since(plan_id, today),
            "today": today,
        }
        return bool(_LOCKED_UNCLOSED.rows(self._connection, values))

    def passed_rows(self, plan_id: int, today: date, agency: str | None = None) -> PassedRows:
        """The rows that tell how many periods in a row locked before agencies closed them."""
        periods = self._unit.of(Plans).periods(plan_id)
        return PassedRows(
            periods=periods,
            reports=self.reports(plan_id, ended_together(periods, today), None if agency is None else {agency}),
            closed=self.closed(plan_id, today - CLOSINGS_KNOWN),
            kept_since=self.kept_since(plan_id, today),
        )

    def reports(
        self, plan_id: int, periods: Iterable[ReportingPeriod], agencies: Collection[str] | None = None
    ) -> Reports:
        """The activities of these agencies, or of all, and the reports that they sent for these periods."""
        ids = [period.id for period in periods]
        return Reports(
            activities=self._unit.of(Plans).activities_ever(plan_id, agencies=agencies),
            ending=tuple(map(to_report, self._rows(ENDING_REPORTS, plan_id=plan_id))),
            sent=tuple(Sent(*row) for row in self._expanded(_REPORTED, plan_id=plan_id, period_ids=ids)),
            unreportable=self._unit.of(Plans).unreportable(plan_id),
        )

    def closed(self, plan_id: int, since: date) -> dict[tuple[str, str], date]:
        """Return, by agency and period, the day on which it was closed; of the periods that end since a day."""
        return {
            (row.agency, row.period): row.closed_at.astimezone(ZoneInfo(row.timezone)).date()
            for row in self._rows(_CLOSED, plan_id=plan_id, since=since)
        }

    def kept_since(self, plan_id: int, today: date) -> date:
        """Return since when the plan's calendar is kept here.

        Periods that locked before do not count against anybody.
        """
        learnt_at = self._unit.of(Facts).learnt_at(known_since(plan_id))
        timezone = self._unit.of(Plans).by_id(plan_id).timezone
        return learnt_at.astimezone(ZoneInfo(timezone)).date() if learnt_at else today

    # -------------------------------------------------------------- letters
    def put_letter_off(self, plan_id: int, agency_code: str, row: Sequence[ReportingPeriod], now: datetime) -> None:
        """Offer no letter to this agency's head before one more period of its row has passed."""
        self._unit.of(Facts).set(f"{_letters(plan_id)}{agency_code}", row[-1].code, now)

    def letters(self, plan_id: int) -> dict[str, str]:
        """Return, by agency, the period up to which a letter to its head was put off."""
        prefix = _letters(plan_id)
        return {name.removeprefix(prefix): last for name, last, _ in self._unit.of(Facts).starting(prefix)}

    # -------------------------------------------------------------- inside
    def _rows(self, statement: Select[*tuple[Any, ...]], **values: object) -> list[Any]:
        return prepared(statement).rows(self._connection, values)

    def _expanded(self, statement: Select[*tuple[Any, ...]], **values: object) -> list[Any]:
        """The rows of a statement with an IN of a list, which cannot be prepared."""
        return list(self._connection.execute(statement, values))


def _letters(plan_id: int) -> str:
    """Return the beginning of the names of facts that store up to which period a letter was put off."""
    return f"letter.{plan_id}."
