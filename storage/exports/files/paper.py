"""Pages of A4, drawn in millimetres, that a screen reader can read.

A blind person's program follows the structure of a page: headings, lists, tables with headers, the meaning of shapes.
Without a structure it reads single words without order. So all text belongs to an element of the structure, or is
marked as decoration.

Drawn with fpdf2 (LGPL, no system library), which is imported only when somebody asks for a page. Its own structure is
flat and knows only figures. `Structure` replaces it by a tree, by the same rules (ISO 32000-1, §14.7 and §14.8).
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from importlib.resources import as_file, files
from math import cos, pi, sin
from typing import Any
from unicodedata import bidirectional

from fpdf import FPDF, ViewerPreferences
from fpdf.structure_tree import StructElem, StructureTreeBuilder
from fpdf.syntax import PDFObject

from conversations.card import abridged
from conversations.plan.figures.lights import Light
from conversations.session.safeguards.characters import visible

INK, FAINT, RULE, STRIPE = (28, 39, 51), (95, 107, 118), (176, 186, 194), (243, 245, 247)
FILLS = {"critical": (195, 39, 27), "attention": (242, 183, 5), "no_report": (86, 98, 109),
         "to_validate": (43, 98, 163), "on_track": (30, 125, 69), "grey": (86, 98, 109)}  # fmt: skip
LEFT, RIGHT, WIDTH, BOTTOM = 12.0, 198.0, 186.0, 285.0
"""Millimetres of A4. An office printer leaves the margin blank."""
Colour = tuple[int, int, int]


class Element(StructElem):
    """A node of the structure. All of it is on one page."""

    def __init__(self, kind: str, parent: PDFObject, page: int, alt: str, attributes: str) -> None:
        super().__init__(f"/{kind}", parent, [], page, alt=alt or None)
        self.a = attributes or None

    @property
    def pg(self) -> Any:
        """The page, for the library. It asks the topmost elements; their children are on the same page."""
        return self._page

    @pg.setter
    def pg(self, page: Any) -> None:
        self._page = page
        for kid in self.k:
            if isinstance(kid, Element):
                kid.pg = page

    def all(self) -> "Iterator[Element]":
        """The element and everything below it."""
        yield self
        for kid in self.k:
            if isinstance(kid, Element):
                yield from kid.all()


class Structure(StructureTreeBuilder):
    """A tree of elements. Text that is marked on a page belongs to the element that is open."""

    def __init__(self) -> None:
        super().__init__()
        self._open: list[Element] = []
        self._count: dict[int, int] = {}

    @contextmanager
    def element(self, kind: str, page: int, alt: str, attributes: str) -> Iterator[None]:
        parent = self._open[-1] if self._open else self.doc_struct_elem
        made = Element(kind, parent, page, alt, attributes)
        parent.k.append(made)
        self._open.append(made)
        yield
        self._open.pop()

    def mark(self, page: int) -> str:
        """The operator that begins marked content on a page: of the open element, or decoration if none is open."""
        if not self._open:
            return "/Artifact BMC"
        number = self._count.get(page, 0)
        self._count[page] = number + 1
        self._open[-1].k.append(number)
        self.struct_tree_root.parent_tree.nums[self.place(page)].append(self._open[-1])
        return f"{self._open[-1].s} <</MCID {number}>> BDC"

    def place(self, page: int) -> int:
        """The number under which the tree keeps the marks of a page."""
        return self.spid_per_page_number.setdefault(page, len(self.spid_per_page_number))

    def __iter__(self) -> Iterator[PDFObject]:
        yield self.struct_tree_root
        yield self.doc_struct_elem
        yield self.struct_tree_root.parent_tree
        for each in self.doc_struct_elem.k:
            yield from each.all()


class Paper:
    """Pages to write on, in millimetres from the upper left corner."""

    def __init__(self, held: ExitStack, *, title: str, language: str, now: datetime) -> None:
        self.pdf = FPDF(format="A4")
        self.pdf.set_auto_page_break(False)
        self.pdf.set_margin(0)
        self.pdf.c_margin = 0
        self.pdf.set_creation_date(now)
        self.pdf.set_title(title)
        self.pdf.set_lang(language)
        self.pdf.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self.structure = self.pdf.struct_builder = Structure()
        fonts: Any = self.pdf.fonts
        for style, name in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
            path = held.enter_context(as_file(files("conversations") / "fonts" / name))
            self.pdf.add_font("DejaVu", style, path)
            held.callback(fonts[f"dejavu{style}"].close)  # fpdf closes it only where it writes the file
        self._drawn = frozenset(fonts["dejavu"].cmap) & frozenset(fonts["dejavuB"].cmap)

    def add_page(self) -> None:
        self.pdf.add_page()
        self.pdf.pages[self.pdf.page].struct_parents = self.structure.place(self.pdf.page)

    # ------------------------------------------------------------------ structure
    @contextmanager
    def element(self, kind: str, *, alt: str = "", attributes: str = "") -> Iterator[None]:
        """Put everything written inside into an element of this kind: H1, P, L, LI, Table, TR, TH, TD, Figure."""
        with self.structure.element(kind, self.pdf.page, alt, attributes):
            yield

    def header(self, scope: str = "Column") -> AbstractContextManager[None]:
        """The header of a column or a row of a table."""
        return self.element("TH", attributes=f"<</O /Table /Scope /{scope}>>")

    @contextmanager
    def _marked(self, *, is_decoration: bool = False) -> Iterator[None]:
        self.pdf._out("/Artifact BMC" if is_decoration else self.structure.mark(self.pdf.page))
        yield
        self.pdf._out("EMC")

    # ------------------------------------------------------------------ text
    def write(
        self, x: float, y: float, text: str, size: float, *, width: float = 0, colour: Colour = INK,
        is_bold: bool = False, align: str = "L", is_decoration: bool = False,
    ) -> None:  # fmt: skip
        """Write a line of text with its upper edge at `y`. It is cut with "…" if it is wider than `width`.

        It belongs to the open element. Decoration, and text outside of all elements, is not read aloud.
        """
        text = visible(text)
        self._set(size, text, is_bold=is_bold)
        if width and self.pdf.get_string_width(text) > width:
            length = len(text) - 1
            while length > 1 and self.pdf.get_string_width(text[:length].rstrip() + "…") > width:
                length -= 1
            text = abridged(text, length)
        # A character that none of our fonts has (a padlock) would leave a hole in the line.
        text = "".join(c for c in text if ord(c) in self._drawn).rstrip()
        if not text:
            return
        self.pdf.set_text_color(*colour)
        long = self.pdf.get_string_width(text)
        left = x - long if align == "R" else x - long / 2 if align == "C" else x
        with self._marked(is_decoration=is_decoration):
            if is_right_to_left(text):  # the library joins letters and orders words only in a cell
                self.pdf.set_xy(left, y + size * 0.018)
                self.pdf.cell(long, self.pdf.font_size, text)
            else:
                self.pdf.text(left, y + size * 0.3, text)

    def wrapped(self, text: str, width: float, size: float, *, lines: int, is_bold: bool = False) -> list[str]:
        """The text as at most so many `lines`."""
        self._set(size, text, is_bold=is_bold)
        made: list[str] = [""]
        for word in text.split():
            longer = f"{made[-1]} {word}".strip()
            if not made[-1] or self.pdf.get_string_width(longer) <= width:
                made[-1] = longer
            else:
                made.append(word)
        return [*made[: lines - 1], f"{made[lines - 1]} …"] if len(made) > lines else made

    def length(self, text: str, size: float) -> float:
        self._set(size, text, is_bold=False)
        return float(self.pdf.get_string_width(text))

    def heading(self, text: str, x: float, y: float, width: float) -> float:
        with self.element("H2"):
            self.write(x, y, text, 10, is_bold=True)
        self._line(x, y + 5, width)
        return y + 6

    # ------------------------------------------------------------------ shapes
    def rule(self, y: float) -> None:
        self._line(LEFT, y, WIDTH)

    def _line(self, x: float, y: float, width: float) -> None:
        with self._marked(is_decoration=True):
            self.pdf.set_draw_color(*RULE)
            self.pdf.line(x, y, x + width, y)

    def stripe(self, x: float, y: float, width: float, height: float) -> None:
        with self._marked(is_decoration=True):
            self.pdf.set_fill_color(*STRIPE)
            self.pdf.rect(x, y, width, height, "F")

    def bar(self, x: float, y: float, width: float, height: float, percent: int) -> None:
        """Draw a bar for a percentage, beside its number."""
        with self._marked(is_decoration=True):
            self.pdf.set_draw_color(*FAINT)
            self.pdf.rect(x, y, width, height, "D")
            self.pdf.set_fill_color(*FAINT)
            self.pdf.rect(x, y, width * min(100, max(0, percent)) / 100, height, "F")

    def stamp(self, light: str, x: float, y: float, r: float, *, alt: str = "") -> None:
        """Draw the shape of a light around a point, with a dark edge: it can be recognised without colour.

        `alt` is its word, if the word does not stand beside it.
        """
        with self._figure(alt):
            self.pdf.set_fill_color(*FILLS[light])
            self.pdf.set_draw_color(*INK)
            self.pdf.set_line_width(0.15)
            self.pdf.polygon(list(_shape(light, x, y, r)), style="FD")
            self.pdf.set_line_width(0.2)

    def tick(self, x: float, y: float, r: float, *, alt: str = "") -> None:
        """Draw the mark for "completed"."""
        with self._figure(alt):
            self.pdf.set_draw_color(*INK)
            self.pdf.set_line_width(r / 4)
            self.pdf.polyline([(x - r, y), (x - r / 4, y + r * 0.75), (x + r, y - r * 0.8)])
            self.pdf.set_line_width(0.2)

    @contextmanager
    def _figure(self, alt: str) -> Iterator[None]:
        if not alt:
            with self._marked(is_decoration=True):
                yield
            return
        with self.element("Figure", alt=alt), self._marked():
            yield

    def _set(self, size: float, text: str, *, is_bold: bool) -> None:
        """Set the font for this text."""
        self.pdf.set_font("DejaVu", "B" if is_bold else "", size)
        self.pdf.set_text_shaping(is_right_to_left(text))


def is_right_to_left(text: str) -> bool:
    """Whether any letter is written from right to left. Then letters must be joined and words put in order."""
    return any(bidirectional(character) in ("R", "AL") for character in text)


CORNERS = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
"""Of a square, round to where it began."""


def _shape(light: str, x: float, y: float, r: float) -> Iterator[tuple[float, float]]:
    """Return the corners of a light's shape, as on the digest's picture: a stop sign, a warning sign, a frame, a
    diamond, a circle, a ring.
    """
    match Light(light):
        case Light.CRITICAL:
            for at in range(8):
                angle = pi / 8 + pi * at / 4
                yield x + r * cos(angle), y + r * sin(angle)
        case Light.ATTENTION:
            yield from ((x, y - r), (x + r * 1.1, y + r * 0.9), (x - r * 1.1, y + r * 0.9))
        case Light.NO_REPORT:
            for k, way in ((r * 0.9, 1), (r * 0.62, -1)):
                yield from ((x + k * dx, y + way * k * dy) for dx, dy in CORNERS)
        case Light.TO_VALIDATE:
            k = r * 1.15
            yield from ((x, y - k), (x + k, y), (x, y + k), (x - k, y))
        case Light.ON_TRACK:
            for at in range(36):
                yield x + r * cos(pi * at / 18), y + r * sin(pi * at / 18)
        case Light.GREY:
            for radius, way in ((r, 1), (r * 0.72, -1)):
                for at in range(37):
                    yield x + radius * cos(pi * at / 18), y + radius * sin(way * pi * at / 18)
