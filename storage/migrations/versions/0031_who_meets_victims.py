"""Store of each activity whether its reporters may meet a victim. Of those that are there, nobody has said."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("activity", sa.Column("meets_victims", sa.Boolean()))


def downgrade() -> None:
    op.drop_column("activity", "meets_victims")
