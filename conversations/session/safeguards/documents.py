"""Documents, accounts, plates and files by the word that stands beside their number, letters and all."""

import re
from collections.abc import Sequence
from functools import cache

from conversations.session.reading.vocabulary import any_phrase, known_words
from conversations.session.safeguards.groups import GROUPS, LEAST_OF_CODE, Number, all_years, is_date, is_year
from conversations.session.safeguards.words import NAME, SOMEBODY, Is, Token, read_words

LEAST_OF = {"personal.documents": 6, "personal.registered": 5, "personal.profile": 9}
"""Digits, and up to two letters, of the number of what is called so."""
VEHICLES = "personal.vehicles"
FILES = "personal.files"
BEHIND = 40
"""Characters before a number among which a word such as "phone" or "passport" is looked for."""
_LOCATOR = 6
"""Characters of the code of a ticket, which has letters between its digits: "QX7T2M"."""
_LEAST_OF_PLATE = 4


_FIGURE = re.compile(r"[0-9]")


def is_document(folded: str, about: int) -> bool:
    """Say whether a document, an account, a plate or a file is named and its number follows, letters and all."""
    if not _FIGURE.search(folded):
        return False
    for key, least in LEAST_OF.items():
        if any(_is_code(found, least) for found in _code_behind(key).finditer(folded)):
            return True
    if any(
        _is_code(found, _LEAST_OF_FILE) and _is_plate(found[2]) and not _MODEL.fullmatch(found[2])
        for found in _code_behind(VEHICLES).finditer(folded)
    ):
        return True
    least = LEAST_OF["personal.registered"]
    if about & Is.NUMBER and any(_is_code(found, least) for found in _numbered_far().finditer(folded)):
        return True
    if any(_is_code(found, LEAST_OF["personal.registered"]) for found in _code_ahead().finditer(folded)):
        return True
    if any(_is_code(found, _LEAST_OF_FILE) and _is_of_somebody(folded, found) for found in _file().finditer(folded)):
        return True
    if about & Is.BIRTH and _folio().search(folded):
        return True
    return _ending().search(folded) is not None or _registered_birth().search(folded) is not None


def _is_one(token: Token) -> bool:
    is_one = token.what & SOMEBODY and not token.what & Is.LINK and len(token.text) > 2 and token.folded[-1] != "s"
    return bool(is_one) and token.folded not in known_words(FILES)


def tells_secret(folded: str) -> bool:
    """Say whether a text tells what opens a phone or an account: "la clave es 4512", "password: luna05"."""
    return any(map(_is_secret, _secret().finditer(folded)))


def _is_secret(found: re.Match[str]) -> bool:
    digits, letters = sum(map(str.isdigit, found[1])), sum(map(str.isalpha, found[1]))
    if not letters:
        return digits >= _LEAST_OF_PLATE and not is_year(found[1]) and found[1].isdigit()
    return digits > 0 and letters >= LEAST_OF_CODE


@cache
def _secret() -> re.Pattern[str]:
    said = rf"(?::|=|\b{any_phrase('personal.appears')}\b)"
    words = r"(?:[^\W\d]+\W{1,2}){0,5}?"
    return re.compile(
        rf"\b{any_phrase('personal.secrets')}\b\W{{0,2}}(?:{words}{said}\W{{0,2}}|{words})([^\s,;]{{0,40}}[0-9][^\s,;%]{{0,40}})"
    )


_MODEL = re.compile(r"[a-z]{1,2}[0-9]{2,3}")
""" "Honda XL200"."""


def _is_plate(code: str) -> bool:
    """Say whether it begins with a letter, or has several: "A348812", "5VZFE1234567"; not "2018"."""
    return code[0].isalpha() or sum(map(str.isalpha, code)) > 1


def _is_code(found: re.Match[str], least: int) -> bool:
    """Say whether it is long enough, counting the letters in it too; and neither a count, nor a day, nor years."""
    number = Number(tuple(GROUPS.findall(found[2])), (), is_international=False)
    letters = sum(map(str.isalpha, found[2]))
    if all_years(number) or is_date(number) or _COUNTED.search(found[0]):
        return False
    if not letters and max(number.shape) < LEAST_OF_CODE and not _PAIRS.fullmatch(found[2]):
        return False  # a line of a budget: "2.2.4.1.01"
    if letters > 1 and len(number.digits) > 1 and found[2].isalnum() and len(found[2]) == _LOCATOR:
        return True
    return len(number.digits) >= LEAST_OF_CODE and len(number.digits) + min(letters, 2) >= least


@cache
def _file() -> re.Pattern[str]:
    return _code_behind(FILES)


@cache
def _file_words() -> re.Pattern[str]:
    return re.compile(rf"\b{any_phrase('personal.files')}\b")


def _is_of_somebody(folded: str, found: re.Match[str]) -> bool:
    """ "Expediente 2025-0417-NNA de la niña": the number of a file is one's own only beside its person."""
    between = read_words(found[1])
    if any(token.what & Is.VICTIM or _is_its_person(between, at) for at, token in enumerate(between)):
        return True  # "el expediente de la menor es 0456-2024", "nimewo dosye moun nan: TPI/2024/C-0447"
    said = folded[max(0, found.start() - BEHIND) : found.start(2)]
    *_, called = _file_words().finditer(said)
    if _is_beside_somebody(read_words(said[: called.start()])):
        return True
    end = found.end()
    row = read_words(folded[end : end + 40])[:_FILE_OF]
    if len(row) > 1 and row[0].text in "(=" and row[1].what & Is.LINK:  # "(la del salón de masajes)"
        return True
    return bool(row) and row[0].text not in ".;\n" and any(token.what & _OWNER for token in row)


