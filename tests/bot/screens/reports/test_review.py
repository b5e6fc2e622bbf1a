"""Review in the chat: read, validated, sent back with one question and answered, by whom it may and nobody else."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.workers.upkeep import Premises, clean_chats
from bot.workers.uploads import open_upload
from storage.database.vault import Vault
from storage.messages.outbox import Sent
from storage.reports.files import FileStore, NewAttachment
from storage.reports.inspection import Inspected
from tests.bot.desk import Desk, is_denied, text_of
from tests.bot.house import ANA, CARMEN, GRACE, PEDRO, ROSA
from tests.bot.screens.reports.reviewed import (
    NOW,
    SECOND,
    audited,
    buttons,
    sent,
    state_of,
    tap,
)
from tests.storage.validation import set_state

pytestmark = pytest.mark.usefixtures("two_coordinators")


# ------------------------------------------------------------------ the queue and the card
def test_the_queue_is_oldest_first_with_the_restricted_apart(desk: Desk) -> None:
    """And empty it says how the week went, if anything was validated in it."""
    nothing = text_of(desk.say(CARMEN, "/revisar"))
    assert "No queda nada por validar" in nothing
    assert "Validadas" not in nothing

    restricted = sent(desk, "ASI-201", sensitive=True, now=datetime(2018, 10, 1, tzinfo=UTC))
    first = sent(desk, "PRE-101", now=datetime(2018, 10, 2, tzinfo=UTC))
    second = sent(desk, "PER-101", ROSA, agency="PGR")
    shown = desk.say(CARMEN, "/revisar")
    assert "3 reportes por validar" in text_of(shown)
    assert "Restringidos, al final: 1" in text_of(shown)

    order = [each.partition("|c:revision:")[2] for each in buttons(shown) if "|c:revision:" in each]
    assert order == [str(first), str(second), f"{restricted}"]
    assert "3 reports to validate" in text_of(desk.say(SECOND, "/review"))
    assert any(each.endswith("|c:revisar:") and "3" in each for each in buttons(desk.say(CARMEN, "/resumen")))

    for number in (first, second):
        tap(desk, CARMEN, "validar", number)
    assert "1 reporte por validar" in text_of(desk.say(CARMEN, "/revisar"))


def test_the_card_tells_what_changed_since_last_month(desk: Desk) -> None:
    """Status and progress beside the previous one; next step, evidence; old and new where it differs."""
    number = sent(desk)
    card = text_of(tap(desk, CARMEN, "revision", number))

    assert "MMUJER · PRE-101" in card
    assert "Punto focal: Ana Martínez" in card
    assert "🔵 En curso, 40% (antes" in card
    assert "➡️ Convocar la mesa" in card
    assert "Cambió desde agosto 2018" in card
    assert "→ Convocar la mesa" in card
    assert "Cuántas unidades" not in card
    assert "Qué porcentaje lleva" in text_of(tap(desk, CARMEN, "revision", f"{number}.all"))


def test_what_is_declared_stands_beside_the_light_that_is_computed(desk: Desk) -> None:
    """In the queue, on the card, among reports that are validated together, and on the reporter's own receipt."""
    number = sent(desk, answers={"progress": "70"})
    sent(desk, "PRE-102", answers={"progress": "70"})
    light = text_of(tap(desk, CARMEN, "avance", "PRE-101")).splitlines()[2]
    assert light.split()[0] in "🔴🟡🟢"

    queue = buttons(desk.say(CARMEN, "/revisar"))
    assert f"{light.split()[0]} MMUJER · PRE-101 · En curso, 70%|c:revision:{number}" in queue

    card = text_of(tap(desk, CARMEN, "revision", number))
    assert f"🔵 En curso, 70% (antes 50%)\nSemáforo de hoy: {light}" in card
    assert f"• PRE-101 · 🔵 En curso, 70% · {light}" in text_of(tap(desk, CARMEN, "validar", "MMUJER"))
    assert f"🔵 En curso, 70%\nSemáforo de hoy: {light}" in text_of(tap(desk, ANA, "recibo", number))


