"""One `Incoming`, one unit of work: who is it, may they, what follows.

`Dispatch.handle` is applied by the writer inside the unit of its update; whatever it stores and whatever it
wants said commits together or not at all (G4). A denied or stale act is an outcome like any other: it commits,
so that the update is not tried again.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args

from bot import commands, posts, publishing
from bot.exchange import Denied, Exchange, House
from bot.preferences import contact, only_plan
from bot.reporting import apply, resume
from bot.telegram.handled import Handled, TapAnswer
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
    Said,
    Secondhand,
    Unsupported,
    read,
    read_token,
)
from conversations import safeguards
from conversations.cards import Button, Card, line, paragraph
from conversations.events import Event, Fetched, FetchFailed, Offered, Tap, TapAction, Typed
from conversations.wording import LANGUAGE_NAMES, LANGUAGES, wording
from storage.errors import Conflict, NotFound
from storage.people import OfferedRole
from storage.sessions import StoredSession
from storage.settings import LANGUAGE
from storage.unit_of_work import UnitOfWork

TAP_ACTIONS = frozenset(get_args(TapAction))


class Dispatch:
    """The one door into the house."""

    def __init__(self, house: House) -> None:
        self._house = house

    def handle(self, unit: UnitOfWork, raw: Mapping[str, Any], now: datetime) -> Handled:
        """Turn one update into its consequences. Malformed, if it is not what the Bot API promises."""
        incoming = read(raw)
        if not unit.inbox.first_sight(self._house.bot_id, incoming.update_id, now, chat_id=incoming.chat_id or None):
            return Handled()  # Telegram redelivers
        match incoming.what:
            case Ignored():
                return Handled()
            case Elsewhere(may_leave):
                return self._elsewhere(unit, incoming, now, may_leave=may_leave)
            case _:
                pass
        if incoming.sender is None:
            return Handled()  # on behalf of a chat or a bot: nobody to answer (S4)
        visit = unit.chats.open(incoming.chat_id, incoming.sender.telegram_id)
        ex = Exchange(unit, visit, now, self._house, incoming.sender.telegram_id)
        if isinstance(incoming.what, Pressed):
            ex.query_id = incoming.what.query_id
            ex.tapped_message_id = incoming.what.message_id
        try:
            self._answer(ex, incoming)
        except Denied:
            self._denied(ex)
        except (Conflict, NotFound):
            # Somebody was faster (a colleague sent it, the period was closed): show where things stand now.
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
            commands.menu(fresh)
            ex = fresh
        return _handled(ex)

    def fetched(
        self, unit: UnitOfWork, payload: Mapping[str, Any], chat_id: int, event: Fetched | FetchFailed, now: datetime
    ) -> Handled:
        """Feed the result of a file's download back to the session it was for (DESIGN §3)."""
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
        if visit.chat.session_id == stored.id:
            apply(ex, stored, event)
        return _handled(ex)

    # -------------------------------------------------------------- kinds of updates
    def _answer(self, ex: Exchange, incoming: Incoming) -> None:
        what = incoming.what
        if isinstance(what, Membership):
            if what.is_blocked:
                ex.unit.people.mark_unreachable(ex.telegram_id, ex.now)
            else:
                ex.unit.people.mark_reachable(ex.telegram_id)
            return
        if isinstance(what, Command) and what.name == "start" and what.argument:
            self._redeem(ex, what, incoming)
            return
        if ex.visit.person is None or not ex.has_role:
            self._stranger(ex, incoming)
            return
        if ex.person.is_suspended:
            if ex.unit.people.may_answer_stranger(ex.telegram_id, ex.now):
                ex.notice(ex.say("suspended", contact=contact(ex.unit, ex.language, ex.membership.plan_id)))
            return
        if ex.person.is_unreachable:
            ex.unit.people.mark_reachable(ex.telegram_id)
        if ex.agency_has_left and not _is_one_of(what, _WITHOUT_AN_AGENCY):
            ex.forget_card()
            ex.show(Card((line(ex.say("agencies.refused", agency=ex.agency_code)),)))
            ex.stand(None)
            return
        if not ex.person.has_accepted_privacy and not _is_one_of(what, _BEFORE_PRIVACY):
            commands.privacy(ex, "")
            ex.stand(None)
            return
        match what:
            case Command():
                self._command(ex, what)
            case Pressed():
                self._pressed(ex, what)
            case Said(event):
                self._event(ex, event)
            case Edited(event):
                if ex.visit.session is not None:
                    apply(ex, ex.visit.session, event)
            case Secondhand(origin):
                self._aside(ex, "form.secondhand", origin)
            case Unsupported(origin):
                self._aside(ex, "form.unsupported", origin)
            case _:
                pass

    def _command(self, ex: Exchange, typed: Command) -> None:
        command = commands.find(typed.name)
        ex.forget_card()  # they wrote: the answer belongs below it
        if command is None or not command.is_typed:
            commands.show_help(ex, "unknown")
            return
        self._allowed(ex, command)
        ex.typed_message_id = typed.origin
        command.handler(ex, typed.argument if command.takes_words else "")

    def _pressed(self, ex: Exchange, pressed: Pressed) -> None:
        match read_token(pressed.data):
            case CommandTap(name, argument):
                command = commands.find(name)
                if command is None:
                    raise Denied
                self._allowed(ex, command)
                if not self._is_tapped_on_card(ex):
                    ex.forget_card()  # an older message: it stays, what follows goes below
                command.handler(ex, argument)
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
        """The person's own open session, if that is what the button is of (S3)."""
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
        ex.forget_card()
        if isinstance(event, Offered) and publishing.is_form_file(event) and self._may_publish(ex):
            publishing.receive(ex, event)
            return
        if isinstance(event, Typed):
            name, _, argument = ex.visit.chat.awaits.partition(":")
            command = commands.find(name) if name else None
            if safeguards.emergency(event.text):
                ex.notice(ex.say("err.emergency"))
                return
            ex.typed_message_id = event.origin
            if (command is None or not command.looks_people_up) and ex.names_somebody(
                event.text, strict=command is None
            ):
                return
            if command is not None and command.hears is not None:
                self._allowed(ex, command)
                command.hears(ex, argument, event.text.strip())
                return
        self._stand_anew(ex)

    def _aside(self, ex: Exchange, key: str, origin: int) -> None:
        """Something that cannot be an answer: say so, and show the question again."""
        ex.notice(ex.say(key))
        if ex.visit.session is not None:
            ex.drop_card()
            resume(ex, ex.visit.session, anew=True)

    # -------------------------------------------------------------- doors
    def _allowed(self, ex: Exchange, command: commands.Command) -> None:
        """Denied unless the table lets this role do it, now, here."""
        if not command.allows(ex):
            raise Denied
        if command.reach == "own_agency" and ex.membership.agency_id is None:
            raise Denied

    def _may_publish(self, ex: Exchange) -> bool:
        command = commands.find("publicar")
        return command is not None and command.allows(ex)

    def _denied(self, ex: Exchange) -> None:
        if ex.query_id:
            ex.toast, ex.is_alert = ex.say("denied"), True
        elif ex.visit.membership is not None:
            ex.notice(ex.say("denied"))

    def _stand_anew(self, ex: Exchange) -> None:
        """Where this person stands: the open form, or the menu."""
        if ex.visit.session is not None:
            resume(ex, ex.visit.session, anew=not self._is_tapped_on_card(ex))
        else:
            commands.menu(ex)

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
        membership = ex.unit.invitations.redeem(
            start.argument,
            ex.telegram_id,
            incoming.sender.first_name,
            language,
            ex.now,
            timezone=self._house.timezone,
        )
        if membership is None:
            language = ex.language if ex.visit.person else language
            ex.notice(wording(language)("code_bad", contact=contact(ex.unit, language)))
            return
        if isinstance(membership, OfferedRole):
            posts.offer(ex, membership)
            return
        posts.tell_who_has_come(ex, membership)
        welcomed = ex.unit.chats.open(ex.chat_id, ex.telegram_id)
        fresh = Exchange(ex.unit, welcomed, ex.now, ex.house, ex.telegram_id, deliveries=ex.deliveries)
        rows = tuple((Button(LANGUAGE_NAMES[code], f"command:idioma:{code}"),) for code in LANGUAGES)
        lines = []
        for code in dict.fromkeys((language, *LANGUAGES)):
            lines += [*paragraph(wording(code)("start.welcome")), line("")]
        commands.offer_menu(fresh)
        fresh.show(Card(tuple(lines[:-1]), rows), anew=True)
        fresh.stand(None)

    def _stranger(self, ex: Exchange, incoming: Incoming) -> None:
        """One polite line a day, to whoever has no role here."""
        if isinstance(incoming.what, Membership | Edited):
            return
        if ex.unit.people.may_answer_stranger(ex.telegram_id, ex.now):
            language = self._language_of(ex, incoming)
            ex.notice(wording(language)("stranger", contact=contact(ex.unit, language)))

    def _language_of(self, ex: Exchange, incoming: Incoming) -> str:
        """A newcomer's: their phone's if it is one of ours, else the plan's, else the deployment's."""
        code = incoming.sender.language_code[:2] if incoming.sender else ""
        if code in LANGUAGES:
            return code
        plan_id = only_plan(ex.unit)
        chosen = ex.unit.settings.text(plan_id, LANGUAGE) if plan_id is not None else ""
        return chosen or self._house.language

    def _elsewhere(self, unit: UnitOfWork, incoming: Incoming, now: datetime, *, may_leave: bool) -> Handled:
        """Groups and channels are left, without a word that could name anybody (S4)."""
        if not may_leave:
            return Handled()
        visit = unit.chats.open(incoming.chat_id, 0)
        ex = Exchange(unit, visit, now, self._house, 0)
        ex.post("leaveChat", {}, kind="notice")
        return _handled(ex)


_BEFORE_PRIVACY = frozenset({"idioma"})
"""Until the notice is accepted there are only its own buttons and the language's."""
_WITHOUT_AN_AGENCY = frozenset({"idioma", "misdatos"})
"""Whose agency takes part no more may still see what is kept about them."""


def _is_one_of(what: object, names: frozenset[str]) -> bool:
    """Whether it is one of these commands, or a button of one or of the privacy notice."""
    if isinstance(what, Pressed):
        token = read_token(what.data)
        return isinstance(token, CommandTap) and token.name in names | {"privacidad"}
    found = commands.find(what.name) if isinstance(what, Command) else None
    return found is not None and found.is_typed and found.name in names


def _handled(ex: Exchange) -> Handled:
    answer = TapAnswer(ex.query_id, ex.toast or None, ex.is_alert) if ex.query_id else None
    return Handled(tuple(ex.deliveries), answer)
