"""An officer reports an activity in chat, and it is stored for good: the whole way, with the real bot."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bot.changed_forms import publish_changed
from tests.bot.house import ANA, JEAN, LUIS, Town, furnish, town_in
from tests.bot.officers import report_as_last_month, report_begun, report_sent, report_without_people
from tests.bot.photos import photo_with_gps
from tests.storage.database import scratch

pytestmark = pytest.mark.slow


@pytest.fixture(params=["polling", "webhook"])
def town_both_ways(request: pytest.FixtureRequest, tmp_path: Path, furnished: Path) -> Iterator[Town]:
    with town_in(tmp_path, furnished, webhook=request.param == "webhook") as town:
        yield town


@pytest.fixture
def postgres_town(tmp_path: Path) -> Iterator[Town]:
    """The same town on PostgreSQL, in a schema of its own."""
    with scratch.schema_or_skip(bots=1) as url:
        furnish(tmp_path, url)
        with town_in(tmp_path, None, database_url=url) as town:
            yield town


def test_the_same_as_last_month_in_four_taps_and_one_line(town_both_ways: Town) -> None:
    """Menu, activity, igual, one line, send; stored before the receipt, one receipt, no other message left."""
    ana = town_both_ways.officer(ANA)
    ana.say("/pendientes")
    assert "MMUJER" in ana.text

    ana.tap("PRE-101")
    assert "Cómo va la actividad" in ana.text

    ana.tap("Igual que el reporte anterior")
    assert "próximo paso" in ana.text

    ana.say("Grabar tres cuñas con la radio estatal antes del 20")
    receipt = ana.tap("Enviar ahora")
    assert "Recibo n.º" in receipt
    assert "Siguiente: ASI-201" in ana.buttons
    [(status, progress, version)] = town_both_ways.rows(
        "SELECT activity_status, progress, version FROM submission WHERE subject = 'activity:PRE-101'"
        " AND reporting_period_id = (SELECT id FROM reporting_period WHERE code = '201809')"
    )
    assert (status, version) == ("in_progress", 1)
    assert progress > 0
    assert len(ana.from_bot) <= 3


def test_a_completed_activity_with_people_and_a_photo(town: Town) -> None:
    """The photo is stored without its metadata, under both hashes; the receipt names what was sent."""
    ana = town.officer(ANA)
    ana.say("/pendientes")
    for text in ("PRE-101", "Completada", "Omitir", "Hoy", "Sí"):
        ana.tap(text)
    ana.say("230")
    ana.say("20 10 110 85")
    assert "Personas sin dato de sexo o edad: 5." in ana.text

    ana.tap("Omitir")
    ana.tap("📷 Foto")
    ana.do(lambda: ana.phone.send_files("document", ("jornada ñ.jpg", photo_with_gps())))
    ana.wait_for("Confirmo que la foto")
    ana.tap("Entendido")
    ana.say("Lista de asistencia")
    ana.tap("Nivel nacional")
    assert "230" in ana.text
    assert "Recibo n.º" in ana.tap("Enviar ahora")
    [(name, original, sha, original_sha, mime)] = town.rows(
        "SELECT file_name, original_name, sha256, original_sha256, mime_type FROM attachment"
    )
    assert original == "jornada ñ.jpg"
    assert sha != original_sha
    assert mime == "image/jpeg"
    stored = [path.read_bytes() for path in (town.folder / "evidence").rglob("*") if path.is_file()]
    assert stored
    assert all(b"Canary" not in data and b"GPS" not in data for data in stored)
    [(answers,)] = town.rows("SELECT answers FROM submission WHERE subject='activity:PRE-101' ORDER BY id DESC LIMIT 1")
    assert name in answers


def test_a_bot_killed_in_mid_form_asks_the_same_question_and_nothing_again(town: Town) -> None:
    """What was answered is durable, and so is where the conversation stands."""
    ana = report_begun(town, ANA, "PRE-101")
    ana.tap("En curso")
    ana.tap("75")
    assert "unidades" in ana.text

    town.kill()
    ana.phone.say("12")
    town.start()
    ana.wait_for("llegó a personas")
    report_without_people(ana)
    ana.tap("Enviar ahora")
    [(answers,)] = town.rows("SELECT answers FROM submission WHERE subject='activity:PRE-101' ORDER BY id DESC LIMIT 1")
    assert '"/activity_report/progress":"75"' in answers.replace('": "', '":"') or '"75"' in answers


def test_the_language_changes_in_mid_form(town: Town) -> None:
    """/idioma at any question: the same question in the other language."""
    ana = report_begun(town, ANA, "PRE-101")
    ana.tap("En curso")
    ana.say("/idioma")
    ana.tap("Kreyòl")
    assert "pousantaj" in ana.text

    ana.say("60")
    ana.tap("Sote")
    assert "touche moun" in ana.text

    ana.tap("Non")
    assert town.rows("SELECT language FROM person WHERE telegram_id = ?", ANA) == [("ht",)]


def test_a_foreign_or_forged_tap_changes_nothing(town: Town) -> None:
    """Callback data is input, not proof (S3)."""
    ana, luis = report_begun(town, ANA, "PRE-101"), town.officer(LUIS)
    data = ana.card["reply_markup"]["inline_keyboard"][1][0]["callback_data"]
    luis.say("/pendientes")
    before = town.rows("SELECT id, version, data FROM session")
    for forged in (data, "f:1:1:pick:0", "f:zz:1:pick:0", "c:corregir:1", "c:nope:", "x", "c:invitar:admin"):
        luis.phone.tap(luis.card["message_id"], data=forged)
    town.rest()

    assert town.rows("SELECT id, version, data FROM session") == before
    assert town.rows("SELECT count(*) FROM invitation") == [(0,)]


def test_a_stale_tap_shows_where_one_is(town: Town) -> None:
    """A keyboard stays clickable for ever; an old one changes nothing."""
    ana = report_begun(town, ANA, "PRE-101")
    card = ana.card
    old = card["reply_markup"]["inline_keyboard"][1][0]["callback_data"]
    ana.tap("En curso")
    before = town.rows("SELECT version FROM session")
    ana.phone.tap(card["message_id"], data=old)
    town.rest()

    assert "porcentaje" in ana.text
    assert town.rows("SELECT version FROM session") == before


def test_the_alternate_sees_who_holds_a_report_and_can_take_it_over(town: Town) -> None:
    """One report an activity and period: they cannot double it."""
    ana, luis = report_begun(town, ANA, "PRE-101"), town.officer(LUIS)
    ana.tap("En curso")
    luis.say("/pendientes")
    luis.tap("PRE-101")
    assert "Ana Martínez ya empezó" in luis.text

    luis.tap("Sí, lo tomo yo")
    assert "porcentaje" in luis.text

    town.rest()
    assert "Luis Peña tomó el reporte" in ana.text
    assert town.rows("SELECT count(*) FROM session WHERE state='open'") == [(1,)]


def test_a_draft_survives_leaving_and_is_found_again(town: Town) -> None:
    """Salir keeps it; the list marks it; it opens at the same question."""
    ana = report_begun(town, ANA, "PRE-101")
    ana.tap("En curso")
    ana.tap("Salir")
    assert "Guardé su borrador" in ana.text

    ana.tap("Menú")
    assert any(text.startswith("✎ PRE-101") for text in ana.buttons)

    ana.tap("PRE-101")
    assert "porcentaje" in ana.text


def test_history_shows_receipts_and_a_report_can_be_corrected_until_it_locks(town: Town) -> None:
    """A correction is a new version; nothing is overwritten."""
    ana = report_sent(town, ANA, "PRE-101", "Primer texto del próximo paso")
    ana.say("/historial")
    ana.tap("PRE-101 · septiembre")
    assert "Primer texto" in ana.text

    ana.tap("Corregir")
    ana.tap("próximo paso")
    ana.say("Segundo texto del próximo paso")
    assert "versión 2" in ana.tap("Enviar ahora")
    rows = town.rows(
        "SELECT version, is_current, answers FROM submission WHERE subject='activity:PRE-101'"
        " AND answers LIKE '%texto%' ORDER BY version"
    )
    assert [(version, bool(current)) for version, current, _ in rows] == [(1, False), (2, True)]
    assert "Primer" in rows[0][2]
    assert "Segundo" in rows[1][2]


def test_editing_a_message_corrects_the_answer(town: Town) -> None:
    """One's own Telegram message is the answer."""
    ana = report_begun(town, ANA, "PRE-101")
    ana.tap("En curso")
    ana.say("25")
    mine = [m for m in ana.phone.messages() if not m["from"]["is_bot"]][-1]
    ana.do(lambda: ana.phone.edit(mine["message_id"], "35"))
    assert "Corregido" in ana.text

    ana.tap("Atrás")
    assert "Su respuesta: 35" in ana.text


