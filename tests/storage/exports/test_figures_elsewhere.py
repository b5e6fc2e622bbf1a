"""Figures of people leave by other ways than tables: a card in the chat, the page on paper, an event, a picture.

The tables are solved for the people in them (`test_subtraction`). What leaves by another way must be one of the figures
that they have told: then nothing follows from all together that does not follow from the tables. Months come late, are
corrected and taken back while somebody keeps everything.
"""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from conversations.card import unstyled
from conversations.languages import LANGUAGES
from conversations.plan.messages.digests import indicators_card
from conversations.plan.messages.plan_state import spoken
from conversations.plan.sharing.events import EVENTS
from storage.calendar.figures import Figures
from storage.exports.files.plan_state import state_of, table_of
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.conversations.plan.figures.subtraction import Basis, follows, reduced
from tests.storage.exports.small_groups import GROUPS, MONTHS, furnish_groups, rows_told
from tests.storage.exports.small_plan import ZONE, Plan

AUDIENCES = ("observers", "public")
PERIODS = ("", "2018", "2018Q1", "2018Q4", "201806", "201812", "201903")
_NUMBER = re.compile(r"[0-9]+")


def _numbers(text: str) -> set[int]:
    """Every number of a line, whatever separates its thousands; those of its code and of years are no figures."""
    plain = re.sub(r"IND-20|\b20(?:18|19)\b", "", text)
    return {int(each) for each in _NUMBER.findall(re.sub(r"(?<=\d)[\s.,\u202f\u00a0](?=\d{3}\b)", "", plain))}


def _elsewhere(unit: UnitOfWork, plan: Plan) -> Iterator[tuple[str, int]]:
    """Where a figure of the indicator is said outside the tables, and the number."""
    found = Figures(unit).indicators(plan.world.plan_id, plan.now, ZONE)
    for language in LANGUAGES:
        for line in indicators_card(found, 0, language):
            text = unstyled(line)
            if "IND-20" in text:
                yield from (("card", each) for each in _numbers(text.partition("IND-20")[2]))
    for audience in AUDIENCES:
        for period in PERIODS:
            wanted = replace(plan.wanted(audience=audience), period=period)
            page, _ = state_of(unit, wanted)
            for row in page.indicators:
                if row[0] == "IND-20":
                    assert " | ".join(row) in spoken(page)
                    yield from (("page", each) for each in _numbers(" | ".join(row[3:5])))
            for line in table_of(unit, wanted).lines:
                yield from (("paper", int(each.number)) for each in line.figures.values() if each.number is not None)


class Solver:
    """Keeps every figure of the tables as an equation: over what came in, and over the groups of each."""

    def __init__(self) -> None:
        self.came: list[tuple[date, tuple[int, ...]]] = []
        self.told: set[int] = {0}
        self._known: set[tuple[date, date, str | None, int]] = set()
        self._basis: Basis = []
        self._solved = (0, 0)

    def learn(self, row: Any) -> None:
        if row["value"] is None:
            return
        self.told.add(int(row["value"]))
        if row["cut_off"] and row["dimension"] in ("total", "sex_age", None, ""):
            group = row["category"] if row["dimension"] == "sex_age" else None
            self._known.add((row["period_start"], row["cut_off"], group, len(self.came)))

    def follows(self, number: int) -> bool:
        """Whether a sum from the start of a year to the end of a month is this number, and follows from the tables."""
        if self._solved != (solved := (len(self._known), len(self.came))):  # both only grow
            self._solved, self._basis = solved, reduced(self._row(*each) for each in self._known)
        for first, last in product((date(2018, 1, 1), date(2019, 1, 1), date(2018, 4, 1)), MONTHS):
            for group in (None, *GROUPS):
                row = self._row(first, last.end_on, group, len(self.came))
                if self._people(row) == number and follows(row, self._basis):
                    return True
        return False

    def _row(self, first: date, last: date, group: str | None, moment: int) -> list[int]:
        return [
            int(at < moment and first <= on <= last and group in (None, each))
            for at, (on, _) in enumerate(self.came)
            for each in GROUPS
        ]

    def _people(self, row: list[int]) -> int:
        return sum(a * b for a, b in zip(row, (n for _, counts in self.came for n in counts), strict=True))


@pytest.mark.parametrize(("url", "seed"), [("sqlite", 1)], indirect=["url"])  # both export the same (test_exporters.py)
def test_whatever_leaves_elsewhere_was_told_by_the_tables(
    database: Database, apply: Callable[[Any], Any], world: Any, tmp_path: Path, seed: int
) -> None:
    """A number on a card, on the page or in its table is one of theirs, follows from them, or is two years together."""
    chance = random.Random(seed)
    size = chance.choice((8, 30))
    form, periods = apply(lambda unit: furnish_groups(unit, world))
    plan, solver, seen = Plan(database, world, tmp_path), Solver(), 0
    waiting, sent, counted = list(range(len(MONTHS))), dict[int, Any](), dict[int, tuple[int, ...]]()
    while waiting:
        at = waiting[min(chance.choice((0, 0, 0, 1)), len(waiting) - 1)]
        if sent and chance.random() < 0.2:
            at = chance.choice(list(sent))
        else:
            waiting.remove(at)
        period = MONTHS[at]
        day = datetime.combine(MONTHS[max([at, *sent])].end_on + timedelta(1), time(15, len(waiting)), UTC)
        people = tuple(chance.randrange(size) if chance.random() < 0.8 else 0 for _ in GROUPS)
        before = counted.get(at, (0,) * len(GROUPS))
        solver.came.append((period.end_on, tuple(new - old for new, old in zip(people, before, strict=True))))
        counted[at] = people
        said = {"data_status": "final", "value_people": sum(people)}
        said |= {f"sa_{group}": number for group, number in zip(GROUPS, people, strict=True)}

        def send(
            unit: UnitOfWork, at: int = at, said: Any = said, day: datetime = day, code: str = period.code
        ) -> None:
            old = sent.get(at)
            sent[at] = world.submit(
                unit, f"uuid:{code}:{len(solver.came)}", subject="indicator:IND-20", form_id=form.form_key,
                form_version_id=form.id, agency_id=world.agency_ids[1], sensitive=True,
                reporting_period_id=periods[code], now=day, supersedes_id=old and old.id,
                answers={f"/data/{name}": str(value) for name, value in said.items()},
            )  # fmt: skip
            unit.reviews.decide(sent[at], "validated", world.person_ids[2], day)

        apply(send)
        now = replace(plan, now=day)
        for dataset in ("indicators", "3p"):
            for row in rows_told(now, dataset):
                solver.learn(row)
        with database.view() as unit:
            found = set(_elsewhere(unit, now))
        for where, number in found:
            seen += 1
            is_of_two_years = where != "paper" and any(number - each in solver.told for each in solver.told)
            assert number in solver.told or is_of_two_years or solver.follows(number), (where, number)
    assert seen


def test_an_event_has_no_field_for_people() -> None:
    """It holds references and codes, and of what is validated the status and the progress: nobody is counted."""
    fields = {name for event in EVENTS for name in event.fields}
    assert fields == {
        "receipt", "root_receipt", "version", "form_id", "activity", "indicator", "period", "agency", "validation",
        "status", "progress", "opens_on", "due_on", "grace_until_on", "locks_on", "until", "change",
    }  # fmt: skip
