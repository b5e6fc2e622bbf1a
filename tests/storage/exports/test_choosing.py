"""What is read a page at a time, and not to its end."""

from sqlalchemy import column, func, select

from storage.exports.choosing import PAGE, streamed
from storage.open_database import Database


def test_what_is_not_read_to_its_end_is_closed_with_its_view(postgres_database: Database) -> None:
    """A cursor that outlived its view would be closed in a stranger's transaction, by whoever collects garbage."""
    numbers = select(column("n")).select_from(func.generate_series(1, 3 * PAGE).alias("n"))
    with postgres_database.view() as unit:
        rows = streamed(unit, numbers)
        assert [next(rows).n, next(rows).n] == [1, 2]
    [result] = unit.streams
    assert result.closed
    del result, rows
    with postgres_database.view() as unit:
        assert sum(1 for _ in streamed(unit, numbers)) == 3 * PAGE
