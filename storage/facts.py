"""What the running bot has learnt and another command needs.

`enlace invite` prints a link with the bot's user name in it, and only Telegram knows that name.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from storage.models import Fact, table

if TYPE_CHECKING:
    from storage.unit_of_work import UnitOfWork

_F = table(Fact)
_GET = select(_F.c.value).where(_F.c.name == bindparam("name"))
_LEARNT = select(_F.c.learnt_at).where(_F.c.name == bindparam("name"))
_KNOWN = select(_F.c.name, _F.c.value).where(_F.c.name.in_(bindparam("names", expanding=True)))
_SQLITE = sqlite.insert(_F)
_POSTGRES = postgresql.insert(_F)
_SET = {
    "sqlite": _SQLITE.on_conflict_do_update(
        index_elements=["name"], set_={"value": _SQLITE.excluded.value, "learnt_at": _SQLITE.excluded.learnt_at}
    ),
    "postgresql": _POSTGRES.on_conflict_do_update(
        index_elements=["name"], set_={"value": _POSTGRES.excluded.value, "learnt_at": _POSTGRES.excluded.learnt_at}
    ),
}


class Facts:
    """Names and what is known about them."""

    def __init__(self, unit: "UnitOfWork") -> None:
        self._connection = unit.connection

    def get(self, name: str) -> str | None:
        return self._connection.execute(_GET, {"name": name}).scalar_one_or_none()

    def known(self, names: Iterable[str]) -> dict[str, str]:
        """The values of those of these names that have one. One statement."""
        return {row.name: row.value for row in self._connection.execute(_KNOWN, {"names": sorted(names)})}

    def learnt_at(self, name: str) -> datetime | None:
        """When it was last set, be it to the same value."""
        return self._connection.execute(_LEARNT, {"name": name}).scalar_one_or_none()

    def set(self, name: str, value: str, now: datetime) -> None:
        self._connection.execute(_SET[self._connection.dialect.name], {"name": name, "value": value, "learnt_at": now})
