"""Sealed columns: a thief of the database cannot read answers marked sensitive. Their keys are kept elsewhere (S12).

A database file gets copied: to a backup disk, to a laptop, to the buyer of an old machine. Columns named `sealed_…`
hold AES-256-GCM ciphertext. The key is in a separate file, and no backup of the database contains it.

Every seal is bound to its place ("session:17"): a ciphertext moved to another row or column does not open.
The keyring may have several keys. New seals use the current one, and each seal names its key. To rotate, add a key and
re-seal later. Link tokens are kept as HMAC-SHA-256 under a separate key, so that a thief of the database cannot even
test guesses.

A sealed text is: one byte 2, one byte length of the key id, key id, 12 bytes nonce, ciphertext with tag. In texts of
before, the first byte is 1: there a comment and its answer had one name for both. Resealing gives them the new form.
"""

import base64
import binascii
import contextlib
import fcntl
import hashlib
import hmac
import json
import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from storage.errors import StorageError, Unavailable

FORMAT = 2
FORMATS = (1, FORMAT)
NONCE = 12


class VaultError(StorageError):
    """A keyring that cannot be used, or a seal that does not open. The message never contains sealed data."""


class SealBroken(VaultError):
    """A seal that does not open: altered, moved from another place, or no seal at all. It will never open."""


class KeyUnknown(VaultError, Unavailable):
    """The seal's key is not known to this process yet.

    Another process may know it, so the work is tried again later.
    """


def key_unknown(error: BaseException | None) -> KeyUnknown | None:
    """The `KeyUnknown` that caused this error, or None."""
    while error is not None and not isinstance(error, KeyUnknown):
        error = error.__cause__
    return error


class Vault:
    """The keys of one deployment, in memory.

    The keyring file is read again, if it has changed, by `look_again` and when a key is missing. So a running process
    learns of a rotation and of a keyring that was put in its place. Who seals looks again first, and once more before
    what was sealed can be seen by others (`newest`), unless whoever retires a key waits for it (`keep_as_they_are`). So
    nothing is sealed under a key that was retired meanwhile.
    """

    __slots__ = ("_ciphers", "_current", "_keys", "_path", "_seen", "_token_key")

    def __init__(self, keys: Mapping[str, bytes], current: str, token_key: bytes, path: Path | None = None) -> None:
        if current not in keys:
            raise VaultError("the keyring has no current key")
        if any(len(key) != 32 for key in keys.values()) or len(token_key) < 32:
            raise VaultError("a key in the keyring is too short")
        self._keys = dict(keys)
        self._ciphers = {name: AESGCM(key) for name, key in keys.items()}
        self._current = current
        self._token_key = token_key
        self._path = path
        self._seen = _version(path)

    def __repr__(self) -> str:
        return f"<Vault of {len(self._ciphers)} keys, current {self._current}>"

    # -------------------------------------------------------------- the keyring file
    @classmethod
    def create(cls, path: Path) -> "Vault":
        """Create a keyring at `path`, readable by its owner only.

        VaultError if a file is there: its keys are irreplaceable.
        """
        name = _fresh_name([])
        try:
            ring = {"current": name, "keys": {name: _fresh_key()}, "token_key": _fresh_key()}
            _write(path, ring, replace=False)
        except FileExistsError as error:
            raise VaultError(f"{path}: there is a keyring already") from error
        except OSError as error:
            raise VaultError(f"{path}: {error.strerror}") from error
        return cls.load(path)

    @classmethod
    def load(cls, path: Path) -> "Vault":
        """Read the keyring at `path`. VaultError if it is missing, malformed, or readable by anybody but its owner."""
        ring = _read(path)
        try:
            keys = {str(name): _bytes(key) for name, key in ring["keys"].items()}
            return cls(keys, str(ring["current"]), _bytes(ring["token_key"]), path)
        except (KeyError, TypeError, AttributeError, binascii.Error) as error:
            raise VaultError(f"{path}: not a keyring") from error

    @classmethod
    def rotate(cls, path: Path) -> "Vault":
        """Add a key to the keyring and make it the current one. Old seals still open."""
        cls.load(path)
        with _alone(path):
            ring = _read(path)
            name = _fresh_name(ring["keys"])
            ring["keys"][name] = _fresh_key()
            ring["current"] = name
            _write(path, ring, replace=True)
        return cls.load(path)

    @classmethod
    def retire(cls, path: Path, key_id: str) -> "Vault":
        """Remove a key that no seal uses any more. VaultError for the current one."""
        cls.load(path)
        with _alone(path):
            ring = _read(path)
            _expect_spare(key_id, ring["current"], ring["keys"])
            del ring["keys"][key_id]
            _write(path, ring, replace=True)
        return cls.load(path)

    # -------------------------------------------------------------- sealing
    @property
    def current(self) -> str:
        return self._current

    @property
    def key_ids(self) -> frozenset[str]:
        return frozenset(self._ciphers)

    def expect_spare(self, key: str) -> None:
        """VaultError unless this is a key of the ring, and not the current one."""
        _expect_spare(key, self._current, self._keys)

    @property
    def head(self) -> bytes:
        """Return the first bytes of every seal under the current key."""
        return _head(self._current)

    def seal(self, text: str, row: str, key: str = "") -> bytes:
        """Seal `text` for this keyring and for this `row` only; with the current key, or with the given one."""
        return self.seal_bytes(text.encode(), row, key)

    def open(self, blob: bytes, row: str, *, before: str = "") -> str:
        """Open a text that was sealed for `row`. `before` is what format 1 called this place, if that was another name.

        SealBroken if it was altered or moved from another place, KeyUnknown if its key is missing.
        """
        try:
            return self.open_bytes(blob, before if before and blob[:1] == b"\x01" else row).decode()
        except ValueError as error:
            raise SealBroken(f"{row}: the seal is broken") from error

    def seal_bytes(self, data: bytes, row: str, key: str = "") -> bytes:
        """The same as `seal`, for bytes."""
        name = key or self._current
        head = _head(name)
        nonce = os.urandom(NONCE)
        return head + nonce + self._ciphers[name].encrypt(nonce, data, head + row.encode())

    def open_bytes(self, blob: bytes, row: str) -> bytes:
        name = self.key_id(blob)
        cipher = self._ciphers.get(name)
        if cipher is None and self.look_again():
            cipher = self._ciphers.get(name)
        if cipher is None:
            raise KeyUnknown(f"sealed under the key {name}, which is not in the keyring")
        body = 2 + blob[1]
        head, nonce, sealed = blob[:body], blob[body : body + NONCE], blob[body + NONCE :]
        try:
            return cipher.decrypt(nonce, sealed, head + row.encode())
        except (InvalidTag, ValueError) as error:
            raise SealBroken(f"{row}: the seal is broken") from error

    def look_again(self) -> bool:
        """Read the keyring file again if it has changed and continues this keyring. Return whether it was taken.

        An older copy does not: its current key may be retired by now. Nor does a file with another key under a known
        name, as when two servers have each rotated their own: what was sealed under that name would not open.
        """
        if self._path is None or (version := _version(self._path)) == self._seen:
            return False
        self._seen = version
        try:
            there = Vault.load(self._path)
        except VaultError:
            return False
        if not self._is_continued_by(there):
            return False
        self._keys = self._keys | there._keys
        self._ciphers = self._ciphers | there._ciphers  # before `current`, which other threads seal with
        self._current = there._current
        return True

    def newest(self) -> str:
        """Look again, and return the name of the key that seals from now on."""
        self.look_again()
        return self._current

    def _is_continued_by(self, there: "Vault") -> bool:
        return (
            hmac.compare_digest(there._token_key, self._token_key)
            and _number(there._current) >= _number(self._current)
            and all(self._keys.get(name, key) == key for name, key in there._keys.items())
        )

    def key_id(self, blob: bytes) -> str:
        """The id of the key of a seal. Seals under another key than `current` wait for re-sealing."""
        if len(blob) < 2 + NONCE or blob[0] not in FORMATS:
            raise SealBroken("not a sealed text")
        try:
            return blob[2 : 2 + blob[1]].decode("ascii")
        except UnicodeDecodeError as error:
            raise SealBroken("not a sealed text") from error

    def mac(self, data: bytes, purpose: str) -> str:
        """A keyed hash of `data` that only this keyring can make: 64 hexadecimal digits.

        Each `purpose` has its own key, derived from the one that is never rotated. So old hashes can still be verified.
        """
        key = hmac.digest(self._token_key, purpose.encode(), "sha256")
        return hmac.digest(key, data, "sha256").hex()

    def token_hash(self, token: str) -> str:
        """Return the hash that is kept of a link's token: 64 hexadecimal digits, the same on every replica of this
        keyring.
        """
        return hmac.new(self._token_key, token.encode(), hashlib.sha256).hexdigest()


