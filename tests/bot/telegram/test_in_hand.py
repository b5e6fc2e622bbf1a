"""Who has a document in hand: for as long as a message until its upload begins, and for as long as an upload then."""

from datetime import UTC, datetime, timedelta

from bot.telegram.in_hand import Asked, lease_of_call, look
from bot.telegram.lanes import Held
from storage.messages.leases import Watch
from storage.messages.outbox import LEASE, UPLOAD_LEASE, OutboxDraft, OutboxRow
from storage.open_database import Database
from tests.bot.telegram.wire import ANA
from tests.deadlines import PATIENCE

NOW = datetime(2018, 10, 3, 12, tzinfo=UTC)


def claimed(database: Database, watch: Watch, after: timedelta = timedelta(0)) -> list[OutboxRow]:
    """What is claimed so long after the beginning, which somebody watches."""
    asked, steady = Asked(9, frozenset(), frozenset(), frozenset()), after.total_seconds
    return list(
        database.units.submit(None, lambda unit: look(unit, NOW + after, asked, watch, steady)).result(PATIENCE).rows
    )


def begun(database: Database, row: OutboxRow, now: datetime) -> bool:
    return database.units.submit(None, lambda unit: unit.outbox.begin(row, now + lease_of_call(row))).result(PATIENCE)


def test_one_that_was_not_begun_is_another_replicas_as_soon_as_a_message(database: Database) -> None:
    """It waited ten minutes for a replica that stood still, though nothing of it had been on its way."""
    document = OutboxDraft(ANA, "export", "sendDocument", {"caption": "Listo"})
    database.units.submit(None, lambda unit: unit.outbox.add(document, now=NOW)).result(PATIENCE)
    watch = Watch()
    [first] = claimed(database, watch)
    assert claimed(database, watch) == []
    [second] = claimed(database, watch, LEASE)

    assert not begun(database, first, NOW + LEASE)
    assert begun(database, second, NOW + LEASE)


def test_one_that_was_begun_is_in_doubt_only_when_its_upload_has_certainly_ended(database: Database) -> None:
    """A slow line takes minutes, and nobody else sends it meanwhile, or says that it may not have arrived."""
    document = OutboxDraft(ANA, "export", "sendDocument", {"caption": "Listo"})
    database.units.submit(None, lambda unit: unit.outbox.add(document, now=NOW)).result(PATIENCE)
    watch = Watch()
    [row] = claimed(database, watch)
    assert begun(database, row, NOW)

    states = []
    for later in (timedelta(0), LEASE, UPLOAD_LEASE - timedelta(seconds=1), UPLOAD_LEASE):
        assert claimed(database, watch, later) == []
        found = database.units.submit(None, lambda unit: unit.outbox.states([row.id])).result(PATIENCE)
        states.append(found[row.id][0])
    assert states == ["sending", "sending", "sending", "ambiguous"]


def test_no_upload_begins_that_could_outlast_its_lease() -> None:
    """Its margin is that of an upload once it is begun. Before, it has none: it gets a lease with its call."""
    row = OutboxRow(1, ANA, "export", "sendDocument", {}, None, False, 1, NOW)
    held = Held(row, LEASE.total_seconds())
    assert held.has_time(LEASE.total_seconds())

    held.begins(UPLOAD_LEASE.total_seconds())
    assert held.has_time(30)
    assert not held.has_time(61)
