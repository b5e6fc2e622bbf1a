"""Tables are made, compared and unmade by migrations alone, on both databases."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, text

from conversations.plan.model import Care
from storage.database.engines import sqlite_module
from storage.database.migrating import check, downgrade, head, upgrade
from storage.database.models import Base
from storage.database.vault import Vault
from storage.errors import Unmigrated
from storage.open_database import Database, open_database
from tests import ROOT
from tests.deadlines import PATIENCE
from tests.storage.database import scratch
from tests.storage.imports.plan_books import bring, seed_draft

NOON = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
CATALOGUES = {
    "sqlite": """
        SELECT type, name, tbl_name, sql FROM sqlite_master
        WHERE tbl_name <> 'alembic_version'
    """,
    "postgresql": """
        SELECT 'index', indexname, tablename, replace(indexdef, current_schema() || '.', '') FROM pg_indexes
        WHERE schemaname = current_schema() AND tablename <> 'alembic_version'
        UNION ALL
        SELECT 'constraint', conname, conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = current_schema()::regnamespace AND conrelid::regclass::text <> 'alembic_version'
        UNION ALL
        SELECT 'column', column_name, table_name, concat(data_type, character_maximum_length, is_nullable,
               replace(coalesce(column_default, ''), current_schema() || '.', ''))
        FROM information_schema.columns WHERE table_schema = current_schema() AND table_name <> 'alembic_version'
    """,
}


def engine_for(url: str) -> Engine:
    return create_engine(url, module=sqlite_module()) if url.startswith("sqlite") else create_engine(url)


def catalogue(url: str) -> set[tuple[Any, ...]]:
    """What the database itself says its tables, keys, checks and indexes are."""
    engine = engine_for(url)
    with engine.connect() as connection:
        rows = connection.execute(text(CATALOGUES[engine.dialect.name])).all()
    engine.dispose()
    return {tuple(in_any_order(str(cell)) for cell in row) for row in rows}


def in_any_order(definition: str) -> tuple[str, ...]:
    """The parts of a definition without quotes and spacing; SQLite keeps constraints in the order they were written."""
    return tuple(sorted(" ".join(part.replace('"', "").split()).rstrip(" )") for part in definition.split(",")))


@pytest.fixture(params=["sqlite", "postgresql"])
def own_url(request: pytest.FixtureRequest) -> str:
    """Migrated tables that no other test has."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    url: str = request.getfixturevalue("make_schema")()
    scratch.migrate(url)
    return url


def test_the_newest_migration_is_known_by_the_number_of_its_file() -> None:
    """Whoever opens the database asks for it without loading Alembic: both must name the same one."""
    migrations = ROOT / "storage" / "migrations"
    assert head() == ScriptDirectory(str(migrations)).get_current_head()


def test_alembic_finds_nothing_to_do_after_an_upgrade(url: str) -> None:
    """Models and migrations say the same."""
    engine = engine_for(url)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    engine.dispose()
    assert differences == []


def test_sqlite_has_the_same_tables_migrated_as_made_from_the_models(sqlite_url: str, tmp_path: Path) -> None:
    """Also where Alembic does not look: checks, partial indexes, AUTOINCREMENT."""
    made = f"sqlite:///{tmp_path / 'made.db'}"
    engine = engine_for(made)
    Base.metadata.create_all(engine)
    engine.dispose()
    assert catalogue(sqlite_url) == catalogue(made)


def test_postgresql_has_the_same_tables_migrated_as_made_from_the_models(make_schema: Callable[[], str]) -> None:
    """Also where Alembic does not look: checks, partial indexes, names of keys."""
    migrated, made = make_schema(), make_schema()
    upgrade(migrated)
    engine = engine_for(made)
    Base.metadata.create_all(engine)
    engine.dispose()
    assert catalogue(migrated) == catalogue(made)


def test_a_downgrade_to_base_leaves_nothing(own_url: str) -> None:
    """Down is the inverse of up."""
    downgrade(own_url)
    engine = engine_for(own_url)
    tables = inspect(engine).get_table_names()
    engine.dispose()
    assert tables == ["alembic_version"]
    with pytest.raises(Unmigrated):
        check(own_url)


def test_a_second_upgrade_changes_nothing(url: str) -> None:
    """`enlace init` may be run again at any time."""
    before = catalogue(url)
    with open_database(url) as database:
        database.units.submit(None, lambda unit: unit.facts.set("kept", "yes", NOON)).result(PATIENCE)
    upgrade(url)
    check(url)
    with open_database(url) as database, database.view() as unit:
        assert unit.facts.get("kept") == "yes"
    assert catalogue(url) == before


