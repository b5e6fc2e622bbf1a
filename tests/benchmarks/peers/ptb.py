"""The form as one writes it with python-telegram-bot: a ConversationHandler, everything else as it comes.

With BENCH_PICKLE it keeps its conversations in a PicklePersistence of the usual interval (60 s), else it keeps
nothing. By polling with its Updater; with BENCH_HOOK_PORT behind Starlette and uvicorn, as the library's own
example of a custom webhook does it (examples/customwebhookbot.py).
"""

import asyncio
import os
import signal
from datetime import date
from typing import Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.ext import (
    Application,
    CallbackQueryHandler,
    CommandHandler,
    ContextTypes,
    ConversationHandler,
    MessageHandler,
    PicklePersistence,
    filters,
)

QUESTIONS: tuple[tuple[str, dict[str, str]], ...] = (
    ("Q1. What do you report?", {"Water": "water", "Road": "road", "School": "school"}),
    ("Q2. How many? (whole number)", {}),
    ("Q3. Describe it in a few words", {}),
    ("Q4. On which date? (YYYY-MM-DD)", {}),
    ("Q5. Is it urgent?", {"Yes": "yes", "No": "no"}),
    ("Q6. Save it?", {"Save": "save", "Cancel": "cancel"}),
)
COUNT, DAY, CONFIRM = 1, 3, 5
Context = ContextTypes.DEFAULT_TYPE


class Book:
    """The numbers of what was saved. A real bot would store it: this one is the fastest there can be."""

    saved = 0


async def ask(update: Update, context: Context, number: int) -> int:
    text, choices = QUESTIONS[number]
    if number == CONFIRM:
        text = "\n".join([*context.user_data["answers"], text])
    row = [InlineKeyboardButton(label, callback_data=value) for label, value in choices.items()]
    await context.bot.send_message(
        update.effective_chat.id, text, reply_markup=InlineKeyboardMarkup([row]) if row else None
    )
    return number


async def start(update: Update, context: Context) -> int:
    context.user_data["answers"] = []
    return await ask(update, context, 0)


async def pressed(update: Update, context: Context) -> int:
    query = update.callback_query
    await query.answer()
    number = len(context.user_data["answers"])
    if number < CONFIRM:
        context.user_data["answers"].append(query.data)
        return await ask(update, context, number + 1)
    context.user_data.clear()
    Book.saved += 1
    await context.bot.send_message(update.effective_chat.id, f"Saved as number {Book.saved}")
    return ConversationHandler.END


async def typed(update: Update, context: Context) -> int:
    number, text = len(context.user_data["answers"]), update.message.text
    try:
        if number == COUNT:
            int(text)
        elif number == DAY:
            date.fromisoformat(text)
    except ValueError:
        return await ask(update, context, number)
    context.user_data["answers"].append(text)
    return await ask(update, context, number + 1)


async def cancel(update: Update, context: Context) -> int:
    await context.bot.send_message(update.effective_chat.id, "Cancelled")
    return ConversationHandler.END


def build() -> Application[Any, Any, Any, Any, Any, Any]:
    api, pickle = os.environ["BENCH_API"], os.environ.get("BENCH_PICKLE", "")
    builder = Application.builder().token(os.environ["BENCH_TOKEN"]).base_url(f"{api}/bot")
    # The default of one connection and a second of patience in line would fail under fifty people, not be slow.
    builder = builder.connection_pool_size(256).pool_timeout(30).read_timeout(30)
    if pickle:
        builder = builder.persistence(PicklePersistence(pickle))
    application = builder.build()
    states = {
        number: [CallbackQueryHandler(pressed) if choices else MessageHandler(filters.TEXT & ~filters.COMMAND, typed)]
        for number, (_, choices) in enumerate(QUESTIONS)
    }
    application.add_handler(
        ConversationHandler(
            [CommandHandler("start", start)],
            states,
            [CommandHandler("cancel", cancel)],
            allow_reentry=True,
            name="form",
            persistent=bool(pickle),
        )
    )
    return application


async def serve_webhook(application: Application[Any, Any, Any, Any, Any, Any], port: int) -> None:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    async def telegram(request: Request) -> Response:
        await application.update_queue.put(Update.de_json(await request.json(), application.bot))
        return Response()

    app = Starlette(routes=[Route("/telegram", telegram, methods=["POST"])])
    await application.bot.set_webhook(f"http://127.0.0.1:{port}/telegram")
    await uvicorn.Server(uvicorn.Config(app, port=port, access_log=False, log_level="warning")).serve()


async def poll(application: Application[Any, Any, Any, Any, Any, Any]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await application.updater.start_polling()
    await stop.wait()
    await application.updater.stop()


async def main() -> None:
    application = build()
    port = int(os.environ.get("BENCH_HOOK_PORT", "0"))
    async with application:
        await application.start()
        await (serve_webhook(application, port) if port else poll(application))
        await application.stop()


if __name__ == "__main__":
    asyncio.run(main())
