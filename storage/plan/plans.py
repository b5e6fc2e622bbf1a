"""The plan in the database, read for people who wait for an answer.

Plans change a few times a year and are read at every tap. So this module only reads; `imports` writes. Every question
takes a fixed number of statements, however large the plan is, and the statements are built once. Rows are returned as
the value types of `conversations.plan.model`, with their `id`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any, Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import BindParameter, Select, bindparam, func, or_, select

from conversations.languages import translated
from conversations.plan.expected import DueReport, PastReport, due_list, ended_activities
from conversations.plan.model import STANDARD_CELL, Activity, Agency, Indicator, Target, Translations
from conversations.plan.periods import Frequency, ReportingPeriod
from storage.database.facts import Facts
from storage.database.models import Base, columns_of
from storage.database.statements import Prepared, Question, prepared
from storage.database.unit import Repository
from storage.errors import Conflict, NotFound
from storage.plan.past_reports import (
    ENDING_REPORTS,
    ENDING_REPORTS_OF_AGENCY,
    REPORTS_FOR_DUE_LIST,
    REPORTS_OF_PERIOD,
    to_report,
)
from storage.plan.past_rows import PastRows, in_turn
from storage.plan.seen_periods import (
    OPEN_PERIODS,
    OPEN_PERIODS_SEEN,
    PERIOD,
    PERIOD_BY_ID,
    PERIOD_SEEN,
    PERIOD_SEEN_BY_ID,
    PERIODS,
    PERIODS_ENDING,
    to_period,
    to_period_and_closing,
)

T = TypeVar("T")
_Select = Select[Any]
UNREPORTABLE: Final = "unreportable."
"""With the plan's number, the name of the fact that lists what no published form can report."""


@dataclass(frozen=True, slots=True)
class Plan:
    id: int
    code: str
    name: Translations
    starts_on: date
    ends_on: date
    timezone: str
    imported_at: datetime | None
    country: str = ""
    """ISO 3166-1. Blank: the country of its time zone."""
    currency: str = ""
    min_cell: int = STANDARD_CELL
    """The number of people below which a restricted figure is protected, unless its indicator has a limit."""
    hotlines: str = ""
    """Public numbers that free text may name, between semicolons."""
    closes_on: date | None = None
    """The last day on which something of it is written, once it was decided that it ends."""
    succeeds_id: int | None = None
    """The earlier plan that it follows."""

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which the plan's days begin and end."""
        return ZoneInfo(self.timezone)

    def day_of(self, at: datetime) -> date:
        """Return the day of the plan in which this instant lies."""
        return at.astimezone(self.zone).date()

    def title(self, language: str) -> str:
        return translated(self.name, language) or self.code


@dataclass(frozen=True, slots=True)
class CodeLabel:
    """One entry of a code list: `activity_status`, `validation_state`, `obstacle`, `province`, `sdg_target` …"""

    code: str
    label: Translations
    attributes: dict[str, str]

    def text(self, language: str) -> str:
        return translated(self.label, language) or self.code


@dataclass(frozen=True, slots=True)
class StrategicArea:
    id: int
    code: str
    name: Translations
    intent: Translations


@dataclass(frozen=True, slots=True)
class Objective:
    id: int
    code: str
    area_code: str
    name: Translations
    sdg_targets: str
    gcm_objectives: str


class Resource(NamedTuple):
    """What an activity gets from one source."""

    source: str
    amount: str
    currency: str


@dataclass(frozen=True, slots=True)
class IndicatorDetails:
    """The texts that an indicator's card shows beside the figures."""

    baseline_period: str
    sdg_target: str
    sdg_indicator: str
    gcm_objective: str
    disaggregation: str


# ------------------------------------------------------------------ statements, built once
_tables = Base.metadata.tables
_plan = _tables["plan"]
_area = _tables["strategic_area"]
_agency = _tables["agency"]
_objective = _tables["objective"]
_indicator = _tables["indicator"]
_target = _tables["target"]
_support = _tables["activity_support"]
_resource = _tables["resource"]
_activity = _tables["activity"]
_fact = _tables["fact"]
_code = _tables["code"]

