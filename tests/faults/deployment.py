"""A deployment to be broken: Telegram that keeps a ledger, a database of either kind, and real `enlace run` processes.

Each act of violence is a method here and tells whether it happened; what must hold afterwards is in oracle.py.
"""

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import IO

import psycopg
from openpyxl import load_workbook
from pydantic import SecretStr
from sqlalchemy import insert, make_url, select

from bot.acts.people.enrolment import Newcomer, enrol
from bot.acts.reports.coverage import shipped_forms
from bot.demo.cast import BEGINS
from bot.open_storage import open_storage
from bot.sandbox.server import Sandbox, running_sandbox
from bot.sandbox.telegram import Person, World
from bot.settings import Settings, inherited_environment
from conversations.plan.model import Role
from storage.database.models import Activity, Agency, table
from storage.messages import jobs
from storage.open_database import Database
from storage.plan.lists import touch
from storage.unit_of_work import UnitOfWork
from tests.bot.cli import forked
from tests.bot.house import install
from tests.deadlines import PATIENCE, wait_until
from tests.ports import free_port
from tests.storage.database import scratch

PROGRAM = Path(__file__).with_name("shipped_bot.py")
ZONE = "America/Santo_Domingo"
FIRST = 100_001
ASKED = ("text", "integer", "decimal", "select_one", "select_multiple")
WEBHOOK_SECRET = "only-for-tests-and-16-long"


def seed_of(given: int | None = None) -> int:
    """The seed of a run, printed, so that the run can be repeated: SEED=… or ENLACE_TEST_SEED=…"""
    named = os.environ.get("ENLACE_TEST_SEED") or os.environ.get("SEED")
    seed = given if given is not None else int(named) if named else random.randrange(1_000_000)
    print(f"seed {seed}: repeat with ENLACE_TEST_SEED={seed}", flush=True)
    return seed


def until(holds: Callable[[], object], show: Callable[[], str]) -> None:
    wait_until(holds, "what is waited for here", show=show, look_again=0.02)


# ------------------------------------------------------------------ a plan with work for everybody
@dataclass(frozen=True, slots=True)
class Cast:
    """How many people report, each of an agency of their own, and how many activities each has."""

    people: int = 12
    activities: int = 3

    @property
    def numbers(self) -> range:
        return range(FIRST, FIRST + self.people)

    def codes(self) -> list[str]:
        return [f"B{number:03d}" for number in range(self.people)]

    def items(self, code: str) -> list[str]:
        """The activities of an agency, as lists sort them: what is first is on the first page."""
        return [f"{code}-{number:03d}" for number in range(self.activities)]

    def items_of(self, person: int) -> list[str]:
        return self.items(self.codes()[person - FIRST])


USUAL = Cast()


def settings_in(folder: Path, url: str = "") -> Settings:
    return Settings(
        telegram_token=SecretStr("1:unused"),
        database_url=url or f"sqlite:///{folder / 'enlace.db'}",
        timezone=ZONE,
        language="en",
        files=folder / "evidence",
        keys=folder / "keys.json",
        webhook_url=None,
    )


def furnish(folder: Path, cast: Cast, url: str = "") -> None:
    """The shipped plan and forms, and people with something to report."""
    install(folder, url)
    settle(settings_in(folder, url), cast)


def settle(settings: Settings, cast: Cast) -> None:
    """The people, each with an agency and activities, in a deployment that has the plan.

    All small towns have the same agencies and activities: then their forms, which ask for these, are compiled where
    bots are forked, and not by each of them.
    """
    of_all = Cast(max(cast.people, USUAL.people), max(cast.activities, USUAL.activities))

    def work(unit: UnitOfWork) -> None:
        agencies, activities = table(Agency), table(Activity)
        like_agency, like_activity = _first(unit, agencies), _first(unit, activities)
        for code in of_all.codes():
            made = unit.connection.execute(
                insert(agencies).values(like_agency | {"code": code}).returning(agencies.c.id)
            )
            its = like_activity | {
                "agency_id": made.scalar_one(),
                "report_frequency": "monthly",
                "sensitivity": "public",
            }
            rows = [its | {"code": item} for item in of_all.items(code)]
            unit.connection.execute(insert(activities), rows)
        touch(unit, like_agency["plan_id"])
        for number, code in zip(cast.numbers, cast.codes(), strict=True):
            enrol(unit, Newcomer(number, f"Person {number}", Role.FOCAL_POINT, code, "en"), BEGINS, ZONE)

    with open_storage(settings) as database:
        database.units.submit(None, work).result()


def form_with(form_id: str, folder: Path, *, version: str = "faults", mark: str = "") -> Path:
    """A shipped form under another version; what it is about it takes from the plan.

    With a `mark` every question that is asked by its label says so.
    """
    book = load_workbook(BytesIO(next(data for name, data in shipped_forms() if name.startswith(form_id))))
    if mark:
        head = [str(cell.value) for cell in book["survey"][1]]
        label = next(at for at, name in enumerate(head) if name.startswith("label::English"))
        for row in book["survey"].iter_rows(min_row=2):
            if str(row[head.index("type")].value).partition(" ")[0] in ASKED and row[label].value:
                row[label].value = f"{row[label].value} {mark}"
    settings = {cell.value: cell.column for cell in book["settings"][1]}
    book["settings"].cell(2, settings["version"]).value = version
    file = folder / f"{form_id}_{version}.xlsx"
    book.save(file)
    return file


