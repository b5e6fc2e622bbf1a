"""The same rows as an OData v4 feed, for Excel, Power BI and other programs that speak it.

Read-only, and only JSON. A followed set (`reports`, answers) comes in pages with `@odata.nextLink`. Every other set,
and every request with $count, $skip or $top, comes in one answer. The rows are those of the export. `$filter` and
`$select` choose among these rows afterwards, so they cannot reach more than the audience may have.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, BinaryIO, Final, Literal
from urllib.parse import quote

import orjson
from pydantic import Field, WithJsonSchema
from starlette.requests import Request

from bot.doors.odata_filter import Test, read_filter
from bot.doors.odata_sets import EntitySet, dataset_of, entity_sets, metadata, service_document
from bot.doors.parameters import DIGITS, LONGEST, LONGEST_CURSOR, NAMES, Filters, Signs, filters_of, next_address, read
from bot.doors.problems import NOT_FOUND, Problem, unknown
from bot.doors.reading import BASE, Reader, expect_readable, extract_of, page_at
from bot.doors.spool import Wrote
from storage.exports.exporters import datasets_for
from storage.exports.paging import FOLLOWED, cursor
from storage.unit_of_work import UnitOfWork

PATH: Final = f"{BASE}/odata"
PAGE: Final = 1000
"""Reports on a page."""
MOST: Final = 999_999_999
LONGEST_FILTER: Final = 4000
VERSION: Final = {"OData-Version": "4.0"}
MEDIA_TYPE: Final = "application/json;odata.metadata=minimal;charset=utf-8"
NOT_OFFERED: Final = ("$orderby", "$expand", "$search", "$apply", "$compute", "$index", "$levels", "$deltatoken")


class Options(Filters):
    """The options of OData; and the filters of the export, which a feed accepts too: `?period=2018`."""

    filter: Annotated[Signs, Field(max_length=LONGEST_FILTER)] = Field("", alias="$filter")
    select: Annotated[Signs, Field(max_length=LONGEST)] = Field("", alias="$select")
    count: Literal["true", "false"] = Field("false", alias="$count")
    top: Annotated[int, Field(ge=0, le=MOST), DIGITS] = Field(MOST, alias="$top")
    skip: Annotated[int, Field(ge=0, le=MOST), DIGITS] = Field(0, alias="$skip")
    skiptoken: Annotated[Signs, Field(max_length=LONGEST_CURSOR)] = Field("", alias="$skiptoken")
    format: Annotated[Signs, Field(max_length=LONGEST), WithJsonSchema({"enum": ["json"]})] = Field("", alias="$format")


OPTIONS: Final = tuple(each.alias for each in Options.model_fields.values() if each.alias)


@dataclass(frozen=True, slots=True)
class Feed:
    """A request for a set."""

    name: str
    options: Options
    only_count: bool = False

    @property
    def dataset(self) -> str:
        """The name of the dataset for the count of reads."""
        return dataset_of(self.name) or "odata"

    @property
    def is_whole(self) -> bool:
        """Whether the answer is complete at once. A request with $count, $skip or $top needs all rows."""
        return self.only_count or not self.options.model_fields_set.isdisjoint(("count", "top", "skip"))


def feed_of(request: Request, path: str) -> Feed | None:
    """The request for a set; None for the two documents. Problem for an unknown option."""
    name, _, rest = path.partition("/")
    if rest not in ("", "$count"):
        raise NOT_FOUND
    if refused := [each for each in request.query_params if each in NOT_OFFERED]:
        raise Problem(501, "not-offered", f"{refused[0]} is not offered. There is: {', '.join(OPTIONS)}")
    if name in ("", "$metadata"):
        _expect_json(read(request, Options, ["$format"]), is_metadata=name == "$metadata")
        return None
    feed = Feed(name, read(request, Options, [*OPTIONS, *NAMES]), rest == "$count")
    _expect_json(feed.options, is_metadata=False)
    if "skiptoken" in feed.options.model_fields_set and feed.is_whole:
        raise Problem(400, "skiptoken", "A page that goes on is not counted, skipped or cut off: ask without these.")
    return feed


def write_odata(path: str, feed: Feed | None, unit: UnitOfWork, reader: Reader, out: BinaryIO) -> Wrote:
    base, audience = f"{reader.origin}{PATH}", reader.token.audience
    if feed is None:
        sets = entity_sets(unit, reader, datasets_for(audience))
        if path == "$metadata":
            out.write(metadata(sets).encode())
            return Wrote("application/xml", VERSION)
        out.write(service_document(sets, base).encode())
        return Wrote(MEDIA_TYPE, VERSION)
    dataset = dataset_of(feed.name)
    if dataset:
        expect_readable(dataset, audience)
    sets = entity_sets(unit, reader, [dataset] if dataset else datasets_for(audience))
    found = next((each for each in sets if each.name == feed.name), None)
    if found is None:
        raise unknown("entity set", [each.name for each in sets], 404)
    return _write(found, feed, unit, reader, base, out)


# ------------------------------------------------------------------ a set
def _write(of: EntitySet, feed: Feed, unit: UnitOfWork, reader: Reader, base: str, out: BinaryIO) -> Wrote:
    filters, cursor_given = feed.options.filters, feed.options.skiptoken
    if any(each not in filters_of(of.dataset) for each in filters):
        names = [each.removesuffix("_id") for each in filters_of(of.dataset)]
        raise unknown("parameter", [*OPTIONS, *names])
    chosen = _selected(of, feed.options.select)
    test = read_filter(feed.options.filter, of.types) if feed.options.filter.strip() else None
    filters |= {"form_id": of.form_id} if of.form_id else {}
    if cursor_given and of.dataset not in FOLLOWED:
        raise Problem(400, "skiptoken", "This set comes in one answer: it has no $skiptoken.")
    round = page_at(unit, of.dataset, reader.wanted(filters), cursor_given, 0 if feed.is_whole else PAGE)
    wanted, page, after = round.wanted, round.page, round.after
    if of.form_id and wanted.form_id != of.form_id:
        raise Problem(400, "cursor", "This $skiptoken is of another set. Begin without one.")
    rows = _rows(of, unit, wanted, test)
    if feed.only_count:
        out.write(str(sum(1 for _ in rows)).encode())
        return Wrote("text/plain", VERSION)
    select = f"({','.join(chosen)})" if chosen else ""
    out.write(b'{"@odata.context":' + orjson.dumps(f"{base}/$metadata#{of.name}{select}") + b',"value":[')
    count = _write_rows(rows, feed, chosen, out)
    out.write(b"\n]")
    if feed.options.count == "true":
        out.write(b',"@odata.count":%d' % count)
    if page is None or not page.has_more:
        out.write(b"}\n")
        return Wrote(MEDIA_TYPE, VERSION)
    token = cursor(unit, of.dataset, replace(wanted, only=None), after, after=cursor_given)
    link = next_address(reader.origin, _next(of, feed, token))
    return Wrote(MEDIA_TYPE, VERSION, b',"@odata.nextLink":' + orjson.dumps(link) + b"}\n")


def _rows(of: EntitySet, unit: UnitOfWork, wanted: Any, test: Test | None) -> Iterator[dict[str, Any]]:
    extract = extract_of(unit, of.dataset, wanted)
    number_of = next(at for at, table in enumerate(extract.tables) if table.name == of.table)
    number = 0
    for at, cells in extract.rows:
        if at != number_of:
            continue
        number += 1
        entity = of.entity(cells, number)
        if test is None or test(entity):
            yield entity


def _write_rows(rows: Iterator[dict[str, Any]], feed: Feed, chosen: tuple[str, ...], out: BinaryIO) -> int:
    """Write the chosen rows as members of an array; return how many there are before `$skip` and `$top`."""
    top, skip, count, written = feed.options.top, feed.options.skip, 0, 0
    counts = feed.options.count == "true"
    for entity in rows:
        count += 1
        if count > skip and written < top:
            out.write(b",\n" if written else b"\n")
            out.write(orjson.dumps({name: entity[name] for name in chosen} if chosen else entity))
            written += 1
        elif written >= top and not counts:
            break
    return count


def _next(of: EntitySet, feed: Feed, token: str) -> str:
    given = feed.options.model_dump(by_alias=True, exclude_unset=True, exclude=set(NAMES))
    kept = given | {"$skiptoken": token}
    return f"{PATH}/{of.name}?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in kept.items())


def _selected(of: EntitySet, text: str) -> tuple[str, ...]:
    """The properties that `$select` names; without it, all."""
    if not text or text.strip() == "*":
        return ()
    names = tuple(dict.fromkeys(each.strip() for each in text.split(",")))
    known = list(of.types)
    if any(each not in known for each in names):
        raise unknown("column", known)
    return names


def _expect_json(options: Options, *, is_metadata: bool) -> None:
    there_is = ("xml", "application/xml") if is_metadata else ("json", "application/json")
    if options.format and options.format.partition(";")[0] not in there_is:
        raise unknown("format", there_is, 406)
