"""Documents that do something when somebody opens them: run a script, start a program, fetch a template, send a file.

A document that is evidence is opened on the computers of a ministry. It is stored as it came; nothing is removed from
it. So a document that runs or fetches something is refused, like one with macros, and the person reads how to send it
instead.

A PDF is not parsed. Names are searched for, in every spelling, in its bytes and in its compressed objects. Encrypted
parts, and parts with unusual compression, cannot be searched. Office documents are parsed as XML, so no spelling hides
anything. This runs in the child process that opens files, within its limits.
"""

import io
import re
import xml.parsers.expat
import zipfile
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import IO, Final, Literal
from urllib.parse import unquote

from conversations.xforms.workbook import DAMAGE
from storage.reports.pdf_elsewhere import fetches_file, holds_files
from storage.reports.pdf_opening import leads_away
from storage.reports.pdf_streams import MOST_STREAMS, READABLE, UNREADABLE, names_in, streams

Reason = Literal["scripts", "attached", "remote", "password", "unzips_too_far", "macros", "executable", "damaged"]

_ALL_UNPACKED: Final = 64 * 1024 * 1024
"""Bytes of object streams of one PDF that are looked at."""
_OF_PDF: Final[dict[bytes, Reason]] = {
    b"JavaScript": "scripts",
    b"Launch": "scripts",
    b"RichMedia": "scripts",
    b"XFA": "scripts",
    b"OnInstantiate": "scripts",  # of a 3D drawing
    b"EmbeddedFile": "attached",
    b"EmbeddedFiles": "attached",
    b"FileAttachment": "attached",
    b"GoToE": "attached",
    b"SubmitForm": "remote",
    b"ImportData": "remote",
    b"Encrypt": "password",
}
"""Too long to stand in compressed data by chance, as `/JS` may."""

