"""Which version some content is, and what a receiver is told of it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.acts.reports.forms import publish
from bot.open_storage import open_storage
from conversations.authoring.xlsform import read_xlsform
from conversations.xforms.bundle import Bundle
from storage.open_database import Database
from storage.reports.forms import StoredForm
from tests.bot.house import install, settings_in

NOW = datetime(2018, 10, 3, 12, tzinfo=UTC)
QUESTIONS = "| survey |\n| | type | name | label |\n| | select_one_from_file towns.csv | town | Which? |\n"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    install(tmp_path)
    with open_storage(settings_in(tmp_path)) as opened:
        yield opened


def published(database: Database, settings: str, towns: str, at: datetime) -> tuple[StoredForm, str]:
    """Its name here, and the version that its document carries."""
    data, media = (QUESTIONS + settings).encode(), {"towns.csv": towns.encode()}
    checked = read_xlsform(data, "towns.md", media=media)
    stored = database.units.submit(
        None, lambda unit: publish(unit, Bundle("towns.md", data, media), checked, at)
    ).result()
    with database.view() as unit:
        return stored, unit.forms.form(stored.id).version


def test_a_form_without_a_version_goes_out_without_one(database: Database) -> None:
    """Here it is known by the day; a receiver has it without a version, as its author wrote it."""
    stored, written = published(database, "", "name,label\nA,Azua\n", NOW)
    assert (stored.version, written) == ("20181003", "")


def test_renewed_lists_are_a_version_here_and_the_authors_own_to_a_receiver(database: Database) -> None:
    """The same questions: a receiver that has version 3 takes what is answered with the new list."""
    settings = "| settings |\n| | form_id | version |\n| | towns | 3 |\n"
    published(database, settings, "name,label\nA,Azua\n", NOW)
    stored, written = published(database, settings, "name,label\nA,Azua\nB,Barahona\n", NOW + timedelta(days=1))
    assert (stored.version, written) == ("3+2", "3")
