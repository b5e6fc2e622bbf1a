"""Review in the chat: read, validated, sent back with one question and answered, by whom it may and nobody else."""

import json
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.open_storage import open_storage
from bot.schedule.job import Moment
from bot.schedule.validated import VALIDATED, compose
from bot.workers.upkeep import Premises, clean_chats
from bot.workers.uploads import open_upload
from conversations.plan.model import Post, Role
from conversations.plan.review import WEEK
from storage.calendar.figures import Figures
from storage.calendar.ledger import NewFire
from storage.database.vault import Vault
from storage.messages.outbox import OutboxDraft, Sent
from storage.reports.files import FileStore
from storage.reports.inspection import Inspected
from storage.reports.submissions import NewSubmission
from tests.bot.chat.test_permissions import Desk
from tests.bot.house import ANA, CARMEN, GRACE, LUIS, PEDRO, ROSA, Town, furnish, settings_in, town_in
from tests.taps import command_token

NOW = datetime(2018, 10, 3, 12, tzinfo=UTC)
SECOND = 595
"""Another coordinator."""
ANSWERS = {
    "status": "in_progress", "progress": "40", "progress_final": "40", "prev_progress": "12", "reached": "no",
    "evidence_type": "none", "next_step": "Convocar la mesa", "agency": "MMUJER", "period": "201809",
}  # fmt: skip


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's people and a second coordinator."""
    folder = tmp_path_factory.mktemp("furnished")
    furnish(folder)
    with open_storage(settings_in(folder)) as database:

        def join(unit: Any) -> None:
            plan = unit.plans.only()
            person = unit.people.add(SECOND, "Mario Gil", "en", NOW, timezone=plan.timezone)
            unit.roles.grant(person.id, plan.id, Post(Role.COORDINATOR), now=NOW)
            unit.people.accept_privacy(person.id, NOW)

        database.units.submit(None, join).result()
    return folder


@pytest.fixture
def desk(tmp_path: Path, furnished: Path) -> Iterator[Desk]:
    for file in furnished.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    with open_storage(settings_in(tmp_path)) as database:
        yield Desk(database)


def sent(desk: Desk, code: str = "PRE-101", by: int = ANA, *, agency: str = "MMUJER", **changes: Any) -> int:
    """A report for September, as if it had been filled in chat; its number."""
    answers = ANSWERS | {"activity": code, "agency": agency} | changes.pop("answers", {})

    def work(unit: Any) -> int:
        plan = unit.plans.only()
        form = unit.forms.current(plan.id, "activity_report")
        period = unit.plans.period(plan.id, "201809")
        values = {
            "plan_id": plan.id, "form_id": form.form_key, "form_version_id": form.id, "instance_id": f"uuid:{code}",
            "person_id": unit.people.by_telegram_id(by).id, "agency_id": unit.plans.agency(plan.id, agency).id,
            "answers": {_ref(name): value for name, value in answers.items()}, "language": "es", "started_at": NOW,
            "now": NOW, "subject": f"activity:{code}", "reporting_period_id": period.id,
            "activity_status": answers["status"], "progress": int(answers["progress"]),
        }  # fmt: skip
        given = values | changes
        now = given.pop("now")
        number: int = unit.submissions.add(NewSubmission(**given), now).id
        return number

    found: int = desk.do(work)
    return found


def _ref(name: str) -> str:
    group = {"evidence_type": "evidence_group/", "obstacle": "obstacles/"}.get(name, "")
    return f"/data/{group}{name}"


def state_of(desk: Desk, number: int) -> str:
    found: str = desk.do(lambda unit: unit.submissions.get(number).validation_state)
    return found


def audited(desk: Desk) -> list[str]:
    found: list[str] = desk.do(lambda unit: [entry.act for entry in unit.audit.latest(limit=50)][::-1])
    return [act for act in found if act.startswith(("report.", "restricted."))]


def said(handled: Any, to: int | None = None) -> str:
    rows = [row for row in handled.deliveries if to is None or row.chat_id == to]
    return "\n".join(str(row.payload.get("text", row.payload.get("caption", ""))) for row in rows)


