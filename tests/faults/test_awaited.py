"""A database that is away while the bot starts is waited for, as later: nobody has to start the bot again.

It has not come up yet, or it is cut at any request that a start makes. Only what somebody must mend ends the process.
"""

import re
import signal
import socket
import struct
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.bot.cli import forked
from tests.deadlines import ended
from tests.faults.deployment import WEBHOOK_SECRET, Bot, Cast, Deployment, deployed, until
from tests.faults.torn import Proxy
from tests.storage.database import scratch

pytestmark = pytest.mark.slow

POINTS = 7
"""At so many of its requests a start is cut, one after the other."""


class Counting(Proxy):
    """Carries so many requests, and then goes down by itself."""

    def __init__(self, to: int) -> None:
        self.requests = 0
        self.last: int | None = None
        super().__init__(to)

    def count(self, said: bytes) -> None:
        self.requests += 1
        if self.requests == self.last:
            self.go_down()


@contextmanager
def behind(folder: Path, *, webhook: bool = False) -> Iterator[tuple[Deployment, Counting]]:
    """A deployment on PostgreSQL with a wire between, its bot not started."""
    with deployed(folder, "postgresql", Cast(2, 1), webhook=webhook) as deployment:
        wire = Counting(make_url(deployment.url).port or 5432)
        deployment.url_of_bots = wire.url_for(deployment.url)
        try:
            yield deployment, wire
        finally:
            wire.close()


def told(port: int, path: str) -> int:
    """The status with which this is answered; 0 while nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except urllib.error.URLError:
        return 0


def posted(port: int) -> int:
    headers = {"X-Telegram-Bot-Api-Secret-Token": WEBHOOK_SECRET}
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/telegram", b'{"update_id": 1}', headers)
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def waits(bot: Bot) -> None:
    until(lambda: "database.awaited" in bot.log() or not bot.is_alive, bot.log)
    assert bot.is_alive, bot.log()


@pytest.mark.parametrize("webhook", [False, True], ids=["polling", "webhook"])
def test_a_database_that_is_not_up_yet_is_waited_for(tmp_path: Path, webhook: bool) -> None:
    """A supervisor hears that the process lives and is not ready, Telegram 503; the log says once why, and what to do.

    Once it is up, the bot serves.
    """
    with behind(tmp_path, webhook=webhook) as (deployment, wire):
        bot = deployment.bot
        wire.go_down()
        bot.begin()
        waits(bot)
        for port in (bot.metrics_port, bot.port) if webhook else (bot.metrics_port,):
            until(lambda port=port: told(port, "/healthz"), bot.log)
            assert (told(port, "/healthz"), told(port, "/readyz")) == (200, 503)
        if webhook:
            assert posted(bot.port) == 503
        wire.come_back()
        until(lambda: bot.is_ready or not bot.is_alive, bot.log)
        until(lambda: told(bot.metrics_port, "/readyz") == 200 or not bot.is_alive, bot.log)
        bot.stop()
        # A busy server may let it in and refuse it once more: each time is said once.
        said = re.findall(r'"event": "database\.(awaited|answers)"', bot.log())
        assert said == ["awaited", "answers"] * (len(said) // 2)
        assert said
        assert "ENLACE_DATABASE_URL" in bot.log()
        assert "Traceback" not in bot.log()


def test_who_waits_for_a_database_can_be_stopped(tmp_path: Path) -> None:
    """With 0 and in order, as at any other time."""
    with behind(tmp_path) as (deployment, wire):
        wire.go_down()
        deployment.bot.begin()
        waits(deployment.bot)
        assert deployment.bot.process is not None
        deployment.bot.process.send_signal(signal.SIGTERM)
        assert ended(deployment.bot.process, show=deployment.bot.log) == 0
        assert "bot.stopped" in deployment.bot.log()
        assert "stopped_late" not in deployment.bot.log()
        assert "Traceback" not in deployment.bot.log()


@pytest.mark.parametrize("webhook", [False, True], ids=["polling", "webhook"])
def test_a_start_that_is_cut_at_any_request_goes_on(tmp_path: Path, webhook: bool) -> None:
    """Nothing that it asks for once ends it, and nothing is left behind that the next start takes for a death."""
    with behind(tmp_path, webhook=webhook) as (deployment, wire):
        bot = deployment.bot
        bot.start()
        of_a_start = wire.requests
        bot.stop()
        for point in range(POINTS):
            wire.requests, wire.last = 0, 1 + point * of_a_start // POINTS
            bot.begin()
            until(lambda: wire.is_down or not bot.is_alive, bot.log)
            assert bot.is_alive, bot.log()
            wire.come_back()
            until(lambda: bot.is_ready or not bot.is_alive, bot.log)
            assert bot.is_alive, bot.log()
            bot.stop()
        assert "Traceback" not in bot.log()


# ------------------------------------------------------------------ what waiting does not mend
@contextmanager
def saying(reason: str, code: str) -> Iterator[int]:
    """A server that answers whoever connects with this, as PostgreSQL does before a session begins; its port."""
    fields = b"SFATAL\0" + b"VFATAL\0" + f"C{code}\0M{reason}\0\0".encode()
    answer = b"E" + struct.pack("!I", len(fields) + 4) + fields

    def answer_all() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            with client:
                client.recv(1 << 12)
                client.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        answering = threading.Thread(target=answer_all, daemon=True)
        answering.start()
        yield int(listening.getsockname()[1])
        listening.shutdown(socket.SHUT_RDWR)
    answering.join()


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ('password authentication failed for user "enlace"', "28P01"),
        ("la autentificación password falló para el usuario «enlace»", "28P01"),
        ('database "enlace" does not exist', "3D000"),
        ("no existe la base de datos «enlace»", "3D000"),
        ('no pg_hba.conf entry for host "10.0.0.7", user "enlace", database "enlace", no encryption', "28000"),
    ],
)
def test_what_somebody_must_mend_is_one_sentence(tmp_path: Path, reason: str, code: str) -> None:
    """To wait for it would hide it: exit code 1, what the server says, and where to look."""
    with saying(reason, code) as port, deployed(tmp_path, "sqlite", Cast(1, 1)) as deployment:
        deployment.url_of_bots = f"postgresql+psycopg://enlace:wrong@127.0.0.1:{port}/enlace?sslmode=disable"
        done = forked.run("run", env=deployment.bot.environment())
        assert done.returncode == 1
        last = done.stderr.splitlines()[-1]
        assert reason in last
        assert "Check ENLACE_DATABASE_URL" in last
        assert "Traceback" not in done.stderr


def test_a_server_that_comes_up_is_waited_for(tmp_path: Path) -> None:
    """It answers already, and lets nobody in yet."""
    scratch.schema_or_skip()
    reason = "the database system is starting up"
    with saying(reason, "57P03") as port, deployed(tmp_path, "sqlite", Cast(1, 1)) as deployment:
        deployment.url_of_bots = f"postgresql+psycopg://enlace@127.0.0.1:{port}/enlace?sslmode=disable"
        deployment.bot.begin()
        waits(deployment.bot)
        assert reason in deployment.bot.log()
