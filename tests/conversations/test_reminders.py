"""Who is reminded, and who is not: decisions over random plans, calendars and outages (GUARANTEES G8, G10)."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.cards import plain
from conversations.due import (
    Left,
    Rung,
    instant,
    is_quiet,
    is_working_day,
    lapsed_steps,
    steps,
    working_days_after,
)
from conversations.plan import Activity, Frequency, ReportingPeriod, Role, reporting_period
from conversations.reminders import (
    Agenda,
    Lapsing,
    Pause,
    Recipient,
    Say,
    Silence,
    Topic,
    decide,
    passed_in_a_row,
    reminder,
    still_due,
)

SANTO_DOMINGO = ZoneInfo("America/Santo_Domingo")
NINE = time(9)
SEPTEMBER, THIRD_QUARTER = reporting_period("201809"), reporting_period("2018Q3")
ACTIVITY = Activity("PRE-101", "MMUJER", date(2018, 1, 1), date(2020, 12, 31), Frequency.MONTHLY, {"es": "Campaña"})
ANA = Recipient(1, 501, "Ana Martínez", "es", "America/Santo_Domingo", Role.FOCAL_POINT, "MMUJER")
LUIS = replace(ANA, person_id=2, chat_id=502, name="Luis Peña", role=Role.ALTERNATE)
CARMEN = replace(ANA, person_id=3, chat_id=503, name="Carmen Soto", role=Role.COORDINATOR, agency_code="MIREX")


def at(text: str, zone: ZoneInfo = SANTO_DOMINGO) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def agenda_on(text: str, **changes: object) -> Agenda:
    """As things stand that day, if PRE-101 of MMUJER is left for September."""
    today = date.fromisoformat(text)
    given_: dict[str, object] = {
        "today": today,
        "periods": (SEPTEMBER,),
        "steps": steps([SEPTEMBER], today, ()),
        "lapsed": lapsed_steps([SEPTEMBER], today, ()),
        "left": {"MMUJER": (Left(ACTIVITY, SEPTEMBER),)},
        "expecting": {"201809": frozenset({"MMUJER"})},
        "unclosed": {"201809": ("MMUJER",)},
        "with_focal_point": frozenset({"MMUJER"}),
    }
    return Agenda(**given_ | changes)  # type: ignore[arg-type]


def decided(agenda: Agenda, who: Recipient, when: str) -> Say | Silence:
    return decide(agenda, who, at(when), NINE, ZoneInfo(who.timezone))


@pytest.mark.parametrize("day", ["2018-10-01", "2018-10-03", "2018-10-05", "2018-10-08"])
def test_each_step_reminds_the_focal_point_at_nine(day: str) -> None:
    """Opening, D-2, D, and D+2 moved off the Sunday."""
    assert isinstance(decided(agenda_on(day), ANA, f"{day}T09:00"), Say)
    assert decided(agenda_on(day), ANA, f"{day}T08:59") == Silence("before_the_hour")


def test_the_alternate_is_told_after_the_due_day_or_when_nobody_else_can_be() -> None:
    """DOMAIN §5.3, step 3; a focal point on leave or blocked is no focal point."""
    assert decided(agenda_on("2018-10-05"), LUIS, "2018-10-05T09:00").reason == "focal_point_told"  # type: ignore[union-attr]
    assert isinstance(decided(agenda_on("2018-10-08"), LUIS, "2018-10-08T09:00"), Say)
    alone = agenda_on("2018-10-05", with_focal_point=frozenset())
    assert isinstance(decided(alone, LUIS, "2018-10-05T09:00"), Say)


def test_the_coordinator_is_told_when_grace_ends_and_when_the_period_locks() -> None:
    """And not before: what is late by a day is between the bot and the agency."""
    assert decided(agenda_on("2018-10-08"), CARMEN, "2018-10-08T09:00") == Silence("no_step")
    for day in ("2018-10-11", "2018-10-15"):
        verdict = decided(agenda_on(day), CARMEN, f"{day}T09:00")
        assert isinstance(verdict, Say)
        assert verdict.topics[0].agencies == ("MMUJER",)


def test_nothing_left_is_nothing_said() -> None:
    """Recorded, and final: the same step is not told the next day either."""
    verdict = decided(agenda_on("2018-10-05", left={}), ANA, "2018-10-05T09:00")
    assert verdict == Silence("nothing_left", date(2018, 10, 5))
    assert not verdict.is_open


@pytest.mark.parametrize(
    ("pauses", "reason"),
    [
        ((Pause("everybody", at("2018-10-04T12:00")),), "paused_for_everybody"),
        ((Pause("own", at("2018-10-04T12:00"), date(2018, 10, 9), 1),), "paused"),
        ((Pause("delegated", at("2018-10-04T12:00"), date(2018, 10, 9), 1),), "delegated"),
    ],
    ids=["hurricane", "own", "delegated"],
)
def test_a_pause_silences(pauses: tuple[Pause, ...], reason: str) -> None:
    """A pause of one person silences nobody else."""
    agenda = agenda_on("2018-10-05", pauses=pauses)
    verdict = decided(agenda, ANA, "2018-10-05T09:00")
    assert isinstance(verdict, Silence)
    assert verdict.reason == reason
    other = replace(ANA, person_id=9)
    assert isinstance(decided(agenda, other, "2018-10-05T09:00"), Say) is (reason != "paused_for_everybody")


def test_a_pause_that_is_over_lets_a_step_be_told_late() -> None:
    """The hurricane passed on Monday: the due day's word is told then, as things stand then."""
    agenda = agenda_on(
        "2018-10-08",
        pauses=(Pause("everybody", at("2018-10-04T12:00"), date(2018, 10, 8)),),
        windows={(1, date(2018, 10, 5))},
    )
    verdict = decided(agenda, ANA, "2018-10-08T09:00")
    assert isinstance(verdict, Say)
    assert "cerró" in plain(reminder(verdict.topics, ANA, agenda))