def buttons(handled: Any) -> list[str]:
    return [
        f"{button['text']}|{button['callback_data']}"
        for row in handled.deliveries
        for line in row.payload.get("reply_markup", {}).get("inline_keyboard", [])
        for button in line
    ]


def tap(desk: Desk, who: int, name: str, argument: object = "") -> Any:
    return desk.tap(who, command_token(name, str(argument)))


def is_denied(handled: Any) -> bool:
    return handled.answer is not None and handled.answer.show_alert and not handled.deliveries


# ------------------------------------------------------------------ the queue and the card
def test_the_queue_is_oldest_first_with_the_restricted_apart(desk: Desk) -> None:
    """And empty it says how the week went."""
    assert "No queda nada por validar" in said(desk.say(CARMEN, "/revisar"))
    restricted = sent(desk, "ASI-201", sensitive=True, now=datetime(2018, 10, 1, tzinfo=UTC))
    first = sent(desk, "PRE-101", now=datetime(2018, 10, 2, tzinfo=UTC))
    second = sent(desk, "PER-101", ROSA, agency="PGR")
    shown = desk.say(CARMEN, "/revisar")
    assert "3 reportes por validar" in said(shown)
    assert "Restringidos, al final: 1" in said(shown)
    order = [each.partition("|c:revision:")[2] for each in buttons(shown) if "|c:revision:" in each]
    assert order == [str(first), str(second), f"{restricted}"]
    assert "3 reports to validate" in said(desk.say(SECOND, "/review"))
    assert any(each.endswith("|c:revisar:") and "3" in each for each in buttons(desk.say(CARMEN, "/resumen")))
    for number in (first, second):
        tap(desk, CARMEN, "validar", number)
    assert "1 reporte por validar" in said(desk.say(CARMEN, "/revisar"))


def test_the_card_tells_what_changed_since_last_month(desk: Desk) -> None:
    """Status and progress beside the previous one; next step, evidence; old and new where it differs."""
    number = sent(desk)
    card = said(tap(desk, CARMEN, "revision", number))
    assert "MMUJER · PRE-101" in card
    assert "Punto focal: Ana Martínez" in card
    assert "🔵 En curso, 40% (antes" in card
    assert "➡️ Convocar la mesa" in card
    assert "Cambió desde agosto 2018" in card
    assert "→ Convocar la mesa" in card
    assert "Cuántas unidades" not in card
    assert "Qué porcentaje lleva" in said(tap(desk, CARMEN, "revision", f"{number}.all"))


def test_restricted_text_is_opened_by_a_coordinator_and_that_is_on_record(desk: Desk) -> None:
    """The queue and the first card say nothing of it; what opens it is sealed on its way and audited (S12, S13)."""
    number = sent(desk, "ASI-201", sensitive=True)
    closed = tap(desk, CARMEN, "revision", number)
    assert "Convocar la mesa" not in said(closed)
    assert not any("c:validar" in each for each in buttons(closed))
    assert audited(desk) == []
    opened = tap(desk, CARMEN, "revision", f"{number}.see")
    assert "Convocar la mesa" in said(opened)
    assert all(row.sensitive for row in opened.deliveries if row.method == "sendMessage")
    assert audited(desk) == ["restricted.viewed"]
    for who in (ANA, PEDRO, GRACE):
        assert is_denied(tap(desk, who, "revision", f"{number}.see"))
    assert audited(desk) == ["restricted.viewed"]


