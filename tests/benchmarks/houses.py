"""A database of Enlace for a benchmark: the shipped plan, forms, and as many people as wanted."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import SecretStr
from sqlalchemy import create_engine, make_url, text

from bot.forms import read_form
from bot.opening import open_storage
from bot.people import enrol
from bot.settings import Settings
from bot.setup import publish, set_up
from conversations.plan import Role
from storage.unit_of_work import UnitOfWork

FORM = Path(__file__).parent / "peers" / "form.md"
CLOCK = "2018-10-03T08:00"
BEGINS = datetime.fromisoformat(CLOCK).replace(tzinfo=ZoneInfo("America/Santo_Domingo"))
POSTGRES = os.environ.get("ENLACE_TEST_POSTGRES", "postgresql+psycopg://root@127.0.0.1:5432/test")
AGENCY = "MMUJER"


@dataclass(frozen=True, slots=True)
class House:
    """A deployment in a folder of its own."""

    folder: Path
    database_url: str

    @property
    def settings(self) -> Settings:
        return Settings.model_construct(
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


def furnish(house: House, people: range) -> None:
    """The shipped plan and forms, the benchmark's form, and focal points with these Telegram numbers."""
    list(set_up(house.settings, BEGINS))
    data = FORM.read_bytes()
    checked = read_form(FORM, data)

    def work(unit: UnitOfWork) -> None:
        publish(unit, data, checked, BEGINS)
        for number in people:
            enrol(unit, number, f"Person {number}", Role.FOCAL_POINT, AGENCY, "en", BEGINS, "America/Santo_Domingo")

    with open_storage(house.settings) as database:
        database.units.submit(None, work).result()


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
