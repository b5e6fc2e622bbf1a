"""Every answer of a form: one column for each question, one row for each submission, a further table for each repeat.

A form is published anew while its plan runs: a question is renamed, another is dropped, a third moves to another group.
Answers to an old edition must stay in the file. So the columns are those of all answered editions together, by the name
of the question; the newest edition comes first. An answer without a column is counted among what is lacking.

`_key` and `_parent_key` connect a repeat's row with the row it belongs to, at any depth. Columns about the submission
begin with `_`. A question with such a name gets a number.

Law: free text, files and places of restricted reports go to coordinators only. Observers and the public get coded
answers and numbers of the plan's own forms. They get no number of few people, and nobody's sex or age beside a place
(docs/domain.md#restricted-activities). What may not go out is not unsealed.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cache, partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import ColumnElement, func, select

from conversations.plan.figures.annual import DIMENSIONS
from conversations.plan.figures.suppression import in_a_row
from conversations.plan.model import is_restricted
from conversations.plan.sharing.export_request import is_told_outside
from conversations.session.profiles import profile
from conversations.xforms.form import Form, Question
from conversations.xforms.nodes import Place
from storage.database.models import Agency, Person, ReportingPeriod, Submission, table
from storage.database.models import Form as FormTable
from storage.errors import NotFound
from storage.exports.choosing import allowed, root_receipt, streamed
from storage.exports.cover import meanings
from storage.exports.datasets.people import code as person_code
from storage.exports.datasets.reports import PEOPLE
from storage.exports.tables import PROTECTED, Cell, Column, Extract, Kind, Table, at, columns
from storage.exports.wanted import Refused, Wanted
from storage.reports.revisions import limits
from storage.reports.submissions import row as sealed_name
from storage.unit_of_work import UnitOfWork

_S, _P, _A, _F, _PERSON = table(Submission), table(ReportingPeriod), table(Agency), table(FormTable), table(Person)

ABOUT: tuple[tuple[str, Kind], ...] = (
    ("_key", Kind.TEXT),
    ("_receipt", Kind.WHOLE),
    ("_root_receipt", Kind.WHOLE),
    ("_form_version", Kind.TEXT),
    ("_subject", Kind.TEXT),
    ("_agency", Kind.TEXT),
    ("_period", Kind.TEXT),
    ("_validation", Kind.CODE),
    ("_version", Kind.WHOLE),
    ("_started_at", Kind.INSTANT),
    ("_submitted_at", Kind.INSTANT),
    ("_restricted", Kind.FLAG),
)
ABOUT_INSIDE: tuple[tuple[str, Kind], ...] = (("_person", Kind.TEXT), ("_person_name", Kind.TEXT))
KEYS: tuple[tuple[str, Kind], ...] = (
    ("_key", Kind.TEXT),
    ("_parent_key", Kind.TEXT),
    ("_number", Kind.WHOLE),
    ("_receipt", Kind.WHOLE),
)
NUMBERS = frozenset({"integer", "decimal", "range"})
CODED = NUMBERS | {
    "select_one", "select_multiple", "rank", "acknowledge", "date", "time", "dateTime", "today", "start", "end",
}  # fmt: skip
"""Types whose answers are numbers, days, or codes of the form's author. Such an answer contains nobody's own words."""
PLACES = frozenset({"place", "province", "region", "municipality"})
"""Coded questions of the plan's own forms that ask for a place (docs/domain.md#small-numbers)."""
ABOUT_THE_ACTIVITY = frozenset({"progress"})
"""Numbers that do not count people."""
SPLITS: tuple[tuple[str, ...], ...] = (tuple(PEOPLE.values()), *((beginning,) for beginning in DIMENSIONS.values()))
"""Prefixes of questions that divide one number of people."""
CHOICES_TOLD = 40
LONGEST_LABEL = 250
_CANONICAL = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?")
_DECIMAL = re.compile(r"-?\d{1,15}(\.\d{1,17})?")
_STEP = re.compile(r"\[(\d+)\]")
_LIST = re.compile(r"instance\('([^']+)'\)/root/item")
_KINDS = {"int": Kind.WHOLE, "integer": Kind.WHOLE, "long": Kind.WHOLE, "decimal": Kind.DECIMAL, "date": Kind.DAY,
          "dateTime": Kind.INSTANT}  # fmt: skip


