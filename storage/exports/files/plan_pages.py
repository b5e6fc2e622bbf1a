"""Draw the state of a plan on one page of A4, or the 3P table on as many as it needs, as a PDF.

The page is printed on an office printer without colour, read across a table and filed. So every light is a shape of its
own with a word in the legend, nothing depends on colour, and the text can be searched and read aloud.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from itertools import takewhile
from typing import Any

from conversations.plan.figures.monitoring import WORST_FIRST
from conversations.plan.messages.balance import BalancePages
from conversations.plan.messages.digest_words import number
from conversations.plan.messages.plan_state import Page
from storage.exports.files.paper import BOTTOM, FAINT, LEFT, RIGHT, WIDTH, Paper
from storage.exports.formats.crosstab import NOT_WHOLE, Crosstab, Figure, Line

YEARS = 4
"""The last so many years of each calendar fit on a page."""


FOOT = 21.0
"""Millimetres that the method note and the line above it need at most."""
INDICATOR_HIGH = 4.0
"""Millimetres of an indicator's row, at least."""


def drawn(page: Page, now: datetime) -> bytes:
    """The state of the plan as a PDF of one page. The same page at the same instant gives the same bytes."""
    with ExitStack() as held:
        paper = Paper(held, title=f"{page.title} · {page.subtitle}", language=page.language, now=now)
        _draw_state(paper, page)
        return bytes(paper.pdf.output())


def drawn_table(page: Page, table: Crosstab, now: datetime) -> bytes:
    """The 3P table as a PDF; `page` has its words. A table without measures is a line that says so."""
    with ExitStack() as held:
        title = f"{page.words['three_p']} · {page.title} · {page.subtitle}"
        paper = Paper(held, title=title, language=page.language, now=now)
        _draw_table(paper, page, table)
        return bytes(paper.pdf.output())


def drawn_balance(pages: BalancePages, now: datetime) -> bytes:
    """The balance of a plan as a PDF of two pages: what was done, by area and agency; indicators and obstacles."""
    with ExitStack() as held:
        title = f"{pages.title} · {pages.page.title}"
        paper = Paper(held, title=title, language=pages.page.language, now=now)
        _draw_balance(paper, pages)
        return bytes(paper.pdf.output())


def _draw_state(sheet: Paper, page: Page) -> None:
    sheet.add_page()
    y = _head(sheet, page)
    y = _tiles(sheet, page, y)
    y = _areas(sheet, page, y)
    y = max(_matrix(sheet, page, y, 88), _items(sheet, page, y, LEFT + 94, WIDTH - 94))
    y = _indicators(sheet, page, y + 2)
    _foot(sheet, page)


def _head(sheet: Paper, page: Page) -> float:
    y = 12.0
    with sheet.element("H1"):
        for text in sheet.wrapped(page.title, WIDTH, 15, is_bold=True, lines=2):
            sheet.write(LEFT, y, text, 15, is_bold=True)
            y += 6.6
    with sheet.element("P"):
        sheet.write(LEFT, y + 0.6, page.subtitle, 9.5, colour=FAINT)
        sheet.write(RIGHT, y + 0.6, page.audience, 9.5, colour=FAINT, align="R")
    sheet.rule(y + 6.4)
    return y + 9.5


def _tiles(sheet: Paper, page: Page, y: float) -> float:
    """Draw the nine figures that readers look for first. A rate has a sentence below it, so it is wider."""
    wide, rate_wide = 18.4, (WIDTH - 7 * 18.4) / 2
    x = LEFT
    for light, word, count in page.lights:
        with sheet.element("P"):
            sheet.stamp(light, x + 4.4, y + 6, 3.6)
            _count(sheet, count, x + 9.4, y)
            _named(sheet, word, x, y, wide)
        x += wide
    tick, done = page.completed
    with sheet.element("P"):
        sheet.tick(x + 3.4, y + 6, 2.4)
        _count(sheet, done, x + 8, y)
        _named(sheet, tick, x, y, wide)
    x += wide
    for what, percent, how, against in page.rates:
        with sheet.element("P"):
            sheet.write(x, y + 2, percent, 17, is_bold=True)
            sheet.write(
                x, y + 11, f"{what}{page.words['colon']}{how}" if how else what, 7, colour=FAINT, width=rate_wide
            )
            sheet.write(x, y + 14, against, 7, colour=FAINT, width=rate_wide)
        x += rate_wide
    return y + 18.5


