"""The outcome of a Bot API call: the one place that knows Telegram's errors, by class and by wording.

Telegram says in an English sentence whether a person has blocked us, a message is too old to be edited, or nothing
needed to change. A network says less. All other code calls `classify` and decides by its ten outcomes.

Four of them may end a row. They are the outbox's own, and are recorded as they are.
"""

import re
from dataclasses import dataclass
from typing import Final

from bot.log import redact
from bot.telegram import errors
from storage.messages.outbox import Ambiguous, Sent, Undeliverable, Unreachable


@dataclass(frozen=True, slots=True)
class NotModified:
    """Nothing was left to do: the message looks like that already, or the one to delete is gone."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The message to edit or delete does not exist, or can no longer be edited or deleted."""

    reason: str


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """Nothing was done, and Telegram does nothing for `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class NotSent:
    """Telegram certainly did not do it, but may do it at another time."""

    reason: str


@dataclass(frozen=True, slots=True)
class Migrated:
    """The chat goes on under another number."""

    chat_id: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """Telegram does not know our token."""

    reason: str


Outcome = (
    Sent | NotModified | Gone | RetryAfter | Unreachable | Undeliverable | Ambiguous | NotSent | Migrated | Rejected
)

NOT_MODIFIED: Final = ("message is not modified", "message to delete not found")
GONE: Final = (
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
    "message identifier is not specified",
    "there is no text in the message to edit",
    "there is no caption in the message to edit",
    "there is no media in the message to edit",
    "message not found",
)
UNDELETABLE: Final = ("message can't be deleted", "message_delete_forbidden")
"""The message still exists and its number is known, so a list of messages keeps it."""
UNREACHABLE: Final = (
    "chat not found",
    "user not found",
    "user is deactivated",
    "input_user_deactivated",
    "user_is_blocked",
    "peer_id_invalid",
    "chat_write_forbidden",
    "have no rights to send a message",
    "group chat was deactivated",
    "bot was kicked",
)


def classify(error: errors.TelegramError) -> Outcome:
    """Return the outcome that an error of a Bot API call means.

    Only this function knows Telegram's errors by class and by wording. An unknown error is `Ambiguous`: a message
    counts as not sent only if that is certain.
    """
    reason = _reason(error)
    match error:
        case errors.NotSent():
            return NotSent(reason)
        case errors.RetryAfter():
            return RetryAfter(errors.seconds_of(error))
        case errors.ChatMigrated():
            return Migrated(error.new_chat_id)
        case errors.Forbidden():
            return Unreachable(reason)
        case errors.InvalidToken():
            return Rejected(reason)
        case errors.RefusedFile():
            return Undeliverable(reason)
        case errors.BadRequest():
            said = str(error).lower()
            if any(words in said for words in NOT_MODIFIED):
                return NotModified()
            if any(words in said for words in UNDELETABLE):
                return Undeliverable(reason)
            if any(words in said for words in GONE):
                return Gone(reason)
            if any(words in said for words in UNREACHABLE):
                return Unreachable(reason)
            return Undeliverable(reason)
        case errors.Conflict():
            return NotSent(reason)
    return Ambiguous(reason)


def _reason(error: BaseException) -> str:
    """Telegram's words without quotations: "can't parse entities" quotes the message."""
    said = re.sub(r"""(?<!\w)["'«“].*["'»”](?!\w)""", "…", redact(str(error)), flags=re.DOTALL)
    return f"{type(error).__name__}: {said}"[:200]
