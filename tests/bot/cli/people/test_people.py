"""People at the server: invited, added, suspended; and what is left to report."""

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.bot.cli.commands import contents, counted, enlace, is_one_line, learn_name

pytestmark = pytest.mark.slow


def test_an_invitation_is_a_code_and_then_a_link(folder: Path) -> None:
    """One line on stdout; 256 bits, kept nowhere in the database as they are (S1)."""
    code = enlace(folder, "invite", "--role", "focal_point", "--agency", "MINERD")
    assert (code.code, len(code.out.splitlines())) == (0, 1)
    assert len(code.out.strip()) == 43

    learn_name(folder)
    told = enlace(folder, "invite", "--role", "observer", "--agency", "IJM", "--ttl", "3d", "--json")
    made = json.loads(told.out)
    assert made["link"] == f"https://t.me/enlace_demo_bot?start={made['code']}"
    assert (made["role"], made["agency"]) == ("observer", "IJM")

    expires = datetime.fromisoformat(made["expires_at"])
    assert timedelta(hours=71) < expires - datetime.now(UTC) <= timedelta(hours=72)

    dump = "\n".join(contents(folder))
    assert code.out.strip() not in dump
    assert made["code"] not in dump


def test_the_first_admin_has_15_minutes_and_the_second_is_invited_in_the_chat(folder: Path) -> None:
    """S19: whoever holds the server makes one admin, not many."""
    made = json.loads(enlace(folder, "invite", "--role", "admin", "--ttl", "72h", "--json").out)
    left = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=13) < left <= timedelta(minutes=15)

    assert enlace(folder, "people", "add", "--telegram-id", "5", "--name", "Ana", "--role", "admin").code == 0
    second = enlace(folder, "invite", "--role", "admin")
    assert (second.code, second.out, is_one_line(second)) == (1, "", True)
    assert "in the chat" in second.err


def test_an_observer_is_enrolled_or_invited_as_a_contributor(folder: Path) -> None:
    """They also report the indicators that their agency leads; nobody else is one."""
    observer = ("--role", "observer", "--agency", "IJM", "--contributor")
    assert enlace(folder, "people", "add", "--telegram-id", "7", "--name", "Jean", *observer).code == 0
    assert enlace(folder, "invite", *observer).code == 0
    with sqlite3.connect(folder / "enlace.db") as database:
        found = [
            database.execute(f"SELECT is_contributor FROM {name}").fetchall() for name in ("membership", "invitation")
        ]
    assert found == [[(1,)], [(1,)]]

    reader = enlace(folder, "invite", "--role", "reader", "--contributor")
    assert (reader.code, is_one_line(reader)) == (1, True)


def test_roles_and_agencies_must_fit(folder: Path) -> None:
    """An agency the plan does not have is answered with those it has; a focal point needs one."""
    wrong = enlace(folder, "invite", "--role", "focal_point", "--agency", "NOPE")
    assert (wrong.code, is_one_line(wrong)) == (1, True)
    assert "MINERD" in wrong.err

    without = enlace(folder, "invite", "--role", "focal_point")
    assert (without.code, is_one_line(without)) == (1, True)
    assert counted(folder, "invitation") == 0


def test_people_are_added_listed_suspended_and_restored(folder: Path) -> None:
    """One a line, tab-separated or as JSON; the last admin stays."""
    admin = ("people", "add", "--telegram-id", "506", "--name", "Pedro Núñez", "--role", "admin")
    focal = ("people", "add", "--telegram-id", "501", "--name", "Ana\tLía", "--role", "alternate", "--agency", "PN")
    assert [enlace(folder, *each).code for each in (admin, focal)] == [0, 0]

    lines = enlace(folder, "people", "list").out.splitlines()
    assert "506\tPedro Núñez\tadmin\t-\tactive\tarrived\t-" in lines
    assert all(line.count("\t") == 6 for line in lines)

    last, unknown = (enlace(folder, "people", "suspend", "--telegram-id", number) for number in ("506", "999"))
    assert (last.code, is_one_line(last)) == (1, True)
    assert enlace(folder, "people", "suspend", "--telegram-id", "501").code == 0
    states = {row["telegram_id"]: row["state"] for row in json.loads(enlace(folder, "people", "list", "--json").out)}
    assert states == {506: "active", 501: "suspended"}
    assert enlace(folder, "people", "restore", "--telegram-id", "501").code == 0
    assert "501\tAna Lía\talternate\tPN\tactive" in enlace(folder, "people", "list").out
    assert (unknown.code, is_one_line(unknown)) == (1, True)


