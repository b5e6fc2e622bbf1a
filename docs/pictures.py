"""`make pictures`: the docs' pictures, taken from the real demo in the system's Chromium.

A picture that somebody took by hand is out of date with the next change of a word, and nobody notices. These are
taken by playing the demo: its clock begins on 3 October 2018, its people and last reports are always the same, and
everything is found by role and name, as a person finds it. A picture that looks as before is left as it is, so that
a change in `git diff` is a change on the screen. The focal point's cards are printed to PDF with them.
"""

import contextlib
import io
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageChops
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from conversations.wording import wording

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FOLDER = Path(__file__).parent / "pictures"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--font-render-hinting=none",
]
PHONE = {"width": 1100, "height": 820}
"""A window in which a phone shows one card and its buttons, and little else."""
SAME = 0.004
"""The part of a picture that may differ (a clock's seconds) and still be the picture that is there."""

NEXT_STEP = {
    "es": "Grabar tres cuñas con la radio estatal",
    "en": "Record three spots with the state radio",
    "ht": "Kontinye travay la nan twa biwo",
    "fr": "Publier le numéro dans trois provinces",
}
REPORTERS = {
    "es": ("Ana Martínez", "PRE-101"),
    "en": ("Rosa Díaz", "PER-101"),
    "ht": ("Jean Baptiste", "PRE-304"),
    "fr": ("Rosa Díaz", "PRE-105"),
}
CHOOSES = {"en": ("/language en", "/pending"), "fr": ("/langue fr", "/en_attente")}
"""What somebody writes first whose chat is in another language."""


