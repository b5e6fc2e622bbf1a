"""`make demo` as a stranger meets it: a browser, the phones, no manual.

The browser asks for less motion: what moves is drawn sixty times a second, which was half of what these tests cost.
"""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from conversations.languages import LANGUAGES
from tests.bot.demo.furnished import furnish_demo
from tests.deadlines import PATIENCE, has_ended, wait_until
from tests.e2e.page import CHROMIUM, QUIET, forget
from tests.ports import free_port

BEGINNING_IS_SEEN = """(person) => {
  const log = document.querySelector(`#phone-${person} .log`);
  return [...log.querySelectorAll("article.bot")].at(-1).getBoundingClientRect().top >= log.getBoundingClientRect().top;
}"""

PICTURE_IS_WHOLE = """(person) => {
  const log = document.querySelector(`#phone-${person} .log`);
  return [...log.querySelectorAll(".picture")].at(-1).getBoundingClientRect().height <= log.clientHeight;
}"""

DRAWN: dict[str, Any] = {"locale": "es-DO", "reduced_motion": "reduce", "device_scale_factor": 0.25}
"""Drawn with a sixteenth of the points: nobody looks at them. Whatever is measured is measured at full size."""

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@contextmanager
def demo_process(folder: Path) -> Iterator[str]:
    """The demo in a folder of its own, as `enlace demo` starts it; it furnishes the folder if nobody has."""
    port = free_port()
    with (folder / "demo.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "demo", "--port", str(port)],
            cwd=folder,
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            start_new_session=True,
        )
    address = f"http://127.0.0.1:{port}"

    def has_bot() -> bool:
        try:
            with urllib.request.urlopen(f"{address}/sandbox/state", timeout=PATIENCE) as answer:
                return b'"silent"' not in answer.read()
        except OSError:
            return False

    wait_until(has_bot, "the demo is up", show=(folder / "demo.log").read_text, unless=has_ended(process))
    try:
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise


@pytest.fixture(scope="module")
def demo(chromium: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with demo_process(tmp_path_factory.mktemp("demo")) as address:
        yield address


@pytest.fixture(scope="module")
def chromium() -> None:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"Chromium is not installed at {CHROMIUM}")


@pytest.fixture(scope="module")
def browser(chromium: None) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def only_page(demo: str, browser: Browser) -> Iterator[Page]:
    with browser.new_page(**DRAWN) as page:
        yield page


@pytest.fixture
def page(demo: str, only_page: Page) -> Iterator[Page]:
    """As at the first visit: the page stays, since another one costs a process, but has kept nothing."""
    only_page.set_viewport_size({"width": 1500, "height": 950})
    only_page.set_default_timeout(PATIENCE * 1000)
    expect.set_options(timeout=PATIENCE * 1000)
    forget(only_page, demo)
    only_page.goto(demo)
    yield only_page
    forget(only_page, demo)


class Phone:
    """One phone of the page, used with eyes and thumbs only."""

    def __init__(self, page: Page, name: str) -> None:
        self.page = page
        self.root: Locator = page.locator(".phone").filter(has=page.get_by_text(name, exact=True)).first
        if not self.root.count():
            self.root = page.get_by_label(re.compile(name)).first
        self.taps = 0

    def tap(self, text: str) -> None:
        self.taps += 1
        self.root.get_by_role("button", name=re.compile(re.escape(text))).last.click()

    def goes_on_after(self, text: str) -> None:
        """Tap it, and wait for the next question: it may have a button with the same words."""
        question = self.root.locator("article.bot").last
        before = question.inner_text()
        self.tap(text)
        wait_until(lambda: question.inner_text() != before, f"something new after {text}", show=self.root.inner_text)

    def say(self, text: str) -> None:
        box = self.root.locator("textarea").last
        box.fill(text)
        box.press("Enter")

    def sees(self, text: str) -> None:
        """Waits as long as a bot may take to start on a busy machine; a failure shows this phone, not the page."""
        try:
            expect(self.root.get_by_text(re.compile(re.escape(text))).last).to_be_visible(timeout=PATIENCE * 1000)
        except AssertionError:
            pytest.fail(f"not seen: {text}\n\n{self.root.inner_text()}", pytrace=False)


SCREENS: dict[str, dict[str, Any]] = {
    "desk": {"viewport": {"width": 1366, "height": 700}},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}

