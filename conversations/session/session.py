"""A form being filled: everything that must survive a restart, and nothing else.

The process may be killed between two taps, and the next tap may come days later, in another language. So everything
that a session needs is in this record. It is written as one JSON object and read back before every turn. The form is
not in it: the row that holds the record says with which version of the form the session began.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import compress
from typing import Any, Final, Literal

REVIEW = "review"
"""Where a session stands when every question is answered and the form has no sending question of its own."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The question which reading of a typed text was meant."""

    values: tuple[str, ...]
    origin: int


@dataclass(frozen=True, slots=True)
class Confirming:
    """The question whether a new answer counts, although other answers would be lost.

    The respondent has been shown which.
    """

    ref: str
    value: str
    lost: tuple[str, ...]
    origin: int


@dataclass(frozen=True, slots=True)
class Listing:
    """The respondent chooses which answer to change: of all, or of the repeat instance `within`."""

    within: str = ""


@dataclass(frozen=True, slots=True)
class Choosing:
    """The respondent chooses which instance of a repeat to edit or to remove."""

    act: Literal["edit", "remove"]


@dataclass(frozen=True, slots=True)
class Removing:
    """The question whether to remove the instance at `ref` with these answers. The respondent has been shown which."""

    ref: str
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """A file that was sent and waits at Telegram to be fetched after the one before it."""

    file_id: str
    unique_id: str
    name: str
    mime_type: str
    is_compressed: bool


@dataclass(frozen=True, slots=True)
class Gathering:
    """Files that arrive one after another for the instances of `repeat`, one each.

    If `repeat` is blank, the question takes one file, and the person has been told so about the present album.
    """

    repeat: str
    taken: int = 0
    waiting: tuple[Sent, ...] = ()
    lost: tuple[str, ...] = ()
    """Why files were not taken, in words. It is repeated at the end, because the card changes with each file."""


Pending = Reading | Confirming | Listing | Choosing | Removing | None


@dataclass(frozen=True)
class Session:
    """One instance of one form version on its way to a submission.

    `at` is the ref of the question that is asked now, or of the stop behind a repeat (`repeats.py`). `seen` are the
    refs that were answered, skipped or kept: the next question is the first relevant one that is not among them.
    `turn` counts the cards with buttons: a tap that was drawn in another turn is stale.
    """

    instance_id: str
    language: str
    timezone: str
    state: Mapping[str, object]
    at: str
    turn: int = 0
    seen: frozenset[str] = frozenset()
    filled: frozenset[str] = frozenset()
    """Names of the questions that the bot answers from the plan: shown, never asked."""
    previous: Mapping[str, str] = field(default_factory=dict)
    """Answers of the previous report by question name."""
    asked_in: str = ""
    """The language of the form, if the bot does not speak it. `language` is the one in which the bot itself speaks."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """What the report is about: code, name and until (translations), due_on, period, agency."""
    restricted: bool = False
    strict: bool = False
    """Free text is read by the strict rules: of a referral, and of an activity that meets victims
    (docs/domain.md#free-text).
    """
    pending: Pending = None
    page: int = 0
    month: str = ""
    marks: tuple[str, ...] | None = None
    """Parts of an answer that is not complete yet.

    Marked choices, points of a line, a day without its hour, the number of a stepper. None: as answered.
    """
    fetching: str = ""
    """The file that is being fetched for the present question."""
    album: str = ""
    """The album of the last file that was taken."""
    gathering: Gathering | None = None
    origins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Message number → the refs that the message answered."""
    only: frozenset[str] = frozenset()
    """The refs that a returned report is asked again. Empty: everything may be asked."""
    kept: frozenset[str] = frozenset()
    """The refs that such a report keeps as they were sent: not asked, and not offered for a change."""

    @property
    def coming(self) -> int:
        """Return how many files are on their way."""
        waiting = self.gathering.waiting if self.gathering is not None else ()
        return (1 if self.fetching else 0) + len(waiting)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Session) and self.__dict__ == other.__dict__

    def changed(self, **changes: Any) -> "Session":
        """Return the session with these changes.

        It is quicker than `dataclasses.replace`, which looks at each field and sets one after the other.
        """
        assert changes.keys() <= _FIELDS, "a session has these fields and no others"
        made = object.__new__(Session)
        object.__setattr__(made, "__dict__", self.__dict__ | changes)
        return made

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object that `from_json` reads back to an equal session. What is blank is mostly left out."""
        row = {name: self.__dict__[name] for name in _ALWAYS}
        for name in compress(_UNLESS_BLANK, map(self.__dict__.get, _UNLESS_BLANK)):
            row[name] = self.__dict__[name]
        for name in _SETS & row.keys():
            row[name] = sorted(row[name])
        if self.marks is not None:
            row["marks"] = self.marks
        if self.gathering is not None:
            row["gathering"] = asdict(self.gathering)
        if self.pending is not None:
            row |= _open_question(self.pending)
        return row

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "Session":
        fields = dict(row)
        for name in row.keys() & _READ.keys():
            fields[name] = _READ[name](row[name])
        for name in row.keys() - _FIELDS:
            del fields[name]
            if name in _OPEN:
                fields["pending"] = _OPEN[name](row[name])
        return _BLANK.changed(**fields)


_ALWAYS = ("instance_id", "language", "timezone", "state", "at", "turn", "seen", "filled", "previous", "about")
_UNLESS_BLANK = ("asked_in", "restricted", "strict", "page", "month", "fetching", "album", "only", "kept", "origins")
"""The fields that are left out if they are blank."""
_SETS = frozenset({"seen", "filled", "only", "kept"})
"""The fields that are written in alphabetical order."""
_FIELDS = frozenset(each.name for each in dataclasses.fields(Session))
_BLANK: Final = Session(instance_id="", language="", timezone="", state={}, at="")


def _open_question(pending: Reading | Confirming | Listing | Choosing | Removing) -> dict[str, Any]:
    """Return the question about an act under its name: its only field, or all of them."""
    match pending:
        case Listing(told) | Choosing(told):
            return {type(pending).__name__.lower(): told or True}
        case _:
            return {type(pending).__name__.lower(): asdict(pending)}


_OPEN: Mapping[str, Callable[[Any], Pending]] = {
    "reading": lambda row: Reading(tuple(row["values"]), row["origin"]),
    "confirming": lambda row: Confirming(**row | {"lost": tuple(row["lost"])}),
    "listing": lambda within: Listing("" if within is True else within),
    "choosing": Choosing,
    "removing": lambda row: Removing(row["ref"], tuple(row["lost"])),
}
"""Reads what `_open_question` writes."""


def _gathering(row: Mapping[str, Any]) -> Gathering:
    waiting = tuple(Sent(**sent) for sent in row["waiting"])
    return Gathering(row["repeat"], row["taken"], waiting, tuple(row["lost"]))


_READ: Mapping[str, Callable[[Any], object]] = {
    "seen": frozenset,
    "filled": frozenset,
    "only": frozenset,
    "kept": frozenset,
    "marks": tuple,
    "origins": lambda row: {origin: tuple(refs) for origin, refs in row.items()},
    "gathering": _gathering,
}
"""Reads the fields that JSON writes in another way."""
