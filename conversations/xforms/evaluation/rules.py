"""The rules of a form: it derives relevance, calculations, choices and counted repeats from the answers.

An answer marks the units that read it. They are evaluated in the order of `conversations.xforms.document.order`, until
none is marked. Rules that change each other for ever are stopped after some rounds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from conversations.xforms.evaluation.state import ref_of
from conversations.xforms.evaluation.texts import InstanceTexts
from conversations.xforms.form import Action, Readers, Unit
from conversations.xforms.limits import Exhausted
from conversations.xforms.nodes import Frame, FrameType, Place, Seed
from conversations.xforms.question_types import coerce
from conversations.xforms.xpath.values import number_of

MAX_REPEATS = 1_000
"""Instances of one repeat. A count that was typed by mistake must not use up the machine."""
_MAX_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Changes:
    """What became relevant, what no longer is, and the answers that were lost with their choice or their instance."""

    now_relevant: tuple[str, ...] = ()
    now_irrelevant: tuple[str, ...] = ()
    cleared: tuple[tuple[str, str], ...] = ()


class InstanceRules(InstanceTexts):
    """Derives values from the answers. An act marks what reads a change; `_settle` evaluates that."""

    def _mark_everything(self) -> None:
        self._dirty = self.form.everything
        self._scopes = dict.fromkeys(range(len(self.form.units)))

    def _mark(self, readers: Readers | None, frame: Frame) -> None:
        """Mark the units that read something in this frame."""
        if readers is None:
            return
        self._dirty |= readers.mask
        for index, is_local in readers.inner:
            self._dirty |= 1 << index
            if not is_local:
                self._scopes[index] = None
            else:
                self._in_scope(index, frame)

    def _in_scope(self, index: int, frame: Frame) -> None:
        """Let a marked unit be evaluated only within this frame, or the frames it already has."""
        scope = self._scopes.setdefault(index, {})
        if scope is not None:
            scope[frame] = None

    def _mark_unit(self, unit: Unit, frame: Frame) -> None:
        self._dirty |= 1 << unit.index
        if unit.home is not self.form.frame:
            self._in_scope(unit.index, frame)

    def _touched(self, place: Place, frame: Frame) -> None:
        """A value has changed: mark the units that read it, and remember the actions it triggers."""
        self._mark(self.form.readers.get(place), frame)
        if place in self.form.triggers and self._is_live and not frame.is_within_any(self._new):
            self._fired.append((place, frame))

    def _settle(self) -> None:
        """Evaluate until no unit is marked, no action waits, and every new instance has its defaults."""
        self._asked = None
        for _ in range(_MAX_ROUNDS):
            self._evaluate()
            if self._added:
                added, self._added = self._added, []
                for frame in added:
                    place = frame.type.place
                    for action in self.form.new_repeat.get(place, ()) if place is not None else ():
                        self._perform(action, frame)
            elif self._fired:
                trigger, frame = self._fired.pop(0)
                for action in self.form.triggers[trigger]:
                    for target in self._targets(action.target, frame):
                        self._perform(action, target)
            else:
                break
        self._fired.clear()
        self._added.clear()
        self._new.clear()

    def _targets(self, target: Place, frame: Frame) -> list[Frame]:
        """The frames of a setvalue's target: in the trigger's own instance if they share a repeat."""
        for each in frame.around():
            if each.type is target.frame:
                return [each]
        return [each for each in self.frames(target.frame) if each.is_within_any((frame,))]

    def _perform(self, action: Action, frame: Frame) -> None:
        place = action.target
        value = action.literal if action.value is None else action.value.text(self, frame)
        stored = coerce(place.value_type, value)
        if stored != frame.values[place.slot]:
            frame.values[place.slot] = stored
            self._touched(place, frame)

    def _evaluate(self) -> None:
        """Evaluate the marked units, lowest rank first."""
        units, root = self.form.units, self.form.frame
        rounds = 0
        limit = _MAX_ROUNDS * (len(units) + 1)
        while self._dirty:
            rounds += 1
            if rounds > limit:
                # Only questions that hide each other can go on for ever; they stay as they are.
                self._dirty = 0
                self._scopes.clear()
                return
            lowest = self._dirty & -self._dirty
            self._dirty ^= lowest
            unit = units[lowest.bit_length() - 1]
            evaluate = _EVALUATE[unit.kind]
            self.spend(1)
            if unit.home is root:
                evaluate(self, unit, self.root)
                continue
            scope = self._scopes.pop(unit.index, None)
            for frame in self.frames(unit.home) if scope is None else self._scoped(unit.home, scope):
                evaluate(self, unit, frame)

    def _scoped(self, home: FrameType, scope: Mapping[Frame, None]) -> list[Frame]:
        """The frames of this type within the frames of a scope."""
        if all(frame.type is home for frame in scope):
            return list(scope)
        return [frame for frame in self.frames(home) if frame.is_within_any(scope)]

    def _relevant(self, unit: Unit, frame: Frame) -> None:
        """Evaluate a relevance. Nothing is relevant within something that is not."""
        place = unit.place
        parent = place.parent
        if unit.home is place.inner:
            assert frame.parent is not None
            slot, around = 0, frame.parent.relevant[place.slot]
        else:
            slot = place.slot
            around = 1 if parent is None else frame.relevant[0 if parent.is_repeat else parent.slot]
        is_relevant = 1 if around and unit.expression.truth(self, frame) else 0
        if frame.relevant[slot] != is_relevant:
            self._set_relevant(place, frame, slot, is_relevant)

    def _set_relevant(self, place: Place, frame: Frame, slot: int, is_relevant: int) -> None:
        """Set the relevance of a place and of everything in it that has no rule of its own."""
        frame.relevant[slot] = is_relevant
        if place.is_leaf:
            (self._shown if is_relevant else self._hidden).append((place, frame))
            if frame.values[slot] != "":
                self._mark(self.form.readers.get(place), frame)
            if is_relevant:
                frame.calculated.pop(slot, None)
                for kind, unit in self.form.own_units.get(place, _NONE).items():
                    if kind in ("calculate", "choices"):
                        self._mark_unit(unit, frame)
            return
        if place.inner is not None and slot != 0:
            self._mark(self.form.structure.get(place), frame)
            own = self.form.own_units.get(place, _NONE).get("relevant")
            each_own = own if own is not None and own.home is place.inner else None
            for each in frame.repeats[slot]:
                if each_own is not None:
                    self._mark_unit(each_own, each)
                elif each.relevant[0] != is_relevant:
                    self._set_relevant(place, each, 0, is_relevant)
            return
        for child in place.children.values():
            own = self.form.own_units.get(child, _NONE).get("relevant")
            if own is not None and own.home is child.frame:
                self._mark_unit(own, frame)
            elif frame.relevant[child.slot] != is_relevant:
                self._set_relevant(child, frame, child.slot, is_relevant)

    def _calculate(self, unit: Unit, frame: Frame) -> None:
        """Evaluate a calculation.

        If the respondent may change its result, their answer stays until the result itself changes.
        """
        place = unit.place
        slot = place.slot
        if not frame.relevant[slot]:
            return
        value = unit.expression.text(self, frame)
        if len(value) > self.limits.text:
            raise _met("text", unit)
        if place.value_type not in ("string", "boolean"):
            value = coerce(place.value_type, value)
        if self.form.logic[place].is_editable:
            if frame.calculated.get(slot) == value:
                return
            frame.calculated[slot] = value
        if value != frame.values[slot]:
            frame.values[slot] = value
            self._touched(place, frame)

    def _filter(self, unit: Unit, frame: Frame) -> None:
        """Clear an answer that is no longer among its choices.

        If its choice comes back and nobody has answered since, the answer comes back too.
        """
        place = unit.place
        slot = place.slot
        before = frame.values[slot]
        value = frame.filtered.get(slot, before)
        if value == "" or not frame.relevant[slot]:
            return
        logic = self.form.logic[place]
        items, question = logic.items, logic.question
        assert items is not None
        assert question is not None
        names = {choice.value for choice in self._choices(place, items, frame)}
        if question.type == "select_one":
            kept = value if value in names else ""
        else:
            kept = " ".join(word for word in value.split() if word in names)
        if kept == value:
            frame.filtered.pop(slot, None)
        else:
            frame.filtered[slot] = value
        if kept != before:
            frame.values[slot] = kept
            if not set(before.split()) <= set(kept.split()):
                self._cleared.append((ref_of(place, frame), before))
            self._touched(place, frame)

    def _recount(self, unit: Unit, frame: Frame) -> None:
        """Add or remove instances until there are as many as the form says."""
        place = unit.place
        number = number_of(unit.expression.text(self, frame))
        if number != number:
            # A count that is blank for a moment, while it is being corrected, takes nothing away.
            return
        wanted = int(min(max(number, 0), MAX_REPEATS))
        instances = frame.repeats[place.slot]
        if len(instances) > wanted:
            self._remove_frames(place, frame, wanted, len(instances))
        try:
            while len(instances) < wanted:
                self._add_frame(place, frame)
        except Exhausted as limit:
            limit.met_at(place, "repeat_count")
            raise

    def count_nodes(self) -> int:
        """Return how many values this instance holds, answered or not."""
        if self._nodes is None:
            self._nodes = _nodes(self.root)
        return self._nodes

    def _frame(self, frame_type: FrameType, parent: Frame | None, index: int, seed: Seed) -> Frame:
        """Make a frame and the instances it starts with. Exhausted if the instance has too many nodes."""
        frame = Frame(frame_type, parent, index, seed.values)
        self._nodes = self.count_nodes() + len(seed.values)
        if self._nodes > self.limits.nodes:
            raise Exhausted("nodes")
        self.spend(len(seed.values))
        for place in frame_type.repeats:
            assert place.inner is not None
            seeds = seed.repeats.get(place.slot, ()) if self.form.logic[place].count is None else ()
            frame.repeats[place.slot] = [
                self._frame(place.inner, frame, number, each) for number, each in enumerate(seeds)
            ]
        return frame

    def _add_frame(self, place: Place, around: Frame) -> None:
        assert place.inner is not None
        instances = around.repeats[place.slot]
        frame = self._frame(place.inner, around, len(instances), place.inner.template)
        instances.append(frame)
        self._added.append(frame)
        self._new[frame] = None
        frame.relevant[0] = around.relevant[place.slot]
        for here, each in self._places(frame):
            parent = each.parent
            assert parent is not None
            here.relevant[each.slot] = here.relevant[0 if parent.is_repeat else parent.slot]
            for inner in here.repeats.get(each.slot, ()) if each.is_repeat else ():
                inner.relevant[0] = here.relevant[each.slot]
            if each.is_leaf and here.values[each.slot]:
                here.values[each.slot] = coerce(each.value_type, here.values[each.slot])
            self._mark_own(each, here)
        self._mark_own(place, frame)
        self._restructured(place, around)

    def _mark_own(self, place: Place, frame: Frame) -> None:
        for unit in self.form.own_units.get(place, _NONE).values():
            if unit.home is frame.type:
                self._mark_unit(unit, frame)
        if place.is_leaf:
            self._mark(self.form.readers.get(place), frame)

    def _remove_frames(self, place: Place, around: Frame, first: int, end: int) -> None:
        instances = around.repeats[place.slot]
        gone = instances[first:end]
        for here, each in [leaf for frame in reversed(gone) for leaf in self._leaves(frame)]:
            if here.values[each.slot] and here.relevant[each.slot]:
                question = self.form.logic[each].question
                if question is not None and question.is_asked:
                    self._cleared.append((ref_of(each, here), here.values[each.slot]))
        if self._nodes is not None:
            self._nodes -= sum(map(_nodes, gone))
        del instances[first:end]
        for index, frame in enumerate(instances):
            frame.index = index
        for each in place.descendants():
            # Units inside the instance are gone with it. Units elsewhere are not local.
            readers = self.form.readers.get(each)
            if readers is not None:
                self._mark(Readers(readers.mask, tuple(r for r in readers.inner if not r[1])), around)
        self._restructured(place, around)
        self._forget(frozenset(gone))

    def _forget(self, gone: frozenset[Frame]) -> None:
        """Drop everything that waits for frames that are gone."""
        for listed in (self._shown, self._hidden, self._fired):
            listed[:] = [(place, frame) for place, frame in listed if not frame.is_within_any(gone)]
        self._added = [frame for frame in self._added if not frame.is_within_any(gone)]
        for index, scope in self._scopes.items():
            if scope is not None:
                self._scopes[index] = {frame: None for frame in scope if not frame.is_within_any(gone)}

    def _restructured(self, place: Place, around: Frame) -> None:
        """A repeat gained or lost an instance: mark the units that count its instances or ask for a position."""
        self._mark(self.form.structure.get(place), around)
        for each in place.descendants():
            if each.is_repeat:
                self._mark(self.form.structure.get(each), around)

    def _changes(self) -> Changes:
        """Return what the act that ends here has changed beside its own answer."""
        shown, hidden, cleared = self._shown, self._hidden, self._cleared
        if not shown and not hidden and not cleared:
            return _NO_CHANGES
        self._shown, self._hidden, self._cleared = [], [], []
        # What was hidden and shown again within one act has not changed.
        both = set(shown) & set(hidden)
        return Changes(
            tuple(ref_of(*each) for each in dict.fromkeys(shown) if each not in both),
            tuple(ref_of(*each) for each in dict.fromkeys(hidden) if each not in both),
            tuple(dict(cleared).items()),
        )


def _met(measure: Literal["text"], unit: Unit) -> Exhausted:
    limit = Exhausted(measure)
    limit.met_at(unit.place, unit.expression.column)
    return limit


def _nodes(frame: Frame) -> int:
    return len(frame.values) + sum(_nodes(each) for instances in frame.repeats.values() for each in instances)


_NONE: Mapping[str, Unit] = {}
_NO_CHANGES = Changes()
_EVALUATE: dict[str, Callable[[InstanceRules, Unit, Frame], None]] = {
    "relevant": InstanceRules._relevant,
    "calculate": InstanceRules._calculate,
    "choices": InstanceRules._filter,
    "count": InstanceRules._recount,
}
