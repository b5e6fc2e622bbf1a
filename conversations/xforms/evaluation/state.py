"""The data that one session keeps: its frames, its facts, its budget."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo

from conversations.xforms.form import Form
from conversations.xforms.limits import ANSWERING, Exhausted, Limits
from conversations.xforms.nodes import LAST_SAVED, Frame, FrameType, Item, Place
from conversations.xforms.xpath.values import written_offset

_NUMBERS = re.compile(r"\[[^\]]*\]")


def ref_of(place: Place, frame: Frame) -> str:
    """The path of a place, with the numbers of the repeat instances around it: `/data/person[2]/name`."""
    if frame.type.place is None:
        return place.path
    parts = place.path.split("/")
    for around in frame.around():
        if around.type.place is not None:
            depth = around.type.place.path.count("/")
            parts[depth] = f"{parts[depth]}[{around.index + 1}]"
    return "/".join(parts)


def path_of(ref: str) -> str:
    """The path of the place that a ref names: the ref without the numbers of instances."""
    return _NUMBERS.sub("", ref) if "[" in ref else ref


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


class InstanceState:
    """The frames of one session, the facts about it, and its budget. It evaluates nothing."""

    root: Frame
    username = ""
    device_id = ""
    seed = 0
    counter = 0
    last_saved: Mapping[str, str] = MappingProxyType({})
    """The answers that `${last-saved#…}` reads, by ref."""
    _nodes: int | None = None
    """How many values it holds, once somebody has asked."""
    _moment = ""
    _asked: tuple[frozenset[Place] | None, tuple[str, ...]] | None = None
    """What is asked since the last evaluation, among these places: a step and its card want it several times."""
    _dirty = 0
    _is_live = True
    """Off while the instance is being made: first values are no changes, so they trigger nothing."""

    def __init__(
        self, form: Form, *, now: datetime, timezone: str, language: str, instance_id: str, limits: Limits = ANSWERING
    ) -> None:
        self.form = form
        self.limits = limits
        self.steps = limits.steps
        self.now = now
        self.timezone = timezone
        self.language = language
        self.instance_id = instance_id
        self._scopes: dict[int, dict[Frame, None] | None] = {}
        self._shown: list[tuple[Place, Frame]] = []
        self._hidden: list[tuple[Place, Frame]] = []
        self._cleared: list[tuple[str, str]] = []
        self._fired: list[tuple[Place, Frame]] = []
        self._added: list[Frame] = []
        self._new: dict[Frame, None] = {}

    def spend(self, steps: int) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise Exhausted("steps")

    def refill(self) -> None:
        """Start a new budget: for another event, or for drawing a card."""
        self.steps = self.limits.steps

    def moment_text(self) -> str:
        """`now` on the session's wall clock, as ODK writes a dateTime."""
        if not self._moment:
            here = self.now.astimezone(_zone(self.timezone))
            self._moment = here.isoformat(timespec="milliseconds")
        return self._moment

    def offset_of(self, wall: datetime) -> str:
        return written_offset(wall.replace(tzinfo=_zone(self.timezone)).strftime("%z"))

    def random_text(self) -> str:
        """64 hexadecimal digits, always the same at the same count."""
        self.counter += 1
        return hashlib.sha256(f"{self.instance_id}:{self.seed}:{self.counter}".encode()).hexdigest()

    def order_seed(self, place: Place) -> int:
        digest = hashlib.sha256(f"{self.instance_id}:{self.seed}:{place.path}".encode()).digest()
        return int.from_bytes(digest[:6], "big")

    def last_saved_items(self) -> list[Item]:
        """The last submission as a secondary instance. It is empty if there was none."""
        root = Item(LAST_SAVED)
        self.spend(10 * len(self.last_saved))
        for ref, value in self.last_saved.items():
            item = root
            for part in ref.split("/")[1:]:
                name, _, number = part.partition("[")
                at = int(number[:-1]) - 1 if number else 0
                while len(item.children.get(name, ())) <= at:
                    Item(name, "", item)
                item = item.children[name][at]
            item.text = value
        return [root]

    def _leaves(self, frame: Frame) -> list[tuple[Frame, Place]]:
        """The leaves in and below a frame. No generator: every step asks for them several times."""
        walk = frame.type.walk
        self.spend(len(walk))
        if not frame.repeats:
            return [(frame, place) for place in walk]
        leaves: list[tuple[Frame, Place]] = []
        for place in walk:
            if place.inner is None:
                leaves.append((frame, place))
            else:
                for each in frame.repeats[place.slot]:
                    leaves += self._leaves(each)
        return leaves

    def _places(self, frame: Frame) -> Iterator[tuple[Frame, Place]]:
        """Every place in and below a frame with its frame, in document order. A repeat comes before its content."""
        for place in frame.type.places[1:]:
            yield frame, place
            if place.inner is not None:
                for each in frame.repeats[place.slot]:
                    yield from self._places(each)

    def frames(self, frame_type: FrameType) -> list[Frame]:
        """All frames of a type, in document order."""
        if frame_type.parent is None:
            return [self.root]
        place = frame_type.place
        assert place is not None
        found = [each for around in self.frames(frame_type.parent) for each in around.repeats[place.slot]]
        self.spend(len(found))
        return found

    def _find(self, ref: str) -> tuple[Place, Frame]:
        """The place and frame of a ref, or of a name that stands in one frame only. KeyError otherwise."""
        form = self.form
        place = form.places.get(ref)
        if place is not None and place.frame is form.frame:
            return place, self.root
        if not ref.startswith("/"):
            found = form.by_name.get(ref, [])
            if len(found) == 1 and found[0].frame is form.frame:
                return found[0], self.root
            frames = [(each, frame) for each in found for frame in self.frames(each.frame)]
            if len(frames) != 1:
                raise KeyError(ref)
            return frames[0]
        frame, place = self.root, form.root
        parts = ref.split("/")
        if parts[1] != place.name:
            raise KeyError(ref)
        for number, part in enumerate(parts[2:], 2):
            name, _, index = part.partition("[")
            child = place.children.get(name)
            if child is None:
                raise KeyError(ref)
            if child.is_repeat and number < len(parts) - 1:
                instances = frame.repeats[child.slot]
                at = int(index[:-1]) if index[:-1].isdigit() else 1
                if not 1 <= at <= len(instances):
                    raise KeyError(ref)
                frame = instances[at - 1]
            elif index and not child.is_repeat and index != "1]":
                raise KeyError(ref)
            place = child
        return place, frame

    def repeat_at(self, ref: str) -> tuple[Place, Frame]:
        """The repeat that a ref names, with or without the number of an instance."""
        try:
            place, frame = self._find(ref)
        except KeyError:
            place, frame = self._find(ref.rpartition("[")[0])
        if not place.is_repeat:
            raise KeyError(ref)
        return place, frame
