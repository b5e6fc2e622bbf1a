"""Two whole bots on one PostgreSQL, killed, paused and cut off at random: whatever is due is said once (T11, G8).

Both run `enlace run`, with everything that it starts. The ledger is slowed down by a trigger, so that their scans of
one moment overlap and a kill strikes in the middle of a transaction.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.acts.calendar.holidays import add_public_holidays
from bot.acts.people.enrolment import Newcomer, enrol
from bot.open_storage import open_storage
from bot.sandbox.server import Sandbox, running_sandbox
from bot.sandbox.telegram import Person
from bot.schedule.scheduler import ensure_schedules as furnish_schedules
from bot.settings import Settings
from conversations.plan.model import Role
from storage.messages.outbox import LEASE
from storage.unit_of_work import UnitOfWork
from tests.bot.house import BEGINS, Town, furnish, settings_in
from tests.deadlines import wait_until
from tests.faults.deployment import ports_of
from tests.storage.database.scratch import connected, schema_or_skip

pytestmark = pytest.mark.slow

ZONE = "America/Santo_Domingo"
MONDAY = datetime(2018, 10, 8, 8, 59, 58, tzinfo=ZoneInfo(ZONE))
"""Two seconds before the word of the second day after the due day, and half an hour after the digest was due."""
FOCAL_POINTS, COORDINATORS = range(2_001, 2_041), range(3_001, 3_007)
EXPECTED = dict.fromkeys(FOCAL_POINTS, 1) | dict.fromkeys(COORDINATORS, 1)
"""Messages each of them is to get: a reminder, or the digest."""
GATE = "hashtext(current_schema())"
SLOW = f"""
    CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_advisory_xact_lock_shared({GATE}), pg_sleep(0.1); RETURN NEW; END $$;
    CREATE TRIGGER slowly BEFORE INSERT ON fire FOR EACH ROW EXECUTE FUNCTION slowly();
"""
UNKEYED = "ALTER TABLE fire DROP CONSTRAINT uq_fire_plan_id_person_id_what_window"


class Replica(Town):
    """One of two: Telegram knows one address for both, each listens on its own."""

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {
            "ENLACE_WEBHOOK_URL": "https://plan.example.org/telegram",
            "ENLACE_SEND_RATE": "20",
        }


class Pair:
    """Two replicas, their database and the phones."""

    def __init__(self, sandbox: Sandbox, folder: Path, url: str) -> None:
        self.world, self.url = sandbox.world, url
        self.replicas: list[Replica] = []
        for name in ("one", "two"):
            (folder / name).mkdir()
            replica = Replica(sandbox, folder / name, webhook=True, database_url=url)
            replica.settings = settings_in(folder, sandbox.url, url)  # the keyring is shared, the log is not
            self.replicas.append(replica)
        for number in EXPECTED:
            self.world.add_person(Person(number, f"P{number}"), started=True)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with connected(self.url, autocommit=True) as connection:
            found = connection.execute(statement)  # type: ignore[call-overload]
            return list(found.fetchall()) if found.description else []

    def start(self) -> None:
        """Nobody has been told anything when both of them serve."""
        with connected(self.url) as gate:
            gate.execute(f"SELECT pg_advisory_xact_lock({GATE})")
            for replica in self.replicas:
                replica.start()
            assert self.said == 0

    @property
    def shown(self) -> Counter[int]:
        return Counter(seen.chat for seen in list(self.world.ledger.since(0)) if seen.what == "send")

    @property
    def said(self) -> int:
        return sum(self.shown[number] for number in EXPECTED)

    def kill(self, replica: Town) -> None:
        replica.kill()
        assert replica.process is not None
        assert replica.process.returncode == -signal.SIGKILL

    def pause(self, replica: Town, seconds: float) -> None:
        """Let it stand still for a while, whatever it is doing: a machine that is moved, a disk that hangs."""
        assert replica.process is not None
        os.kill(replica.process.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(replica.process.pid, signal.SIGCONT)

    def cut_off(self, replica: Town) -> int:
        """Its connections to the database break; how many there were."""
        assert replica.process is not None
        ports = ",".join(map(str, ports_of(replica.process.pid))) or "0"
        return len(self.rows(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE client_port IN ({ports})"))

    def settle(self) -> None:
        """Until the outbox has nothing open; what the dead had in hand is free once its lease is over."""
        self.world.move_clock(by=(LEASE + timedelta(seconds=1)).total_seconds())

        def logs() -> str:
            return "\n".join([str(self.shown), *(replica.logged()[-1500:] for replica in self.replicas)])

        wait_until(self._is_settled, "everybody's message is there and none is open", show=logs)

    def _is_settled(self) -> bool:
        """Asked in one statement: what is planned between two would be there, and not seen to be open."""
        statement = (
            "SELECT count(DISTINCT chat_id), bool_or(state IN ('queued', 'sending'))"
            " FROM outbox WHERE kind IN ('reminder', 'digest')"
        )
        told, is_open = self.rows(statement)[0]
        return told >= len(EXPECTED) and not is_open

    def violations(self) -> list[str]:
        """Who was told more than once, or not at all without the outbox knowing why."""
        rows: Counter[tuple[int, str]] = Counter()
        for chat, state in self.rows("SELECT chat_id, state FROM outbox WHERE kind IN ('reminder', 'digest')"):
            rows[chat, state] += 1
        found = []
        for chat, expected in EXPECTED.items():
            sent, in_doubt, seen = rows[chat, "sent"], rows[chat, "ambiguous"], self.shown[chat]
            if seen > expected or sent + in_doubt != expected:
                found.append(f"{chat} was told {seen} times, {expected} expected: {self._settled(chat)}")
            elif not sent <= seen <= sent + in_doubt:
                found.append(f"{chat} saw {seen} of {sent} sent and {in_doubt} in doubt")
        return found

    def _settled(self, chat: int) -> dict[tuple[str, str | None], int]:
        """What became of the rows for that chat, and why."""
        return Counter(
            (state, error) for state, error in self.rows(f"SELECT state, error FROM outbox WHERE chat_id = {chat}")
        )


def populate(settings: Settings) -> None:
    """The plan's calendar as it has been kept since Wednesday, and the people who are to be told."""

    def work(unit: UnitOfWork) -> None:
        plan = unit.plans.only()
        add_public_holidays(unit, plan, BEGINS)
        furnish_schedules(unit, plan.id, BEGINS)
        for number in FOCAL_POINTS:
            enrol(unit, Newcomer(number, f"P{number}", Role.FOCAL_POINT, "MMUJER", "es"), BEGINS, ZONE)
        for number in COORDINATORS:
            enrol(unit, Newcomer(number, f"C{number}", Role.COORDINATOR, "MIREX", "es"), BEGINS, ZONE)

    with open_storage(settings) as database:
        database.units.submit(None, work).result()


