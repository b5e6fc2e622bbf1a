"""A database of Enlace for a benchmark: the shipped plan, forms, and as many people as wanted."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Table, create_engine, insert, make_url, select, text

from bot.acts.people.enrolment import Newcomer, enrol
from bot.acts.reports.forms import publish
from bot.cli.reports.form_files import read_bundle_at
from bot.open_storage import open_storage
from bot.settings import SecretStr, Settings
from bot.setup import set_up
from conversations.plan.model import Role
from storage.database.engines import sqlite_engine
from storage.database.models import Activity, Agency, table
from storage.open_database import Database
from storage.plan.lists import touch
from storage.unit_of_work import UnitOfWork

FORM = Path(__file__).parent / "peers" / "form.md"
CLOCK = "2018-10-03T08:00"
BEGINS = datetime.fromisoformat(CLOCK).replace(tzinfo=ZoneInfo("America/Santo_Domingo"))
POSTGRES = os.environ.get("ENLACE_TEST_POSTGRES", "postgresql+psycopg://root@127.0.0.1:5432/test")
AGENCY = "MMUJER"
Kind = Literal["form", "shipped", "activities"]
WORK = 40
"""Activities of an agency: more than one person reports while a benchmark lasts."""


@dataclass(frozen=True, slots=True)
class House:
    """A deployment in a folder of its own."""

    folder: Path
    database_url: str

    @property
    def settings(self) -> Settings:
        return Settings(
            telegram_token=SecretStr("1:unused"),
            database_url=self.database_url,
            timezone="America/Santo_Domingo",
            language="en",
            files=self.folder / "evidence",
            keys=self.folder / "keys.json",
        )

    @property
    def environment(self) -> dict[str, str]:
        return {
            "ENLACE_TELEGRAM_TOKEN": "{token}",
            "ENLACE_TELEGRAM_API": "{api}",
            "ENLACE_DATABASE_URL": self.database_url,
            "ENLACE_KEYS": str(self.folder / "keys.json"),
            "ENLACE_FILES": str(self.folder / "evidence"),
            "ENLACE_LANGUAGE": "en",
            "ENLACE_SEND_RATE": "0",
            "ENLACE_LOG_LEVEL": "WARNING",
        }

    @property
    def webhook(self) -> dict[str, str]:
        return {
            "ENLACE_WEBHOOK_URL": "{hook_url}",
            "ENLACE_WEBHOOK_SECRET": "{secret}",
            "ENLACE_LISTEN": "127.0.0.1:{hook_port}",
        }


def furnish(house: House, people: range, kind: Kind = "form") -> None:
    """The shipped plan and forms, and focal points with these Telegram numbers.

    `form`: the benchmark's form stands in the place of the shipped referrals. `shipped`: as shipped. `activities`:
    each of the first fifty is of an agency of its own, which has WORK activities due.
    """
    list(set_up(house.settings, BEGINS))
    settle(house, people, kind)


def settle(house: House, people: range, kind: Kind = "form") -> None:
    """The people of `furnish` and what they report, where the shipped plan and forms are already."""

    def work(unit: UnitOfWork) -> None:
        codes = _add_agencies(unit, 50) if kind == "activities" else [AGENCY]
        if kind == "form":
            publish(unit, *read_bundle_at(FORM), BEGINS)
        for number in people:
            code = codes[(number - people.start) % len(codes)]
            enrol(
                unit,
                Newcomer(number, f"Person {number}", Role.FOCAL_POINT, code, "en"),
                BEGINS,
                "America/Santo_Domingo",
            )

    with open_storage(house.settings) as database:
        database.units.submit(None, work).result()


def _add_agencies(unit: UnitOfWork, count: int) -> list[str]:
    """More agencies, each with WORK activities like the plan's first, which are due every month."""
    connection = unit.connection
    agencies, activities = table(Agency), table(Activity)
    agency, activity = _first(connection, agencies), _first(connection, activities)
    codes = [f"B{number:03d}" for number in range(count)]
    for code in codes:
        made = connection.execute(insert(agencies).values(agency | {"code": code}).returning(agencies.c.id))
        its = activity | {"agency_id": made.scalar_one(), "report_frequency": "monthly", "sensitivity": "public"}
        connection.execute(insert(activities), [its | {"code": f"{code}-{number}"} for number in range(WORK)])
    touch(unit, agency["plan_id"])
    return codes


def _first(connection: Connection, rows: Table) -> dict[str, Any]:
    """A row to make others like."""
    found = dict(connection.execute(select(rows).order_by(rows.c.id).limit(1)).mappings().one())
    del found["id"]
    return found


@contextlib.contextmanager
def by_hand(database: Database) -> Iterator[Connection]:
    """Open a transaction beside the bot's own writer, which on SQLite keeps its only connection between two groups."""
    engine = sqlite_engine(database.engine.url) if database.is_sqlite else database.engine
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        if engine is not database.engine:
            engine.dispose()


@contextlib.contextmanager
def schema() -> Iterator[str]:
    """The URL of a PostgreSQL schema that is gone afterwards. OperationalError where no server answers."""
    name = f"enlace_bench_{uuid.uuid4().hex[:12]}"
    engine = create_engine(POSTGRES, connect_args={"connect_timeout": 3}, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE SCHEMA {name}"))
        url = make_url(POSTGRES).update_query_dict({"options": f"-csearch_path={name}"})
        yield url.render_as_string(hide_password=False)
        with engine.connect() as connection:
            connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
    finally:
        engine.dispose()


def copy(house: House, folder: Path) -> House:
    """The same SQLite deployment in another folder, so that every run begins alike."""
    shutil.copytree(house.folder, folder)
    return House(folder, f"sqlite:///{folder / 'enlace.db'}")
