"""A key more or a key less in the keyring: what `enlace keys rotate` and `retire` do."""

from datetime import datetime
from functools import partial

from bot.errors import Complaint, unavailable
from bot.open_storage import open_storage, wrong_keyring
from bot.settings import Settings
from storage.database.migrating import check
from storage.database.vault import Vault
from storage.errors import Conflict, Unavailable, Unmigrated
from storage.open_database import open_database
from storage.reports.files import FileStore
from storage.upkeep import keyring


def rotate_key(settings: Settings, now: datetime) -> None:
    """Add a key to the keyring. Complaint if the database needs a key that this keyring lacks: then it is an old copy.

    Before there is a database, no other server has a keyring.
    """
    Vault.load(settings.keys)
    try:
        check(settings.database_url)
        with open_database(settings.database_url) as database:
            database.units.submit(None, partial(keyring.rotate, path=settings.keys, now=now)).result()
    except keyring.WrongKeyring as error:
        raise wrong_keyring(settings, error.needed) from None
    except Unmigrated:
        Vault.rotate(settings.keys)
    except Unavailable as error:
        raise Complaint(unavailable(error)) from None


def retire_key(settings: Settings, key: str, now: datetime) -> None:
    """Remove a key from the keyring. Complaint while something may still be sealed with it."""
    path = settings.keys
    with open_storage(settings) as database:
        vault = database.vault
        assert vault is not None
        vault.expect_spare(key)
        of_files = FileStore(settings.files, vault).key_ids
        try:
            with database.view() as unit:
                keyring.expect_unused(unit, path, key, of_files)
            # First: a process that is killed between the two leaves a key too many, not one too few.
            known = keyring.known_values(vault, without=key)
            database.units.submit(None, lambda unit: unit.facts.set(keyring.FACT, known, now)).result()
            database.units.submit(None, lambda unit: keyring.retire(unit, path, key, of_files)).result()
        except Conflict as error:
            raise Complaint(str(error)) from None
        except Unavailable as error:
            raise Complaint(unavailable(error)) from None
