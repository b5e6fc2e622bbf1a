"""Relevant, constraint, required, calculation: what a form's rules make of an answer, told as answer and outcome."""

from datetime import timedelta

import pytest

from conversations.xforms.evaluation.rules import Changes
from conversations.xforms.instance import Filling, Instance, Violation
from tests.conversations.xforms.filled import NOW, form, reloaded, start

# --- relevant ------------------------------------------------------------------------------------------------
RELEVANT = """
| survey |
| | type | name | label | relevant | calculation |
| | select_one yn | trained | Any training? | | |
| | begin group | people | People | ${trained} = 'yes' | |
| | integer | total | How many? | | |
| | integer | women | Of them women? | ${total} > 1 | |
| | end group | | | | |
| | calculate | twice | | | ${total} * 2 |
| | text | why | Why so few? | ${twice} < 10 | |
| choices |
| | list_name | name | label |
| | yn | yes | Yes |
| | yn | no | No |
"""


def test_a_question_becomes_relevant_with_the_answer_it_waits_for():
    """`relevant` of a group and of a question inside it: both must be true."""
    instance = start(form(RELEVANT))
    assert not instance.node("total").is_relevant

    changes = instance.answer("trained", "yes")

    assert changes == Changes(now_relevant=("/data/people/total",))
    assert not instance.node("women").is_relevant
    assert instance.answer("total", "4").now_relevant == ("/data/people/women", "/data/why")


def test_what_is_not_relevant_is_blank_for_everybody():
    """Expressions, answers() and the submission do not see the value of an irrelevant question."""
    instance = start(form(RELEVANT), trained="yes")
    instance.answer("total", "4")
    instance.answer("women", "3")

    changes = instance.answer("trained", "no")

    assert changes.now_irrelevant == ("/data/people/total", "/data/people/women", "/data/why")
    assert instance.node("twice").value == ""
    assert instance.node("total").value == ""
    assert instance.answers() == {"/data/trained": "no", "/data/meta/instanceID": "uuid:abc"}
    assert "<people>" not in instance.submission_xml()


def test_an_answer_comes_back_with_its_question():
    """Nothing is retyped for having changed one's mind twice, not even after a restart."""
    instance = start(form(RELEVANT), trained="yes")
    instance.answer("total", "4")
    instance.answer("trained", "no")

    instance = reloaded(instance)
    changes = instance.answer("trained", "yes")

    assert instance.node("total").value == "4"
    assert instance.node("twice").value == "8"
    assert "/data/people/total" in changes.now_relevant


def test_questions_that_hide_each_other_are_no_cycle():
    """Each shown only while the other is blank: real forms do it, and neither engine calls it an error."""
    made = form("""
        | survey |
        | | type | name | label | relevant |
        | | text | a | A | ${b} = '' |
        | | text | b | B | ${a} = '' |
    """)
    instance = start(made)

    assert instance.answer("a", "x").now_irrelevant == ("/data/b",)
    assert instance.answer("a", "").now_relevant == ("/data/b",)


# --- constraint, required, types -----------------------------------------------------------------------------
CHECKED = """
| survey |
| | type | name | label | constraint | constraint_message | required | required_message |
| | integer | total | How many? | . >= 0 and . <= 100 | From 0 to 100 | yes | We need this |
| | integer | women | Women? | . <= ${total} | At most ${total} | | |
| | text | code | Code | regex(., '^[A-Z]{3}$') | | ${total} > 5 | |
| | date | day | Day | . <= today() | Not in the future | | |
| | select_one yn | ok | OK? | . != 'no' | | | |
| | select_multiple yn | many | Many | count-selected(.) < 2 | | | |
| | acknowledge | sure | Sure? | | | | |
| | geopoint | spot | Where? | | | | |
| | decimal | share | Share | | | | |
| choices |
| | list_name | name | label |
| | yn | yes | Yes |
| | yn | no | No |
"""


@pytest.mark.parametrize(
    ("name", "value", "violation"),
    [
        ("total", "101", Violation("constraint", "From 0 to 100")),
        ("total", "100", None),
        ("total", "", Violation("required", "We need this")),
        ("total", "twelve", Violation("type")),
        ("total", "1.5", Violation("type")),
        ("total", "99999999999", Violation("type")),
        ("women", "", None),
        ("women", "9", Violation("constraint", "At most 8")),
        ("code", "abc", Violation("constraint", "")),
        ("code", "", Violation("required", "")),
        ("day", "2018-10-04", Violation("constraint", "Not in the future")),
        ("day", "2018-10-03", None),
        ("day", "2018-02-30", Violation("type")),
        ("ok", "no", Violation("constraint", "")),
        ("ok", "maybe", Violation("type")),
        ("many", "yes no", Violation("constraint", "")),
        ("many", "yes yes", Violation("type")),
        ("many", "yes maybe", Violation("type")),
        ("sure", "OK", None),
        ("sure", "yes", Violation("type")),
        ("spot", "18.47 -69.89", None),
        ("spot", "118 -69", Violation("type")),
        ("spot", "here", Violation("type")),
        ("share", "1e999", Violation("type")),
    ],
)
def test_an_answer_is_checked_as_if_it_were_stored(name, value, violation):
    """Type, then constraint with `.` as the new value; a blank only breaks required. Nothing is stored."""
    instance = start(form(CHECKED), total="8")
    before = instance.dump()

    assert instance.check(instance.node(name), value) == violation
    assert instance.dump() == before


