"""A form that asks for more than a machine has is refused at publishing, and stops nobody if it comes to be asked."""

from typing import Any

import pytest

from conversations.authoring.trial import try_form
from conversations.authoring.xlsform import read_xlsform
from conversations.languages import LANGUAGES
from conversations.session import engine
from conversations.session.effects import Reject
from conversations.session.events import Event, Offered, Typed
from conversations.session.session import Session
from conversations.session.turn import Step
from conversations.wording import wording
from conversations.xforms.evaluation.texts import InstanceTexts, Node
from conversations.xforms.form import Choice, Form
from conversations.xforms.instance import Filling
from conversations.xforms.limits import ANSWERING, MAX_TYPED, Exhausted
from conversations.xforms.problems import AuthorError
from tests.conversations.session.phone import NOW, Phone
from tests.conversations.xforms.hostile_forms import HOSTILE, PEOPLE, doubling, nested, rows, try_nothing


@pytest.mark.parametrize(
    ("name", "code", "row"),
    [("text", "trial.text", 18), ("join", "trial.text", 6), ("nodes", "trial.nodes", 4), ("pairs", "trial.steps", 6)],
)
def test_a_form_that_asks_for_too_much_is_refused_with_its_row(name: str, code: str, row: int) -> None:
    """Doubling, joining, repeats within repeats: the row, the column and a remedy in each language."""
    with pytest.raises(AuthorError) as refused:
        read_xlsform(rows(*HOSTILE[name]), "hostile.md")
    problem = next(each for each in refused.value.problems if each.severity == "error")
    assert (problem.code, problem.sheet, problem.row) == (code, "survey", row)
    for language in LANGUAGES:
        assert problem.sentence(language)
        assert problem.remedy(language)


def unchecked(monkeypatch: pytest.MonkeyPatch, *lines: str) -> Form:
    """The same form, had nobody tried it."""
    try_nothing(monkeypatch)
    return read_xlsform(rows(*lines), "hostile.md").form


@pytest.mark.parametrize("lines", [doubling("${q}"), nested("${n}")])
def test_an_answer_that_asks_for_too_much_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch, lines: tuple[str, ...]
) -> None:
    """The session is as it was, the same event gives the same step, and the question is still drawn."""
    form = unchecked(monkeypatch, *lines)
    phone = Phone(form)
    before = phone.session
    said = "1000" if form.questions[0].type == "integer" else "ab"
    taken = [engine.step(form, before, Typed(said, 1), now=NOW) for _ in range(2)]
    assert taken[0] == taken[1]
    assert taken[0].session == before
    measure = "nodes" if said == "1000" else "text"
    assert taken[0].effects == (Reject(wording("es")(f"err.too_much_{measure}")),)
    phone.taken = taken[0]
    assert wording("es")(f"err.too_much_{measure}") in phone.text


def test_a_file_that_cannot_be_afforded_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is computed from its name is too much: the card says so, and the question takes another file."""
    _, *rest = doubling("${q}")
    phone = Phone(unchecked(monkeypatch, "image | q | ¿Foto? | | |", *rest))
    phone.happen(Offered("photo", "f1", "u1", "photo.jpg", "image/jpeg", 1000, "", 1))

    assert phone.rejection() == wording("es")("err.too_much_text")
    assert phone.session.fetching == ""
    assert wording("es")("file.coming") not in phone.text


def test_a_form_that_cannot_be_begun_says_so_instead_of_ending_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host is told by one exception, which it answers."""
    for name in ("text", "nodes"):
        form = unchecked(monkeypatch, *HOSTILE[name])
        with pytest.raises(Exhausted):
            engine.begin(form, Filling("uuid:l", NOW, "UTC", "es"))


def test_a_sum_over_all_pairs_is_bounded_by_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each instance against each and again: cubes grow beyond any budget, whatever the machine."""
    form = unchecked(monkeypatch, *HOSTILE["pairs"])
    with pytest.raises(Exhausted) as exhausted:
        engine.begin(form, Filling("uuid:l", NOW, "UTC", "es"))
    assert exhausted.value.measure == "steps"


def test_a_typed_answer_has_a_length() -> None:
    """Longer than two of Telegram's messages it is not taken."""
    form = read_xlsform(rows("text | q | ¿Qué? | | |"), "short.md").form
    phone = Phone(form).say("x" * (MAX_TYPED + 1))
    assert phone.rejection() == wording("es")("err.too_long", n=MAX_TYPED)


def test_the_budget_is_the_same_after_a_cache_is_warm() -> None:
    """What has been made once is not cheaper for the next session: the same event is the same step."""
    form = read_xlsform(rows("text | q | ¿Qué ${q}? | | |", *PEOPLE), "same.md").form
    spent = []
    for _ in range(2):
        begun = engine.begin(form, Filling("uuid:l", NOW, "UTC", "es"))
        spent.append(ANSWERING.steps - begun.instance.steps)
    assert spent[0] == spent[1]


def test_choices_that_are_kept_cost_what_they_cost_when_they_were_made() -> None:
    """A list without a filter is made once for a version of the form, and counted each time."""
    form = read_xlsform(
        wide("select_one big | s | ¿Cuál? | | | | | |", choices=MANY[: MANY.index("| | big | c100 |")]), "k.md"
    ).form
    instance = engine.begin(form, Filling("uuid:l", NOW, "UTC", "es")).instance
    spent = []
    for _ in range(2):
        instance.refill()
        assert len(instance.choices(instance.node("s"))) == 100
        spent.append(ANSWERING.steps - instance.steps)

    assert spent[0] == spent[1] > 100


