"""What an operator can mend is told in one line, without a traceback."""

import re
import shutil
import socket
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from bot.sandbox.server import Sandbox
from tests.bot.cli.commands import FORMS, NOWHERE, Done, Installed, enlace, is_one_line, no_keys

pytestmark = pytest.mark.slow


# ------------------------------------------------------------------ what can be mended is one line
def nothing(_: Path) -> None: ...


def open_keys(folder: Path) -> None:
    (folder / "keys.json").chmod(0o644)


def torn_keys(folder: Path) -> None:
    (folder / "keys.json").write_bytes(b"\xff\xfe{")


def no_database(folder: Path) -> None:
    (folder / "enlace.db").unlink()


def older_database(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "enlace.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")


def junk_database(folder: Path) -> None:
    (folder / "enlace.db").write_bytes(b"this is not a database, whatever it is called" * 100)


def a_file_in_the_way(folder: Path) -> None:
    (folder / "file").write_text("x")


def dotenv(text: bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / ".env").write_bytes(text)

    return write


POSTGRES = {"ENLACE_DATABASE_URL": "postgresql+psycopg://enlace:hunter2@127.0.0.1:1/x"}

MENDABLE: dict[str, tuple[Callable[[Path], None], tuple[str, ...], dict[str, str], str]] = {
    # what is wrong: how it comes about, the command, its environment, a word of the remedy
    "no token": (nothing, ("run",), {"ENLACE_TELEGRAM_TOKEN": ""}, "ENLACE_TELEGRAM_TOKEN"),
    "nobody answers": (nothing, ("run",), NOWHERE, "ENLACE_TELEGRAM_API"),
    "no database server": (nothing, ("due",), POSTGRES | NOWHERE, "ENLACE_DATABASE_URL"),
    "no database server to upgrade": (nothing, ("db", "upgrade"), POSTGRES, "ENLACE_DATABASE_URL"),
    "no folder": (
        nothing, ("db", "upgrade"), {"ENLACE_DATABASE_URL": "sqlite:////no/such/x.db"}, "ENLACE_DATABASE_URL",
    ),
    "a file for a folder": (
        a_file_in_the_way, ("db", "upgrade"), {"ENLACE_DATABASE_URL": "sqlite:///file/x.db"}, "ENLACE_DATABASE_URL",
    ),
    "a folder nobody may write": (
        nothing, ("db", "upgrade"), {"ENLACE_DATABASE_URL": "sqlite:////proc/x.db"}, "ENLACE_DATABASE_URL",
    ),
    "another kind of database": (nothing, ("db", "check"), {"ENLACE_DATABASE_URL": "mysql://a:hunter2@h/x"}, "sqlite:///"),
    "no address of a database": (nothing, ("db", "check"), {"ENLACE_DATABASE_URL": "hunter2"}, "ENLACE_DATABASE_URL"),
    "no database yet": (no_database, ("run",), NOWHERE, "enlace init"),
    "an older database": (older_database, ("people", "list"), {}, "enlace db upgrade"),
    "no database at all": (junk_database, ("people", "list"), {}, "ENLACE_DATABASE_URL"),
    "no keyring": (no_keys, ("run",), NOWHERE, "enlace init"),
    "no keyring to invite with": (no_keys, ("invite", "--role", "reader"), {}, "enlace init"),
    "no keyring to rotate": (no_keys, ("keys", "rotate"), {}, "enlace keys new"),
    "a keyring others can read": (open_keys, ("people", "suspend", "--telegram-id", "1"), {}, "chmod 600"),
    "a keyring others can read, to rotate": (open_keys, ("keys", "rotate"), {}, "chmod 600"),
    "a torn keyring": (torn_keys, ("people", "suspend", "--telegram-id", "1"), {}, "keyring"),
    "no address of the API": (nothing, ("run",), {"ENLACE_TELEGRAM_API": "ftp://x"}, "ENLACE_TELEGRAM_API"),
    "no address of the webhook": (nothing, ("run",), {"ENLACE_WEBHOOK_URL": "zzz"}, "ENLACE_WEBHOOK_URL"),
    "no address to listen on": (nothing, ("run",), {"ENLACE_LISTEN": "all"}, "ENLACE_LISTEN"),
    "no address of the metrics": (nothing, ("run",), {"ENLACE_METRICS": ":9"}, "ENLACE_METRICS"),
    "no such zone": (nothing, ("due",), {"ENLACE_TIMEZONE": "Mars/Base"}, "ENLACE_TIMEZONE"),
    "no such language": (nothing, ("due",), {"ENLACE_LANGUAGE": "pt"}, "ENLACE_LANGUAGE"),
    "a wrong .env": (dotenv(b"ENLACE_SEND_RATE=CANARY\n"), ("due",), {}, "ENLACE_SEND_RATE"),
    "a .env that is not text": (dotenv(b"\xff\xfe\x00CANARY\x81"), ("due",), {}, ".env"),
    "a .env with a torn line": (dotenv(b"ENLACE_LANGUAGE=es\n\nCANARY = 'x\n"), ("due",), {}, "line 3"),
    "no file": (nothing, ("form", "check", "no.xlsx"), {}, "no.xlsx"),
    "a folder for a file": (nothing, ("plan", "import", "evidence"), {}, "evidence"),
    "no script": (nothing, ("form", "replay", str(FORMS / "activity_report.xlsx"), "no.json"), {}, "no.json"),
    "no place for a backup": (nothing, ("db", "backup", "/no/such/copy.db"), {}, "/no/such"),
    "no backup": (nothing, ("db", "restore", "no.db"), {}, "no.db"),
    "no such plan": (
        nothing, ("form", "publish", str(FORMS / "activity_report.xlsx"), "--plan", "zz"), {}, "zz",
    ),
    "no place for evidence": (a_file_in_the_way, ("init",), {"ENLACE_FILES": "file/evidence"}, "ENLACE_FILES"),
}  # fmt: skip


