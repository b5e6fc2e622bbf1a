"""The state of the bot: /estado in the chat, `enlace status` at the server.

Somebody who is asked "does it work?" has a phone or a shell, seldom both, and no time. Some facts only the running
process knows: when Telegram last answered, whether the clocks agree. It stores them every half minute. So a shell sees
them too, and sees when the process is silent. Each line is a word and a shape, the worst first.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import orjson

from bot.alarms.standing import PREFIX, Standing, standing
from bot.alarms.standing import sentence as alarm_sentence
from bot.settings import Settings
from conversations.dates import show_day
from conversations.plan.entering import NOBODY, Funnel, Station, funnel
from conversations.plan.expected import led_by_nobody
from conversations.plan.periods import PlanPhase, plan_phase
from conversations.wording import Wording
from storage.database.migrating import head
from storage.errors import StorageError
from storage.messages.silence import silent_until
from storage.unit_of_work import UnitOfWork
from storage.upkeep.chain import sealed_until
from storage.upkeep.health import Health, health
from storage.upkeep.holding import Held, held

FACT: Final = "vitals"
BEAT: Final = timedelta(seconds=30)
SILENT: Final = timedelta(minutes=3)
"""A process that has stored nothing for so long does not run."""
GIB: Final = 1 << 30
MIB: Final = 1 << 20
DISK_FULL: Final = 200 * MIB
NAMED: Final = 8
"""The most codes of the plan that a line names."""

State = Literal["good", "warn", "bad"]
SHAPES: Final[dict[State, str]] = {"good": "✅", "warn": "⚠️", "bad": "⛔"}
_ORDER: Final[dict[State, int]] = {"bad": 0, "warn": 1, "good": 2}


@dataclass(frozen=True, slots=True)
class Vitals:
    """The measurements that only the process itself has, in seconds and bytes. None: not known."""

    version: str
    started_at: datetime
    answered_ago: float | None
    skew: float | None
    free: int
    looked_at: datetime | None
    is_held: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that the checks look at.

    `vitals` were measured at `told_at`; both are None if the bot has never run.
    """

    now: datetime
    health: Health
    vitals: Vitals | None
    told_at: datetime | None
    seal: str
    unsealed: int
    alarms: tuple[Standing, ...] = ()
    hold: Held | None = None
    led_by_nobody: tuple[str, ...] = ()
    """Codes of present items of agencies that no longer take part."""
    not_deleted: tuple[str, ...] = ()
    """Chats with restricted messages that Telegram refused to delete (S15): the person, how many, and since when."""
    silent_until: datetime | None = None
    """Until when Telegram takes nothing from anybody (a 429)."""
    dead_letters: tuple[str, ...] = ()
    """Receivers with undelivered events: host and number."""
    resting: tuple[PlanPhase, str, date] | None = None
    """If no plan is under way: the phase of the last one, its code, and the day on which it begins or ended."""
    people: Funnel = NOBODY
    """How far the people of all plans have come, and whom nothing reaches."""

    @property
    def is_silent(self) -> bool:
        return self.told_at is None or self.now - self.told_at > SILENT


@dataclass(frozen=True, slots=True)
class Reading:
    """One line: its state, and the values of its sentence `status.NAME` (or `status.NAME_VARIANT`)."""

    state: State
    values: dict[str, Any]
    variant: str = ""


Check = Callable[[Seen], Reading | None]


def free_bytes(settings: Settings) -> int:
    """Free bytes where evidence is stored: evidence fills a disk."""
    folder = settings.files
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def has_room(settings: Settings) -> bool:
    """Whether there is room for more than a moment's evidence."""
    return free_bytes(settings) >= DISK_FULL


def remember(unit: UnitOfWork, vitals: Vitals, now: datetime) -> None:
    unit.facts.set(FACT, orjson.dumps(asdict(vitals)).decode(), now)


def look(unit: UnitOfWork, now: datetime, *, is_answering: bool = False) -> Seen:
    """Everything that the checks need, at one moment.

    A process that answers in the chat (`is_answering`) is not silent. If what it told is old then, its clock was moved.
    """
    told, told_at = unit.facts.get(FACT), unit.facts.learnt_at(FACT)
    moved = now - told_at if is_answering and told_at is not None and abs(now - told_at) > SILENT else timedelta()
    vitals = None
    if told is not None:
        kept = orjson.loads(told)
        for name in ("started_at", "looked_at"):
            kept[name] = datetime.fromisoformat(kept[name]).astimezone(UTC) if kept[name] else None
        vitals = Vitals(**kept)
        if vitals.looked_at is not None:
            vitals = replace(vitals, looked_at=vitals.looked_at + moved)
    try:
        chain, unsealed = sealed_until(unit)
        seal = chain.note if chain else ""
    except StorageError:
        seal, unsealed = "broken", 0
    return Seen(
        now,
        health(unit, now),
        vitals,
        None if told_at is None else told_at + moved,
        seal,
        unsealed,
        tuple(standing(unit)),
        held(unit),
        tuple(_led_by_nobody(unit, now)),
        tuple(_not_deleted(unit)),
        silent_until(unit, now),
        tuple(_dead_letters(unit)),
        _resting(unit, now),
        _funnel(unit, now),
    )


