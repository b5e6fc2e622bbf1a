"""Numbers for new rows, drawn from their sequences before the rows are written (PostgreSQL)."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from functools import cache

from sqlalchemy import BigInteger, Connection, Integer, Text, bindparam, text

from storage.database.statements import Prepared, Question


def draw(many: Mapping[str, int]) -> Question:
    """Return the question for so many numbers of each of these tables. The answer has a row for each: table, number."""
    return _drawn(tuple(many)), many


@cache
def _drawn(tables: tuple[str, ...]) -> Prepared:
    # PostgreSQL names a sequence after its table and column. To look the name up takes as long as five numbers.
    each = "SELECT '{0}' AS of, nextval('{0}_id_seq') AS number FROM generate_series(1, :{0})"
    drawn = text(" UNION ALL ".join(each.format(table) for table in tables))
    many = [bindparam(table, type_=Integer) for table in tables]
    return Prepared(drawn.bindparams(*many).columns(of=Text, number=BigInteger))


class Numbers:
    """Numbers for the new rows of one group. Those that it does not use are lost."""

    def __init__(self, connection: Connection, drawn: Iterable[tuple[str, int]] = ()) -> None:
        """Take what the database has answered to `draw`."""
        self._connection = connection
        self._left: defaultdict[str, deque[int]] = defaultdict(deque)
        self._keep(drawn)

    def next(self, table: str) -> int:
        left = self._left[table]
        if not left:
            prepared, values = draw({table: 16})
            self._keep(prepared.rows(self._connection, values))
        return left.popleft()

    def _keep(self, drawn: Iterable[tuple[str, int]]) -> None:
        for of, number in drawn:
            self._left[of].append(number)
