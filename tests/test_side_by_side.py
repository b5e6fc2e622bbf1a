"""What a run in several processes says is what the same run says in one."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.settings import inherited_environment
from tests import ROOT
from tests.deadlines import PATIENCE

BEGUN = """
import os, pytest

@pytest.fixture(scope="session", autouse=True)
def shared():
    yield
    print("the end of", os.getpid())

"""
FILES = {
    "test_red": BEGUN
    + """
def test_green(): print("in", os.getpid())
def test_red(tmp_path): assert str(tmp_path) == "somewhere else"
def test_skipped(): pytest.skip("for a reason")
""",
    "test_dies": BEGUN
    + """
def test_before(): print("in", os.getpid())
def test_dies(): os.kill(os.getpid(), 9)
def test_after(): print("in", os.getpid())
def test_the_last(): print("in", os.getpid())
""",
    "test_other": "def test_other(): pass\n",
}


def run_in(folder: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.side_by_side", "-p", "no:cacheprovider", "-rA", "-q", *arguments],
        cwd=folder, env=inherited_environment() | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    for name, text in FILES.items():
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


@pytest.mark.slow
def test_each_test_is_told_once_and_whoever_dies_is_a_failure(folder: Path) -> None:
    """The rest of a dead one's file is run by another, and all of a file that nobody dies in by one."""
    code, said = run_in(folder, "--workers", "2")

    assert (code, sorted(re.findall(r"^(PASSED|FAILED|ERROR) test_\w+\.py::(\w+)", said, re.MULTILINE))) == (
        1,
        [
            ("FAILED", "test_dies"),
            ("FAILED", "test_red"),
            ("PASSED", "test_after"),
            ("PASSED", "test_before"),
            ("PASSED", "test_green"),
            ("PASSED", "test_other"),
            ("PASSED", "test_the_last"),
        ],
    )
    assert "SKIPPED [1] test_red.py:" in said
    assert "the process that ran test_dies.py::test_dies is dead" in said
    assert "== 'somewhere else'" in said
    before, after, last = (process_of(test, said) for test in ("test_before", "test_after", "test_the_last"))
    assert before != after == last
    assert f"the end of {last}" in said


def process_of(test: str, said: str) -> str:
    [number] = re.findall(rf"_ {test} _.*?\nin (\d+)\n", said, re.DOTALL)
    return str(number)


@pytest.mark.slow
def test_what_is_red_breaks_the_run_off_where_that_is_wanted(folder: Path) -> None:
    code, said = run_in(folder, "--workers", "1", "-x")

    assert code == 1
    assert re.findall(r"^(?:PASSED|FAILED) test_\w+\.py::(\w+)", said, re.MULTILINE)[-1] == "test_dies"
    assert "stopping after 1 failures" in said
