"""The card of one question."""

import re
from collections.abc import Sequence
from functools import cache, lru_cache

from conversations.card import BUTTON_LIMIT, Button, Card, Line, Medium, SharedRow, bold, cut, italic, line
from conversations.dates import show_date
from conversations.routes import form_tap
from conversations.session.cards.choices import choice_rows, mark_rows
from conversations.session.cards.days import date_rows, moment_rows
from conversations.session.cards.numbers import chip_rows, keep_rows, range_values, stepper_rows
from conversations.session.cards.view import (
    View,
    groups_shown,
    has_earlier,
    instance_label,
    label_lines,
    note_lines,
    thing_counted,
    topic,
    topic_of,
)
from conversations.session.markup import marked, spoken
from conversations.session.places import LEAST_POINTS
from conversations.session.profiles import profile
from conversations.session.questions import LINES, MOMENTS, UPLOADS, batch, deciding, points_of, sending, suggestion
from conversations.session.repeats import instance_ref, open_instance
from conversations.session.shown import calendar_of
from conversations.wording import Wording
from conversations.xforms.evaluation.state import path_of
from conversations.xforms.evaluation.texts import Node
from conversations.xforms.form import Form
from conversations.xforms.nodes import Place

TYPED_OVER = 20
_FIELDS_SHOWN = 8
_POINTS_SHOWN = 20


def question_card(view: View, node: Node) -> Card:
    """Draw the card of one question: its subject, its words, how to answer it, and its buttons."""
    kept = suggestion(view.session, node)
    run = batch(view.session, view.instance, view.questions, node)
    lines = (
        *_about(view, node),
        *_words(view, node),
        *_how_to_answer(view, node, run),
        *_known_answer(view, node, kept),
        *view.warnings,
    )
    if coming := view.session.coming:
        lines = (*lines, line(view.say("file.coming_many", n=coming) if coming > 1 else view.say("file.coming")))
    media = _media(view, node)
    if node.question.type == "geopoint" or node.question.type in LINES:
        return Card(lines, asks_place=view.say("form.share_place"), words=_place_words(view, node), media=media)
    rows = _answer_rows(view, node, run, kept)
    if view.form.frame.repeats and _is_first_of_instance(view, node):
        label = cut(view.say("repeat.remove_this", label=_innermost(view, node)), BUTTON_LIMIT)
        rows.append((Button(label, form_tap("remove")),))
    return Card(lines, (*rows, _navigation(view, node)), media=media)


def which_reading_card(view: View, node: Node, values: Sequence[str]) -> Card:
    """Ask which of these readings was meant."""
    is_integer = node.question.type == "integer"
    texts = [text if is_integer else view.shown(node, text) for text in values]
    rows = tuple((Button(text, form_tap("read", position)),) for position, text in enumerate(texts))
    lines = (*view.heading, *view.warnings, *label_lines(view, node), line(view.say("form.which_reading")))
    return Card(lines, (*rows, (Button(view.say("nav.back"), form_tap("back")),)))


def _about(view: View, node: Node) -> list[Line]:
    """Write the lines above a question: the activity, the last report's status, the progress."""
    session, say = view.session, view.say
    lines = list(view.heading)
    if node.question.name == profile(view.form.form_id).same_at:
        if previous := session.previous.get(node.question.name):
            progress = session.previous.get("progress_final") or session.previous.get("progress", "")
            status = f"{view.shown(node, previous)}{f', {say.percent(progress)}' if progress else ''}"
            lines.append(line(say("form.previously", previous=status)))
        if session.about.get("due_on"):
            lines.append(line(say("form.due", due=show_date(str(session.about["due_on"]), session.language))))
    if session.only and node.ref not in session.only:
        lines.append(line(italic(say("review.also"))))
    if small := " · ".join(filter(None, (_progress(view, node), groups_shown(view, node)))):
        lines.append(line(italic(small)))
    return [*lines, line()]


def _words(view: View, node: Node) -> list[Line]:
    """Write the form's own words: answers of the same screen, notes, the question, its hints."""
    group = node.question.group
    lines = _field_list(view, node) if group is not None and group.is_field_list else []
    lines += note_lines(view, node)
    fixed = _fixed_words(view.form, node.place, view.instance.language)
    if fixed is not None:
        return [*lines, *fixed]
    return [*lines, *_own_words(view.instance.label(node), view.instance.hint(node), view.instance.guidance(node))]


