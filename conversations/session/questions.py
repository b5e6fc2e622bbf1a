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


def sequence(form: Form, session: Session, instance: Instance) -> list[Node]:
    """The questions that this session asks now, in the form's order. The sending question is the last."""
    filled, never = session.filled, _never_asked(form, session.restricted)
    nodes = [each for each in instance.asked() if each.question.name not in filled and each.place not in never]
    return [node for node in nodes if node.ref not in session.kept] if session.kept else nodes


def stops(form: Form, session: Session, nodes: Sequence[Node], instance: Instance) -> Sequence[Stop]:
    """Return everything at which a session can stand: these questions, and behind every open repeat its stop."""
    if not form.frame.repeats:
        return nodes
    return [stop for stop in stops_of(instance, nodes) if stop.ref not in session.kept]


def is_sending(question: Question) -> bool:
    """Whether this question is the form's own review screen: send, or keep as a draft."""
    return question.type == "select_one" and question.name == "send_action"


def batch(session: Session, nodes: Sequence[Node], ref: str) -> list[Node]:
    """Return the whole-number questions of one group from `ref` on: they may be answered in one message."""
    run: list[Node] = []
    for node in nodes:
        if node.ref == ref or run:
            question = node.question
            is_first = not run
            if question.type != "integer" or (not is_first and question.group is not run[0].question.group):
                break
            if not is_first and node.frame is not run[0].frame:
                break
            if question.group is None or (not is_first and node.ref in session.seen):
                break
            run.append(node)
    return run


def is_asked(session: Session, node: Node) -> bool:
    """Whether the session asks this node now."""
    question = node.question
    if not question.is_asked or question.type == "note" or is_withheld(session, question):
        return False
    if session.kept and node.ref in session.kept:
        return False
    return node.is_relevant and not node.is_readonly


def is_withheld(session: Session, question: Question) -> bool:
    """Whether this session never asks this question.

    That is so if the bot has filled it in; or if the activity is restricted, and the question asks for a photo or a
    place (S10).
    """
    return question.name in session.filled or _is_never_asked(question, session.restricted)


def _is_never_asked(question: Question, restricted: bool) -> bool:
    if question.appearances and "label" in question.appearances and question.type.startswith("select"):
        return True  # the head of a table of selects: its choices are labels over those of the others
    return restricted and (question.type in PLACES or question.type in PICTURES)


@lru_cache(maxsize=256)
def _never_asked(form: Form, restricted: bool) -> frozenset[Place]:
    """The places of the questions that no such session of the form asks."""
    return frozenset(question.place for question in form.questions if _is_never_asked(question, restricted))


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
def deciding(form: Form) -> frozenset[Place]:
    """Return the places whose answers decide whether other questions are asked, directly or through a calculation."""
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
    return frozenset(found)
