"""What is for and against a word as somebody's name: one table, read from top to bottom.

A list alone would miss people with a rare name, and a shape alone would refuse every ministry. So a word counts as a
name for one of three reasons: a list has it and no dictionary does; it stands beside another name; or what stands
around it shows that it is somebody.
"""

import re
from collections.abc import Sequence
from functools import cache

from conversations.session.reading.vocabulary import known_words, known_words_in
from conversations.session.safeguards.candidates import (
    LETTERS,
    SHORT_NAME,
    Candidate,
    Shape,
    is_after_initial,
    is_unheard,
)
from conversations.session.safeguards.capitals import (
    is_in_row_of_places,
    is_located,
    is_place_of_row,
    is_seat,
    is_told_of_offices,
    may_be_acronym,
)
from conversations.session.safeguards.namesakes import acts, feels
from conversations.session.safeguards.rules import Rule, Table
from conversations.session.safeguards.sentences import reach
from conversations.session.safeguards.words import (
    FILE_ENDINGS,
    NAME,
    NO_WORD,
    SOMEBODY,
    Is,
    Token,
    is_followed,
    is_place_too,
    read_words,
    word_at,
)

CLEAR = Is.GIVEN | Is.SURNAME
_SURNAMES = Is.SURNAME | Is.SURNAME_WORD
_COUNTRIES = frozenset({"US", "UN", "EU", "DR", "RD", "EUA", "USA", "UK", "ONU", "OEA", "UE", "SA", "PS", "PD"})
"""Letters with stops that nobody is called by."""
_TOLD = frozenset({"le", "les"})
_END = frozenset(",).")
_NOT_SPANISH = re.compile(r"^s[bcdfghjkmnpqtv]|^w|sh|ph|th|[^aeou]y$|([abdfghijkmpqstuvwxyz])\1|[bcfghjkmpqtvwx]$")
_WITHIN = re.compile(r"[a-z][A-Z]")
_PARTS = re.compile(r"[A-Z][^A-Z]+")
_BLENDED = re.compile(r"^(?:pro|aso|inter|cona|fedo|fedec|poli|infa|funda|coop)...|(?:tur|mex|net)$")
"""Parts of one-word names that are not a person's: "Politur", "Profamilia", "Asonahores"."""


def is_name(word: Candidate) -> bool:
    """Say whether the word is the name of a person."""
    return REASONS.verdict(word, word.what | word.shape) or False


# ------------------------------------------------------------------ in small letters, and in no table
def _is_behind_letter(c: Candidate) -> bool:
    row = c.tokens[c.at - 3 : c.at] if c.at > 3 else []
    if len(row) < 3 or row[2].text != "." or not row[1].is_word or len(row[1].text) > 1 or row[0].text != ",":
        return False
    is_end = c.behind.text in _END and len(c.token.text) > SHORT_NAME
    return is_end and bool(c.tokens[c.at - 4].what & (SOMEBODY | Is.TITLE))


def _is_new_full_name(c: Candidate) -> bool:
    """Say whether two words of no table stand behind somebody, and before what only somebody does."""
    if not c.before.what & SOMEBODY or not word_at(c.tokens, c.at + 2).what & Is.FEELS:
        return False
    return is_new_small(c.tokens, c.at) and is_new_small(c.tokens, c.at + 1)


def is_new_small(tokens: Sequence[Token], at: int) -> bool:
    """Say whether a word in small letters is in no table."""
    token = word_at(tokens, at)
    return token.text.islower() and len(token.text) > SHORT_NAME and not token.what & ~NAME and not token.is_known


def _is_before_letter(c: Candidate) -> bool:
    row = c.tokens[c.at + 1 : c.at + 4]
    if c.what or len(row) < 3 or len(c.token.text) <= SHORT_NAME or not row[0].is_word or len(row[0].text) > 1:
        return False
    return row[1].text == "." and bool(row[2].what & (Is.FEELS | Is.NOT))


def _is_behind_spanish(c: Candidate) -> bool:
    return c.before.folded in _spanish_people() and not c.before.what & Is.LINK


