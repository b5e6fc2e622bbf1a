"""What is restricted and stands in a chat: noted with the act that puts it there, and taken out again (S15).

A phone is lost, lent and looked at, and Telegram deletes a message for both sides only in its first 48 hours. So every
message with something restricted, ours or the person's, is a row from the unit in which it was said or read:

    standing ──its form has ended, or after READ_FOR──▶ leaving ──▶ gone (the row too)
        ▲                                                  │ Telegram refuses
        └──────────────── tried again ─────────────────────┘

A row whose deletion was refused stays, for people to see, until a later try finds the message gone.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, select, update

from storage.database.models import Card, OutboxMessage, RestrictedMessage, table
from storage.database.statements import Prepared, insert_of
from storage.database.unit import Unit

READ_FOR: Final = timedelta(hours=23)
"""How long what is restricted may stand in a chat; the chore that looks for it comes every minute."""
DELETABLE: Final = timedelta(hours=48)
"""After which Telegram refuses to delete a message (Bot API, deleteMessage)."""
AGAIN: Final = timedelta(hours=1)
"""After a refusal, as long as Telegram may still delete the message (somebody had blocked us, for instance)."""
LOOK_AGAIN: Final = timedelta(days=1)
"""Later: it can only be found that somebody has deleted the message by hand."""
PAGE: Final = 100

_R, _O, _C = map(table, (RestrictedMessage, OutboxMessage, Card))


def _note_card(dialect: str) -> Any:
    made = insert_of(dialect, _R)
    values = {"due_at": made.excluded.due_at, "written_at": made.excluded.written_at, "outbox_id": None}
    is_leaving = _R.c.outbox_id.is_not(None)
    return made.on_conflict_do_update(index_elements=["card_id"], set_=values, where=is_leaving)


def _note_written(dialect: str) -> Any:
    made = insert_of(dialect, _R)
    called = made.excluded.outbox_id
    return made.on_conflict_do_update(
        index_elements=["chat_id", "message_id"], set_={"outbox_id": called}, where=called.is_not(None)
    )


# Beside a restricted form each of these is executed for every answer.
_NOTE_CARD = Prepared(_note_card("sqlite"), postgresql=_note_card("postgresql"))
_NOTE_WRITTEN = Prepared(_note_written("sqlite"), postgresql=_note_written("postgresql"))
_IS_CARD = Prepared(select(_R.c.id).where(_R.c.card_id == bindparam("card")))
_END_OF_SESSION = Prepared(update(_R).where(_R.c.session_id == bindparam("session")).values(due_at=_R.c.written_at))
_DUE = (
    select(_R.c.id, _R.c.chat_id, _R.c.card_id, _R.c.message_id)
    .where(_R.c.outbox_id.is_(None), _R.c.due_at <= bindparam("now"))
    .order_by(_R.c.id)
    .limit(PAGE)
    .with_for_update(skip_locked=True)
)
_DUE_HERE = Prepared(_DUE.where(_R.c.chat_id == bindparam("chat")))
_LEAVES = Prepared(update(_R).where(_R.c.id == bindparam("row")).values(outbox_id=bindparam("call")))
_CARD_LEAVES = Prepared(update(_R).where(_R.c.card_id == bindparam("card")).values(outbox_id=bindparam("call")))


@dataclass(frozen=True, slots=True)
class Standing:
    """One message that is to be taken out."""

    id: int
    chat_id: int
    card_id: int | None
    message_id: int | None

    @property
    def payload(self) -> dict[str, Any]:
        """What `deleteMessage` is told; which message a card is, delivery knows."""
        return {} if self.message_id is None else {"message_id": self.message_id}


@dataclass(frozen=True, slots=True)
class Refused:
    """What Telegram would not take out of one chat, since when it stands there."""

    chat_id: int
    messages: int
    since: datetime


class RestrictedMessages:
    """Every message with something restricted that may stand in a chat."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._connection = unit.connection

    # -------------------------------------------------------------- noted
    def note_card(self, chat_id: int, card_id: int, now: datetime, *, session_id: int | None = None) -> None:
        """A card of ours says something restricted from now on.

        One that is being taken out, and is said anew all the same, stands again under another number.
        """
        _NOTE_CARD.count(self._connection, _new(chat_id, now, card_id=card_id, session_id=session_id))

    def note_written(
        self,
        chat_id: int,
        message_id: int,
        now: datetime,
        *,
        session_id: int | None = None,
        outbox_id: int | None = None,
    ) -> None:
        """The person wrote something restricted; with `outbox_id`, the call that takes it out at once."""
        new = _new(chat_id, now, message_id=message_id, session_id=session_id, outbox_id=outbox_id)
        _NOTE_WRITTEN.count(self._connection, new)

    def is_card(self, card_id: int) -> bool:
        """Whether a card says something restricted."""
        return _IS_CARD.first(self._connection, {"card": card_id}) is not None

    # -------------------------------------------------------------- due
    def end_of_session(self, session_id: int) -> None:
        """The draft has ended or changed hands: what was written for it is due."""
        _END_OF_SESSION.count(self._connection, {"session": session_id})

    def end_of_chat(self, chat_id: int) -> None:
        """Its person may not read any of it any more."""
        self._connection.execute(update(_R).where(_R.c.chat_id == chat_id).values(due_at=_R.c.written_at))

    def due(self, now: datetime, *, chat_id: int | None = None) -> list[Standing]:
        """What is to be taken out now, oldest first, a page of it: of every chat, or of this one."""
        if chat_id is not None:
            return [Standing(*row) for row in _DUE_HERE.rows(self._connection, {"now": now, "chat": chat_id})]
        return [Standing(*row) for row in self._connection.execute(_DUE, {"now": now})]

    def leaves(self, id: int, outbox_id: int) -> None:
        """This call takes it out."""
        _LEAVES.count(self._connection, {"row": id, "call": outbox_id})

    def card_leaves(self, card_id: int, outbox_id: int) -> None:
        """This call takes a card out; of one that says nothing restricted nobody keeps account."""
        _CARD_LEAVES.count(self._connection, {"card": card_id, "call": outbox_id})

    # -------------------------------------------------------------- what became of it
    def settle(self, now: datetime) -> None:
        """Read from the outbox what Telegram has done: what is gone is forgotten, what is not is tried again."""
        state = select(_O.c.state).where(_O.c.id == _R.c.outbox_id).scalar_subquery()
        never_arrived = ~select(_C.c.id).where(_C.c.id == _R.c.card_id, _C.c.message_id.is_not(None)).exists()
        is_on_its_way = (
            select(_O.c.id).where(_O.c.card_id == _R.c.card_id, _O.c.state.in_(("queued", "sending", "held"))).exists()
        )
        left = _R.c.outbox_id.is_not(None)
        self._connection.execute(
            delete(_R).where(left, (state == "sent") | (_R.c.card_id.is_not(None) & never_arrived & ~is_on_its_way))
        )
        reason = select(_O.c.error).where(_O.c.id == _R.c.outbox_id).scalar_subquery()
        # One that the outbox has forgotten was settled a week ago, with an answer nobody has read.
        has_failed = left & (func.coalesce(state, "forgotten").in_(("undeliverable", "ambiguous", "forgotten")))
        is_deletable = _R.c.written_at > now - DELETABLE
        tried_again = {"outbox_id": None, "refused_at": now, "reason": func.coalesce(reason, "")}
        for which, pause in ((is_deletable, AGAIN), (~is_deletable, LOOK_AGAIN)):
            self._connection.execute(update(_R).where(has_failed, which).values(due_at=now + pause, **tried_again))

    def refused(self) -> list[Refused]:
        """What Telegram would not take out, chat by chat."""
        found = (
            select(_R.c.chat_id, func.count(), func.min(_R.c.written_at))
            .where(_R.c.refused_at.is_not(None))
            .group_by(_R.c.chat_id)
            .order_by(_R.c.chat_id)
        )
        return [Refused(*row) for row in self._connection.execute(found)]


def _new(
    chat_id: int,
    now: datetime,
    *,
    card_id: int | None = None,
    message_id: int | None = None,
    session_id: int | None = None,
    outbox_id: int | None = None,
) -> dict[str, Any]:
    return {
        "chat_id": chat_id,
        "card_id": card_id,
        "message_id": message_id,
        "session_id": session_id,
        "written_at": now,
        "due_at": now + READ_FOR,
        "outbox_id": outbox_id,
        "refused_at": None,
        "reason": "",
    }
