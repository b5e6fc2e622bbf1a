"""SIGINT and SIGTERM, from the first instruction of a process that serves to its last.

A supervisor, `docker stop`, a Ctrl-C and a Ctrl-C pressed twice all mean the same: end in order, and do not call it a
failure. Left to themselves Python and uvicorn make a traceback of one, raise the other again when they are done, and
die of either in the moments before a handler stands and after it is gone. So a handler stands all the time, and only
what it does changes: leave at once while nothing has begun; then end in order; a second signal adds nothing.

Nothing heavy is imported here: whatever is imported first is imported without a handler.
"""

import signal
import sys
from collections.abc import Callable
from typing import Final

SERVING: Final = frozenset({"run", "demo", "sandbox"})
"""Commands that go on until they are told to stop: of these alone a signal is not a failure."""
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def on_signal(act: Callable[[], object]) -> None:
    """From now on `act` is what a signal does. It is called between two instructions of the main thread."""
    for number in SIGNALS:
        signal.signal(number, lambda *_: act())


def leave_at_once() -> None:
    """A signal ends the process, with success: nothing has begun that would have to be ended in order."""
    on_signal(lambda: sys.exit(0))


def be_deaf() -> None:
    """Ignore signals from now on: an interpreter that ends would give a late signal its old meaning."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
