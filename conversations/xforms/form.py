"""A published form: what a session needs to ask its questions.

A form is plain data, made once from an XForm document (`conversations.xforms.document`): places that have numbers in
frames, expressions that are closures, and the order in which expressions are evaluated when an answer changes.

Laws: a `Form` never changes, and all its sessions share it; every expression in it is compiled; its calculations have
an order (a cycle is a problem of the form and never a hang). Source: ODK XForms specification, sections "Instance",
"Bindings", "Body Elements", "Secondary Instances", "Languages", "Event actions".
"""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from xml.etree.ElementTree import Element

from conversations.languages import LANGUAGES, phrases
from conversations.xforms.nodes import Frame, FrameType, Item, Place
from conversations.xforms.problems import Problem
from conversations.xforms.xpath.compile import compile_expression
from conversations.xforms.xpath.expression import Expression, Session, Surroundings, joined
from conversations.xforms.xpath.syntax import ExpressionError

UNNAMED = "default"
"""What the converter calls the language of texts that name none."""
Message = tuple["str | Expression", ...]
"""A text with holes: its literal parts and its outputs, in order."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice of a select, in one language. `media` has file names by kind (image, audio, video)."""

    value: str
    label: str
    media: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """A group or repeat around questions. `path` is "" for a group that only lays out questions."""

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
    """A leaf of the form, asked or not. `number` is its index in `Form.questions`."""

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
    """One text in every language of the form. A language that lacks it shows the default language's text."""

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

    def fill(self, language: str, session: Session, frame: Frame) -> str:
        """Fill the outputs of this text, as it reads in this frame. Markdown stays as it is."""
        parts = self.message(language)
        if len(parts) == 1 and isinstance(parts[0], str):
            return parts[0]
        return joined(session, "", [part if isinstance(part, str) else part.text(session, frame) for part in parts])

    def fixed(self, language: str) -> str | None:
        """Return the text, if it has no outputs: then every session shows the same. None otherwise."""
        parts = self.message(language)
        return None if any(not isinstance(part, str) for part in parts) else "".join(map(str, parts))

    def expressions(self) -> Iterator[Expression]:
        for message in self.by_language.values():
            for part in message:
                if isinstance(part, Expression):
                    yield part


@dataclass(slots=True)
class ItemSet:
    """The source of a select's choices: the question itself, a list, a file, or the instances of a repeat."""

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
    fixed: dict[str, "FixedChoices"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)  # equal to nothing else, so what is made of them is found by them
class FixedChoices:
    """The choices that every session shows in one language, and the steps that it costs to look at them."""

    choices: tuple[Choice, ...]
    steps: int


@dataclass(slots=True)
class Logic:
    """What the form says about one place."""

    place: Place
    relevant: Expression | None = None
    relevant_each: bool = False
    """The relevance of a repeat reads the repeat's own instance, so each instance has its own."""
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
    question: Question | None = None
    group: Group | None = None
    is_editable: bool = False
    """The question is calculated, and the respondent may still change the result."""


@dataclass(frozen=True, slots=True)
class Action:
    """A setvalue: it writes `value` into `target` when its event happens."""

    target: Place
    value: Expression | None
    literal: str = ""


@dataclass(slots=True)
class Unit:
    """One expression that is evaluated again when something it reads has changed. `index` is its rank in the order."""

    kind: str
    place: Place
    home: FrameType
    expression: Expression
    index: int = 0


