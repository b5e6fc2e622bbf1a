"""The two pages for a security officer say by which test each control was tried."""

import re

import pytest

from tests import ROOT

PAGES = ("safeguarding.md", "salvaguarda.md")


def _tests(page: str) -> set[str]:
    return set(re.findall(r"test_\w+\.py", (ROOT / "docs" / page).read_text("utf-8")))


@pytest.mark.parametrize("page", PAGES)
def test_each_test_that_the_page_names_is_there(page: str) -> None:
    """A test that was renamed would be a promise that nobody can look up."""
    there = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    assert _tests(page) - there == set()


def test_the_two_pages_name_the_same_tests() -> None:
    """In either language."""
    assert _tests(PAGES[0]) == _tests(PAGES[1])


@pytest.mark.parametrize("page", PAGES)
def test_each_control_says_how_it_was_tried(page: str) -> None:
    """S1 to S24, once each; the one that has no test says why it needs none."""
    rows = re.findall(r"^\| (S\d+) \|.*\|([^|]*)\|$", (ROOT / "docs" / page).read_text("utf-8"), re.MULTILINE)
    assert [number for number, _ in rows] == [f"S{number}" for number in range(1, 25)]
    assert [number for number, tried in rows if "test_" not in tried] == ["S23"]
