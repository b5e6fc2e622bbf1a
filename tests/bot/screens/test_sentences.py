"""Six hundred sentences as tired officers, coordinators, a minister and an admin type them where nothing is asked.

Six sets of 25 a language (`sentences/`): who writes, what they want (one of these), the text. Each set was read once
before the table was mended for it. Right at that first reading, of 25:

    set   es  en  ht  fr
    1     17  22  20  22
    2     17  16  18  20
    3     19  18  16  19
    4     19  14  16  17   unusual ones, after sets 1 to 3 were mended
    5     18  16  16  17   unusual ones, after set 4 was
    6     22  22  21  21   ordinary ones, after set 5 was: what to expect of the next officer

A sentence went right if the answer says what was wanted, or its first buttons lead there.
"""

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.acts.people.enrolment import Newcomer, enrol
from bot.open_storage import open_storage
from bot.screens.everyone import unasked
from bot.telegram.handled import Handled
from bot.telegram.updates import COMMAND_HEAD
from conversations.languages import LANGUAGES
from conversations.plan.model import Role
from conversations.routes import Route
from conversations.wording import wording
from tests.bot.desk import NOW, Desk, buttons, said, tap
from tests.bot.house import ANA, CARMEN, PEDRO, settings_in

READER = 599
WRITES = {"focal": ANA, "coordinator": CARMEN, "reader": READER, "admin": PEDRO}
SETS, OF_EACH, RIGHT = 6, 25, 24

WORDS = {
    "human": ("heard.person", "err.emergency", "help.person"),
    "sent": ("heard.sent", "heard.sent_none"),
    "not_today": ("heard.not_today",),
    "away": ("heard.away",),
    "not_me": ("heard.not_me",),
    "files": ("heard.files", "heard.files_none"),
    "saved": ("heard.saved",),
    "access": ("heard.access",),
    "greeting": ("heard.greeting",),
    "off": ("heard.unclear", "heard.which", "heard.not_yours"),
}
"""What a meaning that leads to no screen is answered with."""
NAMED = ("PRE-101", "ASI-201", "MINERD", "PGR")
ALSO = {"not_today": (Route.EXPLAIN,)}
"""Who cannot report today is helped by being asked what holds them back."""


def sentences(language: str) -> Iterator[tuple[int, str, tuple[str, ...], str]]:
    number = 0
    for line in (Path(__file__).parent / "sentences" / f"{language}.tsv").read_text().splitlines():
        if line.startswith("#"):
            number = int(line[1:])
        else:
            who, wanted, text = line.split("\t")
            yield number, who, tuple(wanted.split()), text


@pytest.fixture
def desk(tmp_path: Path, furnished: Path) -> Iterator[Desk]:
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    with open_storage(settings_in(tmp_path)) as database:
        made = Desk(database)
        reader = Newcomer(READER, "R", Role.READER, "MMUJER", "es")
        made.do(lambda unit: enrol(unit, reader, NOW, "America/Santo_Domingo"))
        yield made


@pytest.mark.parametrize("language", LANGUAGES)
def test_of_each_set_at_least_twenty_four_go_right(desk: Desk, language: str) -> None:
    """What is understood is followed or said; what is only near is among the first buttons."""
    for who in WRITES.values():
        tap(desk, who, "idioma", language)
    wrong: dict[int, list[str]] = {number: [] for number in range(1, SETS + 1)}
    read = dict.fromkeys(wrong, 0)
    for number, who, wanted, text in sentences(language):
        desk.now += timedelta(minutes=1)
        handled = desk.say(WRITES[who], text)
        read[number] += 1
        if not any(_answers(desk, WRITES[who], handled, meaning, text, language) for meaning in wanted):
            wrong[number].append(f"{who}: {text} → {said(handled, WRITES[who])}")
        tap(desk, WRITES[who], "menu")

    assert read == dict.fromkeys(wrong, OF_EACH)
    assert [some for some in wrong.values() if len(some) > OF_EACH - RIGHT] == []


def _answers(desk: Desk, who: int, handled: Handled, meaning: str, typed: str, language: str) -> bool:
    text = "\n".join(said(handled, who))
    if meaning in ("thanks", "agreed"):
        return [row.method for row in handled.deliveries] == ["setMessageReaction"]
    if meaning == "code":
        bare = re.sub(r"[^A-Z0-9]", "", typed.upper())
        return any(code in text for code in NAMED if code.replace("-", "") in bare)
    if any(_fixed(wording(language)(key)) in text for key in WORDS.get(meaning, ())):
        return True
    routes = list(unasked.OFFERED.get(meaning) or ((Route(meaning),) if meaning in set(Route) else ()))
    is_offered = not set(_offered(handled, who)).isdisjoint((*routes, *ALSO.get(meaning, ())))
    return is_offered or any(_is_shown(desk, who, text, one) for one in routes)


def _fixed(sentence: str) -> str:
    """Its longest part in which nothing is put in."""
    return max(re.split(r"\{\w+\}", sentence), key=len)


def _offered(handled: Handled, who: int) -> list[Route]:
    """Where the first buttons lead."""
    if not any(row.payload.get("reply_markup") for row in handled.deliveries if row.chat_id == who):
        return []
    first = [each for each in list(buttons(handled, who).values())[:3] if each.startswith(COMMAND_HEAD)]
    return [Route(each.removeprefix(COMMAND_HEAD).partition(":")[0]) for each in first]


def _is_shown(desk: Desk, who: int, text: str, route: Route) -> bool:
    """Whether the answer was the screen to which this route's button leads."""
    screen = "\n".join(said(tap(desk, who, route), who))
    return bool(screen) and text.endswith(screen)
