"""Evidence: what people send as files, looked at before it is kept, and kept so that it can be trusted.

A photo tells where and when it was taken, and by whose phone. A file may be two files at once, carry a program,
claim to be a picture of two thousand million points, or be something else than its name says. And whoever
reviews it will open it on the ministry's computer.

Laws: what a file is is read from its bytes, never from its name; a picture is stored newly drawn, so nothing
but what can be seen survives (no GPS, no XMP, no comments, no trailing archive); a document keeps every byte;
a file is named by its content, so that storing it twice stores it once; what is sensitive is sealed on disk.
"""

import contextlib
import hashlib
import io
import os
import re
import struct
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sqlalchemy import bindparam, delete, insert, select, update

from storage.errors import NotFound, StorageError
from storage.models import Attachment, table
from storage.vault import Vault

if TYPE_CHECKING:
    from storage.unit_of_work import UnitOfWork

Accept = Literal["image", "audio", "video", "file"]

MAX_BYTES = 20 * 1024 * 1024
"""What a bot may download (Bot API, getFile); a document of that size is refused before, politely."""
MAX_PIXELS = 50_000_000
"""A decoded picture takes 3 bytes a pixel, and turning it upright takes them twice."""
MAX_PAGES = 50
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
    "password",
    "heic",
    "too_many_pixels",
    "unzips_too_far",
    "damaged",
)
"""Why a file is refused; the catalogue says `file.REASON`."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """A file that may be stored: `data` is what to store, and `sha256` is of that; `original_sha256` of what came."""

    data: bytes = field(repr=False)
    mime_type: str
    extension: str
    original_name: str
    original_sha256: str
    sha256: str

    @property
    def size(self) -> int:
        return len(self.data)


@dataclass(frozen=True, slots=True)
class Refused:
    """`reason` is one of REASONS; `values` fill its sentence."""

    reason: str
    values: Mapping[str, object] = field(default_factory=dict)


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
_PROGRAMS = (
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
_PROGRAM_NAMES = frozenset(
    "exe com scr bat cmd ps1 vbs vbe js jse wsf wsh hta msi msp lnk pif cpl jar apk app sh command reg dll".split()  # noqa: SIM905
)
_ARCHIVES = (b"Rar!", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"MSCF", b"\x28\xb5\x2f\xfd")
_MARKUP = re.compile(rb"<\s*(svg|html|script|body|iframe|!doctype\s+html|!doctype\s+svg|head)\b", re.IGNORECASE)
_CODE = re.compile(rb"<\s*(?:html|script|iframe|\?php)\b", re.IGNORECASE)
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
    """The file as it may be stored, or why not (S10).

    A picture comes back newly drawn, upright, its longer side at most `max_pixels`, without any metadata, if
    `strip`; everything else keeps its bytes, except that a video's coordinates are overwritten with zeros.
    Never raises for what `data` holds.
    """
    if not data:
        return Refused("empty")
    if len(data) > MAX_BYTES:
        return Refused("too_big", {"max_mb": MAX_BYTES // (1024 * 1024)})
    name = safe_name(claimed_name)
    extension = _extension(name)
    if extension in _PROGRAM_NAMES:
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
    elif strip and kind.mime_type in ("video/mp4", "video/quicktime", "video/x-m4v", "video/3gpp", "audio/mp4"):
        stored = _COORDINATES.sub(_zeros, data)
    return Inspected(
        stored, kind.mime_type, kind.extension, name or f"file.{kind.extension}", _sha256(data), _sha256(stored)
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _sniff(data: bytes, extension: str) -> _Kind | Refused:
    head = data[:4096]
    if any(head.startswith(program) for program in _PROGRAMS):
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
    if has_pdf or _CODE.search(data[:1024]) or zipfile.is_zipfile(io.BytesIO(data)):
        return Refused("mixed")
    return kind


def _of_magic(data: bytes) -> _Kind | Refused:
    if data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"%PDF-"):
        return _Kind("application/pdf", "pdf")
    if data[4:12] in (b"ftypheic", b"ftypheix", b"ftyphevc", b"ftypheim", b"ftypheis", b"ftypmif1", b"ftypmsf1"):
        return Refused("heic")
    import filetype  # with the first file, not with the bot

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
    head = text[:4096].lstrip("\ufeff \t\r\n").encode("utf-8", "replace")
    if markup := _MARKUP.search(head):
        return Refused("svg" if b"svg" in markup[1].lower() else "html")
    if head.startswith((b"<?xml", b"<!")):
        return Refused("svg" if b"svg" in head.lower() else "unknown")
    if head.startswith((b"%PDF-", b"<?")):
        return None if head.startswith(b"%PDF-") else Refused("executable")
    if head.startswith(b"{\\rtf"):
        return Refused("macros") if b"\\objdata" in data else _Kind("application/rtf", "rtf")
    if extension in ("csv", "tsv"):
        return _Kind("text/csv", extension)
    if extension in ("json", "geojson"):
        return _Kind("application/json", extension)
    return _Kind("text/plain", "txt")


def _as_text(data: bytes) -> str | None:
    """The text, if nothing but text is there; None otherwise."""
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
    return next((kind for name, kind in _OLE_STREAMS if has(name)), Refused("unknown"))


def _of_zip(data: bytes) -> _Kind | Refused:
    if data.count(b"PK\x01\x02") > MAX_ENTRIES:
        return Refused("unzips_too_far")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            names = {entry.filename.lower() for entry in entries}
            mime = _open_document(archive, entries)
    except DAMAGE:
        return Refused("damaged")
    if any(name.endswith((".class", "classes.dex")) for name in names) or "meta-inf/manifest.mf" in names:
        return Refused("executable")
    is_document = mime in _OPEN_DOCUMENTS or any(member in names for member, _ in _ZIPPED)
    if not is_document:
        return Refused("archive")
    unzipped = sum(entry.file_size for entry in entries)
    if unzipped > MAX_UNZIPPED or (unzipped > 50_000_000 and unzipped > 200 * len(data)):
        return Refused("unzips_too_far")
    has_macros = any(
        name.endswith("vbaproject.bin") or "/macrosheets/" in name or name.startswith(("basic/", "scripts/"))
        for name in names
    )
    if has_macros:
        return Refused("macros")
    if any(entry.flag_bits & 1 for entry in entries):
        return Refused("password")
    if mime in _OPEN_DOCUMENTS:
        return _Kind(mime, _OPEN_DOCUMENTS[mime])
    return next(kind for member, kind in _ZIPPED if member in names)


def _open_document(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> str:
    """OpenDocument says what it is in a first member, stored as it is (ODF 1.2 part 3, §3.3)."""
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


_COORDINATES = re.compile(rb"[+-]\d{1,3}\.\d{2,8}[+-]\d{1,3}\.\d{2,8}(?:[+-]\d{1,6}(?:\.\d{1,6})?)?/")
"""ISO 6709, as cameras write it into the `©xyz` and `com.apple.quicktime.location` of a video."""


def _zeros(found: re.Match[bytes]) -> bytes:
    return re.sub(rb"\d", b"0", found[0])


# ------------------------------------------------------------------ pictures
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    SyntaxError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    OSError,
    EOFError,
    RuntimeError,
    NotImplementedError,
    MemoryError,
)
"""Whatever decoders raise on what is not theirs; Pillow's `UnidentifiedImageError` is an OSError."""


