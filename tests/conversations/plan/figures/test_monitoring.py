"""Where a plan stands: rates as DHIS2 defines them, lights as the plan defines them, the same for every reader."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.plan.figures.closings import closings_until
from conversations.plan.figures.lights import Light
from conversations.plan.figures.monitoring import Cell, Rate, Standing, due_within, worst_of
from conversations.plan.figures.plenary import plenary_items
from conversations.plan.figures.standing_records import Closed, Detail, Records, Report
from conversations.plan.model import ActivityStatus, ValidationState
from conversations.plan.periods import PeriodType
from tests.conversations.plan.commission import (
    ACTIVITIES,
    BY_CODE,
    EMPTY,
    ID,
    MONDAY,
    PERIODS,
    RECORDS,
    UNEXPLAINED,
    activity,
    day,
    report,
    stand,
)


def test_late_closings_count_as_reported_and_never_as_on_time() -> None:
    """docs/domain.md#rates: seven agencies had something to close; PGR closed a day after its quarterly due day."""
    assert stand().rate == Rate(expected=7, closed=4, on_time=3)


def test_an_agency_with_monthly_and_quarterly_items_closes_by_the_later_date() -> None:
    """docs/domain.md#calendar: MIREX closed on 10 October at 23:00; its monthly item alone was due on the fifth."""
    mirex = stand().agency("MIREX")
    assert mirex is not None
    assert (mirex.closed_at, mirex.is_on_time) == (day("2018-10-10", 23), True)


def test_an_agency_that_closed_one_of_two_periods_has_not_closed() -> None:
    """All that it had to report for the closing, or it is not closed."""
    closed = tuple(c for c in RECORDS.closed if (c.agency_id, c.period_id) != (ID["MIREX"], BY_CODE["2018Q3"].id))
    mirex = stand(replace(RECORDS, closed=closed)).agency("MIREX")
    assert mirex is not None
    assert mirex.closed_at is None


def test_the_last_minute_of_the_due_day_is_in_time_in_the_plans_own_zone() -> None:
    """23:59 of 10 October in Santo Domingo is the eleventh in UTC; a minute later is late."""
    for late, expected in ((0, True), (1, False)):
        at = day("2018-10-10", 23) + timedelta(minutes=59 + late)
        closed = tuple(replace(c, closed_at=at) if c.agency_id == ID["MIREX"] else c for c in RECORDS.closed)
        mirex = stand(replace(RECORDS, closed=closed)).agency("MIREX")
        assert mirex is not None
        assert mirex.is_on_time is expected


def test_expected_reports_and_those_that_came() -> None:
    """Quarterly items are expected at the quarter's end only; what has not begun is not expected."""
    counted = {agency.code: (agency.reported, agency.expected) for agency in stand().agencies}
    assert counted == {
        "MIREX": (2, 2), "MITUR": (1, 1), "MMUJER": (1, 1), "PGR": (2, 2), "CONANI": (1, 1), "DGP": (0, 1),
        "DPD": (0, 1), "INM": (0, 0),
    }  # fmt: skip


def test_lights_follow_the_rule() -> None:
    """docs/domain.md#lights: late, missing twice, missing once, completed, ahead of its start."""
    lights = {each.code: each.light for each in stand().activities}
    assert lights["PRE-405"] is Light.CRITICAL, "two reports in a row never came"
    assert lights["PER-101"] is Light.CRITICAL, "a gap of more than 25 points"
    assert lights["PRE-304"] is Light.ATTENTION, "the last report is missing"
    assert lights["PER-103"] is Light.ON_TRACK, "completed"
    assert lights["PRE-401"] is Light.GREY, "begins in November"


def test_what_is_not_validated_changes_no_light_for_those_outside() -> None:
    """docs/domain.md#status-and-validation: status and progress of validated reports only; that something was reported
    is the same.
    """
    inside, outside = stand(), stand(only_validated=True)
    seen = {each.code: each.last.status for each in outside.activities if each.last}
    assert seen["PRE-301"] == "in_progress", "September's, delayed, still waits for validation"
    assert outside.rates == inside.rates
    assert [a.reported for a in outside.agencies] == [a.reported for a in inside.agencies]


def test_a_column_is_as_things_stood_when_the_closing_was_locked() -> None:
    """August is not painted with what became known in October; the present column is of today."""
    pgr = stand().agency("PGR")
    assert pgr is not None
    months = [closing.month_end.month for closing in stand().closings]
    assert months == [4, 5, 6, 7, 8, 9]
    assert pgr.cells[:2] == (None, None), "it had nothing to do yet"
    assert pgr.cells[-1] == Cell(Light.CRITICAL, 1)
    assert pgr.cells[-2] == Cell(Light.CRITICAL, 1), "nothing reported in July, and none of the quarter's"


