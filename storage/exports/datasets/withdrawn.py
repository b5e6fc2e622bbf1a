"""Validated versions that were later replaced or taken back. A copy of an export must delete them.

An export holds only current versions. If a figure was corrected, or its validation was taken back, the next export does
not mention the old version; a copy that only adds rows would keep both. `root_receipt` is the same for every version of
a report, here and in every export.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

from sqlalchemy import and_, func, or_, select

from conversations.plan.model import ValidationState
from storage.database.models import Agency, ReportingPeriod, ReviewDecision, Submission, table
from storage.exports.choosing import matching, root_receipt
from storage.exports.tables import Cell, Extract, Kind, at, one_table
from storage.exports.wanted import Wanted
from storage.unit_of_work import UnitOfWork

_S, _P, _A, _D = table(Submission), table(ReportingPeriod), table(Agency), table(ReviewDecision)

WITHDRAWN: tuple[tuple[str, Kind], ...] = (
    ("root_receipt", Kind.WHOLE),
    ("receipt", Kind.WHOLE),
    ("version", Kind.WHOLE),
    ("subject", Kind.TEXT),
    ("agency", Kind.TEXT),
    ("period", Kind.TEXT),
    ("withdrawn_at", Kind.INSTANT),
    ("withdrawal", Kind.CODE),
    ("replaced_by", Kind.WHOLE),
)


def withdrawn(unit: UnitOfWork, wanted: Wanted) -> Extract:
    """One row for each validated version that was then replaced or taken back, in the order of that."""
    rows = sorted(_withdrawn(unit, wanted), key=lambda row: (row["withdrawn_at"], row["receipt"]))
    since = wanted.since_at
    kept = [row for row in rows if since is None or row["withdrawn_at"] >= since]
    told = (
        [row[name] if name != "withdrawn_at" else at(row[name], wanted.zone) for name, _ in WITHDRAWN] for row in kept
    )
    return one_table("withdrawn", wanted, WITHDRAWN, len(kept), told)


def _withdrawn(unit: UnitOfWork, wanted: Wanted) -> Iterator[dict[str, Any]]:
    for _, events in groupby(_events(unit, wanted), key=lambda found: found.root_id):
        standing: dict[int, Any] = {}
        for found in events:
            before = standing[max(standing)] if standing else None
            if found.decision == "taken_back":
                standing.pop(found.version, None)
            else:
                standing[found.version] = found
            after = standing[max(standing)] if standing else None
            if before is None or (after is not None and after.version == before.version):
                continue
            cells: dict[str, Cell | Any] = {
                "root_receipt": found.root_receipt,
                "receipt": before.receipt_number,
                "version": before.version,
                "subject": (found.subject or "").partition(":")[2] or None,
                "agency": found.agency,
                "period": found.period,
                "withdrawn_at": found.at,
                "withdrawal": "taken_back" if found.decision == "taken_back" else "corrected",
                "replaced_by": after.receipt_number if after else None,
            }
            yield cells


def _events(unit: UnitOfWork, wanted: Wanted) -> Any:
    """Return validations and withdrawn validations, report after report, in their order.

    A report that was stored as validated has no decision: it was validated from the first.
    """
    happened = func.coalesce(_D.c.decided_at, _S.c.submitted_at)
    # The filter `since` is about the withdrawal, not about when the report was sent.
    filters = matching(replace(wanted, since=""))
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
