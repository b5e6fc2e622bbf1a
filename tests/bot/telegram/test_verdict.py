"""What the outcome of a call means for its row: the table of G7, without a network."""

from datetime import UTC, datetime

import pytest

from bot.telegram.outcomes import (
    Ambiguous,
    Gone,
    Migrated,
    NotModified,
    NotSent,
    Outcome,
    Rejected,
    RetryAfter,
    Sent,
    Undeliverable,
    Unreachable,
)
from bot.telegram.verdict import AMBIGUOUS_TRIES, Again, HandBack, Settle, Tried, Verdict, weigh
from storage.messages import outbox
from storage.messages.outbox import OutboxRow

BACK_OFF = (1.0, 5.0)
FIRST = Tried()
ONCE = Tried(times=1)
DOUBTED = Tried(times=1, doubts=1)
ANEW = Tried(is_anew=True)


def row(kind: str, method: str = "sendMessage", *, attempts: int = 1, doubts: int = 0) -> OutboxRow:
    payload = {"text": "x"}
    return OutboxRow(1, 501, kind, method, payload, 7, False, attempts, datetime(2018, 10, 3, tzinfo=UTC), doubts)


@pytest.mark.parametrize(
    ("outcome", "reply", "reminder"),
    [
        (Sent(5), Settle(outbox.Sent(5)), Settle(outbox.Sent(5))),
        (NotModified(), Settle(outbox.Sent()), Settle(outbox.Sent())),
        (Undeliverable("no"), Settle(outbox.Undeliverable("no")), Settle(outbox.Undeliverable("no"))),
        (Unreachable("blocked"), Settle(outbox.Unreachable("blocked")), Settle(outbox.Unreachable("blocked"))),
        (Migrated(9), Again(FIRST), Again(FIRST)),
        (RetryAfter(30), Again(FIRST, is_retry=True), HandBack(30, is_retry=True)),
        (NotSent("refused"), Again(ONCE, 1.0, is_retry=True), HandBack(1.0, is_retry=True)),
        (Ambiguous("reset"), Again(DOUBTED, 1.0, is_retry=True), Settle(outbox.Ambiguous("reset"))),
        (Rejected("401"), Again(ONCE, 1.0, is_retry=True), Again(ONCE, 1.0, is_retry=True)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_outcome_has_its_verdict(outcome: Outcome, reply: Verdict, reminder: Verdict) -> None:
    """What was not sent is tried again; what may have been sent only if it is a reply (G7)."""
    assert weigh(row("prompt"), outcome, FIRST, BACK_OFF) == reply
    assert weigh(row("reminder"), outcome, FIRST, BACK_OFF) == reminder


@pytest.mark.parametrize("kind", ["prompt", "reminder"])
def test_an_edit_in_doubt_is_repeated_whatever_it_is(kind: str) -> None:
    """It can be repeated without harm; said anew as a message, a reminder cannot."""
    edit = row(kind, "editMessageText")
    assert weigh(edit, Ambiguous("reset"), FIRST, BACK_OFF) == Again(DOUBTED, 1.0, is_retry=True)
    again = weigh(edit, Ambiguous("reset"), ANEW, BACK_OFF)
    assert isinstance(again, Settle if kind == "reminder" else Again)


def test_an_edit_of_what_is_gone_is_said_anew_once() -> None:
    """The second time it cannot be said, and its card is gone too."""
    edit = row("prompt", "editMessageText")
    assert weigh(edit, Gone("not found"), FIRST, BACK_OFF) == Again(ANEW)
    gone = Settle(outbox.Undeliverable("not found"), is_card_gone=True)
    assert weigh(edit, Gone("not found"), ANEW, BACK_OFF) == gone


def test_what_is_to_be_deleted_and_is_gone_is_deleted() -> None:
    """It would be tried again for ever, and listed among what Telegram refuses to delete."""
    assert weigh(row("prompt", "deleteMessage"), Gone("not found"), FIRST, BACK_OFF) == Settle(outbox.Sent())


def test_a_reply_in_doubt_is_given_up_in_the_end() -> None:
    """After AMBIGUOUS_TRIES, those of earlier claims among them, the chat goes on without it."""
    last = row("prompt", doubts=AMBIGUOUS_TRIES - 2)
    assert weigh(last, Ambiguous("reset"), FIRST, BACK_OFF) == Again(DOUBTED, 1.0, is_retry=True)
    assert weigh(last, Ambiguous("reset"), DOUBTED, BACK_OFF) == Settle(outbox.Undeliverable("given up: reset"))


def test_claims_and_calls_that_did_not_arrive_use_up_no_try() -> None:
    """A reply that was handed back ten times (at a stop, at a long silence) was dropped at its first doubt."""
    often = row("prompt", attempts=10 * AMBIGUOUS_TRIES)
    refused = Tried(times=10 * AMBIGUOUS_TRIES)
    assert isinstance(weigh(often, Ambiguous("reset"), refused, BACK_OFF), Again)


def test_the_pauses_grow_and_the_last_one_is_repeated() -> None:
    pauses = []
    tried = FIRST
    for _ in range(4):
        verdict = weigh(row("prompt"), NotSent("refused"), tried, BACK_OFF)
        assert isinstance(verdict, Again)
        pauses.append(verdict.pause)
        tried = verdict.tried
    assert pauses == [1.0, 5.0, 5.0, 5.0]
