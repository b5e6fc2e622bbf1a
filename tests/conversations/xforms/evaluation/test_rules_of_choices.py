"""Choices that depend on answers: rebuilt, cleared when they fall out, from a repeat or an attached CSV."""

from tests.conversations.xforms.filled import form, reloaded, start, values

# --- choice_filter -------------------------------------------------------------------------------------------
FILTERED = """
| survey |
| | type | name | label | choice_filter | calculation |
| | select_one country | country | Country | | |
| | select_one city | city | City | country = ${country} | |
| | select_multiple city | cities | Cities | country = ${country} or ${country} = 'any' | |
| | calculate | city_label | | | jr:choice-name(${city}, '${city}') |
| | calculate | region | | | instance('city')/root/item[name = ${city}]/region |
| choices |
| | list_name | name | label | country | region |
| | country | do | Dominican Republic | | |
| | country | ht | Haiti | | |
| | country | any | Any | | |
| | city | sd | Santo Domingo | do | south |
| | city | sti | Santiago | do | north |
| | city | pap | Port-au-Prince | ht | west |
"""


def test_choices_are_rebuilt_from_the_answers_they_depend_on():
    """The filter sees the list's own columns and the form's answers."""
    instance = start(form(FILTERED))
    assert values(instance, "city") == []

    instance.answer("country", "do")

    assert values(instance, "city") == ["sd", "sti"]
    assert instance.choices(instance.node("city"))[0].label == "Santo Domingo"


def test_an_answer_that_fell_out_of_its_choices_is_cleared():
    """And what was derived from it with it; the caller hears the old value."""
    instance = start(form(FILTERED), country="do")
    instance.answer("city", "sti")
    assert (instance.node("city_label").value, instance.node("region").value) == ("Santiago", "north")

    changes = instance.answer("country", "ht")

    assert changes.cleared == (("/data/city", "sti"),)
    assert (instance.node("city").value, instance.node("city_label").value) == ("", "")


def test_a_cleared_answer_returns_with_its_choice_unless_answered_anew():
    """Tapping the wrong country and the right one again costs nothing, even over a restart."""
    instance = start(form(FILTERED), country="do")
    instance.answer("city", "sti")
    instance.answer("country", "ht")
    instance = reloaded(instance)

    instance.answer("country", "do")
    assert instance.node("city").value == "sti"

    instance.answer("country", "ht")
    instance.answer("city", "pap")
    instance.answer("country", "do")
    assert instance.node("city").value == ""


def test_of_several_answers_only_those_fall_out_that_lost_their_choice():
    """The rest of a select_multiple stays."""
    instance = start(form(FILTERED), country="any")
    instance.answer("cities", "pap sd")

    changes = instance.answer("country", "do")

    assert instance.node("cities").value == "sd"
    assert changes.cleared == (("/data/cities", "sd pap"),)


def test_a_choice_may_speak_of_an_answer():
    """An output in a choice's label, and jr:choice-name() of it, follow the answer."""
    made = form("""
        | survey |
        | | type | name | label | calculation |
        | | text | who | Who? | |
        | | select_one l | pick | Pick | |
        | | calculate | shown | | jr:choice-name(${pick}, '${pick}') |
        | choices |
        | | list_name | name | label |
        | | l | me | Me, ${who} |
        | | l | other | Somebody else |
    """)
    instance = start(made, who="Ana", pick="me")
    assert [c.label for c in instance.choices(instance.node("pick"))] == ["Me, Ana", "Somebody else"]

    instance.answer("who", "Bo")

    assert [c.label for c in instance.choices(instance.node("pick"))] == ["Me, Bo", "Somebody else"]
    assert instance.node("shown").value == "Me, Bo"


def test_choices_from_a_repeat_are_its_instances():
    """A select over what has just been entered; blank ones are no choice."""
    made = form("""
        | survey |
        | | type | name | label |
        | | begin repeat | kid | Child |
        | | text | kname | Name |
        | | end repeat | | |
        | | select_one ${kname} | eldest | Eldest |
    """)
    instance = start(made)
    instance.answer("/data/kid[1]/kname", "Ana")
    instance.add("/data/kid")
    instance.answer("/data/kid[2]/kname", "Bo")
    instance.answer("eldest", "Bo")

    assert values(instance, "eldest") == ["Ana", "Bo"]
    assert instance.remove("/data/kid[2]").cleared == (("/data/kid[2]/kname", "Bo"), ("/data/eldest", "Bo"))


def test_choices_come_from_an_attached_csv():
    """select_one_from_file and pulldata() read the file that was published with the form."""
    made = form(
        """
        | survey |
        | | type | name | label | choice_filter | calculation |
        | | select_one_from_file towns.csv | town | Town | big = 'yes' | |
        | | calculate | people | | | pulldata('towns', 'people', 'name', ${town}) |
        | | calculate | where | | | if(${town} = 'sd', 'towns', 'nowhere') |
        | | calculate | again | | | pulldata(${where}, 'people', 'name', ${town}) |
        """,
        **{"towns.csv": 'name,label,big,people\nsd,"Santo Domingo, DN",yes,965040\nsm,Samaná,no,14000\n'.encode()},
    )
    instance = start(made)

    instance.answer("town", "sd")

    assert [(c.value, c.label) for c in instance.choices(instance.node("town"))] == [("sd", "Santo Domingo, DN")]
    assert instance.node("people").value == "965040"
    assert instance.node("again").value == "965040", "the file's name may be computed"
    instance.answer("town", "sm")
    assert instance.node("again").value == "", "of a file that there is not, nothing"