MakePair = Callable[[str], Pair]


@pytest.fixture
def make_pair(tmp_path: Path) -> Iterator[MakePair]:
    with schema_or_skip(bots=2) as url, running_sandbox(start=MONDAY.timestamp()) as sandbox:
        replicas: list[Replica] = []

        def make(ddl: str) -> Pair:
            furnish(tmp_path, url)
            populate(settings_in(tmp_path, database_url=url))
            pair = Pair(sandbox, tmp_path, url)
            replicas.extend(pair.replicas)
            pair.rows(ddl)
            return pair

        try:
            yield make
        finally:
            for replica in replicas:
                if replica.process is not None and replica.process.poll() is None:
                    replica.kill()


def test_two_replicas_that_are_killed_paused_and_cut_off_say_everything_once(make_pair: MakePair) -> None:
    """No reminder and no digest twice, and none missed but what was under way at a kill: in doubt, and known to be."""
    seed = int(os.environ.get("ENLACE_TEST_SEED", random.randrange(1_000_000)))
    print(f"seed {seed}: repeat with ENLACE_TEST_SEED={seed}")
    dice = random.Random(seed)
    pair = make_pair(SLOW)
    pair.start()
    wait_until(lambda: pair.said, "somebody is told")
    kills, said = 0, []
    for fault in ("kill", "pause", "kill", "cut", "kill", "kill"):
        victim = dice.choice(pair.replicas)
        said.append(pair.said)
        match fault:
            case "kill":
                pair.kill(victim)
                kills += 1
                victim.start()
            case "pause":
                pair.pause(victim, 2.0)
            case _:
                assert pair.cut_off(victim) > 0
        time.sleep(dice.uniform(0.1, 1.2))  # when each strikes is chance
    pair.settle()

    assert kills == 4
    assert said[0] < sum(EXPECTED.values())  # it was not all over when the first one struck
    assert pair.violations() == []
    assert pair.rows('SELECT count(*) FROM fire GROUP BY plan_id, person_id, what, "window" HAVING count(*) > 1') == []


@pytest.mark.planted
def test_planted_without_the_unique_key_two_replicas_say_it_twice(make_pair: MakePair) -> None:
    """Both scan the same moment before either has committed; what keeps them apart is the key alone."""
    pair = make_pair(f"{UNKEYED}; {SLOW}")
    pair.start()
    pair.settle()
    assert [chat for chat in EXPECTED if pair.shown[chat] > EXPECTED[chat]] != []
