"""The request that an exporter gets, and its result: filters, audience, and the role that asks.

Data that has left cannot be called back. Two questions decide what may leave: for whom it is (`audience`), and in whose
name it is asked (`role`). No default opens anything. Every dataset asks `Wanted` for both, so that all decide alike
(docs/domain.md#restricted-activities).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, replace
from datetime import date, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from conversations.languages import FIRST
from conversations.plan.model import Role
from conversations.plan.periods import reporting_period
from conversations.plan.sharing.export_request import AUDIENCES, FILTERS
from storage.errors import Conflict

INTERNAL, OBSERVERS, PUBLIC = AUDIENCES
_RANGE = re.compile(r"(?P<first>\w+?)(?:\.\.|[-:])(?P<last>\w+)")


class Refused(Conflict):
    """The data exists but may not be exported this way.

    `why` is a code for the reader's sentence; the text is for the server.
    """

    def __init__(self, why: Literal["filter", "validation", "form"], text: str) -> None:
        super().__init__(text)
        self.why = why


def gets_only_validated(audience: str, role: Role | None) -> bool:
    """Whether only validated reports go out.

    Only a coordinator, for the plan's own use, gets others too (docs/domain.md#who-sees-what).
    """
    return audience != INTERNAL or role is not Role.COORDINATOR


@dataclass(frozen=True, slots=True)
class Wanted:
    """The content of an export. A blank filter leaves nothing out; several codes are separated by commas."""

    plan_id: int
    timezone: str
    now: datetime
    _: KW_ONLY
    audience: str = INTERNAL
    role: Role | None = None
    """The role that asks: coordinator or admin. None is a person at the server, who counts as an admin."""
    language: str = FIRST
    """The language of labels and titles."""
    form_id: str = ""
    period: str = ""
    """A code (`201809`, `2018Q3`), a year (everything in it), or a range (`201807..201812`)."""
    agency: str = ""
    area: str = ""
    status: str = ""
    validation: str = ""
    since: str = ""
    """Only rows that have changed since.

    A day (from its first minute in the plan's zone) or an instant, in ISO 8601.
    """
    only: tuple[int, ...] | None = None
    """Only these submissions, among those that the filters leave: a page. It is no filter, and no user can ask for
    it.
    """
    bom: bool = False
    """Whether a CSV begins with the byte order mark, by which a spreadsheet recognises UTF-8."""

    @property
    def is_released(self) -> bool:
        """Whether the export goes to somebody outside the plan's own coordination.

        Then small numbers are suppressed.
        """
        return self.audience != INTERNAL

    @property
    def only_validated(self) -> bool:
        """Whether reports that no coordinator has validated are left out."""
        return gets_only_validated(self.audience, self.role)

    @property
    def sees_restricted(self) -> bool:
        """Whether restricted texts, files and places are included: for a coordinator, and for nobody else."""
        return not self.only_validated

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def since_at(self) -> datetime | None:
        """The instant of `since`. ValueError if it is not a day or an instant."""
        if not self.since:
            return None
        found = datetime.fromisoformat(self.since)
        return found if found.tzinfo is not None else found.replace(tzinfo=self.zone)

    @property
    def filters(self) -> dict[str, str]:
        """The filters by name, without the blank ones."""
        return {name: value for name in FILTERS if (value := getattr(self, name))}

    def one_of(self, name: str) -> tuple[str, ...]:
        """The codes that a filter allows, as they were given. Empty if it allows all."""
        return codes(getattr(self, name))


def with_filters(wanted: Wanted, filters: Mapping[str, str]) -> Wanted:
    """Return the same request, filtered by these filters and by nothing else."""
    changes: dict[str, Any] = {name: filters.get(name, "") for name in FILTERS}
    return replace(wanted, **changes)


def codes(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in text.split(","))))


@dataclass(frozen=True, slots=True)
class Span:
    """The periods that a filter allows: the one with this code, or all periods within these days."""

    start_on: date
    end_on: date
    code: str = ""

    def holds(self, code: str, start_on: date, end_on: date) -> bool:
        """Whether the filter allows the period with this code and these days."""
        return code == self.code if self.code else self.start_on <= start_on and end_on <= self.end_on


def span_of(period: str) -> Span | None:
    """Return the span of a filter; None if there is no filter. ValueError if it is not a code, a year or a range."""
    if not period:
        return None
    found = _RANGE.fullmatch(period)
    if found:
        first, last = reporting_period(found["first"]), reporting_period(found["last"])
        if first.start_on > last.end_on:
            raise ValueError(f"a range that ends before it begins: {period!r}")
        return Span(first.start_on, last.end_on)
    one = reporting_period(period)
    return Span(one.start_on, one.end_on, "" if len(period) == 4 else one.code)


@dataclass(frozen=True, slots=True)
class Written:
    """The result of writing: how many rows were written, and what is missing in the file, one line each."""

    count: int
    lacking: tuple[str, ...] = ()


Progress = Callable[[int, int], None]
"""Called again and again, with the number of rows that are written and the number of all rows."""
