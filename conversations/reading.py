"""What people type, as the value ODK stores: numbers, dates, times, choices.

"1.250" is a thousand and a quarter of a thousand in one country, and one and a quarter in the next; "15/9" has no
year; "mar" is a day and a month. A ledger may not guess.

Laws: nothing raises, whatever is typed; what can be read in one way only is `Understood`; what could be meant
otherwise is `Ambiguous` and **always wants the respondent's word**, also when there is but one reading to
offer ("casi 25", "1 250"); a reason in `NotUnderstood` is the catalogue key of the sentence that asks again.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise, product
from typing import Literal


@dataclass(frozen=True, slots=True)
class Understood:
    """There is one reading. `value` is as ODK stores it."""

    value: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Likeliest first. One reading alone is a question too: "did you mean …?"."""

    readings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """`reason` is a catalogue key: err.number, err.integer, err.date, err.time, err.datetime."""

    reason: str


Read = Understood | Ambiguous | NotUnderstood


@dataclass(frozen=True, slots=True)
class Matched:
    """Exactly one choice was meant."""

    value: str


@dataclass(frozen=True, slots=True)
class Several:
    """It may have been any of these; one alone wants to be confirmed."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was picked of a select_multiple, in the order of the choices, each once."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoMatch:
    pass


Choices = Sequence[tuple[str, str]]
"""(value, label) in the order shown."""
Prefer = Literal["past", "future"]

_LONGEST = 200
_MOST_DIGITS = 18


# ------------------------------------------------------------------ letters
def normalise(text: str) -> str:
    """Lower-case words between single spaces: no accents, emoji, punctuation; "" if nothing is left."""
    return " ".join(_WORD.findall(_fold(_plain(text))))


@lru_cache(maxsize=4_096)
def _known(text: str) -> str:
    """`normalise` for the labels and codes that every answer is compared with."""
    return normalise(text)


class _Characters(dict[int, str]):
    """A table for str.translate that works a character out when it is first met."""

    def __init__(self, of: Callable[[str], str]) -> None:
        self._of = of

    def __missing__(self, code: int) -> str:
        made = self._of(chr(code))
        if len(self) < 8_192:
            self[code] = made
        return made


_WORD = re.compile(r"[^\W_]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63"
_SAME = {**dict.fromkeys(_DASHES, "-"), "\u066b": ".", "\u066c": ",", **dict.fromkeys("\u2018\u2019\u02bc\u00b4`", "'")}


def _plain(text: str) -> str:
    """The same text in ASCII digits and signs, whatever the keyboard: full-width, Arabic-Indic, keycaps, dashes.

    Not NFKC: that would turn "5²" into 52.
    """
    if text.isascii() and text.isprintable():
        return text
    return unicodedata.normalize("NFC", text).translate(_PLAIN)


def _plain_character(character: str) -> str:
    if character.isascii():
        return character if character.isprintable() or character == "\n" else " "
    if character in _SAME:
        return _SAME[character]
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category in ("Cf", "Cc", "Cs", "Co", "Cn", "Me") or "\ufe00" <= character <= "\ufe0f":
        return ""
    if category in ("Zs", "Zl", "Zp"):
        return " "
    if "\uff01" <= character <= "\uff5e":
        return unicodedata.normalize("NFKC", character)
    return character


_PLAIN = _Characters(_plain_character)
_UNACCENTED = _Characters(lambda character: "" if unicodedata.combining(character) else character)


def _fold(text: str) -> str:
    """Without accents and case."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFD", text.casefold()).translate(_UNACCENTED)


def _unaccented(words: str) -> frozenset[str]:
    return frozenset(_fold(words).split())


def _numbered(words: str, start: int = 0) -> dict[str, int]:
    """ "zero one" → {"zero": 0, "one": 1}; spellings of the same number are joined by a slash."""
    return {
        spelling: number
        for number, spellings in enumerate(_fold(words).split(), start=start)
        for spelling in spellings.split("/")
    }