_OF_PLAN: BindParameter[int] = bindparam("plan_id")
_OF_AGENCY: BindParameter[int] = bindparam("agency_id")
_WITH_CODE: BindParameter[str] = bindparam("code")
_ON: BindParameter[date] = bindparam("on")

_PLANS = select(*columns_of(Plan, _plan)).order_by(_plan.c.id)
_PLAN = _PLANS.where(_plan.c.code == _WITH_CODE)

_AREAS = (
    select(*columns_of(StrategicArea, _area))
    .where(_area.c.plan_id == _OF_PLAN)
    .order_by(_area.c.position, _area.c.code)
)

_OBJECTIVES = (
    select(*columns_of(Objective, _objective, area_code=_area.c.code))
    .join(_area, _area.c.id == _objective.c.strategic_area_id)
    .where(_objective.c.plan_id == _OF_PLAN)
    .order_by(_area.c.position, _objective.c.code)
)
_DETAILS = select(*columns_of(IndicatorDetails, _indicator)).where(_indicator.c.id == bindparam("indicator_id"))
_SUPPORTING = (
    select(_agency.c.code)
    .join(_support, _support.c.agency_id == _agency.c.id)
    .where(_support.c.activity_id == bindparam("activity_id"), _support.c.leads == bindparam("leads"))
    .order_by(_agency.c.code)
)

_RESOURCES = (
    select(
        _resource.c.activity_id,
        _resource.c.source,
        _resource.c.amount,
        func.coalesce(func.nullif(_resource.c.currency, ""), _plan.c.currency).label("currency"),
    )
    .join(_activity, _activity.c.id == _resource.c.activity_id)
    .join(_plan, _plan.c.id == _activity.c.plan_id)
    .where(_plan.c.id == _OF_PLAN)
)
_RESOURCES_OF_ACTIVITY = _RESOURCES.where(_resource.c.activity_id == bindparam("activity_id"))

_JOINTLY = select(_support.c.activity_id).where(_support.c.leads, _support.c.agency_id == _OF_AGENCY)

_ANY_AGENCY = select(*columns_of(Agency, _agency))
_AGENCIES = _ANY_AGENCY.where(_agency.c.plan_id == _OF_PLAN).order_by(_agency.c.id)
_AGENCY = _AGENCIES.where(_agency.c.code == _WITH_CODE)
_AGENCY_BY_ID = (
    _ANY_AGENCY.add_columns(_plan.c.timezone)
    .join(_plan, _plan.c.id == _agency.c.plan_id)
    .where(_agency.c.id == _OF_AGENCY)
)

_ACTIVITIES = (
    select(
        *columns_of(
            Activity,
            _activity,
            agency_code=_agency.c.code,
            frequency=_activity.c.report_frequency,
            area_code=_area.c.code,
            objective_code=_objective.c.code,
            indicator_code=_indicator.c.code,
        )
    )
    .join(_agency, _agency.c.id == _activity.c.agency_id)
    .join(_objective, _objective.c.id == _activity.c.objective_id)
    .join(_area, _area.c.id == _objective.c.strategic_area_id)
    .outerjoin(_indicator, _indicator.c.id == _activity.c.indicator_id)
    .where(_activity.c.plan_id == _OF_PLAN)
    .order_by(_area.c.position, _activity.c.code)
)
_ACTIVITY = _ACTIVITIES.where(_activity.c.code == _WITH_CODE)
_ACTIVITIES_OF_AGENCY = _ACTIVITIES.where(_activity.c.agency_id == _OF_AGENCY)

