"""XLSForm logic is written in ODK's dialect of XPath, and no XPath library speaks it.

In that dialect a date subtracts like a number, `/data/child/age` inside a repeat means *this* child's age, the
function library is ODK's own, and what two reference engines agree on is the standard (ODK XForms specification,
"XPath"; JavaRosa; the ODK web engine). So this module reads an expression by recursive descent, once, when the
form is published, and compiles it to closures over the flat frames of `conversations.nodes`.

- Everything that can be wrong with an expression is an `ExpressionError` while compiling: syntax, an unknown
  function, a wrong number of arguments, a regular expression that cannot run in linear time, too long, too deep.
- A compiled expression never raises for what a respondent has entered: text that is no number is NaN, a date
  that does not exist is blank.
- Compiling tells what the expression reads (`Reads`), so that an answer re-evaluates only what depends on it.
- Where the engines differ, JavaRosa decides about blanks (skipped in sum, false in if), the web engine about the
  rest (regex searches, `round(-2.5)` is -3); docs/xlsform.md lists the cases.
"""

import base64
import binascii
import hashlib
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal, Protocol, TypeGuard

import re2

from conversations.nodes import LAST_SAVED, Frame, FrameType, Item, Place

MAX_LENGTH = 32_768
MAX_DEPTH = 100
MAX_PREDICATES = 20
"""Brackets within brackets; each costs about ten times what a parenthesis costs the stack."""
NAN = math.nan
INFINITY = math.inf
EARTH_RADIUS = 6_378_100.0


class ExpressionError(Exception):
    """An expression that cannot be used; `at` counts characters from 0, `code` names a `problem.expression.*`."""

    def __init__(self, code: str, at: int = 0, **values: object) -> None:
        super().__init__(f"{code} at {at}: {values}" if values else f"{code} at {at}")
        self.code = code
        self.at = at
        self.values = values


# --- reading -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Text:
    value: str


@dataclass(frozen=True, slots=True)
class Chain:
    """Operators of one precedence, from left to right: `a or b or c` is one chain, however long."""

    first: "Tree"
    rest: "tuple[tuple[str, Tree], ...]"


@dataclass(frozen=True, slots=True)
class Minus:
    operand: "Tree"


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: "tuple[Tree, ...]"
    at: int


@dataclass(frozen=True, slots=True)
class Step:
    axis: str
    name: str
    predicates: "tuple[Tree, ...]" = ()


@dataclass(frozen=True, slots=True)
class Path:
    """`start` is "/" (the form), "" (where the expression stands) or an expression that yields nodes."""

    start: "str | Tree"
    steps: tuple[Step, ...]
    at: int = 0


Tree = Number | Text | Chain | Minus | Call | Path

_NAME = r"[^\W\d][\w.\-]*"
_TOKEN = re.compile(
    rf"""(?P<number>\d+(?:\.\d*)?|\.\d+)
    |(?P<text>"[^"]*"|'[^']*')
    |(?P<name>{_NAME}(?::(?!:)(?:\*|{_NAME}))?)
    |(?P<symbol>//|::|\.\.|!=|<=|>=|[()\[\]@,/|+\-*=<>.])""",
    re.VERBOSE,
)
_BLANK = re.compile(r"\s*")
_LEVEL = {
    "or": 1, "and": 2, "=": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4,
    "+": 5, "-": 5, "*": 6, "div": 6, "mod": 6,
}  # fmt: skip
_AXES = frozenset({"child", "parent", "self", "descendant", "descendant-or-self"})
_NODE_TESTS = frozenset({"node", "text"})


class _Reader:
    def __init__(self, source: str) -> None:
        if len(source) > MAX_LENGTH:
            raise ExpressionError("too_long", MAX_LENGTH, limit=MAX_LENGTH)
        self.tokens: list[tuple[str, str, int]] = []
        at = _BLANK.match(source).end()  # type: ignore[union-attr]
        while at < len(source):
            found = _TOKEN.match(source, at)
            if found is None:
                raise ExpressionError("syntax", at, found=source[at])
            self.tokens.append((found.lastgroup or "", found.group(), at))
            at = _BLANK.match(source, found.end()).end()  # type: ignore[union-attr]
        self.tokens.append(("end", "", len(source)))
        self.next = 0
        self.depth = 0
        self.brackets = 0

    def read(self) -> Tree:
        tree = self.binary(1)
        if self.tokens[self.next][0] != "end":
            raise self.unexpected()
        return tree

    def unexpected(self) -> ExpressionError:
        kind, text, at = self.tokens[self.next]
        return ExpressionError("syntax" if kind != "end" else "unfinished", at, found=text)

    def is_at(self, symbol: str) -> bool:
        kind, text, _ = self.tokens[self.next]
        return kind == "symbol" and text == symbol

    def take(self, symbol: str) -> bool:
        if self.is_at(symbol):
            self.next += 1
            return True
        return False

    def expect(self, symbol: str) -> None:
        if not self.take(symbol):
            raise self.unexpected()

    def operator(self) -> tuple[str, int]:
        kind, text, _ = self.tokens[self.next]
        return (text, _LEVEL.get(text, 0)) if kind in ("symbol", "name") else ("", 0)

    def binary(self, lowest: int) -> Tree:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpressionError("too_deep", self.tokens[self.next][2], limit=MAX_DEPTH)
        left = self.unary()
        while True:
            _, level = self.operator()
            if level < lowest or level == 0:
                self.depth -= 1
                return left
            rest: list[tuple[str, Tree]] = []
            while self.operator()[1] == level:
                symbol = self.operator()[0]
                self.next += 1
                rest.append((symbol, self.binary(level + 1)))
            left = Chain(left, tuple(rest))

    def unary(self) -> Tree:
        signs = 0
        while self.take("-"):
            signs += 1
        tree = self.union()
        return Minus(Minus(tree)) if signs and signs % 2 == 0 else Minus(tree) if signs else tree

    def union(self) -> Tree:
        tree = self.path()
        if not self.is_at("|"):
            return tree
        rest: list[tuple[str, Tree]] = []
        while self.take("|"):
            rest.append(("|", self.path()))
        return Chain(tree, tuple(rest))

    def path(self) -> Tree:
        kind, text, at = self.tokens[self.next]
        if kind == "number":
            self.next += 1
            return Number(float(text))
        if kind == "text":
            self.next += 1
            return Text(text[1:-1])
        if kind == "symbol" and text in ("/", "//"):
            return Path("/", self.steps(first=True), at)
        if kind == "symbol" and text in (".", "..", "@", "*"):
            return Path("", self.relative(), at)
        if kind == "symbol" and text == "(":
            self.next += 1
            start: Tree = self.binary(1)
            self.expect(")")
        elif kind == "name":
            after = self.tokens[self.next + 1]
            if not (after[0] == "symbol" and after[1] == "(") or text in _NODE_TESTS:
                return Path("", self.relative(), at)
            start = self.call(text, at)
        else:
            raise self.unexpected()
        predicates = self.predicates()
        if not predicates and not self.is_at("/") and not self.is_at("//"):
            return start
        steps = (Step("self", "*", predicates),) if predicates else ()
        return Path(start, steps + self.steps(first=False), at)

    def call(self, name: str, at: int) -> Call:
        self.next += 2
        arguments: list[Tree] = []
        if not self.take(")"):
            arguments.append(self.binary(1))
            while self.take(","):
                arguments.append(self.binary(1))
            self.expect(")")
        return Call(name, tuple(arguments), at)

    def predicates(self) -> tuple[Tree, ...]:
        predicates: list[Tree] = []
        while self.take("["):
            self.brackets += 1
            if self.brackets > MAX_PREDICATES:
                raise ExpressionError("too_deep", self.tokens[self.next][2], limit=MAX_PREDICATES)
            predicates.append(self.binary(1))
            self.brackets -= 1
            self.expect("]")
        return tuple(predicates)

    def relative(self) -> tuple[Step, ...]:
        return (self.step(), *self.steps(first=False))

    def steps(self, *, first: bool) -> tuple[Step, ...]:
        steps: list[Step] = []
        while True:
            if self.take("//"):
                steps.append(Step("descendant-or-self", "*"))
            elif not self.take("/"):
                return tuple(steps)
            elif first and not steps and not self.can_step():
                return ()
            steps.append(self.step())

    def can_step(self) -> bool:
        kind, text, _ = self.tokens[self.next]
        return kind == "name" or (kind == "symbol" and text in (".", "..", "@", "*"))

    def step(self) -> Step:
        kind, text, at = self.tokens[self.next]
        if self.take("."):
            return Step("self", "*", self.predicates())
        if self.take(".."):
            return Step("parent", "*", self.predicates())
        axis = "child"
        if self.take("@"):
            axis = "attribute"
        elif kind == "name" and self.tokens[self.next + 1][:2] == ("symbol", "::"):
            axis = text
            if axis not in _AXES:
                raise ExpressionError("axis", at, axis=axis)
            self.next += 2
        kind, text, at = self.tokens[self.next]
        if kind == "name":
            self.next += 1
            if text in _NODE_TESTS and self.take("("):
                self.expect(")")
                text, axis = "*", "self" if text == "text" else axis
        elif self.take("*"):
            text = "*"
        else:
            raise self.unexpected()
        # Namespaces do not tell apart elements of an instance: orx:meta is meta.
        return Step(axis, text.rpartition(":")[2], self.predicates())


