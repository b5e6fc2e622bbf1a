"""The reports that figures are counted from, read column by column.

A plan of thousands has tens of thousands of them. What takes long is to make rows in Python, value by value. So the
database returns one row for each period, with a list of all its numbers, one of all its subjects and so on; and these
lists become reports without a loop.

What is read: the reports of the closings that are compared, and of the closing before them. Of older ones each
activity's last validated report and its last other one, and those whose promised evidence is still awaited.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from itertools import chain, repeat
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from sqlalchemy import JSON, and_, bindparam, case, false, func, literal, literal_column, not_, select

from conversations.plan.figures.standing_records import Closing, Detail, Report
from conversations.plan.model import ActivityStatus, ValidationState
from conversations.plan.periods import ReportingPeriod
from storage.calendar.details import DetailOfAnswers, detail_of
from storage.database.models import Base
from storage.database.statements import Prepared, one_of, value_reader
from storage.database.unit import Unit
from storage.reports.submissions import row

_tables = Base.metadata.tables
_submission = _tables["submission"]
_activity = _tables["activity"]
_period = _tables["reporting_period"]
_file = _tables["attachment"]

TROUBLED = (ActivityStatus.DELAYED, ActivityStatus.SUSPENDED, ActivityStatus.CANCELLED)
"""The statuses for which the form asks what holds the activity back, and whether a decision is needed."""

_PLAN_ID: Any = bindparam("plan_id")
_AT: Any = bindparam("at")
_FROM: Any = bindparam("from_day")
_READ_FROM: Any = bindparam("read_from")
_SUBJECT: Any = bindparam("subject")
_ABOUT_ACTIVITY = "activity:"


# ------------------------------------------------------------------ which
def _sent_at(table: Any) -> Any:
    """Return when a report's first version was sent. Its correction replaces it."""
    first = _submission.alias()
    of_first = select(first.c.submitted_at).where(first.c.instance_id == table.c.root_id).scalar_subquery()
    return case((table.c.version > literal_column("1"), of_first), else_=table.c.submitted_at)


def _is_counted(table: Any, *which: Any) -> Any:
    """Return the condition that it is a report about an activity, and was sent by then."""
    return and_(
        table.c.plan_id == _PLAN_ID,
        table.c.subject.is_not(None),
        table.c.activity_status.is_not(None),
        _sent_at(table) <= _AT,
        *which,
    )


def _periods_that(*which: Any) -> Any:
    return select(_period.c.id).where(_period.c.plan_id == _PLAN_ID, *which)


def _is_current(table: Any) -> Any:
    """Return the condition as it stands at the index of periods: SQLite knows an index by the very words."""
    return literal_column(f"{table.name}.is_current")


def _is_validated(table: Any) -> Any:
    return table.c.validation_state == literal(ValidationState.VALIDATED.value)


_BEFORE = _periods_that(_period.c.end_on == _READ_FROM, _period.c.end_on < _FROM)
_ONE_EARLIER = _periods_that(_period.c.end_on == bindparam("one_earlier"), _period.c.end_on < _READ_FROM)
_OTHER_STATES = [state for state in ValidationState if state != ValidationState.VALIDATED]


def _of_periods(periods: Any, is_validated: bool) -> Any:
    """Return the current reports of these periods, which lie together: those that are validated, or the others."""
    lately = _submission.alias("lately")
    return select(lately.c.id, lately.c.subject).where(
        _is_counted(lately, _is_current(lately), lately.c.reporting_period_id.in_(periods)),
        _is_validated(lately) if is_validated else not_(_is_validated(lately)),
    )


def _subjects(reports: Any) -> Any:
    return reports.with_only_columns(reports.selected_columns.subject)


# To find the last of an activity's older reports, all that it has are gone through, and they lie far apart. So that is
# done for few: for those without a validated report at the two closings before, or with an older one that is not
# validated. Most have one at the last of these two, which is read anyway, or else at the other.
def _candidates() -> Any:
    before = _subjects(_of_periods(_BEFORE, is_validated=True))
    earlier = _of_periods(_ONE_EARLIER, is_validated=True)
    one, other = _submission.alias("one"), _submission.alias("other")
    its_subject = literal(_ABOUT_ACTIVITY) + _activity.c.code
    without = select(its_subject).where(
        _activity.c.plan_id == _PLAN_ID, its_subject.not_in(before), its_subject.not_in(_subjects(earlier))
    )
    # Asked for each report, because SQLite would go through the plan by its periods if it could read them off a column.
    end_on = select(_period.c.end_on).where(_period.c.id == other.c.reporting_period_id).scalar_subquery()
    others = select(other.c.subject).where(
        other.c.plan_id == _PLAN_ID,
        other.c.is_current,
        one_of(other.c.validation_state, _OTHER_STATES),
        other.c.subject.not_in(_subjects(_of_periods(_BEFORE, is_validated=False))),
        end_on < _READ_FROM,
    )
    of_few = select(one.c.id).where(_is_counted(one, one.c.is_current, one.c.subject.in_(without.union_all(others))))
    earlier = earlier.where(earlier.selected_columns.subject.not_in(before))
    return of_few.union_all(earlier.with_only_columns(earlier.selected_columns.id))


