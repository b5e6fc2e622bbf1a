"""`make torture`: the faults of docs/reliability.md for as long as you like, and a table of what came of them.

    python tests/faults/torture.py [--minutes 60] [--seed N] [--only T1] [--plant NAME | --plant all]

Each row is a scenario on a database, run for its share of the minutes with seeds counted up from the first. Printed is
a table in Markdown, as docs/reliability.md shows one. The exit code is 1 if anything was found or, of starts after a
kill, the slowest took more than five seconds until somebody was answered. With `--plant` it is the other way round:
1 where a violation was found, as it must be; of `all`, 1 if any defect went unnoticed.
"""

import argparse
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS.parent))

from storage.database.engines import sqlite_module  # noqa: E402
from tests.faults.deployment import Cast  # noqa: E402
from tests.faults.excess import ALONE, SHARED  # noqa: E402
from tests.faults.plants import PLANTS, TRIES, Plant, sound  # noqa: E402
from tests.faults.scenarios import SCENARIOS, Outcome  # noqa: E402

FIFTY = Cast(50, 20)
BACK_IN = 5.0


@dataclass(frozen=True, slots=True)
class Run:
    """One row: which scenario, where, with what, and how much of the time is its own."""

    test: str
    kind: str
    mode: str
    given: Mapping[str, Any]
    share: float = 1.0

    @property
    def name(self) -> str:
        return f"{self.test}/{self.kind}/{self.mode}"


