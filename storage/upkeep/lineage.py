"""Recognise and hold a database that somebody put back without telling the bot.

`pg_restore` by hand and a copied file tell the bot nothing, and a database cannot know by itself that it is older than
it was. So the database has a mark with a name, a count and, on PostgreSQL, its place. The count is also noted outside
of it, in a small file beside the keyring:

* The count in the database is raised first, and the file is written after the commit. So the file is never ahead of it.
* The file is read before the database. So if others raise the count meanwhile, it does not look like going back.
* If the database's count is lower than its file says, the database went back. The same holds if the database has no
  mark, although one with a mark was served from here. Then everything open is settled and the database is held, in one
  unit (storage.upkeep.holding).
* A file that is missing, or has nothing about this database, proves nothing.
* The place is where PostgreSQL keeps the tables: the numbers of the server, the database and a table. Every restore of
  a dump makes new tables, here or elsewhere. So tables whose own mark names another place are a copy, whatever any
  file says. Nothing that an ordinary day brings gives tables other numbers; a standby that takes over has the same.

The count is raised at a start, at a clean stop, every few seconds and after each backup. The place is also compared in
each unit that takes what waits in the outbox: somebody may restore under a running bot. When somebody lets a held
database speak again, it gets a new name that no file knows: a person has said that it is the real one now.
"""

import contextlib
import json
import logging
import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson
from sqlalchemy import select, text

from storage.database.models import ProcessedUpdate, table
from storage.upkeep.holding import settle_and_hold

if TYPE_CHECKING:
    from storage.open_database import Database
    from storage.unit_of_work import UnitOfWork

logger = logging.getLogger(__name__)

FACT: Final = "lineage"
COPY: Final = "the database is a copy: its tables were restored or moved since they were served"
_TABLE: Final = "CAST(CAST(to_regclass('fact') AS oid) AS text)"
_MARK_AND_TABLE: Final = text(f"SELECT value, {_TABLE} AS number FROM fact WHERE name = '{FACT}'")
_PLACE: Final = text(
    f"SELECT {_TABLE}, CAST(oid AS text) FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()"
)
_MAY_ASK: Final = text("SELECT pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'execute')")
_SERVER: Final = text("SELECT CAST(system_identifier AS text) FROM pg_catalog.pg_control_system()")


@dataclass(frozen=True, slots=True)
class Mark:
    """A database's name, its count and its place."""

    name: str
    count: int
    place: tuple[str, ...] = ()
    """Numbers of the table, the database and the server; "" for one that cannot be known. Empty on SQLite."""

    @classmethod
    def of(cls, value: str) -> "Mark":
        kept = orjson.loads(value)
        return cls(kept["name"], kept["count"], tuple(kept.get("place", ())))

    def __str__(self) -> str:
        return orjson.dumps({"name": self.name, "count": self.count, "place": self.place}).decode()

    def is_elsewhere(self, place: tuple[str, ...]) -> bool:
        """Whether these tables were made since the mark: what cannot be known does not differ."""
        return any(was != now for was, now in zip(self.place, place, strict=False) if was and now)


@dataclass(frozen=True, slots=True)
class WentBack:
    """The file has the count `seen`; now the database has the count `found`, or no mark at all, or it is a copy."""

    seen: int
    found: int | None
    is_copy: bool = False

    def __str__(self) -> str:
        if self.is_copy:
            return COPY
        found = "knows nothing of having been served" if self.found is None else f"stands at {self.found}"
        return f"the database went back in time: it was seen at {self.seen} and {found}"


def beside(keyring: Path) -> Path:
    """Return the path of the file."""
    return keyring.with_suffix(".lineage")


def look(database: "Database", file: Path, now: datetime) -> WentBack | None:
    """Compare the database with its file, and raise both counts. Hold a database that went back.

    It blocks. Unavailable while the database is away. If the file cannot be written, everything else is done first,
    then OSError is raised.
    """
    seen = _read(file)
    found = database.units.submit(None, partial(compare, seen=seen, now=now)).result()
    if isinstance(found, Mark):
        _write(file, found)
        return None
    return found


