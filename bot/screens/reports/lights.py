"""The computed light of an activity, beside the status that a report declares (docs/domain.md#status-and-validation).

A report is of its day, a light is of today. Both are shown together, so that nobody takes what an officer declares for
what the dates say.
"""

from collections.abc import Collection

from bot.chat.exchange import Exchange
from bot.schedule.digests import VIEWS, WEEK
from conversations.card import Line, line
from conversations.plan.figures.monitoring import ActivityStanding
from conversations.plan.messages import digest_words
from storage.calendar.figures import Figures


def standing_of(ex: Exchange, subject: str | None) -> ActivityStanding | None:
    """Return the state of a report's activity, as this reader may see it. None if there is none in the plan."""
    kind, _, code = (subject or "").partition(":")
    if kind != "activity":
        return None
    plan_id, view = ex.membership.plan_id, VIEWS[ex.membership.role]
    return Figures(ex.unit).activity(
        plan_id, code, ex.now, ex.now - WEEK, ex.unit.plans.zone(plan_id), only_validated=view.only_validated
    )


def light_lines(ex: Exchange, subject: str | None) -> Collection[Line]:
    """Return one line: the light of today, and why it is not green. None for a report about no activity."""
    each = standing_of(ex, subject)
    if each is None:
        return ()
    why = digest_words.why(each, ex.now.astimezone(ex.unit.plans.zone(ex.membership.plan_id)).date(), ex.say)
    light = digest_words.light_label(each, ex.say)
    return (line(ex.say("review.light", light=" · ".join([light, ", ".join(why)]) if why else light)),)
