"""Add what the bot sends by itself: schedules, the ledger of fires, pauses, holidays, broadcasts."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "schedule",
        sa.Column("id", ID, nullable=False),
        sa.Column("plan_id", ID, nullable=False),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("shipped", sa.String(32), nullable=True),
        sa.Column("days", sa.String(64), nullable=False),
        sa.Column("at", sa.String(5), nullable=False),
        sa.Column("timezone", sa.String(64), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", ID, nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name="fk_schedule_plan_id"),
        sa.ForeignKeyConstraint(["created_by_id"], ["person.id"], name="fk_schedule_created_by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_schedule"),
        sqlite_autoincrement=True,
    )
    is_shipped = sa.text("shipped IS NOT NULL")
    op.create_index(
        "uq_schedule_shipped",
        "schedule",
        ["plan_id", "shipped"],
        unique=True,
        sqlite_where=is_shipped,
        postgresql_where=is_shipped,
    )
    op.create_table(
        "broadcast",
        sa.Column("id", ID, nullable=False),
        sa.Column("plan_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("card_id", ID, nullable=True),
        sa.Column("shown", sa.String(64), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name="fk_broadcast_plan_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_broadcast_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_broadcast"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "fire",
        sa.Column("id", ID, nullable=False),
        sa.Column("plan_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("window", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("rungs", sa.Text(), nullable=False),
        sa.Column("answer", sa.String(32), nullable=False),
        sa.Column("outbox_id", ID, nullable=True),
        sa.Column("broadcast_id", ID, nullable=True),
        sa.Column("fired_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name="fk_fire_plan_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_fire_person_id"),
        sa.ForeignKeyConstraint(["broadcast_id"], ["broadcast.id"], name="fk_fire_broadcast_id"),
        sa.PrimaryKeyConstraint("id", name="pk_fire"),
        sa.UniqueConstraint("plan_id", "person_id", "what", "window", name="uq_fire_plan_id_person_id_what_window"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_fire_window", "fire", ["plan_id", "what", "window"])
    op.create_index("ix_fire_outbox", "fire", ["outbox_id"])
    is_queued = sa.text("state = 'queued'")
    op.create_index("ix_fire_queued", "fire", ["outbox_id"], sqlite_where=is_queued, postgresql_where=is_queued)
    op.create_index("ix_fire_broadcast", "fire", ["broadcast_id"])
    is_current = sa.text("is_current AND subject IS NOT NULL")
    op.create_index(
        "ix_submission_period",
        "submission",
        ["plan_id", "reporting_period_id"],
        sqlite_where=is_current,
        postgresql_where=is_current,
    )
    op.create_table(
        "pause",
        sa.Column("id", ID, nullable=False),
        sa.Column("plan_id", ID, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("by_id", ID, nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name="fk_pause_plan_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_pause_person_id"),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name="fk_pause_by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_pause"),
    )
    op.create_index("ix_pause_plan", "pause", ["plan_id", "ended_at"])
    op.create_table(
        "holiday",
        sa.Column("plan_id", ID, nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_removed", sa.Boolean(), nullable=False),
        sa.Column("added_by_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name="fk_holiday_plan_id"),
        sa.ForeignKeyConstraint(["added_by_id"], ["person.id"], name="fk_holiday_added_by_id"),
        sa.PrimaryKeyConstraint("plan_id", "on", name="pk_holiday"),
    )


def downgrade() -> None:
    op.drop_index("ix_submission_period", table_name="submission")
    op.drop_table("holiday")
    op.drop_table("pause")
    op.drop_table("fire")
    op.drop_table("broadcast")
    op.drop_table("schedule")
