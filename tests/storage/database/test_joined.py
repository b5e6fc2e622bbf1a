"""New rows of a group that become one INSERT (`storage.database.joined`)."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

import pytest

from storage.database.joined import SIZES, Marks, Write, insert_of, joined, marks, update_of, update_of_values
from storage.database.journeys import Line, counted
from storage.database.unit import Opening
from storage.errors import Conflict
from storage.messages.outbox import OutboxDraft
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE
from tests.storage.database.groups import BOT, CHATS, NOW, answer, begin_chats, gathered, update


class Statement(NamedTuple):
    sql: str
    writes: str
    is_joined: bool
    key: int | None
    value: int | None
    marks: Marks


Written = Write[Statement]


def write(sql: str, number: int = 0, *, tables: str = "a", row: int | None = None, is_joined: bool = True) -> Written:
    """Return a write of the first of these tables; the others are those that it refers to. Its rows are its number."""
    first, *_ = names = tables.split()
    key = None if row is None else 0
    left = marks(sql, first, names, is_row=is_joined)
    return Statement(sql, first, is_joined, key, None, left), () if row is None else (row,), number, None


def add(tables: str, number: int = 0, row: int | None = None) -> Written:
    return write(f"INSERT INTO {tables}", number, tables=tables, row=row)


def change(tables: str, row: int, number: int, sort: str = "") -> Written:
    return write(f"UPDATE {tables} {sort}", number, tables=tables, row=row)


def end(table: str, value: int, number: int, other: str | None = None) -> Written:
    left = marks(table, table, [table], is_row=False)
    return Statement(f"UPDATE {table}", table, False, None, 1, left), (other, value), number, None


def other(tables: str, number: int) -> Written:
    return write(f"DELETE FROM {tables}", number, tables=tables, is_joined=False)


def numbers(given: list[Written]) -> list[list[int]]:
    return [[number for _, _, number, _ in batch] for batch in joined(given)]


@pytest.fixture
def database(postgres_database: Database) -> Database:
    """Of a process that sends, with chats that it has met: new ones would go by themselves."""
    units = postgres_database.units
    units.replica_id = units.submit(None, lambda unit: unit.replicas.add(NOW)).result(PATIENCE)
    begin_chats(postgres_database)
    return postgres_database


def named(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each statement is sent."""
    sent: Counter[str] = Counter()
    name = Line._named

    def noting(self: Line, sql: str) -> bytes:
        sent[sql.removeprefix("WITH done AS (")] += 1
        return name(self, sql)

    monkeypatch.setattr(Line, "_named", noting)
    return sent


def test_rows_of_a_table_go_together_where_the_first_of_them_stood() -> None:
    """Whatever speaks of other tables stays where it is."""
    assert numbers([add("a", 1), add("b", 2), other("c", 3), add("a", 4), add("b", 5)]) == [[1, 4], [2, 5], [3]]


def test_no_row_goes_past_a_write_that_names_its_table() -> None:
    """What such a write finds there must be what it would have found."""
    assert numbers([add("a", 1), other("a other", 2), add("a", 3), add("a", 4)]) == [[1], [2], [3, 4]]
    assert numbers([add("a b", 1), other("b", 2), add("a b", 3)]) == [[1], [2], [3]]


def test_changes_of_different_rows_go_together() -> None:
    """Two kinds of them grow beside each other, and beside new rows."""
    x, y = (partial(change, "a", sort=sort) for sort in "xy")
    assert numbers([x(1, 1), y(2, 2), x(3, 3), y(4, 4)]) == [[1, 3], [2, 4]]
    assert numbers([add("a", 1, 1), x(2, 2), add("a", 3, 3), x(4, 4)]) == [[1, 3], [2, 4]]


def test_no_change_of_a_row_goes_past_another_of_the_same_row() -> None:
    """Not of its own kind either: a statement changes a row once."""
    others = [
        change("a", 1, 1, "x"),
        change("a", 2, 2, "y"),
        change("a", 2, 3, "x"),
        change("a", 3, 4, "y"),
    ]
    assert numbers(others) == [[1], [2, 4], [3]]
    own = [change("a", 1, 1), change("a", 1, 2), change("a", 2, 3)]
    assert numbers(own) == [[1], [2, 3]]


def test_no_change_goes_past_the_row_that_it_changes_or_refers_to() -> None:
    """The row must be there."""
    assert numbers([change("a", 1, 1), add("a", 2, 2), change("a", 2, 3)]) == [[1], [2], [3]]
    assert numbers([change("a b", 1, 1), add("b", 2), change("a b", 2, 3)]) == [[1], [2], [3]]
    assert numbers([add("a b", 1), add("b", 2), add("a b", 3)]) == [[1], [2], [3]]


