"""Photos inside a document that say where they were taken: a phone writes it beside the pixels, and no reader shows it.

A photo that is sent as such is drawn anew. A document is never rewritten, so it is looked through instead. This runs in
the child process that opens files, within its limits.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Final

from conversations.xforms.workbook import DAMAGE

_LATITUDE: Final = 2
_GPS: Final = 0x8825
"""Exif 3.0, 4.6.3: the part that holds the place, and in it the tag that does."""
_EXIF = re.compile(rb"(?:Exif\0\0|eXIf)(?=II\*\0|MM\0\*)")  # in JPEG and WebP, in PNG
_XMP = re.compile(rb"exif:GPSLatitude(?!Ref)")
_LONGEST: Final = 65_536
"""Bytes of one Exif segment (JPEG counts its length in two bytes)."""
_PICTURES: Final = (".jpg", ".jpeg", ".jfif", ".tif", ".tiff", ".webp", ".png", ".heic", ".heif")


def of_document(data: bytes) -> bool:
    """Whether a picture in this PDF or office document says where it was taken. What is damaged says nothing."""
    return any(_tells(part) for part in _parts(data))


def _parts(data: bytes) -> Iterator[bytes]:
    if not data.startswith(b"PK"):
        yield data  # a PDF holds a photo as the camera wrote it (DCTDecode)
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                if entry.filename.lower().endswith(_PICTURES):
                    yield archive.read(entry)
    except DAMAGE:
        return


def _tells(part: bytes) -> bool:
    if _XMP.search(part):
        return True
    tiffs = [part] if part.startswith((b"II*\0", b"MM\0*")) else []
    tiffs += [part[found.end() : found.end() + _LONGEST] for found in _EXIF.finditer(part)]
    return any(_has_place(tiff) for tiff in tiffs)


def _has_place(tiff: bytes) -> bool:
    from PIL import Image  # with the first photo in a document, not with the bot

    from storage.reports.pictures import quiet_pillow

    exif = Image.Exif()
    try:
        with quiet_pillow():
            exif.load(b"Exif\0\0" + tiff)
            return _LATITUDE in exif.get_ifd(_GPS)
    except DAMAGE:
        return False
