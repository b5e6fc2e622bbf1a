"""Ages by what touches their number: a sex ("15F"), a ten of years ("her 50s"), an ordinal ("her 15th birthday")."""

from collections.abc import Sequence

from conversations.session.reading.vocabulary import known_words
from conversations.session.safeguards.counted import is_cut, is_no_count, is_uncounted
from conversations.session.safeguards.rules import ANY, Rule, Table
from conversations.session.safeguards.words import OLDEST, SOMEBODY, Is, Token, number_at, number_from, word_at

_LEAST_ABOUT = 10
"""The youngest age that is told about: "quince y pico"."""
ADULT = 18
"""Above it nobody is a minor: a limit sooner than an age."""
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


class Beside:
    """Somebody, and a number behind with nothing between but signs and small words. It may be a row of numbers."""

    def __init__(self, tokens: Sequence[Token], at: int, number: int, opening: str) -> None:
        self.tokens, self.at, self.opening = tokens, at, opening
        self.is_list = word_at(tokens, at + 1).text == ":"
        self.is_digits = tokens[number].is_number
        self.value, self.end = number_from(tokens, number) or (0, number)
        self.is_age = 0 < self.value < OLDEST
        self.next = word_at(tokens, self.end)
        self.is_joined = False
        self.last = self.end
        while word_at(tokens, self.last).what & Is.JOINS or (self.is_list and word_at(tokens, self.last).text == ","):
            other = number_from(tokens, self.last + 1)
            if other is None:
                break
            self.is_joined = bool(tokens[self.last].what & Is.JOINS)
            self.last = other[1]
        self.behind = word_at(tokens, self.last)


def is_beside(tokens: Sequence[Token], position: int, *, is_apart: bool = False) -> bool:
    """Say whether a number behind somebody counts nothing. With `is_apart` a sign must stand between: "l'aînée, 17"."""
    if _is_sex_of_counts(tokens, position):
        return False
    ahead, opening = position + 1, ""
    ahead += word_at(tokens, ahead).text == ":"
    while ahead < len(tokens) and not tokens[ahead].is_number:
        token = tokens[ahead]
        is_of = token.folded in ("de", "of", "d")
        if number_at(tokens, ahead) is not None and not (is_of and opening != "of"):
            break
        may_open = is_of or token.text in "(,/"
        if ahead - position > 4 or not (may_open or token.what & Is.ABOUT or _is_passed(tokens, position, ahead)):
            return False
        is_apart = is_apart and token.text not in "(,"
        if may_open:
            opening = "of" if is_of else token.text
        ahead += 1
    if is_apart or number_at(tokens, ahead) is None:
        return False
    beside = Beside(tokens, position, ahead, opening)
    return beside.is_age and bool(NUMBERS.verdict(beside, ANY))


def _is_passed(tokens: Sequence[Token], position: int, ahead: int) -> bool:
    """Say whether a stop may stand there, or a limit that is none: "un señor mayor de 80"."""
    token = tokens[ahead]
    if token.text == ".":
        return ahead == position + 1 or bool(tokens[ahead - 1].what & Is.ABOUT)
    is_elder = ahead == position + 1 and token.what & Is.LIMIT and token.what & Is.ELDER
    return bool(is_elder) and number_at(tokens, ahead + 2) != ADULT


def _is_before_guess(c: Beside) -> bool:
    return c.behind.folded in known_words("personal.after_age")


def _is_before_event(c: Beside) -> bool:
    return bool(c.behind.what & Is.EVENT) or c.behind.folded in known_words("personal.comes_from")


_CLOSING = {"(": (")",), ",": (",", ".", "a", "&", ";", ")", ""), "of": (), "/": ("", ".", ",")}
"""What follows an age behind each opening: the end of a text, too."""