def _is_told(c: Candidate) -> bool:
    return c.before.text == "a" and word_at(c.tokens, c.at - 3).folded in _TOLD


def _is_foreign(c: Candidate) -> bool:
    return len(c.token.text) > LETTERS and not c.token.is_known and bool(_NOT_SPANISH.search(c.token.folded))


@cache
def _spanish_people() -> frozenset[str]:
    return known_words_in("es", "personal.person") | known_words_in("es", "personal.victim")


# ------------------------------------------------------------------ initials
def _has_initial_behind(c: Candidate) -> bool:
    behind = c.at + 2 * len(c.initials) - 1
    if behind + 1 < len(c.tokens) and c.tokens[behind].text == ".":
        behind += 1
    while behind < len(c.tokens) and c.tokens[behind].what & Is.LINK and c.tokens[behind].text.islower():
        behind += 1
    return word_at(c.tokens, behind).is_initial


def _are_behind_somebody(c: Candidate) -> bool:
    before = c.at - 1
    while before > 0 and c.tokens[before].what & Is.LINK and not c.tokens[before].what & SOMEBODY:
        before -= 1
    return bool(word_at(c.tokens, before).what & (SOMEBODY | Is.TITLE))


def _do_initials_feel(c: Candidate) -> bool:
    return feels(c.tokens, c.at + 2 * len(c.initials) - 1)


# ------------------------------------------------------------------ places and offices
def _is_place(c: Candidate) -> bool:
    return not is_titled(c.tokens, c.at) and not _is_place_of_kin(c)


def _is_in_row(c: Candidate) -> bool:
    return is_place_of_row(c.tokens, c.at)


def _is_seat(c: Candidate) -> bool:
    return is_seat(c.tokens, c.at)


def _is_cut(c: Candidate) -> bool:
    return not c.text.is_shouted and c.before.text == "del"


def _is_name_of_house(c: Candidate) -> bool:
    """Say whether an English house or street is called so."""
    end, (_, last) = c.at + 1, reach(c.tokens, c.at)
    houses = Is.INSTITUTION | Is.STREET
    while end < last and c.tokens[end].is_capitalised and not c.tokens[end].what & houses:
        end += 1
    house = word_at(c.tokens, end)
    is_house = house.is_capitalised and house.what & houses and house.folded in _english_houses()
    return bool(is_house) and is_told_of_offices(c.tokens, c.at)


@cache
def _english_houses() -> frozenset[str]:
    return known_words_in("en", "personal.institution") | known_words_in("en", "personal.street")


def _is_place_of_kin(c: Candidate) -> bool:
    """Say whether a place of a list begins the sentence, and a comma and who it is follow."""
    end, (_, last) = c.at, reach(c.tokens, c.at)
    while end < last and word_at(c.tokens, end + 1).is_known:
        end += 1
    behind = c.tokens[end + 1 : end + 4]
    if end == c.at or len(behind) < 3 or behind[0].text != "," or not c.begins:
        return False
    return bool(c.tokens[end].what & NAME and behind[1].what & Is.LINK and behind[2].what & SOMEBODY)


def _is_place_of_office(c: Candidate) -> bool:
    """Say whether it is a name that is a place too, behind what leads to one."""
    is_in_row = c.before.text == "," and (c.behind is NO_WORD or c.behind.what & Is.JOINS or c.behind.text in ",.")
    is_led = is_in_row or c.before.what & (Is.LINK | Is.JOINS | Is.INSTITUTION)
    return bool(is_led) and is_place_too(c.token) and is_told_of_offices(c.tokens, c.at)


def _is_word_of_offices(c: Candidate) -> bool:
    is_within = not c.what & CLEAR and c.at > 0 and c.before.text != "," and not c.begins
    return is_within and is_told_of_offices(c.tokens, c.at)


# ------------------------------------------------------------------ what a word is by itself
def _is_compound(token: Token) -> bool:
    parts = _PARTS.findall(token.text) if _WITHIN.search(token.text) else ()
    return len(parts) > 1 and all(_is_listed_alone(part) for part in parts)


def _is_listed_alone(part: str) -> bool:
    what = read_words(part)[0].what
    return bool(what & NAME and not what & Is.COMMON)


