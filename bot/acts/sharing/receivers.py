"""Acts on receivers of events: set up, try, pause, resend what they missed, remove.

A receiver gets data for as long as nobody looks. So every admin is notified of a new one, each act is in the audit log,
and its secret is shown once, to the person who set it up.
"""

import secrets
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bot.acts.sharing.addresses import read_address
from bot.acts.sharing.signatures import new_secret
from bot.chat.actor import Actor, Notification, tell_later, told
from bot.settings import Reach
from conversations.card import Button, Card, line
from conversations.plan.model import Role
from conversations.plan.sharing.events import PUBLIC, audiences_of
from conversations.routes import Route, tap
from conversations.wording import Wording, wording
from storage.errors import NotFound
from storage.messages.endpoints import Claimed, NewEndpoint, StoredEndpoint, Target
from storage.messages.outbox import OutboxRow
from storage.unit_of_work import UnitOfWork

TRY: Final = "try_receiver"
LOCKED_LATELY: Final = timedelta(days=3)
"""If an outage delays the notice of a lock, it is sent within these days or not at all."""


def add(
    actor: Actor, address: str, *, audience: str = PUBLIC, kinds: Collection[str], reach: Reach
) -> tuple[StoredEndpoint, str, list[Notification]]:
    """Set up a receiver. Return it with its secret and the notifications for the other admins.

    It is for the public unless another audience is chosen. BadAddress, or Conflict if there are too many.
    """
    url, host = read_address(address, reach)
    secret = new_secret()
    made = actor.unit.endpoints.add(
        actor.plan_id,
        NewEndpoint(Target(url, secret), host, audience=audience, kinds=kinds),
        actor.now,
        by=actor.person_id,
    )

    def added(say: Wording) -> str:
        return say("receivers.told", name=actor.named(say), host=host, audience=say(f"export.audience.{audience}"))

    return made, secret, _tell_admins(actor.unit, actor.plan_id, added, but=actor.person_id)


def _tell_admins(
    unit: UnitOfWork, plan_id: int, words: Callable[[Wording], str], *, but: int | None = None
) -> list[Notification]:
    """Notifications for the plan's admins, in the words of their languages, with a button to the receivers."""
    news = []
    for one in unit.people.with_role(plan_id, Role.ADMIN):
        if one.id != but:
            say = wording(one.language)
            rows = ((Button(say("receivers.look"), tap(Route.RECEIVERS), "primary"),),)
            news.append(told(one.telegram_id, Card((line(words(say)),), rows)))
    return news


def pause(actor: Actor, endpoint: StoredEndpoint) -> bool:
    """Stop calling a receiver. Its events wait. False if it was paused already."""
    return actor.unit.endpoints.pause(endpoint, now=actor.now, by=actor.person_id)


def resume(actor: Actor, endpoint: StoredEndpoint) -> bool:
    """Call a paused receiver again, with its waiting events. False if it was not paused."""
    return actor.unit.endpoints.resume(endpoint, now=actor.now, by=actor.person_id)


def choose(actor: Actor, endpoint: StoredEndpoint, kinds: Collection[str]) -> bool:
    """Send a receiver these kinds of events from now on. Return False if nothing changes."""
    return actor.unit.endpoints.set_kinds(endpoint, kinds, now=actor.now, by=actor.person_id)


def replay(actor: Actor, endpoint: StoredEndpoint, only: Collection[int] | None = None) -> int:
    """Make what could not be delivered wait again: all of it, or `only` these deliveries. Return how many events."""
    return actor.unit.endpoints.replay(endpoint, now=actor.now, by=actor.person_id, only=only)


def remove(actor: Actor, endpoint: StoredEndpoint) -> None:
    """Remove a receiver. It gets nothing more, also nothing that still waits."""
    actor.unit.endpoints.remove(endpoint, now=actor.now, by=actor.person_id)


def ping(actor: Actor, endpoint: StoredEndpoint) -> Claimed:
    """Make an event for this receiver alone, to try it, with an audit entry. It is sent once and is no delivery."""
    actor.unit.endpoints.tried(endpoint, now=actor.now, by=actor.person_id)
    assert endpoint.audience in audiences_of("ping", {})
    return Claimed(
        id=0,
        endpoint_id=endpoint.id,
        tries=1,
        uid=f"evt_{secrets.token_hex(12)}",
        kind="ping",
        data={},
        at=actor.now,
        plan=actor.unit.plans.by_id(actor.plan_id).code,
        audience=endpoint.audience,
        sealed_target=endpoint.sealed_target,
        plan_id=endpoint.plan_id,
        made_at=endpoint.made_at,
    )


def ask_for_ping(actor: Actor, chat_id: int, endpoint: StoredEndpoint) -> None:
    """Have a worker try a receiver, and answer in the chat."""
    payload = {"telegram_id": chat_id, "plan_id": actor.plan_id, "endpoint_id": endpoint.id}
    actor.unit.jobs.add(TRY, payload, actor.now, chat_id=chat_id)


# ------------------------------------------------------------------ what nobody does
def switch_off(unit: UnitOfWork, plan_id: int, endpoint_id: int, now: datetime) -> list[OutboxRow]:
    """Stop calling a receiver that says it is gone for good, until an admin resumes it. Its events wait.

    Return the messages for the admins: none if it is paused or removed already.
    """
    try:
        found = unit.endpoints.get(plan_id, endpoint_id)
    except NotFound:
        return []
    if not unit.endpoints.switch_off(found, now=now):
        return []
    news = _tell_admins(unit, plan_id, lambda say: say("receivers.gone", host=found.host))
    return tell_later(unit, news, now, plan_id)


def locked_lately(unit: UnitOfWork, now: datetime) -> list[tuple[int, str, str]]:
    """Locks of plans with receivers, if they are not recorded yet: plan, period, and the event's number.

    A period locks by its calendar. No act does it, so no act records it.
    """
    found = []
    for plan in unit.plans.all():
        if not unit.endpoints.all(plan.id):
            continue
        today = now.astimezone(ZoneInfo(plan.timezone)).date()
        for period in unit.plans.periods(plan.id):
            if today - LOCKED_LATELY < period.locks_on <= today:
                uid = f"evt_locked_{plan.id}_{period.code}_{period.locks_on:%Y%m%d}"
                if not unit.events.is_recorded(uid):
                    found.append((plan.id, period.code, uid))
    return found


def record_locks(unit: UnitOfWork, now: datetime) -> None:
    """Record these locks; each once, with any number of replicas."""
    for plan_id, code, uid in locked_lately(unit, now):
        unit.events.record("period.locked", plan_id, {"period": code}, now, uid=uid)
