"""What a form says with a reference in it is said of the instance one stands in, and never stops a conversation."""

import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mypy.api
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from conversations.authoring.xlsform import read_xlsform
from conversations.card import plain
from conversations.routes import TapAction
from conversations.session import engine
from conversations.session.cards.session_card import session_card
from conversations.session.effects import Answered, Ask, Effect, Fetch, Leave, Notice, Reject, Stale, Submit
from conversations.session.events import Corrected, Event, LanguageChanged, Resumed, Tap, Typed
from conversations.session.session import Session
from conversations.session.turn import Step
from conversations.xforms.document.read import read_xform
from conversations.xforms.form import Form
from conversations.xforms.instance import Filling, Instance
from conversations.xforms.nodes import Frame
from conversations.xforms.problems import AuthorError
from tests import ROOT
from tests.conversations.session.phone import NOW, Phone, drawn


def sheet(columns: str, *rows: str, choices: Sequence[str] = ()) -> Form:
    """A form of these survey rows, and of choices `list | name | label`."""
    text = f"| survey |\n| | {columns} |\n" + "".join(f"| | {row} |\n" for row in rows)
    if choices:
        text += "| choices |\n| | list_name | name | label |\n" + "".join(f"| | {row} |\n" for row in choices)
    return read_xlsform(text.encode(), "frames.md").form


BEFORE = ("text | village | ¿Qué pueblo? | |", "text | other | ¿Otra cosa? | |")
PERSON = ("text | name | ¿Nombre? | |", "text | age | ¿Edad? | |", "end repeat | | | |")
LABELLED = "type | name | label | repeat_count | read_only"


@pytest.mark.parametrize(
    ("rows", "at_first", "behind"),
    [
        ((*BEFORE, "begin repeat | person | Los de ${village} | |", *PERSON), "Los de Yaque", "Los de Yaque"),
        ((*BEFORE, "begin repeat | person | Persona: ${name} | |", *PERSON), "Persona: 1", "Persona:"),
        (
            (*BEFORE, "begin group | g | Parte de ${village} | |", "begin repeat | person | De ${other} | |", *PERSON,
             "end group | | | |"),
            "De algo", "De algo",
        ),
        (("begin repeat | person | Persona de ${village} | |", *PERSON, *BEFORE), "Persona de 1", "Persona de"),
    ],
)  # fmt: skip
def test_a_repeat_named_by_an_answer_can_be_filled_to_its_end(rows: Sequence[str], at_first: str, behind: str) -> None:
    """Whether the answer lies before the repeat, around it or in it: right at each card, and the form is sent."""
    form = sheet(LABELLED, *rows)
    phone = Phone(form)
    if "village" in phone.at:
        phone.say("Yaque").say("algo")
    assert at_first in phone.text
    phone.say("Ana").say("34")
    assert phone.at == "person[+]" or phone.at.endswith("/person[+]")
    assert behind in phone.text.splitlines()
    assert "1. " in phone.text
    phone.tap("form:add").say("Luis").say("5").tap("form:done")
    while phone.session.at != "review":
        phone.say("x")
    assert "Luis" in phone.text
    phone.tap("form:send")
    assert phone.has(Submit)


def test_each_instance_is_called_by_its_own_answer() -> None:
    """Behind the repeat, in the list of what can be changed and before an instance is taken away."""
    form = sheet(LABELLED, "begin repeat | person | Persona ${name} | |", *PERSON)
    phone = Phone(form).say("Ana").say("34").say("otra").say("Luis").say("5")
    assert "1. Persona Ana · Ana · 34" in phone.text
    assert "2. Persona Luis · Luis · 5" in phone.text
    phone.tap("form:which:remove").tap("form:remove:2")
    assert "Persona Luis" in phone.text
    assert "Persona Ana" not in phone.text


def test_an_inner_repeat_speaks_of_the_instance_around_it() -> None:
    """Ana's pets are Ana's, Luis' are Luis', also behind the last of them."""
    rows = (
        "begin repeat | person | Persona | |", "text | name | ¿Nombre? | |",
        "begin repeat | pet | Mascota de ${name} | |", "text | what | ¿Qué animal tiene ${name}? | |",
        "end repeat | | | |", "end repeat | | | |",
    )  # fmt: skip
    phone = Phone(sheet(LABELLED, *rows)).say("Ana").say("perro")
    assert "Mascota de Ana" in phone.text.splitlines()
    phone.say("listo").say("otra").say("Luis")
    assert "Mascota de Luis" in phone.text.splitlines()
    phone.say("otra")
    assert "Persona 2 · Mascota de Luis 1" in phone.text
    assert "¿Qué animal tiene Luis?" in phone.text
    phone.say("gato")
    assert "Mascota de Luis" in phone.text.splitlines()
    assert "Ana" not in phone.text


