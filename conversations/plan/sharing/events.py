"""EVENTS: the events that a receiver outside gets, and how much of each its audience gets.

An event that was sent cannot be taken back. So it holds references and codes, and no words: no answer, no reason, no
name of a person or of an activity. A receiver that wants more reads the exports, which know who may read what. The
audiences are those of the exports: outside the coordination, only validated reports are sent. They carry the only two
figures that an event has, status and progress.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import reduce
from operator import or_
from typing import Annotated, Any, Final, Generic, Literal, TypeVar, cast, get_args

from pydantic import AwareDatetime, BaseModel, Field, PlainSerializer, TypeAdapter, WithJsonSchema

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

_FIGURES: Final = ("validation", "status", "progress")


# ------------------------------------------------------------------ the data of each kind, in this order
# What is not a field of these never leaves. docs/guide/events.schema.json is made from them.
class About(BaseModel):
    """What every event says: the plan's code."""

    plan: str


class OfReport(About):
    """References to one version of a report. `root_receipt` is the receipt of its first version."""

    receipt: int | None = None
    root_receipt: int | None = None
    version: int | None = None
    form_id: str | None = None
    activity: str | None = None
    indicator: str | None = None
    period: str | None = None
    agency: str | None = None


class OfValidated(OfReport):
    """The same, with the only figures that an event has."""

    validation: Literal["validated"] | None = None
    status: str | None = None
    progress: int | float | None = None
    """Percent."""


class OfPeriod(About):
    """A period, and an agency if it is about one."""

    period: str | None = None
    agency: str | None = None


class OfReopened(OfPeriod):
    """A period that is open for one agency until a day."""

    until: date | None = None


class OfDays(About):
    """A period and its new days."""

    period: str | None = None
    opens_on: date | None = None
    due_on: date | None = None
    grace_until_on: date | None = None
    locks_on: date | None = None


class OfPlan(About):
    """What has changed: an act, as the audit log names it, and the agency or form that it is about."""

    change: str | None = None
    agency: str | None = None
    form_id: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One row: a kind of event, its audiences, and its `data`."""

    kind: EventKind
    audiences: frozenset[str]
    data: type[About]

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of its data, in order, but for the plan's code."""
        return tuple(name for name in self.data.model_fields if name != "plan")


EVENTS: Final[tuple[Event, ...]] = (
    Event("report.submitted", _INSIDE, OfReport),
    Event("report.corrected", _INSIDE, OfReport),
    Event("report.returned", _INSIDE, OfReport),
    Event("report.answered", _INSIDE, OfReport),
    Event("report.validated", _EVERYBODY, OfValidated),
    Event("report.taken_back", _EVERYBODY, OfReport),
    Event("period.closed", _EVERYBODY, OfPeriod),
    Event("period.moved", _EVERYBODY, OfDays),
    Event("period.reopened", _EVERYBODY, OfReopened),
    Event("period.locked", _EVERYBODY, OfPeriod),
    Event("plan.changed", _EVERYBODY, OfPlan),
    Event("ping", _EVERYBODY, About),
)
"""In the order in which receivers are offered them. A kind of event that is not in this table does not exist."""

KINDS: Final[tuple[EventKind, ...]] = get_args(EventKind)
OFFERED: Final = tuple(kind for kind in KINDS if kind != "ping")
"""The kinds that a receiver may ask for. A ping is only sent on trial. Add a new kind last: buttons store places."""
_OF: Final[Mapping[str, Event]] = {event.kind: event for event in EVENTS}

_K = TypeVar("_K", bound=str)
_D = TypeVar("_D", bound=About)


def _with_milliseconds(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Body(BaseModel, Generic[_K, _D]):
    """The body of a call to a receiver. `timestamp` is when it happened."""

    type: _K
    timestamp: Annotated[
        AwareDatetime,
        PlainSerializer(_with_milliseconds, str),
        WithJsonSchema({"type": "string", "format": "date-time"}),
    ]
    data: _D


_BODIES: Final = {event.kind: Body[Literal[event.kind], event.data] for event in EVENTS}  # type: ignore[name-defined]


def json_schema() -> dict[str, Any]:
    """The JSON Schema of all bodies that a receiver may get."""
    known: Any = Annotated[reduce(or_, _BODIES.values()), Field(discriminator="type")]
    return TypeAdapter(known).json_schema(mode="serialization")


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
    told = {"plan": plan, **{name: data[name] for name in fields if name in data}}
    body: BaseModel = _BODIES[cast(EventKind, kind)](type=kind, timestamp=at, data=told)
    return body.model_dump(mode="json", exclude_none=True)


def read_kinds(words: Iterable[str], audience: str) -> Collection[str]:
    """Return the kinds that these words name; without words, all that the audience may have.

    ValueError names the words that are no kinds.
    """
    known, wanted = kinds_for(audience), [word.strip().lower() for word in words if word.strip()]
    for word in wanted:
        if word not in known:
            raise ValueError(word)
    return tuple(kind for kind in known if kind in wanted) if wanted else known
