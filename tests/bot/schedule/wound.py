"""A scheduler that a test winds by hand, and what it has said and written down."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from bot.telegram.in_hand import Asked, look
from storage.database.models import Fire, Person, table
from storage.messages.leases import Watch
from storage.messages.outbox import OutboxRow
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.bot.house import ANA

ZONE = "America/Santo_Domingo"
NINE = datetime(2018, 10, 5, 13, tzinfo=UTC)
NOBODY: frozenset[int] = frozenset()


class Wound:
    """A clock that stands where it is put; its monotonic side is moved apart."""

    def __init__(self) -> None:
        self.wall, self.steady = NINE, 0.0

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.steady

    def run(self, **time: float) -> None:
        self.wall += timedelta(**time)
        self.steady += timedelta(**time).total_seconds()


SecondLook = Callable[[UnitOfWork, Sequence[OutboxRow], datetime], Sequence[OutboxRow]]


def claimed(database: Database, now: datetime, second_look: SecondLook) -> dict[int, OutboxRow]:
    """What delivery would send now, by chat."""

    def work(unit: UnitOfWork) -> dict[int, OutboxRow]:
        found = look(unit, now, Asked(60, NOBODY, NOBODY, NOBODY), Watch(), lambda: 0.0, second_look)
        return {row.chat_id: row for row in found.rows if row.kind == "reminder"}

    return database.units.submit(None, work).result()


def ledger(database: Database) -> tuple[str, str]:
    """The last fire of Ana: state and reason."""
    fire, person = table(Fire), table(Person)
    with database.reader() as connection:
        row = connection.execute(
            select(fire.c.state, fire.c.reason)
            .join(person, person.c.id == fire.c.person_id)
            .where(person.c.telegram_id == ANA, fire.c.window == "2018-10-05")
        ).one()
    return row.state, row.reason
