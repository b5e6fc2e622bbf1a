"""T11: a replica is stopped with a call on its way and messages in hand, is taken for dead, and wakes up.

Its lock is lost with its connections, or its leases run out. The other replica takes over what it had in hand, and the
chat goes on. What the first one still holds is not its own any more: if it sent any of it, a chat would be shown an
older question after a newer one. Only the call that was on its way cannot be called back: its question is shown twice,
before all later ones.
"""

import contextlib
import random
import time
from pathlib import Path

from bot.sandbox import people
from bot.sandbox.faults import Fault
from storage.messages.outbox import LEASE
from tests.faults.balanced import Balancer, strike
from tests.faults.deployment import Bot, Cast, Deployment, deployed, until
from tests.faults.floods import typed
from tests.faults.outcome import Outcome
from tests.faults.people_at_work import Form, referral

IN_HAND, AWAKE = 5, 6
"""How many words have been said when the first is stopped, and in the end."""


def overtaken(
    folder: Path,
    kind: str,
    dice: random.Random,
    *,
    webhook: bool = True,
    cast: Cast = Cast(2, 1),
    ways: tuple[str, ...] = ("lock",),
    until_time: float | None = None,
    plant: str = "",
) -> Outcome:
    """No chat sees an older question after a newer one, and one at most is shown twice (G3, G7).

    `ways`: how the second replica comes to what the first has in hand. "lock": its connections are lost, and it stands
    still for longer than the grace. "lease": it stands still for longer than its leases.
    """
    assert kind == "postgresql", "two replicas need it"
    assert webhook
    outcome = Outcome()
    with contextlib.ExitStack() as stack:
        deployment = stack.enter_context(deployed(folder, kind, cast, webhook=True, replicas=2))
        balancer = Balancer([bot.port for bot in deployment.bots])
        stack.callback(balancer.close)
        deployment.address = f"http://127.0.0.1:{balancer.port}/telegram"
        deployment.start(plant=plant)
        for way, person in zip(ways, cast.numbers, strict=False):
            outcome.violations += stopped_and_woken(deployment, balancer, way, person, referral(dice))
            outcome.counts[way] += 1
            outcome.counts["answers"] += AWAKE
        until(lambda: not deployment.is_anything_open(), lambda: logs(deployment))
        for bot in deployment.bots:
            bot.stop()
    return outcome


def stopped_and_woken(deployment: Deployment, balancer: Balancer, way: str, person: int, form: Form) -> list[str]:
    first = deployment.bots[0]
    words = typed(form)

    def say(bot: Bot, words: list[str]) -> None:
        balancer.send_all_to(bot.port)
        for word in words:
            people.say(deployment.world, person, word)

    slow = deployment.world.faults.add(Fault("slow", method="sendMessage", chat=person, delay=3.0))
    say(first, words[:IN_HAND])
    until(lambda: slow.hits and is_in_hand(deployment, person), lambda: logs(deployment))
    stopped_at = time.monotonic()
    first.pause()
    deployment.world.faults.remove(slow.id)
    assert is_in_hand(deployment, person), "it was stopped too late"
    if way == "lock":
        strike("cut", first, deployment)
    else:
        time.sleep(max(0.0, LEASE.total_seconds() - (time.monotonic() - stopped_at)))  # how long is the fault
    until(lambda: IN_HAND - 1 in asked(deployment, person, form), lambda: logs(deployment))
    first.resume()
    say(first, words[IN_HAND:AWAKE])
    until(lambda: AWAKE - 1 in asked(deployment, person, form), lambda: logs(deployment))
    shown = asked(deployment, person, form)
    is_in_order = shown == sorted(shown) and len(shown) <= AWAKE + 1
    return [] if is_in_order else [f"{way}: {person} was asked the questions {shown}"]


def is_in_hand(deployment: Deployment, person: int) -> bool:
    """Whether all that was said is acknowledged, and one of its answers waits for another."""
    rows = f"SELECT count(*) FROM outbox WHERE chat_id = {person} AND state = 'sending' AND method = 'sendMessage'"
    return not deployment.world.bot.pending and int(deployment.rows(rows)[0][0]) > 1


def asked(deployment: Deployment, person: int, form: Form) -> list[int]:
    """The questions that the phone was shown as new messages, by their numbers."""
    texts = [str((seen.message or {}).get("text", "")) for seen in list(deployment.world.ledger.since(0, chat=person))
             if seen.what == "send"]  # fmt: skip
    return [number for text in texts for number, step in enumerate(form.steps[:AWAKE]) if step.asked.search(text)]


def logs(deployment: Deployment) -> str:
    return "\n".join(bot.log()[-3000:] for bot in deployment.bots)
