"""What receivers outside are told: with the act or not at all, in order, and nothing that is restricted."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select, text

from conversations.plan.sharing.events import EVENTS, KINDS, OFFERED, kinds_for, payload, read_kinds
from conversations.plan.sharing.export_request import AUDIENCES
from storage.database import audit
from storage.database.models import Event, EventDelivery, table
from storage.database.vault import Vault
from storage.errors import Conflict, NotFound
from storage.messages.endpoints import (
    LONGEST_PAUSE,
    MOST,
    PAUSES,
    Claimed,
    NewEndpoint,
    Outcome,
    StoredEndpoint,
    Target,
    target_of,
)
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE
from tests.storage.blank_forms import blank_form
from tests.storage.conftest import NOW

CANARY = "Juana-de-la-Frontera"
TARGET = Target("https://hooks.example.org/in?key=abc", "whsec_c2VjcmV0")
WHERE_STORED = frozenset({"report.submitted", "report.corrected", "period.closed"})
"""Acts without an audit entry: `Submissions.add` and `Closings.close` record them."""


def receiver(
    unit: UnitOfWork, world: Any, audience: str = "internal", kinds: Sequence[str] = (), at: datetime = NOW
) -> StoredEndpoint:
    wanted = kinds or kinds_for(audience)
    return unit.endpoints.add(
        world.plan_id, NewEndpoint(TARGET, "hooks.example.org", audience=audience, kinds=wanted), at, by=None
    )


def told(unit: UnitOfWork, one: StoredEndpoint) -> list[str]:
    """The kinds that wait for it, in their order."""
    return [found.kind for found in reversed(unit.event_deliveries.latest(one, limit=1000))]


def report(unit: UnitOfWork, world: Any, code: str = "A-1", **changes: Any) -> Any:
    about = {"subject": f"activity:{code}", "reporting_period_id": world.period_ids[0]}
    return world.submit(unit, f"uuid:{code}:{changes.get('supersedes_id', '')}", **about | changes)


def live(unit: UnitOfWork, world: Any) -> None:
    """Each kind of event once, with a canary wherever somebody can write words."""
    coordinator = world.person_ids[2]
    words = {"/data/next_step": CANARY, "/data/obstacle_detail": CANARY}
    sent = report(unit, world, answers=words, sensitive=True, activity_status="in_progress", progress=40)
    unit.reviews.decide(sent, "returned", coordinator, NOW, reason=CANARY, questions=("/data/next_step",))
    returned = unit.submissions.get(sent.id)
    unit.reviews.decide(returned, "answered", world.person_ids[0], NOW, reason=CANARY)
    again = report(unit, world, answers=words, sensitive=True, supersedes_id=sent.id, progress=50,
                   validation_state="submitted")  # fmt: skip
    unit.reviews.decide(again, "validated", coordinator, NOW)
    unit.reviews.take_back(unit.submissions.get(again.id), coordinator, NOW)
    unit.closings.close(world.plan_id, world.agency_ids[0], world.period_ids[0], world.person_ids[0], NOW)
    period = next(one for one in unit.plans.periods(world.plan_id) if one.id == world.period_ids[0])
    unit.periods.set_days(period, now=NOW, by=coordinator)
    until = date(2018, 11, 1)
    opened = unit.periods.reopen(
        world.plan_id, world.agency_ids[0], period, until, reason=CANARY, now=NOW, by=coordinator
    )
    unit.periods.end(opened, now=NOW, by=coordinator)
    agency = unit.plans.agencies(world.plan_id)[0]
    unit.agencies.rename(agency, world.plan_id, {"es": CANARY}, now=NOW, by=coordinator)


# ------------------------------------------------------------------ nothing is forgotten
def test_every_act_is_told_or_is_known_not_to_be() -> None:
    """A new act is in neither table, and turns this red: nobody forgets by chance."""
    undecided = [act for act in audit.AUDITED_ACTS if (act in audit.EVENTS) == act.startswith(audit.UNTOLD)]
    assert undecided == []


def test_every_kind_of_event_has_its_row_and_its_act() -> None:
    """What may be asked for is also recorded somewhere."""
    assert tuple(event.kind for event in EVENTS) == KINDS
    assert {*audit.EVENTS.values(), *WHERE_STORED} == {*OFFERED}


def test_each_kind_is_recorded_by_its_act(apply: Any, world: Any) -> None:
    """A whole month of acts, and every kind of event waits for a receiver that asked for all."""
    one = apply(lambda unit: receiver(unit, world))
    apply(lambda unit: live(unit, world))
    assert set(apply(lambda unit: told(unit, one))) == set(OFFERED)


def test_an_event_is_of_the_same_transaction_as_its_act(database: Database, apply: Any, world: Any) -> None:
    """What is undone was never told; what is kept is told."""
    one = apply(lambda unit: receiver(unit, world))

    def fail(unit: UnitOfWork) -> None:
        live(unit, world)
        raise RuntimeError("undone")

    with pytest.raises(RuntimeError):
        database.units.submit(None, fail).result(PATIENCE)
    assert apply(lambda unit: told(unit, one)) == []

    apply(lambda unit: report(unit, world))
    assert apply(lambda unit: told(unit, one)) == ["report.submitted"]


def test_a_plan_that_nobody_hears_pays_nothing(
    apply: Any, world: Any, statements: Callable[[UnitOfWork, Callable[[UnitOfWork], object]], list[str]]
) -> None:
    """No statement more, and no row: whether anybody hears is asked in a statement that is there anyway."""
    asked = apply(lambda unit: statements(unit, lambda unit: live(unit, world)))
    assert [statement for statement in asked if "event" in statement.lower().split("returning")[0]] == []

    alone = [statement for statement in asked if "from endpoint" in statement.lower().replace("\n", " ")]
    assert all(statement.lower().lstrip().startswith("insert") or "receipt_number" in statement for statement in alone)
    assert apply(lambda unit: unit.connection.execute(select(func.count()).select_from(table(Event))).scalar()) == 0


def test_sending_a_report_twice_is_told_once(apply: Any, world: Any) -> None:
    """The same instance again changes nothing (G6), so there is nothing to tell."""
    one = apply(lambda unit: receiver(unit, world))
    apply(lambda unit: report(unit, world))
    apply(lambda unit: report(unit, world))
    assert apply(lambda unit: told(unit, one)) == ["report.submitted"]


# ------------------------------------------------------------------ who hears what
def stored(unit: UnitOfWork) -> str:
    """Everything that is kept of events, as text."""
    rows = unit.connection.execute(text("SELECT kind, data FROM event")).all()
    return " ".join(str(row) for row in rows)


def test_no_restricted_word_is_in_any_event(apply: Any, world: Any) -> None:
    """Neither in a row nor in what anybody is sent; of answers, reasons and names, over all kinds."""
    apply(lambda unit: [receiver(unit, world, audience, at=NOW) for audience in AUDIENCES])
    apply(lambda unit: live(unit, world))
    assert CANARY not in apply(stored)

    def bodies(unit: UnitOfWork) -> list[dict[str, Any]]:
        return [
            payload(one.kind, one.data, one.at, one.audience, one.plan)
            for id in unit.event_deliveries.due(NOW)
            for one in claim_all(unit, id)
        ]

    sent = apply(bodies)
    assert {body["type"] for body in sent} == set(OFFERED)
    assert CANARY not in orjson.dumps(sent).decode()


def claim_all(unit: UnitOfWork, endpoint_id: int, at: datetime = NOW) -> list[Claimed]:
    """Everything that waits, one after the other, as a good receiver gets it."""
    found: list[Claimed] = []
    while claimed := unit.event_deliveries.claim(endpoint_id, 100, at, at + timedelta(minutes=1)):
        unit.event_deliveries.settle([Outcome(one) for one in claimed], at)
        found += claimed
    return found


def test_outside_nobody_hears_of_what_is_not_validated(apply: Any, world: Any) -> None:
    """As in the exports: a report is news for the public once a coordinator has validated it."""
    public = apply(lambda unit: receiver(unit, world, "public"))
    apply(lambda unit: live(unit, world))
    heard = set(apply(lambda unit: told(unit, public)))

    assert heard & {"report.submitted", "report.corrected", "report.returned", "report.answered"} == set()
    assert {"report.validated", "report.taken_back", "period.closed"} <= heard


def test_figures_go_out_with_what_is_validated_alone(apply: Any, world: Any) -> None:
    """Status and progress of a report that waits are nobody's news, not even inside."""
    one = apply(lambda unit: receiver(unit, world))
    apply(lambda unit: live(unit, world))
    sent = apply(lambda unit: [payload(c.kind, c.data, c.at, c.audience, c.plan) for c in claim_all(unit, one.id)])
    with_figures = [body["type"] for body in sent if {"progress", "status", "validation"} & body["data"].keys()]
    assert with_figures == ["report.validated"]

    validated = next(body for body in sent if body["type"] == "report.validated")["data"]
    assert validated == {
        "plan": "RD-2017", "receipt": 2, "root_receipt": 1, "version": 2, "form_id": "activity_report",
        "activity": "A-1", "period": "201808", "agency": "MINERD", "validation": "validated", "progress": 50,
    }  # fmt: skip


