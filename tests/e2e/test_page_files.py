"""Files, places and keyboards on the page of phones; the first time, and being blocked."""

import urllib.error
import urllib.request

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.e2e.page import MiniBot, Opened, Process, last, phone, write

pytestmark = pytest.mark.browser

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
    "53de0000000c49444154789c63606060000000040001f61738550000000049454e44ae426082"
)


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
    kept = yesenia.get_by_role("link", name="Acta de señalización.pdf")
    if page.evaluate("navigator.pdfViewerEnabled"):  # then it opens first, with the way to keep it
        kept.click()
        kept = page.locator("dialog.pages").get_by_role("link", name="Acta de señalización.pdf")
    with page.expect_download() as download:
        kept.click()
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
