"""Reminders that somebody sends to many people by hand, and their progress."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
)

from storage.database.models import Base, columns_of
from storage.database.statements import Prepared
from storage.database.unit import Repository


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a broadcast."""

    id: int
    plan_id: int
    person_id: int
    chat_id: int
    card_id: int | None
    shown: str
    total: int
    sent: int
    waiting: int
    is_stopped: bool


_tables = Base.metadata.tables
_fire = _tables["fire"]
_person = _tables["person"]
_broadcast = _tables["broadcast"]
_outbox = _tables["outbox"]
_BROADCASTS = (
    select(
        *columns_of(
            Progress,
            _broadcast,
            chat_id=_person.c.telegram_id,
            sent=func.count().filter(_fire.c.state.in_(("sent", "ambiguous"))),
            waiting=func.count().filter(_fire.c.state == "queued"),
            is_stopped=_broadcast.c.stopped_at.is_not(None),
        )
    )
    .join(_person, _person.c.id == _broadcast.c.person_id)
    .outerjoin(_fire, _fire.c.broadcast_id == _broadcast.c.id)
    .where(_broadcast.c.ended_at.is_(None))
    .group_by(_broadcast.c.id, _person.c.id)
    .order_by(_broadcast.c.id)
)


_LAST = Prepared(select(func.coalesce(func.max(_broadcast.c.id), 0)))


class Broadcasts(Repository):
    """Broadcasts that are not finished."""

    def begin(self, plan_id: int, person_id: int, card_id: int | None, total: int, now: datetime) -> int:
        statement = insert(_broadcast).values(
            plan_id=plan_id, person_id=person_id, card_id=card_id, total=total, begun_at=now
        )
        id: int = self._connection.execute(statement.returning(_broadcast.c.id)).scalar_one()
        return id

    def last(self) -> int:
        """The number of the last broadcast; 0 if there was none."""
        return int(_LAST.first(self._connection, {})[0])

    def going_on(self, id: int | None = None) -> list[Progress]:
        """The broadcasts that are not finished, and their progress."""
        statement = _BROADCASTS if id is None else _BROADCASTS.where(_broadcast.c.id == id)
        return [Progress(*row) for row in self._connection.execute(statement)]

    def change(self, id: int, **values: object) -> None:
        self._connection.execute(update(_broadcast).where(_broadcast.c.id == id).values(**values))

    def stop(self, id: int, now: datetime) -> int:
        """Withdraw the messages of this broadcast that are not being sent yet. Return how many."""
        waiting = select(_fire.c.outbox_id).where(_fire.c.broadcast_id == id, _fire.c.state == "queued")
        dropped = self._connection.execute(
            update(_outbox)
            .where(_outbox.c.id.in_(waiting), _outbox.c.state == literal_column("'queued'"))
            .values(state="undeliverable", payload=None, sealed_payload=None, settled_at=now, error="stopped")
        )
        self.change(id, stopped_at=now)
        stopped = select(_outbox.c.id).where(_outbox.c.id.in_(waiting), _outbox.c.error == literal_column("'stopped'"))
        # Nothing was sent, so the schedule may still send its message for this day.
        self._connection.execute(
            delete(_fire).where(_fire.c.broadcast_id == id, _fire.c.state == "queued", _fire.c.outbox_id.in_(stopped))
        )
        return dropped.rowcount
