"""What can happen to a session: one closed union.

A keyboard stays clickable for ever, a tap may arrive twice or after the text that followed it, and messages
can be edited hours later. So every event says what it was for: a tap carries the turn its button was drawn
in, a typed answer the message it came in.
"""

from dataclasses import dataclass
from typing import Literal

TapAction = Literal[
    "pick",  # choose the choice at this position (select_one), or the acknowledgement
    "on",  # mark a choice of a select_multiple; "off" takes the mark away. Both are idempotent
    "off",
    "done",  # what is marked is the answer
    "page",  # show this page of choices, without changing anything
    "month",  # show this month of the calendar, YYYY-MM
    "day",  # answer with this date, YYYY-MM-DD
    "value",  # answer with this literal value (number buttons)
    "gather",  # the number a stepper shows now, or the hour of the day; nothing is answered yet
    "minute",  # answer with what was gathered and this minute
    "undo",  # take back what was gathered last: a rank, a point
    "add",  # one more instance of the repeat one stands behind
    "which",  # which instance to "edit" or to "remove"
    "change",  # the answers of the instance with this number
    "remove",  # the instance with this number, or the one the question stands in
    "read",  # of several ways to read what was typed, take this one
    "keep",  # the same as in the previous report
    "same",  # the whole report as the previous one
    "rest",  # leave the remaining numbers of the group as they are
    "skip",
    "back",
    "leave",  # keep the draft and go
    "list",  # from the review screen: which answer to change
    "edit",  # change the answer to the question with this number
    "review",  # back to the review screen
    "confirm",  # yes, change it, although other answers will no longer apply
    "cancel",  # no, leave it as it was
    "send",
]


@dataclass(frozen=True, slots=True)
class Typed:
    """A text message; `origin` is its number in the chat, so that editing it later corrects this answer."""

    text: str
    origin: int


@dataclass(frozen=True, slots=True)
class Corrected:
    """The respondent edited the message `origin`."""

    text: str
    origin: int


@dataclass(frozen=True, slots=True)
class Tap:
    """A button of the card drawn in `turn`; `argument` is what the button carried."""

    turn: int
    action: TapAction
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Located:
    """A shared place; degrees, metres (accuracy may be unknown)."""

    latitude: float
    longitude: float
    accuracy: float | None
    origin: int


@dataclass(frozen=True, slots=True)
class Offered:
    """A file that was sent and is still at Telegram. `file_id` is how to fetch it; sizes in bytes."""

    kind: Literal["photo", "document", "video", "audio", "voice", "other"]
    file_id: str
    unique_id: str
    name: str
    mime_type: str
    size: int | None
    album: str
    origin: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """The file has been fetched, inspected and stored under `file_name`."""

    unique_id: str
    file_name: str
    shown_name: str
    is_compressed: bool = False


@dataclass(frozen=True, slots=True)
class FetchFailed:
    """The file could not be fetched or is not acceptable; `reason` is a catalogue key with its values."""

    unique_id: str
    reason: str
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Resumed:
    """The respondent came back to this draft (or has just opened it): show where it stands."""


@dataclass(frozen=True, slots=True)
class LanguageChanged:
    language: str


Event = Typed | Corrected | Tap | Located | Offered | Fetched | FetchFailed | Resumed | LanguageChanged
