"""The small dialogue with aiogram 3. See ../test_peers.py for what is said."""

import asyncio
import hashlib
import os
from io import BytesIO

from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramBadRequest
from aiogram.filters import Command, CommandObject, CommandStart
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    KeyboardButton,
    Message,
    ReactionTypeEmoji,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
)

dispatcher = Dispatcher()


class Form(StatesGroup):
    people = State()


@dispatcher.message(CommandStart())
async def start(message: Message, command: CommandObject) -> None:
    assert message.from_user is not None
    keyboard = InlineKeyboardMarkup(
        inline_keyboard=[[InlineKeyboardButton(text=text, callback_data=text) for text in ("Yes", "No")]]
    )
    text = f"<b>Hello</b> {message.from_user.first_name} {command.args or ''}".strip()
    await message.answer(text, parse_mode="HTML", reply_markup=keyboard)


@dispatcher.callback_query(F.data.in_({"Yes", "No"}))
async def tapped(query: CallbackQuery) -> None:
    assert isinstance(query.message, Message)
    await query.answer(f"Noted: {query.data}")
    await query.message.edit_text(f"You said {query.data}")
    try:
        await query.message.edit_text(f"You said {query.data}")
    except TelegramBadRequest as error:
        await query.message.answer(error.message)


@dispatcher.message(Command("form"))
async def form(message: Message, state: FSMContext) -> None:
    await state.set_state(Form.people)
    keyboard = ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text="12")]], resize_keyboard=True)
    await message.answer("How many?", reply_markup=keyboard)


@dispatcher.message(Form.people, F.text)
async def people(message: Message, state: FSMContext) -> None:
    await state.clear()
    await message.reply(f"{message.text} people", reply_markup=ReplyKeyboardRemove())


@dispatcher.message(Command("files"))
async def files(message: Message) -> None:
    picture = BufferedInputFile(bytes.fromhex(os.environ["PICTURE"]), "picture.png")
    await message.answer_photo(picture, caption="a photo")
    await message.answer_document(BufferedInputFile("año,1\n".encode(), "año 1.csv"), caption="a document")


@dispatcher.message(Command("more"))
async def more(message: Message, bot: Bot) -> None:
    await message.answer("*bold* ||secret||", parse_mode="MarkdownV2")
    picture = bytes.fromhex(os.environ["PICTURE"])
    album = [InputMediaPhoto(media=BufferedInputFile(picture, f"{name}.png"), caption=name) for name in ("one", "two")]
    first, _ = await message.answer_media_group(album)  # type: ignore[arg-type]
    assert first.photo is not None
    await message.answer_photo(first.photo[-1].file_id, caption="again")
    place = await message.answer_location(18.5, -69.9)
    await message.react([ReactionTypeEmoji(emoji="👍")])
    await place.delete()
    chat = await bot.get_chat(message.chat.id)
    await message.answer(f"{chat.first_name}, {chat.type}")


@dispatcher.edited_message(F.text)
async def corrected(message: Message) -> None:
    await message.answer(f"corrected to {message.text}")


@dispatcher.message(F.document | F.photo)
async def received(message: Message, bot: Bot) -> None:
    file = message.document or message.photo[-1]  # type: ignore[index]
    content = await bot.download(file, BytesIO())
    assert content is not None
    await message.answer(f"got {hashlib.sha256(content.read()).hexdigest()}")


async def main() -> None:
    server = TelegramAPIServer.from_base(os.environ["API"])
    bot = Bot(os.environ["TOKEN"], session=AiohttpSession(api=server))
    menu = {"form": "A question", "files": "Files"}
    await bot.set_my_commands([BotCommand(command=name, description=words) for name, words in menu.items()])
    if "WEBHOOK_PORT" not in os.environ:
        await bot.delete_webhook()
        await dispatcher.start_polling(bot)
        return
    from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
    from aiohttp import web

    app, port = web.Application(), int(os.environ["WEBHOOK_PORT"])
    SimpleRequestHandler(dispatcher, bot, secret_token="s3cret").register(app, "/hook")
    setup_application(app, dispatcher, bot=bot)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await bot.set_webhook(f"http://127.0.0.1:{port}/hook", secret_token="s3cret")
    await asyncio.Event().wait()


asyncio.run(main())
