"""The faults of docs/reliability.md, one function each: do it to a bot that people are working with, then ask the
oracle.

The same function runs small in `make test` and for many minutes in `make torture`. It asserts that its fault happened,
and returns what it counted and every violation it found: none, unless a defect was planted.
"""

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bot.sandbox import people
from tests.faults import oracle
from tests.faults.aged import aged
from tests.faults.at_once import all_at_once
from tests.faults.balanced import balanced
from tests.faults.busy import busied
from tests.faults.cancelled import cancelled
from tests.faults.crowd import crowd
from tests.faults.cut_off import cut_off
from tests.faults.deployment import Cast, Deployment, deployed, until
from tests.faults.disk import exhausted
from tests.faults.drawn import drawn
from tests.faults.events import told
from tests.faults.excess import struck_while_kept
from tests.faults.floods import flooded
from tests.faults.fuzz import fuzzed
from tests.faults.locked import locked
from tests.faults.outcome import Outcome
from tests.faults.overtaken import overtaken
from tests.faults.people_at_work import Form, Mischief, Reporter, Work, activity_report, behave, buttons_of, referral
from tests.faults.repeats import repeated
from tests.faults.rivals import rivals
from tests.faults.schedules import schedules
from tests.faults.shipped_bot import POINTS
from tests.faults.slow_texts import slow_texts
from tests.faults.standing import stood_still
from tests.faults.stops import stopped
from tests.faults.torn import torn
from tests.faults.upgrade import upgraded
from tests.faults.weather import weathered


def forms_of(cast: Cast, dice: random.Random, number_of: int | None = None) -> Callable[[int], Iterator[Form]]:
    """What each person reports: activities of their own agency while there are any, and referrals in between."""

    def forms(person: int) -> Iterator[Form]:
        own = random.Random(dice.random())
        left = cast.items_of(person)
        made = 0
        while number_of is None or made < number_of:
            made += 1
            yield activity_report(own, left.pop(0)) if left and own.random() < 0.6 else referral(own)

    return forms


@contextlib.contextmanager
def at_work(
    deployment: Deployment, dice: random.Random, number_of: int | None = None, mischief: Mischief = behave
) -> Iterator[Work]:
    forms = forms_of(deployment.cast, dice, number_of)
    with Work(deployment.world, deployment.cast.numbers, forms, mischief) as work:
        yield work


def finish(
    deployment: Deployment, work: Work, outcome: Outcome, *, deaths: float = 0, is_all_sent: bool = False
) -> Outcome:
    """Let everybody finish the form they are in, stop the bots, and look. `is_all_sent`: what is tried again, too."""
    work.is_ending = True
    patience = Patience(deployment, work)
    until(lambda: work.is_over or work.violations or patience.is_at_an_end(), lambda: _standstill(deployment, work))
    outcome.violations += patience.unanswered
    if is_all_sent and work.is_over:
        until(lambda: not deployment.is_anything_open(), lambda: _standstill(deployment, work))
    for bot in deployment.bots:
        bot.stop()
    work.read()
    outcome.violations += oracle.violations(deployment, work, deaths=deaths)
    outcome.counts["forms"] += work.finished
    outcome.counts["answers"] += work.answers
    return outcome


def answered(deployment: Deployment, work: Work, number: int) -> list[str]:
    """Wait until people have been answered so often, or the bot is dead; or why they never will be."""
    patience = Patience(deployment, work)
    until(
        lambda: work.answers >= number or work.violations or patience.is_at_an_end(),
        lambda: _standstill(deployment, work),
    )
    return patience.unanswered


class Patience:
    """Knows when nothing more will come: Telegram keeps nothing for the bot, and the bot has nothing left to say."""

    def __init__(self, deployment: Deployment, work: Work) -> None:
        self._deployment, self._work = deployment, work
        self._looked_at = time.monotonic()
        self.unanswered: list[str] = []

    def is_at_an_end(self) -> bool:
        if not _any_alive(self._deployment):
            return True
        if time.monotonic() - self._looked_at < 1.0:
            return False
        self._looked_at = time.monotonic()
        before = self._when_quiet()
        silent = [number for number, each in self._work.reporters.items() if not each.is_idle]
        if before is None or not silent or not all(bot.is_ready for bot in self._deployment.bots):
            return False
        if not self._deployment.is_anything_open() and self._when_quiet() == before:
            self.unanswered = [f"nobody answers {silent}, and nothing is on its way"]
        return bool(self.unanswered)

    def _when_quiet(self) -> tuple[int, int] | None:
        """What has been shown and said so far, if there is nothing to be read or fetched: else None."""
        world = self._deployment.world
        with world.lock:
            if world.bot.pending or not self._work.has_read_all:
                return None
            return world.ledger.entries.total, world.bot.next_update_id


def _any_alive(deployment: Deployment) -> bool:
    return any(bot.is_alive for bot in deployment.bots)


def _standstill(deployment: Deployment, work: Work) -> str:
    stuck = [number for number, each in work.reporters.items() if not each.is_idle]
    logs = "\n".join(bot.log()[-2000:] for bot in deployment.bots)
    return f"still in the middle of a form: {stuck}; {len(deployment.world.bot.pending)} updates wait\n{logs}"


