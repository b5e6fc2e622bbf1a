"""A copy that follows a dataset is the export itself, whoever reports meanwhile: nothing missed, nothing told twice."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import insert

from storage.database.models import Activity, Objective, StrategicArea, table
from storage.errors import Conflict
from storage.exports.exporters import exporter
from storage.exports.formats.json_lines import objects
from storage.exports.paging import (
    BEGIN,
    NoCursor,
    Page,
    Place,
    Stale,
    cursor,
    page,
    read_cursor,
)
from storage.exports.wanted import Wanted
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from storage.upkeep.holding import settle_and_hold
from tests.deadlines import PATIENCE
from tests.storage.conftest import NOW, World

ZONE = "America/Santo_Domingo"
Row = dict[str, Any]


class Copy:
    """What somebody keeps who follows `reports`: rows by the first receipt of their report."""

    def __init__(self, database: Database, world: World, limit: int, **filters: str) -> None:
        self.database, self.limit = database, limit
        self.wanted = Wanted(world.plan_id, ZONE, NOW, **filters)
        self.rows: dict[int, Row] = {}
        self.told: Counter[tuple[Any, ...]] = Counter()
        self.place: Place = BEGIN

    def read(self) -> Page:
        """One page; its rows and what is gone."""
        with self.database.view() as unit:
            found = page(unit, "reports", self.wanted, self.place, self.limit)
            rows = rows_of(unit, replace(self.wanted, only=found.ids))
        assert len(rows) + len(found.removed) <= self.limit
        for receipt in found.removed:
            self.rows.pop(receipt, None)
        for row in rows:
            self.rows[row["root_receipt"]] = row
            self.told[tuple(map(str, row.values()))] += 1
        self.place = found.next
        return found

    def round(self) -> None:
        while self.read().has_more:
            pass

    def export(self) -> list[Row]:
        with self.database.view() as unit:
            return rows_of(unit, self.wanted)

    @property
    def kept(self) -> list[Row]:
        return sorted(self.rows.values(), key=lambda row: int(row["receipt"]))


def rows_of(unit: UnitOfWork, wanted: Wanted) -> list[Row]:
    used = exporter("reports", "jsonl", wanted.audience)
    assert used is not None
    assert used.tables is not None
    return sorted((row for _, row in objects(used.tables(unit, wanted))), key=lambda row: int(row["receipt"]))


def submitted(world: World, unit: UnitOfWork, number: int, **changes: Any) -> Any:
    return world.submit(
        unit, f"uuid:{number}", subject=f"activity:PRE-{number}", reporting_period_id=world.period_ids[0],
        activity_status="in_progress", progress=number % 100, validation_state="submitted", **changes,
    )  # fmt: skip


def decided(world: World, unit: UnitOfWork, instance_id: str, decision: str) -> None:
    sent = unit.submissions.by_instance(instance_id)
    assert sent is not None
    if decision == "taken_back":
        unit.reviews.take_back(sent, world.person_ids[2], NOW)
    else:
        unit.reviews.decide(sent, decision, world.person_ids[2], NOW)  # type: ignore[arg-type]


def corrected(world: World, unit: UnitOfWork, instance_id: str, *, progress: int) -> None:
    """Correct a report to "delayed", and validate the correction."""
    sent = unit.submissions.by_instance(instance_id)
    assert sent is not None
    world.submit(
        unit, f"{instance_id}b", subject=sent.subject, reporting_period_id=world.period_ids[0], supersedes_id=sent.id,
        activity_status="delayed", progress=progress, validation_state="corrected",
    )  # fmt: skip
    decided(world, unit, f"{instance_id}b", "validated")


@pytest.fixture
def many(apply: Callable[[Any], Any], world: World) -> World:
    """Twelve reports, of which the first eight stand."""

    def work(unit: UnitOfWork) -> None:
        for number in range(12):
            submitted(world, unit, number)
            if number < 8:
                decided(world, unit, f"uuid:{number}", "validated")

    apply(work)
    return world


def test_pages_are_the_export_and_each_row_comes_once(database: Database, many: World) -> None:
    for limit in (1, 3, 8, 50):
        copy = Copy(database, many, limit)
        copy.round()
        assert copy.kept == copy.export()
        assert set(copy.told.values()) == {1}
        copy.round()
        assert set(copy.told.values()) == {1}  # nothing has changed, so nothing is told


def test_what_changes_between_two_pages_is_told_once_and_afterwards(
    database: Database, apply: Callable[[Any], Any], many: World
) -> None:
    """A report ahead of the reader, one behind, one that begins to stand, one that no longer does."""
    copy = Copy(database, many, 3)
    copy.read()

    def work(unit: UnitOfWork) -> None:
        for number in (1, 6):
            decided(many, unit, f"uuid:{number}", "taken_back")
        decided(many, unit, "uuid:9", "validated")
        corrected(many, unit, "uuid:0", progress=99)

    apply(work)
    copy.round()
    assert not {row["activity"] for row in copy.rows.values()} & {"PRE-6", "PRE-9"}
    copy.round()
    assert copy.kept == copy.export()
    assert set(copy.told.values()) == {1}
    assert {row["activity"] for row in copy.rows.values()} == {f"PRE-{n}" for n in (0, 2, 3, 4, 5, 7, 9)}


def test_what_never_stood_is_never_named(database: Database, apply: Callable[[Any], Any], many: World) -> None:
    """That a report was sent and returned is not for who gets what is validated: not even its receipt."""
    copy = Copy(database, many, 50, audience="public")
    copy.round()
    apply(lambda unit: (submitted(many, unit, 40), decided(many, unit, "uuid:40", "returned")))
    found = copy.read()
    assert (found.ids, found.removed) == ((), ())


def test_a_filter_is_followed_too(database: Database, apply: Callable[[Any], Any], many: World) -> None:
    """A report that a correction takes out of the filter is taken out of the copy."""
    copy = Copy(database, many, 4, status="in_progress")
    copy.round()
    apply(lambda unit: corrected(many, unit, "uuid:2", progress=9))
    copy.round()
    assert copy.kept == copy.export()
    assert "PRE-2" not in {row["activity"] for row in copy.rows.values()}


# ------------------------------------------------------------------ beside writers
@contextmanager
def writing(database: Database, world: World, seed: int) -> Any:
    """Thirty reports from each of three sides at once come in, are validated, corrected and taken back."""

    def write(side: int) -> None:
        chance = random.Random(seed * 10 + side)
        for made in range(1, 31):
            number = 1000 * (side + 1) + made

            def work(unit: UnitOfWork, number: int = number, chance: random.Random = chance) -> None:
                submitted(world, unit, number)
                if chance.random() < 0.8:
                    decided(world, unit, f"uuid:{number}", "validated")

            database.units.submit(None, work).result(PATIENCE)
            old = f"uuid:{1000 * (side + 1) + chance.randint(1, made)}"

            def change(unit: UnitOfWork, old: str = old, chance: random.Random = chance) -> None:
                sent = unit.submissions.by_instance(old)
                assert sent is not None
                if sent.validation_state == "validated":
                    decided(world, unit, old, "taken_back")
                else:
                    decided(world, unit, old, "validated")

            with suppress(Conflict):
                database.units.submit(None, change).result(PATIENCE)

    with ThreadPoolExecutor(3) as pool:
        sides = [pool.submit(write, side) for side in range(3)]
        try:
            yield sides
        finally:
            for side in sides:
                side.result(PATIENCE)


@pytest.mark.parametrize(("url", "limit"), [("sqlite", 7), ("postgresql", 2)], indirect=["url"])
def test_a_copy_followed_while_people_report_is_the_export_at_the_end(
    database: Database, world: World, limit: int
) -> None:
    """No row in the state in which it was read comes twice in a row of rounds, and none is missing at the end."""
    copy = Copy(database, world, limit)
    with writing(database, world, limit) as sides:
        while not all(side.done() for side in sides):
            copy.read()
    copy.round()
    copy.round()
    assert copy.kept == copy.export()
    assert copy.kept


def test_a_transaction_that_commits_late_is_not_passed_over(
    postgres_database: Database, world_on_postgres: World
) -> None:
    """Its change has a lower number than one that was read already: the reader's place is no number."""
    world, database = world_on_postgres, postgres_database
    copy = Copy(database, world, 10)
    begun, go = threading.Event(), threading.Event()
    database.units.submit(None, lambda unit: (submitted(world, unit, 1), submitted(world, unit, 2))).result(PATIENCE)

    def late(unit: UnitOfWork) -> None:
        decided(world, unit, "uuid:1", "validated")
        begun.set()
        go.wait(PATIENCE)

    waiting = database.units.submit(1, late)
    assert begun.wait(PATIENCE)
    database.units.submit(2, lambda unit: decided(world, unit, "uuid:2", "validated")).result(PATIENCE)
    copy.round()
    assert {row["activity"] for row in copy.rows.values()} == {"PRE-2"}
    go.set()
    waiting.result(PATIENCE)
    copy.round()
    assert {row["activity"] for row in copy.rows.values()} == {"PRE-1", "PRE-2"}
    assert set(copy.told.values()) == {1}


