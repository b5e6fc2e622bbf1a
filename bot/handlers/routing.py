"""A person takes a route: by a typed command, by a button, or by words with a known meaning."""

from typing import get_args

from bot.chat.exchange import Denied, Exchange
from bot.chat.permissions import find, read_route
from bot.commands import HANDLERS, WORDS
from bot.handlers.guarding import names_somebody
from bot.screens.everyone import welcome
from bot.screens.everyone.in_words import toward
from bot.screens.reports.filling import apply
from bot.screens.reports.opening import resume
from bot.screens.reports.own_plans import offer_elsewhere
from bot.telegram.updates import Command, CommandTap, FormTap, Invited, Pressed, read_token
from conversations.routes import Route, TapAction, read_parts
from conversations.session.events import Tap
from storage.errors import NotFound
from storage.reports.sessions import StoredSession

TAP_ACTIONS = frozenset(get_args(TapAction))


def check_allowed(ex: Exchange, route: Route) -> None:
    """Denied unless the table lets this person take the route, now."""
    if not ex.allows(route):
        raise Denied


def read_for(ex: Exchange, route: Route, carried: str = "") -> tuple[int | str | None, ...]:
    """Read what a route carries. Denied unless this person may take the route, and a button of ours carries this."""
    check_allowed(ex, route)
    parts = read_parts(route, carried)
    if parts is None:
        raise Denied
    return parts


# ------------------------------------------------------------------ commands
def command(ex: Exchange, typed: Command) -> None:
    """Take the route that a command names. If no route has this name, show the help."""
    route = find(typed.name)
    ex.go_below()
    is_read = route is Route.COMMENT and ex.allows(route)  # a comment is read by the rules of what it is about
    unread = "" if is_read else f"{'' if route else typed.name} {typed.argument}\n"
    said = unread + typed.beside
    if said.strip() and names_somebody(ex, said):
        ex.delete(typed.origin)
    if route is None:
        welcome.show_help(ex, key="help.unknown")
        return
    if not ex.allows(route) and offer_elsewhere(ex, lambda there: toward(ex, route) if there.allows(route) else None):
        return
    parts = read_for(ex, route)
    ex.typed_message_id = typed.origin
    if typed.argument and route in WORDS:
        WORDS[route](ex, typed.argument)
    else:
        HANDLERS[route](ex, *parts)


def come_back(ex: Exchange, what: Invited) -> None:
    """The link of somebody who came in by it before leads to the first screen, as /start does."""
    command(ex, Command("start", "", what.origin, what.beside))


# ------------------------------------------------------------------ buttons
def stand_in_its_plan(ex: Exchange, tapped: Pressed) -> None:
    """Let the tap of somebody in several plans act in the plan of its card. Denied if they have no role in it.

    A button that names no plan was shown while they had one: the oldest.
    """
    match read_token(tapped.data):
        case CommandTap(plan_id=int(plan_id)) if ex.visit.memberships:
            if not ex.visit.stand_in(plan_id):
                raise Denied
        case CommandTap() if ex.visit.is_in_several:
            ex.visit.stand_in(ex.visit.memberships[0].plan_id)
        case FormTap(session_id=number) if ex.visit.is_in_several and (stored := _open_session(ex, number)):
            ex.visit.stand_in(stored.plan_id)


def pressed(ex: Exchange, tapped: Pressed) -> None:
    """Take what a button carries. Its data is input, not proof (S3). Denied if no button of ours carries it."""
    match read_token(tapped.data):
        case CommandTap(name, argument):
            route = read_route(name)
            if route is None:
                raise Denied
            parts = read_for(ex, route, argument)
            if not _is_on_card(ex):
                ex.go_below()  # an older message: it stays
            HANDLERS[route](ex, *parts)
        case FormTap() as tap:
            _form_tap(ex, tap)
        case None:
            raise Denied


def _form_tap(ex: Exchange, tap: FormTap) -> None:
    if tap.action not in TAP_ACTIONS:
        raise Denied
    stored = ex.visit.session
    if stored is None or stored.id != tap.session_id:
        stored = _open_session(ex, tap.session_id)
    if stored is None:
        ex.toast = ex.say("form.stale")
        _stand_anew(ex)
        return
    action: TapAction = tap.action  # type: ignore[assignment]
    apply(ex, stored, Tap(tap.turn, action, tap.argument))


def _open_session(ex: Exchange, session_id: int) -> StoredSession | None:
    """The person's open session, if the button belongs to it (S3)."""
    try:
        stored = ex.unit.sessions.get(session_id)
    except NotFound:
        return None
    return stored if stored.person_id == ex.person.id and stored.state == "open" else None


def _stand_anew(ex: Exchange) -> None:
    """Show again where this person is: the open form, or the menu."""
    if ex.visit.session is not None:
        resume(ex, ex.visit.session, anew=not _is_on_card(ex))
    else:
        welcome.menu(ex)


def _is_on_card(ex: Exchange) -> bool:
    """Whether the tapped button is on the present card of this chat."""
    card_id = ex.visit.chat.card_id
    if card_id is None or not ex.query_id or ex.tapped_message_id is None:
        return False
    known = ex.unit.outbox.card_message_id(card_id)
    return known is None or known == ex.tapped_message_id
