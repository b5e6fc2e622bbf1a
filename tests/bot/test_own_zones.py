"""Each plan has its own zone and language, whatever those of the deployment are.

The deployment is in Santo Domingo. The second plan is in Auckland, where the next day has begun; for what a process
does by the machine's clock, the two zones have different days at every instant.
"""

import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import openpyxl
import pytest

from bot.open_storage import open_storage
from bot.schedule import jobs, scheduler
from bot.schedule.explain import explained
from bot.schedule.job import Job, Message, Moment
from bot.schedule.ledger import write_once
from bot.schedule.regular import regular
from bot.workers.exports import allowed
from conversations.plan.calendar.agenda import Agenda, Recipient
from conversations.plan.model import Role
from conversations.plan.periods import ONE_DAY
from storage.calendar.ledger import StoredFire
from storage.calendar.schedules import NewSchedule
from storage.plan.settings import LANGUAGE
from storage.unit_of_work import UnitOfWork
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


def told(folder: Path, *command: str) -> str:
    """What a command says about P2."""
    done = enlace(folder, *command, "--plan", "P2", ENLACE_TIMEZONE=LATEST)
    assert done.code == 0, done
    return done.out


# ------------------------------------------------------------------ what leaves
def test_the_cover_of_a_file_has_the_zone_and_the_language_of_its_plan(at_server: Path) -> None:
    """From the command line, without `--language`."""
    told(at_server, "export", "plan", "--format", "xlsx", "--out", "plan.xlsx")
    cover = openpyxl.load_workbook(at_server / "plan.xlsx").worksheets[0]
    cells = [str(cell) for row in cover.iter_rows(values_only=True) for cell in row if cell]
    assert any(each.endswith(EARLIEST) for each in cells), cells
    assert "Plan d'action" in cells


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


# ------------------------------------------------------------------ what is sent on schedule
def tell_the_day(unit: UnitOfWork, moment: Moment, people: Sequence[Recipient]) -> dict[int, tuple[Message, ...]]:
    return {who.person_id: (Message({"text": moment.today.isoformat()}),) for who in people}


def tell_it_again(
    unit: UnitOfWork, moment: Moment, outlook: Agenda, told: Sequence[tuple[StoredFire, Recipient]]
) -> dict[int, Message | str | None]:
    return {fire.id: Message({"text": f"again {moment.today.isoformat()}"}) for fire, _ in told}


ADMINS = frozenset({Role.ADMIN})
DAILY = Job("daily", "digest", ADMINS, "workdays", time(8), regular(tell_the_day, ADMINS), tell_it_again)


def test_a_job_is_told_the_day_of_its_plan_whenever_it_plans_looks_again_or_explains(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a job that nobody has written yet: each moment is of one plan."""
    for known in (jobs.BY_WHAT, scheduler.BY_WHAT):
        monkeypatch.setitem(known, DAILY.what, DAILY)
    plan_id = open_second_plan(desk, (PEDRO,), timezone=THERE)
    new = NewSchedule(DAILY.what, DAILY.days, DAILY.at)
    before = datetime(2018, 10, 1, 20, tzinfo=UTC)

    def days(unit: UnitOfWork, of: int) -> list[str]:
        found = [one.text for one in explained(unit, NOW, of) if one.what == DAILY.what and one.is_said]
        for batch in scheduler.due(unit, NOW, [one for one in unit.schedules.all(of) if one.what == DAILY.what]):
            found += [str(message.payload["text"]) for one in batch.planned for message in one.messages]
            write_once(unit, batch, NOW)
        rows, _ = scheduler.look_at(unit, unit.outbox.claim(NOW, NOW + timedelta(minutes=1)), NOW)
        return found + [str(row.payload["text"]).rpartition("\n")[2] for row in rows]

    for of, day in ((1, "2018-10-03"), (plan_id, "2018-10-04")):
        desk.do(lambda unit, of=of: unit.schedules.add(of, new, before))
        assert desk.do(lambda unit, of=of: days(unit, of)) == [day, day, f"again {day}"]
        desk.do(lambda unit: unit.connection.exec_driver_sql("DELETE FROM outbox"))
        desk.do(lambda unit: unit.connection.exec_driver_sql("DELETE FROM fire"))


def test_a_schedule_in_the_zone_of_the_plan_is_in_that_of_its_own_plan(at_server: Path) -> None:
    """`schedules add --zone plan`, and the times that `list` shows."""
    told(at_server, "schedules", "add", "digest", "--zone", "plan")
    listed = json.loads(told(at_server, "schedules", "list", "--json"))
    assert EARLIEST in {row["zone"] for row in listed}
    assert {at[-6:] for row in listed for at in row["next"]} == {"-11:00"}


def test_what_is_due_is_told_as_of_the_wall_time_of_the_plan(at_server: Path) -> None:
    """An instant without an offset, and its day: September locks 25 hours after Kiritimati has midnight."""
    with open_storage(settings_in(at_server)) as database, database.view() as unit:
        locks_on = unit.plans.period(unit.plans.by_code("P2").id, "201809").locks_on
    left = [
        json.loads(told(at_server, "due", "--reports", "--json", "--at", f"{day}T{hour}"))
        for day, hour in ((locks_on - ONE_DAY, "23:30"), (locks_on, "00:30"))
    ]
    assert ["201809" in {row["period"] for row in rows} for rows in left] == [True, False]
