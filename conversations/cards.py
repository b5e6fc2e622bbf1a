"""What a phone shows: cards, as plain data. No Telegram here; `bot/telegram/render.py` turns them into calls.

A card is one message with buttons that is edited in place for as long as one only taps (DESIGN §4). Texts are
spans of plain characters with a style; nobody but the renderer knows how a style is written, so nothing that a
person typed can ever act as markup (S7).
"""

import calendar
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

from conversations.engine import (
    LEAST_POINTS,
    LINES,
    UPLOADS,
    batch,
    calendar_of,
    is_sending,
    points_of,
    sequence,
    show_date,
    shown,
    stop_label,
    stops,
    suggestion,
)
from conversations.form import Form, Question
from conversations.instance import MAX_REPEATS, Instance, Node
from conversations.nodes import Frame
from conversations.reading import search_choices
from conversations.repeats import (
    RepeatStop,
    Stop,
    address,
    groups_around,
    instance_ref,
    number_in,
    open_instance,
)
from conversations.reports import profile
from conversations.session import Choosing, Confirming, Listing, Reading, Removing, Session
from conversations.wording import Wording, wording

Style = Literal["plain", "bold", "italic", "code"]
Tone = Literal["", "primary", "success", "danger"]

PAGED_OVER = 8
PAGE = 8
TYPED_OVER = 20
STEPS_SHOWN = 20
"""Steps of a range, up to which each value has its button."""
_MARKS = re.compile(r"[¿?]|\((?:opcional|optional|opsyonèl)[^)]*\)")
_COUNTING = re.compile(r"^(?:cuánt[ao]s|how many|konbyen)\s+")

_YEARS = 16
_FIELDS_SHOWN = 8
_SUMMED = 2
"""Answers by which people know an instance of a repeat again: a name and one more."""
_LOST_SHOWN = 25

REVIEW_LIMIT = 3_000
"""Characters of answers that a review repeats; a message holds 4 096 with all the rest."""
LISTED = 40
"""Answers to choose from on one screen: Telegram takes 100 buttons on a message."""

BUTTON_LIMIT = 30
"""Characters that fit a button on a cheap phone."""
LABEL_LIMIT = 64
"""Of a choice's label, which is its author's and may take two lines."""


@dataclass(frozen=True, slots=True)
class Span:
    text: str
    style: Style = "plain"


Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Button:
    """`tap` says what it does: `form:ACTION:ARGUMENT` for the session shown, `command:NAME:ARGUMENT` for all else."""

    text: str
    tap: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Medium:
    """A file of the form that is read with a card: which one, and the choice it belongs to, if to one."""

    name: str
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    lines: tuple[Line, ...]
    rows: tuple[tuple[Button, ...], ...] = ()
    asks_place: str = ""
    """The text of a button that shares the phone's location; such a card has a reply keyboard of words."""
    words: tuple[str, ...] = ()
    media: tuple[Medium, ...] = ()
    """Files of the form that belong to the question and its choices, to be sent before the card."""


def line(*parts: str | Span) -> Line:
    return tuple(Span(part) if isinstance(part, str) else part for part in parts)


def bold(text: str) -> Span:
    return Span(text, "bold")


def italic(text: str) -> Span:
    return Span(text, "italic")


def paragraph(text: str) -> tuple[Line, ...]:
    return tuple(line(part) for part in text.strip().split("\n"))


def plain(card: Card) -> str:
    """The card's text without styles, as the terminal shows it."""
    return "\n".join("".join(span.text for span in parts) for parts in card.lines)


# ------------------------------------------------------------------ the card of a session
def session_card(
    form: Form, session: Session, instance: Instance, *, now: datetime, notices: Sequence[str] = ()
) -> Card:
    """The one card: where the session stands, drawn from the session alone."""
    say = wording(session.language)
    nodes = sequence(form, session, instance)
    heading = _heading(form, session, say)
    warnings = tuple(line("⚠️ ", text) for text in notices)
    current = next((node for node in nodes if node.ref == session.at), None)
    order = stops(form, session, nodes, instance)
    stop = None
    if form.frame.repeats and current is None:
        stop = next((s for s in order if s.ref == session.at and isinstance(s, RepeatStop)), None)
    match session.pending:
        case Confirming(_, _, lost, _):
            return Card(heading + warnings + _confirming_lines(session, instance, lost, say), _confirming_rows(say))
        case Reading(values, _) if current is not None:
            rows = tuple(
                (
                    Button(
                        shown(instance, current, session.language, v) if current.question.type != "integer" else v,
                        f"form:read:{i}",
                    ),
                )
                for i, v in enumerate(values)
            )
            return Card(
                (*heading, *warnings, *_label(instance, current), line(say("form.which_reading"))),
                (*rows, (Button(say("nav.back"), "form:back"),)),
            )
        case Listing(within):
            return Card(
                (*heading, line(say("form.which_to_change"))), _listing_rows(session, instance, order, within, say)
            )
        case Removing(ref, lost):
            lines = _removing_lines(session, instance, ref, lost, say)
            return Card((*heading, *warnings, *lines), _removing_rows(say))
        case Choosing(act) if stop is not None:
            return _choosing(session, instance, nodes, stop, act, (*heading, *warnings), say)
        case _:
            pass
    if stop is not None:
        return _behind_repeat(session, instance, nodes, order, stop, heading, warnings, say)
    if current is None or is_sending(current.question):
        return _review(form, session, instance, nodes, order, current, heading + warnings, say)
    return _question(form, session, instance, nodes, order, current, heading, warnings, now, say)


