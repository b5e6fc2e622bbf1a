"""Asking for an export: what, for whom, of which part of the plan, in which form; and what is said while it is made.

Who exports has done it before and wants the same again, for the next period: so the first screen is the whole request
with everything answered, one button prepares it, and each answer is a screen away in the same message. For whom it is,
is asked before anything leaves, since what leaves cannot be called back (DOMAIN §4.3).

Pure: which exports a role may have is handed in as `Offer`s, in the order in which they are shown.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from functools import cache
from typing import Any
from zlib import crc32

from conversations.cards import Button, Card, Line, bold, italic, line
from conversations.plan import PeriodType, ReportingPeriod, ValidationState, period_name, reporting_period
from conversations.wording import LANGUAGES, Wording, wording

DATASET, FORMAT = "reports", "xlsx"
"""What is meant where nothing is said, if it is to be had."""
SHOWN_PERIODS = {PeriodType.YEARLY: 3, PeriodType.QUARTERLY: 4, PeriodType.MONTHLY: 6}
PREVIOUS = {
    "previous.month": PeriodType.MONTHLY,
    "previous.quarter": PeriodType.QUARTERLY,
    "previous.year": PeriodType.YEARLY,
}
"""Of a scheduled export: the period that ended last."""
SENT = tuple(state.value for state in ValidationState if state != ValidationState.DRAFT)
PAGE = "pdf"
"""A format without rows to count."""
IN_A_ROW = 3
BAR = 12
NAMED = 6
"""Codes or lacking files that a message names."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One dataset in one format, and for whom somebody may have it."""

    dataset: str
    format: str
    audiences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A request. Blank filters leave nothing out."""

    dataset: str = ""
    format: str = ""
    audience: str = ""
    period: str = ""
    agency: str = ""
    area: str = ""
    validation: str = ""

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Choice":
        """From what was kept of an earlier one; what has no place any more is left out."""
        return cls(**{each.name: str(kept.get(each.name, "")) for each in fields(cls)})

    def kept(self) -> dict[str, str]:
        return asdict(self)

    @property
    def mark(self) -> str:
        """Tells a button of this request from one of another that an older screen still shows."""
        return f"{crc32('|'.join(self.kept().values()).encode()):08x}"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a plan can be filtered by."""

    periods: tuple[ReportingPeriod, ...]
    agencies: tuple[str, ...]
    areas: Mapping[str, str]
    """Code → name, in the reader's language."""


def fitted(choice: Choice, offers: Sequence[Offer]) -> Choice | None:
    """The request as it can be had: what is not offered becomes the usual. None where nothing is offered."""
    if not offers:
        return None
    datasets = list(dict.fromkeys(offer.dataset for offer in offers))
    dataset = _first(choice.dataset, DATASET, datasets)
    formats = [offer.format for offer in offers if offer.dataset == dataset]
    form = _first(choice.format, FORMAT, formats)
    [audiences] = [offer.audiences for offer in offers if (offer.dataset, offer.format) == (dataset, form)]
    return replace(choice, dataset=dataset, format=form, audience=_first(choice.audience, "", audiences))


def _first(wanted: str, usual: str, there: Sequence[str]) -> str:
    return wanted if wanted in there else usual if usual in there else there[0]


# ------------------------------------------------------------------ typed
def read_words(text: str, offers: Sequence[Offer], scope: Scope, before: Choice) -> tuple[Choice, list[str]]:
    """The request that is typed, on top of the one before, and the words that mean nothing here.

    `reports xlsx 2018Q3`, in any order; codes, or what the buttons say, in any language. What is typed about the part
    of the plan is all that is meant: earlier filters go.
    """
    choice = replace(before, period="", agency="", area="", validation="")
    unknown: list[str] = []
    known = {
        "dataset": _names((offer.dataset for offer in offers), "export.data.{}"),
        "format": _names((offer.format for offer in offers), "export.format.{}"),
        "audience": _names((audience for offer in offers for audience in offer.audiences), "export.audience.{}"),
        "validation": _names(SENT, "export.validation.{}"),
        "agency": {_folded(code): code for code in scope.agencies},
        "area": {_folded(code): code for code in scope.areas},
    }
    for word in text.replace(",", " ").split():
        if is_period(word):
            choice = replace(choice, period=word.upper().replace("-", ".."))
            continue
        for name, names in known.items():
            if _folded(word) in names:
                choice = replace(choice, **{name: names[_folded(word)]})
                break
        else:
            unknown.append(word)
    return fitted(choice, offers) or choice, unknown


