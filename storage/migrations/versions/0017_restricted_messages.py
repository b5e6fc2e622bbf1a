"""Add a row for each restricted message in a chat, the bot's and the person's.

These rows replace the jobs that deleted cards.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

CARD = {"sqlite": "json_extract(payload, '$.card')", "postgresql": "CAST(payload ->> 'card' AS bigint)"}


def upgrade() -> None:
    op.create_table(
        "restricted_message",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("card_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("session_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outbox_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(card_id IS NULL) <> (message_id IS NULL)", name=op.f("ck_restricted_message_ours_or_theirs")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restricted_message")),
        sa.UniqueConstraint("card_id", name=op.f("uq_restricted_message_card_id")),
        sa.UniqueConstraint("chat_id", "message_id", name=op.f("uq_restricted_message_chat_id_message_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_restricted_message_due", "restricted_message", ["outbox_id", "due_at"])
    op.create_index("ix_restricted_message_session", "restricted_message", ["session_id"])
    card = CARD[op.get_bind().dialect.name]
    waits = "kind = 'unsay' AND state IN ('queued', 'working')"
    op.execute(
        "INSERT INTO restricted_message (chat_id, card_id, written_at, due_at, reason) "
        f"SELECT chat_id, {card}, MIN(created_at), MIN(not_before), '' FROM job WHERE {waits} GROUP BY chat_id, {card}"
    )
    op.execute(f"DELETE FROM job WHERE {waits}")


def downgrade() -> None:
    op.drop_table("restricted_message")
