"""The small dialogue with python-telegram-bot's own Application. See ../test_peers.py for what is said."""

import hashlib
import os

from telegram import (
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
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
    app.add_handler(CommandHandler("start", start))
    app.add_handler(CallbackQueryHandler(tapped, "^(Yes|No)$"))
    questions = {PEOPLE: [MessageHandler(filters.TEXT & ~filters.COMMAND, people)]}
    app.add_handler(ConversationHandler([CommandHandler("form", form)], questions, []))
    app.add_handler(CommandHandler("files", files))
    app.add_handler(MessageHandler(filters.PHOTO | filters.Document.ALL, received))
    app.run_polling()


main()
