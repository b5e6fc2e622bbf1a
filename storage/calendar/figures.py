"""Read-only numbers from which digests, cards and dashboards are counted, in a fixed number of statements.

Everybody asks for a digest on Monday morning at once. However large the plan and however long its history, it takes ten
statements. Reports older than the compared closings are not read, except each activity's last report and those that
promise evidence. `conversations.plan.figures.monitoring` decides what is counted from them.
"""

import contextlib
import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from operator import attrgetter, itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, bindparam, case, false, func, literal, literal_column, not_, or_, select

from conversations.plan.figures.annual import IndicatorYear, this_year
from conversations.plan.figures.closings import ClosingHistory, closing_history, closings_until
from conversations.plan.figures.monitoring import COLUMNS, LOOK_BACK, ActivityStanding, Standing, standing
from conversations.plan.figures.standing_records import Closed, Closing, Detail, Queue, Records, Report, Reporter
from conversations.plan.model import AGENCY_ROLES, Activity, ActivityStatus, Indicator, Role, ValidationState
from conversations.plan.periods import Frequency, ReportingPeriod
from storage.calendar.details import DetailOfAnswers, parts_of
from storage.calendar.holidays import known_since
from storage.database.facts import Facts
from storage.database.models import Base
from storage.database.statements import Prepared, value_reader
from storage.database.unit import Unit
from storage.plan.cadences import Cadences
from storage.plan.plans import Plans
from storage.reports.revisions import revisions
from storage.reports.submissions import row

_tables = Base.metadata.tables
_agency = _tables["agency"]
_activity = _tables["activity"]
_area = _tables["strategic_area"]
_objective = _tables["objective"]
_period = _tables["reporting_period"]
_closing = _tables["closing"]
_person = _tables["person"]
_membership = _tables["membership"]

TROUBLED = (ActivityStatus.DELAYED, ActivityStatus.SUSPENDED, ActivityStatus.CANCELLED)
"""The statuses for which the form asks what holds the activity back, and whether a decision is needed."""

_PLAN_ID: Any = bindparam("plan_id")
_AT: Any = bindparam("at")
_FROM: Any = bindparam("from_day")

_OF_ACTIVITIES = (
    select(
        _activity.c.id,
        _activity.c.code,
        _agency.c.code.label("agency_code"),
        _area.c.code.label("area_code"),
        _activity.c.start_on,
        _activity.c.due_on,
        _activity.c.report_frequency,
        _activity.c.short_name,
        _activity.c.sensitivity,
        _activity.c.added_on,
        _activity.c.retired_on,
    )
    .join(_agency, _agency.c.id == _activity.c.agency_id)
    .join(_objective, _objective.c.id == _activity.c.objective_id)
    .join(_area, _area.c.id == _objective.c.strategic_area_id)
    .where(_activity.c.plan_id == _PLAN_ID)
    .order_by(_area.c.position, _activity.c.code)
)
_ACTIVITIES = Prepared(_OF_ACTIVITIES)
_ACTIVITY = Prepared(_OF_ACTIVITIES.where(_activity.c.code == bindparam("code")))


LARGE: int = 500
"""Activities; that many are counted in some 50 ms on a small server."""
_IS_LARGE = Prepared(
    select(_activity.c.id)
    .where(_activity.c.plan_id == _PLAN_ID)
    .limit(literal_column("1"))
    .offset(literal_column(f"{LARGE}"))
)


def _one_of(column: Any, values: Iterable[StrEnum]) -> Any:
    """Return an IN with its values written out, because a statement with a bound list cannot be prepared."""
    return or_(*(column == literal_column(f"'{value.value}'") for value in values))


def _sent_by(table: Any, first: Any) -> Any:
    """Return the condition that a report's first version had been sent by then. Its correction replaces it."""
    began = select(first.c.id).where(first.c.instance_id == table.c.root_id, first.c.submitted_at <= _AT)
    return or_(and_(table.c.version == 1, table.c.submitted_at <= _AT), and_(table.c.version > 1, began.exists()))


_s = _tables["submission"].alias("report")
_first = _tables["submission"].alias("first")
_o = _tables["submission"].alias("older")
_older_first = _tables["submission"].alias("older_first")
_older_period = _period.alias("older_period")
_earlier_period = _period.alias("earlier_period")
_IS_EARLIER = and_(_earlier_period.c.plan_id == _PLAN_ID, _earlier_period.c.end_on < _FROM)
_EARLIER = select(_earlier_period.c.id).where(_IS_EARLIER)
_last_period = _period.alias("last_period")
_LAST_EARLIER = select(_last_period.c.id).where(
    _last_period.c.plan_id == _PLAN_ID,
    _last_period.c.end_on == select(func.max(_earlier_period.c.end_on)).where(_IS_EARLIER).scalar_subquery(),
)

