"""Who may speak to the bot, and how one comes to be among them.

A Telegram account says nothing about whom it belongs to, and a forwarded link is soon in a group of two hundred.
So nobody is let in by name or number: an admin issues a link that holds 256 random bits, it works once, for one
role, for a short while, and only a keyed hash of it is kept (S1). Whoever tries a link learns one thing, whether
it let him in; why it did not (unknown, used, expired, withdrawn, locked out) looks the same from outside.

Laws: there is never a plan that had an admin and has none (S19); leaving is one transaction with everything that
hangs on the person (S17); whatever grants or takes away writes an audit entry in the same transaction.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, and_, bindparam, delete, exists, insert, or_, select, update

from conversations.plan import AGENCY_ROLES, Role, Translations
from storage.audit import Act
from storage.errors import Conflict, NotFound
from storage.jobs import UNSAY
from storage.models import Base
from storage.statements import insert_into, insert_or_ignore

if TYPE_CHECKING:
    from storage.unit_of_work import UnitOfWork

INVITATION_TTL = timedelta(hours=72)
"""The longest a link lives."""
FIRST_ADMIN_TTL = timedelta(minutes=15)
FAILURES_ALLOWED = 5
FAILURES_WINDOW = timedelta(hours=1)
STRANGER_PAUSE = timedelta(days=1)
LONGEST_NAME = 128


@dataclass(frozen=True, slots=True)
class Membership:
    """A role in a plan, for an agency or for none."""

    id: int
    plan_id: int
    plan_code: str
    person_id: int
    role: Role
    agency_id: int | None
    agency_code: str
    agency_name: Translations
    active_from: datetime
    is_contributor: bool = False
    """An observer who also reports the indicators that their agency leads (DOMAIN §2.7)."""
    until_on: date | None = None
    """Of a role for a time: the first day on which it is over."""


@dataclass(frozen=True, slots=True)
class Person:
    id: int
    telegram_id: int
    name: str = field(repr=False)
    language: str
    timezone: str
    joined_at: datetime
    privacy_accepted_at: datetime | None
    suspended_at: datetime | None
    unreachable_at: datetime | None
    memberships: tuple[Membership, ...] = ()
    """Current ones, also of somebody suspended: they come back with the person."""

    @property
    def is_suspended(self) -> bool:
        return self.suspended_at is not None

    @property
    def membership(self) -> Membership | None:
        """The role to act under where there is one plan; None for whoever is suspended or has no role."""
        return self.memberships[0] if self.memberships and not self.is_suspended else None

    def membership_in(self, plan_id: int) -> Membership | None:
        if self.is_suspended:
            return None
        return next((membership for membership in self.memberships if membership.plan_id == plan_id), None)


@dataclass(frozen=True, slots=True)
class OfferedRole:
    """What a used link gives to somebody who would have to give up another role for it, and who is asked first."""

    invitation_id: int
    plan_id: int
    role: Role
    agency_id: int | None


@dataclass(frozen=True, slots=True)
class OpenInvitation:
    """A link that somebody may still use. The link itself is known only to whom it was shown."""

    id: int
    role: Role
    agency_code: str
    created_at: datetime
    created_by_id: int | None
    expires_at: datetime


# ------------------------------------------------------------------ statements, built once
_tables = Base.metadata.tables
_person = _tables["person"]
_membership = _tables["membership"]
_agency = _tables["agency"]
_plan = _tables["plan"]
_invitation = _tables["invitation"]
_stranger = _tables["stranger"]
_session = _tables["session"]
_chat = _tables["chat"]
_job = _tables["job"]
_pause = _tables["pause"]

_IS_CURRENT = _membership.c.active_to.is_(None)

_PEOPLE = (
    select(
        _person.c.id,
        _person.c.telegram_id,
        _person.c.name,
        _person.c.language,
        _person.c.timezone,
        _person.c.joined_at,
        _person.c.privacy_accepted_at,
        _person.c.suspended_at,
        _person.c.unreachable_at,
        _membership.c.id.label("membership_id"),
        _membership.c.plan_id,
        _plan.c.code.label("plan_code"),
        _membership.c.role,
        _membership.c.agency_id,
        _agency.c.code.label("agency_code"),
        _agency.c.name.label("agency_name"),
        _membership.c.active_from,
        _membership.c.is_contributor,
        _membership.c.until_on,
    )
    .select_from(_person)
    .outerjoin(_membership, and_(_membership.c.person_id == _person.c.id, _IS_CURRENT))
    .outerjoin(_plan, _plan.c.id == _membership.c.plan_id)
    .outerjoin(_agency, _agency.c.id == _membership.c.agency_id)
    .order_by(_person.c.id, _membership.c.plan_id)
)
_BY_TELEGRAM_ID = _PEOPLE.where(_person.c.telegram_id == bindparam("telegram_id"))
_BY_ID = _PEOPLE.where(_person.c.id == bindparam("person_id"))
_OF_PLAN = _PEOPLE.where(_membership.c.plan_id == bindparam("plan_id"))
_OF_AGENCY = _OF_PLAN.where(_membership.c.agency_id == bindparam("agency_id"), _person.c.suspended_at.is_(None))
_WITH_ROLE = _OF_PLAN.where(_membership.c.role == bindparam("role"), _person.c.suspended_at.is_(None))

_POSTS = (
    select(_membership.c.role, _agency.c.code, _membership.c.active_from)
    .outerjoin(_agency, _agency.c.id == _membership.c.agency_id)
    .where(_membership.c.person_id == bindparam("person_id"), _membership.c.plan_id == bindparam("plan_id"))
    .order_by(_membership.c.active_from.desc(), _membership.c.id.desc())
)

_HISTORY = (
    select(_membership.c.role, _agency.c.code, _membership.c.active_from, _membership.c.active_to)
    .outerjoin(_agency, _agency.c.id == _membership.c.agency_id)
    .where(_membership.c.person_id == bindparam("person_id"))
    .order_by(_membership.c.id)
)

_ADMINS = (
    select(_membership.c.id)
    .join(_person, _person.c.id == _membership.c.person_id)
    .where(_IS_CURRENT, _membership.c.role == Role.ADMIN.value, _person.c.suspended_at.is_(None))
)


class People:
    """Everybody who was ever let in, their roles, and the few things they decide for themselves."""

    def __init__(self, unit: "UnitOfWork") -> None:
        self._unit = unit
        self._connection = unit.connection

    # -------------------------------------------------------------- who is it?
    def by_telegram_id(self, telegram_id: int) -> Person | None:
        """Whoever writes under that number, with current roles; None for a stranger. One statement."""
        return next(iter(self._people(_BY_TELEGRAM_ID, telegram_id=telegram_id)), None)

    def by_id(self, person_id: int) -> Person:
        for person in self._people(_BY_ID, person_id=person_id):
            return person
        raise NotFound(f"no person {person_id}")

    def in_plan(self, plan_id: int, person_id: int) -> tuple[Person, Membership]:
        """Somebody with a role in the plan, the suspended too. NotFound for everybody else."""
        person = self.by_id(person_id)
        for membership in person.memberships:
            if membership.plan_id == plan_id:
                return person, membership
        raise NotFound(f"no person {person_id} in plan {plan_id}")

    def history(self, person_id: int) -> Sequence[tuple[Role, str, datetime, datetime | None]]:
        """Every role somebody has ever had: (role, agency, since, until), in the order they had them."""
        found = self._connection.execute(_HISTORY, {"person_id": person_id})
        return [(Role(role), code or "", begun_at, ended_at) for role, code, begun_at, ended_at in found]

    def list(self, plan_id: int) -> tuple[Person, ...]:
        """Everybody with a role in the plan, the suspended too, in the order they came."""
        return self._people(_OF_PLAN, plan_id=plan_id)

    def of_agency(self, plan_id: int, agency_id: int) -> tuple[Person, ...]:
        """Who reports for the agency or belongs to it now; not the suspended. Focal points first."""
        people = self._people(_OF_AGENCY, plan_id=plan_id, agency_id=agency_id)
        return tuple(sorted(people, key=lambda person: person.memberships[0].role is not Role.FOCAL_POINT))

    def colleagues(self, person_id: int, membership: Membership) -> tuple[Person, ...]:
        """The others of the same agency."""
        if membership.agency_id is None:
            return ()
        everybody = self.of_agency(membership.plan_id, membership.agency_id)
        return tuple(person for person in everybody if person.id != person_id)

    def post(self, person_id: int, plan_id: int, at: datetime | None = None) -> tuple[Role, str] | None:
        """Role and agency's code that somebody had at an instant, or last; None for who never had one in the plan."""
        held = self._connection.execute(_POSTS, {"person_id": person_id, "plan_id": plan_id}).all()
        then = [row for row in held if at is None or row.active_from <= at] or held[-1:]
        return (Role(then[0].role), then[0].code or "") if then else None

    def heir(self, person_id: int, membership: Membership) -> Person | None:
        """Who goes on with what somebody has begun for their agency: its focal point, else an alternate."""
        others = (p for p in self.colleagues(person_id, membership) if p.memberships[0].role in AGENCY_ROLES)
        return next(others, None)

    def with_role(self, plan_id: int, role: Role) -> tuple[Person, ...]:
        """Whoever has the role now; not the suspended."""
        return self._people(_WITH_ROLE, plan_id=plan_id, role=role.value)

    def has_admin(self, plan_id: int) -> bool:
        return self.has_admin_besides(plan_id, None)

    # -------------------------------------------------------------- joining and leaving
    def add(self, telegram_id: int, name: str, language: str, now: datetime, *, timezone: str) -> Person:
        """The person with that number, new or as known already: one who is known keeps name and language.

        A name of blanks, which Telegram lets through, is a dash.
        """
        row: dict[str, object] = {
            "telegram_id": telegram_id,
            "name": " ".join(name.split())[:LONGEST_NAME] or "–",
            "language": language,
            "timezone": timezone,
            "joined_at": now,
        }
        insert_or_ignore(self._connection, _person, row)
        self._connection.execute(delete(_stranger).where(_stranger.c.telegram_id == telegram_id))
        person = self.by_telegram_id(telegram_id)
        if person is None:
            raise NotFound("the person just added")
        return person

    def grant(
        self,
        person_id: int,
        plan_id: int,
        role: Role,
        *,
        agency_id: int | None = None,
        now: datetime,
        by: int | None = None,
        invitation_id: int | None = None,
        is_contributor: bool = False,
        until_on: date | None = None,
    ) -> Membership:
        """The role, from now on, in place of the one the person had in that plan, with what was pending under that.

        Drafts go on only between focal point and alternate of one agency. The same role for the same agency again
        changes nothing but `is_contributor`, where that is given, and until when it lasts: a role for a time lasts as
        long as is said now, `until_on` None for good. Conflict if that would leave the plan without an admin, and for
        an agency that takes no part on that day; ValueError for a focal point or alternate of no agency, and for a
        contributor who is no observer of an agency.
        """
        _check_role(role, agency_id, is_contributor=is_contributor)
        self._unit.plans.check_takes_part(agency_id, now)
        present = self._current(person_id, plan_id)
        if present is not None:
            if (present.role, present.agency_id) == (role, agency_id):
                if is_contributor and self.set_contributor(person_id, plan_id, True, now=now, by=by):
                    present = replace(present, is_contributor=True)
                if present.until_on not in (None, until_on):
                    self._connection.execute(
                        update(_membership).where(_membership.c.id == present.id).values(until_on=until_on)
                    )
                    present = replace(present, until_on=until_on)
                return present
            if present.role is Role.ADMIN and role is not Role.ADMIN:
                self._keep_an_admin(person_id, (plan_id,))
            if present.agency_id != agency_id or not {present.role, role} <= AGENCY_ROLES:
                self._drop_what_is_pending(person_id, now, plan_id=plan_id)
            self._end(present, now)
        self._connection.execute(
            insert(_membership).values(
                plan_id=plan_id,
                person_id=person_id,
                agency_id=agency_id,
                role=role.value,
                active_from=now,
                is_contributor=is_contributor,
                until_on=until_on,
            )
        )
        granted = self._current(person_id, plan_id)
        if granted is None:
            raise NotFound("the membership just granted")
        details: dict[str, object] = {"person": person_id, "role": role.value, "agency": granted.agency_code}
        if is_contributor:
            details["contributor"] = True
        if present is not None:
            details["instead_of"] = present.role.value
        if until_on is not None:
            details["until"] = until_on.isoformat()
        if invitation_id is not None:
            details["invitation"] = invitation_id
        self._unit.audit.record("membership.granted", actor_id=by, plan_id=plan_id, details=details, now=now)
        return granted

    def set_contributor(
        self, person_id: int, plan_id: int, is_contributor: bool, *, now: datetime, by: int | None
    ) -> bool:
        """Give an observer the right to report their agency's indicators, or take it away with what they had begun.

        False if that is how it was. NotFound without a role in the plan; ValueError for whoever is no observer of
        an agency.
        """
        present = self._current(person_id, plan_id)
        if present is None:
            raise NotFound(f"person {person_id} has no role in the plan")
        _check_role(present.role, present.agency_id, is_contributor=is_contributor)
        if present.is_contributor == is_contributor:
            return False
        if not is_contributor:
            self._drop_what_is_pending(person_id, now, plan_id=plan_id)
        self._connection.execute(
            update(_membership).where(_membership.c.id == present.id).values(is_contributor=is_contributor)
        )
        details = {"person": person_id, "agency": present.agency_code, "contributor": is_contributor}
        self._unit.audit.record("membership.contributor", actor_id=by, plan_id=plan_id, details=details, now=now)
        return True

    def end_membership(self, person_id: int, plan_id: int, *, now: datetime, by: int | None) -> bool:
        """Take the role away ("ya no soy el punto focal"), with all that is pending under it.

        What somebody has begun for their agency goes to a colleague who reports for it (`heir`); without one it stays
        where whoever comes next finds it. False if there is no role. Conflict for the last admin.
        """
        present = self._current(person_id, plan_id)
        if present is None:
            return False
        if present.role is Role.ADMIN:
            self._keep_an_admin(person_id, (plan_id,))
        self._hold_chats(person_id)
        self._end(present, now)
        if present.role in AGENCY_ROLES:
            heir = self.heir(person_id, present)
            self._unit.sessions.hand_over(person_id, plan_id, heir.id if heir else None)
        self._drop_what_is_pending(person_id, now, plan_id=plan_id, are_drafts_kept=present.role in AGENCY_ROLES)
        details = {"person": person_id, "role": present.role.value, "agency": present.agency_code}
        self._unit.audit.record("membership.ended", actor_id=by, plan_id=plan_id, details=details, now=now)
        return True

    def suspend(self, person_id: int, *, now: datetime, by: int | None) -> bool:
        """Shut out at once (a lost phone, somebody who left): role, drafts, messages, links issued; false if already.

        Conflict for the last admin of any plan.
        """
        self._hold_chats(person_id)
        person = self.by_id(person_id)
        plans = tuple(m.plan_id for m in person.memberships if m.role is Role.ADMIN)
        if plans and not person.is_suspended:
            self._keep_an_admin(person_id, plans)
        changed = self._connection.execute(
            update(_person).where(_person.c.id == person_id, _person.c.suspended_at.is_(None)).values(suspended_at=now)
        )
        if changed.rowcount != 1:
            return False
        self._drop_what_is_pending(person_id, now)
        self._drop_what_was_given(person_id, now)
        self._record_for_each_plan("person.suspended", person, by, now)
        return True

    def restore(self, person_id: int, *, now: datetime, by: int | None) -> bool:
        """Let a suspended person in again, with the role of before; false if not suspended."""
        person = self.by_id(person_id)
        changed = self._connection.execute(
            update(_person)
            .where(_person.c.id == person_id, _person.c.suspended_at.is_not(None))
            .values(suspended_at=None)
        )
        if changed.rowcount != 1:
            return False
        self._record_for_each_plan("person.restored", person, by, now)
        return True

    # -------------------------------------------------------------- what they decide themselves
    def set_language(self, person_id: int, language: str) -> None:
        self._set(person_id, language=language)

    def set_timezone(self, person_id: int, timezone: str) -> None:
        self._set(person_id, timezone=timezone)

    def accept_privacy(self, person_id: int, now: datetime) -> None:
        """The first time counts; accepting again does not move it."""
        self._connection.execute(
            update(_person)
            .where(_person.c.id == person_id, _person.c.privacy_accepted_at.is_(None))
            .values(privacy_accepted_at=now)
        )

    # -------------------------------------------------------------- what Telegram says about them
    def mark_unreachable(self, telegram_id: int, now: datetime) -> None:
        """Telegram refuses to deliver (blocked, deactivated), since now or earlier."""
        self._connection.execute(
            update(_person)
            .where(_person.c.telegram_id == telegram_id, _person.c.unreachable_at.is_(None))
            .values(unreachable_at=now)
        )

    def mark_reachable(self, telegram_id: int) -> None:
        """They wrote: the bot may write again."""
        self._connection.execute(
            update(_person)
            .where(_person.c.telegram_id == telegram_id, _person.c.unreachable_at.is_not(None))
            .values(unreachable_at=None)
        )

    def may_answer_stranger(self, telegram_id: int, now: datetime) -> bool:
        """Whether somebody without a role gets a reply: once a day (S16). Saying yes uses it up."""
        statement = insert_into(self._connection, _stranger).values(
            telegram_id=telegram_id, failures=0, answered_at=now
        )
        statement = statement.on_conflict_do_update(
            index_elements=[_stranger.c.telegram_id],
            set_={"answered_at": now},
            where=or_(_stranger.c.answered_at.is_(None), _stranger.c.answered_at <= now - STRANGER_PAUSE),
        ).returning(_stranger.c.telegram_id)
        return self._connection.execute(statement).first() is not None

    # -------------------------------------------------------------- inside
    def _people(self, statement: Any, **values: object) -> tuple[Person, ...]:
        found: dict[int, tuple[Row[*tuple[Any, ...]], list[Membership]]] = {}
        for row in self._connection.execute(statement, values):
            _, memberships = found.setdefault(row.id, (row, []))
            if row.membership_id is not None:
                memberships.append(_to_membership(row))
        return tuple(_to_person(row, memberships) for row, memberships in found.values())

    def _current(self, person_id: int, plan_id: int) -> Membership | None:
        memberships = self.by_id(person_id).memberships
        return next((membership for membership in memberships if membership.plan_id == plan_id), None)

    def _end(self, membership: Membership, now: datetime) -> None:
        """The role, and what was asked for under it: links that nobody has used, roles that nobody has granted."""
        self._connection.execute(update(_membership).where(_membership.c.id == membership.id).values(active_to=now))
        self._drop_what_was_given(membership.person_id, now, plan_id=membership.plan_id)

    def _drop_what_was_given(self, person_id: int, now: datetime, *, plan_id: int | None = None) -> None:
        """What lasts no longer than the role it was given or asked for under."""
        self._unit.delegations.end_all_of(person_id, now=now, plan_id=plan_id)
        self._unit.invitations.revoke_all_of(person_id, now=now, plan_id=plan_id)
        self._unit.invitations.revoke_offers_to(person_id, now=now, plan_id=plan_id)
        self._unit.role_requests.withdraw_all_of(person_id, now=now, plan_id=plan_id)

    def end_elsewhere(self, person: Person, plan_id: int, now: datetime) -> None:
        """End the roles a suspended person had in other plans than this one."""
        for membership in person.memberships:
            if membership.plan_id != plan_id:
                self._end(membership, now)

    def _set(self, person_id: int, **values: object) -> None:
        self._connection.execute(update(_person).where(_person.c.id == person_id).values(**values))

    def is_last_admin(self, person_id: int, plan_id: int) -> bool:
        """Whether nobody else is admin of the plan. Holds the plan against others who ask, until the unit ends."""
        # Two admins who remove each other at the same moment would both still see the other one.
        self._connection.execute(select(_plan.c.id).where(_plan.c.id == plan_id).with_for_update(key_share=True)).all()
        return not self.has_admin_besides(plan_id, person_id)

    def _keep_an_admin(self, person_id: int, plan_ids: Iterable[int]) -> None:
        for plan_id in sorted(plan_ids):
            if self.is_last_admin(person_id, plan_id):
                raise Conflict("the last admin of a plan cannot be removed")

    def has_admin_besides(self, plan_id: int, person_id: int | None) -> bool:
        """Whether somebody else may act as the plan's admin now; not the suspended."""
        others = _ADMINS.where(_membership.c.plan_id == plan_id)
        if person_id is not None:
            others = others.where(_membership.c.person_id != person_id)
        return self._connection.execute(others.limit(1)).first() is not None

    def had_admin_besides(self, plan_id: int, person_id: int, since: datetime) -> bool:
        """Whether somebody else is the plan's admin, or was since then, suspended or not."""
        others = (
            select(_membership.c.id)
            .join(_person, _person.c.id == _membership.c.person_id)
            .where(
                _membership.c.plan_id == plan_id,
                _membership.c.person_id != person_id,
                _membership.c.role == Role.ADMIN.value,
                or_(_membership.c.active_to.is_(None), _membership.c.active_to > since),
                or_(_person.c.suspended_at.is_(None), _person.c.suspended_at > since),
            )
        )
        return self._connection.execute(others.limit(1)).first() is not None

    def _drop_what_is_pending(
        self, person_id: int, now: datetime, *, plan_id: int | None = None, are_drafts_kept: bool = False
    ) -> None:
        """Open drafts, messages not sent yet, work not begun yet, pauses, what the chat waits to hear (S17).

        What takes restricted text out of the chat is not dropped but due at once (S15).
        What is being sent this instant is gone. `are_drafts_kept`: the drafts have been handed over before.
        """
        chat_ids = self._hold_chats(person_id)
        sessions = update(_session).where(_session.c.person_id == person_id, _session.c.state == "open")
        pauses = update(_pause).where(_pause.c.person_id == person_id, _pause.c.ended_at.is_(None))
        if plan_id is not None:
            sessions = sessions.where(_session.c.plan_id == plan_id)
            pauses = pauses.where(_pause.c.plan_id == plan_id)
        if not are_drafts_kept:
            # The version too, so that whoever has it loaded cannot save it open again.
            self._connection.execute(sessions.values(state="cancelled", version=_session.c.version + 1))
        self._connection.execute(pauses.values(ended_at=now))
        self._connection.execute(update(_chat).where(_chat.c.id.in_(chat_ids)).values(session_id=None, awaits=""))
        for chat_id in chat_ids:
            self._unit.outbox.cancel(chat_id, now)
        theirs = update(_job).where(_job.c.chat_id.in_(chat_ids), _job.c.state == "queued")
        self._connection.execute(theirs.where(_job.c.kind != UNSAY).values(state="cancelled", settled_at=now))
        # What they may not read any more does not stay on their phone until tomorrow.
        self._connection.execute(theirs.where(_job.c.kind == UNSAY).values(not_before=now))

    def _hold_chats(self, person_id: int) -> Sequence[int]:
        """The person's chats, held until the unit ends. Before any other row: every update takes them in this order."""
        chats = select(_chat.c.id).where(_chat.c.person_id == person_id).order_by(_chat.c.id).with_for_update()
        return self._connection.execute(chats).scalars().all()

    def _record_for_each_plan(self, act: Act, person: Person, by: int | None, now: datetime) -> None:
        plan_ids: list[int | None] = [membership.plan_id for membership in person.memberships]
        for plan_id in plan_ids or [None]:
            self._unit.audit.record(act, actor_id=by, plan_id=plan_id, details={"person": person.id}, now=now)


