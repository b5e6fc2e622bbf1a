"""Decisions about reports: one wins, each is audited, and a queue that knows to whom a report comes back."""

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import ANY

import pytest
from sqlalchemy import insert

from storage.calendar.ledger import NewFire
from storage.database.models import Membership, Person, table
from storage.errors import Conflict
from storage.open_database import Database
from storage.reports.reviews import OwnReport, StoredDecision
from storage.reports.submissions import StoredSubmission
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def audited(unit: UnitOfWork) -> list[str]:
    return [entry.act for entry in unit.audit.latest()]


def report(world: Any, unit: UnitOfWork, code: str = "A", **changes: Any) -> StoredSubmission:
    about = {"subject": f"activity:{code}", "reporting_period_id": world.period_ids[0]}
    sent: StoredSubmission = world.submit(unit, f"uuid:{code}", **about | changes)
    return sent


def again(world: Any, unit: UnitOfWork, old: StoredSubmission, state: str, **changes: Any) -> StoredSubmission:
    """The next version of it."""
    about = {"subject": old.subject, "reporting_period_id": old.reporting_period_id, "supersedes_id": old.id}
    sent: StoredSubmission = world.submit(
        unit, f"{old.root_id}:{old.version + 1}", validation_state=state, **about | changes
    )
    return sent


@pytest.fixture
def second(apply: Any, world: Any) -> int:
    """Another coordinator."""

    def join(unit: UnitOfWork) -> int:
        values = {
            "telegram_id": 5_000_000_099, "name": "Second", "language": "es", "timezone": "America/Santo_Domingo",
            "joined_at": NOW,
        }  # fmt: skip
        added = insert(table(Person)).values(**values).returning(table(Person).c.id)
        person: int = unit.connection.execute(added).scalar_one()
        unit.connection.execute(
            insert(table(Membership)).values(
                plan_id=world.plan_id, person_id=person, agency_id=None, role="coordinator", active_from=NOW
            )
        )
        return person

    made: int = apply(join)
    return made


@pytest.mark.parametrize("sensitive", [False, True])
def test_a_decision_moves_the_report_and_is_audited_with_its_reason_kept(
    apply: Any, world: Any, sensitive: bool
) -> None:
    """The reason of a restricted one is sealed, and the audit log holds numbers alone (S12, S13)."""

    def work(unit: UnitOfWork) -> tuple[StoredDecision, str, str, Any]:
        sent = report(world, unit, sensitive=sensitive)
        made = unit.reviews.decide(
            sent, "returned", world.person_ids[2], NOW, questions=["/data/people"], reason="No cuadra con agosto"
        )
        kept = unit.reviews.of_chain(sent.root_id)
        assert kept == [made]
        details = unit.audit.latest()[0]
        return made, unit.reviews.reason(kept[0]), unit.submissions.get(sent.id).validation_state, details

    made, reason, state, entry = apply(work)

    assert (reason, state) == ("No cuadra con agosto", "returned")
    assert (made.text is None) is sensitive
    assert made.questions == ["/data/people"]
    marked = {"decision": made.id, "mark": ANY, "words": ANY}
    assert (entry.act, entry.details) == ("report.returned", {"receipt": 1, "version": 1, "questions": 1, **marked})


@pytest.mark.parametrize(
    ("state", "decision"),
    [
        ("returned", "validated"), ("returned", "returned"), ("validated", "validated"), ("validated", "returned"),
        ("draft", "validated"), ("submitted", "answered"), ("validated", "answered"), ("corrected", "answered"),
    ],
)  # fmt: skip
def test_an_illegal_move_is_refused_and_writes_nothing(apply: Any, world: Any, state: str, decision: Any) -> None:
    """docs/domain.md#status-and-validation: whatever is tapped."""

    def work(unit: UnitOfWork) -> list[str]:
        sent = report(world, unit, validation_state=state)
        with pytest.raises(Conflict):
            unit.reviews.decide(sent, decision, world.person_ids[2], NOW)
        assert unit.submissions.get(sent.id).validation_state == state
        assert unit.reviews.of_chain(sent.root_id) == []
        return audited(unit)

    assert apply(work) == []


def test_nobody_decides_about_what_they_sent(apply: Any, world: Any, second: int) -> None:
    """Any version of it: who reported it once does not judge its correction either."""

    def work(unit: UnitOfWork) -> None:
        first = report(world, unit, person_id=world.person_ids[2])
        sent = again(world, unit, first, "submitted")
        for decision in ("validated", "returned"):
            with pytest.raises(OwnReport):
                unit.reviews.decide(sent, decision, world.person_ids[2], NOW)
        unit.reviews.decide(sent, "validated", second, NOW)

    apply(work)


