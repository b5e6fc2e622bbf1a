"""Store the cadences of each plan, and of each period: when reporting opens, is due and locks.

The periodicities and their days were written into the code. Every plan and every period gets the days that were valid
until now.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

DAYS = ("opening_day", "due_day", "grace_day", "lock_day")
IN_FORCE = (
    ("monthly", "Monthly", (1, 5, 10, 15)),
    ("quarterly", "Quarterly", (1, 10, 15, 20)),
    ("semiannual", "SixMonthly", (1, 15, 20, 25)),
    ("annual", "Yearly", (1, 20, 25, 30)),
)
"""Frequency, type of period, and the days after its end on which it opens, is due, ends its grace, and locks."""


def upgrade() -> None:
    op.create_table(
        "cadence",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("plan_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(16), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in DAYS),
        sa.Column("retired_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name="fk_cadence_plan_id"),
        sa.PrimaryKeyConstraint("id", name="pk_cadence"),
        sa.UniqueConstraint("plan_id", "code", name="uq_cadence_plan_id_code"),
    )
    for name in DAYS:
        op.add_column("reporting_period", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    cadence = sa.table("cadence", *(sa.column(name) for name in ("plan_id", "code", *DAYS)))
    period = sa.table("reporting_period", *(sa.column(name) for name in ("period_type", *DAYS)))
    plan = sa.table("plan", sa.column("id"))
    for code, kind, days in IN_FORCE:
        values = dict(zip(DAYS, days, strict=True))
        literals = (sa.literal(value) for value in (code, *days))
        op.execute(sa.insert(cadence).from_select(["plan_id", "code", *DAYS], sa.select(plan.c.id, *literals)))
        op.execute(sa.update(period).where(period.c.period_type == kind).values(values))


def downgrade() -> None:
    for name in reversed(DAYS):
        op.drop_column("reporting_period", name)
    op.drop_table("cadence")
