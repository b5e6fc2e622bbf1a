"""While the name of Telegram's server cannot be found, nothing is lost, and the bot can be stopped.

A server of names that does not answer is worse than one that says no: the system asks it again for a minute, and
nothing can break that off.
"""

import os
import random
import shutil
import signal
from pathlib import Path

import pytest

from bot.sandbox import people
from tests.deadlines import PATIENCE
from tests.faults.deployment import Cast, Deployment, deployed, until
from tests.faults.names import NAME, Names, names

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="only root has names of its own"),
]


def test_names_that_are_not_answered_cost_nobody_an_answer(tmp_path: Path) -> None:
    """What was committed is sent once they are; what was said meanwhile is answered after the next start."""
    with names(tmp_path, random.Random()) as (served, command), deployed(tmp_path, cast=Cast(2, 1)) as deployment:
        bot, world = deployment.bot, deployment.world
        first, second = deployment.cast.numbers
        given = {"command": command, "ENLACE_TELEGRAM_API": deployment.sandbox.url.replace("127.0.0.1", NAME)}

        def is_shown(person: int, times: int) -> bool:
            return sum(seen.what == "send" for seen in world.ledger.since(0, chat=person)) >= times

        bot.start(**given)
        people.say(world, first, "/help")
        until(lambda: is_shown(first, 1), bot.log)

        silenced(served, deployment, second)
        served.is_silent = False
        until(lambda: is_shown(second, 1), bot.log)

        silenced(served, deployment, second)
        assert bot.process is not None
        os.kill(bot.process.pid, signal.SIGTERM)
        assert bot.process.wait(PATIENCE) == 0
        assert "Traceback" not in bot.log()

        served.is_silent = False
        bot.start(**given)
        until(lambda: is_shown(second, 2), bot.log)
        bot.stop()
        assert [is_shown(person, times) for person, times in ((first, 2), (second, 3))] == [False, False]


def silenced(served: Names, deployment: Deployment, person: int) -> None:
    """No name is answered, the connections that are kept have ended, and somebody has said something meanwhile."""
    served.is_silent, served.unanswered = True, 0
    deployment.world.switch(down=True)
    people.say(deployment.world, person, "/help")
    until(lambda: served.unanswered >= 2, deployment.bot.log)
    deployment.world.switch(down=False)