def parse(source: str) -> Tree:
    """The expression as a tree; ExpressionError with the place of the first thing that is not XPath."""
    return _Reader(source).read()


# --- values --------------------------------------------------------------------------------------------------

_DATE = re.compile(
    r"\s*(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?)?\s*$"
)
_TIME = re.compile(r"\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?\s*$")
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Moment:
    """A date or a dateTime as it is written: the clock on the wall, and the offset if it has one."""

    wall: datetime
    has_time: bool
    offset: str

    @property
    def days(self) -> float:
        whole = self.wall.toordinal() - _EPOCH
        if not self.has_time:
            return float(whole)
        seconds = self.wall.hour * 3600 + self.wall.minute * 60 + self.wall.second + self.wall.microsecond / 1e6
        return whole + seconds / 86_400

    @property
    def text(self) -> str:
        if not self.has_time:
            return f"{self.wall:%Y-%m-%d}" if self.wall.year > 999 else self.wall.date().isoformat()
        return self.wall.isoformat(timespec="milliseconds") + self.offset


def moment(text: str) -> Moment | None:
    """The date or dateTime that a text is, None if it is none or no such day exists."""
    found = _DATE.match(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    try:
        wall = datetime(  # noqa: DTZ001  (wall time: the offset is kept beside it)
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0),
            int((fraction or "0")[:6].ljust(6, "0")),
        )  # fmt: skip
    except ValueError:
        return None
    return Moment(wall, hour is not None, written_offset(offset))


def written_offset(offset: str | None) -> str:
    """An offset as ODK writes it: `+00:00`, never `Z` or `-0400`."""
    if not offset:
        return ""
    if offset == "Z":
        return "+00:00"
    digits = offset[1:].replace(":", "").ljust(4, "0")
    return f"{offset[0]}{digits[:2]}:{digits[2:]}"


def number_of(text: str) -> float:
    """A text as a number: dates are days since 1970-01-01, what is neither is NaN."""
    if not text:
        return NAN
    try:
        value = float(text)
    except ValueError:
        if len(text) < 8:
            return NAN
        found = moment(text)
        return NAN if found is None else found.days
    if "_" in text or (not math.isfinite(value) and text.strip().lstrip("+-") != "Infinity"):
        return NAN
    return value


def text_of(value: float) -> str:
    """A number as ODK writes it: no exponent below 1e21, no ".0"; NaN is blank."""
    if value != value:
        return ""
    if value in (INFINITY, -INFINITY):
        return "Infinity" if value > 0 else "-Infinity"
    if value == (whole := int(value)) and abs(whole) < 10**21:
        return str(whole)
    written = repr(float(value))
    if "e-" in written:
        digits, exponent = written.split("e-")
        if int(exponent) <= 6:
            return format(Decimal(written), "f")
        return f"{digits}e-{int(exponent)}"
    return written


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is True:
        return "true"
    if value is False:
        return "false"
    return text_of(value)  # type: ignore[arg-type]


def _number(value: object) -> float:
    return number_of(value) if isinstance(value, str) else float(value)  # type: ignore[arg-type]


def _truth(value: object) -> bool:
    if isinstance(value, str):
        return value != ""
    return bool(value) and value == value


