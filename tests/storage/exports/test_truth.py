"""A history of which everything is known is played, and what leaves is compared with it, cell by cell.

The truth is kept beside the history in plain lists, and counted here by other means than the exports count: a row for
everything that was expected, what became of it, and nothing else; on both databases, in every format, for everybody.
"""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from conversations.plan.model import Role
from storage.exports.exporters import DATASETS
from tests.storage.exports.small_plan import Plan, comparable, names_of_formats, same
from tests.storage.exports.truth import (
    MONTHS,
    NOW,
    Truth,
    at_noon,
    figure_in,
)


def rows_of(plan: Plan, dataset: str, **asked: Any) -> list[dict[str, Any]]:
    """The same in every format."""
    read = [comparable(plan.read(dataset, format, **asked)) for format in names_of_formats()]
    assert all(each == read[0] for each in read)
    [rows] = read[0].values()
    return rows  # type: ignore[no-any-return]


def of(rows: Sequence[dict[str, Any]], *codes: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["indicator"] in codes]


def kept(rows: Sequence[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


@pytest.mark.parametrize("audience", ["observers", "public"])
def test_outside_a_value_is_a_number_or_says_why_not(told: tuple[Plan, Truth], audience: str) -> None:
    """What counts few is told by the year, and is final only if it is the whole year's."""
    plan, truth = told
    rows = rows_of(plan, "indicators", audience=audience)
    expected = [
        ("IND-01", month.code, *map(same, figure_in(truth, "IND-01", month.code, only_validated=True)[2:]))
        for month in MONTHS
    ]
    names = ("indicator", "period", "data_status", "value_status", "value")
    assert kept(of(rows, "IND-01"), *names) == expected
    years = of(rows, "IND-20")
    assert [row["period"] for row in years if row["category"] in ("total", None)] == ["2018"]
    assert all(row["data_status"] == "preliminary" for row in years), "the year is not over"
    for row in rows:
        assert (row["value"] is not None) == (row["value_status"] == "told"), row


def test_since_a_day_there_is_what_was_sent_or_decided_since(told: tuple[Plan, Truth]) -> None:
    """Kept beside what an earlier export held, and without what was withdrawn, it is the whole of a new one."""
    plan, _ = told
    whole = {row["root_receipt"]: row for row in plan.rows("indicators", role=Role.ADMIN) if row["receipt"]}
    day = at_noon(date(2018, 7, 2))
    later = plan.rows("indicators", role=Role.ADMIN, since="2018-07-02T12:00")
    gone = {row["receipt"] for row in plan.rows("withdrawn", since=day.isoformat())}
    changed = {row["root_receipt"]: row for row in later if row["receipt"]}
    unchanged = {
        root: row for root, row in whole.items() if root not in changed and row["receipt"] not in gone
    }  # fmt: skip
    assert {**unchanged, **changed} == whole
    assert 0 < len(changed) < len(whole)


def test_outside_a_year_of_few_people_is_told_up_to_its_last_day_or_is_not_told(told: tuple[Plan, Truth]) -> None:
    """In both calendars. `test_3p_whole` compares what counts many, and all that is inside."""
    plan, truth = told
    months = [(each.end_on, figure_in(truth, "IND-20", each.code, only_validated=True)[-1]) for each in MONTHS]
    for audience in ("observers", "public"):
        for row in of(rows_of(plan, "3p", audience=audience), "IND-20"):
            first, until = (date.fromisoformat(str(row[name] or NOW.date())) for name in ("period_start", "cut_off"))
            found = [value for on, value in months if value is not None and first <= on <= until]
            assert row["value"] == (same(sum(found)) if row["value_status"] == "told" else None)
    before_april = replace(plan, now=datetime(2018, 2, 20, 12, tzinfo=UTC))
    assert {row["year"] for row in before_april.rows("3p")} == {"2017", "2017/2018", "2018"}, "2018/2019 has not begun"


# ------------------------------------------------------------------ the data package
@pytest.mark.parametrize("dataset", [each.name for each in DATASETS if "public" in each.audiences])
def test_a_data_package_is_valid_to_its_own_library(told: tuple[Plan, Truth], tmp_path: Path, dataset: str) -> None:
    """Every column has its type and every cell is of it, for whoever opens it without knowing us."""
    frictionless = pytest.importorskip("frictionless", reason="the development tools are not up to date: `make test`")
    plan, _ = told
    for number, asked in enumerate(({"role": Role.COORDINATOR}, {"audience": "public"})):
        data, written = plan.take(dataset, "datapackage", **asked)
        folder = tmp_path / f"package{number}"
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            archive.extractall(folder)
        package = frictionless.Package(str(folder / "datapackage.json"))
        report = package.validate()
        assert report.valid, report.flatten(["title", "fieldName", "rowNumber", "note"])[:5]
        with frictionless.system.use_context(trusted=True):
            assert sum(len(each.read_rows()) for each in package.resources if each.name == dataset) in (
                written.count,
                0,
            )