def _is_alone_behind(tokens: Sequence[Token], at: int) -> bool:
    """ "Granmoun 71 kap mande", "fem 17 preg": what follows cannot be counted. "Caso 12 en proceso" is no age."""
    if at >= len(tokens):
        return True
    is_sex = tokens[at].folded in ("f", "m") and (at + 1 == len(tokens) or not tokens[at + 1].is_word)
    is_behind = tokens[at].folded in known_words("personal.after_age") and number_at(tokens, at + 1) is None
    return bool(tokens[at].what & Is.FEELS) or is_sex or is_behind or is_next_of_row(tokens, at)


def _is_sex_of_counts(tokens: Sequence[Token], position: int) -> bool:
    """ "9 F, 2 M"."""
    row = tokens[position + 1 : position + 4]
    is_between = position > 0 and tokens[position - 1].is_number and len(row) > 2 and row[1].is_number
    return bool(is_between) and tokens[position].folded in _SEXES and row[2].folded in _SEXES


_SEXES = frozenset({"f", "m"})


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
    if not is_ordinal or tokens[ahead].at != tokens[position].to or len(tokens[position].text) > len("99"):
        return False
    is_told = ahead + 1 < len(tokens) and bool(tokens[ahead + 1].what & Is.HAS)  # "her 18th is in June"
    return is_told or is_uncounted(tokens, ahead + 1)


def is_with_letter(tokens: Sequence[Token], position: int) -> bool:
    """ "16a, embarazada", "fem. 15a", "tiene 22a la joven": a number and the letter of years, and nothing it counts."""
    row = tokens[position : position + 3]
    if len(row) < 2 or row[1].folded != "a" or row[1].at != row[0].to:
        return False
    if not LEAST_BESIDE <= int(row[0].text[:4]) < OLDEST:  # "1a, 2a y 3a sesión"
        return False
    before = tokens[position - 1] if position else None
    is_had = before is not None and before.what & (Is.HAS | Is.TURNS)
    is_apart = before is None or before.text in ",(:-;\n" or is_had
    return bool(is_apart) and (len(row) < 3 or row[2].text in ",.);" or bool(is_had and row[2].what & Is.LINK))


def is_behind_pronoun(tokens: Sequence[Token], position: int) -> bool:
    """ "Ella 22", "ella 22 el 45": somebody, told by a pronoun alone, and a number that counts nothing."""
    found = number_from(tokens, position + 1)
    if tokens[position].folded not in known_words("personal.pronoun") or found is None or not 2 < found[0] < OLDEST:
        return False
    return is_uncounted(tokens, found[1]) or is_next_of_row(tokens, found[1])


def is_told_first(tokens: Sequence[Token], position: int) -> bool:
    """ "Quince tenía cuando", "16 she is", "kenz li te genyen": the age, and behind it that somebody has it."""
    found = number_from(tokens, position)
    if found is None or not 2 < found[0] < OLDEST:
        return False
    ahead = found[1] + (found[1] < len(tokens) and tokens[found[1]].text == ",")
    had, about, is_had = known_words("personal.had"), 0, False
    while ahead < len(tokens) and (_is_skipped(tokens[ahead]) or tokens[ahead].folded in had):
        is_had = is_had or tokens[ahead].folded in had
        about |= tokens[ahead].what
        ahead += 1
    if not (is_had and about & Is.HAS):
        return False
    row = tokens[ahead : ahead + 2]
    if is_uncounted(tokens, ahead) and not (row and row[0].what & Is.LINK and not row[0].what & Is.JOINS):
        return True
    if row and row[0].folded in known_words("personal.pronoun"):
        return True
    is_one_of = len(row) > 1 and row[0].folded in known_words("personal.one_of")
    return (len(row) > 1 and bool(row[0].what & Is.LINK and row[1].what & SOMEBODY)) or (
        is_one_of and row[1].folded in known_words("personal.relatives")
    )


def _is_skipped(token: Token) -> bool:
    is_small = token.what & (Is.HAS | Is.ABOUT | Is.MARKER) and not token.what & Is.LINK
    return bool(is_small) or token.folded in known_words("personal.nothing_more")