class Form:
    """A published form. Only `read_xform` makes one, and nothing changes it afterwards."""

    def __init__(self) -> None:
        self.form_id = ""
        self.version = ""
        self.title = ""
        self.languages: tuple[str, ...] = ()
        self.default_language = ""
        self.questions: tuple[Question, ...] = ()
        self.outside_repeats: dict[str, Question] = {}
        """The questions that every session has once, by ref."""
        self.asked: frozenset[Place] = frozenset()
        """The places of the questions that a respondent may be asked: notes are only read."""
        self.groups: tuple[Group, ...] = ()
        self.root: Place
        self.frame = FrameType(None, None)
        self.logic: dict[Place, Logic] = {}
        self.preloads: dict[Place, tuple[str, str]] = {}
        """What the phone fills in: the kind and its parameter, such as ("timestamp", "end")."""
        self.places: dict[str, Place] = {}
        self.by_name: dict[str, list[Place]] = {}
        self.instances: dict[str, Item] = {}
        self.itext: dict[str, dict[str, dict[str, Element | str]]] = {}
        self.units: tuple[Unit, ...] = ()
        self.readers: dict[Place, Readers] = {}
        self.structure: dict[Place, Readers] = {}
        self.own_units: dict[Place, dict[str, Unit]] = {}
        self.readonly: frozenset[Place] = frozenset()
        """The places that may be read-only, by their own rule or by a rule of a group around them."""
        self.may_be_readonly: frozenset[str] = frozenset()
        """The paths of those among them that a respondent is asked."""
        self.everything = 0
        self.language_units: tuple[int, ...] = ()
        self.first_load: tuple[Action, ...] = ()
        self.every_load: tuple[Action, ...] = ()
        self.new_repeat: dict[Place, tuple[Action, ...]] = {}
        self.triggers: dict[Place, tuple[Action, ...]] = {}
        self.texts: dict[str, Text] = {}
        self.missing_media: tuple[str, ...] = ()
        self.plan_lists: tuple[str, ...] = ()
        """The plan's own lists that the form uses. The form is compiled again when they change."""
        self.warnings: tuple[Problem, ...] = ()

    def language_for(self, *codes: str) -> str:
        """The form's language for the first of these codes that it speaks, such as "es"; else its default."""
        return _language_for(self, codes)

    def only_its_own(self) -> tuple[str, ...]:
        """Return the form's languages that the bot does not speak."""
        known = {self.spoken(code) for code in LANGUAGES}
        return tuple(language for language in self.languages if language not in known | {UNNAMED})

    def spoken(self, code: str) -> str:
        """Return the form's language for this code or name. Blank if the form does not have it.

        A language matches by its code in parentheses, then by its name.
        """
        wanted = code.casefold()
        if not wanted:
            return ""
        for language in self.languages:
            name = language.casefold()
            if name == wanted or f"({wanted})" in name or (name.startswith(f"{wanted}-") and len(wanted) == 2):
                return language
        called = phrases(wanted, "language.called") if wanted in LANGUAGES else ()
        for language in self.languages:
            if language.casefold().startswith(called):
                return language
        return ""

    def code_of(self, language: str) -> str:
        """Return "es" for a form's language such as "Español (es)", or for "es" itself; blank for a name without a
        code.
        """
        found = re.search(r"\(\s*([\w-]+)\s*\)\s*$", language)
        return found.group(1).casefold() if found else language.casefold() if len(language) == 2 else ""

    def question(self, name: str) -> Question:
        """The question with this name or path. KeyError if there is none, or more than one."""
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

    def itext_message(self, language: str, text_id: str, place: Place | None = None) -> Text | None:
        """The text with this id in one language, as it reads at a place. None if the language lacks it.

        One text may be shown at several places. An output in it reads the instance in which it is shown.
        """
        forms = self.itext.get(language, {}).get(text_id)
        value = forms.get("", forms.get("long", forms.get("short"))) if forms is not None else None
        if not isinstance(value, Element):
            return None
        at = place if place is not None and len(value) else self.root
        key = f"{language}\0{text_id}\0{at.path}"
        found = self.texts.get(key)
        if found is None:
            surroundings = Surroundings(self.root, self.instances, self.version)
            parts: list[str | Expression] = [value.text or ""]
            for child in value:
                source = child.get("value") or child.get("ref") or ""
                with contextlib.suppress(ExpressionError):
                    parts.append(compile_expression(source, at, surroundings, column="label"))
                parts.append(child.tail or "")
            found = self.texts[key] = Text({language: trimmed(parts)})
        return found

    def __repr__(self) -> str:
        return f"<Form {self.form_id} {self.version}>"


@lru_cache(maxsize=256)
def _language_for(form: Form, codes: tuple[str, ...]) -> str:
    return next((found for code in codes if (found := form.spoken(code))), form.default_language)


@dataclass(slots=True)
class Readers:
    """The units that read something. `mask` has those of the form's own frame, one bit for each index."""

    mask: int = 0
    inner: tuple[tuple[int, bool], ...] = ()
    """Those in repeats: (index, True if only instances within the changed frame are concerned)."""


@dataclass(frozen=True, slots=True)
class CheckedForm:
    """A form that can be asked, the XForm it was read from, and the warnings for its author.

    `xform` contains the attached lists. It does not contain the plan's own lists (`bundle.PLAN_LISTS`): they change
    without the form, and the caller brings them when it reads the form.
    """

    form: Form
    xform: str
    problems: tuple[Problem, ...] = ()


def trimmed(parts: Sequence["str | Expression"]) -> Message:
    """Remove the blanks that pyxform writes around outputs. The outputs keep their own blanks."""
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
