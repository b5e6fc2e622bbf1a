"""An officer reports an activity in chat, and it is stored for good: the whole way, with the real bot."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.sandbox.telegram import Person
from tests import ROOT
from tests.bot.house import ANA, CARMEN, GRACE, JEAN, LUIS, PEDRO, ROSA, Officer, Town, furnish, town_in
from tests.deadlines import wait_until
from tests.storage.database import scratch

pytestmark = pytest.mark.slow


@pytest.fixture(params=["polling", "webhook"])
def town_both_ways(request: pytest.FixtureRequest, tmp_path: Path, furnished: Path) -> Iterator[Town]:
    with town_in(tmp_path, furnished, webhook=request.param == "webhook") as town:
        yield town


@pytest.fixture
def town(tmp_path: Path, furnished: Path) -> Iterator[Town]:
    with town_in(tmp_path, furnished) as town:
        yield town


@pytest.fixture
def postgres_town(tmp_path: Path) -> Iterator[Town]:
    """The same town on PostgreSQL, in a schema of its own."""
    with scratch.schema_or_skip() as url:
        furnish(tmp_path, url)
        with town_in(tmp_path, None, database_url=url) as town:
            yield town


def photo_with_gps() -> bytes:
    picture = Image.new("RGB", (640, 480), (30, 120, 90))
    exif = Image.Exif()
    exif[0x010F] = "Canary Camera"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (18.0, 28.0, 0.0)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


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
    assert "Quedan 5 personas sin dato" in ana.text
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
    ana = town.officer(ANA)
    ana.say("/pendientes")
    ana.tap("PRE-101")
    ana.tap("En curso")
    ana.tap("75")
    assert "unidades" in ana.text
    town.kill()
    ana.phone.say("12")
    town.start()
    ana.wait_for("llegó a personas")
    ana.tap("No")
    ana.tap("Sin evidencia")
    ana.tap("Omitir")
    ana.say("Seguir con la pauta")
    ana.tap("Enviar ahora")
    [(answers,)] = town.rows("SELECT answers FROM submission WHERE subject='activity:PRE-101' ORDER BY id DESC LIMIT 1")
    assert '"/activity_report/progress":"75"' in answers.replace('": "', '":"') or '"75"' in answers


def test_an_invitation_lets_one_person_in_once(town: Town) -> None:
    """Link, language, notice, menu; the message with the code goes; a second use reads like a wrong code."""
    made = town.enlace("invite", "--role", "focal_point", "--agency", "MINERD")
    assert made.returncode == 0, made.stderr
    code = made.stdout.strip().rpartition("start=")[2]
    assert made.stdout.startswith("https://t.me/enlace_demo_bot?start=")
    town.sandbox.world.add_person(Person(900, "Marta", language_code="es"))
    town.sandbox.world.add_person(Person(901, "Otro", language_code="es"))
    marta = town.officer(900)
    marta.do(lambda: marta.phone.start(code))
    assert "asistente de «Plan Nacional de Acción" in marta.text
    assert not any(code in str(message) for message in marta.phone.messages())
    marta.tap("Español")
    assert "punto focal · Ministerio de Educación" in marta.text
    assert "Nunca nombres" in marta.text
    assert "PRE-102" not in str(marta.phone.messages())
    marta.tap("Entendido")
    marta.tap("De acuerdo")
    assert "PRE-102" in str(marta.buttons)
    other = town.officer(901)
    other.do(lambda: other.phone.start(code))
    assert "ya no está activo" in other.text
    wrong = town.officer(901).do(lambda: other.phone.start("A" * 43))
    assert "ya no está activo" in wrong
    assert code not in town.logged()
    assert code.encode() not in (town.folder / "enlace.db").read_bytes()


def test_a_stranger_gets_one_polite_line_a_day(town: Town) -> None:
    """And nothing else: no menu, no plan, no agency."""
    town.sandbox.world.add_person(Person(950, "Nadie", language_code="en"))
    stranger = town.officer(950)
    stranger.do(stranger.phone.start)
    assert "only for people appointed" in stranger.text
    before = len(stranger.from_bot)
    stranger.phone.say("hello?")
    stranger.phone.say("/pendientes")
    town.rest()
    assert len(stranger.from_bot) == before


def test_a_wrong_invitation_of_a_stranger_is_answered_once_a_day(town: Town) -> None:
    """Whoever tries codes learns nothing by the second try, of whatever kind; the next day they are told again."""
    town.sandbox.world.add_person(Person(951, "Nadie", language_code="en"))
    stranger = town.officer(951)
    stranger.do(lambda: stranger.phone.start("WRONG"))
    assert len(stranger.from_bot) == 1
    for code in ("WRONG", "A" * 43, ""):
        stranger.phone.start(code)
    stranger.phone.say("/pendientes")
    town.rest()
    assert len(stranger.from_bot) == 1
    town.sandbox.world.move_clock(by=25 * 3600)
    stranger.do(lambda: stranger.phone.start("WRONG"))
    assert len(stranger.from_bot) == 2


def test_the_language_changes_in_mid_form(town: Town) -> None:
    """/idioma at any question: the same question in the other language."""
    ana = town.officer(ANA)
    ana.say("/pendientes")
    ana.tap("PRE-101")
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
    ana, luis = town.officer(ANA), town.officer(LUIS)
    ana.say("/pendientes")
    ana.tap("PRE-101")
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
    ana = town.officer(ANA)
    ana.say("/pendientes")
    ana.tap("PRE-101")
    card = ana.card
    old = card["reply_markup"]["inline_keyboard"][1][0]["callback_data"]
    ana.tap("En curso")
    before = town.rows("SELECT version FROM session")
    ana.phone.tap(card["message_id"], data=old)
    town.rest()
    assert "porcentaje" in ana.text
    assert town.rows("SELECT version FROM session") == before


def test_what_is_said_about_a_restricted_activity_is_sealed(town: Town) -> None:
    """S12: neither draft nor submission nor outbox holds it in the clear; rates still count it."""
    canary = "Coordinar con la mesa de acogida canaria"
    ana = town.officer(ANA)
    ana.say("/pendientes")
    ana.tap("ASI-201")
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
    ana = town.officer(ANA)
    ana.say("/pendientes")
    ana.tap("ASI-201")
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
    town.rest()
    assert canary not in str(ana.phone.messages())
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


def test_the_alternate_sees_who_holds_a_report_and_can_take_it_over(town: Town) -> None:
    """One report an activity and period: they cannot double it."""
    ana, luis = town.officer(ANA), town.officer(LUIS)
    ana.say("/pendientes")
    ana.tap("PRE-101")
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
    ana = town.officer(ANA)
    ana.say("/pendientes")
    ana.tap("PRE-101")
    ana.tap("En curso")
    ana.tap("Salir")
    assert "Guardé su borrador" in ana.text
    ana.tap("Menú")
    assert any(text.startswith("✎ PRE-101") for text in ana.buttons)
    ana.tap("PRE-101")
    assert "porcentaje" in ana.text


def test_history_shows_receipts_and_a_report_can_be_corrected_until_it_locks(town: Town) -> None:
    """A correction is a new version; nothing is overwritten."""
    ana = town.officer(ANA)
    ana.say("/pendientes")
    ana.tap("PRE-101")
    ana.tap("Igual")
    ana.say("Primer texto del próximo paso")
    ana.tap("Enviar ahora")
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
    ana = town.officer(ANA)
    ana.say("/pendientes")
    ana.tap("PRE-101")
    ana.tap("En curso")
    ana.say("25")
    mine = [m for m in ana.phone.messages() if not m["from"]["is_bot"]][-1]
    ana.do(lambda: ana.phone.edit(mine["message_id"], "35"))
    assert "Corregido" in ana.text
    ana.tap("Atrás")
    assert "Su respuesta: 35" in ana.text


def test_personal_data_is_deleted_from_the_chat_and_stored_nowhere(town: Town) -> None:
    """The message goes, the question stays."""
    ana = town.officer(ANA)
    ana.say("/pendientes")
    ana.tap("PRE-101")
    ana.tap("Igual")
    ana.say("Llamar a su cédula 001-1234567-8 mañana")
    assert "dato personal" in ana.text
    town.rest()
    assert not any("1234567" in str(message) for message in ana.phone.messages())
    for path in town.folder.glob("enlace.db*"):
        assert b"1234567-8" not in path.read_bytes()
    assert "1234567" not in town.logged()


def test_forwards_are_no_answers(town: Town) -> None:
    """S4: identity is who writes it."""
    ana = town.officer(ANA)
    ana.say("/pendientes")
    ana.tap("PRE-101")
    ana.tap("Igual")
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
    ana = town.officer(ANA)
    ana.say("/pendientes")
    ana.tap("PRE-101")
    rule = town.client.add_fault("5xx", method="editMessageText", times=2)
    ana.tap("En curso")
    ana.wait_for("porcentaje")
    assert town.client.fault_hits(rule) == 2


def test_each_role_has_a_first_screen(town: Town) -> None:
    """Nobody who is enrolled meets a dead end."""
    for telegram_id, words in ((CARMEN, "Coordinación"), (PEDRO, "Administración"), (GRACE, "Observer"), (JEAN, "DGP")):
        officer = town.officer(telegram_id)
        officer.say("/start")
        assert words in officer.text
        assert officer.buttons
    carmen = town.officer(CARMEN)
    carmen.say("/progreso")
    assert "septiembre 2018" in carmen.text
    assert "Recibidos: 0 de 33" in carmen.text


def test_an_admin_invites_in_chat_and_the_link_works(town: Town) -> None:
    """Role, agency, link; the link is shown once and stored nowhere readable."""
    pedro = town.officer(PEDRO)
    pedro.say("/invitar")
    pedro.tap("Punto focal")
    pedro.tap("CONANI")
    link = pedro.text.rpartition("start=")[2].split()[0]
    assert len(link) == 43
    assert link.encode() not in (town.folder / "enlace.db").read_bytes()
    town.sandbox.world.add_person(Person(902, "Eva", language_code="es"))
    eva = town.officer(902)
    eva.do(lambda: eva.phone.start(link))
    eva.tap("English")
    assert "Your role: focal point" in eva.text


def test_a_role_without_the_right_is_told_so(town: Town) -> None:
    """Denied is an outcome: said, committed, nothing done."""
    grace = town.officer(GRACE)
    grace.say("/pendientes")
    assert "not for your role" in grace.text


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
    ana.tap("Cerrar el mes")
    ana.tap("Sí, cerrar")
    assert "MMUJER cerró" in ana.text
    assert "a tiempo" in ana.text
    assert town.rows("SELECT count(*) FROM closing")[0][0] >= 1


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


def test_the_bot_leaves_groups(town: Town) -> None:
    """S4: private chats only."""
    from bot.sandbox import people

    people.add_to_group(town.sandbox.world, -100123, "Grupo", [ANA])
    wait_until(lambda: any(call.method == "leaveChat" for call in list(town.sandbox.world.calls)), "it leaves")


def test_a_log_holds_neither_token_nor_name_nor_answer(town: Town) -> None:
    """S8, at the end of a whole report."""
    ana: Officer = town.officer(ANA)
    ana.say("/pendientes")
    ana.tap("PRE-101")
    ana.tap("Igual")
    ana.say("Palabra canaria en la respuesta")
    ana.tap("Enviar ahora")
    town.stop()
    logged = town.logged()
    assert "bot.stopped" in logged or "bot.ready" in logged
    for secret in (town.sandbox.token, "SANDBOX-token", "canaria", "Ana Martínez", "Martínez"):
        assert secret not in logged


def test_the_same_on_postgresql(postgres_town: Town) -> None:
    """Report, kill, resume, receipt: the other database keeps the same promises."""
    ana = postgres_town.officer(ANA)
    ana.say("/pendientes")
    ana.tap("PRE-101")
    ana.tap("En curso")
    postgres_town.kill()
    ana.phone.say("75")
    postgres_town.start()
    ana.wait_for("unidades")
    ana.tap("Omitir")
    ana.tap("No")
    ana.tap("Sin evidencia")
    ana.tap("Omitir")
    ana.say("Seguir con la pauta")
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


def publish_changed(town: Town, version: str, change: Callable[[Any], None]) -> None:
    """The shipped activity report, changed as somebody would in Excel, published anew under a version of its own."""
    import openpyxl

    workbook = openpyxl.load_workbook(ROOT / "conversations" / "forms" / "activity_report.xlsx")
    change(workbook)
    workbook["settings"]["C2"] = version
    changed = town.folder / f"{version}.xlsx"
    workbook.save(changed)
    published = town.enlace("form", "publish", str(changed))
    assert published.returncode == 0, published.stderr


def test_a_session_finishes_on_the_form_version_it_began_with(town: Town) -> None:
    """T15: a new version is published in mid-form; only the next session sees it."""

    def reworded(workbook: Any) -> None:
        for row in workbook["survey"].iter_rows(min_row=2):
            if row[1].value == "status":
                row[2].value = "¿Cómo marcha todo?"

    ana, luis = town.officer(ANA), town.officer(LUIS)
    ana.say("/pendientes")
    ana.tap("PRE-101")
    publish_changed(town, "2099010101", reworded)
    ana.tap("En curso")
    ana.tap("Atrás")
    assert "¿Cómo va la actividad?" in ana.text
    luis.say("/pendientes")
    luis.tap("ASI-201")
    assert "¿Cómo marcha todo?" in luis.text


def test_telegrams_own_menu_is_what_the_role_may_do_in_the_persons_language(town: Town) -> None:
    """However somebody came by the role: enrolled at the server, as these are, or by a link."""

    def menu(officer: Officer) -> set[str]:
        return {each["command"] for each in officer.phone.chat()["commands"]}

    ana, carmen, jean = town.officer(ANA), town.officer(CARMEN), town.officer(JEAN)
    for officer in (ana, carmen, jean):
        officer.say("/start")
    assert {"pendientes", "reportar", "ayuda"} <= menu(ana)
    assert "progreso" in menu(carmen)
    assert "reportar" not in menu(carmen)
    assert "rapote" in menu(jean)
    ana.say("/idioma")
    ana.tap("English")
    assert {"pending", "report"} <= menu(ana)


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
    ana = town.officer(ANA)
    ana.say("/pendientes")
    ana.tap("PRE-101")
    ana.tap("Igual")
    ana.say("Palabra canaria del próximo paso")
    ana.tap("Enviar ahora")
    for path in town.folder.glob("enlace.db*"):
        assert b"canaria" not in path.read_bytes()


def test_a_draft_cannot_be_sent_once_its_period_has_locked(town: Town) -> None:
    """Not by the old button, not by typing, not by resuming; the draft itself is kept."""
    ana = town.officer(ANA)
    ana.say("/pendientes")
    ana.tap("PRE-101")
    ana.tap("Igual")
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
    ana = town.officer(ANA)
    ana.say("/pendientes")
    ana.tap("PRE-101")
    ana.tap("Igual")
    ana.say("Primer texto")
    ana.tap("Enviar ahora")
    ana.tap("Corregir")
    ana.tap("Atrás")
    ana.tap("Guardar borrador")
    ana.say("/pendientes")
    assert any(text.startswith("✎ PRE-101") for text in ana.buttons)
    ana.tap("✎ PRE-101")
    assert "Revise antes de enviar" in ana.text