def test_a_repeat_that_an_answer_makes_read_only_is_only_read() -> None:
    """Nobody is asked for another of what may not be changed, and the conversation goes on."""
    rows = (
        "select_one yn | locked | ¿Cerrado? | |", "begin repeat | person | Persona | | ${locked} = 'c0'",
        "text | name | ¿Nombre? | |", "end repeat | | | |", "text | last | ¿Algo más? | |",
    )  # fmt: skip
    form = sheet(LABELLED, *rows, choices=("yn | c0 | Sí", "yn | c1 | No"))
    assert Phone(form).answer("c0").at == "data/last"
    phone = Phone(form).answer("c1").say("Ana")
    assert phone.at == "data/person[+]"


def test_a_choice_named_by_an_answer_says_this_instance_s() -> None:
    """A list's words with a reference in them are one text for every question that shows them."""
    rows = (
        "begin repeat | person | Persona | |", "text | name | ¿Nombre? | |", "select_one how | how | ¿Cómo está? | |",
        "end repeat | | | |",
    )  # fmt: skip
    form = sheet(LABELLED, *rows, choices=("how | c0 | ${name} está bien", "how | c1 | ${name} está mal"))
    phone = Phone(form).say("Ana")
    assert "Ana está bien" in drawn(phone.card)
    phone.answer("c0")
    assert "Ana está bien" in phone.text
    phone.say("otra").say("Luis")
    assert "Luis está bien" in drawn(phone.card)
    assert "Ana" not in drawn(phone.card)


def test_a_group_without_a_place_stands_where_it_is_laid_out() -> None:
    """A group that is only on the screen has no node of its own; its label speaks of the instance all the same."""
    form = read_xform("""<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"
        xmlns:jr="http://openrosa.org/javarosa"><h:head><h:title>t</h:title><model>
        <instance><data id="t"><top>arriba</top><r jr:template=""><a/><b/></r></data></instance>
        <bind nodeset="/data/r/a" type="string"/><bind nodeset="/data/r/b" type="string"/></model></h:head><h:body>
        <group ref="/data/r"><label>R</label><repeat nodeset="/data/r"><input ref="/data/r/a"><label>A</label></input>
        <group><label>Lo de <output value="/data/r/a"/></label><input ref="/data/r/b"><label>B</label></input></group>
        </repeat></group></h:body></h:html>""")
    instance = Instance.start(form, Filling("i", NOW, "UTC", ""))
    for number, name in enumerate(("Ana", "Luis"), 1):
        instance.add("/data/r")
        instance.answer(f"/data/r[{number}]/a", name)
    labels = [instance.group_label(node) for node in instance.nodes() if node.question.name == "b"]
    assert labels == ["Lo de Ana", "Lo de Luis"]


def test_a_count_that_asks_what_is_in_the_repeat_reads_its_instances() -> None:
    """Seen from around the repeat what lies in it is a set of nodes, never a number of a slot elsewhere."""
    form = read_xform("""<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml"
        xmlns:jr="http://openrosa.org/javarosa"><h:head><h:title>t</h:title><model>
        <instance><data id="t"><top>7</top><r><a>3</a></r></data></instance>
        <bind nodeset="/data/top" type="int"/><bind nodeset="/data/r/a" type="int"/></model></h:head><h:body>
        <group ref="/data/r"><label>R</label><repeat nodeset="/data/r" jr:count="./a + 1"><input ref="/data/r/a">
        <label>A</label></input></repeat></group></h:body></h:html>""")
    instance = Instance.start(form, Filling("i", NOW, "UTC", ""))
    assert [count for _, _, count in instance.repeats()] == [0]  # of none there is none to read: NaN changes nothing


def test_every_expression_of_a_form_may_be_asked_from_every_frame() -> None:
    """Wherever one stands, an expression finds the frame it was made for; where that is not there, it is blank."""
    rows = (
        "text | village | ¿Pueblo? | |", "begin repeat | person | De ${village} y ${name} | |", "text | name | ¿N? | |",
        "begin repeat | pet | De ${name} y ${what} | |", "text | what | ¿Q de ${name}, ${village}? | |",
        "end repeat | | | |", "end repeat | | | |", "note | bye | Adiós ${village} | |",
    )  # fmt: skip
    form = sheet(LABELLED, *rows)
    phone = (
        Phone(form).say("Yaque").say("Ana").say("perro").say("listo").say("otra").say("Luis").say("otra").say("gato")
    )
    instance = phone.taken.instance
    ana = instance.root.repeats[form.places["/data/person"].slot][0]
    dog = ana.repeats[form.places["/data/person/pet"].slot][0]
    label = {name: form.logic[form.places[f"/data/{name}"]].label for name in ("person", "person/pet", "bye")}

    def said(name: str, frame: Frame) -> str:
        return label[name].fill(instance.language, instance, frame).strip()

    assert [said("person", frame) for frame in (instance.root, ana, dog)] == ["De Yaque y", *["De Yaque y Ana"] * 2]
    assert [said("person/pet", frame) for frame in (instance.root, ana, dog)] == [
        "De  y", "De Ana y", "De Ana y perro",
    ]  # fmt: skip
    assert [said("bye", frame) for frame in (instance.root, ana, dog)] == ["Adiós Yaque"] * 3