def test_tomorrow_means_the_day_that_was_said() -> None:
    """Snoozed on the opening day: a word the next day, although no step falls on it; not before."""
    snooze = Pause("snooze", at("2018-10-01T10:00"), date(2018, 10, 2), 1)
    told = {1: date(2018, 10, 1)}
    agenda = agenda_on("2018-10-02", pauses=(snooze,), told=told)
    assert isinstance(decided(agenda, ANA, "2018-10-02T09:00"), Say)
    assert decided(replace(agenda, pauses=()), ANA, "2018-10-02T09:00") == Silence("no_step")
    assert decided(replace(agenda, told={1: date(2018, 10, 2)}), ANA, "2018-10-02T09:00") == Silence("no_step")


def test_a_draft_that_expires_is_announced_on_the_working_day_before() -> None:
    """September locks on Monday the 15th: on Friday its owner is told, also where nothing else is left."""
    drafts = {1: (Lapsing("PRE-101", date(2018, 10, 15)),)}
    agenda = agenda_on("2018-10-12", steps=(), left={}, lapsing=drafts, told={1: date(2018, 10, 8)})
    verdict = decided(agenda, ANA, "2018-10-12T09:00")
    assert isinstance(verdict, Say)
    assert "El borrador de PRE-101 vence el" in plain(reminder(verdict.topics, ANA, agenda))


def test_three_periods_in_a_row_are_counted_from_the_last() -> None:
    """One closed in between ends the row; one of which nothing was expected does not."""
    everybody = {code: {"PGR"} for code in ("201807", "201808", "201809")}
    codes = tuple(everybody)
    assert passed_in_a_row("PGR", codes, everybody, set()) == 3
    assert passed_in_a_row("PGR", codes, everybody, {("PGR", "201808")}) == 1
    assert passed_in_a_row("PGR", codes, everybody | {"201808": set()}, set()) == 2


def test_all_topics_are_one_message_with_the_most_urgent_in_full() -> None:
    """Buttons for all of it: begin, tomorrow, nothing new, no longer me."""
    quarterly = replace(ACTIVITY, code="PER-201", frequency=Frequency.QUARTERLY)
    topics = (Topic(SEPTEMBER, (Left(ACTIVITY, SEPTEMBER),)), Topic(THIRD_QUARTER, (Left(quarterly, THIRD_QUARTER),)))
    card = reminder(topics, ANA, agenda_on("2018-10-05"))
    assert plain(card).startswith("Hoy cierra septiembre 2018 para MMUJER. Queda 1.")
    assert "También 3.er trimestre 2018: 1" in plain(card)
    taps = [button.tap for row in card.rows for button in row]
    assert taps == ["command:empezar:", "command:posponer:", "command:novedades:", "command:relevo:"]


@pytest.mark.parametrize("language", ["es", "en", "ht"])
@pytest.mark.parametrize("day", ["2018-10-01", "2018-10-03", "2018-10-05", "2018-10-08", "2018-10-12"])
def test_every_wording_fits_a_phone(language: str, day: str) -> None:
    """At most 330 characters before the list, buttons of at most 30 (DOMAIN §4)."""
    agenda = agenda_on(day)
    card = reminder(
        (Topic(SEPTEMBER, (Left(ACTIVITY, SEPTEMBER),) * 9),), replace(ANA, language=language), agenda, colleague="Luis"
    )
    assert all(len("".join(span.text for span in spans)) <= 330 for spans in card.lines)
    assert all(len(button.text) <= 30 for row in card.rows for button in row)
    assert "{" not in plain(card)


# ------------------------------------------------------------------ a year of random life
@dataclass
class Ledger:
    """What a deployment would have stored."""

    said: list[tuple[datetime, date, tuple[str, ...]]] = field(default_factory=list)
    told: date = date.min
    windows: set[tuple[int, date]] = field(default_factory=set)


