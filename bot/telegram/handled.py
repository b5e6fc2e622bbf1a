"""What passes between the intake, which hands updates over, and the dispatch, which decides what they cause.

Nothing here is done before the commit: a `Handled` only says what must happen after it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from storage.messages.outbox import OutboxRow
from storage.unit_of_work import UnitOfWork


class BotError(Exception):
    """An error after which this package cannot go on."""


class TokenRejected(BotError):
    """Telegram does not know our token (any more): nothing can be sent or received until it is replaced."""

    def __init__(self) -> None:
        super().__init__("Telegram does not accept the bot's token: check or replace ENLACE_TELEGRAM_TOKEN")


class Clock(Protocol):
    """Wall time, aware, and a time that never jumps, in seconds. The composition root owns the only real one."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...


class TapAnswer(NamedTuple):
    """The reply to one tap, which stops the button's spinner. Lost without harm: it is not an outbox row."""

    callback_query_id: str
    text: str | None = None
    show_alert: bool = False


class Handled(NamedTuple):
    """The work that is left after an update was applied: its rows, born `sending`, in order, and the reply to its
    tap.
    """

    deliveries: Sequence[OutboxRow] = ()
    answer: TapAnswer | None = None
    is_stranger: bool | None = None
    """Whether nobody in this chat has a role. A stranger's chat has a limit of updates (S16).

    None if that was not asked, as for a repeated update.
    """
    is_repeated: bool = False
    """The update was applied before. It is not known whether somebody is sending the rows that it left then."""
    is_kept: bool = False
    """The update was put behind the kept updates of its chat (`storage.messages.kept`). It is not applied yet."""


Handle = Callable[[UnitOfWork, Mapping[str, Any], datetime], Handled]
"""Applies one raw update inside a unit; the first thing it asks is `unit.inbox.first_sight`."""

Excuse = Callable[[UnitOfWork, int, datetime], Handled]
"""Writes the message for a chat while something of that chat cannot be opened."""

Alarm = Callable[[str, str], None]
"""Tells the operator at once: what kind of alarm, and why. Never with content or secrets."""
