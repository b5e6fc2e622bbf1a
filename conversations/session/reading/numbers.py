"""Read numbers that people type: one, or several in one message."""

import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from itertools import pairwise

from conversations.languages import phrases
from conversations.session.reading.choices import Choices, match_choice
from conversations.session.reading.results import Ambiguous, NotUnderstood, Read, Understood
from conversations.session.reading.text import LETTERS, fold, plain
from conversations.session.reading.vocabulary import (
    MONTHS,
    NUMBERS,
    any_phrase,
    changing_words,
    joined_number_words,
    known_words,
    multipliers,
    number_parts,
    number_words,
    numbered,
    said_as,
)

_LONGEST = 200
_MOST_DIGITS = 18
_ARTICLES, _HEDGES, _BESIDE = "reading.articles", "reading.hedges", "reading.beside_numbers"
_TOKEN = re.compile(r"(?<![\w.,'])[-+]?(?:\d+(?:[.,']\d+)*|[.,]\d+)")
_SPACED = re.compile(r"([-+]?)(\d{1,3}(?: \d{3})+)(?:[.,](\d+))?")
_GROUPED = {mark: re.compile(rf"\d{{1,3}}(?:{re.escape(mark)}\d{{3}})+") for mark in ".,'"}
_DOUBT = re.compile(r"[<>~≈±≤≥?¿]")


def read_number(text: str, *, integer: bool, language: str) -> Read:
    """Read the one number in a text, as an integer or as a decimal with a point.

    The Dominican Republic writes thousands with a comma. So "1,250" is 1250 if only an integer can be meant. "1.250"
    and "1 250" are ambiguous, and so is "1,250" among decimals. Two numbers are not read as one.
    """
    if text.isdecimal() and text.isascii() and len(text) <= _MOST_DIGITS:
        return Understood(str(int(text)))  # as nearly every answer is written
    said = fold(plain(text)).strip()
    if not _is_readable(said):
        return NotUnderstood("err.number")
    said = _percent().sub(" ", said)
    if not any(c.isdigit() for c in said):
        return _spelled_number(said, language)
    said = _mixed().sub(lambda found: str(int(found[1]) * 1_000 + int(found[2])), said)
    tokens = list(_TOKEN.finditer(said))
    if not 0 < sum(_digits(token[0]) for token in tokens) == _digits(said) <= _MOST_DIGITS:
        return NotUnderstood("err.number")
    start, end = tokens[0].start(), tokens[-1].end()
    before, figures, after = said[:start], said[start:end], said[end:]
    readings = _one_figure(figures, integer) if len(tokens) == 1 else _spaced_figure(figures)
    around = _around(before, after, language)
    if readings is None or around is None:
        return NotUnderstood("err.number")
    (values, is_certain), (times, is_plain) = readings, around
    sign = "-" if figures.startswith("-") else ""
    found = list(dict.fromkeys(_canonical(sign + value, times) for value in values))
    if not sign and _ends_in_minus(before):
        found = [_canonical(f"-{found[0]}"), *found]
    if integer and all("." in value for value in found):
        return NotUnderstood("err.integer")
    return Understood(found[0]) if is_certain and is_plain and len(found) == 1 else Ambiguous(tuple(found))


def _is_readable(said: str) -> bool:
    """Whether a text is short, and each of its numbers is written with digits or letters: not "½"."""
    return 0 < len(said) <= _LONGEST and not any(unicodedata.category(c) in ("No", "Nl") for c in said)


def _ends_in_minus(before: str) -> bool:
    """Whether the words before a number are those for "minus"."""
    words = LETTERS.findall(before)
    return bool(words) and known_words("reading.minus").issuperset(words)


@cache
def _percent() -> re.Pattern[str]:
    return re.compile(rf"%|\b{any_phrase('reading.percent')}\b")


@cache
def _mixed() -> re.Pattern[str]:
    """The pattern of thousands as a word between figures: "25 mil 300"."""
    return re.compile(rf"(?<![\w.,'-])(\d{{1,3}}) ?{any_phrase('reading.thousand')} (\d{{3}})(?![\w.,'])")


def _digits(text: str) -> int:
    return sum(c.isdigit() for c in text)


def _canonical(figure: str, times: int = 1) -> str:
    number = f"{Decimal(figure) * times:f}"
    number = number.rstrip("0").rstrip(".") if "." in number else number
    return "0" if number in ("-0", "") else number


def _one_figure(figures: str, integer: bool) -> tuple[list[str], bool] | None:
    """Return the readings of one run of digits and marks, and whether the first of them is certain.

    None if the run is no number.
    """
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
    """Read "1 250 000" as one number.

    It is certain only if a group cannot be a number of its own ("000", "050").
    """
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
    """Return the factor that the words around a number give, and whether the number stays certain.

    None if such words make it no number.
    """
    if re.search(r"\w-$|[/*=^\\]\s*$", before) or re.match(r"\s*[/*=^\\‰]", after):
        return None
    attached = LETTERS.match(after)
    if attached and attached[0] not in multipliers() and len(attached[0]) < 4:
        return None  # 2nd, 12h, 3x: not a count
    words_before, words_after = LETTERS.findall(before), LETTERS.findall(after)
    times = 1
    if words_after and words_after[0] in multipliers() and re.match(r" ?[^\W\d_]", after):
        times = multipliers()[words_after.pop(0)]
    words = {*words_before, *words_after}
    if words & changing_words() or words & (numbered(language, NUMBERS).keys() - known_words(_ARTICLES)):
        return None
    is_plain = not (
        words & numbered(language, MONTHS).keys()  # "15 sep" is a day
        or words & known_words(_HEDGES)
        or _DOUBT.search(before + after)
        or re.search(r"-\s+$", before)
        or re.match(r"\s*[-+]", after)
    )
    return times, is_plain


