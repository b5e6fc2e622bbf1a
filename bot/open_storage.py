"""Open the database, for `run` and for every other command.

This module imports storage only: a command that lists people must not wait until everything for Telegram is imported.
"""

import contextlib
from datetime import UTC, datetime

from bot.errors import Complaint, unavailable
from bot.settings import Settings
from storage.database.migrating import check, found
from storage.database.vault import Vault, VaultError
from storage.errors import StorageError, Unavailable, Unmigrated
from storage.open_database import Database, open_database
from storage.plan.plans import Plan
from storage.unit_of_work import UnitOfWork
from storage.upkeep import chain
from storage.upkeep.keyring import FACT as KEYRING
from storage.upkeep.keyring import WrongKeyring, check_keyring, known_values, needed_keys

BOT_USERNAME = "telegram.username"
"""The fact that holds the bot's name, once `run` has learnt it."""


def open_storage(settings: Settings, *, needs_keys: bool = True) -> Database:
    """Open and check the database. If it cannot be used, a Complaint names the reason and the remedy."""
    database = open_unasked(settings, needs_keys=needs_keys)
    try:
        expect_ours(settings, database)
    except BaseException as error:
        database.close()
        if isinstance(error, Unavailable):
            raise Complaint(unavailable(error)) from None
        raise
    return database


def open_unasked(settings: Settings, *, needs_keys: bool = True) -> Database:
    """Open the keyring, and the database without asking it anything: it may be away. Then call `expect_ours`."""
    try:
        vault = Vault.load(settings.keys) if needs_keys else None
    except VaultError as error:
        raise Complaint(f"The keyring {settings.keys} cannot be used: {error}. `enlace init` makes one.") from None
    except OSError as error:
        raise Complaint(
            f"The keyring {settings.keys} cannot be read ({error.strerror}). `enlace init` makes one."
        ) from None
    try:
        return open_database(settings.database_url, vault=vault)
    except StorageError as error:
        raise Complaint(f"The database cannot be used: {error}.") from None


def expect_ours(settings: Settings, database: Database) -> None:
    """Complaint unless the tables are this version's, and the keyring theirs. Unavailable while nobody answers."""
    try:
        check(settings.database_url)
        if database.vault is not None:
            _know_keyring(database, database.vault, settings)
            database.before_close = _link_what_was_done
    except Unmigrated as error:
        raise Complaint(f"{error}.") from None
    except Unavailable:
        raise
    except StorageError as error:
        raise Complaint(f"The database cannot be used: {error}.") from None


def _know_keyring(database: Database, vault: Vault, settings: Settings) -> None:
    """Complaint unless this keyring opens the data. Another keyring would seal answers that nobody else can read."""
    try:
        with database.view() as unit:
            is_known = check_keyring(unit, vault)
        if not is_known:
            at = datetime.now(UTC)
            database.units.submit(None, lambda unit: unit.facts.set(KEYRING, known_values(vault), at)).result()
    except WrongKeyring as error:
        raise wrong_keyring(settings, error.needed) from None


def wrong_keyring(settings: Settings, needed: frozenset[str]) -> Complaint:
    return Complaint(
        f"{settings.keys} is not the keyring that this data was sealed with (needed: {', '.join(sorted(needed))}). "
        "Put that keyring there, or let ENLACE_KEYS name it."
    )


def expect_no_sealed_data(settings: Settings) -> None:
    """Complaint if a new keyring would stand beside data that another one sealed."""
    try:
        if found(settings.database_url) is None:
            return  # asked first: a reader that finds no tables says on the log that the database is away
        with open_database(settings.database_url) as database, database.view() as unit:
            needed = needed_keys(unit)
    except Unavailable:
        return  # it cannot be reached: opening it gives a better message
    if needed:
        raise wrong_keyring(settings, needed)


def _link_what_was_done(database: Database) -> None:
    """Link a command's own audit entries before it ends (S13).

    Usually the sealer does it, but the sealer runs with the bot, which may not be running.
    """
    with contextlib.suppress(StorageError):  # the next command or sealer links them
        while database.units.applied and database.units.submit(None, chain.seal).result() is not None:
            pass


def plan_named(unit: UnitOfWork, code: str) -> Plan:
    """The plan a command is about: the one with this code or, without a code, the deployment's only one."""
    plans = unit.plans.all()
    known = ", ".join(plan.code for plan in plans)
    for plan in plans:
        if plan.code == code:
            return plan
    if plans and code:
        raise Complaint(f"There is no plan {code!r}: say which with --plan, one of {known}.")
    if len(plans) > 1:
        raise Complaint(f"There are several plans: say which with --plan, one of {known}.")
    return unit.plans.only()
