"""The actor of an administrative act, and the notifications for the people concerned.

Admins act in the chat, and operators act at the server, where there is no card to answer on. So each act is written
once. It takes the actor, makes the change, and returns notifications. The caller puts them into the outbox. In the chat
they are part of the answer; after a command, the running bot finds them there.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from bot.telegram import render
from conversations.card import Card
from conversations.wording import Wording
from storage.messages.outbox import OutboxDraft, OutboxRow
from storage.unit_of_work import UnitOfWork


class Actor(NamedTuple):
    """The person who acts, with the plan, the time, and the unit in which they act.

    `person_id` None is the server. Days are those of `zone`.
    """

    unit: UnitOfWork
    plan_id: int
    now: datetime
    timezone: str
    zone: ZoneInfo
    person_id: int | None = None
    name: str = ""

    @property
    def today(self) -> date:
        """The day in the plan's zone: that is where periods open and close."""
        return self.now.astimezone(self.plan_zone).date()

    @property
    def plan_zone(self) -> ZoneInfo:
        """The zone of the plan."""
        return ZoneInfo(self.timezone)

    @property
    def oneself(self) -> int:
        """The person, for an act that the server cannot do."""
        assert self.person_id is not None, "only a person does this"
        return self.person_id

    def tell(self, news: "Iterable[Notification]") -> None:
        """Put an act's notifications into the outbox: a command sends nothing itself."""
        tell_later(self.unit, news, self.now, self.plan_id)

    def named(self, say: Wording) -> str:
        """The actor's name as the reader knows it, for the beginning of a sentence."""
        if self.name:
            return self.name
        server = say("links.server")
        return server[:1].upper() + server[1:]


@dataclass(frozen=True, slots=True)
class Notification:
    """One call of the Bot API for somebody's chat. If it is a card, its buttons can edit it later."""

    chat_id: int
    payload: dict[str, Any] = field(repr=False)
    method: str = "sendMessage"
    is_card: bool = False
    sealed: bool = False
    """Whether it is sealed on its way, because it contains a link for its reader only."""
    plan_id: int | None = None
    """The plan that it is about, if it is not the actor's."""


def told(chat_id: int, card: Card, *, sealed: bool = False, plan_id: int | None = None) -> Notification:
    """A message of its own, such as `Exchange.tell` sends."""
    return Notification(chat_id, message(card), is_card=bool(card.rows), sealed=sealed, plan_id=plan_id)


def message(card: Card) -> dict[str, Any]:
    """The payload of `sendMessage` for a card whose buttons are commands."""
    return render.message(card)


def naming_plan(unit: UnitOfWork, chat_id: int, payload: dict[str, Any], plan_id: int) -> dict[str, Any]:
    """Return what somebody is told about a plan. Whoever has a role in another plan, too, reads first which one it is.

    A tap on its buttons acts in that plan. `plan_id` 0: it is about no plan.
    """
    language = unit.people.reads_of_others(chat_id, plan_id) if plan_id else None
    return payload if language is None else render.in_plan(payload, unit.plans.titles(language)[plan_id], plan_id)


def tell_later(unit: UnitOfWork, news: Iterable[Notification], now: datetime, plan_id: int) -> list[OutboxRow]:
    """Put notifications about a plan into the outbox. Return the rows, which the running bot sends.

    Workers feed the rows to the delivery.
    """
    rows = []
    for one in news:
        card_id = unit.outbox.new_card(one.chat_id) if one.is_card else None
        payload = naming_plan(unit, one.chat_id, one.payload, one.plan_id or plan_id)
        draft = OutboxDraft(
            one.chat_id, "notice", one.method, payload, card_id, sensitive=one.sealed, is_for_others=True
        )
        rows.append(unit.outbox.add(draft, now=now))
    return rows
