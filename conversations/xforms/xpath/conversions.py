"""The compiled parts of an expression. Each kind of part can become text, number, truth or nodes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conversations.xforms.nodes import Frame, Place
from conversations.xforms.xpath.expression import Get, Kind, Reads, Scope, Surroundings
from conversations.xforms.xpath.syntax import Call, ExpressionError, Tree
from conversations.xforms.xpath.values import number_of, text_of, to_number, to_text, to_truth


@dataclass(slots=True)
class Compiled:
    """One compiled part of an expression. What `get` returns depends on `kind`.

    string, number, boolean: the value; any: one of these three; node: the text of the single node; nodes: a list of
    (frame, place); items: a list of Item.
    """

    kind: Kind
    get: Get
    place: Place | None = None
    frame: Get | None = None
    is_local: bool = True
    constant: bool = False
    is_fixed: bool = False
    """These items are the same in every session."""
    places: tuple[Place, ...] = ()

    @property
    def named(self) -> tuple[Place, ...]:
        """The places of the nodes: the one, or those of the list."""
        return self.places or ((self.place,) if self.place else ())

    @property
    def value(self) -> Any:
        """The value of a constant part, which needs no scope."""
        assert self.constant
        return self.get(None)  # type: ignore[arg-type]


def fixed(value: Any, kind: Kind) -> Compiled:
    """A part that has the same value everywhere."""
    return Compiled(kind, lambda _scope: value, constant=True)


def read_node(frame: Frame, place: Place) -> str:
    """The text of a node; blank while it is not relevant."""
    slot = place.slot if place.inner is None else 0
    return frame.values[slot] if frame.relevant[slot] else ""


def any_of(parts: list[Callable[[Scope], bool]]) -> Get:
    if len(parts) == 2:
        a, b = parts
        return lambda s: a(s) or b(s)

    def any_of(scope: Scope) -> bool:
        for part in parts:  # noqa: SIM110  (a generator costs more than the loop)
            if part(scope):
                return True
        return False

    return any_of


def all_of(parts: list[Callable[[Scope], bool]]) -> Get:
    if len(parts) == 2:
        a, b = parts
        return lambda s: a(s) and b(s)

    def all_of(scope: Scope) -> bool:
        for part in parts:  # noqa: SIM110
            if not part(scope):
                return False
        return True

    return all_of


class Conversions:
    """The state of compiling one expression. It converts the parts of the expression.

    Converting a node to a value makes the expression depend on that node (`reads`). Counting nodes does not.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        reads: Reads,
        place: Place,
        *,
        outside: bool = False,
        in_item: bool = False,
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

    def compile(self, tree: Tree, *, all_instances: bool = False) -> Compiled:
        """Compile a part of the expression. With `all_instances`, a repeat around it means all its instances."""
        raise NotImplementedError

    def _read(self, compiled: Compiled) -> None:
        """Note that the expression depends on the nodes of this part."""
        for place in compiled.named:
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
                return lambda s: to_text(get(s))
            case "nodes":
                return lambda s: read_node(*found[0]) if (found := get(s)) else ""
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
                return lambda s: to_number(get(s))
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
                return lambda s: to_truth(get(s))
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
        """Convert to truth as if() does: a node is true unless it is blank, even if it says "false" (both engines)."""
        if compiled.kind == "node":
            text = self.text(compiled)
            return lambda s: text(s) != ""
        return self.truth(compiled)

    def texts(self, compiled: Compiled) -> Callable[[Scope], list[str]]:
        """The text of every node. A single value gives a list of one text."""
        get = compiled.get
        match compiled.kind:
            case "nodes":
                self._read(compiled)
                return lambda s: [read_node(frame, place) for frame, place in get(s)]
            case "items":
                return lambda s: [item.text for item in get(s)]
            case _:
                text = self.text(compiled)
                return lambda s: [text(s)]

    def as_nodes(self, compiled: Compiled) -> Get | None:
        """The nodes of this part, not their text. None if the part is no list of nodes."""
        if compiled.kind in ("nodes", "items"):
            return compiled.get
        if compiled.kind == "node" and compiled.frame is not None:
            frame, place = compiled.frame, compiled.place
            return lambda s: [(frame(s), place)]
        return None

    def must_be_nodes(self, compiled: Compiled, call: Call) -> Get:
        """`as_nodes` of an argument of this function. ExpressionError if it is no list of nodes."""
        if (nodes := self.as_nodes(compiled)) is None:
            raise ExpressionError("not_nodes", call.at, found=call.name)
        return nodes

    def predicate(self, compiled: Compiled) -> Callable[[Scope], bool]:
        """Convert the expression in brackets: a number is a position, everything else is true or false."""
        if compiled.kind == "number":
            number = compiled.get
            return lambda s: number(s) == s.position
        if compiled.kind == "any":
            get = compiled.get
            return lambda s: value == s.position if type(value := get(s)) in (int, float) else to_truth(value)
        return self.truth(compiled)
