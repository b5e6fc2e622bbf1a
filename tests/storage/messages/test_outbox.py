"""What must be sent: born with what it speaks of, claimed once, in order, and settled by kind (G5, G7, G11)."""

import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from shutil import copy
from typing import Any

import pytest
from sqlalchemy import select

from storage.database.models import OutboxMessage, table
from storage.database.vault import Vault
from storage.messages.outbox import (
    LANES,
    Ambiguous,
    OutboxDraft,
    OutboxRow,
    RetryAfter,
    Sent,
    Undeliverable,
    Unreachable,
)
from storage.messages.outbox import row as name_of
from storage.open_database import Database, open_database
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE
from tests.storage.database.hearing import heard

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LATER = NOW + 2 * MINUTE
REPLIES, FAN_OUT = LANES["replies"], LANES["fan_out"]
_O = table(OutboxMessage)


def added(unit: UnitOfWork, kind: str = "reminder", chat_id: int = 1, **options: Any) -> OutboxRow:
    method, payload = options.pop("method", "sendMessage"), options.pop("payload", {"text": "hola"})
    return unit.outbox.add(OutboxDraft(chat_id, kind, method, payload, **options), now=NOW)  # type: ignore[arg-type]


def add(unit: UnitOfWork, kind: str = "reminder", chat_id: int = 1, **options: Any) -> int:
    return added(unit, kind, chat_id, **options).id


def claim(unit: UnitOfWork, now: datetime = NOW, **options: Any) -> list[OutboxRow]:
    return unit.outbox.claim(now, now + MINUTE, **options)


def expire(unit: UnitOfWork, now: datetime = LATER) -> tuple[int, int]:
    """Every lease has run out, for whoever looks."""
    return unit.outbox.settle_expired(unit.outbox.leased(), now)


def state(unit: UnitOfWork, id: int) -> Any:
    return unit.connection.execute(
        select(_O.c.state, _O.c.payload, _O.c.sealed_payload, _O.c.attempts).where(_O.c.id == id)
    ).one()


@pytest.fixture
def apply(database: Database) -> Any:
    """In the units of a process that sends."""
    database.units.replica_id = database.units.submit(None, lambda unit: unit.replicas.add(NOW)).result(PATIENCE)
    return lambda work: database.units.submit(None, work).result(PATIENCE)


def test_what_needs_a_key_that_is_not_here_waits_and_holds_up_its_chat_alone(
    database: Database, url: str, tmp_path: Path
) -> None:
    """The others are claimed beside it; with the key it goes out, and until then it is neither lost nor in doubt."""
    Vault.create(tmp_path / "ring")
    copy(tmp_path / "ring", tmp_path / "old")  # a ring is looked at again in its own file
    old, new = Vault.load(tmp_path / "old"), Vault.rotate(tmp_path / "ring")
    with open_database(url, vault=new) as other:
        waiting = other.units.submit(
            None, lambda unit: [add(unit, chat_id=1, sensitive=True), add(unit, chat_id=2), add(unit, chat_id=1)]
        ).result(PATIENCE)
    with open_database(url, vault=old) as lacking:

        def look(unit: UnitOfWork, now: datetime) -> tuple[list[int], int]:
            return [row.id for row in claim(unit, now)], len(unit.outbox.locked)

        seen = [lacking.units.submit(None, lambda unit, at=at: look(unit, at)).result(PATIENCE) for at in (NOW, NOW)]
    assert seen == [([waiting[1]], 1), ([], 0)]
    with open_database(url, vault=new) as again:
        rows = again.units.submit(None, lambda unit: claim(unit, LATER)).result(PATIENCE)
    assert [(row.id, row.payload) for row in rows] == [(waiting[0], {"text": "hola"})]


@pytest.mark.parametrize("kind", REPLIES)
def test_what_a_command_says_is_born_queued_for_whoever_sends(database: Database, apply: Any, kind: str) -> None:
    """It is no replica and sends nothing: the next look of one takes it up, and no lease has to run out before."""
    sender, database.units.replica_id = database.units.replica_id, None
    id = apply(lambda unit: add(unit, kind))
    database.units.replica_id = sender
    (row,) = apply(claim)

    assert (row.id, row.attempts, row.is_behind) == (id, 1, False)