def units(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def length_of(text: str) -> int:
    """Characters as both reference engines count them: UTF-16 units."""
    return len(text) if text.isascii() else len(units(text)) // 2


def _cut(text: str, start: int, end: int) -> str:
    if text.isascii():
        return text[start:end]
    # Half of a surrogate pair cannot be stored as UTF-8; JavaRosa's "?" stands for it.
    return units(text)[2 * start : 2 * end].decode("utf-16-le", "replace").replace("�", "?")


@lru_cache(maxsize=2048)
def pattern(source: str) -> Any:
    """A compiled regular expression that runs in linear time; re2.error if the pattern cannot."""
    options = re2.Options()
    options.log_errors = False
    return re2.compile(re.sub(r"\\u([0-9A-Fa-f]{4})", r"\\x{\1}", source), options)


# --- what an expression stands on ----------------------------------------------------------------------------


class Session(Protocol):
    """What an expression may ask of the session it is evaluated in; `conversations.instance` provides it."""

    root: Frame

    def moment_text(self) -> str: ...
    def offset_of(self, wall: datetime) -> str: ...
    def random_text(self) -> str: ...
    def choice_name(self, place: Place, frame: Frame, value: str) -> str: ...
    def itext(self, text_id: str) -> str: ...
    def order_seed(self, place: Place) -> int: ...
    def last_saved_items(self) -> list[Item]: ...


class Scope:
    """Where an evaluation stands: the frame, and inside a predicate the node being looked at."""

    __slots__ = ("frame", "item", "origin", "position", "session", "size")

    def __init__(self, session: Session, frame: Frame) -> None:
        self.session = session
        self.frame = frame
        self.origin = frame
        self.item: Item | None = None
        self.position = 1
        self.size = 1


Get = Callable[[Scope], Any]
Kind = Literal["string", "number", "boolean", "any", "node", "nodes", "items"]


@dataclass(slots=True)
class Reads:
    """What an expression depends on, found while compiling.

    `values` are places whose value is read; True if only from the frame the expression stands in or one around
    it. `repeats` are the repeats whose number or order of instances matters.
    """

    values: dict[Place, bool] = field(default_factory=dict)
    repeats: set[Place] = field(default_factory=set)
    choice_names: set[Place] = field(default_factory=set)
    language: bool = False
    own_value: bool = False
    unknown: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Compiled:
    """`get` yields: string, number or boolean themselves; any: one of them; node: the text of the single node;
    nodes: a list of (frame, place); items: a list of Item.
    """

    kind: Kind
    get: Get
    place: Place | None = None
    frame: Get | None = None
    is_local: bool = True
    constant: bool = False
    places: tuple[Place, ...] = ()

    @property
    def value(self) -> Any:
        assert self.constant
        return self.get(None)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the form offers to its expressions: its places, its secondary instances, its version."""

    root: Place
    instances: Mapping[str, Item]
    version: str = ""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression, ready in the types a form needs; never raises when evaluated."""

    source: str
    kind: Kind
    text: Callable[[Scope], str]
    truth: Callable[[Scope], bool]
    number: Callable[[Scope], float]
    nodes: Get | None
    node_kind: str
    node_places: tuple[Place, ...]
    reads: Reads
    constant: bool


def compile_expression(
    source: str, place: Place, surroundings: Surroundings, *, outside: bool = False, in_item: bool = False
) -> Expression:
    """An expression attached to a place of the form, compiled.

    `outside` places a repeat's expression in the frame around the repeat instead of in one of its instances;
    `in_item` lets relative paths start at an item of a secondary instance.
    """
    reads = Reads()
    compiler = _Compiler(surroundings, reads, place, outside=outside, in_item=in_item)
    tree = parse(source)
    compiled = compiler.compile(tree)
    nodes = compiled.get if compiled.kind in ("nodes", "items") else compiler.as_nodes(compiled)
    return Expression(
        source=source,
        kind=compiled.kind,
        text=compiler.text(compiled),
        truth=compiler.truth(compiled),
        number=compiler.number(compiled),
        nodes=nodes,
        node_kind="items" if compiled.kind == "items" else "nodes" if nodes else "",
        node_places=compiled.places or ((compiled.place,) if compiled.place else ()),
        reads=reads,
        constant=compiled.constant,
    )


def is_boolean(source: str) -> bool:
    """True if an expression yields true or false whatever is answered: a comparison, `and`, `selected()` …"""
    tree = parse(source)
    if isinstance(tree, Chain):
        return _LEVEL.get(tree.rest[0][0], 9) <= 4
    return isinstance(tree, Call) and tree.name in _BOOLEAN_FUNCTIONS


_BOOLEAN_FUNCTIONS = frozenset({
    "not", "true", "false", "boolean", "boolean-from-string", "selected", "regex", "contains", "starts-with",
    "ends-with", "checklist", "weighted-checklist", "geofence",
})  # fmt: skip


# --- compiling -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Route:
    """How to reach nodes of the form at one place: one frame (`single`), or a list of frames."""

    place: Place
    single: bool
    get: Get
    is_local: bool
    # Still on the way from the form's root to where the expression stands.
    on_chain: bool = False
    outside: bool = False
    # The document itself, above the form's root: `../../data/name` passes through it.
    is_document: bool = False


def _own_frame(scope: Scope) -> Frame:
    return scope.frame


def _origin_frame(scope: Scope) -> Frame:
    return scope.origin


def _climb(levels: int, start: Get = _own_frame) -> Get:
    """A way up: the frame so many levels around the one the expression stands in."""
    if levels == 0:
        return start
    if levels == 1:
        return (lambda s: s.frame.parent) if start is _own_frame else (lambda s: start(s).parent)

    def climb(scope: Scope) -> Frame:
        frame: Frame = start(scope)
        for _ in range(levels):
            frame = frame.parent  # type: ignore[assignment]
        return frame

    return climb


def _const(value: Any, kind: Kind) -> Compiled:
    return Compiled(kind, lambda _scope: value, constant=True)


def _read_node(frame: Frame, place: Place) -> str:
    slot = place.slot if place.inner is None else 0
    return frame.values[slot] if frame.relevant[slot] else ""


class _Compiler:
    def __init__(
        self, surroundings: Surroundings, reads: Reads, place: Place, *, outside: bool = False, in_item: bool = False
    ) -> None:
        self.surroundings = surroundings
        self.reads = reads
        self.origin = place
        self.origin_outside = outside
        self.place = place
        self.outside = outside
        self.in_item = in_item
        # Inside a predicate over the form's own nodes the frame is not one around the expression.
        self.is_iterating = False

    # Conversions. Reading a node's value is what makes a dependency; counting nodes is not.

    def _read(self, compiled: Compiled) -> None:
        for place in compiled.places or ((compiled.place,) if compiled.place else ()):
            is_local = compiled.is_local and not self.is_iterating
            self.reads.values[place] = self.reads.values.get(place, True) and is_local

    def text(self, compiled: Compiled) -> Callable[[Scope], str]:
        get = compiled.get
        self._read(compiled)
        match compiled.kind:
            case "string" | "node":
                return get
            case "number":
                return lambda s: text_of(get(s))
            case "boolean":
                return lambda s: "true" if get(s) else "false"
            case "any":
                return lambda s: _text(get(s))
            case "nodes":
                return lambda s: _read_node(*found[0]) if (found := get(s)) else ""
            case "items":
                return lambda s: found[0].text if (found := get(s)) else ""

    def number(self, compiled: Compiled) -> Callable[[Scope], float]:
        get = compiled.get
        match compiled.kind:
            case "number":
                return get
            case "boolean":
                return lambda s: 1.0 if get(s) else 0.0
            case "any":
                return lambda s: _number(get(s))
            case "node" if compiled.place is not None and compiled.place.value_type == "boolean":
                self._read(compiled)
                return lambda s: {"true": 1.0, "false": 0.0}.get(value := get(s), number_of(value))
            case _:
                if compiled.constant:
                    value = number_of(get(None))  # type: ignore[arg-type]
                    return lambda _s: value
                text = self.text(compiled)
                return lambda s: number_of(text(s))

    def truth(self, compiled: Compiled) -> Callable[[Scope], bool]:
        get = compiled.get
        match compiled.kind:
            case "boolean":
                return get
            case "number":
                return lambda s: (value := get(s)) == value and value != 0
            case "string":
                return lambda s: get(s) != ""
            case "any":
                return lambda s: _truth(get(s))
            case "node":
                self._read(compiled)
                kind = compiled.place.value_type if compiled.place else "string"
                if kind in ("int", "decimal"):
                    return lambda s: (value := number_of(get(s))) == value and value != 0
                if kind == "boolean":
                    return lambda s: get(s) in ("true", "1")
                return lambda s: get(s) != ""
            case _:
                text = self.text(compiled)
                return lambda s: text(s) != ""

    def plain_truth(self, compiled: Compiled) -> Callable[[Scope], bool]:
        """Truth as if() sees it: a node is true unless it is blank, even one that says "false" (both engines)."""
        if compiled.kind == "node":
            text = self.text(compiled)
            return lambda s: text(s) != ""
        return self.truth(compiled)

    def texts(self, compiled: Compiled) -> Callable[[Scope], list[str]]:
        """The text of every node; of a single value, a list of one."""
        get = compiled.get
        match compiled.kind:
            case "nodes":
                self._read(compiled)
                return lambda s: [_read_node(frame, place) for frame, place in get(s)]
            case "items":
                return lambda s: [item.text for item in get(s)]
            case _:
                text = self.text(compiled)
                return lambda s: [text(s)]

    def as_nodes(self, compiled: Compiled) -> Get | None:
        """The nodes themselves, of an expression that yields nodes."""
        if compiled.kind in ("nodes", "items"):
            return compiled.get
        if compiled.kind == "node" and compiled.frame is not None:
            frame, place = compiled.frame, compiled.place
            return lambda s: [(frame(s), place)]
        return None

    # Trees

    def compile(self, tree: Tree, *, all_instances: bool = False) -> Compiled:
        match tree:
            case Number(value):
                return _const(value, "number")
            case Text(value):
                return _const(value, "string")
            case Minus(operand):
                number = self.number(self.compile(operand))
                return Compiled("number", lambda s: -number(s))
            case Chain():
                return self.chain(tree, all_instances=all_instances)
            case Call():
                return self.call(tree)
            case Path():
                return self.path(tree, all_instances=all_instances)

    def chain(self, tree: Chain, *, all_instances: bool) -> Compiled:
        symbols = {symbol for symbol, _ in tree.rest}
        if symbols <= {"or", "and"}:
            parts = [self.truth(self.compile(part)) for part in (tree.first, *(part for _, part in tree.rest))]
            return Compiled("boolean", _any_of(parts) if symbols == {"or"} else _all_of(parts))
        if symbols == {"|"}:
            return self.union_of(tree, all_instances=all_instances)
        left = self.compile(tree.first)
        for symbol, right in tree.rest:
            left = self.binary(symbol, left, self.compile(right))
        return left

    def union_of(self, tree: Chain, *, all_instances: bool) -> Compiled:
        parts = [
            self.compile(part, all_instances=all_instances) for part in (tree.first, *(part for _, part in tree.rest))
        ]
        gets = [self.as_nodes(part) for part in parts]
        if any(get is None for get in gets) or len({part.kind == "items" for part in parts}) > 1:
            raise ExpressionError("not_nodes", 0, found="|")

        def union(scope: Scope) -> list[Any]:
            found: list[Any] = []
            for get in gets:
                found.extend(node for node in get(scope) if node not in found)  # type: ignore[misc]
            return found

        kind: Kind = "items" if parts[0].kind == "items" else "nodes"
        places = tuple(place for part in parts for place in (part.places or ((part.place,) if part.place else ())))
        return Compiled(kind, union, places=places, is_local=all(part.is_local for part in parts))

    def binary(self, symbol: str, left: Compiled, right: Compiled) -> Compiled:
        if symbol in ("=", "!="):
            return Compiled("boolean", self.equality(left, right, negated=symbol == "!="))
        if symbol in _RELATIONS:
            return Compiled("boolean", self.relation(_RELATIONS[symbol], left, right))
        return Compiled("number", _ARITHMETIC[symbol](self.number(left), self.number(right)))

    def equality(self, left: Compiled, right: Compiled, *, negated: bool) -> Get:
        kinds = (left.kind, right.kind)
        compare: Callable[[Any, Any], bool] = operator.ne if negated else operator.eq
        a: Get
        b: Get
        if "boolean" in kinds:
            a, b = self.truth(left), self.truth(right)
            return (lambda s: a(s) is not b(s)) if negated else (lambda s: a(s) is b(s))
        if any(kind in ("nodes", "items") for kind in kinds):
            many, others = self.texts(left), self.texts(right)
            if "number" in kinds:
                return lambda s: _any_pair(compare, map(number_of, many(s)), [number_of(t) for t in others(s)])
            return lambda s: _any_pair(compare, many(s), others(s))
        if "any" in kinds:
            a, b = self._loose(left), self._loose(right)
            return lambda s: _loosely_equal(a(s), b(s)) is not negated
        if "number" in kinds:
            a, b = self.number(left), self.number(right)
        else:
            a, b = self.text(left), self.text(right)
        if right.constant:
            value = b(None)  # type: ignore[arg-type]
            return (lambda s: a(s) != value) if negated else (lambda s: a(s) == value)
        return (lambda s: a(s) != b(s)) if negated else (lambda s: a(s) == b(s))

    def _loose(self, compiled: Compiled) -> Get:
        self._read(compiled)
        return compiled.get

    def relation(self, compare: Callable[[Any, Any], bool], left: Compiled, right: Compiled) -> Get:
        if any(kind in ("nodes", "items") for kind in (left.kind, right.kind)):
            many, others = self.texts(left), self.texts(right)
            return lambda s: _any_pair(compare, map(number_of, many(s)), [number_of(t) for t in others(s)])
        a, b = self.number(left), self.number(right)
        if right.constant:
            value = b(None)  # type: ignore[arg-type]
            return lambda s: compare(a(s), value)
        return lambda s: compare(a(s), b(s))

    # Paths

    def path(self, tree: Path, *, all_instances: bool = False) -> Compiled:
        start, steps = tree.start, tree.steps
        if isinstance(start, Call) and start.name == "current" and not start.arguments:
            return self.from_routes([self.origin_route()], steps, all_instances=True)
        if isinstance(start, Call) and start.name == "instance":
            return self.items(self.instance_items(start), steps)
        if isinstance(start, str):
            if start == "" and self.in_item:
                return self.items_here(steps)
            if start == "":
                own = _Route(self.place, True, _own_frame, not self.is_iterating, outside=self.outside)
                return self.from_routes([own], steps, all_instances=True)
            return self.absolute(steps, tree.at, all_instances=all_instances)
        base = self.compile(start)
        if base.kind == "items":
            return self.items((None, base.get), steps)
        nodes = self.as_nodes(base)
        if nodes is None:
            raise ExpressionError("not_nodes", tree.at, found="/")
        return self.from_nodes(base, nodes, steps)

    def origin_route(self) -> _Route:
        return _Route(self.origin, True, _origin_frame, True, outside=self.origin_outside)

    def absolute(self, steps: Sequence[Step], at: int, *, all_instances: bool) -> Compiled:
        root = self.surroundings.root
        levels = self.frame_here().depth
        outermost = _Route(root, True, _climb(levels), True, on_chain=True)
        if not steps:
            return self.finish([outermost])
        if steps[0].axis == "descendant-or-self":
            return self.from_routes(self.below(outermost), steps[1:], all_instances=all_instances)
        if steps[0].axis != "child" or steps[0].name not in (root.name, "*"):
            self.reads.unknown.append("/" + "/".join(step.name for step in steps))
            return Compiled("nodes", lambda _s: [])
        return self.from_routes([outermost], steps[1:], all_instances=all_instances)

    def frame_here(self) -> FrameType:
        return self.place.frame if self.outside else self.place.home

    def from_routes(self, routes: list[_Route], steps: Sequence[Step], *, all_instances: bool) -> Compiled:
        for index, step in enumerate(steps):
            is_last = index == len(steps) - 1
            contextual = not all_instances and not is_last
            found = [after for route in routes for after in self.step(route, step, contextual=contextual)]
            if not found and routes and step.name != "*":
                self.reads.unknown.append(f"{routes[0].place.path}/{step.name}")
            routes = found
        return self.finish(routes)

    def finish(self, routes: list[_Route]) -> Compiled:
        routes = [route for route in routes if not route.is_document]
        places = tuple(dict.fromkeys(route.place for route in routes))
        if len(routes) == 1 and routes[0].single:
            route = routes[0]
            place, frame = route.place, route.get
            if route.outside and place.is_repeat:
                return Compiled("nodes", lambda _s: [], places=(place,))
            return Compiled("node", _leaf_reader(place, frame), place=place, frame=frame, is_local=route.is_local)
        if len(routes) == 1:
            place, get = routes[0].place, routes[0].get
            return Compiled("nodes", lambda s: [(f, place) for f in get(s)], places=places, is_local=False)
        gets = [(route.place, route.get, route.single) for route in routes]

        def nodes(scope: Scope) -> list[tuple[Frame, Place]]:
            found: list[tuple[Frame, Place]] = []
            for place, get, single in gets:
                found.extend([(get(scope), place)] if single else [(frame, place) for frame in get(scope)])
            return found

        return Compiled("nodes", nodes, places=places, is_local=False)

    def step(self, route: _Route, step: Step, *, contextual: bool) -> list[_Route]:
        if route.is_document:
            if step.axis != "child" or step.name not in ("*", route.place.name):
                return []
            return [_Route(route.place, route.single, route.get, route.is_local)]
        match step.axis:
            case "child":
                children = route.place.children
                targets = list(children.values()) if step.name == "*" else [
                    child for child in (children.get(step.name),) if child is not None
                ]  # fmt: skip
                return [self.into(route, target, step.predicates, contextual=contextual) for target in targets]
            case "parent":
                return self.up_from(route, step)
            case "self":
                if step.name not in ("*", route.place.name):
                    return []
                return [self.filtered(route, step.predicates)]
            case "descendant-or-self":
                return self.below(route)
            case "descendant":
                return [
                    self.filtered(found, step.predicates)
                    for found in self.below(route)[1:]
                    if step.name in ("*", found.place.name)
                ]
            case _:
                return []

    def below(self, route: _Route) -> list[_Route]:
        found = [route]
        for child in route.place.children.values():
            found.extend(self.below(self.into(route, child, (), contextual=False)))
        return found

    def into(self, route: _Route, target: Place, predicates: Sequence[Tree], *, contextual: bool) -> _Route:
        """One step down. A repeat that the expression itself stands in means the instance it stands in."""
        if not target.is_repeat:
            after = _Route(target, route.single, route.get, route.is_local, on_chain=route.on_chain)
            return self.filtered(after, predicates)
        assert target.inner is not None
        here = self.frame_here()
        if route.on_chain and contextual and not predicates and target.inner in here.chain():
            levels = here.depth - target.inner.depth
            return _Route(target, True, _climb(levels), not self.is_iterating, on_chain=True)
        self.reads.repeats.add(target)
        slot, get = target.slot, route.get
        check = self.frame_predicates(target, predicates)
        instances: Get
        if route.single:
            if check is None:
                instances = lambda s: get(s).repeats[slot]  # noqa: E731
            else:
                keep = check
                instances = lambda s: keep(s, get(s).repeats[slot])  # noqa: E731
        else:

            def instances(scope: Scope) -> list[Frame]:
                found: list[Frame] = []
                for frame in get(scope):
                    found.extend(frame.repeats[slot] if check is None else check(scope, frame.repeats[slot]))
                return found

        return _Route(target, False, instances, False)

    def up_from(self, route: _Route, step: Step) -> list[_Route]:
        parent = route.place.parent
        if parent is None:
            return [_Route(route.place, route.single, route.get, route.is_local, is_document=True)]
        if step.name not in ("*", parent.name):
            return []
        get = route.get
        if not route.place.is_repeat or route.outside:
            return [self.filtered(_Route(parent, route.single, get, route.is_local), step.predicates)]
        above: Get
        if route.single and get is _own_frame:
            above = _climb(1)
        elif route.single:
            above = lambda s: get(s).parent  # noqa: E731
        else:
            above = lambda s: list(dict.fromkeys(frame.parent for frame in get(s)))  # noqa: E731
        return [self.filtered(_Route(parent, route.single, above, route.is_local), step.predicates)]

    def filtered(self, route: _Route, predicates: Sequence[Tree]) -> _Route:
        check = self.frame_predicates(route.place, predicates)
        if check is None:
            return route
        get = route.get
        if route.single:
            return _Route(route.place, False, lambda s: check(s, [get(s)]), False)
        return _Route(route.place, False, lambda s: check(s, get(s)), False)

    def frame_predicates(
        self, place: Place, predicates: Sequence[Tree]
    ) -> Callable[[Scope, list[Frame]], list[Frame]] | None:
        if not predicates:
            return None
        saved = self.place, self.outside, self.in_item, self.is_iterating
        self.place, self.outside, self.in_item, self.is_iterating = place, False, False, True
        tests = [self.predicate(self.compile(tree)) for tree in predicates]
        self.place, self.outside, self.in_item, self.is_iterating = saved

        def check(scope: Scope, frames: list[Frame]) -> list[Frame]:
            before = scope.frame, scope.item, scope.position, scope.size
            scope.item = None
            for test in tests:
                kept: list[Frame] = []
                scope.size = len(frames)
                for position, frame in enumerate(frames, 1):
                    scope.frame, scope.position = frame, position
                    if test(scope):
                        kept.append(frame)
                frames = kept
            scope.frame, scope.item, scope.position, scope.size = before
            return frames

        return check

    def predicate(self, compiled: Compiled) -> Callable[[Scope], bool]:
        """A number in brackets is a position, anything else a truth."""
        if compiled.kind == "number":
            number = compiled.get
            return lambda s: number(s) == s.position
        if compiled.kind == "any":
            get = compiled.get
            return lambda s: value == s.position if type(value := get(s)) in (int, float) else _truth(value)
        return self.truth(compiled)

    def from_nodes(self, base: Compiled, nodes: Get, steps: Sequence[Step]) -> Compiled:
        """Steps after a function or parentheses that yield nodes of the form: each node is a start of its own."""
        places = base.places or ((base.place,) if base.place else ())
        routes = []
        for place in places:

            def get(scope: Scope, place: Place = place) -> list[Frame]:
                return [frame for frame, found in nodes(scope) if found is place]

            routes.append(_Route(place, False, get, False))
        return self.from_routes(routes, steps, all_instances=True)

    # Items of secondary instances: the starting list is fixed, which is what an index needs.

    def instance_items(self, call: Call) -> tuple[list[Item] | None, Get]:
        if len(call.arguments) != 1 or not isinstance(call.arguments[0], Text):
            raise ExpressionError("arguments", call.at, function="instance")
        name = call.arguments[0].value
        if name == LAST_SAVED:
            return None, lambda s: s.session.last_saved_items()
        found = self.surroundings.instances.get(name)
        if found is None:
            self.reads.unknown.append(f"instance('{name}')")
        start = [found] if found else []
        return start, lambda _s: start

    def items_here(self, steps: Sequence[Step]) -> Compiled:
        if len(steps) == 1 and steps[0].axis == "child" and not steps[0].predicates and steps[0].name != "*":
            name = steps[0].name
            return Compiled("items", lambda s: s.item.children.get(name, ()))  # type: ignore[union-attr]
        return self.items((None, lambda s: [s.item]), steps)

    def items(self, start: tuple[list[Item] | None, Get], steps: Sequence[Step]) -> Compiled:
        fixed, get = start
        for step in steps:
            fixed, get = self.item_step(fixed, get, step)
        if fixed is not None:
            found = fixed
            return Compiled("items", lambda _s: found)
        return Compiled("items", get)

    def item_step(self, fixed: list[Item] | None, get: Get, step: Step) -> tuple[list[Item] | None, Get]:
        name = step.name
        move: Callable[[list[Item]], list[Item]]
        match step.axis:
            case "child" if name == "*":
                move = lambda items: [c for item in items for group in item.children.values() for c in group]  # noqa: E731
            case "child":
                move = lambda items: [c for item in items for c in item.children.get(name, ())]  # noqa: E731
            case "parent":
                move = lambda items: list(dict.fromkeys(i.parent for i in items if i.parent is not None))  # noqa: E731
            case "self":
                move = lambda items: [item for item in items if name in ("*", item.name)]  # noqa: E731
            case "descendant-or-self" | "descendant":
                move = lambda items: [  # noqa: E731
                    d for i in items for d in ((i, *i.descendants()) if step.axis != "descendant" else i.descendants())
                ]
            case _:
                move = lambda _items: []  # noqa: E731
        if fixed is not None:
            moved = move(fixed)
            return self.item_predicates(moved, None, step.predicates)
        return self.item_predicates(None, lambda s: move(get(s)), step.predicates)

    def item_predicates(
        self, fixed: list[Item] | None, get: Get | None, predicates: Sequence[Tree]
    ) -> tuple[list[Item] | None, Get]:
        for tree in predicates:
            indexed = self.indexed(fixed, tree) if fixed is not None else None
            if indexed is not None:
                fixed, get = None, indexed
                continue
            test = self.predicate(self.compile_in_item(tree))
            source: Get = get if get is not None else _fixed(fixed or [])
            fixed, get = None, _filter_items(test, source)
        return fixed, get if get is not None else _fixed(fixed or [])

    def compile_in_item(self, tree: Tree) -> Compiled:
        saved, self.in_item = self.in_item, True
        compiled = self.compile(tree)
        self.in_item = saved
        return compiled

    def indexed(self, fixed: list[Item], tree: Tree) -> Get | None:
        """`[name = expression]` over a fixed list is a look-up, not a walk over 5 000 municipalities."""
        rest: list[Tree] = []
        if isinstance(tree, Chain) and {symbol for symbol, _ in tree.rest} == {"and"}:
            rest = [part for _, part in tree.rest]
            tree = tree.first
        if not (isinstance(tree, Chain) and len(tree.rest) == 1 and tree.rest[0][0] == "="):
            return None
        sides = (tree.first, tree.rest[0][1])
        column = next((side for side in sides if _is_column(side)), None)
        if column is None or any(_asks_position(part) for part in rest):
            return None
        key_tree = sides[1] if column is sides[0] else sides[0]
        if _is_relative(key_tree):
            return None
        key = self.compile_in_item(key_tree)
        if key.kind not in ("string", "node"):
            return None
        text = self.text(key)
        tests = [self.truth(self.compile_in_item(part)) for part in rest]
        name = column.steps[0].name
        index: dict[str, list[Item]] = {}
        for item in fixed:
            for value in dict.fromkeys(child.text for child in item.children.get(name, ())):
                index.setdefault(value, []).append(item)
        if not tests:
            return lambda s: index.get(text(s), [])
        test = tests[0] if len(tests) == 1 else _all_of(tests)
        return _filter_items(test, lambda s: index.get(text(s), []))

    # Functions

    def call(self, tree: Call) -> Compiled:
        entry = FUNCTIONS.get(tree.name)
        if entry is None:
            raise ExpressionError("unknown_function", tree.at, function=tree.name)
        least, most, build = entry
        count = len(tree.arguments)
        if count < least or (most is not None and count > most):
            raise ExpressionError("arguments", tree.at, function=tree.name)
        return build(self, tree)


def _fixed(items: list[Item]) -> Get:
    return lambda _s: items


def _filter_items(test: Callable[[Scope], bool], source: Get) -> Get:
    def check(scope: Scope) -> list[Item]:
        items = source(scope)
        before = scope.item, scope.position, scope.size
        scope.size = len(items)
        kept: list[Item] = []
        for position, item in enumerate(items, 1):
            scope.item, scope.position = item, position
            if test(scope):
                kept.append(item)
        scope.item, scope.position, scope.size = before
        return kept

    return check


def _is_column(tree: Tree) -> TypeGuard[Path]:
    return (
        isinstance(tree, Path)
        and tree.start == ""
        and len(tree.steps) == 1
        and tree.steps[0].axis == "child"
        and not tree.steps[0].predicates
        and tree.steps[0].name != "*"
    )


def _parts(tree: Tree) -> Iterable[Tree]:
    yield tree
    match tree:
        case Chain(first, rest):
            for part in (first, *(part for _, part in rest)):
                yield from _parts(part)
        case Minus(operand):
            yield from _parts(operand)
        case Call(_, arguments):
            for part in arguments:
                yield from _parts(part)
        case Path(start, steps):
            if not isinstance(start, str):
                yield from _parts(start)
            for step in steps:
                for part in step.predicates:
                    yield from _parts(part)


def _asks_position(tree: Tree) -> bool:
    return any(isinstance(part, Call) and part.name in ("position", "last") for part in _parts(tree))


def _is_relative(tree: Tree) -> bool:
    return _asks_position(tree) or any(isinstance(part, Path) and part.start == "" for part in _parts(tree))


def _leaf_reader(place: Place, frame: Get) -> Get:
    slot = place.slot if place.inner is None else 0
    if frame is _own_frame:

        def own(scope: Scope) -> str:
            here = scope.frame
            return here.values[slot] if here.relevant[slot] else ""

        return own

    def there(scope: Scope) -> str:
        found: Frame = frame(scope)
        return found.values[slot] if found.relevant[slot] else ""

    return there


def _any_of(parts: list[Callable[[Scope], bool]]) -> Get:
    if len(parts) == 2:
        a, b = parts
        return lambda s: a(s) or b(s)

    def any_of(scope: Scope) -> bool:
        for part in parts:  # noqa: SIM110  (a generator costs more than the loop)
            if part(scope):
                return True
        return False

    return any_of


def _all_of(parts: list[Callable[[Scope], bool]]) -> Get:
    if len(parts) == 2:
        a, b = parts
        return lambda s: a(s) and b(s)

    def all_of(scope: Scope) -> bool:
        for part in parts:  # noqa: SIM110
            if not part(scope):
                return False
        return True

    return all_of


def _any_pair(compare: Callable[[Any, Any], bool], left: Iterable[Any], right: list[Any]) -> bool:
    return any(compare(a, b) for a in left for b in right)


def _loosely_equal(left: object, right: object) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return _truth(left) is _truth(right)
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    return _number(left) == _number(right)


def _divide(left: float, right: float) -> float:
    try:
        return left / right
    except ZeroDivisionError:
        if left == 0 or left != left:
            return NAN
        return math.copysign(INFINITY, left) * math.copysign(1.0, right)


def _remainder(left: float, right: float) -> float:
    try:
        return math.fmod(left, right)
    except ValueError:
        return NAN


_RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ARITHMETIC: dict[str, Callable[[Get, Get], Get]] = {
    "+": lambda a, b: lambda s: a(s) + b(s),
    "-": lambda a, b: lambda s: a(s) - b(s),
    "*": lambda a, b: lambda s: a(s) * b(s),
    "div": lambda a, b: lambda s: _divide(a(s), b(s)),
    "mod": lambda a, b: lambda s: _remainder(a(s), b(s)),
}


# --- functions -----------------------------------------------------------------------------------------------

Build = Callable[[_Compiler, Call], Compiled]


def _pure(kind: Kind, signature: str, function: Callable[..., Any]) -> Build:
    """A function of plain values. `signature` has a letter per argument: t text, n number, b truth; the last
    letter is repeated for further arguments. A blank number in (NaN) is the function's own business.
    """

    def build(compiler: _Compiler, call: Call) -> Compiled:
        gets: list[Get] = []
        is_constant = True
        for index, tree in enumerate(call.arguments):
            letter = signature[min(index, len(signature) - 1)]
            compiled = compiler.compile(tree)
            is_constant = is_constant and compiled.constant
            gets.append({"t": compiler.text, "n": compiler.number, "b": compiler.truth}[letter](compiled))
        if is_constant:
            return _const(function(*(get(None) for get in gets)), kind)  # type: ignore[arg-type]
        match gets:
            case [a]:
                return Compiled(kind, lambda s: function(a(s)))
            case [a, b]:
                return Compiled(kind, lambda s: function(a(s), b(s)))
            case [a, b, c]:
                return Compiled(kind, lambda s: function(a(s), b(s), c(s)))
            case _:
                return Compiled(kind, lambda s: function(*[get(s) for get in gets]))

    return build


def _lists(kind: Kind, function: Callable[[list[str]], Any]) -> Build:
    """A function of all texts of all arguments, node sets spread out: sum(), max(), concat() …"""

    def build(compiler: _Compiler, call: Call) -> Compiled:
        gets = [compiler.texts(compiler.compile(tree, all_instances=True)) for tree in call.arguments]
        if len(gets) == 1:
            get = gets[0]
            return Compiled(kind, lambda s: function(get(s)))
        return Compiled(kind, lambda s: function([text for get in gets for text in get(s)]))

    return build


def _if(compiler: _Compiler, call: Call) -> Compiled:
    test = compiler.plain_truth(compiler.compile(call.arguments[0]))
    yes, no = compiler.compile(call.arguments[1]), compiler.compile(call.arguments[2])
    a: Get
    b: Get
    kind: Kind
    if yes.kind == no.kind and yes.kind in ("number", "boolean", "items"):
        kind, a, b = yes.kind, yes.get, no.get
    elif {yes.kind, no.kind} <= {"string", "node", "nodes", "items"}:
        kind, a, b = "string", compiler.text(yes), compiler.text(no)
    else:
        kind = "any"
        a, b = (part.get if part.kind in ("number", "boolean", "any") else compiler.text(part) for part in (yes, no))
    return Compiled(kind, lambda s: a(s) if test(s) else b(s))


def _boolean(compiler: _Compiler, call: Call) -> Compiled:
    """boolean() of nodes asks, as XPath defines it, whether there are any; blank or not."""
    compiled = compiler.compile(call.arguments[0])
    if compiled.kind == "node":
        return _const(True, "boolean")
    if compiled.kind in ("nodes", "items"):
        nodes = compiled.get
        return Compiled("boolean", lambda s: bool(nodes(s)))
    return Compiled("boolean", compiler.truth(compiled))


def _coalesce(compiler: _Compiler, call: Call) -> Compiled:
    gets = [compiler.text(compiler.compile(tree)) for tree in call.arguments]

    def coalesce(scope: Scope) -> str:
        for get in gets:
            if (found := get(scope)) != "":
                return found
        return ""

    return Compiled("string", coalesce)


def _once(compiler: _Compiler, call: Call) -> Compiled:
    fresh = compiler.text(compiler.compile(call.arguments[0]))
    slot = 0 if compiler.origin.is_repeat else compiler.origin.slot
    compiler.reads.own_value = True
    return Compiled("string", lambda s: s.origin.values[slot] or fresh(s))


def _count(compiler: _Compiler, call: Call) -> Compiled:
    compiled = compiler.compile(call.arguments[0], all_instances=True)
    nodes = compiler.as_nodes(compiled)
    if nodes is None:
        raise ExpressionError("not_nodes", call.at, found=call.name)
    return Compiled("number", lambda s: float(len(nodes(s))))


def _position(compiler: _Compiler, call: Call) -> Compiled:
    if not call.arguments:
        return Compiled("number", lambda s: float(s.position))
    compiled = compiler.compile(call.arguments[0], all_instances=True)
    for place in compiled.places or ((compiled.place,) if compiled.place else ()):
        if place.is_repeat:
            compiler.reads.repeats.add(place)
    if compiled.kind == "items":
        items = compiled.get

        def item_position(scope: Scope) -> float:
            found = items(scope)
            if not found or found[0].parent is None:
                return 1.0 if found else NAN
            return float(found[0].parent.children[found[0].name].index(found[0]) + 1)

        return Compiled("number", item_position)
    nodes = compiler.as_nodes(compiled)
    if nodes is None:
        raise ExpressionError("not_nodes", call.at, found=call.name)

    def position(scope: Scope) -> float:
        found = nodes(scope)
        if not found:
            return NAN
        frame, place = found[0]
        return float(frame.index + 1) if place.is_repeat else 1.0

    return Compiled("number", position)


def _indexed_repeat(compiler: _Compiler, call: Call) -> Compiled:
    """indexed-repeat(node, repeat, index, …): the node inside that instance; blank where there is none."""
    if len(call.arguments) % 2 == 0:
        raise ExpressionError("arguments", call.at, function=call.name)
    target = _place_of(compiler, call.arguments[0], call)
    wanted = {
        _place_of(compiler, call.arguments[i], call): compiler.number(compiler.compile(call.arguments[i + 1]))
        for i in range(1, len(call.arguments), 2)
    }
    chain = [frame_type for frame_type in reversed(target.home.chain()) if frame_type.place is not None]
    here = compiler.frame_here()
    own = set(here.chain())
    compiler.reads.values[target] = False
    compiler.reads.repeats.update(t.place for t in chain if t.place is not None)
    slot = 0 if target.is_repeat else target.slot
    levels = here.depth

    def indexed_repeat(scope: Scope) -> str:
        frame = _climb(levels)(scope)
        for frame_type in chain:
            place = frame_type.place
            assert place is not None
            instances = frame.repeats[place.slot]
            if place in wanted:
                index = wanted[place](scope)
                at = int(index) - 1 if index == index and abs(index) < 1e9 else -1
            elif frame_type in own and scope.frame.up(frame_type).parent is frame:
                at = scope.frame.up(frame_type).index
            else:
                at = 0
            if not 0 <= at < len(instances):
                return ""
            frame = instances[at]
        return frame.values[slot] if frame.relevant[slot] else ""

    return Compiled("string", indexed_repeat)


def _place_of(compiler: _Compiler, tree: Tree, call: Call) -> Place:
    probe = _Compiler(compiler.surroundings, Reads(), compiler.place, outside=compiler.outside)
    compiled = probe.compile(tree)
    places = compiled.places or ((compiled.place,) if compiled.place else ())
    if len(places) != 1:
        raise ExpressionError("not_nodes", call.at, found=call.name)
    return places[0]


def _regex(compiler: _Compiler, call: Call) -> Compiled:
    text = compiler.text(compiler.compile(call.arguments[0]))
    source = compiler.compile(call.arguments[1])
    if source.constant:
        try:
            search = pattern(_text(source.value)).search
        except re2.error as error:
            raise ExpressionError("regex", call.at, pattern=_text(source.value), reason=_readable(error)) from None
        return Compiled("boolean", lambda s: search(text(s)) is not None)
    pattern_text = compiler.text(source)

    def regex(scope: Scope) -> bool:
        try:
            return pattern(pattern_text(scope)).search(text(scope)) is not None
        except re2.error:
            return False

    return Compiled("boolean", regex)


def _readable(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)


def _dated(compiler: _Compiler, call: Call) -> Callable[[Scope], Any]:
    """The argument of a date function; a date written in the form itself must exist."""
    tree = call.arguments[0]
    if isinstance(tree, Text) and _DATE.match(tree.value) and moment(tree.value) is None:
        raise ExpressionError("date", call.at, date=tree.value)
    compiled = compiler.compile(tree)
    return compiler.number(compiled) if compiled.kind == "number" else compiler.text(compiled)


def _date(compiler: _Compiler, call: Call) -> Compiled:
    get = _dated(compiler, call)
    return Compiled("string", lambda s: date_text(get(s)))


INVALID_DATE = "Invalid Date"
"""What date() makes of something that is no date: visible rather than silently blank, as in the web engine."""


def date_text(value: str | float) -> str:
    """A date as ODK writes it; a dateTime keeps its time, a number counts days from 1970-01-01."""
    if isinstance(value, str):
        if value == "":
            return ""
        found = moment(value)
        if found is not None:
            return found.text
        value = number_of(value)
    if value != value or not -719_162 <= value < 2_932_897:
        return INVALID_DATE
    return date.fromordinal(math.floor(value) + _EPOCH).isoformat()


def _date_time(compiler: _Compiler, call: Call) -> Compiled:
    get = _dated(compiler, call)

    def date_time(scope: Scope) -> str:
        value = get(scope)
        days = number_of(value) if isinstance(value, str) and moment(value) is None else value
        if isinstance(days, str) or days == math.floor(days if math.isfinite(days) else 0):
            return date_text(days)
        wall = _wall(days)
        if wall is None:
            return INVALID_DATE
        return wall.isoformat(timespec="milliseconds") + scope.session.offset_of(wall)

    return Compiled("string", date_time)


def _wall(days: float) -> datetime | None:
    if days != days or not -719_162 <= days < 2_932_897:
        return None
    return datetime(1970, 1, 1) + timedelta(milliseconds=round(days * 86_400_000))  # noqa: DTZ001


def _decimal_time(text: str) -> float:
    found = _TIME.match(text)
    if found is None:
        at = moment(text)
        return at.days % 1 if at is not None and at.has_time else NAN
    hour, minute, second, fraction, _ = found.groups()
    return (int(hour) * 3600 + int(minute) * 60 + int(second or 0) + float(f"0.{fraction or 0}")) / 86_400


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FORMATS: dict[str, Callable[[datetime], str]] = {
    "Y": lambda w: f"{w.year:04d}",
    "y": lambda w: f"{w.year % 100:02d}",
    "m": lambda w: f"{w.month:02d}",
    "n": lambda w: str(w.month),
    "b": lambda w: _MONTHS[w.month - 1],
    "d": lambda w: f"{w.day:02d}",
    "e": lambda w: str(w.day),
    "W": lambda w: str(w.isocalendar().week),
    "H": lambda w: f"{w.hour:02d}",
    "h": lambda w: str(w.hour),
    "M": lambda w: f"{w.minute:02d}",
    "S": lambda w: f"{w.second:02d}",
    "3": lambda w: f"{w.microsecond // 1000:03d}",
    "a": lambda w: _DAYS[w.weekday()],
    "%": lambda _w: "%",
}


def format_date(value: str, template: str) -> str:
    """format-date() and format-date-time(): ODK's escapes; an unknown one stays as it is, a blank stays blank."""
    found = moment(value)
    wall = found.wall if found is not None else _wall(number_of(value))
    if wall is None:
        return ""
    at = wall
    return re.sub(r"%(.)", lambda m: _FORMATS[m[1]](at) if m[1] in _FORMATS else m[0], template)


def _now(_compiler: _Compiler, _call: Call) -> Compiled:
    return Compiled("string", lambda s: s.session.moment_text())


def _today(_compiler: _Compiler, _call: Call) -> Compiled:
    return Compiled("string", lambda s: s.session.moment_text()[:10])


def _random(_compiler: _Compiler, _call: Call) -> Compiled:
    return Compiled("number", lambda s: int(s.session.random_text()[:12], 16) / 16**12)


def _uuid(compiler: _Compiler, call: Call) -> Compiled:
    if call.arguments:
        length = compiler.number(compiler.compile(call.arguments[0]))

        def token(scope: Scope) -> str:
            wanted = length(scope)
            count = min(int(wanted), 1000) if wanted == wanted and wanted > 0 else 0
            text = ""
            while len(text) < count:
                text += scope.session.random_text()
            return text[:count]

        return Compiled("string", token)

    def uuid(scope: Scope) -> str:
        digits = scope.session.random_text()
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"

    return Compiled("string", uuid)


def _randomize(compiler: _Compiler, call: Call) -> Compiled:
    """The same nodes in an order that the seed fixes; without a seed, one that the session fixes."""
    compiled = compiler.compile(call.arguments[0], all_instances=True)
    nodes = compiler.as_nodes(compiled)
    if nodes is None:
        raise ExpressionError("not_nodes", call.at, found=call.name)
    kind: Kind = "items" if compiled.kind == "items" else "nodes"
    places = compiled.places or ((compiled.place,) if compiled.place else ())
    if len(call.arguments) > 1:
        seed_text = compiler.text(compiler.compile(call.arguments[1]))
        return Compiled(kind, lambda s: shuffled(nodes(s), _seed(seed_text(s))), places=places, is_local=False)
    origin = compiler.origin
    return Compiled(kind, lambda s: shuffled(nodes(s), s.session.order_seed(origin)), places=places, is_local=False)


def _seed(text: str) -> int:
    number = number_of(text)
    if math.isfinite(number):
        return int(number)
    if text == "":
        return 0
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8], "big", signed=True)