def answers(unit: UnitOfWork, wanted: Wanted) -> Extract:
    """Current submissions of one form or of every form. Refused for a form that this audience may not have."""
    refuse_closed_forms(wanted)
    stored = {form.form_id: form for form in unit.forms.list(wanted.plan_id)}
    chosen = chosen_forms(wanted, stored)
    if not chosen:
        raise NotFound("no form has been published yet")
    of_forms = of_chosen_forms(wanted, chosen)
    conditions = [*allowed(unit, wanted), of_forms]
    # All submissions that the filters leave decide the columns, also when only a page is read. Sorted here: with ORDER
    # BY, SQLite would sort all rows before it drops duplicates.
    whole = [*allowed(unit, replace(wanted, only=None)), of_forms]
    distinct = select(_S.c.form_version_id).distinct().where(*whole)
    used = sorted(unit.connection.execute(distinct).scalars(), reverse=True)
    versions: dict[str, list[int]] = {form_id: [stored[form_id].id] for form_id in chosen}
    names = {}
    for version_id in used:
        found = unit.forms.version(version_id)
        names[version_id] = found.version
        if version_id not in versions[found.form_id]:
            versions[found.form_id].append(version_id)
    layout = _Layout(wanted)
    for form_id in chosen:
        editions = [(each, unit.forms.form(each)) for each in versions[form_id]]
        layout.add(form_id, stored[form_id].title, editions)
    total = unit.connection.execute(select(func.count()).select_from(_S).where(*conditions)).scalar_one()
    lacking: list[str] = []
    rows = _Rows(unit, wanted, layout, names, lacking).all(conditions)
    return Extract(layout.tables(), total, rows, lacking, is_several=True)


def chosen_forms(wanted: Wanted, published: Iterable[str]) -> tuple[str, ...]:
    """The wanted forms that this audience may have."""
    chosen = wanted.one_of("form_id") or tuple(published)
    return tuple(filter(is_told_outside, chosen)) if wanted.is_released else chosen


def of_chosen_forms(wanted: Wanted, chosen: Sequence[str]) -> ColumnElement[bool]:
    return _S.c.form_id.in_(select(_F.c.id).where(_F.c.plan_id == wanted.plan_id, _F.c.form_id.in_(chosen)))


def refuse_closed_forms(wanted: Wanted) -> None:
    """Raise Refused if `wanted` names a form whose answers stay inside the plan's coordination."""
    closed = [name for name in wanted.one_of("form_id") if not is_told_outside(name)]
    if wanted.is_released and closed:
        raise Refused("form", f"answers to {', '.join(closed)} are for the plan's own use")


# ------------------------------------------------------------------ columns
@dataclass(slots=True)
class _Question:
    """One column: the question in its newest edition, and whether its answers are more than codes or numbers."""

    key: str
    kind: Kind
    label: str
    note: str
    is_coded: bool
    is_number: bool


@dataclass(slots=True)
class _Sheet:
    name: str
    title: str
    is_main: bool
    columns: dict[str, _Question] = field(default_factory=dict)


@dataclass(slots=True)
class _Slots:
    """The cells of the answers of one version: by ref in the main table, by path without numbers in the repeats."""

    main: int
    is_always_restricted: bool
    flat: dict[str, tuple[int, _Question]] = field(default_factory=dict)
    deep: dict[str, tuple[int, int, _Question]] = field(default_factory=dict)
    repeats: dict[str, int] = field(default_factory=dict)
    passed: set[str] = field(default_factory=set)


