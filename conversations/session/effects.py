"""The effects of a step: a closed union that the host reads in order.

Effects say what happened, not what to draw. The card is a function of the session
(`conversations.session.cards.session_card`).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ask:
    """Show the card of the session: below the last message if `anew`, else in place of the card."""

    anew: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer was taken. When a new card is sent below, the old card shrinks to a line that tells it.

    The line is worded from the question at `ref` (`shown.told`). For several answers at once it is worded already.
    """

    ref: str = ""
    label: str = ""
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Added:
    """A repeat has one more instance, at its end. `ref` is the repeat's."""

    ref: str


@dataclass(frozen=True, slots=True)
class Removed:
    """The instance at `ref` is gone. The instances behind it have moved up."""

    ref: str


@dataclass(frozen=True, slots=True)
class Reject:
    """The answer was not taken. `message` is the constraint's own sentence. The session is as before."""

    message: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A line for the card: a catalogue key and its values."""

    key: str
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Stale:
    """The button that was tapped is no longer current. Nothing changed."""


@dataclass(frozen=True, slots=True)
class Withhold:
    """The message `origin` has personal data. It was not kept, and must be deleted from the chat."""

    origin: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """Fetch this file and feed the result back as `Fetched` or `FetchFailed`."""

    file_id: str
    unique_id: str
    ref: str
    name: str
    mime_type: str
    accept: str
    max_pixels: int | None
    is_compressed: bool


@dataclass(frozen=True, slots=True)
class Submit:
    """The respondent sent the form: it is complete and valid."""


@dataclass(frozen=True, slots=True)
class Leave:
    """The respondent leaves; the draft stays."""


Effect = Ask | Answered | Added | Removed | Reject | Notice | Stale | Withhold | Fetch | Submit | Leave
