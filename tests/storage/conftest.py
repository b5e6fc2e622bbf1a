"""One contract suite, every database: a test that takes `database` runs on SQLite and on PostgreSQL.

Where no PostgreSQL answers (scratch.py), its half of the suite is skipped with a reason that begins with
"PostgreSQL", so that a green run tells what it did not see.
"""

import contextlib
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Engine, insert, make_url, text

from storage.database.models import Agency, Base, Membership, Person, Plan, ReportingPeriod, table
from storage.database.vault import Vault
from storage.open_database import Database, open_database
from storage.reports.sessions import NewSession, StoredSession
from storage.reports.submissions import NewSubmission, StoredSubmission
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE
from tests.storage.blank_forms import blank_form
from tests.storage.database import scratch
from tests.storage.database.hearing import heard
from tests.storage.database.put_back import once_made

T = TypeVar("T")

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)


# ------------------------------------------------------------------ databases
@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Engine]:
    """A PostgreSQL; skips, saying so, where there is none."""
    with scratch.server_or_skip() as engine:
        yield engine


Alter = Callable[[str], None]


@pytest.fixture
def postgres_role(postgres_server: Engine, postgres_url: str) -> Iterator[tuple[str, Alter]]:
    """The address of the tables for a role that nobody else has, and ALTER ROLE: what begins later has it."""
    name = f"enlace_tests_{uuid.uuid4().hex[:12]}"

    def do(what: str) -> None:
        with postgres_server.connect() as connection:
            connection.execute(text(what))

    do(f"CREATE ROLE {name} LOGIN SUPERUSER PASSWORD 'own'")
    url = make_url(postgres_url).set(username=name, password="own").render_as_string(hide_password=False)
    yield url, lambda what: do(f"ALTER ROLE {name} {what}")
    do(f"DROP ROLE {name}")


@pytest.fixture(scope="session")
def migrated_postgres() -> Iterator[str]:
    with scratch.schema_or_skip() as url:
        scratch.migrate(url)
        yield url


@pytest.fixture(scope="session")
def migrated_sqlite() -> Path:
    return scratch.migrated_sqlite()


@pytest.fixture
def sqlite_url(tmp_path: Path, migrated_sqlite: Path) -> str:
    """A migrated, empty SQLite file."""
    shutil.copyfile(migrated_sqlite, tmp_path / "enlace.db")
    return f"sqlite:///{tmp_path / 'enlace.db'}"


@pytest.fixture
def postgres_url(migrated_postgres: str) -> str:
    """Migrated, empty PostgreSQL tables."""
    scratch.empty(migrated_postgres)
    return migrated_postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Migrated, empty tables of one kind and then the other."""
    found: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return found


@pytest.fixture
def make_schema() -> Iterator[Callable[[], str]]:
    """URLs of empty PostgreSQL schemas, as many as wanted, gone afterwards."""
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(scratch.schema_or_skip())


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without any table of ours, of one kind and then the other."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    make: Callable[[], str] = request.getfixturevalue("make_schema")
    return make()


@pytest.fixture(scope="session")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for all tests of a process: what one has sealed is put back for the next (`once_made`)."""
    path = tmp_path_factory.mktemp("keyring") / "keyring.json"
    Vault.create(path)
    return path


@pytest.fixture
def vault(tmp_path: Path, keyring: Path) -> Vault:
    return Vault.load(Path(shutil.copy(keyring, tmp_path / "keyring.json")))


@pytest.fixture
def database(url: str, vault: Vault) -> Iterator[Database]:
    with open_database(url, vault=vault) as opened:
        yield opened


@pytest.fixture
def sqlite_database(sqlite_url: str, vault: Vault) -> Iterator[Database]:
    """For what only SQLite has: one writer, group commit, a file."""
    with open_database(sqlite_url, vault=vault) as opened:
        yield opened


@pytest.fixture
def postgres_database(postgres_url: str, vault: Vault) -> Iterator[Database]:
    """For what only PostgreSQL has: several transactions at once."""
    with open_database(postgres_url, vault=vault) as opened:
        yield opened


Apply = Callable[[Callable[[UnitOfWork], T]], T]


@pytest.fixture
def apply(database: Database) -> Apply[Any]:
    """Apply one unit of work and return its result, or raise what it failed with."""
    return lambda work: database.units.submit(None, work).result(PATIENCE)