def test_changes_of_all_rows_that_have_a_value_go_together_past_other_tables_only() -> None:
    """Of these rows nobody knows which they are."""
    assert numbers([end("a", 1, 1), end("b", 1, 2), add("c", 3), end("a", 2, 4)]) == [[1, 4], [2], [3]]
    for between in (change("a", 9, 2), add("a", 2), other("c a", 2), end("a", 2, 2, other="else")):
        assert numbers([end("a", 1, 1), between, end("a", 3, 3)]) == [[1], [2], [3]]


def test_nothing_goes_past_a_change_of_all_rows_that_have_a_value() -> None:
    for made in (change("a", 1, 1), add("a", 1, 1), change("b a", 1, 1)):
        assert numbers([made, end("a", 1, 2), (*made[:2], 3, None)]) == [[1], [2], [3]]


def test_an_update_of_many_rows_looks_each_of_them_up_by_its_key() -> None:
    sql = "UPDATE t SET a=$1::BYTEA, b=(t.b + $2::TIMESTAMP WITH TIME ZONE) WHERE t.id = $3::BIGINT AND t.b = 'open'"
    assert update_of(sql, 1, 2) == sql
    assert update_of(sql, 2, 2) == (
        "UPDATE t SET a=many.p1, b=(t.b + many.p2) FROM (VALUES"
        " ($1::BYTEA, $2::TIMESTAMP WITH TIME ZONE, $3::BIGINT),"
        " ($4::BYTEA, $5::TIMESTAMP WITH TIME ZONE, $6::BIGINT)) AS many (p1, p2, p3)"
        " WHERE t.id = many.p3 AND t.b = 'open' AND t.id = ANY (ARRAY[$3::BIGINT, $6::BIGINT])"
    )


def test_an_update_of_rows_with_many_values_has_an_array_of_them() -> None:
    sql = "UPDATE t SET a=$1::BIGINT, b=$2::BIGINT WHERE t.c = $3::BIGINT AND t.d = 'open'"
    assert update_of_values(sql, 2) == sql.replace("= $3::BIGINT", "= ANY ($3::BIGINT[])")


def test_there_are_few_sizes_of_a_statement() -> None:
    """Each is prepared on each connection. An array has any size."""
    sizes = {len(batch) for rows in range(1, 70) for batch in joined([add("a")] * rows)}
    assert sizes == set(SIZES)
    assert all(sum(map(len, joined([add("a")] * rows))) == rows for rows in range(70))
    assert [len(batch) for batch in joined([end("a", 1, 1)] * 69)] == [69]


def test_an_insert_of_many_rows_numbers_its_parameters_on() -> None:
    sql = "INSERT INTO t (a, b) VALUES ($1::NUMERIC(3, 1), $2) ON CONFLICT DO NOTHING RETURNING (t.a)"
    assert insert_of(sql, 1) == sql
    assert insert_of(sql, 2) == (
        "INSERT INTO t (a, b) VALUES ($1::NUMERIC(3, 1), $2), ($3::NUMERIC(3, 1), $4)"
        " ON CONFLICT DO NOTHING RETURNING (t.a)"
    )


def test_a_statement_that_must_change_so_many_rows_fails_otherwise() -> None:
    """A plain INSERT does so by itself."""
    assert counted("INSERT INTO t (a) VALUES ($1), ($2) ON CONFLICT DO NOTHING", 2) == (
        "INSERT INTO t (a) VALUES ($1), ($2)"
    )
    for sql in ("UPDATE t SET a=$1", "INSERT INTO t (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET b=1"):
        asked = counted(sql, 3)
        assert asked == f"WITH done AS ({sql} RETURNING 1) SELECT 1 / (count(*) = 3)::INTEGER FROM done"


