"""A receipt is for ever: numbered, once per form session, corrected only by a further version (G6)."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from storage.database.journeys import Line
from storage.errors import Conflict, NotFound
from storage.open_database import Database, open_database
from storage.reports.submissions import StoredSubmission
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE
from tests.storage.database.groups import begin_chats, gathered, update
from tests.storage.receipts import by_receipt
from tests.storage.validation import set_state

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("sensitive", [False, True])
def test_what_was_sent_comes_back(apply: Any, world: Any, sensitive: bool) -> None:
    """Answers, figures, times."""
    answers = {"/data/reached": "12", "/data/note": "ñ 😀"}
    sent = apply(
        lambda unit: world.submit(
            unit, sensitive=sensitive, answers=answers, activity_status="in_progress", progress=40
        )
    )
    with_answers = apply(lambda unit: (unit.submissions.get(sent.id), unit.submissions.answers(sent)))

    assert with_answers == (sent, answers)
    assert (sent.progress, sent.version, sent.is_current, sent.root_id) == (40, 1, True, "uuid:1")
    assert (sent.text is None) is sensitive


def test_receipts_of_a_plan_are_numbered_from_one_without_gaps(apply: Any, world: Any) -> None:
    """And can be looked up by what the officer has in hand."""
    numbers = [apply(lambda unit, n=n: world.submit(unit, f"uuid:{n}")).receipt_number for n in range(5)]
    assert numbers == [1, 2, 3, 4, 5]
    assert apply(lambda unit: by_receipt(unit, world.plan_id, 3)).instance_id == "uuid:2"
    assert apply(lambda unit: by_receipt(unit, world.plan_id, 6)) is None


def test_sending_twice_gives_the_same_receipt(apply: Any, world: Any) -> None:
    """Whatever the second one contains: nothing is overwritten."""
    first = apply(lambda unit: world.submit(unit, answers={"a": "1"}))
    second = apply(lambda unit: world.submit(unit, answers={"a": "2"}))
    assert second == first
    assert apply(lambda unit: unit.submissions.answers(second)) == {"a": "1"}


def test_a_failed_unit_takes_its_number_back(apply: Any, world: Any) -> None:
    """The next receipt has it: an auditor finds no hole."""

    def send_and_fail(unit: UnitOfWork) -> None:
        world.submit(unit, "uuid:lost")
        raise KeyError

    with pytest.raises(KeyError):
        apply(send_and_fail)
    assert apply(world.submit).receipt_number == 1


def test_two_replicas_number_without_collision(
    postgres_database: Database, postgres_url: str, world_on_postgres: Any
) -> None:
    """Also when everybody sends at once, and some of them the same."""
    world = world_on_postgres
    start = threading.Barrier(2)

    def send(number: int, meet: bool) -> Any:
        def work(unit: UnitOfWork) -> int:
            if meet:
                start.wait(PATIENCE)
            return int(world.submit(unit, f"uuid:{number % 20}").receipt_number)

        return work

    with open_database(postgres_url, vault=postgres_database.vault) as replica:
        futures = [
            database.units.submit(n, send(n + shift, n == 0))
            for shift, database in ((0, postgres_database), (10, replica))
            for n in range(20)
        ]
        numbers = [future.result(PATIENCE) for future in futures]

    assert sorted(set(numbers)) == list(range(1, 21))


def in_a_group(database: Database, works: Sequence[Callable[[UnitOfWork], Any]]) -> list[Future[Any]]:
    """Apply these in one transaction, each as an update of another chat."""
    begin_chats(database)
    with gathered(database):
        futures = [database.units.submit(n, work, opening=update(n)) for n, work in enumerate(works, 1)]
    for future in futures:
        future.exception(PATIENCE)
    return futures


def test_a_group_locks_the_plan_once_and_counts_on(
    postgres_database: Database, world_on_postgres: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without gaps, also if a unit between them fails that has counted; rows are numbered in the same order."""
    world, locked = world_on_postgres, []
    ask_all = Line.ask_all

    def heard(self: Line, asked: Any, **more: Any) -> Any:
        locked.extend(statement.sql for statement, _ in asked if "NO KEY UPDATE" in statement.sql)
        return ask_all(self, asked, **more)

    def send(instance_id: str) -> Callable[[UnitOfWork], StoredSubmission]:
        return lambda unit: world.submit(unit, instance_id, may_have_files=False)

    def send_and_fail(unit: UnitOfWork) -> None:
        send("uuid:lost")(unit)
        raise KeyError

    monkeypatch.setattr(Line, "ask_all", heard)
    futures = in_a_group(postgres_database, [send("uuid:1"), send("uuid:2"), send("uuid:3")])
    assert [future.result().receipt_number for future in futures] == [1, 2, 3]
    assert (len(locked), postgres_database.units.parted) == (1, 0)
    ids = [future.result().id for future in futures]
    assert ids == sorted(ids)

    futures = in_a_group(postgres_database, [send("uuid:4"), send_and_fail, send("uuid:5")])
    assert isinstance(futures[1].exception(), KeyError)
    assert [futures[0].result().receipt_number, futures[2].result().receipt_number] == [4, 5]


