"""What is taken out: complete, readable by ODK's own programs, and never without a trace."""

import io
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from PIL import Image

from bot.acts.reports.forms import publish
from bot.open_storage import open_storage
from conversations.authoring.xlsform import read_xlsform
from conversations.plan.model import Role
from conversations.session import engine
from conversations.xforms.bundle import Bundle
from conversations.xforms.instance import Filling
from storage.errors import StorageError
from storage.exports.exporters import EXPORTERS, exporter
from storage.exports.wanted import Wanted
from storage.open_database import Database
from storage.reports.files import FileStore, NewAttachment
from storage.reports.inspection import inspect
from storage.reports.submissions import NewSubmission
from storage.unit_of_work import UnitOfWork
from tests.bot.house import ANA, furnish, settings_in
from tests.deadlines import PATIENCE

NOW = datetime(2018, 10, 3, 12, tzinfo=UTC)
HOUSEHOLD = b"""
| survey |
| | type | name | label | relevant | calculation |
| | start | begun | | | |
| | today | day | | | |
| | text | village | Village | | |
| | begin repeat | person | Person | | |
| | text | who | Who? | | |
| | integer | age | Age | | |
| | end repeat | | | | |
| | text | minor | Who looks after them? | ${village} = 'x' | |
| | image | photo | Photo | | |
| | text | remark | Remark | | |
| | calculate | at | | | now() |
| settings |
| | form_id | form_title | version |
| | household | Hogar: visita | 7 |
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    furnish(folder)
    return folder


@pytest.fixture
def database(house: Path) -> Any:
    with open_storage(settings_in(house)) as opened:
        yield opened


def send(
    database: Database, house: Path, number: int, *, sensitive: bool = False, supersedes: int | None = None
) -> int:
    """A submission of two people and a photo; its number."""
    checked = read_xlsform(HOUSEHOLD, "household.md")
    store = FileStore(house / "evidence", database.vault)
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), (number, 0, 0)).save(picture, "JPEG")
    found = inspect(picture.getvalue(), claimed_name="a.jpg", claimed_mime="image/jpeg", accept="image")
    instance_id = f"uuid:{number:08}-0000-4000-8000-000000000000"

    def work(unit: UnitOfWork) -> int:
        plan = unit.plans.only()
        stored = publish(unit, Bundle("household.md", HOUSEHOLD), checked, NOW, plan_id=plan.id)
        store.put(found.data, sensitive=sensitive)
        attached = unit.attachments.add(
            NewAttachment(
                plan_id=plan.id,
                instance_id=instance_id,
                ref="/data/photo",
                inspected=found,
                sensitive=sensitive,
                is_compressed=False,
            ),
            NOW,
        )
        begun = engine.begin(checked.form, Filling(instance_id, NOW, "America/Santo_Domingo", "es"))
        instance = begun.instance
        root = checked.form.root.path
        instance.add(f"{root}/person")
        for ref, value in (
            ("village", "Azua & <Baní>"), ("person[1]/who", "Ana"), ("person[2]/who", "Luis"), ("person[2]/age", "9"),
            ("photo", attached.file_name),
        ):  # fmt: skip
            instance.answer(f"{root}/{ref}", value)
        person = unit.people.by_telegram_id(ANA)
        assert person is not None
        return unit.submissions.add(NewSubmission(
            plan_id=plan.id, form_id=stored.form_key, form_version_id=stored.id, instance_id=instance_id,
            person_id=person.id, agency_id=None, answers=instance.answers(), language="es",
            started_at=NOW, sensitive=sensitive, supersedes_id=supersedes,
),NOW + timedelta(minutes=5),
).id  # fmt: skip

    return database.units.submit(None, work).result()


def taken(database: Database, house: Path, form_id: str = "household") -> dict[str, bytes]:
    used = exporter("submissions", "xml-zip", "internal", Role.COORDINATOR)
    assert used is not None
    out = io.BytesIO()
    with database.view() as unit:
        plan = unit.plans.only()
        wanted = Wanted(plan.id, "America/Santo_Domingo", NOW, form_id=form_id, role=Role.COORDINATOR)
        store = FileStore(house / "evidence", database.vault)
        seen: list[tuple[int, int]] = []
        written = used.write(unit, store, wanted, out, lambda done, total: seen.append((done, total)))
    count = written.count
    assert seen == [(number, count) for number in range(1, count + 1)]
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None
        assert bool(written.lacking) == ("missing-files.txt" in archive.namelist())
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_submission_goes_out_as_briefcase_keeps_it(database: Database, house: Path) -> None:
    """Form, one folder an instance, its media beside it; sealed answers unsealed; corrections behind theirs."""
    first = send(database, house, 1)
    send(database, house, 2, sensitive=True)
    send(database, house, 3, supersedes=first)

    files = taken(database, house)

    base = "ODK Briefcase Storage/forms/Hogar_ visita"
    assert f"{base}/Hogar_ visita.xml" in files
    folders = dict.fromkeys(name.split("/")[4] for name in files if "/instances/" in name)
    assert list(folders) == [f"uuid0000000{number}-0000-4000-8000-000000000000" for number in (1, 2, 3)]
    for folder in folders:
        tree = fromstring(files[f"{base}/instances/{folder}/submission.xml"])
        assert (tree.get("id"), tree.get("version")) == ("household", "7")
        assert [child.tag for child in tree] == [
            "begun", "day", "village", "person", "person", "photo", "remark", "at", "meta",
        ]  # fmt: skip
        assert tree.findtext("village") == "Azua & <Baní>"
        assert [(p.findtext("who"), p.findtext("age")) for p in tree.iter("person")] == [("Ana", ""), ("Luis", "9")]
        assert tree.find("remark") is not None
        assert tree.find("minor") is None  # not relevant
        assert tree.findtext("at") == "2018-10-03T08:00:00.000-04:00"  # what was submitted, not today's clock
        assert f"{base}/instances/{folder}/{tree.findtext('photo')}" in files
    corrected = fromstring(files[f"{base}/instances/uuid00000003-0000-4000-8000-000000000000/submission.xml"])
    assert corrected.findtext("meta/instanceID") == "uuid:00000003-0000-4000-8000-000000000000"
    assert corrected.findtext("meta/deprecatedID") == "uuid:00000001-0000-4000-8000-000000000000"


def test_the_plans_own_reports_go_out_too(database: Database, house: Path) -> None:
    """Every current submission of the seeded plan, each a document with its instance's number."""
    files = taken(database, house, "activity_report")

    documents = [fromstring(data) for name, data in files.items() if name.endswith("submission.xml")]
    with database.reader() as connection:
        (expected,) = connection.exec_driver_sql(
            "SELECT count(*) FROM submission s JOIN form f ON f.id = s.form_id"
            " WHERE f.form_id = 'activity_report' AND s.is_current"
        ).fetchone()
    assert len(documents) == expected > 0
    assert all((tree.findtext("meta/instanceID") or "").startswith("uuid:") for tree in documents)


