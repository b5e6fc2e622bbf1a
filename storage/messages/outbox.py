"""Calls to the Bot API that must happen, and their outcomes.

`sendMessage` has no idempotency key, and a timeout may mean "delivered". So a message is a row, committed together with
the facts that it speaks of (G5). If the network leaves its delivery in doubt, its kind decides (G7): a question or a
receipt is sent again, a reminder is not.

    held ──release──▶
    queued ──claim──▶ sending ──▶ sent | ambiguous | undeliverable
      ▲                  │ certainly not delivered, or in doubt and a reply; lease ran out and a reply
      └──────────────────┘

Replies (prompt, receipt, notice) are born `sending`: the replica that committed them sends them at once, and the lease
serves if that replica dies. A process that is no replica (a command at the server) leaves them `queued`. Fan-out
(reminder, digest, export) is born `queued`, and a claim only puts a lease on it: it is `sending` when its call begins.
So if a process dies with sixty reminders in hand, only those whose call had begun are in doubt; the others are claimed
again. Replies and fan-out are separate lanes: a reminder that waits for the morning delays no answer (G11).

While a restored database is held, messages that an act causes for other people are born `held`. They block no others.

The module is long because every change of a row's state stands here, beside the picture of its states.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, assert_never

import orjson
from sqlalchemy import bindparam, case, false, func, insert, literal_column, null, select, tuple_, update

from storage.database.facts import Facts
from storage.database.models import Card, OutboxMessage, table
from storage.database.statements import Prepared
from storage.database.unit import Repository, Unit
from storage.database.vault import KeyUnknown, SealBroken
from storage.messages import rests
from storage.messages.delivered import Shown, record_cards, record_sent
from storage.messages.freeing import CANCELLED, IS_TAKEN_BACK, TAKEN_BACK, freeing
from storage.messages.leases import Claim
from storage.messages.restricted import DELETIONS, RestrictedMessages

Kind = Literal["prompt", "receipt", "notice", "reminder", "digest", "export"]
Lane = Literal["replies", "fan_out"]

LANES: dict[Lane, tuple[Kind, ...]] = {
    "replies": ("prompt", "receipt", "notice"),
    "fan_out": ("reminder", "digest", "export"),
}
REPLIES: frozenset[str] = frozenset(LANES["replies"])
LOCKED_FOR = timedelta(minutes=1)
"""The pause before a row with a missing key is tried again."""
LEASE = timedelta(seconds=26)
"""With a look every two seconds, another replica takes over within thirty of a death (T11)."""
UPLOAD_LEASE = timedelta(minutes=10)
"""An export may be 45 MB on a slow line, and is never sent twice. So no call begins that could outlast the lease."""


class OutboxDraft(NamedTuple):
    """A call to be made. `payload` has its parameters without chat_id and message_id, which are added here.

    With `card_id` the message becomes (send…) or edits (edit…) that card.
    """

    chat_id: int
    kind: Kind
    method: str
    payload: dict[str, Any]
    card_id: int | None = None
    sensitive: bool = False
    not_before: datetime | None = None
    is_restricted: bool = False
    """It must leave the chat again (`storage.messages.restricted`)."""
    session_id: int | None = None
    """For a restricted message: the draft to which it belongs."""
    is_for_others: bool = False
    """Whether another person's act caused it. Then it waits while a restored database is held."""

    def __repr__(self) -> str:
        """Leave out the payload, because the text may be logged."""
        return f"OutboxDraft(chat_id={self.chat_id}, kind={self.kind!r}, method={self.method!r})"


@dataclass(slots=True)
class OutboxRow:
    """A call that is to be made now. `attempts` counts this claim, so it distinguishes two claims of the same row."""

    id: int
    chat_id: int
    kind: str
    method: str
    payload: dict[str, Any] = field(repr=False)
    card_id: int | None
    sensitive: bool
    attempts: int
    created_at: datetime
    doubts: int = 0
    """How often a call of an earlier claim may have delivered it. Being handed back, or taken over, is no doubt."""
    is_behind: bool = False
    """Set on a row just added, at the latest when it is durable: replies of its chat that nobody or another replica
    has go first."""
    is_held: bool = False
    """Set on a row just added: it waits until a restored database may speak again (`release`)."""


