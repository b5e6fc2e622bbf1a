"""Where somebody lives, exactly enough to be found."""

from collections.abc import Sequence

from conversations.session.safeguards.words import Is, Token, sentence_of


def address(tokens: Sequence[Token]) -> bool:
    """ "vive en la calle Sánchez 45": a word of living, and in the same sentence a street or what stands for one."""
    for at, token in enumerate(tokens):
        if not token.what & Is.HOME:
            continue
        _, last = sentence_of(tokens, at)
        if any(other.what & Is.STREET for other in tokens[at + 1 : last]):
            return True
    return False