def test_whatever_the_operator_can_mend_is_one_line(installed: Installed, tmp_path: Path) -> None:
    """Exit 1, stdout empty, on stderr one line `enlace: …` with the remedy; no traceback, no secret."""

    def tried(what: str) -> Done:
        prepare, command, given, _ = MENDABLE[what]
        folder = Path(shutil.copytree(installed.folder, tmp_path / re.sub(r"\W", "-", what)))
        prepare(folder)
        return enlace(folder, *command, **given)

    with ThreadPoolExecutor(4) as pool:
        for what, done in zip(MENDABLE, pool.map(tried, MENDABLE), strict=True):
            if MENDABLE[what][1] == ("init",):
                done = Done(done.code, done.out, done.said[-1])  # init tells what it did before
            assert (done.code, done.out, is_one_line(done)) == (1, "", True), (what, done)
            assert MENDABLE[what][3] in done.err, (what, done.err)


def test_a_token_telegram_does_not_know_is_one_line(folder: Path, sandbox: Sandbox) -> None:
    """Telegram answers 401; the line names the variable and not its value."""
    done = enlace(folder, "run", ENLACE_TELEGRAM_API=sandbox.url)
    assert (done.code, done.out, is_one_line(done)) == (1, "", True)
    assert "ENLACE_TELEGRAM_TOKEN" in done.err


def test_an_address_in_use_is_one_line(folder: Path, sandbox: Sandbox) -> None:
    """ENLACE_LISTEN is taken: said, and Telegram is not told to deliver there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = enlace(
            folder,
            "run",
            ENLACE_TELEGRAM_API=sandbox.url,
            ENLACE_TELEGRAM_TOKEN=sandbox.token,
            ENLACE_WEBHOOK_URL=f"http://127.0.0.1:{port}/telegram",
            ENLACE_WEBHOOK_SECRET="webhook-secret-of-tests",
            ENLACE_LISTEN=f"127.0.0.1:{port}",
        )
        for command in ("sandbox", "demo"):
            busy = enlace(folder, command, "--port", str(port))
            assert (busy.code, busy.out, is_one_line(busy)) == (1, "", True)
        unwatched = enlace(
            folder,
            "run",
            ENLACE_TELEGRAM_API=sandbox.url,
            ENLACE_TELEGRAM_TOKEN=sandbox.token,
            ENLACE_METRICS=f"127.0.0.1:{port}",
        )
    for refused, setting in ((done, "ENLACE_LISTEN"), (unwatched, "ENLACE_METRICS")):
        assert (refused.code, refused.out, is_one_line(refused)) == (1, "", True)
        assert setting in refused.err
    assert sandbox.world.bot.webhook is None or not sandbox.world.bot.webhook.url
