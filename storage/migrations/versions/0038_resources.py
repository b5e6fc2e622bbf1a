"""An activity's money by source."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    activity = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "resource",
        sa.Column("activity_id", activity, sa.ForeignKey("activity.id"), primary_key=True),
        sa.Column("source", sa.Text(), primary_key=True),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE CONSTRAINT TRIGGER resource_has_changed AFTER INSERT OR UPDATE OR DELETE ON resource "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION plan_has_changed()"
        )


def downgrade() -> None:
    op.drop_table("resource")
