"""The picture of a digest: agencies × closings, a light in each field, drawn to be read on a phone.

Everybody should see from across a table which agencies are red, but one man in twelve cannot tell red from green. So
each light is a shape of its own with a number in large type, and the legend names it. Telegram shrinks and blurs every
photo that is longer than 1 280 pixels, so the picture is not longer. It is drawn in a process of its own
(`storage.exports.files.drawing_process`), so a bot never loads Pillow for it.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from math import cos, pi, sin
from typing import TYPE_CHECKING, Any

from conversations.card import abridged

if TYPE_CHECKING:
    from PIL.Image import Image

Point = tuple[float, float]

LONGEST = 1280
"""Pixels of the longer side; source: what Telegram's servers do to a photo."""
MARGIN, TOP, HEADING, ROW, FOOT = 36, 232, 58, 86, 84
"""In units. A unit is a pixel, unless the picture must be smaller."""
CODE, WIDEST, NARROWEST = 250, 190, 128
"""The width of the agencies' column, and of the others."""
COLOURS = 64
"""The number of colours. Flat shapes need no more, and the file is a fifth of the size."""

INK, FAINT, PAPER, STRIPE = "#1c2733", "#667380", "#ffffff", "#f3f5f7"
FILLS = {"critical": "#c3271b", "attention": "#f2b705", "no_report": "#56626d", "to_validate": "#2b62a3",
         "on_track": "#1e7d45", "grey": "#56626d"}  # fmt: skip
TEXTS = {"critical": "#ffffff", "attention": "#2b2100", "no_report": INK, "to_validate": "#ffffff",
         "on_track": "#ffffff", "grey": INK}  # fmt: skip


