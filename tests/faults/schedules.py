"""T12: seven years of schedules in every zone, and a clock that jumps while people wait for their reminders.

The first half asks the pure functions and checks each answer by the zone's own clock. The second winds a clock by hand
in front of the real scheduler, its ledger and its second look, for people who live all over the world; what it says is
judged by the true time, which the scheduler does not know.
"""

import asyncio
import os
import pickle
import random
import time
import traceback
import zoneinfo
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as wall_time
from pathlib import Path
from zoneinfo import ZoneInfo

import bot.schedule.reminders  # noqa: F401 - a defect is planted wherever a name is known
from bot.open_storage import open_storage
from bot.schedule.scheduler import ClockWatch, Scheduler
from bot.telegram.in_hand import Asked, look
from conversations.plan.calendar import working_time
from storage.messages import outbox
from storage.messages.leases import Watch
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE
from tests.faults.deployment import BEGINS, FIRST, ZONE, Cast, furnish, settings_in
from tests.faults.outcome import Outcome

NOBODY: frozenset[int] = frozenset()
ZONES = tuple(sorted(zoneinfo.available_timezones()))
ODD = (
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Beirut",
    "America/Asuncion",
    "Pacific/Apia",
)
"""An hour, half an hour, twice a year around Ramadan, at midnight, and beyond the date line."""
SCHEDULES = (
    ("workdays", wall_time(9)),
    ("mon,thu", wall_time(8)),
    ("month:last", wall_time(17, 30)),
    ("daily", wall_time(2, 30)),
    ("daily", wall_time(0)),
)
FIRST_YEAR, LAST_YEAR = 2024, 2030
JUMPS = (timedelta(hours=1), timedelta(days=1), timedelta(hours=-1), timedelta(days=-1), timedelta(days=3653))
WRONG_FOR = timedelta(minutes=20)
"""After which it is set right: one that stays wrong is believed in the end, whatever it says."""


def schedules(
    folder: Path,
    kind: str,
    dice: random.Random,
    *,
    zones: int = len(ZONES),
    last_year: int = LAST_YEAR,
    days: int = 9,
    cast: Cast = Cast(40, 1),
    until_time: float | None = None,
    webhook: bool = False,
    plant: str = "",
) -> Outcome:
    """One fire in each window, none at a quiet hour, none before its time, whatever the clock does (T12)."""
    assert kind == "sqlite", webhook

    def both() -> Outcome:
        outcome = Outcome()
        chosen = ZONES if zones >= len(ZONES) else (*ODD, *dice.sample(ZONES, zones))
        for name in chosen:
            if until_time is not None and time.monotonic() > until_time:
                break
            outcome.violations += list(walked(ZoneInfo(name), last_year, outcome.counts))
            outcome.counts["zones"] += 1
        if not outcome.violations:
            under_a_jumping_clock(folder, dice, cast, days, outcome)
        return outcome

    return planted_in_a_fork(plant, both) if plant else both()


def planted_in_a_fork(plant: str, work: Callable[[], Outcome]) -> Outcome:
    """Do it in a process of its own, which has the defect."""
    reading, writing = os.pipe()
    if not (child := os.fork()):
        try:
            from tests.faults.plants import PLANTS

            PLANTS[plant].install()
            with os.fdopen(writing, "wb") as told:
                pickle.dump(work(), told)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        said = told.read()
    os.waitpid(child, 0)
    found: Outcome = pickle.loads(said)
    return found


# ------------------------------------------------------------------ the pure functions
def walked(zone: ZoneInfo, last_year: int, counts: Counter[str]) -> Iterator[str]:
    """Whatever is wrong with the windows of these schedules from the first day to the last."""
    first_day = date(FIRST_YEAR, 1, 1)
    number_of_days = (date(last_year + 1, 1, 1) - first_day).days
    for days, at in SCHEDULES:
        last: datetime | None = None
        for day in (first_day + timedelta(days=number) for number in range(number_of_days)):
            if not working_time.falls_on(days, day, ()):
                continue
            moment = working_time.instant(day, at, zone)
            counts["windows"] += 1
            if wrong := _wrong_at(moment, datetime.combine(day, at), zone, counts):
                yield f"{zone.key}, {days} at {at}: {day} is said at {moment}, {wrong}"
            if last is not None and moment <= last:
                yield f"{zone.key}, {days} at {at}: {day} comes at {moment}, not after {last}"
            last = moment
            if days != "daily" and (working_time.is_quiet(moment, zone, ()) or _is_quiet(moment, zone)):
                yield f"{zone.key}, {days} at {at}: {day} is said at a quiet hour"
            if _is_quiet(moment, zone) != working_time.is_quiet(moment, zone, ()):
                yield f"{zone.key}: whether {moment} is quiet is not known"
            later = working_time.next_working_hour(moment, zone, ())
            if later < moment or _is_quiet(later, zone):
                yield f"{zone.key}: after {moment} one may speak at {later}"


