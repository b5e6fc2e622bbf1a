"""Store which processes run, and which process has each message and each job in hand.

So the work of a dead process is taken over at once.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "replica",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replica")),
        sqlite_autoincrement=True,
    )
    op.add_column("outbox", sa.Column("owner", sa.BigInteger(), nullable=True))
    op.add_column("job", sa.Column("owner", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("job", "owner")
    op.drop_column("outbox", "owner")
    op.drop_table("replica")
