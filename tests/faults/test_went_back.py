"""T14: somebody puts an older database back behind the bot's back. It says nothing until a person has looked."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from bot.demo.cast import BEGINS, CAST
from bot.open_storage import open_storage
from bot.sandbox.server import running_sandbox
from storage.database.engines import postgres_engine
from storage.messages.outbox import OutboxDraft
from storage.unit_of_work import UnitOfWork
from storage.upkeep.backups import address_of
from storage.upkeep.lineage import beside
from tests.bot.house import ANA, PEDRO, Town, furnish
from tests.deadlines import PATIENCE, has_ended, wait_until
from tests.faults.torn import cluster
from tests.storage.database import scratch

pytestmark = pytest.mark.slow

REMINDED = "2018-10-05T09:00:30-04:00"
NEXT = "2018-10-08T09:00:30-04:00"


@pytest.fixture(params=["sqlite", "postgresql"])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    """A furnished house, its bot not started."""
    with scratch.schema_or_skip(bots=1) if request.param == "postgresql" else contextlib.nullcontext("") as url:
        furnish(tmp_path, url)
        with running_sandbox(start=BEGINS.timestamp()) as sandbox:
            made = Town(sandbox, tmp_path, database_url=url)
            try:
                yield made
            finally:
                made.stop()


def copied(town: Town) -> Callable[[], None]:
    """A copy made without `enlace`; what is returned puts it back in the same way."""
    url = make_url(town.settings.database_url)
    if url.get_backend_name() == "sqlite":
        database, copy = town.folder / "enlace.db", town.folder / "copy"
        shutil.copyfile(database, copy)  # the bot is down, and has emptied its log into it
        assert not (town.folder / "enlace.db-wal").exists() or not (town.folder / "enlace.db-wal").stat().st_size

        def put_back() -> None:
            for suffix in ("-wal", "-shm"):
                (town.folder / f"enlace.db{suffix}").unlink(missing_ok=True)
            shutil.copyfile(copy, database)

        return put_back
    dump = dumped(town)
    return lambda: restored(dump, address_of(url.difference_update_query(["options"])), "--clean", "--if-exists")


def dumped(town: Town) -> Path:
    url = make_url(town.settings.database_url)
    engine = postgres_engine(url, 1)
    with engine.connect() as connection:
        schema = connection.scalar(text("SELECT current_schema()"))
    engine.dispose()
    dump, plain = town.folder / "copy.dump", url.difference_update_query(["options"])
    command = ["pg_dump", "--format=custom", f"--schema={schema}", f"--file={dump}", address_of(plain)]
    subprocess.run(command, stdin=subprocess.DEVNULL, check=True, env=dict(os.environ))
    return dump


def restored(dump: Path, address: str, *options: str) -> None:
    """Begun again when the server refuses it because a running bot reads the same tables in another order."""
    command = ["pg_restore", "--exit-on-error", *options, address, str(dump)]
    while True:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=dict(os.environ))
        if "deadlock detected" not in ended.stderr:
            assert not ended.returncode, ended.stderr
            return


def sent(town: Town) -> list[tuple[int, str]]:
    """To whom new messages have gone, and what they say."""
    calls = [call.params for call in town.sandbox.world.calls if call.method == "sendMessage"]
    return [(int(str(given["chat_id"])), str(given["text"])) for given in calls]


def until_reminded(town: Town, after: int) -> None:
    """Somebody who has not written hears something."""
    assert town.process is not None
    wait_until(
        lambda: {chat for chat, _ in sent(town)[after:]} - {ANA, PEDRO},
        "somebody is reminded",
        show=lambda: f"{sent(town)[after:]}\n{town.logged()}",
        unless=has_ended(town.process),
    )
    town.rest()


def test_an_older_database_in_its_place_is_held_until_somebody_has_looked(town: Town) -> None:
    """Nobody is reminded a second time; whoever writes is answered, the status says why, an admin's button ends it."""
    town.start()
    ana, admin = town.officer(ANA), town.officer(PEDRO)
    ana.say("/pendientes")
    town.stop()
    put_back = copied(town)
    town.start()
    town.client.move_clock(to=REMINDED)
    until_reminded(town, 0)
    town.stop()
    put_back()
    before = len(sent(town))
    for _ in range(2):  # it is held at its second start too, and the reason is said once
        town.start()
        assert "MMUJER" in ana.say("/pendientes")
        town.stop()
    town.start()
    assert town.logged().count("database.went_back") == 1
    status = town.enlace("status")
    assert (status.returncode, "restored" in status.stdout) == (1, True)
    assert {chat for chat, _ in sent(town)[before:]} <= {ANA, PEDRO}
    assert not any("Hoy vence" in words for _, words in sent(town)[before:])
    admin.say("/estado")
    admin.tap("Reanudar los avisos")
    released = len(sent(town))
    town.client.move_clock(to=NEXT)
    until_reminded(town, released)
    town.stop()
    town.start()
    assert town.logged().count("database.went_back") == 1


def test_a_bot_that_is_killed_and_started_again_is_not_taken_for_one(town: Town) -> None:
    """The file is never ahead of what was committed, wherever the process died."""
    for _ in range(3):
        town.start()
        town.officer(ANA).say("/pendientes")
        town.kill()
    town.start()
    assert "database.went_back" not in town.logged()