def _own_words(label: str, *hints: str) -> tuple[Line, ...]:
    said = (part for hint in hints if (text := hint.strip()) for part in marked(text, "italic"))
    return (*marked(label.strip(), "bold"), *said)


@lru_cache(maxsize=1024)
def _fixed_words(form: Form, place: Place, language: str) -> tuple[Line, ...] | None:
    """The words of a question whose texts have no outputs: every session shows the same. None otherwise."""
    logic = form.logic[place]
    label, hint, guidance = (text.fixed(language) for text in (logic.label, logic.hint, logic.guidance))
    if label is None or hint is None or guidance is None:
        return None
    return _own_words(label, hint, guidance)


def _progress(view: View, current: Node) -> str:
    """Return the position of this question: "3/12".

    While this answer or a later one decides how many there are, it is "Pregunta 3": a total that was said stays.
    """
    refs, form, ref = view.questions, view.form, current.ref
    last = len(refs) - bool(refs and path_of(refs[-1]) in sending(form))
    position = refs.index(ref) if ref in refs else last
    if decides := deciding(form):
        ahead = view.stops[view.stops.index(ref) :] if ref in view.stops else view.stops
        if not decides.isdisjoint(map(path_of, ahead) if form.frame.repeats else ahead):
            return view.say("form.position", n=position + 1)
    return f"{position + 1}/{last}" if last > 1 else ""


@lru_cache(maxsize=256)
def _has_media(form: Form) -> bool:
    """Whether any text of the form has a file. Most forms have none, so their choices are not searched."""
    forms = (each for texts in form.itext.values() for text in texts.values() for each in text.values())
    return any(isinstance(each, str) for each in forms)


def _media(view: View, node: Node) -> tuple[Medium, ...]:
    """The files of the label, then those of the choices."""
    if not _has_media(view.instance.form):
        return ()
    files = [Medium(name) for name in view.instance.media(node).values()]
    if node.question.type in ("select_one", "select_multiple", "rank"):
        for choice in view.instance.choices(node):
            files += [Medium(name, spoken(choice.label)) for name in choice.media.values()]
    return tuple(files)


def _field_list(view: View, node: Node) -> list[Line]:
    """The answers of the same screen of a phone's form. They are read together, so they are shown together."""
    lines: list[Line] = []
    for ref in view.questions:
        if ref == node.ref:
            break
        if ref not in view.session.seen:
            continue
        other = view.instance.node(ref)
        if other.question.group is node.question.group and other.frame is node.frame:
            answer = view.shown(other)
            lines.append(line(cut(f"✓ {topic_of(view.instance, other)}{view.say.colon}{answer}", 100)))
    return lines[-_FIELDS_SHOWN:]


def _is_first_of_instance(view: View, node: Node) -> bool:
    """Whether this is the first question of an instance that may be removed."""
    frame = open_instance(view.instance, node.frame)
    if frame is None:
        return False
    within = f"{instance_ref(frame)}/"
    return next((ref for ref in view.stops if ref.startswith(within)), "") == node.ref


def _innermost(view: View, node: Node) -> str:
    """Name the innermost removable instance around a question: "Persona 2"."""
    frame = open_instance(view.instance, node.frame)
    assert frame is not None
    return instance_label(view.instance, frame, view.say)


def _how_to_answer(view: View, node: Node, run: Sequence[Node]) -> list[Line]:
    """Say how to answer, if the buttons do not say it."""
    say, kind = view.say, node.question.type
    if len(run) > 1:
        labels = ", ".join(_thing_counted(view.instance.label(member)) for member in run)
        return [line(say("form.several_numbers", n=len(run), labels=labels, example=_example(run)))]
    if kind in UPLOADS:
        return [line(say(f"form.send_{kind}"))]
    if kind in LINES:
        points = [line(f"{number}. {_point(point)}") for number, point in enumerate(points_of(view.session, node), 1)]
        return [*points[-_POINTS_SHOWN:], line(say("form.send_points", n=LEAST_POINTS[kind]))]
    if kind in MOMENTS and view.session.marks:
        language = view.session.language
        chosen = [f"{mark}:…" if len(mark) < 3 else show_date(mark, language) for mark in view.session.marks]
        return [line(bold(", ".join(chosen)))]
    if kind == "date" and calendar_of(node.question) == "no-calendar":
        return [line(say("form.type_date"))]
    if kind == "rank":
        return [line(say("form.choose_in_order"))]
    lines = [line(say("form.choose_several"))] if kind == "select_multiple" else []
    is_long = kind.startswith(("select_one", "select_multiple")) and len(view.instance.choices(node)) > TYPED_OVER
    return [*lines, line(say("form.type_to_search"))] if is_long else lines