def _resting(unit: UnitOfWork, now: datetime) -> tuple[PlanPhase, str, date] | None:
    last = None
    for plan in sorted(unit.plans.all(), key=lambda each: each.ends_on):
        today = now.astimezone(ZoneInfo(plan.timezone)).date()
        phase = plan_phase(plan.starts_on, unit.plans.periods(plan.id), today)
        if phase is PlanPhase.UNDER_WAY:
            return None
        last = (phase, plan.code, plan.starts_on if phase is PlanPhase.AHEAD else plan.ends_on)
    return last


def _funnel(unit: UnitOfWork, now: datetime) -> Funnel:
    plans = [plan.id for plan in unit.plans.all()]
    ways = [way for plan_id in plans for way in unit.entering.ways(plan_id)]
    return funnel(ways, [link for plan_id in plans for link in unit.entering.unused_links(plan_id, now)], now)


def _dead_letters(unit: UnitOfWork) -> Iterator[str]:
    counted = unit.event_deliveries.counts()
    for plan in unit.plans.all():
        for one in unit.endpoints.all(plan.id):
            if dead := counted.get((one.id, "dead"), 0):
                yield f"{one.host} ({dead})"


def _not_deleted(unit: UnitOfWork) -> Iterator[str]:
    for one in unit.restricted.refused():
        person = unit.people.by_telegram_id(one.chat_id)
        yield f"{person.name if person else '–'}, chat {one.chat_id} ({one.messages}, {one.since:%Y-%m-%d})"


def _led_by_nobody(unit: UnitOfWork, now: datetime) -> Iterator[str]:
    plans = unit.plans
    for plan in plans.all():
        today = now.astimezone(ZoneInfo(plan.timezone)).date()
        yield from led_by_nobody(plans.activities(plan.id), plans.indicators(plan.id), plans.agencies(plan.id), today)


# ------------------------------------------------------------------ the checks
def _process(seen: Seen) -> Reading:
    if seen.vitals is None:
        return Reading("bad", {}, "never")
    if seen.is_silent and seen.told_at is not None:
        return Reading("bad", {"ago": seen.now - seen.told_at}, "silent")
    return Reading("good", {"version": seen.vitals.version, "ago": seen.now - seen.vitals.started_at})


def _telegram(seen: Seen) -> Reading | None:
    if seen.vitals is None or seen.told_at is None or seen.is_silent:
        return None
    if seen.vitals.answered_ago is None:
        return Reading("bad", {}, "never")
    ago = timedelta(seconds=seen.vitals.answered_ago) + (seen.now - seen.told_at)
    state: State = "good" if ago < SILENT else "warn" if ago < timedelta(minutes=10) else "bad"
    return Reading(state, {"ago": ago})


def _database(seen: Seen) -> Reading:
    is_current = seen.health.revision == head()
    values = {"kind": seen.health.kind, "size": seen.health.bytes, "revision": seen.health.revision}
    variant = "old" if not is_current else "" if seen.health.takes_writes else "read_only"
    return Reading("bad" if variant else "good", values, variant)


def _queue(seen: Seen) -> Reading:
    oldest = seen.health.oldest_at
    if oldest is None:
        return Reading("good", {"n": seen.health.waiting}, "idle")
    ago = seen.now - oldest
    state: State = "good" if ago < timedelta(minutes=5) else "warn" if ago < timedelta(hours=1) else "bad"
    return Reading(state, {"n": seen.health.waiting, "ago": ago})


def _silence(seen: Seen) -> Reading | None:
    """Return a reading while Telegram does not take what people wait for: from everybody, or from some chats."""
    for whose, ends_at in (("", seen.silent_until), ("chats", seen.health.silenced_until)):
        if ends_at is not None and ends_at > seen.now:
            left = ends_at - seen.now
            is_bad = not whose and left > timedelta(minutes=5)
            return Reading("bad" if is_bad else "warn", {"n": seen.health.silenced, "left": left}, whose)
    return None


def _kept(seen: Seen) -> Reading | None:
    """Return a reading if kept updates wait for more than a minute: then something prevents that they are applied."""
    if seen.health.kept_since is None or (ago := seen.now - seen.health.kept_since) < timedelta(minutes=1):
        return None
    return Reading("warn" if ago < timedelta(hours=1) else "bad", {"n": seen.health.kept, "ago": ago})


def _reminders(seen: Seen) -> Reading | None:
    if seen.vitals is None or seen.is_silent:
        return None
    if seen.vitals.is_held:
        return Reading("bad", {}, "held")
    if seen.vitals.looked_at is None:
        return Reading("warn", {}, "never")
    return Reading("good", {"ago": seen.now - seen.vitals.looked_at})


def _restored(seen: Seen) -> Reading | None:
    return None if seen.hold is None else Reading("bad", {"ago": seen.now - seen.hold.as_of})


