"""Repeats of an instance: each with its own logic, counted, totalled, nested, and back after a restart."""

import pytest

from conversations.xforms.evaluation.rules import MAX_REPEATS
from tests.conversations.xforms.filled import REPEATS, form, reloaded, start, two_visits


def test_each_instance_of_a_repeat_has_its_own_logic():
    """Relevance, labels and positions are those of the instance a question stands in."""
    instance = two_visits()

    assert instance.node("/data/visit[1]/remark").is_relevant
    assert not instance.node("/data/visit[2]/remark").is_relevant
    assert instance.label(instance.node("/data/visit[2]/met")) == "People met at Baní"
    assert [n.value for n in instance.nodes() if n.question.name == "nth"] == ["1", "2"]
    assert [n.ref for n in instance.nodes()][:5] == [
        "/data/visit[1]/place", "/data/visit[1]/met", "/data/visit[1]/nth", "/data/visit[1]/remark",
        "/data/visit[2]/place",
    ]  # fmt: skip


def test_totals_over_a_repeat_follow_its_instances():
    """sum, count, join and indexed-repeat after adding and removing."""
    instance = two_visits()
    names = ("visits", "total", "first", "places")
    assert [instance.node(n).value for n in names] == ["2", "15", "Azua", "Azua, Baní"]

    changes = instance.remove("/data/visit[1]")

    assert [instance.node(n).value for n in names] == ["1", "3", "Baní", "Baní"]
    assert instance.node("/data/visit[1]/nth").value == "1"
    assert changes.cleared == (("/data/visit[1]/place", "Azua"), ("/data/visit[1]/met", "12"))


def test_a_counted_repeat_has_as_many_instances_as_the_answer_says():
    """repeat_count: the form adds and removes, nobody else may; a slip of the finger has a limit."""
    instance = start(form(REPEATS))
    instance.answer("n", "2")
    instance.answer("/data/staff[2]/sname", "Ana")

    assert instance.answer("n", "1").cleared == (("/data/staff[2]/sname", "Ana"),)
    with pytest.raises(ValueError, match="counted"):
        instance.add("/data/staff")
    with pytest.raises(ValueError, match="counted"):
        instance.remove("/data/staff[1]")
    instance.answer("n", "2000000000")
    assert len(list(instance.nodes())) < MAX_REPEATS + 50


def test_a_count_that_is_blank_for_a_moment_takes_nothing_away():
    """Correcting the number must not cost what was entered; both reference engines keep it."""
    instance = start(form(REPEATS))
    assert "staff" not in instance.submission_xml()
    instance.answer("n", "1")
    instance.answer("/data/staff[1]/sname", "Ana")

    assert instance.answer("n", "").cleared == ()
    instance.answer("n", "2")

    assert instance.node("/data/staff[1]/sname").value == "Ana"


def test_repeats_survive_a_restart():
    """Adding, restoring, answering, restoring: the same as in one go."""
    instance = reloaded(two_visits())
    instance = reloaded(instance)
    instance.answer("/data/visit[2]/met", "30")

    assert instance.node("total").value == "42"
    assert instance.node("/data/visit[2]/remark").is_relevant


def test_a_repeat_inside_a_repeat_counts_within_its_own():
    """A nested count and sum see the instance they stand in."""
    made = form("""
        | survey |
        | | type | name | label | calculation | repeat_count |
        | | begin repeat | house | House | | |
        | | integer | size | Members | | |
        | | begin repeat | member | Member | | ${size} |
        | | integer | age | Age | | |
        | | end repeat | | | | |
        | | calculate | years | | sum(${age}) | |
        | | end repeat | | | | |
        | | calculate | all | | sum(${age}) | |
    """)
    instance = start(made)
    instance.add("/data/house")
    instance.answer("/data/house[1]/size", "2")
    instance.answer("/data/house[2]/size", "1")
    for ref, age in (("house[1]/member[1]", "30"), ("house[1]/member[2]", "4"), ("house[2]/member[1]", "50")):
        instance.answer(f"/data/{ref}/age", age)

    assert [n.value for n in instance.nodes() if n.question.name == "years"] == ["34", "50"]
    assert instance.node("all").value == "84"


def test_a_repeat_that_is_not_relevant_is_not_submitted():
    """Its instances keep what was entered, and come back."""
    made = form("""
        | survey |
        | | type | name | label | relevant |
        | | select_one yn | any | Any? | |
        | | begin repeat | kid | Child | ${any} = 'yes' |
        | | text | kname | Name | |
        | | end repeat | | | |
        | choices |
        | | list_name | name | label |
        | | yn | yes | Yes |
        | | yn | no | No |
    """)
    instance = start(made, any="yes")
    instance.answer("/data/kid[1]/kname", "Ana")
    instance.answer("any", "no")
    assert "kid" not in instance.submission_xml()
    assert instance.node("/data/kid[1]/kname").value == ""

    instance.answer("any", "yes")

    assert "<kid><kname>Ana</kname></kid>" in instance.submission_xml()


def test_a_new_instance_gets_its_defaults():
    """odk-new-repeat: a dynamic default of each instance is evaluated when it is added."""
    made = form("""
        | survey |
        | | type | name | label | default |
        | | text | who | Who | |
        | | begin repeat | trip | Trip | |
        | | text | driver | Driver | ${who} |
        | | end repeat | | | |
    """)
    instance = start(made)
    instance.answer("who", "Ana")

    instance.add("/data/trip")

    assert [n.value for n in instance.nodes() if n.question.name == "driver"] == ["", "Ana"]