def _first(unit: UnitOfWork, rows) -> dict:
    found = dict(unit.connection.execute(select(rows).order_by(rows.c.id).limit(1)).mappings().one())
    del found["id"]
    return found


# ------------------------------------------------------------------ processes
class Bot:
    """One `enlace run`, which can be killed, paused, and told to die or to be broken."""

    def __init__(self, deployment: "Deployment", name: str, *, port: int = 0) -> None:
        self.deployment = deployment
        self.port = port
        self.log_file = deployment.folder / f"{name}.log"
        self.process: subprocess.Popen[bytes] | forked.Process | None = None
        self.metrics_port = free_port()
        self.is_log_carried = False
        """Whether a pipe takes the log off: the bot may be on a disk, or have a limit, that would cut it short."""
        self._carrier: subprocess.Popen[bytes] | None = None

    def environment(self, **more: str) -> dict[str, str]:
        deployment = self.deployment
        made = inherited_environment() | {
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "ENLACE_TELEGRAM_TOKEN": deployment.sandbox.token,
            "ENLACE_TELEGRAM_API": deployment.sandbox.url,
            "ENLACE_DATABASE_URL": deployment.url_of_bots,
            "ENLACE_FILES": str(deployment.settings.files),
            "ENLACE_KEYS": str(deployment.settings.keys),
            "ENLACE_LANGUAGE": "en",
            "ENLACE_SEND_RATE": str(deployment.rate),
            "ENLACE_LOG_FORMAT": "json",
            "ENLACE_METRICS": f"127.0.0.1:{self.metrics_port}",
        }
        if self.port:
            made |= {
                "ENLACE_WEBHOOK_URL": deployment.address or f"http://127.0.0.1:{self.port}/telegram",
                "ENLACE_WEBHOOK_SECRET": WEBHOOK_SECRET,
                "ENLACE_LISTEN": f"127.0.0.1:{self.port}",
            }
        return made | more

    def begin(self, *, die: str = "", plant: str = "", command: Sequence[str] = (), **more: str) -> None:
        """Start it and do not wait."""
        assert not self.is_alive, "it runs already"
        faults = {name: value for name, value in (("FAULTS_DIE", die), ("FAULTS_PLANT", plant)) if value}
        now = datetime.fromtimestamp(self.deployment.world.now(), UTC).isoformat()
        arguments = ["run", "--clock", now]
        environment = self.environment(**faults, **more)
        self.logged_before = self.log().count("bot.ready")
        with self._open_log() as log:
            if self.deployment.is_forked and not command:
                self.process = forked.start(
                    *arguments,
                    env=environment,
                    stdout=log,
                    stderr=log,
                    program=str(PROGRAM),
                    is_taken_apart=self.deployment.is_taken_apart,
                )
            else:
                whole = [*command, sys.executable, str(PROGRAM), *arguments]
                self.process = subprocess.Popen(whole, env=environment, stdout=log, stderr=log)

    @contextlib.contextmanager
    def _open_log(self) -> Iterator[IO[bytes]]:
        with self.log_file.open("ab") as log:
            if not self.is_log_carried:
                yield log
                return
            if self._carrier is None:
                self._carrier = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=log)
        assert self._carrier.stdin is not None
        yield self._carrier.stdin

    def close(self) -> None:
        """Whatever it is doing, it is gone."""
        if self.is_alive:
            assert self.process is not None
            with contextlib.suppress(OSError):
                self.resume()
            self.process.kill()
            self.process.wait()
        if self._carrier is not None:
            self._carrier.communicate()

    def start(self, **given) -> None:
        """Returns when it serves."""
        self.begin(**given)
        until(lambda: self.is_ready or not self.is_alive, self.log)
        assert self.is_ready, self.log()

    @property
    def is_ready(self) -> bool:
        return self.log().count("bot.ready") > self.logged_before

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def log(self) -> str:
        return self.log_file.read_text("utf-8", "replace") if self.log_file.exists() else ""

    def kill(self) -> None:
        """SIGKILL: no goodbye. The fault must have happened."""
        assert self.process is not None
        assert self.is_alive, self.log()
        self.process.kill()
        assert self.process.wait(PATIENCE) == -signal.SIGKILL

    def wait_for_death(self) -> None:
        """It has killed itself, at its point."""
        assert self.process is not None
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not die\n{self.log()[-3000:]}") from None
        assert code == -signal.SIGKILL, self.log()[-3000:]

    def pause(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)
        state = Path(f"/proc/{self.process.pid}/stat")
        until(lambda: state.read_text().rpartition(")")[2].split()[0] == "T", self.log)

    def resume(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)

    def stop(self) -> None:
        """SIGTERM; it ends well."""
        if self.is_alive:
            assert self.process is not None
            self.process.terminate()
            assert self.process.wait(PATIENCE) == 0, self.log()[-3000:]


