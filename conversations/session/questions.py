"""Which questions a session asks, in which order."""

from collections.abc import Sequence
from functools import lru_cache

from conversations.session.repeats import Stop, stops_of
from conversations.session.session import Session
from conversations.xforms.evaluation.texts import Node
from conversations.xforms.form import Form, Question
from conversations.xforms.instance import Instance
from conversations.xforms.nodes import Place

PLACES = frozenset({"geopoint", "geotrace", "geoshape"})
PICTURES = frozenset({"image", "video"})
LINES = frozenset({"geotrace", "geoshape"})
UPLOADS = frozenset({"image", "audio", "video", "file"})
MOMENTS = frozenset({"time", "dateTime"})


def sequence(form: Form, session: Session, instance: Instance) -> Sequence[str]:
    """The refs of the questions that this session asks now, in the form's order. The sending question is the last."""
    refs = instance.asked(_askable(form, session.restricted, session.filled))
    return [ref for ref in refs if ref not in session.kept] if session.kept else refs


def stops(form: Form, session: Session, questions: Sequence[str], instance: Instance) -> Sequence[str]:
    """The refs of everything at which a session can stand: these questions, and behind every open repeat its stop."""
    if not form.frame.repeats:
        return questions
    return [ref for ref in stops_of(instance, questions) if ref not in session.kept]


def is_sending(question: Question) -> bool:
    """Whether this question is the form's own review screen: send, or keep as a draft."""
    return question.type == "select_one" and question.name == "send_action"


def batch(session: Session, instance: Instance, questions: Sequence[str], first: Node) -> list[Node]:
    """Return the whole-number questions of one group from `first` on: they may be answered in one message."""
    group = first.question.group
    if first.question.type != "integer" or group is None or first.ref not in questions:
        return []
    run = [first]
    for ref in questions[questions.index(first.ref) + 1 :]:
        node = instance.node(ref)
        is_alike = node.question.type == "integer" and node.question.group is group and node.frame is first.frame
        if not is_alike or ref in session.seen:
            break
        run.append(node)
    return run


def is_asked(form: Form, session: Session, node: Node) -> bool:
    """Whether the session asks this node now."""
    if node.place not in _askable(form, session.restricted, session.filled):
        return False
    if session.kept and node.ref in session.kept:
        return False
    return node.is_relevant and not node.is_readonly


@lru_cache(maxsize=256)
def _askable(form: Form, restricted: bool, filled: frozenset[str]) -> frozenset[Place]:
    """The places of the questions that such a session of the form may ask.

    It never asks what the bot has filled in. If the activity is restricted, it asks for no photo and no place (S10).
    """
    never = (each for each in form.questions if each.name in filled or _is_never_asked(each, restricted))
    return form.asked - {question.place for question in never}


def _is_never_asked(question: Question, restricted: bool) -> bool:
    if question.appearances and "label" in question.appearances and question.type.startswith("select"):
        return True  # the head of a table of selects: its choices are labels over those of the others
    return restricted and (question.type in PLACES or question.type in PICTURES)


def suggestion(session: Session, node: Node) -> str:
    """Return the answer that one tap keeps: the present one, or the previous report's."""
    return node.value or session.previous.get(node.question.name, "")


def points_of(session: Session, node: Node) -> tuple[str, ...]:
    """Return the points gathered so far. The last point of a shape is left out, because it equals the first one."""
    if session.marks is not None:
        return session.marks
    points = tuple(node.value.split(";")) if node.value else ()
    return points[:-1] if node.question.type == "geoshape" else points


def stop_label(instance: Instance, stop: Stop) -> str:
    """The label of a question, or of the repeat at whose stop the session stands."""
    return instance.label(stop) if isinstance(stop, Node) else instance.group_label(stop.group, stop.frame)


@lru_cache(maxsize=256)
def sending(form: Form) -> frozenset[str]:
    """The refs of the form's sending question: one, if the form has it."""
    return frozenset(question.path for question in form.questions if is_sending(question))


@lru_cache(maxsize=256)
def deciding(form: Form) -> frozenset[str]:
    """Return the paths whose answers decide whether other questions are asked, directly or through a calculation.

    A repeat decides by its number of instances.
    """
    units = {unit.index: unit for unit in form.units}
    read: dict[Place, list[int]] = {}
    for place, readers in form.readers.items():
        read[place] = [index for index in units if readers.mask >> index & 1] + [index for index, _ in readers.inner]
    found: set[Place] = set()
    while more := {
        place
        for place, readers_of in read.items()
        if place not in found
        and any(
            units[index].kind in ("relevant", "count")
            or (units[index].kind == "calculate" and units[index].place in found)
            for index in readers_of
        )
    }:
        found |= more
    return frozenset(place.path for place in form.logic if place in found or place.is_repeat)