def _known_answer(view: View, node: Node, kept: str) -> list[Line]:
    """The present answer, or the previous report's. Nothing if the card already shows it."""
    if not kept:
        return []
    kind = node.question.type
    is_told = node.question.name == profile(view.form.form_id).same_at
    is_silent = kind in ("select_multiple", "acknowledge", *LINES) or (is_told and node.ref not in view.session.seen)
    if is_silent:
        return []
    if node.ref in view.session.seen and node.value:
        return [line(f"{view.say('form.current_answer')} ", bold(view.shown(node, kept)))]
    if kept == view.session.previous.get(node.question.name):
        return [line(f"{view.say('form.previous_answer')} ", bold(view.shown(node, kept)))]
    return []  # the form's default: nobody's answer


def _thing_counted(label: str) -> str:
    """Return, in short, the thing that a number question counts: "¿Cuántas mujeres? (18 o más)" → "mujeres"."""
    return " ".join(re.sub(r"\([^)]*\)", "", thing_counted(label) or topic(label)).lower().split())


def _example(run: Sequence[Node]) -> str:
    """Return an example with as many numbers as are asked. If the total comes first, the others add up to it."""
    parts = [(12, 8, 3, 4, 1)[i % 5] for i in range(len(run))]
    if "total" in run[0].question.name:
        parts = [sum(parts[:-1]), *parts[:-1]]
    return " ".join(map(str, parts))


def _point(point: str) -> str:
    latitude, longitude, *_ = point.split()
    return f"{latitude}, {longitude}"


def _place_words(view: View, node: Node) -> tuple[str, ...]:
    """Return the words on the keyboard that shares a place. Such a keyboard has no buttons with taps."""
    say, kind = view.say, node.question.type
    words = [say("nav.back"), *([] if node.is_required else [say("nav.skip")]), say("nav.leave")]
    if kind in LINES and (points := points_of(view.session, node)):
        enough = [say("form.line_done")] if len(points) >= LEAST_POINTS[kind] else []
        words = [*enough, say("form.line_undo"), *words]
    return tuple(words)


def _answer_rows(view: View, node: Node, run: Sequence[Node], kept: str) -> list[tuple[Button, ...]]:
    say = view.say
    match node.question.type:
        case "select_one" | "select_one_from_file":
            same_at = profile(view.form.form_id).same_at
            is_same = node.question.name == same_at and view.session.previous.get(same_at)
            same = [(Button(say("form.same"), form_tap("same"), "primary"),)] if is_same else []
            return [*same, *choice_rows(view, node)]
        case "select_multiple" | "rank":
            return mark_rows(view, node)
        case "acknowledge":
            return [(Button(say("form.acknowledge"), form_tap("pick", 0), "primary"),)]
        case "date":
            return date_rows(view, node)
        case "time" | "dateTime":
            return moment_rows(view, node, kept)
        case "range" if not range_values(node):
            return stepper_rows(view, node, kept)
        case "integer" | "decimal" | "range":
            if len(run) > 1 and all(member.value for member in run):
                return [*chip_rows(view, node), (Button(say("form.no_breakdown"), form_tap("rest")),)]
            return [*chip_rows(view, node), *keep_rows(view, node, kept)]
        case "image" | "audio" | "video" | "file":
            return [(Button(say("form.keep_file"), form_tap("keep")),)] if node.value else []
        case _:
            return keep_rows(view, node, kept)


def _navigation(view: View, node: Node) -> SharedRow:
    goes_back = has_earlier(view, node) or (view.session.marks and node.question.type in ("time", "dateTime"))
    skips = not node.is_required and not _has_choice_to_skip(view, node)
    return _ways(view.say, goes_back=bool(goes_back), skips=skips)


def _has_choice_to_skip(view: View, node: Node) -> bool:
    return node.question.type == "select_one" and any(c.value == "skip" for c in view.instance.choices(node))


@cache
def _ways(say: Wording, *, goes_back: bool, skips: bool) -> SharedRow:
    """The ways that lead from a question without answering it."""
    back = (Button(say("nav.back"), form_tap("back")),) if goes_back else ()
    skip = (Button(say("nav.skip"), form_tap("skip")),) if skips else ()
    return SharedRow((*back, *skip, Button(say("nav.leave"), form_tap("leave"))))
