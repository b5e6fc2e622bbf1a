"""A program of its own: what an old commit of this project does with a database, by its own code alone.

    python of_old.py TREE FOLDER URL REPORTS SEED

It prepares a deployment and adds reports, open and restricted, one unit each. After each commit it prints the report's
name, its receipt's number and a hash of its answers. Whoever began it kills it in the midst. Only the reader of the
environment is replaced: it wants a library that nothing else needs any more.
"""

import hashlib
import itertools
import json
import random
import sys
import types
from pathlib import Path
from typing import Any


def hash_of(answers: dict[str, Any]) -> str:
    """The same for the same answers, whoever reads them."""
    return hashlib.sha256(json.dumps(answers, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class Settings(types.SimpleNamespace):
    """As the old code wants them."""


def fill(settings: Settings, reports: int, dice: random.Random) -> None:
    from bot.opening import open_storage
    from bot.shelf import Shelf

    from bot import demo
    from bot.setup import set_up

    for _ in set_up(settings, demo.BEGINS):
        pass
    demo.populate(settings)
    with open_storage(settings) as database:
        with database.view() as unit:
            plan = unit.plans.only()
            version = unit.forms.current(plan.id, "activity_report")
            form = Shelf(settings.timezone).version(unit, version.id)
            agencies = {agency.code: agency.id for agency in unit.plans.agencies(plan.id)}
            person = unit.people.list(plan.id)[0].id
            known = {row[0] for row in unit.connection.exec_driver_sql("SELECT instance_id FROM submission")}
            for instance in sorted(known):
                tell(unit, unit.submissions.by_instance(instance))
            every = list(itertools.product(unit.plans.periods(plan.id), unit.plans.activities(plan.id)))
        for number, (period, activity) in enumerate(dice.sample(every, min(reports, len(every)))):
            instance, at = f"uuid:demo-{period.code}-{activity.code}", demo.BEGINS
            if instance in known:
                continue
            answers = demo.fill(form, activity, period, number, at, settings)
            values = {
                "plan_id": plan.id,
                "form_id": version.form_key,
                "form_version_id": version.id,
                "instance_id": instance,
                "person_id": person,
                "agency_id": agencies[activity.agency_code],
                "subject": activity.subject,
                "reporting_period_id": period.id,
                "answers": answers,
                "sensitive": activity.is_restricted or dice.random() < 0.2,
                "language": "es",
                "activity_status": "in_progress",
                "progress": dice.randrange(100),
                "started_at": at,
                "now": at,
            }
            sent = database.units.submit(None, lambda unit, given=values: unit.submissions.add(**given)).result()
            with database.view() as unit:
                tell(unit, sent)


def tell(unit: Any, sent: Any) -> None:
    print(sent.instance_id, sent.receipt_number, hash_of(unit.submissions.answers(sent)), flush=True)


if __name__ == "__main__":
    tree, folder, url, reports, seed = sys.argv[1:]
    sys.path[:1] = [tree]  # nothing of ours is found
    stub = types.ModuleType("bot.settings")
    stub.Settings = Settings  # type: ignore[attr-defined]
    stub.__getattr__ = lambda name: None  # type: ignore[method-assign]
    sys.modules["bot.settings"] = stub
    place = Path(folder)
    given = Settings(
        database_url=url,
        keys=place / "keys.json",
        files=place / "evidence",
        timezone="America/Santo_Domingo",
        language="es",
    )
    fill(given, int(reports), random.Random(int(seed)))
    print("all", flush=True)
    sys.stdin.read()
