"""Count how often a reply may have been delivered apart from its claims: being handed back is no doubt.

A reply that waits now begins with none, and has all its tries again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("doubts", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("outbox", "doubts")