KILLED = {"cast": FIFTY, "deaths": 60, "apart": 250}
AS_STARTED = KILLED | {"deaths": 10, "is_forked": False}
"""Each bot an interpreter of its own, with all its imports, as operators start it."""
BUSY = {"cast": Cast(40, 1), "deaths": 3, "slower": 2.0}
"""340 messages, and more, before each kill and from ten seconds after it."""
AT_ONCE = {"cast": Cast(20, 5), "deaths": 10}
CUT = {"cast": Cast(20, 5), "rounds": 5, "seconds": 25.0}
RUNS = (
    Run("T1", "sqlite", "polling", KILLED, 12),
    Run("T1", "sqlite", "webhook", KILLED, 8),
    Run("T1", "postgresql", "polling", KILLED, 8),
    Run("T1", "postgresql", "webhook", KILLED, 12),
    Run("T1", "sqlite", "polling", AS_STARTED, 2),
    Run("T1", "postgresql", "webhook", AS_STARTED, 2),
    Run("T2", "postgresql", "webhook", {"together": 6, "examples": 30}),
    Run("T3", "sqlite", "polling", {"cast": Cast(20, 5), "forms": 8}),
    Run("T3", "postgresql", "webhook", {"cast": Cast(20, 5), "forms": 8}),
    Run("T3 /cancel", "sqlite", "polling", {"cast": Cast(20, 1)}),
    Run("T3 /cancel", "postgresql", "webhook", {"cast": Cast(20, 1)}),
    Run("T4", "sqlite", "polling", {"cast": Cast(30, 3), "forms": 4}),
    Run("T4", "postgresql", "webhook", {"cast": Cast(30, 3), "forms": 4}),
    Run("T6", "sqlite", "polling", {"at_most": 10.0}),
    Run("T6", "postgresql", "webhook", {"at_most": 10.0}),
    Run("T7", "postgresql", "webhook", {"cast": Cast(20, 5), "faults": 40, "is_restarted": True}, 2),
    Run("T7", "postgresql", "polling", {"cast": Cast(20, 5), "faults": 40}),
    Run("T8", "sqlite", "polling", {"cast": Cast(20, 20), "rounds": 3}),
    Run("T8", "postgresql", "webhook", {"cast": Cast(20, 20), "rounds": 3}),
    Run("T9", "sqlite", "webhook", {"cast": Cast(20, 5), "longest": 30.0}),
    Run("T9", "postgresql", "webhook", {"cast": Cast(20, 5), "longest": 30.0}),
    Run("T10", "sqlite", "polling", {"rounds": 40}),
    Run("T10", "postgresql", "webhook", {"rounds": 40}),
    Run("T11", "postgresql", "webhook", {"cast": Cast(20, 5), "rounds": 5, "seconds": 60.0}, 3),
    Run("cut off", "postgresql", "webhook", CUT | {"front": "nginx.conf"}, 2),
    Run("cut off", "postgresql", "webhook", CUT | {"front": "Caddyfile"}, 2),
    Run("T12", "sqlite", "", {}),
    Run("T15", "sqlite", "polling", {"cast": Cast(20, 5), "times": 4}),
    Run("T15", "postgresql", "webhook", {"cast": Cast(20, 5), "times": 4}),
    Run("events", "sqlite", "", {"deaths": 200}),
    Run("events", "postgresql", "", {"deaths": 200}),
    Run("crowd", "sqlite", "polling", {"cast": Cast(200, 1), "rate": 25.0}),
    Run("crowd", "postgresql", "webhook", {"cast": Cast(200, 1), "rate": 25.0}),
    Run("busy", "sqlite", "polling", BUSY),
    Run("busy", "sqlite", "webhook", BUSY),
    Run("busy", "postgresql", "polling", BUSY),
    Run("busy", "postgresql", "webhook", BUSY),
    Run("flood", "sqlite", "polling", {"forms": 40, "deaths": 10}),
    Run("flood", "postgresql", "polling", {"forms": 40, "deaths": 10}),
    Run("flood", "sqlite", "webhook", {"forms": 40, "deaths": 10}),
    Run("flood", "postgresql", "webhook", {"forms": 40, "deaths": 10}),
    Run("excess", "sqlite", "polling", {"forms": 40}),
    Run("excess", "sqlite", "webhook", {"forms": 40}),
    Run("excess", "postgresql", "polling", {"forms": 40, "ways": ALONE}),
    Run("excess", "postgresql", "webhook", {"forms": 40, "ways": (*ALONE, *SHARED)}),
    Run("woken", "postgresql", "webhook", {"ways": ("lock", "lease")}),
    Run("standing", "postgresql", "webhook", {"ways": ("kill", "pause")}),
    Run("drawn", "sqlite", "polling", {"ways": ("kill", "stop", "kill later")}),
    Run("drawn", "postgresql", "webhook", {"ways": ("kill", "kill later", "pause", "pause later"), "seconds": 60.0}),
    Run("texts", "sqlite", "polling", {"cast": Cast(20, 1)}),
    Run("texts", "sqlite", "webhook", {"cast": Cast(20, 1)}),
    Run("texts", "postgresql", "polling", {"cast": Cast(20, 1)}),
    Run("texts", "postgresql", "webhook", {"cast": Cast(20, 1)}),
    Run("aged", "sqlite", "", {"reports": 2000}),
    Run("aged", "postgresql", "", {"reports": 2000}),
    Run("at once", "sqlite", "polling", AT_ONCE, 2),
    Run("at once", "sqlite", "webhook", AT_ONCE, 2),
    Run("at once", "postgresql", "polling", AT_ONCE, 2),
    Run("at once", "postgresql", "webhook", AT_ONCE, 2),
    Run("stops", "sqlite", "polling", {"cast": Cast(20, 5), "rounds": 4, "at_most": 10.0}),
    Run("stops", "postgresql", "webhook", {"cast": Cast(20, 5), "rounds": 4, "at_most": 10.0}),
)


OWN_CAST = ("crowd", "T4", "T12", "drawn")
ON_POSTGRESQL = ("T2", "T7", "T11", "woken", "standing", "excess")


@dataclass(slots=True)
class Total:
    """Of all repetitions of one row."""

    rounds: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        self.rounds += 1
        self.counts += outcome.counts
        self.violations += outcome.violations
        self.seconds += outcome.seconds

    @property
    def is_good(self) -> bool:
        return not self.violations and max(self.seconds, default=0.0) <= BACK_IN


