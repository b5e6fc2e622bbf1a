"""What a thread executes for one update, in bytecodes of Python, function by function: the writer's, or the loop's.

    python tests/benchmarks/bytecodes.py [--people 48] [--top 60] [--inclusive] [--database sqlite] [--times 0]
    python tests/benchmarks/bytecodes.py --loop polling      # or webhook: the whole bot, and its event loop's thread

The benchmark's form, played by people in step, without HTTP: everybody's update is applied, then what became of their
messages is recorded. The same code gives the same figure on a busy machine and on an idle one, so it tells whether a
change is worth a measurement. What C does (SQLite, JSON, regular expressions, the cipher) is no bytecode: `--times N`
plays N conversations untraced and prints the processor time too, which the machine's mood moves by a fifth.

With `--loop` the bot is a process of its own, played by fifty people through the emulated Bot API for `--seconds`. How
many updates come together depends on the machine, so that figure moves by a few per cent.
"""

import argparse
import contextlib
import itertools
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from emulator import FIRST_PERSON
from growth import NOW, Bench, tapped, typed
from houses import House, furnish, schema
from talks import PRESS, TALKS

from bot.open_storage import open_storage
from bot.telegram.handled import Handled
from bot.telegram.in_hand import Note, write
from storage.database.unit import Opening
from storage.messages.outbox import Sent
from storage.unit_of_work import Units

ROOT = Path(__file__).parents[2]
TALK = TALKS["enlace-form"]
WARM = 2
"""Conversations that everybody has before it counts: statements compiled, forms read, cards known."""


@dataclass
class Person:
    """A phone: what it shows, and which message it is."""

    number: int
    words: str = ""
    buttons: list[Mapping[str, str]] = field(default_factory=list)
    message_id: int = 1

    def act(self, number: int) -> dict[str, Any]:
        """The next update of this person, by what their phone shows."""
        for rule in reversed(TALK.rules):  # the last screen shows the first question's words too
            if re.search(rule.asked, self.words):
                if not rule.answer.startswith(PRESS):
                    return self._typed(number, rule.answer.format(n=number % 1000))
                label = rule.answer.removeprefix(PRESS)
                data = next(each["callback_data"] for each in self.buttons if re.search(label, each["text"]))
                update = tapped(self.number, data)(number)
                update["callback_query"]["message"]["message_id"] = self.message_id
                return update | {"update_id": number}
        return self._typed(number, TALK.start)

    def _typed(self, number: int, words: str) -> dict[str, Any]:
        return typed(self.number, words)(number) | {"update_id": number}

    def shows(self, payload: Mapping[str, Any], message_id: int | None) -> None:
        self.words = payload["text"]
        rows = payload.get("reply_markup", {}).get("inline_keyboard", [])
        self.buttons = [button for row in rows for button in row]
        if message_id is not None:
            self.message_id = message_id


class Crowd:
    """People who report at the same pace, and a Telegram that answers at once."""

    def __init__(self, bench: Bench, people: int) -> None:
        units = bench.database.units  # of a process that sends: what others leave waits, and is told otherwise
        units.replica_id = units.submit(None, lambda unit: unit.replicas.add(NOW)).result()
        self._bench = bench
        self._people = [Person(number) for number in range(FIRST_PERSON, FIRST_PERSON + people)]
        self._messages = itertools.count(10)
        self.applied = 0

    def converse(self) -> None:
        """One conversation of everybody, from the command to the receipt."""
        for _ in range(len(TALK.rules) + 1):
            self._act()

    def _act(self) -> None:
        units = self._bench.database.units
        begun = []
        with held(units):
            for person in self._people:
                number = next(self._bench.numbers)
                work = partial(self._bench.handle, raw=person.act(number))
                opening = Opening(person.number, bot_id=1, update_id=number)
                begun.append((person, units.submit(person.number, work, opening=opening)))
        notes = [note for person, future in begun for note in self._deliver(person, future.result())]
        recording = partial(write, notes=notes, reopens_at=None, now=NOW)
        units.submit(None, recording, opening=Opening()).result()
        self.applied += len(begun)

    def _deliver(self, person: Person, handled: Handled) -> list[Note]:
        notes = []
        for row in handled.deliveries:
            message_id = next(self._messages) if row.method == "sendMessage" else None
            if "text" in row.payload:
                person.shows(row.payload, message_id)
            notes.append(Note(row, Sent(message_id), message_id if row.card_id is not None else None, at=NOW))
        return notes


@contextlib.contextmanager
def held(units: Units) -> Iterator[None]:
    """Let nothing be applied before everything is in line, so that the groups are the same in each run."""
    has_begun, is_ready = threading.Event(), threading.Event()

    def wait(_: object) -> None:
        has_begun.set()
        is_ready.wait()

    units.submit(None, wait, opening=Opening())
    has_begun.wait()
    yield
    is_ready.set()


