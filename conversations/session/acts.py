"""What both a tap and a word can do: go back, skip, edit, send, choose a reading."""

from conversations.session.effects import Ask, Leave, Notice, Reject, Stale, Submit
from conversations.session.questions import MOMENTS
from conversations.session.repeat_acts import take_back_added
from conversations.session.repeats import address, is_stop, stop_at
from conversations.session.session import Confirming, Reading
from conversations.session.turn import Turn
from conversations.session.words import whole_number
from conversations.xforms.evaluation.texts import Node


def marks_of(turn: Turn, node: Node) -> tuple[str, ...]:
    """The choices marked so far, or the present answer if nothing was marked since."""
    return tuple(node.value.split()) if turn.session.marks is None else turn.session.marks


def back(turn: Turn) -> None:
    """Go to the question before this one. Its answer is kept and shown."""
    if turn.session.pending is not None:
        turn.look(pending=None)
        turn.is_changed = True
        return
    node = turn.current()
    if turn.session.marks and node is not None and node.question.type in MOMENTS:
        turn.look(marks=turn.session.marks[:-1] or None)
        turn.is_changed = True
        return
    if node is not None and turn.form.frame.repeats and take_back_added(turn, node):
        return
    earlier = ""
    for ref in turn.stops():
        if ref == turn.session.at:
            break
        if ref in turn.session.seen:
            earlier = ref
    if not earlier:
        turn.effects += [Notice("form.first_question"), Ask()]
        return
    turn.move(earlier)
    turn.effects.append(Ask())


def skip(turn: Turn, node: Node) -> None:
    """Leave this question blank, if the form allows it."""
    if node.is_required:
        turn.reject(turn.instance.required_message(node) or turn.say("err.required"))
        return
    turn.answer(node, "")


def edit(turn: Turn, argument: str) -> None:
    """Go to the answered question with this address."""
    for ref in turn.stops():
        if ref in turn.session.seen and address(turn.instance, stop_at(turn.instance, ref)) == argument:
            if is_stop(ref):
                turn.set(seen=turn.session.seen - {ref})
            turn.move(ref)
            turn.effects.append(Ask())
            return
    turn.effects.append(Stale())


def send(turn: Turn, node: Node | None = None) -> None:
    """Send the form. If something in it is wrong, go to the first question that is."""
    if node is not None:
        turn.instance.answer(node.ref, "send")
    violations = turn.instance.violations()
    asked = {*turn.questions()} if violations else set()
    for ref, violation in violations:
        if (ref in asked or ref in turn.session.kept) and ref != (node.ref if node else ""):
            if node is not None:
                turn.instance.answer(node.ref, "")
            turn.set(seen=turn.session.seen - {ref}, kept=turn.session.kept - {ref})
            turn.move(ref)
            turn.effects += [Reject(violation.message or turn.say("err.constraint")), Ask()]
            return
    turn.is_changed = True
    turn.effects.append(Submit())


def send_or_leave(turn: Turn, node: Node, value: str) -> None:
    """Take the answer of the form's own sending question."""
    if value == "send":
        send(turn, node)
    else:
        turn.effects.append(Leave())


def settle_confirming(turn: Turn, is_confirmed: bool, origin: int = 0) -> None:
    """Take the new answer, although other answers are lost. Or keep everything as it is."""
    pending = turn.session.pending
    if not isinstance(pending, Confirming):
        turn.effects.append(Stale())
        return
    turn.set(pending=None)
    if is_confirmed:
        turn.answer(turn.instance.node(pending.ref), pending.value, origin, is_confirmed=True)
        return
    turn.set(seen=turn.session.seen | {pending.ref})
    turn.go_on(origin)


def settle_reading(turn: Turn, node: Node | None, argument: str) -> None:
    """Take the reading that was tapped."""
    pending = turn.session.pending
    position = whole_number(argument)
    if node is None or not isinstance(pending, Reading) or not 0 <= position < len(pending.values):
        turn.effects.append(Stale())
        return
    turn.set(pending=None)
    take_meant(turn, node, pending.values[position])


def take_meant(turn: Turn, node: Node, value: str, origin: int = 0) -> None:
    """Take the suggested reading as the answer. In a select_multiple it adds one mark; "done" ends the answer."""
    if node.question.type != "select_multiple":
        turn.answer(node, value, origin)
        return
    marks = {*marks_of(turn, node), value}
    order = [choice.value for choice in turn.instance.choices(node)]
    turn.look(anew=bool(origin), marks=tuple(name for name in order if name in marks))
    turn.is_changed = True
