"""What a row of the outbox names is made when it is sent."""

from pathlib import Path

import orjson
import pytest

from bot.workers import picture
from bot.workers.uploads import open_upload
from conversations.plan.messages.digests import matrix
from storage.errors import Unavailable
from storage.exports.files import drawing_process
from storage.exports.parcels import Parcels
from storage.reports.files import FileStore
from tests.conversations.plan.commission import stand


def opened(folder: Path, path: str) -> bytes:
    with open_upload(FileStore(folder, None), Parcels(folder / "exports", None), path) as file:
        return file.read()


def test_a_picture_is_drawn_apart_as_it_is_drawn_here(tmp_path: Path) -> None:
    """The child has nothing of ours but what it is given, and draws the same picture."""
    shown = orjson.dumps(matrix(stand(), "es"))

    drawn = opened(tmp_path, f"matrix:{shown.decode()}")

    assert drawn == picture.draw(orjson.loads(shown))
    assert drawn.startswith(b"\x89PNG")


def test_a_drawing_that_fails_or_never_ends_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job is tried again, and its person told at the end: both need one kind of error."""
    with pytest.raises(ValueError, match="ended with 1"):
        opened(tmp_path, "matrix:{}")

    monkeypatch.setattr(drawing_process, "LIMIT", 0.0)
    with pytest.raises(ValueError, match="has not ended"):
        opened(tmp_path, "matrix:{}")


def test_a_drawing_that_was_told_to_end_is_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A supervisor stops all processes of a service at once: the digest's picture was given up, and said in words."""
    program = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    monkeypatch.setattr(drawing_process, "PROGRAM", program)
    with pytest.raises(Unavailable):
        opened(tmp_path, "matrix:{}")


def test_a_drawing_that_nobody_wants_any_more_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bot stops, or the export was cancelled."""

    class Unwanted(Exception):
        pass

    def go_on() -> None:
        raise Unwanted

    monkeypatch.setattr(drawing_process, "PROGRAM", "import signal; signal.pause()")
    with pytest.raises(Unwanted):
        drawing_process.draw_in_child("bot.workers.picture", "draw", go_on=go_on)