def test_databases_that_are_migrated_at_once_are_each_migrated(tmp_path: Path) -> None:
    """None gets a statement that is meant for another."""
    urls = [f"sqlite:///{tmp_path / name}.db" for name in ("one", "two", "three")]
    with ThreadPoolExecutor(len(urls)) as threads:
        list(threads.map(upgrade, urls))
    for url in urls:
        check(url)


def test_check_says_what_to_do_and_touches_nothing(empty_url: str) -> None:
    """Starting on foreign tables is refused before anything is written."""
    with pytest.raises(Unmigrated, match="enlace"):
        check(empty_url)
    if empty_url.startswith("sqlite"):
        assert not Path(empty_url.removeprefix("sqlite:///")).exists()


@pytest.mark.parametrize("command", [check, upgrade])
def test_tables_of_a_newer_program_are_named_as_such(url: str, command: Callable[[str], None]) -> None:
    """An older program cannot bring them anywhere: to tell its operator to upgrade them would lead nowhere."""
    engine = create_engine(url)
    with engine.begin() as connection:
        known = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    try:
        with pytest.raises(
            Unmigrated,
            match=r"at 9999: a newer version .* Install that version",
        ):
            command(url)
    finally:  # on PostgreSQL the next tests of this process have the same tables
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :known"), {"known": known})
        engine.dispose()


