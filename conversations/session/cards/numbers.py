"""The buttons of numbers: single numbers, the values of a range, a stepper. And the button that keeps an answer."""

import re
from decimal import Decimal, InvalidOperation

from conversations.card import BUTTON_LIMIT, Button, cut
from conversations.routes import form_tap
from conversations.session.cards.view import View
from conversations.session.profiles import profile
from conversations.xforms.evaluation.texts import Node
from conversations.xforms.form import Question

STEPS_SHOWN = 20
"""Up to so many steps, each value of a range has its own button."""


def keep_rows(view: View, node: Node, kept: str) -> list[tuple[Button, ...]]:
    """The button that keeps an answer as it is."""
    if not kept:
        return []
    return [(Button(cut(view.say("form.keep", answer=view.shown(node, kept)), BUTTON_LIMIT), form_tap("keep")),)]


def chip_rows(view: View, node: Node) -> list[tuple[Button, ...]]:
    """Numbers to tap: the bot's for this form, the author's, or each value of a short range."""
    chips = profile(view.form.form_id).chips.get(node.question.name) or _chips_of(node) or _range_chips(node)
    buttons = [Button(chip, form_tap("value", chip)) for chip in chips]
    return [tuple(buttons[start : start + 5]) for start in range(0, len(buttons), 5)]


def _chips_of(node: Node) -> tuple[str, ...]:
    """The author's own numbers (`bind::enlace:chips`). What is no number is left out."""
    words = node.question.extras.get("chips", "").split()
    return tuple(word for word in words if re.fullmatch(r"-?\d{1,9}(\.\d{1,6})?", word, re.ASCII))[:20]


def _range_chips(node: Node) -> tuple[str, ...]:
    return tuple(_figure(value) for value in range_values(node)) if node.question.type == "range" else ()


def _range_bounds(question: Question) -> tuple[Decimal, Decimal, Decimal] | None:
    """Return start, end and step of a range. The step has the sign that leads to the end.

    None if they are no numbers.
    """
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


def range_values(node: Node) -> tuple[Decimal, ...]:
    """Every value of a range that has at most 20 steps; () if it has more."""
    bounds = _range_bounds(node.question)
    if bounds is None:
        return ()
    start, end, by = bounds
    steps = int((end - start) / by)
    return tuple(start + by * step for step in range(steps + 1)) if steps <= STEPS_SHOWN else ()


def _figure(value: Decimal) -> str:
    written = f"{value:f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


def stepper_rows(view: View, node: Node, kept: str) -> list[tuple[Button, ...]]:
    """− and + by one step and by ten.

    Every button carries the value that it leads to, so a second tap on it changes nothing.
    """
    bounds = _range_bounds(node.question)
    if bounds is None:
        return []
    start, end, by = bounds
    low, high = min(start, end), max(start, end)
    try:
        at = Decimal(view.session.marks[0] if view.session.marks else kept or start)
    except InvalidOperation:
        at = start
    at = min(max(at, low), high) if at.is_finite() else start
    big = by * (10 if abs((end - start) / by) <= 200 else 100)
    row = []
    for change in (-big, -by, by, big):
        value = min(max(at + change, low), high)
        sign = "−" if change * by < 0 else "+"
        row.append(Button(f"{sign}{_figure(abs(change))}", form_tap("gather", _figure(value))))
    return [tuple(row), (Button(f"✓ {_figure(at)}", form_tap("value", _figure(at)), "primary"),)]
