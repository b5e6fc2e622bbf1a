"""Reminders on the phones: the real bot beside the sandbox, whose clock is moved through the month."""

import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from house import ANA, Officer, Town, furnish, town_in

pytestmark = pytest.mark.slow
SANTO_DOMINGO = ZoneInfo("America/Santo_Domingo")


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("furnished")
    furnish(folder)
    return folder


@pytest.fixture
def town(tmp_path: Path, furnished: Path) -> Iterator[Town]:
    with town_in(tmp_path, furnished) as town:
        yield town


def at(town: Town, when: str) -> None:
    """Move the sandbox's clock to this wall time in Santo Domingo."""
    town.client.move_clock(to=datetime.fromisoformat(when).replace(tzinfo=SANTO_DOMINGO).timestamp())


def fires(town: Town, person: int) -> list[tuple[str, str, str]]:
    """The ledger of one person: day, state, reason."""
    return town.rows(
        'SELECT f."window", f.state, f.reason FROM fire f JOIN person p ON p.id = f.person_id'
        " WHERE p.telegram_id = ? ORDER BY f.window",
        person,
    )


def wait_for_fire(town: Town, person: int, day: str) -> tuple[str, str, str]:
    """Until the ledger says what became of that day."""
    deadline = time.monotonic() + 20
    while True:
        found = [row for row in fires(town, person) if row[0] == day and row[1] != "queued"]
        if found:
            return found[0]
        assert time.monotonic() < deadline, (fires(town, person), town.logged())
        time.sleep(0.05)


def report_all(officer: Officer) -> None:
    for _ in range(8):
        officer.say("/pendientes")
        waiting = [b for b in officer.buttons if b.startswith(("PRE", "PER", "ASI"))]
        if not waiting:
            return
        officer.tap(waiting[0])
        officer.tap("Igual")
        officer.say("Seguir con el plan de trabajo")
        officer.tap("Enviar ahora")


def test_on_the_due_day_at_nine_one_reminder_comes_and_leads_to_the_report(town: Town) -> None:
    """One message with all that is left; Empezar opens the first; nothing more after everything was sent."""
    ana = town.officer(ANA)
    at(town, "2018-10-05T09:00")
    ana.wait_for("Hoy cierra septiembre 2018 para MMUJER", 20)
    assert "PRE-101" in ana.text
    assert "ASI-201" in ana.text
    assert ana.text.count("\n") >= 2
    ana.tap("Empezar")
    assert "Cómo va la actividad" in ana.text
    ana.tap("Igual")
    ana.say("Seguir con el plan de trabajo")
    ana.tap("Enviar ahora")
    report_all(ana)
    before = len(ana.from_bot)
    at(town, "2018-10-09T09:00")
    assert wait_for_fire(town, ANA, "2018-10-09")[1:] == ("skipped", "nothing_left")
    assert len(ana.from_bot) == before