def test_a_group_counts_only_until_it_ends(postgres_database: Database, world_on_postgres: Any) -> None:
    """What others number meanwhile is not numbered again. Three groups: each of the two connections is met again."""

    def send(number: int) -> Callable[[UnitOfWork], int]:
        return lambda unit: int(world_on_postgres.submit(unit, f"uuid:{number}", may_have_files=False).receipt_number)

    numbers = []
    for number in (1, 3, 5):
        numbers += [future.result() for future in in_a_group(postgres_database, [send(number)])]
        numbers.append(postgres_database.units.submit(None, send(number + 1)).result(PATIENCE))
    assert (numbers, postgres_database.units.parted) == ([1, 2, 3, 4, 5, 6], 0)


def test_a_conflict_in_a_group_takes_no_number(postgres_database: Database, world_on_postgres: Any) -> None:
    """The unit goes on and says so; the next receipt has the number."""
    world = world_on_postgres
    about = {"subject": "activity:PRE-101", "reporting_period_id": world.period_ids[0]}

    def send(instance_id: str, **more: Any) -> Callable[[UnitOfWork], int | None]:
        def work(unit: UnitOfWork) -> int | None:
            try:
                return int(world.submit(unit, instance_id, may_have_files=False, **more).receipt_number)
            except Conflict:
                return None

        return work

    works = [send("uuid:1", **about), send("uuid:2", **about), send("uuid:3")]
    assert [future.result() for future in in_a_group(postgres_database, works)] == [1, None, 2]


def test_sending_twice_in_one_group_gives_the_same_receipt(postgres_database: Database, world_on_postgres: Any) -> None:
    """The group does not ask for what was sent before: the unique key says it, and its units are applied alone."""

    def send(unit: UnitOfWork) -> StoredSubmission:
        sent: StoredSubmission = world_on_postgres.submit(unit, "uuid:1", may_have_files=False)
        return sent

    first, second = (future.result() for future in in_a_group(postgres_database, [send, send]))
    assert (first.id, first.receipt_number) == (second.id, second.receipt_number)
    assert postgres_database.units.parted == 1


def test_a_correction_is_a_new_version_and_the_old_one_stays(apply: Any, world: Any) -> None:
    """Same root, one current, both readable."""
    about = {"subject": "activity:PRE-101", "reporting_period_id": world.period_ids[0]}
    first = apply(lambda unit: world.submit(unit, "uuid:1", answers={"a": "1"}, **about))
    second = apply(lambda unit: world.submit(unit, "uuid:2", answers={"a": "2"}, supersedes_id=first.id, **about))
    assert (second.version, second.root_id, second.deprecated_instance_id) == (2, "uuid:1", "uuid:1")

    chain = apply(lambda unit: unit.submissions.versions("uuid:1"))
    assert [(s.id, s.is_current) for s in chain] == [(first.id, False), (second.id, True)]
    assert apply(lambda unit: [unit.submissions.answers(s)["a"] for s in chain]) == ["1", "2"]
    assert apply(lambda unit: by_receipt(unit, world.plan_id, first.receipt_number)).id == first.id