@pytest.mark.parametrize(
    ("name", "given", "stored"),
    [
        ("total", " 007 ", "7"),
        ("share", "12", "12.0"),
        ("share", "0.50", "0.5"),
        ("spot", "18.47 -69.89 0 5", "18.47 -69.89 0.0 5.0"),
        ("day", "2018-9-1", "2018-09-01"),
        ("many", "no yes", "yes no"),
        ("code", "a\x00b\ud83d", "ab"),
        ("total", "nonsense", ""),
    ],
)
def test_values_are_stored_exactly_as_odk_stores_them(name, given, stored):
    """Decimals with a fraction, choices in the list's order, nothing a database or XML cannot hold."""
    instance = start(form(CHECKED))

    instance.answer(name, given)

    assert instance.node(name).value == stored


def test_violations_are_what_still_keeps_the_form_from_being_sent():
    """Relevant nodes only, in document order, with the form's own words."""
    instance = start(form(CHECKED), total="")
    assert instance.violations() == [("/data/total", Violation("required", "We need this"))]

    instance.answer("total", "8")
    instance.answer("women", "9")

    assert instance.violations() == [
        ("/data/women", Violation("constraint", "At most 8")),
        ("/data/code", Violation("required", "")),
    ]


def test_a_constraint_follows_what_it_refers_to():
    """Lowering the total afterwards makes the part invalid, and violations() says so."""
    instance = start(form(CHECKED), total="8")
    instance.answer("women", "8")
    assert instance.check(instance.node("women"), "8") is None

    instance.answer("total", "5")

    assert ("/data/women", Violation("constraint", "At most 5")) in instance.violations()


# --- calculation ---------------------------------------------------------------------------------------------
def test_calculations_follow_each_other_in_whatever_order_they_are_written():
    """A chain written backwards settles in one go."""
    made = form("""
        | survey |
        | | type | name | label | calculation |
        | | calculate | c | | ${b} + 1 |
        | | calculate | b | | ${a} + 1 |
        | | integer | a | A | |
    """)
    instance = start(made)

    instance.answer("a", "1")

    assert (instance.node("b").value, instance.node("c").value) == ("2", "3")


def test_a_result_can_be_overwritten_until_what_it_reads_changes():
    """An asked question with a calculation: the respondent's value stands, then the form's wins again."""
    made = form("""
        | survey |
        | | type | name | label | calculation |
        | | integer | a | A | |
        | | integer | other | Other | |
        | | integer | guess | Twice A | ${a} * 2 |
    """)
    instance = start(made)
    instance.answer("a", "2")
    instance.answer("guess", "5")
    instance = reloaded(instance)
    instance.answer("other", "1")
    assert instance.node("guess").value == "5"

    instance.answer("a", "3")

    assert instance.node("guess").value == "6"


def test_defaults_and_dynamic_defaults_are_there_at_the_start():
    """A constant, an expression, and what the bot fills in, which beats both."""
    made = form("""
        | survey |
        | | type | name | label | default |
        | | text | status | Status | ongoing |
        | | date | day | Day | today() |
        | | text | agency | Agency | MIREX |
    """)

    instance = start(made, agency="MINERD")

    answers = {ref.rpartition("/")[2]: value for ref, value in instance.answers().items()}
    assert answers["status"] == "ongoing"
    assert answers["day"] == "2018-10-03"
    assert answers["agency"] == "MINERD"


def test_a_trigger_sets_its_target_when_its_question_changes():
    """xforms-value-changed: again at each change, not when something else changes."""
    made = form("""
        | survey |
        | | type | name | label | calculation | trigger |
        | | integer | a | A | | |
        | | integer | b | B | | |
        | | integer | c | C | ${a} + ${b} | ${a} |
    """)
    instance = start(made, b="10")

    instance.answer("a", "1")
    assert instance.node("c").value == "11"
    instance.answer("b", "20")
    assert instance.node("c").value == "11"
    instance.answer("a", "2")
    assert instance.node("c").value == "22"


def test_what_an_instance_begins_with_triggers_nothing():
    """A trigger waits for a change; defaults of a new repeat instance are none."""
    made = form("""
        | survey |
        | | type | name | label | calculation | trigger | default |
        | | begin repeat | r | R | | | |
        | | integer | a | A | | | 1 + 1 |
        | | text | changed | Changed | 'yes' | ${a} | |
        | | end repeat | | | | | |
    """)
    instance = start(made)
    instance.add("/data/r")
    assert [instance.node(f"/data/r[{n}]/changed").value for n in (1, 2)] == ["", ""]

    instance.answer("/data/r[2]/a", "3")

    assert [instance.node(f"/data/r[{n}]/changed").value for n in (1, 2)] == ["", "yes"]


def test_start_today_and_username_are_those_of_the_session():
    """Metadata in the session's zone: at noon UTC it is eight in Santo Domingo. `end` is filled when handing over."""
    made = form("""
        | survey |
        | | type | name | label |
        | | start | begun | |
        | | end | ended | |
        | | today | day | |
        | | username | who | |
        | | text | a | A |
    """)
    instance = Instance.start(made, Filling("abc", NOW, "America/Santo_Domingo", "", username="Ana"))
    instance.set_now(NOW + timedelta(hours=20))

    assert instance.answers() == {
        "/data/begun": "2018-10-03T08:00:00.000-04:00",
        "/data/ended": "2018-10-04T04:00:00.000-04:00",
        "/data/day": "2018-10-03",
        "/data/who": "Ana",
        "/data/meta/instanceID": "uuid:abc",
    }


def test_random_follows_from_the_session_alone():
    """The same session gives the same uuid() and random() anywhere; another gives others."""
    made = form("""
        | survey |
        | | type | name | label | calculation |
        | | calculate | id | | uuid() |
        | | calculate | r | | random() |
        | | text | a | A | |
    """)
    one, same = start(made), start(made)
    other = Instance.start(made, Filling("other", NOW, "UTC", ""))

    assert one.answers() == same.answers()
    assert one.node("id").value != other.node("id").value
