"""Somebody moves the schema away under a running bot: it waits as for a database that is away, and goes on."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime
from itertools import chain, pairwise
from pathlib import Path

import pytest
from sqlalchemy import make_url

from bot.sandbox import people
from bot.sandbox.client import SandboxClient
from storage.database.outage import TELL_EVERY
from tests.faults.deployment import FIRST, Cast, Deployment, deployed, until

pytestmark = pytest.mark.slow

OFTEN = 30


def lines(deployment: Deployment) -> list[dict[str, str]]:
    return [json.loads(line) for line in deployment.bot.log().splitlines()]


def in_vain(deployment: Deployment) -> Counter[str]:
    """How often each door of the database was tried in vain."""
    return Counter(line["door"] for line in lines(deployment) if line["event"] == "database.unavailable")


@pytest.mark.parametrize("webhook", [False, True], ids=["polling", "webhook"])
def test_a_schema_that_is_moved_stops_nobody_for_good(tmp_path: Path, webhook: bool) -> None:
    """Nothing is acknowledged or set aside; the log has a line for each door, and one when it is back."""
    with deployed(tmp_path, "postgresql", Cast(2, 1), webhook=webhook) as deployment:
        deployment.start(ENLACE_LOG_LEVEL="DEBUG")
        bot, world = deployment.bot, deployment.world
        schema = str(make_url(deployment.url).query["options"]).rpartition("search_path=")[2]
        deployment.rows(f"ALTER SCHEMA {schema} RENAME TO {schema}_moved")
        try:
            people.say(world, FIRST, "/pendientes")
            until(lambda: not bot.is_alive or has_tried_both(deployment), bot.log)
            assert bot.is_alive, bot.log()
            assert len(world.bot.pending) == 1, "it waits at Telegram"
        finally:
            deployment.rows(f"ALTER SCHEMA {schema}_moved RENAME TO {schema}")
        until(lambda: SandboxClient(deployment.sandbox.url).ledger(chat=FIRST), bot.log)
        until(lambda: recovered(deployment) == {"writer", "readers"}, bot.log)
        bot.stop()
        told = [line for line in lines(deployment) if line["level"] != "debug"]
        assert not hasty(line for line in told if line["event"] == "database.unavailable")
        assert {line["code"] for line in told if line["event"] == "database.unavailable"} == {"42P01"}
        assert "Traceback" not in bot.log()
        assert deployment.rows("SELECT update_id FROM poison_update") == []


def recovered(deployment: Deployment) -> set[str]:
    """The doors that the log calls open again. Readers who have little to do find it out when they next read."""
    return {line["door"] for line in lines(deployment) if line["event"] == "database.recovered"}


def has_tried_both(deployment: Deployment) -> bool:
    """Whether the writer was tried in vain often, and the readers, who have less to do, at all."""
    counts = in_vain(deployment)
    return counts["writer"] > OFTEN and counts["readers"] > 0


def hasty(told: Iterable[dict[str, str]]) -> list[tuple[str, str]]:
    """The times of each two lines of one door that are nearer to each other than lines of an outage should be."""
    times = defaultdict(list)
    for line in told:
        times[line["door"]].append(line["timestamp"])
    pairs = chain.from_iterable(pairwise(each) for each in times.values())
    return [(one, next_) for one, next_ in pairs if seconds_between(one, next_) < TELL_EVERY - 1]


def seconds_between(one: str, other: str) -> float:
    return (datetime.fromisoformat(other) - datetime.fromisoformat(one)).total_seconds()
