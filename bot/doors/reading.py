"""Read a dataset for a token, with the functions of `enlace export`.

The exports decide what may leave and what is suppressed. This module only decides how it travels.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, BinaryIO, Final

import orjson

from bot.doors.parameters import CSV, JSON, MEDIA_TYPES, Asked, filters_of, next_address
from bot.doors.problems import Problem, unknown
from bot.doors.spool import Wrote
from conversations.languages import FIRST
from storage.errors import NotFound
from storage.exports.exporters import check_wanted, datasets_for, exporter
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
            f"{', '.join(there_is)}", there_is=list(there_is),
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


def page_at(unit: UnitOfWork, asked: Asked, wanted: Wanted) -> Round:
    """Return the request (limited to one page if the dataset has pages) and the reader's place after it."""
    if asked.dataset not in FOLLOWED:
        return Round(wanted, None, BEGIN)
    place = BEGIN
    if asked.cursor:
        try:
            wanted, place = read_cursor(unit, asked.cursor, asked.dataset, wanted)
        except NoCursor as error:
            raise Problem(400, "cursor", f"This cursor cannot be read here: {error}. Begin without one.") from None
        except Stale as error:
            raise Problem(
                410, "begin-again", f"This cursor is no longer good: {error}. Begin again without a cursor."
            ) from None
    check_filters(unit, asked.dataset, wanted)
    if not asked.cursor and asked.limit is None:
        return Round(wanted, None, Place(unit.of(StandingChanges).now(), "", 0))
    found = page(unit, asked.dataset, wanted, place, asked.limit or MOST)
    return Round(replace(wanted, only=found.ids), found, found.next)


# ------------------------------------------------------------------ formats
def write_dataset(unit: UnitOfWork, asked: Asked, reader: Reader, out: BinaryIO) -> Wrote:
    """Write the requested dataset into a file."""
    expect_readable(asked.dataset, reader.token.audience)
    wanted = reader.wanted(asked.filters, asked.language, bom=asked.bom)
    if asked.format == JSON:
        return _write_json(unit, asked, reader, page_at(unit, asked, wanted), out)
    extract = extract_of(unit, asked.dataset, wanted)
    if asked.format != CSV:
        write_jsonl(extract, wanted, out, _in_silence)
    elif extract.is_several:
        write_table(extract, table_named(extract, asked.table), wanted, out)
    else:
        write_csv(extract, wanted, out, _in_silence)
    named = {"Content-Disposition": f'attachment; filename="{asked.dataset}.{asked.format}"'}
    return Wrote(MEDIA_TYPES[asked.format], named)


def _write_json(unit: UnitOfWork, asked: Asked, reader: Reader, round: Round, out: BinaryIO) -> Wrote:
    wanted, found = round.wanted, round.page
    # Most readings of a copy find nothing new: they read nothing of what rows are made from.
    is_idle = bool(asked.cursor) and found is not None and not found.ids
    extract = None if is_idle else extract_of(unit, asked.dataset, wanted)
    head: dict[str, Any] = {
        "dataset": asked.dataset,
        "audience": wanted.audience,
        "filters": {name.removesuffix("_id"): value for name, value in wanted.filters.items()},
    }
    out.write(orjson.dumps(head)[:-1] + b',"rows":')
    if extract is None:
        out.write(b"[\n]")
    else:
        write_array(extract, out)
    if asked.dataset not in FOLLOWED:
        out.write(b"}\n")
        return Wrote(MEDIA_TYPES[JSON])
    gone = {"removed": list(found.removed) if found else [], "has_more": found is not None and found.has_more}
    out.write(b"," + orjson.dumps(gone)[1:-1])
    limit = f"&limit={asked.limit}" if asked.limit else ""
    told = cursor(unit, asked.dataset, wanted, round.after, after=asked.cursor)
    next = {"next": next_address(reader.origin, f"{BASE}/{asked.dataset}?cursor={told}{limit}")}
    return Wrote(MEDIA_TYPES[JSON], tail=b"," + orjson.dumps(next)[1:] + b"\n")


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


def listed(reader: Reader) -> dict[str, Any]:
    """Return the answer of `/data/v1` itself: the datasets that a token may read, with their addresses."""
    audience = reader.token.audience
    return {
        "audience": audience,
        "datasets": [
            {
                "name": name,
                "url": f"{reader.origin}{BASE}/{name}",
                "columns": f"{reader.origin}{BASE}/{name}/columns",
                "filters": [each.removesuffix("_id") for each in filters_of(name)],
                "is_followed": name in FOLLOWED,
            }
            for name in datasets_for(audience)
        ],
        "formats": list(MEDIA_TYPES),
        "openapi": f"{reader.origin}{BASE}/openapi.json",
    }


def _in_silence(done: int, total: int) -> None:
    """Do nothing: nobody watches the progress."""
