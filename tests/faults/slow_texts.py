"""Texts that are made to be slow to read, from an enrolled, a suspended and an unknown sender (S16).

Nothing here is timed by a clock on the wall. What such texts cost is compared with what honest texts of the same length
cost, in seconds of the bot's own processor: a busy machine makes both dearer. And everybody else is answered meanwhile.
"""

import random
from os import sysconf
from pathlib import Path

from bot.sandbox import people
from bot.sandbox.telegram import Person
from storage.unit_of_work import UnitOfWork
from tests.faults.deployment import BEGINS, FIRST, Bot, Cast, Deployment, deployed, until
from tests.faults.outcome import Outcome
from tests.grown import LONGEST, UNITS, grown

STRANGER = FIRST - 1
DEAREST = 6
"""How many times as much a text may cost as an honest one. Those that once stopped the bot cost more than twenty."""
TEXTS, FEW = 24, 12
"""Of the enrolled sender, and of each other: fewer than a stranger may send at once."""
CRY = "auxilio, ayúdenme"
HONEST = (
    "Hicimos tres charlas sobre prevención en escuelas públicas. Participaron 120 estudiantes y 14 docentes. "
    "También revisamos el protocolo de atención y corregimos la guía; falta imprimirla. "
)


def slow_texts(
    folder: Path,
    kind: str,
    dice: random.Random,
    *,
    webhook: bool = False,
    cast: Cast = Cast(4, 1),
    until_time: float | None = None,
    plant: str = "",
) -> Outcome:
    """Nobody waits for them (G11), and of a suspended person nothing is read but a cry for help."""
    outcome = Outcome()
    enrolled, suspended, *others = cast.numbers
    with deployed(folder, kind, cast, webhook=webhook) as deployment:
        deployment.world.add_person(Person(STRANGER, "Nobody"), started=True)
        with deployment.database() as database:
            database.units.submit(None, lambda unit: suspend(unit, suspended)).result()
        deployment.start(plant=plant)
        _say(deployment, enrolled, [HONEST])  # the tables of all phrases are built for the first text
        honest = _spent(deployment, enrolled, [(HONEST * 40)[: LONGEST - number] for number in range(TEXTS)]) / TEXTS
        slow = {unit: _spent(deployment, enrolled, [grown(unit, LONGEST)]) for unit in dice.sample(UNITS, TEXTS)}
        dear = max(slow, key=lambda unit: slow[unit])
        if slow[dear] > DEAREST * honest:
            outcome.violations.append(f"{dear!r} costs {slow[dear]:.2f} s, an honest text {honest:.2f} s")
        few = [grown(unit, LONGEST) for unit in list(slow)[:FEW]]
        outcome.violations += _unanswered(deployment, (enrolled, suspended, STRANGER), others, few)
        outcome.violations += _read_of_suspended(deployment, suspended)
        left = deployment.rows("SELECT count(*) FROM kept_update UNION ALL SELECT count(*) FROM poison_update")
        outcome.violations += [f"{count} updates are left" for (count,) in left if count]
        outcome.counts["texts"] = 2 * TEXTS + 3 * FEW
        outcome.counts["ms an honest text"] = round(1000 * honest)
        outcome.counts["ms a slow text"] = round(1000 * sum(slow.values()) / TEXTS)
        outcome.counts["ms the dearest"] = round(1000 * slow[dear])
        deployment.bot.stop()
    return outcome


def suspend(unit: UnitOfWork, number: int) -> None:
    person = unit.people.by_telegram_id(number)
    assert person is not None
    assert unit.leaving.suspend(person.id, now=BEGINS, by=None)


def processor(bot: Bot) -> float:
    """Seconds that the bot's process has computed."""
    assert bot.process is not None
    fields = Path(f"/proc/{bot.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / sysconf("SC_CLK_TCK")


def _spent(deployment: Deployment, number: int, texts: list[str]) -> float:
    before = processor(deployment.bot)
    _say(deployment, number, texts)
    return processor(deployment.bot) - before


def _say(deployment: Deployment, number: int, texts: list[str]) -> None:
    """Say all of it, and wait until it is read and answered."""
    for text in texts:
        people.say(deployment.world, number, text)
    until(lambda: not deployment.world.bot.pending and not deployment.is_anything_open(), deployment.bot.log)


def _unanswered(deployment: Deployment, senders: tuple[int, ...], others: list[int], texts: list[str]) -> list[str]:
    """Whoever asks while such texts come is answered."""
    since = deployment.world.ledger.entries.total
    for number in senders:
        for text in texts:
            people.say(deployment.world, number, text)
    for number in others:
        _say(deployment, number, ["/help"])
    heard = {seen.chat for seen in deployment.world.ledger.since(since) if seen.what == "send"}
    return [f"{number} was not answered" for number in (*others, *senders) if number not in heard]


def _read_of_suspended(deployment: Deployment, number: int) -> list[str]:
    """Every message has left the chat, one reply was sent, and then a cry for help was answered."""
    world = deployment.world
    _say(deployment, number, [CRY])
    said = [str((seen.message or {}).get("text")) for seen in world.ledger.since(0, chat=number) if seen.what == "send"]
    with world.lock:
        left = sum(not kept.from_bot for kept in world.bot.chats[number].messages.values())
    found = [f"{left} messages of somebody suspended are still in the chat"] if left else []
    return found if len(said) == 2 and "9-1-1" in said[1] else [*found, f"somebody suspended was told {said}"]
