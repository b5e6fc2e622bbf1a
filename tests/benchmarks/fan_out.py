"""A reminder to 10 000 people under Telegram's limits, while others fill in a form (T13).

    python tests/benchmarks/fan_out.py [--recipients 10000] [--typing 5] [--databases sqlite,postgresql] [--pause 2]

The bot is a process as in production; the sandbox enforces 30 messages a second, and one a second in a chat after a
burst of three. On the due day at nine everybody is reminded, and meanwhile `--typing` people fill in a form, with
`--pause` seconds before each of their acts. Printed for each database: the calls a second that the bot made against the
30 allowed, the most that any second saw, how often it was refused, and how long people waited for their next question.
The exit code is 1 below 0.95 of the allowed rate, at any refusal, or with a p95 above 2 s.

10 000 messages take six minutes whatever the machine: that is Telegram's limit. A replica beside it would have to share
the rate; one process sends.
"""

import argparse
import contextlib
import gc
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from houses import House, furnish, schema
from talks import PRESS, TALKS, Rule

from bot.sandbox import people
from bot.sandbox.server import Sandbox, running_sandbox
from bot.sandbox.telegram import Person, World

ALLOWED = 30.0
NINE = datetime(2018, 10, 5, 8, 59, 57, tzinfo=ZoneInfo("America/Santo_Domingo"))
FIRST = 100_001
REMINDER = re.compile("is due today")
SENT = frozenset({"sendMessage", "editMessageText"})
LONGEST = 60.0
"""Seconds after which somebody who has not been answered gives up."""


@dataclass(slots=True)
class Typist:
    """Somebody who fills in the form again and again, and how long each answer took."""

    world: World
    id: int
    pause: float
    waits: list[float] = field(default_factory=list)
    failed: str = ""

    def live(self, stop: threading.Event) -> None:
        talk = TALKS["enlace-form"]
        number = 0
        while not stop.is_set() and not self.failed:
            number += 1
            self._act(stop, lambda: people.say(self.world, self.id, talk.start), talk.rules[0].asked)
            for rule, after in zip(talk.rules, [*(rule.asked for rule in talk.rules[1:]), talk.done], strict=True):
                if stop.is_set() or self.failed:
                    return
                stop.wait(self.pause)
                self._act(stop, lambda rule=rule, number=number: self._answer(rule, number), after)  # type: ignore[misc]

    def _answer(self, rule: Rule, number: int) -> None:
        if not rule.answer.startswith(PRESS):
            people.say(self.world, self.id, rule.answer.format(n=number))
            return
        wanted = re.compile(rule.answer[len(PRESS) :])
        card = next(m for m in self._messages() if any(wanted.search(b["text"]) for b in _buttons(m)))
        label = next(b["text"] for b in _buttons(card) if wanted.search(b["text"]))
        people.tap(self.world, self.id, card["message_id"], text=label)

    def _act(self, stop: threading.Event, act: Any, expected: str) -> None:
        """Do it, and wait until the phone shows what is expected then."""
        begun = time.monotonic()
        act()
        while not any(re.search(expected, m.get("text", "")) for m in self._messages()[:2]):
            if time.monotonic() - begun > LONGEST:
                self.failed = f"{self.id} waited in vain for {expected!r}"
                return
            time.sleep(0.01)
        if not stop.is_set():
            self.waits.append(time.monotonic() - begun)

    def _messages(self) -> list[dict[str, Any]]:
        """The bot's own to this phone, without reminders, the latest first."""
        with self.world.lock:
            chat = self.world.bot.chats[self.id]
            found = [kept.message for kept in list(chat.messages.values())[-12:]]
        return [m for m in reversed(found) if m["from"]["is_bot"] and not REMINDER.search(m.get("text", ""))]


