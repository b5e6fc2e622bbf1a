"""The names of persons: by lists of names, by their shape, and by the words before them.

A list alone would miss people with a rare name, and a shape alone would refuse every ministry. So a word counts as a
name for one of three reasons: a list has it and no dictionary does; it stands beside another name; or it follows a word
that introduces a name.
"""

import re
from collections.abc import Sequence
from functools import cache

from conversations.session.reading.vocabulary import known_words, known_words_in
from conversations.session.safeguards.capitals import (
    is_after_places,
    is_in_row_of_places,
    is_located,
    is_place_of_row,
    is_seat,
    is_told_of_offices,
    may_be_acronym,
    may_be_place,
)
from conversations.session.safeguards.known import NOTHING, Known
from conversations.session.safeguards.namesakes import acts, feels, institutions
from conversations.session.safeguards.officials import Work, is_bare_name
from conversations.session.safeguards.victims import is_beside_victim, tells_of_one
from conversations.session.safeguards.words import (
    FILE_ENDINGS,
    NAME,
    SOMEBODY,
    Is,
    Token,
    begins,
    behind_phrases,
    is_place_too,
    read_words,
    sentence_of,
)

_CLEAR = Is.GIVEN | Is.SURNAME
_SHORT_NAME = 3
"""Letters of a given name that is cut short."""
_LETTERS = 4
"""Capital letters that a word has at least if it may be a name among small ones: shorter ones are acronyms."""

_LANDS = frozenset({"US", "UN", "EU", "DR", "RD", "EUA", "USA", "UK", "ONU", "OEA", "UE", "SA", "PS", "PD"})
"""Letters with stops that nobody is called by."""
_NOUN = re.compile(
    r"(?:cion|ciones|idad|idades|miento|mientos|ismo|logia|encias?|ancias?|torios?|tari[oa]s?|tivos?|tivas?|ales"
    r"|tions?|ness|ship|ments?|ology|ing|ings|ists?|ites?|isme|logie|ement|syon|sman|(?:n|l|gu)ese|[bdl]ian|ssian|rainian|[bmr]anian|ean)$"
)
"""How abstract nouns and adjectives end, which titles and offices write with a capital: "Encuesta", "Reforzamiento"."""
_WITHIN = re.compile(r"[a-z][A-Z]")
_PARTS = re.compile(r"[A-Z][^A-Z]+")
_BLENDED = re.compile(r"^(?:pro|aso|inter|cona|fedo|fedec|poli|infa|funda|coop)...|(?:tur|mex|net)$")
"""Parts of one-word names that are not a person's: "Politur", "Profamilia", "Asonahores"."""


def named(folded: str, tokens: Sequence[Token], about: int, known: Known, *, strict: bool) -> bool:
    """Say whether a text names a person. Without `strict`, only somebody who is called a victim there, or introduced.

    The name of an official stands in any ordinary report. `about` are the meanings of all its words together.
    """
    introduced = [at for at in behind_phrases("personal.names", tokens) if not _is_thing_named(tokens, at)]
    if strict and introduced:
        return True
    if not strict and not introduced and not _may_name_victim(tokens, about):
        return False
    if (
        strict
        and about & (Is.TITLE | Is.PERSON)
        and any(token.what & (Is.TITLE | Is.PERSON) and _is_always_named(tokens, at) for at, token in enumerate(tokens))
    ):
        return True
    evidence = _evidence(tokens, known, introduced)
    if strict:
        return bool(evidence)
    return any(_is_of_victim(tokens, at, introduced) for at in evidence)


def named_in_private(tokens: Sequence[Token], known: Known, *, is_case: bool) -> bool:
    """Say whether a text names somebody who is not at work in it. Ordinary rules protect whoever that is.

    Where no case is told (`is_case`), a capital that nothing explains is a place or a brand sooner than a name. A name
    alone is what a form asked for.
    """
    if is_bare_name(tokens):
        return False
    introduced = [at for at in behind_phrases("personal.names", tokens) if not _is_thing_named(tokens, at)]
    found = _evidence(tokens, known, introduced)
    if not found:
        return False
    work = Work(tokens)
    is_told = is_case or tells_of_one(tokens)
    return any(
        not work.names(at, is_case=is_case)
        for at in found
        if is_told or _is_surely_name(tokens, at) or work.desk.is_personal or work.is_offender(at)
    )


