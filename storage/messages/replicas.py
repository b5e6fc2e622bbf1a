"""The processes that run on this database, and those that ended uncleanly and were not removed yet."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

import orjson
from sqlalchemy import bindparam, delete, insert, select, text

from storage.database.facts import Facts
from storage.database.models import Replica, table
from storage.database.unit import Repository
from storage.messages.endpoints import EventDeliveries
from storage.messages.jobs import Jobs
from storage.messages.outbox import Outbox

DEATHS_FACT: Final = "replica.deaths"
DEATHS_REMEMBERED: Final = 20
KEY_FACT: Final = "replica.key."
"""With a replica's number: the key under which that process seals."""

REPLICA = table(Replica)
ADD = insert(REPLICA).returning(REPLICA.c.id)
BURY = delete(REPLICA).where(REPLICA.c.id.in_(bindparam("ids", expanding=True))).returning(REPLICA.c.id)
# Two numbers name a lock: the table's (schemas share the locks of their database) and the replica's.
LOCK_CLASS = "CAST(CAST(CAST('replica' AS regclass) AS oid) AS integer)"
TRY = text(f"SELECT pg_try_advisory_xact_lock({LOCK_CLASS}, CAST(:id AS integer))")
OTHERS = text("""
    SELECT id, EXISTS (
        SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND objid = CAST(replica.id AS oid)
          AND classid = CAST(CAST('replica' AS regclass) AS oid)
          AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS is_held
    FROM replica WHERE id <> :me
""")


class Replicas(Repository):
    """The processes that run on this database, and those that ended uncleanly and were not removed yet."""

    def add(self, now: datetime) -> int:
        """Add a process that begins. Return its number."""
        return int(self._connection.execute(ADD, {"started_at": now}).scalar_one())

    def all(self) -> frozenset[int]:
        """The numbers of all processes."""
        return frozenset(self._connection.execute(select(REPLICA.c.id)).scalars())

    def tell_key(self, key: str, now: datetime) -> None:
        """Note under which key this process seals."""
        if self._unit.replica_id is not None:
            self._unit.of(Facts).set(f"{KEY_FACT}{self._unit.replica_id}", key, now)

    def keys(self) -> dict[int, str]:
        """Return each process and the key under which it seals; "" for one that has not told yet."""
        told = {name.removeprefix(KEY_FACT): key for name, key, _ in self._unit.of(Facts).starting(KEY_FACT)}
        return {id: told.get(str(id), "") for id in sorted(self.all())}

    def bury(self, ids: Collection[int], now: datetime) -> frozenset[int]:
        """Remove the processes that have ended, and free their rows. Skip one that another process removes.

        Their replies are queued again, fan-out that had begun is in doubt, and their jobs wait for a worker.
        """
        if self._unit.is_postgresql:
            ids = [id for id in ids if id == self._unit.replica_id or self._is_free(id)]
        if not ids:
            return frozenset()
        buried = frozenset(self._connection.execute(BURY, {"ids": list(ids)}).scalars())
        if buried - {self._unit.replica_id}:
            self._remember_deaths(len(buried - {self._unit.replica_id}), now)
        for id in buried:
            self._unit.of(Facts).forget(f"{KEY_FACT}{id}")
        if buried:
            self._unit.of(Outbox).take_over(buried, now)
            self._unit.of(Jobs).take_over(buried - {self._unit.replica_id})
            if self._unit.replica_id in buried:
                self._unit.of(Jobs).give_back(self._unit.replica_id)
            self._unit.of(EventDeliveries).take_over(buried)
        return buried

    def _remember_deaths(self, number: int, now: datetime) -> None:
        known = orjson.loads(self._unit.of(Facts).get(DEATHS_FACT) or "[]")
        kept = [*known, *[now.isoformat()] * number][-DEATHS_REMEMBERED:]
        self._unit.of(Facts).set(DEATHS_FACT, orjson.dumps(kept).decode(), now)

    def deaths(self, since: datetime) -> int:
        """Return how many of the last twenty processes have ended uncleanly since then."""
        known = orjson.loads(self._unit.of(Facts).get(DEATHS_FACT) or "[]")
        return sum(datetime.fromisoformat(at) >= since for at in known)

    def _is_free(self, id: int) -> bool:
        return bool(self._connection.execute(TRY, {"id": id}).scalar_one())
