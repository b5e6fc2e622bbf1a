"""T3, /cancel: sent right behind an answer that is still being committed, or arriving just before it.

Everybody fills in a form and leaves it again and again without looking, then goes on with the draft. Whatever the
order, the question that comes next is the first one without an answer, and what is sent is what was typed.
"""

import random
import time
from pathlib import Path

from bot.sandbox import people
from bot.sandbox.journal import Seen
from storage.unit_of_work import UnitOfWork
from tests.faults.deployment import Cast, Deployment, deployed
from tests.faults.outcome import Outcome
from tests.faults.people_at_work import PRESS, RECEIPT, Form, Step, activity_report, button, referral
from tests.faults.repeats import rest
from tests.storage.receipts import by_receipt

CONTINUE = Step(asked=activity_report(random.Random(0), "").steps[0].asked, answer=f"{PRESS}Continue|✎")
OFTEN = 0.6
"""Of the answers, how many have a /cancel beside them."""


class Hasty:
    """One person, one form."""

    def __init__(self, deployment: Deployment, number: int, form: Form, dice: random.Random, outcome: Outcome) -> None:
        self.deployment, self.number, self.form, self.dice, self.outcome = deployment, number, form, dice, outcome
        self.at = -1
        self.card: dict = {}
        self.has_left = False
        self.receipt: int | None = None
        self._read = 0

    def act(self) -> None:
        """Answer, with or without leaving; or go on with what was left."""
        world = self.deployment.world
        if self.at < 0:
            people.say(world, self.number, self.form.opens)
            return
        if self.has_left:
            people.tap(world, self.number, self.card["message_id"], data=button(self.card, CONTINUE))
            return
        leaves = "" if self.at == 0 or self.dice.random() > OFTEN else self.dice.choice(("behind", "before"))
        with world.lock:
            if leaves == "before":
                people.say(world, self.number, "/cancel")
            self._answer(self.form.steps[self.at])
            if leaves == "behind":
                people.say(world, self.number, "/cancel")
        if leaves:
            self.outcome.counts[f"cancelled {leaves}"] += 1

    def _answer(self, asked: Step) -> None:
        world = self.deployment.world
        if asked.answer.startswith(PRESS):
            people.tap(world, self.number, self.card["message_id"], data=button(self.card, asked))
        else:
            people.say(world, self.number, asked.answer)
        self.outcome.counts["answers"] += 1

    def look(self) -> None:
        """What the phone shows now: it must be what comes next, what was there before, or the way back."""
        ledger = self.deployment.world.ledger
        news: list[Seen] = list(ledger.since(self._read, chat=self.number))
        self._read = ledger.entries.total
        shown = [seen.message for seen in news if seen.what in ("send", "edit") and seen.message is not None]
        for message in shown:
            if self.at == len(self.form.steps) - 1 and (found := RECEIPT.search(str(message.get("text", "")))):
                self.receipt = int(found[1])
                return
        cards = [message for message in shown if "inline_keyboard" in message.get("reply_markup", {})]
        if not cards:
            self.outcome.violations.append(f"{self.number} was told nothing, after {self.at} answers")
            return
        self.card = cards[-1]
        self.has_left = button(self.card, CONTINUE) is not None
        if self.has_left:
            return
        steps = self.form.steps
        if self.at + 1 < len(steps) and self._asks(steps[self.at + 1]):
            self.at += 1
        elif self.at < 0 or not self._asks(steps[self.at]):
            self.outcome.violations.append(f"{self.number}, after {self.at} answers, sees {self.card.get('text')!r}")

    def _asks(self, asked: Step) -> bool:
        is_there = not asked.answer.startswith(PRESS) or button(self.card, asked) is not None
        return is_there and asked.asked.search(str(self.card.get("text", ""))) is not None


def cancelled(
    folder: Path,
    kind: str,
    dice: random.Random,
    *,
    webhook: bool = False,
    cast: Cast = Cast(),
    until_time: float | None = None,
    plant: str = "",
) -> Outcome:
    """Nobody's answer is on another question, none is lost, and the draft is always there (T3)."""
    outcome = Outcome()
    with deployed(folder, kind, cast, webhook=webhook) as deployment:
        deployment.start(plant=plant)
        everybody = [
            Hasty(
                deployment,
                number,
                activity_report(dice, cast.items_of(number)[0]) if dice.random() < 0.5 else referral(dice),
                dice,
                outcome,
            )
            for number in cast.numbers
        ]
        while not outcome.violations and (at_work := [each for each in everybody if each.receipt is None]):
            if until_time is not None and time.monotonic() > until_time:
                break
            for each in at_work:
                each.act()
            rest(deployment)
            for each in at_work:
                each.look()
        deployment.bot.stop()
        with deployment.database() as database, database.view() as unit:
            outcome.violations += [wrong for each in everybody for wrong in stored_wrongly(unit, each)]
        outcome.counts["forms"] += sum(each.receipt is not None for each in everybody)
    return outcome


def stored_wrongly(unit: UnitOfWork, each: Hasty) -> list[str]:
    if each.receipt is None:
        return []
    stored = by_receipt(unit, unit.plans.only().id, each.receipt)
    if stored is None:
        return [f"receipt {each.receipt} of {each.number} is of nothing"]
    answers = {path.rpartition("/")[2]: value for path, value in unit.submissions.answers(stored).items()}
    wrong = {name: answers.get(name) for name, value in each.form.stored.items() if answers.get(name) != value}
    return [f"receipt {each.receipt} of {each.number} says {wrong}"] if wrong else []
