"""The people who can be sent something, and those of them who have not been told yet."""

from collections.abc import Collection
from datetime import date
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    select,
)

from conversations.plan.calendar.agenda import Recipient
from conversations.plan.calendar.ledger import SAID
from conversations.plan.entering import absence
from conversations.plan.model import AGENCY_ROLES, OF_AN_AGENCY, Role
from storage.database.models import Base
from storage.database.statements import Prepared, one_of
from storage.database.unit import Repository

TOLD_TOO = 8
"""How many people of an agency are searched for one who was told the same."""

_tables = Base.metadata.tables
_fire = _tables["fire"]
_person = _tables["person"]
_membership = _tables["membership"]
_agency = _tables["agency"]
_OF_PLAN: Any = bindparam("plan_id")
_WHAT: Any = bindparam("what")
_HAS_ROLE = and_(
    _membership.c.person_id == _person.c.id,
    _membership.c.active_to.is_(None),
    _membership.c.plan_id == _OF_PLAN,
)
_RECIPIENTS = (
    select(
        _person.c.id,
        _person.c.telegram_id,
        _person.c.name,
        _person.c.language,
        _person.c.timezone,
        _membership.c.role,
        _agency.c.code.label("agency_code"),
        _membership.c.active_from,
        _membership.c.until_on,
        case((one_of(_membership.c.role, OF_AN_AGENCY), _agency.c.active_to)).label("agency_ends_on"),
        _person.c.suspended_at,
        _person.c.unreachable_at,
        _person.c.privacy_accepted_at,
        _membership.c.is_contributor,
    )
    .join(_membership, _HAS_ROLE)
    .outerjoin(_agency, _agency.c.id == _membership.c.agency_id)
    .where(_person.c.suspended_at.is_(None))
    .order_by(_person.c.id)
)
# Only a few of an agency: this runs in the unit in which messages are claimed for sending.
_TOLD_FIRST = (
    select(
        _fire.c.person_id,
        _fire.c.window,
        func.row_number()
        .over(partition_by=(_membership.c.agency_id, _fire.c.window), order_by=_fire.c.person_id)
        .label("place"),
    )
    .join(_membership, and_(_membership.c.person_id == _fire.c.person_id, _membership.c.active_to.is_(None)))
    .join(_agency, _agency.c.id == _membership.c.agency_id)
    .where(
        _fire.c.plan_id == _OF_PLAN,
        _membership.c.plan_id == _OF_PLAN,
        _membership.c.role.in_(sorted(AGENCY_ROLES)),
        _agency.c.code.in_(bindparam("agencies", expanding=True)),
        _fire.c.what == bindparam("what"),
        _fire.c.window.in_(bindparam("windows", expanding=True)),
        _fire.c.state.in_(SAID),
    )
    .subquery()
)
_TOLD = (
    _RECIPIENTS.join(_TOLD_FIRST, _TOLD_FIRST.c.person_id == _person.c.id)
    .where(_TOLD_FIRST.c.place <= bindparam("few"))
    .add_columns(_TOLD_FIRST.c.window)
)
_ZONES = Prepared(
    select(_person.c.timezone)
    .join(_membership, _HAS_ROLE)
    .where(_person.c.suspended_at.is_(None))
    .distinct()
    .order_by(_person.c.timezone)
)
_IN_LEDGER = and_(
    _fire.c.plan_id == _OF_PLAN,
    _fire.c.person_id == _person.c.id,
    _fire.c.what == _WHAT,
    _fire.c.window == bindparam("window"),
)
_ALL = Prepared(_RECIPIENTS)
_THESE = _RECIPIENTS.where(_person.c.id.in_(bindparam("ids", expanding=True)))
_REPORTERS = Prepared(_RECIPIENTS.where(one_of(_membership.c.role, sorted(AGENCY_ROLES))))


@cache
def _untold(roles: frozenset[Role], ignore_states: tuple[str, ...]) -> Prepared:
    """Return the people with a role who have no row for a window in the ledger. Rows in these states do not count."""
    return Prepared(
        _RECIPIENTS.where(
            _person.c.timezone == bindparam("zone"),
            one_of(_membership.c.role, sorted(roles)),
            ~exists().where(_IN_LEDGER, *(_fire.c.state != state for state in ignore_states)),
        )
    )


def _to_recipient(row: Any) -> Recipient:
    return Recipient(
        person_id=row.id,
        chat_id=row.telegram_id,
        name=row.name,
        language=row.language,
        timezone=row.timezone,
        role=Role(row.role),
        agency_code=row.agency_code or "",
        since=row.active_from.astimezone(ZoneInfo(row.timezone)).date(),
        until=min(row.until_on or date.max, row.agency_ends_on or date.max),
        absence=absence(row.suspended_at, row.unreachable_at, row.privacy_accepted_at),
        is_contributor=row.is_contributor,
    )


class Recipients(Repository):
    """Everybody with a role in a plan, with all that is needed to send them a message."""

    def zones(self, plan_id: int) -> list[str]:
        """Return the time zones in which the people of the plan live."""
        return [row.timezone for row in _ZONES.rows(self._connection, {"plan_id": plan_id})]

    def not_told(
        self,
        plan_id: int,
        what: str,
        zone: str,
        window: date,
        roles: Collection[Role],
        *,
        ignore_states: Collection[str] = (),
    ) -> list[Recipient]:
        """The people in that zone with one of these roles who are not in the ledger for that window.

        Rows in one of `ignore_states` do not count: `("open",)` for messages that may still be said, `UNSAID` for all
        that were not said.
        """
        values = {
            "plan_id": plan_id,
            "what": what,
            "zone": zone,
            "window": window.isoformat(),
        }
        untold = _untold(frozenset(roles), tuple(ignore_states))
        return [_to_recipient(row) for row in untold.rows(self._connection, values)]

    def all(self, plan_id: int, person_ids: Collection[int] | None = None) -> list[Recipient]:
        """These people, or all of the plan, as they are now. People who are suspended or have no role are missing."""
        if person_ids is None:
            return [_to_recipient(row) for row in _ALL.rows(self._connection, {"plan_id": plan_id})]
        return [_to_recipient(row) for row in self._rows(_THESE, plan_id=plan_id, ids=list(person_ids))]

    def reporters(self, plan_id: int) -> list[Recipient]:
        """Return everybody who reports for an agency."""
        return [_to_recipient(row) for row in _REPORTERS.rows(self._connection, {"plan_id": plan_id})]

    def told_colleagues(
        self, plan_id: int, what: str, agencies: Collection[str], windows: Collection[date]
    ) -> list[tuple[Recipient, date]]:
        """Return, of each of these agencies, some reporters who were told in one of these windows, with the window.

        Messages that wait to be sent count too.
        """
        days = sorted(window.isoformat() for window in windows)
        rows = self._rows(_TOLD, plan_id=plan_id, what=what, agencies=sorted(agencies), windows=days, few=TOLD_TOO)
        return [(_to_recipient(row), date.fromisoformat(row.window)) for row in rows]

    def _rows(self, statement: Select[*tuple[Any, ...]], **values: object) -> list[Any]:
        return list(self._connection.execute(statement, values))
