"""Pictures are drawn again, so everything that a phone writes beside the pixels (place, time, owner) is lost.

It is a module of its own, because Pillow is heavy and a bot may run for days before the first photograph.
"""

import contextlib
import io
import warnings
from collections.abc import Iterator

from PIL import Image, ImageOps, ImageSequence

from conversations.xforms.workbook import DAMAGE
from storage.reports.refusals import MAX_PAGES, MAX_PIXELS, Refused

# Pillow's own guard, for what its decoders find behind the header we have checked.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS

MOST_PIXELS = {"WEBP": 25_000_000, "AVIF": 25_000_000}
"""Where it is less than MAX_PIXELS. libwebp holds two canvases and Pillow two copies more: 16 bytes a pixel."""


def redrawn(data: bytes, decoder: str, extension: str, max_pixels: int | None, *, strip: bool) -> bytes | Refused:
    """Draw the picture again, for this extension. Without `strip`, return it unchanged if it can be decoded.

    `decoder` is Pillow's name of the only decoder that may read it.
    """
    try:
        with (
            quiet_pillow(),
            Image.open(io.BytesIO(data), formats=(decoder, "MPO") if decoder == "JPEG" else (decoder,)) as picture,
        ):
            # The header alone has been read so far: a few bytes may claim any size.
            pages = getattr(picture, "n_frames", 1) if decoder == "TIFF" else 1
            most = MOST_PIXELS.get(decoder, MAX_PIXELS)
            if picture.width * picture.height > most or pages > MAX_PAGES:
                return Refused("too_many_pixels", {"max_mp": most // 1_000_000})
            if not strip:
                picture.load()
                return data
            if decoder == "JPEG" and max_pixels:
                picture.draft(None, (max_pixels, max_pixels))  # decodes at half or a quarter where that is enough
            frames = _frames(picture, max_pixels) if pages > 1 else [_alone(picture, max_pixels)]
            return _encoded(frames, extension)
    except MemoryError:
        return Refused("too_heavy")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return Refused("too_many_pixels", {"max_mp": MAX_PIXELS // 1_000_000})
    except DAMAGE:
        return Refused("damaged")


def _encoded(frames: list[Image.Image], extension: str) -> bytes:
    out = io.BytesIO()
    first, *others = frames
    match extension:
        case "jpg":
            first = first if first.mode in ("L", "RGB") else first.convert("RGB")
            first.save(out, "JPEG", quality=90, optimize=True)
        case "webp":
            first.save(out, "WEBP", quality=90)
        case "tif":
            first.save(out, "TIFF", compression="tiff_deflate", save_all=bool(others), append_images=others)
        case _:
            first.save(out, "PNG")
    return out.getvalue()


@contextlib.contextmanager
def quiet_pillow() -> Iterator[None]:
    """Silence Pillow's warnings: of broken metadata, which is dropped, and of bombs, which are refused here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _frames(picture: Image.Image, max_pixels: int | None) -> list[Image.Image]:
    frames = []
    pixels = 0
    for frame in ImageSequence.Iterator(picture):
        pixels += frame.width * frame.height
        if pixels > MAX_PIXELS:
            raise Image.DecompressionBombError
        frames.append(_upright(frame, max_pixels))
    return frames


def _alone(picture: Image.Image, max_pixels: int | None) -> Image.Image:
    """Return the only page of a picture, upright.

    It is turned in place, because a copy would take half of the memory.
    """
    picture.load()
    ImageOps.exif_transpose(picture, in_place=True)
    bare = _bare(picture, max_pixels)
    picture.close()
    return bare


def _upright(picture: Image.Image, max_pixels: int | None) -> Image.Image:
    """Return a page as it is meant to be seen, in pixels only."""
    return _bare(ImageOps.exif_transpose(picture), max_pixels)


def _bare(turned: Image.Image, max_pixels: int | None) -> Image.Image:
    if turned.mode in ("P", "PA") or "transparency" in turned.info:
        turned = turned.convert("RGBA" if "transparency" in turned.info or turned.mode == "PA" else "RGB")
    elif turned.mode not in ("1", "L", "LA", "RGB", "RGBA", "I;16"):
        turned = turned.convert("RGB")
    if max_pixels and max(turned.size) > max_pixels:
        turned.thumbnail((max_pixels, max_pixels), Image.Resampling.LANCZOS)
    # Encoders also write what they find in `info`: a copy made of pixels has nothing there.
    bare = Image.new(turned.mode, turned.size)
    bare.paste(turned)
    return bare
