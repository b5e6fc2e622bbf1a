"""The buttons of choices: by page, in columns, with marks."""

from collections.abc import Sequence
from functools import lru_cache

from conversations.card import LABEL_LIMIT, Button, SharedRow, cut
from conversations.routes import ButtonTap, form_tap
from conversations.session.cards.view import View, on_page
from conversations.session.markup import spoken
from conversations.xforms.evaluation.texts import Node
from conversations.xforms.form import FixedChoices

PAGE = 8


def choice_rows(view: View, node: Node) -> list[tuple[Button, ...]]:
    choices = view.instance.choices(node)
    current = node.value
    if not current and len(choices) <= PAGE and (fixed := view.instance.fixed_choices(node)) is not None:
        return [*_shared_rows(fixed, node.question.appearances)]
    labels = [f"{'✓ ' if choice.value == current else ''}{spoken(choice.label)}" for choice in choices]
    taps = [form_tap("pick", position) for position in range(len(choices))]
    return _paged(view, node, labels, taps)


@lru_cache(maxsize=256)
def _shared_rows(fixed: FixedChoices, appearances: Sequence[str]) -> tuple[SharedRow, ...]:
    """The buttons of choices that are the same for everybody, while none of them is chosen."""
    labels = [spoken(choice.label) for choice in fixed.choices]
    taps = [form_tap("pick", position) for position in range(len(labels))]
    return tuple(map(SharedRow, _in_columns(appearances, labels, taps)))


def mark_rows(view: View, node: Node) -> list[tuple[Button, ...]]:
    choices = view.instance.choices(node)
    marks = node.value.split() if view.session.marks is None else view.session.marks
    labels, taps = [], []
    for position, choice in enumerate(choices):
        is_on = choice.value in marks
        if node.question.type == "rank":
            mark = f"{list(marks).index(choice.value) + 1}. " if is_on else "▫️ "
        else:
            mark = "☑ " if is_on else "☐ "
        labels.append(mark + spoken(choice.label))
        taps.append(form_tap("off" if is_on else "on", position))
    rows = _paged(view, node, labels, taps)
    if marks and node.question.type == "rank":
        rows.append((Button(view.say("form.undo"), form_tap("undo", len(marks) - 1)),))  # the last one tapped ends it
    elif marks:
        rows.append((Button(view.say("form.done", n=len(marks)), form_tap("done"), "primary"),))
    return rows


def _paged(view: View, node: Node, labels: Sequence[str], taps: Sequence[ButtonTap]) -> list[tuple[Button, ...]]:
    """Put buttons on pages. Two short ones share a row, unless an appearance says otherwise (`columns-n`, `likert`)."""
    page, turning = on_page(view, len(labels), PAGE)
    shown = slice(page.start, page.stop)
    return [*_in_columns(node.question.appearances, labels[shown], taps[shown]), *turning]


def _in_columns(
    appearances: Sequence[str], labels: Sequence[str], taps: Sequence[ButtonTap]
) -> list[tuple[Button, ...]]:
    width = _columns(appearances, labels)
    buttons = [Button(cut(text, LABEL_LIMIT), each) for text, each in zip(labels, taps, strict=True)]
    return [tuple(buttons[i : i + width]) for i in range(0, len(buttons), width)]


def _columns(appearances: Sequence[str], labels: Sequence[str]) -> int:
    """The number of buttons in a row."""
    for appearance in appearances:
        if appearance == "likert":
            return min(len(labels), 8) or 1
        if appearance.startswith("columns-") and appearance[8:].isdigit():
            return min(max(int(appearance[8:]), 1), 8)
    return 2 if all(len(text) <= 16 for text in labels) else 1