OTHER_FRAMES = """
from conversations.xforms.nodes import Frame, Place
from conversations.xforms.xpath.conversions import Compiled
from conversations.xforms.xpath.expression import Expression, Scope, Session

def evaluated(expression: Expression, part: Compiled, session: Session, frame: Frame, place: Place) -> None:
    expression.text(session, frame)
    expression.text(session)  # refused: from nowhere
    expression.truth(session, place)  # refused: a place of the form is no frame of a session
    expression.nodes(session, place.home)  # refused: nor is a type of frame
    expression.get_text(Scope(session, frame))  # refused: the parts of an expression are its own
    part.get(frame)  # refused: a part reads slots of one type of frame, and asks for a scope
    part.get(Scope(session, frame))  # refused: a scope has a type of frame
    part.get(Scope(session, frame, expression, 1))  # refused: which an expression is not
"""


@pytest.mark.slow
def test_an_expression_cannot_be_evaluated_in_the_frame_of_another(tmp_path: Path) -> None:
    """mypy refuses each way to reach an expression, or a part of one, without the type of frame it was made for."""
    program = tmp_path / "evaluated.py"
    program.write_text(OTHER_FRAMES, encoding="utf-8")
    lines = OTHER_FRAMES.splitlines()

    told, _, _ = mypy.api.run(["--config-file", str(ROOT / "pyproject.toml"), "--no-error-summary", str(program)])

    refused = {int(number) for number in re.findall(r"evaluated\.py:(\d+): error", told)}
    assert refused == {number for number, line in enumerate(lines, 1) if "# refused" in line}, told


def test_every_unit_is_evaluated_where_its_expression_was_compiled() -> None:
    """The engine asks each frame of the expression's own type, in every repeat."""
    columns = "type | name | label | relevant | calculation | choice_filter | repeat_count"
    rows = (
        "integer | n | ¿N? | | | |", "begin repeat | person | P | ${n} > 0 | | | ${n}", "text | name | ¿N? | | | |",
        "begin repeat | pet | M | ${name} != '' | | |", "select_one kinds | kind | ¿Q? | | | ${name} != name |",
        "calculate | both | | | concat(${name}, ${kind}) | |", "end repeat | | | | | |", "end repeat | | | | | |",
        "calculate | all | | | count(${person}) | |",
    )  # fmt: skip
    form = sheet(columns, *rows, choices=("kinds | a | A", "kinds | b | B"))

    assert {unit.kind for unit in form.units} == {"relevant", "calculate", "choices", "count"}
    assert [unit for unit in form.units if unit.home is not unit.expression.home] == []


# ------------------------------------------------------------------ any form at all
@dataclass(frozen=True)
class Made:
    """A form somebody might write, and whether it parses is the test's first claim."""

    text: str

    @property
    def form(self) -> Form:
        try:
            return read_xlsform(self.text.encode(), "random.md").form
        except AuthorError as error:  # questions that wait for each other are refused, and rightly
            if {problem.code for problem in error.problems if problem.severity == "error"} == {"expression.cycle"}:
                reject()
            raise


COLUMNS = "type | name | label::Español (es) | label::English (en) | hint::Español (es) | relevant | read_only"
COLUMNS += " | constraint_message::Español (es) | required_message::Español (es) | required | repeat_count"


