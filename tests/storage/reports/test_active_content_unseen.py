"""Documents that somebody made who knew the rules and looked for what they leave out (S10)."""

import base64
import io
import struct
import zlib

import pytest
from PIL import Image, PngImagePlugin

from tests.storage.reports.file_samples import kept, pdf, refusal, zipped

SCRIPT = b"5 0 <</S/JavaScript/JS(app.alert(1))>>"
RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"
MOV = b"\0\0\0\x14ftypqt  \0\0\0\0qt  "
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


def docx(said: str = "", **parts: bytes) -> bytes:
    body = f"<w:document xmlns:w='u' xmlns:v='v' xmlns:o='o'>{said}</w:document>".encode()
    return zipped({"[Content_Types].xml": b"<Types/>", "word/document.xml": body, **parts})


def related(kind: str, target: str, mode: str = "Internal") -> bytes:
    return (
        f"<Relationships><Relationship Id='a' Type='{RELATED}/{kind}' Target='{target}' TargetMode='{mode}'/>"
        "</Relationships>"
    ).encode()


def field(*instructions: str) -> str:
    return "".join(f"<w:instrText>{each}</w:instrText>" for each in instructions)


def odt(body: str = "", **parts: bytes) -> bytes:
    content = f"<office:text xmlns:office='o' xmlns:text='t' xmlns:xlink='x'>{body}</office:text>"
    files = {"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": content.encode(), **parts}
    return zipped(files, compress_type=0)


def packed(head: bytes, behind: bytes = b"") -> bytes:
    """Objects that are packed in a stream, of which `head` is the dictionary."""
    return pdf(head + behind + b"\nstream\n" + zlib.compress(SCRIPT) + b"\nendstream")


def sheet(records: bytes, book: str = "Workbook") -> bytes:
    """A workbook of 1997 with these records."""
    begins = b"\x09\x08\x10\x00\x00\x06\x05\x00" + bytes(12)
    return OLE + begins + records + bytes(512) + book.encode("utf-16-le")


def bound(kind: int, name: bytes = b"Macro1") -> bytes:
    told = struct.pack("<IBB", 0x400, 1, kind) + bytes((len(name), 0)) + name
    return struct.pack("<HH", 0x85, len(told)) + told


def png(**notes: str) -> bytes:
    told, made = PngImagePlugin.PngInfo(), io.BytesIO()
    for name, text in notes.items():
        if name == "xmp":
            told.add_itxt("XML:com.adobe.xmp", text, zip=True)
        else:
            told.add_text("Raw profile type exif", text, zip=name == "packed")
    Image.new("RGB", (8, 8), "red").save(made, "PNG", pnginfo=told)
    return made.getvalue()


def profile() -> str:
    """A place as ImageMagick keeps it when a photo becomes a PNG."""
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "N", 2: (18.0, 29.0, 0.0), 3: "W", 4: (69.0, 54.0, 0.0)})
    data = exif.tobytes()
    hexadecimal = data.hex()
    lines = "\n".join(hexadecimal[at : at + 72] for at in range(0, len(hexadecimal), 72))
    return f"\nexif\n{len(data):8}\n{lines}\n"


XMP = "<x:xmpmeta><rdf:Description exif:GPSLatitude='18,28.5N'/></x:xmpmeta>"
ARCHIVE = zipped({"a.js": b"x"})
FOLDED = b"From: a@e.example\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
PE = base64.encodebytes(b"MZ" + bytes(200))