def _redrawn(data: bytes, kind: _Kind, max_pixels: int | None, *, strip: bool) -> tuple[bytes, _Kind] | Refused:
    from storage.pictures import redrawn  # Pillow weighs 4 MB, and comes with the first picture

    decoder, stored_as = _PICTURES[kind.mime_type]
    found = redrawn(data, decoder, stored_as.extension, max_pixels, strip=strip)
    return found if isinstance(found, Refused) else (found, stored_as if strip else kind)


# ------------------------------------------------------------------ names
_RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))})


def safe_name(name: str) -> str:
    """A file's own name, fit to be shown and saved anywhere: no path, nothing invisible, at most 120 characters."""
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    kept = (" " if c.isspace() else c for c in name if c.isspace() or unicodedata.category(c)[0] != "C")
    name = re.sub(r' +|[<>:"|?*]', lambda m: " " if m[0].isspace() else "_", "".join(kept)).strip(". ")
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 10:
        stem, dot, extension = name, "", ""
    if stem.casefold() in _RESERVED:
        stem = f"_{stem}"
    return f"{stem[: LONGEST_NAME - len(dot) - len(extension)].rstrip('. ')}{dot}{extension}"


def answer_name(ref: str, sha256: str, extension: str, taken: Collection[str] = ()) -> str:
    """The name an answer holds: "evidence_photo-1a2b3c4d.jpg", and another than those taken."""
    question = re.sub(r"[^A-Za-z0-9_-]", "", re.sub(r"\[\d+\]$", "", ref.rpartition("/")[2])) or "file"
    stem = f"{question[:60]}-{sha256[:8]}"
    name, number = f"{stem}.{extension}", 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}.{extension}"
    return name


# ------------------------------------------------------------------ on disk
def storage_key(sha256: str, *, sensitive: bool) -> str:
    """Where a content lies below the folder of files."""
    return f"{'sealed' if sensitive else 'plain'}/{sha256[:2]}/{sha256}"


