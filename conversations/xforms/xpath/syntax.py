"""Read an expression as a tree, by recursive descent, once, when the form is published.

An ExpressionError says where an expression is not XPath, too long or too deep.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeGuard

MAX_LENGTH = 32_768
MAX_DEPTH = 100
MAX_PREDICATES = 20
"""The depth of brackets within brackets. One costs about ten times the stack of a parenthesis."""


class ExpressionError(Exception):
    """An expression cannot be used. `at` counts characters from 0; `code` names a `problem.expression.*`."""

    def __init__(self, code: str, at: int = 0, **values: object) -> None:
        super().__init__(f"{code} at {at}: {values}" if values else f"{code} at {at}")
        self.code = code
        self.at = at
        self.values = values


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Text:
    value: str


@dataclass(frozen=True, slots=True)
class Chain:
    """Operators of one precedence, from left to right: `a or b or c` is one chain, however long it is."""

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
    """Steps from a start: "/" is the form's root, "" is the expression's own place, a tree yields nodes."""

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
PRECEDENCE = {
    "or": 1, "and": 2, "=": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4,
    "+": 5, "-": 5, "*": 6, "div": 6, "mod": 6,
}  # fmt: skip
_AXES = frozenset({"child", "parent", "self", "descendant", "descendant-or-self"})
_NODE_TESTS = frozenset({"node", "text"})


class _Parser:
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
        return (text, PRECEDENCE.get(text, 0)) if kind in ("symbol", "name") else ("", 0)

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
    """Read an expression as a tree. ExpressionError points at the first thing that is not XPath."""
    return _Parser(source).read()


def parts_of(tree: Tree) -> Iterable[Tree]:
    """This tree and every tree in it."""
    yield tree
    match tree:
        case Chain(first, rest):
            for part in (first, *(part for _, part in rest)):
                yield from parts_of(part)
        case Minus(operand):
            yield from parts_of(operand)
        case Call(_, arguments):
            for part in arguments:
                yield from parts_of(part)
        case Path(start, steps):
            if not isinstance(start, str):
                yield from parts_of(start)
            for step in steps:
                for part in step.predicates:
                    yield from parts_of(part)


def weight_of(trees: Iterable[Tree]) -> int:
    """The number of parts in these trees: the steps that one evaluation costs."""
    return sum(1 for tree in trees for _ in parts_of(tree))


def is_column(tree: Tree) -> TypeGuard[Path]:
    """Whether this is the name of one child, such as `name` in `[name = 'a']`."""
    return (
        isinstance(tree, Path)
        and tree.start == ""
        and len(tree.steps) == 1
        and tree.steps[0].axis == "child"
        and not tree.steps[0].predicates
        and tree.steps[0].name != "*"
    )


def asks_position(tree: Tree) -> bool:
    """Whether a part calls position() or last()."""
    return any(isinstance(part, Call) and part.name in ("position", "last") for part in parts_of(tree))


def is_relative(tree: Tree) -> bool:
    """Whether the value depends on the item being tested."""
    return asks_position(tree) or any(isinstance(part, Path) and part.start == "" for part in parts_of(tree))
