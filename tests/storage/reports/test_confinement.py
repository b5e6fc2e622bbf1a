"""What strangers sent is opened in a child process, and the bot outlives whatever becomes of that."""

import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from PIL import Image

from conversations.authoring.xlsform import read_xlsform
from conversations.xforms.problems import AuthorError
from storage.imports.reading import read_plan
from storage.imports.sheets import CODE_SHEETS, SHEETS
from storage.reports import children, confined
from storage.reports.confinement import Confinement, Interrupted, Limits, TooHeavy, TooSlow
from storage.reports.inspection import Inspected, inspect
from storage.reports.refusals import Refused
from storage.seed import seed_workbook
from tests.deadlines import PATIENCE
from tests.storage.reports.file_samples import webp_bomb

NAMES = {sheet.name for sheet in (*SHEETS, *CODE_SHEETS)}
MD = b"""
| survey | | | |
| | type | name | label |
| | text | who | Who? |
| | integer | many | How many? |
"""


QUICKLY: Mapping[str, Mapping[str, Any]] = {"PNG": {"compress_level": 1}, "WEBP": {"method": 0, "quality": 10}}
"""Large pictures are made to be opened: how well they are packed makes no difference to who opens them."""


def picture(kind: str, width: int, height: int, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), (10, 200, 30)).save(out, kind, **{**QUICKLY.get(kind, {}), **options})
    return out.getvalue()


@cache
def too_large(kind: str) -> bytes:
    """A picture of eighty-one million points, black or white each: in colours it takes ten times as long to make."""
    out = io.BytesIO()
    Image.new("1", (9_000, 9_000)).save(out, kind)
    return out.getvalue()


def look(data: bytes, room: Confinement | None = None, **options: Any) -> Inspected | Refused:
    wanted: dict[str, Any] = {"claimed_name": "", "claimed_mime": "", "accept": "file"} | options
    return (room or Confinement()).inspect(data, **wanted)


def test_a_photograph_comes_back_as_it_would_without_a_child() -> None:
    """The same bytes, the same name, and no place in it."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "SECRET-PHONE"
    data = picture("JPEG", 1200, 900, exif=exif, quality=92)
    found = look(data, claimed_name="IMG_1.jpg", accept="image", max_pixels=800)

    assert found == inspect(data, claimed_name="IMG_1.jpg", claimed_mime="", accept="image", max_pixels=800)
    assert isinstance(found, Inspected)
    assert b"SECRET-PHONE" not in found.data
    assert Image.open(io.BytesIO(found.data)).size == (600, 800)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_largest_picture_that_is_promised_fits_into_the_child(kind: str) -> None:
    """Fifty million points, upright, are drawn anew within the shipped limit."""
    exif = Image.Exif()
    exif[0x0112] = 6
    found = look(picture(kind, 10_000, 5_000, exif=exif), max_pixels=None)

    assert isinstance(found, Inspected)
    assert Image.open(io.BytesIO(found.data)).size == (5_000, 10_000)


def test_the_largest_webp_that_is_promised_fits_into_the_child() -> None:
    """Its decoder holds four copies, so fewer points are taken of it."""
    assert isinstance(look(picture("WEBP", 5_000, 5_000)), Inspected)


def test_a_picture_that_claims_too_much_is_refused_by_its_header() -> None:
    """Two kilobytes of WebP that unfold to fifty million points are refused before they are decoded."""
    assert look(webp_bomb()) == Refused("too_many_pixels", {"max_mp": 25})
    for kind in ("GIF", "PNG"):
        assert look(too_large(kind)) == Refused("too_many_pixels", {"max_mp": 50})


def test_a_picture_that_needs_more_memory_than_there_is_is_refused() -> None:
    """Whatever the header guard lets through meets the child's limit."""
    room = Confinement(Limits(memory=200 << 20))
    assert look(picture("PNG", 7_000, 7_000), room) == Refused("too_heavy")
    assert isinstance(look(picture("PNG", 300, 300), room), Inspected), "the next one is served"