def test_restricted_text_is_out_of_the_chat_with_the_next_tap_and_within_a_day(desk: Desk) -> None:
    """It stands in a message of its own, which goes; if nobody taps anything more, a chore takes it (S15)."""
    number = sent(desk, "ASI-201", sensitive=True)
    opened = tap(desk, CARMEN, "revision", f"{number}.see")
    [row] = [each for each in opened.deliveries if each.method == "sendMessage"]
    assert row.payload["protect_content"]
    assert row.payload["disable_notification"]
    desk.do(lambda unit: unit.outbox.place({row.card_id: 77}))
    desk.do(lambda unit: unit.outbox.record(row.id, Sent(77), NOW))
    for after, gone in ((timedelta(hours=22), 0), (timedelta(hours=23, minutes=5), 1), (timedelta(hours=30), 1)):
        clean_chats(Premises(desk.database, None, None), NOW + after)  # type: ignore[arg-type]
        with desk.database.reader() as connection:
            found = connection.exec_driver_sql(
                "SELECT chat_id, card_id FROM outbox WHERE method = 'deleteMessage' AND state = 'queued'"
            ).fetchall()
        assert [tuple(each) for each in found] == [(CARMEN, row.card_id)] * gone
    for name, argument in (("validar", number), ("devolver", number), ("revision", f"{number}.leave")):
        again = tap(desk, CARMEN, "revision", f"{number}.see")
        assert "Convocar la mesa" in said(again)
        left = tap(desk, CARMEN, name, argument)
        assert [each.method for each in left.deliveries] == ["deleteMessage", "sendMessage"]
        assert "Convocar la mesa" not in said(left)
        desk.do(lambda unit: unit.submissions.set_validation_state(number, "submitted"))


def test_a_sealed_file_is_opened_on_its_way(desk: Desk, tmp_path: Path) -> None:
    """What lies on the disk is no use to anybody, what arrives is the file (S12)."""
    store = FileStore(tmp_path / "evidence", Vault.load(tmp_path / "keys.json"))
    key = store.put(b"%PDF-1.4 acta", sensitive=True)
    with open_upload(store, None, f"evidence:{key}") as file:  # type: ignore[arg-type]
        assert file.read() == b"%PDF-1.4 acta"


def test_evidence_is_a_tap_away_and_is_not_to_be_passed_on(desk: Desk) -> None:
    """Of this report and no other; of a restricted one it is audited."""
    plain, restricted = sent(desk), sent(desk, "ASI-201", sensitive=True)

    def attach(unit: Any, number: int, sensitive: bool) -> int:
        report = unit.submissions.get(number)
        inspected = Inspected(b"x", "text/plain", ".txt", f"acta{number}.txt", f"{number:0<64}", "0" * 64)
        found: int = unit.attachments.add(
            plan_id=report.plan_id, instance_id=report.instance_id, ref="/data/evidence_doc", inspected=inspected,
            sensitive=sensitive, is_compressed=False, now=NOW,
        ).id  # fmt: skip
        return found

    files = {
        number: desk.do(lambda unit, n=number, s=sensitive: attach(unit, n, s))
        for number, sensitive in ((plain, False), (restricted, True))
    }
    assert any(f"c:prueba:{plain}.{files[plain]}" in each for each in buttons(tap(desk, CARMEN, "revision", plain)))
    [row] = tap(desk, CARMEN, "prueba", f"{plain}.{files[plain]}").deliveries
    assert (row.method, row.chat_id, row.payload["protect_content"]) == ("sendDocument", CARMEN, True)
    assert audited(desk) == []
    [row] = tap(desk, CARMEN, "prueba", f"{restricted}.{files[restricted]}").deliveries
    assert row.sensitive
    assert audited(desk) == ["restricted.viewed"]
    assert is_denied(tap(desk, CARMEN, "prueba", f"{plain}.{files[restricted]}"))
    assert is_denied(tap(desk, PEDRO, "prueba", f"{plain}.{files[plain]}"))


