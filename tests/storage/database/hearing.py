"""What a database is asked, as its driver hears it: whether SQLAlchemy executes a statement or `Prepared` does.

On PostgreSQL those are two ways: a cursor of psycopg's, and the line that prepares statements and names them.
"""

from collections.abc import Callable
from typing import Any

from psycopg import Cursor

from storage.database.journeys import Statement, line_of
from storage.unit_of_work import UnitOfWork


def heard(unit: UnitOfWork, work: Callable[[UnitOfWork], object]) -> list[str]:
    """The statements of some work, in their order."""
    driver: Any = unit.connection.connection.dbapi_connection
    asked: list[str] = []
    if not unit.is_postgresql:
        driver.set_trace_callback(asked.append)
        work(unit)
        driver.set_trace_callback(None)
        return asked

    class Noting(Cursor[Any]):
        def execute(self, query: Any, *given: Any, **more: Any) -> Any:
            asked.append(query)
            return super().execute(query, *given, **more)

        def executemany(self, query: Any, *given: Any, **more: Any) -> None:
            asked.append(query)
            super().executemany(query, *given, **more)

    line: Any = line_of(unit.connection)
    ask, ask_all = line.ask, line.ask_all

    def noting(statement: Statement, bound: Any) -> Any:
        asked.append(statement.sql)
        return ask(statement, bound)

    def noting_all(many: Any) -> Any:
        asked.extend(statement.sql for statement, _ in many)
        return ask_all(many)

    usual, driver.cursor_factory = driver.cursor_factory, Noting
    line.ask, line.ask_all = noting, noting_all
    work(unit)
    driver.cursor_factory = usual
    del line.ask, line.ask_all
    return asked
