"""Pictures that officers send: drawn anew, upright, in a common format, without the place they were taken at (S10)."""

import hashlib
import io
import struct
import zlib

import pytest
from PIL import Image, ImageFile

from tests.storage.reports.file_samples import CANARY, drawn, kept, refusal, with_gps


def claiming(width: int, height: int) -> bytes:
    """A PNG of a hundred bytes that says how large it is."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


# ------------------------------------------------------------------ pictures
@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_no_picture_keeps_where_it_was_taken(image_format: str) -> None:
    """What is stored holds pixels and nothing else."""
    sent = with_gps(image_format)
    assert b"PhoneMaker" in sent
    assert Image.open(io.BytesIO(sent)).getexif().get_ifd(0x8825)

    found = kept(sent, "foto", "image")
    stored = Image.open(io.BytesIO(found.data))
    assert not stored.getexif().get_ifd(0x8825)
    assert 0x010F not in stored.getexif()
    assert not {"exif", "xmp", "icc_profile", "comment", "Comment", "photoshop"} & stored.info.keys()
    assert CANARY not in found.data
    assert b"PhoneMaker" not in found.data


def test_both_hashes_tell_what_came_and_what_is_kept() -> None:
    """Whoever sent the original can still prove it."""
    sent = with_gps()
    found = kept(sent, "foto.jpg", "image")

    assert found.original_sha256 == hashlib.sha256(sent).hexdigest()
    assert found.sha256 == hashlib.sha256(found.data).hexdigest()
    assert found.sha256 != found.original_sha256
    assert found.size == len(found.data)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_picture_is_turned_upright_before_its_orientation_is_forgotten(orientation: int) -> None:
    """A portrait must not lie on its side for want of a tag."""
    upright = Image.open(io.BytesIO(kept(with_gps("JPEG", orientation), accept="image").data)).convert("RGB")
    turned = orientation in (6, 8)
    assert upright.size == ((32, 64) if turned else (64, 32))

    red_at = {1: (2, 16), 3: (61, 16), 6: (16, 2), 8: (16, 61)}[orientation]
    red, _, blue = upright.getpixel(red_at)
    assert red > 120 > blue


@pytest.mark.parametrize(
    ("image_format", "expected"), [("GIF", "png"), ("BMP", "png"), ("AVIF", "jpg"), ("PNG", "png")]
)
def test_rare_formats_are_kept_as_common_ones(image_format: str, expected: str) -> None:
    """A reviewer can open what is stored."""
    assert kept(drawn(image_format), accept="image").extension == expected


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGBA", "LA", "CMYK", "I;16"])
def test_pictures_of_every_colour_mode_survive(mode: str) -> None:
    """Scans are grey, logos have palettes, presses use four inks."""
    image_format = "TIFF" if mode in ("CMYK", "I;16") else "PNG"
    source = Image.new("L", (8, 8)).convert("I").convert(mode) if mode == "I;16" else None
    if source is not None:
        file = io.BytesIO()
        source.save(file, image_format)
        data = file.getvalue()
    else:
        data = drawn(image_format, mode=mode)
    assert Image.open(io.BytesIO(kept(data, accept="image").data)).size in ((8, 8), (64, 32))


def test_the_longer_side_shrinks_to_what_the_form_asks_for() -> None:
    """max-pixels of the question."""
    found = kept(drawn("JPEG", (2000, 1000)), accept="image", max_pixels=500)
    assert Image.open(io.BytesIO(found.data)).size == (500, 250)
    small = kept(drawn("PNG"), accept="image", max_pixels=500)
    assert Image.open(io.BytesIO(small.data)).size == (64, 32)


def test_a_scan_of_several_pages_keeps_them_all() -> None:
    """A minute signed on page two is evidence too."""
    file = io.BytesIO()
    pages = [Image.new("L", (20, 30), shade) for shade in (0, 100, 200)]
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])
    assert Image.open(io.BytesIO(kept(file.getvalue(), "acta.tif").data)).n_frames == 3


def test_without_stripping_a_picture_keeps_its_bytes() -> None:
    """For whoever has already been asked."""
    sent = with_gps()
    assert kept(sent, accept="image", strip=False).data == sent


@pytest.mark.parametrize("size", [(50_000, 50_000), (2_000_000_000, 1), (9_000, 9_000)])
def test_a_pixel_bomb_is_refused_before_it_is_decoded(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred bytes may claim seven gigabytes."""
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda *_: pytest.fail("it is decoded"))
    assert refusal(claiming(*size), "foto.png", "image") in ("too_many_pixels", "damaged")


def test_a_picture_that_stops_half_way_is_refused() -> None:
    """Half a photo proves nothing."""
    sent = drawn("JPEG", (400, 300))
    assert refusal(sent[: len(sent) // 2], "foto.jpg", "image") == "damaged"
