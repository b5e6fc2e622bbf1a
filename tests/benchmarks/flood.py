"""What others wait while one chat floods: the shipped bot as a real process, at shipped settings, in both modes.

    python tests/benchmarks/flood.py                       # every mode, stranger and enrolled
    python tests/benchmarks/flood.py --updates 1000 --mode polling
    python tests/benchmarks/flood.py --kind edit --kind tap --flooder enrolled

Others ask for /ayuda, one after another, each every two seconds; from the third second on one chat has sent `--updates`
messages at once. What is told is how long others waited before that, and from then on. More often would say nothing of
the bot: each answer also takes the buttons off the menu before it, and Telegram takes thirty calls a second.
"""

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from emulator import FIRST_PERSON, ME, TOKEN, Connection, Json, Person, Telegram, now
from houses import House, furnish, schema

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.ports import free_port

WAIT = 20.0
EVERY = 0.2
"""Seconds between two questions, over all others."""
OTHERS = 10


def _message(number: int, **more: object) -> Json:
    return {"message": {"message_id": 10**6 + number, "date": 1_538_000_000, **more}}


def _edit(number: int) -> Json:
    message = _message(number, edit_date=1_538_000_001, text=f"hola {number}")["message"]
    return {"edited_message": message}


def _tap(number: int) -> Json:
    """Of a button that nobody drew, and of one that is old."""
    data = "c:menu" if number % 2 else f"f:{number:x}:1:next"
    message = {**_message(1, text="old")["message"], "from": ME}
    return {"callback_query": {"id": str(number), "message": message, "chat_instance": "1", "data": data}}


def _photo(number: int) -> Json:
    size = {"file_id": f"photo-{number}", "file_unique_id": f"unique-{number}", "width": 90, "height": 90}
    return _message(number, photo=[size], media_group_id=str(number // 10))


def _command(number: int) -> Json:
    text = ("/ayuda", "/menu", "/pendientes", "/estado")[number % 4]
    return _message(number, text=text, entities=[{"type": "bot_command", "offset": 0, "length": len(text)}])


KINDS: dict[str, Callable[[int], Json]] = {
    "text": lambda number: _message(number, text=f"hola {number}"),
    "command": _command,
    "edit": _edit,
    "tap": _tap,
    "album": _photo,
    "location": lambda number: _message(number, location={"latitude": 18.5, "longitude": -69.9}),
}
"""What one chat sends."""


class Crowd:
    """People who ask now and then, and how long each waited."""

    def __init__(self, telegram: Telegram) -> None:
        self.telegram = telegram
        self.people = {FIRST_PERSON + number: Person(FIRST_PERSON + number) for number in range(OTHERS)}
        self.waits: list[tuple[float, float]] = []
        """When they asked, and how long it took."""
        telegram.hear = self.heard

    def heard(self, chat_id: int, message: Json, is_edit: bool) -> None:
        person = self.people.get(chat_id)
        if person is not None and person.update is not None:
            self.waits.append((person.acted_at, now() - person.acted_at))
            person.update = None

    def ask(self, person: Person) -> None:
        if person.update is None:
            person.acted_at = now()
            self.telegram.say(person, "/ayuda")

    def open(self) -> list[tuple[float, float]]:
        """Who waits still, and since when."""
        return [(p.acted_at, now() - p.acted_at) for p in self.people.values() if p.update is not None]


async def measure(mode: str, flooder_is: str, kind: str, updates: int, database: str, seconds: float) -> Json:
    loop = asyncio.get_running_loop()
    telegram = Telegram(0.0, loop)
    server = await loop.create_server(lambda: Connection(telegram), "127.0.0.1", 0)
    api = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = f"sqlite:///{folder / 'enlace.db'}" if database == "sqlite" else stack.enter_context(schema())
        made = House(folder, url)
        furnish(made, range(FIRST_PERSON, FIRST_PERSON + OTHERS + 1), "shipped")
        names = {"api": api, "token": TOKEN}
        environment = os.environ | {name: value.format_map(names) for name, value in made.environment.items()}
        environment.pop("ENLACE_SEND_RATE", None)
        if mode == "webhook":
            port = free_port()
            environment |= {
                "ENLACE_WEBHOOK_URL": f"http://127.0.0.1:{port}/telegram",
                "ENLACE_WEBHOOK_SECRET": "a-secret-of-the-benchmark-0123456789",
                "ENLACE_LISTEN": f"127.0.0.1:{port}",
            }
        bot = subprocess.Popen(
            [sys.executable, "-m", "bot", "run"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            await asyncio.wait_for(telegram.is_ready.wait(), 60)
            crowd = Crowd(telegram)
            flooder = Person(FIRST_PERSON + OTHERS if flooder_is == "enrolled" else 7)
            begun, flooded_at, turn = now(), 0.0, 0
            while now() - begun < 3.0 + seconds:
                if not flooded_at and now() - begun > 3.0:
                    flooded_at = now()
                    for number in range(updates):
                        telegram.act(flooder, KINDS[kind](number))
                crowd.ask(list(crowd.people.values())[turn % OTHERS])
                turn += 1
                await asyncio.sleep(EVERY)
            await asyncio.sleep(1.0)
            waits = crowd.waits + crowd.open()
            before = sorted(wait for at, wait in waits if begun + 1.0 < at < flooded_at)
            after = sorted(wait for at, wait in waits if at >= flooded_at)
            return {
                "mode": mode, "database": database, "flooder": flooder_is, "kind": kind, "updates": updates,
                "before_p95_ms": _p95(before), "during_p95_ms": _p95(after), "during_worst_ms": round(1000 * after[-1]),
                "questions": len(after),
            }  # fmt: skip
        finally:
            bot.terminate()
            await asyncio.to_thread(bot.wait, WAIT)
            server.close()


def _p95(waits: list[float]) -> int:
    return round(1000 * waits[int(len(waits) * 0.95)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", action="append", choices=("polling", "webhook"), default=[])
    parser.add_argument("--flooder", action="append", choices=("stranger", "enrolled"), default=[])
    parser.add_argument("--kind", action="append", choices=tuple(KINDS), default=[])
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--updates", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long others are watched after the flood")
    given = parser.parse_args()
    for mode in given.mode or ("polling", "webhook"):
        for flooder_is in given.flooder or ("stranger", "enrolled"):
            for kind in given.kind or ("text",):
                found = asyncio.run(measure(mode, flooder_is, kind, given.updates, given.database, given.seconds))
                print(json.dumps(found))


if __name__ == "__main__":
    main()
