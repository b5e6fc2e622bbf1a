"""What a database is asked, as its driver hears it: whether SQLAlchemy executes a statement or `Prepared` does."""

from collections.abc import Callable
from typing import Any

from psycopg import Cursor

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

    usual, driver.cursor_factory = driver.cursor_factory, Noting
    work(unit)
    driver.cursor_factory = usual
    return asked
