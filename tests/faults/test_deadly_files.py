"""A photograph of which the whole bot dies is set aside at the third death, and its sender is told (G1)."""

import random
from pathlib import Path

import pytest

from bot.sandbox import people
from bot.sandbox.schema import Upload
from tests.faults.deployment import FIRST, Cast, Deployment, deployed, until
from tests.faults.disk import photograph
from tests.faults.people_at_work import PHOTOGRAPH, PRESS, activity_report, button, with_photograph

pytestmark = pytest.mark.slow

SET_ASIDE = "I could not open that file"


def shown(deployment: Deployment) -> str:
    return "\n".join(
        str((seen.message or {}).get("text", "")) for seen in list(deployment.world.ledger.since(0, chat=FIRST))
    )


def latest(deployment: Deployment) -> dict:
    cards = [
        seen.message
        for seen in list(deployment.world.ledger.since(0, chat=FIRST))
        if seen.message is not None and "reply_markup" in seen.message
    ]
    return cards[-1] if cards else {}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_file_that_kills_is_set_aside_at_the_third_death_and_its_sender_told(tmp_path: Path, kind: str) -> None:
    """The question stays, another photograph answers it, and an admin's alarm says what happened."""
    picture = photograph(random.Random(7))
    form = with_photograph(activity_report(random.Random(7), Cast(1, 1).items_of(FIRST)[0]), picture)
    with deployed(tmp_path, kind, Cast(1, 1)) as deployment:
        world, bot = deployment.world, deployment.bot
        bot.start(plant="die_of_pictures")
        people.say(world, FIRST, form.opens)
        for step in form.steps:
            until(lambda step=step: step.asked.search(str(latest(deployment).get("text", ""))), bot.log)  # type: ignore[misc]
            if step.answer == PHOTOGRAPH:
                break
            if step.answer.startswith(PRESS):
                people.tap(world, FIRST, latest(deployment)["message_id"], data=button(latest(deployment), step))
            else:
                people.say(world, FIRST, step.answer)
        people.send_files(world, FIRST, "photo", [Upload("photo.jpg", picture)])
        deaths = 0
        while True:
            until(lambda: not bot.is_alive or SET_ASIDE in shown(deployment), bot.log)
            if bot.is_alive:
                break
            bot.wait_for_death()
            deaths += 1
            assert deaths < 6, bot.log()[-3000:]
            bot.start(plant="die_of_pictures")
        assert deaths in (3, 4), "three alone, and perhaps one before it was suspected"
        assert '"repeated_deaths"' in bot.log()
        bot.stop()
        bot.start()
        people.send_files(world, FIRST, "photo", [Upload("photo.jpg", photograph(random.Random(8)))])
        until(lambda: "confirm the photo shows" in shown(deployment), bot.log)
        bot.stop()
