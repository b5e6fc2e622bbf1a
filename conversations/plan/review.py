"""Review: what a coordinator reads of a report, what has changed in it, and which states it may get next.

A coordinator validates sixty reports between two meetings. She needs to see what is new in a report: since the last
period, and, in a correction, since the version that she read. She sends back one question that is not clear, instead of
the whole report. Everything here is computed from stored answers.

Laws:
* A report changes its state only as `VALIDATION_MOVES` allows. A correction takes its state from the report that it
  corrects.
* Taking back a validation is not such a change. A validation counts from the moment when it can no longer be taken
  back, and nobody is told of it before.
* Stored values are compared. Their labels are shown, in the reader's language.
Source: docs/domain.md#status-and-validation.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from conversations.card import Line, bold, cut, italic, line
from conversations.plan.model import VALIDATION_MOVES, ActivityStatus, ValidationState
from conversations.session.cards.view import instance_label, topic
from conversations.session.engine import Given, begin
from conversations.session.profiles import Profile, profile
from conversations.session.questions import PICTURES, PLACES, UPLOADS, is_sending
from conversations.session.shown import shown
from conversations.wording import Wording, wording
from conversations.xforms.form import Form
from conversations.xforms.instance import Filling

TAKE_BACK = timedelta(minutes=15)
"""How long a coordinator can take back a validation: long enough for a slip of the thumb."""
WEEK = timedelta(days=7)
REASONS = ("why.evidence", "why.sum", "why.progress", "why.personal")
"""Reasons for returning a report, as buttons. They are catalogue keys `review.…`, so each reads them translated."""
LONGEST_REASON = 200
MOST_QUESTIONS = 120
"""How many questions can be ticked one by one: their marks travel in a button, which holds 64 bytes."""
SHOWN_CHANGES = 4
SHOWN_TEXT = 90


# ------------------------------------------------------------------ where a report may go
def may_move(before: ValidationState | str, after: ValidationState | str) -> bool:
    """Whether a report may be taken from one state to the other, by the coordinator or by the reporter."""
    return ValidationState(after) in VALIDATION_MOVES[ValidationState(before)]


def state_of_correction(before: ValidationState | str) -> ValidationState:
    """Return the state of a corrected report: it waits for review again if it had been validated, otherwise for its
    first review.
    """
    was_validated = ValidationState(before) in (ValidationState.VALIDATED, ValidationState.CORRECTED)
    return ValidationState.CORRECTED if was_validated else ValidationState.SUBMITTED


def is_ordinary(
    state: str, status: str | None, progress: int | None, previous: int | None, *, is_restricted: bool
) -> bool:
    """Whether a report may be validated together with others: nothing in it asks for a second look.

    No correction, no restricted text, no end of an activity, and no progress that has fallen.
    """
    return (
        state == ValidationState.SUBMITTED
        and not is_restricted
        and status not in (None, ActivityStatus.CANCELLED, ActivityStatus.COMPLETED, ActivityStatus.SUSPENDED)
        and (progress or 0) >= (previous or 0)
    )


# ------------------------------------------------------------------ what was answered, and what changed
@dataclass(frozen=True, slots=True)
class Answer:
    """A question of a report as its reader sees it; `value` as stored, blank if it was left open."""

    ref: str
    name: str
    label: str
    value: str
    shown: str
    is_file: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """An answer that has changed. A side is blank if that version has no answer."""

    name: str
    label: str
    before: str
    after: str


def read_answers(
    form: Form, answers: Mapping[str, str], filling: Filling, *, is_restricted: bool = False
) -> tuple[Answer, ...]:
    """Return every question that this report was asked, in the form's order, with its answer.

    Answers that the bot fills in are shown in the report's head, so they are left out here. `filling.now` is when it
    was sent, so that the same report always reads the same.
    """
    values = {ref.rpartition("/")[2]: value for ref, value in answers.items() if "[" not in ref}
    instance = begin(form, filling, Given(values=values, answers=answers)).instance
    say, filled = wording(filling.language), profile(form.form_id).filled
    found: list[Answer] = []
    for ref in instance.asked():
        node = instance.node(ref)
        question = node.question
        if question.name in filled or is_sending(question):
            continue
        if is_restricted and (question.type in PLACES or question.type in PICTURES):
            continue  # never asked of these (S10)
        around = f"{instance_label(instance, node.frame, say)} · " if node.frame.parent is not None else ""
        value = answers.get(node.ref, "")
        found.append(
            Answer(
                node.ref,
                question.name,
                f"{around}{topic(instance.label(node))}",
                value,
                shown(instance, node, filling.language, value) if value else "",
                question.type in UPLOADS,
            )
        )
    return tuple(found)


def differences(
    before: Iterable[Answer], after: Iterable[Answer], *, but: Collection[str] = frozenset()
) -> tuple[Difference, ...]:
    """Return the answers that have changed, in the form's order, then those that are gone.

    Questions in `but` are left out.
    """
    old = {answer.ref: answer for answer in before if answer.value}
    found: list[Difference] = []
    for answer in after:
        was = old.pop(answer.ref, None)
        if answer.name in but or answer.value == (was.value if was else ""):
            continue
        found.append(Difference(answer.name, answer.label, was.shown if was else "", answer.shown))
    found += [Difference(was.name, was.label, was.shown, "") for was in old.values() if was.name not in but]
    return tuple(found)


def not_compared(known: Profile) -> frozenset[str]:
    """Return the questions that are counted from zero in every period. A difference in their numbers means nothing."""
    return known.never_copied | known.filled


def difference_lines(found: Sequence[Difference], say: Wording, *, most: int = SHOWN_CHANGES) -> list[Line]:
    """Write one line for each difference, old and new. Those that do not fit are counted."""
    lines: list[Line] = []
    for each in found[:most]:
        old, new = (excerpt(text) or say("form.no_answer") for text in (each.before, each.after))
        if each.before == each.after:
            new = say("review.another_file")
        lines.append(line(f"• {excerpt(each.label, 40)}{say.colon}{old} → ", bold(new)))
    if len(found) > most:
        lines.append(line(say("review.and_more", n=len(found) - most)))
    return lines


def excerpt(text: str, limit: int = SHOWN_TEXT) -> str:
    """Return the text on one line, cut."""
    return cut(" ".join(text.split()), limit)


# ------------------------------------------------------------------ the card of a report
@dataclass(frozen=True, slots=True)
class Reviewed:
    """A report as its card shows it, in the reader's language. `is_hidden` leaves out all written text."""

    agency: str
    code: str
    title: str
    period: str
    sender: str
    sent_on: str
    receipt: int
    version: int
    state: str
    status: str = ""
    light: tuple[Line, ...] = ()
    """The computed light of its activity, beside the declared status."""
    is_cancellation: bool = False
    progress: int | None = None
    previous_progress: int | None = None
    previous_period: str = ""
    answers: tuple[Answer, ...] = ()
    since_last: tuple[Difference, ...] = ()
    since_version: tuple[Difference, ...] = ()
    asked: str = ""
    """Why it went back last time."""
    words: tuple[str, ...] = ()
    """The words that were exchanged since, one sentence each."""
    zero_reason: str = ""
    """The code of why there is nothing new."""
    is_restricted: bool = False
    is_hidden: bool = False


