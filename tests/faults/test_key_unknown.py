"""A key that the running bot does not have: the answer waits, everybody else goes on, and nothing is given up."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.demo.cast import BEGINS
from bot.open_storage import open_storage
from bot.sandbox.server import running_sandbox
from storage.upkeep.resealing import reseal
from tests.bot.house import ANA, LUIS, PEDRO, Town, furnish
from tests.storage.database import scratch

pytestmark = pytest.mark.slow

STEP = "Coordinar con la mesa de acogida"


@pytest.fixture(params=["sqlite by polling", "postgresql by webhook"])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    if request.param == "sqlite by polling":
        yield from served(tmp_path, "")
        return
    with scratch.schema_or_skip(bots=1) as url:
        yield from served(tmp_path, url, webhook=True)


def served(folder: Path, url: str, *, webhook: bool = False) -> Iterator[Town]:
    furnish(folder, url)
    with running_sandbox(start=BEGINS.timestamp()) as sandbox:
        town = Town(sandbox, folder, webhook=webhook, database_url=url)
        try:
            town.start()
            yield town
        finally:
            town.stop()


def seal_anew(town: Town) -> Path:
    """A rotation has reached another server and not this bot's, and what was sealed is under its key. That keyring."""
    mine = town.settings
    theirs = mine.keys.with_name("theirs.json")
    shutil.copy(mine.keys, theirs)
    town.settings = mine.model_copy(update={"keys": theirs})
    assert town.enlace("keys", "rotate").returncode == 0
    with open_storage(town.settings) as database:
        assert database.units.submit(None, reseal).result() > 0
    town.settings = mine
    return theirs


def test_an_answer_that_needs_a_key_that_is_not_there_is_kept_and_told(town: Town) -> None:
    """Ana reads that it is not lost, the admin reads which key, Luis is served; when the key is there she goes on."""
    ana, luis, admin = town.officer(ANA), town.officer(LUIS), town.officer(PEDRO)
    ana.say("/pendientes")
    ana.tap("ASI-201")
    ana.tap("Igual que el reporte anterior")
    keyring = seal_anew(town)
    ana.phone.say(STEP)
    ana.wait_for("no puedo abrir sus respuestas restringidas")
    admin.wait_for("⛔")
    for _ in range(3):
        luis.phone.say("/pendientes")
        luis.wait_for("MMUJER")
        luis.phone.say("/ayuda")
        luis.wait_for("/pendientes")
    assert town.sandbox.world.bot.pending, "Telegram keeps what was not applied"
    assert "alarm" in town.logged()
    assert "k2" in town.logged()
    assert "poison" not in town.logged()
    assert "intake.trouble" not in town.logged(), "only Ana waits"
    keyring.replace(town.settings.keys)
    ana.wait_for(STEP)
    town.rest()
    assert "Recibo" in ana.tap("Enviar ahora")