def test_who_is_slower_changes_nothing(apply: Any, world: Any, second: int) -> None:
    """Both read the same version in the same state; the second decision finds another."""

    def work(unit: UnitOfWork) -> list[int]:
        read = report(world, unit)
        unit.reviews.decide(read, "validated", world.person_ids[2], NOW)
        with pytest.raises(Conflict):
            unit.reviews.decide(read, "returned", second, NOW)
        return [each.person_id for each in unit.reviews.of_chain(read.root_id)]

    assert apply(work) == [world.person_ids[2]]


def test_two_coordinators_at_once_on_two_connections(postgres_database: Database, world_on_postgres: Any) -> None:
    """PostgreSQL: the second waits for the first's transaction, and then has nothing to change."""
    world, units = world_on_postgres, postgres_database.units
    sent = units.submit(None, lambda unit: report(world, unit)).result(PATIENCE)

    def decide(unit: UnitOfWork) -> str:
        try:
            return unit.reviews.decide(sent, "validated", world.person_ids[2], NOW).decision
        except Conflict:
            return "too late"

    outcomes = [units.submit(None, decide) for _ in range(6)]
    found = sorted(each.result(PATIENCE) for each in outcomes)

    assert found == ["too late"] * 5 + ["validated"]


def test_a_version_that_has_been_corrected_is_not_decided_about(apply: Any, world: Any) -> None:
    """The coordinator read the old one."""

    def work(unit: UnitOfWork) -> None:
        old = report(world, unit)
        new = again(world, unit, old, "submitted")
        with pytest.raises(Conflict):
            unit.reviews.decide(old, "validated", world.person_ids[2], NOW)
        assert unit.submissions.get(new.id).validation_state == "submitted"

    apply(work)


# ------------------------------------------------------------------ taking back
def test_a_validation_is_taken_back_by_who_gave_it_for_some_minutes(apply: Any, world: Any, second: int) -> None:
    """Then it waits again as it did; later, by another, or twice: no."""
    me = world.person_ids[2]

    def decided(unit: UnitOfWork) -> StoredSubmission:
        sent = report(world, unit)
        unit.reviews.decide(sent, "validated", me, NOW)
        return unit.submissions.get(sent.id)

    def work(unit: UnitOfWork) -> list[str]:
        sent = decided(unit)
        for who, at in ((second, NOW), (me, LATER)):
            with pytest.raises(Conflict):
                unit.reviews.take_back(sent, who, at)
        unit.reviews.take_back(sent, me, NOW + timedelta(minutes=10))
        sent = unit.submissions.get(sent.id)
        assert sent.validation_state == "submitted"
        with pytest.raises(Conflict):
            unit.reviews.take_back(sent, me, NOW)
        assert unit.reviews.pace(world.plan_id, NOW - timedelta(days=7)).validated == 0
        return audited(unit)

    assert apply(work) == ["report.taken_back", "report.validated"]


def test_taken_back_a_correction_is_a_correction_again(apply: Any, world: Any) -> None:
    """What had been validated before says so."""
    me = world.person_ids[2]

    def work(unit: UnitOfWork) -> str:
        first = report(world, unit)
        unit.reviews.decide(first, "validated", me, NOW)
        new = again(world, unit, first, "corrected")
        unit.reviews.decide(new, "validated", me, NOW)
        unit.reviews.take_back(unit.submissions.get(new.id), me, NOW)
        return unit.submissions.get(new.id).validation_state

    assert apply(work) == "corrected"


# ------------------------------------------------------------------ the queue
def test_the_oldest_first_and_on_top_what_comes_back(apply: Any, world: Any, second: int) -> None:
    """To whoever returned it; to the others it is one like any other."""
    me = world.person_ids[2]

    def work(unit: UnitOfWork) -> tuple[list[str], list[str]]:
        report(world, unit, "A", now=NOW)
        returned = report(world, unit, "B", now=NOW + timedelta(minutes=1))
        report(world, unit, "C", now=NOW + timedelta(minutes=2), sensitive=True)
        report(world, unit, "D", validation_state="validated")
        unit.reviews.decide(returned, "returned", me, NOW)
        assert [one.code for one in unit.reviews.queue(world.plan_id, me)] == ["A", "C"]
        again(world, unit, unit.submissions.get(returned.id), "submitted", now=LATER)
        mine, theirs = unit.reviews.queue(world.plan_id, me), unit.reviews.queue(world.plan_id, second)
        assert [(one.version, one.reviewer_id, one.agency_code) for one in mine[:1]] == [(2, me, "MINERD")]
        return [one.code for one in mine], [one.code for one in theirs]

    mine, theirs = apply(work)

    assert mine == ["B", "A", "C"]
    assert theirs == ["A", "C", "B"]


