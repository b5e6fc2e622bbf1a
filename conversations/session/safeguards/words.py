"""The words of a text, each with what the catalogues and the lists of names say about it.

One table holds every word that means something to the guard. It is made once, when somebody types the first text. Its
sources are `personal.*` in each `language.po`, and the lists of names, places and organisations beside this module.
Nothing in it is about a person.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

from conversations.languages import LANGUAGES, phrases, phrases_of_all
from conversations.session.reading.text import fold
from conversations.session.reading.vocabulary import MONTHS, NUMBERS, numbered
from conversations.session.safeguards.known import NOTHING, Known, known_of
from conversations.session.safeguards.misspelt import as_heard, misspelt


class Is:
    """The meanings that a word may have, as bits of an int. An enum would take most of the time of reading.

    Each name is that of its key in the catalogues: `Is.VICTIM` is `personal.victim`. Meanings that come from the lists
    of names, the months, or the shape of a word have no key: `GIVEN` to `SURNAME_WORD`, `MONTH`, `COINED`. `FILED` is
    the first word of a document, an account or a file, `UNDERLINED` that of the name of the sign "_", `SAID` is the
    word of a number, and `NUMBER` one for a number or for its end. `OF_ONE` is who or what has a number that is one
    person's: a prisoner, a bed.
    """

    VICTIM = 1 << 0
    PERSON = 1 << 1
    TITLE = 1 << 2
    THING = 1 << 3
    DURATION = 1 << 4
    LIMIT = 1 << 5
    HAS = 1 << 6
    TURNS = 1 << 7
    AGE = 1 << 8
    YEARS = 1 << 9
    MONTHS = 1 << 10
    OLD = 1 << 11
    LINK = 1 << 12
    JOINS = 1 << 13
    BETWEEN = 1 << 14
    INSTITUTION = 1 << 15
    COMMON = 1 << 16
    TOWARDS = 1 << 17
    BIRTH = 1 << 18
    EVENT = 1 << 19
    PLANNED = 1 << 20
    HOME = 1 << 21
    STREET = 1 << 22
    GIVEN = 1 << 23
    GIVEN_WORD = 1 << 24
    SURNAME = 1 << 25
    SURNAME_WORD = 1 << 26
    MONTH = 1 << 27
    FEELS = 1 << 28
    ABOUT = 1 << 29
    APART = 1 << 30
    ELDER = 1 << 31
    AGED = 1 << 32
    BESIDE = 1 << 33
    LANDMARK = 1 << 34
    NOT = 1 << 35
    COHORT = 1 << 36
    MARKER = 1 << 37
    NUMBERED = 1 << 38
    COINED = 1 << 39
    VILLAGE = 1 << 40
    ACCOUNTS = 1 << 41
    PROFILE = 1 << 42
    APPEARS = 1 << 43
    GRADE = 1 << 44
    STUDIES = 1 << 45
    ORDINAL = 1 << 46
    SOME = 1 << 47
    PENALTY = 1 << 48
    SPELLED_DOT = 1 << 49
    SPELLED_SLASH = 1 << 50
    AT_SIGN = 1 << 51
    MAIL_SERVICES = 1 << 52
    REPEATED = 1 << 53
    FILED = 1 << 54
    SHORTENED = 1 << 55
    LABEL = 1 << 56
    ROOM = 1 << 57
    SAID = 1 << 58
    SAYS = 1 << 59
    UNDERLINED = 1 << 60
    NUMBER = 1 << 61
    SECRETS = 1 << 62
    HOUSE = 1 << 63
    OF_ONE = 1 << 64
    SUFFERED = 1 << 65
    VICTIMS = 1 << 66


SOMEBODY = Is.VICTIM | Is.PERSON
NAME = Is.GIVEN | Is.GIVEN_WORD | Is.SURNAME | Is.SURNAME_WORD
_LISTS = {
    "given_names.txt": (Is.GIVEN, Is.GIVEN_WORD),
    "surnames.txt": (Is.SURNAME, Is.SURNAME_WORD),
}
_BY_FIRST_WORD = {
    **dict.fromkeys(
        ("personal.documents", "personal.registered", "personal.files", "personal.vehicles", "personal.register_folio"),
        Is.FILED,
    ),
    "personal.numbered_people": Is.OF_ONE,
    "personal.beds": Is.OF_ONE,
    "personal.plates": Is.OF_ONE,
    "personal.times": Is.REPEATED,
    "personal.ends_in": Is.NUMBER,
    "personal.secrets": Is.SECRETS,
    "personal.suffered": Is.SUFFERED,
    "personal.plural_digits": Is.REPEATED,
    "personal.spelled_underscore": Is.UNDERLINED,
}
"""Keys with phrases of several words: what the first word of each means."""
_TOKEN = re.compile(r"\b[yY][-/.][oO]\b|[^\W\d_]+(?:['’][^\W\d_]+)*|[0-9]+|[^\w\s]|\n|_")
_ELIDED = re.compile(r"^(?:[cdjlmnst]|qu)['’](?=[a-z])")
"""In French a small word is joined to the next word: "l'enfant", "d'avoir"."""
_ADJECTIVE_OF_YEARS = re.compile(r"aner[ao]s?$")
""" "Quinceañera", folded."""
_WITHOUT_ACCENT = {"ne": Is.BIRTH}
"""What a spelling does not mean that has lost no accent: "né" is born, "ne" is not."""
_POSSESSIVE = re.compile(r"['’]s$")
_COINED_LETTERS = 5
_LONGEST = 20
"""Letters of a long word: above it, few are no compound."""
_COINED = re.compile(
    r"^(?:y(?:v|or|ad|ir|ah|an|ar|as|ay|ei|el[aeiy]|en|eu|is|oh|ok|om|os|u[bdlmnrs])|w(?:il[bdfklmns]|is[lmn]|an[dn][aeily]|ood[lsn])"
    r"|dieu|jh|jean|juns|kei[lrs]|kel[vi]|kat(?:er|iu|h)|shei|nair|lisb|mick|mack[ei]|fritz|guer[dl]|ro[sz]e[lmn]"
    r"|shan[aeiy]|shak[eiy]|tyr[eo]|latoy|jama[lr]|mari[ls][aeo]|mayer|nay[aelor]|karol|wid(?:[lnm]|el))[a-z]+$"
    r"|(?:.lande|.lene|nnette|.lyn|elin|eis[iy]|eid[iy]|eir[iy]|anny|isha|anka|ners?on|enson|.inel|.nise|.mene|.elie"
    r"|.dine|etta|onela|issa|.sha|.nie|lys|ulka|elma|isley|andra|iskel|isbel|.bert|.linda|auris|airis|olay|oska|esly|ulky|ibel|ainy|oani|[aeio]rl[iy]ne?|leny|lenis|[di]elka|ilka|elys|lanny|randy|keisha|[aeou]nique|iqua|quan|aysha|ayla|eanna|iella|ensky|isline)$"
)
"""How new given names of the Dominican Republic and Haiti begin and end, and next to no other word does."""
_DIMINUTIVE = re.compile(r"c?it[ao]s?$")
_LONGEST_PLACE = 8
_IN_ONE_WORD = 30
"""Above this, only tens are one word in each language: "treinta y uno"."""
_SMALL = "ti"
"""In Creole, a word for somebody small is written as one or as two: "tifi", "ti fi"."""
OLDEST = 110
"""Above this, a number is not the age of a person."""
_CLOSE = 24
"""Characters between the beginnings of two words that stand beside each other."""
FILE_ENDINGS = frozenset((
    "jpg", "jpeg", "png", "heic", "webp", "pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "csv", "txt", "mp3",
    "mp4", "ogg", "opus", "m4a", "odt", "ods", "odp", "zip",
))  # fmt: skip


class Word(NamedTuple):
    """One spelling, wherever it stands. `folded` is without accents and in lower case."""

    text: str
    folded: str
    what: int
    is_word: bool
    is_number: bool
    is_capitalised: bool
    is_upper: bool


@lru_cache(maxsize=8_192)
def _word(text: str) -> Word:
    spelled = fold(text)
    folded = _POSSESSIVE.sub("", spelled)
    whole = _meaning(folded) | (_table().get(spelled, 0) if spelled != folded else 0)
    is_word, is_upper = text[0].isalpha(), _POSSESSIVE.sub("", text).isupper()  # "the DPP's office"
    is_capitalised = len(text) > 1 and text[0].isupper() and not is_upper
    what = (whole or _meaning(without_article(folded))) & ~_WITHOUT_ACCENT.get(text, 0)
    return Word(text, folded, what, is_word, text[0].isdecimal(), is_capitalised, is_upper)


def without_article(folded: str) -> str:
    """The word without what French joins to it: "l'ancien"."""
    return _ELIDED.sub("", folded)


def _meaning(folded: str) -> int:
    """Return what the table says about a word.

    For a diminutive that is not in the table, return whether it means a person: "vecinita". Also say whether a word has
    the shape of a new name.
    """
    table = _table()
    what = table.get(folded, 0)
    if not what and (ending := _DIMINUTIVE.search(folded)) and ending.start() > 1:
        stem = folded[: ending.start()]
        whole = table.get(stem, 0) | table.get(stem + ending[0].rstrip("s")[-1], 0)
        what = whole & SOMEBODY or (Is.GIVEN_WORD if whole & Is.GIVEN else 0)  # "hermanitos", "angelito"
    if not what and (years := _ADJECTIVE_OF_YEARS.search(folded)) and folded[: years.start()] in _numbers():
        return Is.AGED
    if what & ~NAME or len(folded) < _COINED_LETTERS:
        return what
    if len(folded) > _LONGEST and not what:  # several digits in one word, perhaps
        return Is.SAID
    is_coined = _COINED.search(folded) or (not what and as_heard(folded) in _names_heard())
    return what | (Is.COINED if is_coined else 0)


@cache
def _names_heard() -> frozenset[str]:
    """Given names that no dictionary has, as they are heard."""
    clear = (word for word in _lines("given_names.txt") if not word.endswith("*"))
    heard = (as_heard(word) for word in clear if is_named_only(word))
    return frozenset(sound for sound in heard if len(sound) >= _COINED_LETTERS)


def is_named_only(word: str) -> bool:
    """Say whether a word is a name and nothing else."""
    return not _table().get(word, 0) & ~NAME


class Token:
    """A word, a number or a sign of a text, and where it begins and ends there."""

    __slots__ = ("at", "folded", "is_capitalised", "is_known", "is_number", "is_upper", "is_word", "text", "to", "what")

    def __init__(self, word: Word, at: int, to: int) -> None:
        self.text, self.folded, self.what, self.is_word, self.is_number, self.is_capitalised, self.is_upper = word
        self.is_known = False
        """The plan, or the list of places, knows it as part of a name."""
        self.at = at
        self.to = to

    @property
    def is_initial(self) -> bool:
        return self.is_upper and len(self.text) == 1


NO_WORD = Token(Word("", "", 0, is_word=False, is_number=False, is_capitalised=False, is_upper=False), 0, 0)
"""What stands before the first word of a text and behind its last: without letters, without a meaning."""
_FOLDED = attrgetter("folded")


def word_at(tokens: Sequence[Token], at: int) -> Token:
    """Return the token at a position, also if it is outside the text."""
    return tokens[at] if 0 <= at < len(tokens) else NO_WORD


def position_of(tokens: Sequence[Token], offset: int) -> int:
    """Return where the token stands that holds or follows this character of the text; the last one, if none does."""
    return min(bisect_right(tokens, offset, key=attrgetter("to")), len(tokens) - 1)


def token_from(tokens: Sequence[Token], offset: int) -> int:
    """Return where the first token stands that begins here in the text, or later; one past the last if none does."""
    return bisect_left(tokens, offset, key=attrgetter("at"))


def meanings(tokens: Iterable[Token]) -> int:
    """Return the meanings of all these words together, as one mask."""
    about = 0
    for token in tokens:
        about |= token.what
    return about


def is_followed(tokens: Iterable[Token], what: int, *, over: int) -> bool:
    """Say whether the first of these words that does not mean one of `over` means `what`."""
    for token in tokens:
        if token.what & what:
            return True
        if not token.what & over:
            return False
    return False


def read_words(text: str, known: Known = NOTHING) -> list[Token]:
    """The tokens of a text, in order. Names that the plan or the lists of places and organisations know are marked."""
    tokens: list[Token] = []
    for found in _TOKEN.finditer(text):
        spelled = found[0]
        if spelled[-1] in "nN" and (fused := _fused(spelled))[1]:
            tokens += _split(found, *fused)
        else:
            tokens.append(Token(_word(spelled), *found.span()))
    if has_one_of(tokens, {_SMALL}):
        for before, token in pairwise(tokens):
            if before.folded == _SMALL:
                token.what |= _table().get(_SMALL + token.folded, 0)
    _mark_known(tokens, known)
    return tokens


def _split(found: re.Match[str], number: str, length: int) -> tuple[Token, Token]:
    at, middle, to = found.start(), found.start() + length, found.end()
    return Token(_word(number), at, middle), Token(_word(found[0][-_YEARS_JOINED:]), middle, to)


@lru_cache(maxsize=1_024)
def _fused(text: str) -> tuple[str, int]:
    """A number that is written as one word with its years ("kenzan", "dizan"), and the count of its letters there."""
    folded = fold(text)
    mask = _spoken_in().get((folded[-_YEARS_JOINED:], Is.YEARS), 0)
    for ending, heard in _JOINED_YEARS if mask else ():
        number = folded.removesuffix(ending) + heard
        if folded.endswith(ending) and any(mask & each for each, _ in _numbers().get(number, ())):
            return number, len(folded) - len(ending)
    return "", 0


_YEARS_JOINED = 2
"""Letters of "an", years in Creole."""
_JOINED_YEARS = (("zan", ""), ("an", ""), ("zan", "s"), ("van", "f"), ("tan", ""), ("ran", ""))
""" "Dezan", "kenzan", "dizan", "nevan", "ventan", "katran": how years begin where they are joined to a number, and what
sound of the number they change."""


def number_before(tokens: Sequence[Token], position: int, language: int) -> tuple[int, int] | None:
    """The number that ends right before this position, in figures or in words, and where it begins.

    `language` is a mask: a number word counts only beside a word of its own language ("de" is two in Creole alone).
    """
    last = position - 1
    if last >= 0 and tokens[last].text == "-":
        last -= 1
    if last < 0:
        return None
    token = tokens[last]
    if token.is_number:
        return (int(token.text), last) if len(token.text) <= 3 else None
    unit = _number(token, language)
    if unit is None:
        return None
    before = last - 1
    if unit < 10 and before >= 0 and tokens[before].folded in _joints() | {"-"}:
        before -= 1
    if unit < 10 and before >= 0 and (ten := _number(tokens[before], language)) and not ten % 10:
        return ten + unit, before
    return unit, last


def number_at(tokens: Sequence[Token], position: int) -> int | None:
    """The number that this one token is, in any language; None for another word."""
    if not 0 <= position < len(tokens):
        return None
    token = tokens[position]
    if token.is_number:
        return int(token.text) if len(token.text) <= 3 else None
    said = _numbers().get(token.folded)
    return said[0][1] if said else None


def number_from(tokens: Sequence[Token], position: int) -> tuple[int, int] | None:
    """The number that begins at this position, "cincuenta y dos" too, and the position behind it; None if none does."""
    value = number_at(tokens, position)
    if value is None:
        return None
    ahead = position + 1
    if tokens[position].is_number or not value or value % 10:
        return value, ahead
    if ahead < len(tokens) and tokens[ahead].folded in _joints() | {"-"}:
        ahead += 1
    unit = number_at(tokens, ahead)
    if unit is None or not 0 < unit < 10 or tokens[ahead].is_number:
        return value, position + 1
    is_one = _share_language(tokens[position], tokens[ahead])
    return (value + unit, ahead + 1) if is_one else (value, position + 1)


def _share_language(one: Token, other: Token) -> bool:
    """Say whether both are number words of one language: "de" is two in Creole alone."""
    return bool(languages_of_number(one) & languages_of_number(other))


def languages_of_number(token: Token) -> int:
    """The mask of the languages in which the word is a number."""
    spoken = 0
    for mask, _ in _numbers().get(token.folded, ()):
        spoken |= mask
    return spoken


def languages_of(token: Token, what: int) -> int:
    """The mask of the languages in which the word has one of these meanings."""
    return _spoken_in().get((token.folded, what), 0)


def has_one_of(tokens: Sequence[Token], words: Set[str]) -> bool:
    """Say whether one of these folded words is among the tokens."""
    return not words.isdisjoint(map(_FOLDED, tokens))


def behind_phrases(key: str, tokens: Sequence[Token]) -> Iterator[int]:
    """The position behind each phrase of a key, in any language; behind the last token if the text ends so."""
    ending_so = _phrases_by_last(key)
    if not has_one_of(tokens, ending_so.keys()):  # nearly always
        return
    for last in [at for at, token in enumerate(tokens) if token.folded in ending_so]:
        for phrase in ending_so[tokens[last].folded]:
            first = last + 1 - len(phrase)
            if first >= 0 and tuple(map(_FOLDED, tokens[first : last + 1])) == phrase:
                yield last + 1
                break


# ------------------------------------------------------------------ the tables, each made once
@cache
def _phrases_by_last(key: str) -> Mapping[str, tuple[tuple[str, ...], ...]]:
    """Last word → the phrases of a key that end so. A text is not searched for each of some hundred phrases."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for phrase in phrases_of_all(key):
        words = tuple(words_of(fold(phrase)))
        found.setdefault(words[-1], set()).add(words)
    return {last: tuple(each) for last, each in found.items()}


