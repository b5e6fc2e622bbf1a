"""Long work is done once at a time, survives its worker, and ends in the end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from storage.database.models import Job, table
from storage.errors import NotFound
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
LEASE = NOW + timedelta(minutes=5)


def take(unit: UnitOfWork, now: datetime = NOW, **options: Any) -> Any:
    return unit.jobs.claim(now, now + timedelta(minutes=5), **options)


def expire(unit: UnitOfWork) -> int:
    """Every lease of another replica has run out, for whoever looks."""
    return unit.jobs.requeue_expired(unit.jobs.leased())


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


def test_whose_jobs_took_least_comes_first(apply: Any) -> None:
    """A chat that has used nothing before all others; of one chat the oldest first."""
    ids = apply(lambda unit: [unit.jobs.add("fetch", {}, NOW, chat_id=chat) for chat in (5, 5, 5, 6, 7, 8)])
    used = {5: 60.5, 6: 4.0, 7: 0.2}
    taken = [apply(lambda unit: take(unit, kinds=("fetch",), used=used))[0].id for _ in ids]
    assert taken == [ids[at] for at in (5, 4, 3, 0, 1, 2)]


def test_a_job_that_is_set_aside_is_another_workers(apply: Any) -> None:
    """At once, and no more of the kind that it was; who lost its claim meanwhile sets nothing aside."""
    apply(lambda unit: unit.jobs.add("fetch", {"n": 1}, NOW, chat_id=5))
    (job,) = apply(take)
    assert apply(lambda unit: unit.jobs.set_aside(job, "slow:fetch", "inspect"))
    assert not apply(lambda unit: unit.jobs.set_aside(job, "slow:fetch", "inspect"))
    assert apply(lambda unit: take(unit, kinds=("fetch",))) == []
    (again,) = apply(lambda unit: take(unit, kinds=("slow:fetch",)))
    assert (again.id, again.payload, again.attempts) == (job.id, {"n": 1}, 2)
    assert not apply(lambda unit: unit.jobs.settle(job, NOW))


@pytest.mark.parametrize("end", ["done", "failed", "given up"])
def test_a_job_that_is_over_does_not_say_how_its_file_is_fetched(apply: Any, end: str) -> None:
    """Whoever has an old backup and the bot's token would have each restricted file of the week, also the refused."""
    id = apply(lambda unit: unit.jobs.add("fetch", {"file_id": "BQACAgEAAx", "n": 1}, NOW))
    (job,) = apply(take)
    assert job.payload["file_id"] == "BQACAgEAAx"
    if end == "done":
        assert apply(lambda unit: unit.jobs.settle(job, NOW))
    elif end == "failed":
        assert apply(lambda unit: unit.jobs.fail(job, "file.failed", NOW))
    else:
        assert apply(lambda unit: unit.jobs.retry(job, "away", NOW, tries=1))
    assert apply(lambda unit: unit.jobs.get(id)).payload == {"n": 1}


def test_a_job_waits_for_its_time(apply: Any) -> None:
    """`not_before` is inclusive."""
    apply(lambda unit: unit.jobs.add("fetch", {}, NOW, not_before=LEASE))
    assert apply(take) == []
    assert len(apply(lambda unit: take(unit, LEASE))) == 1


def test_the_lookout_asks_without_taking_of_which_kinds_there_is_work(apply: Any) -> None:
    """Of those of which a job is due, or on its way; nothing else. Each is named once."""

    def kinds(now: datetime = NOW) -> Any:
        return sorted(apply(lambda unit: unit.jobs.kinds_with_work(now)))

    assert kinds() == []

    id, *_ = apply(
        lambda unit: [unit.jobs.add(kind, {}, NOW, not_before=LEASE) for kind in ("fetch", "export", "export")]
    )
    assert (kinds(), kinds(LEASE)) == ([], ["export", "fetch"])

    (job,) = apply(lambda unit: take(unit, LEASE))
    later = LEASE + timedelta(minutes=5)
    assert kinds(later) == ["export"], "whose lease has run out, its watch tells"

    apply(lambda unit: unit.jobs.hand_over(id, {}))
    assert kinds(LEASE) == ["export", "fetch"]

    apply(lambda unit: unit.jobs.over(job.id, "", LEASE))
    assert kinds(later) == ["export"]


