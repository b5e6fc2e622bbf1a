"""Repeats in a chat: what one stands at when an instance has been answered.

On a phone's form one swipes past the last instance and is asked whether to add another. Here that is a *stop*
behind every open repeat: a place in the form's order like a question, with a ref of its own (the repeat's and
`[+]`), which is dealt with when the respondent says that there are no more. A repeat that the form counts
(`repeat_count`) has no stop.

Refs carry the numbers of the instances they lie in, so whoever keeps refs renumbers them when an instance goes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from conversations.form import Group
from conversations.instance import Instance, Node, ref_of
from conversations.nodes import Frame, Place

_STOP = "[+]"


@dataclass(frozen=True, slots=True)
class RepeatStop:
    """Behind the instances of an open repeat: add another, edit or remove one, or go on. `frame` lies around it."""

    ref: str
    place: Place
    frame: Frame
    group: Group

    @property
    def repeat(self) -> str:
        """The ref of the repeat as a whole."""
        return self.ref.removesuffix(_STOP)

    @property
    def instances(self) -> Sequence[Frame]:
        return self.frame.repeats[self.place.slot]


Stop = Node | RepeatStop


def stops_of(instance: Instance, nodes: Sequence[Node]) -> list[Stop]:
    """These questions in their order, and behind the instances of every open, relevant repeat its stop."""
    asked = {(id(node.frame), node.place): node for node in nodes}
    return list(_stops(instance, instance.root, asked))


def _stops(instance: Instance, frame: Frame, asked: dict[tuple[int, Place], Node]) -> Iterator[Stop]:
    logic = instance.form.logic
    for place in frame.type.walk:
        if place.inner is None:
            node = asked.get((id(frame), place))
            if node is not None:
                yield node
            continue
        if not frame.relevant[place.slot]:
            continue
        for each in frame.repeats[place.slot]:
            yield from _stops(instance, each, asked)
        group = logic[place].group
        if group is not None and logic[place].count is None and _can_change(instance, place, frame):
            yield RepeatStop(f"{ref_of(place, frame)}{_STOP}", place, frame, group)


def _can_change(instance: Instance, place: Place, frame: Frame) -> bool:
    """Whether it asks anything: nobody is asked how many there are of what is only calculated or read."""
    questions = (instance.form.logic[each].question for each in place.descendants())
    has_questions = any(
        question is not None and question.is_asked and question.type != "note" for question in questions
    )
    return has_questions and not instance.is_readonly(place, frame)


def is_stop(ref: str) -> bool:
    return ref.endswith(_STOP)


def address(instance: Instance, stop: Stop) -> str:
    """Short words for a stop that fit a button: the question's number, then those of the instances around it."""
    frame = stop.frame
    if isinstance(stop, Node):
        number = str(stop.question.number)
    else:
        number = f"+{next(i for i, group in enumerate(instance.form.groups) if group is stop.group)}"
    return ".".join([number, *(str(index) for index in reversed(list(_indices(frame))))])


def _indices(frame: Frame) -> Iterator[int]:
    around: Frame | None = frame
    while around is not None and around.type.place is not None:
        yield around.index + 1
        around = around.parent


def open_instance(instance: Instance, frame: Frame) -> Frame | None:
    """The nearest instance around, or here, that the respondent may remove; None outside of open repeats."""
    around: Frame | None = frame
    while around is not None and (place := around.type.place) is not None:
        if instance.form.logic[place].count is None:
            return around
        around = around.parent
    return None


def instance_ref(frame: Frame) -> str:
    """The ref of a repeat's instance: `/data/person[2]`."""
    assert frame.type.place is not None
    assert frame.parent is not None
    return f"{ref_of(frame.type.place, frame.parent)}[{frame.index + 1}]"


def renumbered(ref: str, repeat: str, gone: int) -> str | None:
    """What a ref is called after instance `gone` of a repeat has been removed; None if it went with it."""
    if not ref.startswith(f"{repeat}["):
        return ref
    number, _, rest = ref[len(repeat) + 1 :].partition("]")
    if not number.isdecimal() or int(number) < gone:
        return ref
    return None if int(number) == gone else f"{repeat}[{int(number) - 1}]{rest}"


def groups_around(stop: Stop) -> list[Group]:
    """The groups a stop lies in, outermost first; a repeat's own group is the last of its stop."""
    groups: list[Group] = []
    group = stop.question.group if isinstance(stop, Node) else stop.group
    while group is not None:
        groups.append(group)
        group = group.parent
    return groups[::-1]


def number_in(group: Group, frame: Frame) -> tuple[int, int] | None:
    """Which instance of a repeat a frame lies in, and of how many; None if it lies outside."""
    around: Frame | None = frame
    while around is not None and around.type.place is not None:
        if around.type.place is group.place:
            assert around.parent is not None
            return around.index + 1, len(around.parent.repeats[around.type.place.slot])
        around = around.parent
    return None


__all__ = [
    "RepeatStop",
    "Stop",
    "address",
    "groups_around",
    "instance_ref",
    "is_stop",
    "number_in",
    "open_instance",
    "renumbered",
    "stops_of",
]
