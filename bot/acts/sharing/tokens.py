"""Make, try and revoke tokens of the data door: by an admin in the chat, or at the server."""

from datetime import datetime
from typing import Final

from bot.chat.actor import Actor
from storage.errors import NotFound
from storage.exports.exporters import datasets_for, exporter
from storage.exports.wanted import Wanted
from storage.people.tokens import DataToken, MadeToken
from storage.unit_of_work import UnitOfWork

TRY: Final = "try_token"


def make(actor: Actor, audience: str, name: str = "") -> MadeToken:
    """A new token, with its secret, which is shown now and never again. ValueError, or Conflict."""
    return actor.unit.tokens.make(actor.plan_id, audience, name, actor.now, actor.person_id)


def revoke(actor: Actor, prefix: str) -> DataToken:
    """Refuse a token from the next request on. NotFound if there is none."""
    return actor.unit.tokens.revoke(actor.plan_id, prefix, actor.now, actor.person_id)


def ask_for_reading(actor: Actor, chat_id: int, token: DataToken) -> None:
    """Have a worker read everything that this token reads, and answer in the chat."""
    payload = {"telegram_id": chat_id, "plan_id": actor.plan_id, "prefix": token.prefix}
    actor.unit.jobs.add(TRY, payload, actor.now, chat_id=chat_id)


def readable(unit: UnitOfWork, token: DataToken, now: datetime) -> list[tuple[str, int]]:
    """Read all that this token may read, as the data door does. Return each dataset with its number of rows.

    It does not count as a read of the token, because nothing leaves.
    """
    wanted = Wanted(token.plan_id, unit.plans.zone(token.plan_id).key, now, audience=token.audience)
    return [(dataset, _rows(unit, dataset, wanted)) for dataset in datasets_for(token.audience)]


def _rows(unit: UnitOfWork, dataset: str, wanted: Wanted) -> int:
    used = exporter(dataset, "jsonl", wanted.audience)
    assert used is not None
    assert used.tables is not None
    try:
        extract = used.tables(unit, wanted)
    except NotFound:  # nothing was answered or published yet
        return 0
    return sum(extract.tables[number].is_main for number, _ in extract.rows)