_SUBJECT: Any = bindparam("subject")


def _is_sent(table: Any, first: Any) -> Any:
    """Return the condition that it is a current report about an activity, and was sent by then."""
    return and_(
        table.c.plan_id == _PLAN_ID,
        literal_column(f"{table.name}.is_current"),
        table.c.subject.is_not(None),
        table.c.activity_status.is_not(None),
        _sent_by(table, first),
    )


def _is_validated(table: Any) -> Any:
    return table.c.validation_state == literal(ValidationState.VALIDATED.value)


_l = _tables["submission"].alias("lately")
_lately_first = _tables["submission"].alias("lately_first")
_LATELY = select(_l.c.subject).where(
    _is_sent(_l, _lately_first), _is_validated(_l), _l.c.reporting_period_id.in_(_LAST_EARLIER)
)


# For each activity, the last report before the closings that are looked at: the last validated one and the last other.
# All older reports are read once, period by period: SQLite finds those of a period where they lie together. Few of them
# are put in order, because that is what takes long: most activities have a validated report of the last of the earlier
# closings (`_LATELY`), so that their validated reports before it cannot be the last.
def _older(*which: Any) -> Any:
    return (
        select(
            _o.c.id,
            _o.c.promises_evidence,
            func.row_number()
            .over(
                partition_by=(_o.c.subject, _is_validated(_o)),
                order_by=(_older_period.c.end_on.desc(), _o.c.id.desc()),
            )
            .label("place"),
        )
        .join(_older_period, _older_period.c.id == _o.c.reporting_period_id)
        .where(
            _is_sent(_o, _older_first),
            _o.c.reporting_period_id.in_(_EARLIER),
            or_(
                not_(_is_validated(_o)),
                _o.c.promises_evidence,
                _o.c.reporting_period_id.in_(_LAST_EARLIER),
                _o.c.subject.not_in(_LATELY),
            ),
            *which,
        )
        .subquery("older_reports")
    )


_IS_TROUBLED = _one_of(_s.c.activity_status, TROUBLED)
_file = _tables["attachment"]
_prior = _tables["submission"].alias("prior")
_is_sealed = _s.c.sealed_answers.is_not(None)
_is_correction = _s.c.version > literal_column("1")
_first_sent = select(_first.c.submitted_at).where(_first.c.instance_id == _s.c.root_id).scalar_subquery()
_status_before = (
    select(_prior.c.activity_status).where(_prior.c.instance_id == _s.c.deprecated_instance_id).scalar_subquery()
)
_has_files = select(_file.c.id).where(_file.c.instance_id == _s.c.instance_id).exists()
_present_period = _period.alias("present_period")
_PRESENT = select(_present_period.c.id).where(
    _present_period.c.plan_id == _PLAN_ID, _present_period.c.end_on == bindparam("month_end")
)
_ABOUT = select(
    _s.c.id.label("id"),
    _s.c.subject,
    _s.c.reporting_period_id,
    _s.c.is_current,
    _s.c.validation_state,
    _s.c.activity_status,
    _s.c.progress,
    _s.c.submitted_at,
    case((_is_correction, _first_sent)).label("first_sent_at"),
    case((_is_correction, _status_before)).label("corrected_from"),
    _s.c.promises_evidence,
    _s.c.zero_reason,
    # It is read only for readers who see it.
    case((_s.c.reporting_period_id.in_(_PRESENT), _has_files), else_=false()).label("has_files"),
    case((_IS_TROUBLED, _s.c.answers)).label("answers"),
    case((and_(_is_sealed, _IS_TROUBLED), _s.c.sealed_answers)).label("sealed_answers"),
    case((_is_sealed, _s.c.instance_id)).label("instance_id"),
)
_OF_PLAN = _ABOUT.where(
    _s.c.plan_id == _PLAN_ID, _s.c.subject.is_not(None), _s.c.activity_status.is_not(None), _sent_by(_s, _first)
)
_recent_period = _period.alias("recent_period")
_RECENT = select(_recent_period.c.id).where(_recent_period.c.plan_id == _PLAN_ID, _recent_period.c.end_on >= _FROM)