PROGRAM_NAMES: Final = frozenset(
    "exe com scr bat cmd ps1 vbs vbe js jse wsf wsh hta msi msp lnk pif cpl jar apk app sh command reg dll".split()  # noqa: SIM905
)
PROGRAMS: Final = (
    b"MZ",
    b"\x7fELF",
    b"\xfe\xed\xfa",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"#!",
    b"dex\n",
    b"\0asm",
    b"L\0\0\0\x01\x14\x02\0",
    b"!<arch>",
)
_ARCHIVE_NAMES: Final = frozenset("zip rar 7z gz iso img cab tar".split())  # noqa: SIM905
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_AWAY = re.compile(
    r"\s*(?:[\\/]{2}"
    r"|(?!file:|vnd\.sun\.star\.(?:GraphicObject|Package):)[a-z][a-z0-9+.-]+:"
    r"|file:(?!//localhost/)(?:[\\/]{2}(?![\\/])|[\\/]{4}|/{3}\\))",
    re.IGNORECASE,
)
"""An address on another computer: a share, a host in `file:`, or any scheme but those of this file and this disk."""
_FOLLOWED_BY_HAND: Final = frozenset(
    ("a", "area-rectangle", "area-circle", "area-polygon", "template", "form", "button")
)
"""Elements of an OpenDocument that lead somewhere when somebody wants it. All others fetch their address."""
_FIELD = re.compile(
    r"\bDDE(?:AUTO)?\b"
    r'|\b(?:INCLUDE(?:PICTURE|TEXT)?|IMPORT|LINK|RD|DATABASE)\b(?:[^"]{0,80}"?\s*(?:https?:|ftp:|\\\\|//|file:)'
    r'|\s*(?:\\\w+\s+)*"?\s*(?:QUOTE|REF|DOCPROPERTY|DOCVARIABLE|FILLIN|ASK)\b)',
    re.IGNORECASE,
)
"""A field that calls a program, or fetches what it shows. A hyperlink only leads somewhere.

Where the address is made by another field (`QUOTE 104 116 …`), nobody can tell what is fetched.
"""
_RUNNING = re.compile(r"\s*(?:vnd\.sun\.star\.script|macro|service|slot|\.uno|javascript|vbscript)\s*:", re.IGNORECASE)
"""An address that is a command of the program which shows the document."""
_LIBRARIES = re.compile(r"(?:^|/)(?:basic|scripts)/")
"""Folders of an OpenDocument, or of an object inside it, that hold macros."""
_MACRO_SHEET = re.compile(rb"\x85\0(.)\0.{4}[\0-\x03][\x01\x06](.)", re.DOTALL)
"""A sheet of Excel 4.0 macros, or a module, in a workbook of before 2007 ([MS-XLS] 2.4.28): its lengths."""
_LOCKED_BOOK = re.compile(rb"\x09\x08(?:\x08\0.{8}|\x10\0.{16})(?:\x86\0\0\0)?\x2f\0", re.DOTALL)
"""Such a workbook whose records are encrypted (2.4.117): Excel itself may know the password."""
_MACROS: Final = ("vbaproject", "macroenabled", "macrosheet")
_CSS = re.compile(r"""(?:url\(\s*|@import\s+(?!url))["']?(?P<address>[^"')]{1,400})""", re.IGNORECASE)
"""What a style of a picture in SVG fetches."""
_DRAWN: Final = ("", "svg")
"""Prefixes of the elements of an SVG."""
_ELEMENTS: Final[dict[str, Reason]] = {
    "event-listener": "scripts",
    "webextension": "scripts",
    "ddeLink": "remote",
    "dde-connection-decl": "remote",
    "dde-link": "remote",
    "dde-source": "remote",
    "webPr": "remote",
}
_YES: Final = ("1", "true")
_REFRESHED: Final = frozenset(("connection", "queryTable"))
"""What asks a database as soon as a workbook is opened, if it says so."""
_CELLS: Final = ("xl/worksheets/", "xl/sharedstrings", "xl/pivotcache/pivotcacherecords")
"""The figures of a workbook: large, and nothing in them acts but formulas."""
_FORMULA = re.compile(rb"<(?:[\w.-]+:)?f(?:ormula\d?)?[\s>/]")
"""A formula in a sheet."""
_FORMULAS: Final = frozenset(("f", "formula", "formula1", "formula2", "definedName"))
_FETCHING = re.compile(
    r"\b(?:WEBSERVICE|IMAGE|RTD|CALL|STOCKHISTORY|_XLWS\.PY|SQL\.REQUEST|IMPORT(?:DATA|XML|HTML|FEED|RANGE))"
    r"\s*\((?!s\))",
    re.IGNORECASE,
)
"""A function that asks a server, and tells it what stands in the cells, or that calls a library."""
_CALL = re.compile(r"\bDDE\s*\(|\w\s*\|[^!]{0,400}!|'(?P<away>[^']{1,400})'#", re.IGNORECASE)
"""A formula that calls a program (DDE), or that reads another document."""
_QUOTED = re.compile(r""""[^"]{0,400}"|(?<!\|)'[^']{0,80}'(?=!)""")
"""Text in a formula, and the name of a sheet."""
_FETCHING_PACKED: Final = tuple(
    f"_xlfn.{name}".encode(encoding) for name in ("WEBSERVICE", "IMAGE") for encoding in ("utf-16-le", "ascii")
)
"""The same in a binary workbook, which names each function that is newer than its format."""
_DDE_CELL = re.compile(r"""(?:^|[,;\t"])\s*[=+\-@][^,;\t\n"|]{0,80}\|[^,;\t\n!]{0,400}!""", re.MULTILINE)
_FETCHING_CELL = re.compile(
    rf"""(?:^|[,;\t"])\s*[=+@][^\t\n]{{0,400}}?{_FETCHING.pattern}""", re.MULTILINE | re.IGNORECASE
)
_RTF_OBJECTS: Final = (
    *("object", "objdata", "objocx", "objemb", "objlink", "objautlink", "objsub", "objpub", "objicemb", "objhtml"),
    *("objupdate", "objalias", "objclass", "linkself"),
)
"""The words of an object in an RTF document (RTF 1.9.1, "Objects"). With `objupdate` it runs without being asked."""
_RTF_OBJECT = re.compile(
    rb"\\(?:%s)(?![a-z])"
    % b"|".join(rb"[\s{}\0]{0,99}".join(re.findall(rb".", word.encode())) for word in _RTF_OBJECTS)
)
"""Such a word, also with groups or line breaks between its letters, which some readers pass over."""
_RTF_CODE = re.compile(rb"\\'([0-9A-Fa-f]{2})")
_RTF_LETTER = re.compile(rb"\\u(-?\d{1,6}) ?\??")
_RTF_FETCHED = re.compile(rb"\\(?:template|datafile)\b\s*([^{}]{0,400})")
_RTF_FIELDS = re.compile(rb"\\fldinst\b")
_RTF_MARKS = re.compile(rb"\\[a-z]{1,32}-?\d{0,10} ?|\\\*|[{}\r\n]", re.IGNORECASE)
"""What stands between the letters of a text: control words, and groups."""
_PIECE: Final = 65_536
_LONGEST_FIELD: Final = 4_096
_LONGEST_MATCH: Final = 256
"""Longer than all that `_FIELD` recognises."""
_LONGEST_TAG: Final = 64
_DEEPEST: Final = 3
"""Documents inside one another that are looked into."""