def shuffled(nodes: Sequence[Any], seed: int) -> list[Any]:
    """Shuffled inside out with the Park-Miller generator: what both reference engines do with a seed."""
    modulus = 2_147_483_647
    state = abs(seed) % modulus * (1 if seed > 0 else -1)
    if state <= 0:
        state += modulus - 1
    found: list[Any] = []
    for index, node in enumerate(nodes):
        state = state * 16_807 % modulus
        other = int((state - 1) / (modulus - 1) * (index + 1))
        found.append(node)
        if other != index:
            found[index] = found[other]
        found[other] = node
    return found


def _choice_name(compiler: _Compiler, call: Call) -> Compiled:
    value = compiler.text(compiler.compile(call.arguments[0]))
    compiler.reads.language = True
    written = compiler.compile(call.arguments[1])
    if not written.constant:
        raise ExpressionError("choice_name", call.at)
    compiled = compiler.compile(parse(_text(written.value)))
    places = compiled.places or ((compiled.place,) if compiled.place else ())
    if len(places) != 1:
        raise ExpressionError("choice_name", call.at)
    place = places[0]
    compiler.reads.choice_names.add(place)
    if compiled.frame is not None:
        frame = compiled.frame
        return Compiled("string", lambda s: s.session.choice_name(place, frame(s), value(s)))
    nodes = compiled.get
    return Compiled("string", lambda s: s.session.choice_name(place, n[0][0], value(s)) if (n := nodes(s)) else "")


