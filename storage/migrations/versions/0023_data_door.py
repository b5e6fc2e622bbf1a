"""Add the data door: its tokens, how often each is used, and which reports have changed for readers of copies."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "data_token",
        sa.Column("id", ID, nullable=False),
        sa.Column("plan_id", ID, nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("audience", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", ID, nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["created_by_id"], ["person.id"], name=op.f("fk_data_token_created_by_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_data_token_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_token")),
        sa.UniqueConstraint("prefix", name=op.f("uq_data_token_prefix")),
    )
    op.create_index("ix_data_token_plan", "data_token", ["plan_id"])
    op.create_table(
        "data_read",
        sa.Column("data_token_id", ID, nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("dataset", sa.String(length=32), nullable=False),
        sa.Column("reads", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["data_token_id"], ["data_token.id"], name=op.f("fk_data_read_data_token_id")),
        sa.PrimaryKeyConstraint("data_token_id", "on_day", "dataset", name=op.f("pk_data_read")),
    )
    op.create_table(
        "standing_change",
        sa.Column("id", ID, nullable=False),
        sa.Column("plan_id", ID, nullable=False),
        sa.Column("root_id", sa.String(length=64), nullable=False),
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_standing_change_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standing_change")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_standing_change_plan", "standing_change", ["plan_id", "transaction_id", "id"])
    op.create_index("ix_standing_change_root", "standing_change", ["root_id"])


def downgrade() -> None:
    for name in ("standing_change", "data_read", "data_token"):
        op.drop_table(name)
