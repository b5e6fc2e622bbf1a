"""People who may speak to the bot, and their roles.

A Telegram account does not prove who its owner is, so nobody is let in by name or number. `joining` lets people in,
`roles` gives them roles, and `leaving` ends a role with everything that depends on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, delete, or_, select, update

from conversations.plan.entering import Absence, absence
from conversations.plan.model import AGENCY_ROLES, Role, Translations
from conversations.session.safeguards.characters import read_name
from storage.database.audit import Act, Audit
from storage.database.models import Base, columns_of
from storage.database.statements import Prepared, insert_of, insert_or_ignore
from storage.database.unit import Repository
from storage.errors import NotFound

STRANGER_PAUSE = timedelta(days=1)
LONGEST_NAME = 128


@dataclass(frozen=True, slots=True)
class Membership:
    """A role in a plan, of an agency or of none."""

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
    """Whether an observer also reports the indicators that their agency leads (docs/domain.md#who-sees-what)."""
    until_on: date | None = None
    """The first day on which a role for a time is over."""


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
    """The present roles, also of a suspended person: they come back with the person."""
    form_language: str = ""
    """The language in which forms are asked, if the bot does not speak it. Blank: `language`."""

    @property
    def is_suspended(self) -> bool:
        return self.suspended_at is not None

    @property
    def absence(self) -> Absence | None:
        """Why nothing reaches them. None: messages do."""
        return absence(self.suspended_at, self.unreachable_at, self.privacy_accepted_at)

    @property
    def membership(self) -> Membership | None:
        """Return the role to act under if there is one plan; None for a suspended person and for a person without a
        role.
        """
        return self.memberships[0] if self.memberships and not self.is_suspended else None

    def membership_in(self, plan_id: int) -> Membership | None:
        if self.is_suspended:
            return None
        return next((membership for membership in self.memberships if membership.plan_id == plan_id), None)


# ------------------------------------------------------------------ statements, built once
_tables = Base.metadata.tables
_person = _tables["person"]
_membership = _tables["membership"]
_agency = _tables["agency"]
_plan = _tables["plan"]
_stranger = _tables["stranger"]

_IS_CURRENT = _membership.c.active_to.is_(None)

_PERSON_COLUMNS = columns_of(Person, _person)
_MEMBERSHIP_COLUMNS = columns_of(
    Membership, _membership, plan_code=_plan.c.code, agency_code=_agency.c.code, agency_name=_agency.c.name
)
_PEOPLE = (
    select(*_PERSON_COLUMNS, *_MEMBERSHIP_COLUMNS)
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

_ELSEWHERE = Prepared(
    select(_person.c.language)
    .join(_membership, and_(_membership.c.person_id == _person.c.id, _IS_CURRENT))
    .where(_person.c.telegram_id == bindparam("telegram_id"), _membership.c.plan_id != bindparam("plan_id"))
    .limit(1)
)

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

ADMINS = (
    select(_membership.c.id)
    .join(_person, _person.c.id == _membership.c.person_id)
    .where(_IS_CURRENT, _membership.c.role == Role.ADMIN.value, _person.c.suspended_at.is_(None))
)


def _once_a_day(dialect: str) -> Any:
    made = insert_of(dialect, _stranger)
    answered = _stranger.c.answered_at
    return made.on_conflict_do_update(
        index_elements=[_stranger.c.telegram_id],
        set_={"answered_at": made.excluded.answered_at},
        where=or_(answered.is_(None), answered <= bindparam("long_ago")),
    ).returning(_stranger.c.telegram_id)


_ONCE_A_DAY = Prepared(_once_a_day)
"""Whoever has no role can send as much as Telegram lets through: each update costs no more than this."""


class People(Repository):
    """Everybody who was ever let in, with their roles and preferences."""

    # -------------------------------------------------------------- who is it?
    def by_telegram_id(self, telegram_id: int) -> Person | None:
        """Return the person with that Telegram number, with current roles; None for a stranger. One statement."""
        return next(iter(self._people(_BY_TELEGRAM_ID, telegram_id=telegram_id)), None)

    def by_id(self, person_id: int) -> Person:
        for person in self._people(_BY_ID, person_id=person_id):
            return person
        raise NotFound(f"no person {person_id}")

    def reads_of_others(self, telegram_id: int, plan_id: int) -> str | None:
        """Return the language of somebody who has a role in another plan, too. None for everybody else."""
        found = _ELSEWHERE.first(self._connection, {"telegram_id": telegram_id, "plan_id": plan_id})
        return None if found is None else str(found.language)

    def in_plan(self, plan_id: int, person_id: int) -> tuple[Person, Membership]:
        """Return a person with a role in the plan, also a suspended one. NotFound for everybody else."""
        person = self.by_id(person_id)
        for membership in person.memberships:
            if membership.plan_id == plan_id:
                return person, membership
        raise NotFound(f"no person {person_id} in plan {plan_id}")

    def history(self, person_id: int) -> Sequence[tuple[Role, str, datetime, datetime | None]]:
        """Return every role that a person has ever had: (role, agency, since, until), in order."""
        found = self._connection.execute(_HISTORY, {"person_id": person_id})
        return [(Role(role), code or "", begun_at, ended_at) for role, code, begun_at, ended_at in found]

    def list(self, plan_id: int) -> tuple[Person, ...]:
        """Return everybody with a role in the plan, also suspended people, in the order in which they came."""
        return self._people(_OF_PLAN, plan_id=plan_id)

    def of_agency(self, plan_id: int, agency_id: int) -> tuple[Person, ...]:
        """Return the people who report for the agency or belong to it now, without suspended ones.

        Focal points come first.
        """
        people = self._people(_OF_AGENCY, plan_id=plan_id, agency_id=agency_id)
        return tuple(sorted(people, key=lambda person: person.memberships[0].role is not Role.FOCAL_POINT))

    def colleagues(self, person_id: int, membership: Membership) -> tuple[Person, ...]:
        """The others of the same agency."""
        if membership.agency_id is None:
            return ()
        everybody = self.of_agency(membership.plan_id, membership.agency_id)
        return tuple(person for person in everybody if person.id != person_id)

    def post(self, person_id: int, plan_id: int, at: datetime | None = None) -> tuple[Role, str] | None:
        """The role and agency's code that somebody had at an instant, or last. None if they never had a role."""
        held = self._connection.execute(_POSTS, {"person_id": person_id, "plan_id": plan_id}).all()
        then = [row for row in held if at is None or row.active_from <= at] or held[-1:]
        return (Role(then[0].role), then[0].code or "") if then else None

    def heir(self, person_id: int, membership: Membership) -> Person | None:
        """The person who takes over somebody's drafts: the agency's focal point, or else an alternate."""
        others = (p for p in self.colleagues(person_id, membership) if p.memberships[0].role in AGENCY_ROLES)
        return next(others, None)

    def with_role(self, plan_id: int, role: Role) -> tuple[Person, ...]:
        """Return everybody who has the role now, except suspended people."""
        return self._people(_WITH_ROLE, plan_id=plan_id, role=role.value)

    def has_admin(self, plan_id: int) -> bool:
        return self.has_admin_besides(plan_id, None)

    # -------------------------------------------------------------- joining and leaving
    def add(self, telegram_id: int, name: str, language: str, now: datetime, *, timezone: str) -> Person:
        """Add the person with that number. A person who is known already keeps name and language.

        ValueError for a new person whose name shows no letter, which Telegram allows.
        """
        kept = read_name(name)
        if not kept and self.by_telegram_id(telegram_id) is None:
            raise ValueError("a person's name needs a letter")
        row: dict[str, object] = {
            "telegram_id": telegram_id,
            "name": kept[:LONGEST_NAME].rstrip(),
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

    # -------------------------------------------------------------- what they decide themselves
    def set_language(self, person_id: int, language: str) -> None:
        """Set the language of the bot. Forms that speak it are asked in it too."""
        self._set(person_id, language=language, form_language="")

    def set_form_language(self, person_id: int, language: str) -> None:
        """Set a language for forms alone, which the bot does not speak."""
        self._set(person_id, form_language=language)

    def set_timezone(self, person_id: int, timezone: str) -> None:
        self._set(person_id, timezone=timezone)

    def accept_privacy(self, person_id: int, now: datetime) -> bool:
        """Record the consent to the privacy notice. Return whether it is the first time, which stays."""
        done = self._connection.execute(
            update(_person)
            .where(_person.c.id == person_id, _person.c.privacy_accepted_at.is_(None))
            .values(privacy_accepted_at=now)
        )
        return done.rowcount == 1

    # -------------------------------------------------------------- what Telegram says about them
    def mark_unreachable(self, telegram_id: int, now: datetime) -> None:
        """Note that Telegram cannot deliver to this person (blocked, deactivated), since now or earlier."""
        self._connection.execute(
            update(_person)
            .where(_person.c.telegram_id == telegram_id, _person.c.unreachable_at.is_(None))
            .values(unreachable_at=now)
        )

    def mark_reachable(self, telegram_id: int) -> None:
        """The person wrote, so the bot may write again."""
        self._connection.execute(
            update(_person)
            .where(_person.c.telegram_id == telegram_id, _person.c.unreachable_at.is_not(None))
            .values(unreachable_at=None)
        )

    def may_answer_stranger(self, telegram_id: int, now: datetime) -> bool:
        """Whether somebody without a role gets a reply: once a day (S16). Saying yes uses it up."""
        return self._once_a_day(telegram_id, now)

    def may_tell_the_hotline(self, telegram_id: int, now: datetime) -> bool:
        """Whether a cry for help is answered: once a day, whatever else was answered. Saying yes uses it up.

        It has a row of its own, under the number with a minus, which is no person's.
        """
        return self._once_a_day(-telegram_id, now)

    def _once_a_day(self, telegram_id: int, now: datetime) -> bool:
        values = {"telegram_id": telegram_id, "failures": 0, "answered_at": now, "long_ago": now - STRANGER_PAUSE}
        return _ONCE_A_DAY.first(self._connection, values) is not None

    # -------------------------------------------------------------- inside
    def _people(self, statement: Any, **values: object) -> tuple[Person, ...]:
        found: dict[int, tuple[dict[str, Any], list[Membership]]] = {}
        for row in self._connection.execute(statement, values):
            own = {column.name: value for column, value in zip(_PERSON_COLUMNS, row, strict=False)}
            _, memberships = found.setdefault(own["id"], (own, []))
            of_membership = row[len(_PERSON_COLUMNS) :]
            if of_membership[0] is not None:
                memberships.append(_to_membership(of_membership))
        return tuple(Person(**own, memberships=tuple(memberships)) for own, memberships in found.values())

    def current(self, person_id: int, plan_id: int) -> Membership | None:
        memberships = self.by_id(person_id).memberships
        return next((membership for membership in memberships if membership.plan_id == plan_id), None)

    def _set(self, person_id: int, **values: object) -> None:
        self._connection.execute(update(_person).where(_person.c.id == person_id).values(**values))

    def is_last_admin(self, person_id: int, plan_id: int) -> bool:
        """Whether nobody else is admin of the plan.

        It locks the plan against other such questions until the unit ends.
        """
        # Two admins who remove each other at the same moment would both still see the other one.
        self._connection.execute(select(_plan.c.id).where(_plan.c.id == plan_id).with_for_update(key_share=True)).all()
        return not self.has_admin_besides(plan_id, person_id)

    def has_admin_besides(self, plan_id: int, person_id: int | None) -> bool:
        """Whether somebody else may act as the plan's admin now. Suspended people do not count."""
        others = ADMINS.where(_membership.c.plan_id == plan_id)
        if person_id is not None:
            others = others.where(_membership.c.person_id != person_id)
        return self._connection.execute(others.limit(1)).first() is not None

    def had_admin_besides(self, plan_id: int, person_id: int, since: datetime) -> bool:
        """Whether somebody else is the plan's admin, or was since then, suspended or not.

        It locks the plan until the unit ends: an admin who is being suspended at this moment must not count for two
        different answers.
        """
        self._connection.execute(select(_plan.c.id).where(_plan.c.id == plan_id).with_for_update(key_share=True)).all()
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

    def record_for_each_plan(self, act: Act, person: Person, by: int | None, now: datetime) -> None:
        plan_ids: list[int | None] = [membership.plan_id for membership in person.memberships]
        for plan_id in plan_ids or [None]:
            self._unit.of(Audit).record(act, actor_id=by, plan_id=plan_id, details={"person": person.id}, now=now)


def _to_membership(row: Sequence[Any]) -> Membership:
    id, plan_id, plan_code, person_id, role, agency_id, agency_code, agency_name, *more = row
    agency = agency_id, agency_code or "", agency_name or {}
    return Membership(id, plan_id, plan_code, person_id, Role(role), *agency, *more)


def check_role(role: Role, agency_id: int | None, *, is_contributor: bool) -> None:
    """ValueError for a role that lacks its agency, or if somebody other than an observer gets the right to report."""
    if role in AGENCY_ROLES and agency_id is None:
        raise ValueError(f"a {role.value} belongs to an agency")
    if is_contributor and (role is not Role.OBSERVER or agency_id is None):
        raise ValueError("only an observer of an agency may contribute its indicators")