def is_baby(tokens: Sequence[Token], position: int) -> bool:
    """ "Bebé 3 m", "newborn, 10 d": a baby, and a number with the letter of months, weeks or days."""
    if tokens[position].folded not in known_words("personal.baby"):
        return False
    row = [token for token in tokens[position + 1 : position + 5] if token.text not in ",(:" and token.folded != "de"]
    return len(row) > 1 and row[0].is_number and len(row[0].text) < 3 and row[1].folded in _BABY_UNITS


_BABY_UNITS = frozenset({"m", "mo", "mos", "d", "w", "sem", "sems", "wk", "wks", "mes", "mwa", "j"})


def is_next_of_row(tokens: Sequence[Token], at: int) -> bool:
    """Say whether another person, and a number, follow: "la niña 12, el hermano 9"."""
    while at < len(tokens) and (tokens[at].text == "," or tokens[at].what & Is.JOINS):
        at += 1
    row = tokens[at : at + 2]
    if len(row) < 2 or not row[0].what & (Is.LINK | SOMEBODY):
        return False
    ahead = at + 2 if row[1].what & (SOMEBODY | Is.ELDER) else at + 1
    found = number_from(tokens, ahead)
    return found is not None and 2 < found[0] < OLDEST and is_uncounted(tokens, found[1])


def is_birthday(tokens: Sequence[Token], position: int) -> bool:
    """ "Her 15th birthday"."""
    before = [token for token in tokens[max(0, position - 3) : position] if not token.what & Is.LINK]
    if not before or not any(token.is_number or token.what & Is.ORDINAL for token in before[-2:]):
        return False
    return not any((token.is_number and len(token.text) > 2) or token.text in "-/" for token in before)


def is_labelled(tokens: Sequence[Token], position: int) -> bool:
    """ "V1 16, V2 19", "vict 1: 24": one of several, by number, and the age."""
    row = tokens[position + 1 : position + 5]
    if len(row) < 2 or not row[0].is_number or len(row[0].text) > 1:
        return False
    at = position + 2 + (row[1].text in ":=-,(")
    value, behind = number_at(tokens, at), tokens[at + 1] if at + 1 < len(tokens) else None
    is_unit = behind is not None and bool(behind.what & Is.YEARS or behind.text in ",/;.)")
    return value is not None and _LAST_LABEL < value < OLDEST and (behind is None or is_unit)


_LAST_LABEL = 4


_KIN = Is.ELDER | SOMEBODY


def _is_hour(tokens: Sequence[Token], position: int) -> bool:
    """ "Hasta las 5 el acusado"."""
    return position > 0 and bool(tokens[position - 1].what & Is.LINK) and tokens[position - 1].folded.endswith("s")


class Turned:
    """A number, and the words behind it that may say that somebody has just turned it."""

    def __init__(self, tokens: Sequence[Token], at: int, found: tuple[int, int]) -> None:
        self.tokens, self.at = tokens, at
        self.value, self.end = found
        self.one, self.other = word_at(tokens, self.end), word_at(tokens, self.end + 1)


def is_just_turned(tokens: Sequence[Token], position: int) -> bool:
    """Say whether the words behind a number tell that it is an age: "dieciocho recién cumplidos"."""
    found = number_from(tokens, position)
    return found is not None and bool(TURNED.verdict(Turned(tokens, position, found), ANY))


def _is_turned_over_small(c: Turned) -> bool:
    row = [token for token in c.tokens[c.end : c.end + 3] if not token.what & Is.LINK]
    is_turned = len(row) == 2 and row[0].what & (Is.HAS | Is.ABOUT) and row[1].what & Is.TURNS
    return bool(is_turned) and not c.one.what & Is.JOINS  # "pág. 14 y va fe de errata"


def _is_before_kin(c: Turned) -> bool:
    is_kin = c.one.what & Is.LINK and not c.one.what & Is.JOINS and c.other.what & _KIN
    if not is_kin or c.tokens[c.at].what & Is.LINK or _is_hour(c.tokens, c.at):
        return False
    third = word_at(c.tokens, c.end + 2)
    return not third.is_word or bool(third.what & Is.JOINS)


