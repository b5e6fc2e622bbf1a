"""Seal old data again under the current key, while the bot goes on (S12).

If a key may be known to others, new data gets another key at once. But what the old key has sealed must be sealed again
before that key can be removed. That goes row by row and may take long. An answer that is saved meanwhile must not be
overwritten with its earlier text.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import LargeBinary, bindparam, func, literal, select, type_coerce, update

from storage.database.models import (
    Comment,
    Endpoint,
    KeptUpdate,
    OutboxMessage,
    ReviewDecision,
    Session,
    Submission,
    table,
)
from storage.database.vault import KeyUnknown, SealBroken, Vault
from storage.messages import endpoints, kept, outbox
from storage.reports import comments, reviews, sessions, submissions

if TYPE_CHECKING:
    from storage.unit_of_work import UnitOfWork

_SESSIONS, _SUBMISSIONS, _OUTBOX = table(Session), table(Submission), table(OutboxMessage)
_DECISIONS, _COMMENTS, _ENDPOINTS = table(ReviewDecision), table(Comment), table(Endpoint)
_KEPT = table(KeptUpdate)

Place = Callable[..., str]
_OF_A_COMMENT = (_COMMENTS.c.plan_id, _COMMENTS.c.person_id, _COMMENTS.c.written_at, _COMMENTS.c.subject)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed column, the columns that its seal is bound to, and the name of its place made of them."""

    column: Any
    bound_to: tuple[Any, ...]
    place: Place
    old_place: Place | None = None
    """How format 1 called it, if otherwise."""

    def open(self, vault: Vault, sealed: bytes, names: Sequence[Any]) -> str:
        """Open a text of this column. `names` are the row's values of `bound_to`."""
        before = "" if self.old_place is None else self.old_place(*names)
        return vault.open(bytes(sealed), self.place(*names), before=before)


SEALED: tuple[Sealed, ...] = (
    Sealed(_SESSIONS.c.sealed_data, (_SESSIONS.c.instance_id,), sessions.row),
    Sealed(_SUBMISSIONS.c.sealed_answers, (_SUBMISSIONS.c.instance_id,), submissions.row),
    Sealed(
        _OUTBOX.c.sealed_payload,
        (_OUTBOX.c.chat_id, _OUTBOX.c.card_id, _OUTBOX.c.method, _OUTBOX.c.created_at),
        outbox.row,
    ),
    Sealed(
        _DECISIONS.c.sealed_reason, (_DECISIONS.c.root_id, _DECISIONS.c.person_id, _DECISIONS.c.decided_at), reviews.row
    ),
    Sealed(_COMMENTS.c.sealed_text, _OF_A_COMMENT, comments.text_name, comments.old_name),
    Sealed(_COMMENTS.c.sealed_reply, _OF_A_COMMENT, comments.reply_name, comments.old_name),
    Sealed(_ENDPOINTS.c.sealed_target, (_ENDPOINTS.c.plan_id, _ENDPOINTS.c.made_at), endpoints.row),
    Sealed(_KEPT.c.sealed_update, (_KEPT.c.bot_id, _KEPT.c.update_id), kept.row),
)
"""Every place where something sealed is kept; a test compares it with the models."""


def reseal(unit: "UnitOfWork", *, limit: int = 200, unopened: set[tuple[str, int]] | None = None) -> int:
    """Go through up to `limit` texts that an older key has sealed, or an older format, and seal them again.

    Return how many it went through. At 0 nothing is left.

    A text that somebody changes at the same moment is left to them: they seal it with the current key. One that does
    not open, because it was altered or its key is lost, is left as it is and added to `unopened` as column and id; pass
    the same set to the next call.
    """
    unopened = set() if unopened is None else unopened
    left = limit
    for kind in SEALED:
        if left <= 0:
            break
        done, broken = _reseal(unit, kind, left, {id for column, id in unopened if column == str(kind.column)})
        left -= done + len(broken)
        unopened |= {(str(kind.column), id) for id in broken}
    return limit - left


def _reseal(unit: "UnitOfWork", kind: Sealed, limit: int, without: set[int]) -> tuple[int, list[int]]:
    """Return how many texts of one column were sealed again, and the ids of those that do not open."""
    column, head = kind.column, unit.vault.head
    id = column.table.c.id
    prefix = type_coerce(func.substr(column, 1, len(head)), LargeBinary)
    is_old = column.is_not(None) & (prefix != literal(head, LargeBinary)) & id.not_in(without)
    old = select(id, column, *kind.bound_to).where(is_old).limit(limit)
    done, broken = 0, []
    for key, sealed, *names in unit.connection.execute(old).all():
        try:
            text = kind.open(unit.vault, sealed, names)
        except (SealBroken, KeyUnknown):
            broken.append(key)
            continue
        unit.connection.execute(
            update(column.table)
            .where(id == bindparam("key"), column == bindparam("before", type_=LargeBinary))
            .values({column.name: bindparam("after")}),
            {"key": key, "before": sealed, "after": unit.vault.seal(text, kind.place(*names))},
        )
        done += 1
    return done, broken


def keep_as_they_are(unit: "UnitOfWork") -> None:
    """Let nobody else write a sealed text until this unit ends. On SQLite, nobody else writes anything anyway.

    A group of units writes last, but it has locked its chats before it seals anything, so it is waited for there.
    """
    if unit.is_postgresql:
        unit.connection.exec_driver_sql("LOCK TABLE chat IN EXCLUSIVE MODE")
        tables = ", ".join(sorted({kind.column.table.name for kind in SEALED}))
        unit.connection.exec_driver_sql(f"LOCK TABLE {tables} IN SHARE MODE")


def key_ids(unit: "UnitOfWork") -> frozenset[str]:
    """Return the keys that something in the database is sealed under."""
    found = set()
    for kind in SEALED:
        heads = type_coerce(func.substr(kind.column, 1, 34), LargeBinary)  # format, length, the longest name of a key
        for (head,) in unit.connection.execute(select(heads).where(kind.column.is_not(None)).distinct()):
            found.add(bytes(head)[2 : 2 + bytes(head)[1]].decode("ascii"))
    return frozenset(found)