# ------------------------------------------------------------------ validating
def test_a_validation_leads_to_the_next_one_and_can_be_taken_back(desk: Desk) -> None:
    """One tap a report; "Deshacer" is on the next card, for whoever gave it."""
    first, second = sent(desk, "PRE-101"), sent(desk, "PER-101", ROSA, agency="PGR")
    done = tap(desk, CARMEN, "validar", first)
    assert "PRE-101 quedó validada" in said(done)
    assert "PER-101" in said(done)
    assert f"↶ Deshacer PRE-101|c:validar:{first}.undo" in buttons(done)
    assert state_of(desk, first) == "validated"
    tap(desk, SECOND, "validar", f"{first}.undo")
    assert state_of(desk, first) == "validated"
    assert "Deshecho" in said(tap(desk, CARMEN, "validar", f"{first}.undo"))
    assert state_of(desk, first) == "submitted"
    tap(desk, CARMEN, "validar", second)
    assert audited(desk) == ["report.validated", "report.taken_back", "report.validated"]
    assert not any(row.chat_id == ANA for row in done.deliveries)


def test_who_is_slower_is_told_where_it_is(desk: Desk) -> None:
    """Two coordinators tap the same card: one decision, and the other sees whose."""
    number = sent(desk)
    tap(desk, CARMEN, "validar", number)
    for argument in (f"{number}", f"{number}.yes"):
        late = tap(desk, SECOND, "validar", argument)
        assert late.answer.text == "It has changed. This is how it stands."
        assert "By Carmen Soto" in said(late)
    assert "By Carmen Soto" in said(tap(desk, SECOND, "devolver", f"{number}.1.w0"))
    assert audited(desk) == ["report.validated"]


def test_nobody_validates_or_returns_their_own(desk: Desk) -> None:
    """Who once reported as focal point coordinates today: another coordinator decides."""
    number = sent(desk, by=CARMEN)
    assert "lo valida otra persona" in said(tap(desk, CARMEN, "revision", number))
    for name, argument in (("validar", number), ("devolver", f"{number}.1.w0"), ("devolver", f"{number}.1.why")):
        assert "lo valida otra persona" in tap(desk, CARMEN, name, argument).answer.text
    assert state_of(desk, number) == "submitted"
    tap(desk, SECOND, "validar", number)
    assert state_of(desk, number) == "validated"


def test_a_cancellation_is_approved_in_so_many_words(desk: Desk) -> None:
    """Until then the activity goes on being expected, and its light is no grey one (DOMAIN §2.2)."""
    number = sent(desk, answers={"status": "cancelled"})
    plan = desk.do(lambda unit: unit.plans.only().id)
    asked = tap(desk, CARMEN, "validar", number)
    assert "aprueba que se cancele" in said(asked)
    assert state_of(desk, number) == "submitted"
    assert "PRE-101" not in desk.do(lambda unit: unit.plans.ended(plan))
    tap(desk, CARMEN, "validar", f"{number}.yes")
    assert state_of(desk, number) == "validated"
    assert "PRE-101" in desk.do(lambda unit: unit.plans.ended(plan))


def test_an_agencys_ordinary_reports_are_validated_together_after_they_were_shown(desk: Desk) -> None:
    """Not the restricted one, not the one that fell, and none that came in between."""
    further = {"progress": "70"}
    ordinary = [sent(desk, code, answers=further) for code in ("PRE-101", "PRE-102")]
    fallen = sent(desk, "PRE-302", answers={"progress": "1"})
    restricted = sent(desk, "ASI-201", sensitive=True)
    shown = tap(desk, CARMEN, "revisar", "0.MMUJER")
    assert any(each.startswith("✅ Validar las 2 de MMUJER|c:validar:MMUJER") for each in buttons(shown))
    sure = tap(desk, CARMEN, "validar", "MMUJER")
    assert "PRE-101" in said(sure)
    assert "PRE-302" not in said(sure)
    [yes] = [each.partition("|c:validar:")[2] for each in buttons(sure) if "Sí, validar" in each]
    later = sent(desk, "PRE-201", answers=further)
    assert "3 reportes" in said(tap(desk, CARMEN, "validar", yes))
    assert [state_of(desk, number) for number in ordinary] == ["submitted"] * 2
    [yes] = [
        each.partition("|c:validar:")[2] for each in buttons(tap(desk, CARMEN, "validar", "MMUJER")) if "Sí" in each
    ]
    assert "3 reportes de MMUJER quedaron validados" in said(tap(desk, CARMEN, "validar", yes))
    assert [state_of(desk, number) for number in (*ordinary, later)] == ["validated"] * 3
    assert [state_of(desk, number) for number in (fallen, restricted)] == ["submitted"] * 2


