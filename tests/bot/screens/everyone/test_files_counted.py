"""Files beside SQL: indicators, answers, closings, the page, a scheduled export, and what leaves for the public.

Which report stands is asked of the tables; what may be told outside is said here once more, in a few lines of its own.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final

import pytest

from bot.acts.sharing.exports import Asker, wanted_of
from conversations.plan.model import Role
from conversations.plan.sharing.export_request import Choice
from storage.calendar.schedules import NewSchedule
from storage.exports.files.plan_state import state_of
from tests.bot.desk import Desk
from tests.bot.house import PEDRO
from tests.bot.schedule.days import HERE, here, number_of, scan
from tests.bot.screens.everyone.figures_of_chance import CLOSINGS, COMPLETED, PANEL, Figures
from tests.bot.screens.everyone.quarter import LIGHTS, REPORTS, WORST_FIRST, Quarter, found
from tests.storage.exports.small_plan import Plan

pytestmark = pytest.mark.slow
INSIDE: Final = ({"role": Role.COORDINATOR}, {"role": Role.ADMIN})
OUTSIDE: Final = ({"role": Role.ADMIN, "audience": "observers"}, {"role": Role.ADMIN, "audience": "public"})
ANSWERS: Final = """
    SELECT s.receipt_number AS receipt, substr(s.subject, 10) AS code, s.answers, s.sensitive,
           a.sensitivity = 'restricted' AS restricted, CASE WHEN i.sensitivity = 'restricted'
               THEN coalesce(nullif(i.min_cell, 0), n.min_cell) ELSE coalesce(i.min_cell, 0) END AS below
    FROM submission s JOIN activity a ON 'activity:' || a.code = s.subject JOIN plan n ON n.id = a.plan_id
    LEFT JOIN indicator i ON i.id = a.indicator_id
    WHERE CASE WHEN :validated THEN s.validation_state = 'validated' AND NOT EXISTS (
              SELECT 1 FROM submission x WHERE x.root_id = s.root_id AND x.version > s.version
              AND x.validation_state = 'validated') ELSE s.is_current END
    ORDER BY s.receipt_number