class Deployment:
    """Telegram, a database, people with phones, and one bot or two."""

    def __init__(
        self,
        sandbox: Sandbox,
        folder: Path,
        cast: Cast,
        *,
        url: str = "",
        webhook: bool = False,
        replicas: int = 1,
        rate: float = 0.0,
        is_forked: bool = True,
    ) -> None:
        self.is_forked = is_forked
        """Whether bots are forked (`forked`); otherwise each is an interpreter of its own, as operators start it."""
        self.is_taken_apart = False
        """Whether forked bots end as slowly as that, and draw and open files in children of their own."""
        self.sandbox, self.world, self.folder, self.cast, self.rate = sandbox, sandbox.world, folder, cast, rate
        self.settings = settings_in(folder, url)
        self.url = self.settings.database_url
        self.url_of_bots = self.url
        """Another one, where something stands between."""
        self.address = "https://plan.example.org/telegram" if replicas > 1 and webhook else ""
        self.bots = [Bot(self, f"bot{number}", port=free_port() if webhook else 0) for number in range(replicas)]
        self._connection: psycopg.Connection | None = None
        self._ends = contextlib.ExitStack()
        for number in cast.numbers:
            self.world.add_person(Person(number, f"P{number}"), started=True)

    @property
    def bot(self) -> Bot:
        return self.bots[0]

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    def start(self, **given) -> None:
        for bot in self.bots:
            bot.start(**given)

    @contextlib.contextmanager
    def database(self) -> Iterator[Database]:
        with open_storage(self.settings) as database:
            yield database

    def rows(self, statement: str) -> list[tuple]:
        """What the database says, by a connection that is nobody's; a bot may be running."""
        if self.is_sqlite:
            with contextlib.closing(sqlite3.connect(self.folder / "enlace.db", timeout=PATIENCE)) as connection:
                return connection.execute(statement).fetchall()
        try:
            found = self._asking().execute(statement)
        except psycopg.OperationalError:  # the server has been started anew, or this has been cut off
            found = self._asking().execute(statement)
        return found.fetchall() if found.description else []

    def _asking(self) -> psycopg.Connection:
        """Kept: who waits for something asks again and again, and a connection costs the server more than an answer."""
        if self._connection is None or self._connection.closed:
            self._connection = self._ends.enter_context(scratch.connected(self.url, autocommit=True))
        return self._connection

    def refusals(self) -> float:
        """Grows whenever Telegram has been told that something is not done: by a 503; polling, by a pause."""
        webhook = self.world.bot.webhook
        return self.bot.log().count('"intake.trouble"') if webhook is None else webhook.last_error_at or 0.0

    def is_anything_open(self) -> bool:
        """Whether an update waits that was acknowledged, a job to be done, or a message to be sent.

        In one statement, because each of them ends as the next one begins.
        """
        waiting = (
            "kept_update",
            f"job WHERE state IN {jobs.OPEN}",
            "outbox WHERE state IN ('queued', 'sending')",
        )
        return bool(self.rows(f"{' UNION ALL '.join(f'SELECT 1 FROM {each}' for each in waiting)} LIMIT 1"))

    def close(self) -> None:
        for bot in self.bots:
            bot.close()
        self._ends.close()


@contextlib.contextmanager
def deployed(
    folder: Path,
    kind: str = "sqlite",
    cast: Cast = Cast(),
    *,
    webhook: bool = False,
    replicas: int = 1,
    rate: float = 0.0,
    url: str = "",
    start: datetime = BEGINS,
    is_forked: bool = True,
) -> Iterator[Deployment]:
    """A furnished deployment that nobody has started; whatever runs at the end is killed."""
    with contextlib.ExitStack() as stack:
        if kind == "postgresql" and not url:
            url = stack.enter_context(scratch.schema_or_skip("enlace_faults", bots=replicas))
        furnish(folder, cast, url)
        world = World(start=start.timestamp(), keep=400_000)
        sandbox = stack.enter_context(running_sandbox(world))
        made = Deployment(
            sandbox, folder, cast, url=url, webhook=webhook, replicas=replicas, rate=rate, is_forked=is_forked
        )
        stack.callback(made.close)
        yield made


def ports_of(pid: int) -> list[int]:
    """The local ports of a process's connections to PostgreSQL (Linux).

    Only of these: the system gives one port to several who connect to different places, so a port from which the bot
    calls Telegram may be that of somebody else's connection to the server.
    """
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            inodes.add(os.readlink(link).removeprefix("socket:[").removesuffix("]"))
    rows = [row.split() for row in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    theirs = make_url(scratch.POSTGRES).port or 5432
    return [_port(row[1]) for row in rows if row[9] in inodes and _port(row[2]) == theirs]


def _port(address: str) -> int:
    return int(address.partition(":")[2], 16)


def children_of(pid: int) -> list[int]:
    """The processes that this one has begun and that are not gone (Linux)."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, rest = stat.read_text().rpartition(")")
            if int(rest.split()[1]) == pid:
                found.append(int(name.split()[0]))
    return found
