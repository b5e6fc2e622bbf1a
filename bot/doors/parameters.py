"""Read the parameters of a request to the data door, strictly, from one table.

A parameter that is ignored would mislead: somebody who types `perod` would take the whole history for one month. So a
parameter that is not in the table is refused, and the answer lists those that exist.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

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
LONGEST_FILTER: Final = 4000
LONGEST_ADDRESS: Final = 8000
"""Characters of path and query. nginx and others accept 8 KB for the first line of a request."""
LENGTHS: Final = {"cursor": LONGEST_CURSOR, "$skiptoken": LONGEST_CURSOR, "$filter": LONGEST_FILTER}
"""Where another length holds than `LONGEST`."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter, and its description for OpenAPI."""

    name: str
    about: str
    schema: Mapping[str, object] = field(
        default_factory=lambda: {"type": "string", "minLength": 1, "maxLength": LONGEST}
    )


COMMON: Final = (
    Parameter(
        "format",
        "json, csv or jsonl (a JSON object a line); without it, what the Accept header prefers.",
        {"type": "string", "enum": list(MEDIA_TYPES)},
    ),
    Parameter("language", "Of labels.", {"type": "string", "enum": list(LANGUAGES)}),
    Parameter("bom", "1: begin a CSV with the mark by which Excel knows it.", {"type": "string", "enum": ["0", "1"]}),
)
OF_SEVERAL: Final = (Parameter("table", "Of a CSV: the table of a repeat, by its name; without it, the form's own."),)
OF_FOLLOWED: Final = (
    Parameter(
        "limit",
        "Read by pages of at most so many reports. `next` leads to the next page, and later to what has changed.",
        {"type": "integer", "minimum": 1, "maximum": MOST},
    ),
    Parameter(
        "cursor",
        "What `next` of an answer says: it goes on from there, with the filters of the first request.",
        {"type": "string", "minLength": 1, "maxLength": LONGEST_CURSOR},
    ),
)
FILTER_WORDS: Final[Mapping[str, str]] = {
    "form_id": "Only answers to these forms, by their form_id.",
    "period": "201809 or 2018Q3; a year: all that lies in it; a range: 201807..201812.",
    "agency": "Only these agencies: codes, with commas between.",
    "area": "Only these strategic areas: codes, with commas between.",
    "status": "Only activities with this status.",
    "validation": "Only reports in this state of validation.",
    "since": "Only what was sent or decided since this day (2018-10-03) or instant.",
}

TABULAR: Final = tuple(each.name for each in DATASETS)


def filters_of(dataset: str) -> tuple[str, ...]:
    """The filters of a dataset, by their names in `FILTERS`. The table of exports alone decides."""
    [used] = [each.filters for each in EXPORTERS if (each.dataset, each.format) == (dataset, JSONL)]
    return tuple(name for name in FILTERS if name in used)


def parameters_of(dataset: str) -> tuple[Parameter, ...]:
    """All parameters of a dataset."""
    filters = tuple(Parameter(name.removesuffix("_id"), FILTER_WORDS[name]) for name in filters_of(dataset))
    several = OF_SEVERAL if dataset == "answers" else ()
    return (*filters, *COMMON, *several, *(OF_FOLLOWED if dataset in FOLLOWED else ()))


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a dataset."""

    dataset: str
    format: str
    filters: Mapping[str, str]
    language: str = ""
    bom: bool = False
    table: str = ""
    limit: int | None = None
    cursor: str = ""


def asked_of(request: Request, dataset: str) -> Asked:
    """Read the parameters. Problem for an unknown, repeated or malformed one."""
    if dataset not in TABULAR:
        raise unknown("dataset", TABULAR, 404)
    given = single(request.query_params.multi_items(), [each.name for each in parameters_of(dataset)])
    limit = given.get("limit", "")
    if limit and not (limit.isascii() and limit.isdecimal() and len(limit) < 6 and 1 <= int(limit) <= MOST):
        raise Problem(400, "limit", f"`limit` is a number from 1 to {MOST}.")
    if (language := given.get("language", "")) and language not in LANGUAGES:
        raise unknown("language", list(LANGUAGES))
    if given.get("bom", "0") not in ("0", "1"):
        raise Problem(400, "bom", "`bom` is 1 or 0.")
    made = Asked(
        dataset,
        format_of(request, given.get("format", "")),
        {NAMES[name]: value for name, value in given.items() if name in NAMES and value},
        language,
        given.get("bom") == "1",
        given.get("table", ""),
        int(limit) if limit else None,
        given.get("cursor", ""),
    )
    if (made.cursor or made.limit) and made.format != JSON:
        raise Problem(
            400, "format", "Pages and what has changed are read as JSON: leave `format` out. As CSV all comes at once."
        )
    form = made.filters.get("form_id", "")
    if made.dataset == "answers" and made.format == CSV and (not form or "," in form):
        raise Problem(400, "form", "As CSV the answers to one form: name it with `form`. All forms come as JSON.")
    return made


def single(items: Iterable[tuple[str, str]], known: list[str]) -> dict[str, str]:
    """Parameters by name. Problem for an unknown, repeated or too long one."""
    given: dict[str, str] = {}
    for name, value in items:
        if name not in known:
            raise unknown("parameter", known)
        if name in given:
            raise Problem(400, "twice", f"`{name}` is given twice. Several codes stand in one, with commas between.")
        if len(value) > LENGTHS.get(name, LONGEST) or "\0" in value:
            raise Problem(400, "too-long", f"`{name}` is longer than anything it could be.")
        if not value.strip(" ,") and not name.startswith("$"):
            # A program whose variable is empty would be given the whole history for one month.
            raise Problem(400, "empty", f"`{name}` is empty: leave it out, or say which.")
        given[name] = value
    return given


def next_address(origin: str, path: str) -> str:
    """Return the address of the next page. Problem at once if it would be too long, and not in the middle of a copy."""
    if len(path) > LONGEST_ADDRESS:
        raise Problem(400, "too-long", "The address of the next page would be too long to be asked: filter by less.")
    return origin + path


def format_of(request: Request, named: str) -> str:
    """The named format, otherwise the first that the client accepts. JSON for a client that accepts anything."""
    if named:
        if named not in MEDIA_TYPES:
            raise unknown("format", list(MEDIA_TYPES))
        return named
    accepted = [part.partition(";") for part in request.headers.get("accept", "*/*").split(",")]
    for media, _, parameters in sorted(accepted, key=lambda part: _weight(part[2]), reverse=True):
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
