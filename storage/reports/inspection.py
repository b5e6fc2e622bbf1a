"""Files that people send are inspected before they are stored.

A photo tells where and when it was taken, and by whose phone. A file may be two files at once, carry a program,
claim to be a picture of two thousand million points, or be something else than its name says.

Laws: the type of a file is read from its bytes, never from its name. A picture is drawn anew, so only what can be seen
is stored: no GPS, no XMP, no comments, no archive at the end. A document keeps every byte. All this runs in a process
of its own (`storage.reports.confined`), so this module imports nothing heavy.
"""

import hashlib
import io
import re
import unicodedata
import zipfile
from dataclasses import dataclass, field
from typing import Literal

from conversations.xforms.limits import FILE_BYTES, FILE_MB
from conversations.xforms.workbook import DAMAGE
from storage.reports import active_content, hidden_places, script_signs
from storage.reports.refusals import Refused

Accept = Literal["image", "audio", "video", "file"]

MAX_ENTRIES = 10_000
MAX_UNZIPPED = 1 << 30
LONGEST_NAME = 120

REASONS = (
    "empty",
    "too_big",
    "unknown",
    "wrong_kind",
    "wrong_extension",
    "svg",
    "html",
    "executable",
    "archive",
    "mixed",
    "macros",
    "scripts",
    "attached",
    "remote",
    "place",
    "password",
    "heic",
    "too_many_pixels",
    "too_heavy",
    "unzips_too_far",
    "damaged",
)
"""Why a file is refused; the catalogue says `file.REASON`."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """A file that may be stored.

    `data` is what to store, and `sha256` is its hash; `original_sha256` is the hash of what came.
    """

    data: bytes = field(repr=False)
    mime_type: str
    extension: str
    original_name: str
    original_sha256: str
    sha256: str

    @property
    def size(self) -> int:
        return len(self.data)


# ------------------------------------------------------------------ what is it?
@dataclass(frozen=True, slots=True)
class _Kind:
    mime_type: str
    extension: str


_JPEG, _PNG = _Kind("image/jpeg", "jpg"), _Kind("image/png", "png")
_WEBP, _TIFF = _Kind("image/webp", "webp"), _Kind("image/tiff", "tif")
_PICTURES = {
    # sniffed → Pillow's name for the decoder that may look at it, and what it is stored as
    "image/jpeg": ("JPEG", _JPEG),
    "image/png": ("PNG", _PNG),
    "image/apng": ("PNG", _PNG),
    "image/gif": ("GIF", _PNG),
    "image/bmp": ("BMP", _PNG),
    "image/webp": ("WEBP", _WEBP),
    "image/tiff": ("TIFF", _TIFF),
    "image/avif": ("AVIF", _JPEG),
}
_OFFICE = "application/vnd.openxmlformats-officedocument"
_ZIPPED = (
    # a member that tells, and what it tells
    ("word/document.xml", _Kind(f"{_OFFICE}.wordprocessingml.document", "docx")),
    ("xl/workbook.xml", _Kind(f"{_OFFICE}.spreadsheetml.sheet", "xlsx")),
    ("xl/workbook.bin", _Kind("application/vnd.ms-excel.sheet.binary.macroenabled.12", "xlsb")),
    ("ppt/presentation.xml", _Kind(f"{_OFFICE}.presentationml.presentation", "pptx")),
)
_OPEN_DOCUMENTS = {
    f"application/vnd.oasis.opendocument.{name}": extension
    for name, extension in (("text", "odt"), ("spreadsheet", "ods"), ("presentation", "odp"), ("graphics", "odg"))
}
_OLE_STREAMS = (
    ("WordDocument", _Kind("application/msword", "doc")),
    ("PowerPoint Document", _Kind("application/vnd.ms-powerpoint", "ppt")),
    ("Workbook", _Kind("application/vnd.ms-excel", "xls")),
    ("Book", _Kind("application/vnd.ms-excel", "xls")),
)
_ARCHIVES = (b"Rar!", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"MSCF", b"\x28\xb5\x2f\xfd")
_MARKUP = re.compile(
    r"<\s{0,99}(svg|html|script|body|iframe|!doctype\s{1,99}html|!doctype\s{1,99}svg|head)\b"
    r"|<(?:img|object|embed|form|input|base|link|meta|video|audio)\s[^<>]{0,200}?\b"
    r"(?:src|href|data|action|http-equiv|on[a-z]{3,20})\s{0,9}=",
    re.IGNORECASE,
)
"""A page, or a part of one that fetches or runs something, wherever it stands: no browser minds the text before it."""
_CODE = re.compile(rb"<\s*(?:html|script|iframe|\?php)\b", re.IGNORECASE)
_END_OF_ZIP = b"PK\x05\x06"
_ARCHIVE_INSIDE = re.compile(rb"PK\x05\x06\0{4}|Rar!\x1a\x07|7z\xbc\xaf\x27\x1c")
"""Programs that unpack find it wherever it stands."""
_LETTER = re.compile(r"^Content-Transfer-Encoding:\s*base64", re.IGNORECASE | re.MULTILINE)
"""A letter or a saved page with files inside (RFC 2045)."""
_LENGTH_OF_END = 22
"""Bytes of the record that a zip without a comment ends with."""
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

# Names that may stand for one another: people rename freely within these, and programs do too.
_ALIKE = (
    frozenset("jpg jpeg jpe jfif png apng gif webp bmp tif tiff avif heic heif".split()),  # noqa: SIM905
    frozenset("mp3 m4a ogg oga opus wav flac amr aac aif aiff mp4 3gp webm mov m4v mkv avi mpg mpeg wmv".split()),  # noqa: SIM905
    frozenset("doc docx odt rtf".split()),  # noqa: SIM905
    frozenset("xls xlsx ods csv tsv".split()),  # noqa: SIM905
    frozenset("ppt pptx odp".split()),  # noqa: SIM905
    frozenset("txt csv tsv md log json geojson".split()),  # noqa: SIM905
    frozenset(["pdf"]),
    frozenset(["odg"]),
)
_KNOWN_EXTENSIONS = frozenset().union(*_ALIKE)


def inspect(
    data: bytes,
    *,
    claimed_name: str,
    claimed_mime: str,
    accept: Accept,
    max_pixels: int | None = None,
    strip: bool = True,
) -> Inspected | Refused:
    """Return the file as it may be stored, or why it may not (S10).

    With `strip`, a picture is drawn again: upright, its longer side at most `max_pixels`, without any metadata. Other
    files keep their bytes, but a video's coordinates are overwritten with zeros. A document is refused if a photo
    inside says where it was taken. Never raises for what `data` holds.
    """
    if not data:
        return Refused("empty")
    if len(data) > FILE_BYTES:
        return Refused("too_big", {"max_mb": FILE_MB})
    name = safe_name(claimed_name)
    extension = _extension(name)
    if extension in active_content.PROGRAM_NAMES:
        return Refused("executable")
    kind = _sniff(data, extension)
    if isinstance(kind, Refused):
        return kind
    if refused := _is_not_what_it_says(kind, extension) or _is_not_wanted(kind, claimed_mime, accept):
        return refused
    stored = data
    if kind.mime_type in _PICTURES:
        drawn = _redrawn(data, kind, max_pixels, strip=strip)
        if isinstance(drawn, Refused):
            return drawn
        stored, kind = drawn
    elif strip and kind.mime_type.startswith(("audio/", "video/")):
        stored = _without_place(data)
        if hidden_places.of_recording(data):
            return Refused("place")
    elif strip and kind.mime_type.startswith("application/") and hidden_places.of_document(data):
        return Refused("place")
    return Inspected(
        stored, kind.mime_type, kind.extension, _named(name, extension, kind), _sha256(data), _sha256(stored)
    )


def _named(name: str, extension: str, kind: _Kind) -> str:
    """Return the file's own name.

    If its ending is unknown, add a known one, because the ending decides which program opens it.
    """
    if not name:
        return f"file.{kind.extension}"
    return safe_name(f"{name}.{kind.extension}") if extension and extension not in _KNOWN_EXTENSIONS else name


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _sniff(data: bytes, extension: str) -> _Kind | Refused:
    head = data[:4096]
    if any(head.startswith(program) for program in active_content.PROGRAMS):
        return Refused("executable")
    if data.startswith(_OLE):
        return _of_ole(data)
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _of_zip(data)
    if any(head.startswith(archive) for archive in _ARCHIVES) or data[257:262] == b"ustar":
        return Refused("archive")
    kind = _of_text(data, extension) or _of_magic(data)
    if not isinstance(kind, _Kind) or kind.mime_type.startswith("text/"):
        return kind
    # A second file behind or inside the first is for somebody else's eyes: a viewer shows one, a server runs the other.
    has_pdf = b"%PDF-" in data[:1024] and kind.mime_type != "application/pdf"
    has_archive = _ARCHIVE_INSIDE.search(data) or zipfile.is_zipfile(io.BytesIO(data))
    if has_pdf or has_archive or _CODE.search(data[:1024]):
        return Refused("mixed")
    return kind


def _of_magic(data: bytes) -> _Kind | Refused:
    if data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"%PDF-"):
        active = active_content.of_pdf(data)
        return Refused(active) if active else _Kind("application/pdf", "pdf")
    if data[4:12] in (b"ftypheic", b"ftypheix", b"ftyphevc", b"ftypheim", b"ftypheis", b"ftypmif1", b"ftypmsf1"):
        return Refused("heic")
    import filetype  # imported with the first file, not at the start of the bot

    found = filetype.guess(data[:8192])
    if found is None:
        return Refused("unknown")
    if found.mime in _PICTURES or found.mime.startswith(("audio/", "video/")):
        return _Kind(found.mime, found.extension)
    return Refused("heic" if found.mime == "image/heic" else "unknown")


def _of_text(data: bytes, extension: str) -> _Kind | Refused | None:
    text = _as_text(data)
    if text is None:
        return None
    head = text.lstrip("\ufeff \t\r\n")[:4096].encode("utf-8", "replace")
    is_pdf = head.startswith(b"%PDF-")
    if markup := _MARKUP.search(text, 0, 4096 if is_pdf else len(text)):
        return Refused("svg" if "svg" in (markup[1] or "").lower() else "html")
    if head.startswith((b"<?xml", b"<!")):
        return Refused("svg" if b"svg" in head.lower() else "unknown")
    if is_pdf:
        return None
    if head.startswith(b"<?"):
        return Refused("executable")
    if head.startswith(b"{\\rtf"):
        acts = active_content.of_rtf(data)
        return Refused(acts) if acts else _Kind("application/rtf", "rtf")
    if head.upper().startswith(b"BEGIN:VCARD"):
        return Refused("unknown")  # it is about a person, and nothing else
    if script_signs.is_program(text):
        return Refused("executable")
    if _LETTER.search(text):
        return Refused("attached")
    if acts := active_content.of_table(text):
        return Refused(acts)
    if extension in ("csv", "tsv"):
        return _Kind("text/csv", extension)
    if extension in ("json", "geojson"):
        return _Kind("application/json", extension)
    return _Kind("text/plain", "txt")


def _as_text(data: bytes) -> str | None:
    """Return the text, if the file contains nothing but text; otherwise None."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8", "cp1252"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        controls = sum(1 for c in text[:65_536] if c < " " and c not in "\t\r\n\f")
        # cp1252 maps nearly every byte to a letter: what is no letter in a person's text gives binary data away.
        is_plausible = encoding != "cp1252" or sum(c.isalnum() or c.isspace() or c < "\x7f" for c in text) > 0.95 * len(
            text
        )
        return text if controls == 0 and is_plausible else None
    return None


