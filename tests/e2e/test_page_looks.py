"""How the page looks and who can use it: dark, narrow, by keyboard, by screen reader, in two languages."""

import re

import pytest
from playwright.sync_api import APIResponse, Browser, Locator, Page, Route, expect

from conversations.languages import LANGUAGES
from tests.deadlines import PATIENCE, wait_until
from tests.e2e.page import (
    CARD,
    ROOT,
    MiniBot,
    Opened,
    Process,
    api,
    keyboard,
    last,
    phone,
    sandbox_process,
    supervised,
    write,
)

pytestmark = pytest.mark.browser
SOURCES = ROOT / "bot" / "sandbox" / "page"


def is_at_end(phone: Locator) -> bool:
    return bool(phone.get_by_role("log").evaluate("log => log.scrollHeight - log.scrollTop - log.clientHeight < 4"))


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


def test_what_comes_a_moment_apart_is_read_from_its_beginning(sandbox: Process, bot: MiniBot, opened: Opened) -> None:
    """A digest is a picture and a text: the text does not push the picture out of sight."""
    page, person = opened(), sandbox.person()
    yesenia = phone(page, person)
    write(yesenia, "Resumen")
    expect(last(yesenia)).to_contain_text("Eco: Resumen")
    first = yesenia.locator("article.bot").nth(1)
    bot.call("sendLocation", chat_id=person, latitude=18.47, longitude=-69.9)  # a map is a picture too
    expect(first).to_be_visible()
    bot.say(person, "La semana\n" * 40)
    expect(yesenia.locator("article.bot")).to_have_count(3)

    top = "each => each.getBoundingClientRect().top - each.closest('.log').getBoundingClientRect().top"
    assert first.evaluate(top) >= -1

    write(yesenia, "Hola")  # what is new now is the answer
    expect(last(yesenia)).to_contain_text("Eco: Hola")
    assert first.evaluate(top) < 0


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
        expect(page.get_by_text("Sin conexión con el simulador")).to_be_visible()
        fresh.start()

        expect(page.get_by_text("Sin conexión con el simulador")).to_be_hidden(timeout=PATIENCE * 1000)
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
    page.get_by_role("button", name="Ajustes").click()
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
    """Landmarks with names, one heading per phone, and the first Tab leads past the bar to the phones.

    An open menu is in a landmark too (axe: region).
    """
    page = opened()
    person = phone(page, sandbox.person())
    expect(person).to_be_visible()

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
    person.get_by_role("button", name="Adjuntar").click()
    expect(page.get_by_role("main").get_by_role("menu")).to_be_visible()


def test_on_a_narrow_screen_the_page_still_has_its_heading(sandbox: Process, opened: Opened) -> None:
    """360 pixels: it takes no room, and a screen reader begins with it (axe: page-has-heading-one)."""
    sandbox.person()
    page = opened(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    expect(page.locator(".phone.current")).to_be_visible()

    assert page.get_by_role("heading", level=1).count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


SMALL = """() => [...document.querySelectorAll("button, select, summary, textarea, a[href], input")]
  .map((each) => [each.closest("label") ?? each, each])
  .filter(([hit, each]) => each.checkVisibility({ visibilityProperty: true }) && !each.matches(".skip"))
  .map(([hit, each]) => [hit.getBoundingClientRect(), each])
  .filter(([{ width, height }]) => Math.min(width, height) < 44)
  .map(([{ width, height }, each]) => [each.outerHTML.slice(0, 90), width, height])"""


def test_on_a_narrow_screen_a_finger_hits_whatever_can_be_tapped(sandbox: Process, opened: Opened) -> None:
    """44 pixels each way: on the phone, above it, and in what opens there."""
    who = sandbox.person()
    page = opened(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    expect(phone(page, who)).to_be_visible()
    assert page.evaluate(SMALL) == []
    page.locator(".gear").tap()
    assert page.evaluate(SMALL) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


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
    page.get_by_role("button", name="Apagar el bot").click()
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


def test_the_page_speaks_the_language_that_is_chosen(sandbox: Process, opened: Opened) -> None:
    """One choice changes every word of the page, not those of the chats; the choice is remembered."""
    page = opened()
    yesenia = phone(page, sandbox.person())
    write(yesenia, "Hola")
    expect(last(yesenia)).to_contain_text("Eco: Hola")

    page.get_by_label("Idioma de la página").select_option("en")

    expect(page.get_by_role("button", name="+1 day")).to_be_visible()
    expect(yesenia.get_by_role("button", name="Attach")).to_be_visible()
    expect(yesenia.get_by_role("textbox")).to_have_attribute("placeholder", "Message")
    expect(last(yesenia)).to_contain_text("Eco: Hola")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("button", name="+1 day")).to_be_visible()


@pytest.mark.parametrize(
    ("tag", "day", "role"), [("fr-FR", "+1 jour", "Point focal"), ("ht-HT", "+1 jou", "Pwen fokal")]
)
def test_the_page_begins_in_the_language_of_the_browser(
    sandbox: Process, browser: Browser, tag: str, day: str, role: str
) -> None:
    """Every language of the bot is one of the page, and so is what stands above a phone if it came in several."""
    person = sandbox.person(title={"es": "Punto focal", "fr": "Point focal", "ht": "Pwen fokal"})
    context = browser.new_context(locale=tag)
    page = context.new_page()
    page.goto(sandbox.url)
    expect(page.get_by_role("button", name=day, exact=True)).to_be_visible()
    expect(page.locator(f"#phone-{person}").get_by_text(role, exact=True)).to_be_visible()
    context.close()


def test_every_language_says_everything() -> None:
    """The same keys and gaps in each dictionary of the bot's languages; every key that the page uses is one of them."""
    words = [
        re.findall(r'^ {2}"([A-Za-z0-9._]+)": (".*"),$', (SOURCES / f"words.{language}.js").read_text(), re.MULTILINE)
        for language in LANGUAGES
    ]
    keys = [{(key, *sorted(re.findall(r"{\w+}", text))) for key, text in each} for each in words]
    known = {key for key, *_ in keys[0]}
    code = "".join(path.read_text() for path in SOURCES.glob("*.js"))
    used = set(re.findall(r'\bt\("([a-z0-9.]+)"', code))

    assert len(keys) == len(LANGUAGES) == 4
    assert all(each == keys[0] for each in keys)
    assert used - known == set()


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
