"""What is restricted and stands in a chat is a row until it is out of it (S15)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from storage.messages.outbox import OutboxDraft, RetryAfter, Sent, Undeliverable
from storage.messages.restricted import PAGE
from storage.unit_of_work import UnitOfWork
from tests.storage.database.hearing import heard

Apply = Callable[[Callable[[UnitOfWork], Any]], Any]

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CHAT = 7_000_000_001


def say(unit: UnitOfWork, at: datetime = NOW, *, card_id: int | None = None, session_id: int | None = None) -> int:
    """Something restricted is said, and has arrived; its card."""
    method = "sendMessage" if card_id is None else "editMessageText"
    draft = OutboxDraft(CHAT, "prompt", method, {"text": "…"}, card_id, is_restricted=True, session_id=session_id)
    row = unit.outbox.add(draft, now=at)
    assert row.card_id is not None
    unit.outbox.record(row.id, Sent(100 + row.card_id), at)
    unit.outbox.place({row.card_id: 100 + row.card_id})
    return row.card_id


def take_out(unit: UnitOfWork, at: datetime, outcome: Any) -> int:
    """What is due is deleted, with this outcome; how many messages that were."""
    unit.restricted.settle(at)
    due = unit.restricted.due(at)
    for one in due:
        row = unit.outbox.add(OutboxDraft(one.chat_id, "notice", one.method, one.payload, one.card_id), now=at)
        unit.restricted.leaves(one, row.id)
        unit.outbox.record(row.id, outcome, at)
    unit.restricted.settle(at)
    return len(due)


def test_what_was_said_and_written_is_due_after_a_day_and_before_telegram_refuses(apply: Apply) -> None:
    """Without anybody asking: the card gets a number of its own, so that it can be deleted by it."""
    card = apply(say)
    apply(lambda unit: unit.restricted.note_written(CHAT, 7, NOW))
    assert apply(lambda unit: unit.restricted.due(NOW + 22 * HOUR)) == []

    due = apply(lambda unit: unit.restricted.due(NOW + 24 * HOUR))
    assert [(one.card_id, one.payload) for one in due] == [(card, {}), (None, {"message_id": 7})]
    assert apply(lambda unit: take_out(unit, NOW + DAY, Sent())) == 2
    assert apply(lambda unit: unit.restricted.due(NOW + 9 * DAY)) == []


def test_what_a_replica_wrote_whose_clock_is_ahead_is_due_with_the_rest(world: Any, apply: Apply) -> None:
    """The form ends in another one. What it skipped would stay in the chat until the next minute's sweep."""

    def work(unit: UnitOfWork) -> list[int]:
        session_id = world.open(unit, "uuid:ahead").id
        unit.restricted.note_written(CHAT, 1, NOW + timedelta(seconds=3), session_id=session_id)
        unit.sessions.close(session_id, "submitted")
        return [one.payload["message_id"] for one in unit.restricted.due(NOW, chat_id=CHAT)]

    assert apply(work) == [1]


def test_what_was_noted_under_a_clock_that_was_years_ahead_is_due_at_the_next_sweep(apply: Apply) -> None:
    """It would stand on the phone for as many years."""
    apply(lambda unit: unit.restricted.note_written(CHAT, 7, NOW + 3000 * DAY))
    assert apply(lambda unit: unit.restricted.due(NOW)) == []
    apply(lambda unit: unit.restricted.settle(NOW))
    assert [one.payload for one in apply(lambda unit: unit.restricted.due(NOW))] == [{"message_id": 7}]


def test_what_was_written_for_a_form_is_due_when_it_ends(world: Any, apply: Apply) -> None:
    """Sent, thrown away, lapsed or taken over by a colleague; what belongs to another form stays."""

    def ends(how: str, end: Callable[[UnitOfWork, int], Any]) -> list[bool]:
        def work(unit: UnitOfWork) -> list[bool]:
            ended, other = (world.open(unit, f"uuid:{how}:{n}").id for n in range(2))
            for session_id in (ended, other):
                unit.restricted.note_written(CHAT, session_id, NOW, session_id=session_id)
            end(unit, ended)
            found = [one.payload["message_id"] for one in unit.restricted.due(NOW)]
            unit.restricted.end_of_chat(CHAT)
            for one in unit.restricted.due(NOW):
                unit.restricted.leaves(one, 1)
            return [message_id == ended for message_id in found]

        return apply(work)  # type: ignore[no-any-return]

    assert ends("sent", lambda unit, id: unit.sessions.close(id, "submitted")) == [True]
    assert ends("discarded", lambda unit, id: unit.sessions.close(id, "cancelled")) == [True]
    assert ends("taken", lambda unit, id: unit.sessions.reassign(id, world.person_ids[1])) == [True]


