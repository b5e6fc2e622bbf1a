"""Several plans in one database, and what admins do in chat done at the server, in real processes."""

import json
import os
import pty
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from bot.acts.people.enrolment import Newcomer
from bot.acts.people.enrolment import enrol as enrol_in
from bot.cli import app
from bot.open_storage import open_storage
from conversations.plan.model import Role
from storage.exports.exporters import EXPORTERS
from storage.seed import seed_workbook
from storage.unit_of_work import UnitOfWork
from tests.bot.cli import tree
from tests.bot.cli.commands import (
    FORMS,
    contents,
    enlace,
    environment,
    is_one_line,
    learn_name,
    no_keys,
    settings_of,
)
from tests.deadlines import PATIENCE

pytestmark = pytest.mark.slow

NOON = datetime(2018, 10, 3, 12, tzinfo=UTC)


# ------------------------------------------------------------------ several plans
WITHOUT_PLAN = {
    ("plan", "new"), ("plan", "succeed"), ("run",), ("demo",), ("sandbox",), ("init",), ("status",),
    ("audit", "verify"), ("db", "upgrade"), ("db", "check"), ("db", "backup"), ("db", "restore"), ("db", "hold"),
    ("db", "resume"), ("form", "check"), ("form", "replay"), ("form", "try"), ("language", "check"),
    ("people", "suspend"), ("people", "restore"), ("keys", "new"), ("keys", "rotate"), ("keys", "retire"),
}  # fmt: skip
"""Commands that concern no plan, or all of them."""

OF_A_PLAN = [
    ("plan", "export", "--out", "p.xlsx"),
    ("plan", "lists", "--out", "lists"),
    ("plan", "undo", "--dry-run"),
    ("plan", "close", "--until", "2030-01-31"),
    ("form", "list"),
    ("form", "download", "activity_report", "--out", "f.xlsx"),
    ("form", "publish", str(FORMS / "activity_report.xlsx")),
    ("invite", "--role", "reader"),
    ("people", "list"),
    ("people", "add", "--telegram-id", "77", "--name", "A", "--role", "reader"),
    ("people", "role", "--telegram-id", "78", "--role", "reader"),
    ("people", "links"),
    ("people", "revoke", "--link", "9"),
    ("people", "contributor", "--telegram-id", "78", "--yes"),
    ("people", "requests"),
    ("people", "grant", "9"),
    ("people", "refuse", "9"),
    ("agencies", "list"),
    ("agencies", "add", "--code", "ZZ", "--name", "Z"),
    ("agencies", "change", "--code", "PGR", "--name", "P"),
    ("agencies", "end", "--code", "PN"),
    ("agencies", "restore", "--code", "PN"),
    ("settings", "list"),
    ("settings", "set", "link_hours", "24"),
    *(("periods", "list"), ("periods", "correct", "201808", "PRE-101", "--lead", "PGR", "--reason", "x")),
    ("periods", "move", "201809", "--days", "3"),
    ("periods", "reopen", "201808", "--agency", "PGR", "--reason", "missing"),
    ("periods", "end", "201808", "--agency", "PGR"),
    ("schedules", "list"),
    ("schedules", "add", "digest"),
    ("schedules", "pause", "9"),
    ("schedules", "resume", "9"),
    ("schedules", "now", "9"),
    ("schedules", "remove", "9"),
    ("holidays", "list"),
    ("holidays", "add", "2030-01-08"),
    ("holidays", "remove", "2030-01-08"),
    ("pause",),
    ("resume",),
    ("delegations", "list"),
    ("delegations", "end", "9"),
    ("comments", "list"),
    ("events", "list"),
    ("events", "add", "https://example.org/in"),
    *(("events", act, "9") for act in ("test", "deliveries", "replay", "pause", "resume", "remove")),
    ("tokens", "list"),
    ("tokens", "add", "--audience", "public"),
    ("tokens", "revoke", "nobody"),
    ("tokens", "test", "nobody"),
    ("events", "kinds", "9", "all"),
    ("export", "agencies", "--format", "csv", "--out", "a.csv"),
    ("digest",),
    ("due",),
    ("due", "--reports"),
]


