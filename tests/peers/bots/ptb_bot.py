"""The small dialogue with python-telegram-bot's own Application. See ../test_peers.py for what is said."""

import hashlib
import os

from telegram import (
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    KeyboardButton,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
    Update,
)
from telegram.error import BadRequest
from telegram.ext import (
    Application,
    ApplicationBuilder,
    CallbackQueryHandler,
    CommandHandler,
    ContextTypes,
    ConversationHandler,
    MessageHandler,
    filters,
)

PEOPLE = 1
Context = ContextTypes.DEFAULT_TYPE


async def start(update: Update, context: Context) -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton(text, callback_data=text) for text in ("Yes", "No")]])
    text = f"<b>Hello</b> {update.effective_user.first_name} {' '.join(context.args)}".strip()
    await update.message.reply_text(text, parse_mode="HTML", reply_markup=keyboard)


async def tapped(update: Update, context: Context) -> None:
    query = update.callback_query
    await query.answer(f"Noted: {query.data}")
    await query.edit_message_text(f"You said {query.data}")
    try:
        await query.edit_message_text(f"You said {query.data}")
    except BadRequest as error:
        await context.bot.send_message(update.effective_chat.id, error.message)


async def form(update: Update, context: Context) -> int:
    keyboard = ReplyKeyboardMarkup([[KeyboardButton("12")]], resize_keyboard=True)
    await update.message.reply_text("How many?", reply_markup=keyboard)
    return PEOPLE


async def people(update: Update, context: Context) -> int:
    await update.message.reply_text(f"{update.message.text} people", do_quote=True, reply_markup=ReplyKeyboardRemove())
    return ConversationHandler.END


async def files(update: Update, context: Context) -> None:
    await update.message.reply_photo(bytes.fromhex(os.environ["PICTURE"]), caption="a photo")
    await update.message.reply_document("año,1\n".encode(), filename="año 1.csv", caption="a document")


async def more(update: Update, context: Context) -> None:
    message = update.message
    await message.reply_text("*bold* ||secret||", parse_mode="MarkdownV2")
    picture = bytes.fromhex(os.environ["PICTURE"])
    first, _ = await message.reply_media_group([InputMediaPhoto(picture, caption=name) for name in ("one", "two")])
    await message.reply_photo(first.photo[-1].file_id, caption="again")
    place = await message.reply_location(18.5, -69.9)
    await message.set_reaction("👍")
    await place.delete()
    chat = await context.bot.get_chat(message.chat.id)
    await message.reply_text(f"{chat.first_name}, {chat.type}")


async def corrected(update: Update, context: Context) -> None:
    message = update.edited_message
    await message.reply_text(f"corrected to {message.text}")


async def received(update: Update, context: Context) -> None:
    attached = update.message.document or update.message.photo[-1]
    content = await (await attached.get_file()).download_as_bytearray()
    await update.message.reply_text(f"got {hashlib.sha256(content).hexdigest()}")


async def introduce(app: Application) -> None:
    await app.bot.set_my_commands([BotCommand("form", "A question"), BotCommand("files", "Files")])


def main() -> None:
    api = os.environ["API"]
    builder = ApplicationBuilder().token(os.environ["TOKEN"]).base_url(f"{api}/bot").base_file_url(f"{api}/file/bot")
    app = builder.post_init(introduce).build()
    app.add_handler(MessageHandler(filters.UpdateType.EDITED_MESSAGE, corrected))
    app.add_handler(CommandHandler("start", start))
    app.add_handler(CallbackQueryHandler(tapped, "^(Yes|No)$"))
    questions = {PEOPLE: [MessageHandler(filters.TEXT & ~filters.COMMAND, people)]}
    app.add_handler(ConversationHandler([CommandHandler("form", form)], questions, []))
    app.add_handler(CommandHandler("files", files))
    app.add_handler(CommandHandler("more", more))
    app.add_handler(MessageHandler(filters.PHOTO | filters.Document.ALL, received))
    app.run_polling()


main()
