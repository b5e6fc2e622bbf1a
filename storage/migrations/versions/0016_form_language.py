"""Store in which language somebody is asked forms, if the bot itself does not speak that language."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("person", sa.Column("form_language", sa.String(length=64), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("person", "form_language")
