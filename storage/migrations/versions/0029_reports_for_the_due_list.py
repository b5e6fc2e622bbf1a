"""Add indexes for the due list: it reads the reports of open periods, and those that end an activity.

An index of subjects had all periods of a subject at one place, so each of its reports was looked at. Few reports say that
an activity has ended, and they have an index of their own.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def where(condition: str) -> dict[str, Any]:
    """These current reports. SQLite uses such an index only if a question has the very words."""
    return {
        "sqlite_where": sa.text(f"is_current = 1 AND {condition}"),
        "postgresql_where": sa.text(f"is_current AND {condition}"),
    }


ABOUT_SOMETHING = where("subject IS NOT NULL")
THAT_END = where("(activity_status = 'completed' OR activity_status = 'cancelled')")


def upgrade() -> None:
    op.drop_index("ix_submission_subject", table_name="submission")
    op.create_index(
        "ix_submission_subject", "submission", ["plan_id", "subject", "reporting_period_id"], **ABOUT_SOMETHING
    )
    op.create_index("ix_submission_ended", "submission", ["plan_id", "subject", "reporting_period_id"], **THAT_END)


def downgrade() -> None:
    op.drop_index("ix_submission_ended", table_name="submission")
    op.drop_index("ix_submission_subject", table_name="submission")
    op.create_index("ix_submission_subject", "submission", ["plan_id", "subject"], **ABOUT_SOMETHING)