# ------------------------------------------------------------------ numbers
_SPELLED: Mapping[str, Mapping[str, int]] = {
    "es": _numbered(
        "cero uno/un/una dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince"
        " dieciséis diecisiete dieciocho diecinueve veinte"
    ),
    "en": _numbered(
        "zero one/a two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
        " sixteen seventeen eighteen nineteen twenty"
    ),
    "ht": _numbered(
        "zewo en/yon/youn/yonn de twa kat senk sis sèt/set uit/wit nèf dis onz douz trèz katòz kenz"
        " sèz disèt dizuit diznèf ven"
    ),
}
_ARTICLES = _unaccented("un una uno a one en yon youn yonn de")
"""Number words that mostly are something else."""
_MULTIPLIERS = {
    **dict.fromkeys(_unaccented("mil miles k thousand thousands"), 1_000),
    **dict.fromkeys(_unaccented("millón millones million millions milyon"), 1_000_000),
}
_COMPOUND = frozenset(_MULTIPLIERS) | _unaccented(
    "veintiuno veintiún veintiuna veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete veintiocho"
    " veintinueve treinta cuarenta cincuenta sesenta setenta ochenta noventa cien ciento cientos doscientos doscientas"
    " trescientos trescientas cuatrocientos cuatrocientas quinientos quinientas seiscientos seiscientas setecientos"
    " setecientas ochocientos ochocientas novecientos novecientas docena docenas media medio mitad cuarto tercio"
    " thirty forty fifty sixty seventy eighty ninety hundred hundreds dozen dozens half quarter third billion"
    " venteyen trant karant senkant swasant swasanndis katreven katrevendis san desan douzèn demi mwatye ka"
)
"""Words that change a number beside them in a way we do not work out."""
_HEDGES = _unaccented(
    "casi unos unas aproximadamente aprox aproximado cerca alrededor más mas menos como entre quizás quizá tal vez creo"
    " pico mínimo máximo hasta no ni nunca tampoco sin ningún o u"
    " about around almost nearly roughly approximately approx over under least most maybe perhaps between more less"
    " than not or some up minus except"
    " anviwon apeprè apepre prèske plis mwens petèt omwen pa oswa ant jiska"
)
"""Words after which a number may not be the number: it is confirmed."""
_MINUS = _unaccented("menos minus mwens")
_FILLERS = _unaccented(
    "persona personas mujer mujeres hombre hombres niña niñas niño niños gente total en son fueron hay solo solamente"
    " nada pues el la los las de actividad actividades reunión reuniones institución instituciones caso casos centros"
    " person people woman women man men girl girls boy boys in all only there were are is was total just"
    " moun fanm gason tifi tigason se sèlman te genyen gen antou"
)
_NONE = _unaccented("ninguno ninguna nadie nada none nobody nothing okenn pèsonn anyen")
_PERCENT = re.compile(r"%|\b(?:por ?ciento|per ?cent|pou ?san)\b")
_TOKEN = re.compile(r"(?<![\w.,'])[-+]?(?:\d+(?:[.,']\d+)*|[.,]\d+)")
_SPACED = re.compile(r"([-+]?)(\d{1,3}(?: \d{3})+)(?:[.,](\d+))?")
_GROUPED = {mark: re.compile(rf"\d{{1,3}}(?:{re.escape(mark)}\d{{3}})+") for mark in ".,'"}
_DOUBT = re.compile(r"[<>~≈±≤≥?¿]")


def read_number(text: str, *, integer: bool, language: str) -> Read:
    """The one number in what was typed, as an integer or a decimal with a point and no superfluous zeros.

    Thousands are written with a comma in the Dominican Republic, so "1,250" is 1250 where only an integer can
    be meant; "1.250", "1 250", and "1,250" among decimals, are ambiguous. Two numbers are not one.
    """
    said = _fold(_plain(text)).strip()
    if not said or len(said) > _LONGEST or any(unicodedata.category(c) in ("No", "Nl") for c in said):
        return NotUnderstood("err.number")
    said = _PERCENT.sub(" ", said)
    if not any(c.isdigit() for c in said):
        return _spelled_number(said, language)
    tokens = list(_TOKEN.finditer(said))
    if not tokens or sum(map(_digits, (t[0] for t in tokens))) != _digits(said) or _digits(said) > _MOST_DIGITS:
        return NotUnderstood("err.number")
    start, end = tokens[0].start(), tokens[-1].end()
    figures = said[start:end]
    readings = _one_figure(figures, integer) if len(tokens) == 1 else _spaced_figure(figures)
    if readings is None:
        return NotUnderstood("err.number")
    values, is_certain = readings
    around = _around(said[:start], said[end:], language)
    if around is None:
        return NotUnderstood("err.number")
    times, is_plain = around
    sign = "-" if figures.startswith("-") else ""
    found = list(dict.fromkeys(_canonical(sign + value, times) for value in values))
    if not sign and (words := _LETTERS.findall(said[:start])) and words[-1] in _MINUS:
        found = [_canonical(f"-{found[0]}"), *found]
    if integer and all("." in value for value in found):
        return NotUnderstood("err.integer")
    return Understood(found[0]) if is_certain and is_plain and len(found) == 1 else Ambiguous(tuple(found))


def _digits(text: str) -> int:
    return sum(c.isdigit() for c in text)


def _canonical(figure: str, times: int = 1) -> str:
    number = f"{Decimal(figure) * times:f}"
    number = number.rstrip("0").rstrip(".") if "." in number else number
    return "0" if number in ("-0", "") else number


def _one_figure(figures: str, integer: bool) -> tuple[list[str], bool] | None:
    """The readings of one run of digits and marks, and whether the first is beyond doubt; None if it is no number."""
    body = figures.lstrip("+-")
    if body[0] in ".,":
        body = f"0{body}"
    marks = [c for c in body if not c.isdigit()]
    if not marks:
        return [body], True
    whole, last, tail = body.rpartition(marks[-1])
    kinds = set(marks)
    if len(kinds) == 1 and (len(marks) > 1 or last == "'"):
        return ([body.replace(last, "")], True) if _GROUPED[last].fullmatch(body) else None
    if len(kinds) == 2 and last != "'" and marks.count(last) == 1:
        thousands = next(iter(kinds - {last}))
        if not _GROUPED[thousands].fullmatch(whole):
            return None
        whole = whole.replace(thousands, "")
        # "1,250.000" may be a very exact 1250, or somebody's million and a quarter.
        return ([f"{whole}.{tail}", whole + tail], False) if len(tail) == 3 else ([f"{whole}.{tail}"], True)
    if len(kinds) > 1:
        return None
    if len(tail) != 3 or len(whole) > 3 or whole.startswith("0"):
        return [f"{whole}.{tail}"], True
    if last == ",":
        return ([whole + tail], True) if integer else ([whole + tail, f"{whole}.{tail}"], False)
    return [whole + tail, f"{whole}.{tail}"] if integer else [f"{whole}.{tail}", whole + tail], False


