"""Decide about a sent report, and notify its senders or the coordinator who asked.

A notification names the question and the reason, because an officer reads it on a phone weeks after the report. The
coordinator who asked is notified as soon as it is answered. A restricted report is named by its code alone, because
notifications are read on lock screens (S24).

Every act raises Conflict if somebody else has decided meanwhile, and OwnReport for the sender's own report.
"""

from collections.abc import Callable, Iterable, Sequence

from bot.chat.actor import Actor, Notification, told
from bot.chat.permissions import REPORTERS
from conversations.card import Button, Card, Line, italic, line
from conversations.plan.model import WAITING, Role
from conversations.plan.review import SHOWN_CHANGES, excerpt, why
from conversations.routes import Route, tap
from conversations.wording import Wording, wording
from storage.errors import Conflict
from storage.people.people import Person
from storage.reports.reviews import StoredDecision
from storage.reports.submissions import StoredSubmission
from storage.unit_of_work import UnitOfWork


def validate(actor: Actor, sent: StoredSubmission) -> StoredDecision:
    return actor.unit.reviews.decide(sent, "validated", actor.oneself, actor.now)


def take_back(actor: Actor, sent: StoredSubmission) -> None:
    """Undo the actor's own recent decision."""
    actor.unit.reviews.take_back(sent, actor.oneself, actor.now)


def send_back(
    actor: Actor,
    sent: StoredSubmission,
    code: str,
    questions: Iterable[str],
    reason: str,
    labels: Callable[[str], Sequence[str]],
) -> list[Notification]:
    """Ask again for these questions, or for all if none is named. Return the notifications for those who can answer.

    `labels` names the questions in a language.
    """
    asked = actor.unit.reviews.decide(
        sent, "returned", actor.oneself, actor.now, questions=list(questions), reason=reason
    )
    return [
        _returned(actor, person, sent, asked, code, labels(person.language)) for person in recipients(actor.unit, sent)
    ]


def answer_in_words(actor: Actor, sent: StoredSubmission, code: str, agency: str, text: str) -> list[Notification]:
    """Answer a returned report with an explanation. It waits for review again; the coordinator is notified."""
    actor.unit.reviews.decide(sent, "answered", actor.oneself, actor.now, reason=text)
    asked = actor.unit.reviews.asked(sent.root_id)
    return _written_to_reviewer(actor.unit, asked, sent, code, agency, text)


def remark(actor: Actor, sent: StoredSubmission, code: str, text: str) -> list[Notification]:
    """Send a coordinator's question about a waiting report to its senders. It decides nothing.

    Not for a restricted report: such a question belongs in a return, which opens the report.
    """
    actor.unit.reviews.remark(sent, actor.oneself, actor.now, text)
    news = []
    for person in recipients(actor.unit, sent):
        say = wording(person.language)
        lines = (line(say("review.remarked", coordinator=actor.name, code=code)), line(italic(f"«{text}»")))
        reply = Button(say("review.reply"), tap(Route.REPLY, sent.id), "primary")
        look = Button(say("history.receipt"), tap(Route.RECEIPT, sent.id))
        news.append(told(person.telegram_id, Card(lines, ((reply, look),))))
    return news


def remark_back(actor: Actor, sent: StoredSubmission, code: str, agency: str, text: str) -> list[Notification]:
    """Send the reporter's answer to a coordinator's remark. Conflict if no remark waits for one."""
    remarked = open_remark(actor.unit, sent)
    if remarked is None:
        raise Conflict(f"nobody asked about submission {sent.id}")
    actor.unit.reviews.remark(sent, actor.oneself, actor.now, text)
    return _written_to_reviewer(actor.unit, remarked, sent, code, agency, text)


def open_remark(unit: UnitOfWork, sent: StoredSubmission) -> StoredDecision | None:
    """The coordinator's last remark about a waiting report; None if no answer is expected."""
    if not sent.is_current or sent.validation_state not in WAITING:
        return None
    senders = unit.reviews.senders(sent.root_id)
    said = [one for one in unit.reviews.of_chain(sent.root_id) if one.submission_id == sent.id]
    last = said[-1] if said else None
    return last if last is not None and last.decision == "remarked" and last.person_id not in senders else None


def view(actor: Actor, sent: StoredSubmission, what: str = "text") -> None:
    """Record that somebody reads restricted content: the text of a report, or a file."""
    actor.unit.reviews.viewed(sent, actor.oneself, actor.now, what)


