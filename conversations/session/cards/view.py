"""What every card of a session is drawn from, and the texts that cards share."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from conversations.card import Button, Line, bold, italic, line
from conversations.languages import phrases_of_all, translated
from conversations.routes import form_tap
from conversations.session.markup import marked, spoken
from conversations.session.questions import sequence, stops
from conversations.session.repeats import RepeatStop, Stop, groups_around, instance_ref, number_in, open_instance
from conversations.session.session import Session
from conversations.session.shown import shown
from conversations.wording import Wording, wording
from conversations.xforms.evaluation.texts import Node
from conversations.xforms.form import Form, Text
from conversations.xforms.instance import Instance
from conversations.xforms.nodes import Frame, Place


@dataclass(slots=True)
class View:
    """The data from which a card is drawn: the session, its instance, and its reader's clock and language.

    `questions` are the refs of what is asked, in the form's order. `stops` also has those behind every open repeat.
    `heading` names the subject of the session, and the reason if it was returned. `warnings` come below the question.
    """

    form: Form
    session: Session
    instance: Instance
    now: datetime
    say: Wording
    questions: Sequence[str]
    stops: Sequence[str]
    heading: tuple[Line, ...]
    warnings: tuple[Line, ...]

    @property
    def here(self) -> datetime:
        """`now` on the reader's wall clock."""
        return self.now.astimezone(ZoneInfo(self.session.timezone))

    @property
    def today(self) -> date:
        return self.here.date()

    def shown(self, node: Node, value: str | None = None) -> str:
        """The answer of a node, or `value`, as the reader reads it."""
        return shown(self.instance, node, self.session.language, value)


def view_of(form: Form, session: Session, instance: Instance, now: datetime, notices: Sequence[str]) -> View:
    say = wording(session.language)
    questions = sequence(form, session, instance)
    order = stops(form, session, questions, instance)
    warnings = tuple(line("⚠️ ", spoken(text)) for text in notices)
    return View(form, session, instance, now, say, questions, order, heading(form, session), warnings)


def form_title(form: Form, about: Mapping[str, Any], language: str) -> str:
    """The form's name in the reader's language, if the bot knows one. XLSForm has a title in one language only."""
    title = str(about.get("title", {}).get(language, ""))
    return form.title if not title or title.startswith("form_title.") else title


def heading(form: Form, session: Session) -> tuple[Line, ...]:
    """Say what the session is about, for which period, until when it can be sent, and why it was returned."""
    about, language = session.about, session.language
    if code := about.get("code"):
        title = f"🔒 {code}" if session.restricted else f"{code}"
        name = f" · {translated(about.get('name', {}), language)}"
    else:
        title, name = form_title(form, about, language), ""
    lines = _heading(title, name, translated(about.get("until", {}), language))
    if reason := about.get("asked"):
        return (*lines, line(italic(f"↩️ «{reason}»")))  # every question that is answered again shows it
    return lines


@lru_cache(maxsize=1024)
def _heading(title: str, name: str, until: str) -> tuple[Line, ...]:
    head = line(bold(title), name) if name else line(bold(title))
    return (head, line(until)) if until else (head,)


@cache
def _marks() -> re.Pattern[str]:
    """Question marks, and notes such as "(opcional)"."""
    asides = "|".join(map(re.escape, phrases_of_all("aside.optional")))
    # In French a blank stands before the mark, and goes with it.
    return re.compile(rf"¿|(?<!\s)\s*+[?؟]|\((?:{asides})[^)]*\)")


def topic(label: str) -> str:
    """Return a question as the head of a line: without its question marks and notes."""
    return _marks().sub("", spoken(label).replace("\n", " ")).strip().rstrip(":").strip()


def topic_of(instance: Instance, node: Node) -> str:
    """`topic` of a question's label. That of a label without outputs is found once for a version of the form."""
    label = instance.form.logic[node.place].label
    fixed = _fixed_topic(label, instance.language)
    return topic(instance.label(node)) if fixed is None else fixed


@lru_cache(maxsize=1024)
def _fixed_topic(label: Text, language: str) -> str | None:
    text = label.fixed(language)
    return None if text is None else topic(text)


@cache
def _how_many() -> re.Pattern[str]:
    phrases = "|".join(re.escape(phrase) for phrase in phrases_of_all("asked.how_many"))
    return re.compile(rf"(?:{phrases})(?:(?<=')|\s+)", re.IGNORECASE)


def thing_counted(label: str) -> str:
    """Return the thing that a question counts: "¿Cuántas mujeres? (18 o más)" → "mujeres (18 o más)".

    Blank for other questions.
    """
    text = topic(label)
    found = _how_many().match(text)
    return " ".join(text[found.end() :].split()) if found else ""


def label_lines(view: View, node: Node) -> tuple[Line, ...]:
    return marked(view.instance.label(node).strip(), "bold")