# ------------------------------------------------------------------ what amplifies a few cells, or a word
WIDE = "| survey |\n| | type | name | label | calculation | repeat_count | constraint | choice_filter | parameters |\n"
MANY = "".join(f"| | big | c{n} | Opción {n} | {n % 7} |\n" for n in range(4_000))
TOWNS = ("name,people\n" + "".join(f"n{n},{'y' * 20}\n" for n in range(20_000))).encode()
ASKED = "text | q | ¿Qué? | | | | | |"
OF_500 = ("begin repeat | a | A | | 500 | | | |", "end repeat | | | | | | | |")


def wide(*lines: str, choices: str = "") -> bytes:
    listed = f"| choices |\n| | list_name | name | label | k |\n{choices}" if choices else ""
    return (WIDE + "".join(f"| | {line} |\n" for line in (ASKED, *lines)) + listed).encode()


def doubled(seed: str, times: int, each: str) -> tuple[str, ...]:
    first = f"calculate | c0 | | {seed} | | | | |"
    return (first, *(f"calculate | c{n} | | {each.format(f'${{c{n - 1}}}')} | | | | |" for n in range(1, times)))


TURNED = "translate(concat({0}, {0}), 'abcdefghij', 'bcdefghija')"

AMPLIFIERS: dict[str, tuple[bytes, str]] = {
    "translate": (wide(*doubled("'abcdefghij'", 20, TURNED)), "text"),
    "translate in 500": (
        wide(
            *doubled("'ab'", 12, "concat({0}, {0})"),
            OF_500[0],
            "calculate | x | | translate(${c11}, ${c11}, ${c11}) | | | | |",
            OF_500[1],
        ),
        "size",
    ),
    "pulldata in 500": (
        wide(
            OF_500[0],
            "calculate | x | | pulldata('towns', 'people', 'name', concat('n', position(..))) | | | | |",
            OF_500[1],
        ),
        "",
    ),
    "randomize": (wide("select_one big | s | ¿Cuál? | | | | | randomize=true", choices=MANY), ""),
    "choice_filter": (
        wide(
            f"select_one big | s | ¿Cuál? | | | | {' + '.join(['count(/data/*[string-length(.) > k])'] * 5)} = 0 and "
            "regex(label, concat('(', ${q}, ')+')) |",
            choices=MANY,
        ),
        "steps",
    ),
    "labels": (
        wide(*doubled("${q}", 12, "concat({0}, {0})"), f"text | z | {' '.join(['${c11}'] * 30)} | | | | | |"),
        "text",
    ),
    "regex": (wide("text | r | ¿Cuál? | | | regex(., concat('((a{1,500}){1,500}', ${q}, ')+')) | | |"), ""),
}


def published(data: bytes) -> Form | str:
    """The form if it may be published, and what its trial met first if not."""
    try:
        return read_xlsform(data, "hostile.md", media={"towns.csv": TOWNS}).form
    except AuthorError as refused:
        problem = next(each for each in refused.problems if each.severity == "error")
        assert (problem.sheet, bool(problem.row)) == ("survey", True)
        assert all(problem.remedy(language) for language in LANGUAGES)
        return problem.code.removeprefix("trial.")


@pytest.mark.parametrize("name", AMPLIFIERS)
def test_what_amplifies_is_held_to_its_budget(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """At publishing it is refused with its row, or costs little; and at answering, had nobody tried it, in words."""
    data, measure = AMPLIFIERS[name]
    form = published(data)
    if not isinstance(form, Form):
        assert form == measure
        try_nothing(monkeypatch)
        form = read_xlsform(data, "hostile.md", media={"towns.csv": TOWNS}).form
    else:
        assert measure == ""
    if name in ("translate", "translate in 500"):  # nothing in them waits for an answer
        with pytest.raises(Exhausted, match=measure):
            Phone(form)
        return
    for said in ("ab", "(a+)+" * 900):
        phone = Phone(form)
        phone.taken = engine.step(form, phone.session, Typed(said, 1), now=NOW)
        assert 0 <= phone.taken.instance.steps <= ANSWERING.steps
        assert len(phone.text) <= ANSWERING.text


def test_a_trial_counts_what_it_says_of_every_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of choices are looked through for each of a hundred instances: it ends, and is no problem."""
    form = unchecked_wide(
        monkeypatch,
        wide(
            "begin repeat | a | A | | 100 | | | |",
            "select_one big | s | ¿Cuál? | | | | k = position(..) |",
            "end repeat | | | | | | | |",
            choices=MANY[: MANY.index("| | big | c2000 |")],
        ),
    )
    monkeypatch.setattr("conversations.authoring.trial.MAX_WORK", 100_000)
    looked: list[str] = []
    choices = InstanceTexts.choices

    def counted(self: InstanceTexts, node: Node) -> list[Choice]:
        looked.append(node.ref)
        return choices(self, node)

    monkeypatch.setattr(InstanceTexts, "choices", counted)
    assert try_form(form) == ()
    assert 0 < len(looked) < 30


def test_a_trial_counts_the_size_of_the_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is calculated in a repeat of 500, and each event restores and draws it all: the trial ends the sooner."""
    rows = ["begin repeat | a | A | | 500 | | | |", "text | t | ¿Qué? | | | | | |", "end repeat | | | | | | | |"]
    form = unchecked_wide(monkeypatch, wide(*rows))
    monkeypatch.setattr("conversations.authoring.trial.MAX_WORK", 200_000)
    events: list[Event] = []
    step = engine.step

    def counted(form: Form, session: Session, event: Event, **given: Any) -> Step:
        events.append(event)
        return step(form, session, event, **given)

    monkeypatch.setattr(engine, "step", counted)
    assert try_form(form) == ()
    assert 0 < len(events) < 30


def unchecked_wide(monkeypatch: pytest.MonkeyPatch, data: bytes) -> Form:
    try_nothing(monkeypatch)
    return read_xlsform(data, "hostile.md").form
