"""A person writes, edits or forwards a message: an answer to the open form, words that are awaited, or neither."""

from bot.chat.exchange import Exchange
from bot.chat.permissions import permission_of
from bot.commands import HANDLERS, HEARS
from bot.handlers import emergencies
from bot.handlers.guarding import care_now, must_go, withholds
from bot.handlers.routing import check_allowed, read_for
from bot.screens.everyone import unasked
from bot.screens.everyone.edited import edited
from bot.screens.people import people
from bot.screens.reports import forms
from bot.screens.reports.filling import apply
from bot.screens.reports.opening import resume
from bot.telegram.updates import Edited, Membership, Reworded, Said, Secondhand, Unsupported
from conversations.routes import Route, read_awaited
from conversations.session.events import Event, Located, Offered, Typed
from conversations.session.reading.wishes import is_statement, leaves
from conversations.session.safeguards.characters import clean
from conversations.session.safeguards.emergencies import emergency


def membership(ex: Exchange, what: Membership) -> None:
    """Note that this person has blocked the bot, or unblocked it."""
    if what.is_blocked:
        ex.unit.people.mark_unreachable(ex.telegram_id, ex.now)
        return
    ex.unit.people.mark_reachable(ex.telegram_id)
    if ex.is_at_work:
        _show_again(ex)  # the question may never have arrived, and what they write would answer it


def said(ex: Exchange, what: Said) -> None:
    """Take a message as the answer to the open form. Without one, it may be what the chat awaits."""
    event = what.event
    if withholds(ex, what.origin, what.beside, is_place=isinstance(event, Located)):
        _show_again(ex)
    elif ex.visit.session is not None:
        apply(ex, ex.visit.session, event)
    elif isinstance(event, Typed):
        _words(ex, event)
    elif isinstance(event, Offered) and forms.is_form_file(event) and ex.allows(Route.PUBLISH):
        ex.forget_card()
        forms.receive(ex, event)
    else:
        if must_go(ex, f"{event.name}\n{event.caption}" if isinstance(event, Offered) else ""):
            ex.delete(event.origin)
        _at_rest(ex, event)


def _words(ex: Exchange, typed: Typed) -> None:
    """Words that were typed outside a form. Somebody in danger is answered first."""
    ex.typed_message_id = typed.origin
    if emergency(typed.text):
        ex.forget_card()
        emergencies.answer(ex, typed, ex.say)
        return
    awaited = _awaited(ex, typed.text)
    if awaited is None:
        _at_rest(ex, typed)
        return
    ex.forget_card()
    route, kept = awaited
    if permission_of(route).looks_people_up or not ex.refuses(typed.text, care_now(ex, typed.text)):
        check_allowed(ex, route)
        HEARS[route](ex, *kept, clean(typed.text))


def _awaited(ex: Exchange, text: str) -> tuple[Route, tuple[int | str | None, ...]] | None:
    """Return the route that awaits these words, and what it stored. None if the words are for something else.

    They are if somebody wants to leave, or says something where a person was looked for.
    """
    awaited = read_awaited(ex.visit.chat.awaits)
    if awaited is None or not clean(text) or leaves(text, ex.language):
        return None
    is_said = awaited[0] is Route.PEOPLE and is_statement(text) and not people.who_answer(ex, text)
    return None if is_said else awaited


def corrected(ex: Exchange, what: Edited) -> None:
    """Take an edited message as a new answer to the open form. Without one, it may have answered a sent report."""
    event = what.event
    if withholds(ex, event.origin, what.beside):
        return
    if ex.visit.session is not None:
        apply(ex, ex.visit.session, event)
    elif must_go(ex, event.text):
        ex.delete(event.origin)
    else:
        edited(ex, event.origin, event.text)


def reworded(ex: Exchange, what: Reworded) -> None:
    """Delete words that answer nothing, if they seem to name somebody."""
    withholds(ex, what.origin, what.said)


def set_aside(ex: Exchange, what: Secondhand | Unsupported) -> None:
    """Something that cannot be an answer: say so, and show the question again. What was forwarded may name somebody."""
    is_contact = isinstance(what, Unsupported) and what.is_contact
    if is_contact or must_go(ex, what.said):
        ex.delete(what.origin)
    if ex.visit.session is None:
        _at_rest(ex, what)
        return
    ex.notice(ex.say("form.secondhand" if isinstance(what, Secondhand) else "form.unsupported"))
    _show_again(ex)


def _at_rest(ex: Exchange, event: Event | Secondhand | Unsupported) -> None:
    """A message that no question asked for. It is answered, but not stored and not logged."""
    asked = unasked.hear(ex, event)
    if asked is not None:
        route, carried = asked
        HANDLERS[route](ex, *read_for(ex, route, carried))


def _show_again(ex: Exchange) -> None:
    """Show the open question again, below what was said about a message. Nothing without an open form."""
    if ex.visit.session is not None:
        ex.drop_card()
        resume(ex, ex.visit.session, anew=True)
