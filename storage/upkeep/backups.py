"""Back up the whole database while the bot runs, and restore it so that no old message is sent (T14).

SQLite copies itself, page by page. PostgreSQL has its own tools, which know the catalogue of every version: `pg_dump`
writes the copy, `pg_restore` turns it into SQL, and `psql` applies it. A restore commits once, together with the
settled outbox and the hold (storage.upkeep.holding). If one of the three dies before that, the database stays as it
was.
"""

import contextlib
import errno
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, inspect, text
from sqlalchemy.exc import DBAPIError

from storage.database.engines import (
    BUSY_MS,
    parse_url,
    postgres_engine,
    reaching,
    sqlite_engine,
    sqlite_file,
    sqlite_module,
)
from storage.database.migrating import MIGRATING
from storage.database.models import FUNCTIONS, Base
from storage.errors import NotFound, StorageError, Unavailable
from storage.upkeep.holding import SETTLE_AND_HOLD, settle_and_hold
from storage.upkeep.programs import Programs, finish, programs
from storage.upkeep.whole_files import whole_file

SQLITE_MAGIC: Final = b"SQLite format 3\0"
POSTGRES_MAGIC: Final = b"PGDMP"
CHUNK: Final = 1 << 20
FULL: Final = 13
"""SQLITE_FULL."""
IN_USE: Final = (5, 6)
DISK: Final = (10, FULL)
"""SQLITE_IOERR is said of a full disk too: of the file for shared memory, or where a quota is used up."""
DAMAGED: Final = (1, 11, 26)
"""SQLITE_ERROR (tables that are not ours), SQLITE_CORRUPT, SQLITE_NOTADB. Every other error blames the machine."""
WITHOUT_CODE: Final = {
    "database or disk is full": FULL,
    "database disk image is malformed": 11,
    "file is not a database": 26,
}
"""The driver raises what `Connection.backup` meets without a code."""
UNCHANGED: Final = "Nothing was restored: the database is as it was."
UNKNOWN: Final = "The connection was lost at the end: `enlace status` says whether the database is restored and held."

_RUNNING = text("""
    SELECT count(*) FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = CAST(to_regclass('replica') AS oid)
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
""")


