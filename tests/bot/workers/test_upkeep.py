"""The house's chores, and how they leave off."""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bot.acts.sharing.exports import KEPT
from bot.acts.upkeep.status import Vitals
from bot.workers.upkeep import UPKEEP, Chore, Premises, keep_house, look_after_health, look_back, sweep_exports
from storage.exports.parcels import Parcels
from storage.messages.outbox import OutboxDraft
from storage.open_database import Database
from storage.reports.files import FileStore
from storage.unit_of_work import UnitOfWork
from storage.upkeep.lineage import Mark
from tests.bot.telegram.wire import empty_database, opened
from tests.deadlines import PATIENCE

NOON = datetime(2018, 10, 3, 16, tzinfo=UTC)


class Still:
    """A clock whose wall stands."""

    def now(self) -> datetime:
        return NOON

    def monotonic(self) -> float:
        return time.monotonic()


async def test_the_chore_in_hand_is_finished_before_the_house_is_closed() -> None:
    """A thread cannot be cancelled: the bot waits for what it does, and begins nothing else once it is told to stop."""
    began, may_end = threading.Event(), threading.Event()
    did: list[str] = []

    def slow(_: Premises, __: datetime) -> None:
        began.set()
        may_end.wait(PATIENCE)
        did.append("slow")

    def another(_: Premises, __: datetime) -> None:
        did.append("another")

    chores = (Chore("slow", timedelta(0), slow), Chore("another", timedelta(0), another))
    stopping = asyncio.Event()
    house = asyncio.create_task(keep_house(lambda: cast(Premises, None), Still(), stopping, chores=chores))
    await asyncio.to_thread(began.wait, PATIENCE)
    stopping.set()
    await asyncio.to_thread(lambda: None)  # whoever has heard of the stop has done by now what it does
    assert not house.done()

    may_end.set()
    await asyncio.wait_for(house, PATIENCE)
    assert did == ["slow"]


async def test_what_cannot_be_undone_waits_while_the_clock_cannot_be_trusted() -> None:
    """A clock that was ahead by a year deleted every draft, and the numbers by which a repeated update is known."""
    did: list[str] = []
    stopping = asyncio.Event()
    is_held = iter((True, True, False))

    def doing(name: str) -> Callable[[Premises, datetime], None]:
        return lambda _, __: did.append(name)

    def look() -> Premises:
        return cast(Premises, SimpleNamespace(vitals=replace(VITALS, is_held=next(is_held, False))))

    def end(_: Premises, __: datetime) -> None:
        did.append("end")
        stopping.set()

    chores = (
        Chore("forget", timedelta(0), doing("forget"), trusts_date=True),
        Chore("seal", timedelta(0), doing("seal")),
        Chore("forget later", timedelta(0), doing("forget later"), trusts_date=True),
        Chore("end", timedelta(0), end),
    )
    await asyncio.wait_for(keep_house(look, Still(), stopping, chores=chores), PATIENCE)
    assert did == ["seal", "forget later", "end"]
    assert {chore.name for chore in UPKEEP if chore.trusts_date} == {"forget", "tell of locks"}


VITALS = Vitals("1", NOON, 1.0, 0.0, 9 << 30, NOON, False)


def looked_after(database: Database, folder: Path, **vitals: Any) -> set[str]:
    """The kinds of alarms that a look raises."""
    raised: set[str] = set()
    store = FileStore(folder / "evidence", None)
    premises = Premises(database, store, replace(VITALS, **vitals), lambda kind, reason: raised.add(kind))
    look_after_health(premises, NOON)
    return raised


def did(database: Database, work: Callable[[UnitOfWork], object]) -> None:
    database.units.submit(None, work).result()


def a_message_that_waits(unit: UnitOfWork) -> None:
    unit.outbox.add(OutboxDraft(1, "notice", "sendMessage", {"text": "x"}), now=NOON - timedelta(hours=1))


def an_update_set_aside(unit: UnitOfWork) -> None:
    unit.inbox.set_aside(1, 2, "message", "ValueError", NOON - timedelta(hours=1))


def deaths(unit: UnitOfWork) -> None:
    unit.replicas.bury([unit.replicas.add(NOON) for _ in range(3)], NOON)


WRONG: dict[str, Callable[[UnitOfWork], object]] = {
    "queue_age": a_message_that_waits,
    "poison": an_update_set_aside,
    "repeated_deaths": deaths,
    "held": lambda unit: unit.facts.set("held", NOON.isoformat(), NOON),
}


@pytest.mark.parametrize("database_kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("kind", WRONG)
def test_what_nobody_else_notices_is_noticed(tmp_path: Path, database_kind: str, kind: str) -> None:
    """From what the database knows, by a look every half minute."""
    with opened(empty_database(database_kind, tmp_path), tmp_path) as database:
        assert looked_after(database, tmp_path) == set()
        did(database, WRONG[kind])
        assert looked_after(database, tmp_path) == {kind}


def test_an_older_database_put_in_its_place_while_it_runs_is_noticed(tmp_path: Path) -> None:
    """By the same look as at a start, every few minutes; where nothing can be noted, nothing is raised."""
    raised: list[str] = []

    def alarm(kind: str, reason: str) -> None:
        raised.append(f"{kind}: {reason}")

    def looked_back(database: Database, file: Path) -> None:
        store = FileStore(tmp_path / "evidence", None)
        look_back(Premises(database, store, VITALS, alarm, lineage=file), NOON)

    with opened(empty_database("sqlite", tmp_path), tmp_path) as database:
        looked_back(database, tmp_path / "missing" / "keys.lineage")
        for _ in range(2):
            looked_back(database, tmp_path / "keys.lineage")
        assert raised == []
        with database.view() as unit:
            name = Mark.of(unit.facts.get("lineage") or "").name
        did(database, lambda unit: unit.facts.set("lineage", str(Mark(name, 1)), NOON))
        looked_back(database, tmp_path / "keys.lineage")
        assert raised == ["held: the database went back in time: it was seen at 3 and stands at 1"]
        with database.view() as unit:
            assert unit.facts.is_held()


def test_an_export_that_nobody_fetched_is_removed(tmp_path: Path) -> None:
    """By the machine's clock, as files are dated: the bot's own may have been moved."""
    old, new = tmp_path / "1-1-0.part", tmp_path / "2-1-0.part"
    for file in (old, new):
        file.touch()
    made_at = (datetime.now(UTC) - KEPT - timedelta(hours=1)).timestamp()
    os.utime(old, (made_at, made_at))
    premises = Premises(cast(Database, None), cast(FileStore, None), VITALS, parcels=Parcels(tmp_path, None))
    sweep_exports(premises, NOON + timedelta(days=365))
    assert (old.exists(), new.exists()) == (False, True)


def test_the_disk_the_folder_and_telegrams_silence_are_noticed(tmp_path: Path) -> None:
    """From what only the process knows, and from trying to write."""
    with opened(empty_database("sqlite", tmp_path), tmp_path) as database:
        assert looked_after(database, tmp_path, free=1 << 20) == {"disk"}
        assert looked_after(database, tmp_path, answered_ago=None) == {"telegram"}

        (tmp_path / "evidence").rmdir()
        (tmp_path / "evidence").write_text("no folder")
        assert looked_after(database, tmp_path) == {"files"}