def test_what_admins_do_in_chat_is_done_at_the_server_too(folder: Path) -> None:
    """Roles, links, agencies and settings; what is refused is one line with its remedy, and changes nothing."""
    focal = ("people", "add", "--telegram-id", "501", "--name", "Ana Lía", "--role", "alternate", "--agency", "PN")
    assert enlace(folder, *focal).code == 0

    role = ("people", "role", "--telegram-id", "501", "--role")
    assert enlace(folder, *role, "focal_point", "--agency", "PN").code == 0
    assert "501\tAna Lía\tfocal_point\tPN\tactive" in enlace(folder, "people", "list").out
    assert counted(folder, "outbox") == 2  # the menu of the role, and what it is
    assert enlace(folder, "invite", "--role", "reader").code == 0

    (link,) = json.loads(enlace(folder, "people", "links", "--json").out)
    assert link["role"] == "reader"
    assert enlace(folder, "people", "revoke", "--link", str(link["link"])).code == 0
    assert enlace(folder, "agencies", "add", "--code", "fiscal", "--name", "Fiscalía", "--from", "2018-01-01").code == 0
    assert "people: 1" in enlace(folder, "agencies", "end", "--code", "PN", "--on", "2018-12-01").err

    states = {row["agency"]: row["state"] for row in json.loads(enlace(folder, "agencies", "list", "--json").out)}
    assert (states["FISCAL"], states["PN"], states["PGR"]) == ("active", "inactive", "active")
    assert enlace(folder, "agencies", "restore", "--code", "PN").code == 0
    assert enlace(folder, "settings", "set", "link_hours", "24").code == 0
    assert "link_hours\t24\t72" in enlace(folder, "settings", "list").out

    refused = [
        (1, (*role, "focal_point")),
        (1, ("people", "role", "--telegram-id", "999", "--role", "reader")),
        (2, (*role, "king")),
        (1, ("people", "revoke", "--link", str(link["link"]))),
        (1, ("agencies", "add", "--code", "PGR", "--name", "x")),
        (2, ("agencies", "add", "--code", "ZZ", "--name", "x", "--type", "king")),
        (1, ("agencies", "end", "--code", "NOPE")),
        (2, ("agencies", "end", "--code", "PN", "--on", "someday")),
        (1, ("settings", "set", "link_hours", "500")),
        (2, ("settings", "set", "min_cell", "1")),
    ]
    with ThreadPoolExecutor(2) as pool:
        for (code, given), done in zip(refused, pool.map(lambda each: enlace(folder, *each[1]), refused), strict=True):
            assert (done.code, done.out, is_one_line(done)) == (code, "", True), given


def test_what_is_left_to_report_depends_on_the_instant(folder: Path) -> None:
    """One report a line; the same as JSON; nothing before the plan began."""
    given = [("--at", "2018-10-05T09:00"), ("--at", "2018-10-05T09:00", "--json"), ("--at", "2001-01-01", "--json")]
    with ThreadPoolExecutor(3) as pool:
        on, same, early = pool.map(lambda a: enlace(folder, "due", "--reports", *a), given)
    rows = json.loads(same.out)

    assert on.code == 0
    assert len(on.out.splitlines()) == len(rows) > 20
    assert {row["period"] for row in rows} >= {"201809", "2018Q3"}
    assert all(line.count("\t") == 4 for line in on.out.splitlines())
    assert early.out.strip() == "[]"


def test_names_are_as_long_as_in_the_chat_and_the_limit_is_said(folder: Path) -> None:
    """Cut in silence, a name would be another one."""
    person = ("people", "add", "--telegram-id", "3", "--role", "reader", "--name")
    agency = ("agencies", "add", "--code", "ZZ", "--name")
    for given, limit in ((person, 128), (agency, 160)):
        long = enlace(folder, *given, "x" * (limit + 1))
        assert (long.code, is_one_line(long), f"{limit} characters at most" in long.err) == (2, True, True)
        assert enlace(folder, *given, "x" * limit).code == 0


def test_a_name_needs_a_letter_that_can_be_seen(folder: Path) -> None:
    """Of a person, and of an agency that is new or renamed; what turns a text around is left out."""
    person = ("people", "add", "--telegram-id", "3", "--role", "reader", "--name")
    agency = ("agencies", "add", "--code", "ZZ", "--name")
    for given in (person, agency, ("agencies", "change", "--code", "PGR", "--name-fr")):
        refused = enlace(folder, *given, "\u200b\u200c")
        assert (refused.code, is_one_line(refused), "letter" in refused.err) == (2, True, True), given
    assert enlace(folder, *person, "Ana\u202e Pérez").code == 0
    assert "\tAna Pérez\t" in enlace(folder, "people", "list").out
    assert enlace(folder, *agency, "Z\u202e").code == 0
    assert {row["agency"]: row["name"] for row in json.loads(enlace(folder, "agencies", "list", "--json").out)}[
        "ZZ"
    ] == "Z"