def _heading(form: Form, session: Session, say: Wording) -> tuple[Line, ...]:
    about = session.about
    if not about.get("code"):
        return (line(bold(str(form_title(form, about, session.language)))), *_asked(about))
    name = about.get("name", {})
    title = name.get(session.language) or name.get("es", "")
    lock = "🔒 " if session.restricted else ""
    return (line(bold(f"{lock}{about['code']}"), f" · {title}"), *_asked(about))


def _asked(about: Mapping[str, Any]) -> tuple[Line, ...]:
    """Why it was returned, at every question of what is answered again."""
    return (line(italic(f"↩️ «{about['asked']}»")),) if about.get("asked") else ()


def form_title(form: Form, about: Mapping[str, Any], language: str) -> str:
    """The form's name in the reader's language, where the bot knows one; XLSForm has titles in one language only."""
    title = str(about.get("title", {}).get(language, ""))
    return form.title if not title or title.startswith("form_title.") else title


def _label(instance: Instance, node: Node) -> tuple[Line, ...]:
    return tuple(line(bold(text)) for text in instance.label(node).strip().split("\n"))


def _progress(session: Session, nodes: Sequence[Node], current: Node) -> str:
    last = len(nodes) - bool(nodes and is_sending(nodes[-1].question))
    position = next((i for i, node in enumerate(nodes) if node is current), last)
    return f"{position + 1}/{last}" if last > 1 else ""


def _where(instance: Instance, stop: Stop, say: Wording) -> str:
    """The groups a question stands in: those that repeat with the number of the instance, and the innermost."""
    if stop.frame.parent is None and isinstance(stop, Node):
        return instance.group_label(stop)
    groups = groups_around(stop)
    parts = []
    for group in groups:
        label = instance.group_label(group, stop.frame).strip()
        number = number_in(group, stop.frame)
        if number is not None and group.is_repeat:
            parts.append(_numbered(instance, label or group.name, group.path, number, say))
        elif label and group is groups[-1] and isinstance(stop, Node):
            parts.append(label)
    return " · ".join(parts)


def _numbered(instance: Instance, label: str, path: str, number: tuple[int, int], say: Wording) -> str:
    """ "Persona 2", or "Persona 2 de 3" where the form says how many; a label that says its number keeps it."""
    position, total = number
    if instance.form.logic[instance.form.places[path]].count is not None:
        return say("repeat.counted", label=label, n=position, total=total)
    return label if str(position) in re.findall(r"\d+", label) else f"{label} {position}"


def _question(
    form: Form,
    session: Session,
    instance: Instance,
    nodes: Sequence[Node],
    order: Sequence[Stop],
    node: Node,
    heading: tuple[Line, ...],
    warnings: tuple[Line, ...],
    now: datetime,
    say: Wording,
) -> Card:
    question, known = node.question, profile(form.form_id)
    lines = list(heading)
    if question.name == known.same_at and (previous := session.previous.get(question.name)):
        status = shown(instance, node, session.language, previous)
        progress = session.previous.get("progress_final") or session.previous.get("progress", "")
        lines.append(line(say("form.previously", previous=f"{status}{f', {progress}%' if progress else ''}")))
    if question.name == known.same_at and session.about.get("due_on"):
        lines.append(line(say("form.due", due=show_date(str(session.about["due_on"]), session.language))))
    if session.only and node.ref not in session.only:
        lines.append(line(italic(say("review.also"))))
    progress_shown = _progress(session, nodes, node)
    group = _where(instance, node, say)
    if small := " · ".join(part for part in (progress_shown, group) if part):
        lines.append(line(italic(small)))
    lines.append(line(""))
    if question.group is not None and question.group.is_field_list:
        lines += _field_list(session, instance, node, nodes)
    lines += _notes(session, instance, node, nodes)
    lines += _label(instance, node)
    if hint := instance.hint(node).strip():
        lines.append(line(italic(hint)))
    if guidance := instance.guidance(node).strip():
        lines.append(line(italic(guidance)))
    kept = suggestion(session, node)
    run = batch(session, nodes, node.ref)
    lines += _instructions(form, session, instance, node, run, kept, say)
    lines += warnings
    if session.fetching:
        lines.append(line(say("file.coming")))
    media = _media(instance, node)
    if question.type == "geopoint" or question.type in LINES:
        words = [say("nav.back")] + ([] if node.is_required else [say("nav.skip")]) + [say("nav.leave")]
        if question.type in LINES and (points := points_of(session, node)):
            enough = [say("form.line_done")] if len(points) >= LEAST_POINTS[question.type] else []
            words = [*enough, say("form.line_undo"), *words]
        return Card(tuple(lines), asks_place=say("form.share_place"), words=tuple(words), media=media)
    rows = _answer_rows(form, session, instance, node, run, kept, now, say)
    if form.frame.repeats and _is_first_of_instance(instance, order, node):
        rows.append((Button(_short(say("repeat.remove_this", label=_innermost(instance, node, say))), "form:remove"),))
    return Card(tuple(lines), (*rows, _navigation(session, order, node, instance, say)), media=media)


