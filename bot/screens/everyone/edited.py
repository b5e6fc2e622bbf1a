"""An edited message that had answered a report which is sent by now.

Telegram lets people edit for two days. They expect that the report changes with the message, so they are told that it
does not, and how it is corrected.
"""

from typing import Final

from bot.chat.exchange import Exchange
from bot.screens.everyone.in_words import offer
from bot.screens.reports.filling import show_locked
from bot.screens.reports.own_reports import LOOKED_BACK, answered_by
from conversations.card import Button
from conversations.plan.model import judge_of
from conversations.plan.periods import ReportingPeriod
from conversations.routes import Route, tap
from storage.reports.submissions import StoredSubmission

QUOTED: Final = 24
"""Bytes of an edited message that its button can carry."""


def edited(ex: Exchange, message_id: int, text: str) -> None:
    """A message that answered a sent report was edited: say so, and offer the correction.

    A short answer is quoted, and one tap puts it in; never for a restricted report. If the period has locked, say that
    instead. An edit of any other message is ignored.
    """
    for stored in ex.unit.sessions.sent_by(ex.person.id, LOOKED_BACK):
        if str(message_id) in stored.data.get("origins", {}) and ex.is_theirs(stored):
            sent = ex.unit.submissions.by_instance(stored.instance_id)
            if sent is None or not sent.is_current:
                continue
            code = (sent.subject or "").partition(":")[2] or ex.say("menu.referrals")
            values = {"code": code, "receipt": f"{sent.receipt_number:04d}", "value": text.strip()}
            is_short = text.isprintable() and 0 < len(text.strip().encode()) <= QUOTED
            ex.go_below()
            if (period := _locked(ex, sent)) is not None:
                show_locked(ex, period, anew=True)
            elif is_short and sent.reporting_period_id and answered_by(ex, sent, message_id):
                to = tap(Route.CORRECT, sent.id, message_id, text.strip())
                yes = Button(ex.say("heard.edited_yes", **values), to, "primary")
                offer(ex, ex.say("heard.edited_to", **values), [yes, _correct(ex, sent.id)])
            else:
                offer(ex, ex.say("heard.edited", **values), [_correct(ex, sent.id)])
            return


def _locked(ex: Exchange, sent: StoredSubmission) -> ReportingPeriod | None:
    """Return the period of a sent report, if nothing of it can be corrected any more."""
    if sent.reporting_period_id is None:
        return None
    period = ex.unit.plans.period_by_id(sent.reporting_period_id, sent.agency_id)
    is_open = period.is_open(ex.today) or (judge_of(sent.subject) and ex.today < period.locks_on)
    return None if is_open else period


def _correct(ex: Exchange, submission_id: int) -> Button:
    return Button(ex.say("form.correct"), tap(Route.CORRECT, submission_id))
