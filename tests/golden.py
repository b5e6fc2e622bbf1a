"""Texts that somebody has read and approved.

After a wanted change run the test with `--rewrite-golden`, and read the difference.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests import ROOT

GOLDEN = ROOT / "tests" / "conversations" / "golden"
_MADE = re.compile(r"<!-- made: (\w+) -->\n.*?<!-- /made -->", re.DOTALL)


def assert_approved(request: pytest.FixtureRequest, path: Path, shown: str) -> None:
    """The file has just this text; or it has it from now on, where it is rewritten."""
    if request.config.getoption("--rewrite-golden"):
        path.write_text(shown, "utf-8")
    assert shown == path.read_text("utf-8")


def assert_made(request: pytest.FixtureRequest, page: Path, made: Mapping[str, str]) -> None:
    """A page of the docs has these texts between its markers, and no other markers."""
    written = page.read_text("utf-8")
    assert {found[1] for found in _MADE.finditer(written)} == made.keys()
    shown = _MADE.sub(lambda found: f"<!-- made: {found[1]} -->\n{made[found[1]]}\n<!-- /made -->", written)
    assert_approved(request, page, shown)
