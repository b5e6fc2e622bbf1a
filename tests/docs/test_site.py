"""The site as it is built: strict, offline, every page within reach; and the focal point's card on one sheet.

The card is printed and pinned beside a desk for years. What it quotes must be what the bot says, word for word, in
each language, or its reader looks for a button that is not there.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt
from playwright.sync_api import Browser, sync_playwright

from bot.chat.permissions import PERMISSIONS
from conversations.languages import LANGUAGES
from conversations.wording import catalogue
from tests.deadlines import PATIENCE

ROOT = Path(__file__).parents[2]
CARDS = ROOT / "docs" / "cards"
CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `make docs` builds it: a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-d",
        folder / "trees",
        ROOT / "docs",
        folder / "html",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return folder / "html"


# ------------------------------------------------------------------ the site
def test_every_page_is_within_reach(site: Path) -> None:
    """From the first page, by links alone: what nothing leads to is written for nobody."""
    reached: set[Path] = set()
    waiting = [site / "index.html"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for link in re.findall(r'<a [^>]*href="([^"#]+)[^"]*"', page.read_text("utf-8")):
            target = (page.parent / unquote(urlsplit(link).path)).resolve()
            if not urlsplit(link).scheme and target.suffix == ".html" and target.is_relative_to(site):
                waiting.append(target)
    written = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    assert {site / page for page in written} - reached == set()


def test_the_site_asks_nobody_for_anything(site: Path) -> None:
    """No font, script, style or picture from elsewhere: it is read in ministries that block half the internet."""
    asked = [
        f"{page.relative_to(site)}: {found}"
        for page in site.rglob("*.html")
        for found in re.findall(
            r'<(?:script|img|link|iframe)[^>]*(?:src|href)="((?:https?:)?//[^"]+)"', page.read_text("utf-8")
        )
    ]
    assert asked == []


# ------------------------------------------------------------------ the card
def quoted(language: str) -> Iterator[tuple[str, str]]:
    """What the card says in bold (the bot's own words, by convention), in quotation blocks, and as commands."""
    tokens = MarkdownIt("commonmark").enable("table").parse((CARDS / f"{language}.md").read_text("utf-8"))
    inside = 0
    for token in tokens:
        inside += (token.type == "blockquote_open") - (token.type == "blockquote_close")
        if inside and token.type == "inline":
            yield "quotation", token.content
        is_bold = False
        for child in token.children or []:
            is_bold = child.type == "strong_open" or (is_bold and child.type != "strong_close")
            if is_bold and child.type == "text" and child.content:
                yield "button", child.content
            if child.type == "code_inline":
                yield "command", child.content


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_card_quotes_the_bot_word_for_word(language: str) -> None:
    """Bold is a button or the beginning of a sentence of the bot's, a block is a sentence of it, `/x` a command."""
    sentences = set(catalogue(language).values())
    commands = {f"/{one.name_in(language)}" for one in PERMISSIONS if one.is_typed}
    wrong = []
    found = list(quoted(language))
    assert {kind for kind, _ in found} == {"button", "quotation", "command"}
    for kind, text in found:
        if kind == "command":
            is_said = text in commands
        elif kind == "quotation":
            is_said = any(text.casefold() in sentence.casefold() for sentence in sentences)
        else:
            is_said = text in sentences or any(sentence.startswith(f"{text} ") for sentence in sentences)
        if not is_said:
            wrong.append(f"{kind}: {text}")
    assert wrong == []


def test_the_cards_say_the_same_in_every_language() -> None:
    """As many sections, quotes, commands and pictures: no language has a shorter card."""
    shapes = {}
    for language in LANGUAGES:
        text = (CARDS / f"{language}.md").read_text("utf-8")
        kinds = [kind for kind, _ in quoted(language)]
        shapes[language] = (text.count("\n## "), text.count("\n- "), text.count("!["), sorted(kinds))
    assert len({repr(shape) for shape in shapes.values()}) == 1, shapes


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip(f"Chromium is not installed at {CHROMIUM}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.mark.browser
@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_the_card_is_one_sheet(site: Path, browser: Browser, paper: str) -> None:
    """Printed from the page, in each language, on the paper of either continent."""
    page = browser.new_page()
    sheets = {}
    for language in LANGUAGES:
        page.goto((site / "cards" / f"{language}.html").as_uri())
        assert page.evaluate("[...document.images].every((each) => each.complete && each.naturalWidth)")
        sheets[language] = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format=paper, print_background=True)))
    page.close()
    assert sheets == dict.fromkeys(LANGUAGES, 1)
