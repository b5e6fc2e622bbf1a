"""Statements that are compiled once give what SQLAlchemy's own way of executing them gives."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import ARRAY, BigInteger, DateTime, bindparam, insert, select
from sqlalchemy.dialects import sqlite

from storage.database.models import Chat, OutboxMessage, Session, UtcDateTime, table
from storage.database.statements import Prepared
from tests.deadlines import PATIENCE

NOW = datetime(2018, 10, 3, 8, 0, 0, 17, tzinfo=timezone(timedelta(hours=-4)))
_O, _S, _C = table(OutboxMessage), table(Session), table(Chat)

ROW: dict[str, Any] = {
    "chat_id": 501,
    "kind": "prompt",
    "method": "sendMessage",
    "card_id": None,
    "state": "queued",
    "sensitive": True,
    "payload": None,
    "sealed_payload": b"\x00\xffsealed",
    "attempts": 0,
    "doubts": 0,
    "lease_until": None,
    "not_before": None,
    "created_at": NOW,
    "settled_at": None,
    "error": "ñ",
}


def test_what_is_written_and_read_is_the_same_either_way(apply: Any) -> None:
    """Instants, booleans, bytes and nothing at all, on both databases."""
    adding, reading = insert(_O).returning(_O.c.id), select(_O).where(_O.c.id == bindparam("number"))

    def work(unit: Any) -> list[Any]:
        one = Prepared(adding).first(unit.connection, ROW)[0]
        two = unit.connection.execute(adding, ROW).scalar_one()
        prepared = Prepared(reading)
        return [
            *(list(prepared.first(unit.connection, {"number": number}))[1:] for number in (one, two)),
            *(list(unit.connection.execute(reading, {"number": number}).one())[1:] for number in (one, two)),
        ]

    first, *others = apply(work)
    assert all(other == first for other in others)
    assert NOW.astimezone(UTC) in first
    assert True in first


@pytest.mark.parametrize("microsecond", [0, 17])
def test_sqlite_stores_an_instant_as_sqlalchemy_would(microsecond: int) -> None:
    """It compares them as texts, and there are some that were written before."""
    instant = datetime(2018, 10, 3, 12, 0, 5, microsecond, tzinfo=UTC)
    dialect = sqlite.dialect()
    ours, theirs = (kind.dialect_impl(dialect).bind_processor(dialect) for kind in (UtcDateTime(), DateTime()))
    assert ours is not None
    assert theirs is not None
    assert ours(instant) == theirs(instant.replace(tzinfo=None))


def test_an_hour_that_a_clock_shows_twice_is_two_instants(apply: Any) -> None:
    """Equal for Python, since one zone's wall times are compared; not the same in the database."""
    first = datetime(2018, 11, 4, 1, 30, tzinfo=ZoneInfo("America/Port-au-Prince"))
    second = first.replace(fold=1)
    assert first == second
    adding = Prepared(insert(_O).returning(_O.c.created_at))

    def work(unit: Any) -> list[datetime]:
        return [adding.first(unit.connection, ROW | {"created_at": at})[0] for at in (first, second, first)]

    utc = [datetime(2018, 11, 4, hour, 30, tzinfo=UTC) for hour in (5, 6, 5)]
    assert apply(work) == utc


def test_constants_and_counts_are_kept(apply: Any) -> None:
    """A literal in the statement is bound each time; who changes nothing hears zero."""
    free = Prepared(_C.update().where(_C.c.id == bindparam("chat")).values(session_id=None, turn=7))

    def work(unit: Any) -> tuple[int, int, Any]:
        unit.chats.open(9, 9)
        return (
            free.count(unit.connection, {"chat": 9}),
            free.count(unit.connection, {"chat": 10}),
            unit.chats.get(9).turn,
        )

    assert apply(work) == (1, 0, 7)


def test_one_statement_changes_many_rows_with_values_of_their_own(apply: Any) -> None:
    """Constants are the same for each, what is given is each row's."""
    turned = Prepared(_C.update().where(_C.c.id == bindparam("chat")).values(turn=bindparam("told"), awaits="word"))

    def work(unit: Any) -> list[tuple[int, str]]:
        for chat in (7, 8, 9):
            unit.chats.open(chat, chat)
        turned.each(unit.connection, [{"chat": 7, "told": 1}, {"chat": 9, "told": 3}])
        return [(found.turn, found.awaits) for found in map(unit.chats.get, (7, 8, 9))]

    assert apply(work) == [(1, "word"), (0, ""), (3, "word")]


def test_a_list_cannot_be_prepared(sqlite_database: Any) -> None:
    """Its SQL differs with the number of values."""
    several = Prepared(select(_S.c.id).where(_S.c.state.in_(("open", "expired"))))
    units = sqlite_database.units
    with pytest.raises(ValueError, match="IN of a list"):
        units.submit(None, lambda unit: several.rows(unit.connection, {})).result(PATIENCE)


def test_a_list_is_one_value_on_postgres(postgres_database: Any) -> None:
    """Numbers, some of them missing, and instants with their microseconds; an empty list is no NULL."""
    numbers, instants = ARRAY(BigInteger), ARRAY(DateTime(timezone=True))
    same = Prepared(select(bindparam("many", type_=numbers), bindparam("times", type_=instants)))
    given = [
        {"many": [3, None, -(2**62)], "times": [NOW, NOW + timedelta(microseconds=1)]},
        {"many": [], "times": []},
    ]
    units = postgres_database.units
    found = [units.submit(None, lambda unit, each=each: same.first(unit.connection, each)) for each in given]
    assert [[*each.result(PATIENCE)] for each in found] == [[each["many"], each["times"]] for each in given]
