"""The sheets of a plan's workbook: their columns, and where each column is stored."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from conversations.languages import LANGUAGES
from conversations.plan.figures.annual import PILLARS
from conversations.plan.model import COMPUTATIONS, LEAST_CELL, ROLE_TYPES, ActivityStatus, ValidationState
from conversations.plan.periods import LONGEST_CADENCE, Frequency

Value = str | int | bool | date | None | tuple[str, ...] | dict[str, str]
Kind = Literal[
    "code",
    "text",
    "date",
    "number",
    "whole",
    "flag",
    "yes_no",
    "word",
    "reference",
    "references",
    "sdg",
    "gcm",
    "iso",
    "zone",
]


@dataclass(frozen=True, slots=True)
class Field:
    """A column: what its cells may contain, and where it is stored. Without `kept` it is only checked."""

    header: str
    kept: str = ""
    kind: Kind = "text"
    needed: bool = False
    """A row without it is refused. For a text in several languages: a row without it in the sheet's language."""
    limit: int = 300
    language: str = ""
    words: tuple[str, ...] = ()
    refers_to: str = ""
    """The sheet that contains the codes."""
    least: int = 0
    most: int = 0
    """The bounds of a whole number. Without `most` it has none."""
    aliases: tuple[str, ...] = ()
    """Its headers in earlier workbooks. They are still read."""
    note: str = ""
    """Its note in the catalogue (`book.note.…`), if its header does not name one."""


@dataclass(frozen=True, slots=True)
class SheetOf:
    """A sheet of the workbook and the table of its rows. Sheets are in the order in which rows refer to each other."""

    name: str
    table: str
    fields: tuple[Field, ...]
    retired_by: str = ""
    may_be_empty: bool = False
    may_be_missing: bool = False
    """Without this sheet, a workbook changes nothing in its table."""

    def __getitem__(self, header: str) -> Field:
        return next(one for one in self.fields if one.header == header)


@dataclass(frozen=True, slots=True)
class CodeSheetOf:
    """A sheet that contains code lists: the one named here, or those in its column `list_header`."""

    name: str
    list: str = ""
    list_header: str = ""
    label: str = "label"
    words: tuple[str, ...] = ()


_CODE_LIMIT = 32
_SENSITIVITIES = ("public", "internal", "restricted")
_FREQUENCIES = tuple(frequency.value for frequency in Frequency)
_CODE = Field("code", "code", "code", needed=True, limit=_CODE_LIMIT)
_SOURCE = Field("source", "source")


def _translated(prefix: str, kept: str, limit: int, *, needed: bool = True) -> tuple[Field, ...]:
    """One column for each language."""
    return tuple(
        Field(f"{prefix}_{language}", kept, needed=needed, limit=limit, language=language) for language in LANGUAGES
    )


