"""Two replicas behind a balancer: one is killed, one stands still, one is cut off from the database (T11)."""

import os
import random
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.deadlines import PATIENCE
from tests.faults.balanced import FAULTS, balanced
from tests.faults.deployment import FIRST, Cast, deployed, ports_of, seed_of
from tests.storage.database import scratch

pytestmark = pytest.mark.slow


def test_of_two_replicas_the_other_serves_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    """Whoever reports goes on while one of the two is away, and nothing is said twice when it comes back."""
    outcome = balanced(tmp_path, "postgresql", random.Random(seed_of()), cast=Cast(6, 2))
    assert outcome.violations == []
    assert [outcome.counts[fault] for fault in FAULTS] == [1, 1, 1]


def test_an_acknowledged_update_is_waited_for(tmp_path: Path) -> None:
    """Telegram has forgotten it, and nothing is to be sent yet."""
    with deployed(tmp_path, cast=Cast(1, 1)) as deployment:
        assert not deployment.is_anything_open()
        with deployment.database() as database:
            keep = lambda unit: unit.kept.keep(1, FIRST, [{"update_id": 1}], datetime.now(UTC))  # noqa: E731
            database.units.submit(None, keep).result(PATIENCE)
        assert deployment.is_anything_open()


def test_who_is_cut_off_loses_no_port_but_those_to_the_database() -> None:
    """Another process may have the same port for its connection to the server, and would be cut off instead."""
    with (
        scratch.schema_or_skip() as url,
        scratch.connected(url) as connection,
        socket.create_server(("127.0.0.1", 0)) as elsewhere,
        socket.create_connection(elsewhere.getsockname()) as other,
    ):
        [(to_the_database,)] = connection.execute("SELECT inet_client_port()")
        ports = ports_of(os.getpid())
        assert to_the_database in ports
        assert other.getsockname()[1] not in ports
