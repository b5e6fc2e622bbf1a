"""Repeats in a chat: where a session stands when an instance has been answered.

In a form on a phone, a swipe past the last instance asks whether to add another. Here every open repeat has a *stop*
behind it. It is a place in the form's order like a question, and its ref is the repeat's ref and `[+]`. It is dealt
with when the respondent says that there are no more. A repeat that the form counts (`repeat_count`) has no stop.

Refs contain the numbers of instances. So code that keeps refs must renumber them when an instance is removed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from conversations.xforms.evaluation.state import ref_of
from conversations.xforms.evaluation.texts import Node
from conversations.xforms.form import Group
from conversations.xforms.instance import Instance
from conversations.xforms.nodes import Frame, Place

_STOP = "[+]"


@dataclass(frozen=True, slots=True)
class RepeatStop:
    """The stop behind an open repeat: add another, edit or remove one, or go on. `frame` is around the repeat."""

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


def stops_of(instance: Instance, questions: Sequence[str]) -> list[str]:
    """Return these refs in their order, and the stop behind the instances of every open, relevant repeat."""
    return list(_stops(instance, instance.root, "", frozenset(questions)))


def _stops(instance: Instance, frame: Frame, within: str, questions: frozenset[str]) -> Iterator[str]:
    logic = instance.form.logic
    start = len(frame.type.place.path) if frame.type.place is not None else 0
    for place in frame.type.walk:
        ref = within + place.path[start:]
        if place.inner is None:
            if ref in questions:
                yield ref
            continue
        if not frame.relevant[place.slot]:
            continue
        for number, each in enumerate(frame.repeats[place.slot], 1):
            yield from _stops(instance, each, f"{ref}[{number}]", questions)
        if logic[place].group is not None and logic[place].count is None and _can_change(instance, place, frame):
            yield f"{ref}{_STOP}"


def stop_at(instance: Instance, ref: str) -> Stop:
    """The question or the repeat's stop with this ref. KeyError if the instance does not have it."""
    return repeat_stop(instance, ref) if is_stop(ref) else instance.node(ref)


def repeat_stop(instance: Instance, ref: str) -> RepeatStop:
    place, frame = instance.repeat_at(ref.removesuffix(_STOP))
    group = instance.form.logic[place].group
    if group is None:
        raise KeyError(ref)
    return RepeatStop(ref, place, frame, group)


def _can_change(instance: Instance, place: Place, frame: Frame) -> bool:
    """Whether the repeat asks anything.

    If everything in it is computed or only read, nobody is asked for its number of instances.
    """
    questions = (instance.form.logic[each].question for each in place.descendants())
    has_questions = any(
        question is not None and question.is_asked and question.type != "note" for question in questions
    )
    return has_questions and not instance.is_readonly(place, frame)


def is_stop(ref: str) -> bool:
    return ref.endswith(_STOP)


def address(instance: Instance, stop: Stop) -> str:
    """A short name of a stop that fits a button: the question's number, then the numbers of its instances."""
    if isinstance(stop, Node):
        number = str(stop.question.number)
    else:
        number = f"+{next(i for i, group in enumerate(instance.form.groups) if group is stop.group)}"
    return ".".join([number, *[str(each.index + 1) for each, _ in instances_around(stop.frame)][::-1]])


def instances_around(frame: Frame) -> Iterator[tuple[Frame, Place]]:
    """The instances of repeats that a frame is in, each with its repeat, the innermost first."""
    return ((each, place) for each in frame.around() if (place := each.type.place) is not None)


def open_instance(instance: Instance, frame: Frame) -> Frame | None:
    """The innermost instance here that the respondent may remove. None outside of open repeats."""
    found = (each for each, place in instances_around(frame) if instance.form.logic[place].count is None)
    return next(found, None)


def instance_ref(frame: Frame) -> str:
    """Return the ref of a repeat's instance: `/data/person[2]`."""
    assert frame.type.place is not None
    assert frame.parent is not None
    return f"{ref_of(frame.type.place, frame.parent)}[{frame.index + 1}]"


def renumbered(ref: str, repeat: str, gone: int) -> str | None:
    """The new name of a ref after instance `gone` of a repeat was removed. None if the ref was in that instance."""
    if not ref.startswith(f"{repeat}["):
        return ref
    number, _, rest = ref[len(repeat) + 1 :].partition("]")
    if not number.isdecimal() or int(number) < gone:
        return ref
    return None if int(number) == gone else f"{repeat}[{int(number) - 1}]{rest}"


def groups_around(stop: Stop) -> list[Group]:
    """The groups around a stop, outermost first. For the stop of a repeat, its own group is the last."""
    groups: list[Group] = []
    group = stop.question.group if isinstance(stop, Node) else stop.group
    while group is not None:
        groups.append(group)
        group = group.parent
    return groups[::-1]


def number_in(group: Group, frame: Frame) -> tuple[int, int] | None:
    """Return the number of the instance that a frame is in, and how many there are. None outside of the repeat."""
    for each, place in instances_around(frame):
        if place is group.place:
            assert each.parent is not None
            return each.index + 1, len(each.parent.repeats[place.slot])
    return None
