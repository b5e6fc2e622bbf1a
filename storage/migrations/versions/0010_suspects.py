"""Store each update and job that may have killed the process and is tried alone, and how often the process died of it."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "suspect",
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("bot_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("deaths", sa.Integer(), nullable=False),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "bot_id", "number", name=op.f("pk_suspect")),
    )


def downgrade() -> None:
    op.drop_table("suspect")
