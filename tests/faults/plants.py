"""Defects to be planted into the shipped bot: for each guarantee one that breaks it, and the test that must notice.

A crash suite in which nothing crashes proves nothing, and neither does one that stays green whatever the bot does.
`make torture PLANT=name` runs the test with the defect, ends with the violations that were found, and fails if there
were none. Everything here patches the product from outside, in a process that was started for it.
"""

import asyncio
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conversations.wording import wording
from tests.faults.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Plant:
    """One defect."""

    guarantee: str
    breaks: str
    test: str
    """Its row among SCENARIOS."""
    install: Callable[[], None]
    given: Mapping[str, Any] = field(default_factory=dict)
    """With what that test is run, so that it need not wait for chance."""


# ------------------------------------------------------------------ G1: acknowledged after the commit
def acknowledge_first() -> None:
    from bot.telegram.api import Api

    fetch = Api.updates

    async def fetched(self, offset, *, limit, wait, allowed):
        batch = await fetch(self, offset, limit=limit, wait=wait, allowed=allowed)
        if batch:
            await fetch(self, batch[-1]["update_id"] + 1, limit=1, wait=0, allowed=allowed)
        return batch

    Api.updates = fetched


def answer_first() -> None:
    from starlette.responses import Response

    from bot.telegram.webhook import WebhookEndpoint

    async def answered(self, update):
        asyncio.get_running_loop().call_later(0.05, self._intake.apply, update)
        return Response()

    WebhookEndpoint._apply = answered


def keep_nothing() -> None:
    from storage.messages.kept import KeptUpdates

    KeptUpdates.keep = lambda self, *given: None


def forget_what_is_kept() -> None:
    from storage.messages.kept import KeptUpdates

    real = KeptUpdates.chats

    def chats(self, bot_id):
        for chat_id in real(self, bot_id):
            for each in self.first(bot_id, chat_id, 10_000):
                self.remove(bot_id, each.update_id)
        return {}

    KeptUpdates.chats = chats


# ------------------------------------------------------------------ G2: once
def no_unique_key() -> None:
    from storage.messages.inbox import Inbox

    real = Inbox.first_sight

    def always(self, *given, **more):
        real(self, *given, **more)
        return True

    Inbox.first_sight = always


# ------------------------------------------------------------------ G3: order, and no answer by a stale button
def stale_taps() -> None:
    from dataclasses import replace

    from conversations.session import engine
    from conversations.session.events import Tap

    real = engine.step

    def stepped(form, session, event, **more):
        if isinstance(event, Tap):
            event = replace(event, turn=session.turn)
        return real(form, session, event, **more)

    engine.step = stepped


# ------------------------------------------------------------------ G4: all or nothing
def two_commits() -> None:
    from bot.dispatch import Dispatch
    from storage.database.journeys import write_what_waits
    from storage.messages.inbox import Inbox

    real = Inbox.first_sight
    assert Dispatch

    def seen(self, *given, **more):
        is_new = real(self, *given, **more)
        driver = self._connection.connection.dbapi_connection
        if self._unit.is_postgresql:
            write_what_waits(self._connection)
            driver.commit()
        else:
            for statement in ("RELEASE unit", "COMMIT", "BEGIN IMMEDIATE", "SAVEPOINT unit"):
                driver.execute(statement)
        return is_new

    Inbox.first_sight = seen


# ------------------------------------------------------------------ G5: "saved" is true
def say_first() -> None:
    from bot.dispatch import Dispatch
    from bot.telegram.delivery import Delivery

    handle, start = Dispatch.handle, Delivery.start
    sending = []

    async def started(self):
        sending[:] = [asyncio.get_running_loop(), self]
        await start(self)

    def handled(self, unit, raw, now):
        result = handle(self, unit, raw, now)
        if result.deliveries and sending:
            loop, delivery = sending
            loop.call_soon_threadsafe(delivery.feed, result.deliveries)
            time.sleep(0.05)
        return result

    Delivery.start, Dispatch.handle = started, handled


# ------------------------------------------------------------------ G6: one submission
def submits_again() -> None:
    from bot.screens.reports import filling

    real = filling.submit

    def submitted(ex, stored, form, taken, **more):

        real(ex, stored, form, taken, **more)
        if stored.subject is None:
            again = stored._replace(instance_id=ex.house.new_instance_id())
            real(ex, again, form, taken, **more)

    filling.submit = submitted


