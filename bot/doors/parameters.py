"""Read the parameters of a request to the data door, strictly, by one model.

A parameter that is ignored would mislead: somebody who types `perod` would take the whole history for one month. So a
parameter that a dataset does not have is refused, and the answer lists those that exist.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.requests import Request

from bot.doors.problems import Problem, unknown
from conversations.languages import LANGUAGES
from conversations.plan.sharing.export_request import FILTERS
from storage.exports.exporters import DATASETS, EXPORTERS
from storage.exports.paging import FOLLOWED, MOST

JSON, CSV, JSONL = "json", "csv", "jsonl"
MEDIA_TYPES: Final[Mapping[str, str]] = {
    JSON: "application/json",
    CSV: "text/csv; charset=utf-8",
    JSONL: "application/x-ndjson",
}
"""The formats of the door, and the media type of each."""
NAMES: Final = {name.removesuffix("_id"): name for name in FILTERS}
"""The name of each filter here and on the command line, and its name in `FILTERS`."""
LONGEST: Final = 400
LONGEST_CURSOR: Final = 7000
"""A snapshot of PostgreSQL names each transaction that was open: with a hundred of them a cursor has some thousands."""
LONGEST_ADDRESS: Final = 8000
"""Characters of path and query. nginx and others accept 8 KB for the first line of a request."""
TABULAR: Final = tuple(each.name for each in DATASETS)
M = TypeVar("M", bound=BaseModel)


# ------------------------------------------------------------------ what a parameter must be
def _digits(text: object) -> object:
    """Refuse the texts that are numbers only for Python, such as `1_0`."""
    if isinstance(text, str) and re.fullmatch("[0-9]{1,9}", text) is None:
        raise ValueError
    return text


Signs = Annotated[str, Field(pattern=r"^[^\x00]*$")]
Text = Annotated[Signs, Field(min_length=1, max_length=LONGEST)]
Cursor = Annotated[Signs, Field(min_length=1, max_length=LONGEST_CURSOR)]
DIGITS: Final = BeforeValidator(_digits)
_REMEDIES: Final[Mapping[str, str]] = {
    "bom": "`bom` is 1 or 0.",
    "limit": f"`limit` is a number from 1 to {MOST}.",
    "$count": "$count is true or false.",
    "$top": "$top is a whole number, 0 or more.",
    "$skip": "$skip is a whole number, 0 or more.",
}
"""What would be right in a parameter. Of other parameters the model has the words."""


class Filters(BaseModel):
    """Which rows: the filters of `FILTERS`. The docstring of a parameter describes it for OpenAPI."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    form: Text = ""
    """Only answers to these forms, by their form_id."""
    period: Text = ""
    """201809 or 2018Q3; a year: all that lies in it; a range: 201807..201812."""
    agency: Text = ""
    """Only these agencies: codes, with commas between."""
    area: Text = ""
    """Only these strategic areas: codes, with commas between."""
    status: Text = ""
    """Only activities with this status."""
    validation: Text = ""
    """Only reports in this state of validation."""
    since: Text = ""
    """Only what was sent or decided since this day (2018-10-03) or instant."""

    @property
    def filters(self) -> dict[str, str]:
        """The filters that are given, by their names in `FILTERS`."""
        return {full: value for name, full in NAMES.items() if (value := getattr(self, name))}


class Asked(Filters):
    """A request for a dataset. `names_of` says which of these parameters a dataset has."""

    format: Literal[tuple(MEDIA_TYPES)] = ""  # type: ignore[valid-type]
    """json, csv or jsonl (a JSON object a line); without it, what the Accept header prefers."""
    language: Literal[LANGUAGES] = ""  # type: ignore[valid-type]
    """Of labels."""
    bom: Literal["0", "1"] = "0"
    """1: begin a CSV with the mark by which Excel knows it."""
    table: Text = ""
    """Of a CSV: the table of a repeat, by its name; without it, the form's own."""
    limit: Annotated[int, Field(ge=1, le=MOST), DIGITS] = 0
    """Read by pages of at most so many reports. `next` leads to the next page, and later to what has changed."""
    cursor: Cursor = ""
    """What `next` of an answer says: it goes on from there, with the filters of the first request."""


