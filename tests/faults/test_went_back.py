"""T14: somebody puts an older database back behind the bot's back. It says nothing until a person has looked."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from bot.demo.demo import BEGINS
from bot.sandbox.server import running_sandbox
from storage.database.engines import postgres_engine
from storage.upkeep.backups import address_of
from tests.bot.house import ANA, PEDRO, Town, furnish
from tests.deadlines import has_ended, wait_until
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
    engine = postgres_engine(url, 1)
    with engine.connect() as connection:
        schema = connection.scalar(text("SELECT current_schema()"))
    engine.dispose()
    dump, plain = town.folder / "copy.dump", url.difference_update_query(["options"])
    tools = {"stdin": subprocess.DEVNULL, "check": True, "env": dict(os.environ)}
    subprocess.run(["pg_dump", "--format=custom", f"--schema={schema}", f"--file={dump}", address_of(plain)], **tools)  # type: ignore[call-overload]

    def put_back() -> None:
        command = ["pg_restore", "--clean", "--if-exists", "--exit-on-error", address_of(plain), str(dump)]
        subprocess.run(command, **tools)  # type: ignore[call-overload]

    return put_back


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