@lru_cache(maxsize=256)
def _has_media(form: Form) -> bool:
    """Whether any text of the form brings a file: most forms bring none, and then no choice is looked at for it."""
    forms = (each for texts in form.itext.values() for text in texts.values() for each in text.values())
    return any(isinstance(each, str) for each in forms)


def _media(instance: Instance, node: Node) -> tuple[Medium, ...]:
    """Files on the label, then those on the choices."""
    if not _has_media(instance.form):
        return ()
    files = [Medium(name) for name in instance.media(node).values()]
    if node.question.type in ("select_one", "select_multiple", "rank"):
        for choice in instance.choices(node):
            files += [Medium(name, choice.label) for name in choice.media.values()]
    return tuple(files)


def _field_list(session: Session, instance: Instance, node: Node, nodes: Sequence[Node]) -> list[Line]:
    """What has been answered of the same screen of a phone's form: it is read together, so it is shown together."""
    lines: list[Line] = []
    for other in nodes:
        if other.ref == node.ref:
            break
        if other.question.group is node.question.group and other.frame is node.frame and other.ref in session.seen:
            answer = shown(instance, other, session.language)
            lines.append(line(_short(f"✓ {topic(instance.label(other))}: {answer}", 100)))
    return lines[-_FIELDS_SHOWN:]


def _is_first_of_instance(instance: Instance, order: Sequence[Stop], node: Node) -> bool:
    """Whether an instance that may be removed begins with this question."""
    frame = open_instance(instance, node.frame)
    if frame is None:
        return False
    within = f"{instance_ref(frame)}/"
    return next((stop.ref for stop in order if stop.ref.startswith(within)), "") == node.ref


def _innermost(instance: Instance, node: Node, say: Wording) -> str:
    """The instance a question stands in that may be removed: "Persona 2"."""
    frame = open_instance(instance, node.frame)
    assert frame is not None
    return instance_label(instance, frame, say)


def instance_label(instance: Instance, frame: Frame, say: Wording) -> str:
    """An instance of a repeat in its form's words: "Persona 2"."""
    place = frame.type.place
    assert place is not None
    assert frame.parent is not None
    group = instance.form.logic[place].group
    label = instance.group_label(group, frame).strip() if group is not None else ""
    total = len(frame.parent.repeats[place.slot])
    return _numbered(instance, label or place.name, place.path, (frame.index + 1, total), say)


def _notes(session: Session, instance: Instance, stop: Stop | None, nodes: Sequence[Node]) -> list[Line]:
    """The notes right before this question, or at the end: they are read with it, not one message each.

    What is read-only is a note too, with what it says.
    """
    notes: list[Node] = []
    asked = {other.ref for other in nodes}
    readonly = instance.form.readonly
    within = "" if stop is None else f"{stop.repeat}[" if isinstance(stop, RepeatStop) else stop.ref
    for other in instance.nodes():
        if stop is not None and other.ref == within:
            break
        question = other.question
        is_read = question.type == "note" or (
            other.place in readonly and question.is_asked and other.ref not in asked and other.is_readonly
        )
        if is_read:
            if other.is_relevant and _is_read_here(instance, other, stop):
                notes.append(other)
        elif other.ref in asked:
            if isinstance(stop, RepeatStop) and notes and not other.ref.startswith(within):
                break
            notes.clear()
    lines = []
    for note in notes:
        text = instance.label(note).strip()
        if note.value:
            text = f"{text}\n{shown(instance, note, session.language)}".strip()
        lines += [line(part) for part in text.split("\n") if part]
    return lines


def _is_read_here(instance: Instance, note: Node, stop: Stop | None) -> bool:
    """Notes of an instance are read in it or behind it, and nowhere else."""
    frame = open_instance(instance, note.frame) if note.frame.parent is not None else None
    if isinstance(stop, RepeatStop):
        return bool(stop.instances) and note.frame is stop.instances[-1]
    return frame is None or (stop is not None and stop.ref.startswith(f"{instance_ref(frame)}/"))


# ------------------------------------------------------------------ repeats
def _summaries(
    session: Session, instance: Instance, nodes: Sequence[Node], stop: RepeatStop, say: Wording
) -> list[str]:
    """Each instance in a line: its number, the form's own words for it, its first answers."""
    said: dict[int, list[str]] = {id(frame): [] for frame in stop.instances}
    for node in nodes:
        known = said.get(id(node.frame))
        if known is not None and len(known) < _SUMMED and node.value:
            known.append(shown(instance, node, session.language))
    general = instance.group_label(stop.group, stop.frame).strip()
    lines = []
    for number, frame in enumerate(stop.instances, 1):
        own = instance.group_label(stop.group, frame).strip()
        parts = ([own] if own != general else []) + said[id(frame)]
        lines.append(f"{number}. {' · '.join(parts) or say('form.no_answer')}")
    return lines


