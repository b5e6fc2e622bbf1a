"""The evidence of a plan as a ZIP: every file once, under a name that says whose it is, and an index.

Somebody who checks a report a year later has a folder and a spreadsheet. The index leads from a receipt to its file,
and its SHA-256 proves that it is the file that was sent. A lost or altered file has a row too, with its `state`: a
reader of the index must not believe that nothing is missing. Restricted files go to coordinators only (S10,
docs/domain.md#who-sees-what). The index names only what the asking role may have, because a row for a hidden file would
reveal it.

Files are compressed already, so they are stored as they are. One file at a time is in memory.
"""

import csv
import tempfile
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

from sqlalchemy import Select, func, select

from conversations.plan.model import is_restricted
from storage.database.models import Activity, Agency, Attachment, Indicator, ReportingPeriod, Submission, table
from storage.errors import NotFound, StorageError
from storage.exports.choosing import allowed, streamed
from storage.exports.formats.delimited import neutral
from storage.exports.wanted import Progress, Wanted, Written
from storage.reports.files import FileStore, storage_key
from storage.reports.inspection import safe_name
from storage.unit_of_work import UnitOfWork

_F, _S, _P, _A = table(Attachment), table(Submission), table(ReportingPeriod), table(Agency)
_ACTIVITY, _INDICATOR = table(Activity), table(Indicator)
INDEX = ("receipt", "agency", "subject", "period", "file", "original_name", "type", "size", "sha256", "sent_sha256",
         "submitted_at", "state")  # fmt: skip
"""Columns of index.csv. `sent_sha256` is of the file as it arrived: it differs if an image lost its metadata (S10)."""
HERE, LOST, ALTERED = "here", "lost", "altered"
"""The states of a file: in the archive; no longer on disk; no longer the file that was sent."""


def write_media(unit: UnitOfWork, store: FileStore, wanted: Wanted, out: BinaryIO, progress: Progress) -> Written:
    """The files of the current submissions that the filters allow, and index.csv. Files are counted as rows."""
    open_ones = _open_subjects(unit, wanted)
    total = unit.connection.execute(_chosen(unit, wanted, func.count())).scalar_one()
    lacking: list[str] = []
    seen = written = 0
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as spool, zipfile.ZipFile(out, "w") as archive:
        index = csv.writer(spool, lineterminator="\r\n")
        index.writerow(INDEX)
        for found in _rows(unit, wanted):
            seen += 1
            progress(seen, total)
            is_closed = found.file_sensitive or found.sensitive or found.subject not in open_ones
            if is_closed and not wanted.sees_restricted:
                continue
            code = (found.subject or "").partition(":")[2]
            name, content = _name(found, code), b""
            try:
                content = store.get(storage_key(found.sha256, sensitive=found.file_sensitive))
                state = HERE
            except NotFound:
                state = LOST
            except StorageError:
                state = ALTERED
            if state == HERE:
                entry = zipfile.ZipInfo(name, found.submitted_at.astimezone(wanted.zone).timetuple()[:6])
                archive.writestr(entry, content, zipfile.ZIP_STORED)
                written += 1
            else:
                altered = "" if state == LOST else ", altered since it was stored"
                lacking.append(f"{safe_name(found.original_name)}, receipt {found.receipt_number:04d}{altered}")
            index.writerow(
                [
                    f"{found.receipt_number:04d}",
                    found.agency or "",
                    code,
                    found.period or "",
                    name if state == HERE else "",
                    neutral(found.original_name),
                    found.mime_type,
                    found.size,
                    found.sha256,
                    found.original_sha256,
                    found.submitted_at.astimezone(wanted.zone).replace(microsecond=0).isoformat(),
                    state,
                ]
            )
        spool.seek(0)
        archive.writestr("index.csv", ("\ufeff" if wanted.bom else "") + spool.read(), zipfile.ZIP_DEFLATED)
        if lacking:
            archive.writestr("missing-files.txt", "".join(f"{each}\n" for each in lacking), zipfile.ZIP_DEFLATED)
    return Written(written, tuple(lacking))


def _name(found: Any, code: str) -> str:
    """A folder for each period; in the name the agency, the activity, the receipt and the file's own number."""
    parts = (found.agency, code, f"{found.receipt_number:04d}", str(found.id), safe_name(found.original_name))
    return f"{safe_name(found.period or '-')}/{'_'.join(filter(None, parts))}"


def _open_subjects(unit: UnitOfWork, wanted: Wanted) -> frozenset[str | None]:
    """Subjects that are not restricted. A subject that the plan no longer knows counts as restricted."""
    found: list[str | None] = [None]
    for of, kind in ((_ACTIVITY, "activity"), (_INDICATOR, "indicator")):
        for code, sensitivity in unit.connection.execute(
            select(of.c.code, of.c.sensitivity).where(of.c.plan_id == wanted.plan_id)
        ):
            if not is_restricted(sensitivity):
                found.append(f"{kind}:{code}")
    return frozenset(found)


def _rows(unit: UnitOfWork, wanted: Wanted) -> Iterator[Any]:
    statement = _chosen(
        unit,
        wanted,
        _S.c.receipt_number,
        _S.c.subject,
        _S.c.sensitive,
        _S.c.submitted_at,
        _P.c.code.label("period"),
        _A.c.code.label("agency"),
        _F.c.id,
        _F.c.original_name,
        _F.c.mime_type,
        _F.c.size,
        _F.c.sha256,
        _F.c.original_sha256,
        _F.c.sensitive.label("file_sensitive"),
    )
    return streamed(unit, statement.order_by(_S.c.receipt_number, _F.c.id))


def _chosen(unit: UnitOfWork, wanted: Wanted, *columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .select_from(_F)
        .join(_S, _S.c.instance_id == _F.c.instance_id)
        .outerjoin(_P, _P.c.id == _S.c.reporting_period_id)
        .outerjoin(_A, _A.c.id == _S.c.agency_id)
        .where(*allowed(unit, wanted))
    )