def _wrong_at(moment: datetime, wall: datetime, zone: ZoneInfo, counts: Counter[str]) -> str:
    """By the zone's own clock: it shows that time for the first time, or has just gone past it in a leap."""
    local = moment.astimezone(zone)
    if local.replace(tzinfo=None) == wall:
        counts["shown twice"] += (moment + timedelta(hours=1)).astimezone(zone).replace(tzinfo=None) == wall
        return "for the second time" if local.fold else ""
    before = (moment - timedelta(seconds=1)).astimezone(zone).replace(tzinfo=None)
    counts["skipped"] += 1
    return "" if before < wall < local.replace(tzinfo=None) else f"where it is {local:%d %H:%M}"


def _is_quiet(moment: datetime, zone: ZoneInfo) -> bool:
    """Said once more, in other words."""
    local = moment.astimezone(zone)
    return local.isoweekday() > 5 or local.hour not in range(8, 18)


# ------------------------------------------------------------------ the real one, and a clock wound by hand
class WoundClock:
    """What the bot is told the time is, beside the time it is."""

    def __init__(self, true: datetime) -> None:
        self.true, self.wrong_by, self._began = true, timedelta(0), true

    def now(self) -> datetime:
        return self.true + self.wrong_by

    def monotonic(self) -> float:
        return (self.true - self._began).total_seconds()


def under_a_jumping_clock(folder: Path, dice: random.Random, cast: Cast, days: int, outcome: Outcome) -> None:
    """Walk through the days of a ladder; every day the clock is wrong for a while, by each of the jumps in turn."""
    folder.mkdir(exist_ok=True)
    furnish(folder, cast)
    homes = {number: ZoneInfo(dice.choice((ZONE, *dice.sample(ZONES, 2)))) for number in cast.numbers}
    homes[FIRST] = ZoneInfo(ZONE)
    clock = WoundClock(BEGINS.astimezone(UTC))
    said: list[tuple[int, datetime]] = []
    with open_storage(settings_in(folder)) as database:
        database.units.submit(None, lambda unit: move_home(unit, homes)).result(PATIENCE)
        watch = ClockWatch(clock)
        scheduler = Scheduler(database, clock, said=lambda: None, watch=watch)
        for day in range(days):
            jump, jumps_at = JUMPS[day % len(JUMPS)], dice.randrange(9, 48)
            for tick in range(6 * 24):  # from eight in the plan's own zone; there it is a working hour when it jumps
                if tick == jumps_at:
                    clock.wrong_by = jump
                    outcome.counts["jumps"] += 1
                elif tick == jumps_at + WRONG_FOR // timedelta(minutes=10):
                    clock.wrong_by = timedelta(0)
                if tick % 3 == 0 or abs(tick - jumps_at) < 6:
                    asyncio.run(scheduler.look())
                    if not watch.is_held:
                        said += [(chat, clock.true) for chat in spoken_to(database, clock.now(), scheduler)]
                clock.true += timedelta(minutes=10)
    outcome.counts["reminders"] += len(said)
    outcome.violations += list(_wrongly_said(said, homes))
    reminded = {chat for chat, _ in said}
    outcome.violations += [f"{number} was never reminded" for number in cast.numbers if number not in reminded]


def move_home(unit: UnitOfWork, homes: dict[int, ZoneInfo]) -> None:
    for number, zone in homes.items():
        person = unit.people.by_telegram_id(number)
        assert person is not None
        unit.people.set_timezone(person.id, zone.key)


def spoken_to(database: Database, now: datetime, scheduler: Scheduler) -> list[int]:
    """The chats that delivery would send a reminder to now; it has arrived."""

    def work(unit: UnitOfWork) -> list[int]:
        rows = look(unit, now, Asked(200, NOBODY, NOBODY, NOBODY), Watch(), lambda: 0.0, scheduler.second_look).rows
        for row in rows:
            unit.outbox.record(row.id, outbox.Sent(1), now)
        return [row.chat_id for row in rows if row.kind == "reminder" and row.chat_id >= FIRST]

    return database.units.submit(None, work).result(PATIENCE)


def _wrongly_said(said: list[tuple[int, datetime]], homes: dict[int, ZoneInfo]) -> Iterator[str]:
    """October 2018: what is due on the 5th is spoken of on the 1st, 3rd, 5th and 8th, and its end to nobody here."""
    for chat, at in said:
        there = at.astimezone(homes[chat])
        if _is_quiet(at, homes[chat]):
            yield f"{chat} in {homes[chat].key} was spoken to at {there:%a %H:%M}"
        elif there.day not in (3, 4, 5, 8, 9, 10):
            yield f"{chat} was reminded on {there:%d %B}, when nothing is due"
        elif there.day in (4, 9, 10) and any(
            other == chat and when.astimezone(homes[chat]).day == there.day - 1 for other, when in said
        ):
            # What 3 and 8 October could not be told of, since the clock was held, is told a day late, and only then.
            yield f"{chat} was reminded on {there:%d %B}, and had been the day before"
    for (chat, day), times in Counter((chat, at.astimezone(homes[chat]).date()) for chat, at in said).items():
        if times > 1:
            yield f"{chat} was reminded {times} times on {day}"