def test_changes_are_those_of_the_week() -> None:
    """Another status than in the report before, by a report sent since last Monday."""
    assert sorted(each.code for each in stand().changed) == ["PER-101", "PER-103", "PER-202", "PER-305", "PRE-301"]
    later = MONDAY + timedelta(days=7)
    assert stand(now=later).changed == ()


def test_silence_is_counted_in_periods_that_locked_unclosed() -> None:
    """The one measure of every screen: DPD closed none of three months, MITUR and DGP none of two, PGR left one."""
    counted = {each.code: each.in_a_row for each in stand().agencies if each.in_a_row}
    assert counted == {"DPD": 3, "DGP": 2, "MITUR": 2, "PGR": 1}


def test_a_report_that_came_before_its_due_day_is_not_missing() -> None:
    """July and August were left out; September's, sent on the third, ends the row at once."""
    early = activity("PER-404", "PGR", "2018-01-01", "2020-12-31")
    reports = tuple(report("PER-404", *each) for each in (("201806", "in_progress", 30, "2018-07-03"),))
    records = replace(EMPTY, activities=(early,), reports=reports)
    third = day("2018-10-03")
    [before] = [stand(records, now=third).agency("PGR")]
    assert before is not None
    assert (before.activities[0].missed, before.activities[0].light) == (2, Light.CRITICAL)
    sent = replace(records, reports=(*reports, report("PER-404", "201809", "in_progress", 30, "2018-10-03")))
    [after] = [stand(sent, now=third).agency("PGR")]
    assert after is not None
    assert (after.activities[0].missed, after.activities[0].light) == (0, Light.ON_TRACK)


def test_a_correction_is_news_only_of_what_it_changes() -> None:
    """It stands in the place of what was sent: of the week is its status, if that is another than before."""
    first = report("PRE-405", "201809", "delayed", 10, "2018-10-03")
    records = replace(RECORDS, reports=(first,))
    assert [each.code for each in stand(records).changed] == []
    slip = first._replace(corrected_at=day("2018-10-12"), corrected_from=ActivityStatus.DELAYED)
    assert [each.code for each in stand(replace(RECORDS, reports=(slip,))).changed] == []
    news = slip._replace(corrected_from=ActivityStatus.IN_PROGRESS)
    assert [each.code for each in stand(replace(RECORDS, reports=(news,))).changed] == ["PRE-405"]


@pytest.mark.parametrize(
    ("sent", "progress", "moves"), [("10-10", 20, True), ("10-10", 10, False), ("10-03", 20, False)]
)
def test_progress_that_a_report_of_this_week_moved_is_a_change(sent: str, progress: int, *, moves: bool) -> None:
    """The status is the same: it is no line of the week, and not among what did not change."""
    reports = (
        report("PRE-405", "201808", "delayed", 10, "2018-09-03"),
        report("PRE-405", "201809", "delayed", progress, f"2018-{sent}"),
    )
    found = stand(replace(RECORDS, reports=reports))
    assert not found.changed
    assert bool(found.advanced) is moves


def test_a_vacancy_begins_on_the_day_the_last_focal_point_left() -> None:
    """Somebody suspended does not fill a post; an alternate is no focal point."""
    dpd = stand().agency("DPD")
    assert dpd is not None
    assert (dpd.focal_points, dpd.vacant_since) == (0, date(2018, 10, 1))
    assert stand().agency("DGP").unreachable == ("Persona DGP",)  # type: ignore[union-attr]


def test_due_days_come_with_what_is_due() -> None:
    """The next two weeks, and only periods in which somebody reports."""
    soon = due_within(stand(now=day("2018-10-25")), 14)
    assert [(on, [p.code for p in periods]) for on, periods in soon] == [(date(2018, 11, 5), ["201810"])]


def test_what_has_ended_is_not_expected_any_more() -> None:
    """PER-103 was completed in September: October's closing does not wait for it."""
    mirex = stand(now=day("2018-11-02")).agency("MIREX")
    assert mirex is not None
    assert mirex.expected == 0


def test_a_retired_activity_is_no_row_but_was_expected() -> None:
    """What was taken out of the plan in November was still expected in September, and is counted with its agency."""
    gone = tuple(replace(a, retired_on=date(2018, 11, 1)) if a.code == "PRE-304" else a for a in ACTIVITIES)
    found = stand(replace(RECORDS, activities=gone))
    left = found.agency("DGP")
    assert left is not None
    assert (left.activities, left.is_expected) == ((), True)
    assert found.rate.expected == 7 == sum(agency.is_expected for agency in found.agencies)