def _is_surely_name(tokens: Sequence[Token], at: int) -> bool:
    """Say whether a list has the word as a name and nothing else, or a sign shows that it is somebody."""
    token = tokens[at]
    is_listed = token.what & (_CLEAR | Is.COINED) and not _is_elided(token)
    if is_listed and not token.what & Is.COMMON and not is_after_places(tokens, at):
        return True
    before = tokens[at - 1] if at else token
    if token.is_capitalised and before.is_capitalised and before.what & (Is.GIVEN | Is.GIVEN_WORD):  # "Faith Nekesa"
        return not begins(tokens, at - 1) or not before.what & Is.COMMON
    if token.is_capitalised and before.text == "a" and tokens[at - 2].folded not in known_words("personal.goes"):
        return True  # "le cobraban a Adamelis"
    return _is_titled(tokens, at) or any(sign(tokens, at) for sign in _SIGNS_BEHIND)


def _may_name_victim(tokens: Sequence[Token], about: int) -> bool:
    """Say whether a text speaks of a victim, or of several and has a sign beside which one of them is named."""
    is_one_of = about & Is.VICTIMS and any(token.text in ",:(" for token in tokens)
    return bool(about & Is.VICTIM or is_one_of)


def only_names(text: str) -> frozenset[str]:
    """Return the words of a text that a list of names has and no dictionary does."""
    return frozenset(token.folded for token in read_words(text, NOTHING) if token.what & _CLEAR)


def _is_always_named(tokens: Sequence[Token], at: int) -> bool:
    """ "Don cuchito": a title before a name alone, and a word of no table behind it, in small letters too."""
    behind = tokens[at + 1] if at + 1 < len(tokens) else None
    if behind is None or tokens[at].folded not in known_words("personal.strong_title"):
        return False
    if behind.text == "." and at + 2 < len(tokens):  # "mr. alhassan"
        at, behind = at + 1, tokens[at + 2]
    if behind.what & NAME and _is_new_small(tokens, at + 2):  # "madam joy osagie"
        return True
    return _is_new_small(tokens, at + 1)


def _is_new_small(tokens: Sequence[Token], at: int) -> bool:
    """Say whether a word in small letters is in no table."""
    if not 0 <= at < len(tokens):
        return False
    token = tokens[at]
    return token.text.islower() and len(token.text) > _SHORT_NAME and not token.what & ~NAME and not token.is_known


def _is_thing_named(tokens: Sequence[Token], at: int) -> bool:
    """ "La campaña se llama Corazón Azul"; "se llama a concurso"."""
    if at < len(tokens) and tokens[at].folded == "a":
        return True
    first, _ = sentence_of(tokens, max(0, at - 1))
    said = tokens[first:at]
    return any(token.what & (Is.THING | Is.INSTITUTION) for token in said) and not any(
        token.what & SOMEBODY for token in said
    )


def _is_of_victim(tokens: Sequence[Token], at: int, introduced: Sequence[int]) -> bool:
    if any(0 <= at - begin <= 2 for begin in introduced) or _is_said_victim(tokens, at):
        return True
    if is_beside_victim(tokens, at):
        return True
    words = 0
    for token in reversed(tokens[max(0, at - 5) : at]):
        if token.what & Is.VICTIM:
            return True
        if token.is_word and not token.what & (Is.LINK | Is.HAS):
            words += 1
        if words > 1 or token.text in ".;\n":
            return False
    return False


def _is_said_victim(tokens: Sequence[Token], at: int) -> bool:
    """ "Keila fue víctima de"."""
    for token in tokens[at + 1 : at + 5]:
        if token.what & Is.VICTIM:
            return True
        if not token.what & (Is.LINK | Is.HAS | NAME):
            return False
    return False


