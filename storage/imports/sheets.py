"""The sheets of a plan's workbook: for each a model of its rows, with what a cell may be and where it is stored."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    create_model,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticKnownError

from conversations.languages import LANGUAGES
from conversations.plan.figures.annual import PILLARS
from conversations.plan.model import (
    COMPUTATIONS,
    FOLLOWERS,
    LEAST_CELL,
    ROLE_TYPES,
    SUCCESSION,
    ActivityStatus,
    ValidationState,
)
from conversations.plan.periods import LONGEST_CADENCE, Frequency

Part = tuple[str, ...]
"""The texts of a row that belongs to another one, in the order of its columns (`PARTS`)."""
Value = str | int | bool | date | None | tuple[str, ...] | tuple[Part, ...] | dict[str, str]
LONGEST_LABEL: Final = 1000


# ------------------------------------------------------------------ cells
@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of cell, and the problems (`problem.plan.…`) of a text that is none, and of one out of bounds."""

    name: str
    wrong: str = "too_long"
    outside: str = ""
    refers_to: str = ""
    """The sheet that contains the codes."""
    is_translated: bool = False
    """There is one column for each language."""
    needed: bool = False
    """Of a translated text: a row without it in the sheet's language is refused."""
    blank: str = ""
    """The note about a blank cell of a column that every file must have. Without it, such a cell is refused."""


def _not_negative(text: str) -> str:
    if text.startswith("-"):
        raise PydanticKnownError("greater_than_equal", {"ge": 0})
    return text


def _zone(text: str) -> str:
    if text not in available_timezones():
        raise ValueError
    return text


def _if(shape: str) -> BeforeValidator:
    """Refuse a text of another shape, although pydantic would read it."""
    return BeforeValidator(lambda text: text if re.fullmatch(shape, text) else None)


_WORD, _FLAG, _YES_NO = (Kind(name, "unknown_word") for name in ("word", "flag", "yes_no"))
_YES = AfterValidator(lambda word: word in ("yes", "1", "TRUE"))
_NO: Any = False
_BLANK: Any = None
_CODE, _TEXT, _ISO = Kind("code", "bad_code"), Kind("text"), Kind("iso", "bad_iso")
_SHAPE = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
_COUNTED = Kind("whole", "bad_number", "negative_number")
_BOUNDED = Kind("whole", "bad_number", "number_out_of_range")
_DECIMAL = Kind("number", "bad_number", "negative_number")
_DAY = Kind("date", "bad_date", "far_date")
_REFERENCE = Field(max_length=300)
_DIGITS = _if("-?[0-9]{1,9}")

