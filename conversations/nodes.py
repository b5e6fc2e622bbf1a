"""The shape of a form's instance: what exists once per form, and what exists once per session.

An XForm instance is an XML tree, but a form without repeats never changes shape, and a repeat is the only thing
that multiplies. So a session is not a tree of objects: it is one `Frame` for the form and one for each instance
of a repeat, and a frame is two flat lists (values and relevance) that a place in the form indexes by number.
A path of an expression becomes "climb so many frames, take that number" when the form is published, which is
what makes an evaluation a microsecond and a restore a copy of lists.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

LAST_SAVED = "__last-saved"
"""The secondary instance that pyxform reads `${last-saved#…}` from: each session has its own."""


class Place:
    """One element of the form's instance as the form defines it; the same for every session.

    A place that repeats lives in two frames: number `slot` of the frame around it holds the repeat as a whole,
    number 0 of its own frames is the instance itself.
    """

    __slots__ = ("children", "frame", "inner", "name", "parent", "path", "slot", "value_type")

    def __init__(self, name: str, parent: "Place | None", frame: "FrameType") -> None:
        self.name = name
        self.parent = parent
        self.path: str = f"{parent.path}/{name}" if parent else f"/{name}"
        self.children: dict[str, Place] = {}
        self.frame = frame
        self.slot = len(frame.places)
        self.value_type = "string"
        self.inner: FrameType | None = None
        frame.places.append(self)
        if parent is not None:
            parent.children[name] = self

    @property
    def is_repeat(self) -> bool:
        return self.inner is not None

    @property
    def is_leaf(self) -> bool:
        return not self.children and self.inner is None

    @property
    def home(self) -> "FrameType":
        """The frame that an expression attached to this place is evaluated in: a repeat's own."""
        return self.inner or self.frame

    def descendants(self) -> Iterator["Place"]:
        """Every place below this one, in document order."""
        for child in self.children.values():
            yield child
            yield from child.descendants()

    def __repr__(self) -> str:
        return f"<Place {self.path}>"


@dataclass(frozen=True, slots=True)
class Seed:
    """What a frame begins with: a value per slot, and the instances each repeat has from the start."""

    values: tuple[str, ...]
    repeats: "Mapping[int, tuple[Seed, ...]]" = field(default_factory=dict)


class FrameType:
    """What every frame of one repeat (or the form's single outermost frame) has in common."""

    __slots__ = ("_walk", "depth", "parent", "place", "places", "repeats", "template")

    def __init__(self, parent: "FrameType | None", place: Place | None) -> None:
        self.parent = parent
        self.place = place
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.places: list[Place] = []
        self.repeats: list[Place] = []
        self.template = Seed(())
        self._walk: tuple[Place, ...] = ()

    @property
    def walk(self) -> tuple[Place, ...]:
        """Leaves and repeats of such a frame in document order. To be asked when the form has been read."""
        if not self._walk:
            self._walk = tuple(each for each in self.places[1:] if each.inner is not None or not each.children)
        return self._walk

    def chain(self) -> list["FrameType"]:
        """This frame type and those around it, innermost first."""
        types = [self]
        while types[-1].parent is not None:
            types.append(types[-1].parent)
        return types


class Frame:
    """One session's values for the form, or for one instance of a repeat.

    `values` keeps what was answered even while it is not relevant (it comes back when the question does);
    whoever reads a value asks `relevant` first.
    """

    __slots__ = ("calculated", "filtered", "index", "parent", "relevant", "repeats", "type", "values")

    def __init__(self, frame_type: FrameType, parent: "Frame | None", index: int) -> None:
        self.type = frame_type
        self.parent = parent
        self.index = index
        self.values: list[str] = []
        self.relevant = bytearray()
        self.repeats: dict[int, list[Frame]] = {}
        # The last result of a calculation that the respondent may overwrite: it wins again when it changes.
        self.calculated: dict[int, str] = {}
        # The whole answer to a select of which a choice_filter hides a part: it comes back with the choice.
        self.filtered: dict[int, str] = {}

    def up(self, frame_type: FrameType) -> "Frame":
        frame = self
        while frame.type is not frame_type:
            assert frame.parent is not None
            frame = frame.parent
        return frame

    def is_within(self, other: "Frame") -> bool:
        frame: Frame | None = self
        while frame is not None:
            if frame is other:
                return True
            frame = frame.parent
        return False


class Item:
    """An element of a secondary instance: a choice list, an attached CSV, GeoJSON or XML file. Never changes."""

    __slots__ = ("children", "name", "parent", "text")

    def __init__(self, name: str, text: str = "", parent: "Item | None" = None) -> None:
        self.name = name
        self.text = text
        self.parent = parent
        self.children: dict[str, list[Item]] = {}
        if parent is not None:
            parent.children.setdefault(name, []).append(self)

    def child_text(self, name: str) -> str:
        found = self.children.get(name)
        return found[0].text if found else ""

    def descendants(self) -> Iterator["Item"]:
        for group in self.children.values():
            for child in group:
                yield child
                yield from child.descendants()
