"""The rows of people's way into a plan: who has a role, how far they have come, and the links that nobody has used."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import and_, bindparam, exists, func, or_, select

from conversations.plan.entering import UnusedLink, Way
from conversations.plan.model import Role
from storage.database.models import Base, columns_of
from storage.database.statements import Prepared
from storage.database.unit import Repository

WATCHED: Final = timedelta(days=90)
"""How long an unused link is on the list. After that the post is vacant, as if nobody had been invited."""

T = TypeVar("T")
_tables = Base.metadata.tables
_person = _tables["person"]
_membership = _tables["membership"]
_agency = _tables["agency"]
_invitation = _tables["invitation"]
_submission = _tables["submission"]
_newer = _invitation.alias("newer")
_used = _invitation.alias("used")
_PLAN_ID: Any = bindparam("plan_id")
_NOW: Any = bindparam("now")

_HAS_REPORTED = exists().where(_submission.c.person_id == _person.c.id, _submission.c.plan_id == _PLAN_ID)
_INVITED_BY = (
    select(_used.c.created_by_id)
    .where(
        _used.c.redeemed_by_id == _person.c.id,
        _used.c.plan_id == _membership.c.plan_id,
        _used.c.accepted_at.is_not(None),
    )
    .order_by(_used.c.accepted_at.desc(), _used.c.id.desc())
    .limit(1)
    .scalar_subquery()
)
_WAYS = (
    select(
        *columns_of(
            Way,
            _person,
            person_id=_person.c.id,
            role=_membership.c.role,
            agency_code=func.coalesce(_agency.c.code, ""),
            entered_at=_membership.c.active_from,
            accepted_at=_person.c.privacy_accepted_at,
            has_reported=_HAS_REPORTED,
            invited_by_id=_INVITED_BY,
        )
    )
    .join(_membership, _membership.c.person_id == _person.c.id)
    .outerjoin(_agency, _agency.c.id == _membership.c.agency_id)
    .where(_membership.c.plan_id == _PLAN_ID, _membership.c.active_to.is_(None))
    .order_by(_person.c.id)
)
_ALL = Prepared(_WAYS)
# Most people have arrived, and a scan asks every few seconds. The rule itself is `Way.is_under_way`.
_MAY_HAVE_STOPPED = Prepared(
    _WAYS.where(
        or_(
            _person.c.privacy_accepted_at.is_(None),
            _person.c.unreachable_at.is_not(None),
            and_(_membership.c.role == Role.FOCAL_POINT.value, ~_HAS_REPORTED),
        )
    )
)


def _is_same_post(other: Any) -> Any:
    return and_(
        other.c.plan_id == _invitation.c.plan_id,
        other.c.role == _invitation.c.role,
        func.coalesce(other.c.agency_id, 0) == func.coalesce(_invitation.c.agency_id, 0),
    )


_UNUSED = Prepared(
    select(*columns_of(UnusedLink, _invitation, agency_code=func.coalesce(_agency.c.code, "")))
    .select_from(_invitation)
    .outerjoin(_agency, _agency.c.id == _invitation.c.agency_id)
    .where(
        _invitation.c.plan_id == _PLAN_ID,
        _invitation.c.accepted_at.is_(None),
        _invitation.c.revoked_at.is_(None),
        _invitation.c.until_on.is_(None),
        _invitation.c.created_at > bindparam("watched_from"),
        or_(
            _invitation.c.expires_at > _NOW,
            and_(
                ~exists().where(_is_same_post(_newer), _newer.c.id > _invitation.c.id),
                ~exists().where(_is_same_post(_membership), _membership.c.active_from >= _invitation.c.created_at),
            ),
        ),
    )
    .order_by(_invitation.c.id)
)


class Entering(Repository):
    """The ways of a plan's people. Nothing here writes."""

    def ways(self, plan_id: int) -> Sequence[Way]:
        """Return the way of everybody who has a role in the plan now, also of suspended people. One statement."""
        return [_made(Way, row) for row in _ALL.rows(self._connection, {"plan_id": plan_id})]

    def stopped(self, plan_id: int) -> Sequence[Way]:
        """Return the ways of those who are not where they are to arrive, or whom nothing reaches. One statement."""
        found = (_made(Way, row) for row in _MAY_HAVE_STOPPED.rows(self._connection, {"plan_id": plan_id}))
        return [way for way in found if way.is_under_way and way.absence != "suspended"]

    def unused_links(self, plan_id: int, now: datetime) -> Sequence[UnusedLink]:
        """Return the links that nobody has used: those that are good, and those that expired and left a post empty.

        A deputy's link is not among them: its maker, who still has the post, sees it in /delegar.
        """
        values = {"plan_id": plan_id, "now": now, "watched_from": now - WATCHED}
        return [_made(UnusedLink, row) for row in _UNUSED.rows(self._connection, values)]


def _made(record: Callable[..., T], row: Any) -> T:
    return record(**row._asdict() | {"role": Role(row.role)})
