"""What the outcome of a call means for its row (G7): a table of decisions, without effects.

Telegram never forgets a message that it was sent twice, and often fails without saying whether it has acted. So what
was certainly not sent is tried again. What may have been sent is tried again if it is a reply, or if it can be repeated
without harm (an edit, a deletion); otherwise it is left as ambiguous.

A reply is tried again at once, in its lane. Fan-out goes back to the outbox: it is not in doubt while it waits there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, assert_never

from bot.telegram.methods import anew, makes_message
from bot.telegram.outcomes import Gone, Migrated, NotModified, NotSent, Outcome, Rejected, RetryAfter
from storage.messages import outbox
from storage.messages.outbox import REPLIES, Ambiguous, OutboxRow, Sent, Undeliverable, Unreachable

BACK_OFF: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
AMBIGUOUS_TRIES: Final = 10
"""Calls for a reply that may have delivered it, or not; then the chat goes on without it.

Nothing else counts: not a claim that was handed back, nor a call that certainly did not arrive.
"""


@dataclass(frozen=True, slots=True)
class Tried:
    """The attempts with a row since we have it in hand."""

    times: int = 0
    doubts: int = 0
    """How many of them may have delivered it."""
    retry_at: float = 0.0
    """On the event loop's clock."""
    is_anew: bool = False
    """The message to edit is gone, so the edit is sent as a new message."""
    has_failed: bool = False
    """Whether a call failed: the row may have been taken back since."""


UNTRIED: Final = Tried()


@dataclass(frozen=True, slots=True)
class Settle:
    """The row's outcome is final."""

    outcome: outbox.Outcome
    is_card_gone: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """Try the row again from the beginning, after at least `pause` seconds."""

    tried: Tried
    pause: float = 0.0
    is_retry: bool = False
    """Whether a call failed before."""


@dataclass(frozen=True, slots=True)
class HandBack:
    """Hand the row back to the outbox for this many seconds, with the rows behind it in its lane."""

    pause: float = 0.0
    is_retry: bool = False


@dataclass(frozen=True, slots=True)
class LetGo:
    """Let the row go, because it is not ours any more: nothing is sent, nothing recorded."""


Verdict = Settle | Again | HandBack | LetGo


def weigh(row: OutboxRow, outcome: Outcome, tried: Tried, back_off: Sequence[float] = BACK_OFF) -> Verdict:
    """Decide what happens to a row after its call had this outcome."""
    is_reply = row.kind in REPLIES
    match outcome:
        case Sent() | Undeliverable() | Unreachable():
            return Settle(outcome)
        case NotModified():
            return Settle(Sent())
        case Gone() if row.method == "deleteMessage":
            return Settle(Sent())  # the message that was to be deleted is gone
        case Gone(reason):
            if not tried.is_anew and anew(row.method, row.payload) is not None:
                return Again(replace(tried, is_anew=True))
            return Settle(Undeliverable(reason), is_card_gone=row.card_id is not None)
        case Migrated():
            return Again(tried)
        case Rejected():
            return _retry(tried, back_off)
        case RetryAfter(seconds):  # the window delays a reply
            return Again(tried, is_retry=True) if is_reply else HandBack(seconds, is_retry=True)
        case NotSent():
            if is_reply:
                return _retry(tried, back_off)
            return HandBack(pause(row.attempts, back_off), is_retry=True)
        case Ambiguous(reason):
            if not is_reply and (tried.is_anew or makes_message(row.method)):
                return Settle(outcome)
            tried = replace(tried, doubts=tried.doubts + 1)
            if row.doubts + tried.doubts >= AMBIGUOUS_TRIES:
                return Settle(Undeliverable(f"given up: {reason}"))
            return _retry(tried, back_off)
    assert_never(outcome)


def _retry(tried: Tried, back_off: Sequence[float]) -> Again:
    times = tried.times + 1
    return Again(replace(tried, times=times), pause(times, back_off), is_retry=True)


def pause(tries: int, back_off: Sequence[float]) -> float:
    """Seconds to wait after this many tries; the last pause of `back_off` is repeated."""
    return back_off[min(tries, len(back_off)) - 1]
