"""Restricted messages in a chat: each is recorded with the act that puts it there, and deleted later (S15).

Phones are lost and lent. Telegram deletes a message for both sides only in its first 48 hours. So every message with
restricted content, ours or the person's, has a row, written in the unit that sends or reads it:

    standing ──its form has ended, or after READ_FOR──▶ leaving ──▶ gone (the row too)
        ▲                                                  │ Telegram refuses
        └──────────────── tried again ─────────────────────┘

If Telegram refuses to delete a message, its row stays visible in `enlace status` until a later try finds it gone.

One call deletes a hundred messages (`deleteMessages`), but it does not say which ones it left. So it is used only for
messages that are young enough for Telegram to delete all of them. Older messages, and those of a call that failed, are
deleted one by one (`deleteMessage`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, any_, bindparam, delete, func, literal_column, null, select, update

from storage.database.models import Card, OutboxMessage, RestrictedMessage, table
from storage.database.statements import Prepared, Question, insert_of
from storage.database.unit import Repository, Unit

READ_FOR: Final = timedelta(hours=23)
"""How long a restricted message may stay in a chat. The chore that deletes it runs every minute."""
DELETABLE: Final = timedelta(hours=48)
"""After which Telegram refuses to delete a message (Bot API, deleteMessage)."""
AT_ONCE: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Due now. The instant at which the message was written would not do: that is told by the clock of another replica."""
AGAIN: Final = timedelta(hours=1)
"""After a refusal, as long as Telegram may still delete the message (somebody had blocked us, for instance)."""
LOOK_AGAIN: Final = timedelta(days=1)
"""Later: it can only be found that somebody has deleted the message by hand."""
TOGETHER_FOR: Final = DELETABLE - timedelta(hours=24)
"""How long after it was noted a message can surely be deleted: an update may have waited a day at Telegram before."""
PAGE: Final = 100
"""As many as Telegram deletes in one call (Bot API, deleteMessages)."""
ALONE: Final = "deleteMessage"
TOGETHER: Final = "deleteMessages"
DELETIONS: Final = (ALONE, TOGETHER)

_R, _O, _C = map(table, (RestrictedMessage, OutboxMessage, Card))


def _note(dialect: str) -> Any:
    return insert_of(dialect, _R).values(reason=literal_column("''")).inline()  # nobody asks for its number


def _note_card(dialect: str) -> Any:
    made = _note(dialect)
    values = {"due_at": made.excluded.due_at, "written_at": made.excluded.written_at, "outbox_id": null()}
    is_leaving = _R.c.outbox_id.is_not(None)
    return made.on_conflict_do_update(index_elements=["card_id"], set_=values, where=is_leaving)


def _note_written(dialect: str) -> Any:
    return _note(dialect).on_conflict_do_nothing(index_elements=["chat_id", "message_id"])


def _note_leaving(dialect: str) -> Any:
    made = _note(dialect)
    set_ = {"outbox_id": made.excluded.outbox_id}
    return made.on_conflict_do_update(index_elements=["chat_id", "message_id"], set_=set_)


# Beside a restricted form each of these is executed for every answer.
_NOTE_CARD, _NOTE_WRITTEN = Prepared(_note_card), Prepared(_note_written)
_NOTE_LEAVING = Prepared(_note_leaving)
_IS_CARD = Prepared(select(_R.c.id).where(_R.c.card_id == bindparam("card")))
_IS_SHOWN_IN = Prepared(
    select(_R.c.id)
    .select_from(_R.outerjoin(_C, _C.c.id == _R.c.card_id))
    .where(_R.c.chat_id == bindparam("chat"), func.coalesce(_C.c.message_id, _R.c.message_id) == bindparam("message"))
)
_END_OF_SESSION = Prepared(update(_R).where(_R.c.session_id == bindparam("session")).values(due_at=AT_ONCE))
_STANDING = (
    select(_R.c.id, _R.c.chat_id, _R.c.card_id, _R.c.message_id, _R.c.written_at, _R.c.reason)
    .where(_R.c.outbox_id.is_(None))
    .order_by(_R.c.id)
    .limit(literal_column(str(PAGE)))  # not bound: SQLite would prepare it anew each time
    .with_for_update(skip_locked=True)
)
_DUE = _STANDING.where(_R.c.due_at <= bindparam("now"))
_DUE_HERE = Prepared(_DUE.where(_R.c.chat_id == bindparam("chat")))
_LEFT_BY_SESSION = Prepared(_STANDING.where(_R.c.session_id == bindparam("session")))
_LEAVES = Prepared(update(_R).where(_R.c.id == bindparam("row")).values(outbox_id=bindparam("call")))
_ROWS = any_(bindparam("rows", type_=ARRAY(BigInteger)))
_LEAVE_TOGETHER = Prepared(update(_R).where(_R.c.id == _ROWS).values(outbox_id=bindparam("call")))
_CARD_LEAVES = Prepared(update(_R).where(_R.c.card_id == bindparam("card")).values(outbox_id=bindparam("call")))


