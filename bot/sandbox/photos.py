"""The sizes that Telegram makes of a photo."""

from io import BytesIO
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from bot.sandbox.refusals import bad_request

PHOTO_SIDES: Final = (90, 320, 800, 1280)  # the longer side of each size that Telegram makes of a photo


def photo_sizes(data: bytes) -> list[tuple[bytes, int, int]]:
    """JPEG, width and height of each size, the smallest first. Raises Refusal."""
    try:
        with Image.open(BytesIO(data)) as opened:
            width, height = opened.size
            if width + height > 10_000 or max(width, height) > 20 * min(width, height):
                raise bad_request("PHOTO_INVALID_DIMENSIONS")
            upright = ImageOps.exif_transpose(opened).convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise bad_request("IMAGE_PROCESS_FAILED") from None
    longest = max(upright.size)
    sides = [side for side in PHOTO_SIDES if side < longest] + [min(longest, PHOTO_SIDES[-1])]
    result = []
    for side in sorted(set(sides)):
        share = side / longest
        size = (max(1, round(upright.width * share)), max(1, round(upright.height * share)))
        picture = upright if size == upright.size else upright.resize(size)
        buffer = BytesIO()
        Image.frombytes("RGB", picture.size, picture.tobytes()).save(buffer, "JPEG", quality=87)
        result.append((buffer.getvalue(), *size))
    return result