def draw(shown: Mapping[str, Any]) -> bytes:
    """A PNG of `conversations.plan.messages.digests.matrix`."""
    columns: Sequence[str] = shown["columns"]
    rows: Sequence[Any] = shown["rows"]
    wide = max(NARROWEST, min(WIDEST, (1080 - 2 * MARGIN - CODE) // max(1, len(columns))))
    width = max(2 * MARGIN + CODE + wide * len(columns), 860)
    foot = TOP + HEADING + ROW * len(rows)
    notes = [text for text in (shown["more"], shown["note"], shown.get("plan")) if text]  # what waits may lack it
    sheet = _Sheet(width, foot + FOOT + 44 * (len(notes) - 1))
    sheet.write((MARGIN, MARGIN + 24), shown["title"], 44, width - 2 * MARGIN, is_bold=True)
    _legend(sheet, shown["legend"], width - 2 * MARGIN)
    left = MARGIN + CODE
    for at, name in enumerate(columns):
        sheet.write((left + wide * (at + 0.5), TOP + 24), name, 38, wide, is_bold=True, anchor="mm")
    for number, (agency, cells) in enumerate(rows):
        middle = TOP + HEADING + ROW * (number + 0.5)
        if number % 2 == 0:
            sheet.stripe(middle - ROW / 2, ROW)
        sheet.write((MARGIN, middle), agency, 38, CODE - 16, is_bold=True)
        for at, cell in enumerate(cells):
            x = left + wide * (at + 0.5)
            if cell is None:
                sheet.write((x, middle), "–", 30, wide, colour=FAINT, anchor="mm")
                continue
            light, count = cell
            sheet.stamp((x, middle), light, 37)
            lower = middle + (7 if light == "attention" else 0)  # a triangle's belly is below its middle
            size = 40 if count < 100 else 28
            sheet.write((x, lower), str(count), size, wide, colour=TEXTS[light], is_bold=True, anchor="mm")
    for line, text in enumerate(notes):
        sheet.write((MARGIN, foot + 38 + 44 * line), text, 30, width - 2 * MARGIN, colour=FAINT)
    return sheet.png()


def _legend(sheet: "_Sheet", entries: Sequence[Any], width: float) -> None:
    """Write shape and word of each light, in two lines: in one, the words would be too small for a phone."""
    half = -(-len(entries) // 2)
    for number, row in enumerate((entries[:half], entries[half:])):
        _legend_line(sheet, row, width, MARGIN + 88.0 + 50 * number)


def _legend_line(sheet: "_Sheet", entries: Sequence[Any], width: float, y: float) -> None:
    around = (58 + 8.0) * len(entries)
    size = min(30.0, 30 * max(0.5, (width - around) / max(1.0, sum(sheet.length(word, 30) for _, word in entries))))
    spare = width - sum(sheet.length(word, size) + 58 for _, word in entries)
    gap = max(8.0, min(34.0, spare / max(1, len(entries))))
    x = float(MARGIN)
    for light, word in entries:
        sheet.stamp((x + 22, y), light, 21)
        sheet.write((x + 56, y), word, size, MARGIN + width - x - 56)
        x += 58 + sheet.length(word, size) + gap


class _Sheet:
    """A picture on which shapes are drawn in units, at the scale of the viewer."""

    def __init__(self, width: float, height: float) -> None:
        from PIL import Image, ImageDraw

        self._scale = min(1.0, LONGEST / max(width, height))
        self._image = Image.new("RGB", (round(width * self._scale), round(height * self._scale)), PAPER)
        self._pen: ImageDraw.ImageDraw = ImageDraw.Draw(self._image)

    def write(
        self,
        at: Point,
        text: str,
        size: float,
        width: float,
        *,
        colour: str = INK,
        is_bold: bool = False,
        anchor: str = "lm",
    ) -> None:
        """Write text at its left or middle, cut with "…" if it is wider than `width`."""
        font = _font(round(size * self._scale), is_bold=is_bold)
        whole, length = text, len(text)
        while self._pen.textlength(text, font=font) > width * self._scale and length > 1:
            length -= 1
            text = abridged(whole, length)
        self._pen.text((at[0] * self._scale, at[1] * self._scale), text, font=font, fill=colour, anchor=anchor)

    def length(self, text: str, size: float) -> float:
        return self._pen.textlength(text, font=_font(round(size * self._scale))) / self._scale

    def stripe(self, top: float, height: float) -> None:
        above, below = top * self._scale, (top + height) * self._scale
        self._pen.rectangle((0, above, self._image.width, below - 1), fill=STRIPE)

    def stamp(self, at: Point, light: str, radius: float) -> None:
        mask = _mask(light, round(radius * self._scale))
        corner = round(at[0] * self._scale - mask.width / 2), round(at[1] * self._scale - mask.height / 2)
        self._image.paste(FILLS[light], corner, mask)

    def png(self) -> bytes:
        buffer = io.BytesIO()
        self._image.quantize(COLOURS).save(buffer, "PNG", optimize=True)
        return buffer.getvalue()


@cache
def _font(size: int, *, is_bold: bool = False) -> Any:
    from PIL import ImageFont

    name = "DejaVuSans-Bold.ttf" if is_bold else "DejaVuSans.ttf"
    return ImageFont.truetype(io.BytesIO((files("conversations") / "fonts" / name).read_bytes()), size)


# ------------------------------------------------------------------ shapes
def _octagon(r: float) -> list[Point]:
    """A stop sign."""
    k = r * 0.42
    return [(-k, -r), (k, -r), (r, -k), (r, k), (k, r), (-k, r), (-r, k), (-r, -k)]


def _triangle(r: float) -> list[Point]:
    """A warning sign."""
    return [(0, -r * 1.06), (r * 1.28, r), (-r * 1.28, r)]


def _circle(r: float) -> list[Point]:
    return [(r * cos(pi * at / 36), r * sin(pi * at / 36)) for at in range(73)]


def _ring(r: float) -> list[Point]:
    """A hollow circle, as the chat's ⚪: a white circle with an edge, seen on any ground."""
    return _circle(r) + _circle(r * 0.8)[::-1]


CORNERS = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
"""Of a square, round to where it began."""


def _frame(r: float) -> list[Point]:
    """A hollow square, as the chat's ⬜."""
    k, inner = r * 0.9, r * 0.7
    return [*((k * x, k * y) for x, y in CORNERS), *((inner * x, -inner * y) for x, y in CORNERS)]


def _diamond(r: float) -> list[Point]:
    k = r * 1.2
    return [(0, -k), (k, 0), (0, k), (-k, 0)]


SHAPES: Mapping[str, Callable[[float], list[Point]]] = {
    "critical": _octagon,
    "attention": _triangle,
    "no_report": _frame,
    "to_validate": _diamond,
    "on_track": _circle,
    "grey": _ring,
}


@cache
def _mask(light: str, r: int) -> "Image":
    """The shape of a light with smooth edges: drawn four times as large and made smaller."""
    from PIL import Image, ImageDraw

    side = int(r * 2.8)
    mask = Image.new("L", (side * 4, side * 4))
    points = [((x + side / 2) * 4, (y + side / 2) * 4) for x, y in SHAPES[light](r)]
    ImageDraw.Draw(mask).polygon(points, fill=255)
    return mask.resize((side, side), Image.Resampling.LANCZOS)
