"""Labels, hints and messages of an instance, in the language of its session."""

import pytest

from conversations.xforms.instance import Violation
from tests.conversations.xforms.filled import TRANSLATED, form, start


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
