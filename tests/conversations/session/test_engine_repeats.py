"""Repeats, told as somebody at the phone has them: one more, edit one, take one away, done."""

import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.languages import LANGUAGES
from conversations.session.cards.session_card import session_card
from conversations.session.effects import Added, Removed, Stale, Submit
from conversations.session.events import Corrected, LanguageChanged, Resumed, Tap
from conversations.session.questions import sequence, stops
from conversations.session.session import REVIEW, Choosing, Removing, Session
from conversations.session.turn import Step
from conversations.wording import wording
from conversations.xforms.evaluation.rules import MAX_REPEATS
from conversations.xforms.form import Form
from tests.conversations.session.phone import NOW, Phone, drawn
from tests.forms import COMPARED, compared, compiled

HOUSEHOLD = """
| survey |
| | type | name | label | required | repeat_count | relevant |
| | text | hh | ¿Nombre del hogar? | yes | | |
| | begin repeat | person | Persona | | | |
| | text | name | ¿Cómo se llama? | yes | | |
| | integer | age | ¿Qué edad tiene? | | | |
| | begin repeat | pet | Mascota | | | ${age} > 17 |
| | text | petname | ¿Nombre de la mascota? | | | |
| | end repeat | | | | | |
| | note | thanks | Gracias por ${name} | | | |
| | end repeat | | | | | |
| | integer | n | ¿Cuántas visitas? | | | |
| | begin repeat | visit | Visita | | ${n} | |
| | text | what | ¿Qué vio? | | | |
| | end repeat | | | | | |
| | note | bye | Eso es todo. | | | |
"""


def household() -> Form:
    return compiled(HOUSEHOLD).form


def two_people(language: str = "es") -> Phone:
    """Ana with a dog and Luis, who is five; standing behind the people."""
    phone = Phone(household(), language)
    for said in ("Pérez", "Ana", "34", "Fido", "listo", "otra", "Luis", "5"):
        phone.say(said)
    assert phone.at == "data/person[+]"
    return phone


def test_behind_the_last_instance_one_is_asked_for_another() -> None:
    """The same four ways for every open repeat, and what is there so far."""
    phone = two_people()
    buttons = [button.text for button in phone.buttons]
    assert buttons == ["➕ Agregar: Persona", "✏️ Editar", "🗑 Quitar", "Listo (2)", "‹ Atrás", "Salir"]
    assert "1. Ana · 34" in phone.text
    assert "2. Luis · 5" in phone.text
    assert "Gracias por Luis" in phone.text  # the note at an instance's end is read behind it

    phone.tap("form:add")
    assert phone.has(Added)
    assert "Persona 3" in phone.text
    assert phone.at == "person[3]/name"


def test_an_inner_repeat_has_its_own_end_and_only_where_it_is_relevant() -> None:
    """Ana is asked about pets, a child of five is not."""
    phone = Phone(household()).say("Pérez").say("Ana").say("34")
    assert "Persona 1 · Mascota 1" in phone.text

    phone.say("Fido")
    assert phone.at == "person[1]/pet[+]"

    phone.tap("form:add").say("Misu")
    assert "2. Misu" in phone.text

    phone.tap("form:done")
    assert phone.at == "data/person[+]"

    phone.tap("form:add").say("Luis").say("5")
    assert phone.at == "data/person[+]"


def test_the_form_says_how_many_and_the_card_which() -> None:
    """A counted repeat is asked through: nobody adds or removes."""
    phone = two_people().say("listo").say("2")
    assert "Visita 1 de 2" in phone.text
    assert not [button for button in phone.buttons if button.tap.startswith(("form:add", "form:remove"))]

    phone.say("Todo bien")
    assert "Visita 2 de 2" in phone.text

    phone.say("Nada")
    assert phone.session.at == REVIEW
    assert "Eso es todo." in phone.text
    assert "Visita 2 de 2" in phone.text

    phone.tap("form:send")
    assert phone.has(Submit)


