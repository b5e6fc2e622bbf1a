"""The answers of one session, and everything that the form derives from them.

A bot remembers nothing between two messages: for each it loads the session, changes one answer, and stores the session
again, a thousand times a second. So restoring evaluates nothing. The results of relevance and calculations are part of
the dump, and an answer evaluates only what reads it, in an order that was found when the form was published.

Laws:
- `restore(dump())` is the same instance; the same calls on it give the same results on any machine.
- After every call the state is the one that evaluating the whole form from scratch would give.
- What is not relevant keeps its value, but nobody sees it: expressions, `answers()` and the submission read blank.
- Nothing here reads the clock or uses chance: `now` is given; random() and uuid() follow from instance_id and seed.

Source: ODK XForms specification; where its engines differ, docs/xlsform.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Literal, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from conversations.xforms.evaluation.rules import MAX_REPEATS, Changes, InstanceRules
from conversations.xforms.evaluation.state import ref_of
from conversations.xforms.evaluation.stored import dump_frame, load_frame, size_of
from conversations.xforms.evaluation.texts import Node
from conversations.xforms.form import Form
from conversations.xforms.limits import ANSWERING, Exhausted, Limits
from conversations.xforms.nodes import LAST_SAVED, Frame, Place
from conversations.xforms.question_types import QUESTION_TYPES, clean, coerce

_VALUE = attrgetter("value")


@dataclass(frozen=True, slots=True)
class Violation:
    """Why a value is not acceptable. `message` is the form's own sentence, blank if the form has none."""

    kind: Literal["type", "required", "constraint"]
    message: str = ""


class Filling(NamedTuple):
    """Who fills a form, when, where and in which language. Preloads and texts depend on it."""

    instance_id: str
    now: datetime
    timezone: str
    language: str
    username: str = ""
    device_id: str = ""
    seed: int = 0


