"""A server that refuses connections is asked again once in a while, however many updates come meanwhile."""

from collections.abc import Iterator

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError

from storage.database import postgres_writer
from storage.database.engines import parse_url, postgres_engine
from storage.database.failures import reason_of
from storage.database.postgres_writer import KNOCK_EVERY, PostgresWriter
from storage.errors import Unavailable
from storage.open_database import open_database
from tests.deadlines import PATIENCE
from tests.faults.torn import Proxy
from tests.storage.database.units import learn


class Hand:
    """A clock that is wound by hand."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def wire(postgres_url: str) -> Iterator[Proxy]:
    made = Proxy(make_url(postgres_url).port or 5432)
    yield made
    made.close()


def said(writer: PostgresWriter) -> str:
    """Why it has no connection; an empty string if it has one that works."""
    try:
        with writer.connect() as connection:
            connection.execute(text("SELECT 1"))
    except OperationalError as error:
        return reason_of(error)
    return ""


def test_while_it_refuses_it_is_asked_once_a_second_and_all_hear_what_it_said(wire: Proxy, postgres_url: str) -> None:
    """A replica that was cut off tried at each of 160 updates a second. It is back with the next try."""
    clock = Hand()
    engine = postgres_engine(parse_url(wire.url_for(postgres_url)), 2)
    writer = PostgresWriter(engine, lambda *_, **__: (None, []), 64, 2, monotonic=clock)
    wire.go_down()
    first = said(writer)
    assert first
    asked = wire.refused
    for tries in (1, 2):
        assert {said(writer) for _ in range(160)} == {first}
        assert wire.refused == tries * asked
        clock.at += KNOCK_EVERY
        assert said(writer)
    wire.come_back()
    assert said(writer), "not yet"
    clock.at += KNOCK_EVERY
    assert said(writer) == ""
    engine.dispose()


def test_what_is_not_tried_is_unavailable_as_it_would_have_been(
    wire: Proxy, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Telegram hears 503 at once, and brings it again."""
    monkeypatch.setattr(postgres_writer, "KNOCK_EVERY", 3_600.0)
    with open_database(wire.url_for(postgres_url)) as database:
        wire.go_down()
        asked = 0
        for number in range(40):
            failed = database.units.submit(number, learn("never")).exception(PATIENCE)
            assert isinstance(failed, Unavailable)
            asked = asked or wire.refused
        assert wire.refused == asked