# What is current, and the few that stand while their correction waits: each by its own index. SQLite knows the one of
# periods by this very condition, and goes through the whole plan if it is named beside the numbers of older reports.
# They come nearly in order, and are not put in order there: it would carry all their columns through its sorting.
def _reports_of(older: Any, *which: Any) -> Prepared:
    needed = select(older.c.id).where(or_(older.c.place == literal_column("1"), older.c.promises_evidence))
    of_plan = _OF_PLAN.where(*which)
    return Prepared(
        of_plan.where(literal_column(f"{_s.name}.is_current"), _s.c.reporting_period_id.in_(_RECENT)).union_all(
            _ABOUT.where(_s.c.id.in_(needed)), of_plan.where(_s.c.is_standing, not_(_s.c.is_current))
        )
    )


_REPORTS = _reports_of(_older())
_REPORTS_OF_ACTIVITY = _reports_of(_older(_o.c.subject == _SUBJECT), _s.c.subject == _SUBJECT)
_CLOSED = Prepared(
    select(_closing.c.agency_id, _closing.c.reporting_period_id, _closing.c.closed_at)
    .join(_period, _period.c.id == _closing.c.reporting_period_id)
    .where(_closing.c.plan_id == _PLAN_ID, _period.c.end_on >= _FROM, _closing.c.closed_at <= _AT)
)
_REPORTERS = Prepared(
    select(
        _membership.c.agency_id,
        _membership.c.role,
        _person.c.name,
        case((_membership.c.active_to <= _AT, _membership.c.active_to)).label("active_to"),
        _person.c.suspended_at.is_not(None).label("is_suspended"),
        _person.c.unreachable_at.is_not(None).label("is_unreachable"),
    )
    .join(_person, _person.c.id == _membership.c.person_id)
    .where(
        _membership.c.plan_id == _PLAN_ID,
        _membership.c.agency_id.is_not(None),
        _membership.c.active_from <= _AT,
        _one_of(_membership.c.role, sorted(AGENCY_ROLES)),
    )
    .order_by(_membership.c.id)
)
_w = _tables["submission"].alias("waiting")
_WAITING = Prepared(
    select(func.count().over().label("count"), _w.c.subject, _agency.c.code, _w.c.submitted_at)
    .outerjoin(_agency, _agency.c.id == _w.c.agency_id)
    .where(
        _w.c.plan_id == _PLAN_ID,
        _w.c.is_current,
        _one_of(_w.c.validation_state, (ValidationState.SUBMITTED, ValidationState.CORRECTED)),
        _w.c.submitted_at <= _AT,
    )
    .order_by(_w.c.submitted_at, _w.c.id)
    .limit(1)
)

_fire = _tables["fire"]
# On how many days somebody was reminded who reported for the agency then, whoever does today; what a coordinator is
# told of others is no reminder, nor is the news that the month has opened.
_REMINDED = Prepared(
    select(_membership.c.agency_id, func.count(_fire.c.window.distinct()))
    .select_from(_fire)
    .join(
        _membership,
        and_(
            _membership.c.person_id == _fire.c.person_id,
            _membership.c.plan_id == _fire.c.plan_id,
            _one_of(_membership.c.role, sorted(AGENCY_ROLES)),
            _membership.c.active_from <= _fire.c.fired_at,
            or_(_membership.c.active_to.is_(None), _membership.c.active_to > _fire.c.fired_at),
        ),
    )
    .where(
        _fire.c.plan_id == _PLAN_ID,
        _fire.c.what == literal("reminders"),
        _fire.c.window >= bindparam("from_window"),
        _fire.c.fired_at <= _AT,
        _fire.c.rungs != literal("open"),
        or_(*(_fire.c.state == literal(state) for state in ("queued", "sent", "ambiguous"))),
    )
    .group_by(_membership.c.agency_id)
)


