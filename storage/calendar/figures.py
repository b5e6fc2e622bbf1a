"""Read-only numbers from which digests, cards and dashboards are counted, in a fixed number of statements.

Everybody asks for a digest on Monday morning at once. However large the plan and however long its history, it takes
eleven statements. `storage.calendar.counted_reports` says which reports are read, and
`conversations.plan.figures.monitoring` decides what is counted from them.
"""

import contextlib
import gc
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, bindparam, case, func, literal, literal_column, or_, select

from conversations.plan.entering import absence, absent_since
from conversations.plan.figures.annual import IndicatorYear, this_year
from conversations.plan.figures.closings import ClosingHistory, closing_history, closings_until
from conversations.plan.figures.monitoring import COLUMNS, LOOK_BACK, ActivityStanding, Standing, standing
from conversations.plan.figures.standing_records import Closed, Queue, Records, Reporter
from conversations.plan.model import AGENCY_ROLES, WAITING, Activity, Indicator, Role, Translations
from conversations.plan.periods import Frequency
from conversations.plan.versions import as_of, by_code, was_in_plan
from storage.calendar.counted_reports import WHOLE, counted_reports, span_of
from storage.calendar.holidays import known_since
from storage.database.facts import Facts
from storage.database.models import Base
from storage.database.statements import Prepared, one_of
from storage.database.unit import Repository
from storage.plan.cadences import Cadences
from storage.plan.past_rows import PastRows
from storage.plan.plans import Plans
from storage.reports.revisions import revisions

_tables = Base.metadata.tables
_agency = _tables["agency"]
_activity = _tables["activity"]
_area = _tables["strategic_area"]
_objective = _tables["objective"]
_period = _tables["reporting_period"]
_closing = _tables["closing"]
_person = _tables["person"]
_membership = _tables["membership"]

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


