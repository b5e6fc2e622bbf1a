"""Compile trees to closures: literals, operators, and calls of the functions in a table."""

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from conversations.xforms.nodes import Place
from conversations.xforms.xpath.conversions import Compiled, all_of, any_of, fixed
from conversations.xforms.xpath.expression import Get, Kind, Reads, Scope, Surroundings
from conversations.xforms.xpath.node_paths import NodePaths
from conversations.xforms.xpath.syntax import MAX_DEPTH, Call, Chain, ExpressionError, Minus, Number, Path, Text, Tree
from conversations.xforms.xpath.values import INFINITY, NAN, number_of, to_number, to_truth

Build = Callable[["Compiler", Call], Compiled]
Functions = Mapping[str, tuple[int, int | None, Build]]
"""By name: the smallest and the largest number of arguments, and the function that compiles a call."""


class Compiler(NodePaths):
    """Compiles the trees of one expression, from the leaves up."""

    def __init__(
        self,
        surroundings: Surroundings,
        reads: Reads,
        place: Place,
        *,
        functions: "Functions",
        outside: bool = False,
        in_item: bool = False,
    ) -> None:
        super().__init__(surroundings, reads, place, outside=outside, in_item=in_item)
        self.functions = functions

    def compile(self, tree: Tree, *, all_instances: bool = False) -> Compiled:
        match tree:
            case Number(value):
                return fixed(value, "number")
            case Text(value):
                return fixed(value, "string")
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
        """Compile operators of one precedence, from left to right."""
        symbols = {symbol for symbol, _ in tree.rest}
        if symbols <= {"or", "and"}:
            parts = [self.truth(self.compile(part)) for part in (tree.first, *(part for _, part in tree.rest))]
            return Compiled("boolean", any_of(parts) if symbols == {"or"} else all_of(parts))
        if symbols == {"|"}:
            return self.union_of(tree, all_instances=all_instances)
        if symbols <= _ARITHMETIC.keys():
            return Compiled("number", self.arithmetic(tree))
        if len(tree.rest) > MAX_DEPTH:
            raise ExpressionError("too_deep", 0, limit=MAX_DEPTH)
        left = self.compile(tree.first)
        for symbol, right in tree.rest:
            left = self.comparison(symbol, left, self.compile(right))
        return left

    def arithmetic(self, tree: Chain) -> Get:
        """Compile sums or products. A thousand terms take no more of the stack than two."""
        first = self.number(self.compile(tree.first))
        rest = [(_ARITHMETIC[symbol], self.number(self.compile(part))) for symbol, part in tree.rest]

        def folded(scope: Scope) -> float:
            value: float = first(scope)
            for apply, right in rest:
                value = apply(value, right(scope))
            return value

        return folded

    def union_of(self, tree: Chain, *, all_instances: bool) -> Compiled:
        """Compile `a | b`: the nodes of both, each once, in the order they are found."""
        parts = [
            self.compile(part, all_instances=all_instances) for part in (tree.first, *(part for _, part in tree.rest))
        ]
        gets = [self.as_nodes(part) for part in parts]
        if any(get is None for get in gets) or len({part.kind == "items" for part in parts}) > 1:
            raise ExpressionError("not_nodes", 0, found="|")

        def union(scope: Scope) -> list[Any]:
            found: dict[Any, None] = {}
            for get in gets:
                found.update(dict.fromkeys(get(scope)))  # type: ignore[misc]
            scope.session.spend(len(found))
            return list(found)

        kind: Kind = "items" if parts[0].kind == "items" else "nodes"
        places = tuple(place for part in parts for place in part.named)
        return Compiled(kind, union, places=places, is_local=all(part.is_local for part in parts))

    def comparison(self, symbol: str, left: Compiled, right: Compiled) -> Compiled:
        if symbol in ("=", "!="):
            return Compiled("boolean", self.equality(left, right, negated=symbol == "!="))
        return Compiled("boolean", self.relation(_RELATIONS[symbol], left, right))

    def equality(self, left: Compiled, right: Compiled, *, negated: bool) -> Get:
        """Compile `=` or `!=` by the kinds of both sides.

        A truth compares as truth. A list is equal if one pair is equal. A number compares as number; the rest as text.
        """
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
                return lambda s: _any_pair(s, compare, _numbers_of(many(s)), _numbers_of(others(s)))
            return lambda s: _any_pair(s, compare, many(s), others(s))
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
        """Compile `<`, `<=`, `>` or `>=`, which compare numbers. A list fulfils it if one pair does."""
        if any(kind in ("nodes", "items") for kind in (left.kind, right.kind)):
            many, others = self.texts(left), self.texts(right)
            return lambda s: _any_pair(s, compare, _numbers_of(many(s)), _numbers_of(others(s)))
        a, b = self.number(left), self.number(right)
        if right.constant:
            value = b(None)  # type: ignore[arg-type]
            return lambda s: compare(a(s), value)
        return lambda s: compare(a(s), b(s))

    def call(self, tree: Call) -> Compiled:
        """Compile a call of a function. ExpressionError if there is no such function, or not with so many arguments."""
        entry = self.functions.get(tree.name)
        if entry is None:
            raise ExpressionError("unknown_function", tree.at, function=tree.name)
        least, most, build = entry
        count = len(tree.arguments)
        if count < least or (most is not None and count > most):
            raise ExpressionError("arguments", tree.at, function=tree.name)
        return build(self, tree)


def _numbers_of(texts: list[str]) -> list[float]:
    return [number_of(text) for text in texts]


def _any_pair(scope: Scope, compare: Callable[[Any, Any], bool], left: list[Any], right: list[Any]) -> bool:
    scope.session.spend(len(left) * len(right))
    return any(compare(a, b) for a in left for b in right)


def _loosely_equal(left: object, right: object) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return to_truth(left) is to_truth(right)
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    return to_number(left) == to_number(right)


def _divide(left: float, right: float) -> float:
    """Divide as IEEE 754 does: 1 div 0 is infinite, 0 div 0 is NaN."""
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
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "div": _divide,
    "mod": _remainder,
}
