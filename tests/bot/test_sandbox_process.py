"""The sandbox as a process of its own, as the demo and the crash tests run it."""

import signal
import subprocess
import sys
import time
import urllib.request

import pytest

from bot.sandbox.client import BotByHand, SandboxClient
from bot.sandbox.server import listen
from bot.sandbox.telegram import DEFAULT_TOKEN


@pytest.mark.slow
def test_it_serves_until_it_is_told_to_stop() -> None:
    """Both ports answer; SIGTERM ends it at once, with a page and a poll waiting, and without complaint."""
    ports = []
    for _ in range(2):
        with listen("127.0.0.1", 0) as free:
            ports.append(free.getsockname()[1])
    code = f"from bot.sandbox.server import serve; serve({ports[0]}, start=1538553600, api_port={ports[1]})"
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) as process:
        try:
            client = SandboxClient(f"http://127.0.0.1:{ports[0]}")
            deadline = time.monotonic() + 20
            while True:
                try:
                    assert client.state()["now"] == pytest.approx(1_538_553_600, abs=20)
                    break
                except urllib.error.URLError:
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
            assert BotByHand(f"http://127.0.0.1:{ports[1]}", DEFAULT_TOKEN).do("getMe")["is_bot"]
            with urllib.request.urlopen(f"{client.url}/sandbox/events") as stream:
                assert stream.readline()
                process.send_signal(signal.SIGTERM)
                assert process.wait(10) in (0, -signal.SIGTERM)
        finally:
            process.kill()
        assert process.stderr is not None
        assert process.stderr.read() == b""