def is_period(word: str) -> bool:
    """Whether it is a code (`201809`, `2018Q3`, `2018`) or two with `..` or `-` between."""
    try:
        for code in re.split(r"\.\.|-", word.upper(), maxsplit=1):
            reporting_period(code)
    except ValueError:
        return False
    return True


def _names(codes: Iterable[str], key: str) -> dict[str, str]:
    """By everything they are called, folded: the code, the label, and the label's first word."""
    found: dict[str, str] = {}
    for code in dict.fromkeys(codes):
        found[_folded(code)] = code
        for label in (wording(language)(key.format(code)) for language in LANGUAGES):
            for name in (label.split()[0], label):
                found.setdefault(_folded(name), code)
    return found


@cache
def _folded(text: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9]", "", plain.casefold())


# ------------------------------------------------------------------ periods
def periods_offered(periods: Iterable[ReportingPeriod], today: date) -> tuple[str, ...]:
    """Codes, the nearest first: of those that have begun the latest months, quarters and years."""
    begun = [period for period in periods if period.start_on <= today]
    offered: list[str] = []
    for kind in (PeriodType.MONTHLY, PeriodType.QUARTERLY):
        found = sorted({p.code for p in begun if p.type is kind}, reverse=True)
        offered += found[: SHOWN_PERIODS[kind]]
    years = sorted({f"{period.start_on:%Y}" for period in begun}, reverse=True)
    return (*offered, *years[: SHOWN_PERIODS[PeriodType.YEARLY]])


def previous_period(periods: Iterable[ReportingPeriod], what: str, today: date) -> str:
    """The code of what `PREVIOUS` means on a day; any other filter as it is. Blank where none has ended."""
    kind = PREVIOUS.get(what)
    if kind is None:
        return what
    if kind is PeriodType.YEARLY:
        return f"{today.year - 1}"
    ended = [period for period in periods if period.type is kind and period.end_on < today]
    return max(ended, key=lambda period: period.end_on).code if ended else ""


def period_label(code: str, say: Wording) -> str:
    """As a person says it; of a range both ends."""
    if not code:
        return say("export.all_periods")
    if code in PREVIOUS:
        return say(f"export.{code}")
    return " – ".join(period_name(reporting_period(each), say.language) for each in code.split(".."))


# ------------------------------------------------------------------ the request
def request_card(
    choice: Choice,
    offers: Sequence[Offer],
    say: Wording,
    unknown: Collection[str] = (),
    *,
    tap: str = "command:exportar:",
    extra: tuple[Button, ...] = (),
) -> Card:
    """The whole request, with a button for each of its answers."""
    lines: list[Line] = [line(bold(say("export.title")))]
    if unknown:
        lines.append(line(say("export.unknown", words=", ".join(word[:20] for word in list(unknown)[:NAMED]))))
    lines += [line(""), *described(choice, say)]
    audiences = next(o.audiences for o in offers if (o.dataset, o.format) == (choice.dataset, choice.format))
    rows = [
        (Button(say("export.go"), f"{tap}go.{choice.mark}", "primary"),),
        (Button(say("export.what"), f"{tap}what"), Button(say("export.as"), f"{tap}as")),
        (Button(say("export.when"), f"{tap}when"), Button(say("export.where"), f"{tap}where")),
    ]
    if len(audiences) > 1:
        rows.insert(1, (Button(say("export.who"), f"{tap}who"),))
    return Card(tuple(lines), (*rows, (*extra, Button(say("menu.home"), "command:menu:"))))