_KEY = re.compile(r"(plain|sealed)/[0-9a-f]{2}/([0-9a-f]{64})")


class FileStore:
    """A folder of files named by their content. A file is there whole or not at all, readable by its owner alone."""

    def __init__(self, root: Path, vault: Vault | None) -> None:
        self._root = root
        self._vault = vault

    def put(self, data: bytes, sensitive: bool) -> str:
        """Store, and return the key. Storing the same again only makes it young again (see `sweep`)."""
        sha256 = _sha256(data)
        key = storage_key(sha256, sensitive=sensitive)
        path = self._root / key
        with contextlib.suppress(FileNotFoundError):
            os.utime(path)
            return key
        self._write(path, self._keyring().seal_bytes(data, f"file:{sha256}") if sensitive else data)
        return key

    def get(self, key: str) -> bytes:
        """The content. NotFound if there is none; StorageError if it is no longer what was stored."""
        path, sha256 = self._path(key)
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise NotFound(key) from error
        if key.startswith("sealed/"):
            data = self._keyring().open_bytes(data, f"file:{sha256}")
        if _sha256(data) != sha256:
            raise StorageError(f"{key}: the file has been altered")
        return data

    def path(self, key: str) -> Path:
        """Where a content that is not sealed lies, for whoever sends it as it is. NotFound for any other key."""
        if not key.startswith("plain/"):
            raise NotFound(key)
        return self._path(key)[0]

    def delete(self, key: str) -> None:
        """Gone, if it was there. Only for contents that no attachment names any more (`Attachments.remove`)."""
        self._path(key)[0].unlink(missing_ok=True)

    def keys(self) -> Iterator[str]:
        """All that is stored."""
        for path in self._root.glob("*/*/*"):
            key = path.relative_to(self._root).as_posix()
            if _KEY.fullmatch(key):
                yield key

    def sweep(self, keep: Collection[str], before: datetime) -> int:
        """Remove what is not in `keep` and was stored before an instant; how many were removed.

        A file is stored before the unit that attaches it commits: what a crash leaves behind goes here, and the
        age spares what is being attached at this moment. Unfinished writes go too.
        """
        removed = 0
        wanted = frozenset(keep)
        for path in [p for p in self._root.glob("*/*/*") if p.is_file()]:
            if path.relative_to(self._root).as_posix() not in wanted and path.stat().st_mtime < before.timestamp():
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def reseal(self) -> int:
        """Seal anew what lies under an old key; how many. After it, the old key can be retired."""
        vault = self._keyring()
        count = 0
        for key in [key for key in self.keys() if key.startswith("sealed/")]:
            path, sha256 = self._path(key)
            if self._key_id(path) != vault.current:
                blob = path.read_bytes()
                self._write(path, vault.seal_bytes(vault.open_bytes(blob, f"file:{sha256}"), f"file:{sha256}"))
                count += 1
        return count

    def key_ids(self) -> frozenset[str]:
        """The keys that stored files are sealed under."""
        return frozenset(self._key_id(self._root / key) for key in self.keys() if key.startswith("sealed/"))

    def _key_id(self, path: Path) -> str:
        with open(path, "rb") as file:
            return self._keyring().key_id(file.read(64))  # the head is enough: evidence weighs megabytes

    def _keyring(self) -> Vault:
        if self._vault is None:
            raise StorageError("no keyring: sensitive files cannot be kept")
        return self._vault

    def _path(self, key: str) -> tuple[Path, str]:
        match = _KEY.fullmatch(key)
        if match is None:
            raise NotFound(key)  # a key is data: it must not lead elsewhere
        return self._root / key, match[2]

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".new-", dir=path.parent)  # mode 0600
        try:
            with open(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Have the name survive a power cut as well as the content; Windows cannot, and does not need it."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# ------------------------------------------------------------------ who it belongs to
_A = table(Attachment)


@dataclass(frozen=True, slots=True)
class StoredAttachment:
    """One file of one answer; `key` is where its content lies."""

    id: int
    plan_id: int
    instance_id: str
    ref: str
    file_name: str
    original_name: str
    mime_type: str
    size: int
    sha256: str
    original_sha256: str
    is_compressed: bool
    sensitive: bool
    created_at: datetime

    @property
    def key(self) -> str:
        return storage_key(self.sha256, sensitive=self.sensitive)


_COLUMNS = tuple(_A.c[name] for name in StoredAttachment.__slots__)
_OF_INSTANCE = select(*_COLUMNS).where(_A.c.instance_id == bindparam("instance_id")).order_by(_A.c.id)
_REMOVE = (
    delete(_A).where(_A.c.instance_id == bindparam("of_instance"), _A.c.ref == bindparam("of_ref")).returning(*_COLUMNS)
)
_REMOVE_ALL = delete(_A).where(_A.c.instance_id == bindparam("of_instance")).returning(*_COLUMNS)
_SAME_CONTENT = (
    select(_A.c.id).where(_A.c.sha256 == bindparam("sha"), _A.c.sensitive == bindparam("is_sensitive")).limit(1)
)
_MOVE = (
    update(_A)
    .where(_A.c.instance_id == bindparam("of_instance"), _A.c.ref == bindparam("of_ref"))
    .values(ref=bindparam("new_ref"))
)


class Attachments:
    """Which answer holds which file."""

    def __init__(self, unit: "UnitOfWork") -> None:
        self._connection = unit.connection

    def add(
        self,
        *,
        plan_id: int,
        instance_id: str,
        ref: str,
        inspected: Inspected,
        sensitive: bool,
        is_compressed: bool,
        now: datetime,
    ) -> StoredAttachment:
        """Attach a stored file to an answer, in place of the one it had.

        Its `file_name` is unique within the instance: a server that receives the submission knows files by name.
        The content it replaces stays on disk until `FileStore.sweep`, or `remove` is called first.
        """
        self._connection.execute(_REMOVE, {"of_instance": instance_id, "of_ref": ref})
        taken = {other.file_name for other in self.of_instance(instance_id)}
        values = {
            "plan_id": plan_id,
            "instance_id": instance_id,
            "ref": ref,
            "file_name": answer_name(ref, inspected.sha256, inspected.extension, taken),
            "original_name": inspected.original_name,
            "mime_type": inspected.mime_type,
            "size": inspected.size,
            "sha256": inspected.sha256,
            "original_sha256": inspected.original_sha256,
            "is_compressed": is_compressed,
            "sensitive": sensitive,
            "created_at": now,
        }
        number = self._connection.execute(insert(_A).values(**values).returning(_A.c.id)).scalar_one()
        return StoredAttachment(number, **values)  # type: ignore[arg-type]

    def of_instance(self, instance_id: str) -> list[StoredAttachment]:
        """In the order they were sent."""
        rows = self._connection.execute(_OF_INSTANCE, {"instance_id": instance_id})
        return [StoredAttachment(*row) for row in rows]

    def find(self, instance_id: str, file_name: str) -> StoredAttachment:
        """The file an answer names. NotFound if there is none."""
        for attachment in self.of_instance(instance_id):
            if attachment.file_name == file_name:
                return attachment
        raise NotFound(file_name)

    def remove(self, instance_id: str, ref: str | None = None) -> tuple[str, ...]:
        """Detach the file of an answer, or all of an instance; the keys of contents that nobody names any more.

        The caller deletes those from the `FileStore` once this unit has committed.
        """
        if ref is None:
            rows = self._connection.execute(_REMOVE_ALL, {"of_instance": instance_id}).all()
        else:
            rows = self._connection.execute(_REMOVE, {"of_instance": instance_id, "of_ref": ref}).all()
        return self._unused(StoredAttachment(*row) for row in rows)

    def copy(self, instance_id: str, to_instance: str, now: datetime) -> int:
        """Give a correction the files of what it corrects; how many. Contents are shared, not copied."""
        attachments = self.of_instance(instance_id)
        for attachment in attachments:
            values = {name: getattr(attachment, name) for name in StoredAttachment.__slots__ if name != "id"}
            self._connection.execute(insert(_A).values(**values | {"instance_id": to_instance, "created_at": now}))
        return len(attachments)

    def move(self, instance_id: str, refs: Mapping[str, str]) -> None:
        """Follow repeats that were renumbered: old ref → new ref, in an order in which no new one is still taken."""
        for old, new in refs.items():
            self._connection.execute(_MOVE, {"of_instance": instance_id, "of_ref": old, "new_ref": new})

    def keys(self) -> frozenset[str]:
        """Where the contents of all attachments lie: what `FileStore.sweep` must keep."""
        rows = self._connection.execute(select(_A.c.sha256, _A.c.sensitive).distinct())
        return frozenset(storage_key(sha256, sensitive=sensitive) for sha256, sensitive in rows)

    def _unused(self, removed: Iterable[StoredAttachment]) -> tuple[str, ...]:
        found = dict.fromkeys((attachment.sha256, attachment.sensitive) for attachment in removed)
        return tuple(
            storage_key(sha256, sensitive=sensitive)
            for sha256, sensitive in found
            if self._connection.execute(_SAME_CONTENT, {"sha": sha256, "is_sensitive": sensitive}).first() is None
        )
