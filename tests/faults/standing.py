"""T11: a replica is killed, or stands still, while it makes an export or looks at a file.

The other one takes the job over: at once from a dead one, and when its lease has run out from one that stands still.
Whoever wakes up then has nothing more to say of it (docs/decisions/presence-and-leases.md).
"""

import contextlib
import random
import time
from collections.abc import Iterator
from pathlib import Path

from bot.acts.people.enrolment import Newcomer, enrol
from bot.demo.cast import BEGINS
from bot.sandbox import people
from bot.sandbox.faults import Fault
from bot.sandbox.schema import Upload
from bot.sandbox.telegram import Person
from conversations.plan.model import Role
from tests.deadlines import PATIENCE
from tests.faults.balanced import Balancer
from tests.faults.deployment import ZONE, Bot, Cast, Deployment, deployed, ports_of, until
from tests.faults.outcome import Outcome
from tests.storage.database import scratch

ADMIN = 200_001
TAKEN_OVER_IN = 30.0
"""Seconds within which T11 wants what a replica had in hand to be another's."""


def stood_still(
    folder: Path,
    kind: str,
    dice: random.Random,
    *,
    webhook: bool = True,
    cast: Cast = Cast(1, 1),
    ways: tuple[str, ...] = ("kill",),
    until_time: float | None = None,
    plant: str = "",
) -> Outcome:
    """Each job is done by the other replica, once, and is answered once (T11).

    `ways`: "kill" or "pause", what happens to the replica that has the job in hand.
    """
    assert kind == "postgresql", "two replicas need it"
    assert webhook
    outcome = Outcome()
    with contextlib.ExitStack() as stack:
        deployment = stack.enter_context(deployed(folder, kind, cast, webhook=True, replicas=2))
        admin = Newcomer(ADMIN, "Admin", Role.ADMIN, None, "en")
        with deployment.database() as database:
            database.units.submit(None, lambda unit: enrol(unit, admin, BEGINS, ZONE)).result(PATIENCE)
        deployment.world.add_person(Person(ADMIN, "Admin"), started=True)
        balancer = Balancer([bot.port for bot in deployment.bots])
        stack.callback(balancer.close)
        deployment.address = f"http://127.0.0.1:{balancer.port}/telegram"
        deployment.start(plant=plant)
        for way in ways:
            for job in ("export", "file"):
                outcome.violations += taken_over(deployment, balancer, job, way)
                outcome.counts[f"{job}, {way}"] += 1
        for bot in deployment.bots:
            bot.stop()
    return outcome


def taken_over(deployment: Deployment, balancer: Balancer, job: str, way: str) -> list[str]:
    before = answers(deployment, job)
    with held_up(deployment, job):
        ask(deployment, job)
        until(lambda: at_work(deployment), lambda: logs(deployment))
        [owner] = at_work(deployment)
        first, second = ordered(deployment, owner)
        assert at_work(deployment) == [owner]
        first.kill() if way == "kill" else first.pause()
        began = time.monotonic()
        until(lambda: at_work(deployment) not in ([], [owner]), lambda: logs(deployment))
        took = time.monotonic() - began
    until(lambda: not deployment.is_anything_open(), lambda: logs(deployment))
    found = [] if took < TAKEN_OVER_IN + 2 else [f"{job}, {way}: it was taken over after {took:.0f} s"]
    first.start() if way == "kill" else first.resume()
    second.stop()
    balancer.send_all_to(first.port)
    ask(deployment, job)  # whoever wakes up does this one when it has done with what it had in hand
    until(lambda: answers(deployment, job) >= before + 2, lambda: logs(deployment))
    until(lambda: not deployment.is_anything_open(), lambda: logs(deployment))
    second.start()
    balancer.send_all_to(*(bot.port for bot in deployment.bots))
    if (seen := answers(deployment, job) - before) != 2:
        found.append(f"{job}, {way}: {seen} answers to two requests")
    return found


def ask(deployment: Deployment, job: str) -> None:
    world = deployment.world
    if job == "file":
        people.send_files(world, ADMIN, "document", [Upload("visits.xlsx", b"PK no workbook")])
        return
    seen = world.ledger.entries.total
    people.say(world, ADMIN, "/exportar")

    def card() -> int:
        shown = [each.message or {} for each in world.ledger.since(seen, chat=ADMIN)]
        offers = (each for each in shown if "exportar:go" in str(each.get("reply_markup", "")))
        return next((int(each["message_id"]) for each in offers), 0)

    until(card, lambda: logs(deployment))
    people.tap(world, ADMIN, card(), text="⬇️")


@contextlib.contextmanager
def held_up(deployment: Deployment, job: str) -> Iterator[None]:
    """Whoever begins the job does not end it: what an export reads is locked, and a file comes slowly."""
    if job == "file":
        rule = deployment.world.faults.add(Fault("slow", method="download", delay=10.0))
        yield
        deployment.world.faults.remove(rule.id)
        return
    with scratch.connected(deployment.url) as connection:
        connection.execute("LOCK TABLE submission IN ACCESS EXCLUSIVE MODE")
        yield


def at_work(deployment: Deployment) -> list[int]:
    """The replicas that have a job in hand."""
    return [owner for (owner,) in deployment.rows("SELECT owner FROM job WHERE state = 'working'")]


def ordered(deployment: Deployment, owner: int) -> tuple[Bot, Bot]:
    """The bot that is this replica, and the other."""
    lock = f"locktype = 'advisory' AND granted AND objsubid = 2 AND objid = {owner}"
    holds = f"SELECT client_port FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE {lock}"
    ports = {port for (port,) in deployment.rows(holds)}
    [number] = [at for at, bot in enumerate(deployment.bots) if bot.process and ports & {*ports_of(bot.process.pid)}]
    return deployment.bots[number], deployment.bots[1 - number]


def answers(deployment: Deployment, job: str) -> int:
    """How many exports, or answers about files, the phone was shown."""
    shown = [seen.message or {} for seen in deployment.world.ledger.since(0, chat=ADMIN) if seen.what == "send"]
    if job == "export":
        return sum("document" in each for each in shown)
    return sum("visits.xlsx" in str(each.get("text", "")) for each in shown)


def logs(deployment: Deployment) -> str:
    return "\n".join(bot.log()[-3000:] for bot in deployment.bots)