@pytest.fixture(scope="module")
def two_plans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two")
    assert enlace(folder, "init", "--empty").code == 0
    (folder / "plan.xlsx").write_bytes(seed_workbook())
    assert enlace(folder, "plan", "import", "plan.xlsx", "--plan", "P1").code == 0
    assert enlace(folder, "plan", "import", "plan.xlsx", "--plan", "P2", "--new-plan").code == 0
    return folder


def test_every_command_about_a_plan_can_be_told_which() -> None:
    """A command that forgets `--plan` cannot be used where there are two; one that needs none is in the list above."""
    group = tree.whole()
    found: dict[bool, set[tuple[str, ...]]] = {True: set(), False: set()}
    for path in tree.paths(group):
        command = tree.found(group, path)
        if not hasattr(command, "commands"):
            found["plan_code" in {parameter.name for parameter in command.params}].add(path)
    assert found[False] == WITHOUT_PLAN

    tried = {given[:2] if given[:2] in found[True] else given[:1] for given in OF_A_PLAN}
    assert found[True] - tried == {("plan", "import"), ("audit", "list")}  # one makes the plan, one reads all of them


def test_with_two_plans_a_command_asks_which_and_goes_on_with_the_one_it_is_told(
    two_plans: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line that names the plans and the option, and nothing has changed; with `--plan` it is about that plan."""
    before = contents(two_plans)
    monkeypatch.chdir(two_plans)
    for name, value in environment(two_plans, {}).items():
        monkeypatch.setenv(name, value)
    for given in OF_A_PLAN:  # in this process: there are many, and each of its own would begin with two seconds
        monkeypatch.setattr(sys, "argv", ["enlace", *given])
        with pytest.raises(SystemExit) as ended:
            app.main()
        told = capsys.readouterr()
        assert (ended.value.code, told.out, len(told.err.splitlines())) == (1, "", 1), (given, told)
        assert "several plans: say which with --plan, one of P1, P2" in told.err, given
    assert [row for row in contents(two_plans) if row not in before] == []

    asked = [(*given, "--plan", "P2") for given in OF_A_PLAN if given[-1] in ("list", "digest", "due")]
    with ThreadPoolExecutor(2) as pool:
        for given, done in zip(asked, pool.map(lambda each: enlace(two_plans, *each), asked), strict=True):
            assert done.code == 0, (given, done)
    unknown = enlace(two_plans, "people", "list", "--plan", "P3")
    assert (unknown.code, is_one_line(unknown), "one of P1, P2" in unknown.err) == (1, True, True)


def test_each_of_two_plans_has_its_own_admin_agencies_and_log(two_plans: Path, tmp_path: Path) -> None:
    """What is done in one is not seen in the other; the log of both is told without asking which."""
    folder = Path(shutil.copytree(two_plans, tmp_path / "copy"))
    admin = ("people", "add", "--telegram-id", "506", "--name", "Pedro", "--role", "admin", "--plan", "P1")
    assert enlace(folder, *admin).code == 0
    assert len(enlace(folder, "invite", "--role", "admin", "--plan", "P2").out.strip()) == 43
    assert enlace(folder, "invite", "--role", "admin", "--plan", "P1").code == 1
    assert enlace(folder, "agencies", "add", "--code", "NEW", "--name", "N", "--plan", "P1").code == 0

    pedro = {code: "Pedro" in enlace(folder, "people", "list", "--plan", code).out for code in ("P1", "P2")}
    assert pedro == {"P1": True, "P2": False}
    there = {code: "NEW\t" in enlace(folder, "agencies", "list", "--plan", code).out for code in ("P1", "P2")}
    assert there == {"P1": True, "P2": False}

    logged = {code: enlace(folder, "audit", "list", *code) for code in ((), ("--plan", "P1"), ("--plan", "P2"))}
    assert all(done.code == 0 for done in logged.values())
    assert ["NEW" in done.out for done in logged.values()] == [True, True, False]

    carmen = ("people", "add", "--telegram-id", "502", "--name", "Carmen", "--role", "coordinator", "--plan", "P2")
    assert enlace(folder, *carmen).code == 0

    due = {code: enlace(folder, "due", "--at", "2018-10-08T09:00", "--plan", code).out for code in ("P1", "P2")}
    assert ("Carmen" in due["P1"], "Carmen" in due["P2"]) == (False, True)


def did(folder: Path, work: Callable[[UnitOfWork], Any]) -> Any:
    """What happened in the chat before."""
    with open_storage(settings_of(folder)) as database:
        return database.units.submit(None, work).result()


def posted(folder: Path) -> list[tuple[int, str, str]]:
    """Whom the bot will tell: chat, method and text, in order."""
    with closing(sqlite3.connect(folder / "enlace.db")) as connection:
        found = connection.execute("SELECT chat_id, method, payload FROM outbox ORDER BY id").fetchall()
    return [(chat, method, json.loads(payload or "{}").get("text", "")) for chat, method, payload in found]


def acts(folder: Path) -> list[tuple[str, int | None]]:
    """What the log has, oldest first: the act, and who did it (None: the server)."""
    with closing(sqlite3.connect(folder / "enlace.db")) as connection:
        return connection.execute("SELECT act, actor_id FROM audit_entry ORDER BY id").fetchall()


def enrol(folder: Path, *people: tuple[int, str, str, str]) -> dict[str, int]:
    """People by Telegram number, name, role and agency; by name, the number they are kept under."""

    def work(unit: UnitOfWork) -> dict[str, int]:
        zone = "America/Santo_Domingo"
        return {
            name: enrol_in(unit, Newcomer(number, name, Role(role), agency, "es"), datetime.now(UTC), zone).id
            for number, name, role, agency in people
        }

    found: dict[str, int] = did(folder, work)
    return found


def test_what_waits_for_a_second_admin_is_settled_at_the_server(folder: Path) -> None:
    """Listed, granted, refused; whoever asked is told in the chat, and whoever has another role by it."""
    learn_name(folder)
    ids = enrol(folder, (506, "Pedro", "admin", ""), (507, "Rosa", "admin", ""), (501, "Ana", "alternate", "PN"))

    def ask(unit: UnitOfWork) -> list[int]:
        plan, now, by = unit.plans.only().id, datetime.now(UTC), ids["Pedro"]
        wanted = ((ids["Ana"], Role.COORDINATOR), (None, Role.ADMIN), (ids["Rosa"], Role.COORDINATOR))
        return [unit.role_requests.ask(plan, role, person_id=who, now=now, by=by).id for who, role in wanted]

    person, link, other = map(str, did(folder, ask))
    rows = json.loads(enlace(folder, "people", "requests", "--json").out)
    assert [(row["for"], row["role"], row["asked_by"]) for row in rows] == [
        ("Ana", "coordinator", "Pedro"), ("whoever gets the link", "admin", "Pedro"), ("Rosa", "coordinator", "Pedro"),
    ]  # fmt: skip
    assert [enlace(folder, "people", "grant", number).code for number in (person, link)] == [0, 0]
    assert enlace(folder, "people", "refuse", other).code == 0
    assert "501\tAna\tcoordinator" in enlace(folder, "people", "list").out
    assert "507\tRosa\tadmin" in enlace(folder, "people", "list").out

    told = posted(folder)
    assert (506, "sendMessage", "El servidor lo concedió. Pedro pide que Ana sea Coordinación.") in told
    assert (501, "setMyCommands", "") in told
    assert [text for chat, _, text in told if chat == 501 and text.startswith("Su función cambió")]
    assert any(chat == 506 and text.startswith("El servidor lo rechazó.") for chat, _, text in told)

    (sealed,) = [method for chat, method, text in told if chat == 506 and not text]  # the link is nowhere in the clear
    assert sealed == "sendMessage"
    assert {("role.granted", None), ("role.refused", None)} <= set(acts(folder))

    again = enlace(folder, "people", "grant", person)
    assert (again.code, again.out, is_one_line(again)) == (1, "", True)
    assert enlace(folder, "people", "requests").out == ""


def test_power_that_goes_at_the_server_is_told_as_in_the_chat(folder: Path) -> None:
    """An admin made less, or suspended, is no quiet act; whoever is suspended loses the menu and hears nothing."""
    enrol(
        folder, (506, "Pedro", "admin", ""), (507, "Rosa", "admin", ""), (508, "Eva", "admin", ""),
        (502, "Carmen", "coordinator", ""),
    )  # fmt: skip
    assert enlace(folder, "people", "role", "--telegram-id", "507", "--role", "reader").code == 0
    assert enlace(folder, "people", "suspend", "--telegram-id", "508").code == 0

    gone = [
        chat for chat, _, text in posted(folder) if text == "El servidor le quitó a Rosa la función de administración."
    ]
    assert gone == [506, 508, 502]

    gone = [chat for chat, _, text in posted(folder) if text.startswith("El servidor suspendió el acceso de Eva")]
    assert gone == [506, 502]
    assert [(method, text) for chat, method, text in posted(folder) if chat == 508][1:] == [("deleteMyCommands", "")]

    suspended = enlace(folder, "people", "role", "--telegram-id", "508", "--role", "reader")
    assert (suspended.code, "suspended" in suspended.err) == (1, True)


def test_an_observers_right_to_report_is_given_and_taken_at_the_server(folder: Path) -> None:
    """They are told each time; of whoever is no observer of an agency it is refused."""
    enrol(folder, (503, "Jean", "observer", "IJM"), (501, "Ana", "focal_point", "PN"))
    right = ("people", "contributor", "--telegram-id")
    said = [enlace(folder, *right, "503", which).err for which in ("--yes", "--yes", "--no")]

    assert ["Nothing was changed" in each for each in said] == [False, True, False]
    assert [chat for chat, _, _ in posted(folder)] == [503, 503]
    assert acts(folder)[-2:] == [("membership.contributor", None)] * 2

    for code, given in [(1, ("501", "--yes")), (1, ("999", "--yes")), (2, ("503",))]:
        done = enlace(folder, *right, *given)
        assert (done.code, done.out, "Traceback" in done.err) == (code, "", False), given


def test_an_agency_is_changed_at_the_server(folder: Path) -> None:
    """Its names, its type, its first day: what is given changes, what is not stays."""
    change = ("agencies", "change", "--code", "PGR")
    done = enlace(folder, *change, "--name-en", "Attorney General", "--type", "chair", "--from", "2018-01-01")
    assert done.code == 0

    rows = {
        row["agency"]: row for row in json.loads(enlace(folder, "agencies", "list", "--json", ENLACE_LANGUAGE="en").out)
    }
    row = rows["PGR"]
    assert (row["name"], row["type"], row["from"]) == ("Attorney General", "chair", "2018-01-01")
    assert acts(folder)[-3:] == [("agency.renamed", None), ("agency.changed", None), ("agency.begun", None)]
    assert enlace(folder, *change, "--name-fr=Ministère public").code == 0

    french = json.loads(enlace(folder, "agencies", "list", "--json", ENLACE_LANGUAGE="fr").out)
    assert {row["agency"]: row["name"] for row in french}["PGR"] == "Ministère public"
    assert enlace(folder, "agencies", "end", "--code", "PGR", "--on", "2018-12-01").code == 0

    before = contents(folder)
    for code, given in [
        (2, ()), (2, ("--type", "king")), (1, ("--name", " ")), (1, ("--from", "2019-01-01")),
        (2, ("--from", "soon")), (2, ("--name", "x" * 161)), (2, ("--name-xx", "x")), (2, ("--name-fr",)),
    ]:  # fmt: skip
        refused = enlace(folder, *change, *given)
        assert (refused.code, refused.out, is_one_line(refused)) == (code, "", True), given
    assert enlace(folder, "agencies", "change", "--code", "NOPE", "--type", "chair").code == 1
    assert contents(folder) == before


def test_periods_are_listed_moved_reopened_and_locked_again_at_the_server(folder: Path) -> None:
    """The agency's people are told each time; what no button offers is refused with what can be done."""
    enrol(folder, (501, "Ana", "focal_point", "PGR"), (506, "Pedro", "admin", ""))
    reopen = ("periods", "reopen", "201808", "--agency", "PGR")
    unsaid = enlace(folder, *reopen)
    assert (unsaid.code, is_one_line(unsaid), "--reason" in unsaid.err) == (2, True, True)
    assert enlace(folder, *reopen, "--days", "7", "--reason", "Faltó un anexo").code == 0
    (row,) = [row for row in json.loads(enlace(folder, "periods", "list", "--json").out) if row["period"] == "201808"]
    assert (row["state"], len(row["reopened"]), row["asked"]) == ("locked", 1, [])
    assert row["reopened"][0].startswith("PGR:20")
    again = enlace(folder, *reopen, "--reason", "missing")
    assert (again.code, is_one_line(again), "can report until" in again.err) == (1, True, True)
    assert enlace(folder, "periods", "end", "201808", "--agency", "PGR").code == 0
    assert enlace(folder, "periods", "end", "201808", "--agency", "PGR").code == 1
    told = [text for chat, _, text in posted(folder) if chat == 501]
    assert ["Faltó un anexo" in text for text in told] == [True, False]
    assert acts(folder)[-2:] == [("period.reopened", None), ("period.locked_again", None)]

    assert enlace(folder, "periods", "move", "201809", "--days", "3").code == 0
    assert acts(folder)[-1] == ("period.moved", None)
    states = {row["period"]: row["state"] for row in json.loads(enlace(folder, "periods", "list", "--json").out)}
    assert (states["201809"], states["201808"]) == ("late", "locked")
    assert enlace(folder, "periods", "move", "201809", "--lock").code == 0
    for code, given in [
        (1, ("move", "201808", "--open")), (1, ("move", "201808", "--days", "2")), (2, ("move", "201808")),
        (2, ("move", "201808", "--open", "--lock")), (1, ("move", "209901", "--lock")),
        (2, ("reopen", "201808", "--agency", "PGR", "--days", "2", "--reason", "missing")),
        (2, ("reopen", "201808", "--agency", "PGR", "--reason", "x" * 201)),
        (2, ("reopen", "201808", "--agency", "PGR", "--reason", "Llame al 809-555-1234")),
        (1, ("reopen", "201808", "--agency", "NOPE", "--reason", "missing")),
    ]:  # fmt: skip
        done = enlace(folder, "periods", *given)
        assert (done.code, done.out, is_one_line(done)) == (code, "", True), (given, done)


def test_what_an_agency_asked_for_is_granted_or_refused_at_the_server(folder: Path) -> None:
    """Granted without a reason of one's own, it is for theirs."""
    ana = enrol(folder, (501, "Ana", "focal_point", "PGR"))["Ana"]

    def ask(unit: UnitOfWork) -> None:
        now, plan = datetime.now(UTC), unit.plans.only().id
        agency = unit.plans.agency(plan, "PGR").id
        for code in ("201807", "201808"):
            period = unit.plans.period(plan, code)
            unit.periods.ask(plan, agency, period, "trouble", now=now, by=ana, today=now.date())

    did(folder, ask)
    asked = [row["asked"] for row in json.loads(enlace(folder, "periods", "list", "--json").out) if row["asked"]]
    assert asked == [["PGR"], ["PGR"]]
    assert enlace(folder, "periods", "reopen", "201807", "--agency", "PGR").code == 0
    assert "stays locked" in enlace(folder, "periods", "end", "201808", "--agency", "PGR").err

    granted, refused = (text for chat, _, text in posted(folder) if chat == 501)
    assert "Hubo un problema técnico" in granted
    assert "Hubo un problema técnico" not in refused
    assert acts(folder)[-2:] == [("period.reopened", None), ("period.reopening_refused", None)]


def test_published_forms_are_listed_and_taken_out_as_they_were_sent(folder: Path) -> None:
    """Every version; the file is the author's own, byte by byte."""
    own = openpyxl.load_workbook(FORMS / "activity_report.xlsx")
    own["settings"].cell(2, [cell.value for cell in own["settings"][1]].index("version") + 1).value = "own"
    own.save(folder / "own.xlsx")
    assert enlace(folder, "form", "publish", "own.xlsx").code == 0

    rows = json.loads(enlace(folder, "form", "list", "--json").out)
    states = [(row["state"], row["version"]) for row in rows if row["form"] == "activity_report"]
    assert states[0] == ("current", "own")
    assert states[1][0] == "earlier"
    assert enlace(folder, "form", "download", "activity_report", "--out", "now.xlsx").code == 0

    earlier = ("--version", states[1][1])
    assert enlace(folder, "form", "download", "activity_report", *earlier, "--out", "then.xlsx").code == 0
    assert (folder / "now.xlsx").read_bytes() == (folder / "own.xlsx").read_bytes()
    assert (folder / "then.xlsx").read_bytes() == (FORMS / "activity_report.xlsx").read_bytes()

    for given in (("nosuch",), ("activity_report", "--version", "0"), ("activity_report",)):
        out = "here" if given != ("activity_report",) else "."
        refused = enlace(folder, "form", "download", *given, "--out", out)
        assert (refused.code, refused.out, is_one_line(refused)) == (1, "", True), given


def test_schedules_are_kept_at_the_server(folder: Path) -> None:
    """Seen with their next three times, added, paused, resumed, said now, removed; each in the log."""
    enrol(folder, (502, "Carmen", "coordinator", ""))
    rows = json.loads(enlace(folder, "schedules", "list", "--json").out)
    assert [row["what"] for row in rows] == ["reminders", "digest", "card", "validated", "vacancies", "entering"]

    number = {row["what"]: str(row["schedule"]) for row in rows}
    assert [len(row["next"]) for row in rows[1:]] == [3, 3, 3, 3, 3]

    added = enlace(folder, "schedules", "add", "digest", "--days", "thu", "--at", "16:30", "--zone", "plan")
    export = enlace(
        folder, "schedules", "add", "export", "--dataset", "indicators", "--format", "csv", "--period",
        "previous.quarter", "--where", "PGR", "--days", "month:15",
    )  # fmt: skip
    assert (added.code, export.code) == (0, 0)
    assert enlace(folder, "schedules", "pause", number["reminders"]).code == 0

    rows = json.loads(enlace(folder, "schedules", "list", "--json").out)
    assert rows[0]["state"] == "paused"
    assert [rows[-2][key] for key in ("days", "at", "zone")] == ["thu", "16:30", "America/Santo_Domingo"]
    assert {datetime.fromisoformat(at).strftime("%H:%M") for at in rows[-2]["next"]} == {"16:30"}
    assert rows[-1]["days"] == "month:15"
    assert (rows[-1]["roles"], rows[-1]["export"]) == (["coordinator"], "indicators csv internal previous.quarter PGR")
    assert enlace(folder, "schedules", "resume", number["reminders"]).code == 0
    assert json.loads(enlace(folder, "schedules", "list", "--json").out)[0]["state"] == "active"
    assert "To be sent to 0." in enlace(folder, "schedules", "now", number["reminders"]).err
    assert enlace(folder, "schedules", "remove", number["card"]).code == 0

    left = [row["what"] for row in json.loads(enlace(folder, "schedules", "list", "--json").out)]
    assert left == ["reminders", "digest", "validated", "vacancies", "entering", "digest", "export"]
    assert {actor for act, actor in acts(folder) if act == "schedule_changed"} == {None}

    before = contents(folder)
    for code, given in [
        (2, ("add", "nosuch")), (2, ("add", "digest", "--days", "someday")), (2, ("add", "digest", "--at", "03:00")),
        (2, ("add", "digest", "--days", "month:29")),
        (2, ("add", "digest", "--role", "reader")), (2, ("add", "digest", "--zone", "moon")),
        (2, ("add", "digest", "--dataset", "reports")), (2, ("add", "export", "--period", "2018")),
        (2, ("add", "export", "--where", "NOPE")), (1, ("pause", "999")), (1, ("remove", number["card"])),
        (1, ("now", "999")),
    ]:  # fmt: skip
        done = enlace(folder, "schedules", *given)
        assert (done.code, done.out, is_one_line(done)) == (code, "", True), (given, done)
    strange = enlace(folder, "schedules", "add", "export", "--dataset", "audit", "--audience", "public")
    assert (strange.code, "\n  audit" in strange.err) == (2, True)
    assert contents(folder) == before


def test_holidays_and_everybodys_pause_are_kept_at_the_server(folder: Path) -> None:
    """A day added or removed moves what is to come; a removed one can be had again; a pause ends when it is ended."""
    since = ("holidays", "list", "--from", "2018-11-01", "--json")
    assert enlace(folder, "holidays", "add", "2018-11-07").code == 0
    assert enlace(folder, "holidays", "remove", "2018-11-05").code == 0

    days = [row["day"] for row in json.loads(enlace(folder, *since).out)][:2]
    assert days == ["2018-11-07", "2018-12-25"]
    assert enlace(folder, "holidays", "add", "2018-11-05").code == 0

    named = {row["day"]: row["name"] for row in json.loads(enlace(folder, *since).out)}
    assert (named["2018-11-05"], named["2018-11-07"]) == ("Día de la Constitución", "added by an administrator")

    until = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
    assert until in enlace(folder, "pause", "--until", until).err
    assert "go out again" in enlace(folder, "resume").err
    assert "no pause" in enlace(folder, "resume").err
    assert enlace(folder, "pause").code == 0

    done = [each for each in acts(folder) if each[0].startswith(("holiday", "reminders"))]
    assert done == [("holiday_changed", None)] * 3 + [
        ("reminders.paused", None), ("reminders.resumed", None), ("reminders.paused", None),
    ]  # fmt: skip

    for code, given in [
        (2, ("pause", "--until", "2018-10-03")), (2, ("pause", "--until", "soon")), (2, ("holidays", "add", "soon")),
        (1, ("holidays", "remove", "2018-11-08")),
    ]:  # fmt: skip
        refused = enlace(folder, *given)
        assert (refused.code, refused.out, is_one_line(refused)) == (code, "", True), given


def test_a_post_is_given_back_at_the_server_and_both_are_told(folder: Path) -> None:
    """As when the focal point takes it back in the chat."""
    ids = enrol(folder, (501, "Ana", "focal_point", "PGR"), (504, "Luis", "alternate", "PGR"))

    def delegate(unit: UnitOfWork) -> None:
        now = datetime.now(UTC)
        _, held = unit.people.in_plan(unit.plans.only().id, ids["Ana"])
        unit.roles.delegate(held, ids["Luis"], now.date() + timedelta(days=8), now=now)

    did(folder, delegate)
    (row,) = json.loads(enlace(folder, "delegations", "list", "--json").out)
    assert (row["agency"], row["of"], row["to"]) == ("PGR", "Ana", "Luis")
    assert enlace(folder, "delegations", "end", str(row["delegation"])).code == 0
    assert [chat for chat, _, _ in posted(folder)] == [501, 504]
    assert acts(folder)[-1] == ("delegation.ended", None)

    again = enlace(folder, "delegations", "end", str(row["delegation"]))
    assert (again.code, is_one_line(again)) == (1, True)
    assert enlace(folder, "delegations", "list").out == ""


def test_open_comments_are_counted_at_the_server_and_not_read(folder: Path) -> None:
    """Their words are the coordination's: what is listed needs no key."""
    jean = enrol(folder, (503, "Jean", "observer", "IJM"))["Jean"]

    def comment(unit: UnitOfWork) -> None:
        plan = unit.plans.only().id
        for subject in ("activity:PRE-101", None):
            unit.comments.add(plan, jean, subject, "CANARY: lo que dijo", datetime.now(UTC))

    did(folder, comment)
    no_keys(folder)
    listed = enlace(folder, "comments", "list")
    rows = json.loads(enlace(folder, "comments", "list", "--json").out)

    assert [(row["about"], row["agency"]) for row in rows] == [("PRE-101", "IJM"), ("the plan", "IJM")]
    assert [row.split("\t")[1:3] for row in listed.out.splitlines()] == [["PRE-101", "IJM"], ["the plan", "IJM"]]
    assert listed.err == "2 open comments.\n"


def test_the_log_is_read_by_who_and_by_day(folder: Path) -> None:
    """As /auditoria offers it; a person is named by their number."""
    ids = enrol(folder, (506, "Pedro", "admin", ""))
    did(folder, lambda unit: unit.audit.record("exported", ids["Pedro"], unit.plans.only().id, {}, datetime.now(UTC)))
    rows = enlace(folder, "audit", "list", "--person", "506", "--json").out.splitlines()
    assert [json.loads(row)["act"] for row in rows] == ["exported"]

    today = json.loads(rows[0])["at"][:10]
    assert len(enlace(folder, "audit", "list", "--day", today, "--limit", "100").out.splitlines()) > 1
    assert enlace(folder, "audit", "list", "--day", "2018-10-03").out == ""

    for code, given in [(1, ("--person", "999")), (2, ("--day", "soon")), (1, ("--day", "9999-12-31"))]:
        done = enlace(folder, "audit", "list", *given)
        assert (done.code, done.out, is_one_line(done)) == (code, "", True), given


def test_what_is_exported_is_told_a_dataset_a_line_and_a_folder_is_no_file(folder: Path) -> None:
    """`--help` names every format; nothing is logged or written for what cannot be."""
    before = contents(folder)
    unknown = enlace(folder, "export", "nosuch", "--format", "csv", "--out", "x.csv")
    lines = unknown.said
    assert (unknown.code, unknown.out, len(lines)) == (2, "", 1 + len({each.dataset for each in EXPORTERS}))
    assert "  reports      as csv, xlsx, jsonl, datapackage, for internal or observers or public" in lines
    assert max(map(len, lines)) < 100

    into = enlace(folder, "export", "reports", "--format", "csv", "--out", ".")
    assert (into.code, is_one_line(into), "folder" in into.err) == (2, True, True)

    told = enlace(folder, "export", "--help").out
    assert {each.format for each in EXPORTERS} <= set(re.findall(r"[\w-]+", told))
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("given", "begins"),
    [
        (("export", "agencies", "--format", "csv", "--out", "-"), "agency,agency_name,"),
        (("export", "agencies", "--format", "jsonl", "--out", "/dev/stdout"), '{"agency":'),
    ],
)
def test_data_goes_to_the_standard_output_and_talk_beside_it(folder: Path, given: tuple[str, ...], begins: str) -> None:
    done = enlace(folder, *given)
    assert (done.code, done.out[: len(begins)], done.said[0].split(" ")[1:3]) == (0, begins, ["of", "agencies"])
    full = enlace(folder, *given[:-1], "/dev/full")
    assert (full.code, full.out, full.said) == (
        1, "", ["enlace: /dev/full: No space left on device. Nothing was written."],
    )  # fmt: skip