# ------------------------------------------------------------------ T1: kills
def kills(
    folder: Path,
    kind: str,
    dice: random.Random,
    *,
    webhook: bool = False,
    cast: Cast = Cast(),
    deaths: int = 4,
    until_time: float | None = None,
    rate: float = 0.0,
    plant: str = "",
    points: tuple[str, ...] = ("", *POINTS),
    apart: int = 60,
    is_forked: bool = True,
) -> Outcome:
    """SIGKILL at random moments and at named points, again and again, while everybody has a form in flight (T1).

    Each comes after up to `apart` answers, or the point's N-th time.
    """
    outcome = Outcome()
    with (
        deployed(folder, kind, cast, webhook=webhook, rate=rate, is_forked=is_forked) as deployment,
        at_work(deployment, dice) as work,
    ):
        bot, died = deployment.bot, 0
        while died < deaths and not work.violations and not outcome.violations:
            if until_time is not None and time.monotonic() > until_time:
                break
            point, count = dice.choice(points), dice.randint(1, apart)
            answers, begun = work.answers, time.monotonic()
            bot.begin(die=f"{point}:{count}" if point else "", plant=plant)
            outcome.violations += answered(deployment, work, answers + 1)
            if died and work.answers > answers:
                outcome.seconds.append(time.monotonic() - begun)
            outcome.violations += answered(deployment, work, answers + (10**9 if point else count))
            if not point and not outcome.violations:
                bot.kill()
            elif not outcome.violations and not work.violations:
                bot.wait_for_death()
            died += 1
            outcome.counts["deaths"] += 1
            outcome.counts[f"deaths {point or 'at random'}"] += 1
            outcome.counts["in flight"] += work.in_flight
            outcome.violations += oracle.lost(deployment, work)
        if not outcome.violations and not work.violations:
            bot.start(plant=plant)
        return finish(deployment, work, outcome, deaths=died)


# ------------------------------------------------------------------ T3: nobody's answer on another question
def nervous_hands(
    folder: Path,
    kind: str,
    dice: random.Random,
    *,
    webhook: bool = False,
    cast: Cast = Cast(),
    forms: int = 3,
    until_time: float | None = None,
    plant: str = "",
) -> Outcome:
    """Every button is tapped twice, old cards are tapped again, a tap arrives behind the text it was before (T3)."""
    outcome = Outcome()

    def mischief(reporter: Reporter, message: dict[str, Any], data: str | None) -> None:
        """Nothing of this may change an answer: what was tapped was drawn for a turn that is over."""
        world, number = reporter.work.world, reporter.number
        if data is not None and data.startswith("c:"):
            return  # opens a form; twice draws its first card anew, and one has to look before one taps
        if data is not None:
            people.tap(world, number, message["message_id"], data=data)
            outcome.counts["double taps"] += 1
        elif own := buttons_of(message):
            # Pressed before the text was typed, and arriving after it: the card's own Skip, Back, Exit.
            people.tap(world, number, message["message_id"], data=dice.choice(own))
            outcome.counts["swapped taps"] += 1
        old = [(at, said) for at, said in reporter.cards if said.startswith("f:")]
        if old and dice.random() < 0.5:
            at, said = dice.choice(old)
            if is_over(said, data, message):
                people.tap(world, number, at, data=said)
                outcome.counts["stale taps"] += 1

    with (
        deployed(folder, kind, cast, webhook=webhook) as deployment,
        at_work(deployment, dice, forms, mischief) as work,
    ):
        deployment.start(plant=plant)
        work.is_ending = until_time is not None and time.monotonic() > until_time
        patience = Patience(deployment, work)
        until(lambda: work.is_over or work.violations or patience.is_at_an_end(), lambda: _standstill(deployment, work))
        outcome.violations += patience.unanswered
        if not outcome.violations and not work.violations:
            assert outcome.counts["double taps"] > 0
            assert outcome.counts["swapped taps"] > 0
        return finish(deployment, work, outcome, deaths=float("inf"))


def is_over(said: str, data: str | None, message: dict[str, Any]) -> bool:
    """Whether a button was drawn before the card that has just been answered: its session, or its turn in it."""
    now = data or next(iter(buttons_of(message)), "")
    if not now.startswith("f:"):
        return False
    (session, turn), (session_now, turn_now) = (
        (int(part, 16) for part in each.split(":")[1:3]) for each in (said, now)
    )
    return session != session_now or turn < turn_now


SCENARIOS: dict[str, Callable[..., Outcome]] = {
    "T1": kills,
    "T2": repeated,
    "T3": nervous_hands,
    "T3 /cancel": cancelled,
    "T4": weathered,
    "T6": rivals,
    "T7": torn,
    "T8": exhausted,
    "T9": locked,
    "T10": fuzzed,
    "T11": balanced,
    "cut off": cut_off,
    "T12": schedules,
    "T15": upgraded,
    "events": told,
    "crowd": crowd,
    "texts": slow_texts,
    "stops": stopped,
    "busy": busied,
    "flood": flooded,
    "excess": struck_while_kept,
    "woken": overtaken,
    "standing": stood_still,
    "drawn": drawn,
    "aged": aged,
    "at once": all_at_once,
}
"""By row of the table in docs/reliability.md; T12 works no phones."""
