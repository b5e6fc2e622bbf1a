"""Periods, lights, expected reports and the due list are computed, and computed one way only."""

import csv
import io
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from importlib.resources import files
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from conversations.plan.calendar.ladder import left_reports
from conversations.plan.calendar.working_time import follow
from conversations.plan.expected import (
    EXPECTED_BY,
    ClosingOfPeriods,
    PastReport,
    closes_together,
    due_list,
    expected_activities,
    is_expected,
    led_by_nobody,
    unclosed_row,
)
from conversations.plan.figures.lights import Declared, Light, expected_progress, traffic_light
from conversations.plan.model import Activity, ActivityStatus, Agency, Indicator, ValidationState, is_restricted
from conversations.plan.periods import (
    LONGEST_CADENCE,
    Cadence,
    Frequency,
    PeriodType,
    ReportingPeriod,
    closing_due_on,
    period_for,
    period_name,
    periods_between,
    reporting_period,
)
from tests import ROOT
from tests.closings import expected_at_closing

CALENDAR_FILE = ROOT / "tests" / "conversations" / "data" / "reporting_calendar.csv"
CALENDAR = list(csv.DictReader(CALENDAR_FILE.read_text(encoding="utf-8").splitlines()))
DAYS = st.dates(date(2000, 1, 1), date(2100, 12, 31))


def seed_activities() -> list[Activity]:
    data = (files("storage") / "seed" / "plan.xlsx").read_bytes()
    header, *rows = load_workbook(io.BytesIO(data), read_only=True)["activities"].iter_rows(values_only=True)
    return [
        Activity(
            code=str(row["code"]),
            agency_code=str(row["responsible"]),
            start_on=date.fromisoformat(str(row["start_date"])),
            due_on=date.fromisoformat(str(row["due_date"])),
            frequency=Frequency(str(row["report_frequency"])),
            sensitivity=str(row["sensitivity"]),
        )
        for row in (dict(zip(header, cells, strict=True)) for cells in rows)
    ]


def activity(code: str = "PRE-101", **values: object) -> Activity:
    standard: dict[str, object] = {
        "agency_code": "MMUJER",
        "start_on": date(2018, 7, 1),
        "due_on": date(2020, 11, 30),
        "frequency": Frequency.MONTHLY,
    }
    return Activity(code=code, **{**standard, **values})  # type: ignore[arg-type]


def report(code: str, period: str, **values: object) -> PastReport:
    standard: dict[str, object] = {
        "validation_state": ValidationState.SUBMITTED,
        "status": ActivityStatus.IN_PROGRESS,
    }
    end_on = reporting_period(period).end_on
    return PastReport(f"activity:{code}", period, end_on, **{**standard, **values})  # type: ignore[arg-type]


# ------------------------------------------------------------------ periods
@pytest.mark.parametrize("row", CALENDAR, ids=[row["period"] for row in CALENDAR])
def test_every_period_of_the_reporting_calendar_is_computed_to_the_day(row: dict[str, str]) -> None:
    """docs/domain.md#calendar: the calendar is the test, exactly."""
    period = reporting_period(row["period"])
    actual = {
        "period": period.code,
        "period_type": period.type.value,
        "start": str(period.start_on),
        "end": str(period.end_on),
        "opens": str(period.opens_on),
        "due": str(period.due_on),
        "grace_until": str(period.grace_until_on),
        "locks": str(period.locks_on),
    }
    assert actual == row


def test_the_periods_between_two_dates_are_those_of_the_calendar() -> None:
    """Every period that ends within the span, once, the shorter first where several end together."""
    found = periods_between(date(2018, 6, 1), date(2020, 12, 31))
    assert [p.code for p in found if p.start_on >= date(2018, 6, 1) or p.code in ("2018Q2", "2018S1", "2018")] == [
        row["period"] for row in CALENDAR
    ]


