"""What happened, in order: what phones were shown, and what the bot called."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from bot.sandbox.clock import Bell

Json = dict[str, Any]

KEPT_ENTRIES: Final = 20_000
"""How many entries of the ledger, and of the bot's calls, can still be read."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that a phone was shown. `what`: send, edit, delete, answer, pin, unpin, reaction, typing, draft."""

    seq: int
    at: float
    chat: int
    what: str
    message_id: int | None
    message: Json | None
    details: Json

    def as_json(self) -> Json:
        return {
            "seq": self.seq, "at": self.at, "chat": self.chat, "what": self.what, "message_id": self.message_id,
            "message": self.message, **self.details,
        }  # fmt: skip


Entry = TypeVar("Entry")


class Journal(list[Entry]):
    """The latest entries, oldest first. `total` counts all that there ever were; entries are numbered from 1.

    A sandbox may run for weeks, so only about `keep` entries are kept.
    """

    def __init__(self, keep: int) -> None:
        super().__init__()
        self.keep = keep
        self.total = 0

    def add(self, entry: Entry) -> None:
        self.append(entry)
        self.total += 1
        if len(self) > self.keep * 5 // 4:  # rarely and many at once, because each cut moves the whole list
            del self[: -self.keep]

    def since(self, seq: int) -> Iterator[Entry]:
        """Entries after number `seq` that are still kept."""
        for at in range(max(seq - (self.total - len(self)), 0), len(self)):
            yield self[at]

    def clear(self) -> None:
        """Delete all, and number from 1 again."""
        super().clear()
        self.total = 0


class Ledger:
    """What every phone was shown, oldest first. Entries never change."""

    def __init__(self, keep: int = KEPT_ENTRIES) -> None:
        self.entries: Journal[Seen] = Journal(keep)
        self.bell = Bell()

    def write(self, at: float, chat: int, what: str, message: Json | None = None, **details: Any) -> Seen:
        message_id = details.pop("message_id", None) or (message["message_id"] if message else None)
        seen = Seen(self.entries.total + 1, at, chat, what, message_id, message, details)
        self.entries.add(seen)
        self.bell.ring()
        return seen

    def since(self, seq: int = 0, chat: int | None = None) -> Iterator[Seen]:
        """Entries after number `seq`."""
        return (seen for seen in self.entries.since(seq) if chat is None or seen.chat == chat)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One call of the bot. The token is nowhere in it."""

    seq: int
    at: float
    method: str
    chat: int | str | None
    params: Json
    status: int  # HTTP; 0 if the connection was cut without an answer
    description: str
    fault: str
    unknown: list[str]
    via: str = "http"

    def as_json(self) -> Json:
        return {
            "seq": self.seq, "at": self.at, "method": self.method, "chat": self.chat, "params": self.params,
            "status": self.status, "ok": self.status == 200, "description": self.description, "fault": self.fault,
            "unknown": self.unknown, "via": self.via,
        }  # fmt: skip


def chat_in(body: object) -> int | None:
    """The chat that an update's body is about, directly or through its message."""
    holder = body.get("message", body) if isinstance(body, dict) else None
    chat = holder.get("chat") if isinstance(holder, dict) else None
    number = chat.get("id") if isinstance(chat, dict) else None
    return number if isinstance(number, int) else None
