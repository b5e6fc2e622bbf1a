"""`make demo` as a stranger meets it: a browser, the phones, no manual."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The demo in a folder of its own, as `enlace demo` starts it."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"Chromium is not installed at {CHROMIUM}")
    folder = tmp_path_factory.mktemp("demo")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
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
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"{address}/sandbox/state", timeout=2) as answer:
                if b'"silent"' not in answer.read():
                    break
        except OSError:
            pass
        assert process.poll() is None, (folder / "demo.log").read_text()
        assert time.monotonic() < deadline, (folder / "demo.log").read_text()
        time.sleep(0.2)
    yield address
    process.send_signal(signal.SIGINT)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise


@pytest.fixture
def page(demo: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1500, "height": 950})
        page.goto(demo)
        yield page
        browser.close()


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

    def say(self, text: str) -> None:
        box = self.root.locator("textarea").last
        box.fill(text)
        box.press("Enter")

    def sees(self, text: str) -> None:
        expect(self.root.get_by_text(re.compile(re.escape(text))).last).to_be_visible(timeout=10_000)


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
        jean.tap(text)
        page.wait_for_timeout(400)
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
    page.wait_for_timeout(500)
    _order(demo, "start")
    rosa.sees("¿Cuántas unidades lleva en total?")
    rosa.tap("Omitir")
    rosa.sees("¿Esta actividad llegó a personas este mes?")


def _order(demo: str, what: str) -> None:
    request = urllib.request.Request(
        f"{demo}/sandbox/supervisor", data=f'{{"do": "{what}"}}'.encode(), headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200
