"""An admin edits the questions in Excel, sends the file to the bot, and it runs: the whole way, with the real bot."""

import io
import json
import zipfile

import pytest
from openpyxl import Workbook
from PIL import Image

from tests.bot.house import ANA, LUIS, PEDRO, ROSA, Officer, Town
from tests.bot.workers.sent_forms import ONE, document, send, until, workbook

pytestmark = pytest.mark.slow
TOWNS = b"name,label\nsd,Santo Domingo\nst,Santiago\n"


@pytest.fixture
def admin(town: Town) -> Officer:
    return town.officer(PEDRO)


TWO = workbook("2", ["text", "place", "¿Dónde fue?"], ["integer", "women", "¿Cuántas mujeres?"])
WITH_TOWNS = workbook("3", ["select_one_from_file towns.csv", "town", "¿Qué ciudad?"])


def publish(town: Town, admin: Officer, data: bytes, name: str = "visits.xlsx") -> None:
    send(admin, name, data, "visits ·")
    admin.tap("✅ Publicar")
    admin.wait_for("Publicado: Visitas")


def test_a_workbook_sent_is_checked_published_and_filled(town: Town, admin: Officer) -> None:
    """New form: check, Publicar, audit entry; a reporter finds it under /formularios and sends it."""
    told = send(admin, "visits.xlsx", ONE, "visits ·")
    assert "versión 1" in told
    assert "Es un formulario nuevo" in told
    assert town.rows("SELECT count(*) FROM form WHERE form_id = 'visits'") == [(0,)]

    admin.tap("✅ Publicar")
    admin.wait_for("Publicado: Visitas, versión 1")
    [(act, details)] = town.rows("SELECT act, details FROM audit_entry WHERE actor_id IS NOT NULL AND act LIKE 'form%'")
    assert (act, json.loads(details)["form_id"]) == ("form_published", "visits")

    ana = town.officer(ANA)
    ana.say("/formularios")
    ana.tap("Visitas")
    assert "¿Dónde?" in ana.text

    ana.say("Azua")
    ana.say("12")
    assert "Recibo" in ana.tap("Enviar")


def test_what_was_sent_with_an_own_form_can_be_corrected(town: Town, admin: Officer) -> None:
    """Corregir on the receipt leads to its answers; what is sent is a new version of it, and is corrected in turn (G6).

    A correction that was begun is gone on with, not begun twice; a colleague may take it over.
    """
    publish(town, admin, ONE)
    ana = town.officer(ANA)
    ana.say("/formularios")
    ana.tap("Visitas")
    ana.say("Azua")
    ana.say("12")
    assert not ana.tap("Enviar").splitlines()[2].endswith("·")

    ana.tap("Corregir")
    assert "Azua" in str(ana.buttons)

    ana.say("/salir")
    ana.say("/historial")
    ana.tap(next(button for button in ana.buttons if "Visitas" in button))
    assert "Azua" in ana.tap("Corregir")
    assert town.rows("SELECT count(*) FROM session WHERE supersedes_id IS NOT NULL") == [(1,)]

    ana.tap("Cambiar")
    ana.tap(next(button for button in ana.buttons if "personas" in button))
    assert "13" in ana.say("13")
    assert "versión 2" in ana.tap("Enviar")

    ana.tap("Corregir")
    assert "13" in str(ana.buttons)

    luis = town.officer(LUIS)
    luis.say("/historial")
    luis.tap(next(button for button in luis.buttons if "Visitas" in button))
    assert "Ana Martínez" in luis.tap("Corregir")
    assert "13" in luis.tap(luis.buttons[0])
    assert "Visitas" in ana.wait_for("Luis Peña")
    versions = town.rows(
        "SELECT version, is_current, answers FROM submission WHERE root_id IN "
        "(SELECT root_id FROM submission WHERE version > 1) ORDER BY version"
    )
    assert [(version, current, json.loads(answers)["/data/n"]) for version, current, answers in versions] == [
        (1, 0, "12"),
        (2, 1, "13"),
    ]


def test_differences_are_shown_and_open_drafts_finish_on_their_version(town: Town, admin: Officer) -> None:
    """Added, removed, changed by name; who had begun goes on with the old questions; the next begins with the new."""
    publish(town, admin, ONE)
    ana, rosa = town.officer(ANA), town.officer(ROSA)
    ana.say("/formularios")
    ana.tap("Visitas")
    told = send(admin, "visits.xlsx", TWO, "Frente a la versión 1")
    assert "Nuevas (1): women" in told
    assert "Quitadas (1): n" in told
    assert "place (label)" in told
    assert "Borradores abiertos: 1" in told

    admin.tap("✅ Publicar")
    assert "siguen en una versión anterior: 1" in admin.wait_for("Publicado: Visitas, versión 2")
    assert "¿Cuántas personas?" in ana.say("Azua")

    rosa.say("/forms")
    rosa.tap("Visitas")
    assert "¿Dónde fue?" in rosa.text