def _is_acronym(token: Token) -> bool:
    """ "MoU", "ToR": a short word with a capital inside."""
    is_cut = len(token.text) < LETTERS and not token.text[1:].islower()
    return is_cut or (token.text[:2].isupper() and not token.is_upper)  # "MMujer"


def is_elided(token: Token) -> bool:
    """ "d'Yvrose", "l'avis"."""
    return token.folded[1:2] == "'"


def _is_of_file(tokens: Sequence[Token]) -> bool:
    return len(tokens) > 1 and tokens[-2].text == "." and tokens[-1].folded in FILE_ENDINGS


# ------------------------------------------------------------------ what stands before and behind it
def is_titled(tokens: Sequence[Token], at: int) -> bool:
    """ "doña Milagros", "Mrs. Guillén"."""
    before = at - 1
    if before >= 0 and tokens[before].text == ".":
        before -= 1
    return before >= 0 and bool(tokens[before].what & Is.TITLE) and not _owns(tokens, before)  # "Captain's company"


def _is_called(c: Candidate) -> bool:
    is_called = c.is_capital or c.is_shouting or (c.what & NAME and not c.what & Is.LINK)
    return bool(is_called) and not c.what & (Is.COMMON | Is.THING) and is_titled(c.tokens, c.at)


def _is_led_to(c: Candidate) -> bool:
    """Say whether it stands behind a word that leads to somebody, in small letters."""
    if c.token.text.endswith(("é", "ée")):  # "a organisé"
        return False
    if c.before.text in _JOINED or is_elided(c.token) or c.before.text == "ti":  # "declaracion-yuleisy", "ti lovensky"
        return True
    behind = c.tokens[c.at + 1 : c.at + 3]
    if len(behind) == 2 and behind[0].is_word and len(behind[0].text) == 1 and behind[1].text == ".":  # "carolay g."
        return True
    return bool(c.before.what & (SOMEBODY | Is.TITLE | Is.TOWARDS | Is.LINK))


_JOINED = frozenset("-_:")


def _is_subject(tokens: Sequence[Token], at: int) -> bool:
    """ "Wilna ap tann": in Creole a thing has its article before the verb, and a name has none."""
    return bool(word_at(tokens, at + 1).what & Is.MARKER)


def _is_explained(tokens: Sequence[Token], at: int) -> bool:
    """ "Kelvin, hermano de", "Yvrose ak pitit li": who it is, or who is with them, follows a comma or an "and"."""
    if at + 2 >= len(tokens) or not (tokens[at + 1].text == "," or tokens[at + 1].what & Is.JOINS):
        return False
    return any(token.what & SOMEBODY and token.text.islower() for token in tokens[at + 2 : at + 4])


def _owns(tokens: Sequence[Token], at: int) -> bool:
    """ "Nadège's hearing"."""
    return tokens[at].text.endswith(("'s", "’s"))


SIGNS_BEHIND = (feels, acts, _is_subject, _is_explained, _owns)
"""Signs after a word at the beginning of a sentence that show that its capital is that of a name."""


def _is_behind_somebody(c: Candidate) -> bool:
    """Say whether a word that is a name too stands in small letters where only somebody can: behind "su prima"."""
    return bool(c.before.what & (SOMEBODY | Is.ELDER)) and not c.before.what & (Is.HAS | Is.LINK)


def _has_surname_of_place(c: Candidate) -> bool:
    row = [token.folded for token in c.tokens[c.at + 1 : c.at + 3]]
    return row in (["de", "la"], ["de", "los"], ["de", "las"]) and bool(word_at(c.tokens, c.at + 3).what & _SURNAMES)


def _is_taken_somewhere(c: Candidate) -> bool:
    if not _is_behind_act(c):
        return False
    return not c.behind.is_word or c.behind.folded in known_words("personal.contracted")


def _does(c: Candidate) -> bool:
    """Say whether what only somebody does or suffers follows, over small words."""
    return is_followed(c.tokens[c.at + 1 : c.at + 4], Is.FEELS | Is.EVENT, over=Is.LINK | Is.NOT | Is.MARKER)


