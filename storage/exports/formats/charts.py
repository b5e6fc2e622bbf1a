"""The chart sheet of a workbook: for each indicator its figures beside its target, as numbers and as a chart.

A row for each figure suits a program. A minister asks "are we getting there?". So each indicator has a block: periods
and values on the left, and on the right a chart drawn by the spreadsheet itself, which can be copied into a letter.
Figures that are added up over months are shown as the sum since the beginning, beside a target for the whole plan; for
a target of a year, as the sum of the year, with a gap between two years. A period without a figure is a gap. A
protected figure is a word on the left and a gap in the chart, and no sum continues after it, because the sum would
reveal it.

An indicator that goes on from an earlier plan is one line; a sum begins anew in each plan. Between two plans stands a
mark: a dash, or what is defined otherwise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from conversations.plan.model import is_year
from conversations.plan.series import series
from conversations.wording import Wording, wording
from storage.exports.tables import PROTECTED, Cell, Extract
from storage.exports.wanted import Wanted

CHARTS = 60
"""The most charts on a sheet. Further indicators are in the table only."""
COLUMN, SUM, TARGET = "#9DB4CC", "#1F3A5F", "#C3271B"
HIGH, WIDE = 17, 620
"""Rows of a block, and the width of its chart in pixels."""
ON_A_PAGE = 36
"""Rows of a printed page. A chart is not split between pages."""


@dataclass(slots=True)
class _Block:
    code: str
    title: str
    is_sum: bool = False
    is_by_the_year: bool = False
    rows: list[tuple[str, Cell, Cell]] = field(default_factory=list)
    """Period, value, target."""
    baseline: Cell = None
    continues: str = ""
    since: str = ""
    plan: str = ""
    """The earlier plan that it is from."""
    mark: str = ""
    """Of an earlier plan: what stands between its figures and those of the plan that follows."""
    before: "tuple[_Block, ...]" = ()
    """The same line in earlier plans, the oldest first."""

    @property
    def every(self) -> list[tuple[str, Cell, Cell]]:
        return [row for block in (*self.before, self) for row in block.rows]

    @property
    def has_figures(self) -> bool:
        return any(isinstance(value, int | float) for _, value, _ in self.every)

    @property
    def is_fraction(self) -> bool:
        return any(isinstance(value, float) and value != int(value) for _, value, _ in self.every)

    @property
    def sums(self) -> list[Cell]:
        """Return the sum up to each period, since the beginning or in the year, as the target is.

        None after a protected figure.

        A period without a figure adds nothing. Figures that are told only by the year are not added up.
        """
        made: list[Cell] = []
        total: int | float | None = 0
        year = ""
        for period, value, _ in self.rows:
            if self.is_by_the_year and period[:4] != year:
                year, total = period[:4], 0
            if isinstance(value, str) or len(period) <= 4:
                total = None
            elif isinstance(value, int | float) and total is not None:
                total += value
            made.append(total)
        return made

    @property
    def lines(self) -> list[tuple[str, Cell, Cell, Cell]]:
        """Return period, value, target and sum; between two plans a line with the mark.

        A blank line separates two years of a yearly count; otherwise the chart would fall each January.
        """
        made = [each for block in self.before for each in (*block.lines, (block.mark, None, None, None))]
        year = ""
        sums = self.sums if self.is_sum else [None] * len(self.rows)
        for (period, value, target), total in zip(self.rows, sums, strict=True):
            if self.is_sum and self.is_by_the_year and len(period) > 4 and year and period[:4] != year:
                made.append(("", None, None, None))
            year = period[:4]
            made.append((period, value, target, total))
        return made


class Charts:
    """Collects the totals of `extract.series` while the rows pass, and draws them at the end."""

    def __init__(self, extract: Extract, language: str) -> None:
        self._say = wording(language)
        names = [column.name for column in extract.tables[0].columns]
        self._at = {name: number for number, name in enumerate(names)}
        self._blocks: dict[str, _Block] = {}
        self._goes_on: dict[str, str] = {}
        """Of the blocks of earlier plans: under which codes they go on."""

    def take(self, row: Sequence[Cell]) -> None:
        def cell(name: str) -> Cell:
            return row[self._at[name]]

        if cell("dimension") != "total":
            return
        code, plan = str(cell("indicator")), str(cell("earlier_plan") or "") if "earlier_plan" in self._at else ""
        key, title = code, f"{code} · {cell('indicator_name') or ''}".rstrip(" ·")
        if plan:
            key, title = f"{plan}/{code}", f"{title} ({plan})"
        is_by_the_year = is_year(str(cell("baseline_period") or ""))
        block = self._blocks.setdefault(
            key, _Block(key, title, cell("aggregation") == "sum", is_by_the_year, plan=plan)
        )
        block.continues = "" if plan else str(cell("continues") or "")
        if plan:
            self._goes_on[key] = str(cell("goes_on_as"))
            block.mark = self._mark(str(cell("differs") or ""))
        block.since = block.since or str(cell("period_end") or "")
        block.baseline = cell("baseline")
        block.rows.append((str(cell("period") or ""), self._shown(cell), cell("target")))

    def _joined(self) -> list[_Block]:
        """The blocks, in which a row that goes on under another code is one line with it.

        So it is if the codes tell of different periods. Those that were merged into one stand side by side.
        """
        of: dict[str, list[_Block]] = {}
        for key, codes in self._goes_on.items():
            for follower in (self._blocks[code] for code in codes.split() if code in self._blocks):
                follower.continues += f" {key}"
        goes_on = series(self._blocks.values())
        for block in self._blocks.values():
            of.setdefault(goes_on[block.code], []).append(block)
        found: list[_Block] = []
        for code, blocks in of.items():
            ordered = sorted(blocks, key=lambda block: (block.code not in self._goes_on, block.since or "9999"))
            parts = [[*group] for _, group in groupby(ordered, key=lambda block: block.plan)]
            periods = [(block.plan, period) for block in blocks for period, *_ in block.rows]
            is_line = code in self._blocks and len({*periods}) == len(periods)
            if is_line and all(len({block.is_sum for block in part}) == 1 for part in parts):
                *before, last = (replace(part[-1], rows=[row for each in part for row in each.rows]) for part in parts)
                found.append(replace(self._blocks[code], rows=last.rows, before=tuple(before)))
            else:
                found += blocks
        return found

    def _mark(self, differs: str) -> str:
        words = ", ".join(self._say(f"table.column.{name}") for name in differs.split())
        return f"≠ {words}" if words else "—"

    @staticmethod
    def _shown(cell: Callable[[str], Cell]) -> Cell:
        """Return the figure, or the word that replaces it."""
        if cell("value_status") == "suppressed":
            return f"<{cell('value_below')}" if cell("value_below") else PROTECTED
        return cell("value")

    def draw(self, book: Any, sheet: Any, wanted: Wanted, looks: Any) -> None:
        """Draw one block below the other; printed, two fit side by side."""
        say = self._say
        sheet.hide_gridlines(2)
        # A chart stands beside its numbers only if every row has the height it says.
        sheet.set_default_row(15)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_column(0, 0, 12)
        sheet.set_column(1, 2, 11)
        sheet.set_column(3, 3, 15)
        sheet.set_column(4, 4, 2)
        told = [block for block in self._joined() if block.has_figures]
        row = 0
        sheet.set_row(row, 24)
        sheet.write_string(row, 0, say("table.charts"), looks.title)
        row += 1
        if not told:
            sheet.write_string(row, 0, say("table.charts.none"))
        breaks: list[int] = []
        begun = 0
        for number, block in enumerate(told[:CHARTS]):
            row += 1
            high = max(HIGH, len(block.lines) + 4)
            if number and row + high - begun > ON_A_PAGE:  # the first stands below the title, however long it is
                begun = row
                breaks.append(row)
            self._block(book, sheet, block, row, looks, say)
            row += high
        if len(told) > CHARTS:
            sheet.write_string(row + 1, 0, say("digest.more", n=len(told) - CHARTS))
        sheet.set_h_pagebreaks(breaks)

    def _block(self, book: Any, sheet: Any, block: _Block, top: int, looks: Any, say: Wording) -> None:
        sheet.write_string(top, 0, block.title, looks.measure)
        lines = block.lines
        columns = [say("table.column.value"), say("table.column.target")]
        if any(total is not None for *_, total in lines):
            columns.append(say("table.charts.year" if block.is_by_the_year else "table.charts.sum"))
        sheet.set_row(top + 1, 30)
        for at, word in enumerate([say("table.column.period"), *columns]):
            sheet.write_string(top + 1, at, word, looks.head_right if at else looks.head)
        for number, (period, *cells) in enumerate(lines, top + 2):
            sheet.write_string(number, 0, period)
            for at, cell in enumerate(cells, 1):
                if isinstance(cell, int | float):
                    sheet.write_number(number, at, cell, looks.whole if cell == int(cell) else looks.fraction)
                elif cell is not None:
                    sheet.write_string(number, at, str(cell), looks.word)
        last = top + 1 + len(lines)
        if block.baseline is not None:
            sheet.write_string(last + 1, 0, f"{say('table.column.baseline')}{say.colon}{block.baseline}")

        def drawn(at: int, **looks_of: Any) -> dict[str, Any]:
            name = sheet.get_name()
            ends = {"categories": [name, top + 2, 0, last, 0], "values": [name, top + 2, at, last, at]}
            return {"name": [name, top + 1, at], **ends, **looks_of}

        chart, line = book.add_chart({"type": "column"}), book.add_chart({"type": "line"})
        is_summed = len(columns) == 3
        # With two rows or columns the labels would cover each other; the numbers are on the left anyway.
        labels = {"value": not is_summed, "num_format": "0.0" if block.is_fraction else "#,##0"}
        chart.add_series(drawn(1, fill={"color": COLUMN}, gap=80, data_labels=labels))
        if is_summed:
            line.add_series(
                drawn(
                    3, line={"color": SUM, "width": 2.25}, marker={"type": "circle", "size": 6, "fill": {"color": SUM}}
                )
            )
        if any(isinstance(target, int | float) for _, _, target in block.every):
            # Dashed and with its own mark: the target must be recognised without colour too.
            mark = {"type": "diamond", "size": 7, "fill": {"color": TARGET}}
            line.add_series(drawn(2, line={"color": TARGET, "width": 2, "dash_type": "dash"}, marker=mark))
        if line.series:
            chart.combine(line)
        chart.set_title({"name": block.title, "name_font": {"size": 11}, "overlay": False})
        chart.set_legend({"position": "bottom"})
        grid = {"visible": True, "line": {"color": "#D9DEE3"}}
        chart.set_y_axis({"min": 0, "num_format": "#,##0", "major_gridlines": grid})
        chart.set_size({"width": WIDE, "height": HIGH * 20 - 20})
        words = f"{block.title}: " + "; ".join(f"{period} {value}" for period, value, _ in block.every[-12:])
        sheet.insert_chart(top, 5, chart, {"description": words[:250], "object_position": 1, "y_offset": 4})