def _of_ole(data: bytes) -> _Kind | Refused:
    def has(name: str) -> bool:
        return name.encode("utf-16-le") in data

    if has("EncryptedPackage"):
        return Refused("password")
    if has("_VBA_PROJECT") or has("Macros"):
        return Refused("macros")
    if has("\x01Ole10Native") or has("Equation Native"):
        return Refused("attached")
    kind = next((kind for name, kind in _OLE_STREAMS if has(name)), Refused("unknown"))
    acts = active_content.of_old_workbook(data) if isinstance(kind, _Kind) and kind.extension == "xls" else None
    return Refused(acts) if acts else kind


def _of_zip(data: bytes) -> _Kind | Refused:
    if data.count(b"PK\x01\x02") > MAX_ENTRIES:
        return Refused("unzips_too_far")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            kind = _kind_of_zip(archive)
            reason = _wrong_with_zip(archive, kind, data)
    except DAMAGE:
        return Refused("damaged")
    return kind if kind is not None and reason is None else Refused(reason or "archive")


def _kind_of_zip(archive: zipfile.ZipFile) -> _Kind | None:
    """Return the kind of document that a zip is. None: it is none."""
    mime = _open_document(archive, archive.infolist())
    if mime in _OPEN_DOCUMENTS:
        return _Kind(mime, _OPEN_DOCUMENTS[mime])
    names = {name.lower() for name in archive.namelist()}
    return next((kind for member, kind in _ZIPPED if member in names), None)


