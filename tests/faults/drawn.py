"""G7: the bot dies, or stands still, while the picture of the readers' card is drawn, and while it goes out.

A picture takes seconds on a busy machine. Only what Telegram was called for may be in doubt, and everybody else gets
their card from whoever is there next, once. A reply does not wait for a picture.
"""

import contextlib
import os
import random
import signal
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.acts.people.enrolment import Newcomer, enrol
from bot.demo.cast import BEGINS
from bot.sandbox import people
from bot.sandbox.telegram import Person
from conversations.plan.model import Role
from storage.messages.outbox import LEASE
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE
from tests.faults.crowd import plan_reminders
from tests.faults.deployment import FIRST, ZONE, Bot, Cast, Deployment, children_of, deployed, until
from tests.faults.outcome import Outcome

CARD_DAY = datetime(2018, 10, 16, 9, 10, tzinfo=ZoneInfo(ZONE))
"""The card of the month was due at nine."""
READERS = range(300_001, 300_041)
MESSAGES = 2
"""What each of them gets: the picture, and the card in words."""
A_FEW = 5
RATE = 5.0
ON_ITS_WAY = 1
"""Rows that may be begun before Telegram has heard of them: one at a time has its turn."""


def drawn(
    folder: Path,
    kind: str,
    dice: random.Random,
    *,
    webhook: bool = False,
    cast: Cast = Cast(1, 1),
    ways: tuple[str, ...] = ("kill",),
    seconds: float = 0.0,
    until_time: float | None = None,
    plant: str = "",
) -> Outcome:
    """What is in doubt is bounded by what Telegram was called for, and the rest arrives once (G7).

    `ways`: "kill", "stop", or "pause" for so many `seconds` beside another replica, while the picture is drawn;
    "kill later" and "pause later", while the digests go out.
    """
    outcome = Outcome()
    for number, way in enumerate(ways):
        (own := folder / str(number)).mkdir()
        replicas = 2 if way.startswith("pause") else 1
        with deployed(own, kind, cast, webhook=webhook, replicas=replicas, rate=RATE, start=CARD_DAY) as deployment:
            deployment.is_taken_apart = True  # what draws is looked for among their children
            with deployment.database() as database:
                database.units.submit(None, populate).result(PATIENCE)
            for chat in READERS:
                deployment.world.add_person(Person(chat, f"C{chat}"), started=True)
            deployment.start(plant=plant)
            outcome.violations += [f"{way}: {each}" for each in struck(deployment, way, seconds, outcome.counts)]
            for bot in deployment.bots:
                bot.stop()
    return outcome


def populate(unit: UnitOfWork) -> None:
    plan_reminders(unit)
    for chat in READERS:
        enrol(unit, Newcomer(chat, f"C{chat}", Role.READER, None, "en"), BEGINS, ZONE)


def struck(deployment: Deployment, way: str, seconds: float, counts: Counter[str]) -> list[str]:
    """Strike, let it settle, and return what is against the guarantee."""
    found = []
    with contextlib.ExitStack() as stack:
        bot, artists = drawing(deployment, stack)
        if way.endswith("later"):
            for each in artists:
                os.kill(each, signal.SIGCONT)
            until(lambda: called(deployment) >= A_FEW, lambda: logs(deployment))
        elif way == "kill":
            found += reply_comes_meanwhile(deployment)
        elif way == "stop":
            bot.stop()
            found += [] if "stopped_late" not in bot.log() else ["it waited for the picture"]
        if way.startswith("pause"):
            bot.pause()
            before = called(deployment)
            deployment.world.move_clock(by=LEASE.total_seconds() + 1)
            until(lambda: called(deployment) > before + A_FEW, lambda: logs(deployment))
            time.sleep(seconds)
        else:
            if bot.is_alive:
                bot.kill()
            before = called(deployment)
    bot.resume() if way.startswith("pause") else bot.start()
    until(lambda: is_settled(deployment), lambda: logs(deployment))
    counts[f"{way}: called before"] += before
    return found + against(deployment, before, counts, way)


def drawing(deployment: Deployment, stack: contextlib.ExitStack) -> tuple[Bot, list[int]]:
    """Return the bot that draws, and the processes in which it does, which stand still."""
    stopped: dict[int, Bot] = {}

    def draws() -> object:
        for bot in deployment.bots:
            assert bot.process is not None
            for child in children_of(bot.process.pid):
                if child not in stopped:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(child, signal.SIGSTOP)
                        stopped[child] = bot
        return stopped

    def end() -> None:
        for child in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)

    stack.callback(end)
    until(draws, lambda: logs(deployment))
    return next(iter(stopped.values())), list(stopped)


def reply_comes_meanwhile(deployment: Deployment) -> list[str]:
    world, before = deployment.world, deployment.world.ledger.entries.total
    people.say(world, FIRST, "/help")

    def shown() -> bool:
        return any(seen.what == "send" for seen in list(world.ledger.since(before, chat=FIRST)))

    until(shown, lambda: logs(deployment))
    return [] if not called(deployment) else ["the picture was not held up"]


def called(deployment: Deployment) -> int:
    """How many calls Telegram has seen begin for these people."""
    return sum(call.chat in READERS for call in list(deployment.world.calls))


def is_settled(deployment: Deployment) -> bool:
    """Asked in one statement: each message that is settled may be followed by the next."""
    [(rows, waiting)] = deployment.rows(
        "SELECT count(*), sum(CASE WHEN state IN ('queued', 'sending') THEN 1 ELSE 0 END)"
        " FROM outbox WHERE kind = 'digest'"
    )
    return rows == MESSAGES * len(READERS) and not waiting


def against(deployment: Deployment, before: int, counts: Counter[str], way: str) -> list[str]:
    in_doubt = [
        chat for (chat,) in deployment.rows("SELECT chat_id FROM outbox WHERE kind = 'digest' AND state = 'ambiguous'")
    ]
    shown = Counter(
        seen.chat for seen in list(deployment.world.ledger.since(0)) if seen.what == "send" and seen.chat in READERS
    )
    missed = {chat: MESSAGES - shown[chat] for chat in READERS if shown[chat] < MESSAGES}
    counts[f"{way}: in doubt"] += len(in_doubt)
    counts[f"{way}: not arrived"] += sum(missed.values())
    may_be_lost = ON_ITS_WAY if before else 0
    found = [f"{chat} was told {shown[chat]} times" for chat in READERS if shown[chat] > MESSAGES]
    if len(in_doubt) > before + may_be_lost:
        found.append(f"{len(in_doubt)} messages are in doubt, and Telegram was called {before} times")
    if sum(missed.values()) > may_be_lost or set(missed) - set(in_doubt):
        found.append(f"{sum(missed.values())} messages did not arrive, in doubt for {in_doubt}")
    return found


def logs(deployment: Deployment) -> str:
    states = deployment.rows("SELECT kind, method, state, count(*) FROM outbox GROUP BY kind, method, state")
    return "\n".join([str(states), *(bot.log()[-2000:] for bot in deployment.bots)])
