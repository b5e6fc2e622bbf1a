"""Find the content of a file in the outbox: a picture to draw, evidence, an export, or a path.

An outbox row outlives the process that wrote it, and its file may not exist yet. So a row only names what to send. The
content is made when it is sent, in a thread.
"""

from io import BytesIO
from typing import IO

import orjson

from storage.exports.files.drawing_process import draw_in_child
from storage.exports.parcels import Parcels
from storage.reports.files import FileStore


def open_upload(store: FileStore, parcels: Parcels, path: str) -> IO[bytes]:
    """The content of `matrix:JSON`, `evidence:KEY`, `export:NAME`, `inline:TEXT`, or a path.

    FileNotFoundError if it no longer exists.
    """
    scheme, _, rest = path.partition(":")
    if scheme == "matrix":
        return BytesIO(draw_in_child("bot.workers.picture", "draw", orjson.loads(rest)))
    if scheme == "evidence":
        return BytesIO(store.get(rest)) if rest.startswith("sealed/") else open(store.path(rest), "rb")
    if scheme == "inline":
        return BytesIO(rest.encode())
    if scheme == "export":
        return parcels.open(rest)
    return open(path, "rb")
