"""T11 behind the shipped nginx or Caddy: one of two replicas loses its database, and everybody is served by the other.

While it lasts nothing is timed: everybody is answered again and again, and Telegram soon hears of no more trouble. The
long version cuts for 25 s, and notes how long people waited for an answer.
"""

import contextlib
import random
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from sqlalchemy import make_url

from tests.faults.deployment import Cast, Deployment, deployed, until
from tests.faults.outcome import Outcome
from tests.faults.people_at_work import Reporter, Work
from tests.faults.torn import Proxy
from tests.ports import free_port
from tests.proxies import in_front, is_open


def cut_off(
    folder: Path,
    kind: str,
    dice: random.Random,
    *,
    webhook: bool = True,
    cast: Cast = Cast(6, 2),
    front: str = "nginx.conf",
    seconds: float = 0.0,
    rounds: int = 1,
    until_time: float | None = None,
    plant: str = "",
) -> Outcome:
    """Nobody in front of it is told of the cut; afterwards the one that was cut off serves as before (T11)."""
    from tests.faults.scenarios import answered, at_work, finish

    assert kind == "postgresql", "two replicas need it"
    assert webhook
    outcome = Outcome()
    with contextlib.ExitStack() as stack:
        deployment = stack.enter_context(deployed(folder, kind, cast, webhook=True, replicas=2))
        first, second = deployment.bots
        proxy = Proxy(make_url(deployment.url).port or 5432)
        stack.callback(proxy.close)
        outside = free_port()
        stack.enter_context(in_front(front, folder, outside, (first.port, second.port)))
        deployment.address = f"http://127.0.0.1:{outside}/telegram"
        through = proxy.url_for(deployment.url)

        def start() -> None:
            second.start(plant=plant)
            first.start(plant=plant, ENLACE_DATABASE_URL=through)  # it knows of the other from its first look on

        start()
        work = stack.enter_context(at_work(deployment, dice))

        def logs() -> str:
            return "\n".join(bot.log()[-3000:] for bot in deployment.bots)

        for _ in range(rounds):
            if outcome.counts["cuts"] and until_time is not None and time.monotonic() > until_time:
                break
            outcome.violations += answered(deployment, work, work.answers + 2 * cast.people + dice.randint(0, 20))
            if work.violations or outcome.violations:
                break
            answered_at = FirstAnswers(work)
            assert proxy.go_down(), "it had no connection"
            outcome.counts["cuts"] += 1
            until(answered_at.is_complete, logs)
            outcome.seconds.append(median(answered_at.waited.values()))
            until(lambda: not is_open(first.port) and deployment.rows("SELECT count(*) FROM replica") == [(1,)], logs)
            if not is_quiet(deployment, work, logs):
                said = deployment.world.bot.webhook
                outcome.violations.append(f"Telegram is refused again and again while one of two is cut off: {said}")
            lasted = time.monotonic() - answered_at.began
            time.sleep(max(0.0, seconds - lasted))  # how long it is cut off is the fault
            assert not is_open(first.port)
            proxy.come_back()
            until(lambda: is_open(first.port), logs)
            second.stop()
            outcome.violations += answered(deployment, work, work.answers + cast.people)
            first.stop()
            start()
        return finish(deployment, work, outcome, deaths=outcome.counts["cuts"])


def is_quiet(deployment: Deployment, work: Work, logs: Callable[[], str]) -> bool:
    """Whether everybody is answered twice without a refusal, at the latest at the tenth time.

    What the one that is cut off had in its hands as it left, Caddy refuses: it asks nobody else after a 503, or a
    connection that closes under a POST. That may come to light after its address is closed.
    """
    quiet = 0
    for _ in range(10):
        refused = deployment.refusals()
        until(FirstAnswers(work).is_complete, logs)
        quiet = quiet + 1 if deployment.refusals() == refused else 0
        if quiet == 2 or work.violations:
            return True
    return False


class FirstAnswers:
    """Who has been answered since it was made, and after how long."""

    def __init__(self, work: Work) -> None:
        self.began = time.monotonic()
        self.waited: dict[int, float] = {}
        self._work = work
        self._before = {number: answers_of(each) for number, each in work.reporters.items()}

    def is_complete(self) -> bool:
        """Whether everybody has been; or there is no use in waiting."""
        for number, each in self._work.reporters.items():
            if answers_of(each) > self._before[number]:
                self.waited.setdefault(number, time.monotonic() - self.began)
        return len(self.waited) == len(self._before) or bool(self._work.violations)


def answers_of(reporter: Reporter) -> int:
    """Acts of this person that the bot has answered."""
    return sum(each.shown for each in reporter.filled)
