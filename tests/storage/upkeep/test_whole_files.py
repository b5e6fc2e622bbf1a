"""Where a command writes what it was asked for: nothing that was there is lost, whatever becomes of the command."""

import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from storage.errors import StorageError
from storage.upkeep.whole_files import AS_USUAL, FOLDERS, PREFIX, whole_file, working_folder
from tests.deadlines import PATIENCE


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """No file of this process grows beyond so many bytes: the system refuses as it does when a disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_file_is_there_whole_for_its_owner_alone_in_the_place_of_the_one_before(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    for content in (b"first", b"second"):
        with whole_file(out) as made:
            made.write_bytes(content)
            assert made.parent == tmp_path
        assert (out.read_bytes(), out.stat().st_mode & 0o777, names(tmp_path)) == (content, 0o600, ["out.csv"])
    with whole_file(tmp_path / "plan.xlsx", mode=AS_USUAL) as made:
        made.write_bytes(b"x")
    usual = tmp_path / "usual"
    usual.touch()
    assert (tmp_path / "plan.xlsx").stat().st_mode == usual.stat().st_mode


def test_what_fails_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_bytes(b"before")
    with small_files(4096), pytest.raises(OSError, match="too large"), whole_file(out) as made:
        made.write_bytes(b"x" * 10_000)

    def interrupted() -> None:
        with whole_file(out) as made:
            made.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (out.read_bytes(), names(tmp_path)) == (b"before", ["out.csv"])
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "no" / "out.csv"):
        raise AssertionError("there is no folder to write into")


def test_a_link_leads_to_its_file_and_stays_a_link(tmp_path: Path) -> None:
    """One that leads nowhere yet makes its file there; one that leads to itself is refused."""
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    link, file = tmp_path / "here" / "latest.csv", tmp_path / "there" / "2018.csv"
    link.symlink_to(Path("..") / "there" / "2018.csv")
    for content in (b"new", b"newer"):
        with whole_file(link) as made:
            made.write_bytes(content)
        assert (link.is_symlink(), file.read_bytes(), names(file.parent)) == (True, content, ["2018.csv"])
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(OSError, match="symbolic links"), whole_file(loop):
        raise AssertionError("it leads nowhere")


def test_a_pipe_and_a_device_are_written_into_and_stay_what_they_are(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    with whole_file(pipe) as made:
        made.write_bytes(b"through")
    reader.join(PATIENCE)
    assert (read, stat.S_ISFIFO(pipe.stat().st_mode), names(tmp_path)) == ([b"through"], True, ["pipe"])
    null = tmp_path / "null"
    null.symlink_to("/dev/null")
    with whole_file(null) as made:
        made.write_bytes(b"nowhere")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(OSError, match="No space"), whole_file(Path("/dev/full")) as made:
        made.write_bytes(b"x")


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1"])
@pytest.mark.parametrize("is_file", [True, False])
def test_the_standard_output_is_written_to_by_any_of_its_names(tmp_path: Path, name: str, is_file: bool) -> None:
    """A file that the shell has opened for it keeps what others have written there."""
    code = (
        "import sys; from pathlib import Path; from storage.upkeep.whole_files import whole_file\n"
        f"with whole_file(Path({name!r})) as made: made.write_bytes(b'data')"
    )
    log = tmp_path / "log"
    log.write_bytes(b"before ")
    if is_file:
        with log.open("ab") as opened:
            subprocess.run([sys.executable, "-c", code], stdout=opened, timeout=PATIENCE, check=True)
        assert log.read_bytes() == b"before data"
    else:
        done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, timeout=PATIENCE, check=True)
        assert done.stdout == b"data"


def test_a_folder_and_a_socket_are_refused_in_a_sentence(tmp_path: Path) -> None:
    listening = socket.socket(socket.AF_UNIX)
    where = os.getcwd()
    os.chdir(tmp_path)  # a socket's name may not be long
    try:
        listening.bind("door")
    finally:
        os.chdir(where)
    for out, said in ((tmp_path, "is a folder"), (tmp_path / "door", "is no file")):
        with pytest.raises(StorageError, match=said), whole_file(out):
            raise AssertionError("it is none to write to")
    listening.close()
    assert names(tmp_path) == ["door"]


def test_what_a_killed_process_left_is_swept_and_what_another_is_making_is_not(tmp_path: Path) -> None:
    left = tmp_path / f"{PREFIX}0123"
    left.write_bytes(b"unsealed")
    other = tmp_path / ".new-somebody-elses"
    other.touch()
    with whole_file(tmp_path / "one.csv") as one:
        assert not left.exists()
        with whole_file(tmp_path / "two.csv") as two:
            two.write_bytes(b"2")
        one.write_bytes(b"1")
    assert names(tmp_path) == [other.name, "one.csv", "two.csv"]


def test_a_working_folder_is_gone_with_its_process_or_with_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed export leaves rows of a workbook in the clear; who makes another now keeps theirs."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left = tmp_path / f"{FOLDERS}0123"
    left.mkdir()
    (left / "rows").write_bytes(b"unsealed")
    with working_folder() as one:
        assert not left.exists()
        assert stat.S_IMODE(one.stat().st_mode) == 0o700
        (one / "rows").write_bytes(b"mine")
        with working_folder() as other:
            assert (one / "rows").read_bytes() == b"mine"
        assert not other.exists()
    assert list(tmp_path.iterdir()) == []