class _Here(threading.local):
    """Bytecodes that this thread has executed. Another thread may go on while a function waits."""

    total = 0


class Counted:
    """Bytecodes and calls by function. `inclusive` has those of what a function calls too."""

    def __init__(self) -> None:
        self.own: Counter[CodeType] = Counter()
        self.inclusive: Counter[CodeType] = Counter()
        self.calls: Counter[CodeType] = Counter()
        self._here = _Here()

    def clear(self) -> None:
        for counter in (self.own, self.inclusive, self.calls):
            counter.clear()

    def trace(self, frame: FrameType, event: str, _argument: object) -> Any:
        if event != "call":
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        code, here = frame.f_code, self._here
        before = here.total
        self.calls[code] += 1

        def within(_frame: FrameType, event: str, _argument: object) -> Any:
            if event == "opcode":
                here.total += 1
                self.own[code] += 1
            elif event == "return":
                self.inclusive[code] += here.total - before
            return within

        return within


def play(database: str, people: int, times: int) -> tuple[Counted, int, float]:
    """What was counted, in how many units, and microseconds of the processor for one if `times` is not 0."""
    counted = Counted()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bytecodes-")))
        url = f"sqlite:///{folder / 'enlace.db'}" if database == "sqlite" else stack.enter_context(schema())
        house = House(folder, url)
        furnish(house, range(FIRST_PERSON, FIRST_PERSON + people))
        with open_storage(house.settings) as opened:
            crowd = Crowd(Bench(opened), people)
            for _ in range(WARM):
                crowd.converse()
            took, before = time.process_time(), crowd.applied
            for _ in range(times):
                crowd.converse()
            took = 1e6 * (time.process_time() - took) / max(1, crowd.applied - before)
        # A thread is traced from its start on, so the writer must start anew.
        with open_storage(house.settings) as opened:
            threading.settrace(counted.trace)
            # It is slow: by the clock a group would end after three units, and one that waits for another would part.
            opened.units._longest = float("inf")
            opened.units._together.limit = 1
            bench = Bench(opened)
            bench.numbers = itertools.count(20_000_000)
            crowd = Crowd(bench, people)
            crowd.converse()
            counted.clear()
            before = crowd.applied
            crowd.converse()
            units = crowd.applied - before
            threading.settrace(None)  # type: ignore[arg-type]  # None is what the documentation says
    return counted, units, took


def told(counted: Counted, units: int, *, by: Counter[CodeType], top: int) -> list[str]:
    """A line for each of the functions that execute most."""
    lines = [f"{'own':>8} {'inclusive':>9} {'calls':>7}  function, per unit"]
    for code, _ in by.most_common(top):
        figures = (counted.own[code] / units, counted.inclusive[code] / units, counted.calls[code] / units)
        place = code.co_filename.removeprefix(f"{ROOT}/").rpartition("site-packages/")[2]
        lines.append("{:8.1f} {:9.1f} {:7.2f}".format(*figures) + f"  {place}:{code.co_firstlineno} {code.co_qualname}")
    return lines


def summary(counted: Counted, units: int) -> str:
    bytecodes, calls = sum(counted.own.values()) / units, sum(counted.calls.values()) / units
    return f"\n{units} units: {bytecodes:.0f} bytecodes and {calls:.0f} calls each"


def play_whole(scene: str, seconds: float, arguments: Sequence[str]) -> str:
    """What the whole bot prints, counting its event loop's thread, after this scene of the benchmark."""
    import bench

    command = (*arguments, "--", "run", "--clock", bench.CLOCK)
    traced = bench.Bot("traced", "traced", "traced.py", command, database="sqlite", talk="enlace-form")
    [played] = [each for each in bench.SCENES if each.name == scene]
    with tempfile.TemporaryDirectory(prefix="bytecodes-") as folder:
        bench.Stage(Path(folder), played.users).measure(traced, played, seconds, None)
        [log] = Path(folder).glob("*/bot.log")
        return log.read_text()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=48)
    parser.add_argument("--top", type=int, default=60)
    parser.add_argument("--inclusive", action="store_true")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--times", type=int, default=0)
    parser.add_argument("--loop", choices=("polling", "webhook"))
    parser.add_argument("--seconds", type=float, default=20.0)
    given = parser.parse_args()
    if given.loop:
        inclusive = ["--inclusive"] if given.inclusive else []
        print(play_whole(given.loop, given.seconds, ["--top", str(given.top), *inclusive]))
        return
    counted, units, took = play(given.database, given.people, given.times)
    by = counted.inclusive if given.inclusive else counted.own
    print("\n".join(told(counted, units, by=by, top=given.top)))
    print(summary(counted, units))
    if given.times:
        print(f"{took:.0f} µs of processor each, the people's own part included")


if __name__ == "__main__":
    sys.exit(main())