@pytest.mark.parametrize("kind", REPLIES)
def test_a_reply_is_born_sending_so_that_nobody_else_sends_it(apply: Any, kind: str) -> None:
    """Whoever committed it sends it at once; if that process dies, its lease runs out and another one does."""
    id = apply(lambda unit: add(unit, kind))
    assert apply(claim) == []
    assert apply(lambda unit: expire(unit)) == (1, 0)

    (row,) = apply(lambda unit: claim(unit, LATER))
    assert (row.id, row.kind, row.payload, row.attempts) == (id, kind, {"text": "hola"}, 2)


@pytest.mark.parametrize("kind", FAN_OUT)
def test_fan_out_is_born_queued_and_an_expired_lease_leaves_it_in_doubt(apply: Any, kind: str) -> None:
    """Once its call has begun it may have arrived: it is not sent again."""
    id = apply(lambda unit: add(unit, kind))
    (row,) = apply(claim)

    assert apply(lambda unit: unit.outbox.begin(row)) is True
    assert apply(lambda unit: expire(unit)) == (0, 1)
    assert tuple(apply(lambda unit: state(unit, id))) == ("ambiguous", None, None, 1)
    assert apply(lambda unit: claim(unit, LATER)) == []


def test_what_is_in_doubt_counts_for_the_day_on_which_its_call_could_begin(apply: Any) -> None:
    """A process that died on Friday is missed on Monday: nobody has had Monday's notice by that
    (docs/domain.md#reminders).
    """

    def settled_at(unit: UnitOfWork, id: int) -> datetime | None:
        return unit.connection.execute(select(_O.c.settled_at).where(_O.c.id == id)).scalar_one()

    ids = apply(lambda unit: [add(unit, chat_id=chat) for chat in (1, 2)])
    for row in apply(claim):
        apply(lambda unit, row=row: unit.outbox.begin(row))
    apply(lambda unit: expire(unit, NOW + timedelta(days=3)))
    assert [apply(lambda unit, id=id: settled_at(unit, id)) for id in ids] == [NOW + MINUTE] * 2

    other = apply(lambda unit: add(unit, chat_id=3))
    (row,) = apply(claim)
    apply(lambda unit: unit.outbox.begin(row))
    owner = apply(lambda unit: unit.replica_id)
    apply(lambda unit: unit.outbox.take_over([owner], NOW + timedelta(seconds=5)))
    assert apply(lambda unit: settled_at(unit, other)) == NOW + timedelta(seconds=5)


@pytest.mark.parametrize("kind", FAN_OUT)
def test_fan_out_that_was_never_begun_is_free_again_when_the_lease_ends(apply: Any, kind: str) -> None:
    """Sixty reminders in the hands of a process that dies are not sixty people who are told nothing."""
    apply(lambda unit: add(unit, kind))
    (lost,) = apply(claim)
    assert apply(claim) == []
    assert apply(lambda unit: expire(unit)) == (0, 0)

    (taken,) = apply(lambda unit: claim(unit, LATER))
    assert (taken.id, taken.attempts) == (lost.id, 2)
    assert apply(lambda unit: unit.outbox.begin(lost)) is False  # paused over its lease, it sends nothing
    assert apply(lambda unit: unit.outbox.begin(taken)) is True
    assert apply(lambda unit: unit.outbox.begin(taken)) is False


def test_what_was_claimed_and_not_begun_can_be_taken_back(apply: Any) -> None:
    """A broadcast that is stopped, a person who leaves: up to the last moment."""
    apply(add)
    (row,) = apply(claim)
    assert apply(lambda unit: unit.outbox.cancel(1, NOW)) == 1
    assert apply(lambda unit: unit.outbox.begin(row)) is False


def test_a_reply_that_must_wait_is_queued(apply: Any) -> None:
    """Nobody sends it now."""
    id = apply(lambda unit: add(unit, "prompt", not_before=NOW + MINUTE))
    assert apply(claim) == []
    assert [row.id for row in apply(lambda unit: claim(unit, NOW + MINUTE))] == [id]


