"""A form being filled: everything that must survive a restart, and nothing else.

The process may be killed between two taps, and the next tap may come days later, in another language. So everything
that a session needs is in this record. It is written as one JSON object and read back before every turn. The form is
not in it: the row that holds the record says with which version of the form the session began.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

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
    """Free text is read with the stricter patterns, as in referral forms (DOMAIN §2.6)."""
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

    def changed(self, **changes: Any) -> "Session":
        """Return the session with these changes.

        It is quicker than `dataclasses.replace`, which looks at each field.
        """
        fields = {**self.__dict__, **changes}
        assert len(fields) == len(self.__dict__), "a session has no other fields"
        made = object.__new__(Session)
        made.__dict__.update(fields)
        return made

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object that `from_json` reads back to an equal session."""
        row: dict[str, Any] = {
            "instance_id": self.instance_id,
            "language": self.language,
            "timezone": self.timezone,
            "state": self.state,
            "at": self.at,
            "turn": self.turn,
            "seen": sorted(self.seen),
            "filled": sorted(self.filled),
            "previous": self.previous,
            "about": self.about,
        }
        for name in ("asked_in", "restricted", "strict", "page", "month", "fetching", "album"):
            if value := getattr(self, name):
                row[name] = value
        for name in ("only", "kept"):
            if refs := getattr(self, name):
                row[name] = sorted(refs)
        if self.marks is not None:
            row["marks"] = list(self.marks)
        if self.origins:
            row["origins"] = {origin: list(refs) for origin, refs in self.origins.items()}
        if self.gathering is not None:
            row["gathering"] = asdict(self.gathering)
        match self.pending:
            case Reading(values, origin):
                row["reading"] = {"values": list(values), "origin": origin}
            case Confirming(ref, value, lost, origin):
                row["confirming"] = {"ref": ref, "value": value, "lost": list(lost), "origin": origin}
            case Listing(within):
                row["listing"] = within or True
            case Choosing(act):
                row["choosing"] = act
            case Removing(ref, lost):
                row["removing"] = {"ref": ref, "lost": list(lost)}
            case None:
                pass
        return row

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "Session":
        pending: Pending = None
        if reading := row.get("reading"):
            pending = Reading(tuple(reading["values"]), reading["origin"])
        elif confirming := row.get("confirming"):
            lost = tuple(confirming["lost"])
            pending = Confirming(confirming["ref"], confirming["value"], lost, confirming["origin"])
        elif listing := row.get("listing"):
            pending = Listing("" if listing is True else listing)
        elif choosing := row.get("choosing"):
            pending = Choosing(choosing)
        elif removing := row.get("removing"):
            pending = Removing(removing["ref"], tuple(removing["lost"]))
        marks = row.get("marks")
        gathering = row.get("gathering")
        return cls(
            instance_id=row["instance_id"],
            language=row["language"],
            timezone=row["timezone"],
            state=row["state"],
            at=row["at"],
            turn=row["turn"],
            seen=frozenset(row["seen"]),
            filled=frozenset(row["filled"]),
            previous=row["previous"],
            about=row["about"],
            asked_in=row.get("asked_in", ""),
            restricted=row.get("restricted", False),
            strict=row.get("strict", False),
            pending=pending,
            page=row.get("page", 0),
            month=row.get("month", ""),
            marks=None if marks is None else tuple(marks),
            fetching=row.get("fetching", ""),
            album=row.get("album", ""),
            gathering=_gathering(gathering) if gathering else None,
            origins={origin: tuple(refs) for origin, refs in row.get("origins", {}).items()},
            only=frozenset(row.get("only", ())),
            kept=frozenset(row.get("kept", ())),
        )


def _gathering(row: Mapping[str, Any]) -> Gathering:
    waiting = tuple(Sent(**sent) for sent in row["waiting"])
    return Gathering(row["repeat"], row["taken"], waiting, tuple(row["lost"]))