@pytest.mark.parametrize(("form_id", "heard_by"), [("incident_free_text", set()), ("survey", {"internal"})])
def test_of_a_referral_nobody_hears_and_of_a_free_form_only_the_plan(
    apply: Any, world: Any, form_id: str, heard_by: set[str]
) -> None:
    """That there is a referral at all is restricted; a form of the country's own does not go outside."""
    made = apply(lambda unit: {audience: receiver(unit, world, audience) for audience in AUDIENCES})

    def send(unit: UnitOfWork) -> None:
        form = unit.forms.publish(
            blank_form(world.plan_id, form_id),
            NOW,
        )
        sent = world.submit(unit, form_id=form.form_key, form_version_id=form.id)
        unit.reviews.decide(sent, "validated", world.person_ids[2], NOW)

    apply(send)
    assert {name for name, one in made.items() if apply(lambda unit, one=one: told(unit, one))} == heard_by


def test_a_receiver_hears_what_it_asked_for_and_of_its_own_plan(apply: Any, world: Any) -> None:
    """Nothing else; also nothing that happened before it was there."""
    apply(lambda unit: report(unit, world, "A-0"))
    one = apply(lambda unit: receiver(unit, world, kinds=("report.validated",)))
    apply(lambda unit: live(unit, world))
    assert apply(lambda unit: told(unit, one)) == ["report.validated"]


