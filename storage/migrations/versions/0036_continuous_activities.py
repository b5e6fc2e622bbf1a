"""An activity may be continuous: it has no day by which it is to be done."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("activity", "due_on", nullable=True)
        return
    # Another column takes its place: SQLite alters none, and other tables refer to this one.
    op.add_column("activity", sa.Column("until_on", sa.Date()))
    op.execute("UPDATE activity SET until_on = due_on")
    op.execute("ALTER TABLE activity DROP COLUMN due_on")
    op.execute("ALTER TABLE activity RENAME COLUMN until_on TO due_on")


def downgrade() -> None:
    """Leave the column as it is: the former program writes a day into every row, and reads one."""
    op.execute("UPDATE activity SET due_on = '2100-12-31' WHERE due_on IS NULL")
