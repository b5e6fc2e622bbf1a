"""`enlace keys`: the encryption keyring."""

from typing import Annotated

import typer

from bot.cli.at_server import now, settings
from bot.cli.console import fail, talk

app = typer.Typer(no_args_is_help=True)


@app.command()
def new() -> None:
    """Make the keyring (mode 0600); an existing one is left alone."""
    from bot.open_storage import expect_no_sealed_data
    from storage.database.vault import Vault

    chosen = settings()
    path = chosen.keys
    if path.exists():
        fail(f"{path} exists; `enlace keys rotate` adds a new key to it")
    expect_no_sealed_data(chosen)
    Vault.create(path)
    talk(f"Keyring made: {path}. Keep a copy apart from the database's backups.")


@app.command()
def rotate() -> None:
    """Seal with a new key from now on. What older keys sealed stays readable."""
    from bot.cli.upkeep.key_change import rotate_key

    chosen = settings()
    if not chosen.keys.exists():
        fail(f"There is no keyring {chosen.keys}. `enlace keys new` makes one.")
    rotate_key(chosen, now())
    talk("A new key is in use. Copy the keyring to each server that has its own, and restart the bot.")


@app.command()
def retire(key: Annotated[str, typer.Argument(help="The old key, such as k1.")]) -> None:
    """Remove an old key after the bot has sealed everything with the current one. Refused before."""
    from bot.cli.upkeep.key_change import retire_key

    retire_key(settings(), key, now())
    talk(
        f"{key} is gone from the keyring. Old backups that it sealed can be read with an old copy of the keyring only."
    )