@pytest.mark.parametrize(("kind", "is_due"), [("prompt", True), ("notice", True), ("reminder", False)])
def test_a_reply_rests_for_a_day_at_most_and_fan_out_until_it_is_due(apply: Any, kind: str, is_due: bool) -> None:
    """No 429 is believed for longer: a clock that was 400 days ahead wrote what is further away. Fan-out may be due
    on a later day.
    """
    id = apply(lambda unit: add(unit, kind, 1, not_before=NOW + timedelta(days=400)))
    apply(lambda unit: add(unit, kind, 2, not_before=NOW + timedelta(days=1)))
    assert [row.id for row in apply(claim)] == [id] * is_due


@pytest.mark.parametrize(("kind", "is_due"), [("prompt", True), ("notice", True), ("reminder", False)])
def test_a_reply_of_a_process_that_ended_rests_no_longer_because_the_clock_was_set_back(
    apply: Any, kind: str, is_due: bool
) -> None:
    """For as long as it may have been told to, at most; whoever ends it remembers nothing. Fan-out may be due later."""
    id = apply(lambda unit: add(unit, kind, not_before=NOW + MINUTE))
    earlier = NOW - timedelta(hours=3)
    apply(lambda unit: unit.outbox.take_over([1], earlier))
    assert apply(lambda unit: claim(unit, earlier)) == []
    assert [row.id for row in apply(lambda unit: claim(unit, earlier + MINUTE))] == [id] * is_due


def test_a_failed_unit_says_nothing(database: Database, apply: Any) -> None:
    """G5: there is no "saved" of what was not."""

    def say_and_fail(unit: UnitOfWork) -> None:
        add(unit, "receipt")
        raise KeyError

    with pytest.raises(KeyError):
        apply(say_and_fail)
    assert apply(lambda unit: unit.outbox.counts()) == {}


@pytest.mark.parametrize(
    ("kind", "outcome", "after"),
    [
        *[(kind, Sent(5), "sent") for kind in (*REPLIES, *FAN_OUT)],
        *[(kind, RetryAfter(LATER), "queued") for kind in (*REPLIES, *FAN_OUT)],
        *[(kind, Unreachable("blocked"), "undeliverable") for kind in (*REPLIES, *FAN_OUT)],
        *[(kind, Undeliverable("chat not found"), "undeliverable") for kind in (*REPLIES, *FAN_OUT)],
        *[(kind, Ambiguous("timeout"), "queued") for kind in REPLIES],
        *[(kind, Ambiguous("timeout"), "ambiguous") for kind in FAN_OUT],
    ],
)
def test_what_follows_from_an_outcome_depends_on_the_kind(
    sqlite_database: Database, kind: str, outcome: Any, after: str
) -> None:
    """The table of G7; settled rows keep no payload."""

    def work(unit: UnitOfWork) -> Any:
        id = add(unit, kind)
        claim(unit)
        assert unit.outbox.record(id, outcome, NOW) is True
        return state(unit, id)

    found = sqlite_database.units.submit(None, work).result(PATIENCE)
    assert found.state == after
    assert (found.payload is None) is (after != "queued")


def test_a_row_in_doubt_is_sent_again_and_a_row_to_retry_waits_its_time(apply: Any) -> None:
    """A 429 of hours is a time in the row, not a sleep."""
    doubtful = apply(lambda unit: add(unit, "prompt", 1))
    limited = apply(lambda unit: add(unit, "prompt", 2))
    apply(lambda unit: unit.outbox.record(doubtful, Ambiguous(), NOW))
    apply(lambda unit: unit.outbox.record(limited, RetryAfter(NOW + timedelta(seconds=10_072)), NOW))

    assert [row.id for row in apply(claim)] == [doubtful]
    assert apply(lambda unit: claim(unit, NOW + timedelta(seconds=10_071))) == []
    assert [row.id for row in apply(lambda unit: claim(unit, NOW + timedelta(seconds=10_072)))] == [limited]