def _itext(compiler: _Compiler, call: Call) -> Compiled:
    text_id = compiler.text(compiler.compile(call.arguments[0]))
    compiler.reads.language = True
    return Compiled("string", lambda s: s.session.itext(text_id(s)))


def _pulldata(compiler: _Compiler, call: Call) -> Compiled:
    """pulldata(file, column, key column, key): the first row with that key."""
    name = compiler.compile(call.arguments[0])
    if not name.constant:
        raise ExpressionError("arguments", call.at, function="pulldata")
    root = compiler.surroundings.instances.get(_text(name.value))
    if root is None:
        compiler.reads.unknown.append(f"instance('{_text(name.value)}')")
    column, key_column, key = (compiler.text(compiler.compile(tree)) for tree in call.arguments[1:4])
    rows = [item for top in root.children.get("root", ()) for item in top.children.get("item", ())] if root else []
    indexes: dict[str, dict[str, Item]] = {}

    def pulldata(scope: Scope) -> str:
        by = key_column(scope)
        if by not in indexes:
            indexes[by] = {}
            for row in rows:
                indexes[by].setdefault(row.child_text(by), row)
        found = indexes[by].get(key(scope))
        return found.child_text(column(scope)) if found is not None else ""

    return Compiled("string", pulldata)


def _instance(compiler: _Compiler, call: Call) -> Compiled:
    return compiler.items(compiler.instance_items(call), ())


