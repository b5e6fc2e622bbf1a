"""What the guide tells people to type reads the data door: each block of its two pages is run."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import ROOT
from tests.bot.doors.served import Served

PAGES = ("docs/guide/data.md", "docs/guide/datos.md")
ORIGIN = "https://enlace.example.org"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: str, language: str) -> list[str]:
    return [text for of, text in BLOCK.findall((ROOT / page).read_text("utf-8")) if of == language]


@pytest.mark.parametrize("page", PAGES)
def test_what_is_typed_at_a_terminal_reads_the_door(page: str, door_on_sqlite: Served, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    token = door_on_sqlite.token("public")
    (tmp_path / "token.txt").write_text(token + "\n")
    [typed] = [block for block in blocks(page, "console") if "curl" in block]
    script = typed.replace("$ ", "").replace(ORIGIN, door_on_sqlite.origin)
    made = subprocess.run(["bash", "-euc", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert token not in made.stdout + made.stderr
    assert (tmp_path / "indicators.csv").read_bytes() == door_on_sqlite.ask(
        "indicators", "public", format="csv", period="2018"
    ).body  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_python_keeps_a_copy(page: str, door_on_sqlite: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read by pages, and again from where it stopped."""
    [code] = [block for block in blocks(page, "python") if "next" in block]
    monkeypatch.setenv("ENLACE_TOKEN", door_on_sqlite.token("public"))
    known: dict[str, Any] = {}
    exec(compile(code.replace(ORIGIN, door_on_sqlite.origin).replace("limit=500", "limit=4"), page, "exec"), known)
    assert list(known["copy"].values()) == door_on_sqlite.ask("reports", "public").rows
    assert door_on_sqlite.ask(known["address"], "public").rows == []


@pytest.mark.parametrize("page", PAGES)
def test_pandas_reads_it_with_its_types(page: str, door_on_sqlite: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    [code] = [block for block in blocks(page, "python") if "pandas" in block]
    monkeypatch.setenv("ENLACE_TOKEN", door_on_sqlite.token("public"))
    known: dict[str, Any] = {}
    exec(compile(code.replace(ORIGIN, door_on_sqlite.origin), page, "exec"), known)
    rows = door_on_sqlite.ask("indicators", "public").rows
    panel = known["panel"]
    assert list(panel.indicator) == [row["indicator"] for row in rows]
    assert panel.value.sum() == sum(row["value"] or 0 for row in rows)
    assert str(panel.period_start.dtype).startswith("datetime64")


def test_the_two_pages_say_the_same() -> None:
    english, spanish = ([code for _, code in BLOCK.findall((ROOT / page).read_text("utf-8"))] for page in PAGES)
    plain = [re.sub(r"#.*", "", code) for code in english if "enlace init" not in code]
    assert plain == [re.sub(r"#.*", "", code) for code in spanish]
