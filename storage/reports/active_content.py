"""What a document does when somebody opens it: run a script, start a program, fetch a template, hand over a file.

A document of evidence is opened on the computers of a ministry, and it is kept as it came: nothing is taken out of it.
So one that does more than show itself is refused, as one with macros is, with a sentence that says how to send it.

A PDF is not parsed: names are looked for, as they may be written, in its bytes and in its compressed objects. What is
encrypted cannot be looked at. This runs in the child process that opens files, within its limits.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final, Literal

Reason = Literal["scripts", "attached", "remote", "password", "unzips_too_far"]

_NAME = re.compile(rb"/((?:[^\x00\t\n\f\r ()<>\[\]{}/%#]|#[0-9A-Fa-f]{2})+)")
_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_STREAM = re.compile(rb">>\s{0,8}stream\r?\n")
_HEAD: Final = 2000
"""Bytes before a stream among which it says what it is."""
_MOST_STREAMS: Final = 20_000
_ALL_UNPACKED: Final = 256 * 1024 * 1024
"""Bytes of object streams of one PDF that are looked at."""
_OF_PDF: Final[dict[bytes, Reason]] = {
    b"JavaScript": "scripts",
    b"Launch": "scripts",
    b"RichMedia": "scripts",
    b"EmbeddedFile": "attached",
    b"EmbeddedFiles": "attached",
    b"Encrypt": "password",
}
"""Too long to stand in compressed data by chance, as `/JS` may."""
_FAR = re.compile(rb"""Target\s*=\s*["'](?:https?:|ftp:|\\\\|//|file:////)""", re.IGNORECASE)
_RELATION = re.compile(rb"<Relationship\b[^>]*>")
_FETCHED = re.compile(rb"/(?:attachedTemplate|oleObject|frame|subDocument)\b")
_INSTRUCTION = re.compile(rb"<w:instrText[^>]*>([^<]*)</w:instrText>|w:instr\s*=\s*[\"']([^\"']*)")
_DDE = re.compile(rb"\bDDE(?:AUTO)?\b", re.IGNORECASE)
_LISTENER = re.compile(rb"<script:event-listener\b")


def of_pdf(data: bytes) -> Reason | None:
    """What a PDF does besides being shown; None: nothing that is known."""
    found: set[Reason] = {_OF_PDF[name] for name in _names(data) if name in _OF_PDF}
    left = _ALL_UNPACKED
    if sum(1 for _ in _STREAM.finditer(data)) > _MOST_STREAMS:
        return "unzips_too_far"
    for packed in _object_streams(data):
        try:
            objects = zlib.decompressobj().decompress(packed, left)
        except zlib.error:
            continue
        left -= len(objects)
        if left <= 0:
            return "unzips_too_far"
        names = set(_names(objects))
        found |= {_OF_PDF[name] for name in names & _OF_PDF.keys()}
        if b"JS" in names:
            found.add("scripts")
    order: tuple[Reason, ...] = ("scripts", "attached", "password")
    return next((reason for reason in order if reason in found), None)


def _object_streams(data: bytes) -> Iterator[bytes]:
    """Objects that are kept together, compressed (ISO 32000-1, 7.5.7)."""
    for found in _STREAM.finditer(data):
        head = data[max(0, found.start() - _HEAD) : found.start()]
        if b"ObjStm" in head or (b"#" in head and b"ObjStm" in set(_names(head))):
            end = data.find(b"endstream", found.end())
            yield data[found.end() : end if end >= 0 else len(data)]


def _names(part: bytes) -> Iterator[bytes]:
    for found in _NAME.finditer(part):
        yield _ESCAPE.sub(lambda code: bytes((int(code[1], 16),)), found[1]) if b"#" in found[1] else found[1]


def of_zipped(archive: zipfile.ZipFile) -> Reason | None:
    """What an office document does besides being shown. Its sizes have been looked at before."""
    for entry in archive.infolist():
        name = entry.filename.lower()
        if "/activex/" in name:
            return "scripts"
        if "/embeddings/" in name and name.endswith(".bin"):
            return "attached"
        if name.endswith(".rels"):
            related = _RELATION.findall(archive.read(entry))
            if any(_FETCHED.search(each) and _FAR.search(each) for each in related):
                return "remote"
        elif name.startswith("xl/externallinks/") and b"<ddeLink" in archive.read(entry):
            return "remote"
        elif name.startswith("word/") and name.endswith(".xml"):
            said = b"".join(b"".join(each) for each in _INSTRUCTION.findall(archive.read(entry)))
            if _DDE.search(said):
                return "remote"
        elif name == "content.xml" and _LISTENER.search(archive.read(entry)):
            return "scripts"
    return None