# ------------------------------------------------------------------ sending back
def test_a_return_names_its_questions_and_reaches_the_reporter_in_their_language(desk: Desk) -> None:
    """Ticked in the buttons themselves, so that a tap that arrives twice ticks once."""
    number = sent(desk)
    desk.do(lambda unit: unit.people.set_language(unit.people.by_telegram_id(ANA).id, "en"))
    [tick] = [each for each in buttons(tap(desk, CARMEN, "devolver", number)) if "próximo paso" in each]
    argument = tick.partition("|c:devolver:")[2]
    for _ in range(2):
        ticked = tap(desk, CARMEN, "devolver", argument)
        assert any(each.startswith("☑ Cuál es el próximo paso") for each in buttons(ticked))
    tap(desk, CARMEN, "devolver", f"{argument.rpartition('.')[0]}.why")
    refused = desk.say(CARMEN, "Llame a Juana al 809-555-1234")
    assert "809" not in said(refused)
    assert state_of(desk, number) == "submitted"
    done = desk.say(CARMEN, "¿Cuál es el próximo centro?")
    assert state_of(desk, number) == "returned"
    assert "PRE-101 devuelta" in said(done, CARMEN)
    assert "Carmen Soto reviewed PRE-101" in said(done, ANA)
    assert "¿Cuál es el próximo centro?" in said(done, ANA)
    assert said(done, LUIS) == ""
    [decision] = desk.do(lambda unit: unit.reviews.of_chain("uuid:PRE-101"))
    assert decision.questions == ["/data/next_step"]
    due = desk.do(
        lambda unit: unit.plans.due(
            unit.plans.only().id, unit.people.by_telegram_id(ANA).memberships[0].agency_id, NOW.date()
        ),
    )
    assert [each.returned is not None for each in due if each.code == "PRE-101"] == [True]


def test_of_a_restricted_report_the_notice_says_no_more_than_its_code(desk: Desk) -> None:
    """It is read on a lock screen (S24); the reason is sealed."""
    number = sent(desk, "ASI-201", sensitive=True)
    tap(desk, CARMEN, "devolver", f"{number}.1.why")
    done = desk.say(CARMEN, "Explique la baja en acogida")
    assert "ASI-201" in said(done, ANA)
    assert "acogida" not in said(done, ANA)
    with desk.database.reader() as connection:
        rows = connection.exec_driver_sql("SELECT reason, sealed_reason FROM review_decision").fetchall()
    assert [(reason, sealed is not None) for reason, sealed in rows] == [(None, True)]


def test_who_took_over_is_told_when_the_sender_is_gone(desk: Desk) -> None:
    """The report is the agency's; a person may leave."""
    number = sent(desk, by=LUIS)
    desk.do(lambda unit: unit.leaving.suspend(unit.people.by_telegram_id(LUIS).id, now=NOW, by=None))
    done = tap(desk, CARMEN, "devolver", f"{number}.1.w0")
    assert "Falta evidencia" in said(done, ANA)
    assert said(done, LUIS) == ""


def test_a_word_back_returns_it_as_it_was(desk: Desk) -> None:
    """The reviewer hears it, reads it on the card, and nothing of the report has changed."""
    number = sent(desk)
    tap(desk, CARMEN, "devolver", f"{number}.1.w1")
    assert is_denied(tap(desk, ROSA, "responder", number))
    tap(desk, ANA, "responder", number)
    done = desk.say(ANA, "La suma incluye a Baní")
    assert "volvió a revisión" in said(done, ANA)
    assert "MMUJER respondió sobre PRE-101" in said(done, CARMEN)
    assert state_of(desk, number) == "submitted"
    card = said(tap(desk, CARMEN, "revision", number))
    assert "Se pidió: «La suma no cuadra»" in card
    assert "Responde: «La suma incluye a Baní»" in card
    assert desk.do(lambda unit: unit.submissions.get(number).version) == 1