def _current(compiler: _Compiler, _call: Call) -> Compiled:
    return compiler.from_routes([compiler.origin_route()], (), all_instances=True)


def _last(_compiler: _Compiler, _call: Call) -> Compiled:
    return Compiled("number", lambda s: float(s.size))


def _version(compiler: _Compiler, _call: Call) -> Compiled:
    return _const(compiler.surroundings.version, "string")


def _name(compiler: _Compiler, call: Call) -> Compiled:
    if not call.arguments:
        return _const(compiler.place.name, "string")
    compiled = compiler.compile(call.arguments[0])
    nodes = compiler.as_nodes(compiled)
    if nodes is None:
        raise ExpressionError("not_nodes", call.at, found=call.name)
    if compiled.kind == "items":
        return Compiled("string", lambda s: found[0].name if (found := nodes(s)) else "")
    return Compiled("string", lambda s: found[0][1].name if (found := nodes(s)) else "")


def _own_text(compiler: _Compiler) -> Compiled:
    return compiler.path(Path("", (Step("self", "*"),)))


def _of_self(build: Build) -> Build:
    """string(), number() and the like, which without an argument speak of where they stand."""

    def either(compiler: _Compiler, call: Call) -> Compiled:
        if call.arguments:
            return build(compiler, call)
        return build(compiler, Call(call.name, (Path("", (Step("self", "*"),)),), call.at))

    return either