# ------------------------------------------------------------------ a small plan
@dataclass(frozen=True)
class World:
    """A plan with two agencies, three people with a role, two periods and a form; and short ways to use it."""

    plan_id: int
    agency_ids: tuple[int, int]
    person_ids: tuple[int, int, int]
    telegram_ids: tuple[int, int, int]
    period_ids: tuple[int, int]
    form_key: int
    form_version_id: int

    def open(self, unit: UnitOfWork, instance_id: str = "uuid:1", **changes: Any) -> StoredSession:
        values: dict[str, Any] = {
            "plan_id": self.plan_id,
            "person_id": self.person_ids[0],
            "agency_id": self.agency_ids[0],
            "form_id": self.form_key,
            "form_version_id": self.form_version_id,
            "instance_id": instance_id,
            "data": {"/data/status": "in_progress"},
            "now": NOW,
            "expires_at": NOW + timedelta(days=14),
        }
        given = values | changes
        now = given.pop("now")
        return unit.sessions.open(NewSession(**given), now)

    def submit(self, unit: UnitOfWork, instance_id: str = "uuid:1", **changes: Any) -> StoredSubmission:
        values: dict[str, Any] = {
            "plan_id": self.plan_id,
            "form_id": self.form_key,
            "form_version_id": self.form_version_id,
            "instance_id": instance_id,
            "person_id": self.person_ids[0],
            "agency_id": self.agency_ids[0],
            "answers": {"/data/status": "in_progress"},
            "language": "es",
            "started_at": NOW,
            "now": NOW,
        }
        given = values | changes
        now = given.pop("now")
        return unit.submissions.add(NewSubmission(**given), now)


def build_world(unit: UnitOfWork) -> World:
    connection = unit.connection

    def add(model: type[Base], **values: Any) -> int:
        key = connection.execute(insert(table(model)).values(**values)).inserted_primary_key
        assert key is not None
        return int(key[0])

    plan_id = add(
        Plan,
        code="RD-2017",
        name={"es": "Plan"},
        starts_on=date(2017, 1, 1),
        ends_on=date(2020, 12, 31),
        timezone="America/Santo_Domingo",
        imported_at=NOW,
    )
    agencies = [add(Agency, plan_id=plan_id, code=code, name={"es": code}) for code in ("MINERD", "PGR")]
    people = []
    for number, (role, agency_id) in enumerate(
        [("focal_point", agencies[0]), ("alternate", agencies[0]), ("coordinator", None)]
    ):
        person_id = add(
            Person,
            telegram_id=5_000_000_001 + number,
            name=f"Person {number}",
            language="es",
            timezone="America/Santo_Domingo",
            joined_at=NOW,
            privacy_accepted_at=NOW,
        )
        add(Membership, plan_id=plan_id, person_id=person_id, agency_id=agency_id, role=role, active_from=NOW)
        people.append(person_id)
    periods = [
        add(
            ReportingPeriod,
            plan_id=plan_id,
            code=f"2018{month:02}",
            period_type="Monthly",
            start_on=date(2018, month, 1),
            end_on=date(2018, month, 28),
            opens_on=date(2018, month, 25),
            due_on=date(2018, month + 1, 5),
            grace_until_on=date(2018, month + 1, 8),
            locks_on=date(2018, month + 1, 15),
        )
        for month in (8, 9)
    ]
    form = unit.forms.publish(
        blank_form(plan_id),
        NOW,
    )
    return World(
        plan_id,
        (agencies[0], agencies[1]),
        (people[0], people[1], people[2]),
        (5_000_000_001, 5_000_000_002, 5_000_000_003),
        (periods[0], periods[1]),
        form.form_key,
        form.id,
    )


def _once_built(unit: UnitOfWork) -> World:
    return once_made("world", unit, build_world)


@pytest.fixture
def world(apply: Apply[Any]) -> World:
    built: World = apply(_once_built)
    return built


@pytest.fixture
def world_on_postgres(postgres_database: Database) -> World:
    return postgres_database.units.submit(None, _once_built).result(PATIENCE)


@pytest.fixture
def world_on_sqlite(sqlite_database: Database) -> World:
    return sqlite_database.units.submit(None, _once_built).result(PATIENCE)


@pytest.fixture
def statements() -> Callable[[UnitOfWork, Callable[[UnitOfWork], object]], list[str]]:
    """What some work asks the database, as the database hears it."""
    return heard