def _evidence(tokens: Sequence[Token], known: Known, introduced: Sequence[int]) -> list[int]:
    """Return the positions of the names."""
    shouted = sum(len(token.text) for token in tokens if token.is_upper and len(token.text) > 2)
    is_shouted = shouted > 0 and shouted * 2 > sum(len(token.text) for token in tokens if token.is_word)
    masked = institutions(tokens)
    found = []
    for at, token in enumerate(tokens):
        is_new = token.text.islower() and not token.what & ~NAME
        if is_new and (_is_cut_name(tokens, at) or _is_foreign_word(tokens, at)):
            found.append(at)
        may_be = token.what & NAME or token.is_capitalised or token.is_upper or token.what & Is.COINED
        if may_be and at not in masked and (_are_initials(tokens, at) or _is_compound(token)):
            found.append(at)
        if not may_be or at in masked or len(token.text) < 2:
            continue
        if _is_name_of_house(tokens, at):
            continue
        if token.is_known and not _is_titled(tokens, at) and not _is_place_of_kin(tokens, at):
            continue
        is_announced = at in introduced and (token.is_capitalised or token.what & NAME)
        if is_announced or _is_name(tokens, at, masked, known, is_shouted=is_shouted):
            found.append(at)
    return found


def _is_name_of_house(tokens: Sequence[Token], at: int) -> bool:
    """ "The Philip Goldson Highway": an English house or street that is called so."""
    end = at + 1
    while end < len(tokens) and tokens[end].is_capitalised and not tokens[end].what & (Is.INSTITUTION | Is.STREET):
        end += 1
    is_house = end < len(tokens) and tokens[end].is_capitalised and tokens[end].what & (Is.INSTITUTION | Is.STREET)
    return bool(is_house) and tokens[end].folded in _english_houses() and is_told_of_offices(tokens, at)


@cache
def _english_houses() -> frozenset[str]:
    return known_words_in("en", "personal.institution") | known_words_in("en", "personal.street")


def _is_cut_name(tokens: Sequence[Token], at: int) -> bool:
    """ "Rachidatou k. veut": a word of no table, a letter for the surname, and what only somebody does."""
    if _is_behind_letter(tokens, at) or _is_new_full_name(tokens, at):
        return True
    row = tokens[at + 1 : at + 4]
    if (
        tokens[at].what
        or len(row) < 3
        or len(tokens[at].text) <= _SHORT_NAME
        or not row[0].is_word
        or len(row[0].text) > 1
    ):
        return False
    return row[1].text == "." and bool(row[2].what & (Is.FEELS | Is.NOT))


def _is_foreign_word(tokens: Sequence[Token], at: int) -> bool:
    """ "La joven scarlet", "le dije a wadner": in small letters, and no Spanish word is spelled so."""
    token = tokens[at]
    if len(token.text) <= _LETTERS or token.is_known or not at or not _NOT_SPANISH.search(token.folded):
        return False
    if tokens[at - 1].what & SOMEBODY and not tokens[at - 1].what & Is.LINK:
        return tokens[at - 1].folded in _spanish_people()
    return at > 2 and tokens[at - 1].text == "a" and tokens[at - 3].folded in _TOLD


_NOT_SPANISH = re.compile(r"^s[bcdfghjkmnpqtv]|^w|sh|ph|th|[^aeou]y$|([abdfghijkmpqstuvwxyz])\1|[bcfghjkmpqtvwx]$")


_TOLD = frozenset({"le", "les"})


@cache
def _spanish_people() -> frozenset[str]:
    return known_words_in("es", "personal.person") | known_words_in("es", "personal.victim")


def _is_new_full_name(tokens: Sequence[Token], at: int) -> bool:
    """ "Victim adwoa serwaa says": two words of no table behind somebody, and what only somebody does."""
    is_pair = at > 0 and tokens[at - 1].what & SOMEBODY and _is_new_small(tokens, at) and _is_new_small(tokens, at + 1)
    return bool(is_pair) and at + 2 < len(tokens) and bool(tokens[at + 2].what & Is.FEELS)


def _is_behind_letter(tokens: Sequence[Token], at: int) -> bool:
    """ "The second accused, t. sookdeo, entered": the letter of a given name, behind somebody."""
    row = tokens[at - 3 : at] if at > 3 else []
    if len(row) < 3 or row[2].text != "." or not row[1].is_word or len(row[1].text) > 1 or row[0].text != ",":
        return False
    is_end = at + 1 < len(tokens) and tokens[at + 1].text in ",)."
    return is_end and bool(tokens[at - 4].what & (SOMEBODY | Is.TITLE)) and len(tokens[at].text) > _SHORT_NAME


