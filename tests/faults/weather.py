"""T4: of every twenty calls some fail in each way there is, and Telegram wants silence for a second, and for hours.

Before the call had an effect and after it: what was delivered and what only looks so cannot be told apart by the bot.
A reminder it may then not repeat (G7), a question it must. The windows are walked through by hand: the clock of
Telegram, which the bot follows, is put before the end of each, and nothing may have been sent by then.
"""

import random
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from math import ceil
from pathlib import Path

from bot.sandbox.client import BotByHand
from bot.sandbox.faults import Fault, Kind, When
from bot.sandbox.telegram import World
from bot.telegram.pacer import BINDS_ALL
from tests.deadlines import PATIENCE
from tests.faults.crowd import DUE_DAY, plan_reminders
from tests.faults.deployment import Cast, Deployment, deployed, until
from tests.faults.outcome import Outcome
from tests.faults.people_at_work import Work

WEATHER: tuple[tuple[Kind, When], ...] = (
    ("5xx", "before"),
    ("5xx", "after"),
    ("timeout", "before"),
    ("timeout", "after"),
    ("reset", "before"),
    ("reset", "after"),
    ("truncated", "after"),
    ("html", "before"),
)
SAYING = "sendMessage|editMessageText"
WINDOWS = (1, 60, 2_282, 10_072)
"""Seconds; the last two were reported by people whom Telegram told so."""


class Silence(Fault):
    """Refuses every call until the seconds of its first refusal are over, and tells how many are left."""

    now: Callable[[], float]
    ends_at = 0.0

    def strikes(self, method: str, chat: object) -> bool:
        if (self.ends_at and self.now() >= self.ends_at) or not super().strikes(method, chat):
            return False
        self.ends_at = self.ends_at or self.now() + self.retry_after
        self.retry_after = max(1, ceil(self.ends_at - self.now()))
        return True


def weathered(
    folder: Path,
    kind: str,
    dice: random.Random,
    *,
    webhook: bool = False,
    cast: Cast = Cast(16, 2),
    forms: int = 1,
    probability: float = 0.05,
    windows: tuple[int, ...] = WINDOWS,
    until_time: float | None = None,
    plant: str = "",
) -> Outcome:
    """No question is lost, no reminder comes twice, and inside a window nothing is called (T4)."""
    from tests.faults.scenarios import answered, at_work, finish

    outcome = Outcome()
    with deployed(folder, kind, cast, webhook=webhook, rate=100.0, start=DUE_DAY) as deployment:
        world = deployment.world
        with deployment.database() as database:
            database.units.submit(None, plan_reminders).result()
        deployment.start(plant=plant)
        bad = certain(world, list(cast.numbers))
        bad += [
            world.faults.add(
                Fault(each, SAYING, when=when, probability=probability, seed=dice.getrandbits(32), delay=1)
            )
            for each, when in WEATHER
        ]
        world.move_clock(by=15)
        until(lambda: is_over(deployment), deployment.bot.log)
        outcome.violations += reminded_wrongly(deployment, outcome)
        with at_work(deployment, dice, forms) as work:
            bad += certain(world, list(cast.numbers))
            outcome.violations += answered(deployment, work, len(cast.numbers))
            for seconds in windows:
                if (until_time is not None and time.monotonic() > until_time) or outcome.violations or work.is_over:
                    break
                outcome.violations += keeps_still(deployment, work, seconds)
                outcome.counts[f"windows of {seconds} s"] += 1
                outcome.violations += answered(deployment, work, work.answers + len(cast.numbers))
            until(lambda: all(rule.hits for rule in bad if rule.times) or work.is_over, deployment.bot.log)
            finish(deployment, work, outcome, deaths=float("inf"), is_all_sent=True)
        assert [rule for rule in bad if rule.times and not rule.hits] == []
        outcome.counts["calls that failed"] = sum(rule.hits for rule in bad)
    return outcome


def certain(world: World, numbers: list[int]) -> list[Fault]:
    """Each kind strikes somebody once for certain, whatever the dice say."""
    rules = [
        Fault(each, SAYING, number, when, times=1, delay=1)
        for (each, when), number in zip(WEATHER, numbers, strict=False)
    ]
    for rule in rules:
        world.faults.rules.insert(0, rule)
    return rules


def is_over(deployment: Deployment) -> bool:
    """Whether everybody's reminder has been made, and nothing is left to be sent."""
    [(reminders, left)] = deployment.rows(
        "SELECT count(DISTINCT chat_id), sum(CASE WHEN state IN ('queued', 'sending') THEN 1 ELSE 0 END) FROM outbox "
        "WHERE kind = 'reminder'"
    )
    return bool(reminders >= deployment.cast.people and not left)


def reminded_wrongly(deployment: Deployment, outcome: Outcome) -> list[str]:
    """Each of them once, or not at all if the bot cannot know (and says so)."""
    shown = Counter(seen.chat for seen in list(deployment.world.ledger.since(0)) if seen.what == "send")
    states = Counter(deployment.rows("SELECT chat_id, state FROM outbox WHERE kind = 'reminder'"))
    outcome.counts["reminders"] += shown.total()
    outcome.counts["reminders in doubt"] += sum(times for (_, state), times in states.items() if state == "ambiguous")
    found = [f"{chat} was reminded {times} times" for chat, times in shown.items() if times > 1]
    return found + [
        f"{number} was never reminded, and the bot says {[state for chat, state in states if chat == number]}"
        for number in deployment.cast.numbers
        if not shown[number] and not states[number, "ambiguous"]
    ]


def keeps_still(deployment: Deployment, work: Work, seconds: int) -> list[str]:
    """Telegram wants silence for so long, and gets it, but for one call that asks whether a long one is for all."""
    world = deployment.world
    heard = deployment.bot.log().count('"telegram.retry_after"')
    rule = Silence("429", SAYING, retry_after=seconds)
    rule.now = world.now
    world.faults.rules.insert(0, rule)
    until(
        lambda: (rule.hits and deployment.bot.log().count('"telegram.retry_after"') > heard) or work.is_over,
        deployment.bot.log,
    )
    if not rule.hits:  # everybody was done too soon
        world.faults.rules.remove(rule)
        return []
    ends = rule.ends_at
    arrived = have_arrived(deployment)
    # What was tapped by then is Telegram's to forget if the clock moves on first.
    until(lambda: not world.bot.pending or world.now() > ends, deployment.bot.log)
    if ends - world.now() > 2.0:
        world.move_clock(to=ends - 1.0)
    until(lambda: world.now() > ends, deployment.bot.log)
    inside = [
        f"{call.method} to {call.chat}, {ends - call.at:.1f} s before its end"
        for call in list(world.calls)
        if call.seq > arrived and call.at < ends - 0.1 and not call.method.startswith(("get", "setWebhook"))
    ]
    if len(inside) <= (seconds > BINDS_ALL):
        return []
    return [f"{len(inside)} calls inside a window of {seconds} s: {inside[:3]}"]


def have_arrived(deployment: Deployment) -> int:
    """The last of the calls that may have left before the bot heard of the window.

    What it answers now it answers behind them, and so does Telegram.
    """
    by_hand = BotByHand(deployment.sandbox.url, deployment.sandbox.token)
    for _ in range(3):
        with urllib.request.urlopen(
            f"http://127.0.0.1:{deployment.bot.metrics_port}/metrics", timeout=PATIENCE
        ) as told:
            told.read()
        by_hand.do("getMe")
    return deployment.world.calls.total
