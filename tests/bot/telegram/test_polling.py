"""Polling: a second poller, a foreign webhook and a rejected token are noticed; it ends in order."""

import asyncio

import pytest

from bot.sandbox import people
from bot.sandbox.client import BotByHand
from bot.sandbox.faults import Fault
from bot.sandbox.server import Sandbox
from bot.telegram.handled import TokenRejected
from bot.telegram.intake import WEBHOOK_FACT, Intake
from storage.open_database import Database
from tests.bot.telegram.wire import (
    ANA,
    ROSA,
    HandClock,
    calls,
    pending,
    running,
    texts,
    until,
)
from tests.deadlines import PATIENCE


# ------------------------------------------------------------------ alarms
async def test_a_second_poller_is_an_alarm(sandbox: Sandbox, sqlite: Database) -> None:
    """A 409 may be a thief with the token: the operator is told, and the bot goes on (T6)."""
    alarms: list[str] = []
    thief = BotByHand(sandbox.url, sandbox.token)
    async with running(sandbox, sqlite, polls=True, alarm=lambda kind, _: alarms.append(kind)):
        while not alarms:
            await asyncio.to_thread(thief.call, "getUpdates", timeout=1)
        people.say(sandbox.world, ANA, "still there?")
        await until(lambda: texts(sandbox, ANA) == ["1: still there?"])
    assert set(alarms) == {"second_poller"}


async def test_a_foreign_webhook_is_an_alarm_and_not_removed(sandbox: Sandbox, sqlite: Database) -> None:
    """Updates go to somebody else: told at once, without the path, which may be that somebody's secret."""
    alarms: list[tuple[str, str]] = []
    thief = BotByHand(sandbox.url, sandbox.token)
    await asyncio.to_thread(thief.call, "setWebhook", url="http://127.0.0.1:9/thiefs-secret")
    async with running(sandbox, sqlite, polls=True, alarm=lambda *alarm: alarms.append(alarm)):
        await until(lambda: bool(alarms))
        assert alarms[0] == ("foreign_webhook", "updates go to 127.0.0.1:9")
        assert sandbox.world.bot.webhook is not None
        await asyncio.to_thread(thief.call, "deleteWebhook")
        people.say(sandbox.world, ANA, "back")
        await until(lambda: texts(sandbox, ANA) == ["1: back"])


async def test_our_own_webhook_is_taken_off_when_we_poll(sandbox: Sandbox, sqlite: Database) -> None:
    """The operator changed from webhook to polling: what we set ourselves we remove ourselves."""
    ours = "http://127.0.0.1:9/telegram"
    await asyncio.to_thread(BotByHand(sandbox.url, sandbox.token).call, "setWebhook", url=ours)
    await sqlite.units.run(None, lambda unit: unit.facts.set(WEBHOOK_FACT, ours, HandClock().now()))
    people.say(sandbox.world, ROSA, "hello")
    async with running(sandbox, sqlite, polls=True, alarm=lambda *_: pytest.fail("no alarm")):
        await until(lambda: texts(sandbox, ROSA) == ["1: hello"])


async def test_a_rejected_token_ends_polling(sandbox: Sandbox, sqlite: Database) -> None:
    """401, also from getMe: the bot stops, and says which setting it is."""
    sandbox.world.faults.add(Fault("refuse", method="getMe|getUpdates", status=401, description="Unauthorized", skip=1))
    with pytest.RaisesGroup(pytest.RaisesExc(TokenRejected)):
        async with running(sandbox, sqlite, polls=True):
            await until(lambda: False)  # cancelled before that


async def test_only_what_we_handle_is_asked_for(sandbox: Sandbox, sqlite: Database) -> None:
    """Without a list Telegram sends what an earlier bot of this token asked for."""
    async with running(sandbox, sqlite, polls=True):
        await until(lambda: bool(calls(sandbox, "getUpdates")))
    assert calls(sandbox, "getUpdates")[0].params["allowed_updates"] == [
        "message", "edited_message", "callback_query", "my_chat_member",
    ]  # fmt: skip


async def test_stopping_commits_and_acknowledges_what_was_fetched(
    sandbox: Sandbox, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clean stop ends the long poll; nothing is left half done."""
    for number in range(30):
        people.say(sandbox.world, ANA, f"{number}")
    settle = Intake.settle
    monkeypatch.setattr(Intake, "settle", lambda intake, _: settle(intake, PATIENCE))  # a busy machine takes its time
    async with running(sandbox, database, polls=True) as bot:
        await until(lambda: len(texts(sandbox, ANA)) >= 1)

    assert len(await bot.heard(ANA)) == 30 - pending(sandbox)
