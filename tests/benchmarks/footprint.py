"""What the bot weighs and how soon it is there, measured on real processes:

    python tests/benchmarks/footprint.py [--rounds 5] [--people 50] [--taps 40] [--metrics]

Prints how long `enlace --help` and the start of `enlace run` take (process begun until its line `bot.ready`; the
median of the rounds, and the processor time in it, which is steadier on a busy machine), the resident memory of the
idle bot, the same after `people` officers who use it at the same time have acted `taps` times each, and after the same
bot has then made a picture, a page and an export for a coordinator. With `--metrics` it is watched: its figures are
scraped once a second. Code is compiled before, as in an installed bot. Linux: memory and times are read from /proc.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot.acts.people.enrolment import Newcomer

sys.path.insert(0, str(Path(__file__).parents[2]))


from bot.acts.people.enrolment import enrol
from bot.demo.cast import BEGINS
from bot.demo.supervisor import environment, free_port, scraped
from bot.open_storage import open_storage
from bot.sandbox import people
from bot.sandbox.server import running_sandbox
from bot.sandbox.telegram import Person, World
from bot.settings import SecretStr, Settings
from bot.setup import set_up
from conversations.plan.model import Role
from tests.bot.house import CARMEN, populate

FIRST_ID = 10_001


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--rounds", type=int, default=5)
    given.add_argument("--people", type=int, default=50)
    given.add_argument("--taps", type=int, default=40)
    given.add_argument("--metrics", action="store_true")
    chosen = given.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    time_help()
    print(f"{platform.platform()}, Python {platform.python_version()}")
    print(f"enlace --help          {median_of(chosen.rounds, time_help)}")
    with tempfile.TemporaryDirectory() as folder, running_sandbox(start=BEGINS.timestamp()) as sandbox:
        settings = settings_in(Path(folder), sandbox.url, sandbox.token)
        list(set_up(settings, BEGINS))
        populate(settings)
        crowd = list(range(FIRST_ID, FIRST_ID + chosen.people))
        admit(settings, crowd)
        for person in crowd:
            sandbox.world.add_person(Person(person, f"Officer {person}", language_code="es"), started=True)
        sandbox.world.add_person(Person(CARMEN, "Carmen", language_code="es"), started=True)
        time_start(settings)
        print(f"enlace run until ready {median_of(chosen.rounds, lambda: time_start(settings))}")
        port = free_port() if chosen.metrics else 0
        with bot(settings, port) as process, watching(port):
            time.sleep(2.5)
            print(f"idle                   {memory(process.pid)}")
            begun = time.perf_counter()
            acts = crowd_at_work(sandbox.world, crowd, chosen.taps)
            rate = acts / (time.perf_counter() - begun)
            print(f"after {acts:6} acts      {memory(process.pid)}   ({chosen.people} people, {rate:.0f} acts/s)")
            time.sleep(2)
            print(f"two seconds later      {memory(process.pid)}")
            files_made(sandbox.world)
            print(f"after files were made  {memory(process.pid)}   (a workbook, a page, a picture)")


def median_of(rounds: int, measure: Callable[[], tuple[float, float]]) -> str:
    taken, busy = zip(*(measure() for _ in range(rounds)), strict=True)
    return f"{statistics.median(taken):6.2f} s, {statistics.median(busy):.2f} s of processor"


def time_help() -> tuple[float, float]:
    before, begun = os.times(), time.perf_counter()
    subprocess.run([sys.executable, "-m", "bot", "--help"], stdout=subprocess.DEVNULL, check=True)
    taken, after = time.perf_counter() - begun, os.times()
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    return taken, busy


def time_start(settings: Settings) -> tuple[float, float]:
    begun = time.perf_counter()
    with bot(settings) as process:
        taken = time.perf_counter() - begun
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        return taken, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def watching(port: int) -> Iterator[None]:
    """Somebody who scrapes the metrics once a second; nobody at port 0."""
    is_over = threading.Event()

    def scrape() -> None:
        while port and not is_over.wait(1.0):
            if scraped(port) is None:
                print("no metrics came", file=sys.stderr)

    watcher = threading.Thread(target=scrape, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()


@contextmanager
def bot(settings: Settings, metrics_port: int = 0) -> Iterator["subprocess.Popen[str]"]:
    """`enlace run` as a process that is ready, and stopped at the end."""
    given = {"ENLACE_SEND_RATE": "0", "ENLACE_LOG_LEVEL": "INFO"}
    if metrics_port:
        given["ENLACE_METRICS"] = f"127.0.0.1:{metrics_port}"
    command = [sys.executable, "-m", "bot", "run", "--clock", BEGINS.isoformat()]
    process = subprocess.Popen(command, env=environment(settings) | given, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    told = []
    for line in process.stderr:
        told.append(line)
        if "bot.ready" in line:
            break
    else:
        sys.exit("the bot did not start:\n" + "".join(told))
    reading = threading.Thread(target=process.stderr.read, daemon=True)
    reading.start()
    try:
        yield process
    finally:
        process.terminate()
        process.wait(15)
        reading.join()
        process.stderr.close()


def memory(pid: int) -> str:
    """Resident memory in MB (and how much of it is the process's own), and threads."""
    rows = dict(
        line.split(":", 1)
        for name in ("status", "smaps_rollup")
        for line in Path(f"/proc/{pid}/{name}").read_text().splitlines()
        if ":" in line
    )
    megabytes = {name: int(rows[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM", "Anonymous")}
    return (
        f"{megabytes['VmRSS']:6.1f} MB resident, highest {megabytes['VmHWM']:.1f}, "
        f"{megabytes['Anonymous']:.1f} not of files, {int(rows['Threads'])} threads"
    )


# ------------------------------------------------------------------ the people
def settings_in(folder: Path, api: str, token: str) -> Settings:
    return Settings(
        telegram_token=SecretStr(token),
        telegram_api=api,
        database_url=f"sqlite:///{folder / 'enlace.db'}",
        timezone="America/Santo_Domingo",
        language="es",
        files=folder / "evidence",
        keys=folder / "keys.json",
        webhook_url=None,
    )


def admit(settings: Settings, crowd: list[int]) -> None:
    """Enrol them as focal points, spread over the agencies that report."""
    with open_storage(settings) as database:

        def work(unit: Any) -> None:
            agencies = sorted({a.agency_code for a in unit.plans.activities(unit.plans.only().id)})
            for place, person in enumerate(crowd):
                agency = agencies[place % len(agencies)]
                enrol(
                    unit,
                    Newcomer(person, f"Officer {person}", Role.FOCAL_POINT, agency, "es"),
                    BEGINS,
                    settings.timezone,
                )

        database.units.submit(None, work).result()


def crowd_at_work(world: World, crowd: list[int], taps: int) -> int:
    """Everybody at once, each waiting for the bot's answer before the next act; how many acts there were."""

    def officer(person: int) -> None:
        for number in range(taps):
            before = len(world.ledger.entries)
            act(world, person, number)
            deadline = time.monotonic() + 10
            while not is_answered(world, person, before):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"officer {person} had no answer to act {number}")
                time.sleep(0.005)

    with ThreadPoolExecutor(len(crowd)) as everybody:
        list(everybody.map(officer, crowd))
    return len(crowd) * taps


def act(world: World, person: int, number: int) -> None:
    """The list of what is due, its first activity, two answers, and away; the list, where nothing can be tapped."""
    shown = reversed(list(world.chat(person).messages.values()))
    kept = next((each for each in shown if each.message.get("reply_markup")), None)
    if number % 5 == 0 or kept is None:
        people.say(world, person, "/pendientes")
        return
    buttons = [b["text"] for row in kept.message["reply_markup"]["inline_keyboard"] for b in row]
    people.tap(world, person, kept.message["message_id"], text=buttons[min(number % 5 - 1, len(buttons) - 1)])


def files_made(world: World) -> None:
    """A coordinator asks for an export and for the plan on one page, then for the digest with its picture."""
    people.say(world, CARMEN, "/exportar")
    card = shown(world, CARMEN, "reply_markup")
    people.tap(world, CARMEN, card["message_id"], text="Preparar")
    shown(world, CARMEN, "document")
    people.tap(world, CARMEN, card["message_id"], data="c:exportar:page")
    shown(world, CARMEN, "document", count=2)
    people.say(world, CARMEN, "/resumen")
    shown(world, CARMEN, "photo")


def shown(world: World, person: int, what: str, count: int = 1) -> dict[str, Any]:
    """The last message from the bot that has this, as soon as there are so many."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with world.lock:
            found = [kept.message for kept in world.chat(person).messages.values() if what in kept.message]
        if len(found) >= count:
            return found[-1]
        time.sleep(0.05)
    raise TimeoutError(f"nothing with {what} came")


def is_answered(world: World, person: int, since: int) -> bool:
    return any(seen.what in ("send", "edit") for seen in world.ledger.since(since, chat=person))


if __name__ == "__main__":
    main()
