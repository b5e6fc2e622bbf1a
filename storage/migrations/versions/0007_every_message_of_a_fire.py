"""Store every message of a fire, also the one that leads up to it, and whether it was sent by hand.

For messages that wait while this is applied, the picture stays as the message that was followed.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("fire", sa.Column("lead_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))
    op.add_column("fire", sa.Column("is_by_hand", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_fire_lead", "fire", ["lead_id"])
    op.execute("UPDATE fire SET is_by_hand = true WHERE broadcast_id IS NOT NULL")


def downgrade() -> None:
    op.drop_index("ix_fire_lead", table_name="fire")
    op.drop_column("fire", "is_by_hand")
    op.drop_column("fire", "lead_id")
