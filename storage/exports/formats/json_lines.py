"""Tables as JSON Lines for programs: one object for each row, with the columns' names as keys.

If there may be several tables, each line names its table (`$table`; no question can have that name).
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson

from storage.exports.tables import Extract
from storage.exports.wanted import Progress, Wanted, Written


def write_jsonl(extract: Extract, wanted: Wanted, out: BinaryIO, progress: Progress) -> Written:
    """Write JSON Lines. Numbers and booleans are JSON's own, days and instants are ISO 8601, nothing is null."""
    mains = [table.is_main for table in extract.tables]
    dump, options, write, done = orjson.dumps, orjson.OPT_APPEND_NEWLINE, out.write, 0
    for number, row in objects(extract):
        write(dump(row, option=options))
        if mains[number]:
            done += 1
            progress(done, extract.total)
    return Written(done, tuple(extract.lacking))


def objects(extract: Extract) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each row as an object, with the number of its table."""
    tables = [(table.name,) if extract.is_several else () for table in extract.tables]
    names = [
        (*("$table" for _ in named), *(column.name for column in table.columns))
        for named, table in zip(tables, extract.tables, strict=True)
    ]
    for number, row in extract.rows:
        yield number, dict(zip(names[number], (*tables[number], *row), strict=True))


def write_array(extract: Extract, out: BinaryIO) -> int:
    """Write the same objects as one JSON array, one on a line; return how many."""
    done = 0
    out.write(b"[")
    for done, (_, row) in enumerate(objects(extract), 1):
        out.write(b",\n" if done > 1 else b"\n")
        out.write(orjson.dumps(row))
    out.write(b"\n]")
    return done
