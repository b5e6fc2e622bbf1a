"""The page of phones in Chromium, over a sandbox in a process of its own, with a small bot beside it."""

import json
import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from itertools import count
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page

from bot.sandbox.telegram import DEFAULT_TOKEN
from tests.deadlines import LOOK_AGAIN, PATIENCE, has_ended, wait_until
from tests.ports import free_port

CHROMIUM = "/usr/bin/chromium"

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip

ROOT = Path(__file__).parents[2]
WEDNESDAY = 1538568000  # 2018-10-03 08:00 in Santo Domingo
TAKES_A_LOOK = PATIENCE * 1000

AS_A_RULE: dict[str, Any] = {
    "viewport": {"width": 1400, "height": 860},
    "locale": "es-DO",
    "reduced_motion": "reduce",  # what moves is drawn sixty times a second
}


# ---------------------------------------------------------------- the other side
def api(url: str, path: str, payload: object = None) -> Any:
    """JSON of the sandbox: GET, or POST when there is something to say."""
    body = None if payload is None else json.dumps(payload).encode()
    request = urllib.request.Request(url + path, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:
        return json.load(response)


class Process:
    """A sandbox in a process of its own, on a port that it keeps when it is started again."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._people = count(101)
        self.start()

    def start(self) -> None:
        line = f"from bot.sandbox.server import serve; serve(port={self.port}, start={WEDNESDAY})"
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen([sys.executable, "-c", line], cwd=ROOT, env=environment)
        wait_until(self._answers, "the sandbox answers", unless=has_ended(self._process))

    def _answers(self) -> bool:
        try:
            api(self.url, "/sandbox/state")
        except OSError:
            return False
        return True

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def person(self, name: str = "Yesenia Almánzar", *, started: bool = True, **known: object) -> int:
        """A new person's number; their phone knows the bot already, unless told otherwise."""
        number = next(self._people)
        usual = {"title": "Punto focal, MINERD", "language_code": "es"}
        api(self.url, "/sandbox/people", {"id": number, "first_name": name, "started": started, **usual, **known})
        return number


class MiniBot(threading.Thread):
    """Answers what the tests ask: raw getUpdates, one `if` per behaviour."""

    def __init__(self, sandbox: Process) -> None:
        super().__init__(name="mini bot", daemon=True)
        self.url = sandbox.url
        self.may_answer = threading.Event()
        self.is_over = threading.Event()

    def call(self, method: str, **params: object) -> Any:
        return api(self.url, f"/bot{DEFAULT_TOKEN}/{method}", params)["result"]

    def say(self, chat: int, text: str, **more: object) -> Any:
        return self.call("sendMessage", chat_id=chat, text=text, **more)

    def run(self) -> None:
        offset = 0
        while not self.is_over.is_set():
            try:
                for update in self.call("getUpdates", offset=offset, timeout=1):
                    offset = update["update_id"] + 1
                    self.take(update)
            except (OSError, HTTPException):
                self.is_over.wait(LOOK_AGAIN)

    def take(self, update: dict[str, Any]) -> None:
        if query := update.get("callback_query"):
            self.tapped(query)
        elif edited := update.get("edited_message"):
            self.say(edited["chat"]["id"], f"Corregido: {edited['text']}")
        elif message := update.get("message"):
            self.told(message["chat"]["id"], message)

    def tapped(self, query: dict[str, Any]) -> None:
        answer: dict[str, object] = {}
        if query["data"] == "lento":
            self.may_answer.wait(PATIENCE)
        elif query["data"] == "alerta":
            answer = {"text": "El período está cerrado.", "show_alert": True}
        else:
            card = query["message"]
            mark = "☑" if "☐" in json.dumps(card["reply_markup"], ensure_ascii=False) else "☐"
            place = {"chat_id": card["chat"]["id"], "message_id": card["message_id"]}
            self.call("editMessageText", **place, text=CARD, reply_markup=keyboard(mark))
            answer = {"text": "Guardado"}
        self.call("answerCallbackQuery", callback_query_id=query["id"], **answer)

    def told(self, chat: int, message: dict[str, Any]) -> None:
        text = message.get("text", "")
        if text == "/tarjeta":
            self.say(chat, CARD, reply_markup=keyboard("☐"))
        elif text == "/formato":
            self.say(chat, FORMATTED, parse_mode="HTML")
        elif text == "/teclado":
            keys = [[{"text": "Mi ubicación", "request_location": True}], [{"text": "Omitir"}]]
            self.say(chat, "¿Dónde fue?", reply_markup={"keyboard": keys, "resize_keyboard": True})
        elif text == "/invitar":
            self.say(chat, f"https://t.me/{self.call('getMe')['username']}?start=K7Q2M9")
        elif text == "/preguntar":
            markup = {"force_reply": True, "input_field_placeholder": "Un número"}
            self.say(chat, "¿Cuántas personas?", reply_markup=markup)
        elif reply := message.get("reply_to_message"):
            self.say(chat, f"Sobre «{reply['text']}»: {text}")
        elif "photo" in message:
            self.say(chat, f"Foto: {message.get('caption', '')}")
        elif "document" in message:
            self.say(chat, f"Archivo: {message['document']['file_name']} {message['document']['file_size']}")
        elif "location" in message:
            self.say(chat, f"Lugar: {message['location']['latitude']:.2f}")
        else:
            self.say(chat, f"Eco: {text}")


CARD = "¿Qué la está frenando? Puede elegir varias."

FORMATTED = (
    "🇩🇴 <b>MINERD</b> · <code>1.2.3</code>\n<blockquote>48 docentes</blockquote>"
    "<tg-spoiler>7Q4K</tg-spoiler> &lt;img src=x onerror=alert(1)&gt; "
    '<tg-time unix="1538784000" format="wD">el viernes</tg-time>'
)


def keyboard(mark: str) -> dict[str, object]:
    def button(text: str, data: str, **more: str) -> dict[str, str]:
        return {"text": text, "callback_data": data, **more}

    rows = [[button(f"{mark} Presupuesto", "presupuesto"), button("☐ Personal", "personal")],
            [button("Cerrar", "alerta", style="danger"), button("Lento", "lento", style="primary")]]  # fmt: skip
    return {"inline_keyboard": rows if mark == "☐" else [[rows[0][0], button("☑ Personal", "personal")], rows[1]]}


@contextmanager
def sandbox_process() -> Iterator[Process]:
    process = Process()
    try:
        yield process
    finally:
        process.kill()


Opened = Callable[..., Page]


def forget(page: Page, url: str) -> None:
    """Leaves the page of phones for a picture beside it, with nothing kept: as cheap as no page, and soon one again."""
    page.unroute_all()
    page.mouse.move(0, 0)
    page.goto(f"{url}/page/icon.svg")
    page.evaluate("() => [localStorage, sessionStorage].forEach((kept) => kept.clear())")


def phone(page: Page, person: int) -> Locator:
    return page.locator(f"#phone-{person}")


def write(phone: Locator, text: str) -> None:
    phone.get_by_role("textbox").fill(text)
    phone.get_by_role("textbox").press("Enter")


def last(phone: Locator) -> Locator:
    return phone.locator("article").last


def supervised(page: Page, **told: Any) -> list[str]:
    """A supervisor that tells this; the orders it gets, in their order."""
    orders: list[str] = []
    process: dict[str, Any] = {"running": True, "pid": 41, **told}

    def supervisor(route: Any) -> None:
        if route.request.method == "POST":
            orders.append(route.request.post_data_json["do"])
            process["running"] = orders[-1] == "start"
        route.fulfill(json=process)

    page.route("**/sandbox/supervisor", supervisor)
    page.reload()
    return orders
