"""The page of phones: what is written and tapped on a phone, and what the bot does of it, as Chromium shows it."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.deadlines import PATIENCE
from tests.e2e.page import MiniBot, Opened, Process, last, phone, sandbox_process, write

pytestmark = pytest.mark.browser


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


def test_a_phone_speaks_its_persons_language(sandbox: Process, opened: Opened) -> None:
    """Whatever the page speaks. It is changed with the bot's own command, from the phone or for all phones at once."""
    page = opened()
    yesenia = phone(page, sandbox.person())
    grace = phone(page, sandbox.person("Grace Miller", language_code="en"))
    expect(grace.get_by_role("log")).to_have_attribute("lang", "en")

    yesenia.get_by_role("button", name="Idioma en que el bot le escribe a Yesenia Almánzar").click()
    page.get_by_role("menuitem", name="Kreyòl ayisyen").click()

    expect(last(yesenia)).to_contain_text("Eco: /idioma ht")
    expect(yesenia.get_by_role("log")).to_have_attribute("lang", "ht")
    page.get_by_role("button", name="Teléfonos en español").click()
    for each in (yesenia, grace):
        expect(last(each)).to_contain_text("Eco: /idioma es")
        expect(each.get_by_role("log")).to_have_attribute("lang", "es")


def test_a_white_circle_is_seen_on_white(sandbox: Process, bot: MiniBot, opened: Opened) -> None:
    """⚪ has an edge, in bold too, and the words around it stay as they were written."""
    page = opened()
    person = sandbox.person()
    bot.say(person, "<b>⚪ Por iniciar</b>: 3 ⚪", parse_mode="HTML")
    circles = last(phone(page, person)).locator(".ring")

    expect(circles).to_have_text(["⚪", "⚪"])
    expect(last(phone(page, person)).locator(".text")).to_have_text("⚪ Por iniciar: 3 ⚪")
    for circle in circles.all():
        expect(circle).to_have_css("border-top-color", "rgb(86, 98, 109)")
        expect(circle).to_have_css("background-color", "rgb(255, 255, 255)")


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
    drawn, time = (last(yesenia).locator(each).bounding_box() for each in (".reactions", ".foot"))
    assert drawn is not None
    assert time is not None
    assert drawn["y"] + drawn["height"] <= time["y"], "a reaction covers the time"

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