def _spaced_figure(figures: str) -> tuple[list[str], bool] | None:
    """ "1 250 000" as one number. Beyond doubt only where a group cannot be a number of its own ("000", "050")."""
    match = _SPACED.fullmatch(figures)
    if match is None:
        return None
    groups = match[2].split(" ")
    whole, tail = "".join(groups), match[3]
    is_certain = any(group.startswith("0") for group in groups[1:])
    if not tail:
        return [whole], is_certain
    return ([f"{whole}.{tail}", whole + tail], False) if len(tail) == 3 else ([f"{whole}.{tail}"], is_certain)


def _around(before: str, after: str, language: str) -> tuple[int, bool] | None:
    """What the words around a number multiply it by, and whether they leave it as it is; None if they do not fit."""
    if re.search(r"\w-$|[/*=^\\]\s*$", before) or re.match(r"\s*[/*=^\\‰]", after):
        return None
    attached = _LETTERS.match(after)
    if attached and attached[0] not in _MULTIPLIERS and len(attached[0]) < 4:
        return None  # 2nd, 12h, 3x: not a count
    words_before, words_after = _LETTERS.findall(before), _LETTERS.findall(after)
    times = 1
    if words_after and words_after[0] in _MULTIPLIERS and re.match(r" ?[^\W\d_]", after):
        times = _MULTIPLIERS[words_after.pop(0)]
    words = {*words_before, *words_after}
    if words & _COMPOUND or words & (_SPELLED.get(language, _SPELLED["es"]).keys() - _ARTICLES):
        return None
    months = _MONTHS.get(language, _MONTHS["es"])
    is_plain = not (
        words & months.keys()  # "15 sep" is a day
        or words & _HEDGES
        or _DOUBT.search(before + after)
        or re.search(r"-\s+$", before)
        or re.match(r"\s*[-+]", after)
    )
    return times, is_plain


def _spelled_number(said: str, language: str) -> Read:
    table = _SPELLED.get(language, _SPELLED["es"])
    words = _LETTERS.findall(said)
    if len(words) == 1 and words[0] in _NONE:
        return Ambiguous(("0",))  # none is not the same as no figure (DOMAIN §2.3)
    numbers = [position for position, word in enumerate(words) if word in table]
    if len(numbers) != 1 or re.search(r"[^\w\s.,!¡]|_", said):
        return NotUnderstood("err.number")
    [position] = numbers
    word, rest = words[position], words[:position] + words[position + 1 :]
    times = 1
    if position < len(words) - 1 and words[position + 1] in _MULTIPLIERS:
        times = _MULTIPLIERS[rest.pop(position)]
    if not _FILLERS.issuperset(rest) or (word in _ARTICLES and len(words) > 2):
        return NotUnderstood("err.number")
    return Understood(str(table[word] * times))


def read_numbers(text: str, count: int, *, labels: Sequence[str] = ()) -> tuple[str, ...] | None:
    """`count` integers typed in one message, in the order of the questions; None unless that is the only reading.

    "12 8 3 4", "12, 8, 3, 4", "12-8-3-4", "mujeres 12 hombres 8". With the questions' `labels`, words beside
    the numbers must name them, and decide the order.
    """
    said = _fold(_plain(text)).strip().removesuffix(".")
    if count < 1 or not said or len(said) > _LONGEST:
        return None
    runs = list(re.finditer(r"\d+", said))
    if not runs or any(len(run[0]) > 9 for run in runs) or any(unicodedata.category(c) in ("No", "Nl") for c in said):
        return None
    gaps = [said[a.end() : b.start()] for a, b in pairwise(runs)]
    words = set(_LETTERS.findall(said)) - _JOINTS
    head, tail = said[: runs[0].start()], said[runs[-1].end() :]
    if words & (_COMPOUND | _HEDGES) or words & frozenset().union(*(t.keys() - _ARTICLES for t in _SPELLED.values())):
        return None
    if re.search(r"[^\s\w]", head.rstrip(" :=(")) or re.search(r"[^\W\d]$|[-+.,]$", head):
        return None
    if any(_is_no_gap(gap) for gap in gaps) or re.match(r"[^\W\d]{1,3}\b|\s*[.,:/%-]\s*\w|.*[<>~≈±≤≥?¿%]", tail):
        return None
    numbers = _split_numbers([run[0] for run in runs], gaps)
    if numbers is None or len(numbers) != count or any(len(n) > 1 and n.startswith("0") for n in numbers):
        return None
    if words and labels:
        if len(gaps) != count - 1:
            return None  # thousands inside: not worth naming
        return _by_label(numbers, [head, *gaps, tail], labels)
    return tuple(str(int(number)) for number in numbers)


_JOINTS = _unaccented("y e and ak epi con")


def _is_no_gap(gap: str) -> bool:
    """Whether what stands between two numbers makes them something else than two numbers."""
    if gap in (".", "'", ":") or re.search(r"[<>~≈±≤≥?¿%*^=+]", gap.rstrip(" =")):
        return True
    # " -8" is a negative number, and a letter against a digit a code.
    return bool(re.search(r"\s-$|[^\W\d_]-?$|^[^\W\d_]{1,3}(?![^\W\d_])", gap))


