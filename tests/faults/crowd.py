"""G11 and T5: everybody is reminded at nine, one phone answers to nobody, and people go on talking to the bot.

Nothing here is timed. One call of Telegram is held until the others have been served, or until the bot has given it up:
which of the two came first is the question. And replies are counted while the reminders go out, not after them.
"""

import random
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.sandbox import people
from bot.sandbox.faults import Fault
from bot.sandbox.telegram import World
from bot.schedule.scheduler import ensure_schedules as furnish_schedules
from storage.unit_of_work import UnitOfWork
from tests.faults.deployment import BEGINS, ZONE, Cast, Deployment, deployed, until
from tests.faults.outcome import Outcome

DUE_DAY = datetime(2018, 10, 5, 8, 59, 50, tzinfo=ZoneInfo(ZONE))
TALKERS = 3
QUESTIONS = 8
A_FEW = 8
"""Reminders that a reply may see pass: one that had its turn, and those of a second in which its own chat may not."""
FEW = Cast(30, 1)
"""At two messages a second: a reminder that has left is recorded long before the next one's turn."""


def crowd(
    folder: Path,
    kind: str,
    dice: random.Random,
    *,
    webhook: bool = False,
    cast: Cast = FEW,
    rate: float = 2.0,
    delay: float = 20.0,
    until_time: float | None = None,
    plant: str = "",
) -> Outcome:
    """Replies go before fan-out, and whoever cannot be reached holds up nobody (G11); blocked is blocked (T5)."""
    outcome = Outcome()
    numbers = list(cast.numbers)
    talkers, slow, blocked, gone = numbers[:TALKERS], numbers[-1], numbers[-2], numbers[-3]
    with deployed(folder, kind, cast, webhook=webhook, rate=rate, start=DUE_DAY) as deployment:
        world = deployment.world
        with deployment.database() as database:
            database.units.submit(None, plan_reminders).result()
        deployment.start(plant=plant)
        held = world.faults.add(Fault("timeout", "sendMessage", slow, delay=delay, times=1))
        people.block(world, blocked)
        refused = world.faults.add(
            Fault("refuse", "sendMessage", gone, status=400, description="Bad Request: chat not found")
        )
        people.say(world, slow, "/help")
        until(lambda: held.hits == 1, deployment.bot.log)

        def shown(chat: int) -> int:
            return sum(seen.what == "send" for seen in list(world.ledger.since(0, chat=chat)))

        before = {number: shown(number) for number in talkers}
        for number in talkers:
            people.say(world, number, "/help")
        until(
            lambda: shown(slow) or all(shown(number) > before[number] for number in talkers),
            deployment.bot.log,
        )
        waiting = [number for number in talkers if shown(number) == before[number]]
        outcome.violations += [f"{number} waited until {slow} was reached" for number in waiting]

        world.move_clock(by=15)

        def reminded() -> set[int]:
            return {
                seen.chat
                for seen in list(world.ledger.since(0))
                if seen.what == "send" and seen.chat in numbers[TALKERS:-3]
            }

        until(reminded, deployment.bot.log)
        replies = 0
        for turn in range(QUESTIONS):
            talker, said_at = talkers[turn % TALKERS], world.ledger.entries.total
            people.say(world, talker, "/help")
            until(lambda: not world.bot.pending, deployment.bot.log)
            in_line_at = world.ledger.entries.total  # what it is answered is durable, and waits for its turn
            until(lambda said_at=said_at, talker=talker: reply(world, talker, said_at), deployment.bot.log)  # type: ignore[misc]
            answered_at = reply(world, talker, said_at)
            passed = sum(
                in_line_at < seen.seq < answered_at and seen.chat in numbers[TALKERS:-3] and seen.what == "send"
                for seen in list(world.ledger.since(in_line_at))
            )
            if passed > A_FEW:
                outcome.violations.append(f"{passed} reminders overtook the reply to {talker}")
            replies += len(reminded()) < len(numbers) - TALKERS - 3
        outcome.counts["replies among reminders"] = replies
        until(
            lambda: refused.hits and len(reminded()) == len(numbers) - TALKERS - 3,
            lambda: f"{sorted(set(numbers) - reminded())}\n{deployment.bot.log()[-2000:]}",
        )
        until(lambda: not _open_rows(deployment, (blocked, gone)), deployment.bot.log)
        unreachable = {
            row[0] for row in deployment.rows("SELECT telegram_id FROM person WHERE unreachable_at IS NOT NULL")
        }
        outcome.violations += [
            f"{each} is not known to be unreachable" for each in (blocked, gone) if each not in unreachable
        ]
        tries = [call for call in list(world.calls) if call.method == "sendMessage" and call.chat == gone]
        if len(tries) != 1:
            outcome.violations.append(f"{gone}, who is gone, was written to {len(tries)} times")
        world.faults.remove(refused.id)
        for number in (blocked, gone):
            people.start(world, number)
        until(lambda: all(shown(number) for number in (blocked, gone)), deployment.bot.log)
        outcome.counts["reminders"] = len(reminded())
        outcome.counts["answers"] = replies + TALKERS
        for bot in deployment.bots:
            bot.stop()
    assert held.hits == 1
    return outcome


def reply(world: World, talker: int, since: int) -> int:
    """Where in the ledger the first message to them stands since then; 0 if there is none."""
    return next((seen.seq for seen in list(world.ledger.since(since, chat=talker)) if seen.what == "send"), 0)


def _open_rows(deployment: Deployment, chats: tuple[int, ...]) -> list[tuple]:
    return deployment.rows(f"SELECT 1 FROM outbox WHERE state IN ('queued', 'sending') AND chat_id IN {chats}")


def plan_reminders(unit: UnitOfWork) -> None:
    furnish_schedules(unit, unit.plans.only().id, BEGINS)
