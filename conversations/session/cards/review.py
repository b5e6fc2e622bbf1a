"""The review: what will be sent. And the list from which an answer is chosen to be changed."""

from conversations.card import Button, Card, Line, bold, cut, italic, line
from conversations.routes import form_tap
from conversations.session.cards.view import (
    LISTED,
    LISTED_LIMIT,
    View,
    groups_shown,
    instance_label,
    note_lines,
    page_row,
    topic,
)
from conversations.session.markup import marked, spoken
from conversations.session.questions import is_sending, stop_label
from conversations.session.repeats import RepeatStop, Stop, address, instance_ref
from conversations.xforms.evaluation.texts import Node

REVIEW_LIMIT = 3_000
"""Characters of answers in a review. A message has room for 4 096 with everything else."""


def review_card(view: View, sending: Node | None) -> Card:
    """What will be sent, line by line. Every answer can be changed in three taps."""
    lines = [*view.heading, *view.warnings, line(italic(view.say("form.review"))), *_answer_lines(view)]
    lines += note_lines(view, sending)
    sends: tuple[tuple[Button, ...], ...]
    if sending is not None:
        lines += marked(view.instance.label(sending), "bold")
        sends = tuple(
            (Button(spoken(choice.label), form_tap("pick", position), "success" if choice.value == "send" else ""),)
            for position, choice in enumerate(view.instance.choices(sending))
        )
    else:
        sends = (
            (Button(view.say("form.send"), form_tap("send"), "success"),),
            (Button(view.say("form.keep_draft"), form_tap("leave")),),
        )
    change = (Button(view.say("form.change"), form_tap("list")), Button(view.say("nav.back"), form_tap("back")))
    return Card(tuple(lines), (sends[0], change, *sends[1:]))


def _answer_lines(view: View) -> list[Line]:
    """Each answer in a line, under its group. The limit leaves room for what stands below."""
    lines: list[Line] = []
    group = ""
    length = left_out = 0
    for stop in view.order:
        if stop.ref not in view.session.seen:
            continue
        if isinstance(stop, RepeatStop):
            label, text = spoken(stop_label(view.instance, stop)).strip() or stop.group.name, str(len(stop.instances))
            where = group = ""
        elif stop.value and not is_sending(stop.question):
            label, where = topic(view.instance.label(stop)), groups_shown(view, stop)
            text = cut(view.shown(stop), 200)
        else:
            continue
        length += len(label) + len(text) + 3
        if length > REVIEW_LIMIT:
            left_out += 1
            continue
        if where and where != group:
            lines.append(line(italic(where)))
            length += len(where)
        group = where
        lines.append(line(f"{label}: ", bold(text)))
    return [*lines, line(view.say("repeat.and_more", n=left_out))] if left_out else lines


def listing_card(view: View, within: str) -> Card:
    """The answers to choose from: all, or those of the repeat instance `within`."""
    known = [stop for stop in view.order if stop.ref in view.session.seen and stop.ref.startswith(f"{within}/")]
    known = [stop for stop in known if isinstance(stop, RepeatStop) or not is_sending(stop.question)]
    pages = -(-len(known) // LISTED)
    page = min(max(view.session.page, 0), max(pages - 1, 0))
    rows: list[tuple[Button, ...]] = [
        (Button(cut(_listed(view, stop, within), LISTED_LIMIT), form_tap("edit", address(view.instance, stop))),)
        for stop in known[page * LISTED : (page + 1) * LISTED]
    ]
    if pages > 1:
        rows.append(page_row(view, page, pages))
    if within:
        number = within.rpartition("[")[2].removesuffix("]")
        rows.append((Button(view.say("repeat.remove"), form_tap("remove", number)),))
    rows.append((Button(view.say("nav.back"), form_tap("back" if within else "review")),))
    return Card((*view.heading, line(view.say("form.which_to_change"))), tuple(rows))


def _listed(view: View, stop: Stop, within: str) -> str:
    if isinstance(stop, RepeatStop):
        text = f"{spoken(stop_label(view.instance, stop)).strip() or stop.group.name}: {len(stop.instances)}"
    else:
        text = f"{topic(view.instance.label(stop))}: {view.shown(stop)}"
    if stop.frame.parent is not None and instance_ref(stop.frame) != within:
        return f"{instance_label(view.instance, stop.frame, view.say)} · {text}"
    return text