# ------------------------------------------------------------------ cursors
def test_a_cursor_leads_back_to_its_place(database: Database, many: World) -> None:
    with database.view() as unit:
        wanted = Wanted(many.plan_id, ZONE, NOW, status="in_progress", language="en")
        place = page(unit, "reports", wanted, BEGIN, 3).next
        told = cursor(unit, "reports", wanted, place)
        assert read_cursor(unit, told, "reports", Wanted(many.plan_id, ZONE, NOW)) == (wanted, place)
        assert cursor(unit, "reports", wanted, place, after=told) == told


def test_a_cursor_is_good_for_what_it_was_made_for_alone(database: Database, many: World) -> None:
    with database.view() as unit:
        wanted = Wanted(many.plan_id, ZONE, NOW)
        told = cursor(unit, "reports", wanted, BEGIN)
        for dataset, other in (
            ("answers", wanted),
            ("reports", replace(wanted, audience="public")),
            ("reports", replace(wanted, plan_id=many.plan_id + 1)),
            ("reports", replace(wanted, status="delayed")),
        ):
            with pytest.raises(NoCursor):
                read_cursor(unit, told, dataset, other)
        for at in range(0, len(told), 7):
            forged = told[:at] + ("A" if told[at] != "A" else "B") + told[at + 1 :]
            with pytest.raises(NoCursor):
                read_cursor(unit, forged, "reports", wanted)
        for text in ("", ".", "x.y", "ñ.ñ", told + "0", told.partition(".")[0]):
            with pytest.raises(NoCursor):
                read_cursor(unit, text, "reports", wanted)


