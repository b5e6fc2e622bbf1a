"""EXPORTERS: what can be exported, in which format, for whom, and by whom.

One literal table. An audience or role gets only the rows that list it (S5). A dataset can be filtered only by the
filters it lists; another filter is refused, because the file's cover names its filters and readers believe it. Every
export leaves an audit entry before its file exists. An exporter writes in constant memory, page by page.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import BinaryIO

from conversations.dates import show_day
from conversations.languages import translated
from conversations.plan.model import ActivityStatus, Role, ValidationState
from conversations.plan.sharing.export_request import AUDIENCES, FILTERS, audience_name, period_label
from conversations.wording import wording
from storage.errors import NotFound
from storage.exports.datasets.answers import answers, refuse_closed_forms
from storage.exports.datasets.closings import closings
from storage.exports.datasets.indicators import indicators, three_p
from storage.exports.datasets.people import audit, people, reminders
from storage.exports.datasets.plan import agencies, plan
from storage.exports.datasets.reports import reports
from storage.exports.datasets.withdrawn import withdrawn
from storage.exports.files.instances import write_instances
from storage.exports.files.media import write_media
from storage.exports.files.plan_state import write_balance, write_plan_state, write_three_p
from storage.exports.formats.delimited import write_csv, write_package
from storage.exports.formats.json_lines import write_jsonl
from storage.exports.formats.workbooks import write_xlsx
from storage.exports.tables import Dataset, Extract, shown
from storage.exports.wanted import INTERNAL, OBSERVERS, Progress, Refused, Wanted, Written, span_of
from storage.reports.files import FileStore
from storage.unit_of_work import UnitOfWork

Write = Callable[[UnitOfWork, FileStore, Wanted, BinaryIO, Progress], Written]
WriteTables = Callable[[Extract, Wanted, BinaryIO, Progress], Written]

INSIDE = frozenset({INTERNAL})
TAKERS: frozenset[Role | None] = frozenset({Role.COORDINATOR, Role.ADMIN, None})
"""For each audience, the roles that may export for it. None is a person at the server."""
OUTSIDERS = frozenset({Role.OBSERVER, Role.READER})
"""Roles that get a row for observers only if the row names them, and nothing else (docs/domain.md#who-sees-what)."""


@dataclass(frozen=True, slots=True)
class Exporter:
    """One dataset in one format."""

    dataset: str
    format: str
    write: Write
    audiences: frozenset[str] = INSIDE
    takers: frozenset[Role | None] = TAKERS
    filters: frozenset[str] = frozenset()
    """The filters of `FILTERS` that it applies. A request with another filter is refused."""
    suffix: str = ".zip"
    """The ending of the file's name. It never depends on the content."""
    tables: Dataset | None = None
    """The function that yields its tables, if it consists of tables."""


EVERYBODY = frozenset(AUDIENCES)
OUTSIDE_BUT_PUBLIC = frozenset({INTERNAL, OBSERVERS})

WATCHERS = TAKERS | {Role.OBSERVER}
ALL_BUT_REPORTERS = TAKERS | OUTSIDERS

ALL = frozenset(FILTERS)
PART = frozenset({"agency", "area"})
WHEN = frozenset({"period"})
SINCE = frozenset({"since"})


@dataclass(frozen=True, slots=True)
class TableDataset:
    """A dataset that consists of tables: for which audiences, for which roles, and its filters."""

    name: str
    tables: Dataset
    audiences: frozenset[str]
    takers: frozenset[Role | None]
    filters: frozenset[str]


DATASETS: tuple[TableDataset, ...] = (
    TableDataset("reports", reports, EVERYBODY, WATCHERS, WHEN | PART | {"status", "validation"} | SINCE),
    TableDataset("answers", answers, EVERYBODY, TAKERS, ALL),
    TableDataset("indicators", indicators, EVERYBODY, ALL_BUT_REPORTERS, WHEN | PART | {"validation"} | SINCE),
    TableDataset("3p", three_p, EVERYBODY, ALL_BUT_REPORTERS, WHEN | PART),
    TableDataset("closings", closings, EVERYBODY, ALL_BUT_REPORTERS, WHEN | {"agency"}),
    TableDataset("plan", plan, EVERYBODY, ALL_BUT_REPORTERS, PART | {"status"}),
    TableDataset("agencies", agencies, EVERYBODY, ALL_BUT_REPORTERS, frozenset({"agency"})),
    TableDataset("people", people, OUTSIDE_BUT_PUBLIC, TAKERS, frozenset({"agency"})),
    TableDataset("withdrawn", withdrawn, EVERYBODY, WATCHERS, WHEN | {"agency"} | SINCE),
    TableDataset("reminders", reminders, INSIDE, TAKERS, WHEN | {"agency"}),
    TableDataset("audit", audit, INSIDE, TAKERS, WHEN),
)
"""A minister's reader gets no raw reports (docs/domain.md#ministers)."""


@dataclass(frozen=True, slots=True)
class TableFormat:
    """A way to write tables. `suffix` is the ending of its files."""

    name: str
    write: WriteTables
    suffix: str


FORMATS: tuple[TableFormat, ...] = (
    TableFormat("csv", write_csv, ".csv"),
    TableFormat("xlsx", write_xlsx, ".xlsx"),
    TableFormat("jsonl", write_jsonl, ".jsonl"),
    TableFormat("datapackage", write_package, ".zip"),
)
SEVERAL = frozenset({"answers"})
"""Datasets that may have several tables. As CSV they are a ZIP."""


def _tabular(dataset: TableDataset, format: TableFormat) -> Exporter:
    def named(unit: UnitOfWork, wanted: Wanted) -> Extract:
        plan = unit.plans.by_id(wanted.plan_id)
        return shown(dataset.tables(unit, wanted), translated(plan.name, wanted.language))

    def write_it(unit: UnitOfWork, _: FileStore, wanted: Wanted, out: BinaryIO, progress: Progress) -> Written:
        return format.write(named(unit, wanted), wanted, out, progress)

    suffix = ".zip" if format.name == "csv" and dataset.name in SEVERAL else format.suffix
    return Exporter(
        dataset.name,
        format.name,
        write_it,
        dataset.audiences,
        dataset.takers,
        dataset.filters,
        suffix=suffix,
        tables=named,
    )


EXPORTERS: tuple[Exporter, ...] = (
    *(_tabular(dataset, format) for dataset in DATASETS for format in FORMATS),
    Exporter("3p", "pdf", write_three_p, EVERYBODY, ALL_BUT_REPORTERS, WHEN | PART, suffix=".pdf"),
    Exporter("plan-state", "pdf", write_plan_state, EVERYBODY, ALL_BUT_REPORTERS, WHEN | PART, suffix=".pdf"),
    Exporter("balance", "pdf", write_balance, EVERYBODY, ALL_BUT_REPORTERS, PART, suffix=".pdf"),
    Exporter("media", "zip", write_media, filters=ALL),
    Exporter(
        "submissions",
        "xml-zip",
        write_instances,
        takers=frozenset({Role.COORDINATOR}),
        filters=ALL,
    ),
)


def exporter(dataset: str, format: str, audience: str, role: Role | None = None) -> Exporter | None:
    """The row of the table, or None. Only combinations in the table are exported, and only to the roles they list."""
    if role in OUTSIDERS and audience != OBSERVERS:
        return None
    for each in EXPORTERS:
        if (each.dataset, each.format) == (dataset, format) and audience in each.audiences and role in each.takers:
            return each
    return None


def datasets_for(audience: str) -> tuple[str, ...]:
    """The datasets that a program which holds a token of this audience reads."""
    return tuple(each.name for each in DATASETS if exporter(each.name, "jsonl", audience) is not None)


def check_wanted(unit: UnitOfWork, used: Exporter, wanted: Wanted) -> None:
    """Check the filters: the dataset knows each one, and each names something that exists and may be exported.

    Raises NotFound or Refused. Otherwise a misspelt code would give an empty file, and an ignored filter would give a
    file that holds more than its cover says.
    """
    if strays := [name for name in wanted.filters if name not in used.filters]:
        known = ", ".join(_option(name) for name in FILTERS if name in used.filters)
        raise Refused(
            "filter",
            f"{used.dataset} cannot be filtered by {', '.join(map(_option, strays))}; it can by: {known}",
        )
    _check_times(unit, wanted)
    _check_codes(unit, wanted)
    validated = ValidationState.VALIDATED
    if wanted.only_validated and set(wanted.one_of("validation")) - {validated}:
        raise Refused(
            "validation", f"only {validated} reports are taken out, save by a coordinator for the plan's own use"
        )
    refuse_closed_forms(wanted)


def _check_times(unit: UnitOfWork, wanted: Wanted) -> None:
    """Check that the period holds a period of the plan, and that `since` is a day or an instant."""
    try:
        span = span_of(wanted.period)
    except ValueError:
        raise NotFound(f"no reporting period {wanted.period!r}") from None
    try:
        _ = wanted.since_at
    except ValueError:
        raise NotFound(
            f"{wanted.since!r} is neither a day (2018-10-03) nor an instant (2018-10-03T08:00-04:00)"
        ) from None
    periods = unit.plans.periods(wanted.plan_id)
    if span is not None and not any(span.holds(each.code, each.start_on, each.end_on) for each in periods):
        raise NotFound(f"no reporting period {wanted.period!r}")


_CODES: dict[str, tuple[str, Callable[[UnitOfWork, int], Iterable[str]]]] = {
    "form_id": ("form", lambda unit, plan_id: (each.form_id for each in unit.forms.list(plan_id))),
    "agency": ("agency", lambda unit, plan_id: (each.code for each in unit.plans.agencies(plan_id))),
    "area": ("strategic area", lambda unit, plan_id: (each.code for each in unit.plans.strategic_areas(plan_id))),
    "status": ("activity status", lambda *_: ActivityStatus),
    "validation": ("validation state", lambda *_: ValidationState),
}
"""Filters that name codes: what they name, and which there are."""


def _check_codes(unit: UnitOfWork, wanted: Wanted) -> None:
    for name, (what, listed) in _CODES.items():
        if codes := wanted.one_of(name):
            existing = set(listed(unit, wanted.plan_id))
            for code in codes:
                if code not in existing:
                    raise NotFound(f"no {what} {code!r}; there are: {', '.join(sorted(existing))}")


def _option(name: str) -> str:
    """Return the name of a filter on the command line."""
    return name.removesuffix("_id")


def file_name(unit: UnitOfWork, used: Exporter, wanted: Wanted) -> str:
    """A file name that says what the file holds: plan, dataset, filters, audience, time.

    A program reads codes. A PDF is for a person: its name has the words of their language, and the day as it is written
    there.
    """
    if used.suffix == ".pdf":
        return _name_in_words(used, wanted)
    plan = unit.plans.by_id(wanted.plan_id)
    at = wanted.now.astimezone(wanted.zone)
    parts = (plan.code, used.dataset, *wanted.filters.values(), wanted.audience, f"{at:%Y%m%d-%H%M}")
    name = "_".join(re.sub(r"[^\w.+-]+", "-", part) for part in parts if part)
    return name + used.suffix


def _name_in_words(used: Exporter, wanted: Wanted) -> str:
    say, on = wording(wanted.language), wanted.now.astimezone(wanted.zone).date()
    filters = (period_label(value, say) if name == "period" else value for name, value in wanted.filters.items())
    who = audience_name(wanted.audience, wanted.role, say)
    parts = (say(f"export.data.{used.dataset}"), *filters, who, show_day(on, wanted.language))
    return " - ".join(re.sub(r"[^\w.+,' -]+", "-", part).strip() for part in parts if part) + used.suffix


def record_export(unit: UnitOfWork, used: Exporter, wanted: Wanted, actor: int | None) -> None:
    """Write the audit entry: who exported what, for whom. It is committed before anything is written."""
    details = {"dataset": used.dataset, "format": used.format, "audience": wanted.audience}
    details |= {name: getattr(wanted, name) for name in FILTERS}
    details["role"] = wanted.role.value if wanted.role else "server"
    unit.audit.record("exported", actor, wanted.plan_id, details, wanted.now)
