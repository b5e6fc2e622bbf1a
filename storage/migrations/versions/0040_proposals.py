"""An officer proposes to change a value of the plan, and the coordination decides."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("comment", sa.Column("proposes", sa.String(32)))
    op.add_column("comment", sa.Column("outcome", sa.String(16)))


def downgrade() -> None:
    op.execute("DELETE FROM comment WHERE proposes IS NOT NULL")  # before, every row was a comment
    op.drop_column("comment", "outcome")
    op.drop_column("comment", "proposes")
