"""The review: what will be sent. And the list from which an answer is chosen to be changed."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from conversations.card import Button, Card, Line, Span, bold, cut, italic, line, unstyled
from conversations.routes import form_tap
from conversations.session.cards.view import (
    LISTED,
    LISTED_LIMIT,
    View,
    groups_shown,
    instance_label,
    note_lines,
    on_page,
    repeat_label,
    thing_counted,
    topic_of,
)
from conversations.session.markup import marked, spoken
from conversations.session.profiles import profile
from conversations.session.questions import is_sending, sending
from conversations.session.repeats import RepeatStop, Stop, address, instance_ref, stop_at
from conversations.wording import Wording
from conversations.xforms.evaluation.state import path_of
from conversations.xforms.evaluation.texts import Node

REVIEW_LIMIT = 3_000
"""Characters of answers in a review. A message has room for 4 096 with everything else."""


def review_card(view: View, sending: Node | None) -> Card:
    """Show what will be sent, line by line. Every answer can be changed in three taps."""
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


class _Told(NamedTuple):
    """One answer in a review: its group, its subject, and its text."""

    stop: Stop
    where: str
    label: str
    text: str

    @property
    def name(self) -> str:
        """The question's name; blank in a repeat, where one name has several answers."""
        return self.stop.question.name if isinstance(self.stop, Node) and self.stop.frame.parent is None else ""


def _answer_lines(view: View) -> list[Line]:
    """The answers under their groups, as people say them. The limit leaves room for the lines below."""
    rest, known = list(_told(view)), profile(view.form.form_id)
    lines: list[Line] = []
    if known.lead or known.implied:
        answered = {name: each for each in rest if (name := each.name)}
        lead = [answered[name] for name in known.lead if name in answered]
        rest = [each for each in rest if each not in lead and known.implied.get(each.name) not in answered]
        if lead:
            lines.append(line(bold(", ".join(_in_short(each, view.say) for each in lead))))
    group = ""
    length = left_out = 0
    for run in _runs(view, rest):
        where = run[0].where
        made = _counted(view, run) if len(run) > 1 else _one(view, run[0])
        length += len(unstyled(made)) + 1
        if length > REVIEW_LIMIT:
            left_out += len(run)
            continue
        if where and where != group:
            lines.append(line(italic(where)))
            length += len(where)
        group = where
        lines.append(made)
    return [*lines, line(view.say("repeat.and_more", n=left_out))] if left_out else lines


def _one(view: View, told: _Told) -> Line:
    """Write one answer beside its question, or the sentence that says both."""
    value = told.stop.value if isinstance(told.stop, Node) else ""
    if sentence := profile(view.form.form_id).sentences.get((told.name, value)):
        return line(bold(view.say(sentence)))
    return line(f"{told.label}{view.say.colon}", bold(told.text))


def _told(view: View) -> Iterator[_Told]:
    for ref in view.stops:
        if ref not in view.session.seen:
            continue
        stop = stop_at(view.instance, ref)
        if isinstance(stop, RepeatStop):
            yield _Told(stop, "", repeat_label(view, stop), str(len(stop.instances)))
        elif (value := stop.value) and not is_sending(stop.question):
            label = topic_of(view.instance, stop)
            yield _Told(stop, groups_shown(view, stop), label, cut(view.shown(stop, value), 200))


def _in_short(told: _Told, say: Wording) -> str:
    is_percent = isinstance(told.stop, Node) and told.stop.question.type == "integer"
    return say.percent(told.text) if is_percent else told.text


def _runs(view: View, told: Sequence[_Told]) -> Iterator[list[_Told]]:
    """Group answers that are shown in one line: consecutive whole numbers of one group with the thing they count."""
    run: list[_Told] = []
    for each in told:
        if run and not (_counts(view, run[-1]) and _counts(view, each) and each.where == run[-1].where):
            yield run
            run = []
        run.append(each)
    if run:
        yield run


def _counts(view: View, told: _Told) -> str:
    """Return the thing that the number counts, if it is in a group with others. Otherwise blank."""
    if not isinstance(told.stop, Node) or told.stop.question.type != "integer" or not told.where:
        return ""
    return thing_counted(view.instance.label(told.stop))


def _counted(view: View, run: Sequence[_Told]) -> Line:
    """Write "27 personas en total: 12 mujeres (18 o más), 8 hombres (18 o más)".

    Without a total, the numbers stand side by side.
    """
    parts: list[str | Span] = []
    for at, each in enumerate(run):
        is_total = isinstance(each.stop, Node) and "total" in each.stop.question.name and at == 0
        ending = ": " if is_total else ", " if at < len(run) - 1 else ""
        parts += [bold(each.text), f" {_counts(view, each)}{ending}"]
    return line(*parts)


def listing_card(view: View, within: str) -> Card:
    """The answers to choose from: all, or those of the repeat instance `within`."""
    seen, sends = view.session.seen, sending(view.form)
    known = [ref for ref in view.stops if ref in seen and ref.startswith(f"{within}/") and path_of(ref) not in sends]
    page, turning = on_page(view, len(known), LISTED)
    stops = (stop_at(view.instance, known[at]) for at in page)
    rows: list[tuple[Button, ...]] = [
        (Button(cut(_listed(view, stop, within), LISTED_LIMIT), form_tap("edit", address(view.instance, stop))),)
        for stop in stops
    ]
    rows += turning
    if within:
        number = within.rpartition("[")[2].removesuffix("]")
        rows.append((Button(view.say("repeat.remove"), form_tap("remove", number)),))
    rows.append((Button(view.say("nav.back"), form_tap("back" if within else "review")),))
    return Card((*view.heading, *view.warnings, line(view.say("form.which_to_change"))), tuple(rows))


def _listed(view: View, stop: Stop, within: str) -> str:
    if isinstance(stop, RepeatStop):
        text = f"{repeat_label(view, stop)}{view.say.colon}{len(stop.instances)}"
    else:
        text = f"{topic_of(view.instance, stop)}{view.say.colon}{view.shown(stop)}"
    if stop.frame.parent is not None and instance_ref(stop.frame) != within:
        return f"{instance_label(view.instance, stop.frame, view.say)} · {text}"
    return text
