"""However and whenever a process that serves is told to stop, it ends in order: exit code 0, no traceback, no orphan.

Real processes and real signals. What breaks an ending is the state in which it comes, so each state is reached and
seen to be reached before the signal is sent.
"""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from bot.demo.cast import BEGINS
from bot.sandbox.client import SandboxClient
from bot.sandbox.faults import Fault
from bot.sandbox.server import running_sandbox
from bot.sandbox.telegram import DEFAULT_TOKEN
from bot.settings import inherited_environment
from bot.signals import INTERRUPTED
from tests.bot.cli import forked
from tests.bot.demo.furnished import furnish_demo
from tests.bot.house import ANA, CARMEN, PEDRO, Town, furnish
from tests.bot.officers import asked_for_a_photo
from tests.bot.photos import photo_with_gps
from tests.bot.workers.sent_forms import workbook
from tests.deadlines import PATIENCE, ended, has_ended, wait_until
from tests.faults.deployment import children_of
from tests.ports import free_port

pytestmark = pytest.mark.slow

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""One handler has them all (`bot.signals`): each is sent where that costs little, and one of them in each state."""
HOURS = 10_072


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("furnished")
    furnish(folder)
    return folder


@contextmanager
def town(furnished: Path, folder: Path, *, webhook: bool = False) -> Iterator[Town]:
    """Everything in place, the bot not started; it does not survive the block."""
    shutil.copytree(furnished, folder, dirs_exist_ok=True)
    with running_sandbox(start=BEGINS.timestamp()) as sandbox:
        made = Town(sandbox, folder, webhook=webhook)
        made.is_taken_apart = True  # whatever complains only then is seen here
        try:
            yield made
        finally:
            if made.process is not None and made.process.poll() is None:
                made.kill()


def launched(at: Town) -> None:
    """Started, and not waited for."""
    with (at.folder / "bot.log").open("ab") as log:
        at.process = forked.start(
            "run",
            "--clock",
            BEGINS.isoformat(),
            env=at.environment,
            stdout=log,
            stderr=log,
            is_taken_apart=True,
        )


def seen(at: Town, holds: Callable[[], object], what: str) -> None:
    assert at.process is not None
    wait_until(holds, what, show=at.logged, unless=has_ended(at.process))


def ends_well(at: Town, number: signal.Signals) -> None:
    """Told to stop, it ends by itself with 0, and says nothing that looks like a failure."""
    assert at.process is not None
    at.process.send_signal(number)
    assert ended(at.process, show=at.logged) == 0, at.logged()
    assert "Traceback" not in at.logged()
    assert "stopped_late" not in at.logged()


# ------------------------------------------------------------------ starting
@pytest.mark.parametrize(("method", "number"), [("getMe", signal.SIGINT), ("setMyCommands", signal.SIGTERM)])
def test_it_ends_while_it_starts(furnished: Path, tmp_path: Path, method: str, number: signal.Signals) -> None:
    """Before it knows who it is, and as soon as it is ready: nobody waits for menus that Telegram has kept."""
    with town(furnished, tmp_path) as at:
        fault = at.sandbox.world.faults.add(Fault("timeout", method))
        launched(at)
        seen(at, lambda: fault.hits, "it calls")
        ends_well(at, number)
        assert ("bot.ready" in at.logged()) is (method == "setMyCommands")


@pytest.mark.parametrize("number", SIGNALS)
def test_it_ends_while_it_is_imported(number: signal.Signals) -> None:
    """From the first line of ours on a signal is no failure, with nothing begun and nothing said."""
    code = (
        "import os, signal, sys; sys.argv = ['enlace', 'run']\n"
        "class Midway:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == 'sqlalchemy': os.kill(os.getpid(), {int(number)})\n"
        "sys.meta_path.insert(0, Midway())\n"
        "from bot.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("words", "ends"),
    [(("run",), (0, b"")), (("db", "check"), (INTERRUPTED, b"enlace: broken off.\n"))],
    ids=lambda words: "_".join(map(str, words)),
)
def test_it_ends_when_a_signal_comes_where_nothing_can_be_raised(
    words: tuple[str, ...], ends: tuple[int, bytes]
) -> None:
    """What a handler raised in the callback of a weak reference was printed there, and the process went on."""
    code = (
        f"import os, signal, sys, weakref; sys.argv = ['enlace', *{words}]\n"
        "class Midway:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'sqlalchemy':\n"
        "            watched = Midway()\n"
        "            seen = weakref.ref(watched, lambda _: os.kill(os.getpid(), signal.SIGTERM))\n"
        "            del watched\n"
        "sys.meta_path.insert(0, Midway())\n"
        "from bot.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == ends


@pytest.mark.parametrize(("given", "outcome"), [("default_int_handler", 0), ("SIG_IGN", "goes on")])
def test_a_terminal_that_is_closed_ends_it_unless_it_was_told_to_outlive_it(given: str, outcome: object) -> None:
    """SIGHUP means what SIGTERM means; under `nohup` it means nothing."""
    code = (
        "import os, signal, sys; sys.argv = ['enlace', 'run']\n"
        f"signal.signal(signal.SIGHUP, signal.{given})\n"
        "import bot.__main__, bot.signals\n"
        "bot.signals.leave_at_once()\n"
        "os.kill(os.getpid(), signal.SIGHUP)\n"
        "print('goes on', end='')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert (done.stdout or done.returncode, done.stderr) == (outcome, "")


# ------------------------------------------------------------------ serving
TROUBLES: dict[str, Fault] = {
    "reset": Fault("reset", "getUpdates"),
    "502": Fault("5xx", "getUpdates"),
    "a gateway's page": Fault("html", "getUpdates"),
    "cut in half": Fault("truncated", "getUpdates"),
    "429 for hours": Fault("429", "getUpdates", retry_after=HOURS),
    "409": Fault("refuse", "getUpdates", status=409, description="Conflict: terminated by other getUpdates request"),
    "no answer": Fault("timeout", "getUpdates"),
}


@pytest.mark.parametrize(
    ("trouble", "number"),
    [(name, SIGNALS[at % 2]) for at, name in enumerate(TROUBLES)],
    ids=lambda value: str(value).replace(" ", "_"),
)
def test_it_ends_in_any_trouble_with_telegram(
    furnished: Path, tmp_path: Path, trouble: str, number: signal.Signals
) -> None:
    """While it polls, and while it waits before polling again."""
    rule = replace(TROUBLES[trouble])
    with town(furnished, tmp_path) as at:
        at.start()
        at.sandbox.world.faults.add(rule)
        at.officer(ANA).phone.say("hola")  # ends the poll that waits
        seen(at, lambda: rule.hits, "the fault strikes")
        ends_well(at, number)
        assert "bot.stopped" in at.logged()


@pytest.mark.parametrize("status", [401, 404])
def test_a_method_that_is_refused_is_not_the_token(furnished: Path, tmp_path: Path, status: int) -> None:
    """A proxy may not know them: while getMe knows us, the bot goes on and answers when it can."""
    with town(furnished, tmp_path) as at:
        rules = [
            at.sandbox.world.faults.add(Fault("refuse", method, status=status, description="Not Found", times=2))
            for method in ("getUpdates", "sendMessage", "getWebhookInfo")
        ]
        launched(at)
        at.officer(ANA).phone.say("/pendientes")
        seen(at, lambda: at.officer(ANA).from_bot, "the answer")
        assert [rule.methods for rule in rules if not rule.hits] == []
        ends_well(at, signal.SIGTERM)


@pytest.mark.parametrize("number", SIGNALS)
def test_it_ends_while_it_waits_for_updates(furnished: Path, tmp_path: Path, number: signal.Signals) -> None:
    """A poll of thirty seconds is not waited for."""
    with town(furnished, tmp_path) as at:
        at.start()
        ends_well(at, number)
        assert "bot.stopped" in at.logged()


def test_a_second_signal_changes_nothing(furnished: Path, tmp_path: Path) -> None:
    """A Ctrl-C pressed until it is quiet, also after the loop has been closed."""
    with town(furnished, tmp_path) as at:
        at.start()
        assert at.process is not None
        while at.process.returncode is None:
            at.process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                at.process.wait(0.02)
        assert at.process.returncode == 0
        assert "Traceback" not in at.logged()


def test_it_ends_under_load_and_nothing_is_lost(furnished: Path, tmp_path: Path) -> None:
    """What was acknowledged is committed; the rest waits at Telegram."""
    with town(furnished, tmp_path) as at:
        at.start()
        ana, carmen = at.officer(ANA), at.officer(CARMEN)
        for _ in range(20):
            ana.phone.say("/pendientes")
            carmen.phone.say("/resumen")
        ends_well(at, signal.SIGTERM)
        waiting = {update.update_id for update in at.sandbox.world.bot.pending}
        taken = {number for (number,) in at.rows("SELECT update_id FROM processed_update")}
        assert len(taken | waiting) == 40


def test_it_ends_inside_the_window_of_a_429(furnished: Path, tmp_path: Path) -> None:
    """Hours in which nothing may be sent are not waited for; what waits is there at the next start."""
    with town(furnished, tmp_path) as at:
        at.start()
        rule = at.sandbox.world.faults.add(Fault("429", "sendMessage", retry_after=HOURS))
        at.officer(ANA).phone.say("/pendientes")
        seen(at, lambda: rule.hits, "the window is there")
        ends_well(at, signal.SIGTERM)
        assert at.rows("SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending')") == [(1,)]


def test_it_ends_while_the_database_is_away(furnished: Path, tmp_path: Path) -> None:
    """Another process holds SQLite's lock: what came in was not acknowledged, and comes again."""
    with town(furnished, tmp_path) as at:
        at.start()
        lock = sqlite3.connect(tmp_path / "enlace.db", isolation_level=None, timeout=PATIENCE)
        lock.execute("BEGIN IMMEDIATE")
        at.officer(ANA).phone.say("hola")
        seen(at, lambda: "intake.trouble" in at.logged(), "it notices")
        assert at.process is not None
        at.process.send_signal(signal.SIGTERM)
        assert ended(at.process, show=at.logged) == 0
        lock.rollback()
        lock.close()
        assert "Traceback" not in at.logged()
        assert len(at.sandbox.world.bot.pending) == 1