"""


@pytest.mark.parametrize(("either_settings", "seed"), [("sqlite", 1), ("postgresql", 2)], indirect=["either_settings"])
def test_every_number_in_a_file_is_what_the_tables_say(either_desk: Desk, tmp_path: Path, seed: int) -> None:
    """Inside and outside the coordination, in the middle of a closing, at its lock, and when the year has locked."""
    quarter = Quarter(either_desk, seed)
    figures, told = Figures(quarter, seed), Told()
    for day in ("2018-11-20", "2019-01-09", "2019-02-05"):
        either_desk.now = datetime.combine(date.fromisoformat(day), time(12), HERE)
        figures.live(either_desk.now)
        book = Plan(either_desk.database, quarter, tmp_path, either_desk.now)
        for asked in (*INSIDE, *OUTSIDE):
            assert_indicators(book, figures, day, asked, told)
            assert_closings(book, day, asked)
            assert_answers(book, asked)
            assert_page(book, day, asked)
    assert told.years, "something of few was told by the year"


# ------------------------------------------------------------------ indicators
def figure_of(said: Mapping[str, str]) -> float | None:
    """The number that was said: zero is one, "not available" is none."""
    if said["data_status"] == "zero":
        return 0
    if "denominator" in said:
        return round(100 * int(said["numerator"]) / int(said["denominator"]), 1)
    number = said.get("value_people", said.get("value_count"))
    return None if number is None else int(number)


class Told:
    """Totals of few people that were told outside, by indicator and year: who keeps them all subtracts them."""

    def __init__(self) -> None:
        self.years: dict[tuple[str, str], set[int]] = defaultdict(set)

    def tell(self, row: Any, whole: int, so_far: int, below: int) -> None:
        """The total of a year is exact, or hidden; no two that were ever told differ by few."""
        if row["value_status"] != "told":
            assert row["value"] is None
            assert row["value_below"] == (below if 0 < whole < below else None)
            return
        assert row["value"] == so_far
        seen = self.years[row["indicator"], row["period"]]
        assert not [each for each in (0, *seen) if 0 < abs(so_far - each) < below], (row, seen)
        seen.add(so_far)


def assert_indicators(book: Plan, figures: Figures, day: str, asked: Any, told: Told) -> None:
    is_outside = "audience" in asked
    panel = found(book.database, PANEL, today=day, validated=asked["role"] is Role.ADMIN)
    rows = book.rows("indicators", **asked)
    totals = {(row["indicator"], row["period"]): row for row in rows if row["dimension"] in (None, "total")}
    parts = {
        (row["indicator"], row["period"], row["category"]): row["value"]
        for row in rows
        if row["dimension"] == "sex_age"
    }
    years: dict[tuple[str, str], list[Any]] = defaultdict(list)
    seen = set()
    for one in panel:
        said = figures.said[one.instance] if one.instance else None
        if is_outside and one.below > 1:
            years[one.code, str(one.end_on)[:4]].append((one, said))
            continue
        row = totals[one.code, one.period]
        seen.add((one.code, one.period))
        value = figure_of(said) if said else None
        gap = "not_allowed" if one.came else "missing"
        status = gap if said is None else "no_figure" if value is None else "told"
        assert (row["value"], row["value_status"]) == (value, status), (one, said)
        if not is_outside:
            assert row["receipt"] == one.receipt
        for name, number in (said or {}).items():
            if name.startswith("sa_"):
                assert parts.pop((one.code, one.period, name.removeprefix("sa_"))) == int(number)
    for (code, year), ones in years.items():
        if (row := totals.get((code, year))) is not None and code != "IND-21":
            seen.add((code, year))
            numbers = [(str(one.end_on), figure_of(said)) for one, said in ones if said and figure_of(said) is not None]
            if not numbers:
                assert row["value"] is None
                continue
            upto = [int(number or 0) for end, number in numbers if end <= str(row["cut_off"])]
            told.tell(row, sum(int(number or 0) for _, number in numbers), sum(upto), ones[0][0].below)
    computed = {key: row for key, row in totals.items() if key[0] in ("IND-17", "IND-18", "IND-19")}
    assert_computed(book, day, computed)
    assert {key for key, row in totals.items() if row["value"] is not None and key[0] != "IND-21"} <= seen | {*computed}


def assert_computed(book: Plan, day: str, rows: Mapping[tuple[Any, Any], Any]) -> None:
    """What the bot counts of itself is what the closings say."""
    by_month: dict[str, list[Any]] = defaultdict(list)
    for one in found(book.database, CLOSINGS, today=day):
        by_month[str(one.end_on)].append(one)
    assert {row["period"] for row in rows.values()} == {end[:7].replace("-", "") for end in by_month}
    for end, ones in by_month.items():
        [plan] = found(book.database, COMPLETED, ended=end)
        counts = {
            "IND-17": (sum(bool(one.closed) for one in ones), len(ones)),
            "IND-18": (sum(bool(one.on_time) for one in ones), len(ones)),
            "IND-19": (plan.completed, plan.activities),
        }
        for code, (number, base) in counts.items():
            assert rows[code, end[:7].replace("-", "")]["value"] == round(100 * number / base, 1), (code, end)


def assert_closings(book: Plan, day: str, asked: Any) -> None:
    rows = book.rows("closings", **asked)
    names = ("agency", "expected_reports", "received_reports", "closed", "on_time", "days_late")
    assert [(*(row[name] for name in names), str(row["period_end"])) for row in rows] == [
        (one.agency, one.expected, one.received, bool(one.closed), None if one.on_time is None else bool(one.on_time),
         None if one.days_late is None else int(one.days_late), str(one.end_on))
        for one in found(book.database, CLOSINGS, today=day)
    ]  # fmt: skip


# ------------------------------------------------------------------ answers
def assert_answers(book: Plan, asked: Any) -> None:
    """Every number that was answered. Outside none of what is restricted, and none above zero where people are few."""
    is_outside = "audience" in asked
    rows = book.rows("answers", form_id="activity_report", **asked)
    sent = found(book.database, ANSWERS, validated=asked["role"] is Role.ADMIN)
    assert [row["_receipt"] for row in rows] == [one.receipt for one in sent]
    for row, one in zip(rows, sent, strict=True):
        said = {} if one.sensitive else dict(re.findall(r'/(\w+)": ?"(\d+)"', str(one.answers)))
        for name in ("progress", "ben_total", "ben_women", "ben_men", "qty_done"):
            number = int(said[name]) if name in said else None
            if is_outside and (one.restricted or one.sensitive):
                number = None
            few = is_outside and one.below > 1 and name != "progress" and number
            if is_outside or not one.sensitive:
                assert row[name] == ("protected" if few else number), (one, name)


# ------------------------------------------------------------------ the page
def assert_page(book: Plan, day: str, asked: Any) -> None:
    """Lights, completed, the rates of the last closing, and each area's."""
    with book.database.view() as unit:
        page, count = state_of(unit, book.wanted(**asked))
    rows = found(book.database, LIGHTS, today=day, validated=asked["role"] is Role.ADMIN)
    open_ones = [row for row in rows if not row.is_completed]
    lights = Counter(row.light for row in open_ones)
    assert count == len(rows)
    assert {light: number for light, _, number in page.lights} == {each: lights[each] for each in WORST_FIRST}
    assert page.completed[1] == len(rows) - len(open_ones)
    for area in page.areas:
        own = [row for row in rows if row.code[:3] == area.name[:3]]
        assert list(area.counts.values()) == [
            sum(row.light == each and not row.is_completed for row in own) for each in area.counts
        ]
        assert area.completed == sum(bool(row.is_completed) for row in own)
    ones = found(book.database, CLOSINGS, today=day)
    last = [one for one in ones if one.end_on == ones[-1].end_on]
    pair = [str(sum(bool(one.closed) for one in last)), str(len(last))]
    assert re.findall(r"\d+", page.rates[0][2]) == pair


