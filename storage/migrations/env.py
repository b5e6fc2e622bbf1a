"""The entry point of Alembic.

The caller owns the connection, its transaction and its lock (`storage.database.migrating`).
"""

from alembic import context

from storage.database.models import Base, complete

connection = context.config.attributes["connection"]
complete(Base.metadata, connection)
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    transactional_ddl=True,  # SQLite too: all of an upgrade, or nothing
    render_as_batch=connection.dialect.name == "sqlite",  # SQLite alters a table by making it anew
)
with context.begin_transaction():
    context.run_migrations()
