"""The connections of the PostgreSQL of the tests: all of a run share them, and whoever is refused one waits.

The server has a hundred unless told otherwise. A bot opens up to sixteen and keeps most of them until it ends, so six
pairs of replicas are refused some. A bot that is refused one while it starts has failed, and rightly. So whoever starts
bots asks for `room` first.
"""

import contextlib
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, event, text

from tests.deadlines import wait_until

OF_A_BOT: Final = 15
"""How many it has when much is done at once (storage/open_database.py)."""
OF_TESTS: Final = 25
"""How many are left for what tests open themselves, and for the server's own."""
FULL: Final = re.compile("too many (clients|connections)|remaining connection slots")
"""What the server says of 53300; the driver has no code for a connection that was never made."""
QUEUE: Final = 0x656E_6C61_6365_0000
"""The advisory lock of whoever looks for room; one more than that is the first place of a bot, and so on."""

T = TypeVar("T")


def patiently(connect: Callable[[], T]) -> T:
    """Connect as soon as the server has a connection left. Whatever else goes wrong is raised."""

    def connected() -> T | None:
        try:
            return connect()
        except Exception as error:
            if FULL.search(str(error)) is None:
                raise
            return None

    made = wait_until(connected, "the server has a connection left", look_again=0.05)
    assert made is not None
    return made


@event.listens_for(Engine, "do_connect")
def _engines_too(dialect: Any, _: object, given: Any, named: dict[str, Any]) -> Any:
    """Every engine of this process is patient; its children are not: a bot is what it is."""
    return patiently(lambda: dialect.connect(*given, **named)) if dialect.name == "postgresql" else None


@contextlib.contextmanager
def room(server: Engine, bots: int) -> Iterator[None]:
    """Wait until so many bots more have their connections, whoever else runs some, in this run or another.

    All of them are asked for at once, and by one after the other, so that nobody has some and waits for the rest. The
    server gives back what a process had that is gone.
    """
    if not bots:
        yield
        return
    assert not _taken, "a test asks once for all its bots: it would wait for itself"
    with server.connect() as connection:
        places = range(1, 1 + max(2, (_connections(connection) - OF_TESTS) // OF_A_BOT))
        connection.execute(text(f"SELECT pg_advisory_lock({QUEUE})"))
        try:
            for _ in range(bots):
                _taken.append(wait_until(lambda: _take_one(connection, places), "a bot more has room", look_again=0.05))
            connection.execute(text(f"SELECT pg_advisory_unlock({QUEUE})"))
            yield
        finally:
            _taken.clear()  # the locks go with the connection


_taken: list[int] = []


def _connections(connection: Connection) -> int:
    return int(connection.execute(text("SELECT current_setting('max_connections')")).scalar_one())


def _take_one(connection: Connection, places: range) -> int | None:
    """Take a place that nobody has; a lock of one's own would be given once more."""
    lock = text("SELECT pg_try_advisory_lock(:number)")
    free = (place for place in places if place not in _taken)
    return next((one for one in free if connection.execute(lock, {"number": QUEUE + one}).scalar_one()), None)