def _last_older(candidates: Any) -> Any:
    """Return, of these reports, each activity's last validated and last other one before the compared closings. The
    closing before them is read anyway.
    """
    older = _submission.alias("older")
    place = func.row_number().over(
        partition_by=(older.c.subject, _is_validated(older)), order_by=(_period.c.end_on.desc(), older.c.id.desc())
    )
    found = (
        select(older.c.id, _period.c.end_on, place.label("place"))
        .join(_period, _period.c.id == older.c.reporting_period_id)
        .where(older.c.id.in_(candidates), _period.c.end_on < _FROM)
        .subquery("older_reports")
    )
    return select(found.c.id).where(found.c.place == literal_column("1"), found.c.end_on < _READ_FROM)


def _awaited() -> Any:
    """Return the older reports whose promised evidence is still received, or was until lately."""
    owing = _submission.alias("owing")
    of_open = _periods_that(_period.c.end_on < _READ_FROM, _period.c.locks_on > bindparam("locked_after"))
    return select(owing.c.id).where(
        _is_counted(owing, _is_current(owing), owing.c.reporting_period_id.in_(of_open), owing.c.promises_evidence)
    )


# ------------------------------------------------------------------ what of them
_r = _submission.alias("report")
_prior = _submission.alias("prior")
_is_sealed = _r.c.sealed_answers.is_not(None)
_is_troubled = one_of(_r.c.activity_status, TROUBLED)
_is_correction = _r.c.version > literal_column("1")
_status_before = (
    select(_prior.c.activity_status).where(_prior.c.instance_id == _r.c.deprecated_instance_id).scalar_subquery()
)
_has_files = select(_file.c.id).where(_file.c.instance_id == _r.c.instance_id).exists()
_PRESENT = _periods_that(_period.c.end_on == bindparam("month_end"))
_LIST = {"sqlite": func.json_group_array, "postgresql": func.json_agg}
_ARRAY = {"sqlite": func.json_array, "postgresql": func.json_build_array}


def _columns(database: str, is_current: int) -> Any:
    """Return the reports of each period column by column, and a list of what few of them have."""

    def listed(value: Any, *which: Any) -> Any:
        listed = _LIST[database](value, type_=JSON)
        return listed.filter(*which) if which else listed

    def several(*values: Any) -> Any:
        return _ARRAY[database](*values, type_=JSON)

    sealed = func.hex(_r.c.sealed_answers) if database == "sqlite" else func.encode(_r.c.sealed_answers, "hex")
    return select(
        _r.c.reporting_period_id,
        literal_column(f"{is_current}").label("is_current"),
        listed(_r.c.id).label("ids"),
        listed(_r.c.subject).label("subjects"),
        listed(_r.c.validation_state).label("states"),
        listed(_r.c.activity_status).label("statuses"),
        listed(_r.c.progress).label("progress"),
        listed(_sent_at(_r)).label("sent_at"),
        listed(_r.c.id, _r.c.promises_evidence).label("promising"),
        listed(several(_r.c.id, _r.c.zero_reason), _r.c.zero_reason.is_not(None)).label("reasons"),
        # It is read only for readers who see it.
        listed(_r.c.id, _r.c.reporting_period_id.in_(_PRESENT), _has_files).label("with_files"),
        listed(several(_r.c.id, _r.c.submitted_at, _status_before), _is_correction).label("corrections"),
        listed(several(_r.c.id, _r.c.answers), _is_troubled, not_(_is_sealed)).label("details"),
        listed(several(_r.c.id, _r.c.instance_id, sealed), _is_troubled, _is_sealed).label("sealed"),
    ).group_by(_r.c.reporting_period_id)


def _statement(candidates: Any, *which: Any) -> Prepared:
    def made(database: str) -> Any:
        columns, standing = _columns(database, is_current=1), _columns(database, is_current=0)
        recent = _periods_that(_period.c.end_on >= _READ_FROM)
        return columns.where(_is_counted(_r, _is_current(_r), _r.c.reporting_period_id.in_(recent), *which)).union_all(
            columns.where(_r.c.id.in_(_last_older(candidates).union_all(_awaited())), *which),
            standing.where(_is_counted(_r, _r.c.is_standing, not_(_r.c.is_current), *which)),
        )

    return Prepared(made)


