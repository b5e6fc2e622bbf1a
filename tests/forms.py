"""Forms that tests are about. One that is compiled does not change: the tests of a process share it."""

import functools

from conversations.authoring.xlsform import read_xlsform
from conversations.xforms.form import CheckedForm
from tests import ROOT
from tests.conversations.lists import LISTS

COMPARED = ROOT / "tests" / "conversations" / "data" / "xlsform"
"""Forms that were played through ODK's two engines, with what these said."""
MEDIA = {path.name: path.read_bytes() for path in (COMPARED / "forms").glob("*.csv")}


@functools.cache
def compiled(source: bytes | str, name: str = "made.md") -> CheckedForm:
    """`read_xlsform` of a form without media. AuthorError each time anew."""
    return read_xlsform(source.encode() if isinstance(source, str) else source, name)


@functools.cache
def shipped(name: str) -> CheckedForm:
    """A form that the bot brings, with the lists of the shipped plan."""
    data = (ROOT / "conversations" / "forms" / f"{name}.xlsx").read_bytes()
    return read_xlsform(data, f"{name}.xlsx", media=LISTS)


@functools.cache
def compared(name: str, kind: str = "xml") -> CheckedForm:
    """One of `COMPARED`. AuthorError each time anew."""
    path = COMPARED / "forms" / f"{name}.{kind}"
    return read_xlsform(path.read_bytes(), path.name, media=MEDIA)