LARGE = """() => {
  const [one, ...more] = document.querySelectorAll(".phone.tour-target");
  const others = [...document.querySelectorAll(".phone:not(.tour-target)")];
  const width = each => each.getBoundingClientRect().width;
  return one && !more.length && others.every(each => width(one) > 1.5 * width(each));
}"""
"""The one phone that the tour speaks of is large."""
SEEN = """phone => {
  const log = phone.querySelector(".log").getBoundingClientRect();
  const text = [...phone.querySelectorAll(".bubble")].pop().getBoundingClientRect();
  const keys = [...phone.querySelectorAll(".log .key")].pop().getBoundingClientRect();
  return text.top >= log.top && keys.bottom <= log.bottom;
}"""


def test_on_a_laptop_a_stranger_sees_what_is_written_and_what_can_be_tapped(demo: str, browser: Browser) -> None:
    """At 1366 by 700, beside the invitation to the tour: each first screen whole; in the tour, one phone large.

    In either language of the page, since the invitation's length decides how much room is left. The phones keep theirs.
    """
    for locale, begin, on in (("en-US", "The whole tour", "Continue"), ("es-DO", "Recorrido completo", "Continuar")):
        seen: dict[str, Any] = {**SCREENS["desk"], "locale": locale, "reduced_motion": "reduce"}
        with browser.new_page(**seen) as page:
            page.set_default_timeout(PATIENCE * 1000)
            page.goto(demo)
            page.locator(".tour.offer").wait_for()
            for name in ("Ana Martínez", "Luis Peña", "Carmen Soto", "Pedro Núñez", "Grace Miller", "Rosa Díaz"):
                phone = page.locator(".phone").filter(has=page.get_by_text(name, exact=True)).first
                phone.locator(".log .key").first.wait_for()
                page.wait_for_function(SEEN, arg=phone.element_handle())
            page.locator(".tour.offer input").uncheck()
            page.get_by_role("button", name=begin).click()
            page.get_by_role("button", name=on).click()
            page.wait_for_function(LARGE)


def test_the_ordinary_report_takes_four_taps_and_one_line(page: Page) -> None:
    """From the first screen, which is there without a word typed, to the receipt."""
    ana = Phone(page, "Ana Martínez")
    ana.sees("Le quedan 2 por reportar")
    ana.tap("PRE-101")
    ana.sees("¿Cómo va la actividad?")
    ana.tap("Igual que el reporte anterior")
    ana.sees("¿Cuál es el próximo paso?")
    ana.say("Grabar tres cuñas con la radio estatal antes del 20")
    ana.sees("Revise antes de enviar")
    ana.tap("Enviar ahora")
    ana.sees("Recibo n.º")
    assert ana.taps <= 4


def test_in_progress_takes_at_most_eight_taps(page: Page) -> None:
    """In Creole too: every screen has its way on."""
    jean = Phone(page, "Jean Baptiste")
    jean.sees("pou rapòte")
    jean.tap("PRE-304")
    jean.sees("Ap fèt")
    for text in ("Ap fèt", "90", "Sote", "Non", "San prèv", "Sote"):
        jean.goes_on_after(text)
    jean.say("Kontinye travay la nan twa biwo anvan fen mwa a")
    jean.sees("Verifye anvan ou voye")
    jean.tap("Voye kounye a")
    jean.sees("Resi nimewo")
    assert jean.taps <= 8


def test_the_bot_killed_in_mid_form_goes_on_at_the_same_question(page: Page, demo: str) -> None:
    """The button that kills it is on the page; Telegram stays."""
    rosa = Phone(page, "Rosa Díaz")
    rosa.sees("por reportar")
    rosa.tap("PER-101")
    rosa.sees("¿Cómo va la actividad?")
    rosa.tap("En curso")
    rosa.sees("¿Qué porcentaje lleva?")
    _order(demo, "kill")
    rosa.say("75")
    expect(rosa.root.locator("article").last).to_contain_text("75")
    _order(demo, "start")
    rosa.sees("¿Cuántas unidades lleva en total?")
    rosa.tap("Omitir")
    rosa.sees("¿Esta actividad llegó a personas en este período?")


