"""PostgreSQL tells which transaction was the last to change the plan or its forms, so that what seldom changes is kept.

SQLite says it by itself (`PRAGMA data_version`).
"""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

STEADY = (
    "activity", "activity_support", "agency", "cadence", "closing", "code", "form", "form_version", "indicator",
    "objective", "plan", "reopening", "reporting_period", "strategic_area", "target",
)  # fmt: skip


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(
        "CREATE FUNCTION plan_has_changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO fact (name, value, learnt_at) VALUES ('plan-changed', txid_current()::text, now()) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value, learnt_at = excluded.learnt_at "
        "WHERE fact.value <> excluded.value; RETURN NULL; END $$"
    )
    for name in STEADY:
        op.execute(
            f"CREATE CONSTRAINT TRIGGER {name}_has_changed AFTER INSERT OR UPDATE OR DELETE ON {name} "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION plan_has_changed()"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for name in STEADY:
        op.execute(f"DROP TRIGGER {name}_has_changed ON {name}")
    op.execute("DROP FUNCTION plan_has_changed()")
    op.execute("DELETE FROM fact WHERE name = 'plan-changed'")