def test_kinds_are_read_with_the_audience() -> None:
    """A kind that this audience may not have is refused by name, as one that there is not."""
    assert read_kinds([], "public") == kinds_for("public")
    assert read_kinds([" Report.Validated "], "public") == ("report.validated",)
    for stray in ("report.submitted", "report.sent", "ping"):
        with pytest.raises(ValueError, match=stray):
            read_kinds([stray], "public")


def test_nothing_is_made_of_an_event_for_somebody_it_is_not_for() -> None:
    """The last door: also a row that should not be there is not sent."""
    with pytest.raises(ValueError, match="not for"):
        payload("report.submitted", {"receipt": 1}, NOW, "public", "RD")


# ------------------------------------------------------------------ in order, again, and at last dead
def test_the_events_of_a_report_are_told_in_order(apply: Any, world: Any) -> None:
    """Of a report the first that waits may be claimed, and the next only when that one is delivered."""
    one = apply(lambda unit: receiver(unit, world))
    apply(lambda unit: live(unit, world))
    apply(lambda unit: report(unit, world, "A-2"))

    def turn(unit: UnitOfWork) -> list[tuple[str, str]]:
        found = unit.event_deliveries.claim(one.id, 100, NOW, NOW + timedelta(minutes=1))
        unit.event_deliveries.settle([Outcome(each) for each in found], NOW)
        return [(each.kind, each.data.get("activity", "")) for each in found]

    turns = [apply(turn) for _ in range(8)]
    told_of = [[code for _, code in each if code] for each in turns]
    assert [codes for codes in told_of if len(codes) != len(set(codes))] == []  # of each report one at a time

    of_first = [kind for each in turns for kind, code in each if code == "A-1"]
    assert of_first == [
        "report.submitted", "report.returned", "report.answered", "report.corrected", "report.validated",
        "report.taken_back",
    ]  # fmt: skip
    assert ("report.submitted", "A-2") in turns[0]