def test_before_the_first_closing_there_is_nothing_to_count() -> None:
    """A plan that begins today, a plan without activities, a day before all periods."""
    for found in (stand(EMPTY), stand(now=day("2017-06-01")), stand(replace(EMPTY, periods=()))):
        assert (found.rate, found.changed, found.promised) == (Rate(), (), ())
    assert closings_until((), MONDAY.date()) == ()
    assert worst_of([]) is None


def test_the_reports_of_a_year_ago_do_not_make_a_light_green() -> None:
    """Two expected reports missing in a row is red, whatever was said before."""
    old = activity("PRE-999", "INM", "2018-01-01", "2020-12-31")
    records = replace(
        RECORDS, activities=(old,), reports=(report("PRE-999", "201803", "in_progress", 90, "2018-04-03"),), closed=()
    )
    assert stand(records).activities[0].light is Light.CRITICAL


@pytest.mark.parametrize("state", [ValidationState.RETURNED, ValidationState.SUBMITTED])
def test_a_cancellation_counts_once_it_is_approved(state: ValidationState) -> None:
    """docs/domain.md#status-and-validation: cancelling needs the coordinator."""
    one = activity("PRE-999", "INM", "2018-07-01", "2020-12-31")
    sent = report("PRE-999", "201809", "cancelled", 10, "2018-10-04", state=state)
    base = replace(RECORDS, activities=(one,), reports=(sent,), closed=(Closed(1, 1, MONDAY),))
    approved = replace(base, reports=(sent._replace(state=ValidationState.VALIDATED),))
    assert not stand(base).activities[0].is_over
    assert (stand(approved).activities[0].is_over, stand(approved).activities[0].light) == (True, Light.GREY)


# ------------------------------------------------------------------ for the plenary
def unexplained(*reports: Report, start: str = "2018-01-01", due: str = "2018-08-01", **more: Any) -> date | None:
    """Of one activity of PGR, with these reports."""
    records = replace(EMPTY, activities=(activity("PER-404", "PGR", start, due),), reports=reports, **more)
    return stand(records).activities[0].unexplained_since


def test_what_is_red_for_sixty_days_and_nobody_has_said_why_is_for_the_plenary() -> None:
    """docs/domain.md#reminders: red since the day after its due day; a reason, and less than sixty days, are none."""
    said = Detail(("budget",))
    first, second, third = (
        report("PER-404", "201806", "in_progress", 90, "2018-07-04"),
        report("PER-404", "201807", "in_progress", 90, "2018-08-10"),
        report("PER-404", "201808", "in_progress", 90, "2018-09-04"),
    )
    assert unexplained(first, second, third) == date(2018, 8, 2)
    assert unexplained(first, second, third, due="2018-08-20") is None, "fifty-five days"
    assert unexplained(first, second, third, due="2018-08-15") == date(2018, 8, 16), "sixty"
    assert unexplained(first, second, third._replace(detail=said)) is None
    assert unexplained(first, second._replace(detail=said), third) is None, "it had said why until then"
    assert unexplained(first, second, third, kept_since=date(2018, 8, 10)) == date(2018, 8, 10)
    assert unexplained(first, second, third, kept_since=date(2018, 9, 1)) is None


def test_a_report_that_was_not_red_ends_the_days_before_it() -> None:
    """Behind in June, in time again in July, late since its due day."""
    behind = report("PER-404", "201805", "in_progress", 10, "2018-06-04")
    ahead = report("PER-404", "201806", "in_progress", 100, "2018-07-04")
    assert unexplained(behind, ahead) == date(2018, 8, 2)
    always = report("PER-404", "201806", "in_progress", 20, "2018-07-04")
    assert unexplained(behind, always) == date(2018, 2, 24), "since a quarter of its time had gone by"
    done = report("PER-404", "201808", "completed", 100, "2018-09-04")
    assert unexplained(behind, ahead, done) is None


def test_a_reason_that_waits_for_validation_is_a_reason() -> None:
    """Who reads validated reports only is not told that nobody has said why."""
    red = report("PER-404", "201807", "in_progress", 10, "2018-08-04")
    said = report("PER-404", "201808", "delayed", 10, "2018-09-04", state=ValidationState.SUBMITTED,
                  detail=Detail(("legal",)))  # fmt: skip
    records = replace(EMPTY, activities=(activity("PER-404", "PGR", "2018-01-01", "2018-08-01"),), reports=(red, said))
    assert stand(records, only_validated=True).activities[0].unexplained_since is None