class _Layout:
    """The tables of an extract, and the cell of each answer in each version."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._sheets: list[_Sheet] = []
        self.slots: dict[int, _Slots] = {}
        self.about = ABOUT if wanted.is_released else (*ABOUT, *ABOUT_INSIDE)

    def add(self, form_id: str, title: str, editions: Sequence[tuple[int, Form]]) -> None:
        """Add a form with its editions, the newest first."""
        places = [(id, form, list(_leaves(form))) for id, form in editions]
        doubled = set[tuple[str, str]]()
        for _, form, leaves in places:
            seen = set[tuple[str, str]]()
            for place in leaves:
                named = (_table_of(place, form), place.name)
                (doubled if named in seen else seen).add(named)
        main = len(self._sheets)
        numbers = {"": main}
        self._sheets.append(_Sheet(form_id, title or form_id, is_main=True))
        for id, form, leaves in places:
            slots = self.slots[id] = _Slots(main, profile(form_id).always_sensitive)
            for each in form.root.descendants():
                if each.is_repeat and not self._wanted.is_released:
                    path = _relative(each, form)
                    if path not in numbers:
                        numbers[path] = len(self._sheets)
                        self._sheets.append(self._repeat(form_id, title, path, each, form))
                    slots.repeats[each.path] = numbers[path]
            for place in leaves:
                self._place(place, form, slots, numbers, doubled)

    def _repeat(self, form_id: str, title: str, path: str, place: Place, form: Form) -> _Sheet:
        name = f"{form_id}.{path.replace('/', '.')}"
        group = form.logic[place].group if place in form.logic else None
        said = _words(group.label.message(form.language_for(self._wanted.language))) if group else ""
        return _Sheet(name, said or place.name, is_main=False)

    def _place(
        self, place: Place, form: Form, slots: _Slots, numbers: Mapping[str, int], doubled: set[tuple[str, str]]
    ) -> None:
        inside = _table_of(place, form)
        question = form.logic[place].question
        key = _below(place, form) if (inside, place.name) in doubled else place.name
        is_coded = _is_coded(question, form, place)
        if self._wanted.is_released and (inside or not is_coded or place.name in PLACES):
            slots.passed.add(place.path)
            return
        sheet = self._sheets[numbers[inside]]
        kind = _kind(question, place)
        column = sheet.columns.get(key)
        if column is None:
            said = _words(form.logic[place].label.message(form.language_for(self._wanted.language)))
            column = sheet.columns[key] = _Question(
                key, kind, said or key, self._choices(form, place), is_coded, _is_number(question)
            )
        else:
            if column.kind is not kind:
                column.kind = Kind.ANY if {column.kind, kind} <= {Kind.ANY, Kind.WHOLE, Kind.DECIMAL} else Kind.TEXT
            column.is_coded = column.is_coded and is_coded
        at_column = list(sheet.columns).index(key)
        if inside:
            slots.deep[place.path] = (numbers[inside], at_column, column)
        else:
            slots.flat[place.path] = (at_column, column)

    def _choices(self, form: Form, place: Place) -> str:
        """The codes of a select and their labels."""
        items = form.logic[place].items
        if items is None:
            return ""
        language = form.language_for(self._wanted.language)
        found = [(value, _words(text.message(language))) for value, text in items.inline]
        if items.nodes is not None and (listed := _LIST.match(items.nodes.source)) and listed[1] in form.instances:
            for root in form.instances[listed[1]].children.get("root", ()):
                for item in root.children.get("item", ()):
                    name = items.label_name
                    said = item.child_text(f"{name}_{self._wanted.language}") or item.child_text(name)
                    if items.label_is_itext:
                        text = form.itext_message(language, said)
                        said = _words(text.message(language)) if text else ""
                    found.append((item.child_text(items.value_name), said))
        if len(found) > CHOICES_TOLD:
            return ""
        return meanings(found)

    def tables(self) -> tuple[Table, ...]:
        return tuple(
            Table(
                sheet.name,
                sheet.title,
                (
                    *columns(self._wanted.language, *self._head(sheet)),
                    *(
                        Column(name, each.kind, each.label[:LONGEST_LABEL], each.note)
                        for name, each in zip(self._names(sheet), sheet.columns.values(), strict=True)
                    ),
                ),
                sheet.is_main,
            )
            for sheet in self._sheets
        )

    def widths(self) -> list[int]:
        return [len(sheet.columns) for sheet in self._sheets]

    def _head(self, sheet: _Sheet) -> tuple[tuple[str, Kind], ...]:
        return self.about if sheet.is_main else KEYS

    def _names(self, sheet: _Sheet) -> list[str]:
        """Give each question a name that no other question and none of our columns has."""
        taken = {name for name, _ in self._head(sheet)}
        names = []
        for key in sheet.columns:
            name, number = key, 1
            while name in taken:
                number += 1
                name = f"{key}_{number}"
            taken.add(name)
            names.append(name)
        return names


def _leaves(form: Form) -> Iterator[Place]:
    """The questions of the form in its order, without notes."""
    for place in form.root.descendants():
        if not place.is_leaf or "/meta/" in place.path:
            continue
        logic = form.logic.get(place)
        is_note = logic is not None and logic.question is not None and logic.question.type == "note"
        if is_note and logic is not None and logic.calculate is None and not place.frame.template.values[place.slot]:
            continue
        yield place


def _relative(place: Place, form: Form) -> str:
    return place.path[len(form.root.path) + 1 :]


def _repeat_around(place: Place) -> Place | None:
    return place.frame.place


def _table_of(place: Place, form: Form) -> str:
    around = _repeat_around(place)
    return _relative(around, form) if around is not None else ""


def _below(place: Place, form: Form) -> str:
    """The path below its repeat, or below the form's root."""
    around = _repeat_around(place) or form.root
    return place.path[len(around.path) + 1 :]


def _words(message: Sequence[Any]) -> str:
    """The label without its outputs."""
    return " ".join("".join(part if isinstance(part, str) else "…" for part in message).split())


