"""Forms that tests are about. One that is compiled does not change: the tests of a process share it."""

import functools

from conversations.authoring.xlsform import read_xlsform
from conversations.xforms.form import CheckedForm


@functools.cache
def compiled(source: bytes | str, name: str = "made.md") -> CheckedForm:
    """`read_xlsform` of a form without media. AuthorError each time anew."""
    return read_xlsform(source.encode() if isinstance(source, str) else source, name)
