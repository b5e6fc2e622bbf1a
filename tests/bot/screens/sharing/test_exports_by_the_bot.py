"""An export with the real bot: a protected document, no trace on disk, one file even if the bot is killed."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import deadlines
from tests.bot.house import CARMEN, Officer, Town, town_in


# ------------------------------------------------------------------ the real bot
@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, furnished: Path) -> Iterator[Town]:
    with town_in(tmp_path_factory.mktemp("exporting"), furnished) as town:
        yield town


def documents(who: Officer) -> list[dict[str, Any]]:
    return [message for message in who.from_bot if "document" in message]


def wait_until(town: Town, what: Callable[[], object]) -> None:
    deadlines.wait_until(what, "the export goes on", show=town.logged)


def card_says(who: Officer, words: str) -> bool:
    return any(words in str(message.get("text", "")) for message in who.from_bot)


def test_two_taps_bring_a_protected_document_and_leave_nothing_on_disk(town: Town) -> None:
    """S5, G7 and the disk: what came is whole and protected; afterwards there is neither file nor open row."""
    carmen = town.officer(CARMEN)
    carmen.say("/exportar")
    carmen.tap("⬇️ Preparar")
    wait_until(town, lambda: card_says(carmen, "Enviado: 13 filas"))
    [document] = documents(carmen)
    assert document["has_protected_content"]
    assert "Uso interno" in document["caption"]
    assert document["document"]["file_name"].startswith("do-trata-2017-2020_reports_internal_")

    content = town.sandbox.world.files[document["document"]["file_id"]].data
    assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None
    assert not list((town.settings.files / "exports").glob("*"))


def test_an_answer_that_is_lost_repeats_no_export(town: Town) -> None:
    """G7: Telegram has it, we do not know; the message says so, and only the button sends it again."""
    carmen = town.officer(CARMEN)
    before = len(documents(carmen))
    fault = town.client.add_fault("reset", method="sendDocument", when="after", times=1)
    carmen.say("/exportar")
    carmen.tap("⬇️ Preparar")
    wait_until(town, lambda: card_says(carmen, "No se sabe si el archivo llegó"))
    assert town.client.fault_hits(fault) == 1
    assert len(documents(carmen)) == before + 1

    carmen.tap("Enviar otra vez")
    wait_until(town, lambda: not card_says(carmen, "No se sabe") and not card_says(carmen, "Enviando"))
    assert len(documents(carmen)) == before + 2


def test_a_bot_killed_in_mid_export_goes_on_and_sends_one_file(town: Town) -> None:
    """What a dead process was making is begun anew by the next one, at once; whoever asked gets one document."""
    carmen = town.officer(CARMEN)
    before = len(documents(carmen))
    town.kill()
    [(payload,)] = town.rows("SELECT payload FROM job WHERE kind = 'export' ORDER BY id LIMIT 1")
    asked = {name: json.loads(payload)[name] for name in ("plan", "person", "role", "choice", "at", "card")}
    lease = "2018-10-04 00:00:00.000000"
    town.change(
        "INSERT INTO job (kind, chat_id, payload, state, attempts, lease_until, created_at, error, owner)"
        " VALUES ('export', ?, ?, 'working', 1, ?, ?, '', (SELECT max(id) FROM replica))",
        CARMEN, json.dumps(asked), lease, lease,
    )  # fmt: skip
    left = town.settings.files / "exports" / "9-1-0.part"
    left.write_bytes(b"half")
    town.start()
    wait_until(town, lambda: len(documents(carmen)) == before + 1)
    wait_until(town, lambda: town.rows("SELECT state FROM job ORDER BY id DESC LIMIT 1") == [("done",)])

    assert len(documents(carmen)) == before + 1
    assert not left.exists()
