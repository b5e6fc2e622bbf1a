"""How the bot is, told to whoever asks: every line has its words in every language, and worst comes first."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.acts.upkeep.status import CHECKS, Seen, Vitals, look, readings, remember, sentence
from bot.cli.status import status_rows
from bot.open_storage import open_storage
from conversations.languages import LANGUAGES
from conversations.plan.entering import Funnel, Way
from conversations.plan.model import Role
from conversations.plan.periods import PlanPhase
from conversations.wording import catalogue, wording
from storage.database.migrating import head
from storage.upkeep import chain
from storage.upkeep.health import Health
from storage.upkeep.holding import Held
from tests.bot.desk import NOW, Desk
from tests.bot.house import CARMEN, PEDRO, furnish, settings_in

WELL = Seen(
    NOW,
    Health("SQLite", 5 << 20, head(), 2, NOW - timedelta(seconds=4), 0, 0, 3, 0),
    Vitals("0.1.0", NOW - timedelta(days=3), 1.5, 0.2, 9 << 30, NOW - timedelta(seconds=5), False),
    NOW - timedelta(seconds=20),
    "12.0a1b2c3d4e5f",
    0,
)
LOST = Way(1, "Ana", Role.FOCAL_POINT, "MMUJER", NOW - timedelta(days=30))


def seen(**changes: Any) -> Seen:
    """WELL with these changes, of whatever part they are."""
    assert WELL.vitals is not None
    vitals = {name: changes.pop(name) for name in list(changes) if name in Vitals.__slots__}
    found = {name: changes.pop(name) for name in list(changes) if name in Health.__slots__}
    return replace(WELL, vitals=replace(WELL.vitals, **vitals), health=replace(WELL.health, **found), **changes)


CASES: dict[str, tuple[Seen, str, str]] = {
    # how it is, the line that comes first, its state
    "all is well": (WELL, "process", "good"),
    "never run": (replace(WELL, vitals=None, told_at=None), "process", "bad"),
    "fallen silent": (seen(told_at=NOW - timedelta(hours=2)), "process", "bad"),
    "Telegram is slow": (seen(answered_ago=200.0), "telegram", "warn"),
    "Telegram is gone": (seen(answered_ago=2000.0), "telegram", "bad"),
    "Telegram never answered": (seen(answered_ago=None), "telegram", "bad"),
    "old tables": (seen(revision="0001"), "database", "bad"),
    "read-only tables": (seen(takes_writes=False), "database", "bad"),
    "nothing to send": (seen(oldest_at=None), "process", "good"),
    "messages wait": (seen(oldest_at=NOW - timedelta(minutes=9)), "queue", "warn"),
    "messages wait long": (seen(oldest_at=NOW - timedelta(hours=9)), "queue", "bad"),
    "a flood is being applied": (seen(kept=90, kept_since=NOW - timedelta(seconds=9)), "process", "good"),
    "a flood is stuck": (seen(kept=90, kept_since=NOW - timedelta(minutes=9)), "kept", "warn"),
    "a flood is stuck long": (seen(kept=90, kept_since=NOW - timedelta(hours=9)), "kept", "bad"),
    "a minute of silence": (replace(WELL, silent_until=NOW + timedelta(minutes=1)), "silence", "warn"),
    "a day of silence": (replace(WELL, silent_until=NOW + timedelta(days=1)), "silence", "bad"),
    "a silence is over": (replace(WELL, silent_until=NOW - timedelta(seconds=1)), "process", "good"),
    "a silence in one chat": (seen(silenced=1, silenced_until=NOW + timedelta(hours=9)), "silence", "warn"),
    "restored": (replace(WELL, hold=Held(NOW - timedelta(hours=3), NOW)), "restored", "bad"),
    "the clock has jumped": (seen(is_held=True), "reminders", "bad"),
    "not looked yet": (seen(looked_at=None), "reminders", "warn"),
    "tasks failed": (seen(jobs_failed=2), "jobs", "warn"),
    "updates were set aside": (seen(poisoned=1), "jobs", "warn"),
    "somebody is lost on the way in": (replace(WELL, people=Funnel(Counter(), 1, (LOST,))), "people", "warn"),
    "the plan is over": (replace(WELL, resting=(PlanPhase.OVER, "p", NOW.date())), "plan", "warn"),
    "the plan has not begun": (replace(WELL, resting=(PlanPhase.AHEAD, "p", NOW.date())), "plan", "warn"),
    "nobody leads": (replace(WELL, led_by_nobody=tuple(f"A-{n}" for n in range(20))), "leading", "warn"),
    "restricted messages stand": (replace(WELL, not_deleted=("Ana, chat 7 (2, 2018-10-01)",)), "restricted", "warn"),
    "a receiver does not hear": (replace(WELL, dead_letters=("example.org",)), "receivers", "warn"),
    "little disk": (seen(free=500 << 20), "disk", "warn"),
    "no disk": (seen(free=5 << 20), "disk", "bad"),
    "the log was altered": (seen(seal="broken"), "audit", "bad"),
    "nothing is sealed": (seen(seal="", unsealed=9), "audit", "warn"),
    "sealing lags": (seen(unsealed=900), "audit", "warn"),
    "clock a little off": (seen(skew=-9.0), "clock", "warn"),
    "clock far off": (seen(skew=900.0), "clock", "bad"),
    "clock unknown": (seen(skew=None), "process", "good"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("status")
    furnish(made)
    return made


@pytest.fixture
def desk(folder: Path) -> Iterator[Desk]:
    with open_storage(settings_in(folder)) as database:
        yield Desk(database)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.replace(" ", "_"))
def test_whatever_is_not_well_comes_first(case: str) -> None:
    """One thing wrong, one line on top; the others are still there."""
    at, name, state = CASES[case]
    found = readings(at)
    assert (found[0][0], found[0][1].state) == (name, state)
    assert [reading.state for _, reading in found[1:]] == ["good"] * (len(found) - 1)


def test_every_line_has_its_words_and_every_word_its_line() -> None:
    """In each language, all gaps filled; no sentence is left that nothing says."""
    said = set()
    for at, _, _ in CASES.values():
        for name, reading in readings(at):
            said.add(f"status.{name}_{reading.variant}" if reading.variant else f"status.{name}")
            for language in LANGUAGES:
                told = sentence(name, reading, wording(language))
                assert not told.startswith("status.")
                assert "{" not in told
    names = {name for name, _ in CHECKS}
    assert said == {key for key in catalogue("es") if key.removeprefix("status.").split("_")[0] in names}


def test_an_admin_sees_how_the_bot_is_and_nobody_else(desk: Desk) -> None:
    """In three words and ten lines, with a way to look again.

    A bot that answers is not silent: if what it told is old, its clock was moved.
    """
    assert WELL.vitals is not None

    desk.database.units.submit(None, lambda unit: remember(unit, WELL.vitals, NOW)).result()
    desk.database.units.submit(None, lambda unit: chain.seal(unit)).result()
    told = str(desk.say(PEDRO, "/estado").deliveries[-1].payload["text"])
    assert told.startswith("✅ Todo bien")
    assert "Auditoría sellada hasta" in told
    assert len(told) < 1000
    assert desk.tap(CARMEN, "c:estado:").answer.show_alert  # type: ignore[union-attr]

    for days in (-20, 20):
        moved = NOW - timedelta(days=days)
        desk.database.units.submit(None, lambda unit, at=moved: remember(unit, WELL.vitals, at)).result()
        told = str(desk.say(PEDRO, "/estado").deliveries[-1].payload["text"])
        assert "calla" not in told
        assert "Telegram respondió hace 2 s" in told


def test_what_the_process_told_is_read_back_as_it_was(desk: Desk) -> None:
    """Instants, unknowns and all."""
    vitals = Vitals("9", NOW, None, None, 1, None, True)
    desk.database.units.submit(None, lambda unit: remember(unit, vitals, NOW)).result()
    with desk.database.view() as unit:
        found = look(unit, NOW + timedelta(minutes=1))
    assert (found.vitals, found.told_at) == (vitals, NOW)


def test_at_the_server_a_silent_bot_is_noticed(desk: Desk, folder: Path) -> None:
    """`enlace status` reads what the process left, and what it did not."""
    assert WELL.vitals is not None

    desk.database.units.submit(None, lambda unit: remember(unit, WELL.vitals, NOW)).result()
    states = {row["what"]: row for row in status_rows(settings_in(folder), "en", NOW)}
    assert {row["state"] for row in states.values()} <= {"good", "warn"}
    assert states["database"]["kind"] == "SQLite"

    later = status_rows(settings_in(folder), "en", NOW + timedelta(hours=1))
    assert (later[0]["what"], later[0]["state"]) == ("process", "bad")
    assert later[0]["told"] == "The bot has been silent for 60 min: see whether it runs"
