"""The budget of an evaluation: a spreadsheet of forty rows can need more than any machine has.

A calculation that doubles forty times, repeats within repeats, a sum over all of them: each takes a few cells, and one
tap would use up the memory of the bot. So an evaluation has a budget of steps, texts and nodes. It has no limit of
milliseconds, because the same event must give the same step on any machine and at any load.

A step is one part of an expression evaluated, one node looked at, or some characters read or written. It takes about a
tenth of a microsecond on a small server. Work that a cache saves is counted as if it was done.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from conversations.xforms.nodes import Place

Measure = Literal["steps", "text", "nodes", "size"]


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits: steps for one event or card, characters of one `text`, `nodes` of an instance, characters of all
    (`size`).
    """

    steps: int
    text: int
    nodes: int
    size: int


FILE_MB = 20
FILE_BYTES = FILE_MB * 2**20
"""The largest file that a bot can download from Telegram (Bot API, getFile)."""

ANSWERING = Limits(steps=8_000_000, text=131_072, nodes=50_000, size=2_000_000)
PUBLISHING = Limits(steps=2_000_000, text=32_768, nodes=25_000, size=500_000)
"""A trial run at publishing gets less. So real answers may be longer than those of the trial."""
MAX_TYPED = 8_192
"""Characters of a typed answer: two of Telegram's longest messages."""
LONG = 256
"""From this length on, reading a text costs one step for every `LONG_STEP` characters."""
LONG_STEP = 64


class Exhausted(Exception):
    """An evaluation needs more than its budget. `place` and `column` say which expression it was."""

    def __init__(self, measure: Measure) -> None:
        super().__init__(measure)
        self.measure: Measure = measure
        self.place: Place | None = None
        self.column = ""

    def met_at(self, place: "Place", column: str) -> None:
        """Remember where it happened. The first call counts: it is the innermost."""
        if self.place is None:
            self.place, self.column = place, column