def report_lines(report: Reviewed, known: Profile, say: Wording, *, is_whole: bool = False) -> list[Line]:
    """Write the answers of a report, shortest first. `is_whole` adds every answer."""
    lock = "🔒 " if report.is_restricted else ""
    lines = [
        line(bold(f"{lock}{report.agency} · {report.code}"), f" · {report.title}" if report.title else ""),
        line(italic(" · ".join(part for part in (report.period, report.sender, report.sent_on) if part))),
    ]
    if report.version > 1:
        lines.append(line(italic(say("review.version", version=report.version, state=report.state))))
    if report.status:
        lines.append(line(bold(_progress(report, say))))
    lines += report.light
    if report.zero_reason:
        lines.append(zero_line(report.zero_reason, say))
    if report.is_cancellation:
        lines.append(line("⛔ ", bold(say("review.cancels"))))
    if report.asked:
        lines.append(line(f"↩️ {say('review.asked', reason=report.asked)}"))
    lines += [line("💬 ", each) for each in report.words]
    if report.is_hidden:
        lines.append(line(say("review.hidden")))
        return lines
    by_name = {answer.name: answer for answer in report.answers if answer.value}
    if not is_whole:
        lines += _highlights(by_name, known, say)
    if report.since_version:
        lines += [line(""), line(bold(say("review.since_version", version=report.version - 1)))]
        lines += difference_lines(report.since_version, say)
    elif report.since_last:
        lines += [line(""), line(bold(say("review.since_last", period=report.previous_period)))]
        lines += difference_lines(report.since_last, say)
    if is_whole:
        lines.append(line(""))
        lines += [line(f"{answer.label}{say.colon}", bold(excerpt(answer.shown, 200))) for answer in by_name.values()]
    return lines


