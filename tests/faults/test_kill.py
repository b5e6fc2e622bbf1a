"""A real bot process is killed at the worst moments, and nothing that was acknowledged is lost (T1, T4; G1, G2, G7).

Every test asserts that the fault happened. And each law is broken once on purpose, by a defect planted into the
process: then the same scenario must find a violation, or it proves nothing.
"""

import os
import random
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from wire import empty_database, heard_by, opened, shown

from bot.sandbox import people
from bot.sandbox.faults import Fault
from bot.sandbox.server import Sandbox, running_sandbox
from bot.sandbox.telegram import Person

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).with_name("echo_bot.py")
CHATS = range(601, 613)
LINES = 4


class Town:
    """An emulated Telegram, a database, and a bot process that can be killed and started again."""

    def __init__(self, sandbox: Sandbox, url: str, folder: Path, *, webhook: bool = False) -> None:
        self.sandbox = sandbox
        self.world = sandbox.world
        self.url = url
        self.folder = folder
        self.port = _free_port() if webhook else 0
        self.process: subprocess.Popen[bytes] | None = None
        for number in CHATS:
            self.world.add_person(Person(number, f"P{number}"), started=True)
        with opened(url, folder):
            pass  # makes the keyring

    def start(self, *, die: str = "", plant: Sequence[str] = (), rate: float = 0.0, read_timeout: float = 2.0) -> None:
        """Returns when the bot serves."""
        command = [sys.executable, str(PROGRAM), "--api", self.sandbox.url, "--token", self.sandbox.token]
        command += ["--database", self.url, "--keys", str(self.folder / "keys.json"), "--rate", str(rate)]
        command += ["--read-timeout", str(read_timeout)]
        command += ["--webhook-port", str(self.port)] if self.port else []
        command += ["--die", die] if die else []
        for defect in plant:
            command += ["--plant", defect]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        with (self.folder / "bot.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n", self.log()

    def log(self) -> str:
        return (self.folder / "bot.log").read_text("utf-8", "replace")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self._reap(5)

    def wait_for_death(self, seconds: float = 15) -> None:
        """The fault must have happened: the process was killed by itself, at its point."""
        assert self._reap(seconds) == -9, self.log()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            assert self._reap(8) == 0, self.log()

    def _reap(self, seconds: float) -> int:
        assert self.process is not None
        code = self.process.wait(seconds)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    def say(self, lines: Sequence[str], chats: Sequence[int] = CHATS) -> None:
        for line in lines:
            for chat in chats:
                people.say(self.world, chat, line)

    def settle(self, seconds: float = 20.0, *, calm: float = 0.4) -> None:
        """Until Telegram has nothing left for the bot and the phones have shown nothing new for a while."""
        deadline = time.monotonic() + seconds
        seen, since = -1, time.monotonic()
        while self.world.bot.pending or len(self.world.ledger.entries) != seen or time.monotonic() - since < calm:
            assert time.monotonic() < deadline, f"{len(self.world.bot.pending)} updates are left\n{self.log()[-2000:]}"
            if len(self.world.ledger.entries) != seen:
                seen, since = len(self.world.ledger.entries), time.monotonic()
            time.sleep(0.02)

    def heard(self) -> dict[int, list[str]]:
        """What is durable of what each chat said; the bot has stopped."""
        with opened(self.url, self.folder) as database:
            return {
                chat: database.units.submit(None, lambda unit, chat=chat: heard_by(unit, chat)).result(10)  # type: ignore[misc]
                for chat in CHATS
            }

    def violations(self, lines: Sequence[str], *, extra_messages: int) -> list[str]:
        """Everything that G1, G2, G3 and G7 forbid, after these lines were said in every chat."""
        found: list[str] = []
        expected = [f"{turn}: {line}" for turn, line in enumerate(lines, 1)]
        for chat, heard in self.heard().items():
            if heard != list(lines):
                found.append(f"chat {chat} has {heard}")
            replies = [text for _, text in shown(self.sandbox, chat)]
            if list(dict.fromkeys(replies)) != expected:
                found.append(f"chat {chat} was shown {replies}")
            if sum(Counter(replies).values()) - len(set(replies)) > extra_messages:
                found.append(f"chat {chat} was told twice: {replies}")
        return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


MakeTown = Callable[..., Town]


@pytest.fixture
def make_town(tmp_path: Path) -> Iterator[MakeTown]:
    with running_sandbox() as sandbox:
        towns: list[Town] = []

        def make(kind: str = "sqlite", *, webhook: bool = False) -> Town:
            towns.append(Town(sandbox, empty_database(kind, tmp_path), tmp_path, webhook=webhook))
            return towns[-1]

        yield make
        for town in towns:
            if town.process is not None and town.process.poll() is None:
                town.kill()


def lines(count: int = LINES) -> list[str]:
    return [f"line {number}" for number in range(count)]


# ------------------------------------------------------------------ scenarios
def die_and_start_again(town: Town, point: str, plant: Sequence[str] = ()) -> list[str]:
    """Updates wait, the bot dies at its 5th time at the point and is started again without dying."""
    town.say(lines())
    town.start(die=f"{point}:5", plant=plant)
    town.wait_for_death()
    restarted = time.monotonic()
    town.start(plant=plant)
    shown_before = len(town.world.ledger.entries)
    if not plant:
        while len(town.world.ledger.entries) == shown_before:
            assert time.monotonic() - restarted < 30, "not serving again"
            time.sleep(0.01)
    town.settle()
    town.stop()
    return town.violations(lines(), extra_messages=1)


@pytest.mark.parametrize(("kind", "mode"), [("sqlite", "polling"), ("sqlite", "webhook"), ("postgresql", "polling")])
@pytest.mark.parametrize("point", ["before_commit", "before_acknowledging", "before_marking"])
def test_a_kill_at_a_named_point_loses_nothing(make_town: MakeTown, kind: str, mode: str, point: str) -> None:
    """Before the commit; after it, before Telegram hears of it; after sending, before that is recorded."""
    town = make_town(kind, webhook=mode == "webhook")
    assert die_and_start_again(town, point) == []


def test_planted_an_acknowledgement_before_the_commit_loses_answers(make_town: MakeTown) -> None:
    """Planted: the offset moves when a batch has arrived. Killed before the commit, it is gone for good."""
    assert die_and_start_again(make_town(), "before_commit", ["acknowledge_first"]) != []


def test_planted_a_200_before_the_commit_loses_answers(make_town: MakeTown) -> None:
    """Planted: the webhook answers, then applies. The same loss by the other way in."""
    assert die_and_start_again(make_town(webhook=True), "before_commit", ["answer_first"]) != []


def test_planted_a_mark_before_the_send_loses_messages(make_town: MakeTown) -> None:
    """Planted: "sent" is recorded, then the process dies instead of sending. Nobody ever sends it."""
    town = make_town()
    town.say(lines(1))
    town.start(plant=["mark_first"])
    town.wait_for_death()
    town.start()
    town.settle()
    town.stop()
    assert town.violations(lines(1), extra_messages=1) != []


def redelivered(town: Town, plant: Sequence[str] = ()) -> list[str]:
    """Telegram forgets none of the first acknowledgements: the same updates come up to five times."""
    rule = town.world.faults.add(Fault("repeat", method="getUpdates", times=5))
    town.say(lines())
    town.start(plant=plant)
    town.settle()
    town.stop()
    assert rule.hits == 5
    return town.violations(lines(), extra_messages=0)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_redelivery_changes_nothing_and_sends_nothing(make_town: MakeTown, kind: str) -> None:
    """`processed_update` is written with what the update causes (G2)."""
    assert redelivered(make_town(kind)) == []


def test_planted_a_missing_unique_key_doubles_answers(make_town: MakeTown) -> None:
    """Planted: every delivery of an update is taken for the first."""
    town = make_town()
    rule = town.world.faults.add(Fault("repeat", method="getUpdates", times=5))
    town.say(lines(1))
    town.start(plant=["no_unique_key"])
    town.settle()
    # The process knows what it has just applied; a new one knows only what the database tells it.
    town.stop()
    town.say(["again"], chats=[CHATS[0]])
    town.world.faults.add(Fault("repeat", method="getUpdates", times=5))
    town.start(plant=["no_unique_key"])
    town.settle()
    town.kill()
    town.start(plant=["no_unique_key"])
    town.settle()
    town.stop()
    assert rule.hits >= 1
    doubled = [chat for chat, heard in town.heard().items() if len(heard) != len(set(heard))]
    assert doubled != []


# ------------------------------------------------------------------ kills at random
@pytest.mark.parametrize(("kind", "mode"), [("sqlite", "polling"), ("postgresql", "webhook")])
def test_kills_at_random_moments_lose_nothing(make_town: MakeTown, kind: str, mode: str) -> None:
    """SIGKILL four times while everybody writes: order, all of it, at most one extra message a kill and chat (T1)."""
    seed = int(os.environ.get("ENLACE_TEST_SEED", random.randrange(1_000_000)))
    print(f"seed {seed}: repeat with ENLACE_TEST_SEED={seed}")
    dice = random.Random(seed)
    town = make_town(kind, webhook=mode == "webhook")
    script = lines(12)
    kills = 0
    town.start()
    for number, line in enumerate(script):
        town.say([line])
        time.sleep(dice.random() * 0.06)
        if number % 3 == 1:
            town.kill()
            kills += 1
            town.start()
    town.settle(40)
    town.stop()
    assert kills == 4
    assert town.violations(script, extra_messages=kills) == []


# ------------------------------------------------------------------ an unreliable Telegram
def through_bad_weather(town: Town, plant: Sequence[str] = ()) -> list[str]:
    """5 % each of 5xx, timeout before and after the effect, reset, truncated JSON, an HTML page; and a 429."""
    seed = int(os.environ.get("ENLACE_TEST_SEED", random.randrange(1_000_000)))
    print(f"seed {seed}: repeat with ENLACE_TEST_SEED={seed}")
    kinds: list[tuple[Any, Any]] = [
        ("5xx", "before"), ("5xx", "after"), ("timeout", "before"), ("timeout", "after"), ("reset", "before"),
        ("reset", "after"), ("truncated", "after"), ("html", "before"),
    ]  # fmt: skip
    for number, (kind, when) in enumerate(kinds):
        town.world.faults.add(Fault(kind, "send.*", when=when, probability=0.05, seed=seed + number, delay=1))
    town.start(plant=plant, read_timeout=0.4)
    for number in range(3):
        town.say([f"line {number}", f"remind {number}", f"more {number}"])
        time.sleep(0.1)
    town.settle(60, calm=2.0)
    # Each kind strikes a prompt and a reminder for certain, whatever the dice said.
    for sort in ("certain", "remind"):
        for (kind, when), chat in zip(kinds, CHATS, strict=False):
            town.world.faults.rules.insert(0, Fault(kind, "send.*", chat, when, times=1, delay=1))
            town.say([f"{sort} {kind} {when}"], chats=[chat])
        town.settle(30, calm=2.0)
    town.stop()
    assert [rule.hits for rule in town.world.faults.rules if rule.times] == [1] * 16
    found: list[str] = []
    for chat, heard in town.heard().items():
        replies = Counter(text for _, text in shown(town.sandbox, chat))
        for turn, line in enumerate(heard, 1):
            times = replies[f"{turn}: {line}"]
            if line.startswith("remind") and times > 1:
                found.append(f"chat {chat} was reminded {times} times of {line!r}")
            if not line.startswith("remind") and times < 1:
                found.append(f"chat {chat} was never told {line!r}")
    return found


def test_through_bad_weather_no_prompt_is_lost_and_no_reminder_doubled(make_town: MakeTown) -> None:
    """What may have arrived is repeated if it is a prompt, and not if it is a reminder (T4)."""
    assert through_bad_weather(make_town()) == []


def reminded_once(town: Town, plant: Sequence[str] = ()) -> list[str]:
    """A reminder arrives, and the connection breaks before the bot hears of it."""
    rule = town.world.faults.add(Fault("reset", method="sendMessage", when="after", times=1))
    town.start(plant=plant)
    town.say(["remind"], chats=[CHATS[0]])
    town.settle(calm=1.5)
    town.stop()
    assert rule.hits == 1
    return [text for text, times in Counter(shown(town.sandbox, CHATS[0])).items() if times > 1 for _ in text]


def test_a_reminder_in_doubt_is_not_repeated(make_town: MakeTown) -> None:
    """At most once, in a real process too."""
    assert reminded_once(make_town()) == []


def test_planted_a_repeated_reminder_is_found(make_town: MakeTown) -> None:
    """Planted: a send counts as something that may be repeated."""
    assert reminded_once(make_town(), ["repeat_reminders"]) != []


def calls_inside_the_window(town: Town, plant: Sequence[str] = ()) -> list[str]:
    """A 429 of two seconds in the midst of everything."""
    rule = town.world.faults.add(Fault("429", method="sendMessage", retry_after=2, times=1, skip=10))
    town.start(plant=plant, rate=100.0)
    town.say(lines())
    town.settle(30, calm=2.5)
    town.stop()
    assert rule.hits == 1
    sent = [call for call in list(town.world.calls) if call.method != "getUpdates" and call.method != "getMe"]
    [refused] = [call for call in sent if call.status == 429]
    # What had left before the refusal came back (a turn is 10 ms) could not know of it.
    inside = [call.method for call in sent if refused.at + 0.1 < call.at < refused.at + 2.0]
    return inside + town.violations(lines(), extra_messages=0)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_no_call_is_made_inside_the_window_of_a_429(make_town: MakeTown, kind: str) -> None:
    """And when it is over everything arrives, in order, once."""
    assert calls_inside_the_window(make_town(kind)) == []


def test_planted_a_call_inside_the_window_is_found(make_town: MakeTown) -> None:
    """Planted: the window is not looked at."""
    assert calls_inside_the_window(make_town(), ["ignore_window"]) != []


# ------------------------------------------------------------------ stopping
@pytest.mark.parametrize("mode", ["polling", "webhook"])
def test_a_stop_under_load_is_clean(make_town: MakeTown, mode: str) -> None:
    """SIGTERM: in flight is committed and said, with exit code 0; the next start goes on."""
    town = make_town(webhook=mode == "webhook")
    town.start()
    town.say(lines(8))
    time.sleep(0.05)
    town.stop()
    town.start()
    town.settle(40)
    town.stop()
    assert town.violations(lines(8), extra_messages=0) == []
    assert "Traceback" not in town.log()