def test_a_question_does_not_send_back_and_is_answered_where_it_is(desk: Desk) -> None:
    """Both read the other's words in the notice, write back from it, and the report stays in the queue as it was."""
    number = sent(desk)
    assert "💬 Preguntar|" in " ".join(buttons(tap(desk, CARMEN, "revision", number)))
    tap(desk, CARMEN, "preguntar", number)
    asked = desk.say(CARMEN, "¿Cuántas escuelas fueron?")
    assert "«¿Cuántas escuelas fueron?»" in said(asked, ANA)
    assert f"💬 Responder|c:responder:{number}" in buttons(asked)
    assert "¿Cuántas escuelas fueron?" in said(tap(desk, ANA, "recibo", number))
    tap(desk, ANA, "responder", number)
    answered = desk.say(ANA, "Doce, en dos provincias")
    assert "«Doce, en dos provincias»" in said(answered, CARMEN)
    assert f"💬 Responder|c:preguntar:{number}" in buttons(answered)
    card = said(tap(desk, CARMEN, "revision", number))
    assert "¿Cuántas escuelas fueron?" in card
    assert "Doce, en dos provincias" in card
    assert state_of(desk, number) == "submitted"
    assert audited(desk) == ["report.remarked", "report.remarked"]


def test_nothing_is_asked_so_about_a_restricted_report_nor_of_oneself(desk: Desk) -> None:
    """What is restricted is asked by returning it, which opens it."""
    number = sent(desk, "ASI-101", ROSA, agency="PGR", sensitive=True)
    assert "Preguntar" not in " ".join(buttons(tap(desk, CARMEN, "revision", f"{number}.see")))
    before = desk.state()
    tap(desk, CARMEN, "preguntar", number)
    assert "«" not in said(desk.say(CARMEN, "¿Cuántas fueron?"))
    assert desk.state() == before


def test_what_is_typed_about_a_restricted_report_leaves_the_chat_and_names_nobody(desk: Desk) -> None:
    """The reason and the word back alike; who is refused is still asked (S15, DOMAIN §2.6)."""
    number = sent(desk, "ASI-201", sensitive=True)
    tap(desk, CARMEN, "devolver", f"{number}.1.why")
    refused = desk.say(CARMEN, "Falta lo de Maria Perez, de 14 años")
    assert [row.method for row in refused.deliveries] == ["deleteMessage", "sendMessage"]
    assert state_of(desk, number) == "submitted"
    returned = desk.say(CARMEN, "Falta el total de septiembre")
    assert "deleteMessage" in [row.method for row in returned.deliveries]
    assert state_of(desk, number) == "returned"
    tap(desk, ANA, "responder", number)
    assert [row.method for row in desk.say(ANA, "Es de Maria Perez").deliveries] == ["deleteMessage", "sendMessage"]
    answered = desk.say(ANA, "El total es de agosto y septiembre")
    assert "deleteMessage" in [row.method for row in answered.deliveries]
    assert state_of(desk, number) == "submitted"


def test_what_has_locked_is_not_sent_back_into_nowhere(desk: Desk) -> None:
    """Nobody could answer: the remedy is named instead."""
    number = desk.do(
        lambda unit: unit.submissions.of_agency(unit.plans.agency(unit.plans.only().id, "MMUJER").id)[-1].id
    )
    desk.do(lambda unit: unit.submissions.set_validation_state(number, "submitted"))
    refused = tap(desk, CARMEN, "devolver", f"{number}.1.w0")
    assert "ya cerró" in said(refused)
    assert state_of(desk, number) == "submitted"


def test_what_locks_while_the_reason_is_typed_is_not_sent_back_either(desk: Desk) -> None:
    """The question was asked before the lock, the answer comes after it."""
    number = sent(desk)
    tap(desk, CARMEN, "devolver", f"{number}.1.why")
    desk.now = NOW + timedelta(days=60)
    assert "ya cerró" in said(desk.say(CARMEN, "Falta el total"))
    assert state_of(desk, number) == "submitted"