def once(run: Run, seed: int, until_time: float | None, plant: str = "") -> Outcome:
    given = dict(run.given) | {"plant": plant, "until_time": until_time, "webhook": run.mode == "webhook"}
    given |= dict(PLANTS[plant].given) if plant else {}
    with tempfile.TemporaryDirectory(prefix="enlace-torture-") as folder:
        try:
            return SCENARIOS[run.test](Path(folder), run.kind, random.Random(seed), **given)
        except AssertionError as error:
            return Outcome(violations=[f"{run.test} came to no end with seed {seed}: {error}"])


def torture(minutes: float, seed: int, only: str) -> bool:
    runs = [run for run in RUNS if not only or {run.test, run.name} & set(only.split(","))]
    if not runs:
        raise SystemExit(f"No row is called {only!r}. There is: {', '.join(dict.fromkeys(run.name for run in RUNS))}")
    share = minutes * 60 / sum(run.share for run in runs)
    print(f"{environment()}; seed {seed}\n", flush=True)
    print("| test | database | mode | rounds | kills | forms | answers | lost, doubled, out of order | back after, s |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    totals = []
    for run in runs:
        total, ends = Total(), time.monotonic() + share * run.share
        while not total.violations and (not total.rounds or time.monotonic() < ends):
            total.add(once(run, seed, ends))
            print(f"{run.test} {run.kind} {run.mode}, seed {seed}: {dict(total.counts)}", file=sys.stderr, flush=True)
            seed += 1
        back = f"{median(total.seconds):.1f}, at most {max(total.seconds):.1f}" if total.seconds else ""
        deaths, forms, answers = (total.counts[name] for name in ("deaths", "forms", "answers"))
        print(
            f"| {run.test} | {run.kind} | {run.mode} | {total.rounds} | {deaths or ''} | {forms} | {answers} "
            f"| {len(total.violations)} | {back} |",
            flush=True,
        )
        for violation in total.violations:
            print(f"VIOLATION {violation}", file=sys.stderr, flush=True)
        totals.append(total)
    return all(total.is_good for total in totals)


def planted(names: list[str], seed: int) -> dict[str, list[str]]:
    """What each defect's test found."""
    print("| guarantee | defect | what it does | found by | what was found first |")
    print("|---|---|---|---|---|", flush=True)
    found = {}
    for name in names:
        plant, run = PLANTS[name], planted_run(PLANTS[name])
        tries = (once(run, seed + number, None, name).violations for number in range(TRIES))
        violations = next(filter(None, tries), [])
        found[name] = sound(name, violations) if violations else []
        first = next(iter(found[name]), "NOTHING").replace("|", "/").replace("\n", " ")[:100]
        print(f"| {plant.guarantee} | `{name}` | {plant.breaks} | {plant.test} | {first} |", flush=True)
    return found


def planted_run(plant: Plant) -> Run:
    """As small as its test in `make test`; two replicas, and a connection that breaks, need PostgreSQL."""
    given: dict[str, Any] = {} if plant.test in OWN_CAST else {"cast": Cast(8, 2)}
    where = ("postgresql", "webhook") if plant.test in ON_POSTGRESQL else ("sqlite", "polling")
    return Run(plant.test, *where, given)


def environment() -> str:
    """When, and on what."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=TESTS
    ).stdout.strip()
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit}, Python {platform.python_version()}, "
        f"SQLite {sqlite_module().sqlite_version}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--only", default="", help="some rows of the table: T1,T7/postgresql/polling")
    parser.add_argument("--plant", default="", choices=["", "all", *PLANTS])
    given = parser.parse_args()
    if given.plant == "all":
        return int(not all(planted(list(PLANTS), given.seed).values()))
    if given.plant:
        return int(bool(planted([given.plant], given.seed)[given.plant]))
    return int(not torture(given.minutes, given.seed, given.only))


if __name__ == "__main__":
    sys.exit(main())
