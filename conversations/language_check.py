"""Check whether a folder of `conversations/locales` is a complete language that works on a phone.

With an incomplete language, the bot would answer in another one in the middle of a question, and would not notice a cry
for help. So each gap is named, with its key. `enlace language check` prints the gaps, and a test refuses a folder that
has any.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from string import Formatter
from typing import Final, Literal

from conversations.catalogues import read_catalogue
from conversations.languages import FIRST, LACKING, LANGUAGES, TABLES, folder_of, tables

Kind = Literal["file", "missing", "unknown", "twice", "placeholder", "long", "table", "command", "emergency"]
MESSAGE_LIMIT: Final = 330
"""docs/domain.md#words-in-the-chat: nothing longer is read."""
DESCRIPTION_LIMIT: Final = 256
"""Characters of a command's description in Telegram's menu (Bot API, BotCommand)."""
CHAT: Final = (
    "administration.po", "chat.po", "file_refusals.po", "digests.po", "exports.po", "listening.po", "periods.po",
    "posts.po",
)  # fmt: skip
"""The catalogues people read on a phone; the others are for authors, at a screen."""
_BUTTON = re.compile(r"^#\. A button: at most (\d+) characters\.\nmsgid \"([^\"]+)\"", re.MULTILINE)
"""How the catalogue of `FIRST` marks a sentence that stands on a button."""
_COMMAND = re.compile(r"[a-z0-9_]{1,32}", re.ASCII)
"""What Telegram accepts as a command (Bot API, BotCommand)."""
COUNTED: Final = {
    "months.long": 12,
    "months.short": 12,
    "reading.months": 12,
    "reading.weekdays": 7,
    "reading.numbers": 100,
    "reading.hundreds": 9,
}
"""Tables that are read by position, and how many entries they have."""
MAY_LACK: Final = frozenset(
    {
        "language.plural_endings",
        "reading.ago_before",
        "reading.ago_after",
        "reading.ordinals",
        "reading.dateparser",
        "reading.guessable",
        "emergency.harmed",
        "emergency.held",
        "emergency.not_denied",
        "personal.at_sign",
        "personal.tens_and",
        "personal.twenties",
        "personal.not_dates",
        "personal.date_links",
        "personal.aged",
        "personal.cohort",
        "personal.marker",
        "personal.peoples",
        "personal.trusts",
        "personal.whose",
        "personal.inside",
        "personal.them",  # said before the verb in one language, behind it in another
        "personal.them_behind",
        "personal.the_street",
        "personal.verb_ends",
        "elided",
        "elided_after",
    }
)
"""Words that a language may do without."""
_LISTS: Final = ("people", "now", "harmed", "held")


@dataclass(frozen=True, slots=True)
class Gap:
    """A missing or wrong entry of a language: the file, the key, and the remedy."""

    kind: Kind
    file: str
    key: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}  {self.key or '-'}  {self.kind}: {self.remedy}"


@dataclass(frozen=True, slots=True)
class _Folder:
    """The sentences of a language by file, without any fallback."""

    files: Mapping[str, Mapping[str, str]]

    @property
    def sentences(self) -> dict[str, str]:
        return {key: text for each in self.files.values() for key, text in each.items()}


def check_language(language: str, folder: Traversable | None = None) -> list[Gap]:
    """Return every gap of this language, in the order of its files; none if it is complete.

    `folder` is where its catalogues are, if not yet among the others.
    """
    where = folder or folder_of(language)
    gaps: list[Gap] = []
    own = _Folder(_read(where, gaps))
    wanted = _Folder(_read(folder_of(FIRST), []))
    buttons = button_limits()
    for name, sentences in wanted.files.items():
        if name not in own.files:
            gaps.append(Gap("file", name, "", f"the file is missing, with its {len(sentences)} sentences"))
            continue
        for key, sentence in sentences.items():
            told = own.files[name].get(key)
            if told is None:
                gaps.append(Gap("missing", name, key, f"translate: {sentence}"))
            elif name == TABLES:
                gaps += (Gap(kind, name, key, remedy) for kind, remedy in _wrong_words(language, key, told, own))
            else:
                gaps += (Gap(kind, name, key, remedy) for kind, remedy in _wrong(name, key, told, sentence, buttons))
    for name, sentences in own.files.items():
        known = wanted.files.get(name, {})
        gaps += (
            Gap("unknown", name, key, "nothing says this; is it misspelt?") for key in sentences if key not in known
        )
    return gaps


