"""S22: no process that the bot or a command starts has a secret among its arguments, which everybody could read."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.faults.deployment import FIRST, Bot, Cast, deployed, until
from tests.faults.disk import photograph
from tests.faults.people_at_work import Work, activity_report, with_photograph

pytestmark = [pytest.mark.slow, pytest.mark.postgres]

PASSWORD = "swordfish"

NOTES_EACH_START = """
import os, sys

def note(event, arguments):
    if event in ("subprocess.Popen", "os.exec", "os.posix_spawn"):
        with open({file!r}, "a") as file:
            print(*arguments[1], file=file)

sys.addaudithook(note)
"""


def test_no_process_is_started_with_a_secret_among_its_arguments(tmp_path: Path) -> None:
    """The child that opens a photograph, and PostgreSQL's own tool for a backup."""
    starts = tmp_path / "starts.txt"
    (tmp_path / "sitecustomize.py").write_text(NOTES_EACH_START.format(file=str(starts)))
    with deployed(tmp_path, "postgresql", Cast(1, 1), is_forked=False) as deployment:
        bot, dice = deployment.bot, random.Random(7)
        url = make_url(deployment.url).set(password=PASSWORD)
        deployment.url_of_bots = url.render_as_string(hide_password=False)
        form = with_photograph(activity_report(dice, deployment.cast.items_of(FIRST)[0]), photograph(dice))
        with Work(deployment.world, deployment.cast.numbers, lambda _: iter([form])) as work:
            bot.start(PYTHONPATH=noting(tmp_path, bot))
            until(lambda: work.is_over, bot.log)
        bot.stop()
        environment = bot.environment(PYTHONPATH=noting(tmp_path, bot))
        command = [sys.executable, "-m", "bot", "db", "backup", str(tmp_path / "backup.tar")]
        subprocess.run(command, env=environment, cwd=tmp_path, check=True, capture_output=True)

        begun = starts.read_text()
        assert "storage.reports.confined" in begun
        assert "pg_dump" in begun
        keys = json.loads(deployment.settings.keys.read_text())
        secrets = [PASSWORD, deployment.sandbox.token, *texts(keys)]
        assert [len(secret) for secret in secrets if secret in begun] == []


def noting(folder: Path, bot: Bot) -> str:
    """The path on which Python finds what notes each start of a process."""
    return f"{folder}:{bot.environment()['PYTHONPATH']}"


def texts(value: object) -> list[str]:
    """Each text of a JSON value that is long enough to be a key."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for each in value for text in texts(each)]
    return [value] if isinstance(value, str) and len(value) > 20 else []
