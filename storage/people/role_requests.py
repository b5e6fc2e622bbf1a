"""A role that decides over others is granted by two admins, if there are two.

An admin can let in anybody, and one stolen phone or one bad day is enough for harm. So one admin proposes a new admin
or coordinator, and another admin grants the role. Until then nothing changes. In a plan with one admin, the role takes
effect at once, and the log says so. An admin cannot become the only one by removing the other: for a week, an admin
who left still counts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert, or_, select, update

from conversations.plan.model import Role
from storage.database.audit import Audit
from storage.database.models import Base, columns_of
from storage.database.unit import Repository
from storage.people.people import People

GUARDED = frozenset({Role.ADMIN, Role.COORDINATOR})
"""Roles that a second admin must grant."""
REQUEST_TTL = timedelta(days=7)
"""After so long, a request is void."""


_tables = Base.metadata.tables
_request = _tables["role_request"]
_agency = _tables["agency"]


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A requested role. `person_id` None: it is for the person who gets the link that is made when it is granted."""

    id: int
    plan_id: int
    person_id: int | None
    role: Role
    agency_id: int | None
    agency_code: str
    requested_at: datetime
    requested_by_id: int
    decision: str
    decided_by_id: int | None


_REQUESTS = (
    select(*columns_of(StoredRequest, _request, agency_code=_agency.c.code))
    .outerjoin(_agency, _agency.c.id == _request.c.agency_id)
    .order_by(_request.c.id)
)


class RoleRequests(Repository):
    """Roles that have been asked for and wait for a second admin."""

    def needs_second(self, plan_id: int, role: Role, by: int, now: datetime) -> bool:
        """Whether this admin's grant of this role must wait for a second admin. It locks the plan until the unit ends.

        An admin who was suspended or lost the role within REQUEST_TTL counts as a second admin, but cannot grant it.
        Then the server grants it, or the request lapses after a week.
        """
        if role not in GUARDED:
            return False
        return self._unit.of(People).had_admin_besides(plan_id, by, now - REQUEST_TTL)

    def ask(
        self,
        plan_id: int,
        role: Role,
        *,
        person_id: int | None = None,
        agency_id: int | None = None,
        now: datetime,
        by: int,
    ) -> StoredRequest:
        """Make a request for this role; or return the waiting one, if it is the same person's for the same role."""
        for waiting in self.waiting(plan_id, now):
            wanted = (waiting.person_id, waiting.role, waiting.agency_id, waiting.requested_by_id)
            if person_id is not None and wanted == (person_id, role, agency_id, by):
                return waiting
        number = self._connection.execute(
            insert(_request)
            .values(
                plan_id=plan_id,
                person_id=person_id,
                role=role.value,
                agency_id=agency_id,
                requested_at=now,
                requested_by_id=by,
                decision="",
            )
            .returning(_request.c.id)
        ).scalar_one()
        details = {"request": number, "person": person_id, "role": role.value, "agency_id": agency_id}
        self._unit.of(Audit).record("role.requested", actor_id=by, plan_id=plan_id, details=details, now=now)
        return self.get(number)

    def waiting(self, plan_id: int, now: datetime) -> tuple[StoredRequest, ...]:
        """The requests that may still be decided, oldest first."""
        return self._find(*is_open(now), _request.c.plan_id == plan_id)

    def withdraw(self, plan_id: int, id: int, *, now: datetime, by: int) -> bool:
        """Withdraw this person's own request. False if it is decided, or if somebody else made it."""
        here = (_request.c.id == id, _request.c.plan_id == plan_id, _request.c.requested_by_id == by)
        if not self._withdraw(*here, now=now, by=by):
            return False
        self._unit.of(Audit).record("role.withdrawn", actor_id=by, plan_id=plan_id, details={"request": id}, now=now)
        return True

    def withdraw_all_of(self, person_id: int, *, now: datetime, plan_id: int | None = None) -> int:
        """Withdraw the requests of and for somebody who leaves. Returns how many."""
        which = [or_(_request.c.requested_by_id == person_id, _request.c.person_id == person_id)]
        if plan_id is not None:
            which.append(_request.c.plan_id == plan_id)
        return self._withdraw(*which, now=now, by=None)

    # -------------------------------------------------------------- inside
    def _withdraw(self, *which: Any, now: datetime, by: int | None) -> int:
        statement = update(_request).where(*which, _request.c.decision == "")
        return self._connection.execute(
            statement.values(decision="withdrawn", decided_at=now, decided_by_id=by)
        ).rowcount

    def get(self, id: int) -> StoredRequest:
        return self._find(_request.c.id == id)[0]

    def _find(self, *which: Any) -> tuple[StoredRequest, ...]:
        return tuple(map(_to_request, self._connection.execute(_REQUESTS.where(*which))))


def is_open(now: datetime) -> tuple[Any, ...]:
    """The conditions of a request that may still be decided."""
    return (_request.c.decision == "", _request.c.requested_at > now - REQUEST_TTL)


def _to_request(row: Any) -> StoredRequest:
    return StoredRequest(**row._asdict() | {"role": Role(row.role), "agency_code": row.agency_code or ""})