class Instance(InstanceRules):
    """The answers of one session over a form. The laws are at the top of the module."""

    @classmethod
    def start(
        cls,
        form: Form,
        filling: Filling,
        *,
        values: Mapping[str, str] | None = None,
        last_saved: Mapping[str, str] | None = None,
        limits: Limits = ANSWERING,
    ) -> "Instance":
        """Make the instance of a new session: defaults, preloads and `values`, then evaluate everything.

        `values` are by name or ref. `last_saved` are the answers, by ref, of the person's last submission of this
        form. KeyError if the form does not have a name in `values`. Exhausted if the form needs more than `limits`.
        """
        if filling.now.tzinfo is None:
            raise ValueError("now must be aware")
        made = cls(
            form,
            now=filling.now,
            timezone=filling.timezone,
            language=filling.language,
            instance_id=filling.instance_id,
            limits=limits,
        )
        made.username, made.device_id, made.seed = filling.username, filling.device_id, filling.seed
        made._is_live = False
        made._nodes = 0
        if last_saved and LAST_SAVED in form.instances:
            made.last_saved = dict(last_saved)
        made.root = made._frame(form.frame, None, 0, form.frame.template)
        for frame, place in made._leaves(made.root):
            if default := frame.values[place.slot]:
                frame.values[place.slot] = coerce(place.value_type, default)
        made._preload()
        given: set[tuple[Place, Frame]] = set()
        for name, value in (values or {}).items():
            place, frame = made._find(name)
            frame.values[place.slot] = coerce(place.value_type, value)
            given.add((place, frame))
        made.evaluate_all()
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
        cls,
        form: Form,
        state: Mapping[str, Any],
        *,
        now: datetime,
        timezone: str,
        language: str,
        limits: Limits = ANSWERING,
    ) -> "Instance":
        """Make the instance again that `dump` wrote. It evaluates nothing. `form` must be the same version."""
        made = cls(form, now=now, timezone=timezone, language=language, instance_id=state["id"], limits=limits)
        made.username = state["username"]
        made.device_id = state["device_id"]
        made.seed = state["seed"]
        made.counter = state["counter"]
        if "last_saved" in state:
            made.last_saved = state["last_saved"]
        made.root = load_frame(form.frame, None, 0, state["root"])
        return made

    def dump(self) -> dict[str, Any]:
        """Write the state as JSON-able data: for each frame its values, what is not relevant, its repeats.

        Exhausted if all of it together is more than a session may hold.
        """
        if size_of(self.root) > self.limits.size:
            raise Exhausted("size")
        last_saved = {"last_saved": self.last_saved} if self.last_saved else {}
        return {
            "id": self.instance_id,
            "username": self.username,
            "device_id": self.device_id,
            "seed": self.seed,
            "counter": self.counter,
            "root": dump_frame(self.root),
            **last_saved,
        }

    def cast(self, node: Node, value: str) -> str | None:
        """The value as it would be stored. None if the question's type or its choices do not accept it."""
        if value == "":
            return ""
        question = node.question
        parameters = question.parameters
        if question.value_type in ("dateTime", "time"):
            parameters = {**parameters, "offset": self.offset_of(self.now.replace(tzinfo=None))}
        stored = QUESTION_TYPES[question.type].cast(value, parameters)
        if not stored:
            return None
        if question.type in ("select_one", "select_multiple", "rank"):
            return self._cast_choices(node, stored)
        return stored

    def _cast_choices(self, node: Node, stored: str) -> str | None:
        names = [*map(_VALUE, self.choices(node))]
        if node.question.type == "select_one":
            return stored if stored in names else None
        chosen = stored.split()
        if len(set(chosen)) != len(chosen) or not set(chosen) <= set(names):
            return None
        if node.question.type == "rank":
            return stored if len(chosen) == len(names) else None
        return " ".join(name for name in names if name in chosen)

    def check(self, node: Node, value: str) -> Violation | None:
        """Return the error of this answer, or None. Nothing is stored.

        A blank can only break `required`. Any other value must fit the type and then the constraint, which reads the
        value as if it were stored.
        """
        found = self._accepted(node, value)
        return found if isinstance(found, Violation) else None

    def take(self, node: Node, value: str) -> Changes | Violation:
        """Check this answer of a question that is asked, and store it if it has no error."""
        stored = self._accepted(node, value)
        return stored if isinstance(stored, Violation) else self._store(node.place, node.frame, stored)

    def _accepted(self, node: Node, value: str) -> str | Violation:
        """The value as it would be stored, or the error of this answer."""
        logic = self.form.logic[node.place]
        if value == "":
            return Violation("required", self.required_message(node)) if node.is_required else ""
        stored = self.cast(node, value)
        if stored is None:
            return Violation("type", "")
        if logic.constraint is None:
            return stored
        values, slot = node.frame.values, node.place.slot
        before, values[slot] = values[slot], stored
        try:
            is_valid = logic.constraint.truth(self, node.frame)
            message = "" if is_valid else self.constraint_message(node)
        finally:
            values[slot] = before
        return stored if is_valid else Violation("constraint", message)

    def violations(self) -> list[tuple[str, Violation]]:
        """Return what still prevents sending the form, in document order. Only relevant nodes count."""
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
            if logic.required is not None and logic.required.truth(self, frame):
                return Violation("required", self._fill(logic.required_message, frame))
        elif logic.constraint is not None and not logic.constraint.truth(self, frame):
            return Violation("constraint", self._fill(logic.constraint_message, frame))
        return None

    def answer(self, ref: str, value: str) -> Changes:
        """Store an answer, and evaluate everything that reads it.

        The value is stored as the question's type writes it, or blank if the type cannot hold it, as in ODK. So call
        `check` first. This method does not ask whether the node is relevant or read-only.
        """
        place, frame = self._find(ref)
        return self._store(place, frame, self._stored(place, frame, value))

    def _store(self, place: Place, frame: Frame, stored: str) -> Changes:
        frame.filtered.pop(place.slot, None)
        if stored != frame.values[place.slot]:
            frame.values[place.slot] = stored
            self._touched(place, frame)
            if self._dirty or self._fired:
                self._settle()
            elif self.form.may_be_readonly:
                self._asked = None  # they are read from the answers
        return self._changes()

    def add(self, ref: str) -> Changes:
        """Add an instance at the end of a repeat. ValueError if the form itself counts them."""
        place, frame = self.repeat_at(ref)
        self._refuse_counted(place, ref)
        if len(frame.repeats[place.slot]) >= MAX_REPEATS:
            raise ValueError(f"{ref} has {MAX_REPEATS} instances")
        self._add_frame(place, frame)
        self._settle()
        return self._changes()

    def remove(self, ref: str) -> Changes:
        """Remove an instance of a repeat: the last one if `ref` has no number. Its answers are in `cleared`."""
        place, frame = self.repeat_at(ref)
        self._refuse_counted(place, ref)
        instances = frame.repeats[place.slot]
        number = int(ref[ref.rindex("[") + 1 : -1]) if ref.endswith("]") else len(instances)
        if not 1 <= number <= len(instances):
            raise KeyError(ref)
        self._remove_frames(place, frame, number - 1, number)
        self._settle()
        return self._changes()

    def _refuse_counted(self, place: Place, ref: str) -> None:
        if self.form.logic[place].count is not None:
            raise ValueError(f"{ref} is counted by the form")

    def set_language(self, language: str) -> Changes:
        """Change the language; calculated labels follow. KeyError if the form does not have it."""
        if language not in self.form.languages and (self.form.languages or language):
            raise KeyError(language)
        self.language = language
        for index in self.form.language_units:
            self._dirty |= 1 << index
            self._scopes[index] = None
        self._settle()
        return self._changes()

    def evaluate_all(self) -> None:
        """Evaluate every relevance, calculation, filter and count from scratch."""
        self._mark_everything()
        self._settle()

    def set_now(self, now: datetime) -> None:
        """Change the clock. As in ODK, this alone evaluates nothing."""
        if now.tzinfo is None:
            raise ValueError("now must be aware")
        self.now = now
        self._moment = ""
        self._asked = None

    def answers(self) -> dict[str, str]:
        """The answers that are submitted, by ref: every relevant leaf that is not blank."""
        end = self.moment_text()
        ends = {place for place, preload in self.form.preloads.items() if preload == ("timestamp", "end")}
        return {
            ref_of(place, frame): value
            for frame, place in self._leaves(self.root)
            if frame.relevant[place.slot] and (value := end if place in ends else frame.values[place.slot])
        }

    def submission_xml(self, answers: Mapping[str, str] | None = None, deprecated_id: str = "") -> str:
        """The instance as XML, as ODK engines submit it: relevant nodes only, and blank ones empty.

        With `answers`, by ref, it has these, even if the form would calculate something else today. A correction names
        the instance that it replaces.
        """
        writer = _Writer(self, self.answers() if answers is None else answers, deprecated_id)
        return "".join(writer.root())

    def _stored(self, place: Place, frame: Frame, value: str) -> str:
        question = self.form.logic[place].question
        if question is None:
            raise KeyError(place.path)
        if not question.is_asked:
            return coerce(question.value_type, value)
        return self.cast(Node(self, frame, place, question), value) or ""

    def _preload(self) -> None:
        for place, (kind, parameter) in self.form.preloads.items():
            for frame in self.frames(place.frame):
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


