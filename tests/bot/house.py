"""A whole deployment for tests: seeded database, emulated Telegram, the real bot as a process of its own.

The only fakes are Telegram's end of the wire and the clock (October 2018, as in the demo).
"""

import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from bot.demo import furnishing
from bot.demo.cast import BEGINS, CAST
from bot.open_storage import open_storage
from bot.sandbox import people
from bot.sandbox.client import Phone, SandboxClient
from bot.sandbox.server import Sandbox, running_sandbox
from bot.sandbox.telegram import Person
from bot.settings import Settings, inherited_environment
from bot.setup import set_up
from tests.bot.cli import forked
from tests.bot.desk import settings_in
from tests.bot.resting import unanswered_taps, under_way
from tests.deadlines import PATIENCE, ended, has_ended, wait_until
from tests.once import made_once
from tests.ports import free_port
from tests.storage.database import scratch

ANA, LUIS, CARMEN, PEDRO, GRACE, ROSA, JEAN = (member.telegram_id for member in CAST)


def install(folder: Path, database_url: str = "") -> None:
    """The shipped plan and forms, and nobody."""
    _copy("plan", _set_up, folder, database_url)


def _set_up(folder: Path, database_url: str = "") -> None:
    list(set_up(settings_in(folder, database_url=database_url), BEGINS))


def furnish(folder: Path, database_url: str = "") -> None:
    """A seeded database with the demo's people and last period's reports."""
    _copy("house", _furnish, folder, database_url)


def _furnish(folder: Path, database_url: str = "") -> None:
    install(folder, database_url)
    populate(settings_in(folder, database_url=database_url))


def _copy(name: str, make: Callable[..., None], folder: Path, database_url: str) -> None:
    """What is made once for all tests, for either database."""
    if database_url:
        scratch.fill(database_url, folder, f"{name}-postgresql", lambda url, kept: make(kept, url))
    else:
        shutil.copytree(made_once(name, make), folder, dirs_exist_ok=True)


def populate(settings: Settings) -> None:
    """The demo's people and last period's reports, with nothing to be reviewed."""
    with open_storage(settings) as database:
        database.units.submit(None, lambda unit: furnishing.populate(unit, settings)).result()