class Figures:
    """Numbers of a plan. Nothing here writes to the database."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def is_large(self, plan_id: int) -> bool:
        """Whether counting this plan takes so long that others would notice: it has more than some hundreds of
        activities.
        """
        return _IS_LARGE.first(self._unit.connection, {"plan_id": plan_id}) is not None

    def standing(
        self,
        plan_id: int,
        now: datetime,
        since: datetime,
        zone: ZoneInfo,
        *,
        only_validated: bool = False,
    ) -> Standing:
        """The state of the plan at `now`, and the changes since `since`. It takes ten statements."""
        with _uncollected():
            records = self.records(plan_id, now, zone)
            return standing(records, now, since, zone, only_validated=only_validated)

    def activity(
        self,
        plan_id: int,
        code: str,
        now: datetime,
        since: datetime,
        zone: ZoneInfo,
        *,
        only_validated: bool = False,
    ) -> ActivityStanding | None:
        """Return one activity as `standing` counts it, without reading the reports of the others. None if it is not
        in the plan any more.
        """
        plans, connection = self._unit.of(Plans), self._unit.connection
        periods = plans.periods(plan_id)
        closings = closings_until(periods, now.astimezone(zone).date(), COLUMNS)
        values = _span(plan_id, now, closings) | {"subject": f"activity:{code}"}
        records = Records(
            agencies=plans.agencies(plan_id),
            activities=tuple(map(_to_activity, _ACTIVITY.rows(connection, {"plan_id": plan_id, "code": code}))),
            periods=periods,
            reports=self._reports(_REPORTS_OF_ACTIVITY, values, periods),
            closed=(),
            reporters=(),
            kept_since=self._kept_since(plan_id, now, zone),
        )
        counted = standing(records, now, since, zone, only_validated=only_validated)
        return next(iter(counted.activities), None)

    def closing_history(self, plan_id: int, now: datetime, zone: ZoneInfo) -> tuple[ClosingHistory, ...]:
        """Return every closing since the plan has been kept: who had to close, who did, and when."""
        records = self.records(plan_id, now, zone, is_whole=True)
        return closing_history(records, now.astimezone(zone).date())

    def records(self, plan_id: int, now: datetime, zone: ZoneInfo, *, is_whole: bool = False) -> Records:
        """Return the rows that figures are counted from. Of restricted reports only the codes of their obstacles.

        With `is_whole`: the reports and closings of the whole history, not only of the closings that are compared.
        """
        plans, connection = self._unit.of(Plans), self._unit.connection
        periods = plans.periods(plan_id)
        today = now.astimezone(zone).date()
        closings = closings_until(periods, today, COLUMNS)
        values = _span(plan_id, now, closings)
        closed = values | {"from_day": min(values["from_day"], today - LOOK_BACK)}
        if is_whole:
            values |= {"from_day": date.min}
            closed = values
        opened = closings[-1].opens_on.isoformat() if closings else date.max.isoformat()
        activities = tuple(map(_to_activity, _ACTIVITIES.rows(connection, {"plan_id": plan_id})))
        return Records(
            agencies=plans.agencies(plan_id),
            activities=activities,
            periods=periods,
            reports=self._reports(_REPORTS, values, periods),
            closed=tuple(Closed(*found) for found in _CLOSED.rows(connection, closed)),
            reporters=tuple(map(_to_reporter, _REPORTERS.rows(connection, {"plan_id": plan_id, "at": now}))),
            queue=_to_queue(_WAITING.first(connection, {"plan_id": plan_id, "at": now})),
            reasons={label.code: label.label for label in plans.code_list(plan_id, "obstacle")},
            reminded=dict(_REMINDED.rows(connection, {"plan_id": plan_id, "at": now, "from_window": opened})),
            kept_since=self._kept_since(plan_id, now, zone),
        )

    def _kept_since(self, plan_id: int, now: datetime, zone: ZoneInfo) -> date:
        return (self._unit.of(Facts).learnt_at(known_since(plan_id)) or now).astimezone(zone).date()

    def indicators(
        self, plan_id: int, now: datetime, zone: ZoneInfo, *, protect: bool = True
    ) -> tuple[IndicatorYear, ...]:
        """Return the calendar year, as far as validated, of every indicator that people report. Five statements.

        It is the year of the present closing; in January that is the year before. With `protect`: as anybody may see
        it.
        """
        made, on = revisions(self._unit, plan_id, zone), self._month_end(plan_id, now, zone)
        locks = self._unit.of(Cadences).locks(plan_id)
        return tuple(
            this_year(indicator, made.get(indicator.subject, ()), on, protect=protect, locks=locks)
            for indicator in self._unit.of(Plans).indicators(plan_id)
            if not indicator.is_computed
        )

    def indicator(self, plan_id: int, indicator: Indicator, now: datetime, zone: ZoneInfo) -> IndicatorYear:
        """Return one indicator's figures, as anybody may see them."""
        made = revisions(self._unit, plan_id, zone, indicator.subject).get(indicator.subject, ())
        locks = self._unit.of(Cadences).locks(plan_id)
        return this_year(indicator, made, self._month_end(plan_id, now, zone), protect=True, locks=locks)

    def _month_end(self, plan_id: int, now: datetime, zone: ZoneInfo) -> date:
        """Return the last day of the present closing's month. Before the first closing, return today."""
        today = now.astimezone(zone).date()
        closings = closings_until(self._unit.of(Plans).periods(plan_id), today, 1)
        return closings[-1].month_end if closings else today

    def _reports(
        self, statement: Prepared, values: Mapping[str, Any], periods: Iterable[ReportingPeriod]
    ) -> tuple[Report, ...]:
        """Return the reports in the order in which their periods end. `periods`: all of the plan."""
        connection = self._unit.connection
        by_end: dict[date, list[Report]] = {period.end_on: [] for period in sorted(periods, key=_END)}
        by_period = {period.id: (period.end_on, by_end[period.end_on].append) for period in periods}
        states, statuses, new, about = _STATES, _STATUSES, tuple.__new__, len(_ABOUT_ACTIVITY)
        instant = value_reader(connection, _s.c.submitted_at.type)
        # A large plan has tens of thousands. So they come as the driver gives them, what is read of them is read at
        # once, and a report is made in the order of its fields: by name it takes four times as long.
        for (id, subject, period_id, is_current, state, status, progress, sent_at, first_sent_at, corrected_from,
             promises_evidence, zero_reason, has_files, answers, sealed_answers, instance_id
             ) in statement.raw(connection, values):  # fmt: skip
            end_on, add = by_period[period_id]
            corrected_at = None
            if first_sent_at is not None:
                sent_at, corrected_at = first_sent_at, instant(sent_at)
            detail: Detail | None = None
            if answers:
                detail = DetailOfAnswers(answers)
            elif sealed_answers:
                detail = self._unsealed(bytes(sealed_answers), instance_id)
            add(
                new(Report, (id, subject[about:], period_id, end_on, states[state], statuses[status], progress or 0,
                             instant(sent_at), bool(promises_evidence), bool(has_files), bool(is_current), detail,
                             zero_reason or "", corrected_at, statuses.get(corrected_from)))
            )  # fmt: skip
        return tuple(report for found in by_end.values() for report in sorted(found, key=_ID))

    def _unsealed(self, sealed: bytes, instance_id: str) -> Detail:
        reasons, needs_decision, _, new_due_on = parts_of(self._unit.vault.open(sealed, row(instance_id)))
        return Detail(reasons, needs_decision, "", new_due_on)


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the collector from searching what is being read: a large plan is a hundred thousand objects, none garbage.

    The whole process goes without it for as long as that. Whoever else has switched it off keeps it off.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


