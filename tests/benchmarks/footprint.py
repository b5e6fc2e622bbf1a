"""What the bot weighs and how soon it is there, measured on real processes:

    python tests/benchmarks/footprint.py [--rounds 3] [--people 50] [--taps 40]

Prints how long `enlace --help` and the start of `enlace run` take (process begun until its line `bot.ready`; the
median of the rounds), the resident memory of the idle bot, and the same after `people` officers who use it at the
same time have acted `taps` times each. Linux: memory is read from /proc.
"""

import argparse
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from pydantic import SecretStr

from bot.demo import BEGINS, populate
from bot.opening import open_storage
from bot.people import enrol
from bot.sandbox import people
from bot.sandbox.server import running_sandbox
from bot.sandbox.telegram import Person, World
from bot.settings import Settings
from bot.setup import set_up
from bot.supervisor import environment
from conversations.plan import Role

FIRST_ID = 10_001


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--rounds", type=int, default=3)
    given.add_argument("--people", type=int, default=50)
    given.add_argument("--taps", type=int, default=40)
    chosen = given.parse_args()
    print(f"{platform.platform()}, Python {platform.python_version()}")
    print(f"enlace --help          {median_of(chosen.rounds, time_help):7.2f} s")
    with tempfile.TemporaryDirectory() as folder, running_sandbox(start=BEGINS.timestamp()) as sandbox:
        settings = settings_in(Path(folder), sandbox.url, sandbox.token)
        list(set_up(settings, BEGINS))
        populate(settings)
        crowd = list(range(FIRST_ID, FIRST_ID + chosen.people))
        admit(settings, crowd)
        for person in crowd:
            sandbox.world.add_person(Person(person, f"Officer {person}", language_code="es"), started=True)
        print(f"enlace run until ready {median_of(chosen.rounds, lambda: time_start(settings)):7.2f} s")
        with bot(settings) as process:
            time.sleep(2)
            print(f"idle                   {memory(process.pid)}")
            begun = time.perf_counter()
            acts = crowd_at_work(sandbox.world, crowd, chosen.taps)
            rate = acts / (time.perf_counter() - begun)
            print(f"after {acts:6} acts      {memory(process.pid)}   ({chosen.people} people, {rate:.0f} acts/s)")
            time.sleep(2)
            print(f"two seconds later      {memory(process.pid)}")


def median_of(rounds: int, measure: Any) -> float:
    return statistics.median(measure() for _ in range(rounds))


def time_help() -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-m", "bot", "--help"], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun


def time_start(settings: Settings) -> float:
    begun = time.perf_counter()
    with bot(settings):
        return time.perf_counter() - begun


@contextmanager
def bot(settings: Settings) -> Any:
    """`enlace run` as a process that is ready, and stopped at the end."""
    command = [sys.executable, "-m", "bot", "run", "--clock", BEGINS.isoformat()]
    process = subprocess.Popen(
        command,
        env=environment(settings) | {"ENLACE_SEND_RATE": "0", "ENLACE_LOG_LEVEL": "INFO"},
        stderr=subprocess.PIPE,
        text=True,
    )
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
    return Settings.model_construct(
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
                enrol(unit, person, f"Officer {person}", Role.FOCAL_POINT, agency, "es", BEGINS, settings.timezone)

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
    """The list of what is due, its first activity, two answers, and away again."""
    if number % 5 == 0:
        people.say(world, person, "/pendientes")
        return
    kept = next(k for k in reversed(list(world.chat(person).messages.values())) if k.message.get("reply_markup"))
    buttons = [b["text"] for row in kept.message["reply_markup"]["inline_keyboard"] for b in row]
    people.tap(world, person, kept.message["message_id"], text=buttons[min(number % 5 - 1, len(buttons) - 1)])


def is_answered(world: World, person: int, since: int) -> bool:
    return any(seen.what in ("send", "edit") for seen in world.ledger.since(since, chat=person))


if __name__ == "__main__":
    main()
