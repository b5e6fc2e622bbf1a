"""Numbers for new rows, drawn from their sequences before the rows are written (PostgreSQL)."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, func, literal_column, select

from storage.database.statements import Prepared

_SEQUENCE = (
    select(func.to_regclass(func.pg_get_serial_sequence(bindparam("of"), "id")).label("name"))
    .offset(literal_column("0"))  # looked up once, not for each number
    .subquery()
)
_DRAWN = select(func.nextval(_SEQUENCE.c.name)).select_from(_SEQUENCE, func.generate_series(1, bindparam("many")))
_DRAW = Prepared(_DRAWN)


def draw(table: str, many: int) -> tuple[Prepared, dict[str, Any]]:
    """Return the question for so many numbers of this table; each row of the answer has one."""
    return _DRAW, {"of": table, "many": many}


class Numbers:
    """Numbers for the new rows of one group. Those that it does not use are lost."""

    def __init__(self, connection: Connection, drawn: Mapping[str, list[Any]]) -> None:
        self._connection = connection
        self._left = {of: deque(number for (number,) in found) for of, found in drawn.items()}

    def next(self, table: str) -> int:
        left = self._left.setdefault(table, deque())
        if not left:
            prepared, values = draw(table, 16)
            left.extend(number for (number,) in prepared.rows(self._connection, values))
        return int(left.popleft())
