"""The same rows as an OData v4 feed, for Excel, Power BI and other programs that speak it.

Read-only, and only JSON. A followed set (`reports`, answers) comes in pages with `@odata.nextLink`. Every other set,
and every request with $count, $skip or $top, comes in one answer. The rows are those of the export. `$filter` and
`$select` choose among these rows afterwards, so they cannot reach more than the audience may have.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, BinaryIO, Final
from urllib.parse import quote

import orjson
from starlette.requests import Request

from bot.doors.odata_filter import Test, read_filter
from bot.doors.odata_sets import EntitySet, dataset_of, entity_sets, metadata, service_document
from bot.doors.parameters import JSON, NAMES, Asked, filters_of, next_address, single
from bot.doors.problems import NOT_FOUND, Problem, unknown
from bot.doors.reading import BASE, Reader, expect_readable, extract_of, page_at
from bot.doors.spool import Wrote
from storage.exports.exporters import datasets_for
from storage.exports.paging import FOLLOWED, cursor
from storage.unit_of_work import UnitOfWork

PATH: Final = f"{BASE}/odata"
PAGE: Final = 1000
"""Reports on a page."""
VERSION: Final = {"OData-Version": "4.0"}
MEDIA_TYPE: Final = "application/json;odata.metadata=minimal;charset=utf-8"
OPTIONS: Final = ("$filter", "$select", "$count", "$top", "$skip", "$skiptoken", "$format")
NOT_OFFERED: Final = ("$orderby", "$expand", "$search", "$apply", "$compute", "$index", "$levels", "$deltatoken")


@dataclass(frozen=True, slots=True)
class Feed:
    """A request for a set."""

    name: str
    options: Mapping[str, str]
    filters: Mapping[str, str]
    """Filters of the export, which the feed accepts too: `?period=2018`."""
    only_count: bool = False

    @property
    def dataset(self) -> str:
        """The name of the dataset for the count of reads."""
        return dataset_of(self.name) or "odata"

    @property
    def top(self) -> int | None:
        return _number("$top", self.options)

    @property
    def skip(self) -> int:
        return _number("$skip", self.options) or 0

    @property
    def is_whole(self) -> bool:
        """Whether the answer is complete at once. A request with $count, $skip or $top needs all rows."""
        return self.only_count or any(name in self.options for name in ("$count", "$top", "$skip"))


def feed_of(request: Request, path: str) -> Feed | None:
    """The request for a set; None for the two documents. Problem for an unknown option."""
    name, _, rest = path.partition("/")
    if rest not in ("", "$count"):
        raise NOT_FOUND
    items = request.query_params.multi_items()
    if refused := [each for each, _ in items if each in NOT_OFFERED]:
        raise Problem(501, "not-offered", f"{refused[0]} is not offered. There is: {', '.join(OPTIONS)}")
    if name in ("", "$metadata"):
        _expect_json(single(items, ["$format"]), is_metadata=name == "$metadata")
        return None
    given = single(items, [*OPTIONS, *NAMES])
    options = {each: value for each, value in given.items() if each in OPTIONS}
    _expect_json(options, is_metadata=False)
    if options.get("$count", "false") not in ("true", "false"):
        raise Problem(400, "count", "$count is true or false.")
    feed = Feed(name, options, {NAMES[each]: given[each] for each in given if each in NAMES}, rest == "$count")
    _ = feed.top, feed.skip
    if "$skiptoken" in options and feed.is_whole:
        raise Problem(400, "skiptoken", "A page that goes on is not counted, skipped or cut off: ask without these.")
    return feed


def write_odata(path: str, feed: Feed | None, unit: UnitOfWork, reader: Reader, out: BinaryIO) -> Wrote:
    base, audience = f"{reader.origin}{PATH}", reader.token.audience
    if feed is None:
        sets = entity_sets(unit, reader, datasets_for(audience))
        if path == "$metadata":
            out.write(metadata(sets).encode())
            return Wrote("application/xml", VERSION)
        out.write(orjson.dumps(service_document(sets, base)))
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
    if any(each not in filters_of(of.dataset) for each in feed.filters):
        names = [each.removesuffix("_id") for each in filters_of(of.dataset)]
        raise unknown("parameter", [*OPTIONS, *names])
    chosen = _selected(of, feed.options.get("$select", ""))
    test = read_filter(feed.options["$filter"], of.types) if feed.options.get("$filter", "").strip() else None
    filters = dict(feed.filters) | ({"form_id": of.form_id} if of.form_id else {})
    asked = Asked(
        of.dataset, JSON, filters, limit=None if feed.is_whole else PAGE, cursor=feed.options.get("$skiptoken", "")
    )
    if asked.cursor and of.dataset not in FOLLOWED:
        raise Problem(400, "skiptoken", "This set comes in one answer: it has no $skiptoken.")
    round = page_at(unit, asked, reader.wanted(filters))
    wanted, page, after = round.wanted, round.page, round.after
    if of.form_id and wanted.form_id != of.form_id:
        raise Problem(400, "cursor", "This $skiptoken is of another set. Begin without one.")
    rows = _rows(of, unit, wanted, test)
    if feed.only_count:
        out.write(str(sum(1 for _ in rows)).encode())
        return Wrote("text/plain", VERSION)
    select = f"({','.join(chosen)})" if "$select" in feed.options and chosen else ""
    out.write(b'{"@odata.context":' + orjson.dumps(f"{base}/$metadata#{of.name}{select}") + b',"value":[')
    count = _write_rows(rows, feed, chosen, out)
    out.write(b"\n]")
    if feed.options.get("$count") == "true":
        out.write(b',"@odata.count":%d' % count)
    if page is None or not page.has_more:
        out.write(b"}\n")
        return Wrote(MEDIA_TYPE, VERSION)
    token = cursor(unit, of.dataset, replace(wanted, only=None), after, after=asked.cursor)
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
    top, skip, count, written = feed.top, feed.skip, 0, 0
    counts = feed.options.get("$count") == "true"
    for entity in rows:
        count += 1
        if count > skip and (top is None or written < top):
            out.write(b",\n" if written else b"\n")
            out.write(orjson.dumps({name: entity[name] for name in chosen} if chosen else entity))
            written += 1
        elif top is not None and written >= top and not counts:
            break
    return count


def _next(of: EntitySet, feed: Feed, token: str) -> str:
    kept = {name: value for name, value in feed.options.items() if name != "$skiptoken"} | {"$skiptoken": token}
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


def _expect_json(options: Mapping[str, str], *, is_metadata: bool) -> None:
    wanted = options.get("$format", "")
    there_is = ("xml", "application/xml") if is_metadata else ("json", "application/json")
    if wanted and wanted.partition(";")[0] not in there_is:
        raise unknown("format", list(there_is), 406)


def _number(name: str, options: Mapping[str, str]) -> int | None:
    text = options.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise Problem(400, name.removeprefix("$"), f"{name} is a whole number, 0 or more.")
    return int(text)
