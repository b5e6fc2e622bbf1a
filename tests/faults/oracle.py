"""What must be true afterwards, whatever was done to the bot: the ledger of the phones against the database.

Two questions. `lost`, at the moment of a death: is everything durable that Telegram was told was done (G1), and
everything that a phone was shown to be done (G5)? `violations`, at the end: is every form there once, with exactly what
was typed, under the number on its receipt (G2, G4, G6), was everybody answered, in order (G3), and nobody more than
once too often a death (G7)?
"""

from collections import Counter
from typing import Any

from sqlalchemy import func, select

from storage.database.models import OutboxMessage, Person, PoisonUpdate, ProcessedUpdate, Submission, table
from storage.unit_of_work import UnitOfWork
from tests.faults.deployment import Deployment
from tests.faults.people_at_work import Filled, Work
from tests.storage.receipts import by_receipt

_O, _P, _X, _S, _U = (table(each) for each in (OutboxMessage, Person, PoisonUpdate, Submission, ProcessedUpdate))


def acknowledged(filled: Filled, waiting: set[int]) -> int:
    """How many acts of this form Telegram does not keep any more: it has been told that they are done."""
    return next((at for at, update_id in enumerate(filled.done) if update_id in waiting), len(filled.done))


def lost(deployment: Deployment, work: Work) -> list[str]:
    """What was acknowledged to Telegram or shown to somebody and is not in the database. No bot is running."""
    with deployment.world.lock:
        waiting = {pending.update_id for pending in deployment.world.bot.pending}
        due = {
            number: [(each, max(acknowledged(each, waiting), each.shown)) for each in reporter.filled]
            for number, reporter in work.reporters.items()
        }
    with deployment.database() as database, database.view() as unit:
        people, sent = _people(unit), _submissions(unit)
        found = []
        for number, forms in due.items():
            submitted = sum(acts > len(each.form.steps) for each, acts in forms)
            if sent[people[number]] < submitted:
                found.append(f"{number} has {sent[people[number]]} submissions of {submitted} that were acknowledged")
            if forms and sent[people[number]] < len(forms):
                found += _missing_in_draft(unit, number, people[number], *forms[-1])
        return found


def _missing_in_draft(unit: UnitOfWork, number: int, person_id: int, filled: Filled, acts: int) -> list[str]:
    expected = {name: value for each in filled.form.steps[: max(acts - 1, 0)] for name, value in each.stored.items()}
    if not expected:
        return []
    drafts = unit.sessions.drafts_of(person_id)
    if not drafts:
        return [f"{number} has no draft, and {len(expected)} answers in it were acknowledged"]
    seen = {ref.rpartition("/")[2] for ref in drafts[0].data["seen"]}
    values = {str(value) for value in drafts[0].data["state"]["root"]["values"]}
    missing = [name for name, value in expected.items() if name not in seen or value not in values]
    return [f"{number} has lost {missing}, which was acknowledged"] if missing else []


def violations(deployment: Deployment, work: Work, *, deaths: float = 0) -> list[str]:
    """Everything that the guarantees forbid, once nobody is in the middle of a form and no bot is running."""
    found = list(work.violations)
    for number, reporter in work.reporters.items():
        if reporter.repeats > deaths:
            found.append(f"{number} was told {reporter.repeats} times what had been said, in {deaths} deaths")
    with deployment.database() as database, database.view() as unit:
        found += _forms(unit, work)
        found += _updates(unit, work)
        found += _left(unit)
    if deployment.is_sqlite:
        found += integrity(deployment)
    return found


def _forms(unit: UnitOfWork, work: Work) -> list[str]:
    found = []
    plan_id = unit.plans.only().id
    people, sent = _people(unit), _submissions(unit)
    for number, reporter in work.reporters.items():
        receipts = [each for each in reporter.filled if each.receipt is not None]
        if sent[people[number]] != len(receipts):
            found.append(f"{number} has {sent[people[number]]} submissions and {len(receipts)} receipts")
        for each in receipts:
            assert each.receipt is not None
            stored = by_receipt(unit, plan_id, each.receipt)
            if stored is None or stored.person_id != people[number] or stored.subject != each.form.subject:
                found.append(
                    f"receipt {each.receipt} of {number} is of {stored and (stored.person_id, stored.subject)}"
                )
                continue
            answers = {path.rpartition("/")[2]: value for path, value in unit.submissions.answers(stored).items()}
            wrong = {name: answers.get(name) for name, value in each.form.stored.items() if answers.get(name) != value}
            if wrong:
                found.append(f"receipt {each.receipt} of {number} says {wrong}")
    total = unit.connection.execute(select(func.count(_S.c.instance_id.distinct()), func.count())).one()
    if total[0] != total[1]:
        found.append(f"{total[1]} submissions of {total[0]} forms")
    return found


def _updates(unit: UnitOfWork, work: Work) -> list[str]:
    seen = set(unit.connection.execute(select(_U.c.update_id)).scalars())
    acts = [update_id for each in work.reporters.values() for filled in each.filled for update_id in filled.done]
    unseen = [update_id for update_id in acts if update_id not in seen]
    return [f"{len(unseen)} updates were never applied: {unseen[:5]}"] if unseen else []


def _left(unit: UnitOfWork) -> list[str]:
    """What may not be left over: messages on their way or given up, updates set aside."""
    # A reminder in doubt is never repeated (G7), nor is an edit that a later one of its card has overtaken.
    in_doubt = (_O.c.state == "ambiguous") & ((_O.c.kind == "reminder") | (_O.c.error == "overtaken"))
    states = select(_O.c.state, _O.c.kind, _O.c.method, _O.c.error, func.count())
    states = states.where((_O.c.state != "sent") & ~in_doubt).group_by(*states.selected_columns[:4])
    rows = unit.connection.execute(states)
    found = [f"{number} messages are {state}: {kind}, {method}, {error}" for state, kind, method, error, number in rows]
    poisoned = unit.connection.execute(select(func.count()).select_from(_X)).scalar_one()
    return found + ([f"{poisoned} updates were set aside"] if poisoned else [])


def integrity(deployment: Deployment) -> list[str]:
    """What SQLite itself has to say of its file."""
    with deployment.database() as database, database.reader() as connection:
        told = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
    return [] if told == ["ok"] else told


def _people(unit: UnitOfWork) -> dict[int, int]:
    return {row.telegram_id: row.id for row in unit.connection.execute(select(_P.c.telegram_id, _P.c.id))}


def _submissions(unit: UnitOfWork) -> Counter[Any]:
    rows = unit.connection.execute(select(_S.c.person_id, func.count()).group_by(_S.c.person_id))
    return Counter({row[0]: row[1] for row in rows})
