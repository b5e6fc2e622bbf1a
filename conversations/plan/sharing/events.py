"""EVENTS: the events that a receiver outside gets, and how much of each its audience gets.

An event that was sent cannot be taken back. So it holds references and codes, and no words: no answer, no reason, no
name of a person or of an activity. A receiver that wants more reads the exports, which know who may read what. The
audiences are those of the exports: outside the coordination, only validated reports are sent. They carry the only two
figures that an event has, status and progress.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, cast, get_args

from conversations.plan.model import ValidationState
from conversations.plan.sharing.export_request import AUDIENCES, is_told_outside
from conversations.session.profiles import profile

EventKind = Literal[
    "report.submitted",
    "report.corrected",
    "report.returned",
    "report.answered",
    "report.validated",
    "report.taken_back",
    "period.closed",
    "period.moved",
    "period.reopened",
    "period.locked",
    "plan.changed",
    "ping",
]

INTERNAL: Final = AUDIENCES[0]
PUBLIC: Final = AUDIENCES[-1]
_EVERYBODY: Final = frozenset(AUDIENCES)
_INSIDE: Final = frozenset({INTERNAL})

_REPORT: Final = ("receipt", "root_receipt", "version", "form_id", "activity", "indicator", "period", "agency")
_FIGURES: Final = ("validation", "status", "progress")


@dataclass(frozen=True, slots=True)
class Event:
    """One row: a kind of event, its audiences, and the fields of its `data`, in this order.

    Fields that are not listed never leave.
    """

    kind: EventKind
    audiences: frozenset[str]
    fields: tuple[str, ...]


EVENTS: Final[tuple[Event, ...]] = (
    Event("report.submitted", _INSIDE, _REPORT),
    Event("report.corrected", _INSIDE, _REPORT),
    Event("report.returned", _INSIDE, _REPORT),
    Event("report.answered", _INSIDE, _REPORT),
    Event("report.validated", _EVERYBODY, (*_REPORT, *_FIGURES)),
    Event("report.taken_back", _EVERYBODY, _REPORT),
    Event("period.closed", _EVERYBODY, ("period", "agency")),
    Event("period.moved", _EVERYBODY, ("period", "opens_on", "due_on", "grace_until_on", "locks_on")),
    Event("period.reopened", _EVERYBODY, ("period", "agency", "until")),
    Event("period.locked", _EVERYBODY, ("period", "agency")),
    Event("plan.changed", _EVERYBODY, ("change", "agency", "form_id")),
    Event("ping", _EVERYBODY, ()),
)
"""In the order in which receivers are offered them. A kind of event that is not in this table does not exist."""

KINDS: Final[tuple[EventKind, ...]] = get_args(EventKind)
OFFERED: Final = tuple(kind for kind in KINDS if kind != "ping")
"""The kinds that a receiver may ask for. A ping is only sent on trial. Add a new kind last: buttons store places."""
_OF: Final[Mapping[str, Event]] = {event.kind: event for event in EVENTS}


def told_of(kind: str, details: Mapping[str, Any]) -> dict[str, Any]:
    """The details of an act that are stored with the event: only fields that some audience may get.

    An audit entry may also hold a reason, in words.
    """
    return {name: details[name] for name in _OF[kind].fields if details.get(name) is not None}


def audiences_of(kind: str, data: Mapping[str, Any]) -> frozenset[str]:
    """The audiences that may get this event. None for a report that is restricted as a whole, such as a referral."""
    form_id = data.get("form_id")
    audiences = _OF[kind].audiences
    if form_id is None or not kind.startswith("report."):
        return audiences
    if profile(form_id).always_sensitive:
        return frozenset()
    return audiences if is_told_outside(form_id) else audiences & _INSIDE


def kinds_for(audience: str) -> tuple[str, ...]:
    """The kinds that a receiver of this audience may ask for."""
    return tuple(kind for kind in OFFERED if audience in _OF[kind].audiences)


def packed(kinds: Collection[str]) -> str:
    """Write a choice of kinds as a button holds it: a bit for each place in OFFERED, in hexadecimal."""
    return f"{sum(1 << at for at, kind in enumerate(OFFERED) if kind in kinds):x}"


def unpacked(text: str, audience: str) -> tuple[str, ...]:
    """The kinds that a button carries, without those that are not for this audience. Empty if it carries no choice."""
    try:
        bits = int(text, 16)
    except ValueError:
        bits = 0
    return tuple(kind for kind in kinds_for(audience) if bits >> OFFERED.index(cast(EventKind, kind)) & 1)


def payload(kind: str, data: Mapping[str, Any], at: datetime, audience: str, plan: str) -> dict[str, Any]:
    """The body that a receiver of this audience gets, the same at every try.

    ValueError if the event is not for them.
    """
    if audience not in audiences_of(kind, data):
        raise ValueError(f"{kind} is not for {audience}")
    fields = _OF[kind].fields
    if data.get("validation") != ValidationState.VALIDATED:
        fields = tuple(name for name in fields if name not in _FIGURES)
    told = {name: data[name] for name in fields if name in data}
    instant = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"type": kind, "timestamp": instant, "data": {"plan": plan, **told}}


def read_kinds(words: Iterable[str], audience: str) -> Collection[str]:
    """Return the kinds that these words name; without words, all that the audience may have.

    ValueError names the words that are no kinds.
    """
    known, wanted = kinds_for(audience), [word.strip().lower() for word in words if word.strip()]
    for word in wanted:
        if word not in known:
            raise ValueError(word)
    return tuple(kind for kind in known if kind in wanted) if wanted else known
