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
from typing import Any, Literal
from zoneinfo import ZoneInfo

from conversations.engine import (
    UPLOADS,
    answered,
    batch,
    is_sending,
    sequence,
    show_date,
    shown,
    suggestion,
)
from conversations.form import Form
from conversations.instance import Instance, Node
from conversations.reading import search_choices
from conversations.reports import profile
from conversations.session import Confirming, Listing, Reading, Session
from conversations.wording import Wording, wording

Style = Literal["plain", "bold", "italic", "code"]
Tone = Literal["", "primary", "success", "danger"]

PAGED_OVER = 8
PAGE = 8
TYPED_OVER = 20
_MARKS = re.compile(r"[¿?]|\((?:opcional|optional|opsyonèl)[^)]*\)")
_COUNTING = re.compile(r"^(?:cuánt[ao]s|how many|konbyen)\s+")

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
class Card:
    lines: tuple[Line, ...]
    rows: tuple[tuple[Button, ...], ...] = ()
    asks_place: str = ""
    """The text of a button that shares the phone's location; such a card has a reply keyboard of words."""
    words: tuple[str, ...] = ()


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
        case Listing():
            return Card((*heading, line(say("form.which_to_change"))), _listing_rows(session, instance, nodes, say))
        case _:
            pass
    if current is None or is_sending(current.question):
        return _review(form, session, instance, nodes, current, heading + warnings, say)
    return _question(form, session, instance, nodes, current, heading, warnings, now, say)


def _heading(form: Form, session: Session, say: Wording) -> tuple[Line, ...]:
    about = session.about
    if not about.get("code"):
        return (line(bold(str(form_title(form, about, session.language)))),)
    name = about.get("name", {})
    title = name.get(session.language) or name.get("es", "")
    lock = "🔒 " if session.restricted else ""
    return (line(bold(f"{lock}{about['code']}"), f" · {title}"),)


def form_title(form: Form, about: Mapping[str, Any], language: str) -> str:
    """The form's name in the reader's language, where the bot knows one; XLSForm has titles in one language only."""
    title = str(about.get("title", {}).get(language, ""))
    return form.title if not title or title.startswith("form_title.") else title


def _label(instance: Instance, node: Node) -> tuple[Line, ...]:
    return tuple(line(bold(text)) for text in instance.label(node).strip().split("\n"))


def _progress(session: Session, nodes: Sequence[Node], current: Node) -> str:
    asked = [node for node in nodes if not is_sending(node.question)]
    position = next((i for i, node in enumerate(asked) if node.ref == current.ref), len(asked))
    return f"{position + 1}/{len(asked)}" if len(asked) > 1 else ""


def _question(
    form: Form,
    session: Session,
    instance: Instance,
    nodes: Sequence[Node],
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
    progress_shown = _progress(session, nodes, node)
    group = instance.group_label(node)
    if small := " · ".join(part for part in (progress_shown, group) if part):
        lines.append(line(italic(small)))
    lines.append(line(""))
    lines += _notes(instance, node, nodes)
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
    if question.type == "geopoint":
        words = [say("nav.back")] + ([] if node.is_required else [say("nav.skip")]) + [say("nav.leave")]
        return Card(tuple(lines), asks_place=say("form.share_place"), words=tuple(words))
    rows = _answer_rows(form, session, instance, node, run, kept, now, say)
    return Card(tuple(lines), (*rows, _navigation(session, nodes, node, instance, say)))


def _notes(instance: Instance, node: Node, nodes: Sequence[Node]) -> list[Line]:
    """The notes right before this question: they are read with it, not one message each."""
    notes: list[Node] = []
    asked = {other.ref for other in nodes}
    for other in instance.nodes():
        if other.ref == node.ref:
            break
        if other.question.type == "note" and other.is_relevant:
            notes.append(other)
        elif other.ref in asked:
            notes.clear()
    return [line(text) for note in notes for text in instance.label(note).strip().split("\n") if text]


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
    elif kind == "select_multiple":
        lines.append(line(say("form.choose_several")))
    elif kind.startswith("select_one") and len(instance.choices(node)) > TYPED_OVER:
        lines.append(line(say("form.type_to_search")))
    is_told = node.question.name == profile(form.form_id).same_at
    if kept and kind not in ("select_multiple", "acknowledge") and not (is_told and node.ref not in session.seen):
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
            rows += _calendar(session, instance, node, now, say)
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
    if marks:
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
    if node.question.type != "range":
        return ()
    given = node.question.parameters
    try:
        start, end, by = (
            int(given.get(key, default)) for key, default in (("start", "1"), ("end", "10"), ("step", "1"))
        )
    except ValueError:
        return ()
    values = range(start, end + 1, by) if by > 0 else range(0)
    return tuple(str(value) for value in values) if 0 < len(values) <= 21 else ()


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
    chips = [Button(t, f"form:day:{d.isoformat()}") for t, d in quick if instance.check(node, d.isoformat()) is None]
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
            if day is None or instance.check(node, day.isoformat()) is not None:
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
    session: Session, nodes: Sequence[Node], node: Node, instance: Instance, say: Wording
) -> tuple[Button, ...]:
    buttons = []
    if any(other.ref in session.seen for other in _before(nodes, node)):
        buttons.append(Button(say("nav.back"), "form:back"))
    choices_skip = node.question.type == "select_one" and any(c.value == "skip" for c in instance.choices(node))
    if not node.is_required and not choices_skip:
        buttons.append(Button(say("nav.skip"), "form:skip"))
    buttons.append(Button(say("nav.leave"), "form:leave"))
    return tuple(buttons)