# ------------------------------------------------------------------ on schedule
def test_a_scheduled_export_is_of_the_month_that_locked(desk: Desk, tmp_path: Path) -> None:
    """On the sixteenth of November the file of October: its reports are those of the tables, validated only."""
    quarter = Quarter(desk, 4)
    quarter.live(here("2018-11-16T07:00"))
    details = {"dataset": "reports", "format": "csv", "audience": "internal", "period": "previous.month"}
    new = NewSchedule(what="export", days="month:16", at=time(8), timezone="America/Santo_Domingo",
                      roles=frozenset({Role.ADMIN}), details=details)  # fmt: skip
    desk.do(lambda unit: unit.schedules.add(quarter.plan_id, new, here("2018-10-01T08:00")))
    scan(desk, here("2018-11-16T08:01"))
    [job] = found(desk.database, "SELECT id FROM job WHERE kind = 'export'")
    with desk.database.view() as unit:
        payload = unit.jobs.get(job.id).payload
        who = number_of(unit, PEDRO)
        asker = Asker(quarter.plan_id, who, Role.ADMIN, PEDRO, "es")
        wanted = wanted_of(unit, Choice.of(payload["choice"]), asker, here("2018-11-16T08:01"))
    assert payload["person"] == who
    book = Plan(desk.database, quarter, tmp_path, here("2018-11-16T08:01"))
    [rows] = book.read("reports", "csv", role=Role.ADMIN, period=wanted.period).values()
    sent = [row for row in found(desk.database, REPORTS, validated=True) if row.period == "201810"]
    assert wanted.period == "201810"
    assert [(row["receipt"], row["progress"]) for row in rows] == [(row.receipt_number, row.progress) for row in sent]