def _is_name(tokens: Sequence[Token], at: int, masked: set[int], known: Known, *, is_shouted: bool) -> bool:
    token = tokens[at]
    what = token.what
    is_capital = token.is_capitalised and not is_shouted
    is_shouting = token.is_upper and len(token.text) >= _LETTERS
    if is_capital and what & NAME and _is_place_of_office(tokens, at):
        return False
    if token.text.islower() and (token.text.endswith("ó") or what & Is.THING):  # "se eligió", "23 lidè"
        return False
    if what & Is.GIVEN and not what & Is.COMMON and (is_capital or token.is_upper or not what & Is.LIMIT):
        if is_capital and (is_place_of_row(tokens, at) or is_seat(tokens, at)):
            return False
        is_cut = not is_shouted and at > 0 and tokens[at - 1].text == "del"  # "datos del SINAI"
        return not token.is_upper or (is_shouting and not is_cut and not may_be_acronym(tokens, at))
    if is_capital and what & _CLEAR == _CLEAR and _has_surname(tokens, at):
        return True  # "Manuel Peña": a French manual has no surname
    is_among_words = at > 0 and tokens[at - 1].text != "," and not begins(tokens, at)
    if is_capital and what & NAME and not what & _CLEAR and is_among_words and is_told_of_offices(tokens, at):
        return False  # "la Marina de Guerra", "General Santos"
    is_called = is_capital or is_shouting or (what & NAME and not what & Is.LINK)
    if is_called and _is_titled(tokens, at) and not what & (Is.COMMON | Is.THING):
        return True
    if what & Is.COINED and _is_unheard(token, known) and (is_capital or is_shouting or _is_led_to(tokens, at)):
        return True
    is_inside = at > 0 and tokens[at - 1].folded in _before_seats()  # "the court at Ho gave", "Lapolis Giyana di"
    if is_capital and not is_inside and _is_unheard(token, known) and any(sign(tokens, at) for sign in _SIGNS_BEHIND):
        return True
    if what & NAME and token.text.islower() and _is_in_slot(tokens, at):
        return True
    beside = _beside(tokens, at, masked)
    if what & NAME and what & Is.COMMON and is_capital and (_feels_at_once(tokens, at) or _is_met(tokens, at)):
        return True  # "Grace told", "interview Faith again"
    if what & NAME and is_shouting and not is_shouted and at and tokens[at - 1].what & (SOMEBODY | Is.TITLE):
        return True  # "caso ANGELITO"
    if what & (Is.COINED | Is.GIVEN) and _is_in_file_name(tokens):
        return True
    if _is_called_small(tokens, at):
        return True
    if what & Is.COINED and any(one.what & _CLEAR and not one.what & Is.COMMON for one in beside):
        return True  # "peralta, yudelka"
    if what & Is.COINED and begins(tokens, at) and at + 1 < len(tokens) and tokens[at + 1].what & (Is.NOT | Is.FEELS):
        return True
    if what & (NAME | Is.COINED) and token.text.islower() and _is_full_name_that_does(tokens, at):
        return True
    if not is_capital and not is_shouting and what & ~(NAME | Is.COINED | Is.LINK) and not what & _CLEAR:
        return False
    if what & NAME and not what & Is.COMMON:
        if (
            not token.is_upper
            and begins(tokens, at)
            and (_feels_at_once(tokens, at) or _is_subject_thatfeels(tokens, at))
        ):
            return True
        if what & _CLEAR and _is_after_initial(tokens, at - 1) and tokens[at - 1].text == ".":
            return True
        if token.is_capitalised and all(each is token or not each.is_word for each in tokens):
            return True
        weight = 2 if what & _CLEAR else 1
        if any(one.is_initial for one in beside) and (is_capital or is_shouting) and not what & Is.THING:
            return True
        for one in beside:
            if one.what & NAME and not one.what & Is.COMMON and not one.is_known:
                is_pair = (is_capital and one.is_capitalised) or (is_shouting and one.is_upper and not is_shouted)
                if weight + (2 if one.what & _CLEAR else 1) >= (2 if is_pair else 3 if not is_shouted else 4):
                    return True
            elif is_capital and one.is_capitalised and _is_unheard(one, known) and not may_be_place(tokens, at):
                return True
        if is_capital and what & Is.SURNAME and not begins(tokens, at) and not may_be_place(tokens, at):
            return True
    if is_capital and _is_unheard(token, known) and not _is_acronym(token):
        if _BLENDED.search(token.folded) or is_located(tokens, at):
            return False
        if is_seat(tokens, at):
            return False
        if may_be_place(tokens, at) or (not what & NAME and is_told_of_offices(tokens, at)):
            return False
        if _is_spoken_of(tokens, at):
            return True
        # In the middle of a sentence a capital that nothing explains is a name, whether a list has it or not.
        return len(token.text) > 2 and not begins(tokens, at)
    return False


