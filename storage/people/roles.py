"""Roles are given: to a known person in place of their present role, or to a deputy for a time.

Laws: every grant and every removal writes an audit entry in the same transaction. A delegation lasts no longer than the
role of the person who gave it.
"""

from dataclasses import replace
from datetime import date, datetime, timedelta

from sqlalchemy import insert, update

from conversations.plan.model import AGENCY_ROLES, Post, Role
from storage.database.audit import Audit
from storage.database.marks import mark_role
from storage.database.models import Base
from storage.database.statements import insert_or_ignore
from storage.database.unit import Repository
from storage.errors import Conflict, NotFound
from storage.people.delegations import Delegations, StoredDelegation
from storage.people.invitations import INVITATION_TTL, Invitations
from storage.people.leaving import Leaving
from storage.people.people import Membership, People, check_role
from storage.plan.plans import Plans

_tables = Base.metadata.tables
_person = _tables["person"]
_membership = _tables["membership"]
_delegation = _tables["delegation"]


class Roles(Repository):
    """Roles and posts, given and changed."""

    def grant(
        self,
        person_id: int,
        plan_id: int,
        post: Post,
        *,
        now: datetime,
        by: int | None = None,
        invitation_id: int | None = None,
    ) -> Membership:
        """Give a person a post from now on, in place of the one that they have in the plan. What was pending ends.

        Drafts go on only between focal point and alternate of one agency. The same role for the same agency again gives
        the right to report, if the post has it, and sets the day on which the role ends. Conflict if the plan would
        have no admin, and for an agency that takes no part on that day. ValueError as of `check_role`.
        """
        check_role(post.role, post.agency_id, is_contributor=post.is_contributor)
        self._unit.of(Plans).check_takes_part(post.agency_id, now)
        present = self._unit.of(People).current(person_id, plan_id)
        if present is not None and (present.role, present.agency_id) == (post.role, post.agency_id):
            return self._prolong(present, post, now, by)
        if present is not None:
            self._end_for(present, post, now)
        self._connection.execute(
            insert(_membership).values(
                plan_id=plan_id,
                person_id=person_id,
                agency_id=post.agency_id,
                role=post.role.value,
                active_from=now,
                is_contributor=post.is_contributor,
                until_on=post.until_on,
            )
        )
        granted = self._unit.of(People).current(person_id, plan_id)
        if granted is None:
            raise NotFound("the membership just granted")
        mark_role(self._unit, granted.id)
        details: dict[str, object] = {"person": person_id, "role": post.role.value, "agency": granted.agency_code}
        if post.is_contributor:
            details["contributor"] = True
        if present is not None:
            details["instead_of"] = present.role.value
        if post.until_on is not None:
            details["until"] = post.until_on.isoformat()
        if invitation_id is not None:
            details["invitation"] = invitation_id
        self._unit.of(Audit).record("membership.granted", actor_id=by, plan_id=plan_id, details=details, now=now)
        return granted

    def _prolong(self, present: Membership, post: Post, now: datetime, by: int | None) -> Membership:
        """Give the same role again: it lasts as long as the post, and has the right to report if the post has it."""
        if post.is_contributor and self.set_contributor(present.person_id, present.plan_id, True, now=now, by=by):
            present = replace(present, is_contributor=True)
        if present.until_on in (None, post.until_on):
            return present
        self._connection.execute(
            update(_membership).where(_membership.c.id == present.id).values(until_on=post.until_on)
        )
        mark_role(self._unit, present.id)
        return replace(present, until_on=post.until_on)

    def _end_for(self, present: Membership, post: Post, now: datetime) -> None:
        """End the present role, because another post takes its place."""
        leaving = self._unit.of(Leaving)
        if present.role is Role.ADMIN and post.role is not Role.ADMIN:
            leaving.keep_an_admin(present.person_id, (present.plan_id,))
        if present.agency_id != post.agency_id or not {present.role, post.role} <= AGENCY_ROLES:
            leaving.drop_what_is_pending(present.person_id, now, plan_id=present.plan_id)
        leaving.end_role(present, now)

    def set_contributor(
        self, person_id: int, plan_id: int, is_contributor: bool, *, now: datetime, by: int | None
    ) -> bool:
        """Give an observer the right to report their agency's indicators, or remove it with the drafts they have begun.

        False if nothing changes. NotFound without a role in the plan. ValueError for a person who is not an observer of
        an agency.
        """
        present = self._unit.of(People).current(person_id, plan_id)
        if present is None:
            raise NotFound(f"person {person_id} has no role in the plan")
        check_role(present.role, present.agency_id, is_contributor=is_contributor)
        if present.is_contributor == is_contributor:
            return False
        if not is_contributor:
            self._unit.of(Leaving).drop_what_is_pending(person_id, now, plan_id=plan_id)
        self._connection.execute(
            update(_membership).where(_membership.c.id == present.id).values(is_contributor=is_contributor)
        )
        mark_role(self._unit, present.id)
        details = {"person": person_id, "agency": present.agency_code, "contributor": is_contributor}
        self._unit.of(Audit).record("membership.contributor", actor_id=by, plan_id=plan_id, details=details, now=now)
        return True

    def restore(self, person_id: int, *, now: datetime, by: int | None) -> bool:
        """Let a suspended person in again, with the roles of before; False if they were not suspended."""
        person = self._unit.of(People).by_id(person_id)
        changed = self._connection.execute(
            update(_person)
            .where(_person.c.id == person_id, _person.c.suspended_at.is_not(None))
            .values(suspended_at=None)
        )
        if changed.rowcount != 1:
            return False
        self._unit.of(People).record_for_each_plan("person.restored", person, by, now)
        return True

    # -------------------------------------------------------------- a post in other hands
    def delegate(self, giver: Membership, deputy_id: int, until_on: date, *, now: datetime) -> StoredDelegation:
        """Delegate the post to a colleague of the agency, in place of an earlier one. Conflict for anybody else."""
        agency_id = self._check(giver)
        colleagues = self._unit.of(People).of_agency(giver.plan_id, agency_id)
        if deputy_id == giver.person_id or deputy_id not in {person.id for person in colleagues}:
            raise Conflict("a post is left to a colleague of the agency")
        return self._begin(giver, agency_id, until_on, now, deputy_id=deputy_id)

    def delegate_by_link(
        self, giver: Membership, until_on: date, *, now: datetime, ttl: timedelta = INVITATION_TTL
    ) -> tuple[str, StoredDelegation]:
        """Delegate the post to the person who uses the returned link. They are an alternate until that day."""
        agency_id = self._check(giver)
        self._end_given(giver.plan_id, giver.person_id, now)
        token = self._unit.of(Invitations).issue(
            Post(Role.ALTERNATE, agency_id, until_on=until_on),
            plan_id=giver.plan_id,
            now=now,
            by=giver.person_id,
            ttl=ttl,
        )
        invitation_id = self._unit.of(Invitations).id_of(token)
        return token, self._begin(giver, agency_id, until_on, now, invitation_id=invitation_id)

    # -------------------------------------------------------------- inside
    def _check(self, giver: Membership) -> int:
        if giver.role is not Role.FOCAL_POINT or giver.agency_id is None:
            raise Conflict("the post of a focal point is what can be delegated")
        return giver.agency_id

    def _end_given(self, plan_id: int, person_id: int, now: datetime) -> None:
        before = self._unit.of(Delegations).given_by(plan_id, person_id)
        if before is not None:
            self._unit.of(Leaving).end_delegation(before, now=now, by=person_id)

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
        made = self._unit.of(Delegations).given_by(giver.plan_id, giver.person_id)
        assert made is not None
        details = {
            "delegation": made.id,
            "person": made.person_id,
            "deputy": made.deputy_id,
            "agency": giver.agency_code,
            "until": until_on.isoformat(),
        }
        self._unit.of(Audit).record(
            "delegation.begun", actor_id=giver.person_id, plan_id=giver.plan_id, details=details, now=now
        )
        return made
