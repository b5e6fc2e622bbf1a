"""An older bot meets the tables of a newer one: it stops with one sentence, and gives up nothing that waits for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from bot.sandbox import people
from tests.bot.cli import forked
from tests.deadlines import PATIENCE
from tests.faults.deployment import Cast, Deployment, deployed, until

pytestmark = pytest.mark.slow

NEWER = "9999"
SENTENCE = f"The tables are at {NEWER}: a newer version of Enlace has made them"
COMMANDS = (("run",), ("db", "check"), ("db", "upgrade"), ("init",), ("status",), ("people", "list"))


@pytest.fixture(params=["sqlite", "postgresql"])
def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deployment]:
    with deployed(tmp_path, request.param, Cast(2, 1)) as made:
        yield made


def change(deployment: Deployment, *statements: str) -> None:
    """As somebody else does it, in one transaction."""
    engine = create_engine(deployment.url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def upgraded(deployment: Deployment) -> None:
    """What a newer version may do: a column has another name, and the tables another number."""
    change(
        deployment,
        "ALTER TABLE person RENAME COLUMN language TO speaks",
        f"UPDATE alembic_version SET version_num = '{NEWER}'",
    )


def put_back(deployment: Deployment, number: str) -> None:
    change(
        deployment,
        "ALTER TABLE person RENAME COLUMN speaks TO language",
        f"UPDATE alembic_version SET version_num = '{number}'",
    )


def test_no_command_works_on_newer_tables(deployment: Deployment) -> None:
    """Each says in one sentence whose they are and what to install, and changes nothing."""
    upgraded(deployment)
    for command in COMMANDS:
        done = forked.run(*command, env=deployment.bot.environment())
        assert done.returncode == 1, command
        assert SENTENCE in done.stderr.splitlines()[-1], command
        assert "Install that version" in done.stderr
        assert "Traceback" not in done.stderr
    assert deployment.rows("SELECT version_num FROM alembic_version") == [(NEWER,)]


def test_a_bot_beneath_which_the_tables_are_upgraded_stops_and_gives_nothing_up(deployment: Deployment) -> None:
    """What came meanwhile is neither acknowledged nor set aside as poison: whoever knows the tables answers it."""
    [(number,)] = deployment.rows("SELECT version_num FROM alembic_version")
    bot, world, person = deployment.bot, deployment.world, deployment.cast.numbers[0]
    bot.start()
    upgraded(deployment)
    people.say(world, person, "/start")
    assert bot.process is not None
    assert bot.process.wait(PATIENCE) == 1, bot.log()
    assert SENTENCE in bot.log().splitlines()[-1]
    assert deployment.rows("SELECT update_id FROM poison_update") == []
    put_back(deployment, number)
    before = world.ledger.entries.total
    bot.start()
    until(lambda: any(seen.chat == person for seen in world.ledger.since(before)), bot.log)
    bot.stop()
