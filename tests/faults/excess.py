"""Faults on top of what is kept: one phone has sent whole reports at once, they wait in the database, and it happens.

What is kept was acknowledged before its turn, so Telegram does not send it again: whatever strikes, it must be applied
once and in order, and nobody else waits for it. The disk has no room, PostgreSQL stops and starts, the clock goes back
a day; of two replicas that share the line one dies, or stands still, is taken for dead and wakes up.
"""

import contextlib
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox import people
from tests.faults.balanced import Balancer, strike
from tests.faults.deployment import Bot, Cast, Deployment, deployed, until
from tests.faults.disk import SIZES, Disk, disk, freeze
from tests.faults.floods import is_done, left, misplaced, told_too_often, typed
from tests.faults.outcome import Outcome
from tests.faults.people_at_work import Form, referral
from tests.faults.torn import Cluster, cluster

DAY = 86_400
ALONE = ("full", "stopped", "yesterday")
"""What strikes where one process runs; the second needs a PostgreSQL of its own."""
SHARED = ("both", "killed", "woken")
"""What becomes of one of two replicas."""
FELT = '"database.unavailable"'
"""What the log says once the database could not do something."""


class Flood:
    """Who sends everything at once, what they have sent, and who else writes."""

    def __init__(self, deployment: Deployment, dice: random.Random, forms: int, outcome: Outcome, plant: str) -> None:
        self.deployment, self.dice, self.forms, self.outcome = deployment, dice, forms, outcome
        self.given: dict[str, str] = {"plant": plant, "ENLACE_LOG_LEVEL": "DEBUG"}
        self.flooder, self.other = deployment.cast.numbers[:2]
        self.collector = Bot(deployment, "collector")
        """Polls, and keeps what is in excess: by webhook Telegram sends a chat's updates one after the other."""
        self.made: list[Form] = []
        self.faults = 0
        self.is_put_off = False
        """Whether Telegram has heard 503, and comes again when it likes."""

    @property
    def bots(self) -> list[Bot]:
        return self.deployment.bots

    def come(self) -> None:
        """Have whole reports sent and kept, and let all bots begin with them. They stand still when this returns."""
        made = [referral(self.dice) for _ in range(self.forms)]
        self.made += made
        with self.deployment.world.lock:
            self.deployment.world.bot.webhook = None
        for word in (word for form in made for word in typed(form)):
            people.say(self.deployment.world, self.flooder, word)
            self.outcome.counts["answers"] += 1
        self.outcome.counts["forms"] += self.forms
        self.collector.start(**self.given)
        until(lambda: self.kept, self.logs)
        self.collector.stop()
        for bot in self.bots:
            bot.begin(**self.given)
        until(lambda: all(bot.is_ready for bot in self.bots), self.logs)
        for bot in self.bots:
            bot.pause()
        assert self.kept, "nothing was kept any more when all were there"
        self.outcome.counts["kept"] += self.kept

    @property
    def kept(self) -> int:
        return int(self.deployment.rows("SELECT count(*) FROM kept_update")[0][0])

    def ask(self) -> None:
        """Somebody else writes, and is answered meanwhile."""
        before, asked_at = self.heard(), time.monotonic()
        people.say(self.deployment.world, self.other, "/help")
        until(lambda: self.heard() > before, self.logs)
        if not self.is_put_off:
            self.outcome.seconds.append(time.monotonic() - asked_at)

    def heard(self) -> int:
        shown = self.deployment.world.ledger.since(0, chat=self.other)
        return sum(seen.what in ("send", "edit") for seen in list(shown))

    def is_over(self) -> None:
        until(lambda: is_done(self.deployment), self.logs)

    def logs(self) -> str:
        return "\n".join(bot.log()[-2000:] for bot in (self.collector, *self.bots))

    def close(self) -> None:
        for bot in (self.collector, *self.bots):
            bot.close()

    def found(self) -> list[str]:
        """What is lost, doubled, misplaced or set aside."""
        with self.deployment.database() as database, database.view() as unit:
            found = misplaced(unit, self.flooder, self.made) + left(unit)
        # A call without an answer, and a row that was not recorded, are repeated: one receipt for each fault.
        return found + told_too_often(self.deployment, self.flooder, len(self.made), self.faults)


