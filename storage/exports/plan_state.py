"""The plan on one page of A4, as a PDF.

It is printed on an office printer without colour, looked at from across a table and filed: so every light is a shape of
its own with a word in the legend, nothing depends on ink, and the text can be searched and read aloud. Drawn with fpdf2
(LGPL, no system library) and the fonts of the digest's picture; imported only when somebody asks for a page.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, time
from importlib.resources import as_file, files
from math import cos, pi, sin
from typing import Any, BinaryIO

from conversations.languages import translated
from conversations.plan.lights import Light
from conversations.plan.model import Role
from conversations.plan.monitoring import WORST_FIRST, standing
from conversations.plan.plan_state import Page, Reader, plan_state
from conversations.plan.standing_records import Records
from storage.calendar.figures import Figures
from storage.exports.wanted import INTERNAL, PUBLIC, Progress, Wanted, Written, span_of
from storage.reports.files import FileStore
from storage.unit_of_work import UnitOfWork

INK, FAINT, RULE, STRIPE = (28, 39, 51), (95, 107, 118), (176, 186, 194), (243, 245, 247)
FILLS = {"critical": (195, 39, 27), "attention": (242, 183, 5), "on_track": (30, 125, 69), "grey": (201, 208, 214)}
LEFT, RIGHT, WIDTH, BOTTOM = 12.0, 198.0, 186.0, 285.0
"""Millimetres of A4; an office printer leaves nothing nearer to the edge."""
Colour = tuple[int, int, int]


def write_plan_state(unit: UnitOfWork, store: FileStore, wanted: Wanted, out: BinaryIO, progress: Progress) -> Written:
    """One page. The number of rows is that of the activities it counts."""
    page, count = state_of(unit, wanted)
    out.write(drawn(page, wanted.now))
    progress(count, count)
    return Written(count)


def state_of(unit: UnitOfWork, wanted: Wanted) -> tuple[Page, int]:
    """What the page says, and how many activities it counts.

    Of a period it is the state on the day on which the last of it was locked, told with what is known today; of an
    agency or an area, of what is theirs.
    """
    plan = next(each for each in unit.plans.all() if each.id == wanted.plan_id)
    at = _at(unit, wanted)
    figures = Figures(unit)
    records = _of_part(figures.records(plan.id, at, wanted.zone), wanted)
    found = standing(records, at, at, wanted.zone, only_validated=wanted.only_validated)
    indicators = [
        each
        for each in figures.indicators(plan.id, at, wanted.zone, protect=not wanted.sees_restricted)
        if _is_in(each.indicator.agency_code, wanted, "agency") and _is_in(each.indicator.area_code, wanted, "area")
    ]
    areas = [(a.code, translated(a.name, wanted.language)) for a in unit.plans.strategic_areas(plan.id)]
    name = translated(plan.name, wanted.language) or plan.code
    page = plan_state(found, indicators, areas, name, reader_of(wanted), wanted.language)
    return page, len(found.activities)


def reader_of(wanted: Wanted) -> Reader:
    """What the page may say (DOMAIN §2.7): decisions are for who takes them, reasons not for the public."""
    return Reader(
        audience=wanted.audience,
        reads_restricted=wanted.sees_restricted,
        reads_decisions=wanted.audience == INTERNAL or wanted.role is Role.READER,
        reads_reasons=wanted.audience != PUBLIC,
        ranks=wanted.audience == INTERNAL,
    )


def _at(unit: UnitOfWork, wanted: Wanted) -> datetime:
    span = span_of(wanted.period)
    if span is None:
        return wanted.now
    locks = [p.locks_on for p in unit.plans.periods(wanted.plan_id) if span.start_on <= p.end_on <= span.end_on]
    return min(wanted.now, datetime.combine(max(locks), time(0), wanted.zone)) if locks else wanted.now


def _of_part(records: Records, wanted: Wanted) -> Records:
    return replace(
        records,
        agencies=tuple(each for each in records.agencies if _is_in(each.code, wanted, "agency")),
        activities=tuple(
            each
            for each in records.activities
            if _is_in(each.agency_code, wanted, "agency") and _is_in(each.area_code, wanted, "area")
        ),
    )


def _is_in(code: str, wanted: Wanted, name: str) -> bool:
    allowed = wanted.one_of(name)
    return not allowed or code in allowed


# ------------------------------------------------------------------ drawing
def drawn(page: Page, now: datetime) -> bytes:
    """The page as a PDF; the same page at the same instant is the same bytes."""
    with ExitStack() as held:
        sheet = _Sheet(held)
        sheet.pdf.set_creation_date(now)
        sheet.pdf.set_title(f"{page.title} · {page.subtitle}")
        sheet.pdf.set_lang(page.language)
        y = _head(sheet, page)
        y = _tiles(sheet, page, y)
        y = _areas(sheet, page, y)
        y = max(_matrix(sheet, page, y, 88), _items(sheet, page, y, LEFT + 94, WIDTH - 94))
        y = _indicators(sheet, page, y + 2)
        _foot(sheet, page)
        return bytes(sheet.pdf.output())


def _head(sheet: "_Sheet", page: Page) -> float:
    y = 12.0
    for text in sheet.wrapped(page.title, WIDTH, 15, is_bold=True, lines=2):
        sheet.write(LEFT, y, text, 15, is_bold=True)
        y += 6.6
    sheet.write(LEFT, y + 0.6, page.subtitle, 9.5, colour=FAINT)
    sheet.write(RIGHT, y + 0.6, page.audience, 9.5, colour=FAINT, align="R")
    sheet.rule(y + 6.4)
    return y + 9.5


def _tiles(sheet: "_Sheet", page: Page, y: float) -> float:
    """The seven figures that are looked for first."""
    wide = WIDTH / 7
    x = LEFT
    for light, word, count in page.lights:
        sheet.stamp(light, x + 4.4, y + 6, 3.6)
        sheet.write(x + 10, y + 2, str(count), 17, is_bold=True)
        sheet.write(x, y + 11, word, 8, colour=FAINT, width=wide - 2)
        x += wide
    tick, done = page.completed
    sheet.tick(x + 3.4, y + 6, 2.4)
    sheet.write(x + 8, y + 2, str(done), 17, is_bold=True)
    sheet.write(x, y + 11, tick, 8, colour=FAINT, width=wide - 2)
    for what, percent, how, against in page.rates:
        x += wide
        sheet.write(x, y + 2, percent, 17, is_bold=True)
        sheet.write(x, y + 11, f"{what}: {how}" if how else what, 7, colour=FAINT, width=wide)
        sheet.write(x, y + 14, against, 7, colour=FAINT, width=wide)
    return y + 18.5


def _areas(sheet: "_Sheet", page: Page, y: float) -> float:
    """A row for each area: its lights, and how far it is."""
    if not page.areas:
        return y
    y = sheet.heading(page.words["areas"], LEFT, y, WIDTH)
    columns = [LEFT + 100 + 12 * number for number in range(5)]
    for x, light in zip(columns, WORST_FIRST, strict=False):
        sheet.stamp(light.value, x + 4, y + 2.4, 1.9)
    sheet.tick(columns[4] + 4, y + 2.4, 1.5)
    sheet.write(LEFT + 164, y + 0.6, page.words["mean"], 7.5, colour=FAINT, width=22)
    y += 5.6
    for row, area in enumerate(page.areas):
        if row % 2 == 0:
            sheet.stripe(LEFT, y, WIDTH, 5.8)
        sheet.write(LEFT + 1, y + 1.1, area.name, 8.5, width=97)
        for x, value in zip(columns, [*(area.counts[light] for light in WORST_FIRST), area.completed], strict=True):
            sheet.write(x + 4, y + 1.1, str(value) if value else "–", 8.5, align="C", is_bold=bool(value))
        if area.mean is None:
            sheet.write(LEFT + 164, y + 1.1, "–", 8.5)
        else:
            sheet.bar(LEFT + 164, y + 1.7, 12, 2.6, area.mean)
            sheet.write(RIGHT - 1, y + 1.1, f"{area.mean}%", 8.5, align="R")
        y += 5.8
    return y + 3


def _matrix(sheet: "_Sheet", page: Page, y: float, width: float) -> float:
    """Agencies × closings: the shape of the worst light, and how many activities have it."""
    y = sheet.heading(page.words["matrix"], LEFT, y, width)
    columns: Sequence[str] = page.matrix["columns"]
    rows: Sequence[Any] = page.matrix["rows"]
    wide = min(13.0, (width - 24) / max(1, len(columns)))
    for number, name in enumerate(columns):
        sheet.write(LEFT + 24 + wide * (number + 0.5), y + 0.6, name, 7.5, colour=FAINT, align="C")
    y += 4.8
    high = min(5.6, 96 / max(1, len(rows)))
    for row, (agency, cells) in enumerate(rows):
        if row % 2 == 0:
            sheet.stripe(LEFT, y, width, high)
        sheet.write(LEFT + 1, y + high / 2 - 1.6, agency, 8, width=22)
        for number, cell in enumerate(cells):
            x = LEFT + 24 + wide * (number + 0.5)
            if cell is None:
                sheet.write(x, y + high / 2 - 1.6, "–", 7.5, colour=FAINT, align="C")
            else:
                light, count = cell
                sheet.stamp(light, x - 2, y + high / 2, min(2.0, high * 0.36))
                sheet.write(x + 1.2, y + high / 2 - 1.6, str(count), 8)
        y += high
    if page.matrix["more"]:
        sheet.write(LEFT, y + 0.8, page.matrix["more"], 7.5, colour=FAINT)
        y += 4.2
    x = LEFT
    for light, word in page.matrix["legend"]:
        sheet.stamp(light, x + 2, y + 3, 1.6)
        sheet.write(x + 4.6, y + 1.4, word, 7, colour=FAINT)
        x += 7 + sheet.length(word, 7)
    return y + 6


def _items(sheet: "_Sheet", page: Page, y: float, x: float, width: float) -> float:
    """What waits for a decision, and what is red."""
    blocks = [(page.words["red"], page.red)]
    if page.decisions is not None:
        blocks.insert(0, (page.words["decisions"], page.decisions))
    if page.attention:
        blocks.append((page.lights[1][1], page.attention))
    for heading, items in blocks:
        y = sheet.heading(heading, x, y, width)
        for item in items or (page.words["none"],):
            lines = sheet.wrapped(f"• {item}" if items else item, width - 1, 7.5, lines=3)
            for number, text in enumerate(lines):
                sheet.write(x + (1.6 if number else 0), y + 0.5, text, 7.5)
                y += 3.5
            y += 0.9
        y += 2
    return y


def _indicators(sheet: "_Sheet", page: Page, y: float) -> float:
    if not page.indicators:
        return y
    y = sheet.heading(page.indicators_title, LEFT, y, WIDTH)
    right = (RIGHT - 75, RIGHT - 50, RIGHT - 24, RIGHT - 1)
    sheet.write(LEFT + 1, y + 0.5, page.words["indicator"], 7.5, colour=FAINT)
    for x, word in zip(right, ("baseline", "value", "towards", "target"), strict=True):
        sheet.write(x, y + 0.5, page.words[word], 7.5, colour=FAINT, align="R")
    y += 4.6
    rows, left_out = list(page.indicators), page.words["more_indicators"]
    high = max(4.0, min(5.2, (BOTTOM - 17 - y - (4 if left_out else 0)) / len(rows)))
    for row, (code, name, *figures) in enumerate(rows):
        if row % 2 == 0:
            sheet.stripe(LEFT, y, WIDTH, high)
        sheet.write(LEFT + 1, y + high / 2 - 1.5, code, 7.5, is_bold=True)
        sheet.write(LEFT + 17, y + high / 2 - 1.5, name, 7.5, width=78)
        for x, figure, is_bold in zip(right, figures, (False, False, True, False), strict=True):
            sheet.write(x, y + high / 2 - 1.5, figure, 7.5, align="R", is_bold=is_bold)
        y += high
    if left_out:
        sheet.write(LEFT + 1, y + 0.6, left_out, 7.5, colour=FAINT)
        y += 4
    return y


def _foot(sheet: "_Sheet", page: Page) -> None:
    lines = sheet.wrapped(f"{page.words['method']}. {page.method}", WIDTH, 6.5, lines=5)
    y = BOTTOM - 2.9 * len(lines)
    sheet.rule(y - 1.2)
    for text in lines:
        sheet.write(LEFT, y, text, 6.5, colour=FAINT)
        y += 2.9


class _Sheet:
    """One page that is written on, in millimetres from its upper left corner."""

    def __init__(self, held: ExitStack) -> None:
        from fpdf import FPDF

        self.pdf = FPDF(format="A4")
        self.pdf.set_auto_page_break(False)
        self.pdf.set_margin(0)
        for style, name in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
            path = held.enter_context(as_file(files("conversations") / "fonts" / name))
            self.pdf.add_font("DejaVu", style, path)
        fonts: Any = self.pdf.fonts
        self._drawn = frozenset(fonts["dejavu"].cmap) & frozenset(fonts["dejavuB"].cmap)
        self.pdf.add_page()

    def write(
        self, x: float, y: float, text: str, size: float, *, width: float = 0, colour: Colour = INK,
        is_bold: bool = False, align: str = "L",
    ) -> None:  # fmt: skip
        """A line of text whose upper edge is at `y`; cut with "…" where it is wider than `width`."""
        self._set(size, is_bold=is_bold)
        if width and self.pdf.get_string_width(text) > width:
            while text and self.pdf.get_string_width(text + "…") > width:
                text = text[:-1].rstrip()
            text += "…"
        # A picture that no font of ours has (a padlock) would be a hole in the line.
        text = "".join(c for c in text if ord(c) in self._drawn).rstrip()
        self.pdf.set_text_color(*colour)
        long = self.pdf.get_string_width(text)
        left = x - long if align == "R" else x - long / 2 if align == "C" else x
        self.pdf.text(left, y + size * 0.3, text)

    def wrapped(self, text: str, width: float, size: float, *, lines: int, is_bold: bool = False) -> list[str]:
        """The text in as many lines as it takes, at most so many."""
        self._set(size, is_bold=is_bold)
        made: list[str] = [""]
        for word in text.split():
            longer = f"{made[-1]} {word}".strip()
            if not made[-1] or self.pdf.get_string_width(longer) <= width:
                made[-1] = longer
            else:
                made.append(word)
        return [*made[: lines - 1], f"{made[lines - 1]} …"] if len(made) > lines else made

    def length(self, text: str, size: float) -> float:
        self._set(size, is_bold=False)
        return float(self.pdf.get_string_width(text))

    def heading(self, text: str, x: float, y: float, width: float) -> float:
        self.write(x, y, text, 10, is_bold=True)
        self.pdf.set_draw_color(*RULE)
        self.pdf.line(x, y + 5, x + width, y + 5)
        return y + 6

    def rule(self, y: float) -> None:
        self.pdf.set_draw_color(*RULE)
        self.pdf.line(LEFT, y, RIGHT, y)

    def stripe(self, x: float, y: float, width: float, height: float) -> None:
        self.pdf.set_fill_color(*STRIPE)
        self.pdf.rect(x, y, width, height, "F")

    def bar(self, x: float, y: float, width: float, height: float, percent: int) -> None:
        self.pdf.set_draw_color(*FAINT)
        self.pdf.rect(x, y, width, height, "D")
        self.pdf.set_fill_color(*FAINT)
        self.pdf.rect(x, y, width * min(100, max(0, percent)) / 100, height, "F")

    def stamp(self, light: str, x: float, y: float, r: float) -> None:
        """The shape of a light about a point, dark at its edge: it is one without colour too."""
        self.pdf.set_fill_color(*FILLS[light])
        self.pdf.set_draw_color(*INK)
        self.pdf.set_line_width(0.15)
        self.pdf.polygon(list(_shape(light, x, y, r)), style="FD")
        self.pdf.set_line_width(0.2)

    def tick(self, x: float, y: float, r: float) -> None:
        """Completed."""
        self.pdf.set_draw_color(*INK)
        self.pdf.set_line_width(r / 4)
        self.pdf.polyline([(x - r, y), (x - r / 4, y + r * 0.75), (x + r, y - r * 0.8)])
        self.pdf.set_line_width(0.2)

    def _set(self, size: float, *, is_bold: bool) -> None:
        self.pdf.set_font("DejaVu", "B" if is_bold else "", size)


def _shape(light: str, x: float, y: float, r: float) -> Iterator[tuple[float, float]]:
    """As on the digest's picture: a stop sign, a warning sign, a circle, a square."""
    match Light(light):
        case Light.CRITICAL:
            for at in range(8):
                angle = pi / 8 + pi * at / 4
                yield x + r * cos(angle), y + r * sin(angle)
        case Light.ATTENTION:
            yield from ((x, y - r), (x + r * 1.1, y + r * 0.9), (x - r * 1.1, y + r * 0.9))
        case Light.ON_TRACK:
            for at in range(36):
                yield x + r * cos(pi * at / 18), y + r * sin(pi * at / 18)
        case Light.GREY:
            k = r * 0.82
            yield from ((x - k, y - k), (x + k, y - k), (x + k, y + k), (x - k, y + k))