@pytest.mark.parametrize("method", ["sendMessage", "editMessageText"])
def test_it_ends_in_the_middle_of_a_call(furnished: Path, tmp_path: Path, method: str) -> None:
    """A call that is not answered is broken off; its row is settled at the next start."""
    with town(furnished, tmp_path) as at:
        at.start()
        ana = at.officer(ANA)
        if method != "sendMessage":
            ana.say("/pendientes")
        rule = at.sandbox.world.faults.add(Fault("timeout", method))
        if method == "sendMessage":
            ana.phone.say("/pendientes")
        else:
            ana.phone.tap(ana.card["message_id"], ana.buttons[0])
        seen(at, lambda: rule.hits, "the call is made")
        ends_well(at, signal.SIGTERM)


def test_it_ends_while_a_page_is_drawn(furnished: Path, tmp_path: Path) -> None:
    """Whoever draws does not end by itself, and is ended with it; the page comes after the next start, once."""
    with town(furnished, tmp_path) as at:
        at.start()
        assert at.process is not None
        carmen, bot = at.officer(CARMEN), at.process.pid
        carmen.say("/exportar")
        carmen.tap("Qué")
        carmen.tap("Estado del plan")
        carmen.phone.tap(carmen.card["message_id"], "⬇️ Preparar")
        draws = wait_until(lambda: children_of(bot), "somebody draws", show=at.logged)
        for each in draws:
            os.kill(each, signal.SIGSTOP)
        ends_well(at, signal.SIGTERM)
        assert [each for each in draws if not is_gone(each)] == []
        at.start()
        at.rest()
        assert len([message for message in carmen.from_bot if "document" in message]) == 1


