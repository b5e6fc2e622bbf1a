"""Commands that serve: what they do before they serve."""

import sys
from pathlib import Path

import pytest

from bot.cli import app
from bot.demo import demo
from tests.ports import free_port


@pytest.mark.parametrize(("given", "is_left"), [((), True), (("--fresh",), False)])
def test_a_fresh_demo_forgets_the_earlier_one(
    given: tuple[str, ...], is_left: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the option it goes on where it was."""
    monkeypatch.chdir(tmp_path)
    earlier = demo.FOLDER / "earlier"
    earlier.mkdir(parents=True)
    monkeypatch.setattr(demo, "demo_settings", lambda: sys.exit("it would serve now"))
    monkeypatch.setattr(sys, "argv", ["enlace", "demo", "--port", str(free_port()), *given])
    with pytest.raises(SystemExit, match="it would serve now"):
        app.main()
    assert earlier.exists() == is_left