# ------------------------------------------------------------------ whoever restores, however
STALE = "said long ago"


def leave_waiting(town: Town) -> None:
    """Messages wait for everybody, as in a copy that is made in the midst of a fan-out."""

    def work(unit: UnitOfWork) -> None:
        for member in CAST:
            draft = OutboxDraft(member.telegram_id, "reminder", "sendMessage", {"text": STALE})
            unit.outbox.add(draft, now=BEGINS)

    with open_storage(town.settings) as database:
        database.units.submit(None, work).result(PATIENCE)


def have_gone(town: Town) -> None:
    """And then they are sent."""
    engine = create_engine(town.settings.database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE outbox SET state = 'sent', payload = NULL WHERE state = 'queued'"))
    engine.dispose()


def states(town: Town) -> set[str]:
    engine = create_engine(town.settings.database_url)
    with engine.connect() as connection:
        found = set(connection.execute(text("SELECT state FROM outbox WHERE kind = 'reminder'")).scalars())
    engine.dispose()
    return found


def is_held(town: Town) -> bool:
    engine = create_engine(town.settings.database_url)
    with engine.connect() as connection:
        found = connection.scalar(text("SELECT value FROM fact WHERE name = 'held'"))
    engine.dispose()
    return bool(found)


def holds_it(town: Town) -> None:
    """It is held, what waited in it is settled, and nobody has been told any of it again."""
    assert town.process is not None
    wait_until(lambda: is_held(town), "it is held", show=town.logged, unless=has_ended(town.process))
    wait_until(lambda: "database.went_back" in town.logged(), "it is said", show=town.logged)
    town.rest()
    assert states(town) <= {"ambiguous"}
    assert not any(STALE in words for _, words in sent(town))


def test_a_copy_that_was_made_a_moment_before_a_clean_stop_is_recognised(tmp_path: Path, town: Town) -> None:
    """However soon: the bot counts once more when it is told to stop."""
    town.start()
    town.officer(ANA).say("/pendientes")
    if town.settings.database_url.startswith("sqlite"):
        copy = tmp_path / "while it runs"
        with closing(sqlite3.connect(town.folder / "enlace.db")) as connection:
            connection.execute("VACUUM INTO ?", [str(copy)])

        def put_back() -> None:
            shutil.copyfile(copy, town.folder / "enlace.db")
    else:
        put_back = copied(town)
    town.stop()
    put_back()
    town.start()
    holds_it(town)


@pytest.mark.parametrize("town", ["postgresql"], indirect=True)
def test_a_dump_is_recognised_although_nothing_was_counted_since_and_no_note_is_there(town: Town) -> None:
    """Its tables are new ones: the mark in it names those that it was made of."""
    town.start()
    town.officer(ANA).say("/pendientes")
    town.kill()
    leave_waiting(town)
    put_back = copied(town)
    have_gone(town)
    put_back()
    beside(town.settings.keys).unlink()
    town.start()
    holds_it(town)


@pytest.mark.parametrize("town", ["postgresql"], indirect=True)
def test_a_dump_that_is_restored_under_a_running_bot_is_recognised_before_anything_is_sent(town: Town) -> None:
    """Somebody has not stopped it: what waits in the copy is not claimed between two looks."""
    town.start()
    town.officer(ANA).say("/pendientes")
    town.stop()
    leave_waiting(town)
    put_back = copied(town)
    have_gone(town)
    town.start()
    put_back()
    holds_it(town)


@pytest.mark.parametrize("town", ["postgresql"], indirect=True)
def test_a_dump_in_a_new_database_is_recognised(town: Town) -> None:
    """By the numbers of its tables, whatever the new database is called."""
    town.start()
    town.officer(ANA).say("/pendientes")
    town.kill()
    leave_waiting(town)
    dump = dumped(town)
    old = make_url(town.settings.database_url)
    new = old.set(database=f"{old.database}_anew_{os.getpid()}")
    server = create_engine(old.difference_update_query(["options"]), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{new.database}"'))
    try:
        restored(dump, address_of(new.difference_update_query(["options"])))
        town.settings = town.settings.model_copy(update={"database_url": new.render_as_string(hide_password=False)})
        town.start()
        holds_it(town)
    finally:
        town.kill()
        with server.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{new.database}" WITH (FORCE)'))
        server.dispose()


def test_the_whole_server_of_an_earlier_moment_is_recognised(tmp_path: Path) -> None:
    """Its disk is put back, or it is recovered to a point in time: tables are the same ones, and count less."""
    scratch.schema_or_skip()
    folder = Path(tempfile.mkdtemp(prefix="enlace-server-"))
    try:
        with cluster(folder) as server, running_sandbox(start=BEGINS.timestamp()) as sandbox:
            furnish(tmp_path, server.url)
            town = Town(sandbox, tmp_path, database_url=server.url)
            town.start()
            town.officer(ANA).say("/pendientes")
            town.kill()
            leave_waiting(town)
            server.control("stop")
            subprocess.run(["cp", "-a", folder / "data", folder / "earlier"], check=True)
            server.control("start")
            have_gone(town)
            town.start()
            town.kill()
            server.control("stop")
            shutil.rmtree(folder / "data")
            (folder / "earlier").rename(folder / "data")
            server.control("start")
            town.start()
            holds_it(town)
            town.kill()
    finally:
        shutil.rmtree(folder)
