"""Enlace's own delivery where Telegram's sending limits are enforced."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sandbox.server import Sandbox, running_sandbox
from bot.sandbox.telegram import Person
from storage.open_database import Database
from tests.bot.telegram.wire import ANA, calls, empty_database, opened, people_of, quiet, running, said, texts, until


@pytest.fixture(scope="module")
def world_of_all() -> Iterator[Sandbox]:
    with running_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(world_of_all: Sandbox) -> Sandbox:
    people_of(world_of_all)
    world_of_all.world.switch(limits=True)
    return world_of_all


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with opened(empty_database("sqlite", tmp_path), tmp_path) as opened_database:
        yield opened_database


async def test_fan_out_at_the_rate_we_ship_is_hardly_ever_refused(sandbox: Sandbox, database: Database) -> None:
    """29 a second to hundreds, and replies in between: each is shown theirs once, no second sees more than 30 (T13).

    Whoever is answered meanwhile overtakes all that has not left yet; a refusal is bad luck.
    """
    people, slots = range(1_000, 1_240), 12
    for number in people:
        sandbox.world.add_person(Person(number, f"P{number}"), started=True)
    seen = sandbox.world.ledger.entries
    async with running(sandbox, database, rate=29.0) as bot:
        await bot.commit(*(draft for number in people for draft in said(number, "weekly", kind="digest")))
        for number in range(3):
            await until(lambda number=number: len(seen) > 20 + 60 * number)  # type: ignore[misc]
            await bot.commit(*said(ANA, f"question {number}"))
            gone = len(seen)
            await until(lambda number=number: len(texts(sandbox, ANA)) > number)  # type: ignore[misc]
            assert [entry.chat for entry in seen[gone:]].index(ANA) <= slots
        await until(lambda: len(seen) == len(people) + 3)
        await quiet(bot)
        assert set(await bot.states()) == {"sent"}
    assert texts(sandbox, ANA) == ["question 0", "question 1", "question 2"]
    assert sorted(entry.chat for entry in seen if entry.chat != ANA) == list(people)

    at = [entry.at for entry in seen]
    assert max(sum(1 for each in at if start <= each < start + 1.0) for start in at) <= 30

    refused = [call for call in calls(sandbox, "sendMessage") if call.status == 429]
    assert len(refused) <= len(people) // 10


async def test_a_429_is_waited_out_and_everything_arrives_in_order(sandbox: Sandbox, database: Database) -> None:
    """More than a chat's burst at once is refused; nothing is called inside the window, nothing is lost or doubled."""
    lines = [f"line {number}" for number in range(6)]
    async with running(sandbox, database, rate=29.0) as bot:
        await bot.commit(*said(ANA, *lines))
        await until(lambda: len(texts(sandbox, ANA)) == len(lines))
        await quiet(bot)
        assert set(await bot.states()) == {"sent"}
    assert texts(sandbox, ANA) == lines

    sent = calls(sandbox, "sendMessage")
    windows = [(call.at, call.at + 1) for call in sent if call.status == 429]
    assert windows
    assert [call.at for call in sent for begin, end in windows if begin < call.at < end] == []
