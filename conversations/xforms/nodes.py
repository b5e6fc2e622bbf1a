"""The shape of a form's instance: what exists once for a form, and what exists once for a session.

An XForm instance is an XML tree. But a form without repeats never changes its shape, and only repeats multiply. So a
session is no tree of objects. It is one `Frame` for the form and one for each instance of a repeat. A frame is two
flat lists, values and relevance, and each place of the form has a number in them. When a form is published, a path in
an expression becomes "climb so many frames, read that number". So an evaluation takes a microsecond, and restoring a
session copies lists.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

LAST_SAVED = "__last-saved"
"""The secondary instance that pyxform uses for `${last-saved#…}`. Each session has its own."""


class Place:
    """One element of the form's instance; the same for every session.

    A repeat has a number in two frames. Number `slot` of the frame around it is the repeat as a whole. Number 0 of
    each of its own frames is the instance itself.
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
        """The type of frame in which the expressions of this place are evaluated. A repeat has its own frames."""
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
    """The content with which a frame starts: a value for each slot, and the first instances of each repeat."""

    values: tuple[str, ...]
    repeats: "Mapping[int, tuple[Seed, ...]]" = field(default_factory=dict)


class FrameType:
    """What all frames of one repeat have in common. The form's outermost frame has a type of its own."""

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
        """The leaves and repeats of such a frame, in document order. Read it only after the form has been read."""
        if not self._walk:
            self._walk = tuple(each for each in self.places[1:] if each.inner is not None or not each.children)
        return self._walk

    def chain(self) -> list["FrameType"]:
        """This type and the types around it, innermost first."""
        types = [self]
        while types[-1].parent is not None:
            types.append(types[-1].parent)
        return types


class Frame:
    """The values of one session for the form, or for one instance of a repeat.

    `values` keeps an answer while it is not relevant: it comes back together with its question. So read `relevant`
    before you read a value.
    """

    __slots__ = ("calculated", "filtered", "index", "parent", "relevant", "repeats", "type", "values")

    def __init__(self, frame_type: FrameType, parent: "Frame | None", index: int, values: Iterable[str]) -> None:
        self.type = frame_type
        self.parent = parent
        self.index = index
        self.values = list(values)
        self.relevant = bytearray(b"\x01") * len(self.values)
        self.repeats: dict[int, list[Frame]] = {}
        # The last result of a calculation that the respondent may overwrite. A new result replaces their answer.
        self.calculated: dict[int, str] = {}
        # The whole answer to a select if a choice_filter hides a part of it. It comes back with the choice.
        self.filtered: dict[int, str] = {}

    def around(self) -> Iterator["Frame"]:
        """This frame and the frames around it, the innermost first."""
        frame: Frame | None = self
        while frame is not None:
            yield frame
            frame = frame.parent

    def at(self, home: FrameType) -> "Frame":
        """The frame of type `home` as seen from this one: itself or a frame around it.

        If there is none, an absent instance stands for it, as in JavaRosa. Everything in it is blank. The same frames
        lie around it as around this frame.
        """
        for frame in self.around():
            if frame.type is home:
                return frame
        assert home.parent is not None
        assert home.place is not None
        around = self.at(home.parent)
        number = len(around.repeats.get(home.place.slot, ()))
        absent = Frame(home, around, number, [""] * len(home.places))
        absent.repeats = {place.slot: [] for place in home.repeats}
        return absent

    def is_within_any(self, others: Container["Frame"]) -> bool:
        return any(frame in others for frame in self.around())


class Item:
    """An element of a secondary instance: a choice list, an attached CSV, GeoJSON or XML file. It never changes."""

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
