"""Numbers for new rows, drawn from their sequences before the rows are written (PostgreSQL)."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy import ARRAY, BigInteger, Connection, Text, bindparam, text

from storage.database.statements import Prepared, Question

# The sequences are looked up once, not for each number (OFFSET 0). Each number has a place of its own in an array:
# PostgreSQL keeps the plan of that, while it planned `generate_series` anew each time.
_DRAWN: Final = """\
SELECT names[place] AS of, nextval(sequences[place]) AS number FROM (
    SELECT array_agg(name ORDER BY at) AS names,
        array_agg(to_regclass(pg_get_serial_sequence(name, 'id')) ORDER BY at) AS sequences
    FROM unnest(string_to_array(CAST(:tables AS text), ',')) WITH ORDINALITY AS named(name, at) OFFSET 0
) AS looked_up, unnest(CAST(:places AS bigint[])) AS place"""
_DRAW: Final = Prepared(
    text(_DRAWN)
    .bindparams(bindparam("tables", type_=Text), bindparam("places", type_=ARRAY(BigInteger)))
    .columns(of=Text, number=BigInteger)
)


def draw(many: Mapping[str, int]) -> Question:
    """Return the question for so many numbers of each of these tables. The answer has a row for each: table, number."""
    places = [place for place, number in enumerate(many.values(), 1) for _ in range(number)]
    return _DRAW, {"tables": ",".join(many), "places": places}


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
