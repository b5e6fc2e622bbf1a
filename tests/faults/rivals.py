"""T6: somebody else has the token. A second copy polls beside the bot, or the webhook points to another address.

Telegram says so by a 409, or by nothing but the address it tells. An admin has to hear of it on their phone, and soon;
when it is over, nothing that people reported meanwhile is missing.
"""

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bot.acts.people.enrolment import Newcomer, enrol
from bot.sandbox.client import BotByHand
from bot.sandbox.telegram import Person
from conversations.plan.model import Role
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE
from tests.faults.deployment import BEGINS, FIRST, ZONE, Cast, Deployment, deployed
from tests.faults.outcome import Outcome
from tests.ports import free_port

ADMIN = FIRST - 1
"""Whoever keeps the plan; reports nothing."""
POLL = 5
"""Seconds that a poll of the rival waits; what it is given it does not confirm."""


@contextlib.contextmanager
def second_poller(deployment: Deployment) -> Iterator[None]:
    by_hand, is_over = BotByHand(deployment.sandbox.url, deployment.sandbox.token), threading.Event()

    def poll() -> None:
        while not is_over.is_set():
            by_hand.call("getUpdates", timeout=POLL)

    thread = threading.Thread(target=poll, name="rival", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@contextlib.contextmanager
def foreign_webhook(deployment: Deployment) -> Iterator[None]:
    """Nobody listens there. Taken off again, where the bot (which polls, and does not meddle) has left it."""
    by_hand = BotByHand(deployment.sandbox.url, deployment.sandbox.token)
    own = deployment.world.bot.webhook
    by_hand.do("setWebhook", url=f"http://127.0.0.1:{free_port()}/elsewhere")
    try:
        yield
    finally:
        if own is None:
            by_hand.do("deleteWebhook")


Rivalry = Callable[[Deployment], contextlib.AbstractContextManager[None]]
RIVALRIES: dict[str, tuple[str, Rivalry]] = {
    "foreign webhook": ("messages go to another address", foreign_webhook),
    "second poller": ("Another program reads", second_poller),
}


def rivals(
    folder: Path,
    kind: str,
    dice: random.Random,
    *,
    webhook: bool = False,
    cast: Cast = Cast(),
    at_most: float = PATIENCE,
    until_time: float | None = None,
    plant: str = "",
) -> Outcome:
    """An admin is told of each, in `at_most` seconds; everybody's report is finished all the same (T6)."""
    from tests.faults.scenarios import answered, at_work, finish

    outcome = Outcome()
    with deployed(folder, kind, cast, webhook=webhook) as deployment:
        deployment.world.add_person(Person(ADMIN, "Admin"), started=True)
        with deployment.database() as database:
            database.units.submit(None, keep_the_plan).result()
        with at_work(deployment, dice) as work:
            deployment.start(plant=plant)
            for name, (words, rivalry) in RIVALRIES.items():
                if webhook and rivalry is second_poller:
                    continue  # Telegram refuses to serve one beside a webhook
                outcome.violations += answered(deployment, work, work.answers + dice.randint(5, 30))
                if work.violations or outcome.violations:
                    break
                with rivalry(deployment):
                    began = time.monotonic()
                    while words not in told(deployment) and time.monotonic() - began < at_most:
                        time.sleep(0.01)
                if words not in told(deployment):
                    outcome.violations.append(f"{name}: nobody was told of it in {at_most:.0f} s: {told(deployment)!r}")
                outcome.counts[name] += 1
            return finish(deployment, work, outcome)


def keep_the_plan(unit: UnitOfWork) -> None:
    enrol(unit, Newcomer(ADMIN, "Admin", Role.ADMIN, "", "en"), BEGINS, ZONE)


def told(deployment: Deployment) -> str:
    """What the admin's phone was shown."""
    return "\n".join(
        str((seen.message or {}).get("text", ""))
        for seen in list(deployment.world.ledger.since(0, chat=ADMIN))
        if seen.what == "send"
    )