def test_a_plan_that_changed_asks_for_a_new_beginning(
    database: Database, apply: Callable[[Any], Any], many: World
) -> None:
    """A row is made of the plan's rows too: an activity that gets a name changes all that was told of it."""
    wanted = Wanted(many.plan_id, ZONE, NOW)
    with database.view() as unit:
        told = cursor(unit, "reports", wanted, BEGIN)

    def work(unit: UnitOfWork) -> None:
        here = {"plan_id": many.plan_id}

        def add(model: Any, **values: Any) -> Any:
            made = unit.connection.execute(insert(table(model)).values(**here, **values)).inserted_primary_key
            return None if made is None else made[0]

        area = add(StrategicArea, code="PRE", name={"es": "Prevención"}, intent={}, position=1)
        objective = add(Objective, strategic_area_id=area, code="PRE-1", name={"es": "Objetivo"})
        add(Activity, objective_id=objective, agency_id=many.agency_ids[0], code="PRE-1", name={"es": "Charla"},
            short_name={}, start_on=date(2018, 1, 1), due_on=date(2019, 1, 1), report_frequency="monthly",
            target_unit={}, means_of_verification={})  # fmt: skip

    apply(work)
    with database.view() as unit, pytest.raises(Stale):
        read_cursor(unit, told, "reports", wanted)


def test_a_database_that_was_put_back_asks_for_a_new_beginning(
    database: Database, apply: Callable[[Any], Any], many: World
) -> None:
    """Its changes since are gone, and their numbers are given again."""
    wanted = Wanted(many.plan_id, ZONE, NOW)
    with database.view() as unit:
        told = cursor(unit, "reports", wanted, BEGIN)
    apply(lambda unit: settle_and_hold(unit.connection, NOW))
    with database.view() as unit, pytest.raises(Stale):
        read_cursor(unit, told, "reports", wanted)
