"""Make columns of each plan from rules that named the shipped plan's codes.

The code listed which indicators the bot counts itself and which are in the annual 3P table. The currency of budgets was
the name of a column of the workbook, and the country was only that of the time zone. Each database gets the values that
were valid for it until now.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

COMPUTED = {"IND-17": "reporting_rate", "IND-18": "rate_on_time", "IND-19": "share_completed"}
ANNUAL_TABLE = {
    "prosecution": ("IND-10", "IND-11", "IND-12"),
    "protection": ("IND-20", "IND-22", "IND-25"),
    "prevention": ("IND-01", "IND-03"),
}
COUNTRY = ("America/Santo_Domingo", "DO")


def upgrade() -> None:
    op.add_column("plan", sa.Column("country", sa.String(2), nullable=False, server_default=""))
    op.add_column("plan", sa.Column("currency", sa.String(3), nullable=False, server_default=""))
    op.add_column("indicator", sa.Column("computed", sa.String(32), nullable=False, server_default=""))
    op.add_column("indicator", sa.Column("annual_table", sa.String(32), nullable=False, server_default=""))
    plan = sa.table("plan", *(sa.column(name, sa.String) for name in ("timezone", "country", "currency")))
    indicator = sa.table("indicator", *(sa.column(name, sa.String) for name in ("code", "computed", "annual_table")))
    zone, country = COUNTRY
    op.execute(sa.update(plan).where(plan.c.timezone == zone).values(country=country))
    op.execute(sa.update(plan).values(currency="DOP"))
    for code, what in COMPUTED.items():
        op.execute(sa.update(indicator).where(indicator.c.code == code).values(computed=what))
    for pillar, codes in ANNUAL_TABLE.items():
        op.execute(sa.update(indicator).where(indicator.c.code.in_(codes)).values(annual_table=pillar))


def downgrade() -> None:
    op.drop_column("indicator", "annual_table")
    op.drop_column("indicator", "computed")
    op.drop_column("plan", "currency")
    op.drop_column("plan", "country")
