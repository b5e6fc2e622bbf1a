"""The request for an export: what, for whom, which part of the plan, in which format; and its screens.

People who export want mostly the same as last time, for the next period. So the first screen shows the whole request
with everything answered. One button prepares the file, and each answer can be changed in the same message. The audience
is asked before anything leaves, because data that has left cannot be called back (docs/domain.md#who-sees-what).

Law: if a part of the request cannot be had, the screen says so; nothing is left out silently. The audience is never
replaced by one that may see more. Until such a question is answered, nothing is prepared.

Pure: the exports that a role may have come in as `Offer`s, in the order in which they are shown.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date
from functools import cache, partial
from itertools import product
from typing import Any, NamedTuple
from zlib import crc32

from conversations.card import Button, Card, Line, bold, cut, home_button, italic, line
from conversations.languages import LANGUAGES, phrases
from conversations.plan.model import ActivityStatus, Role, ValidationState
from conversations.plan.periods import PeriodType, ReportingPeriod, period_name, reporting_period
from conversations.routes import Route, Taps, tap
from conversations.session.profiles import profile
from conversations.wording import Wording, wording

AUDIENCES = ("internal", "observers", "public")
"""For whom, from those who may see most to those who may see least."""
FILTERS = ("form_id", "period", "agency", "area", "status", "validation", "since")
"""The filters that datasets may have, in the order in which they appear in a file's name."""
MORE = {"status": "status", "validation": "validation", "form": "form_id"}
"""Questions that are asked seldom, behind a button of their own → the filter of each."""
DATASET, FORMAT = "reports", "xlsx"
"""The defaults of a request, if they are offered."""
SHOWN_PERIODS = {PeriodType.YEARLY: 3, PeriodType.QUARTERLY: 4, PeriodType.MONTHLY: 6}
PREVIOUS = {
    "previous.month": PeriodType.MONTHLY,
    "previous.quarter": PeriodType.QUARTERLY,
    "previous.year": PeriodType.YEARLY,
}
"""In a scheduled export: the last period that has ended."""
STATUSES = tuple(ActivityStatus)
SENT = tuple(state.value for state in ValidationState if state != ValidationState.DRAFT)
PAGE = "pdf"
"""A format without rows to count."""
IN_A_ROW = 3
NAMED = 6
"""How many codes, words or missing files a message names."""
WIDEST = 30
"""Characters of a button that a phone shows whole."""
PHRASE = 4
"""A label of more words than these is not read when it is typed."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One dataset in one format, with the audiences and the filters that a person may choose."""

    dataset: str
    format: str
    audiences: tuple[str, ...]
    filters: frozenset[str] = frozenset()
    unvalidated: frozenset[str] = frozenset()
    """The audiences that also get reports that nobody has validated. Only they can choose a validation state."""


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
    status: str = ""
    form_id: str = ""
    since: str = ""

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Choice":
        """Make a request from a stored one. Parts that no longer exist are left out."""
        return cls(**{each.name: str(kept.get(each.name, "")) for each in fields(cls)})

    def kept(self) -> dict[str, str]:
        return asdict(self)

    @property
    def mark(self) -> str:
        """Marks the buttons of this request, so that those of an older screen are recognised."""
        return f"{crc32('|'.join(self.kept().values()).encode()):08x}"


@dataclass(frozen=True, slots=True)
class Scope:
    """The values of a plan by which an export can be filtered."""

    periods: tuple[ReportingPeriod, ...]
    agencies: tuple[str, ...]
    areas: Mapping[str, str]
    """Code → name, in the reader's language."""
    forms: Mapping[str, str] = field(default_factory=dict)
    """form_id → title."""


@dataclass(frozen=True, slots=True)
class Left:
    """What had to be left out of a request: words that mean nothing here, and filters that its dataset lacks."""

    words: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()


def fit(choice: Choice, offers: Sequence[Offer]) -> tuple[Choice, Left] | None:
    """Fit a request to the offers. Returns it with what had to be left out; None if nothing is offered.

    A dataset or format that is not offered becomes the usual one. An audience that is not offered becomes one that may
    see less, never more. `obstacles` says what is still missing.
    """
    if not offers:
        return None
    datasets = list(dict.fromkeys(offer.dataset for offer in offers))
    dataset = _first(choice.dataset, DATASET, datasets)
    formats = [offer.format for offer in offers if offer.dataset == dataset]
    form = _first(choice.format, FORMAT, formats)
    [offer] = [offer for offer in offers if (offer.dataset, offer.format) == (dataset, form)]
    audience = _audience(choice.audience, offer.audiences)
    found = replace(choice, dataset=dataset, format=form, audience=audience)
    return known_part(found, offer.filters), Left(filters=other_filters(found, offer.filters))