def test_what_has_been_corrected_cannot_be_corrected_again(apply: Any, world: Any) -> None:
    """The chain never forks."""
    first = apply(lambda unit: world.submit(unit, "uuid:1"))
    apply(lambda unit: world.submit(unit, "uuid:2", supersedes_id=first.id))
    with pytest.raises(Conflict):
        apply(lambda unit: world.submit(unit, "uuid:3", supersedes_id=first.id))
    with pytest.raises(NotFound):
        apply(lambda unit: world.submit(unit, "uuid:4", supersedes_id=10**6))


def test_one_subject_and_period_is_reported_once_and_the_unit_can_say_so(apply: Any, world: Any) -> None:
    """Focal point and alternate cannot double a report."""
    about = {"subject": "activity:PRE-101", "reporting_period_id": world.period_ids[0]}
    first = apply(lambda unit: world.submit(unit, "uuid:1", **about))

    def second(unit: UnitOfWork) -> int:
        with pytest.raises(Conflict, match="receipt 1"):
            world.submit(unit, "uuid:2", **about)
        current = unit.submissions.current(world.plan_id, world.form_key, "activity:PRE-101", world.period_ids[0])
        assert current is not None
        return current.id

    assert apply(second) == first.id
    assert apply(lambda unit: unit.submissions.by_instance("uuid:2")) is None


def test_the_previous_report_is_that_of_the_latest_period_before(apply: Any, world: Any) -> None:
    """Corrections count, later periods and other subjects do not."""
    august, september = world.period_ids
    subject = {"subject": "activity:PRE-101"}
    old = apply(lambda unit: world.submit(unit, "uuid:1", reporting_period_id=august, **subject))
    new = apply(lambda unit: world.submit(unit, "uuid:2", reporting_period_id=august, supersedes_id=old.id, **subject))
    last = apply(lambda unit: world.submit(unit, "uuid:3", reporting_period_id=september, **subject))
    plan = world.plan_id
    assert apply(lambda unit: unit.submissions.latest(plan, "activity:PRE-101")) == last

    before = apply(lambda unit: unit.submissions.latest(plan, "activity:PRE-101", before_period_id=september))
    assert before == new
    assert apply(lambda unit: unit.submissions.latest(plan, "activity:PRE-101", before_period_id=august)) is None
    assert apply(lambda unit: unit.submissions.latest(plan, "activity:PRE-102")) is None


def test_reported_subjects_of_a_period_are_a_set(apply: Any, world: Any) -> None:
    """What is due no longer."""
    august, september = world.period_ids
    for number, (subject, period) in enumerate(
        [("activity:A", august), ("activity:B", august), ("activity:C", september)]
    ):
        apply(
            lambda unit, n=number, s=subject, p=period: world.submit(
                unit, f"uuid:{n}", subject=s, reporting_period_id=p
            )
        )
    apply(lambda unit: world.submit(unit, "uuid:none"))
    assert apply(lambda unit: unit.submissions.current_for(world.plan_id, august)) == {"activity:A", "activity:B"}


