"""The log: lines for operators, without secrets.

A bot's token is part of every address that it calls. HTTP libraries log addresses, database libraries log parameters,
and a traceback quotes everything on its way. So secrets are removed at the last moment, from the finished line,
tracebacks included, by every handler. A filter of records would miss the text that a formatter adds.
"""

import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Final, Literal, TextIO

import structlog

from bot.signals import insist

LogFormat = Literal["console", "json"]

TOKEN: Final = re.compile(r"\d{3,20}(?::|%3A)[A-Za-z0-9_-]{20,}", re.IGNORECASE)
"""A bot token, also percent-encoded; real ones have 35 signs after the colon."""

FILE_ADDRESS: Final = re.compile(r"/file/bot[^\s\"'<>]*")
"""An address of the file API: the token, and a path that opens the file for anybody who has both."""

METHOD_ADDRESS: Final = re.compile(r"(?<=/bot)[^/\s\"'<>]*(?::|%3A)[^/\s\"'<>]*", re.IGNORECASE)
"""Finds the token in an address by its place. A sandbox's tokens are short, so their look does not help."""

SECRET_HEADER: Final = re.compile(r"(x-telegram-bot-api-secret-token\W{1,8})([\w-]+)", re.IGNORECASE)

HIDDEN: Final = "[redacted]"

QUIET: Final = (
    "aiohttp",
    "alembic",
    "apscheduler",
    "asyncio",
    "httpcore",
    "httpx",
    "multipart",
    "PIL",
    "pyxform",
    "sqlalchemy",
    "telegram",
    "uvicorn",
)
"""Loggers that write addresses, parameters or bodies below WARNING, or nothing useful."""


def redact(text: str) -> str:
    """Return the text without tokens and without addresses of files."""
    text = FILE_ADDRESS.sub("/file/" + HIDDEN, text)
    text = METHOD_ADDRESS.sub(HIDDEN, text)
    text = TOKEN.sub(HIDDEN, text)
    return SECRET_HEADER.sub(r"\1" + HIDDEN, text)


class Redacting(logging.Formatter):
    """A formatter that takes the line of another formatter and removes the given secrets from it."""

    def __init__(self, inner: logging.Formatter, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._inner = inner
        self._secrets = tuple(sorted((secret for secret in secrets if len(secret) >= 6), key=len, reverse=True))

    def format(self, record: logging.LogRecord) -> str:
        line = redact(self._inner.format(record))
        for secret in self._secrets:
            line = line.replace(secret, HIDDEN)
        return line


def configure_logging(
    level: str = "INFO",
    log_format: LogFormat = "console",
    *,
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Send the log lines of structlog and of the standard library to one handler on stderr that hides secrets.

    `secrets` are values that no line may hold: the token, the webhook's secret, a password. Handlers that other code
    has added to a logger are removed, because they would write secrets as they are.
    """
    before: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    renderers: list[Any]
    if log_format == "json":
        renderers = [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ]
    else:
        colours = stream is None and sys.stderr.isatty()
        plain = structlog.dev.plain_traceback  # rich tracebacks show local variables: answers and tokens
        renderers = [structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=plain)]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=before, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers]
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(Redacting(formatter, secrets))
    root = logging.getLogger()
    for name in list(root.manager.loggerDict):
        other = logging.getLogger(name)
        for old in list(other.handlers):
            other.removeHandler(old)
        other.propagate = True
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    _take_over_what_python_prints()
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *before[:3],
            *before[4:],
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _take_over_what_python_prints() -> None:
    """Send uncaught exceptions, warnings and logging's own errors to our handler instead of straight to stderr."""

    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        logging.getLogger("bot").critical("uncaught", exc_info=(kind, error, trace))

    def uncaught_in_thread(told: threading.ExceptHookArgs) -> None:
        if told.exc_value is not None:
            uncaught(told.exc_type, told.exc_value, told.exc_traceback)

    def unraisable(told: Any) -> None:
        if told.exc_value is not None and not insist(told):
            uncaught(told.exc_type, told.exc_value, told.exc_traceback)

    sys.excepthook = uncaught
    threading.excepthook = uncaught_in_thread
    sys.unraisablehook = unraisable
    logging.captureWarnings(True)
    logging.raiseExceptions = False


logger = structlog.get_logger(__name__)


def log_alarm(kind: str, reason: str) -> None:
    """Write the alarm of last resort: one line that an operator's monitoring can look for."""
    logger.critical("alarm", kind=kind, reason=reason)


def place_of(error: BaseException) -> str:
    """The place in the code where an error was raised. The error's message is left out: it may quote a person."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames[-4:]]
    return f"{type(error).__name__} at {' > '.join(places) or 'an unknown place'}"
