"""The screens of a returned report for its reporter: correct the answers that were asked about, or reply."""

from bot.acts.reports import reviewing
from bot.acts.reports.items import item_of
from bot.chat.exchange import Exchange
from conversations.card import Button, Card, home_button, line
from conversations.plan.model import Care
from conversations.plan.review import LONGEST_REASON
from conversations.routes import Route, tap
from storage.errors import Conflict
from storage.reports.submissions import StoredSubmission


# ------------------------------------------------------------------ a word back
def reply(ex: Exchange, submission_id: int) -> None:
    """Responder: say that the report is right as it is, and why.

    The next typed text goes to the coordinator who asked.
    """
    sent = _asked_about(ex, submission_id)
    rows = (
        (Button(ex.say("review.correct"), tap(Route.CORRECT, sent.id)),),
        (home_button(ex.say),),
    )
    key = "review.reply_how" if sent.validation_state == "returned" else "review.write_back"
    ex.ask(Card((line(ex.say(key)),), rows), Route.REPLY, sent.id)


def hear_reply(ex: Exchange, submission_id: int, text: str) -> None:
    """Put the report back into the queue as it was sent, with the reply. It becomes `submitted`, without a new version.

    A report with a remark was not returned: it stays in the queue.
    """
    sent = _asked_about(ex, submission_id)
    if not text or len(text) > LONGEST_REASON:
        ex.ask(Card((line(ex.say("review.too_long", n=LONGEST_REASON)),)), Route.REPLY, sent.id)
        return
    code = (sent.subject or "").partition(":")[2] or f"n.º {sent.receipt_number:04d}"
    was_returned = sent.validation_state == "returned"
    write = reviewing.answer_in_words if was_returned else reviewing.remark_back
    ex.pass_on(write(ex.actor, sent, code, ex.agency_code, text))
    home = (home_button(ex.say, anew=True),)
    key = "review.reply_sent" if was_returned else "review.written_back"
    ex.answer(Card((line(ex.say(key, code=code)),), (home,)))


def care(ex: Exchange, submission_id: int, *_: int | str | None) -> Care:
    """Return how words about this report are treated: as it was sent, and strictly if the plan says so by now."""
    sent = ex.unit.submissions.get(submission_id)
    item = item_of(ex.unit, sent.plan_id, sent.subject)
    return Care(sent.sensitive, sent.sensitive or (item is not None and item.care.is_read_strictly))


def _asked_about(ex: Exchange, submission_id: int) -> StoredSubmission:
    """A report of the person's agency that was returned or remarked on. Denied for another agency.

    Conflict if nothing waits for an answer any more.
    """
    sent = ex.own_submission(submission_id)
    is_returned = sent.is_current and sent.validation_state == "returned"
    if not is_returned and reviewing.open_remark(ex.unit, sent) is None:
        raise Conflict(f"submission {sent.id} is {sent.validation_state}")
    return sent
