"""What somebody must see to: told in the chat once and for as long as it lasts, whoever raises it how often."""

import asyncio
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.acts.upkeep.status import look, readings
from bot.acts.upkeep.status import sentence as line
from bot.alarms.raising import Alarms
from bot.alarms.standing import KINDS, OTHER, PREFIX, Kind, sentence, standing
from bot.open_storage import open_storage
from bot.sandbox.client import BotByHand
from conversations.languages import LANGUAGES
from conversations.wording import wording
from storage.database.vault import KeyUnknown
from storage.errors import Unavailable
from storage.messages.outbox import OutboxRow
from storage.open_database import Database
from storage.unit_of_work import Units
from tests.bot.desk import NOW
from tests.bot.house import PEDRO, Town, furnish, settings_in, town_in
from tests.bot.telegram.wire import empty_database
from tests.deadlines import PATIENCE, until, wait_until


class Hand:
    """A clock that goes on by hand."""

    def __init__(self) -> None:
        self.wall, self.steady = NOW, 0.0

    def now(self) -> Any:
        return self.wall

    def monotonic(self) -> float:
        return self.steady

    def pass_by(self, time: timedelta) -> None:
        self.wall += time
        self.steady += time.total_seconds()


class Watched:
    """The alarms of one process, and what admins see of them."""

    def __init__(self, database: Database, clock: Hand) -> None:
        self.database = database
        self.clock = clock
        self.fed: list[OutboxRow] = []
        self.alarms = Alarms(database.units, clock, self.fed.extend)

    @property
    def told(self) -> list[str]:
        assert {row.chat_id for row in self.fed} <= {PEDRO}
        return [str(row.payload["text"]) for row in self.fed]

    @property
    def standing(self) -> list[str]:
        with self.database.view() as unit:
            return [one.kind for one in standing(unit)]

    async def go_on(self, time: timedelta, *raised: str) -> None:
        """While these are raised every five seconds."""
        for _ in range(time // timedelta(seconds=5)):
            self.clock.pass_by(timedelta(seconds=5))
            for kind in raised:
                self.alarms(kind, "again")
            await self.alarms.look()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    made = tmp_path_factory.mktemp("alarms")
    url = "" if request.param == "sqlite" else empty_database("postgresql", made)
    furnish(made, url)
    return made, url


@pytest.fixture
def database(folder: tuple[Path, str]) -> Iterator[Database]:
    with open_storage(settings_in(folder[0], database_url=folder[1])) as opened:
        opened.units.submit(None, lambda unit: [unit.facts.forget(PREFIX + kind) for kind in (*KINDS, "new")]).result()
        yield opened


async def test_an_admin_is_told_once_for_as_long_as_it_lasts_and_when_it_is_over(database: Database) -> None:
    """Raised every five seconds for an hour, it is two messages; the next time it is two more."""
    house = Watched(database, Hand())
    for outage in (1, 2):
        await house.go_on(timedelta(hours=1), "second_poller")
        assert (len(house.told), house.standing) == (2 * outage - 1, ["second_poller"])
        assert house.told[-1].startswith("⛔ Otro programa lee los mensajes del bot. Detenga la otra copia.")
        await house.go_on(timedelta(minutes=5))
        assert house.told[-1] == "✅ Ya pasó: Otro programa lee los mensajes del bot."
        assert (len(house.told), house.standing) == (2 * outage, [])


async def test_two_processes_that_see_the_same_tell_it_once(database: Database) -> None:
    """The one that still sees it keeps it standing; it is over when neither does."""
    clock = Hand()
    one, other = Watched(database, clock), Watched(database, clock)
    for house in (one, other):
        house.alarms("disk", "full")
    await asyncio.gather(one.alarms.look(), other.alarms.look())
    assert len(one.told + other.told) == 1

    for _ in range(120):
        await other.go_on(timedelta(seconds=5), "disk")
        clock.wall, clock.steady = clock.wall - timedelta(seconds=5), clock.steady - 5
        await one.go_on(timedelta(seconds=5))
    assert (len(one.told + other.told), one.standing) == (1, ["disk"])

    await one.go_on(timedelta(minutes=5))
    await other.alarms.look()
    assert (len(one.told + other.told), one.standing) == (2, [])


async def test_what_a_dead_process_raised_is_over_after_its_time(database: Database) -> None:
    """Nobody raises it any more, and the next process says so."""
    clock = Hand()
    dead = Watched(database, clock)
    dead.alarms("token_rejected", "401")
    await dead.alarms.look()
    alive = Watched(database, clock)
    await alive.alarms.look()
    assert alive.standing == ["token_rejected"]

    await alive.go_on(timedelta(minutes=5))
    assert (alive.standing, len(alive.told)) == ([], 1)


class Away:
    """Units of a database that is away for a while."""

    def __init__(self, units: Units) -> None:
        self.units = units
        self.is_away = True

    async def run(self, key: None, work: Any) -> Any:
        if self.is_away:
            raise Unavailable("away")
        return await self.units.run(key, work)


async def test_what_could_not_be_told_at_once_is_told_when_the_database_is_back(database: Database) -> None:
    """With the time since when it was so; meanwhile this process knows it."""
    clock, fed = Hand(), []
    away = Away(database.units)
    alarms = Alarms(away, clock, fed.extend)  # type: ignore[arg-type]
    for _ in range(12):
        clock.pass_by(timedelta(seconds=5))
        alarms.lost(Unavailable("away"))
        await alarms.look()
    assert (fed, list(alarms.raised())) == ([], ["database"])

    clock.pass_by(timedelta(hours=1))
    away.is_away = False
    await alarms.look()
    assert len(fed) == 2  # that it was so, and that it is over


async def test_what_is_over_in_a_moment_is_logged_and_told_to_nobody(database: Database) -> None:
    """A lock that is held for a second is not worth anybody's evening."""
    house = Watched(database, Hand())
    house.alarms.lost(Unavailable("locked"))
    await house.go_on(timedelta(minutes=10))
    assert (house.told, house.standing) == ([], [])


async def test_a_key_that_is_missing_is_told_as_that(database: Database) -> None:
    """Whatever stands between: who opened the seal, the unit, the group."""
    house = Watched(database, Hand())
    lost = Unavailable("lost")
    lost.__cause__ = KeyUnknown("sealed under the key k9")
    house.alarms.lost(lost)
    await house.alarms.look()

    assert house.standing == ["keys"]


async def test_an_alarm_may_be_raised_from_any_thread_and_is_told_at_once(database: Database) -> None:
    """Those who apply units and do chores are threads; nobody waits for the next look."""
    house = Watched(database, Hand())
    stopping = asyncio.Event()
    running = asyncio.create_task(house.alarms.run(stopping))
    thread = threading.Thread(target=house.alarms, args=("new", "of a kind that is not in the table"))
    thread.start()
    await until(lambda: bool(house.told), "it is told")
    stopping.set()
    house.alarms.stop()
    await running

    assert house.told == ["⛔ Algo necesita atención. Revise el registro del bot en el servidor (new)."]


async def test_each_kind_says_what_it_is_and_what_to_do(database: Database) -> None:
    """In each language, in status as in the chat, worst first."""
    house = Watched(database, Hand())
    for kind in (*KINDS, "new"):
        house.alarms(kind, "reason")
    await house.go_on(timedelta(minutes=6), *KINDS, "new")
    with database.view() as unit:
        seen = look(unit, house.clock.now())
    assert {one.kind for one in seen.alarms} == {*KINDS, "new"}

    found = readings(seen)
    for say in map(wording, LANGUAGES):
        lines = {}
        for one in seen.alarms:
            told = sentence(one, say, NOW)
            assert "alarm." not in told
            assert "{" not in told
            lines[PREFIX + one.kind] = told
        alarmed = [(name, reading) for name, reading in found if name in lines]
        assert len(alarmed) == len(lines)
        assert all(line(name, reading, say).startswith(lines[name][:20]) for name, reading in alarmed)

    states = [reading.state for _, reading in found]
    assert states == sorted(states, key=["bad", "warn", "good"].index)


def test_an_alarm_lasts_longer_than_the_time_between_two_words_of_it() -> None:
    """Or it would be over and new again all the time: whoever raises one looks every minute at least."""
    kinds: tuple[Kind, ...] = (*KINDS.values(), OTHER)
    assert all(kind.lasts >= timedelta(minutes=1) for kind in kinds)


# ------------------------------------------------------------------ with a bot that runs
@pytest.fixture
def town(tmp_path: Path, furnished: Path) -> Iterator[Town]:
    with town_in(tmp_path, furnished, watched=True) as town:
        yield town


def asked(town: Town, path: str) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{town.metrics_port}{path}", timeout=PATIENCE) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode()


@pytest.mark.slow
def test_a_second_poller_is_seen_on_an_admins_phone_in_status_in_metrics_and_by_readiness(town: Town) -> None:
    """With shipped settings: whoever has the token is noticed where somebody looks."""
    thief = BotByHand(town.sandbox.url, town.sandbox.token)
    pedro = town.officer(PEDRO)

    def is_told() -> bool:
        thief.call("getUpdates", timeout=1)
        return "Otro programa lee los mensajes del bot" in pedro.text

    wait_until(is_told, "an admin is told", show=town.logged)
    told = town.enlace("status")

    assert told.returncode == 1
    assert told.stdout.startswith("bad\talarm.second_poller\tOtro programa lee los mensajes del bot.")
    assert 'enlace_alarm{kind="second_poller"} 1.0' in asked(town, "/metrics")
    assert '"second_poller":"failing"' in asked(town, "/readyz")
