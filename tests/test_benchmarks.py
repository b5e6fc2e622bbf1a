"""The load driver tells the truth: a conversation that went well is counted, one that did not is failed.

Nothing here is timed. What the driver measures is printed by `make bench`; what it must never do is call a bot fast
that has lost an answer.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from bot.settings import inherited_environment
from tests.benchmarks.houses import House, Kind, settle
from tests.bot.cli import forked
from tests.bot.house import install
from tests.deadlines import PATIENCE
from tests.once import made_once

BENCHMARKS = Path(__file__).parent / "benchmarks"
FORM = ["--talk", "form", "--env", "BENCH_API={api}", "--env", "BENCH_TOKEN={token}"]


def ran(name: str, *arguments: str) -> tuple[int, str, str]:
    """Exit code and output of a benchmark, forked from what has imported a bot already, as if begun in its folder."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given = {"program": str(BENCHMARKS / name), "cwd": BENCHMARKS, "env": inherited_environment()}
        process = forked.start(*arguments, **given, stdout=out, stderr=err)
        try:
            code = process.wait(PATIENCE)
        finally:
            process.kill()
        out.seek(0)
        err.seek(0)
        return code, out.read().decode(), err.read().decode()


def drive(*arguments: str, command: list[str]) -> dict[str, Any]:
    """The report of one run of the driver as a process."""
    code, told, said = ran("load.py", *arguments, "--", sys.executable, *command)
    assert code == 0, said
    report: dict[str, Any] = json.loads(told)
    return report


def house(folder: Path, kind: Kind = "form") -> list[str]:
    """An Enlace with five people; the driver's arguments for it."""
    template = made_once(f"benchmark-{kind}", lambda kept: make_house(kept, kind))
    shutil.copytree(template, folder, dirs_exist_ok=True)
    environment, webhook = json.loads((folder / "house.json").read_text("utf-8").replace(FOLDER, str(folder)))
    (folder / "webhook.json").write_text(json.dumps(webhook))
    return [part for name, value in environment.items() for part in ("--env", f"{name}={value}")]


FOLDER = "«folder»"


def make_house(folder: Path, kind: Kind) -> None:
    install(folder)
    made = House(folder, f"sqlite:///{folder / 'enlace.db'}")
    settle(made, range(100_001, 100_006), kind)
    told = json.dumps([made.environment, made.webhook])
    (folder / "house.json").write_text(told.replace(str(folder), FOLDER), "utf-8")


ENLACE = [str(BENCHMARKS / "peers" / "enlace.py")]
RUN = ["--", "run", "--clock", "2018-10-03T08:00"]


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [RUN, ["--without", "group", *RUN], ["--without", "aiohttp", *RUN]])
def test_three_people_fill_the_form_with_enlace(tmp_path: Path, arguments: list[str]):
    """As it is and with each slowdown: every conversation ends with a receipt, and the report has its figures."""
    settings = house(tmp_path)

    report = drive("--talk", "enlace-form", "--users", "3", "--rounds", "3", *settings, command=[*ENLACE, *arguments])

    assert (report["failed"], report["failures"], report["errors"]) == (0, {}, {})
    assert report["conversations"] >= 3
    assert report["interactions"] >= 3 * 7
    assert 0 < report["p50_ms"] <= report["p99_ms"] <= report["max_ms"]
    assert report["peak_rss_mb"] > 0
    assert report["calls_per_interaction"] > 1
    assert report["calls"]["sendMessage"] > 0


@pytest.mark.slow
@pytest.mark.parametrize(("talk", "kind"), [("activity", "activities"), ("referral", "shipped")])
def test_three_people_do_the_work_that_enlace_is_for(tmp_path: Path, talk: str, kind: Kind):
    """The shipped forms, as people fill them: who changes a question there changes what they say in talks.py."""
    settings = house(tmp_path, kind)

    report = drive("--talk", talk, "--users", "3", "--rounds", "3", *settings, command=[*ENLACE, *RUN])

    assert (report["failed"], report["errors"]) == (0, {})
    assert report["conversations"] >= 3


@pytest.mark.slow
def test_the_driver_posts_to_a_webhook(tmp_path: Path, unused_tcp_port: int):
    """The same by webhook: Telegram's secret is sent, and a call in the webhook's answer is performed."""
    settings = house(tmp_path)
    for name, value in json.loads((tmp_path / "webhook.json").read_text()).items():
        settings += ["--env", f"{name}={value}"]

    report = drive(
        *("--talk", "enlace-form", "--users", "3", "--rounds", "3", "--hook-port", str(unused_tcp_port)),
        *settings,
        command=[*ENLACE, *RUN],
    )

    assert (report["failed"], report["errors"]) == (0, {})
    assert "getUpdates" not in report["calls"]


