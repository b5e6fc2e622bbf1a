"""Seal old data again under the current key, while the bot goes on (S12).

If a key may be known to others, new data gets another key at once. But what the old key has sealed must be sealed again
before that key can be removed. That goes row by row and may take long. An answer that is saved meanwhile must not be
overwritten with its earlier text.
"""

from typing import TYPE_CHECKING, Any

from sqlalchemy import LargeBinary, bindparam, func, literal, select, type_coerce, update

from storage.database.models import Comment, Endpoint, OutboxMessage, ReviewDecision, Session, Submission, table
from storage.messages import endpoints, outbox
from storage.reports import comments, reviews, sessions, submissions

if TYPE_CHECKING:
    from storage.unit_of_work import UnitOfWork

_SESSIONS, _SUBMISSIONS, _OUTBOX = table(Session), table(Submission), table(OutboxMessage)
_DECISIONS, _COMMENTS, _ENDPOINTS = table(ReviewDecision), table(Comment), table(Endpoint)

SEALED: tuple[tuple[Any, tuple[Any, ...], Any], ...] = (
    # the sealed column, the columns its seal is bound to, how these are written in the seal
    (_SESSIONS.c.sealed_data, (_SESSIONS.c.instance_id,), sessions.row),
    (_SUBMISSIONS.c.sealed_answers, (_SUBMISSIONS.c.instance_id,), submissions.row),
    (
        _OUTBOX.c.sealed_payload,
        (_OUTBOX.c.chat_id, _OUTBOX.c.card_id, _OUTBOX.c.method, _OUTBOX.c.created_at),
        outbox.row,
    ),
    (_DECISIONS.c.sealed_reason, (_DECISIONS.c.root_id, _DECISIONS.c.person_id, _DECISIONS.c.decided_at), reviews.row),
    (_COMMENTS.c.sealed_text, (_COMMENTS.c.plan_id, _COMMENTS.c.person_id, _COMMENTS.c.written_at), comments.row),
    (_COMMENTS.c.sealed_reply, (_COMMENTS.c.plan_id, _COMMENTS.c.person_id, _COMMENTS.c.written_at), comments.row),
    (_ENDPOINTS.c.sealed_target, (_ENDPOINTS.c.plan_id, _ENDPOINTS.c.made_at), endpoints.row),
)
"""Every place where something sealed is kept; a test compares it with the models."""


def reseal(unit: "UnitOfWork", *, limit: int = 200) -> int:
    """Seal up to `limit` texts again that older keys have sealed. Return how many; at 0 the older keys can be retired.

    A text that somebody changes at the same moment is left to them: they seal it with the current key.
    """
    head = unit.vault.head
    left = limit
    for column, bound_to, row in SEALED:
        if left <= 0:
            break
        prefix = type_coerce(func.substr(column, 1, len(head)), LargeBinary)
        id = column.table.c.id
        is_old = column.is_not(None) & (prefix != literal(head, LargeBinary))
        old = select(id, column, *bound_to).where(is_old).limit(left)
        for key, sealed, *names in unit.connection.execute(old).all():
            text = unit.vault.open(bytes(sealed), row(*names))
            unit.connection.execute(
                update(column.table)
                .where(id == bindparam("key"), column == bindparam("before", type_=LargeBinary))
                .values({column.name: bindparam("after")}),
                {"key": key, "before": sealed, "after": unit.vault.seal(text, row(*names))},
            )
            left -= 1
    return limit - left


def key_ids(unit: "UnitOfWork") -> frozenset[str]:
    """Return the keys that something in the database is sealed under."""
    found = set()
    for column, _, _ in SEALED:
        heads = type_coerce(func.substr(column, 1, 34), LargeBinary)  # format, length, and the longest name of a key
        for (head,) in unit.connection.execute(select(heads).where(column.is_not(None)).distinct()):
            found.add(bytes(head)[2 : 2 + bytes(head)[1]].decode("ascii"))
    return frozenset(found)