def backup(url: str, file: Path, *, then: Callable[[], object] = lambda: None) -> None:
    """Write a copy of the whole database to `file` (mode 0600), also while the bot is running.

    The file appears under its name only when it is complete and on the disk (`whole_files`), and `then` was called.
    Keys are not in it.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        source = sqlite_file(parsed)
        if not source.exists():
            raise NotFound("there is no database to back up")
        if file.exists() and file.samefile(source):
            raise StorageError(f"{file}: this is the database itself, not a place for its backup")
    with whole_file(file) as copy:
        _copy_sqlite(source, copy) if parsed.get_backend_name() == "sqlite" else _dump(parsed, copy)
        then()


def restore(file: Path, url: str, *, now: datetime, at_the_end: Callable[[], object] = lambda: None) -> None:
    """Put back the database as it was when `file` was backed up, and hold it. The bot must not be running.

    `at_the_end` is called before the last step, which happens as a whole or not at all. Whoever breaks that off does
    not know what the database is.

    Messages that were waiting then are settled as ambiguous: they may have been sent since, and no stale message may be
    sent now (T14). StorageError, and nothing changed, if the file is damaged or no database of this program, or if the
    disk is full. Unavailable if somebody else is writing.
    """
    if not file.exists():
        raise NotFound(f"{file}: no such file")
    parsed = parse_url(url)
    is_sqlite = parsed.get_backend_name() == "sqlite"
    try:
        with file.open("rb") as opened:
            begins = opened.read(len(SQLITE_MAGIC))
    except OSError as error:
        raise StorageError(f"{file}: {error.strerror}") from None
    if begins.startswith(POSTGRES_MAGIC if is_sqlite else SQLITE_MAGIC):
        kinds = ("PostgreSQL", "SQLite") if is_sqlite else ("SQLite", "PostgreSQL")
        raise StorageError(f"{file}: a copy of {kinds[0]}, and this database is {kinds[1]}")
    if is_sqlite:
        _restore_sqlite(file, parsed, now, at_the_end)
    else:
        _restore_postgres(file, parsed, now, at_the_end)


# ------------------------------------------------------------------ SQLite
def _copy_sqlite(source: Path, copy_to: Path) -> None:
    module = sqlite_module()
    try:
        with (
            contextlib.closing(module.connect(f"file:{quote(str(source))}?mode=ro", uri=True)) as origin,
            contextlib.closing(module.connect(str(copy_to))) as copy,
        ):
            origin.backup(copy)
            # WAL is noted in the file itself; a copy is one file and must stay one.
            copy.execute("PRAGMA journal_mode=DELETE")
    except module.Error as error:
        if _code(error) == FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise Unavailable(str(error)) from error


def _restore_sqlite(file: Path, url: URL, now: datetime, at_the_end: Callable[[], object]) -> None:
    target, module = sqlite_file(url), sqlite_module()
    try:
        with (
            _held_copy(file, target, now) as ready,
            _made_if_missing(target),
            contextlib.closing(module.connect(str(ready))) as origin,
            contextlib.closing(module.connect(str(target), timeout=BUSY_MS / 1000, isolation_level=None)) as database,
        ):
            # Exclusive, or not at all: an idle bot has the file open too, and copying would wait for ever.
            database.execute("PRAGMA locking_mode=EXCLUSIVE")
            database.execute("BEGIN EXCLUSIVE")
            database.execute("COMMIT")
            at_the_end()
            origin.backup(database)
    except (module.DatabaseError, DBAPIError, UnicodeDecodeError, OSError) as error:
        raise _not_restored(file, target, error) from error


def _code(error: BaseException) -> int:
    """The primary result code of SQLite (sqlite.org/rescode.html); 0 if there is none."""
    original = getattr(error, "orig", error)
    return (getattr(original, "sqlite_errorcode", None) or WITHOUT_CODE.get(str(original), 0)) & 0xFF


def _not_restored(file: Path, target: Path, error: Exception) -> StorageError:
    """Return the sentence for an error: only what SQLite says of the file's own content blames the copy."""
    code = _code(error)
    if code in IN_USE:
        return Unavailable("the database is in use: stop the bot first")
    if isinstance(error, UnicodeDecodeError) or code in DAMAGED:  # damage in a name; or in a page
        return StorageError(f"{file}: the copy is damaged")
    reason = error.strerror if isinstance(error, OSError) else str(getattr(error, "orig", error))
    remedy = f" Make room beside {target} for two copies, then give the command again." if code in DISK else ""
    return StorageError(f"{target}: {reason}. {UNCHANGED}{remedy}")


@contextlib.contextmanager
def _made_if_missing(target: Path) -> Iterator[None]:
    """Make an empty database, for us alone, if there is none. If the body fails, it is gone again."""
    if target.exists():
        yield
        return
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield
    except BaseException:
        _remove(target)
        raise


