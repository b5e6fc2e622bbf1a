"""`enlace events`, in real processes, with a receiver that listens."""

import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from tests.bot.cli.commands import enlace, is_one_line
from tests.bot.house import furnish

pytestmark = pytest.mark.slow


class Listener(HTTPServer):
    """Keeps what comes in, and answers with `status`."""

    status = 204

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.heard: list[tuple[dict[str, str], bytes]] = []


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        listener = self.server
        assert isinstance(listener, Listener)
        listener.heard.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(listener.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    furnish(tmp_path / "house")
    shutil.copy(tmp_path / "house" / "keys.json", tmp_path / "house" / "enlace-keys.json")
    return tmp_path / "house"


def test_a_receiver_is_set_up_tried_and_removed(folder: Path, listener: Listener) -> None:
    """From the shell alone: the secret on stdout once, and afterwards nowhere."""
    url = f"http://127.0.0.1:{listener.server_port}/in?key=abc"
    inside = {"ENLACE_EVENTS_INSIDE": "127.0.0.1/32"}
    here = inside | {"ENLACE_EVENTS_PORTS": f"443,{listener.server_port}"}
    added = enlace(folder, "events", "add", "-", "--audience", "internal", say=f"{url}\n", **here)
    assert added.code == 0, added

    number, secret = added.out.split()
    tried = enlace(folder, "events", "test", number, **here)
    assert (tried.code, tried.out) == (0, "delivered\t204\n")

    [(headers, body)] = listener.heard
    assert Webhook(secret).verify(body, headers)["type"] == "ping"

    listener.status = 307
    tried = enlace(folder, "events", "test", number, **here)
    assert (tried.code, tried.out, is_one_line(tried)) == (1, "redirect\t307\n", True)
    assert enlace(folder, "events", "test", number).out == "inside\t-\n"  # whoever does not allow it does not call it
    assert enlace(folder, "events", "test", number, **inside).out == "port\t-\n"
    assert len(listener.heard) == 2
    for act, code in (("pause", 0), ("pause", 1), ("resume", 0), ("resume", 1), ("replay", 0), ("deliveries", 0)):
        assert enlace(folder, "events", act, number).code == code, act
    assert enlace(folder, "events", "kinds", number, "period.locked,report.validated").code == 0

    listed = enlace(folder, "events", "list", "--json")
    assert json.loads(listed.out)[0]["kinds"] == ["report.validated", "period.locked"]

    [shown] = json.loads(listed.out)
    assert (shown["host"], shown["audience"], shown["state"]) == ("127.0.0.1", "internal", "on")
    assert secret not in listed.out
    assert "key=abc" not in listed.out

    log = enlace(folder, "audit", "list").out
    assert secret not in log
    assert "key=abc" not in log
    assert enlace(folder, "events", "remove", number).code == 0
    assert json.loads(enlace(folder, "events", "list", "--json").out) == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("add", "http://example.org/in"), 1, "https://"),
        (("add", "https://169.254.169.254/latest"), 1, "ENLACE_EVENTS_INSIDE"),
        (("add", "https://example.org:6379/in"), 1, "ENLACE_EVENTS_PORTS"),
        (("add", "https://example.org/in", "--audience", "all"), 2, "internal, observers, public"),
        (("add", "https://example.org/in", "--kinds", "report.submitted"), 2, "there are report.validated"),
        (("deliveries", "1", "--state", "lost"), 2, "waiting, delivered, dead"),
        (("remove", "77"), 1, "enlace events list"),
        (("kinds", "77", "all"), 1, "enlace events list"),
    ],
)
def test_what_cannot_be_is_one_sentence_with_its_remedy(
    folder: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """Exit 1 or 2, nothing on stdout, nothing changed."""
    refused = enlace(folder, "events", *arguments)
    assert (refused.code, refused.out, is_one_line(refused)) == (code, "", True), refused
    assert words in refused.err


@pytest.mark.parametrize(
    ("name", "text"), [("ENLACE_EVENTS_INSIDE", "everywhere"), ("ENLACE_EVENTS_PORTS", "443,https")]
)
def test_a_setting_that_is_no_network_and_no_port_is_named(folder: Path, name: str, text: str) -> None:
    """Before anything is done."""
    refused = enlace(folder, "events", "list", **{name: text})
    assert name in refused.err
    assert refused.code == 1


def test_one_dead_letter_is_told_again(folder: Path) -> None:
    """By its id in the list of deliveries; one that is not dead is named."""
    assert enlace(folder, "events", "add", "https://example.org/in", "--kinds", "plan.changed").code == 0
    for code in ("A-1", "A-2"):
        assert enlace(folder, "agencies", "add", "--code", code, "--name", code).code == 0

    with sqlite3.connect(folder / "enlace.db") as database:
        database.execute("UPDATE event_delivery SET state = 'dead'")
    dead = json.loads(enlace(folder, "events", "deliveries", "1", "--state", "dead", "--json").out)
    assert len(dead) == 2
    assert len(enlace(folder, "events", "deliveries", "1", "--limit", "1").out.splitlines()) == 1
    assert "1 events" in enlace(folder, "events", "replay", "1", "--only", dead[0]["id"]).err

    again = enlace(folder, "events", "replay", "1", "--only", dead[0]["id"])
    assert (again.code, is_one_line(again)) == (1, True)
    assert "1 events" in enlace(folder, "events", "replay", "1").err


def test_a_token_is_tried_from_the_shell(folder: Path) -> None:
    """What it reads, in rows; one that was revoked reads nothing."""
    assert enlace(folder, "tokens", "add", "--audience", "public").code == 0

    [made] = json.loads(enlace(folder, "tokens", "list", "--json").out)
    tried = enlace(folder, "tokens", "test", made["token"], "--json")
    assert {row["dataset"]: row["rows"] for row in json.loads(tried.out)}["plan"] > 0
    assert "ENLACE_APP_URL" in tried.err
    assert enlace(folder, "tokens", "revoke", made["token"]).code == 0

    for prefix in (made["token"], "nobody22"):
        refused = enlace(folder, "tokens", "test", prefix)
        assert (refused.code, refused.out, is_one_line(refused)) == (1, "", True)
