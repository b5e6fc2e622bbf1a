"""PostgreSQL goes away in the middle: what is unavailable is told as that, and the next unit works."""

import contextlib
import socket
import threading
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError

from storage.database.vault import Vault
from storage.errors import Unavailable
from storage.open_database import Database, open_database
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE
from tests.storage.database.units import BOT, NOW, known, learn, update_number


def visited_by(number: int) -> Callable[[UnitOfWork], bool]:
    """What begins an update."""

    def work(unit: UnitOfWork) -> bool:
        return unit.inbox.first_sight(BOT, number, NOW, chat_id=5) and unit.chats.open(5, 5) is not None

    return work


# ------------------------------------------------------------------ PostgreSQL goes away
def backend(unit: UnitOfWork) -> int:
    return int(unit.connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def kill(server: Engine, pid: int) -> None:
    with server.connect() as connection:
        assert connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid}).scalar_one()


@pytest.mark.parametrize("way", ["executed by SQLAlchemy", "prepared", "together"])
def test_a_connection_cut_in_a_unit_is_unavailable_and_the_next_one_works(
    postgres_database: Database, postgres_server: Engine, way: str
) -> None:
    """T7: a restarted server makes no update poison, and leaves nothing half done."""
    gave_up: list[Exception] = []
    ways = {"executed by SQLAlchemy": learn("more"), "prepared": update_number(10), "together": visited_by(10)}
    more = ways[way]

    def cut(unit: UnitOfWork) -> str:
        unit.facts.set("cut", "yes", NOW)
        kill(postgres_server, backend(unit))
        more(unit)
        return "done"

    line = [
        postgres_database.units.submit("chat", cut, tries=1, give_up=lambda unit, e: str(gave_up.append(e))),
        postgres_database.units.submit("chat", learn("behind")),
    ]
    assert isinstance(line[0].exception(PATIENCE), Unavailable)
    assert gave_up == []
    assert postgres_database.units.submit("chat", learn("again")).result(PATIENCE) == "again"
    assert known(postgres_database, "cut", "more", "update 10") == set()


def test_a_commit_of_unknown_outcome_is_unavailable_and_the_redelivery_is_absorbed(
    postgres_database: Database, postgres_server: Engine
) -> None:
    """T7: cut exactly at COMMIT, nothing is acknowledged; whichever way it went, it is applied once."""
    pids: list[int] = []

    def cut(connection: Connection) -> None:
        if pids:
            kill(postgres_server, pids.pop())

    event.listen(postgres_database.engine, "commit", cut)

    def work(unit: UnitOfWork) -> bool:
        pids.append(backend(unit))
        return update_number(9)(unit)

    future = postgres_database.units.submit("chat", work)
    assert isinstance(future.exception(PATIENCE), Unavailable)
    event.remove(postgres_database.engine, "commit", cut)
    assert postgres_database.units.submit("chat", update_number(9)).result(PATIENCE) in (True, False)
    assert known(postgres_database, "update 9") == {"update 9"}


def test_a_unit_that_swallows_a_database_error_is_not_told_success(postgres_database: Database) -> None:
    """PostgreSQL answers COMMIT in a spoilt transaction with ROLLBACK, and no error."""

    def swallow(unit: UnitOfWork) -> str:
        unit.facts.set("kept", "yes", NOW)
        with contextlib.suppress(Exception):
            unit.connection.execute(text("SELECT * FROM nowhere"))
        return "done"

    assert postgres_database.units.submit("chat", swallow).exception(PATIENCE) is not None
    assert known(postgres_database, "kept") == set()


def test_what_is_prepared_outlives_what_is_undone(postgres_database: Database) -> None:
    """A ROLLBACK TO, as psycopg hears it, would have it forget all that the connection had prepared."""

    def work(unit: UnitOfWork, number: int) -> bool:
        for text_ in range(12):  # as often as it takes to be worth preparing
            unit.connection.execute(text("SELECT 1")).all()
            unit.connection.execute(text(f"SELECT {text_}")).all()
        seen = update_number(number)(unit)
        with contextlib.suppress(ValueError), unit.aside():
            raise ValueError
        return seen and update_number(number + 1)(unit) and visited_by(number + 2)(unit)

    units = postgres_database.units
    assert units.submit("chat", lambda unit: work(unit, 10)).result(PATIENCE)
    assert units.submit("chat", lambda unit: work(unit, 20)).result(PATIENCE)


def test_an_error_among_what_is_asked_together_is_the_units(postgres_database: Database) -> None:
    """The server skips what stands behind it; the unit fails as by a statement alone, and the next one works."""

    def work(unit: UnitOfWork) -> bool:
        unit.facts.set("kept", "yes", NOW)
        return unit.inbox.first_sight(BOT, 2**70, NOW, chat_id=5)

    failure = postgres_database.units.submit("chat", work).exception(PATIENCE)
    assert isinstance(failure, DBAPIError)
    assert postgres_database.units.submit("chat", visited_by(11)).result(PATIENCE)
    assert known(postgres_database, "kept") == set()


def test_two_units_in_each_others_way_are_both_applied_without_costing_a_try(postgres_database: Database) -> None:
    """A deadlock is nobody's fault: the one that was sacrificed runs again."""
    units = postgres_database.units
    for name in ("left", "right"):
        units.submit(None, learn(name, "0")).result(PATIENCE)
    meeting = threading.Barrier(2)
    attempts: list[str] = []

    def cross(first: str, second: str) -> Callable[[UnitOfWork], str]:
        def work(unit: UnitOfWork) -> str:
            attempts.append(first)
            unit.facts.set(first, f"by {first}", NOW)
            if len(attempts) <= meeting.parties:  # whoever runs again has nobody to meet
                meeting.wait(PATIENCE)
            unit.facts.set(second, f"by {first}", NOW)
            return first

        return work

    futures = [units.submit("a", cross("left", "right")), units.submit("b", cross("right", "left"))]
    assert [future.result(PATIENCE) for future in futures] == ["left", "right"]
    assert len(attempts) == 3, "there was no deadlock"


def test_a_server_that_is_not_there_is_unavailable(postgres_server: Engine, vault: Vault) -> None:
    """Not an ordinary failure: the updates wait with Telegram."""
    with open_database("postgresql+psycopg://nobody@127.0.0.1:1/nowhere", vault=vault) as database:
        futures = [database.units.submit(f"chat {n}", learn("a")) for n in range(20)]
        assert all(isinstance(future.exception(PATIENCE), Unavailable) for future in futures)


def test_a_server_that_accepts_and_answers_nothing_is_unavailable(postgres_server: Engine, vault: Vault) -> None:
    """A connection that times out is no defect: its updates were counted as failed, and set aside at the fifth."""
    with (
        socket.create_server(("127.0.0.1", 0)) as mute,
        open_database(
            f"postgresql+psycopg://nobody@127.0.0.1:{mute.getsockname()[1]}/nowhere", vault=vault
        ) as database,
    ):
        unit = database.units.submit("chat", learn("a"))
        assert isinstance(unit.exception(PATIENCE), Unavailable)
        with pytest.raises(Unavailable), database.view():
            pass
