"""A workbook and its files are one content, however they came; what is no such thing is an author's problem."""

import io
import zipfile

import pytest

from conversations.authoring.xlsform import read_xlsform
from conversations.xforms.bundle import Bundle, read_bundle, stored_bundle
from conversations.xforms.problems import AuthorError
from conversations.xforms.revision import compare

FORM = b"| survey |\n| | type | name | label |\n| | select_one_from_file towns.csv | town | Town |\n"
TOWNS = b"name,label\nsd,Santo Domingo\n"


def zipped(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()


def test_the_same_files_are_the_same_content_whatever_way_they_came() -> None:
    """One after the other, or in a ZIP with folders: equal bytes, so the same number on a button."""
    apart = read_bundle("f.md", FORM).with_files(read_bundle("towns.csv", TOWNS))
    together = read_bundle("all.ZIP", zipped({"a/towns.csv": TOWNS, "a/f.md": FORM, "__MACOSX/a/f.md": b"x"}))
    assert apart.pack() == together.pack()
    assert stored_bundle("f", apart.content) == apart
    assert stored_bundle("f", Bundle("f.md", FORM).content) == Bundle("f.md", FORM)


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("a.exe", b"MZ", "bundle.file_kind"),
        ("a.zip", b"PK\x03\x04 nonsense", "bundle.damaged"),
        ("a.zip", zipped({"a.xlsx": b"1", "b.xlsx": b"2"}), "bundle.two_workbooks"),
        ("a.zip", zipped({f"f{number}.csv": b"" for number in range(501)}), "bundle.too_many"),
        ("a.zip", b"PK" + bytes(21 * 2**20), "bundle.too_big"),
    ],
)
def test_what_is_no_form_is_an_authors_problem(name: str, data: bytes, code: str) -> None:
    """Told by its code, never another exception."""
    with pytest.raises(AuthorError) as refusal:
        read_bundle(name, data)
    assert [problem.code for problem in refusal.value.problems] == [code]


def test_a_zip_bomb_is_measured_while_it_is_unpacked() -> None:
    """70 MB of nothing in 70 kB."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("f.xlsx", bytes(70 * 2**20))
    with pytest.raises(AuthorError) as refusal:
        read_bundle("a.zip", made.getvalue())
    assert [problem.code for problem in refusal.value.problems] == ["bundle.too_big"]


def test_differences_are_told_by_question() -> None:
    """Added, removed, changed, and what of each; a choice put in front of a list changes only that list."""
    old = read_xlsform(
        b"""
| survey |
| | type | name | label::es | label::en | relevant |
| | text | a | A | A | |
| | integer | b | B | B | ${a} != '' |
| | select_one l | c | C | C | |
| | text | gone | G | G | |
| choices |
| | list_name | name | label::es | label::en |
| | l | x | X | X |
| | m | z | Z | Z |
""",
        "f.md",
    ).form
    new = read_xlsform(
        b"""
| survey |
| | type | name | label::es | label::en | relevant |
| | text | a | A | Aa | |
| | decimal | b | B | B | ${a} = '' |
| | select_one l | c | C | C | |
| | text | came | G | G | |
| choices |
| | list_name | name | label::es | label::en |
| | l | w | W | W |
| | l | x | X | X |
| | m | z | Z | Z |
""",
        "f.md",
    ).form
    found = compare(old, new)
    assert (found.added, found.removed) == (("came",), ("gone",))
    assert dict(found.changed) == {"a": ("label",), "b": ("type", "relevant"), "c": ("choices",)}
    assert not compare(new, new)