@pytest.mark.parametrize("name", ["revision", "validar", "devolver", "prueba", "responder", "versiones"])
def test_forged_buttons_have_no_effect(desk: Desk, name: str) -> None:
    """Numbers that are none, reports that are not there, roles that may not (S3)."""
    number = sent(desk)
    before = desk.state()
    for argument in (
        "",
        "x",
        "-1",
        "٣",
        "9" * 30,
        "999999",
        "999999.yes",
        f"{number}.zz.w9",
        f"{number}.1.w99",
        "..",
        ".1",
    ):
        for who in (CARMEN, ANA, PEDRO, GRACE):
            tap(desk, who, name, argument)
    for who in (PEDRO, GRACE, ROSA):
        assert is_denied(tap(desk, who, name, f"{number}.1"))
    assert desk.state() == before
    assert state_of(desk, number) == "submitted"
    assert audited(desk) == []


# ------------------------------------------------------------------ what everybody else sees
def test_what_was_returned_has_been_reported_and_is_due_again(desk: Desk) -> None:
    """/progreso and the digest count it alike, and /progreso says what the due list says."""
    number = sent(desk)

    def counts() -> tuple[str, int]:
        progress = next(each for each in said(desk.say(CARMEN, "/progreso")).split("\n") if "MMUJER" in each)
        zone = ZoneInfo("America/Santo_Domingo")
        standing = desk.do(lambda unit: Figures(unit).standing(unit.plans.only().id, NOW, NOW - WEEK, zone))
        return progress, standing.agency("MMUJER").reported

    assert counts() == ("🟡 MMUJER: 1 de 2", 1)
    tap(desk, CARMEN, "devolver", f"{number}.1.w0")
    assert counts() == ("🟡 MMUJER: 1 de 2 · ↩️ devueltos: 1", 1)


def test_at_the_end_of_the_day_one_silent_line_names_what_was_validated(desk: Desk) -> None:
    """To who sent it, in their language; nothing that can still be taken back, and nothing twice."""
    first, second = sent(desk, "PRE-101"), sent(desk, "ASI-201", sensitive=True)
    for number in (first, second):
        tap(desk, CARMEN, "validar", number)

    def told(after: timedelta) -> list[dict[str, Any]]:
        def work(unit: Any) -> list[dict[str, Any]]:
            plan = unit.plans.only()
            people = [who for who in unit.recipients.all(plan.id) if who.role in VALIDATED.roles]
            made = compose(unit, Moment.of(plan.id, NOW + after, plan.timezone), people)
            ana = unit.people.by_telegram_id(ANA).id
            assert set(made) <= {ana}
            return [message.payload for message in made.get(ana, ())]

        found: list[dict[str, Any]] = desk.do(work)
        return found

    assert told(timedelta(minutes=10)) == []
    [payload] = told(timedelta(hours=9))
    assert "PRE-101, ASI-201 quedaron validadas" in payload["text"]
    assert payload["disable_notification"]

    def remember(unit: Any) -> None:
        plan = unit.plans.only()
        ana = unit.people.by_telegram_id(ANA).id
        drafts = (OutboxDraft(ANA, "digest", "sendMessage", payload),)
        fire = NewFire(ana, "validated", NOW.date(), drafts=lambda: drafts)
        unit.ledger.fire_all(plan.id, [fire], NOW + timedelta(hours=9))

    desk.do(remember)
    assert told(timedelta(hours=33)) == []


def test_a_version_says_what_it_changed_and_a_restricted_one_only_where(desk: Desk) -> None:
    """At the receipt, for the agency's own people."""
    for code, is_sensitive in (("PRE-101", False), ("ASI-201", True)):
        first = sent(desk, code, sensitive=is_sensitive)
        second = sent(
            desk, code, sensitive=is_sensitive, instance_id=f"uuid:{code}:2", supersedes_id=first,
            answers={"next_step": "Otra cosa"},
        )  # fmt: skip
        assert any("Versión 2" in each for each in buttons(tap(desk, ANA, "recibo", second)))
        shown = said(tap(desk, ANA, "versiones", second))
        assert "próximo paso" in shown
        assert ("→ Otra cosa" in shown) is not is_sensitive
        assert is_denied(tap(desk, ROSA, "versiones", second))


