"""Units of agencies that report their share of an activity."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NEW = ("unit", "activity_unit")


def upgrade() -> None:
    op.create_table(
        "unit",
        sa.Column("id", ID, primary_key=True),
        sa.Column("plan_id", ID, sa.ForeignKey("plan.id"), nullable=False),
        sa.Column("agency_id", ID, sa.ForeignKey("agency.id"), nullable=False),
        sa.Column("code", sa.String(32), nullable=False),
        sa.Column("name", sa.JSON(), nullable=False),
        sa.Column("active_from", sa.Date()),
        sa.Column("active_to", sa.Date()),
        sa.UniqueConstraint("plan_id", "code"),
    )
    op.create_table(
        "activity_unit",
        sa.Column("activity_id", ID, sa.ForeignKey("activity.id"), primary_key=True),
        sa.Column("unit_id", ID, sa.ForeignKey("unit.id"), primary_key=True),
        sa.Column("target", sa.Text(), nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        for name in NEW:
            op.execute(
                f"CREATE CONSTRAINT TRIGGER {name}_has_changed AFTER INSERT OR UPDATE OR DELETE ON {name} "
                "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION plan_has_changed()"
            )


def downgrade() -> None:
    for name in reversed(NEW):
        op.drop_table(name)
