"""One row for the current version of each report about an activity: a secretariat pastes it into its annual report
(docs/domain.md#annual-table).

Answers are found by the names of their questions, as everywhere: if an edition of the form lacks a question, its cells
stay empty. Text that only a coordinator may read goes only to a coordinator. Observers and the public get no free text,
and numbers of people only if nothing about the activity is restricted.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, case, func, select

from conversations.languages import translated
from conversations.plan.figures.annual import whole
from conversations.plan.figures.suppression import Figure, in_a_row
from conversations.plan.model import Activity
from conversations.plan.versions import by_code, version_of
from storage.database.models import Agency as AgencyTable
from storage.database.models import Attachment, Person, ReportingPeriod, Submission, table
from storage.exports.choosing import allowed, root_receipt, streamed
from storage.exports.codes import plans_own
from storage.exports.tables import PROTECTED, Cell, Extract, Kind, at, one_table
from storage.exports.wanted import Wanted
from storage.plan.past_rows import PastRows, as_it_was
from storage.reports.revisions import limits
from storage.reports.submissions import named_answers
from storage.unit_of_work import UnitOfWork

_S, _P, _A = table(Submission), table(ReportingPeriod), table(AgencyTable)
_PERSON, _FILE = table(Person), table(Attachment)
_FIRST = table(Submission).alias("first")

PEOPLE = {"women": "ben_women", "men": "ben_men", "girls": "ben_girls", "boys": "ben_boys"}
COLUMNS: tuple[tuple[str, Kind], ...] = (
    ("receipt", Kind.WHOLE),
    ("root_receipt", Kind.WHOLE),
    ("activity", Kind.TEXT),
    ("continues", Kind.TEXT),
    ("activity_name", Kind.TEXT),
    ("area", Kind.TEXT),
    ("area_name", Kind.TEXT),
    ("agency", Kind.TEXT),
    ("agency_name", Kind.TEXT),
    ("period", Kind.TEXT),
    ("period_start", Kind.DAY),
    ("period_end", Kind.DAY),
    ("status", Kind.TEXT),
    ("status_name", Kind.TEXT),
    ("progress", Kind.WHOLE),
    ("validation", Kind.CODE),
    ("version", Kind.WHOLE),
    ("submitted_at", Kind.INSTANT),
    ("on_time", Kind.FLAG),
    ("restricted", Kind.FLAG),
    ("quantity", Kind.DECIMAL),
    ("people_total", Kind.WHOLE),
    ("women", Kind.WHOLE),
    ("men", Kind.WHOLE),
    ("girls", Kind.WHOLE),
    ("boys", Kind.WHOLE),
    ("unknown", Kind.WHOLE),
    ("completed_on", Kind.DAY),
    ("new_due_on", Kind.DAY),
    ("obstacles", Kind.CODE),
    ("zero_reason", Kind.CODE),
    ("needs_decision", Kind.FLAG),
    ("evidence", Kind.CODE),
    ("files", Kind.WHOLE),
)
INSIDE_COLUMNS: tuple[tuple[str, Kind], ...] = (
    # Nobody's sex or age stands beside a place in what leaves the coordination (docs/domain.md#small-numbers).
    ("place", Kind.CODE),
    ("province", Kind.CODE),
    ("obstacle_detail", Kind.TEXT),
    ("decision", Kind.TEXT),
    ("next_step", Kind.TEXT),
    ("evidence_link", Kind.TEXT),
    ("evidence_note", Kind.TEXT),
    ("sent_by", Kind.TEXT),
    ("instance", Kind.TEXT),
)
TEXTS = {
    "obstacle_detail": "obstacle_detail",
    "decision": "decision_text",
    "next_step": "next_step",
    "evidence_link": "evidence_link",
    "evidence_note": "evidence_desc",
}
ABOUT_ACTIVITIES: ColumnElement[bool] = _S.c.subject.startswith("activity:")


def reports(unit: UnitOfWork, wanted: Wanted) -> Extract:
    """Current reports about activities, in the order in which they were sent."""
    conditions = [*allowed(unit, wanted), ABOUT_ACTIVITIES]
    total = unit.connection.execute(select(func.count()).select_from(_S).where(*conditions)).scalar_one()
    named = COLUMNS if wanted.is_released else (*COLUMNS, *INSIDE_COLUMNS)
    rows = _Rows(unit, wanted, [name for name, _ in named]).all(conditions)
    lists = plans_own(unit, wanted.plan_id, wanted.language)
    return one_table("reports", wanted, named, total, rows, lists=lists)


class _Rows:
    def __init__(self, unit: UnitOfWork, wanted: Wanted, names: Sequence[str]) -> None:
        self._unit, self._wanted, self._names = unit, wanted, names
        plans = unit.plans
        self._activities = by_code(plans.activities_ever(wanted.plan_id))
        self._agencies = by_code(plans.agencies_ever(wanted.plan_id))
        self._limits = limits(unit, wanted.plan_id)
        self._areas = {each.code: each for each in plans.strategic_areas(wanted.plan_id)}
        self._past_areas = unit.of(PastRows).of_plan(wanted.plan_id).get("strategic_area", {})
        self._statuses = {each.code: each.label for each in plans.code_list(wanted.plan_id, "activity_status")}

    def all(self, conditions: Sequence[Any]) -> Iterator[Sequence[Cell]]:
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
            cells = self._cells(found)
            yield [cells[name] for name in self._names]

    def _cells(self, found: Any) -> dict[str, Cell]:
        wanted, language = self._wanted, self._wanted.language
        code = found.subject.partition(":")[2]
        activity = version_of(self._activities, code, found.seals_on)
        agency = version_of(self._agencies, found.agency, found.seals_on)
        is_restricted = bool(found.sensitive) or activity is None or activity.is_restricted
        hides_text = is_restricted and not wanted.sees_restricted
        # Restricted answers are not even unsealed for outsiders.
        said = {} if is_restricted and wanted.is_released else named_answers(self._unit, found)
        submitted_at, first_sent_at = at(found.submitted_at, wanted.zone), at(found.first_sent_at, wanted.zone)
        assert submitted_at is not None
        assert first_sent_at is not None
        cells: dict[str, Cell] = {
            "receipt": found.receipt_number,
            "root_receipt": found.root_receipt,
            "activity": code,
            "continues": (activity.continues or None) if activity else None,
            "activity_name": self._title(activity, is_restricted),
            "area": activity.area_code if activity else None,
            "area_name": self._area_name(activity.area_code, found.seals_on) if activity else None,
            "agency": found.agency,
            "agency_name": (translated(agency.name, language) or None) if agency else None,
            "period": found.period,
            "period_start": found.start_on,
            "period_end": found.end_on,
            "status": found.activity_status,
            "status_name": translated(self._statuses.get(found.activity_status, {}), language) or None,
            "progress": found.progress,
            "validation": found.validation_state,
            "version": found.version,
            "submitted_at": submitted_at,
            "on_time": first_sent_at.date() <= found.due_on,
            "restricted": is_restricted,
            "completed_on": day(said.get("completion_date")),
            "new_due_on": day(said.get("new_due_date")),
            "obstacles": said.get("obstacle") or None,
            "zero_reason": found.zero_reason or None,
            "needs_decision": {"yes": True, "no": False}.get(said.get("needs_decision", "")),
            "evidence": said.get("evidence_type") or None,
            "files": None if hides_text else found.files,
            # The shipped form asks restricted reports for no place. If another edition does, the place does not go out.
            "place": None if is_restricted else (said.get("place") or None),
            "province": None if is_restricted else (said.get("province") or None),
            "sent_by": found.sent_by,
            "instance": found.instance_id,
        }
        for name, question in TEXTS.items():
            cells[name] = None if hides_text else (said.get(question) or None)
        return cells | self._people(said, activity, found, is_restricted)

    def _area_name(self, code: str, seals_on: date) -> str | None:
        area = self._areas.get(code)
        if area is None:
            return None
        name = as_it_was(self._past_areas.get(area.id, ()), "name", area.name, seals_on)
        return translated(name, self._wanted.language) or None

    def _title(self, activity: Activity | None, is_restricted: bool) -> str | None:
        """Return the title. Of a restricted activity, others get only the code (as in the chat)."""
        if activity is None or (is_restricted and self._wanted.is_released):
            return None
        return activity.title(self._wanted.language)

    def _people(
        self, said: Mapping[str, str], activity: Activity | None, found: Any, is_restricted: bool
    ) -> dict[str, Cell]:
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
