"""The table of exporters: each is told apart, listed on its page, and every column has a label in every language."""

import errno
import gc
import io
import os
import re
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from conversations.languages import LANGUAGES
from conversations.plan.model import Role
from conversations.plan.sharing.export_request import AUDIENCES, FILTERS
from conversations.wording import catalogue, wording
from storage.database.models import Agency, Person, table
from storage.database.models import Plan as StoredPlan
from storage.exports.exporters import DATASETS, EXPORTERS, Exporter, exporter, file_name
from storage.exports.tables import Kind
from storage.open_database import Database
from storage.reports.files import FileStore
from storage.unit_of_work import UnitOfWork
from tests import ROOT
from tests.deadlines import PATIENCE
from tests.golden import assert_made
from tests.storage.exports.small_plan import Plan, furnish


def test_every_exporter_is_told_apart_and_names_its_audiences() -> None:
    """No two rows for the same dataset and format; audiences are those there are; answers of others stay inside."""
    keys = [(each.dataset, each.format) for each in EXPORTERS]
    assert len(set(keys)) == len(keys)
    assert all(each.audiences <= set(AUDIENCES) for each in EXPORTERS)
    assert exporter("audit", "csv", "observers") is None
    assert exporter("reports", "csv", "internal", Role.FOCAL_POINT) is None
    assert exporter("submissions", "xml-zip", "internal", Role.ADMIN) is None
    assert exporter("submissions", "xml-zip", "internal") is None, "at the server nobody is a coordinator unless told"


# ------------------------------------------------------------------ what is said of it
PAGE_OF_EXPORTS = ROOT / "docs" / "exports.md"


def test_the_page_lists_every_exporter(request: pytest.FixtureRequest) -> None:
    """docs/exports.md is made from EXPORTERS, between its markers; `--rewrite-golden` writes it anew."""
    formats = list(dict.fromkeys(each.format for each in EXPORTERS))
    lines = [f"| dataset | {' | '.join(formats)} |", "|---" * (len(formats) + 1) + "|"]
    for dataset in dict.fromkeys(each.dataset for each in EXPORTERS):
        found = {each.format: each for each in EXPORTERS if each.dataset == dataset}
        cells = [", ".join(a for a in AUDIENCES if f in found and a in found[f].audiences) for f in formats]
        lines.append(f"| {dataset} | {' | '.join(cells)} |")
    options = " | ".join("`--" + name.removesuffix("_id") + "`" for name in FILTERS)
    filters = [f"| dataset | {options} |"]
    filters.append("|---" * (len(FILTERS) + 1) + "|")
    for dataset, known in {each.dataset: each.filters for each in EXPORTERS}.items():
        filters.append(f"| {dataset} | {' | '.join('yes' if name in known else '' for name in FILTERS)} |")
    assert_made(request, PAGE_OF_EXPORTS, {"exporters": "\n".join(lines), "filters": "\n".join(filters)})


@pytest.mark.parametrize("format", ["csv", "xlsx", "jsonl"])
def test_no_text_that_goes_out_is_turned_around(plan: Plan, apply: Any, format: str) -> None:
    """Also of a name that was stored before names were cleaned; of agencies, which a workbook shows by name (S7)."""
    turned = "Ana\u202e zeréP\u2066"

    def rename(unit: Any) -> None:
        unit.connection.execute(table(Person).update().values(name=turned))
        unit.connection.execute(table(Agency).update().values(name={"es": turned}))

    apply(rename)
    for dataset in ("people", "agencies", "reports"):
        data, _ = plan.take(dataset, format, role=Role.ADMIN if dataset == "people" else Role.COORDINATOR)
        text = whole(data)
        assert "\u202e" not in text
        assert "\u2066" not in text
        assert dataset != "people" or "Ana zeréP" in text


