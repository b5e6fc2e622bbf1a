"""Evidence: the files that people send, kept so that they can be trusted.

A reviewer opens them on the ministry's computer, perhaps years later.

Laws: only files that were inspected are kept (`storage.reports.inspection`); a file is named by its content, so that
storing it twice stores it once; sensitive files are sealed on disk.
"""

import contextlib
import hashlib
import os
import re
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, insert, select, update

from storage.database.declared import in_columns
from storage.database.models import Attachment, columns_of, table
from storage.database.unit import Repository
from storage.database.vault import KeyUnknown, SealBroken, Vault
from storage.errors import NotFound, StorageError
from storage.reports.inspection import Inspected


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def answer_name(ref: str, sha256: str, extension: str, taken: Collection[str] = ()) -> str:
    """A name for an answer's file, such as "evidence_photo-1a2b3c4d.jpg", that is not taken yet."""
    question = re.sub(r"[^A-Za-z0-9_-]", "", re.sub(r"\[\d+\]$", "", ref.rpartition("/")[2])) or "file"
    stem = f"{question[:60]}-{sha256[:8]}"
    name, number = f"{stem}.{extension}", 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}.{extension}"
    return name


# ------------------------------------------------------------------ on disk
def storage_key(sha256: str, *, sensitive: bool) -> str:
    """The path of a content, below the folder of files."""
    return f"{'sealed' if sensitive else 'plain'}/{sha256[:2]}/{sha256}"


_KEY = re.compile(r"(plain|sealed)/[0-9a-f]{2}/([0-9a-f]{64})")


class Put(NamedTuple):
    """A content as one call stored it."""

    key: str
    made_at: int | None
    """The file's time in nanoseconds, if this call made it. None if the content was there already."""


