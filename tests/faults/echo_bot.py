"""A whole small bot for tests: real intake, real delivery, real storage, and a dispatch that counts and repeats.

Run as a process it can be told to die at a named point (`--die POINT:N`, the N-th time it gets there) or to carry
a defect (`--plant NAME`), so that a test can show that the laws hold, and that breaking them shows.

What it does with a message: the text is appended to what the chat has said (a fact), the chat's turn grows, and
"N: text" is answered as a prompt. "card" makes a card, "edit …" edits it, a tap edits it and is answered,
"poison" fails every time, "remind …" leaves a reminder for the sweep.
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

from pydantic import AnyHttpUrl, SecretStr

from bot.redaction import configure_logging
from bot.settings import Settings
from bot.telegram import delivery as delivery_module
from bot.telegram.api import Api
from bot.telegram.delivery import Delivery, Note
from bot.telegram.handled import Handled, TapAnswer
from bot.telegram.intake import Intake, Polling, WebhookEndpoint
from bot.web.server import Webhook
from storage import outbox
from storage.database import open_database
from storage.inbox import Inbox
from storage.outbox import OutboxDraft, OutboxRow
from storage.unit_of_work import UnitOfWork
from storage.vault import Vault

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
            return Handled()
        tap = raw.get("callback_query")
        message = tap["message"] if tap else raw.get("message") or raw.get("edited_message")
        if message is None:
            return Handled()
        chat_id = message["chat"]["id"]
        said = f"tap {tap['data']}" if tap else str(message.get("text", ""))
        chat = unit.chats.lock(chat_id)
        if said.startswith("poison"):
            raise Poison(f"cannot digest {said}")
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

    def _add(self, unit: UnitOfWork, draft: OutboxDraft, now: datetime) -> OutboxRow:
        id = unit.outbox.add(draft, now=now)
        return OutboxRow(
            id, draft.chat_id, draft.kind, draft.method, draft.payload, draft.card_id, draft.sensitive, 1, now
        )


def heard_by(unit: UnitOfWork, chat_id: int) -> list[str]:
    """What the chat has said, as far as it is durable."""
    return list(json.loads(unit.facts.get(f"echo.{chat_id}") or "[]"))


# ------------------------------------------------------------------ dying at named points
def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Countdown:
    def __init__(self, number: int) -> None:
        self._left = number

    def __call__(self) -> None:
        self._left -= 1
        if self._left == 0:
            die()


class DyingEcho(Echo):
    """Dies with everything done and nothing committed."""

    def __init__(self, bot_id: int, reached: Countdown) -> None:
        super().__init__(bot_id)
        self._reached = reached

    def handle(self, unit: UnitOfWork, raw: Mapping[str, Any], now: datetime) -> Handled:
        handled = super().handle(unit, raw, now)
        if handled.deliveries:
            self._reached()
        return handled


class DyingIntake(Intake):
    """Dies when an update has just become durable: nothing acknowledged, nothing sent."""

    reached: Countdown

    def _done(self, chat_id: Any, waiting: Any, unit: Any) -> None:
        if not unit.cancelled() and unit.exception() is None and unit.result().deliveries:
            self.reached()
        super()._done(chat_id, waiting, unit)


class DyingDelivery(Delivery):
    """Dies when Telegram has just said that it has a message, before that is recorded."""

    reached: Countdown

    def _note(self, note: Note) -> None:
        if isinstance(note.outcome, outbox.Sent):
            self.reached()
        super()._note(note)


POINTS = ("before_commit", "before_acknowledging", "before_marking")


# ------------------------------------------------------------------ planted defects
class AcknowledgesFirst(Polling):
    """Moves the offset when an update has arrived, as python-telegram-bot's Updater does."""

    async def _fetch(self) -> list[dict[str, Any]] | None:
        batch = await super()._fetch()
        if batch:
            await self._api.updates(batch[-1]["update_id"] + 1, limit=1, wait=0, allowed=self._allowed)
        return batch