def test_a_progress_that_has_not_moved_is_not_told_twice(desk: Desk) -> None:
    """ "50% (antes 50%)" had the reader look for a difference."""
    number = sent(desk, answers={"progress": "50"})
    assert "🔵 En curso, 50% (como antes)" in text_of(tap(desk, CARMEN, "revision", number))


def test_two_reports_of_one_activity_are_told_apart_in_the_queue(desk: Desk) -> None:
    """By their periods: a coordinator who is months behind saw the same button three times."""
    earlier = desk.do(lambda unit: unit.plans.period(unit.plans.only().id, "201807").id)
    first, second = sent(desk), sent(desk, instance_id="uuid:earlier", reporting_period_id=earlier)
    sent(desk, "PRE-102")
    queue = [each[2:] for each in buttons(desk.say(CARMEN, "/revisar"))]
    assert f"MMUJER · PRE-101 · septiembre 2018 · En curso|c:revision:{first}" in queue
    assert f"MMUJER · PRE-101 · julio 2018 · En curso|c:revision:{second}" in queue
    assert any(each.startswith("MMUJER · PRE-102 · En curso, 40%|") for each in queue)


def test_an_approved_cancellation_does_not_wait_to_be_started(desk: Desk) -> None:
    """It is grey like what has not begun, and its word says which of the two it is."""
    number = sent(desk, answers={"status": "cancelled"})
    tap(desk, CARMEN, "validar", f"{number}.yes")
    card = text_of(tap(desk, CARMEN, "avance", "PRE-101"))
    assert "⚪ Gris" in card
    assert "Por iniciar" not in card


def test_restricted_text_is_opened_by_a_coordinator_and_that_is_on_record(desk: Desk) -> None:
    """The queue and the first card say nothing of it; what opens it is sealed on its way and audited (S12, S13)."""
    number = sent(desk, "ASI-201", sensitive=True)
    closed = tap(desk, CARMEN, "revision", number)
    assert "Convocar la mesa" not in text_of(closed)
    assert not any("c:validar" in each for each in buttons(closed))
    assert audited(desk) == []

    opened = tap(desk, CARMEN, "revision", f"{number}.see")
    assert "Convocar la mesa" in text_of(opened)
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
        assert "Convocar la mesa" in text_of(again)
        left = tap(desk, CARMEN, name, argument)
        # What is restricted may follow it on its card; what stays is a message of its own.
        is_card_left = [each.method for each in left.deliveries] == ["deleteMessage", "sendMessage"]
        assert is_card_left or [(each.method, each.sensitive) for each in left.deliveries] == [
            ("editMessageText", True)
        ]
        assert "Convocar la mesa" not in text_of(left)
        desk.do(lambda unit: set_state(unit, number, "submitted"))


def test_what_a_coordinator_sees_of_a_restricted_report_leaves_the_chat_and_the_queue_that_stays_has_its_code(
    desk: Desk,
) -> None:
    """Title and progress too (S15): on the report's own card, in its return, in the report behind another one."""
    open_one, number = sent(desk), sent(desk, "ASI-201", sensitive=True)
    title = desk.do(lambda unit: unit.plans.activity(unit.plans.only().id, "ASI-201").title("es"))
    queue = desk.say(CARMEN, "/revisar")
    assert [each for each in buttons(queue) if "ASI-201" in each and "%" not in each]
    assert not [row for row in queue.deliveries if row.sensitive]

    for name, argument in (("revision", number), ("devolver", number), ("validar", open_one)):
        shown = tap(desk, CARMEN, name, argument)
        assert title in text_of(shown), name
        [card] = [row for row in shown.deliveries if row.method in ("sendMessage", "editMessageText")]
        assert card.sensitive, name


