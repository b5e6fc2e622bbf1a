"""The library that the bot uses, talking to the sandbox as it would to Telegram."""

from collections.abc import AsyncIterator
from datetime import timedelta
from io import BytesIO

import pytest
from PIL import Image
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeChat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    InputMediaPhoto,
    KeyboardButton,
    MenuButtonCommands,
    ReplyKeyboardMarkup,
)
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, NetworkError, RetryAfter

from bot.sandbox import people
from bot.sandbox.faults import Fault
from bot.sandbox.schema import Upload
from bot.sandbox.server import Sandbox, running_sandbox
from bot.sandbox.telegram import Person

ANA = 501


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    with running_sandbox(start=1_538_553_600) as running:
        running.world.add_person(Person(ANA, "Ana", language_code="es"), started=True)
        yield running


@pytest.fixture
async def bot(sandbox: Sandbox) -> AsyncIterator[Bot]:
    async with Bot(sandbox.token, f"{sandbox.url}/bot", f"{sandbox.url}/file/bot") as library:
        yield library


def jpeg() -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (300, 200), "teal").save(buffer, "JPEG")
    return buffer.getvalue()


async def test_every_call_it_makes_is_understood_whole(sandbox: Sandbox, bot: Bot) -> None:
    """Forms, multipart, nested JSON; and it sends no parameter that the document does not know."""
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Sí", callback_data="y")]])
    sent = await bot.send_message(ANA, "<b>¿?</b>", parse_mode="HTML", reply_markup=keyboard, protect_content=True)
    assert sent.reply_markup == keyboard
    assert sent.parse_entities() == {sent.entities[0]: "¿?"}
    edited = await bot.edit_message_text("✓", ANA, sent.message_id)
    assert not isinstance(edited, bool)
    assert edited.edit_date is not None
    where = ReplyKeyboardMarkup([[KeyboardButton("📍", request_location=True)]], one_time_keyboard=True)
    await bot.send_message(ANA, "¿Dónde?", reply_markup=where, reply_to_message_id=sent.message_id)
    photo = await bot.send_photo(ANA, jpeg(), caption="x")
    await bot.send_photo(ANA, photo.photo[-1].file_id)
    document = await bot.send_document(ANA, InputFile(b"a;b", "año.csv"))
    assert document.document is not None
    assert document.document.file_name == "año.csv"
    album = await bot.send_media_group(ANA, [InputMediaPhoto(jpeg()), InputMediaPhoto(photo.photo[-1].file_id)])
    assert len({message.media_group_id for message in album}) == 1
    await bot.send_venue(ANA, 18.5, -69.9, "IJM", "x")
    await bot.send_poll(ANA, "¿?", ["a", "b"])
    await bot.send_chat_action(ANA, "typing")
    await bot.set_message_reaction(ANA, sent.message_id, "👍")
    await bot.set_my_commands([BotCommand("ayuda", "x")], BotCommandScopeChat(ANA), "es")
    await bot.set_chat_menu_button(ANA, MenuButtonCommands())
    assert (await bot.get_chat(ANA)).first_name == "Ana"
    assert (await bot.get_chat_member(ANA, ANA)).status == "member"
    await bot.delete_messages(ANA, [sent.message_id])
    assert [call.method for call in sandbox.world.calls if call.unknown or call.status != 200] == []


async def test_every_update_it_gets_is_understood(sandbox: Sandbox, bot: Bot) -> None:
    """Texts, files, taps, edits, members: each becomes the library's own object."""
    world = sandbox.world
    sent = await bot.send_message(
        ANA, "x", reply_markup=InlineKeyboardMarkup([[InlineKeyboardButton("a", callback_data="a")]])
    )
    said = people.start(world, ANA, "code")
    people.edit(world, ANA, said["message_id"], "otra")
    query = people.tap(world, ANA, sent.message_id, text="a")
    people.send_files(world, ANA, "photo", [Upload("a.jpg", jpeg())])
    people.send_location(world, ANA, {"latitude": 1.5, "longitude": 2.5})
    people.forward(world, ANA, {"text": "x"})
    people.block(world, ANA)
    people.add_to_group(world, -1001, "Grupo", [ANA])
    updates = await bot.get_updates(allowed_updates=[])
    assert [update.update_id for update in updates] == list(range(updates[0].update_id, updates[0].update_id + 9))
    assert updates[0].message is not None
    assert updates[0].message.text == "/start code"
    assert updates[2].callback_query is not None
    assert updates[2].callback_query.id == query
    assert await updates[2].callback_query.answer("Hecho")
    photo = updates[3].message
    assert photo is not None
    file = await photo.photo[-1].get_file()
    assert len(await file.download_as_bytearray()) == photo.photo[-1].file_size
    assert updates[6].my_chat_member is not None
    assert updates[6].my_chat_member.new_chat_member.status == "kicked"


async def test_every_refusal_becomes_the_librarys_exception(
    sandbox: Sandbox, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It chooses the class by number and words."""
    monkeypatch.setenv("PTB_TIMEDELTA", "1")  # as the bot has it
    with pytest.raises(BadRequest, match="Chat not found"):
        await bot.send_message(42, "x")
    people.block(sandbox.world, ANA)
    with pytest.raises(Forbidden, match="bot was blocked by the user"):
        await bot.send_message(ANA, "x")
    with pytest.raises(InvalidToken):
        async with Bot("7000000001:wrong", f"{sandbox.url}/bot"):
            pass
    sandbox.world.faults.add(Fault("429", method="getMe", retry_after=10_072, times=1))
    with pytest.raises(RetryAfter) as later:
        await bot.get_me()
    assert later.value.retry_after == timedelta(seconds=10_072)
    for kind in ("5xx", "reset", "html"):
        sandbox.world.faults.add(Fault(kind, method="getMe", times=1))
        with pytest.raises(NetworkError):
            await bot.get_me()
    await bot.set_webhook("http://127.0.0.1:9/x")
    with pytest.raises(Conflict, match="webhook is active"):
        await bot.get_updates()
