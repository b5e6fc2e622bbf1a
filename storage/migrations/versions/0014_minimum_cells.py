"""Store in each plan below how many people a restricted figure is protected. It was ten for all plans."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("plan", sa.Column("min_cell", sa.Integer(), nullable=False, server_default="10"))


def downgrade() -> None:
    op.drop_column("plan", "min_cell")
