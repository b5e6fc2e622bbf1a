"""What each button of a session's card does."""

from datetime import datetime
from typing import Literal, assert_never

from conversations.session.acts import (
    back,
    edit,
    marks_of,
    send,
    send_or_leave,
    settle_confirming,
    settle_reading,
    skip,
)
from conversations.session.effects import Leave, Stale
from conversations.session.events import Tap
from conversations.session.places import finish_line
from conversations.session.questions import LINES, MOMENTS, batch, is_sending, suggestion
from conversations.session.repeat_acts import at_stop, no_more, remove, settle_removing
from conversations.session.session import Listing, Removing
from conversations.session.turn import Turn
from conversations.session.words import whole_number
from conversations.xforms.evaluation.texts import Node

AnswerAction = Literal[
    "pick", "on", "off", "done", "month", "day", "value", "gather", "minute", "undo", "keep", "same", "rest", "skip"
]
"""The actions of the buttons of the present question. Other buttons also work where no question is asked."""


def tap(turn: Turn, tap: Tap) -> None:
    """Do what a button says. A button of an earlier turn is stale: the present card is shown again."""
    if tap.turn != turn.session.turn:
        turn.effects.append(Stale())
        return
    node, action = turn.current(), tap.action
    match action:
        case "confirm" | "cancel":
            if isinstance(turn.session.pending, Removing):
                settle_removing(turn, action == "confirm")
            else:
                settle_confirming(turn, action == "confirm")
        case "read":
            settle_reading(turn, node, tap.argument)
        case "leave":
            turn.effects.append(Leave())
        case "back":
            back(turn)
        case "list":
            turn.look(pending=Listing(), page=0)
        case "add" | "which" | "change":
            at_stop(turn, tap)
        case "remove":
            remove(turn, tap.argument)
        case "done" if (stop := turn.stop()) is not None:
            no_more(turn, stop)
        case "review":
            turn.go_on()
        case "page":
            turn.look(page=whole_number(tap.argument))
        case "edit":
            edit(turn, tap.argument)
        case "send":
            if node is None:
                send(turn)
        case _ if node is None:
            turn.effects.append(Stale())
        case _:
            _answer(turn, node, action, tap.argument)


def _answer(turn: Turn, node: Node, action: AnswerAction, argument: str) -> None:
    """Do the act of a button of the present question: answer it, prepare its answer, or skip it."""
    match action:
        case "pick":
            _pick(turn, node, argument)
        case "on" | "off":
            _mark(turn, node, argument, action == "on")
        case "done":
            _done(turn, node)
        case "month":
            turn.look(month=argument)
        case "day" if node.question.type == "dateTime":
            turn.look(marks=(argument,))
        case "day" | "value":
            turn.answer(node, argument)
        case "gather":
            _gather(turn, node, argument)
        case "minute":
            _minute(turn, node, argument)
        case "undo":
            turn.look(marks=marks_of(turn, node)[: max(whole_number(argument), 0)])
        case "keep":
            kept = suggestion(turn.session, node)
            if kept:
                turn.answer(node, kept)
        case "same":
            _same(turn)
        case "rest":
            _rest(turn, node)
        case "skip":
            skip(turn, node)
        case _:
            assert_never(action)


def _done(turn: Turn, node: Node) -> None:
    """Take the marks as the answer; end a line of points."""
    marks = marks_of(turn, node)
    if node.question.type in LINES:
        finish_line(turn, node)
    elif not marks and node.is_required:
        turn.reject(turn.instance.required_message(node) or turn.say("err.choose"))
    else:
        turn.answer(node, " ".join(marks))


def _pick(turn: Turn, node: Node, argument: str) -> None:
    """Take the choice at this position as the answer."""
    if node.question.type == "acknowledge":
        turn.answer(node, "OK")
        return
    if node.question.type == "rank":
        _mark(turn, node, argument, True)
    elif (value := _choice_at(turn, node, argument)) is None:
        return
    elif is_sending(node.question):
        send_or_leave(turn, node, value)
    else:
        turn.answer(node, value)


def _choice_at(turn: Turn, node: Node, argument: str) -> str | None:
    """Return the choice at this position. None if the list has become shorter: then the button is stale."""
    choices, position = turn.instance.choices(node), whole_number(argument)
    if 0 <= position < len(choices):
        return choices[position].value
    turn.effects.append(Stale())
    return None


def _mark(turn: Turn, node: Node, argument: str, is_on: bool) -> None:
    """Set or remove the mark of a choice. A ranking is complete when every choice is marked."""
    if (value := _choice_at(turn, node, argument)) is None:
        return
    marks, order = marks_of(turn, node), [choice.value for choice in turn.instance.choices(node)]
    kept = [mark for mark in marks if mark in order and (is_on or mark != value)]
    if is_on and value not in kept:
        kept.append(value)
    if node.question.type != "rank":
        kept.sort(key=order.index)
    elif len(kept) == len(order):
        turn.answer(node, " ".join(kept))
        return
    turn.look(marks=tuple(kept))


def _gather(turn: Turn, node: Node, argument: str) -> None:
    """Keep an hour for the chosen day, or the number that a stepper shows. It is not yet the answer."""
    match node.question.type:
        case "time":
            turn.look(marks=(argument,))
        case "dateTime" if turn.session.marks:
            turn.look(marks=(turn.session.marks[0], argument))
        case "range":
            turn.look(marks=(argument,))
        case _:
            turn.effects.append(Stale())


def _minute(turn: Turn, node: Node, argument: str) -> None:
    """Complete a time: the hour, and the day of a dateTime, were chosen before."""
    day, hour = ("", *(turn.session.marks or ()))[-2:] if turn.session.marks else ("", "")
    try:
        wall = datetime.fromisoformat(f"{day or '2000-01-01'}T{int(hour):02d}:{int(argument):02d}")
    except ValueError:
        wall = None
    if wall is None or bool(day) != (node.question.type == "dateTime") or node.question.type not in MOMENTS:
        turn.effects.append(Stale())
    elif day:
        turn.answer(node, wall.isoformat(timespec="milliseconds") + turn.instance.offset_of(wall))
    else:
        turn.answer(node, f"{wall:%H:%M}")


def _rest(turn: Turn, node: Node) -> None:
    """Leave the other numbers of the group as they are, if the form accepts that."""
    for member in batch(turn.session, turn.instance, turn.questions(), node):
        value = member.value or ("" if not member.is_required else "0")
        if not turn.take(member, value):
            return
    turn.go_on()


def _same(turn: Turn) -> None:
    """Do "Igual que el reporte anterior": copy what may be copied, and stop at what must be asked
    (docs/domain.md#a-report).
    """
    known = turn.profile
    for _ in range(len(turn.form.questions)):
        ref = next((ref for ref in turn.questions() if ref not in turn.session.seen), None)
        if ref is None:
            break
        node = turn.instance.node(ref)
        if is_sending(node.question) or node.question.name in known.same_asks:
            break
        name = node.question.name
        if name in known.same_sets:
            value = known.same_sets[name]
        elif name in known.same_copies or node.is_required:
            value = turn.session.previous.get(name, "")
            if not value and node.is_required:
                break
        else:
            value = ""
        if turn.instance.check(node, value) is not None:
            break  # no longer acceptable today (a date that has passed): ask it
        turn.instance.answer(ref, value)
        turn.set(seen=turn.session.seen | {ref})
    turn.go_on()
