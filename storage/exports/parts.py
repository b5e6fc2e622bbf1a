"""Divide an export into files that Telegram accepts.

A bot may send 50 MB, and a plan's evidence can be larger. Every part can be opened by itself on a phone: there is no
`.zip.001` that needs a program to be joined. The entries of a ZIP are distributed over several ZIPs; unzipped into one
folder they are complete again. Any other file is made again for half of the agencies, and again, until it fits. An
export for observers or the public is not divided: numbers would be suppressed in each part by itself, and compared with
the whole they could reveal what it hides (docs/domain.md#small-numbers). An export that cannot be divided is refused;
it can be made at the server.
"""

import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from storage.errors import StorageError
from storage.exports.exporters import Exporter, file_name
from storage.exports.wanted import Progress, Wanted, Written
from storage.reports.files import FileStore
from storage.unit_of_work import UnitOfWork

ENTRY = 512
"""Bytes that a ZIP needs for an entry besides its content and twice its name; a generous bound."""


class TooLarge(StorageError):
    """The export is larger than the limit and cannot be divided."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file, and its name for the reader."""

    path: Path
    name: str
    agency: str = ""
    """The agency codes of this part, if other parts hold other agencies."""


@dataclass(frozen=True, slots=True)
class Whole:
    """All parts of an export, and its numbers."""

    parts: tuple[Part, ...]
    written: Written


@dataclass(frozen=True, slots=True)
class Making:
    """The arguments with which an export, or a part of it, is written."""

    unit: UnitOfWork
    store: FileStore
    used: Exporter
    progress: Progress

    def write(self, wanted: Wanted, path: Path) -> Written:
        with path.open("w+b") as file:
            return self.used.write(self.unit, self.store, wanted, file, self.progress)


def write_parts(making: Making, wanted: Wanted, folder: Path, limit: int) -> Whole:
    """Write files of at most `limit` bytes into `folder`, readable by their owner alone.

    If it raises, no file is left.
    """
    made: list[Path] = []

    def new() -> Path:
        handle, name = tempfile.mkstemp(prefix=".new-", dir=folder)  # mode 0600: answers lie unsealed in it
        os.close(handle)
        made.append(Path(name))
        return made[-1]

    try:
        name = file_name(making.unit, making.used, wanted)
        whole = list(_write(making, wanted, new, limit))
        count = sum(written.count for _, _, written in whole)
        lacking = tuple(each for _, _, written in whole for each in written.lacking)
        files = [(path, agency) for paths, agency, _ in whole for path in paths]
        parts = tuple(
            Part(path, _numbered(name, number, len(files)), agency) for number, (path, agency) in enumerate(files, 1)
        )
        return Whole(parts, Written(count, lacking))
    except BaseException:
        for path in made:
            path.unlink(missing_ok=True)
        raise


def _write(
    making: Making, wanted: Wanted, new: Callable[[], Path], limit: int, about: str = ""
) -> Iterator[tuple[list[Path], str, Written]]:
    """Yield files, the agencies in them, and what was written. `about` are the agencies, if this is half of a file."""
    path = new()
    written = making.write(wanted, path)
    if path.stat().st_size <= limit:
        yield [path], about, written
        return
    if zipfile.is_zipfile(path) and making.used.suffix == ".zip" and (dealt := _deal(path, limit)):
        paths = [_copy(path, entries, new()) for entries in dealt]
        path.unlink()
        yield paths, about, written
        return
    path.unlink()
    agencies = wanted.one_of("agency") or tuple(agency.code for agency in making.unit.plans.agencies(wanted.plan_id))
    if wanted.is_released or len(agencies) < 2:
        raise TooLarge
    half = len(agencies) // 2
    for some in (agencies[:half], agencies[half:]):
        codes = ",".join(some)
        yield from _write(making, replace(wanted, agency=codes), new, limit, codes)


def _deal(path: Path, limit: int) -> list[list[str]]:
    """Distribute the entries of a ZIP, in order. Return nothing if one entry alone is too large."""
    dealt: list[list[str]] = [[]]
    size = 0
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            weight = entry.compress_size + 2 * len(entry.filename.encode()) + ENTRY
            if weight + ENTRY > limit:
                return []
            if size + weight + ENTRY > limit:
                dealt.append([])
                size = 0
            dealt[-1].append(entry.filename)
            size += weight
    return dealt


def _copy(path: Path, entries: list[str], to: Path) -> Path:
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(to, "w") as part:
        for name in entries:
            entry = archive.getinfo(name)
            copied = zipfile.ZipInfo(name, entry.date_time)
            copied.compress_type = entry.compress_type
            with archive.open(entry) as source, part.open(copied, "w") as target:
                shutil.copyfileobj(source, target, 1 << 20)
    return to


def _numbered(name: str, number: int, of: int) -> str:
    if of == 1:
        return name
    stem, suffix = os.path.splitext(name)
    return f"{stem}_{number}-{of}{suffix}"
