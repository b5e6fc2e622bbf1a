"""Whoever has asked for a port leaves nothing behind."""

import subprocess
import sys

from tests import ROOT


def test_the_end_says_nothing_of_ports_that_were_held() -> None:
    """Every unclosed socket is told at the end of an interpreter, where no test can fail by it."""
    asks = "from tests.ports import free_port; free_port()"
    ended = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", asks], cwd=ROOT, capture_output=True, check=True
    )
    assert ended.stderr == b""
