"""Receivers outside, and the events that each of them must still get.

A receiver may be down for a weekend, may answer yes and keep nothing, or may take a minute for each call. So an event
is a row for each receiver, which waits until that receiver has confirmed it:

    waiting ──2xx──▶ delivered
      ▲  │ anything else: again after a pause that doubles (`PAUSES`, three days in all)
      │  ▼
      └─ dead, once the pauses are used up; `replay` has it wait anew

A receiver that says it is gone for good is switched off: paused, and what it was told last waits with the rest.

In one lane (a report, a period, the plan) only the first waiting event may be claimed. So the events of a report arrive
in order. An event that cannot be delivered delays its own report alone, until it is dead.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import bindparam, case, delete, exists, func, insert, literal_column, select, tuple_, update

from storage.database.audit import Act, Audit
from storage.database.marks import receiver_mark
from storage.database.models import Endpoint, Event, EventDelivery, Plan, columns_of, table
from storage.database.statements import Prepared
from storage.database.unit import Repository
from storage.database.vault import Vault
from storage.errors import Conflict, NotFound
from storage.messages import rests
from storage.messages.leases import Claim
from storage.messages.outbox import LEASE

_EP, _E, _D, _P = table(Endpoint), table(Event), table(EventDelivery), table(Plan)
_BEFORE = table(EventDelivery).alias("before")

MOST: Final = 10
"""Receivers of one plan. Every act costs time for each of them."""
STATES: Final = ("waiting", "delivered", "dead")
GONE: Final = "gone"
"""Why a try failed that the receiver answered with 410: it wants no more calls (Standard Webhooks)."""
FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(hours=12)


def _pauses() -> tuple[timedelta, ...]:
    doubling = [FIRST_PAUSE * 2**number for number in range(13)]
    return (*doubling, *[LONGEST_PAUSE] * 5)


PAUSES: Final = _pauses()
"""After each try that failed: 5 s, 10 s … 5.7 h, then half a day five times; 71 hours in all."""


@dataclass(frozen=True, slots=True)
class StoredEndpoint:
    """A receiver. Its address and secret are not in it: ask `Endpoints.target`, which unseals them."""

    id: int
    plan_id: int
    host: str
    audience: str
    kinds: tuple[str, ...]
    made_at: datetime
    made_by_id: int | None
    paused_at: datetime | None
    sealed_target: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Target:
    """The address to call, and the secret to sign with."""

    url: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """A receiver to set up: where it is, for which audience, and the kinds of events it gets."""

    target: Target
    host: str
    audience: str
    kinds: Collection[str]


@dataclass(frozen=True, slots=True)
class Claimed:
    """One event in hand for one receiver. `tries` counts this try, so it distinguishes two claims."""

    id: int
    endpoint_id: int
    tries: int
    uid: str
    kind: str
    data: dict[str, Any]
    at: datetime
    plan: str
    audience: str
    sealed_target: bytes = field(repr=False)
    plan_id: int
    made_at: datetime
    """When the receiver was set up. Its seal is bound to this."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a try. A blank `reason` means delivered. The receiver wants no other try before `not_before`."""

    claimed: Claimed
    reason: str = ""
    status: int | None = None
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """One event for one receiver: delivered, waiting, or dead."""

    id: int
    endpoint_id: int
    uid: str
    kind: str
    state: str
    tries: int
    status: int | None
    reason: str
    at: datetime
    next_at: datetime
    settled_at: datetime | None
    data: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Troubled:
    """A receiver with failures: how many events wait for it after a try, and how many are dead."""

    id: int
    host: str
    waiting: int
    dead: int


