"""Store the public numbers that texts of a plan may name. The list is empty at first."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("plan", sa.Column("hotlines", sa.String(length=500), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("plan", "hotlines")
