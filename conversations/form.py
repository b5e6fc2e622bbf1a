"""A form, published: an XForm read once and compiled to what asking its questions needs.

pyxform turns a workbook into an XForm, and the XForm is the stable format of this field (its other outputs are
internal): ODK Collect, Kobo and the web engine read the same file. Reading one collects every problem instead of
stopping at the first. What a session needs afterwards is plain data: places numbered per frame, expressions as
closures, and the order in which they must be evaluated when an answer changes.

Laws: a `Form` never changes and is shared by all its sessions; every expression in it compiled; its calculations
have an order (a cycle is a problem, not a hang). External entities and entity bombs are refused while parsing.
Source: ODK XForms specification, sections "Instance", "Bindings", "Body Elements", "Secondary Instances",
"Languages", "Event actions".
"""

import contextlib
import csv
import heapq
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from conversations.expressions import (
    Expression,
    ExpressionError,
    Reads,
    Scope,
    Surroundings,
    compile_expression,
    is_boolean,
)
from conversations.nodes import FrameType, Item, Place, Seed
from conversations.problems import AuthorError, Problem, Severity
from conversations.question_types import type_of

JAVAROSA = "{http://openrosa.org/javarosa}"
XFORMS = "{http://www.w3.org/2002/xforms}"
MAX_PLACES = 20_000
"""Elements of a form's instance; the largest real forms have a few thousand."""

_LANGUAGE_NAMES = {
    "es": ("español", "spanish", "espanol", "castellano"),
    "en": ("english", "inglés", "anglè"),
    "ht": ("kreyòl", "kreyol", "haitian", "créole", "creole"),
    "fr": ("français", "french", "francais"),
    "pt": ("português", "portuguese"),
}

Message = tuple["str | Expression", ...]
"""A text with holes: the literal parts and the outputs, in order."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice of a select, in one language; `media` holds file names by kind (image, audio, video)."""

    value: str
    label: str
    media: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """A group or repeat that questions stand in. `path` is "" for a group that only lays questions out."""

    path: str
    name: str
    parent: "Group | None"
    is_repeat: bool
    appearances: tuple[str, ...] = ()
    label: "Text" = field(default_factory=lambda: Text({}), repr=False, compare=False)
    place: Place | None = field(default=None, repr=False, compare=False)

    @property
    def is_field_list(self) -> bool:
        return "field-list" in self.appearances


@dataclass(frozen=True, slots=True)
class Question:
    """A leaf of the form, asked or not; `number` is its index in `Form.questions`."""

    path: str
    name: str
    number: int
    type: str
    value_type: str
    is_asked: bool
    appearances: tuple[str, ...] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)
    group: Group | None = None
    extras: Mapping[str, str] = field(default_factory=dict)
    constraint_source: str = ""
    place: Place = field(default=None, repr=False, compare=False)  # type: ignore[assignment]


