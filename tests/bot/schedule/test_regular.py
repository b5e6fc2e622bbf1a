"""What is said regularly falls due whatever clock prepared the deployment."""

import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from bot.demo.cast import BEGINS
from bot.open_storage import open_storage
from bot.schedule.scheduler import Scheduler
from bot.setup import set_up
from bot.telegram.in_hand import Asked, look
from storage.database.models import Membership, Plan, PlanImport, table
from storage.messages.leases import Watch
from storage.messages.outbox import Sent
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.bot.house import populate, settings_in
from tests.bot.schedule.wound import NOBODY, Wound

DAYS = 16
CLOCKS = {
    "the bot's": BEGINS,
    "years ahead": datetime(2026, 12, 2, 9, tzinfo=UTC),
    "years behind": datetime(2015, 1, 1, tzinfo=UTC),
}


async def said(database: Database) -> dict[str, int]:
    """How many messages of each kind are sent in the days that follow, each after its second look."""
    clock = Wound()
    clock.wall = BEGINS
    scheduler = Scheduler(database, clock, said=lambda: None)
    kinds: dict[str, int] = {}

    def claim(unit: UnitOfWork) -> None:
        asked = Asked(60, NOBODY, NOBODY, NOBODY)
        found = look(unit, clock.now(), asked, Watch(), clock.monotonic, scheduler.second_look)
        for row in found.rows:
            kinds[row.kind] = kinds.get(row.kind, 0) + 1
            unit.outbox.record(row.id, Sent(1), clock.now())

    for _ in range(DAYS * 8):
        clock.run(hours=3)
        await scheduler.look()
        database.units.submit(None, claim).result()
    return kinds


@pytest.mark.parametrize("under", CLOCKS)
async def test_digests_fall_due_whatever_clock_a_deployment_was_prepared_under(tmp_path: Path, under: str) -> None:
    """An instant that lies ahead of now says nothing: neither of a schedule, nor of a plan, nor of who joined."""
    settings = settings_in(tmp_path)
    list(set_up(settings, CLOCKS[under]))
    populate(settings)
    with open_storage(settings) as database:
        joined = update(table(Membership)).values(active_from=CLOCKS[under])
        imported = insert(table(PlanImport)).values(
            plan_id=select(table(Plan).c.id).scalar_subquery(),
            imported_at=CLOCKS[under],
            before=zlib.compress(b'{"changed": {}}'),
            sha256="",
        )
        for statement in (joined, imported):
            database.units.submit(None, lambda unit, each=statement: unit.connection.execute(each)).result()
        kinds = await said(database)
    assert kinds["digest"] >= 3
    assert kinds["reminder"] >= 4