def test_of_many_outcomes_each_row_gets_its_own(apply: Any) -> None:
    """One that was settled before stays as it was, and one that failed is told apart from those that were sent."""
    rows = apply(lambda unit: [added(unit, "prompt", chat_id=number) for number in range(5)])
    given, first, last, failed, _ = rows
    apply(lambda unit: unit.outbox.record(given.id, Undeliverable("gone"), NOW))
    sent = [(given, Sent(), NOW + MINUTE), (first, Sent(), NOW + MINUTE), (last, Sent(7), LATER)]
    cards = apply(lambda unit: [unit.outbox.new_card(1) for _ in range(4)])

    apply(lambda unit: unit.outbox.record_all([*sent, (failed, Undeliverable("too long"), LATER)]))
    apply(lambda unit: unit.outbox.place({cards[0]: 501, cards[1]: 502, cards[2]: None}))

    columns = (_O.c.state, _O.c.settled_at, _O.c.payload.is_(None), _O.c.lease_until.is_(None), _O.c.error)
    found = apply(lambda unit: unit.connection.execute(select(*columns).order_by(_O.c.id)).all())
    assert [tuple(row) for row in found] == [
        ("undeliverable", NOW, True, True, "gone"),
        ("sent", NOW + MINUTE, True, True, ""),
        ("sent", LATER, True, True, ""),
        ("undeliverable", LATER, True, True, "too long"),
        ("sending", None, False, False, ""),
    ]
    assert [apply(lambda unit, card=card: unit.outbox.card_message_id(card)) for card in cards] == [
        501, 502, None, None
    ]  # fmt: skip


def test_recording_many_outcomes_asks_postgresql_as_much_as_recording_one(postgres_database: Database) -> None:
    """A statement a row was a quarter of all that an interaction asked."""

    def work(unit: UnitOfWork, rows: int) -> int:
        unit.replica_id = unit.replicas.add(NOW)
        given = [added(unit, "prompt", chat_id=number) for number in range(rows)]
        cards = {unit.outbox.new_card(1): number for number in range(rows)}
        outcomes = [(row, Sent(), NOW) for row in given]
        return len(heard(unit, lambda unit: (unit.outbox.record_all(outcomes), unit.outbox.place(cards))))

    asked = [postgres_database.units.submit(None, lambda unit, n=n: work(unit, n)).result(PATIENCE) for n in (1, 9)]
    assert asked == [2, 2]


def test_what_a_sender_tells_of_a_row_that_another_has_claimed_counts_for_nothing(apply: Any) -> None:
    """It was taken for dead, and wakes up: the row, its lease and its card are the other's (T11)."""
    card = apply(lambda unit: unit.outbox.new_card(1))
    look = lambda: apply(lambda unit: (unit.outbox.card_message_id(card), *state(unit, before.id)))  # noqa: E731
    before = apply(lambda unit: added(unit, "prompt", card_id=card))
    apply(lambda unit: expire(unit))
    after = apply(lambda unit: claim(unit, LATER))[0]
    held = look()

    for outcome in (Sent(501), RetryAfter(LATER), Ambiguous(), Undeliverable()):
        apply(lambda unit, told=outcome: unit.outbox.record_all([(before, told, LATER)]))
    apply(lambda unit: unit.outbox.place({card: 501}, {card: before}))
    assert look() == held == (None, "sending", *held[2:4], 2)

    apply(lambda unit: unit.outbox.record_all([(after, Sent(502), LATER)]))
    apply(lambda unit: unit.outbox.place({card: 502}, {card: after}))
    apply(lambda unit: unit.outbox.place({card: 501}, {card: before}))
    assert look()[:2] == (502, "sent")


def test_what_was_sent_and_taken_over_counts_while_nobody_has_claimed_it(apply: Any) -> None:
    """It is not sent once more."""
    card = apply(lambda unit: unit.outbox.new_card(1))
    row = apply(lambda unit: added(unit, "prompt", card_id=card))
    apply(lambda unit: expire(unit))
    apply(lambda unit: unit.outbox.record_all([(row, RetryAfter(LATER + MINUTE), LATER)]))
    assert apply(lambda unit: state(unit, row.id)).state == "queued"
    apply(lambda unit: unit.outbox.record_all([(row, Sent(501), LATER)]))
    apply(lambda unit: unit.outbox.place({card: 501}, {card: row}))
    assert apply(lambda unit: (unit.outbox.card_message_id(card), state(unit, row.id).state)) == (501, "sent")


def test_a_message_that_its_edit_has_overtaken_does_not_place_its_card(apply: Any) -> None:
    """The edit is sent as a new message by whoever has taken over, and that is the card."""
    card = apply(lambda unit: unit.outbox.new_card(1))
    first = apply(lambda unit: added(unit, "prompt", card_id=card))
    edit = apply(lambda unit: added(unit, "prompt", card_id=card, method="editMessageText"))
    apply(lambda unit: expire(unit))
    assert [row.id for row in apply(lambda unit: claim(unit, LATER))] == [edit.id]
    apply(lambda unit: unit.outbox.place({card: 501}, {card: first}))
    assert apply(lambda unit: unit.outbox.card_message_id(card)) is None


