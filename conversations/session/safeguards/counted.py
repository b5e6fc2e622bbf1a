"""What a number counts, if anything, and whose sentence it stands in."""

from collections.abc import Sequence

from conversations.session.reading.vocabulary import known_words
from conversations.session.safeguards.words import (
    NO_WORD,
    SOMEBODY,
    Is,
    Token,
    behind_phrases,
    meanings,
    number_at,
    number_from,
)

GUESSED = 2
"""The largest difference, in years, between two guesses of one person's age: "edad: 15-16"."""
OF = frozenset({"de", "del", "of"})


def is_of_office(tokens: Sequence[Token], first: int, position: int) -> bool:
    """Say whether the words before a position are of an office or a thing, and of nobody: "la ONU dice", "la meta"."""
    about, is_acronym = 0, False
    is_shouted = all(token.is_upper for token in tokens[first:position] if token.is_word and len(token.text) > 1)
    for token in tokens[first:position]:
        about |= token.what
        is_acronym = is_acronym or (token.is_upper and len(token.text) > 2 and not is_shouted)
    row = tokens[first : min(first + 2, position)]
    is_named = len(row) > 1 and row[0].what & Is.LINK and len(row[0].text) > 1 and row[1].what & Is.COMMON
    return not about & (SOMEBODY | Is.ELDER) and bool(is_acronym or is_named or about & (Is.THING | Is.INSTITUTION))


def guess_from(tokens: Sequence[Token], found: tuple[int, int]) -> tuple[int, int]:
    """The number and the position behind it; behind both if two of them are a guess: "14-15", "14 o 15", "14 a 15"."""
    value, end = found
    if end < len(tokens) and (tokens[end].text in "-/" or tokens[end].what & (Is.JOINS | Is.BETWEEN)):
        other = number_from(tokens, end + 1)
        if other is not None and 0 < other[0] - value <= GUESSED:
            return value, other[1]
    return found


def is_uncounted(tokens: Sequence[Token], ahead: int) -> bool:
    """Say whether a number stands for itself: the sentence goes on without a word that it could count."""
    if ahead >= len(tokens):
        return True
    behind = tokens[ahead]
    if any(behind_phrases("personal.percent", tokens[ahead : ahead + 2])):
        return False
    if behind.is_word and len(behind.text) == 1 and behind.at == tokens[ahead - 1].to:  # "9è a 1è"
        return False
    if behind.folded in known_words("personal.after_age") and number_at(tokens, ahead + 1) is None:
        return True
    if behind.text in ",." and ahead + 1 < len(tokens) and tokens[ahead + 1].is_number:
        return tokens[ahead + 1].at > behind.to  # not "2,500,000"
    if not behind.is_word:
        return not behind.is_number and behind.text not in "%/-:'’"
    if ahead + 1 < len(tokens) and tokens[ahead + 1].folded == "total":  # "15 en total"
        return False
    is_preposition = behind.folded in ("de", "of", "por", "for")
    return bool(behind.what & (Is.JOINS | Is.DURATION | Is.APART)) and not is_preposition


def word_behind(tokens: Sequence[Token], position: int) -> Token:
    """The next word behind a unit, over a hyphen."""
    for token in tokens[position + 1 : position + 3]:
        if token.is_word:
            return token
        if token.text != "-":
            break
    return NO_WORD


def next_word(tokens: Sequence[Token], position: int, number: int) -> Token:
    """The word at this distance before the position; an empty word if the text begins earlier."""
    for token in tokens[position + 1 :]:
        if token.is_word:
            number -= 1
            if not number:
                return token
        elif token.text != "-":
            break
    return NO_WORD


def comma_before(tokens: Sequence[Token], first: int, position: int) -> int:
    """The comma with which the words that were inserted before this comma begin; 0 if none were."""
    return next((at for at in range(position - 1, first, -1) if tokens[at].text == ","), 0)


def without_inserted(tokens: Sequence[Token], first: int, position: int) -> list[Token]:
    """The words of a sentence before a position, without what was inserted: "l'enfant, qui ne sait rien, doit"."""
    last = comma_before(tokens, first, position)
    begin = comma_before(tokens, first, last)
    return [*tokens[first:begin], *tokens[last:position]] if begin else list(tokens[first:position])


def is_in_place(tokens: Sequence[Token], position: int) -> bool:
    """ "Tifi nou te jwenn nan mache a": where it was is not who it is."""
    position -= 1
    while position > 0 and tokens[position].what & Is.LINK and tokens[position].folded not in _places():
        position -= 1
    return position >= 0 and tokens[position].folded in _places()


def _places() -> frozenset[str]:
    return known_words("personal.located")


def is_no_count(behind: Token) -> bool:
    """Say whether the words after "de 13" cannot be counted: "de 13 vendía".

    Things that are counted are in the plural.
    """
    if not behind.text.islower() or behind.folded.endswith(("s", "x")):
        return False
    other = SOMEBODY | Is.COMMON | Is.THING | Is.LINK | Is.BETWEEN | Is.MONTH | Is.YEARS | Is.MONTHS | Is.INSTITUTION
    return not behind.what & other


def is_cut(tokens: Sequence[Token], at: int) -> bool:
    """Say whether a letter stands for years or months: it touches its number, or ends the sentence or has a stop."""
    behind = tokens[at + 1] if at + 1 < len(tokens) else None
    is_fast = tokens[at].at == tokens[at - 1].to
    return (is_fast and tokens[at].folded == "a") if is_fast else behind is None or behind.text in ".,;)"


def is_said_of_somebody(tokens: Sequence[Token], first: int, position: int) -> bool:
    """ "Dice", "el pasaporte dice", "la mamá dice"; not "el informe dice": who or what says it is of one person."""
    if is_of_office(tokens, first, position):
        return False
    about = meanings(tokens[max(first, position - 6) : position])
    if about & Is.PLANNED and not about & SOMEBODY:
        return False
    return bool(about & (SOMEBODY | Is.FILED | Is.TITLE)) or position == first


def is_guess(tokens: Sequence[Token], position: int) -> bool:
    """ "Entre 14 y 15": a range of next to nothing is what somebody's age is thought to be."""
    one, other = number_at(tokens, position + 1), number_at(tokens, position + 3)
    is_joined = position + 2 < len(tokens) and tokens[position + 2].what & (Is.JOINS | Is.BETWEEN)
    return bool(is_joined and one is not None and other is not None and 0 < other - one <= GUESSED)