def test_an_ordinary_report_needs_no_mouse(page: Page) -> None:
    """From a name in the row of names to the receipt with Tab, Enter and letters."""
    rosa = Phone(page, "Rosa Díaz")
    expect(rosa.root.locator("article.bot").last).to_be_attached()

    def press(name: str, key: str = "Tab") -> None:
        for _ in range(80):
            page.keyboard.press(key)
            label = page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.innerText")
            if label.startswith(name):
                page.keyboard.press("Enter")
                return
        raise AssertionError(f"{key} never reaches {name}")

    press("RD\nRosa Díaz")
    expect(rosa.root).to_be_focused()
    press("Mensaje de Rosa Díaz")
    page.keyboard.type("/menu")
    page.keyboard.press("Enter")
    rosa.sees("por reportar")
    press("PRE-105", "Shift+Tab")
    rosa.sees("¿Cómo va la actividad?")
    press("Igual que el reporte anterior", "Shift+Tab")
    rosa.sees("¿Cuál es el próximo paso?")
    press("Mensaje de Rosa Díaz")
    page.keyboard.type("Revisar la línea 212 con la mesa técnica")
    page.keyboard.press("Enter")
    rosa.sees("Revise antes de enviar")
    press("📨 Enviar ahora", "Shift+Tab")
    rosa.sees("Recibo n.º")


# ---------------------------------------------------------------- the tour

WHOLE = """selector => {
  const box = document.querySelector(selector).getBoundingClientRect();
  return box.width > 0 && box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight;
}"""


@dataclass(frozen=True, slots=True)
class Life:
    """A screen, the language that the short tour is had in, and the one of the long tour, with its words."""

    screen: str
    locale: str
    sent: str
    language: str
    do: str
    onwards: str
    steps: int


LIVES = (
    Life("desk", "fr-FR", "Merci|envoyé", "es", "Hágalo por mí", "Continuar|Terminar", steps=7),
    Life("phone", "ht-HT", "Resi nimewo", "en", "Do it for me", "Continue|Finish", steps=14),
)


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.screen)
def test_the_tours_can_be_had_done_to_their_end(browser: Browser, tmp_path: Path, life: Life) -> None:
    """The short tour first, in the language that the phones begin in; from it to the long one, in another language.

    Each step is done by the page's own buttons, whoever's phone it is on, and nothing on the page goes wrong. To the
    end on a phone; on a desk as far as the bot's death, its return, and what the coordinator then sees.
    """
    furnish_demo(tmp_path)
    drawn = {**SCREENS[life.screen], **DRAWN, "locale": life.locale}
    with demo_process(tmp_path) as address, browser.new_page(**drawn) as page:
        page.set_default_timeout(PATIENCE * 1000)
        expect.set_options(timeout=PATIENCE * 1000)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        to_a_ministers_page_in_three_steps(page, life)
        choose(page, life.language)
        to_the_end(page, life)
        assert complaints == []


def to_a_ministers_page_in_three_steps(page: Page, life: Life) -> None:
    """The short tour is offered first. The phones speak the page's language if the stranger leaves it so, the button
    to press is in view, the row of names stays, and the page in PDF opens whole. The long tour goes on from there.
    """
    tour = page.locator("#tour")
    tour.locator("button.main").click()
    for number, person in ((1, 503), (2, 505), (3, 509)):
        expect(tour.locator(".number")).to_contain_text(str(number))
        expect(page.locator(f"#phone-{person} .tour-look").first).to_be_in_viewport(ratio=1)
        expect(page.locator("#strip [aria-current]")).to_be_in_viewport(ratio=0.9)
        tour.locator(".do-it").click()
        expect(tour.locator(".tour-status")).to_have_class(re.compile("done"))
        if number == 1:
            expect(page.locator("#phone-503 article.bot").last).to_contain_text(re.compile(life.sent, re.IGNORECASE))
        if number == 3 and page.evaluate("navigator.pdfViewerEnabled"):
            expect(page.locator("dialog.pages iframe")).to_be_visible()
            draw(page, life.screen, 1)
            assert page.evaluate(WHOLE, "dialog.pages iframe"), "the minister's page is seen whole"
            draw(page, life.screen, DRAWN["device_scale_factor"])
            page.keyboard.press("Escape")
        tour.locator("button.main").click()
    tour.locator("button.main").click()
    expect(tour.locator(".number")).to_contain_text("14")


