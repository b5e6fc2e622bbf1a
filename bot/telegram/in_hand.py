"""Rows of the outbox in the hands of delivery: claimed, taken over and recorded, each inside one unit."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from storage.database.vault import KeyUnknown
from storage.messages import outbox
from storage.messages.leases import Watch
from storage.messages.outbox import LEASE, UPLOAD_LEASE, OpenReply, OutboxRow
from storage.messages.silence import note_silence, silent_until
from storage.unit_of_work import UnitOfWork
from storage.upkeep import lineage

REPLIES_CLAIMED: Final = 200
REPLY_LANE: Final[tuple[outbox.Lane, ...]] = ("replies",)
FAN_OUT_LANE: Final[tuple[outbox.Lane, ...]] = ("fan_out",)


class Note(NamedTuple):
    """One row's outcome on its way into the database."""

    row: OutboxRow
    outcome: outbox.Outcome
    """`RetryAfter`: handed back."""
    message_id: int | None = None
    """The message that the card has become."""
    is_card_gone: bool = False
    at: datetime | None = None
    """When its call began; None: no call was made."""


@dataclass(frozen=True, slots=True)
class Found:
    """The rows and facts that a look into the outbox found."""

    rows: tuple[OutboxRow, ...]
    is_more: bool
    waiting: frozenset[int]
    """The parked chats that still have replies in the outbox which we do not have in hand."""
    ours: frozenset[int] = frozenset()
    """Those of the rows that we committed or claimed, and did not have in hand."""
    locked: tuple[KeyUnknown, ...] = ()
    """The missing keys because of which due rows could not be opened."""
    renewed: Mapping[int, int] = field(default_factory=dict)
    """The rows whose lease was renewed, and their claims."""


SecondLook = Callable[[UnitOfWork, Sequence[OutboxRow], datetime], Sequence[OutboxRow]]
"""Called inside the unit that claims fan-out.

It returns the rows that are still to be sent, with their words as of now (G8).
"""


def as_claimed(unit: UnitOfWork, rows: Sequence[OutboxRow], now: datetime) -> Sequence[OutboxRow]:
    return rows


def find_left(unit: UnitOfWork, now: datetime) -> tuple[frozenset[int], datetime | None]:
    """Return the chats whose replies go first, and the time before which Telegram wants no calls."""
    unit.outbox.shorten_rests(now)
    chats = frozenset(reply.chat_id for reply in unit.outbox.open_replies())
    reopens_at = silent_until(unit, now)
    return chats, reopens_at if reopens_at is not None and reopens_at > now else None


@dataclass(frozen=True, slots=True)
class Asked:
    """The facts that delivery brings when it looks into the outbox."""

    fan_out: int
    """How many rows of it there is room for."""
    parked: frozenset[int]
    in_hand: frozenset[int]
    returning: frozenset[int]
    """Chats whose replies are being handed back. What we have in hand of these chats is about to change."""
    is_in_doubt: bool = False
    """Whether a commit may have succeeded without anybody being told."""
    overslept: tuple[int, ...] = ()
    """Rows that we handed back for a pause which is over, though the wall clock, set back since, says otherwise."""
    waiting: Collection[int] = ()
    """The fan-out that we have in hand, that has not begun, and whose lease must be renewed."""


def look(
    unit: UnitOfWork,
    now: datetime,
    asked: Asked,
    watch: Watch,
    steady: Callable[[], float],
    second_look: SecondLook = as_claimed,
) -> Found:
    """Settle expired rows, claim those that are due, and take in hand our own that nobody is sending.

    The leases of what waits in our hands are renewed. A process that stands still renews none. `steady` tells the time
    of the clock that never jumps. If somebody has restored the tables, nothing is claimed, and they are held.
    """
    if lineage.hold_copy(unit, now):
        return Found((), False, frozenset())
    unit.outbox.settle_expired(watch.run_out(unit.outbox.leased(asked.in_hand), steady()), now)
    renewed = unit.outbox.renew(asked.waiting, now + LEASE) if asked.waiting else {}
    if asked.overslept:
        unit.outbox.wake(asked.overslept)
    replies = unit.outbox.claim(now, now + LEASE, REPLIES_CLAIMED, REPLY_LANE)
    claimed = unit.outbox.claim(now, now + LEASE, asked.fan_out, FAN_OUT_LANE) if asked.fan_out else []
    others = second_look(unit, claimed, now) if claimed else []
    locked = tuple(unit.outbox.locked)
    is_more = len(replies) == REPLIES_CLAIMED
    if not asked.parked and not asked.is_in_doubt:
        return Found((*replies, *others), is_more, frozenset(), locked=locked, renewed=renewed)
    me = unit.replica_id
    found = unit.outbox.open_replies(asked.parked, owner=me if asked.is_in_doubt else None)
    left, waiting = left_behind(found, asked, {row.id for row in replies}, me)
    taken = unit.outbox.take_in_hand(left, now + LEASE) if left else []
    return Found((*replies, *taken, *others), is_more, waiting, frozenset(row.id for row in taken), locked, renewed)


def left_behind(
    replies: Sequence[OpenReply], asked: Asked, claimed: Collection[int], me: int | None
) -> tuple[list[int], frozenset[int]]:
    """Return the open replies that we committed and do not have in hand, and the chats where another replica's replies
    go first.
    """
    left: list[int] = []
    waiting: set[int] = set()
    for reply in replies:
        if reply.id in asked.in_hand or reply.id in claimed or reply.chat_id in waiting:
            continue
        is_mine = me is not None and reply.is_sending and reply.owner == me
        if is_mine and reply.chat_id not in asked.returning:
            left.append(reply.id)
        else:
            waiting.add(reply.chat_id)
    return left, frozenset(waiting)


def lease_of_call(row: OutboxRow) -> timedelta:
    """Return how long a row is ours from the moment its call begins."""
    return UPLOAD_LEASE if row.kind == "export" else LEASE


def is_taken_back(unit: UnitOfWork, row: OutboxRow) -> bool:
    """Whether this row was cancelled while its call was made. If that failed, hand the row back: it is dropped then."""
    return unit.outbox.is_taken_back(row.id)


def write(unit: UnitOfWork, notes: Sequence[Note], reopens_at: datetime | None, now: datetime) -> None:
    """Record the outcomes of these rows, and what they mean for cards and people.

    A message counts for the day of its call, because the database may have been away since. What another process has
    claimed meanwhile is its own to record.
    """
    unit.outbox.record_all([(note.row, note.outcome, note.at or now) for note in notes])
    cards: dict[int, int | None] = {}
    by: dict[int, OutboxRow] = {}
    for note in notes:
        if note.row.card_id is not None and (note.message_id is not None or note.is_card_gone):
            cards[note.row.card_id] = note.message_id  # of several words on a card, the last one
            by[note.row.card_id] = note.row
    unit.outbox.place(cards, by)
    for chat_id in {note.row.chat_id for note in notes if isinstance(note.outcome, outbox.Unreachable)}:
        unit.people.mark_unreachable(chat_id, now)
        unit.outbox.cancel(chat_id, now, kinds=outbox.LANES["fan_out"])
    if reopens_at is not None:
        note_silence(unit, reopens_at, now)
