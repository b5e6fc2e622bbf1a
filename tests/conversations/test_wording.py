"""The catalogues, read: what we read in them is what gettext's own tools do."""

import re
from importlib.resources import files
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from conversations.languages import LANGUAGES
from conversations.wording import read_catalogue

TRICKY = r"""# who reads it
msgid ""
msgstr ""
"Language: es\n"

#. a hint
msgid "one"
msgstr ""
"first \"line\"\n"
"\tsecond \\ # not a comment"

#, fuzzy
msgid "unfinished"
msgstr "half"

msgid "empty"
msgstr ""

#~ msgid "gone"
#~ msgstr "old"
"""


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_catalogue_is_read_as_babel_reads_it(language: str) -> None:
    for resource in (files("conversations") / "locales" / language).iterdir():
        with resource.open("rb") as file:
            expected = {
                str(each.id): each.string for each in read_po(file, abort_invalid=True) if each.id and each.string
            }
        assert read_catalogue(resource.read_text("utf-8")) == expected, resource.name


def test_quotes_line_ends_and_what_is_not_finished() -> None:
    """A fuzzy or empty sentence is left out, so that the Spanish one is said; comments say nothing."""
    assert read_catalogue(TRICKY) == {"one": 'first "line"\n\tsecond \\ # not a comment'}


@pytest.mark.parametrize(
    "line",
    [
        'msgstr "no key"',
        '"nothing before"',
        'msgid "never closed',
        'msgid "a" "b"',
        "msgid bare",
        'msgctxt "menu"',
        "words",
    ],
)
def test_a_line_that_is_no_sentence_is_refused(line: str) -> None:
    """A catalogue that is spoilt is no catalogue with a sentence less."""
    with pytest.raises(ValueError, match="line 1 of a catalogue"):
        read_catalogue(line)


HIGH = re.compile(r"(?<![\u00a0\u202f\d/?!…:(])[%;!?»](?![=!])|(?<![\u00a0\u202f\w/({»])(?<!\w):(?= |$)| :")
OF_COMPUTERS = ("form_problems.po", "plan_book.po", "events.po", "language.po")
"""They quote addresses, expressions and codes."""


def test_a_french_sentence_has_a_no_break_space_before_its_high_signs() -> None:
    """Before % : ; ! ? and the closing quotes: otherwise a line may begin with the sign."""
    wrong = []
    for file in sorted(Path("conversations/locales/fr").glob("*.po")):
        if file.name not in OF_COMPUTERS:
            said = read_catalogue(file.read_text("utf-8"))
            wrong += [f"{key}: {text}" for key, text in said.items() if HIGH.search(re.sub(r"\{\w+:\w+\}", "", text))]
    assert wrong == []


@pytest.mark.parametrize("language", ["es", "en", "ht"])
def test_a_share_is_written_in_one_way(language: str) -> None:
    """As `sign.percent` writes it: only French sets a space before the sign."""
    texts = "".join(each.read_text("utf-8") for each in Path("conversations/locales", language).glob("*.po"))
    assert re.findall(r".*[\d}]\s%.*", texts) == []


def test_no_code_sets_the_sign_of_a_language_by_itself() -> None:
    """ "15 %" and "nom : valeur" are French; `Wording.percent` and `Wording.colon` know it."""
    own = re.compile(r"""f".*\}(%["'}]|: \{say)|["'] %["']|\), ": ", """)
    wrong = [
        f"{file}:{number}: {text.strip()}"
        for folder in ("bot/screens", "bot/acts", "bot/schedule", "bot/workers", "conversations/plan",
                       "conversations/session")
        for file in Path(folder).rglob("*.py")
        for number, text in enumerate(file.read_text("utf-8").splitlines(), 1)
        if own.search(text)
    ]  # fmt: skip
    assert wrong == []
