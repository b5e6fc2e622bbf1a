"""Units of work that tests submit, and how long they wait for them."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from sqlalchemy import text

from storage.open_database import Database
from storage.unit_of_work import UnitOfWork, Units
from tests.deadlines import PATIENCE

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
BOT = 77


def learn(name: str, value: str = "yes") -> Callable[[UnitOfWork], str]:
    """A unit that leaves a trace called `name`."""

    def work(unit: UnitOfWork) -> str:
        unit.facts.set(name, value, NOW)
        return name

    return work


def known(database: Database, *names: str) -> set[str]:
    """Which of the traces are in the database, seen from outside."""
    with database.view() as unit:
        return {name for name in names if unit.facts.get(name) is not None}


TRAP = """
CREATE TRIGGER trap BEFORE INSERT ON fact WHEN NEW.name = 'trap'
BEGIN SELECT RAISE(ROLLBACK, 'the trap shut'); END
"""


def set_trap(database: Database) -> None:
    """From now on SQLite lets go of the whole transaction in which a trace called "trap" is left."""
    database.units.submit(None, lambda unit: unit.connection.execute(text(TRAP))).result(PATIENCE)


@contextlib.contextmanager
def held(units: Units, key: object = "held", *, longest: float = PATIENCE) -> Iterator[None]:
    """Keep every writer busy, so that what is submitted meanwhile waits and shares the next group.

    From then on a group lasts up to `longest` seconds: on a busy machine the tenth that is usual is soon over.
    """
    units._longest = longest
    entered, leave = threading.Semaphore(0), threading.Event()

    def wait(unit: UnitOfWork) -> None:
        entered.release()
        leave.wait(PATIENCE)

    blockers = [units.submit((key, number), wait) for number in range(units._writer.threads or 1)]
    for _ in blockers:
        assert entered.acquire(PATIENCE)
    try:
        yield
    finally:
        leave.set()


def update_number(number: int) -> Callable[[UnitOfWork], bool]:
    """A unit as intake makes them: seen for the first time, and its consequence."""

    def work(unit: UnitOfWork) -> bool:
        if not unit.inbox.first_sight(BOT, number, NOW):
            return False
        unit.facts.set(f"update {number}", "applied", NOW)
        return True

    return work
