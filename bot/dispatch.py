"""Turn one update into its consequences: find out who it is and what they may do, and call the handler.

`Dispatch.handle` is applied by the writer inside the unit of its update. Everything that it stores and says commits
together, or not at all (G4). A denied or stale act commits like any other outcome, so that the update is not tried
again.

A new kind of update is a row of `HANDLERS`. What must be true before a handler is called is a row of `GATES`.
"""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import datetime
from typing import Any

from bot.chat.actor import told
from bot.chat.exchange import Denied, Deployment, Exchange
from bot.handlers import emergencies, gates, guarding, joining, messages, routing, strangers
from bot.screens.everyone import welcome
from bot.screens.plan import ending
from bot.screens.reports.filling import apply, take_unseen
from bot.telegram.handled import Handled, TapAnswer
from bot.telegram.raw import chat_of
from bot.telegram.updates import (
    Command,
    Edited,
    Elsewhere,
    Ignored,
    Incoming,
    Invited,
    Membership,
    Pressed,
    Reworded,
    Said,
    Secondhand,
    Unsupported,
    read,
)
from conversations.card import Button, Card, home_button, line
from conversations.routes import Route, tap
from conversations.session.events import Fetched, FetchFailed
from conversations.xforms.limits import Exhausted
from storage.errors import Conflict, NotFound, PlanClosed
from storage.reports.sessions import StoredSession
from storage.unit_of_work import UnitOfWork

GATES: tuple[Callable[[Exchange, Incoming], bool], ...] = (
    joining.join_by_link,  # whoever has a link comes in by it
    emergencies.answer_cry,  # danger comes before the question who somebody is
    guarding.forget_unread,
    strangers.answer_stranger,
    strangers.answer_suspended,
    gates.mark_reachable,
    gates.refuse_without_agency,
    gates.ask_for_privacy,
    guarding.note_restricted,
)
"""What is asked before a handler is called, in this order. The first gate that returns True has answered the update."""

HANDLERS: Mapping[type, Callable[[Exchange, Any], None]] = {
    Command: routing.command,
    Invited: routing.come_back,
    Pressed: routing.pressed,
    Said: messages.said,
    Edited: messages.corrected,
    Reworded: messages.reworded,
    Secondhand: messages.set_aside,
    Unsupported: messages.set_aside,
}
"""The handler of each kind of update that a person causes in their private chat."""


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
        if isinstance(incoming.what, Ignored):
            return Handled()
        if isinstance(incoming.what, Elsewhere):
            return self._leave(unit, incoming.chat_id, now) if incoming.what.may_leave else Handled(is_stranger=True)
        if incoming.sender is None:
            return Handled(is_stranger=True)  # on behalf of a chat or a bot: nobody to answer (S4)
        ex = self._exchange(unit, incoming.chat_id, incoming.sender.telegram_id, now)
        if isinstance(incoming.what, Pressed):
            ex.query_id = incoming.what.query_id
            ex.tapped_message_id = incoming.what.message_id
        try:
            if isinstance(incoming.what, Pressed):
                routing.stand_in_its_plan(ex, incoming.what)
            # Of a plan that has been closed, whatever would be written is undone as a whole.
            with unit.aside() if ex.is_over else nullcontext():
                answer(ex, incoming)
        except PlanClosed:
            ex.deliveries.clear()
            ex = ex.afresh()
            ending.show_closed(ex)
        except Denied:
            _deny(ex)
        except Exhausted:
            ex.notice(ex.say("form.too_much"))  # its first answer alone exceeds the limits
        except (Conflict, NotFound):
            # Somebody was faster (a colleague sent it, the period was closed): show the present state.
            ex = ex.afresh()
            welcome.menu(ex)
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
        ex = self._exchange(unit, chat_id, payload["telegram_id"], now)
        visit = ex.visit
        try:
            stored = unit.sessions.get(payload["session_id"])
        except NotFound:
            return Handled()
        visit.stand_in(stored.plan_id)
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
        if type(message_id) is int and not ex.is_stranger:
            # Neither the guard nor anybody else has read it, so it leaves the chat as what is restricted does.
            unit.restricted.note_written(chat_id, message_id, now, session_id=ex.visit.chat.session_id)
        ex.query_id = str(query.get("id", "")) if isinstance(query, Mapping) else ""
        return _handled(ex)

    def not_fetched(self, unit: UnitOfWork, chat_id: int, now: datetime) -> Handled:
        """Tell the person that the result of their file could not be applied, as `apologise` does."""
        return _handled(self._sorry(unit, chat_id, now))

    def cannot_open(self, unit: UnitOfWork, chat_id: int, now: datetime) -> Handled:
        """Tell the person that their draft cannot be opened just now, and that nothing is lost."""
        ex = self._exchange(unit, chat_id, chat_id, now)
        if not ex.is_stranger:
            ex.notice(ex.say("trouble.locked"))
        return _handled(ex)

    def _sorry(self, unit: UnitOfWork, chat_id: int, now: datetime) -> Exchange:
        ex = self._exchange(unit, chat_id, chat_id, now)
        if not ex.is_stranger:
            session_id = ex.visit.chat.session_id
            again = (
                home_button(ex.say)
                if session_id is None
                else Button(ex.say("form.continue"), tap(Route.CONTINUE, session_id), "primary")
            )
            ex.pass_on([told(chat_id, Card((line(ex.say("trouble")),), ((again,),)))])
        return ex

    def _exchange(self, unit: UnitOfWork, chat_id: int, telegram_id: int, now: datetime) -> Exchange:
        return Exchange(unit, unit.chats.open(chat_id, telegram_id), now, self._house, telegram_id)

    def _leave(self, unit: UnitOfWork, chat_id: int, now: datetime) -> Handled:
        """Leave a group or channel without a word, because a word could name somebody (S4)."""
        ex = self._exchange(unit, chat_id, 0, now)
        ex.post("leaveChat", {}, kind="notice")
        return Handled(tuple(ex.deliveries), is_stranger=True)


def answer(ex: Exchange, incoming: Incoming) -> None:
    """Ask the gates in their order. If none has answered the update, its handler does."""
    if isinstance(incoming.what, Membership):
        messages.membership(ex, incoming.what)  # no gate: people block the bot whoever they are
    elif not any(gate(ex, incoming) for gate in GATES):
        HANDLERS[type(incoming.what)](ex, incoming.what)


def _deny(ex: Exchange) -> None:
    if ex.query_id:
        ex.toast, ex.is_alert = ex.say("denied"), True
    elif ex.visit.membership is not None:
        ex.notice(ex.say("denied"))


def _handled(ex: Exchange) -> Handled:
    answered = TapAnswer(ex.query_id, ex.toast or None, ex.is_alert) if ex.query_id else None
    # The list itself: what is said last may still be added (`Exchange.say_last`).
    return Handled(ex.deliveries, answered, ex.is_stranger)
