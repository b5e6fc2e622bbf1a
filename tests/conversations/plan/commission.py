"""A small commission in October 2018, for tests of what is counted and said: rows as storage would hand them in."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from conversations.plan.figures.monitoring import Standing, standing
from conversations.plan.figures.standing_records import Closed, Detail, Queue, Records, Report, Reporter
from conversations.plan.model import Activity, ActivityStatus, Agency, Role, ValidationState
from conversations.plan.periods import Frequency, periods_between

ZONE = ZoneInfo("America/Santo_Domingo")
MONDAY = datetime(2018, 10, 15, 8, 30, tzinfo=ZONE).astimezone(UTC)
WEEK = timedelta(days=7)

PERIODS = tuple(
    replace(period, id=number)
    for number, period in enumerate(periods_between(date(2018, 1, 1), date(2020, 12, 31)), start=1)
)
BY_CODE = {period.code: period for period in PERIODS}
AGENCIES = tuple(
    Agency(code, {"es": name, "en": name, "ht": name}, id=number)
    for number, (code, name) in enumerate(
        [
            ("MIREX", "Relaciones Exteriores"),
            ("MITUR", "Turismo"),
            ("MMUJER", "Ministerio de la Mujer"),
            ("PGR", "Procuraduría"),
            ("CONANI", "Consejo de la Niñez"),
            ("DGP", "Pasaportes"),
            ("DPD", "Despacho"),
            ("INM", "Instituto de Migración"),
        ],
        start=1,
    )
)
ID = {agency.code: agency.id for agency in AGENCIES}
REASONS = {
    "budget": {"es": "Falta de presupuesto", "en": "Lack of budget", "ht": "Manke lajan"},
    "legal": {"es": "Trámite legal pendiente", "en": "Legal step pending", "ht": "Demach legal annatant"},
}


def day(text: str, hour: int = 12) -> datetime:
    return datetime.combine(date.fromisoformat(text), datetime.min.time(), ZONE).replace(hour=hour).astimezone(UTC)


def activity(code: str, agency: str, start: str, due: str, frequency: str = "monthly", **more: Any) -> Activity:
    name = {"es": f"Actividad {code}", "en": f"Activity {code}", "ht": f"Aktivite {code}"}
    return Activity(
        code=code,
        agency_code=agency,
        start_on=date.fromisoformat(start),
        due_on=date.fromisoformat(due),
        frequency=Frequency(frequency),
        short_name=name,
        area_code=code[:3],
        **more,
    )


def report(code: str, period: str, status: str, progress: int, sent: str, **more: Any) -> Report:
    more = {"state": ValidationState.VALIDATED, **more}
    report.count += 1  # type: ignore[attr-defined]
    return Report(
        submission_id=report.count,  # type: ignore[attr-defined]
        activity_code=code,
        period_id=BY_CODE[period].id,
        end_on=BY_CODE[period].end_on,
        status=ActivityStatus(status),
        progress=progress,
        sent_at=day(sent),
        **more,
    )


report.count = 0  # type: ignore[attr-defined]

ACTIVITIES = (
    activity("PRE-101", "MMUJER", "2018-07-01", "2020-11-30"),
    activity("PRE-301", "MITUR", "2018-08-01", "2020-09-15"),
    activity("PRE-303", "MITUR", "2018-10-09", "2020-09-15", "quarterly"),
    activity("PRE-304", "DGP", "2018-08-01", "2020-12-15"),
    activity("PRE-405", "DPD", "2018-07-01", "2018-12-31"),
    activity("PRE-401", "INM", "2018-11-01", "2019-10-31", "quarterly"),
    activity("PER-101", "PGR", "2018-06-15", "2018-10-25", "quarterly"),
    activity("PER-103", "MIREX", "2018-06-15", "2018-12-15"),
    activity("PER-202", "PGR", "2018-07-01", "2020-12-15", sensitivity="restricted"),
    activity("PER-305", "MIREX", "2018-07-01", "2019-09-30", "quarterly"),
    activity("ASI-202", "CONANI", "2018-07-01", "2020-12-15", sensitivity="restricted"),
)
REPORTS = (
    report("PRE-101", "201808", "in_progress", 8, "2018-09-04"),
    report("PRE-301", "201808", "in_progress", 5, "2018-09-04"),
    report("PRE-304", "201808", "in_progress", 6, "2018-09-05"),
    report("PER-103", "201808", "in_progress", 60, "2018-09-03"),
    report("PER-202", "201808", "in_progress", 10, "2018-09-05"),
    report("ASI-202", "201808", "in_progress", 10, "2018-09-02"),
    report("PRE-101", "201809", "in_progress", 12, "2018-10-03", promises_evidence=True),
    report(
        "PRE-301",
        "201809",
        "delayed",
        5,
        "2018-10-09",
        state=ValidationState.SUBMITTED,
        detail=Detail(("legal",), True, "Falta la firma del convenio hotelero", date(2020, 11, 1)),
    ),
    report("PER-103", "201809", "completed", 100, "2018-10-10"),
    report(
        "PER-202",
        "201809",
        "suspended",
        10,
        "2018-10-11",
        detail=Detail(("legal",), True, "", date(2019, 3, 1)),
    ),
    report("ASI-202", "201809", "in_progress", 14, "2018-10-01"),
    report("PER-101", "2018Q3", "delayed", 20, "2018-10-10", detail=Detail(("budget", "legal"), False, "", None)),
    report("PER-305", "2018Q3", "in_progress", 30, "2018-10-09", state=ValidationState.SUBMITTED),
)
RECORDS = Records(
    agencies=AGENCIES,
    activities=ACTIVITIES,
    periods=PERIODS,
    reports=tuple(sorted(REPORTS, key=lambda one: (one.end_on, one.submission_id))),
    closed=(
        Closed(ID["MMUJER"], BY_CODE["201808"].id, day("2018-09-05")),
        Closed(ID["CONANI"], BY_CODE["201808"].id, day("2018-09-02")),
        Closed(ID["PGR"], BY_CODE["201808"].id, day("2018-09-11")),
        Closed(ID["CONANI"], BY_CODE["201809"].id, day("2018-10-01", 9)),
        Closed(ID["MMUJER"], BY_CODE["201809"].id, day("2018-10-03")),
        Closed(ID["MIREX"], BY_CODE["201809"].id, day("2018-10-10", 23)),
        Closed(ID["MIREX"], BY_CODE["2018Q3"].id, day("2018-10-10", 23)),
        Closed(ID["PGR"], BY_CODE["201809"].id, day("2018-10-11")),
        Closed(ID["PGR"], BY_CODE["2018Q3"].id, day("2018-10-11")),
    ),
    reporters=(
        *(
            Reporter(ID[code], Role.FOCAL_POINT, f"Persona {code}")
            for code in ("MIREX", "MITUR", "MMUJER", "PGR", "CONANI", "INM")
        ),
        Reporter(ID["DGP"], Role.FOCAL_POINT, "Persona DGP", absence="unreachable", absent_since=day("2018-09-20")),
        Reporter(ID["DPD"], Role.FOCAL_POINT, "Persona DPD", active_to=day("2018-10-01")),
    ),
    queue=Queue(2, "PER-305", "MIREX", day("2018-10-09")),
    reasons=REASONS,
    reminded={ID["DGP"]: 2, ID["MITUR"]: 1},
)
UNEXPLAINED = replace(
    RECORDS,
    activities=(*ACTIVITIES, activity("PER-404", "PGR", "2018-01-01", "2018-08-01")),
    reports=(
        report("PER-404", "201806", "in_progress", 90, "2018-07-04"),
        *RECORDS.reports,
        report("PER-404", "201809", "in_progress", 90, "2018-10-02"),
    ),
)
"""With one that has been past its day since August, and whose reports say nothing of it."""
EMPTY = Records(agencies=AGENCIES, activities=(), periods=PERIODS, reports=(), closed=(), reporters=())


def stand(records: Records = RECORDS, now: datetime = MONDAY, **more: Any) -> Standing:
    return standing(records, now, now - WEEK, ZONE, **more)
