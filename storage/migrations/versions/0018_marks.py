"""Add a keyed hash to roles and submissions, which shows a change that is not in the audit log.

Older rows get theirs from the bot, which has the keys, when it first seals the log under this version.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("membership", "submission"):
        op.add_column(name, sa.Column("mark", sa.String(length=32), nullable=True))


def downgrade() -> None:
    for name in ("submission", "membership"):
        op.drop_column(name, "mark")
