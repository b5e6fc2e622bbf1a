"""A form of one question, and how an administrator sends it to the bot."""

import io
from collections.abc import Callable

from openpyxl import Workbook

from tests.bot.house import Officer
from tests.deadlines import wait_until


def workbook(version: str, *questions: list[str], choices: list[list[str]] = []) -> bytes:  # noqa: B006
    made = Workbook()
    survey = made.active
    survey.title = "survey"
    survey.append(["type", "name", "label", "relevant", "appearance"])
    for question in questions:
        survey.append(question)
    if choices:
        sheet = made.create_sheet("choices")
        for row in [["list_name", "name", "label"], *choices]:
            sheet.append(row)
    settings = made.create_sheet("settings")
    settings.append(["form_id", "form_title", "version"])
    settings.append(["visits", "Visitas", version])
    written = io.BytesIO()
    made.save(written)
    return written.getvalue()


ONE = workbook("1", ["text", "place", "¿Dónde?"], ["integer", "n", "¿Cuántas personas?"])


def send(who: Officer, name: str, data: bytes, words: str) -> str:
    """Send a file, wait until the card below it says this, and return the card's text."""
    who.do(lambda: who.phone.send_files("document", (name, data)))
    return until(who, lambda: next((t for m in who.from_bot[-2:] if words in (t := m.get("text", ""))), ""))


def document(who: Officer) -> str:
    """The name of the document that the bot sends."""
    return until(who, lambda: next((m["document"]["file_name"] for m in who.from_bot if "document" in m), ""))


def until(who: Officer, look: Callable[[], str]) -> str:
    return wait_until(look, "the phone shows it", show=lambda: f"{who.town.logged()}\n{who.text!r}")
