"""One update that is being answered: what its handlers read, and the rows that they leave for delivery.

Nothing is sent from here. Everything that is said is an outbox row of the same unit as the data it speaks of (G5). So
"Guardado" is true whenever it is read.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from bot.chat.actor import Actor, Notification, naming_plan, told
from bot.chat.form_cache import FormCache
from bot.chat.permissions import REPORTERS, allows
from bot.settings import Reach
from bot.telegram import render
from bot.telegram.methods import PROTECTED, makes_message
from bot.telegram.updates import form_head
from conversations.card import Card, line, line_card
from conversations.dates import show_day
from conversations.plan.expected import DueReport
from conversations.plan.model import ANSWERERS, Care, judge_of
from conversations.routes import Part, Route, awaiting
from conversations.session.safeguards.guard import personal_data, refusal
from conversations.session.safeguards.known import NOTHING, Known
from conversations.wording import Wording, wording
from storage.errors import NotFound
from storage.messages.outbox import Kind, OutboxDraft, OutboxRow
from storage.messages.restricted import ALONE, DELETIONS
from storage.people.chats import Visit, VisitMembership, VisitPerson, under_way
from storage.reports.sessions import StoredSession
from storage.reports.submissions import StoredSubmission
from storage.unit_of_work import UnitOfWork

P = ParamSpec("P")
T = TypeVar("T")

BURST = timedelta(seconds=4)
"""A message that comes so soon after another belongs to it: nobody has read an answer in between."""
_OFFERED = re.compile(rf"{Route.HOME}:([0-9]+)?(?:\.([^.]*))?")


class Denied(Exception):
    """This person may not do this, although they have a button for it.

    It is an outcome, not a fault: the unit commits.
    """


def existing(find: Callable[P, T], *asked: P.args, **more: P.kwargs) -> T:
    """Return what a button names. Denied if it is not there: a button proves nothing (S3)."""
    try:
        return find(*asked, **more)
    except NotFound:
        raise Denied from None


def number_of(argument: str) -> int:
    """Read the number that a button carries. Denied if no button of ours carries it: callback data is input (S3)."""
    if not (argument.isascii() and argument.isdecimal() and len(argument) < 18):
        raise Denied
    return int(argument)


@dataclass(frozen=True, slots=True)
class Deployment:
    """The facts about the deployment that handlers need."""

    bot_id: int
    bot_username: Callable[[], str]
    language: str
    timezone: str
    forms: FormCache
    new_instance_id: Callable[[], str]
    reach: Reach = Reach()  # noqa: RUF009
    """Internal networks in which receivers of events may be."""
    origin: str = ""
    """The public address of the data door, without a path; "" while it is shut."""


@dataclass
class Exchange:
    """The update of one chat, inside its unit."""

    unit: UnitOfWork
    visit: Visit
    now: datetime
    house: Deployment
    telegram_id: int
    query_id: str = ""
    tapped_message_id: int | None = None
    deliveries: list[OutboxRow] = field(default_factory=list)
    toast: str = ""
    is_alert: bool = False
    typed_message_id: int | None = None
    """The message with words that were typed outside a form, while a command takes them."""
    filling: int | None = None
    """The session that messages belong to from now on."""
    heard: tuple[int, str] | None = None
    """If the message answers no question: its time, and its album."""
    opening: str = ""
    """Lines that are put above the next card."""
    language: str = field(init=False)
    _card_id: int | None = field(init=False)
    _is_card_restricted: bool = field(init=False)

    def __post_init__(self) -> None:
        visit = self.visit
        if visit.membership is None or not self.has_role:
            visit.membership = under_way(visit.memberships, self.now)
        self._card_id = visit.chat.card_id
        self._is_card_restricted = visit.is_card_restricted
        self.language = visit.person.language if visit.person else self.house.language

    def afresh(self) -> "Exchange":
        """The same exchange with the person, the chat and its session as they are stored now."""
        visit = self.unit.chats.open(self.chat_id, self.telegram_id)
        visit.stand_in(self.visit.membership and self.visit.membership.plan_id)
        return Exchange(
            self.unit,
            visit,
            self.now,
            self.house,
            self.telegram_id,
            self.query_id,
            self.tapped_message_id,
            self.deliveries,
        )

    # -------------------------------------------------------------- who
    @property
    def chat_id(self) -> int:
        return self.visit.chat.id

    @property
    def person(self) -> VisitPerson:
        if self.visit.person is None:
            raise Denied
        return self.visit.person

    @property
    def membership(self) -> VisitMembership:
        if self.visit.membership is None:
            raise Denied
        return self.visit.membership

    @property
    def has_role(self) -> bool:
        """Whether this person has a role now. A role for a time ends on its day."""
        return self.visit.membership is not None and self.visit.membership.is_held(self.today)

    @property
    def is_stranger(self) -> bool:
        """Whether this person has no role now."""
        return self.visit.person is None or not self.has_role or self.visit.person.is_suspended

    @property
    def is_at_work(self) -> bool:
        """Whether this person has a role in an agency of the plan, and has accepted the privacy notice."""
        return not self.is_stranger and not self.agency_has_left and self.person.has_accepted_privacy

    @property
    def agency_has_left(self) -> bool:
        """Whether this person's agency has left the plan. It does not matter for coordinators."""
        return self.membership.has_agency_left(self.today)

    @property
    def is_over(self) -> bool:
        """Whether this person's plan has been closed, and its last day is over."""
        return self.visit.membership is not None and self.visit.membership.is_over(self.today)

    def is_theirs(self, stored: StoredSession) -> bool:
        """Whether a session was begun under a role they still have: in that plan, for that agency."""
        return any((one.plan_id, one.agency_id) == (stored.plan_id, stored.agency_id) for one in self.visit.memberships)

    def expect_theirs(self, sent: StoredSubmission) -> None:
        """Denied unless their agency sent this, in their plan, and they may report about its subject."""
        is_theirs = sent.agency_id == self.membership.agency_id and sent.plan_id == self.membership.plan_id
        if not is_theirs or not self.may_report(sent.subject):
            raise Denied

    def own_submission(self, submission_id: int) -> StoredSubmission:
        """A submission of their agency, by the number that a button carries. Denied if it is not theirs."""
        sent = existing(self.unit.submissions.get, submission_id)
        self.expect_theirs(sent)
        return sent

    @property
    def agency_id(self) -> int:
        if self.membership.agency_id is None:
            raise Denied
        return self.membership.agency_id

    @property
    def agency_code(self) -> str:
        return self.membership.agency_code or ""

    def allows(self, route: Route) -> bool:
        """Whether this person may take this route with the role that they have now. Other routes are not offered."""
        return allows(route, self.membership)

    @property
    def is_reporter(self) -> bool:
        """Whether this person has anything to report. A contributor has indicators only."""
        membership = self.membership
        return membership.role in REPORTERS or membership.is_contributor

    def may_report(self, subject: str | None) -> bool:
        """Whether this person may send this kind of report. For which agency is not asked here."""
        membership = self.membership
        if (judge := judge_of(subject)) is not None:
            return judge == self.person.id and membership.role in ANSWERERS
        if membership.is_contributor:
            return subject is not None and subject.startswith("indicator:")
        return membership.role in REPORTERS

    @property
    def say(self) -> Wording:
        return wording(self.language)

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.visit.person.timezone if self.visit.person else self.house.timezone)

    @property
    def timezone(self) -> str:
        """The zone of the plan. For a stranger, that of the deployment."""
        return self.visit.membership.plan_timezone if self.visit.membership else self.house.timezone

    @property
    def today(self) -> date:
        """The day in the plan's zone: that is where periods open and close."""
        return self.now.astimezone(ZoneInfo(self.timezone)).date()

    def day(self, on: date) -> str:
        """A day in words. Of an instant, the day in this person's zone."""
        return show_day(on.astimezone(self.zone) if isinstance(on, datetime) else on, self.language)

    def due(self, held: VisitMembership | None = None) -> list[DueReport]:
        """The reports that this person's agency still owes and can send, the one that is due first on top.

        In another plan of theirs, if a role is given.
        """
        held = held or self.membership
        if held.agency_id is None:
            raise Denied
        found = self.unit.plans.due(held.plan_id, held.agency_id, held.today(self.now))
        return [report for report in found if report.is_reportable]

    def due_elsewhere(self) -> dict[VisitMembership, list[DueReport]]:
        """The reports about activities that are left in this person's other plans, by their role there."""
        found = {
            held: [report for report in self.due(held) if not report.is_indicator]
            for held in self.visit.memberships
            if held != self.membership and held.role in REPORTERS and held.is_at_work(held.today(self.now))
        }
        return {held: due for held, due in found.items() if due}

    @property
    def actor(self) -> Actor:
        """This person, as the actor of an act."""
        return Actor(
            self.unit,
            self.membership.plan_id,
            self.now,
            self.timezone,
            self.zone,
            self.person.id,
            self.person.name,
        )

    # -------------------------------------------------------------- saying
    def post(
        self,
        method: str,
        payload: dict[str, Any],
        *,
        kind: Kind = "prompt",
        card_id: int | None = None,
        restricted: bool = False,
        sealed: bool = False,
        chat_id: int | None = None,
    ) -> OutboxRow:
        """One call to the Bot API, to be made after the commit; in another chat later, if the database is held.

        What is `restricted` makes no sound, cannot be passed on, and leaves the chat again (S15, S24); on its way it is
        `sealed`, as a link is that must stay.
        """
        own = self.visit.chat.id
        is_elsewhere = chat_id is not None and chat_id != own
        if not is_elsewhere and self.visit.is_in_several:
            title = self.unit.plans.titles(self.language)[self.membership.plan_id]
            payload = render.in_plan(payload, title, self.membership.plan_id)
        if restricted and makes_message(method):
            payload = payload | PROTECTED
        draft = OutboxDraft(
            chat_id=own if chat_id is None else chat_id,
            kind=kind,
            method=method,
            payload=payload,
            card_id=card_id,
            sensitive=restricted or sealed,
            is_restricted=restricted,
            session_id=None if is_elsewhere else self.filling,
            is_for_others=is_elsewhere and method not in DELETIONS,
        )
        row = self.unit.outbox.add(draft, now=self.now)
        if not row.is_held:
            self.deliveries.append(row)
        return row

    def show(
        self,
        card: Card,
        *,
        anew: bool = False,
        session: tuple[int, int] | None = None,
        kind: Kind = "prompt",
        restricted: bool = False,
        sealed: bool = False,
        is_last: bool = False,
    ) -> int:
        """Show a card and return its number. It replaces the present card, or is sent below if `anew`.

        `session` is the (id, turn) that its form buttons carry. With `is_last` the card stays: the next one is sent
        below it, so a receipt is never overwritten. A card with restricted content and one without it never replace
        each other: the present card is deleted first.
        """
        if self.opening:
            card, self.opening = card._replace(lines=(line(self.opening), *card.lines)), ""
        payload = render.message(card, form_head(*session) if session else None)
        if not anew and self._card_id is not None and self._is_card_restricted != restricted:
            self.drop_card()
        # A reply keyboard cannot be put on an edited message (Bot API, editMessageText).
        shown = None if anew or card.asks_place else self._card_id
        method = "sendMessage" if shown is None else "editMessageText"
        if shown is None:
            shown = self.unit.outbox.new_card(self.chat_id)
        self.post(method, payload, kind=kind, card_id=shown, restricted=restricted, sealed=sealed)
        self._is_card_restricted = restricted
        self._card_id = None if is_last else shown
        return shown

    def answer(
        self,
        card: Card,
        *,
        anew: bool = False,
        kind: Kind = "prompt",
        restricted: bool = False,
        sealed: bool = False,
        is_last: bool = False,
    ) -> None:
        """Show a card that asks for nothing: afterwards the chat fills no form, and no command awaits words."""
        self.show(card, anew=anew, kind=kind, restricted=restricted, sealed=sealed, is_last=is_last)
        self.stand(None)

    def offer(self, card: Card) -> None:
        """Show a card that only leads elsewhere, such as the menu.

        It loses its buttons when a card is sent below it.
        """
        self.ask(card, Route.HOME, *(self.heard or ()))

    def ask(self, card: Card, route: Route, *kept: Part, restricted: bool = False) -> None:
        """Show a card that asks for words. The next text that is typed goes to this route, with what it `kept`."""
        self.show(card, restricted=restricted)
        self.stand(None, awaits=awaiting(route, *kept))

    def answer_line(self, text: str) -> None:
        """Answer with one line and the button to the first screen."""
        self.answer(line_card(text, self.say))

    def shrink(self, card: Card, *, restricted: bool = False) -> None:
        """Set the short card that replaces the present one when the next card is sent below it."""
        if self._card_id is not None:
            payload = render.message(card)
            self.post("editMessageText", payload, card_id=self._card_id, restricted=restricted)
            self._card_id = None

    def drop_card(self) -> None:
        """Take the present card out of the chat."""
        if self._card_id is not None:
            row = self.post(ALONE, {}, card_id=self._card_id)
            if self._is_card_restricted:
                self.unit.restricted.card_leaves(self._card_id, row.id)
            self._card_id = None

    def release_keyboard(self, card: Card, *, restricted: bool = False) -> None:
        """Say this below and take the reply keyboard away. A location button does not go by itself."""
        payload = render.message(card)
        payload["reply_markup"] = {"remove_keyboard": True}
        self.post("sendMessage", payload, restricted=restricted)
        self._card_id = None

    def notice(self, text: str) -> None:
        """Send one line as a message that nothing edits later."""
        self.post("sendMessage", render.plain_message(text), kind="notice")

    def tell(self, chat_id: int, card: Card) -> None:
        """Send a message in somebody else's chat. If it has buttons, they can edit it later."""
        self.pass_on([told(chat_id, card)])

    def pass_on(self, news: Iterable[Notification]) -> None:
        """Send an act's notifications to the people concerned."""
        for one in news:
            payload = one.payload
            if one.chat_id != self.chat_id and (plan_id := one.plan_id or self.membership.plan_id):
                payload = naming_plan(self.unit, one.chat_id, payload, plan_id)
            card_id = self.unit.outbox.new_card(one.chat_id) if one.is_card else None
            self.post(one.method, payload, kind="notice", card_id=card_id, sealed=one.sealed, chat_id=one.chat_id)

    def react(self, message_id: int, emoji: str) -> None:
        """Answer a message with a reaction, where a sentence would be too much."""
        payload = {"message_id": message_id, "reaction": [{"type": "emoji", "emoji": emoji}]}
        self.post("setMessageReaction", payload, kind="notice")

    def say_last(self, say: Callable[[], object], session_id: int) -> None:
        """Call `say`, with which this exchange ends: it cleans the chat after this session, and says what is `due`
        (`Unit.say_last`).
        """
        asked = self.unit.restricted.asked_by_left(session_id)
        if (agency_id := self.membership.agency_id) is not None:
            asked += self.unit.plans.asked_by_due(self.membership.plan_id, agency_id, self.today)
        self.unit.say_last(say, asked)

    # -------------------------------------------------------------- taking out of the chat
    def delete(self, message_id: int) -> None:
        """Delete a message of the person, and remember it until Telegram has deleted it."""
        row = self.post(ALONE, {"message_id": message_id}, kind="notice")
        self.unit.restricted.note_written(self.chat_id, message_id, self.now, outbox_id=row.id)

    def clean_chat(self, session_id: int | None = None) -> None:
        """Delete the messages that may not stay in this chat, because its form has ended (S15).

        `session_id`: the form was sent in this unit, and its messages are not due yet (`Sessions.end`).
        """
        restricted = self.unit.restricted
        if session_id is None:
            leaving = restricted.due(self.now, chat_id=self.chat_id)
        else:
            leaving = restricted.left_by(session_id, self.chat_id, self.now)
        for one in leaving:
            row = self.post(one.method, one.payload, kind="notice", card_id=one.card_id)
            restricted.leaves(one, row.id)
            if self._card_id in one.cards:
                self._card_id = None

    def refuses(self, text: str, care: Care) -> bool:
        """Check text that was typed about something of this care. True if it carries personal data; the person is told.

        Then the message is deleted from the chat, and if it is about something restricted, in both cases (S15,
        docs/domain.md#free-text).
        """
        kind = personal_data(text, strict=care.is_read_strictly, known=self.known())
        if self.typed_message_id is not None and (care.is_restricted or kind is not None):
            self.delete(self.typed_message_id)
        if kind is None:
            return False
        self.notice(self.say(refusal(kind)))
        return True

    def known(self) -> Known:
        """The names and numbers of this person's plan: they are no personal data."""
        return self.house.forms.known(self.unit, self.membership.plan_id) if self.visit.membership else NOTHING

    @property
    def has_card(self) -> bool:
        return self._card_id is not None

    @property
    def menu_for(self) -> tuple[int, str] | None:
        """The time and album (`heard`) of the message that the present menu answered. None for other cards.

        (0, "") for a menu that came unasked.
        """
        found = _OFFERED.fullmatch(self.visit.chat.awaits)
        return None if found is None else (int(found[1] or 0), found[2] or "")

    def go_below(self) -> None:
        """Send the next card below, because the person wrote. A menu above loses its buttons: only one menu works.

        Messages within a few seconds count as one message in pieces. They get one answer. It moves below the last of
        them, because people look at the end of the chat.
        """
        menu = self.menu_for
        if menu is not None and self._card_id is not None:
            if self.heard is not None and 0 <= self.heard[0] - menu[0] < BURST.total_seconds():
                self.drop_card()
                return
            self.post("editMessageReplyMarkup", {}, card_id=self._card_id)
        self.forget_card()

    def forget_card(self) -> None:
        """Show the next card below. The present one stays as it is."""
        self._card_id = None

    def return_to_tapped(self) -> bool:
        """Show the next card in place of the message whose button was pressed. False if that message is no card."""
        if self.query_id and self.tapped_message_id is not None:
            card_id = self.unit.outbox.card_at(self.chat_id, self.tapped_message_id)
            if card_id is not None:
                self._card_id = card_id
                self._is_card_restricted = self.unit.restricted.is_card(card_id)
                return True
        return False

    # -------------------------------------------------------------- where the chat stands
    def stand(self, session_id: int | None, *, awaits: str = "") -> None:
        """Record the session that this chat fills and the card that it looks at, if they have changed.

        `awaits` is `command:argument`. The next text that is typed outside a form goes to the `hears` of that command.
        """
        chat = self.visit.chat
        person_id = self.visit.person.id if self.visit.person else None
        changes: dict[str, Any] = {}
        if chat.session_id != session_id:
            changes["session_id"] = session_id
        if chat.card_id != self._card_id:
            changes["card_id"] = self._card_id
        if chat.awaits != awaits:
            changes["awaits"] = awaits
        if person_id is not None and chat.person_id != person_id:
            changes["person_id"] = person_id
        if self.visit.is_in_several and chat.plan_id != self.membership.plan_id:
            changes["plan_id"] = self.membership.plan_id
        if changes:
            self.unit.chats.set(chat.id, **changes)
