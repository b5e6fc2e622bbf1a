"""A language is a folder: whole, or refused with what it lacks."""

import re
import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from conversations.catalogues import read_catalogue
from conversations.language_check import COUNTED, MAY_LACK, check_language
from conversations.languages import FIRST, LACKING, LANGUAGES, phrases, tables, translated
from conversations.wording import catalogue, wording

ROOT = Path(__file__).parents[2]
LOCALES = Path(str(files("conversations") / "locales"))


@pytest.mark.parametrize("language", sorted(each.name for each in LOCALES.iterdir() if each.is_dir()))
def test_every_language_is_whole(language: str) -> None:
    """Each folder, whether or not it is already offered."""
    assert [str(gap) for gap in check_language(language)] == []


def edited(file: str, *edit: tuple[str, str]) -> Callable[[Path], None]:
    """Regular expressions and what they become, in one file of the folder."""

    def do(folder: Path) -> None:
        text = (folder / file).read_text("utf-8")
        for pattern, becomes in edit:
            assert re.search(pattern, text), pattern
            text = re.sub(pattern, becomes, text, count=1)
        (folder / file).write_text(text, "utf-8")

    return do


@pytest.mark.parametrize(
    ("spoil", "kind", "key"),
    [
        (lambda folder: (folder / "review.po").unlink(), "file", ""),
        (lambda folder: (folder / "language.po").unlink(), "file", ""),
        (edited("chat.po", ("msgid", "msgid no")), "file", ""),
        (edited("chat.po", (r'msgid "close.done"\nmsgstr "[^"]*"', "")), "missing", "close.done"),
        (edited("chat.po", (r'msgid "close.done"', '#, fuzzy\nmsgid "close.done"')), "missing", "close.done"),
        (edited("chat.po", (r'msgid "close.done"', 'msgid "close.dome"')), "unknown", "close.dome"),
        (edited("chat.po", (r'msgid "close.done"', 'msgid "close.added"')), "twice", "close.added"),
        (edited("chat.po", (r"{agency} closed", "It closed")), "placeholder", "close.done"),
        (edited("chat.po", (r"{agency} closed", "{agency} {agencies} closed")), "placeholder", "close.done"),
        (edited("chat.po", (r"{agency} closed", "{agency closed")), "placeholder", "close.done"),
        (edited("chat.po", (r'(msgid "close.yes"\nmsgstr ")', r"\1" + "x" * 30)), "long", "close.yes"),
        (edited("chat.po", (r'(msgid "denied"\nmsgstr ")', r"\1" + "x" * 330)), "long", "denied"),
        (edited("chat.po", (r'(msgid "command.ayuda"\nmsgstr ")', r"\1" + "x" * 260)), "long", "command.ayuda"),
        (edited("language.po", (r"\|december/dec", "")), "table", "reading.months"),
        (edited("language.po", (r"zero\|", "")), "table", "reading.numbers"),
        (edited("language.po", (r"monday/mon\|", "||")), "table", "reading.weekdays"),
        (edited("language.po", (r'cries"\nmsgstr "[^"]*"', f'cries"\nmsgstr "{LACKING}"')), "table", "emergency.cries"),
        (edited("language.po", (r'first"\nmsgstr "yes"', 'first"\nmsgstr "oui"')), "table", "reading.month_first"),
        (edited("language.po", (r'"help"', '"Help me"')), "command", "named.ayuda"),
        (edited("language.po", (r'"help"', '"' + "h" * 33 + '"')), "command", "named.ayuda"),
        (edited("language.po", (r'"help"', '"estado"')), "command", "named.ayuda"),
        (edited("language.po", (r"\{harmed\}", "{hurt}")), "emergency", "emergency.says"),
        (edited("language.po", (r'harmed"\nmsgstr "[^"]*"', 'harmed"\nmsgstr "—"')), "emergency", "emergency.says"),
    ],
)  # fmt: skip
def test_a_half_made_language_is_refused(tmp_path: Path, spoil: Callable[[Path], None], kind: str, key: str) -> None:
    """And what is wrong is said with its key."""
    folder = tmp_path / "xx"
    shutil.copytree(LOCALES / "en", folder)
    before = {(gap.kind, gap.key) for gap in check_language("xx", folder)}
    spoil(folder)
    assert (kind, key) in {(gap.kind, gap.key) for gap in check_language("xx", folder)} - before