def _count(sheet: Paper, count: int, x: float, y: float) -> None:
    """Write a tile's number, smaller from three digits on: the next tile's shape begins 9 mm on."""
    text = str(count)
    size = min(17.0, 17.0 * 2 / len(text))
    sheet.write(x, y + 2 + (17 - size) * 0.18, text, size, is_bold=True)


def _named(sheet: Paper, word: str, x: float, y: float, wide: float) -> None:
    """Write what a tile counts, in two lines if one is too narrow for it."""
    for row, text in enumerate(sheet.wrapped(word, wide - 1, 7, lines=2)):
        sheet.write(x, y + 11 + 3 * row, text, 7, colour=FAINT, width=wide - 1)


def _areas(sheet: Paper, page: Page, y: float) -> float:
    """Draw a row for each area: its lights and its progress."""
    if not page.areas:
        return y
    y = sheet.heading(page.words["areas"], LEFT, y, WIDTH)
    columns = [LEFT + 88 + 10 * number for number in range(len(page.lights) + 1)]
    with sheet.element("Table"):
        with sheet.element("TR"):
            with sheet.header():
                sheet.write(LEFT + 1, y + 0.6, page.words["area"], 7.5, colour=FAINT)
            for x, (light, word, _) in zip(columns, page.lights, strict=False):
                with sheet.header():
                    sheet.stamp(light, x + 4, y + 2.4, 1.9, alt=word)
            with sheet.header():
                sheet.tick(columns[-1] + 4, y + 2.4, 1.5, alt=page.completed[0])
            with sheet.header():
                sheet.write(RIGHT - 1, y + 0.6, page.words["mean"], 7.5, colour=FAINT, align="R", width=30)
        y += 5.6
        for row, area in enumerate(page.areas):
            if row % 2 == 0:
                sheet.stripe(LEFT, y, WIDTH, 5.8)
            with sheet.element("TR"):
                with sheet.header("Row"):
                    sheet.write(LEFT + 1, y + 1.1, area.name, 8.5, width=85)
                counts = [*(area.counts[light] for light in WORST_FIRST), area.completed]
                for x, value in zip(columns, counts, strict=True):
                    with sheet.element("TD"):
                        sheet.write(x + 4, y + 1.1, str(value), 8.5, align="C", is_bold=bool(value))
                with sheet.element("TD"):
                    if area.mean is None:
                        sheet.write(RIGHT - 1, y + 1.1, "–", 8.5, align="R")
                    else:
                        sheet.bar(LEFT + 164, y + 1.7, 12, 2.6, area.mean)
                        sheet.write(RIGHT - 1, y + 1.1, page.words["percent"].format(n=area.mean), 8.5, align="R")
            y += 5.8
    return y + 3


def _matrix(sheet: Paper, page: Page, y: float, width: float) -> float:
    """Draw agencies × closings: the shape of the worst light, and how many activities have it."""
    y = sheet.heading(page.words["matrix"], LEFT, y, width)
    columns: Sequence[str] = page.matrix["columns"]
    rows: Sequence[Any] = page.matrix["rows"]
    if not rows:
        with sheet.element("P"):
            sheet.write(LEFT, y + 0.5, page.words["no_closings"], 7.5)
        return y + 6
    wide = min(13.0, (width - 24) / max(1, len(columns)))
    words = dict(page.matrix["legend"])
    high = min(5.6, 96 / max(1, len(rows)))
    with sheet.element("Table"):
        with sheet.element("TR"):
            with sheet.header():
                sheet.write(LEFT + 1, y + 0.6, page.words["agency"], 7.5, colour=FAINT, width=22)
            for number, name in enumerate(columns):
                with sheet.header():
                    sheet.write(LEFT + 24 + wide * (number + 0.5), y + 0.6, name, 7.5, colour=FAINT, align="C")
        y += 4.8
        for row, (agency, cells) in enumerate(rows):
            if row % 2 == 0:
                sheet.stripe(LEFT, y, width, high)
            with sheet.element("TR"):
                with sheet.header("Row"):
                    sheet.write(LEFT + 1, y + high / 2 - 1.6, agency, 8, width=22)
                for number, cell in enumerate(cells):
                    x = LEFT + 24 + wide * (number + 0.5)
                    _matrix_cell(sheet, cell, x, y, high, words)
            y += high
    if page.matrix["more"]:
        with sheet.element("P"):
            sheet.write(LEFT, y + 0.8, page.matrix["more"], 7.5, colour=FAINT)
        y += 4.2
    x = LEFT
    for light, word in page.matrix["legend"]:  # for the eye; a screen reader has read each word in its place
        long = sheet.length(word, 7)
        if x + 4.6 + long > LEFT + width:
            x, y = LEFT, y + 4.4
        sheet.stamp(light, x + 2, y + 3, 1.6)
        sheet.write(x + 4.6, y + 1.4, word, 7, colour=FAINT)
        x += 7 + long
    return y + 6