@pytest.mark.slow
@pytest.mark.parametrize("pickle", ["", "bot.pickle"])
def test_the_peer_fills_the_same_form(tmp_path: Path, pickle: str):
    """python-telegram-bot with and without its pickle holds the conversation that Enlace holds."""
    kept = ["--env", f"BENCH_PICKLE={tmp_path / pickle}"] if pickle else []

    report = drive(*FORM, "--users", "3", "--rounds", "3", *kept, command=[str(BENCHMARKS / "peers" / "ptb.py")])

    assert (report["failed"], report["errors"]) == (0, {})
    assert report["conversations"] >= 3


BOT = """
import json, os, urllib.request

def call(method, **parameters):
    url = f"{os.environ['BENCH_API']}/bot{os.environ['BENCH_TOKEN']}/{method}"
    with urllib.request.urlopen(url, json.dumps(parameters).encode()) as answer:
        return json.load(answer)["result"]

keys = {"inline_keyboard": [[{"text": text, "callback_data": text} for text in ("Water", "Yes", "Save")]]}
offset, said, texts = 0, [], json.loads(os.environ["TEXTS"])
while True:
    for update in call("getUpdates", offset=offset, timeout=1):
        offset = update["update_id"] + 1
        chat = update.get("message") or update["callback_query"]["message"]
        said.append(update["message"]["text"] if "message" in update else "")
        text = texts[(len(said) - 1) % len(texts)]
        if text:
            call("sendMessage", chat_id=chat["chat"]["id"], text=text.replace("SAID", str(said)), reply_markup=keys)
"""
"""Says to one person the next of TEXTS, whatever was answered."""

ASKED = ["Q1. What do you report?", "Q2. How many?", "Q3. Describe it", "Q4. On which date?", "Q5. Is it urgent?"]
GOOD = [*ASKED, "SAID Q6. Save it?", "Saved as number 1"]


@pytest.mark.parametrize(
    ("texts", "failure"),
    [
        ([*ASKED[:1], *ASKED[2:], *GOOD[5:]], r"something else instead of Q2\. How many"),
        ([*ASKED[:2], *ASKED[1:], *GOOD[5:]], r"something else instead of Q3\. Describe it"),
        ([*ASKED, "Q6. Save it?", "Saved as number 1"], r"an answer forgotten at Q6\. Save it"),
        ([*ASKED, "Saved as number 1"], r"something else instead of Q6\. Save it"),
        ([*ASKED[:3], ""], "no answer in time"),
    ],
    ids=["a question left out", "a question twice", "an answer forgotten", "ended too soon", "silence"],
)
def test_a_bot_that_answers_wrongly_is_reported_as_failed(texts: list[str], failure: str):
    """Whatever goes wrong ends the conversation, and the report says what."""
    settings = [*FORM, "--env", f"TEXTS={json.dumps(texts)}"]

    report = drive(*settings, "--users", "1", "--rounds", "1", "--patience", "1", command=["-c", BOT])

    assert report["conversations"] == 0
    assert report["failures"] == {failure: 1}


def test_a_bot_that_answers_rightly_is_not():
    """The same bot with nothing wrong: so that the failures above are of the faults."""
    settings = [*FORM, "--env", f"TEXTS={json.dumps(GOOD)}"]

    report = drive(*settings, "--users", "1", "--rounds", "1", command=["-c", BOT])

    assert report["conversations"] >= 1
    assert report["failures"] == {}


@pytest.mark.slow
def test_no_question_of_the_bot_reads_a_whole_table():
    """What SQLite plans for every act and every sweep goes by an index: nothing grows with people or submissions."""
    arguments = ("--databases", "sqlite", "--explain", "--submissions", "2000", "--people", "100")

    code, told, said = ran("growth.py", *arguments)

    assert (code, told) == (0, ""), said


@pytest.mark.slow
def test_a_digest_asks_no_more_of_a_larger_plan():
    """As many statements for twice the activities, and no longer a text: the benchmark itself says so, or fails."""
    arguments = ("--databases", "sqlite", "--repeat", "1", "--activities", "60,120")

    code, told, said = ran("digest.py", *arguments)

    assert code == 0, told + said
    assert len(told.splitlines()) == 4


@pytest.mark.slow
def test_a_scan_asks_no_more_of_a_larger_plan():
    """As many statements for twice the activities, when deciding and at the second look: the benchmark fails else."""
    arguments = ("--databases", "sqlite", "--repeat", "1", "--activities", "60,120")

    code, told, said = ran("due.py", *arguments)

    assert code == 0, told + said
    assert len(told.splitlines()) == 4
