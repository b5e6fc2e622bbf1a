"""Read a dataset for a token, with the functions of `enlace export`.

The exports decide what may leave and what is suppressed. This module only decides how it travels.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, BinaryIO, Final, Literal

import orjson
from pydantic import BaseModel, RootModel, WithJsonSchema, create_model

from bot.doors.parameters import CSV, JSON, MEDIA_TYPES, Asked, filters_of, next_address
from bot.doors.problems import Problem, unknown
from bot.doors.spool import Wrote
from conversations.languages import FIRST
from storage.errors import NotFound
from storage.exports.exporters import DATASETS, check_wanted, datasets_for, exporter
from storage.exports.formats.delimited import write_csv, write_table
from storage.exports.formats.dictionary import data_package
from storage.exports.formats.json_lines import write_array, write_jsonl
from storage.exports.paging import BEGIN, FOLLOWED, MOST, NoCursor, Page, Place, Stale, cursor, page, read_cursor
from storage.exports.tables import Extract
from storage.exports.wanted import Refused, Wanted, with_filters
from storage.people.tokens import DataToken
from storage.reports.standing import StandingChanges
from storage.unit_of_work import UnitOfWork

BASE: Final = "/data/v1"
Address = Annotated[str, WithJsonSchema({"type": "string", "format": "uri"})]


class Row(RootModel[dict[str, str | int | float | bool | None]]):
    """By the names of the columns, which /columns explains."""


# ------------------------------------------------------------------ what an answer says
class Offered(BaseModel, extra="forbid"):
    """A dataset, with the addresses of its rows and of the explanation of its columns."""

    name: str
    url: Address
    columns: Address
    filters: tuple[str, ...]
    is_followed: bool


class Listed(BaseModel, extra="forbid"):
    """What a token may read."""

    audience: str
    datasets: tuple[Offered, ...]
    formats: tuple[str, ...]
    openapi: Address


class Rows(BaseModel, extra="forbid"):
    """All rows of a dataset."""

    dataset: str
    audience: str
    filters: dict[str, str]
    rows: tuple[Row, ...]


class Followed(Rows):
    """A page of rows, or all, and the receipts of reports that have left the dataset."""

    removed: tuple[int, ...]
    has_more: bool
    next: Address


class Package(BaseModel):
    """What each column means: a Frictionless data package."""

    resources: tuple[dict[str, Any], ...]


ANSWERS: Final[Mapping[str, type[Rows]]] = {
    each.name: create_model(
        f"{each.name}_answer",
        __base__=Followed if each.name in FOLLOWED else Rows,
        dataset=(Literal[each.name], ...),  # type: ignore[arg-type]
        audience=(Literal[tuple(sorted(each.audiences))], ...),  # type: ignore[arg-type]
    )
    for each in DATASETS
}
"""The model of the answer about each dataset."""


@dataclass(frozen=True, slots=True)
class Reader:
    """The reader's token, plan, time and origin."""

    token: DataToken
    now: datetime
    timezone: str
    origin: str
    """The public URL without a path: addresses in answers begin with it."""
    language: str = FIRST

    def wanted(self, filters: Mapping[str, str], language: str = "", *, bom: bool = False) -> Wanted:
        wanted = Wanted(
            self.token.plan_id,
            self.timezone,
            self.now,
            audience=self.token.audience,
            language=language or self.language,
            bom=bom,
        )
        return with_filters(wanted, filters)


def expect_readable(dataset: str, audience: str) -> None:
    """Raise Problem if this audience may not read this dataset."""
    if dataset not in datasets_for(audience):
        there_is = datasets_for(audience)
        raise Problem(
            403, "audience", f"{dataset} is not for {audience}, for whom this token is. For {audience} there is: "
            f"{', '.join(there_is)}", there_is=there_is,
        )  # fmt: skip


def extract_of(unit: UnitOfWork, dataset: str, wanted: Wanted) -> Extract:
    """The rows as `enlace export` makes them. Problem for a filter that names nothing that exists."""
    used = exporter(dataset, "jsonl", wanted.audience)
    assert used is not None
    assert used.tables is not None
    check_filters(unit, dataset, wanted)
    try:
        return used.tables(unit, wanted)
    except NotFound as error:
        raise Problem(404, "nothing-yet", f"{str(error).capitalize()}.") from None


def check_filters(unit: UnitOfWork, dataset: str, wanted: Wanted) -> None:
    used = exporter(dataset, "jsonl", wanted.audience)
    assert used is not None
    try:
        check_wanted(unit, used, wanted)
    except (NotFound, Refused) as error:
        names = [name.removesuffix("_id") for name in filters_of(dataset)]
        raise Problem(
            403 if isinstance(error, Refused) else 400, "filter",
            f"{error}. The filters of {dataset}: {', '.join(names) or 'none'}.",
        ) from None  # fmt: skip


# ------------------------------------------------------------------ pages
@dataclass(frozen=True, slots=True)
class Round:
    """One answer of a dataset: the request for its rows, its page if it has pages, and the reader's place after it."""

    wanted: Wanted
    page: Page | None
    after: Place


