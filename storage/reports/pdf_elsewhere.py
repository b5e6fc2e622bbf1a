"""Files on other computers that a PDF names: a share that Windows logs in to, or an address of the web.

The name of a file is a string, and a string can be written in many ways (ISO 32000-1, 7.3.4): in letters, in numbers,
over several lines, in hexadecimal, in UTF-16, or as an object of its own. So strings are read before they are judged.
"""

import binascii
import contextlib
import re
from collections.abc import Sequence
from typing import Final

from storage.reports.pdf_opening import objects

_BLANK: Final = rb"(?:[\x00\t\n\f\r ]|%[^\r\n]{0,200}[\r\n])*"
_FILE = re.compile(
    rb"/(?:(?:U|#55)?(?:F|#46)|DOS|Mac|Unix)" + _BLANK + rb"(?:(?P<number>\d{1,10})\s+\d{1,5}\s+R\b|(?=[(<]))"
)
"""The file of an action, a stream, a picture or a file specification (7.11), as a string or elsewhere."""
_INSIDE = re.compile(rb"/(?:E|#45)(?:F|#46)" + _BLANK + rb"(?:<<|\d{1,10}\s+\d{1,5}\s+R\b)")
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|[\r\n])|(.))", re.DOTALL)
_HEXADECIMAL = re.compile(rb"<([0-9A-Fa-f\s]*)")
_LONGEST: Final = 160
"""Bytes of a string that are looked at: enough for the beginning of an address, whatever its notation."""
_ADDRESSES: Final = ("\\\\", "//", "http:", "https:", "ftp:")


def fetches_file(parts: Sequence[tuple[bytes, bool]]) -> bool:
    """Say whether a PDF names a file on another computer.

    `parts` are its bytes, and those of its packed objects: each with whether it is packed. A link to a page of the web
    is no file.
    """
    named: set[int] = set()
    for part, _ in parts:
        for file in _FILE.finditer(part):
            if file["number"]:
                named.add(int(file["number"]))
            elif _is_elsewhere(_string(part, file.end())):
                return True
    return any(_is_elsewhere(_string(each.lstrip(), 0)) for each in objects(parts, frozenset(named)))


def holds_files(part: bytes) -> bool:
    """Say whether a file specification holds its file (7.11.4), whatever type the file's stream says that it has."""
    return _INSIDE.search(part) is not None


def _is_elsewhere(string: bytes) -> bool:
    return _text(string).lstrip().lower().startswith(_ADDRESSES)


def _text(string: bytes) -> str:
    for mark, encoding in ((b"\xfe\xff", "utf-16-be"), (b"\xff\xfe", "utf-16-le"), (b"\xef\xbb\xbf", "utf-8")):
        if string.startswith(mark):
            return string[len(mark) :].decode(encoding, "ignore")
    return string.decode("latin-1")


def _string(part: bytes, at: int) -> bytes:
    """Return the beginning of the string that begins there; nothing if none does."""
    told = part[at : at + _LONGEST]
    if told.startswith(b"("):
        return _ESCAPE.sub(_as_meant, told[1:])
    if found := _HEXADECIMAL.match(told):
        digits = re.sub(rb"\s", b"", found[1])
        with contextlib.suppress(binascii.Error):
            return binascii.unhexlify(digits[: len(digits) // 2 * 2])
    return b""


def _as_meant(escape: re.Match[bytes]) -> bytes:
    number, _, letter = escape.groups()
    if number is not None:
        return bytes((int(number, 8) & 0xFF,))
    return letter if letter is not None else b""  # a line that is broken off goes on
