"""A database that went back in time behind our back is recognised, and nothing else is taken for one."""

import os
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from storage.errors import Unavailable
from storage.messages.outbox import OutboxDraft
from storage.open_database import Database, open_database
from storage.upkeep.holding import held, settle_and_hold
from storage.upkeep.lineage import FACT, Mark, WentBack, begin_anew, beside, compare, hold_copy, look

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return beside(tmp_path / "enlace-keys.json")


def stands_at(database: Database) -> Mark | None:
    with database.view() as unit:
        value = unit.facts.get(FACT)
    return None if value is None else Mark.of(value)


def put_back(apply: Any, mark: Mark | None) -> None:
    """An older copy is in its place, as far as its count goes, with a message that waits in it."""

    def work(unit: Any) -> None:
        unit.outbox.add(OutboxDraft(1, "reminder", "sendMessage", {"text": "stale"}), now=NOW)
        unit.inbox.first_sight(1, 1, NOW)
        if mark is None:
            unit.facts.forget(FACT)
        else:
            unit.facts.set(FACT, str(mark), NOW)

    apply(work)


def is_held(database: Database) -> bool:
    with database.view() as unit:
        return held(unit) is not None


def test_it_is_counted_on_in_the_database_and_then_in_the_file(database: Database, file: Path) -> None:
    """One for each look, for its owner's eyes; and nothing is held."""
    for number in range(1, 4):
        assert look(database, file, NOW) is None
        mark = stands_at(database)
        assert mark is not None
        assert mark.count == number
        assert file.read_text() == f'{{"{mark.name}":{number}}}'
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert os.listdir(file.parent).count(file.name) == 1
    assert not is_held(database)


@pytest.mark.parametrize("knows", ["less", "nothing"])
def test_an_older_one_is_held_with_what_waited_in_it_and_once(
    database: Database, apply: Any, file: Path, knows: str
) -> None:
    """Whether its copy was counted before, or is from before databases were; a second look finds nothing new."""
    for _ in range(3):
        look(database, file, NOW)
    mark = stands_at(database)
    assert mark is not None
    put_back(apply, Mark(mark.name, 2) if knows == "less" else None)
    assert look(database, file, LATER) == WentBack(3, 2 if knows == "less" else None)
    with database.view() as unit:
        assert unit.outbox.counts() == {"ambiguous": 1}
        found = held(unit)
        assert found is not None
        assert (found.since, found.as_of) == (LATER, NOW)
    assert look(database, file, LATER) is None
    assert is_held(database)


def test_once_a_person_has_said_that_it_is_the_real_one_it_is_not_held_again(
    database: Database, apply: Any, file: Path
) -> None:
    """Nor is one that was put back by `enlace db restore`, which holds it itself, and released before the bot runs."""
    for _ in range(3):
        look(database, file, NOW)
    mark = stands_at(database)
    assert mark is not None
    put_back(apply, Mark(mark.name, 1))
    apply(lambda unit: settle_and_hold(unit.connection, LATER))
    assert look(database, file, LATER) is None
    apply(lambda unit: (unit.facts.set("held", "", LATER), begin_anew(unit, LATER)))
    assert look(database, file, LATER) is None
    assert not is_held(database)
    put_back(apply, Mark(mark.name, 1))
    assert look(database, file, LATER) == WentBack(3, 1)


@pytest.mark.parametrize("content", [None, b"", b"[]", b'{"another": 9}', b"\xff"])
def test_a_file_that_says_nothing_of_it_holds_nothing(database: Database, file: Path, content: bytes | None) -> None:
    """A folder that does not last, a keyring moved to another server, a file that was cut: it is written anew."""
    for _ in range(3):
        look(database, file, NOW)
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    assert look(database, file, NOW) is None
    mark = stands_at(database)
    assert mark is not None
    assert f'"{mark.name}":4' in file.read_text()


def test_a_new_database_beside_an_old_file_is_no_older_one(database: Database, file: Path) -> None:
    """Nobody has been served from it: somebody begins anew with the keyring that was there."""
    file.write_bytes(b'{"another": 9}')
    assert look(database, file, NOW) is None
    assert not is_held(database)