def _jobs(seen: Seen) -> Reading:
    failed = seen.health.jobs_failed + seen.health.poisoned
    state: State = "warn" if failed else "good"
    return Reading(state, {"n": seen.health.jobs_waiting, "failed": failed}, "failed" if failed else "")


def _people(seen: Seen) -> Reading:
    found = seen.people
    values = {"drafts": seen.health.drafts, "silent": found.silent} | {str(at): found.at[at] for at in Station}
    if not found.lost:
        return Reading("good", values)
    named = [f"{way.name} ({way.agency_code or way.role})" for way in found.lost]
    who = ", ".join(named[:NAMED]) + (" …" if len(named) > NAMED else "")
    return Reading("warn", values | {"who": who, "ago": seen.now - found.lost[0].stopped_at}, "lost")


def _leading(seen: Seen) -> Reading | None:
    codes = seen.led_by_nobody
    if not codes:
        return None
    return Reading("warn", {"n": len(codes), "codes": ", ".join(codes[:NAMED]) + (" …" if len(codes) > NAMED else "")})


def _plan(seen: Seen) -> Reading | None:
    if seen.resting is None:
        return None
    phase, code, day = seen.resting
    return Reading("warn", {"plan": code, "date": day}, "ahead" if phase is PlanPhase.AHEAD else "")


def _restricted(seen: Seen) -> Reading | None:
    return Reading("warn", {"chats": "; ".join(seen.not_deleted)}) if seen.not_deleted else None


def _receivers(seen: Seen) -> Reading | None:
    return Reading("warn", {"receivers": ", ".join(seen.dead_letters)}) if seen.dead_letters else None


def _disk(seen: Seen) -> Reading | None:
    if seen.vitals is None:
        return None
    free = seen.vitals.free
    return Reading("good" if free > GIB else "warn" if free >= DISK_FULL else "bad", {"size": free})


def _audit(seen: Seen) -> Reading:
    if seen.seal == "broken":
        return Reading("bad", {}, "broken")
    if not seen.seal:
        return Reading("warn" if seen.unsealed else "good", {"n": seen.unsealed}, "none")
    return Reading("warn" if seen.unsealed > 100 else "good", {"head": seen.seal, "n": seen.unsealed})


def _clock(seen: Seen) -> Reading | None:
    if seen.vitals is None or seen.vitals.skew is None or seen.is_silent:
        return None
    off = abs(seen.vitals.skew)
    return Reading("good" if off < 5 else "warn" if off < 60 else "bad", {"seconds": round(seen.vitals.skew)})


CHECKS: Final[tuple[tuple[str, Check], ...]] = (
    ("process", _process),
    ("telegram", _telegram),
    ("database", _database),
    ("queue", _queue),
    ("silence", _silence),
    ("kept", _kept),
    ("restored", _restored),
    ("reminders", _reminders),
    ("jobs", _jobs),
    ("people", _people),
    ("plan", _plan),
    ("leading", _leading),
    ("restricted", _restricted),
    ("receivers", _receivers),
    ("disk", _disk),
    ("audit", _audit),
    ("clock", _clock),
)
"""The checks, in the order of a healthy day. A check that fails is listed first."""


def readings(seen: Seen) -> list[tuple[str, Reading]]:
    alarms = [one for one in seen.alarms if not (seen.hold and one.kind == "held")]  # another check says more
    found = [(PREFIX + one.kind, _alarm(one, seen.now)) for one in alarms]
    found += [(name, reading) for name, check in CHECKS if (reading := check(seen)) is not None]
    return sorted(found, key=lambda each: _ORDER[each[1].state])


def _alarm(one: Standing, now: datetime) -> Reading:
    values = {"kind": one.kind, "since": one.since, "ago": now - one.since, "reason": one.reason, "at": one.raised_at}
    return Reading(one.severity, values)


def sentence(name: str, reading: Reading, say: Wording, zone: tzinfo = UTC) -> str:
    if name.startswith(PREFIX):
        return _alarm_told(reading.values, say, zone)
    key = f"status.{name}_{reading.variant}" if reading.variant else f"status.{name}"
    told = {what: _told(what, value, say) for what, value in reading.values.items()}
    return say(key).format_map(told)


def _alarm_told(values: dict[str, Any], say: Wording, zone: tzinfo) -> str:
    one = Standing(values["kind"], values["since"], values["at"], values["reason"])
    since = say("status.alarm_since", ago=_told("ago", values["ago"], say))
    return f"{alarm_sentence(one, say, one.raised_at.astimezone(zone))} {since}"


def _told(what: str, value: Any, say: Wording) -> str:
    if isinstance(value, timedelta):
        seconds = max(0, round(value.total_seconds()))
        for unit, size in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
            if seconds >= 2 * size:
                return say(f"status.ago.{unit}", n=seconds // size)
        return say("status.ago.seconds", n=seconds)
    if isinstance(value, date):
        return show_day(value, say.language)
    if what == "size":
        return f"{value / GIB:.1f} GB" if value >= GIB else f"{value / MIB:.0f} MB"
    return str(value)