def test_holidays_are_no_working_days_either() -> None:
    """Due and grace move past a holiday, also when it makes a weekend longer."""
    period = reporting_period("201809", frozenset({date(2018, 10, 5), date(2018, 10, 8), date(2018, 10, 10)}))
    assert (period.opens_on, period.due_on, period.grace_until_on) == (
        date(2018, 10, 1),
        date(2018, 10, 9),
        date(2018, 10, 11),
    )


@pytest.mark.parametrize("code", ["", "2018-09", "201813", "201800", "2018Q5", "2018S3", "18", "٢٠١٨", "201809 "])
def test_what_is_no_period_code_is_refused(code: str) -> None:
    """Codes come from files and from taps; only DHIS2's own spelling is one."""
    with pytest.raises(ValueError, match="not a reporting period"):
        reporting_period(code)


@given(DAYS, st.sampled_from(PeriodType))
def test_a_day_lies_in_the_period_found_for_it_and_its_code_leads_back(on: date, period_type: PeriodType) -> None:
    """Periods of one type cover every day once, and code and period are the same thing."""
    period = period_for(period_type, on)
    assert period.start_on <= on <= period.end_on
    assert reporting_period(period.code) == period
    assert period_for(period_type, period.end_on + timedelta(days=1)).start_on == period.end_on + timedelta(days=1)


def in_order(days: list[int]) -> Cadence:
    """As a workbook may have it: the same day for everything but the lock, which comes after the last of grace."""
    opening, due, grace, lock = sorted(days)
    return Cadence(opening, due, grace, lock + (lock == grace))


CADENCES = st.lists(st.integers(1, LONGEST_CADENCE - 1), min_size=4, max_size=4).map(in_order)


@given(DAYS, st.sampled_from(PeriodType), st.frozensets(DAYS, max_size=20), CADENCES)
def test_opening_due_grace_and_lock_never_change_order(
    on: date, period_type: PeriodType, holidays: frozenset[date], cadence: Cadence
) -> None:
    """Rolling forward cannot lock a period before its grace has ended, whatever days the plan has."""
    period = period_for(period_type, on, holidays, {period_type: cadence})
    assert period.end_on < period.opens_on <= period.due_on <= period.grace_until_on < period.locks_on
    assert (period.opens_on - period.end_on).days == cadence.opening


@given(DAYS, st.integers(-5, 90), st.frozensets(DAYS, max_size=20), CADENCES, CADENCES)
def test_a_period_that_follows_another_cadence_has_its_days_in_order_and_none_in_the_past(
    on: date, after: int, holidays: frozenset[date], old: Cadence, new: Cadence
) -> None:
    """What is past stays; what is to come can still be kept."""
    kind = PeriodType.MONTHLY
    period = period_for(kind, on, holidays, {kind: old})
    today = period.end_on + timedelta(days=after)
    found = follow(period, reporting_period(period.code, holidays, {kind: new}), today, holidays)
    if today <= period.due_on:  # as follow_calendar lets it
        assert found.opens_on <= found.due_on <= found.grace_until_on < found.locks_on
    for name, first in (("opens_on", today), ("due_on", today), ("grace_until_on", today), ("locks_on", today)):
        was, now = getattr(period, name), getattr(found, name)
        assert now == was if was < first else now >= first


def test_what_goes_on_under_an_agency_that_takes_no_part_is_named() -> None:
    """It has left, it is only proposed, it comes after the activity has begun; what is over or computed is not."""
    today = date(2018, 10, 3)
    agencies = [
        Agency("IN", {}),
        Agency("LEFT", {}, active_to=today),
        Agency("BILL", {}, role_type="proposed"),
        Agency("SOON", {}, active_from=date(2019, 1, 1)),
    ]
    activities = [
        activity("A-1", agency_code="IN"),
        activity("A-2", agency_code="LEFT"),
        activity("A-3", agency_code="BILL"),
        activity("A-4", agency_code="SOON"),
        activity("A-5", agency_code="SOON", start_on=date(2019, 1, 1)),
        activity("A-6", agency_code="LEFT", due_on=date(2018, 10, 2)),
        activity("A-7", agency_code="LEFT", retired_on=today),
        activity("A-8", agency_code="LEFT", due_on=None),
    ]
    indicators = [
        Indicator("I-1", "LEFT", Frequency.MONTHLY),
        Indicator("I-2", "LEFT", Frequency.MONTHLY, computed="x"),
    ]
    assert led_by_nobody(activities, indicators, agencies, today) == ("A-2", "A-3", "A-4", "A-8", "I-1")