def _split_numbers(runs: list[str], gaps: list[str]) -> list[str] | None:
    is_comma = [gap == "," for gap in gaps]
    joined = "".join(run + gap for run, gap in zip(runs, [*gaps, ""], strict=True))
    if _SPACED.fullmatch(joined) or _GROUPED[","].fullmatch(joined):
        return None  # one long number as well
    if not any(is_comma) or all(is_comma):
        return runs
    numbers: list[str] = []
    for position, run in enumerate(runs):
        if position and is_comma[position - 1]:
            if len(run) != 3 or not re.fullmatch(r"[1-9]\d{0,2}|[1-9]\d{0,2}(?:\d{3})+", numbers[-1]):
                return None
            numbers[-1] += run
        else:
            numbers.append(run)
    return numbers


def _by_label(numbers: list[str], pieces: list[str], labels: Sequence[str]) -> tuple[str, ...] | None:
    """The numbers in the order of the labels that stand before, or after, each of them."""
    if len(labels) != len(numbers):
        return None
    choices = [(str(position), label) for position, label in enumerate(labels)]
    orders: set[tuple[str, ...]] = set()
    for named in (pieces[:-1], pieces[1:]):
        found = [_named(" ".join(w for w in _LETTERS.findall(p) if w not in _JOINTS), choices) for p in named]
        if None not in found and len(set(found)) == len(found):
            by_position = dict(zip(found, numbers, strict=True))
            orders.add(tuple(str(int(by_position[value])) for value, _ in choices))
    return orders.pop() if len(orders) == 1 else None


def _named(text: str, choices: Choices) -> str | None:
    matched = match_choice(text, choices) if text else NoMatch()
    return matched.value if isinstance(matched, Matched) else None


# ------------------------------------------------------------------ dates
_MONTHS: Mapping[str, Mapping[str, int]] = {
    "es": _numbered(
        "enero/ene febrero/feb marzo/mar abril/abr mayo/may junio/jun julio/jul agosto/ago"
        " septiembre/setiembre/sep/sept/set octubre/oct noviembre/nov diciembre/dic",
        1,
    ),
    "en": _numbered(
        "january/jan february/feb march/mar april/apr may june/jun july/jul august/aug"
        " september/sep/sept october/oct november/nov december/dec",
        1,
    ),
    "ht": _numbered(
        "janvye/jan fevriye/fev mas avril/avr me jen jiyè out/daout septanm/sept/sep oktòb/okt novanm/nov desanm/des", 1
    ),
}
_WEEKDAYS: Mapping[str, Mapping[str, int]] = {
    "es": _numbered("lunes/lun martes/mar miércoles/mié jueves/jue viernes/vie sábado/sáb domingo/dom"),
    "en": _numbered("monday/mon tuesday/tue/tues wednesday/wed thursday/thu/thurs friday/fri saturday/sat sunday/sun"),
    "ht": _numbered("lendi/len madi/mad mèkredi/mèk jedi/jed vandredi/van samdi/sam dimanch/dim"),
}
_RELATIVE = {
    _fold(words): days
    for days, phrases in {
        0: "hoy|hoy mismo|el día de hoy|today|jodi a|jodia|jodi|jodiya",
        -1: "ayer|yesterday|yè|ye|ayè",
        1: "mañana|tomorrow|demen|denmen",
        -2: "antier|anteayer|antes de ayer|day before yesterday|the day before yesterday|avan yè|avanyè|avantyè",
        2: "pasado mañana|day after tomorrow|the day after tomorrow|apre demen|apredemen",
        -7: "hace una semana|a week ago|one week ago|sa gen yon semèn",
        7: "en una semana|dentro de una semana|in a week|in one week|nan yon semèn",
    }.items()
    for words in phrases.split("|")
}
_COUNTED = re.compile(
    r"(?:(?P<back>hace|sa gen) )?(?:(?P<ahead>dentro de|en|in|nan) )?"
    r"(?P<n>\d{1,3}) (?:(?P<day>dias?|days?|jou)|semanas?|weeks?|semen)(?: (?P<ago>ago|atras|de sa))?"
)
_PAST, _FUTURE, _THIS = (
    _unaccented("pasado last pase"),
    _unaccented("próximo next viene vini"),
    _unaccented("este this"),
)
_DATE_FILLERS = _unaccented("el la día dia de del of the on le jou que k ap a nan año an")
_ORDINALS = _unaccented("st nd rd th ro er ero o º ª")
_FIRST = _unaccented("primero primer first premye 1ero")
_IN_FIGURES = re.compile(r"(\d{1,4})\s*([-/.\s])\s*(\d{1,2})(?:\s*\2\s*(\d{2}|\d{4}))?\.?")
_GUESSABLE = re.compile(
    r"\b(?:hace|dentro|ago|in|en|semanas?|mes|meses|weeks?|months?|anos?|years?|dias?|days?|pasad[oa]|proxim[oa]|last|next)\b"
)


def read_date(text: str, *, today: date, language: str, prefer: Prefer = "past") -> Read:
    """A day as "2018-09-15". Day, month, year in this order, as the Dominican Republic writes.

    Without a year it is the nearest such day on the preferred side of today, confirmed when a day to come is
    nearer than the past one. A weekday is the last one before today, or the next one after it. What only
    dateparser makes sense of is always confirmed. Impossible days (31/02) are not understood.
    """
    return _read_date(text, today, language, prefer, may_guess=True)


