"""An update that comes twice is applied once (G2), also by two replicas."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from storage.open_database import Database, open_database
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)


def see(number: int, bot_id: int = 1, **options: Any) -> Callable[[UnitOfWork], bool]:
    return lambda unit: unit.inbox.first_sight(bot_id, number, NOW, **options)


def test_an_update_is_seen_for_the_first_time_once(apply: Any) -> None:
    """And numbers of another bot are other updates."""
    assert [apply(see(7)), apply(see(7)), apply(see(7, bot_id=2)), apply(see(8))] == [True, False, True, True]


def test_two_sightings_in_one_group_are_one(database: Database) -> None:
    """Whether they share a commit or not."""
    futures = [database.units.submit(f"chat {n}", see(7)) for n in range(20)]
    assert sorted(future.result(PATIENCE) for future in futures) == [False] * 19 + [True]


def test_an_update_whose_unit_failed_has_not_been_seen(database: Database, apply: Any) -> None:
    """It will be delivered again, and must be applied then."""

    def see_and_fail(unit: UnitOfWork) -> None:
        assert unit.inbox.first_sight(1, 7, NOW)
        raise KeyError

    with pytest.raises(KeyError):
        apply(see_and_fail)
    assert apply(see(7))


def test_planted_bug_without_the_unique_key_an_update_is_applied_twice(database: Database, apply: Any) -> None:
    """The key of `processed_update` is what G2 rests on: without it the same delivery counts as new."""

    def remove_the_key(unit: UnitOfWork) -> None:
        unit.connection.execute(text("DROP TABLE processed_update"))
        unit.connection.execute(
            text("CREATE TABLE processed_update (bot_id BIGINT, update_id BIGINT, processed_at TIMESTAMP)")
        )

    def put_it_back(unit: UnitOfWork) -> None:
        unit.connection.execute(text("DROP TABLE processed_update"))
        unit.connection.execute(
            text(
                "CREATE TABLE processed_update (bot_id BIGINT NOT NULL, update_id BIGINT NOT NULL, "
                "processed_at TIMESTAMP WITH TIME ZONE NOT NULL, "
                "CONSTRAINT pk_processed_update PRIMARY KEY (bot_id, update_id))"
            )
        )

    apply(remove_the_key)
    assert [apply(see(7)), apply(see(7))] == [True, True]

    apply(put_it_back)
    assert [apply(see(7)), apply(see(7))] == [True, False]


def test_a_poison_update_counts_as_seen_and_keeps_no_content(database: Database, apply: Any) -> None:
    """Its chat goes on; the operator learns the kind and the reason."""
    apply(lambda unit: unit.inbox.set_aside(1, 7, "message", "KeyError", NOW))
    assert apply(see(7)) is False
    with database.view() as unit:
        assert unit.inbox.poisoned(NOW) == 1
        assert unit.inbox.poisoned(NOW + timedelta(seconds=1)) == 0


def test_old_sightings_are_purged_and_young_ones_stay(apply: Any) -> None:
    """Numbers start anywhere after an idle week: what is older than that must not make a new update look old."""
    apply(see(7))
    apply(lambda unit: unit.inbox.first_sight(1, 8, NOW - timedelta(days=8)))
    assert apply(lambda unit: unit.inbox.purge(NOW - timedelta(days=7))) == 1
    assert [apply(see(7)), apply(see(8))] == [False, True]


def test_a_replica_that_sees_the_same_update_waits_and_hears_that_it_is_not_new(
    postgres_database: Database, postgres_url: str
) -> None:
    """Two replicas, one update: one of them applies it."""
    import threading

    holding, leave = threading.Event(), threading.Event()

    def see_slowly(unit: UnitOfWork) -> bool:
        first = unit.inbox.first_sight(1, 7, NOW)
        holding.set()
        leave.wait(PATIENCE)
        return first

    with open_database(postgres_url) as replica:
        slow = postgres_database.units.submit("chat", see_slowly)
        assert holding.wait(PATIENCE)
        other = replica.units.submit("chat", see(7))
        assert not other.done()
        leave.set()
        assert (slow.result(PATIENCE), other.result(PATIENCE)) == (True, False)
