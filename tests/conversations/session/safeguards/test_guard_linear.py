"""Every reader of text from outside is linear: three messages of 4 096 signs once stopped the bot for everybody (S16).

What is compared is processor time of this thread, the least of several times, of a text and of one four times as long:
a linear reader takes 4 times as long, a quadratic one 16 times. What each sign costs is counted in calls, which are the
same on a busy machine.
"""

import importlib
import inspect
import pkgutil
import random
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from conversations import languages
from conversations.session.safeguards.emergencies import emergency
from conversations.session.safeguards.guard import is_name_alone, personal_data
from conversations.session.safeguards.shelter_parts import PARTS
from conversations.session.safeguards.shelter_words import SAYS
from conversations.session.safeguards.ways import WAYS
from tests.grown import UNITS, calls, grown, units

SHORT, LONG = 1024, 4096
LINEAR = 8
TRIFLE = 0.0006
"""Seconds for the short text below which the long one takes at most 10 ms, whatever it is."""
MOST_CALLS = 40
"""Calls for each sign: 4 096 signs at 35 take about 20 ms, at 82 they took 60."""
PACKAGES = ("conversations.session", "bot.screens.everyone", "bot.telegram")


def held(value: Any) -> Iterator[re.Pattern[str]]:
    """The patterns in a value of a module; of a cached function, those that it makes."""
    if isinstance(value, re.Pattern) and isinstance(value.pattern, str):
        yield value
    elif isinstance(value, tuple | list):
        for each in value:
            yield from held(each)
    elif isinstance(value, dict):
        yield from held(list(value.values()))
    elif hasattr(value, "cache_info") and "Pattern" in str(inspect.signature(value).return_annotation):
        asked = list(inspect.signature(value).parameters)
        for given in [()] if not asked else [(each,) for each in languages.LANGUAGES] if asked == ["language"] else []:
            yield from held(value(*given))


def patterns() -> dict[str, re.Pattern[str]]:
    """Each pattern of the modules that read text from outside, by its name."""
    found: dict[str, tuple[str, re.Pattern[str]]] = {}
    for package in map(importlib.import_module, PACKAGES):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for name, value in vars(importlib.import_module(module.name)).items():
                for at, each in enumerate(held(value)):
                    found.setdefault(each.pattern, (f"{module.name}.{name}.{at}", each))
    return dict(found.values())


PATTERNS = patterns()


def is_linear(read: Callable[[str], object], grow: Callable[[int], str]) -> bool:
    """Whether a text of four times the length takes about four times as long. One that seems not to is tried again."""
    return any(
        (short := least(read, grow(SHORT), tries)) < TRIFLE or least(read, grow(LONG), tries) < LINEAR * short
        for tries in (1, 3, 9)
    )


def least(read: Callable[[str], object], given: str, tries: int) -> float:
    times = []
    for _ in range(tries):
        begun = time.thread_time()
        read(given)
        times.append(time.thread_time() - begun)
    return min(times)


def growing(unit: str, before: str, behind: str, length: int) -> str:
    return grown(unit, length, before=before, behind=behind)


@pytest.mark.slow
@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_reads_a_text_of_its_own_parts_once(name: str) -> None:
    """Each part that it repeats, each beginning, and whole matches, over and over, with and without a wrong end."""
    pattern = PATTERNS[name]

    def read(given: str) -> None:
        for _ in pattern.finditer(given):
            pass

    slow = [
        (before, unit)
        for before, unit in units(pattern, random.Random(pattern.pattern))
        for end in ("", "\x01a")
        if not is_linear(read, partial(growing, unit, before, end))
    ]
    assert slow == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "read",
    [
        lambda given: personal_data(given, strict=False),
        lambda given: personal_data(given, strict=True),
        is_name_alone,
        emergency,
    ],
    ids=["ordinary", "strict", "name alone", "emergency"],
)
def test_the_guard_as_a_whole_reads_a_text_once(read: Callable[[str], object]) -> None:
    """Phrases that its rules know, and what those are about, over and over: no rule reads a sentence without end."""
    dice = random.Random(5)
    known = said()
    about = ["María", "Pérez", "12", "809", "15 años", "a.b.", "X", "c/", "Arroyo Hondo", "@ana", "foo.com", "la niña"]
    joints = [" ", ", ", ". ", "\n", "-", "", "/", " : "]
    slow = [("", unit) for unit in UNITS if not is_linear(read, partial(growing, unit, "", ""))]
    for _ in range(60):
        pieces = [dice.choice(known if dice.random() < 0.6 else about) for _ in range(dice.randint(1, 5))]
        before, unit = dice.choice(known) + " ", dice.choice(joints).join(pieces) + dice.choice(joints)
        if not is_linear(read, partial(growing, unit, before, "")):
            slow.append((before, unit))
    assert slow == []


def of_shelters() -> Iterator[str]:
    """The example of each rule about the way to a shelter, and each kind of word that the rules ask for, beside one."""
    dice = random.Random(11)
    for rule in (*WAYS.rules, *PARTS.rules):
        yield f"{rule.example} "
    for key in SAYS:
        shelter, word = (
            " ".join(dice.choice(piece.split("/")) for piece in dice.choice(languages.phrases_of_all(name)).split())
            for name in ("personal.shelters", f"personal.{key}")
        )
        yield f"{shelter}{dice.choice((' ', ', ', '. '))}{word}{dice.choice((' ', ', ', '. ', ' en la '))}"


@pytest.mark.slow
@pytest.mark.parametrize("strict", [False, True], ids=["ordinary", "strict"])
def test_a_text_of_the_parts_of_a_shelter_costs_little_for_each_sign(*, strict: bool) -> None:
    """Each word is asked only the rules that it has a meaning for, however many shelters are told of."""
    read = partial(personal_data, strict=strict)
    costly = []
    for unit in (*of_shelters(), "refugio calle ", "casa de acogida en la "):
        read(grown(unit, SHORT))  # what is said of each word is known from then on
        short, long = calls(read, grown(unit, SHORT)), calls(read, grown(unit, LONG))
        if long > MOST_CALLS * LONG or long > LINEAR * short:
            costly.append((unit, short / SHORT, long / LONG))
    assert costly == []


def said() -> list[str]:
    """The phrases of every language, as its folder has them."""
    found: set[str] = set()
    for path in sorted(Path(languages.__file__).parent.glob("locales/*/language.po")):
        for line in re.findall(r'^msgstr "(.*)"$', path.read_text("utf-8"), re.MULTILINE):
            found |= {phrase.strip() for phrase in re.split(r"[|;]|\\n", line) if 0 < len(phrase.strip()) < 40}
    return sorted(found)


@pytest.mark.parametrize(
    "sent", ["a.b." * 1024, "." * 4096, "a" * 4095 + "@", "Pérez, 15 años/" * 273, "b." * 500 + ".pdf"]
)
def test_the_texts_that_stopped_the_bot_are_read_once(sent: str) -> None:
    """They were found from outside, and their relatives here."""
    for strict in (False, True):
        assert is_linear(lambda given: personal_data(given, strict=strict), lambda length: sent[:length])  # noqa: B023
