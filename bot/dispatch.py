"""Turn one update into its consequences: find out who it is and what they may do, and call the handler.

`Dispatch.handle` is applied by the writer inside the unit of its update. Everything that it stores and says commits
together, or not at all (G4). A denied or stale act commits like any other outcome, so that the update is not tried
again.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, get_args

from bot.acts.people.delegations import link_used
from bot.chat.actor import told
from bot.chat.contact import contact, only_plan
from bot.chat.exchange import Denied, Deployment, Exchange
from bot.chat.permissions import find, permission_of, read_route
from bot.commands import CARE_OF, HANDLERS, HEARS, WORDS
from bot.screens.everyone import edited, unasked, welcome
from bot.screens.people import people, posts
from bot.screens.reports import forms
from bot.screens.reports.filling import apply, take_unseen
from bot.screens.reports.opening import resume
from bot.telegram.handled import Handled, TapAnswer
from bot.telegram.raw import chat_of
from bot.telegram.updates import (
    Command,
    CommandTap,
    Edited,
    Elsewhere,
    FormTap,
    Ignored,
    Incoming,
    Membership,
    Pressed,
    Reworded,
    Said,
    Secondhand,
    Unsupported,
    What,
    read,
    read_token,
    words,
    written,
)
from conversations.card import Button, Card, home_button, line, paragraph
from conversations.languages import LANGUAGES, language_name
from conversations.plan.model import ORDINARY, Care
from conversations.routes import Route, TapAction, read_awaited, read_parts, tap
from conversations.session.events import Event, Fetched, FetchFailed, Located, Offered, Tap, Typed
from conversations.session.reading.utterances import language_of
from conversations.session.reading.wishes import is_statement, leaves
from conversations.session.safeguards.characters import clean, read_name
from conversations.session.safeguards.emergencies import emergency
from conversations.session.safeguards.guard import personal_data, refusal, tells_of_shelter
from conversations.wording import wording
from conversations.xforms.limits import Exhausted
from storage.errors import Conflict, NotFound
from storage.people.joining import OfferedRole
from storage.plan.settings import LANGUAGE
from storage.reports.sessions import StoredSession
from storage.unit_of_work import UnitOfWork

TAP_ACTIONS = frozenset(get_args(TapAction))


class Dispatch:
    """The one place where an update comes in."""

    def __init__(self, house: Deployment) -> None:
        self._house = house

    def handle(self, unit: UnitOfWork, raw: Mapping[str, Any], now: datetime) -> Handled:
        """Turn one update into its consequences. Malformed if it lacks something that the Bot API promises."""
        incoming = read(raw)
        chat_id = incoming.chat_id or None
        if not unit.inbox.first_sight(self._house.bot_id, incoming.update_id, now, chat_id=chat_id):
            return Handled(is_repeated=True)  # Telegram redelivers
        match incoming.what:
            case Ignored():
                return Handled()
            case Elsewhere(may_leave):
                return self._elsewhere(unit, incoming, now, may_leave=may_leave)
            case _:
                pass
        if incoming.sender is None:
            return Handled(is_stranger=True)  # on behalf of a chat or a bot: nobody to answer (S4)
        visit = unit.chats.open(incoming.chat_id, incoming.sender.telegram_id)
        ex = Exchange(unit, visit, now, self._house, incoming.sender.telegram_id)
        if isinstance(incoming.what, Pressed):
            ex.query_id = incoming.what.query_id
            ex.tapped_message_id = incoming.what.message_id
        try:
            self._answer(ex, incoming)
        except Denied:
            self._denied(ex)
        except Exhausted:
            ex.notice(ex.say("form.too_much"))  # its first answer alone exceeds the limits
        except (Conflict, NotFound):
            # Somebody was faster (a colleague sent it, the period was closed): show the present state.
            fresh = Exchange(
                unit,
                unit.chats.open(visit.chat.id, ex.telegram_id),
                now,
                self._house,
                ex.telegram_id,
                ex.query_id,
                ex.tapped_message_id,
                ex.deliveries,
            )
            welcome.menu(fresh)
            ex = fresh
        return _handled(ex)

    def fetched(
        self,
        unit: UnitOfWork,
        payload: Mapping[str, Any],
        chat_id: int,
        take: Callable[[StoredSession], Fetched | FetchFailed | None],
        now: datetime,
    ) -> Handled:
        """Feed the result of a file's download back to the session it was for.

        `take` gives the result, and attaches the file. It is asked only if the sender may still answer in the session.
        """
        visit = unit.chats.open(chat_id, payload["telegram_id"])
        ex = Exchange(unit, visit, now, self._house, payload["telegram_id"])
        try:
            stored = unit.sessions.get(payload["session_id"])
        except NotFound:
            return Handled()
        if visit.person is None or stored.person_id != visit.person.id or stored.state != "open":
            return Handled()
        if visit.person.is_suspended or not ex.has_role or ex.agency_has_left or not ex.is_theirs(stored):
            return Handled()
        if not ex.may_report(stored.subject) or (event := take(stored)) is None:
            return Handled()
        (apply if visit.chat.session_id == stored.id else take_unseen)(ex, stored, event)
        return _handled(ex)

    def apologise(self, unit: UnitOfWork, raw: Mapping[str, Any], now: datetime) -> Handled:
        """Tell the person that their update could not be applied, and what to do. Strangers and groups hear nothing.

        Something has failed, so this method uses as little code as possible. It evaluates no form and does not parse
        the update. It offers a button to go on, instead of the present screen.
        """
        query = raw.get("callback_query")
        said = query or raw.get("message") or raw.get("edited_message")
        chat_id = chat_of(raw)
        sender = said.get("from") if isinstance(said, Mapping) else None
        if chat_id is None or not isinstance(sender, Mapping) or sender.get("id") != chat_id:
            return Handled()
        ex = self._sorry(unit, chat_id, now)
        message_id = said.get("message_id") if query is None and isinstance(said, Mapping) else None
        if type(message_id) is int and not _is_stranger(ex):
            # Neither the guard nor anybody else has read it, so it leaves the chat as what is restricted does.
            unit.restricted.note_written(chat_id, message_id, now, session_id=ex.visit.chat.session_id)
        ex.query_id = str(query.get("id", "")) if isinstance(query, Mapping) else ""
        return _handled(ex)

    def not_fetched(self, unit: UnitOfWork, chat_id: int, now: datetime) -> Handled:
        """Tell the person that the result of their file could not be applied, as `apologise` does."""
        return _handled(self._sorry(unit, chat_id, now))

    def cannot_open(self, unit: UnitOfWork, chat_id: int, now: datetime) -> Handled:
        """Tell the person that their draft cannot be opened just now, and that nothing is lost."""
        ex = Exchange(unit, unit.chats.open(chat_id, chat_id), now, self._house, chat_id)
        if not _is_stranger(ex):
            ex.notice(ex.say("trouble.locked"))
        return _handled(ex)

    def _sorry(self, unit: UnitOfWork, chat_id: int, now: datetime) -> Exchange:
        ex = Exchange(unit, unit.chats.open(chat_id, chat_id), now, self._house, chat_id)
        if not _is_stranger(ex):
            session_id = ex.visit.chat.session_id
            again = (
                home_button(ex.say)
                if session_id is None
                else Button(ex.say("form.continue"), tap(Route.CONTINUE, session_id), "primary")
            )
            ex.pass_on([told(chat_id, Card((line(ex.say("trouble")),), ((again,),)))])
        return ex

    # -------------------------------------------------------------- kinds of updates
    def _answer(self, ex: Exchange, incoming: Incoming) -> None:
        what = incoming.what
        if isinstance(what, Membership):
            if what.is_blocked:
                ex.unit.people.mark_unreachable(ex.telegram_id, ex.now)
            else:
                ex.unit.people.mark_reachable(ex.telegram_id)
                if _is_at_work(ex):
                    self._show_again(ex)  # the question may never have arrived, and what they write would answer it
            return
        if isinstance(what, Command) and what.name == "start" and what.argument:
            if not _is_own_link(ex, what.argument):
                self._redeem(ex, what, incoming)
                return
            ex.delete(what.origin)
            what = replace(what, argument="")
        is_at_work = _is_at_work(ex)
        if not is_at_work and self._is_turned_away(ex, what, incoming):
            return
        if ex.person.is_unreachable:
            ex.unit.people.mark_reachable(ex.telegram_id)
        if not is_at_work and self._is_held_up(ex, what):
            return
        self._note_restricted(ex, what, incoming.quoted)
        match what:
            case Command():
                self._command(ex, what)
            case Pressed():
                self._pressed(ex, what)
            case Said(event, beside):
                if self._withholds(ex, event.origin, beside, is_place=isinstance(event, Located)):
                    self._show_again(ex)
                else:
                    self._event(ex, event)
            case Edited(event, beside):
                if self._withholds(ex, event.origin, beside):
                    return
                if ex.visit.session is not None:
                    apply(ex, ex.visit.session, event)
                elif _is_restricted(ex) or personal_data(event.text, strict=True, known=ex.known()):
                    ex.delete(event.origin)
                else:
                    edited.edited(ex, event.origin, event.text)
            case Reworded(origin, said):
                self._withholds(ex, origin, said)
            case Secondhand(origin, said):
                # Nobody reads it, and what was forwarded may name somebody.
                if _is_restricted(ex) or personal_data(said, strict=True, known=ex.known()):
                    ex.delete(origin)
                self._aside(ex, what)
            case Unsupported(origin, is_contact, said):
                if is_contact or _is_restricted(ex) or personal_data(said, strict=True, known=ex.known()):
                    ex.delete(origin)
                self._aside(ex, what)
            case _:
                pass

    def _is_turned_away(self, ex: Exchange, what: What, incoming: Incoming) -> bool:
        """Whether somebody who may not report now is answered here: in danger, without a role, or suspended."""
        if (cry := _typed(what)) is not None and emergency(cry.text):
            if ex.unit.people.may_tell_the_hotline(ex.telegram_id, ex.now):
                language = ex.language if ex.visit.person is not None else self._language_of(ex, incoming)
                ex.delete(cry.origin)
                ex.notice(wording(language_of(cry.text, language))("err.emergency"))
            return True
        self._forget_unread(ex, what)
        person = ex.visit.person
        if person is None or not ex.has_role:
            self._stranger(ex, incoming)
            return True
        if person.is_suspended:
            if ex.unit.people.may_answer_stranger(ex.telegram_id, ex.now):
                ex.notice(ex.say("suspended", contact=contact(ex.unit, ex.language, ex.membership.plan_id)))
            return True
        return False

    def _is_held_up(self, ex: Exchange, what: What) -> bool:
        """Whether they hear first that their agency has left, or what becomes of their data."""
        if ex.agency_has_left and not _is_one_of(what, _WITHOUT_AN_AGENCY):
            ex.forget_card()
            ex.answer(Card((line(ex.say("agencies.refused", agency=ex.agency_code)),)))
            return True
        if not ex.person.has_accepted_privacy and not _is_one_of(what, _BEFORE_PRIVACY):
            welcome.privacy(ex)
            ex.stand(None)
            return True
        return False

    def _forget_unread(self, ex: Exchange, what: What) -> None:
        """Delete what somebody writes who may not report now, if it seems to name somebody. Nobody reads it.

        They had a form a moment ago, or will have one. Of people whom the bot never met it deletes nothing. Whatever
        somebody writes who is suspended is deleted, and no rule reads it.
        """
        message_id = written(what)
        if ex.visit.person is None or message_id is None:
            return
        is_contact = isinstance(what, Unsupported) and what.is_contact
        if ex.visit.person.is_suspended or is_contact or personal_data(words(what), strict=True, known=ex.known()):
            ex.delete(message_id)

    def _note_restricted(self, ex: Exchange, what: What, quoted: int | None) -> None:
        """Note a message that was written beside something restricted, or quotes it. It is deleted later (S15)."""
        message_id = written(what)
        if message_id is None:
            return
        typed = _typed(what)
        is_quote = quoted is not None and ex.unit.restricted.is_shown_in(ex.chat_id, quoted)
        if is_quote or _is_restricted(ex, typed.text if typed is not None else ""):
            session = ex.visit.session
            ex.unit.restricted.note_written(
                ex.chat_id, message_id, ex.now, session_id=session.id if session is not None else None
            )

    def _withholds(self, ex: Exchange, origin: int, said: str, *, is_place: bool = False) -> bool:
        """Delete a message if words in it that answer nothing seem to name somebody, and tell the person why.

        With `is_place` they are the name of a place on the map.
        """
        if not said:
            return False
        is_strict = ex.visit.session is None or _care(ex).is_read_strictly
        is_shelter = is_place and tells_of_shelter(said)
        kind = "shelter" if is_shelter else personal_data(said, strict=is_strict, known=ex.known())
        if kind is None:
            return False
        ex.delete(origin)
        ex.notice(ex.say(refusal(kind)))
        return True

    def _command(self, ex: Exchange, typed: Command) -> None:
        route = find(typed.name)
        ex.go_below()
        is_read = route is Route.COMMENT and ex.allows(route)  # a comment is read by the rules of what it is about
        unread = "" if is_read else f"{'' if route else typed.name} {typed.argument}\n"
        said = unread + typed.beside
        if said.strip() and personal_data(said, strict=True, known=ex.known()):
            ex.delete(typed.origin)
        if route is None:
            welcome.show_help(ex, key="help.unknown")
            return
        self._check_allowed(ex, route)
        ex.typed_message_id = typed.origin
        if typed.argument and route in WORDS:
            WORDS[route](ex, typed.argument)
        else:
            HANDLERS[route](ex, *(read_parts(route, "") or ()))

    def _pressed(self, ex: Exchange, pressed: Pressed) -> None:
        match read_token(pressed.data):
            case CommandTap(name, argument):
                route = read_route(name)
                if route is None:
                    raise Denied
                self._check_allowed(ex, route)
                parts = read_parts(route, argument)
                if parts is None:
                    raise Denied
                if not self._is_tapped_on_card(ex):
                    ex.go_below()  # an older message: it stays
                HANDLERS[route](ex, *parts)
            case FormTap() as tap:
                self._form_tap(ex, tap)
            case None:
                raise Denied

    def _form_tap(self, ex: Exchange, tap: FormTap) -> None:
        if tap.action not in TAP_ACTIONS:
            raise Denied
        stored = ex.visit.session
        if stored is None or stored.id != tap.session_id:
            other = self._session_of(ex, tap.session_id)
            if other is None:
                ex.toast = ex.say("form.stale")
                self._stand_anew(ex)
                return
            stored = other
        action: TapAction = tap.action  # type: ignore[assignment]
        apply(ex, stored, Tap(tap.turn, action, tap.argument))

    def _session_of(self, ex: Exchange, session_id: int) -> StoredSession | None:
        """The person's open session, if the button belongs to it (S3)."""
        try:
            stored = ex.unit.sessions.get(session_id)
        except NotFound:
            return None
        return stored if stored.person_id == ex.person.id and stored.state == "open" else None

    def _event(self, ex: Exchange, event: Event) -> None:
        stored = ex.visit.session
        if stored is not None:
            apply(ex, stored, event)
            return
        if isinstance(event, Offered) and forms.is_form_file(event) and ex.allows(Route.PUBLISH):
            ex.forget_card()
            forms.receive(ex, event)
            return
        if not isinstance(event, Typed):
            said = f"{event.name}\n{event.caption}" if isinstance(event, Offered) else ""
            if isinstance(event, Offered | Located) and (
                _is_restricted(ex) or personal_data(said, strict=True, known=ex.known())
            ):
                ex.delete(event.origin)
            self._at_rest(ex, event)
            return
        ex.typed_message_id = event.origin
        awaited = read_awaited(ex.visit.chat.awaits)
        if emergency(event.text):
            ex.forget_card()
            ex.delete(event.origin)
            ex.notice(ex.say("err.emergency"))
        elif (
            awaited is None
            or not (typed := clean(event.text))
            or leaves(event.text, ex.language)
            or _is_no_search(ex, awaited[0], event.text)
        ):
            self._at_rest(ex, event)
        else:
            ex.forget_card()
            route, kept = awaited
            if permission_of(route).looks_people_up or not ex.refuses(event.text, _care(ex, event.text)):
                self._check_allowed(ex, route)
                HEARS[route](ex, *kept, typed)

    def _at_rest(self, ex: Exchange, event: Event | Secondhand | Unsupported) -> None:
        """A message that no question asked for. It is answered, but not stored and not logged."""
        asked = unasked.hear(ex, event)
        if asked is not None:
            route, carried = asked
            self._check_allowed(ex, route)
            HANDLERS[route](ex, *(read_parts(route, carried) or ()))

    def _aside(self, ex: Exchange, what: Secondhand | Unsupported) -> None:
        """Something that cannot be an answer: say so, and show the question again."""
        if ex.visit.session is None:
            self._at_rest(ex, what)
            return
        ex.notice(ex.say("form.secondhand" if isinstance(what, Secondhand) else "form.unsupported"))
        self._show_again(ex)

    def _show_again(self, ex: Exchange) -> None:
        """Show the open question again, below what was said about a message. Nothing without an open form."""
        if ex.visit.session is not None:
            ex.drop_card()
            resume(ex, ex.visit.session, anew=True)

    # -------------------------------------------------------------- doors
    def _check_allowed(self, ex: Exchange, route: Route) -> None:
        """Denied unless the table lets this person take the route, now."""
        if not ex.allows(route):
            raise Denied

    def _denied(self, ex: Exchange) -> None:
        if ex.query_id:
            ex.toast, ex.is_alert = ex.say("denied"), True
        elif ex.visit.membership is not None:
            ex.notice(ex.say("denied"))

    def _stand_anew(self, ex: Exchange) -> None:
        """Show again where this person is: the open form, or the menu."""
        if ex.visit.session is not None:
            resume(ex, ex.visit.session, anew=not self._is_tapped_on_card(ex))
        else:
            welcome.menu(ex)

    def _is_tapped_on_card(self, ex: Exchange) -> bool:
        card_id = ex.visit.chat.card_id
        if card_id is None or not ex.query_id or ex.tapped_message_id is None:
            return False
        known = ex.unit.outbox.card_message_id(card_id)
        return known is None or known == ex.tapped_message_id

    def _redeem(self, ex: Exchange, start: Command, incoming: Incoming) -> None:
        """/start CODE: one use, and the message with the code goes (S1). Bad, used and expired read alike."""
        assert incoming.sender is not None
        language = self._language_of(ex, incoming)
        ex.delete(start.origin)
        if ex.visit.person is None and not read_name(incoming.sender.first_name):
            if ex.unit.people.may_answer_stranger(ex.telegram_id, ex.now):
                ex.notice(wording(language)("no_name"))
            return
        membership = ex.unit.joining.redeem(
            start.argument,
            ex.telegram_id,
            incoming.sender.first_name,
            language,
            ex.now,
            timezone=self._house.timezone,
        )
        if membership is None:
            if not _is_stranger(ex) or ex.unit.people.may_answer_stranger(ex.telegram_id, ex.now):
                language = ex.language if ex.visit.person else language
                ex.notice(wording(language)("code_bad", contact=contact(ex.unit, language)))
            return
        if isinstance(membership, OfferedRole):
            posts.offer(ex, membership)
            return
        ex.pass_on(link_used(ex.unit, membership))
        welcomed = ex.unit.chats.open(ex.chat_id, ex.telegram_id)
        ex.visit = welcomed
        fresh = Exchange(ex.unit, welcomed, ex.now, ex.house, ex.telegram_id, deliveries=ex.deliveries)
        rows = tuple((Button(language_name(code), tap(Route.LANGUAGE, code)),) for code in LANGUAGES)
        lines = []
        plan = fresh.unit.plans.by_id(fresh.membership.plan_id)
        for code in dict.fromkeys((language, *LANGUAGES)):
            lines += [*paragraph(welcome.welcome_words(fresh.membership.role, plan, code)), line("")]
        welcome.offer_menu(fresh)
        fresh.answer(Card(tuple(lines[:-1]), rows), anew=True)

    def _stranger(self, ex: Exchange, incoming: Incoming) -> None:
        """One polite line a day, to a person without a role, in the language that they write."""
        if isinstance(incoming.what, Membership | Edited | Reworded):
            return
        if ex.unit.people.may_answer_stranger(ex.telegram_id, ex.now):
            language = self._language_of(ex, incoming)
            if (typed := _typed(incoming.what)) is not None:
                language = language_of(typed.text, language)
            ex.notice(wording(language)("stranger", contact=contact(ex.unit, language)))

    def _language_of(self, ex: Exchange, incoming: Incoming) -> str:
        """A newcomer's language: the phone's if it is one of ours, else the plan's, else the deployment's."""
        code = incoming.sender.language_code if incoming.sender else ""
        for known in (code, code.partition("-")[0]):
            if known in LANGUAGES:
                return known
        plan_id = only_plan(ex.unit)
        chosen = ex.unit.settings.text(plan_id, LANGUAGE) if plan_id is not None else ""
        return chosen or self._house.language

    def _elsewhere(self, unit: UnitOfWork, incoming: Incoming, now: datetime, *, may_leave: bool) -> Handled:
        """Leave groups and channels without a word, because a word could name somebody (S4)."""
        if not may_leave:
            return Handled(is_stranger=True)
        visit = unit.chats.open(incoming.chat_id, 0)
        ex = Exchange(unit, visit, now, self._house, 0)
        ex.post("leaveChat", {}, kind="notice")
        return Handled(tuple(ex.deliveries), is_stranger=True)