_INDICATORS = (
    select(
        *columns_of(
            Indicator,
            _indicator,
            agency_code=_agency.c.code,
            area_code=_area.c.code,
            standard_cell=_plan.c.min_cell,
        ),
        _target.c.value.label("target"),
        _target.c.target_on,
    )
    .join(_agency, _agency.c.id == _indicator.c.agency_id)
    .join(_area, _area.c.id == _indicator.c.strategic_area_id)
    .join(_plan, _plan.c.id == _indicator.c.plan_id)
    .outerjoin(_target, _target.c.indicator_id == _indicator.c.id)
    .where(_indicator.c.plan_id == _OF_PLAN)
    .order_by(_indicator.c.code)
)
_INDICATOR = _INDICATORS.where(_indicator.c.code == _WITH_CODE)
_INDICATORS_OF_AGENCY = _INDICATORS.where(_indicator.c.agency_id == _OF_AGENCY)

_NOTED = select(_fact.c.value).where(_fact.c.name == bindparam("noted"))

_CODE_LIST = (
    select(*columns_of(CodeLabel, _code))
    .where(_code.c.plan_id == _OF_PLAN, _code.c.list == bindparam("list"))
    .order_by(_code.c.position)
)


class Plans(Repository):
    """Questions about plans. Nothing here writes."""

    # -------------------------------------------------------------- plans
    def all(self) -> tuple[Plan, ...]:
        """Return the plans, the oldest first; without those whose only import was undone."""
        return tuple(plan for plan in self._ever() if plan.imported_at is not None)

    def by_id(self, plan_id: int) -> Plan:
        return next(plan for plan in self._ever() if plan.id == plan_id)

    def zone(self, plan_id: int) -> ZoneInfo:
        return self.by_id(plan_id).zone

    def _ever(self) -> tuple[Plan, ...]:
        return tuple(Plan(*row) for row in self._rows(_PLANS))

    def titles(self, language: str) -> dict[int, str]:
        """The names of all plans, by number. Plans of one name are told apart by their codes."""
        plans = self.all()
        names = [plan.title(language) for plan in plans]
        return {
            plan.id: name if names.count(name) == 1 else f"{name} ({plan.code})"
            for plan, name in zip(plans, names, strict=True)
        }

    def by_code(self, code: str) -> Plan:
        """Return a plan by its code. NotFound if there is none."""
        for row in self._rows(_PLAN, code=code):
            return Plan(*row)
        raise NotFound(f"no plan {code!r}")

    def only(self) -> Plan:
        """Return the only plan of a deployment. NotFound before the first import, Conflict if there are several."""
        plans = self.all()
        if not plans:
            raise NotFound("no plan has been imported yet: run 'enlace init' or 'enlace plan import FILE'")
        if len(plans) > 1:
            raise Conflict(f"several plans: {', '.join(plan.code for plan in plans)}")
        return plans[0]

    def code_list(self, plan_id: int, name: str) -> tuple[CodeLabel, ...]:
        """Return the entries in the author's order; empty for a list that the plan does not have."""
        return tuple(CodeLabel(*row) for row in self._rows(_CODE_LIST, plan_id=plan_id, list=name))

    def strategic_areas(self, plan_id: int) -> tuple[StrategicArea, ...]:
        return tuple(StrategicArea(*row) for row in self._rows(_AREAS, plan_id=plan_id))

    def objectives(self, plan_id: int) -> tuple[Objective, ...]:
        return tuple(Objective(*row) for row in self._rows(_OBJECTIVES, plan_id=plan_id))

    # -------------------------------------------------------------- who and what
    def supporting(self, activity_id: int, *, leads: bool = False) -> tuple[str, ...]:
        """Return the codes of the agencies that help with an activity; or that lead it with the one that reports."""
        return tuple(row.code for row in self._rows(_SUPPORTING, activity_id=activity_id, leads=leads))

    def led_jointly(self, agency_id: int) -> frozenset[int]:
        """Return the numbers of the activities that the agency leads with another one, which reports them."""
        return frozenset(row.activity_id for row in self._rows(_JOINTLY, agency_id=agency_id))

    def resources(self, plan_id: int, **activity_id: int) -> dict[int, list[Resource]]:
        """Return what activities get, by activity and source; with `activity_id`, what that one gets.

        A currency that the workbook leaves blank is the plan's.
        """
        statement = _RESOURCES_OF_ACTIVITY if activity_id else _RESOURCES
        found: dict[int, list[Resource]] = {}
        for id, *row in sorted(map(tuple, self._rows(statement, plan_id=plan_id, **activity_id))):
            found.setdefault(id, []).append(Resource(*row))
        return found

    def indicator_details(self, indicator_id: int) -> IndicatorDetails:
        for row in self._rows(_DETAILS, indicator_id=indicator_id):
            return IndicatorDetails(*row)
        raise NotFound(f"no indicator {indicator_id}")

    def agencies(self, plan_id: int, *, on: date | None = None) -> tuple[Agency, ...]:
        """Return the agencies in the author's order. With `on`, only those that take part on that day."""
        agencies = (_to_agency(row) for row in self._rows(_AGENCIES, plan_id=plan_id))
        return tuple(agency for agency in agencies if on is None or agency.is_active(on))

    def agencies_ever(self, plan_id: int) -> tuple[Agency, ...]:
        """Return the agencies, with every earlier version of each behind it."""
        return self._unit.of(PastRows).with_earlier(plan_id, "agency", self.agencies(plan_id))

    def agency(self, plan_id: int, code: str) -> Agency:
        for row in self._rows(_AGENCY, plan_id=plan_id, code=code):
            return _to_agency(row)
        raise NotFound(f"no agency {code!r}")

    def agency_by_id(self, agency_id: int) -> Agency:
        for row in self._rows(_AGENCY_BY_ID, agency_id=agency_id):
            return _to_agency(row)
        raise NotFound(f"no agency {agency_id}")

    def check_takes_part(self, agency_id: int | None, now: datetime) -> None:
        """Conflict for an agency that takes no part in its plan on that day. Without an agency, nothing is checked."""
        if agency_id is None:
            return
        for row in self._rows(_AGENCY_BY_ID, agency_id=agency_id):
            agency, zone = _to_agency(row), ZoneInfo(row.timezone)
            if not agency.is_active(now.astimezone(zone).date()):
                raise Conflict(f"{agency.code} takes no part in the plan on that day")

    def activities(
        self,
        plan_id: int,
        agency_id: int | None = None,
        *,
        include_retired: bool = False,
        agencies: Collection[str] | None = None,
    ) -> tuple[Activity, ...]:
        """Return the activities of one agency, of `agencies` (codes), or of the whole plan; by area and code."""
        if agencies is not None:
            some = _ACTIVITIES.where(_agency.c.code.in_(sorted(agencies)))
            activities = list(map(_to_activity, self._unit.connection.execute(some, {"plan_id": plan_id})))
        else:
            activities = self._of(agency_id, _to_activity, _ACTIVITIES, _ACTIVITIES_OF_AGENCY, plan_id=plan_id)
        return tuple(activity for activity in activities if include_retired or activity.retired_on is None)

    def activities_ever(
        self, plan_id: int, agency_id: int | None = None, *, agencies: Collection[str] | None = None
    ) -> tuple[Activity, ...]:
        """Return the same with every earlier version, for `expected_activities`: each period counts the one it goes by.

        Retired ones are among them. Of an agency, those versions that it led.
        """
        past = self._unit.of(PastRows)
        edits = past.of_plan(plan_id).get("activity")
        if not edits:
            return self.activities(plan_id, agency_id, include_retired=True, agencies=agencies)
        if agency_id is None:
            present = self.activities(plan_id, include_retired=True)
        else:
            led = {id for id, edited in edits.items() if any(e.columns.get("agency_id") == agency_id for e in edited)}
            some = _ACTIVITIES.where(or_(_activity.c.agency_id == agency_id, _activity.c.id.in_(sorted(led))))
            present = tuple(map(_to_activity, self._unit.connection.execute(some, {"plan_id": plan_id})))
            agencies = [self.agency_by_id(agency_id).code]
        found = past.with_earlier(plan_id, "activity", present)
        return tuple(each for each in found if agencies is None or each.agency_code in agencies)

    def indicators_ever(self, plan_id: int) -> tuple[Indicator, ...]:
        """Return the indicators, retired ones too, and every earlier version of each behind it."""
        present = self.indicators(plan_id, include_retired=True)
        return self._unit.of(PastRows).with_earlier(plan_id, "indicator", present)

    def activity(self, plan_id: int, code: str) -> Activity:
        """Return an activity, also a retired one: old reports name retired ones."""
        for row in self._rows(_ACTIVITY, plan_id=plan_id, code=code):
            return _to_activity(row)
        raise NotFound(f"no activity {code!r}")

    def indicators(
        self, plan_id: int, agency_id: int | None = None, *, include_retired: bool = False
    ) -> tuple[Indicator, ...]:
        rows = self._of(agency_id, _with_target, _INDICATORS, _INDICATORS_OF_AGENCY, plan_id=plan_id)
        return tuple(each for each in _to_indicators(rows) if include_retired or each.retired_on is None)

    def indicator(self, plan_id: int, code: str) -> Indicator:
        for indicator in _to_indicators(self._made(_with_target, _INDICATOR, plan_id=plan_id, code=code)):
            return indicator
        raise NotFound(f"no indicator {code!r}")

    # -------------------------------------------------------------- periods
    def periods(self, plan_id: int) -> tuple[ReportingPeriod, ...]:
        """Return the periods in the order in which they end; of a given-up periodicity, those that had opened."""
        return tuple(self._made(to_period, PERIODS, plan_id=plan_id))

    def periods_ending(self, plan_id: int, first: date, last: date) -> tuple[ReportingPeriod, ...]:
        """Return the periods that end between these days, both included."""
        return tuple(self._made(to_period, PERIODS_ENDING, plan_id=plan_id, first=first, last=last))

    def open_periods(self, plan_id: int, on: date, agency_id: int | None = None) -> tuple[ReportingPeriod, ...]:
        """The periods that are open on that day of the plan's zone; for an agency, also those reopened for it."""
        return tuple(self._of(agency_id, to_period, OPEN_PERIODS, OPEN_PERIODS_SEEN, plan_id=plan_id, on=on))

    def period(self, plan_id: int, code: str, agency_id: int | None = None) -> ReportingPeriod:
        """Return the period as everybody sees it, or with `agency_id` as this agency sees it."""
        for period in self._of(agency_id, to_period, PERIOD, PERIOD_SEEN, plan_id=plan_id, code=code):
            return period
        raise NotFound(f"no reporting period {code!r}")

    def period_by_id(self, period_id: int, agency_id: int | None = None) -> ReportingPeriod:
        """Return the period as everybody sees it, or with `agency_id` as this agency sees it."""
        for period in self._of(agency_id, to_period, PERIOD_BY_ID, PERIOD_SEEN_BY_ID, period_id=period_id):
            return period
        raise NotFound(f"no reporting period {period_id}")

    # -------------------------------------------------------------- due
    def due(self, plan_id: int, agency_id: int, on: date) -> tuple[DueReport, ...]:
        """The reports that the agency still has to send on that day, in the order in which they are due.

        It takes five statements. `on` is a day of the plan's zone.
        """
        rows = self._rows(OPEN_PERIODS_SEEN, plan_id=plan_id, agency_id=agency_id, on=on)
        if not rows:
            return ()
        seen = [to_period_and_closing(row) for row in rows]
        reported, noted = Prepared.rows_of_all(self._unit.connection, self.asked_by_due(plan_id, agency_id, on))
        activities, indicators = self.activities(plan_id, agency_id), self.indicators(plan_id, agency_id)
        # What was opened again goes by the plan as it was, and so does what opens before an edit is to hold.
        if min(period.seals_on for period, _ in seen) < (rows[0].last_change or date.min):
            own = self.agency_by_id(agency_id).code
            activities = self.activities_ever(plan_id, agency_id)
            indicators = tuple(each for each in self.indicators_ever(plan_id) if each.agency_code == own)
        return due_list(
            [each for each in activities if each.retired_on is None],
            [each for each in indicators if each.retired_on is None],
            [period for period, _ in seen],
            map(to_report, reported),
            on,
            closed={period.code: closed for period, closed in seen if closed is not None},
            unreportable=frozenset(noted[0].value.split() if noted else ()),
        )

    def asked_by_due(self, plan_id: int, agency_id: int, on: date) -> list[Question]:
        """Return the questions of `due` whose answers change with each report (`Unit.say_last`)."""
        reported = prepared(REPORTS_FOR_DUE_LIST), {"plan_id": plan_id, "agency_id": agency_id, "on": on}
        return [reported, (prepared(_NOTED), {"noted": f"{UNREPORTABLE}{plan_id}"})]

    def unreportable(self, plan_id: int) -> frozenset[str]:
        """The subjects that no published form can report, as of the last look (`bot.acts.reports.coverage`)."""
        return frozenset((self._unit.of(Facts).get(f"{UNREPORTABLE}{plan_id}") or "").split())

    def note_unreportable(self, plan_id: int, subjects: Collection[str], now: datetime) -> None:
        """Store the subjects that no published form can report."""
        self._unit.of(Facts).set(f"{UNREPORTABLE}{plan_id}", " ".join(sorted(subjects)), now)

    def reports(self, plan_id: int, agency_id: int, period_id: int) -> tuple[PastReport, ...]:
        """The current version of each report about the agency's items for this period, in no order."""
        values = {"plan_id": plan_id, "agency_id": agency_id, "period_id": period_id}
        return tuple(map(to_report, self._rows(REPORTS_OF_PERIOD, **values)))

    def ended(self, plan_id: int, agency_id: int | None = None) -> dict[str, date]:
        """The activities, of the whole plan or of this agency, that a report has ended, for `expected_activities`."""
        if agency_id is None:
            return ended_activities(map(to_report, self._rows(ENDING_REPORTS, plan_id=plan_id)))
        rows = self._rows(ENDING_REPORTS_OF_AGENCY, plan_id=plan_id, agency_id=agency_id)
        return ended_activities(map(to_report, rows))

    def _of(
        self, agency_id: int | None, make: Callable[[Any], T], plain: _Select, own: _Select, **values: Any
    ) -> list[T]:
        """Return what `make` makes of each row: of the rows for everybody, or of those for this agency."""
        of = {} if agency_id is None else {"agency_id": agency_id}
        return self._made(make, own if of else plain, **of, **values)

    def _made(self, make: Callable[[Any], T], statement: _Select, **values: object) -> list[T]:
        return prepared(statement).made(self._unit.connection, values, make)

    def _rows(self, statement: _Select, **values: object) -> list[Any]:
        return prepared(statement).rows(self._unit.connection, values)


def _to_agency(row: Any) -> Agency:
    return Agency(row.code, row.name, row.role_type, row.active_from, row.active_to, row.id)


def _to_activity(row: Any) -> Activity:
    more = {"frequency": Frequency(row.frequency), "indicator_code": row.indicator_code or ""}
    return Activity(**row._asdict() | more)


def _with_target(row: Any) -> tuple[dict[str, Any], Target | None]:
    """The columns of an indicator, and one of its targets: there is a row for each."""
    *columns, value, on = row
    return dict(zip(row._fields, columns, strict=False)), None if value is None else Target(value, on)


def _to_indicators(rows: Iterable[tuple[dict[str, Any], Target | None]]) -> Iterator[Indicator]:
    for _, of_one in groupby(rows, key=lambda row: row[0]["id"]):
        found = list(of_one)
        columns = found[0][0]
        targets = in_turn(target for _, target in found if target is not None)
        yield Indicator(**columns | {"frequency": Frequency(columns["frequency"]), "targets": targets})