def asked_again(unit: UnitOfWork, sent: StoredSubmission, say: Wording) -> tuple[list[str], str]:
    """Return the questions of a returned report to answer again (empty: all), and the reason.

    Blank for any other report.
    """
    if sent.validation_state != "returned":
        return [], ""
    asked = unit.reviews.asked(sent.root_id)
    return (asked.questions, why(unit.reviews.reason(asked), say)) if asked is not None else ([], "")


# ------------------------------------------------------------------ who is told what
def _returned(
    actor: Actor, person: Person, sent: StoredSubmission, asked: StoredDecision, code: str, labels: Sequence[str]
) -> Notification:
    """Say what to answer again and why, in the language of somebody who can. Of a restricted report, say neither."""
    say, reason = wording(person.language), actor.unit.reviews.reason(asked)
    if sent.sensitive or not reason:
        lines = [line(say("review.returned_restricted", coordinator=actor.name, code=code))]
    else:
        lines = [line(say("returned", coordinator=actor.name, code=code, comment=why(reason, say)))]
        lines += [line(f"☑ {excerpt(label)}") for label in labels[:SHOWN_CHANGES]]
        if len(labels) > SHOWN_CHANGES:
            lines.append(line(say("review.and_more", n=len(labels) - SHOWN_CHANGES)))
    row = [Button(say("review.correct"), tap(Route.CORRECT, sent.id), "primary")]
    row.append(Button(say("review.reply"), tap(Route.REPLY, sent.id)))
    return told(person.telegram_id, Card(tuple(lines), (tuple(row),)))


def recipients(unit: UnitOfWork, sent: StoredSubmission) -> Sequence[Person]:
    """The sender; or, if they no longer report or cannot be reached, the others who report for the agency."""
    if sent.agency_id is None:
        return ()
    there = unit.people.of_agency(sent.plan_id, sent.agency_id)
    sender = [person for person in there if person.id == sent.person_id and person.unreachable_at is None]
    is_indicator = (sent.subject or "").startswith("indicator:")
    return sender or [
        one
        for one in there
        if (found := one.membership_in(sent.plan_id))
        and (found.role in REPORTERS or (found.is_contributor and is_indicator))
    ]


def reviewer_told(
    unit: UnitOfWork,
    sent: StoredSubmission,
    code: str,
    agency: str,
    *,
    changes: Callable[[Wording], Sequence[Line]] | None = None,
) -> list[Notification]:
    """Return the notification for the coordinator who returned a report that has been corrected now.

    It says what has changed, in their language; of a restricted report it says nothing more. A person who no longer
    coordinates this plan gets none.
    """
    reviewer = _coordinating(unit, unit.reviews.asked(sent.root_id), sent)
    if reviewer is None:
        return []
    say = wording(reviewer.language)
    lines = [line(say("review.came_back", agency=agency, code=code))]
    if changes is not None and not sent.sensitive:
        lines += changes(say)
    look = Button(say("review.look"), tap(Route.SENT_REPORT, sent.id), "primary")
    return [told(reviewer.telegram_id, Card(tuple(lines), ((look,),)))]


def _written_to_reviewer(
    unit: UnitOfWork, asked: StoredDecision | None, sent: StoredSubmission, code: str, agency: str, text: str
) -> list[Notification]:
    """The reporter's answer for the coordinator who asked, with a way to reply; but not for a restricted report."""
    reviewer = _coordinating(unit, asked, sent)
    if reviewer is None:
        return []
    say = wording(reviewer.language)
    lines = [line(say("review.was_answered", agency=agency, code=code))]
    row = [Button(say("review.look"), tap(Route.SENT_REPORT, sent.id), "primary")]
    if not sent.sensitive:
        lines.append(line(italic(f"«{text}»")))
        row.append(Button(say("review.reply"), tap(Route.REMARK, sent.id)))
    return [told(reviewer.telegram_id, Card(tuple(lines), (tuple(row),)))]


def _coordinating(unit: UnitOfWork, asked: StoredDecision | None, sent: StoredSubmission) -> Person | None:
    """The person who asked, if they still coordinate this plan."""
    if asked is None:
        return None
    reviewer = unit.people.by_id(asked.person_id)
    membership = reviewer.membership_in(sent.plan_id)
    return reviewer if membership is not None and membership.role is Role.COORDINATOR else None
