"""The cards behind a repeat: add an instance, choose one, see which answers would be lost."""

from collections.abc import Sequence

from conversations.card import BUTTON_LIMIT, Button, Card, Line, bold, cut, italic, line
from conversations.routes import form_tap
from conversations.session.cards.view import (
    LISTED,
    LISTED_LIMIT,
    View,
    groups_shown,
    has_earlier,
    instance_label,
    note_lines,
    on_page,
    repeat_label,
    topic,
)
from conversations.session.markup import spoken
from conversations.session.repeats import RepeatStop, instance_ref, instances_around
from conversations.xforms.evaluation.rules import MAX_REPEATS

_SUMMED = 2
"""So many answers tell people which instance it is: a name and one more."""
_LOST_SHOWN = 25


def repeat_card(view: View, stop: RepeatStop) -> Card:
    """Draw the card after the last instance: add another, edit one, remove one, or go on."""
    label = repeat_label(view, stop)
    lines = list(view.heading)
    if where := groups_shown(view, stop):
        lines.append(line(italic(where)))
    lines += [line(""), *note_lines(view, stop), line(bold(label))]
    summaries = _summaries(view, stop)
    lines += [line(cut(text, 100)) for text in summaries[-LISTED:]]
    count = len(summaries)
    lines.append(line(view.say("repeat.another") if count else view.say("repeat.first")))
    lines += view.warnings
    rows: list[tuple[Button, ...]] = []
    if count < MAX_REPEATS:
        rows.append((Button(cut(view.say("repeat.add", label=label), BUTTON_LIMIT), form_tap("add"), "primary"),))
    if count:
        rows.append(
            (
                Button(view.say("repeat.edit"), form_tap("which", "edit")),
                Button(view.say("repeat.remove"), form_tap("which", "remove")),
            )
        )
    rows.append((Button(view.say("form.done", n=count) if count else view.say("form.line_done"), form_tap("done")),))
    ways = [Button(view.say("nav.back"), form_tap("back"))] if has_earlier(view, stop) else []
    return Card(tuple(lines), (*rows, (*ways, Button(view.say("nav.leave"), form_tap("leave")))))


def choosing_card(view: View, stop: RepeatStop, act: str) -> Card:
    """Ask which instance to edit or to remove."""
    summaries = _summaries(view, stop)
    is_edit = act == "edit"
    which = view.say("repeat.which_edit") if is_edit else view.say("repeat.which_remove")
    page, turning = on_page(view, len(summaries), LISTED)
    rows = (
        (Button(cut(summaries[n], LISTED_LIMIT), form_tap("change" if is_edit else "remove", n + 1)),) for n in page
    )
    lines = (*view.heading, *view.warnings, line(bold(repeat_label(view, stop))), line(which))
    return Card(lines, (*rows, *turning, (Button(view.say("nav.back"), form_tap("back")),)))


def _summaries(view: View, stop: RepeatStop) -> list[str]:
    """Each instance in a line: its number, its own label, its first answers."""
    said: dict[int, list[str]] = {id(frame): [] for frame in stop.instances}
    for ref in view.questions:
        node = view.instance.node(ref)
        known = said.get(id(node.frame))
        if known is not None and len(known) < _SUMMED and node.value:
            known.append(view.shown(node))
    general = spoken(view.instance.group_label(stop.group, stop.frame)).strip()
    lines = []
    for number, frame in enumerate(stop.instances, 1):
        own = spoken(view.instance.group_label(stop.group, frame)).strip()
        parts = ([own] if own != general else []) + said[id(frame)]
        lines.append(f"{number}. {' · '.join(parts) or view.say('form.no_answer')}")
    return lines


def removing_card(view: View, ref: str, lost: Sequence[str]) -> Card:
    """Show the answers that an instance has, before it is removed."""
    around = instances_around(view.instance.node(lost[0]).frame)
    what = instance_label(view.instance, next(each for each, _ in around if instance_ref(each) == ref), view.say)
    return _sure_card(view, view.say("repeat.would_remove", what=what), lost, view.say("repeat.yes_remove"))


def confirming_card(view: View, lost: Sequence[str]) -> Card:
    """Show the answers that would be lost with a new answer, before it is taken."""
    return _sure_card(view, view.say("form.would_drop"), lost, view.say("form.yes_change"))


def _sure_card(view: View, question: str, lost: Sequence[str], yes: str) -> Card:
    lines = (line(question), *_lost(view, lost), line(view.say("form.go_on")))
    row = (Button(yes, form_tap("confirm"), "danger"), Button(view.say("form.no_leave"), form_tap("cancel")))
    return Card((*view.heading, *view.warnings, *lines), (row,))


def _lost(view: View, lost: Sequence[str]) -> list[Line]:
    lines = []
    for ref in lost[:_LOST_SHOWN]:
        node = view.instance.node(ref)
        text = cut(view.shown(node), 200)
        lines.append(line(f"• {topic(view.instance.label(node))}{view.say.colon}", bold(text)))
    if len(lost) > _LOST_SHOWN:
        lines.append(line(view.say("repeat.and_more", n=len(lost) - _LOST_SHOWN)))
    return lines
