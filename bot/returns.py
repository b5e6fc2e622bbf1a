"""What goes back and forth between a coordinator and who reports: a return, its answer, and the way back.

An officer reads on a phone that something is not clear, weeks after having written it. So what arrives names the
question and the reason, one tap opens just that question with everything else as it was, and whoever asked hears
as soon as it is answered. What is restricted is named here by its code alone: a notification is read on lock
screens (S24).
"""

from collections.abc import Sequence
from datetime import time, timedelta

from bot.access import REPORTERS
from bot.exchange import Denied, Exchange, number_of
from bot.hands import message
from bot.occasion import Job, Message, Moment, as_planned, regular
from conversations.cards import Button, Card, line
from conversations.plan import Role
from conversations.reminders import Recipient
from conversations.review import LONGEST_REASON, why
from conversations.wording import wording
from storage.errors import Conflict, NotFound
from storage.people import Person
from storage.reviews import StoredDecision
from storage.submissions import StoredSubmission
from storage.unit_of_work import UnitOfWork

LOOKED_BACK = timedelta(days=7)
"""What was validated before that is no news."""
LISTED = 8


def tell_reporter(ex: Exchange, sent: StoredSubmission, asked: StoredDecision, code: str) -> int:
    """Say at once what is asked, in the language of whoever can answer; how many were told."""
    people = recipients(ex, sent)
    reason = ex.unit.reviews.reason(asked)
    for person in people:
        say = wording(person.language)
        if sent.sensitive or not reason:
            text = say("review.returned_restricted", coordinator=ex.person.name, code=code)
        else:
            text = say("returned", coordinator=ex.person.name, code=code, comment=why(reason, say))
        row = [Button(say("review.correct"), f"command:corregir:{sent.id}", "primary")]
        row.append(Button(say("review.reply"), f"command:responder:{sent.id}"))
        ex.tell(person.telegram_id, Card((line(text),), (tuple(row),)))
    return len(people)


def recipients(ex: Exchange, sent: StoredSubmission) -> Sequence[Person]:
    """Who sent it; the others who report for the agency, if that person no longer does or cannot be reached."""
    if sent.agency_id is None:
        return ()
    there = ex.unit.people.of_agency(sent.plan_id, sent.agency_id)
    sender = [person for person in there if person.id == sent.person_id and person.unreachable_at is None]
    is_indicator = (sent.subject or "").startswith("indicator:")
    return sender or [
        one
        for one in there
        if (found := one.membership_in(sent.plan_id))
        and (found.role in REPORTERS or (found.is_contributor and is_indicator))
    ]


def asked_again(ex: Exchange, sent: StoredSubmission) -> tuple[list[str], str]:
    """Of a returned report the questions to be answered again (none: all) and why; blank of any other."""
    if sent.validation_state != "returned":
        return [], ""
    asked = ex.unit.reviews.asked(sent.root_id)
    return (asked.questions, why(ex.unit.reviews.reason(asked), ex.say)) if asked is not None else ([], "")


def tell_reviewer(ex: Exchange, sent: StoredSubmission, code: str, *, key: str = "review.came_back") -> None:
    """What was returned has been answered: a line to whoever asked, as long as they coordinate this plan."""
    asked = ex.unit.reviews.asked(sent.root_id)
    if asked is None:
        return
    reviewer = ex.unit.people.by_id(asked.person_id)
    membership = reviewer.membership_in(sent.plan_id)
    if membership is None or membership.role is not Role.COORDINATOR:
        return
    say = wording(reviewer.language)
    button = Button(say("review.look"), f"command:revision:{sent.id}", "primary")
    ex.tell(reviewer.telegram_id, Card((line(say(key, agency=ex.agency_code, code=code)),), ((button,),)))


# ------------------------------------------------------------------ what was validated
def compose(unit: UnitOfWork, moment: Moment, people: Sequence[Recipient]) -> dict[int, tuple[Message, ...]]:
    """For the scheduler: one silent line to each about all that was validated since the last one."""
    untold = unit.reviews.untold(moment.plan_id, VALIDATED.what, moment.now, LOOKED_BACK)
    made: dict[int, tuple[Message, ...]] = {}
    for who in people:
        codes = list(dict.fromkeys(untold.get(who.person_id, ())))
        if not codes:
            continue
        say = wording(who.language)
        if len(codes) == 1:
            text = say("validated", code=codes[0])
        else:
            named = ", ".join(codes[:LISTED])
            key = "validated.several" if len(codes) <= LISTED else "validated.many"
            text = say(key, codes=named, n=len(codes) - LISTED)
        payload = message(Card((line(text),)))
        made[who.person_id] = (Message(payload | {"disable_notification": True}),)
    return made


VALIDATED = Job(
    "validated",
    "digest",
    REPORTERS,
    "workdays",
    time(17),
    regular(compose, REPORTERS, "nothing_validated"),
    as_planned,
    is_only=True,
)
"""At the end of the day, so that sixty validations are one line, and none that was taken back."""


# ------------------------------------------------------------------ a word back
def reply(ex: Exchange, argument: str) -> None:
    """Responder: the report is right as it is, and this is why. What is typed next goes to whoever asked."""
    sent = _returned(ex, argument)
    rows = (
        (Button(ex.say("review.correct"), f"command:corregir:{sent.id}"),),
        (Button(ex.say("menu.home"), "command:menu:"),),
    )
    ex.show(Card((line(ex.say("review.reply_how")),), rows))
    ex.stand(None, awaits=f"responder:{sent.id}")


def hear_reply(ex: Exchange, argument: str, text: str) -> None:
    """Back into the queue as it was sent, with the word beside it: returned → submitted, and no new version."""
    sent = _returned(ex, argument)
    if sent.sensitive and ex.refuses(text):
        return
    if not text or len(text) > LONGEST_REASON:
        ex.show(Card((line(ex.say("review.too_long", n=LONGEST_REASON)),)))
        ex.stand(None, awaits=f"responder:{sent.id}")
        return
    ex.unit.reviews.decide(sent, "answered", ex.person.id, ex.now, reason=text)
    code = (sent.subject or "").partition(":")[2] or f"n.º {sent.receipt_number:04d}"
    tell_reviewer(ex, sent, code, key="review.was_answered")
    home = (Button(ex.say("menu.home"), "command:menu:new"),)
    ex.show(Card((line(ex.say("review.reply_sent", code=code)),), (home,)))
    ex.stand(None)


def _returned(ex: Exchange, argument: str) -> StoredSubmission:
    """A returned report of one's own agency. Denied for another's; Conflict if it no longer is returned."""
    try:
        sent = ex.unit.submissions.get(number_of(argument))
    except NotFound:
        raise Denied from None
    if sent.agency_id != ex.agency_id or sent.plan_id != ex.membership.plan_id or not ex.may_report(sent.subject):
        raise Denied
    if not sent.is_current or sent.validation_state != "returned":
        raise Conflict(f"submission {sent.id} is {sent.validation_state}")
    return sent