def test_who_ends_a_form_may_read_what_it_has_left(world: Any, apply: Apply) -> None:
    """In its own chat, a page of it; the rest is due. Elsewhere nothing is due before somebody takes it out."""

    def work(unit: UnitOfWork, *, many: int, elsewhere: bool) -> tuple[int, int, int]:
        session_id = world.open(unit, f"uuid:{many}").id
        for message_id in range(many):
            unit.restricted.note_written(CHAT, 1_000 * many + message_id, NOW, session_id=session_id)
        if elsewhere:
            unit.restricted.note_written(CHAT + 1, many, NOW, session_id=session_id)
        assert unit.sessions.end(session_id, "submitted")
        before = unit.restricted.due(NOW)
        left = unit.restricted.left_by(session_id, CHAT, NOW)
        assert {one.chat_id for one in left} == {CHAT}
        for one in left:
            unit.restricted.leaves(one, 1)
        after = unit.restricted.due(NOW)
        for one in after:
            unit.restricted.leaves(one, 1)
        return len(before), sum(len(one.rows) for one in left), sum(len(one.rows) for one in after)

    assert apply(lambda unit: work(unit, many=3, elsewhere=False)) == (0, 3, 0)
    assert apply(lambda unit: work(unit, many=4, elsewhere=True)) == (0, 4, 1)
    assert apply(lambda unit: work(unit, many=PAGE + 2, elsewhere=False)) == (0, PAGE, 2)


def test_what_telegram_refuses_is_listed_until_it_is_gone(apply: Apply) -> None:
    """Tried again each hour as long as it may succeed, then each day: somebody may have deleted it by hand."""
    apply(say)
    refused = Undeliverable("BadRequest: Message can't be deleted for everyone")
    assert apply(lambda unit: take_out(unit, NOW + DAY, refused)) == 1

    [listed] = apply(lambda unit: unit.restricted.refused())
    assert (listed.chat_id, listed.messages, listed.since) == (CHAT, 1, NOW)
    assert apply(lambda unit: take_out(unit, NOW + DAY + HOUR / 2, refused)) == 0
    assert apply(lambda unit: take_out(unit, NOW + 50 * HOUR, refused)) == 1
    assert apply(lambda unit: take_out(unit, NOW + 60 * HOUR, refused)) == 0
    assert apply(lambda unit: take_out(unit, NOW + 80 * HOUR, Sent())) == 1
    assert apply(lambda unit: unit.restricted.refused()) == []


def test_what_never_arrived_is_not_listed(apply: Apply) -> None:
    """There is nothing to delete."""

    def lost(unit: UnitOfWork) -> int:
        return unit.outbox.add(OutboxDraft(CHAT, "prompt", "sendMessage", {}, is_restricted=True), now=NOW).id

    row = apply(lost)
    apply(lambda unit: unit.outbox.record(row, Undeliverable("blocked"), NOW))

    assert apply(lambda unit: take_out(unit, NOW + DAY, Undeliverable("its card has no message"))) == 1
    assert apply(lambda unit: unit.restricted.refused()) == []
    assert apply(lambda unit: unit.restricted.due(NOW + 9 * DAY)) == []


def test_a_card_that_is_said_anew_while_it_leaves_is_taken_out_once_more(apply: Apply) -> None:
    """The edit comes after the deletion, so it becomes a new message: its own day begins."""
    card = apply(say)

    def meanwhile(unit: UnitOfWork) -> None:
        [one] = unit.restricted.due(NOW + DAY)
        row = unit.outbox.add(OutboxDraft(CHAT, "notice", "deleteMessage", {}, card), now=NOW + DAY)
        unit.restricted.leaves(one, row.id)
        say(unit, NOW + DAY, card_id=card)
        unit.outbox.record(row.id, Sent(), NOW + DAY)
        unit.restricted.settle(NOW + DAY)

    apply(meanwhile)

    assert apply(lambda unit: unit.restricted.due(NOW + DAY + 22 * HOUR)) == []
    assert len(apply(lambda unit: unit.restricted.due(NOW + 2 * DAY))) == 1