def test_a_period_goes_through_its_stages_day_by_day() -> None:
    """Due and grace days belong to the stage they end; the lock day is locked from its first minute."""
    period = reporting_period("201809")
    stages = {day: period.stage(date(2018, 9 if day > 29 else 10, day)) for day in (30, 1, 5, 6, 10, 11, 14, 15)}
    assert stages == {
        30: "ahead", 1: "open", 5: "open", 6: "grace", 10: "grace", 11: "late", 14: "late", 15: "locked"
    }  # fmt: skip
    assert [period.is_open(date(2018, 10, day)) for day in (1, 14, 15)] == [True, True, False]


def test_a_closing_of_several_periods_is_due_when_the_last_of_them_is() -> None:
    """With monthly and quarterly items an agency closes by the later date (docs/domain.md#calendar)."""
    periods = [reporting_period("201809"), reporting_period("2018Q3")]
    assert closing_due_on(periods) == date(2018, 10, 10)


@pytest.mark.parametrize(
    ("code", "es", "en", "ht"),
    [
        ("201809", "septiembre 2018", "September 2018", "septanm 2018"),
        ("2018Q3", "3.er trimestre 2018", "3rd quarter 2018", "3yèm trimès 2018"),
        ("2018S2", "2.º semestre 2018", "2nd half of 2018", "2yèm semès 2018"),
        ("2018", "año 2018", "year 2018", "ane 2018"),
    ],
)
def test_a_period_is_named_as_people_say_it(code: str, es: str, en: str, ht: str) -> None:
    """In the reader's language."""
    assert [period_name(reporting_period(code), language) for language in ("es", "en", "ht")] == [es, en, ht]


# ------------------------------------------------------------------ expected reports
def test_the_september_closing_of_the_seed_plan_expects_33_reports_of_15_institutions() -> None:
    """docs/domain.md#the-week: 33 from 15, MISPAS none, PEDATEC one, and 10 activities start later than 15 October."""
    activities = seed_activities()
    expected = expected_at_closing(activities, date(2018, 9, 30))
    by_agency = Counter(each.agency_code for each in expected)
    assert (len(expected), len(by_agency)) == (33, 15)
    assert (by_agency["MISPAS"], by_agency["PEDATEC"], by_agency["DGP"]) == (0, 1, 2)
    assert sum(a.start_on > date(2018, 10, 15) for a in activities) == 10


def test_an_activity_is_expected_from_the_period_in_which_it_starts() -> None:
    """Open on the last day of the period is open."""
    period = reporting_period("201809")
    starts = [activity(str(on), start_on=on) for on in (date(2018, 9, 30), date(2018, 10, 1))]
    assert [e.code for e in expected_activities(starts, period)] == ["2018-09-30"]


def test_an_overdue_activity_is_still_expected_until_a_report_ended_it() -> None:
    """Statuses count as open whatever the date; the ending report itself was still expected."""
    overdue = activity(due_on=date(2018, 8, 31))
    ended = {overdue.code: date(2018, 10, 31)}
    months = ["201809", "201810", "201811"]
    assert [len(expected_activities([overdue], reporting_period(m))) for m in months] == [1, 1, 1]
    assert [len(expected_activities([overdue], reporting_period(m), ended)) for m in months] == [1, 1, 0]


def test_a_retired_activity_stays_expected_for_the_periods_that_were_locked_before() -> None:
    """What the rates said about the past does not change; nothing is asked any more."""
    retired = activity(retired_on=date(2018, 10, 20))
    assert [len(expected_activities([retired], reporting_period(m))) for m in ("201809", "201810")] == [1, 0]