def test_fan_out_that_was_freed_does_not_begin(apply: Any) -> None:
    """Nobody would settle it if its sender died then: it has no lease."""
    apply(lambda unit: add(unit, "reminder"))
    row = apply(claim)[0]
    apply(lambda unit: expire(unit))
    assert apply(lambda unit: unit.outbox.begin(row)) is False


def test_what_is_settled_stays_settled(apply: Any) -> None:
    """A paused sender that wakes up late changes nothing, but what it did send counts."""
    id = apply(lambda unit: add(unit, "prompt"))
    apply(lambda unit: expire(unit))

    assert apply(lambda unit: unit.outbox.record(id, RetryAfter(LATER), LATER)) is False
    assert apply(lambda unit: unit.outbox.record(id, Sent(5), LATER)) is True
    assert apply(lambda unit: unit.outbox.record(id, Undeliverable(), LATER)) is False
    assert apply(lambda unit: state(unit, id)).state == "sent"


def test_within_a_chat_rows_are_claimed_one_at_a_time_in_order(apply: Any) -> None:
    """The second is not to be had until the first is settled, nor when the first must wait."""
    first, second, other = apply(lambda unit: (add(unit, chat_id=1), add(unit, chat_id=1), add(unit, chat_id=2)))
    assert [row.id for row in apply(claim)] == [first, other]
    assert apply(claim) == []

    apply(lambda unit: unit.outbox.record(first, RetryAfter(LATER), NOW))
    assert apply(claim) == []
    assert [row.id for row in apply(lambda unit: claim(unit, LATER))] == [first]

    apply(lambda unit: unit.outbox.record(first, Sent(), LATER))
    assert [row.id for row in apply(lambda unit: claim(unit, LATER))] == [second]


def test_a_reminder_that_waits_for_the_morning_holds_up_no_reply(apply: Any) -> None:
    """G11: lanes of their own, replies first."""
    apply(lambda unit: add(unit, "reminder", 1, not_before=NOW + timedelta(hours=10)))
    digest = apply(lambda unit: add(unit, "digest", 2))
    reply = apply(lambda unit: add(unit, "prompt", 1))
    apply(lambda unit: unit.outbox.record(reply, Ambiguous(), NOW))

    assert [row.id for row in apply(lambda unit: claim(unit, limit=1))] == [reply]
    assert [row.id for row in apply(claim)] == [digest]


def test_a_lane_can_be_claimed_alone(apply: Any) -> None:
    """Delivery asks for replies while fan-out is paced."""
    assert apply(lambda unit: unit.outbox.waiting()) == {"queued": 0, "sending": 0}
    apply(lambda unit: add(unit, "reminder", 1))
    assert apply(lambda unit: claim(unit, lanes=("replies",))) == []
    assert len(apply(lambda unit: claim(unit, lanes=("fan_out",)))) == 1


def test_two_senders_share_the_rows_and_none_is_taken_twice(postgres_database: Database, postgres_url: str) -> None:
    """A row that the other is just taking is skipped, not waited for."""
    units = postgres_database.units
    ids = units.submit(None, lambda unit: [add(unit, chat_id=n) for n in range(20)]).result(PATIENCE)
    holding, leave = threading.Event(), threading.Event()

    def claim_slowly(unit: UnitOfWork) -> list[int]:
        rows = claim(unit, limit=8)
        holding.set()
        leave.wait(PATIENCE)
        return [row.id for row in rows]

    with open_database(postgres_url) as replica:
        one = units.submit(None, claim_slowly)
        assert holding.wait(PATIENCE)
        two = replica.units.submit(None, lambda unit: [row.id for row in claim(unit)]).result(PATIENCE)
        leave.set()
        assert sorted(one.result(PATIENCE) + two) == ids