_CLOSED = Prepared(
    select(_closing.c.agency_id, _closing.c.reporting_period_id, _closing.c.closed_at)
    .join(_period, _period.c.id == _closing.c.reporting_period_id)
    .where(_closing.c.plan_id == _PLAN_ID, _period.c.end_on >= _FROM, _closing.c.closed_at <= _AT)
)
_OF_ABSENCE = (_person.c.suspended_at, _person.c.unreachable_at, _person.c.privacy_accepted_at)
_REPORTERS = Prepared(
    select(
        _membership.c.agency_id,
        _membership.c.role,
        _person.c.name,
        case((_membership.c.active_to <= _AT, _membership.c.active_to)).label("active_to"),
        _membership.c.active_from,
        *(case((column <= _AT, column)).label(column.name) for column in _OF_ABSENCE),
    )
    .join(_person, _person.c.id == _membership.c.person_id)
    .where(
        _membership.c.plan_id == _PLAN_ID,
        _membership.c.agency_id.is_not(None),
        _membership.c.active_from <= _AT,
        one_of(_membership.c.role, sorted(AGENCY_ROLES)),
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
        one_of(_w.c.validation_state, sorted(WAITING)),
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
            one_of(_membership.c.role, sorted(AGENCY_ROLES)),
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


class Figures(Repository):
    """Numbers of a plan. Nothing here writes to the database."""

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
        """The state of the plan at `now`, and the changes since `since`. It takes eleven statements."""
        with _uncollected():  # the records have no name here, so that they are gone before the collector looks again
            return standing(
                self.records(plan_id, now, zone, since=since), now, since, zone, only_validated=only_validated
            )

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
        span = span_of(periods, closings, since.astimezone(zone).date())
        found = _ACTIVITY.rows(connection, {"plan_id": plan_id, "code": code})
        records = Records(
            agencies=plans.agencies(plan_id),
            activities=self._ever(plan_id, map(_to_activity, found)),
            periods=periods,
            reports=counted_reports(self._unit, plan_id, now, periods, span, code),
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

    def records(
        self, plan_id: int, now: datetime, zone: ZoneInfo, *, since: datetime | None = None, is_whole: bool = False
    ) -> Records:
        """Return the rows that figures are counted from. Of restricted reports only the codes of their obstacles.

        With `since`: promises of older reports that were awaited then, not only those that are. With `is_whole`: the
        reports and closings of the whole history, not only of the closings that are compared.
        """
        plans, connection = self._unit.of(Plans), self._unit.connection
        periods = plans.periods(plan_id)
        today = now.astimezone(zone).date()
        closings = closings_until(periods, today, COLUMNS)
        span = WHOLE if is_whole else span_of(periods, closings, (since or now).astimezone(zone).date())
        closed = {"plan_id": plan_id, "at": now, "from_day": min(span.from_day, today - LOOK_BACK)}
        opened = closings[-1].opens_on.isoformat() if closings else date.max.isoformat()
        activities = self._ever(plan_id, map(_to_activity, _ACTIVITIES.rows(connection, {"plan_id": plan_id})))
        return Records(
            agencies=plans.agencies(plan_id),
            activities=activities,
            periods=periods,
            reports=counted_reports(self._unit, plan_id, now, periods, span),
            closed=tuple(Closed(*found) for found in _CLOSED.rows(connection, closed)),
            reporters=tuple(map(_to_reporter, _REPORTERS.rows(connection, {"plan_id": plan_id, "at": now}))),
            queue=_to_queue(_WAITING.first(connection, {"plan_id": plan_id, "at": now})),
            reasons={label.code: label.label for label in plans.code_list(plan_id, "obstacle")},
            reminded=dict(_REMINDED.rows(connection, {"plan_id": plan_id, "at": now, "from_window": opened})),
            kept_since=self._kept_since(plan_id, now, zone),
        )

    def _ever(self, plan_id: int, present: Iterable[Activity]) -> tuple[Activity, ...]:
        return self._unit.of(PastRows).with_earlier(plan_id, "activity", tuple(present))

    def _kept_since(self, plan_id: int, now: datetime, zone: ZoneInfo) -> date:
        return (self._unit.of(Facts).learnt_at(known_since(plan_id)) or now).astimezone(zone).date()

    def indicators(
        self, plan_id: int, now: datetime, zone: ZoneInfo, *, protect: bool = True, seals_on: date | None = None
    ) -> tuple[IndicatorYear, ...]:
        """Return the calendar year, as far as validated, of every indicator that people report. Five statements.

        It is the year of the present closing; in January that is the year before. With `protect`: as anybody may see
        it. With `seals_on`: the indicators as a period goes by them that locked on that day.
        """
        made, on = revisions(self._unit, plan_id, zone), self._month_end(plan_id, now, zone)
        locks = self._unit.of(Cadences).locks(plan_id)
        return tuple(
            this_year(indicator, made.get(indicator.subject, ()), on, protect=protect, locks=locks)
            for indicator in self._indicators(plan_id, seals_on)
            if not indicator.is_computed
        )

    def _indicators(self, plan_id: int, seals_on: date | None) -> Iterable[Indicator]:
        plans = self._unit.of(Plans)
        if seals_on is None:
            return plans.indicators(plan_id)
        every = (as_of(versions, seals_on) for versions in by_code(plans.indicators_ever(plan_id)).values())
        return [each for each in every if was_in_plan(each, seals_on, seals_on)]

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


_FREQUENCIES = {each.value: each for each in Frequency}


_NO_TEXT: Translations = {}


def _to_activity(found: Any) -> Activity:
    """Make an activity without its long texts, which nothing here shows."""
    id, code, agency, area, start_on, due_on, frequency, short_name, sensitivity, added_on, retired_on = found
    return Activity(
        code, agency, start_on, due_on, _FREQUENCIES[frequency], _NO_TEXT, short_name, area, target_unit=_NO_TEXT,
        means_of_verification=_NO_TEXT, sensitivity=sensitivity, added_on=added_on, retired_on=retired_on, id=id
    )  # fmt: skip


def _to_reporter(row: Any) -> Reporter:
    known = row.suspended_at, row.unreachable_at, row.privacy_accepted_at
    return Reporter(
        agency_id=row.agency_id,
        role=Role(row.role),
        name=row.name,
        active_to=row.active_to,
        absence=absence(*known),
        absent_since=absent_since(row.active_from, *known),
    )


def _to_queue(row: Any) -> Queue:
    if row is None:
        return Queue()
    return Queue(row.count, (row.subject or "").partition(":")[2], row.code or "", row.submitted_at)
