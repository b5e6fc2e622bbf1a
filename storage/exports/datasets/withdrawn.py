"""Validated versions that were later replaced or taken back. A copy of an export must delete them.

An export holds only current versions. If a figure was corrected, or its validation was taken back, the next export does
not mention the old version; a copy that only adds rows would keep both. `root_receipt` is the same for every version of
a report, here and in every export.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import and_, func, or_, select

from conversations.plan.model import ValidationState
from storage.database.models import Agency, ReportingPeriod, ReviewDecision, Submission, table
from storage.exports.choosing import matching, root_receipt
from storage.exports.tables import ColumnOf, Extract, Kind, at, table_of
from storage.exports.wanted import Wanted
from storage.unit_of_work import UnitOfWork

_S, _P, _A, _D = table(Submission), table(ReportingPeriod), table(Agency), table(ReviewDecision)


class _Withdrawn(NamedTuple):
    """A version that stood, and what took its place, if anything did."""

    before: Any
    after: Any
    found: Any
    """The validation, or the withdrawn validation, by which that happened."""


def withdrawn(unit: UnitOfWork, wanted: Wanted) -> Extract:
    """One row for each validated version that was then replaced or taken back, in the order of that."""
    since = wanted.since_at
    kept = [each for each in _withdrawn(unit, wanted) if since is None or each.found.at >= since]
    kept.sort(key=lambda each: (each.found.at, each.before.receipt_number))
    columns: tuple[ColumnOf[_Withdrawn], ...] = (
        ("root_receipt", Kind.WHOLE, lambda of: of.found.root_receipt),
        ("receipt", Kind.WHOLE, lambda of: of.before.receipt_number),
        ("version", Kind.WHOLE, lambda of: of.before.version),
        ("subject", Kind.TEXT, lambda of: (of.found.subject or "").partition(":")[2] or None),
        ("agency", Kind.TEXT, lambda of: of.found.agency),
        ("period", Kind.TEXT, lambda of: of.found.period),
        ("withdrawn_at", Kind.INSTANT, lambda of: at(of.found.at, wanted.zone)),
        ("withdrawal", Kind.CODE, lambda of: "taken_back" if of.found.decision == "taken_back" else "corrected"),
        ("replaced_by", Kind.WHOLE, lambda of: of.after.receipt_number if of.after else None),
    )
    return table_of("withdrawn", wanted, columns, len(kept), kept)


def _withdrawn(unit: UnitOfWork, wanted: Wanted) -> Iterator[_Withdrawn]:
    for _, events in groupby(_events(unit, wanted), key=lambda found: found.root_id):
        standing: dict[int, Any] = {}
        for found in events:
            before = standing[max(standing)] if standing else None
            if found.decision == "taken_back":
                standing.pop(found.version, None)
            else:
                standing[found.version] = found
            after = standing[max(standing)] if standing else None
            if before is not None and (after is None or after.version != before.version):
                yield _Withdrawn(before, after, found)


def _events(unit: UnitOfWork, wanted: Wanted) -> Any:
    """Return validations and withdrawn validations, report after report, in their order.

    A report that was stored as validated has no decision: it was validated from the first.
    """
    happened = func.coalesce(_D.c.decided_at, _S.c.submitted_at)
    # The filter `since` is about the withdrawal, not about when the report was sent.
    filters = matching(unit, replace(wanted, since=""))
    return unit.connection.execute(
        select(
            _S.c.root_id, _S.c.version, _S.c.receipt_number, _S.c.subject, _P.c.code.label("period"),
            _A.c.code.label("agency"), _D.c.decision, happened.label("at"), root_receipt(),
        )
        .outerjoin(_P, _P.c.id == _S.c.reporting_period_id)
        .outerjoin(_A, _A.c.id == _S.c.agency_id)
        .outerjoin(
            _D,
            and_(
                _D.c.root_id == _S.c.root_id, _D.c.submission_id == _S.c.id,
                _D.c.decision.in_(("validated", "taken_back")),
            ),
        )
        .where(
            _S.c.plan_id == wanted.plan_id,
            or_(_D.c.id.is_not(None), _S.c.validation_state == ValidationState.VALIDATED),
            *filters,
        )
        .order_by(_S.c.root_id, happened, _D.c.id, _S.c.id)
    )  # fmt: skip
