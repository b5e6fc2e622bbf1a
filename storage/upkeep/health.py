"""The state of the database: the few numbers that an operator wants first, each from an index or a small table."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import case, func, select, text

from storage.database.models import Job, KeptUpdate, OutboxMessage, PoisonUpdate, Session, table
from storage.messages.outbox import REPLIES

if TYPE_CHECKING:
    from storage.unit_of_work import UnitOfWork

A_WHILE = timedelta(minutes=1)
"""A call that failed is made again within it."""

_O, _J, _S, _X, _K = (table(each) for each in (OutboxMessage, Job, Session, PoisonUpdate, KeptUpdate))
_IS_REPLY = _O.c.kind.in_(REPLIES)


@dataclass(frozen=True, slots=True)
class Health:
    """The figures of one moment. `oldest_at` is since when the oldest message waits that may be sent."""

    kind: str
    bytes: int
    revision: str
    waiting: int
    oldest_at: datetime | None
    jobs_waiting: int
    jobs_failed: int
    drafts: int
    poisoned: int
    kept: int = 0
    kept_since: datetime | None = None
    """Since when the oldest kept update waits for its turn."""
    silenced: int = 0
    """How many chats have replies that Telegram does not take yet."""
    silenced_until: datetime | None = None
    """When it takes the last of them."""
    takes_writes: bool = True
    """Whether the server lets anybody write: not after a failover to a copy, nor if an operator has said so."""


_TAKES_WRITES = "SELECT current_setting('default_transaction_read_only') = 'off' AND NOT pg_is_in_recovery()"


def health(unit: "UnitOfWork", now: datetime) -> Health:
    """Return the state now. Failures, and updates that were set aside, are those of the last week."""
    connection = unit.connection
    week = now - timedelta(days=7)
    size = (
        "SELECT pg_database_size(current_database())"
        if unit.is_postgresql
        else "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    )
    is_open = _O.c.state.in_(("queued", "sending"))
    is_due = is_open & ((_O.c.not_before.is_(None)) | (_O.c.not_before <= now))

    # What was not to be sent before the morning has not waited since the evening.
    waits_since = case((_O.c.attempts == 0, func.coalesce(_O.c.not_before, _O.c.created_at)), else_=_O.c.created_at)

    # A reply waits for nothing else: what is not to be sent before the morning was never tried.
    is_silenced = (_O.c.state == "queued") & _IS_REPLY & (_O.c.attempts > 0) & (_O.c.not_before > now + A_WHILE)

    def count(column: object, *which: object) -> int:
        number: int = connection.execute(select(func.count(column)).where(*which)).scalar_one()  # type: ignore[arg-type]
        return number

    return Health(
        "PostgreSQL" if unit.is_postgresql else "SQLite",
        int(connection.execute(text(size)).scalar_one()),
        str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()),
        count(_O.c.id, is_open),
        connection.execute(select(func.min(waits_since, type_=_O.c.created_at.type)).where(is_due)).scalar_one(),
        count(_J.c.id, _J.c.state == "queued"),
        count(_J.c.id, _J.c.state == "failed", _J.c.settled_at > week),
        count(_S.c.id, _S.c.state == "open"),
        count(_X.c.id, _X.c.set_aside_at > week),
        count(_K.c.id),
        connection.execute(select(func.min(_K.c.kept_at))).scalar_one(),
        count(_O.c.chat_id.distinct(), is_silenced),
        connection.execute(select(func.max(_O.c.not_before)).where(is_silenced)).scalar_one(),
        not unit.is_postgresql or bool(connection.execute(text(_TAKES_WRITES)).scalar_one()),
    )