def struck_while_kept(
    folder: Path,
    kind: str,
    dice: random.Random,
    *,
    webhook: bool = False,
    cast: Cast = Cast(2, 1),
    ways: tuple[str, ...] = ("full", "yesterday"),
    forms: int = 20,
    until_time: float | None = None,
    plant: str = "",
) -> Outcome:
    """Nothing is lost, doubled, misplaced or set aside, and others are answered as soon as anybody can be."""
    assert not set(ways) & set(SHARED) or (webhook and kind == "postgresql"), "two replicas need it"
    outcome = Outcome()
    for way in ways:
        (own := folder / way).mkdir()
        with deployed_for(way, own, kind, cast, webhook=webhook) as (deployment, place):
            flood = Flood(deployment, dice, forms, outcome, plant)
            try:
                flood.come()
                (of_two if way in SHARED else alone)(flood, place, way)
                for bot in flood.bots:
                    bot.stop()
            finally:
                flood.close()
            outcome.violations += [f"{way}: {each}" for each in flood.found()]
        outcome.counts[way] += 1
    return outcome


@dataclass(frozen=True, slots=True)
class Place:
    """What can be broken of a deployment."""

    room: Disk | None = None
    server: Cluster | None = None
    balancer: Balancer | None = None


@contextlib.contextmanager
def deployed_for(way: str, folder: Path, kind: str, cast: Cast, *, webhook: bool) -> Iterator[tuple[Deployment, Place]]:
    with contextlib.ExitStack() as stack:
        if way in SHARED:
            deployment = stack.enter_context(deployed(folder, kind, cast, webhook=True, replicas=2))
            balancer = Balancer([bot.port for bot in deployment.bots])
            stack.callback(balancer.close)
            deployment.address = f"http://127.0.0.1:{balancer.port}/telegram"
            yield deployment, Place(balancer=balancer)
            return
        top = Path(tempfile.mkdtemp(prefix="enlace-excess-"))
        stack.callback(shutil.rmtree, top)
        room = stack.enter_context(disk(top, SIZES[kind]))
        server = stack.enter_context(cluster(room.folder)) if kind == "postgresql" else None
        (place := top / "enlace").mkdir()
        url = server.url if server else ""
        deployment = stack.enter_context(deployed(place, kind, cast, webhook=webhook, url=url))
        deployment.bot.log_file, deployment.bot.is_log_carried = folder / "bot.log", True
        yield deployment, Place(room, server)


def alone(flood: Flood, place: Place, way: str) -> None:
    """It strikes the only one, which goes on when it is over."""
    [bot], room, server = flood.bots, place.room, place.server
    assert room is not None
    felt = bot.log().count(FELT)
    match way:
        case "full":
            room.fill() if room.is_mounted else freeze(bot, is_frozen=True)
        case "stopped":
            assert server is not None
            server.control("stop")
        case _:
            with flood.deployment.world.lock:
                flood.deployment.world.clock._ahead -= DAY
            flood.deployment.world.move_clock()
    bot.resume()
    if way != "yesterday":
        until(lambda: bot.log().count(FELT) > felt, bot.log)
        flood.faults += 1
        flood.is_put_off = True
    if way == "full":
        room.free() if room.is_mounted else freeze(bot, is_frozen=False)
    if server is not None:
        server.revive()
    assert bot.is_alive, bot.log()[-3000:]
    flood.ask()
    flood.is_over()


def of_two(flood: Flood, place: Place, way: str) -> None:
    """One of two dies or stands still; the other answers everybody, and the first comes back."""
    balancer = place.balancer
    assert balancer is not None
    victim = flood.dice.choice(flood.bots)
    other = next(bot for bot in flood.bots if bot is not victim)
    if way == "both":
        victim.resume()
    else:
        balancer.send_all_to(other.port)
        flood.faults += 1
    if way == "killed":
        victim.kill()
    elif way == "woken":
        strike("cut", victim, flood.deployment)
    other.resume()
    flood.ask()
    flood.is_over()
    if way == "killed":
        victim.start(**flood.given)
    elif way == "woken":
        victim.resume()
    balancer.send_all_to(*(bot.port for bot in flood.bots))
    flood.ask()
    flood.is_over()
