"""Requests for exports, and the worker that makes them, in a room of its own."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.workers.exports import ExportWorker
from bot.workers.lookout import Lookout
from storage.exports.parcels import Parcels
from storage.messages.jobs import StoredJob
from storage.messages.outbox import OutboxRow
from storage.reports.files import FileStore
from tests.bot.desk import Desk, taps
from tests.deadlines import PATIENCE

NOW = datetime(2018, 10, 3, 12, tzinfo=UTC)
ZONE = "America/Santo_Domingo"


@dataclass
class Clock:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


class Office:
    """The dispatch and a worker over one database; what would be sent is looked at instead."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.desk = desk
        self.folder = folder
        self.clock = Clock()
        self.edits: list[OutboxRow] = []

    def worker(self, **changes: Any) -> ExportWorker:
        database = self.desk.database
        return ExportWorker(
            database, FileStore(self.folder / "evidence", database.vault), self.parcels, self.clock,
            Lookout(database.units, self.clock),
            feed=self.edits.extend, wake=lambda: None, **{"show_every": 0.05, **changes},
        )  # fmt: skip

    @property
    def parcels(self) -> Parcels:
        return Parcels(self.folder / "parcels", self.desk.database.vault)

    def apply(self, work: Callable[[Any], Any]) -> Any:
        return self.desk.database.units.submit(None, work).result(PATIENCE)

    def ask(self, who: int, words: str = "") -> StoredJob:
        """The request that the screen offers, made."""
        screen = self.desk.say(who, f"/exportar {words}".strip())
        [go] = [tap for tap in taps(screen) if tap.startswith("c:exportar:go.")]
        self.desk.tap(who, go)
        return self.job()

    def job(self) -> StoredJob:
        states = ("queued", "working", "sending", "done", "failed", "cancelled")
        found: StoredJob = self.apply(lambda unit: unit.jobs.of_kind("export", states=states))[-1]
        return found

    def work(self, **changes: Any) -> None:
        """Claim and make what is asked for, as the loop does once."""

        async def once() -> None:
            worker = self.worker(**changes)
            await worker.start()
            job = await worker.claim(self.clock.now())
            if job is not None:
                await worker.make(job)

        asyncio.run(once())

    def queued(self) -> list[OutboxRow]:
        rows: list[OutboxRow] = self.apply(
            lambda unit: [row for row in unit.outbox.claim(self.clock.at, self.clock.at + timedelta(minutes=1))
                          if row.kind == "export"]
        )  # fmt: skip
        return rows

    @property
    def told(self) -> str:
        return str(self.edits[-1].payload["text"]) if self.edits else ""
