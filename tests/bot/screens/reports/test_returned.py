"""A report sent back: its questions reach the reporter, it is due again, and the answer reaches who asked."""

import json
import time
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.schedule.job import Moment
from bot.schedule.validated import VALIDATED, compose
from conversations.plan.review import WEEK
from storage.calendar.figures import Figures
from storage.calendar.ledger import NewFire
from storage.messages.outbox import OutboxDraft
from tests.bot.desk import Desk, is_denied, text_of
from tests.bot.house import ANA, CARMEN, GRACE, LUIS, PEDRO, ROSA, Town
from tests.bot.officers import report_sent
from tests.bot.screens.reports.reviewed import (
    NOW,
    audited,
    buttons,
    sent,
    state_of,
    tap,
)
from tests.storage.validation import set_state

pytestmark = pytest.mark.usefixtures("two_coordinators")


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
    assert "809" not in text_of(refused)
    assert state_of(desk, number) == "submitted"

    done = desk.say(CARMEN, "¿Cuál es el próximo centro?")
    assert state_of(desk, number) == "returned"
    assert "El reporte de PRE-101 se devolvió" in text_of(done, CARMEN)
    assert "Carmen Soto reviewed PRE-101" in text_of(done, ANA)
    assert "¿Cuál es el próximo centro?" in text_of(done, ANA)
    assert "☑ What is the next step" in text_of(done, ANA)
    assert text_of(done, LUIS) == ""

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
    assert "ASI-201" in text_of(done, ANA)
    assert "acogida" not in text_of(done, ANA)

    with desk.database.reader() as connection:
        rows = connection.exec_driver_sql("SELECT reason, sealed_reason FROM review_decision").fetchall()
    assert [(reason, sealed is not None) for reason, sealed in rows] == [(None, True)]


def test_who_took_over_is_told_when_the_sender_is_gone(desk: Desk) -> None:
    """The report is the agency's; a person may leave."""
    number = sent(desk, by=LUIS)
    desk.do(lambda unit: unit.leaving.suspend(unit.people.by_telegram_id(LUIS).id, now=NOW, by=None))
    done = tap(desk, CARMEN, "devolver", f"{number}.1.w0")

    assert "Falta evidencia" in text_of(done, ANA)
    assert text_of(done, LUIS) == ""


def test_a_word_back_returns_it_as_it_was(desk: Desk) -> None:
    """The reviewer hears it, reads it on the card, and nothing of the report has changed."""
    number = sent(desk)
    tap(desk, CARMEN, "devolver", f"{number}.1.w1")
    assert is_denied(tap(desk, ROSA, "responder", number))

    tap(desk, ANA, "responder", number)
    done = desk.say(ANA, "La suma incluye a Baní")
    assert "volvió a revisión" in text_of(done, ANA)
    assert "MMUJER respondió sobre PRE-101" in text_of(done, CARMEN)
    assert state_of(desk, number) == "submitted"

    card = text_of(tap(desk, CARMEN, "revision", number))
    assert "Coordinación: «La suma no cuadra»" in card
    assert "Responde: «La suma incluye a Baní»" in card
    assert desk.do(lambda unit: unit.submissions.get(number).version) == 1


def test_a_question_does_not_send_back_and_is_answered_where_it_is(desk: Desk) -> None:
    """Both read the other's words in the notice, write back from it, and the report stays in the queue as it was."""
    number = sent(desk)
    assert "💬 Preguntar|" in " ".join(buttons(tap(desk, CARMEN, "revision", number)))

    tap(desk, CARMEN, "preguntar", number)
    asked = desk.say(CARMEN, "¿Cuántas escuelas fueron?")
    assert "«¿Cuántas escuelas fueron?»" in text_of(asked, ANA)
    assert f"💬 Responder|c:responder:{number}" in buttons(asked)
    assert "¿Cuántas escuelas fueron?" in text_of(tap(desk, ANA, "recibo", number))

    tap(desk, ANA, "responder", number)
    answered = desk.say(ANA, "Doce, en dos provincias")
    assert "«Doce, en dos provincias»" in text_of(answered, CARMEN)
    assert f"💬 Responder|c:preguntar:{number}" in buttons(answered)

    card = text_of(tap(desk, CARMEN, "revision", number))
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
    assert "«" not in text_of(desk.say(CARMEN, "¿Cuántas fueron?"))
    assert desk.state() == before


def test_what_is_typed_about_a_restricted_report_leaves_the_chat_and_names_nobody(desk: Desk) -> None:
    """The reason and the word back alike; who is refused is still asked (S15, docs/domain.md#free-text)."""
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


