"""The picture of a digest: agencies × closings, a light in each field, drawn to be read on a phone.

Who is red should be seen from across a table, by everybody: one man in twelve does not tell red from green. So each
light is a shape of its own and a number in large type, and the legend says it in words. Pillow is imported when
something is drawn and not before: a bot that nobody asks for a digest never carries it.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from math import cos, pi, sin
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

Point = tuple[float, float]

MARGIN = 36
CODE = 250
"""Width of the column of agencies."""
WIDEST, NARROWEST = 190, 128
ROW = 86
COLOURS = 64
"""Flat shapes need no more, and a picture of 64 colours is a fifth of the size."""

INK, FAINT, PAPER, STRIPE = "#1c2733", "#667380", "#ffffff", "#f3f5f7"
FILLS = {"critical": "#c3271b", "attention": "#f2b705", "on_track": "#1e7d45", "grey": "#c9d0d6"}
TEXTS = {"critical": "#ffffff", "attention": "#2b2100", "on_track": "#ffffff", "grey": "#3c4650"}


def draw(shown: Mapping[str, Any]) -> bytes:
    """A PNG of `conversations.digests.matrix`."""
    from PIL import Image, ImageDraw, ImageFont

    def font(size: int, *, is_bold: bool = False) -> Any:
        name = "DejaVuSans-Bold.ttf" if is_bold else "DejaVuSans.ttf"
        return ImageFont.truetype(io.BytesIO((files("bot") / "fonts" / name).read_bytes()), size)

    columns: Sequence[str] = shown["columns"]
    rows: Sequence[Any] = shown["rows"]
    column = max(NARROWEST, min(WIDEST, (1080 - 2 * MARGIN - CODE) // max(1, len(columns))))
    width = max(2 * MARGIN + CODE + column * len(columns), 860)
    title, heading, code, number, small = (
        font(44, is_bold=True), font(38, is_bold=True), font(38, is_bold=True), font(40, is_bold=True), font(30),
    )  # fmt: skip
    top = MARGIN + 150
    foot = top + 58 + ROW * len(rows)
    height = foot + 84 + (44 if shown["more"] else 0)
    image = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(image)
    pen.text((MARGIN, MARGIN), _fitted(pen, shown["title"], title, width - 2 * MARGIN), font=title, fill=INK)
    _legend(image, pen, shown["legend"], (MARGIN, MARGIN + 96), small, width - 2 * MARGIN)
    left = MARGIN + CODE
    for at, name in enumerate(columns):
        pen.text((left + column * (at + 0.5), top + 24), name, font=heading, fill=INK, anchor="mm")
    for line, (agency, cells) in enumerate(rows):
        y = top + 58 + ROW * line
        if line % 2 == 0:
            pen.rectangle((0, y, width, y + ROW - 1), fill=STRIPE)
        pen.text((MARGIN, y + ROW / 2), _fitted(pen, agency, code, CODE - 16), font=code, fill=INK, anchor="lm")
        for at, cell in enumerate(cells):
            middle = (left + column * (at + 0.5), y + ROW / 2)
            if cell is None:
                pen.text(middle, "–", font=small, fill=FAINT, anchor="mm")
            else:
                light, count = cell
                _stamp(image, middle, light, 37)
                lower = (middle[0], middle[1] + (7 if light == "attention" else 0))
                pen.text(lower, str(count), font=number, fill=TEXTS[light], anchor="mm")
    y = foot + 20
    if shown["more"]:
        pen.text((MARGIN, y), shown["more"], font=small, fill=FAINT)
        y += 44
    pen.text((MARGIN, y), _fitted(pen, shown["note"], small, width - 2 * MARGIN), font=small, fill=FAINT)
    buffer = io.BytesIO()
    image.quantize(COLOURS).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _legend(image: "Image", pen: "ImageDraw", entries: Sequence[Any], at: Point, font: Any, width: float) -> None:
    x, y = at
    words = [pen.textlength(word, font=font) for _, word in entries]
    spare = width - sum(words) - len(words) * 58
    gap = max(12.0, min(34.0, spare / max(1, len(words))))
    for (light, word), length in zip(entries, words, strict=True):
        _stamp(image, (x + 22, y), light, 21)
        pen.text((x + 56, y), word, font=font, fill=INK, anchor="lm")
        x += 58 + length + gap


def _fitted(pen: "ImageDraw", text: str, font: Any, width: float) -> str:
    while pen.textlength(text, font=font) > width and len(text) > 1:
        text = text[:-2].rstrip() + "…"
    return text


# ------------------------------------------------------------------ shapes
def _octagon(r: float) -> list[Point]:
    """As a stop sign."""
    k = r * 0.42
    return [(-k, -r), (k, -r), (r, -k), (r, k), (k, r), (-k, r), (-r, k), (-r, -k)]


def _triangle(r: float) -> list[Point]:
    """As a warning sign."""
    return [(0, -r * 1.06), (r * 1.28, r), (-r * 1.28, r)]


def _circle(r: float) -> list[Point]:
    return [(r * cos(pi * at / 36), r * sin(pi * at / 36)) for at in range(72)]


def _square(r: float) -> list[Point]:
    k = r * 0.82
    return [(-k, -k), (k, -k), (k, k), (-k, k)]


SHAPES: Mapping[str, Callable[[float], list[Point]]] = {
    "critical": _octagon,
    "attention": _triangle,
    "on_track": _circle,
    "grey": _square,
}


def _stamp(image: "Image", at: Point, light: str, r: int) -> None:
    mask = _mask(light, r)
    image.paste(FILLS[light], (round(at[0] - mask.width / 2), round(at[1] - mask.height / 2)), mask)


@cache
def _mask(light: str, r: int) -> "Image":
    """The shape of a light, its edges smooth: drawn four times as large and made smaller."""
    from PIL import Image, ImageDraw

    side = int(r * 2.8)
    mask = Image.new("L", (side * 4, side * 4))
    points = [((x + side / 2) * 4, (y + side / 2) * 4) for x, y in SHAPES[light](r)]
    ImageDraw.Draw(mask).polygon(points, fill=255)
    return mask.resize((side, side), Image.Resampling.LANCZOS)
