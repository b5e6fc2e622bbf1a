"""Reminders on the phones: the real bot beside the sandbox, whose clock is moved through the month."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from conversations.plan.calendar.ledger import SAID
from tests.bot.house import ANA, CARMEN, JEAN, LUIS, PEDRO, Officer, Town
from tests.deadlines import wait_until

pytestmark = pytest.mark.slow
SANTO_DOMINGO = ZoneInfo("America/Santo_Domingo")


def at(town: Town, when: str) -> None:
    """Move the sandbox's clock to this wall time in Santo Domingo."""
    town.client.move_clock(to=datetime.fromisoformat(when).replace(tzinfo=SANTO_DOMINGO).timestamp())


def fires(town: Town, person: int) -> list[tuple[str, str, str]]:
    """What the ledger says of one person's reminders: day, state, reason."""
    return town.rows(
        'SELECT f."window", f.state, f.reason FROM fire f JOIN person p ON p.id = f.person_id'
        " WHERE p.telegram_id = ? AND f.what = 'reminders' ORDER BY f.window",
        person,
    )


def wait_for_fire(town: Town, person: int, day: str) -> tuple[str, str, str]:
    """Until the ledger says what became of that day."""
    return wait_until(
        lambda: [row for row in fires(town, person) if row[0] == day and row[1] != "queued"],
        f"the ledger knows of {day}",
        show=lambda: f"{town.logged()}\n{fires(town, person)}",
    )[0]


def hear(officer: Officer, words: str) -> str:
    """Until some message of the bot says this; others may have come after it."""

    def found() -> str:
        said = [str(message.get("text", "")) for message in officer.from_bot]
        return next((text for text in reversed(said) if words in text), "")

    return wait_until(found, f"some message says {words!r}", show=officer.town.logged)


def report_all(officer: Officer) -> None:
    for _ in range(8):
        officer.say("/pendientes")
        waiting = [b for b in officer.buttons if b.startswith(("PRE", "PER", "ASI"))]
        if not waiting:
            return
        officer.tap(waiting[0])
        officer.tap("Igual")
        officer.say("Seguir con el plan de trabajo")
        officer.tap("Enviar ahora")


def test_on_the_due_day_at_nine_one_reminder_comes_and_leads_to_the_report(town: Town) -> None:
    """One message with all that is left; Empezar opens the first; sent, it has to be closed; closed, nothing more."""
    ana = town.officer(ANA)
    at(town, "2018-10-05T09:00")
    ana.wait_for("Hoy vence el plazo de septiembre 2018 para MMUJER")
    assert "PRE-101" in ana.text
    assert "ASI-201" in ana.text
    assert ana.text.count("\n") >= 2

    ana.tap("Empezar")
    assert "Cómo va la actividad" in ana.text

    ana.tap("Igual")
    ana.say("Seguir con el plan de trabajo")
    ana.tap("Enviar ahora")
    report_all(ana)
    luis = town.officer(LUIS)
    at(town, "2018-10-12T09:00")  # the last day
    ana.wait_for("Solo falta cerrarlo")
    luis.wait_for("Solo falta cerrarlo")
    assert not [button for button in ana.buttons if "Empezar" in button]

    luis.tap("Recordarme mañana")
    ana.tap("Cerrar el mes")
    assert "MMUJER cerró septiembre 2018" in ana.tap("Sí, cerrar")

    before = len(luis.from_bot)
    at(town, "2018-10-15T09:00")
    assert wait_for_fire(town, LUIS, "2018-10-15")[1:] == ("skipped", "nothing_left")
    assert len(luis.from_bot) == before


def test_a_month_on_the_phones(town: Town) -> None:
    """The clock walks through October: each step once, in private, to the right people, and nothing at night."""
    ana, luis, carmen, jean = (town.officer(who) for who in (ANA, LUIS, CARMEN, JEAN))
    at(town, "2018-10-03T09:00")
    ana.wait_for("se acerca el plazo")
    at(town, "2018-10-05T07:30")
    at(town, "2018-10-05T09:00")
    ana.wait_for("Hoy vence")
    jean.wait_for("Jodi a")
    at(town, "2018-10-06T12:00")
    at(town, "2018-10-08T09:00")
    ana.wait_for("¿Qué lo frena?")  # two were sent, and nothing came of them
    luis.wait_for("todavía se recibe")
    assert "Luis" in ana.text

    ana.tap("Que me llamen")
    at(town, "2018-10-11T09:00")
    assert not any("Terminaron los días de gracia" in str(each) for each in carmen.from_bot), "a line of the week"
    at(town, "2018-10-15T09:00")
    hear(carmen, "quedó cerrado")
    town.rest()
    carmen.tap("Ver completo")
    assert "MMUJER (Que me llamen)" in carmen.text
    # A clock that is moved while a call is recorded ends its lease: it was said, and is in doubt.
    days = [row[0] for row in fires(town, ANA) if row[1] in SAID]
    assert days == ["2018-10-03", "2018-10-05", "2018-10-08"]
    assert wait_for_fire(town, LUIS, "2018-10-05")[1:] == ("skipped", "focal_point_told")


