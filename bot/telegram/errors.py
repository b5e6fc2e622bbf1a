"""The errors of a call of the Bot API: python-telegram-bot's, and ours for what it does not tell apart.

`sendMessage` has no idempotency key. So after a failed call the only question is whether Telegram may have acted on it.
After `NotSent` and after a refusal by Telegram itself it has not. After any other `NetworkError` it may have; but
`BadRequest`, which is Telegram's refusal, is a `NetworkError` to python-telegram-bot: ask for it first. No error
contains an address, because the address contains the token.
"""

from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

__all__ = [
    "BadRequest",
    "ChatMigrated",
    "Conflict",
    "ConnectionLost",
    "Forbidden",
    "InvalidToken",
    "NetworkError",
    "NotSent",
    "RefusedFile",
    "RetryAfter",
    "ServerFault",
    "TelegramError",
    "TimedOut",
    "TooLarge",
    "Unreadable",
    "seconds_of",
]


# ------------------------------------------------------------------ what the network did
class NotSent(NetworkError):
    """The call certainly never reached Telegram: refused, no such host, no TLS, no connection in time."""


class ConnectionLost(NetworkError):
    """The connection broke before the answer: Telegram may have acted."""


class ServerFault(NetworkError):
    """A 5xx answer: Telegram or a server before it failed, perhaps after it had acted."""


class Unreadable(NetworkError):
    """An answer that cannot be the Bot API's: a proxy's HTML page, or incomplete JSON. Telegram may have acted."""


# ------------------------------------------------------------------ what was too large
class RefusedFile(TelegramError):
    """A 413 answer: the file to upload is too large. Trying again does not help."""


class TooLarge(TelegramError):
    """A download that exceeds our limit. It was stopped."""


def seconds_of(error: RetryAfter) -> int:
    """The seconds for which nothing may be sent."""
    waiting = error.retry_after
    return waiting if isinstance(waiting, int) else int(waiting.total_seconds())