def test_forwards_are_no_answers(town: Town) -> None:
    """S4: identity is who writes it."""
    ana = report_as_last_month(town, ANA, "PRE-101")
    ana.do(lambda: ana.phone.forward("Texto de otra persona"))

    assert "reenviados" in str(ana.phone.messages())
    assert "próximo paso" in ana.text
    assert "Texto de otra persona" not in str(town.rows("SELECT data FROM session"))


def test_a_redelivered_update_changes_nothing(town: Town) -> None:
    """G2: Telegram delivers twice, we answer once."""
    ana = town.officer(ANA)
    rule = town.client.add_fault("repeat", method="getUpdates", times=6)
    ana.say("/pendientes")
    ana.tap("PRE-101")
    ana.tap("En curso")
    ana.tap("50")
    assert town.client.fault_hits(rule) > 0

    town.rest()
    assert "unidades" in ana.text
    assert len([m for m in ana.from_bot if "unidades" in str(m.get("text"))]) == 1


def test_telegram_down_loses_nothing(town: Town) -> None:
    """What was committed is said when Telegram is back."""
    ana = report_begun(town, ANA, "PRE-101")
    rule = town.client.add_fault("5xx", method="editMessageText", times=2)
    ana.tap("En curso")
    ana.wait_for("porcentaje")

    assert town.client.fault_hits(rule) == 2