def _is_place_of_office(tokens: Sequence[Token], at: int) -> bool:
    """ "The fiscalía de Loreto", "at the Kenya School": a name that is a place too, behind what leads to one."""
    before = tokens[at - 1] if at else None
    behind = tokens[at + 1] if at + 1 < len(tokens) else None
    is_in_row = (
        before is not None and before.text == "," and (behind is None or behind.what & Is.JOINS or behind.text in ",.")
    )
    is_led = is_in_row or (before is not None and before.what & (Is.LINK | Is.JOINS | Is.INSTITUTION))
    return bool(is_led) and is_place_too(tokens[at]) and is_told_of_offices(tokens, at)


@cache
def _before_seats() -> frozenset[str]:
    return known_words("personal.located") | known_words("personal.seat")


def _is_unheard(token: Token, known: Known) -> bool:
    """Say whether a capitalised word is unknown: not in the plan, not of an office, not a usual word of reports."""
    if _NOUN.search(token.folded) and not token.what & NAME:
        return False
    return not token.is_known and not token.what & ~(NAME | Is.TOWARDS | Is.COINED) and token.folded not in known.words


def _is_place_of_kin(tokens: Sequence[Token], at: int) -> bool:
    """ "Elías Piña, el padrastro de": who is called like a province begins the sentence, and who it is follows."""
    end = at
    while end + 1 < len(tokens) and tokens[end + 1].is_known:
        end += 1
    behind = tokens[end + 1 : end + 4]
    if not begins(tokens, at) or end == at or len(behind) < 3 or behind[0].text != ",":
        return False
    return bool(tokens[end].what & NAME and behind[1].what & Is.LINK and behind[2].what & SOMEBODY)


def _is_in_slot(tokens: Sequence[Token], at: int) -> bool:
    """ "Su prima santa la engañó", "la pequeña victoria llora", "acompañar a mercedes al", "for hope, the girl": a word
    that is a name too, in small letters, where only somebody can stand."""
    before, behind = tokens[at - 1] if at else None, tokens[at + 1] if at + 1 < len(tokens) else None
    if before is None:
        return False
    if before.what & (SOMEBODY | Is.ELDER) and not before.what & (Is.HAS | Is.LINK):
        if _has_surname_of_place(tokens, at):
            return True
        is_still = before.what & Is.VICTIM and behind is not None and behind.what & Is.NOT  # "el niño angelito sigue"
        return bool(is_still) or _does(tokens, at)
    if before.what & Is.TOWARDS and at > 1 and tokens[at - 2].what & Is.TOWARDS and len(tokens[at - 2].text) > _LETTERS:
        return behind is None or behind.folded in known_words("personal.contracted") or not behind.is_word
    if tokens[at].what & Is.MONTH and before.what & Is.LINK:  # "el dato de julio, la muchacha de"
        return False
    is_led = before.what & Is.TOWARDS or before.folded in known_words("personal.led_by")
    return bool(is_led) and behind is not None and behind.text == "," and _is_explained(tokens, at)


def _has_surname(tokens: Sequence[Token], at: int) -> bool:
    behind = tokens[at + 1] if at + 1 < len(tokens) else None
    if behind is None or not behind.is_capitalised or behind.what & Is.COMMON:
        return False
    return bool(behind.what & (Is.SURNAME | Is.SURNAME_WORD))


def _is_full_name_that_does(tokens: Sequence[Token], at: int) -> bool:
    """ "rosa flores aceptó entrar", "yorgelis rondón wants": a surname behind a first word, and what somebody does."""
    behind = tokens[at + 1] if at + 1 < len(tokens) else None
    is_pair = behind is not None and behind.what & (Is.SURNAME | Is.SURNAME_WORD) and not behind.is_known
    return bool(is_pair and begins(tokens, at) and at + 2 < len(tokens) and tokens[at + 2].what & Is.FEELS)