def _remove(database: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{database}{suffix}").unlink(missing_ok=True)


@contextlib.contextmanager
def _held_copy(file: Path, target: Path, now: datetime) -> Iterator[Path]:
    """Copy the file beside the database, check it, settle and hold it. Then it can replace the database in one step."""
    module = sqlite_module()
    ready = target.with_name(f"{target.name}.restoring")
    ready.unlink(missing_ok=True)
    try:
        os.close(os.open(ready, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        address = f"file:{quote(str(file.absolute()))}?mode=ro"
        with (
            contextlib.closing(module.connect(address, uri=True)) as origin,
            contextlib.closing(module.connect(str(ready))) as copy,
        ):
            if origin.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise StorageError(f"{file}: the copy is damaged")
            if origin.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone() is None:
                raise StorageError(f"{file}: not a database of this program")
            origin.backup(copy)
        engine = sqlite_engine(URL.create("sqlite", database=str(ready)), pooled=False)
        try:
            with engine.begin() as connection:
                settle_and_hold(connection, now)
        finally:
            engine.dispose()
        with contextlib.closing(module.connect(str(ready))) as copy:
            copy.execute("PRAGMA journal_mode=DELETE")  # one file again
        yield ready
    finally:
        _remove(ready)


# ------------------------------------------------------------------ PostgreSQL
def _dump(url: URL, file: Path) -> None:
    schema, server = _server(url)
    tool = _tool("pg_dump", server)
    pattern = f'--schema="{schema}"'
    with programs(url) as started:
        command = [tool, "--format=custom", "--no-password", pattern, f"--file={file}", address_of(url)]
        finish(started.begin(command), "pg_dump")


def _restore_postgres(file: Path, url: URL, now: datetime, at_the_end: Callable[[], object]) -> None:
    schema, server = _server(url)
    reads, writes = _tool("pg_restore", server), _tool("psql", server)
    with programs(url) as started:
        contents = _contents(started, reads, file)
        came_from = _schema_of(contents)
        if came_from is None:
            raise StorageError(f"{file}: not a database of this program")
        _expect_nobody(url)
        # Leave out the entry that makes the schema: there is one already, and `public` must not be dropped by us.
        wanted = [line for line in contents.splitlines() if not re.search(r" SCHEMA - | COMMENT - ", line)]
        with _passing("\n".join([*wanted, ""]).encode()) as listing:
            command = [reads, "--exit-on-error", "--no-owner", "--no-privileges", f"--use-list=/dev/fd/{listing}"]
            restoring = started.begin([*command, "--file=-", str(file)], stdout=subprocess.PIPE, pass_fds=(listing,))
        options = ["--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--file=-"]
        applying = started.begin([writes, *options, address_of(url)], stdin=subprocess.PIPE)
        assert applying.stdin is not None
        assert restoring.stdout is not None
        is_committing = False
        try:
            with contextlib.suppress(BrokenPipeError):  # psql says why
                applying.stdin.write(_before(schema, came_from).encode())
                shutil.copyfileobj(restoring.stdout, applying.stdin, CHUNK)
                restoring.stdout.close()
                finish(restoring, "pg_restore")
                # Only a complete input is committed: at an early end psql ends, and the server rolls back.
                at_the_end()
                is_committing = True
                applying.stdin.write(_after(schema, came_from, now).encode())
            with contextlib.suppress(BrokenPipeError):
                applying.stdin.close()
            finish(applying, "psql")
        except StorageError as error:
            is_unknown = is_committing and applying.returncode == LOST
            raise StorageError(f"{file}: {error}. {UNKNOWN if is_unknown else UNCHANGED}") from None


def _contents(started: Programs, reads: str, file: Path) -> str:
    """Return the copy's table of contents. StorageError if it is no copy."""
    listing = started.begin([reads, "--list", str(file)], stdout=subprocess.PIPE)
    assert listing.stdout is not None
    try:
        with listing.stdout as stdout:
            contents = stdout.read().decode("utf-8", "replace")
        finish(listing, "pg_restore")
    except StorageError as error:
        raise StorageError(f"{file}: {error}") from None
    return contents


ASIDE: Final = "enlace_restore_aside"
LOST: Final = 2
"""psql's exit code for a lost connection. An error of the server has another one, and nothing is committed then."""


def _before(schema: str, came_from: str) -> str:
    """Return SQL that removes our tables and makes the schema that the copy's tables come from."""
    tables = ", ".join(f"{_quoted(schema)}.{_quoted(name)}" for name in (*Base.metadata.tables, "alembic_version"))
    lines = [
        "BEGIN;",
        "SET LOCAL lock_timeout = '10s';",
        f"SELECT pg_advisory_xact_lock({MIGRATING});",
        "SET LOCAL client_min_messages = warning;",
        f"DROP TABLE IF EXISTS {tables} CASCADE;",
        *(f"DROP FUNCTION IF EXISTS {_quoted(schema)}.{_quoted(name)}() CASCADE;" for name in FUNCTIONS),
    ]
    if came_from != schema:
        lines.append(_rename_if_there(came_from, ASIDE))
        lines.append(f"CREATE SCHEMA {_quoted(came_from)};")
    return "\n".join([*lines, ""])


def _after(schema: str, came_from: str, now: datetime) -> str:
    """Return SQL that moves the copy's tables into our schema, settles and holds them. Then all is committed."""
    lines = []
    if came_from != schema:
        lines.append(_move_all(came_from, schema))
        lines.append(f"DROP SCHEMA {_quoted(came_from)};")
        lines.append(_rename_if_there(ASIDE, came_from))
    lines.append(f"SET LOCAL search_path TO {_quoted(schema)};")
    at = now.astimezone(UTC).isoformat()
    for statement in SETTLE_AND_HOLD:
        lines.append(statement.replace(":now", f"TIMESTAMPTZ '{at}'").replace(":since", f"'{at}'") + ";")
    return "\n".join(["", *lines, "COMMIT;", ""])


def _rename_if_there(name: str, to: str) -> str:
    return (
        f"DO $do$ BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = {_literal(name)}) "
        f"THEN ALTER SCHEMA {_quoted(name)} RENAME TO {_quoted(to)}; END IF; END $do$;"
    )


def _move_all(came_from: str, schema: str) -> str:
    """Return SQL that moves all tables. Their indexes, triggers and numbers move with them."""
    place = f"(SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {_literal(came_from)})"
    return (
        "DO $do$ DECLARE one record; BEGIN "
        f"FOR one IN SELECT relname FROM pg_catalog.pg_class WHERE relkind = 'r' AND relnamespace = {place} LOOP "
        f"EXECUTE pg_catalog.format('ALTER TABLE %I.%I SET SCHEMA %I', "
        f"{_literal(came_from)}, one.relname, {_literal(schema)}); END LOOP; "
        f"FOR one IN SELECT oid::pg_catalog.regprocedure AS name FROM pg_catalog.pg_proc WHERE pronamespace = {place} "
        f"LOOP EXECUTE pg_catalog.format('ALTER FUNCTION %s SET SCHEMA %I', one.name, {_literal(schema)}); END LOOP; "
        "END $do$;"
    )


def _schema_of(contents: str) -> str | None:
    """Return the schema of the copy's tables, from its table of contents. None if it is not one of our copies."""
    found = re.search(r"^\d+; \d+ \d+ TABLE (\S+) alembic_version ", contents, re.MULTILINE)
    return found[1] if found else None


def _expect_nobody(url: URL) -> None:
    engine = postgres_engine(url, 1)
    try:
        with reaching(), engine.connect() as connection:
            if inspect(connection).has_table("replica") and connection.scalar(_RUNNING):
                raise Unavailable("the database is in use: stop the bot first")
    finally:
        engine.dispose()


def _server(url: URL) -> tuple[str, int]:
    """Return the schema of our tables, and the server's major version."""
    engine = postgres_engine(url, 1)
    try:
        with reaching(), engine.connect() as connection:
            schema = connection.scalar(text("SELECT current_schema()"))
            number = int(connection.scalar(text("SHOW server_version_num")) or 0)
    finally:
        engine.dispose()
    if schema is None:
        raise StorageError("the database has no schema for our tables: see search_path")
    return str(schema), number // 10_000


def _tool(name: str, server: int) -> str:
    """The path of PostgreSQL's own tool. StorageError if there is none, or if it is older than the server."""
    path = shutil.which(name)
    if path is None:
        raise StorageError(f"{name} is not installed: install PostgreSQL's client programs, version {server} or newer")
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\) (\d+)", said)
    if found is None or int(found[1]) < server:
        version = found[1] if found else "unknown"
        raise StorageError(
            f"{name} is of version {version} and the server of {server}: install PostgreSQL's client programs {server}"
        )
    return path


def address_of(url: URL) -> str:
    """Return how the tools connect, as one argument without the password, because other users could read it."""
    known = {"host": url.host, "port": url.port, "user": url.username, "dbname": url.database}
    asked = {name: value if isinstance(value, str) else " ".join(value) for name, value in url.query.items()}
    asked.pop("password", None)
    return "--dbname=" + make_conninfo("", **{name: value for name, value in (known | asked).items() if value})


@contextlib.contextmanager
def _passing(content: bytes) -> Iterator[int]:
    """Return a file without a name that holds this content, for a child process to read."""
    with os.fdopen(os.memfd_create("contents", 0), "w+b") as file:
        file.write(content)
        file.flush()
        file.seek(0)
        yield file.fileno()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