class FileStore:
    """A folder of files named by their content. Each file is complete or absent, and only its owner can read it."""

    def __init__(self, root: Path, vault: Vault | None) -> None:
        self._root = root
        self._vault = vault

    def try_to_write(self) -> None:
        """Raise OSError if nothing can be stored: no room, no permission, a file in place of the folder."""
        self._root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=self._root) as file:
            file.write(bytes(4096))
            file.flush()

    def put(self, data: bytes, sensitive: bool) -> str:
        """Store a content and return its key. Storing it again only renews its age (see `sweep`)."""
        return self.put_for_now(data, sensitive).key

    def put_for_now(self, data: bytes, sensitive: bool) -> Put:
        """Store a content that may not be needed after all: give the result to `take_back` then."""
        sha256 = _sha256(data)
        key = storage_key(sha256, sensitive=sensitive)
        path = self._root / key
        with contextlib.suppress(FileNotFoundError):
            _renew(path)
            return Put(key, None)
        if sensitive:
            made_at = self._write_sealed(path, data, sha256)
        else:
            made_at = self._write(path, data)
        return Put(key, made_at)

    def take_back(self, put: Put) -> None:
        """Remove what a call stored. Nothing happens if it was there before, or somebody has stored it since.

        Only for a content that no attachment names. Somebody else may be storing the same content at this moment. So
        the file loses its name first, and gets it back if its time has changed. Whoever stores it in between writes it.
        """
        path, _ = self._path(put.key)
        aside = path.with_name(f".gone-{path.name}")
        with contextlib.suppress(FileNotFoundError):
            if put.made_at is None or path.stat().st_mtime_ns != put.made_at:
                return
            os.replace(path, aside)
            if aside.stat().st_mtime_ns == put.made_at:
                aside.unlink()
            else:
                os.replace(aside, path)

    def get(self, key: str) -> bytes:
        """The content. NotFound if there is none. StorageError if it is no longer the content that was stored."""
        path, sha256 = self._path(key)
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise NotFound(key) from error
        if key.startswith("sealed/"):
            data = self._keyring().open_bytes(data, f"file:{sha256}")
        if _sha256(data) != sha256:
            raise StorageError(f"{key}: the file has been altered")
        return data

    def path(self, key: str) -> Path:
        """The path of a content that is not sealed, so that it can be sent as it is. NotFound for any other key."""
        if not key.startswith("plain/"):
            raise NotFound(key)
        return self._path(key)[0]

    def delete(self, key: str) -> None:
        """Delete a content, if it is there. Only for contents that no attachment names (`Attachments.remove`)."""
        self._path(key)[0].unlink(missing_ok=True)

    def keys(self) -> Iterator[str]:
        """Return the keys of all stored contents."""
        for path in self._root.glob("*/*/*"):
            key = path.relative_to(self._root).as_posix()
            if _KEY.fullmatch(key):
                yield key

    def sweep(self, keep: Collection[str], before: datetime) -> int:
        """Remove the contents that are not in `keep` and were stored before an instant. Returns how many.

        A file is stored before the unit that attaches it commits. A crash may leave it behind, and this removes it.
        The age spares a file that is being attached now. Unfinished writes are removed too.
        """
        removed = 0
        wanted = frozenset(keep)
        for path in [p for p in self._root.glob("*/*/*") if p.is_file()]:
            if path.relative_to(self._root).as_posix() not in wanted and path.stat().st_mtime < before.timestamp():
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def reseal(self) -> tuple[int, int]:
        """Seal contents again that are sealed under an old key.

        Return how many, and how many do not open: those are left as they are.
        """
        vault = self._keyring()
        count = broken = 0
        for key in [key for key in self.keys() if key.startswith("sealed/")]:
            path, sha256 = self._path(key)
            try:
                if self._key_id(path) == vault.current:
                    continue
                data = vault.open_bytes(path.read_bytes(), f"file:{sha256}")
            except (SealBroken, KeyUnknown):
                broken += 1
                continue
            self._write_sealed(path, data, sha256)
            count += 1
        return count, broken

    def key_ids(self) -> frozenset[str]:
        """The keys that stored files are sealed under."""
        return frozenset(self._key_id(self._root / key) for key in self.keys() if key.startswith("sealed/"))

    def _key_id(self, path: Path) -> str:
        with open(path, "rb") as file:
            return self._keyring().key_id(file.read(64))  # the head is enough: evidence weighs megabytes

    def _keyring(self) -> Vault:
        if self._vault is None:
            raise StorageError("no keyring: sensitive files cannot be kept")
        self._vault.look_again()
        return self._vault

    def _path(self, key: str) -> tuple[Path, str]:
        match = _KEY.fullmatch(key)
        if match is None:
            raise NotFound(key)  # a key is data: it must not lead elsewhere
        return self._root / key, match[2]

    def _write_sealed(self, path: Path, data: bytes, sha256: str) -> int:
        """Write it under the current key. If another key has become current meanwhile, write it again.

        Until the file has its name, whoever retires the old key does not see it.
        """
        vault, key, made_at = self._keyring(), "", 0
        while key != vault.newest():
            key = vault.current
            made_at = self._write(path, vault.seal_bytes(data, f"file:{sha256}", key))
        return made_at

    def _write(self, path: Path, data: bytes) -> int:
        """Write it, whole or not at all. Return the file's time."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".new-", dir=path.parent)  # mode 0600
        try:
            with open(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                made_at = os.fstat(file.fileno()).st_mtime_ns
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise
        _sync_folder(path.parent)
        return made_at


def _renew(path: Path) -> None:
    """Give a file the present time, or a later one: never the time that it had. A clock has only so many moments."""
    before = path.stat().st_mtime_ns
    os.utime(path)
    if path.stat().st_mtime_ns <= before:
        os.utime(path, ns=(before + 1, before + 1))


def _sync_folder(folder: Path) -> None:
    """Make the name survive a power cut, like the content. Windows cannot do it, and does not need it."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# ------------------------------------------------------------------ who it belongs to
_A = table(Attachment)


@dataclass(frozen=True, slots=True)
class StoredAttachment:
    """One file of one answer; `key` is where its content lies."""

    id: int
    plan_id: int
    instance_id: str
    ref: str
    file_name: str
    original_name: str
    mime_type: str
    size: int
    sha256: str
    original_sha256: str
    is_compressed: bool
    sensitive: bool
    created_at: datetime

    @property
    def key(self) -> str:
        return storage_key(self.sha256, sensitive=self.sensitive)


@dataclass(frozen=True, slots=True)
class NewAttachment:
    """A stored file to attach to the answer at `ref`."""

    plan_id: int
    instance_id: str
    ref: str
    inspected: Inspected
    sensitive: bool
    is_compressed: bool


