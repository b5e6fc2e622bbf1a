"""The objects and streams of a PDF, as far as they are needed to search for a name. Nothing is rendered.

A reader of PDFs is tolerant: it accepts a comment before a stream, a wrong checksum, a missing end. A search for
something harmful must be as tolerant, or errors in the file could hide it.
"""

import base64
import binascii
import contextlib
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

NAME = re.compile(rb"/((?:[^\x00\t\n\f\r ()<>\[\]{}/%#]|#[0-9A-Fa-f]{2})+)")
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_OBJECT = re.compile(rb"\d\s*obj")
_PACKED = re.compile(rb"/(?:O|#4[Ff])(?:b|#62)(?:j|#6[Aa])(?:S|#53)(?:t|#74)(?:m|#6[Dd])")
"""What says that a stream holds objects."""
_STREAM = re.compile(rb"(?<!end)stream(?:\r\n|\n|\r)")
_HEAD: Final = 65_536
"""Bytes before a stream among which the object it belongs to begins."""
_PIECE: Final = 16_384
_ZLIB_HEAD: Final = 2
"""Bytes before the deflated data (RFC 1950)."""
MOST_STREAMS: Final = 20_000
_FLATE = (b"FlateDecode", b"Fl")
_ASCII85 = (b"ASCII85Decode", b"A85")
_HEXADECIMAL = (b"ASCIIHexDecode", b"AHx")
READABLE: Final = frozenset((*_FLATE, *_ASCII85, *_HEXADECIMAL))
UNREADABLE: Final = frozenset((b"LZWDecode", b"LZW", b"RunLengthDecode", b"RL", b"Crypt"))


@dataclass(frozen=True, slots=True)
class Stream:
    """`names` are those of the dictionary before it, in order; the stream is `data` from `start` on."""

    names: Sequence[bytes]
    data: bytes
    start: int

    def decoded(self, most: int) -> bytes:
        """Return its bytes behind the filters that are READABLE, at most `most`.

        A broken stream is read as far as possible.
        """
        end = self.data.find(b"endstream", self.start)
        part: bytes | memoryview = memoryview(self.data)[self.start :]  # Flate knows its own end
        for name in self.names:
            if name in _FLATE:
                part = _inflated(part, most)
            elif name in _ASCII85 or name in _HEXADECIMAL:
                text = bytes(part[: end - self.start] if isinstance(part, memoryview) and end >= 0 else part)
                part = _from_ascii85(text) if name in _ASCII85 else _from_hexadecimal(text)
        if not isinstance(part, memoryview):
            return part[:most]
        # No filter is named: it may be packed all the same, and is looked at either way.
        return _inflated(part, most)[:most] or bytes(part[: end - self.start if end >= 0 else most][:most])


def names_in(part: bytes) -> Iterator[bytes]:
    """Return each name as it is meant: `/J#61vaScript` is `JavaScript`."""
    for found in NAME.finditer(part):
        yield _ESCAPE.sub(lambda code: bytes((int(code[1], 16),)), found[1]) if b"#" in found[1] else found[1]


def streams(data: bytes) -> Iterator[Stream]:
    """Return each stream, with the names of the object it belongs to."""
    before = 0
    for found in _STREAM.finditer(data):
        least = max(before, found.start() - _HEAD)
        # A comment or a text behind this name may look like the beginning of an object.
        packed = _PACKED.search(data, least, found.start())
        opened = least
        for opening in _OBJECT.finditer(data, least, packed.start() if packed else found.start()):
            opened = opening.end()
        head = data[opened : found.start()]
        yield Stream(tuple(names_in(head)), data, found.end())
        before = found.end()


def _inflated(part: bytes | memoryview, most: int) -> bytes:
    """Return as much as can be inflated. A wrong checksum is ignored: readers, too, show the part before an error."""
    inflating, found = zlib.decompressobj(-zlib.MAX_WBITS), bytearray()
    for at in range(_ZLIB_HEAD, len(part), _PIECE):
        piece, before = part[at : at + _PIECE], inflating.copy()
        try:
            found += inflating.decompress(piece, most - len(found) + 1)
        except zlib.error:
            return bytes(found + _until_fault(before, piece))
        if inflating.eof or len(found) > most:
            break
    return bytes(found)


def _until_fault(inflating: "zlib._Decompress", piece: bytes | memoryview) -> bytes:
    found = bytearray()
    with contextlib.suppress(zlib.error):
        for at in range(len(piece)):
            found += inflating.decompress(piece[at : at + 1], _PIECE)
    return bytes(found)


def _from_ascii85(text: bytes) -> bytes:
    try:
        return base64.a85decode(text.partition(b"~>")[0].strip().removeprefix(b"<~"))
    except ValueError:
        return b""


def _from_hexadecimal(text: bytes) -> bytes:
    try:
        return binascii.unhexlify(re.sub(rb"\s", b"", text.partition(b">")[0]))
    except ValueError:
        return b""
