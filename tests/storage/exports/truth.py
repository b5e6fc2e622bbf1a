"""A history of which everything is known, played into a database: what leaves is compared with it."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import delete, update

from conversations.plan.model import Role
from conversations.plan.periods import PeriodType, ReportingPeriod, periods_between
from conversations.plan.sharing.export_request import AUDIENCES
from storage.database.models import (
    Activity,
    ActivitySupport,
    Closing,
    FormVersion,
    Indicator,
    Objective,
    Resource,
    StrategicArea,
    table,
)
from storage.database.models import ReportingPeriod as PeriodRow
from storage.unit_of_work import UnitOfWork
from tests.forms import compiled
from tests.storage.blank_forms import blank_form
from tests.storage.exports.small_plan import INDICATOR, REPORT, ZONE, add

NOW = datetime(2018, 10, 20, 12, tzinfo=UTC)
PERIODS = periods_between(date(2018, 1, 1), date(2018, 12, 31), types=(PeriodType.MONTHLY, PeriodType.QUARTERLY))
MONTHS = [period for period in PERIODS if period.type == PeriodType.MONTHLY and period.opens_on <= NOW.date()]

ACTIVITIES = (
    ("PRE-101", "MINERD", "monthly", date(2018, 2, 1)),
    ("ASI-101", "PGR", "monthly", date(2018, 1, 1)),
    ("ASI-102", "PGR", "quarterly", date(2018, 5, 1)),
)

DUE = date(2019, 6, 30)
CONTINUOUS = "ASI-101"
RESTRICTED = "ASI-102"
COMPLETED = "201808"
"""The period in which PRE-101 is reported completed: nothing is expected of it from then on."""

SILENT = "201801"
"""Nobody reported or closed anything yet: the bot was not kept."""


@dataclass
class Truth:
    """What happened."""

    received: set[tuple[str, str]] = field(default_factory=set)
    """Code and period of the reports about activities."""
    reports: dict[tuple[str, str], tuple[int, str, int, str]] = field(default_factory=dict)
    """Of the same: receipt, status, progress, state of validation."""
    closed: dict[tuple[str, str], datetime] = field(default_factory=dict)
    figures: dict[tuple[str, str], list[tuple[int, str, dict[str, str]]]] = field(default_factory=dict)
    """Of an indicator and period its versions: receipt, state as it stands, what was said."""
    withdrawn: list[tuple[int, int, str, str, str, int | None]] = field(default_factory=list)
    """First receipt, receipt, code, period, why, what stands instead."""
    acts: list[tuple[str, datetime, int, int]] = field(default_factory=list)
    """Of the audit: act, when, receipt, version."""


def at_noon(day: date) -> datetime:
    return datetime.combine(day, time(12), ZONE)


def said_of(period: ReportingPeriod) -> dict[str, str]:
    """What every report about an activity says of this period."""
    month = period.end_on.month
    people = {"ben_total": f"{30 + month}", "ben_women": f"{month}", "ben_men": "10", "ben_girls": "0"}
    return people | {"obstacle": "budget staff", "obstacle_detail": f"Falta {month}", "place": "x", "next_step": "Ir"}


def is_expected(code: str, kind: str, start: date, period: ReportingPeriod) -> bool:
    same_kind = (kind == "monthly") == (period.type == PeriodType.MONTHLY)
    return same_kind and start <= period.end_on and not (code == "PRE-101" and period.code > COMPLETED)


class History:
    """Plays it, and writes down what it does."""

    def __init__(self, unit: UnitOfWork, world: Any, seed: int) -> None:
        self.unit, self.world, self.truth, self.chance = unit, world, Truth(), random.Random(seed)
        self.agency = {"MINERD": world.agency_ids[0], "PGR": world.agency_ids[1]}

    def play(self) -> Truth:
        self._furnish()
        for month in MONTHS:
            for period in (each for each in PERIODS if each.end_on == month.end_on):
                if month.code != SILENT:
                    self._activities(period)
                    self._closings(period)
            self._figure("IND-01", "MINERD", month)
            self._figure("IND-20", "PGR", month)
        return self.truth

    def _furnish(self) -> None:
        unit, here = self.unit, {"plan_id": self.world.plan_id}
        unit.connection.execute(delete(table(PeriodRow)))
        self.period_ids = {
            each.code: add(
                unit, PeriodRow, **here, code=each.code, period_type=each.type, start_on=each.start_on,
                end_on=each.end_on, opens_on=each.opens_on, due_on=each.due_on, grace_until_on=each.grace_until_on,
                locks_on=each.locks_on,
            )
            for each in PERIODS
        }  # fmt: skip
        area = add(unit, StrategicArea, **here, code="PRE", name={"es": "Prevención"}, intent={}, position=1)
        objective = add(unit, Objective, **here, strategic_area_id=area, code="PRE-1", name={"es": "Objetivo"})
        for code, agency, kind, start in ACTIVITIES:
            key = add(unit, Activity, **here, objective_id=objective, agency_id=self.agency[agency], code=code,
                name={"es": f"Acción {code}"}, short_name={}, start_on=start,
                due_on=None if code == CONTINUOUS else DUE, report_frequency=kind,
                target_quantity="120", target_unit={"es": "centros"}, means_of_verification={"es": "Actas"},
                sensitivity="restricted" if code == RESTRICTED else "public",
                meets_victims=True if code == "PRE-101" else None, source="Ley")  # fmt: skip
            if code == "PRE-101":
                add(unit, ActivitySupport, activity_id=key, agency_id=self.agency["PGR"])
            if code == RESTRICTED:
                add(unit, ActivitySupport, activity_id=key, agency_id=self.agency["MINERD"], leads=True)
                add(unit, Resource, activity_id=key, source="UNDP", amount="20.5", currency="USD")
                add(unit, Resource, activity_id=key, source="Ministerio", amount="5000")
        for code, agency, more in (
            ("IND-01", "MINERD", {"unit": "people", "aggregation": "sum", "annual_table": "prevention"}),
            ("IND-17", "MINERD", {"unit": "percent", "aggregation": "ratio", "computed": "reporting_rate"}),
            ("IND-18", "MINERD", {"unit": "percent", "aggregation": "ratio", "computed": "rate_on_time"}),
            ("IND-19", "MINERD", {"unit": "percent", "aggregation": "ratio", "computed": "share_completed"}),
            (
                "IND-20",
                "PGR",
                {
                    "unit": "people",
                    "aggregation": "sum",
                    "sensitivity": "restricted",
                    "min_cell": 10,
                    "annual_table": "protection",
                },
            ),
        ):
            add(unit, Indicator, **here, strategic_area_id=area, agency_id=self.agency[agency], code=code,
                name={"es": code}, level="output", direction="increase", frequency="monthly", **more)  # fmt: skip
        unit.connection.execute(update(table(FormVersion)).values(xform=compiled(REPORT).xform))
        checked = compiled(INDICATOR)
        self.form = unit.forms.publish(
            blank_form(**here, form_id="indicator_update", xform=checked.xform, workbook=INDICATOR),
            NOW,
        )

    def _activities(self, period: ReportingPeriod) -> None:
        for code, agency, kind, start in ACTIVITIES:
            # The first month begins the history: somebody reports.
            if not is_expected(code, kind, start, period) or (self.chance.random() < 0.3 and period.code > "201802"):
                continue
            is_last = code == "PRE-101" and period.code == COMPLETED
            status, progress = ("completed", 100) if is_last else ("in_progress", 50 + period.end_on.month)
            state = "validated" if is_last or self.chance.random() < 0.5 else "submitted"
            sent = self.world.submit(
                self.unit, f"uuid:{code}-{period.code}", subject=f"activity:{code}", agency_id=self.agency[agency],
                reporting_period_id=self.period_ids[period.code], now=at_noon(period.opens_on),
                answers={f"/data/{name}": value for name, value in said_of(period).items()},
                activity_status=status, progress=progress, validation_state=state,
            )  # fmt: skip
            self.truth.received.add((code, period.code))
            self.truth.reports[code, period.code] = (sent.receipt_number, status, progress, state)
        if period.code == COMPLETED and ("PRE-101", COMPLETED) not in self.truth.received:
            raise AssertionError("choose another seed: PRE-101 must be completed")

    def _closings(self, period: ReportingPeriod) -> None:
        for agency, agency_id in self.agency.items():
            if self.chance.random() < 0.25:
                continue
            late = self.chance.choice((-2, 0, 0, 1, 4))
            closed_at = datetime.combine(period.due_on + timedelta(late), time(23, 59), ZONE)
            add(self.unit, Closing, plan_id=self.world.plan_id, agency_id=agency_id,
                reporting_period_id=self.period_ids[period.code], closed_at=closed_at,
                closed_by_id=self.world.person_ids[0])  # fmt: skip
            self.truth.closed[agency, period.code] = closed_at

    def _figure(self, code: str, agency: str, period: ReportingPeriod) -> None:
        """A report about an indicator, or none; perhaps corrected, perhaps a validation that is taken back."""
        fate = self.chance.choice(("none", "submitted", "validated", "validated", "corrected", "waits", "taken_back"))
        if fate == "none":
            return
        coordinator = self.world.person_ids[2]
        versions = self.truth.figures.setdefault((code, period.code), [])

        def send(number: int, supersedes: Any = None) -> Any:
            said = self.chance.choice((
                {"data_status": "final", "value_people": str(self.chance.randrange(1, 90))},
                {"data_status": "preliminary", "value_people": str(self.chance.randrange(1, 90))},
                {"data_status": "zero"}, {"data_status": "not_available"},
            ))  # fmt: skip
            sent = self.world.submit(
                self.unit, f"uuid:{code}-{period.code}-{number}", subject=f"indicator:{code}",
                form_id=self.form.form_key, form_version_id=self.form.id, agency_id=self.agency[agency],
                sensitive=code == "IND-20",
                reporting_period_id=self.period_ids[period.code], now=at_noon(period.opens_on + timedelta(number)),
                answers={f"/data/{name}": value for name, value in said.items()},
                supersedes_id=supersedes.id if supersedes else None,
                validation_state="corrected" if supersedes else "submitted",
            )  # fmt: skip
            versions.append((sent.receipt_number, "corrected" if supersedes else "submitted", said))
            return sent

        def settle(sent: Any, number: int, state: str) -> Any:
            versions[number - 1] = (sent.receipt_number, state, versions[number - 1][2])
            return self.unit.submissions.by_instance(sent.instance_id)

        first = send(1)
        if fate == "submitted":
            return
        day = at_noon(period.opens_on + timedelta(1))
        self.unit.reviews.decide(first, "validated", coordinator, day + timedelta(minutes=1))
        self.truth.acts.append(("report.validated", day + timedelta(minutes=1), first.receipt_number, 1))
        first = settle(first, 1, "validated")
        if fate == "taken_back":
            self.unit.reviews.take_back(first, coordinator, day + timedelta(minutes=2))
            self.truth.acts.append(("report.taken_back", day + timedelta(minutes=2), first.receipt_number, 1))
            settle(first, 1, "submitted")
            self.truth.withdrawn.append((first.receipt_number, first.receipt_number, code, period.code, fate, None))
        if fate in ("corrected", "waits"):
            second = send(2, first)
            if fate == "corrected":
                self.unit.reviews.decide(second, "validated", coordinator, day + timedelta(days=2))
                self.truth.acts.append(("report.validated", day + timedelta(days=2), second.receipt_number, 2))
                settle(second, 2, "validated")
                gone = (first.receipt_number, first.receipt_number, code, period.code, fate, second.receipt_number)
                self.truth.withdrawn.append(gone)


# ------------------------------------------------------------------ closings
def closings_in(truth: Truth) -> list[tuple[Any, ...]]:
    """Agency × month: what was expected and came, when it was closed, whether in time."""
    found: list[tuple[Any, ...]] = []
    for month in MONTHS:
        if month.code == SILENT:
            continue
        for agency in ("MINERD", "PGR"):
            wanted = [
                (code, period)
                for code, whose, kind, start in ACTIVITIES
                for period in PERIODS
                if whose == agency and period.end_on == month.end_on and is_expected(code, kind, start, period)
            ]
            if not wanted:
                continue
            times = [truth.closed.get((agency, period.code)) for _, period in wanted]
            closed_at = None if None in times else max(at for at in times if at)
            due = max(period.due_on for _, period in wanted)
            found.append((
                agency, month.code, len(wanted), sum((code, p.code) in truth.received for code, p in wanted),
                closed_at is not None, closed_at, closed_at is not None and closed_at.date() <= due,
                max(0, (closed_at.date() - due).days) if closed_at else None,
            ))  # fmt: skip
    return found


def by_code(code: str) -> ReportingPeriod:
    return next(period for period in PERIODS if period.code == code)


# ------------------------------------------------------------------ the panel
def figure_in(truth: Truth, code: str, month: str, *, only_validated: bool) -> tuple[Any, ...]:
    """Receipt, first receipt, status of the figure and of the value, and the value."""
    versions = truth.figures.get((code, month), [])
    if not versions:
        return None, None, "missing", "missing", None
    readable = [each for each in versions if each[1] == "validated" or not only_validated]
    if not readable:
        return None, None, None, "not_allowed", None
    receipt, _, said = readable[-1]
    value = {"zero": 0, "not_available": None}.get(said["data_status"], int(said.get("value_people", 0)))
    status = "no_figure" if value is None else "told"
    return receipt, versions[0][0], said["data_status"], status, value


# ------------------------------------------------------------------ who asks, and years
READERS = tuple(
    {"audience": audience, "role": role}
    for audience in AUDIENCES
    for role in (Role.COORDINATOR, Role.ADMIN)
    if audience == "internal" or role is Role.ADMIN
)


def is_inside(asked: Mapping[str, Any]) -> bool:
    return bool(asked["audience"] == "internal")


def sees_all(asked: Mapping[str, Any]) -> bool:
    return is_inside(asked) and asked["role"] is Role.COORDINATOR