SETTINGS: Final = SheetOf(
    "settings",
    "plan",
    (
        Field("code", "code", "code", needed=True, limit=64),
        *_translated("name", "name", 300),
        Field("country", "country", "iso", limit=2),
        Field("currency", "currency", "iso", limit=3),
        Field("timezone", "timezone", "zone", limit=64),
        Field("min_cell", "min_cell", "whole", least=LEAST_CELL, most=1000, note="plan_min_cell"),
        Field("hotlines", "hotlines", limit=500),
    ),
)
"""The plan's own row. Without this sheet, a workbook changes nothing in it."""
CADENCES: Final = SheetOf(
    "cadences",
    "cadence",
    (
        Field("code", "code", "word", needed=True, words=_FREQUENCIES, note="cadence"),
        Field("opening_day", "opening_day", "whole", needed=True, least=1, most=LONGEST_CADENCE),
        Field("due_day", "due_day", "whole", needed=True, least=1, most=LONGEST_CADENCE),
        Field("grace_day", "grace_day", "whole", needed=True, least=1, most=LONGEST_CADENCE),
        Field("lock_day", "lock_day", "whole", needed=True, least=1, most=LONGEST_CADENCE),
    ),
    retired_by="retired_on",
    may_be_missing=True,
)
"""The plan's periodicities. Activities and indicators may name only these."""
SHEETS: Final = (
    CADENCES,
    SheetOf(
        "strategic_areas",
        "strategic_area",
        (
            _CODE,
            *_translated("name", "name", 200),
            Field("order", "position", "whole", needed=True),
            *_translated("intent", "intent", 500, needed=False),
            _SOURCE,
        ),
    ),
    SheetOf(
        "agencies",
        "agency",
        (
            _CODE,
            *_translated("name", "name", 200),
            Field("role", "mandate", limit=500),
            Field("role_type", "role_type", "word", needed=True, words=ROLE_TYPES),
            Field(
                "founding_member",
                "founding_member",
                "flag",
                words=("yes", "no", "invited"),
                aliases=("member_2018",),
            ),
            Field("referrals", "reports_referrals", "flag", words=("yes", "no")),
            Field("active_from", "active_from", "date"),
            Field("active_to", "active_to", "date"),
            _SOURCE,
        ),
        retired_by="active_to",
    ),
    SheetOf(
        "objectives",
        "objective",
        (
            _CODE,
            Field("area_code", "strategic_area_id", "reference", needed=True, refers_to="strategic_areas"),
            Field("programme", "programme", aliases=tuple(f"programme_{each}" for each in LANGUAGES)),
            *_translated("name", "name", 300),
            Field("sdg_targets", "sdg_targets", "sdg"),
            Field("gcm_objectives", "gcm_objectives", "gcm"),
            _SOURCE,
        ),
    ),
    SheetOf(
        "indicators",
        "indicator",
        (
            _CODE,
            *_translated("name", "name", 200),
            Field("area_code", "strategic_area_id", "reference", needed=True, refers_to="strategic_areas"),
            Field("level", "level", "word", needed=True, words=("output", "outcome", "impact", "other")),
            Field("unit", "unit", "word", needed=True, words=("people", "count", "percent")),
            Field("direction", "direction", "word", needed=True, words=("increase", "decrease", "contextual")),
            Field("aggregation", "aggregation", "word", needed=True, words=("sum", "latest", "ratio", "average")),
            Field("disaggregation", "disaggregation"),
            Field("frequency", "frequency", "word", needed=True, words=_FREQUENCIES),
            Field("baseline", "baseline", "number"),
            Field("baseline_period", "baseline_period", limit=64),
            Field("baseline_source", "baseline_source"),
            Field("target", "target.value", "number"),
            Field("target_date", "target.target_on", "date"),
            Field("sdg_target", "sdg_target", "sdg"),
            Field("sdg_indicator", "sdg_indicator", limit=64),
            Field("gcm_objective", "gcm_objective", "gcm"),
            Field("responsible", "agency_id", "reference", needed=True, refers_to="agencies"),
            Field("sensitivity", "sensitivity", "word", needed=True, words=_SENSITIVITIES),
            Field("min_cell", "min_cell", "whole"),
            Field("by_exploitation", "by_exploitation", "flag", words=("0", "1", "no", "yes", "FALSE", "TRUE")),
            Field("computed", "computed", "word", words=COMPUTATIONS),
            Field("annual_table", "annual_table", "word", words=PILLARS),
            Field("target_source", "target.source"),
            Field("note", "note", limit=500),
        ),
        retired_by="retired_on",
        may_be_empty=True,
    ),
    SheetOf(
        "activities",
        "activity",
        (
            _CODE,
            Field("objective_code", "objective_id", "reference", needed=True, refers_to="objectives"),
            Field("area_code", "", "reference", refers_to="strategic_areas"),
            *_translated("name", "name", 400),
            *_translated("short", "short_name", 60),
            Field("responsible", "agency_id", "reference", needed=True, refers_to="agencies"),
            Field("supporting", "supporting", "references", refers_to="agencies"),
            Field("start_date", "start_on", "date", needed=True),
            Field("due_date", "due_on", "date", needed=True),
            Field("report_frequency", "report_frequency", "word", needed=True, words=_FREQUENCIES),
            Field("indicator_code", "indicator_id", "reference", refers_to="indicators"),
            Field("target_qty", "target_quantity", "number"),
            *_translated("target_unit", "target_unit", 80, needed=False),
            *_translated("means_of_verification", "means_of_verification", 500, needed=False),
            Field("sensitivity", "sensitivity", "word", needed=True, words=_SENSITIVITIES),
            Field("meets_victims", "meets_victims", "yes_no", words=("yes", "no")),
            Field("budget", "budget", "number", aliases=("budget_dop",)),
            Field("budget_status", "budget_status", limit=80),
            _SOURCE,
        ),
        retired_by="retired_on",
    ),
)
CODE_SHEETS: Final = (
    CodeSheetOf("status_codes", list="activity_status", words=tuple(ActivityStatus)),
    CodeSheetOf("validation_states", list="validation_state", words=tuple(ValidationState)),
    CodeSheetOf("codelists", list_header="list"),
    CodeSheetOf("sdg_gcm_reference", list_header="framework", label="title"),
)
EXPLAINS: Final = frozenset({"leame", "readme", "plan", "sources", "export_crosswalk", "reporting_calendar"})
"""Sheets for people: the read-me, the flat view of the plan, the sources, and values that are computed here anyway."""
BLANK: Mapping[str, Value] = {"date": None, "whole": 0, "flag": False, "yes_no": None, "references": ()}
"""What a blank cell says. Of `yes_no` it is a third answer: nobody has said."""


def is_plan(tabs: Iterable[str]) -> bool:
    """Whether a workbook is meant as a plan, by the names of its sheets. Its mistakes are found later."""
    names = {name.strip().casefold() for name in tabs}
    return "survey" not in names and len(names & {sheet_of.name for sheet_of in SHEETS}) >= 2


def table_of(one: Field) -> str:
    return next(sheet_of.table for sheet_of in SHEETS if sheet_of.name == one.refers_to)


def sheet_of_list(name: str) -> str:
    """The sheet that contains a code list. Only the list is stored."""
    for sheet_of in CODE_SHEETS:
        if sheet_of.list == name:
            return sheet_of.name
    return "sdg_gcm_reference" if name.startswith(("sdg_", "gcm_")) else "codelists"


def note_of(one: Field) -> str:
    """Return the catalogue's note (`book.note.…`) for a column's header."""
    return one.note or without_language(one.header)[0]


def without_language(header: str) -> tuple[str, str]:
    """The column's name and language: `name_fr` is `name` in `fr`. The language is blank for other headers."""
    base, _, language = header.rpartition("_")
    return (base, language) if base and language in LANGUAGES else (header, "")