def fitted(choice: Choice, offers: Sequence[Offer]) -> Choice | None:
    """The fitted request alone, for a reader who has already seen what is left out."""
    found = fit(choice, offers)
    return found[0] if found else None


def other_filters(choice: Choice, filters: Collection[str]) -> tuple[str, ...]:
    """Return the filters of the request that are not among these."""
    return tuple(name for name in FILTERS if getattr(choice, name) and name not in filters)


def known_part(choice: Choice, filters: Collection[str]) -> Choice:
    """Return the request without filters that are not among these."""
    return replace(choice, **dict.fromkeys(other_filters(choice, filters), ""))


def offer_of(choice: Choice, offers: Sequence[Offer]) -> Offer:
    """Return the offer that a fitted request is for."""
    return next(offer for offer in offers if (offer.dataset, offer.format) == (choice.dataset, choice.format))


def obstacles(choice: Choice, offers: Sequence[Offer]) -> tuple[str, ...]:
    """Return why a fitted request cannot be prepared: keys of `refused`; empty if it can."""
    offer = offer_of(choice, offers)
    found = []
    if choice.audience not in offer.audiences:
        found.append("audience")
    if choice.validation not in ("", ValidationState.VALIDATED) and choice.audience not in offer.unvalidated:
        found.append("validation")
    if choice.form_id and choice.audience != AUDIENCES[0] and not is_told_outside(choice.form_id):
        found.append("form")
    return tuple(found)


def refused(why: str, choice: Choice, say: Wording, filters: Sequence[str] = ()) -> str:
    """Say why a request cannot be prepared, and what to do."""
    return say(
        f"export.refused.{why}",
        what=say(f"export.data.{choice.dataset}"),
        who=say(f"export.audience.{choice.audience}") if choice.audience in AUDIENCES else choice.audience,
        filters=", ".join(say(f"table.filter.{name}").lower() for name in filters),
    )


def is_told_outside(form_id: str) -> bool:
    """Whether observers and the public get the coded answers of this form: only the plan's own forms, no referrals."""
    return profile(form_id).subject in ("activity", "indicator")


def _first(wanted: str, usual: str, there: Sequence[str]) -> str:
    return wanted if wanted in there else usual if usual in there else there[0]


def _audience(wanted: str, there: Sequence[str]) -> str:
    """Return the same audience, or the next one that may see less.

    It never becomes wider: if there is none, it stays.
    """
    if wanted not in AUDIENCES:
        return there[0]
    narrower = [each for each in AUDIENCES[AUDIENCES.index(wanted) :] if each in there]
    return narrower[0] if narrower else wanted


# ------------------------------------------------------------------ typed
def read_words(text: str, offers: Sequence[Offer], scope: Scope, before: Choice) -> tuple[Choice, Left]:
    """Read a typed request, starting from the one before. Returns it with what had to be left out.

    `reports xlsx 2018Q3 delayed`, in any order; codes, or what the buttons say, in any language. If the words name a
    part of the plan, earlier filters are dropped.
    """
    choice = replace(before, **dict.fromkeys(FILTERS, ""))
    unknown: list[str] = []
    known = {
        "dataset": _names((offer.dataset for offer in offers), "export.data.{}"),
        "format": _names((offer.format for offer in offers), "export.format.{}"),
        "audience": _names(AUDIENCES, "export.audience.{}"),
        "validation": _states(SENT, "export.validation.{}", "history.{}"),
        "status": _states(STATUSES, "export.status.{}"),
        "agency": {_folded(code): code for code in scope.agencies},
        "area": {_folded(code): code for code in scope.areas},
        "form_id": {_folded(name): form_id for form_id, title in scope.forms.items() for name in (form_id, title)},
    }
    words = text.replace(",", " ").split()
    while words:
        if is_period(words[0]):
            choice = replace(choice, period=words.pop(0).upper().replace("-", ".."))
            continue
        for length, (name, names) in product(range(min(PHRASE, len(words)), 0, -1), known.items()):
            phrase = _folded("".join(words[:length]))
            if phrase and phrase in names:
                choice = replace(choice, **{name: names[phrase]})
                del words[:length]
                break
        else:
            unknown.append(words.pop(0))
    found, left = fit(choice, offers) or (choice, Left())
    return found, replace(left, words=tuple(unknown))


def is_period(word: str) -> bool:
    """Whether it is a code (`201809`, `2018Q3`, `2018`), or two codes with `..` or `-` between."""
    try:
        for code in re.split(r"\.\.|-", word.upper(), maxsplit=1):
            reporting_period(code)
    except ValueError:
        return False
    return True


