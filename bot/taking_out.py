"""`enlace export`: a dataset from the database into one file, with a bar that shows how far it is."""

import os
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any, Protocol

from bot.complaint import Complaint, Misuse
from bot.opening import open_storage, plan_named
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
        raise Misuse(f"{dataset} as {format} for {audience} is not exported; what is:\n{told_by_dataset(EXPORTERS)}")
    if out.is_dir():
        raise Misuse(f"{out} is a folder: let --out name the file in it.")
    with open_storage(settings) as database:

        def prepare(unit: UnitOfWork) -> Wanted:
            wanted = Wanted(plan_named(unit, plan_code).id, settings.timezone, **asked)
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


class Exported(Protocol):
    """A dataset in a format, and for whom: an exporter, or what somebody may have of it."""

    @property
    def dataset(self) -> str: ...
    @property
    def format(self) -> str: ...
    @property
    def audiences(self) -> Collection[str]: ...


def told_by_dataset(exported: Iterable[Exported]) -> str:
    """What is exported, a dataset a line."""
    lines: dict[tuple[str, str], list[str]] = {}
    for each in exported:
        whom = " or ".join(audience for audience in AUDIENCES if audience in each.audiences)
        lines.setdefault((each.dataset, whom), []).append(each.format)
    width = max(len(dataset) for dataset, _ in lines)
    return "\n".join(
        f"  {name:{width}}  as {', '.join(formats)}, for {whom}" for (name, whom), formats in lines.items()
    )


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