def _wrong_with_zip(archive: zipfile.ZipFile, kind: _Kind | None, data: bytes) -> str | None:
    entries, names = archive.infolist(), {name.lower() for name in archive.namelist()}
    unzipped = sum(entry.file_size for entry in entries)
    ends_itself = data.rfind(_END_OF_ZIP) + _LENGTH_OF_END == len(data)  # no program writes anything behind a document
    found = {
        "executable": "meta-inf/manifest.mf" in names
        or any(name.endswith((".class", "classes.dex")) for name in names),
        "archive": kind is None,
        "mixed": archive.comment or b"%PDF-" in data[:1024] or not ends_itself,
        "unzips_too_far": unzipped > max(50_000_000, 200 * len(data)) or unzipped > MAX_UNZIPPED,
        "password": any(entry.flag_bits & 1 for entry in entries),
    }
    return next((reason for reason, is_so in found.items() if is_so), None) or active_content.of_zipped(archive)


def _open_document(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> str:
    """Recognise an OpenDocument file: its first member, stored uncompressed, is its type (ODF 1.2 part 3, §3.3)."""
    if not entries or entries[0].filename != "mimetype" or entries[0].file_size > 200:
        return ""
    if entries[0].compress_type != zipfile.ZIP_STORED:
        return ""
    return archive.read(entries[0]).decode("ascii", "replace").strip()


def _extension(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""


def _is_not_what_it_says(kind: _Kind, extension: str) -> Refused | None:
    if extension not in _KNOWN_EXTENSIONS or extension == kind.extension:
        return None
    if any(extension in alike and kind.extension in alike for alike in _ALIKE):
        return None
    return Refused("wrong_extension", {"extension": extension, "found": kind.extension})


def _is_not_wanted(kind: _Kind, claimed_mime: str, accept: Accept) -> Refused | None:
    family = kind.mime_type.partition("/")[0]
    # Phones record sound into the containers of video.
    is_sound = accept == "audio" and family == "video" and claimed_mime.startswith("audio/")
    return None if accept in ("file", family) or is_sound else Refused("wrong_kind")


def _without_place(data: bytes) -> bytes:
    """Return a recording of the same length, with zeros in place of where it was made.

    The box of such a note becomes free space. So everything else stays where it is, and is found by its offset.
    """
    stored = bytearray(hidden_places.COORDINATES.sub(lambda found: re.sub(rb"\d", b"0", found[0]), data))
    for box in hidden_places.noted(data):
        stored[box.type_at : box.type_at + 4] = b"free"
        _clear(stored, box.start, box.end - box.start)
    for found in hidden_places.GPS_TRACK.finditer(data):
        _clear(stored, found.end(), found[1][0] * int.from_bytes(found[2]))
    return bytes(stored)


def _clear(data: bytearray, start: int, length: int) -> None:
    length = min(length, len(data) - start)
    data[start : start + length] = bytes(length)


def _redrawn(data: bytes, kind: _Kind, max_pixels: int | None, *, strip: bool) -> tuple[bytes, _Kind] | Refused:
    from storage.reports.pictures import redrawn  # Pillow weighs 4 MB, and comes with the first picture

    decoder, stored_as = _PICTURES[kind.mime_type]
    found = redrawn(data, decoder, stored_as.extension, max_pixels, strip=strip)
    return found if isinstance(found, Refused) else (found, stored_as if strip else kind)


# ------------------------------------------------------------------ names
_RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))})


def safe_name(name: str) -> str:
    """Return a file's own name, safe to show and save: no path, nothing invisible, at most 120 characters."""
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    kept = (" " if c.isspace() else c for c in name if c.isspace() or unicodedata.category(c)[0] != "C")
    name = re.sub(r' +|[<>:"|?*]', lambda m: " " if m[0].isspace() else "_", "".join(kept)).strip(". ")
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 10:
        stem, dot, extension = name, "", ""
    if stem.casefold() in _RESERVED:
        stem = f"_{stem}"
    return f"{stem[: LONGEST_NAME - len(dot) - len(extension)].rstrip('. ')}{dot}{extension}"
