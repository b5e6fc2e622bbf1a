"""A plan ends: the last day on which something of it is written, and why an open activity is not carried on."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("plan", sa.Column("closes_on", sa.Date()))
    op.add_column("activity", sa.Column("dropped_because", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("activity", "dropped_because")
    op.drop_column("plan", "closes_on")