def test_an_old_card_of_a_coordinator_leads_to_the_newer_version(desk: Desk) -> None:
    """And says so; its buttons are those of the newer one."""
    first = sent(desk)
    second = sent(
        desk, instance_id="uuid:PRE-101:2", supersedes_id=first, answers={"next_step": "Otra cosa"},
    )  # fmt: skip
    shown = tap(desk, CARMEN, "revision", first)
    assert "Otra cosa" in said(shown)
    assert f"✅ Validar|c:validar:{second}" in buttons(shown)
    assert "versión más nueva" in shown.answer.text


# ------------------------------------------------------------------ the whole way
@pytest.fixture
def town(tmp_path: Path, furnished: Path) -> Iterator[Town]:
    with town_in(tmp_path, furnished) as town:
        yield town


def answers_of(town: Town, version: int) -> dict[str, str]:
    [(text,)] = town.rows(
        "SELECT answers FROM submission WHERE subject = 'activity:PRE-101' AND version = ? AND reporting_period_id ="
        " (SELECT id FROM reporting_period WHERE code = '201809')",
        version,
    )
    found: dict[str, str] = json.loads(text)
    return found


@pytest.mark.slow
def test_one_question_goes_back_is_answered_and_returns_to_who_asked(town: Town) -> None:
    """The notice arrives, the bot is killed, just that question is asked; all else is byte for byte what was sent."""
    ana, carmen = town.officer(ANA), town.officer(CARMEN)
    ana.say("/pendientes")
    ana.tap("PRE-101")
    ana.tap("Igual que el reporte anterior")
    ana.say("Grabar tres cuñas")
    ana.tap("Enviar ahora")
    carmen.say("/revisar")
    carmen.tap("PRE-101")
    assert "Cambió desde agosto 2018" in carmen.text
    carmen.tap("Devolver")
    carmen.tap("próximo paso")
    carmen.tap("Seguir con 1 pregunta")
    began = time.perf_counter()
    carmen.phone.say("¿Con qué radios?")
    ana.wait_for("pide un ajuste: «¿Con qué radios?»")
    print(f"notice after {time.perf_counter() - began:.3f} s")
    carmen.wait_for("PRE-101 devuelta")
    town.kill()
    town.start()
    ana.tap("Corregir")
    assert "¿Con qué radios?" in ana.text
    assert "próximo paso" in ana.text
    town.kill()
    town.start()
    ana.say("Grabar tres cuñas con Radio Azua y Radio Baní")
    assert "Radio Baní" in ana.text
    assert "En curso" not in ana.text
    assert "versión 2" in ana.tap("Enviar ahora")
    carmen.wait_for("MMUJER corrigió PRE-101, como usted pidió")
    first, second = answers_of(town, 1), answers_of(town, 2)
    changed = {ref for ref in first.keys() | second.keys() if first.get(ref) != second.get(ref)}
    assert {ref for ref in changed if "/meta/" not in ref} == {"/data/next_step"}
    carmen.tap("🔎 Ver")
    assert "Cambió frente a la versión 1" in carmen.text
    assert "Grabar tres cuñas → Grabar tres cuñas con Radio Azua" in carmen.text
    assert "Se pidió: «¿Con qué radios?»" in carmen.text
    assert "No queda nada por validar" in carmen.tap("✅ Validar")
    assert town.rows("SELECT validation_state FROM submission WHERE version = 2") == [("validated",)]
    ana.say("/historial")
    ana.tap("PRE-101 · septiembre")
    assert "validado" in ana.text
    assert "→ Grabar tres cuñas con Radio Azua" in ana.tap("Versión 2: qué cambió")