def test_history_is_paged_newest_first(apply: Any, world: Any) -> None:
    """Page after page, each once; corrected versions only if asked for."""
    sent = [apply(lambda unit, n=n: world.submit(unit, f"uuid:{n}", now=NOW + timedelta(hours=n))) for n in range(5)]
    apply(lambda unit: world.submit(unit, "uuid:other", person_id=world.person_ids[1], agency_id=world.agency_ids[1]))
    person, agency = world.person_ids[0], world.agency_ids[0]
    first = apply(lambda unit: unit.submissions.of_person(person, limit=3))
    second = apply(lambda unit: unit.submissions.of_person(person, limit=3, before=first[-1].id))
    assert first + second == sent[::-1]
    assert apply(lambda unit: unit.submissions.of_agency(agency)) == sent[::-1]

    apply(lambda unit: world.submit(unit, "uuid:new", supersedes_id=sent[0].id))
    assert sent[0].id not in {s.id for s in apply(lambda unit: unit.submissions.of_agency(agency))}
    assert sent[0].id in {s.id for s in apply(lambda unit: unit.submissions.of_agency(agency, only_current=False))}


def test_validation_is_of_the_current_version(apply: Any, world: Any) -> None:
    """A coordinator who looks at a corrected report is told."""
    first = apply(lambda unit: world.submit(unit, "uuid:1"))
    second = apply(lambda unit: world.submit(unit, "uuid:2"))
    apply(lambda unit: set_state(unit, first.id, "validated"))
    states = [apply(lambda unit, id=id: unit.submissions.get(id).validation_state) for id in (first.id, second.id)]

    assert states == ["validated", "submitted"]

    apply(lambda unit: world.submit(unit, "uuid:3", supersedes_id=second.id))
    with pytest.raises(Conflict):
        apply(lambda unit: set_state(unit, second.id, "validated"))


def test_the_version_validated_last_stands_until_the_next_one_is(apply: Any, world: Any) -> None:
    """What is told outside is never nothing because somebody corrected it, and never what nobody has validated."""

    def standing() -> list[str]:
        read = "SELECT instance_id FROM submission WHERE is_standing"
        return [found for (found,) in apply(lambda unit: unit.connection.exec_driver_sql(read).all())]

    first = apply(lambda unit: world.submit(unit, "uuid:1"))
    other = apply(lambda unit: world.submit(unit, "uuid:other"))
    assert standing() == []

    apply(lambda unit: set_state(unit, first.id, "validated"))
    second = apply(lambda unit: world.submit(unit, "uuid:2", supersedes_id=first.id, validation_state="corrected"))
    apply(lambda unit: set_state(unit, other.id, "returned"))
    assert standing() == ["uuid:1"]

    apply(lambda unit: set_state(unit, second.id, "returned"))
    third = apply(lambda unit: world.submit(unit, "uuid:3", supersedes_id=second.id, validation_state="corrected"))
    assert standing() == ["uuid:1"]

    apply(lambda unit: set_state(unit, third.id, "validated"))
    assert standing() == ["uuid:3"]

    apply(lambda unit: set_state(unit, third.id, "corrected"))
    assert standing() == ["uuid:1"], "taken back"


def test_a_chain_is_found_and_numbered_by_its_key(apply: Any, world: Any) -> None:
    """However many submissions there are, its versions are looked for by their root; none is there twice."""
    first = apply(lambda unit: world.submit(unit, "uuid:1"))

    def plan(unit: UnitOfWork) -> str:
        if unit.is_postgresql:
            unit.connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # which is the faster for one row
        explain = "EXPLAIN" if unit.is_postgresql else "EXPLAIN QUERY PLAN"
        read = f"{explain} SELECT * FROM submission WHERE root_id = 'uuid:1' ORDER BY version"
        return str(unit.connection.exec_driver_sql(read).all())

    assert "uq_submission_version" in apply(plan)

    apply(lambda unit: world.submit(unit, "uuid:2", supersedes_id=first.id))
    with pytest.raises(IntegrityError):
        apply(lambda unit: unit.connection.exec_driver_sql("UPDATE submission SET version = 1"))


def test_a_submission_in_a_log_shows_no_answers(apply: Any, world: Any) -> None:
    """S8."""
    assert "canary" not in repr(apply(lambda unit: world.submit(unit, answers={"a": "canary"})))