def test_a_failed_upgrade_leaves_no_half_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On SQLite too, where Alembic by itself would commit statement by statement."""
    from alembic.operations import Operations

    url = f"sqlite:///{tmp_path / 'half.db'}"
    original = Operations.create_table

    def fail_at_outbox(self: Operations, name: str, *args: Any, **options: Any) -> Any:
        if name == "outbox":
            raise RuntimeError("power cut")
        return original(self, name, *args, **options)

    monkeypatch.setattr(Operations, "create_table", fail_at_outbox)
    with pytest.raises(RuntimeError, match="power cut"):
        upgrade(url)
    assert catalogue(url) == set()


def test_the_database_file_is_nobody_elses_to_read(sqlite_database: Database, tmp_path: Path) -> None:
    """A file made by us has mode 0600, and so has its log."""
    url = f"sqlite:///{tmp_path / 'new.db'}"
    upgrade(url)
    with open_database(url) as database:
        database.units.submit(None, lambda unit: unit.facts.set("a", "b", NOON)).result(PATIENCE)
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("new.db*")}
    assert modes == dict.fromkeys(("new.db", "new.db-wal", "new.db-shm"), 0o600)


def test_what_an_added_schedule_has_told_is_told_under_its_own_name_too(own_url: str) -> None:
    """0006: each has a name of its own in the ledger from then on, and says nothing again (G8)."""
    downgrade(own_url, "0005")
    engine = engine_for(own_url)
    at = "'2018-10-08 12:30:00+00:00'"
    with engine.begin() as connection:
        for statement in (
            "INSERT INTO plan (code, name, starts_on, ends_on, timezone)"
            " VALUES ('p', '{}', '2018-01-01', '2020-12-31', 'America/Santo_Domingo')",
            "INSERT INTO person (telegram_id, name, language, timezone, joined_at)"
            f" VALUES (1, 'Ana', 'es', 'America/Santo_Domingo', {at})",
            *(
                "INSERT INTO schedule (plan_id, what, shipped, days, at, timezone, roles, created_at)"
                f" VALUES (1, 'digest', {shipped}, 'mon', '08:30', '', '', {at})"
                for shipped in ("'digest'", "NULL")
            ),
            'INSERT INTO fire (plan_id, person_id, what, "window", state, reason, rungs, answer, fired_at)'
            f" VALUES (1, 1, 'digest', '2018-10-08', 'sent', '', '', '', {at})",
        ):
            connection.execute(text(statement))
    upgrade(own_url)
    with engine.connect() as connection:
        rows = connection.execute(text('SELECT what, "window", state FROM fire ORDER BY id')).all()
    engine.dispose()
    assert [tuple(row) for row in rows] == [("digest", "2018-10-08", "sent"), ("digest.2", "2018-10-08", "skipped")]


def test_rules_that_named_codes_are_columns_with_what_was_in_force(own_url: str) -> None:
    """0012: whatever the plan, what its codes and its time zone meant until then is written into it."""
    downgrade(own_url, "0011")
    engine = engine_for(own_url)
    with engine.begin() as connection:
        for statement in (
            *(
                "INSERT INTO plan (code, name, starts_on, ends_on, timezone)"
                f" VALUES ('{code}', '{{}}', '2018-01-01', '2020-12-31', '{zone}')"
                for code, zone in (("a", "America/Santo_Domingo"), ("b", "America/Tegucigalpa"))
            ),
            "INSERT INTO strategic_area (plan_id, code, name, intent, position, source)"
            " VALUES (1, 'X', '{}', '{}', 1, '')",
            "INSERT INTO agency (plan_id, code, name, mandate, role_type, founding_member, source)"
            " VALUES (1, 'A', '{}', '', 'member', '0', '')",
            *(
                "INSERT INTO indicator (plan_id, strategic_area_id, agency_id, code, name, level, unit, direction,"
                " aggregation, disaggregation, frequency, baseline, baseline_period, baseline_source, sdg_target,"
                " sdg_indicator, gcm_objective, sensitivity, min_cell, by_exploitation, note)"
                f" VALUES (1, 1, 1, '{code}', '{{}}', '', '', '', '', '', 'monthly', '', '', '', '', '', '', '',"
                " 0, '0', '')"
                for code in ("IND-02", "IND-03", "IND-12", "IND-17", "IND-19", "IND-22")
            ),
        ):
            connection.execute(text(statement))
    upgrade(own_url)
    with engine.connect() as connection:
        plans = connection.execute(text("SELECT code, country, currency FROM plan ORDER BY id")).all()
        rules = connection.execute(text("SELECT code, computed, annual_table FROM indicator ORDER BY code")).all()
    engine.dispose()
    assert [tuple(row) for row in plans] == [("a", "DO", "DOP"), ("b", "", "DOP")]
    assert [tuple(row) for row in rules] == [
        ("IND-02", "", ""),
        ("IND-03", "", "prevention"),
        ("IND-12", "", "prosecution"),
        ("IND-17", "reporting_rate", ""),
        ("IND-19", "share_completed", ""),
        ("IND-22", "", "protection"),
    ]


def test_every_plan_and_every_period_keeps_the_days_that_were_in_force(own_url: str) -> None:
    """0013: cadences become rows, of plans of any country."""
    downgrade(own_url, "0012")
    engine = engine_for(own_url)
    days = "'2018-01-01', '2018-01-31', '2018-02-01', '2018-02-09', '2018-02-12', '2018-02-15'"
    with engine.begin() as connection:
        for number, code in enumerate(("a", "b"), 1):
            connection.execute(
                text(
                    "INSERT INTO plan (code, name, starts_on, ends_on, timezone)"
                    f" VALUES ('{code}', '{{}}', '2018-01-01', '2020-12-31', 'America/Tegucigalpa')"
                )
            )
            for period, kind in (("201801", "Monthly"), ("2018Q1", "Quarterly"), ("2018", "Yearly")):
                connection.execute(
                    text(
                        "INSERT INTO reporting_period (plan_id, code, period_type, start_on, end_on, opens_on, due_on,"
                        f" grace_until_on, locks_on) VALUES ({number}, '{period}', '{kind}', {days})"
                    )
                )
    upgrade(own_url)
    columns = "opening_day, due_day, grace_day, lock_day"
    with engine.connect() as connection:
        cadences = connection.execute(text(f"SELECT plan_id, code, {columns} FROM cadence WHERE retired_on IS NULL"))
        periods = connection.execute(text(f"SELECT code, due_on, {columns} FROM reporting_period WHERE plan_id = 2"))
        kept = {tuple(row)[:2]: tuple(row)[2:] for row in cadences}
        own = {row[0]: (str(row[1])[:10], *row[2:]) for row in periods}
    engine.dispose()
    usual = {
        "monthly": (1, 5, 10, 15),
        "quarterly": (1, 10, 15, 20),
        "semiannual": (1, 15, 20, 25),
        "annual": (1, 20, 25, 30),
    }
    assert kept == {(plan, code): numbers for plan in (1, 2) for code, numbers in usual.items()}
    assert own == {
        "201801": ("2018-02-09", *usual["monthly"]),
        "2018Q1": ("2018-02-09", *usual["quarterly"]),
        "2018": ("2018-02-09", *usual["annual"]),
    }, "what an admin has moved stays where it is"


def test_of_the_activities_of_before_nobody_has_said_whom_their_reporters_meet(own_url: str, vault: Vault) -> None:
    """0031: they are read as before until a workbook says it; the column comes and goes without another change."""
    with open_database(own_url, vault=vault) as database:
        database.units.submit(None, bring(seed_draft())).result(PATIENCE)
    downgrade(own_url, "0030")
    upgrade(own_url)
    with open_database(own_url, vault=vault) as database:
        with database.view() as unit:
            found = {each.code: each for each in unit.plans.activities(unit.plans.only().id)}
        changes = database.units.submit(None, bring(seed_draft(), NOON)).result(PATIENCE)
    assert {each.meets_victims for each in found.values()} == {None}
    assert (found["PRE-302"].care, found["ASI-201"].care) == (Care(False, False), Care(True, True))
    assert {each.column for each in changes} == {"meets_victims"}
    assert len(changes) == len(found)
