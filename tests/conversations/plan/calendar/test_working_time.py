"""Working days, wall times and the ladder: dates and instants in, decisions out (G9, G10, T12)."""

import zoneinfo
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from conversations.plan.calendar.ladder import Rung, ladder, lapsed_steps, steps
from conversations.plan.calendar.working_time import (
    GRACE_DAYS,
    Times,
    falls_on,
    fires_after,
    instant,
    is_quiet,
    is_too_late,
    windows_until,
    working_days_after,
)
from conversations.plan.periods import PeriodType, is_working_day, period_for, reporting_period

SANTO_DOMINGO = ZoneInfo("America/Santo_Domingo")
ZONES = sorted(zoneinfo.available_timezones())
DAYS = st.dates(date(2024, 1, 1), date(2030, 12, 31))


def day(text: str) -> date:
    return date.fromisoformat(text)


# ------------------------------------------------------------------ wall time
def test_a_wall_time_that_is_skipped_is_the_next_valid_instant() -> None:
    """New York, 10 March 2024: 02:30 is not shown by any clock; it goes on at 03:00."""
    zone = ZoneInfo("America/New_York")
    found = instant(day("2024-03-10"), time(2, 30), zone)
    assert found == datetime(2024, 3, 10, 7, tzinfo=UTC)
    assert found.astimezone(zone).time() == time(3)


def test_a_wall_time_that_is_shown_twice_is_the_first() -> None:
    """New York, 3 November 2024: 01:30 comes in summer time and again an hour later."""
    zone = ZoneInfo("America/New_York")
    assert instant(day("2024-11-03"), time(1, 30), zone) == datetime(2024, 11, 3, 5, 30, tzinfo=UTC)


@given(DAYS, st.times(), st.sampled_from(ZONES))
def test_every_wall_time_is_one_instant_in_any_zone(on: date, at: time, name: str) -> None:
    """The instant shows that wall time there, or the first time shown after a gap; never an earlier day's end."""
    zone, at = ZoneInfo(name), at.replace(microsecond=0, tzinfo=None)
    found = instant(on, at, zone)
    local = found.astimezone(zone).replace(tzinfo=None)
    assert local >= datetime.combine(on, at)
    if local != datetime.combine(on, at):
        before = (found - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None)
        assert before < datetime.combine(on, at) < local


def workdays() -> tuple[date, ...]:
    """The days on which `workdays` falls, whatever the zone."""
    days = (day("2024-01-01") + timedelta(number) for number in range((day("2031-01-01") - day("2024-01-01")).days))
    return tuple(on for on in days if falls_on("workdays", on, frozenset()))


def clocks() -> Iterable[ZoneInfo]:
    """One zone for each way to count the hours of these years: most names are another's, or were another's long ago."""
    days = [datetime(2024, 1, 1) + timedelta(days=number) for number in range(7 * 366)]
    return {tuple(map(zone.utcoffset, days)): zone for zone in map(ZoneInfo, ZONES)}.values()


def test_a_schedule_fires_once_in_each_window_over_seven_years() -> None:
    """T12, in every zone: each working day of 2024-2030 once, at nine, in order, and never at a quiet hour."""
    days = workdays()
    for zone in clocks():
        found = [instant(on, time(9), zone) for on in days]
        assert len(found) == len(set(found)) == 1827, zone
        assert found == sorted(found), zone
        assert not any(is_quiet(at, zone, frozenset()) for at in found), zone


@given(DAYS, st.times(), st.sampled_from(ZONES), st.integers(0, 3000))
def test_windows_and_previews_agree(on: date, at: time, name: str, minutes: int) -> None:
    """What a preview promises is what a later scan finds, whenever between two fires it comes."""
    zone, at = ZoneInfo(name), at.replace(second=0, microsecond=0, tzinfo=None)
    now = instant(on, time(12), zone)
    window, moment = next(fires_after(Times("workdays", at, zone), now, frozenset()))
    then = moment + timedelta(minutes=minutes)
    assert window in windows_until(Times("workdays", at, zone), then, frozenset())
    assert window not in windows_until(Times("workdays", at, zone), moment - timedelta(seconds=1), frozenset())