def _to_membership(row: Row[*tuple[Any, ...]]) -> Membership:
    return Membership(
        id=row.membership_id,
        plan_id=row.plan_id,
        plan_code=row.plan_code,
        person_id=row.id,
        role=Role(row.role),
        agency_id=row.agency_id,
        agency_code=row.agency_code or "",
        agency_name=row.agency_name or {},
        active_from=row.active_from,
        is_contributor=row.is_contributor,
        until_on=row.until_on,
    )


def _to_person(row: Row[*tuple[Any, ...]], memberships: Iterable[Membership]) -> Person:
    return Person(
        id=row.id,
        telegram_id=row.telegram_id,
        name=row.name,
        language=row.language,
        timezone=row.timezone,
        joined_at=row.joined_at,
        privacy_accepted_at=row.privacy_accepted_at,
        suspended_at=row.suspended_at,
        unreachable_at=row.unreachable_at,
        memberships=tuple(memberships),
    )


class Invitations:
    """Links that let somebody in, once."""

    def __init__(self, unit: "UnitOfWork") -> None:
        self._unit = unit
        self._connection = unit.connection

    def issue(
        self,
        role: Role,
        *,
        plan_id: int,
        agency_id: int | None = None,
        now: datetime,
        by: int | None = None,
        ttl: timedelta = INVITATION_TTL,
        is_contributor: bool = False,
        until_on: date | None = None,
    ) -> str:
        """The token of a new link: 43 characters that fit Telegram's start parameter. Nobody can be told it again.

        `by` is None for the server's command line, which may name an admin only while there is none: that link
        lives 15 minutes at most, and replaces an earlier one; Conflict if there is an admin. ValueError for a
        `ttl` that is not positive or over 72 hours, for a role that lacks its agency, and for a contributor who is
        no observer of an agency; Conflict for an agency that takes no part. `until_on`: the role is one for a time.
        """
        _check_role(role, agency_id, is_contributor=is_contributor)
        self._unit.plans.check_takes_part(agency_id, now)
        if not timedelta(0) < ttl <= INVITATION_TTL:
            raise ValueError("a link lives up to 72 hours")
        if role is Role.ADMIN and by is None:
            if self._unit.people.has_admin(plan_id):
                raise Conflict("there is an admin already: further ones are invited by an admin, in the chat")
            ttl = min(ttl, FIRST_ADMIN_TTL)
            self._revoke(
                _invitation.c.plan_id == plan_id,
                _invitation.c.role == Role.ADMIN.value,
                _invitation.c.created_by_id.is_(None),
                now=now,
            )
        token = secrets.token_urlsafe(32)
        invitation_id = self._connection.execute(
            insert(_invitation)
            .values(
                plan_id=plan_id,
                token_hash=self._unit.vault.token_hash(token),
                role=role.value,
                agency_id=agency_id,
                created_at=now,
                created_by_id=by,
                expires_at=now + ttl,
                is_contributor=is_contributor,
                until_on=until_on,
            )
            .returning(_invitation.c.id)
        ).scalar_one()
        details: dict[str, object] = {"invitation": invitation_id, "role": role.value, "agency_id": agency_id}
        if is_contributor:
            details["contributor"] = True
        self._unit.audit.record("invitation.issued", actor_id=by, plan_id=plan_id, details=details, now=now)
        return token

    def redeem(
        self, token: str, telegram_id: int, name: str, language: str, now: datetime, *, timezone: str
    ) -> Membership | OfferedRole | None:
        """The role the link grants, if it is good and this number is not locked out; None tells no more than that.

        Good is decided by one conditional UPDATE, so a hundred who press it together are one who gets in. A
        suspended person gets in by a link issued after the suspension (a new phone, checked in person: S18); a
        link never makes the last admin something less. Whoever has another role in the plan, which the link would
        take, has used the link up and is asked first (`accept`, `decline`); a role for a time takes no other one.
        """
        failures, since = self._lock_stranger(telegram_id)
        if _is_locked_out(failures, since, now):
            return None
        person = self._unit.people.by_telegram_id(telegram_id)
        is_unused: Any = _invitation.c.redeemed_at.is_(None)
        if person is not None:
            is_unused = or_(is_unused, _invitation.c.redeemed_by_id == person.id)
        which = [_invitation.c.token_hash == self._unit.vault.token_hash(token), is_unused]
        invitation = self._take(person, which, now, timezone, redeemed_at=now)
        if invitation is None:
            self._count_failure(telegram_id, failures, since, now)
            return None
        if person is not None and not person.is_suspended:
            present = person.membership_in(invitation.plan_id)
            if present is not None and (present.role, present.agency_id) != (invitation.role, invitation.agency_id):
                self._set(invitation.id, redeemed_by_id=person.id)
                return OfferedRole(invitation.id, invitation.plan_id, Role(invitation.role), invitation.agency_id)
        return self._welcome(invitation, telegram_id, name, language, now, timezone)

    def accept(self, invitation_id: int, person: Person, now: datetime, *, timezone: str) -> Membership | None:
        """Take the role that `redeem` offered, in place of the one they have; None if the link is good no more."""
        which = [_invitation.c.id == invitation_id, _invitation.c.redeemed_by_id == person.id]
        invitation = self._take(person, which, now, timezone, accepted_at=now)
        if invitation is None:
            return None
        return self._welcome(invitation, person.telegram_id, person.name, person.language, now, timezone)

    def decline(self, invitation_id: int, person_id: int, now: datetime) -> bool:
        """Stay what one is; the link is useless from now on."""
        invitation = self._connection.execute(
            update(_invitation)
            .where(
                _invitation.c.id == invitation_id,
                _invitation.c.redeemed_by_id == person_id,
                _invitation.c.accepted_at.is_(None),
                _invitation.c.revoked_at.is_(None),
            )
            .values(revoked_at=now)
            .returning(_invitation.c.plan_id)
        ).one_or_none()
        if invitation is None:
            return False
        self._unit.audit.record(
            "invitation.declined",
            actor_id=person_id,
            plan_id=invitation.plan_id,
            details={"invitation": invitation_id},
            now=now,
        )
        return True

    def id_of(self, token: str) -> int:
        """The number of the link with this token. NotFound."""
        statement = select(_invitation.c.id).where(_invitation.c.token_hash == self._unit.vault.token_hash(token))
        found: int | None = self._connection.execute(statement).scalar_one_or_none()
        if found is None:
            raise NotFound("no such link")
        return found

    def is_locked_out(self, telegram_id: int, now: datetime) -> bool:
        """Whether five links failed within an hour, the last less than an hour ago."""
        statement = select(_stranger.c.failures, _stranger.c.failures_since)
        row = self._connection.execute(statement.where(_stranger.c.telegram_id == telegram_id)).one_or_none()
        return row is not None and _is_locked_out(row.failures, row.failures_since, now)

    def open(self, plan_id: int, now: datetime) -> tuple[OpenInvitation, ...]:
        """The links that may still be used, oldest first."""
        statement = (
            select(
                _invitation.c.id,
                _invitation.c.role,
                _agency.c.code,
                _invitation.c.created_at,
                _invitation.c.created_by_id,
                _invitation.c.expires_at,
            )
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
        return tuple(
            OpenInvitation(row.id, Role(row.role), row.code or "", row.created_at, row.created_by_id, row.expires_at)
            for row in self._connection.execute(statement)
        )

    def revoke(self, invitation_id: int, *, plan_id: int, now: datetime, by: int | None) -> bool:
        """Make a link useless; false if it was used, withdrawn, or is another plan's."""
        revoked = self._revoke(_invitation.c.id == invitation_id, _invitation.c.plan_id == plan_id, now=now)
        if revoked:
            details = {"invitation": invitation_id}
            self._unit.audit.record("invitation.revoked", actor_id=by, plan_id=plan_id, details=details, now=now)
        return bool(revoked)

    def revoke_all_of(self, person_id: int, *, now: datetime, plan_id: int | None = None) -> int:
        """Make useless what this person has issued, in the plan or everywhere; how many there were."""
        which = [_invitation.c.created_by_id == person_id]
        if plan_id is not None:
            which.append(_invitation.c.plan_id == plan_id)
        return self._revoke(*which, now=now)

    def revoke_offers_to(self, person_id: int, *, now: datetime, plan_id: int | None = None) -> int:
        """Make useless the links that this person has used and not decided about; how many there were."""
        which = [_invitation.c.redeemed_by_id == person_id]
        if plan_id is not None:
            which.append(_invitation.c.plan_id == plan_id)
        return self._revoke(*which, now=now)

    # -------------------------------------------------------------- inside
    def _take(self, person: Person | None, which: list[Any], now: datetime, timezone: str, **values: object) -> Any:
        """Mark the one link that is meant, if it is still good for this person; None if it is not."""
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
                ~exists(_ADMINS.where(_membership.c.plan_id == _invitation.c.plan_id).correlate(_invitation)),
            ),
        ]
        if person is not None:
            if person.suspended_at is not None:
                is_good.append(_invitation.c.created_at > person.suspended_at)
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
                if present.role is Role.ADMIN and self._unit.people.is_last_admin(person.id, present.plan_id):
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

    def _revoke(self, *which: Any, now: datetime) -> int:
        statement = update(_invitation).where(
            *which, _invitation.c.accepted_at.is_(None), _invitation.c.revoked_at.is_(None)
        )
        return self._connection.execute(statement.values(revoked_at=now)).rowcount

    def _lock_stranger(self, telegram_id: int) -> tuple[int, datetime | None]:
        """How often this number has failed, held until the unit ends: tries of one number come one after the other."""
        statement = insert_into(self._connection, _stranger).values(telegram_id=telegram_id, failures=0)
        statement = statement.on_conflict_do_update(
            index_elements=[_stranger.c.telegram_id], set_={"failures": _stranger.c.failures}
        ).returning(_stranger.c.failures, _stranger.c.failures_since)
        row = self._connection.execute(statement).one()
        return row.failures, row.failures_since

    def _count_failure(self, telegram_id: int, failures: int, since: datetime | None, now: datetime) -> None:
        if since is None or since <= now - FAILURES_WINDOW:
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
        people = self._unit.people
        person = people.add(telegram_id, name, language, now, timezone=timezone)
        if person.is_suspended:
            # The link speaks for its own plan only: roles elsewhere do not come back with it.
            people.end_elsewhere(person, invitation.plan_id, now)
            people.restore(person.id, now=now, by=invitation.created_by_id)
        people.mark_reachable(telegram_id)
        self._set(invitation.id, redeemed_by_id=person.id, accepted_at=now)
        granted = people.grant(
            person.id,
            invitation.plan_id,
            Role(invitation.role),
            agency_id=invitation.agency_id,
            now=now,
            by=invitation.created_by_id,
            invitation_id=invitation.id,
            is_contributor=invitation.is_contributor,
            until_on=invitation.until_on,
        )
        if invitation.until_on is not None:
            self._unit.delegations.arrived(invitation.id, person.id)
        return granted


def _check_role(role: Role, agency_id: int | None, *, is_contributor: bool) -> None:
    """ValueError for a role that lacks its agency, and for a right that is an observer's alone."""
    if role in AGENCY_ROLES and agency_id is None:
        raise ValueError(f"a {role.value} belongs to an agency")
    if is_contributor and (role is not Role.OBSERVER or agency_id is None):
        raise ValueError("only an observer of an agency may contribute its indicators")


def _is_locked_out(failures: int, since: datetime | None, now: datetime) -> bool:
    return failures >= FAILURES_ALLOWED and since is not None and now < since + FAILURES_WINDOW