_ENDPOINT = columns_of(StoredEndpoint, _EP)
_IS_FIRST = ~exists().where(
    _BEFORE.c.endpoint_id == _D.c.endpoint_id,
    _BEFORE.c.lane == _D.c.lane,
    _BEFORE.c.state == "waiting",
    _BEFORE.c.id < _D.c.id,
)
_IS_RESTED = (_D.c.reason == "") | rests.is_over(_D.c.next_at)  # what has not failed does not rest
_IS_DUE = (_D.c.state == "waiting") & _IS_RESTED & _D.c.lease_until.is_(None)
_IS_CALLED = exists().where(_EP.c.id == _D.c.endpoint_id, _EP.c.paused_at.is_(None))
_IS_WANTED = select(_EP.c.id).where(_EP.c.id == bindparam("endpoint"), _EP.c.paused_at.is_(None))
# Written out: bound, the state would have SQLite prepare it anew each time, because of the index of what waits.
_IS_ANY_WAITING = Prepared(
    select(literal_column("1")).where(_D.c.state == literal_column("'waiting'")).limit(literal_column("1"))
)
_DUE_ENDPOINTS = select(_EP.c.id).where(
    _EP.c.paused_at.is_(None), exists().where(_D.c.endpoint_id == _EP.c.id, _IS_DUE, _IS_FIRST)
)
_DUE = (
    select(_D.c.id)
    .where(_D.c.endpoint_id == bindparam("endpoint"), _IS_DUE, _IS_FIRST, _IS_CALLED)
    .order_by(_D.c.next_at, _D.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_CLAIM = (
    update(_D)
    .where(_D.c.id.in_(bindparam("ids", expanding=True)))
    .values(tries=_D.c.tries + 1, lease_until=bindparam("lease"), owner=bindparam("replica"))
)
_CLAIMED = (
    select(
        _D.c.id, _D.c.endpoint_id, _D.c.tries, _E.c.uid, _E.c.kind, _E.c.data, _E.c.at, _P.c.code.label("plan"),
        _EP.c.audience, _EP.c.sealed_target, _EP.c.plan_id, _EP.c.made_at,
    )
    .join(_E, _E.c.id == _D.c.event_id)
    .join(_EP, _EP.c.id == _D.c.endpoint_id)
    .join(_P, _P.c.id == _EP.c.plan_id)
    .where(_D.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(_D.c.id)
)  # fmt: skip
_MINE = (_D.c.id == bindparam("row")) & (_D.c.tries == bindparam("claim")) & (_D.c.state == "waiting")
_SETTLE = (
    update(_D)
    .where(_MINE)
    .values(
        state=bindparam("into"),
        status=bindparam("answer"),
        reason=bindparam("why"),
        next_at=case((bindparam("again") == 1, bindparam("at", type_=_D.c.next_at.type)), else_=_D.c.next_at),
        settled_at=bindparam("over", type_=_D.c.settled_at.type),
        lease_until=None,
        owner=None,
    )
)
_HOLD = (
    update(_D)
    .where(_D.c.id.in_(bindparam("ids", expanding=True)), _D.c.state == "waiting", _D.c.lease_until.is_not(None))
    .where(_D.c.owner.is_not_distinct_from(bindparam("replica", type_=_D.c.owner.type)))
    .values(lease_until=bindparam("lease"))
    .returning(_D.c.id, _D.c.tries)
)
_GIVE_BACK = update(_D).where(_MINE).values(lease_until=None, owner=None)
_LEASED = select(_D.c.id, _D.c.tries, _D.c.lease_until).where(
    _D.c.state == "waiting", _D.c.lease_until.is_not(None), _D.c.id.not_in(bindparam("in_hand", expanding=True))
)
_FREE = (
    update(_D)
    .where(_D.c.state == "waiting")
    .where(tuple_(_D.c.id, _D.c.tries, _D.c.lease_until).in_(bindparam("claims", expanding=True)))
    .values(lease_until=None, owner=None)
)
_LISTED = select(
    _D.c.id, _D.c.endpoint_id, _E.c.uid, _E.c.kind, _D.c.state, _D.c.tries, _D.c.status, _D.c.reason, _E.c.at,
    _D.c.next_at, _D.c.settled_at, _E.c.data,
).join(_E, _E.c.id == _D.c.event_id).join(_EP, _EP.c.id == _D.c.endpoint_id)  # fmt: skip
_TROUBLED = (
    select(
        _EP.c.id,
        _EP.c.host,
        func.count().filter(_D.c.state == "waiting").label("waiting"),
        func.count().filter(_D.c.state == "dead").label("dead"),
    )
    .join(_D, _D.c.endpoint_id == _EP.c.id)
    .join(_E, _E.c.id == _D.c.event_id)
    .where(
        ((_D.c.state == "waiting") & (_D.c.tries > 0) & _EP.c.paused_at.is_(None) & (_E.c.at < bindparam("late")))
        | ((_D.c.state == "dead") & (_D.c.settled_at >= bindparam("dead_since")))
    )
    .group_by(_EP.c.id, _EP.c.host)
    .order_by(_EP.c.id)
)
_COUNTED = (
    select(_D.c.endpoint_id, _D.c.state, func.count())
    .join(_EP, _EP.c.id == _D.c.endpoint_id)
    .group_by(_D.c.endpoint_id, _D.c.state)
)


def row(plan_id: int, made_at: datetime) -> str:
    """Return the name that an address's seal is bound to: the plan, and when the receiver was set up."""
    return f"endpoint:{plan_id}:{made_at.astimezone(UTC).isoformat(timespec='microseconds')}"


def target_of(vault: Vault, endpoint: "StoredEndpoint | Claimed") -> Target:
    """Return the address and the secret of a receiver, unsealed."""
    return Target(**orjson.loads(vault.open(bytes(endpoint.sealed_target), row(endpoint.plan_id, endpoint.made_at))))


class Endpoints(Repository):
    """The receivers of each plan. Every act on a receiver is audited, without its address."""

    def add(self, plan_id: int, new: NewEndpoint, now: datetime, *, by: int | None) -> StoredEndpoint:
        """Set up a receiver. It gets the events from now on. Conflict if the plan has `MOST` already."""
        if len(self.all(plan_id)) >= MOST:
            raise Conflict(f"a plan has {MOST} receivers at most")
        text = orjson.dumps({"url": new.target.url, "secret": new.target.secret}).decode()
        values = {
            "plan_id": plan_id,
            "host": new.host,
            "sealed_target": self._unit.vault.seal(text, row(plan_id, now)),
            "audience": new.audience,
            "kinds": f",{','.join(new.kinds)},",
            "made_at": now,
            "made_by_id": by,
            "paused_at": None,
        }
        id = self._connection.execute(insert(_EP).returning(_EP.c.id), values).scalar_one()
        made = self.get(plan_id, id)
        told = {"audience": new.audience, "kinds": len(new.kinds), "mark": self._mark_of(id)}
        self._record("endpoint.added", made, by, now, **told)
        return made

    def all(self, plan_id: int) -> list[StoredEndpoint]:
        """The receivers of a plan, in the order in which they were set up."""
        return self._found(_EP.c.plan_id == plan_id)

    def get(self, plan_id: int, id: int) -> StoredEndpoint:
        """Return a receiver. NotFound if there is none, or if it belongs to another plan."""
        for found in self._found(_EP.c.plan_id == plan_id, _EP.c.id == id):
            return found
        raise NotFound(f"no receiver {id}")

    def pause(self, endpoint: StoredEndpoint, *, now: datetime, by: int | None) -> bool:
        """Stop calling the receiver, and keep its events. False if it was paused already."""
        return self._set_pause(endpoint, now, now, by, "endpoint.paused")

    def switch_off(self, endpoint: StoredEndpoint, *, now: datetime) -> bool:
        """Pause a receiver that says it is gone. False if it was paused already."""
        return self._set_pause(endpoint, now, now, None, "endpoint.gone")

    def resume(self, endpoint: StoredEndpoint, *, now: datetime, by: int | None) -> bool:
        """Call it again, beginning with the events that wait. False if it was not paused."""
        return self._set_pause(endpoint, None, now, by, "endpoint.resumed")

    def remove(self, endpoint: StoredEndpoint, *, now: datetime, by: int | None) -> None:
        """Remove the receiver, together with the events that wait for it."""
        self._connection.execute(delete(_D).where(_D.c.endpoint_id == endpoint.id))
        self._connection.execute(delete(_EP).where(_EP.c.id == endpoint.id))
        self._record("endpoint.removed", endpoint, by, now)

    def tried(self, endpoint: StoredEndpoint, *, now: datetime, by: int | None) -> None:
        """Write an audit entry: somebody sends a ping to the receiver."""
        self._record("endpoint.tried", endpoint, by, now)

    def set_kinds(self, endpoint: StoredEndpoint, kinds: Collection[str], *, now: datetime, by: int | None) -> bool:
        """Choose which kinds of events it gets from now on. What waits already is still sent.

        False if nothing changes.
        """
        if set(kinds) == set(endpoint.kinds):
            return False
        here = _EP.c.id == endpoint.id
        self._connection.execute(update(_EP).where(here).values(kinds=f",{','.join(kinds)},"))
        self._record("endpoint.changed", endpoint, by, now, kinds=len(kinds), mark=self._mark_of(endpoint.id))
        return True

    def replay(
        self, endpoint: StoredEndpoint, *, now: datetime, by: int | None, only: Collection[int] | None = None
    ) -> int:
        """Let dead events wait again, in their order: all, or `only` these deliveries. Return how many."""
        dead = (_D.c.endpoint_id == endpoint.id) & (_D.c.state == "dead")
        if only is not None:
            dead &= _D.c.id.in_(list(only))
        again = {"state": "waiting", "tries": 0, "next_at": now, "settled_at": None}
        count = self._connection.execute(update(_D).where(dead).values(**again)).rowcount
        if count:
            self._record("endpoint.replayed", endpoint, by, now, count=count)
        return count

    def _set_pause(
        self, endpoint: StoredEndpoint, paused_at: datetime | None, now: datetime, by: int | None, act: Act
    ) -> bool:
        is_another = _EP.c.paused_at.is_not(None) if paused_at is None else _EP.c.paused_at.is_(None)
        here = (_EP.c.id == endpoint.id, is_another)
        if self._connection.execute(update(_EP).where(*here).values(paused_at=paused_at)).rowcount != 1:
            return False
        self._record(act, endpoint, by, now)
        return True

    def _mark_of(self, id: int) -> str:
        row = self._connection.execute(select(_EP).where(_EP.c.id == id)).mappings().one()
        return receiver_mark(self._unit.vault, row)

    def _record(self, act: Act, endpoint: StoredEndpoint, by: int | None, now: datetime, **more: object) -> None:
        details = {"endpoint": endpoint.id, "host": endpoint.host, **more}
        self._unit.of(Audit).record(act, by, endpoint.plan_id, details, now)

    def _found(self, *which: Any) -> list[StoredEndpoint]:
        found = []
        for one in self._connection.execute(select(*_ENDPOINT).where(*which).order_by(_EP.c.id)):
            values = dict(one._mapping) | {"kinds": tuple(filter(None, one.kinds.split(",")))}
            found.append(StoredEndpoint(**values))
        return found


class EventDeliveries(Repository):
    """The deliveries to receivers: those that wait, were delivered, or are dead."""

    def is_any_waiting(self) -> bool:
        """Whether any event waits for its receiver: due, resting, claimed, or of a receiver that is paused.

        The first one that is found answers, however many there are. So the writer may ask.
        """
        return _IS_ANY_WAITING.first(self._connection, {}) is not None

    def due(self, now: datetime) -> list[int]:
        """Return the receivers that something can be claimed for.

        A reader looks, so that looking takes no turn of the writer.
        """
        return list(self._connection.execute(_DUE_ENDPOINTS, rests.at(now, LONGEST_PAUSE)).scalars())

    def claim(self, endpoint_id: int, most: int, now: datetime, lease_until: datetime) -> list[Claimed]:
        """Claim up to `most` of one receiver's events, the first that waits of each lane.

        Nobody else sees them then.
        """
        values = {"endpoint": endpoint_id, "most": most, **rests.at(now, LONGEST_PAUSE)}
        ids = list(self._connection.execute(_DUE, values).scalars())
        if not ids:
            return []
        self._connection.execute(_CLAIM, {"ids": ids, "lease": lease_until, "replica": self._unit.replica_id})
        found = self._connection.execute(_CLAIMED, {"ids": ids}).mappings().all()
        return [Claimed(**one) for one in found]

    def hold(self, ids: Collection[int], lease_until: datetime) -> frozenset[tuple[int, int]]:
        """Extend the lease of those of these that this replica has claimed. Return them, each with its claim."""
        if not ids:
            return frozenset()
        values = {"ids": list(ids), "lease": lease_until, "replica": self._unit.replica_id}
        return frozenset((row.id, row.tries) for row in self._connection.execute(_HOLD, values))

    def is_wanted(self, endpoint_id: int) -> bool:
        """Whether the receiver is still there, and not paused."""
        return self._connection.execute(_IS_WANTED, {"endpoint": endpoint_id}).first() is not None

    def settle(self, outcomes: Sequence[Outcome], now: datetime) -> int:
        """Record the outcomes of these tries; return how many deliveries are dead now.

        A try that was taken over is ignored.
        """
        dead = 0
        for outcome in outcomes:
            tries = outcome.claimed.tries
            is_gone = outcome.reason == GONE  # due as soon as it is resumed, however often it was tried
            is_over = not outcome.reason or (tries > len(PAUSES) and not is_gone)
            again = now if is_over or is_gone else now + PAUSES[tries - 1]
            if outcome.not_before is not None:
                again = max(again, min(outcome.not_before, now + LONGEST_PAUSE))
            state = "delivered" if not outcome.reason else "dead" if is_over else "waiting"
            values = {
                "row": outcome.claimed.id,
                "claim": tries,
                "into": state,
                "answer": outcome.status,
                "why": outcome.reason,
                "again": int(not is_over),
                "at": again,
                "over": now if is_over else None,
            }
            done = self._connection.execute(_SETTLE, values).rowcount == 1
            dead += done and state == "dead"
        return dead

    def give_back(self, claims: Sequence[Claimed]) -> int:
        """Free what was claimed and not called; return how much. What another replica has claimed since stays its."""
        found = [{"row": one.id, "claim": one.tries} for one in claims]
        return sum(self._connection.execute(_GIVE_BACK, one).rowcount for one in found)

    def leased(self, in_hand: Collection[int] = ()) -> list[Claim]:
        """Return the claims that somebody holds, but for what the caller has in hand."""
        return [Claim(*row, LEASE) for row in self._connection.execute(_LEASED, {"in_hand": list(in_hand)})]

    def free(self, claims: Collection[Claim]) -> int:
        """Free what these claims hold, whose replica stands still; return how much. One that was renewed stays."""
        if not claims:
            return 0
        return self._connection.execute(_FREE, {"claims": [claim.key for claim in claims]}).rowcount

    def take_over(self, owners: Collection[int]) -> int:
        """Free what ended replicas had claimed; return how much.

        It may have arrived already: the receiver recognises it by its number.
        """
        held = (_D.c.state == "waiting") & _D.c.owner.in_(list(owners))
        return self._connection.execute(update(_D).where(held).values(lease_until=None, owner=None)).rowcount

    def counts(self, plan_id: int | None = None) -> dict[tuple[int, str], int]:
        """Return how many deliveries of each receiver are in each state."""
        statement = _COUNTED if plan_id is None else _COUNTED.where(_EP.c.plan_id == plan_id)
        return {(id, state): count for id, state, count in self._connection.execute(statement)}

    def gone(self, plan_id: int) -> frozenset[int]:
        """Return the receivers whose last answer to an event that waits was that they are gone."""
        here = (_EP.c.plan_id == plan_id, _D.c.state == "waiting", _D.c.reason == GONE)
        found = select(_D.c.endpoint_id).join(_EP, _EP.c.id == _D.c.endpoint_id).where(*here)
        return frozenset(self._connection.execute(found).scalars())

    def troubled(self, late: datetime, dead_since: datetime) -> list[Troubled]:
        """Return the receivers with a failed delivery that waits since before `late`, or with one that died after
        `dead_since`.
        """
        found = self._connection.execute(_TROUBLED, {"late": late, "dead_since": dead_since})
        return [Troubled(*one) for one in found]

    def latest(
        self,
        endpoint: StoredEndpoint,
        *,
        states: Collection[str] = STATES,
        limit: int | None = 20,
        before: int | None = None,
    ) -> list[StoredDelivery]:
        """Return deliveries, the newest first. For the next page, pass the last one's id as `before`."""
        statement = _LISTED.where(_D.c.endpoint_id == endpoint.id, _D.c.state.in_(list(states)))
        if before is not None:
            statement = statement.where(_D.c.id < before)
        found = self._connection.execute(statement.order_by(_D.c.id.desc()).limit(limit)).mappings().all()
        return [StoredDelivery(**one) for one in found]

    def purge(self, before: datetime) -> int:
        """Delete deliveries that were settled before then, and events that no receiver waits for."""
        gone = self._connection.execute(delete(_D).where(_D.c.settled_at < before)).rowcount
        is_wanted = exists().where(_D.c.event_id == _E.c.id)
        return gone + self._connection.execute(delete(_E).where(_E.c.at < before, ~is_wanted)).rowcount
