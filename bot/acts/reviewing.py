"""What is decided about a report that was sent, and what those who sent it or asked for it are told.

What arrives names the question and the reason, since an officer reads it on a phone weeks after having written the
report. Whoever asked hears as soon as it is answered. What is restricted is named by its code alone: a notification is
read on lock screens (S24).

All of it raises Conflict if somebody else has decided meanwhile, and OwnReport for the sender's own report.
"""

from collections.abc import Iterable, Sequence

from bot.chat.actor import Actor, Notification, told
from bot.chat.permissions import REPORTERS
from conversations.card import Button, Card, line
from conversations.plan.model import Role
from conversations.plan.review import why
from conversations.routes import Route, tap
from conversations.wording import Wording, wording
from storage.people.people import Person
from storage.reports.reviews import StoredDecision
from storage.reports.submissions import StoredSubmission
from storage.unit_of_work import UnitOfWork


def validate(actor: Actor, sent: StoredSubmission) -> StoredDecision:
    return actor.unit.reviews.decide(sent, "validated", actor.oneself, actor.now)


def take_back(actor: Actor, sent: StoredSubmission) -> None:
    """Undo one's own decision of a moment ago."""
    actor.unit.reviews.take_back(sent, actor.oneself, actor.now)


def send_back(
    actor: Actor, sent: StoredSubmission, code: str, questions: Iterable[str], reason: str
) -> list[Notification]:
    """Ask again for these questions, or for all if none is named; the news for those who can answer."""
    asked = actor.unit.reviews.decide(
        sent, "returned", actor.oneself, actor.now, questions=list(questions), reason=reason
    )
    return [_returned(actor, person, sent, asked, code) for person in recipients(actor.unit, sent)]


def answer_in_words(actor: Actor, sent: StoredSubmission, code: str, agency: str, text: str) -> list[Notification]:
    """Answer a returned report with an explanation. It waits for review again; the coordinator is notified."""
    actor.unit.reviews.decide(sent, "answered", actor.oneself, actor.now, reason=text)
    return reviewer_told(actor.unit, sent, code, agency, key="review.was_answered")


def view(actor: Actor, sent: StoredSubmission, what: str = "text") -> None:
    """Record that somebody reads restricted content: the text of a report, or a file."""
    actor.unit.reviews.viewed(sent, actor.oneself, actor.now, what)


def asked_again(unit: UnitOfWork, sent: StoredSubmission, say: Wording) -> tuple[list[str], str]:
    """Of a returned report the questions to be answered again (none: all) and why; blank of any other."""
    if sent.validation_state != "returned":
        return [], ""
    asked = unit.reviews.asked(sent.root_id)
    return (asked.questions, why(unit.reviews.reason(asked), say)) if asked is not None else ([], "")


# ------------------------------------------------------------------ who is told what
def _returned(actor: Actor, person: Person, sent: StoredSubmission, asked: StoredDecision, code: str) -> Notification:
    """What is asked, in the language of somebody who can answer."""
    say, reason = wording(person.language), actor.unit.reviews.reason(asked)
    if sent.sensitive or not reason:
        text = say("review.returned_restricted", coordinator=actor.name, code=code)
    else:
        text = say("returned", coordinator=actor.name, code=code, comment=why(reason, say))
    row = [Button(say("review.correct"), tap(Route.CORRECT, sent.id), "primary")]
    row.append(Button(say("review.reply"), tap(Route.REPLY, sent.id)))
    return told(person.telegram_id, Card((line(text),), (tuple(row),)))


def recipients(unit: UnitOfWork, sent: StoredSubmission) -> Sequence[Person]:
    """Who sent it; the others who report for the agency, if that person no longer does or cannot be reached."""
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
    unit: UnitOfWork, sent: StoredSubmission, code: str, agency: str, *, key: str = "review.came_back"
) -> list[Notification]:
    """A returned report has been answered. Return the notification for the coordinator who returned it.

    None is sent to a person who no longer coordinates this plan.
    """
    asked = unit.reviews.asked(sent.root_id)
    if asked is None:
        return []
    reviewer = unit.people.by_id(asked.person_id)
    membership = reviewer.membership_in(sent.plan_id)
    if membership is None or membership.role is not Role.COORDINATOR:
        return []
    say = wording(reviewer.language)
    button = Button(say("review.look"), tap(Route.SENT_REPORT, sent.id), "primary")
    return [told(reviewer.telegram_id, Card((line(say(key, agency=agency, code=code)),), ((button,),)))]