def test_it_ends_while_a_heavy_form_is_read(furnished: Path, tmp_path: Path) -> None:
    """Whoever reads it is ended with the bot, and that counts as no try. After the start it is read and shown, once."""
    questions = [["text", f"place_{each}", f"¿Dónde {each}?"] for each in range(600)]
    with town(furnished, tmp_path) as at:
        at.start()
        assert at.process is not None
        pedro, bot = at.officer(PEDRO), at.process.pid
        pedro.phone.send_files("document", ("visits.xlsx", workbook("1", *questions)))
        reads = wait_until(lambda: children_of(bot), "somebody reads", show=at.logged)
        for each in reads:
            os.kill(each, signal.SIGSTOP)
        ends_well(at, signal.SIGQUIT)
        assert [each for each in reads if not is_gone(each)] == []
        assert at.rows("SELECT state, failures FROM job WHERE kind = 'check_form'") == [("queued", 0)]
        at.start()
        at.rest()
        assert len([message for message in pedro.from_bot if "visits ·" in message.get("text", "")]) == 1


def test_a_file_that_is_not_had_any_more_at_a_stop_is_fetched_after_the_start(furnished: Path, tmp_path: Path) -> None:
    """Its connection breaks while the bot ends: nothing is known of the file, and nobody is asked to send it again."""
    with town(furnished, tmp_path) as at:
        at.start()
        ana = asked_for_a_photo(at, ANA)
        rule = at.sandbox.world.faults.add(Fault("timeout", "download", delay=1.5))
        ana.phone.send_files("document", ("jornada.jpg", photo_with_gps()))
        for times in range(3):  # as many as a file that cannot be fetched has tries
            seen(at, lambda times=times: rule.hits > times, "it fetches")  # type: ignore[misc]
            ends_well(at, signal.SIGTERM)
            assert at.rows("SELECT state, failures FROM job WHERE kind = 'fetch_file'") == [("queued", 0)]
            if times == 2:
                at.sandbox.world.faults.remove()
            at.start()
        assert "Confirmo que la foto" in ana.wait_for("Confirmo que la foto")