# ------------------------------------------------------------------ PDF
def of_pdf(data: bytes) -> Reason | None:
    """Return what a PDF does besides being shown. None: nothing that is known."""
    found = _acts_of(data, exact=False)
    parts = [(data, False)]
    left = _ALL_UNPACKED
    for number, stream in enumerate(streams(data)):
        names = set(stream.names)
        if number >= MOST_STREAMS:
            return "unzips_too_far"
        if b"ObjStm" not in names and not {b"First", b"N"} <= names:
            continue
        if names & UNREADABLE or names & {b"DecodeParms", b"DP"} or (b"Filter" in names and not names & READABLE):
            found.add("scripts")  # objects (ISO 32000-1, 7.5.7) are packed in this way only to hide them
            continue
        objects = stream.decoded(left)
        left -= len(objects)
        if left <= 0:
            return "unzips_too_far"
        found |= _acts_of(objects, exact=True)
        parts.append((objects, True))
    if leads_away(parts) or fetches_file(parts):
        found.add("remote")
    order: tuple[Reason, ...] = ("scripts", "attached", "remote", "password")
    return next((reason for reason in order if reason in found), None)


def _acts_of(part: bytes, *, exact: bool) -> set[Reason]:
    """Return what these objects do. In bytes that are not `exact`ly objects, short names may occur by chance."""
    listed = list(names_in(part))
    names = set(listed)
    found = {_OF_PDF[name] for name in names & _OF_PDF.keys()}
    if b"JS" in names and (exact or (b"S", b"Rendition") in pairwise(listed)):
        found.add("scripts")
    if holds_files(part):
        found.add("attached")
    if b"URL" in names and (b"FS", b"URL") in pairwise(listed):
        found.add("remote")  # a file specification of the web (7.11.5)
    return found


# ------------------------------------------------------------------ office documents
def of_zipped(archive: zipfile.ZipFile, depth: int = 1) -> Reason | None:
    """Return what an office document does besides being shown. Its sizes were checked before."""
    entries = archive.infolist()
    names = {entry.filename.lower() for entry in entries}
    if any(name.endswith("vbaproject.bin") or _LIBRARIES.search(name) for name in names):
        return "macros"
    is_workbook = "xl/workbook.xml" in names and "word/document.xml" not in names
    for entry in entries:
        name = entry.filename.lower()
        if "/macrosheets/" in name:
            return "macros"
        if "/activex/" in name:
            return "scripts"
        if name.endswith((".xml", ".rels")):
            is_read = not (is_workbook and name.startswith(_CELLS)) or _has_formulas(archive, entry)
            if is_read and (reason := _of_xml(archive.open(entry))):
                return reason
        elif reason := _of_part(archive, entry, name.rpartition(".")[2], depth):
            return reason
    return None


