"""What a row of the outbox names is made when it is sent: one picture at a time, and the same one once."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from bot.workers import picture, uploads
from bot.workers.uploads import Uploads
from conversations.plan.messages.digests import matrix
from storage.errors import Unavailable
from storage.exports.files import drawing_process
from storage.exports.parcels import Parcels
from storage.reports.files import FileStore
from tests.conversations.plan.commission import stand


async def opened(folder: Path, path: str) -> bytes:
    return await read(uploads_in(folder), path)


def uploads_in(folder: Path) -> Uploads:
    return Uploads(FileStore(folder, None), Parcels(folder / "exports", None))


async def read(found: Uploads, path: str) -> bytes:
    with await found.open(path, lambda: True) as file:
        return file.read()


async def test_a_picture_is_drawn_apart_as_it_is_drawn_here(tmp_path: Path) -> None:
    """The child has nothing of ours but what it is given, and draws the same picture."""
    shown = orjson.dumps(matrix(stand(), "es"))

    drawn = await opened(tmp_path, f"matrix:{shown.decode()}")

    assert drawn == picture.draw(orjson.loads(shown))
    assert drawn.startswith(b"\x89PNG")


async def test_a_drawing_that_fails_or_never_ends_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job is tried again, and its person told at the end: both need one kind of error."""
    with pytest.raises(ValueError, match="ended with 1"):
        await opened(tmp_path, "matrix:{}")

    monkeypatch.setattr(drawing_process, "LIMIT", 0.0)
    with pytest.raises(ValueError, match="has not ended"):
        await opened(tmp_path, "matrix:{}")


async def test_a_drawing_that_was_told_to_end_is_drawn_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A supervisor stops all processes of a service at once: the digest's picture was given up, and said in words."""
    program = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    monkeypatch.setattr(drawing_process, "PROGRAM", program)
    with pytest.raises(Unavailable):
        await opened(tmp_path, "matrix:{}")


def test_a_drawing_that_nobody_wants_any_more_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bot stops, or the export was cancelled."""

    class Unwanted(Exception):
        pass

    def go_on() -> None:
        raise Unwanted

    monkeypatch.setattr(drawing_process, "PROGRAM", "import signal; signal.pause()")
    with pytest.raises(Unwanted):
        drawing_process.draw_in_child("bot.workers.picture", "draw", go_on=go_on)


async def test_a_picture_for_many_is_drawn_once_and_one_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty coordinators get one picture, and each drawing takes a process. One that fails is not tried for each."""
    drawn: list[Any] = []
    drawing: list[int] = []
    most = 0

    def draw(module: str, name: str, shown: Any, go_on: Any) -> bytes:
        nonlocal most
        drawing.append(shown)
        most = max(most, len(drawing))
        go_on()
        drawn.append(drawing.pop())
        if shown == 2:
            raise ValueError("ended with 1")
        return str(shown).encode()

    monkeypatch.setattr(uploads, "draw_in_child", draw)
    found = uploads_in(tmp_path)
    asked = [f"matrix:{number}" for number in (1, 2, 3)] * 10
    read_all = await asyncio.gather(*(read(found, path) for path in asked), return_exceptions=True)

    assert [str(each) if isinstance(each, ValueError) else each for each in read_all] == [
        b"1",
        "ended with 1",
        b"3",
    ] * 10
    assert drawn == [1, 2, 3]
    assert most == 1


async def test_what_is_not_drawn_yet_holds_up_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An export for which somebody waits is opened meanwhile; and at a stop the drawing ends."""
    monkeypatch.setattr(drawing_process, "PROGRAM", "import signal; signal.pause()")
    found, is_wanted = uploads_in(tmp_path), [True]
    async with asyncio.TaskGroup() as tasks:
        drawing = [tasks.create_task(unavailable(found, is_wanted)) for _ in range(50)]
        assert await read(found, "inline:hola") == b"hola"
        assert not any(each.done() for each in drawing)
        is_wanted[0] = False


async def unavailable(found: Uploads, is_wanted: list[bool]) -> None:
    with pytest.raises(Unavailable):
        await found.open("matrix:{}", lambda: is_wanted[0])
