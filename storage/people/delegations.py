"""A focal point delegates the post to somebody else for a time.

People fall ill, give birth and travel, and their reports are due all the same. A focal point leaves the post to a
colleague, or to somebody who is invited for these days. On a day that is fixed at the beginning, the focal point has
the post again. Nobody has to remember to take it back (docs/decisions/dates-and-clocks.md).

Laws: a delegation ends with the role of the person who gave it. A person who was invited for it has a role until its
last day; every use of the role checks that day (`bot.chat.exchange`). Their drafts go back with the post.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, or_, select, update

from storage.database.models import Base, columns_of
from storage.database.statements import Prepared
from storage.database.unit import Repository

_tables = Base.metadata.tables
_delegation = _tables["delegation"]
_membership = _tables["membership"]
_person = _tables["person"]


@dataclass(frozen=True, slots=True)
class StoredDelegation:
    """`person_id` gave it, `deputy_id` has it: None while the link has not been used.

    `receives`: whether messages reach the deputy. Until they do, the giver is reminded as before.
    """

    id: int
    plan_id: int
    agency_id: int
    person_id: int
    deputy_id: int | None
    invitation_id: int | None
    begun_at: datetime
    until_on: date
    receives: bool

    @property
    def last_day(self) -> date:
        return self.until_on - timedelta(days=1)


_RECEIVES = and_(
    _person.c.suspended_at.is_(None), _person.c.unreachable_at.is_(None), _person.c.privacy_accepted_at.is_not(None)
)
_CURRENT: Any = (
    select(*columns_of(StoredDelegation, _delegation, receives=_RECEIVES))
    .outerjoin(_person, _person.c.id == _delegation.c.deputy_id)
    .where(_delegation.c.ended_at.is_(None))
    .order_by(_delegation.c.id)
)
_OF_PLAN = Prepared(_CURRENT.where(_delegation.c.plan_id == bindparam("plan_id")))
_OF_AGENCY = Prepared(_CURRENT.where(_delegation.c.agency_id == bindparam("agency_id")))


class Delegations(Repository):
    """Delegated posts."""

    # -------------------------------------------------------------- looking
    def of_plan(self, plan_id: int) -> tuple[StoredDelegation, ...]:
        return tuple(StoredDelegation(*row) for row in _OF_PLAN.rows(self._connection, {"plan_id": plan_id}))

    def of_agency(self, agency_id: int) -> tuple[StoredDelegation, ...]:
        """The delegations of an agency. Every menu shows them."""
        return tuple(StoredDelegation(*row) for row in _OF_AGENCY.rows(self._connection, {"agency_id": agency_id}))

    def given_by(self, plan_id: int, person_id: int) -> StoredDelegation | None:
        return next(iter(self._found(_delegation.c.plan_id == plan_id, _delegation.c.person_id == person_id)), None)

    def over(self, plan_id: int, on: date) -> tuple[StoredDelegation, ...]:
        """Return the delegations whose last day has passed and that nobody has ended."""
        return self._found(_delegation.c.plan_id == plan_id, _delegation.c.until_on <= on)

    def of_person(self, person_id: int, plan_id: int | None = None) -> tuple[StoredDelegation, ...]:
        """The delegations that somebody has given or holds, in the plan or in all plans."""
        which: list[Any] = [or_(_delegation.c.person_id == person_id, _delegation.c.deputy_id == person_id)]
        if plan_id is not None:
            which.append(_delegation.c.plan_id == plan_id)
        return self._found(*which)

    # -------------------------------------------------------------- changing
    def mark_ended(self, delegation_id: int, now: datetime) -> bool:
        """Mark the row as ended. False if it was ended before. `storage.people.leaving` ends what depends on it."""
        done = self._connection.execute(
            update(_delegation)
            .where(_delegation.c.id == delegation_id, _delegation.c.ended_at.is_(None))
            .values(ended_at=now)
        )
        return done.rowcount == 1

    def arrived(self, invitation_id: int, person_id: int) -> StoredDelegation | None:
        """Give the post to the person who used this link; None if the link belongs to no delegation."""
        self._connection.execute(
            update(_delegation)
            .where(_delegation.c.invitation_id == invitation_id, _delegation.c.ended_at.is_(None))
            .values(deputy_id=person_id)
        )
        return next(iter(self._found(_delegation.c.invitation_id == invitation_id)), None)

    # -------------------------------------------------------------- inside
    def _found(self, *which: Any) -> tuple[StoredDelegation, ...]:
        return tuple(StoredDelegation(*row) for row in self._connection.execute(_CURRENT.where(*which)))

    def came_for_it(self, delegation: StoredDelegation, deputy_id: int) -> bool:
        """Whether the deputy has a role only for this delegation."""
        statement = select(_membership.c.id).where(
            and_(
                _membership.c.person_id == deputy_id,
                _membership.c.plan_id == delegation.plan_id,
                _membership.c.agency_id == delegation.agency_id,
                _membership.c.active_to.is_(None),
                _membership.c.until_on.is_not(None),
            )
        )
        return self._connection.execute(statement).first() is not None
