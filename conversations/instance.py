"""The answers of one session, and everything the form derives from them.

A bot forgets everything between two messages: each one loads the session, changes one answer, and stores it
again, a thousand times a second. So restoring evaluates nothing: what relevance and calculations came to is part
of the dump, and an answer re-evaluates only what reads it, in the order `conversations.form` has found.

Laws:
- `restore(dump())` is the same instance; the same calls on it give the same results on any machine.
- After every call the state is what evaluating the whole form from scratch would give.
- What is not relevant keeps its value, but nobody sees it: expressions, `answers()` and the submission read blank.
- Nothing here reads the clock or chance: `now` is given, random() and uuid() follow from instance_id and seed.
Source: ODK XForms specification; where its engines differ, docs/xlsform.md.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal
from xml.sax.saxutils import escape, quoteattr
from zoneinfo import ZoneInfo

from conversations.expressions import Scope, number_of, written_offset
from conversations.form import Action, Choice, Form, Group, ItemSet, Question, Readers, Text, Unit
from conversations.nodes import LAST_SAVED, Frame, FrameType, Item, Place, Seed
from conversations.question_types import QUESTION_TYPES, clean, coerce

MAX_REPEATS = 1_000
"""Instances of one repeat: a count typed by mistake must not exhaust the machine."""
_MAX_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Violation:
    """Why a value is not acceptable; `message` is the form's own words, blank if it has none."""

    kind: Literal["type", "required", "constraint"]
    message: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """What one act changed, by ref. `cleared` are answers that fell out of their choices or went with a repeat."""

    answered: str = ""
    now_relevant: tuple[str, ...] = ()
    now_irrelevant: tuple[str, ...] = ()
    cleared: tuple[tuple[str, str], ...] = ()


class Node:
    """One question in one place of one session. A view: it always shows the instance's present state."""

    __slots__ = ("frame", "instance", "place", "question")

    def __init__(self, instance: "Instance", frame: Frame, place: Place, question: Question) -> None:
        self.instance = instance
        self.frame = frame
        self.place = place
        self.question = question

    @property
    def ref(self) -> str:
        return self.place.path if self.frame.parent is None else ref_of(self.place, self.frame)

    @property
    def value(self) -> str:
        """What is stored, blank while the node is not relevant."""
        slot = self.place.slot
        return self.frame.values[slot] if self.frame.relevant[slot] else ""

    @property
    def is_relevant(self) -> bool:
        return bool(self.frame.relevant[self.place.slot])

    @property
    def is_required(self) -> bool:
        required = self.instance.form.logic[self.place].required
        return required is not None and required.truth(Scope(self.instance, self.frame))

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


def ref_of(place: Place, frame: Frame) -> str:
    """The path of a place with the numbers of the repeat instances it lies in."""
    if frame.type.place is None:
        return place.path
    parts = place.path.split("/")
    around: Frame | None = frame
    while around is not None and around.type.place is not None:
        depth = around.type.place.path.count("/")
        parts[depth] = f"{parts[depth]}[{around.index + 1}]"
        around = around.parent
    return "/".join(parts)


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