def test_closing_the_month_asks_first_and_refuses_while_something_is_left(town: Town) -> None:
    """With the list of what is missing."""
    ana = town.officer(ANA)
    ana.say("/cerrar")
    assert "faltan 2" in ana.text

    for code in ("PRE-101", "ASI-201"):
        ana.say("/pendientes")
        ana.tap(code)
        ana.tap("Igual")
        ana.say("Seguir con el plan de trabajo")
        ana.tap("Enviar ahora")
    assert "Cerramos" in ana.text

    ana.tap("Cerrar el mes")  # the receipt has asked already
    assert "MMUJER cerró" in ana.text
    assert "a tiempo" in ana.text
    assert town.rows("SELECT count(*) FROM closing")[0][0] >= 1


def test_a_receipt_offers_to_close_what_closing_closes(town: Town) -> None:
    """A month and the quarter that ends with it: the receipt of the last report names both, as the question does."""
    jean = town.officer(JEAN)
    for code in ("PRE-304", "PRE-103"):
        jean.say("/rete")
        jean.tap(code)
        for answer in ("Ap fèt", "=30", "Sote", "Non", "San prèv", "Sote", "=Mete afich nan de biwo"):
            jean.say(answer[1:]) if answer.startswith("=") else jean.tap(answer)
        jean.tap("Voye kounye a")
    both = "septanm 2018 ak 3yèm trimès 2018"
    assert both in jean.text

    jean.tap("Fèmen mwa a")
    assert both in jean.text


def test_the_same_on_postgresql(postgres_town: Town) -> None:
    """Report, kill, resume, receipt: the other database keeps the same promises."""
    ana = report_begun(postgres_town, ANA, "PRE-101")
    ana.tap("En curso")
    postgres_town.kill()
    ana.phone.say("75")
    postgres_town.start()
    ana.wait_for("unidades")
    ana.tap("Omitir")
    report_without_people(ana)

    assert "Recibo n.º" in ana.tap("Enviar ahora")


def test_of_an_album_the_first_file_is_kept_and_that_is_said(town: Town) -> None:
    """A question takes one file."""
    ana = town.officer(ANA)
    ana.say("/pendientes")
    for text in ("PRE-101", "En curso", "75", "Omitir", "No", "📷 Foto"):
        ana.tap(text)
    ana.phone.send_files("photo", ("a.jpg", photo_with_gps()), ("b.jpg", photo_with_gps()))
    ana.wait_for("Confirmo que la foto")

    assert town.rows("SELECT count(*) FROM attachment") == [(1,)]
    assert "solo el primer archivo" in str([seen.as_json() for seen in town.sandbox.world.ledger.since(0, chat=ANA)])


