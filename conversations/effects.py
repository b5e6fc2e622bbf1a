"""What a step brings about: one closed union, read by the host in order.

Effects say what happened, not what to draw: the card is a function of the session (`cards.session_card`).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ask:
    """Show the card of the session. `anew`: below what the respondent has just typed, else edited in place."""

    anew: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer was taken; the old card shrinks to this line when a new one is sent below."""

    label: str
    shown: str


@dataclass(frozen=True, slots=True)
class Added:
    """A repeat has one more instance, at its end; `ref` is the repeat's."""

    ref: str


@dataclass(frozen=True, slots=True)
class Removed:
    """The instance at `ref` is gone, and those behind it have moved up."""

    ref: str


@dataclass(frozen=True, slots=True)
class Reject:
    """The answer was not taken: the constraint's own words. The session is as it was, the question stands."""

    message: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something worth a line on the card: a catalogue key and its values."""

    key: str
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Stale:
    """A tap on a button that is no longer current: nothing changed."""


@dataclass(frozen=True, slots=True)
class Withhold:
    """The message `origin` carries personal data: it was not kept, and is to be deleted from the chat."""

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
