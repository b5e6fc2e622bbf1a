"""A plan may follow an earlier one."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # No foreign key: SQLite would make the whole table anew for it, and other tables refer to this one.
    op.add_column("plan", sa.Column("succeeds_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite")))


def downgrade() -> None:
    op.drop_column("plan", "succeeds_id")