def test_an_activity_added_later_is_expected_from_the_first_period_that_was_not_due_yet() -> None:
    """Nobody could have reported what was not in the plan: red for two missing reports on its first day."""
    late = activity(added_on=date(2018, 10, 5))
    months = ["201807", "201808", "201809", "201810"]
    assert [len(expected_activities([late], reporting_period(m))) for m in months] == [0, 0, 0, 1]
    in_time = replace(late, added_on=date(2018, 10, 4))
    assert [len(expected_activities([in_time], reporting_period(m))) for m in months] == [0, 0, 1, 1]


def test_what_is_expected_is_asked_of_nothing_else() -> None:
    """Figures ask once for all activities that are expected by the same."""
    whole = activity(added_on=date(2018, 10, 5), retired_on=date(2019, 10, 5))
    named = ("start_on", "frequency", "added_on", "retired_on", "valid_from", "valid_to")
    asked: Any = SimpleNamespace(**dict(zip(named, EXPECTED_BY(whole), strict=True)))
    for ended_on in (None, date(2018, 11, 30)):
        said = [is_expected(asked, reporting_period(month), ended_on) for month in ("201809", "201810", "201812")]
        assert said == [False, True, ended_on is None]


# ------------------------------------------------------------------ the due list
def test_the_due_list_puts_first_what_is_due_first() -> None:
    """By the period's due day, activities before indicators, then by their own due date."""
    items = [
        activity("PRE-3", frequency=Frequency.QUARTERLY),
        activity("PRE-0", due_on=None),
        activity("PRE-2", due_on=date(2019, 1, 31)),
        activity("PRE-1", due_on=date(2020, 1, 31)),
    ]
    indicators = [
        Indicator("IND-01", "MMUJER", Frequency.MONTHLY),
        Indicator("IND-17", "MMUJER", Frequency.MONTHLY, computed="reporting_rate"),
    ]
    periods = [reporting_period(code) for code in ("2018Q3", "201809", "201808", "201810")]
    due = due_list(items, indicators, periods, [], date(2018, 10, 3))
    assert [(d.code, d.period.code) for d in due] == [
        ("PRE-2", "201809"),
        ("PRE-1", "201809"),
        ("PRE-0", "201809"),
        ("IND-01", "201809"),
        ("PRE-3", "2018Q3"),
    ]


def test_what_is_reported_is_no_longer_due_before_the_next_period() -> None:
    """A report is about one period."""
    past = [report("PRE-101", "201809"), report("PRE-101", "201807")]
    september, october = reporting_period("201809"), reporting_period("201810")
    assert due_list([activity()], [], [september], past, date(2018, 10, 3)) == ()
    (due,) = due_list([activity()], [], [october], past, date(2018, 11, 3))
    assert (due.code, due.period, due.returned) == ("PRE-101", october, None)


def test_a_returned_report_is_due_again() -> None:
    """The coordinator sent it back."""
    returned = report("PRE-101", "201809", validation_state=ValidationState.RETURNED)
    (due,) = due_list([activity()], [], [reporting_period("201809")], [returned], date(2018, 10, 3))
    assert due.returned == returned


def test_a_closed_period_asks_for_no_activity_and_a_locked_one_for_nothing() -> None:
    """Closing says that all activities are reported, not indicators; locking says that it is too late."""
    september = reporting_period("201809")
    indicator = Indicator("IND-01", "MMUJER", Frequency.MONTHLY)
    due = due_list([activity()], [indicator], [september], [], date(2018, 10, 3), closed={"201809": date(2018, 10, 2)})
    assert [d.code for d in due] == ["IND-01"]
    assert due_list([activity()], [indicator], [september], [], date(2018, 10, 15)) == ()