class Instance:
    """One session's answers over a form; see the module for its laws."""

    __slots__ = (
        "_added", "_cleared", "_dirty", "_fired", "_hidden", "_is_live", "_moment", "_new", "_scopes", "_shown",
        "counter", "device_id", "form", "instance_id", "language", "last_saved", "now", "root", "seed",
        "timezone", "username",
    )  # fmt: skip

    def __init__(self, form: Form, *, now: datetime, timezone: str, language: str, instance_id: str) -> None:
        self.form = form
        self.now = now
        self.timezone = timezone
        self.language = language
        self.instance_id = instance_id
        self.username = ""
        self.device_id = ""
        self.seed = 0
        self.counter = 0
        self.last_saved: Mapping[str, str] = {}
        """By ref, the answers that `${last-saved#…}` reads."""
        self.root: Frame
        self._moment = ""
        self._dirty = 0
        self._scopes: dict[int, list[Frame] | None] = {}
        self._shown: list[tuple[Place, Frame]] = []
        self._hidden: list[tuple[Place, Frame]] = []
        self._cleared: list[tuple[str, str]] = []
        self._fired: list[tuple[Place, Frame]] = []
        self._added: list[Frame] = []
        self._new: list[Frame] = []
        # First values are no changes: nothing is triggered while the instance or a repeat's instance is being made.
        self._is_live = True

    @classmethod
    def start(
        cls,
        form: Form,
        *,
        now: datetime,
        timezone: str,
        language: str,
        instance_id: str,
        username: str = "",
        device_id: str = "",
        seed: int = 0,
        values: Mapping[str, str] | None = None,
        last_saved: Mapping[str, str] | None = None,
    ) -> "Instance":
        """A new session's instance: defaults, preloads, `values` by name or ref, then everything evaluated.

        `last_saved` are the answers, by ref, of the person's last submission of this form.

        KeyError for a name in `values` that the form does not have.
        """
        if now.tzinfo is None:
            raise ValueError("now must be aware")
        made = cls(form, now=now, timezone=timezone, language=language, instance_id=instance_id)
        made.username, made.device_id, made.seed = username, device_id, seed
        made._is_live = False
        if last_saved and LAST_SAVED in form.instances:
            made.last_saved = dict(last_saved)
        made.root = made._frame(form.frame, None, 0, form.frame.template)
        for frame, place in made._leaves(made.root):
            slot = place.slot
            frame.values[slot] = coerce(place.value_type, frame.values[slot])
        made._preload()
        given: set[tuple[Place, Frame]] = set()
        for name, value in (values or {}).items():
            place, frame = made._find(name)
            frame.values[place.slot] = coerce(place.value_type, value)
            given.add((place, frame))
        made._mark_everything()
        made._settle()
        for action in form.first_load + form.every_load:
            for frame in made.frames(action.target.frame):
                if (action.target, frame) not in given:
                    made._perform(action, frame)
                    made._settle()
        made._changes()
        made._is_live = True
        return made

    @classmethod
    def restore(
        cls, form: Form, state: Mapping[str, Any], *, now: datetime, timezone: str, language: str
    ) -> "Instance":
        """The instance that `dump` told of. Evaluates nothing; `form` must be the version it began with."""
        made = cls(form, now=now, timezone=timezone, language=language, instance_id=state["id"])
        made.username = state["username"]
        made.device_id = state["device_id"]
        made.seed = state["seed"]
        made.counter = state["counter"]
        made.last_saved = state.get("last_saved", {})
        made.root = _load_frame(form.frame, None, 0, state["root"])
        return made

    def dump(self) -> dict[str, Any]:
        """The state as JSON-able data: per frame its values, what is not relevant, and its repeats."""
        last_saved = {"last_saved": self.last_saved} if self.last_saved else {}
        return {
            "id": self.instance_id,
            "username": self.username,
            "device_id": self.device_id,
            "seed": self.seed,
            "counter": self.counter,
            "root": _dump_frame(self.root),
            **last_saved,
        }

    # Looking

    def nodes(self) -> Iterator[Node]:
        """Every leaf in document order, in each instance of its repeats."""
        logic = self.form.logic
        for frame, place in self._leaves(self.root):
            question = logic[place].question
            if question is not None:
                yield Node(self, frame, place, question)

    def asked(self) -> list[Node]:
        """The questions that are now for the respondent, in document order: relevant, not read-only, no notes."""
        logic = self.form.logic
        return [
            Node(self, frame, place, question)
            for frame, place in self._leaves(self.root)
            if frame.relevant[place.slot]
            and (question := logic[place].question) is not None
            and question.is_asked
            and question.type != "note"
            and not self.is_readonly(place, frame)
        ]

    def node(self, ref: str) -> Node:
        """The node at a ref, or of a name that only one node has; KeyError otherwise."""
        place, frame = self._find(ref)
        question = self.form.logic[place].question
        if question is None:
            raise KeyError(ref)
        return Node(self, frame, place, question)

    def repeats(self) -> Iterator[tuple[str, Group, int]]:
        """Every relevant repeat as (ref without number, its group, how many instances it has)."""
        for frame, place in self._places(self.root):
            group = self.form.logic[place].group
            if place.is_repeat and group is not None and frame.relevant[place.slot]:
                yield ref_of(place, frame), group, len(frame.repeats[place.slot])

    def is_counted(self, ref: str) -> bool:
        """True if the form itself says how many instances a repeat has, so that nobody adds or removes any."""
        place, _ = self._repeat(ref)
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
        """The files that go with a label, by kind."""
        media = self.form.logic[node.place].label.media
        return media.get(self.language) or media.get(self.form.default_language) or {}

    def group_label(self, where: "Node | Group", frame: Frame | None = None) -> str:
        """The label of a group, or of the group a node stands in (of its own instance, in a repeat)."""
        if isinstance(where, Node):
            group, frame = where.question.group, where.frame
            if group is None:
                return ""
        else:
            group = where
        here: Frame | None = frame or self.root
        place = group.place
        while here is not None and place is not None and here.type not in (place.home, place.frame):
            here = here.parent
        return self._fill(group.label, here or self.root)

    def is_readonly(self, place: Place, frame: Frame) -> bool:
        if place not in self.form.readonly:
            return False
        logic = self.form.logic
        at: Place | None = place
        here = frame
        while at is not None:
            readonly = logic[at].readonly
            if readonly is not None and readonly.truth(Scope(self, here)):
                return True
            if at.is_repeat and here.parent is not None:
                here = here.parent
            at = at.parent
        return False

    def _fill(self, text: Text, frame: Frame) -> str:
        return text.fill(self.language, Scope(self, frame)) if text.by_language else ""

    # Choices

    def choices(self, node: Node) -> list[Choice]:
        """The choices of a select as they now are: filtered, in their order, labelled in the session's language."""
        items = self.form.logic[node.place].items
        return list(self._choices(items, node.frame)) if items is not None else []

    def _choices(self, items: ItemSet, frame: Frame) -> "tuple[Choice, ...] | list[Choice]":
        nodes = items.nodes
        if nodes is None or nodes.nodes is None:
            made = items.fixed.get(self.language)
            if made is None:
                made = tuple(self._inline_choices(items, frame))
                if not any(True for _, text in items.inline for _ in text.expressions()):
                    items.fixed[self.language] = made
            return made
        found = nodes.nodes(Scope(self, frame))
        if nodes.node_kind == "items":
            by_item = items.made.setdefault(self.language, {})
            choices: list[Choice] = []
            for item in found:
                choice = by_item.get(item)
                if choice is None:
                    choice = self._item_choice(items, item)
                    if not items.label_is_itext or self._is_fixed(item.child_text(items.label_name)):
                        by_item[item] = choice
                choices.append(choice)
            return choices
        value, label = items.value, items.label
        if value is None or label is None:
            return []
        scopes = [Scope(self, each) for each, _ in found]
        return [Choice(text, label.text(s)) for s in scopes if (text := value.text(s)) != ""]

    def _is_fixed(self, text_id: str) -> bool:
        """True if a text has no outputs, so that it says the same in every session."""
        languages = (self.language, self.form.default_language)
        texts = (self.form.itext_message(language, text_id) for language in languages)
        return not any(True for text in texts if text is not None for _ in text.expressions())

    def _inline_choices(self, items: ItemSet, frame: Frame) -> Iterator[Choice]:
        scope = Scope(self, frame)
        for value, text in items.inline:
            media = text.media.get(self.language) or text.media.get(self.form.default_language) or {}
            yield Choice(value, text.fill(self.language, scope), media)

    def _item_choice(self, items: ItemSet, item: Any) -> Choice:
        value, written = item.child_text(items.value_name), item.child_text(items.label_name)
        if not items.label_is_itext:
            return Choice(value, written)
        media = {}
        for language in (self.form.default_language, self.language):
            forms = self.form.itext.get(language, {}).get(written, {})
            media.update({kind: name for kind, name in forms.items() if isinstance(name, str)})
        return Choice(value, self.itext(written), media)

    # What expressions ask of a session

    def moment_text(self) -> str:
        """`now` on the session's wall clock, as ODK writes a dateTime."""
        if not self._moment:
            here = self.now.astimezone(_zone(self.timezone))
            self._moment = here.isoformat(timespec="milliseconds")
        return self._moment

    def offset_of(self, wall: datetime) -> str:
        return written_offset(wall.replace(tzinfo=_zone(self.timezone)).strftime("%z"))

    def random_text(self) -> str:
        self.counter += 1
        return hashlib.sha256(f"{self.instance_id}:{self.seed}:{self.counter}".encode()).hexdigest()

    def order_seed(self, place: Place) -> int:
        digest = hashlib.sha256(f"{self.instance_id}:{self.seed}:{place.path}".encode()).digest()
        return int.from_bytes(digest[:6], "big")

    def last_saved_items(self) -> list[Item]:
        """The last submission as the secondary instance it is to expressions; none if there was none."""
        root = Item(LAST_SAVED)
        for ref, value in self.last_saved.items():
            item = root
            for part in ref.split("/")[1:]:
                name, _, number = part.partition("[")
                at = int(number[:-1]) - 1 if number else 0
                while len(item.children.get(name, ())) <= at:
                    Item(name, "", item)
                item = item.children[name][at]
            item.text = value
        return [root]

    def choice_name(self, place: Place, frame: Frame, value: str) -> str:
        items = self.form.logic[place].items
        if items is None or value == "":
            return ""
        return next((choice.label for choice in self._choices(items, frame) if choice.value == value), "")

    def itext(self, text_id: str) -> str:
        """A text of the form by its id, in the session's language; outputs are filled from the outermost frame."""
        for language in (self.language, self.form.default_language):
            found = self.form.itext_message(language, text_id)
            if found is not None:
                return found.fill(language, Scope(self, self.root))
        return ""

    # Checking

    def cast(self, node: Node, value: str) -> str | None:
        """The value as it would be stored; None if the question's type or its choices do not have it."""
        if value == "":
            return ""
        question = node.question
        parameters = question.parameters
        if question.value_type in ("dateTime", "time"):
            parameters = {**parameters, "offset": self.offset_of(self.now.replace(tzinfo=None))}
        stored = QUESTION_TYPES[question.type].cast(value, parameters)
        if stored is None or stored == "":
            return None
        if question.type in ("select_one", "select_multiple", "rank"):
            return self._cast_choices(node, stored)
        return stored

    def _cast_choices(self, node: Node, stored: str) -> str | None:
        items = self.form.logic[node.place].items
        names = [choice.value for choice in self._choices(items, node.frame)] if items is not None else []
        if node.question.type == "select_one":
            return stored if stored in names else None
        chosen = stored.split()
        if len(set(chosen)) != len(chosen) or not set(chosen) <= set(names):
            return None
        if node.question.type == "rank":
            return stored if len(chosen) == len(names) else None
        return " ".join(name for name in names if name in chosen)

    def check(self, node: Node, value: str) -> Violation | None:
        """What would be wrong with this answer, None if nothing. Stores nothing.

        A blank breaks only `required`; anything else must fit the type and then the constraint, which sees the
        value as if it were stored.
        """
        logic = self.form.logic[node.place]
        if value == "":
            if node.is_required:
                return Violation("required", self.required_message(node))
            return None
        stored = self.cast(node, value)
        if stored is None:
            return Violation("type", "")
        if logic.constraint is None:
            return None
        values, slot = node.frame.values, node.place.slot
        before, values[slot] = values[slot], stored
        try:
            is_valid = logic.constraint.truth(Scope(self, node.frame))
            message = "" if is_valid else self.constraint_message(node)
        finally:
            values[slot] = before
        return None if is_valid else Violation("constraint", message)

    def violations(self) -> list[tuple[str, Violation]]:
        """What still keeps the form from being sent, in document order: relevant nodes only."""
        found: list[tuple[str, Violation]] = []
        for frame, place in self._leaves(self.root):
            if not frame.relevant[place.slot]:
                continue
            violation = self._violation(place, frame)
            if violation is not None:
                found.append((ref_of(place, frame), violation))
        return found

    def _violation(self, place: Place, frame: Frame) -> Violation | None:
        logic = self.form.logic[place]
        if frame.values[place.slot] == "":
            if logic.required is not None and logic.required.truth(Scope(self, frame)):
                return Violation("required", self._fill(logic.required_message, frame))
        elif logic.constraint is not None and not logic.constraint.truth(Scope(self, frame)):
            return Violation("constraint", self._fill(logic.constraint_message, frame))
        return None

    # Acting

    def answer(self, ref: str, value: str) -> Changes:
        """Store an answer and settle everything that reads it.

        The value is stored as the question's type writes it, blank if the type cannot hold it (ODK does the same):
        `check` first. Whether the node is relevant or read-only is the caller's business.
        """
        place, frame = self._find(ref)
        stored = self._stored(place, frame, value)
        frame.filtered.pop(place.slot, None)
        if stored != frame.values[place.slot]:
            frame.values[place.slot] = stored
            self._touched(place, frame)
            self._settle()
        return self._changes(ref_of(place, frame))

    def add(self, ref: str) -> Changes:
        """One more instance of a repeat, at the end; refused (ValueError) where the form counts them itself."""
        place, frame = self._repeat(ref)
        self._refuse_counted(place, ref)
        if len(frame.repeats[place.slot]) >= MAX_REPEATS:
            raise ValueError(f"{ref} has {MAX_REPEATS} instances")
        self._add_frame(place, frame)
        self._settle()
        return self._changes(ref)

    def remove(self, ref: str) -> Changes:
        """Take an instance of a repeat away, the last one if `ref` has no number; what it held is in `cleared`."""
        place, frame = self._repeat(ref)
        self._refuse_counted(place, ref)
        instances = frame.repeats[place.slot]
        number = int(ref[ref.rindex("[") + 1 : -1]) if ref.endswith("]") else len(instances)
        if not 1 <= number <= len(instances):
            raise KeyError(ref)
        self._remove_frame(place, frame, number - 1)
        self._settle()
        return self._changes(ref)

    def _refuse_counted(self, place: Place, ref: str) -> None:
        if self.form.logic[place].count is not None:
            raise ValueError(f"{ref} is counted by the form")

    def set_language(self, language: str) -> Changes:
        """Speak another language of the form from now on; calculated labels follow. KeyError if it has none such."""
        if language not in self.form.languages and (self.form.languages or language):
            raise KeyError(language)
        self.language = language
        for index in self.form.language_units:
            self._dirty |= 1 << index
            self._scopes[index] = None
        self._settle()
        return self._changes()

    def set_now(self, now: datetime) -> None:
        """Move the clock. As in ODK, nothing is re-evaluated for that alone."""
        if now.tzinfo is None:
            raise ValueError("now must be aware")
        self.now = now
        self._moment = ""

    # Handing over

    def answers(self) -> dict[str, str]:
        """What is submitted, by ref: every relevant leaf that is not blank."""
        end = self._end()
        return {
            ref_of(place, frame): value
            for frame, place in self._leaves(self.root)
            if frame.relevant[place.slot] and (value := end if self._is_end(place) else frame.values[place.slot])
        }

    def _is_end(self, place: Place) -> bool:
        return self.form.logic[place].preload == ("timestamp", "end")

    def _end(self) -> str:
        return self.moment_text()

    def submission_xml(self) -> str:
        """The instance as XML: relevant nodes only, blank ones empty, as ODK engines submit it."""
        form = self.form
        written: list[str] = []
        version = f" version={quoteattr(form.version)}" if form.version else ""
        self._write(self.root, form.root, f" id={quoteattr(form.form_id)}{version}", written)
        return "".join(written)

    def _write(self, frame: Frame, place: Place, attributes: str, written: list[str]) -> None:
        name = place.name
        if place.is_leaf:
            value = self._end() if self._is_end(place) else frame.values[place.slot]
            written.append(f"<{name}>{escape(value)}</{name}>" if value else f"<{name}/>")
            return
        written.append(f"<{name}{attributes}>")
        for child in place.children.values():
            if not frame.relevant[child.slot]:
                continue
            if child.is_repeat:
                for each in frame.repeats[child.slot]:
                    if each.relevant[0]:
                        self._write(each, child, "", written)
            else:
                self._write(frame, child, "", written)
        written.append(f"</{name}>")

    # Finding

    def _find(self, ref: str) -> tuple[Place, Frame]:
        form = self.form
        place = form.places.get(ref)
        if place is not None and place.frame is form.frame:
            return place, self.root
        if not ref.startswith("/"):
            found = form.by_name.get(ref, [])
            if len(found) == 1 and found[0].frame is form.frame:
                return found[0], self.root
            frames = [(each, frame) for each in found for frame in self.frames(each.frame)]
            if len(frames) != 1:
                raise KeyError(ref)
            return frames[0]
        frame, place = self.root, form.root
        parts = ref.split("/")
        if parts[1] != place.name:
            raise KeyError(ref)
        for number, part in enumerate(parts[2:], 2):
            name, _, index = part.partition("[")
            child = place.children.get(name)
            if child is None:
                raise KeyError(ref)
            if child.is_repeat and number < len(parts) - 1:
                instances = frame.repeats[child.slot]
                at = int(index[:-1]) if index[:-1].isdigit() else 1
                if not 1 <= at <= len(instances):
                    raise KeyError(ref)
                frame = instances[at - 1]
            elif index and not child.is_repeat and index != "1]":
                raise KeyError(ref)
            place = child
        return place, frame

    def _repeat(self, ref: str) -> tuple[Place, Frame]:
        try:
            place, frame = self._find(ref)
        except KeyError:
            place, frame = self._find(ref.rpartition("[")[0])
        if not place.is_repeat:
            raise KeyError(ref)
        return place, frame

    def _places(self, frame: Frame) -> Iterator[tuple[Frame, Place]]:
        """Everything below a frame in document order, with the frame it lies in; repeats once and then inside."""
        for place in frame.type.places[1:]:
            yield frame, place
            if place.inner is not None:
                for each in frame.repeats[place.slot]:
                    yield from self._places(each)

    def _leaves(self, frame: Frame) -> list[tuple[Frame, Place]]:
        """The leaves among them: asked for several times in every step, so without a generator's price."""
        walk = frame.type.walk
        if not frame.repeats:
            return [(frame, place) for place in walk]
        leaves: list[tuple[Frame, Place]] = []
        for place in walk:
            if place.inner is None:
                leaves.append((frame, place))
            else:
                for each in frame.repeats[place.slot]:
                    leaves += self._leaves(each)
        return leaves

    def frames(self, frame_type: FrameType) -> list[Frame]:
        """All frames of a type, in document order."""
        if frame_type.parent is None:
            return [self.root]
        place = frame_type.place
        assert place is not None
        return [each for around in self.frames(frame_type.parent) for each in around.repeats[place.slot]]

    # Evaluating

    def _stored(self, place: Place, frame: Frame, value: str) -> str:
        question = self.form.logic[place].question
        if question is None:
            raise KeyError(place.path)
        if not question.is_asked:
            return coerce(question.value_type, value)
        return self.cast(Node(self, frame, place, question), value) or ""

    def _preload(self) -> None:
        for frame, place in self._leaves(self.root):
            kind, parameter = self.form.logic[place].preload
            if kind:
                frame.values[place.slot] = self._preloaded(kind, parameter, frame.values[place.slot])

    def _preloaded(self, kind: str, parameter: str, default: str) -> str:
        match kind, parameter:
            case "uid", _:
                return self.instance_id if self.instance_id.startswith("uuid:") else f"uuid:{self.instance_id}"
            case "timestamp", "start":
                return self.moment_text()
            case "date", "today":
                return self.moment_text()[:10]
            case "property", "username":
                return clean(self.username)
            case "property", "deviceid":
                return clean(self.device_id)
            case _:
                return default

    def _mark_everything(self) -> None:
        self._dirty = self.form.everything
        self._scopes = dict.fromkeys(range(len(self.form.units)))

    def _mark(self, readers: Readers | None, frame: Frame) -> None:
        """Whoever reads something in this frame has to be evaluated again."""
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
        scope = self._scopes.setdefault(index, [])
        if scope is not None and frame not in scope:
            scope.append(frame)

    def _mark_unit(self, unit: Unit, frame: Frame) -> None:
        self._dirty |= 1 << unit.index
        if unit.home is not self.form.frame:
            self._in_scope(unit.index, frame)

    def _touched(self, place: Place, frame: Frame) -> None:
        """A value has changed: mark its readers, remember what it triggers."""
        self._mark(self.form.readers.get(place), frame)
        if place in self.form.triggers and self._is_live and not any(frame.is_within(new) for new in self._new):
            self._fired.append((place, frame))

    def _settle(self) -> None:
        """Evaluate until nothing is dirty, no action is due and no new instance waits for its defaults."""
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
        """The frames of a setvalue's target: in the trigger's own instance where they share a repeat."""
        around: Frame | None = frame
        while around is not None:
            if around.type is target.frame:
                return [around]
            around = around.parent
        return [each for each in self.frames(target.frame) if each.is_within(frame)]

    def _perform(self, action: Action, frame: Frame) -> None:
        place = action.target
        value = action.literal if action.value is None else action.value.text(Scope(self, frame))
        stored = coerce(place.value_type, value)
        if stored != frame.values[place.slot]:
            frame.values[place.slot] = stored
            self._touched(place, frame)

    def _evaluate(self) -> None:
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
            if unit.home is root:
                evaluate(self, unit, self.root)
                continue
            scope = self._scopes.pop(unit.index, None)
            for frame in self.frames(unit.home) if scope is None else self._scoped(unit.home, scope):
                evaluate(self, unit, frame)

    def _scoped(self, home: FrameType, scope: list[Frame]) -> list[Frame]:
        if all(frame.type is home for frame in scope):
            return scope
        return [frame for frame in self.frames(home) if any(frame.is_within(around) for around in scope)]

    def _relevant(self, unit: Unit, frame: Frame) -> None:
        place = unit.place
        parent = place.parent
        if unit.home is place.inner:
            assert frame.parent is not None
            slot, around = 0, frame.parent.relevant[place.slot]
        else:
            slot = place.slot
            around = 1 if parent is None else frame.relevant[0 if parent.is_repeat else parent.slot]
        is_relevant = 1 if around and unit.expression.truth(Scope(self, frame)) else 0
        if frame.relevant[slot] != is_relevant:
            self._set_relevant(place, frame, slot, is_relevant)

    def _set_relevant(self, place: Place, frame: Frame, slot: int, is_relevant: int) -> None:
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
        place = unit.place
        slot = place.slot
        if not frame.relevant[slot]:
            return
        value = unit.expression.text(Scope(self, frame))
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
        """What fell out of its choices is cleared, and comes back if its choice does before it is answered anew."""
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
        names = {choice.value for choice in self._choices(items, frame)}
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
        place = unit.place
        number = number_of(unit.expression.text(Scope(self, frame)))
        if number != number:
            # A count that is blank for a moment, while it is being corrected, takes nothing away.
            return
        wanted = int(min(max(number, 0), MAX_REPEATS))
        instances = frame.repeats[place.slot]
        while len(instances) > wanted:
            self._remove_frame(place, frame, len(instances) - 1)
        while len(instances) < wanted:
            self._add_frame(place, frame)

    # Repeat instances

    def _frame(self, frame_type: FrameType, parent: Frame | None, index: int, seed: Seed) -> Frame:
        frame = Frame(frame_type, parent, index)
        frame.values = list(seed.values)
        frame.relevant = bytearray(b"\x01" * len(seed.values))
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
        self._new.append(frame)
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

    def _remove_frame(self, place: Place, around: Frame, number: int) -> None:
        instances = around.repeats[place.slot]
        gone = instances[number]
        for here, each in self._leaves(gone):
            if here.values[each.slot] and here.relevant[each.slot]:
                question = self.form.logic[each].question
                if question is not None and question.is_asked:
                    self._cleared.append((ref_of(each, here), here.values[each.slot]))
        del instances[number]
        for index, frame in enumerate(instances):
            frame.index = index
        for each in place.descendants():
            # Readers inside the instance are gone with it; those elsewhere are not local.
            readers = self.form.readers.get(each)
            if readers is not None:
                self._mark(Readers(readers.mask, tuple(r for r in readers.inner if not r[1])), around)
        self._restructured(place, around)
        self._forget(gone)

    def _forget(self, gone: Frame) -> None:
        for listed in (self._shown, self._hidden, self._fired):
            listed[:] = [(place, frame) for place, frame in listed if not frame.is_within(gone)]
        self._added = [frame for frame in self._added if not frame.is_within(gone)]
        for scope in self._scopes.values():
            if scope is not None:
                scope[:] = [frame for frame in scope if not frame.is_within(gone)]

    def _restructured(self, place: Place, around: Frame) -> None:
        """A repeat has gained or lost an instance: whoever counts them or asks for a position looks again."""
        self._mark(self.form.structure.get(place), around)
        for each in place.descendants():
            if each.is_repeat:
                self._mark(self.form.structure.get(each), around)

    def _changes(self, ref: str = "") -> Changes:
        shown, hidden, cleared = self._shown, self._hidden, self._cleared
        if not shown and not hidden and not cleared:
            return Changes(ref)
        self._shown, self._hidden, self._cleared = [], [], []
        # What was hidden and shown again within one act has not changed.
        both = set(shown) & set(hidden)
        return Changes(
            ref,
            tuple(ref_of(*each) for each in dict.fromkeys(shown) if each not in both),
            tuple(ref_of(*each) for each in dict.fromkeys(hidden) if each not in both),
            tuple(dict(cleared).items()),
        )