def test_why_there_is_nothing_new_is_a_reason() -> None:
    """A report without news says why there are none; whoever gives that reason every month is not silent."""
    red = report("PER-404", "201807", "in_progress", 10, "2018-08-04")
    assert unexplained(red) is not None
    assert unexplained(red, report("PER-404", "201808", "in_progress", 10, "2018-09-04", zero_reason="waiting")) is None


@given(st.data())
@settings(max_examples=settings().max_examples // 10)
def test_red_since_is_what_counting_day_by_day_finds(data: st.DataObject) -> None:
    """Whatever came early, late or not at all: red on each of these days by what was known then, and not before."""
    one = activity(
        "PER-404", "PGR", "2018-01-01", data.draw(st.sampled_from(["2018-08-01", "2018-12-31", "2020-12-31"]))
    )
    today = date(2019, 3, 1) + timedelta(days=data.draw(st.integers(0, 40)))
    sent = []
    for period in PERIODS:
        if period.type is PeriodType.MONTHLY and one.start_on < period.end_on < date(2019, 2, 1):
            days = data.draw(st.none() | st.integers(0, (period.locks_on - period.opens_on).days - 1))
            if days is not None:
                progress = data.draw(st.sampled_from([5, 40, 80, 95]))
                on = (period.opens_on + timedelta(days=days)).isoformat()
                sent.append(report("PER-404", period.code, "in_progress", progress, on))

    def stood(on: date) -> Standing:
        now = day(on.isoformat())
        known = tuple(each for each in sent if each.sent_at <= now)
        return stand(replace(EMPTY, activities=(one,), reports=known), now=now)

    on = today
    while on >= one.start_on and stood(on).activities[0].light is Light.CRITICAL:
        on -= timedelta(days=1)
    first = on + timedelta(days=1)
    assert stood(today).activities[0].unexplained_since == (first if (today - first).days >= 60 else None)


def test_three_periods_in_a_row_that_locked_unclosed_are_for_the_plenary() -> None:
    """Months with months, quarters with quarters; what was before the calendar was kept holds nobody."""

    def passed(code: str, records: Records = RECORDS) -> list[str]:
        found = stand(records).agency(code)
        assert found is not None
        return [period.code for period in found.passed]

    assert passed("DPD") == ["201807", "201808", "201809"]
    assert passed("MMUJER") == []
    assert passed("DPD", replace(RECORDS, kept_since=date(2018, 9, 1))) == ["201808", "201809"]
    quarterly = activity("PRE-900", "INM", "2018-01-01", "2020-12-31", "quarterly")
    late = stand(replace(EMPTY, activities=(quarterly,)), now=day("2018-12-03")).agency("INM")
    assert late is not None
    assert [period.code for period in late.passed] == ["2018Q1", "2018Q2", "2018Q3"]


def test_what_is_asked_again_has_waited_since_it_was_asked_first() -> None:
    """A report that says "as before" asks as before; one that asks nothing ends it."""
    asks = Detail(("legal",), True, "Que se firme")
    item = activity("PER-404", "PGR", "2018-06-15", "2020-12-01")
    sent = [report("PER-404", f"2018{n:02}", "delayed", 10, f"2018-{n + 1:02}-04", detail=asks) for n in (6, 7, 8, 9)]

    def since(*reports: Report) -> date | None:
        items = plenary_items(stand(replace(EMPTY, activities=(item,), reports=reports, kept_since=date(2018, 10, 1))))
        return items[0].since if items else None

    assert since(*sent) == date(2018, 7, 4)
    assert since(sent[0], sent[1]._replace(detail=None), *sent[2:]) == date(2018, 9, 4)
    assert since(*sent[:3], sent[3]._replace(detail=Detail())) is None


def test_a_period_of_which_nothing_is_expected_is_not_said_to_fall_due() -> None:
    """Annual activities that begin next year: the year that is over is nobody's."""
    yearly = activity("PRE-901", "INM", "2019-02-01", "2020-12-31", "annual")
    january = day("2019-01-14")
    assert due_within(stand(replace(EMPTY, activities=(yearly,)), now=january), 14) == ()
    begun = replace(yearly, start_on=date(2018, 2, 1))
    assert len(due_within(stand(replace(EMPTY, activities=(begun,)), now=january), 14)) == 1


def test_the_agenda_begins_with_what_is_asked_for() -> None:
    """Then the agencies, then activities; what an agency let pass stands for its red ones."""
    items = plenary_items(stand(UNEXPLAINED))
    assert [(item.agency.code, item.each.code if item.each else None, item.is_asked_for) for item in items] == [
        ("MITUR", "PRE-301", True),
        ("PGR", "PER-202", True),
        ("DPD", None, False),
        ("PGR", "PER-404", False),
    ]


def test_an_activity_added_in_mid_period_is_not_red_for_reports_before_it_was_there() -> None:
    """Monthly, from July in its own words, in the plan since 5 October: nothing is missing of it."""
    added = replace(activity("PRE-199", "MIREX", "2018-07-01", "2025-12-31"), added_on=date(2018, 10, 5))
    known = replace(RECORDS, activities=(added,), reports=(), closed=())
    [one] = stand(known).activities
    assert (one.missed, one.light) == (0, Light.NO_REPORT)
    [before] = stand(replace(known, activities=(replace(added, added_on=None),))).activities
    assert (before.missed, before.light) == (2, Light.CRITICAL)


WAITS, BACK, GOOD = ValidationState.SUBMITTED, ValidationState.RETURNED, ValidationState.VALIDATED


@pytest.mark.parametrize(
    ("state", "of_all", "of_validated"),
    [
        (None, Light.NO_REPORT, Light.NO_REPORT),
        (WAITS, Light.ON_TRACK, Light.TO_VALIDATE),
        (ValidationState.CORRECTED, Light.ON_TRACK, Light.TO_VALIDATE),
        (BACK, Light.ON_TRACK, Light.NO_REPORT),
        (GOOD, Light.ON_TRACK, Light.ON_TRACK),
    ],
)
def test_nothing_is_green_without_a_report_that_counts(
    state: ValidationState | None, of_all: Light, of_validated: Light
) -> None:
    """Who reads validated data sees that a report waits. A report that went back waits for its officer."""
    one = activity("PRE-999", "INM", "2018-09-01", "2025-12-31")
    sent = () if state is None else (report("PRE-999", "201809", "in_progress", 1, "2018-10-02", state=state),)
    records = replace(EMPTY, activities=(one,), reports=sent)
    third = day("2018-10-03")
    for only_validated, expected in ((False, of_all), (True, of_validated)):
        [agency] = stand(records, now=third, only_validated=only_validated).agencies
        [found] = agency.activities
        assert (found.light, agency.worst, agency.cells[-1]) == (expected, Cell(expected, 1), Cell(expected, 1))
        assert found.light_before is Light.NO_REPORT, "a week ago nothing had come"


def test_a_newer_report_that_waits_takes_no_light_away() -> None:
    """What was validated counts on."""
    one = activity("PRE-999", "INM", "2018-07-01", "2025-12-31")
    sent = (
        report("PRE-999", "201808", "in_progress", 1, "2018-09-03"),
        report("PRE-999", "201809", "in_progress", 2, "2018-10-02", state=WAITS),
    )
    records = replace(EMPTY, activities=(one,), reports=sent)
    assert stand(records, now=day("2018-10-03"), only_validated=True).activities[0].light is Light.ON_TRACK


def test_a_column_says_what_waited_of_its_month_or_of_one_before() -> None:
    """A report about September is none about August."""
    one = activity("PRE-999", "INM", "2018-08-01", "2025-12-31", "quarterly")
    monthly = activity("PRE-998", "PGR", "2018-08-01", "2025-12-31")
    sent = (
        report("PRE-999", "2018Q3", "in_progress", 1, "2018-10-02", state=WAITS),
        report("PRE-998", "201808", "in_progress", 1, "2018-09-03", state=WAITS),
    )
    records = replace(EMPTY, activities=(one, monthly), reports=sent)
    found = stand(records, now=day("2018-10-03"), only_validated=True)
    columns = {each.code: [cell and cell.light for cell in each.cells[-2:]] for each in found.agencies}
    assert columns == {
        "INM": [Light.NO_REPORT, Light.TO_VALIDATE],
        "PGR": [Light.TO_VALIDATE, Light.TO_VALIDATE],
    }


def test_a_column_knows_the_reports_of_its_month_and_of_those_before() -> None:
    """A report about September changes nothing of August."""
    one = activity("PRE-404", "PGR", "2018-07-01", "2020-12-31")
    august = report("PRE-404", "201808", "suspended", 5, "2018-09-03", detail=Detail())
    september = report("PRE-404", "201809", "in_progress", 10, "2018-10-03")

    found = stand(replace(EMPTY, activities=(one,), reports=(august, september))).agency("PGR")

    assert found is not None
    assert [cell and cell.light for cell in found.cells[-2:]] == [Light.CRITICAL, Light.ON_TRACK]