def test_a_location_answers_where_it_was_done_and_is_refused_in_words_at_a_list(town: Town) -> None:
    """The paperclip is enough at "¿Dónde se hizo?". At the provinces the list is shown again, below the location."""
    ana = town.officer(ANA)
    ana.say("/pendientes")
    for text in ("PRE-101", "En curso", "75", "Omitir", "No", "Sin evidencia"):
        ana.tap(text)
    ana.wait_for("¿Dónde se hizo?")
    ana.tap("Por provincia")
    ana.do(lambda: ana.phone.send_location(18.5, -69.9))
    assert "Aquí no hace falta una ubicación: elija de la lista." in ana.text
    assert "¿En qué provincias?" in ana.text
    assert ana.card["message_id"] == ana.from_bot[-1]["message_id"]

    ana.tap("Atrás")
    ana.do(lambda: ana.phone.send_location(18.5, -69.9))
    ana.wait_for("próximo paso")


def test_a_session_finishes_on_the_form_version_it_began_with(town: Town) -> None:
    """T15: a new version is published in mid-form; only the next session sees it."""

    def reworded(workbook: Any) -> None:
        for row in workbook["survey"].iter_rows(min_row=2):
            if row[1].value == "status":
                row[2].value = "¿Cómo marcha todo?"

    ana, luis = report_begun(town, ANA, "PRE-101"), town.officer(LUIS)
    publish_changed(town, "2099010101", reworded)
    ana.tap("En curso")
    ana.tap("Atrás")
    assert "¿Cómo va la actividad?" in ana.text

    luis.say("/pendientes")
    luis.tap("ASI-201")
    assert "¿Cómo marcha todo?" in luis.text


def test_a_report_that_the_form_does_not_know_is_not_begun(town: Town) -> None:
    """The plan has an activity that the published form does not list: that is said, and told to the operator."""

    def behind(workbook: Any) -> None:
        columns = {cell.value: cell.column - 1 for cell in workbook["survey"][1]}
        for row in workbook["survey"].iter_rows(min_row=2):
            if row[1].value == "activity":
                row[columns["type"]].value, row[columns["choice_filter"]].value = "select_one activity", None
            elif row[1].value == "sensitive_act":
                row[columns["calculation"]].value = "'no'"
        workbook["choices"].append(["activity", "ASI-201", *["ASI-201"] * 3])

    publish_changed(town, "2099010103", behind)
    ana = town.officer(ANA)
    ana.say("/pendientes")
    assert "el plan cambió" in ana.tap("PRE-101")

    ana.say("/pendientes")
    assert "¿Cómo va" in ana.tap("ASI-201")
    assert "form.disagrees" in town.logged()


def test_a_draft_cannot_be_sent_once_its_period_has_locked(town: Town) -> None:
    """Not by the old button, not by typing, not by resuming; the draft itself is kept."""
    ana = report_as_last_month(town, ANA, "PRE-101")
    ana.say("Texto a tiempo")
    card = ana.card
    town.client.move_clock(to="2018-10-15T12:00:00Z")
    town.rest()
    ana.do(lambda: ana.phone.tap(card["message_id"], "Enviar ahora"))
    ana.wait_for("Septiembre 2018 ya cerró")

    assert town.rows("SELECT count(*) FROM submission WHERE answers LIKE '%Texto a tiempo%'") == [(0,)]
    assert town.rows("SELECT state FROM session ORDER BY id DESC LIMIT 1") == [("open",)]


def test_a_correction_left_as_a_draft_is_one_tap_away(town: Town) -> None:
    """Whatever was begun and not finished stands in the list."""
    ana = report_sent(town, ANA, "PRE-101", "Primer texto")
    ana.tap("Corregir")
    ana.tap(next(text for text in ana.buttons if "próximo paso" in text))
    ana.say("Otro texto")
    ana.tap("Guardar borrador")
    ana.say("/pendientes")
    assert any(text.startswith("✎ PRE-101") for text in ana.buttons)

    ana.tap("✎ PRE-101")
    assert "Revise antes de enviar" in ana.text
