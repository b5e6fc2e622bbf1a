"""Whatever a chat does differently is named, and docs/xlsform.md says the same as `form check`.

`pytest tests/conversations/xforms/test_conformance.py --rewrite-golden` writes the page's
tables anew; read the difference.
"""

import pytest

from conversations.authoring.xlsform import read_xlsform
from conversations.languages import LANGUAGES
from conversations.wording import catalogue
from conversations.xforms.conformance import FEATURES, feature, made
from tests import ROOT
from tests.golden import assert_made

PAGE = ROOT / "docs" / "xlsform.md"


def codes(markdown: str) -> set[tuple[str, str, str, int | None]]:
    found = read_xlsform(markdown.encode(), "t.md").problems
    return {(p.severity, p.code, str(p.values.get("name", "")), p.row) for p in found}


def test_the_page_shows_the_tables(request: pytest.FixtureRequest) -> None:
    """docs/xlsform.md is made from the registries, between its markers."""
    assert_made(request, PAGE, made())


def test_every_way_is_told_in_every_language() -> None:
    """A feature that differs says how."""
    assert all((each.way == "") == (each.support == "same") for each in FEATURES)
    ways = {each.way for each in FEATURES if each.way} | {"unknown"}
    for language in LANGUAGES:
        assert {f"way.{way}" for way in ways} == {key for key in catalogue(language) if key.startswith("way.")}


def test_no_word_stands_twice() -> None:
    """One answer a word."""
    names = [(each.kind, each.name) for each in FEATURES]
    assert len(names) == len(set(names))


def test_each_difference_is_named_once_with_its_cell() -> None:
    """A column, an appearance, a parameter, a setting and a sheet that a chat treats otherwise or does not know."""
    found = codes("""
| survey |
| | type | name | label | appearance | parameters | autoplay | my notes |
| | image | a | A | signature | max-pixels=100 | | |
| | text | b | B | sparkling | | | hm |
| | audio | c | C | | quality=low | audio | |
| | image | d | D | signature | | | |
| | note | e | E | ex:org.app(x='a b') | | | |
| settings |
| | form_id | version | auto_send | frobnicate |
| | f | 1 | yes | x |
| my sheet |
| | a | b |
| | 1 | 2 |
""")

    assert {
        ("note", "conform.appearance", "signature", 1 + 1),
        ("note", "conform.appearance", "sparkling", 2 + 1),
        ("note", "conform.column", "my_notes", 2 + 1),
        ("note", "conform.column", "autoplay", 3 + 1),
        ("note", "conform.parameter", "quality", 3 + 1),
        ("warning", "conform.appearance", "ex:org.app(x='a b')", 5 + 1),
        ("note", "conform.setting", "auto_send", 1 + 1),
        ("note", "conform.setting", "frobnicate", 1 + 1),
        ("note", "conform.sheet", "my sheet", None),
    } <= found
    assert not any(name == "max-pixels" for _, _, name, _ in found)


def test_what_varies_within_a_word_does_not_hide_it() -> None:
    """columns-3 is columns, w2 a width, ex:… an app."""
    assert [feature("appearance", w).support for w in ("columns-3", "w2", "COLUMNS", "ex:a.b")] == [
        "same",
        "same",
        "same",
        "unsupported",
    ]
