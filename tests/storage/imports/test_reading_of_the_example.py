"""The shipped plan as an example of this year: its days moved together, something to report on each day."""

from datetime import date, timedelta
from itertools import groupby

import pytest

from conversations.plan.periods import Cadence, PeriodType, periods_between
from storage.imports.reading import PlanDraft, read_plan
from storage.seed import Example, seed_workbook

DATES = ("start_date", "due_date", "target_date")


def example(today: date) -> PlanDraft:
    return read_plan(seed_workbook(), Example(today).read)


def moved_by(shipped: PlanDraft, draft: PlanDraft) -> set[int]:
    """By how many years each day of the plan was moved. A day that also changed its month or day counts as -1."""
    return {
        made.year - day.year if (made.month, made.day) == (day.month, day.day) else -1
        for table, rows in shipped.rows.items()
        for code, row in rows.items()
        for header in DATES
        if isinstance(day := row.get(header), date) and isinstance(made := draft.rows[table][code][header], date)
    }


@pytest.mark.parametrize(
    ("today", "years", "code"),
    [
        (date(2026, 12, 2), 8, "ejemplo-2026-2028"),
        (date(2026, 8, 1), 8, "ejemplo-2026-2028"),
        (date(2026, 7, 31), 7, "ejemplo-2025-2027"),
        (date(2028, 2, 29), 9, "ejemplo-2027-2029"),
    ],
)
def test_all_its_days_are_moved_by_the_same_years(today: date, years: int, code: str) -> None:
    """No row is lost, no figure changes, and the reader has nothing to complain of."""
    shipped, draft = read_plan(seed_workbook()), example(today)
    assert moved_by(shipped, draft) == {years}
    assert (draft.code, draft.problems) == (code, ())
    changed = {"start_date", "due_date", "target_date", "baseline_period", "baseline_source", "note"}
    for table, rows in shipped.rows.items():
        for key, row in rows.items():
            there = draft.rows[table][key]
            assert {header for header in row if row[header] != there[header]} <= changed, (table, key)


def test_it_says_in_each_language_that_it_is_an_example() -> None:
    """In its name; and a figure moved to another year no longer names the source that gave it for its own."""
    draft = example(date(2026, 12, 2))
    names = {header: str(value) for header, value in draft.settings.items() if header.startswith("name_")}
    words = {"name_es": "Ejemplo", "name_en": "Example", "name_ht": "Egzanp", "name_fr": "Exemple"}
    assert {header: name.partition(" · ")[0] for header, name in names.items()} == words
    assert all(name.endswith("2026-2028") for name in names.values())
    baselines = draft.rows["indicator"].values()
    assert {row["baseline_source"] for row in baselines} == {"", "Cálculo / computed", "ejemplo / example"}
    assert {row["baseline_period"] for row in baselines} == {"", "2025", "2011-2021", "2021-2026", "2026-05"}


def test_on_each_day_of_a_year_somebody_has_something_to_report() -> None:
    """Whoever tries it on the 20th, in January or in July finds an open month with activities that have begun."""
    days = [date(2028, 1, 1) + timedelta(number) for number in range(366)]
    for code, group in groupby(days, key=lambda day: Example(day).code):
        theirs = list(group)
        draft = example(theirs[0])
        row = draft.rows["cadence"]["monthly"]
        cadence = Cadence(*(int(str(row[f"{name}_day"])) for name in ("opening", "due", "grace", "lock")))
        months = {PeriodType.MONTHLY: cadence}
        periods = periods_between(draft.starts_on, draft.ends_on, types=months, cadences=months)
        first = draft.rows["activity"]["PRE-101"]["start_date"]
        assert isinstance(first, date)
        idle = [day for day in theirs if not any(one.is_open(day) and first <= one.end_on for one in periods)]
        assert (draft.code, idle) == (code, [])