def _has_surname_of_place(tokens: Sequence[Token], at: int) -> bool:
    """ "La niña esmeralda de los santos": a surname that begins with small words."""
    row = [token.folded for token in tokens[at + 1 : at + 3]]
    is_led = row[:1] == ["de"] and row[1:] in (["la"], ["los"], ["las"])
    return is_led and at + 3 < len(tokens) and bool(tokens[at + 3].what & (Is.SURNAME | Is.SURNAME_WORD))


def _does(tokens: Sequence[Token], at: int) -> bool:
    """Say whether what only somebody does or suffers follows, over small words."""
    for token in tokens[at + 1 : at + 4]:
        if token.what & (Is.FEELS | Is.EVENT):
            return True
        if not token.what & (Is.LINK | Is.NOT | Is.MARKER):
            return False
    return False


def _is_titled(tokens: Sequence[Token], at: int) -> bool:
    """ "doña Milagros", "Mrs. Guillén"."""
    before = at - 1
    if before >= 0 and tokens[before].text == ".":
        before -= 1
    return before >= 0 and bool(tokens[before].what & Is.TITLE) and not _owns(tokens, before)  # "Captain's company"


def _is_spoken_of(tokens: Sequence[Token], at: int) -> bool:
    """ "la joven Nayeli", "caso de Nayeli", "llevar a Nayeli": the word after such a word is a person."""
    for before in range(at - 1, max(-1, at - 4), -1):
        token = tokens[before]
        if token.what & SOMEBODY:
            return True
        if token.what & Is.TOWARDS and before == at - 1:
            return True
        if not (token.what & (Is.LINK | Is.HAS | NAME) or token.text in ",:"):
            return False
    return False


def _are_initials(tokens: Sequence[Token], at: int) -> bool:
    """ "La menor Y.M.R.": letters with a stop each, at once behind somebody. "N.N." has no name."""
    row = [tokens[position] for position in range(at, min(at + 4, len(tokens)))]
    if len(row) < 3 or not (row[0].is_initial and row[1].text == "." and row[2].is_initial):
        return False
    letters = [token.text for token in row if token.is_initial]
    behind = at + 2 * len(letters) - 1
    if behind + 1 < len(tokens) and tokens[behind].text == ".":
        behind += 1
    while behind < len(tokens) and tokens[behind].what & Is.LINK and tokens[behind].text.islower():
        behind += 1
    if behind < len(tokens) and tokens[behind].is_initial and "".join(letters) not in _LANDS:  # "R.A. de la C."
        return True
    if "".join(letters) in _LANDS or letters == ["N", "N"]:
        return False
    before = at - 1
    while before > 0 and tokens[before].what & Is.LINK and not tokens[before].what & SOMEBODY:  # "caso de Y.M.R."
        before -= 1
    return (before >= 0 and bool(tokens[before].what & (SOMEBODY | Is.TITLE))) or feels(
        tokens, at + 2 * len(letters) - 1
    )


def _is_compound(token: Token) -> bool:
    """ "MariaPerez", as files are called."""
    parts = _PARTS.findall(token.text) if _WITHIN.search(token.text) else ()
    return len(parts) > 1 and all(_is_clear(part) for part in parts)


def _is_clear(part: str) -> bool:
    what = read_words(part)[0].what
    return bool(what & NAME and not what & Is.COMMON)


def _is_acronym(token: Token) -> bool:
    """ "MoU", "ToR": a short word with a capital inside."""
    is_cut = len(token.text) < _LETTERS and not token.text[1:].islower()
    return is_cut or (token.text[:2].isupper() and not token.is_upper)  # "MMujer"


def _is_called_small(tokens: Sequence[Token], at: int) -> bool:
    """ "Ti Frè": in Creole, how next to anybody is called."""
    behind = tokens[at + 1] if at + 1 < len(tokens) else None
    if tokens[at].text != "Ti" or behind is None or not behind.is_capitalised or behind.is_known:
        return False
    if is_in_row_of_places(tokens, at):  # "Pòdepè ak Ti Ans"
        return False
    return not behind.what & (Is.COMMON | Is.THING | Is.INSTITUTION | Is.PLANNED)


