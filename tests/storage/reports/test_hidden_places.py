"""A recording forgets where it was made, in whatever box that is written, and stays as long as it was."""

import struct

import pytest

from storage.reports import hidden_places
from storage.reports.hidden_places import noted
from tests.storage.reports.file_samples import kept, refusal, zipped

ISO, QUICKTIME = b"isom\0\0\0\0isomiso2", b"qt  \0\0\0\0qt  "
XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + "<x:xmpmeta photoshop:City='Villa Mella'/>".encode("utf-16")
NAMED = b"Hogar de paso, calle 5"


def box(kind: bytes, *inside: bytes) -> bytes:
    data = b"".join(inside)
    return struct.pack(">I", 8 + len(data)) + kind + data


def long_box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", 1) + kind + struct.pack(">Q", 16 + len(data)) + data


def full(kind: bytes, *inside: bytes) -> bytes:
    return box(kind, bytes(4), *inside)


def film(*inside: bytes, brand: bytes = ISO) -> bytes:
    return box(b"ftyp", brand) + box(b"moov", box(b"mvhd", bytes(100)), *inside) + box(b"mdat", b"pixels" * 20)


HANDLER = full(b"hdlr", bytes(4), b"mdta", bytes(13))
KEYS = full(
    b"keys",
    struct.pack(">I", 2),
    box(b"mdta", b"com.apple.quicktime.make"),
    box(b"mdta", b"com.apple.quicktime.location.name"),
)
NOTES = box(b"ilst", box(struct.pack(">I", 1), box(b"data", b"Fono")), box(struct.pack(">I", 2), box(b"data", NAMED)))
PLACES = {
    # what: the recording, its name, what it says
    "QuickTime's, in words": (film(box(b"udta", box(b"\xa9xyz", b"\0\x16\x15\xc7", NAMED))), "a.mp4", NAMED),
    "of a track": (film(box(b"trak", box(b"udta", box(b"\xa9xyz", b"N18.5 W69.9")))), "a.mov", b"N18.5"),
    "in a list": (film(box(b"udta", full(b"meta", HANDLER, box(b"ilst", box(b"\xa9xyz", NAMED))))), "a.mp4", NAMED),
    "3GPP's, its name in UTF-16": (
        film(box(b"udta", full(b"loci", b"\x15\xc7\xfe\xff\0H\0o\0\0\0", struct.pack(">iii", -4583195, 1211504, 0)))),
        "a.3gp",
        struct.pack(">ii", -4583195, 1211504),
    ),
    "3GPP's, only a name": (film(box(b"udta", full(b"loci", b"\x15\xc7", NAMED, b"\0"))), "a.mp4", NAMED),
    "under a name, ISO": (film(full(b"meta", HANDLER, KEYS, NOTES)), "a.mp4", NAMED),
    "under a name, QuickTime": (film(box(b"meta", HANDLER, KEYS, NOTES), brand=QUICKTIME), "a.mov", NAMED),
    "under a name that comes later": (film(full(b"meta", HANDLER, NOTES, KEYS)), "a.mp4", NAMED),
    "XMP": (film() + box(b"uuid", XMP), "a.mp4", XMP[16:]),
    "XMP of QuickTime": (film(box(b"udta", box(b"XMP_", XMP[16:])), brand=QUICKTIME), "a.mov", XMP[16:]),
    "a car's": (film() + box(b"free", b"GPS \x98\0\0\0", struct.pack("<ff", 1829.166, 6955.872)), "a.mp4", b"GPS \x98"),
    "a long box": (film(long_box(b"udta", box(b"loci", NAMED))), "a.mp4", NAMED),
    "a box without an end": (film() + bytes(4) + b"meta" + HANDLER + box(b"loci", NAMED), "a.mp4", NAMED),
}  # fmt: skip


@pytest.mark.parametrize("what", PLACES)
def test_a_box_that_says_a_place_becomes_free_space(what: str) -> None:
    data, name, secret = PLACES[what]
    stored = kept(data, name).data
    assert secret in data
    assert secret not in stored
    assert len(stored) == len(data)
    assert list(noted(stored)) == []
    assert b"pixels" * 20 in stored


def test_what_a_recording_says_besides_stays() -> None:
    """Its length, its tracks, who made the phone; a table of notes without a place."""
    data = film(box(b"udta", box(b"\xa9mak", b"Fono"), full(b"meta", HANDLER, box(b"ilst", box(b"\xa9nam", b"Acto")))))
    assert kept(data, "a.mp4").data == data
    assert b"Fono" in kept(film(full(b"meta", HANDLER, KEYS, NOTES)), "a.mp4").data


def test_a_document_with_such_a_recording_is_refused() -> None:
    """Nothing in a document is overwritten."""
    data = zipped({"word/document.xml": b"<w/>", "word/media/a.mp4": PLACES["3GPP's, only a name"][0]})
    assert refusal(data, "a.docx") == "place"


@pytest.mark.parametrize("cut", [1, 9, 30, 140, 170])
def test_a_recording_that_was_cut_off_is_looked_at_as_far_as_it_goes(cut: int) -> None:
    data = PLACES["under a name, ISO"][0]
    assert len(kept(data[:-cut], "a.mp4").data) == len(data) - cut


def test_boxes_in_boxes_are_read_a_few_times_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """A box of eight bytes may hold the next one, a million times; and a million may stand side by side."""
    seen = 0
    read = hidden_places._boxes

    def counted(data: bytes, at: int, end: int) -> object:
        nonlocal seen
        for each in read(data, at, end):
            seen += 1
            yield each

    monkeypatch.setattr(hidden_places, "_boxes", counted)
    nested = b"".join(struct.pack(">I", 8 * (5_000 - n)) + b"udta" for n in range(5_000))
    for data in (nested, box(b"moov", box(b"udta") * 5_000)):
        seen = 0
        assert list(noted(data)) == []
        assert seen < 5 * 5_000