def test_an_export_holds_what_was_asked_for(folder: Path) -> None:
    """A filter that finds nothing leaves the head alone; the dictionary speaks the language of the labels."""
    plan = ("export", "plan", "--format", "csv", "--out", "plan.csv")
    assert enlace(folder, *plan, "--status", "delayed").code == 0
    assert len((folder / "plan.csv").read_text("utf-8").splitlines()) == 1

    assert enlace(folder, *plan, "--language", "fr", "--dictionary", "words.json").code == 0
    assert len((folder / "plan.csv").read_text("utf-8").splitlines()) > 50
    assert "Institution" in (folder / "words.json").read_text("utf-8")

    reports = ("export", "reports", "--format", "csv", "--out", "reports.csv", "--validation", "validated")
    assert (enlace(folder, *reports).code, enlace(folder, *plan, "--validation", "validated").code) == (0, 1)


def test_lists_are_columns_on_a_terminal(folder: Path) -> None:
    """Whoever looks sees columns; a script gets tabs."""
    ours, theirs = pty.openpty()
    subprocess.run(
        [sys.executable, "-m", "bot", "settings", "list"], cwd=folder, env=environment(folder, {}), stdout=theirs,
        check=True, timeout=PATIENCE,
    )  # fmt: skip
    os.close(theirs)
    shown = os.read(ours, 65536).decode().splitlines()
    os.close(ours)

    assert "\t" not in "".join(shown)
    assert len({line.index(line.split()[1]) for line in shown if len(line.split()) == 3}) == 1