def _join(compiler: _Compiler, call: Call) -> Compiled:
    separator = compiler.text(compiler.compile(call.arguments[0]))
    gets = [compiler.texts(compiler.compile(tree, all_instances=True)) for tree in call.arguments[1:]]
    return Compiled("string", lambda s: separator(s).join([text for get in gets for text in get(s)]))


def _checklist(compiler: _Compiler, call: Call) -> Compiled:
    least, most = (compiler.number(compiler.compile(tree)) for tree in call.arguments[:2])
    tests = [compiler.truth(compiler.compile(tree)) for tree in call.arguments[2:]]

    def checklist(scope: Scope) -> bool:
        ticked = sum(1 for test in tests if test(scope))
        return _within(ticked, least(scope), most(scope))

    return Compiled("boolean", checklist)


def _weighted_checklist(compiler: _Compiler, call: Call) -> Compiled:
    least, most = (compiler.number(compiler.compile(tree)) for tree in call.arguments[:2])
    pairs = [
        (compiler.truth(compiler.compile(call.arguments[i])), compiler.number(compiler.compile(call.arguments[i + 1])))
        for i in range(2, len(call.arguments) - 1, 2)
    ]

    def checklist(scope: Scope) -> bool:
        weight = sum(w(scope) for test, w in pairs if test(scope))
        return _within(weight, least(scope), most(scope))

    return Compiled("boolean", checklist)


def _within(value: float, least: float, most: float) -> bool:
    return (least < 0 or value >= least) and (most < 0 or value <= most)


def _is_selected(chosen: str, value: str) -> bool:
    value = value.strip()
    return value != "" and value in chosen.split()


def _selected_at(chosen: str, at: float) -> str:
    parts = chosen.split()
    return parts[int(at)] if at == at and 0 <= at < len(parts) else ""


def _substr(text: str, start: float, end: float = INFINITY) -> str:
    size = length_of(text)
    first, last = (_offset(value, size) for value in (start, end))
    return _cut(text, first, last) if first < last else ""


def _offset(value: float, size: int) -> int:
    if value != value:
        return 0
    value = value + size if value < 0 else value
    return int(min(max(value, 0), size))


def _substring(text: str, start: float, length: float = INFINITY) -> str:
    if start != start or length != length:
        return ""
    first = _half_up(start)
    last = first + (_half_up(length) if math.isfinite(length) else length_of(text) + abs(first) + 1)
    return _cut(text, max(first - 1, 0), max(last - 1, 0))


def _half_up(value: float) -> int:
    return math.floor(value + 0.5) if math.isfinite(value) else 0


def _round(value: float, digits: float = 0.0) -> float:
    """Half away from zero, after shifting the decimal point in binary as the web engine does."""
    if not math.isfinite(value) or not math.isfinite(digits):
        return value if digits == digits else NAN
    shift = 10.0 ** max(-30.0, min(30.0, digits))
    shifted = abs(value) * shift
    return math.copysign(math.floor(shifted + 0.5) / shift, value) if shifted < 1e300 else value


def _truncate(value: float) -> float:
    return float(math.trunc(value)) if math.isfinite(value) else value


