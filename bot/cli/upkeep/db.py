"""`enlace db`: update, check, copy and restore the database."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bot.cli.at_server import in_unit, now, settings
from bot.cli.console import fail, talk, where

if TYPE_CHECKING:
    from bot.settings import Settings

app = typer.Typer(no_args_is_help=True)


@app.command()
def upgrade() -> None:
    """Bring the tables up to date."""
    from storage.database.migrating import upgrade as bring_up_to_date

    bring_up_to_date(settings().database_url)
    talk("The database is up to date.")


@app.command()
def check() -> None:
    """Check that the database can be reached and is up to date."""
    from bot.open_storage import open_storage

    chosen = settings()
    open_storage(chosen, needs_keys=chosen.keys.exists()).close()
    talk("The database is up to date.")


@app.command()
def backup(file: Path) -> None:
    """Write a consistent copy of the database, also while the bot runs."""
    from bot.acts.upkeep.audit import head_now
    from storage.upkeep.backups import backup as copy

    chosen = settings()
    head = head_now(chosen)
    try:
        copy(chosen.database_url, file, then=lambda: _count_on(chosen))
    except OSError as error:
        fail(f"{file}: {error.strerror}. Nothing was written.")
    talk(f"Backed up to {where(file)}.")
    if head is not None:
        talk(f"Its audit log ends at {head.note}: keep that elsewhere, for `enlace audit verify --head`.")


def _count_on(chosen: "Settings") -> None:
    """Count the copy in the database.

    The database is then ahead of it, which shows later that the file is a copy (lineage). What prevents this, such as
    another keyring, does not prevent the copy.
    """
    from bot.errors import Complaint
    from bot.open_storage import open_storage
    from storage.errors import Unavailable
    from storage.upkeep import lineage

    if chosen.keys.exists():
        with contextlib.suppress(OSError, Unavailable, Complaint), open_storage(chosen) as database:
            lineage.look(database, lineage.beside(chosen.keys), now())


@app.command()
def restore(file: Path) -> None:
    """Put a backup in place and hold it: until `db resume`, nothing that waited is sent and nobody is reminded."""
    from bot.signals import be_deaf
    from storage.upkeep.backups import restore as put_back

    put_back(file, settings().database_url, now=now(), at_the_end=be_deaf)
    talk(f"Restored from {file}. Held: nothing is sent of the bot's own accord until `enlace db resume`.")


@app.command()
def hold() -> None:
    """Declare that the database went back in time, as with a virtual machine's snapshot or a disk's copy."""
    from storage.upkeep.holding import settle_and_hold

    settled = in_unit(lambda unit: settle_and_hold(unit.connection, now()))
    talk(f"Held: nothing is sent of the bot's own accord until `enlace db resume`. {settled} messages are not sent.")


@app.command()
def resume() -> None:
    """Let a restored bot send again. What was due before stays unsent, and people are asked once to look."""
    from bot.schedule.resuming import resume as resume_restored

    found = in_unit(lambda unit: resume_restored(unit, now()))
    talk("It was not held." if found is None else "The bot speaks again.")