def to_the_end(page: Page, life: Life) -> None:
    """What a step speaks of is then in the chats."""
    tour = page.locator("#tour")
    titles = set()
    for number in range(1, life.steps + 1):
        expect(tour.locator(".number")).to_contain_text(re.compile(rf"\b{number} (de|of) 14"))
        if number > 1:
            expect(tour.get_by_role("heading")).to_be_focused()
        titles.add(tour.get_by_role("heading").inner_text())
        if number > 1:
            tour.get_by_role("button", name=life.do).click()
            expect(tour.locator(".tour-status")).to_have_class(re.compile("done"))
        if number == 12:  # what Pedro's link does is seen on Marta's phone
            expect(page.locator("#phone-508")).to_have_class(re.compile("tour-target"))
            expect(page.locator("#phone-508 .log")).to_be_in_viewport()
            assert page.evaluate(BEGINNING_IS_SEEN, 508), "a long message is read from its beginning"
        if number == 7:
            assert page.evaluate(PICTURE_IS_WHOLE, 505), "a digest's picture is seen whole"
            expect(page.locator("#phone-505 article.bot").last).to_contain_text(
                re.compile("(reportes|reports): 4 (de|of)")
            )
        if number == 14 and page.evaluate("navigator.pdfViewerEnabled"):
            expect(page.locator("dialog.pages iframe")).to_be_visible()
            page.keyboard.press("Escape")
        tour.get_by_role("button", name=re.compile(life.onwards)).click()
    assert len(titles) == life.steps
    draw(page, life.screen, 1)
    assert page.evaluate("devicePixelRatio") == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth")
    if life.steps < 14:
        return
    expect(tour.get_by_role("heading", name="That is Enlace")).to_be_visible()
    for person, words in ((501, "Corrected. Receipt"), (502, "Ana Martínez"),
                          (505, r"\.xlsx"), (508, "Soy el asistente"), (509, r"\.pdf")):  # fmt: skip
        expect(page.locator(f"#phone-{person} article.bot").last).to_contain_text(re.compile(words))


def test_the_tour_waits_for_the_person_and_can_be_left(page: Page) -> None:
    """Until it has happened there is only a way past it; whoever does it, it is seen; left, it resumes where it was."""
    tour, carmen = page.locator("#tour"), Phone(page, "Carmen Soto")
    tour.get_by_role("button", name="Recorrido completo").click()
    tour.get_by_role("button", name="Continuar").click()
    for number in range(2, 7):
        expect(tour.locator(".number")).to_have_text(f"Paso {number} de 14")
        tour.get_by_role("button", name=re.compile("Saltar|Continuar")).click()
    expect(tour.get_by_role("heading", name="Carmen, coordinación")).to_be_visible()
    expect(tour.get_by_role("button", name="Continuar")).to_have_count(0)
    expect(carmen.root).to_have_class(re.compile("tour-target"))
    expect(carmen.root.locator(".tour-look")).to_have_text("Resumen")

    carmen.tap("Resumen")

    expect(tour.locator(".tour-status")).to_have_text("✓ Hecho: mírelo en el chat.")
    expect(tour.get_by_role("button", name="Continuar")).to_be_enabled()
    page.reload()
    expect(tour.locator(".number")).to_have_text("Paso 7 de 14")
    tour.get_by_role("button", name="Dejar el recorrido").click()
    expect(tour).to_be_hidden()
    page.reload()
    page.get_by_role("button", name="Seguir recorrido, 7/14").click()
    expect(tour.locator(".number")).to_have_text("Paso 7 de 14")


def choose(page: Page, language: str) -> None:
    """Leaves the tour, which hides the choice on a desk; the phones' language changes too; and resumes it."""
    gear = page.locator(".gear")
    page.locator("#tour .icon-button").click()
    if gear.is_visible():
        gear.click()
    page.locator(".looks select").select_option(language)
    page.locator(".looks button").last.click()
    if gear.is_visible():
        gear.click()
    page.locator("#tour-button").click()


def draw(page: Page, screen: str, scale: float) -> None:
    """In full size whatever is measured: drawn small, a page is laid out in steps of four pixels."""
    mobile = SCREENS[screen].get("is_mobile", False)
    metrics = {**SCREENS[screen]["viewport"], "deviceScaleFactor": scale, "mobile": mobile}
    page.context.new_cdp_session(page).send("Emulation.setDeviceMetricsOverride", metrics)


def _order(demo: str, what: str) -> None:
    request = urllib.request.Request(
        f"{demo}/sandbox/supervisor", data=f'{{"do": "{what}"}}'.encode(), headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        assert answer.status == 200


LABELS_CUT = """() => [...document.querySelectorAll(".role")]
  .filter(each => each.scrollWidth > each.clientWidth + 1).map(each => each.textContent)"""


def test_what_each_role_does_is_read_whole_on_a_narrow_phone_in_every_language(page: Page) -> None:
    """What the role does with the bot stands at the end of the label. In the tour, most phones are narrow."""
    page.set_viewport_size({"width": 1400, "height": 900})
    for step in ("Recorrido completo", "Continuar"):
        page.get_by_role("button", name=step, exact=True).click()
        for language in LANGUAGES:
            page.locator(".looks select").select_option(language)
            assert page.evaluate(LABELS_CUT) == [], language
        page.locator(".looks select").select_option("es")
