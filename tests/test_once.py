"""What is made once for all tests of a run: by one maker, and found by everybody who asks for it."""

import os
import tempfile
from pathlib import Path

import pytest

from tests import once
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


@pytest.mark.parametrize(
    ("room", "set_by_hand", "lies_there"), [(0, "", True), (1 << 62, "", False), (0, "elsewhere", False)]
)
def test_files_lie_in_memory_where_it_has_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int, set_by_hand: str, lies_there: bool
) -> None:
    """A container's 64 MB would be full at once, and who says where files lie is obeyed."""
    monkeypatch.setattr(once, "MEMORY", tmp_path)
    monkeypatch.setattr(once, "ROOM", room)
    monkeypatch.setattr(tempfile, "tempdir", "elsewhere")
    monkeypatch.setenv("TMPDIR", set_by_hand)
    if not set_by_hand:
        monkeypatch.delenv("TMPDIR")
    once.work_in_memory()
    assert (tempfile.tempdir == os.environ.get("TMPDIR") == str(tmp_path)) is lies_there
