"""docs/sandbox.md says what the sandbox is: where the code can tell, they are held against each other."""

import re
from dataclasses import fields

from starlette.routing import Route

from bot.sandbox import control, updates
from bot.sandbox import telegram as world
from bot.sandbox.faults import KINDS, Fault
from bot.sandbox.methods import EMPTY, METHODS, accepted
from bot.sandbox.photos import PHOTO_SIDES
from bot.sandbox.schema import FACTS
from tests import ROOT

PAGE = (ROOT / "docs" / "sandbox.md").read_text("utf-8")


def section(begin: str, end: str) -> str:
    return PAGE.split(begin, 1)[1].split(end, 1)[0]


def ticked(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_the_page_lists_every_method_and_what_becomes_of_it() -> None:
    """Emulated, read only, answered with nothing: each where METHODS has it, in its order."""
    emulated = section("Emulated:\n", "Read and checked, answered")
    read = section("and nothing happens:\n", "Answered with nothing")
    nothing = section("nothing of its kind:\n", "Every other method")
    assert ticked(emulated) == [name for name, method in METHODS.items() if method is not accepted]
    assert ticked(read) == [name for name, method in METHODS.items() if method is accepted]
    assert ticked(nothing) == list(EMPTY)
    assert FACTS.version in PAGE


def test_the_page_lists_every_path_of_the_control_api() -> None:
    """With the methods it answers to; nothing is promised that is not there."""
    served = set()
    for route in control.routes(world.World()):
        if isinstance(route, Route) and route.path.startswith("/sandbox"):
            path = route.path.removeprefix("/sandbox").replace("{id:path}", "{id}")
            served |= {f"{method} {path}" for method in route.methods or () if method != "HEAD"}
    table = section("## The control API", "### Failures")
    assert set(re.findall(r"`((?:GET|POST|DELETE) /[^`]*)`", table)) == served


def test_the_page_lists_every_kind_of_failure_and_how_it_is_ordered() -> None:
    """A rule has no field, and a fault no kind, that the page does not name."""
    text = section("### Failures on command", "## How faithful")
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == KINDS
    named = set(ticked(text))
    assert {field.name for field in fields(Fault)} - {"id", "hits", "_dice"} <= named


def test_the_figures_of_the_page_are_those_of_the_code() -> None:
    """Lifetimes, limits and sizes."""
    hours, mega = 3600, 1024 * 1024
    for words in (
        f"kept for {world.UPDATE_LIFETIME // hours} hours, taps for {world.QUERY_LIFETIME} seconds",
        f"deleting within {world.DELETE_LIFETIME // hours} hours",
        f"once, within {world.QUERY_LIFETIME} seconds",
        f"more than {updates.OFFSET_AHEAD} beyond",
        f"`timeout` up to {updates.MAX_TIMEOUT} s",
        f"{world.Sent.OVERALL} messages a second for all chats",
        f"{world.Sent.GROUP} a minute to a group",
        f"a burst of {world.Sent.CHAT_BURST} messages",
        f"upload up to {world.UPLOAD_LIMIT // mega} MB (photos {world.PHOTO_LIMIT // mega}), "
        f"download up to {world.DOWNLOAD_LIMIT // mega} MB",
        f"the latest {world.KEPT_ENTRIES // 1000} 000 entries",
        f"`delay` seconds ({60})",
    ):
        assert words in PAGE, words
    assert (updates.MAX_RETRY_DELAY, updates.MAX_RETRY_AFTER, len(PHOTO_SIDES)) == (60, hours, 4)
    assert world.IDLE_WEEK // hours == 7 * 24
