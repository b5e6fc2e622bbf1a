"""Several files at once: each fills one instance of a repeat, in the order in which they were sent.

XLSForm has no question that takes several files. It uses a repeat with a file question instead. One file is fetched at
a time, and the others wait in the session. So each file has the ref of its own instance when it arrives, and a process
that is killed in between goes on where it was.
"""

from collections.abc import Callable
from dataclasses import replace

from conversations.session.effects import Added, Ask, Fetch, Notice, Reject
from conversations.session.questions import UPLOADS
from conversations.session.repeats import repeat_stop
from conversations.session.session import Gathering, Sent
from conversations.session.turn import Turn
from conversations.xforms.evaluation.rules import MAX_REPEATS
from conversations.xforms.evaluation.state import ref_of
from conversations.xforms.evaluation.texts import Node


def gathers(turn: Turn, node: Node) -> bool:
    """Whether a repeat exists for this file question alone: nothing else in an instance must be answered.

    In a list of people with a photo each, three photos are not three people.
    """
    if node.frame.parent is None or node.question.type not in UPLOADS:
        return False
    others = [each for each in turn.nodes() if each.frame is node.frame and each.place is not node.place]
    return not others or (node.is_required and not any(each.is_required for each in others))


def repeat_of(node: Node) -> str:
    """The ref of the repeat that a question stands in. Blank outside of repeats."""
    frame = node.frame
    if frame.parent is None or frame.type.place is None:
        return ""
    return ref_of(frame.type.place, frame.parent)


def free_instance(turn: Turn, repeat: str, is_fit: Callable[[Node], bool]) -> Node | None:
    """Return the first question of this repeat that waits for such a file. If needed, add an instance.

    The session then stands there. None, and nothing has changed, if the repeat has no room or no such question.
    """
    node = _unanswered(turn, repeat, is_fit)
    if node is None:
        ref = f"{repeat}[+]"
        stop = repeat_stop(turn.instance, ref) if ref in turn.stops() else None
        if stop is None or len(stop.instances) >= MAX_REPEATS:
            return None
        turn.instance.add(repeat)
        node = _unanswered(turn, repeat, is_fit)
        if node is None:
            turn.instance.remove(f"{repeat}[{len(stop.instances)}]")
            return None
        turn.set(seen=turn.session.seen - {stop.ref})
        turn.effects.append(Added(repeat))
    turn.move(node.ref)
    return node


def _unanswered(turn: Turn, repeat: str, is_fit: Callable[[Node], bool]) -> Node | None:
    for node in turn.nodes():
        if not node.value and node.ref not in turn.session.seen and repeat_of(node) == repeat and is_fit(node):
            return node if gathers(turn, node) else None
    return None


def fetch(turn: Turn, node: Node, sent: Sent) -> None:
    """Have a file fetched for the question at which the session stands."""
    turn.set(fetching=sent.unique_id)
    turn.is_changed = True
    pixels = node.question.parameters.get("max-pixels", "")
    turn.effects.append(
        Fetch(
            file_id=sent.file_id,
            unique_id=sent.unique_id,
            ref=node.ref,
            name=sent.name,
            mime_type=sent.mime_type,
            accept=node.question.type,
            max_pixels=int(pixels) if pixels.isdigit() else None,
            is_compressed=sent.is_compressed,
        )
    )


def go_on(turn: Turn, node: Node, gathering: Gathering, *, is_taken: bool) -> None:
    """Go on after a file has arrived or failed: fetch the next one, or say how many were kept and go on in the form."""
    waiting = gathering.waiting
    gathering = replace(gathering, waiting=())
    turn.set(gathering=gathering)
    if waiting:
        there = free_instance(turn, gathering.repeat, lambda each: each.place is node.place)
        if there is not None:
            fetch(turn, there, waiting[0])
            turn.set(gathering=replace(gathering, waiting=waiting[1:]))
            turn.effects.append(Ask())
            return
        gathering = replace(gathering, lost=(*gathering.lost, turn.say("file.no_room", n=len(waiting))))
    if is_taken:
        turn.advance()
    if gathering.taken > 1:
        turn.effects.append(Notice("file.kept", (("n", str(gathering.taken)),)))
    turn.effects += [*(Reject(message) for message in dict.fromkeys(gathering.lost)), Ask()]
    turn.set(gathering=replace(gathering, lost=()))