def test_an_instance_goes_only_after_what_it_holds_was_shown() -> None:
    """No leaves it; yes takes it, and what lay behind moves up."""
    phone = two_people().tap("form:which:remove")
    assert phone.session.pending == Choosing("remove")

    phone.tap("form:remove:1")
    assert isinstance(phone.session.pending, Removing)
    for held in ("Persona 1", "Ana", "34", "Fido"):
        assert held in phone.text

    before = phone.answers
    phone.tap("form:cancel")
    assert phone.answers == before
    assert phone.at == "data/person[+]"

    phone.say("quitar 1").say("sí")
    assert phone.has(Removed)
    assert phone.answers["person[1]/name"] == "Luis"
    assert not [ref for ref in phone.answers if ref.startswith("person[2]")]
    assert phone.at == "data/person[+]"

    phone.say("listo")
    assert phone.at == "data/n"  # Luis's answers still count as answered


def test_an_instance_that_holds_nothing_goes_at_once() -> None:
    """There is nothing to show."""
    phone = two_people().tap("form:add").tap("form:remove")
    assert phone.has(Removed)
    assert phone.at == "data/person[+]"
    assert "3." not in phone.text


def test_all_instances_may_go_and_the_first_may_come_back() -> None:
    """Zero is an answer; then one is asked for the first."""
    phone = Phone(household()).say("Pérez").tap("form:remove")
    assert phone.at == "data/person[+]"
    assert wording("es")("repeat.first") in phone.text
    assert [b.tap for b in phone.buttons] == ["form:add", "form:done", "form:back", "form:leave"]
    assert phone.say("editar").rejection()

    phone.say("otra")
    assert phone.at == "person[1]/name"

    phone.tap("form:remove").say("no")
    assert phone.at == "data/n"
    assert not [ref for ref in phone.answers if ref.startswith("person")]


def test_back_from_a_new_instance_takes_it_back() -> None:
    """ "Otra" by mistake leaves nothing behind."""
    phone = two_people()
    before = phone.answers
    phone.tap("form:add").tap("form:back")

    assert phone.at == "data/person[+]"
    assert phone.answers == before
    assert len(phone.taken.instance.root.repeats) == 2
    assert "3." not in phone.text


def test_back_goes_across_instances_and_forgets_nothing() -> None:
    """From behind the people to the first question, and on again."""
    phone = two_people()
    walked = []
    for _ in range(12):
        phone.tap("form:back")
        walked.append(phone.at)
        if phone.at == "data/hh":
            break
    assert walked == [
        "person[2]/age", "person[2]/name", "person[1]/pet[+]", "pet[1]/petname", "person[1]/age", "person[1]/name",
        "data/hh",
    ]  # fmt: skip

    phone.tap("form:keep")
    assert phone.at == "data/person[+]"


def test_an_answer_of_an_instance_is_edited_from_behind_it_and_from_the_review() -> None:
    """Editar → which → which answer; afterwards one stands where one stood."""
    phone = two_people().tap("form:which:edit").tap("form:change:2")
    assert [b.text for b in phone.buttons if b.tap.startswith("form:edit:")] == [
        "Cómo se llama: Luis",
        "Qué edad tiene: 5",
    ]

    phone.press("Qué edad tiene: 5").say("6")
    assert phone.answers["person[2]/age"] == "6"
    assert phone.at == "data/person[+]"

    phone.say("listo").say("0")
    assert phone.session.at == REVIEW

    phone.tap("form:list").press("Persona 1 · Cómo se llama: Ana").say("Ana María")
    assert phone.session.at == REVIEW
    assert phone.answers["person[1]/name"] == "Ana María"

    phone.tap("form:list").press("Persona: 2")
    assert phone.at == "data/person[+]"

    phone.tap("form:add").say("Eva").say("7").tap("form:done")
    assert phone.session.at == REVIEW
    assert "Eva" in phone.text


def test_a_lower_count_shows_what_would_go() -> None:
    """The surplus instances are named before they go, and "no" keeps them."""
    phone = two_people().say("listo").say("2").say("Todo bien").say("Nada")
    number = next(q.number for q in phone.form.questions if q.name == "n")
    phone.tap("form:list").tap(f"form:edit:{number}").say("1")
    assert "Nada" in phone.text
    assert "Todo bien" not in phone.text

    phone.tap("form:cancel")
    assert phone.answers["visit[2]/what"] == "Nada"

    phone.tap("form:list").tap(f"form:edit:{number}").say("1").say("sí")
    assert phone.answers["n"] == "1"
    assert "visit[2]/what" not in phone.answers

    phone.tap("form:list").tap(f"form:edit:{number}").say("2")
    assert phone.at == "visit[2]/what"  # it comes back empty, and is asked


