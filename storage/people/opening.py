"""The first reads of a group of updates, made together on PostgreSQL (`storage.database.postgres_writer`).

The order matters, because each statement sees the tables as they are when it begins. First the chats are locked, so
that nobody else applies an update of them. Then come the updates that are done already, and what is known of each chat
(G2, G3). Numbers for new rows come last. The outbox is sent in the order of its numbers, so the numbers of a chat must
grow. If they were drawn before the lock, or kept for the next group, another replica could have drawn larger ones
meanwhile.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from math import ceil
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, Connection, any_, bindparam, literal_column, select

from storage.database.ahead import Known
from storage.database.journeys import line_of
from storage.database.models import (
    PLAN_CHANGED,
    Card,
    Chat,
    Fact,
    KeptUpdate,
    OutboxMessage,
    ProcessedUpdate,
    Session,
    table,
)
from storage.database.numbers import Numbers, draw
from storage.database.statements import Prepared
from storage.database.unit import Opened, Opening
from storage.people.chats import known_visits, visits
from storage.reports.sessions import idle_drafts, known_drafts

PATIENCE: Final = "500ms"
"""How long a group waits for a row that somebody else holds, and all its chats with it. Then its units part."""
NUMBERS_A_UNIT: Final = {table(OutboxMessage).name: 2, table(Card).name: 1, table(Session).name: 1 / 4}
"""How many are drawn for each unit of a group, and once more for all of it. More are drawn if these do not last."""

MOST_PLACES: Final = 1_000

_C, _F, _K, _SEEN_UPDATE = table(Chat), table(Fact), table(KeptUpdate), table(ProcessedUpdate)
_LOCKING = select(_C.c.id).where(_C.c.id == any_(bindparam("chats", type_=ARRAY(BigInteger)))).order_by(_C.c.id)
_LOCK = Prepared(_LOCKING.with_for_update())
_LOCK_FREE = Prepared(_LOCKING.with_for_update(skip_locked=True))
# For the transaction of a group. All that units ask finds its rows by an index. But PostgreSQL reads a table that it
# takes for small as a whole, and keeps that plan while the table grows. A whole table has such a price now that `jit`
# would compile whatever reads one. A question about an array that had few values at first would be planned anew each
# time, which takes longer than its answer.
_SETTINGS = {
    "lock_timeout": PATIENCE,
    "enable_seqscan": "off",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
}
_SET = Prepared(
    select(*(literal_column(f"set_config('{name}', '{value}', true)") for name, value in _SETTINGS.items()))
)
_CHANGED = Prepared(select(_F.c.value).where(_F.c.name == literal_column(f"'{PLAN_CHANGED}'")))
_FIRST = select(_K.c.update_id).where(_K.c.bot_id == bindparam("bot"), _K.c.chat_id == _C.c.id).order_by(_K.c.id)
_KEPT = Prepared(
    select(_C.c.id, _FIRST.limit(1).scalar_subquery().label("update_id")).where(
        _C.c.id == any_(bindparam("chats", type_=ARRAY(BigInteger)))
    )
)
# Of one bot: with a list of bots too, a plan that was made while the table was empty reads all updates of the bot.
_SEEN = Prepared(
    select(_SEEN_UPDATE.c.update_id).where(
        _SEEN_UPDATE.c.bot_id == bindparam("bot"),
        _SEEN_UPDATE.c.update_id == any_(bindparam("updates", type_=ARRAY(BigInteger))),
    )
)


class Endings:
    """The places of forms at which somebody has sent one: there an update may number a receipt.

    Whoever numbers a receipt holds up all others of the plan until COMMIT, so such updates are the last of their group.
    A wrong guess costs nothing but this order.
    """

    def __init__(self) -> None:
        self._known: set[tuple[int, int]] = set()

    def is_one(self, visited: Any) -> bool:
        """Whether the session of this chat has come to such a place."""
        return visited is not None and (visited.form_version_id, visited.version) in self._known

    def note(self, visited: Any) -> None:
        """Note that an update at this place has numbered a receipt."""
        if visited is not None and visited.form_version_id is not None:
            if len(self._known) >= MOST_PLACES:
                self._known.clear()
            self._known.add((visited.form_version_id, visited.version))


def open_together(
    endings: Endings, connection: Connection, openings: Sequence[Opening], *, waits: bool
) -> tuple[object, list[Opened | None]]:
    """Return the last change of a steady table; and what these units begin with, which is locked and read.

    None for a chat that is new, or held by somebody else. With `waits`, for a unit by itself: wait for the chat, draw
    no numbers, and do not ask for the last change. Nothing is asked for units without a chat.
    """
    chats = [each.chat_id for each in openings if each.chat_id is not None]
    if not chats:
        return None, _opened_without_chat(connection, openings, waits=waits)
    bot_id = next(each.bot_id for each in openings if each.chat_id is not None)  # a process is one bot
    asked: list[tuple[Prepared, Mapping[str, Any]]] = [
        (_LOCK if waits else _LOCK_FREE, {"chats": chats}),
        (_SEEN, {"bot": bot_id, "updates": [each.update_id for each in openings]}),
        (_KEPT, {"bot": bot_id, "chats": chats}),
        idle_drafts(chats),
        visits(chats),
    ]
    if not waits:
        drawn = draw({of: ceil(each * (len(openings) + 1)) for of, each in NUMBERS_A_UNIT.items()})
        asked = [(_SET, {}), (_CHANGED, {}), *asked, drawn]
    answers = Prepared.rows_of_all(connection, asked)
    changed, numbers, line = None, None, None
    if not waits:
        _, changed, *answers, drawn_numbers = answers
        numbers, line = Numbers(connection, drawn_numbers), line_of(connection)
    locked, are_seen = ({id for (id,) in found} for found in answers[:2])
    first_kept: dict[int | None, int | None] = dict(answers[2])
    known: dict[int, dict[str, Known]] = {}
    visited: dict[int | None, Any] = {}
    for chat_id, row, answer in known_visits(connection, chats, answers[4]):
        known[chat_id], visited[chat_id] = answer, row
        if row is not None and row.p_id is not None and row.chat_session_id is None:
            known[chat_id].update(known_drafts(connection, row.p_id, answers[3]))

    def opened(each: Opening) -> Opened | None:
        if each.chat_id is not None and each.chat_id not in locked:
            return None
        row = visited.get(each.chat_id)
        return Opened(
            each,
            each.chat_id is not None and each.update_id in are_seen,
            numbers,
            line,
            known.get(each.chat_id or 0, {}),
            endings.is_one(row),
            partial(endings.note, row),
            first_kept.get(each.chat_id),
        )

    return changed, [opened(each) for each in openings]


def _opened_without_chat(connection: Connection, openings: Sequence[Opening], *, waits: bool) -> list[Opened | None]:
    """Return what units begin with that have no chat: they draw their numbers when they need them."""
    if waits:
        return [Opened(each, is_seen=False) for each in openings]
    numbers, line = Numbers(connection), line_of(connection)
    _SET.later(line, connection, {})
    return [Opened(each, is_seen=False, numbers=numbers, line=line) for each in openings]
