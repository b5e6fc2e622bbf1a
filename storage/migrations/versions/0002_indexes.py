"""Add indexes. With a hundred thousand people and a million submissions, no question of the bot reads all of them.

SQLite uses a partial index only if the index's own condition is among the terms of a question, letter by letter.
SQLAlchemy writes `is_current = 1` for SQLite and `is_current` for PostgreSQL.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def where(postgresql: str, sqlite: str = "") -> dict[str, Any]:
    return {"postgresql_where": sa.text(postgresql), "sqlite_where": sa.text(sqlite or postgresql)}


CURRENT = where("is_current", "is_current = 1")
REPORTS = where("is_current AND subject IS NOT NULL", "is_current = 1 AND subject IS NOT NULL")
REPORTS_BEFORE = where("is_current AND subject IS NOT NULL")
ONE_REPORT = ["plan_id", "form_id", "subject", "reporting_period_id"]


def upgrade() -> None:
    op.drop_index("uq_submission_current_subject", table_name="submission")
    op.create_index("uq_submission_current_subject", "submission", ONE_REPORT, unique=True, **REPORTS)
    op.drop_index("ix_submission_person", table_name="submission")
    op.create_index("ix_submission_person", "submission", ["person_id", "id"])
    op.create_index("ix_submission_agency", "submission", ["agency_id", "id"])
    op.drop_index("ix_submission_subject", table_name="submission")
    op.create_index("ix_submission_subject", "submission", ["plan_id", "subject"], **REPORTS)
    op.create_index(
        "ix_submission_state", "submission", ["plan_id", "validation_state", "submitted_at"], **CURRENT
    )
    op.create_index("ix_chat_session", "chat", ["session_id"], **where("session_id IS NOT NULL"))
    op.create_index("ix_session_lapsing", "session", ["expires_at"], **where("state = 'open'"))


def downgrade() -> None:
    op.drop_index("ix_session_lapsing", table_name="session")
    op.drop_index("ix_chat_session", table_name="chat")
    op.drop_index("ix_submission_state", table_name="submission")
    op.drop_index("ix_submission_subject", table_name="submission")
    op.create_index("ix_submission_subject", "submission", ["plan_id", "subject", "submitted_at"])
    op.drop_index("ix_submission_agency", table_name="submission")
    op.drop_index("ix_submission_person", table_name="submission")
    op.create_index("ix_submission_person", "submission", ["person_id", "submitted_at"])
    op.drop_index("uq_submission_current_subject", table_name="submission")
    op.create_index("uq_submission_current_subject", "submission", ONE_REPORT, unique=True, **REPORTS_BEFORE)