def _buttons(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [button for row in message.get("reply_markup", {}).get("inline_keyboard", ()) for button in row]


@contextlib.contextmanager
def bot(sandbox: Sandbox, house: House, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    names = {"api": sandbox.url, "token": sandbox.token}
    environment = os.environ | {key: value.format_map(names) for key, value in house.environment.items()}
    del environment["ENLACE_SEND_RATE"]  # as shipped
    iso = datetime.fromtimestamp(sandbox.world.now(), UTC).isoformat()
    with (folder / "bot.log").open("wb") as log:
        command = [sys.executable, "-m", "bot", "run", "--clock", iso]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def measure(kind: str, recipients: int, typing: int, pause: float) -> tuple[str, bool]:
    with (
        tempfile.TemporaryDirectory() as name,
        schema() if kind == "postgresql" else nullcontext(f"sqlite:///{name}/enlace.db") as url,
        running_sandbox(start=NINE.timestamp(), limited=True, keep=10 * recipients + 10_000) as sandbox,
    ):
        world, folder = sandbox.world, Path(name)
        house = House(folder, url)
        furnish(house, range(FIRST, FIRST + recipients))
        for number in range(FIRST, FIRST + recipients):
            world.add_person(Person(number, f"P{number}", language_code="en"), started=True)
        typists = [Typist(world, FIRST + number, pause) for number in range(typing)]
        gc.disable()  # a pause of the emulated Telegram, with ten thousand phones, would bunch what the bot spaced
        stop = threading.Event()
        threads = [threading.Thread(target=typist.live, args=(stop,), daemon=True) for typist in typists]
        with bot(sandbox, house, folder):
            reminded: set[int] = set()
            seen, began = 0, 0.0
            while len(reminded) < recipients:
                time.sleep(0.2)
                new = list(world.ledger.since(seen))
                seen += len(new)
                reminded |= {entry.chat for entry in new if REMINDER.search(str((entry.message or {}).get("text")))}
                if reminded and not began:
                    began = world.now()
                    for thread in threads:
                        thread.start()
                if began and world.now() - began > 3 * recipients / ALLOWED + 60:
                    raise RuntimeError(f"{len(reminded)} of {recipients}\n{(folder / 'bot.log').read_text()[-2000:]}")
            ended = world.now()
            stop.set()
            for thread in threads:
                thread.join(LONGEST)
        failures = [typist.failed for typist in typists if typist.failed]
        if failures:
            raise RuntimeError(f"{failures}\n{(folder / 'bot.log').read_text()[-2000:]}")
        waits = sorted(wait for typist in typists for wait in typist.waits)
        calls = [call for call in world.calls if call.method in SENT and began <= call.at <= ended]
        at = [call.at for call in calls if call.status == 200]
        refused = sum(call.status == 429 for call in calls)
        rate = len(at) / (ended - began)
        p95 = waits[int(len(waits) * 0.95)] if waits else 0.0
        messages = sum(call.method == "sendMessage" and call.status == 200 for call in calls)
        line = (
            f"{kind:<11} {recipients:>10,} {messages:>9,} {len(at):>8,} {ended - began:>7.0f} {rate:>6.2f} "
            f"{rate / ALLOWED:>6.3f} {most_in_a_second(at):>5} {refused:>8} {len(waits):>6} "
            f"{1000 * (waits[len(waits) // 2] if waits else 0):>6.0f} {1000 * p95:>6.0f}"
        )
        return line, rate >= 0.95 * ALLOWED and not refused and p95 <= 2.0


def most_in_a_second(at: list[float]) -> int:
    most = first = 0
    for last, moment in enumerate(at):
        while at[first] <= moment - 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipients", type=int, default=10_000)
    parser.add_argument("--typing", type=int, default=5)
    parser.add_argument("--pause", type=float, default=2.0)
    parser.add_argument("--databases", default="sqlite,postgresql")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # who ends this ends the bot too
    print("database    recipients  messages    calls seconds calls/s  share  most  refused  waits p50 ms p95 ms")
    is_good = True
    for kind in options.databases.split(","):
        line, good = measure(kind, options.recipients, options.typing, options.pause)
        print(line, flush=True)
        is_good = is_good and good
    return int(not is_good)


if __name__ == "__main__":
    sys.exit(main())
