"""Bots that others wrote libraries for, in their own languages, talk to people on the sandbox's phones.

The sandbox promises to serve any bot. Each bot in `bots/` holds the same small dialogue in the style of its library:
a greeting with buttons, a tap that is answered and edited, an edit that changes nothing, a question with a reply
keyboard, files in both directions. Installed by `make peers`; what is not installed is skipped.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from bot.sandbox.client import Phone, SandboxClient
from tests.deadlines import PATIENCE, has_ended, wait_until
from tests.ports import free_port

HERE = Path(__file__).parent
PYTHON = HERE.parents[1] / ".venv" / "peers" / "bin" / "python"
NODE = shutil.which("node")
ANA = 501


@dataclass(frozen=True, slots=True)
class Peer:
    """How one bot is started."""

    name: str
    library: str
    by_webhook: bool = False

    @property
    def command(self) -> list[str]:
        (script,) = (HERE / "bots").glob(f"{self.library}_bot.*")
        return [str({"aiogram": PYTHON, "ptb": sys.executable}.get(self.library, NODE)), str(script)]

    def expect_installed(self) -> None:
        if self.library in ("grammy", "telegraf"):
            is_installed = NODE is not None and (HERE / "node_modules" / self.library).exists()
        else:
            is_installed = self.library == "ptb" or PYTHON.exists()
        if not is_installed:
            pytest.skip(f"{self.library} is not installed here: make peers")


PEERS = [
    Peer("aiogram-polling", "aiogram"),
    Peer("aiogram-webhook", "aiogram", by_webhook=True),
    Peer("ptb-polling", "ptb"),
    Peer("grammy-polling", "grammy"),
    Peer("grammy-webhook", "grammy", by_webhook=True),
    Peer("telegraf-polling", "telegraf"),
    Peer("telegraf-webhook", "telegraf", by_webhook=True),
]


def picture(kind: str = "PNG") -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (200, 100), "teal").save(buffer, kind)
    return buffer.getvalue()


def until(holds: Callable[[], bool]) -> None:
    wait_until(holds, "what the test waits for")


@contextmanager
def process(command: list[str], log: Path, **env: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A process with its output in a file; killed at the end."""
    with log.open("ab") as output:
        running = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **env}, cwd=log.parent)
    try:
        yield running
    finally:
        running.kill()
        running.wait(PATIENCE)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxClient]:
    """`enlace sandbox`, as anybody runs it."""
    port, log = free_port(), tmp_path_factory.mktemp("sandbox") / "log"
    root = str(HERE.parents[1])
    with process([sys.executable, "-m", "bot", "sandbox", "--port", str(port)], log, PYTHONPATH=root) as running:
        client = SandboxClient(f"http://127.0.0.1:{port}")

        def state() -> Any:
            with suppress(urllib.error.URLError):
                return client.state()

        wait_until(state, "the sandbox answers", show=log.read_text, unless=has_ended(running))
        yield client


@contextmanager
def running(peer: Peer, sandbox: SandboxClient, folder: Path) -> Iterator[None]:
    """The bot, from when it listens; after its end nothing of it is left but what the sandbox knows."""
    env = {"API": sandbox.url, "TOKEN": f"{7_000_000_002 + PEERS.index(peer)}:peer", "PICTURE": picture().hex()}
    if peer.by_webhook:
        env["WEBHOOK_PORT"] = str(free_port())
    before = sandbox.state()["last"]["calls"]
    with process(peer.command, folder / "bot.log", **env) as bot:

        def listens() -> bool:
            if any(call["method"] in ("getUpdates", "setWebhook") for call in sandbox.calls(before)):
                return True
            # It waits in its first getUpdates, which is written down when it ends.
            return not peer.by_webhook and sandbox.state()["bot"]["mode"] == "polling"

        wait_until(listens, "the bot listens", show=(folder / "bot.log").read_text, unless=has_ended(bot))
        yield


def talk(ana: Phone) -> None:
    """The whole dialogue; asserts what the phone is shown."""
    ana.start("code-7")
    card = ana.wait(PATIENCE)
    assert card["text"] == "Hello Ana code-7"
    assert card["entities"] == [{"type": "bold", "offset": 0, "length": 5}]
    ana.tap(card["message_id"], "Yes")
    assert ana.wait_until("You said Yes", PATIENCE)["message_id"] == card["message_id"]
    assert "message is not modified" in ana.wait(PATIENCE)["text"].lower()
    assert ana.chat()["toast"]["text"] == "Noted: Yes"
    assert "reply_markup" not in ana.messages()[-2]

    ana.say("/form")
    assert ana.wait(PATIENCE)["text"] == "How many?"
    assert ana.chat()["reply_keyboard"]["keyboard"] == [[{"text": "12"}]]
    said = ana.say("12")
    answer = ana.wait(PATIENCE)
    assert (answer["text"], answer["reply_to_message"]["message_id"]) == ("12 people", said["message_id"])
    assert ana.chat()["reply_keyboard"] is None

    ana.say("/files")
    photo, document = ana.wait(PATIENCE), ana.wait(PATIENCE)
    assert (photo["caption"], photo["photo"][-1]["width"]) == ("a photo", 200)
    assert (document["caption"], document["document"]["file_name"]) == ("a document", "año 1.csv")
    assert document["document"]["mime_type"] == "text/csv"

    asked = ana.say("/more")
    text, one, two, again, place, last = (ana.wait(PATIENCE) for _ in range(6))
    assert [entity["type"] for entity in text["entities"]] == ["bold", "spoiler"]
    assert (one["caption"], two["caption"]) == ("one", "two")
    assert one["media_group_id"] == two["media_group_id"]
    assert (again["caption"], again["photo"]) == ("again", one["photo"])
    assert place["location"] == {"latitude": 18.5, "longitude": -69.9}
    assert last["text"] == "Ana, private"
    seen = ana.sandbox.ledger(chat=ANA)
    assert ("reaction", asked["message_id"]) in [(entry["what"], entry["message_id"]) for entry in seen]
    assert ("delete", place["message_id"]) in [(entry["what"], entry["message_id"]) for entry in seen]

    said = ana.say("typo")
    ana.edit(said["message_id"], "right")
    assert ana.wait(PATIENCE)["text"] == "corrected to right"

    content = os.urandom(300_000)
    ana.send_files("document", ("informe ñ.pdf", content))
    assert ana.wait(PATIENCE)["text"] == f"got {hashlib.sha256(content).hexdigest()}"
    ana.send_files("photo", ("a.jpg", picture("JPEG")))
    assert ana.wait(PATIENCE)["text"].startswith("got ")


@pytest.mark.slow
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_a_bot_made_with_a_library_of_others_holds_its_dialogue(
    peer: Peer, sandbox: SandboxClient, tmp_path: Path
) -> None:
    """Nothing it says is misunderstood, and what was written while it was dead is answered when it is back."""
    peer.expect_installed()
    sandbox.reset()
    ana = sandbox.add_person(ANA, "Ana", language="es")
    with running(peer, sandbox, tmp_path):
        talk(ana)
        until(lambda: sandbox.state()["bot"]["pending"] == 0)  # all acknowledged, or it would come again
        assert [command["command"] for command in ana.chat()["commands"]] == ["form", "files"]
    ana.say("/form")
    with running(peer, sandbox, tmp_path):
        assert ana.wait(PATIENCE)["text"] == "How many?"
    calls = sandbox.calls()
    assert [call for call in calls if call["unknown"]] == []
    refused = [(call["method"], call["description"]) for call in calls if not call["ok"] and call["status"]]
    assert [method for method, _ in refused] == ["editMessageText"], refused
