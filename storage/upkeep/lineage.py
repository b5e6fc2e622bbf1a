"""Recognise and hold a database that somebody put back without telling the bot.

`pg_restore` by hand and a copied file tell the bot nothing, and a database cannot know by itself that it is older than
it was. So the database has a count, which is also noted outside of it, in a small file beside the keyring:

* The count in the database is raised first, and the file is written after the commit. So the file is never ahead of it.
* The file is read before the database. So if others raise the count meanwhile, it does not look like going back.
* If the database's count is lower than its file says, the database went back. The same holds if the database has no
  mark, although one with a mark was served from here. Then everything open is settled and the database is held, in one
  unit (storage.upkeep.holding).
* A file that is missing, or has nothing about this database, proves nothing.

The count is raised at a start, every few minutes and after each backup. When somebody lets a held database speak again,
it gets a new name that no file knows: a person has said that it is the real one now.
"""

import contextlib
import json
import os
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson
from sqlalchemy import select

from storage.database.models import ProcessedUpdate, table
from storage.upkeep.holding import settle_and_hold

if TYPE_CHECKING:
    from storage.open_database import Database
    from storage.unit_of_work import UnitOfWork

FACT: Final = "lineage"


@dataclass(frozen=True, slots=True)
class Mark:
    """A database's name and its count."""

    name: str
    count: int

    @classmethod
    def of(cls, value: str) -> "Mark":
        kept = orjson.loads(value)
        return cls(kept["name"], kept["count"])

    def __str__(self) -> str:
        return orjson.dumps({"name": self.name, "count": self.count}).decode()


@dataclass(frozen=True, slots=True)
class WentBack:
    """The file has the count `seen`; now the database has the count `found`, or no mark at all."""

    seen: int
    found: int | None

    def __str__(self) -> str:
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
    mark = _own_mark(unit)
    back = went_back(mark, seen) if mark is not None or _has_served(unit) else None
    if back is not None:
        if unit.facts.is_held():
            return None
        settle_and_hold(unit.connection, now)
        return back
    if mark is None:  # a missing row locks nobody out: if two processes begin at once, one of them gives the name
        new = Mark(secrets.token_hex(8), 0)
        mark = new if unit.facts.add(FACT, str(new), now) else _own_mark(unit) or new
    mark = Mark(mark.name, mark.count + 1)
    unit.facts.set(FACT, str(mark), now)
    return mark


def begin_anew(unit: "UnitOfWork", now: datetime) -> None:
    """Give the database a new name, because a person says that it is the real one. Old files no longer count."""
    unit.facts.set(FACT, str(Mark(secrets.token_hex(8), 0)), now)


def went_back(mark: Mark | None, seen: dict[str, int]) -> WentBack | None:
    """Return whether a database with this mark is older than its file says."""
    if mark is None:
        return WentBack(max(seen.values()), None) if seen else None
    at = seen.get(mark.name, 0)
    return WentBack(at, mark.count) if mark.count < at else None


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
