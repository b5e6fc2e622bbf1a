"""Where a sentence begins and ends among the tokens of a text. The stop of an abbreviation ends none."""

from collections.abc import Sequence
from typing import Final

from conversations.session.safeguards.words import NAME, SOMEBODY, Is, Token

ENDS = frozenset(".;!?\n")
"""What ends a sentence. A full stop after an initial or an abbreviation does not."""
_SHORT = 4
"""A word with this many letters or more may end a sentence. The full stop of a shorter word marks an abbreviation."""


def _is_whole(word: Token) -> bool:
    """Say whether a word is whole though it is short: "nan sèt ka. Mezi yo", "nan Sid. Ventè"."""
    if word.is_known or (word.is_upper and len(word.text) > 2 and not word.what & Is.TITLE):  # "con la PNC. Hoy"
        return True
    if word.is_capitalised and word.what & Is.COMMON and not word.what & Is.TITLE:
        return True
    return word.text.islower() and word.what > 0 and not word.what & _NO_STOP


_NO_STOP = Is.TITLE | Is.STREET | Is.SHORTENED | Is.NUMBERED | Is.INSTITUTION | NAME
"""What a short word with a stop is besides the last of its sentence: "Sra. Peña", "ma. fca. liriano"."""


SIDE: Final = 64
"""Tokens on either side of a word that a rule looks at: rules ask for the sentence of nearly every word."""


def reach(tokens: Sequence[Token], at: int) -> tuple[int, int]:
    """The first position that a rule about this word looks at, and the one behind the last."""
    return max(0, at - SIDE), min(len(tokens), at + SIDE)


def sentence_of(tokens: Sequence[Token], position: int) -> tuple[int, int]:
    """The first token of the sentence that holds this position, and the one behind its last: SIDE from it at most."""
    first, last, (begin, end) = position, position + 1, reach(tokens, position)
    while first > begin and (tokens[first - 1].text not in ENDS or not ends_sentence(tokens, first - 1)):
        first -= 1
    while last < end and (tokens[last].text not in ENDS or not ends_sentence(tokens, last)):
        last += 1
    return first, last


def ahead(tokens: Sequence[Token], position: int, how_far: int) -> range:
    """The positions behind this one in its sentence, and less than so many words from it."""
    behind = range(position + 1, min(len(tokens), position + how_far))
    return range(position + 1, next((at for at in behind if ends_sentence(tokens, at)), behind.stop))


def ends_sentence(tokens: Sequence[Token], position: int) -> bool:
    """Say whether a sentence ends here. The stop of an abbreviation ends none: "Sra. Peña", "edif. 3"."""
    token = tokens[position]
    if token.text not in ENDS:
        return False
    if token.text != "." or position == 0 or not tokens[position - 1].is_word:
        return True
    if tokens[position - 1].what & Is.SHORTENED:  # "vict. 16 a."
        return False
    if position > 1 and tokens[position - 1].what & Is.YEARS and tokens[position - 2].is_number:
        return len(tokens[position - 1].text) > 1  # "15 an ak 20 an. Atik 11"
    if tokens[position - 1].what & Is.SAID:  # "Renunció una. Quedan ocho"
        return True
    before, behind = tokens[position - 1], tokens[position + 1] if position + 1 < len(tokens) else None
    if behind and behind.is_capitalised and behind.at > token.to and _is_whole(before):
        return True
    is_short = before.what & (Is.STREET if len(before.text) > _SHORT else Is.STREET | SOMEBODY)  # "Masc. 19 años"
    return len(before.text) >= _SHORT and not (behind and behind.is_number and is_short)


def begins(tokens: Sequence[Token], at: int) -> bool:
    """Say whether the word begins a sentence, where any word has a capital."""
    first, _ = sentence_of(tokens, at)
    return not any(token.is_word for token in tokens[_behind_bullet(tokens, first) : at])


def _behind_bullet(tokens: Sequence[Token], first: int) -> int:
    """ "b. Publicar", "c) Imprimir": a letter that numbers the words after it."""
    row = tokens[first : first + 2]
    is_bullet = len(row) == 2 and row[0].text.islower() and len(row[0].text) == 1 and row[1].text in ".)"
    return first + 2 if is_bullet else first
