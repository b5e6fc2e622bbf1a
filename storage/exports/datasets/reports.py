"""One row for the current version of each report about an activity: a secretariat pastes it into its annual report
(docs/domain.md#annual-table).

Answers are found by the names of their questions, as everywhere: if an edition of the form lacks a question, its cells
stay empty. Text that only a coordinator may read goes only to a coordinator. Observers and the public get no free text,
and numbers of people only if nothing about the activity is restricted.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, case, func, select

from conversations.languages import translated
from conversations.plan.figures.annual import whole
from conversations.plan.figures.suppression import Figure, in_a_row
from conversations.plan.model import Activity, Agency
from conversations.plan.versions import by_code, version_of
from storage.database.models import Agency as AgencyTable
from storage.database.models import Attachment, Person, ReportingPeriod, Submission, table
from storage.exports.choosing import allowed, root_receipt, streamed
from storage.exports.codes import plans_own
from storage.exports.tables import PROTECTED, Cell, ColumnOf, Extract, Kind, at, table_of
from storage.exports.wanted import Wanted
from storage.plan.past_rows import PastRows, as_it_was
from storage.reports.revisions import limits
from storage.reports.submissions import named_answers
from storage.unit_of_work import UnitOfWork

_S, _P, _A = table(Submission), table(ReportingPeriod), table(AgencyTable)
_PERSON, _FILE = table(Person), table(Attachment)
_FIRST = table(Submission).alias("first")

PEOPLE = {"women": "ben_women", "men": "ben_men", "girls": "ben_girls", "boys": "ben_boys"}


class _Report(NamedTuple):
    """A report as it is told, with the activity and the agency as they were when its period was sealed."""

    found: Any
    said: Mapping[str, str]
    """Its answers, by question. Restricted ones are not even unsealed for outsiders."""
    activity: Activity | None
    agency: Agency | None
    area_name: str | None
    status_name: str | None
    people: Mapping[str, Cell]
    is_restricted: bool
    wanted: Wanted

    @property
    def title(self) -> str | None:
        """The title. Of a restricted activity, others get only the code (as in the chat)."""
        if self.activity is None or (self.is_restricted and self.wanted.is_released):
            return None
        return self.activity.title(self.wanted.language)

    @property
    def hides_text(self) -> bool:
        return self.is_restricted and not self.wanted.sees_restricted

    def text(self, question: str) -> str | None:
        return None if self.hides_text else (self.said.get(question) or None)

    def place(self, question: str) -> str | None:
        """Return a place.

        The shipped form asks restricted reports for none. If another edition does, the place does not go out.
        """
        return None if self.is_restricted else (self.said.get(question) or None)

    @property
    def submitted_at(self) -> datetime | None:
        return at(self.found.submitted_at, self.wanted.zone)

    @property
    def is_on_time(self) -> bool:
        """Whether its first version was: a correction takes the place of that."""
        first_sent_at = at(self.found.first_sent_at, self.wanted.zone)
        assert first_sent_at is not None
        return bool(first_sent_at.date() <= self.found.due_on)


COLUMNS: tuple[ColumnOf[_Report], ...] = (
    ("receipt", Kind.WHOLE, lambda of: of.found.receipt_number),
    ("root_receipt", Kind.WHOLE, lambda of: of.found.root_receipt),
    ("activity", Kind.TEXT, lambda of: of.found.subject.partition(":")[2]),
    ("continues", Kind.TEXT, lambda of: (of.activity and of.activity.continues) or None),
    ("activity_name", Kind.TEXT, lambda of: of.title),
    ("area", Kind.TEXT, lambda of: of.activity.area_code if of.activity else None),
    ("area_name", Kind.TEXT, lambda of: of.area_name),
    ("agency", Kind.TEXT, lambda of: of.found.agency),
    ("agency_name", Kind.TEXT, lambda of: (of.agency and translated(of.agency.name, of.wanted.language)) or None),
    ("period", Kind.TEXT, lambda of: of.found.period),
    ("period_start", Kind.DAY, lambda of: of.found.start_on),
    ("period_end", Kind.DAY, lambda of: of.found.end_on),
    ("status", Kind.TEXT, lambda of: of.found.activity_status),
    ("status_name", Kind.TEXT, lambda of: of.status_name),
    ("progress", Kind.WHOLE, lambda of: of.found.progress),
    ("validation", Kind.CODE, lambda of: of.found.validation_state),
    ("version", Kind.WHOLE, lambda of: of.found.version),
    ("submitted_at", Kind.INSTANT, lambda of: of.submitted_at),
    ("on_time", Kind.FLAG, lambda of: of.is_on_time),
    ("restricted", Kind.FLAG, lambda of: of.is_restricted),
    ("quantity", Kind.DECIMAL, lambda of: of.people["quantity"]),
    ("people_total", Kind.WHOLE, lambda of: of.people["people_total"]),
    ("women", Kind.WHOLE, lambda of: of.people["women"]),
    ("men", Kind.WHOLE, lambda of: of.people["men"]),
    ("girls", Kind.WHOLE, lambda of: of.people["girls"]),
    ("boys", Kind.WHOLE, lambda of: of.people["boys"]),
    ("unknown", Kind.WHOLE, lambda of: of.people["unknown"]),
    ("completed_on", Kind.DAY, lambda of: day(of.said.get("completion_date"))),
    ("new_due_on", Kind.DAY, lambda of: day(of.said.get("new_due_date"))),
    ("obstacles", Kind.CODE, lambda of: of.said.get("obstacle") or None),
    ("zero_reason", Kind.CODE, lambda of: of.found.zero_reason or None),
    ("needs_decision", Kind.FLAG, lambda of: {"yes": True, "no": False}.get(of.said.get("needs_decision", ""))),
    ("evidence", Kind.CODE, lambda of: of.said.get("evidence_type") or None),
    ("files", Kind.WHOLE, lambda of: None if of.hides_text else of.found.files),
)
INSIDE_COLUMNS: tuple[ColumnOf[_Report], ...] = (
    # Nobody's sex or age stands beside a place in what leaves the coordination (docs/domain.md#small-numbers).
    ("place", Kind.CODE, lambda of: of.place("place")),
    ("province", Kind.CODE, lambda of: of.place("province")),
    ("obstacle_detail", Kind.TEXT, lambda of: of.text("obstacle_detail")),
    ("decision", Kind.TEXT, lambda of: of.text("decision_text")),
    ("next_step", Kind.TEXT, lambda of: of.text("next_step")),
    ("evidence_link", Kind.TEXT, lambda of: of.text("evidence_link")),
    ("evidence_note", Kind.TEXT, lambda of: of.text("evidence_desc")),
    ("sent_by", Kind.TEXT, lambda of: of.found.sent_by),
    ("instance", Kind.TEXT, lambda of: of.found.instance_id),
)
ABOUT_ACTIVITIES: ColumnElement[bool] = _S.c.subject.startswith("activity:")


def reports(unit: UnitOfWork, wanted: Wanted) -> Extract:
    """Current reports about activities, in the order in which they were sent."""
    conditions = [*allowed(unit, wanted), ABOUT_ACTIVITIES]
    total = unit.connection.execute(select(func.count()).select_from(_S).where(*conditions)).scalar_one()
    named = COLUMNS if wanted.is_released else (*COLUMNS, *INSIDE_COLUMNS)
    lists = plans_own(unit, wanted.plan_id, wanted.language)
    return table_of("reports", wanted, named, total, _Reports(unit, wanted).all(conditions), lists=lists)


class _Reports:
    def __init__(self, unit: UnitOfWork, wanted: Wanted) -> None:
        self._unit, self._wanted = unit, wanted
        plans = unit.plans
        self._activities = by_code(plans.activities_ever(wanted.plan_id))
        self._agencies = by_code(plans.agencies_ever(wanted.plan_id))
        self._limits = limits(unit, wanted.plan_id)
        self._areas = {each.code: each for each in plans.strategic_areas(wanted.plan_id)}
        self._past_areas = unit.of(PastRows).of_plan(wanted.plan_id).get("strategic_area", {})
        self._statuses = {each.code: each.label for each in plans.code_list(wanted.plan_id, "activity_status")}

    def all(self, conditions: Sequence[Any]) -> Iterator[_Report]:
        files = select(func.count()).where(_FILE.c.instance_id == _S.c.instance_id).scalar_subquery()
        # A correction takes the place of the first version, which is looked up by its key if there is one.
        first = select(_FIRST.c.submitted_at).where(_FIRST.c.instance_id == _S.c.root_id).scalar_subquery()
        statement = (
            select(
                _S.c.id, _S.c.receipt_number, root_receipt(), _S.c.instance_id, _S.c.subject, _S.c.version,
                _S.c.submitted_at, _S.c.validation_state, _S.c.activity_status, _S.c.progress, _S.c.sensitive,
                _S.c.answers, _S.c.sealed_answers, _S.c.zero_reason,
                _P.c.code.label("period"), _P.c.start_on, _P.c.end_on, _P.c.due_on,
                func.coalesce(_P.c.sealed_on, _P.c.locks_on).label("seals_on"),
                _A.c.code.label("agency"), _PERSON.c.name.label("sent_by"),
                files.label("files"), case((_S.c.version > 1, first), else_=_S.c.submitted_at).label("first_sent_at"),
            )
            .join(_P, _P.c.id == _S.c.reporting_period_id)
            .join(_PERSON, _PERSON.c.id == _S.c.person_id)
            .outerjoin(_A, _A.c.id == _S.c.agency_id)
            .where(*conditions)
        )  # fmt: skip
        for found in streamed(self._unit, statement.order_by(_S.c.id)):
            yield self._told(found)

    def _told(self, found: Any) -> _Report:
        wanted = self._wanted
        activity = version_of(self._activities, found.subject.partition(":")[2], found.seals_on)
        is_restricted = bool(found.sensitive) or activity is None or activity.is_restricted
        said = {} if is_restricted and wanted.is_released else named_answers(self._unit, found)
        return _Report(
            found,
            said,
            activity,
            version_of(self._agencies, found.agency, found.seals_on),
            self._area_name(activity.area_code, found.seals_on) if activity else None,
            translated(self._statuses.get(found.activity_status, {}), wanted.language) or None,
            self._people(said, activity, is_restricted),
            is_restricted,
            wanted,
        )

    def _area_name(self, code: str, seals_on: date) -> str | None:
        area = self._areas.get(code)
        if area is None:
            return None
        name = as_it_was(self._past_areas.get(area.id, ()), "name", area.name, seals_on)
        return translated(name, self._wanted.language) or None

    def _people(self, said: Mapping[str, str], activity: Activity | None, is_restricted: bool) -> dict[str, Cell]:
        quantity = number(said.get("qty_done"))
        total = whole(said.get("ben_total"))
        parts = {name: whole(said.get(question)) for name, question in PEOPLE.items()}
        given = {name: value for name, value in parts.items() if value is not None}
        rest = None if total is None or not given else total - sum(given.values())
        cells: dict[str, Cell] = {"quantity": quantity, "people_total": total, **parts, "unknown": rest}
        if not self._wanted.is_released:
            return cells
        if is_restricted or activity is None:
            # Its answers were not unsealed, so it does not say either whether there is a number.
            return dict.fromkeys(cells, PROTECTED)
        if total is None:
            return cells
        limit = self._limits.get(activity.indicator_code, 0)
        shown = in_a_row(total, given | ({"unknown": rest} if rest else {}), min_cell=limit)
        return {
            "quantity": PROTECTED if limit > 1 and quantity else quantity,
            "people_total": self._figure(shown.total),
            **{name: self._figure(shown.parts[name]) if name in shown.parts else None for name in (*PEOPLE, "unknown")},
        }

    def _figure(self, figure: Figure) -> Cell:
        return PROTECTED if figure.is_hidden else figure.value


def number_or_text(text: str) -> Cell:
    """A cell that a plan's author wrote: a number if it is one, None if it is blank, otherwise the text."""
    found = number(text)
    if found is None:
        return text or None
    return int(found) if found == int(found) else found


# Somebody else's edition of the form may ask otherwise: an answer that is no number or day is None.
def number(text: str | None) -> float | None:
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if abs(found) < 1e15 else None


def day(text: str | None) -> date | None:
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return None