def _read_date(text: str, today: date, language: str, prefer: Prefer, *, may_guess: bool) -> Read:
    said = _fold(_plain(text)).strip()
    if not said or len(said) > 60:
        return NotUnderstood("err.date")
    words = " ".join(_WORD.findall(said))
    read = (
        _relative_day(words, today)
        or _weekday(words, today, language, prefer)
        or _digits_only(said, today, prefer)
        or _date_in_figures(said, today, language, prefer)
        or _date_in_words(said, today, language, prefer)
    )
    if read is None and may_guess:
        read = _guessed(said, today, language, prefer)
    return read or NotUnderstood("err.date")


def _dated(found: Iterable[date | None], *, is_certain: bool = True) -> Read:
    days = list(dict.fromkeys(day.isoformat() for day in found if day is not None and 1900 <= day.year <= 2100))
    if not days:
        return NotUnderstood("err.date")
    return Understood(days[0]) if is_certain and len(days) == 1 else Ambiguous(tuple(days))


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _shifted(today: date, days: int) -> date | None:
    try:
        return today + timedelta(days=days)
    except OverflowError:
        return None


def _relative_day(words: str, today: date) -> Read | None:
    if words in _RELATIVE:
        return _dated([_shifted(today, _RELATIVE[words])])
    counted = _COUNTED.fullmatch(words)
    if counted is None:
        return None
    is_past = bool(counted["back"] or counted["ago"])
    if is_past == bool(counted["ahead"]):
        return None
    days = int(counted["n"]) * (1 if counted["day"] else 7)
    return _dated([_shifted(today, -days if is_past else days)])


def _weekday(words: str, today: date, language: str, prefer: Prefer) -> Read | None:
    names = _of_all_languages(_WEEKDAYS, language)
    spoken = words.split()
    named = [word for word in spoken if word in names]
    rest = {word for word in spoken if word not in names}
    if len(named) != 1 or not rest <= _DATE_FILLERS | _PAST | _FUTURE | _THIS:
        return None
    ahead = (names[named[0]] - today.weekday()) % 7
    before = _shifted(today, ahead - 7)
    after = _shifted(today, ahead or 7)
    if rest & _THIS:
        return _dated([before, today if ahead == 0 else None, after], is_certain=False)
    wants_past = bool(rest & _PAST) or (prefer == "past" and not rest & _FUTURE)
    if ahead == 0 and not rest & (_PAST | _FUTURE):
        return _dated([today, before if wants_past else after], is_certain=False)
    return _dated([before if wants_past else after])


_MONTH_FIGURES = re.compile(r"(?:(\d{1,2})\s*[-/.\s]\s*(\d{4})|(\d{4})\s*[-/.\s]\s*(\d{1,2}))")


def read_month(text: str, language: str, *, is_year: bool = False) -> str:
    """ "octubre 2018", "10/2018", "2018-10" as the first day of that month, `is_year`: "2018" as that of the year.

    "" if it is none; what is a whole day is for `read_date`.
    """
    said = " ".join(_fold(_plain(text)).split())
    if is_year:
        return f"{said}-01-01" if re.fullmatch(r"[12]\d{3}", said) else ""
    year = month = 0
    if figures := _MONTH_FIGURES.fullmatch(said):
        year, month = int(figures[2] or figures[3]), int(figures[1] or figures[4])
    else:
        pieces = [piece for piece in re.findall(r"\w+", said) if piece not in _DATE_FILLERS]
        months = _of_all_languages(_MONTHS, language)
        years = [piece for piece in pieces if re.fullmatch(r"\d{4}", piece)]
        named = [months[piece] for piece in pieces if piece in months]
        if len(pieces) == 2 and len(years) == len(named) == 1:
            year, month = int(years[0]), named[0]
    return f"{year:04d}-{month:02d}-01" if 1 <= month <= 12 and year else ""


def _of_all_languages(tables: Mapping[str, Mapping[str, int]], language: str) -> dict[str, int]:
    """The reader's language decides; of the others, only what nobody abbreviates."""
    own = tables.get(language, tables["es"])
    return {**{w: n for table in tables.values() for w, n in table.items() if len(w) > 4}, **own}


