"""Old tables become those of the models, step by step, on both databases."""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Engine, MetaData, Table, create_engine, text

from storage.database.engines import sqlite_module
from storage.database.migrating import check, head, upgrade
from storage.errors import Unmigrated
from storage.open_database import Database, open_database
from tests import ROOT
from tests.deadlines import PATIENCE
from tests.history import tree_of

NOON = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
FORM = """
    <h:html xmlns:h="http://www.w3.org/1999/xhtml" xmlns="http://www.w3.org/2002/xforms"><h:head><model>
    <itext><translation lang="Español (es)"><text id="there"><value>Allá</value></text></translation></itext>
    <instance id="agency"><root><item><name>B</name><label>B</label></item></root></instance>
    <instance id="region"><root><item><name>here</name><label>Aquí</label></item>
    <item><itextId>there</itextId><name>there</name></item></root></instance>
    </model></h:head></h:html>
"""
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
        UNION ALL
        SELECT 'trigger', tgname, tgrelid::regclass::text, replace(pg_get_triggerdef(oid), current_schema() || '.', '')
        FROM pg_trigger WHERE NOT tgisinternal
          AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace)
        UNION ALL
        SELECT 'function', proname, '', prosrc FROM pg_proc WHERE pronamespace = current_schema()::regnamespace
        UNION ALL
        SELECT 'option', relname, '', reloptions::text FROM pg_class
        WHERE relnamespace = current_schema()::regnamespace AND reloptions IS NOT NULL
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


OLD = ("7b6c921", "9468034d")
"""The commits whose databases are upgraded. The first had the migrations up to 0008, the second those up to 0030."""


@pytest.fixture(params=OLD)
def old(request: pytest.FixtureRequest, empty_url: str, tmp_path: Path) -> tuple[str, MetaData]:
    """A database with the tables of an old commit and a row in each, and those tables."""
    engine = old_engine(request.param, empty_url, tmp_path)
    tables = MetaData()
    with engine.begin() as connection:
        tables.reflect(connection)
        for each in tables.sorted_tables:
            if each.name != "alembic_version":
                connection.execute(each.insert(), row_of(each))
    engine.dispose()
    return empty_url, tables


def old_engine(commit: str, url: str, folder: Path) -> Engine:
    """Make the tables of an old commit with its own migrations."""
    scripts = tree_of(commit, folder / "old", "storage/migrations/versions") / "storage" / "migrations"
    shutil.copy(ROOT / "storage" / "migrations" / "env.py", scripts)
    engine = engine_for(url)
    config = Config()
    config.set_main_option("script_location", str(scripts))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return engine


def row_of(of: Table) -> dict[str, Any]:
    """Return a row with something in each column that is in the clear. What it refers to is the first of its table."""
    return {
        column.name: 1 if column.foreign_keys or column.name == "id" else something(column)
        for column in of.columns
        if (of.name, column.name) != ("restricted_message", "message_id")  # its card is known instead
        if not (column.nullable and column.name.startswith("sealed_"))
    }


def something(column: Column[Any]) -> Any:
    kind = column.type.python_type
    if kind is str:
        return column.name[: getattr(column.type, "length", None)]
    return {bool: True, int: 7, object: {"es": column.name}, bytes: b"sealed", datetime: NOON, date: NOON.date()}[kind]


def rows(url: str, tables: MetaData) -> dict[str, list[Any]]:
    """Return all rows of these tables, as far as these tables had columns."""
    engine = engine_for(url)
    with engine.connect() as connection:
        found = {each.name: list(connection.execute(each.select())) for each in tables.sorted_tables}
    engine.dispose()
    del found["alembic_version"]
    return found


def test_the_newest_migration_is_known_by_the_number_of_its_file() -> None:
    """Whoever opens the database asks for it without loading Alembic: both must name the same one."""
    migrations = ROOT / "storage" / "migrations"
    assert head() == ScriptDirectory(str(migrations)).get_current_head()


def test_a_database_of_an_old_commit_gets_the_tables_of_a_new_one(
    old: tuple[str, MetaData], make_schema: Callable[[], str], tmp_path: Path
) -> None:
    """A new one is made from the models, so models and migrations say the same: checks, triggers and options too."""
    url, _ = old
    new = f"sqlite:///{tmp_path / 'new.db'}" if url.startswith("sqlite") else make_schema()
    upgrade(new)
    upgrade(url)
    check(url)
    assert catalogue(url) == catalogue(new)


