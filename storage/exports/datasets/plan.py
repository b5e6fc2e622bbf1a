"""The plan and its agencies today: what was promised, by whom, until when, and its state now.

Statuses and lights come from the function that the chat and the digest use (`conversations.plan.figures.monitoring`).
So the workbook on a minister's desk and the card on her phone cannot differ.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import select

from conversations.languages import translated
from conversations.plan.figures.balance import outcome
from conversations.plan.figures.lights import Light
from conversations.plan.figures.monitoring import ActivityStanding, AgencyStanding, Standing, standing
from conversations.plan.figures.standing_records import Closing, Report
from conversations.plan.model import Agency, Role, is_restricted
from storage.calendar.figures import Figures
from storage.database.models import Activity, ActivitySupport, Indicator, Objective, Plan, StrategicArea, table
from storage.database.models import Agency as AgencyTable
from storage.exports.datasets.reports import number_or_text
from storage.exports.tables import ColumnOf, Extract, Kind, table_of
from storage.exports.wanted import PUBLIC, Wanted
from storage.plan.plans import Resource
from storage.plan.settings import SHOW_GCM
from storage.unit_of_work import UnitOfWork

_PLAN = table(Plan)
_ACTIVITY, _OBJECTIVE, _AREA, _INDICATOR = table(Activity), table(Objective), table(StrategicArea), table(Indicator)
_AGENCY, _SUPPORT = table(AgencyTable), table(ActivitySupport)


class _Activity(NamedTuple):
    """An activity as it is told: what its plan promises, and its state now."""

    found: Any
    stands: ActivityStanding | None
    beside: tuple[list[str], list[str]]
    """The agencies that support it, and those that lead it with its own."""
    resources: list[Resource]
    status_name: str | None
    language: str
    is_released: bool
    outcome: str | None
    """What became of it by validated reports; None for a retired one."""

    @property
    def last(self) -> Report | None:
        return self.stands.last if self.stands else None

    @property
    def is_restricted(self) -> bool:
        return is_restricted(self.found.sensitivity)

    def words(self, translations: Mapping[str, str]) -> str | None:
        return translated(translations, self.language) or None

    def own_words(self, translations: Mapping[str, str]) -> str | None:
        """Return words that say what is done. Of a restricted activity, outsiders get none."""
        return None if self.is_released and self.is_restricted else self.words(translations)

    @property
    def why_dropped(self) -> str | None:
        """Why it is not carried on into the next plan."""
        return None if self.is_released and self.is_restricted else self.found.dropped_because or None


PLAN: tuple[ColumnOf[_Activity], ...] = (
    ("activity", Kind.TEXT, lambda of: of.found.code),
    ("activity_name", Kind.TEXT, lambda of: of.own_words(of.found.name)),
    ("area", Kind.TEXT, lambda of: of.found.area_code),
    ("area_name", Kind.TEXT, lambda of: of.words(of.found.area_name)),
    ("objective", Kind.TEXT, lambda of: of.found.objective_code),
    ("objective_name", Kind.TEXT, lambda of: of.words(of.found.objective_name)),
    ("agency", Kind.TEXT, lambda of: of.found.agency_code),
    ("joint_leads", Kind.TEXT, lambda of: " ".join(of.beside[1]) or None),
    ("supporting", Kind.TEXT, lambda of: " ".join(of.beside[0]) or None),
    ("start_on", Kind.DAY, lambda of: of.found.start_on),
    ("due_on", Kind.DAY, lambda of: of.found.due_on),
    ("frequency", Kind.CODE, lambda of: of.found.report_frequency),
    ("status", Kind.TEXT, lambda of: of.last.status.value if of.last else None),
    ("status_name", Kind.TEXT, lambda of: of.status_name),
    ("progress", Kind.WHOLE, lambda of: of.last.progress if of.last else None),
    ("light", Kind.CODE, lambda of: of.stands.light.value if of.stands else None),
    ("balance", Kind.CODE, lambda of: of.outcome),
    ("last_period_end", Kind.DAY, lambda of: of.last.end_on if of.last else None),
    ("indicator", Kind.TEXT, lambda of: of.found.indicator_code),
    ("target", Kind.DECIMAL, lambda of: number_or_text(of.found.target_quantity or "")),
    ("target_unit", Kind.TEXT, lambda of: of.own_words(of.found.target_unit)),
    ("means_of_verification", Kind.TEXT, lambda of: of.own_words(of.found.means_of_verification)),
    ("sdg_targets", Kind.TEXT, lambda of: of.found.sdg_targets or None),
    ("restricted", Kind.FLAG, lambda of: of.is_restricted),
    ("retired_on", Kind.DAY, lambda of: of.found.retired_on),
    ("dropped_because", Kind.TEXT, lambda of: of.why_dropped),
)
GCM: ColumnOf[_Activity] = ("gcm_objectives", Kind.TEXT, lambda of: of.found.gcm_objectives or None)
"""For partners and donors. Other audiences see it only if an admin has decided so; the shipped plan did not
(docs/domain.md#sdgs-and-the-global-compact).
"""
PLAN_INSIDE: tuple[ColumnOf[_Activity], ...] = (
    ("sensitivity", Kind.CODE, lambda of: of.found.sensitivity),
    ("meets_victims", Kind.FLAG, lambda of: of.found.meets_victims),
    ("budget", Kind.TEXT, lambda of: of.found.budget or None),
    ("currency", Kind.TEXT, lambda of: (of.found.budget and of.found.currency) or None),
    ("budget_status", Kind.TEXT, lambda of: of.found.budget_status or None),
    ("resources", Kind.TEXT, lambda of: "; ".join(" ".join(each).strip() for each in of.resources) or None),
    ("source", Kind.TEXT, lambda of: of.found.source or None),
)


class _Agency(NamedTuple):
    """An agency as it is told. `stands` is None if nothing was ever expected of it."""

    agency: Agency
    stands: AgencyStanding | None
    closing: Closing | None
    language: str

    @property
    def expected(self) -> AgencyStanding | None:
        """The standing, if the present closing expects something of the agency."""
        return self.stands if self.stands is not None and self.stands.is_expected else None


AGENCIES: tuple[ColumnOf[_Agency], ...] = (
    ("agency", Kind.TEXT, lambda of: of.agency.code),
    ("agency_name", Kind.TEXT, lambda of: translated(of.agency.name, of.language) or None),
    ("role_type", Kind.CODE, lambda of: of.agency.role_type),
    ("active_from", Kind.DAY, lambda of: of.agency.active_from),
    ("active_to", Kind.DAY, lambda of: of.agency.active_to),
    ("activities", Kind.WHOLE, lambda of: len(of.stands.activities) if of.stands else 0),
    ("light", Kind.CODE, lambda of: (of.stands.worst.light if of.stands else Light.GREY).value),
    ("closing_month_end", Kind.DAY, lambda of: of.closing.month_end if of.closing and of.expected else None),
    ("expected_reports", Kind.WHOLE, lambda of: of.stands.expected if of.stands else 0),
    ("received_reports", Kind.WHOLE, lambda of: of.stands.reported if of.stands else 0),
    ("closed", Kind.FLAG, lambda of: of.expected.is_closed if of.expected else None),
    ("on_time", Kind.FLAG, lambda of: of.expected.is_on_time if of.expected and of.expected.is_closed else None),
)
AGENCIES_INSIDE: tuple[ColumnOf[_Agency], ...] = (
    ("unclosed_in_a_row", Kind.WHOLE, lambda of: of.stands.in_a_row if of.stands else None),
    ("focal_points", Kind.WHOLE, lambda of: of.stands.focal_points if of.stands else None),
    ("reminders", Kind.WHOLE, lambda of: of.stands.reminders if of.stands else None),
)
WEEK = timedelta(days=7)


def plan(unit: UnitOfWork, wanted: Wanted) -> Extract:
    """One row for each activity, retired ones too, by area and code.

    A period does not narrow it: it shows the present.
    """
    named = PLAN
    if shows_gcm(unit, wanted):
        named = (*named, GCM)
    if not wanted.is_released:
        named = (*named, *PLAN_INSIDE)
    rows = list(_activities(unit, wanted))
    return table_of("plan", wanted, named, len(rows), rows, lists=_lights(wanted))


def shows_gcm(unit: UnitOfWork, wanted: Wanted) -> bool:
    """Whether the Global Compact's objectives are included.

    In a ministerial or public view only if an admin says so.
    """
    is_open = wanted.audience == PUBLIC or wanted.role is Role.READER
    return not is_open or unit.settings.is_on(wanted.plan_id, SHOW_GCM)


def agencies(unit: UnitOfWork, wanted: Wanted) -> Extract:
    """One row for each agency, in alphabetical order: whether it closed the present closing, and its worst light."""
    standing = _standing(unit, wanted)
    found = {each.code: each for each in standing.agencies}
    chosen = [
        agency
        for agency in sorted(unit.plans.agencies(wanted.plan_id), key=lambda agency: agency.code)
        if not wanted.agency or agency.code in wanted.one_of("agency")
    ]
    named = AGENCIES if wanted.is_released else (*AGENCIES, *AGENCIES_INSIDE)
    rows = (_Agency(agency, found.get(agency.code), standing.closing, wanted.language) for agency in chosen)
    return table_of("agencies", wanted, named, len(chosen), rows, lists=_lights(wanted))


def _lights(wanted: Wanted) -> dict[str, Mapping[str, str]]:
    return {"light": {light.value: light.label(wanted.language) for light in Light}}


def _standing(unit: UnitOfWork, wanted: Wanted) -> Standing:
    now = wanted.now
    return Figures(unit).standing(
        wanted.plan_id, now, now - WEEK, wanted.zone, only_validated=wanted.only_validated
    )  # fmt: skip


def _activities(unit: UnitOfWork, wanted: Wanted) -> Iterator[_Activity]:
    records = Figures(unit).records(wanted.plan_id, wanted.now, wanted.zone)
    count = partial(standing, records, wanted.now, wanted.now, wanted.zone)
    stands = {each.code: each for each in count(only_validated=wanted.only_validated).activities}
    outcomes = {each.code: outcome(each.last).value for each in count(only_validated=True).activities}
    statuses = {
        each.code: each.text(wanted.language) for each in unit.plans.code_list(wanted.plan_id, "activity_status")
    }
    beside, resources = _beside(unit, wanted), unit.plans.resources(wanted.plan_id)
    for found in unit.connection.execute(_of_plan(wanted)):
        own = stands.get(found.code)
        status = own.last.status.value if own and own.last else ""
        if not wanted.status or status in wanted.one_of("status"):
            name = statuses.get(status) or None
            became = outcomes.get(found.code)
            more = beside.get(found.id, ([], [])), resources.get(found.id, [])
            yield _Activity(found, own, *more, name, wanted.language, wanted.is_released, became)


def _beside(unit: UnitOfWork, wanted: Wanted) -> dict[int, tuple[list[str], list[str]]]:
    """Return the codes of the agencies that support each activity, and of its joint leads, by the activity's number."""
    found: dict[int, tuple[list[str], list[str]]] = {}
    for activity_id, leads, code in unit.connection.execute(
        select(_SUPPORT.c.activity_id, _SUPPORT.c.leads, _AGENCY.c.code)
        .join(_AGENCY, _AGENCY.c.id == _SUPPORT.c.agency_id)
        .where(_AGENCY.c.plan_id == wanted.plan_id)
        .order_by(_AGENCY.c.code)
    ):
        found.setdefault(activity_id, ([], []))[leads].append(code)
    return found


def _of_plan(wanted: Wanted) -> Any:
    statement = (
        select(
            _ACTIVITY,
            _PLAN.c.currency,
            _AREA.c.code.label("area_code"),
            _AREA.c.name.label("area_name"),
            _OBJECTIVE.c.code.label("objective_code"),
            _OBJECTIVE.c.name.label("objective_name"),
            _OBJECTIVE.c.sdg_targets,
            _OBJECTIVE.c.gcm_objectives,
            _AGENCY.c.code.label("agency_code"),
            _INDICATOR.c.code.label("indicator_code"),
        )
        .join(_PLAN, _PLAN.c.id == _ACTIVITY.c.plan_id)
        .join(_OBJECTIVE, _OBJECTIVE.c.id == _ACTIVITY.c.objective_id)
        .join(_AREA, _AREA.c.id == _OBJECTIVE.c.strategic_area_id)
        .join(_AGENCY, _AGENCY.c.id == _ACTIVITY.c.agency_id)
        .outerjoin(_INDICATOR, _INDICATOR.c.id == _ACTIVITY.c.indicator_id)
        .where(_ACTIVITY.c.plan_id == wanted.plan_id)
        .order_by(_AREA.c.position, _ACTIVITY.c.code)
    )
    if agencies := wanted.one_of("agency"):
        statement = statement.where(_AGENCY.c.code.in_(agencies))
    if areas := wanted.one_of("area"):
        statement = statement.where(_AREA.c.code.in_(areas))
    return statement
