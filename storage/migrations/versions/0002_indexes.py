"""A hundred thousand people and a million submissions: no question that the bot asks reads a whole table."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CURRENT = sa.text("is_current")
CURRENT_SUBJECT = sa.text("is_current AND subject IS NOT NULL")


def upgrade() -> None:
    op.drop_index("ix_submission_person", table_name="submission")
    op.create_index("ix_submission_person", "submission", ["person_id", "id"])
    op.create_index("ix_submission_agency", "submission", ["agency_id", "id"])
    op.drop_index("ix_submission_subject", table_name="submission")
    op.create_index(
        "ix_submission_subject",
        "submission",
        ["plan_id", "subject"],
        sqlite_where=CURRENT_SUBJECT,
        postgresql_where=CURRENT_SUBJECT,
    )
    op.create_index(
        "ix_submission_state",
        "submission",
        ["plan_id", "validation_state", "submitted_at"],
        sqlite_where=CURRENT,
        postgresql_where=CURRENT,
    )
    is_filling = sa.text("session_id IS NOT NULL")
    op.create_index("ix_chat_session", "chat", ["session_id"], sqlite_where=is_filling, postgresql_where=is_filling)
    is_open = sa.text("state = 'open'")
    op.create_index("ix_session_lapsing", "session", ["expires_at"], sqlite_where=is_open, postgresql_where=is_open)


def downgrade() -> None:
    op.drop_index("ix_session_lapsing", table_name="session")
    op.drop_index("ix_chat_session", table_name="chat")
    op.drop_index("ix_submission_state", table_name="submission")
    op.drop_index("ix_submission_subject", table_name="submission")
    op.create_index("ix_submission_subject", "submission", ["plan_id", "subject", "submitted_at"])
    op.drop_index("ix_submission_agency", table_name="submission")
    op.drop_index("ix_submission_person", table_name="submission")
    op.create_index("ix_submission_person", "submission", ["person_id", "submitted_at"])
