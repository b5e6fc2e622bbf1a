"""One number a closing: the first screen, /progreso and the digest count the same, on every day of a quarter's end."""

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.open_storage import open_storage
from tests.bot.desk import Desk, said, tap
from tests.bot.house import ANA, CARMEN, PEDRO, settings_in


@pytest.fixture
def desk(tmp_path: Path, furnished: Path) -> Iterator[Desk]:
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    with open_storage(settings_in(tmp_path)) as database:
        yield Desk(database)


def numbers(text: str, words: str) -> list[str]:
    """Both numbers of "… N de M" behind these words."""
    found = re.search(rf"{words}\D*(\d+) de (\d+)", text)
    assert found is not None, text
    return list(found.groups())


def test_first_screen_progress_and_digest_have_one_number(desk: Desk) -> None:
    """Also when the month has locked and the quarter that ends with it is still open, and when both have."""
    tap(desk, ANA, "novedades", "waiting")
    tap(desk, ANA, "cerrar", "20180930")
    seen = set()
    for month, day in ((10, 3), (10, 10), (10, 16), (10, 25), (11, 2)):
        desk.now = datetime(2018, month, day, 14, tzinfo=UTC)
        digest = said(desk.say(CARMEN, "/resumen"), CARMEN)[-1]
        progress = said(desk.say(CARMEN, "/progreso"), CARMEN)[-1]
        for who in (CARMEN, PEDRO):
            home = said(desk.say(who, "/menu"), who)[-1]
            assert numbers(home, "Instituciones que cerraron:") == numbers(digest, "Cierre:"), (month, day)
        assert numbers(progress, "Recibidos:") == numbers(digest, "Reportes:")
        assert progress.count(" · cerrado") == int(numbers(digest, "Cierre:")[0])
        seen.add(tuple(numbers(digest, "Cierre:")))
    assert len(seen) == 2  # of September's end, and of October's
