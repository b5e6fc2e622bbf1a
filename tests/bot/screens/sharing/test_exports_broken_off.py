"""An export that is broken off says nothing about itself: it is made after the next start, as often as need be."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from bot.workers.exports import TRIES, ExportWorker
from storage.errors import Unavailable
from storage.messages.jobs import FIRST_PAUSE
from tests.bot.desk import Desk
from tests.bot.house import CARMEN
from tests.bot.screens.sharing.export_office import Office
from tests.deadlines import PATIENCE


@pytest.fixture
def office(desk: Desk, tmp_path: Path) -> Office:
    return Office(desk, tmp_path)


def test_one_that_is_in_hand_at_every_stop_is_made_in_the_end(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop is no failure: after more of them than a failing export has tries, its first failure is its first."""
    office.ask(CARMEN)
    build = ExportWorker.build

    async def stopped() -> None:
        worker = office.worker()
        await worker.start()
        job = await worker.claim(office.clock.now())
        assert job is not None

        def stop_within(self: ExportWorker, *given: Any) -> Any:
            self.stop()
            return build(self, *given)

        monkeypatch.setattr(ExportWorker, "build", stop_within)
        await worker.make(job)
        monkeypatch.setattr(ExportWorker, "build", build)

    def away(*_: Any) -> Any:
        raise Unavailable("statement timeout")

    for _ in range(TRIES + 2):
        asyncio.run(stopped())
        assert office.job().state == "queued"
        assert not office.queued()
    monkeypatch.setattr(ExportWorker, "build", away)
    office.work()
    monkeypatch.setattr(ExportWorker, "build", build)
    assert (office.job().state, office.job().failures, office.edits) == ("queued", 1, [])

    office.clock.at += FIRST_PAUSE
    office.work()

    assert office.job().state == "sending"
    assert office.job().attempts == TRIES + 4
    assert len(office.queued()) == 1


def test_a_thread_that_outlives_its_worker_ends_unheard(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its worker is gone, so nobody asks how it ended; the event loop complained of an exception that nobody wanted."""
    office.ask(CARMEN)
    is_building, goes_on, complaints = threading.Event(), threading.Event(), []

    def build(self: ExportWorker, *given: Any) -> None:
        is_building.set()
        assert goes_on.wait(PATIENCE)
        raise ValueError("the folder is gone")

    async def torn() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context["message"]))
        worker = office.worker()
        await worker.start()
        job = await worker.claim(office.clock.now())
        assert job is not None
        async with asyncio.TaskGroup() as tasks:
            making = tasks.create_task(worker.make(job))
            await asyncio.to_thread(is_building.wait, PATIENCE)
            making.cancel()
        goes_on.set()
        await loop.shutdown_default_executor()  # the thread has ended

    monkeypatch.setattr(ExportWorker, "build", build)
    asyncio.run(torn())
    assert complaints == []