def test_a_database_of_an_old_commit_keeps_its_rows(old: tuple[str, MetaData]) -> None:
    """Each table has its row afterwards, with the same in each column that it had."""
    url, tables = old
    before = rows(url, tables)
    upgrade(url)
    after = rows(url, tables)
    assert all(before.values())
    assert {name: [row for row in after[name] if row in found] for name, found in before.items()} == before


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
@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        ("9999", r"at 9999: a newer version .* Install that version"),
        ("0019", r"at 0019, a step between two versions: `enlace db upgrade` of commit 5dd6162e brings them"),
    ],
)
def test_tables_that_this_program_cannot_bring_up_to_date_are_named_as_such(
    url: str, number: str, sentence: str, command: Callable[[str], None]
) -> None:
    """To tell the operator to upgrade them with this program would lead nowhere."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{number}'"))
    try:
        with pytest.raises(Unmigrated, match=sentence):
            command(url)
    finally:  # on PostgreSQL the next tests of this process have the same tables
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :known"), {"known": head()})
        engine.dispose()


def test_a_failed_upgrade_leaves_no_half_of_it(old: tuple[str, MetaData], monkeypatch: pytest.MonkeyPatch) -> None:
    """On SQLite too, where Alembic by itself would commit statement by statement."""
    url, _ = old
    before = catalogue(url)

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(Operations, "create_table", fail)  # each step makes one, behind other changes
    with pytest.raises(RuntimeError, match="power cut"):
        upgrade(url)
    assert catalogue(url) == before


def test_the_database_file_is_nobody_elses_to_read(sqlite_database: Database, tmp_path: Path) -> None:
    """A file made by us has mode 0600, and so has its log."""
    url = f"sqlite:///{tmp_path / 'new.db'}"
    upgrade(url)
    with open_database(url) as database:
        database.units.submit(None, lambda unit: unit.facts.set("a", "b", NOON)).result(PATIENCE)
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("new.db*")}
    assert modes == dict.fromkeys(("new.db", "new.db-wal", "new.db-shm"), 0o600)


def test_what_was_written_in_code_and_forms_is_in_each_plan_afterwards(empty_url: str, tmp_path: Path) -> None:
    """7b6c921: whatever the plan, what its codes, its zone and its form meant until then is written into it."""
    engine = old_engine("7b6c921", empty_url, tmp_path)
    tables = MetaData()
    with engine.begin() as connection:
        tables.reflect(connection)

        def add(table: str, *rows: dict[str, Any]) -> None:
            of = tables.tables[table]
            for number, row in enumerate(rows, 1):
                connection.execute(of.insert(), row_of(of) | {"id": number} | row)

        add(
            "plan", {"code": "a", "timezone": "America/Santo_Domingo"}, {"code": "b", "timezone": "America/Tegucigalpa"}
        )
        add("strategic_area", {})
        add("objective", {})
        add("agency", {"code": "A"}, {"code": "B"}, {"code": "A", "plan_id": 2})
        add("indicator", *({"code": f"IND-{number}"} for number in ("02", "03", "12", "17", "19", "22")))
        add("activity", *({"code": code, "sensitivity": "open"} for code in ("ASI-1", "PER-1", "PER-2")))
        add("reporting_period", *({"code": kind, "period_type": kind} for kind in ("Monthly", "Quarterly", "Yearly")))
        add("person", {})
        add("form", {"form_id": "incident_free_text"})
        add("form_version", {"xform": FORM})
        add("code", {"id": 100, "list": "region", "code": "here"})
        add("job", {"kind": "unsay", "state": "queued", "payload": {"card": 3}, "chat_id": 9}, {"kind": "export"})
    upgrade(empty_url)

    def found(sql: str) -> list[tuple[Any, ...]]:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql))]

    assert found("SELECT code, country, currency FROM plan ORDER BY id") == [("a", "DO", "DOP"), ("b", "", "DOP")]
    assert found("SELECT code, computed, annual_table FROM indicator ORDER BY id") == [
        ("IND-02", "", ""),
        ("IND-03", "", "prevention"),
        ("IND-12", "", "prosecution"),
        ("IND-17", "reporting_rate", ""),
        ("IND-19", "share_completed", ""),
        ("IND-22", "", "protection"),
    ]
    assert found("SELECT code, sensitivity, meets_victims FROM activity ORDER BY id") == [
        ("ASI-1", "restricted", None),
        ("PER-1", "open", None),
        ("PER-2", "restricted", None),
    ]
    days = "opening_day, due_day, grace_day, lock_day"
    usual = {"monthly": (1, 5, 10, 15), "quarterly": (1, 10, 15, 20), "semiannual": (1, 15, 20, 25)}
    usual["annual"] = (1, 20, 25, 30)
    assert found(f"SELECT plan_id, code, {days} FROM cadence ORDER BY plan_id, opening_day, due_day") == [
        (plan, code, *numbers) for plan in (1, 2) for code, numbers in usual.items()
    ]
    assert found(f"SELECT {days} FROM reporting_period ORDER BY id") == [
        usual["monthly"],
        usual["quarterly"],
        usual["annual"],
    ]
    referring = found("SELECT id FROM agency WHERE reports_referrals = (1 = 1) ORDER BY id")
    assert referring == [(2,)], "the one in the list of the form of its own plan"
    assert found("SELECT code, position FROM code ORDER BY position") == [("there", 2), ("here", 7)]
    assert found("SELECT chat_id, card_id, reason FROM restricted_message") == [(9, 3, "")]
    assert found("SELECT kind FROM job") == [("export",)]
    assert found("SELECT name FROM fact ORDER BY name")[-2:] == [("sealed_late.1",), ("sealed_late.2",)]
    engine.dispose()
