"""T15: the bot is stopped in the midst of all forms, these are published anew, and it is started again."""

import random
import time
from pathlib import Path

from bot.acts.reports.forms import publish
from bot.cli.reports.form_files import read_bundle_at
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE
from tests.faults.deployment import BEGINS, Cast, deployed, form_with
from tests.faults.outcome import Outcome
from tests.faults.people_at_work import RECEIPT

FORMS = ("activity_report", "incident_free_text")
MARK = "(asked anew)"


def upgraded(
    folder: Path,
    kind: str,
    dice: random.Random,
    *,
    webhook: bool = False,
    cast: Cast = Cast(),
    times: int = 1,
    until_time: float | None = None,
    plant: str = "",
) -> Outcome:
    """Every session is finished on the version it began with; what begins later has the new one (T15).

    Each that was in flight is looked for when everybody has finished: at the next start some are still in the midst.
    """
    from tests.faults.scenarios import answered, at_work, finish

    outcome = Outcome()
    in_flight: dict[str, int] = {}
    with deployed(folder, kind, cast, webhook=webhook) as deployment, at_work(deployment, dice) as work:
        deployment.start(plant=plant)
        for number in range(times):
            if until_time is not None and time.monotonic() > until_time:
                break
            outcome.violations += answered(deployment, work, work.answers + dice.randint(15, 50))
            if work.violations or outcome.violations:
                break
            deployment.bot.stop()
            began = deployment.rows("SELECT instance_id, form_version_id FROM session WHERE state = 'open'")
            books = [form_with(form_id, folder, version=f"anew{number}", mark=f"{MARK} {number}") for form_id in FORMS]
            shown = work.world.ledger.entries.total

            def again(unit: UnitOfWork, books: list[Path] = books) -> None:
                for book in books:
                    publish(unit, *read_bundle_at(book), BEGINS)

            with deployment.database() as database:
                database.units.submit(None, again).result(PATIENCE)
            assert began, "nobody was in the midst of anything"
            outcome.counts["in flight"] += len(began)
            in_flight |= dict(began)
            deployment.bot.start(plant=plant)
            outcome.violations += answered(deployment, work, work.answers + 14 * cast.people)
            people = {
                row[0]
                for row in deployment.rows(
                    "SELECT p.telegram_id FROM session s JOIN person p ON p.id = s.person_id WHERE s.instance_id IN ("
                    + ", ".join(f"'{instance}'" for instance, _ in began)
                    + ")"
                )
            }
            for seen in list(work.world.ledger.since(shown)):
                text = str((seen.message or {}).get("text", ""))
                if RECEIPT.search(text):
                    people.discard(seen.chat)
                if seen.chat in people and f"{MARK} {number}" in text:
                    outcome.violations.append(f"{seen.chat} was asked a question of the next version: {text!r}")
        finish(deployment, work, outcome, deaths=times)
        sent = dict(deployment.rows("SELECT instance_id, form_version_id FROM submission"))
        for instance, version in in_flight.items():
            if sent.get(instance) == version:
                outcome.counts["finished on their version"] += 1
            else:
                what = f"sent on {sent[instance]}" if instance in sent else "never sent"
                outcome.violations.append(f"{instance} began on version {version} and was {what}")
        versions = deployment.rows("SELECT DISTINCT form_version_id FROM submission")
        outcome.counts["versions sent"] = len(versions)
        return outcome