def test_a_folder_that_may_only_be_read_is_said_and_holds_nothing(database: Database, tmp_path: Path) -> None:
    """What is missing is the file's folder here, since root may write anywhere."""
    file = tmp_path / "missing" / "enlace-keys.lineage"
    for _ in range(2):
        with pytest.raises(OSError, match="No such file"):
            look(database, file, NOW)
    mark = stands_at(database)
    assert mark is not None
    assert mark.count == 2


def test_two_who_share_database_and_file_never_take_each_other_for_an_older_one(
    postgres_database: Database, postgres_url: str, file: Path, vault: Any
) -> None:
    """Both count on at once, again and again: the file is read before the database, and is never ahead of it."""
    found: list[object] = []

    def count(database: Database) -> None:
        for _ in range(40):
            found.append(look(database, file, NOW))

    with open_database(postgres_url, vault=vault) as other:
        threads = [threading.Thread(target=count, args=(each,)) for each in (postgres_database, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [None] * 80
    mark = stands_at(postgres_database)
    assert mark is not None
    assert mark.count == 80


def test_of_two_who_begin_at_once_neither_forgets_the_other(
    postgres_database: Database, postgres_url: str, vault: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One has looked and found nothing; before it counts, the other begins: it counts on from there."""
    began: list[object] = []

    with open_database(postgres_url, vault=vault) as other:

        def the_other_begins(_: object) -> bool:
            if not began:
                began.append(None)
                began[0] = other.units.submit(None, lambda unit: compare(unit, {}, NOW)).result()
            return False

        monkeypatch.setattr("storage.upkeep.lineage._has_served", the_other_begins)
        late = postgres_database.units.submit(None, lambda unit: compare(unit, {}, NOW)).result()
    (first,) = began
    assert isinstance(first, Mark)
    assert late == Mark(first.name, 2, first.place)


def test_while_the_database_is_away_the_file_stays_as_it_is(database: Database, file: Path) -> None:
    """It is written after the commit: a file that is ahead would hold a database that nobody has put back."""
    look(database, file, NOW)
    before = file.read_text()
    database.close()
    with pytest.raises(Unavailable):
        look(database, file, NOW)
    assert file.read_text() == before


# ------------------------------------------------------------------ where the tables are
ELSEWHERE = ("1", "2", "3")


@pytest.mark.parametrize("number", range(3), ids=["the table", "the database", "the server"])
def test_tables_that_were_made_since_are_a_copy_whatever_the_file_says(
    database: Database, apply: Any, file: Path, number: int
) -> None:
    """A restore makes new tables, here or elsewhere; no count need have been noted, nor any file be there."""
    look(database, file, NOW)
    mark = stands_at(database)
    assert mark is not None
    if database.is_sqlite:
        assert mark.place == ()
        return
    place = [*mark.place]
    place[number] = ELSEWHERE[number]
    put_back(apply, Mark(mark.name, mark.count, tuple(place)))
    file.unlink()
    assert look(database, file, LATER) == WentBack(0, mark.count, is_copy=True)
    assert is_held(database)
    apply(lambda unit: (unit.facts.set("held", "", LATER), begin_anew(unit, LATER)))
    assert look(database, file, LATER) is None
    assert not is_held(database)


def test_what_was_marked_before_places_were_is_no_copy(database: Database, apply: Any, file: Path) -> None:
    """Nor is one whose server could not be asked for its number."""
    look(database, file, NOW)
    mark = stands_at(database)
    assert mark is not None
    for place in ((), (*mark.place[:2], "")):
        apply(lambda unit, place=place: unit.facts.set(FACT, str(Mark(mark.name, 9 + len(place), place)), NOW))
        assert look(database, file, LATER) is None
    found = stands_at(database)
    assert found is not None
    assert found.place == mark.place


def test_a_copy_is_held_by_whoever_would_take_what_waits_in_it(database: Database, apply: Any, file: Path) -> None:
    """Somebody has restored under a running bot: between two looks nothing of it is claimed."""
    look(database, file, NOW)
    mark = stands_at(database)
    assert mark is not None
    assert apply(lambda unit: hold_copy(unit, NOW)) is False
    put_back(apply, Mark(mark.name, mark.count, ELSEWHERE))
    assert apply(lambda unit: hold_copy(unit, LATER)) is not database.is_sqlite
    assert is_held(database) is not database.is_sqlite
    assert apply(lambda unit: hold_copy(unit, LATER)) is False