@dataclass(frozen=True, slots=True)
class OpenReply:
    """A reply that is queued or being sent, and by whom."""

    id: int
    chat_id: int
    is_sending: bool
    owner: int | None


# The outcomes of a call. `bot.telegram.verdict` decides which one; this module does what follows.
@dataclass(frozen=True, slots=True)
class Sent:
    """Telegram has it, or did it; `message_id` if it made a message."""

    message_id: int | None = None


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """Telegram certainly does not have it. It may be tried again, but not before `at`; None: at once."""

    at: datetime | None
    reason: str = ""
    doubts: int = 0
    """How many calls before may have delivered it."""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """This person or chat cannot be written to: blocked, deactivated, unknown."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Undeliverable:
    """Telegram refuses this call, and always will."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Nobody knows whether Telegram has it."""

    reason: str = ""


Outcome = Sent | RetryAfter | Unreachable | Undeliverable | Ambiguous

_O = table(OutboxMessage)
_EARLIER = _O.alias("earlier")
_C = table(Card)
_ROW = tuple(_O.c[name] for name in OutboxRow.__slots__ if name not in ("payload", "is_behind", "is_held"))

_IS_REPLY = _O.c.kind.in_(LANES["replies"])
# The index's own condition, written out: SQLite takes a partial index only where it finds that among the terms.
_QUEUED: Any = literal_column("'queued'")
_SENDING: Any = literal_column("'sending'")
_IS_OPEN = _O.c.state.in_((_QUEUED, _SENDING))
# The INSERT itself asks whether another replica, or nobody, has rows of this chat. That saves a journey.
# It sees the table as it was before. The new row's columns are written out: SQLAlchemy would join the table once more.
_IS_BEHIND = (
    select(_EARLIER.c.id)
    .where(
        _EARLIER.c.chat_id == literal_column("outbox.chat_id"),
        _EARLIER.c.state.in_((_QUEUED, _SENDING)),
        _EARLIER.c.kind.in_([literal_column(f"'{kind}'") for kind in LANES["replies"]]),  # not expanded each time
        (_EARLIER.c.state == _QUEUED) | _EARLIER.c.owner.is_distinct_from(literal_column("outbox.owner")),
    )
    .exists()
)
_NEW = insert(_O).values(doubts=literal_column("0"), error=literal_column("''"))
_SENDING_NOW = _NEW.values(state=_SENDING, attempts=literal_column("1"), not_before=null())
_WAITS = _NEW.values(attempts=literal_column("0"), lease_until=null(), owner=null())


def _numbered(new: Any) -> Callable[[str], Any]:
    return lambda dialect: new.returning(_O.c.id, _IS_BEHIND) if dialect == "postgresql" else new