_END, _ID = attrgetter("end_on"), itemgetter(0)
_ABOUT_ACTIVITY = "activity:"
_FREQUENCIES = {each.value: each for each in Frequency}
_STATES = {state.value: state for state in ValidationState}
_STATUSES = {status.value: status for status in ActivityStatus}


def _span(plan_id: int, now: datetime, closings: Sequence[Closing]) -> dict[str, Any]:
    """Return the values of the statements that read reports: those of the compared closings, and until when."""
    first, last = (closings[0].month_end, closings[-1].month_end) if closings else (date.max, date.max)
    return {"plan_id": plan_id, "at": now, "from_day": first, "month_end": last}


def _to_activity(row: Any) -> Activity:
    """Make an activity without its long texts, which nothing here shows."""
    return Activity(
        code=row.code,
        agency_code=row.agency_code,
        area_code=row.area_code,
        start_on=row.start_on,
        due_on=row.due_on,
        frequency=_FREQUENCIES[row.report_frequency],
        short_name=row.short_name,
        sensitivity=row.sensitivity,
        added_on=row.added_on,
        retired_on=row.retired_on,
        id=row.id,
    )


def _to_reporter(row: Any) -> Reporter:
    return Reporter(
        agency_id=row.agency_id,
        role=Role(row.role),
        name=row.name,
        active_to=row.active_to,
        is_suspended=bool(row.is_suspended),
        is_unreachable=bool(row.is_unreachable),
    )


def _to_queue(row: Any) -> Queue:
    if row is None:
        return Queue()
    return Queue(row.count, (row.subject or "").partition(":")[2], row.code or "", row.submitted_at)