def test_it_ends_by_webhook(furnished: Path, tmp_path: Path) -> None:
    """Connections that Telegram keeps open are not waited for."""
    with town(furnished, tmp_path, webhook=True) as at:
        at.start()
        at.officer(ANA).say("/pendientes")
        ends_well(at, signal.SIGINT)


def test_a_signal_that_comes_while_a_lock_is_held_waits_for_nobody(tmp_path: Path) -> None:
    """A handler that took the lock of whoever it interrupted would wait for ever, and the demo did not end."""
    port = free_port()
    code = (
        "import os, signal, sys, threading, time, urllib.request\n"
        "Lock = threading.Lock\n"
        "class Midway:\n"
        "    def __init__(self): self.lock = Lock()\n"
        "    def __getattr__(self, name): return getattr(self.lock, name)\n"
        "    def __enter__(self): self.lock.acquire()\n"
        "    def __exit__(self, *_):\n"
        "        if sys._getframe(2).f_code.co_name == 'get_updates':\n"
        "            print('held', flush=True)\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "        self.lock.release()\n"
        "threading.Lock = Midway\n"
        "from bot.sandbox.server import serve\n"
        "from bot.sandbox.telegram import World\n"
        "world = World()\n"
        "def poll():\n"
        "    while not world.is_closing:\n"
        "        try: urllib.request.urlopen('http://127.0.0.1:"
        f"{port}/bot{DEFAULT_TOKEN}/getUpdates?timeout=60').read()\n"
        "        except OSError: time.sleep(0.01)\n"
        "threading.Thread(target=poll, daemon=True).start()\n"
        f"serve({port}, world=world)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.stdout.startswith("held")
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)


# ------------------------------------------------------------------ the demo
def launched_demo(folder: Path, port: int, log: Path) -> forked.Process:
    """As a leader of its own group."""
    with log.open("wb") as told:
        return forked.start(
            *("demo", "--port", str(port)),
            env=inherited_environment(), stdout=told, stderr=told, cwd=folder, is_taken_apart=True, leads=True,
        )  # fmt: skip