@st.composite
def forms(draw: st.DrawFn) -> Made:
    """Questions, groups and repeats up to three deep whose words and logic speak of one another."""
    names = [f"q{number}" for number in range(draw(st.integers(3, 9)))]
    reference = st.one_of(st.just(""), st.sampled_from([f" ${{{name}}}" for name in names]))
    rows: list[str] = []
    left, depth, number = list(names), [], 0

    def logic() -> str:
        return draw(
            st.sampled_from(["", "", f"${{{draw(st.sampled_from(names[: max(1, len(names) - len(left))]))}}} = 'c1'"])
        )

    def words() -> list[str]:
        return [f"L{draw(reference)}", f"E{draw(reference)}", f"H{draw(reference)}"]

    while left or depth:
        act = draw(st.integers(0, 5))
        if left and (act > 2 or (not depth and act == 2)):
            name = left.pop(0)
            kind = draw(st.sampled_from(["text", "integer", "select_one yn", "note", "date"]))
            label, english, hint = words()
            messages = f"C{draw(reference)} | R{draw(reference)} | {draw(st.sampled_from(['', 'yes']))}"
            relevant, closed = (logic(), logic()) if rows else ("", "")
            rows.append(f"{kind} | {name} | {label} | {english} | {hint} | {relevant} | {closed} | {messages} | ")
        elif depth and (act == 2 or not left):
            kind, filled = depth.pop()
            if not filled or rows[-1].startswith("begin"):
                rows.append(f"text | t{number} | T{draw(reference)} | T | | | | | | | ")
                number += 1
            rows.append(f"end {kind} | | | | | | | | | | ")
        elif left and len(depth) < 3:
            kind = draw(st.sampled_from(["group", "repeat", "repeat"]))
            label, english, _ = words()
            count = draw(st.sampled_from(["", "", "2"])) if kind == "repeat" else ""
            relevant, closed = (logic(), logic()) if rows else ("", "")
            rows.append(f"begin {kind} | g{number} | {label} | {english} | | {relevant} | {closed} | | | | {count}")
            number += 1
            depth.append((kind, True))
    text = f"| survey |\n| | {COLUMNS} |\n" + "".join(f"| | {row} |\n" for row in rows)
    text += "| choices |\n| | list_name | name | label::Español (es) | label::English (en) |\n"
    return Made(text + f"| | yn | c0 | No{draw(reference)} | No |\n| | yn | c1 | Sí{draw(reference)} | Yes |\n")


SHOWN = (Ask, Reject, Notice, Stale, Leave, Submit, Fetch, Answered)


def sees(effects: Sequence[Effect]) -> bool:
    return any(isinstance(effect, SHOWN) for effect in effects)


def event_of(dice: random.Random, taken: Step, taps: Sequence[str]) -> Event:
    """Mostly what the card offers or an answer, now and then anything else that happens to a chat."""
    _, name, argument = [*(dice.choice(taps).split(":", 2) if taps else ("form", "back", "")), ""][:3]
    action: TapAction = name  # type: ignore[assignment]
    match dice.randrange(12):
        case 0:
            return Resumed()
        case 1:
            return LanguageChanged(dice.choice(("es", "en", "ht")))
        case 2:
            return Corrected(dice.choice(("Ana", "3", "Sí")), dice.randrange(1, 60))
        case 3 | 4 | 5:
            return Typed(
                dice.choice(("Ana", "3", "Sí", "No", "otra", "listo", "quitar 1", "atrás", "hoy")),
                dice.randrange(1, 60),
            )
        case _:
            return Tap(taken.session.turn, action, argument)


@settings(max_examples=settings().max_examples // 5, deadline=None, suppress_health_check=list(HealthCheck))
@given(forms(), st.integers(0, 2**32))
def test_every_event_of_every_form_is_answered(made: Made, seed: int) -> None:
    """Nested repeats, references from anywhere to anywhere: something is shown each time, and the card is drawn."""
    dice, form = random.Random(seed), made.form
    taken = engine.begin(form, Filling("uuid:r", NOW, "America/Santo_Domingo", "es"))
    for _ in range(25):
        card = session_card(form, taken.session, taken.instance, now=NOW)
        assert plain(card).strip()
        taps = [button.tap for row in card.rows for button in row if button.tap.startswith("form:")]
        stored = Session.from_json(json.loads(json.dumps(taken.session.to_json())))
        event = event_of(dice, taken, taps)
        taken = engine.step(form, stored, event, now=NOW)
        assert sees(taken.effects), (event, made.text)


@settings(max_examples=settings().max_examples // 8, deadline=None, suppress_health_check=list(HealthCheck))
@given(forms())
def test_every_form_can_be_finished(made: Made) -> None:
    """Whoever answers what is asked, and says that there are no more, comes to the end and sends."""
    form = made.form
    taken = engine.begin(form, Filling("uuid:r", NOW, "America/Santo_Domingo", "es"))
    for turn in range(200):
        session_card(form, taken.session, taken.instance, now=NOW)
        at = taken.session.at
        if at.endswith("[+]"):
            event: Event = Tap(taken.session.turn, "done", "")
        elif at == "review":
            event = Tap(taken.session.turn, "send", "")
        else:
            kind = taken.instance.node(at).question.type
            event = Typed({"integer": "3", "date": "2018-10-01", "select_one": "No"}.get(kind, "Ana"), turn + 1)
            if kind == "select_one":
                event = Tap(taken.session.turn, "pick", "0")
        taken = engine.step(form, taken.session, event, now=NOW)
        if any(isinstance(effect, Submit) for effect in taken.effects):
            return
    raise AssertionError(f"never sent: {made.text}")
