"""`enlace export`: a dataset from the database into one file, with a bar that shows how far it is."""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot.complaint import Complaint, Misuse
from bot.opening import open_storage
from bot.settings import Settings
from conversations.exports import AUDIENCES
from conversations.plan import Role
from storage.exports import EXPORTERS, check_wanted, exporter, record_export
from storage.exports.wanted import INTERNAL, Wanted, Written
from storage.files import FileStore
from storage.unit_of_work import UnitOfWork


def export_to(settings: Settings, dataset: str, format: str, out: Path, plan_code: str, **asked: Any) -> Written:
    """What went out. The file is there whole or not at all, and its audit entry before it.

    `asked` is the rest of `Wanted`, as the options of the command line.
    """
    audience, role = asked.get("audience", INTERNAL), asked.get("role")
    used = exporter(dataset, format, audience, role)
    if used is None and role is None and exporter(dataset, format, audience, Role.COORDINATOR) is not None:
        raise Misuse(f"{dataset} holds what is restricted: --role coordinator, if it is taken in a coordinator's name")
    if used is None:
        known = "; ".join(
            f"{e.dataset} as {e.format} for {' or '.join(a for a in AUDIENCES if a in e.audiences)}" for e in EXPORTERS
        )
        raise Misuse(f"{dataset} as {format} for {audience} is not exported; what is: {known}")
    with open_storage(settings) as database:

        def prepare(unit: UnitOfWork) -> Wanted:
            plan_id = (unit.plans.by_code(plan_code) if plan_code else unit.plans.only()).id
            wanted = Wanted(plan_id, settings.timezone, **asked)
            check_wanted(unit, used, wanted)
            if used.ending(unit, wanted) == ".zip" != out.suffix:
                raise Misuse(f"This takes several files, which go into one ZIP: end --out in .zip, not {out.suffix}")
            record_export(unit, used, wanted, None)
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

    shown = -1

    def show(done: int, total: int) -> None:
        nonlocal shown
        percent = 100 * done // max(total, 1)
        if percent == shown and done != total:
            return
        shown, filled = percent, 30 * percent // 100
        end = "\n" if done == total else ""
        print(f"\r{'█' * filled}{'░' * (30 - filled)} {done}/{total}", end=end, file=sys.stderr, flush=True)

    return show
