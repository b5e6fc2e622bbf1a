"""Keep what the plan said of periods that are locked, and say of each activity whether its reporters may meet a victim.

What the plan said before this upgrade is not known: the periods that have locked by now go by the present rows, and the
fact `sealed_late.` of each plan says until which day this is so. Of the activities that are there, nobody has said whom
their reporters meet.
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0030"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("activity", sa.Column("meets_victims", sa.Boolean()))
    op.create_table(
        "past_row",
        sa.Column("id", ID, primary_key=True),
        sa.Column("plan_id", ID, sa.ForeignKey("plan.id"), nullable=False),
        sa.Column("of_table", sa.String(32), nullable=False),
        sa.Column("row_id", ID, nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.UniqueConstraint(
            "plan_id", "of_table", "row_id", "valid_to", name=op.f("uq_past_row_plan_id_of_table_row_id_valid_to")
        ),
    )
    op.add_column("indicator", sa.Column("added_on", sa.Date()))
    op.add_column("reporting_period", sa.Column("sealed_on", sa.Date()))
    op.execute(
        "INSERT INTO fact (name, value, learnt_at) "
        "SELECT 'sealed_late.' || plan.id, CAST(CURRENT_DATE AS VARCHAR(10)), CURRENT_TIMESTAMP FROM plan"
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE CONSTRAINT TRIGGER past_row_has_changed AFTER INSERT OR UPDATE OR DELETE ON past_row "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION plan_has_changed()"
        )