# ------------------------------------------------------------------ G7: outgoing
def mark_first() -> None:
    from storage.database.models import OutboxMessage, table
    from storage.messages.outbox import Outbox

    real = Outbox.add
    rows = table(OutboxMessage)

    def added(self, draft, **more):
        number = real(self, draft, **more)
        self._connection.execute(rows.update().where(rows.c.id == number).values(state="sent", lease_until=None))
        return number

    Outbox.add = added


def take_silence_for_yes() -> None:
    from bot.telegram.handled import Handled
    from bot.telegram.intake import Intake
    from storage.errors import Unavailable

    tell = Intake._tell

    def told(self, waiting, outcome):
        tell(self, waiting, Handled() if isinstance(outcome, Unavailable) else outcome)

    Intake._tell = told


def believe_every_commit() -> None:
    from storage.database.group_commit import GroupCommit

    lose = GroupCommit._lose

    def lost(self, group, error, *, everybody):
        if group.done and not everybody:
            self._settle(group, 0.0)
        else:
            lose(self, group, error, everybody=everybody)

    GroupCommit._lose = lost


def send_what_was_taken_over() -> None:
    """As it was, but a busy machine finds it too: a call may begin until the lease ends."""
    from bot.telegram import lanes
    from bot.telegram.delivery import Delivery
    from storage.upkeep.presence import Presence

    lanes.MARGIN = 0.0
    Presence.is_sure = lambda self: True
    Delivery.disown = lambda self: None


def repeat_reminders() -> None:
    from bot.telegram import calls
    from bot.telegram.outcomes import Ambiguous, NotSent

    real = calls.classify

    def classified(error):
        outcome = real(error)
        return NotSent(outcome.reason) if isinstance(outcome, Ambiguous) else outcome

    calls.classify = classified


def ignore_window() -> None:
    from bot.telegram.pacer import Window

    Window.left = lambda self, chat_id=None: 0.0


def die_of_pictures() -> None:
    """Not a row of PLANTS: it is no defect to be found, but what the bot has to survive (test_deadly_files.py)."""
    import os
    import signal

    from storage.reports.confinement import Confinement

    Confinement.inspect = lambda self, data, **more: os.kill(os.getpid(), signal.SIGKILL)


# ------------------------------------------------------------------ what is told, waited for, remembered, ended
def keep_alarms_quiet() -> None:
    from bot.alarms import raising

    raising._tell = lambda unit, one, now, words: []


def wait_for_nobody() -> None:
    from storage.database import engines

    engines.BUSY_MS = 100


def newest_version() -> None:
    from bot.chat.form_cache import FormCache

    real = FormCache.version

    def version(self, unit, form_version_id):
        begun_on = unit.forms.version(form_version_id)
        newest = unit.forms.current(begun_on.plan_id, begun_on.form_id)
        return real(self, unit, newest.id if newest else form_version_id)

    FormCache.version = version


def stop_with_a_traceback() -> None:
    from bot.stopping import Breakable

    end = Breakable.end

    def ended(self):
        end(self)
        raise RuntimeError("a timeout that has ended cannot be changed")

    Breakable.end = ended


def let_go_of_what_is_in_hand() -> None:
    from bot.telegram.polling import _DURABLE, Polling

    real = Polling._acknowledge

    async def acknowledged(self):
        for update_id in self._unacknowledged:
            self._unacknowledged[update_id] = _DURABLE
        await real(self)

    Polling._acknowledge = acknowledged


# ------------------------------------------------------------------ G9: time, and G10: quiet hours
def everywhere(known: Any, instead: Any) -> None:
    """Under every name by which the product knows it."""
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").partition(".")[0] in ("bot", "conversations", "storage"):
            for name, value in list(vars(module).items()):
                if value is known:
                    setattr(module, name, instead)


def winter_time() -> None:
    from datetime import UTC, datetime

    from conversations.plan.calendar import working_time

    def instant(day, at, zone):
        offset = datetime(day.year, 1, 1, tzinfo=zone).utcoffset()
        return (datetime.combine(day, at) - offset).replace(tzinfo=UTC)

    everywhere(working_time.instant, instant)