class Town:
    """The sandbox and the bot beside it."""

    def __init__(
        self, sandbox: Sandbox, folder: Path, *, webhook: bool = False, watched: bool = False, database_url: str = ""
    ) -> None:
        self.sandbox = sandbox
        self.client = SandboxClient(sandbox.url)
        self.folder = folder
        self.webhook_port = free_port() if webhook else 0
        self.metrics_port = free_port() if watched else 0
        self.settings = settings_in(folder, sandbox.url, database_url)
        self.process: forked.Process | None = None
        self.log_level = "INFO"
        self.is_taken_apart = False
        """Whether its bots end as slowly as in a process of their own."""
        self._lost_taps: set[str] = set()
        for member in CAST:
            person = Person(member.telegram_id, member.name, language_code=member.language)
            sandbox.world.add_person(person, started=True)

    @property
    def environment(self) -> dict[str, str]:
        made = inherited_environment() | {
            "ENLACE_TELEGRAM_TOKEN": self.sandbox.token,
            "ENLACE_TELEGRAM_API": self.sandbox.url,
            "ENLACE_DATABASE_URL": self.settings.database_url,
            "ENLACE_FILES": str(self.settings.files),
            "ENLACE_KEYS": str(self.settings.keys),
            "ENLACE_SEND_RATE": "0",
            "ENLACE_LOG_LEVEL": self.log_level,
        }
        if self.webhook_port:
            made |= {
                "ENLACE_WEBHOOK_URL": f"http://127.0.0.1:{self.webhook_port}/telegram",
                "ENLACE_WEBHOOK_SECRET": "only-for-tests",
                "ENLACE_LISTEN": f"127.0.0.1:{self.webhook_port}",
            }
        if self.metrics_port:
            made["ENLACE_METRICS"] = f"127.0.0.1:{self.metrics_port}"
        return made

    def enlace(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return forked.run(*arguments, env=self.environment)

    def start(self, *, on_its_clock: bool = True) -> None:
        """Without `on_its_clock` the bot goes by the machine's, as it does with Telegram itself."""
        clock = self.sandbox.world.now()
        iso = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(clock))
        arguments = ("--clock", iso) if on_its_clock else ()
        before = self.logged().count("bot.ready")
        self._lost_taps = unanswered_taps(self.sandbox.world)
        with (self.folder / "bot.log").open("ab") as log:
            self.process = forked.start(
                "run",
                *arguments,
                env=self.environment,
                stdout=log,
                stderr=log,
                is_taken_apart=self.is_taken_apart,
            )
        wait_until(
            # It learns of a clock that is moved from the answer to a poll: moved before its first one, much later.
            lambda: self.logged().count("bot.ready") > before and (self.webhook_port or self.has_polled),
            "the bot is ready",
            show=self.logged,
            unless=has_ended(self.process),
        )

    @property
    def has_polled(self) -> bool:
        return self.sandbox.world.bot.polled_at is not None

    def kill(self) -> None:
        """SIGKILL: no goodbye."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            ended(self.process, show=self.logged)

    def rest(self) -> None:
        """Until all that was said to the bot has had its effects, and the phones show them."""
        lost, url = self._lost_taps, self.settings.database_url
        world = self.sandbox.world
        wait_until(
            lambda: not under_way(world, url, lost_taps=lost),
            "everything is over",
            show=lambda: f"{self.logged()}\n{under_way(world, url, lost_taps=lost)}",
            unless=None if self.process is None else has_ended(self.process),
        )

    def logged(self) -> str:
        log = self.folder / "bot.log"
        return log.read_text("utf-8", "replace") if log.exists() else ""

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.folder / "enlace.db", timeout=PATIENCE)) as connection:
            return connection.execute(statement, values).fetchall()

    def change(self, statement: str, *values: Any) -> None:
        """What a process that died left behind. Only while the bot is down: it alone writes."""
        with closing(sqlite3.connect(self.folder / "enlace.db", timeout=PATIENCE)) as connection, connection:
            connection.execute(statement, values)

    def officer(self, telegram_id: int) -> "Officer":
        return Officer(self, telegram_id)


class Officer:
    """Somebody with a phone, who reads the last message with buttons and presses what it says."""

    def __init__(self, town: Town, telegram_id: int) -> None:
        self.town = town
        self.id = telegram_id
        self.phone: Phone = town.client.phone(telegram_id)

    def _changed(self, act: Any) -> str:
        """Do it, wait until everything that follows from it is over, and has shown the phone something new."""
        before = self._seen()
        act()
        self.town.rest()
        wait_until(lambda: self._seen() != before, "the phone shows something new", show=self._shown)
        return self.text

    def _seen(self) -> int:
        return sum(1 for _ in self.town.sandbox.world.ledger.since(0, chat=self.id))

    def _shown(self) -> str:
        return f"{self.town.logged()}\nthe phone says: {self.text!r}"

    def wait_for(self, words: str, seconds: float = PATIENCE) -> str:
        """Until the bot's last message says this, however long that takes."""
        entries, looked_at = self.town.sandbox.world.ledger.entries, -1

        def is_said() -> bool:
            nonlocal looked_at
            if entries.total == looked_at:
                return False
            looked_at = entries.total
            return words in self.text

        wait_until(is_said, f"the last message says {words!r}", show=self._shown)
        return self.text

    def say(self, text: str) -> str:
        return self._changed(lambda: self.phone.say(text))

    def tap(self, text: str) -> str:
        return self._changed(lambda: self.phone.tap(self.card["message_id"], text))

    def do(self, act: Any) -> str:
        return self._changed(act)

    @property
    def from_bot(self) -> list[dict[str, Any]]:
        return [message for message in self.phone.messages() if message["from"]["is_bot"]]

    @property
    def card(self) -> dict[str, Any]:
        return [message for message in self.from_bot if message.get("reply_markup")][-1]

    @property
    def text(self) -> str:
        said = self.from_bot  # looked at once: a message may go between two looks
        return str(said[-1].get("text", "")) if said else ""

    @property
    def buttons(self) -> list[str]:
        return [b["text"] for row in self.card["reply_markup"].get("inline_keyboard", []) for b in row]


@contextmanager
def town_in(
    folder: Path, template: Path | None, *, webhook: bool = False, watched: bool = False, database_url: str = ""
) -> Iterator[Town]:
    if template is not None:
        shutil.copytree(template, folder, dirs_exist_ok=True)
    with running_sandbox(start=BEGINS.timestamp()) as sandbox:
        town = Town(sandbox, folder, webhook=webhook, watched=watched, database_url=database_url)
        try:
            town.start()
            yield town
        finally:
            town.stop()


__all__ = [
    "ANA",
    "CARMEN",
    "GRACE",
    "JEAN",
    "LUIS",
    "PEDRO",
    "ROSA",
    "Officer",
    "Town",
    "furnish",
    "install",
    "people",
    "settings_in",
    "town_in",
]
