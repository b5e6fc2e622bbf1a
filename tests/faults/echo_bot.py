"""A whole small bot for tests: real intake, real delivery, real storage, and a dispatch that counts and repeats.

Run as a process it can be told to carry a defect (`--plant NAME`), so that a test can show that breaking a law shows.

What it does with a message: the text is appended to what the chat has said (a fact), the chat's turn grows, and
"N: text" is answered as a prompt. "card" makes a card, "edit …" edits it, a tap edits it and is answered,
"poison" fails every time, "kill" kills the process, "remind …" leaves a reminder for the sweep.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import HttpUrl, SecretStr

from bot.log import configure_logging
from bot.settings import Settings
from bot.telegram.api import Api
from bot.telegram.delivery import Delivery
from bot.telegram.handled import Handled, TapAnswer
from bot.telegram.intake import Intake
from bot.telegram.polling import Polling
from bot.telegram.suspicion import Suspicion
from bot.telegram.waiting import BATCH, MOST_POSTED, MOST_WAITING
from bot.web.server import Webhook, questions
from storage.database.vault import Vault
from storage.messages.outbox import OutboxDraft, OutboxRow
from storage.open_database import open_database
from storage.unit_of_work import UnitOfWork
from storage.upkeep.presence import Presence

SECRET = "a-webhook-secret-of-32-characters"


class RealClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class Poison(ValueError):
    """What an update does to us that we did not foresee."""


class Echo:
    """A dispatch of forty lines."""

    def __init__(self, bot_id: int) -> None:
        self._bot_id = bot_id

    def handle(self, unit: UnitOfWork, raw: Mapping[str, Any], now: datetime) -> Handled:
        """One update, its effects, and the rows that say so: all in this unit."""
        if not unit.inbox.first_sight(self._bot_id, raw["update_id"], now):
            return Handled(is_repeated=True)
        tap = raw.get("callback_query")
        message = tap["message"] if tap else raw.get("message") or raw.get("edited_message")
        if message is None:
            return Handled()
        chat_id = message["chat"]["id"]
        said = f"tap {tap['data']}" if tap else str(message.get("text", ""))
        chat = unit.chats.lock(chat_id)
        if said.startswith("poison"):
            raise Poison(f"cannot digest {said}")
        if said.startswith("kill"):
            die()
        turn = chat.turn + 1
        heard = json.loads(unit.facts.get(f"echo.{chat_id}") or "[]")
        unit.facts.set(f"echo.{chat_id}", json.dumps([*heard, said]), now)
        unit.chats.set(chat_id, turn=turn)
        payload: dict[str, Any] = {"text": f"{turn}: {said}"}
        if said == "card":
            card_id = unit.outbox.new_card(chat_id)
            unit.chats.set(chat_id, card_id=card_id)
            buttons = [[{"text": "uno", "callback_data": "one"}, {"text": "dos", "callback_data": "two"}]]
            payload["reply_markup"] = {"inline_keyboard": buttons}
            rows = [self._add(unit, OutboxDraft(chat_id, "prompt", "sendMessage", payload, card_id), now)]
        elif (said.startswith("edit") or tap) and chat.card_id is not None:
            rows = [self._add(unit, OutboxDraft(chat_id, "prompt", "editMessageText", payload, chat.card_id), now)]
        elif said.startswith("remind"):
            rows = [self._add(unit, OutboxDraft(chat_id, "reminder", "sendMessage", payload), now)]
        else:
            rows = [self._add(unit, OutboxDraft(chat_id, "prompt", "sendMessage", payload), now)]
        return Handled(tuple(rows), TapAnswer(tap["id"], f"tapped {tap['data']}") if tap else None)

    def apologise(self, unit: UnitOfWork, raw: Mapping[str, Any], now: datetime) -> Handled:
        """What is said when an update is set aside."""
        chat_id = raw["message"]["chat"]["id"]
        draft = OutboxDraft(chat_id, "notice", "sendMessage", {"text": f"sorry: {raw['message']['text']}"})
        return Handled((self._add(unit, draft, now),))

    def _add(self, unit: UnitOfWork, draft: OutboxDraft, now: datetime) -> OutboxRow:
        return unit.outbox.add(draft, now=now)


def heard_by(unit: UnitOfWork, chat_id: int) -> list[str]:
    """What the chat has said, as far as it is durable."""
    return list(json.loads(unit.facts.get(f"echo.{chat_id}") or "[]"))


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


# ------------------------------------------------------------------ planted defects
PLANTS = ("never_wary", "count_everybody", "only_the_first")


class BlamesEverybody(Intake):
    """Marks an update when it comes in, and not when it is alone: whoever was in flight at a death is counted."""

    def apply(self, update: Mapping[str, Any], *, rides: bool = False) -> Any:
        self._units.run(None, lambda unit: self._mark(update["update_id"], True, unit))
        return super().apply(update, rides=rides)


class OnlyTheFirst(Suspicion):
    """Falls on the first to come, and on nothing older that comes later."""

    def falls_on(self, update_id: int | None, number: int = 1) -> bool:
        return self._left > 0 and super().falls_on(update_id, number)


async def serve(options: argparse.Namespace) -> None:
    clock = RealClock()
    api = Api(SecretStr(options.token), options.api, timeout=60.0)
    database = open_database(options.database, vault=Vault.load(Path(options.keys)))
    plants: set[str] = set(options.plant)
    echo = Echo(api.bot_id)
    stopping = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stopping.set)
    await api.initialize()
    try:
        async with asyncio.TaskGroup() as tasks:
            presence = Presence(database, clock.now)
            delivery = Delivery(
                api,
                database.units,
                clock,
                tasks,
                rate=0.0,
                sweep_every=0.3,
                back_off=(0.05, 0.1, 0.2, 0.5),
                is_sure=presence.is_sure,
            )
            entered = await asyncio.to_thread(presence.enter)
            watching = tasks.create_task(presence.run(delivery.wake, delivery.disown))
            await delivery.start()
            intake_class = BlamesEverybody if "count_everybody" in plants else Intake
            most = MOST_POSTED if options.webhook_port else MOST_WAITING
            intake = intake_class(
                api.bot_id, database.units, echo.handle, delivery, clock, apologise=echo.apologise, most_waiting=most
            )
            if entered.ended and "never_wary" not in plants:
                intake.beware()
                if "only_the_first" in plants:
                    intake._suspicion = OnlyTheFirst(BATCH)
            await intake.resume()
            sending = tasks.create_task(delivery.run())
            source = _source(options, api, database, intake, delivery, clock)
            if isinstance(source, Webhook):
                tasks.create_task(source.server.run())
            fetching = tasks.create_task(source.run())
            print("ready", flush=True)
            await stopping.wait()
            source.stop()
            await fetching
            delivery.stop()
            await sending
            presence.stop()
            await watching
            await asyncio.to_thread(presence.leave)
    finally:
        await api.shutdown()
        database.close()


def _source(options: argparse.Namespace, api: Api, database: Any, intake: Intake,
            delivery: Delivery, clock: RealClock) -> Polling | Webhook:  # fmt: skip
    if options.webhook_port:
        settings = Settings(
            webhook_url=HttpUrl(f"http://127.0.0.1:{options.webhook_port}/telegram"),
            webhook_secret=SecretStr(SECRET),
            listen=f"127.0.0.1:{options.webhook_port}",
            database_url=options.database,
            telegram_token=SecretStr(options.token),
        )
        asked = questions(api, database.units, settings)
        return Webhook(api, database.units, intake, delivery, clock, settings, asked=asked)
    return Polling(api, database.units, intake, clock, wait=5)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--api", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--keys", required=True)
    parser.add_argument("--webhook-port", type=int, default=0)
    parser.add_argument("--plant", action="append", default=[], choices=PLANTS)
    options = parser.parse_args(arguments)
    configure_logging("INFO", "json", secrets=[options.token])
    import uvloop

    uvloop.run(serve(options))


if __name__ == "__main__":
    main(sys.argv[1:])