def test_a_file_that_is_lost_on_disk_is_named(
    database: Database, house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything else goes out; the manifest, standard error and the exit code say what did not."""
    send(database, house, 5)
    with database.view() as unit:
        [attachment] = unit.attachments.of_instance("uuid:00000005-0000-4000-8000-000000000000")
    FileStore(house / "evidence", database.vault).path(attachment.key).unlink()

    told = taken(database, house)["missing-files.txt"].decode()
    assert told.startswith(f"{attachment.file_name}, receipt ")
    assert told.count("\n") == 1

    for name, value in {
        "ENLACE_DATABASE_URL": f"sqlite:///{house / 'enlace.db'}",
        "ENLACE_FILES": str(house / "evidence"),
        "ENLACE_KEYS": str(house / "keys.json"),
    }.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-m", "bot", "export", "submissions", "--form", "household", "--format", "xml-zip",
               "--role", "coordinator"]  # fmt: skip
    out = tmp_path / "all.zip"
    done = subprocess.run([*command, "--out", str(out)], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 1
    assert told.strip() in done.stderr
    assert zipfile.ZipFile(out).testzip() is None


def test_sealed_answers_stay_sealed_without_the_keyring(database: Database, house: Path) -> None:
    """An export at a machine without the keys fails instead of writing half of it."""
    send(database, house, 4, sensitive=True)
    settings = settings_in(house)
    with open_storage(settings, needs_keys=False) as locked, pytest.raises(StorageError):
        taken(locked, house)


def test_nothing_is_exported_that_is_not_declared() -> None:
    """Unknown datasets, formats and audiences have no row; answers are for those inside."""
    assert exporter("submissions", "xml-zip", "public") is None
    assert exporter("submissions", "csv", "internal") is None
    assert all(each.audiences <= {"internal", "observers", "public"} for each in EXPORTERS)
