"""Publish a form from the chat: its workbook is sent, checked, and then published or discarded.

A workbook can be anybody's file, and fetching and reading it may take seconds. So neither happens inside an update.
Three jobs do it, each a row that a worker claims (`bot/workers/publishing.py`): `check_form` fetches what was sent and
answers with problems, differences and two buttons; `publish_form` publishes the bundle of a button; `fetch_form` sends
a published workbook back.

What was sent is in the file store under its content's number (a SHA-256). A bundle waits for its sender, and further
files they send are added to it. The store deletes a bundle after a day.
"""

from collections.abc import Iterable
from typing import Final

from bot.chat.actor import Actor
from storage.unit_of_work import UnitOfWork

CHECK, PUBLISH, SEND = "check_form", "publish_form", "fetch_form"
KINDS: Final = (CHECK, PUBLISH, SEND)
TRIES: Final = 3
BUTTON_DIGITS: Final = 32
"""The first digits of a bundle's number: as many as fit on a button."""


def check(actor: Actor, chat_id: int, file_id: str, name: str) -> None:
    """Have a worker fetch and check this file; it answers in the chat."""
    payload = {"telegram_id": chat_id, "plan_id": actor.plan_id, "file_id": file_id, "name": name[:200]}
    actor.unit.jobs.add(CHECK, payload, actor.now, chat_id=chat_id)


def publish(actor: Actor, chat_id: int, sha256: str) -> None:
    """Have a worker publish a bundle that waits."""
    payload = {"telegram_id": chat_id, "plan_id": actor.plan_id, "sha256": sha256}
    actor.unit.jobs.add(PUBLISH, payload, actor.now, chat_id=chat_id)


def send_workbook(actor: Actor, chat_id: int, version_id: int) -> None:
    """Have a worker send the workbook of a published version."""
    actor.unit.jobs.add(
        SEND, {"telegram_id": chat_id, "plan_id": actor.plan_id, "version_id": version_id}, actor.now, chat_id=chat_id
    )


# ------------------------------------------------------------------ what waits for a decision
def wait_for_decision(actor: Actor, numbers: Iterable[str]) -> None:
    """These bundles were checked. Bundles of an earlier check can no longer be published."""
    actor.unit.facts.set(_fact(actor.oneself), " ".join(numbers), actor.now)


def waiting(unit: UnitOfWork, person_id: int) -> tuple[str, ...]:
    """Bundles of this person that were checked and still wait for a decision."""
    return tuple((unit.facts.get(_fact(person_id)) or "").split())


def settle(actor: Actor, sha256: str) -> None:
    """This bundle was published or discarded."""
    wait_for_decision(actor, (number for number in waiting(actor.unit, actor.oneself) if number != sha256))


def _fact(person_id: int) -> str:
    return f"form_upload:{person_id}"
