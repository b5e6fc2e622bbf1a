"""A month on the phones, with somebody who stops at each station of the way in: the real bot, a clock wound on."""

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from bot.sandbox.telegram import Person
from tests.bot.house import ANA, CARMEN, JEAN, PEDRO, ROSA, Officer, Town, furnish, town_in
from tests.deadlines import has_ended, wait_until

pytestmark = pytest.mark.slow

OPENED, CHOSEN, ACCEPTED, NEW_PHONE = 611, 612, 613, 614
ASKED = "le falta un paso", "one step is missing"
"""The nudge, in Spanish for who chose no language and in English for who did."""


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    furnish(tmp_path)
    with town_in(tmp_path, None) as town:
        for number in (OPENED, CHOSEN, ACCEPTED, NEW_PHONE):
            town.sandbox.world.add_person(Person(number, f"Nueva {number}", language_code="es"))
        yield town


def invited(town: Town, agency: str) -> str:
    """The token of a link that Pedro makes on his phone."""
    pedro = town.officer(PEDRO)
    pedro.say("/invitar")
    pedro.tap("Punto focal")
    return re.findall(r"start=([\w-]{43})", pedro.tap(agency))[-1]


def live_until(town: Town, last: date) -> None:
    """Go on to half past ten of each day; what is due then has reached the phones."""
    world = town.sandbox.world
    day = date.fromtimestamp(world.now()) + timedelta(days=1)
    while day <= last:
        for hour in ("09:00:30", "10:30:00"):
            looked = scans(town)
            town.client.move_clock(to=f"{day}T{hour}-04:00")
            assert town.process is not None
            wait_until(
                lambda seen=looked: scans(town) > seen,  # type: ignore[misc]
                "the bot has looked for what is due",
                show=town.logged,
                unless=has_ended(town.process),
            )
            town.rest()
        day += timedelta(days=1)


def scans(town: Town) -> str:
    """The instant of the bot's last look at what is due, as it tells it."""
    rows = town.rows("SELECT value FROM fact WHERE name = 'vitals'")
    return str(json.loads(rows[0][0])["looked_at"]) if rows else ""


def shown(officer: Officer, *words: str) -> list[str]:
    """All that a phone was shown with one of these words in it, also what has left the chat since."""
    said = [str(entry.text) for entry in officer.town.sandbox.world.ledger.since(0, chat=officer.id)]
    return [text for text in said if any(each in text for each in words)]
