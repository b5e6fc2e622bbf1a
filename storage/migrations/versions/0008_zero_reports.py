"""Store the reason of a report without news as a code, so that everybody reads it in their own language."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("submission", sa.Column("zero_reason", sa.String(32), nullable=True))


def downgrade() -> None:
    op.drop_column("submission", "zero_reason")