Code = Annotated[str, _CODE, Field(max_length=32), _SHAPE]
LongCode = Annotated[str, _CODE, Field(max_length=64), _SHAPE]
ListName = Annotated[
    LongCode,
    BeforeValidator(lambda text: text.casefold().replace(" ", "_")),
    WithJsonSchema({"type": "string", "maxLength": 64}),
]
Name = Annotated[str, Kind("text", is_translated=True, needed=True)]
Phrase = Annotated[str, Kind("text", is_translated=True)]
Label = Annotated[Name, Field(max_length=LONGEST_LABEL)]
Text64 = Annotated[str, _TEXT, Field(max_length=64)]
Text80 = Annotated[str, _TEXT, Field(max_length=80)]
Text = Annotated[str, _TEXT, Field(max_length=300)]
Text500 = Annotated[str, _TEXT, Field(max_length=500)]
Day = Annotated[date, _DAY, Field(ge=date(2000, 1, 1), le=date(2100, 12, 31)), _if("[0-9]{4}-[0-9]{2}-[0-9]{2}")]
LastDay = Annotated[
    date, Kind("date", "bad_last_day", "far_date", needed=True, blank="continuous"), *Day.__metadata__[1:]
]
"""The day by which something is to be done. Blank: it is continuous."""
Until = Annotated[Day, BeforeValidator(lambda text: f"{text}-12-31" if re.fullmatch("[0-9]{4}", text) else text)]
"""A day, or a year: its last day."""
Number = Annotated[str, _DECIMAL, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$", max_length=18)]
Amount = Annotated[Number, AfterValidator(_not_negative)]
Count = Annotated[int, _COUNTED, Field(ge=0), _DIGITS]
CadenceDay = Annotated[int, _BOUNDED, Field(ge=1, le=LONGEST_CADENCE), _DIGITS]
Cell = Annotated[int, _BOUNDED, Field(ge=LEAST_CELL, le=1000), _DIGITS]
Area = Annotated[str, Kind("reference", refers_to="strategic_areas"), _REFERENCE]
Agency = Annotated[str, Kind("reference", refers_to="agencies"), _REFERENCE]
Objective = Annotated[str, Kind("reference", refers_to="objectives"), _REFERENCE]
Indicator = Annotated[str, Kind("reference", refers_to="indicators"), _REFERENCE]
ActivityCode = Annotated[str, Kind("reference", refers_to="activities"), _REFERENCE]
UnitCode = Annotated[str, Kind("reference", refers_to="units"), _REFERENCE]
Leads = Annotated[str, Kind("leads", refers_to="agencies"), _REFERENCE]
"""The agency that reports, and behind it those that lead with it (`leads`)."""
Agencies = Annotated[
    tuple[str, ...],
    Kind("references", refers_to="agencies"),
    BeforeValidator(lambda text: sorted({part for part in re.split(r"[;,\s]+", text) if part})),
    WithJsonSchema({"type": "string"}),
]
Codes = Annotated[
    str,
    _TEXT,
    BeforeValidator(lambda text: " ".join(dict.fromkeys(part for part in re.split(r"[;,\s]+", text) if part))),
    Field(max_length=300),
]
Sdg = Annotated[str, Kind("sdg"), _REFERENCE]
Gcm = Annotated[str, Kind("gcm"), _REFERENCE]
Sensitivity = Literal["public", "internal", "restricted"]
Cadence: TypeAlias = Literal[tuple(each.value for each in Frequency)]  # type: ignore[valid-type]


# ------------------------------------------------------------------ columns and rows
@dataclass(frozen=True, slots=True)
class Column:
    """A column of a sheet, as its model says it."""

    header: str
    language: str
    mark: Kind
    kept: str
    """Where it is stored. Without it, the column is only checked."""
    needed: bool
    """A row without it is refused. For a text in several languages: a row without it in the sheet's language."""
    blank: Value
    """What a blank cell says."""
    words: tuple[str, ...]
    limit: int
    least: int
    most: int
    """The bounds of a whole number. Without `most` it has none."""
    aliases: tuple[str, ...]
    """Its headers in earlier workbooks. They are still read."""
    note: str
    """Its note in the catalogue (`book.note.…`)."""

    @property
    def kind(self) -> str:
        return self.mark.name

    @property
    def refers_to(self) -> str:
        return self.mark.refers_to


Complain = Callable[[Column, str, str], None]
"""Is told of a column, the text of a cell, and its problem; "" if the cell is blank."""


class Row(BaseModel):
    """A row of a sheet, made from the texts of its cells. A wrong cell is complained of, and the others are read."""

    columns: ClassVar[Mapping[str, Column]] = {}

    @field_validator("*", mode="wrap")
    @classmethod
    def _cell(cls, text: str, read: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        column, complain, problem = cls.columns[str(info.field_name)], info.context, ""
        if text:
            try:  # Excel likes to begin a cell with a capital letter
                return read(next((word for word in column.words if word.casefold() == text.casefold()), text))
            except ValidationError as error:
                is_outside = error.errors()[0]["type"] in ("greater_than_equal", "less_than_equal")
                problem = column.mark.outside if is_outside else column.mark.wrong
        complain(column, text, problem)  # type: ignore[misc]
        return text if text and column.needed else column.blank


def _rows_of(name: str, model: type[BaseModel]) -> type[Row]:
    """The model of a sheet's rows as they stand in it: a text in several languages has a column for each."""
    found: dict[str, tuple[FieldInfo, Kind, str]] = {}
    for base, field in model.model_fields.items():
        mark = next((mark for mark in field.metadata if isinstance(mark, Kind)), _WORD)
        for language in LANGUAGES if mark.is_translated else ("",):
            found[f"{base}_{language}" if language else base] = field, mark, language
    fields: dict[str, Any] = {header: (field.annotation, field) for header, (field, _, _) in found.items()}
    row: type[Row] = create_model(name, __base__=Row, **fields)
    told = row.model_json_schema()["properties"]
    row.columns = {header: _column(header, *each, told[header]) for header, each in found.items()}
    return row


def _column(header: str, field: FieldInfo, mark: Kind, language: str, told: Mapping[str, Any]) -> Column:
    base, old = header.removesuffix(f"_{language}"), field.validation_alias
    return Column(
        header,
        language,
        mark,
        kept="" if field.exclude else field.serialization_alias or base,
        needed=mark.needed or field.is_required(),
        blank="" if field.is_required() else field.default,
        words=tuple(told.get("enum", ())),
        limit=told.get("maxLength", 300),
        least=told.get("minimum", 0),
        most=told.get("maximum", 0),
        aliases=tuple(map(str, old.choices[1:])) if isinstance(old, AliasChoices) else (),
        note=field.description or base,
    )


# ------------------------------------------------------------------ the sheets
# The default of a column is what a blank cell says. A column without one is required.
class PlanRow(BaseModel):
    code: LongCode
    name: Name = Field("", max_length=300)
    country: Annotated[str, _ISO] = Field("", pattern="^[A-Z]+$", min_length=2, max_length=2)
    currency: Annotated[str, _ISO] = Field("", pattern="^[A-Z]+$", min_length=3, max_length=3)
    timezone: Annotated[str, Kind("zone", "unknown_zone"), AfterValidator(_zone)] = ""
    min_cell: Cell = Field(0, description="plan_min_cell")
    hotlines: Text500 = ""


class CadenceRow(BaseModel):
    code: Cadence = Field(description="cadence")
    opening_day: CadenceDay
    due_day: CadenceDay
    grace_day: CadenceDay
    lock_day: CadenceDay


class AreaRow(BaseModel):
    code: Code
    name: Name = Field("", max_length=200)
    order: Count = Field(serialization_alias="position")
    intent: Phrase = Field("", max_length=500)
    source: Text = ""


class AgencyRow(BaseModel):
    code: Code
    name: Name = Field("", max_length=200)
    role: Text500 = Field("", serialization_alias="mandate")
    role_type: Literal[ROLE_TYPES]  # type: ignore[valid-type]
    founding_member: Annotated[Literal["yes", "no", "invited"], _FLAG, _YES] = Field(
        _NO, validation_alias=AliasChoices("founding_member", "member_2018")
    )
    referrals: Annotated[Literal["yes", "no"], _FLAG, _YES] = Field(_NO, serialization_alias="reports_referrals")
    active_from: Day = _BLANK
    active_to: Day = _BLANK
    source: Text = ""


class UnitRow(BaseModel):
    code: Code
    agency_code: Agency = Field(serialization_alias="agency_id", description="unit_agency")
    name: Name = Field("", max_length=200)
    active_from: Day = _BLANK
    active_to: Day = _BLANK


class ObjectiveRow(BaseModel):
    code: Code
    area_code: Area = Field(serialization_alias="strategic_area_id")
    programme: Text = Field(
        "", validation_alias=AliasChoices("programme", *(f"programme_{language}" for language in LANGUAGES))
    )
    name: Name = Field("", max_length=300)
    sdg_targets: Sdg = ""
    gcm_objectives: Gcm = ""
    source: Text = ""


class IndicatorRow(BaseModel):
    code: Code
    name: Name = Field("", max_length=200)
    area_code: Area = Field(serialization_alias="strategic_area_id")
    level: Literal["output", "outcome", "impact", "other"]
    unit: Literal["people", "count", "percent"]
    direction: Literal["increase", "decrease", "contextual"]
    aggregation: Literal["sum", "latest", "ratio", "average"]
    disaggregation: Text = ""
    frequency: Cadence
    baseline: Number = ""
    baseline_period: Text64 = ""
    baseline_source: Text = ""
    target: Amount = Field("", serialization_alias="target.value")
    target_date: Day = Field(_BLANK, serialization_alias="target.target_on")
    sdg_target: Sdg = ""
    sdg_indicator: Text64 = ""
    gcm_objective: Gcm = ""
    responsible: Agency = Field(serialization_alias="agency_id")
    sensitivity: Sensitivity
    min_cell: Count = 0
    by_exploitation: Annotated[Literal["0", "1", "no", "yes", "FALSE", "TRUE"], _FLAG, _YES] = _NO
    computed: Literal[COMPUTATIONS] = ""  # type: ignore[valid-type]
    annual_table: Literal[PILLARS] = ""  # type: ignore[valid-type]
    continues: Codes = ""
    target_source: Text = Field("", serialization_alias="target.source")
    note: Text500 = ""


class TargetRow(BaseModel):
    indicator_code: Indicator = Field(description="target_indicator")
    target_date: Until = Field(description="target_until")
    target: Amount
    target_source: Text = ""


class ResourceRow(BaseModel):
    activity_code: ActivityCode = Field(description="resource_activity")
    source: Text = Field(description="resource_source")
    amount: Amount = Field(description="resource_amount")
    currency: Annotated[str, _ISO] = Field(
        "", pattern="^[A-Z]+$", min_length=3, max_length=3, description="resource_currency"
    )


class ActivityUnitRow(BaseModel):
    activity_code: ActivityCode = Field(description="unit_activity")
    unit_code: UnitCode = Field(description="unit_code")
    target: Amount = Field("", description="unit_target")


class ActivityRow(BaseModel):
    code: Code
    objective_code: Objective = Field(serialization_alias="objective_id")
    area_code: Area = Field("", exclude=True)
    name: Name = Field("", max_length=400)
    short: Name = Field("", max_length=60, serialization_alias="short_name")
    responsible: Leads = Field(serialization_alias="agency_id", description="responsible_activity")
    supporting: Agencies = ()
    start_date: Day = Field(serialization_alias="start_on")
    due_date: LastDay = Field(_BLANK, serialization_alias="due_on")
    report_frequency: Cadence
    indicator_code: Indicator = Field("", serialization_alias="indicator_id")
    target_qty: Amount = Field("", serialization_alias="target_quantity")
    target_unit: Phrase = Field("", max_length=80)
    means_of_verification: Phrase = Field("", max_length=500)
    sensitivity: Sensitivity
    meets_victims: Annotated[Literal["yes", "no"], _YES_NO, _YES] = _BLANK
    budget: Amount = Field("", validation_alias=AliasChoices("budget", "budget_dop"))
    budget_status: Text80 = ""
    continues: Codes = ""
    source: Text = ""


class StatusRow(BaseModel):
    code: Literal[tuple(each.value for each in ActivityStatus)]  # type: ignore[valid-type]
    label: Label = ""


class StateRow(BaseModel):
    code: Literal[tuple(each.value for each in ValidationState)]  # type: ignore[valid-type]
    label: Label = ""


class ListedRow(BaseModel):
    list: ListName
    code: LongCode
    label: Label = ""


class ReferenceRow(BaseModel):
    framework: ListName
    code: LongCode
    title: Label = ""


class SuccessionRow(BaseModel):
    code: LongCode = Field(description="succession_code")
    relation: Literal[tuple(FOLLOWERS)]  # type: ignore[valid-type]
    new_codes: Codes = ""
    reason: Phrase = Field("", max_length=LONGEST_LABEL)


@dataclass(frozen=True, slots=True)
class SheetOf:
    """A sheet of the workbook and the table of its rows. Sheets are in the order in which rows refer to each other."""

    name: str
    table: str
    row: type[Row]
    retired_by: str = ""
    may_be_empty: bool = False
    may_be_missing: bool = False
    """Without this sheet, a workbook changes nothing in its table."""
    list: str = ""
    """The code list that a sheet contains. In others the column `list_header` names it."""
    list_header: str = ""
    label: str = "label"
    """Its texts in several languages."""

    @property
    def attributes(self) -> Collection[str]:
        """The columns of a code list, besides code and label, that every file has."""
        own = {one.header for one in self.fields if not one.language}
        return [header for header in self.row.columns if header in own - {"code", self.list_header}]

    @property
    def fields(self) -> Collection[Column]:
        return self.row.columns.values()

    @property
    def owners(self) -> str:
        """The sheet of the rows that its rows belong to. Only one of PARTS has one."""
        return next(iter(self.fields)).refers_to

    def __getitem__(self, header: str) -> Column:
        return self.row.columns[header]


def _sheet(name: str, table: str, model: type[BaseModel], **more: Any) -> SheetOf:
    return SheetOf(name, table, _rows_of(name, model), **more)


SETTINGS: Final = _sheet("settings", "plan", PlanRow)
"""The plan's own row. Without this sheet, a workbook changes nothing in it."""
CADENCES: Final = _sheet("cadences", "cadence", CadenceRow, retired_by="retired_on", may_be_missing=True)
"""The plan's periodicities. Activities and indicators may name only these."""
UNITS: Final = _sheet("units", "unit", UnitRow, retired_by="active_to", may_be_empty=True, may_be_missing=True)
"""The parts of agencies that report their share of one activity. A plan without the sheet has none."""
SHEETS: Final = (
    CADENCES,
    _sheet("strategic_areas", "strategic_area", AreaRow),
    _sheet("agencies", "agency", AgencyRow, retired_by="active_to"),
    UNITS,
    _sheet("objectives", "objective", ObjectiveRow),
    _sheet("indicators", "indicator", IndicatorRow, retired_by="retired_on", may_be_empty=True),
    _sheet("activities", "activity", ActivityRow, retired_by="retired_on"),
)
CODE_SHEETS: Final = (
    _sheet("status_codes", "code", StatusRow, list="activity_status"),
    _sheet("validation_states", "code", StateRow, list="validation_state"),
    _sheet("codelists", "code", ListedRow, list_header="list"),
    _sheet("sdg_gcm_reference", "code", ReferenceRow, list_header="framework", label="title"),
    _sheet(SUCCESSION, "code", SuccessionRow, list=SUCCESSION, label="reason", may_be_missing=True),
)
PARTS: Final = (
    _sheet("targets", "target", TargetRow, may_be_empty=True, may_be_missing=True),
    _sheet("resources", "resource", ResourceRow, may_be_empty=True, may_be_missing=True),
    _sheet("activity_units", "activity_unit", ActivityUnitRow, may_be_empty=True, may_be_missing=True),
)
"""Sheets whose rows belong to a row of another sheet: the one that their first column names. A row is told from the
others of its owner by the second column. A plan that needs none of them has none of them.
"""
READ: Final = (SETTINGS, *SHEETS, *PARTS, *CODE_SHEETS)
"""Every sheet, in the order in which a plan's problems are told."""
EXPLAINS: Final = frozenset({"leame", "readme", "plan", "sources", "export_crosswalk", "reporting_calendar"})
"""Sheets for people: the read-me, the flat view of the plan, the sources, and values that are computed here anyway."""


def is_plan(tabs: Iterable[str]) -> bool:
    """Whether a workbook is meant as a plan, by the names of its sheets. Its mistakes are found later."""
    names = {name.strip().casefold() for name in tabs}
    return "survey" not in names and len(names & {sheet_of.name for sheet_of in SHEETS}) >= 2


def leads(cell: Value) -> list[str]:
    """Return the codes in a checked cell of an activity's `responsible`: the agency that reports is the first."""
    return str(cell or "").split(";")


def parts(row: Mapping[str, Value], header: str) -> tuple[Any, ...]:
    """Return a row's codes under a header, or its rows of one of PARTS; none if the file has none of it."""
    found = row.get(header)
    return found if isinstance(found, tuple) else ()


def table_of(one: Column) -> str:
    return next(sheet_of.table for sheet_of in SHEETS if sheet_of.name == one.refers_to)


def sheet_of_list(name: str) -> str:
    """The sheet that contains a code list. Only the list is stored."""
    for sheet_of in CODE_SHEETS:
        if sheet_of.list == name:
            return sheet_of.name
    return "sdg_gcm_reference" if name.startswith(("sdg_", "gcm_")) else "codelists"


def without_language(header: str) -> tuple[str, str]:
    """The column's name and language: `name_fr` is `name` in `fr`. The language is blank for other headers."""
    base, _, language = header.rpartition("_")
    return (base, language) if base and language in LANGUAGES else (header, "")