def whole(data: bytes) -> str:
    """All that is in a file, or in the members of a ZIP."""
    if not data.startswith(b"PK"):
        return data.decode()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return "".join(archive.read(name).decode() for name in archive.namelist())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_column_has_a_label_in_every_language(plan: Plan, language: str) -> None:
    """Titles, columns, dimensions and covers: nothing shows its key."""
    say = wording(language)
    own = catalogue(language)
    with plan.database.view() as unit:
        for each in DATASETS:
            for audience in each.audiences:
                for one in each.tables(unit, plan.wanted(audience=audience, language=language)).tables:
                    shown = [one.title, *(column.label for column in one.columns)]
                    assert not [text for text in shown if text.startswith("table.")]
    assert all(say(f"table.kind.{kind}") != f"table.kind.{kind}" for kind in Kind)
    assert {key for key in catalogue("es") if key.startswith("table.")} <= set(own)


def test_submissions_are_read_along_their_key(sqlite_database: Database, world_on_sqlite: Any, tmp_path: Path) -> None:
    """However many there are, the first row comes at once: they are not sorted before."""
    sqlite_database.units.submit(None, lambda unit: furnish(unit, world_on_sqlite)).result(PATIENCE)
    plan = Plan(sqlite_database, world_on_sqlite, tmp_path)
    for dataset in ("reports", "answers"):
        make = {each.name: each.tables for each in DATASETS}[dataset]
        with plan.database.view() as unit:
            statement, values = last_asked(unit, partial(list, make(unit, plan.wanted()).rows))
            explained = unit.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
        assert not [row for row in explained if "TEMP B-TREE" in row[-1]], dataset


def last_asked(unit: UnitOfWork, read: Callable[[], object]) -> tuple[str, Any]:
    """The last statement that `read` has the database execute, and its values."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        asked.append((statement, values))

    event.listen(unit.connection, "before_cursor_execute", note)
    read()
    event.remove(unit.connection, "before_cursor_execute", note)
    return asked[-1]


@pytest.mark.parametrize("used", EXPORTERS, ids=lambda each: f"{each.dataset}-{each.format}")
def test_a_file_of_the_example_says_so_wherever_it_is_passed_on(plan: Plan, apply: Any, used: Exporter) -> None:
    """In its name, which has the plan's code; and a workbook or a PDF in the title that a viewer shows."""
    name = "Ejemplo · Plan Nacional"
    apply(
        lambda unit: unit.connection.execute(
            table(StoredPlan).update().values(code="ejemplo-2026-2028", name={"es": name})
        )
    )
    role = next(role for role in used.takers if role)
    wanted, out = plan.wanted(role=role, audience=next(iter(used.audiences))), io.BytesIO()
    with plan.database.view() as unit:
        used.write(unit, FileStore(plan.folder, plan.database.vault), wanted, out, lambda done, total: None)
        called = file_name(unit, used, wanted)
    if used.suffix == ".pdf":
        title = re.search(rb"/Title <feff(\w+)>", out.getvalue())
        assert title
        assert name in bytes.fromhex(title[1].decode()).decode("utf-16-be")
        return
    assert called.startswith("ejemplo-2026-2028_")
    if used.suffix == ".xlsx":
        with zipfile.ZipFile(out) as archive:
            assert f"<dc:title>{name} · " in archive.read("docProps/core.xml").decode()


# ------------------------------------------------------------------ a disk without room
class Full(io.BytesIO):
    """A file on a disk that has room for so many bytes."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room

    def write(self, content: Any) -> int:
        if self.tell() + len(content) > self._room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(content)


@pytest.mark.parametrize("format", sorted({each.format for each in EXPORTERS}))
def test_a_full_disk_is_the_systems_own_error_and_nothing_complains_later(plan: Plan, format: str) -> None:
    """Whatever a library has begun to write does not try again when it is collected: that is a traceback, too late."""
    used = next(each for each in EXPORTERS if each.format == format)
    wanted, store = plan.wanted(), FileStore(plan.folder, plan.database.vault)
    whole = io.BytesIO()

    def write(out: io.BytesIO) -> None:
        with plan.database.view() as unit:
            used.write(unit, store, wanted, out, lambda done, total: None)

    write(whole)
    for room in (0, len(whole.getvalue()) // 2):
        with Full(room) as out, pytest.raises(OSError, match="No space left") as caught:
            write(out)
        assert caught.value.errno == errno.ENOSPC
        del caught
        gc.collect()  # what a destructor complains of is an error of this test
