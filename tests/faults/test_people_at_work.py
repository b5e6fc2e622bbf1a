"""People fill in real forms, the shipped bot is killed and tapped twice, and the oracle finds nothing (T1, T3).

And each law is broken once on purpose, by a row of PLANTS: then the same scenario must find a violation. The long
version of all of it is `make torture`.
"""

import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE
from tests.faults.cancelled import cancelled
from tests.faults.deployment import BEGINS, Cast, deployed, seed_of
from tests.faults.plants import PLANTS, found
from tests.faults.scenarios import SCENARIOS, kills, nervous_hands

pytestmark = pytest.mark.slow
T = TypeVar("T")


@pytest.mark.parametrize(("kind", "webhook"), [("sqlite", False), ("postgresql", True)])
def test_kills_at_named_points_and_at_random_lose_nothing(tmp_path: Path, kind: str, webhook: bool) -> None:
    """Nothing acknowledged or shown is missing after a death; every form is there once, as typed; all in order (T1)."""
    outcome = kills(tmp_path, kind, random.Random(seed_of()), webhook=webhook, cast=Cast(6, 2), deaths=4, apart=30)
    assert outcome.violations == []
    assert outcome.counts["deaths"] == 4
    assert outcome.counts["answers"] > 50


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nervous_hands_answer_no_other_question(tmp_path: Path, kind: str) -> None:
    """Double taps, taps on cards of before, and a tap that arrives behind the text it was before (T3)."""
    outcome = nervous_hands(tmp_path, kind, random.Random(seed_of()), cast=Cast(6, 2), forms=2)
    assert outcome.violations == []
    assert min(outcome.counts[each] for each in ("double taps", "swapped taps", "stale taps")) > 0


@pytest.mark.parametrize(("kind", "webhook"), [("sqlite", False), ("postgresql", True)])
def test_who_leaves_while_an_answer_is_committed_finds_the_draft_as_it_was_typed(
    tmp_path: Path, kind: str, webhook: bool
) -> None:
    """/cancel right behind an answer, or just before it: no answer on another question, none lost (T3)."""
    outcome = cancelled(tmp_path, kind, random.Random(seed_of()), webhook=webhook, cast=Cast(6, 1))
    assert outcome.violations == []
    assert outcome.counts["forms"] == 6
    assert min(outcome.counts[f"cancelled {each}"] for each in ("behind", "before")) > 0  # how often is chance


@pytest.mark.parametrize("name", [name for name, plant in PLANTS.items() if plant.test in ("T1", "T3")])
@pytest.mark.planted
def test_planted_is_found(tmp_path: Path, name: str) -> None:
    """Each of these breaks a guarantee in the bot's process: the scenario that proves it turns red."""
    plant = PLANTS[name]
    dice = random.Random(seed_of())
    given = {"cast": Cast(6, 2), "plant": name, **plant.given}
    assert found(name, tmp_path, lambda folder: SCENARIOS[plant.test](folder, "sqlite", dice, **given))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_job_is_on_its_way_until_it_is_done(tmp_path: Path, kind: str) -> None:
    """Nobody is called forgotten while the answer to them is a job, waiting or in a worker's hands."""
    with deployed(tmp_path, kind, Cast(1, 1)) as deployment:

        def is_open_after(work: Callable[[UnitOfWork], T]) -> tuple[bool, T]:
            with deployment.database() as database:
                done = database.units.submit(None, work).result(PATIENCE)
            return deployment.is_anything_open(), done

        assert not deployment.is_anything_open()
        assert is_open_after(lambda unit: unit.jobs.add("fetch_file", {}, BEGINS)) == (True, 1)
        is_open, [job] = is_open_after(lambda unit: unit.jobs.claim(BEGINS, BEGINS + timedelta(minutes=5)))
        assert is_open
        assert is_open_after(lambda unit: unit.jobs.settle(job, BEGINS)) == (False, True)