def _is_in_file_name(tokens: Sequence[Token]) -> bool:
    """ "cert. estudio nicauris2.jpg"."""
    return len(tokens) > 1 and tokens[-2].text == "." and tokens[-1].folded in FILE_ENDINGS


def _is_met(tokens: Sequence[Token], at: int) -> bool:
    """ "Interview Faith": the word after an act that is done with a person, in the middle of a sentence."""
    before, behind = tokens[at - 1] if at else None, tokens[at + 1] if at + 1 < len(tokens) else None
    is_met = before is not None and before.what & Is.TOWARDS and len(before.text) > _LETTERS
    return bool(is_met and not tokens[at].what & Is.MONTH and (behind is None or behind.text.islower()))


def _feels_at_once(tokens: Sequence[Token], at: int) -> bool:
    return at + 1 < len(tokens) and bool(tokens[at + 1].what & Is.FEELS)


def _is_subject_thatfeels(tokens: Sequence[Token], at: int) -> bool:
    """ "Espérance ap kriye"."""
    return at + 2 < len(tokens) and bool(tokens[at + 1].what & Is.MARKER and tokens[at + 2].what & Is.FEELS)


def _is_subject(tokens: Sequence[Token], at: int) -> bool:
    """ "Wilna ap tann": in Creole a thing has its article before the verb, and a name has none."""
    return at + 1 < len(tokens) and bool(tokens[at + 1].what & Is.MARKER)


def _is_led_to(tokens: Sequence[Token], at: int) -> bool:
    """ "la niña yuleisy", "caso de wilkin", "con yudelka": in small letters, behind a word that leads to somebody."""
    if tokens[at].text.endswith(("é", "ée")):  # "a organisé"
        return False
    is_elided = _is_elided(tokens[at]) or (at > 0 and tokens[at - 1].text == "ti")  # "ti lovensky"
    behind = tokens[at + 1 : at + 3]
    if at > 0 and tokens[at - 1].text in "-_:":  # "declaracion-yuleisy", "sobrev.: karolay"
        return True
    if len(behind) == 2 and behind[0].is_word and len(behind[0].text) == 1 and behind[1].text == ".":  # "carolay g."
        return True
    return is_elided or (at > 0 and bool(tokens[at - 1].what & (SOMEBODY | Is.TITLE | Is.TOWARDS | Is.LINK)))


def _is_elided(token: Token) -> bool:
    """ "d'Yvrose", "l'avis"."""
    return token.folded[1:2] == "'"


def _is_explained(tokens: Sequence[Token], at: int) -> bool:
    """ "Kelvin, hermano de", "Yvrose ak pitit li": who it is, or who is with them, follows a comma or an "and"."""
    if at + 2 >= len(tokens) or not (tokens[at + 1].text == "," or tokens[at + 1].what & Is.JOINS):
        return False
    return any(token.what & SOMEBODY and token.text.islower() for token in tokens[at + 2 : at + 4])


def _owns(tokens: Sequence[Token], at: int) -> bool:
    """ "Nadège's hearing"."""
    return tokens[at].text.endswith(("'s", "’s"))


_SIGNS_BEHIND = (feels, acts, _is_subject, _is_explained, _owns)
"""Signs after a word at the beginning of a sentence that show that its capital is that of a name."""


def _beside(tokens: Sequence[Token], at: int, masked: set[int]) -> list[Token]:
    """The words on both sides, over "de la", a comma after a surname, a hyphen and the stop of an initial."""
    found = []
    for step in (-1, 1):
        position = at + step
        for _ in range(3):
            if not 0 <= position < len(tokens):
                break
            token = tokens[position]
            if token.is_initial or (token.is_word and len(token.text) > 1 and not token.what & Is.LINK):
                if position not in masked:
                    found.append(token)
                break
            if token.is_word and len(token.text) == 1:  # an initial in small letters: "perla m. rodriguez"
                position += step
                continue
            if not (token.is_word or token.text in ".-,") or (
                token.text == "." and not _is_after_initial(tokens, position)
            ):
                break
            position += step
    return found


def _is_after_initial(tokens: Sequence[Token], position: int) -> bool:
    before = tokens[position - 1] if position > 0 else None
    is_cut = before is not None and len(before.text) <= _SHORT_NAME and before.what & NAME  # "ma. fca. liriano"
    return before is not None and before.is_word and (len(before.text) == 1 or bool(is_cut))
