"""OData's `$filter`: a condition on the columns of a row, parsed once and tested on every row.

It accepts what spreadsheets and dashboards write (OData 4.01, Part 2, §5.1.1): comparisons, `and`, `or`, `not`,
parentheses, `in`, and three text functions. Everything else in the language is refused by name and never ignored: a
filter that is applied in part shows rows that nobody asked for.

Law: no part of a filter leaves this module. It becomes functions of a row's cells, never part of an SQL statement. A
comparison with null is false, except `eq null` and `ne null` (§5.1.1.1). A row is taken if the condition is true.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from bot.doors.problems import Problem

Row = Mapping[str, Any]
Test = Callable[[Row], bool | None]
"""The test of a row: True, False, or None for null."""
Value = Callable[[Row], Any]

STRING, NUMBER, BOOLEAN, DAY, INSTANT, NULL = "string", "number", "boolean", "date", "dateTimeOffset", "null"
COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}
FUNCTIONS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "contains": lambda text, part: part in text,
    "startswith": str.startswith,
    "endswith": str.endswith,
}
WORDS: Final = 400
DEPTH: Final = 40
OFFERED: Final = f"{', '.join(COMPARISONS)}, in, and, or, not, brackets, {', '.join(FUNCTIONS)}"

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^']|'')*')
    | (?P<instant>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d))
    | (?P<date>\d{4}-\d\d-\d\d)(?![\w-])
    | (?P<number>[+-]?\d{1,18}(?:\.\d{1,18})?(?:[eE][+-]?\d{1,2})?)(?![\w.])
    | (?P<name>[^\W\d]\w*)
    | (?P<sign>[(),])
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Operand:
    """A column or a literal: its type, and its value in a row."""

    type: str
    value: Value


def read_filter(text: str, types: Mapping[str, str]) -> Test:
    """Parse a `$filter` for rows with columns of these types. Problem if it cannot be parsed."""
    reader = _Reader(_tokens(text), types)
    test = reader.either(0)
    if reader.kind:
        raise _problem(f"there is more than can be read: it stops before word {reader.at + 1}")
    return test


def _tokens(text: str) -> list[tuple[str, str]]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or not match.lastgroup:
            raise _problem(f"it cannot be read from sign {at + 1} on")
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
        if len(found) > WORDS:
            raise _problem(f"it has more than {WORDS} words")
    return found


def _problem(why: str) -> Problem:
    return Problem(400, "filter", f"$filter cannot be used: {why}. There is: {OFFERED}.")


class _Reader:
    """Recursive descent over the tokens: `or` binds least, then `and`, then `not`."""

    def __init__(self, tokens: list[tuple[str, str]], types: Mapping[str, str]) -> None:
        self._tokens, self._types = tokens, types
        self.at = 0

    @property
    def kind(self) -> str:
        return self._tokens[self.at][0] if self.at < len(self._tokens) else ""

    @property
    def word(self) -> str:
        return self._tokens[self.at][1] if self.at < len(self._tokens) else ""

    def either(self, depth: int) -> Test:
        found = self._both(depth)
        while self._takes("or"):
            found = _or(found, self._both(depth))
        return found

    def _both(self, depth: int) -> Test:
        found = self._not(depth)
        while self._takes("and"):
            found = _and(found, self._not(depth))
        return found

    def _not(self, depth: int) -> Test:
        if depth > DEPTH:
            raise _problem(f"it has more than {DEPTH} levels")
        if self._takes("not"):
            return _negated(self._not(depth + 1))
        if self._takes("("):
            found = self.either(depth + 1)
            self._expect(")")
            return found
        return self._comparison()

    def _comparison(self) -> Test:
        if self.kind == "name" and self.word in FUNCTIONS and self._ahead() == "(":
            found = self._function()
            if self.kind == "name" and self.word in ("eq", "ne"):  # contains(…) eq true
                return self._compared(_Operand(BOOLEAN, found))
            return found
        left = self._operand()
        if self.kind == "name" and self.word == "in":
            return self._one_of(left)
        if self.kind == "name" and self.word in COMPARISONS:
            return self._compared(left)
        if left.type == BOOLEAN:
            return left.value
        raise _problem("a column stands alone where a comparison was expected")

    def _compared(self, left: _Operand) -> Test:
        sign = self._take()
        return _compare(left, sign, self._operand())

    def _one_of(self, left: _Operand) -> Test:
        self._take()
        self._expect("(")
        found = _compare(left, "eq", self._operand())
        while self._takes(","):
            found = _or(found, _compare(left, "eq", self._operand()))
        self._expect(")")
        return found

    def _function(self) -> Test:
        name = self._take()
        self._expect("(")
        first = self._operand()
        self._expect(",")
        second = self._operand()
        self._expect(")")
        if (first.type, second.type) != (STRING, STRING):
            raise _problem(f"{name} is of two texts")
        test = FUNCTIONS[name]

        def is_so(row: Row) -> bool | None:
            text, part = first.value(row), second.value(row)
            return None if text is None or part is None else test(text, part)

        return is_so

    def _operand(self) -> _Operand:
        kind, word = self.kind, self.word
        if not kind or kind == "sign":
            raise _problem("something is missing where a column or a value was expected")
        if kind == "name" and self._ahead() == "(" and word != "in":
            raise Problem(501, "not-offered", f"$filter has no function of this name here. There is: {OFFERED}.")
        self.at += 1
        if kind != "name":
            return _literal(kind, word)
        if word in ("true", "false"):
            value = word == "true"
            return _Operand(BOOLEAN, lambda _: value)
        if word == "null":
            return _Operand(NULL, lambda _: None)
        if word not in self._types:
            columns = ", ".join(self._types)
            raise Problem(400, "unknown-column", f"$filter names a column that there is not. There is: {columns}")
        return _Operand(self._types[word], lambda row: row.get(word))

    # -------------------------------------------------------------- tokens
    def _take(self) -> str:
        word = self.word
        self.at += 1
        return word

    def _takes(self, word: str) -> bool:
        if self.kind in ("name", "sign") and self.word == word:
            self.at += 1
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._takes(sign):
            raise _problem(f"a {sign} is missing at word {self.at + 1}")

    def _ahead(self) -> str:
        return self._tokens[self.at + 1][1] if self.at + 1 < len(self._tokens) else ""


def _literal(kind: str, word: str) -> _Operand:
    try:
        match kind:
            case "string":
                text = word[1:-1].replace("''", "'")
                return _Operand(STRING, lambda _: text)
            case "date":
                day = date.fromisoformat(word)
                return _Operand(DAY, lambda _: day)
            case "instant":
                instant = datetime.fromisoformat(word)
                return _Operand(INSTANT, lambda _: instant)
            case _:
                number = int(word) if word.lstrip("+-").isdecimal() else float(word)
                return _Operand(NUMBER, lambda _: number)
    except ValueError:
        raise _problem("it names a day that there is not") from None


def _compare(left: _Operand, sign: str, right: _Operand) -> Test:
    if NULL not in (left.type, right.type) and left.type != right.type:
        raise _problem(f"a {left.type} is compared with a {right.type}; texts stand between apostrophes")
    if BOOLEAN in (left.type, right.type) and sign not in ("eq", "ne"):
        raise _problem("yes and no have no order")
    compare, one, other = COMPARISONS[sign], left.value, right.value

    def is_so(row: Row) -> bool | None:
        a, b = one(row), other(row)
        if a is None or b is None:
            return (a is b) == (sign == "eq") if sign in ("eq", "ne") else False
        return compare(a, b)

    return is_so


def _and(one: Test, other: Test) -> Test:
    def both(row: Row) -> bool | None:
        a = one(row)
        if a is False:
            return False
        b = other(row)
        return b if a or b is False else None

    return both


def _or(one: Test, other: Test) -> Test:
    def either(row: Row) -> bool | None:
        a = one(row)
        if a:
            return True
        b = other(row)
        return True if b else (None if a is None or b is None else False)

    return either


def _negated(test: Test) -> Test:
    def opposite(row: Row) -> bool | None:
        found = test(row)
        return None if found is None else not found

    return opposite