@dataclass(frozen=True)
class Life:
    zone: ZoneInfo
    holidays: frozenset[date]
    reported_at: tuple[datetime | None, ...]
    """When each of the periods was reported, if at all."""
    stops: tuple[tuple[datetime, datetime], ...]


PERIODS_2024 = tuple(f"2024{month:02}" for month in range(1, 7))
BEGIN = datetime(2024, 2, 1, tzinfo=UTC)


@st.composite
def lives(draw: st.DrawFn) -> Life:
    import zoneinfo

    zone = ZoneInfo(draw(st.sampled_from(sorted(zoneinfo.available_timezones()))))
    free = draw(st.frozensets(st.dates(date(2024, 1, 25), date(2024, 7, 31)), max_size=8))
    reported = []
    for number in range(len(PERIODS_2024)):
        hours = draw(st.one_of(st.none(), st.integers(0, 24 * 16)))
        opens = BEGIN + timedelta(days=30 * number)
        reported.append(None if hours is None else opens + timedelta(hours=hours))
    # Where a stop hurts: before nine on the due day, for up to 24 hours.
    stops = []
    for code in draw(st.frozensets(st.sampled_from(PERIODS_2024))):
        start = instant(reporting_period(code, free).due_on, NINE, zone) - timedelta(hours=draw(st.integers(0, 9)))
        stops.append((start, start + timedelta(hours=draw(st.integers(8, 24)))))
    return Life(zone, free, tuple(reported), tuple(stops))


def lived(life: Life, *, every: timedelta = timedelta(hours=1)) -> Ledger:
    """Scans at every hour at which the bot was not stopped; the plan is kept in Santo Domingo."""
    ledger = Ledger()
    periods = tuple(reporting_period(code, life.holidays) for code in PERIODS_2024)
    who = replace(ANA, timezone=life.zone.key)
    now = BEGIN
    while now < BEGIN + timedelta(days=175):
        now += every
        if any(start <= now < end for start, end in life.stops):
            continue
        today = now.astimezone(SANTO_DOMINGO).date()
        left = tuple(
            Left(ACTIVITY, period)
            for period, at_ in zip(periods, life.reported_at, strict=True)
            if at_ is None or now < at_
        )
        agenda = Agenda(
            today=today,
            holidays=life.holidays,
            steps=steps(periods, today, life.holidays),
            lapsed=lapsed_steps(periods, today, life.holidays),
            left={"MMUJER": left},
            expecting={period.code: frozenset({"MMUJER"}) for period in periods},
            with_focal_point=frozenset({"MMUJER"}),
            told={1: ledger.told},
            windows=ledger.windows,
        )
        match decide(agenda, who, now, NINE, life.zone):
            case Say(window, topics, missed):
                again = still_due(agenda, who, now, life.zone, ())
                assert isinstance(again, Say)
                ledger.said.append((now, window, tuple(topic.period.code for topic in topics)))
                ledger.windows |= {(1, window), *((1, on) for on in missed)}
                ledger.told = window
            case Silence(_, window) as silence if window is not None:
                ledger.windows.add((1, window))
                if not silence.is_open:
                    ledger.told = max(ledger.told, window)
    return ledger


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(lives())
def test_over_random_lives_reminders_are_right(life: Life) -> None:
    """None after the report, none twice a day, none in quiet hours, and none missed across a stop of up to 24 hours."""
    ledger = lived(life)
    periods = {code: reporting_period(code, life.holidays) for code in PERIODS_2024}
    reported = dict(zip(PERIODS_2024, life.reported_at, strict=True))

    windows = [window for _, window, _ in ledger.said]
    assert len(windows) == len(set(windows))
    for now, window, codes in ledger.said:
        assert not is_quiet(now, life.zone, life.holidays)
        assert window == now.astimezone(life.zone).date()
        for code in codes:
            at_ = reported[code]
            assert at_ is None or now < at_
    for code, at_ in reported.items():
        assert_told(life, periods[code], at_, ledger)


def assert_told(life: Life, period: ReportingPeriod, reported_at: datetime | None, ledger: Ledger) -> None:
    """If nothing had come by the end of the next working day, the due day's word was said by then."""
    due = steps([period], period.due_on, life.holidays)
    on = next((step.on for step in due if step.rung is Rung.DUE), None)
    if on is None:
        return
    horizon = on
    while working_days_after(on, horizon, life.holidays) < 1:
        horizon += timedelta(days=1)
    end = instant(horizon, time(17), life.zone)
    if not period.is_open(horizon) or (reported_at is not None and reported_at <= end):
        return
    if not is_working_day(horizon, life.holidays):
        return
    assert any(on <= window <= horizon and period.code in codes for _, window, codes in ledger.said), (on, ledger.said)
