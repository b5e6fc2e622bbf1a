"""A form and its files: one workbook, and the lists and pictures that it names, as one content.

An author sends an Excel and a CSV, together, one after the other, or both in a ZIP. In each case the same files give
the same bytes here. So the same content is recognised (publishing it again changes nothing), and a button can carry one
number for it.

Laws: entries are counted and measured before anything is unpacked. Names are bare file names. An unusable file is an
`AuthorError`, never another exception.
"""

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import unescape

from conversations.xforms.limits import FILE_BYTES, FILE_MB
from conversations.xforms.problems import AuthorError, Problem
from conversations.xforms.workbook import CENTRAL_ENTRY, DAMAGE, OLE

MAX_FILES = 500
MAX_UNZIPPED = 64 * 1024 * 1024
FORM_KINDS = (".xlsx", ".xlsm", ".xls", ".md")
DATA_KINDS = (".csv", ".geojson", ".json", ".xml")
MEDIA_KINDS = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".mp3", ".ogg", ".m4a", ".wav", ".mp4", ".pdf")

PLAN_LISTS = (
    "plan_activities.csv",
    "plan_agencies.csv",
    "plan_indicators.csv",
    "plan_nationalities.csv",
    "plan_places.csv",
)
"""Files that the plan itself writes. A form names them and does not contain them (`storage.plan.lists`)."""

_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A workbook with its file name, and its files by name. `workbook` is empty until it has arrived."""

    name: str = ""
    workbook: bytes = b""
    media: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """The stored source of the form: the workbook as it was sent, or a ZIP of it and its files."""
        return self.pack() if self.media else self.workbook

    def pack(self) -> bytes:
        """Pack everything into one ZIP. The same files always give the same bytes."""
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in [(self.name, self.workbook), *sorted(self.media.items())]:
                if name:
                    archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)
        return written.getvalue()

    def with_files(self, other: "Bundle") -> "Bundle":
        """This bundle with later files. A newer workbook replaces the older one, a newer file one of the same name."""
        media = dict(self.media) | dict(other.media)
        return Bundle(other.name or self.name, other.workbook or self.workbook, media)


def read_bundle(name: str, data: bytes) -> Bundle:
    """Read a sent file: a workbook, one of its files, or a ZIP of both. AuthorError for any other file."""
    name = bare(name)
    kind = kind_of(name)
    if kind == ".zip":
        return _unpacked(data)
    if kind in FORM_KINDS:
        return Bundle(name, data)
    if kind in DATA_KINDS or kind in MEDIA_KINDS:
        return Bundle(media={name: data})
    raise AuthorError([Problem("bundle.file_kind", values={"file": name})])


def stored_bundle(form_id: str, content: bytes) -> Bundle:
    """The bundle that was stored by `Bundle.content`."""
    if content.startswith(b"PK"):
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                is_workbook = "[Content_Types].xml" in archive.namelist()
        except DAMAGE:
            is_workbook = True
        if not is_workbook:
            return _unpacked(content)
    kind = "xlsx" if content.startswith(b"PK") else "xls" if content.startswith(OLE) else "md"
    return Bundle(f"{form_id}.{kind}", content)


def _unpacked(data: bytes) -> Bundle:
    if len(data) > FILE_BYTES:
        raise AuthorError([Problem("bundle.too_big", values={"limit": FILE_MB})])
    found: dict[str, bytes] = {}
    try:
        # Counted in the raw bytes, because zipfile builds an object for each entry before it can be asked.
        if data.count(CENTRAL_ENTRY) > MAX_FILES * 2:
            raise AuthorError([Problem("bundle.too_many", values={"limit": MAX_FILES})])
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir() and is_wanted(entry.filename)]
            entries = [entry for entry in entries if bare(entry.filename) not in PLAN_LISTS]  # the plan's are newer
            if len(entries) > MAX_FILES:
                raise AuthorError([Problem("bundle.too_many", values={"limit": MAX_FILES})])
            if any(entry.flag_bits & 1 for entry in entries):
                raise AuthorError([Problem("bundle.password")])
            left = MAX_UNZIPPED
            for entry in entries:
                with archive.open(entry) as file:
                    content = file.read(left + 1)  # measured: the header may say anything
                left -= len(content)
                if left < 0:
                    raise AuthorError([Problem("bundle.too_big", values={"limit": MAX_UNZIPPED // 2**20})])
                found[bare(entry.filename)] = content
    except AuthorError:
        raise
    except DAMAGE:
        raise AuthorError([Problem("bundle.damaged")]) from None
    workbooks = [name for name in found if kind_of(name) in FORM_KINDS]
    if len(workbooks) > 1:
        raise AuthorError([Problem("bundle.two_workbooks", values={"files": ", ".join(sorted(workbooks)[:4])})])
    name = workbooks[0] if workbooks else ""
    return Bundle(name, found.pop(name, b""), found)


def is_wanted(name: str) -> bool:
    """False for files that a Mac or an open Excel adds."""
    return not bare(name).startswith((".", "~$")) and "__MACOSX" not in name


def bare(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]


def kind_of(name: str) -> str:
    dot = name.rpartition(".")
    return f".{dot[2].casefold()}" if dot[1] else ""


def attached_files(xform: str) -> tuple[str, ...]:
    """Names of the lists (CSV, GeoJSON, XML) that belong to the form: all that it reads, without the plan's own."""
    return tuple(name for name in _files_of(xform) if name not in PLAN_LISTS)


def plan_lists_of(xform: str) -> tuple[str, ...]:
    """The plan's own lists that give the form choices or figures."""
    return tuple(name for name in _files_of(xform) if name in PLAN_LISTS)


def _files_of(xform: str) -> tuple[str, ...]:
    found = re.findall(r'<instance\b[^>]*?\bsrc\s*=\s*["\']jr://file(?:-csv)?/([^"\'/]+)["\']', xform)
    return tuple(dict.fromkeys(found))


def shown_files(xform: str) -> tuple[str, ...]:
    """Names of the pictures and recordings that the form shows with its questions and choices."""
    found = re.findall(r"jr://(?:images|audio|video)/([^\"'/<]+)", xform)
    return tuple(dict.fromkeys(unescape(name) for name in found))


def lacking_files(xform: str, media: Mapping[str, bytes]) -> list[Problem]:
    """Warn of files that a form shows and that did not arrive. The reader of forms warns of missing lists."""
    lacking = sorted(set(shown_files(xform)) - set(media))
    if not lacking:
        return []
    values = {"files": ", ".join(lacking[:6]) + (" …" if len(lacking) > 6 else "")}
    return [Problem("bundle.no_picture", values=values, severity="warning")]
