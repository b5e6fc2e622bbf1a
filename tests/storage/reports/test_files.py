"""Files of reports: a safe name, the bytes once on disk, sealed where sensitive, let go when nobody names them."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.database.vault import Vault, VaultError
from storage.errors import NotFound, StorageError
from storage.reports.files import FileStore, NewAttachment, answer_name, storage_key
from storage.reports.inspection import LONGEST_NAME, safe_name
from storage.unit_of_work import UnitOfWork
from tests.storage.reports.file_samples import DOCX, PDF, drawn, kept

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)


# ------------------------------------------------------------------ names
@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("Campaña niñas.pdf", "Campaña niñas.pdf"),
        ("Campan\u0303a.pdf", "Campaña.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ana\\acta.docx", "acta.docx"),
        ("acta\u202efdp.exe", "actafdp.exe"),
        ("a\0b\nc\u200b.pdf", "ab c.pdf"),
        ('a<b>:"|?*.pdf', "a_b______.pdf"),
        ("  acta  final .pdf. ", "acta final.pdf"),
        ("CON.pdf", "_CON.pdf"),
        ("...", ""),
        ("", ""),
    ],
)
def test_a_name_is_made_safe_and_keeps_its_letters(sent: str, expected: str) -> None:
    """ñ is a letter; a path is not a name."""
    assert safe_name(sent) == expected


@given(st.text(max_size=300))
def test_no_name_leads_elsewhere(sent: str) -> None:
    """At most 120 characters, no separators, nothing invisible, and safe already when made safe."""
    name = safe_name(sent)

    assert len(name) <= LONGEST_NAME
    assert not set(name) & set('/\\<>:"|?*\0\n\u202e\u200b')
    assert name not in (".", "..")
    assert safe_name(name) == name


def test_a_file_without_a_name_gets_one() -> None:
    """Photos of Telegram have none."""
    assert kept(drawn("JPEG"), "", "image").original_name == "file.jpg"


def test_the_name_in_an_answer_is_that_of_its_question() -> None:
    """Unique within the instance, safe in any file system."""
    sha = "1a2b3c4d" + "0" * 56
    assert answer_name("/data/g/evidence_photo", sha, "jpg") == "evidence_photo-1a2b3c4d.jpg"
    assert answer_name("/data/kid[2]/año[1]", sha, "png") == "ao-1a2b3c4d.png"
    assert answer_name("/data/p", sha, "png", {"p-1a2b3c4d.png"}) == "p-1a2b3c4d-2.png"


# ------------------------------------------------------------------ on disk
@pytest.fixture
def store(tmp_path: Path, vault: Vault) -> FileStore:
    return FileStore(tmp_path / "evidence", vault)


@pytest.mark.parametrize("sensitive", [False, True])
def test_what_is_put_is_got_and_stored_once(store: FileStore, tmp_path: Path, sensitive: bool) -> None:
    """A file is named by its content, readable by its owner alone."""
    key = store.put(PDF, sensitive)
    assert store.put(PDF, sensitive) == key
    assert store.get(key) == PDF
    assert list(store.keys()) == [key]

    [path] = [p for p in (tmp_path / "evidence").rglob("*") if p.is_file()]
    assert path.stat().st_mode & 0o777 == 0o600
    assert (PDF in path.read_bytes()) is not sensitive

    store.delete(key)
    store.delete(key)
    with pytest.raises(NotFound):
        store.get(key)


def test_an_altered_or_moved_file_is_not_taken_for_the_stored_one(store: FileStore, tmp_path: Path) -> None:
    """Evidence that was changed on disk must not look like evidence."""
    plain, sealed, other = store.put(PDF, False), store.put(PDF, True), store.put(DOCX, True)
    root = tmp_path / "evidence"
    (root / plain).write_bytes(PDF + b" ")
    with pytest.raises(StorageError):
        store.get(plain)
    (root / sealed).write_bytes((root / other).read_bytes())
    with pytest.raises(VaultError):
        store.get(sealed)


@pytest.mark.parametrize("key", ["../keyring.json", "plain/../../keyring.json", "/etc/hostname", "", "plain/aa/x"])
def test_a_key_leads_nowhere_else(store: FileStore, key: str) -> None:
    """A key is data."""
    with pytest.raises(NotFound):
        store.get(key)
    with pytest.raises(NotFound):
        store.delete(key)


def test_a_write_that_fails_leaves_nothing(store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Disk full at the worst moment: no half file under a whole file's name."""

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError):
        store.put(PDF, False)
    assert not [p for p in (tmp_path / "evidence").rglob("*") if p.is_file()]


def test_sensitive_files_are_refused_without_a_keyring(tmp_path: Path) -> None:
    """Never in the clear for want of a key."""
    with pytest.raises(StorageError):
        FileStore(tmp_path, None).put(PDF, True)