def test_nothing_new_is_a_report_with_its_reason(town: Town) -> None:
    """One press for all that is left: as last time, receipts and all, and reminders stop."""
    ana = town.officer(ANA)
    at(town, "2018-10-05T09:00")
    ana.wait_for("Hoy vence")
    ana.tap("Sin novedades")
    assert "PRE-101" in ana.text

    ana.tap("Espera presupuesto")
    assert "2 reportes sin novedades" in ana.text
    assert "recibo n.º" in ana.text
    rows = town.rows(
        "SELECT subject, progress, activity_status, sensitive FROM submission"
        " WHERE submitted_at > '2018-10-05' ORDER BY subject"
    )
    assert [row[0] for row in rows] == ["activity:ASI-201", "activity:PRE-101"]
    assert all(row[2] == "in_progress" and row[1] > 0 for row in rows)

    ana.tap("Cerrar el mes")
    ana.tap("Sí, cerrar")
    at(town, "2018-10-08T09:00")
    assert wait_for_fire(town, ANA, "2018-10-08")[1:] == ("skipped", "nothing_left")


def test_tomorrow_a_pause_and_a_hurricane(town: Town) -> None:
    """Each is one press, and the ledger says why nothing came."""
    ana, luis, carmen = (town.officer(who) for who in (ANA, LUIS, CARMEN))
    at(town, "2018-10-03T09:00")
    ana.wait_for("se acerca el plazo")
    ana.tap("Recordarme mañana")
    assert "4 oct 2018" in ana.text

    at(town, "2018-10-04T09:00")
    ana.wait_for("se acerca el plazo")
    carmen.say("/pausar")
    carmen.tap("1 día")
    hear(carmen, "todas las instituciones")
    carmen.say("/pausar")
    carmen.tap("3 días")
    at(town, "2018-10-05T09:00")
    assert wait_for_fire(town, ANA, "2018-10-05")[1:] == ("open", "paused_for_everybody")

    carmen.say("/pausar")
    carmen.tap("Terminar la pausa")
    ana.say("/delegar")
    ana.tap("Luis Peña")
    ana.tap("7 días")
    luis.wait_for("Ana Martínez le deja el reporte")
    at(town, "2018-10-08T09:00")
    luis.wait_for("todavía se recibe")


def test_a_coordinator_reminds_who_is_missing_once_a_day(town: Town) -> None:
    """Private, to those not reminded today; the sender sees how many it reached."""
    carmen, ana = town.officer(CARMEN), town.officer(ANA)
    at(town, "2018-10-03T09:00")
    ana.wait_for("se acerca el plazo")
    # What was sent is recorded on the day on which it was: it counts as told on that day.
    wait_until(lambda: not town.rows("SELECT 1 FROM fire WHERE state = 'queued'"), "the ledger knows what was sent")
    at(town, "2018-10-04T10:00")
    carmen.say("/recordar")
    hear(carmen, "instituciones tienen algo pendiente")
    carmen.tap("Recordar a")
    hear(carmen, "Recordé a 3 personas")
    wait_for_fire(town, ANA, "2018-10-04")
    carmen.say("/recordar")
    hear(carmen, "ya se les avisó hoy")

    assert not [button for button in carmen.buttons if "Recordar a" in button]
    assert [row[:2] for row in fires(town, ANA)][-2:] == [("2018-10-03", "sent"), ("2018-10-04", "sent")]


def test_whoever_leaves_is_asked_once_and_the_admin_is_told(town: Town) -> None:
    """Role and drafts end together; nobody is reminded in their name any more."""
    jean, pedro = town.officer(JEAN), town.officer(PEDRO)
    at(town, "2018-10-05T09:00")
    jean.wait_for("Jodi a")
    jean.tap("Se pa mwen ankò")
    jean.tap("Wi, se pa mwen ankò")
    pedro.wait_for("Jean Baptiste")
    pedro.tap("Crear invitación")
    assert "start=" in pedro.text

    at(town, "2018-10-08T09:00")
    wait_for_fire(town, ANA, "2018-10-08")
    assert [row[0] for row in fires(town, JEAN) if row[1] == "sent"] == ["2018-10-05"]


def test_an_admin_changes_a_schedule_in_chat(town: Town) -> None:
    """What, when, for whom, the next three times; a holiday moves a due day that is to come."""
    pedro = town.officer(PEDRO)
    pedro.say("/programar")
    pedro.tap("Recordatorios")
    assert "5 oct 2018, 09:00" in pedro.text

    pedro.tap("🕘 Hora")
    pedro.tap("10:30")
    assert "5 oct 2018, 10:30" in pedro.text

    pedro.tap("⏸ Pausar")
    assert "En pausa" in pedro.text

    pedro.say("/calendario 10/10/2018")
    assert "10 oct 2018" in pedro.text
    assert town.rows("SELECT due_on FROM reporting_period WHERE code = '2018Q3'") == [("2018-10-11",)]

    at(town, "2018-10-05T11:00")
    said = town.enlace("due", "--at", "2018-10-05T11:00").stdout
    assert "no se envía\treminders\tAna Martínez\tfocal_point\tMMUJER\tprogramación en pausa" in said
