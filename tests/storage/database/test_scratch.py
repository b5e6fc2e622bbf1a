"""A schema of a test goes away, whoever is still at work in it: tests that kill processes leave such behind."""

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, func, insert, inspect, make_url, select, text
from sqlalchemy.exc import OperationalError

from storage.database.migrating import upgrade
from storage.database.models import Base, Plan, table
from storage.open_database import Database, open_database
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE
from tests.storage.conftest import build_world
from tests.storage.database import scratch
from tests.storage.database.put_back import once_made

NOW = datetime(2018, 10, 3, 12, tzinfo=UTC)


def test_a_schema_goes_away_though_somebody_has_locked_a_table_of_it(postgres_server: Engine) -> None:
    with scratch.schema() as url:
        engine = create_engine(url)
        left = engine.connect()
        left.execute(text("CREATE TABLE busy (id integer)"))
        left.commit()
        left.execute(text("LOCK TABLE busy"))
    with pytest.raises(OperationalError):
        left.execute(text("SELECT 1"))
    left.invalidate()
    engine.dispose()
    name = str(make_url(url).query["options"]).rpartition("search_path=")[2]
    assert name not in inspect(postgres_server).get_schema_names()


def test_a_copied_schema_is_as_the_one_that_was_migrated(postgres_server: Engine) -> None:
    """Tables, columns, indexes, constraints and triggers."""
    with scratch.schema() as copied, scratch.schema() as migrated:
        scratch.migrate(copied)
        upgrade(migrated)
        assert shape(copied) == shape(migrated)


def shape(url: str) -> dict[str, Any]:
    name = str(make_url(url).query["options"]).rpartition("search_path=")[2]
    engine = create_engine(url)
    kinds = {
        "columns": "SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity"
        " FROM information_schema.columns WHERE table_schema = current_schema()",
        "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema()",
        "constraints": "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = current_schema()::regnamespace",
        "triggers": "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
        " AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace)",
        "version": "SELECT version_num FROM alembic_version",
    }
    with engine.connect() as connection:
        found = {kind: sorted(map(str, connection.execute(text(query)))) for kind, query in kinds.items()}
    engine.dispose()
    assert all(found.values())
    # The server writes casts between kinds of text another way once it has read its own writing.
    casts = re.compile(rf"{name}\.|::(?:character varying|text)(?:\[\])?|[()]")
    return {kind: sorted(casts.sub("", line) for line in lines) for kind, lines in found.items()}


def test_emptied_tables_have_no_row_and_number_from_one(
    postgres_database: Database, postgres_url: str, world_on_postgres: Any
) -> None:
    """The audit log too, which otherwise lets no row go."""

    def note(unit: UnitOfWork) -> None:
        unit.audit.record("exported", None, world_on_postgres.plan_id, {}, NOW)

    def first_plan(unit: UnitOfWork) -> int:
        days = {"starts_on": NOW.date(), "ends_on": NOW.date(), "imported_at": NOW}
        made = unit.connection.execute(insert(table(Plan)).values(code="A", name={}, timezone="UTC", **days))
        return int(made.inserted_primary_key[0])

    postgres_database.units.submit(None, note).result()
    scratch.empty(postgres_url)
    with postgres_database.reader() as connection:
        counted = {
            name: connection.scalar(select(func.count()).select_from(each))
            for name, each in Base.metadata.tables.items()
        }
    assert counted == dict.fromkeys(counted, 0)
    assert postgres_database.units.submit(None, first_plan).result() == 1


def test_what_is_put_back_is_as_if_it_had_been_made(
    database: Database, apply: Any, url: str, tmp_path: Path, migrated_sqlite: Path
) -> None:
    """The same rows, the same that was returned, and the number that the next row gets."""

    def begun(unit: UnitOfWork) -> tuple[Any, dict[str, list[Any]], int]:
        returned = once_made("of this test", unit, build_world)
        rows = {name: list(unit.connection.execute(select(each))) for name, each in Base.metadata.tables.items()}
        days = {"starts_on": NOW.date(), "ends_on": NOW.date(), "imported_at": NOW}
        made = unit.connection.execute(insert(table(Plan)).values(code="A", name={}, timezone="UTC", **days))
        return returned, rows, int(made.inserted_primary_key[0])

    made = apply(begun)
    if database.is_sqlite:
        shutil.copyfile(migrated_sqlite, tmp_path / "another.db")
        with open_database(f"sqlite:///{tmp_path / 'another.db'}", vault=database.vault) as another:
            put_back = another.units.submit(None, begun).result(PATIENCE)
    else:
        scratch.empty(url)
        put_back = apply(begun)

    assert sum(map(len, made[1].values())) > 10
    assert put_back == made
