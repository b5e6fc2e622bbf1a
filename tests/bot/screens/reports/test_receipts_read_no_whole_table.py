"""What groups of updates read on PostgreSQL while its tables are young: each row by an index, and by a plan that stays.

The server decides it by itself, and decides otherwise when there are more rows. So it is asked what it has done.
"""

import itertools
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from bot.open_storage import open_storage
from bot.telegram.handled import Handled
from bot.telegram.in_hand import Note, write
from storage.database import journeys
from storage.database.models import (
    Card,
    Chat,
    OutboxMessage,
    ProcessedUpdate,
    RestrictedMessage,
    Session,
    Submission,
    table,
)
from storage.database.postgres_writer import PostgresWriter
from storage.database.unit import Opening
from storage.messages.outbox import Sent
from storage.people.opening import PATIENCE as PATIENCE_OF_A_GROUP
from tests.bot.desk import BOT, Desk, buttons, press, tap, text_of
from tests.bot.house import ANA, LUIS, furnish, settings_in
from tests.deadlines import PATIENCE
from tests.storage.database import scratch

MODELS = (Card, Chat, OutboxMessage, ProcessedUpdate, RestrictedMessage, Session, Submission)
GROWING = {table(model).name for model in MODELS}
_IS_GROUP = text("SELECT current_setting('lock_timeout') = :patience")
# Of this connection alone: what it has not told the server's statistics yet, and its last transaction is not told.
_READ_AS_A_WHOLE = text("SELECT relname, seq_scan FROM pg_stat_xact_user_tables WHERE seq_scan > 0")
_PLANNED_ANEW = text("SELECT statement, custom_plans FROM pg_prepared_statements WHERE custom_plans > 0")


class DeskInGroups(Desk):
    """Each update is a group of one, and so is the record of what it says: it is sent, and arrives."""

    messages = itertools.count(1_000)

    def give(self, **update: Any) -> Handled:
        self.update_id += 1
        who = next(iter(update.values()))["from"]["id"]
        work = partial(self._handle, raw={"update_id": self.update_id, **update})
        opening = Opening(who, BOT, self.update_id)
        handled: Handled = self.database.units.submit(who, work, opening=opening).result(PATIENCE)
        record = partial(write, notes=[*self._notes(handled)], reopens_at=None, now=self.now)
        self.database.units.submit(None, record, opening=Opening()).result(PATIENCE)
        return handled

    def _notes(self, handled: Handled) -> Iterator[Note]:
        for row in handled.deliveries:
            number = next(self.messages) if row.method == "sendMessage" else None
            yield Note(row, Sent(number), number if row.card_id is not None else None, at=self.now)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DeskInGroups]:
    with scratch.schema_or_skip() as url:
        furnish(tmp_path, url)
        with open_storage(settings_in(tmp_path, database_url=url)) as database:
            yield DeskInGroups(database)


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What groups have done by now: the tables that one read as a whole, the statements that one planned anew."""
    found: Counter[str] = Counter()
    finish, connected = PostgresWriter.finish, PostgresWriter._connected

    def counted(connection: Connection) -> Counter[str]:
        rows = [row for question in (_READ_AS_A_WHOLE, _PLANNED_ANEW) for row in connection.execute(question)]
        return Counter(dict(map(tuple, rows)))

    def beginning(self: PostgresWriter) -> Connection:
        connection = connected(self)
        connection.info["before"] = counted(connection)  # others have had the connection before this group
        connection.rollback()
        return connection

    def asking(self: PostgresWriter, connection: Connection) -> None:
        journeys.write_what_waits(connection)
        if connection.execute(_IS_GROUP, {"patience": PATIENCE_OF_A_GROUP}).scalar_one():
            found["groups"] += 1
            found.update(list(counted(connection) - connection.info["before"]))
        finish(self, connection)

    monkeypatch.setattr(PostgresWriter, "_connected", beginning)
    monkeypatch.setattr(PostgresWriter, "finish", asking)
    return found


def test_no_group_reads_a_growing_table_as_a_whole_or_plans_a_statement_twice(
    desk: DeskInGroups, done: Counter[str]
) -> None:
    """From the command to the receipt, and what becomes of its messages. Such a plan would be kept while they grow."""
    for who, code in ((ANA, "PRE-101"), (LUIS, "ASI-201")):
        press(desk, who, tap(desk, who, "reportar", f"a.{code}.201809"), "Igual que el reporte anterior")
        review = buttons(desk.say(who, "Seguir con la pauta"), who)
        receipt = desk.tap(who, next(data for words, data in review.items() if "Enviar ahora" in words))
        assert "Recibo n.º" in text_of(receipt, who)

    assert desk.database.units.parted == 0
    assert done.pop("groups") > 10
    assert [what for what in done if what in GROWING or " " in what] == []
