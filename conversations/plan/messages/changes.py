"""A change of the plan that an officer proposes from a card: a day, a target or a wording, and why, in one sentence.

The workbook is for large changes. An officer whose tender was delayed has one day to move, and a phone. So the sentence
is read as people write it: "30/06/2021 porque la licitación se atrasó". What is not clear is asked again, because the
coordination decides on what is read here.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Final, Literal, NamedTuple, get_args

import orjson

from conversations.card import Line, bold, italic, line
from conversations.dates import show_date
from conversations.languages import phrases_of_all
from conversations.plan.messages.digest_words import number, with_remark
from conversations.plan.model import Activity, Indicator, Target
from conversations.session.reading.dates import day_in
from conversations.session.reading.numbers import read_number
from conversations.session.reading.results import NotUnderstood, Understood
from conversations.session.reading.text import fold
from conversations.wording import Wording

Field = Literal["date", "target", "wording"]
FIELDS: Final[tuple[Field, ...]] = get_args(Field)
"""What can be proposed; catalogue keys `change.field.…` and `change.ask.…`."""
Outcome = Literal["accepted", "refused", "withdrawn", "replaced"]
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
"""What becomes of a proposal; catalogue keys `change.outcome.…`."""
LONGEST: Final = 700
"""Characters of the sentence, value and reason together."""
LONGEST_REASON: Final = 200
"""Characters of the reason for which one is refused."""
LONGEST_WORDING: Final = {"activity": 400, "indicator": 200}
"""Characters of a row's name in the workbook."""
_LONGEST_NUMBER: Final = 18
_HEADERS: Final[Mapping[Field, tuple[str, str]]] = {
    "date": ("due_date", "target_date"),
    "target": ("target_qty", "target"),
}
"""The workbook's headers of a field: an activity's, and an indicator's."""
_APART = re.compile(r"[;,.]\s+(?!\d)|\s+[-–—(]\s*")
"""Between a value and its reason, where no word joins them."""

Item = Activity | Indicator


class Unclear(ValueError):
    """A sentence that proposes no change. Its text is a catalogue key `change.…`."""


class Change(NamedTuple):
    """A value of the plan as a workbook has it, what it is to become, and why."""

    header: str
    old: str
    new: str
    why: str

    @property
    def field(self) -> Field:
        return next((field for field, headers in _HEADERS.items() if self.header in headers), "wording")

    def kept(self) -> str:
        """Return it as text, without its header, which is stored beside it."""
        return orjson.dumps([self.old, self.new, self.why]).decode()

    @classmethod
    def of(cls, header: str, kept: str) -> "Change":
        """Read what `kept` wrote. Words that were forgotten are blank."""
        return cls(header, *(orjson.loads(kept) if kept else ("", "", "")))


def shown(field: Field, value: str, language: str) -> str:
    """Return a value of a field as people read it."""
    if not value:
        return "–"
    match field:
        case "date":
            return show_date(value, language)
        case "target":
            return number(value)
    return value


def header_of(item: Item, field: Field, language: str) -> str:
    """Return the workbook's header of what a field changes: a wording is that of one language."""
    return _HEADERS[field][isinstance(item, Indicator)] if field in _HEADERS else f"name_{language}"


def said(item: Item, header: str) -> str:
    """Return what the plan says there now, as a workbook has it; of an indicator's targets, the last."""
    if header.startswith("name_"):
        return item.name.get(header.removeprefix("name_"), "")
    last = item.targets[-1] if isinstance(item, Indicator) and item.targets else Target()
    value, day = (item.target_quantity, item.due_on) if isinstance(item, Activity) else last
    return (day.isoformat() if day else "") if header in _HEADERS["date"] else value


def originals(versions: Sequence[Item], language: str) -> dict[Field, str]:
    """Return what the plan said at first of each field that has been revised since.

    `versions` are those of one row, the present one first (`PastRows.with_earlier`). A blank value is no original.
    """
    now, first = versions[0], versions[-1]
    headers = {field: header_of(now, field, language) for field in FIELDS}
    was = {field: said(first, header) for field, header in headers.items()}
    return {field: value for field, value in was.items() if value and value != said(now, headers[field])}


