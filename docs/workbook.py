"""Make docs/workbook.md, the table of every sheet and column of a plan's workbook, from the models that read it.

And docs/workbook.schema.json, the JSON Schema of its rows, for programs that write one.

python docs/workbook.py
"""

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic import create_model

from conversations.wording import wording
from storage.imports.sheets import READ, Column, without_language

OUT = Path(__file__).with_name("workbook.md")
SCHEMA = OUT.with_suffix(".schema.json")
HEAD = """\
# The plan's workbook

Every sheet and column that `enlace plan import` reads, made by `docs/workbook.py` from the models that read it.
[`workbook.schema.json`](workbook.schema.json) says the same for programs, as the JSON Schema of the rows. The notes are
those in the headers of the workbook that `enlace plan new` writes ([a plan of another country](guide/country.md)).
**Bold** is required. A column that a file lacks changes nothing; a row that it lacks is retired. Without a sheet
`cadences` a new plan has the usual days, and any other keeps its own. Sheets may stand in any order; others (`README`,
`sources` …) are for people.

`name_…` is a column a language that the bot speaks, by its code: `name_es`, `name_fr` …
([how another one is added](guide/language.md)). One of them is enough. The language that half of a sheet's rows have is
the sheet's own: a row without it is refused, a row without another one is noted.
"""


def page() -> str:
    return "\n".join([HEAD, *_lines()]).rstrip() + "\n"


def _lines() -> Iterator[str]:
    for sheet_of in READ:
        yield from (f"## {sheet_of.name}", "", "| column | what belongs there | words |", "|---|---|---|")
        for base, fields in groupby(sheet_of.fields, key=_without_language):
            one = next(fields)
            yield _row(base, one.needed, one.note, _words(one))
        yield ""


def schema() -> str:
    """The JSON Schema of a workbook: for each sheet its rows, and in a row each cell by its header."""
    sheets: dict[str, Any] = {sheet_of.name: (list[sheet_of.row], ()) for sheet_of in READ}  # type: ignore[name-defined]
    found = create_model("workbook", **sheets).model_json_schema()
    for sheet_of in READ:
        found["properties"][sheet_of.name].pop("default")
        for one in sheet_of.fields:
            cell = found["$defs"][sheet_of.name]["properties"][one.header]
            for said_elsewhere in ("default", "title"):
                cell.pop(said_elsewhere, None)
            cell["description"] = wording("en")(f"book.note.{one.note}")
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def _row(header: str, needed: bool, note: str, words: str) -> str:
    return f"| {f'**`{header}`**' if needed else f'`{header}`'} | {wording('en')(f'book.note.{note}')} | {words} |"


def _without_language(one: Column) -> str:
    """`name_…` for the columns of a text in several languages."""
    return f"{without_language(one.header)[0]}_…" if without_language(one.header)[1] else one.header


def _words(one: Column) -> str:
    if one.refers_to:
        return f"codes of `{one.refers_to}`"
    found = ", ".join(f"`{word}`" for word in one.words)
    earlier = ", ".join(f"`{alias}`" for alias in one.aliases)
    return f"{found} (until now {earlier})".strip() if earlier else found


if __name__ == "__main__":
    OUT.write_text(page(), "utf-8")
    SCHEMA.write_text(schema(), "utf-8")