_COLUMNS = columns_of(StoredAttachment, _A)
_OF_INSTANCE = select(*_COLUMNS).where(_A.c.instance_id == bindparam("instance_id")).order_by(_A.c.id)
_REMOVE = (
    delete(_A).where(_A.c.instance_id == bindparam("of_instance"), _A.c.ref == bindparam("of_ref")).returning(*_COLUMNS)
)
_REMOVE_ALL = delete(_A).where(_A.c.instance_id == bindparam("of_instance")).returning(*_COLUMNS)
_SAME_CONTENT = (
    select(_A.c.id).where(_A.c.sha256 == bindparam("sha"), _A.c.sensitive == bindparam("is_sensitive")).limit(1)
)
_MOVE = (
    update(_A)
    .where(_A.c.instance_id == bindparam("of_instance"), _A.c.ref == bindparam("of_ref"))
    .values(ref=bindparam("new_ref"))
)


class Attachments(Repository):
    """The files of answers."""

    def add(self, new: NewAttachment, now: datetime) -> StoredAttachment:
        """Attach a stored file to an answer, in place of the file that the answer had.

        Its `file_name` is unique within the instance: a server that receives the submission knows files by name.
        The replaced content stays on disk until `FileStore.sweep`, unless `remove` was called before.
        """
        self._connection.execute(_REMOVE, {"of_instance": new.instance_id, "of_ref": new.ref})
        taken = {other.file_name for other in self.of_instance(new.instance_id)}
        inspected = new.inspected
        values: dict[str, Any] = {
            **in_columns(new, _A),
            **in_columns(inspected, _A),
            "file_name": answer_name(new.ref, inspected.sha256, inspected.extension, taken),
            "created_at": now,
        }
        number = self._connection.execute(insert(_A).values(**values).returning(_A.c.id)).scalar_one()
        return StoredAttachment(number, **values)

    def of_instance(self, instance_id: str) -> list[StoredAttachment]:
        """The files of an instance, in the order in which they were sent."""
        rows = self._connection.execute(_OF_INSTANCE, {"instance_id": instance_id})
        return [StoredAttachment(*row) for row in rows]

    def find(self, instance_id: str, file_name: str) -> StoredAttachment:
        """Return the file that an answer names. NotFound if there is none."""
        for attachment in self.of_instance(instance_id):
            if attachment.file_name == file_name:
                return attachment
        raise NotFound(file_name)

    def remove(self, instance_id: str, ref: str | None = None) -> tuple[str, ...]:
        """Detach the file of an answer, or all of an instance. Returns the keys of contents that nobody names any more.

        The caller deletes those from the `FileStore` once this unit has committed.
        """
        if ref is None:
            rows = self._connection.execute(_REMOVE_ALL, {"of_instance": instance_id}).all()
        else:
            rows = self._connection.execute(_REMOVE, {"of_instance": instance_id, "of_ref": ref}).all()
        return self._unused(StoredAttachment(*row) for row in rows)

    def is_named(self, key: str) -> bool:
        """Whether an answer has this content."""
        folder, _, sha256 = key.rpartition("/")
        values = {"sha": sha256, "is_sensitive": folder.startswith("sealed")}
        return self._connection.execute(_SAME_CONTENT, values).first() is not None

    def copy(self, instance_id: str, to_instance: str, now: datetime) -> int:
        """Give a correction the files of the submission that it corrects.

        Return how many. Contents are shared, not copied.
        """
        attachments = self.of_instance(instance_id)
        for attachment in attachments:
            values = {name: getattr(attachment, name) for name in StoredAttachment.__slots__ if name != "id"}
            self._connection.execute(insert(_A).values(**values | {"instance_id": to_instance, "created_at": now}))
        return len(attachments)

    def move(self, instance_id: str, refs: Mapping[str, str]) -> None:
        """Follow repeats that were renumbered: old ref → new ref.

        They must be in an order in which each new ref is free.
        """
        for old, new in refs.items():
            self._connection.execute(_MOVE, {"of_instance": instance_id, "of_ref": old, "new_ref": new})

    def keys(self) -> frozenset[str]:
        """Return the keys of all attachments' contents: `FileStore.sweep` must keep them."""
        rows = self._connection.execute(select(_A.c.sha256, _A.c.sensitive).distinct())
        return frozenset(storage_key(sha256, sensitive=sensitive) for sha256, sensitive in rows)

    def _unused(self, removed: Iterable[StoredAttachment]) -> tuple[str, ...]:
        found = dict.fromkeys((attachment.sha256, attachment.sensitive) for attachment in removed)
        return tuple(
            storage_key(sha256, sensitive=sensitive)
            for sha256, sensitive in found
            if self._connection.execute(_SAME_CONTENT, {"sha": sha256, "is_sensitive": sensitive}).first() is None
        )
