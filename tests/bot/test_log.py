"""No line that is logged holds a secret: canaries go in through every way there is, and must not come out (S8).

Each case runs in a process of its own, since it configures the logging of a whole process.
"""

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from bot.log import HIDDEN, redact
from tests.deadlines import PATIENCE

TOKEN = "7123456789:AAF-canaryCANARYcanaryCANARYcanary123"
SHORT = "7000000001:CANARY-token"
SECRET = "canary-webhook-secret"

PREAMBLE = f"""
import asyncio, logging, sys, warnings
from bot.log import configure_logging
TOKEN, SHORT, SECRET = {TOKEN!r}, {SHORT!r}, {SECRET!r}
configure_logging("DEBUG", FORMAT, secrets=[SHORT, SECRET])
log = logging.getLogger("some.library")
"""

WAYS = {
    "a message": "log.warning('POST https://api.telegram.org/bot' + TOKEN + '/sendMessage')",
    "an argument": "log.warning('%s failed', 'https://api.telegram.org/bot' + TOKEN + '/getMe')",
    "an extra": "log.warning('x', extra={'url': 'http://x/bot' + SHORT + '/getMe'})",
    "the address of a file": "log.warning('GET http://x/file/bot' + SHORT + '/documents/CANARY-path.pdf')",
    "percent-encoded": "log.warning(TOKEN.replace(':', '%3A'))",
    "structlog": "import structlog; structlog.get_logger('x').info('call', url='http://x/bot' + TOKEN + '/x', n=1)",
    "structlog positional": "import structlog; structlog.get_logger('x').warning('call %s', TOKEN)",
    "a traceback": """
try:
    local = 'http://x/bot' + TOKEN + '/getMe'
    raise ValueError(local)
except ValueError:
    log.exception('broken')
""",
    "a structlog traceback": """
import structlog
try:
    raise ValueError(TOKEN + SECRET)
except ValueError:
    structlog.get_logger('x').exception('broken')
""",
    "a chained traceback": """
try:
    try:
        raise OSError('http://x/file/bot' + SHORT + '/CANARY')
    except OSError as error:
        raise RuntimeError('outer') from error
except RuntimeError:
    log.exception('broken')
""",
    "a secret of no shape": "log.error('header was %s', SECRET)",
    "a handler put on before": "logging.getLogger('uvicorn').error(SECRET)",
    "a warning": "warnings.warn('leaks ' + TOKEN)",
    "an uncaught exception": "raise SystemError(TOKEN)",
    "an uncaught exception in a thread": """
import threading
def work(): raise SystemError(TOKEN)
thread = threading.Thread(target=work); thread.start(); thread.join()
""",
    "an asyncio callback": """
async def main():
    def fails(): raise SystemError(TOKEN)
    asyncio.get_running_loop().call_soon(fails)
    await asyncio.sleep(0.01)
asyncio.run(main())
""",
}


def run(code: str, log_format: str) -> str:
    program = PREAMBLE.replace("FORMAT", repr(log_format)) + code
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stdout == ""  # data goes to stdout, talk to stderr
    return done.stderr


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_canary_does_not_come_out_whatever_way_it_went_in(log_format: str) -> None:
    """Messages, arguments, extras, tracebacks, warnings, uncaught exceptions: one handler, one filter, at the end."""
    ways = {way: code for way, code in WAYS.items() if way != "an uncaught exception"}
    told = run("".join(f"log.error('way: {way}')\n{code}\n" for way, code in ways.items()), log_format)
    for way in ways:
        assert f"way: {way}" in told
    assert HIDDEN in told
    assert "canary" not in told.lower()


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_an_uncaught_exception_does_not_print_the_token(log_format: str) -> None:
    """Python's own excepthook would write it past every filter."""
    told = run(WAYS["an uncaught exception"], log_format)
    assert "SystemError" in told
    assert "canary" not in told.lower()


def test_each_line_of_json_is_json() -> None:
    """A collector reads one object a line, tracebacks included, with time and level."""
    told = run(WAYS["a traceback"] + WAYS["structlog"] + "\nlog.warning('¿qué?')", "json")
    lines = [json.loads(line) for line in told.splitlines()]
    assert [line["event"] for line in lines] == ["broken", "call", "¿qué?"]
    assert [line["level"] for line in lines] == ["error", "info", "warning"]
    assert "Traceback" in lines[0]["exception"]
    assert lines[1]["n"] == 1
    assert all(line["timestamp"].endswith("Z") for line in lines)


def test_libraries_that_tell_addresses_are_heard_from_warning_on() -> None:
    """A client's connections log every address at DEBUG, SQLAlchemy parameters at INFO."""
    noisy = ("telegram.Bot", "httpx", "aiohttp.client", "sqlalchemy.engine.Engine", "uvicorn.access")
    lines = (
        f"logging.getLogger({name!r}).info('chatter'); logging.getLogger({name!r}).warning('trouble')" for name in noisy
    )
    code = "\n".join(lines)
    told = run(code, "json")
    assert "chatter" not in told
    assert len(told.splitlines()) == 5


def test_a_level_above_warning_holds_for_them_too() -> None:
    """ERROR means ERROR."""
    program = (
        PREAMBLE.replace("FORMAT", "'json'").replace("DEBUG", "ERROR")
        + "logging.getLogger('telegram.Bot').warning('x')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert done.stderr == ""


@pytest.mark.parametrize(
    "text",
    ["12:34 o'clock", "version 1.2.3", "update_id=123456789", "/bot/telegram/http.py:12", "5: answer", "18:30:00"],
)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    """A log in which times and places are hidden helps nobody."""
    assert redact(text) == text


def test_configuring_does_not_touch_the_level_of_other_libraries() -> None:
    """Only those named as noisy are quietened."""
    assert logging.getLogger("some.other").level == logging.NOTSET
