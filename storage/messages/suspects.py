"""Updates and jobs that may have killed the process. Each is applied alone, under a mark.

An update that kills the process raises no exception, and after the restart it is there again: Telegram sends it once
more. The same is true of a job. The next process learns the cause only from a row that was durable before the work
began. Of a hundred updates in flight, ninety-nine are innocent. So after an unclean end they are tried one at a time,
each under its own mark, and a process that survives one removes its mark.

The laws:
* A mark counts how often a process began this work alone and did not finish it.
* The mark of an update is removed by the unit that applies the update or sets it aside. The mark of a job is removed
  when its worker has finished, with any result.
* If two suspects were in work at once, the one that was there at an earlier death is blamed: the mark of a job does not
  grow while the mark of some update is two or more. No two suspect jobs run at the same time.
* After a clean end, nothing is suspected.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import bindparam, delete, select

from storage.database.models import Suspect, table
from storage.database.statements import insert_into
from storage.database.unit import Repository

DEATHS: Final = 3
"""How many times a process may die of something, alone, before it is set aside."""

_S = table(Suspect)
_ONE = (
    (_S.c.kind == bindparam("of_kind")) & (_S.c.bot_id == bindparam("of_bot")) & (_S.c.number == bindparam("of_number"))
)
_FOUND = select(_S.c.deaths).where(_ONE)
_CLEAR = delete(_S).where(_ONE)
_KILLING = select(_S.c.number).where(_S.c.kind == "update", _S.c.deaths >= 2).limit(1)
_PURGE = delete(_S).where(_S.c.marked_at < bindparam("before"))


class Suspects(Repository):
    """The marks of updates and jobs that may kill the process.

    `bot_id` is 0 for a job, because its number is unique.
    """

    def found(self, kind: Literal["update", "job"], bot_id: int, number: int) -> int:
        """Return how many deaths the mark counts; 0 if there is no mark."""
        return self._connection.execute(_FOUND, _key(kind, bot_id, number)).scalar() or 0

    def mark(
        self, kind: Literal["update", "job"], bot_id: int, numbers: Collection[int], deaths: int, now: datetime
    ) -> None:
        """Set the marks of these to that number of deaths. Doing it twice changes nothing."""
        if not numbers:
            return
        rows = [
            {"kind": kind, "bot_id": bot_id, "number": number, "deaths": deaths, "marked_at": now} for number in numbers
        ]
        statement = insert_into(self._connection, _S)
        says = {name: statement.excluded[name] for name in ("deaths", "marked_at")}
        key = ("kind", "bot_id", "number")
        self._connection.execute(statement.on_conflict_do_update(index_elements=key, set_=says), rows)

    def clear(self, kind: Literal["update", "job"], bot_id: int, number: int) -> None:
        """Remove the mark: the process survived the work, or the work was set aside."""
        self._connection.execute(_CLEAR, _key(kind, bot_id, number))

    def is_an_update_killing(self) -> bool:
        """Whether an update was alone when a process died, and is neither applied nor set aside yet."""
        return self._connection.execute(_KILLING).first() is not None

    def purge(self, before: datetime) -> int:
        """Forget older marks: Telegram sends no update that is older than a day. Return how many."""
        return self._connection.execute(_PURGE, {"before": before}).rowcount


def _key(kind: str, bot_id: int, number: int) -> dict[str, object]:
    return {"of_kind": kind, "of_bot": bot_id, "of_number": number}
