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
    from storage.database.vault import Vault

    path = settings().keys
    if not path.exists():
        fail(f"There is no keyring {path}. `enlace keys new` makes one.")
    Vault.rotate(path)
    talk("A new key is in use. Restart the bot.")


@app.command()
def retire(key: Annotated[str, typer.Argument(help="The old key, such as k1.")]) -> None:
    """Remove an old key after the bot has sealed everything with the current one. Refused before."""
    from bot.open_storage import open_storage
    from storage.database.vault import Vault
    from storage.reports.files import FileStore
    from storage.upkeep.keyring import FACT, known_values
    from storage.upkeep.resealing import key_ids

    chosen = settings()
    with open_storage(chosen) as database:
        vault = database.vault
        assert vault is not None
        with database.view() as unit:
            if key in key_ids(unit) | FileStore(chosen.files, vault).key_ids():
                fail(
                    f"{key} still seals something: the bot renews seals when it starts, and once a day. Wait for that."
                )
        if key in vault.key_ids and key != vault.current:
            known = known_values(vault, without=key)
            database.units.submit(None, lambda unit: unit.facts.set(FACT, known, now())).result()
    Vault.retire(chosen.keys, key)
    talk(
        f"{key} is gone from the keyring. Old backups that it sealed can be read with an old copy of the keyring only."
    )
