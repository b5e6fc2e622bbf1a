"""Add receivers outside, events, and the deliveries of events to receivers."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0018"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Instant = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "endpoint",
        sa.Column("id", Id, nullable=False),
        sa.Column("plan_id", Id, nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("sealed_target", sa.LargeBinary(), nullable=False),
        sa.Column("audience", sa.String(16), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("made_at", Instant, nullable=False),
        sa.Column("made_by_id", Id, nullable=True),
        sa.Column("paused_at", Instant, nullable=True),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name="fk_endpoint_plan_id"),
        sa.ForeignKeyConstraint(["made_by_id"], ["person.id"], name="fk_endpoint_made_by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_endpoint"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_endpoint_plan", "endpoint", ["plan_id"])
    op.create_table(
        "event",
        sa.Column("id", Id, nullable=False),
        sa.Column("plan_id", Id, nullable=False),
        sa.Column("uid", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name="fk_event_plan_id"),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
        sa.UniqueConstraint("uid", name="uq_event_uid"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "event_delivery",
        sa.Column("id", Id, nullable=False),
        sa.Column("endpoint_id", Id, nullable=False),
        sa.Column("event_id", Id, nullable=False),
        sa.Column("lane", sa.String(80), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", Instant, nullable=False),
        sa.Column("lease_until", Instant, nullable=True),
        sa.Column("owner", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("settled_at", Instant, nullable=True),
        sa.ForeignKeyConstraint(["endpoint_id"], ["endpoint.id"], name="fk_event_delivery_endpoint_id"),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name="fk_event_delivery_event_id"),
        sa.PrimaryKeyConstraint("id", name="pk_event_delivery"),
        sqlite_autoincrement=True,
    )
    waiting = sa.text("state = 'waiting'")
    op.create_index(
        "ix_event_delivery_waiting",
        "event_delivery",
        ["endpoint_id", "lane", "id"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_index("ix_event_delivery_state", "event_delivery", ["endpoint_id", "state", "settled_at"])
    op.create_index("ix_event_delivery_event", "event_delivery", ["event_id"])


def downgrade() -> None:
    for name in ("event_delivery", "event", "endpoint"):
        op.drop_table(name)
