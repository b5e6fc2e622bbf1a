"""All at once: the bot is killed while a receiver is called, the plan is imported and the keyring is rotated.

The operator's commands are processes of their own, at whatever moment; some of them are killed too. Nobody's answer is
lost or doubled, the receiver hears of every event, and the plan is that of an import that ended well or was killed.
"""

import random
import subprocess
import sys
import time
from pathlib import Path

from openpyxl import load_workbook
from sqlalchemy import select

from bot.acts.sharing.receivers import new_secret
from conversations.plan.sharing.events import kinds_for
from storage.database.models import Activity, Plan, table
from storage.messages.endpoints import NewEndpoint, Target
from storage.unit_of_work import UnitOfWork
from tests.bot.workers.receiver import Receiver
from tests.deadlines import PATIENCE
from tests.faults.deployment import BEGINS, Cast, Deployment, deployed, until
from tests.faults.events import listening, not_told
from tests.faults.outcome import Outcome


def all_at_once(
    folder: Path,
    kind: str,
    dice: random.Random,
    *,
    webhook: bool = False,
    cast: Cast = Cast(6, 3),
    deaths: int = 2,
    until_time: float | None = None,
    plant: str = "",
) -> Outcome:
    """One kill a round, in the midst of an import and a rotation; each import says another name (G1, G2)."""
    from tests.faults.scenarios import answered, at_work, finish

    outcome, receiver = Outcome(), Receiver(new_secret(), is_of_today=False)
    with (
        deployed(folder, kind, cast, webhook=webhook) as deployment,
        listening(receiver),
        at_work(deployment, dice) as work,
    ):
        with deployment.database() as database:
            database.units.submit(None, lambda unit: add(unit, receiver)).result(PATIENCE)
        given = {"ENLACE_EVENTS_INSIDE": "127.0.0.1/32", "ENLACE_EVENTS_PORTS": str(receiver.port)}
        workbook, names = folder / "plan.xlsx", set[str]()
        assert command(deployment, "plan", "export", "--out", str(workbook)).wait(PATIENCE) == 0
        deployment.start(plant=plant, **given)
        for number in range(deaths):
            if number and until_time is not None and time.monotonic() > until_time:
                break
            outcome.violations += answered(deployment, work, work.answers + cast.people)
            if work.violations or outcome.violations:
                break
            name = f"Said anew {number}"
            code = rename(workbook, name)
            importing = command(deployment, "plan", "import", str(workbook))
            rotating = command(deployment, "keys", "rotate")
            outcome.violations += answered(deployment, work, work.answers + dice.randint(0, 3 * cast.people))
            deployment.bot.kill()
            outcome.counts["deaths"] += 1
            is_killed = number % 3 == 2
            if is_killed:
                importing.kill()
            codes = {"import": importing.wait(PATIENCE), "rotation": rotating.wait(PATIENCE)}
            names = names | {name} if codes["import"] else {name}
            for what, exit_code in codes.items():
                outcome.counts[what] += exit_code == 0
                if exit_code and not (is_killed and what == "import"):
                    outcome.violations.append(f"the {what} ended with exit code {exit_code}")
            deployment.start(plant=plant, **given)
            if (found := name_of(deployment, code)) not in names:
                outcome.violations.append(f"the activity is called {found!r}, which no import said")
        if not outcome.violations and not work.violations:
            work.is_ending = True
            until(lambda: work.is_over or work.violations, deployment.bot.log)
            until(lambda: work.violations or not is_to_be_told(deployment), deployment.bot.log)
        finish(deployment, work, outcome, deaths=outcome.counts["deaths"])
        with deployment.database() as database:
            outcome.violations += not_told(database, receiver)
        outcome.counts["events"] = len(receiver.kept)
    return outcome


def add(unit: UnitOfWork, receiver: Receiver) -> None:
    """Let the plan's events be sent to it."""
    plan_id = unit.connection.execute(select(table(Plan).c.id)).scalar_one()
    target = Target(receiver.url, receiver.secret)
    unit.endpoints.add(
        plan_id, NewEndpoint(target, "127.0.0.1", audience="internal", kinds=kinds_for("internal")), BEGINS, by=None
    )


def command(deployment: Deployment, *arguments: str) -> subprocess.Popen[bytes]:
    """A command of the operator's that runs beside the bot."""
    with (deployment.folder / "commands.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "bot", *arguments], env=deployment.bot.environment(), stdout=log, stderr=log
        )


def rename(workbook: Path, name: str) -> str:
    """Give the first activity of the plan's workbook another name; its code."""
    book = load_workbook(workbook)
    sheet = book["activities"]
    column = {cell.value: cell.column for cell in sheet[1]}
    sheet.cell(2, column["name_en"]).value = name
    book.save(workbook)
    return str(sheet.cell(2, column["code"]).value)


def name_of(deployment: Deployment, code: str) -> str:
    activity = table(Activity)
    with deployment.database() as database, database.view() as unit:
        return str(unit.connection.execute(select(activity.c.name).where(activity.c.code == code)).scalar_one()["en"])


def is_to_be_told(deployment: Deployment) -> bool:
    """Whether an event waits for the receiver, or will be found by the next look."""
    return bool(deployment.rows("SELECT 1 FROM event_delivery WHERE state = 'waiting' LIMIT 1"))