def written_for_a_form(unit: UnitOfWork, at: datetime = NOW) -> int:
    """A card and two messages of the person; then it ends. The card."""
    card = say(unit, at)
    for message_id in (7, 8):
        unit.restricted.note_written(CHAT, message_id, at)
    unit.restricted.end_of_chat(CHAT)
    return card


def test_a_card_that_is_known_to_stand_is_not_noted_again_until_it_leaves(apply: Apply) -> None:
    """On SQLite, where nobody else writes meanwhile. Every answer beside a restricted form edits such a card."""
    card = apply(say)
    apply(lambda unit: unit.chats.set(CHAT, card_id=card))

    def notes(unit: UnitOfWork) -> list[int]:
        unit.chats.open(CHAT, CHAT)
        leaving = unit.outbox.add(OutboxDraft(CHAT, "notice", "deleteMessage", {}, card), now=NOW)
        edits = [heard(unit, lambda unit: say(unit, card_id=card))]
        unit.restricted.card_leaves(card, leaving.id)
        edits.append(heard(unit, lambda unit: say(unit, card_id=card)))
        return [sum("INTO restricted_message" in one for one in asked) for asked in edits]

    assert apply(notes) == [1 if apply(lambda unit: unit.is_postgresql) else 0, 1]
    assert len(apply(lambda unit: unit.restricted.due(NOW + DAY))) == 1
    apply(lambda unit: unit.restricted.leaves(unit.restricted.due(NOW + DAY)[0], 1))

    def anew(unit: UnitOfWork) -> list[str]:
        unit.chats.open(CHAT, CHAT)
        return heard(unit, lambda unit: say(unit, card_id=card))

    assert sum("INTO restricted_message" in one for one in apply(anew)) == 1
    assert len(apply(lambda unit: unit.restricted.due(NOW + DAY))) == 1


def test_what_leaves_a_chat_leaves_by_one_call(apply: Apply) -> None:
    """A hundred messages at most, of one chat; a single one by the method that says what became of it."""
    card = apply(written_for_a_form)
    apply(lambda unit: unit.restricted.note_written(CHAT + 1, 9, NOW - 2 * HOUR))
    apply(lambda unit: unit.restricted.end_of_chat(CHAT + 1))
    here, elsewhere = apply(lambda unit: unit.restricted.due(NOW))

    assert (here.chat_id, here.method, here.cards) == (CHAT, "deleteMessages", (card,))
    assert here.payload == {"message_ids": [7, 8], "@cards": [card]}
    assert (elsewhere.chat_id, elsewhere.method, elsewhere.payload) == (CHAT + 1, "deleteMessage", {"message_id": 9})
    assert apply(lambda unit: take_out(unit, NOW + HOUR, Sent())) == 2
    assert apply(lambda unit: unit.restricted.due(NOW + 9 * DAY)) == []


def test_what_a_person_wrote_and_a_call_deletes_at_once_is_known_until_it_is_gone(apply: Apply) -> None:
    """It is not asked for again meanwhile; if the call fails, it is due like the rest."""

    def refused_at_once(unit: UnitOfWork) -> int:
        row = unit.outbox.add(OutboxDraft(CHAT, "notice", "deleteMessage", {"message_id": 7}), now=NOW)
        unit.restricted.note_written(CHAT, 7, NOW, outbox_id=row.id)
        return row.id

    row = apply(refused_at_once)
    assert apply(lambda unit: unit.restricted.due(NOW + DAY)) == []
    apply(lambda unit: unit.outbox.record(row, Undeliverable("BadRequest: no"), NOW))
    apply(lambda unit: unit.restricted.settle(NOW))
    assert [one.payload for one in apply(lambda unit: unit.restricted.due(NOW + DAY))] == [{"message_id": 7}]


def test_what_a_call_did_that_nobody_remembers_is_asked_again(apply: Apply) -> None:
    """After an outage of more than a week the call is gone from the outbox, with what became of it."""
    apply(lambda unit: unit.restricted.note_written(CHAT, 7, NOW, outbox_id=99))
    apply(lambda unit: unit.restricted.settle(NOW))
    assert [one.messages for one in apply(lambda unit: unit.restricted.refused())] == [1]
    assert len(apply(lambda unit: unit.restricted.due(NOW + DAY))) == 1


