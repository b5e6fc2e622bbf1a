"""An expression that has been compiled: what it reads, and how a session evaluates it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, TypeVar

from conversations.xforms.limits import LONG, Exhausted, Limits
from conversations.xforms.nodes import Frame, FrameType, Item, Place


class Session(Protocol):
    """The values that an expression may ask its session for. `conversations.xforms.instance.Instance` is one."""

    root: Frame
    steps: int
    """The rest of the budget."""
    limits: Limits

    def spend(self, steps: int) -> None: ...
    def moment_text(self) -> str: ...
    def offset_of(self, wall: datetime) -> str: ...
    def random_text(self) -> str: ...
    def choice_name(self, place: Place, frame: Frame, value: str) -> str: ...
    def itext(self, text_id: str, place: Place, frame: Frame) -> str: ...
    def order_seed(self, place: Place) -> int: ...
    def last_saved_items(self) -> list[Item]: ...


Kind = Literal["string", "number", "boolean", "any", "node", "nodes", "items"]


class Scope:
    """The place of one evaluation: a frame and, in a predicate, the node or item being tested.

    A compiled part reads slots by number, and a number means something in one type of frame only. So a scope always
    knows that type: `home`. `frame` may be any frame of the session. The scope finds the right one from there with
    `Frame.at`.
    """

    __slots__ = ("frame", "item", "origin", "position", "session", "size")

    def __init__(self, session: Session, frame: Frame, home: FrameType, weight: int) -> None:
        if frame.type is not home:
            frame = frame.at(home)
        session.steps -= weight
        if session.steps < 0:
            raise Exhausted("steps")
        self.session = session
        self.frame = frame
        self.origin = frame
        self.item: Item | None = None
        self.position = 1
        self.size = 1


Get = Callable[[Scope], Any]


@dataclass(slots=True)
class Reads:
    """The places on which an expression depends. The compiler finds them.

    `values` has each place whose value is read. It maps to True if the value is read only from the expression's own
    frame or from one around it. `repeats` has each repeat whose instances are counted or ordered.
    """

    values: dict[Place, bool] = field(default_factory=dict)
    repeats: set[Place] = field(default_factory=set)
    choice_names: set[Place] = field(default_factory=set)
    language: bool = False
    own_value: bool = False
    unknown: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The parts of a form that its expressions use: its places, its secondary instances, its version."""

    root: Place
    instances: Mapping[str, Item]
    version: str = ""


Found = TypeVar("Found")
Evaluate = Callable[[Session, Frame], Found]
"""Evaluates an expression in a session. The frame may be any frame: the expression finds its own from there."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. Its four functions raise only `Exhausted`, when the budget is used up.

    `nodes` gives nodes of the form, `items` gives items of a secondary instance. Each is empty for another kind of
    expression. The compiled parts are not accessible: an expression can only be evaluated in its own frame.
    """

    source: str
    kind: Kind
    home: FrameType
    """The type of frame that the expression was compiled for."""
    text: Evaluate[str]
    truth: Evaluate[bool]
    nodes: Evaluate[Sequence[tuple[Frame, Place]]]
    items: Evaluate[Sequence[Item]]
    node_kind: Literal["", "nodes", "items"]
    node_places: tuple[Place, ...]
    reads: Reads
    constant: bool
    is_fixed: bool
    """It gives the same items in every session: a list without a filter."""
    column: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """The place and column of an expression. `weight` is the number of its parts: the steps of one evaluation."""

    place: Place
    column: str
    home: FrameType
    weight: int

    def evaluate(self, get: Callable[[Scope], Found], *, is_constant: bool = False) -> Evaluate[Found]:
        """Make a compiled part into a function of session and frame. `Exhausted` then says where it happened.

        A constant part is evaluated now. It costs its steps whenever it is asked.
        """
        place, column, home, weight = self.place, self.column, self.home, self.weight
        if is_constant:
            return self._always(get(None))  # type: ignore[arg-type]

        def evaluate(session: Session, frame: Frame) -> Found:
            try:
                return get(Scope(session, frame, home, weight))
            except Exhausted as limit:
                limit.met_at(place, column)
                raise

        return evaluate

    def _always(self, value: Found) -> Evaluate[Found]:
        place, column, weight = self.place, self.column, self.weight

        def always(session: Session, _frame: Frame) -> Found:
            try:
                session.spend(weight)
            except Exhausted as limit:
                limit.met_at(place, column)
                raise
            return value

        return always

    def evaluate_all(self, get: Callable[[Scope], Sequence[Found]] | None) -> Evaluate[Sequence[Found]]:
        """Do the same for a list; each element costs one step. Without a part the list is empty."""
        if get is None:
            return lambda _session, _frame: ()

        return self.evaluate(counted(get))


def counted(get: Callable[[Scope], Sequence[Found]]) -> Callable[[Scope], Sequence[Found]]:
    """Get the same list, and spend a step for each element."""

    def counted(scope: Scope) -> Sequence[Found]:
        found = get(scope)
        scope.session.spend(len(found))
        return found

    return counted


def joined(session: Session, separator: str, texts: Sequence[str]) -> str:
    """Join texts. The length is measured first: a text that is too long for an answer is `Exhausted`."""
    size = sum(map(len, texts)) + len(separator) * len(texts)
    if size > LONG:
        if size > session.limits.text:
            raise Exhausted("text")
        session.spend(size // 4)
    return separator.join(texts)
