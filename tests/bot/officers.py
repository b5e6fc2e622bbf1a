"""What officers have done when a test begins: a report begun, sent, or waiting for its photo."""

from tests.bot.house import Officer, Town


def report_begun(town: Town, who: int, code: str) -> Officer:
    """Its first question is asked: how the activity is going."""
    officer = town.officer(who)
    officer.say("/pendientes")
    officer.tap(code)
    return officer


def report_as_last_month(town: Town, who: int, code: str) -> Officer:
    """All is answered as in the last report; the next step is asked."""
    officer = report_begun(town, who, code)
    officer.tap("Igual que el reporte anterior")
    return officer


def report_sent(town: Town, who: int, code: str, next_step: str) -> Officer:
    """As last month, with another next step; the receipt is shown."""
    officer = report_as_last_month(town, who, code)
    officer.say(next_step)
    officer.tap("Enviar ahora")
    return officer


def report_without_people(officer: Officer) -> None:
    """From whether people were reached to the end: none, no evidence; it waits to be sent."""
    officer.tap("No")
    officer.tap("Sin evidencia")
    officer.tap("Omitir")
    officer.say("Seguir con la pauta")


def asked_for_a_photo(town: Town, who: int) -> Officer:
    """PRE-101 is completed and reached 230 people; its evidence will be a photo, which is asked for."""
    officer = report_begun(town, who, "PRE-101")
    for text in ("Completada", "Omitir", "Hoy", "Sí"):
        officer.tap(text)
    officer.say("230")
    officer.say("20 10 110 85")
    officer.tap("Omitir")
    officer.tap("📷 Foto")
    return officer