@dataclass(frozen=True, slots=True)
class Deletion:
    """A call that deletes messages of a chat. `rows` are their numbers in this table.

    Delivery knows the messages of the cards in `@cards`, and the message of `card_id`.
    """

    chat_id: int
    rows: tuple[int, ...]
    method: str
    payload: dict[str, Any]
    card_id: int | None = None

    @property
    def cards(self) -> tuple[int, ...]:
        """Return our messages among them."""
        return tuple(self.payload.get("@cards", () if self.card_id is None else (self.card_id,)))


@dataclass(frozen=True, slots=True)
class Refused:
    """How many messages Telegram refused to delete in one chat, and how old the oldest refusal is."""

    chat_id: int
    messages: int
    since: datetime


class RestrictedMessages(Repository):
    """Every restricted message that may be in a chat."""

    def __init__(self, unit: Unit) -> None:
        super().__init__(unit)
        self._standing: set[int] = set()
        """Cards that this unit knows to be noted, and by no call on their way out."""

    # -------------------------------------------------------------- noted
    def know(self, card_id: int) -> None:
        """Tell this repository that the card was noted already and that no call deletes it.

        Then it need not be noted again.

        On PostgreSQL it is noted all the same, because another unit may be deleting it at this moment.
        """
        if not self._unit.is_postgresql:
            self._standing.add(card_id)

    def note_card(self, chat_id: int, card_id: int, now: datetime, *, session_id: int | None = None) -> None:
        """Note that a card of ours shows something restricted from now on.

        If the card is being deleted and is shown again nevertheless, it is noted again under another number.
        """
        if card_id in self._standing:
            return
        due_at = now + READ_FOR
        values = {"chat_id": chat_id, "card_id": card_id, "session_id": session_id, "written_at": now, "due_at": due_at}
        self._unit.write(_NOTE_CARD, values)
        if self._unit.is_shared:  # a statement can note a card only once. Nothing in such a unit is undone by itself.
            self._standing.add(card_id)

    def note_written(
        self,
        chat_id: int,
        message_id: int,
        now: datetime,
        *,
        session_id: int | None = None,
        outbox_id: int | None = None,
    ) -> None:
        """Note that the person wrote something restricted. With `outbox_id`: the call that deletes it at once."""
        values = {
            "chat_id": chat_id,
            "message_id": message_id,
            "session_id": session_id,
            "written_at": now,
            "due_at": now + READ_FOR,
        }
        if outbox_id is None:
            self._unit.write(_NOTE_WRITTEN, values)
        else:
            self._unit.write(_NOTE_LEAVING, values | {"outbox_id": outbox_id})

    def is_card(self, card_id: int) -> bool:
        """Whether a card shows something restricted."""
        return _IS_CARD.first(self._connection, {"card": card_id}) is not None

    def is_shown_in(self, chat_id: int, message_id: int) -> bool:
        """Whether a message of this chat shows something restricted, ours or the person's."""
        return _IS_SHOWN_IN.first(self._connection, {"chat": chat_id, "message": message_id}) is not None

    # -------------------------------------------------------------- due
    def end_of_session(self, session_id: int) -> None:
        """Make all messages of a draft due, because it has ended or changed hands."""
        self._unit.write(_END_OF_SESSION, {"session": session_id})

    def end_of_chat(self, chat_id: int) -> None:
        """Make all restricted messages of a chat due, because its person may not read them any more."""
        self._connection.execute(update(_R).where(_R.c.chat_id == chat_id).values(due_at=AT_ONCE))

    def due(self, now: datetime, *, chat_id: int | None = None) -> list[Deletion]:
        """A page of the messages that must be deleted now, oldest first: of every chat, or of this one."""
        if chat_id is not None:
            found: Iterable[Any] = _DUE_HERE.rows(self._connection, {"now": now, "chat": chat_id})
        else:
            found = self._connection.execute(_DUE, {"now": now})
        return _deletions(found, now)

    def left_by(self, session_id: int, chat_id: int, now: datetime) -> list[Deletion]:
        """A page of the messages that this draft, which has just ended, has left in this chat, oldest first.

        The others that it has left are due.
        """
        [(left, values)] = self.asked_by_left(session_id)
        found = left.rows(self._connection, values)
        here = [one for one in found if one.chat_id == chat_id]
        if len(here) < len(found) or len(found) == PAGE:
            self.end_of_session(session_id)
        return _deletions(here, now)

    def asked_by_left(self, session_id: int) -> list[Question]:
        """Return the question of `left_by` (`Unit.say_last`)."""
        return [(_LEFT_BY_SESSION, {"session": session_id})]

    def leaves(self, deletion: Deletion, outbox_id: int) -> None:
        """Record that this call deletes these messages."""
        self._standing.difference_update(deletion.cards)
        if self._unit.is_postgresql:
            self._unit.write(_LEAVE_TOGETHER, {"rows": list(deletion.rows), "call": outbox_id})
        else:
            self._unit.write_each(_LEAVES, [{"row": row, "call": outbox_id} for row in deletion.rows])

    def card_leaves(self, card_id: int, outbox_id: int) -> None:
        """Record that this call deletes a card. Nothing is recorded for a card that shows nothing restricted."""
        self._standing.discard(card_id)
        self._unit.write(_CARD_LEAVES, {"card": card_id, "call": outbox_id})

    # -------------------------------------------------------------- what became of it
    def settle(self, now: datetime) -> None:
        """Read from the outbox what Telegram has done. Forget messages that are gone, and try the others again.

        If a call for many is in doubt, each of its messages is due at once, alone. A message counts as refused only
        after a call of its own. A message that is due later than any is was written under another clock: it is due now.
        """
        self._standing.clear()
        is_wrong = _R.c.outbox_id.is_(None) & (_R.c.due_at > now + LOOK_AGAIN)
        self._connection.execute(update(_R).where(is_wrong).values(due_at=now))
        state, method = (
            select(_O.c[name]).where(_O.c.id == _R.c.outbox_id).scalar_subquery() for name in ("state", "method")
        )
        never_arrived = ~select(_C.c.id).where(_C.c.id == _R.c.card_id, _C.c.message_id.is_not(None)).exists()
        is_on_its_way = (
            select(_O.c.id).where(_O.c.card_id == _R.c.card_id, _O.c.state.in_(("queued", "sending", "held"))).exists()
        )
        left = _R.c.outbox_id.is_not(None)
        was_together = left & (method == TOGETHER)
        may_be_too_old = _R.c.written_at <= now - TOGETHER_FOR
        again = {"outbox_id": None, "due_at": now}
        self._connection.execute(
            update(_R).where(was_together, state == "sent", may_be_too_old).values(reason=TOGETHER, **again)
        )
        self._connection.execute(
            delete(_R).where(left, (state == "sent") | (_R.c.card_id.is_not(None) & never_arrived & ~is_on_its_way))
        )
        reason = func.coalesce(select(_O.c.error).where(_O.c.id == _R.c.outbox_id).scalar_subquery(), "")
        # A call that is no longer in the outbox was settled a week ago, and nobody has read its outcome.
        has_failed = left & (func.coalesce(state, "forgotten").in_(("undeliverable", "ambiguous", "forgotten")))
        self._connection.execute(update(_R).where(was_together, has_failed).values(reason=TOGETHER, **again))
        is_deletable = _R.c.written_at > now - DELETABLE
        tried_again = {"outbox_id": None, "refused_at": now, "reason": reason}
        for which, pause in ((is_deletable, AGAIN), (~is_deletable, LOOK_AGAIN)):
            self._connection.execute(update(_R).where(has_failed, which).values(due_at=now + pause, **tried_again))

    def refused(self) -> list[Refused]:
        """The messages that Telegram refused to delete, chat by chat."""
        found = (
            select(_R.c.chat_id, func.count(), func.min(_R.c.written_at))
            .where(_R.c.refused_at.is_not(None))
            .group_by(_R.c.chat_id)
            .order_by(_R.c.chat_id)
        )
        return [Refused(*row) for row in self._connection.execute(found)]


def _deletions(found: Iterable[Any], now: datetime) -> list[Deletion]:
    """Return the calls for these rows: one for all messages of a chat that Telegram will surely delete, as far as we
    know, and one for each of the others.
    """
    sure: dict[int, list[Any]] = {}
    made = []
    for one in found:
        if not one.reason and one.written_at > now - TOGETHER_FOR:
            sure.setdefault(one.chat_id, []).append(one)
        else:
            made.append(_alone(one))
    return [*map(_together, sure.values()), *made]


def _alone(one: Any) -> Deletion:
    payload = {} if one.message_id is None else {"message_id": one.message_id}
    return Deletion(one.chat_id, (one.id,), ALONE, payload, one.card_id)


def _together(sure: Sequence[Any]) -> Deletion:
    if len(sure) == 1:
        return _alone(sure[0])
    payload = {
        "message_ids": [one.message_id for one in sure if one.message_id is not None],
        "@cards": [one.card_id for one in sure if one.card_id is not None],
    }
    return Deletion(sure[0].chat_id, tuple([one.id for one in sure]), TOGETHER, payload)