def _kind(question: Question | None, place: Place) -> Kind:
    value_type = question.value_type if question else place.value_type
    if value_type in _KINDS:
        return _KINDS[value_type]
    return Kind.ANY if question is None or question.type in ("calculate", "hidden", "range") else Kind.TEXT


def _is_coded(question: Question | None, form: Form, place: Place) -> bool:
    """Whether the answers of a question contain no text that somebody typed.

    Choices that are made from a repeat's instances are typed text.
    """
    if question is None or question.extras.get("sensitive") == "yes":
        return False
    items = form.logic[place].items
    return question.type in CODED and (items is None or items.value is None)


def _is_number(question: Question | None) -> bool:
    return question is not None and question.type in NUMBERS


# ------------------------------------------------------------------ cells
_Read = Callable[[str], Cell]
"""Makes the cell of an answer that is not blank."""


def _whole(text: str) -> Cell:
    try:
        return int(text)
    except ValueError:
        return text


def _decimal(text: str) -> Cell:
    return float(text) if _DECIMAL.fullmatch(text) else text


def _day(text: str) -> Cell:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text


def _instant(text: str, zone: ZoneInfo) -> Cell:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return text if found.tzinfo is None else found.astimezone(zone)


def _any(text: str) -> Cell:
    if not _CANONICAL.fullmatch(text):
        return text
    return float(text) if "." in text else int(text)


def _any_number(text: str) -> Cell:
    found = _any(text)
    return None if isinstance(found, str) else found


def _nothing(_: str) -> Cell:
    return None


_READS: Mapping[Kind, _Read] = {
    Kind.TEXT: str,
    Kind.WHOLE: _whole,
    Kind.DECIMAL: _decimal,
    Kind.DAY: _day,
    Kind.ANY: _any,
    Kind.FLAG: str,
}


def _reader(question: _Question, hides: bool, zone: ZoneInfo) -> _Read:
    """Return how answers to a question become cells. `hides` is for a restricted report and a reader who may not see it
    whole.
    """
    if hides and question.key in PLACES:
        return _nothing
    if hides and not question.is_coded:
        # A calculation may repeat a text; a calculation that is a number cannot.
        return _any_number if question.kind is Kind.ANY else _nothing
    return partial(_instant, zone=zone) if question.kind is Kind.INSTANT else _READS[question.kind]


class _Readers(NamedTuple):
    """How the answers of one version become cells."""

    flat: list[tuple[str, int, _Read]]
    """For each question outside the repeats: its ref, its cell in the main table's row, and its reader."""
    deep: dict[str, _Read]
    """By path without numbers."""


