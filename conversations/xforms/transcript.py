"""Compare engines: replay a script of answers and write the state of every node after each step.

Two programs agree about a form if they agree about every node after every answer. ODK's engines are compared in this
way, with JSON Lines. `replay` plays such a script through our engine and writes the same lines. So any form can be
compared with the reference engines without Telegram or a database; `enlace form replay` prints it.

A replay goes on where a chat would refuse. A value that breaks its constraint is stored and shown with `valid: false`.
A value that its type cannot hold is stored as the engines do, cut to fit or blank.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, model_validator

from conversations.xforms.evaluation.state import ref_of
from conversations.xforms.evaluation.texts import Node
from conversations.xforms.form import Choice, Form, Logic
from conversations.xforms.instance import Filling, Instance
from conversations.xforms.limits import Exhausted
from conversations.xforms.nodes import Frame, Place
from conversations.xforms.problems import AuthorError
from conversations.xforms.question_types import coerce

_ACCEPTS = {"image": "image/*", "audio": "audio/*", "video": "video/*"}
_NODE_TYPES = {
    "select_one": "select_one", "select_multiple": "select_multiple", "rank": "rank", "acknowledge": "trigger",
    "range": "range", "image": "upload", "audio": "upload", "video": "upload", "file": "upload", "osm": "upload",
    "note": "note",
}  # fmt: skip


def _instant(text: object) -> datetime:
    found = datetime.fromisoformat(str(text))
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError):
        raise ValueError("not an IANA time zone") from None
    return name


class Step(BaseModel):
    """One step: an answer (`set`; `force` also where none is asked), repeats, the language or the time."""

    op: str = "set"
    ref: str = ""
    value: Any = None
    count: int = 1


class Script(BaseModel):
    """Steps, and the circumstances of the form; a list is its steps alone."""

    steps: tuple[Step, ...] = ()
    now: Annotated[datetime, BeforeValidator(_instant)] = datetime(2026, 1, 1, tzinfo=UTC)
    tz: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    seed: int = 1
    lang: str = ""
    mode: Literal["full", "diff"] | None = None
    preload: Mapping[str, str] = {}

    @model_validator(mode="before")
    @classmethod
    def _outline(cls, given: Any) -> Any:
        return {"steps": given} if isinstance(given, list) else given


class _Refused(Exception):
    """A step that the form does not allow. The line says so, and the replay goes on."""


def replay(form: Form, script: object, *, mode: str = "diff") -> Iterator[dict[str, Any]]:
    """Yield all lines of the transcript: the loaded form as step 0, one for each step, and a last one with `final`.

    `script` is a Script, or its JSON; ValidationError if it is none. `mode` is "full" (all nodes in every line) or
    "diff" (after step 0 only what changed). Never raises for a step that the form does not allow: its line then has
    `ok: false` and the reason.
    """
    outline = Script.model_validate(script)
    mode = outline.mode or mode
    instance = Instance.start(
        form,
        Filling(
            instance_id=f"replay-{outline.seed}",
            now=outline.now,
            timezone=outline.tz,
            language=form.default_language,
            username=outline.preload.get("username", "oracle-user"),
            device_id=outline.preload.get("deviceID", "oracle-device"),
            seed=outline.seed,
        ),
    )
    if outline.lang:
        try:
            _set_language(instance, outline.lang)
        except _Refused as refusal:
            yield {"step": 0, "op": "load", "ok": False, "error": str(refusal)}
            return
    verdicts: _Verdicts = {}
    before = _snapshot(instance, verdicts)
    yield {
        "step": 0, "op": "load", "ok": True, "languages": list(form.languages) or [""],
        "missing": list(form.missing_media), "language": instance.language, "nodes": before,
        "violations": _violations(instance),
    }  # fmt: skip
    failed = 0
    for number, step in enumerate(outline.steps, 1):
        line: dict[str, Any] = {"step": number, "op": step.op}
        line |= step.model_dump(include={"ref", "value"}, exclude_unset=True)
        line["ok"] = True
        try:
            _apply(instance, step)
        except _Refused as refusal:
            failed += 1
            line |= {"ok": False, "error": str(refusal)}
        line["language"] = instance.language
        after = _snapshot(instance, verdicts)
        line |= {"nodes": after} if mode == "full" else _difference(before, after)
        line["violations"] = _violations(instance)
        before = after
        yield line
    yield {
        "final": True, "steps": len(outline.steps), "failedSteps": failed, "violations": _violations(instance),
        "status": "ready" if not _violations(instance) else "pending", "xml": instance.submission_xml(),
        "warnings": [problem.sentence("en") for problem in form.warnings],
    }  # fmt: skip


def refused(error: AuthorError) -> dict[str, Any]:
    """The transcript of a form that does not load: one line with the reasons."""
    reasons = "; ".join(problem.sentence("en") for problem in error.problems if problem.severity == "error")
    return {"step": 0, "op": "load", "ok": False, "error": reasons}


def _set_language(instance: Instance, name: str) -> None:
    languages = instance.form.languages
    found = next((language for language in languages if language == name), None) or next(
        (language for language in languages if language.startswith(name)), None
    )
    if found is None:
        raise _Refused(f"no language '{name}' (have: {', '.join(languages)})")
    instance.set_language(found)


def _apply(instance: Instance, step: Step) -> None:
    ref = step.ref
    try:
        match step.op:
            case "set" | "force":
                _answer(instance, ref, step.value, is_forced=step.op == "force")
            case "add":
                for _ in range(step.count):
                    instance.add(ref.rpartition("[")[0] if ref.endswith("]") else ref)
            case "remove":
                for _ in range(step.count):
                    instance.remove(ref)
            case "lang":
                _set_language(instance, str(step.value))
            case "now":
                instance.set_now(_instant(step.value))
            case _:
                raise _Refused(f"unknown op '{step.op}'")
    except KeyError:
        raise _Refused(f"no node at {ref}" if ref.startswith("/") else f"no single node named '{ref}'") from None
    except ValueError as error:
        raise _Refused(str(error)) from None
    except Exhausted as limit:
        raise _Refused(f"the form asks for too much: {limit.measure}") from None


def _answer(instance: Instance, ref: str, value: Any, *, is_forced: bool) -> None:
    node = instance.node(ref)
    if not is_forced and not node.is_relevant:
        raise _Refused(f"{ref} is not relevant")
    if not is_forced and node.is_readonly:
        raise _Refused(f"{ref} is readonly")
    if not node.question.is_asked or node.question.type == "note":
        raise _Refused(f"{ref} takes no answer")
    text = " ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    instance.answer(node.ref, _forgiven(instance, node, text))


def _forgiven(instance: Instance, node: Node, text: str) -> str:
    """A scripted value as the engines accept it."""
    question = node.question
    match question.type:
        case "select_multiple":
            names = {choice.value for choice in instance.choices(node)}
            return " ".join(dict.fromkeys(word for word in text.split() if word in names))
        case "rank":
            names = {choice.value for choice in instance.choices(node)}
            if text and set(text.split()) != names:
                raise _Refused("There are missing options. Rank should have all options.")
            return text
        case "acknowledge":
            return "OK" if text in ("OK", "True", "true") else ""
        case "select_one" | "image" | "audio" | "video" | "file":
            return text
        case _:
            return coerce(question.value_type, text)


def _difference(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> dict[str, Any]:
    old = {(node["ref"], node["type"]): json.dumps(node) for node in before}
    new = {(node["ref"], node["type"]) for node in after}
    found: dict[str, Any] = {
        "changed": [node for node in after if old.get((node["ref"], node["type"])) != json.dumps(node)]
    }
    removed = [node["ref"] for node in before if (node["ref"], node["type"]) not in new]
    return found | ({"removed": removed} if removed else {})


def _violations(instance: Instance) -> list[dict[str, Any]]:
    return [
        {"ref": ref, "condition": violation.kind, "message": violation.message or None}
        for ref, violation in instance.violations()
    ]


_Verdicts = dict[tuple[Place, int], tuple[Any, bool]]
"""For each node, the values that its constraint read last, and its result.

