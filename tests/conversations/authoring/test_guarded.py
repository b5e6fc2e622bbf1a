"""A required question that takes only what the bot does not write down: its author is told, at its row."""

import pytest

from conversations.authoring.xlsform import read_xlsform
from conversations.languages import LANGUAGES


def warnings(constraint: str, *, required: str = "yes", kind: str = "text", appearance: str = "") -> list[str]:
    form = f"""
| survey |
|        | type   | name | label | required   | constraint   | appearance   |
|        | text   | what | What  | yes        |              |              |
|        | {kind} | id   | Who   | {required} | {constraint} | {appearance} |
"""
    checked = read_xlsform(form.encode(), "form.md")
    found = [problem for problem in checked.problems if problem.code == "guard.required"]
    for problem in found:
        assert all("{" not in problem.sentence(each) + problem.remedy(each) for each in LANGUAGES)
    return [problem.place("en") for problem in found]


@pytest.mark.parametrize(
    "constraint",
    [
        "regex(., '^[0-9]{8}$')",
        "regex(., '^\\+504[0-9]{8}$')",
        "regex(., '^[0-9]{13}$') or regex(., '^[0-9]{3}-[0-9]{7}-[0-9]$')",
        "regex(., '[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+')",
        "contains(., '@')",
        "string-length(.) = 11 and number(.) > 0",
        "string-length(.) > 6 and regex(., '^[0-9]*$')",
    ],
)
def test_what_takes_only_a_telephone_a_document_or_an_address_is_told(constraint: str) -> None:
    """Eight digits, a code of a country, an identity card, an @: in every language, with sheet and row."""
    assert warnings(constraint) == ["survey · row 3 · constraint"]


def test_a_look_that_leaves_only_digits_counts() -> None:
    """With `numbers` no letters are typed: ten of them are ten digits."""
    assert warnings("string-length(.) = 10", appearance="numbers") == ["survey · row 3 · constraint"]
    assert warnings("string-length(.) = 10") == []


@pytest.mark.parametrize(
    "constraint",
    [
        "regex(., '^[0-9]{1,12}$')",
        "regex(., '^(N/S\\|[0-9]{8})$')",
        "string-length(.) < 80",
        "starts-with(., 'http')",
        "'x' = 'x'",
    ],
)
def test_what_can_be_answered_otherwise_is_not(constraint: str) -> None:
    """A short number, a word for "I do not know", a link: there is a way past."""
    assert warnings(constraint) == []


def test_what_may_be_left_out_or_is_no_text_is_not() -> None:
    """A number is not looked at by the guard, a barcode is what was asked for, an optional question is skipped."""
    assert warnings("regex(., '^[0-9]{8}$')", required="") == []
    assert warnings(". > 1000000", kind="integer") == []
    assert warnings("regex(., '^[0-9]{8}$')", kind="barcode") == []


def test_a_contact_that_is_asked_for_is_taken_but_not_in_a_restricted_form() -> None:
    """`bind::enlace:contact` opens a question for an institution's telephone; in referrals it has no effect."""
    form = """
| survey |
|        | type | name | label   | required | constraint             | bind::enlace:contact |
|        | text | tel  | Hotline | yes      | regex(., '^[0-9]{8}$') | yes                  |
| settings |
|          | form_id | form_title | namespaces                     |
|          | FORM    | Contacts   | enlace="https://enlace.invalid/xforms" |
"""
    ordinary = read_xlsform(form.replace("FORM", "contacts").encode(), "contacts.md")
    assert [each.code for each in ordinary.problems if each.code.startswith("guard")] == []
    restricted = read_xlsform(form.replace("FORM", "incident_free_text").encode(), "incident_free_text.md")
    assert "guard.contact" in [each.code for each in restricted.problems]
