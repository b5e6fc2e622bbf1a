"""The cover of a file: which part of which plan, for whom, when, by what rules, and what its columns mean."""

from collections.abc import Iterable

from conversations.wording import wording
from storage.exports.codes import labels_of
from storage.exports.tables import Column, Kind
from storage.exports.wanted import Wanted

CODES_TOLD = 12
"""The most codes that the cover lists for a column. A longer list is easier to read in the plan."""


def about(wanted: Wanted, count: int | None = None) -> list[tuple[str, str]]:
    """The lines of the cover as pairs of texts: filters, time, audience, and the rules that a reader must know."""
    say = wording(wanted.language)
    filters = [
        f"{say(f'table.filter.{name}')}{say.colon}"
        + ", ".join(labels_of(name, wanted.language).get(code, code) for code in wanted.one_of(name))
        for name in wanted.filters
    ]
    return [
        (say("table.about.filter"), " · ".join(filters) or say("table.about.everything")),
        (say("table.about.audience"), say(f"table.audience.{wanted.audience}")),
        (say("table.about.validated"), say("table.validated.only" if wanted.only_validated else "table.validated.all")),
        (say("table.about.made"), f"{wanted.now.astimezone(wanted.zone):%Y-%m-%d %H:%M} · {wanted.timezone}"),
        *([] if count is None else [(say("table.about.rows"), str(count))]),
        (say("table.about.zero"), say("table.zero")),
        *([(say("table.about.protected"), say("table.protected_figures"))] if wanted.is_released else []),
    ]


def note_of(column: Column) -> str:
    """The catalogue's note on the column, and the labels of its codes if they are few."""
    told = ""
    if column.kind is Kind.CODE and len(column.labels) <= CODES_TOLD:
        told = meanings(column.labels.items())
    return " ".join(filter(None, (column.note, told)))


def meanings(labels: Iterable[tuple[str, str]]) -> str:
    """The meaning of each code, one line each. If a label begins with its code, the code is not repeated."""
    told = ((code, label.removeprefix(f"{code} · ")) for code, label in labels)
    return "; ".join(f"{code} = {label}" if label else code for code, label in told)
