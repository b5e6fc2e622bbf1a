"""One chapter per word of the specification: answer, expect, answer again."""

import json
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from textwrap import dedent

import pytest

from conversations.authoring.xlsform import read_xlsform
from conversations.languages import LANGUAGES
from conversations.xforms.evaluation.rules import MAX_REPEATS, Changes
from conversations.xforms.form import Form
from conversations.xforms.instance import Filling, Instance, Violation
from tests.conversations.lists import LISTS

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)


def form(markdown: str, **media: bytes) -> Form:
    return read_xlsform(dedent(markdown).encode(), "test.md", media=media).form


def start(made: Form, **values: str) -> Instance:
    return Instance.start(made, Filling("abc", NOW, "America/Santo_Domingo", made.default_language), values=values)


def reloaded(instance: Instance) -> Instance:
    """The instance as the next message finds it: through JSON and back."""
    state = json.loads(json.dumps(instance.dump()))
    return Instance.restore(
        instance.form, state, now=instance.now, timezone=instance.timezone, language=instance.language
    )


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

    assert changes == Changes("/data/trained", now_relevant=("/data/people/total",))
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


def values(instance: Instance, name: str) -> list[str]:
    return [choice.value for choice in instance.choices(instance.node(name))]


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


# --- repeats -------------------------------------------------------------------------------------------------

REPEATS = """
| survey |
| | type | name | label | calculation | relevant | repeat_count | constraint |
| | begin repeat | visit | Visit | | | | |
| | text | place | Place | | | | |
| | integer | met | People met at ${place} | | | | . < 100 |
| | calculate | nth | | position(..) | | | |
| | text | remark | Remark | | ${met} > 10 | | |
| | end repeat | | | | | | |
| | calculate | visits | | count(${visit}) | | | |
| | calculate | total | | sum(${met}) | | | |
| | calculate | first | | indexed-repeat(${place}, ${visit}, 1) | | | |
| | calculate | places | | join(', ', ${place}) | | | |
| | integer | n | How many staff? | | | | |
| | begin repeat | staff | Staff | | | ${n} | |
| | text | sname | Name | | | | |
| | end repeat | | | | | | |
"""


def two_visits() -> Instance:
    instance = start(form(REPEATS))
    instance.answer("/data/visit[1]/place", "Azua")
    instance.answer("/data/visit[1]/met", "12")
    instance.add("/data/visit")
    instance.answer("/data/visit[2]/place", "Baní")
    instance.answer("/data/visit[2]/met", "3")
    return instance


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

    instance.answer("a", "2")

    assert instance.node("b").is_readonly


TRANSLATED = """
| survey |
| | type | name | label::Español (es) | label::English (en) | constraint | constraint_message::Español (es) |
| | integer | n | ¿Cuántas? | How many? | . > 0 | Más de cero |
| | select_one c | color | Color de ${n} | Colour of ${n} | | |
| | begin group | g | Grupo | Group | | |
| | text | t | Texto | Text | | |
| | end group | | | | | |
| choices |
| | list_name | name | label::Español (es) | label::English (en) |
| | c | r | Rojo | Red |
| settings |
| | default_language | form_title | version |
| | Español (es) | Prueba | 7 |
"""


def test_labels_are_in_the_language_of_the_session():
    """Questions with their outputs, choices and groups, and the words of a violation."""
    made = form(TRANSLATED)
    instance = start(made, n="3")
    n, color, t = (instance.node(name) for name in ("n", "color", "t"))
    assert (instance.label(n), instance.label(color)) == ("¿Cuántas?", "Color de 3")
    assert instance.check(n, "0") == Violation("constraint", "Más de cero")

    instance.set_language(made.language_for("en"))

    assert (instance.label(n), instance.label(color), instance.group_label(t)) == ("How many?", "Colour of 3", "Group")
    assert [choice.label for choice in instance.choices(color)] == ["Red"]


def test_hints_messages_and_calculated_labels_are_too():
    """jr:choice-name() speaks the session's language from the moment that changes."""
    made = form("""
        | survey |
        | | type | name | label::es | label::en | hint::es | hint::en | required | required_message::en | calculation |
        | | select_one c | color | Color | Colour | Uno | One | yes | Needed | |
        | | calculate | shown | | | | | | | jr:choice-name(${color}, '${color}') |
        | choices |
        | | list_name | name | label::es | label::en |
        | | c | r | Rojo | Red |
        | settings |
        | | default_language |
        | | es |
    """)
    instance = start(made, color="r")
    color = instance.node("color")
    assert (instance.hint(color), instance.node("shown").value) == ("Uno", "Rojo")

    instance.set_language("en")

    assert (instance.hint(color), instance.node("shown").value) == ("One", "Red")
    assert instance.check(color, "") == Violation("required", "Needed")


def test_a_language_the_form_does_not_have_is_refused():
    """KeyError, and the session goes on in the language it had."""
    instance = start(form(TRANSLATED))

    with pytest.raises(KeyError):
        instance.set_language("Deutsch")

    assert instance.language == "Español (es)"


@pytest.mark.parametrize(
    ("code", "language"),
    [("es", "Español (es)"), ("en", "English (en)"), ("ht", "Español (es)"), ("English (en)", "English (en)")],
)
def test_the_forms_language_is_found_by_its_code(code, language):
    """By the code in parentheses; a language the form lacks gets its default."""
    assert form(TRANSLATED).language_for(code) == language


# --- the instance itself -------------------------------------------------------------------------------------


def test_a_bare_name_works_where_it_is_unique():
    """And nowhere else: a KeyError, never a guess."""
    instance = two_visits()

    assert instance.node("total").ref == "/data/total"
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
    """Naive datetimes are refused, at the start and later (STYLE §1)."""
    made = form(TRANSLATED)
    naive = datetime(2018, 10, 3)

    with pytest.raises(ValueError, match="aware"):
        Instance.start(made, Filling("x", naive, "UTC", ""))
    with pytest.raises(ValueError, match="aware"):
        start(made).set_now(naive)


# --- the three real forms ------------------------------------------------------------------------------------


def shipped(name: str) -> Form:
    data = (files("conversations") / "forms" / f"{name}.xlsx").read_bytes()
    published = read_xlsform(data, f"{name}.xlsx", media=LISTS)
    assert published.problems == ()
    return published.form


@pytest.mark.parametrize(
    ("name", "asked"), [("activity_report", 32), ("indicator_update", 33), ("incident_free_text", 21)]
)
def test_the_shipped_forms_have_no_problem_and_speak_the_languages_of_the_bot(name, asked):
    """DOMAIN §6: the forms load without a warning, in Spanish first, and in each other language that the bot has."""
    made = shipped(name)

    assert made.form_id == name
    spoken = [made.language_for(code) for code in LANGUAGES]
    assert spoken[0] == made.languages[0]
    assert sorted(spoken) == sorted(made.languages)
    assert sum(q.is_asked and q.type != "note" for q in made.questions) == asked


def test_an_ongoing_activity_is_reported():
    """The illustrative exchange of DOMAIN §4.2, up to the note that five persons are without data."""
    instance = start(
        shipped("activity_report"), agency="MINERD", activity="PRE-102", period="201809", prev_progress="12"
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

    assert instance.label(instance.node("ben_note")) == "Quedan 5 personas sin dato de sexo o edad."
    assert instance.node("ben_unknown").value == "5"