def _guarded(function: Callable[..., float]) -> Callable[..., float]:
    """A function of `math` that answers NaN or infinity where Python raises."""

    def call(*values: float) -> float:
        try:
            return float(function(*values))
        except OverflowError:
            return INFINITY
        except (ValueError, ZeroDivisionError):
            return NAN

    return call


def _log(base: Callable[[float], float]) -> Callable[[float], float]:
    return lambda value: -INFINITY if value == 0 else base(value) if value > 0 else NAN


def _power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return INFINITY
    except ValueError:
        return INFINITY if base == 0 else NAN


def _numbers(texts: list[str]) -> list[float]:
    return [value for value in map(number_of, texts) if value == value]


def _translate(text: str, old: str, new: str) -> str:
    table: dict[int, str | None] = {}
    for index, character in enumerate(old):
        table.setdefault(ord(character), new[index] if index < len(new) else None)
    return text.translate(table)


_DIGESTS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def _digest(text: str, algorithm: str, encoding: str = "base64") -> str:
    name = _DIGESTS.get(algorithm.upper())
    if name is None:
        return ""
    value = hashlib.new(name, text.encode("utf-8", "replace"), usedforsecurity=False).digest()
    return value.hex() if encoding == "hex" else base64.b64encode(value).decode("ascii")


def _base64_decode(text: str) -> str:
    try:
        return base64.b64decode(text, validate=False).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""


def points(text: str) -> list[tuple[float, float]]:
    """Latitude and longitude of each point of a geopoint, geotrace or geoshape; empty if one is not a point."""
    found: list[tuple[float, float]] = []
    for part in text.split(";"):
        if not part.strip():
            continue
        numbers = [number_of(word) for word in part.split()]
        if len(numbers) < 2 or not all(math.isfinite(number) for number in numbers[:2]):
            return []
        if abs(numbers[0]) > 90 or abs(numbers[1]) > 180:
            return []
        found.append((numbers[0], numbers[1]))
    return found


def _distance(*texts: str) -> float:
    path = points(";".join(texts))
    if len(path) < 2:
        return NAN
    return _round(sum(_arc(a, b) for a, b in pairwise(path)), 2)


def _arc(a: tuple[float, float], b: tuple[float, float]) -> float:
    lat_a, lat_b = math.radians(a[0]), math.radians(b[0])
    turn = math.radians(a[1] - b[1])
    cosine = math.sin(lat_a) * math.sin(lat_b) + math.cos(lat_a) * math.cos(lat_b) * math.cos(turn)
    return math.acos(max(-1.0, min(1.0, cosine))) * EARTH_RADIUS


def _area(text: str) -> float:
    shape = points(text)
    if len(shape) < 3:
        return 0.0
    total = sum(
        math.radians(lon_b - lon_a) * (2 + math.sin(math.radians(lat_a)) + math.sin(math.radians(lat_b)))
        for (lat_a, lon_a), (lat_b, lon_b) in zip(shape, shape[1:] + shape[:1], strict=True)
    )
    return _round(abs(total) * EARTH_RADIUS**2 / 2, 2)


def _geofence(point: str, shape: str) -> bool:
    where, fence = points(point), points(shape)
    if not where or len(fence) < 3:
        return False
    (lat, lon), inside = where[0], False
    for (lat_a, lon_a), (lat_b, lon_b) in zip(fence, fence[1:] + fence[:1], strict=True):
        if (lon_a > lon) != (lon_b > lon) and lat < (lat_b - lat_a) * (lon - lon_a) / (lon_b - lon_a) + lat_a:
            inside = not inside
    return inside


def _sum(texts: list[str]) -> float:
    return math.fsum(_numbers(texts)) if len(texts) > 2 else float(sum(_numbers(texts)))


FUNCTIONS: dict[str, tuple[int, int | None, Build]] = {
    # name: fewest and most arguments, how it is compiled
    "if": (3, 3, _if),
    "coalesce": (1, None, _coalesce),
    "once": (1, 1, _once),
    # truth
    "true": (0, 0, lambda _c, _t: _const(True, "boolean")),
    "false": (0, 0, lambda _c, _t: _const(False, "boolean")),
    "not": (1, 1, _pure("boolean", "b", operator.not_)),
    "boolean": (1, 1, _boolean),
    "boolean-from-string": (1, 1, _pure("boolean", "t", lambda text: text.lower() in ("true", "1"))),
    "checklist": (2, None, _checklist),
    "weighted-checklist": (2, None, _weighted_checklist),
    # choices
    "selected": (2, 2, _pure("boolean", "t", _is_selected)),
    "selected-at": (2, 2, _pure("string", "tn", _selected_at)),
    "count-selected": (1, 1, _pure("number", "t", lambda text: float(len(text.split())))),
    "jr:choice-name": (2, 2, _choice_name),
    "choice-name": (2, 2, _choice_name),
    "jr:itext": (1, 1, _itext),
    "randomize": (1, 2, _randomize),
    # text
    "string": (0, 1, _of_self(_pure("string", "t", lambda text: text))),
    "concat": (1, None, _lists("string", "".join)),
    "join": (1, None, _join),
    "contains": (2, 2, _pure("boolean", "t", lambda text, part: part in text)),
    "starts-with": (2, 2, _pure("boolean", "t", lambda text, part: text.startswith(part))),
    "ends-with": (2, 2, _pure("boolean", "t", lambda text, part: text.endswith(part))),
    "substr": (2, 3, _pure("string", "tn", _substr)),
    "substring": (2, 3, _pure("string", "tn", _substring)),
    "substring-before": (2, 2, _pure("string", "t", lambda t, p: t.partition(p)[0] if p and p in t else "")),
    "substring-after": (2, 2, _pure("string", "t", lambda t, p: t.partition(p)[2] if p else t)),
    "string-length": (0, 1, _of_self(_pure("number", "t", lambda text: float(length_of(text))))),
    "normalize-space": (0, 1, _of_self(_pure("string", "t", lambda text: " ".join(text.split())))),
    "translate": (3, 3, _pure("string", "t", _translate)),
    "regex": (2, 2, _regex),
    "digest": (2, 3, _pure("string", "t", _digest)),
    "base64-decode": (1, 1, _pure("string", "t", _base64_decode)),
    "uuid": (0, 1, _uuid),
    # numbers
    "number": (0, 1, _of_self(_pure("number", "n", float))),
    "int": (1, 1, _pure("number", "n", _truncate)),
    "round": (1, 2, _pure("number", "n", _round)),
    "floor": (1, 1, _pure("number", "n", lambda x: float(math.floor(x)) if math.isfinite(x) else x)),
    "ceiling": (1, 1, _pure("number", "n", lambda x: float(math.ceil(x)) if math.isfinite(x) else x)),
    "abs": (1, 1, _pure("number", "n", abs)),
    "pow": (2, 2, _pure("number", "n", _power)),
    "sqrt": (1, 1, _pure("number", "n", _guarded(math.sqrt))),
    "exp": (1, 1, _pure("number", "n", _guarded(math.exp))),
    "exp10": (1, 1, _pure("number", "n", lambda x: _power(10.0, x))),
    "log": (1, 1, _pure("number", "n", _log(math.log))),
    "log10": (1, 1, _pure("number", "n", _log(math.log10))),
    "pi": (0, 0, lambda _c, _t: _const(math.pi, "number")),
    "sin": (1, 1, _pure("number", "n", _guarded(math.sin))),
    "cos": (1, 1, _pure("number", "n", _guarded(math.cos))),
    "tan": (1, 1, _pure("number", "n", _guarded(math.tan))),
    "asin": (1, 1, _pure("number", "n", _guarded(math.asin))),
    "acos": (1, 1, _pure("number", "n", _guarded(math.acos))),
    "atan": (1, 1, _pure("number", "n", _guarded(math.atan))),
    "atan2": (2, 2, _pure("number", "n", _guarded(math.atan2))),
    "random": (0, 0, _random),
    # many values
    "sum": (1, None, _lists("number", _sum)),
    "max": (1, None, _lists("number", lambda texts: max(_numbers(texts), default=NAN))),
    "min": (1, None, _lists("number", lambda texts: min(_numbers(texts), default=NAN))),
    "count": (1, 1, _count),
    "count-non-empty": (1, 1, _lists("number", lambda texts: float(sum(1 for text in texts if text != "")))),
    # nodes
    "position": (0, 1, _position),
    "last": (0, 0, _last),
    "indexed-repeat": (3, None, _indexed_repeat),
    "instance": (1, 1, _instance),
    "current": (0, 0, _current),
    "pulldata": (4, 4, _pulldata),
    "name": (0, 1, _name),
    "local-name": (0, 1, _name),
    "version": (0, 0, _version),
    # dates
    "today": (0, 0, _today),
    "now": (0, 0, _now),
    "date": (1, 1, _date),
    "date-time": (1, 1, _date_time),
    "decimal-date-time": (1, 1, _pure("number", "n", float)),
    "decimal-time": (1, 1, _pure("number", "t", _decimal_time)),
    "format-date": (2, 2, _pure("string", "t", format_date)),
    "format-date-time": (2, 2, _pure("string", "t", format_date)),
    # geography
    "area": (1, 1, _pure("number", "t", _area)),
    "distance": (1, None, _pure("number", "t", _distance)),
    "geofence": (2, 2, _pure("boolean", "t", _geofence)),
}
