"""Pictures as officers send them."""

import io

from PIL import Image


def photo_with_gps() -> bytes:
    """Of a camera that writes where it is and what it is called."""
    picture = Image.new("RGB", (640, 480), (30, 120, 90))
    exif = Image.Exif()
    exif[0x010F] = "Canary Camera"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (18.0, 28.0, 0.0)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()