def test_a_process_under_the_shipped_limit_outlives_every_bomb(tmp_path: Path) -> None:
    """The parent has one gigabyte of address space, and opens one bomb after the other."""
    big = io.BytesIO()
    with zipfile.ZipFile(big, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("form.xlsx", b"\0" * (200 << 20))
    for name, data in {
        "a.webp": webp_bomb(),
        "a.gif": too_large("GIF"),
        "a.png": too_large("PNG"),
        "a.zip": big.getvalue(),
        "a.xlsx": endless_workbook(),
    }.items():
        (tmp_path / name).write_bytes(data)
    program = textwrap.dedent(f"""
        import resource
        from pathlib import Path
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
        from conversations.xforms.problems import AuthorError
        from storage.reports.confinement import Confinement
        from storage.reports.inspection import Refused
        room = Confinement()
        for file in sorted(Path({str(tmp_path)!r}).iterdir()):
            data = file.read_bytes()
            found = room.inspect(data, claimed_name=file.name, claimed_mime="", accept="file")
            assert isinstance(found, Refused) or file.suffix == ".xlsx", file
            if file.suffix not in (".zip", ".xlsx"):
                continue  # that it is no archive is seen at its first bytes
            for read in (room.tabs, lambda data: room.book(data, ()), lambda data: room.bundle("a.zip", data)):
                try:
                    read(data)
                except AuthorError:
                    continue
                assert file.suffix == ".xlsx", (file, read)
        print(max(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")))
    """)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=Path.cwd(), check=False)

    assert run.returncode == 0, run.stderr
    assert int(run.stdout) < 300 * 1024, "the parent held a bomb itself"


