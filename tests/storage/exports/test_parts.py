"""Files that Telegram takes: one or several, each whole, each its owner's alone."""

import io
import random
import stat
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from bot.open_storage import open_storage
from storage.exports.exporters import Exporter
from storage.exports.parts import Making, TooLarge, write_parts
from storage.exports.wanted import Progress, Wanted, Written
from storage.reports.files import FileStore
from storage.unit_of_work import UnitOfWork
from tests.bot.house import furnish, settings_in

NOW = datetime(2018, 10, 3, 12, tzinfo=UTC)
NOISE = random.Random(7).randbytes(4_000)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    furnish(folder)
    return folder


def write_lines(unit: UnitOfWork, store: FileStore, wanted: Wanted, out: BinaryIO, progress: Progress) -> Written:
    """A line of 100 bytes for each institution that is wanted."""
    codes = wanted.one_of("agency") or tuple(agency.code for agency in unit.plans.agencies(wanted.plan_id))
    out.writelines(f"{code:<99}\n".encode() for code in codes)
    return Written(len(codes))


def write_zip(unit: UnitOfWork, store: FileStore, wanted: Wanted, out: BinaryIO, progress: Progress) -> Written:
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(10):
            archive.writestr(f"ñandú/{number}.bin", NOISE, zipfile.ZIP_STORED)
        archive.writestr("index.csv", "a,b\n" * 500, zipfile.ZIP_DEFLATED)
    return Written(10, ("one is lost",))


def made(house: Path, folder: Path, used: Exporter, limit: int, **changes: Any) -> Any:
    with open_storage(settings_in(house)) as database, database.view() as unit:
        wanted = Wanted(unit.plans.only().id, "America/Santo_Domingo", NOW, **changes)
        return write_parts(
            Making(unit, FileStore(house / "evidence", None), used, lambda a, b: None), wanted, folder, limit
        )


LINES = Exporter("reports", "csv", write_lines, suffix=".csv")
ZIP = Exporter("media", "zip", write_zip)


def test_what_fits_is_one_file_of_its_owner_alone(house: Path, tmp_path: Path) -> None:
    """Mode 0600: answers lie unsealed in it."""
    whole = made(house, tmp_path, LINES, 10**6)
    [part] = whole.parts
    assert part.name == "do-trata-2017-2020_reports_internal_20181003-0800.csv"
    assert stat.S_IMODE(part.path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [part.path]


def test_a_file_of_rows_is_made_again_by_institution_and_no_row_is_lost(house: Path, tmp_path: Path) -> None:
    """Each part opens by itself; together they hold every row once, in order."""
    [one] = made(house, tmp_path / ".." / tmp_path.name, LINES, 10**6).parts
    everything = one.path.read_bytes()
    one.path.unlink()
    whole = made(house, tmp_path, LINES, 500)
    assert len(whole.parts) > 3
    assert all(part.path.stat().st_size <= 500 for part in whole.parts)
    assert b"".join(part.path.read_bytes() for part in whole.parts) == everything
    assert ",".join(part.agency for part in whole.parts).split(",") == everything.decode().split()
    assert whole.written.count == len(everything) // 100
    assert whole.parts[1].name.endswith(f"_2-{len(whole.parts)}.csv")
    assert len(list(tmp_path.iterdir())) == len(whole.parts)


def test_a_zip_is_dealt_out_by_its_entries(house: Path, tmp_path: Path) -> None:
    """Unzipped into one folder, the parts are the whole again, byte for byte."""
    whole = made(house, tmp_path, ZIP, 15_000)
    found: dict[str, bytes] = {}
    for part in whole.parts:
        assert part.path.stat().st_size <= 15_000
        with zipfile.ZipFile(part.path) as archive:
            assert archive.testzip() is None
            found |= {name: archive.read(name) for name in archive.namelist()}
    buffer = io.BytesIO()
    write_zip(None, None, None, buffer, None)  # type: ignore[arg-type]
    with zipfile.ZipFile(buffer) as archive:
        assert found == {name: archive.read(name) for name in archive.namelist()}
    assert (len(whole.parts), whole.written.lacking) == (4, ("one is lost",))


@pytest.mark.parametrize("changes", [{"agency": "PGR"}, {"audience": "observers"}])
def test_what_cannot_be_divided_is_refused_and_leaves_nothing(house: Path, tmp_path: Path, changes: Any) -> None:
    """One institution alone; and what is suppressed as a whole, whose parts laid beside it could tell
    (docs/domain.md#small-numbers).
    """
    used = Exporter("reports", "csv", write_lines, frozenset({"internal", "observers"}), suffix=".csv")
    with pytest.raises(TooLarge):
        made(house, tmp_path, used, 50, **changes)
    assert not list(tmp_path.iterdir())


def test_a_writer_that_fails_leaves_nothing(house: Path, tmp_path: Path) -> None:
    """A half file is nobody's."""

    def fail(unit: Any, store: Any, wanted: Any, out: BinaryIO, progress: Any) -> Written:
        out.write(b"half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        made(house, tmp_path, Exporter("reports", "csv", fail), 10**6)
    assert not list(tmp_path.iterdir())