UNSEEN: dict[str, tuple[bytes, str, str]] = {
    "objects behind a comment that names an object": (
        packed(b"<</Type/ObjStm/N 1/First 4/Filter/FlateDecode>>", b"%obj"), "a.pdf", "scripts"),
    "objects with a text that names an object": (
        packed(b"<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/X(obj)>>"), "a.pdf", "scripts"),
    "a file on a page": (
        pdf(b"<</Subtype/FileAttachment/FS<</Type/Filespec/F(a.exe)/EF<</F 2 0 R>>>>>>",
            b"<</Length 2>>\nstream\nMZ\nendstream"), "a.pdf", "attached"),
    "a file of an element": (
        pdf(b"<</AF[<</F(a.exe)/EF<</F 2 0 R>>>>]>>", b"<</Length 2>>\nstream\nMZ\nendstream"), "a.pdf", "attached"),
    "a share in short numbers": (pdf(rb"<</S/GoToR/F(\57\57e.example/s)>>"), "a.pdf", "remote"),
    "a share on two lines": (pdf(b"<</S/GoToR/F(\\\n//e.example/s)>>"), "a.pdf", "remote"),
    "a share in UTF-16": (
        pdf(b"<</S/GoToR/F(" + "\ufeff//e.example/s".encode("utf-16-be") + b")>>"), "a.pdf", "remote"),
    "a share elsewhere, in hexadecimal": (
        pdf(b"<</S/GoToR/F 2 0 R>>", b"<5c5c652e6578616d706c65>"), "a.pdf", "remote"),
    "a share under a name in numbers": (
        pdf(b"<</Subtype/Form/Ref<</Page 0/#46(//e.example/s)>>>>"), "a.pdf", "remote"),
    "a page from elsewhere in a file specification": (
        pdf(b"<</Subtype/Form/Ref<</Page 0/F 2 0 R>>>>", b"<</Type/Filespec/F 3 0 R>>", b"(//e.example/s)"),
        "a.pdf", "remote"),
    "a page of the web whose kind is elsewhere": (
        pdf(b"<</OpenAction 2 0 R>>", b"<</URI(http://e.example)/S 3 0 R>>", b"/URI"), "a.pdf", "remote"),
    "an archive in the middle of a PDF": (pdf(b"<<>>") + ARCHIVE + b" " * 70_000, "a.pdf", "mixed"),
    "an archive of another kind behind a PDF": (pdf(b"<<>>") + b"Rar!\x1a\x07\x01\0" + bytes(99), "a.pdf", "mixed"),
    "an archive behind a recording": (MP4 + ARCHIVE + bytes(70_000), "a.mp4", "mixed"),
    "a control in a folder of its own": (
        docx(**{"word/a/b.xml": b"<ax:ocx xmlns:ax='a' ax:classid='{8856F961-340A-11D0-A96B-00C04FD705A2}'/>",
                "word/_rels/document.xml.rels": related("control", "a/b.xml")}), "a.docx", "scripts"),
    "an old field": (docx(field(' INCLUDE "http://e.example/x" ')), "a.docx", "remote"),
    "a field whose address is spelt": (
        docx(field(" INCLUDEPICTURE ", " QUOTE 104 116 116 112 58 47 47 101 ")), "a.docx", "remote"),
    "a picture instead": (docx("<v:imagedata o:althref='http://e.example/x.png'/>"), "a.docx", "remote"),
    "a document in a document": (
        docx(**{"word/_rels/document.xml.rels": related("aFChunk", "a.html"), "word/a.html": b"<html/>"}),
        "a.docx", "attached"),
    "a link that runs a script": (
        odt("<text:a xlink:href='vnd.sun.star.script:M.L?language=Basic&amp;location=user'>x</text:a>"),
        "a.odt", "scripts"),
    "a link that runs a macro": (odt("<text:a xlink:href='macro:///Standard.M.L'>x</text:a>"), "a.odt", "scripts"),
    "a library of an object inside": (odt(**{"Object 1/Basic/Standard/M.xml": b"<m/>"}), "a.odt", "macros"),
    "macros of 1992": (sheet(bound(0, b"Hoja1") + bound(1)), "a.xls", "macros"),
    "a workbook of 1997 with a password": (sheet(b"\x2f\0\x36\0" + bytes(54)), "a.xls", "password"),
    "a formula that is a program": (
        OLE + "WordDocument".encode("utf-16-le") + "Equation Native".encode("utf-16-le"), "a.doc", "attached"),
    "a place in a PNG that is packed": (docx(**{"word/media/a.png": png(xmp=XMP)}), "a.docx", "place"),
    "a place as ImageMagick keeps it": (docx(**{"word/media/a.png": png(plain=profile())}), "a.docx", "place"),
    "a place as ImageMagick keeps it, packed": (docx(**{"word/media/a.png": png(packed=profile())}), "a.docx", "place"),
    "somebody's card": (b"BEGIN:VCARD\nVERSION:3.0\nFN:X Y\nTEL:1\nEND:VCARD\n", "a.vcf", "unknown"),
    "a letter with a program": (
        FOLDED + b"Content-Transfer-Encoding: base64\n\n" + PE + b"--b--\n", "a.eml", "attached"),
    "a library of Excel": (b"MZ" + bytes(200), "a.xll", "executable"),
    "an archive in an archive": (zipped({"a.zip": ARCHIVE}), "a.zip", "archive"),
    "a binary workbook that says that it has macros": (
        zipped({"xl/workbook.bin": b"x", "[Content_Types].xml": b"<Types><Override "
                b"ContentType='application/vnd.ms-excel.sheet.binary.macroEnabled.main'/></Types>"}),
        "a.xlsb", "macros"),
}  # fmt: skip