def test_the_same_again_and_a_discarded_one_change_nothing(town: Town, admin: Officer) -> None:
    """Idempotent: the same content offers no button; Descartar forgets; an old button is stale."""
    publish(town, admin, ONE)
    assert "ya publicada" in send(admin, "visits.xlsx", ONE, "ya publicada")
    assert "✅ Publicar" not in admin.buttons

    send(admin, "visits.xlsx", TWO, "Frente a la versión 1")
    admin.tap("Descartar")
    assert "Nada cambió" in admin.text
    assert town.rows("SELECT version FROM form_version v JOIN form f ON f.id = v.form_id WHERE f.form_id='visits'") == [
        ("1",)
    ]


def test_an_older_workbook_sent_again_becomes_current_again(town: Town, admin: Officer) -> None:
    """A roll-back: told as such, without a further number, in the audit trail; the next session begins with it."""
    publish(town, admin, ONE)
    send(admin, "visits.xlsx", TWO, "Frente a la versión 1")
    admin.tap("✅ Publicar")
    admin.wait_for("versión 2")
    told = send(admin, "visits.xlsx", ONE, "Frente a la versión 2")
    assert "La versión 1 ya se publicó antes" in told

    admin.tap("✅ Publicar")
    admin.wait_for("Publicado: Visitas, versión 1")
    assert town.rows(
        "SELECT count(*) FROM form_version v JOIN form f ON f.id = v.form_id WHERE f.form_id='visits'"
    ) == [(2,)]
    acts = town.rows(
        "SELECT details FROM audit_entry WHERE act = 'form_published' AND actor_id IS NOT NULL ORDER BY id"
    )
    assert [json.loads(details)["version"] for [details] in acts] == ["1", "2", "1"]

    ana = town.officer(ANA)
    ana.say("/formularios")
    ana.tap("Visitas")
    assert "¿Dónde?" in ana.text


def test_a_version_number_is_not_used_twice(town: Town, admin: Officer) -> None:
    """Other questions under a published number: named, with the remedy, and no button."""
    publish(town, admin, ONE)
    told = send(admin, "visits.xlsx", workbook("1", ["text", "other", "¿Otra?"]), "ya se publicó")
    assert "settings" in told
    assert "✅ Publicar" not in admin.buttons


def test_a_list_comes_with_the_form_and_is_renewed_alone(town: Town, admin: Officer) -> None:
    """Workbook, then its CSV; a new CSV makes a data version, and sessions keep the list they began with."""
    assert "towns.csv" in send(admin, "visits.xlsx", WITH_TOWNS, "visits ·")

    send(admin, "towns.csv", TOWNS, "Sin observaciones")
    admin.tap("✅ Publicar")
    admin.wait_for("versión 3")
    ana, rosa = town.officer(ANA), town.officer(ROSA)
    ana.say("/formularios")
    ana.tap("Visitas")
    assert "Santiago" in ana.buttons

    told = send(admin, "towns.csv", TOWNS + b"az,Azua\n", "Frente a la versión 3")
    assert "town (choices)" in told

    admin.tap("✅ Publicar")
    admin.wait_for("versión 3+2")
    rosa.say("/forms")
    rosa.tap("Visitas")
    assert "Azua" in rosa.buttons
    assert "Azua" not in ana.buttons