def failing(unit: UnitOfWork, one: StoredEndpoint, at: datetime, **outcome: Any) -> list[Claimed]:
    claimed = unit.event_deliveries.claim(one.id, 100, at, at + timedelta(minutes=1))
    unit.event_deliveries.settle([Outcome(each, "status", 500, **outcome) for each in claimed], at)
    return claimed


def test_what_fails_is_tried_for_three_days_and_then_is_dead(apply: Any, world: Any) -> None:
    """With pauses that double; the next of its report goes when it is dead, and a replay begins anew."""
    one = apply(lambda unit: receiver(unit, world, kinds=("report.submitted", "report.returned")))
    apply(lambda unit: live(unit, world))
    at, tries = NOW, 0
    while claimed := apply(lambda unit, at=at: failing(unit, one, at)):
        assert [each.kind for each in claimed] == ["report.submitted"]
        tries += 1
        if tries > len(PAUSES):
            break
        pause = PAUSES[tries - 1]
        assert apply(lambda unit, soon=at + pause / 2: unit.event_deliveries.claim(one.id, 9, soon, soon)) == []
        at += pause

    assert tries == len(PAUSES) + 1
    assert timedelta(days=2.9) < at - NOW < timedelta(days=3)
    assert apply(lambda unit: unit.event_deliveries.counts())[one.id, "dead"] == 1
    assert [each.kind for each in apply(lambda unit: failing(unit, one, at))] == ["report.returned"]
    assert [each.kind for each in apply(lambda unit: unit.event_deliveries.latest(one, states=("dead",)))] == [
        "report.submitted"
    ]
    assert apply(lambda unit: unit.endpoints.replay(one, now=at, by=None, only=[0])) == 0
    assert apply(lambda unit: unit.endpoints.replay(one, now=at, by=None)) == 1
    again = apply(lambda unit: unit.event_deliveries.latest(one))
    assert [each.tries for each in again] == [1, 0]
    assert apply(lambda unit: unit.event_deliveries.latest(one, before=again[0].id)) == again[1:]
    assert [each.kind for each in apply(lambda unit: failing(unit, one, at))] == ["report.submitted"]


def test_a_receiver_may_ask_for_a_longer_pause(apply: Any, world: Any) -> None:
    """429 and 503 with Retry-After: heeded, up to half a day."""
    one = apply(lambda unit: receiver(unit, world, kinds=("report.submitted",)))
    apply(lambda unit: report(unit, world))
    apply(lambda unit: failing(unit, one, NOW, not_before=NOW + timedelta(days=30)))
    waits = apply(lambda unit: unit.event_deliveries.latest(one))[0]

    assert waits.next_at == NOW + LONGEST_PAUSE


def test_whether_any_event_waits_is_known_until_the_last_was_delivered(apply: Any, world: Any) -> None:
    """Also of one in hand, which must be watched, and of one whose receiver is paused."""

    def is_any_waiting() -> bool:
        return bool(apply(lambda unit: unit.event_deliveries.is_any_waiting()))

    one = apply(lambda unit: receiver(unit, world, kinds=("report.submitted",)))
    assert not is_any_waiting()

    apply(lambda unit: report(unit, world))
    apply(lambda unit: unit.endpoints.pause(one, now=NOW, by=None))
    assert is_any_waiting()

    apply(lambda unit: unit.endpoints.resume(one, now=NOW, by=None))
    claimed = apply(lambda unit: unit.event_deliveries.claim(one.id, 1, NOW, NOW))
    assert is_any_waiting()

    assert apply(lambda unit: unit.event_deliveries.settle([Outcome(each) for each in claimed], NOW)) == 0, (
        "none is dead"
    )
    assert not is_any_waiting()


def test_who_gives_back_what_another_has_claimed_since_frees_nothing(apply: Any, world: Any) -> None:
    """What was claimed and not called waits as before, and is its next claimer's."""
    one = apply(lambda unit: receiver(unit, world, kinds=("report.submitted",)))
    apply(lambda unit: report(unit, world))
    first = apply(lambda unit: unit.event_deliveries.claim(one.id, 1, NOW, NOW))
    assert apply(lambda unit: unit.event_deliveries.give_back(first)) == 1
    assert len(apply(lambda unit: unit.event_deliveries.claim(one.id, 1, NOW, NOW))) == 1
    assert apply(lambda unit: unit.event_deliveries.give_back(first)) == 0


