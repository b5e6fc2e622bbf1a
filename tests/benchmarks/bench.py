"""`make bench`: Enlace and its peers on the same form, in one run, with the ratio to the simplest of them.

    make bench BENCH="--rounds 1 --seconds 3 --scenes polling --bots ptb,enlace"

Figures of another hour or machine say nothing: the bots take turns within each round, each in a process of its
own with a database of its own, and the median of the rounds is printed beside its ratio to the
ConversationHandler that keeps nothing, of the same scene. What a busy machine disturbs least is the CPU column.
"""

import argparse
import dataclasses
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from emulator import FIRST_PERSON
from houses import CLOCK, House, Kind, copy, furnish, schema
from load import Plan, Report, run
from sqlalchemy.exc import OperationalError
from talks import TALKS

sys.path.insert(0, str(Path(__file__).parents[2]))

from bot.acts.sharing.receivers import new_secret
from bot.open_storage import open_storage
from conversations.plan.sharing.events import kinds_for
from storage.messages.endpoints import NewEndpoint, Target
from storage.unit_of_work import UnitOfWork
from tests.ports import free_port

PEERS = Path(__file__).parent / "peers"
HEARS = Path(__file__).parent / "hears.py"
REFERENCE = "ptb"
MOST_PEOPLE = 500


# ------------------------------------------------------------------ who takes part
@dataclass(frozen=True, slots=True)
class Bot:
    """One row: what runs, on which database (none for the peers), and which talk it can hold."""

    name: str
    title: str
    script: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    webhook: Mapping[str, str] = field(default_factory=dict)
    database: str = ""
    house: Kind = "form"
    talk: str = "form"
    is_heard: bool = False
    """Whether a receiver is told of every report."""
    replicas: int = 1
    share: float = 0.0
    """Of a core, to which each replica is held; 0: to none."""


PEER = {"BENCH_API": "{api}", "BENCH_TOKEN": "{token}"}
PEER_HOOK = {"BENCH_HOOK_PORT": "{hook_port}"}
RUN = ("--", "run", "--clock", CLOCK)
EACH = ("--without", "group", *RUN)
HTTPX = ("--without", "aiohttp", *RUN)

BOTS = (
    Bot("ptb", "PTB ConversationHandler, keeps nothing", "ptb.py", (), PEER, PEER_HOOK),
    Bot("pickle", "PTB + PicklePersistence", "ptb.py", (), PEER | {"BENCH_PICKLE": "bot.pickle"}, PEER_HOOK),
    Bot("enlace", "Enlace, SQLite", "enlace.py", RUN, database="sqlite", talk="enlace-form"),
    Bot("postgres", "Enlace, PostgreSQL", "enlace.py", RUN, database="postgresql", talk="enlace-form"),
    Bot("each", "Enlace, a commit per answer", "enlace.py", EACH, database="sqlite", talk="enlace-form"),
    Bot("httpx", "Enlace over httpx", "enlace.py", HTTPX, database="sqlite", talk="enlace-form"),
    Bot(
        "activity", "Enlace: activity report", "enlace.py", RUN, database="sqlite", house="activities", talk="activity"
    ),
    Bot(
        "heard",
        "Enlace: activity report, told to a receiver",
        "enlace.py",
        RUN,
        database="sqlite",
        house="activities",
        talk="activity",
        is_heard=True,
    ),
    Bot("referral", "Enlace: referral totals", "enlace.py", RUN, database="sqlite", house="shipped", talk="referral"),
    Bot(
        "held",
        "Enlace, PostgreSQL, one replica held to 0.3 of a core",
        "enlace.py",
        RUN,
        database="postgresql",
        talk="enlace-form",
        share=0.3,
    ),
    Bot(
        "two",
        "Enlace, PostgreSQL, two of them",
        "enlace.py",
        RUN,
        database="postgresql",
        talk="enlace-form",
        replicas=2,
        share=0.3,
    ),
    Bot("floor", "nothing at all (the driver's ceiling)", "floor.py", (), PEER),
)


@dataclass(frozen=True, slots=True)
class Scene:
    """What they are put through, and which of them."""

    name: str
    title: str
    users: int
    bots: tuple[str, ...]
    is_webhook: bool = False
    latency: float = 0.0
    pause: float = 0.0
    """Seconds for which people look at a question. Those who never do are faster than a replica notes what it sent."""