@cache
def _table() -> dict[str, int]:
    table = dict(_spelled())
    for word in _numbers():
        table[word] = table.get(word, 0) | Is.SAID
    return table


def is_new(word: str) -> bool:
    """Say whether no table has this word, but for the numbers."""
    return word not in _spelled()


@cache
def _spelled() -> dict[str, int]:
    """All words with a meaning, but for the numbers."""
    table: dict[str, int] = {}
    for name, (clear, also_word) in _LISTS.items():
        for line in _lines(name):
            word = line.rstrip("*")
            table[word] = table.get(word, 0) | (also_word if line.endswith("*") else clear)
    for name, what in vars(Is).items():
        for word in phrases_of_all(f"personal.{name.lower()}") if name.isupper() else ():
            table[fold(word)] = table.get(fold(word), 0) | what
    for key, what in _BY_FIRST_WORD.items():
        for phrase in phrases_of_all(key):
            word = words_of(fold(phrase))[0]
            table[word] = table.get(word, 0) | what
    for language in LANGUAGES:
        for word in numbered(language, MONTHS):
            if len(word) > 2:
                table[word] = table.get(word, 0) | Is.MONTH
    return table


@cache
def _spoken_in() -> dict[tuple[str, int], int]:
    spoken: dict[tuple[str, int], int] = {}
    for number, language in enumerate(LANGUAGES):
        for key, what in (("personal.years", Is.YEARS), ("personal.months", Is.MONTHS)):
            for word in phrases(language, key):
                spoken[fold(word), what] = spoken.get((fold(word), what), 0) | 1 << number
    return spoken


