"""Warn authors of questions that nobody can answer, because the guard refuses every answer that the form accepts.

Many forms require a telephone, an e-mail or an identity number, with a constraint that accepts nothing else. The guard
refuses just that (docs/guard.md), so officers would meet a question they cannot pass. So each required text
question is tested with values that the guard refuses and with values that it accepts.
"""

import re
from collections.abc import Iterator
from itertools import chain

from conversations.authoring.trial import NOW, is_taken
from conversations.session import engine
from conversations.session.profiles import profile
from conversations.session.typed import withheld_kind
from conversations.xforms.evaluation.texts import Node
from conversations.xforms.form import Form, Question
from conversations.xforms.instance import Filling, Instance
from conversations.xforms.limits import PUBLISHING, Exhausted
from conversations.xforms.problems import Problem

_SHAPES = (
    "{0}{1}-{2}", "{0} {2}", "{0}{1}-{0}{1}{2}", "+504 {2}-{2}", "+504{2}{2}", "+1 809-555-{2}", "(809) 555-{2}",
    "809-555-{2}", "809 555 {2}", "809555{2}", "+1809555{2}", "001-{2}567-8", "{2}-{2}-56789", "{2}-{2}", "{2} {2} {2}",
    "{2}-{2}-{2}", "{2}{2}-{2}", "AB{2}{2}", "A{2}{2}9", "{2}{2}A", "ana@example.org", "ana.perez@salud.gob.do",
)  # fmt: skip
"""How telephones, documents and addresses are written."""
_LONGEST = 20
_WORDS = ("texto", "Texto", "TEXTO", "Una línea de texto", "A1", "AB-123", "a_b", "N/A", "no", "0", "1.5", "2026-01-15")


def never_answered(form: Form) -> tuple[Problem, ...]:
    """Warn of required text questions that nobody can answer.

    The guard refuses every answer that the rules of such a question accept.
    """
    filling = Filling("uuid:trial", NOW, "UTC", form.default_language or "es")
    instance = engine.begin(form, filling, limits=PUBLISHING).instance
    found: dict[str, Problem] = {}
    for node in instance.nodes():
        logic = form.logic[node.place]
        if node.question.type != "text" or logic.required is None or logic.constraint is None:
            continue
        try:
            refused = _only_refused(instance, node)
        except Exhausted:
            continue  # the trial reports it
        if refused is not None:
            values = {"node": node.place.path, "column": "constraint", "found": node.question.name, "value": refused}
            found[node.place.path] = Problem("guard.required", values=values, severity="warning")
    return tuple(found.values())


def _only_refused(instance: Instance, node: Node) -> str | None:
    """Return the first answer that the form accepts, if the guard refuses all answers that the form accepts.

    Most questions accept something harmless among the first of some three hundred texts, and the search ends there.
    """
    first = None
    for text in _texts(node.question):
        if is_taken(instance, node, text):
            if not withheld_kind(node.question, text, strict=False):
                return None
            first = first or text
    return first


def refused_contacts(form: Form) -> Iterator[Problem]:
    """A warning for each question of a restricted form that asks for a contact: that column has no effect there."""
    known = profile(form.form_id)
    if known.strict or known.always_sensitive:
        for question in form.questions:
            if question.extras.get("contact") == "yes":
                values = {"node": question.path, "column": "bind::enlace:contact", "found": question.name}
                yield Problem("guard.contact", values=values, severity="warning")


def _texts(question: Question) -> Iterator[str]:
    """Possible answers: numbers of every length and shape, words, and texts that the constraint quotes."""
    for first, length in ((first, length) for first in "0123456789" for length in range(1, _LONGEST + 1)):
        yield first + "1234567890123456789"[: length - 1]
    is_numeric = "numbers" in question.appearances
    for first in "0123456789":
        shaped = (shape.format(first, "123", "1234") for shape in _SHAPES)
        yield from (text for text in shaped if not (is_numeric and any(map(str.isalpha, text))))
    if is_numeric:
        return
    yield from _WORDS
    for letter in "aA":
        yield from (letter * length for length in range(1, 2 * _LONGEST))
    quoted = re.findall(r"'([^']*)'|\"([^\"]*)\"", question.constraint_source)
    pieces = re.split(r"[|()^$]+", "|".join(chain.from_iterable(quoted)))
    yield from (piece for piece in pieces if any(map(str.isalnum, piece)))
