"""Photos inside a file that say where they were taken. A phone writes it beside the pixels, and no reader shows it.

A photo that is sent as such is drawn again without it. A document is never rewritten, so it is searched instead. This
runs in the child process that opens files, within its limits.
"""

import contextlib
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

from conversations.xforms.workbook import DAMAGE
from storage.reports.pdf_streams import READABLE, streams

_LATITUDE: Final = 2
_GPS: Final = 0x8825
"""Exif 3.0, 4.6.3: the part that holds the place, and in it the tag that does."""
_EXIF = re.compile(rb"(?:Exif\0\0|eXIf|EXIF.{4})(?=II\*\0|MM\0\*)", re.DOTALL)  # in JPEG, in PNG, in WebP
_XMP = re.compile(rb"exif:GPSLatitude(?!Ref)|" + rb"\0".join(re.findall(rb".", b"exif:GPSLatitude")) + rb"(?!\0R)")
"""In UTF-8, and in UTF-16 of either order."""
COORDINATES: Final = re.compile(
    rb"[+-]\d{1,6}\.\d{2,10}[+-]\d{1,7}\.\d{2,10}|-?\d{1,3}\.\d{4,10}\s?[,;]\s?[+-]?\d{1,3}\.\d{4,10}"
    rb"|[+-]\d{2,6}(?:\.\d{1,8})?[+-]\d{3,7}(?:\.\d{1,8})?(?:[+-]\d{1,6}(?:\.\d{1,6})?)?(?:CRS\w{1,12})?/"
    rb"|(?<=GPSLatitude)[=\"'>\s]{1,80}[\d,.NSns]+|(?<=GPSLongitude)[=\"'>\s]{1,80}[\d,.EWew]+"
    rb"|\$G[A-Z](?:RMC|GGA|GLL),[\d.,ANSEWV+-]{10,80}"
    rb"|\[(?:latitude|longi?t?itude|altitude)\s?:\s?-?[\d.]{1,12}\]"
    rb"|GPS\s?\(-?[\d.]{1,12},\s?-?[\d.]{1,12}"
)
"""ISO 6709, in degrees or with minutes and seconds, as cameras write it into the `©xyz` and
`com.apple.quicktime.location` of a video; the same in XMP; the sentences of a receiver (NMEA 0183) in the videos of
cars; and the subtitles of drones."""
_HOLDS_BOXES: Final = frozenset((b"moov", b"trak", b"mdia", b"minf", b"udta", b"meta", b"ilst", b"moof", b"traf"))
_PLACES: Final = frozenset((b"\xa9xyz", b"loci", b"gps ", b"GPS ", b"gps0", b"XMP_"))
"""Boxes of a recording that are only there to say where it was made (QuickTime; 3GPP TS 26.244, 8.10; cameras of cars),
and notes as photos have them (XMP), which may say it in any words. A phone shows none of them.
"""
_BEGINS: Final = {b"uuid": bytes.fromhex("be7acfcb97a942e89c71999491e3afac"), b"free": b"GPS "}
"""Boxes that are such notes if they begin so: XMP in MP4 (XMP part 3, 1.2.7), and where a car was."""
_PLACE_NAMES: Final = (b"location", b"gps")
"""What is in the name of a note that says a place, in the table `keys` of a recording (`com.apple.quicktime.…`)."""
_MOST_NAMES: Final = 1_000
_DEEPEST: Final = 8
GPS_TRACK: Final = re.compile(rb"GPS[59].(.)(..)", re.DOTALL)
"""GoPro's telemetry (GPMF): a key, the type of its samples, how long one is, and how many follow."""
_PLACES_BESIDE = re.compile(rb"stsd\0{4}.{8}(?:camm|djmd)", re.DOTALL)
"""A track that holds nothing but where the camera was, in samples without a mark (ISO 14496-12, 8.5.2)."""
_PACKED_NOTES = re.compile(rb"cmov.{4}dcom", re.DOTALL)
"""The notes of a QuickTime film, packed: nobody does that any more, and they cannot be overwritten there."""
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_RAW_PROFILE = re.compile(rb"\s*\w+\s+\d+\s+([0-9A-Fa-f\s]+)")
"""Exif as ImageMagick writes it into the texts of a PNG: a name, a length, and hexadecimal lines."""
_LONGEST_NOTE: Final = 4 * 1024 * 1024
_RECORDING: Final = b"ftyp"
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
    """Whether the picture on the cover of a recording, or a track beside it, says where it was taken."""
    return any(each.search(data) for each in (_PLACES_BESIDE, _PACKED_NOTES)) or _is_taken_somewhere(data)


