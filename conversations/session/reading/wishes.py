"""Several wishes in one message, and answers that come when nothing is asked.

People write as they speak: "no sirve, le doy al botón y nada"; "quiero mandar el reporte y ver lo de septiembre". As a
whole such a text is no phrase of the table, but its clauses are.
"""

import re
from functools import cache

from conversations.languages import LANGUAGES, phrases
from conversations.session.reading.spelled import beside_words
from conversations.session.reading.text import normalise
from conversations.session.reading.utterances import LONGEST, language_of, understood

ANSWER = 8
"""Words of an answer at the most. A longer text with a number in it says something else."""
BESIDE_A_NUMBER = 2
"""Words that an answer has beside each of its numbers at the most: "20 mujeres", "unas 45 mujeres"."""


def wishes(text: str, language: str) -> tuple[str, ...]:
    """Return the meanings of the clauses that are understood by themselves, in the order in which they were said.

    Nothing else may be said in such a clause. A greeting or thanks is no wish. Empty if the text has one clause.
    """
    clauses = _clauses(text, language_of(text, language)) if len(text) <= LONGEST else []
    if len(clauses) < 2:
        return ()
    found = (understood(clause, language) for clause in clauses)
    return tuple(dict.fromkeys(each.meaning for each in found if each and each.is_all and not each.is_polite))


def _clauses(text: str, language: str) -> list[str]:
    """The parts of a text between its marks and its words for "and"."""
    joined = "|".join(re.escape(word) for word in phrases(language, "reading.and_then"))
    parts = re.split(rf"[,.;:!?¡¿\n]+|\b(?:{joined})\b", text, flags=re.IGNORECASE)
    return [part for part in parts if normalise(part)]


def is_answer(text: str) -> bool:
    """Whether a text looks like the answer to a question that is not open: "230", "45 personnes dont 20 femmes"."""
    said = normalise(text).split()
    numbers = sum(word.isdecimal() for word in said)
    others = sum(len(word) > 3 and not word.isdecimal() and word not in beside_words() for word in said)
    is_short = 0 < len(said) <= ANSWER
    return is_short and (others <= BESIDE_A_NUMBER * numbers if numbers else _number_words().issuperset(said))


@cache
def _number_words() -> frozenset[str]:
    """The words that numbers are written with, in every language: "doce", "mil"."""
    keys = ("reading.numbers", "reading.thousand", "reading.million")
    told = (phrase for code in LANGUAGES for key in keys for phrase in phrases(code, key))
    return frozenset(word for phrase in told for each in phrase.split("/") for word in normalise(each).split())
