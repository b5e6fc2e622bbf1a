"""Photos inside a file that say where they were taken. A phone writes it beside the pixels, and no reader shows it.

A photo that is sent as such is drawn again without it. A document is never rewritten, so it is searched instead. This
runs in the child process that opens files, within its limits.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Final

from conversations.xforms.workbook import DAMAGE
from storage.reports.pdf_streams import READABLE, streams

_LATITUDE: Final = 2
_GPS: Final = 0x8825
"""Exif 3.0, 4.6.3: the part that holds the place, and in it the tag that does."""
_EXIF = re.compile(rb"(?:Exif\0\0|eXIf|EXIF.{4})(?=II\*\0|MM\0\*)", re.DOTALL)  # in JPEG, in PNG, in WebP
_XMP = re.compile(rb"exif:GPSLatitude(?!Ref)")
_LONGEST: Final = 65_536
"""Bytes of one Exif segment (JPEG counts its length in two bytes)."""
_OF_PHOTOS: Final = frozenset((b"DCTDecode", b"DCT", b"Metadata"))
_ALL_UNPACKED: Final = 256 * 1024 * 1024
"""Bytes of a PDF's photos and notes that are looked at."""


def of_document(data: bytes) -> bool:
    """Whether a picture in this PDF or office document says where it was taken.

    Damaged pictures count as saying nothing.
    """
    return any(_tells(part) for part in _parts(data))


def of_recording(data: bytes) -> bool:
    """Whether the picture on the cover of a recording says where it was taken."""
    return _is_taken_somewhere(data)


def _parts(data: bytes) -> Iterator[bytes]:
    if not data.startswith(b"PK"):
        yield data  # a PDF holds a photo as the camera wrote it (DCTDecode), or packed once more
        left = _ALL_UNPACKED
        for stream in streams(data):
            names = set(stream.names)
            if names & READABLE and names & _OF_PHOTOS and left > 0:
                part = stream.decoded(left)
                left -= len(part)
                yield part
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                if not entry.filename.lower().endswith((".xml", ".rels")):
                    yield archive.read(entry)
    except DAMAGE:
        return


def _tells(part: bytes) -> bool:
    return bool(_XMP.search(part)) or _is_taken_somewhere(part)


def _is_taken_somewhere(part: bytes) -> bool:
    tiffs = [part] if part.startswith((b"II*\0", b"MM\0*")) else []
    tiffs += [part[found.end() : found.end() + _LONGEST] for found in _EXIF.finditer(part)]
    return any(_has_place(tiff) for tiff in tiffs)


def _has_place(tiff: bytes) -> bool:
    from PIL import Image  # imported with the first photo in a document, not at the start of the bot

    from storage.reports.pictures import quiet_pillow

    exif = Image.Exif()
    try:
        with quiet_pillow():
            exif.load(b"Exif\0\0" + tiff)
            return _LATITUDE in exif.get_ifd(_GPS)
    except DAMAGE:
        return False
