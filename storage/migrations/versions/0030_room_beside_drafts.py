"""Leave room beside the drafts on PostgreSQL: three tenths of each page of theirs.

A draft is saved with each answer. PostgreSQL writes a changed row anew, and if it finds room on the same page, the five
indexes of the table stay as they are. What a save leaves behind is taken up by the next ones.
"""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE session SET (fillfactor = 70)")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE session RESET (fillfactor)")