_BEFORE_PRIVACY = frozenset({Route.LANGUAGE})
"""Before the privacy notice is accepted, only its own buttons and those of the language work."""
_WITHOUT_AN_AGENCY = frozenset({Route.LANGUAGE, Route.MY_DATA})
"""The routes that remain for people whose agency has left the plan: they see the data stored about them."""


def _is_own_link(ex: Exchange, token: str) -> bool:
    """Whether this person came in by this link and is still here: they tap it again to come back to the bot."""
    return ex.visit.person is not None and ex.has_role and ex.unit.invitations.let_in(token, ex.person.id)


def _is_no_search(ex: Exchange, route: Route, text: str) -> bool:
    """Whether a sentence came where a person was looked for, and finds nobody: it is read as if nothing was asked."""
    return route is Route.PEOPLE and is_statement(text) and not people.who_answer(ex, text)


def _is_restricted(ex: Exchange, text: str = "") -> bool:
    """Whether a message that comes now is written beside a restricted form, or where words about one are awaited."""
    return _care(ex, text).is_restricted


def _care(ex: Exchange, text: str = "") -> Care:
    """Return how a message that comes now is treated, by the form beside which it is written, or by what is awaited."""
    if (stored := ex.visit.session) is not None:
        return Care(stored.sensitive, stored.sensitive or bool(stored.data.get("strict")))
    awaited = read_awaited(ex.visit.chat.awaits)
    if awaited is None or awaited[0] not in CARE_OF:
        return ORDINARY
    route, kept = awaited
    return CARE_OF[route](ex, *kept, text)


def _typed(what: object) -> Typed | None:
    return what.event if isinstance(what, Said) and isinstance(what.event, Typed) else None


def _is_at_work(ex: Exchange) -> bool:
    """Whether this person has a role and has accepted the privacy notice.

    Others get other answers: somebody in danger is answered in both cases.
    """
    if _is_stranger(ex) or ex.agency_has_left:
        return False
    return ex.person.has_accepted_privacy


def _is_one_of(what: object, routes: frozenset[Route]) -> bool:
    """Whether it is one of these commands, a button of one of these routes, or a button of the privacy notice."""
    if isinstance(what, Pressed):
        token = read_token(what.data)
        return isinstance(token, CommandTap) and token.name in routes | {Route.PRIVACY}
    return isinstance(what, Command) and find(what.name) in routes


def _handled(ex: Exchange) -> Handled:
    answer = TapAnswer(ex.query_id, ex.toast or None, ex.is_alert) if ex.query_id else None
    # The list itself: what is said last may still be added (`Exchange.say_last`).
    return Handled(ex.deliveries, answer, _is_stranger(ex))


def _is_stranger(ex: Exchange) -> bool:
    """Whether this person has no role now."""
    return ex.visit.person is None or not ex.has_role or ex.visit.person.is_suspended
