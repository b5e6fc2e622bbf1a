"""The errors of a call of the Bot API.

`sendMessage` has no idempotency key. So after a failed call the only question is whether Telegram may have acted on it.
After `NotSent` and after a refusal by Telegram itself it has not. After any other `NetworkError` it may have. No error
contains an address, because the address contains the token.
"""


class TelegramError(Exception):
    """A call that failed."""


# ------------------------------------------------------------------ what the network did
class NetworkError(TelegramError):
    """Telegram has not answered, or something else answered in its place."""


class NotSent(NetworkError):
    """The call certainly never reached Telegram: refused, no such host, no TLS, no connection in time."""


class TimedOut(NetworkError):
    """No whole answer came in time: Telegram may have acted."""


class ConnectionLost(NetworkError):
    """The connection broke before the answer: Telegram may have acted."""


class ServerFault(NetworkError):
    """A 5xx answer: Telegram or a server before it failed, perhaps after it had acted."""


class Unreadable(NetworkError):
    """An answer that cannot be the Bot API's: a proxy's HTML page, or incomplete JSON. Telegram may have acted."""


# ------------------------------------------------------------------ what Telegram said: nothing was done
class BadRequest(TelegramError):
    """400, or a refusal of a kind that we do not know."""


class InvalidToken(TelegramError):
    """401 for a token that nobody has, 404 for one that is malformed."""


class Forbidden(TelegramError):
    """403: this person or chat does not receive us."""


class Conflict(TelegramError):
    """409: somebody else asks for the updates of this bot, or a webhook is set."""


class RefusedFile(TelegramError):
    """A 413 answer: the file to upload is too large. Trying again does not help."""


class TooManyRequests(TelegramError):
    """429: for `seconds` nothing may be sent."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Flood control exceeded. Retry in {seconds} seconds")
        self.seconds = seconds


class ChatMigrated(TelegramError):
    """The group has become a supergroup, under the number `new_chat_id`."""

    def __init__(self, new_chat_id: int) -> None:
        super().__init__("the chat has migrated")
        self.new_chat_id = new_chat_id


class TooLarge(TelegramError):
    """A download that exceeds our limit. It was stopped."""