def _is_about(c: Turned) -> bool:
    """ "Cuarenta y tantos", "thirty-something", "50ish"."""
    some = next((n for n, token in enumerate((c.one, c.other), c.end) if token.what & Is.SOME), None)
    if some is None or c.value < _LEAST_ABOUT:
        return False
    return c.tokens[some].at == c.tokens[some - 1].to or is_uncounted(c.tokens, some + 1)


AGE, NO_AGE = True, False
# fmt: off
NUMBERS: Table[Beside, bool] = Table(
    Rule("a pronoun, and a colon", AGE, ANY,
         lambda c: c.is_list and c.tokens[c.at].folded in known_words("personal.his") and is_uncounted(c.tokens, c.end),
         "Ella: dieciseis. El: cuarenta y dos"),
    Rule("in words, and feels", AGE, ANY,
         lambda c: not (c.opening or c.is_digits) and c.value >= LEAST_BESIDE and c.next.what & Is.FEELS,
         "la niña quince quiere irse"),
    Rule("in words", NO_AGE, ANY, lambda c: not (c.opening or c.is_digits),
         "Acompañar a una sobreviviente a la audiencia"),
    Rule("a list of counts", NO_AGE, ANY, lambda c: c.is_list and not c.is_joined,
         "niña: 3, niño: 4"),
    Rule("in brackets", AGE, ANY, lambda c: c.behind.text == ")",
         "(víctima 22) llegó"),
    Rule("before a guess", AGE, ANY,
         lambda c: c.opening == "," and _is_before_guess(c) and number_at(c.tokens, c.last + 1) is None,
         "varón, 11 a., sin acompañante"),
    Rule("before a count", NO_AGE, ANY, lambda c: c.opening == "," and _is_before_guess(c),
         "Joven, 15 a 24 años"),
    Rule("with the letter of years", AGE, ANY, lambda c: c.behind.folded in ("a", "m") and is_cut(c.tokens, c.last),
         "femenina de 16a con embarazo"),
    Rule("at once behind", AGE, ANY,
         lambda c: not (c.opening or c.tokens[c.at].what & (Is.FILED | Is.LINK)) and _is_alone_behind(c.tokens, c.last),
         "granmoun 71 kap mande"),
    Rule('"of", and told', AGE, ANY,
         lambda c: c.opening == "of" and c.behind.what & Is.HAS and not c.behind.what & (Is.LINK | Is.BETWEEN),
         "a boy of 11 was found alone at the gate"),
    Rule('"of", and nothing counted', AGE, ANY, lambda c: c.opening == "of" and is_uncounted(c.tokens, c.last),
         "llegó con su hermanita de 6"),
    Rule('"of", and what is no thing', AGE, ANY, lambda c: c.opening == "of" and is_no_count(c.behind),
         "una venezolanita de 13 vendía en el semáforo"),
    Rule("a sex, and from where", AGE, ANY, lambda c: c.opening == "/" and _is_before_event(c),
         "f/15 from corozal"),
    Rule("closed by a sign", AGE, ANY, lambda c: c.behind.text in _CLOSING.get(c.opening, ("", ".", ",")),
         "woman, 34, from Haiti"),
)
TURNED: Table[Turned, bool] = Table(
    Rule("turned, over small words", AGE, ANY, _is_turned_over_small,
         "18 acabaditos de cumplir"),
    Rule("who has it follows", AGE, ANY, _is_before_kin,
         "de 19 la mayor"),
    Rule("about so old", AGE, ANY, _is_about,
         "wit = 50ish male"),
    Rule("turned", AGE, ANY,
         lambda c: c.one.what & (Is.HAS | Is.ABOUT) and c.other.what & Is.TURNS,
         "quince casi cumple en mayo"),
)
# fmt: on
