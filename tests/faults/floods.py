"""A flood while somebody kills: one phone sends whole reports at once, and looks at no answer.

It was offline for a day, so to speak: more than two batches of getUpdates come together. Everything of it must be
applied once and in order, whether it was applied when it was acknowledged, or kept: else an answer stands at another
question, and the reports are not what was typed.
"""

import random
import time
from pathlib import Path

from sqlalchemy import select

from bot.sandbox import people
from storage.database.models import KeptUpdate, Person, PoisonUpdate, Submission, table
from storage.unit_of_work import UnitOfWork
from tests.faults.deployment import Cast, Deployment, deployed, until
from tests.faults.outcome import Outcome
from tests.faults.people_at_work import PRESS, RECEIPT, Form, referral

_K, _P, _S, _X = (table(each) for each in (KeptUpdate, Person, Submission, PoisonUpdate))


def typed(form: Form) -> list[str]:
    """The whole of a form, in words: what can be pressed can be typed."""
    return [form.opens, *(each.answer.removeprefix(PRESS) for each in form.steps)]


def flooded(
    folder: Path,
    kind: str,
    dice: random.Random,
    *,
    webhook: bool = False,
    cast: Cast = Cast(2, 1),
    forms: int = 16,
    deaths: int = 4,
    until_time: float | None = None,
    plant: str = "",
) -> Outcome:
    """Nothing is lost, doubled, misplaced or set aside, and nothing stays in the database (G1, G2, G3)."""
    outcome = Outcome()
    with deployed(folder, kind, cast, webhook=webhook) as deployment:
        world, bot = deployment.world, deployment.bot
        flooder, other = cast.numbers[0], cast.numbers[1]
        made = [referral(dice) for _ in range(forms)]
        words = [word for form in made for word in typed(form)]
        for word in words:
            people.say(world, flooder, word)
        bot.start(plant=plant)
        while outcome.counts["deaths"] < deaths and (until_time is None or time.monotonic() < until_time):
            people.say(world, other, "/help")
            shown = world.ledger.entries.total + dice.randrange(60)
            until(lambda shown=shown: world.ledger.entries.total >= shown or is_done(deployment), bot.log)  # type: ignore[misc]
            bot.kill()
            outcome.counts["deaths"] += 1
            outcome.counts["kept at a death"] += deployment.rows("SELECT count(*) FROM kept_update")[0][0]
            bot.start(plant=plant)
        until(lambda: is_done(deployment), bot.log)
        bot.stop()
        with deployment.database() as database, database.view() as unit:
            outcome.violations += misplaced(unit, flooder, made) + left(unit)
        outcome.violations += told_too_often(deployment, flooder, forms, outcome.counts["deaths"])
        outcome.counts["forms"] += forms
        outcome.counts["answers"] += len(words)
    return outcome


def is_done(deployment: Deployment) -> bool:
    """Whether nothing waits: with Telegram, in the database, or on its way to a phone."""
    with deployment.world.lock:
        if deployment.world.bot.pending:
            return False
    return not deployment.rows("SELECT 1 FROM kept_update LIMIT 1") and not deployment.is_anything_open()


def misplaced(unit: UnitOfWork, flooder: int, made: list[Form]) -> list[str]:
    """Every report is there once, in its order, and says what was typed."""
    of = select(_S.c.id).join(_P, _P.c.id == _S.c.person_id).where(_P.c.telegram_id == flooder).order_by(_S.c.id)
    sent = list(unit.connection.execute(of).scalars())
    if len(sent) != len(made):
        return [f"{len(sent)} reports of {len(made)} that were sent"]
    found = []
    for number, (id, form) in enumerate(zip(sent, made, strict=True)):
        answers = unit.submissions.answers(unit.submissions.get(id))
        said = {path.rpartition("/")[2]: value for path, value in answers.items()}
        wrong = {name: said.get(name) for name, value in form.stored.items() if said.get(name) != value}
        found += [f"report {number} says {wrong} instead of {form.stored}"] if wrong else []
    return found


def left(unit: UnitOfWork) -> list[str]:
    kept, poison = (len(unit.connection.execute(select(each.c.id)).all()) for each in (_K, _X))
    return ([f"{kept} updates are kept"] if kept else []) + ([f"{poison} are set aside"] if poison else [])


def told_too_often(deployment: Deployment, flooder: int, forms: int, deaths: int) -> list[str]:
    """One receipt for each report, and at most one more for each death."""
    messages = [seen.message for seen in deployment.world.ledger.since(chat=flooder) if seen.what == "send"]
    receipts = [found[1] for message in messages if message and (found := RECEIPT.search(str(message.get("text", ""))))]
    if len(set(receipts)) != forms or len(receipts) > forms + deaths:
        return [f"{len(receipts)} receipts, {len(set(receipts))} different ones, for {forms} reports"]
    return []
