"""The audit log as people read it: everybody what concerns them, in their language, and names only for admins."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from string import Formatter
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.acts.upkeep.audit import Teller
from bot.cli.upkeep.audit import Asked, listed
from bot.open_storage import open_storage
from bot.screens.upkeep.audit import Look
from bot.telegram.handled import Handled
from conversations.languages import LANGUAGES
from conversations.wording import wording
from storage.database.audit import AUDITED_ACTS, KINDS, StoredAuditEntry, kind_of
from storage.exports.exporters import EXPORTERS
from tests.bot.desk import NOW, Desk
from tests.bot.house import ANA, CARMEN, GRACE, JEAN, PEDRO, furnish, settings_in
from tests.deadlines import PATIENCE
from tests.taps import command_token


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("desk")


@pytest.fixture(scope="module")
def desk(folder: Path) -> Iterator[Desk]:
    furnish(folder)
    with open_storage(settings_in(folder)) as database:
        made = Desk(database)
        record(made)
        yield made


def person_id(desk: Desk, telegram_id: int) -> int:
    with desk.database.view() as unit:
        person = unit.people.by_telegram_id(telegram_id)
    assert person is not None
    return person.id


def record(desk: Desk) -> None:
    """One act of each kind, an hour apart, by the admin; the first two concern Ana."""
    admin, ana = person_id(desk, PEDRO), person_id(desk, ANA)

    def acts(unit: Any) -> None:
        plan_id = unit.plans.only().id
        for number, act in enumerate(AUDITED_ACTS):
            details: dict[str, Any] = {"period": "201809", "agency": "MMUJER", "role": "observer", "plan": "RD"}
            details |= {"person": ana} if number < 2 else {}
            unit.audit.record(act, admin, plan_id, details, NOW + timedelta(hours=number))
        unit.audit.record("reminders.paused", person_id(desk, CARMEN), plan_id, {}, NOW + timedelta(days=30))

    desk.database.units.submit(None, acts).result(PATIENCE)


def text(handled: Handled) -> str:
    return "\n".join(str(row.payload.get("text", "")) for row in handled.deliveries)


def buttons(handled: Handled) -> dict[str, str]:
    return {
        button["text"]: button["callback_data"]
        for row in handled.deliveries
        for line in (row.payload.get("reply_markup") or {}).get("inline_keyboard", [])
        for button in line
    }


def test_every_act_has_its_sentence_and_what_it_is_about() -> None:
    """In each language, with no gap that an entry could leave open; and it can be looked for by its kind."""
    for act in AUDITED_ACTS:
        assert kind_of(act) in KINDS, act
        for language in LANGUAGES:
            sentence = wording(language)(f"audit.{act}")
            assert sentence != f"audit.{act}"
            assert all(name is None or name.isidentifier() for _, name, _, _ in Formatter().parse(sentence))


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_export_is_named_in_the_readers_words(desk: Desk, language: str) -> None:
    """Every dataset, as the screen of exports names it, and not by its name on the command line."""
    with desk.database.view() as unit:
        teller = Teller(unit, 1, wording(language), ZoneInfo("America/Santo_Domingo"), names=False)
        for dataset in sorted({each.dataset for each in EXPORTERS}):
            entry = StoredAuditEntry(1, 1, NOW, None, "exported", {"dataset": dataset, "format": "x"})
            label = wording(language)(f"export.data.{dataset}")
            assert label[1:] in teller.sentence(entry), dataset


def test_an_admin_reads_who_did_what_page_by_page(desk: Desk) -> None:
    """Newest first, names included, down to the first entry; each once. A role without an institution stands alone."""
    seen: list[str] = []
    told = ""
    handled = desk.say(PEDRO, "/auditoria")
    assert "Coordinación MIREX · Carmen Soto" in text(handled)

    for _ in range(99):
        told += text(handled)
        seen += [row for row in text(handled).splitlines() if re.search(r", \d\d:\d\d · ", row)]
        older = buttons(handled).get("Más antiguas ›")
        if older is None:
            break
        handled = desk.tap(PEDRO, older)
    with desk.database.view() as unit:
        everything = unit.audit.latest(unit.plans.only().id, limit=10_000)
    assert len(seen) == len(everything)
    assert "Administración · Pedro" in "\n".join(seen)
    assert "la función «Administración»." in told
    assert "(–)" not in told


def test_a_coordinator_reads_roles_and_no_names(desk: Desk) -> None:
    """docs/domain.md#who-sees-what: the coordination sees the log; who is who is for admins."""
    handled = desk.tap(CARMEN, Look(kind="people").tap().replace("command:", "c:"))
    assert "Administración" in text(handled)
    assert "Pedro" not in text(handled)