def _has_formulas(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    before = b""
    with archive.open(entry) as opened:
        while piece := opened.read(_PIECE):
            if _may_have_formula(before + piece):
                return True
            before = piece[-_LONGEST_TAG:]
    return False


def _may_have_formula(part: bytes) -> bool:
    """Whether a formula begins here, or the sheet is in UTF-16.

    Most sheets have none. Without the pattern that is found ten times as fast.
    """
    return b"\0" in part or ((b"<f" in part or b":f" in part) and _FORMULA.search(part) is not None)


def _of_part(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, extension: str, depth: int) -> Reason | None:
    """Return what a part that is not named XML does. Pictures and fonts are expected, files and programs are not.

    A document says itself which parts are XML, whatever their names. Of one that is not well-formed nothing is run.
    """
    with archive.open(entry) as opened:
        head = opened.read(8)
    if head.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n").startswith(b"<"):
        found = _of_xml(archive.open(entry))
        return None if found == "damaged" else found
    if extension in PROGRAM_NAMES or head.startswith(PROGRAMS):
        return "executable"
    if extension == "bin" and any(name in archive.read(entry) for name in _FETCHING_PACKED):
        return "remote"
    is_object = extension == "bin" and "/embeddings/" in entry.filename.lower()
    if is_object or extension in _ARCHIVE_NAMES or head == _OLE:
        return "attached"
    if not head.startswith(b"PK\x03\x04"):
        return None
    if depth >= _DEEPEST:
        return "unzips_too_far"
    try:
        with zipfile.ZipFile(io.BytesIO(archive.read(entry))) as inner:
            if not any(each in inner.namelist() for each in ("[Content_Types].xml", "mimetype")):
                return "attached"
            return of_zipped(inner, depth + 1)  # the table behind a chart
    except DAMAGE:
        return "attached"


def _of_xml(opened: IO[bytes]) -> Reason | None:
    """Return what one part of a document does.

    A parser reads it, so prefixes, references and encodings hide nothing.
    """
    seen = _Seen()
    reading = xml.parsers.expat.ParserCreate()
    reading.buffer_text = True
    reading.StartElementHandler = seen.start
    reading.CharacterDataHandler = seen.text
    reading.StartDoctypeDeclHandler = seen.declared
    try:
        while seen.reason is None and (piece := opened.read(_PIECE)):
            reading.Parse(piece)
        if reading.CurrentByteIndex > 0 and seen.reason is None:
            reading.Parse(b"", True)
    except (xml.parsers.expat.ExpatError, *DAMAGE):
        return seen.reason or "damaged"
    return seen.reason


class _Seen:
    """What an XML part does, as far as it was read. Instructions of fields may be split between many elements."""

    def __init__(self) -> None:
        self.reason: Reason | None = None
        self._is_field = self._is_formula = self._is_style = self._asks_when_opened = False
        self._instructions = ""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        prefix, _, name = tag.rpartition(":")
        reason = self.reason or _ELEMENTS.get(name)
        if name == "script" and prefix in _DRAWN:
            reason = reason or "scripts"
        self._is_field = name == "instrText"
        self._is_style = name == "style" and prefix in _DRAWN
        self._is_formula = name in _FORMULAS
        if self._is_formula or self._is_style:
            self._instructions = ""
        if attributes:  # most elements of a document have none
            own = {key.rpartition(":")[2]: value for key, value in attributes.items()}
            reason = reason or _of_element(name, own)
            self._asks_when_opened |= name == "pivotCacheDefinition" and own.get("refreshOnLoad", "").lower() in _YES
            if self._asks_when_opened and name == "cacheSource" and own.get("type") == "external":
                reason = reason or "remote"
            if "instr" in own:
                self._say(own["instr"] + " ")
        self.reason = self.reason or reason

    def text(self, text: str) -> None:
        if self._is_field:
            self._say(text)
        elif self._is_formula:
            self._instructions = (self._instructions + text)[-_LONGEST_FIELD:]
            if _of_formula(self._instructions):
                self.reason = self.reason or "remote"
        elif self._is_style:
            self._instructions = (self._instructions + text)[-_LONGEST_FIELD:]
            if _is_styled_away(self._instructions):
                self.reason = self.reason or "remote"

    def declared(self, *_: object) -> None:
        self.reason = self.reason or "damaged"  # no program that writes documents declares entities

    def _say(self, text: str) -> None:
        # Only what is new is searched, with what a match may have begun in before: there may be a million pieces.
        self._instructions = self._instructions[-_LONGEST_MATCH:] + text
        if _FIELD.search(self._instructions):
            self.reason = self.reason or "remote"


def _is_away(address: str) -> bool:
    return _AWAY.match(unquote(address)) is not None


def _is_styled_away(style: str) -> bool:
    return any(_is_away(found["address"]) for found in _CSS.finditer(style))


def _of_formula(formula: str) -> bool:
    """Whether a formula asks a server or another document, or calls a program."""
    if _FETCHING.search(formula):
        return True
    calls = _CALL.finditer(_QUOTED.sub("", formula))
    return any(found["away"] is None or _is_away(found["away"]) for found in calls)


def _of_element(name: str, own: Mapping[str, str]) -> Reason | None:
    """Return what an element does. `own` are its attributes without prefixes."""
    if name == "Relationship":
        return _of_relationship(own)
    if name in ("Override", "Default"):
        kind = own.get("ContentType", "").lower()
        return "macros" if any(macro in kind for macro in _MACROS) else None
    if name == "ocx" or _RUNNING.match(unquote(own.get("href", ""))):
        return "scripts"
    if _of_formula(own.get("formula", "")) or _is_away(own.get("althref", "")):
        return "remote"
    if name in _REFRESHED and (own.get("refreshOnLoad", "").lower() in _YES or own.get("interval", "0") != "0"):
        return "remote"
    if name not in _FOLLOWED_BY_HAND and (_is_away(own.get("href", "")) or _is_away(own.get("src", ""))):
        return "remote"
    if any("(" in value and _is_styled_away(value) for value in own.values()):
        return "remote"
    if name == "hlinkMouseOver" and own.get("id"):
        return "remote"
    action = own.get("action", "").lower()
    return "scripts" if action.startswith(("ppaction://program", "ppaction://macro", "ppaction://ole")) else None


def _of_relationship(attributes: Mapping[str, str]) -> Reason | None:
    """Return what a part of an office document that is kept elsewhere does. Only a hyperlink waits for somebody."""
    kind = attributes.get("Type", "").rpartition("/")[2]
    if kind == "control" or _RUNNING.match(unquote(attributes.get("Target", ""))):
        return "scripts"
    if kind != "hyperlink" and _is_away(attributes.get("Target", "")):
        return "remote"
    if kind == "vbaProject":
        return "macros"
    return "attached" if kind in ("oleObject", "aFChunk") else None


def of_old_workbook(data: bytes) -> Reason | None:
    """Return what a workbook of before 2007 does besides being shown, as far as its records tell."""
    if _LOCKED_BOOK.search(data):
        return "password"
    for sheet in _MACRO_SHEET.finditer(data):
        length, letters = sheet[1][0], sheet[2][0]
        if length in (7 + letters, 8 + letters, 8 + 2 * letters):
            return "macros"
    return None


# ------------------------------------------------------------------ text
def of_table(text: str) -> Reason | None:
    """Return what a table in text does when Excel opens it.

    It may be SYLK with another name, or a cell may call a program (DDE) or ask a server.
    """
    if text.lstrip("\ufeff").startswith("ID;"):
        return "macros"
    return "remote" if _DDE_CELL.search(text) or _FETCHING_CELL.search(text) else None


def of_rtf(data: bytes) -> Reason | None:
    """Return what an RTF document does: an object in it, or a template or a field that fetches something."""
    if _RTF_OBJECT.search(_spelt(data.replace(b"\\\\", b" "))):
        return "attached"
    plain = _spelt(data)
    fetched = (found[1].decode("latin-1").replace("\\\\", "\\") for found in _RTF_FETCHED.finditer(plain))
    return "remote" if any(map(_FIELD.search, _rtf_fields(plain))) or any(map(_is_away, fetched)) else None


def _spelt(data: bytes) -> bytes:
    """Return RTF with letters instead of their codes."""
    plain = _RTF_CODE.sub(lambda code: bytes((int(code[1], 16),)), data)
    return _RTF_LETTER.sub(lambda code: chr(int(code[1]) % 65_536).encode("utf-8", "ignore"), plain)


def _rtf_fields(plain: bytes) -> Iterator[str]:
    """Return the instructions of each field. A reader puts them together from the text of any number of groups."""
    for field in _RTF_FIELDS.split(plain)[1:]:
        told = field[:_LONGEST_FIELD].partition(b"\\fldrslt")[0].replace(b"\\\\", b"\0")
        yield _RTF_MARKS.sub(b"", told).replace(b"\0", b"\\").decode("latin-1")