def described(choice: Choice, say: Wording) -> list[Line]:
    """What is asked for, a line for each answer; the filters that leave everything in are one."""
    lines = [
        line(f"{say('export.what')}: ", bold(say(f"export.data.{choice.dataset}"))),
        line(f"{say('export.who')}: ", bold(say(f"export.audience.{choice.audience}"))),
        line(f"{say('export.when')}: ", bold(period_label(choice.period, say))),
    ]
    where = [choice.agency.replace(",", ", "), choice.area and say("export.area", area=choice.area)]
    lines.append(line(f"{say('export.where')}: ", bold(" · ".join(filter(None, where)) or say("export.everywhere"))))
    if choice.validation:
        lines.append(line(bold(say(f"export.validation.{choice.validation}"))))
    lines.append(line(f"{say('export.as')}: ", bold(say(f"export.format.{choice.format}"))))
    if choice.audience != "internal":
        lines += [line(""), line(italic(say("export.suppressed")))]
    return lines


def options_card(
    what: str, choice: Choice, offers: Sequence[Offer], scope: Scope, today: date, say: Wording,
    *, tap: str = "command:exportar:", previous: bool = False,
) -> Card | None:  # fmt: skip
    """The answers to one question of the request; None for no question of ours."""
    width = 1
    match what:
        case "what":
            options = [(o.dataset, say(f"export.data.{o.dataset}")) for o in offers]
            now = choice.dataset
        case "as":
            options = [(o.format, say(f"export.format.{o.format}")) for o in offers if o.dataset == choice.dataset]
            now = choice.format
        case "who":
            mine = next(o for o in offers if (o.dataset, o.format) == (choice.dataset, choice.format))
            options = [(audience, say(f"export.audience.{audience}")) for audience in mine.audiences]
            now = choice.audience
        case "when":
            codes = tuple(PREVIOUS) if previous else periods_offered(scope.periods, today)
            options = [("all", say("export.all_periods")), *((code, period_label(code, say)) for code in codes)]
            now, width = choice.period or "all", 1 if previous else 2
        case "where":
            options = [("all", say("export.everywhere"))]
            options += [
                (f"area-{code}", say("export.area", area=f"{code} {name}")) for code, name in scope.areas.items()
            ]
            options += [(code, code) for code in scope.agencies]
            now = choice.agency or (choice.area and f"area-{choice.area}") or "all"
            width = IN_A_ROW
        case _:
            return None
    lines = [line(bold(say("export.title"))), line(say(f"export.ask.{what}"))]
    if what == "who":
        lines += [line(f"• {label}: {say(f'export.audience.{code}.is')}") for code, label in options]
    buttons = [
        Button(_cut(f"● {label}" if code == now else label), f"{tap}{what}.{code}")
        for code, label in dict.fromkeys(options)
    ]
    rows = list(_rows(buttons, width))
    return Card(tuple(lines), (*rows, (Button(say("nav.back"), tap),)))


