"""What monitoring may ask of a running bot: that it lives, that it can work, and figures without a word about anybody.

Metrics are kept for years by people who may not read a report: a name in a label would be a leak that nobody sees.
"""

import json
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert

from bot.alarms.standing import KINDS
from bot.demo.cast import BEGINS, CAST
from bot.sandbox.server import running_sandbox
from bot.schedule.jobs import JOBS
from bot.schedule.scheduler import Scheduler
from bot.telegram.intake import ALLOWED_UPDATES, OTHER_UPDATES
from bot.telegram.outcomes import Outcome
from bot.web.metrics import OUTCOMES, Figures
from storage.database.durations import BOUNDS, Durations
from storage.database.migrating import upgrade
from storage.database.models import OutboxMessage, table
from storage.messages.endpoints import STATES
from storage.messages.outbox import LANES
from tests.bot.house import ANA, JEAN, Town, town_in
from tests.bot.telegram.wire import opened, running
from tests.deadlines import PATIENCE, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def town(tmp_path: Path, furnished: Path) -> Iterator[Town]:
    with town_in(tmp_path, furnished, watched=True) as town:
        yield town


def ask(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def figures(text: str) -> dict[str, float]:
    """Every sample, its labels behind its name: `enlace_updates_total{message}`."""
    return {
        sample.name + "".join(f"{{{value}}}" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scraped(town: Town) -> dict[str, float]:
    status, text = ask(town.metrics_port, "/metrics")
    assert status == 200
    return figures(text)


def reported(town: Town) -> None:
    """Ana reports: one message, then taps, a sentence, and the receipt."""
    ana = town.officer(ANA)
    ana.say("/pendientes")
    ana.tap(next(text for text in ana.buttons if "PRE-101" in text))
    ana.tap("Igual que el reporte anterior")
    ana.say("Grabar tres cuñas con la radio antes del 20")
    ana.tap(next(text for text in ana.buttons if "Enviar ahora" in text))
    ana.wait_for("Recibo")


# ------------------------------------------------------------------ figures
def test_a_report_shows_in_the_figures(town: Town) -> None:
    """Updates by kind, each committed once and answered once; commits are shared, messages are sent, nothing waits."""
    before = scraped(town)
    reported(town)
    town.rest()
    now = scraped(town)
    grown = {name: value - before.get(name, 0) for name, value in now.items()}
    assert grown["enlace_updates_total{message}"] == 2
    assert grown["enlace_updates_total{callback_query}"] == 3
    assert grown["enlace_update_commit_seconds_count"] == 5
    assert grown["enlace_commit_reply_seconds_count"] == 5
    assert grown["enlace_commit_seconds_count"] <= grown["enlace_units_total"]
    assert grown["enlace_units_total"] >= 5
    shown = sum(seen.what in ("send", "edit") for seen in town.sandbox.world.ledger.since(0, chat=ANA))
    assert sum(value for name, value in grown.items() if name.endswith("{sent}")) == shown
    assert (now["enlace_outbox_rows{queued}"], now["enlace_outbox_rows{sending}"]) == (0, 0)
    assert (now["enlace_jobs_waiting"], now["enlace_updates_poisoned_total"]) == (0, 0)
    assert now["process_resident_memory_bytes"] > 10_000_000
    assert now["process_cpu_seconds_total"] > 0


def test_no_label_tells_of_anybody(town: Town) -> None:
    """Label values come from lists in the code: no name, agency, chat, token or answer, whatever has happened."""
    reported(town)
    town.officer(JEAN).say("canary-answer")
    text = ask(town.metrics_port, "/metrics")[1]
    allowed = {
        "kind": {*ALLOWED_UPDATES, OTHER_UPDATES, *LANES["replies"], *LANES["fan_out"], *KINDS},
        "outcome": {*OUTCOMES.values(), "said", "skipped", "cancelled"},
        "what": {job.what for job in JOBS},
        "state": {"queued", "sending", *STATES},
        "le": {*map(str, BOUNDS), "+Inf"},
    }
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            for name, value in sample.labels.items():
                assert value in allowed[name], sample
    words = [town.sandbox.token, "canary", "cuñas", "PRE-101", "sandbox"]
    words += [word for member in CAST for word in (member.name, member.agency, str(member.telegram_id)) if word]
    labels = "".join(line.partition("}")[0] for line in text.splitlines() if "{" in line)
    assert [word for word in words if word in labels] == []


def test_silence_that_telegram_wants_is_counted_down(town: Town) -> None:
    """After a 429: how long, and that a call waits to be made once more."""
    town.client.add_fault("429", method="sendMessage|editMessageText", retry_after=30, times=1)
    town.officer(ANA).phone.say("/pendientes")
    wait_until(lambda: scraped(town)["enlace_retry_after_seconds"], "the window is counted", show=town.logged)
    now = scraped(town)
    assert 0 < now["enlace_retry_after_seconds"] <= 30
    assert now["enlace_delivery_retries_total"] == 1
    assert now["enlace_deliveries_total{prompt}{retry_after}"] == 1
    # Held by the process until its moment comes, or handed back by then: it waits in one state or the other.
    assert now["enlace_outbox_rows{sending}"] + now["enlace_outbox_rows{queued}"] == 1


async def test_a_database_that_is_away_leaves_only_its_own_figures_out(tmp_path: Path) -> None:
    """A gap is seen; a 0 would say that nothing waits."""
    url = f"sqlite:///{tmp_path / 'x.db'}"
    upgrade(url)
    with running_sandbox() as sandbox, opened(url, tmp_path) as database:
        async with running(sandbox, database) as bot:
            scheduler = Scheduler(database, bot.clock, said=bot.delivery.wake)
            house = Figures(database, bot.intake, bot.delivery, scheduler)
            names = [family.name for family in house.collect()]
            (tmp_path / "x.db").rename(tmp_path / "y.db")
            left = [family.name for family in house.collect()]
            (tmp_path / "y.db").rename(tmp_path / "x.db")
    assert [name for name in names if name not in left] == [
        "enlace_outbox_rows",
        "enlace_jobs_waiting",
        "enlace_event_deliveries",
    ]


def test_every_outcome_has_a_name_for_operators() -> None:
    """One more class of outcomes must not break the scrape."""
    assert set(OUTCOMES) == {kind.__name__ for kind in get_args(Outcome)}


def test_a_duration_is_counted_in_the_first_bucket_that_holds_it() -> None:
    """Prometheus counts "at most": exactly at an upper end is inside."""
    durations = Durations()
    for seconds in (0.0, BOUNDS[0], BOUNDS[1], 1000.0):
        durations.add(seconds)
    assert (durations.buckets[0], durations.buckets[1], durations.buckets[-1]) == (2, 1, 1)
    assert durations.count == 4


# ------------------------------------------------------------------ where it listens
def test_polling_answers_what_a_supervisor_asks(town: Town) -> None:
    """Without a webhook nothing would listen; at ENLACE_METRICS all of it does, and there is no door for updates."""
    assert ask(town.metrics_port, "/healthz") == (200, "ok")
    status, text = ask(town.metrics_port, "/readyz")
    assert (status, set(json.loads(text).values())) == (200, {"ok"})
    assert ask(town.metrics_port, "/telegram")[0] == 404


def test_a_bot_whose_tables_are_old_is_alive_and_not_ready(town: Town) -> None:
    """Restarting helps nothing of it, so /healthz says nothing of it."""
    with closing(sqlite3.connect(town.folder / "enlace.db", timeout=PATIENCE)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    status, text = ask(town.metrics_port, "/readyz")
    assert (status, json.loads(text)["migrations"]) == (503, "failing")
    assert ask(town.metrics_port, "/healthz")[0] == 200


def test_a_bot_whose_tables_are_gone_answers_whoever_asks(town: Town) -> None:
    """Somebody moves the schema under a running bot: /readyz says so, and nothing is an error of ours."""
    names = ("alembic_version", "outbox", "fact")
    with closing(sqlite3.connect(town.folder / "enlace.db", timeout=PATIENCE)) as connection, connection:
        for name in names:
            connection.execute(f"ALTER TABLE {name} RENAME TO {name}_moved")
    status, text = ask(town.metrics_port, "/readyz")
    assert (status, json.loads(text)["migrations"], json.loads(text)["database"]) == (503, "failing", "failing")
    status, text = ask(town.metrics_port, "/metrics")
    assert status == 200
    assert "enlace_outbox_rows" not in text
    with closing(sqlite3.connect(town.folder / "enlace.db", timeout=PATIENCE)) as connection, connection:
        for name in names:
            connection.execute(f"ALTER TABLE {name}_moved RENAME TO {name}")


def test_a_bot_by_the_machines_clock_shows_its_metrics(town: Town) -> None:
    """As every bot does that nobody tests: it compares its clock with the date of Telegram's last answer."""
    town.stop()
    town.start(on_its_clock=False)
    assert scraped(town)["enlace_clock_held"] == 1, "the sandbox lives in 2018"
    assert ask(town.metrics_port, "/readyz")[0] == 503


def test_the_webhooks_address_shows_no_metrics(tmp_path: Path, furnished: Path) -> None:
    """It is open to the world; health is on both."""
    with town_in(tmp_path, furnished, webhook=True, watched=True) as town:
        assert ask(town.webhook_port, "/metrics")[0] == 404
        assert ask(town.webhook_port, "/healthz") == ask(town.metrics_port, "/healthz") == (200, "ok")
        assert ask(town.webhook_port, "/readyz")[0] == ask(town.metrics_port, "/readyz")[0] == 200
        reported(town)
        assert scraped(town)["enlace_updates_total{callback_query}"] == 3


def test_a_second_copy_leaves_the_first_ones_outbox_alone(tmp_path: Path, furnished: Path) -> None:
    """The database is taken: it never says that it is ready, and settles nothing that the first is sending."""
    with town_in(tmp_path, furnished, webhook=True, watched=True) as town:
        now = BEGINS + timedelta(minutes=1)
        row = {
            "chat_id": ANA, "kind": "reminder", "method": "sendMessage", "state": "sending", "sensitive": False,
            "payload": "{}", "attempts": 1, "lease_until": now + timedelta(days=1), "created_at": now, "error": "",
        }  # fmt: skip
        with opened(town.settings.database_url, tmp_path) as database:
            database.units.submit(
                None, lambda unit: unit.connection.execute(insert(table(OutboxMessage)).values(row))
            ).result()
        second = subprocess.run(
            [sys.executable, "-m", "bot", "run", "--clock", BEGINS.isoformat()],
            env=town.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert second.returncode == 1
        assert "Another `enlace run`" in second.stderr
        assert "bot.ready" not in second.stderr
        assert town.rows("SELECT state FROM outbox WHERE kind = 'reminder'") == [("sending",)]
