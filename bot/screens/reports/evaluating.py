"""The evaluation of a plan that ends: whoever works on an objective or watches it judges it once, by six criteria.

It is asked from the day on which the close was decided until the last day of late reports. An answer is a submission
about the plan's last period, so drafts, corrections and the lock are those of any report
(docs/domain.md#the-evaluation).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from bot.acts.reports.items import judged
from bot.acts.reports.reports import Report
from bot.chat.exchange import Denied, Exchange
from bot.chat.permissions import REPORTERS
from bot.screens.reports.opening import open_report
from conversations.card import Button, Card, Line, bold, cut, home_button, italic, line, page_of
from conversations.plan.model import ANSWERERS, Judged, Role
from conversations.plan.periods import ReportingPeriod, last_period
from conversations.routes import Route, tap
from conversations.session.profiles import FORM_OF

LISTED = 10
"""Objectives on one screen."""


class Asked(NamedTuple):
    """What a person is asked to judge, and what of it they have sent."""

    period: ReportingPeriod
    items: Sequence[Judged]
    sent: frozenset[str]
    """Subjects."""

    @property
    def left(self) -> int:
        return sum(item.subject not in self.sent for item in self.items)


def asked(ex: Exchange) -> Asked | None:
    """Return what this person may judge now. None while nobody is asked: most of the time, without a statement."""
    if ex.membership.plan_closes_on is None or ex.is_over or not ex.allows(Route.EVALUATE):
        return None
    plans, plan_id, role = ex.unit.plans, ex.membership.plan_id, Role(ex.membership.role)
    period = last_period(plans.periods(plan_id))
    if period is None:
        return None
    items = [
        replace(each, agency_code=ex.agency_code, answerer=ANSWERERS[role])
        for each in judged(ex.unit, plan_id, ex.person.id)
    ]
    if role in REPORTERS:
        jointly, agency = plans.led_jointly(ex.agency_id), ex.agency_code
        activities = plans.activities(plan_id)
        own = {each.objective_code for each in activities if each.agency_code == agency or each.id in jointly}
        items = [item for item in items if item.code in own]
    return Asked(period, items, frozenset(ex.unit.submissions.current_for(plan_id, period.id)))


def evaluation_button(ex: Exchange) -> Button | None:
    """Return the button of the due list. None if this person has nothing left to judge."""
    found = asked(ex)
    left = found.left if found else 0
    return Button(ex.say("evaluation.left", n=left), tap(Route.EVALUATE)) if left else None


def evaluate(ex: Exchange, page: int, code: str) -> None:
    """Begin the judgement of an objective, or show the list of them."""
    found = asked(ex)
    if found is None:
        ex.answer_line(ex.say("evaluation.closed"))
        return
    if code:
        items = [item for item in found.items if item.code == code]
        if not items:
            raise Denied
        open_report(ex, Report(FORM_OF["objective"], items[0], found.period))
        return
    say = ex.say
    until = say("evaluation.until", date=ex.day(found.period.last_on))
    lines: list[Line] = [line(bold(say("evaluation.title"))), line(say("evaluation.how")), line(italic(until))]
    shown, following = page_of(found.items, page, LISTED)
    rows: list[tuple[Button, ...]] = []
    for item in shown:
        mark = "✅ " if item.subject in found.sent else ""
        rows.append((Button(cut(f"{mark}{item.code} · {item.title(ex.language)}"), tap(Route.EVALUATE, 0, item.code)),))
    if following is not None:
        rows.append((Button(say("menu.more"), tap(Route.EVALUATE, following)),))
    ex.offer(Card(tuple(lines), (*rows, (home_button(say),))))
