"""`enlace export`: a dataset from the database into one file, with a bar that shows how far it is."""

import os
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from bot.complaint import Complaint, Misuse
from bot.opening import open_storage
from bot.settings import Settings
from storage.exports import EXPORTERS, exporter, record_export
from storage.exports.wanted import Wanted, Written
from storage.files import FileStore
from storage.unit_of_work import UnitOfWork


def export_to(
    settings: Settings,
    dataset: str,
    format: str,
    audience: str,
    out: Path,
    *,
    form_id: str,
    period: str,
    plan_code: str,
    now: datetime,
) -> Written:
    """What went out. The file is there whole or not at all, and its audit entry before it."""
    used = exporter(dataset, format, audience)
    if used is None:
        known = ", ".join(f"{e.dataset} as {e.format} for {' or '.join(sorted(e.audiences))}" for e in EXPORTERS)
        raise Misuse(f"{dataset} as {format} for {audience} is not exported; what is: {known}")
    with open_storage(settings) as database:

        def prepare(unit: UnitOfWork) -> Wanted:
            plan_id = (unit.plans.by_code(plan_code) if plan_code else unit.plans.only()).id
            if period:
                unit.plans.period(plan_id, period)  # NotFound: a misspelt period would be an empty file
            if form_id and unit.forms.current(plan_id, form_id) is None:
                raise Complaint(f"There is no form {form_id}.")
            wanted = Wanted(plan_id, settings.timezone, form_id, period)
            record_export(unit, used, audience, wanted, None, now)
            return wanted

        wanted = database.units.submit(None, prepare).result()
        store = FileStore(settings.files, database.vault)
        try:
            handle, temporary = tempfile.mkstemp(prefix=".new-", dir=out.parent)  # mode 0600: unsealed answers
        except OSError as error:
            raise Complaint(f"{out}: {error.strerror}") from None
        try:
            with open(handle, "w+b") as file, database.view() as unit:
                written = used.write(unit, store, wanted, file, _bar())
            os.replace(temporary, out)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    return written


def _bar() -> Callable[[int, int], None]:
    """A line that is written over on a terminal; nothing where nobody looks."""
    if not sys.stderr.isatty():
        return lambda done, total: None

    def show(done: int, total: int) -> None:
        filled = 30 * done // max(total, 1)
        end = "\n" if done == total else ""
        print(f"\r{'█' * filled}{'░' * (30 - filled)} {done}/{total}", end=end, file=sys.stderr, flush=True)

    return show