def _names(codes: Iterable[str], key: str) -> dict[str, str]:
    """Make a table of every name: the code, the label, and the label's first word, all without accents and case."""
    found: dict[str, str] = {}
    for code in dict.fromkeys(codes):
        found[_folded(code)] = code
        for label in (wording(language)(key.format(code)) for language in LANGUAGES):
            for name in (label.split()[0], label):
                found.setdefault(_folded(name), code)
    return found


def _states(codes: Iterable[str], *keys: str) -> dict[str, str]:
    """Make a table of the states by code and by name. A name is an adjective in every form: retrasada, retrasados."""
    found: dict[str, str] = {}
    for code, key, language in product(codes, keys, LANGUAGES):
        for name in (code, wording(language)(key.format(code))):
            folded = _folded(name)
            for name_so_ended in _with_each_ending(folded, language):
                found.setdefault(name_so_ended, code)
    return found


def _with_each_ending(folded: str, language: str) -> tuple[str, ...]:
    """Return an adjective in the singular and plural of both genders: "retrasada" gives "retrasado", "retrasadas",
    "retrasados" too.
    """
    endings = tuple(_folded(ending) for ending in phrases(language, "language.plural_endings"))
    for ending in sorted(endings, key=len, reverse=True):
        if folded.endswith(ending):
            return tuple(folded.removesuffix(ending) + each for each in endings)
    return (folded,)


@cache
def _folded(text: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9]", "", plain.casefold())


# ------------------------------------------------------------------ periods
def periods_offered(periods: Iterable[ReportingPeriod], today: date) -> tuple[str, ...]:
    """Return the codes of the latest months, quarters and years that have begun, the nearest first."""
    begun = [period for period in periods if period.start_on <= today]
    offered: list[str] = []
    for kind in (PeriodType.MONTHLY, PeriodType.QUARTERLY):
        found = sorted({p.code for p in begun if p.type is kind}, reverse=True)
        offered += found[: SHOWN_PERIODS[kind]]
    years = sorted({f"{period.start_on:%Y}" for period in begun}, reverse=True)
    return (*offered, *years[: SHOWN_PERIODS[PeriodType.YEARLY]])


def previous_period(periods: Iterable[ReportingPeriod], what: str, today: date) -> str:
    """Return the period that `PREVIOUS` means on a day; blank if none has ended. Any other filter stays as it is."""
    kind = PREVIOUS.get(what)
    if kind is None:
        return what
    if kind is PeriodType.YEARLY:
        return f"{today.year - 1}"
    ended = [period for period in periods if period.type is kind and period.end_on < today]
    return max(ended, key=lambda period: period.end_on).code if ended else ""


def period_label(code: str, say: Wording) -> str:
    """Name a period as a person does; for a range, name both ends."""
    if not code:
        return say("export.all_periods")
    if code in PREVIOUS:
        return say(f"export.{code}")
    return " – ".join(period_name(reporting_period(each), say.language) for each in code.split(".."))


# ------------------------------------------------------------------ the request
def request_card(choice: Choice, offers: Sequence[Offer], say: Wording, left: Left | None = None) -> Card:
    """The whole request, with a button for each answer. The button that prepares it is missing if it cannot be made."""
    lines: list[Line] = [line(bold(say("export.title")))]
    if left and left.words:
        lines.append(line(say("export.unknown", words=", ".join(word[:20] for word in left.words[:NAMED]))))
    if left and left.filters:
        lines.append(line(refused("filter", choice, say, left.filters)))
    lines += [line(""), *described(choice, offers, say)]
    audiences, in_the_way, to = (
        offer_of(choice, offers).audiences,
        obstacles(choice, offers),
        partial(tap, Route.EXPORT),
    )
    rows: list[tuple[Button, ...]] = []
    if not in_the_way:
        rows.append((Button(say("export.go"), to("go", choice.mark), "primary"),))
    if len(audiences) > 1 or "audience" in in_the_way:
        rows.append((Button(say("export.who"), to("who")),))
    rows.append((Button(say("export.what"), to("what")), Button(say("export.as"), to("as"))))
    rows += filter_rows(choice, offers, say, to)
    return Card(tuple(lines), (*rows, (home_button(say),)))


