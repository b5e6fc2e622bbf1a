"""The periods of a plan as rows: as everybody sees them, and as one agency does.

A period that is reopened for an agency locks for it when the reopening ends; for all others it is locked already.
"""

from datetime import date
from typing import Any

from sqlalchemy import BindParameter, and_, bindparam, case, exists, func, literal_column, select

from conversations.plan.periods import Frequency, PeriodType, ReportingPeriod
from storage.database.models import Base
from storage.plan.closings import closed_on

_tables = Base.metadata.tables
_plan = _tables["plan"]
_period = _tables["reporting_period"]
_cadence = _tables["cadence"]
_past = _tables["past_row"]
_closing = _tables["closing"]
_reopening = _tables["reopening"]

_OF_PLAN: BindParameter[int] = bindparam("plan_id")
_OF_AGENCY: BindParameter[int] = bindparam("agency_id")
_WITH_CODE: BindParameter[str] = bindparam("code")
_ON: BindParameter[date] = bindparam("on")

_PERIOD_COLUMNS = (
    _period.c.id,
    _period.c.code,
    _period.c.period_type,
    _period.c.start_on,
    _period.c.end_on,
    _period.c.opens_on,
    _period.c.due_on,
    _period.c.grace_until_on,
    _period.c.is_moved,
    _period.c.sealed_on,
)
_IN_ORDER = (_period.c.end_on, _period.c.due_on)
_AS_IT_IS = select(*_PERIOD_COLUMNS, _period.c.locks_on, literal_column("0").label("is_reopened"))
# If the plan has given up a periodicity, periods that had not opened by then are not asked for.
_IS_ASKED = ~exists().where(
    _cadence.c.plan_id == _period.c.plan_id,
    _cadence.c.code == case({each.period_type.value: each.value for each in Frequency}, value=_period.c.period_type),
    _cadence.c.retired_on < _period.c.opens_on,
)
PERIODS = _AS_IT_IS.where(_period.c.plan_id == _OF_PLAN, _IS_ASKED).order_by(*_IN_ORDER)
PERIODS_ENDING = PERIODS.where(_period.c.end_on >= bindparam("first"), _period.c.end_on <= bindparam("last"))
PERIOD = _AS_IT_IS.where(_period.c.plan_id == _OF_PLAN, _period.c.code == _WITH_CODE)
PERIOD_BY_ID = _AS_IT_IS.where(_period.c.id == bindparam("period_id"))
OPEN_PERIODS = PERIODS.where(_period.c.opens_on <= _ON, _period.c.locks_on > _ON)

_IS_REOPENED = _reopening.c.until_on > _period.c.locks_on
seen_locks_on = case((_IS_REOPENED, _reopening.c.until_on), else_=_period.c.locks_on)


def reopened_for(agency_id: Any) -> Any:
    """Return the join of a period with its reopening for an agency. `seen_locks_on` is its lock day for that agency."""
    return and_(
        _reopening.c.reporting_period_id == _period.c.id,
        _reopening.c.agency_id == agency_id,
        _reopening.c.ended_at.is_(None),
    )


_AS_AGENCY_SEES = (
    select(
        *(column for column in _PERIOD_COLUMNS if column is not _period.c.sealed_on),
        case((_IS_REOPENED, func.coalesce(_period.c.sealed_on, _period.c.locks_on)), else_=_period.c.sealed_on).label(
            "sealed_on"
        ),
        seen_locks_on.label("locks_on"),
        case((_IS_REOPENED, 1), else_=0).label("is_reopened"),
        _closing.c.closed_at,
        _plan.c.timezone,
    )
    .select_from(_period)
    .join(_plan, _plan.c.id == _period.c.plan_id)
    .outerjoin(_reopening, reopened_for(_OF_AGENCY))
    .outerjoin(_closing, and_(_closing.c.reporting_period_id == _period.c.id, _closing.c.agency_id == _OF_AGENCY))
)
PERIOD_SEEN = _AS_AGENCY_SEES.where(_period.c.plan_id == _OF_PLAN, _period.c.code == _WITH_CODE)
PERIOD_SEEN_BY_ID = _AS_AGENCY_SEES.where(_period.c.id == bindparam("period_id"))
# A period that seals on `last_change` or later goes by the present rows.
_LAST_CHANGE = select(func.max(_past.c.valid_to)).where(_past.c.plan_id == _OF_PLAN).scalar_subquery()
OPEN_PERIODS_SEEN = (
    _AS_AGENCY_SEES.add_columns(_LAST_CHANGE.label("last_change"))
    .where(_period.c.plan_id == _OF_PLAN, _IS_ASKED, _period.c.opens_on <= _ON, seen_locks_on > _ON)
    .order_by(*_IN_ORDER)
)


def to_period_and_closing(row: Any) -> tuple[ReportingPeriod, date | None]:
    return to_period(row), None if row.closed_at is None else closed_on(row)


def to_period(row: Any) -> ReportingPeriod:
    return ReportingPeriod(
        code=row.code,
        type=PeriodType(row.period_type),
        start_on=row.start_on,
        end_on=row.end_on,
        opens_on=row.opens_on,
        due_on=row.due_on,
        grace_until_on=row.grace_until_on,
        locks_on=row.locks_on,
        id=row.id,
        is_moved=bool(row.is_moved),
        is_reopened=bool(row.is_reopened),
        sealed_on=row.sealed_on,
    )
