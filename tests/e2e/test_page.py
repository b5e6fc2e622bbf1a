"""The page of phones in a real browser, against a sandbox process, with a bot of forty lines on the other side.

What a page promises shows only in a browser: focus that survives a redraw, a tap that turns until it is answered,
words that never become markup. The bot here speaks the raw Bot API, so that nothing of Enlace stands in between.
"""

import json
import os
import re
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

import pytest
from playwright.sync_api import APIResponse, Browser, FilePayload, Locator, Page, Route, expect, sync_playwright

from bot.sandbox.telegram import DEFAULT_TOKEN
from tests.deadlines import LOOK_AGAIN, PATIENCE, has_ended, wait_until
from tests.ports import free_port

pytestmark = pytest.mark.browser

CHROMIUM = "/usr/bin/chromium"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "bot" / "sandbox" / "page"
WEDNESDAY = 1538568000  # 2018-10-03 08:00 in Santo Domingo
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
    "53de0000000c49444154789c63606060000000040001f61738550000000049454e44ae426082"
)
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

    def person(self, name: str = "Yesenia Almánzar", *, started: bool = True, **known: str) -> int:
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


# ---------------------------------------------------------------- browser, sandbox, bot
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"Chromium is not installed at {CHROMIUM}: the page of phones is not tested")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@contextmanager
def sandbox_process() -> Iterator[Process]:
    process = Process()
    try:
        yield process
    finally:
        process.kill()


@pytest.fixture(scope="module")
def sandbox(browser: Browser) -> Iterator[Process]:
    with sandbox_process() as process:
        yield process


@pytest.fixture(scope="module")
def bot(sandbox: Process) -> Iterator[MiniBot]:
    bot = MiniBot(sandbox)
    bot.call("setMyCommands", commands=[{"command": "pendientes", "description": "Lo que vence"},
                                        {"command": "tarjeta", "description": "Una tarjeta"}])  # fmt: skip
    bot.start()
    yield bot
    bot.is_over.set()
    bot.may_answer.set()
    bot.join(PATIENCE)


