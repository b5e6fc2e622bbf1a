"""Pauses that somebody asked for: for themselves, or for everybody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    bindparam,
    insert,
    or_,
    select,
    update,
)

from conversations.plan.calendar.agenda import Pause, PauseKind
from storage.database.models import Base, columns_of
from storage.database.statements import Prepared
from storage.database.unit import Repository


@dataclass(frozen=True, slots=True)
class StoredPause:
    id: int
    kind: PauseKind
    person_id: int | None
    from_at: datetime
    until_on: date | None
    by_id: int | None

    @property
    def pause(self) -> Pause:
        return Pause(self.kind, self.from_at, self.until_on, self.person_id)


_tables = Base.metadata.tables
_pause = _tables["pause"]
_OF_PLAN: Any = bindparam("plan_id")
_PAUSES = Prepared(
    select(*columns_of(StoredPause, _pause))
    .where(
        _pause.c.plan_id == _OF_PLAN,
        _pause.c.ended_at.is_(None),
        or_(_pause.c.until_on.is_(None), _pause.c.until_on >= bindparam("since")),
    )
    .order_by(_pause.c.id)
)


class Pauses(Repository):
    """The pauses of a plan."""

    def current(self, plan_id: int, since: date) -> tuple[StoredPause, ...]:
        """The pauses that are not over, or ended after that moment."""
        rows = _PAUSES.rows(self._connection, {"plan_id": plan_id, "since": since})
        return tuple(StoredPause(*row) for row in rows)

    def begin(
        self,
        plan_id: int,
        kind: PauseKind,
        now: datetime,
        until_on: date | None,
        *,
        person_id: int | None,
        by: int | None,
    ) -> None:
        """Begin a pause now. It replaces the same person's (or everybody's) pause of that kind."""
        self.end(plan_id, now, person_id=person_id, kinds=(kind,))
        self._connection.execute(
            insert(_pause).values(
                plan_id=plan_id, kind=kind, person_id=person_id, from_at=now, until_on=until_on, by_id=by
            )
        )

    def end(self, plan_id: int, now: datetime, *, person_id: int | None, kinds: Sequence[PauseKind] = ("own",)) -> bool:
        """End a pause. Returns whether there was one."""
        whose = _pause.c.person_id.is_(None) if person_id is None else _pause.c.person_id == person_id
        done = self._connection.execute(
            update(_pause)
            .where(_pause.c.plan_id == plan_id, whose, _pause.c.kind.in_(kinds), _pause.c.ended_at.is_(None))
            .values(ended_at=now)
        )
        return done.rowcount > 0
