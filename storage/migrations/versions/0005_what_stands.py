"""Mark, of each report, the version that was validated last. Others read it while a correction waits for validation.

The versions of a chain, and all reports about indicators, get indexes of their own. Before, finding them read the whole
table.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

WAITS_FOR_ANOTHER: dict[str, Any] = {
    "sqlite_where": sa.text("is_standing = 1 AND is_current = 0"),
    "postgresql_where": sa.text("is_standing AND NOT is_current"),
}
ABOUT_INDICATORS: dict[str, Any] = {
    "sqlite_where": sa.text("subject IS NOT NULL AND activity_status IS NULL"),
    "postgresql_where": sa.text("subject IS NOT NULL AND activity_status IS NULL"),
}
LAST_VALIDATED = """
    UPDATE submission SET is_standing = true
    WHERE validation_state = 'validated' AND NOT EXISTS (
        SELECT 1 FROM submission AS later
        WHERE later.root_id = submission.root_id AND later.version > submission.version
          AND later.validation_state = 'validated')
"""


def upgrade() -> None:
    op.create_index("uq_submission_version", "submission", ["root_id", "version"], unique=True)
    op.add_column("submission", sa.Column("is_standing", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(LAST_VALIDATED)
    op.create_index("ix_submission_standing", "submission", ["plan_id", "subject"], **WAITS_FOR_ANOTHER)
    op.create_index("ix_submission_indicator", "submission", ["plan_id", "subject"], **ABOUT_INDICATORS)


def downgrade() -> None:
    op.drop_index("ix_submission_indicator", table_name="submission")
    op.drop_index("ix_submission_standing", table_name="submission")
    op.drop_column("submission", "is_standing")
    op.drop_index("uq_submission_version", table_name="submission")