def _is_its_person(between: Sequence[Token], at: int) -> bool:
    """ "De la señora", "moun nan": one person behind a small word, or in Creole before an article; not "interno"."""
    is_led = at > 0 and between[at - 1].what & Is.LINK
    is_followed = at + 1 < len(between) and between[at + 1].folded in ("a", "an", "la", "lan", "nan")
    return bool(is_led or is_followed) and _is_one(between[at])


def _is_beside_somebody(before: Sequence[Token]) -> bool:
    """ "La joven, expediente", "la niña (exp.": only signs stand between. Many have one file: "3 víctimas, caso"."""
    words = [token for token in before if token.is_word and token.what != Is.LINK]
    is_apart = bool(before) and before[-1].text in ",(:-"
    return is_apart and bool(words and words[-1].what & SOMEBODY) and not words[-1].folded.endswith("s")


def is_owned(behind: str) -> bool:
    """Say whether a number is somebody's: "829-374-0192 (su mamá)", "829-374-0192 de Yesenia"."""
    row = read_words(behind)[:_FILE_OF]
    if not row or not (row[0].text in "(=-,:" or row[0].what & Is.LINK or row[0].folded in ("de", "of")):
        return False
    end = next((at for at, token in enumerate(row) if token.text in ").;\n"), len(row))
    return any(map(_is_owner, row[:end]))


def _is_owner(token: Token) -> bool:
    """Say whether a word is of one person. A line of "mujeres" or of a place is public."""
    is_one = token.what & (_OWNER | NAME) and not token.what & Is.COMMON and not token.is_known
    return bool(is_one and not token.folded.endswith("s"))


_OWNER = Is.VICTIM | Is.PERSON | Is.TITLE
_FILE_OF = 5
"""Words behind the number of a file among which its person is looked for."""
_LEAST_OF_FILE = 5


_PAIRS = re.compile(r"[0-9]{2}([- ])[0-9]{2}\1(?:[0-9]{1,2}|[0-9]{2}\1[0-9]{2})")
""" "88-41-22", as hospitals number their patients."""
_COUNTED = re.compile(r"\b(?:de|of|for|para|pour|pou)\s[0-9]+$")
""" "La historia clínica de 12000 pacientes"."""


@cache
def _code_behind(key: str) -> re.Pattern[str]:
    """The words of this key, what stands between, and the code."""
    gap = r"(?:[^.;!?\n0-9]|(?<=\bno)\.|(?<=\bn)\.|(?<=\bnum)\.|(?<=\bnro)\.|(?<=\bref)\.|(?<=\bexp)\.)"
    longest = 50 if key == VEHICLES else 30
    masked = r"(?:[-./ ]?[x*]{2,4}){0,3}"
    begins = r"(?:[a-z]{1,6}[-./]){0,3}" if key == FILES else ""
    goes_on = rf"(?:{masked}[-./ ]{{0,3}}[a-z]{{0,4}}[-./ ]?[0-9])*"
    code = rf"{begins}[a-z]{{0,4}}[-./ #]?[0-9]{goes_on}[a-z]{{0,3}}(?:-[a-z]{{1,4}})?"
    return re.compile(rf"\b{any_phrase(key)}\b\.?({gap}{{0,{longest}}}?)(?<![a-z])({code})\b")


@cache
def _numbered_far() -> re.Pattern[str]:
    """ "El exequátur del médico que firmó, número 512-08": whose it is stands between a document and its number."""
    named = "|".join(map(any_phrase, ("personal.documents", "personal.registered")))
    number = rf"(?:{any_phrase('personal.number')}|n[o°]\.?)"
    return re.compile(
        rf"\b(?:{named})\b([^.;!?\n0-9]{{1,90}}?\b){number}\W{{1,3}}([a-z]{{0,4}}[-./ ]?[0-9][0-9./-]+[0-9])\b"
    )


@cache
def _code_ahead() -> re.Pattern[str]:
    """ "SC7214409 es su pasaporte": the code comes first. A count of passports has no letters."""
    named = "|".join(map(any_phrase, ("personal.documents", "personal.registered", VEHICLES)))
    code = r"[a-z]{1,4}-?[0-9]{5,}|[a-z]{1,3}-[0-9]{3,5}-[a-z]{1,3}"
    return re.compile(rf"(\b)({code})\W{{1,3}}(?:\w+\W{{1,2}}){{0,3}}(?:{named})\b")


@cache
def _ending() -> re.Pattern[str]:
    """ "Su cédula termina en 5678"."""
    keys = ("documents", "registered", "phone", "profile", "number")
    whose = "|".join(any_phrase(f"personal.{key}") for key in keys)
    ends, last = any_phrase("personal.ends_in"), r"(?!20[0-9]{2}(?![-0-9]))[0-9][0-9-]{2,6}"
    return re.compile(
        rf"\b{ends}\b[^;!?\n0-9]{{0,20}}\b(?:{whose})\W{{1,3}}[0-9]{{3,6}}\b|"
        rf"\b(?:{whose})\b[^;!?\n0-9]{{0,30}}\b{ends}\W{{1,3}}(?:\w+\W)?{last}\b"
    )


@cache
def _folio() -> re.Pattern[str]:
    return re.compile(rf"\b{any_phrase('personal.register_folio')}\b\D{{1,6}}[0-9]")


@cache
def _registered_birth() -> re.Pattern[str]:
    """ "Libro 12, folio 45", "acta 345 año 2003 oficialía 2"."""
    book, folio = any_phrase("personal.register_book"), any_phrase("personal.register_folio")
    number = r"\D{1,6}[0-9]+\W{1,3}(?:\w+ [0-9]{4}\W{1,3})?"
    return re.compile(rf"\b(?:{book}\b{number}{folio}|{folio}\b{number}(?:{book}|{folio}))\b\D{{1,6}}[0-9]")