def test_a_sender_can_go_on_holding_what_waits_in_its_hands(apply: Any) -> None:
    """A picture that takes longer to draw than a lease would be another replica's, and then another's, for ever.

    What has begun has the lease of its call, and what was freed or claimed anew meanwhile is not held any more.
    """
    waits, begun, freed = apply(lambda unit: [add(unit, chat_id=chat) for chat in (1, 2, 3)])
    rows = {row.id: row for row in apply(claim)}
    apply(lambda unit: unit.outbox.begin(rows[begun]))
    apply(lambda unit: unit.outbox.settle_expired(unit.outbox.leased([waits, begun]), LATER))

    ids, until = [waits, begun, freed], LATER + timedelta(hours=1)
    assert apply(lambda unit: unit.outbox.renew(ids, until)) == {waits: 1}
    assert [row.id for row in apply(lambda unit: claim(unit, LATER))] == [freed]
    apply(lambda unit: unit.outbox.settle_expired(unit.outbox.leased([waits]), until))
    assert [apply(lambda unit, id=id: state(unit, id).state) for id in ids] == ["queued", "ambiguous", "queued"]
    assert apply(lambda unit: unit.outbox.begin(rows[waits])) is True


def test_a_reply_that_may_have_been_delivered_is_counted_and_one_that_was_handed_back_is_not(apply: Any) -> None:
    """A reply is given up after many doubts. Its claims say nothing: a stop and a long silence hand it back too."""
    id = apply(lambda unit: add(unit, "prompt"))
    seen = []
    for outcome in (RetryAfter(NOW), RetryAfter(NOW, doubts=2), Ambiguous("reset"), RetryAfter(NOW)):
        apply(lambda unit, outcome=outcome: unit.outbox.record(id, outcome, NOW))
        (row,) = apply(lambda unit: claim(unit, LATER))
        seen.append((row.attempts, row.doubts))
    apply(lambda unit: unit.outbox.settle_expired(unit.outbox.leased(), LATER + MINUTE))
    (row,) = apply(lambda unit: claim(unit, LATER + MINUTE))
    assert [*seen, (row.attempts, row.doubts)] == [(2, 0), (3, 2), (4, 3), (5, 3), (6, 3)]


def test_a_pause_can_be_ended_by_whoever_handed_the_row_back(apply: Any) -> None:
    """Its wall clock was wrong then: what rests for hours by that one has rested long enough."""
    row = apply(lambda unit: added(unit, "prompt"))
    apply(lambda unit: unit.outbox.record_all([(row, RetryAfter(NOW + timedelta(hours=3)), NOW)]))
    assert apply(claim) == []

    apply(lambda unit: unit.outbox.wake([row.id]))

    assert [again.id for again in apply(claim)] == [row.id]


def test_what_is_queued_for_somebody_who_leaves_is_dropped(apply: Any) -> None:
    """S17; of one kind if wanted, and of nobody else."""
    reminder, digest, foreign = apply(
        lambda unit: (add(unit, "reminder", 1), add(unit, "digest", 1), add(unit, "digest", 2))
    )
    assert apply(lambda unit: unit.outbox.cancel(1, NOW, kinds=("reminder",))) == 1
    assert apply(lambda unit: unit.outbox.cancel(1, NOW)) == 1

    states = apply(lambda unit: [state(unit, id).state for id in (reminder, digest, foreign)])
    assert states == ["undeliverable", "undeliverable", "queued"]
    assert apply(lambda unit: unit.outbox.counts()) == {"undeliverable": 2, "queued": 1}
    assert apply(lambda unit: unit.ledger.purge_messages(LATER)) == 2


@pytest.mark.parametrize("failure", [RetryAfter(NOW + MINUTE), Ambiguous("502"), None])
def test_a_reply_under_way_to_somebody_who_leaves_is_not_tried_again(apply: Any, failure: Any) -> None:
    """S17: refused by Telegram, in doubt, or its process died. If it arrives after all, it counts as sent."""
    failed, arrived, deletion = apply(
        lambda unit: [added(unit, "prompt", method=name) for name in ("sendMessage", "sendMessage", "deleteMessage")]
    )
    assert apply(lambda unit: unit.outbox.cancel(1, NOW)) == 0
    apply(lambda unit: unit.outbox.record(arrived.id, Sent(7), NOW, arrived.attempts))
    if failure is None:
        apply(lambda unit: expire(unit))
    else:
        apply(lambda unit: [unit.outbox.record(row.id, failure, NOW, row.attempts) for row in (failed, deletion)])

    states = apply(lambda unit: [state(unit, row.id).state for row in (failed, arrived, deletion)])
    assert states == ["undeliverable", "sent", "queued"]
    assert apply(lambda unit: state(unit, failed.id).payload) is None


