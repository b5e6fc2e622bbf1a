"""Photos inside a file that say where they were taken. A phone writes it beside the pixels, and no reader shows it.

A photo that is sent as such is drawn again without it. A document is never rewritten, so it is searched instead. This
runs in the child process that opens files, within its limits.
"""

import contextlib
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final

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
LOCI: Final = re.compile(rb"loci\0\0\0\0.{2}[^\0]{0,255}\0.", re.DOTALL)
"""3GPP TS 26.244, 8.10: a name and its role, and then length, width and height in twelve bytes."""
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


def _is_recorded_somewhere(part: bytes) -> bool:
    """Whether a part of a document is a recording with its place: nothing is overwritten in a document."""
    found = part[4:8] == _RECORDING and any(each.search(part) for each in (COORDINATES, LOCI, _PLACES_BESIDE))
    return bool(found)


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
