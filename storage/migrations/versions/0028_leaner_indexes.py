"""Write fewer pages for each message and update.

Telegram numbers a bot's messages across all its chats. So an index of cards that begins with the message grows at its
end, where one that began with the chat changed a page for each chat, before the message was known already.

Updates that were seen are looked for by their key. Once an hour the old ones are forgotten by their time, which reads
them all: 0.1 ms a thousand.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

IS_SENT = sa.text("message_id IS NOT NULL")


def upgrade() -> None:
    op.drop_index("ix_card_chat_message", table_name="card")
    op.create_index(
        "ix_card_message", "card", ["message_id", "chat_id"], sqlite_where=IS_SENT, postgresql_where=IS_SENT
    )
    op.drop_index("ix_processed_update_processed_at", table_name="processed_update")


def downgrade() -> None:
    op.create_index("ix_processed_update_processed_at", "processed_update", ["processed_at"])
    op.drop_index("ix_card_message", table_name="card")
    op.create_index("ix_card_chat_message", "card", ["chat_id", "message_id"])
