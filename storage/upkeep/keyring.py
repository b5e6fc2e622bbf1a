"""The check that a keyring is the one that sealed the data.

Every keyring begins with a key named k1, so a name proves nothing. With a wrong keyring the bot could open none of the
old data, and it would seal new answers that nobody else can read. So the database keeps a known text, sealed with each
key, and a mark of the ring itself, made with the key that is never rotated. Both are checked whenever the database is
opened, and before the ring is changed: two servers that each rotate their own copy would give one name to two keys.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path

import orjson
from sqlalchemy import inspect, select
from sqlalchemy.exc import DBAPIError

from storage.database.vault import Vault, VaultError
from storage.errors import Conflict, StorageError
from storage.unit_of_work import UnitOfWork

FACT = "keyring"
KNOWN = "enlace"


class WrongKeyring(StorageError):
    """This keyring cannot open the data. `needed` are the names of the keys that can."""

    def __init__(self, needed: frozenset[str]) -> None:
        super().__init__(f"not the keyring that this data was sealed with; needed: {', '.join(sorted(needed))}")
        self.needed = needed


def check_keyring(unit: UnitOfWork, vault: Vault) -> bool:
    """Whether everything about this keyring is stored already; otherwise call `learn_keyring`.

    WrongKeyring for another one.
    """
    told = unit.facts.get(FACT)
    if told is None:
        _try_samples(unit, vault)
        return False
    kept = orjson.loads(told)
    needed = frozenset(kept["keys"])
    if kept["ring"] != vault.mac(KNOWN.encode(), "keyring") or not needed <= vault.key_ids:
        raise WrongKeyring(needed)
    try:
        for name, sealed in kept["keys"].items():
            vault.open(bytes.fromhex(sealed), f"keyring:{name}")
    except VaultError:
        raise WrongKeyring(needed) from None
    return needed == vault.key_ids


def known_values(vault: Vault, *, without: str = "") -> str:
    """Return the values that are stored about this keyring, once it is known to be the right one."""
    keys = {name: vault.seal(KNOWN, f"keyring:{name}", name).hex() for name in vault.key_ids if name != without}
    return orjson.dumps({"ring": vault.mac(KNOWN.encode(), "keyring"), "keys": keys}).decode()


def rotate(unit: UnitOfWork, path: Path, now: datetime) -> None:
    """Add a key to the ring at `path`, and note it here. WrongKeyring if the ring lacks a key that another server made.

    The unit must have no keyring of its own: it would be applied anew because of the new key.
    """
    unit.facts.locked(FACT)
    check_keyring(unit, Vault.load(path))
    unit.facts.set(FACT, known_values(Vault.rotate(path)), now)


def expect_unused(unit: UnitOfWork, path: Path, key: str, of_files: Callable[[], Collection[str]]) -> None:
    """Conflict if this key seals something, or if a process still seals with it. `of_files` are the keys of files."""
    from storage.upkeep.resealing import key_ids

    if key in key_ids(unit) or key in of_files():
        raise Conflict(
            f"{key} still seals something: the bot renews seals when it starts, and once a day. Wait for that."
        )
    if not unit.is_postgresql:
        return  # the only process reads this very file
    current = Vault.load(path).current
    behind = [str(id) for id, told in unit.replicas.keys().items() if told != current]
    if behind:
        raise Conflict(
            f"a running bot may still seal with {key} (replica {', '.join(behind)}). Copy the keyring to its server "
            "and wait half a minute. A bot that was killed is forgotten when another one runs."
        )


def retire(unit: UnitOfWork, path: Path, key: str, of_files: Callable[[], Collection[str]]) -> None:
    """Remove a key from the ring at `path`, while nobody can write a seal that this unit does not see."""
    from storage.upkeep.resealing import keep_as_they_are

    keep_as_they_are(unit)
    expect_unused(unit, path, key, of_files)
    if key in Vault.load(path).key_ids:  # a unit may be applied twice
        Vault.retire(path, key)


def needed_keys(unit: UnitOfWork) -> frozenset[str]:
    """Return the keys without which something here cannot be read, also in tables of an older version."""
    if not inspect(unit.connection).has_table("fact"):
        return frozenset()
    told = unit.facts.get(FACT)
    if told is not None:
        return frozenset(orjson.loads(told)["keys"])
    from storage.upkeep.resealing import key_ids  # imported here: most commands need only the known values

    try:
        return key_ids(unit)
    except DBAPIError:  # tables of an older version
        return frozenset()


def _try_samples(unit: UnitOfWork, vault: Vault) -> None:
    """Open one sealed text of each kind. It is the check for a database without the known text."""
    from storage.upkeep.resealing import SEALED, key_ids

    needed = key_ids(unit)
    if not needed <= vault.key_ids:
        raise WrongKeyring(needed)
    for kind in SEALED:
        one = select(kind.column, *kind.bound_to).where(kind.column.is_not(None)).limit(1)
        for sealed, *names in unit.connection.execute(one):
            try:
                kind.open(vault, sealed, names)
            except VaultError:
                raise WrongKeyring(needed) from None