SCENES = (
    Scene("polling", "50 people, polling", 50, ("ptb", "pickle", "enlace", "postgres", "each", "httpx", "floor")),
    Scene("jobs", "50 people, polling, Enlace's own work", 50, ("ptb", "enlace", "activity", "referral")),
    Scene("events", "50 people, polling, without and with a receiver of events", 50, ("activity", "heard")),
    Scene("webhook", "50 people, webhook", 50, ("ptb", "pickle", "enlace", "postgres"), is_webhook=True),
    Scene("replicas", "400 people who pause, webhook, replicas", 400, ("held", "two"), is_webhook=True, pause=0.5),
    Scene("crowd", "500 people, polling", 500, ("ptb", "pickle", "enlace", "postgres")),
    Scene("crowd-webhook", "500 people, webhook", 500, ("ptb", "enlace"), is_webhook=True),
    Scene("far", "50 people, polling, the API answers after 50 ms", 50, ("ptb", "enlace", "postgres"), latency=0.05),
    Scene("alone", "one person, polling", 1, ("ptb", "enlace", "postgres")),
)


# ------------------------------------------------------------------ one measurement
class Stage:
    """Prepares each bot's surroundings, and takes them away."""

    def __init__(self, folder: Path, people: int) -> None:
        self.folder, self.people = folder, range(FIRST_PERSON, FIRST_PERSON + people)
        self._number = 0
        self._templates: dict[Kind, House] = {}

    def _house(self, bot: Bot, folder: Path, stack: ExitStack) -> House:
        if bot.database == "postgresql":
            folder.mkdir()
            house = House(folder, stack.enter_context(schema()))
            furnish(house, self.people, bot.house)
            return house
        if bot.house not in self._templates:
            template = self.folder / bot.house
            template.mkdir()
            house = self._templates[bot.house] = House(template, f"sqlite:///{template / 'enlace.db'}")
            furnish(house, self.people, bot.house)
        return copy(self._templates[bot.house], folder)

    def measure(self, bot: Bot, scene: Scene, seconds: float, pin: tuple[int, int] | None) -> Report:
        self._number += 1
        folder = self.folder / str(self._number)
        with ExitStack() as stack:
            environment, webhook = dict(bot.environment), dict(bot.webhook)
            if bot.database:
                house = self._house(bot, folder, stack)
                environment |= house.environment
                webhook |= house.webhook
                if bot.is_heard:
                    environment |= hear(house, stack)
            else:
                folder.mkdir()
            return run(
                Plan(
                    talk=TALKS[bot.talk],
                    command=[sys.executable, str(PEERS / bot.script), *bot.arguments],
                    environment=environment | (webhook if scene.is_webhook else {}),
                    label=bot.title,
                    users=scene.users,
                    seconds=seconds,
                    # As slowly as the slowest gets through its conversations: begun together, people walk in step.
                    ramp=min(scene.users / 50, 8.0),
                    latency=scene.latency,
                    pause=scene.pause,
                    patience=20.0,
                    pin=pin,
                    log=folder / "bot.log",
                    hook_ports=[free_port() if scene.is_webhook else 0 for _ in range(bot.replicas)],
                    share=bot.share,
                    folder=folder,
                )
            )


def hear(house: House, stack: ExitStack) -> dict[str, str]:
    """A receiver in a process of its own, added to this house; what the bot needs to know to call it."""
    process = stack.enter_context(subprocess.Popen([sys.executable, str(HEARS)], stdout=subprocess.PIPE))
    stack.callback(process.kill)
    assert process.stdout is not None
    port = int(process.stdout.readline())
    url = f"http://127.0.0.1:{port}/"

    def add(unit: UnitOfWork) -> None:
        target, kinds = Target(url, new_secret()), kinds_for("internal")
        plan_id = unit.plans.all()[0].id
        unit.endpoints.add(
            plan_id, NewEndpoint(target, "127.0.0.1", audience="internal", kinds=kinds), datetime.now(UTC), by=None
        )

    with open_storage(house.settings) as database:
        database.units.submit(None, add).result()
    return {"ENLACE_EVENTS_INSIDE": "127.0.0.1/32", "ENLACE_EVENTS_PORTS": str(port)}


