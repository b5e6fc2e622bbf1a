"""Read a form's file and the files beside it: .xlsx, .md or XForm .xml."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bot.errors import Complaint
from conversations.xforms.bundle import Bundle, attached_files, lacking_files, shown_files
from conversations.xforms.form import CheckedForm
from storage.reports.confinement import Confinement


def read_form(file: Path, data: bytes, lists: Mapping[str, bytes] = {}) -> CheckedForm:
    """The form of an .xlsx, .xls, .md or XForm .xml file. The files beside it are its media.

    `lists` are the plan's own lists, if a plan is known; otherwise those beside the file (`enlace plan lists`).
    """
    return Confinement().form(data, file.name, {**_beside(file), **lists})


def read_bundle_at(file: Path, lists: Mapping[str, bytes] = {}) -> tuple[Bundle, CheckedForm]:
    """Return what publishing a file stores: the workbook, the files beside it that it names, and the form."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise Complaint(f"{file}: {error.strerror}") from None
    checked, beside = read_form(file, data, lists), _beside(file)
    media = {name: beside[name] for name in attached_files(checked.xform) if name in beside}
    pictures = (file.parent / name for name in shown_files(checked.xform))
    media |= {path.name: path.read_bytes() for path in pictures if path.is_file()}
    told = (*checked.problems, *lacking_files(checked.xform, media))
    return Bundle(file.name, data, media), replace(checked, problems=told)


def _beside(file: Path) -> dict[str, bytes]:
    media = {}
    for path in file.parent.iterdir():
        if path.suffix.lower() in (".csv", ".geojson", ".xml") and path != file and path.stat().st_size < 10_000_000:
            media[path.name] = path.read_bytes()
    return media