def compare(unit: "UnitOfWork", seen: dict[str, int], now: datetime) -> Mark | WentBack | None:
    """Return the database's new mark, or how it went back; then it is held. None if it was held already."""
    mark, place = _own_mark(unit), _place(unit)
    back = went_back(mark, seen, place) if mark is not None or _has_served(unit) else None
    if back is not None:
        if unit.facts.is_held():
            return None
        settle_and_hold(unit.connection, now)
        return back
    if mark is None:  # a missing row locks nobody out: if two processes begin at once, one of them gives the name
        new = Mark(secrets.token_hex(8), 0)
        mark = new if unit.facts.add(FACT, str(new), now) else _own_mark(unit) or new
    mark = Mark(mark.name, mark.count + 1, place)
    unit.facts.set(FACT, str(mark), now)
    return mark


def begin_anew(unit: "UnitOfWork", now: datetime) -> None:
    """Give the database a new name, because a person says that it is the real one. Old files no longer count."""
    unit.facts.set(FACT, str(Mark(secrets.token_hex(8), 0, _place(unit))), now)


def hold_copy(unit: "UnitOfWork", now: datetime) -> bool:
    """Hold the database if its tables are a copy. Return whether it did. One statement, and none on SQLite.

    To be asked before anything that waits is taken to be sent.
    """
    if unit.connection.dialect.name == "sqlite":
        return False
    found = unit.connection.execute(_MARK_AND_TABLE).first()
    if found is None or not Mark.of(found.value).is_elsewhere((str(found.number),)) or unit.facts.is_held():
        return False
    settle_and_hold(unit.connection, now)
    unit.after_commit(partial(logger.critical, "database.went_back", extra={"reason": COPY}))
    return True


def went_back(mark: Mark | None, seen: dict[str, int], place: tuple[str, ...] = ()) -> WentBack | None:
    """Return whether a database with this mark, in this place, is older than its file says, or a copy."""
    if mark is None:
        return WentBack(max(seen.values()), None) if seen else None
    at = seen.get(mark.name, 0)
    if mark.count < at:
        return WentBack(at, mark.count)
    return WentBack(at, mark.count, is_copy=True) if mark.is_elsewhere(place) else None


def _place(unit: "UnitOfWork") -> tuple[str, ...]:
    """Return where the tables are; () on SQLite: its files have no numbers that stay."""
    if unit.connection.dialect.name == "sqlite":
        return ()
    table_and_database = unit.connection.execute(_PLACE).one()
    may_ask = unit.connection.execute(_MAY_ASK).scalar_one()
    return (*table_and_database, unit.connection.execute(_SERVER).scalar_one() if may_ask else "")


def _own_mark(unit: "UnitOfWork") -> Mark | None:
    """Return the mark in the database, and lock it until this unit ends."""
    value = unit.facts.locked(FACT)
    return None if value is None else Mark.of(value)


def _has_served(unit: "UnitOfWork") -> bool:
    return unit.connection.execute(select(table(ProcessedUpdate).c.update_id).limit(1)).first() is not None


# ------------------------------------------------------------------ the file
def _read(file: Path) -> dict[str, int]:
    """Return the count of each database; nothing if the file is missing or cannot be read."""
    try:
        kept = json.loads(file.read_bytes())
        return {str(name): int(count) for name, count in kept.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _write(file: Path, mark: Mark) -> None:
    """Write the file completely to the disk.

    If two processes write at once, one count may be lost, which does no harm.
    """
    kept = _read(file)
    kept[mark.name] = max(mark.count, kept.get(mark.name, 0))
    unfinished = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with open(handle, "wb") as opened:
            opened.write(orjson.dumps(kept))
            opened.flush()
            os.fsync(opened.fileno())
        unfinished.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise
