"""The data dictionary for programs: what each column means, as a Frictionless data package (specs.frictionlessdata.io,
version 1).

A workbook explains its columns on its cover. A CSV has only names, so `datapackage.json` is written beside it: labels
and notes in the reader's language, types, the possible codes, and the words that replace protected numbers. Every tool
that knows the standard reads the file with its types, and checks it.
"""

from collections.abc import Mapping
from typing import IO, Any

import orjson

from storage.exports.cover import about, meanings
from storage.exports.tables import PROTECTED, Column, Extract, Kind, Table
from storage.exports.wanted import Wanted

NAME = "datapackage.json"
TYPES: Mapping[Kind, str] = {
    Kind.TEXT: "string",
    Kind.WHOLE: "integer",
    Kind.DECIMAL: "number",
    Kind.FLAG: "boolean",
    Kind.DAY: "date",
    Kind.INSTANT: "datetime",
    Kind.CODE: "string",
    Kind.ANY: "any",
}
MAY_BE_WORDS = frozenset({"baseline", "target"})
"""Columns of numbers in which the plan's author may have written words ("all of them")."""
ASKED = frozenset({"data_source", "data_status", "evidence", "obstacles", "place", "province"})
"""Columns of codes that a form asks for. Its author may offer other codes, and a cell may hold several."""
MEDIA_TYPES = {"csv": "text/csv", "jsonl": "application/x-ndjson"}


def write_dictionary(extract: Extract, wanted: Wanted, paths: Mapping[str, str], format: str, out: IO[bytes]) -> None:
    """Write the data package of an extract. `paths` are the tables' files, relative to the dictionary."""
    out.write(orjson.dumps(data_package(extract, wanted, paths, format), option=orjson.OPT_INDENT_2))


def data_package(extract: Extract, wanted: Wanted, paths: Mapping[str, str], format: str) -> dict[str, Any]:
    told = " · ".join(f"{name}: {value}" for name, value in about(wanted))
    return {
        "profile": "data-package",
        "name": _named(extract.tables[0].name),
        "title": f"{extract.plan} · {extract.tables[0].title}" if extract.plan else extract.tables[0].title,
        "description": told,
        "created": wanted.now.astimezone(wanted.zone).replace(microsecond=0).isoformat(),
        "resources": [
            {
                "profile": "tabular-data-resource" if format == "csv" else "data-resource",
                "name": _named(table.name),
                "title": table.title,
                "path": paths[table.name],
                "format": format,
                "mediatype": MEDIA_TYPES[format],
                "encoding": "utf-8",
                "schema": {"fields": [_field(column, table) for column in table.columns],
                           "missingValues": ["", PROTECTED]},
            }
            for table in extract.tables
        ],
    }  # fmt: skip


def _field(column: Column, table: Table) -> dict[str, Any]:
    kind = "any" if column.name in MAY_BE_WORDS else TYPES[column.kind]
    found: dict[str, Any] = {"name": column.name, "type": kind, "title": column.label}
    if column.kind is Kind.INSTANT:
        found["format"] = "any"  # ISO 8601 with its zone
    codes = column.labels if column.kind is Kind.CODE else {}
    if description := " ".join(filter(None, (column.note, meanings(codes.items())))):
        found["description"] = description
    if codes and column.name not in ASKED:
        found["constraints"] = {"enum": list(codes)}
    return found


def _named(name: str) -> str:
    """The name as the standard allows it: lower case letters, digits, and `-._`."""
    return "".join(each if each.isascii() and (each.isalnum() or each in "-._") else "-" for each in name.lower())
