"""Keep what one chat sends in excess until its turn, so that nobody waits behind it."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kept_update",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("bot_id", sa.BigInteger(), nullable=False),
        sa.Column("update_id", sa.BigInteger(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("sealed_update", sa.LargeBinary(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_update")),
        sa.UniqueConstraint("bot_id", "update_id", name=op.f("uq_kept_update_bot_id_update_id")),
    )
    op.create_index("ix_kept_update_line", "kept_update", ["bot_id", "chat_id", "id"])


def downgrade() -> None:
    op.drop_table("kept_update")
