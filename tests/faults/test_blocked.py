"""A person who blocks the bot in the middle of a form, and comes back, finds their draft; nobody else notices."""

import random
from pathlib import Path

import pytest

from bot.sandbox import people
from tests.faults.deployment import Cast, deployed, seed_of, until
from tests.faults.floods import typed
from tests.faults.people_at_work import referral

pytestmark = pytest.mark.slow

BEFORE, IN_ALL = 3, 6
"""Words said before the bot is blocked, and in all."""


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_a_draft_outlives_that_its_person_has_blocked_the_bot(tmp_path: Path, kind: str) -> None:
    """Whoever comes back is asked the question that could not be shown, before they write anything.

    What they wrote was taken for its answer. Telegram may also say /start for them; then the draft is offered.
    """
    dice = random.Random(seed_of())
    with deployed(tmp_path, kind, Cast(2, 1)) as deployment:
        world, bot = deployment.world, deployment.bot
        gone, other = deployment.cast.numbers
        forms = {person: referral(dice) for person in (gone, other)}

        def asked(person: int) -> list[int]:
            texts = [str((seen.message or {}).get("text", "")) for seen in world.ledger.since(0, chat=person)]
            steps = forms[person].steps[:IN_ALL]
            return [number for text in texts for number, step in enumerate(steps) if step.asked.search(text)]

        def say(person: int, words: slice) -> None:
            for word in typed(forms[person])[words]:
                people.say(world, person, word)

        bot.start()
        say(gone, slice(BEFORE))
        until(lambda: BEFORE - 1 in asked(gone), bot.log)
        people.say(world, gone, typed(forms[gone])[BEFORE])
        people.block(world, gone)
        say(other, slice(IN_ALL))
        until(lambda: IN_ALL - 1 in asked(other), bot.log)
        until(lambda: not deployment.is_anything_open(), bot.log)

        shown = world.ledger.entries.total
        people.unblock(world, gone)
        until(lambda: BEFORE in asked(gone), bot.log)
        people.start(world, gone)

        def is_offered() -> bool:
            cards = [str((seen.message or {}).get("text", "")) for seen in world.ledger.since(shown, chat=gone)]
            return any("has a draft" in text for text in cards)

        until(is_offered, bot.log)
        bot.stop()
        for person in (gone, other):
            assert asked(person) == sorted(asked(person)), person
        assert deployment.rows("SELECT count(*) FROM person WHERE unreachable_at IS NOT NULL") == [(0,)]
        assert "Traceback" not in bot.log()
