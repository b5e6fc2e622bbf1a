"""The rows that delivery has in hand: each row once, each chat's rows one after the other.

A chat has two lanes, one for replies and one for fan-out, so a reminder that waits delays no answer. A slow or blocked
chat delays no other chat. The rows of a lane are sent in the order in which they were committed.

A row is ours while its lease runs and we live. How long it has run is counted on the clock that never jumps. While
fan-out waits for its picture or its turn, its lease is renewed. What cannot be sent well before its lease ends is
handed back to the outbox (`queued`, with its `not_before`). Its chat
is *parked* then: until the sweep has brought the row again, each later reply to that chat is handed back behind it, so
that the order survives. A chat is also parked if another replica has replies to it, or if we may have committed some
without knowing it.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from bot.telegram.methods import makes_message
from bot.telegram.verdict import UNTRIED, Tried
from storage.messages import outbox
from storage.messages.outbox import REPLIES, OutboxRow

FAN_OUT_IN_HAND: Final = 60
MARGIN: Final = 16.0
"""No call starts with fewer seconds left of its lease: the longest call (`http.TIMEOUT`) must fit in."""
UPLOAD_MARGIN: Final = 9 * 60.0
FOUND_REMEMBERED: Final = 10_000


@dataclass(slots=True)
class Held:
    """A row in our hands, and until when it is certainly ours, on the clock that never jumps."""

    row: OutboxRow
    ours_until: float
    fed_at: float = 0.0
    """When it was committed, if it is the first answer to an update; on the event loop's clock."""
    called_at: datetime | None = None
    """When the last call for it began; None: none has."""
    tried: Tried = field(default=UNTRIED, init=False)
    asks: bool = field(default=False, init=False)
    """Whether its call is made to learn whose a silence is."""
    is_reply: bool = field(init=False)
    makes_message: bool = field(init=False)
    """This and `is_reply` are asked several times for each call."""
    has_begun: bool = field(init=False)
    """Whether a call may be made: a reply's always, fan-out's once the database knows of it."""
    margin: float = field(default=0.0, init=False)
    """Seconds of the lease that must be left when its call begins; 0 before the database knows of it."""
    is_disowned: bool = field(default=False, init=False)
    """Whether it is not certainly ours any more, whatever its lease says."""

    def __post_init__(self) -> None:
        self.is_reply = self.has_begun = self.row.kind in REPLIES
        self.makes_message = makes_message(self.row.method)
        if self.has_begun:
            self.margin = MARGIN

    def has_time(self, at: float) -> bool:
        """Whether the row is still ours at this moment; if it has begun, until a call begun then has ended.

        Fan-out gets a whole lease when it begins.
        """
        return at + self.margin <= self.ours_until and not self.is_disowned

    def begins(self, ours_until: float) -> None:
        """Note that the database knows of its call."""
        self.ours_until, self.has_begun = ours_until, True
        self.margin = UPLOAD_MARGIN if self.row.kind == "export" else MARGIN


class Lane:
    """The replies to one chat, or the fan-out to it, that are in our hands, oldest first."""

    __slots__ = ("held", "key")

    def __init__(self, key: tuple[int, bool]) -> None:
        self.key = key
        self.held: deque[Held] = deque()