def test_a_worker_that_lost_its_lease_cannot_settle_what_another_is_doing(apply: Any) -> None:
    """The claim is numbered."""
    apply(lambda unit: unit.jobs.add("fetch", {}, NOW))
    (lost,) = apply(take)
    assert apply(expire) == 1

    (mine,) = apply(lambda unit: take(unit, LEASE))
    assert (mine.id, mine.attempts) == (lost.id, 2)
    assert apply(lambda unit: unit.jobs.settle(lost, LEASE)) is False
    assert apply(lambda unit: unit.jobs.retry(lost, "late", LEASE)) is False
    assert apply(lambda unit: unit.jobs.settle(mine, LEASE)) is True
    assert apply(lambda unit: unit.jobs.settle(mine, LEASE)) is False
    assert apply(lambda unit: unit.jobs.purge(LEASE + timedelta(seconds=1))) == 1


def test_what_this_replica_has_in_hand_is_not_freed_by_itself(database: Database, apply: Any) -> None:
    """Its own workers look for jobs of others."""
    mine, other = (apply(lambda unit: unit.replicas.add(NOW)) for _ in range(2))
    apply(lambda unit: unit.jobs.add("export", {}, NOW))
    database.units.replica_id = mine
    (job,) = apply(take)
    assert apply(expire) == 0
    assert apply(lambda unit: unit.jobs.is_held(job))
    assert apply(lambda unit: unit.suspects.found("job", 0, job.id)) == 0

    database.units.replica_id = other
    assert apply(expire) == 1


def test_a_claim_that_was_renewed_while_it_was_looked_at_stays(apply: Any) -> None:
    """Its worker lives. Nobody suspects the job of anything."""
    apply(lambda unit: unit.jobs.add("fetch", {}, NOW))
    (job,) = apply(take)
    watched = apply(lambda unit: unit.jobs.leased())
    assert apply(lambda unit: unit.jobs.hold(job, NOW - timedelta(hours=3))), "by a clock that was set back"
    assert apply(lambda unit: unit.jobs.requeue_expired(watched)) == 0
    assert apply(lambda unit: unit.jobs.is_held(job))
    assert apply(lambda unit: unit.suspects.found("job", 0, job.id)) == 0


def test_a_job_rests_for_a_day_at_most(database: Database, apply: Any) -> None:
    """No 429 is believed for longer: a clock that was 400 days ahead wrote what is further away."""
    apply(lambda unit: unit.jobs.add("fetch", {}, NOW))
    days = timedelta(days=400)
    (job,) = apply(lambda unit: take(unit, NOW + days))
    apply(lambda unit: unit.jobs.put_back(job, "retry after", at=NOW + timedelta(days=1)))
    assert apply(take) == []
    assert not apply(_has_work_at(NOW))

    (job,) = apply(lambda unit: take(unit, NOW + days))
    apply(lambda unit: unit.jobs.retry(job, "away", NOW + days))
    assert apply(_has_work_at(NOW))
    assert [again.id for again in apply(take)] == [job.id]


def test_a_job_is_held_until_another_has_it_or_it_is_stopped(apply: Any) -> None:
    """What a worker says of its progress is asked for just before (docs/decisions/presence-and-leases.md)."""
    stopped = apply(lambda unit: unit.jobs.add("export", {}, NOW))
    [first] = apply(take)
    assert apply(lambda unit: unit.jobs.is_held(first))

    later = NOW + timedelta(hours=1)
    apply(expire)
    assert not apply(lambda unit: unit.jobs.is_held(first))
    [second] = apply(lambda unit: take(unit, later))
    assert not apply(lambda unit: unit.jobs.is_held(first))
    assert apply(lambda unit: unit.jobs.is_held(second))

    apply(lambda unit: unit.jobs.stop(stopped, later))
    assert not apply(lambda unit: unit.jobs.is_held(second))


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


