"""A browser at the page of phones, and a bot that answers on it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.deadlines import PATIENCE
from tests.e2e.page import (
    AS_A_RULE,
    CHROMIUM,
    QUIET,
    TAKES_A_LOOK,
    MiniBot,
    Opened,
    Process,
    api,
    forget,
    sandbox_process,
)


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
def usual(browser: Browser, sandbox: Process) -> Iterator[Page]:
    """For tests that want nothing special: a page that stays has its process, its fonts and its scripts already."""
    with browser.new_context(**AS_A_RULE) as context, context.new_page() as page:
        forget(page, sandbox.url)
        yield page


@pytest.fixture
def opened(browser: Browser, usual: Page, sandbox: Process, bot: MiniBot) -> Iterator[Opened]:
    """Opens the page; what the browser complains about (errors, refused content) fails the test at its end.

    Neither the sandbox nor the browser remembers an earlier test: a page draws every phone there is.
    """
    api(sandbox.url, "/sandbox/reset", {})
    bot.call("setMyCommands", commands=[{"command": "pendientes", "description": "Lo que vence"},
                                        {"command": "tarjeta", "description": "Una tarjeta"}])  # fmt: skip
    complaints: list[str] = []
    opened: list[Page] = []

    def open_page(url: str = sandbox.url, **options: Any) -> Page:
        page = usual
        if options:
            page = browser.new_context(**{**AS_A_RULE, **options}).new_page()
        elif usual in opened:
            page = usual.context.new_page()
        opened.append(page)
        page.set_default_timeout(TAKES_A_LOOK)
        for event, listener in listeners.items():
            page.on(event, listener)  # type: ignore[call-overload]
        page.goto(url)
        return page

    listeners: dict[str, Callable[[Any], object]] = {
        "pageerror": lambda error: complaints.append(str(error)),
        "console": lambda line: complaints.append(line.text) if "Content Security" in line.text else None,
        "dialog": lambda dialog: complaints.append(f"a dialog: {dialog.message}"),
    }
    expect.set_options(timeout=TAKES_A_LOOK)
    yield open_page
    for page in opened:
        if page.context != usual.context:
            page.context.close()
        elif page != usual:
            page.close()
        else:
            for event, listener in listeners.items():
                page.remove_listener(event, listener)
            forget(page, sandbox.url)
    assert complaints == []
