"""What is made once for all tests of a run: by one maker, and found by everybody who asks for it."""

from pathlib import Path

import pytest

from tests.once import made_once


def make(folder: Path) -> None:
    (folder / "file").touch(exist_ok=False)


def make_otherwise(folder: Path) -> None:
    (folder / "another").touch()


def test_it_is_made_once() -> None:
    """Whoever asks again finds what is there."""
    assert made_once("made here", make) == made_once("made here", make)


def test_a_name_has_one_maker() -> None:
    """Two that gave one name once found each other's folder, whichever came first: 65 tests failed, in one order."""
    made_once("named here", make)
    with pytest.raises(ValueError, match=r"'named here' was made by .*\.make, and .*\.make_otherwise wants it"):
        made_once("named here", make_otherwise)
