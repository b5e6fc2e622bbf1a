"""What a PDF does by itself when it is opened: the actions that its catalogue and its pages begin with.

A link of a page leads somewhere when somebody follows it, and is kept. The same action at the opening tells a server
who opened the file, and when.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from storage.reports.pdf_streams import names_in

_OPENING: Final = frozenset((b"OpenAction", b"AA"))
_NEXT: Final = frozenset((b"Next",))
_REFERENCE = re.compile(rb"(\d{1,10})\s+\d{1,5}\s+R\b")
_OBJECT = re.compile(rb"(?<!\d)(\d{1,20})\s+\d{1,5}\s+obj\b")
_CANDIDATE = re.compile(
    rb"/(?:OpenAction|AA|Next|[^\x00\t\n\f\r ()<>\[\]{}/%#]{0,10}#[^\x00\t\n\f\r ()<>\[\]{}/%]{1,60})"
    rb"(?=[\x00\t\n\f\r ()<>\[\]{}/%])"
)
"""A name of an opening action, or one in which some characters are written as numbers."""
_PACKED_INDEX = re.compile(rb"\s*(?:\d+\s+\d+\s+)+")
_BRACKETS = re.compile(rb"<<|>>")
_LONGEST: Final = 4_096
"""Bytes of one object that are looked at."""
_DEEPEST: Final = 4
"""References that are followed, one behind another."""
_MOST: Final = 1_000


def leads_away(parts: Sequence[tuple[bytes, bool]]) -> bool:
    """Say whether a PDF opens a page of the web by itself.

    `parts` are its bytes, and those of its packed objects: each with whether it is packed.
    """
    present = [start for part, _ in parts for start in _behind(part, _OPENING)]
    seen: set[int] = set()
    for _ in range(_DEEPEST):
        if any(_is_action(each) for each in present):
            return True
        followed = (told for each in present for told in _followed(each))
        numbers = {int(found[1]) for told in followed for found in _REFERENCE.finditer(told)} - seen
        if not numbers:
            return False
        seen |= numbers
        wanted = frozenset(sorted(numbers)[:_MOST])
        present = list(objects(parts, wanted))
    return False


def objects(parts: Sequence[tuple[bytes, bool]], wanted: frozenset[int]) -> Iterator[bytes]:
    """Return the objects with these numbers, as far as they are looked at."""
    for part, is_packed in parts:
        yield from (_packed if is_packed else _plain)(part, wanted)


def _followed(data: bytes) -> Iterator[bytes]:
    """Return the parts of an object that name what is done besides: of an action only the next one, not its page."""
    if b"S" in names_in(data):
        yield from _behind(data, _NEXT)
    elif not data.lstrip().startswith(b"["):
        yield data


def _behind(part: bytes, names: frozenset[bytes]) -> Iterator[bytes]:
    """Return what stands behind each of these names: a dictionary, a list or a reference."""
    for found in _CANDIDATE.finditer(part):
        if next(names_in(found[0]), b"") in names:
            behind = part[found.end() : found.end() + _LONGEST].lstrip()
            if behind.startswith(b"<<"):
                yield _dictionary(behind)
            elif behind.startswith(b"[") and names is _NEXT:
                yield behind[1:].partition(b"]")[0]
            elif reference := _REFERENCE.match(behind):
                yield reference[0]


def _dictionary(data: bytes) -> bytes:
    """Return the dictionary that the bytes begin with, as far as it can be told without reading strings."""
    depth = 0
    for found in _BRACKETS.finditer(data):
        depth += 1 if found[0] == b"<<" else -1
        if depth == 0:
            return data[: found.end()]
    return data


def _is_action(data: bytes) -> bool:
    """Say whether it opens a page of the web. That it does may stand elsewhere (`/S 3 0 R`), but not the key."""
    return b"URI" in names_in(data)


def _plain(part: bytes, wanted: frozenset[int]) -> Iterator[bytes]:
    for found in _OBJECT.finditer(part) if wanted else ():
        if int(found[1]) not in wanted:
            continue
        data = part[found.end() : found.end() + _LONGEST]
        yield data.partition(b"endobj")[0].partition(b"stream")[0]


def _packed(part: bytes, wanted: frozenset[int]) -> Iterator[bytes]:
    """Return the objects of a stream, which begins with their numbers and places (ISO 32000-1, 7.5.7)."""
    index = _PACKED_INDEX.match(part)
    if index is None:
        return
    told = list(map(int, index[0].split()))
    places = dict(zip(told[::2], told[1::2], strict=False))
    ends = sorted({*places.values(), len(part)})
    for number in wanted & places.keys():
        place = places[number]
        end = next((each for each in ends if each > place), len(part))
        yield part[index.end() + place : index.end() + min(end, place + _LONGEST)]
