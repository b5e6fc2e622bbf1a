"""Somebody keeps every file that ever left, whatever it was filtered by, and solves for the people in it."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from storage.database.models import Indicator, table
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.conversations.plan.figures.subtraction import follows, reduced
from tests.storage.exports.small_groups import GROUPS, LIMIT, MONTHS, furnish_groups, rows_told
from tests.storage.exports.small_plan import Plan

Counts = tuple[int, ...]
Known = dict[tuple[int, ...], int]


def _learn(known: Known, row: Mapping[str, Any]) -> None:
    """A figure as an equation: over months and groups, month by month."""
    if row["value"] is None or not row["cut_off"] or row["dimension"] not in ("total", "sex_age", None, ""):
        return
    inside = [row["period_start"] <= each.start_on and each.end_on <= row["cut_off"] for each in MONTHS]
    group = row["category"] if row["dimension"] == "sex_age" else None
    known[tuple(int(month and group in (None, each)) for month in inside for each in GROUPS)] = int(row["value"])


def _few(counts: Sequence[Counts], limit: int) -> Iterator[tuple[int, ...]]:
    """Each group, or all of them, over months in a row, that is few people."""
    for which in (*[(number,) for number in range(len(GROUPS))], tuple(range(len(GROUPS)))):
        for start in range(len(counts)):
            people = 0
            for end in range(start, len(counts)):
                people += sum(counts[end][number] for number in which)
                if 0 < people < limit:
                    yield tuple(
                        int(start <= month <= end and number in which)
                        for month in range(len(counts))
                        for number in range(len(GROUPS))
                    )


@pytest.mark.parametrize(
    ("url", "seed", "limit"), [("sqlite", 0, LIMIT), ("postgresql", 1, LIMIT // 2)], indirect=["url"]
)  # each limit on one database: what both export is the same (test_exporters.py)
def test_nobody_few_follows_from_all_files_that_ever_left(
    database: Database, apply: Callable[[Any], Any], world: Any, tmp_path: Path, seed: int, limit: int
) -> None:
    """Every month both audiences take every table, filtered in each way, and what both hold is laid together."""
    chance = random.Random(seed)
    sizes = [chance.choice((2, 8, 40, 90)) for _ in GROUPS]
    form, periods = apply(lambda unit: furnish_groups(unit, world, limit))
    plan, figures = Plan(database, world, tmp_path), 0
    counts: list[Counts] = []
    known: Known = {}
    for period in MONTHS:
        people: Counts = tuple(chance.randrange(size) if chance.random() < 0.8 else 0 for size in sizes)
        counts.append(people)
        said = {"data_status": "final", "value_people": sum(people)}
        said |= {f"sa_{group}": number for group, number in zip(GROUPS, people, strict=True)}
        day = datetime.combine(period.end_on + timedelta(1), time(15), UTC)

        def send(unit: UnitOfWork, said: Any = said, day: datetime = day, code: str = period.code) -> None:
            sent = world.submit(
                unit, f"uuid:{code}", subject="indicator:IND-20", form_id=form.form_key, form_version_id=form.id,
                agency_id=world.agency_ids[1], sensitive=True, reporting_period_id=periods[code], now=day,
                answers={f"/data/{name}": str(value) for name, value in said.items()},
            )  # fmt: skip
            unit.reviews.decide(sent, "validated", world.person_ids[2], day)

        apply(send)
        for dataset in ("indicators", "3p"):
            for row in rows_told(replace(plan, now=day), dataset):
                _learn(known, row)
                figures += row["value"] is not None
    flat = [number for people in counts for number in people]
    assert figures
    for equation, value in known.items():
        assert sum(a * b for a, b in zip(equation, flat, strict=True)) == value
    basis = reduced(known)
    assert [few for few in _few(counts, limit) if follows(few, basis)] == []
    for audience in ("observers", "public"):
        for rows in plan.read("answers", "jsonl", audience=audience).values():
            assert not [
                value for row in rows for name, value in row.items() if name.startswith(("sa_", "value_")) and value
            ]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("limit", "was_sealed"), [(5, False), (0, True)])
def test_a_report_of_few_people_tells_nothing_of_them(
    database: Database, apply: Callable[[Any], Any], world: Any, tmp_path: Path, limit: int, was_sealed: bool
) -> None:
    """Four quarters with somebody, and together fewer than five: one in each. So it is not said who reported zero.

    An indicator that is public now is protected as well, if one of its reports was sealed once: from the year's total
    and the open reports the sealed one would follow.
    """
    form, periods = apply(lambda unit: furnish_groups(unit, world, limit))

    def send(unit: UnitOfWork) -> None:
        unit.connection.execute(update(table(Indicator)).values(sensitivity="public"))
        for number, said in enumerate([{"data_status": "zero"}, {"data_status": "final", "value_people": "3"}]):
            sent = world.submit(
                unit, f"uuid:{number}", subject="indicator:IND-20", form_id=form.form_key, form_version_id=form.id,
                agency_id=world.agency_ids[1], reporting_period_id=periods[MONTHS[number].code],
                sensitive=was_sealed and not number, answers={f"/data/{name}": value for name, value in said.items()},
            )  # fmt: skip
            unit.reviews.decide(sent, "validated", world.person_ids[2], datetime(2018, 4, 1, tzinfo=UTC))

    apply(send)
    plan = Plan(database, world, tmp_path)
    for audience in ("observers", "public"):
        rows = plan.read("answers", "jsonl", audience=audience)["indicator_update"]
        assert len(rows) == 2
        assert {value for row in rows for name, value in row.items() if not name.startswith("_")} == {None}
    inside = plan.read("answers", "jsonl")["indicator_update"]
    assert {row["value_people"] for row in inside} == {None, 3}
