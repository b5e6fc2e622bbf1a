"""Find the content of a file in the outbox: a picture to draw, evidence, an export, or a path.

An outbox row outlives the process that wrote it, and its file may not exist yet. So a row only names what to send. The
content is made when it is sent, in a thread.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from io import BytesIO
from typing import IO, Final

import orjson

from storage.errors import Unavailable
from storage.exports.files.drawing_process import draw_in_child
from storage.exports.parcels import Parcels
from storage.reports.files import FileStore

DRAWINGS_KEPT: Final = 8
"""One for each language and each order of the agencies. Each is some 50 kB."""


class Uploads:
    """Opens what rows of the outbox name.

    One picture is drawn at a time, in the order in which they are asked for, and nothing else waits for it: a drawing
    takes a process and some of the few threads. Many people get the same picture, which is drawn once. One that cannot
    be drawn is not tried again for each of them.
    """

    def __init__(self, store: FileStore, parcels: Parcels) -> None:
        self._store = store
        self._parcels = parcels
        self._turn = asyncio.Lock()
        self._drawn: OrderedDict[str, bytes | str] = OrderedDict()
        """By what is drawn, the picture, or why there is none."""

    async def open(self, path: str, is_wanted: Callable[[], bool]) -> IO[bytes]:
        """The content of `matrix:JSON`, or of what `open_upload` knows.

        FileNotFoundError if it no longer exists, ValueError if it cannot be drawn, Unavailable if it is not wanted any
        more.
        """
        scheme, _, rest = path.partition(":")
        if scheme != "matrix":
            return await asyncio.to_thread(open_upload, self._store, self._parcels, path)
        async with self._turn:
            if rest not in self._drawn:
                self._drawn[rest] = await asyncio.to_thread(_draw, rest, is_wanted)
            self._drawn.move_to_end(rest)
            if len(self._drawn) > DRAWINGS_KEPT:
                self._drawn.popitem(last=False)
            drawn = self._drawn[rest]
        if isinstance(drawn, str):
            raise ValueError(drawn)
        return BytesIO(drawn)


def open_upload(store: FileStore, parcels: Parcels, path: str) -> IO[bytes]:
    """The content of `evidence:KEY`, `export:NAME`, `inline:TEXT`, or a path.

    FileNotFoundError if it no longer exists.
    """
    scheme, _, rest = path.partition(":")
    if scheme == "evidence":
        return BytesIO(store.get(rest)) if rest.startswith("sealed/") else open(store.path(rest), "rb")
    if scheme == "inline":
        return BytesIO(rest.encode())
    if scheme == "export":
        return parcels.open(rest)
    return open(path, "rb")


def _draw(shown: str, is_wanted: Callable[[], bool]) -> bytes | str:
    """Return a picture, or why it cannot be drawn."""

    def go_on() -> None:
        if not is_wanted():
            raise Unavailable("nobody waits for the picture any more")

    go_on()
    try:
        return draw_in_child("bot.workers.picture", "draw", orjson.loads(shown), go_on=go_on)
    except ValueError as error:
        return str(error)
