"""A browser at the page of phones, and a bot that answers on it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.deadlines import PATIENCE
from tests.e2e.page import AS_A_RULE, CHROMIUM, QUIET, TAKES_A_LOOK, MiniBot, Opened, Process, api, sandbox_process


# ---------------------------------------------------------------- browser, sandbox, bot
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"Chromium is not installed at {CHROMIUM}: the page of phones is not tested")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def sandbox(browser: Browser) -> Iterator[Process]:
    with sandbox_process() as process:
        yield process


@pytest.fixture(scope="module")
def bot(sandbox: Process) -> Iterator[MiniBot]:
    bot = MiniBot(sandbox)
    bot.start()
    yield bot
    bot.is_over.set()
    bot.may_answer.set()
    bot.join(PATIENCE)


@pytest.fixture(scope="module")
def usual(browser: Browser) -> Iterator[BrowserContext]:
    """For pages that want nothing special: fonts and scripts are read once, half of what a page costs."""
    with browser.new_context(**AS_A_RULE) as context:
        yield context


@pytest.fixture
def opened(browser: Browser, usual: BrowserContext, sandbox: Process, bot: MiniBot) -> Iterator[Opened]:
    """Opens the page; what the browser complains about (errors, refused content) fails the test at its end.

    Neither the sandbox nor the browser remembers an earlier test: a page draws every phone there is.
    """
    api(sandbox.url, "/sandbox/reset", {})
    bot.call("setMyCommands", commands=[{"command": "pendientes", "description": "Lo que vence"},
                                        {"command": "tarjeta", "description": "Una tarjeta"}])  # fmt: skip
    complaints: list[str] = []
    contexts = []

    def open_page(url: str = sandbox.url, **options: Any) -> Page:
        context = usual
        if options:
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
    for page in usual.pages:
        page.evaluate("() => localStorage.clear()")
        page.close()
    assert complaints == []