def _behind_repeat(
    session: Session,
    instance: Instance,
    nodes: Sequence[Node],
    order: Sequence[Stop],
    stop: RepeatStop,
    heading: tuple[Line, ...],
    warnings: tuple[Line, ...],
    say: Wording,
) -> Card:
    """After the last instance: another, edit one, remove one, or done."""
    label = stop_label(instance, stop).strip() or stop.group.name
    lines = list(heading)
    if where := _where(instance, stop, say):
        lines.append(line(italic(where)))
    lines += [line(""), *_notes(session, instance, stop, nodes), line(bold(label))]
    summaries = _summaries(session, instance, nodes, stop, say)
    lines += [line(_short(text, 100)) for text in summaries[-LISTED:]]
    count = len(summaries)
    lines.append(line(say("repeat.another") if count else say("repeat.first")))
    lines += warnings
    rows: list[tuple[Button, ...]] = []
    if count < MAX_REPEATS:
        rows.append((Button(_short(say("repeat.add", label=label)), "form:add", "primary"),))
    if count:
        rows.append((Button(say("repeat.edit"), "form:which:edit"), Button(say("repeat.remove"), "form:which:remove")))
    rows.append((Button(say("form.done", n=count) if count else say("form.line_done"), "form:done"),))
    ways = [Button(say("nav.back"), "form:back")] if _has_earlier(session, order, stop) else []
    return Card(tuple(lines), (*rows, (*ways, Button(say("nav.leave"), "form:leave"))))