def test_a_group_asks_as_little_as_one_of_its_units(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight chats: their updates, cards and messages are a statement each, and each row is its own unit's."""
    with gathered(database):
        futures = {chat: database.units.submit(chat, answer(chat), opening=update(chat)) for chat in CHATS}
        sent = named(monkeypatch)
    numbers = {chat: future.result(PATIENCE) for chat, future in futures.items()}

    inserts = Counter(sql.split()[2] for sql, times in sent.items() if sql.startswith("INSERT") for _ in range(times))
    assert inserts == {"processed_update": 1, "card": 1, "outbox": 1}
    with database.view() as unit:
        replies = {reply.chat_id: reply.id for reply in unit.outbox.open_replies()}
        assert replies == numbers
        assert all(unit.inbox.has_seen(BOT, chat) for chat in CHATS)


def test_a_sealed_row_and_an_open_one_are_one_statement(database: Database) -> None:
    """Bytes travel in another format than nothing does."""

    def say(chat: int) -> Any:
        draft = OutboxDraft(chat, "prompt", "sendMessage", {"text": f"hola {chat}"}, sensitive=chat % 2 == 0)
        return lambda unit: unit.outbox.add(draft, now=NOW).id

    with gathered(database):
        futures = [database.units.submit(chat, say(chat), opening=update(chat)) for chat in CHATS]
    ids = [future.result(PATIENCE) for future in futures]
    assert database.units.parted == 0
    taken = database.units.submit(None, lambda unit: unit.outbox.take_in_hand(ids, NOW)).result(PATIENCE)
    assert {row.chat_id: row.payload["text"] for row in taken} == {chat: f"hola {chat}" for chat in CHATS}


def test_notes_of_what_is_restricted_are_a_statement_each(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card that is shown twice, or a message that is deleted at once, does not make the group part."""

    def show(chat: int) -> Callable[[UnitOfWork], None]:
        def work(unit: UnitOfWork) -> None:
            card = unit.outbox.new_card(chat)
            unit.restricted.note_card(chat, card, NOW)
            unit.restricted.note_card(chat, card, NOW)
            unit.restricted.note_written(chat, 10 * chat, NOW)
            unit.restricted.note_written(chat, 10 * chat, NOW)
            if chat == 8:
                unit.restricted.note_written(chat, 10 * chat, NOW, outbox_id=5)

        return work

    with gathered(database):
        futures = [database.units.submit(chat, show(chat), opening=update(chat)) for chat in CHATS]
        sent = named(monkeypatch)
    for future in futures:
        future.result(PATIENCE)

    assert database.units.parted == 0
    notes = [times for sql, times in sent.items() if sql.startswith("INSERT INTO restricted_message")]
    assert sum(notes) == 3, "cards, messages, and the one that leaves"
    due = database.units.submit(None, lambda unit: unit.restricted.due(NOW + timedelta(days=1))).result(PATIENCE)
    assert sum(len(deletion.rows) for deletion in due) == 2 * len(CHATS) - 1


def test_a_group_saves_all_its_sessions_at_once(
    world_on_postgres: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sealed or not, each in its own version, and what their chats show. A new session is there before its chat."""
    world = world_on_postgres

    def begin(chat: int) -> Callable[[UnitOfWork], Any]:
        def work(unit: UnitOfWork) -> Any:
            session = world.open(unit, f"uuid:{chat}", sensitive=chat % 2 == 0)
            unit.chats.set(chat, session_id=session.id)
            return session

        return work

    def go_on(chat: int, session: Any) -> Callable[[UnitOfWork], Any]:
        def work(unit: UnitOfWork) -> Any:
            unit.chats.set(chat, card_id=100 + chat)
            once = unit.sessions.save(session, NOW, data={"answer": chat})
            return unit.sessions.save(once, NOW, data={"answer": -chat}) if chat == 5 else once

        return work

    with gathered(database):
        begun = [database.units.submit(chat, begin(chat), opening=update(chat)) for chat in CHATS]
    sessions = {chat: future.result(PATIENCE) for chat, future in zip(CHATS, begun, strict=True)}
    with gathered(database):
        work = {chat: go_on(chat, session) for chat, session in sessions.items()}
        saved = [database.units.submit(chat, work[chat], opening=update(chat, 100 + chat)) for chat in CHATS]
        sent = named(monkeypatch)
    expected = [future.result(PATIENCE) for future in saved]

    assert database.units.parted == 0
    assert sum(times for sql, times in sent.items() if sql.startswith("UPDATE chat")) == 1
    assert sum(times for sql, times in sent.items() if sql.startswith("UPDATE session")) == 3, "4 and 1; 4"
    with database.view() as unit:
        assert [unit.sessions.get(session.id) for session in expected] == expected
        chats = [unit.chats.get(chat) for chat in CHATS]
    shown = [(chat.id, chat.card_id, chat.session_id) for chat in chats if chat is not None]
    assert shown == [(chat, 100 + chat, sessions[chat].id) for chat in CHATS]


def test_a_session_that_somebody_else_has_saved_undoes_only_its_own_unit(
    world_on_postgres: Any, database: Database
) -> None:
    """The others of the statement are saved when each unit is applied by itself."""
    world = world_on_postgres

    def begin(unit: UnitOfWork) -> list[Any]:
        return [world.open(unit, f"uuid:{chat}") for chat in CHATS]

    def meanwhile(unit: UnitOfWork) -> Any:
        return unit.sessions.save(sessions[4], NOW)

    def save(session: Any) -> Callable[[UnitOfWork], Any]:
        return lambda unit: unit.sessions.save(session, NOW)

    sessions = database.units.submit(None, begin).result(PATIENCE)
    database.units.submit(None, meanwhile).result(PATIENCE)
    with gathered(database):
        futures = [
            database.units.submit(chat, save(session), opening=update(chat))
            for chat, session in zip(CHATS, sessions, strict=True)
        ]
    failed = [future.exception(PATIENCE) for future in futures]

    assert database.units.parted == 1
    assert [type(error) for error in failed if error is not None] == [Conflict]
    assert failed[4] is not None
    with database.view() as unit:
        assert {unit.sessions.get(session.id).version for session in sessions} == {2}


def test_each_row_hears_what_was_found_about_it(database: Database) -> None:
    """Of one statement for eight chats, only the reply behind one that waits is told so."""
    waits = OutboxDraft(3, "notice", "sendMessage", {"text": "1"}, not_before=NOW.replace(hour=20))
    database.units.submit(None, lambda unit: unit.outbox.add(waits, now=NOW)).result(PATIENCE)

    def say(chat: int) -> Any:
        return lambda unit: unit.outbox.add(OutboxDraft(chat, "notice", "sendMessage", {"text": "2"}), now=NOW)

    with gathered(database):
        futures = [database.units.submit(chat, say(chat), opening=update(chat)) for chat in CHATS]
    assert [row.chat_id for future in futures if (row := future.result(PATIENCE)).is_behind] == [3]
    assert database.units.parted == 0


def test_a_reply_behind_a_queued_one_of_its_unit_knows_it(database: Database) -> None:
    """Two rows of one statement do not see each other, so a row that must wait is a statement of its own."""

    def say(unit: UnitOfWork) -> list[Any]:
        first = OutboxDraft(1, "notice", "sendMessage", {"text": "1"}, not_before=NOW.replace(hour=20))
        rest = OutboxDraft(1, "notice", "sendMessage", {"text": "2"})
        return [unit.outbox.add(each, now=NOW) for each in (first, rest, rest)]

    rows = database.units.submit(1, say, opening=update(1)).result(PATIENCE)
    assert [row.is_behind for row in rows] == [False, True, True]


def test_an_update_that_was_seen_meanwhile_undoes_only_its_own_unit(database: Database) -> None:
    """The rows are counted together. If one is missing, the group is given up and each unit is applied by itself."""
    seen = database.units.submit(None, lambda unit: unit.inbox.first_sight(BOT, 5, NOW)).result(PATIENCE)

    def sight(chat: int) -> Any:
        return lambda unit: unit.inbox.first_sight(BOT, chat, NOW, chat_id=chat)

    with gathered(database):
        openings = [update(chat) if chat != 5 else Opening(5, BOT, 999) for chat in CHATS]
        futures = [database.units.submit(each.chat_id, sight(each.chat_id or 0), opening=each) for each in openings]
    assert seen
    assert database.units.parted == 1
    assert [future.result(PATIENCE) for future in futures] == [chat != 5 for chat in CHATS]


def first_words(sent: Counter[str]) -> Counter[str]:
    return Counter(" ".join(sql.split()[:3]) for sql in sent.elements())


def begin(world: Any, chat: int) -> Callable[[UnitOfWork], Any]:
    """A unit that begins a form in this chat; the form is restricted."""

    def work(unit: UnitOfWork) -> Any:
        session = world.open(unit, f"uuid:{chat}", sensitive=True)
        unit.chats.set(chat, session_id=session.id)
        unit.restricted.note_written(chat, 10 * chat, NOW, session_id=session.id)
        return session

    return work


def test_receipts_of_a_group_are_a_statement_of_each_table(
    world_on_postgres: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So are the forms that are begun in it. Each receipt is that of its own form, which leaves its own chat."""
    world = world_on_postgres

    def send(chat: int, session: Any) -> Callable[[UnitOfWork], Any]:
        def work(unit: UnitOfWork) -> Any:
            sent = world.submit(unit, session.instance_id, may_have_files=False, answers={"/data/chat": str(chat)})
            assert unit.sessions.close(session.id, "cancelled" if chat == 8 else "submitted")
            return sent

        return work

    written = named(monkeypatch)
    with gathered(database):
        begun = [database.units.submit(chat, begin(world, chat), opening=update(chat)) for chat in CHATS]
    drafts = {chat: future.result(PATIENCE) for chat, future in zip(CHATS, begun, strict=True)}
    assert first_words(written)["INSERT INTO session"] == 3, "3; 4 and 1 when more numbers were drawn"
    assert database.units.submit(None, lambda unit: unit.restricted.due(NOW)).result(PATIENCE) == []
    written.clear()
    with gathered(database):
        work = {chat: send(chat, session) for chat, session in drafts.items()}
        futures = [database.units.submit(chat, work[chat], opening=update(chat, 100 + chat)) for chat in CHATS]
    receipts = [future.result(PATIENCE) for future in futures]

    assert database.units.parted == 0
    assert first_words(written)["INSERT INTO submission"] == 1
    assert first_words(written)["UPDATE session SET"] == 2, "as submitted, and as cancelled"
    assert first_words(written)["UPDATE chat SET"] == first_words(written)["UPDATE restricted_message SET"] == 1
    assert [each.receipt_number for each in receipts] == [*CHATS]
    with database.view() as unit:
        for chat, receipt in zip(CHATS, receipts, strict=True):
            assert unit.submissions.by_instance(f"uuid:{chat}") == receipt
            assert unit.submissions.answers(receipt) == {"/data/chat": str(chat)}
            assert unit.sessions.get(drafts[chat].id).state == ("cancelled" if chat == 8 else "submitted")
            stored = unit.chats.get(chat)
            assert stored is not None
            assert stored.session_id is None
    due = database.units.submit(None, lambda unit: unit.restricted.due(NOW)).result(PATIENCE)
    assert [deletion.chat_id for deletion in due] == [*CHATS]


def test_a_form_that_somebody_else_has_ended_undoes_only_its_own_unit(
    world_on_postgres: Any, database: Database
) -> None:
    """The other forms are ended when each unit is applied by itself."""

    def end_it(session: Any) -> Callable[[UnitOfWork], bool]:
        return lambda unit: unit.sessions.close(session.id, "submitted")

    with gathered(database):
        begun = [database.units.submit(chat, begin(world_on_postgres, chat), opening=update(chat)) for chat in CHATS]
    drafts = [future.result(PATIENCE) for future in begun]
    database.units.submit(None, lambda unit: unit.sessions.close(drafts[3].id, "cancelled")).result(PATIENCE)
    with gathered(database):
        futures = [
            database.units.submit(chat, end_it(session), opening=update(chat, 100 + chat))
            for chat, session in zip(CHATS, drafts, strict=True)
        ]
    ended = [future.result(PATIENCE) for future in futures]

    assert ended == [True, True, True, False, True, True, True, True]
    assert database.units.parted == 1


def test_a_form_may_be_begun_about_what_another_one_was_ended_about(world_on_postgres: Any, database: Database) -> None:
    """In one group: the end comes first, although another form was begun before it."""
    world = world_on_postgres
    about = {"subject": "activity:PRE-101", "reporting_period_id": world.period_ids[0]}
    old = database.units.submit(None, lambda unit: world.open(unit, "uuid:old", **about)).result(PATIENCE)

    def again(unit: UnitOfWork) -> None:
        unit.sessions.close(old.id, "cancelled")
        world.open(unit, "uuid:new", **about)

    with gathered(database):
        first = database.units.submit(1, begin(world, 1), opening=update(1))
        second = database.units.submit(2, again, opening=update(2))
    first.result(PATIENCE)
    second.result(PATIENCE)

    assert database.units.parted == 0


def test_a_correction_is_begun_when_what_it_corrects_is_there(world_on_postgres: Any, database: Database) -> None:
    """In one group, and although another form was begun and saved before both. It is saved when it is there itself."""
    world = world_on_postgres
    sent: list[Any] = []

    def send(unit: UnitOfWork) -> None:
        sent.append(world.submit(unit, f"uuid:sent-{len(sent)}", may_have_files=False))

    def send_first(unit: UnitOfWork) -> None:
        """Lock the plan, so that the next receipt asks nothing; and ask for something, so that this one is written."""
        send(unit)
        unit.chats.get(1)

    def fill_in(instance_id: str) -> Callable[[UnitOfWork], None]:
        def work(unit: UnitOfWork) -> None:
            supersedes_id = sent[-1].id if len(sent) > 1 else None
            unit.sessions.save(world.open(unit, instance_id, supersedes_id=supersedes_id), NOW)

        return work

    works = [send_first, fill_in("uuid:form"), send, fill_in("uuid:correction")]
    works += [lambda unit: None] * 4  # so that numbers are drawn for two forms
    with gathered(database):
        futures = [database.units.submit(chat, work, opening=update(chat)) for chat, work in enumerate(works, 1)]
    for future in futures:
        future.result(PATIENCE)

    assert database.units.parted == 0
