"""Whoever is refused a connection waits, and whoever starts bots waits until there are enough for them."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from tests.deadlines import PATIENCE, wait_until
from tests.storage.database import connections, scratch

ROLE = "enlace_tests_one_connection"


@pytest.fixture
def narrow(postgres_server: Engine) -> Iterator[str]:
    """The address of a server that has one connection and no more: those of this role."""
    with scratch.schema() as url, postgres_server.connect() as connection:
        name = f"{ROLE}_{str(make_url(url).query['options']).rpartition('_')[2]}"
        connection.execute(text(f"CREATE ROLE {name} LOGIN PASSWORD 'one' CONNECTION LIMIT 1"))
        yield make_url(url).set(username=name, password="one").render_as_string(hide_password=False)
        connection.execute(text(f"DROP ROLE {name}"))


def begun(work: Any) -> tuple[threading.Thread, list[Any]]:
    """What goes on beside this, and what it has made."""
    made: list[Any] = []
    thread = threading.Thread(target=lambda: made.append(work()))
    thread.start()
    return thread, made


@pytest.mark.parametrize("way", ["engine", "past it"])
def test_whoever_is_refused_a_connection_has_the_next_that_is_given_back(
    narrow: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six tests at once had more than the server's hundred, and the seventh to ask failed."""
    refused = threading.Event()
    search = connections.FULL.search

    class Noted:
        @staticmethod
        def search(said: str) -> Any:
            found = search(said)
            if found:
                refused.set()
            return found

    monkeypatch.setattr(connections, "FULL", Noted)
    holder = scratch.connected(narrow)
    engine = create_engine(narrow, poolclass=NullPool)
    thread, made = begun(engine.connect if way == "engine" else lambda: scratch.connected(narrow))
    assert refused.wait(PATIENCE)
    assert made == []
    holder.close()
    thread.join(PATIENCE)
    [connection] = made
    assert connection.execute(text("SELECT 1") if way == "engine" else "SELECT 1").fetchone() == (1,)
    connection.close()


def test_whatever_else_keeps_from_connecting_is_told_at_once(narrow: str) -> None:
    nobody = make_url(narrow).set(username="enlace_tests_nobody")
    with pytest.raises(OperationalError, match="enlace_tests_nobody"):
        create_engine(nobody).connect()


def test_a_pair_of_bots_waits_until_both_have_room(postgres_server: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three of four places are somebody else's; one is taken at once, and the pair begins with the next."""
    monkeypatch.setattr(connections, "QUEUE", connections.QUEUE + 1000)  # those who test elsewhere are not in the way
    monkeypatch.setattr(connections, "_connections", lambda _: connections.OF_TESTS + 4 * connections.OF_A_BOT)
    go_on = threading.Event()

    def pair() -> str:
        with connections.room(postgres_server, 2):
            go_on.wait(PATIENCE)
        return "both have had room"

    with postgres_server.connect() as other:

        def taken() -> int:
            key = "(classid::bigint << 32 | objid::bigint)"
            query = f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND {key} BETWEEN :first AND :last"
            given = {"first": connections.QUEUE + 1, "last": connections.QUEUE + 4}
            return int(other.execute(text(query), given).scalar_one())

        for place in (1, 2, 4):
            other.execute(text("SELECT pg_advisory_lock(:number)"), {"number": connections.QUEUE + place})
        thread, made = begun(pair)
        wait_until(lambda: taken() == 4 and len(connections._taken) == 1, "one of the pair has room, and knows it")
        other.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": connections.QUEUE + 2})
        wait_until(lambda: len(connections._taken) == 2, "the other one too")
        with pytest.raises(AssertionError, match="asks once"), connections.room(postgres_server, 1):
            pass
        go_on.set()
        thread.join(PATIENCE)
        assert made == ["both have had room"]
        wait_until(lambda: taken() == 2, "the server takes the places back")