def _digits_only(said: str, today: date, prefer: Prefer) -> Read | None:
    if not said.isdecimal():
        return None
    if len(said) == 8:  # 20180915, 15092018
        return _dated(
            [
                _day(int(said[:4]), int(said[4:6]), int(said[6:])),
                _day(int(said[4:]), int(said[2:4]), int(said[:2])),
            ]
        )
    if len(said) > 2:
        return NotUnderstood("err.date")  # "1250" is no year, whatever dateparser says
    months = [(today.year * 12 + today.month - 1 + shift) for shift in range(-2, 3)]
    days = [day for month in months if (day := _day(month // 12, month % 12 + 1, int(said)))]
    return _dated([_on_side(days, today, prefer)], is_certain=False)


def _on_side(days: list[date], today: date, prefer: Prefer) -> date | None:
    if prefer == "past":
        return max((day for day in days if day <= today), default=None)
    return min((day for day in days if day >= today), default=None)


def _without_year(month: int, day: int, today: date, prefer: Prefer, *, is_certain: bool = True) -> Read:
    days = [found for year in range(today.year - 8, today.year + 9) if (found := _day_within(year, month, day))]
    if not days:
        return NotUnderstood("err.date")
    chosen = _on_side(days, today, prefer)
    nearest = min(days, key=lambda found: abs(found - today))
    if chosen is None or (prefer == "past" and nearest != chosen):
        return _dated([chosen, nearest], is_certain=False)
    return _dated([chosen], is_certain=is_certain and abs(chosen - today).days <= 366)


def _day_within(year: int, month: int, day: int) -> date | None:
    return _day(year, month, day) if 1 <= year <= 9999 else None


def _full_year(figures: str, today: date) -> int:
    """Two digits mean the year from 69 back to 30 ahead of today's."""
    if len(figures) == 4:
        return int(figures)
    return today.year - 69 + (int(figures) - (today.year - 69)) % 100


def _date_in_figures(said: str, today: date, language: str, prefer: Prefer) -> Read | None:
    match = _IN_FIGURES.fullmatch(said)
    if match is None:
        return None
    first, second, third = match[1], int(match[3]), match[4]
    if len(first) > 2:
        if len(first) == 3 or third is None or len(third) != 2:
            return NotUnderstood("err.date")
        return _dated([_day(int(first), second, int(third))])
    a = int(first)
    # English is read by people who write the month first; nobody else, unless there is no such month.
    is_swappable = a != second and (language == "en" or second > 12)
    if third is None:
        own = _without_year(second, a, today, prefer) if second <= 12 else NotUnderstood("err.date")
        other = _without_year(a, second, today, prefer) if is_swappable and a <= 12 else NotUnderstood("err.date")
        if isinstance(other, NotUnderstood):
            return own
        return Ambiguous(tuple(dict.fromkeys(value for read in (own, other) for value in _values(read))))
    year = _full_year(third, today)
    days = [_day_within(year, second, a)]
    swapped = _day_within(year, a, second) if is_swappable else None
    if len(third) == 2 and abs(year - today.year) > 1:
        iso = _day_within(_full_year(first, today) if len(first) == 2 else 0, second, int(third))
        swapped = iso if iso is not None and abs(iso.year - today.year) <= 1 else swapped
    return _dated([*days, swapped], is_certain=swapped is None)


def _values(read: Read) -> tuple[str, ...]:
    match read:
        case Understood(value):
            return (value,)
        case Ambiguous(readings):
            return readings
        case NotUnderstood():
            return ()


def _date_in_words(said: str, today: date, language: str, prefer: Prefer) -> Read | None:
    if re.search(r"[^\w\s,./'()-]|_", said.replace("º", "").replace("°", "")):
        return None
    months, weekdays = _of_all_languages(_MONTHS, language), _of_all_languages(_WEEKDAYS, language)
    spelled = _SPELLED.get(language, _SPELLED["es"])
    month = weekday = None
    month_at = 0
    numbers: list[str] = []
    for piece in re.findall(r"\d+|[^\W\d_]+", said.replace("º", " ")):
        if piece.isdigit():
            numbers.append(piece)
        elif piece in _FIRST:
            numbers.append("1")
        elif piece in months and month is None:
            month, month_at = months[piece], len(numbers)
        elif piece in weekdays and weekday is None:
            weekday = weekdays[piece]
        elif piece in spelled and piece not in _DATE_FILLERS - {"de"}:
            numbers.append(str(spelled[piece]))
        elif piece not in _DATE_FILLERS and piece not in _ORDINALS:
            return None
    if month is None or len(numbers) not in (1, 2) or any(len(n) not in (1, 2, 4) for n in numbers):
        return None
    if len(numbers) == 1:
        [day] = numbers
        if len(day) == 4:
            return NotUnderstood("err.date")  # a month, not a day
        if weekday is not None:
            fitting = [d for y in (-1, 0, 1) if (d := _day_within(today.year + y, month, int(day)))]
            fitting = [d for d in fitting if d.weekday() == weekday]
            if fitting:
                return _dated([min(fitting, key=lambda d: abs(d - today))])
        # "sep 18" is what others write for September 2018.
        is_certain = weekday is None and (month_at == 1 or language == "en")
        return _without_year(month, int(day), today, prefer, is_certain=is_certain)
    first, second = numbers
    if len(first) == 4:
        if len(second) == 4:
            return NotUnderstood("err.date")
        first, second = second, first
    elif len(second) == 1:
        return NotUnderstood("err.date")
    found = _day_within(_full_year(second, today), month, int(first))
    return _dated([found], is_certain=weekday is None or (found is not None and found.weekday() == weekday))


def _guessed(said: str, today: date, language: str, prefer: Prefer) -> Read | None:
    """dateparser's opinion, for the phrases it is good at ("hace dos meses"). It has no Creole."""
    if language not in ("es", "en") or len(said) > 40 or not _GUESSABLE.search(said) or re.search(r"\d{3}", said):
        return None
    import dateparser  # slow to load, and seldom needed

    try:
        found = dateparser.parse(
            said,
            languages=[language],
            settings={
                "RELATIVE_BASE": datetime.combine(today, time(12)),
                "DATE_ORDER": "DMY",
                "PREFER_DATES_FROM": prefer,
                "RETURN_AS_TIMEZONE_AWARE": False,
                "REQUIRE_PARTS": ["day"],
            },
        )
    except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError, RecursionError):
        return None  # its own tables trip over some texts
    return _dated([found.date()], is_certain=False) if found else None


# ------------------------------------------------------------------ times
_AM = r"a\.? ?m\.?|de la (?:manana|madrugada)|in the morning|(?:di|nan) maten"
_PM = r"p\.? ?m\.?|de la (?:tarde|noche)|in the (?:afternoon|evening)|at night|(?:nan )?apremidi|(?:di)?swa|aswe"
_TIME = re.compile(
    r"(?:(?:a las?|las?|at|a|vers?) )?(?P<h>\d{1,2})"
    r"(?:(?: ?[:.] ?| ?[he] ?)(?P<m>\d{2})(?::(?P<s>\d{2}))?)?(?P<unit> ?(?:h|hrs?|horas?|hours?|e)\.?)?"
    rf" ?(?:(?P<am>{_AM})|(?P<pm>{_PM}))?"
)
_ISO_TIME = re.compile(r"(\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,3})\d*)?(z|[+-]\d{2}:\d{2})?")
_ISO_DATETIME = re.compile(r"(\d{4}-\d{2}-\d{2})[t ](\d{2}:\d{2}(?::.*)?)")
_NAMED_TIMES = {
    **dict.fromkeys(("mediodia", "al mediodia", "a mediodia", "noon", "midday", "midi", "at noon"), time(12)),
    **dict.fromkeys(("medianoche", "a medianoche", "midnight", "minwi", "at midnight"), time(0)),
}


def read_time(text: str, *, language: str, offset: str = "") -> Read:
    """A time of day as "08:30:00.000", followed by `offset` ("-04:00") if one is given.

    "08:30", "15:00" and "8 p. m." have one reading; "8:30" and "8" may be in the morning or in the evening.
    """
    said = " ".join(_fold(_plain(text)).split())
    if not said or len(said) > 40:
        return NotUnderstood("err.time")
    if iso := _ISO_TIME.fullmatch(said):
        hour, minute, second = (int(iso[part]) for part in (1, 2, 3))
        if hour > 23 or minute > 59 or second > 59:
            return NotUnderstood("err.time")
        return Understood(f"{iso[1]}:{iso[2]}:{iso[3]}.{(iso[4] or '').ljust(3, '0')}{(iso[5] or offset).upper()}")
    times = _times(said)
    if times is None:
        return NotUnderstood("err.time")
    values = tuple(f"{found.isoformat()}.000{offset}" for found in times)
    return Understood(values[0]) if len(values) == 1 else Ambiguous(values)


def _times(said: str) -> list[time] | None:
    if said in _NAMED_TIMES:
        return [_NAMED_TIMES[said]]
    match = _TIME.fullmatch(said)
    if match is None:
        return None
    hour, minute, second = int(match["h"]), int(match["m"] or 0), int(match["s"] or 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    if match["am"] or match["pm"]:
        if (match["am"] and hour > 12) or hour == 0:
            return None
        hour = hour % 12 + (12 if match["pm"] else 0) if hour <= 12 else hour
        return [time(hour, minute, second)]
    is_exact = hour in (0, 12) or hour > 12 or bool(match["unit"]) or (match["m"] and match["h"].startswith("0"))
    hours = [hour] if is_exact else [hour, hour + 12]
    return [time(hour, minute, second) for hour in hours]


def read_datetime(
    text: str, *, today: date, language: str, prefer: Prefer = "past", zone: tzinfo | None = None
) -> Read:
    """A day and a time as "2018-09-15T08:30:00.000", with the offset `zone` had then, if a zone is given."""
    said = " ".join(_plain(text).replace(",", " ").split())
    if len(said) > 80:
        return NotUnderstood("err.datetime")
    found: dict[str, None] = {}
    is_certain = True
    for day_text, time_text in _day_and_time(said):
        days = _read_date(day_text, today, language, prefer, may_guess=False)
        times = read_time(time_text, language=language)
        for day, at in product(_values(days), _values(times)):
            found[f"{day}T{at}{_offset(f'{day}T{at}', zone)}"] = None
            is_certain = is_certain and isinstance(days, Understood) and isinstance(times, Understood)
    if not found:
        return NotUnderstood("err.datetime")
    return Understood(next(iter(found))) if is_certain and len(found) == 1 else Ambiguous(tuple(found))


def _day_and_time(said: str) -> Iterable[tuple[str, str]]:
    """Every way to cut a text into a day and what can only be a time."""
    folded = _fold(said)
    if iso := _ISO_DATETIME.fullmatch(folded):
        yield iso[1], iso[2]
        return
    words = folded.split()[:12]
    for cut in range(1, len(words)):
        left, right = " ".join(words[:cut]), " ".join(words[cut:])
        for day, at in ((left, right), (right, left)):
            if at in _NAMED_TIMES or re.search(rf":|\d ?[he]\b|\d[he]\d|^a las? |^at |\b(?:{_AM}|{_PM})$", at):
                yield re.sub(r"\s+(?:a|at|a las)$", "", day), at


def _offset(moment: str, zone: tzinfo | None) -> str:
    if zone is None or re.search(r"(?:Z|[+-]\d{2}:\d{2})$", moment):
        return ""
    return datetime.fromisoformat(moment).replace(tzinfo=zone).isoformat(timespec="milliseconds")[len(moment) :]


# ------------------------------------------------------------------ choices
_POSITION = re.compile(r"(?:(?:la|el|the|opcion|option|opsyon|numero|number|nimewo|no|n) )*(\d{1,3})")


def match_choice(text: str, choices: Choices) -> Matched | Several | NoMatch:
    """The choice that was typed: by its number from 1, its code, its label; accents, case, emoji forgiven.

    A beginning is enough where only one label begins so; some word of a label only suggests it. Two ways of
    reading that point to different choices ("2" is the code of the first) are never resolved.
    """
    if len(text) > 1_000:
        return NoMatch()
    said = normalise(text)
    if not said:
        return _one_of(value for value, label in choices if (shown := _symbols(text)) and shown <= _symbols(label))
    labels = [(value, _known(label)) for value, label in choices]
    exact = [value for value, label in labels if label == said]
    exact += [value for value, _ in choices if value == text.strip()] or [
        value for value, _ in choices if _known(value) == said
    ]
    if (position := _POSITION.fullmatch(said)) and not re.match(r"\s*-\d", _plain(text)):
        exact += [choices[at][0] for at in (int(position[1]) - 1,) if 0 <= at < len(choices)]
        exact += [value for value, label in labels if label.startswith(f"{said} ")]
    if exact:
        return _one_of(exact)
    begun = [value for value, label in labels if label.startswith(said)]
    if begun:
        return _one_of(begun)
    if len(said) < 4:
        return NoMatch()
    words = set(said.split())
    within = tuple(dict.fromkeys(value for value, label in labels if words <= set(label.split())))
    return Several(within) if within else NoMatch()


def _one_of(values: Iterable[str]) -> Matched | Several | NoMatch:
    found = tuple(dict.fromkeys(values))
    if not found:
        return NoMatch()
    return Matched(found[0]) if len(found) == 1 else Several(found)


def _symbols(text: str) -> frozenset[str]:
    return frozenset(c for c in text if unicodedata.category(c) in ("So", "Sm", "Sc"))


_STRONG = re.compile(r"[,;\n/|+&•]+")
_WEAK = re.compile(r"\s+(?:y|e|o|and|or|ak|epi|oswa)\s+", re.IGNORECASE)


def match_choices(text: str, choices: Choices) -> Chosen | Several | NoMatch:
    """All that was picked of a select_multiple: "1, 3 y 4", "1 3 4", labels between commas or lines.

    Labels may contain commas and "y" themselves: the longest stretch that is a choice wins. One piece that is
    no choice, and nothing is chosen; one that may be several, and those are named.
    """
    if len(text) > 1_000:
        return NoMatch()
    whole = match_choice(text, choices)
    if isinstance(whole, Matched):
        return Chosen((whole.value,))
    if not re.search(r"\d\s*-\s*\d", _plain(text)):  # "1-3": a range, or two?
        picked = _pick(_pieces(text), choices)
        if isinstance(picked, Chosen):
            order = {value: position for position, (value, _) in enumerate(choices)}
            return Chosen(tuple(sorted(set(picked.values), key=lambda value: order[value])))
        if isinstance(picked, Several):
            return picked
    return whole if isinstance(whole, Several) else NoMatch()


def _pieces(text: str) -> list[str]:
    pieces: list[str] = []
    for strong in _STRONG.split(text):
        for weak in _WEAK.split(strong):
            if re.fullmatch(r"\s*\d+(?:\s+\d+)+\s*", _plain(weak)):
                pieces += weak.split()
            elif weak.strip():
                pieces.append(re.sub(r"^\s*(?:y|and|ak|epi)\s+", "", weak, flags=re.IGNORECASE).strip())
    return pieces


def _pick(pieces: list[str], choices: Choices) -> Chosen | Several | NoMatch:
    picked: list[str] = []
    doubt: Several | None = None
    at = 0
    while at < len(pieces):
        for length in range(min(4, len(pieces) - at), 0, -1):
            # Joined pieces must be a whole label: a beginning would swallow its neighbours.
            joined = normalise(" ".join(pieces[at : at + length]))
            if length > 1:
                wanted = _without_joints(joined)
                whole = [value for value, label in choices if _without_joints(_known(label)) == wanted]
                matched = _one_of(whole)
            else:
                matched = match_choice(pieces[at], choices)
            if isinstance(matched, Matched):
                picked.append(matched.value)
                at += length
                break
            if length == 1:
                if isinstance(matched, NoMatch):
                    return NoMatch()
                doubt = doubt or matched
                at += 1
    if doubt is not None:
        return doubt
    return Chosen(tuple(picked)) if picked else NoMatch()


def _without_joints(normalised: str) -> str:
    return " ".join(w for w in normalised.split() if w not in ("y", "e", "o", "and", "or", "ak", "epi", "oswa"))


def search_choices(text: str, choices: Choices, limit: int = 8) -> tuple[tuple[str, str], ...]:
    """The choices a search in a long list finds, best first: equal, beginning so, words beginning so, similar."""
    said = normalise(text)[:100]
    if not said or limit < 1:
        return ()
    words = said.split()
    ranked: list[tuple[float, int]] = []
    for position, (value, label) in enumerate(choices):
        shown = _known(label)
        if said in (shown, _known(value)):
            rank = 0.0
        elif shown.startswith(said):
            rank = 1.0
        elif all(any(w.startswith(word) for w in shown.split()) for word in words):
            rank = 2.0
        elif said in shown or said in _known(value):
            rank = 3.0
        else:
            continue
        ranked.append((rank, position))
    if not ranked and len(said) >= 4:
        for position, (_, label) in enumerate(choices):
            shown = _known(label)[:100]
            likeness = max(
                (SequenceMatcher(None, said, piece).ratio() for piece in (shown, shown[: len(said)], *shown.split())),
                default=0.0,
            )
            if likeness >= 0.75:
                ranked.append((4 - likeness, position))
    return tuple(choices[position] for _, position in sorted(ranked)[:limit])
