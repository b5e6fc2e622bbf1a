"""What the code cites is a page of this repository: its reader has nothing else."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.test_links import anchors

ROOT = Path(__file__).parents[2]
DECISIONS = sorted(path for path in (ROOT / "docs" / "decisions").glob("*.md") if path.name != "index.md")
HEAD = re.compile(r"# [^\n]+\n\n\*Stands since 20\d\d-\d\d-\d\d\.\*\n\n\*\*Decided\.\*\*")
REPLACES = re.compile(r"\n\*Replaces: (\d{4}(?:, \d{4})*)\.\*\n\Z")
PAGE = re.compile(r"\bdocs/([\w/-]+\.md)(#[\w-]+)?")
CODE = re.compile(r"(?:[(]|, )([SGT][1-9]\d?)(?=[),:])")
TOLD_ON = {"S": "safeguarding.md", "G": "reliability.md", "T": "reliability.md"}
"""Where the first letter of a code leads."""


def code() -> list[Path]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.py", "*.toml", ".env.example"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("no repository here: which files belong to it is not known")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_says_since_when_it_stands(page: Path) -> None:
    """Its title, since when, what; and why."""
    text = page.read_text("utf-8")
    assert HEAD.match(text)
    assert "\n**Why.** " in text


def test_what_a_decision_replaces_is_named_in_order() -> None:
    """By the numbers under which git has them."""
    for page in DECISIONS:
        if found := REPLACES.search(page.read_text("utf-8")):
            numbers = found[1].split(", ")
            assert numbers == sorted(set(numbers)), page.name


def test_a_page_that_the_code_cites_is_there() -> None:
    """With the heading behind its `#`."""
    wrong = []
    for path in code():
        for name, anchor in PAGE.findall(path.read_text("utf-8")):
            page = ROOT / "docs" / name
            if not page.exists() or (anchor and anchor[1:] not in anchors(page)):
                wrong.append(f"{path.relative_to(ROOT)}: {name}{anchor}")
    assert wrong == []


def test_a_code_that_the_code_cites_is_told_on_its_page() -> None:
    """What `S15`, `G7` or `T11` promise."""
    told = {letter: (ROOT / "docs" / name).read_text("utf-8") for letter, name in TOLD_ON.items()}
    cited = {found for path in code() if path.suffix == ".py" for found in CODE.findall(path.read_text("utf-8"))}
    assert {each for each in cited if not re.search(rf"\b{each}\b", told[each[0]])} == set()


def test_nothing_is_cited_that_its_reader_does_not_have() -> None:
    """A paragraph stands behind the name of a public standard, never of a page that is elsewhere."""
    elsewhere = re.compile(r"\b(?:DESIGN|DOMAIN|GUARANTEES|HOUSE|SECURITY|STYLE)(?:\.md|\s+§|\s+[GST]\d)")
    assert [str(path) for path in code() if elsewhere.search(path.read_text("utf-8"))] == []
