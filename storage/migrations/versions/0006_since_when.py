"""Store since when an activity is in the plan, and since when a schedule is as it is. Give each schedule a ledger name.

Items that are in the plan already count from its beginning, as before. A schedule that admins added has recorded its
windows under the job's name. They are recorded under its own name as well; otherwise they would be sent again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

FROM_THE_BEGINNING = """
    UPDATE activity SET added_on = (SELECT plan.starts_on FROM plan WHERE plan.id = activity.plan_id)
"""
TOLD_ALREADY = """
    INSERT INTO fire (plan_id, person_id, what, "window", state, reason, rungs, answer, fired_at, settled_at)
    SELECT fire.plan_id, fire.person_id, schedule.what || '.' || schedule.id, fire."window", 'skipped', 'told_already',
           '', '', fire.fired_at, fire.fired_at
    FROM fire JOIN schedule ON schedule.plan_id = fire.plan_id AND schedule.what = fire.what
    WHERE schedule.shipped IS NULL AND schedule.deleted_at IS NULL AND schedule.what <> 'reminders'
"""
FORGOTTEN = "DELETE FROM fire WHERE state = 'skipped' AND reason = 'told_already' AND what LIKE '%.%'"


def upgrade() -> None:
    op.add_column("activity", sa.Column("added_on", sa.Date(), nullable=True))
    op.add_column("schedule", sa.Column("begins_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(FROM_THE_BEGINNING)
    op.execute(TOLD_ALREADY)


def downgrade() -> None:
    op.execute(FORGOTTEN)
    op.drop_column("schedule", "begins_at")
    op.drop_column("activity", "added_on")