def _matrix_cell(
    sheet: Paper, cell: tuple[str, int] | None, x: float, y: float, high: float, words: Mapping[str, str]
) -> None:
    with sheet.element("TD"):
        if cell is None:
            sheet.write(x, y + high / 2 - 1.6, "–", 7.5, colour=FAINT, align="C")
            return
        light, count = cell
        sheet.stamp(light, x - 2, y + high / 2, min(2.0, high * 0.36), alt=words.get(light, light))
        sheet.write(x + 1.2, y + high / 2 - 1.6, str(count), 8)


def _items(sheet: Paper, page: Page, y: float, x: float, width: float) -> float:
    """Draw the decisions that wait, and the red activities. Each has fewer lines if there is no room for three."""
    blocks = [(page.words["red"], page.red)]
    if page.decisions is not None:
        blocks.insert(0, (page.words["decisions"], page.decisions))
    if page.attention:
        blocks.append((page.lights[1][1], page.attention))
    below = 10.6 + INDICATOR_HIGH * len(page.indicators) + 4 if page.indicators else 0
    room = BOTTOM - FOOT - below - y - 8 * len(blocks)
    lines_each = next((n for n in (3, 2) if room >= sum(_items_high(sheet, items, width, n) for _, items in blocks)), 1)
    for heading, items in blocks:
        y = sheet.heading(heading, x, y, width)
        with sheet.element("L"):
            for item in items or (page.words["none"],):
                with sheet.element("LI"), sheet.element("LBody"):
                    lines = sheet.wrapped(f"• {item}" if items else item, width - 1, 7.5, lines=lines_each)
                    for number, text in enumerate(lines):
                        sheet.write(x + (1.6 if number else 0), y + 0.5, text, 7.5)
                        y += 3.5
                y += 0.9
        y += 2
    return y


def _items_high(sheet: Paper, items: Sequence[str], width: float, lines: int) -> float:
    """Return the height of these items, with at most so many lines each."""
    return sum(3.5 * len(sheet.wrapped(f"• {item}", width - 1, 7.5, lines=lines)) + 0.9 for item in items or ("",))


def _indicators(sheet: Paper, page: Page, y: float) -> float:
    if not page.indicators:
        return y
    y = sheet.heading(page.indicators_title, LEFT, y, WIDTH)
    right = (RIGHT - 75, RIGHT - 50, RIGHT - 24, RIGHT - 1)
    rows, left_out = list(page.indicators), page.words["more_indicators"]
    with sheet.element("Table"):
        with sheet.element("TR"):
            with sheet.header():
                sheet.write(LEFT + 1, y + 0.5, page.words["indicator"], 7.5, colour=FAINT)
            for x, word in zip(right, ("baseline", "value", "towards", "target"), strict=True):
                with sheet.header():
                    sheet.write(x, y + 0.5, page.words[word], 7.5, colour=FAINT, align="R")
        y += 4.6
        high = max(INDICATOR_HIGH, min(5.2, (BOTTOM - FOOT - y - (4 if left_out else 0)) / len(rows)))
        for row, (code, name, *figures) in enumerate(rows):
            if row % 2 == 0:
                sheet.stripe(LEFT, y, WIDTH, high)
            with sheet.element("TR"):
                with sheet.header("Row"):
                    sheet.write(LEFT + 1, y + high / 2 - 1.5, code, 7.5, is_bold=True)
                    sheet.write(LEFT + 17, y + high / 2 - 1.5, name, 7.5, width=78)
                for x, figure, is_bold in zip(right, figures, (False, False, True, False), strict=True):
                    with sheet.element("TD"):
                        sheet.write(x, y + high / 2 - 1.5, figure, 7.5, align="R", is_bold=is_bold)
            y += high
    if left_out:
        with sheet.element("P"):
            sheet.write(LEFT + 1, y + 0.6, left_out, 7.5, colour=FAINT)
        y += 4
    return y


