"""The sandbox as a process of its own, as the demo and the crash tests run it."""

import contextlib
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any

import pytest

from bot.sandbox.client import BotByHand, SandboxClient
from bot.sandbox.telegram import DEFAULT_TOKEN
from tests.deadlines import PATIENCE, has_ended, wait_until
from tests.ports import free_port


def once_up(client: SandboxClient, process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """The state, as soon as it can be had."""

    def state() -> dict[str, Any]:
        with contextlib.suppress(urllib.error.URLError):
            return client.state()
        return {}

    return wait_until(state, "the sandbox answers", unless=has_ended(process))


@pytest.mark.slow
def test_it_serves_until_it_is_told_to_stop() -> None:
    """Both ports answer; SIGTERM ends it at once, with a page and a poll waiting, and without complaint."""
    ports = [free_port(), free_port()]
    code = f"from bot.sandbox.server import serve; serve({ports[0]}, start=1538553600, api_port={ports[1]})"
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) as process:
        try:
            client = SandboxClient(f"http://127.0.0.1:{ports[0]}")
            assert once_up(client, process)["now"] == pytest.approx(1_538_553_600, abs=PATIENCE)
            assert BotByHand(f"http://127.0.0.1:{ports[1]}", DEFAULT_TOKEN).do("getMe")["is_bot"]
            with urllib.request.urlopen(f"{client.url}/sandbox/events") as stream:
                assert stream.readline()
                process.send_signal(signal.SIGTERM)
                assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
        assert process.stderr is not None
        assert process.stderr.read() == b""


@pytest.mark.slow
def test_the_command_serves_a_bot_with_any_token_and_limits_if_asked() -> None:
    """`enlace sandbox --limits`: no settings and no database are needed; one line on stderr, none on stdout."""
    port = free_port()
    given = [sys.executable, "-m", "bot", "sandbox", "--port", str(port), "--limits"]
    with subprocess.Popen(given, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            client = SandboxClient(f"http://127.0.0.1:{port}")
            assert once_up(client, process)["limits"] is True
            ana = client.add_person(501, "Ana")
            ana.start()
            bot = BotByHand(client.url, "42:any-token-at-all")
            assert [update["message"]["text"] for update in bot.do("getUpdates")] == ["/start"]
            answers = [bot.call("sendMessage", chat_id=501, text="x") for _ in range(4)]
            assert [answer.get("error_code") for answer in answers] == [None, None, None, 429]
        finally:
            process.terminate()
            out, talk = process.communicate(timeout=PATIENCE)
    assert out == b""
    assert talk.count(b"\n") == 1
