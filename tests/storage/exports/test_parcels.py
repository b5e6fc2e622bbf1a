"""Exports wait for Telegram in the folder that operators copy, so their words are sealed there."""

import io
from pathlib import Path

import pytest

from storage.database.vault import SealBroken, Vault
from storage.exports.parcels import PIECE, Parcels

NAME = "7-1-1.part"
WORDS = b"coordinar con la mesa zorzal. "


@pytest.fixture
def parcels(tmp_path: Path, vault: Vault) -> Parcels:
    found = Parcels(tmp_path / "exports", vault)
    found.make()
    return found


def kept(parcels: Parcels, content: bytes, name: str = NAME) -> Path:
    made = parcels.folder / ".new-made"
    made.write_bytes(content)
    parcels.keep(made, name)
    assert not made.exists()
    return parcels.path(name)


@pytest.mark.parametrize("length", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 17])
def test_what_is_kept_is_read_as_it_was_and_lies_sealed(parcels: Parcels, length: int) -> None:
    """Whole, from the middle, and its length before its first byte, as an upload asks for it."""
    content = (WORDS * (length // len(WORDS) + 1))[:length]
    path = kept(parcels, content)
    assert b"zorzal" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in parcels.folder.iterdir()] == [NAME]
    with parcels.open(NAME) as file:
        assert file.seek(0, io.SEEK_END) == length
        file.seek(0)
        assert file.read() == content
        assert file.seek(length // 2) == length // 2
        assert file.read(40) == content[length // 2 :][:40]


def test_a_file_that_was_cut_or_whose_pieces_were_moved_does_not_open(parcels: Parcels) -> None:
    """Nor under the name of another."""
    path = kept(parcels, WORDS * (3 * PIECE // len(WORDS)))
    whole = path.read_bytes()
    sealed = int.from_bytes(whole[8:12])
    moved = whole[:12] + whole[12 + sealed : 12 + 2 * sealed] + whole[12 : 12 + sealed] + whole[12 + 2 * sealed :]
    for altered in (whole[:-1], (PIECE * 2).to_bytes(8) + whole[8:], moved):
        path.write_bytes(altered)
        with pytest.raises((SealBroken, FileNotFoundError)), parcels.open(NAME) as file:
            file.read()
    parcels.path("8-1-1.part").write_bytes(whole)
    with pytest.raises(FileNotFoundError):
        parcels.open("8-1-1.part")


def test_a_key_that_is_gone_is_a_file_that_is_gone(parcels: Parcels, tmp_path: Path) -> None:
    """The export is made again when somebody asks; a key is not kept for it."""
    kept(parcels, WORDS)
    Vault.rotate(tmp_path / "keyring.json")
    newer = Parcels(parcels.folder, Vault.retire(tmp_path / "keyring.json", "k1"))
    with pytest.raises(FileNotFoundError):
        newer.open(NAME)


@pytest.mark.parametrize("name", ["../keys.json", "7-1-1", "/etc/passwd", "7-1-1.part/x"])
def test_a_name_leads_nowhere_else(parcels: Parcels, name: str) -> None:
    with pytest.raises(FileNotFoundError):
        parcels.open(name)


def test_nothing_is_left_if_the_disk_is_full(parcels: Parcels, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the half that was sealed nor a name."""

    def full(*_: object) -> bytes:
        raise OSError(28, "No space left on device")

    made = parcels.folder / ".new-made"
    made.write_bytes(WORDS)
    monkeypatch.setattr(Vault, "seal_bytes", full)
    with pytest.raises(OSError, match="No space"):
        parcels.keep(made, NAME)
    assert [each.name for each in parcels.folder.iterdir()] == [".new-made"]
