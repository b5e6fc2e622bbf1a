"""What somebody has answered so far is a row: it survives, it is saved by one hand at a time, one per subject."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from storage.errors import Conflict, NotFound
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.deadlines import PATIENCE

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


@pytest.mark.parametrize("sensitive", [False, True])
def test_a_session_comes_back_as_it_was_saved(apply: Any, world: Any, sensitive: bool) -> None:
    """Data of any JSON shape, times to the microsecond."""
    data = {"answers": {"/data/a[1]": "ñandú 😀", "/data/b": ""}, "list": [1, 2.5, None, True]}
    opened = apply(lambda unit: world.open(unit, sensitive=sensitive, data=data, agency_id=None))
    assert apply(lambda unit: unit.sessions.get(opened.id)) == opened

    more = opened._replace(data={"more": data})
    saved = apply(lambda unit: unit.sessions.save(more, LATER))
    assert saved == more._replace(version=2, touched_at=LATER)
    assert apply(lambda unit: unit.sessions.get(opened.id)) == saved


def test_what_was_answered_is_not_in_the_name_of_a_session(world: Any, apply: Any) -> None:
    """It may stand in a log (S8)."""
    opened = apply(lambda unit: world.open(unit, "uuid:unnamed"))
    assert "maría" not in repr(opened._replace(data={"answer": "maría"}))


def test_a_save_with_an_old_version_is_a_conflict_and_changes_nothing(apply: Any, world: Any) -> None:
    """Two hands, one session: the slower one is told."""
    opened = apply(world.open)
    apply(lambda unit: unit.sessions.save(opened._replace(data={"n": 1}), NOW))
    with pytest.raises(Conflict):
        apply(lambda unit: unit.sessions.save(opened._replace(data={"n": 2}), NOW))
    assert apply(lambda unit: unit.sessions.get(opened.id)).data == {"n": 1}


def test_an_ended_session_is_not_saved_any_more(apply: Any, world: Any) -> None:
    """An answer that arrives after /cancelar changes nothing."""
    opened = apply(world.open)
    assert apply(lambda unit: unit.sessions.close(opened.id, "cancelled")) is True
    assert apply(lambda unit: unit.sessions.close(opened.id, "submitted")) is False

    ended = apply(lambda unit: unit.sessions.get(opened.id))
    assert ended.state == "cancelled"

    with pytest.raises(Conflict):
        apply(lambda unit: unit.sessions.save(ended, NOW))


def test_the_chat_has_its_open_session_until_that_ends(apply: Any, world: Any) -> None:
    """Ending a session takes it off the chat."""
    opened = apply(world.open)
    apply(lambda unit: unit.chats.set(5, session_id=opened.id))
    assert apply(lambda unit: unit.sessions.lock(5)) == opened
    assert apply(lambda unit: unit.sessions.lock(6)) is None

    apply(lambda unit: unit.sessions.close(opened.id, "submitted"))
    assert apply(lambda unit: unit.sessions.lock(5)) is None
    assert apply(lambda unit: unit.chats.get(5)).session_id is None


def test_one_subject_and_period_is_open_once_and_the_unit_can_say_by_whom(apply: Any, world: Any) -> None:
    """The Conflict leaves the transaction good: the second officer sees who holds it."""
    about = {"subject": "activity:PRE-101", "reporting_period_id": world.period_ids[0]}
    first = apply(lambda unit: world.open(unit, "uuid:1", **about))

    def second(unit: UnitOfWork) -> int:
        try:
            world.open(unit, "uuid:2", person_id=world.person_ids[1], **about)
        except Conflict:
            unit.facts.set("asked", "yes", NOW)
            holder = unit.sessions.holder(world.plan_id, world.form_key, "activity:PRE-101", world.period_ids[0])
            assert holder is not None
            return holder.id
        raise AssertionError("opened twice")

    assert apply(second) == first.id
    assert apply(lambda unit: unit.facts.get("asked")) == "yes"


def test_the_next_period_another_subject_and_what_has_ended_are_free(apply: Any, world: Any) -> None:
    """Only the same open report is in the way."""
    about = {"subject": "activity:PRE-101", "reporting_period_id": world.period_ids[0]}
    first = apply(lambda unit: world.open(unit, "uuid:1", **about))
    apply(lambda unit: world.open(unit, "uuid:2", **about | {"reporting_period_id": world.period_ids[1]}))
    apply(lambda unit: world.open(unit, "uuid:3", **about | {"subject": "activity:PRE-102"}))
    apply(lambda unit: world.open(unit, "uuid:4"))
    apply(lambda unit: world.open(unit, "uuid:5"))
    apply(lambda unit: unit.sessions.close(first.id, "expired"))
    apply(lambda unit: world.open(unit, "uuid:6", **about))


def test_of_many_who_open_the_same_report_at_once_one_does(database: Database, apply: Any, world: Any) -> None:
    """Also when they are applied side by side."""
    ready = threading.Barrier(database.units._writer.threads)
    about = {"subject": "activity:PRE-101", "reporting_period_id": world.period_ids[0]}

    def open_it(number: int) -> Any:
        def work(unit: UnitOfWork) -> bool:
            if number < ready.parties:
                ready.wait(PATIENCE)
            try:
                world.open(unit, f"uuid:{number}", **about)
            except Conflict:
                return False
            return True

        return work

    futures = [database.units.submit(number, open_it(number)) for number in range(12)]

    assert sorted(future.result(PATIENCE) for future in futures) == [False] * 11 + [True]


def test_a_subject_without_a_period_is_refused(apply: Any, world: Any) -> None:
    """It could be open twice: the database does not compare what is not there."""
    with pytest.raises(Exception, match="subject_has_period"):
        apply(lambda unit: world.open(unit, subject="activity:PRE-101"))


def test_taking_over_moves_the_session_and_stops_the_former_hand(apply: Any, world: Any) -> None:
    """What was answered is kept; an answer of the former holder in the same moment is a conflict."""
    opened = apply(world.open)
    apply(lambda unit: unit.chats.set(5, session_id=opened.id))
    moved = apply(lambda unit: unit.sessions.reassign(opened.id, world.person_ids[1]))

    assert (moved.person_id, moved.data) == (world.person_ids[1], opened.data)
    assert apply(lambda unit: unit.sessions.lock(5)) is None

    with pytest.raises(Conflict):
        apply(lambda unit: unit.sessions.save(opened, NOW))
    with pytest.raises(NotFound):
        apply(lambda unit: unit.sessions.reassign(10**6, world.person_ids[1]))


def test_drafts_are_the_persons_own_open_sessions_latest_first(apply: Any, world: Any) -> None:
    """Several drafts side by side."""
    first = apply(lambda unit: world.open(unit, "uuid:1"))
    second = apply(lambda unit: world.open(unit, "uuid:2"))
    apply(lambda unit: world.open(unit, "uuid:3", person_id=world.person_ids[1]))
    ended = apply(lambda unit: world.open(unit, "uuid:4"))
    apply(lambda unit: unit.sessions.close(ended.id, "submitted"))
    apply(lambda unit: unit.sessions.save(first, LATER))
    drafts = apply(lambda unit: unit.sessions.drafts_of(world.person_ids[0]))

    assert [draft.id for draft in drafts] == [first.id, second.id]


def test_expiry_is_announced_before_it_happens_and_happens_once(apply: Any, world: Any) -> None:
    """Times are inclusive at the end: what expires now has expired."""
    soon = apply(lambda unit: world.open(unit, "uuid:1", expires_at=LATER))
    apply(lambda unit: world.open(unit, "uuid:2"))

    assert apply(lambda unit: unit.sessions.expire(NOW)) == []
    assert [s.id for s in apply(lambda unit: unit.sessions.lapsing(NOW, LATER))] == [soon.id]
    assert apply(lambda unit: unit.sessions.expire(LATER)) == [soon]
    assert apply(lambda unit: unit.sessions.expire(LATER)) == []
    assert apply(lambda unit: unit.sessions.get(soon.id)).state == "expired"


def test_ended_sessions_lose_their_data_after_their_lifetime_and_open_ones_do_not(apply: Any, world: Any) -> None:
    """S14."""
    ended = apply(lambda unit: world.open(unit, "uuid:1"))
    sealed = apply(lambda unit: world.open(unit, "uuid:2", sensitive=True))
    kept = apply(lambda unit: world.open(unit, "uuid:3"))
    for session in (ended, sealed):
        apply(lambda unit, id=session.id: unit.sessions.close(id, "cancelled"))

    assert apply(lambda unit: unit.sessions.purge(NOW)) == 0
    assert apply(lambda unit: unit.sessions.purge(LATER)) == 2
    assert apply(lambda unit: unit.sessions.purge(LATER)) == 0
    assert [apply(lambda unit, id=s.id: unit.sessions.get(id)).data for s in (ended, sealed, kept)] == [
        {},
        {},
        kept.data,
    ]


def test_the_number_of_a_session_is_never_given_again(sqlite_database: Database, world_on_sqlite: Any) -> None:
    """A button of a purged draft must not act on somebody's new one."""
    from storage.database.models import Session, table

    units, sessions = sqlite_database.units, table(Session)
    first = units.submit(None, lambda unit: world_on_sqlite.open(unit, "uuid:1").id).result(PATIENCE)
    units.submit(None, lambda unit: unit.connection.execute(sessions.delete()).rowcount).result(PATIENCE)
    assert units.submit(None, lambda unit: world_on_sqlite.open(unit, "uuid:2").id).result(PATIENCE) > first


def test_a_session_in_a_log_shows_no_answers(apply: Any, world: Any) -> None:
    """S8."""
    session = apply(lambda unit: world.open(unit, data={"/data/x": "canary"}))
    assert "canary" not in repr(session)