def _foot(sheet: Paper, page: Page) -> None:
    lines = sheet.wrapped(f"{page.words['method']}. {page.method}", WIDTH, 6.5, lines=6)
    y = BOTTOM - 2.9 * len(lines)
    sheet.rule(y - 1.2)
    with sheet.element("P"):
        for text in lines:
            sheet.write(LEFT, y, text, 6.5, colour=FAINT)
            y += 2.9


# ------------------------------------------------------------------ the balance
ROW_HIGH = 5.2


def _draw_balance(sheet: Paper, pages: BalancePages) -> None:
    sheet.add_page()
    y = _head(sheet, pages.page)
    with sheet.element("P"):
        sheet.write(
            LEFT, y + 1, f"{pages.title}{pages.page.words['colon']}{pages.headline}", 13, is_bold=True, width=WIDTH
        )
    y += 10
    y = _outcomes(sheet, pages.words["area"], pages.outcomes, pages.areas, y, ROW_HIGH)
    room = BOTTOM - y - 14
    _outcomes(sheet, pages.words["agency"], pages.outcomes, pages.agencies, y + 3,
              min(ROW_HIGH, room / max(1, len(pages.agencies) + 1)))  # fmt: skip
    sheet.add_page()
    y = _indicators(sheet, pages.page, 12.0) + 2
    for name, items in (("obstacles", pages.obstacles), ("dropped", pages.dropped)):
        y = sheet.heading(pages.words[name], LEFT, y, WIDTH)
        with sheet.element("L"):
            for item in items or (pages.words["none"],):
                with sheet.element("LI"), sheet.element("LBody"):
                    sheet.write(LEFT, y + 0.6, f"• {item}" if items else item, 8, width=WIDTH)
                y += 4.6
        y += 2
    with sheet.element("P"):
        for number, text in enumerate(sheet.wrapped(pages.method, WIDTH, 6.5, lines=4)):
            sheet.write(LEFT, BOTTOM - 12 + 2.9 * number, text, 6.5, colour=FAINT)


def _outcomes(
    sheet: Paper, heading: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[int]]], y: float, high: float
) -> float:
    """Draw a table of names and of how many activities of each have which outcome."""
    wide = 19.0
    right = [RIGHT - 1 - wide * (len(columns) - 1 - number) for number in range(len(columns))]
    with sheet.element("Table"):
        with sheet.element("TR"):
            with sheet.header():
                sheet.write(LEFT + 1, y, heading, 7.5, colour=FAINT)
            for x, name in zip(right, columns, strict=True):
                with sheet.header():
                    sheet.write(x, y, name, 7.5, colour=FAINT, align="R", width=wide - 1)
        sheet.rule(y + 4.2)
        y += 5
        for row, (name, numbers) in enumerate(rows):
            if row % 2 == 0:
                sheet.stripe(LEFT, y, WIDTH, high)
            with sheet.element("TR"):
                with sheet.header("Row"):
                    sheet.write(LEFT + 1, y + high / 2 - 1.6, name, min(8.5, high * 1.8), width=88)
                for x, value in zip(right, numbers, strict=True):
                    with sheet.element("TD"):
                        size = min(8.5, high * 1.8)
                        sheet.write(x, y + high / 2 - 1.6, str(value), size, align="R", is_bold=bool(value))
            y += high
    return y


# ------------------------------------------------------------------ the 3P table
NAME_WIDE, HIGH, NOTES_HIGH = 76.0, 4.7, 11.0


def _draw_table(sheet: Paper, page: Page, table: Crosstab) -> None:
    """Draw the table on as many pages as it needs. A page break never splits a measure that fits on one page."""
    lines = table.lines
    if not lines:
        sheet.add_page()
        with sheet.element("P"):
            sheet.write(LEFT, _table_head(sheet, page) + 2, page.words["no_measures"], 8.5)
    while lines:
        sheet.add_page()
        y = _table_head(sheet, page)
        calendars = [(name, years[-YEARS:]) for name, years in table.calendars]
        wide = (WIDTH - NAME_WIDE) / sum(len(years) for _, years in calendars)
        with sheet.element("Table"):
            y = _years_head(sheet, page, calendars, y, wide)
            pillar, row, top = "", 0, y
            while lines and (y == top or y + _needed(sheet, lines) < BOTTOM):
                line, *lines = lines
                if line.pillar != pillar:
                    pillar, row = line.pillar, 0
                    with sheet.element("TR"), sheet.header("Row"):
                        sheet.write(LEFT + 1, y + 1.5, pillar, 8.5, is_bold=True)
                    y += HIGH + 1
                name = _name_of(sheet, line)
                high = _high(name)
                if row % 2 == 0:
                    sheet.stripe(LEFT, y, WIDTH, high)
                _row(sheet, line, name, [year for _, years in calendars for year in years], y, wide)
                y, row = y + high, row + 1
        y += 2
        left_out = sum(max(0, len(years) - YEARS) for _, years in table.calendars)
        for note in [*table.notes, *([page.words["earlier_years"]] if left_out else [])]:
            with sheet.element("P"):
                sheet.write(LEFT, y, note, 6.5, colour=FAINT)
            y += 3


