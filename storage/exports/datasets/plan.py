"""The plan and its agencies today: what was promised, by whom, until when, and its state now.

Statuses and lights come from the function that the chat and the digest use (`conversations.plan.figures.monitoring`).
So the workbook on a minister's desk and the card on her phone cannot differ.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from conversations.languages import translated
from conversations.plan.figures.lights import Light
from conversations.plan.figures.monitoring import AgencyStanding, Standing
from conversations.plan.model import Agency, Role, is_restricted
from storage.calendar.figures import Figures
from storage.database.models import Activity, ActivitySupport, Indicator, Objective, Plan, StrategicArea, table
from storage.database.models import Agency as AgencyTable
from storage.exports.datasets.reports import number_or_text
from storage.exports.tables import Cell, Extract, Kind, one_table
from storage.exports.wanted import PUBLIC, Wanted
from storage.plan.settings import SHOW_GCM
from storage.unit_of_work import UnitOfWork

_PLAN = table(Plan)
_ACTIVITY, _OBJECTIVE, _AREA, _INDICATOR = table(Activity), table(Objective), table(StrategicArea), table(Indicator)
_AGENCY, _SUPPORT = table(AgencyTable), table(ActivitySupport)

PLAN: tuple[tuple[str, Kind], ...] = (
    ("activity", Kind.TEXT),
    ("activity_name", Kind.TEXT),
    ("area", Kind.TEXT),
    ("area_name", Kind.TEXT),
    ("objective", Kind.TEXT),
    ("objective_name", Kind.TEXT),
    ("agency", Kind.TEXT),
    ("supporting", Kind.TEXT),
    ("start_on", Kind.DAY),
    ("due_on", Kind.DAY),
    ("frequency", Kind.CODE),
    ("status", Kind.TEXT),
    ("status_name", Kind.TEXT),
    ("progress", Kind.WHOLE),
    ("light", Kind.CODE),
    ("last_period_end", Kind.DAY),
    ("indicator", Kind.TEXT),
    ("target", Kind.DECIMAL),
    ("target_unit", Kind.TEXT),
    ("means_of_verification", Kind.TEXT),
    ("sdg_targets", Kind.TEXT),
    ("restricted", Kind.FLAG),
    ("retired_on", Kind.DAY),
)
GCM = ("gcm_objectives", Kind.TEXT)
"""For partners and donors. Other audiences see it only if an admin has decided so; the shipped plan did not
(docs/domain.md#sdgs-and-the-global-compact).
"""
PLAN_INSIDE: tuple[tuple[str, Kind], ...] = (
    ("sensitivity", Kind.CODE),
    ("meets_victims", Kind.FLAG),
    ("budget", Kind.TEXT),
    ("currency", Kind.TEXT),
    ("budget_status", Kind.TEXT),
    ("source", Kind.TEXT),
)
AGENCIES: tuple[tuple[str, Kind], ...] = (
    ("agency", Kind.TEXT),
    ("agency_name", Kind.TEXT),
    ("role_type", Kind.CODE),
    ("active_from", Kind.DAY),
    ("active_to", Kind.DAY),
    ("activities", Kind.WHOLE),
    ("light", Kind.CODE),
    ("closing_month_end", Kind.DAY),
    ("expected_reports", Kind.WHOLE),
    ("received_reports", Kind.WHOLE),
    ("closed", Kind.FLAG),
    ("on_time", Kind.FLAG),
)
AGENCIES_INSIDE: tuple[tuple[str, Kind], ...] = (
    ("unclosed_in_a_row", Kind.WHOLE),
    ("focal_points", Kind.WHOLE),
    ("reminders", Kind.WHOLE),
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
    told = ([row[name] for name, _ in named] for row in rows)
    return one_table("plan", wanted, named, len(rows), told, lists=_lights(wanted))


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

    def rows() -> Iterator[Sequence[Cell]]:
        for agency in chosen:
            cells = _agency(agency, found.get(agency.code), standing, wanted)
            yield [cells[name] for name, _ in named]

    return one_table("agencies", wanted, named, len(chosen), rows(), lists=_lights(wanted))


def _lights(wanted: Wanted) -> dict[str, Mapping[str, str]]:
    return {"light": {light.value: light.label(wanted.language) for light in Light}}


def _standing(unit: UnitOfWork, wanted: Wanted) -> Standing:
    now = wanted.now
    return Figures(unit).standing(
        wanted.plan_id, now, now - WEEK, wanted.zone, only_validated=wanted.only_validated
    )  # fmt: skip


def _activities(unit: UnitOfWork, wanted: Wanted) -> Iterator[dict[str, Cell]]:
    standing = {each.code: each for each in _standing(unit, wanted).activities}
    statuses = {each.code: each.label for each in unit.plans.code_list(wanted.plan_id, "activity_status")}
    language = wanted.language
    supports: dict[int, list[str]] = {}
    for activity_id, code in unit.connection.execute(
        select(_SUPPORT.c.activity_id, _AGENCY.c.code)
        .join(_AGENCY, _AGENCY.c.id == _SUPPORT.c.agency_id)
        .where(_AGENCY.c.plan_id == wanted.plan_id)
        .order_by(_AGENCY.c.code)
    ):
        supports.setdefault(activity_id, []).append(code)
    for found in unit.connection.execute(_of_plan(wanted)):
        hides = wanted.is_released and is_restricted(found.sensitivity)
        stands = standing.get(found.code)
        last = stands.last if stands else None
        if wanted.status and (last is None or last.status not in wanted.one_of("status")):
            continue
        yield {
            "activity": found.code,
            "activity_name": None if hides else (translated(found.name, language) or None),
            "area": found.area_code,
            "area_name": translated(found.area_name, language) or None,
            "objective": found.objective_code,
            "objective_name": translated(found.objective_name, language) or None,
            "agency": found.agency_code,
            "supporting": " ".join(supports.get(found.id, ())) or None,
            "start_on": found.start_on,
            "due_on": found.due_on,
            "frequency": found.report_frequency,
            "status": last.status.value if last else None,
            "status_name": translated(statuses.get(last.status.value, {}), language) or None if last else None,
            "progress": last.progress if last else None,
            "light": stands.light.value if stands else None,
            "last_period_end": last.end_on if last else None,
            "indicator": found.indicator_code,
            "target": number_or_text(found.target_quantity or ""),
            "target_unit": None if hides else (translated(found.target_unit, language) or None),
            "means_of_verification": None if hides else (translated(found.means_of_verification, language) or None),
            "sdg_targets": found.sdg_targets or None,
            "gcm_objectives": found.gcm_objectives or None,
            "restricted": is_restricted(found.sensitivity),
            "retired_on": found.retired_on,
            "sensitivity": found.sensitivity,
            "meets_victims": found.meets_victims,
            "budget": found.budget or None,
            "currency": (found.currency or None) if found.budget else None,
            "budget_status": found.budget_status or None,
            "source": found.source or None,
        }


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


def _agency(agency: Agency, found: AgencyStanding | None, standing: Standing, wanted: Wanted) -> dict[str, Cell]:
    is_expected = found is not None and found.is_expected
    closing = standing.closing
    return {
        "agency": agency.code,
        "agency_name": translated(agency.name, wanted.language) or None,
        "role_type": agency.role_type,
        "active_from": agency.active_from,
        "active_to": agency.active_to,
        "activities": len(found.activities) if found else 0,
        "light": (found.worst.light if found else Light.GREY).value,
        "closing_month_end": closing.month_end if closing and is_expected else None,
        "expected_reports": found.expected if found else 0,
        "received_reports": found.reported if found else 0,
        "closed": found.is_closed if found and is_expected else None,
        "on_time": found.is_on_time if found and is_expected and found.is_closed else None,
        "unclosed_in_a_row": found.in_a_row if found else None,
        "focal_points": found.focal_points if found else None,
        "reminders": found.reminders if found else None,
    }
