"""Edits of the plan that hold from a later period, and rows that continue others.

A report about an activity that has changed hands is read for both agencies: `past_row.agency_id` says who led it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("past_row", sa.Column("agency_id", ID))
    op.create_index("ix_past_row_agency", "past_row", ["agency_id"])
    for table in ("indicator", "activity"):
        op.add_column(table, sa.Column("continues", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    for table in ("activity", "indicator"):
        op.drop_column(table, "continues")
    op.drop_index("ix_past_row_agency", table_name="past_row")
    op.drop_column("past_row", "agency_id")
