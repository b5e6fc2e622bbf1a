"""`enlace demo`: a Telegram to talk to, the bot, and a commission that has already reported last month.

The demo begins on 3 October 2018, because the seed plan ends in 2020 and nothing of it would be due today. The
sandbox ("Telegram") runs here; the bot is a process of its own that this one starts, restarts when it dies, and
stops when the page asks, so that a killed bot leaves its Telegram standing, as in life. What must be in place first is
made by a process that ends: the page needs neither forms nor a database, and the demo must fit a small machine.
"""

import multiprocessing
import shutil
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from ipaddress import ip_network
from pathlib import Path

from pydantic import SecretStr

from bot.demo.cast import PHONES, Furnished
from bot.demo.receiver import Receiver
from bot.demo.supervisor import Supervisor, free_port
from bot.sandbox import people
from bot.sandbox.server import serve
from bot.sandbox.telegram import Person, World
from bot.settings import Settings

FOLDER = Path("demo")
RECENTLY = {
    "es": "Recién llegada",
    "en": "Newcomer",
    "fr": "Nouvelle venue",
    "ht": "Fèk rive",
}
NEWCOMER = Person(508, "Marta Reyes", language_code="es", title=RECENTLY)


def serve_demo(port: int, *, fresh: bool = False) -> None:
    """Run until Ctrl-C. The state is kept in ./demo; with `fresh` it is deleted first."""
    if fresh and FOLDER.exists():
        shutil.rmtree(FOLDER)
    FOLDER.mkdir(exist_ok=True)
    settings, receiver = demo_settings(), Receiver()
    furnished = _furnish_apart(settings, receiver)
    world = World(start=furnished.start.timestamp(), token=settings.telegram_token.get_secret_value())
    # Update numbers never repeat. Otherwise the bot would take new messages for redelivered ones.
    world.bot.next_update_id = int(time.time())
    for member in PHONES:
        world.add_person(
            Person(member.telegram_id, member.name, language_code=member.language, title=member.title), started=True
        )
    world.add_person(NEWCOMER)
    receiver.listen(world)
    settings = settings.model_copy(update={"events_ports": (receiver.server_port,)})
    supervisor = Supervisor(settings, world, furnished.data_token, furnished.holidays)
    try:
        supervisor.order("start")
        for member in PHONES:
            people.start(world, member.telegram_id)  # each phone opens on its first screen
        print(f"\n  The phones are at http://localhost:{port}   (Ctrl-C ends the demo)\n", file=sys.stderr, flush=True)
        # The bot has a port of its own: it refuses while "Telegram is down", and the page stays.
        serve(port, world=world, supervisor=supervisor, api_port=int(settings.telegram_api.rpartition(":")[2]))
    finally:
        supervisor.close()
        receiver.shutdown()


def _furnish_apart(settings: Settings, receiver: Receiver) -> Furnished:
    """Furnish in a process of its own, which ends and gives its memory back."""
    alone = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=alone) as pool:
        return pool.submit(_furnish, settings, receiver.url, receiver.secret).result()


def _furnish(settings: Settings, url: str, secret: str) -> Furnished:
    # Forms, database and plan: memory that the page does not need.
    from bot.demo.furnishing import furnish
    from storage.messages.endpoints import Target

    return furnish(settings, Target(url, secret))


def demo_settings() -> Settings:
    """The demo's own settings: the environment of a real deployment must not affect a demonstration."""
    return Settings(
        telegram_token=SecretStr("7000000001:SANDBOX-token-for-the-demo-only"),
        telegram_api=f"http://127.0.0.1:{free_port()}",
        database_url=f"sqlite:///{FOLDER / 'enlace.db'}",
        timezone="America/Santo_Domingo",
        language="es",
        files=FOLDER / "evidence",
        keys=FOLDER / "keys.json",
        webhook_url=None,
        events_inside=(ip_network("127.0.0.1"),),
        log_level="WARNING",
        log_format="console",
    )
