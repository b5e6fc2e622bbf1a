"""`enlace` as an operator has it: a command is run as a process, with settings of its own."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.open_storage import BOT_USERNAME, open_storage
from bot.settings import inherited_environment
from tests import ROOT
from tests.bot.cli import forked
from tests.bot.house import settings_in

FORMS = ROOT / "conversations" / "forms"
TOKEN = "7000000009:CANARY-token-that-no-line-may-hold"
SECRETS = ("CANARY", "hunter2", "webhook-secret-of-tests")


@dataclass(frozen=True, slots=True)
class Done:
    """What a process left behind."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> list[str]:
        return self.err.splitlines()


def environment(folder: Path, given: Mapping[str, str]) -> dict[str, str]:
    ours = {
        "ENLACE_TELEGRAM_TOKEN": TOKEN,
        "ENLACE_DATABASE_URL": "sqlite:///enlace.db",
        "ENLACE_KEYS": "keys.json",
        "ENLACE_LOG_LEVEL": "ERROR",
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "200",
    }
    return inherited_environment() | ours | dict(given)


def enlace(folder: Path, *arguments: str, say: str = "", **given: str) -> Done:
    """Run `python -m bot …` in this folder; `given` is environment, `say` what is typed."""
    done = forked.run(*arguments, cwd=folder, env=environment(folder, given), input=say)
    assert not [secret for secret in SECRETS if secret in done.stdout + done.stderr]
    return Done(done.returncode, done.stdout, done.stderr)


def contents(folder: Path) -> list[str]:
    """Every row of every table."""
    with closing(sqlite3.connect(folder / "enlace.db")) as connection:
        return list(connection.iterdump())


def counted(folder: Path, table: str) -> int:
    with closing(sqlite3.connect(folder / "enlace.db")) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def asked(folder: Path, query: str) -> tuple[object, ...]:
    """The row that SQL finds."""
    with closing(sqlite3.connect(folder / "enlace.db")) as database:
        row: tuple[object, ...] = database.execute(query).fetchone()
    return row


def is_one_line(done: Done) -> bool:
    return len(done.said) == 1 and done.err.startswith("enlace: ") and "Traceback" not in done.err


@dataclass(frozen=True, slots=True)
class Installed:
    folder: Path
    init: Done


TYPED = """
| survey |
| | type | name | label::Español (es) | label::English (en) | required | constraint | constraint_message | relevant |
| | text | what | ¿Qué? | What? | yes | | | |
| | integer | n | ¿Cuántas? | How many? | yes | . <= 50 | Hasta 50. | |
| | select_one yn | more | ¿Más? | More? | yes | | | |
| | date | when | ¿Cuándo? | When? | yes | | | ${more} = 'yes' |
| | hidden | kept | | | | | | |
| choices |
| | list_name | name | label::Español (es) | label::English (en) |
| | yn | yes | Sí | Yes |
| | yn | no | No | No |
| settings |
| | form_id | version | default_language |
| | tried | 1 | Español (es) |
"""


# ------------------------------------------------------------------ people
def learn_name(folder: Path) -> None:
    with open_storage(settings_of(folder)) as database:
        database.units.submit(
            None, lambda unit: unit.facts.set(BOT_USERNAME, "enlace_demo_bot", datetime.now(UTC))
        ).result()


def settings_of(folder: Path) -> Any:
    return settings_in(folder).model_copy(update={"keys": folder / "keys.json"})


def options(group: Any) -> Iterator[str]:
    for command in group.commands.values():
        if hasattr(command, "commands"):
            yield from options(command)
        else:
            yield from (parameter.name for parameter in command.params)


def no_keys(folder: Path) -> None:
    (folder / "keys.json").unlink()


NOWHERE = {"ENLACE_TELEGRAM_API": "http://127.0.0.1:1"}