class _Writer:
    def __init__(self, instance: Instance, answers: Mapping[str, str], deprecated_id: str) -> None:
        self._instance = instance
        self._answers = answers
        self._deprecated_id = deprecated_id
        self._above = {ref[:at] for ref in answers for at, character in enumerate(ref) if character == "/"}
        """The refs of everything that an answer stands below."""

    def root(self) -> Iterator[str]:
        form = self._instance.form
        version = f" version={quoteattr(form.version)}" if form.version else ""
        yield from self._node(form.root, self._instance.root, f" id={quoteattr(form.form_id)}{version}")

    def _node(self, place: Place, frame: Frame, attributes: str = "") -> Iterator[str]:
        if place.is_leaf:
            value = self._answers.get(ref_of(place, frame), "")
            yield f"<{place.name}>{escape(value)}</{place.name}>" if value else f"<{place.name}/>"
            if self._deprecated_id and place.path.endswith("/meta/instanceID"):
                yield f"<deprecatedID>{escape(self._deprecated_id)}</deprecatedID>"
            return
        yield f"<{place.name}{attributes}>"
        for child in place.children.values():
            if child.is_repeat:
                for each in frame.repeats[child.slot]:
                    ref = f"{ref_of(child, frame)}[{each.index + 1}]"
                    if (frame.relevant[child.slot] and each.relevant[0]) or ref in self._above:
                        yield from self._node(child, each)
            elif frame.relevant[child.slot] or (ref := ref_of(child, frame)) in self._answers or ref in self._above:
                yield from self._node(child, frame)
        yield f"</{place.name}>"