@contextmanager
def demo(folder: Path) -> Iterator[tuple[forked.Process, int]]:
    """The demo, and the number of its bot, which has come up."""
    port, log = free_port(), folder / "demo.log"
    process = launched_demo(folder, port, log)
    client = SandboxClient(f"http://127.0.0.1:{port}")

    def pid() -> int | None:
        try:
            state = client.ask("GET", "/supervisor")
        except OSError:
            return None
        return state["pid"] if state["figures"] else None

    try:
        yield process, wait_until(pid, "its bot answers", show=log.read_text, unless=has_ended(process))
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def is_gone(pid: int) -> bool:
    """Nobody runs under this number; what has ended and is not yet taken note of does not run."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def twice(process: forked.Process) -> None:
    for _ in range(2):
        os.killpg(process.pid, signal.SIGINT)


ENDINGS: dict[str, Callable[[forked.Process], None]] = {
    "Ctrl-C twice": twice,
    "SIGTERM": lambda process: process.send_signal(signal.SIGTERM),
    "a closed terminal": lambda process: os.killpg(process.pid, signal.SIGHUP),
}


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda name: name.replace(" ", "_"))
def test_a_demo_ends_with_its_bot(tmp_path: Path, ending: str) -> None:
    """Whoever of the two is told, both end, in order and without a word of failure."""
    furnish_demo(tmp_path)
    with demo(tmp_path) as (process, bot):
        ENDINGS[ending](process)
        assert ended(process) == 0, (tmp_path / "demo.log").read_text()
        assert is_gone(bot)
    assert "Traceback" not in (tmp_path / "demo.log").read_text()


def test_a_demo_that_is_killed_while_it_is_furnished_is_whole_at_its_next_start(tmp_path: Path) -> None:
    """After each thing it says to have done; the last one lies in the midst of the people and their reports."""
    folder, whole, log = tmp_path / "killed", tmp_path / "whole", tmp_path / "seeding.log"
    folder.mkdir()
    for done in ("Keyring:", "Database:", "Plan:", "Form:"):
        process = launched_demo(folder, free_port(), log)
        try:
            wait_until(lambda done=done: done in log.read_text(), done, show=log.read_text, unless=has_ended(process))  # type: ignore[misc]
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            assert process.wait(PATIENCE) == -signal.SIGKILL
    with demo(folder) as (process, _):
        process.send_signal(signal.SIGTERM)
        assert ended(process) == 0
    furnish_demo(whole)
    assert furniture(folder) == furniture(whole)


def furniture(folder: Path) -> dict[str, int]:
    """How much of each thing a demo has."""
    tables = ("plan", "activity", "form_version", "person", "membership", "submission", "schedule")
    with closing(sqlite3.connect(folder / "demo" / "enlace.db")) as database:
        return {name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}


def test_a_demo_that_is_killed_leaves_no_bot(tmp_path: Path) -> None:
    """Nothing can be said any more: the bot sees that its other end is gone."""
    furnish_demo(tmp_path)
    with demo(tmp_path) as (process, bot):
        process.kill()
        process.wait()
        wait_until(lambda: is_gone(bot), "the bot ends by itself")
    assert "Traceback" not in (tmp_path / "demo.log").read_text()


def test_a_sandbox_alone_ends(tmp_path: Path) -> None:
    """With a poll of half a minute waiting."""
    port, log = free_port(), tmp_path / "sandbox.log"
    with log.open("wb") as told:
        process = forked.start(
            *("sandbox", "--port", str(port)),
            env=inherited_environment(), stdout=told, stderr=told, is_taken_apart=True,
        )  # fmt: skip
    client = SandboxClient(f"http://127.0.0.1:{port}")

    def state() -> object:
        try:
            return client.state()
        except OSError:
            return None

    try:
        wait_until(state, "it answers", unless=has_ended(process))
        process.send_signal(signal.SIGINT)
        assert ended(process) == 0
    finally:
        process.kill()
    assert "Traceback" not in log.read_text()