@cache
def _numbers() -> dict[str, tuple[tuple[int, int], ...]]:
    """Number word → its values, each with the mask of its language."""
    found: dict[str, list[tuple[int, int]]] = {}
    for number, language in enumerate(LANGUAGES):
        values = dict(numbered(language, NUMBERS))
        for key, first, apart in (("personal.tens", 20, 10), ("personal.twenties", 21, 1)):
            for position, spellings in enumerate(phrases(language, key)):
                values |= {fold(spelling): first + position * apart for spelling in spellings.split("/")}
        for word, value in values.items():
            found.setdefault(word, []).append((1 << number, value))
    told = [(word, said) for word, said in found.items() if said[0][1] < _IN_ONE_WORD or not said[0][1] % 10]
    for word, said in told:
        for typed in misspelt(word):
            if typed not in found and is_new(typed):
                found[typed] = said
    return {word: tuple(values) for word, values in found.items()}


def _number(token: Token, language: int) -> int | None:
    return next((value for mask, value in _numbers().get(token.folded, ()) if mask & language), None)


@cache
def _joints() -> frozenset[str]:
    """Between tens and units: "treinta y dos"."""
    return frozenset(fold(word) for word in phrases_of_all("personal.tens_and"))


@cache
def _places() -> Known:
    return known_of([*_lines("places.txt"), *_lines("divisions.txt"), *_lines("organisations.txt")])