def test_a_sweep_removes_what_nobody_names_and_spares_what_is_young(store: FileStore, tmp_path: Path) -> None:
    """What a crash left between storing and attaching does not stay for ever."""
    named, orphan = store.put(PDF, False), store.put(DOCX, True)
    assert store.sweep({named}, datetime.now(UTC) - timedelta(hours=1)) == 0

    old = time.time() - 7200
    for key in (named, orphan):
        os.utime(tmp_path / "evidence" / key, (old, old))
    assert store.sweep({named}, datetime.now(UTC) - timedelta(hours=1)) == 1
    assert list(store.keys()) == [named]


@pytest.mark.parametrize("sensitive", [False, True])
def test_what_is_taken_back_is_gone_unless_somebody_else_stored_it_too(store: FileStore, sensitive: bool) -> None:
    """Before, afterwards, or at the same moment of a coarse clock."""
    made = store.put_for_now(PDF, sensitive)
    store.take_back(made)
    assert list(store.keys()) == []
    store.take_back(made)

    made, again = store.put_for_now(PDF, sensitive), store.put_for_now(PDF, sensitive)
    for each in (made, again):
        store.take_back(each)
    assert store.get(made.key) == PDF


def test_resealing_brings_files_under_the_current_key(tmp_path: Path) -> None:
    """After a rotation the old key can be retired."""
    ring = tmp_path / "ring.json"
    old = Vault.create(ring)
    key = FileStore(tmp_path / "evidence", old).put(PDF, True)
    rotated = FileStore(tmp_path / "evidence", Vault.rotate(ring))

    assert rotated.reseal() == (1, 0)
    assert rotated.reseal() == (0, 0)
    assert FileStore(tmp_path / "evidence", Vault.retire(ring, old.current)).get(key) == PDF


# ------------------------------------------------------------------ who it belongs to
def attach(
    unit: UnitOfWork, plan_id: int, ref: str, data: bytes = PDF, instance: str = "uuid:1", **options: Any
) -> Any:
    values: dict[str, Any] = {"sensitive": False, "is_compressed": False}
    file = kept(data, "Acta ñ.pdf")
    return unit.attachments.add(NewAttachment(plan_id, instance, ref, file, **values | options), NOW)


def test_an_answer_has_one_file_and_names_are_unique(apply: Any, world: Any) -> None:
    """Sending another replaces it; the same content in two repeats has two names."""

    def work(unit: UnitOfWork) -> None:
        first = attach(unit, world.plan_id, "/data/kid[1]/photo")
        second = attach(unit, world.plan_id, "/data/kid[2]/photo")
        assert first.file_name == f"photo-{first.sha256[:8]}.pdf"
        assert second.file_name == f"photo-{first.sha256[:8]}-2.pdf"
        again = attach(unit, world.plan_id, "/data/kid[1]/photo", PDF + b"\n", sensitive=True, is_compressed=True)
        assert unit.attachments.of_instance("uuid:1") == [second, again]
        assert unit.attachments.find("uuid:1", again.file_name) == again
        assert again.original_name == "Acta ñ.pdf"
        assert again.key == storage_key(again.sha256, sensitive=True)
        assert unit.attachments.keys() == {second.key, again.key}
        with pytest.raises(NotFound):
            unit.attachments.find("uuid:1", "other.pdf")

    apply(work)


def test_a_content_is_let_go_only_when_nobody_names_it(apply: Any, world: Any) -> None:
    """A correction shares the files of what it corrects."""

    def work(unit: UnitOfWork) -> None:
        attachment = attach(unit, world.plan_id, "/data/photo")
        assert unit.attachments.copy("uuid:1", "uuid:2", NOW) == 1
        [copied] = unit.attachments.of_instance("uuid:2")
        assert copied.file_name == attachment.file_name
        assert unit.attachments.remove("uuid:1", "/data/photo") == ()
        assert unit.attachments.remove("uuid:1", "/data/photo") == ()
        assert unit.attachments.remove("uuid:2") == (attachment.key,)
        assert unit.attachments.keys() == frozenset()

    apply(work)


def test_files_follow_repeats_that_were_renumbered(apply: Any, world: Any) -> None:
    """When the first child is removed the second becomes the first, with its photo."""

    def work(unit: UnitOfWork) -> None:
        attach(unit, world.plan_id, "/data/kid[2]/photo")
        attach(unit, world.plan_id, "/data/kid[3]/photo")
        unit.attachments.move(
            "uuid:1", {"/data/kid[2]/photo": "/data/kid[1]/photo", "/data/kid[3]/photo": "/data/kid[2]/photo"}
        )
        assert [a.ref for a in unit.attachments.of_instance("uuid:1")] == ["/data/kid[1]/photo", "/data/kid[2]/photo"]

    apply(work)