def _is_behind_act(c: Candidate) -> bool:
    """ "Acompañar a": what is done with somebody, and what leads to them."""
    act = word_at(c.tokens, c.at - 2)
    is_led = c.before.what & Is.TOWARDS and act.what & Is.TOWARDS and len(act.text) > LETTERS
    return bool(is_led)


def _is_led_and_explained(c: Candidate) -> bool:
    if c.behind.text != "," or _is_behind_somebody(c) or _is_behind_act(c):
        return False
    if c.what & Is.MONTH and c.before.what & Is.LINK:  # "el dato de julio, la muchacha de"
        return False
    is_led = c.before.what & Is.TOWARDS or c.before.folded in known_words("personal.led_by")
    return bool(is_led) and _is_explained(c.tokens, c.at)


def _is_met(c: Candidate) -> bool:
    is_met = c.before.what & Is.TOWARDS and len(c.before.text) > LETTERS
    return bool(is_met) and not c.what & Is.MONTH and (c.behind is NO_WORD or c.behind.text.islower())


def _is_clear_and_has_surname(c: Candidate) -> bool:
    """Say whether it is a name that some language has as a word, before a surname: a French manual has none."""
    if c.what & CLEAR != CLEAR:
        return False
    return c.behind.is_capitalised and bool(c.behind.what & _SURNAMES) and not c.behind.what & Is.COMMON


def _is_full_name_that_feels(c: Candidate) -> bool:
    is_pair = c.behind.what & _SURNAMES and not c.behind.is_known
    return bool(is_pair and word_at(c.tokens, c.at + 2).what & Is.FEELS) and c.begins


def _is_feeling_subject(c: Candidate) -> bool:
    feels = c.behind.what & Is.MARKER and word_at(c.tokens, c.at + 2).what & Is.FEELS
    return bool(feels) and not c.token.is_upper and c.begins


def _is_other_word(c: Candidate) -> bool:
    is_written_so = not (c.is_capital or c.is_shouting)
    return is_written_so and bool(c.what & ~(NAME | Is.COINED | Is.LINK)) and not c.what & CLEAR


def _is_called_small(c: Candidate) -> bool:
    """Say whether it is how in Creole next to anybody is called."""
    if c.token.text != "Ti" or not c.behind.is_capitalised or c.behind.is_known:
        return False
    is_other = c.behind.what & (Is.COMMON | Is.THING | Is.INSTITUTION | Is.PLANNED)
    return not is_other and not is_in_row_of_places(c.tokens, c.at)  # "Pòdepè ak Ti Ans"


def _is_spoken_of(c: Candidate) -> bool:
    """Say whether a word before it, over small words, says that it is a person."""
    for before in range(c.at - 1, max(-1, c.at - 4), -1):
        token = c.tokens[before]
        if token.what & SOMEBODY or (token.what & Is.TOWARDS and before == c.at - 1):
            return True
        if not (token.what & (Is.LINK | Is.HAS | NAME) or token.text in ",:"):
            return False
    return False


# ------------------------------------------------------------------ beside another name
def _is_beside_clear(c: Candidate) -> bool:
    return any(one.what & CLEAR and not one.what & Is.COMMON for one in c.beside)


def _is_beside_initial(c: Candidate) -> bool:
    is_written_so = c.is_capital or c.is_shouting
    return is_written_so and not c.what & Is.THING and any(one.is_initial for one in c.beside)


def _may_be_other_name(one: Token) -> bool:
    return bool(one.what & NAME) and not one.what & Is.COMMON and not one.is_known


def _is_beside_name(c: Candidate) -> bool:
    """Say whether another name stands beside it, and both together weigh enough: a clear name is worth two."""
    return any(
        (2 if c.what & CLEAR else 1) + (2 if one.what & CLEAR else 1) >= _least_weight(c, one)
        for one in c.beside
        if _may_be_other_name(one)
    )


def _least_weight(c: Candidate, one: Token) -> int:
    is_pair = (c.is_capital and one.is_capitalised) or (c.is_shouting and one.is_upper and not c.text.is_shouted)
    return 2 if is_pair else 4 if c.text.is_shouted else 3


