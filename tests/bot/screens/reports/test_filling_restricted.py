"""What is restricted or personal is sealed, leaves the chat and is in no log: the whole way, with the real bot."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.bot.changed_forms import publish_changed
from tests.bot.house import ANA, ROSA, Town
from tests.bot.officers import report_as_last_month, report_begun, report_sent
from tests.bot.photos import photo_with_gps
from tests.deadlines import wait_until

pytestmark = pytest.mark.slow


def test_what_is_said_about_a_restricted_activity_is_sealed(town: Town) -> None:
    """S12: neither draft nor submission nor outbox holds it in the clear; rates still count it."""
    canary = "Coordinar con la mesa de acogida canaria"
    ana = report_begun(town, ANA, "ASI-201")
    assert "🔒" in ana.text

    ana.tap("Igual que el reporte anterior")
    ana.say(canary)
    assert canary in ana.text

    ana.tap("Enviar ahora")
    for path in town.folder.glob("enlace.db*"):
        assert canary.encode() not in path.read_bytes(), path.name
    assert canary not in town.logged()
    [(status, answers)] = town.rows(
        "SELECT activity_status, answers FROM submission WHERE subject='activity:ASI-201' ORDER BY id DESC LIMIT 1"
    )
    assert status == "in_progress"
    assert answers is None


def at_the_next_look(town: Town, holds: Callable[[], bool], what: str) -> None:
    """Chats are cleaned once a minute, and of what was tried the next minute knows: minutes of the sandbox's clock."""

    def once_more() -> bool:
        town.rest()
        if not holds():
            town.client.move_clock(by=60)
        return holds()

    wait_until(once_more, what, show=town.logged, look_again=1.0)


def test_nothing_restricted_stands_in_the_chat_once_it_is_sent_or_a_day_has_passed(town: Town) -> None:
    """S15: what either side wrote, forwards and contact cards too; the receipt stays. Nothing makes a sound (S24).

    What Telegram has refused to delete is named in the status with its chat.
    """
    canary = "Coordinar con la mesa de acogida canaria"
    ana = report_begun(town, ANA, "ASI-201")
    for act in (lambda: ana.phone.forward(f"{canary}, para Nurys"), lambda: ana.phone.send_contact()):
        ana.do(act)
    assert not any("contact" in message for message in ana.phone.messages())
    ana.tap("Igual que el reporte anterior")
    ana.say(canary)
    assert canary in ana.text
    assert ana.card["has_protected_content"]
    silent = [
        call for call in town.client.calls() if canary in str(call["params"]) and "message_id" not in call["params"]
    ]
    assert silent
    assert all(call["params"].get("disable_notification") for call in silent)
    receipt = ana.tap("Enviar ahora")
    assert "Recibo n.º" in receipt
    assert "ASI-201 · 🔒" in receipt
    assert "%" not in receipt
    town.rest()
    assert canary not in str(ana.phone.messages())
    [names] = town.rows("SELECT name, short_name FROM activity WHERE code = 'ASI-201'")
    titles = {each["es"] for each in map(json.loads, names)}
    assert not [title for title in titles if title in str(ana.phone.messages())]
    assert [call["method"] for call in town.client.calls()].count("deleteMessages") == 1
    assert [m["text"] for m in ana.phone.messages() if not m["from"]["is_bot"]] == ["/pendientes"]

    # A draft that is left lying.
    ana.tap("Corregir")
    ana.say("Cambiar el próximo paso canario")
    assert "canari" in str(ana.phone.messages())
    rows = "SELECT count(*), count(refused_at) FROM restricted_message"
    assert town.rows(rows)[0][0] > 1
    town.client.move_clock(by=23 * 3600)
    wait_until(lambda: "canari" not in str(ana.phone.messages()), "a day later it is gone", show=town.logged)
    at_the_next_look(town, lambda: town.rows(rows) == [(0, 0)], "and nothing is left to do")
    assert "Recibo n.º" in str(ana.phone.messages())

    # The bot is away for thirty hours, when it should have deleted.
    ana.say("Otro próximo paso canario")
    town.stop()
    town.client.move_clock(by=54 * 3600)
    town.start()
    at_the_next_look(town, lambda: town.rows(rows)[0][1] > 0, "what Telegram refuses is known")
    left = [m for m in ana.phone.messages() if "canari" in str(m)]
    assert town.enlace("status").stdout.count(f"chat {ANA} ({town.rows(rows)[0][1]},") == 1
    assert left


def test_personal_data_is_deleted_from_the_chat_and_stored_nowhere(town: Town) -> None:
    """The message goes, the question stays; so goes a photo whose words are changed later."""
    ana = report_as_last_month(town, ANA, "PRE-101")
    ana.say("Llamar a su cédula 001-1234567-8 mañana")
    assert "dato personal" in ana.text

    ana.do(lambda: ana.phone.send_files("photo", ("p.jpg", photo_with_gps()), caption="El taller"))
    [photo] = [message["message_id"] for message in ana.phone.messages() if "photo" in message]
    ana.do(lambda: ana.phone.edit(photo, "Cédula 001-1234567-8"))

    town.rest()
    assert not any("photo" in message for message in ana.phone.messages())
    assert not any("1234567" in str(message) for message in ana.phone.messages())
    for path in town.folder.glob("enlace.db*"):
        assert b"1234567-8" not in path.read_bytes()
    assert "1234567" not in town.logged()


def test_the_referral_form_runs_in_the_chat_and_is_sealed(town: Town) -> None:
    """Totals only, always restricted."""
    rosa = town.officer(ROSA)
    rosa.say("/referimientos")
    rosa.tap("Entendido")
    rosa.tap("Ozama") if "Ozama" in str(rosa.buttons) else rosa.say("Ozama")
    rosa.say("8")
    rosa.say("4 1 2 1 0")
    rosa.say("5 2 1 0")
    rosa.say("1, 2")
    rosa.tap("Omitir")
    rosa.say("1")
    rosa.tap("Omitir")
    rosa.tap("Restringido")
    rosa.tap("Entendido")

    assert "Recibo n.º" in rosa.tap("Enviar ahora")
    assert town.rows("SELECT count(*) FROM submission WHERE subject IS NULL AND answers IS NULL") == [(1,)]


def test_a_log_holds_neither_token_nor_name_nor_answer(town: Town) -> None:
    """S8, at the end of a whole report."""
    report_sent(town, ANA, "PRE-101", "Palabra canaria en la respuesta")
    town.stop()

    logged = town.logged()
    assert "bot.stopped" in logged or "bot.ready" in logged
    for secret in (town.sandbox.token, "SANDBOX-token", "canaria", "Ana Martínez", "Martínez"):
        assert secret not in logged


def test_a_question_marked_sensitive_seals_its_session(town: Town) -> None:
    """S12 by the form's own column, also where the activity is not restricted."""

    def marked(workbook: Any) -> None:
        survey, settings = workbook["survey"], workbook["settings"]
        column = survey.max_column + 1
        survey.cell(1, column).value = "bind::enlace:sensitive"
        for row in survey.iter_rows(min_row=2):
            if row[1].value == "next_step":
                survey.cell(row[0].row, column).value = "yes"
        settings.cell(1, settings.max_column + 1).value = "namespaces"
        settings.cell(2, settings.max_column).value = 'enlace="https://enlace.example/xforms"'

    publish_changed(town, "2099010102", marked)
    report_sent(town, ANA, "PRE-101", "Palabra canaria del próximo paso")
    for path in town.folder.glob("enlace.db*"):
        assert b"canaria" not in path.read_bytes()
