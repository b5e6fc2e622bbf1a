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
    if connection.dialect.name == "postgresql":
        # A table that waits for its deferred triggers (models.TELL_CHANGES) could not be altered.
        connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
    context.run_migrations()