def groups_shown(view: View, stop: Stop) -> str:
    """The groups around a question: repeats with the number of the instance, and the innermost group."""
    if isinstance(stop, Node) and stop.question.group is None:
        return ""
    if stop.frame.parent is None and isinstance(stop, Node):
        return spoken(view.instance.group_label(stop))
    groups = groups_around(stop)
    parts = []
    for group in groups:
        label = spoken(view.instance.group_label(group, stop.frame)).strip()
        number = number_in(group, stop.frame)
        if number is not None and group.is_repeat:
            parts.append(_numbered(view.instance, label or group.name, group.path, number, view.say))
        elif label and group is groups[-1] and isinstance(stop, Node):
            parts.append(label)
    return " · ".join(parts)


def _numbered(instance: Instance, label: str, path: str, number: tuple[int, int], say: Wording) -> str:
    """Return "Persona 2", or "Persona 2 de 3" if the form counts them. A label that has its number stays as it is."""
    position, total = number
    if instance.form.logic[instance.form.places[path]].count is not None:
        return say("repeat.counted", label=label, n=position, total=total)
    return label if str(position) in re.findall(r"\d+", label) else f"{label} {position}"


def instance_label(instance: Instance, frame: Frame, say: Wording) -> str:
    """Return the name of an instance in its form's words: "Persona 2"."""
    place = frame.type.place
    assert place is not None
    assert frame.parent is not None
    group = instance.form.logic[place].group
    label = spoken(instance.group_label(group, frame)).strip() if group is not None else ""
    total = len(frame.parent.repeats[place.slot])
    return _numbered(instance, label or place.name, place.path, (frame.index + 1, total), say)


def repeat_label(view: View, stop: RepeatStop) -> str:
    return spoken(view.instance.group_label(stop.group, stop.frame)).strip() or stop.group.name


def has_earlier(view: View, stop: Stop) -> bool:
    """Whether there is an earlier question to go back to."""
    ref = stop.ref
    before = view.stops.index(ref) if ref in view.stops else len(view.stops)
    return not view.session.seen.isdisjoint(view.stops[:before])


LISTED = 40
"""The number of answers on one screen. Telegram takes 100 buttons in a message."""
LISTED_LIMIT = 44
"""Characters of an answer on the button that changes it."""


def on_page(view: View, count: int, size: int) -> tuple[range, tuple[tuple[Button, ...], ...]]:
    """Return the positions on the present page of a list, and the row that turns pages; none if there is one page."""
    pages = max(1, -(-count // size))
    page = min(max(view.session.page, 0), pages - 1)
    row = (
        Button("◀", form_tap("page", (page - 1) % pages)),
        Button(view.say("form.page", page=page + 1, pages=pages), form_tap("page", page)),
        Button("▶", form_tap("page", (page + 1) % pages)),
    )
    return range(page * size, min((page + 1) * size, count)), (row,) if pages > 1 else ()


@lru_cache(maxsize=256)
def _readable(form: Form) -> frozenset[Place]:
    """The places of notes, and of questions that may be read-only. Many forms have none.

    Every form has an `instanceID`, which is read-only and never shown.
    """
    return frozenset(
        each.place for each in form.questions if each.type == "note" or (each.is_asked and each.place in form.readonly)
    )


@lru_cache(maxsize=256)
def _with_control(form: Form) -> frozenset[Place]:
    """The places of what the form shows: questions and notes."""
    return frozenset(question.place for question in form.questions if question.is_asked)


def note_lines(view: View, stop: Stop | None) -> list[Line]:
    """Return the notes right before this question, or at the end. They are shown with it, not in messages of their own.

    A read-only question is a note too, with its value.
    """
    readable = _readable(view.form)
    if not readable:
        return []
    refs = view.instance.relevant(_with_control(view.form))
    notes: list[Node] = []
    for ref in reversed(refs[: _end(refs, stop)]):
        if ref in view.questions:
            break
        note = view.instance.node(ref)
        is_read = note.place in readable and (note.question.type == "note" or note.is_readonly)
        if is_read and _is_read_here(view, note, stop):
            notes.append(note)
    lines = []
    for note in reversed(notes):
        text = view.instance.label(note).strip()
        if note.value:
            text = f"{text}\n{view.shown(note)}".strip()
        lines += [part for part in marked(text) if part != line("")]
    return lines


def _end(refs: Sequence[str], stop: Stop | None) -> int:
    """The position of a question, or behind the last instance of a repeat. The end of all if there is no stop."""
    if isinstance(stop, RepeatStop):
        inside = [position for position, ref in enumerate(refs, 1) if ref.startswith(f"{stop.repeat}[")]
        return inside[-1] if inside else 0
    return len(refs) if stop is None else refs.index(stop.ref)


def _is_read_here(view: View, note: Node, stop: Stop | None) -> bool:
    """Whether a note of an instance is shown here: in its instance or right behind it."""
    frame = open_instance(view.instance, note.frame) if note.frame.parent is not None else None
    if isinstance(stop, RepeatStop):
        return bool(stop.instances) and note.frame is stop.instances[-1]
    return frame is None or (stop is not None and stop.ref.startswith(f"{instance_ref(frame)}/"))
