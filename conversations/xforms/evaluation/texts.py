"""The texts of a session for its respondent: the questions that are asked, their labels and their choices."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress

from conversations.xforms.evaluation.state import InstanceState, path_of, ref_of
from conversations.xforms.form import Choice, FixedChoices, Group, ItemSet, Question, Text
from conversations.xforms.nodes import Frame, FrameType, Item, Place


class Node:
    """One question at one place of one session. It always shows the present state of the instance."""

    __slots__ = ("frame", "instance", "place", "question")

    def __init__(self, instance: "InstanceTexts", frame: Frame, place: Place, question: Question) -> None:
        self.instance = instance
        self.frame = frame
        self.place = place
        self.question = question

    @property
    def ref(self) -> str:
        return self.place.path if self.frame.parent is None else ref_of(self.place, self.frame)

    @property
    def value(self) -> str:
        """The stored value; blank while the node is not relevant."""
        slot = self.place.slot
        return self.frame.values[slot] if self.frame.relevant[slot] else ""

    @property
    def is_relevant(self) -> bool:
        return bool(self.frame.relevant[self.place.slot])

    @property
    def is_required(self) -> bool:
        required = self.instance.form.logic[self.place].required
        return required is not None and required.truth(self.instance, self.frame)

    @property
    def is_readonly(self) -> bool:
        """True if the node or a group around it is read-only."""
        return self.instance.is_readonly(self.place, self.frame)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and self.frame is other.frame and self.place is other.place

    def __hash__(self) -> int:
        return hash((id(self.frame), self.place))

    def __repr__(self) -> str:
        return f"<Node {self.ref} {self.value!r}>"


@dataclass(frozen=True, slots=True)
class _Leaves:
    """Some leaves of one type of frame, and the repeats in it, in document order.

    They are found once for a version of a form. A session then selects by its relevance, without a look at each.
    """

    by_slot: bytes
    """1 for each slot that is one of these places."""
    places: tuple[Place, ...]
    tails: tuple[str, ...]
    """Their paths, as they continue the ref of the frame."""
    has_repeats: bool
    looked_at: int
    """The leaves and repeats among which these were found: the steps that it costs."""


@lru_cache(maxsize=256)
def _leaves_among(chosen: frozenset[Place], frame_type: FrameType) -> _Leaves:
    places = tuple(place for place in frame_type.walk if place.is_repeat or place in chosen)
    start = len(frame_type.place.path) if frame_type.place is not None else 0
    return _Leaves(
        by_slot=bytes(place in places for place in frame_type.places),
        places=places,
        tails=tuple(place.path[start:] for place in places),
        has_repeats=any(place.is_repeat for place in places),
        looked_at=len(frame_type.walk),
    )


class InstanceTexts(InstanceState):
    """Returns all that a respondent sees: which questions are asked, their texts, and their choices."""

    def nodes(self) -> Iterator[Node]:
        """Every leaf in document order, in each instance of its repeats."""
        logic = self.form.logic
        for frame, place in self._leaves(self.root):
            question = logic[place].question
            if question is not None:
                yield Node(self, frame, place, question)

    def asked(self, among: frozenset[Place] | None = None) -> tuple[str, ...]:
        """The refs of the questions for the respondent, in document order: relevant, not read-only, and no notes.

        If `among` is given, only those of these places, which are some of `Form.asked`.
        """
        if self._asked is None or self._asked[0] is not among:
            refs = self._relevant_in(self.root, "", self.form.asked if among is None else among)
            if readonly := self.form.may_be_readonly:
                refs = [ref for ref in refs if path_of(ref) not in readonly or not self.node(ref).is_readonly]
            self._asked = (among, tuple(refs))
        return self._asked[1]

    def relevant(self, places: frozenset[Place]) -> list[str]:
        """The refs of these leaves where they are relevant, in document order."""
        return self._relevant_in(self.root, "", places)

    def _relevant_in(self, frame: Frame, within: str, places: frozenset[Place]) -> list[str]:
        """The refs in and below one frame. `within` is the ref of the frame itself."""
        leaves = _leaves_among(places, frame.type)
        self.spend(leaves.looked_at)
        relevant = compress(frame.relevant, leaves.by_slot)
        if not leaves.has_repeats:
            tails = compress(leaves.tails, relevant)
            return [within + tail for tail in tails] if within else list(tails)
        refs: list[str] = []
        for place, tail in compress(zip(leaves.places, leaves.tails, strict=True), relevant):
            if place.is_repeat:
                for number, each in enumerate(frame.repeats[place.slot], 1):
                    refs += self._relevant_in(each, f"{within}{tail}[{number}]", places)
            else:
                refs.append(within + tail)
        return refs

    def node(self, ref: str) -> Node:
        """The node at a ref, or with a name that only one node has. KeyError otherwise."""
        question = self.form.outside_repeats.get(ref)
        if question is not None:
            return Node(self, self.root, question.place, question)
        place, frame = self._find(ref)
        question = self.form.logic[place].question
        if question is None:
            raise KeyError(ref)
        return Node(self, frame, place, question)

    def repeats(self) -> Iterator[tuple[str, Group, int]]:
        """Every relevant repeat: its ref without a number, its group, the number of its instances."""
        for frame, place in self._places(self.root):
            group = self.form.logic[place].group
            if place.is_repeat and group is not None and frame.relevant[place.slot]:
                yield ref_of(place, frame), group, len(frame.repeats[place.slot])

    def is_counted(self, ref: str) -> bool:
        """Whether the form itself counts the instances of a repeat. Then nobody may add or remove one."""
        place, _ = self.repeat_at(ref)
        return self.form.logic[place].count is not None

    def label(self, node: Node) -> str:
        return self._fill(self.form.logic[node.place].label, node.frame)

    def hint(self, node: Node) -> str:
        return self._fill(self.form.logic[node.place].hint, node.frame)

    def guidance(self, node: Node) -> str:
        return self._fill(self.form.logic[node.place].guidance, node.frame)

    def required_message(self, node: Node) -> str:
        return self._fill(self.form.logic[node.place].required_message, node.frame)

    def constraint_message(self, node: Node) -> str:
        return self._fill(self.form.logic[node.place].constraint_message, node.frame)

    def media(self, node: Node) -> Mapping[str, str]:
        """The files that belong to a label, by kind."""
        media = self.form.logic[node.place].label.media
        return media.get(self.language) or media.get(self.form.default_language) or {}

    def group_label(self, where: "Node | Group", frame: Frame | None = None) -> str:
        """The label of a group as it reads in this frame. For a node it is the group around the node.

        In an instance of a repeat the label reads that instance. Outside of the repeat there is no instance to read:
        its outputs are blank.
        """
        if isinstance(where, Node):
            group, frame = where.question.group, where.frame
            if group is None:
                return ""
        else:
            group = where
        return self._fill(group.label, frame or self.root)

    def is_readonly(self, place: Place, frame: Frame) -> bool:
        """Whether the place, or a group around it, is read-only as seen from this frame."""
        if place not in self.form.readonly:
            return False
        logic = self.form.logic
        at: Place | None = place
        while at is not None:
            readonly = logic[at].readonly
            if readonly is not None and readonly.truth(self, frame):
                return True
            at = at.parent
        return False

    def _fill(self, text: Text, frame: Frame) -> str:
        return text.fill(self.language, self, frame) if text.by_language else ""

    def choices(self, node: Node) -> Sequence[Choice]:
        """The present choices of a select: filtered, in their order, with labels in the session's language."""
        items = self.form.logic[node.place].items
        return self._choices(node.place, items, node.frame) if items is not None else ()

    def fixed_choices(self, node: Node) -> FixedChoices | None:
        """These choices, if they are the same in every session and were looked at before."""
        items = self.form.logic[node.place].items
        return items.fixed.get(self.language) if items is not None else None

    def _choices(self, place: Place, items: ItemSet, frame: Frame) -> Sequence[Choice]:
        fixed = items.fixed.get(self.language)
        if fixed is not None and fixed.steps <= self.steps:  # who has fewer is told at which step they end
            self.steps -= fixed.steps
            return fixed.choices
        before = self.steps
        choices = self._made_choices(place, items, frame)
        if self._are_fixed(items, choices):
            items.fixed[self.language] = FixedChoices(tuple(choices), before - self.steps)
        return choices

    def _are_fixed(self, items: ItemSet, choices: Sequence[Choice]) -> bool:
        """Whether these choices are the same in every session: a list without a filter, labels without outputs."""
        nodes = items.nodes
        if nodes is None or not nodes.node_kind:
            return not any(True for _, text in items.inline for _ in text.expressions())
        return nodes.is_fixed and len(items.made[self.language]) == len(choices)

    def _made_choices(self, place: Place, items: ItemSet, frame: Frame) -> Sequence[Choice]:
        nodes = items.nodes
        if nodes is None or not nodes.node_kind:
            return tuple(self._inline_choices(items, frame))
        if nodes.node_kind == "items":
            by_item = items.made.setdefault(self.language, {})
            choices: list[Choice] = []
            for item in nodes.items(self, frame):
                choice = by_item.get(item)
                if choice is None:
                    choice = self._item_choice(place, items, item, frame)
                    if not items.label_is_itext or self._is_fixed(item.child_text(items.label_name)):
                        by_item[item] = choice
                choices.append(choice)
            self.spend(len(choices))
            return choices
        value, label = items.value, items.label
        if value is None or label is None:
            return []
        frames = [each for each, _ in nodes.nodes(self, frame)]
        return [Choice(text, label.text(self, each)) for each in frames if (text := value.text(self, each)) != ""]

    def _is_fixed(self, text_id: str) -> bool:
        """Whether a text has no outputs, so that every session shows the same."""
        languages = (self.language, self.form.default_language)
        texts = (self.form.itext_message(language, text_id) for language in languages)
        return not any(True for text in texts if text is not None for _ in text.expressions())

    def _inline_choices(self, items: ItemSet, frame: Frame) -> Iterator[Choice]:
        for value, text in items.inline:
            media = text.media.get(self.language) or text.media.get(self.form.default_language) or {}
            yield Choice(value, self._fill(text, frame), media)

    def _item_choice(self, place: Place, items: ItemSet, item: Item, frame: Frame) -> Choice:
        value, written = item.child_text(items.value_name), item.child_text(items.label_name)
        if not items.label_is_itext:
            # A file may have the label in other languages in further columns: label_es, label_en …
            return Choice(value, item.child_text(f"{items.label_name}_{self.form.code_of(self.language)}") or written)
        media = {}
        for language in (self.form.default_language, self.language):
            forms = self.form.itext.get(language, {}).get(written, {})
            media.update({kind: name for kind, name in forms.items() if isinstance(name, str)})
        return Choice(value, self.itext(written, place, frame), media)

    def choice_name(self, place: Place, frame: Frame, value: str) -> str:
        items = self.form.logic[place].items
        if items is None or value == "":
            return ""
        choices = self._choices(place, items, frame)
        return next((choice.label for choice in choices if choice.value == value), "")

    def itext(self, text_id: str, place: Place, frame: Frame) -> str:
        """The text with this id in the session's language, as it reads at a place in this frame."""
        for language in (self.language, self.form.default_language):
            found = self.form.itext_message(language, text_id, place)
            if found is not None:
                return found.fill(language, self, frame)
        return ""