def filter_rows(choice: Choice, offers: Sequence[Offer], say: Wording, to: Taps) -> list[tuple[Button, ...]]:
    """Return the buttons of the filters that the dataset has. Rare ones are in a row of their own."""
    filters, more = offer_of(choice, offers).filters, more_of(choice, offers)
    row: tuple[Button, ...] = ()
    if "period" in filters:
        row = (*row, Button(say("export.when"), to("when")))
    if "agency" in filters:
        row = (*row, Button(say("export.where" if "area" in filters else "export.agency"), to("where")))
    rows = [row] if row else []
    if len(more) == 1:
        rows.append((Button(say(f"export.{more[0]}"), to(more[0])),))
    elif more:
        rows.append((Button(say("export.more"), to("more")),))
    return rows


def more_of(choice: Choice, offers: Sequence[Offer]) -> tuple[str, ...]:
    """Return the questions of `MORE` that this request has.

    If only one state of validation goes out, it is not asked.
    """
    offer = offer_of(choice, offers)
    return tuple(
        what
        for what, name in MORE.items()
        if name in offer.filters
        and (name != "validation" or choice.audience in offer.unvalidated or bool(choice.validation))
    )


def audience_name(audience: str, role: Role | None, say: Wording) -> str:
    """Name the audience of a file. A reader outside the coordination asks for themselves."""
    is_own = role in (Role.READER, Role.OBSERVER) and audience != AUDIENCES[0]
    return say(f"role.{role}" if is_own else f"export.audience.{audience}")


def described(choice: Choice, offers: Sequence[Offer], say: Wording) -> list[Line]:
    """Return the request, one line for each answer. Then a line on small numbers, or on the obstacle."""
    filters = offer_of(choice, offers).filters
    lines = [line(f"{say('export.what')}{say.colon}", bold(say(f"export.data.{choice.dataset}")))]
    if len({audience for offer in offers for audience in offer.audiences}) > 1:
        lines.append(line(f"{say('export.who')}{say.colon}", bold(say(f"export.audience.{choice.audience}"))))
    if "period" in filters:
        lines.append(line(f"{say('export.when')}{say.colon}", bold(period_label(choice.period, say))))
    if "agency" in filters:
        label = say("export.where" if "area" in filters else "export.agency")
        lines.append(line(f"{label}{say.colon}", bold(where_in_words(choice, say) or say("export.everywhere"))))
    lines += [line(bold(text)) for text in narrowed(choice, say)]
    lines.append(line(f"{say('export.as')}{say.colon}", bold(say(f"export.format.{choice.format}"))))
    if in_the_way := obstacles(choice, offers):
        lines += [line(""), *(line(bold(refused(why, choice, say))) for why in in_the_way)]
    elif choice.audience != AUDIENCES[0]:
        lines += [line(""), line(italic(say("export.suppressed")))]
    return lines


def where_in_words(choice: Choice, say: Wording) -> str:
    where = (choice.agency.replace(",", ", "), choice.area and say("export.area", area=choice.area))
    return " · ".join(filter(None, where))


def narrowed(choice: Choice, say: Wording) -> list[str]:
    """Return the answers to the questions of `MORE`, one line each."""
    lines = []
    if choice.status:
        lines.append(f"{say('export.status')}{say.colon}{say(f'export.status.{choice.status}')}")
    if choice.validation:
        lines.append(say(f"export.validation.{choice.validation}"))
    if choice.form_id:
        lines.append(f"{say('export.form')}{say.colon}{choice.form_id}")
    return lines


@dataclass(frozen=True, slots=True)
class _Options:
    """The answers to one question: (code, label) of each, the present one, and how many stand in a row."""

    choices: Sequence[tuple[str, str]]
    now: str
    width: int = 1


def options_card(
    what: str, choice: Choice, offers: Sequence[Offer], scope: Scope, today: date, say: Wording,
    *, to: Taps = partial(tap, Route.EXPORT), previous: bool = False,
) -> Card | None:  # fmt: skip
    """Show the answers to one question of the request. None if it is no question of ours."""
    periods = tuple(PREVIOUS) if previous else periods_offered(scope.periods, today)
    asked = _Asked(choice, offers, scope, say, periods)
    if not asked.has(what):
        return None
    options = _QUESTIONS[what](asked)
    lines = [line(bold(say("export.title"))), line(say(f"export.ask.{what}"))]
    if what == "who":
        lines += [line(f"• {label}{say.colon}{say(f'export.audience.{code}.is')}") for code, label in options.choices]
    acts = () if what == "more" else (what,)
    buttons = [
        Button(cut(f"● {label}" if code == options.now else label), to(*acts, code))
        for code, label in dict.fromkeys(options.choices)
    ]
    rows = list(_rows(buttons, options.width))
    return Card(tuple(lines), (*rows, (Button(say("nav.back"), to()),)))