def test_a_try_that_was_taken_over_records_nothing(apply: Any, world: Any) -> None:
    """Its lease ran out, and another replica has it: what the first one comes back with is late."""
    one = apply(lambda unit: receiver(unit, world, kinds=("report.submitted",)))
    apply(lambda unit: report(unit, world))
    [first] = apply(lambda unit: unit.event_deliveries.claim(one.id, 1, NOW, NOW + timedelta(minutes=1)))
    assert apply(lambda unit: unit.event_deliveries.claim(one.id, 1, NOW, NOW)) == []

    later = NOW + timedelta(minutes=2)
    assert apply(lambda unit: unit.event_deliveries.claim(one.id, 1, later, later)) == [], "by no wall clock"
    assert apply(lambda unit: unit.event_deliveries.free(unit.event_deliveries.leased())) == 1
    [second] = apply(lambda unit: unit.event_deliveries.claim(one.id, 1, later, later + timedelta(minutes=1)))
    apply(lambda unit: unit.event_deliveries.settle([Outcome(first, "timeout")], later))
    apply(lambda unit: unit.event_deliveries.settle([Outcome(second)], later))
    apply(lambda unit: unit.event_deliveries.settle([Outcome(second, "timeout")], later))
    assert [(each.state, each.uid) for each in apply(lambda unit: unit.event_deliveries.latest(one))] == [
        ("delivered", first.uid)
    ]
    assert first.uid == second.uid


def test_a_claim_that_was_renewed_while_it_was_looked_at_stays(apply: Any, world: Any) -> None:
    """Its replica lives; so does what is in the watcher's own hands."""
    one = apply(lambda unit: receiver(unit, world, kinds=("report.submitted",)))
    apply(lambda unit: report(unit, world))
    [held] = apply(lambda unit: unit.event_deliveries.claim(one.id, 1, NOW, NOW + timedelta(minutes=1)))
    watched = apply(lambda unit: unit.event_deliveries.leased())
    assert [claim.id for claim in watched] == [held.id]
    assert apply(lambda unit: unit.event_deliveries.leased([held.id])) == []
    apply(lambda unit: unit.event_deliveries.hold([held.id], NOW - timedelta(hours=3)))  # by a clock that was set back
    assert apply(lambda unit: unit.event_deliveries.free(watched)) == 0


def test_an_event_rests_for_half_a_day_at_most(apply: Any, world: Any) -> None:
    """That is the longest pause: a clock that was 400 days ahead wrote what is further away."""
    one = apply(lambda unit: receiver(unit, world, kinds=("report.submitted",)))
    apply(lambda unit: report(unit, world))
    apply(lambda unit: failing(unit, one, NOW, not_before=NOW + LONGEST_PAUSE))
    assert apply(lambda unit: unit.event_deliveries.due(NOW)) == []

    days = timedelta(days=400)
    apply(lambda unit: failing(unit, one, NOW + days))
    assert apply(lambda unit: unit.event_deliveries.due(NOW)) == [one.id]
    assert len(apply(lambda unit: failing(unit, one, NOW))) == 1


def test_what_a_dead_replica_had_in_hand_is_free_at_once(apply: Any, world: Any) -> None:
    """Whoever buries it frees it (docs/decisions/presence-and-leases.md), long before a lease ends."""
    one = apply(lambda unit: receiver(unit, world, kinds=("report.submitted",)))
    apply(lambda unit: report(unit, world))

    def die(unit: UnitOfWork) -> None:
        unit.replica_id = unit.replicas.add(NOW)
        assert unit.event_deliveries.claim(one.id, 1, NOW, NOW + timedelta(minutes=1))

    apply(die)
    apply(lambda unit: unit.replicas.bury(unit.replicas.all(), NOW))

    assert len(apply(lambda unit: unit.event_deliveries.claim(one.id, 1, NOW, NOW))) == 1


