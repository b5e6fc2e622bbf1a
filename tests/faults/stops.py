"""However it is told to stop, and whatever is going on: exit code 0, no traceback, and nothing lost by it.

Each state in which an end may come is reached, and seen to be reached, while everybody reports; then the signal is
sent, the trouble ends, and the next start goes on. `test_stopping.py` has more states, one by one.
"""

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from sqlalchemy import make_url

from bot.sandbox.faults import Fault, Kind
from tests.deadlines import PATIENCE
from tests.faults import oracle
from tests.faults.deployment import Cast, Deployment, deployed, until
from tests.faults.locked import lock_on
from tests.faults.outcome import Outcome
from tests.faults.people_at_work import Work
from tests.faults.torn import Proxy

SIGNALS = (signal.SIGTERM, signal.SIGINT)
State = Callable[[Deployment, Work], contextlib.AbstractContextManager[None]]


def in_trouble(kind: Kind, methods: str, *, retry_after: int = 1) -> State:
    """Calls fail, for as long as it lasts."""

    @contextlib.contextmanager
    def trouble(deployment: Deployment, work: Work) -> Iterator[None]:
        rule = deployment.world.faults.add(Fault(kind, methods, retry_after=retry_after, delay=5))
        until(lambda: rule.hits, deployment.bot.log)
        yield
        deployment.world.faults.remove(rule.id)

    return trouble


@contextlib.contextmanager
def without_database(deployment: Deployment, work: Work) -> Iterator[None]:
    """Everybody's update is in the bot's hands, and cannot be committed; or the bot has said so of some.

    After a start a reply may need the database for the number of its card: whose reply that is sends nothing meanwhile.
    """
    bot, before = deployment.world.bot, deployment.refusals()
    with lock_on(deployment):
        until(lambda: len(bot.pending) >= work.in_flight or deployment.refusals() > before, deployment.bot.log)
        since = time.monotonic()
        until(lambda: bot.webhook is not None or (bot.polled_at or 0.0) > since, deployment.bot.log)
        yield


def hanging(proxy: Proxy) -> State:
    """The database accepts connections and answers nothing."""

    @contextlib.contextmanager
    def hang(deployment: Deployment, work: Work) -> Iterator[None]:
        bot, before = deployment.world.bot, deployment.refusals()
        proxy.flows.clear()
        try:
            until(lambda: len(bot.pending) >= work.in_flight or deployment.refusals() > before, deployment.bot.log)
            yield
        finally:
            proxy.flows.set()

    return hang


ALL = "getUpdates|sendMessage|editMessageText"
SAYING = "sendMessage|editMessageText"
STATES: dict[str, State] = {
    "load": lambda deployment, work: contextlib.nullcontext(),
    "resets": in_trouble("reset", ALL),
    "502": in_trouble("5xx", ALL),
    "429": in_trouble("429", SAYING, retry_after=3),
    "no answer": in_trouble("timeout", SAYING),
    "no database": without_database,
}
HANGING = "a database that hangs"
"""Another state, where a proxy can be between."""


def stopped(
    folder: Path,
    kind: str,
    dice: random.Random,
    *,
    webhook: bool = False,
    cast: Cast = Cast(),
    states: Sequence[str] = (*STATES, HANGING),
    rounds: int = 1,
    at_most: float = PATIENCE,
    until_time: float | None = None,
    plant: str = "",
) -> Outcome:
    """It ends with 0 and no traceback within `at_most` seconds; what was acknowledged is there, and it goes on."""
    from tests.faults.scenarios import answered, at_work, finish

    outcome, reached = Outcome(), dict(STATES)
    with contextlib.ExitStack() as stack:
        deployment = stack.enter_context(deployed(folder, kind, cast, webhook=webhook))
        if kind == "postgresql":
            proxy = Proxy(make_url(deployment.url).port or 5432)
            stack.callback(proxy.close)
            deployment.url_of_bots = proxy.url_for(deployment.url)
            reached[HANGING] = hanging(proxy)
        work = stack.enter_context(at_work(deployment, dice))
        deployment.start(plant=plant)
        for name in [name for name in states if name in reached] * rounds:
            if until_time is not None and time.monotonic() > until_time:
                break
            outcome.violations += answered(deployment, work, work.answers + dice.randint(5, 30))
            if work.violations or outcome.violations:
                break
            with reached[name](deployment, work):
                outcome.violations += ends_badly(deployment, dice.choice(SIGNALS), name, at_most)
            outcome.counts["ends"] += 1
            outcome.counts[f"ended in {name}"] += 1
            outcome.violations += oracle.lost(deployment, work)
            if outcome.violations:
                break
            deployment.bot.start(plant=plant)
        if outcome.violations:
            return outcome
        return finish(deployment, work, outcome, deaths=outcome.counts["ends"])


def ends_badly(deployment: Deployment, number: signal.Signals, state: str, at_most: float) -> list[str]:
    bot = deployment.bot
    assert bot.process is not None
    began, said = time.monotonic(), len(bot.log())
    os.kill(bot.process.pid, number)
    code = bot.process.wait(PATIENCE)
    took, log = time.monotonic() - began, bot.log()[said:]
    found = [f"exit code {code}"] if code else []
    found += [f"a traceback: {log[log.index('Traceback') :][:2000]}"] if "Traceback" in log else []
    found += [f"{took:.0f} seconds"] if took > at_most else []
    return [f"told to stop by {number.name} in {state}, it ended with {each}" for each in found]