def place_at(tokens: Sequence[Token], at: int) -> tuple[int, bool]:
    """The position behind the name of a place that begins here, whatever its capitals, 0 if none does; and whether it
    is wider than a part of a town.
    """
    places = _places()
    if tokens[at].folded not in places.lengths:
        return (at + 1, True) if tokens[at].folded in _also_places() else (0, True)
    row = [each for each in range(at, min(len(tokens), at + _LONGEST_PLACE)) if tokens[each].text != "-"]
    folded = [tokens[each].folded for each in row]
    if not (length := places.length_at(folded, 0)):
        return 0, True
    return row[length - 1] + 1, tuple(folded[:length]) not in _parts_of_towns().names


def quarter_at(tokens: Sequence[Token], at: int) -> int:
    """The position behind the name of a part of a town that begins here and may be a name as well; 0 if none does."""
    quarters = _quarters()
    if tokens[at].folded not in quarters.lengths:
        return 0
    folded = [token.folded for token in tokens[at : at + _LONGEST_PLACE]]
    length = quarters.length_at(folded, 0)
    return at + length if length else 0


@cache
def _quarters() -> Known:
    return known_of(_lines("quarters.txt"))


@cache
def _parts_of_towns() -> Known:
    return known_of(line for line in _lines("places.txt") if line.endswith("*"))


