"""The few reports, of all that were ever sent, on which it depends what is due.

An agency's reports grow with the years, and each receipt says what is left. Two kinds of reports count there: those
about periods that can still be reported on, and those that end an activity. No others are read.
"""

from typing import Any

from sqlalchemy import BindParameter, CompoundSelect, Select, and_, bindparam, func, select, union_all

from conversations.plan.expected import PastReport
from conversations.plan.model import ActivityStatus, ValidationState
from storage.database.models import Base
from storage.database.statements import one_of

_tables = Base.metadata.tables
_activity = _tables["activity"]
_indicator = _tables["indicator"]
_past = _tables["past_row"]
_period = _tables["reporting_period"]
_reopening = _tables["reopening"]
_submission = _tables["submission"]
_said = _submission.alias("said")
"""A report that says that its activity has ended."""

_OF_PLAN: BindParameter[int] = bindparam("plan_id")
_OF_AGENCY: BindParameter[int] = bindparam("agency_id")
_ON: Any = bindparam("on")

# Only current versions: a corrected version no longer counts.
_REPORTS = (
    select(
        _submission.c.subject,
        _period.c.code,
        _period.c.end_on,
        _submission.c.validation_state,
        _submission.c.activity_status,
    )
    .join(_period, _period.c.id == _submission.c.reporting_period_id)
    .where(_submission.c.is_current, _submission.c.subject.is_not(None))
)
# About what this agency leads or has led, whoever sent them: an activity may have changed hands. One IN of all kinds:
# of two with OR between them, PostgreSQL makes a walk through everything that was ever sent.
_LED_BY_AGENCY = union_all(
    *(
        select(f"{kind}:" + of_kind.c.code).where(of_kind.c.plan_id == _OF_PLAN, of_kind.c.agency_id == _OF_AGENCY)
        for kind, of_kind in (("activity", _activity), ("indicator", _indicator))
    ),
    *(
        select(f"{kind}:" + of_kind.c.code)
        .join(_past, and_(_past.c.row_id == of_kind.c.id, _past.c.of_table == kind))
        .where(_past.c.plan_id == _OF_PLAN, _past.c.agency_id == _OF_AGENCY)
        for kind, of_kind in (("activity", _activity), ("indicator", _indicator))
    ),
)
_OF_THIS_AGENCY = _REPORTS.where(_submission.c.plan_id == _OF_PLAN, _submission.c.subject.in_(_LED_BY_AGENCY))
_NOT_LOCKED = union_all(
    select(_period.c.id).where(_period.c.plan_id == _OF_PLAN, _period.c.opens_on <= _ON, _period.c.locks_on > _ON),
    select(_reopening.c.reporting_period_id).where(
        _reopening.c.agency_id == _OF_AGENCY, _reopening.c.ended_at.is_(None), _reopening.c.until_on > _ON
    ),
)


def _since_an_end(*which: Any) -> Select[Any]:
    """Return, for each activity that a report has ended, the last such report and what was sent for later periods.

    A later report may have taken the activity up again. `which` are conditions for `_said`.
    """
    its_period, each, each_period = _period.alias("its_period"), _submission.alias("each"), _period.alias("each_period")
    ended = (
        select(_said.c.plan_id, _said.c.subject, func.max(its_period.c.end_on).label("ended_on"))
        .join(its_period, its_period.c.id == _said.c.reporting_period_id)
        .where(
            _said.c.plan_id == _OF_PLAN,
            _said.c.is_current,
            one_of(_said.c.activity_status, (ActivityStatus.COMPLETED, ActivityStatus.CANCELLED)),
            *which,
        )
        .group_by(_said.c.plan_id, _said.c.subject)
        .subquery("ended")
    )
    # All reports of such an activity are gone through, but in the index. The rows of few are looked up.
    since = (
        select(each.c.plan_id, each.c.subject, each.c.reporting_period_id)
        .join(ended, and_(each.c.plan_id == ended.c.plan_id, each.c.subject == ended.c.subject))
        .join(each_period, each_period.c.id == each.c.reporting_period_id)
        .where(each.c.is_current, each.c.subject.is_not(None), each_period.c.end_on >= ended.c.ended_on)
        .distinct()  # each is there once anyway, but without it SQLite looks up all rows
        .subquery("since")
    )
    names = ("plan_id", "subject", "reporting_period_id")
    return _REPORTS.join(since, and_(*(_submission.c[name] == since.c[name] for name in names)))


ENDING_REPORTS = _since_an_end()
ENDING_REPORTS_OF_AGENCY = _since_an_end(_said.c.subject.in_(_LED_BY_AGENCY))
REPORTS_OF_PERIOD = _OF_THIS_AGENCY.where(_submission.c.reporting_period_id == bindparam("period_id"))
REPORTS_FOR_DUE_LIST: CompoundSelect[Any] = union_all(
    _OF_THIS_AGENCY.where(_submission.c.reporting_period_id.in_(_NOT_LOCKED)), ENDING_REPORTS_OF_AGENCY
)
"""All that `due_list` needs of an agency's reports. One that ends an activity may be there twice."""


def to_report(row: Any) -> PastReport:
    status = ActivityStatus(row.activity_status) if row.activity_status else None
    return PastReport(row.subject, row.code, row.end_on, ValidationState(row.validation_state), status)