class MarksFirst(Delivery):
    """Records "sent" before sending."""

    async def _attempt(self, row: OutboxRow, *, is_anew: bool) -> Any:
        await self._write([Note(row, outbox.Sent())], None)
        die()


def forgets_what_it_saw(self: Inbox, *_: Any, **__: Any) -> bool:
    """Without the unique key every delivery of an update is the first."""
    return True


def repeats_reminders(*args: Any) -> bool:
    """Takes every method for one that can be repeated without harm."""
    return False


PLANTS = ("acknowledge_first", "mark_first", "no_unique_key", "repeat_reminders", "ignore_window", "answer_first")


class AnswersFirst(WebhookEndpoint):
    """Says 200 to a webhook's delivery, then applies it."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
        await asyncio.sleep(0.2)
        self._intake.apply(json.loads(body))


async def serve(options: argparse.Namespace) -> None:
    clock = RealClock()
    api = Api(SecretStr(options.token), options.api, read_timeout=options.read_timeout)
    database = open_database(options.database, vault=Vault.load(Path(options.keys)))
    plants: set[str] = set(options.plant)
    point, _, number = (options.die or "").partition(":")
    reached = Countdown(int(number or 0))
    if "no_unique_key" in plants:
        Inbox.first_sight = forgets_what_it_saw  # type: ignore[method-assign]
    if "repeat_reminders" in plants:
        delivery_module.makes_message = repeats_reminders  # type: ignore[assignment]
    if "ignore_window" in plants:
        Delivery._window = lambda self: 0.0  # type: ignore[method-assign]
    delivery_class: type[Delivery] = DyingDelivery if point == "before_marking" else Delivery
    if "mark_first" in plants:
        delivery_class = MarksFirst
    DyingDelivery.reached = DyingIntake.reached = reached
    echo = DyingEcho(api.bot_id, reached) if point == "before_commit" else Echo(api.bot_id)
    stopping = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stopping.set)
    await api.initialize()
    try:
        async with asyncio.TaskGroup() as tasks:
            delivery = delivery_class(
                api, database.units, clock, tasks, rate=options.rate, sweep_every=0.3, back_off=(0.05, 0.1, 0.2, 0.5)
            )
            await delivery.start()
            intake_class: type[Intake] = DyingIntake if point == "before_acknowledging" else Intake
            intake = intake_class(api.bot_id, database.units, echo.handle, delivery, clock)
            sending = tasks.create_task(delivery.run())
            source = _source(options, plants, api, database, intake, delivery, clock)
            fetching = tasks.create_task(source.run())
            print("ready", flush=True)
            await stopping.wait()
            source.stop()
            await fetching
            delivery.stop()
            await sending
    finally:
        await api.shutdown()
        database.close()


def _source(options: argparse.Namespace, plants: set[str], api: Api, database: Any, intake: Intake,
            delivery: Delivery, clock: RealClock) -> Polling | Webhook:  # fmt: skip
    if options.webhook_port:
        settings = Settings(
            webhook_url=AnyHttpUrl(f"http://127.0.0.1:{options.webhook_port}/telegram"),
            webhook_secret=SecretStr(SECRET),
            listen=f"127.0.0.1:{options.webhook_port}",
            database_url=options.database,
            telegram_token=SecretStr(options.token),
        )
        if "answer_first" in plants:
            WebhookEndpoint.__call__ = AnswersFirst.__call__  # type: ignore[method-assign]
        return Webhook(api, database.units, intake, delivery, clock, settings)
    polling = AcknowledgesFirst if "acknowledge_first" in plants else Polling
    return polling(api, database.units, intake, clock, wait=5)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--api", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--keys", required=True)
    parser.add_argument("--webhook-port", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--read-timeout", type=float, default=2.0)
    parser.add_argument("--die", default="")
    parser.add_argument("--plant", action="append", default=[], choices=PLANTS)
    options = parser.parse_args(arguments)
    configure_logging("INFO", "json", secrets=[options.token])
    import uvloop

    uvloop.run(serve(options))


if __name__ == "__main__":
    main(sys.argv[1:])
