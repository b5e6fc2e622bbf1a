"""The first reads of a group of updates, made together on PostgreSQL (`storage.database.postgres_writer`).

The order matters, because each statement sees the tables as they are when it begins. First the chats are locked, so
that nobody else applies an update of them. Then come the updates that are done already, and what is known of each chat
(G2, G3). Numbers for new rows come last. The outbox is sent in the order of its numbers, so the numbers of a chat must
grow. If they were drawn before the lock, or kept for the next group, another replica could have drawn larger ones
meanwhile.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, Connection, any_, bindparam, func, literal_column, select

from storage.database.models import PLAN_CHANGED, Card, Chat, Fact, OutboxMessage, ProcessedUpdate, Session, table
from storage.database.statements import Prepared
from storage.database.unit import Opened, Opening
from storage.people.chats import visit

PATIENCE: Final = "500ms"
"""How long a group waits for a row that somebody else holds, and all its chats with it. Then its units part."""
NUMBERS_A_UNIT: Final = {table(OutboxMessage).name: 3, table(Card).name: 1, table(Session).name: 1 / 4}
"""How many are drawn for each unit of a group. More are drawn if these do not last."""

_C, _F, _SEEN_UPDATE = table(Chat), table(Fact), table(ProcessedUpdate)
_LOCKING = select(_C.c.id).where(_C.c.id == any_(bindparam("chats", type_=ARRAY(BigInteger)))).order_by(_C.c.id)
_LOCK = Prepared(_LOCKING.with_for_update())
_LOCK_FREE = Prepared(_LOCKING.with_for_update(skip_locked=True))
_HURRY = Prepared(select(func.set_config("lock_timeout", PATIENCE, True)))
_CHANGED = Prepared(select(_F.c.value).where(_F.c.name == literal_column(f"'{PLAN_CHANGED}'")))
_SEEN = Prepared(
    select(_SEEN_UPDATE.c.bot_id, _SEEN_UPDATE.c.update_id).where(
        _SEEN_UPDATE.c.bot_id == any_(bindparam("bots", type_=ARRAY(BigInteger))),
        _SEEN_UPDATE.c.update_id == any_(bindparam("updates", type_=ARRAY(BigInteger))),
    )
)
_DRAW = Prepared(
    select(func.nextval(func.pg_get_serial_sequence(bindparam("of"), "id"))).select_from(
        func.generate_series(1, bindparam("many"))
    )
)


class Numbers:
    """Numbers for the new rows of one group. Those that it does not use are lost."""

    def __init__(self, connection: Connection, drawn: Mapping[str, list[Any]]) -> None:
        self._connection = connection
        self._left = {of: deque(number for (number,) in found) for of, found in drawn.items()}

    def next(self, table: str) -> int:
        left = self._left[table]
        if not left:
            left.extend(number for (number,) in _DRAW.rows(self._connection, {"of": table, "many": 16}))
        return int(left.popleft())


def open_together(
    connection: Connection, openings: Sequence[Opening], *, waits: bool
) -> tuple[object, list[Opened | None]]:
    """Return the last change of a steady table; and what these units begin with, which is locked and read.

    None for a chat that is new, or held by somebody else. With `waits`, for a unit by itself: wait for the chat, draw
    no numbers, and do not ask for the last change.
    """
    chats: dict[int | None, Any] = {
        each.chat_id: visit(each.chat_id, each.chat_id) for each in openings if each.chat_id is not None
    }
    seen = {"bots": [each.bot_id for each in openings], "updates": [each.update_id for each in openings]}
    asked: list[tuple[Prepared, Mapping[str, Any]]] = [
        (_LOCK if waits else _LOCK_FREE, {"chats": [*chats]}),
        (_SEEN, seen),
        *chats.values(),
    ]
    if not waits:
        drawn = [(_DRAW, {"of": of, "many": ceil(each * len(openings))}) for of, each in NUMBERS_A_UNIT.items()]
        asked = [(_HURRY, {}), (_CHANGED, {}), *asked, *drawn]
    answers = Prepared.rows_of_all(connection, asked)
    changed, numbers = None, None
    if not waits:
        numbers = Numbers(connection, dict(zip(NUMBERS_A_UNIT, answers[-len(NUMBERS_A_UNIT) :], strict=True)))
        _, changed, *answers = answers
    locked, are_seen = {id for (id,) in answers[0]}, {tuple(found) for found in answers[1]}
    visits = {chat_id: (*asked_of, rows) for (chat_id, asked_of), rows in zip(chats.items(), answers[2:], strict=False)}
    return changed, [
        Opened(each, (each.bot_id, each.update_id) in are_seen, visits.get(each.chat_id), numbers)
        if each.chat_id is None or each.chat_id in locked
        else None
        for each in openings
    ]