_REPORTS = _statement(_candidates())
_own = _submission.alias("own")
_OWN = select(_own.c.id).where(_is_counted(_own, _own.c.is_current, _own.c.subject == _SUBJECT))
_REPORTS_OF_ACTIVITY = _statement(_OWN, _r.c.subject == _SUBJECT)
_ALL_REPORTS = _statement(select(_own.c.id).where(false()))


# ------------------------------------------------------------------ as reports
class Span(NamedTuple):
    """Which reports are read, by the days on which their periods end."""

    from_day: date
    """The first of the compared closings."""
    read_from: date
    """The closing before them; the same day if there is none."""
    one_earlier: date
    """The closing before that one; the same day if there is none."""
    month_end: date
    """The present closing."""
    locked_after: date
    """Evidence that was promised for a period that locked after this day is still awaited, or was until lately."""


WHOLE = Span(date.min, date.min, date.min, date.max, date.max)
"""The whole history: nothing is older than what is read."""


def span_of(periods: Iterable[ReportingPeriod], closings: Sequence[Closing], since: date) -> Span:
    """Return what is read to compare these closings, and what had changed by `since`."""
    first, last = (closings[0].month_end, closings[-1].month_end) if closings else (date.max, date.max)
    earlier = sorted({period.end_on for period in periods if period.end_on < first}, reverse=True)
    before, one_earlier = [*earlier, first, first][:2]
    return Span(first, before, one_earlier, last, since)


def counted_reports(
    unit: Unit, plan_id: int, now: datetime, periods: Iterable[ReportingPeriod], span: Span, activity: str | None = None
) -> tuple[Report, ...]:
    """Return the reports in the order in which their periods end; if `activity` is given, only those about it.

    `periods`: all of the plan.
    """
    values = {"plan_id": plan_id, "at": now, **span._asdict()}
    if activity is None:
        rows = (_ALL_REPORTS if span is WHOLE else _REPORTS).raw(unit.connection, values)
    else:
        rows = _REPORTS_OF_ACTIVITY.raw(unit.connection, values | {"subject": _ABOUT_ACTIVITY + activity})
    by_end: dict[date, list[Report]] = {period.end_on: [] for period in sorted(periods, key=_END)}
    ends = {period.id: period.end_on for period in periods}
    read, instant = value_reader(unit.connection, JSON()), _reads_instant(unit)
    for period_id, is_current, *lists in rows:  # a period's lists are gone before the next one's are made
        (ids, subjects, states, statuses, progress, sent_at,
         promising, zero_reasons, with_files, corrections, details, sealed) = map(read, lists)  # fmt: skip
        promises, files = dict.fromkeys(promising or (), True), dict.fromkeys(with_files or (), True)
        reasons = dict(zero_reasons or ())
        corrected_at, corrected_from = {}, {}
        detail: dict[int, Detail] = {}
        for id, at, status in corrections or ():
            corrected_at[id], corrected_from[id] = instant(at), _STATUSES.get(status)
        for id, answers in details or ():
            detail[id] = DetailOfAnswers(answers)
        for id, instance_id, text in sealed or ():
            detail[id] = _unsealed(unit, bytes.fromhex(text), instance_id)
        reports = zip(
            ids,
            [subject[_CODE] for subject in subjects],
            repeat(period_id),
            repeat(ends[period_id]),
            map(_STATES.__getitem__, states),
            map(_STATUSES.__getitem__, statuses),
            [each or 0 for each in progress],
            map(instant, sent_at),
            map(promises.get, ids, repeat(False)),
            map(files.get, ids, repeat(False)),
            repeat(bool(is_current)),
            map(detail.get, ids),
            map(reasons.get, ids, repeat("")),
            map(corrected_at.get, ids),
            map(corrected_from.get, ids),
            strict=False,  # what is repeated has no end
        )
        by_end[ends[period_id]].extend(map(_REPORT, reports))
    return tuple(chain.from_iterable(sorted(reports, key=_ID) for reports in by_end.values()))


_END, _ID, _CODE = attrgetter("end_on"), itemgetter(0), slice(len(_ABOUT_ACTIVITY), None)
_REPORT = partial(tuple.__new__, Report)
_STATES = {state.value: state for state in ValidationState}
_STATUSES = {status.value: status for status in ActivityStatus}


def _reads_instant(unit: Unit) -> Callable[[str], Any]:
    """Return what reads an instant in a list: SQLite stores text, PostgreSQL writes it there."""
    read = value_reader(unit.connection, _r.c.submitted_at.type)
    return (lambda text: read(datetime.fromisoformat(text))) if unit.is_postgresql else read


def _unsealed(unit: Unit, sealed: bytes, instance_id: str) -> Detail:
    return replace(detail_of(unit.vault.open(sealed, row(instance_id))), decision="")
