"""Exports that wait to be sent, sealed on disk like the answers in them.

Telegram may be away for hours, and the folder of evidence is what operators copy. An export of the coordination holds
restricted words. A file may be larger than what should be held in memory, so it is sealed a piece at a time.

A sealed file: eight bytes with the length of the content, four with that of a sealed piece, and the pieces. Each piece
is bound to the file's name, to its number and to the whole length, so a file that was cut does not open.
"""

import contextlib
import io
import os
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import IO, Final

from storage.database.vault import Vault, VaultError
from storage.errors import StorageError

PIECE: Final = 1 << 20
_HEAD: Final = 12
_NAME = re.compile(r"\d+-\d+-\d+\.part|\.new-\w+")


class Parcels:
    """The folder of files that wait to be sent."""

    def __init__(self, folder: Path, vault: Vault | None) -> None:
        self.folder = folder
        self._vault = vault

    def make(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        """The path of a file. FileNotFoundError for other names: they come from a row and must not lead elsewhere."""
        if not _NAME.fullmatch(name):
            raise FileNotFoundError(name)
        return self.folder / name

    def keep(self, made: Path, name: str) -> None:
        """Keep this file, sealed, under that name. What was made is removed."""
        path = self.path(name)
        sealing = path.with_name(f".new-{path.stem.replace('-', '_')}")
        vault, length = self._keyring(), made.stat().st_size
        key = vault.newest()
        try:
            with made.open("rb") as plain, open(os.open(sealing, _NEW, 0o600), "wb") as out:
                for number in range(-(-length // PIECE)):
                    piece = vault.seal_bytes(plain.read(PIECE), _place(name, number, length), key)
                    if not number:
                        out.write(length.to_bytes(8) + len(piece).to_bytes(4))
                    out.write(piece)
            sealing.replace(path)
        except BaseException:
            sealing.unlink(missing_ok=True)
            raise
        made.unlink(missing_ok=True)

    def open(self, name: str) -> IO[bytes]:
        """Return the content of a file. FileNotFoundError if it is gone, or if its key is: it is made again then."""
        file = self.path(name).open("rb")
        try:
            return io.BufferedReader(_Opened(file, self._keyring(), name), PIECE)
        except VaultError as error:
            file.close()
            raise FileNotFoundError(name) from error
        except BaseException:
            file.close()
            raise

    def remove(self, names: Iterable[str]) -> None:
        for name in names:
            self.path(name).unlink(missing_ok=True)

    def sweep(self, before: datetime, keep: frozenset[str] | None = None) -> int:
        """Remove the files made before an instant, or all that are not in `keep`. Return how many."""
        removed = 0
        for path in self.folder.glob("*") if self.folder.exists() else ():
            is_old = path.stat().st_mtime < before.timestamp()
            if _NAME.fullmatch(path.name) and (is_old or (keep is not None and path.name not in keep)):
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def _keyring(self) -> Vault:
        if self._vault is None:
            raise StorageError("no keyring: exports cannot be kept")
        return self._vault


_NEW: Final = os.O_CREAT | os.O_TRUNC | os.O_WRONLY


def _place(name: str, number: int, length: int) -> str:
    return f"parcel:{name}:{number}:{length}"


class _Opened(io.RawIOBase):
    """A sealed file, read as what was sealed. The first piece is opened at once."""

    def __init__(self, file: IO[bytes], vault: Vault, name: str) -> None:
        head = file.read(_HEAD)
        self._file, self._vault, self._name = file, vault, name
        self._length, self._sealed = int.from_bytes(head[:8]), int.from_bytes(head[8:])
        self._at = 0
        self._number, self._piece = -1, b""
        if self._length:
            self._open(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence]
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        number, start = divmod(self._at, PIECE)
        if self._at >= self._length:
            return 0
        if number != self._number:
            self._open(number)
        read = self._piece[start : start + len(buffer)]
        buffer[: len(read)] = read
        self._at += len(read)
        return len(read)

    def close(self) -> None:
        with contextlib.suppress(AttributeError):
            self._file.close()
        super().close()

    def _open(self, number: int) -> None:
        self._file.seek(_HEAD + number * self._sealed)
        sealed = self._file.read(self._sealed)
        self._piece = self._vault.open_bytes(sealed, _place(self._name, number, self._length))
        self._number = number
