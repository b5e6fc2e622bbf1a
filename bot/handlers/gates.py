"""What is asked of a person with a role before their message is taken.

A gate returns True if it has answered the update, and then no handler is called.
"""

from bot.chat.exchange import Exchange
from bot.chat.permissions import find
from bot.screens.everyone import welcome
from bot.telegram.updates import Command, CommandTap, Incoming, Pressed, read_token
from conversations.card import Card, line
from conversations.routes import Route

_BEFORE_PRIVACY = frozenset({Route.LANGUAGE})
"""Before the privacy notice is accepted, only its own buttons and those of the language work."""
_WITHOUT_AN_AGENCY = frozenset({Route.LANGUAGE, Route.MY_DATA})
"""The routes that remain for people whose agency has left the plan: they see the data stored about them."""


def mark_reachable(ex: Exchange, _: Incoming) -> bool:
    """Note that messages reach a person who writes."""
    if ex.person.is_unreachable:
        ex.unit.people.mark_reachable(ex.telegram_id)
    return False


def refuse_without_agency(ex: Exchange, incoming: Incoming) -> bool:
    """Tell a person that their agency has left the plan."""
    if not ex.agency_has_left or _is_one_of(incoming.what, _WITHOUT_AN_AGENCY):
        return False
    ex.forget_card()
    ex.answer(Card((line(ex.say("agencies.refused", agency=ex.agency_code)),)))
    return True


def ask_for_privacy(ex: Exchange, incoming: Incoming) -> bool:
    """Show a newcomer first what becomes of their data."""
    if ex.person.has_accepted_privacy or _is_one_of(incoming.what, _BEFORE_PRIVACY):
        return False
    welcome.privacy(ex)
    ex.stand(None)
    return True


def _is_one_of(what: object, routes: frozenset[Route]) -> bool:
    """Whether it is one of these commands, a button of one of these routes, or a button of the privacy notice."""
    if isinstance(what, Pressed):
        token = read_token(what.data)
        return isinstance(token, CommandTap) and token.name in routes | {Route.PRIVACY}
    return isinstance(what, Command) and find(what.name) in routes
