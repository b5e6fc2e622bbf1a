"""What a scan costs on a due day: a plan of 60, 1 000 and 10 000 activities with 24 months of reports behind it.

    python tests/benchmarks/due.py [--activities 60,1000,10000] [--databases sqlite,postgresql] [--repeat 5]

Printed for each: how many people are told, how many statements that took, the median of deciding for everybody, of
the second look at one claim of sixty messages, and of a scan when all has been said. Statements must not grow with the
plan; deciding may grow in proportion to it; the scan of every few seconds, when nothing is due, must not grow at all.
"""

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from digest import ZONE, _median, _statements, filled
from sqlalchemy import select, update

from bot.schedule.job import Batch
from bot.schedule.ledger import write_once
from bot.schedule.scheduler import due, ensure_schedules, look_at
from storage.database.models import Person, table
from storage.messages.outbox import OutboxRow
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork

DUE_DAY = datetime(2019, 1, 7, 9, 0, tzinfo=ZONE).astimezone(UTC)
CLAIM = 60


def scan(unit: UnitOfWork) -> list[Any]:
    return [(job, one) for _, job, planned in due(unit, DUE_DAY) for one in planned]


def ready(unit: UnitOfWork) -> None:
    """Everybody has accepted the notice, and the plan has its schedules."""
    unit.connection.execute(update(table(Person)).values(privacy_accepted_at=DUE_DAY))
    ensure_schedules(unit, 1, DUE_DAY)


def say(unit: UnitOfWork) -> list[OutboxRow]:
    for job, one in scan(unit):
        write_once(unit, Batch(1, job, [one]), DUE_DAY)
    return unit.outbox.claim(DUE_DAY, DUE_DAY, CLAIM, ("fan_out",))


def measured(database: Database, activities: int, repeat: int) -> tuple[str, tuple[int, int]]:
    """The line to print, and the two numbers of statements."""
    database.units.submit(None, ready).result()
    with database.view() as unit:
        statements = _statements(unit, scan)
        told = sum(1 for _, one in scan(unit) if one.messages)
        deciding = _median(lambda: scan(unit), repeat)
    rows = database.units.submit(None, say).result()
    with database.view() as unit:
        looks = _statements(unit, lambda unit: look_at(unit, rows, DUE_DAY))
        looking = _median(lambda: look_at(unit, rows, DUE_DAY), repeat)
        people = len(unit.connection.execute(select(table(Person).c.id)).all())
        idle = _median(lambda: scan(unit), repeat)
    text = (
        f"{activities:>10,} {people:>7} {told:>6} {statements:>10} {deciding * 1000:>11.1f} "
        f"{looks:>10} {looking * 1000:>11.1f} {idle * 1000:>9.1f}"
    )
    return text, (statements, looks)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--activities", default="60,1000,10000")
    parser.add_argument("--databases", default="sqlite")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    grows = False
    for kind in options.databases.split(","):
        counted: set[tuple[int, int]] = set()
        print(f"{kind}\nactivities  people   told statements deciding ms  2nd stmts 2nd look ms   idle ms")
        for activities in map(int, options.activities.split(",")):
            with (
                tempfile.TemporaryDirectory() as folder,
                filled(Path(folder), kind, activities) as (database, _),
            ):
                text, asked = measured(database, activities, options.repeat)
                print(text, flush=True)
                counted.add(asked)
        grows = grows or len(counted) > 1
    return int(grows)


if __name__ == "__main__":
    sys.exit(main())