def _highlights(answers: Mapping[str, Answer], known: Profile, say: Wording) -> list[Line]:
    """Write the answers that tell most. Of a form for which nobody has said which these are, the first ones."""
    if not known.highlights:
        first = list(answers.values())[: 2 * SHOWN_CHANGES]
        return [line(f"{each.label}{say.colon}", bold(excerpt(each.shown))) for each in first]
    lines = []
    for shape, name in known.highlights:
        if (answer := answers.get(name)) is not None:
            sentence = known.sentences.get((name, answer.value))
            lines.append(line(f"{shape} {say(sentence) if sentence else excerpt(answer.shown, 200)}"))
    return lines


def _progress(report: Reviewed, say: Wording) -> str:
    text = f"{report.status}, {say.percent(report.progress or 0)}"
    match report.previous_progress:
        case None:
            return text
        case report.progress:
            return f"{text} ({say('review.as_before')})"
        case before:
            return f"{text} ({say('review.was', progress=before)})"


def zero_line(reason: str, say: Wording) -> Line:
    """The line that says that a report brings no news, and why."""
    return line("🟰 ", say("nothing.told", reason=say(f"nothing.reason.{reason}")))


def why(reason: str, say: Wording) -> str:
    """Return a reason in the reader's language: a tapped one is a key and is translated, a typed one stays as it is."""
    return say(f"review.{reason}") if reason in REASONS else reason


# ------------------------------------------------------------------ what was ticked, in a button
def marks_of(ticked: Iterable[int]) -> str:
    """Write which questions are ticked, as a button carries it."""
    return f"{sum(1 << position for position in set(ticked)):x}"


def ticked_in(marks: str, count: int) -> frozenset[int]:
    """Read what `marks_of` wrote about `count` questions. Anything else gives nothing (S3)."""
    if len(marks) > MOST_QUESTIONS // 4 or any(each not in "0123456789abcdef" for each in marks):
        return frozenset()
    bits = int(marks or "0", 16)
    return frozenset(position for position in range(min(count, MOST_QUESTIONS)) if bits >> position & 1)


# ------------------------------------------------------------------ how it goes
@dataclass(frozen=True, slots=True)
class Pace:
    """How many reports were validated in a week, and the median of their waiting days."""

    validated: int = 0
    median_days: float = 0.0

    @classmethod
    def of(cls, spans: Collection[timedelta]) -> "Pace":
        days = [span.total_seconds() / 86_400 for span in spans]
        return cls(len(days), round(median(days), 1) if days else 0.0)

    def days(self) -> str:
        return f"{self.median_days:g}"