def test_the_tables_that_are_checked_are_there() -> None:
    """A misspelt one would be checked of no language."""
    assert COUNTED.keys() | MAY_LACK <= tables(FIRST).keys()


def test_a_command_has_one_name_in_each_language_and_they_are_its_own() -> None:
    """By key: no language's place among the others decides what a command is called in it."""
    for language in LANGUAGES:
        for key in tables(FIRST):
            if key.startswith("named."):
                assert phrases(language, key) == tuple(tables(language)[key].split("|"))


def test_a_text_in_no_language_of_the_reader_is_shown_in_another() -> None:
    """A French plan has no Spanish name, and must not be read as a plan without names."""
    assert translated({"fr": "Santé"}, "ht") == "Santé"
    assert translated({"fr": "Santé", FIRST: "Salud"}, "ht") == "Salud"
    assert translated({}, "ht") == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_knows_what_a_plan_is_about(language: str) -> None:
    """Another country's plan of another subject speaks through the same catalogues."""
    subject = re.compile(r"(?<!se )\btrata\b|traffick|\btrèt\b|la traite\b|Dominican|ESNNA", re.IGNORECASE)
    said = {key: text for key, text in catalogue(language).items() if not key.startswith("personal.")}  # the guard's
    assert [key for key, text in said.items() if subject.search(text)] == []


@pytest.mark.parametrize(
    ("language", "not_ours"),
    [
        ("ht", r"\b(?:sipleyan|konsève|restriksyon|restren|ouvri|ouvè|nonm sa a)\b|« | »|\bfòm (?:nan|sa a|pibliye)\b"),
        ("fr", r"\b(?:les|mes|ses) avis\b|\bvotre rôle\b"),
        ("en", r"(?i)\binstitution"),
    ],
)
def test_one_thing_has_one_name(language: str, not_ours: str) -> None:
    """On every screen: a person who is told of a "ranplasan" is not told of a "sipleyan" on the next one."""
    typed = read_catalogue((LOCALES / language / "language.po").read_text("utf-8"))  # what people type, in any way
    found = {k: text for k, text in catalogue(language).items() if k not in typed and re.search(not_ours, text)}
    assert found == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_answered_at_rest_reads_complete_without_its_buttons(language: str) -> None:
    """A menu loses its buttons to the next one: a question or a colon would lead nowhere from then on."""
    heard = read_catalogue((LOCALES / language / "listening.po").read_text("utf-8"))
    heard |= {key: text for key, text in catalogue(language).items() if key in ("home.reader", "home.more_says")}
    assert [key for key, text in heard.items() if text.rstrip().endswith((":", "?"))] == []


def test_french_keeps_its_signs_with_their_words() -> None:
    """A colon, a question mark or a guillemet never begins a line of a phone; one sort of apostrophe is used."""
    typed = read_catalogue((LOCALES / "fr" / "language.po").read_text("utf-8"))  # what people type, in any way
    loose = re.compile(r" [:;!?»%]|« |«\S|[^\s\u00a0]»|[\w})][!?](?=\s|$)|’")
    found = {key: text for key, text in catalogue("fr").items() if key not in typed and loose.search(text)}
    assert found == {}


def test_a_name_and_what_it_is_are_joined_by_the_sign_of_the_language() -> None:
    """No module of what is shown writes a colon of its own behind a text: in French it would hang on the word."""
    shown = ("bot/screens", "conversations/session", "conversations/plan", "bot/chat")
    joined = re.compile(r"f\"[^\"]*\}: ")
    found = [
        f"{module.relative_to(ROOT)}:{number}"
        for folder in shown
        for module in (ROOT / folder).rglob("*.py")
        for number, text in enumerate(module.read_text("utf-8").split("\n"), 1)
        if joined.search(text) and "raise" not in text
    ]
    assert found == []
    assert wording("fr").colon == "\u00a0: "
