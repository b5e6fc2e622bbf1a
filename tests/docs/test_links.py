"""Links of the docs lead somewhere: checked offline, for a page is read where there is no network to check with.

Sphinx checks the pages of the site as it builds them; these tests also read README and CONTRIBUTING, which are
read where the code is hosted, and by its rules for anchors.
"""

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
PAGES = sorted((*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")))


def walk(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from walk(token.children or [])


@functools.cache
def parsed(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text("utf-8"))


def links(page: Path) -> Iterator[str]:
    """Every address a page names: links, pictures, and those of raw HTML."""
    for token in walk(parsed(page)):
        if token.type == "link_open":
            yield str(token.attrGet("href"))
        elif token.type == "image":
            yield str(token.attrGet("src"))
        elif token.type in ("html_block", "html_inline"):
            yield from re.findall(r'(?:href|src)="([^"]+)"', token.content)


@functools.cache
def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are made where the code is hosted and by MyST."""
    tokens = parsed(page)
    headings = [tokens[i + 1].content for i, token in enumerate(tokens) if token.type == "heading_open"]
    made = re.findall(r'id="([^"]+)"', page.read_text("utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings} | set(made)


def leads_somewhere(link: str, page: Path) -> bool:
    parts = urlsplit(link)
    if parts.scheme == "https":
        return re.fullmatch(r"[\w-]+(\.[\w-]+)+(:\d+)?", parts.netloc) is not None and " " not in link
    if parts.scheme or parts.netloc:
        return parts.scheme == "mailto"
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.exists() or not target.is_relative_to(ROOT):
        return False
    return not parts.fragment or unquote(parts.fragment) in anchors(target)


def test_every_link_leads_somewhere() -> None:
    """A file that exists, an anchor that it has; what is elsewhere is an https address in form, and is not asked."""
    wrong = [
        f"{page.relative_to(ROOT)}: {link}" for page in PAGES for link in links(page) if not leads_somewhere(link, page)
    ]
    assert wrong == []


def test_every_picture_is_shown() -> None:
    """A picture no page shows is weight in every clone."""
    shown = {(page.parent / unquote(urlsplit(link).path)).resolve() for page in PAGES for link in links(page)}
    kept = {path for path in (ROOT / "docs" / "pictures").iterdir() if path.is_file()}
    assert {path.name for path in kept - shown} == set()


def test_every_picture_says_what_it_shows() -> None:
    """Who does not see it reads its text."""
    silent = [
        f"{page.relative_to(ROOT)}: {token.attrGet('src')}"
        for page in PAGES
        for token in walk(parsed(page))
        if token.type == "image" and not token.content
    ]
    assert silent == []


# ------------------------------------------------------------------ two languages
ENGLISH_ONLY = frozenset(
    {"country.md", "deploy.md", "drills.md", "inherit.md", "language.md", "runbook.md", "server.md"}
)
"""Guides for the people at the server. All others are for officers, coordinators or admins."""
OTHER = re.compile(r"^# .+\n\n\*(?:En español|This page in English): \[[^]]+\]\(([a-z]+\.md)\)\.\*\n")


def test_each_guide_for_officers_coordinators_and_admins_exists_in_both_languages() -> None:
    """Below its title it links the same page in the other language, which links it back."""
    guides = {page.name: OTHER.match(page.read_text("utf-8")) for page in (ROOT / "docs" / "guide").glob("*.md")}
    other = {name: found[1] for name, found in guides.items() if found}
    assert guides.keys() - other.keys() == ENGLISH_ONLY
    assert {name: other.get(there) for name, there in other.items()} == {name: name for name in other}
