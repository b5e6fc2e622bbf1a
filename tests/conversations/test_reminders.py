"""Who is reminded, and who is not: decisions over random plans, calendars and outages (GUARANTEES G8, G10)."""

import heapq
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from conversations.cards import plain
from conversations.due import (
    Left,
    Rung,
    instant,
    is_quiet,
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


def test_two_words_of_the_same_on_two_days_are_one() -> None:
    """November opens on Thursday the 1st, and two days before Monday the 5th is Friday: that was said yesterday."""
    november = reporting_period("201810")
    agenda = agenda_on(
        "2018-11-02",
        steps=steps([november], date(2018, 11, 2), ()),
        left={"MMUJER": (Left(ACTIVITY, november),)},
        expecting={"201810": frozenset({"MMUJER"})},
        told={1: date(2018, 11, 1)},
    )
    assert decided(agenda, ANA, "2018-11-02T09:00") == Silence("told_already", date(2018, 11, 2))
    assert isinstance(decided(replace(agenda, told={}), ANA, "2018-11-02T09:00"), Say)


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


def test_whoever_stands_in_is_told_what_the_focal_point_would_be() -> None:
    """The other alternates are not, and the focal point is silent until the post is their own again."""
    deputy, other = (replace(ANA, person_id=number, role=Role.ALTERNATE) for number in (7, 8))
    agenda = agenda_on("2018-10-05", with_focal_point=frozenset({"MMUJER"}), deputies=frozenset({7}))
    assert isinstance(decided(agenda, deputy, "2018-10-05T09:00"), Say)
    assert decided(agenda, other, "2018-10-05T09:00") == Silence("focal_point_told", date(2018, 10, 5))


def test_whose_role_is_over_is_told_nothing() -> None:
    """From its first day on: a role for a time, or an agency that takes part no more."""
    last = replace(ANA, until=date(2018, 10, 6))
    assert isinstance(decided(agenda_on("2018-10-05"), last, "2018-10-05T09:00"), Say)
    over = replace(ANA, until=date(2018, 10, 5))
    assert decided(agenda_on("2018-10-05"), over, "2018-10-05T09:00") == Silence("no_role", date(2018, 10, 5))


def test_a_pause_that_is_over_lets_a_step_be_told_late() -> None:
    """The hurricane passed on Monday: the due day's word is told then, as things stand then."""
    agenda = agenda_on(
        "2018-10-08",
        pauses=(Pause("everybody", at("2018-10-04T12:00"), date(2018, 10, 8)),),
        windows={(1, date(2018, 10, 5))},
    )
    verdict = decided(agenda, ANA, "2018-10-08T09:00")
    assert isinstance(verdict, Say)
    assert "venció" in plain(reminder(verdict.topics, ANA, agenda))


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
    assert plain(card).startswith("Hoy vence el plazo de septiembre 2018 para MMUJER. Queda 1.")
    assert "También 3.er trimestre 2018: 1" in plain(card)
    taps = [button.tap for row in card.rows for button in row]
    assert taps == ["command:empezar:", "command:posponer:", "command:novedades:", "command:relevo:"]


def test_a_day_that_is_over_is_not_named_as_the_one_to_come() -> None:
    """In the grace of the quarter its line names the end of the grace; the alternate hears who else was told."""
    quarterly = replace(ACTIVITY, code="PER-201", frequency=Frequency.QUARTERLY)
    topics = (Topic(SEPTEMBER, (Left(ACTIVITY, SEPTEMBER),)), Topic(THIRD_QUARTER, (Left(quarterly, THIRD_QUARTER),)))
    shown = plain(reminder(topics, LUIS, agenda_on("2018-10-12"), colleague="Ana"))
    assert "También 3.er trimestre 2018: 1, hasta el 15 oct 2018." in shown
    assert "Ana también recibió este aviso." in shown


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


# ------------------------------------------------------------------ random lives
ZONES = sorted(zoneinfo.available_timezones())
MONTHS = [f"{year}{month:02}" for year in range(2024, 2031) for month in range(1, 13)][:-3]
SCANS = (time(3), time(7, 59), NINE, time(13), time(17, 59), time(18))
"""Wall times of the recipient at which the scan looks, whatever else happens."""


@dataclass(frozen=True)
class Life:
    """Two periods in a row of one focal point, the plan being kept in Santo Domingo."""

    zone: ZoneInfo
    holidays: frozenset[date]
    periods: tuple[ReportingPeriod, ...]
    reported_at: tuple[datetime | None, ...]
    """When each of the periods was reported, if at all."""
    stops: tuple[tuple[datetime, datetime], ...]
    holds: tuple[tuple[datetime, datetime], ...]
    """Windows of a 429: what was decided waits in the outbox until the end of one."""

    def stopped_until(self, now: datetime, *, is_message: bool) -> datetime | None:
        """When it goes on, if the bot does not run, or is not allowed to send."""
        closed = (*self.stops, *self.holds) if is_message else self.stops
        return max((end for start, end in closed if start <= now < end), default=None)

    def agenda(self, ledger: "Ledger", now: datetime) -> Agenda:
        today = now.astimezone(SANTO_DOMINGO).date()
        return Agenda(
            today=today,
            holidays=self.holidays,
            steps=steps(self.periods, today, self.holidays),
            lapsed=lapsed_steps(self.periods, today, self.holidays),
            left={
                "MMUJER": tuple(
                    Left(ACTIVITY, period)
                    for period, sent_at in zip(self.periods, self.reported_at, strict=True)
                    if sent_at is None or now < sent_at
                )
            },
            expecting={period.code: frozenset({"MMUJER"}) for period in self.periods},
            with_focal_point=frozenset({"MMUJER"}),
            told={1: max((on for on, state in ledger.windows.items() if state != "open"), default=date.min)},
            windows={(1, on) for on in ledger.windows},
        )


@dataclass
class Ledger:
    """What a deployment would have stored, and what the phone was shown."""

    windows: dict[date, str] = field(default_factory=dict)
    said: list[tuple[datetime, tuple[str, ...]]] = field(default_factory=list)


@st.composite
def lives(draw: st.DrawFn) -> Life:
    zone = ZoneInfo(draw(st.sampled_from(ZONES)))
    first = draw(st.integers(0, len(MONTHS) - 2))
    codes = MONTHS[first : first + 2]
    begins = reporting_period(codes[0]).opens_on
    free = draw(st.frozensets(st.dates(begins, begins + timedelta(days=60)), max_size=6))
    periods = tuple(reporting_period(code, free) for code in codes)
    due = [instant(period.due_on, NINE, zone) for period in periods]
    # Where it hurts: around nine on the due day, to the minute.
    reported = [
        draw(st.one_of(st.none(), st.integers(-24 * 60, 10 * 24 * 60).map(lambda late, at=at: at + late * MINUTE)))
        for at in due
    ]
    stops = draw(_intervals(due, before=9, shortest=8 * 60, longest=24 * 60))
    holds = draw(_intervals(due, before=80, shortest=1, longest=90 * 60))
    return Life(zone, free, periods, tuple(reported), stops, holds)


@st.composite
def _intervals(
    draw: st.DrawFn, around: Sequence[datetime], *, before: int, shortest: int, longest: int
) -> tuple[tuple[datetime, datetime], ...]:
    """At none, some or all of these instants: one that begins up to so many hours before; lengths are minutes."""
    starts = [at - draw(st.integers(0, before * 60)) * MINUTE for at in draw(st.frozensets(st.sampled_from(around)))]
    return tuple((start, start + draw(st.integers(shortest, longest)) * MINUTE) for start in starts)


MINUTE = timedelta(minutes=1)


def lived(life: Life, *, looks_again: bool = True, remembers: bool = True, catches_up: bool = True) -> Ledger:
    """What the bot makes of it. Each flag taken away is a defect, which `violations` must find."""
    ledger, who = Ledger(), replace(ANA, timezone=life.zone.key)
    begins = life.periods[0].opens_on - timedelta(days=2)
    days = (begins + timedelta(days=number) for number in range(62))
    moments = {instant(on, at_, life.zone) for on in days for at_ in SCANS} | {end for _, end in life.stops}
    coming: list[tuple[datetime, int, Say | None]] = [(moment, 0, None) for moment in moments]
    heapq.heapify(coming)
    number = 0
    while coming:
        now, _, waiting = heapq.heappop(coming)
        goes_on_at = life.stopped_until(now, is_message=waiting is not None)
        if goes_on_at is not None:
            if waiting is not None:
                number += 1
                heapq.heappush(coming, (goes_on_at, number, waiting))
            continue
        agenda = life.agenda(ledger, now)
        if waiting is not None:
            again = still_due(agenda, who, now, life.zone, waiting.window, ()) if looks_again else waiting
            if isinstance(again, Say):
                ledger.said.append((now, tuple(topic.period.code for topic in again.topics)))
            else:
                ledger.windows[waiting.window] = "open" if again.is_open else "cancelled"
            continue
        if not remembers:
            agenda = replace(agenda, windows=frozenset(), told={})
        if not catches_up:
            agenda = replace(agenda, steps=tuple(step for step in agenda.steps if step.on == agenda.today))
        match decide(agenda, who, now, NINE, life.zone):
            case Say(window, _, missed) as decided_:
                ledger.windows |= dict.fromkeys(missed, "skipped") | {window: "queued"}
                number += 1
                heapq.heappush(coming, (now + MINUTE, number, decided_))
            case Silence(_, window) as silence if window is not None:
                ledger.windows[window] = "open" if silence.is_open else "skipped"
    return ledger


def violations(life: Life, ledger: Ledger) -> set[str]:
    """Everything that G8 and G10 forbid."""
    found: set[str] = set()
    reported = {period.code: sent_at for period, sent_at in zip(life.periods, life.reported_at, strict=True)}
    days = [now.astimezone(life.zone).date() for now, _ in ledger.said]
    if len(days) != len(set(days)):
        found.add("twice in a day")
    for now, codes in ledger.said:
        if is_quiet(now, life.zone, life.holidays):
            found.add("in quiet hours")
        if any((sent_at := reported[code]) is not None and now >= sent_at for code in codes):
            found.add("after the report")
    if not life.holds and any(_is_missed(life, ledger, period) for period in life.periods):
        found.add("missed")
    return found


def _is_missed(life: Life, ledger: Ledger, period: ReportingPeriod) -> bool:
    """Nothing had come by the end of the next working day, and still the due day's word had not been said."""
    due = steps([period], period.due_on, life.holidays)
    on = next((step.on for step in due if step.rung is Rung.DUE), None)
    if on is None:
        return False
    horizon = on + timedelta(days=1)
    while working_days_after(on, horizon, life.holidays) < 1:
        horizon += timedelta(days=1)
    end = instant(horizon, time(17, 59), life.zone)
    sent_at = dict(zip(life.periods, life.reported_at, strict=True))[period]
    if not period.is_open(end.astimezone(SANTO_DOMINGO).date()) or (sent_at is not None and sent_at <= end):
        return False
    return not any(
        on <= now.astimezone(life.zone).date() <= horizon and period.code in codes for now, codes in ledger.said
    )


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(lives())
def test_over_random_lives_reminders_are_right(life: Life) -> None:
    """In any zone, 2024 to 2030: none after the report, none twice a day, none in quiet hours, and none missed

    across a stop of up to 24 hours; however long a message waits between the decision and the sending.
    """
    assert violations(life, lived(life)) == set()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("defect", "violation"),
    [("looks_again", "after the report"), ("looks_again", "in quiet hours"), ("remembers", "twice in a day"),
     ("catches_up", "missed")],
)  # fmt: skip
def test_planted_what_a_defect_does_to_them_is_found(defect: str, violation: str) -> None:
    """Without the second look, the ledger, or the steps of days gone by: otherwise the law above proves nothing."""
    find(
        lives(),
        lambda life: violation in violations(life, lived(life, **{defect: False})),
        settings=settings(max_examples=500, deadline=None, database=None, derandomize=True, phases=[Phase.generate]),
    )
