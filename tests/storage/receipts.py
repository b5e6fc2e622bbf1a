"""A submission by the number that its officer was given."""

from sqlalchemy import select

from storage.database.models import Submission, table
from storage.reports.submissions import StoredSubmission
from storage.unit_of_work import UnitOfWork

_S = table(Submission)


def by_receipt(unit: UnitOfWork, plan_id: int, receipt_number: int) -> StoredSubmission | None:
    """None if no submission of this plan has the number."""
    which = select(_S.c.id).where(_S.c.plan_id == plan_id, _S.c.receipt_number == receipt_number)
    number = unit.connection.execute(which).scalar()
    return None if number is None else unit.submissions.get(number)
