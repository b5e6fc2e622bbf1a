"""The form with nothing around it: no framework, no library, nothing kept, no answer read.

No bot is faster in Python. It is here to show how fast the load driver is: a row near this one measures the driver.
"""

import asyncio
import os
from typing import Any

import httptools
import orjson
from ptb import CONFIRM, QUESTIONS

API = os.environ["BENCH_API"].partition("://")[2]
PATH = f"/bot{os.environ['BENCH_TOKEN']}/"
KEYS = [[[{"text": label, "callback_data": value} for label, value in choices.items()]] for _, choices in QUESTIONS]


class Calls(asyncio.Protocol):
    """A connection on which everything is written and nothing is read."""

    transport: Any

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def call(self, method: str, **parameters: object) -> None:
        body = orjson.dumps(parameters)
        head = f"POST {PATH}{method} HTTP/1.1\r\nHost: {API}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        self.transport.write(head + body)


class Polling(Calls):
    """getUpdates, one after another."""

    def __init__(self, calls: Calls, done: asyncio.Event) -> None:
        self.calls, self.done = calls, done
        self.answers: dict[int, list[str]] = {}
        self.saved = 0
        self._new_parser()

    def _new_parser(self) -> None:
        self.parser, self.body = httptools.HttpResponseParser(self), b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.call("getUpdates", timeout=30)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        updates = orjson.loads(self.body)["result"]
        self._new_parser()
        self.call("getUpdates", timeout=30, offset=updates[-1]["update_id"] + 1 if updates else 0)
        for update in updates:
            self.handle(update)

    def handle(self, update: dict[str, Any]) -> None:
        if query := update.get("callback_query"):
            chat_id, said = query["from"]["id"], query["data"]
            self.calls.call("answerCallbackQuery", callback_query_id=query["id"])
        else:
            chat_id, said = update["message"]["chat"]["id"], update["message"]["text"]
        answers = self.answers.setdefault(chat_id, [])
        if said == "/start":
            answers.clear()
        elif len(answers) == CONFIRM:
            self.saved += 1
            self.calls.call("sendMessage", chat_id=chat_id, text=f"Saved as number {self.saved}")
            return
        else:
            answers.append(said)
        number = len(answers)
        text = QUESTIONS[number][0]
        if number == CONFIRM:
            text = "\n".join([*answers, text])
        keys = {"reply_markup": {"inline_keyboard": KEYS[number]}} if QUESTIONS[number][1] else {}
        self.calls.call("sendMessage", chat_id=chat_id, text=text, **keys)

    def connection_lost(self, exc: Exception | None) -> None:
        self.done.set()


async def main() -> None:
    host, _, port = API.partition(":")
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    _, calls = await loop.create_connection(Calls, host, int(port))
    await loop.create_connection(lambda: Polling(calls, done), host, int(port))
    await done.wait()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main())