def _table_head(sheet: Paper, page: Page) -> float:
    with sheet.element("H2"):
        sheet.write(LEFT, 12, page.words["three_p"], 13, is_bold=True)
    with sheet.element("P"):
        sheet.write(LEFT, 19, f"{page.subtitle} · {page.title}", 8, colour=FAINT, width=150)
        sheet.write(RIGHT, 19, page.audience, 8, colour=FAINT, align="R")
    sheet.rule(24)
    return 26.0


def _years_head(
    sheet: Paper, page: Page, calendars: Sequence[tuple[str, list[tuple[str, str]]]], y: float, wide: float
) -> float:  # fmt: skip
    x = LEFT + NAME_WIDE
    for name, years in calendars:
        right = x + wide * len(years)
        sheet.write(
            right - 1, y, name, 7.5, colour=FAINT, align="R", width=wide * len(years), is_decoration=True
        )  # fmt: skip
        x += wide * len(years)
    y += 4
    with sheet.element("TR"):
        with sheet.header():
            sheet.write(LEFT + 1, y, page.words["measure"], 7.5, colour=FAINT)
        x = LEFT + NAME_WIDE
        for name, years in calendars:
            for _, year in years:
                x += wide
                # The name of the calendar is in the header of each of its years: a header across all years would be
                # read only once.
                with sheet.header(), sheet.element("Span", alt=f"{name} {year}"):
                    sheet.write(x - 1, y, _short(year), 7.5, is_bold=True, align="R")
    sheet.rule(y + 4.2)
    return y + 5


def _short(year: str) -> str:
    """Write 2018/2019 as 2018/19."""
    first, _, last = year.partition("/")
    return f"{first}/{last[2:]}" if last else first


def _needed(sheet: Paper, lines: Sequence[Line]) -> float:
    """Return the height that the next line needs. For a measure this includes all its categories."""
    first, *rest = lines
    together = [first, *(takewhile(lambda each: not each.is_total, rest) if first.is_total else ())]
    return HIGH + 1 + sum(_high(_name_of(sheet, each)) for each in together) + NOTES_HIGH


def _high(name: Sequence[str]) -> float:
    return HIGH + 3.3 * (len(name) - 1)


def _name_of(sheet: Paper, line: Line) -> list[str]:
    """The name of a measure, on two lines if it needs them."""
    lines = 2 if line.is_total else 1
    return sheet.wrapped(line.name, NAME_WIDE - (2 if line.is_total else 6), 7.5, lines=lines, is_bold=line.is_total)


def _row(
    sheet: Paper, line: Line, name: Sequence[str], years: Sequence[tuple[str, str]], y: float, wide: float
) -> None:  # fmt: skip
    with sheet.element("TR"):
        with sheet.header("Row"):
            for at, text in enumerate(name):
                left = LEFT + (1 if line.is_total else 5)
                sheet.write(left, y + 1 + 3.3 * at, text, 7.5, is_bold=line.is_total)
        for at, year in enumerate(years, 1):
            with sheet.element("TD"):
                told = line.figures.get(year)
                is_bold = line.is_total and told is not None and told.number is not None
                sheet.write(
                    LEFT + NAME_WIDE + wide * at - 1, y + 1, figure(line, told), 7.5, align="R", is_bold=is_bold
                )


def figure(line: Line, told: Figure | None) -> str:
    """Return the figure as the table shows it; blank if the year has no parts."""
    if told is None:
        return ""
    if told.number is None:
        return told.word
    value = told.number
    text = number(str(int(value))) if value == int(value) else f"{value:.1f}"
    return f"{text}{'%' if line.is_percent else ''}{'' if told.is_whole else NOT_WHOLE}"
