"""The two tables that are asked for first, in five lines each, as docs/exports.md writes them: they are run."""

import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conversations.plan.model import Role
from tests import ROOT
from tests.deadlines import PATIENCE
from tests.storage.exports.small_plan import Plan
from tests.storage.exports.truth import MONTHS, Truth, closings_in, figure_in


def blocks(language: str) -> list[str]:
    page = (ROOT / "docs" / "exports.md").read_text("utf-8")
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


Row = tuple[str, ...]
"""What a number of an analyst's table is of: codes, agencies, periods."""


def in_python(block: str, folder: Path) -> dict[Row, float]:
    names: dict[str, Any] = {}
    exec(block, names)
    return dict(names["table"])


def in_pandas(block: str, folder: Path) -> dict[Row, float]:
    shown: list[Any] = []
    exec(block, {"print": shown.append})
    [table] = shown
    return {
        (*(index if isinstance(index, tuple) else (index,)), column): value
        for column, cells in table.items()
        for index, value in cells.dropna().items()
    }


def in_r(block: str, folder: Path) -> dict[Row, float]:
    """What its last line shows: a data frame, or a matrix of which nothing is NA."""
    (folder / "block.R").write_text(block, "utf-8")
    show = 'v <- source("block.R")$value; if (is.matrix(v)) v <- na.omit(as.data.frame(as.table(v)));'
    written = f'{show} write.table(v, "out.txt", sep = "\\t", quote = FALSE, row.names = FALSE, col.names = FALSE)'
    subprocess.run(["Rscript", "--vanilla", "-e", written], cwd=folder, check=True, timeout=PATIENCE)
    lines = (folder / "out.txt").read_text("utf-8").splitlines()
    return {tuple(cells[:-1]): float(cells[-1]) for cells in (line.split("\t") for line in lines)}


ANALYSTS: dict[str, tuple[str, slice, Callable[[str, Path], dict[Row, float]]]] = {
    "python": ("python", slice(2, 4), in_python),
    "pandas": ("python", slice(0, 2), in_pandas),
    # Where there is no R nothing is tried in it.
    **({"r": ("r", slice(0, 2), in_r)} if shutil.which("Rscript") else {}),
}
"""The language of the blocks of docs/exports.md, which of them, and how they are run."""


@pytest.mark.filterwarnings("ignore:unclosed file", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("analyst", ANALYSTS)
def test_an_analyst_needs_five_lines_for_the_two_tables_that_are_asked_for(
    told: tuple[Plan, Truth], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, analyst: str
) -> None:
    """As docs/exports.md writes them; what comes out is the truth's."""
    plan, truth = told
    for dataset in ("indicators", "closings"):
        (tmp_path / f"{dataset}.csv").write_bytes(plan.take(dataset, "csv", role=Role.ADMIN)[0])
    monkeypatch.chdir(tmp_path)
    language, which, run = ANALYSTS[analyst]
    chosen = blocks(language)[which]
    by_quarter, by_month = (run(block, tmp_path) for block in chosen)
    quarters: dict[Row, float] = defaultdict(float)
    for code, agency in (("IND-01", "MINERD"), ("IND-20", "PGR")):
        for month in MONTHS:
            value = figure_in(truth, code, month.code, only_validated=True)[-1]
            if value is not None:
                quarters[code, agency, f"2018Q{(month.start_on.month + 2) // 3}"] += value
    assert by_quarter == quarters
    rates: dict[Row, list[bool]] = defaultdict(list)
    for row in closings_in(truth):
        rates[row[0], row[1]].append(row[4])
    assert by_month == {key: sum(closed) / len(closed) for key, closed in rates.items()}
    assert all(len(re.findall(r"^(?!import ).", each, re.MULTILINE)) <= 5 for each in chosen)


def test_the_page_has_both_tables_in_each_language() -> None:
    """Python as it comes, pandas and R; with R on this machine, R's are run too."""
    assert (len(blocks("python")), len(blocks("r"))) == (4, 2)