def _spelled_number(said: str, language: str) -> Read:
    """Read a number in words: "doce", "dos mil quinientos", "unas treinta", "una docena"."""
    said = joined_number_words(said, language, with_hundreds=True)
    words = LETTERS.findall(said)
    if " ".join(words) in said_as("reading.none"):
        return Ambiguous(("0",))  # zero is a figure; a missing figure is not zero (docs/domain.md#rates)
    parts = number_parts(language)
    places = [place for place, word in enumerate(words) if word in parts or word in multipliers()]
    if not places or re.search(r"[^\w\s.,!¡]|_", said):
        return NotUnderstood("err.number")
    number = [word for word in words[places[0] : places[-1] + 1] if word not in known_words("reading.and")]
    rest = {*words[: places[0]], *words[places[-1] + 1 :]}
    hedges = known_words(_HEDGES)
    is_article = len(words) > 2 and known_words(_ARTICLES).issuperset(number)
    value = None if is_article else _composed(number, language)
    if value is None or not rest <= known_words(_BESIDE) | (hedges - known_words("reading.minus")):
        return NotUnderstood("err.number")
    return Understood(str(value)) if hedges.isdisjoint(words) else Ambiguous((str(value),))


def _composed(words: Sequence[str], language: str) -> int | None:
    """Return the number that number words are together: thousands before hundreds before the rest. None if they are
    several numbers, or no exact one: "miles".
    """
    parts, alone = number_parts(language), fold(phrases(language, "reading.thousand")[0])
    total, part, last = 0, 0, 10**9
    for word in words:
        value = parts.get(word)
        if value is not None:
            if part and (part % 100 or not 0 < value < 100):
                return None
            part += value
        else:
            times = multipliers().get(word, last)
            if times >= last or not (part or (word == alone and total == 0)):
                return None
            total, part, last = total + (part or 1) * times, 0, times
    return total + part


def read_numbers(text: str, count: int, *, labels: Sequence[str] = ()) -> tuple[str, ...] | None:
    """Read `count` integers in one message, in the order of the questions. None unless there is one reading.

    "12 8 3 4", "12, 8, 3, 4", "12-8-3-4", "mujeres 12 hombres 8". With the questions' `labels`, words beside the
    numbers must name the questions; then they decide the order.
    """
    said = fold(plain(text)).strip().removesuffix(".")
    runs = list(re.finditer(r"\d+", said))
    if count < 1 or not _is_readable(said) or not runs or any(len(run[0]) > 9 for run in runs):
        return None
    gaps = [said[a.end() : b.start()] for a, b in pairwise(runs)]
    words = set(LETTERS.findall(said)) - _joints()
    head, tail = said[: runs[0].start()], said[runs[-1].end() :]
    if words & (changing_words() | known_words(_HEDGES) | number_words()):
        return None
    if any(map(_is_no_gap, gaps)) or _belongs_to_other(head, tail):
        return None
    numbers = _split_numbers([run[0] for run in runs], gaps)
    if numbers is None or len(numbers) != count or any(len(n) > 1 and n.startswith("0") for n in numbers):
        return None
    if words and labels:
        if len(gaps) != count - 1:
            return None  # thousands inside: not worth naming
        return _by_label(numbers, [head, *gaps, tail], labels)
    return tuple(str(int(number)) for number in numbers)


def _belongs_to_other(head: str, tail: str) -> bool:
    """Whether what stands before or behind the numbers makes something else of one: "-12", "12kg", "12%"."""
    is_led = re.search(r"[^\s\w]", head.rstrip(" :=(")) or re.search(r"[^\W\d]$|[-+.,]$", head)
    return bool(is_led or re.match(r"[^\W\d]{1,3}\b|\s*[.,:/%-]\s*\w|.*[<>~≈±≤≥?¿%]", tail))


@cache
def _joints() -> frozenset[str]:
    return known_words("reading.and") | known_words("reading.with")


def _is_no_gap(gap: str) -> bool:
    """Whether the text between two numbers makes them something else than two numbers."""
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
    """Return the numbers in the order of the labels. Each label comes before its number, or each after it."""
    if len(labels) != len(numbers):
        return None
    choices = [(str(position), label) for position, label in enumerate(labels)]
    orders: set[tuple[str, ...]] = set()
    for named in (pieces[:-1], pieces[1:]):
        found = [_named(" ".join(w for w in LETTERS.findall(p) if w not in _joints()), choices) for p in named]
        if None not in found and len(set(found)) == len(found):
            by_position = dict(zip(found, numbers, strict=True))
            orders.add(tuple(str(int(by_position[value])) for value, _ in choices))
    return orders.pop() if len(orders) == 1 else None


def _named(text: str, choices: Choices) -> str | None:
    matched = match_choice(text, choices)
    return matched.value if isinstance(matched, Understood) else None