@cache
def endless_workbook() -> bytes:
    """Sixteen million cells in a few kilobytes of XML: each row repeats its columns."""
    book = Workbook()
    assert book.active is not None
    book.active.append(["type", "name"])
    kept = io.BytesIO()
    book.save(kept)
    row = "<row>" + "<c t='n'><v>1</v></c>" * 16_000 + "</row>"
    sheet = (
        "<?xml version='1.0'?><worksheet xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'>"
        f"<sheetData>{row * 1_000}</sheetData></worksheet>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(kept) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new:
        for name in old.namelist():
            is_sheet = name == "xl/worksheets/sheet1.xml"
            new.writestr(name, sheet.encode() if is_sheet else old.read(name))
    return out.getvalue()


def test_a_workbook_of_sixteen_million_cells_is_refused_with_a_remedy() -> None:
    """AuthorError, as for everything that is wrong with a workbook."""
    with pytest.raises(AuthorError, match=r"too_many_cells|unzips_too_far|too_heavy"):
        Confinement().form(endless_workbook(), "form.xlsx", {})


def test_a_plan_and_a_form_are_read_as_they_are_without_a_child() -> None:
    """The same draft; the same XForm, the same problems, and a form that asks the same."""
    room = Confinement()
    assert read_plan(seed_workbook(), room.book) == read_plan(seed_workbook())

    checked, plain = room.form(MD, "tries.md", {}), read_xlsform(MD, "tries.md")
    assert (checked.xform, checked.problems) == (plain.xform, plain.problems)
    assert [question.path for question in checked.form.questions] == [q.path for q in plain.form.questions]


def test_what_is_wrong_with_a_workbook_travels_back_whole() -> None:
    """Code, place, values and severity of every problem."""
    broken = MD.replace(b"integer", b"intger")
    with pytest.raises(AuthorError) as here:
        read_xlsform(broken, "tries.md")
    with pytest.raises(AuthorError) as there:
        Confinement().form(broken, "tries.md", {})
    assert there.value.problems == here.value.problems


# ------------------------------------------------------------------ children that go wrong
def planted(monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """Have children run this instead of a task."""
    program = f"import os, signal, sys, time\nfrom storage.reports import confined\n{textwrap.dedent(body)}\n"
    real = subprocess.Popen

    def begin(command: list[str], **options: Any) -> Any:
        return real([*command[:-1], program + command[-1]], **options)

    monkeypatch.setattr(children.subprocess, "Popen", begin)


WRONG: Mapping[str, tuple[str, Limits]] = {
    "hangs": ("confined.TASKS = {'tabs': lambda *_: time.sleep(3600)}", Limits(wall=3.0)),
    "computes for ever": ("confined.TASKS = {'tabs': lambda *_: [0 for _ in iter(int, 1)]}", Limits(processor=1)),
    "is killed": ("confined.TASKS = {'tabs': lambda *_: os.kill(os.getpid(), 9)}", Limits()),
    "ends without a word": ("confined.TASKS = {'tabs': lambda *_: os._exit(0)}", Limits()),
    "ends in the middle of a word": ("os.write(1, b'1234567890'); os._exit(0)", Limits()),
    "raises": ("confined.TASKS = {'tabs': lambda *_: 1 / 0}", Limits()),
    "eats memory": ("confined.TASKS = {'tabs': lambda *_: (b'x' * (1 << 31), ())}", Limits()),
    "talks for ever": ("while True: os.write(1, b'x' * 65536)", Limits(answer=1 << 20)),
}


@pytest.mark.parametrize("how", WRONG)
def test_a_child_that_goes_wrong_is_a_final_outcome(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """TooHeavy, whatever became of it; the next file has a child of its own."""
    body, limits = WRONG[how]
    with monkeypatch.context() as patched:
        planted(patched, body)
        with pytest.raises(TooHeavy):
            Confinement(limits).call("tabs", {}, [b"PK"])
    assert isinstance(look(picture("PNG", 20, 20), Confinement(limits)), Inspected)


def test_what_a_first_try_has_no_time_for_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """TooSlow, not TooHeavy: a picture is not refused for it. Any other death is as final as ever."""
    first_try = Confinement(Limits(processor=1, is_first_try=True))
    with monkeypatch.context() as patched:
        planted(patched, "confined.TASKS = {'inspect': lambda *_: [0 for _ in iter(int, 1)]}")
        with pytest.raises(TooSlow):
            look(b"PK", first_try)
    planted(monkeypatch, "confined.TASKS = {'tabs': lambda *_: os.kill(os.getpid(), 9)}")
    with pytest.raises(TooHeavy):
        first_try.call("tabs", {}, [b"PK"])


def test_a_stop_breaks_off_what_is_being_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """`close` ends the child at once and says nothing of the file; nothing is begun afterwards."""
    planted(monkeypatch, "confined.TASKS = {'tabs': lambda *_: time.sleep(3600)}")
    room, raised = Confinement(), list[BaseException]()
    has_begun = threading.Event()
    begun = room._begun

    def begin(task: str) -> Any:
        child = begun(task)
        has_begun.set()
        return child

    monkeypatch.setattr(room, "_begun", begin)

    def open_it() -> None:
        try:
            room.call("tabs", {}, [b"PK"])
        except BaseException as error:
            raised.append(error)

    worker = threading.Thread(target=open_it)
    worker.start()
    assert has_begun.wait(PATIENCE)

    room.close()
    worker.join(PATIENCE)
    assert [type(error) for error in raised] == [Interrupted]

    with pytest.raises(Interrupted):
        room.tabs(b"PK")


def test_a_child_has_nothing_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """No environment, no open file but its pipes, no folder of ours; memory and files are limited."""
    monkeypatch.setenv("ENLACE_TELEGRAM_TOKEN", "123:SECRET")
    planted(
        monkeypatch,
        """
        import resource
        def tell(*_):
            files = sorted(int(name) for name in os.listdir('/proc/self/fd') if os.path.exists(f'/proc/self/fd/{name}'))
            limits = {n: resource.getrlimit(getattr(resource, n))[0] for n in ('RLIMIT_AS', 'RLIMIT_FSIZE')}
            return {'env': dict(os.environ), 'cwd': os.getcwd(), 'files': files, **limits}, ()
        confined.TASKS = {'tabs': tell}
        """,
    )
    with open(os.devnull) as inherited:
        os.set_inheritable(inherited.fileno(), True)
        found, _ = Confinement().call("tabs", {}, [])

    assert set(found["env"]) <= {"LC_CTYPE"}
    assert found["cwd"] == "/"
    assert found["files"] == [0, 1, 2]
    assert found["RLIMIT_AS"] == Limits().memory
    assert found["RLIMIT_FSIZE"] == 64 << 20


def test_a_child_leaves_numpy_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is installed, openpyxl would load it: as much time as a small workbook takes, for nothing."""
    planted(
        monkeypatch,
        """
        def tell(*_):
            import openpyxl
            return [name for name in sys.modules if name.startswith('numpy.')], ()
        confined.TASKS = {'tabs': tell}
        """,
    )
    assert Confinement().call("tabs", {}, [])[0] == []


def test_a_child_that_is_told_to_end_says_nothing_about_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A supervisor stops all processes of a service at once: the file was refused as too heavy."""
    planted(monkeypatch, "os.kill(os.getpid(), signal.SIGTERM)")
    with pytest.raises(Interrupted):
        Confinement().tabs(b"PK")


def test_no_child_outlives_the_process_that_asked() -> None:
    """The bot is killed while a file is open: its child is ended by the closed pipe."""
    program = textwrap.dedent("""
        import subprocess, sys
        from storage.reports import children, confinement
        real = subprocess.Popen
        def begin(command, **options):
            plant = "import time; from storage.reports import confined; "
            plant += "confined.TASKS = {'tabs': lambda *_: time.sleep(3600)}"
            child = real([*command[:-1], plant + "; " + command[-1]], **options)
            print(child.pid, flush=True)
            return child
        children.subprocess.Popen = begin
        confinement.Confinement().tabs(b"PK")
    """)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    with os.fdopen(child, "rb") as handle:
        import select

        assert select.select([handle], [], [], 120)[0], "the child is still there"


def test_every_task_is_one_that_a_parent_asks_for() -> None:
    """The table and the methods name the same things."""
    assert set(confined.TASKS) == {"inspect", "tabs", "book", "bundle", "form"}