def test_a_zip_brings_all_and_the_workbook_can_be_had_back(town: Town, admin: Officer) -> None:
    """/formularios lists version and date; the source comes back as it was sent."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a/visits.xlsx", WITH_TOWNS)
        archive.writestr("a/towns.csv", TOWNS)
    publish(town, admin, packed.getvalue(), "todo.zip")
    admin.say("/formularios")
    assert "Visitas · versión 3" in admin.text

    admin.tap("Visitas")
    admin.tap("⬇️ Libro, versión 3")
    assert document(admin) == "visits-3.zip"


def test_pictures_that_came_with_the_form_go_before_its_card(town: Town, admin: Officer) -> None:
    """`media::image` of a question and of its choices: photos, captioned by their choice, then the card."""
    publish(town, admin, zipped({"visits.xlsx": illustrated("1"), "media/map.png": picture("PNG"),
                                 "media/tent.jpg": picture("JPEG")}), "todo.zip")  # fmt: skip
    ana = town.officer(ANA)
    ana.say("/formularios")
    ana.tap("Visitas")
    assert not [message for message in ana.from_bot if "photo" in message]

    ana.say("Azua")
    until(ana, lambda: "y" if "refugio" in ana.text else "")
    *_, first, second, card = ana.from_bot
    assert ("photo" in first, "photo" in second) == (True, True)
    assert (first.get("caption", ""), second["caption"]) == ("", "Carpa")
    assert "¿Qué refugio?" in card["text"]
    assert "Casa" in ana.tap("Casa")


def test_pictures_that_did_not_come_along_are_kept_or_named(town: Town, admin: Officer) -> None:
    """A new form without its pictures is told so; a new version of a published one keeps those it had."""
    assert "map.png, tent.jpg" in send(admin, "visits.xlsx", illustrated("1"), "visits ·")

    told = send(
        admin, "todo.zip", zipped({"visits.xlsx": illustrated("1"), "map.png": picture("PNG")}), "muestra: tent.jpg"
    )
    assert "map.png" not in told

    admin.tap("✅ Publicar")
    admin.wait_for("versión 1")
    told = send(admin, "visits.xlsx", illustrated("2"), "Frente a la versión 1")
    assert "tent.jpg" in told
    assert "map.png" not in told


def illustrated(version: str) -> bytes:
    made = Workbook()
    survey = made.active
    survey.title = "survey"
    for row in [
        ["type", "name", "label", "media::image"],
        ["text", "place", "¿Dónde?", ""],
        ["select_one shelter", "shelter", "¿Qué refugio?", "map.png"],
    ]:
        survey.append(row)
    choices = made.create_sheet("choices")
    for row in [["list_name", "name", "label", "media::image"], ["shelter", "tent", "Carpa", "tent.jpg"],
                ["shelter", "house", "Casa", ""]]:  # fmt: skip
        choices.append(row)
    settings = made.create_sheet("settings")
    settings.append(["form_id", "form_title", "version"])
    settings.append(["visits", "Visitas", version])
    written = io.BytesIO()
    made.save(written)
    return written.getvalue()


def picture(kind: str) -> bytes:
    drawn = io.BytesIO()
    Image.new("RGB", (80, 60), "teal").save(drawn, kind)
    return drawn.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


def test_what_was_sent_last_fills_the_next(town: Town, admin: Officer) -> None:
    """`${last-saved#…}`: blank the first time, then what this person sent last; nobody else's.

    A correction of the second is calculated from the first, as the second itself was.
    """
    made = Workbook()
    survey = made.active
    survey.title = "survey"
    for row in [
        ["type", "name", "label", "default", "calculation"],
        ["text", "place", "¿Dónde?", "${last-saved#place}", ""],
        ["integer", "n", "¿Cuántas personas?", "", ""],
        ["calculate", "before", "", "", "${last-saved#n}"],
    ]:
        survey.append(row)
    settings = made.create_sheet("settings")
    settings.append(["form_id", "form_title", "version"])
    settings.append(["visits", "Visitas", "1"])
    written = io.BytesIO()
    made.save(written)
    publish(town, admin, written.getvalue())
    ana, rosa = town.officer(ANA), town.officer(ROSA)
    for who in (ana, rosa):
        who.say("/formularios")
        who.tap("Visitas")
        assert not [button for button in who.buttons if "Azua" in button]
    ana.say("Azua")
    ana.say("12")
    ana.tap("Enviar")
    ana.say("/formularios")
    ana.tap("Visitas")
    ana.tap("Igual: Azua")
    ana.say("15")
    ana.tap("Enviar")
    ana.tap("Corregir")
    ana.tap("Cuántas")
    ana.say("16")
    ana.tap("Enviar")

    sent = [json.loads(answers) for [answers] in town.rows("SELECT answers FROM submission ORDER BY id DESC LIMIT 3")]
    assert [(each["/data/place"], each["/data/n"], each.get("/data/before")) for each in sent] == [
        ("Azua", "16", "12"),
        ("Azua", "15", "12"),
        ("Azua", "12", None),
    ]


def test_many_problems_come_as_a_document_and_nothing_is_offered(town: Town, admin: Officer) -> None:
    """The first in the message, all in the text; a form with errors has no Publicar."""
    bad = workbook("1", *[["integr", f"q{n}", f"Q{n}"] for n in range(20)])
    told = send(admin, "visits.xlsx", bad, "14 más")

    assert "Errores: 20" in told
    assert "✅ Publicar" not in admin.buttons
    assert document(admin) == "visits.xlsx.txt"


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.xlsx", b"type,name", "CSV"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "dañado"),
        ("a.zip", b"PK\x03\x04 broken", "dañado"),
        ("a.csv", b"name,label\n", "Ningún formulario"),
    ],
)
def test_what_is_no_form_is_answered(town: Town, admin: Officer, name: str, data: bytes, words: str) -> None:
    """Every file gets an answer with a remedy."""
    send(admin, name, data, words)


def test_only_an_admin_publishes(town: Town, admin: Officer) -> None:
    """A reporter's workbook is no form; an admin whose role was taken gets no answer to what he sent."""
    ana, rosa = town.officer(ANA), town.officer(ROSA)
    ana.do(lambda: ana.phone.send_files("document", ("visits.xlsx", ONE)))
    rosa.do(lambda: rosa.phone.send_files("document", ("visits.xlsx", ONE)))
    assert town.rows("SELECT count(*) FROM job WHERE kind = 'check_form'") == [(0,)]
