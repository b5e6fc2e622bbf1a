"""Long work is a row that a worker claims. So no update waits for it, and no crash loses it.

A job that a dead worker left is a suspect (`storage.messages.suspects`) until a worker has finished it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import ColumnElement, bindparam, case, delete, exists, func, insert, literal, select, tuple_, update

from storage.database.models import Job, Suspect, columns_of, table
from storage.database.statements import Prepared, insert_into
from storage.database.unit import Repository
from storage.errors import NotFound
from storage.messages import rests
from storage.messages.leases import Claim
from storage.messages.outbox import LEASE
from storage.messages.suspects import DEATHS, Suspects

_J = table(Job)
_S = table(Suspect)

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)
AT_ONCE: Final = 5
"""After so many claims, a job that was taken back waits for a while."""
NOBODY: Final = 0
"""The number of no replica."""
CLAIMS: Final = "jobs"
"""The key under which workers claim: two workers of one process never claim at once."""
OPEN = ("queued", "working", "sending")
FILE: Final = "file_id"
"""The name, in a payload, of Telegram's number for a file."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """A claimed job. `attempts` counts this claim, so it distinguishes two claims of the same job.

    `failures` counts the tries before this one that failed. Only these use up the tries that a job has.
    """

    id: int
    kind: str
    chat_id: int | None
    payload: dict[str, Any] = field(repr=False)
    attempts: int
    failures: int
    created_at: datetime
    deaths: int | None = field(default=None, kw_only=True)
    """How often the process died while this job was tried as a suspect."""

    @property
    def tries(self) -> int:
        """The number of this try, if those before it count that failed."""
        return self.failures + 1

    @property
    def is_deadly(self) -> bool:
        """Whether the job must not be begun again. Then it fails, and its person is told."""
        return self.deaths is not None and self.deaths >= DEATHS


@dataclass(frozen=True, slots=True)
class StoredJob(JobRow):
    """The present state of a job. `error` is the reason why it was given up, or the part that is in doubt."""

    state: str
    error: str


_ROW = columns_of(JobRow, _J)
_ADD = insert(_J).returning(_J.c.id)
_CLAIM = (
    update(_J)
    .where(_J.c.id.in_(bindparam("ids", expanding=True)))
    .values(state="working", lease_until=bindparam("lease"), attempts=_J.c.attempts + 1, owner=bindparam("replica"))
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
    .values(
        state="queued",
        lease_until=None,
        not_before=bindparam("at"),
        error=bindparam("reason"),
        failures=_J.c.failures + bindparam("failed"),
    )
)
_AS_ANOTHER_KIND = (
    update(_J)
    .where(_MINE)
    .values(state="queued", kind=bindparam("new_kind"), lease_until=None, not_before=None, error=bindparam("reason"))
)
_HOLD = update(_J).where(_MINE).values(lease_until=bindparam("lease"))
_IS_HELD = select(literal(1)).where(_MINE)
_STORED: Any = select(*columns_of(StoredJob, _J)).order_by(_J.c.id)
_LEASED = Prepared(
    select(_J.c.id, _J.c.attempts, _J.c.lease_until).where(
        _J.c.state == "working", _J.c.owner.is_distinct_from(bindparam("replica", type_=_J.c.owner.type))
    )
)
_IS_EXPIRED = (_J.c.state == "working") & tuple_(_J.c.id, _J.c.attempts, _J.c.lease_until).in_(
    bindparam("claims", expanding=True)
)
_EXPIRED = update(_J).where(_IS_EXPIRED).values(state="queued", lease_until=None, error="lease ran out")
_GIVEN_BACK = (
    update(_J)
    .where(_J.c.state == "working", _J.c.owner == bindparam("replica"))
    .values(state="queued", lease_until=None, error="its process was stopped")
    .returning(_J.c.id)
)
_TAKEN_BACK = (
    update(_J)
    .where(_J.c.state == "working", _J.c.owner == bindparam("replica"))
    .where(_J.c.kind.in_(bindparam("kinds", expanding=True)))
    .values(state="queued", lease_until=None, error="the database was away")
    .returning(_J.c.id, _J.c.attempts)
)
_IS_ORPHANED = (_J.c.state == "working") & _J.c.owner.in_(bindparam("owners", expanding=True))
_ORPHANED = update(_J).where(_IS_ORPHANED).values(state="queued", lease_until=None, error="its process ended")
_SAME = (_S.c.kind == "job") & (_S.c.bot_id == 0) & (_S.c.number == _J.c.id)
_OTHER, _OTHERS_MARK = _J.alias(), _S.alias()
_IS_ANOTHER_AT_WORK = exists().where(
    _OTHERS_MARK.c.kind == "job", _OTHERS_MARK.c.number == _OTHER.c.id, _OTHER.c.state == "working"
)
_IS_DUE = (_J.c.state == "queued") & rests.is_over(_J.c.not_before)
_IS_LEFT = (_J.c.state == "working") & (_J.c.owner == bindparam("replica", type_=_J.c.owner.type))
_KINDS_WITH_WORK = Prepared(select(_J.c.kind).where(_IS_DUE | _IS_LEFT | (_J.c.state == "sending")).distinct())
_WAITING = select(func.count()).where(_J.c.state == "queued")


class Jobs(Repository):
    """Jobs that wait, are being done, or have ended."""

    def add(
        self,
        kind: str,
        payload: Mapping[str, Any],
        now: datetime,
        *,
        chat_id: int | None = None,
        not_before: datetime | None = None,
    ) -> int:
        """Add a job; return its number. Its payload holds references, never answers."""
        id: int = self._connection.execute(
            _ADD,
            {
                "kind": kind,
                "chat_id": chat_id,
                "payload": dict(payload),
                "state": "queued",
                "attempts": 0,
                "failures": 0,
                "lease_until": None,
                "not_before": not_before,
                "created_at": now,
                "settled_at": None,
                "error": "",
            },
        ).scalar_one()
        return id

    def claim(
        self,
        now: datetime,
        lease_until: datetime,
        limit: int = 1,
        *,
        kinds: Collection[str] | None = None,
        used: Mapping[int, float] = MappingProxyType({}),
    ) -> list[JobRow]:
        """Take up to `limit` due jobs, oldest first; no other worker sees them until the lease ends.

        With `used`, the jobs of the chats that have used least come first; a chat that is not in it has used nothing.

        Of the jobs that dead workers left, only one is claimed at a time, and its mark says that it is being tried.
        """
        due = (
            select(_J.c.id, _S.c.deaths)
            .select_from(_J.outerjoin(_S, _SAME))
            .where(_IS_DUE)
            .where(_S.c.deaths.is_(None) | ~_IS_ANOTHER_AT_WORK)
            .order_by(*_least_used(used), _J.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True, of=_J)
        )
        if kinds is not None:
            due = due.where(_J.c.kind.in_(list(kinds)))
        moments = rests.at(now, rests.LONGEST_REFUSAL)
        found: dict[int, int | None] = {row.id: row.deaths for row in self._connection.execute(due, moments)}
        suspects = [id for id, deaths in found.items() if deaths is not None]
        for id in suspects[1:]:  # one at a time
            del found[id]
        if not found:
            return []
        for id in suspects[:1]:
            grows = not self._unit.of(Suspects).is_an_update_killing()
            self._unit.of(Suspects).mark("job", 0, [id], (found[id] or 0) + grows, now)
        values = {"ids": list(found), "lease": lease_until, "replica": self._unit.replica_id}
        rows = self._connection.execute(_CLAIM, values)
        return sorted((JobRow(*row, deaths=found[row.id]) for row in rows), key=lambda job: job.id)

    def settle(self, job: JobRow, now: datetime) -> bool:
        """Settle a job as done. False, and nothing changed, if the lease ran out and another worker has it."""
        return self._end(job, "done", now, "")

    def fail(self, job: JobRow, reason: str, now: datetime) -> bool:
        """Give a job up. The reason stays for the operator. False as in `settle`."""
        return self._end(job, "failed", now, reason)

    def kinds_with_work(self, now: datetime) -> list[str]:
        """Return the kinds of which a job can be claimed, or taken back (`take_back`), or its result is being sent."""
        values = {"replica": self._unit.replica_id, **rests.at(now, rests.LONGEST_REFUSAL)}
        return [kind for (kind,) in _KINDS_WITH_WORK.rows(self._connection, values)]

    def retry(self, job: JobRow, reason: str, now: datetime, *, tries: int = 8, at: datetime | None = None) -> bool:
        """Count a failure and try again at `at`, or after a pause that doubles. Give up after `tries` that failed.

        False as in `settle`.
        """
        if job.tries >= tries:
            return self.fail(job, reason, now)
        return self._change(_AGAIN, job, at=at or now + _pause(job.tries), reason=reason, failed=1)

    def put_back(self, job: JobRow, reason: str, *, at: datetime | None = None) -> bool:
        """Queue a job again that was not done and did not fail: its process stops, or it must wait until `at`.

        False as in `settle`.
        """
        return self._change(_AGAIN, job, at=at, reason=reason, failed=0)

    def set_aside(self, job: JobRow, kind: str, reason: str) -> bool:
        """Queue a job again as one of another kind, for another worker. False as in `settle`."""
        return self._change(_AS_ANOTHER_KIND, job, new_kind=kind, reason=reason)

    def hold(self, job: JobRow, lease_until: datetime) -> bool:
        """Extend the lease. False if it ran out and another worker has the job, or the job was stopped."""
        return self._change(_HOLD, job, lease=lease_until)

    def is_held(self, job: JobRow) -> bool:
        """Whether this claim of a job still holds: nobody has taken the job over or stopped it."""
        return self._connection.execute(_IS_HELD, {"job_id": job.id, "claim": job.attempts}).first() is not None

    def take_back(self, kinds: Collection[str], now: datetime) -> int:
        """Queue the jobs of these kinds again that this replica has claimed. Return how many.

        Call it for a worker that has no job in hand. If the database fails during a job, or before it confirms a claim,
        nobody works on the job any more. The job can be claimed again at once; one that was claimed often waits for a
        pause that doubles. The process did not die of it, so a mark is removed.
        """
        if self._unit.replica_id is None:
            return 0
        values = {"replica": self._unit.replica_id, "kinds": list(kinds)}
        found = self._connection.execute(_TAKEN_BACK, values).all()
        for id, attempts in found:
            self._unit.of(Suspects).clear("job", 0, id)
            if attempts > AT_ONCE:
                at = now + _pause(attempts - AT_ONCE)
                self._connection.execute(update(_J).where(_J.c.id == id).values(not_before=at))
        return len(found)

    def leased(self) -> list[Claim]:
        """Return the claims of jobs that other replicas than this one hold.

        What this one has in hand, it has in hand. See `take_back` for the rest.
        """
        values = {"replica": self._unit.replica_id or NOBODY}
        return [Claim(row.id, row.attempts, row.lease_until, LEASE) for row in _LEASED.rows(self._connection, values)]

    def requeue_expired(self, claims: Collection[Claim]) -> int:
        """Queue the jobs of these claims again: their replica died, or stands still. Return how many.

        A claim that its worker has renewed or given up since is left alone.
        """
        if not claims:
            return 0
        values = {"claims": [claim.key for claim in claims]}
        self._suspect(_IS_EXPIRED, **values)
        return self._connection.execute(_EXPIRED, values).rowcount

    def give_back(self, replica: int | None) -> None:
        """Queue the jobs again that this replica was doing when it was told to stop.

        It did not die of them: of three such ends, a job was set aside as one that kills.
        """
        for id in self._connection.execute(_GIVEN_BACK, {"replica": replica}).scalars().all():
            self._unit.of(Suspects).clear("job", 0, id)

    def take_over(self, owners: Collection[int]) -> int:
        """Queue the jobs again that these ended replicas were doing. Returns how many."""
        self._suspect(_IS_ORPHANED, owners=list(owners))
        return self._connection.execute(_ORPHANED, {"owners": list(owners)}).rowcount

    def _suspect(self, are_left: ColumnElement[bool], **values: Any) -> None:
        """Mark the jobs that a worker began and did not finish. The mark does not count a death yet."""
        left = select(literal("job"), literal(0), _J.c.id, literal(0), _J.c.created_at).where(are_left)
        names = ("kind", "bot_id", "number", "deaths", "marked_at")
        self._connection.execute(
            insert_into(self._connection, _S).from_select(names, left).on_conflict_do_nothing(), values
        )

    def cancel(self, id: int, now: datetime) -> bool:
        """Drop a job that nobody has begun (a revoked export). False if it is being done, or was done."""
        done = self._connection.execute(
            update(_J).where(_J.c.id == id, _J.c.state == "queued").values(state="cancelled", settled_at=now)
        )
        return done.rowcount == 1

    def stop(self, id: int, now: datetime) -> bool:
        """Drop a job even while it is being done: its worker notices at `hold`. False if it was done."""
        done = self._connection.execute(
            update(_J)
            .where(_J.c.id == id, _J.c.state.in_(("queued", "working")))
            .values(state="cancelled", settled_at=now, lease_until=None)
        )
        return done.rowcount == 1

    # -------------------------------------------------------------- work whose result is sent
    def get(self, id: int) -> StoredJob:
        """Return a job. NotFound if there is none, or if it was settled so long ago that it was deleted."""
        found = self._connection.execute(_STORED.where(_J.c.id == id)).first()
        if found is None:
            raise NotFound(f"no job {id}")
        return StoredJob(*found)

    def of_kind(self, kind: str, *, chat_id: int | None = None, states: Collection[str] = OPEN) -> list[StoredJob]:
        """Return the jobs of a kind that have not ended, or are in these states, oldest first."""
        statement = _STORED.where(_J.c.kind == kind, _J.c.state.in_(list(states)))
        if chat_id is not None:
            statement = statement.where(_J.c.chat_id == chat_id)
        return [StoredJob(*found) for found in self._connection.execute(statement)]

    def note(self, id: int, payload: Mapping[str, Any]) -> None:
        """Store with a job something that was not known when it was added."""
        self._connection.execute(update(_J).where(_J.c.id == id).values(payload=dict(payload)))

    def hand_over(self, id: int, payload: Mapping[str, Any]) -> None:
        """Set a job to `sending`: its documents are on their way, until `over` records the outcome."""
        values = {"state": "sending", "payload": dict(payload), "lease_until": None, "settled_at": None, "error": ""}
        self._connection.execute(update(_J).where(_J.c.id == id).values(**values))
        self._unit.of(Suspects).clear("job", 0, id)

    def over(self, id: int, reason: str, now: datetime) -> bool:
        """End a job: its documents arrived (no reason), did not arrive, or perhaps did.

        False, and nothing changed, if another replica has ended it: then it has also told its person.
        """
        done = self._connection.execute(
            update(_J).where(_J.c.id == id, _J.c.state == "sending").values(state="done", settled_at=now, error=reason)
        )
        return done.rowcount == 1

    def waiting(self) -> int:
        """Return how many jobs wait."""
        number: int = self._connection.execute(_WAITING).scalar_one()
        return number

    def purge(self, before: datetime) -> int:
        """Forget jobs settled before then."""
        return self._connection.execute(delete(_J).where(_J.c.settled_at < before)).rowcount

    def _end(self, job: JobRow, state: str, now: datetime, reason: str) -> bool:
        """End a job, and forget how its file is fetched from Telegram.

        With the bot's token, it would open a restricted file, also a refused one, to whoever has an old backup.
        """
        is_ours = self._change(_SETTLE, job, new_state=state, now=now, reason=reason)
        if is_ours and FILE in job.payload:
            self.note(job.id, {name: value for name, value in job.payload.items() if name != FILE})
        return is_ours

    def _change(self, statement: Any, job: JobRow, **values: Any) -> bool:
        done = self._connection.execute(statement, {"job_id": job.id, "claim": job.attempts, **values}).rowcount == 1
        if done and job.deaths is not None and statement is not _HOLD:
            self._unit.of(Suspects).clear("job", 0, job.id)
        return done


def _least_used(used: Mapping[int, float]) -> list[ColumnElement[Any]]:
    if not used:
        return []
    return [case({chat_id: round(seconds, 1) for chat_id, seconds in used.items()}, value=_J.c.chat_id, else_=0.0)]


def _pause(attempts: int) -> timedelta:
    doubled: timedelta = FIRST_PAUSE * 2 ** min(attempts - 1, 20)
    return min(doubled, LONGEST_PAUSE)
