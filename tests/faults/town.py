"""A bot that only answers what it hears, a process that can be killed and started again, and who writes to it."""

import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from bot.sandbox import people
from bot.sandbox.server import Sandbox, running_sandbox
from bot.sandbox.telegram import Person
from tests.bot.cli import forked
from tests.bot.telegram.wire import empty_database, heard_by, opened, shown
from tests.deadlines import PATIENCE
from tests.ports import free_port

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
        self.port = free_port() if webhook else 0
        self.process: forked.Process | None = None
        for number in CHATS:
            self.world.add_person(Person(number, f"P{number}"), started=True)
        with opened(url, folder):
            pass  # makes the keyring

    def start(self, *, plant: Sequence[str] = ()) -> None:
        """Returns when the bot serves."""
        command = ["--api", self.sandbox.url, "--token", self.sandbox.token]
        command += ["--database", self.url, "--keys", str(self.folder / "keys.json")]
        command += ["--webhook-port", str(self.port)] if self.port else []
        for defect in plant:
            command += ["--plant", defect]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        with (self.folder / "bot.log").open("ab") as log:
            self.process = forked.start(
                *command, program=str(PROGRAM), env=environment, stdout=subprocess.PIPE, stderr=log
            )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n", self.log()

    def log(self) -> str:
        return (self.folder / "bot.log").read_text("utf-8", "replace")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self._reap()

    def wait_for_death(self) -> None:
        """The fault must have happened: the process was killed by itself."""
        assert self._reap() == -9, self.log()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            assert self._reap() == 0, self.log()

    def _reap(self) -> int:
        assert self.process is not None
        code = self.process.wait(PATIENCE)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    def say(self, lines: Sequence[str], chats: Sequence[int] = CHATS) -> None:
        for line in lines:
            for chat in chats:
                people.say(self.world, chat, line)

    def hurry(self) -> None:
        """Have Telegram carry again at once what the webhook has not taken, however often it has tried."""
        soon = self.world.now() + 0.1
        with self.world.lock:
            for pending in self.world.bot.pending:
                pending.delay, pending.due_at = 0.05, min(pending.due_at, soon)
        self.world.webhook_bell.ring()

    def settle(self, *, calm: float = 0.4) -> None:
        """Until Telegram has nothing left for the bot and the phones have shown nothing new for a while."""
        deadline = time.monotonic() + PATIENCE
        seen, since = -1, time.monotonic()
        while self.world.bot.pending or len(self.world.ledger.entries) != seen or time.monotonic() - since < calm:
            assert time.monotonic() < deadline, f"{len(self.world.bot.pending)} updates are left\n{self.log()[-2000:]}"
            if len(self.world.ledger.entries) != seen:
                seen, since = len(self.world.ledger.entries), time.monotonic()
            if self.port:
                self.hurry()
            time.sleep(0.02)

    def heard(self) -> dict[int, list[str]]:
        """What is durable of what each chat said; the bot has stopped."""
        with opened(self.url, self.folder) as database:
            return {
                chat: database.units.submit(None, lambda unit, chat=chat: heard_by(unit, chat)).result(PATIENCE)  # type: ignore[misc]
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


def note_marks(*, is_sqlite: bool) -> Sequence[str]:
    """Statements after which the table `marked` has a row for each update that was applied alone."""
    note = "INSERT INTO marked VALUES (new.number);"
    on_insert = "CREATE TRIGGER note_mark AFTER INSERT ON suspect"
    if is_sqlite:
        return "CREATE TABLE marked (number INTEGER)", f"{on_insert} BEGIN {note} END"
    return (
        "CREATE TABLE marked (number bigint)",
        f"CREATE FUNCTION note_mark() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {note} RETURN new; END $$",
        f"{on_insert} FOR EACH ROW EXECUTE FUNCTION note_mark()",
    )