# A row that is queued holds up those behind it, and two rows of one statement do not see each other.
_ADD_SENDING, _ADD_QUEUED = Prepared(_numbered(_SENDING_NOW)), Prepared(_numbered(_WAITS))
_ADD_SENDING_ALONE, _ADD_QUEUED_ALONE = (Prepared(new.returning(_O.c.id, _IS_BEHIND)) for new in (_SENDING_NOW, _WAITS))
_CLAIMABLE = (
    select(_O.c.id)
    .where(
        _IS_OPEN,
        _O.c.state == _QUEUED,
        _O.c.lease_until.is_(None),
        rests.is_over(_O.c.not_before, _IS_REPLY),
        _O.c.kind.in_(bindparam("kinds", expanding=True)),
        # Only the first open row of its chat and lane. The rows behind it wait for it, whatever it waits for.
        ~select(_EARLIER.c.id)
        .where(
            _EARLIER.c.chat_id == _O.c.chat_id,
            _EARLIER.c.state.in_((_QUEUED, _SENDING)),
            _EARLIER.c.id < _O.c.id,
            _EARLIER.c.kind.in_(LANES["replies"]) == _IS_REPLY,
        )
        .exists(),
    )
    .order_by(case((_IS_REPLY, 0), else_=1), _O.c.id)
    .limit(bindparam("limit"))
    .with_for_update(skip_locked=True, of=_O)
)
_CLAIM = (
    update(_O)
    .where(_O.c.id.in_(bindparam("ids", expanding=True)))
    .values(
        state=case((_IS_REPLY, _SENDING), else_=_QUEUED),
        lease_until=bindparam("lease"),
        attempts=_O.c.attempts + 1,
        owner=bindparam("replica"),
    )
    .returning(*_ROW, _O.c.payload, _O.c.sealed_payload)
)
_OPEN_REPLIES = (
    select(_O.c.id, _O.c.chat_id, ((_O.c.state == _SENDING) & _O.c.owner.is_not(None)).label("is_sending"), _O.c.owner)
    .where(_IS_OPEN, _IS_REPLY)
    .order_by(_O.c.id)
)
_TAKE_IN_HAND = (
    update(_O)
    .where(_O.c.id.in_(bindparam("ids", expanding=True)), _O.c.state == _SENDING, _O.c.owner == bindparam("replica"))
    .values(lease_until=bindparam("lease"))
    .returning(*_ROW, _O.c.payload, _O.c.sealed_payload)
)
# The number of attempts identifies the claim. A process that was paused beyond its lease, or taken for dead, begins
# nothing, and what it has to tell of a row counts for nothing once somebody else has claimed it.
_IS_SAME_CLAIM = _O.c.attempts == func.coalesce(bindparam("attempt", type_=_O.c.attempts.type), _O.c.attempts)
_BEGIN = (
    update(_O)
    .where(
        _O.c.id == bindparam("row_id"),
        _O.c.state == _QUEUED,
        _O.c.lease_until.is_not(None),
        _O.c.attempts == bindparam("attempt"),
    )
    .values(
        state="sending", lease_until=func.coalesce(bindparam("lease", type_=_O.c.lease_until.type), _O.c.lease_until)
    )
)
_RENEW = (
    update(_O)
    .where(
        _O.c.id.in_(bindparam("ids", expanding=True)),
        _O.c.state == _QUEUED,
        _O.c.lease_until.is_not(None),
        _O.c.owner.is_not_distinct_from(bindparam("replica", type_=_O.c.owner.type)),
    )
    .values(lease_until=bindparam("lease"))
    .returning(_O.c.id, _O.c.attempts)
)
_SETTLE = Prepared(
    update(_O)
    # The constants are not bound: because of the index of open rows, SQLite would prepare it anew each time.
    .where(_O.c.id == bindparam("row_id"), (_O.c.state == _QUEUED) | (_O.c.state == _SENDING), _IS_SAME_CLAIM)
    .values(
        state=bindparam("new_state"),
        payload=null(),
        sealed_payload=null(),
        lease_until=null(),
        settled_at=bindparam("now"),
        error=bindparam("reason"),
    )
)
_AGAIN = (
    update(_O)
    .where(_O.c.id == bindparam("row_id"), _IS_OPEN, _O.c.lease_until.is_not(None), _IS_SAME_CLAIM)
    .values(
        state="queued",
        lease_until=None,
        not_before=bindparam("at"),
        error=bindparam("reason"),
        doubts=_O.c.doubts + bindparam("doubts"),
    )
)
_TAKE_BACK = (
    update(_O)
    .where(_O.c.id == bindparam("row_id"), _O.c.state == _SENDING, IS_TAKEN_BACK, _IS_SAME_CLAIM)
    .values(**TAKEN_BACK)
)
_IS_TAKEN_BACK = select(_O.c.id).where(_O.c.id == bindparam("row_id"), IS_TAKEN_BACK)
_RELEASE = update(_O).where(_O.c.state == "held").values(state="queued")
_KIND = select(_O.c.kind).where(_O.c.id == bindparam("row_id"))
_LEASED = select(_O.c.id, _O.c.attempts, _O.c.lease_until, (_O.c.kind == "export") & (_O.c.state == _SENDING)).where(
    _IS_OPEN, _O.c.lease_until.is_not(None), _O.c.id.not_in(bindparam("in_hand", expanding=True))
)
_IS_EXPIRED = tuple_(_O.c.id, _O.c.attempts, _O.c.lease_until).in_(bindparam("claims", expanding=True))
_IS_ORPHANED = _O.c.lease_until.is_not(None) & _O.c.owner.in_(bindparam("owners", expanding=True))
_FREE_EXPIRED = freeing(_IS_EXPIRED, _IS_OPEN, _IS_REPLY)
_FREE_ORPHANED = freeing(_IS_ORPHANED, _IS_OPEN, _IS_REPLY)
_WAKE = (
    update(_O)
    .where(_O.c.id.in_(bindparam("ids", expanding=True)), _O.c.state == _QUEUED, _O.c.lease_until.is_(None))
    .where(_O.c.owner == bindparam("replica"))
    .values(not_before=None)
)
_MADE_LATER = select(_O.c.id, _O.c.created_at, _O.c.not_before).where(
    _IS_OPEN, _IS_REPLY, _O.c.state == _QUEUED, _O.c.not_before > bindparam("now"), _O.c.created_at > bindparam("now")
)
_REST = (
    update(_O)
    .where(_O.c.id == bindparam("row_id"), _O.c.state == _QUEUED, _O.c.lease_until.is_(None))
    .values(not_before=bindparam("at"))
)
_WAITING = select(_O.c.state, func.count()).where(_IS_OPEN).group_by(_O.c.state)
_NEW_CARD = insert(_C).values(message_id=null(), is_gone=false())
_ADD_CARD, _ADD_CARD_NUMBERED = Prepared(_NEW_CARD.returning(_C.c.id)), Prepared(_NEW_CARD)
_CARD_MESSAGE = Prepared(select(_C.c.message_id).where(_C.c.id == bindparam("card_id"), ~_C.c.is_gone))
_CARD_AT = (
    select(_C.c.id)
    .where(_C.c.chat_id == bindparam("chat_id"), _C.c.message_id == bindparam("message_id"))
    .order_by(_C.c.id.desc())
    .limit(1)
)
_GONE = Prepared(update(_C).where(_C.c.id == bindparam("card")).values(is_gone=True))