class _Asked(NamedTuple):
    """A request about which a question is asked. `periods` are codes or PREVIOUS."""

    choice: Choice
    offers: Sequence[Offer]
    scope: Scope
    say: Wording
    periods: Sequence[str]

    @property
    def offer(self) -> Offer:
        return offer_of(self.choice, self.offers)

    def has(self, what: str) -> bool:
        """Say whether this request has such a question."""
        if what in _FILTERED:
            return _FILTERED[what] in self.offer.filters
        more = more_of(self.choice, self.offers)
        return bool(more) if what == "more" else what in more or (what in _QUESTIONS and what not in MORE)

    def any_of(self, choices: Iterable[tuple[str, str]], now: str) -> _Options:
        return _Options([("all", self.say("export.any")), *choices], now or "all")


def _where(a: _Asked) -> _Options:
    areas = a.scope.areas.items() if "area" in a.offer.filters else ()
    options = [
        ("all", a.say("export.everywhere")),
        *((f"area-{code}", a.say("export.area", area=f"{code} {name}")) for code, name in areas),
        *((code, code) for code in a.scope.agencies),
    ]
    return _Options(options, a.choice.agency or (a.choice.area and f"area-{a.choice.area}") or "all", IN_A_ROW)


def _when(a: _Asked) -> _Options:
    options = [("all", a.say("export.all_periods")), *((code, period_label(code, a.say)) for code in a.periods)]
    return _Options(options, a.choice.period or "all", 1 if a.periods == tuple(PREVIOUS) else 2)


def _more(a: _Asked) -> _Options:
    named = ((name, f"{a.say(f'export.{name}')}{a.say.colon}{_now(name, a.choice, a.say)}") for name in MORE)
    return _Options([(name, cut(label, WIDEST)) for name, label in named if a.has(name)], "")


def _validation(a: _Asked) -> _Options:
    states = [each for each in SENT if a.choice.audience in a.offer.unvalidated or each == a.choice.validation]
    return a.any_of([(code, a.say(f"export.validation.{code}")) for code in states], a.choice.validation)


def _form(a: _Asked) -> _Options:
    forms = [(_mark(code), cut(title or code, WIDEST - 2)) for code, title in a.scope.forms.items()
             if a.choice.audience == AUDIENCES[0] or is_told_outside(code)]  # fmt: skip
    return a.any_of(forms, a.choice.form_id and _mark(a.choice.form_id))


_FILTERED = {"when": "period", "where": "agency"}
_QUESTIONS: Mapping[str, Callable[[_Asked], _Options]] = {
    "what": lambda a: _Options([(o.dataset, a.say(f"export.data.{o.dataset}")) for o in a.offers], a.choice.dataset),
    "as": lambda a: _Options(
        [(o.format, a.say(f"export.format.{o.format}")) for o in a.offers if o.dataset == a.choice.dataset],
        a.choice.format,
    ),
    "who": lambda a: _Options([(who, a.say(f"export.audience.{who}")) for who in a.offer.audiences], a.choice.audience),
    "when": _when,
    "where": _where,
    "more": _more,
    "status": lambda a: a.any_of([(code, a.say(f"export.status.{code}")) for code in STATUSES], a.choice.status),
    "validation": _validation,
    "form": _form,
}


def _rows(buttons: Sequence[Button], width: int) -> Iterator[tuple[Button, ...]]:
    """Put as many buttons in a row as fit a phone. Long ones have a row of their own."""
    row: tuple[Button, ...] = ()
    for button in buttons:
        if row and (len(row) == width or any(len(each.text) > 45 // width for each in (*row, button))):
            yield row
            row = ()
        row = (*row, button)
    if row:
        yield row


def _now(what: str, choice: Choice, say: Wording) -> str:
    """The present answer to one of the questions of `MORE`."""
    code: str = getattr(choice, MORE[what])
    if not code:
        return say("export.any")
    if what == "form":
        return code
    return say(f"export.status.{code}" if what == "status" else f"history.{code}")


def _mark(form_id: str) -> str:
    """Return a short mark for a form, so that a button can carry it however long its name is."""
    return f"{crc32(form_id.encode()):08x}"


def answered(what: str, value: str, choice: Choice, scope: Scope, *, previous: bool = False) -> Choice | None:
    """Return the request with this answer. None if no button of ours gives it."""
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
        case "status" | "validation" | "form" if value == "all":
            return replace(choice, **{MORE[what]: ""})
        case "status" if value in STATUSES:
            return replace(choice, status=value)
        case "validation" if value in SENT:
            return replace(choice, validation=value)
        case "form":
            named = [form_id for form_id in scope.forms if _mark(form_id) == value]
            return replace(choice, form_id=named[0]) if named else None
        case _:
            return None
