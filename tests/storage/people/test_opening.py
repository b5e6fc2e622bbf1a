"""What a group of updates begins with on PostgreSQL: who is last in it, and what need not be asked any more."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert

from storage.database.journeys import Line
from storage.database.models import Membership, Plan, table
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE
from tests.storage.database.groups import CHATS, NOW, begin_chats, gathered, update


@pytest.fixture
def database(postgres_database: Database, world_on_postgres: Any) -> Database:
    """Three people of a plan, each with a chat."""
    begin_chats(postgres_database)

    def begin(unit: UnitOfWork) -> None:
        for telegram_id in world_on_postgres.telegram_ids:
            unit.chats.lock(telegram_id)

    postgres_database.units.submit(None, begin).result(PATIENCE)
    return postgres_database


def open_form(database: Database, world: Any, who: int) -> None:
    """This person fills in a form in their chat."""

    def begin(unit: UnitOfWork) -> None:
        session = world.open(unit, f"uuid:{who}", person_id=world.person_ids[who])
        unit.chats.set(world.telegram_ids[who], session_id=session.id)

    database.units.submit(None, begin).result(PATIENCE)


def test_who_will_number_a_receipt_is_the_last_of_the_group(database: Database, world_on_postgres: Any) -> None:
    """The receipts of the plan wait for it until COMMIT. Where a form was sent once it will probably be sent again."""
    world, applied = world_on_postgres, []

    def visit(who: int, then: Callable[[UnitOfWork], object] = lambda unit: None) -> Callable[[UnitOfWork], None]:
        def work(unit: UnitOfWork) -> None:
            unit.chats.open(world.telegram_ids[who], world.telegram_ids[who])
            then(unit)
            applied.append(who)

        return work

    def run(first: int, second: int, number: int, **more: Any) -> list[int]:
        applied.clear()
        with gathered(database):
            futures = [
                database.units.submit(
                    world.telegram_ids[who], visit(who, **more), opening=update(world.telegram_ids[who], number)
                )
                for who in (first, second)
            ]
        for future in futures:
            future.result(PATIENCE)
        return list(applied)

    open_form(database, world, 0)
    assert run(0, 1, 101) == [0, 1]
    assert run(0, 1, 102, then=lambda unit: world.submit(unit, f"uuid:sent by {len(applied)}")) == [0, 1]
    assert run(0, 1, 103) == [1, 0]


def test_the_visits_of_a_group_are_one_question(
    database: Database, world_on_postgres: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each unit begins with what it would find alone: its chat and session, and its person's roles in order."""
    world, sent = world_on_postgres, Counter[str]()
    chats, stranger = [*reversed(world.telegram_ids)], CHATS[0]
    name = Line._named

    def noting(self: Line, sql: str) -> bytes:
        sent[sql] += 1
        return name(self, sql)

    def second_role(unit: UnitOfWork) -> None:
        plan = {"code": "2030", "name": {}, "timezone": "UTC", "imported_at": NOW}
        days = {"starts_on": NOW.date(), "ends_on": NOW.date()}
        plan_id = unit.connection.execute(insert(table(Plan)).values(plan | days).returning(table(Plan).c.id)).scalar()
        second = {"plan_id": plan_id, "role": "observer", "active_from": NOW, "person_id": world.person_ids[0]}
        unit.connection.execute(insert(table(Membership)).values(second))

    def visit(chat_id: int) -> Callable[[UnitOfWork], Any]:
        def work(unit: UnitOfWork) -> Any:
            found = unit.chats.open(chat_id, chat_id)
            return found.chat, found.person, found.memberships, found.membership, found.session

        return work

    open_form(database, world, 1)
    database.units.submit(None, second_role).result(PATIENCE)
    openings = [update(chat_id, 301 + at) for at, chat_id in enumerate([stranger, *chats])]
    with gathered(database):
        futures = [database.units.submit(each.chat_id, visit(each.chat_id or 0), opening=each) for each in openings]
        monkeypatch.setattr(Line, "_named", noting)
    together = [future.result(PATIENCE) for future in futures]
    asked = [times for sql, times in sent.items() if "m_role" in sql]
    monkeypatch.undo()

    assert (database.units.parted, asked) == (0, [1])
    alone = [database.units.submit(None, visit(chat_id)).result(PATIENCE) for chat_id in (stranger, *chats)]
    assert together == alone
    assert [len(roles) for _, _, roles, _, _ in together] == [0, 1, 1, 2]
    assert [chat.id for chat, *_ in together] == [stranger, *chats]
    assert [session is not None for *_, session in together] == [False, False, True, False]


def test_the_drafts_of_somebody_who_fills_in_nothing_are_known(
    database: Database, world_on_postgres: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command that opens a form asks for them. After a write they are asked for, and others' are not known."""
    world = world_on_postgres
    asked: list[str] = []
    ask_all, ask = Line.ask_all, Line.ask

    def together(self: Line, those: Any, **more: Any) -> Any:
        asked.extend(statement.sql for statement, _ in those)
        return ask_all(self, those, **more)

    def alone(self: Line, statement: Any, bound: Any) -> Any:
        asked.append(statement.sql)
        return ask(self, statement, bound)

    def begin(unit: UnitOfWork) -> None:
        world.open(unit, "uuid:left", person_id=world.person_ids[0])

    def work(unit: UnitOfWork) -> None:
        unit.chats.open(world.telegram_ids[0], world.telegram_ids[0])
        drafts = unit.sessions.drafts_of
        with monkeypatch.context() as patch:
            patch.setattr(Line, "ask_all", together)
            patch.setattr(Line, "ask", alone)
            [left] = drafts(world.person_ids[0])
            assert (left.instance_id, asked) == ("uuid:left", [])
            assert drafts(world.person_ids[1]) == []
            assert len(asked) == 1

    def close(unit: UnitOfWork) -> list[Any]:
        left = unit.sessions.by_instance("uuid:left")
        assert left is not None
        unit.sessions.close(left.id, "cancelled")
        return unit.sessions.drafts_of(world.person_ids[0])

    database.units.submit(None, begin).result(PATIENCE)
    chat_id = world.telegram_ids[0]
    with gathered(database):
        known = database.units.submit(chat_id, work, opening=update(chat_id, 201))
    known.result(PATIENCE)
    with gathered(database):
        closed = database.units.submit(chat_id, close, opening=update(chat_id, 202))
    assert closed.result(PATIENCE) == []
