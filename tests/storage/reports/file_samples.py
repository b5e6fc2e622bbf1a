"""Files as officers send them, made for tests."""

import io
import zipfile
from functools import cache
from typing import Any

from PIL import Image, PngImagePlugin

from storage.reports.inspection import Inspected, inspect
from storage.reports.refusals import Refused

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


def pdf(*things: bytes) -> bytes:
    """A PDF with these objects, the first of which is its root."""
    objects = b"".join(b"%d 0 obj\n%s\nendobj\n" % (number, each) for number, each in enumerate(things, 1))
    return b"%PDF-1.7\n" + objects + b"trailer<</Root 1 0 R>>\n%%EOF\n"


PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
DOCX = zipped({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>"})


@cache
def webp_bomb() -> bytes:
    """Two kilobytes that decode to 7 071 × 7 071: a gigabyte with the copies that decoders make."""
    out = io.BytesIO()
    Image.new("L", (7071, 7071), 0).convert("RGB").save(out, "WEBP", lossless=True, quality=0, method=0)
    return out.getvalue()
