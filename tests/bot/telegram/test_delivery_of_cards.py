"""Cards: edited before their number is known, sent anew when they are gone, deleted many at once."""

import asyncio
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO

from sqlalchemy import select

from bot.sandbox import people
from bot.sandbox.server import Sandbox
from bot.telegram.methods import anew
from storage.database.models import OutboxMessage, table
from storage.messages.leases import Watch
from storage.messages.outbox import OutboxDraft
from storage.open_database import Database
from storage.unit_of_work import UnitOfWork
from tests.bot.telegram.wire import (
    ANA,
    LUIS,
    HandClock,
    calls,
    quiet,
    running,
    shown,
    until,
)


# ------------------------------------------------------------------ cards
async def test_a_card_is_edited_before_its_number_is_known(sandbox: Sandbox, database: Database) -> None:
    """The next update commits while the card is still on its way: the lane resolves it."""
    async with running(sandbox, database) as bot:
        card = await bot.card(ANA)
        await bot.commit(
            OutboxDraft(ANA, "prompt", "sendMessage", {"text": "question 1"}, card),
            OutboxDraft(ANA, "prompt", "editMessageText", {"text": "question 2"}, card),
        )
        await quiet(bot)

        assert shown(sandbox, ANA) == [("send", "question 1"), ("edit", "question 2")]
        number = await bot.database.units.run(None, lambda unit: unit.outbox.card_message_id(card))
        assert number == sandbox.world.ledger.entries[0].message_id


async def test_a_card_is_found_again_after_a_restart(sandbox: Sandbox, database: Database) -> None:
    """Its number is in the database by then."""
    async with running(sandbox, database) as bot:
        card = await bot.card(ANA)
        await bot.commit(OutboxDraft(ANA, "prompt", "sendMessage", {"text": "question 1"}, card))
        await quiet(bot)
    async with running(sandbox, database) as bot:
        await bot.commit(OutboxDraft(ANA, "prompt", "editMessageText", {"text": "question 2"}, card))
        await quiet(bot)
    assert shown(sandbox, ANA) == [("send", "question 1"), ("edit", "question 2")]


async def test_a_card_that_is_gone_is_sent_anew_and_edited_from_then_on(sandbox: Sandbox, database: Database) -> None:
    """The person cleared the chat: the question appears again below, and the card is that message now."""
    async with running(sandbox, database) as bot:
        card = await bot.card(ANA)
        await bot.commit(OutboxDraft(ANA, "prompt", "sendMessage", {"text": "question 1"}, card))
        await quiet(bot)
        people.clear(sandbox.world, ANA)
        markup = {"inline_keyboard": [[{"text": "a", "callback_data": "a"}]]}
        await bot.commit(
            OutboxDraft(ANA, "prompt", "editMessageText", {"text": "question 2", "reply_markup": markup}, card),
            OutboxDraft(ANA, "prompt", "editMessageText", {"text": "question 3"}, card),
        )
        await quiet(bot)
        assert set(await bot.states()) == {"sent"}
    assert shown(sandbox, ANA)[1:] == [("send", "question 2"), ("edit", "question 3")]
    assert sandbox.world.ledger.entries[1].message["reply_markup"] == markup  # type: ignore[index]


async def test_a_card_that_was_never_delivered_is_sent_by_its_edit(sandbox: Sandbox, sqlite: Database) -> None:
    """Its first message was refused: what was to replace it is shown all the same."""
    async with running(sandbox, sqlite) as bot:
        card = await bot.card(ANA)
        await bot.commit(
            OutboxDraft(ANA, "prompt", "sendMessage", {"text": "<i", "parse_mode": "HTML"}, card),
            OutboxDraft(ANA, "prompt", "editMessageText", {"text": "question 2"}, card),
        )
        await quiet(bot)
        assert await bot.states() == ["undeliverable", "sent"]
    assert shown(sandbox, ANA) == [("send", "question 2")]


async def test_not_modified_is_what_was_wanted(sandbox: Sandbox, sqlite: Database) -> None:
    """Editing to the same content is a success, and no second message."""
    async with running(sandbox, sqlite) as bot:
        card = await bot.card(ANA)
        await bot.commit(
            OutboxDraft(ANA, "prompt", "sendMessage", {"text": "same"}, card),
            OutboxDraft(ANA, "prompt", "editMessageText", {"text": "same"}, card),
        )
        await quiet(bot)
        assert await bot.states() == ["sent", "sent"]
    assert shown(sandbox, ANA) == [("send", "same")]