def is_place_too(token: Token) -> bool:
    """Say whether a name is also that of a place: "Kenya", "Loreto", "Kingston"."""
    return token.folded in _also_places() or _places().length_at([token.folded], 0) == 1


@cache
def _also_places() -> frozenset[str]:
    return frozenset(_lines("also_places.txt"))


def words_of(folded: str) -> list[str]:
    """The words of a folded phrase, as `read_words` takes them apart."""
    return [_POSSESSIVE.sub("", word) for word in _TOKEN.findall(folded)]


def _lines(name: str) -> list[str]:
    text = (files("conversations.session.safeguards") / name).read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _mark_known(tokens: Sequence[Token], known: Known) -> None:
    places = _places()
    words = [token for token in tokens if token.is_word]
    folded: list[str] = []
    for position, word in enumerate(words):
        is_of_plan, is_place = word.folded in known.lengths, word.folded in places.lengths
        if not (is_of_plan or is_place):
            continue
        folded = folded or [each.folded for each in words]
        length = known.length_at(folded, position) if is_of_plan else 0
        if is_place and (found := places.length_at(folded, position)) > length:
            length = found if found > 1 or _stands_alone(words, position) else length
        for token in words[position : position + length]:
            token.is_known = True


def _stands_alone(words: Sequence[Token], position: int) -> bool:
    """A place of one word is written with a capital, and no name of a person is beside it: "Josefina Peralta"."""
    place = words[position]
    if place.text[0].isupper() and _POSSESSIVE.search(place.text):  # "Nepal's Maiti checkpoints"
        return True
    beside = (words[each] for each in (position - 1, position + 1) if 0 <= each < len(words))
    return place.text[0].isupper() and not any(
        (word.is_capitalised or (word.is_upper and place.is_upper))
        and _may_be_name(word)
        and (word.what or word is not words[0])  # any first word has a capital: "Véhicules Nissan"
        and abs(word.at - place.at) < _CLOSE
        and not _is_next_place(word, place)
        for word in beside
    )


def _is_next_place(word: Token, place: Token) -> bool:
    """ "Azua, Peravia": another place of the same list. "Peralta Cabral" is not: nothing separates the two words."""
    gap = max(word.at, place.at) - min(word.to, place.to)
    is_place = word.is_known or word.folded in _places().lengths
    return is_place and (gap > 1 or not word.what | place.what)  # "Bénin-Nigeria": nobody is called so


def _may_be_name(word: Token) -> bool:
    return not word.what & Is.COMMON and (not word.what or bool(word.what & (NAME | Is.COINED)))
