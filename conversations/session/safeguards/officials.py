"""Who is named for what they do at work: ordinary reports may hold such names, and those of nobody else.

Victims and suspects are told of in any words, but an official is named by few: by the post, by the office, by an act of
office, or in thanks. So whoever has none of these beside the name is protected. So is whoever is called an offender, a
client or a neighbour there, or is told to be arrested or sentenced.
"""

from collections.abc import Iterator, Sequence

from conversations.session.reading.vocabulary import known_words, known_words_in
from conversations.session.safeguards.at_desk import Desk
from conversations.session.safeguards.sentences import reach, sentence_of
from conversations.session.safeguards.words import NAME, Is, Token, behind_phrases

_BESIDE = 3
"""How many words stand between a post and a name, places left out: "fiscal titular de La Vega, Lcda. Aura García"."""
_NEAR = 4
"""How far an arrest or a sentence of a court stands from the name."""
_ACRONYM = range(2, 9)
"""Letters of an office that is cut: "de la OIM", "(OIM)"."""
_HAD = frozenset({"had", "has", "tenia", "tiene", "was", "is", "were"})
"""Between somebody and whom something is done to."""
_IS = frozenset({"was", "is", "es", "fue", "era", "se", "te"})
"""Between a post and who has it, where it stands between them alone."""
_AGAINST = frozenset({"a", "contra", "of", "against"})
"""Behind them stands whom a court has heard: "presentó la acusación contra"."""
_KIN = frozenset({"padre", "hermana", "father"})
_OF = frozenset({"de", "del", "of"})
"""Between them and a child: "el padre del menor" is no priest."""
_BETWEEN = frozenset(",.-")
_WORDS = Is.NOT | Is.HAS | Is.MARKER | Is.FEELS | Is.EVENT | Is.SUFFERED | Is.LINK
"""What no name means. A text may be written in capitals: "TI DJO POKO JWENN PLAS"."""
_TITLE = 2
"""Letters of a title that is another word in small letters: "Me", "Dr"."""


