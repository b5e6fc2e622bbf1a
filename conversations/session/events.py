"""What can happen to a session: a closed union.

A keyboard stays clickable for ever. A tap may arrive twice, or after the text that followed it. A message can be
edited hours later. So every event says what it belongs to: a tap has the turn in which its button was drawn, a typed
answer has its message.
"""

from dataclasses import dataclass
from typing import Literal

from conversations.routes import TapAction


@dataclass(frozen=True, slots=True)
class Typed:
    """A text message. `origin` is its number in the chat: if the message is edited later, this answer changes."""

    text: str
    origin: int


@dataclass(frozen=True, slots=True)
class Corrected:
    """The respondent edited the message `origin`."""

    text: str
    origin: int


@dataclass(frozen=True, slots=True)
class Tap:
    """A button of the card that was drawn in `turn`. `argument` is what the button carries."""

    turn: int
    action: TapAction
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Located:
    """A shared place in degrees. `accuracy` is in metres, if it is known."""

    latitude: float
    longitude: float
    accuracy: float | None
    origin: int


@dataclass(frozen=True, slots=True)
class Offered:
    """A file that was sent and is still at Telegram. `file_id` fetches it; `size` is in bytes."""

    kind: Literal["photo", "document", "video", "audio", "voice", "other"]
    file_id: str
    unique_id: str
    name: str
    mime_type: str
    size: int | None
    album: str
    origin: int
    caption: str = ""
    """The words written with the file. They are checked for personal data and not stored."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """The file has been fetched, inspected and stored under `file_name`."""

    unique_id: str
    file_name: str
    shown_name: str
    is_compressed: bool = False


@dataclass(frozen=True, slots=True)
class FetchFailed:
    """The file could not be fetched, or is not acceptable. `reason` is a catalogue key with its values."""

    unique_id: str
    reason: str
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Resumed:
    """The respondent came back to this draft, or has just opened it: show it."""


@dataclass(frozen=True, slots=True)
class LanguageChanged:
    language: str


Event = Typed | Corrected | Tap | Located | Offered | Fetched | FetchFailed | Resumed | LanguageChanged