def test_a_focal_point_reads_what_they_did_and_what_was_done_to_them(desk: Desk) -> None:
    """Nobody else's acts; there is nothing to look for, and no look at others by a forged button."""
    handled = desk.say(ANA, "/auditoria")
    told = text(handled)
    assert "Dio a Punto focal MMUJER" in told
    assert "Pausó" not in told
    assert "Buscar…" not in buttons(handled)
    assert desk.tap(ANA, command_token("auditoria", "filter")).answer.show_alert  # type: ignore[union-attr]

    spied = desk.tap(ANA, command_token("auditoria", f"--{person_id(desk, CARMEN)}-"))
    assert "Pausó" not in text(spied)
    assert "Dio a" not in text(desk.say(JEAN, "/auditoria"))


def test_observers_have_no_log(desk: Desk) -> None:
    """Not even their own: they have no power over anybody."""
    handled = desk.say(GRACE, "/auditlog")
    assert "not for your role" in text(handled)


def test_the_log_is_looked_through_by_kind_person_and_day(desk: Desk) -> None:
    """Each by buttons; the day by typing it too."""
    handled = desk.tap(PEDRO, command_token("auditoria", "filter"))
    found = text(desk.tap(PEDRO, buttons(handled)["Exportaciones"]))
    assert "receptor de eventos" in found
    assert "Suspendió" not in found

    people = buttons(desk.tap(PEDRO, command_token("auditoria", "person")))
    carmen = next(data for label, data in people.items() if "Carmen" in label)
    assert "Pausó" in text(desk.tap(PEDRO, carmen))

    desk.tap(PEDRO, command_token("auditoria", "day"))
    found = text(desk.say(PEDRO, "2/11/2018"))
    assert found.count("Pausó") == 1
    assert "Carmen" in text(desk.say(PEDRO, "/auditoria 2/11/2018"))
    assert wording("es")("audit.none") in text(desk.say(PEDRO, "/auditoria 1/1/2017"))

    desk.tap(PEDRO, command_token("auditoria", "day"))
    assert wording("es")("err.date") in text(desk.say(PEDRO, "qué sé yo"))

    desk.say(PEDRO, "/menu")


@pytest.mark.parametrize(
    "argument", ["x", "1", "----", "-nobody--", "---99999999", "---00000000", f"{'9' * 20}---", "١---", "--1.5-"]
)
def test_a_button_that_is_none_of_ours_shows_nothing(desk: Desk, argument: str) -> None:
    """S3: what a tap carries is read strictly."""
    answer = desk.tap(PEDRO, command_token("auditoria", argument)).answer
    assert answer is not None
    assert answer.show_alert


def test_at_the_server_the_log_is_a_line_each(desk: Desk, folder: Path) -> None:
    """For scripts and for whoever has no chat."""
    settings = settings_in(folder)
    rows = list(listed(settings, 3, Asked(), "en"))

    assert rows[0]["act"] == "reminders.paused"
    assert "Carmen" in rows[0]["who"]
    assert rows[0]["told"] == "Paused the reminders for everybody."
    assert {row["act"] for row in listed(settings, 99, Asked("exports"), "es")} >= {"exported"}
