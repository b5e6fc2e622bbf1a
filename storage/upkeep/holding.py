"""Hold a database that went back in time: its waiting messages may have been sent already.

A restored copy still believes that it is the moment of the copy. Messages wait that people received long ago, and
reminders seem due that were sent. So one transaction settles everything open and sets the fact `held`. From then on the
bot sends nothing by itself, until somebody who knows what happened releases it. People who write still get replies.
Messages that their acts cause for others wait.

The two statements are plain SQL for both databases. On PostgreSQL they run inside the transaction of `pg_restore`
(storage.upkeep.backups), before anybody can see the restored data.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, bindparam, select, text

from storage.database.facts import HELD
from storage.database.models import Session, Submission, UtcDateTime, table

if TYPE_CHECKING:
    from storage.unit_of_work import UnitOfWork

FACT: Final = HELD
"""Its value is the instant since when it is held (ISO; "" when that is over), dated with the moment of the data."""
LAST_HOURS: Final = timedelta(hours=24)
SETTLED: Final = "restored from a backup"

SETTLE_AND_HOLD: Final = (
    "UPDATE outbox SET state = 'ambiguous', payload = NULL, sealed_payload = NULL, lease_until = NULL, "
    f"settled_at = :now, error = '{SETTLED}' WHERE state IN ('queued', 'sending', 'held')",
    f"UPDATE job SET state = 'cancelled', lease_until = NULL, settled_at = :now, error = '{SETTLED}' "
    "WHERE state IN ('queued', 'working', 'sending')",
    f"DELETE FROM fact WHERE name = '{FACT}'",
    f"INSERT INTO fact (name, value, learnt_at) SELECT '{FACT}', :since, COALESCE(MAX(known.at), :now) FROM ("
    "SELECT MAX(learnt_at) AS at FROM fact WHERE name IN ('vitals', 'lineage') "
    "UNION ALL SELECT MAX(created_at) FROM outbox "
    "UNION ALL SELECT MAX(processed_at) FROM processed_update) AS known",
)
"""The data is as of the last moment that it mentions. `:now` is an instant, `:since` the same as ISO text."""


_S, _B = table(Session), table(Submission)


@dataclass(frozen=True, slots=True)
class Held:
    """A hold: the bot says nothing by itself `since` then; the data is `as_of` an earlier moment."""

    as_of: datetime
    since: datetime


def settle_and_hold(connection: Connection, now: datetime) -> int:
    """Settle everything open in the outbox as ambiguous, and hold. Return how many messages that were."""
    settled = 0
    for statement in SETTLE_AND_HOLD:
        known = {"now": now, "since": now.isoformat()}
        values = {name: value for name, value in known.items() if f":{name}" in statement}
        typed = [bindparam("now", type_=UtcDateTime())] if "now" in values else []
        done = connection.execute(text(statement).bindparams(*typed), values)
        settled += done.rowcount if statement.startswith("UPDATE outbox") else 0
    return settled


def held(unit: "UnitOfWork") -> Held | None:
    """Return since when this database is held; None if it is not."""
    since = unit.facts.get(FACT)
    as_of = unit.facts.learnt_at(FACT) if since else None
    return Held(as_of, datetime.fromisoformat(since)) if since and as_of else None


def release(unit: "UnitOfWork", now: datetime) -> Held | None:
    """Release the database. Return why it was held. None if it was not held."""
    found = held(unit)
    if found is not None:
        unit.facts.set(FACT, "", now)
        unit.outbox.release()
    return found


def concerned(unit: "UnitOfWork", as_of: datetime) -> dict[int, set[int]]:
    """Return plan → the people whose last answers may be lost: they had an open draft, or sent something that day."""
    drafts = select(_S.c.plan_id, _S.c.person_id).where(_S.c.state == "open")
    sent = select(_B.c.plan_id, _B.c.person_id).where(
        _B.c.submitted_at > as_of - LAST_HOURS, _B.c.submitted_at <= as_of, _B.c.person_id.is_not(None)
    )
    found: dict[int, set[int]] = {}
    for statement in (drafts, sent):
        for plan_id, person_id in unit.connection.execute(statement):
            found.setdefault(plan_id, set()).add(person_id)
    return found