@pytest.mark.parametrize(("added_on", "is_due"), [(None, False), (1, False), (2, True), (3, True)])
def test_what_came_into_the_plan_after_the_closing_is_due_all_the_same(added_on: int | None, is_due: bool) -> None:
    """Closed on the second, which asked for all that was left; of that day nobody knows the hours, nor need to."""
    late = activity(added_on=None if added_on is None else date(2018, 10, added_on))
    closed = {"201809": date(2018, 10, 2)}
    due = due_list([late], [], [reporting_period("201809")], [], date(2018, 10, 3), closed=closed)
    assert bool(due) is is_due
    keys = {("MMUJER", "201809"): date(2018, 10, 2)}
    assert bool(left_reports([late], [reporting_period("201809")], {}, (), (), keys)) is is_due


def test_a_report_returned_after_closing_is_due_again() -> None:
    """Nobody would find it otherwise."""
    returned = report("PRE-101", "201809", validation_state=ValidationState.RETURNED)
    due = due_list(
        [activity()],
        [],
        [reporting_period("201809")],
        [returned],
        date(2018, 10, 3),
        closed={"201809": date(2018, 10, 2)},
    )
    assert [d.code for d in due] == ["PRE-101"]


@pytest.mark.parametrize(
    ("status", "state", "is_due"),
    [
        (ActivityStatus.COMPLETED, ValidationState.SUBMITTED, False),
        (ActivityStatus.COMPLETED, ValidationState.RETURNED, True),
        (ActivityStatus.CANCELLED, ValidationState.SUBMITTED, True),
        (ActivityStatus.CANCELLED, ValidationState.VALIDATED, False),
        (ActivityStatus.DELAYED, ValidationState.VALIDATED, True),
    ],
)
def test_completed_ends_an_activity_when_declared_and_cancelled_when_approved(
    status: ActivityStatus, state: ValidationState, is_due: bool
) -> None:
    """Cancelling needs the coordinator (docs/domain.md#status-and-validation)."""
    past = [report("PRE-101", "201808", status=status, validation_state=state)]
    assert bool(due_list([activity()], [], [reporting_period("201809")], past, date(2018, 10, 3))) is is_due


def test_an_activity_taken_up_again_after_it_was_completed_is_due_again() -> None:
    """The latest report counts."""
    past = [report("PRE-101", "201807", status=ActivityStatus.COMPLETED), report("PRE-101", "201808")]
    assert len(due_list([activity()], [], [reporting_period("201809")], past, date(2018, 10, 3))) == 1


# ------------------------------------------------------------------ who sees, who takes part
@pytest.mark.parametrize(
    ("sensitivity", "expected"),
    [("public", False), ("internal", False), ("restricted", True), ("secreto", True), ("", True)],
)
def test_the_plans_column_restricts_and_so_does_a_word_that_nobody_knows(sensitivity: str, expected: bool) -> None:
    """S10: no code is restricted by how it begins."""
    assert is_restricted(sensitivity) is expected


def test_an_agency_takes_part_between_its_dates_and_not_by_a_bill_alone() -> None:
    """Membership changes, agencies stay (docs/domain.md#agencies)."""
    closed_down = Agency("DPD", {}, active_to=date(2020, 8, 16))
    assert [closed_down.is_active(date(2020, 8, day)) for day in (15, 16)] == [True, False]
    assert not Agency("PJ", {}, role_type="proposed").is_active(date(2020, 8, 15))


# ------------------------------------------------------------------ the traffic light
def test_the_worked_case_of_the_traffic_light_is_yellow() -> None:
    """docs/domain.md#lights: PRE-405, 136 of 302 days gone, 45 % expected, 30 % reported, gap 15."""
    start, due, today = date(2018, 9, 1), date(2019, 6, 30), date(2019, 1, 15)
    assert round(expected_progress(start, due, today)) == 45
    light = traffic_light(start, due, today, Declared(ActivityStatus.IN_PROGRESS, 30))
    assert light is Light.ATTENTION
    assert light.label("es") == "🟡 Atención"


