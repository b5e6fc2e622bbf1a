"""The state of a report, set without anybody who decides and without an entry in the log."""

from sqlalchemy import update

from storage.database.models import Submission, table
from storage.unit_of_work import UnitOfWork

_S = table(Submission)


def set_state(unit: UnitOfWork, id: int, state: str) -> None:
    """Set the state of the current version of a report, and which version stands after that."""
    moved = update(_S).where(_S.c.id == id, _S.c.is_current).values(validation_state=state).returning(_S.c.root_id)
    unit.submissions.stand(unit.connection.execute(moved).scalar_one())
