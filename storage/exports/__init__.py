"""EXPORTERS: what can be taken out, in which format, for whom, and by whom.

One literal table. What an audience or a role is not listed for, it does not get (S5); every export leaves an audit
entry before its file does; an exporter writes in constant memory, one page of rows after the other.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from conversations.plan import ActivityStatus, Role, ValidationState, translated
from storage.errors import Conflict, NotFound
from storage.exports.answers import answers
from storage.exports.delimited import write_csv
from storage.exports.indicators import indicators, three_p
from storage.exports.instances import write_instances
from storage.exports.json_lines import write_jsonl
from storage.exports.media import write_media
from storage.exports.people import audit, people, reminders
from storage.exports.plan import agencies, plan
from storage.exports.plan_state import write_plan_state
from storage.exports.reports import reports
from storage.exports.tables import Dataset, Extract
from storage.exports.wanted import AUDIENCES, INTERNAL, OBSERVERS, Progress, Wanted, Written, span_of
from storage.exports.workbooks import write_xlsx
from storage.files import FileStore
from storage.unit_of_work import UnitOfWork

Write = Callable[[UnitOfWork, FileStore, Wanted, BinaryIO, Progress], Written]
WriteTables = Callable[[Extract, Wanted, BinaryIO, Progress], Written]

INSIDE = frozenset({INTERNAL})
TAKERS: frozenset[Role | None] = frozenset({Role.COORDINATOR, Role.ADMIN, None})
"""Who takes something out for whomever it is; None is whoever stands at the server."""
OUTSIDERS = frozenset({Role.OBSERVER, Role.READER})
"""Who takes out what is for observers, if a row names them, and nothing else (DOMAIN §2.7)."""


@dataclass(frozen=True, slots=True)
class Exporter:
    """One dataset in one format."""

    dataset: str
    format: str
    write: Write
    audiences: frozenset[str] = INSIDE
    takers: frozenset[Role | None] = TAKERS
    suffix: str = ".zip"
    several: Callable[[UnitOfWork, Wanted], bool] = field(default=lambda unit, wanted: False, compare=False)
    """Whether what is wanted takes several files, which go into one ZIP."""
    is_whole: bool = False
    """It holds what no coordinator has validated too, whoever takes it."""

    def ending(self, unit: UnitOfWork, wanted: Wanted) -> str:
        """The ending of the file's name."""
        return ".zip" if self.several(unit, wanted) else self.suffix


EVERYBODY = frozenset(AUDIENCES)
OUTSIDE_BUT_PUBLIC = frozenset({INTERNAL, OBSERVERS})

WATCHERS = TAKERS | {Role.OBSERVER}
ALL_BUT_REPORTERS = TAKERS | OUTSIDERS

DATASETS: tuple[tuple[str, Dataset, frozenset[str], frozenset[Role | None]], ...] = (
    ("reports", reports, EVERYBODY, WATCHERS),
    ("answers", answers, EVERYBODY, TAKERS),
    ("indicators", indicators, EVERYBODY, ALL_BUT_REPORTERS),
    ("3p", three_p, EVERYBODY, ALL_BUT_REPORTERS),
    ("plan", plan, EVERYBODY, ALL_BUT_REPORTERS),
    ("agencies", agencies, EVERYBODY, ALL_BUT_REPORTERS),
    ("people", people, OUTSIDE_BUT_PUBLIC, TAKERS),
    ("reminders", reminders, INSIDE, TAKERS),
    ("audit", audit, INSIDE, TAKERS),
)
"""What is made of tables: its name, the function that yields it, for whom it is, and who takes it out.

A minister's reader gets no raw reports (DOMAIN §4.6).
"""

FORMATS: tuple[tuple[str, WriteTables, bool], ...] = (
    ("csv", write_csv, True),
    ("xlsx", write_xlsx, False),
    ("jsonl", write_jsonl, False),
)
"""How tables are written: the name of the format, which is the ending too, and whether several tables are a ZIP."""