def _is_beside_odd(c: Candidate) -> bool:
    """Say whether another capital that nothing explains stands beside it, and both are no place."""
    odd = (
        one for one in c.beside if one.is_capitalised and not _may_be_other_name(one) and is_unheard(one, c.text.known)
    )
    return any(odd) and not c.may_be_place


FOR, AGAINST = True, False
# fmt: off
REASONS: Table[Candidate, bool] = Table(
    # In small letters, and in no table.
    Rule("behind the letter of a given name", FOR, Shape.NEW, _is_behind_letter,
         "The second accused, t. sookdeo, entered a plea of guilty"),
    Rule("a full name that nobody knows", FOR, Shape.NEW, _is_new_full_name,
         "victim adwoa serwaa says they took her phone"),
    Rule("before the letter of a surname", FOR, Shape.NEW, _is_before_letter,
         "rachidatou k. veut reprendre l'école"),
    Rule("no Spanish word, behind somebody", FOR, Shape.NEW, lambda c: _is_behind_spanish(c) and _is_foreign(c),
         "la joven scarlet espera"),
    Rule("no Spanish word, behind what is told", FOR, Shape.NEW, lambda c: _is_told(c) and _is_foreign(c),
         "le dije a wadner que viniera"),
    # Initials, and names in one word.
    Rule("of the name of an institution", AGAINST, Shape.MAY_BE, lambda c: c.at in c.text.masked,
         "charla liceo Salomé Ureña"),
    Rule("letters of a country", AGAINST, Shape.SHORT, lambda c: c.initials in _COUNTRIES,
         "el niño de R.D. fue referido"),
    Rule("initials and one more", FOR, Shape.SHORT, lambda c: c.initials and _has_initial_behind(c),
         "Se pidió información de R.A. de la C."),
    Rule("initials of nobody", AGAINST, Shape.SHORT, lambda c: c.initials == "NN",
         "La menor N.N. fue referida a CONADI"),
    Rule("initials behind somebody", FOR, Shape.SHORT, lambda c: c.initials and _are_behind_somebody(c),
         "viktim M.J. soti Wanament, li poko ka pale"),
    Rule("initials that feel", FOR, Shape.SHORT, lambda c: c.initials and _do_initials_feel(c),
         "J.P. no quiere declarar"),
    Rule("names in one word", FOR, Shape.MAY_BE, lambda c: _is_compound(c.token),
         "MariaPerez.jpg"),
    # Places, and names that are introduced.
    Rule("an English house or street", AGAINST, Shape.MAY_BE, _is_name_of_house,
         "The council inspected bars along the Philip Goldson Highway and in San Ignacio"),
    Rule("a place that a list has", AGAINST, Shape.MAY_BE, lambda c: c.token.is_known and _is_place(c),
         "WORKSHOP IN SAN JUAN COMPLETED"),
    Rule("introduced", FOR, Shape.MAY_BE,
         lambda c: c.at in c.text.introduced and (c.token.is_capitalised or c.what & NAME),
         "la niña se llama bella"),
    Rule("a place of offices", AGAINST, Shape.CAPITAL_NAME, _is_place_of_office,
         "La Xunta de Galicia concedió ayudas a entidades de Vigo, Lugo y Ferrol"),
    Rule("a verb in the past", AGAINST, Shape.SMALL_NAME | Is.COINED, lambda c: c.token.text[-1] == "ó",
         "Se eligió la nueva directiva de la Mesa de Diálogo y Participación."),
    Rule("a thing", AGAINST, Is.THING, lambda c: c.token.text.islower(),
         "Se 23 lidè legliz ki te patisipe nan seminè Jakmèl la."),
    # Given names.
    Rule("a given name in a row of places", AGAINST, Shape.GIVEN, lambda c: c.is_capital and _is_in_row(c),
         "The shelter took in 21 women from Samar and Leyte"),
    Rule("where an office is, like a given name", AGAINST, Shape.GIVEN, lambda c: c.is_capital and _is_seat(c),
         "Se instaló la mesa de Leticia con autoridades de Tabatinga y Santa Rosa"),
    Rule("short capitals", AGAINST, Shape.GIVEN, lambda c: c.token.is_upper and not c.is_shouting,
         "Lèt la pote nimewo MAE/DAJ/0552"),
    Rule('capitals behind "del"', AGAINST, Shape.GIVEN, lambda c: c.token.is_upper and _is_cut(c),
         "dato preliminar del SINAI"),
    Rule("an acronym", AGAINST, Shape.GIVEN, lambda c: c.token.is_upper and may_be_acronym(c.tokens, c.at),
         "orientation of departing workers at NAIA Terminal 1"),
    Rule("a given name", FOR, Shape.GIVEN, lambda c: True,
         "franchesca ya tiene su acta"),
    Rule("a word of one language, and a surname", FOR, Shape.CAPITAL_NAME, _is_clear_and_has_surname,
         "Manuel Peña"),
    Rule("a name that is a word, among offices", AGAINST, Shape.CAPITAL_NAME, _is_word_of_offices,
         "La mesa de la Marina de Guerra y la Fiscalía recibió el equipo del puerto"),
    # What stands around it says that it is somebody.
    Rule("behind a title", FOR, Shape.MAY_BE, _is_called,
         "mèt kay la se Msye Bazile"),
    Rule("the shape of a new name", FOR, Is.COINED,
         lambda c: c.is_unheard and (c.is_capital or c.is_shouting or _is_led_to(c)),
         "la venezolana dayerlin se fue"),
    Rule("it feels", FOR, Shape.CAPITAL, lambda c: feels(c.tokens, c.at) and c.has_place_for_sign,
         "Milagros no come desde ayer"),
    Rule("it moves", FOR, Shape.CAPITAL, lambda c: acts(c.tokens, c.at) and c.has_place_for_sign,
         "Zunga walked in"),
    Rule("it is a subject in Creole", FOR, Shape.CAPITAL, lambda c: c.behind.what & Is.MARKER and c.has_place_for_sign,
         "Moyiz ap tann"),
    Rule("who it is follows", FOR, Shape.CAPITAL, lambda c: _is_explained(c.tokens, c.at) and c.has_place_for_sign,
         "Jasmine and her baby ok"),
    Rule("it owns something", FOR, Shape.CAPITAL, lambda c: _owns(c.tokens, c.at) and c.has_place_for_sign,
         "Kamla's sister came to the office"),
    Rule("behind somebody, with a surname of small words", FOR, Shape.SMALL_NAME,
         lambda c: _is_behind_somebody(c) and _has_surname_of_place(c),
         "falta el informe psicologico de la niña esmeralda de los santos"),
    Rule("behind a victim, and does not", FOR, Shape.SMALL_NAME,
         lambda c: c.before.what & Is.VICTIM and c.behind.what & Is.NOT and _is_behind_somebody(c),
         "el niño angelito sigue en el hogar de paso"),
    Rule("behind somebody, and acts", FOR, Shape.SMALL_NAME, lambda c: _is_behind_somebody(c) and _does(c),
         "la pequeña victoria llora de noche"),
    Rule("taken somewhere", FOR, Shape.SMALL_NAME, _is_taken_somewhere,
         "acompañar a mercedes al juzgado el lunes"),
    Rule("led to, and explained", FOR, Shape.SMALL_NAME, _is_led_and_explained,
         "Please book a therapist for hope, the girl from last week's raid"),
    Rule("a word that is a name, and feels", FOR, Shape.CAPITAL_NAME,
         lambda c: c.what & Is.COMMON and c.behind.what & Is.FEELS,
         "Grace told the social worker she wants to go home"),
    Rule("a word that is a name, and is met", FOR, Shape.CAPITAL_NAME, lambda c: c.what & Is.COMMON and _is_met(c),
         "referred Grace to IBESR, file complete"),
    Rule("capitals behind somebody", FOR, Shape.SHOUTING,
         lambda c: c.what & NAME and not c.text.is_shouted and c.before.what & (SOMEBODY | Is.TITLE),
         "caso ANGELITO (menor) cerrado"),
    Rule("in the name of a file", FOR, Is.COINED | Is.GIVEN, lambda c: _is_of_file(c.tokens),
         "cert. estudio nicauris2.jpg"),
    Rule('called "Ti"', FOR, Shape.MAY_BE, _is_called_small,
         "Nou voye Ti Jo lopital, li te gen lafyèv"),
    Rule("the shape of a new name, beside a clear one", FOR, Is.COINED, _is_beside_clear,
         "peralta, yudelka - pendiente"),
    Rule("the shape of a new name, and feels", FOR, Is.COINED,
         lambda c: c.behind.what & (Is.NOT | Is.FEELS) and c.begins,
         "wilna says she was sold twice"),
    Rule("a full name that feels", FOR, Shape.SMALL_NAME | Is.COINED,
         lambda c: c.token.text.islower() and _is_full_name_that_feels(c),
         "yorgelis rondón wants to phone her kids"),
    Rule("another word in small letters", AGAINST, Shape.MAY_BE, _is_other_word,
         "timoun lekòl Sent Terèz penn yon miray sou waf Jeremi a"),
    # A list has it, and no dictionary of everyday words.
    Rule("a name that begins and feels", FOR, Shape.LISTED,
         lambda c: c.behind.what & Is.FEELS and not c.token.is_upper and c.begins,
         "Peña quiere irse"),
    Rule("a name that begins and feels, in Creole", FOR, Shape.LISTED, _is_feeling_subject,
         "Peña ap kriye"),
    Rule("behind the stop of an initial", FOR, Shape.LISTED,
         lambda c: c.what & CLEAR and c.before.text == "." and is_after_initial(c.tokens, c.at - 1),
         "m. peralta"),
    Rule("a name alone", FOR, Shape.LISTED,
         lambda c: c.token.is_capitalised and all(each is c.token or not each.is_word for each in c.tokens),
         "Peña"),
    Rule("beside an initial", FOR, Shape.LISTED, _is_beside_initial,
         "M. A. Guzmán es quien alquila los cuartos"),
    Rule("beside another name", FOR, Shape.LISTED, _is_beside_name,
         "firmó su tutora, Bienvenida Ogando"),
    Rule("beside a capital of no list", FOR, Shape.LISTED, lambda c: c.is_capital and _is_beside_odd(c),
         "Louisilia Petit-Homme pa touche depi 3 mwa"),
    Rule("a surname", FOR, Shape.LISTED,
         lambda c: c.is_capital and c.what & Is.SURNAME and not c.begins and not c.may_be_place,
         "la familia Lao pidió la ficha"),
    # In the middle of a sentence a capital that nothing explains is a name, whether a list has it or not.
    Rule("a capital that is explained", AGAINST, Shape.CAPITAL, lambda c: not c.is_unheard,
         "Report due on 30 November"),
    Rule("a short word with a capital inside", AGAINST, Shape.CAPITAL, lambda c: _is_acronym(c.token),
         "Next step send draft MoU to the legal dept by 30 June"),
    Rule("a brand", AGAINST, Shape.CAPITAL, lambda c: _BLENDED.search(c.token.folded),
         "25 ajan PoliFront resevwa liv la"),
    Rule("where something is", AGAINST, Shape.CAPITAL, lambda c: is_located(c.tokens, c.at),
         "The Regional Minister opened the child labour week at Techiman"),
    Rule("where an office is", AGAINST, Shape.CAPITAL, _is_seat,
         "Atelier à Sèmè-Kraké le 18/02"),
    Rule("where nobody is spoken of", AGAINST, Shape.CAPITAL, lambda c: c.may_be_place,
         "New cases came from Kitgum and Arua districts"),
    Rule("where offices are spoken of", AGAINST, Shape.CAPITAL,
         lambda c: not c.what & NAME and is_told_of_offices(c.tokens, c.at),
         "The Anti-Trafficking Council will visit Cedros and Icacos next month"),
    Rule("spoken of", FOR, Shape.CAPITAL, _is_spoken_of,
         "La víctima Sy espera"),
    Rule("a capital that nothing explains", FOR, Shape.CAPITAL, lambda c: len(c.token.text) > 2 and not c.begins,
         "RDV médecin – Clémence"),
)
# fmt: on