def test_a_sensitive_payload_is_sealed_and_comes_out_for_sending(apply: Any) -> None:
    """S12: outbox included."""
    id = apply(lambda unit: add(unit, "reminder", payload={"text": "12 víctimas"}, sensitive=True))
    row = apply(lambda unit: state(unit, id))

    assert row.payload is None
    assert "víctimas".encode() not in row.sealed_payload
    assert apply(claim)[0].payload == {"text": "12 víctimas"}


@pytest.mark.parametrize("microsecond", [0, 17])
def test_a_seal_is_bound_to_an_instant_in_whatever_zone(microsecond: int) -> None:
    """It is read in UTC, whoever wrote it."""
    written = NOW.replace(microsecond=microsecond)
    instants = (written.astimezone(timezone(timedelta(hours=-4))), written)
    assert len({name_of(1, 2, "sendMessage", instant) for instant in instants}) == 1


def test_a_card_learns_its_number_when_it_is_delivered_and_loses_it_when_it_is_gone(apply: Any) -> None:
    """What is meant for a card that cannot be edited is sent anew, and that is the card then."""
    card = apply(lambda unit: unit.outbox.new_card(1))
    look = lambda: apply(lambda unit: unit.outbox.card_message_id(card))  # noqa: E731
    assert look() is None

    apply(lambda unit: unit.outbox.place({card: 501}))
    assert (look(), apply(lambda unit: unit.outbox.card_at(1, 501))) == (501, card)
    assert apply(lambda unit: unit.outbox.card_at(2, 501)) is None

    apply(lambda unit: unit.outbox.place({card: None}))
    assert look() is None

    apply(lambda unit: unit.outbox.place({card: 502}))
    assert look() == 502


def test_the_card_on_which_somebody_tapped_is_found_by_its_message(apply: Any) -> None:
    """However many cards there are: an index has those that were sent."""

    def plan(unit: UnitOfWork) -> str:
        if unit.is_postgresql:
            unit.connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # which is the faster for one row
        explain = "EXPLAIN" if unit.is_postgresql else "EXPLAIN QUERY PLAN"
        read = f"{explain} SELECT id FROM card WHERE chat_id = 1 AND message_id = 501 ORDER BY id DESC"
        return str(unit.connection.exec_driver_sql(read).all())

    assert "ix_card_message" in apply(plan)


def test_a_draft_or_row_in_a_log_shows_no_text(apply: Any) -> None:
    """S8."""
    apply(lambda unit: add(unit, payload={"text": "canary"}))
    assert "canary" not in repr(apply(claim)) + repr(OutboxDraft(1, "prompt", "sendMessage", {"text": "canary"}))


def test_of_a_card_that_a_death_left_only_the_last_is_repeated(apply: Any) -> None:
    """The phone may show the last one already: an earlier one, sent again, would show a question that was answered."""

    def edited(unit: UnitOfWork) -> list[int]:
        card, other = unit.outbox.new_card(1), unit.outbox.new_card(1)
        drafts = [
            OutboxDraft(1, "prompt", "sendMessage", {"text": "0"}, card),
            OutboxDraft(1, "prompt", "editMessageText", {"text": "1"}, card),
            OutboxDraft(1, "notice", "sendMessage", {"text": "heard"}),
            OutboxDraft(1, "prompt", "editMessageText", {"text": "2"}, card),
            OutboxDraft(1, "prompt", "editMessageText", {"text": "other"}, other),
        ]
        return [unit.outbox.add(draft, now=NOW).id for draft in drafts]

    ids = apply(edited)
    apply(lambda unit: expire(unit))

    states = apply(lambda unit: unit.outbox.states(ids))
    assert [states[id][0] for id in ids] == ["ambiguous", "ambiguous", "queued", "queued", "queued"]
    assert {states[id][1] for id in ids[:2]} == {"overtaken"}
    said = select(_O.c.payload, _O.c.sealed_payload, _O.c.lease_until, _O.c.settled_at).where(_O.c.id.in_(ids[:2]))
    assert set(apply(lambda unit: unit.connection.execute(said).all())) == {(None, None, None, LATER)}, (
        "nothing is left"
    )
