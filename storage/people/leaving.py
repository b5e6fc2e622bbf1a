"""When somebody leaves, what they gave to others ends too.

Links, requests and delegations last no longer than the role of the person who made them. A deputy who was invited for a
post leaves with it. So this module stands above people, invitations, requests and delegations; none of them imports it.

Laws: leaving is one transaction with everything that depends on the person (S17); a plan with an admin never loses its
last one (S19).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select, update

from conversations.plan.model import AGENCY_ROLES, Role
from storage.database.audit import Audit
from storage.database.marks import mark_role
from storage.database.models import Base
from storage.database.unit import Repository
from storage.errors import Conflict
from storage.messages.outbox import Outbox
from storage.messages.restricted import RestrictedMessages
from storage.people.delegations import Delegations, StoredDelegation
from storage.people.invitations import Invitations
from storage.people.people import Membership, People
from storage.people.role_requests import RoleRequests
from storage.reports.sessions import Sessions

_tables = Base.metadata.tables
_person = _tables["person"]
_membership = _tables["membership"]
_session = _tables["session"]
_chat = _tables["chat"]
_job = _tables["job"]
_pause = _tables["pause"]


class Leaving(Repository):
    """Ends roles, people's access and delegations, with everything that depends on them."""

    def end_membership(self, person_id: int, plan_id: int, *, now: datetime, by: int | None) -> bool:
        """Take the role away ("ya no soy el punto focal"), with all that is pending under it.

        Open drafts go to a colleague who reports for the agency (`heir`). Without one they stay, and the next person
        finds them. False if there is no role. Conflict for the last admin.
        """
        present = self._unit.of(People).current(person_id, plan_id)
        if present is None:
            return False
        if present.role is Role.ADMIN:
            self.keep_an_admin(person_id, (plan_id,))
        self._hold_chats(person_id)
        self.end_role(present, now)
        if present.role in AGENCY_ROLES:
            heir = self._unit.of(People).heir(person_id, present)
            self._unit.of(Sessions).hand_over(person_id, plan_id, heir.id if heir else None)
        self.drop_what_is_pending(person_id, now, plan_id=plan_id, are_drafts_kept=present.role in AGENCY_ROLES)
        details = {"person": person_id, "role": present.role.value, "agency": present.agency_code}
        self._unit.of(Audit).record("membership.ended", actor_id=by, plan_id=plan_id, details=details, now=now)
        return True

    def suspend(self, person_id: int, *, now: datetime, by: int | None) -> bool:
        """Shut somebody out at once, with their role, drafts, messages and links. False if they are suspended already.

        Conflict for the last admin of any plan.
        """
        self._hold_chats(person_id)
        person = self._unit.of(People).by_id(person_id)
        plans = tuple(m.plan_id for m in person.memberships if m.role is Role.ADMIN)
        if plans and not person.is_suspended:
            self.keep_an_admin(person_id, plans)
        changed = self._connection.execute(
            update(_person).where(_person.c.id == person_id, _person.c.suspended_at.is_(None)).values(suspended_at=now)
        )
        if changed.rowcount != 1:
            return False
        self.drop_what_is_pending(person_id, now)
        self._drop_what_was_given(person_id, now)
        self._unit.of(People).record_for_each_plan("person.suspended", person, by, now)
        return True

    def end_delegation(self, delegation: StoredDelegation, *, now: datetime, by: int | None) -> bool:
        """Give the post back to the focal point. False if it was given back already.

        An unused link stops working. A deputy who was invited for these days loses the role.
        """
        if not self._unit.of(Delegations).mark_ended(delegation.id, now):
            return False
        if delegation.invitation_id is not None:
            self._unit.of(Invitations).revoke(delegation.invitation_id, plan_id=delegation.plan_id, now=now, by=by)
        if delegation.deputy_id is not None and self._unit.of(Delegations).came_for_it(
            delegation, delegation.deputy_id
        ):
            self.end_membership(delegation.deputy_id, delegation.plan_id, now=now, by=by)
        details = {"delegation": delegation.id, "person": delegation.person_id, "deputy": delegation.deputy_id}
        self._unit.of(Audit).record(
            "delegation.ended", actor_id=by, plan_id=delegation.plan_id, details=details, now=now
        )
        return True

    def end_delegations_of(self, person_id: int, *, now: datetime, plan_id: int | None = None) -> int:
        """End the delegations that somebody who leaves has given or received. Returns how many."""
        found = self._unit.of(Delegations).of_person(person_id, plan_id)
        return sum(self.end_delegation(delegation, now=now, by=None) for delegation in found)

    # -------------------------------------------------------------- what giving another role needs
    def end_role(self, membership: Membership, now: datetime) -> None:
        """End the role, and withdraw everything that was asked for under it: unused links, and requests that wait."""
        self._connection.execute(update(_membership).where(_membership.c.id == membership.id).values(active_to=now))
        mark_role(self._unit, membership.id)
        self._drop_what_was_given(membership.person_id, now, plan_id=membership.plan_id)

    def keep_an_admin(self, person_id: int, plan_ids: Iterable[int]) -> None:
        for plan_id in sorted(plan_ids):
            if self._unit.of(People).is_last_admin(person_id, plan_id):
                raise Conflict("the last admin of a plan cannot be removed")

    def drop_what_is_pending(
        self, person_id: int, now: datetime, *, plan_id: int | None = None, are_drafts_kept: bool = False
    ) -> None:
        """Drop drafts, unsent messages, jobs that have not begun, pauses, and the words that the chat awaits (S17).

        Deletions of restricted text are not dropped: they are due at once (S15). A call that is being made at this
        moment cannot be stopped, but if it fails, it is not made again. `are_drafts_kept`: the drafts have been handed
        over before.
        """
        chat_ids = self._hold_chats(person_id)
        sessions = update(_session).where(_session.c.person_id == person_id, _session.c.state == "open")
        pauses = update(_pause).where(_pause.c.person_id == person_id, _pause.c.ended_at.is_(None))
        if plan_id is not None:
            sessions = sessions.where(_session.c.plan_id == plan_id)
            pauses = pauses.where(_pause.c.plan_id == plan_id)
        if not are_drafts_kept:
            # Change the version too, so that a process that has loaded it cannot save it as open again.
            self._connection.execute(sessions.values(state="cancelled", version=_session.c.version + 1))
        self._connection.execute(pauses.values(ended_at=now))
        self._connection.execute(update(_chat).where(_chat.c.id.in_(chat_ids)).values(session_id=None, awaits=""))
        for chat_id in chat_ids:
            self._unit.of(Outbox).cancel(chat_id, now)
            # Restricted messages must leave their phone now, not tomorrow.
            self._unit.of(RestrictedMessages).end_of_chat(chat_id)
        theirs = update(_job).where(_job.c.chat_id.in_(chat_ids), _job.c.state == "queued")
        self._connection.execute(theirs.values(state="cancelled", settled_at=now))

    # -------------------------------------------------------------- inside
    def _drop_what_was_given(self, person_id: int, now: datetime, *, plan_id: int | None = None) -> None:
        """End the links, requests and delegations that depend on a role."""
        self.end_delegations_of(person_id, now=now, plan_id=plan_id)
        self._unit.of(Invitations).revoke_all_of(person_id, now=now, plan_id=plan_id)
        self._unit.of(Invitations).revoke_offers_to(person_id, now=now, plan_id=plan_id)
        self._unit.of(RoleRequests).withdraw_all_of(person_id, now=now, plan_id=plan_id)

    def _hold_chats(self, person_id: int) -> Sequence[int]:
        """Lock the person's chats until the unit ends. Every update locks them first, so this must too."""
        chats = select(_chat.c.id).where(_chat.c.person_id == person_id).order_by(_chat.c.id).with_for_update()
        return self._connection.execute(chats).scalars().all()
