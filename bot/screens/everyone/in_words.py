"""What is answered in words where a text leads to no screen: true, complete, and with the way on.

A wish that the bot has no function for ("delete that message", "a victim needs help", "remind me at four") is answered
too: what holds, what the person can do, and who can do the rest.
"""

from collections.abc import Callable, Mapping
from typing import Final

from bot.chat.contact import whom_to_ask
from bot.chat.exchange import Exchange
from conversations.card import Button, Card, cut, home_button, paragraph
from conversations.languages import translated
from conversations.plan.figures.lights import Light
from conversations.routes import Route, RouteTap, read_tap, tap

NAMES: Final[Mapping[Route, str]] = {
    Route.POSTPONE: "remind.tomorrow",
    Route.NOTHING_NEW: "remind.nothing_new",
    Route.LEAVE_POST: "remind.not_me",
    Route.PAUSE: "heard.pause",
    Route.DELEGATE: "heard.delegate",
    Route.EXPLAIN: "remind.explain",
    Route.INDICATOR_DIGEST: "menu.indicators",
    Route.AGENCY_DIGEST: "nav.my_agency",
    Route.LATE: "late.button",
}
"""The labels of these routes' buttons. Other routes have their name in the command menu as the label."""


def offer(ex: Exchange, text: str, buttons: list[Button], *, stays: bool = False) -> None:
    """Answer with these words, the buttons that this person may use (each once), and the way to the menu.

    If it `stays`, no later answer takes its place, however soon the person writes again.
    """
    once = {each.tap: each for each in buttons}.values()
    rows = [(each,) for each in once if isinstance(to := read_tap(each.tap), RouteTap) and ex.allows(to.route)]
    card = Card(paragraph(text), (*rows, (home_button(ex.say),)))
    if stays:
        ex.answer(card, is_last=True)
    else:
        ex.offer(card)


def toward(ex: Exchange, route: Route) -> Button:
    return Button(cut(ex.say(NAMES.get(route, f"command.{route}"))), tap(route))


def people_to_ask(ex: Exchange) -> str:
    return whom_to_ask(ex.unit, ex.language, ex.membership, ex.person.id)


def _access(ex: Exchange, beside: list[Button]) -> None:
    """Answer "I have another phone": say that there is no password, and who gives a new link. An admin makes it."""
    makes_one = [toward(ex, Route.INVITE)] if ex.allows(Route.INVITE) else []
    offer(ex, ex.say("heard.access", people=people_to_ask(ex)), [*makes_one, *beside])


def _wants_somebody(ex: Exchange, beside: list[Button]) -> None:
    offer(ex, ex.say("heard.person", people=people_to_ask(ex)), [toward(ex, Route.EXPLAIN), *beside])


def _colours(ex: Exchange, beside: list[Button]) -> None:
    lights = " · ".join(light.label(ex.language) for light in Light)
    offer(ex, ex.say("heard.colours", lights=lights), [toward(ex, Route.DIGEST), *beside])


def _privacy(ex: Exchange, beside: list[Button]) -> None:
    """Answer "who sees what I write" with the words of the privacy notice."""
    more = Button(ex.say("privacy.more"), tap(Route.PRIVACY, "more"))
    text = ex.say("start.data_notice" if ex.is_reporter else "start.data_notice.reads")
    offer(ex, text, [toward(ex, Route.MY_DATA), more, *beside])


def about(ex: Exchange, beside: list[Button]) -> None:
    """Answer "who is this": a program, why it writes to this person, and who answers for it."""
    role = ex.say(f"role.{ex.membership.role}")
    plan = ex.unit.plans.by_id(ex.membership.plan_id)
    values = {
        "plan": translated(plan.name, ex.language),
        "role": f"{role}, {ex.agency_code}" if ex.agency_code else role,
        "people": people_to_ask(ex),
    }
    offer(ex, ex.say("heard.about", **values), [toward(ex, Route.MY_DATA), toward(ex, Route.HELP), *beside])


def _victim(ex: Exchange, _: list[Button]) -> None:
    """Answer "a victim is here": whom to call, and that nothing about her is written here.

    A wish beside it waits. Her referral is counted later.
    """
    offer(ex, ex.say("heard.victim", people=people_to_ask(ex)), [toward(ex, Route.REFERRALS)], stays=True)


def _erase(ex: Exchange, beside: list[Button]) -> None:
    """Answer "delete that message": nothing was kept here, and what a report has can be corrected there."""
    offer(ex, ex.say("heard.erase", people=people_to_ask(ex)), [toward(ex, Route.HISTORY), *beside])


def _hours(ex: Exchange, beside: list[Button]) -> None:
    """Answer "remind me at four": when notices come, and what of that one can choose."""
    routes = (Route.POSTPONE, Route.PAUSE, Route.PREFERENCES)
    offer(ex, ex.say("heard.hours"), [*(toward(ex, route) for route in routes), *beside])


def _voice(ex: Exchange, beside: list[Button]) -> None:
    """Answer "can I send a voice note": that they are not listened to, and where an audio is kept."""
    offer(ex, ex.say("heard.voice_asked"), [*beside, *([toward(ex, Route.DUE)] if ex.is_reporter else [])])


TOLD: Final[Mapping[str, Callable[[Exchange, list[Button]], None]]] = {
    "access": _access,
    "human": _wants_somebody,
    "colours": _colours,
    "privacy": _privacy,
    "about": about,
    "victim": _victim,
    "erase": _erase,
    "hours": _hours,
    "voice": _voice,
}
"""Meanings that are answered in words, together with buttons for other meanings."""