def _before(nodes: Sequence[Node], node: Node) -> Sequence[Node]:
    position = next((i for i, other in enumerate(nodes) if other.ref == node.ref), 0)
    return nodes[:position]


def _review(
    form: Form,
    session: Session,
    instance: Instance,
    nodes: Sequence[Node],
    sending: Node | None,
    heading: tuple[Line, ...],
    say: Wording,
) -> Card:
    """What will be sent, line by line; every answer can be changed in three taps."""
    lines = [*heading, line(italic(say("form.review")))]
    group = ""
    for node in answered(session, nodes):
        if not node.value:
            continue
        label = instance.group_label(node)
        if label and label != group:
            lines.append(line(italic(label)))
        group = label
        text = shown(instance, node, session.language)
        lines.append(line(f"{topic(instance.label(node))}: ", bold(text if len(text) <= 200 else text[:199] + "…")))
    if sending is not None:
        lines += list(_notes(instance, sending, nodes))
        lines.append(line(bold(instance.label(sending))))
        choices = instance.choices(sending)
        sends = tuple(
            (Button(choice.label, f"form:pick:{position}", "success" if choice.value == "send" else ""),)
            for position, choice in enumerate(choices)
        )
    else:
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
    session: Session, instance: Instance, nodes: Sequence[Node], say: Wording
) -> tuple[tuple[Button, ...], ...]:
    known = tuple(answered(session, nodes))
    pages = -(-len(known) // LISTED)
    page = min(max(session.page, 0), max(pages - 1, 0))
    rows: list[tuple[Button, ...]] = []
    for node in known[page * LISTED : (page + 1) * LISTED]:
        text = f"{topic(instance.label(node))}: {shown(instance, node, session.language)}"
        rows.append((Button(_short(text, 44), f"form:edit:{node.question.number}"),))
    if pages > 1:
        rows.append(_turning(page, pages, say))
    return (*rows, (Button(say("nav.back"), "form:review"),))


def _confirming_lines(session: Session, instance: Instance, lost: Sequence[str], say: Wording) -> tuple[Line, ...]:
    lines = [line(say("form.would_drop"))]
    for ref in lost:
        node = instance.node(ref)
        lines.append(line(f"• {topic(instance.label(node))}: ", bold(shown(instance, node, session.language))))
    return (*lines, line(say("form.go_on")))


def _confirming_rows(say: Wording) -> tuple[tuple[Button, ...], ...]:
    return ((Button(say("form.yes_change"), "form:confirm", "danger"), Button(say("form.no_leave"), "form:cancel")),)


def answered_card(label: str, text: str) -> Card:
    """What is left of a card once its question has been answered by typing."""
    return Card((line("✓ ", f"{topic(label)}: ", bold(text)),))


__all__ = [
    "Button",
    "Card",
    "Line",
    "Span",
    "answered_card",
    "bold",
    "italic",
    "line",
    "paragraph",
    "plain",
    "search_choices",
    "session_card",
]
