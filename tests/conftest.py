"""What holds for every test: a skip says why, and where skips are refused (CI) it fails; what takes long begins first.

Tests of one file run in one process, in their order; several files run at once.
"""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import ROOT, once

# Many images of Python forbid to keep what is compiled. Then each of some hundred interpreters that the suite starts
# would compile the whole code anew: two thirds of what a start costs, and half of collecting the tests.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# The same examples in every run, and no test asserts how long something took: what is red was red before the change, or
# is red by it. New examples are looked for by `--hypothesis-profile=hunt`.
PATIENT: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("enlace", derandomize=True, **PATIENT)
settings.register_profile("hunt", max_examples=1000, **PATIENT)
settings.load_profile("enlace")


# Under nohup every process that a test starts would ignore SIGHUP too. A handler ends with exec.
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda number, frame: None)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # its workers share what is made for many tests
        once.work_in_memory()
        once.share()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
    report = yield
    if report.skipped and os.environ.get("ENLACE_REFUSE_SKIPS") and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"skipped where skips are refused: {reason}"
    return report


@pytest.fixture(scope="module")
def pseudo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of languages, with a stretched and a right-to-left one among them (`tests/pseudo.py`)."""
    from tests.pseudo import spoken_pseudo

    with spoken_pseudo(tmp_path_factory.mktemp("pseudo") / "locales") as locales:
        yield locales


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", help="write the golden files anew, then read the diff")


WIRE = {"sandbox", "running", "telegram", "bot", "town"}
"""Fixtures with a Telegram behind them."""


def marks(item: pytest.Item) -> Iterator[str]:
    """What a test needs, by the fixtures it asks for, and the parameters in its name."""
    asked = set(getattr(item, "fixturenames", ()))
    if any("postgres" in each for each in (*asked, item.name)):
        yield "postgres"
    if asked & WIRE:
        yield "wire"


LONGEST = (
    "docs/test_extending.py",
    "docs/test_commands.py",
    "e2e/test_demo.py",
    "bot/workers/test_events.py",
    "faults/test_stopping.py",
    "storage/exports/test_tables.py",
    "bot/workers/test_publishing.py",
    "storage/exports/test_whole_truth.py",
    "bot/doors/test_data.py",
    "test_benchmarks.py",
    "docs/test_site.py",
    "bot/chat/test_matrix.py",
    "faults/test_people_at_work.py",
    "storage/exports/test_figures_elsewhere.py",
    "storage/migrations/test_migrations.py",
    "bot/schedule/test_one_a_day.py",
    "bot/screens/test_sentences.py",
)
"""Files that take a minute or more beside others, the longest first. One that is missing here costs only time."""


@pytest.hookimpl(tryfirst=True)  # before those who choose by marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first: begun last, they would be waited for alone."""
    for item in items:
        for mark in marks(item):
            item.add_marker(mark)
    slow = {item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("browser")}
    first = {ROOT / "tests" / name: at for at, name in enumerate(LONGEST)}
    items.sort(key=lambda item: (first.get(item.path, len(first)), item.path not in slow))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[Any]:
    """Nothing that is collected becomes garbage: it was looked for a hundred times meanwhile, in each process."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Tests and libraries stay to the end: looking through them all for garbage took a tenth of the time of a test."""
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it where nobody asked for reasons: half of the storage's contract has not been proved."""
    reasons = [
        report.longrepr[2]
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple) and report.longrepr[2].startswith("Skipped: PostgreSQL")
    ]
    if reasons:
        terminalreporter.write_line(
            f"{len(reasons)} tests skipped. {reasons[0].removeprefix('Skipped: ')}", yellow=True
        )
