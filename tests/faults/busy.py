"""After an unclean end a busy town is served as before: alone are applied only those that may have been its cause.

What is counted is how many updates were applied under a mark, whatever the machine does beside. The long version also
compares how long people wait for their answers, before a kill and from ten seconds after it.
"""

import random
import time
from collections.abc import Sequence
from pathlib import Path

from bot.sandbox import people
from bot.telegram.waiting import BATCH
from tests.faults.crowd import reply
from tests.faults.deployment import Cast, Deployment, deployed, until
from tests.faults.outcome import Outcome
from tests.faults.town import note_marks

CALM_IN = 10.0
"""Seconds after a death from which people are to be answered as quickly as before it."""


def busied(
    folder: Path,
    kind: str,
    dice: random.Random,
    *,
    webhook: bool = False,
    cast: Cast = Cast(12, 1),
    waves: int = 9,
    deaths: int = 1,
    slower: float = 0.0,
    until_time: float | None = None,
    plant: str = "",
) -> Outcome:
    """Everybody asks, and asks again when all are answered; somebody kills. `slower`: at most so many times, or 0."""
    outcome = Outcome()
    numbers = list(cast.numbers)
    with deployed(folder, kind, cast, webhook=webhook) as deployment:
        for statement in note_marks(is_sqlite=deployment.is_sqlite):
            deployment.rows(statement)
        deployment.start(plant=plant)
        while outcome.counts["deaths"] < deaths:
            if outcome.counts["deaths"] and until_time is not None and time.monotonic() > until_time:
                break
            before = [took for _ in range(waves) for took in wave(deployment, numbers)]
            marked = _marked(deployment)
            for number in numbers:
                people.say(deployment.world, number, "/help")
            until(lambda: not deployment.world.bot.pending or dice.random() < 0.2, deployment.bot.log)
            deployment.bot.kill()
            killed_at = time.monotonic()
            outcome.counts["deaths"] += 1
            deployment.start(plant=plant)
            after: list[float] = []
            for number in range(10**6):
                took = wave(deployment, numbers)
                is_calm = time.monotonic() - killed_at > CALM_IN
                after += took if is_calm or not slower else []
                if number >= waves and len(after) >= len(before):
                    break
            outcome.counts["answers"] += len(before) + len(after)
            alone = _marked(deployment) - marked
            outcome.counts["alone"] += alone
            if not 0 < alone <= 2 * BATCH:
                outcome.violations.append(f"{alone} updates were applied alone after a death")
            if slower and p95(after) > slower * p95(before):
                outcome.violations.append(f"p95 was {p95(before):.2f} s before a death and {p95(after):.2f} s after it")
        deployment.bot.stop()
    return outcome


def wave(deployment: Deployment, numbers: Sequence[int]) -> list[float]:
    """Everybody asks at once; for how many seconds each waited for the answer."""
    world, asked = deployment.world, {}
    for number in numbers:
        asked[number] = world.ledger.entries.total, world.now()
        people.say(world, number, "/help")
    until(
        lambda: all(reply(world, number, since) for number, (since, _) in asked.items()) and not world.bot.pending,
        deployment.bot.log,
    )
    return [
        next(seen.at for seen in list(world.ledger.since(since, chat=number)) if seen.what == "send") - at
        for number, (since, at) in asked.items()
    ]


def p95(seconds: Sequence[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.95)]


def _marked(deployment: Deployment) -> int:
    [(number,)] = deployment.rows("SELECT count(*) FROM marked")
    return int(number)
