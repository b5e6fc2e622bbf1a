"""An instance being filled: its names, its clock, its submission; and the shipped forms from end to end."""

from datetime import datetime

import pytest

from conversations.languages import LANGUAGES
from conversations.xforms.instance import Filling, Instance, Violation
from tests.conversations.xforms.filled import TRANSLATED, form, start, two_visits
from tests.forms import shipped


# --- read-only, translations ---------------------------------------------------------------------------------
def test_a_question_may_become_read_only():
    """read_only as an expression; a group passes it on to what is inside."""
    made = form("""
        | survey |
        | | type | name | label | read_only |
        | | integer | a | A | |
        | | begin group | g | G | |
        | | text | b | B | ${a} > 1 |
        | | end group | | | |
    """)
    instance = start(made)
    assert not instance.node("b").is_readonly
    assert instance.asked() == ("/data/a", "/data/g/b")

    instance.answer("a", "2")

    assert instance.node("b").is_readonly
    assert instance.asked() == ("/data/a",)


# --- the instance itself -------------------------------------------------------------------------------------
def test_a_bare_name_works_where_it_is_unique():
    """And nowhere else: a KeyError, never a guess."""
    instance = two_visits()

    assert instance.node("total").ref == "/data/total"
    assert instance.node("/data/visit/met").ref == "/data/visit[1]/met"
    with pytest.raises(KeyError):
        instance.node("met")
    for ref in ("/data/visit[3]/met", "/data/nosuch", "/other/total", "/data/total[2]", "", "/data/visit[1]"):
        with pytest.raises(KeyError):
            instance.node(ref)


def test_the_submission_is_xml_whatever_was_typed():
    """Markup is escaped, what XML cannot hold is gone, blanks are empty elements."""
    made = form("""
        | survey |
        | | type | name | label |
        | | text | a | A |
        | | text | b | B |
        | settings |
        | | form_id | version |
        | | f"1 | 2 |
    """)
    instance = start(made)
    instance.answer("a", "1 < 2 & \x07'x'")

    xml = instance.submission_xml()

    assert xml.startswith("<data id='f\"1' version=\"2\"><a>1 &lt; 2 &amp; 'x'</a><b/>")


def test_an_instance_needs_an_aware_clock():
    """Naive datetimes are refused, at the start and later."""
    made = form(TRANSLATED)
    naive = datetime(2018, 10, 3)

    with pytest.raises(ValueError, match="aware"):
        Instance.start(made, Filling("x", naive, "UTC", ""))
    with pytest.raises(ValueError, match="aware"):
        start(made).set_now(naive)


# --- the three real forms ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "asked"), [("activity_report", 32), ("indicator_update", 33), ("incident_free_text", 21)]
)
def test_the_shipped_forms_have_no_problem_and_speak_the_languages_of_the_bot(name, asked):
    """docs/domain.md#forms: the forms load without a warning, in Spanish first, and in each other language that the bot
    has.
    """
    assert shipped(name).problems == ()
    made = shipped(name).form

    assert made.form_id == name
    spoken = [made.language_for(code) for code in LANGUAGES]
    assert spoken[0] == made.languages[0]
    assert sorted(spoken) == sorted(made.languages)
    assert sum(q.is_asked and q.type != "note" for q in made.questions) == asked


def test_an_ongoing_activity_is_reported():
    """The illustrative exchange of docs/domain.md#a-report, up to the note that five persons are without data."""
    instance = start(
        shipped("activity_report").form, agency="MINERD", activity="PRE-102", period="201809", prev_progress="12"
    )
    assert not instance.node("progress").is_relevant
    for name, answer in (
        ("status", "in_progress"), ("progress", "15"), ("reached", "yes"), ("ben_total", "240"), ("ben_women", "20"),
        ("ben_men", "10"), ("ben_girls", "110"),
    ):  # fmt: skip
        node = instance.node(name)
        assert node.is_relevant, name
        assert instance.check(node, answer) is None, name
        instance.answer(name, answer)

    assert instance.check(instance.node("ben_boys"), "101") == Violation(
        "constraint", "La suma pasa del total. Revise las cantidades."
    )
    instance.answer("ben_boys", "95")

    assert instance.label(instance.node("ben_note")) == "Personas sin dato de sexo o edad: 5."
    assert instance.node("ben_unknown").value == "5"