START, DUE = date(2018, 1, 1), date(2018, 4, 11)  # 100 days: a day is a percent
P, C = ActivityStatus.IN_PROGRESS, ActivityStatus.COMPLETED


@pytest.mark.parametrize(
    ("day", "declared", "missed", "light"),
    [
        (-1, Declared(None, 0), 0, Light.GREY),
        (-1, Declared(P, 0), 2, Light.GREY),
        (50, Declared(ActivityStatus.CANCELLED, 50, is_cancellation_approved=True), 0, Light.GREY),
        (50, Declared(ActivityStatus.CANCELLED, 50), 0, Light.ON_TRACK),
        (101, Declared(P, 99), 0, Light.CRITICAL),
        (101, Declared(C, 100), 0, Light.ON_TRACK),
        (50, Declared(P, 24), 0, Light.CRITICAL),
        (50, Declared(P, 25), 0, Light.ATTENTION),
        (50, Declared(P, 39), 0, Light.ATTENTION),
        (50, Declared(P, 40), 0, Light.ON_TRACK),
        (50, Declared(P, 50), 2, Light.CRITICAL),
        (50, Declared(P, 50), 1, Light.ATTENTION),
        (50, Declared(ActivityStatus.SUSPENDED, 50), 0, Light.CRITICAL),
        (50, Declared(ActivityStatus.SUSPENDED, 50, new_due_on=DUE), 0, Light.ON_TRACK),
        (69, Declared(P, 79), 0, Light.ON_TRACK),
        (70, Declared(P, 79), 0, Light.ATTENTION),
        (70, Declared(P, 80), 0, Light.ON_TRACK),
        (50, Declared(C, 100, is_evidence_pending=True), 0, Light.ATTENTION),
        (50, Declared(C, 100), 0, Light.ON_TRACK),
        (10, Declared(), 0, Light.NO_REPORT),
        (10, Declared(is_waiting=True), 0, Light.TO_VALIDATE),
        (11, Declared(), 0, Light.ATTENTION),
        (11, Declared(is_waiting=True), 0, Light.ATTENTION),
        (26, Declared(is_waiting=True), 0, Light.CRITICAL),
        (10, Declared(), 1, Light.ATTENTION),
        (10, Declared(), 2, Light.CRITICAL),
        (-1, Declared(is_waiting=True), 0, Light.GREY),
        (10, Declared(P, 0), 0, Light.ON_TRACK),
        (10, Declared(ActivityStatus.NOT_STARTED, 0, is_waiting=True), 0, Light.ON_TRACK),
    ],
)
def test_the_light_is_the_first_condition_that_holds(day: int, declared: Declared, missed: int, light: Light) -> None:
    """docs/domain.md#lights, from top to bottom, at the edges of each condition."""
    today = START + timedelta(days=day)
    assert traffic_light(START, DUE, today, declared, missed_in_a_row=missed) is light


def test_a_one_day_activity_has_a_light() -> None:
    """Start and due on the same day divide nothing by zero."""
    assert expected_progress(START, START, START) == 100
    assert expected_progress(START, START, START - timedelta(days=1)) == 0


@pytest.mark.parametrize(
    ("declared", "missed", "light"),
    [
        (Declared(P, 5), 0, Light.ON_TRACK),
        (Declared(P, 5), 1, Light.ATTENTION),
        (Declared(), 2, Light.CRITICAL),
        (Declared(ActivityStatus.SUSPENDED, 5), 0, Light.CRITICAL),
        (Declared(C, 100, is_evidence_pending=True), 0, Light.ATTENTION),
    ],
)
def test_a_continuous_activity_is_never_late_by_its_date(declared: Declared, missed: int, light: Light) -> None:
    """After a century: no day has passed and nothing is behind. Silence and what is declared count."""
    ends_on = activity(due_on=None).ends_on
    assert traffic_light(START, ends_on, date(2100, 1, 1), declared, missed_in_a_row=missed) is light


