"""Rows in the hands of a process that has ended, or whose lease has run out: who may send them now, and which never."""

from typing import Any

from sqlalchemy import bindparam, case, literal_column, select, update

from storage.database.models import OutboxMessage, table

_O = table(OutboxMessage)
_LATER = _O.alias("later")
_EDIT = "editMessageText"
_QUEUED: Any = literal_column("'queued'")
_SENDING: Any = literal_column("'sending'")
# A call in doubt began while its lease ran. Its outcome counts for the day of the call, even if found days later.
_NOW: Any = bindparam("now", type_=_O.c.lease_until.type)
_SAID_AT = case((_O.c.lease_until < _NOW, _O.c.lease_until), else_=_NOW)

CANCELLED = "cancelled"
"""The error of a row that was taken back before it was sent."""
IS_TAKEN_BACK = _O.c.error == CANCELLED
TAKEN_BACK: dict[str, Any] = {
    "state": "undeliverable",
    "payload": None,
    "sealed_payload": None,
    "lease_until": None,
    "settled_at": bindparam("now"),
}
"""What a row that was being sent becomes when it was taken back meanwhile, and its call has not reached Telegram."""


def freeing(condition: Any, is_open: Any, is_reply: Any) -> tuple[Any, ...]:
    """Return the statements that free rows.

    They are for replies taken back, overtaken cards, fan-out not begun, replies, and fan-out in doubt.

    A row that is followed by an edit of the same card is not repeated: the phone may show the edit already, and would
    go back to an answered question. Only the edit is repeated; as a new message if the card has no number.
    """
    mine = (is_open, condition)
    is_overtaken = (
        select(_LATER.c.id)
        .where(
            _LATER.c.chat_id == _O.c.chat_id,
            _LATER.c.state.in_((_QUEUED, _SENDING)),
            _LATER.c.id > _O.c.id,
            _LATER.c.card_id == _O.c.card_id,
            _LATER.c.method == _EDIT,
        )
        .exists()
    )
    return (
        update(_O).where(*mine, _O.c.state == _SENDING, is_reply, IS_TAKEN_BACK).values(**TAKEN_BACK),
        update(_O)
        .where(*mine, _O.c.state == _SENDING, is_reply, _O.c.method.in_(("sendMessage", _EDIT)), is_overtaken)
        .values(
            state="ambiguous",
            payload=None,
            sealed_payload=None,
            lease_until=None,
            settled_at=bindparam("now"),
            error="overtaken",
        ),
        update(_O).where(*mine, _O.c.state == _QUEUED).values(lease_until=None, owner=None),
        update(_O).where(*mine, _O.c.state == _SENDING, is_reply).values(state="queued", lease_until=None, owner=None),
        update(_O)
        .where(*mine, _O.c.state == _SENDING, ~is_reply)
        .values(
            state="ambiguous",
            payload=None,
            sealed_payload=None,
            lease_until=None,
            settled_at=_SAID_AT,
            error=bindparam("reason"),
        ),
    )
