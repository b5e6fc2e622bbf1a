"""Which submissions an export contains: the one place that reads the filters, for every dataset.

A plan has tens of submissions a month, and a benchmark has a million. So the filters are conditions of the SQL
statement, never tests on rows that were already read.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, or_, select, union_all

from conversations.plan import model
from conversations.plan.versions import as_of, by_code
from storage.database.models import (
    Activity,
    Agency,
    Form,
    Indicator,
    Objective,
    ReportingPeriod,
    ReviewDecision,
    StrategicArea,
    Submission,
    table,
)
from storage.exports.wanted import Wanted, span_of
from storage.unit_of_work import UnitOfWork

_S, _P, _F, _A = table(Submission), table(ReportingPeriod), table(Form), table(Agency)
_D = table(ReviewDecision)
_FIRST = table(Submission).alias("root")
_ACTIVITY, _OBJECTIVE, _INDICATOR, _AREA = table(Activity), table(Objective), table(Indicator), table(StrategicArea)

PAGE = 1000
"""Rows read at a time."""


def matching(unit: UnitOfWork, wanted: Wanted) -> list[ColumnElement[bool]]:
    """The conditions on `submission` that the filters of `wanted` mean."""
    found: list[ColumnElement[bool]] = []
    if forms := wanted.one_of("form_id"):
        found.append(_S.c.form_id.in_(_ids(_F, _F.c.form_id, forms, wanted)))
    if (span := span_of(wanted.period)) is not None:
        if span.code:
            periods = select(_P.c.id).where(_P.c.plan_id == wanted.plan_id, _P.c.code == span.code)
        else:
            periods = select(_P.c.id).where(
                _P.c.plan_id == wanted.plan_id, _P.c.start_on >= span.start_on, _P.c.end_on <= span.end_on
            )
        found.append(_S.c.reporting_period_id.in_(periods))
    if agencies := wanted.one_of("agency"):
        found.append(_S.c.agency_id.in_(_ids(_A, _A.c.code, agencies, wanted)))
    if areas := wanted.one_of("area"):
        found.append(_of_areas(unit, areas, wanted))
    if statuses := wanted.one_of("status"):
        found.append(_S.c.activity_status.in_(statuses))
    if states := wanted.one_of("validation"):
        found.append(_S.c.validation_state.in_(states))
    if (since := wanted.since_at) is not None:
        decided = select(_D.c.id).where(
            _D.c.submission_id == _S.c.id, _D.c.root_id == _S.c.root_id, _D.c.decided_at >= since
        )
        found.append(or_(_S.c.submitted_at >= since, decided.exists()))
    if wanted.only is not None:
        found.append(_S.c.id.in_(wanted.only))
    return found


def _of_areas(unit: UnitOfWork, areas: tuple[str, ...], wanted: Wanted) -> ColumnElement[bool]:
    """The condition that what a report is about was of one of these areas when its period was settled."""
    ids = _ids(_AREA, _AREA.c.code, areas, wanted)
    subjects = union_all(
        select("activity:" + _ACTIVITY.c.code)
        .join(_OBJECTIVE, _OBJECTIVE.c.id == _ACTIVITY.c.objective_id)
        .where(_ACTIVITY.c.plan_id == wanted.plan_id, _OBJECTIVE.c.strategic_area_id.in_(ids)),
        select("indicator:" + _INDICATOR.c.code).where(
            _INDICATOR.c.plan_id == wanted.plan_id, _INDICATOR.c.strategic_area_id.in_(ids)
        ),
    )
    periods = unit.plans.periods(wanted.plan_id)
    items: Sequence[model.Activity | model.Indicator] = (
        *unit.plans.activities_ever(wanted.plan_id),
        *unit.plans.indicators_ever(wanted.plan_id),
    )
    moved = {
        versions[0].subject: [each.id for each in periods if as_of(versions, each.seals_on).area_code in areas]
        for versions in by_code(items).values()
        if len({each.area_code for each in versions}) > 1
    }
    return or_(
        and_(_S.c.subject.in_(subjects), _S.c.subject.not_in(moved)),
        *(and_(_S.c.subject == subject, _S.c.reporting_period_id.in_(within)) for subject, within in moved.items()),
    )


def allowed(unit: UnitOfWork, wanted: Wanted) -> list[ColumnElement[bool]]:
    """`matching`, limited to the rows that the asking role may have.

    These are rows of its own plan and, unless it is a coordinator, only validated versions.
    """
    # With its index on the plan, SQLite would find all rows out of order and sort them, answers included, before the
    # first one. Without it, SQLite walks along the key, which is the wanted order. PostgreSQL decides by its
    # statistics.
    of_plan = _S.c.plan_id if unit.is_postgresql else _S.c.plan_id + 0
    return [
        of_plan == wanted.plan_id,
        _S.c.is_standing if wanted.only_validated else _S.c.is_current,
        *matching(unit, wanted),
    ]


def root_receipt() -> Any:
    """Return the receipt of a report's first version as a column of a statement. Its corrections keep it."""
    first = select(_FIRST.c.receipt_number).where(_FIRST.c.instance_id == _S.c.root_id).scalar_subquery()
    return case((_S.c.version > 1, first), else_=_S.c.receipt_number).label("root_receipt")


def _ids(of: Any, code: Any, wanted_codes: tuple[str, ...], wanted: Wanted) -> Select[Any]:
    return select(of.c.id).where(of.c.plan_id == wanted.plan_id, code.in_(wanted_codes))


def streamed(unit: UnitOfWork, statement: Select[Any]) -> Iterator[Row[Any]]:
    """The rows of a statement, a page at a time in memory: one pass over one moment of the database.

    A caller that stops in the middle leaves a cursor open; it is closed with the view.
    """
    result = unit.connection.execute(statement.execution_options(yield_per=PAGE))
    unit.streams.append(result)
    yield from result