def page_at(unit: UnitOfWork, dataset: str, wanted: Wanted, cursor: str, limit: int) -> Round:
    """Return the request (limited to one page if the dataset has pages) and the reader's place after it."""
    if dataset not in FOLLOWED:
        return Round(wanted, None, BEGIN)
    place = BEGIN
    if cursor:
        try:
            wanted, place = read_cursor(unit, cursor, dataset, wanted)
        except NoCursor as error:
            raise Problem(400, "cursor", f"This cursor cannot be read here: {error}. Begin without one.") from None
        except Stale as error:
            raise Problem(
                410, "begin-again", f"This cursor is no longer good: {error}. Begin again without a cursor."
            ) from None
    check_filters(unit, dataset, wanted)
    if not cursor and not limit:
        return Round(wanted, None, Place(unit.of(StandingChanges).now(), "", 0))
    found = page(unit, dataset, wanted, place, limit or MOST)
    return Round(replace(wanted, only=found.ids), found, found.next)


# ------------------------------------------------------------------ formats
def write_dataset(unit: UnitOfWork, dataset: str, asked: Asked, reader: Reader, out: BinaryIO) -> Wrote:
    """Write the requested dataset into a file."""
    expect_readable(dataset, reader.token.audience)
    wanted = reader.wanted(asked.filters, asked.language, bom=asked.bom == "1")
    if asked.format == JSON:
        return _write_json(unit, dataset, asked, reader, page_at(unit, dataset, wanted, asked.cursor, asked.limit), out)
    extract = extract_of(unit, dataset, wanted)
    if asked.format != CSV:
        write_jsonl(extract, wanted, out, _in_silence)
    elif extract.is_several:
        write_table(extract, table_named(extract, asked.table), wanted, out)
    else:
        write_csv(extract, wanted, out, _in_silence)
    named = {"Content-Disposition": f'attachment; filename="{dataset}.{asked.format}"'}
    return Wrote(MEDIA_TYPES[asked.format], named)


def _write_json(unit: UnitOfWork, dataset: str, asked: Asked, reader: Reader, round: Round, out: BinaryIO) -> Wrote:
    wanted, found = round.wanted, round.page
    filters = {name.removesuffix("_id"): value for name, value in wanted.filters.items()}
    said: dict[str, Any] = {"dataset": dataset, "audience": wanted.audience, "filters": filters, "rows": ()}
    if dataset in FOLLOWED:
        limit = f"&limit={asked.limit}" if asked.limit else ""
        told = cursor(unit, dataset, wanted, round.after, after=asked.cursor)
        said |= {
            "removed": found.removed if found else (),
            "has_more": found is not None and found.has_more,
            "next": next_address(reader.origin, f"{BASE}/{dataset}?cursor={told}{limit}"),
        }
    answer = ANSWERS[dataset].model_validate(said)
    out.write(_members(answer, "dataset", "audience", "filters", before=b"{") + b',"rows":')
    # Most readings of a copy find nothing new: they read nothing of what rows are made from.
    if asked.cursor and found is not None and not found.ids:
        out.write(b"[\n]")
    else:
        write_array(extract_of(unit, dataset, wanted), out)
    if dataset not in FOLLOWED:
        out.write(b"}\n")
        return Wrote(MEDIA_TYPES[JSON])
    out.write(_members(answer, "removed", "has_more"))
    return Wrote(MEDIA_TYPES[JSON], tail=_members(answer, "next") + b"}\n")


def _members(answer: Rows, *names: str, before: bytes = b",") -> bytes:
    """Some members of an answer. Its rows are written between them, one by one."""
    return before + answer.model_dump_json(include=set(names)).encode()[1:-1]


def table_named(extract: Extract, name: str) -> int:
    names = [table.name for table in extract.tables]
    if name and name not in names:
        raise unknown("table", names)
    return names.index(name) if name else 0


def write_dictionary(unit: UnitOfWork, dataset: str, reader: Reader, language: str, out: BinaryIO) -> None:
    """Write the data dictionary of exports. Its paths are those of the door."""
    expect_readable(dataset, reader.token.audience)
    wanted = reader.wanted({}, language)
    extract = extract_of(unit, dataset, wanted)
    paths = {table.name: f"{reader.origin}{BASE}/{dataset}?{_as_csv(extract, table.name)}" for table in extract.tables}
    made = data_package(extract, wanted, paths, "csv")
    del made["created"]  # it stays the same as long as the columns do
    del made["description"]
    out.write(orjson.dumps(made, option=orjson.OPT_INDENT_2))


def _as_csv(extract: Extract, table: str) -> str:
    if not extract.is_several:
        return "format=csv"
    form, _, repeat = table.partition(".")
    return f"form={form}&format=csv" + (f"&table={table}" if repeat else "")


def listed(reader: Reader) -> Listed:
    """Return the answer of `/data/v1` itself: the datasets that a token may read, with their addresses."""
    audience, base = reader.token.audience, f"{reader.origin}{BASE}"
    datasets = tuple(
        Offered(
            name=name,
            url=f"{base}/{name}",
            columns=f"{base}/{name}/columns",
            filters=tuple(each.removesuffix("_id") for each in filters_of(name)),
            is_followed=name in FOLLOWED,
        )
        for name in datasets_for(audience)
    )
    return Listed(audience=audience, datasets=datasets, formats=tuple(MEDIA_TYPES), openapi=f"{base}/openapi.json")


def _in_silence(done: int, total: int) -> None:
    """Do nothing: nobody watches the progress."""
