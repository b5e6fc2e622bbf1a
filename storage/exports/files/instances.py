"""Submissions as XForm instances in a ZIP, in the folders of ODK Briefcase.

    ODK Briefcase Storage/forms/TITLE/TITLE.xml                        the form
    ODK Briefcase Storage/forms/TITLE/instances/uuidNUMBER/submission.xml and its media

Briefcase pulls from such a folder. A program that pushes to Central, Kobo or another OpenRosa server finds each
submission with its attachments. All versions of a corrected report are included, oldest first: each names the version
that it replaces (`deprecatedID`), and a server without that version refuses it. A form with several versions has a
folder for each, because Briefcase knows one definition in a folder.

A file that is no longer on disk is left out, and `missing-files.txt` beside that folder names it: the answer still
names the file, and a server would ask for it.
"""

import re
import zipfile
from collections.abc import Iterator
from typing import BinaryIO

from sqlalchemy import func, select

from conversations.xforms.form import Form
from conversations.xforms.instance import Filling
from storage.database.models import Submission, table
from storage.errors import NotFound
from storage.exports.choosing import matching
from storage.exports.wanted import Progress, Wanted, Written
from storage.plan.lists import plan_lists
from storage.reports.files import FileStore
from storage.reports.submissions import StoredSubmission
from storage.unit_of_work import UnitOfWork

_S = table(Submission)
PAGE = 100
FORMS_KEPT = 8
"""Compiled versions of forms in memory at a time. Submissions come in order of their version."""


def write_instances(unit: UnitOfWork, store: FileStore, wanted: Wanted, out: BinaryIO, progress: Progress) -> Written:
    """One folder for each submission. Sealed answers are unsealed here: VaultError without the keyring."""
    total = unit.connection.execute(_chosen(unit, wanted, func.count())).scalar_one()
    forms: dict[int, tuple[Form, str]] = {}
    named: dict[str, int] = {}
    written = 0
    lacking: list[str] = []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for sent in _pages(unit, wanted):
            if sent.form_version_id not in forms:
                if len(forms) >= FORMS_KEPT:
                    forms.pop(next(iter(forms)))
                forms[sent.form_version_id] = _form(unit, archive, sent.form_version_id, named)
            form, folder = forms[sent.form_version_id]
            lacking += _write(unit, store, archive, sent, form, folder, wanted)
            written += 1
            progress(written, total)
        if lacking:
            archive.writestr("missing-files.txt", "".join(f"{each}\n" for each in lacking))
    return Written(written, tuple(lacking))


def _form(unit: UnitOfWork, archive: zipfile.ZipFile, version_id: int, named: dict[str, int]) -> tuple[Form, str]:
    stored, xform, form = unit.forms.version(version_id), unit.forms.xform(version_id), unit.forms.form(version_id)
    name = _safe(stored.title or stored.form_id)
    if named.setdefault(name, version_id) != version_id:
        name = _safe(f"{name} {stored.version}")
        if named.setdefault(name, version_id) != version_id:
            name = f"{name} {version_id}"
    folder = f"ODK Briefcase Storage/forms/{name}"
    if f"{folder}/{name}.xml" not in archive.NameToInfo:
        archive.writestr(f"{folder}/{name}.xml", xform)
        for file_name, data in plan_lists(unit, stored.plan_id, form.plan_lists).items():
            archive.writestr(f"{folder}/{name}-media/{file_name}", data)
    return form, folder


def _write(
    unit: UnitOfWork,
    store: FileStore,
    archive: zipfile.ZipFile,
    sent: StoredSubmission,
    form: Form,
    folder: str,
    wanted: Wanted,
) -> list[str]:
    """Write a submission and its files; return the lost files, each with its receipt."""
    from conversations.session.submission import submission_xml  # with the engine, which no other dataset loads

    lost: list[str] = []
    where = f"{folder}/instances/{_safe(sent.instance_id.replace(':', ''))}"
    written = submission_xml(
        form,
        unit.submissions.answers(sent),
        Filling(sent.instance_id, sent.submitted_at, wanted.timezone, sent.language),
        deprecated_id=sent.deprecated_instance_id or "",
    )
    entry = zipfile.ZipInfo(f"{where}/submission.xml", sent.submitted_at.timetuple()[:6])
    archive.writestr(entry, written.encode("utf-8"), zipfile.ZIP_DEFLATED)
    for attachment in unit.attachments.of_instance(sent.instance_id):
        try:
            content = store.get(attachment.key)
        except NotFound:
            lost.append(f"{attachment.file_name}, receipt {sent.receipt_number:04d}, {sent.instance_id}")
            continue
        entry = zipfile.ZipInfo(f"{where}/{_safe(attachment.file_name)}", sent.submitted_at.timetuple()[:6])
        archive.writestr(entry, content, zipfile.ZIP_STORED)
    return lost


def _pages(unit: UnitOfWork, wanted: Wanted) -> Iterator[StoredSubmission]:
    last = (0, 0)
    while True:
        rows = unit.connection.execute(
            _chosen(unit, wanted, _S.c.form_version_id, _S.c.id)
            .where((_S.c.form_version_id > last[0]) | ((_S.c.form_version_id == last[0]) & (_S.c.id > last[1])))
            .order_by(_S.c.form_version_id, _S.c.id)
            .limit(PAGE)
        ).all()
        for row in rows:
            yield unit.submissions.get(row.id)
        if len(rows) < PAGE:
            return
        last = (rows[-1].form_version_id, rows[-1].id)


def _chosen(unit: UnitOfWork, wanted: Wanted, *columns: "object"):  # type: ignore[no-untyped-def]
    """Return the current submissions that are wanted, and every version that they replaced."""
    current = select(_S.c.root_id).where(_S.c.plan_id == wanted.plan_id, _S.c.is_current, *matching(unit, wanted))
    return select(*columns).where(_S.c.plan_id == wanted.plan_id, _S.c.root_id.in_(current))  # type: ignore[call-overload]


def _safe(name: str) -> str:
    """A name that every file system accepts."""
    return re.sub(r"[^\w .\-+]", "_", name).strip(" .")[:100] or "_"