The engines ask again only when those values change. So a constraint on today() keeps its result when only the clock
moves. A chat asks every time.
"""


def _snapshot(instance: Instance, verdicts: _Verdicts) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    _walk(instance, instance.root, instance.form.root, found, verdicts)
    return found


def _is_valid(instance: Instance, place: Place, frame: Frame, logic: Logic, verdicts: _Verdicts) -> bool:
    if logic.constraint is None or frame.values[place.slot] == "" or not frame.relevant[place.slot]:
        return True
    read = [
        (each.values[other.slot], each.relevant[other.slot])
        for other in (place, *logic.constraint.reads.values)
        for each in instance.frames(other.frame)
    ]
    known = verdicts.get((place, id(frame)))
    if known is None or known[0] != read:
        known = verdicts[place, id(frame)] = (read, logic.constraint.truth(instance, frame))
    return known[1]


def _walk(instance: Instance, frame: Frame, parent: Place, found: list[dict[str, Any]], verdicts: _Verdicts) -> None:
    for place in parent.children.values():
        logic = instance.form.logic[place]
        if place.is_repeat:
            kind = "controlled" if logic.count is not None else "uncontrolled"
            instances = frame.repeats[place.slot]
            whole = _frame_line(instance, ref_of(place, frame), f"repeat-range:{kind}", logic, frame, place.slot)
            found.append(whole | {"instances": len(instances)})
            for each in instances:
                ref = f"{ref_of(place, frame)}[{each.index + 1}]"
                found.append(_frame_line(instance, ref, "repeat-instance", logic, each, 0))
                _walk(instance, each, place, found, verdicts)
        elif place.children:
            found.append(_frame_line(instance, ref_of(place, frame), "group", logic, frame, place.slot))
            _walk(instance, frame, place, found, verdicts)
        else:
            found.append(_leaf_line(instance, place, frame, logic, verdicts))


def _frame_line(instance: Instance, ref: str, kind: str, logic: Logic, frame: Frame, slot: int) -> dict[str, Any]:
    line: dict[str, Any] = {
        "ref": ref, "type": kind, "relevant": bool(frame.relevant[slot]), "required": False,
        "readonly": instance.is_readonly(logic.place, frame),
        "label": logic.label.fill(instance.language, instance, frame) if logic.label else None,
    }  # fmt: skip
    if logic.group is not None and logic.group.appearances:
        line["appearances"] = list(logic.group.appearances)
    return line


def _leaf_line(instance: Instance, place: Place, frame: Frame, logic: Logic, verdicts: _Verdicts) -> dict[str, Any]:
    question = logic.question
    assert question is not None
    node = Node(instance, frame, place, question)
    kind = _NODE_TYPES.get(question.type, "input") if question.is_asked else "model-value"
    value = node.value
    is_required = node.is_required
    is_valid = _is_valid(instance, place, frame, logic, verdicts)
    is_given = value != "" or not is_required or not node.is_relevant
    line: dict[str, Any] = {
        "ref": node.ref, "type": kind, "valueType": question.value_type, "relevant": node.is_relevant,
        "required": is_required, "readonly": node.is_readonly, "value": value, "valid": is_valid,
        "requiredOk": is_given,
    }  # fmt: skip
    if node.is_relevant and not is_given:
        line["violation"] = {"condition": "required", "message": instance.required_message(node) or None}
    elif node.is_relevant and not is_valid:
        line["violation"] = {"condition": "constraint", "message": instance.constraint_message(node) or None}
    line["label"] = instance.label(node) if logic.label else None
    if logic.hint:
        line["hint"] = instance.hint(node)
    if question.appearances:
        line["appearances"] = list(question.appearances)
    if logic.items is not None:
        line["choices"] = [_choice_line(choice) for choice in instance.choices(node)]
    if kind == "range":
        line["range"] = {key: question.parameters.get(key, "") for key in ("start", "end", "step")}
    if kind == "upload":
        line["accept"] = _ACCEPTS.get(question.type, "*")
    return line


def _choice_line(choice: Choice) -> dict[str, Any]:
    line: dict[str, Any] = {"value": choice.value, "label": choice.label}
    return line | ({"media": dict(choice.media)} if choice.media else {})