class Box(NamedTuple):
    """A box of a recording (ISO 14496-12, 4.2): where its type stands, and from where to where its content goes."""

    kind: bytes
    type_at: int
    start: int
    end: int


def noted(data: bytes) -> Iterator[Box]:
    """Return the boxes of a recording that say where it was made, whatever they say it in."""
    return _noted(data, 0, len(data), _DEEPEST)


def _noted(data: bytes, start: int, end: int, depth: int, names: Sequence[bytes] = ()) -> Iterator[Box]:
    table = next((box for box in _boxes(data, start, end) if box.kind == b"keys"), None)
    if table is not None:
        names = [
            data[key.start : key.end].lower() for key in islice(_boxes(data, table.start + 8, table.end), _MOST_NAMES)
        ]
    for box in _boxes(data, start, end):
        if _is_place(data, box, names):
            yield box
        elif box.kind in _HOLDS_BOXES and depth:
            # In a file of ISO, four bytes stand before the boxes of `meta`; in one of QuickTime they do not.
            is_full = box.kind == b"meta" and data[box.start + 4 : box.start + 8] != b"hdlr"
            yield from _noted(data, box.start + 4 * is_full, box.end, depth - 1, names)


def _is_place(data: bytes, box: Box, names: Sequence[bytes]) -> bool:
    """Whether a box says where a recording was made. `names` are those of the notes whose type is a number."""
    begins = _BEGINS.get(box.kind)
    if box.kind in _PLACES or (begins is not None and data.startswith(begins, box.start)):
        return True
    number = int.from_bytes(box.kind) - 1
    return 0 <= number < len(names) and any(each in names[number] for each in _PLACE_NAMES)


def _boxes(data: bytes, at: int, end: int) -> Iterator[Box]:
    """Return the boxes that follow one another here. One that is longer than there is room for ends with it."""
    while at + 8 <= end:
        length, head = int.from_bytes(data[at : at + 4]), 8
        if length == 1:
            length, head = int.from_bytes(data[at + 8 : at + 16]), 16
        stop = end if length == 0 else min(end, at + max(length, head))
        yield Box(data[at + 4 : at + 8], at + 4, min(at + head, stop), stop)
        at = stop


def _is_recorded_somewhere(part: bytes) -> bool:
    """Whether a part of a document is a recording with its place: nothing is overwritten in a document."""
    if part[4:8] != _RECORDING:
        return False
    return any(each.search(part) for each in (COORDINATES, _PLACES_BESIDE)) or any(noted(part))


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
                    part = archive.read(entry)
                    yield part
                    if part.startswith(_PNG):
                        yield from _notes_of_png(part)
    except DAMAGE:
        return


def _notes_of_png(part: bytes) -> Iterator[bytes]:
    """Return the texts of a PNG, unpacked, and the Exif that a text holds (PNG 3rd edition, 11.3.3)."""
    at = len(_PNG)
    while at + 8 <= len(part):
        length, kind = int.from_bytes(part[at : at + 4]), part[at + 4 : at + 8]
        told = part[at + 8 : at + 8 + length]
        at += length + 12
        if kind not in (b"tEXt", b"zTXt", b"iTXt"):
            continue
        text = told.partition(b"\0")[2]
        if kind == b"iTXt":
            is_packed, text = text[:1] == b"\1", text[2:].partition(b"\0")[2].partition(b"\0")[2]
        else:
            is_packed, text = kind == b"zTXt", text[kind == b"zTXt" :]
        if is_packed:
            with contextlib.suppress(zlib.error):
                text = zlib.decompressobj().decompress(text, _LONGEST_NOTE)
        yield text
        if profile := _RAW_PROFILE.fullmatch(text):
            with contextlib.suppress(ValueError):
                yield bytes.fromhex(profile[1].decode())


def _tells(part: bytes) -> bool:
    return bool(_XMP.search(part)) or _is_taken_somewhere(part) or _is_recorded_somewhere(part)


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
