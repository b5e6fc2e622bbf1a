"""What a respondent can do behind a repeat: add an instance, change one, remove one, go on."""

from collections.abc import Iterable
from typing import Literal

from conversations.session.effects import Added, Answered, Ask, Removed, Stale
from conversations.session.events import Tap
from conversations.session.repeats import RepeatStop, instance_ref, is_stop, open_instance, renumbered
from conversations.session.session import Choosing, Listing, Removing
from conversations.session.turn import Turn
from conversations.session.words import whole_number
from conversations.xforms.evaluation.rules import MAX_REPEATS
from conversations.xforms.evaluation.texts import Node


def at_stop(turn: Turn, tap: Tap) -> None:
    stop = turn.stop()
    if stop is None:
        turn.effects.append(Stale())
    elif tap.action == "add":
        add(turn, stop)
    elif tap.action == "change":
        change(turn, stop, whole_number(tap.argument))
    else:
        choose(turn, stop, "remove" if tap.argument == "remove" else "edit")


def add(turn: Turn, stop: RepeatStop, origin: int = 0) -> None:
    """Add an instance, and ask its first question."""
    if len(stop.instances) >= MAX_REPEATS:
        turn.reject(turn.say("err.repeat_full", n=MAX_REPEATS))
        return
    turn.instance.add(stop.repeat)
    turn.set(seen=turn.session.seen - {stop.ref})
    turn.advance()
    turn.effects += [Added(stop.repeat), Ask(anew=bool(origin))]


def no_more(turn: Turn, stop: RepeatStop, origin: int = 0) -> None:
    """Go on behind the repeat: it has all its instances."""
    turn.set(seen=turn.session.seen | {stop.ref})
    label = turn.instance.group_label(stop.group, stop.frame)
    turn.effects.append(Answered(label=label, shown=str(len(stop.instances))))
    turn.go_on(origin)


def choose(turn: Turn, stop: RepeatStop, act: Literal["edit", "remove"], origin: int = 0) -> None:
    """Ask which instance. If there is only one, take that one."""
    if not stop.instances:
        turn.reject(turn.say("err.repeat_none"))
    elif len(stop.instances) > 1:
        turn.look(pending=Choosing(act), page=0)
        turn.is_changed = turn.is_changed or bool(origin)
    elif act == "edit":
        change(turn, stop, 1, origin)
    else:
        remove(turn, "1", origin)


def change(turn: Turn, stop: RepeatStop, number: int, origin: int = 0) -> None:
    """Ask which answer of an instance to change. If it has only one answer, go to that question."""
    if not 1 <= number <= len(stop.instances):
        turn.effects.append(Stale())
        return
    turn.set(seen=turn.session.seen - {stop.ref})
    within = f"{stop.repeat}[{number}]"
    seen = [ref for ref in turn.stops() if ref.startswith(f"{within}/") and ref in turn.session.seen]
    if len(seen) == 1 and not is_stop(seen[0]):
        turn.move(seen[0])
    else:
        turn.set(pending=Listing(within), page=0)
        turn.is_changed = True
    turn.effects.append(Ask(anew=bool(origin)))


def remove(turn: Turn, argument: str, origin: int = 0) -> None:
    """Remove an instance. If it has answers, show them first and ask."""
    stop, node = turn.stop(), turn.current()
    ref = ""
    if stop is not None and 1 <= whole_number(argument) <= len(stop.instances):
        ref = f"{stop.repeat}[{whole_number(argument)}]"
    elif node is not None and not argument and (frame := open_instance(turn.instance, node.frame)) is not None:
        ref = instance_ref(frame)
    if not ref:
        turn.effects.append(Stale())
        return
    inside = f"{ref}/"
    lost = [each.ref for each in turn.nodes() if each.ref.startswith(inside) and each.value]
    if lost:
        turn.set(pending=Removing(ref, tuple(lost)))
        turn.is_changed = True
    else:
        _remove_now(turn, ref)
    turn.effects.append(Ask(anew=bool(origin)))


def settle_removing(turn: Turn, is_confirmed: bool, origin: int = 0) -> None:
    """Remove the instance after a yes, or leave it."""
    pending = turn.session.pending
    assert isinstance(pending, Removing)
    turn.set(pending=None)
    turn.is_changed = True
    if is_confirmed:
        _remove_now(turn, pending.ref)
    turn.effects.append(Ask(anew=bool(origin)))


def _remove_now(turn: Turn, ref: str) -> None:
    """Remove the instance, give those behind it their new numbers everywhere, and stand behind the repeat."""
    repeat, _, number = ref.removesuffix("]").rpartition("[")
    turn.instance.remove(ref)
    gone = int(number)

    def left(refs: Iterable[str]) -> tuple[str, ...]:
        return tuple(new for old in refs if (new := renumbered(old, repeat, gone)) is not None)

    origins = {origin: refs for origin, before in turn.session.origins.items() if (refs := left(before))}
    stop, kept = f"{repeat}[+]", frozenset(left(turn.session.kept))
    seen = frozenset(left(turn.session.seen)) - {stop}
    turn.set(kept=kept - {stop}, origins=origins)
    turn.set(seen=seen & ({*turn.stops()} | kept))
    turn.effects.append(Removed(ref))
    if stop in turn.stops():
        turn.move(stop)
    else:
        turn.advance()


def take_back_added(turn: Turn, node: Node) -> bool:
    """Remove an instance that was just added, if the respondent goes back from its first question."""
    frame = open_instance(turn.instance, node.frame)
    if frame is None or frame.index == 0:
        return False
    ref = instance_ref(frame)
    assert frame.parent is not None
    assert frame.type.place is not None
    is_last = frame.index + 1 == len(frame.parent.repeats[frame.type.place.slot])
    if not is_last or any(seen.startswith(f"{ref}/") for seen in turn.session.seen):
        return False
    _remove_now(turn, ref)
    turn.effects.append(Ask())
    return True
