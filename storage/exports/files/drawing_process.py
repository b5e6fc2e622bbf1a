"""Draw pages and pictures in a process of their own.

The libraries that draw a page take 33 MB, those that draw a picture 4 MB, and a process keeps them for its whole life
once they are imported. A bot draws a few times a week, and a new interpreter starts in less than a second.
"""

import pickle
from collections.abc import Callable
from typing import Final

from storage.errors import Unavailable
from storage.reports.children import TOLD_TO_END, begin, end, exchange

LIMIT: Final = 240.0
"""Seconds; for a machine that is busy. A page takes one."""
LONGEST: Final = 80_000_000
"""Bytes of a drawing."""
PROGRAM: Final = (
    "import pickle, sys; from storage.reports.children import be_told_by_the_parent_alone, end_with_the_parent; "
    "be_told_by_the_parent_alone(); source = sys.stdin.buffer; "
    "given = source.read(int.from_bytes(source.read(8), 'big')); end_with_the_parent(); "
    "from {module} import {name}; sys.stdout.buffer.write({name}(*pickle.loads(given)))"
)


def draw_in_child(module: str, name: str, *given: object, go_on: Callable[[], object] | None = None) -> bytes:
    """Return what this function of this module draws from `given`, in a child process.

    `given` must be made by us, because it travels pickled. The child has no environment, no folder and no secret of
    ours. What `go_on` raises, which is called again and again meanwhile, ends the child. ValueError if the drawing
    failed; Unavailable if the child was told to end.
    """
    request = pickle.dumps(given)
    child = begin(PROGRAM.format(module=module, name=name))
    try:
        drawn = exchange(child, len(request).to_bytes(8, "big") + request, wall=LIMIT, longest=LONGEST, go_on=go_on)
    finally:
        end(child)
    if drawn is None:
        raise ValueError(f"{module}.{name} has not ended in {LIMIT:g} s")
    if child.returncode in TOLD_TO_END:
        raise Unavailable(f"{module}.{name} was told to end")
    if child.returncode != 0:
        raise ValueError(f"{module}.{name} ended with {child.returncode}")
    return drawn
