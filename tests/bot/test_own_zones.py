"""Each plan has its own zone and language, whatever those of the deployment are.

The deployment is in Santo Domingo. The second plan is in Auckland, where the next day has begun; for what a process
does by the machine's clock, the two zones have different days at every instant.
"""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest

from bot.open_storage import open_storage
from bot.workers.exports import allowed
from storage.plan.settings import LANGUAGE
from tests.bot.cli.commands import enlace
from tests.bot.desk import Desk, taps
from tests.bot.doors.served import served
from tests.bot.house import PEDRO, settings_in
from tests.bot.second_plan import open_second_plan

THERE = "Pacific/Auckland"
NOW = datetime(2018, 10, 3, 12, tzinfo=UTC)
"""The 3rd in Santo Domingo and the 4th in Auckland."""
EARLIEST, LATEST = "Pacific/Pago_Pago", "Pacific/Kiritimati"
"""They are 25 hours apart."""


@pytest.fixture
def at_server(tmp_path: Path, furnished: Path) -> Path:
    """The folder of a deployment, for commands with `ENLACE_TIMEZONE=LATEST`: P2 is in EARLIEST, in French."""
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    with open_storage(settings_in(tmp_path)) as database:
        desk = Desk(database)
        plan_id = open_second_plan(desk, timezone=EARLIEST)
        desk.do(lambda unit: unit.settings.set(plan_id, LANGUAGE, "fr", now=NOW, by=None))
    return tmp_path


# ------------------------------------------------------------------ what leaves
def test_the_cover_of_a_file_has_the_zone_and_the_language_of_its_plan(at_server: Path) -> None:
    """From the command line, without `--language`."""
    asked = ("export", "plan", "--format", "xlsx", "--out", "plan.xlsx", "--plan", "P2")
    done = enlace(at_server, *asked, ENLACE_TIMEZONE=LATEST)
    assert done.code == 0, done
    cover = openpyxl.load_workbook(at_server / "plan.xlsx").worksheets[0]
    told = [str(cell) for row in cover.iter_rows(values_only=True) for cell in row if cell]
    assert any(each.endswith(EARLIEST) for each in told), told
    assert "Plan d'action" in told


def test_a_file_that_is_asked_for_in_the_chat_has_the_days_of_its_plan(desk: Desk) -> None:
    plan_id = open_second_plan(desk, (PEDRO,), timezone=THERE)
    desk.tap(PEDRO, f"c{plan_id}:exportar:")
    [go] = [tap for tap in taps(desk.say(PEDRO, "/exportar")) if ":exportar:go." in tap]
    desk.tap(PEDRO, go)
    with desk.database.view() as unit:
        asked = allowed(unit, unit.jobs.of_kind("export")[-1])
    assert asked is not None
    assert (asked.wanted.plan_id, asked.wanted.zone.key) == (plan_id, THERE)


def test_a_read_at_the_door_counts_on_the_day_and_speaks_the_language_of_its_plan(desk: Desk) -> None:
    """A program that names no language gets the plan's; only a plan without one has the deployment's."""
    plan_id = open_second_plan(desk, (), timezone=THERE)
    desk.do(lambda unit: unit.settings.set(plan_id, LANGUAGE, "fr", now=NOW, by=None))
    with served(desk.database) as door:
        titles = []
        for door.plan_id in (1, plan_id):
            token = door.token("internal", anew=True)
            titles.append(door.ask("plan/columns", token=token).json["resources"][0]["title"])
            door.ask("plan", token=token)
            with desk.database.view() as unit:
                [read] = [each.details for each in unit.audit.latest(door.plan_id, limit=1)]
            assert (read["dataset"], read["on"]) == ("plan", "2018-10-03" if door.plan_id == 1 else "2018-10-04")
    assert titles == ["Plan de acción", "Plan d'action"]