def test_a_paused_receiver_is_not_called_and_loses_nothing(apply: Any, world: Any) -> None:
    """What happens meanwhile waits for it."""
    one = apply(lambda unit: receiver(unit, world, kinds=("report.submitted",)))
    assert apply(lambda unit: unit.endpoints.pause(one, now=NOW, by=None))

    apply(lambda unit: report(unit, world))
    assert apply(lambda unit: unit.event_deliveries.due(NOW)) == []
    assert not apply(lambda unit: unit.event_deliveries.is_wanted(one.id))
    assert apply(lambda unit: unit.endpoints.resume(one, now=NOW, by=None))
    assert apply(lambda unit: unit.event_deliveries.is_wanted(one.id))
    assert apply(lambda unit: unit.event_deliveries.due(NOW)) == [one.id]


# ------------------------------------------------------------------ the receivers themselves
def test_address_and_secret_are_sealed(apply: Any, world: Any, vault: Vault) -> None:
    """Many addresses are secrets too: neither is in the table, nor in the log; the keyring opens them."""
    one = apply(lambda unit: receiver(unit, world))
    raw = apply(lambda unit: str(unit.connection.execute(text("SELECT * FROM endpoint")).all()))
    entries = apply(lambda unit: str(unit.audit.latest()))

    assert "whsec_" not in raw + entries
    assert "key=abc" not in raw + entries
    assert "whsec_" not in repr(one) + repr(TARGET)
    assert target_of(vault, one) == TARGET


def test_whatever_is_done_to_a_receiver_is_audited(apply: Any, world: Any) -> None:
    """Added, paused, switched off, changed, resumed, tried, replayed, removed; what waited for it goes with it."""
    one = apply(lambda unit: receiver(unit, world))
    apply(lambda unit: report(unit, world))
    apply(lambda unit: unit.connection.execute(table(EventDelivery).update().values(state="dead")))
    told, by = ("plan.changed",), world.person_ids[2]
    assert apply(lambda unit: unit.endpoints.set_kinds(one, told, now=NOW, by=by))

    changed = apply(lambda unit: unit.endpoints.get(world.plan_id, one.id))
    assert changed.kinds == told
    assert not apply(lambda unit: unit.endpoints.set_kinds(changed, told, now=NOW, by=by))

    assert apply(lambda unit: unit.endpoints.switch_off(one, now=NOW))
    for act in ("resume", "pause", "tried", "replay", "remove"):
        apply(lambda unit, act=act: getattr(unit.endpoints, act)(one, now=NOW, by=by))
    entries = [entry for entry in apply(lambda unit: unit.audit.latest()) if entry.act.startswith("endpoint.")]
    acts = [entry.act for entry in entries]
    added = next(entry for entry in entries if entry.act == "endpoint.added")
    assert {entry.plan_id for entry in entries} == {world.plan_id}
    assert added.details["kinds"] == len(one.kinds)
    assert sorted(acts) == sorted(act for act in audit.AUDITED_ACTS if act.startswith("endpoint."))

    with pytest.raises(NotFound):
        apply(lambda unit: unit.endpoints.get(world.plan_id, one.id))
    assert apply(lambda unit: unit.event_deliveries.counts()) == {}


def test_a_plan_has_few_receivers(apply: Any, world: Any) -> None:
    """Each is paid for by every act."""
    for number in range(MOST):
        apply(lambda unit, number=number: receiver(unit, world, at=NOW + timedelta(seconds=number)))
    with pytest.raises(Conflict, match=str(MOST)):
        apply(lambda unit: receiver(unit, world))


def test_what_was_delivered_is_forgotten_after_a_while(apply: Any, world: Any) -> None:
    """And what still waits is not."""
    one = apply(lambda unit: receiver(unit, world, kinds=("report.submitted", "plan.changed")))
    apply(lambda unit: report(unit, world))
    apply(lambda unit: claim_all(unit, one.id))
    apply(lambda unit: report(unit, world, "A-2"))

    assert apply(lambda unit: unit.event_deliveries.purge(NOW + timedelta(days=1))) == 2
    assert [each.state for each in apply(lambda unit: unit.event_deliveries.latest(one))] == ["waiting"]