Opened = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, sandbox: Process, bot: MiniBot) -> Iterator[Opened]:
    """Opens the page; what the browser complains about (errors, refused content) fails the test at its end."""
    complaints: list[str] = []
    contexts = []

    def open_page(url: str = sandbox.url, **options: Any) -> Page:
        context = browser.new_context(**{**AS_A_RULE, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(TAKES_A_LOOK)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if "Content Security" in line.text else None)
        page.on("dialog", lambda dialog: complaints.append(f"a dialog: {dialog.message}"))
        page.goto(url)
        return page

    expect.set_options(timeout=TAKES_A_LOOK)
    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def phone(page: Page, person: int) -> Locator:
    return page.locator(f"#phone-{person}")


def write(phone: Locator, text: str) -> None:
    phone.get_by_role("textbox").fill(text)
    phone.get_by_role("textbox").press("Enter")


def last(phone: Locator) -> Locator:
    return phone.locator("article").last


def is_at_end(phone: Locator) -> bool:
    return bool(phone.get_by_role("log").evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight < 4"))


# ---------------------------------------------------------------- talking
def test_what_is_written_on_a_phone_is_answered_on_it(sandbox: Process, opened: Opened) -> None:
    """Enter sends, the box is empty and keeps the focus, own bubbles stand right and the bot's left."""
    yesenia = phone(opened(), sandbox.person())

    write(yesenia, "¡Buenos días! ñ 🇩🇴")

    expect(last(yesenia)).to_contain_text("Eco: ¡Buenos días! ñ 🇩🇴")
    expect(yesenia.locator("article.own .text")).to_have_text("¡Buenos días! ñ 🇩🇴")
    expect(yesenia.get_by_role("textbox")).to_have_value("")
    expect(yesenia.get_by_role("textbox")).to_be_focused()
    own, bots = yesenia.locator(".own .bubble").bounding_box(), yesenia.locator(".bot .bubble").bounding_box()
    assert own is not None
    assert bots is not None
    assert own["x"] > bots["x"]


def test_shift_enter_starts_a_new_line(sandbox: Process, opened: Opened) -> None:
    """Only Enter alone sends."""
    yesenia = phone(opened(), sandbox.person())
    box = yesenia.get_by_role("textbox")

    box.press_sequentially("uno")
    box.press("Shift+Enter")
    box.press_sequentially("dos")
    box.press("Enter")

    expect(yesenia.locator("article.own .text")).to_have_text("uno\ndos", use_inner_text=True)


def test_a_tap_changes_the_card_in_place(sandbox: Process, opened: Opened) -> None:
    """The message stays one message, says that it was edited, shows the answer, and the focus stays on the button."""
    page = opened()
    yesenia = phone(page, sandbox.person())
    write(yesenia, "/tarjeta")
    card = yesenia.locator("article.bot")
    budget = card.get_by_role("button", name="Presupuesto")
    expect(budget).to_have_text("☐ Presupuesto")

    budget.click()

    expect(budget).to_have_text("☑ Presupuesto")
    expect(card).to_have_count(1)
    expect(card.locator(".edited")).to_have_text("editado")
    expect(yesenia.locator(".toast")).to_have_text("Guardado")
    expect(budget).to_be_focused()


def test_a_tapped_button_turns_until_the_bot_has_answered(sandbox: Process, bot: MiniBot, opened: Opened) -> None:
    """An answer without a text is an answer too."""
    bot.may_answer.clear()
    yesenia = phone(opened(), sandbox.person())
    write(yesenia, "/tarjeta")
    slow = yesenia.get_by_role("button", name="Lento")

    slow.click()

    expect(slow).to_have_attribute("aria-busy", "true")
    expect(slow.locator(".spinner")).to_be_visible()
    bot.may_answer.set()
    expect(slow).to_have_attribute("aria-busy", "false")


def test_an_alert_waits_to_be_read(sandbox: Process, opened: Opened) -> None:
    """It covers its own phone alone, takes the focus, gives it back to the button, and does not come twice."""
    page = opened()
    yesenia, rafael = phone(page, sandbox.person()), phone(page, sandbox.person("Rafael Peña"))
    write(yesenia, "/tarjeta")

    yesenia.get_by_role("button", name="Cerrar", exact=True).click()

    alert = page.get_by_role("alertdialog")
    expect(alert).to_contain_text("El período está cerrado.")
    expect(alert.get_by_role("button")).to_be_focused()
    expect(rafael.get_by_role("textbox")).to_be_enabled()
    page.keyboard.press("Enter")
    expect(alert).to_have_count(0)
    expect(yesenia.get_by_role("button", name="Cerrar", exact=True)).to_be_focused()
    page.reload()
    expect(last(yesenia)).to_contain_text("¿Qué la está frenando?")
    expect(alert).to_have_count(0)


def test_one_corrects_ones_own_message(sandbox: Process, opened: Opened) -> None:
    """By its menu or with the arrow key; Esc leaves everything as it was; the bot hears of the edit."""
    page = opened()
    yesenia = phone(page, sandbox.person())
    write(yesenia, "12 8 3")
    expect(last(yesenia)).to_contain_text("Eco: 12 8 3")
    box = yesenia.get_by_role("textbox")

    box.press("ArrowUp")
    expect(box).to_have_value("12 8 3")
    box.press("Escape")
    expect(box).to_have_value("")
    yesenia.locator("article.own").hover()
    yesenia.locator("article.own").get_by_role("button", name="Opciones del mensaje").click()
    page.get_by_role("menuitem", name="Editar").click()
    write(yesenia, "12 8 3 4")

    expect(yesenia.locator("article.own .text")).to_have_text("12 8 3 4")
    expect(yesenia.locator("article.own .edited")).to_have_text("editado")
    expect(last(yesenia)).to_contain_text("Corregido: 12 8 3 4")


def test_messages_are_shown_as_text_with_their_entities(sandbox: Process, opened: Opened) -> None:
    """Offsets count UTF-16 units (a flag before the bold word); words that look like markup stay words."""
    page = opened()
    yesenia = phone(page, sandbox.person())

    write(yesenia, "/formato")

    text = last(yesenia).locator(".text")
    expect(text.locator("strong")).to_have_text("MINERD")
    expect(text.locator("code")).to_have_text("1.2.3")
    expect(text.locator("blockquote")).to_have_text("48 docentes")
    expect(text).to_contain_text("<img src=x onerror=alert(1)>")
    expect(text.locator("img, script")).to_have_count(0)
    hidden = text.locator(".spoiler-text")
    expect(hidden).to_have_css("visibility", "hidden")
    text.get_by_role("button", name="Texto oculto").press("Enter")
    expect(hidden).to_have_css("visibility", "visible")


def test_a_moment_is_shown_in_the_phones_zone(sandbox: Process, opened: Opened) -> None:
    """1538784000 is Saturday in London and still Friday in Santo Domingo, wherever the browser is."""
    yesenia = phone(opened(timezone_id="Asia/Tokyo"), sandbox.person())

    write(yesenia, "/formato")

    expect(last(yesenia).locator(".text time")).to_have_text("viernes, 5 de octubre de 2018")


def test_commands_are_a_menu(sandbox: Process, opened: Opened) -> None:
    """The commands the bot has set, with their descriptions; choosing one sends it."""
    page = opened()
    yesenia = phone(page, sandbox.person())

    yesenia.get_by_role("button", name="Comandos del bot").click()
    expect(page.get_by_role("menuitem")).to_have_text(["/pendientesLo que vence", "/tarjetaUna tarjeta"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    expect(last(yesenia)).to_contain_text("¿Qué la está frenando?")


def test_commands_are_offered_while_a_slash_is_typed(sandbox: Process, opened: Opened) -> None:
    """They narrow with each letter; an arrow chooses; without one, Enter sends what was typed, Esc puts them away."""
    page = opened()
    yesenia = phone(page, sandbox.person())
    box, offered = yesenia.get_by_role("textbox"), yesenia.get_by_role("option")
    expect(yesenia.get_by_role("button", name="Comandos del bot")).to_be_visible()  # the phone has learnt them

    box.press_sequentially("/")
    expect(offered).to_have_count(2)
    box.press_sequentially("t")
    expect(offered).to_have_text(["/tarjetaUna tarjeta"])
    box.press("ArrowDown")
    expect(offered).to_have_attribute("aria-selected", "true")
    assert box.get_attribute("aria-activedescendant") == offered.get_attribute("id")
    box.press("Enter")
    expect(last(yesenia)).to_contain_text("¿Qué la está frenando?")
    expect(box).to_have_value("")

    box.press_sequentially("/p")
    box.press("Escape")
    expect(offered).to_have_count(0)
    box.press("Enter")
    expect(last(yesenia)).to_contain_text("Eco: /p")


def test_a_message_is_answered_as_a_reply(sandbox: Process, opened: Opened) -> None:
    """When the person wants it (menu), and when the bot asks for it (ForceReply); the quote is shown, Esc gives up."""
    page = opened()
    yesenia = phone(page, sandbox.person())
    box = yesenia.get_by_role("textbox")
    write(yesenia, "/preguntar")

    expect(yesenia.locator(".edit-strip")).to_contain_text("Responder a¿Cuántas personas?")
    expect(box).to_have_attribute("placeholder", "Un número")
    write(yesenia, "12")
    expect(last(yesenia)).to_contain_text("Sobre «¿Cuántas personas?»: 12")
    expect(yesenia.locator("article.own .reply").last).to_have_text("¿Cuántas personas?")
    expect(yesenia.locator(".edit-strip")).to_be_hidden()

    last(yesenia).hover()
    last(yesenia).get_by_role("button", name="Opciones del mensaje").click()
    page.get_by_role("menuitem", name="Responder").click()
    expect(yesenia.locator(".edit-strip")).to_contain_text("Sobre «¿Cuántas personas?»: 12")
    box.press("Escape")
    expect(yesenia.locator(".edit-strip")).to_be_hidden()


def test_reactions_of_both_sides_are_drawn(sandbox: Process, bot: MiniBot, opened: Opened) -> None:
    """The bot's under the message; the person's from the message's menu, taken back by pressing it."""
    page = opened()
    person = sandbox.person()
    yesenia = phone(page, person)
    number = bot.say(person, "Recibo n.º 14")["message_id"]
    bot.call("setMessageReaction", chat_id=person, message_id=number, reaction=[{"type": "emoji", "emoji": "🎉"}])
    expect(yesenia.get_by_role("img", name="Reacción de Bot: 🎉")).to_be_visible()

    last(yesenia).hover()
    last(yesenia).get_by_role("button", name="Opciones del mensaje").click()
    page.get_by_role("menuitemcheckbox", name="Reaccionar con 🙏").click()

    own = last(yesenia).get_by_role("button", name="Reacción de Yesenia Almánzar: 🙏")
    expect(own).to_be_visible()
    own.click()
    expect(own).to_have_count(0)
    expect(yesenia.get_by_role("img", name="Reacción de Bot: 🎉")).to_be_visible()


def test_ticks_say_whether_the_bot_has_it(opened: Opened, browser: Browser) -> None:
    """One while Telegram keeps it, and after a moment a line says so; two once the bot has fetched it."""
    with sandbox_process() as fresh:
        page = opened(fresh.url)
        yesenia = phone(page, fresh.person())
        write(yesenia, "¿Está ahí?")

        expect(yesenia.locator(".ticks")).to_have_attribute("aria-label", "Lo tiene Telegram; el bot todavía no")
        expect(yesenia.locator(".wait-note")).to_contain_text("1 mensaje en espera")
        bot = MiniBot(fresh)
        bot.start()

        expect(yesenia.locator(".ticks")).to_have_attribute("aria-label", "El bot lo recogió")
        expect(yesenia.locator(".wait-note")).to_be_hidden()
        expect(last(yesenia)).to_contain_text("Eco: ¿Está ahí?")
        bot.is_over.set()
        bot.join(PATIENCE)


def test_what_the_bot_changes_is_seen_to_change(sandbox: Process, bot: MiniBot, opened: Opened) -> None:
    """An edited card lights up, a deleted message is gone, and what the bot is busy with stands in the head."""
    page = opened()
    person = sandbox.person()
    yesenia = phone(page, person)
    number = bot.say(person, "Uno")["message_id"]
    doomed = bot.say(person, "Dos")["message_id"]
    expect(yesenia.locator("article")).to_have_count(2)

    bot.call("editMessageText", chat_id=person, message_id=number, text="Uno y medio")
    bot.call("deleteMessage", chat_id=person, message_id=doomed)
    bot.call("sendChatAction", chat_id=person, action="upload_document")

    expect(yesenia.locator("article")).to_have_count(1)
    expect(yesenia.locator("article")).to_have_class(re.compile("changed"))
    expect(yesenia.locator("article")).to_contain_text("Uno y medio")
    expect(yesenia.locator(".bot-state")).to_have_text("enviando un archivo…")


# ---------------------------------------------------------------- files and places
def attach(page: Page, phone: Locator, item: str, *files: tuple[str, str, bytes]) -> None:
    phone.get_by_role("button", name="Adjuntar").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("menuitem", name=item).click()
    payloads: list[FilePayload] = [{"name": name, "mimeType": mime, "buffer": data} for name, mime, data in files]
    chooser.value.set_files(payloads)


def test_a_document_keeps_its_name_and_its_bytes(sandbox: Process, opened: Opened) -> None:
    """Name with ñ, size as sent, and it can be downloaded again from the chat."""
    page = opened()
    yesenia = phone(page, sandbox.person())

    attach(page, yesenia, "Archivo", ("Acta de señalización.pdf", "application/pdf", b"%PDF-1.4 enlace"))
    expect(yesenia.locator(".tray")).to_contain_text("Acta de señalización.pdf")
    yesenia.get_by_role("button", name="Enviar", exact=True).click()

    expect(last(yesenia)).to_contain_text("Archivo: Acta de señalización.pdf 15")
    with page.expect_download() as download:
        yesenia.get_by_role("link", name="Acta de señalización.pdf").click()
    assert download.value.path().read_bytes() == b"%PDF-1.4 enlace"


def test_several_photos_make_one_album(sandbox: Process, opened: Opened) -> None:
    """What stands in the text box is the caption; the album is one bubble."""
    page = opened()
    yesenia = phone(page, sandbox.person())

    attach(page, yesenia, "Foto o video", ("a.png", "image/png", PNG), ("b.png", "image/png", PNG))
    write(yesenia, "Taller del martes")

    expect(yesenia.locator("article.own")).to_have_count(1)
    expect(yesenia.locator("article.own img")).to_have_count(2)
    expect(yesenia.locator("article.own .text")).to_have_text("Taller del martes")
    expect(yesenia.get_by_text("Foto: Taller del martes")).to_be_visible()
    yesenia.locator("article.own img").first.click()
    expect(page.get_by_role("dialog", name="Foto")).to_be_visible()


def test_a_picture_can_be_sent_uncompressed(sandbox: Process, opened: Opened) -> None:
    """The tray's box decides between a photo and a file."""
    page = opened()
    yesenia = phone(page, sandbox.person())

    attach(page, yesenia, "Foto o video", ("mapa.png", "image/png", PNG))
    yesenia.get_by_role("checkbox", name="Enviar como foto").uncheck()
    yesenia.get_by_role("button", name="Enviar", exact=True).click()

    expect(last(yesenia)).to_contain_text(f"Archivo: mapa.png {len(PNG)}")


def test_a_place_is_sent_when_the_bot_asks_for_it(sandbox: Process, opened: Opened) -> None:
    """The bot's own keyboard opens the same dialog as the attach menu; Santo Domingo is proposed."""
    page = opened()
    yesenia = phone(page, sandbox.person())
    write(yesenia, "/teclado")

    yesenia.get_by_role("button", name="Mi ubicación").click()
    expect(page.get_by_role("dialog")).to_contain_text("El bot pide la ubicación de Yesenia Almánzar.")
    page.get_by_role("button", name="Enviar ubicación").click()
    expect(last(yesenia)).to_contain_text("Lugar: 18.49")
    expect(yesenia.get_by_role("img", name="Ubicación: 18.48610, -69.93120")).to_be_visible()
    expect(yesenia.locator("article.own .map .pin")).to_be_visible()

    yesenia.get_by_role("button", name="Adjuntar").click()
    page.get_by_role("menuitem", name="Ubicación").click()
    page.get_by_text("Dajabón").click()
    page.get_by_role("button", name="Enviar ubicación").click()
    expect(last(yesenia)).to_contain_text("Lugar: 19.55")


def test_keys_of_the_bots_keyboard_are_answers(sandbox: Process, opened: Opened) -> None:
    """A plain key sends its text; the keyboard can be put away and taken out again."""
    yesenia = phone(opened(), sandbox.person())
    write(yesenia, "/teclado")

    yesenia.get_by_role("button", name="Omitir").click()

    expect(last(yesenia)).to_contain_text("Eco: Omitir")
    yesenia.get_by_role("button", name="Ocultar el teclado").click()
    expect(yesenia.get_by_role("button", name="Omitir")).to_be_hidden()
    yesenia.get_by_role("button", name="Mostrar el teclado").click()
    expect(yesenia.get_by_role("button", name="Omitir")).to_be_visible()


# ---------------------------------------------------------------- the first time, and going away
def test_a_person_begins_with_start(sandbox: Process, opened: Opened) -> None:
    """No text box before Start, as on a real phone; afterwards it is there."""
    yesenia = phone(opened(), sandbox.person(started=False))
    expect(yesenia.get_by_role("textbox")).to_have_count(0)
    expect(yesenia).to_contain_text("Pulse Iniciar")

    yesenia.get_by_role("button", name="Iniciar").click()

    expect(last(yesenia)).to_contain_text("Eco: /start")
    expect(yesenia.get_by_role("textbox")).to_be_visible()


def test_an_invitation_opens_on_the_phone_it_is_meant_for(sandbox: Process, opened: Opened) -> None:
    """The link is in the admin's chat; the page asks whose phone follows it."""
    page = opened()
    admin = phone(page, sandbox.person("Marie-Ange Joseph"))
    guest_number = sandbox.person("Wilfredo Báez", started=False)
    write(admin, "/invitar")

    admin.get_by_role("link", name="start=K7Q2M9").click()
    page.get_by_role("dialog").get_by_role("button", name="Wilfredo Báez").click()

    expect(last(phone(page, guest_number))).to_contain_text("Eco: /start K7Q2M9")


def test_whoever_blocks_the_bot_gets_nothing(sandbox: Process, bot: MiniBot, opened: Opened) -> None:
    """The bot is refused with 403, the phone says why it is silent, and unblocking is one press."""
    page = opened()
    person = sandbox.person()
    yesenia = phone(page, person)
    write(yesenia, "Hola")
    expect(last(yesenia)).to_contain_text("Eco: Hola")

    yesenia.get_by_role("button", name="Opciones del teléfono").click()
    page.get_by_role("menuitemcheckbox", name="Bloquear el bot").click()
    expect(yesenia).to_contain_text("bloqueó el bot")
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        bot.say(person, "¿Me lee?")
    refused.value.close()
    yesenia.get_by_role("button", name="Desbloquear").click()

    expect(yesenia.get_by_role("textbox")).to_be_visible()
    bot.say(person, "Bienvenida otra vez")
    expect(last(yesenia)).to_contain_text("Bienvenida otra vez")


# ---------------------------------------------------------------- the bar
def test_the_clock_is_moved_from_the_bar(opened: Opened, browser: Browser) -> None:
    """An hour, a day, the next Monday 08:30 and any later moment, in Santo Domingo's time, on bar and phones."""
    with sandbox_process() as fresh:
        page = opened(fresh.url, timezone_id="Europe/Madrid")
        yesenia = phone(page, fresh.person())
        now = page.locator(".now")
        expect(now).to_contain_text("miércoles, 3 de octubre de 2018")
        expect(now).to_contain_text("08:00:")

        page.get_by_role("button", name="+1 h").click()
        expect(now).to_contain_text("09:00:")
        page.get_by_role("button", name="+1 día").click()
        expect(now).to_contain_text("jueves, 4 de octubre")
        page.get_by_role("button", name="Lunes 08:30").click()
        expect(now).to_contain_text(re.compile("lunes, 8 de octubre de 2018 ?08:30:0"))
        page.get_by_role("button", name="Lunes 08:30").click()
        expect(now).to_contain_text("lunes, 15 de octubre de 2018")
        page.get_by_label("Ir a esta fecha y hora").fill("2018-12-24T18:45")
        page.get_by_role("button", name="Ir", exact=True).click()
        expect(now).to_contain_text(re.compile("lunes, 24 de diciembre de 2018 ?18:45:0"))
        expect(yesenia.locator(".status-time")).to_have_text("18:45")

        page.get_by_label("Ir a esta fecha y hora").fill("2018-11-01T08:00")
        page.get_by_role("button", name="Ir", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("solo avanza")


def test_switches_reach_the_sandbox(sandbox: Process, bot: MiniBot, opened: Opened) -> None:
    """Telegram down, slow network and limits; a message written meanwhile is answered when Telegram is back."""
    page = opened()
    yesenia = phone(page, sandbox.person())
    down = page.get_by_role("switch", name="Telegram caído")

    limits, network = page.get_by_role("switch", name="Límites de envío"), page.get_by_role("combobox", name="Red")

    try:
        down.check()
        network.select_option(label="lenta, 0,3 s")
        limits.check()
        expect(network).to_have_value("0.3")
        write(yesenia, "¿Está ahí?")
        expect(last(yesenia)).to_contain_text("¿Está ahí?")
        state = api(sandbox.url, "/sandbox/state")
        limits.uncheck()
        network.select_option(label="normal")
        down.uncheck()
        expect(down).not_to_be_checked()
    finally:
        api(sandbox.url, "/sandbox/switches", {"down": False, "latency": 0, "limits": False})

    assert (state["down"], state["latency"], state["limits"]) == (True, 0.3, True)
    expect(last(yesenia)).to_contain_text("Eco: ¿Está ahí?")


def test_the_bar_says_whether_the_bot_is_there(opened: Opened, bot: MiniBot, sandbox: Process) -> None:
    """Polling, or not seen yet; without a supervisor there is nothing to kill or start."""
    page = opened()
    expect(page.locator(".bot-status")).to_have_text("Bot conectado (polling)")
    expect(page.locator(".supervisor button")).to_have_count(0)

    with sandbox_process() as fresh:
        lonely = opened(fresh.url)
        expect(lonely.locator(".bot-status")).to_have_text("El bot aún no se ha conectado")


def test_the_bot_is_killed_and_started_where_a_supervisor_offers_it(bot: MiniBot, opened: Opened) -> None:
    """The buttons say what the supervisor says; restarting is killing, then starting."""
    page = opened()
    orders = supervised(page)
    with page.expect_response(lambda response: "start" in (response.request.post_data or "")):
        page.get_by_role("button", name="Reiniciar bot").click()
    page.get_by_role("button", name="Matar bot").click()

    expect(page.locator(".bot-status")).to_contain_text("Bot detenido")
    page.get_by_role("button", name="Arrancar bot").click()
    expect(page.locator(".bot-status")).to_contain_text("Bot conectado")
    assert orders == ["kill", "start", "kill", "start"]


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


def test_the_clock_goes_to_the_moments_of_the_plan(opened: Opened, browser: Browser) -> None:
    """Those still to come, each with its day; one that has passed is no longer offered; the zone is written."""
    with sandbox_process() as fresh:
        page = opened(fresh.url)
        moments = [{"name": "due", "at": 1538744400}, {"name": "locks", "at": 1539576000},
                   {"name": "opening", "at": 1541077200}]  # fmt: skip
        supervised(page, figures=None, moments=moments)
        offered = page.locator(".moments button")
        expect(offered).to_have_text(["Vence5 oct", "Cierra15 oct", "Abre1 nov"])
        expect(page.locator(".now .zone")).to_have_text("Santo Domingo, UTC−4")

        page.get_by_role("button", name="Cierra").click()

        expect(page.locator(".now")).to_contain_text(re.compile("lunes, 15 de octubre de 2018 ?00:00:0"))
        expect(offered).to_have_text(["Abre1 nov"])


def test_each_fault_says_what_to_look_for(sandbox: Process, opened: Opened) -> None:
    """In a line below the bar while it lasts: Telegram down, slow network, a block, the bot killed."""
    page = opened()
    person = sandbox.person("Miguelina Rosario")
    supervised(page)
    hints = page.locator("#hints")
    expect(phone(page, person)).to_be_visible()
    expect(hints).to_be_hidden()
    try:
        page.get_by_role("switch", name="Telegram caído").check()
        expect(hints).to_contain_text("el bot no alcanza a Telegram")
        expect(phone(page, person).locator(".wait-note")).to_contain_text("El bot no alcanza a Telegram")
        page.get_by_role("combobox", name="Red").select_option(label="lenta, 0,3 s")
        expect(hints).to_contain_text("cada llamada del bot tarda 0,3 s")
    finally:
        api(sandbox.url, "/sandbox/switches", {"down": False, "latency": 0})
    api(sandbox.url, f"/sandbox/chats/{person}/block", {})
    expect(hints).to_have_text(re.compile("^Qué mirar: Miguelina Rosario bloqueó el bot"))
    page.get_by_role("button", name="Matar bot").click()
    expect(hints).to_contain_text("el bot está apagado, Telegram no")
    api(sandbox.url, f"/sandbox/chats/{person}/unblock", {})


# ---------------------------------------------------------------- what the bot did
def test_the_panel_puts_updates_and_calls_together(sandbox: Process, bot: MiniBot, opened: Opened) -> None:
    """Who did what, what the bot called because of it and how that ended; never the words, which are on the phones."""
    page = opened()
    person = sandbox.person("Altagracia Polanco")
    altagracia = phone(page, person)
    page.get_by_role("button", name="Qué hizo el bot").click()
    panel = page.get_by_role("complementary", name="Qué hizo el bot")
    events = panel.locator(".event").filter(has_text="Altagracia Polanco")

    write(altagracia, "/tarjeta")
    expect(events.first).to_contain_text("envió un mensaje")
    expect(events.first.locator(".call")).to_contain_text(["envió un mensaje sendMessage"])
    altagracia.get_by_role("button", name="Presupuesto").click()
    expect(events.first).to_contain_text("tocó un botón")
    expect(events.first.locator(".call")).to_contain_text(["cambió su tarjeta", "contestó el toque"])

    api(sandbox.url, f"/sandbox/chats/{person}/block", {})
    with pytest.raises(urllib.error.HTTPError) as refused:
        bot.say(person, "Secreto de Altagracia")
    refused.value.close()
    expect(panel.locator(".call.bad").first).to_contain_text("rechazado, 403: Forbidden: bot was blocked by the user")
    expect(panel).not_to_contain_text("Secreto")
    expect(panel).not_to_contain_text("frenando")
    expect(panel.locator(".numbers")).to_be_hidden()


def test_the_panel_counts_where_somebody_counts(sandbox: Process, opened: Opened) -> None:
    """Updates, commits, units per commit, fires, and the outbox by state; in the page's language."""
    page = opened()
    counted = {"updates": 1500, "commits": 400, "units": 1000, "fires": 3, "queued": 1, "sending": 2, "sent": 900,
               "retried": 4, "ambiguous": 0, "undeliverable": 5}  # fmt: skip
    supervised(page, figures=counted, moments=[])
    page.get_by_role("button", name="Qué hizo el bot").click()
    figures = page.locator(".figure dd")

    expect(figures).to_have_text(["1500", "400", "2,5", "3", "1", "2", "900", "4", "0", "5"])
    page.get_by_role("button", name="English").click()
    expect(figures.first).to_have_text("1,500")
    expect(page.locator(".figure").nth(2)).to_have_text("units per commit2.5", use_inner_text=False)
    page.get_by_role("complementary").get_by_role("button", name="Close").click()
    expect(page.get_by_role("button", name="What the bot did")).to_be_focused()


def test_the_tour_is_offered_only_where_it_can_be_taken(sandbox: Process, opened: Opened) -> None:
    """A sandbox alone has neither the tour's people nor a bot to kill; the table itself is whole in both languages."""
    page = opened()
    expect(phone(page, sandbox.person())).to_be_visible()
    expect(page.get_by_role("button", name="Recorrido")).to_be_hidden()
    expect(page.locator("#tour")).to_be_hidden()

    steps = page.evaluate(
        "import('/page/steps.js').then(({ STEPS }) => STEPS.map(({ name, es, en }) => [name, es, en]))"
    )

    assert len({name for name, _, _ in steps}) == len(steps) == 13
    assert all(len(words) == 3 and all(words) for _, es, en in steps for words in (es, en))


def test_an_empty_sandbox_says_so_and_lends_a_phone(opened: Opened, browser: Browser) -> None:
    """No one enrolled: a sentence and a button; the new phone appears and can begin."""
    with sandbox_process() as fresh:
        page = opened(fresh.url)
        expect(page.get_by_role("heading", name="Aún no hay nadie inscrito")).to_be_visible()

        page.locator(".nobody").get_by_role("button", name="Agregar persona").click()
        page.get_by_label("Nombre").fill("Rafael Peña")
        page.get_by_label("Cargo").fill("Coordinación, CITIM")
        page.get_by_label("Nombre").press("Enter")

        rafael = page.get_by_role("region", name="Teléfono de Rafael Peña")
        expect(rafael).to_contain_text("Coordinación, CITIM")
        expect(rafael.locator(".avatar").first).to_have_text("RP")
        expect(rafael.get_by_role("button", name="Iniciar")).to_be_visible()
        expect(page.get_by_text("Aún no hay nadie inscrito")).to_have_count(0)


# ---------------------------------------------------------------- while things happen
def test_a_live_update_takes_neither_words_nor_focus(sandbox: Process, bot: MiniBot, opened: Opened) -> None:
    """Half a sentence and the caret in it survive messages, edits, a moved clock; the words even a reload."""
    page = opened()
    person = sandbox.person()
    box = phone(page, person).get_by_role("textbox")
    box.press_sequentially("El taller fue ")
    box.press("ArrowLeft")

    card = bot.say(person, CARD, reply_markup=keyboard("☐"))
    bot.call("editMessageText", chat_id=person, message_id=card["message_id"], text=CARD, reply_markup=keyboard("☑"))
    api(sandbox.url, "/sandbox/clock", {"by": 60})
    sandbox.person("Otra persona")

    expect(phone(page, person).locator("article.bot .edited")).to_be_visible()
    expect(page.get_by_role("region", name="Teléfono de Otra persona")).to_be_attached()
    expect(box).to_be_focused()
    assert box.evaluate("box => box.selectionStart") == len("El taller fue")
    page.reload()
    expect(phone(page, person).get_by_role("textbox")).to_have_value("El taller fue ")


def test_who_reads_further_up_is_not_pulled_down(sandbox: Process, bot: MiniBot, opened: Opened) -> None:
    """At the end, the list follows; further up it stays, counts what has come, and one press leads there."""
    person = sandbox.person()
    for number in range(30):
        bot.say(person, f"Mensaje {number}\n" * 3)
    page = opened()  # only now: what comes in a burst to an open page is shown from its top
    yesenia = phone(page, person)
    expect(last(yesenia)).to_contain_text("Mensaje 29")
    page.wait_for_function("id => { const log = document.querySelector(`#phone-${id} .log`);"
                           "return log.scrollHeight - log.scrollTop - log.clientHeight < 4 }", arg=person)  # fmt: skip

    yesenia.get_by_role("log").hover()
    page.mouse.wheel(0, -600)
    expect(yesenia.get_by_role("button", name="Ir al último mensaje")).to_be_visible()
    before = yesenia.get_by_role("log").evaluate("log => log.scrollTop")
    bot.say(person, "Uno más")
    jump = yesenia.get_by_role("button", name="1 mensajes nuevos")
    expect(jump).to_be_visible()
    assert yesenia.get_by_role("log").evaluate("log => log.scrollTop") == before
    jump.click()

    expect(jump).to_be_hidden()
    wait_until(lambda: is_at_end(yesenia), "the list has rolled to its end")


def test_the_page_finds_the_sandbox_again(opened: Opened, browser: Browser) -> None:
    """When the sandbox is gone the page says so; when it is back, the page shows it as it is now."""
    with sandbox_process() as fresh:
        page = opened(fresh.url)
        fresh.person()
        expect(page.get_by_role("heading", name="Yesenia Almánzar")).to_be_visible()

        fresh.kill()
        expect(page.get_by_text("Sin conexión con el sandbox")).to_be_visible()
        fresh.start()

        expect(page.get_by_text("Sin conexión con el sandbox")).to_be_hidden(timeout=PATIENCE * 1000)
        expect(page.get_by_role("heading", name="Aún no hay nadie inscrito")).to_be_visible()


# ---------------------------------------------------------------- how it looks and who can use it
def brightness(page: Page) -> float:
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(float(part) for part in re.findall(r"[\d.]+", colour)[:3]) / 3


def test_the_page_is_dark_where_the_system_is(opened: Opened, sandbox: Process) -> None:
    """The system decides, until somebody chooses; the choice is remembered."""
    dark, light = opened(color_scheme="dark"), opened(color_scheme="light")
    assert brightness(dark) < 60
    assert brightness(light) > 200

    light.get_by_role("button", name="Aspecto: según el sistema").click()
    light.get_by_role("button", name="Aspecto: claro").click()

    expect(light.get_by_role("button", name="Aspecto: oscuro")).to_be_focused()
    assert brightness(light) < 60
    light.reload()
    expect(light.get_by_role("button", name="Aspecto: oscuro")).to_be_visible()
    assert brightness(light) < 60


def test_the_keyboard_alone_is_enough(opened: Opened, browser: Browser) -> None:
    """From Start to a tapped button with Tab, Enter, arrows and Esc; the focus is always to be seen."""
    with sandbox_process() as fresh:
        bot = MiniBot(fresh)
        bot.start()
        page = opened(fresh.url)
        yesenia = phone(page, fresh.person(started=False))
        expect(yesenia.get_by_role("button", name="Iniciar")).to_be_visible()

        def tab_to(name: str, key: str = "Tab") -> None:
            for _ in range(60):
                page.keyboard.press(key)
                label = page.evaluate("(document.activeElement.ariaLabel ?? document.activeElement.innerText)")
                if name in label:
                    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
                    return
            raise AssertionError(f"Tab never reaches {name}")

        tab_to("Iniciar")
        page.keyboard.press("Enter")
        expect(last(yesenia)).to_contain_text("Eco: /start")
        expect(yesenia.get_by_role("textbox")).to_be_focused()
        page.keyboard.type("/tarjeta")
        page.keyboard.press("Enter")
        expect(last(yesenia)).to_contain_text("¿Qué la está frenando?")
        tab_to("Presupuesto", "Shift+Tab")
        page.keyboard.press("Enter")
        expect(yesenia.get_by_role("button", name="☑ Presupuesto")).to_be_focused()
        tab_to("Adjuntar")
        page.keyboard.press("Enter")
        expect(page.get_by_role("menu")).to_be_visible()
        page.keyboard.press("End")
        expect(page.get_by_role("menuitem", name="Mi contacto")).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.get_by_role("menu")).to_have_count(0)
        expect(yesenia.get_by_role("button", name="Adjuntar")).to_be_focused()
        bot.is_over.set()
        bot.join(PATIENCE)


def test_an_older_state_that_comes_late_does_not_shut_a_phone(sandbox: Process, opened: Opened) -> None:
    """The state is read, the bot is started, and only then the state arrives: who has started can write."""
    page = opened()
    yesenia = phone(page, sandbox.person(started=False))
    expect(yesenia.get_by_role("button", name="Iniciar")).to_be_visible()
    held: list[tuple[Route, APIResponse]] = []
    page.route("**/sandbox/state", lambda route: held.append((route, route.fetch())))
    with page.expect_request("**/sandbox/state"):
        another = sandbox.person("Zoila Reyes")

    yesenia.get_by_role("button", name="Iniciar").click()
    expect(last(yesenia)).to_contain_text("Eco: /start")
    route, response = held[0]
    route.fulfill(response=response)

    expect(phone(page, another)).to_be_visible()
    expect(yesenia.get_by_role("textbox")).to_be_visible()
    expect(yesenia.get_by_role("button", name="Iniciar")).to_be_hidden()


def test_on_a_narrow_screen_one_phone_at_a_time(sandbox: Process, bot: MiniBot, opened: Opened) -> None:
    """390 pixels: names to choose by, a count of what came on the others, nothing wider than the screen."""
    first, second = sandbox.person("Ana Díaz"), sandbox.person("Luis Gil")
    page = opened(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    names = page.get_by_role("navigation", name="Teléfonos")
    names.get_by_role("button", name="Ana Díaz").click()
    expect(phone(page, first)).to_be_visible()
    expect(phone(page, second)).to_be_hidden()

    bot.say(second, "Hola, Luis")
    expect(names.get_by_role("button", name="Luis Gil").locator(".badge")).to_have_text("1")
    names.get_by_role("button", name="Luis Gil").click()

    expect(phone(page, second)).to_contain_text("Hola, Luis")
    expect(phone(page, first)).to_be_hidden()
    expect(names.get_by_role("button", name="Luis Gil").locator(".badge")).to_have_count(0)
    write(phone(page, second), "/tarjeta")
    phone(page, second).get_by_role("button", name="Presupuesto").click()
    expect(phone(page, second).get_by_role("button", name="☑ Presupuesto")).to_be_visible()
    page.get_by_role("button", name="Ajustes del sandbox").click()
    expect(page.get_by_role("switch", name="Telegram caído")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_on_a_narrow_screen_the_panel_is_a_sheet(sandbox: Process, opened: Opened) -> None:
    """It covers the phone, is no wider than the screen, and goes away by its own button."""
    sandbox.person()
    page = opened(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    expect(page.locator(".phone.current")).to_be_visible()
    page.get_by_role("button", name="Qué hizo el bot").click()
    panel = page.get_by_role("complementary")

    box = panel.bounding_box()
    assert box is not None
    assert (box["x"], box["width"], box["height"]) == (0, 390, 844)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    panel.get_by_role("button", name="Cerrar").click()
    expect(panel).to_be_hidden()


def test_every_control_has_a_name(sandbox: Process, opened: Opened) -> None:
    """A screen reader says what each button and box is for; messages are announced as they come."""
    page = opened()
    yesenia = phone(page, sandbox.person())
    write(yesenia, "/tarjeta")
    expect(last(yesenia)).to_contain_text("¿Qué la está frenando?")

    nameless = page.evaluate("""() => [...document.querySelectorAll('button, input, select, textarea, a[href]')]
        .filter((each) => each.type !== 'file' && !each.ariaLabel && !each.innerText?.trim() && !each.labels?.length)
        .map((each) => each.outerHTML)""")

    assert nameless == []
    expect(yesenia.get_by_role("log")).to_have_attribute("aria-live", "polite")


def test_a_screen_reader_finds_its_way(sandbox: Process, opened: Opened) -> None:
    """Landmarks with names, one heading per phone, and the first Tab leads past the bar to the phones."""
    page = opened()
    expect(phone(page, sandbox.person())).to_be_visible()

    expect(page.get_by_role("banner")).to_be_visible()
    expect(page.get_by_role("main", name="Teléfonos")).to_be_visible()
    expect(page.get_by_role("region", name="Teléfono de Yesenia Almánzar").first.get_by_role("heading")).to_have_count(
        1
    )
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Saltar a los teléfonos")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('#phones').contains(document.activeElement)")


# Text on a plain ground, how much lighter or darker than it; letters on pictures and patterns are left out.
PALE = """() => {
  const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const scale = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * scale(r) + 0.7152 * scale(g) + 0.0722 * scale(b);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const { backgroundColor, backgroundImage } = getComputedStyle(at);
      const colour = parse(backgroundColor);
      if (backgroundImage !== "none") return null;
      if (colour.length === 3 || colour[3] === 1) return colour;
      if (colour[3] > 0) return null;
    }
    return null;
  };
  const said = [...document.querySelectorAll("body *")].filter((each) => each.offsetParent && !each.disabled
    && [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  return said.flatMap((each) => {
    const behind = ground(each);
    if (!behind) return [];
    const [a, b] = [light(parse(getComputedStyle(each).color)), light(behind)].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    const words = `${contrast.toFixed(2)} ${each.className || each.tagName}: ${each.textContent.trim()}`;
    return contrast < 4.5 ? [words] : [];
  });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(sandbox: Process, opened: Opened, scheme: str) -> None:
    """4.5 to 1 (WCAG 1.4.3, AA), in both themes, with the panel open and a fault on."""
    page = opened(color_scheme=scheme)
    yesenia = phone(page, sandbox.person())
    supervised(page, figures={"updates": 1, "commits": 1, "units": 1, "sent": 1})
    write(yesenia, "/formato")
    expect(last(yesenia)).to_contain_text("MINERD")
    page.get_by_role("button", name="Qué hizo el bot").click()
    page.get_by_role("button", name="Matar bot").click()
    expect(page.locator("#hints")).to_be_visible()
    expect(page.locator(".call").first).to_be_visible()

    assert page.evaluate(PALE) == []


def test_nothing_moves_for_whoever_asked_for_stillness(opened: Opened, sandbox: Process) -> None:
    """prefers-reduced-motion: no animation lasts, no scrolling glides."""
    page = opened(reduced_motion="reduce")
    yesenia = phone(page, sandbox.person(started=False))
    expect(yesenia.locator(".wave")).to_be_visible()

    durations = page.evaluate("document.getAnimations().map((each) => each.effect.getComputedTiming().duration)")

    assert [each for each in durations if each > 1] == []


def test_the_page_speaks_spanish_and_english(sandbox: Process, opened: Opened) -> None:
    """One press changes every word of the page, not those of the chats; the choice is remembered."""
    page = opened()
    yesenia = phone(page, sandbox.person())
    write(yesenia, "Hola")
    expect(last(yesenia)).to_contain_text("Eco: Hola")

    page.get_by_role("button", name="English").click()

    expect(page.get_by_role("button", name="+1 day")).to_be_visible()
    expect(yesenia.get_by_role("button", name="Attach")).to_be_visible()
    expect(yesenia.get_by_role("textbox")).to_have_attribute("placeholder", "Message")
    expect(last(yesenia)).to_contain_text("Eco: Hola")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("button", name="+1 day")).to_be_visible()


def test_both_languages_say_everything() -> None:
    """The same keys in both dictionaries, and every key that the page uses is one of them."""
    words = (SOURCES / "words.js").read_text()
    spanish, english = words.split("\n  en: {\n")
    keys = [set(re.findall(r'^ {4}"([a-z0-9.]+)":', part, re.MULTILINE)) for part in (spanish, english)]
    code = "".join(path.read_text() for path in SOURCES.glob("*.js"))
    used = set(re.findall(r'\bt\("([a-z0-9.]+)"', code))

    assert keys[0] == keys[1]
    assert used - keys[0] == set()


def test_the_page_asks_nobody_but_its_sandbox(sandbox: Process, bot: MiniBot, browser: Browser) -> None:
    """No font, script or map from elsewhere: it works in a room without internet."""
    person = sandbox.person()
    context = browser.new_context(locale="es-DO")
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(sandbox.url)
    write(phone(page, person), "/formato")
    expect(last(phone(page, person))).to_contain_text("MINERD")
    context.close()

    assert [url for url in asked if not url.startswith(sandbox.url)] == []
    assert len(asked) > 10