def _choosing(
    session: Session,
    instance: Instance,
    nodes: Sequence[Node],
    stop: RepeatStop,
    act: str,
    heading: tuple[Line, ...],
    say: Wording,
) -> Card:
    summaries = _summaries(session, instance, nodes, stop, say)
    is_edit = act == "edit"
    action, which = ("change", say("repeat.which_edit")) if is_edit else ("remove", say("repeat.which_remove"))
    pages = max(1, -(-len(summaries) // LISTED))
    page = min(max(session.page, 0), pages - 1)
    numbers = range(page * LISTED, min((page + 1) * LISTED, len(summaries)))
    rows: list[tuple[Button, ...]] = [(Button(_short(summaries[n], 44), f"form:{action}:{n + 1}"),) for n in numbers]
    if pages > 1:
        rows.append(_turning(page, pages, say))
    rows.append((Button(say("nav.back"), "form:back"),))
    label = stop_label(instance, stop).strip() or stop.group.name
    return Card((*heading, line(bold(label)), line(which)), tuple(rows))


def _removing_lines(
    session: Session, instance: Instance, ref: str, lost: Sequence[str], say: Wording
) -> tuple[Line, ...]:
    node = instance.node(lost[0])
    frame: Frame | None = node.frame
    while frame is not None and frame.parent is not None and instance_ref(frame) != ref:
        frame = frame.parent
    assert frame is not None
    what = instance_label(instance, frame, say)
    return (line(say("repeat.would_remove", what=what)), *_lost(session, instance, lost, say), line(say("form.go_on")))


def _removing_rows(say: Wording) -> tuple[tuple[Button, ...], ...]:
    return ((Button(say("repeat.yes_remove"), "form:confirm", "danger"), Button(say("form.no_leave"), "form:cancel")),)


def _lost(session: Session, instance: Instance, lost: Sequence[str], say: Wording) -> list[Line]:
    lines = []
    for ref in lost[:_LOST_SHOWN]:
        node = instance.node(ref)
        text = _short(shown(instance, node, session.language), 200)
        lines.append(line(f"• {topic(instance.label(node))}: ", bold(text)))
    if len(lost) > _LOST_SHOWN:
        lines.append(line(say("repeat.and_more", n=len(lost) - _LOST_SHOWN)))
    return lines


def _instructions(
    form: Form, session: Session, instance: Instance, node: Node, run: Sequence[Node], kept: str, say: Wording
) -> list[Line]:
    """How to answer, where the buttons do not say it; and what the answer was before."""
    lines: list[Line] = []
    kind = node.question.type
    if len(run) > 1:
        labels = ", ".join(_thing_counted(instance.label(member)) for member in run)
        lines.append(line(say("form.several_numbers", n=len(run), labels=labels, example=_example(run))))
    elif kind in UPLOADS:
        lines.append(line(say(f"form.send_{kind}")))
    elif kind in LINES:
        lines += [line(f"{number}. {_point(point)}") for number, point in enumerate(points_of(session, node), 1)][-20:]
        lines.append(line(say("form.send_points", n=LEAST_POINTS[kind])))
    elif kind in ("time", "dateTime") and session.marks:
        chosen = [f"{mark}:…" if len(mark) < 3 else show_date(mark, session.language) for mark in session.marks]
        lines.append(line(bold(", ".join(chosen))))
    elif kind == "date" and calendar_of(node.question) == "no-calendar":
        lines.append(line(say("form.type_date")))
    elif kind == "rank":
        lines.append(line(say("form.choose_in_order")))
    elif kind == "select_multiple":
        lines.append(line(say("form.choose_several")))
        if len(instance.choices(node)) > TYPED_OVER:
            lines.append(line(say("form.type_to_search")))
    elif kind.startswith("select_one") and len(instance.choices(node)) > TYPED_OVER:
        lines.append(line(say("form.type_to_search")))
    is_told = node.question.name == profile(form.form_id).same_at
    is_silent = kind in ("select_multiple", "acknowledge", *LINES) or (is_told and node.ref not in session.seen)
    if kept and not is_silent:
        text = shown(instance, node, session.language, kept)
        if node.ref in session.seen and node.value:
            lines.append(line(say("form.current_answer"), " ", bold(text)))
        elif kept == session.previous.get(node.question.name):  # else it is the form's default: nobody's answer
            lines.append(line(say("form.previous_answer"), " ", bold(text)))
    return lines


def _answer_rows(
    form: Form,
    session: Session,
    instance: Instance,
    node: Node,
    run: Sequence[Node],
    kept: str,
    now: datetime,
    say: Wording,
) -> list[tuple[Button, ...]]:
    kind, known = node.question.type, profile(form.form_id)
    rows: list[tuple[Button, ...]] = []
    match kind:
        case "select_one" | "select_one_from_file":
            if node.question.name == known.same_at and session.previous.get(known.same_at):
                rows.append((Button(say("form.same"), "form:same", "primary"),))
            rows += _choice_rows(session, instance, node, say)
        case "select_multiple" | "rank":
            rows += _mark_rows(session, instance, node, say)
        case "acknowledge":
            rows.append((Button(say("form.acknowledge"), "form:pick:0", "primary"),))
        case "date":
            rows += _date_rows(session, instance, node, now, say)
        case "time" | "dateTime":
            rows += _moment_rows(session, instance, node, kept, now, say)
        case "range" if not _range_values(node):
            rows += _stepper(session, node, kept)
        case "integer" | "decimal" | "range":
            chips = known.chips.get(node.question.name) or _chips_of(node) or _range_chips(node)
            for start in range(0, len(chips), 5):
                rows.append(tuple(Button(chip, f"form:value:{chip}") for chip in chips[start : start + 5]))
            if len(run) > 1 and all(member.value for member in run):
                rows.append((Button(say("form.no_breakdown"), "form:rest"),))
            elif kept:
                rows.append(
                    (
                        Button(
                            _short(say("form.keep", answer=shown(instance, node, session.language, kept))), "form:keep"
                        ),
                    )
                )
        case "image" | "audio" | "video" | "file":
            if node.value:
                rows.append((Button(say("form.keep_file"), "form:keep"),))
        case _:
            if kept:
                text = shown(instance, node, session.language, kept)
                rows.append((Button(_short(say("form.keep", answer=text)), "form:keep"),))
    return rows


def _short(text: str, limit: int = BUTTON_LIMIT) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _choice_rows(session: Session, instance: Instance, node: Node, say: Wording) -> list[tuple[Button, ...]]:
    choices = instance.choices(node)
    current = node.value
    labels = [(f"✓ {choice.label}" if choice.value == current else choice.label) for choice in choices]
    taps = [f"form:pick:{position}" for position in range(len(choices))]
    return _paged(session, node, labels, taps, say)


def _mark_rows(session: Session, instance: Instance, node: Node, say: Wording) -> list[tuple[Button, ...]]:
    choices = instance.choices(node)
    marks = node.value.split() if session.marks is None else session.marks
    labels, taps = [], []
    for position, choice in enumerate(choices):
        is_on = choice.value in marks
        if node.question.type == "rank":
            mark = f"{list(marks).index(choice.value) + 1}. " if is_on else "▫️ "
        else:
            mark = "☑ " if is_on else "☐ "
        labels.append(mark + choice.label)
        taps.append(f"form:{'off' if is_on else 'on'}:{position}")
    rows = _paged(session, node, labels, taps, say)
    if marks and node.question.type == "rank":
        rows.append((Button(say("form.undo"), f"form:undo:{len(marks) - 1}"),))  # the last one tapped ends it
    elif marks:
        rows.append((Button(say("form.done", n=len(marks)), "form:done", "primary"),))
    return rows


def _paged(
    session: Session, node: Node, labels: Sequence[str], taps: Sequence[str], say: Wording
) -> list[tuple[Button, ...]]:
    """Buttons by page; short ones two in a row, as an appearance (`columns-n`, `likert`) says otherwise."""
    pages = max(1, -(-len(labels) // PAGE)) if len(labels) > PAGED_OVER else 1
    page = min(max(session.page, 0), pages - 1)
    first, last = (page * PAGE, (page + 1) * PAGE) if pages > 1 else (0, len(labels))
    width = _columns(node.question.appearances, labels[first:last])
    buttons = [
        Button(_short(text, LABEL_LIMIT), tap) for text, tap in zip(labels[first:last], taps[first:last], strict=True)
    ]
    rows = [tuple(buttons[i : i + width]) for i in range(0, len(buttons), width)]
    if pages > 1:
        rows.append(_turning(page, pages, say))
    return rows


def _turning(page: int, pages: int, say: Wording) -> tuple[Button, ...]:
    return (
        Button("◀", f"form:page:{(page - 1) % pages}"),
        Button(say("form.page", page=page + 1, pages=pages), f"form:page:{page}"),
        Button("▶", f"form:page:{(page + 1) % pages}"),
    )


def _columns(appearances: Sequence[str], labels: Sequence[str]) -> int:
    for appearance in appearances:
        if appearance == "likert":
            return min(len(labels), 8) or 1
        if appearance.startswith("columns-") and appearance[8:].isdigit():
            return min(max(int(appearance[8:]), 1), 8)
    return 2 if all(len(text) <= 16 for text in labels) else 1


def _chips_of(node: Node) -> tuple[str, ...]:
    """The author's own (`bind::enlace:chips`), as far as they are numbers and fit a row or two of buttons."""
    words = node.question.extras.get("chips", "").split()
    return tuple(word for word in words if re.fullmatch(r"-?\d{1,9}(\.\d{1,6})?", word, re.ASCII))[:20]


def _range_chips(node: Node) -> tuple[str, ...]:
    return tuple(_figure(value) for value in _range_values(node)) if node.question.type == "range" else ()


def _range_bounds(question: Question) -> tuple[Decimal, Decimal, Decimal] | None:
    """Start, end, step of a range; the step leads from one to the other. None if they are no numbers."""
    given = question.parameters
    try:
        start, end, by = (
            Decimal(given.get(key, default)) for key, default in (("start", "1"), ("end", "10"), ("step", "1"))
        )
    except InvalidOperation:
        return None
    if not (start.is_finite() and end.is_finite() and by.is_finite()) or by == 0:
        return None
    return start, end, abs(by) if end >= start else -abs(by)


def _range_values(node: Node) -> tuple[Decimal, ...]:
    """Every value of a range of at most 20 steps; () if there are more."""
    bounds = _range_bounds(node.question)
    if bounds is None:
        return ()
    start, end, by = bounds
    steps = int((end - start) / by)
    return tuple(start + by * step for step in range(steps + 1)) if steps <= STEPS_SHOWN else ()


def _figure(value: Decimal) -> str:
    written = f"{value:f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


def _stepper(session: Session, node: Node, kept: str) -> list[tuple[Button, ...]]:
    """− and + by one step and by ten: every button names the value it leads to, so a second tap changes nothing."""
    bounds = _range_bounds(node.question)
    if bounds is None:
        return []
    start, end, by = bounds
    low, high = min(start, end), max(start, end)
    try:
        at = Decimal(session.marks[0] if session.marks else kept or start)
    except InvalidOperation:
        at = start
    at = min(max(at, low), high) if at.is_finite() else start
    big = by * (10 if abs((end - start) / by) <= 200 else 100)
    row = []
    for change in (-big, -by, by, big):
        value = min(max(at + change, low), high)
        sign = "−" if change * by < 0 else "+"
        row.append(Button(f"{sign}{_figure(abs(change))}", f"form:gather:{_figure(value)}"))
    return [tuple(row), (Button(f"✓ {_figure(at)}", f"form:value:{_figure(at)}", "primary"),)]


def _date_rows(
    session: Session, instance: Instance, node: Node, now: datetime, say: Wording
) -> list[tuple[Button, ...]]:
    today = now.astimezone(ZoneInfo(session.timezone)).date()
    match calendar_of(node.question):
        case "year":
            return _years(session, instance, node, today)
        case "month-year":
            return _months(session, instance, node, today, say)
        case "no-calendar":
            return _quick_days(instance, node, today, say)
        case _:
            return _calendar(session, instance, node, now, say)


def _years(session: Session, instance: Instance, node: Node, today: date) -> list[tuple[Button, ...]]:
    """Sixteen years, most of them past; those the form does not accept are dots."""
    year = min(max(_calendar_month(session, node, today).year, _YEARS), 9999 - 2)
    buttons = []
    for each in range(year + 3 - _YEARS, year + 3):
        is_open = instance.check(node, f"{each:04d}-01-01") is None
        tap = f"form:day:{each:04d}-01-01" if is_open else f"form:month:{year:04d}-01"
        buttons.append((str(each) if is_open else "·", tap))
    back, ahead = max(year - _YEARS, _YEARS), min(year + _YEARS, 9999 - 2)
    turning = (Button("◀", f"form:month:{back:04d}-01"), Button("▶", f"form:month:{ahead:04d}-01"))
    return [*_grid(buttons, 4), turning]


def _months(session: Session, instance: Instance, node: Node, today: date, say: Wording) -> list[tuple[Button, ...]]:
    """The months of a year."""
    year = _calendar_month(session, node, today).year
    back, ahead = max(year - 1, 1), min(year + 1, 9999)
    rows: list[tuple[Button, ...]] = [
        (
            Button("◀", f"form:month:{back:04d}-01"),
            Button(str(year), f"form:month:{year:04d}-01"),
            Button("▶", f"form:month:{ahead:04d}-01"),
        )
    ]
    buttons = []
    for number, name in enumerate(say("months.short").split("|"), 1):
        day = f"{year:04d}-{number:02d}-01"
        is_open = instance.check(node, day) is None
        buttons.append((name, f"form:day:{day}") if is_open else ("·", f"form:month:{year:04d}-01"))
    return rows + _grid(buttons, 4)


def _quick_days(instance: Instance, node: Node, today: date, say: Wording) -> list[tuple[Button, ...]]:
    quick = [(say("date.today"), today), (say("date.yesterday"), today - timedelta(days=1))]
    chips = [Button(t, f"form:day:{d.isoformat()}") for t, d in quick if _takes_day(instance, node, d)]
    return [tuple(chips)] if chips else []


def _moment_rows(
    session: Session, instance: Instance, node: Node, kept: str, now: datetime, say: Wording
) -> list[tuple[Button, ...]]:
    """A day (of a dateTime), then an hour, then the minute: three cards at most, and each can be typed."""
    gathered = session.marks or ()
    is_time = node.question.type == "time"
    here = now.astimezone(ZoneInfo(session.timezone))
    rows: list[tuple[Button, ...]] = []
    if not gathered:
        moment = f"{here:%H:%M}" if is_time else f"{here:%Y-%m-%dT%H:%M}"
        if instance.check(node, moment) is None:
            rows.append((Button(say("date.now"), f"form:value:{moment}"),))
        if kept:
            text = shown(instance, node, session.language, kept)
            rows.append((Button(_short(say("form.keep", answer=text)), "form:keep"),))
    if not gathered and not is_time:
        if calendar_of(node.question) == "no-calendar":
            return rows + _quick_days(instance, node, here.date(), say)
        return rows + _calendar(session, instance, node, now, say)
    day = "" if is_time else f"{gathered[0]}T"
    if len(gathered) == (0 if is_time else 1):
        hours = []
        for hour in range(24):
            is_open = any(instance.check(node, f"{day}{hour:02d}:{minute}") is None for minute in ("00", "30", "55"))
            hours.append((f"{hour:02d}", f"form:gather:{hour:02d}") if is_open else ("·", "form:page:0"))
        return rows + _grid(hours, 6)
    chosen = gathered[-1]
    minutes = []
    for minute in range(0, 60, 5):
        if instance.check(node, f"{day}{chosen}:{minute:02d}") is None:
            minutes.append((f"{chosen}:{minute:02d}", f"form:minute:{minute:02d}"))
        else:
            minutes.append(("·", f"form:gather:{chosen}"))
    return rows + _grid(minutes, 4)


def _grid(buttons: Sequence[tuple[str, str]], width: int) -> list[tuple[Button, ...]]:
    made = [Button(text, tap) for text, tap in buttons]
    return [tuple(made[i : i + width]) for i in range(0, len(made), width)]


def _takes_day(instance: Instance, node: Node, day: date) -> bool:
    """Whether some time of this day is acceptable, as far as its beginning, noon and end tell."""
    if node.question.type == "date":
        return instance.check(node, day.isoformat()) is None
    return any(instance.check(node, f"{day}T{at}") is None for at in ("00:00", "12:00", "23:55"))


def _point(point: str) -> str:
    latitude, longitude, *_ = point.split()
    return f"{latitude}, {longitude}"


def _calendar(
    session: Session, instance: Instance, node: Node, now: datetime, say: Wording
) -> list[tuple[Button, ...]]:
    """A month of days; days the form would not accept are dots, so that nobody is sent into a refusal."""
    today = now.astimezone(ZoneInfo(session.timezone)).date()
    shown_on = _calendar_month(session, node, today)
    rows: list[tuple[Button, ...]] = []
    quick = [
        (say("date.today"), today),
        (say("date.yesterday"), today - timedelta(days=1)),
        (say("date.in_a_month"), _months_later(today, 1)),
        (say("date.in_three_months"), _months_later(today, 3)),
    ]
    chips = [Button(t, f"form:day:{d.isoformat()}") for t, d in quick if _takes_day(instance, node, d)]
    if chips:
        rows.append(tuple(chips[:2]))
    rows.append(
        (
            Button("◀", f"form:month:{_months_later(shown_on, -1):%Y-%m}"),
            Button(
                f"{say('months.long').split('|')[shown_on.month - 1]} {shown_on.year}", f"form:month:{shown_on:%Y-%m}"
            ),
            Button("▶", f"form:month:{_months_later(shown_on, 1):%Y-%m}"),
        )
    )
    rows.append(tuple(Button(day, f"form:month:{shown_on:%Y-%m}") for day in say("weekdays.narrow").split("|")))
    for week in calendar.Calendar(firstweekday=0).monthdayscalendar(shown_on.year, shown_on.month):
        row = []
        for number in week:
            day = date(shown_on.year, shown_on.month, number) if number else None
            if day is None or not _takes_day(instance, node, day):
                row.append(Button("·" if day else " ", f"form:month:{shown_on:%Y-%m}"))
            else:
                row.append(Button(f"[{number}]" if day == today else str(number), f"form:day:{day.isoformat()}"))
        if any(button.tap.startswith("form:day:") for button in row):
            rows.append(tuple(row))  # a week without a day to choose would only be tapped in vain
    return rows


def _calendar_month(session: Session, node: Node, today: date) -> date:
    for text in (f"{session.month}-01", node.value[:10]):
        try:
            return date.fromisoformat(text).replace(day=1)
        except ValueError:
            continue
    return today.replace(day=1)


def _months_later(day: date, months: int) -> date:
    index = min(max(day.year * 12 + day.month - 1 + months, 12), 9999 * 12 + 11)  # years 1 to 9999, as `date` has them
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _navigation(
    session: Session, order: Sequence[Stop], node: Node, instance: Instance, say: Wording
) -> tuple[Button, ...]:
    buttons = []
    if _has_earlier(session, order, node) or (session.marks and node.question.type in ("time", "dateTime")):
        buttons.append(Button(say("nav.back"), "form:back"))
    choices_skip = node.question.type == "select_one" and any(c.value == "skip" for c in instance.choices(node))
    if not node.is_required and not choices_skip:
        buttons.append(Button(say("nav.skip"), "form:skip"))
    buttons.append(Button(say("nav.leave"), "form:leave"))
    return tuple(buttons)


def _has_earlier(session: Session, order: Sequence[Stop], stop: Stop) -> bool:
    """Whether there is something to go back to."""
    for other in order:
        if other is stop:
            return False
        if other.ref in session.seen:
            return True
    return False


def _review(
    form: Form,
    session: Session,
    instance: Instance,
    nodes: Sequence[Node],
    order: Sequence[Stop],
    sending: Node | None,
    heading: tuple[Line, ...],
    say: Wording,
) -> Card:
    """What will be sent, line by line; every answer can be changed in three taps."""
    lines = [*heading, line(italic(say("form.review")))]
    group = ""
    length = left_out = 0
    for stop in order:
        if stop.ref not in session.seen:
            continue
        if isinstance(stop, RepeatStop):
            label, text = stop_label(instance, stop).strip() or stop.group.name, str(len(stop.instances))
            where = group = ""
        elif stop.value and not is_sending(stop.question):
            label, where = topic(instance.label(stop)), _where(instance, stop, say)
            text = _short(shown(instance, stop, session.language), 200)
        else:
            continue
        length += len(label) + len(text) + 3
        if length > REVIEW_LIMIT:  # what to do with it stands below, and must not be cut off
            left_out += 1
            continue
        if where and where != group:
            lines.append(line(italic(where)))
            length += len(where)
        group = where
        lines.append(line(f"{label}: ", bold(text)))
    if left_out:
        lines.append(line(say("repeat.and_more", n=left_out)))
    if sending is not None:
        lines += _notes(session, instance, sending, nodes)
        lines.append(line(bold(instance.label(sending))))
        choices = instance.choices(sending)
        sends = tuple(
            (Button(choice.label, f"form:pick:{position}", "success" if choice.value == "send" else ""),)
            for position, choice in enumerate(choices)
        )
    else:
        lines += _notes(session, instance, None, nodes)
        sends = (
            (Button(say("form.send"), "form:send", "success"),),
            (Button(say("form.keep_draft"), "form:leave"),),
        )
    rows = (sends[0], (Button(say("form.change"), "form:list"), Button(say("nav.back"), "form:back")), *sends[1:])
    return Card(tuple(lines), rows)


def topic(label: str) -> str:
    """A question as the head of a line: without its marks."""
    return _MARKS.sub("", label.replace("\n", " ")).strip().rstrip(":").strip()


def _example(run: Sequence[Node]) -> str:
    """As many numbers as are asked; where the total comes first, one that the others add up to."""
    parts = [(12, 8, 3, 4, 1)[i % 5] for i in range(len(run))]
    if "total" in run[0].question.name:
        parts = [sum(parts[:-1]), *parts[:-1]]
    return " ".join(map(str, parts))


def _thing_counted(label: str) -> str:
    """What a number question counts: "¿Cuántas mujeres? (18 o más)" → "mujeres"."""
    return _COUNTING.sub("", re.sub(r"\([^)]*\)", "", topic(label)).strip().lower()).strip()


def _listing_rows(
    session: Session, instance: Instance, order: Sequence[Stop], within: str, say: Wording
) -> tuple[tuple[Button, ...], ...]:
    known = [stop for stop in order if stop.ref in session.seen and stop.ref.startswith(f"{within}/")]
    known = [stop for stop in known if isinstance(stop, RepeatStop) or not is_sending(stop.question)]
    pages = -(-len(known) // LISTED)
    page = min(max(session.page, 0), max(pages - 1, 0))
    rows: list[tuple[Button, ...]] = []
    for stop in known[page * LISTED : (page + 1) * LISTED]:
        if isinstance(stop, RepeatStop):
            text = f"{stop_label(instance, stop).strip() or stop.group.name}: {len(stop.instances)}"
        else:
            text = f"{topic(instance.label(stop))}: {shown(instance, stop, session.language)}"
        if stop.frame.parent is not None and instance_ref(stop.frame) != within:
            text = f"{instance_label(instance, stop.frame, say)} · {text}"
        rows.append((Button(_short(text, 44), f"form:edit:{address(instance, stop)}"),))
    if pages > 1:
        rows.append(_turning(page, pages, say))
    if not within:
        return (*rows, (Button(say("nav.back"), "form:review"),))
    number = within.rpartition("[")[2].removesuffix("]")
    rows.append((Button(say("repeat.remove"), f"form:remove:{number}"),))
    return (*rows, (Button(say("nav.back"), "form:back"),))


def _confirming_lines(session: Session, instance: Instance, lost: Sequence[str], say: Wording) -> tuple[Line, ...]:
    return (line(say("form.would_drop")), *_lost(session, instance, lost, say), line(say("form.go_on")))


def _confirming_rows(say: Wording) -> tuple[tuple[Button, ...], ...]:
    return ((Button(say("form.yes_change"), "form:confirm", "danger"), Button(say("form.no_leave"), "form:cancel")),)


def answered_card(label: str, text: str) -> Card:
    """What is left of a card once its question has been answered by typing."""
    return Card((line("✓ ", f"{topic(label)}: ", bold(text)),))


__all__ = [
    "Button",
    "Card",
    "Line",
    "Medium",
    "Span",
    "answered_card",
    "bold",
    "instance_label",
    "italic",
    "line",
    "paragraph",
    "plain",
    "search_choices",
    "session_card",
]