def _version(path: Path | None) -> tuple[int, int] | None:
    """Return something that changes whenever the file is written or replaced; None if there is no file."""
    try:
        status = None if path is None else path.stat()
    except OSError:
        return None
    return None if status is None else (status.st_ino, status.st_mtime_ns)


@cache
def _head(name: str) -> bytes:
    return bytes((FORMAT, len(name.encode()))) + name.encode()


def _fresh_name(taken: Iterable[str]) -> str:
    return f"k{max(map(_number, taken), default=0) + 1}"


def _expect_spare(key: str, current: str, keys: Iterable[str]) -> None:
    if key == current:
        raise VaultError("the current key cannot be retired")
    if key not in keys:
        raise VaultError("the keyring has no such key")


def _number(name: str) -> int:
    """Return the number of a key, such as 2 for "k2". A key that was made later has a greater one."""
    return int(name[1:]) if name[1:].isdecimal() else 0


def _fresh_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _read(path: Path) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or stat.S_IMODE(status.st_mode) & 0o077:
                raise VaultError(
                    f"{path}: others than its owner can read it; chmod 600 it, and consider its keys known"
                )
            ring = json.loads(file.read())
    except OSError as error:
        raise VaultError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise VaultError(f"{path}: not a keyring") from error
    if not isinstance(ring, dict):
        raise VaultError(f"{path}: not a keyring")
    return ring


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process at a time read and change the keyring at `path`.

    Otherwise two rotations would make one name for two keys, and what was sealed with the first would never open.
    """
    folder = os.open(path.absolute().parent, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some file systems have no locks
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _write(path: Path, ring: object, *, replace: bool) -> None:
    """Write the keyring: complete and synced, or not at all."""
    target = path.with_name(f"{path.name}.new")
    target.unlink(missing_ok=True)
    handle = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with open(handle, "w", encoding="ascii") as file:
        json.dump(ring, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    if replace:
        target.replace(path)
    else:
        _name_once(target, path)
    with contextlib.suppress(OSError):  # some file systems cannot sync a folder
        folder = os.open(path.absolute().parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _name_once(target: Path, path: Path) -> None:
    """Give the file its name. FileExistsError if the name is taken; without links, the file system is asked before."""
    try:
        os.link(target, path)
    except FileExistsError:
        raise
    except OSError:
        if path.exists():
            raise FileExistsError(path) from None
        target.replace(path)
    finally:
        target.unlink(missing_ok=True)