def test_a_return_is_settled_by_a_validation(apply: Any, world: Any) -> None:
    """A later correction is nobody's in particular; a validation taken back settles nothing."""
    me = world.person_ids[2]

    def work(unit: UnitOfWork) -> list[bool]:
        sent = report(world, unit)
        unit.reviews.decide(sent, "returned", me, NOW, reason="why.sum")
        found = [unit.reviews.asked(sent.root_id) is not None]
        unit.reviews.decide(unit.submissions.get(sent.id), "answered", world.person_ids[0], NOW, reason="Así es")
        found.append(unit.reviews.asked(sent.root_id) is not None)
        unit.reviews.decide(unit.submissions.get(sent.id), "validated", me, NOW)
        found.append(unit.reviews.asked(sent.root_id) is not None)
        unit.reviews.take_back(unit.submissions.get(sent.id), me, NOW)
        found.append(unit.reviews.asked(sent.root_id) is not None)
        return found

    assert apply(work) == [True, True, False, True]


def test_the_week_counts_what_was_validated_and_how_long_it_waited(apply: Any, world: Any) -> None:
    """The middle one of the last seven days."""
    me = world.person_ids[2]

    def work(unit: UnitOfWork) -> Any:
        for code, days in (("A", 1), ("B", 3), ("C", 9)):
            sent = report(world, unit, code, now=NOW - timedelta(days=days))
            unit.reviews.decide(sent, "validated", me, NOW)
        old = report(world, unit, "D", now=NOW - timedelta(days=30))
        unit.reviews.decide(old, "validated", me, NOW - timedelta(days=20))
        return unit.reviews.pace(world.plan_id, NOW - timedelta(days=7))

    pace = apply(work)
    assert (pace.validated, pace.median_days) == (3, 3.0)


def test_another_plans_reports_are_not_in_it(apply: Any, world: Any) -> None:
    """A queue is of one plan."""

    def work(unit: UnitOfWork) -> int:
        report(world, unit)
        return len(unit.reviews.queue(world.plan_id + 1))

    assert apply(work) == 0


def test_what_was_sent_back_is_known_by_subject_and_period(apply: Any, world: Any) -> None:
    """Until it is sent again."""

    def work(unit: UnitOfWork) -> list[list[tuple[str | None, int | None]]]:
        sent = report(world, unit)
        unit.reviews.decide(sent, "returned", world.person_ids[2], NOW)
        found = [unit.reviews.returned(world.plan_id)]
        again(world, unit, unit.submissions.get(sent.id), "submitted")
        return [*found, unit.reviews.returned(world.plan_id)]

    assert apply(work) == [[("activity:A", world.period_ids[0])], []]


def test_who_reported_is_told_once_of_what_stands_validated(apply: Any, world: Any) -> None:
    """Not of what can be taken back or was, not of what has been corrected since, and not a second time."""
    me, ana = world.person_ids[2], world.person_ids[0]
    back = timedelta(days=7)

    def work(unit: UnitOfWork) -> list[dict[int, list[str]]]:
        def untold(hours: int) -> dict[int, list[str]]:
            return unit.reviews.validations_to_tell(world.plan_id, "validated", NOW + timedelta(hours=hours), back)

        for code in "ABC":
            unit.reviews.decide(report(world, unit, code), "validated", me, NOW)
        unit.reviews.take_back(unit.submissions.by_instance("uuid:B"), me, NOW)
        again(world, unit, unit.submissions.by_instance("uuid:C"), "corrected")
        found = [untold(0), untold(1)]
        fire = NewFire(ana, "validated", NOW.date(), "skipped", "nothing_left")
        unit.ledger.fire_all(world.plan_id, [fire], NOW + timedelta(hours=1))
        unit.reviews.decide(report(world, unit, "D"), "validated", me, NOW + timedelta(minutes=50))
        return [*found, untold(2), untold(24 * 9)]

    assert apply(work) == [{}, {ana: ["A"]}, {ana: ["D"]}, {}]
