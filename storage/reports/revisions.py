"""The history of validated figures: each figure, its corrections, and validations that were taken back.

Whether small numbers may be shown depends on all that was shown before (`conversations.plan.figures.annual`). So a
figure is read with its history. The history comes from the decisions of coordinators; there is no other record of it.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, bindparam, func, literal, or_, select

from conversations.plan.figures.annual import Reported, Revision, counts_by_category, limit_of, whole
from conversations.plan.model import ValidationState
from storage.database.models import ReportingPeriod, ReviewDecision, Submission, table
from storage.database.statements import Prepared
from storage.database.unit import Unit
from storage.plan.past_limits import PastLimits
from storage.plan.plans import Plans
from storage.reports.submissions import named_answers

_S, _P, _D = table(Submission), table(ReportingPeriod), table(ReviewDecision)
_at: Any = func.coalesce(_D.c.decided_at, _S.c.submitted_at)
_HISTORY = Prepared(
    select(
        _S.c.subject,
        _S.c.root_id,
        _S.c.version,
        _S.c.instance_id,
        _S.c.answers,
        _S.c.sealed_answers,
        _P.c.start_on,
        _P.c.end_on,
        _D.c.decision,
        _at.label("at"),
    )
    .join(_P, _P.c.id == _S.c.reporting_period_id)
    # A report that was stored as validated has no decision: it counts from the beginning.
    .outerjoin(
        _D,
        and_(
            _D.c.root_id == _S.c.root_id,  # by which decisions are found
            _D.c.submission_id == _S.c.id,
            or_(_D.c.decision == literal("validated"), _D.c.decision == literal("taken_back")),
        ),
    )
    .where(
        _S.c.plan_id == bindparam("plan_id"),
        _S.c.subject.is_not(None),
        _S.c.activity_status.is_(None),
        or_(_S.c.subject == bindparam("subject"), bindparam("subject") == literal("")),
        or_(_D.c.id.is_not(None), _S.c.validation_state == literal(ValidationState.VALIDATED.value)),
    )
    .order_by(_at, _D.c.id, _S.c.id)
)


def revisions(unit: Unit, plan_id: int, zone: ZoneInfo, subject: str = "") -> dict[str, list[Revision]]:
    """Subject → every change of its validated figure, in order. With `subject`, only that one. Two statements.

    Figures are unsealed, so that they can be added up. `conversations.plan.figures.annual` decides what may be shown.
    """
    made: dict[str, list[Revision]] = {}
    past = PastLimits(unit, plan_id)
    standing: dict[str, dict[int, Reported | None]] = {}
    for found in _HISTORY.rows(unit.connection, {"plan_id": plan_id, "subject": subject}):
        versions = standing.setdefault(found.root_id, {})
        if found.decision == "taken_back":
            versions.pop(found.version, None)
        else:
            versions[found.version] = reported(named_answers(unit, found), found.start_on, found.end_on)
        last = versions[max(versions)] if versions else None
        on = found.at.astimezone(zone).date()
        is_sealed = found.sealed_answers is not None
        limit = past.at(found.subject, found.at, is_sealed=is_sealed) if past else 0
        made.setdefault(found.subject, []).append(Revision(on, found.root_id, last, is_sealed=is_sealed, limit=limit))
    return made


def limits(unit: Unit, plan_id: int) -> dict[str, int]:
    """Indicator's code → the number below which its figures are small, retired indicators included; 0: none is.

    As in its years, an indicator of which one report was sealed stays protected, whatever the plan says since. So does
    one that was protected when the plan had its first report, or later.
    """
    sealed = select(_S.c.subject).distinct().where(
        _S.c.plan_id == plan_id, _S.c.sealed_answers.is_not(None), _S.c.activity_status.is_(None)
    )  # fmt: skip
    subjects = set(unit.connection.execute(sealed).scalars())
    indicators = unit.of(Plans).indicators(plan_id, include_retired=True)
    found = {each.code: limit_of(each, was_sealed=each.subject in subjects) for each in indicators}
    past = PastLimits(unit, plan_id)
    since = unit.connection.execute(select(func.min(_S.c.submitted_at)).where(_S.c.plan_id == plan_id)).scalar()
    if past and since is not None:
        found = {each.code: max(found[each.code], past.highest(each.subject, since)) for each in indicators}
    return found


def reported(answers: Mapping[str, str], start: date, end: date) -> Reported | None:
    """The figure in these answers. None if there is none; zero is a figure."""
    status = answers.get("data_status", "")
    if status == "zero":
        return Reported(start, end, 0)
    if status not in ("final", "preliminary"):
        return None
    base, share = whole(answers.get("denominator")), whole(answers.get("numerator"))
    if base and share is not None:
        return Reported(start, end, share, base)
    amount = whole(answers.get("value_people") or answers.get("value_count"))
    if amount is None:
        return None
    return Reported(start, end, amount, None, counts_by_category(answers))