class Lanes:
    """The rows in hand, by chat and kind, and the chats that are parked."""

    def __init__(self) -> None:
        self._lanes: dict[tuple[int, bool], Lane] = {}
        self.rows: dict[int, int] = {}
        """Rows that are in a lane, or whose outcome is not recorded yet, and by which attempt. They must not be taken
        up a second time by the same one."""
        self._found: dict[int, None] = {}
        """The rows of ours that were found in the outbox last. If the answer to their COMMIT comes late, they are fed
        after they were sent."""
        self.fan_out = 0
        """How many of them are fan-out."""
        self.parked: dict[int, int] = {}
        """Chats that have, or may have, rows in the outbox that must be sent first. Each has the number of its parking,
        so that a look into the outbox ends no parking that is later than itself."""
        self._parkings = 0
        self.returning: Counter[int] = Counter()
        """By chat, the replies that are being handed back: they are counted as in hand, but will not be for long."""

    def __bool__(self) -> bool:
        """Whether there is anything to send."""
        return bool(self._lanes)

    @property
    def room(self) -> int:
        """Return how much more fan-out may be claimed."""
        return max(0, FAN_OUT_IN_HAND - self.fan_out)

    def take(self, row: OutboxRow) -> bool:
        """Put this row in hand; return False if it was in hand already, by this claim or a later one."""
        if self.rows.get(row.id, -1) >= row.attempts:
            return False
        self.rows[row.id] = row.attempts
        if row.kind not in REPLIES:
            self.fan_out += 1
        return True

    def find(self, row: OutboxRow) -> bool:
        """Put a row in hand that stood in the outbox as ours, and that nobody had told us of."""
        if len(self._found) >= FOUND_REMEMBERED:
            del self._found[next(iter(self._found))]
        self._found[row.id] = None
        return self.take(row)

    def is_found(self, row: OutboxRow) -> bool:
        """Whether this row, of which we are told only now, was found before."""
        return row.id in self._found

    def put(self, held: Held) -> Lane | None:
        """Put a row at the end of its lane. Returns the lane if it is new: somebody has to drain it."""
        key = held.row.chat_id, held.is_reply
        lane = self._lanes.get(key)
        if lane is not None:
            lane.held.append(held)
            return None
        lane = self._lanes[key] = Lane(key)
        lane.held.append(held)
        return lane

    def end(self, lane: Lane) -> None:
        """Note that a lane is empty."""
        del self._lanes[lane.key]

    def disown(self) -> None:
        """Note that nothing in a lane is certainly ours any more: no call for it may begin."""
        for lane in self._lanes.values():
            for held in lane.held:
                held.is_disowned = True

    def waiting(self, before: float) -> list[Held]:
        """Return the fan-out that has not begun and that is certainly ours only until some moment before then."""
        held_rows = (held for lane in self._lanes.values() for held in lane.held)
        return [held for held in held_rows if not (held.has_begun or held.is_disowned) and held.ours_until < before]

    def drop_fan_out(self, chat_id: int, current: Lane) -> list[OutboxRow]:
        """Remove the fan-out to this chat that has not begun, and return it.

        In any other lane than `current`, the first row has begun already.
        """
        lane = self._lanes.get((chat_id, False))
        if lane is None:
            return []
        being_sent = 0 if lane is current else 1
        return [lane.held.pop().row for _ in range(len(lane.held) - being_sent)]

    def park(self, chat_id: int) -> None:
        """Let later replies to this chat go through the outbox, behind those that are there."""
        self._parkings += 1
        self.parked[chat_id] = self._parkings

    def unpark(self, parkings: Mapping[int, int]) -> None:
        """End these parkings. A chat that was parked again since stays so."""
        for chat_id, number in parkings.items():
            if self.parked.get(chat_id) == number:
                del self.parked[chat_id]

    def returns(self, row: OutboxRow) -> None:
        """Note that a row is being handed back. Later replies to its chat go behind it."""
        if row.kind in REPLIES:
            self.park(row.chat_id)
            self.returning[row.chat_id] += 1

    def forget(self, row: OutboxRow, outcome: outbox.Outcome | None) -> bool:
        """Forget a row that was recorded, or never begun (None).

        Return True if the outbox may have more for us now: its chat is parked, or there is room for fan-out again.
        """
        if self.rows.get(row.id) == row.attempts:
            del self.rows[row.id]
        if row.kind not in REPLIES:
            self.fan_out -= 1
            if self.fan_out == FAN_OUT_IN_HAND // 3:
                return True
        elif isinstance(outcome, outbox.RetryAfter):
            self.returning[row.chat_id] -= 1
            if not self.returning[row.chat_id]:
                del self.returning[row.chat_id]
        return row.chat_id in self.parked