@pytest.mark.parametrize(
    "content",
    [
        {"photo": [{"file_id": "1", "file_unique_id": "1", "width": 9, "height": 9}]},
        {"voice": {"file_id": "1", "file_unique_id": "1", "duration": 3}},
        {"document": {"file_id": "1", "file_unique_id": "1", "file_name": "acta.pdf"}},
        {"location": {"latitude": 18.4, "longitude": -69.9}},
        {"sticker": {"file_id": "1", "file_unique_id": "1"}},
        {"forward_origin": {"type": "hidden_user", "date": 1, "sender_user_name": "X"}},
    ],
    ids=lambda content: next(iter(content)),
)
@pytest.mark.parametrize("who", [CARMEN, ANA])
def test_whatever_is_sent_where_words_about_a_restricted_report_are_awaited_leaves_the_chat(
    desk: Desk, who: int, content: dict[str, Any]
) -> None:
    """A photo, a voice, a forward: nobody reads them, and they were written about it (S15)."""
    number = sent(desk, "ASI-201", sensitive=True)
    tap(desk, CARMEN, "devolver", f"{number}.1.why")
    if who == ANA:
        desk.say(CARMEN, "Falta el total de septiembre")
        tap(desk, ANA, "responder", number)
    given = desk.say(who, "Falta" if "forward_origin" in content else None, **content)
    assert [row.payload["message_id"] for row in given.deliveries if row.method == "deleteMessage"] == [desk.message_id]


def test_a_word_about_a_restricted_report_that_comes_too_late_leaves_the_chat_too(desk: Desk) -> None:
    """A colleague was faster: nothing is kept of it, and it does not stay (S15)."""
    number = sent(desk, "ASI-201", sensitive=True)
    tap(desk, CARMEN, "devolver", f"{number}.1.why")
    desk.do(lambda unit: set_state(unit, number, "validated"))
    assert "deleteMessage" in [row.method for row in desk.say(CARMEN, "Falta el total").deliveries]


def test_what_has_locked_is_not_sent_back_into_nowhere(desk: Desk) -> None:
    """Nobody could answer: the remedy is named instead."""
    number = desk.do(
        lambda unit: unit.submissions.of_agency(unit.plans.agency(unit.plans.only().id, "MMUJER").id)[-1].id
    )
    desk.do(lambda unit: set_state(unit, number, "submitted"))
    refused = tap(desk, CARMEN, "devolver", f"{number}.1.w0")

    assert "ya cerró" in text_of(refused)
    assert state_of(desk, number) == "submitted"


def test_what_locks_while_the_reason_is_typed_is_not_sent_back_either(desk: Desk) -> None:
    """The question was asked before the lock, the answer comes after it."""
    number = sent(desk)
    tap(desk, CARMEN, "devolver", f"{number}.1.why")
    desk.now = NOW + timedelta(days=60)

    assert "ya cerró" in text_of(desk.say(CARMEN, "Falta el total"))
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
        progress = next(each for each in text_of(desk.say(CARMEN, "/progreso")).split("\n") if "MMUJER" in each)
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
            made = compose(unit, Moment.of(unit, plan.id, NOW + after), people)
            ana = unit.people.by_telegram_id(ANA).id
            assert set(made) <= {ana}
            return [message.payload for message in made.get(ana, ())]

        found: list[dict[str, Any]] = desk.do(work)
        return found

    assert told(timedelta(minutes=10)) == []

    [payload] = told(timedelta(hours=9))
    assert "Quedaron validados los reportes de PRE-101 y ASI-201" in payload["text"]
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
        shown = text_of(tap(desk, ANA, "versiones", second))
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

    assert "Otra cosa" in text_of(shown)
    assert f"✅ Validar|c:validar:{second}" in buttons(shown)
    assert "versión más nueva" in shown.answer.text


# ------------------------------------------------------------------ the whole way
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
    ana, carmen = report_sent(town, ANA, "PRE-101", "Grabar tres cuñas"), town.officer(CARMEN)
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
    carmen.wait_for("El reporte de PRE-101 se devolvió")
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
    assert "Coordinación: «¿Con qué radios?»" in carmen.text
    assert "No queda nada por validar" in carmen.tap("✅ Validar")
    assert town.rows("SELECT validation_state FROM submission WHERE version = 2") == [("validated",)]

    ana.say("/historial")
    ana.tap("PRE-101 · septiembre")
    assert "validado" in ana.text
    assert "→ Grabar tres cuñas con Radio Azua" in ana.tap("Versión 2: qué cambió")
