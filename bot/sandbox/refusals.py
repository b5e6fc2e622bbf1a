"""How Telegram refuses.

A bot learns what went wrong only from a number and an English sentence. Libraries compare the sentence
(`python-telegram-bot` chooses its exception class by it). So the sentences are facts and stand here word for word, as
tdlib/telegram-bot-api composes them.
"""

from typing import Final


class Refusal(Exception):
    """One refused call: `error_code`, `description` and `parameters` of the answer."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(f"{code} {description}")
        self.code = code
        self.description = description
        self.parameters = parameters


def bad_request(words: str, **parameters: int) -> Refusal:
    """Return a 400. Its sentence begins as Telegram's do."""
    return Refusal(400, f"Bad Request: {words}", **parameters)


def forbidden(words: str) -> Refusal:
    """Return a 403: the person or the chat does not want this bot."""
    return Refusal(403, f"Forbidden: {words}")


def too_many_requests(seconds: int) -> Refusal:
    """Return a 429 that says how many seconds to wait."""
    return Refusal(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


def absent(what: str) -> Refusal:
    """Telegram could do this, but the sandbox cannot. The words differ from all of Telegram's own refusals."""
    return Refusal(400, f"Bad Request: the sandbox does not emulate {what}")


def unauthorized() -> Refusal:
    return Refusal(401, "Unauthorized")


def not_found(words: str = "") -> Refusal:
    return Refusal(404, f"Not Found: {words}" if words else "Not Found")


NOT_MODIFIED: Final = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current "
    "content and reply markup of the message"
)
QUERY_TOO_OLD: Final = "query is too old and response timeout expired or query ID is invalid"
OTHER_POLLER: Final = (
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
)
WEBHOOK_WAS_SET: Final = "Conflict: terminated by setWebhook request"
WEBHOOK_IS_ACTIVE: Final = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)