def button_limits() -> dict[str, int]:
    """Key → how many characters its button holds."""
    marked = (
        _BUTTON.findall(each.read_text("utf-8")) for each in folder_of(FIRST).iterdir() if each.name.endswith(".po")
    )
    return {key: int(limit) for found in marked for limit, key in found}


def awaits_reader(folder: Traversable) -> bool:
    """Whether its catalogues say that no native speaker has read them."""
    table = folder / TABLES
    return table.is_file() and "\n# Awaiting a native reader." in table.read_text("utf-8")


def gaps_in(sentence: str) -> set[str]:
    """Return the names between braces. ValueError for a brace that does not close."""
    return {field for _, field, _, _ in Formatter().parse(sentence) if field is not None}


def _read(folder: Traversable, gaps: list[Gap]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    told: dict[str, str] = {}
    for each in sorted(folder.iterdir(), key=lambda one: one.name):
        if not each.name.endswith(".po"):
            continue
        text = each.read_text("utf-8")
        try:
            found[each.name] = read_catalogue(text)
        except ValueError as error:
            gaps.append(Gap("file", each.name, "", str(error)))
            found[each.name] = {}
            continue
        for key in re.findall(r'^msgid "([^"]+)"', text, re.MULTILINE):
            if key in told:
                gaps.append(Gap("twice", each.name, key, f"it is in {told[key]} already"))
            told[key] = each.name
    return found


def _wrong(name: str, key: str, told: str, sentence: str, buttons: Mapping[str, int]) -> Iterator[tuple[Kind, str]]:
    try:
        own, wanted = gaps_in(told), gaps_in(sentence)
    except ValueError as error:
        yield "placeholder", str(error)
        return
    if lost := wanted - own:
        yield "placeholder", f"put in {', '.join(f'{{{each}}}' for each in sorted(lost))}"
    if added := own - wanted:
        yield "placeholder", f"take out {', '.join(f'{{{each}}}' for each in sorted(added))}"
    if key in buttons and (length := len(re.sub(r"\{\w+\}", "", told))) > buttons[key]:
        yield "long", f"a button holds {buttons[key]} characters, and this has {length}"
    if key.startswith("command.") and len(told) > DESCRIPTION_LIMIT:
        yield "long", f"a command's description has at most {DESCRIPTION_LIMIT} characters, and this has {len(told)}"
    if name in CHAT and len(told) > MESSAGE_LIMIT:
        yield "long", f"a sentence in the chat has at most {MESSAGE_LIMIT} characters, and this has {len(told)}"


def _wrong_words(language: str, key: str, told: str, own: _Folder) -> Iterator[tuple[Kind, str]]:
    """Find the mistakes in the words that people type for something."""
    words = () if told == LACKING else tuple(told.split("|"))
    if not words:
        if key not in MAY_LACK:
            yield "table", f"no language lacks this: give the words, not {LACKING}"
        return
    if not all(word.strip() for word in words):
        yield "table", "there is nothing between two bars"
    if key in COUNTED and len(words) != COUNTED[key]:
        yield "table", f"it has {COUNTED[key]} entries between bars, and this has {len(words)}"
    if key == "reading.month_first" and told not in ("yes", "no"):
        yield "table", "it is yes or no"
    if key.startswith("named."):
        yield from _wrong_command(language, key, words)
    if key == "emergency.says":
        yield from _wrong_cry(words, own.sentences)


def _wrong_command(language: str, key: str, words: Collection[str]) -> Iterator[tuple[Kind, str]]:
    for word in words:
        if _COMMAND.fullmatch(word) is None:
            yield "command", f"Telegram takes a-z, 0-9 and _, at most 32, and not /{word}"
        for other in (each for each in LANGUAGES if each != language):
            for taken, theirs in tables(other).items():
                if taken.startswith("named.") and taken != key and word in theirs.split("|"):
                    yield "command", f"/{word} is {taken} in {other}: choose another word"


def _wrong_cry(phrases: Collection[str], sentences: Mapping[str, str]) -> Iterator[tuple[Kind, str]]:
    for phrase in phrases:
        for name in re.findall(r"\{(.*?)\}", phrase):
            if name not in _LISTS:
                yield "emergency", f"{{{name}}} is none of {', '.join(f'{{{each}}}' for each in _LISTS)}"
            elif sentences.get(f"emergency.{name}", LACKING) == LACKING:
                yield "emergency", f"{{{name}}} stands for words that emergency.{name} lacks"