def test_of_the_claims_of_a_job_only_those_that_failed_use_up_its_tries(database: Database, apply: Any) -> None:
    """Neither one that is put back, nor one whose process ended in order, nor one whose lease ran out."""
    apply(lambda unit: unit.jobs.add("fetch", {}, NOW))
    for hour in range(4):
        (job,) = apply(lambda unit, hour=hour: take(unit, NOW + timedelta(hours=hour)))
        assert apply(lambda unit, job=job: unit.jobs.put_back(job, "stopped"))
        assert not apply(lambda unit, job=job: unit.jobs.put_back(job, "stopped")), "the claim is over"
    for _ in range(4):
        mine = database.units.replica_id = apply(lambda unit: unit.replicas.add(NOW))
        apply(take)
        apply(lambda unit, mine=mine: unit.replicas.bury([mine], NOW))
    later = NOW + timedelta(hours=4)
    apply(take)
    database.units.replica_id = None
    (job,) = apply(lambda unit: left_by_a_dead_worker(unit, later))
    assert (job.attempts, job.tries) == (10, 1)

    assert apply(lambda unit: unit.jobs.retry(job, "502", later, tries=2))
    (job,) = apply(lambda unit: take(unit, later + timedelta(seconds=5)))
    assert (job.attempts, job.tries) == (11, 2)
    assert apply(lambda unit: unit.jobs.retry(job, "502", later, tries=2))
    assert apply(lambda unit: unit.jobs.get(job.id)).state == "failed"


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
    ids = units.submit(None, lambda unit: [unit.jobs.add("fetch", {}, NOW) for _ in range(30)]).result(PATIENCE)
    claims = [units.submit(None, lambda unit: take(unit, limit=2)) for _ in range(40)]
    taken = [job.id for future in claims for job in future.result(PATIENCE)]

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
    assert apply(expire) == 1

    [second] = apply(lambda unit: unit.jobs.claim(NOW, NOW + timedelta(minutes=1)))
    assert not apply(lambda unit: unit.jobs.hold(first, NOW + timedelta(minutes=9)))
    assert apply(lambda unit: unit.jobs.hold(second, NOW + timedelta(minutes=9)))

    apply(lambda unit: unit.jobs.hand_over(number, {"a": 1, "parts": [1]}))
    assert not apply(lambda unit: unit.jobs.stop(number, NOW)), "what is being sent cannot be taken back"

    [sending] = apply(lambda unit: unit.jobs.of_kind("export", chat_id=7))
    assert (sending.state, sending.payload) == ("sending", {"a": 1, "parts": [1]})

    assert [apply(lambda unit: unit.jobs.over(number, "ambiguous", NOW)) for _ in range(2)] == [True, False]
    settled = select(table(Job).c.settled_at).where(table(Job).c.id == number)
    assert apply(lambda unit: unit.connection.execute(settled).scalar_one()) == NOW
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


# ------------------------------------------------------------------ jobs that kill
def left_by_a_dead_worker(unit: UnitOfWork, at: datetime) -> Any:
    """What is taken once the lease of whoever had it has run out."""
    expire(unit)
    return take(unit, at, limit=9)


def test_a_job_whose_worker_dies_again_and_again_is_deadly_at_the_third_death_as_a_suspect(apply: Any) -> None:
    """The first death suspects it; then three count. What it is then is told to whoever claims it."""
    id = apply(lambda unit: unit.jobs.add("fetch", {}, NOW))
    apply(take)
    seen = []
    for hour in range(1, 5):
        (job,) = apply(lambda unit, hour=hour: left_by_a_dead_worker(unit, NOW + timedelta(hours=hour)))
        seen.append((job.id, job.deaths, job.is_deadly))

    assert seen == [(id, 0, False), (id, 1, False), (id, 2, False), (id, 3, True)]


@pytest.mark.parametrize("how", ["settle", "fail", "retry", "hand_over"])
def test_a_job_that_a_worker_is_through_with_is_no_suspect_any_more(apply: Any, how: str) -> None:
    """However it ended: the process has outlived it."""
    apply(lambda unit: unit.jobs.add("fetch", {}, NOW))
    apply(take)
    (job,) = apply(lambda unit: left_by_a_dead_worker(unit, LEASE))
    ends: dict[str, Any] = {
        "settle": lambda unit: unit.jobs.settle(job, LEASE),
        "fail": lambda unit: unit.jobs.fail(job, "why", LEASE),
        "retry": lambda unit: unit.jobs.retry(job, "why", LEASE, at=LEASE),
        "hand_over": lambda unit: unit.jobs.hand_over(job.id, {}),
    }
    assert apply(lambda unit: unit.suspects.found("job", 0, job.id)) == 1

    apply(ends[how])
    assert apply(lambda unit: unit.suspects.found("job", 0, job.id)) == 0


def test_of_suspect_jobs_one_is_tried_at_a_time(apply: Any) -> None:
    """So that of two that were in hand only the guilty one is blamed; what nobody suspects is done beside it."""
    apply(lambda unit: [unit.jobs.add("fetch", {}, NOW) for _ in range(2)])
    apply(lambda unit: take(unit, limit=2))
    (first,) = apply(lambda unit: left_by_a_dead_worker(unit, LEASE))
    assert apply(lambda unit: take(unit, LEASE, limit=9)) == []

    fresh = apply(lambda unit: unit.jobs.add("fetch", {}, NOW))
    assert [job.id for job in apply(lambda unit: take(unit, LEASE, limit=9))] == [fresh]

    apply(lambda unit: unit.jobs.settle(first, LEASE))
    (second,) = apply(lambda unit: take(unit, LEASE))
    assert (second.id, second.deaths) == (first.id + 1, 0)


