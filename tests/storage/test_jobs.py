"""Long work is done once at a time, survives its worker, and ends in the end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from storage.database import Database
from storage.errors import NotFound
from storage.unit_of_work import UnitOfWork

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
LEASE = NOW + timedelta(minutes=5)


def take(unit: UnitOfWork, now: datetime = NOW, **options: Any) -> Any:
    return unit.jobs.claim(now, now + timedelta(minutes=5), **options)


def test_jobs_are_claimed_oldest_first_and_once(apply: Any) -> None:
    """By kind if wanted."""
    first, second, third = apply(
        lambda unit: [unit.jobs.add(kind, {"n": 1}, NOW, chat_id=5) for kind in ("fetch", "export", "fetch")]
    )
    assert [job.id for job in apply(lambda unit: take(unit, kinds=("export",)))] == [second]
    (job,) = apply(take)
    assert (job.id, job.kind, job.payload, job.chat_id, job.attempts) == (first, "fetch", {"n": 1}, 5, 1)
    assert [job.id for job in apply(lambda unit: take(unit, limit=9))] == [third]
    assert apply(take) == []


def test_a_job_waits_for_its_time(apply: Any) -> None:
    """`not_before` is inclusive."""
    apply(lambda unit: unit.jobs.add("fetch", {}, NOW, not_before=LEASE))
    assert apply(take) == []
    assert len(apply(lambda unit: take(unit, LEASE))) == 1


def test_a_worker_asks_without_taking_whether_there_is_work(database: Database, apply: Any) -> None:
    """Through a reader: what is due, what a dead worker left, what is on its way; nothing else, and no other kind."""

    def has_work(now: datetime = NOW, kind: str = "fetch") -> bool:
        with database.view() as unit:
            return unit.jobs.has_work(now, (kind,))

    assert not has_work()
    id = apply(lambda unit: unit.jobs.add("fetch", {}, NOW, not_before=LEASE))
    assert (has_work(), has_work(LEASE), has_work(LEASE, "export")) == (False, True, False)
    (job,) = apply(lambda unit: take(unit, LEASE))
    later = LEASE + timedelta(minutes=5)
    assert (has_work(LEASE), has_work(later)) == (False, True)
    apply(lambda unit: unit.jobs.hand_over(id, {}))
    assert has_work(LEASE)
    apply(lambda unit: unit.jobs.over(job.id, "", LEASE))
    assert not has_work(later)


def test_a_worker_that_lost_its_lease_cannot_settle_what_another_is_doing(apply: Any) -> None:
    """The claim is numbered."""
    apply(lambda unit: unit.jobs.add("fetch", {}, NOW))
    (lost,) = apply(take)
    assert apply(lambda unit: unit.jobs.requeue_expired(NOW)) == 0
    assert apply(lambda unit: unit.jobs.requeue_expired(LEASE)) == 1
    (mine,) = apply(lambda unit: take(unit, LEASE))
    assert (mine.id, mine.attempts) == (lost.id, 2)
    assert apply(lambda unit: unit.jobs.settle(lost, LEASE)) is False
    assert apply(lambda unit: unit.jobs.retry(lost, "late", LEASE)) is False
    assert apply(lambda unit: unit.jobs.settle(mine, LEASE)) is True
    assert apply(lambda unit: unit.jobs.settle(mine, LEASE)) is False
    assert apply(lambda unit: unit.jobs.purge(LEASE + timedelta(seconds=1))) == 1


def test_a_failing_job_is_tried_after_growing_pauses_and_then_given_up(apply: Any) -> None:
    """5 s, 10 s, 20 s …"""
    apply(lambda unit: unit.jobs.add("fetch", {}, NOW))
    (job,) = apply(take)
    now, pauses = NOW, []
    for _ in range(3):
        assert apply(lambda unit, job=job, now=now: unit.jobs.retry(job, "502", now, tries=4))
        for pause in range(1, 99):
            found = apply(lambda unit, at=now + timedelta(seconds=pause): take(unit, at))
            if found:
                break
        (job,) = found
        pauses.append(pause)
        now += timedelta(seconds=pause)
    assert (pauses, job.attempts) == ([5, 10, 20], 4)
    apply(lambda unit: unit.jobs.retry(job, "502", now, tries=4))
    assert apply(lambda unit: take(unit, now + timedelta(days=9))) == []


def test_a_job_nobody_has_begun_can_be_cancelled(apply: Any) -> None:
    """A revoked export."""
    waiting = apply(lambda unit: unit.jobs.add("export", {}, NOW))
    assert apply(lambda unit: unit.jobs.cancel(waiting, NOW)) is True
    assert apply(lambda unit: unit.jobs.cancel(waiting, NOW)) is False
    apply(lambda unit: unit.jobs.add("export", {}, NOW))
    (running,) = apply(take)
    assert apply(lambda unit: unit.jobs.cancel(running.id, NOW)) is False


def test_two_workers_never_take_the_same_job(postgres_database: Database) -> None:
    """Side by side on PostgreSQL."""
    units = postgres_database.units
    ids = units.submit(None, lambda unit: [unit.jobs.add("fetch", {}, NOW) for _ in range(30)]).result(20)
    claims = [units.submit(None, lambda unit: take(unit, limit=2)) for _ in range(40)]
    taken = [job.id for future in claims for job in future.result(20)]
    assert sorted(taken) == ids


@pytest.mark.parametrize("instant", [datetime(2018, 10, 3, 12, 0), "2018-10-03"])
def test_a_naive_time_is_refused(apply: Any, instant: Any) -> None:
    """Instants are aware, everywhere."""
    with pytest.raises(Exception, match=r"naive|tzinfo"):
        apply(lambda unit: unit.jobs.add("fetch", {}, instant))


def test_a_job_whose_result_is_sent_is_held_handed_over_and_over(apply: Any) -> None:
    """Only the claim that still holds it goes on; what it made is `sending` until it is known what became of it."""
    number = apply(lambda unit: unit.jobs.add("export", {"a": 1}, NOW, chat_id=7))
    [first] = apply(lambda unit: unit.jobs.claim(NOW, NOW + timedelta(minutes=1)))
    assert apply(lambda unit: unit.jobs.hold(first, NOW + timedelta(minutes=2)))
    assert apply(lambda unit: unit.jobs.requeue_expired(NOW + timedelta(seconds=90))) == 0
    assert apply(lambda unit: unit.jobs.requeue_expired(NOW + timedelta(minutes=3))) == 1
    [second] = apply(lambda unit: unit.jobs.claim(NOW, NOW + timedelta(minutes=1)))
    assert not apply(lambda unit: unit.jobs.hold(first, NOW + timedelta(minutes=9)))
    assert apply(lambda unit: unit.jobs.hold(second, NOW + timedelta(minutes=9)))
    apply(lambda unit: unit.jobs.hand_over(number, {"a": 1, "parts": [1]}))
    assert not apply(lambda unit: unit.jobs.stop(number, NOW)), "what is being sent cannot be taken back"
    [sending] = apply(lambda unit: unit.jobs.of_kind("export", chat_id=7))
    assert (sending.state, sending.payload) == ("sending", {"a": 1, "parts": [1]})
    apply(lambda unit: unit.jobs.over(number, "ambiguous", NOW))
    done = apply(lambda unit: unit.jobs.get(number))
    assert (done.state, done.error) == ("done", "ambiguous")
    assert not apply(lambda unit: unit.jobs.of_kind("export"))
    apply(lambda unit: unit.jobs.hand_over(number, done.payload))
    assert apply(lambda unit: unit.jobs.purge(NOW + timedelta(days=9))) == 0, "asked for again, it is open again"


def test_a_job_that_is_being_done_can_be_stopped(apply: Any) -> None:
    """Whoever does it learns so when it holds it on."""
    number = apply(lambda unit: unit.jobs.add("export", {}, NOW))
    [mine] = apply(lambda unit: unit.jobs.claim(NOW, NOW + timedelta(minutes=1)))
    assert apply(lambda unit: unit.jobs.stop(number, NOW))
    assert not apply(lambda unit: unit.jobs.hold(mine, NOW + timedelta(minutes=2)))
    assert not apply(lambda unit: unit.jobs.stop(number, NOW))
    with pytest.raises(NotFound):
        apply(lambda unit: unit.jobs.get(number + 1))