_NONE: Mapping[str, Unit] = {}
_EVALUATE: dict[str, Callable[[Instance, Unit, Frame], None]] = {
    "relevant": Instance._relevant,
    "calculate": Instance._calculate,
    "choices": Instance._filter,
    "count": Instance._recount,
}


def _dump_frame(frame: Frame) -> dict[str, Any]:
    dumped: dict[str, Any] = {"values": list(frame.values)}
    if 0 in frame.relevant:
        dumped["hidden"] = [slot for slot, is_relevant in enumerate(frame.relevant) if not is_relevant]
    if frame.repeats:
        dumped["repeats"] = {
            str(slot): [_dump_frame(each) for each in instances] for slot, instances in frame.repeats.items()
        }
    if frame.filtered:
        dumped["filtered"] = {str(slot): value for slot, value in frame.filtered.items()}
    if frame.calculated:
        dumped["calculated"] = {str(slot): value for slot, value in frame.calculated.items()}
    return dumped


def _load_frame(frame_type: FrameType, parent: Frame | None, index: int, dumped: Mapping[str, Any]) -> Frame:
    frame = Frame(frame_type, parent, index)
    frame.values = list(dumped["values"])
    frame.relevant = bytearray(b"\x01") * len(frame.values)
    for slot in dumped.get("hidden", ()):
        frame.relevant[slot] = 0
    repeats = dumped.get("repeats")
    if repeats:
        for place in frame_type.repeats:
            assert place.inner is not None
            frame.repeats[place.slot] = [
                _load_frame(place.inner, frame, number, each) for number, each in enumerate(repeats[str(place.slot)])
            ]
    filtered = dumped.get("filtered")
    if filtered:
        frame.filtered = {int(slot): value for slot, value in filtered.items()}
    calculated = dumped.get("calculated")
    if calculated:
        frame.calculated = {int(slot): value for slot, value in calculated.items()}
    return frame
