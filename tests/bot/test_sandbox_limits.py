"""Enlace's own delivery where Telegram's sending limits are enforced."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from wire import ANA, calls, empty_database, opened, people_of, quiet, running, said, texts, until

from bot.sandbox.server import Sandbox, running_sandbox
from bot.sandbox.telegram import Person
from storage.database import Database


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
    """29.5 a second to as many people: each is shown it once; a refusal is bad luck (T13)."""
    people = range(1_000, 1_090)
    for number in people:
        sandbox.world.add_person(Person(number, f"P{number}"), started=True)
    async with running(sandbox, database, rate=29.5) as bot:
        await bot.commit(*(draft for number in people for draft in said(number, "weekly", kind="digest")))
        await until(lambda: len(sandbox.world.ledger.entries) == len(people), 60)
        await quiet(bot)
        assert set(await bot.states()) == {"sent"}
    assert sorted(seen.chat for seen in sandbox.world.ledger.entries) == list(people)
    refused = [call for call in calls(sandbox, "sendMessage") if call.status == 429]
    assert len(refused) <= len(people) // 10


async def test_a_429_is_waited_out_and_everything_arrives_in_order(sandbox: Sandbox, database: Database) -> None:
    """More than a chat's burst at once is refused; nothing is called inside the window, nothing is lost or doubled."""
    lines = [f"line {number}" for number in range(6)]
    async with running(sandbox, database, rate=29.5) as bot:
        await bot.commit(*said(ANA, *lines))
        await until(lambda: len(texts(sandbox, ANA)) == len(lines), 20)
        await quiet(bot)
        assert set(await bot.states()) == {"sent"}
    assert texts(sandbox, ANA) == lines
    sent = calls(sandbox, "sendMessage")
    windows = [(call.at, call.at + 1) for call in sent if call.status == 429]
    assert windows
    assert [call.at for call in sent for begin, end in windows if begin < call.at < end] == []
