"""docs/extending.md keeps its promises: what it says turns red does, and its examples do what they say."""

import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from bot.settings import inherited_environment
from tests import ROOT
from tests.deadlines import PATIENCE
from tests.docs.plants import NOT_PLANTED, PLANTS

PAGE = (ROOT / "docs" / "extending.md").read_text("utf-8")
MANY = 10 * PATIENCE
"""For a session of many tests in a process of its own."""


def rows() -> Iterator[tuple[str, str]]:
    """What can be forgotten or changed, and what reminds of it: first and last cell of each row of the tables."""
    for found in re.finditer(r"^\| (.+) \|$", PAGE, re.MULTILINE):
        cells = found[1].split(" | ")
        if cells[0] not in ("forgotten", "to change"):
            yield cells[0], cells[-1]


# ------------------------------------------------------------------ what the page names
def test_every_test_that_the_page_names_is_there() -> None:
    tests = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 20
    assert {name for name in named if f"def {name}(" not in tests} == set()


def test_every_file_that_the_page_names_is_there() -> None:
    """Save those of its examples, and those that a new language adds."""
    made = {example.path for example in examples() if example.is_file}
    named = set(re.findall(r"`((?:bot|conversations|docs|storage|tests)/[\w/]+(?:\.\w+)?)`", PAGE))
    assert len(named) > 15
    missing = {name for name in named if not (ROOT / name).exists() and name not in made}
    assert {name for name in missing if not re.search(r"/fr\b", name)} == set()


# ------------------------------------------------------------------ what turns red
def test_each_row_has_its_defect_or_the_reason_why_not() -> None:
    """And the test of its defect is one that the row names, or says to be the same."""
    found = dict(rows())
    assert found.keys() == PLANTS.keys() | NOT_PLANTED.keys()
    assert not PLANTS.keys() & NOT_PLANTED.keys()
    for forgotten, plant in PLANTS.items():
        name = re.split(r"[\[]", plant.test.partition("::")[2])[0]
        where = plant.test.partition("::")[0]
        assert name in found[forgotten] or where in found[forgotten] or "the same" in found[forgotten], forgotten


@pytest.mark.slow
def test_each_defect_turns_its_test_red() -> None:
    """All in one session, each planted while its own test runs."""
    asked = sorted({plant.test.partition("[")[0] for plant in PLANTS.values()})  # the rest of a file is not collected
    wanted = sorted(plant.test for plant in PLANTS.values())
    command = [sys.executable, "-m", "pytest", "-p", "no:xdist", "-p", "tests.docs.plants", "--plants"]
    told = ["-q", "--tb=line", "-rA", "-o", "verbosity_assertions=0", "--hypothesis-profile=planted"]
    done = subprocess.run(
        [*command, *told, *asked],
        cwd=ROOT, env=inherited_environment() | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        timeout=MANY, check=False,
    )  # fmt: skip
    red = re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    unseen = [test for test in wanted if not any(each.startswith(test) for each in red)]
    assert unseen == [], done.stdout[-4000:]


# ------------------------------------------------------------------ what is to be put where
@dataclass(frozen=True, slots=True)
class Example:
    """A block of the page, and where it goes: at a file's end, after the line that begins so, or as a file."""

    section: str
    path: str
    text: str
    after: str = ""
    imported: str = ""
    is_file: bool = False


MARK = re.compile(
    r"^ *<!-- into (?P<path>\S+) "
    r"(?:(?P<file>as a file)|at its end|after: (?P<after>[^\n]+?)(?:, with: (?P<imported>[^\n]+))?) -->\n"
    r" *```\w+\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)


def examples() -> Iterator[Example]:
    for section in re.split(r"^## ", PAGE, flags=re.MULTILINE):
        for found in MARK.finditer(section):
            yield Example(
                section.partition("\n")[0],
                found["path"],
                textwrap.dedent(found["text"]),
                found["after"] or "",
                found["imported"] or "",
                bool(found["file"]),
            )


def put(house: Path, example: Example) -> None:
    """As somebody does who follows the page."""
    if example.is_file:
        (house / example.path).write_text(example.text, "utf-8")
        return
    paths = list(house.glob(example.path))
    assert paths, example.path
    for path in paths:
        source = path.read_text("utf-8")
        if example.after:
            inside = re.sub(r"^[({](.*?),?[)}]$", r"\1,", example.text.strip())
            lines = source.splitlines()
            at = next(n for n, text in enumerate(lines) if text.strip().startswith(example.after))
            indent = " " * (len(lines[at]) - len(lines[at].lstrip()) + (4 if lines[at].endswith(("(", "{")) else 0))
            lines.insert(at + 1, textwrap.indent(inside, indent))
            source = "\n".join(lines) + "\n"
        else:
            source += "\n\n" + example.text
        if example.imported:
            source = re.sub(r"^(?=from )", f"{example.imported}\n", source, count=1, flags=re.MULTILINE)
        path.write_text(source, "utf-8")


WORKED = {
    "A command, or a button": ("tests/bot/screens/people/test_colleagues.py", "tests/bot/chat/test_permissions.py"),
    "A scheduled message": (
        "tests/bot/schedule/test_thanks.py",
        "tests/test_house.py::test_every_family_of_keys_is_whole",
    ),
}
"""The sections that are done from their beginning to their end, and the tests that are green then."""


def test_every_example_is_of_a_section_that_is_done() -> None:
    assert {example.section for example in examples()} == WORKED.keys()
    assert len(list(examples())) == PAGE.count("<!-- into ")


@pytest.mark.slow
def test_what_the_page_shows_works(tmp_path: Path) -> None:
    """Its blocks are put where it says, in a copy of the house; then their own tests are green, and those of the house.

    The sections know nothing of each other, so one copy and one session are enough for both.
    """
    house = tmp_path / "house"
    # What is compiled is copied with the files it was compiled from: a session would compile the whole house anew.
    left_out = ignore_patterns(".git", ".venv", "node_modules", ".*_cache", ".hypothesis")
    copytree(ROOT, house, ignore=left_out, symlinks=True)
    for example in examples():
        put(house, example)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:xdist", "-p", "no:cacheprovider", "-q", *chain(*WORKED.values())],
        cwd=house, env=inherited_environment() | {"PYTHONPATH": str(house)}, capture_output=True, text=True,
        timeout=MANY, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