def _tabular(
    name: str,
    dataset: Dataset,
    audiences: frozenset[str],
    takers: frozenset[Role | None],
    format: str,
    write: WriteTables,
    zips: bool,
) -> Exporter:
    def write_it(unit: UnitOfWork, _: FileStore, wanted: Wanted, out: BinaryIO, progress: Progress) -> Written:
        plan = next(each for each in unit.plans.all() if each.id == wanted.plan_id)
        named = replace(dataset(unit, wanted), plan=translated(plan.name, wanted.language))
        return write(named, wanted, out, progress)

    def several(unit: UnitOfWork, wanted: Wanted) -> bool:
        return zips and len(dataset(unit, wanted).tables) > 1

    return Exporter(name, format, write_it, audiences, takers, suffix=f".{format}", several=several)


EXPORTERS: tuple[Exporter, ...] = (
    *(_tabular(*dataset, *format) for dataset in DATASETS for format in FORMATS),
    Exporter("plan-state", "pdf", write_plan_state, EVERYBODY, ALL_BUT_REPORTERS, suffix=".pdf"),
    Exporter("media", "zip", write_media),
    Exporter("submissions", "xml-zip", write_instances, takers=frozenset({Role.COORDINATOR, None}), is_whole=True),
)


def exporter(dataset: str, format: str, audience: str, role: Role | None = None) -> Exporter | None:
    """The row of the table, or None: nothing is exported that is not declared, to nobody who is not listed."""
    if role in OUTSIDERS and audience != OBSERVERS:
        return None
    for each in EXPORTERS:
        if (each.dataset, each.format) == (dataset, format) and audience in each.audiences and role in each.takers:
            return each
    return None


def check_wanted(unit: UnitOfWork, used: Exporter, wanted: Wanted) -> None:
    """Nothing, if every filter names something there is and that may be taken. NotFound or Conflict otherwise:

    a misspelt code would be an empty file.
    """
    plans = unit.plans
    try:
        span = span_of(wanted.period)
    except ValueError:
        raise NotFound(f"no reporting period {wanted.period!r}") from None
    if span is not None:
        found = (p.code == span.code if span.code else span.start_on <= p.start_on and p.end_on <= span.end_on
                 for p in plans.periods(wanted.plan_id))  # fmt: skip
        if not any(found):
            raise NotFound(f"no reporting period {wanted.period!r}")
    known = {
        "form_id": ("form", {each.form_id for each in unit.forms.list(wanted.plan_id)}),
        "agency": ("agency", {each.code for each in plans.agencies(wanted.plan_id)}),
        "area": ("strategic area", {each.code for each in plans.strategic_areas(wanted.plan_id)}),
        "status": ("activity status", {each.value for each in ActivityStatus}),
        "validation": ("validation state", {each.value for each in ValidationState}),
    }
    for name, (what, existing) in known.items():
        for code in wanted.one_of(name):
            if code not in existing:
                raise NotFound(f"no {what} {code!r}; there are: {', '.join(sorted(existing))}")
    validated = ValidationState.VALIDATED
    if wanted.only_validated and not used.is_whole and set(wanted.one_of("validation")) - {validated}:
        raise Conflict(f"only {validated} reports are taken out, save by a coordinator for the plan's own use")


def file_name(unit: UnitOfWork, used: Exporter, wanted: Wanted) -> str:
    """A name that says what is in it: plan, dataset, filters, audience, time (DESIGN §8)."""
    plan = next(each for each in unit.plans.all() if each.id == wanted.plan_id)
    filters = (wanted.form_id, wanted.period, wanted.agency, wanted.area, wanted.status, wanted.validation)
    at = wanted.now.astimezone(wanted.zone)
    parts = (plan.code, used.dataset, *filters, wanted.audience, f"{at:%Y%m%d-%H%M}")
    name = "_".join(re.sub(r"[^\w.+-]+", "-", part) for part in parts if part)
    return name + used.ending(unit, wanted)


def record_export(unit: UnitOfWork, used: Exporter, wanted: Wanted, actor: int | None) -> None:
    """The audit entry: who took what, for whom. Committed before anything is written."""
    details = {"dataset": used.dataset, "format": used.format, "audience": wanted.audience}
    details |= {name: getattr(wanted, name) for name in ("form_id", "period", "agency", "area", "status", "validation")}
    details["role"] = wanted.role.value if wanted.role else "server"
    unit.audit.record("exported", actor, wanted.plan_id, details, wanted.now)