def second_of_two() -> None:
    from datetime import UTC, datetime

    from conversations.plan.calendar import working_time

    def instant(day, at, zone):
        return datetime.combine(day, at).replace(tzinfo=zone, fold=1).astimezone(UTC)

    everywhere(working_time.instant, instant)


def trust_the_clock() -> None:
    from bot.schedule.scheduler import ClockWatch

    ClockWatch.look = lambda self: None


def speak_at_night() -> None:
    from conversations.plan.calendar import working_time

    everywhere(working_time.is_quiet, lambda now, zone, holidays: False)


# ------------------------------------------------------------------ strangers
def enrol_whoever_writes() -> None:
    from bot.dispatch import Dispatch

    handle = Dispatch.handle

    def handled(self, unit, raw, now):
        body = next((value for name, value in raw.items() if name != "update_id"), None)
        author = body.get("from") if isinstance(body, dict) else None
        number = author.get("id") if isinstance(author, dict) else None
        if isinstance(number, int) and 0 < number < 2**52 and unit.people.by_telegram_id(number) is None:
            unit.people.add(number, "X", "en", now, timezone="UTC")
        return handle(self, unit, raw, now)

    Dispatch.handle = handled


# ------------------------------------------------------------------ G8: once per window
def forget_the_window() -> None:
    from sqlalchemy import delete

    from storage.calendar.ledger import Ledger
    from storage.database.models import Fire, table

    real = Ledger.fire_all

    def fired(self, *given, **more):
        are_new = list(real(self, *given, **more))
        self._connection.execute(delete(table(Fire)))
        return are_new

    Ledger.fire_all = fired


def begin_before_drawing() -> None:
    from bot.telegram.calls import Calls
    from storage.messages.outbox import REPLIES

    real = Calls.prepare

    async def prepare(self, row, opened, **more):
        if row.kind not in REPLIES:
            await self._units.run(None, lambda unit: unit.outbox.begin(row))
        return await real(self, row, opened, **more)

    Calls.prepare = prepare


# ------------------------------------------------------------------ G11: fairness
def one_lane_for_all() -> None:
    from bot.telegram.lanes import Lane, Lanes

    def put(self, held):
        lane = self._lanes.get((0, True))
        if lane is not None:
            lane.held.append(held)
            return None
        lane = self._lanes[0, True] = Lane((0, True))
        lane.held.append(held)
        return lane

    Lanes.put = put


def fan_out_first() -> None:
    from bot.telegram.pacer import Pacer

    turn = Pacer.turn
    Pacer.turn = lambda self, *, is_reply: turn(self, is_reply=not is_reply)


# ------------------------------------------------------------------ S16: slow texts
def try_each_beginning() -> None:
    from conversations.session.safeguards import online

    online._URL = re.compile(rf"\b((?:[\w-]+\.)+(?:{online._DOMAINS}))(?![\w@.-]\w)(/\S*)?", re.IGNORECASE)


def keep_what_the_suspended_write() -> None:
    from bot.handlers import guarding

    guarding.written = lambda what: None


A_FEW_ZONES: Mapping[str, Any] = {"zones": 2, "last_year": 2024, "days": 3}

