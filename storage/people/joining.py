"""Two ways to come in: a link that works once, or a role that a second admin grants.

A forwarded link may soon be in a group of two hundred people. So a link holds 256 random bits, works once, for one role
and for a short time, and only a keyed hash of it is stored (S1). A person who tries a link learns only whether it
worked. All reasons for a refusal (unknown, used, expired, withdrawn, locked out) look the same.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import and_, exists, or_, true, update

from conversations.plan.model import Post, Role
from storage.database.audit import Act, Audit
from storage.database.models import Base
from storage.database.statements import insert_into
from storage.database.unit import Repository
from storage.people.delegations import Delegations
from storage.people.people import ADMINS, Membership, People, Person
from storage.people.role_requests import RoleRequests, StoredRequest, is_open
from storage.people.roles import Roles

FAILURES_ALLOWED = 5

FAILURES_WINDOW = timedelta(hours=1)
Decision = Literal["granted", "refused"]

_DECIDED: dict[Decision, Act] = {"granted": "role.granted", "refused": "role.refused"}


@dataclass(frozen=True, slots=True)
class OfferedRole:
    """The role of a used link, offered to somebody who would have to give up another role for it."""

    invitation_id: int
    plan_id: int
    role: Role
    agency_id: int | None


_tables = Base.metadata.tables
_membership = _tables["membership"]
_agency = _tables["agency"]
_invitation = _tables["invitation"]
_stranger = _tables["stranger"]
_request = _tables["role_request"]


class Joining(Repository):
    """Links that are used, and requests that are decided."""

    def redeem(
        self, token: str, telegram_id: int, name: str, language: str, now: datetime, *, timezone: str
    ) -> Membership | OfferedRole | None:
        """Use a link. Return its role if the link is good and this number is not locked out.

        Otherwise None, without a reason.

        One conditional UPDATE decides, so if a hundred people press the link together, one gets in. No link ends a
        suspension, because a thief of a phone finds links too (S18). No link takes the role from the last admin. If the
        person has another role in the plan, which the link would replace, the link is used up and they are asked first
        (`accept`, `decline`). A role for a time never replaces another role.
        """
        failures, since = self._lock_stranger(telegram_id)
        if _is_locked_out(failures, since, now):
            return None
        person = self._unit.of(People).by_telegram_id(telegram_id)
        is_unused: Any = _invitation.c.redeemed_at.is_(None)
        if person is not None:
            is_unused = or_(is_unused, _invitation.c.redeemed_by_id == person.id)
        which = [_invitation.c.token_hash == self._unit.vault.token_hash(token), is_unused]
        invitation = self._take(person, which, now, timezone, redeemed_at=now)
        if invitation is None:
            self._count_failure(telegram_id, failures, since, now)
            return None
        if person is not None:
            present = person.membership_in(invitation.plan_id)
            if present is not None and (present.role, present.agency_id) != (invitation.role, invitation.agency_id):
                self._set(invitation.id, redeemed_by_id=person.id)
                return OfferedRole(invitation.id, invitation.plan_id, Role(invitation.role), invitation.agency_id)
        return self._welcome(invitation, telegram_id, name, language, now, timezone)

    def accept(self, invitation_id: int, person: Person, now: datetime, *, timezone: str) -> Membership | None:
        """Take the role that `redeem` offered, in place of the present one. None if the link is no longer good."""
        which = [_invitation.c.id == invitation_id, _invitation.c.redeemed_by_id == person.id]
        invitation = self._take(person, which, now, timezone, accepted_at=now)
        if invitation is None:
            return None
        return self._welcome(invitation, person.telegram_id, person.name, person.language, now, timezone)

    def decide(
        self, plan_id: int, id: int, decision: Decision, *, now: datetime, by: int | None
    ) -> StoredRequest | None:
        """Grant or refuse a request.

        Only a person other than the one who asked may do it. None if it is decided already. `by` None is the server,
        which never asks. A known person has the role from now on. For a request without a person, the caller makes the
        link. A person who was suspended or left since has no open request (`withdraw_all_of`).
        """
        decided = self._connection.execute(
            update(_request)
            .where(
                _request.c.id == id,
                _request.c.plan_id == plan_id,
                true() if by is None else _request.c.requested_by_id != by,
                *is_open(now),
            )
            .values(decision=decision, decided_at=now, decided_by_id=by)
            .returning(_request.c.id)
        ).scalar()
        if decided is None:
            return None
        request = self._unit.of(RoleRequests).get(decided)
        details = {"request": id, "person": request.person_id, "role": request.role.value}
        self._unit.of(Audit).record(_DECIDED[decision], actor_id=by, plan_id=plan_id, details=details, now=now)
        if decision == "granted" and request.person_id is not None:
            self._unit.of(Roles).grant(
                request.person_id, plan_id, Post(request.role, request.agency_id), now=now, by=by
            )
        return request

    # -------------------------------------------------------------- inside
    def _take(self, person: Person | None, which: list[Any], now: datetime, timezone: str, **values: object) -> Any:
        """Use up one link, if it is still good for this person. None if it is not."""
        today = now.astimezone(ZoneInfo(timezone)).date()
        is_good = [
            *which,
            _invitation.c.accepted_at.is_(None),
            _invitation.c.revoked_at.is_(None),
            _invitation.c.expires_at > now,
            or_(_invitation.c.until_on.is_(None), _invitation.c.until_on > today),
            or_(
                _invitation.c.agency_id.is_(None),
                exists().where(
                    _agency.c.id == _invitation.c.agency_id,
                    or_(_agency.c.active_to.is_(None), _agency.c.active_to > today),
                ),
            ),
            or_(
                _invitation.c.role != Role.ADMIN.value,
                _invitation.c.created_by_id.is_not(None),
                ~exists(ADMINS.where(_membership.c.plan_id == _invitation.c.plan_id).correlate(_invitation)),
            ),
        ]
        if person is not None:
            if person.is_suspended:
                return None
            for present in person.memberships:
                is_good.append(
                    or_(
                        _invitation.c.plan_id != present.plan_id,
                        _invitation.c.until_on.is_(None),
                        and_(
                            _invitation.c.role == present.role.value,
                            _invitation.c.agency_id == (present.agency_id or 0),
                        ),
                    )
                )
                if present.role is Role.ADMIN and self._unit.of(People).is_last_admin(person.id, present.plan_id):
                    is_good.append(
                        or_(_invitation.c.plan_id != present.plan_id, _invitation.c.role == Role.ADMIN.value)
                    )
        return self._connection.execute(
            update(_invitation)
            .where(*is_good)
            .values(**values)
            .returning(
                _invitation.c.id,
                _invitation.c.plan_id,
                _invitation.c.role,
                _invitation.c.agency_id,
                _invitation.c.created_by_id,
                _invitation.c.until_on,
                _invitation.c.is_contributor,
            )
        ).one_or_none()

    def _set(self, invitation_id: int, **values: object) -> None:
        self._connection.execute(update(_invitation).where(_invitation.c.id == invitation_id).values(**values))

    def _lock_stranger(self, telegram_id: int) -> tuple[int, datetime | None]:
        """Return how often this number has failed.

        The row is locked, so that tries of one number come one after another.
        """
        statement = insert_into(self._connection, _stranger).values(telegram_id=telegram_id, failures=0)
        statement = statement.on_conflict_do_update(
            index_elements=[_stranger.c.telegram_id], set_={"failures": _stranger.c.failures}
        ).returning(_stranger.c.failures, _stranger.c.failures_since)
        row = self._connection.execute(statement).one()
        return row.failures, row.failures_since

    def _count_failure(self, telegram_id: int, failures: int, since: datetime | None, now: datetime) -> None:
        if since is None or not now - FAILURES_WINDOW < since <= now:
            failures, since = 0, now
        failures += 1
        if failures >= FAILURES_ALLOWED:
            since = now  # locked for a full hour from the last one
        self._connection.execute(
            update(_stranger)
            .where(_stranger.c.telegram_id == telegram_id)
            .values(failures=failures, failures_since=since)
        )

    def _welcome(
        self,
        invitation: Any,
        telegram_id: int,
        name: str,
        language: str,
        now: datetime,
        timezone: str,
    ) -> Membership:
        people = self._unit.of(People)
        person = people.add(telegram_id, name, language, now, timezone=timezone)
        people.mark_reachable(telegram_id)
        self._set(invitation.id, redeemed_by_id=person.id, accepted_at=now)
        granted = self._unit.of(Roles).grant(
            person.id,
            invitation.plan_id,
            Post(
                Role(invitation.role),
                invitation.agency_id,
                is_contributor=invitation.is_contributor,
                until_on=invitation.until_on,
            ),
            now=now,
            by=invitation.created_by_id,
            invitation_id=invitation.id,
        )
        if invitation.until_on is not None:
            self._unit.of(Delegations).arrived(invitation.id, person.id)
        return granted


def _is_locked_out(failures: int, since: datetime | None, now: datetime) -> bool:
    return failures >= FAILURES_ALLOWED and since is not None and since <= now < since + FAILURES_WINDOW