def _rows(buttons: Sequence[Button], width: int) -> Iterator[tuple[Button, ...]]:
    """As many in a row as fit a phone; long ones have a row of their own."""
    row: tuple[Button, ...] = ()
    for button in buttons:
        if row and (len(row) == width or any(len(each.text) > 45 // width for each in (*row, button))):
            yield row
            row = ()
        row = (*row, button)
    if row:
        yield row


def _cut(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def answered(what: str, value: str, choice: Choice, scope: Scope, *, previous: bool = False) -> Choice | None:
    """The request with this answer; None for what no button of ours answers."""
    match what:
        case "what":
            return replace(choice, dataset=value)
        case "as":
            return replace(choice, format=value)
        case "who":
            return replace(choice, audience=value)
        case "when" if value == "all":
            return replace(choice, period="")
        case "when" if (value in PREVIOUS) == previous and (previous or is_period(value)):
            return replace(choice, period=value)
        case "where" if value == "all":
            return replace(choice, agency="", area="")
        case "where" if value.startswith("area-") and value.removeprefix("area-") in scope.areas:
            return replace(choice, agency="", area=value.removeprefix("area-"))
        case "where" if value in scope.agencies:
            return replace(choice, agency=value, area="")
        case _:
            return None


# ------------------------------------------------------------------ while it is made, and afterwards
def title(choice: Choice, say: Wording) -> str:
    """Reportes · Excel · 3.er trimestre 2018."""
    names = [say(f"export.data.{choice.dataset}"), say(f"export.format.{choice.format}")]
    return " · ".join([*names, *([period_label(choice.period, say)] if choice.period else [])])


def working_card(choice: Choice, number: int, done: int, total: int, say: Wording) -> Card:
    """How far it is. Before the first row is written there is no number, which would be a guess."""
    lines = [line(bold(title(choice, say)))]
    if total:
        filled = BAR * min(done, total) // total
        percent = 100 * min(done, total) // total
        lines += [line("█" * filled + "░" * (BAR - filled) + f" {percent} %"), line(say("export.working"))]
    else:
        lines.append(line(say("export.waiting")))
    return Card(tuple(lines), ((Button(say("export.stop"), f"command:exportar:stop.{number}"),),))


def sending_card(choice: Choice, parts: int, say: Wording) -> Card:
    text = say("export.sending") if parts == 1 else say("export.sending_parts", n=parts)
    return Card((line(bold(title(choice, say))), line(text)))


def done_card(choice: Choice, count: int, lacking: Sequence[str], say: Wording) -> Card:
    lines = [
        line(bold(f"✓ {title(choice, say)}")),
        line(say("export.done_page") if choice.format == PAGE else say("export.done", n=count)),
    ]
    if lacking:
        lines.append(line(say("export.lacking", n=len(lacking))))
        lines += [line(f"• {each[:80]}") for each in lacking[:NAMED]]
    return Card(tuple(lines), (_on(say),))


def doubt_card(choice: Choice, number: int, say: Wording, *, is_refused: bool = False) -> Card:
    """Nobody knows whether it arrived, or it did not: it is not sent again by itself (G7)."""
    text = say("export.not_delivered" if is_refused else "export.in_doubt")
    again = (Button(say("export.again"), f"command:exportar:again.{number}", "primary"),)
    return Card((line(bold(title(choice, say))), line(text)), (again, _on(say)))


def ended_card(choice: Choice, reason: str, say: Wording) -> Card:
    """`cancelled`, `revoked`, `too_large`, `failed`, `nothing`: each says what to do next."""
    return Card((line(bold(title(choice, say))), line(say(f"export.{reason}"))), (_on(say),))


def _on(say: Wording) -> tuple[Button, ...]:
    return (Button(say("export.another"), "command:exportar:"), Button(say("menu.home"), "command:menu:"))


def caption(
    choice: Choice, plan: str, count: int, at: str, say: Wording, number: int = 1, parts: int = 1, agency: str = ""
) -> tuple[Line, ...]:
    """What the document says of itself: filter, time, audience and rows."""
    lines = [line(bold(f"{plan} · {title(choice, say)}"))]
    if where := " · ".join(filter(None, (choice.agency, choice.area and say("export.area", area=choice.area)))):
        lines.append(line(where))
    if choice.validation:
        lines.append(line(say(f"export.validation.{choice.validation}")))
    lines.append(line(f"{say('export.who')}: {say(f'export.audience.{choice.audience}')}"))
    lines.append(line(at if choice.format == PAGE else say("export.made", n=count, at=at)))
    if parts > 1:
        lines.append(line(say("export.part", number=number, parts=parts)))
        if agency:
            codes = agency.split(",")
            shown = ", ".join(codes[:NAMED]) + (f" +{len(codes) - NAMED}" if len(codes) > NAMED else "")
            lines.append(line(shown))
    return tuple(lines)