def test_a_job_is_not_blamed_while_an_update_is_killing(apply: Any) -> None:
    """An update that was alone at an earlier death is what this one was of, too."""
    apply(lambda unit: unit.jobs.add("fetch", {}, NOW))
    apply(take)
    apply(lambda unit: unit.suspects.mark("update", 7, [1], 2, NOW))
    deaths = [
        apply(lambda unit, hour=hour: left_by_a_dead_worker(unit, NOW + timedelta(hours=hour)))[0].deaths
        for hour in range(1, 5)
    ]

    assert deaths == [0, 0, 0, 0]


# ------------------------------------------------------------------ the database was away
def test_what_a_worker_had_in_hand_when_the_database_went_away_is_taken_back(database: Database, apply: Any) -> None:
    """At once and without a mark, by its own replica alone; the claim that was lost cannot settle it any more."""
    mine, other = (apply(lambda unit: unit.replicas.add(NOW)) for _ in range(2))
    database.units.replica_id = mine
    apply(lambda unit: [unit.jobs.add(kind, {}, NOW) for kind in ("fetch", "export")])
    (lost,) = apply(lambda unit: take(unit, kinds=("fetch",)))
    assert sorted(apply(lambda unit: unit.jobs.kinds_with_work(NOW))) == ["export", "fetch"]

    database.units.replica_id = other
    assert apply(lambda unit: unit.jobs.kinds_with_work(NOW)) == ["export"]
    assert apply(lambda unit: unit.jobs.take_back(("fetch",), NOW)) == 0

    database.units.replica_id = mine
    assert apply(lambda unit: unit.jobs.take_back(("export",), NOW)) == 0
    assert apply(lambda unit: unit.jobs.take_back(("fetch",), NOW)) == 1

    (again,) = apply(lambda unit: take(unit, kinds=("fetch",)))
    assert (again.id, again.attempts, again.deaths) == (lost.id, 2, None)
    assert apply(lambda unit: unit.jobs.settle(lost, NOW)) is False


def test_who_stops_in_order_has_died_of_nothing(database: Database, apply: Any) -> None:
    """An export in hand at four ends in order was set aside as one that kills the process."""
    id = apply(lambda unit: unit.jobs.add("export", {}, NOW))
    for _ in range(5):
        mine = database.units.replica_id = apply(lambda unit: unit.replicas.add(NOW))
        (job,) = apply(take)
        assert (job.id, job.deaths) == (id, None)
        assert apply(lambda unit, mine=mine: unit.replicas.bury([mine], NOW)) == {mine}


def test_what_is_taken_back_again_and_again_waits_longer_each_time(database: Database, apply: Any) -> None:
    """So that what the database can never bear does not keep the worker busy for ever."""
    database.units.replica_id = apply(lambda unit: unit.replicas.add(NOW))
    apply(lambda unit: unit.jobs.add("fetch", {}, NOW))
    now, pauses = NOW, []
    for _ in range(8):
        assert len(apply(lambda unit, now=now: take(unit, now))) == 1
        apply(lambda unit, now=now: unit.jobs.take_back(("fetch",), now))
        pause = next(seconds for seconds in (0, 5, 10, 20) if apply(_has_work_at(now + timedelta(seconds=seconds))))
        pauses.append(pause)
        now += timedelta(seconds=pause)

    assert pauses == [0, 0, 0, 0, 0, 5, 10, 20]


def _has_work_at(now: datetime) -> Any:
    return lambda unit: "fetch" in unit.jobs.kinds_with_work(now)


def test_a_suspect_that_is_taken_back_is_none_any_more(database: Database, apply: Any) -> None:
    """The process has outlived it as far as the database: claiming it again counts no death."""
    apply(lambda unit: unit.jobs.add("fetch", {}, NOW))
    apply(take)
    database.units.replica_id = apply(lambda unit: unit.replicas.add(NOW))
    (job,) = apply(lambda unit: left_by_a_dead_worker(unit, LEASE))
    assert apply(lambda unit: unit.suspects.found("job", 0, job.id)) == 1

    apply(lambda unit: unit.jobs.take_back(("fetch",), LEASE))
    assert apply(lambda unit: unit.suspects.found("job", 0, job.id)) == 0