class Text:
    """One text in every language of the form; what a language lacks is taken from the default one."""

    __slots__ = ("by_language", "media")

    def __init__(
        self, by_language: Mapping[str, Message], media: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        self.by_language = dict(by_language)
        self.media = dict(media or {})

    def __bool__(self) -> bool:
        return bool(self.by_language)

    def message(self, language: str) -> Message:
        found = self.by_language.get(language)
        if found is None:
            found = next(iter(self.by_language.values()), ())
        return found

    def fill(self, language: str, scope: Scope) -> str:
        """The text with its outputs filled in; markdown is left as it is."""
        parts = self.message(language)
        if len(parts) == 1 and isinstance(parts[0], str):
            return parts[0]
        return "".join([part if isinstance(part, str) else part.text(scope) for part in parts])

    def expressions(self) -> Iterator[Expression]:
        for message in self.by_language.values():
            for part in message:
                if isinstance(part, Expression):
                    yield part


@dataclass(slots=True)
class ItemSet:
    """Where the choices of a select come from: written into the question, a list, a file, or a repeat."""

    inline: tuple[tuple[str, Text], ...] = ()
    nodes: Expression | None = None
    value_name: str = ""
    label_name: str = ""
    label_is_itext: bool = False
    # Only for choices made of a repeat's instances.
    value: Expression | None = None
    label: Expression | None = None
    is_filtered: bool = False
    # Filled on first use: lists do not change, so their choices are made once per language.
    made: dict[str, dict[Item, Choice]] = field(default_factory=dict)
    fixed: dict[str, tuple[Choice, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class Logic:
    """What the form says about one place."""

    place: Place
    relevant: Expression | None = None
    relevant_each: bool = False
    """A repeat's relevance that speaks of its own instance, so that each instance has its own."""
    required: Expression | None = None
    readonly: Expression | None = None
    constraint: Expression | None = None
    calculate: Expression | None = None
    count: Expression | None = None
    label: Text = field(default_factory=lambda: Text({}))
    hint: Text = field(default_factory=lambda: Text({}))
    guidance: Text = field(default_factory=lambda: Text({}))
    required_message: Text = field(default_factory=lambda: Text({}))
    constraint_message: Text = field(default_factory=lambda: Text({}))
    items: ItemSet | None = None
    preload: tuple[str, str] = ("", "")
    question: Question | None = None
    group: Group | None = None
    is_editable: bool = False
    """Calculated, and yet the respondent may overwrite the result."""


@dataclass(frozen=True, slots=True)
class Action:
    """A setvalue: `value` into `target` when its event happens."""

    target: Place
    value: Expression | None
    literal: str = ""


@dataclass(slots=True)
class Unit:
    """One thing to evaluate when something it reads has changed. `index` is its rank in the order of evaluation."""

    kind: str
    place: Place
    home: FrameType
    expression: Expression
    index: int = 0
    is_codependent: bool = False


class Form:
    """A published form. Made by `read_xform`; never changes afterwards."""

    def __init__(self) -> None:
        self.form_id = ""
        self.version = ""
        self.title = ""
        self.languages: tuple[str, ...] = ()
        self.default_language = ""
        self.questions: tuple[Question, ...] = ()
        self.groups: tuple[Group, ...] = ()
        self.root: Place
        self.frame = FrameType(None, None)
        self.logic: dict[Place, Logic] = {}
        self.places: dict[str, Place] = {}
        self.by_name: dict[str, list[Place]] = {}
        self.instances: dict[str, Item] = {}
        self.itext: dict[str, dict[str, dict[str, Element | str]]] = {}
        self.units: tuple[Unit, ...] = ()
        self.readers: dict[Place, Readers] = {}
        self.structure: dict[Place, Readers] = {}
        self.own_units: dict[Place, dict[str, Unit]] = {}
        self.readonly: frozenset[Place] = frozenset()
        """Places that may be read-only, by their own word or by that of a group around them."""
        self.everything = 0
        self.language_units: tuple[int, ...] = ()
        self.first_load: tuple[Action, ...] = ()
        self.every_load: tuple[Action, ...] = ()
        self.new_repeat: dict[Place, tuple[Action, ...]] = {}
        self.triggers: dict[Place, tuple[Action, ...]] = {}
        self.texts: dict[str, Text] = {}
        self.missing_media: tuple[str, ...] = ()
        self.warnings: tuple[Problem, ...] = ()

    def language_for(self, code: str) -> str:
        """The form's language for a code such as "es": by the code in parentheses, else by name, else the default."""
        wanted = code.casefold()
        for language in self.languages:
            name = language.casefold()
            if name == wanted or f"({wanted})" in name or (name.startswith(f"{wanted}-") and len(wanted) == 2):
                return language
        for language in self.languages:
            if language.casefold().startswith(_LANGUAGE_NAMES.get(wanted, ("\0",))):
                return language
        return self.default_language

    def question(self, name: str) -> Question:
        """The question of that name or path; KeyError if there is none or several."""
        place = self.places.get(name)
        if place is None:
            found = self.by_name.get(name, [])
            if len(found) != 1:
                raise KeyError(name)
            place = found[0]
        question = self.logic[place].question
        if question is None:
            raise KeyError(name)
        return question

    def itext_message(self, language: str, text_id: str) -> Text | None:
        """A text of the form by its id, in one language; None if that language does not have it."""
        key = f"{language}\0{text_id}"
        found = self.texts.get(key)
        if found is None:
            forms = self.itext.get(language, {}).get(text_id)
            value = forms.get("", forms.get("long", forms.get("short"))) if forms is not None else None
            if not isinstance(value, Element):
                return None
            surroundings = Surroundings(self.root, self.instances, self.version)
            parts: list[str | Expression] = [value.text or ""]
            for child in value:
                source = child.get("value") or child.get("ref") or ""
                with contextlib.suppress(ExpressionError):
                    parts.append(compile_expression(source, self.root, surroundings))
                parts.append(child.tail or "")
            found = self.texts[key] = Text({language: trimmed(parts)})
        return found

    def __repr__(self) -> str:
        return f"<Form {self.form_id} {self.version}>"


@dataclass(slots=True)
class Readers:
    """The units that read something: those of the form's own frame as a mask, the others with where they stand."""

    mask: int = 0
    inner: tuple[tuple[int, bool], ...] = ()
    """(unit, True if only its instances within the changed frame are concerned)"""


def read_xform(xml: str | bytes, *, media: Mapping[str, bytes] = {}) -> Form:
    """The form of an XForm document.

    `media` are the files it came with, by name. Raises AuthorError with everything that is wrong; what is merely
    doubtful is in `Form.warnings`.
    """
    return _Reader(xml, media).read()


def local(element: Element) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def parse_xml(xml: str | bytes) -> Element:
    """The root element; a document type, an entity or a broken document is an AuthorError."""
    try:
        root: Element = fromstring(xml, forbid_dtd=True)
    except DefusedXmlException:
        raise AuthorError([Problem("xform.doctype")]) from None
    except ParseError as error:
        raise AuthorError([Problem("xform.not_xml", row=error.position[0], values={"detail": str(error)})]) from None
    except (ValueError, LookupError) as error:
        raise AuthorError([Problem("xform.not_xml", values={"detail": str(error)})]) from None
    return root


class _Reader:
    def __init__(self, xml: str | bytes, media: Mapping[str, bytes]) -> None:
        self.document = parse_xml(xml.encode() if isinstance(xml, str) else xml)
        self.media = media
        self.form = Form()
        self.problems: list[Problem] = []
        self.binds: dict[Place, Element] = {}
        self.controls: dict[Place, Element] = {}
        self.setvalues: list[tuple[Element, Place | None]] = []
        self.group_of: dict[Place, Group | None] = {}
        self.groups: list[Group] = []
        self.repeat_paths: set[str] = set()
        self.locations: set[Place] = set()
        self.recordings: set[Place] = set()
        self.unreadable: set[str] = set()

    def problem(self, code: str, place: str = "", *, severity: Severity = "error", **values: object) -> None:
        found = Problem(code, values={"node": place, **values}, severity=severity)
        if found not in self.problems:
            self.problems.append(found)

    def read(self) -> Form:
        form = self.form
        head = next((child for child in self.document if local(child) == "head"), None)
        body = next((child for child in self.document if local(child) == "body"), None)
        model = next((child for child in head if local(child) == "model"), None) if head is not None else None
        instances = [child for child in model if local(child) == "instance"] if model is not None else []
        primary = next(iter(instances[0]), None) if instances else None
        if local(self.document) != "html" or head is None or body is None or model is None or primary is None:
            raise AuthorError([Problem("xform.not_xform")])
        form.title = next((text_in(child) for child in head if local(child) == "title"), "")
        form.form_id = primary.get("id") or primary.get(f"{JAVAROSA}id") or local(primary)
        form.version = primary.get("version", "")
        self.read_itext(model)
        for instance in instances[1:]:
            self.read_instance(instance)
        self.find_repeats(body)
        self.read_places(primary)
        self.read_binds(model)
        self.read_body(body, None)
        for child in model:
            if local(child) == "setvalue":
                self.setvalues.append((child, None))
            elif local(child) in ("setgeopoint", "recordaudio"):
                self.read_unsupported_action(child)
        self.compile()
        self.make_questions()
        form.readonly = self.readonly_places()
        self.compile_texts()
        self.compile_actions()
        self.order()
        errors = [problem for problem in self.problems if problem.severity == "error"]
        if errors:
            raise AuthorError(self.problems)
        form.warnings = tuple(self.problems)
        return form

    # Languages

    def read_itext(self, model: Element) -> None:
        itext = next((child for child in model if local(child) == "itext"), None)
        languages: list[str] = []
        for translation in itext if itext is not None else ():
            language = translation.get("lang", "")
            languages.append(language)
            if translation.get("default") is not None:
                self.form.default_language = language
            texts = self.form.itext.setdefault(language, {})
            for text in translation:
                forms: dict[str, Element | str] = {}
                for value in text:
                    form = value.get("form", "")
                    if form in ("", "long", "short", "guidance"):
                        forms[form] = value
                    else:
                        forms[form] = text_in(value).strip().rpartition("/")[2]
                texts[text.get("id", "")] = forms
        self.form.languages = tuple(languages)
        if languages and not self.form.default_language:
            self.form.default_language = languages[0]

    # Secondary instances

    def read_instance(self, element: Element) -> None:
        name = element.get("id", "")
        source = element.get("src", "")
        container = Item(name)
        if len(element):
            _copy_items(element, container)
        elif source and name != "__last-saved" and not source.startswith("jr://instance/last-saved"):
            file_name = source.rpartition("/")[2]
            data = self.media.get(file_name)
            if data is None:
                self.form.missing_media += (file_name,)
                self.problem("media.missing", file=file_name, severity="warning")
            else:
                try:
                    read_media(file_name, data, container)
                except AuthorError as error:
                    self.problems.extend(error.problems)
                    self.unreadable.add(name)
        self.form.instances[name] = container

    # Places

    def find_repeats(self, body: Element) -> None:
        for element in body.iter():
            if local(element) == "repeat":
                self.repeat_paths.add(element.get("nodeset", "").strip())

    def read_places(self, primary: Element) -> None:
        form = self.form
        form.root = Place(local(primary), None, form.frame)
        self.register(form.root)
        self.read_children(primary, form.root, form.frame)
        form.frame.template = self.seed(primary, form.frame, form.root)

    def register(self, place: Place) -> None:
        self.form.places[place.path] = place
        self.form.by_name.setdefault(place.name, []).append(place)
        self.form.logic[place] = Logic(place)
        if len(self.form.places) > MAX_PLACES:
            raise AuthorError([Problem("xform.too_many_nodes", values={"limit": MAX_PLACES})])

    def read_children(self, element: Element, parent: Place, frame: FrameType) -> None:
        models: dict[str, list[Element]] = {}
        for child in element:
            if isinstance(child.tag, str):
                models.setdefault(local(child), []).append(child)
        for name, same in models.items():
            template = next((child for child in same if child.get(f"{JAVAROSA}template") is not None), None)
            place = Place(name, parent, frame)
            if template is not None or place.path in self.repeat_paths:
                place.inner = FrameType(frame, place)
                # Number 0 of a repeat's own frame is the repeat itself.
                place.inner.places.append(place)
                frame.repeats.append(place)
                self.register(place)
                pattern = template if template is not None else same[0]
                self.read_children(pattern, place, place.inner)
                place.inner.template = self.seed(pattern, place.inner, place)
                continue
            self.register(place)
            if len(same) > 1:
                self.problem("xform.duplicate_node", place.path)
            self.read_children(same[0], place, frame)

    def seed(self, element: Element, frame: FrameType, place: Place) -> Seed:
        """What a frame begins with, as this element of the instance spells it out."""
        values = [""] * len(frame.places)
        repeats: dict[int, tuple[Seed, ...]] = {repeat.slot: () for repeat in frame.repeats}
        self.fill_seed(element, place, values, repeats)
        return Seed(tuple(values), repeats)

    def fill_seed(
        self, element: Element, place: Place, values: list[str], repeats: dict[int, tuple[Seed, ...]]
    ) -> None:
        for child in element:
            found = place.children.get(local(child))
            if found is None:
                continue
            if found.inner is not None:
                if child.get(f"{JAVAROSA}template") is None:
                    repeats[found.slot] += (self.seed(child, found.inner, found),)
            elif found.children:
                self.fill_seed(child, found, values, repeats)
            else:
                values[found.slot] = child.text or ""

    def place_at(self, ref: str, context: Place | None = None) -> Place | None:
        """The place a control's or bind's reference names; relative ones start at the group around it."""
        path = re.sub(r"(?<=/)[^/:]+:(?=[^/:])", "", ref.strip())
        if not path.startswith("/") and context is not None:
            parts = context.path.split("/")
            for part in path.split("/"):
                if part == "..":
                    parts.pop()
                elif part not in (".", ""):
                    parts.append(part)
            path = "/".join(parts)
        return self.form.places.get(path)

    def read_binds(self, model: Element) -> None:
        for bind in model:
            if local(bind) != "bind":
                continue
            ref = bind.get("nodeset") or bind.get("ref") or ""
            place = self.place_at(ref, self.form.root)
            if place is None:
                self.problem("xform.bind_nowhere", ref, severity="warning")
                continue
            self.binds[place] = bind
            place.value_type = (bind.get("type") or "string").rpartition(":")[2]
            if place.value_type in ("rank", "select", "select1"):
                place.value_type = "string"
            if place.value_type == "string" and place.is_leaf and bind.get("calculate"):
                # A calculation that cannot be read is told of when it is compiled.
                with contextlib.suppress(ExpressionError):
                    place.value_type = "boolean" if is_boolean(bind.get("calculate", "")) else "string"

    # The body

    def read_body(self, element: Element, group: Group | None) -> None:
        for child in element:
            match local(child):
                case "group":
                    self.read_group(child, group)
                case "repeat":
                    self.read_repeat(child, group, None)
                case "input" | "select1" | "select" | "rank" | "trigger" | "upload" | "range" | "secret":
                    self.read_control(child, group)
                case "label" | "hint" | "setvalue" | "":
                    pass
                case "setgeopoint" | "recordaudio":
                    self.read_unsupported_action(child)
                case unknown:
                    self.problem("xform.unknown_control", unknown)

    def read_group(self, element: Element, group: Group | None) -> None:
        ref = element.get("ref", "").strip()
        context = self.form.places.get(group.path) if group is not None else self.form.root
        place = self.place_at(ref, context) if ref else None
        if ref and place is None:
            self.problem("xform.control_nowhere", ref, severity="warning")
        repeat = next((child for child in element if local(child) == "repeat"), None)
        if repeat is not None and all(local(child) in ("repeat", "label", "setvalue", "hint") for child in element):
            self.read_repeat(repeat, group, element)
            return
        made = self.make_group(element, place, group, is_repeat=False)
        self.read_body(element, made)

    def read_repeat(self, element: Element, group: Group | None, around: Element | None) -> None:
        context = self.form.places.get(group.path) if group is not None else self.form.root
        place = self.place_at(element.get("nodeset", ""), context)
        if place is None or place.inner is None:
            self.problem("xform.control_nowhere", element.get("nodeset", ""))
            return
        made = self.make_group(around if around is not None else element, place, group, is_repeat=True, inner=element)
        count = element.get(f"{JAVAROSA}count")
        if count:
            self.form.logic[place].count = self.expression(count, place, "repeat_count", outside=True)
        self.read_body(element, made)

    def make_group(
        self,
        element: Element,
        place: Place | None,
        parent: Group | None,
        *,
        is_repeat: bool,
        inner: Element | None = None,
    ) -> Group:
        words = f"{element.get('appearance', '')} {inner.get('appearance', '') if inner is not None else ''}".split()
        group = Group(
            path=place.path if place is not None else "",
            name=place.name if place is not None else "",
            parent=parent,
            is_repeat=is_repeat,
            appearances=tuple(dict.fromkeys(words)),
            label=self.label_of(element, place or self.form.root, "label"),
            place=place,
        )
        self.groups.append(group)
        if place is not None:
            logic = self.form.logic[place]
            logic.group = group
            logic.label = group.label
        for child in (*element, *(inner if inner is not None and inner is not element else ())):
            if local(child) == "setvalue":
                self.setvalues.append((child, place))
        return group

    def read_control(self, element: Element, group: Group | None) -> None:
        context = self.form.places.get(group.path) if group is not None else self.form.root
        ref = element.get("ref") or element.get("nodeset") or ""
        if not ref and element.get("bind"):
            ref = next((b.get("nodeset", "") for b in self.binds.values() if b.get("id") == element.get("bind")), "")
        place = self.place_at(ref, context or self.form.root)
        if place is None:
            self.problem("xform.control_nowhere", ref, severity="warning")
            return
        self.controls[place] = element
        self.group_of[place] = group
        for child in element:
            if local(child) == "setvalue":
                self.setvalues.append((child, place))
            elif local(child) in ("setgeopoint", "recordaudio"):
                self.read_unsupported_action(child)

    def read_unsupported_action(self, element: Element) -> None:
        place = self.place_at(element.get("ref", ""), self.form.root)
        if place is not None:
            (self.locations if local(element) == "setgeopoint" else self.recordings).add(place)

    # Expressions

    def expression(
        self, source: str, place: Place, column: str, *, outside: bool = False, in_item: bool = False
    ) -> Expression | None:
        try:
            found = compile_expression(source, place, self.surroundings(), outside=outside, in_item=in_item)
        except ExpressionError as error:
            values = {"expression": source.strip(), "at": error.at + 1, "column": column, "found": "", **error.values}
            self.problem(f"expression.{error.code}", place.path, severity="error", **values)
            return None
        for unknown in found.reads.unknown:
            values = {"expression": source.strip(), "found": unknown, "column": column}
            self.problem("expression.unknown_node", place.path, severity="warning", **values)
        return found

    def surroundings(self) -> Surroundings:
        return Surroundings(self.form.root, self.form.instances, self.form.version)

    def compile(self) -> None:
        for place, bind in self.binds.items():
            logic = self.form.logic[place]
            for name, column in (
                ("required", "required"),
                ("readonly", "read_only"),
                ("constraint", "constraint"),
                ("calculate", "calculation"),
            ):
                source = (bind.get(name) or "").strip()
                if source:
                    setattr(logic, name, self.expression(source, place, column))
            source = (bind.get("relevant") or "").strip()
            if source:
                logic.relevant = self.expression(source, place, "relevant")
                if place.is_repeat and logic.relevant is not None:
                    below = {place, *place.descendants()}
                    reads = logic.relevant.reads
                    logic.relevant_each = bool(below & reads.values.keys() or place in reads.repeats)
                    if not logic.relevant_each:
                        logic.relevant = self.expression(source, place, "relevant", outside=True)
            if place.children and logic.calculate is not None:
                logic.calculate = None
            logic.preload = (bind.get(f"{JAVAROSA}preload", ""), bind.get(f"{JAVAROSA}preloadParams", ""))

    def compile_texts(self) -> None:
        for place, bind in self.binds.items():
            logic = self.form.logic[place]
            logic.required_message = self.message_of(bind.get(f"{JAVAROSA}requiredMsg", ""), place, "required_message")
            logic.constraint_message = self.message_of(
                bind.get(f"{JAVAROSA}constraintMsg", ""), place, "constraint_message"
            )
        for place, element in self.controls.items():
            logic = self.form.logic[place]
            logic.label = self.label_of(element, place, "label")
            logic.hint = self.label_of(element, place, "hint")
            logic.guidance = self.label_of(element, place, "hint", form="guidance")
            if local(element) in ("select1", "select", "rank"):
                logic.items = self.items_of(element, place)

    def message_of(self, written: str, place: Place, column: str) -> Text:
        written = written.strip()
        if not written:
            return Text({})
        text_id = itext_id(written)
        if text_id is not None:
            return self.itext_text(text_id, place, column)
        return Text({"": (written,)})

    def label_of(self, element: Element, place: Place, tag: str, form: str = "") -> Text:
        child = next((c for c in element if local(c) == tag), None)
        if child is None:
            return Text({})
        ref = (child.get("ref") or "").strip()
        if ref:
            text_id = itext_id(ref)
            if text_id is not None:
                return self.itext_text(text_id, place, tag, form)
            found = self.expression(ref, place, tag)
            return Text({"": (found,)}) if found is not None else Text({})
        return Text({"": self.message_in(child, place, tag)}) if not form else Text({})

    def itext_text(self, text_id: str, place: Place, column: str, form: str = "") -> Text:
        messages: dict[str, Message] = {}
        media: dict[str, dict[str, str]] = {}
        is_known = False
        order = sorted(self.form.languages, key=lambda language: language != self.form.default_language)
        for language in order:
            forms = self.form.itext[language].get(text_id)
            if forms is None:
                continue
            is_known = True
            value = forms.get(form) if form else forms.get("", forms.get("long", forms.get("short")))
            if isinstance(value, Element):
                messages[language] = self.message_in(value, place, column)
            found = {kind: name for kind, name in forms.items() if isinstance(name, str)}
            if found:
                media[language] = found
        if not is_known:
            self.problem("xform.no_text", place.path, found=text_id, column=column)
        return Text(messages, media)

    def message_in(self, element: Element, place: Place, column: str) -> Message:
        parts: list[str | Expression] = [element.text or ""]
        for child in element:
            if local(child) == "output":
                source = child.get("value") or child.get("ref") or ""
                found = self.expression(source, place, column)
                if found is not None:
                    parts.append(found)
            else:
                parts.append(text_in(child))
            parts.append(child.tail or "")
        return trimmed(parts)

    def items_of(self, element: Element, place: Place) -> ItemSet:
        itemset = next((child for child in element if local(child) == "itemset"), None)
        if itemset is None:
            inline: list[tuple[str, Text]] = []
            for item in element:
                if local(item) == "item":
                    value = next((text_in(child).strip() for child in item if local(child) == "value"), "")
                    inline.append((value, self.label_of(item, place, "label")))
            if not inline and not element.get("query"):
                self.problem("choices.none", place.path, name=place.name)
            return ItemSet(inline=tuple(inline))
        source = (itemset.get("nodeset") or "").strip()
        nodes = self.expression(source, place, "choice_filter")
        refs = {local(child): (child.get("ref") or "").strip() for child in itemset}
        made = ItemSet(nodes=nodes)
        if nodes is None:
            return made
        made.is_filtered = bool(nodes.reads.values or nodes.reads.repeats)
        if nodes.node_kind == "items":
            made.value_name = refs.get("value", "name")
            label = refs.get("label", "label")
            inner = re.fullmatch(r"jr:itext\(\s*([\w.\-]+)\s*\)", label)
            made.label_is_itext = inner is not None
            made.label_name = inner.group(1) if inner is not None else label
        elif nodes.node_places:
            origin = nodes.node_places[0]
            made.value = self.expression(refs.get("value", "."), origin, "choice_filter")
            made.label = self.expression(refs.get("label", "."), origin, "choice_filter")
        else:
            self.problem("expression.not_nodes", place.path, expression=source, column="choice_filter", found="")
        if nodes.constant or (nodes.node_kind == "items" and not made.is_filtered):
            self.check_list(source, place)
        return made

    def check_list(self, source: str, place: Place) -> None:
        name = re.search(r"instance\(\s*['\"]([^'\"]+)['\"]\s*\)", source)
        if name is None:
            return
        container = self.form.instances.get(name.group(1))
        if container is None:
            self.problem("choices.no_list", place.path, name=name.group(1))
        elif name.group(1) not in self.unreadable and not container.children and not self.form.missing_media:
            self.problem("choices.none", place.path, name=name.group(1), severity="warning")

    # Questions

    def make_questions(self) -> None:
        form = self.form
        questions: list[Question] = []
        for place in (form.root, *form.root.descendants()):
            if not place.is_leaf or place is form.root:
                continue
            question = self.make_question(place, len(questions))
            form.logic[place].question = question
            questions.append(question)
        form.questions = tuple(questions)
        form.groups = tuple(self.groups)

    def readonly_places(self) -> frozenset[Place]:
        found: set[Place] = set()
        for place in (self.form.root, *self.form.root.descendants()):
            if place.parent in found or self.form.logic[place].readonly is not None:
                found.add(place)
        return frozenset(found)

    def make_question(self, place: Place, number: int) -> Question:
        control = self.controls.get(place)
        bind = self.binds.get(place)
        logic = self.form.logic[place]
        raw_type = (bind.get("type") or "string").rpartition(":")[2] if bind is not None else "string"
        value_type = {"rank": "string", "select": "string", "select1": "string"}.get(raw_type, raw_type)
        parameters: dict[str, str] = {}
        if bind is not None and (pixels := bind.get("{http://openrosa.org/xforms}max-pixels")):
            parameters["max-pixels"] = pixels
        if control is not None:
            is_note = logic.readonly is not None and logic.readonly.constant
            kind = type_of(local(control), value_type, mediatype=control.get("mediatype", ""), readonly=is_note)
            parameters |= _parameters(control)
        else:
            kind = self.unasked_type(place, value_type)
        if kind == "range":
            parameters["value_type"] = value_type
        group = self.group_of.get(place)
        above = place.parent
        while group is None and above is not None:
            group = self.form.logic[above].group
            above = above.parent
        if control is not None and kind != "note" and logic.calculate is not None:
            # What reads its own value, once() above all, keeps what was entered by itself.
            reads = logic.calculate.reads
            logic.is_editable = not reads.own_value and place not in reads.values
        return Question(
            path=place.path,
            name=place.name,
            number=number,
            type=kind,
            value_type=value_type,
            is_asked=control is not None,
            appearances=tuple(control.get("appearance", "").split()) if control is not None else (),
            parameters=parameters,
            group=group,
            extras=_extras(bind) if bind is not None else {},
            constraint_source=(bind.get("constraint") or "") if bind is not None else "",
            place=place,
        )

    def unasked_type(self, place: Place, value_type: str) -> str:
        logic = self.form.logic[place]
        match logic.preload:
            case ("timestamp", "start" | "end" as kind):
                return kind
            case ("date", _):
                return "today"
            case ("property", "username" | "deviceid" | "phonenumber" | "email" as kind):
                return kind
            case ("property", _):
                return "hidden"
        if place in self.locations:
            return "start-geopoint"
        if place in self.recordings:
            return "background-audio"
        if place.name == "audit" and value_type == "binary":
            return "audit"
        return "calculate" if logic.calculate is not None else "hidden"

    # Actions

    def compile_actions(self) -> None:
        first: list[Action] = []
        always: list[Action] = []
        new: dict[Place, list[Action]] = {}
        triggers: dict[Place, list[Action]] = {}
        for element, around in self.setvalues:
            # The specification wants an absolute path, and neither reference engine follows another.
            ref = (element.get("ref") or element.get("nodeset") or "").strip()
            target = self.place_at(ref)
            if target is None or not target.is_leaf:
                self.problem("xform.setvalue_nowhere", ref, severity="warning")
                continue
            source = (element.get("value") or "").strip()
            column = "default" if "xforms-value-changed" not in element.get("event", "") else "calculation"
            value = self.expression(source, target, column) if source else None
            action = Action(target, value, text_in(element) if element.get("value") is None else "")
            for event in element.get("event", "").split():
                match event:
                    case "odk-instance-first-load" | "xforms-ready":
                        first.append(action)
                    case "odk-instance-load":
                        always.append(action)
                    case "odk-new-repeat":
                        inner = target.frame.place
                        if inner is not None:
                            new.setdefault(inner, []).append(action)
                    case "xforms-value-changed":
                        if around is not None:
                            triggers.setdefault(around, []).append(action)
                    case unknown:
                        self.problem("xform.unknown_event", target.path, severity="warning", event=unknown)
        self.form.first_load = tuple(first)
        self.form.every_load = tuple(always)
        self.form.new_repeat = {place: tuple(actions) for place, actions in new.items()}
        self.form.triggers = {place: tuple(actions) for place, actions in triggers.items()}

    # The order of evaluation

    def order(self) -> None:
        """Give every unit its rank, so that whatever a unit reads is settled before it is evaluated."""
        units = self.make_units()
        own: dict[Place, dict[str, Unit]] = {}
        for unit in units:
            own.setdefault(unit.place, {})[unit.kind] = unit
        before: dict[int, set[int]] = {}
        for number, unit in enumerate(units):
            unit.index = number
            before[number] = set()
        for unit in units:
            before[unit.index] = {other.index for other in self.needed(unit, own) if other is not unit}
        ranked = self.sorted_units(units, before)
        form = self.form
        for rank, unit in enumerate(ranked):
            unit.index = rank
        form.units = tuple(ranked)
        form.own_units = own
        form.everything = (1 << len(ranked)) - 1
        values: dict[Place, dict[int, bool]] = {}
        structure: dict[Place, dict[int, bool]] = {}
        language: list[int] = []
        for unit in ranked:
            reads = self.reads_of(unit)
            for place, is_local in reads.values.items():
                if place is unit.place and unit.kind in ("calculate", "choices"):
                    continue
                values.setdefault(place, {})[unit.index] = is_local and place not in reads.choice_names
            for place in reads.repeats:
                structure.setdefault(place, {})[unit.index] = False
            if reads.language and unit.kind == "calculate":
                language.append(unit.index)
        form.readers = {place: self.readers(found) for place, found in values.items()}
        form.structure = {place: self.readers(found) for place, found in structure.items()}
        form.language_units = tuple(language)

    def readers(self, found: dict[int, bool]) -> Readers:
        units, frame = self.form.units, self.form.frame
        mask = 0
        for index in found:
            if units[index].home is frame:
                mask |= 1 << index
        return Readers(
            mask, tuple((index, is_local) for index, is_local in found.items() if units[index].home is not frame)
        )

    def make_units(self) -> list[Unit]:
        units: list[Unit] = []
        for place, logic in self.form.logic.items():
            if logic.count is not None:
                units.append(Unit("count", place, place.frame, logic.count))
            if logic.relevant is not None:
                home = place.home if logic.relevant_each else place.frame
                units.append(Unit("relevant", place, home, logic.relevant))
            if logic.calculate is not None:
                units.append(Unit("calculate", place, place.frame, logic.calculate))
            if logic.items is not None and logic.items.is_filtered and logic.items.nodes is not None:
                units.append(Unit("choices", place, place.frame, logic.items.nodes))
        return units

    def reads_of(self, unit: Unit) -> Reads:
        """What a unit reads, with what the choice lists behind its jr:choice-name() read."""
        reads = unit.expression.reads
        if not reads.choice_names:
            return reads
        values, repeats = dict(reads.values), set(reads.repeats)
        for place in reads.choice_names:
            items = self.form.logic[place].items
            if items is not None and items.nodes is not None:
                values |= dict.fromkeys(items.nodes.reads.values, False)
                repeats |= items.nodes.reads.repeats
            for output in self.outputs_in_choices(items):
                values |= dict.fromkeys(output.reads.values, False)
                repeats |= output.reads.repeats
        return Reads(values, repeats, set(), True)

    def outputs_in_choices(self, items: ItemSet | None) -> Iterator[Expression]:
        """The outputs in the labels of a list's choices: few lists have any, but jr:choice-name() shows them."""
        if items is None:
            return
        for _, text in items.inline:
            yield from text.expressions()
        if items.nodes is None or not items.label_is_itext:
            return
        name = re.search(r"instance\(\s*['\"]([^'\"]+)", items.nodes.source)
        container = self.form.instances.get(name.group(1)) if name is not None else None
        for item in container.descendants() if container is not None else ():
            text_id = item.child_text(items.label_name)
            for language, texts in self.form.itext.items():
                value = texts.get(text_id, {}).get("")
                if isinstance(value, Element) and len(value):
                    message = self.form.itext_message(language, text_id)
                    yield from message.expressions() if message is not None else ()

    def needed(self, unit: Unit, own: Mapping[Place, Mapping[str, Unit]]) -> Iterator[Unit]:
        """The units that must have been evaluated before this one."""
        reads = self.reads_of(unit)
        for place in reads.values:
            if place is unit.place and unit.kind in ("calculate", "choices"):
                continue
            for kind, other in own.get(place, {}).items():
                if kind != "count" or place is not unit.place:
                    yield other
            yield from self.around(place, own)
        for place in reads.repeats:
            if "count" in own.get(place, {}):
                yield own[place]["count"]
            yield from self.around(place, own)
        yield from self.around(unit.place, own)
        mine = own.get(unit.place, {})
        if unit.kind in ("calculate", "choices") and "relevant" in mine:
            yield mine["relevant"]
        if unit.kind == "choices" and "calculate" in mine:
            yield mine["calculate"]
        if unit.kind == "relevant" and self.form.logic[unit.place].relevant_each and "count" in mine:
            yield mine["count"]

    def around(self, place: Place, own: Mapping[Place, Mapping[str, Unit]]) -> Iterator[Unit]:
        above = place.parent
        while above is not None:
            for kind in ("relevant", "count"):
                if kind in own.get(above, {}):
                    yield own[above][kind]
            above = above.parent

    def sorted_units(self, units: list[Unit], before: dict[int, set[int]]) -> list[Unit]:
        after: dict[int, list[int]] = {}
        waiting = {number: len(needs) for number, needs in before.items()}
        for number, needs in before.items():
            for need in needs:
                after.setdefault(need, []).append(number)
        ready = [number for number, count in waiting.items() if count == 0]
        heapq.heapify(ready)
        ranked: list[Unit] = []
        done: set[int] = set()
        while len(ranked) < len(units):
            if not ready:
                ready.append(self.break_cycle(units, before, done))
            number = heapq.heappop(ready)
            if number in done:
                continue
            done.add(number)
            ranked.append(units[number])
            for follower in after.get(number, ()):
                waiting[follower] -= 1
                if waiting[follower] == 0:
                    heapq.heappush(ready, follower)
        return ranked

    def break_cycle(self, units: list[Unit], before: dict[int, set[int]], done: set[int]) -> int:
        """One unit to go on with. Questions that each show only while the other is blank are no mistake."""
        number = min(number for number in before if number not in done)
        trail: list[int] = []
        while number not in trail:
            trail.append(number)
            number = min(need for need in before[number] if need not in done)
        cycle = trail[trail.index(number) :]
        if all(units[i].kind == "relevant" and units[i].place.is_leaf for i in cycle) and len(cycle) > 1:
            for i in cycle:
                units[i].is_codependent = True
        else:
            names = " → ".join([*dict.fromkeys(units[i].place.name for i in cycle), units[cycle[0]].place.name])
            self.problem("expression.cycle", units[min(cycle)].place.path, names=names)
        return min(cycle)


def trimmed(parts: Sequence["str | Expression"]) -> Message:
    """A message without the blanks that pyxform writes around outputs; what an output says keeps its own."""
    merged: list[str | Expression] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    if merged and isinstance(merged[0], str):
        merged[0] = merged[0].lstrip()
    if merged and isinstance(merged[-1], str):
        merged[-1] = merged[-1].rstrip()
    return tuple(part for part in merged if part != "") or ("",)


def text_in(element: Element) -> str:
    return "".join(element.itertext())


def itext_id(written: str) -> str | None:
    """The id in jr:itext('id'), None if the text is something else."""
    found = re.fullmatch(r"\s*jr:itext\(\s*(['\"])(.*)\1\s*\)\s*", written, re.DOTALL)
    return found.group(2) if found is not None else None


def _copy_items(element: Element, parent: Item) -> None:
    for child in element:
        if isinstance(child.tag, str):
            item = Item(local(child), (child.text or "").strip() if len(child) == 0 else "", parent)
            _copy_items(child, item)


_CONTROL_PARAMETERS = {
    "start": "start", "end": "end", "step": "step", "rows": "rows", "query": "query", "mediatype": "mediatype",
    "accuracyThreshold": "capture-accuracy", "unacceptableAccuracyThreshold": "warning-accuracy",
}  # fmt: skip


def _parameters(control: Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in control.attrib.items():
        plain = name.rpartition("}")[2]
        if plain in _CONTROL_PARAMETERS:
            found[_CONTROL_PARAMETERS[plain]] = value
        elif name.startswith("{") and not name.startswith(XFORMS):
            found[plain] = value
    itemset = next((child for child in control if local(child) == "itemset"), None)
    if itemset is not None and itemset.get("nodeset", "").strip().startswith("randomize("):
        found["randomize"] = "true"
    return found


def _extras(bind: Element) -> dict[str, str]:
    """The attributes of our own extension namespace, whatever address its author gave it."""
    return {
        name.rpartition("}")[2]: value
        for name, value in bind.attrib.items()
        if name.startswith("{") and "enlace" in name.partition("}")[0].casefold()
    }


# Attached files: CSV, GeoJSON and XML become root/item/column, as the specification says.

MAX_MEDIA_ROWS = 200_000


def read_media(file_name: str, data: bytes, container: Item) -> None:
    """Put an attached file below `container` as a secondary instance; AuthorError if it cannot be read."""
    kind = file_name.rpartition(".")[2].casefold()
    match kind:
        case "csv":
            _read_csv(file_name, data, container)
        case "geojson" | "json":
            _read_geojson(file_name, data, container)
        case "xml":
            root = parse_xml(data)
            top = Item(local(root), "", container)
            _copy_items(root, top)
        case _:
            raise AuthorError([Problem("media.unknown_kind", values={"file": file_name})])


def _read_csv(file_name: str, data: bytes, container: Item) -> None:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise AuthorError([Problem("media.not_utf8", values={"file": file_name})]) from None
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise AuthorError([Problem("media.unreadable", values={"file": file_name, "detail": str(error)})]) from None
    if len(rows) > MAX_MEDIA_ROWS:
        raise AuthorError([Problem("media.too_long", values={"file": file_name, "limit": MAX_MEDIA_ROWS})])
    root = Item("root", "", container)
    header = [name.strip() for name in rows[0]] if rows else []
    for row in rows[1:]:
        if any(row):
            item = Item("item", "", root)
            for name, value in zip(header, row, strict=False):
                Item(name, value, item)


def _read_geojson(file_name: str, data: bytes, container: Item) -> None:
    try:
        document = json.loads(data)
        features = document["features"]
        rows = [(feature.get("properties") or {}, feature.get("geometry"), feature.get("id")) for feature in features]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise AuthorError([Problem("media.unreadable", values={"file": file_name, "detail": "GeoJSON"})]) from None
    root = Item("root", "", container)
    for properties, geometry, feature_id in rows[:MAX_MEDIA_ROWS]:
        item = Item("item", "", root)
        written = _geometry(geometry)
        if written:
            Item("geometry", written, item)
        if feature_id is not None and "id" not in properties:
            Item("id", str(feature_id), item)
        for name, value in properties.items():
            Item(str(name), _plain(value), item)


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else json.dumps(value, ensure_ascii=False)


def _geometry(geometry: object) -> str:
    """A GeoJSON geometry as ODK writes points: latitude first."""
    if not isinstance(geometry, dict):
        return ""
    coordinates: Any = geometry.get("coordinates")
    try:
        match geometry.get("type"):
            case "Point":
                return _position(coordinates)
            case "LineString":
                return "; ".join(_position(point) for point in coordinates)
            case "Polygon":
                return "; ".join(_position(point) for point in coordinates[0])
    except (TypeError, ValueError, IndexError):
        return ""
    return ""


def _position(point: Sequence[float]) -> str:
    return f"{point[1]} {point[0]} 0 0"
