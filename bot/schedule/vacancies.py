"""The message to administrators about posts that nobody holds, before the month in which somebody is needed."""

from collections.abc import Sequence
from datetime import time

from bot.chat.actor import message
from bot.schedule.digests import WEEK
from bot.schedule.job import Job, Message, Moment
from bot.schedule.regular import as_planned, regular
from conversations.card import Button, Card, line
from conversations.plan.calendar.agenda import Recipient
from conversations.plan.messages import digests
from conversations.plan.messages.digest_words import and_more
from conversations.plan.model import Role
from conversations.routes import Route, tap
from conversations.wording import wording
from storage.calendar.figures import Figures
from storage.unit_of_work import UnitOfWork

ADMINS = frozenset({Role.ADMIN})
LISTED = 12


def compose(unit: UnitOfWork, moment: Moment, people: Sequence[Recipient]) -> dict[int, tuple[Message, ...]]:
    """One message about all vacancies, with a button to their list. No message if no post is vacant."""
    zone = unit.plans.zone(moment.plan_id)
    found = Figures(unit).standing(moment.plan_id, moment.now, moment.now - WEEK, zone)
    codes = [each.agency.code for each in digests.vacancies(found)]
    return {who.person_id: (_told(codes, who.language),) for who in people} if codes else {}


def _told(codes: Sequence[str], language: str) -> Message:
    say, count = wording(language), len(codes)
    named = and_more(", ".join(codes[:LISTED]), count - LISTED, say)
    text = say("vacancies.told" if count > 1 else "vacancies.told_one", n=count, agencies=named)
    invite = Button(say("people.vacancies", n=count), tap(Route.PEOPLE, "vacant"), "primary")
    return Message(message(Card((line(text),), ((invite,),))), is_card=True)


VACANCIES = Job(
    "vacancies",
    "digest",
    ADMINS,
    "month:25",
    time(9),
    regular(compose, ADMINS, "no_vacancies"),
    as_planned,
    is_only=True,
)
"""A week before the next month's reports open: time enough to invite somebody."""