class _Rows:
    def __init__(
        self, unit: UnitOfWork, wanted: Wanted, layout: _Layout, names: Mapping[int, str], lacking: list[str]
    ) -> None:
        self._unit, self._wanted, self._layout, self._lacking = unit, wanted, layout, lacking
        self._versions = names
        self._widths = layout.widths()
        self._readers = cache(self._readers_of)
        self._zone = wanted.zone
        self._restricted: dict[str, bool] = {}
        self._limits: dict[str, int] = {}
        self._standard = unit.plans.by_id(wanted.plan_id).min_cell
        of_indicators = limits(unit, wanted.plan_id)
        for each in unit.plans.indicators(wanted.plan_id, include_retired=True):
            self._limits[each.subject] = of_indicators[each.code]
            self._restricted[each.subject] = is_restricted(each.sensitivity)
        for activity in unit.plans.activities(wanted.plan_id, include_retired=True):
            self._restricted[activity.subject] = activity.is_restricted
            self._limits[activity.subject] = of_indicators.get(activity.indicator_code, 0)

    def all(self, conditions: Sequence[Any]) -> Iterator[tuple[int, Sequence[Cell]]]:
        statement = (
            select(
                _S.c.id, _S.c.form_version_id, _S.c.instance_id, _S.c.receipt_number, root_receipt(), _S.c.subject,
                _S.c.version, _S.c.validation_state, _S.c.started_at, _S.c.submitted_at, _S.c.sensitive, _S.c.answers,
                _S.c.sealed_answers, _S.c.person_id, _P.c.code.label("period"), _A.c.code.label("agency"),
                _PERSON.c.name,
            )
            .join(_PERSON, _PERSON.c.id == _S.c.person_id)
            .outerjoin(_P, _P.c.id == _S.c.reporting_period_id)
            .outerjoin(_A, _A.c.id == _S.c.agency_id)
            .where(*conditions)
        )  # fmt: skip
        for found in streamed(self._unit, statement.order_by(_S.c.id)):
            yield from self._submission(found)

    def _submission(self, found: Any) -> Iterable[tuple[int, Sequence[Cell]]]:
        wanted = self._wanted
        # By place: a row is asked for each of its names by a search.
        (
            _, version_id, key, receipt, root, subject, version, validation, started_at, submitted_at, sensitive,
            answers, sealed, person_id, period, agency, name,
        ) = found  # fmt: skip
        slots, subject = self._layout.slots[version_id], subject or ""
        # A subject that the plan no longer knows is treated as restricted, because nobody can say that it is not.
        is_closed = bool(sensitive) or slots.is_always_restricted or (
            bool(subject) and self._restricted.get(subject, True)
        )  # fmt: skip
        row: list[Cell] = [
            key, receipt, root, self._versions[version_id], subject.partition(":")[2] or None, agency, period,
            validation, version, at(started_at, self._zone), at(submitted_at, self._zone), is_closed,
        ]  # fmt: skip
        if not wanted.is_released:
            row += [person_code(person_id), name]
        head = len(row)
        row += [None] * self._widths[slots.main]
        hides = is_closed and not wanted.sees_restricted
        readers = self._readers(version_id, hides, head)
        limit = self._limits.get(subject, self._standard)
        # People are told by the year. A report would say which periods and groups are among the few.
        is_by_the_year = limit > 1 and subject.startswith("indicator:")
        said = {} if wanted.is_released and (is_closed or is_by_the_year) else self._said(answers, sealed, key)
        for ref, at_cell, read in readers.flat:
            if value := said.get(ref):
                row[at_cell] = read(value)
        deep: dict[str, tuple[int, list[Cell]]] = {}
        if not said.keys() <= slots.flat.keys():
            for ref, value in said.items():
                if ref not in slots.flat and not self._put_deep(ref, value, slots, readers, key, receipt, deep):
                    self._lacking.append(f"receipt {receipt:04d}: {ref} is no question of its form")
        if wanted.is_released:
            self._suppress(row, head, slots, limit)
        return ((slots.main, row), *deep.values())

    def _readers_of(self, version_id: int, hides: bool, head: int) -> _Readers:
        slots = self._layout.slots[version_id]
        return _Readers(
            [(ref, head + column, _reader(each, hides, self._zone)) for ref, (column, each) in slots.flat.items()],
            {path: _reader(each, hides, self._zone) for path, (_, _, each) in slots.deep.items()},
        )

    def _said(self, answers: str | None, sealed: bytes | None, instance_id: str) -> dict[str, str]:
        text = answers if sealed is None else self._unit.vault.open(sealed, sealed_name(instance_id))
        said: dict[str, str] = orjson.loads(text or "{}")
        return said

    def _put_deep(
        self, ref: str, value: str, slots: _Slots, readers: _Readers, key: str, receipt: int,
        deep: dict[str, tuple[int, list[Cell]]],
    ) -> bool:  # fmt: skip
        """Store an answer inside a repeat. It creates its row and the rows of the repeats around it."""
        path = _STEP.sub("", ref)
        slot = slots.deep.get(path)
        if slot is None:
            return path in slots.passed or "/meta/" in path
        parent = key
        for step in _STEP.finditer(ref):
            around = _STEP.sub("", ref[: step.start()])
            if around not in slots.repeats:
                return False
            own = f"{parent}/{around.rpartition('/')[2]}[{step[1]}]"
            if own not in deep:
                number = slots.repeats[around]
                cells: list[Cell] = [own, parent, int(step[1]), receipt]
                deep[own] = (number, cells + [None] * self._widths[number])
            parent = own
        deep[parent][1][len(KEYS) + slot[1]] = readers.deep[path](value) if value else None
        return True

    def _suppress(self, row: list[Cell], head: int, slots: _Slots, limit: int) -> None:
        """Suppress numbers about people who may be few. Each row counts as one of many that add up."""
        given: dict[str, tuple[int, int]] = {}
        for column, question in slots.flat.values():
            cell = row[head + column]
            if question.is_number and question.key not in ABOUT_THE_ACTIVITY and isinstance(cell, int | float):
                given[question.key] = head + column, abs(round(cell)) or bool(cell)
        for split in SPLITS:  # the parts of one number are judged together
            parts = {key: given.pop(key) for key in sorted(given) if key.startswith(split)}
            shown = in_a_row(
                sum(number for _, number in parts.values()), {k: n for k, (_, n) in parts.items()}, min_cell=limit
            )
            for key, (at_cell, _) in parts.items():
                if key in shown.parts and shown.parts[key].is_hidden:
                    row[at_cell] = PROTECTED
        for at_cell, number in given.values():
            if in_a_row(number, min_cell=limit).total.is_hidden:
                row[at_cell] = PROTECTED