class Work:
    """What of a text is about work. Made once for each text, as its names are asked one by one."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens = tokens
        self._thanked = frozenset(behind_phrases("personal.at_work", tokens))
        self._sentenced = tuple(behind_phrases("personal.sentenced", tokens))
        self._has_victims = any(token.what & (Is.VICTIM | Is.VICTIMS) for token in tokens)
        self.desk = Desk(tokens)

    def names(self, at: int, *, is_case: bool) -> bool:
        """Say whether the name at this position is told of somebody at work.

        Where a case is told (`is_case`), who signs or presents something may be a victim.
        """
        begin, end = self._row(at)
        first, last = sentence_of(self.tokens, at)
        if self.is_offender(at):
            return False
        return (
            self._is_led(first, begin, end)
            or self._is_post_near(first, begin, end, last)
            or (not is_case and not self.desk.is_private and self._acts(end, last))
            or self._is_of_office(begin, end, last, is_case=is_case)
            or self._is_house(begin, end)
            or (not is_case and self.desk.names(begin, end))
        )

    def _row(self, at: int) -> tuple[int, int]:
        """The whole name, and others in a row with it: "Amarilis Tió y Gregorio Sosa"."""
        tokens, begin, end = self.tokens, at, at + 1
        first, last = reach(tokens, at)
        while begin > first and _is_of_row(tokens, begin - 1, -1):
            begin -= 1
        while end < last and _is_of_row(tokens, end, 1):
            end += 1
        return begin, end

    def is_offender(self, at: int) -> bool:
        """ "El acusado Juan Pérez", "Juan Pérez, dueño del bar", "arrest of Juan Pérez": no post stands nearer."""
        tokens, (begin, end) = self.tokens, self._row(at)
        first, last = sentence_of(tokens, at)
        behind_it = range(end + 1, min(last, end + 1 + _BESIDE)) if end < last and _is_explained(tokens[end]) else ()
        if any(self._is_called_offender(tokens[each]) for each in behind_it):
            return True
        near = (*range(begin, end), *self._before(first, begin))
        who = next((each for each in near if self._is_called_offender(tokens[each]) or _is_post(tokens, each)), None)
        if who is not None and self._is_called_offender(tokens[who]):
            return True
        if who is not None and end < last and tokens[end].folded in known_words("personal.sentences"):
            return False
        return self._is_heard(first, begin, has_post=who is not None) or any(
            end < behind <= last and behind - end <= _NEAR and tokens[behind - 1].folded not in _AGAINST
            for behind in self._sentenced
        )

    def _is_heard(self, first: int, begin: int, *, has_post: bool) -> bool:
        """ "Condenaron a Juan Pérez", "Fue arrestado el coronel Peña"; not "el abogado del imputado, Lic. Peña"."""
        tokens = self.tokens
        if begin == first and first > 1 and tokens[first - 1].text == ":":  # "Arrested: Juan Pérez"
            begin, first = first - 1, max(0, first - _NEAR)
        least = begin
        while least > first and (tokens[least - 1].what & Is.LINK or _is_post(tokens, least - 1)):
            least -= 1
        if not has_post:
            least = min(least, max(first + 1, begin + 1 - _NEAR))
        return any(least <= behind <= begin for behind in self._sentenced)

    def _before(self, first: int, begin: int) -> Iterator[int]:
        """Yield where a word for whom a name is may stand before it: some words back, places left out."""
        counted = 0
        for at in range(begin - 1, first - 1, -1):
            token = self.tokens[at]
            yield at
            counted += not (_is_of_name(token) or token.what & Is.LINK or token.text in _BETWEEN)
            if counted > _BESIDE:
                return

    def _is_called_offender(self, token: Token) -> bool:
        """A driver is at work, but not where a victim or several are told of: "truck stopped, driver X, 9 minors"."""
        return is_offender(token) and (self._has_victims or token.folded not in known_words("personal.officials"))

    def _is_led(self, first: int, begin: int, end: int) -> bool:
        """ "Gracias a Starlin", "prepared by Ruth", "la licenciada": also behind a title."""
        return any(at in self._thanked for at in range(max(first, begin - 2), end))

    def _is_house(self, begin: int, end: int) -> bool:
        """ "Foyer Mère Delia", "the Gregorio Luperón school", "St. Mary's High"."""
        tokens = self.tokens
        if end < len(tokens) and tokens[end].folded in known_words_in("en", "personal.institution"):
            return True
        if tokens[end - 1].is_capitalised and tokens[end - 1].folded in known_words("personal.called_school"):
            return True
        shelters = known_words("personal.sheltered_in")
        named = tokens[max(0, begin - 1) : end]
        return any(token.what & Is.INSTITUTION or token.folded in shelters for token in named)

    def _is_post_near(self, first: int, begin: int, end: int, last: int) -> bool:
        """ "Fiscal adjunta Yohanna Bejarán", "Director Reyes", "Sandra Ruiz, coordinadora"; not "el juez oyó a Ana"."""
        tokens = self.tokens
        if any(_is_post(tokens, each) for each in range(begin, end)):
            return True
        for at in self._before(first, begin):
            token = tokens[at]
            if _is_post(tokens, at):
                return True
            is_object = token.text == "a" and at == begin - 1  # "encontró a Jean"
            is_same = token.folded in _IS and at > first and _is_post(tokens, at - 1)  # "trainer was Ms. Lee"
            is_apart = token.what & (Is.FEELS | Is.NOT | Is.JOINS) or token.folded in _HAD
            if is_object or (is_apart and not is_same):
                break
        if end < last and tokens[end].text not in ",(-":
            return _is_post(tokens, end)
        for at in range(end, min(last, end + 1 + _BESIDE)):
            if _is_post(tokens, at):
                return True
            if tokens[at].what & (Is.JOINS | Is.FEELS | Is.NOT):
                break
        return False

    def _acts(self, end: int, last: int) -> bool:
        """ "Rafaela Mota facilitó", "Jean Alexis te ouvri"."""
        acts = known_words("personal.office_acts")
        for at in range(end, min(last, end + 2)):
            if self.tokens[at].folded in acts:
                return True
            if not self.tokens[at].what & (Is.MARKER | Is.HAS | Is.LINK):
                return False
        return False

    def _is_of_office(self, begin: int, end: int, last: int, *, is_case: bool) -> bool:
        """ "Starlin, de tecnología", "Óscar el de compras", "Wanda en contabilidad", "Ms. Tolliver (IOM)"."""
        tokens, departments = self.tokens, known_words("personal.departments")
        of_office = known_words("personal.of_office")
        if any(token.folded in departments for token in tokens[begin + 1 : end]):
            return True
        at = end + (end < last and tokens[end].text in ",(")
        is_in_brackets = at < last and tokens[at - 1].text == "("
        if is_in_brackets and (
            _is_cut(tokens[at]) or tokens[at].what & Is.INSTITUTION or tokens[at].folded in departments
        ):
            return True
        if at + 1 < last and tokens[at].what & Is.LINK and tokens[at + 1].folded in of_office:
            at += 1
        if at >= last or tokens[at].folded not in of_office:
            return False
        while at < last and (tokens[at].what & Is.LINK or tokens[at].folded in of_office):
            at += 1
        if at == last:
            return False
        is_led = not is_case or tokens[end].text == "," or bool(tokens[begin].what & Is.TITLE)
        is_cut = _is_cut(tokens[at]) and is_led
        return is_cut or tokens[at].folded in departments


def is_bare_name(tokens: Sequence[Token]) -> bool:
    """Say whether a text is names and nothing else: a form asked for one, and nothing is told of anybody.

    "Testigo: Juan Pérez" and "Arrested: Juan Pérez" tell something, and so may capitals behind a colon.
    """
    if any(token.text == ":" for token in tokens) and all(token.is_upper for token in tokens if token.is_word):
        return False
    is_bare = all(
        (_is_of_name(token) or token.what & (Is.JOINS | Is.LINK) or not token.is_word) and not is_offender(token)
        for token in tokens
    )
    return is_bare and not any(behind_phrases("personal.sentenced", tokens))


def _is_cut(token: Token) -> bool:
    return token.is_upper and len(token.text) in _ACRONYM


def _is_post(tokens: Sequence[Token], at: int) -> bool:
    token = tokens[at]
    is_word = len(token.text) > _TITLE or token.is_capitalised
    if not is_word or token.folded not in known_words("personal.officials"):
        return False
    return not (token.folded in _KIN and at + 1 < len(tokens) and tokens[at + 1].folded in _OF)


def _is_explained(token: Token) -> bool:
    """Say whether the word behind a name begins to say who it is: "Juan Pérez, dueño", "Juan Pérez is the owner"."""
    return token.text in ",(-" or token.folded in _IS


def is_offender(token: Token) -> bool:
    """ "The trafficker", "the landlady": who is told of in a case and is neither a victim nor at work."""
    return token.folded in known_words("personal.offenders")


def _is_of_row(tokens: Sequence[Token], at: int, step: int) -> bool:
    if _is_of_name(tokens[at]):
        return True
    other = at + step
    is_between = tokens[at].text in _BETWEEN or tokens[at].what & Is.JOINS or tokens[at].folded in ("de", "del", "la")
    return bool(is_between) and 0 <= other < len(tokens) and _is_of_name(tokens[other])


def _is_of_name(token: Token) -> bool:
    return (
        token.is_capitalised
        or (token.is_upper and not token.what & _WORDS)
        or bool(token.what & Is.TITLE)
        or bool(token.what & NAME and not token.what & (Is.LINK | Is.COMMON))
    )
