"""Make docs/workbook.md, the table of every sheet and column of a plan's workbook, from what reads it.

python docs/workbook.py
"""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from conversations.wording import wording
from storage.imports.sheets import CODE_SHEETS, SETTINGS, SHEETS, Field, note_of, without_language

OUT = Path(__file__).with_name("workbook.md")
HEAD = """\
# The plan's workbook

Every sheet and column that `enlace plan import` reads, made by `docs/workbook.py` from the table that reads it. The
notes are those in the headers of the workbook that `enlace plan new` writes
([a plan of another country](guide/country.md)). **Bold** is required. A column that a file lacks changes nothing; a row
that it lacks is retired. Without a sheet `cadences` a new plan has the usual days, and any other keeps its own. Sheets
may stand in any order; others (`README`, `sources` …) are for people.

`name_…` is a column a language that the bot speaks, by its code: `name_es`, `name_fr` …
([how another one is added](guide/language.md)). One of them is enough. The language that half of a sheet's rows have is
the sheet's own: a row without it is refused, a row without another one is noted.
"""


def page() -> str:
    return "\n".join([HEAD, *_lines()]).rstrip() + "\n"


def _lines() -> Iterator[str]:
    for sheet_of in (SETTINGS, *SHEETS):
        yield from (f"## {sheet_of.name}", "", "| column | what belongs there | words |", "|---|---|---|")
        for base, fields in groupby(sheet_of.fields, key=_without_language):
            one = next(fields)
            yield _row(base, one.needed, note_of(one), _words(one))
        yield ""
    for code_sheet_of in CODE_SHEETS:
        yield from (f"## {code_sheet_of.name}", "", "| column | what belongs there | words |", "|---|---|---|")
        if code_sheet_of.list_header:
            yield _row(code_sheet_of.list_header, True, code_sheet_of.list_header, "")
        yield _row("code", True, "code", ", ".join(f"`{word}`" for word in code_sheet_of.words))
        yield _row(f"{code_sheet_of.label}_…", True, code_sheet_of.label, "")
        yield ""


def _row(header: str, needed: bool, note: str, words: str) -> str:
    return f"| {f'**`{header}`**' if needed else f'`{header}`'} | {wording('en')(f'book.note.{note}')} | {words} |"


def _without_language(one: Field) -> str:
    """`name_…` for the columns of a text in several languages."""
    return f"{without_language(one.header)[0]}_…" if without_language(one.header)[1] else one.header


def _words(one: Field) -> str:
    if one.refers_to:
        return f"codes of `{one.refers_to}`"
    found = ", ".join(f"`{word}`" for word in one.words)
    earlier = ", ".join(f"`{alias}`" for alias in one.aliases)
    return f"{found} (until now {earlier})".strip() if earlier else found


if __name__ == "__main__":
    OUT.write_text(page(), "utf-8")