def main() -> int:
    if not Path(CHROMIUM).exists():
        print(f"Chromium is not at {CHROMIUM}: install it, or set CHROMIUM.", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    expect.set_options(timeout=15_000)
    with demo() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        the_page(browser, address)
        four_taps(browser, address)
        the_others(browser, address)
        bad_days(browser, address)
        browser.close()
    return 0


@contextlib.contextmanager
def demo() -> Iterator[str]:
    """The demo's address, in a folder of its own, once its phones have their first screens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "demo.log").open("wb") as log:
        command = [sys.executable, "-m", "bot", "demo", "--port", str(port)]
        path = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=path)
        try:
            address = f"http://127.0.0.1:{port}"
            for _ in range(300):
                with (
                    contextlib.suppress(OSError),
                    urllib.request.urlopen(f"{address}/sandbox/state", timeout=2) as state,
                ):
                    if b'"silent"' not in state.read():
                        break
                if process.poll() is not None:
                    raise SystemExit(f"The demo did not start:\n{Path(log.name).read_text('utf-8')}")
                time.sleep(0.2)
            yield address
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)


# ------------------------------------------------------------------ what is pictured
def the_page(browser: Browser, address: str) -> None:
    """The whole page: at a desk, at night, and in a hand."""
    for name, window, colours in (
        ("demo", {"width": 1720, "height": 900}, "light"),
        ("demo-dark", {"width": 1400, "height": 800}, "dark"),
        ("demo-phone", {"width": 390, "height": 760}, "light"),
    ):
        page = opened(browser, address, window, language="en", colours=colours)
        expect(phone(page, "Ana Martínez").get_by_text("PRE-101")).to_be_visible()
        keep(page.screenshot(), name)
        page.context.close()
    page = opened(browser, address, {"width": 1400, "height": 800}, language="en", tour=True)
    page.locator(".tour.offer .check input").uncheck()  # the next pictures are of phones in their own languages
    page.get_by_role("button", name="The whole tour").first.click()
    page.wait_for_timeout(1500)
    keep(page.screenshot(), "tour")
    page.context.close()


def four_taps(browser: Browser, address: str) -> None:
    """The ordinary report, in each language: from the due list to the receipt."""
    for language, (name, code) in REPORTERS.items():
        say = wording(language)
        page = opened(browser, address, PHONE, language="es" if language == "es" else "en", scale=2)
        chat = phone(page, name)
        for words in CHOOSES.get(language, ()):
            write(chat, words)
        steps = (
            (button(chat, code), f"report-{language}-1"),
            (button(chat, say("form.same")), f"report-{language}-2"),
            (button(chat, say("form.send")), f"report-{language}-3"),
        )
        for number, (target, picture) in enumerate(steps, 1):
            expect(target).to_be_visible()
            keep(card(chat, target), picture)
            target.click()
            if number == 2:
                expect(bot_says(chat, "?")).to_be_visible()
                page.wait_for_timeout(500)
                write(chat, NEXT_STEP[language])
        expect(bot_says(chat, say("receipt.title", receipt="").strip())).to_be_visible()
        page.wait_for_timeout(500)
        keep(card(chat), f"report-{language}-4")
        page.context.close()


def the_others(browser: Browser, address: str) -> None:
    """The coordinator's overview and review, the administrator's invitation."""
    page = opened(browser, address, {"width": 1500, "height": 1000}, language="en", scale=2)
    for name, picture, taps in (
        ("Carmen Soto", "coordinator-progress", ("home.more", "home.progreso")),
        ("Pedro Núñez", "admin-menu", ()),
        ("Pedro Núñez", "admin-invite", ("home.invitar", "role.focal_point")),
    ):
        chat = phone(page, name)
        if not taps or name == "Carmen Soto":
            write(chat, "/language en")
            expect(button(chat, wording("en")("home.more"))).to_be_visible()
        for key in taps:
            button(chat, wording("en")(key)).click()
            page.wait_for_timeout(700)
        keep(card(chat), picture)
    chat = phone(page, "Carmen Soto")
    write(chat, "/review")
    button(chat, "MMUJER · PRE-101").click()
    page.wait_for_timeout(700)
    keep(card(chat), "coordinator-review")
    write(chat, "/export plan-state pdf")
    button(chat, wording("en")("export.go")).click()
    link = chat.get_by_role("log").get_by_role("link", name=re.compile(r"\.pdf"))
    expect(link).to_be_visible()
    link.click()
    with page.expect_download() as coming:
        page.locator("dialog.pages").get_by_role("link").click()
    keep(first_page(coming.value.path()), "plan-on-one-page")
    page.context.close()


def first_page(document: Path) -> bytes:
    """A PDF's first page as a picture; needs pdftoppm."""
    command = ["pdftoppm", "-png", "-r", "90", "-singlefile", str(document)]
    return subprocess.run(command, check=True, capture_output=True).stdout


def bad_days(browser: Browser, address: str) -> None:
    """The bot killed in the middle of a report, and the clock that is moved."""
    page = opened(browser, address, {"width": 1720, "height": 900}, language="en")
    panel = page.get_by_role("button", name="What the bot did")
    if panel.count():
        panel.first.click()
    chat = phone(page, "Luis Peña")
    button(chat, "ASI-201").click()
    button(chat, "En curso").click()
    expect(bot_says(chat, "porcentaje")).to_be_visible()
    page.get_by_role("button", name="Switch the bot off").first.click()
    expect(page.get_by_text("Bot stopped").first).to_be_visible()
    write(chat, "60")
    page.wait_for_timeout(800)
    keep(page.screenshot(), "bot-killed")
    page.get_by_role("button", name="Switch the bot on").first.click()
    expect(bot_says(chat, "unidades")).to_be_visible()
    page.get_by_role("button", name=re.compile(r"One day forward|\+1 day")).first.click()
    page.wait_for_timeout(1500)
    keep(page.get_by_role("banner").screenshot(), "clock")
    page.context.close()


# ------------------------------------------------------------------ hands and eyes
def opened(
    browser: Browser,
    address: str,
    window: dict[str, int],
    *,
    language: str,
    scale: int = 1,
    colours: str = "light",
    tour: bool = False,
) -> Page:
    """The page as somebody meets it; the offer of a guided tour is put off, unless it is wanted."""
    context = browser.new_context(
        viewport={"width": window["width"], "height": window["height"]},
        device_scale_factor=scale,
        locale="es-DO" if language == "es" else "en-GB",
        timezone_id="America/Santo_Domingo",
        color_scheme="dark" if colours == "dark" else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(address)
    expect(page.get_by_role("log").first).to_be_attached()
    page.wait_for_timeout(1200)
    if not tour:
        later = page.get_by_role("button", name=re.compile("^(Not now|Ahora no)$"))
        if later.count():
            later.first.click()
            page.wait_for_timeout(400)
    return page


def phone(page: Page, name: str) -> Locator:
    """Somebody's phone, brought before the eyes."""
    found = page.get_by_role("region", name=re.compile(re.escape(name))).first
    found.scroll_into_view_if_needed()
    return found


def button(chat: Locator, text: str) -> Locator:
    return chat.get_by_role("log").get_by_role("button", name=re.compile(re.escape(text))).last


def bot_says(chat: Locator, text: str) -> Locator:
    return chat.get_by_role("log").get_by_text(re.compile(re.escape(text))).last


def write(chat: Locator, text: str) -> None:
    box = chat.get_by_role("textbox").last
    box.fill(text)
    box.press("Enter")
    chat.page.wait_for_timeout(900)


def card(chat: Locator, target: Locator | None = None) -> bytes:
    """The chat as it stands; the button to press, if any, has a ring around it."""
    chat.page.mouse.move(0, 0)
    chat.page.wait_for_timeout(300)
    if target is not None:
        target.evaluate("each => { each.style.outline = '3px solid #d9480f'; each.style.outlineOffset = '2px' }")
    taken = chat.get_by_role("log").screenshot()
    if target is not None:
        target.evaluate("each => { each.style.outline = ''; each.style.outlineOffset = '' }")
    return taken


def keep(taken: bytes, name: str) -> None:
    """Write the picture small, unless the one that is there looks the same."""
    path = FOLDER / f"{name}.webp"
    with Image.open(io.BytesIO(taken)) as shot:
        new = shot.convert("RGB")
    is_same = path.exists() and differing(Image.open(path).convert("RGB"), new) < SAME
    if not is_same:
        new.save(path, "WEBP", quality=80, method=6)
    print(f"{'as before' if is_same else 'new      '} {path.stat().st_size // 1024:4} KB  {path.name}")


def differing(old: Image.Image, new: Image.Image) -> float:
    """The part of the pixels that are clearly others; 1.0 if the sizes differ."""
    if old.size != new.size:
        return 1.0
    histogram = ImageChops.difference(old, new).convert("L").histogram()
    return sum(histogram[48:]) / (old.width * old.height)


if __name__ == "__main__":
    raise SystemExit(main())
