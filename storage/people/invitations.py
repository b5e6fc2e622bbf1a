"""Invitations: links that are stored only as a keyed hash, and redeemed by one conditional UPDATE (S1)."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, insert, select, update

from conversations.plan.model import Post, Role
from storage.database.audit import Audit
from storage.database.marks import link_mark
from storage.database.models import Base, columns_of
from storage.database.unit import Repository
from storage.errors import Conflict, NotFound
from storage.people.people import People, check_role
from storage.plan.plans import Plans
from storage.plan.settings import LINK_HOURS

INVITATION_TTL = timedelta(hours=LINK_HOURS.most)
"""The longest a link lives."""
FIRST_ADMIN_TTL = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class OpenInvitation:
    """A link that can still be used. The link itself is not stored: only the person who made it saw it."""

    id: int
    role: Role
    agency_code: str
    created_at: datetime
    created_by_id: int | None
    expires_at: datetime


class Declined(NamedTuple):
    """The post of a link that was opened and not accepted, and who had made the link; None for the server."""

    post: Post
    created_by_id: int | None


# ------------------------------------------------------------------ statements, built once
_tables = Base.metadata.tables
_agency = _tables["agency"]
_invitation = _tables["invitation"]


class Invitations(Repository):
    """Links that let somebody in, once."""

    def issue(
        self,
        post: Post,
        *,
        plan_id: int,
        now: datetime,
        by: int | None = None,
        ttl: timedelta = INVITATION_TTL,
    ) -> str:
        """Make a link to a post. Return its token, 43 characters that fit Telegram's start parameter.

        The token cannot be read again. `by` is None for the command line at the server. The server can invite an admin
        only while there is no admin. That link lives 15 minutes at most, and replaces an earlier one. Conflict if there
        is an admin, or if the agency takes no part. ValueError if `ttl` is not positive or over 72 hours, or if
        `check_role` refuses.
        """
        check_role(post.role, post.agency_id, is_contributor=post.is_contributor)
        self._unit.of(Plans).check_takes_part(post.agency_id, now)
        if not timedelta(0) < ttl <= INVITATION_TTL:
            raise ValueError("a link lives up to 72 hours")
        if post.role is Role.ADMIN and by is None:
            if self._unit.of(People).has_admin(plan_id):
                raise Conflict("there is an admin already: further ones are invited by an admin, in the chat")
            ttl = min(ttl, FIRST_ADMIN_TTL)
            self._revoke(
                _invitation.c.plan_id == plan_id,
                _invitation.c.role == Role.ADMIN.value,
                _invitation.c.created_by_id.is_(None),
                now=now,
            )
        token = secrets.token_urlsafe(32)
        values: dict[str, object] = {
            "plan_id": plan_id,
            "token_hash": self._unit.vault.token_hash(token),
            "role": post.role.value,
            "agency_id": post.agency_id,
            "created_at": now,
            "created_by_id": by,
            "expires_at": now + ttl,
            "is_contributor": post.is_contributor,
            "until_on": post.until_on,
        }
        inserted = insert(_invitation).values(values).returning(_invitation.c.id)
        invitation_id = self._connection.execute(inserted).scalar_one()
        details: dict[str, object] = {
            "invitation": invitation_id,
            "role": post.role.value,
            "agency_id": post.agency_id,
            "mark": link_mark(self._unit.vault, {**values, "id": invitation_id}),
        }
        if post.is_contributor:
            details["contributor"] = True
        self._unit.of(Audit).record("invitation.issued", actor_id=by, plan_id=plan_id, details=details, now=now)
        return token

    def decline(self, invitation_id: int, person_id: int, now: datetime) -> Declined | None:
        """Decline the offered role. The link cannot be used any more. None if it could not be used before."""
        invitation = self._connection.execute(
            update(_invitation)
            .where(
                _invitation.c.id == invitation_id,
                _invitation.c.redeemed_by_id == person_id,
                _invitation.c.accepted_at.is_(None),
                _invitation.c.revoked_at.is_(None),
            )
            .values(revoked_at=now)
            .returning(
                _invitation.c.plan_id,
                _invitation.c.role,
                _invitation.c.agency_id,
                _invitation.c.created_by_id,
                _invitation.c.until_on,
            )
        ).one_or_none()
        if invitation is None:
            return None
        self._unit.of(Audit).record(
            "invitation.declined",
            actor_id=person_id,
            plan_id=invitation.plan_id,
            details={"invitation": invitation_id},
            now=now,
        )
        post = Post(Role(invitation.role), invitation.agency_id, until_on=invitation.until_on)
        return Declined(post, invitation.created_by_id)

    def id_of(self, token: str) -> int:
        """Return the number of the link with this token. NotFound."""
        statement = select(_invitation.c.id).where(_invitation.c.token_hash == self._unit.vault.token_hash(token))
        found: int | None = self._connection.execute(statement).scalar_one_or_none()
        if found is None:
            raise NotFound("no such link")
        return found

    def let_in(self, token: str, person_id: int) -> bool:
        """Whether this person got a role by the link with this token."""
        statement = select(_invitation.c.id).where(
            _invitation.c.token_hash == self._unit.vault.token_hash(token),
            _invitation.c.redeemed_by_id == person_id,
            _invitation.c.accepted_at.is_not(None),
        )
        return self._connection.execute(statement).scalar_one_or_none() is not None

    def inviter_of(self, person_id: int, plan_id: int) -> int | None:
        """Return who made the link that this person used last in this plan.

        None if the server made it, or without a link.
        """
        found: int | None = self._connection.execute(
            select(_invitation.c.created_by_id)
            .where(_invitation.c.redeemed_by_id == person_id, _invitation.c.plan_id == plan_id)
            .where(_invitation.c.accepted_at.is_not(None))
            .order_by(_invitation.c.accepted_at.desc(), _invitation.c.id.desc())
            .limit(1)
        ).scalar()
        return found

    def open(self, plan_id: int, now: datetime) -> tuple[OpenInvitation, ...]:
        """The links that may still be used, oldest first."""
        statement = (
            select(*columns_of(OpenInvitation, _invitation, agency_code=func.coalesce(_agency.c.code, "")))
            .select_from(_invitation)
            .outerjoin(_agency, _agency.c.id == _invitation.c.agency_id)
            .where(
                _invitation.c.plan_id == plan_id,
                _invitation.c.accepted_at.is_(None),
                _invitation.c.revoked_at.is_(None),
                _invitation.c.expires_at > now,
            )
            .order_by(_invitation.c.id)
        )
        found = self._connection.execute(statement)
        return tuple(OpenInvitation(**row._asdict() | {"role": Role(row.role)}) for row in found)

    def revoke(self, invitation_id: int, *, plan_id: int, now: datetime, by: int | None) -> bool:
        """Revoke a link. False if it was used, revoked, or is another plan's."""
        revoked = self._revoke(_invitation.c.id == invitation_id, _invitation.c.plan_id == plan_id, now=now)
        if revoked:
            details = {"invitation": invitation_id}
            self._unit.of(Audit).record("invitation.revoked", actor_id=by, plan_id=plan_id, details=details, now=now)
        return bool(revoked)

    def revoke_all_of(self, person_id: int, *, now: datetime, plan_id: int | None = None) -> int:
        """Revoke the links that this person has issued, in the plan or everywhere. Returns how many."""
        which = [_invitation.c.created_by_id == person_id]
        if plan_id is not None:
            which.append(_invitation.c.plan_id == plan_id)
        return self._revoke(*which, now=now)

    def revoke_offers_to(self, person_id: int, *, now: datetime, plan_id: int | None = None) -> int:
        """Revoke the links that this person has used and not decided about. Returns how many."""
        which = [_invitation.c.redeemed_by_id == person_id]
        if plan_id is not None:
            which.append(_invitation.c.plan_id == plan_id)
        return self._revoke(*which, now=now)

    # -------------------------------------------------------------- inside

    def _revoke(self, *which: Any, now: datetime) -> int:
        statement = update(_invitation).where(
            *which, _invitation.c.accepted_at.is_(None), _invitation.c.revoked_at.is_(None)
        )
        return self._connection.execute(statement.values(revoked_at=now)).rowcount