# ------------------------------------------------------------------ closing by the later date
JULY, AUGUST, SEPTEMBER, QUARTER = (reporting_period(code) for code in ("201807", "201808", "201809", "2018Q3"))
BETWEEN = date(2018, 10, 17)
"""September has locked, its quarter has not."""


@pytest.mark.parametrize(
    ("closed", "expected", "complete", "row"),
    [
        ((), {JULY, AUGUST, SEPTEMBER, QUARTER}, {SEPTEMBER}, (JULY, AUGUST)),
        ((), {JULY, AUGUST, SEPTEMBER, QUARTER}, set(), (JULY, AUGUST, SEPTEMBER)),
        ((), {JULY, AUGUST, SEPTEMBER, QUARTER}, {AUGUST, SEPTEMBER}, (JULY, AUGUST)),
        ((), {JULY, AUGUST, SEPTEMBER}, {SEPTEMBER}, (JULY, AUGUST, SEPTEMBER)),
        ((JULY,), {JULY, AUGUST, SEPTEMBER, QUARTER}, {SEPTEMBER}, (AUGUST,)),
        ((SEPTEMBER, QUARTER), {JULY, AUGUST, SEPTEMBER, QUARTER}, {SEPTEMBER}, ()),
        ((QUARTER,), {JULY, AUGUST, SEPTEMBER, QUARTER}, {SEPTEMBER}, (JULY, AUGUST, SEPTEMBER)),
    ],
)
def test_a_month_counts_as_let_pass_when_it_lacks_a_report_or_nothing_it_closes_with_is_open(
    closed: tuple[ReportingPeriod, ...],
    expected: set[ReportingPeriod],
    complete: set[ReportingPeriod],
    row: tuple[ReportingPeriod, ...],
) -> None:
    """What has been closed ends the row all the same."""
    closing = ClosingOfPeriods(expected.__contains__, closed.__contains__, complete.__contains__, (QUARTER,))
    assert unclosed_row((JULY, AUGUST, SEPTEMBER), BETWEEN, closing) == row


@pytest.mark.parametrize(
    ("today", "complete", "closed", "together"),
    [
        (date(2018, 10, 3), (), (), (SEPTEMBER, QUARTER)),
        (BETWEEN, (SEPTEMBER,), (), (SEPTEMBER, QUARTER)),
        (BETWEEN, (), (), (QUARTER,)),
        (BETWEEN, (SEPTEMBER,), (SEPTEMBER,), (QUARTER,)),
        (BETWEEN, (SEPTEMBER,), (QUARTER,), ()),
        (date(2018, 10, 22), (SEPTEMBER, QUARTER), (), ()),
    ],
)
def test_what_ended_together_closes_together(
    today: date,
    complete: tuple[ReportingPeriod, ...],
    closed: tuple[ReportingPeriod, ...],
    together: tuple[ReportingPeriod, ...],
) -> None:
    """docs/domain.md#calendar: with what is open a month whose reports are all in, never one that lacks a report."""
    periods = (AUGUST, SEPTEMBER, QUARTER)
    assert closes_together(periods, today, lambda p: p not in closed, complete.__contains__) == together


def test_a_period_that_was_reopened_opens_no_other() -> None:
    """The quarter locked later, and nobody has reopened it."""
    reopened = replace(SEPTEMBER, locks_on=date(2018, 11, 14), is_reopened=True)
    together = closes_together((reopened, QUARTER), date(2018, 11, 1), lambda p: True, lambda p: True)
    assert together == (reopened,)


def test_a_quarter_that_was_reopened_takes_along_the_month_that_is_all_in() -> None:
    """Otherwise its agency, which has sent everything, would never have closed."""
    reopened = replace(QUARTER, locks_on=date(2018, 11, 14), is_reopened=True)
    for complete, together in (((SEPTEMBER,), (SEPTEMBER, reopened)), ((), (reopened,))):
        found = closes_together((SEPTEMBER, reopened), date(2018, 11, 1), lambda p: True, lambda p, c=complete: p in c)
        assert found == together
