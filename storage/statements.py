"""The one statement that both databases know and SQLAlchemy has no common name for: INSERT … ON CONFLICT.

An insert that collides must not raise: on PostgreSQL a failed statement spoils the whole transaction, and with
it the update that caused it. So what may already be there is inserted with ON CONFLICT, and the count says.
"""

from typing import Any

from sqlalchemy import Connection, Table, literal
from sqlalchemy.dialects import postgresql, sqlite


def insert_into(connection: Connection, table: Table) -> Any:
    """An INSERT of this database that has `on_conflict_do_nothing` and `on_conflict_do_update`, alike in both."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def insert_or_ignore(connection: Connection, table: Table, row: dict[str, object]) -> bool:
    """Whether the row is new; if one of its unique keys was taken, nothing has changed."""
    # RETURNING, because rowcount of an INSERT means nothing in SQLAlchemy where it fetches keys by itself.
    statement = insert_into(connection, table).values(row).on_conflict_do_nothing().returning(literal(1))
    return connection.execute(statement).first() is not None
