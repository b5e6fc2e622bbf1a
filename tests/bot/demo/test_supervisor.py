"""The bot beside the sandbox, as the page sees it: alive or not, what it did, and what the calendar brings next."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.demo.cast import BEGINS
from bot.demo.supervisor import COUNTED, Counts, Supervisor, moments
from bot.sandbox.client import SandboxClient
from bot.sandbox.server import running_sandbox
from bot.sandbox.telegram import Person, World
from tests.bot.house import ANA, furnish, settings_in
from tests.deadlines import PATIENCE, wait_until
from tests.ports import free_port

pytestmark = pytest.mark.slow

ZONE = ZoneInfo("America/Santo_Domingo")


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("furnished")
    furnish(folder)
    return folder


@pytest.fixture
def page(tmp_path: Path, furnished: Path) -> Iterator[SandboxClient]:
    """A sandbox whose bot is supervised, as in the demo, and started."""
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    port = free_port()
    settings = settings_in(tmp_path, f"http://127.0.0.1:{port}")
    world = World(start=BEGINS.timestamp(), token=settings.telegram_token.get_secret_value())
    world.add_person(Person(ANA, "Ana"), started=True)
    supervisor = Supervisor(settings, world)
    try:
        with running_sandbox(world, port=port, supervisor=supervisor) as sandbox:
            page = SandboxClient(sandbox.url)
            order(page, "start")
            yield page
    finally:
        supervisor.close()


def order(page: SandboxClient, what: str) -> dict[str, Any]:
    return dict(page.ask("POST", "/supervisor", {"do": what}))


def seen(page: SandboxClient, until: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What the page is told, as soon as it is this."""

    def state() -> dict[str, Any]:
        found = page.ask("GET", "/supervisor")
        return dict(found) if until(found) else {}

    return wait_until(state, "the page is told", show=lambda: page.ask("GET", "/supervisor"))


def settled(updates: int, sent: int = 0) -> Callable[[dict[str, Any]], bool]:
    """So many updates taken up, and what they caused sent: more than had been."""

    def check(state: dict[str, Any]) -> bool:
        told = state["figures"]
        return bool(told and told["updates"] == updates and told["sent"] > sent and not told["sending"])

    return check


def test_the_page_sees_what_the_bot_did(page: SandboxClient) -> None:
    """Updates, the units and commits that made them durable, and messages; nothing hangs."""
    page.wait_for_bot(PATIENCE)
    page.phone(ANA).say("/pendientes")
    state = seen(page, settled(1))
    told = state["figures"]
    assert set(told) == {*COUNTED, "queued", "sending"}
    assert state["running"]
    assert told["units"] >= told["commits"] > 0
    assert {name: told[name] for name in ("queued", "retried", "ambiguous", "undeliverable", "fires")} == dict.fromkeys(
        ("queued", "retried", "ambiguous", "undeliverable", "fires"), 0
    )


def test_a_killed_bot_has_no_figures_and_a_restarted_one_goes_on_counting(page: SandboxClient) -> None:
    """Nothing on the page runs backwards, and since when it counts stays the same."""
    page.wait_for_bot(PATIENCE)
    page.phone(ANA).say("/pendientes")
    before = seen(page, settled(1))
    killed = order(page, "kill")
    assert (killed["running"], killed["pid"], killed["figures"]) == (False, None, None)
    order(page, "start")
    page.phone(ANA).say("/ayuda")
    after = seen(page, settled(2, before["figures"]["sent"]))
    assert after["pid"] != before["pid"]
    assert after["since"] == before["since"] == pytest.approx(BEGINS.timestamp(), abs=60)
    assert all(after["figures"][name] >= before["figures"][name] for name in COUNTED)


def test_a_bot_that_dies_is_started_again(page: SandboxClient) -> None:
    """By itself, without an order: it is wanted."""
    page.wait_for_bot(PATIENCE)
    pid = page.ask("GET", "/supervisor")["pid"]

    os.kill(pid, signal.SIGKILL)
    assert seen(page, lambda state: bool(state["figures"] and state["pid"] != pid))["running"]


def test_what_dead_processes_counted_is_added_once() -> None:
    """What it is now (queued) is not added up, and asking twice adds nothing."""
    counts = Counts()
    zero = dict.fromkeys(COUNTED, 0)
    counts.total(1, zero | {"sent": 3, "queued": 2})
    counts.total(1, zero | {"sent": 5, "queued": 1})
    assert counts.total(2, zero | {"sent": 1, "queued": 4})["sent"] == 6
    assert counts.total(2, zero | {"sent": 2, "queued": 4})["sent"] == 7
    assert counts.total(3, zero | {"queued": 1}) == zero | {"sent": 7, "queued": 1}


@pytest.mark.parametrize(
    ("now", "coming"),
    [
        # October 2018: due Friday the 5th, locked Monday the 15th.
        ("2018-10-03T08:00", "due 2018-10-05T09:00, locks 2018-10-15T00:00, opening 2018-11-01T09:00"),
        ("2018-10-05T09:00", "locks 2018-10-15T00:00, opening 2018-11-01T09:00, due 2018-11-05T09:00"),
        ("2018-10-15T00:00", "opening 2018-11-01T09:00, due 2018-11-05T09:00, locks 2018-11-15T00:00"),
        # January 2019: the 5th is a Saturday, so it is due on the 7th.
        ("2018-12-31T23:59", "opening 2019-01-01T09:00, due 2019-01-07T09:00, locks 2019-01-15T00:00"),
    ],
)
def test_the_moments_to_come_are_the_plans_own(now: str, coming: str) -> None:
    """By docs/domain.md#calendar in the plan's zone, at the ladder's hour; the next of each kind, soonest first."""
    found = moments(datetime.fromisoformat(now).replace(tzinfo=ZONE), ZONE)
    told = [f"{each['name']} {datetime.fromtimestamp(each['at'], ZONE):%Y-%m-%dT%H:%M}" for each in found]
    assert ", ".join(told) == coming


def test_a_holiday_moves_the_moment_that_is_told() -> None:
    """5 November 2018 is Constitution Day: October is due on the 6th, and the page's button leads there."""
    now = datetime(2018, 10, 16, 12, tzinfo=ZONE)
    (due,) = [each for each in moments(now, ZONE, {date(2018, 11, 5)}) if each["name"] == "due"]
    assert datetime.fromtimestamp(due["at"], ZONE) == datetime(2018, 11, 6, 9, tzinfo=ZONE)
