"""A focal point's post in somebody else's hands for a time.

People fall ill, give birth and travel, and a report is due all the same. A focal point leaves the post to a colleague,
or to somebody who is invited for just these days, and has it back on a day that everybody knows beforehand: nobody
has to remember to take anything back (DESIGN §4).

Laws: a delegation lasts no longer than the role of whoever gave it; whoever came for it alone has a role until its
day, wherever the clock is when somebody looks (`bot.exchange`), and their drafts go back with the post.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select, update

from conversations.plan import Role
from storage.errors import Conflict
from storage.models import Base
from storage.people import INVITATION_TTL, Membership
from storage.statements import insert_or_ignore

if TYPE_CHECKING:
    from storage.unit_of_work import UnitOfWork

_tables = Base.metadata.tables
_delegation = _tables["delegation"]
_membership = _tables["membership"]


@dataclass(frozen=True, slots=True)
class StoredDelegation:
    """`person_id` gave it, `deputy_id` has it: None while the link has not been used."""

    id: int
    plan_id: int
    agency_id: int
    person_id: int
    deputy_id: int | None
    invitation_id: int | None
    begun_at: datetime
    until_on: date

    @property
    def last_day(self) -> date:
        return self.until_on - timedelta(days=1)


_CURRENT = (
    select(*(_delegation.c[name] for name in StoredDelegation.__slots__))
    .where(_delegation.c.ended_at.is_(None))
    .order_by(_delegation.c.id)
)


class Delegations:
    """Posts that are in somebody else's hands."""

    def __init__(self, unit: "UnitOfWork") -> None:
        self._unit = unit
        self._connection = unit.connection

    # -------------------------------------------------------------- looking
    def of_plan(self, plan_id: int) -> tuple[StoredDelegation, ...]:
        return self._found(_delegation.c.plan_id == plan_id)

    def of_agency(self, agency_id: int) -> tuple[StoredDelegation, ...]:
        return self._found(_delegation.c.agency_id == agency_id)

    def given_by(self, plan_id: int, person_id: int) -> StoredDelegation | None:
        return next(iter(self._found(_delegation.c.plan_id == plan_id, _delegation.c.person_id == person_id)), None)

    def over(self, plan_id: int, on: date) -> tuple[StoredDelegation, ...]:
        """Those whose day has come, and that nobody has ended yet."""
        return self._found(_delegation.c.plan_id == plan_id, _delegation.c.until_on <= on)

    # -------------------------------------------------------------- giving and taking back
    def begin(self, giver: Membership, deputy_id: int, until_on: date, *, now: datetime) -> StoredDelegation:
        """To a colleague of the same agency, in place of what was given before. Conflict if it is not theirs."""
        agency_id = self._check(giver)
        colleagues = self._unit.people.of_agency(giver.plan_id, agency_id)
        if deputy_id == giver.person_id or deputy_id not in {person.id for person in colleagues}:
            raise Conflict("a post is left to a colleague of the agency")
        return self._begin(giver, agency_id, until_on, now, deputy_id=deputy_id)

    def invite(
        self, giver: Membership, until_on: date, *, now: datetime, ttl: timedelta = INVITATION_TTL
    ) -> tuple[str, StoredDelegation]:
        """To whoever uses the link that is returned: alternate of the agency until that day, and no longer."""
        agency_id = self._check(giver)
        self._end_given(giver.plan_id, giver.person_id, now)
        token = self._unit.invitations.issue(
            Role.ALTERNATE,
            plan_id=giver.plan_id,
            agency_id=agency_id,
            now=now,
            by=giver.person_id,
            ttl=ttl,
            until_on=until_on,
        )
        invitation_id = self._unit.invitations.id_of(token)
        return token, self._begin(giver, agency_id, until_on, now, invitation_id=invitation_id)

    def arrived(self, invitation_id: int, person_id: int) -> StoredDelegation | None:
        """Whoever came by this link has the post now; None if the link was of no delegation."""
        self._connection.execute(
            update(_delegation)
            .where(_delegation.c.invitation_id == invitation_id, _delegation.c.ended_at.is_(None))
            .values(deputy_id=person_id)
        )
        return next(iter(self._found(_delegation.c.invitation_id == invitation_id)), None)

    def end(self, delegation: StoredDelegation, *, now: datetime, by: int | None) -> bool:
        """The post is the focal point's own again; false if it was already.

        A link that nobody used is useless, and whoever came for these days has no role any more.
        """
        done = self._connection.execute(
            update(_delegation)
            .where(_delegation.c.id == delegation.id, _delegation.c.ended_at.is_(None))
            .values(ended_at=now)
        )
        if done.rowcount != 1:
            return False
        if delegation.invitation_id is not None:
            self._unit.invitations.revoke(delegation.invitation_id, plan_id=delegation.plan_id, now=now, by=by)
        if delegation.deputy_id is not None and self._came_for_it(delegation, delegation.deputy_id):
            self._unit.people.end_membership(delegation.deputy_id, delegation.plan_id, now=now, by=by)
        details = {"delegation": delegation.id, "person": delegation.person_id, "deputy": delegation.deputy_id}
        self._unit.audit.record("delegation.ended", actor_id=by, plan_id=delegation.plan_id, details=details, now=now)
        return True

    def end_all_of(self, person_id: int, *, now: datetime, plan_id: int | None = None) -> int:
        """What somebody who leaves has given or has been given; how many there were."""
        which: list[Any] = [or_(_delegation.c.person_id == person_id, _delegation.c.deputy_id == person_id)]
        if plan_id is not None:
            which.append(_delegation.c.plan_id == plan_id)
        return sum(self.end(delegation, now=now, by=None) for delegation in self._found(*which))

    # -------------------------------------------------------------- inside
    def _found(self, *which: Any) -> tuple[StoredDelegation, ...]:
        return tuple(StoredDelegation(*row) for row in self._connection.execute(_CURRENT.where(*which)))

    def _check(self, giver: Membership) -> int:
        if giver.role is not Role.FOCAL_POINT or giver.agency_id is None:
            raise Conflict("the post of a focal point is what can be delegated")
        return giver.agency_id

    def _end_given(self, plan_id: int, person_id: int, now: datetime) -> None:
        before = self.given_by(plan_id, person_id)
        if before is not None:
            self.end(before, now=now, by=person_id)

    def _begin(
        self, giver: Membership, agency_id: int, until_on: date, now: datetime, **values: object
    ) -> StoredDelegation:
        self._end_given(giver.plan_id, giver.person_id, now)
        row: dict[str, object] = {
            "plan_id": giver.plan_id,
            "agency_id": agency_id,
            "person_id": giver.person_id,
            "begun_at": now,
            "until_on": until_on,
            **values,
        }
        if not insert_or_ignore(self._connection, _delegation, row):
            raise Conflict("somebody is delegating it at this moment")
        made = self.given_by(giver.plan_id, giver.person_id)
        assert made is not None
        details = {
            "delegation": made.id,
            "person": made.person_id,
            "deputy": made.deputy_id,
            "agency": giver.agency_code,
            "until": until_on.isoformat(),
        }
        self._unit.audit.record(
            "delegation.begun", actor_id=giver.person_id, plan_id=giver.plan_id, details=details, now=now
        )
        return made

    def _came_for_it(self, delegation: StoredDelegation, deputy_id: int) -> bool:
        """Whether the deputy has no role but the one until that day."""
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
