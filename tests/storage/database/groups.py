"""Updates that share a transaction on PostgreSQL, as tests make them."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection

from storage.database import journeys
from storage.database.journeys import Line
from storage.database.unit import Opening
from storage.messages.outbox import OutboxDraft
from storage.open_database import Database
from storage.plan import lists
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE, wait_until

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
BOT = 77
CHATS = range(1, 9)


def update(chat_id: int, number: int | None = None) -> Opening:
    return Opening(chat_id, BOT, chat_id if number is None else number)


def answer(chat_id: int, number: int | None = None) -> Callable[[UnitOfWork], int]:
    """A unit as updates make them: it is new, the chat goes on, something is said, whose number it returns."""

    def work(unit: UnitOfWork) -> int:
        assert unit.inbox.first_sight(BOT, chat_id if number is None else number, NOW, chat_id=chat_id)
        visit = unit.chats.open(chat_id, chat_id)
        card = unit.outbox.new_card(chat_id)
        unit.chats.set(chat_id, turn=visit.chat.turn + 1, card_id=card)
        return unit.outbox.add(OutboxDraft(chat_id, "prompt", "sendMessage", {"text": "?"}, card), now=NOW).id

    return work


def reader(plan_id: int, told: list[str]) -> Callable[[UnitOfWork], None]:
    """A unit that writes down the revision of the plan's lists as it reads it."""

    def read(unit: UnitOfWork) -> None:
        told.append(lists.revision(unit, plan_id))

    return read


@contextlib.contextmanager
def gathered(database: Database) -> Iterator[None]:
    """What is submitted meanwhile is one group. Every thread of groups is held, and only the first one is let go on."""
    entered = threading.Semaphore(0)
    leave = [threading.Event() for _ in range(database.units._writer.groups)]

    def wait(unit: UnitOfWork, until: threading.Event) -> None:
        entered.release()
        until.wait(PATIENCE)

    holding = []
    for each in leave:  # one after the other, or one group would take both
        holding.append(database.units.submit(None, partial(wait, until=each), opening=Opening()))
        assert entered.acquire(timeout=PATIENCE)
    try:
        yield
    finally:
        for until, held in zip(leave, holding, strict=True):
            until.set()
            held.exception(PATIENCE)


def begin_chats(database: Database) -> None:
    """Make the chats: one that is new goes alone."""

    def begin(unit: UnitOfWork) -> None:
        for chat_id in CHATS:
            unit.chats.lock(chat_id)

    database.units.submit(None, begin).result(PATIENCE)


@contextlib.contextmanager
def broken_commits(is_it: Callable[[Line], bool] = bool, *, after: Callable[[], bool] | None = None) -> Iterator[None]:
    """Break the connection of a group that ends: before its writes leave, or `after` its COMMIT has been executed.

    Of the second, the answer is lost.
    """
    finish, commit = journeys.finish, psycopg.Connection.commit
    losing = []

    def finished(connection: Connection) -> None:
        line = journeys.line_of(connection)
        if is_it(line) and any(each.statement.writes for each in line.waiting):
            if after is None:
                _break(line._library)
            else:
                losing.append(line._library)
        finish(connection)

    def committed(self: psycopg.Connection[Any]) -> None:
        if after is None or self.pgconn not in losing:
            commit(self)
            return
        self.pgconn.send_query(b"COMMIT")
        wait_until(after, "what was sent is stored")
        self.pgconn.finish()
        raise psycopg.OperationalError("the answer is lost")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journeys, "finish", finished)
        patch.setattr(psycopg.Connection, "commit", committed)
        yield


def _break(library: Any) -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    os.dup2(ours.fileno(), library.socket)
    ours.close()
