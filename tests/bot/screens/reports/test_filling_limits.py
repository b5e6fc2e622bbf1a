"""What asks for more than a machine has, met in the chat: each time a sentence, and the bot lives on."""

from pathlib import Path

import pytest

from bot.acts.reports.forms import publish
from bot.open_storage import open_storage
from conversations.authoring.xlsform import read_xlsform
from conversations.wording import wording
from conversations.xforms.bundle import Bundle
from storage.unit_of_work import UnitOfWork
from tests.bot.house import ANA, BEGINS, Officer, furnish, settings_in, town_in
from tests.bot.officers import asked_for_a_photo
from tests.bot.photos import photo_with_gps
from tests.conversations.xforms.hostile_forms import HOSTILE, doubling, rows, try_nothing
from tests.storage.reports.file_samples import webp_bomb

pytestmark = pytest.mark.slow

SETTINGS = "| settings |\n| | form_id | form_title | version |\n| | endless | Sin fin | 1 |\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    furnish(tmp_path)
    return tmp_path


def publish_untried(folder: Path, monkeypatch: pytest.MonkeyPatch, lines: tuple[str, ...]) -> None:
    """A form as one that was published before forms were tried."""
    try_nothing(monkeypatch)
    content = rows(*lines) + SETTINGS.encode()
    checked = read_xlsform(content, "endless.md")

    def work(unit: UnitOfWork) -> None:
        publish(unit, Bundle("endless.md", content), checked, BEGINS)

    with open_storage(settings_in(folder)) as database:
        database.units.submit(None, work).result()


def open_form(who: Officer) -> None:
    who.say("/formularios")
    who.tap("Sin fin")


def test_a_form_that_cannot_be_opened_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first calculation doubles forty times: a sentence with the remedy, and everything else goes on."""
    publish_untried(folder, monkeypatch, HOSTILE["text"])
    with town_in(folder, None) as town:
        ana = town.officer(ANA)
        open_form(ana)
        ana.wait_for(wording("es")("form.too_much"))
        ana.say("/pendientes")
        assert "MMUJER" in ana.text
        assert town.rows("SELECT count(*) FROM session") == [(0,)]
        assert "Traceback" not in town.logged()


def test_an_answer_that_cannot_be_afforded_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The question stays, and so does the process."""
    publish_untried(folder, monkeypatch, doubling("${q}"))
    with town_in(folder, None) as town:
        ana = town.officer(ANA)
        open_form(ana)
        ana.wait_for("¿Qué?")
        ana.say("ab")
        ana.wait_for(wording("es")("err.too_much_text"))
        assert "Traceback" not in town.logged()


def test_a_picture_of_two_kilobytes_and_fifty_million_points_is_refused_in_words(folder: Path) -> None:
    """Sent as evidence: the reply says why, and another photo answers the question."""
    with town_in(folder, None) as town:
        ana = asked_for_a_photo(town, ANA)
        ana.do(lambda: ana.phone.send_files("document", ("bomb.webp", webp_bomb())))
        ana.wait_for("megapíxeles")
        ana.do(lambda: ana.phone.send_files("document", ("jornada.jpg", photo_with_gps())))
        ana.wait_for("Confirmo que la foto")

        assert town.logged().count("bot.ready") == 1
        assert "Traceback" not in town.logged()
