"""A sandbox with a few people, and a bot that is called by hand: what most tests of Telegram's end begin with."""

from collections.abc import Iterator

import pytest

from bot.sandbox.client import BotByHand
from bot.sandbox.server import Sandbox, running_sandbox
from bot.sandbox.telegram import Person
from tests.bot.sandbox.methods.calling import ANA, START, STRANGER


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with running_sandbox(start=START) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    """The module's sandbox with a chat with Ana that has just begun."""
    world = running.world
    world.reset()
    world.add_person(Person(ANA, "Ana", language_code="es"), started=True)
    world.add_person(Person(STRANGER, "Nadie"))
    return running


@pytest.fixture
def bot(sandbox: Sandbox) -> BotByHand:
    return BotByHand(sandbox.url, sandbox.token)