# ------------------------------------------------------------------ the table
@dataclass(frozen=True, slots=True)
class Column:
    title: str
    value: Callable[[Report], float]
    shape: str
    is_ratio: bool = False
    """Followed by how many times the reference's it is, round by round."""


COLUMNS = (
    Column("interactions/s", lambda r: r.interactions_per_s, "{:.0f}", is_ratio=True),
    Column("CPU ms each", lambda r: r.cpu_ms, "{:.2f}", is_ratio=True),
    Column("p50 ms", lambda r: r.p50_ms, "{:.1f}"),
    Column("p99 ms", lambda r: r.p99_ms, "{:.1f}"),
    Column("max ms", lambda r: r.max_ms, "{:.0f}"),
    Column("MB", lambda r: r.peak_rss_mb, "{:.0f}"),
    Column("calls each", lambda r: r.calls_per_interaction, "{:.1f}"),
    Column("start s", lambda r: r.start_s, "{:.2f}"),
    Column("failed", lambda r: r.failed, "{:.0f}"),
)


def table(scene: Scene, rows: Mapping[str, list[Report]]) -> Iterator[str]:
    """The scene's medians as a Markdown table."""
    titles = [
        title for column in COLUMNS for title in ((column.title, "× PTB") if column.is_ratio else (column.title,))
    ]
    yield f"\n### {scene.title}\n"
    yield "| bot | " + " | ".join(titles) + " |"
    yield "|---|" + "---|" * len(titles)
    for reports in rows.values():
        cells = []
        for column in COLUMNS:
            values = [column.value(report) for report in reports]
            cells.append(column.shape.format(max(values) if column.title == "failed" else statistics.median(values)))
            if column.is_ratio:
                reference = [column.value(report) for report in rows.get(REFERENCE, ())]
                ratios = [mine / theirs for mine, theirs in zip(values, reference, strict=False) if theirs]
                cells.append(f"{statistics.median(ratios):.2f}" if ratios else "–")
        yield f"| {reports[0].label} | " + " | ".join(cells) + " |"


def machine() -> str:
    """Where this was measured."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return f"{os.cpu_count()} cores ({model}), Linux {platform.release()}, Python {platform.python_version()}"


# ------------------------------------------------------------------ the run
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="measured of each")
    parser.add_argument("--scenes", default="", help=f"of {','.join(scene.name for scene in SCENES)}; all if not given")
    parser.add_argument("--bots", default="", help=f"of {','.join(bot.name for bot in BOTS)}; all if not given")
    parser.add_argument("--json", type=Path, help="append every single report to this file, one a line")
    given = parser.parse_args()
    scenes = [scene for scene in SCENES if scene.name in (given.scenes or scene.name).split(",")]
    bots = {bot.name: bot for bot in BOTS if bot.name in (given.bots or bot.name).split(",")}
    if not scenes or not bots:
        parser.error("nothing to measure: see --help for the names of scenes and bots")
    pin = (0, 1) if (os.cpu_count() or 1) > 1 else None
    print(f"{machine()}; {time.strftime('%Y-%m-%d %H:%M')}; {given.rounds} rounds of {given.seconds:g} s, medians")
    with tempfile.TemporaryDirectory(prefix="enlace-bench-") as folder:
        stage = Stage(Path(folder), max(scene.users for scene in scenes))
        for scene in scenes:
            rows: dict[str, list[Report]] = {name: [] for name in scene.bots if name in bots}
            for number in range(given.rounds):
                for name in list(rows):
                    talk(f"{scene.title}, round {number + 1}: {bots[name].title}")
                    try:
                        report = stage.measure(bots[name], scene, given.seconds, pin)
                    except OperationalError:
                        talk("  left out: PostgreSQL is not reachable (set ENLACE_TEST_POSTGRES)")
                        del rows[name]
                        continue
                    rows[name].append(report)
                    if report.failed:
                        talk(f"  {report.failed} failed: {report.first_failure}")
                    if given.json:
                        with given.json.open("a") as file:
                            kept = dataclasses.asdict(report) | {"scene": scene.name, "round": number}
                            file.write(json.dumps(kept, ensure_ascii=False) + "\n")
            for line in table(scene, rows):
                print(line, flush=True)


def talk(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
