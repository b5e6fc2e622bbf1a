"""Ages by what touches their number: a sex ("15F"), a ten of years ("her 50s"), an ordinal ("her 15th birthday")."""

from collections.abc import Sequence

from conversations.session.reading.vocabulary import known_words
from conversations.session.safeguards.counted import is_uncounted
from conversations.session.safeguards.words import OLDEST, SOMEBODY, Is, Token

LEAST_BESIDE = 10
"""The youngest age that may touch a sex: "9F/5M" are counts."""


def is_with_sex(tokens: Sequence[Token], position: int) -> bool:
    """ "15F", "(15/F)", "F15": a number and the sex of somebody, without a space."""
    if not 0 < int(tokens[position].text[:4]) < OLDEST:
        return False
    row = tokens[position : position + 3]
    if int(tokens[position].text[:4]) < LEAST_BESIDE or _are_counts_by_sex(tokens, position):
        return False
    if len(row) > 1 and row[1].folded == "f" and row[1].at == row[0].to:
        return True
    if len(row) > 2 and row[1].text == "/" and row[2].folded in ("f", "m"):
        return True
    before = tokens[position - 1] if position else None
    is_first = position == 1 or (position > 1 and not tokens[position - 2].is_word)
    return before is not None and is_first and before.folded in ("f", "m") and before.to == tokens[position].at


def _are_counts_by_sex(tokens: Sequence[Token], position: int) -> bool:
    """ "14F/12M"."""
    near = range(max(1, position - 4), min(len(tokens), position + 6))
    touching = {tokens[at].folded for at in near if tokens[at].at == tokens[at - 1].to and tokens[at - 1].is_number}
    return {"f", "m"} <= touching


def is_decade(tokens: Sequence[Token], position: int) -> bool:
    """ "In her 50s"."""
    row = tokens[position - 1 : position + 2] if position else []
    is_round = tokens[position].text[-1] == "0" and len(tokens[position].text) <= len("50")
    return len(row) == 3 and is_round and row[2].folded == "s" and bool(row[0].what & (SOMEBODY | Is.ABOUT | Is.ELDER))


def is_her_nth(tokens: Sequence[Token], position: int) -> bool:
    """ "They kept her 15th quiet": an ordinal of somebody that orders nothing."""
    if not position or tokens[position - 1].folded not in known_words("personal.his"):
        return False
    ahead = position + 1
    is_ordinal = ahead < len(tokens) and tokens[ahead].folded in known_words("personal.ordinal_ends")
    if not is_ordinal or tokens[ahead].at != tokens[position].to:
        return False
    return len(tokens[position].text) <= len("99") and is_uncounted(tokens, ahead + 1)


def is_birthday(tokens: Sequence[Token], position: int) -> bool:
    """ "Her 15th birthday"."""
    before = [token for token in tokens[max(0, position - 3) : position] if not token.what & Is.LINK]
    if not before or not any(token.is_number or token.what & Is.ORDINAL for token in before[-2:]):
        return False
    return not any(token.is_number and len(token.text) > 2 for token in before)