async def test_a_deletion_that_cannot_be_is_settled_and_listed(sandbox: Sandbox, sqlite: Database) -> None:
    """Older than 48 h: one attempt, the reason stays, and the card is known by its number: it is there still (S15)."""
    async with running(sandbox, sqlite) as bot:
        card = await bot.card(ANA)
        await bot.commit(OutboxDraft(ANA, "prompt", "sendMessage", {"text": "one"}, card))
        await quiet(bot)
        sandbox.world.move_clock(by=49 * 3600)
        await bot.commit(OutboxDraft(ANA, "notice", "deleteMessage", {}, card))
        await quiet(bot)
        [_, row] = await bot.outbox()
        assert row.state == "undeliverable"
        assert "can't be deleted" in row.error
        assert sqlite.units.submit(None, lambda unit: unit.outbox.card_message_id(card)).result() is not None
    assert len(calls(sandbox, "deleteMessage")) == 1


async def test_what_is_gone_already_need_not_be_deleted(sandbox: Sandbox, sqlite: Database) -> None:
    """A deletion whose answer was lost is tried again, and nobody is told of a message that could not be deleted."""
    async with running(sandbox, sqlite) as bot:
        await bot.commit(OutboxDraft(ANA, "notice", "deleteMessage", {"message_id": 4_711}))
        await quiet(bot)
        assert await bot.states() == ["sent"]
    assert len(calls(sandbox, "deleteMessage")) == 1


async def test_many_messages_leave_a_chat_by_one_call(sandbox: Sandbox, sqlite: Database) -> None:
    """Which messages the cards are is known when the call is made: the last of them has only just been sent."""
    async with running(sandbox, sqlite) as bot:
        cards = [await bot.card(ANA), await bot.card(ANA)]
        await bot.commit(
            *(OutboxDraft(ANA, "prompt", "sendMessage", {"text": "one"}, card) for card in cards),
            OutboxDraft(ANA, "notice", "deleteMessages", {"message_ids": [4_711], "@cards": cards}),
        )
        await quiet(bot)
        assert await bot.states() == ["sent"] * 3
    assert [what for what, _ in shown(sandbox, ANA)] == ["send", "send", "delete", "delete"]
    assert len(calls(sandbox, "deleteMessages")) == 1


async def test_a_call_for_many_leaves_none_of_them_out(sandbox: Sandbox, sqlite: Database) -> None:
    """It would answer True: nobody would hear of a card that never got a message."""
    async with running(sandbox, sqlite) as bot:
        cards = [await bot.card(ANA), await bot.card(ANA)]
        await bot.commit(
            OutboxDraft(ANA, "prompt", "sendMessage", {"text": "one"}, cards[0]),
            OutboxDraft(ANA, "notice", "deleteMessages", {"message_ids": [], "@cards": cards}),
        )
        await quiet(bot)
        assert await bot.states() == ["sent", "undeliverable"]
    assert not calls(sandbox, "deleteMessages")


async def test_a_deleted_card_is_a_new_message_when_it_is_edited(sandbox: Sandbox, sqlite: Database) -> None:
    """Without asking Telegram about a message we know to be gone."""
    async with running(sandbox, sqlite) as bot:
        card = await bot.card(ANA)
        await bot.commit(
            OutboxDraft(ANA, "prompt", "sendMessage", {"text": "one"}, card),
            OutboxDraft(ANA, "notice", "deleteMessage", {}, card),
        )
        await quiet(bot)
        await bot.commit(OutboxDraft(ANA, "prompt", "editMessageText", {"text": "two"}, card))
        await quiet(bot)
    assert [what for what, _ in shown(sandbox, ANA)] == ["send", "delete", "send"]
    assert not calls(sandbox, "editMessageText")