def test_a_window_that_is_not_too_late_is_seen_across_long_holidays() -> None:
    """From 22 December to 7 January nobody works: what was due on the 21st is said on the 8th."""
    free = {date(2018, 12, 22) + timedelta(days=number) for number in range(17)}
    now = datetime(2019, 1, 8, 13, tzinfo=UTC)
    assert not is_too_late(date(2018, 12, 21), now.date(), free)
    assert windows_until(Times("month:21", time(8), ZoneInfo("UTC")), now, free) == [date(2018, 12, 21)]


# ------------------------------------------------------------------ recurrences
def test_a_monday_that_is_a_holiday_is_its_tuesday() -> None:
    """Once: on the holiday it is not said, and a week has one digest."""
    free = frozenset({day("2018-11-05")})
    week = [day("2018-11-05") + timedelta(days=number) for number in range(7)]
    assert [on for on in week if falls_on("mon", on, free)] == [day("2018-11-06")]


def test_the_first_of_a_month_on_a_saturday_is_its_monday() -> None:
    assert [n for n in range(1, 8) if falls_on("month:1", date(2018, 12, n), ())] == [3]


# ------------------------------------------------------------------ the ladder
def test_the_ladder_of_september_2018() -> None:
    """The demo's month: nothing on a weekend; two days before the due day comes early, the rest late."""
    assert ladder(reporting_period("201809"), ()) == {
        Rung.OPEN: day("2018-10-01"),
        Rung.BEFORE: day("2018-10-03"),
        Rung.DUE: day("2018-10-05"),
        Rung.LATE: day("2018-10-08"),
        Rung.GRACE_ENDED: day("2018-10-11"),
        Rung.LAST: day("2018-10-12"),
        Rung.LOCKED: day("2018-10-15"),
    }


def test_a_holiday_moves_the_due_day_and_its_reminder() -> None:
    """5 November 2018 is Constitution Day: due on the 6th, the word before it on Friday the 2nd."""
    free = frozenset({day("2018-11-05")})
    period = reporting_period("201810", free)
    assert period.due_on == day("2018-11-06")
    assert ladder(period, free)[Rung.BEFORE] == day("2018-11-02")


@given(DAYS, st.sampled_from(tuple(PeriodType)), st.frozensets(DAYS, max_size=40))
def test_every_step_is_on_a_working_day_and_in_order(on: date, kind: PeriodType, free: frozenset[date]) -> None:
    """Whatever the admin adds to the calendar."""
    found = ladder(period_for(kind, on, free), free)
    assert all(is_working_day(each, free) for each in found.values())
    assert found[Rung.DUE] <= found[Rung.LATE]
    assert found[Rung.GRACE_ENDED] <= found[Rung.LOCKED] or free
    assert found[Rung.BEFORE] < found[Rung.DUE]


@given(DAYS, st.sampled_from(tuple(PeriodType)), st.frozensets(DAYS, max_size=20), st.integers(0, 45))
def test_a_step_is_pending_or_lapsed_but_never_both(
    on: date, kind: PeriodType, free: frozenset[date], after: int
) -> None:
    """For two working days it can still be told, then the ledger may only say that it was not."""
    period = period_for(kind, on, free)
    today = period.opens_on + timedelta(days=after)
    pending, lapsed = steps([period], today, free), lapsed_steps([period], today, free)
    assert not set(pending) & set(lapsed)
    assert all(len(list(working_days_after(step.on, today, free))) <= GRACE_DAYS for step in pending)
    if period.is_open(today):
        told = {step.rung for step in pending}
        assert told >= {rung for rung, when in ladder(period, free).items() if when == today}