def test_what_an_officer_sees_of_a_restricted_report_leaves_the_chat(desk: Desk) -> None:
    """What is in the history says more than the receipt that stays: status, progress, which answers changed (S15)."""
    for number, is_sealed in ((sent(desk), False), (sent(desk, "ASI-201", sensitive=True), True)):
        for name in ("recibo", "versiones"):
            [card] = [row for row in tap(desk, ANA, name, number).deliveries if row.method != "deleteMessage"]
            assert card.sensitive == is_sealed, name


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
            NewAttachment(
                plan_id=report.plan_id,
                instance_id=report.instance_id,
                ref="/data/evidence_doc",
                inspected=inspected,
                sensitive=sensitive,
                is_compressed=False,
            ),
            NOW,
        ).id
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
    assert "El reporte de PRE-101 quedó validado" in text_of(done)
    assert "PER-101" in text_of(done)
    assert f"↶ Deshacer PRE-101|c:validar:{first}.undo" in buttons(done)
    assert state_of(desk, first) == "validated"

    tap(desk, SECOND, "validar", f"{first}.undo")
    assert state_of(desk, first) == "validated"
    assert "Deshecho" in text_of(tap(desk, CARMEN, "validar", f"{first}.undo"))
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
        assert "By Carmen Soto" in text_of(late)

    assert "By Carmen Soto" in text_of(tap(desk, SECOND, "devolver", f"{number}.1.w0"))
    assert audited(desk) == ["report.validated"]


def test_nobody_validates_or_returns_their_own(desk: Desk) -> None:
    """Who once reported as focal point coordinates today: another coordinator decides."""
    number = sent(desk, by=CARMEN)
    assert "lo valida otra persona" in text_of(tap(desk, CARMEN, "revision", number))
    for name, argument in (("validar", number), ("devolver", f"{number}.1.w0"), ("devolver", f"{number}.1.why")):
        assert "lo valida otra persona" in tap(desk, CARMEN, name, argument).answer.text
    assert state_of(desk, number) == "submitted"

    tap(desk, SECOND, "validar", number)
    assert state_of(desk, number) == "validated"


def test_a_cancellation_is_approved_in_so_many_words(desk: Desk) -> None:
    """Until then the activity goes on being expected, and its light is no grey one (docs/domain.md#lights)."""
    number = sent(desk, answers={"status": "cancelled"})
    plan = desk.do(lambda unit: unit.plans.only().id)
    asked = tap(desk, CARMEN, "validar", number)
    assert "aprueba que se cancele" in text_of(asked)
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
    assert any(each.startswith("✅ Validar los 2 de MMUJER|c:validar:MMUJER") for each in buttons(shown))

    sure = tap(desk, CARMEN, "validar", "MMUJER")
    assert "PRE-101" in text_of(sure)
    assert "PRE-302" not in text_of(sure)

    [yes] = [each.partition("|c:validar:")[2] for each in buttons(sure) if "Sí, validar" in each]
    later = sent(desk, "PRE-201", answers=further)
    assert "3 reportes" in text_of(tap(desk, CARMEN, "validar", yes))
    assert [state_of(desk, number) for number in ordinary] == ["submitted"] * 2

    [yes] = [
        each.partition("|c:validar:")[2] for each in buttons(tap(desk, CARMEN, "validar", "MMUJER")) if "Sí" in each
    ]
    assert "3 reportes de MMUJER quedaron validados" in text_of(tap(desk, CARMEN, "validar", yes))
    assert [state_of(desk, number) for number in (*ordinary, later)] == ["validated"] * 3
    assert [state_of(desk, number) for number in (fallen, restricted)] == ["submitted"] * 2

    alone = sent(desk, "PRE-202", answers=further)  # of two that were offered one is left: its card, no "1 reports"
    card = tap(desk, CARMEN, "validar", "MMUJER")
    assert "MMUJER · PRE-202" in text_of(card)
    assert f"✅ Validar|c:validar:{alone}" in buttons(card)