def test_no_more_than_the_most_can_be_added() -> None:
    """Neither by tap nor by word."""
    phone = Phone(household()).say("Pérez").say("Ana").say("5")
    for _ in range(MAX_REPEATS - 1):
        phone.taken.instance.add("/data/person")
    state = phone.taken.instance.dump()
    phone.taken = Step(
        Session.from_json(phone.session.to_json() | {"at": "/data/person[+]", "state": state}), (), phone.taken.instance
    )

    assert "form:add" not in [button.tap for button in phone.buttons]
    assert phone.say("otra").rejection() == wording("es")("err.repeat_full", n=MAX_REPEATS)
    assert len(phone.buttons) < 20


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_a_tap_does_can_be_typed(language: str) -> None:
    """In the respondent's language: add, edit, remove, yes, no, done."""
    say = wording(language)

    for word in say("words.add").split("|"):
        assert two_people(language).say(word).at == "person[3]/name", word
    for word in say("words.done").split("|"):
        assert two_people(language).say(word).at == "data/n", word
    for word in say("words.edit").split("|"):
        assert two_people(language).say(f"{word} 2").say("6").at == "data/person[+]", word

    for word in say("words.remove").split("|"):
        phone = two_people(language).say(f"{word} 2")
        assert isinstance(phone.session.pending, Removing), word
        assert phone.say(say("words.no").split("|")[0]).answers["person[2]/name"] == "Luis"
        yes = say("words.yes").split("|")[0]
        assert "person[2]/name" not in two_people(language).say(word).say("2").say(yes).answers
    for text in ("xyz", "remove 9", "quitar 0", ""):
        phone = two_people(language)
        before = phone.session
        assert phone.say(text).rejection(), text
        assert phone.session == before, text


def test_stale_and_double_taps_change_nothing() -> None:
    """Each tap of a turn that is over, and each for what is not there."""
    phone = two_people()
    old = phone.session.turn
    phone.tap("form:add")
    for action, argument in (("add", ""), ("done", ""), ("change", "1"), ("remove", "1"), ("which", "edit")):
        before = phone.session
        phone.happen(Tap(old, action, argument))
        assert phone.taken.effects == (Stale(),)
        assert phone.session == before
        if action in ("add", "change", "which"):
            phone.happen(Tap(phone.session.turn, action, argument))
            assert phone.taken.effects == (Stale(),)
    behind = two_people()
    for action, argument in (("change", "9"), ("remove", "0"), ("remove", "x"), ("edit", "99.9"), ("edit", "+7")):
        before = behind.session
        behind.happen(Tap(behind.session.turn, action, argument))
        assert behind.taken.effects == (Stale(),), (action, argument)
        assert behind.session == before


def test_editing_a_message_of_an_instance_that_moved_corrects_the_right_one() -> None:
    """Messages are renumbered with what they answered; of what is gone they answer nothing."""
    phone = two_people()
    luis, ana = phone.messages - 1, phone.messages - 6
    phone.say("quitar 1").say("sí")
    phone.happen(Corrected("Luis José", luis))
    assert phone.answers["person[1]/name"] == "Luis José"

    phone.happen(Corrected("Anita", ana))
    assert phone.rejection()
    assert phone.answers["person[1]/name"] == "Luis José"
    assert phone.at == "data/person[+]"


def test_coming_back_stands_behind_the_repeat_in_any_language() -> None:
    """Nothing is asked anew."""
    phone = two_people().happen(Resumed()).happen(LanguageChanged("en"))
    assert phone.at == "data/person[+]"
    assert wording("en")("repeat.another") in phone.text


def test_a_correction_has_the_instances_of_its_submission() -> None:
    """As many as there were answers in, all of them open to change."""
    phone = two_people().say("listo").say("1").say("Nada")
    sent = phone.taken.instance.answers()
    again = Phone(household(), answers=sent)
    assert again.session.at == REVIEW
    assert again.answers == phone.answers

    none = Phone(household()).say("Pérez").tap("form:remove").say("listo").say("0")
    again = Phone(household(), answers=none.taken.instance.answers())
    assert again.answers == none.answers
    assert "Persona: 0" in [button.text for button in again.buttons]


