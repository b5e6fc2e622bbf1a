"""Long work: a row that a worker claims, so that no update waits for it and no crash forgets it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, insert, select, update

from storage.models import Job, table

if TYPE_CHECKING:
    from storage.unit_of_work import UnitOfWork

_J = table(Job)

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class JobRow:
    """A claimed job. `attempts` counts this one, and tells two claims of the same job apart."""

    id: int
    kind: str
    chat_id: int | None
    payload: dict[str, Any] = field(repr=False)
    attempts: int
    created_at: datetime


_ROW = tuple(_J.c[name] for name in JobRow.__slots__)
_ADD = insert(_J).returning(_J.c.id)
_CLAIM = (
    update(_J)
    .where(_J.c.id.in_(bindparam("ids", expanding=True)))
    .values(state="working", lease_until=bindparam("lease"), attempts=_J.c.attempts + 1)
    .returning(*_ROW)
)
_MINE = (_J.c.id == bindparam("job_id")) & (_J.c.attempts == bindparam("claim")) & (_J.c.state == "working")
_SETTLE = (
    update(_J)
    .where(_MINE)
    .values(state=bindparam("new_state"), lease_until=None, settled_at=bindparam("now"), error=bindparam("reason"))
)
_AGAIN = (
    update(_J)
    .where(_MINE)
    .values(state="queued", lease_until=None, not_before=bindparam("at"), error=bindparam("reason"))
)
_EXPIRED = (
    update(_J)
    .where(_J.c.state == "working", _J.c.lease_until <= bindparam("now"))
    .values(state="queued", lease_until=None, error="lease ran out")
)
_WAITING = select(func.count()).where(_J.c.state == "queued")


class Jobs:
    """Work that waits for a worker, is being done, or has been."""

    def __init__(self, unit: "UnitOfWork") -> None:
        self._connection = unit.connection

    def add(
        self,
        kind: str,
        payload: Mapping[str, Any],
        now: datetime,
        *,
        chat_id: int | None = None,
        not_before: datetime | None = None,
    ) -> int:
        """The number of a new job. Its payload holds references, never answers."""
        id: int = self._connection.execute(
            _ADD,
            {
                "kind": kind,
                "chat_id": chat_id,
                "payload": dict(payload),
                "state": "queued",
                "attempts": 0,
                "lease_until": None,
                "not_before": not_before,
                "created_at": now,
                "settled_at": None,
                "error": "",
            },
        ).scalar_one()
        return id

    def claim(
        self, now: datetime, lease_until: datetime, limit: int = 1, *, kinds: Collection[str] | None = None
    ) -> list[JobRow]:
        """Take up to `limit` due jobs, oldest first; no other worker sees them until the lease ends."""
        due = (
            select(_J.c.id)
            .where(_J.c.state == "queued", (_J.c.not_before.is_(None)) | (_J.c.not_before <= now))
            .order_by(_J.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        if kinds is not None:
            due = due.where(_J.c.kind.in_(list(kinds)))
        ids = self._connection.execute(due).scalars().all()
        if not ids:
            return []
        rows = self._connection.execute(_CLAIM, {"ids": list(ids), "lease": lease_until})
        return sorted((JobRow(*found) for found in rows), key=lambda job: job.id)

    def settle(self, job: JobRow, now: datetime) -> bool:
        """Done. False, and nothing changed, if the lease ran out and somebody else has the job."""
        return self._change(_SETTLE, job, new_state="done", now=now, reason="")

    def fail(self, job: JobRow, reason: str, now: datetime) -> bool:
        """Given up; the reason stays for the operator. False as in `settle`."""
        return self._change(_SETTLE, job, new_state="failed", now=now, reason=reason)

    def retry(self, job: JobRow, reason: str, now: datetime, *, tries: int = 8, at: datetime | None = None) -> bool:
        """Again at `at`, or after a pause that doubles each time; given up after `tries`. False as in `settle`."""
        if job.attempts >= tries:
            return self.fail(job, reason, now)
        pause = min(FIRST_PAUSE * 2 ** min(job.attempts - 1, 20), LONGEST_PAUSE)
        return self._change(_AGAIN, job, at=at or now + pause, reason=reason)

    def requeue_expired(self, now: datetime) -> int:
        """Jobs whose worker died wait for another one. Returns how many."""
        return self._connection.execute(_EXPIRED, {"now": now}).rowcount

    def cancel(self, id: int, now: datetime) -> bool:
        """Drop a job nobody has begun (a revoked export). False if it is being done, or was."""
        done = self._connection.execute(
            update(_J).where(_J.c.id == id, _J.c.state == "queued").values(state="cancelled", settled_at=now)
        )
        return done.rowcount == 1

    def waiting(self) -> int:
        """How many jobs nobody has begun."""
        number: int = self._connection.execute(_WAITING).scalar_one()
        return number

    def purge(self, before: datetime) -> int:
        """Forget jobs settled before then."""
        return self._connection.execute(delete(_J).where(_J.c.settled_at < before)).rowcount

    def _change(self, statement: Any, job: JobRow, **values: Any) -> bool:
        return self._connection.execute(statement, {"job_id": job.id, "claim": job.attempts, **values}).rowcount == 1