def test_a_picture_that_cannot_be_edited_is_sent_anew_with_its_file() -> None:
    """editMessageMedia names the file by attachment, sendPhoto by its own parameter."""
    edit = {
        "message_id": 5,
        "media": {"type": "photo", "media": "attach://chart", "caption": "Semana"},
        "@files": {"chart": {"path": "chart.png", "name": "chart.png"}},
        "reply_markup": {"inline_keyboard": []},
    }
    assert anew("editMessageMedia", edit) == (
        "sendPhoto",
        {
            "caption": "Semana",
            "@files": {"photo": {"path": "chart.png", "name": "chart.png"}},
            "reply_markup": {"inline_keyboard": []},
        },
    )
    assert anew("editMessageReplyMarkup", {"reply_markup": {}}) is None


async def test_a_file_is_uploaded_under_its_own_name(sandbox: Sandbox, sqlite: Database, tmp_path: Path) -> None:
    """The row names the file; its content is read when it is sent. One that is gone settles the row."""
    (tmp_path / "out.csv").write_bytes(b"a;b\n1;2\n")
    files = {"document": {"path": str(tmp_path / "out.csv"), "name": "reporte del año.csv", "type": "text/csv"}}
    gone = {"document": {"path": str(tmp_path / "nothing.csv"), "name": "x.csv"}}
    async with running(sandbox, sqlite) as bot:
        await bot.commit(
            OutboxDraft(ANA, "export", "sendDocument", {"caption": "Listo", "@files": files}),
            OutboxDraft(LUIS, "export", "sendDocument", {"@files": gone}),
        )
        await until(lambda: len(sandbox.world.ledger.entries) == 1)
        await quiet(bot)
        assert sorted(await bot.states()) == ["sent", "undeliverable"]
    message = sandbox.world.ledger.entries[0].message

    assert message is not None
    assert message["document"]["file_name"] == "reporte del año.csv"


async def test_a_picture_that_takes_longer_than_a_lease_stays_in_our_hands(
    sandbox: Sandbox, database: Database
) -> None:
    """Another replica would draw it too, and lose it again; and meanwhile nothing of it is in doubt."""
    clock, is_drawn, watch = HandClock(), asyncio.Event(), Watch()

    def take_over(unit: UnitOfWork, at: float) -> None:
        """What the other replica does when a claim has stood too long before its eyes."""
        unit.outbox.settle_expired(watch.run_out(unit.outbox.leased(), at), clock.now())

    async def slowly(path: str, is_wanted: object) -> IO[bytes]:
        await is_drawn.wait()
        return BytesIO(b"drawn")

    upload = {"caption": "Semáforo", "@files": {"document": {"path": "matrix:{}", "name": "semaforo.png"}}}
    async with running(sandbox, database, clock=clock, open_file=slowly) as bot:
        await bot.commit(OutboxDraft(ANA, "digest", "sendDocument", upload))
        await until(lambda: bot.delivery.pending == 1)
        for _ in range(4):
            clock.move(10)
            await bot.delivery._sweep()
            await database.units.run(None, partial(take_over, at=clock.monotonic()))
            assert await bot.states() == ["queued"]
        is_drawn.set()
        await until(lambda: len(sandbox.world.ledger.entries) == 1)
        await quiet(bot)
        claims = select(table(OutboxMessage).c.state, table(OutboxMessage).c.attempts)
        rows = await database.units.run(None, lambda unit: list(unit.connection.execute(claims)))
    assert rows == [("sent", 1)]


async def test_a_picture_that_cannot_be_drawn_is_said_in_words(sandbox: Sandbox, sqlite: Database) -> None:
    """What was written under it arrives as a message; a picture with nothing under it settles the row."""

    async def no_drawing(path: str, is_wanted: object) -> IO[bytes]:
        raise ValueError(f"{path} ended with 1")

    said = {"caption": "Semáforo al 8 oct", "caption_entities": [{"type": "bold", "offset": 0, "length": 8}]}
    upload = {"@files": {"photo": {"path": "matrix:{}", "name": "semaforo.png", "type": "image/png"}}}
    async with running(sandbox, sqlite, open_file=no_drawing) as bot:
        await bot.commit(
            OutboxDraft(ANA, "reminder", "sendPhoto", said | upload),
            OutboxDraft(LUIS, "reminder", "sendPhoto", dict(upload)),
        )
        await until(lambda: len(sandbox.world.ledger.entries) == 1)
        await quiet(bot)
        assert sorted(await bot.states()) == ["sent", "undeliverable"]
    message = sandbox.world.ledger.entries[0].message

    assert message is not None
    assert (message["text"], message["entities"]) == (said["caption"], said["caption_entities"])