def test_every_button_of_every_screen_fits_its_64_bytes() -> None:
    """callback_data of the longest session number, in the deepest instance."""
    from tests.taps import form_token

    phone = two_people().say("listo").say("2").say("x").say("y").tap("form:list")
    for button in phone.buttons:
        _, action, argument = [*button.tap.split(":", 2), ""][:3]
        assert len(form_token(16**9, 16**6, action, f"{argument}.1000.1000").encode()) <= 64


# ------------------------------------------------------------------ whatever is done
WORDS = ["Ana", "5", "34", "0", "2", "otra", "listo", "atrás", "omitir", "editar 1", "editar 2", "quitar 1", "quitar 2",
         "quitar", "sí", "no", "1", "enviar", "xyz", "12 8"]  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_whatever_is_tapped_and_typed_the_laws_hold(data: st.DataObject) -> None:
    """JSON and back is the same session; no answer is submitted that is not relevant; each question stood at is
    one of the form's; back after a typed answer stands at the same question with that answer; nothing raises."""
    phone = Phone(household(), data.draw(st.sampled_from(LANGUAGES)))
    for _ in range(data.draw(st.integers(5, 40))):
        buttons = [b.tap for b in phone.buttons if b.tap != "form:send"]
        at, node_type = phone.session.at, ""
        nodes = {node.ref: node for node in phone.taken.instance.nodes()}
        if at in nodes:
            node_type = nodes[at].question.type
        if data.draw(st.booleans()) and buttons:
            phone.tap(data.draw(st.sampled_from(buttons)))
        else:
            said = data.draw(st.sampled_from(WORDS))
            is_plain = phone.session.pending is None and node_type == "text" and said in ("Ana", "xyz")
            phone.say(said)
            if is_plain and phone.session.pending is None:
                assert nodes[at].ref == at
                again = Phone.__new__(Phone)
                again.form, again.now, again.taken, again.messages = phone.form, phone.now, phone.taken, 900
                taken_at = again.session.at
                again.happen(Tap(again.session.turn, "back"))
                if taken_at != REVIEW and again.session.at == at:
                    assert again.taken.instance.node(at).value == said
        check(phone)


def check(phone: Phone) -> None:
    session, instance = phone.session, phone.taken.instance
    assert Session.from_json(json.loads(json.dumps(session.to_json()))) == session
    relevant = {node.ref for node in instance.nodes() if node.is_relevant}
    assert set(instance.answers()) <= relevant
    order = stops(phone.form, session, sequence(phone.form, session, instance), instance)
    assert len(order) == len(set(order))
    assert session.seen <= set(order)
    assert session.at == REVIEW or session.at in order
    for refs in session.origins.values():
        for ref in refs:
            assert instance.node(ref)
    card = session_card(phone.form, session, instance, now=NOW)
    assert card.rows
    assert len([b for row in card.rows for b in row]) <= 100
    assert "{" not in drawn(card)


SAID = [*WORDS, "hoy", "10:30", "2018-10-03", "18.5 -69.9", "12 8 3"]


@pytest.mark.parametrize("name", sorted(path.stem for path in (COMPARED / "forms").glob("*.xml")))
def test_any_form_can_be_walked_through_at_random(name: str) -> None:
    """Whatever the form, every screen can be shown, and no tap or word raises; what is hidden is not handed over."""
    chance = random.Random(name)
    phone = Phone(compared(name).form)
    for _ in range(40):
        taps = [button.tap for button in phone.buttons if button.tap != "form:leave"]
        assert len(phone.buttons) <= 100
        assert all(len(row) <= 8 for row in phone.card.rows)
        if taps and chance.random() < 0.6:
            phone.tap(chance.choice(taps))
        elif chance.random() < 0.1:
            phone.locate(18.5, -69.9, 3)
        else:
            phone.say(chance.choice(SAID))
        relevant = {node.ref for node in phone.taken.instance.nodes() if node.is_relevant}
        assert set(phone.taken.instance.answers()) <= relevant