def filters_of(dataset: str) -> tuple[str, ...]:
    """The filters of a dataset, by their names in `FILTERS`. The table of exports alone decides."""
    [used] = [each.filters for each in EXPORTERS if (each.dataset, each.format) == (dataset, JSONL)]
    return tuple(name for name in FILTERS if name in used)


def names_of(dataset: str) -> list[str]:
    """The names of all parameters of a dataset."""
    lacking = {name for name, full in NAMES.items() if full not in filters_of(dataset)}
    lacking |= set() if dataset == "answers" else {"table"}
    lacking |= set() if dataset in FOLLOWED else {"limit", "cursor"}
    return [name for name in Asked.model_fields if name not in lacking]


def asked_of(request: Request, dataset: str) -> Asked:
    """Read the parameters. Problem for an unknown, repeated or malformed one."""
    if dataset not in TABULAR:
        raise unknown("dataset", TABULAR, 404)
    made = read(request, Asked, names_of(dataset))
    made = made if made.format else made.model_copy(update={"format": accepted(request)})
    if (made.cursor or made.limit) and made.format != JSON:
        raise Problem(
            400, "format", "Pages and what has changed are read as JSON: leave `format` out. As CSV all comes at once."
        )
    if dataset == "answers" and made.format == CSV and (not made.form or "," in made.form):
        raise Problem(400, "form", "As CSV the answers to one form: name it with `form`. All forms come as JSON.")
    return made


def read(request: Request, model: type[M], known: Sequence[str]) -> M:
    """Read the parameters with these names. Problem for an unknown, repeated, empty or malformed one."""
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            raise unknown("parameter", known)
        if name in given:
            raise Problem(400, "twice", f"`{name}` is given twice. Several codes stand in one, with commas between.")
        if not value.strip(" ,") and not name.startswith("$"):
            # A program whose variable is empty would be given the whole history for one month.
            raise Problem(400, "empty", f"`{name}` is empty: leave it out, or say which.")
        given[name] = value
    try:
        return model.model_validate(given)
    except ValidationError as error:
        name, kind = str(error.errors()[0]["loc"][0]), error.errors()[0]["type"]
    if name in _REMEDIES:
        raise Problem(400, name.removeprefix("$"), _REMEDIES[name])
    if kind == "literal_error":
        raise unknown(name, get_args(model.model_fields[name].annotation))
    raise Problem(400, "too-long", f"`{name}` is longer than anything it could be.")


def next_address(origin: str, path: str) -> str:
    """Return the address of the next page. Problem at once if it would be too long, and not in the middle of a copy."""
    if len(path) > LONGEST_ADDRESS:
        raise Problem(400, "too-long", "The address of the next page would be too long to be asked: filter by less.")
    return origin + path


def accepted(request: Request) -> str:
    """The first format that the client accepts. JSON for a client that accepts anything."""
    named = [part.partition(";") for part in request.headers.get("accept", "*/*").split(",")]
    for media, _, parameters in sorted(named, key=lambda part: _weight(part[2]), reverse=True):
        media = media.strip().lower()
        if _weight(parameters) == 0:
            continue
        if media in ("*/*", "", "application/*"):
            return JSON
        if media == "text/*":
            return CSV
        for format, full in MEDIA_TYPES.items():
            if media == full.partition(";")[0]:
                return format
    raise Problem(
        406, "format", f"Accept names nothing that there is; there is: {', '.join(MEDIA_TYPES.values())}",
        there_is=list(MEDIA_TYPES.values()),
    )  # fmt: skip


def _weight(parameters: str) -> float:
    for each in parameters.split(";"):
        name, _, value = each.strip().partition("=")
        if name.strip().lower() == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0