def test_what_may_be_too_old_is_asked_for_alone(apply: Apply) -> None:
    """An update may have waited a day before it was noted: after another day nobody knows what the call skipped."""
    apply(written_for_a_form)
    assert [one.method for one in apply(lambda unit: unit.restricted.due(NOW + 23 * HOUR))] == ["deleteMessages"]
    assert [one.method for one in apply(lambda unit: unit.restricted.due(NOW + DAY))] == ["deleteMessage"] * 3


def test_a_call_for_many_that_was_long_under_way_is_not_believed(apply: Apply) -> None:
    """It said True when some may have been too old; each is asked for alone, and what is refused is listed."""
    apply(written_for_a_form)

    def late(unit: UnitOfWork) -> None:
        [one] = unit.restricted.due(NOW)
        row = unit.outbox.add(OutboxDraft(CHAT, "notice", one.method, one.payload), now=NOW)
        unit.restricted.leaves(one, row.id)
        unit.outbox.record(row.id, Sent(), NOW + 49 * HOUR)

    apply(late)
    refused = Undeliverable("BadRequest: Message can't be deleted for everyone")

    assert apply(lambda unit: take_out(unit, NOW + 49 * HOUR, refused)) == 3
    assert [one.messages for one in apply(lambda unit: unit.restricted.refused())] == [3]


def test_what_a_failed_call_for_many_left_is_asked_for_alone(apply: Apply) -> None:
    """Nothing counts as refused before that; then exactly what was refused is listed."""
    apply(written_for_a_form)

    assert apply(lambda unit: take_out(unit, NOW, Undeliverable("BadRequest: no"))) == 1
    assert apply(lambda unit: unit.restricted.refused()) == []
    assert [one.method for one in apply(lambda unit: unit.restricted.due(NOW))] == ["deleteMessage"] * 3
    assert apply(lambda unit: take_out(unit, NOW, Undeliverable("BadRequest: no"))) == 3
    assert [one.messages for one in apply(lambda unit: unit.restricted.refused())] == [3]
    assert apply(lambda unit: take_out(unit, NOW + HOUR, Sent())) == 3
    assert apply(lambda unit: unit.restricted.refused()) == []


@pytest.mark.parametrize(("hours", "left"), [(20, 0), (30, 2)])
def test_after_an_outage_all_is_deleted_or_all_that_is_left_is_listed(apply: Apply, hours: int, left: int) -> None:
    """Twenty hours of silence are made up for; after thirty Telegram refuses, and the list is exact (S15)."""
    apply(say)
    apply(lambda unit: unit.restricted.note_written(CHAT, 7, NOW))
    back_at = NOW + timedelta(hours=23 + hours)
    is_refused = back_at - NOW > 2 * DAY
    outcome = Undeliverable("BadRequest: Message can't be deleted for everyone") if is_refused else Sent()

    assert apply(lambda unit: take_out(unit, back_at, outcome)) == 2
    assert sum(one.messages for one in apply(lambda unit: unit.restricted.refused())) == left


def test_a_deletion_that_waits_is_neither_done_nor_refused(apply: Apply) -> None:
    apply(say)
    assert apply(lambda unit: take_out(unit, NOW + DAY, RetryAfter(NOW + DAY + HOUR))) == 1
    assert apply(lambda unit: unit.restricted.refused()) == []
    assert apply(lambda unit: unit.restricted.due(NOW + 2 * DAY)) == []


def test_what_a_message_shows_is_known_by_its_number(apply: Apply) -> None:
    """For a quote of it: ours by its card, theirs by itself, and of this chat alone."""
    card = apply(say)
    apply(lambda unit: unit.restricted.note_written(CHAT, 7, NOW))
    for chat, message, is_restricted in (
        (CHAT, 100 + card, True), (CHAT, 7, True), (CHAT, 8, False), (CHAT + 1, 7, False), (CHAT + 1, 100 + card, False)
    ):  # fmt: skip
        assert apply(lambda unit, at=(chat, message): unit.restricted.is_shown_in(*at)) == is_restricted