def beside(text: str, field: Field, was: Mapping[Field, str], say: Wording) -> str:
    """Return a value of the plan, with the original one beside it where it has been revised."""
    first = shown(field, was[field], say.language) if field in was else ""
    return with_remark(text, say("change.original", was=first) if first else "")


def fields_of(item: Item) -> tuple[Field, ...]:
    """Return what can be proposed of a row: the day of a target that there is not cannot be moved."""
    has_target = isinstance(item, Activity) or bool(item.targets)
    return tuple(field for field in FIELDS if field != "date" or has_target)


def read_change(item: Item, field: Field, sentence: str, today: date, language: str) -> Change:
    """Read a value and its reason. Unclear if one of them is missing, or if the value cannot be."""
    if len(sentence) > LONGEST:
        raise Unclear("change.too_long")
    value, why = _parted(sentence, is_wording=field == "wording")
    header = header_of(item, field, language)
    old = said(item, header)
    match field:
        case "date":
            new = _day(value, item, today, language)
        case "target":
            new = _figure(value, old, language)
        case _:
            new = value.strip(" \"'«»“”")
            if len(new) > LONGEST_WORDING[item.subject.partition(":")[0]]:
                raise Unclear("change.too_long")
    if not new:
        raise Unclear("change.unread")
    if not why:
        raise Unclear("change.no_why")
    if new == old:
        raise Unclear("change.same")
    return Change(header, old, new, why)


def _parted(sentence: str, *, is_wording: bool) -> tuple[str, str]:
    """Return the value and the reason: a new line parts them, or a word such as "porque"; else a comma, which a wording
    may have itself.
    """
    for way in _ways()[: 2 if is_wording else 3]:
        value, *why = way.split(sentence.strip(), maxsplit=1)
        if why and value:
            return value.strip(), why[0].strip(" ,;:.)\n")
    return sentence.strip(), ""


@cache
def _ways() -> tuple[re.Pattern[str], ...]:
    because = {spelling for phrase in phrases_of_all("reading.because") for spelling in (phrase, fold(phrase))}
    words = "|".join(sorted(map(re.escape, because), key=len, reverse=True))
    line, word = rf"\s*\n\s*(?:(?:{words})\s+)?", rf"[\s,;.:(]+(?:{words})\s+"
    return re.compile(line, re.IGNORECASE), re.compile(word, re.IGNORECASE), _APART


def _day(text: str, item: Item, today: date, language: str) -> str:
    """Return the day at the end of a text such as "al 30 de junio de 2021". Unclear for one that has passed, or before
    the activity begins; "" if there is none.
    """
    words = text.split()
    for first in range(len(words)):
        read = day_in(" ".join(words[first:]), today, language, "future", may_guess=False)
        if isinstance(read, Understood):
            if date.fromisoformat(read.value) < max(today, item.start_on if isinstance(item, Activity) else today):
                raise Unclear("change.passed")
            return read.value
    return ""


def _figure(text: str, old: str, language: str) -> str:
    """Return the number in a text, whole where the present one is; "" if there is none, or several could be meant."""
    read = read_number(text, integer=not old or old.isdecimal(), language=language)
    if isinstance(read, NotUnderstood):
        read = read_number(text, integer=False, language=language)
    value = read.value if isinstance(read, Understood) else ""
    return "" if value.startswith("-") or len(value) > _LONGEST_NUMBER else value


def change_lines(change: Change, say: Wording) -> tuple[Line, Line]:
    """Say what is proposed, the present value beside the new one, and why."""
    old, new = (shown(change.field, value, say.language) for value in (change.old, change.new))
    what = line(bold(f"{say(f'change.field.{change.field}')}{say.colon}"), f"{old} → {new}")
    return what, line(italic(f"{say('change.why')}{say.colon}{change.why}"))
