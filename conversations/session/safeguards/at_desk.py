"""Who is named as people are who work together: by what they do, by what stands on a desk, in lists and signatures.

Colleagues are named without a post: "Ana manda la lista", "waiting for Kevin to sign". A victim may sign and send, too.
So all of this counts only in a text that tells nothing private of anybody.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property

from conversations.languages import LANGUAGES, phrases
from conversations.session.reading.text import fold
from conversations.session.reading.vocabulary import known_words
from conversations.session.safeguards.sentences import sentence_of
from conversations.session.safeguards.words import NAME, Is, Token, behind_phrases

_SMALL = 4
"""Small words between a name and its verb: "Ana ya no se lo ha enviado"."""
_NEAR = 4
"""How far behind the word for whom one dealt with a name begins, titles and posts between."""
_DASHES = frozenset("—–-")
_PRIVATE = Is.VICTIM | Is.VICTIMS | Is.PERSON | Is.EVENT | Is.FEELS | Is.BIRTH


class Desk:
    """What of a text shows that its people work together. Made once for each text that names somebody."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens

    @cached_property
    def _private(self) -> list[int]:
        return _private_words(self.tokens)

    @property
    def is_private(self) -> bool:
        """Say whether it tells what is told of people whom the plan protects."""
        return bool(self._private)

    @property
    def is_personal(self) -> bool:
        """Say whether it tells that of one of them, and nothing of an office."""
        is_of_one = any(not _is_of_several(self.tokens, at) for at in self._private)
        return is_of_one and not any(map(_is_of_desk, self.tokens))

    @cached_property
    def _dealt(self) -> frozenset[int]:
        return frozenset(behind_phrases("personal.dealt_with", self.tokens))

    @cached_property
    def _lists(self) -> frozenset[int]:
        return frozenset(behind_phrases("personal.attended", self.tokens))

    @cached_property
    def _regards(self) -> frozenset[int]:
        return frozenset(behind_phrases("personal.regards", self.tokens))

    def names(self, begin: int, end: int) -> bool:
        """Say whether the name between these positions is that of somebody at work."""
        if self.is_private:
            return False
        tokens = self.tokens
        first, last = sentence_of(tokens, begin)
        return (
            _has_title(tokens, first, begin, end)
            or _acts(tokens, first, begin, end, last)
            or any(map(_is_of_desk, tokens[first:last]))
            or any(at in self._dealt for at in range(max(first, begin - _NEAR), end))
            or self._is_listed(first, begin)
            or self._is_signed(begin, end)
        )

    def _is_listed(self, first: int, begin: int) -> bool:
        """ "Asistieron: Luis Peña, Carmen Rosario", "with: Sam and Grace"."""
        return any(
            at == begin or (self.tokens[at].text in ":(," and at < begin) for at in self._lists if first < at <= begin
        )

    def _is_signed(self, begin: int, end: int) -> bool:
        """ "— Luis Peña, OIM", "Atte. Ramona Disla": the last words of a text."""
        tokens = self.tokens
        if any(token.text.islower() and not token.what & Is.LINK for token in tokens[end:]):
            return False
        before = begin - 1
        if before >= 0 and tokens[before].text in _DASHES:
            return True
        while before >= 0 and not tokens[before].is_word:
            before -= 1
        return before + 1 in self._regards


def _is_of_desk(token: Token) -> bool:
    return token.folded in known_words("personal.desk")


def _has_title(tokens: Sequence[Token], first: int, begin: int, end: int) -> bool:
    return any(token.what & Is.TITLE for token in tokens[max(first, begin - 2) : end])


def _acts(tokens: Sequence[Token], first: int, begin: int, end: int, last: int) -> bool:
    """ "Ana ya lo ha enviado", "los revisó Katia"; not "le dijo a Ana que firme"."""
    if begin > first and tokens[begin - 1].text == "a":
        return False
    acts = _all_acts()
    for token in tokens[end : min(last, end + _SMALL)]:
        if token.folded in acts:
            return True
        if not (token.what & (Is.MARKER | Is.HAS | Is.LINK | Is.NOT) or token.folded in _auxiliaries()):
            break
    return begin > first and tokens[begin - 1].folded in acts_in("es")


@cache
def _auxiliaries() -> frozenset[str]:
    return known_words("personal.auxiliary") | known_words("personal.pronoun")


@cache
def _all_acts() -> frozenset[str]:
    return frozenset().union(*(acts_in(language) for language in LANGUAGES))


@cache
def acts_in(language: str) -> frozenset[str]:
    """Return what people do at work, in every tense, folded."""
    endings = dict(_endings(language))
    made = (form for verb in phrases(language, "personal.office_verbs") for form in _forms(fold(verb), endings))
    listed = (*phrases(language, "personal.office_acts"), *phrases(language, "personal.busy"))
    return frozenset((*made, *(fold(word) for word in listed)))


def _endings(language: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The ending of an infinitive → those of its other forms."""
    for told in phrases(language, "personal.verb_endings"):
        infinitive, _, others = told.partition("=")
        yield fold(infinitive), tuple(fold(other) for other in others.split("/"))


def _forms(verb: str, endings: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """ "Enviar" with "ar=a/an/ó" is "envia", "envian", "envio"."""
    yield verb
    infinitive = next((ending for ending in endings if verb.endswith(ending)), None)
    if infinitive is not None:
        stem = verb.removesuffix(infinitive)
        yield from (stem + ending for ending in endings[infinitive])


def _private_words(tokens: Sequence[Token]) -> list[int]:
    """Return where a text tells what is told of people whom the plan protects."""
    private, at_work = known_words("personal.private"), known_words("personal.also_at_work")
    return [
        at
        for at, token in enumerate(tokens)
        if (token.folded in private or (token.what & _PRIVATE and token.folded not in at_work))
        and not token.is_known
        and not token.what & (NAME & ~Is.GIVEN_WORD & ~Is.SURNAME_WORD)
    ]


def _is_of_several(tokens: Sequence[Token], at: int) -> bool:
    """ "Unidad de víctimas", "Rescued: 13"."""
    return bool(tokens[at].what & Is.VICTIMS) or (at + 1 < len(tokens) and tokens[at + 1].text == ":")