class Outbox(Repository):
    """Rows that wait to be sent, are being sent, or are settled."""

    def __init__(self, unit: Unit) -> None:
        super().__init__(unit)
        self.locked: list[KeyUnknown] = []
        """The missing keys because of which some rows could not be claimed."""

    def add(self, draft: OutboxDraft, *, now: datetime, lease: timedelta = LEASE) -> OutboxRow:
        """Add a row. A reply is born `sending`: the caller sends it as soon as the unit commits.

        A reply that must wait (`not_before` later than now) and all fan-out are born `queued`. So is every row that a
        command at the server adds, because the command sends nothing. The sending process claims them when it looks
        next.
        """
        chat_id, kind, method, payload, card_id, sensitive, not_before, is_restricted, session_id, is_for_others = draft
        unit = self._unit
        waits = not_before is not None and not_before > now
        is_held = is_for_others and unit.of(Facts).is_held()
        is_sending = kind in REPLIES and not waits and not is_held and unit.replica_id is not None
        if is_restricted:
            if card_id is None:
                card_id = self.new_card(chat_id)  # so that its number at Telegram will be known
            unit.of(RestrictedMessages).note_card(chat_id, card_id, now, session_id=session_id)
        said = orjson.dumps(payload)
        values: dict[str, Any] = {
            "chat_id": chat_id,
            "kind": kind,
            "method": method,
            "card_id": card_id,
            "sensitive": sensitive,
            "payload": None if sensitive else said.decode(),
            "sealed_payload": unit.vault.seal_bytes(said, row(chat_id, card_id, method, now)) if sensitive else None,
            "created_at": now,
        }
        if is_sending:
            values["lease_until"] = now + lease
            values["owner"] = unit.replica_id
        else:
            values["state"] = "held" if is_held else "queued"
            values["not_before"] = not_before
        added = OutboxRow(0, chat_id, kind, method, payload, card_id, sensitive, int(is_sending), now, is_held=is_held)

        def take(found: Sequence[Any]) -> None:
            added.is_behind = is_sending and found[1]

        number = unit.add(_O.name, _ADD_SENDING if is_sending else _ADD_QUEUED, values, take)
        if number is None:
            alone = _ADD_SENDING_ALONE if is_sending else _ADD_QUEUED_ALONE
            number, is_behind = alone.first(self._connection, values)
            added.is_behind = is_sending and is_behind
        added.id = number
        return added

    def release(self) -> int:
        """Queue the held messages. Returns how many."""
        return self._connection.execute(_RELEASE).rowcount

    def claim(
        self,
        now: datetime,
        lease_until: datetime,
        limit: int = 30,
        lanes: Collection[Lane] = ("replies", "fan_out"),
    ) -> list[OutboxRow]:
        """Take up to `limit` due rows for sending, replies first; no other claim sees them until the lease ends.

        Replies are `sending` from now on, fan-out when its call begins.

        In each chat and lane only the first open row can be claimed. So even two replicas keep the order within a chat:
        the second row follows when the first is settled.
        """
        kinds = [kind for lane in lanes for kind in LANES[lane]]
        which = {"kinds": kinds, "limit": limit, **rests.at(now, rests.LONGEST_REFUSAL)}
        ids = self._connection.execute(_CLAIMABLE, which).scalars().all()
        if not ids:
            return []
        order = {id: place for place, id in enumerate(ids)}
        values = {"ids": list(ids), "lease": lease_until, "replica": self._unit.replica_id}
        rows = self._connection.execute(_CLAIM, values).all()
        return self._loaded(sorted(rows, key=lambda found: order[found.id]), now)

    def open_replies(self, chats: Collection[int] | None = None, *, owner: int | None = None) -> list[OpenReply]:
        """Replies that wait or are being sent, oldest first: all, or only those of these chats and of this owner."""
        found = _OPEN_REPLIES
        if chats is not None:
            mine = (_O.c.state == _SENDING) & (_O.c.owner == owner)
            of_these = _O.c.chat_id.in_(list(chats))
            found = found.where(of_these if owner is None else of_these | mine)
        return [OpenReply(*row) for row in self._connection.execute(found)]

    def _loaded(self, rows: Sequence[Any], now: datetime) -> list[OutboxRow]:
        """Open these rows. A row whose key is missing waits, and only its chat waits with it.

        A row whose seal is broken can never be sent, and holds up nobody.
        """
        loaded = []
        for found in rows:
            try:
                loaded.append(self._load(found))
            except KeyUnknown as error:
                self.locked.append(error)
                self._again(found.id, now + LOCKED_FOR, str(error), now)
            except SealBroken:
                self._settle(found.id, "undeliverable", "the seal is broken", now)
        return loaded

    def take_in_hand(self, ids: Collection[int], lease_until: datetime) -> list[OutboxRow]:
        """Claim those of these rows that this replica is sending, oldest first, under a new lease.

        It is for rows that the replica committed without knowing it: nobody sends them.
        """
        values = {"ids": list(ids), "lease": lease_until, "replica": self._unit.replica_id}
        rows = self._connection.execute(_TAKE_IN_HAND, values).all()
        return [self._load(found) for found in sorted(rows, key=lambda found: found.id)]

    def begin(self, row: OutboxRow, lease_until: datetime | None = None) -> bool:
        """Note that the call for this claimed fan-out begins, under a new lease if one is given.

        After a crash from now on, it is in doubt whether it was sent. So whatever takes time comes before. If it
        returns False, make no call: the row was taken back, or somebody else has it since the lease has run out.
        """
        values = {"row_id": row.id, "attempt": row.attempts, "lease": lease_until}
        return self._connection.execute(_BEGIN, values).rowcount == 1

    def renew(self, ids: Collection[int], lease_until: datetime) -> dict[int, int]:
        """Extend the leases of the fan-out that this replica has claimed and not begun.

        Return the rows that are still its own, with their attempts, which distinguish two claims.
        """
        values = {"ids": list(ids), "lease": lease_until, "replica": self._unit.replica_id}
        return {row.id: row.attempts for row in self._connection.execute(_RENEW, values)}

    def record(self, id: int, outcome: Outcome, now: datetime, attempt: int | None = None) -> bool:
        """Note the outcome of a call. False, and nothing changed, if the row was settled already.

        With `attempt`, nothing changes either if the row has been claimed again since: another process is sending it.
        A settled row loses its payload: only the fact that it was sent is remembered.
        """
        match outcome:
            case Sent():
                return self._settle(id, "sent", "", now, attempt)
            case RetryAfter(at, reason, doubts):
                return self._again(id, at, reason, now, attempt, doubts)
            case Ambiguous(reason):
                kind = self._connection.execute(_KIND, {"row_id": id}).scalar_one_or_none()
                if kind in REPLIES:
                    return self._again(id, None, reason, now, attempt, doubts=1)
                return self._settle(id, "ambiguous", reason, now, attempt)
            case Unreachable(reason) | Undeliverable(reason):
                return self._settle(id, "undeliverable", reason, now, attempt)
            case _:
                assert_never(outcome)

    def record_all(self, outcomes: Sequence[tuple[OutboxRow, Outcome, datetime]]) -> None:
        """Record the outcomes of many calls for rows that were claimed, each with its time.

        One statement does it for all that were sent, which are nearly all.
        """
        if sent := [(row.id, row.attempts, at) for row, outcome, at in outcomes if isinstance(outcome, Sent)]:
            record_sent(self._unit, sent)
        for row, outcome, at in outcomes:
            if not isinstance(outcome, Sent):
                self.record(row.id, outcome, at, row.attempts)

    def states(self, ids: Collection[int]) -> dict[int, tuple[str, str]]:
        """The state of these rows, and its reason. Deleted rows are left out."""
        found = self._connection.execute(select(_O.c.id, _O.c.state, _O.c.error).where(_O.c.id.in_(list(ids))))
        return {row.id: (row.state, row.error) for row in found}

    def leased(self, in_hand: Collection[int] = ()) -> list[Claim]:
        """Return the claims that somebody holds, but for the rows that the caller has in hand."""
        found = self._connection.execute(_LEASED, {"in_hand": list(in_hand)}).all()
        return [Claim(id, attempts, until, UPLOAD_LEASE if is_up else LEASE) for id, attempts, until, is_up in found]

    def settle_expired(self, claims: Collection[Claim], now: datetime) -> tuple[int, int]:
        """Settle these rows, whose sender died: replies are queued again, fan-out is ambiguous. Return both numbers.

        Fan-out that was claimed but never begun is free again. A claim that its sender has renewed or given up since
        is left alone.
        """
        if not claims:
            return 0, 0
        values = {"claims": [claim.key for claim in claims], "now": now, "reason": "lease ran out"}
        return self._free(_FREE_EXPIRED, values)

    def take_over(self, owners: Collection[int], now: datetime) -> tuple[int, int]:
        """Settle the rows of these ended replicas in the same way, without waiting for their leases."""
        self.shorten_rests(now)
        return self._free(_FREE_ORPHANED, {"owners": list(owners), "now": now, "reason": "its process ended"})

    def shorten_rests(self, now: datetime) -> None:
        """Let replies rest no longer than was meant, if the clock has been set back since they were made.

        Who handed one back remembers how long it was to rest, but a process that has ended does not. The row does not
        say when that was written. It was not before the row was made.
        """
        for found in self._connection.execute(_MADE_LATER, {"now": now}).all():
            at = now + (found.not_before - found.created_at)
            self._connection.execute(_REST, {"row_id": found.id, "at": at})

    def _free(self, statements: tuple[Any, ...], values: Mapping[str, Any]) -> tuple[int, int]:
        *_, again, doubtful = (self._connection.execute(statement, values).rowcount for statement in statements)
        return again, doubtful

    def cancel(self, chat_id: int, now: datetime, *, kinds: Collection[Kind] | None = None) -> int:
        """Drop the rows that are queued for a chat (off-boarding, a pause). Deletions of messages stay.

        A call that is being made cannot be taken back. But if it fails, it is not made again.
        """
        theirs = [_O.c.chat_id == chat_id, _O.c.method.not_in(DELETIONS)]
        if kinds is not None:
            theirs.append(_O.c.kind.in_(list(kinds)))
        self._connection.execute(update(_O).where(*theirs, _O.c.state == _SENDING).values(error=CANCELLED))
        dropped = update(_O).where(*theirs, _O.c.state.in_((_QUEUED, "held")))
        return self._connection.execute(dropped.values(error=CANCELLED, **TAKEN_BACK), {"now": now}).rowcount

    def is_taken_back(self, id: int) -> bool:
        """Whether the row was cancelled while its call was made."""
        return self._connection.execute(_IS_TAKEN_BACK, {"row_id": id}).first() is not None

    def wake(self, ids: Collection[int]) -> None:
        """End the pause of those of these rows that this replica has handed back and nobody has claimed since."""
        self._connection.execute(_WAKE, {"ids": list(ids), "replica": self._unit.replica_id})

    def withdraw(self, ids: Collection[int], reason: str, now: datetime) -> int:
        """Drop the rows that are not being sent yet, claimed or not. Return how many."""
        dropped = update(_O).where(_O.c.id.in_(list(ids)), _O.c.state == _QUEUED)
        return self._connection.execute(dropped.values(error=reason, **TAKEN_BACK), {"now": now}).rowcount

    def counts(self) -> dict[str, int]:
        """Return how many rows there are in each state."""
        rows = self._connection.execute(select(_O.c.state, func.count()).group_by(_O.c.state))
        return {state: number for state, number in rows}  # noqa: C416

    def waiting(self) -> dict[str, int]:
        """Return how many rows are queued, and how many are being sent. It reads an index of open rows only."""
        rows = self._connection.execute(_WAITING)
        return {"queued": 0, "sending": 0} | {state: number for state, number in rows}  # noqa: C416

    # -------------------------------------------------------------- cards
    def new_card(self, chat_id: int) -> int:
        """Make a card. Its Telegram number is not known before it is sent."""
        values = {"chat_id": chat_id}
        number = self._unit.add(_C.name, _ADD_CARD_NUMBERED, values)
        return int(_ADD_CARD.first(self._connection, values)[0]) if number is None else number

    def card_message_id(self, card_id: int) -> int | None:
        """The Telegram number of a card that can be edited; None if it has not been delivered, or is gone."""
        found = _CARD_MESSAGE.first(self._connection, {"card_id": card_id})
        return None if found is None else found[0]

    def card_at(self, chat_id: int, message_id: int) -> int | None:
        """Return the card that this message shows: the one on which somebody tapped."""
        return self._connection.execute(_CARD_AT, {"chat_id": chat_id, "message_id": message_id}).scalar_one_or_none()

    def place(self, cards: Mapping[int, int | None], by: Mapping[int, OutboxRow] = MappingProxyType({})) -> None:
        """Record which message each card is. None: it cannot be edited, so the next edit is sent as a message.

        `by` are the rows that have made the cards so. What a row tells of its card counts for nothing once somebody
        else has claimed that row, or its card was edited past it.
        """
        standing = {
            card: Shown(number, by[card].id, by[card].attempts) if card in by else Shown(number)
            for card, number in cards.items()
            if number is not None
        }
        if standing:
            record_cards(self._unit, standing)
        gone = [{"card": card} for card, number in cards.items() if number is None]
        if gone:
            self._unit.write_each(_GONE, gone)

    def _settle(self, id: int, state: str, reason: str, now: datetime, attempt: int | None = None) -> bool:
        values = {"row_id": id, "new_state": state, "reason": reason, "now": now, "attempt": attempt}
        return _SETTLE.count(self._connection, values) == 1

    def _again(
        self, id: int, at: datetime | None, reason: str, now: datetime, attempt: int | None = None, doubts: int = 0
    ) -> bool:
        """Queue the row again, unless it was taken back while its call was made."""
        values = {"row_id": id, "attempt": attempt}
        if self._connection.execute(_TAKE_BACK, values | {"now": now}).rowcount == 1:
            return True
        return self._connection.execute(_AGAIN, values | {"at": at, "reason": reason, "doubts": doubts}).rowcount == 1

    def _load(self, found: Any) -> OutboxRow:
        text = found.payload
        if found.sealed_payload is not None:
            name = row(found.chat_id, found.card_id, found.method, found.created_at)
            text = self._unit.vault.open(found.sealed_payload, name)
        own = {column.name: getattr(found, column.name) for column in _ROW}
        return OutboxRow(**own, payload=orjson.loads(text or "{}"))


def row(chat_id: int, card_id: int | None, method: str, created_at: datetime) -> str:
    """The name that the seal of an outbox row is bound to: the chat, the message, and the time.

    It is known before the row has a number, so the row is written once. To move a text to another row, somebody would
    have to move all of these with it.
    """
    said_at = created_at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return f"outbox:{chat_id}:{card_id or 0}:{method}:{said_at}"
