"""Somebody comes by the link of an invitation."""

from bot.acts.people.delegations import link_used
from bot.chat.contact import contact
from bot.chat.exchange import Exchange
from bot.handlers.strangers import newcomers_language
from bot.screens.everyone import welcome
from bot.screens.people import posts
from bot.telegram.updates import Incoming, Invited
from conversations.card import Button, Card, Line, line, paragraph
from conversations.languages import LANGUAGES, language_name
from conversations.routes import Route, tap
from conversations.session.safeguards.characters import read_name
from conversations.wording import wording
from storage.people.joining import OfferedRole
from storage.people.people import Membership


def join_by_link(ex: Exchange, incoming: Incoming) -> bool:
    """/start CODE: one use, and the message with the code goes (S1). Bad, used and expired read alike.

    Whoever came in by this link and is still here goes on as after /start.
    """
    what = incoming.what
    if not isinstance(what, Invited):
        return False
    ex.delete(what.origin)
    if ex.visit.person is not None and ex.has_role and ex.unit.invitations.let_in(what.token, ex.person.id):
        return False
    assert incoming.sender is not None
    name, language = incoming.sender.first_name, newcomers_language(ex, incoming.sender)
    if ex.visit.person is None and not read_name(name):
        if ex.unit.people.may_answer_stranger(ex.telegram_id, ex.now):
            ex.notice(wording(language)("no_name"))
        return True
    found = ex.unit.joining.redeem(what.token, ex.telegram_id, name, language, ex.now, timezone=ex.house.timezone)
    match found:
        case None:
            _refuse(ex, language)
        case OfferedRole():
            posts.offer(ex, found)
        case _:
            _welcome(ex, found, language)
    return True


def _refuse(ex: Exchange, language: str) -> None:
    if not ex.is_stranger or ex.unit.people.may_answer_stranger(ex.telegram_id, ex.now):
        language = ex.language if ex.visit.person else language
        ex.notice(wording(language)("code_bad", contact=contact(ex.unit, language)))


def _welcome(ex: Exchange, membership: Membership, language: str) -> None:
    """Say in each language what the bot is for this role, theirs first, and ask for the language."""
    ex.pass_on(link_used(ex.unit, membership))
    fresh = ex.afresh()
    fresh.visit.stand_in(membership.plan_id)
    ex.visit = fresh.visit
    rows = tuple((Button(language_name(code), tap(Route.LANGUAGE, code)),) for code in LANGUAGES)
    lines: list[Line] = []
    plan = fresh.unit.plans.by_id(fresh.membership.plan_id)
    for code in dict.fromkeys((language, *LANGUAGES)):
        lines += [*paragraph(welcome.welcome_words(fresh.membership.role, plan, code)), line("")]
    welcome.offer_menu(fresh)
    fresh.answer(Card(tuple(lines[:-1]), rows), anew=True)
