"""Add reviews, reopened periods, comments, requested roles, imports that can be undone, the words that a chat awaits.

The audit log becomes a chain.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

APPEND_ONLY = {
    "sqlite": (
        "CREATE TRIGGER audit_entry_undeleted BEFORE DELETE ON audit_entry "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
        "CREATE TRIGGER audit_entry_unchanged BEFORE UPDATE OF id, plan_id, at, actor_id, act, details ON audit_entry "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
        "CREATE TRIGGER audit_entry_sealed_once BEFORE UPDATE OF hash, position, mark ON audit_entry "
        "WHEN OLD.hash IS NOT NULL BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION audit_entry_is_kept() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$",
        "CREATE TRIGGER audit_entry_unchanged "
        "BEFORE DELETE OR UPDATE OF id, plan_id, at, actor_id, act, details ON audit_entry "
        "FOR EACH ROW EXECUTE FUNCTION audit_entry_is_kept()",
        "CREATE TRIGGER audit_entry_sealed_once BEFORE UPDATE OF hash, position, mark ON audit_entry "
        "FOR EACH ROW WHEN (OLD.hash IS NOT NULL) EXECUTE FUNCTION audit_entry_is_kept()",
    ),
}
AS_BEFORE = {
    "sqlite": (
        "DROP TRIGGER audit_entry_undeleted",
        "DROP TRIGGER audit_entry_unchanged",
        "DROP TRIGGER audit_entry_sealed_once",
    ),
    "postgresql": (
        "DROP TRIGGER audit_entry_unchanged ON audit_entry",
        "DROP TRIGGER audit_entry_sealed_once ON audit_entry",
        "DROP FUNCTION audit_entry_is_kept()",
    ),
}


def upgrade() -> None:
    # ------------------------------------------------------------------ what a chat waits to hear
    with op.batch_alter_table("chat") as batch:
        batch.add_column(sa.Column("awaits", sa.String(64), nullable=False, server_default=""))
    # ------------------------------------------------------------------ review
    op.create_table(
        "review_decision",
        sa.Column("id", ID, nullable=False),
        sa.Column("plan_id", ID, nullable=False),
        sa.Column("submission_id", ID, nullable=False),
        sa.Column("root_id", sa.String(64), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("questions", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("sealed_reason", sa.LargeBinary(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name="fk_review_decision_plan_id"),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name="fk_review_decision_submission_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_review_decision_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_review_decision"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_review_decision_root", "review_decision", ["root_id", "id"])
    # ------------------------------------------------------------------ periods opened again for one agency
    op.create_table(
        "reopening",
        sa.Column("id", ID, nullable=False),
        sa.Column("plan_id", ID, nullable=False),
        sa.Column("agency_id", ID, nullable=False),
        sa.Column("reporting_period_id", ID, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_by_id", ID, nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_by_id", ID, nullable=True),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name="fk_reopening_plan_id"),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_reopening_agency_id"),
        sa.ForeignKeyConstraint(
            ["reporting_period_id"], ["reporting_period.id"], name="fk_reopening_reporting_period_id"
        ),
        sa.ForeignKeyConstraint(["asked_by_id"], ["person.id"], name="fk_reopening_asked_by_id"),
        sa.ForeignKeyConstraint(["opened_by_id"], ["person.id"], name="fk_reopening_opened_by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_reopening"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_reopening_current",
        "reopening",
        ["agency_id", "reporting_period_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    with op.batch_alter_table("reporting_period") as batch:
        batch.add_column(sa.Column("is_moved", sa.Boolean(), nullable=False, server_default=sa.false()))
    # ------------------------------------------------------------------ evidence that is to come later
    op.add_column(
        "submission", sa.Column("promises_evidence", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    # Answers are JSON as orjson writes it, without spaces; of sealed ones nobody can say it afterwards.
    op.execute(
        "UPDATE submission SET promises_evidence = (1 = 1) WHERE answers LIKE '%/evidence_type\":\"later\"%'"
    )
    # ------------------------------------------------------------------ roles for a time
    op.create_table(
        "delegation",
        sa.Column("id", ID, nullable=False),
        sa.Column("plan_id", ID, nullable=False),
        sa.Column("agency_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("deputy_id", ID, nullable=True),
        sa.Column("invitation_id", ID, nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name="fk_delegation_plan_id"),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_delegation_agency_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_delegation_person_id"),
        sa.ForeignKeyConstraint(["deputy_id"], ["person.id"], name="fk_delegation_deputy_id"),
        sa.ForeignKeyConstraint(["invitation_id"], ["invitation.id"], name="fk_delegation_invitation_id"),
        sa.PrimaryKeyConstraint("id", name="pk_delegation"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_delegation_current",
        "delegation",
        ["plan_id", "person_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_delegation_deputy", "delegation", ["deputy_id"])
    with op.batch_alter_table("invitation") as batch:
        batch.add_column(sa.Column("until_on", sa.Date(), nullable=True))
        batch.add_column(sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE invitation SET accepted_at = redeemed_at")
    # ------------------------------------------------------------------ observers
    with op.batch_alter_table("membership") as batch:
        batch.add_column(sa.Column("until_on", sa.Date(), nullable=True))
        batch.add_column(sa.Column("is_contributor", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("invitation") as batch:
        batch.add_column(sa.Column("is_contributor", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "comment",
        sa.Column("id", ID, nullable=False),
        sa.Column("plan_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("subject", sa.String(64), nullable=True),
        sa.Column("sealed_text", sa.LargeBinary(), nullable=True),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed_reply", sa.LargeBinary(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name="fk_comment_plan_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_comment_person_id"),
        sa.ForeignKeyConstraint(["settled_by_id"], ["person.id"], name="fk_comment_settled_by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_comment"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_comment_plan", "comment", ["plan_id", "settled_at"])
    # ------------------------------------------------------------------ roles that a second admin must grant
    op.create_table(
        "role_request",
        sa.Column("id", ID, nullable=False),
        sa.Column("plan_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("agency_id", ID, nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by_id", ID, nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name="fk_role_request_plan_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_role_request_person_id"),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_role_request_agency_id"),
        sa.ForeignKeyConstraint(["requested_by_id"], ["person.id"], name="fk_role_request_requested_by_id"),
        sa.ForeignKeyConstraint(["decided_by_id"], ["person.id"], name="fk_role_request_decided_by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_role_request"),
        sqlite_autoincrement=True,
    )
    # ------------------------------------------------------------------ what admins decide for a plan
    op.create_table(
        "setting",
        sa.Column("plan_id", ID, nullable=False),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name="fk_setting_plan_id"),
        sa.ForeignKeyConstraint(["set_by_id"], ["person.id"], name="fk_setting_set_by_id"),
        sa.PrimaryKeyConstraint("plan_id", "name", name="pk_setting"),
    )
    # ------------------------------------------------------------------ plan imports that can be undone
    op.create_table(
        "plan_import",
        sa.Column("id", ID, nullable=False),
        sa.Column("plan_id", ID, nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("imported_by_id", ID, nullable=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("before", sa.LargeBinary(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name="fk_plan_import_plan_id"),
        sa.ForeignKeyConstraint(["imported_by_id"], ["person.id"], name="fk_plan_import_imported_by_id"),
        sa.ForeignKeyConstraint(["undone_by_id"], ["person.id"], name="fk_plan_import_undone_by_id"),
        sa.PrimaryKeyConstraint("id", name="pk_plan_import"),
        sqlite_autoincrement=True,
    )
    # ------------------------------------------------------------------ schedules of exports
    with op.batch_alter_table("schedule") as batch:
        batch.add_column(sa.Column("details", sa.JSON(), nullable=True))
    # ------------------------------------------------------------------ the audit log
    with op.batch_alter_table("audit_entry") as batch:
        batch.add_column(sa.Column("position", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("mark", sa.String(48), nullable=True))
    unsealed = sa.text("hash IS NULL")
    op.create_index("ix_audit_entry_plan", "audit_entry", ["plan_id", "id"])
    op.create_index(
        "ix_audit_entry_unsealed", "audit_entry", ["id"], sqlite_where=unsealed, postgresql_where=unsealed
    )
    op.create_index("uq_audit_entry_position", "audit_entry", ["position"], unique=True)
    op.create_index("uq_audit_entry_mark", "audit_entry", ["mark"], unique=True)
    for statement in APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    for statement in AS_BEFORE[op.get_bind().dialect.name]:
        op.execute(statement)
    for name in ("uq_audit_entry_mark", "uq_audit_entry_position", "ix_audit_entry_unsealed", "ix_audit_entry_plan"):
        op.drop_index(name, "audit_entry")
    with op.batch_alter_table("audit_entry") as batch:
        batch.drop_column("mark")
        batch.drop_column("position")
    with op.batch_alter_table("schedule") as batch:
        batch.drop_column("details")
    for name in ("plan_import", "setting", "role_request", "comment", "delegation", "reopening", "review_decision"):
        op.drop_table(name)
    with op.batch_alter_table("invitation") as batch:
        batch.drop_column("is_contributor")
    with op.batch_alter_table("membership") as batch:
        batch.drop_column("is_contributor")
        batch.drop_column("until_on")
    with op.batch_alter_table("invitation") as batch:
        batch.drop_column("accepted_at")
        batch.drop_column("until_on")
    op.drop_column("submission", "promises_evidence")
    with op.batch_alter_table("reporting_period") as batch:
        batch.drop_column("is_moved")
    with op.batch_alter_table("chat") as batch:
        batch.drop_column("awaits")
