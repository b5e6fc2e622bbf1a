"""Facts that the running bot has learnt and other commands need.

For example, `enlace invite` prints a link that contains the bot's user name, and only Telegram knows that name.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, delete, func, select

from storage.database.models import Fact, table
from storage.database.statements import Prepared, insert_into, insert_or_ignore
from storage.database.unit import Repository

_F = table(Fact)
_GET = select(_F.c.value).where(_F.c.name == bindparam("name"))
_KNOWN_AS = Prepared(_GET)
_LEARNT = Prepared(select(_F.c.learnt_at).where(_F.c.name == bindparam("name")))
_KNOWN = select(_F.c.name, _F.c.value).where(_F.c.name.in_(bindparam("names", expanding=True)))
_STARTING = select(_F.c.name, _F.c.value, _F.c.learnt_at).where(
    func.substr(_F.c.name, 1, func.length(bindparam("prefix"))) == bindparam("prefix")
)
_FORGET = delete(_F).where(_F.c.name == bindparam("name"))


HELD: Final = "held"
"""The fact of a restored database: it sends nothing until somebody releases it (storage.upkeep.holding)."""
_LOCKED = _GET.with_for_update()
_SHARED = select(_F.c.value).where(_F.c.name == bindparam("name")).with_for_update(read=True)


class Facts(Repository):
    """Facts by name: a value, and when it was learnt."""

    def get(self, name: str) -> str | None:
        found = _KNOWN_AS.first(self._connection, {"name": name})
        return None if found is None else found.value

    def locked(self, name: str) -> str | None:
        """Return the value, as `get` does, and lock it: nobody else changes it before this unit ends."""
        return self._connection.execute(_LOCKED, {"name": name}).scalar_one_or_none()

    def is_held(self) -> bool:
        """Whether the database was restored and not yet released. The answer holds until this unit ends."""
        return bool(self._connection.execute(_SHARED, {"name": HELD}).scalar_one_or_none())

    def known(self, names: Iterable[str]) -> dict[str, str]:
        """Return the values of those names that have one, in one statement."""
        return {row.name: row.value for row in self._connection.execute(_KNOWN, {"names": sorted(names)})}

    def learnt_at(self, name: str) -> datetime | None:
        """Return when the fact was last set, even if the value stayed the same."""
        found = _LEARNT.first(self._connection, {"name": name})
        return None if found is None else found.learnt_at

    def set(self, name: str, value: str, now: datetime) -> None:
        made = insert_into(self._connection, _F)
        renewed = {"value": made.excluded.value, "learnt_at": made.excluded.learnt_at}
        statement = made.on_conflict_do_update(index_elements=["name"], set_=renewed)
        self._connection.execute(statement, {"name": name, "value": value, "learnt_at": now})

    def add(self, name: str, value: str, now: datetime) -> bool:
        """Set it if it is not known; return whether it was new. If several do this at once, one gets True."""
        return insert_or_ignore(self._connection, _F, {"name": name, "value": value, "learnt_at": now})

    def forget(self, name: str) -> bool:
        """Remove it; return whether it was there. If several do this at once, one gets True."""
        return self._connection.execute(_FORGET, {"name": name}).rowcount == 1

    def starting(self, prefix: str) -> list[tuple[str, str, datetime]]:
        """Name, value and time of every fact whose name begins with this prefix."""
        return [(row.name, row.value, row.learnt_at) for row in self._connection.execute(_STARTING, {"prefix": prefix})]