@pytest.mark.parametrize("what", UNSEEN)
def test_what_was_left_out_is_refused_too(what: str) -> None:
    data, name, reason = UNSEEN[what]
    assert refusal(data, name) == reason


@pytest.mark.parametrize(
    ("told", "secret"),
    [
        (b"\xa9xyz\0\x12\x15\xc7+18.4861-069.9312", b"18.4861"),
        (b"\xa9xyz\0\x10\x15\xc718.4861,-69.9312", b"18.4861"),
        (b"LOCATION=+18.4861-069.9312\0", b"18.4861"),
        (b"LOCATION=geo:18.4861,-69.9312\0", b"18.4861"),
        (b"<exif:GPSLatitude>\n          18,28.5N</exif:GPSLatitude>", b"28.5"),
    ],
)
def test_a_recording_forgets_its_place_in_any_notation(told: bytes, secret: bytes) -> None:
    found = kept(MOV + told + bytes(64), "a.mov")
    assert secret not in found.data
    assert len(found.data) == len(MOV + told + bytes(64))


def test_a_recording_whose_notes_are_packed_is_refused() -> None:
    notes = zlib.compress(b"\xa9xyz\0\x12\x15\xc7+18.4861-069.9312/")
    data = MOV + b"\0\0\0\x99moov\0\0\0\x91cmov\0\0\0\x0cdcomzlib\0\0\0\x79cmvd\0\0\0\x40" + notes
    assert refusal(data, "a.mov") == "place"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (sheet(bound(0, b"Hoja1")), "a.xls"),
        (pdf(b"<</S/GoToR/F(otro.pdf)>>", b"<</S/URI/URI(http://e.example)>>", b"(//nota)"), "a.pdf"),
        (pdf(b"<</OpenAction[2 0 R/Fit]>>", b"<</Type/Page/Annots[3 0 R]>>", b"<</URI(http://e)/S/URI>>"), "a.pdf"),
        (docx(field(' INCLUDEPICTURE "logo.png" ', " PAGE ", ' HYPERLINK "http://e.example" ')), "a.docx"),
        (docx(**{"word/media/a.png": png(xmp="<x:xmpmeta/>", plain="\nexif\n       2\n4949\n")}), "a.docx"),
        (odt("<text:a xlink:href='http://e.example'>x</text:a>"), "a.odt"),
        (b"From: Ana\nDate: lunes\n\nSe entregaron 20 kits.\n", "a.txt"),
    ],
)
def test_what_looks_alike_is_kept(data: bytes, name: str) -> None:
    assert kept(data, name)
