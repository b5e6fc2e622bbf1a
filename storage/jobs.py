"""Long work: a row that a worker claims, so that no update waits for it and no crash forgets it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, insert, literal, select, update

from storage.errors import NotFound
from storage.models import Job, table

if TYPE_CHECKING:
    from storage.unit_of_work import UnitOfWork

_J = table(Job)

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)
OPEN = ("queued", "working", "sending")
UNSAY = "unsay"
"""Takes a restricted card out of its chat (S15): the one work that whoever loses a role does not take along."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """A claimed job. `attempts` counts this one, and tells two claims of the same job apart."""

    id: int
    kind: str
    chat_id: int | None
    payload: dict[str, Any] = field(repr=False)
    attempts: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class StoredJob(JobRow):
    """A job as it stands, whoever has it. `error` is why it was given up, or what is in doubt."""

    state: str
    error: str


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
_HOLD = update(_J).where(_MINE).values(lease_until=bindparam("lease"))
_STORED: Any = select(*_ROW, _J.c.state, _J.c.error).order_by(_J.c.id)
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

    def has_work(self, now: datetime, kinds: Collection[str]) -> bool:
        """Whether a job of these kinds can be claimed, was left by a worker that died, or is on its way.

        For a worker to ask through a reader, again and again, before it takes a turn of the writer's.
        """
        is_due = (_J.c.state == "queued") & (_J.c.not_before.is_(None) | (_J.c.not_before <= now))
        is_left = (_J.c.state == "working") & (_J.c.lease_until <= now)
        found = select(literal(1)).where(_J.c.kind.in_(list(kinds)), is_due | is_left | (_J.c.state == "sending"))
        return self._connection.execute(found.limit(1)).first() is not None

    def retry(self, job: JobRow, reason: str, now: datetime, *, tries: int = 8, at: datetime | None = None) -> bool:
        """Again at `at`, or after a pause that doubles each time; given up after `tries`. False as in `settle`."""
        if job.attempts >= tries:
            return self.fail(job, reason, now)
        pause = min(FIRST_PAUSE * 2 ** min(job.attempts - 1, 20), LONGEST_PAUSE)
        return self._change(_AGAIN, job, at=at or now + pause, reason=reason)

    def hold(self, job: JobRow, lease_until: datetime) -> bool:
        """Go on with it. False if the lease ran out and somebody else has it, or it was stopped."""
        return self._change(_HOLD, job, lease=lease_until)

    def requeue_expired(self, now: datetime) -> int:
        """Jobs whose worker died wait for another one. Returns how many."""
        return self._connection.execute(_EXPIRED, {"now": now}).rowcount

    def cancel(self, id: int, now: datetime) -> bool:
        """Drop a job nobody has begun (a revoked export). False if it is being done, or was."""
        done = self._connection.execute(
            update(_J).where(_J.c.id == id, _J.c.state == "queued").values(state="cancelled", settled_at=now)
        )
        return done.rowcount == 1

    def stop(self, id: int, now: datetime) -> bool:
        """Drop a job even while it is being done: whoever does it learns so from `hold`. False if it was done."""
        done = self._connection.execute(
            update(_J)
            .where(_J.c.id == id, _J.c.state.in_(("queued", "working")))
            .values(state="cancelled", settled_at=now, lease_until=None)
        )
        return done.rowcount == 1

    # -------------------------------------------------------------- work whose result is sent
    def get(self, id: int) -> StoredJob:
        """NotFound if there is none, or it was settled so long ago that it is forgotten."""
        found = self._connection.execute(_STORED.where(_J.c.id == id)).first()
        if found is None:
            raise NotFound(f"no job {id}")
        return StoredJob(*found)

    def of_kind(self, kind: str, *, chat_id: int | None = None, states: Collection[str] = OPEN) -> list[StoredJob]:
        """Jobs of a kind that are not over, or in these states, of one chat or of all, oldest first."""
        statement = _STORED.where(_J.c.kind == kind, _J.c.state.in_(list(states)))
        if chat_id is not None:
            statement = statement.where(_J.c.chat_id == chat_id)
        return [StoredJob(*found) for found in self._connection.execute(statement)]

    def note(self, id: int, payload: Mapping[str, Any]) -> None:
        """Keep with it what was not known when it was added."""
        self._connection.execute(update(_J).where(_J.c.id == id).values(payload=dict(payload)))

    def hand_over(self, id: int, payload: Mapping[str, Any]) -> None:
        """What it made is on its way: `sending`, until `over` says what became of it."""
        values = {"state": "sending", "payload": dict(payload), "lease_until": None, "settled_at": None, "error": ""}
        self._connection.execute(update(_J).where(_J.c.id == id).values(**values))

    def over(self, id: int, reason: str, now: datetime) -> None:
        """What it made has arrived (no reason), or may not have, or has not."""
        self._connection.execute(
            update(_J).where(_J.c.id == id, _J.c.state == "sending").values(state="done", settled_at=now, error=reason)
        )

    def waiting(self) -> int:
        """How many jobs nobody has begun."""
        number: int = self._connection.execute(_WAITING).scalar_one()
        return number

    def purge(self, before: datetime) -> int:
        """Forget jobs settled before then."""
        return self._connection.execute(delete(_J).where(_J.c.settled_at < before)).rowcount

    def _change(self, statement: Any, job: JobRow, **values: Any) -> bool:
        return self._connection.execute(statement, {"job_id": job.id, "claim": job.attempts, **values}).rowcount == 1