PLANTS: dict[str, Plant] = {
    "acknowledge_first": Plant(
        "G1", "the offset moves when a batch has arrived", "T1", acknowledge_first, {"points": ("before_commit",)}
    ),
    "answer_first": Plant(
        "G1", "the webhook says 200, then applies", "T1", answer_first, {"points": ("before_commit",), "webhook": True}
    ),
    "keep_nothing": Plant("G1", "what is in excess is acknowledged, and not written", "flood", keep_nothing),
    "forget_what_is_kept": Plant(
        "G1", "what another process has kept is forgotten", "flood", forget_what_is_kept, {"deaths": 8}
    ),
    "no_unique_key": Plant(
        "G2", "every delivery of an update is the first", "T1", no_unique_key, {"points": ("before_acknowledging",)}
    ),
    "apply_a_line_twice": Plant(
        "G2", "two replicas know only what each has applied of one line", "excess", no_unique_key, {"ways": ("both",)}
    ),
    "stale_taps": Plant("G3", "a button answers whatever question is open", "T3", stale_taps),
    "two_commits": Plant(
        "G4",
        "that an update was seen is committed before what it causes",
        "T1",
        two_commits,
        {"points": ("before_commit",)},
    ),
    "say_first": Plant(
        "G5", "what is said is sent before it is committed", "T1", say_first, {"points": ("before_commit",)}
    ),
    "submits_again": Plant("G6", "a form that is sent is stored twice", "T3", submits_again),
    "mark_first": Plant(
        "G7", "a message is marked as sent before it is", "T1", mark_first, {"points": ("before_acknowledging",)}
    ),
    "take_silence_for_yes": Plant("G1", "a unit that nobody could commit counts as done", "T8", take_silence_for_yes),
    "believe_every_commit": Plant(
        "G1",
        "a COMMIT that nobody answered counts as done",
        "T7",
        believe_every_commit,
        {"cuts": ("request",), "faults": 12},
    ),
    "each_for_itself": Plant("G2", "a replica knows only what it has seen itself", "T11", no_unique_key),
    "send_what_was_taken_over": Plant(
        "G3", "a replica that was taken for dead sends what it had in hand", "woken", send_what_was_taken_over
    ),
    "repeat_reminders": Plant("G7", "a reminder that may have arrived is sent again", "T4", repeat_reminders),
    "begin_before_drawing": Plant(
        "G7", "a message counts as begun before its picture is drawn", "drawn", begin_before_drawing
    ),
    "ignore_window": Plant("G11", "the window of a 429 is not looked at", "T4", ignore_window),
    "keep_alarms_quiet": Plant("alarms", "an alarm reaches only the log", "T6", keep_alarms_quiet, {"at_most": 10.0}),
    "wait_for_nobody": Plant("G1", "a writer waits a tenth of a second for another", "T9", wait_for_nobody),
    "newest_version": Plant("versions", "a session goes on with the newest version of its form", "T15", newest_version),
    "stop_with_a_traceback": Plant("stopping", "a stop fails in what it breaks off", "stops", stop_with_a_traceback),
    "let_go_of_what_is_in_hand": Plant(
        "stopping",
        "at a stop all is acknowledged that was fetched",
        "stops",
        let_go_of_what_is_in_hand,
        {"states": ("no database",)},
    ),
    "forget_the_window": Plant("G8", "the ledger forgets what was said", "T12", forget_the_window, A_FEW_ZONES),
    "winter_time": Plant("G9", "a schedule keeps the year's first offset from UTC", "T12", winter_time, A_FEW_ZONES),
    "second_of_two": Plant(
        "G9", "a wall time that comes twice is taken for the second", "T12", second_of_two, A_FEW_ZONES
    ),
    "trust_the_clock": Plant("G9", "what the wall clock says is believed", "T12", trust_the_clock, A_FEW_ZONES),
    "enrol_whoever_writes": Plant("strangers", "whoever writes is made a person", "T10", enrol_whoever_writes),
    "speak_at_night": Plant("G10", "no hour is a quiet one", "T12", speak_at_night, A_FEW_ZONES),
    "one_lane_for_all": Plant("G11", "messages leave one after the other", "crowd", one_lane_for_all),
    "fan_out_first": Plant("G11", "replies go after fan-out", "crowd", fan_out_first),
    "try_each_beginning": Plant("S16", "a pattern tries each beginning with each end", "texts", try_each_beginning),
    "keep_what_the_suspended_write": Plant(
        "S16", "what a suspended person writes stays in the chat", "texts", keep_what_the_suspended_write
    ),
}

TRIES = 3


def sound(plant: str, violations: list[str]) -> list[str]:
    """Return the violations. Fail if the first is that a unit failed: then the code of the defect is out of date."""
    failed = wording("en")("trouble")
    assert failed not in violations[0], f"{plant} breaks no promise, it only makes units fail: {violations[0]}"
    return violations


def found(plant: str, folder: Path, run: Callable[[Path], Outcome]) -> list[str]:
    """What a scenario finds of a defect. Where and when it strikes is chance, so it is run up to three times."""
    for number in range(TRIES):
        (own := folder / str(number)).mkdir()
        try:
            outcome = run(own)
        except AssertionError as error:  # it broke off, or came to no end
            return [str(error)]
        if outcome.violations:
            return sound(plant, outcome.violations)
        print(f"{plant} was not found at try {number + 1}: {dict(outcome.counts)}")
    return []
