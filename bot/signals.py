"""SIGINT, SIGTERM, SIGQUIT and SIGHUP, from the first instruction of a process that serves to its last.

A supervisor, `docker stop`, Ctrl-C, Ctrl-C pressed twice, Ctrl-\\, and a terminal that is closed mean the same: stop in
order, with exit code 0. By default Python prints a traceback for SIGINT, uvicorn raises SIGTERM again when it has
stopped, and any of them kills the process before a handler is set and after it is removed. So one handler is set all
the time, and only its effect changes. While nothing has begun, it exits at once. Later it stops in order. A second
signal changes nothing.

Nothing heavy is imported here, because there is no handler yet during the first import.
"""

import signal
import sys
from collections.abc import Callable
from typing import Any, Final

SERVING: Final = frozenset({"run", "demo", "sandbox"})
"""Commands that run until they are told to stop. Only for these a signal is not a failure."""
INTERRUPTED: Final = 130
"""The exit code of any other command that a signal has broken off, as shells know it of Ctrl-C."""
SIGNALS: Final = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGQUIT,
    *(() if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else (signal.SIGHUP,)),
)
"""A process that was begun with `nohup` outlives its terminal, as whoever began it wanted."""
SOON: Final = 0.01
"""Seconds until what a signal has raised is raised again, if nobody could catch it."""


def on_signal(act: Callable[[], object]) -> None:
    """Let `act` handle a signal from now on. It is called between two instructions of the main thread.

    So it may interrupt itself, and whoever holds a lock: it must take none. What serves tells its event loop.
    """
    for number in SIGNALS:
        signal.signal(number, lambda *_: act())


def leave_at_once() -> None:
    """Let a signal end the process at once, with exit code 0: nothing has begun that must be ended in order."""
    on_signal(lambda: sys.exit(0))
    sys.unraisablehook = _unraisable


def break_off() -> None:
    """Let the first signal break a command off as Ctrl-C does: it removes what it has half made, and ends its children.

    A second signal is ignored: it would break that off too, or kill the interpreter while it ends.
    """

    def once() -> None:
        be_deaf()
        raise KeyboardInterrupt

    on_signal(once)
    sys.unraisablehook = _unraisable


def insist(told: Any) -> bool:
    """Whether it was a signal's exception that the interpreter could not raise. Then it is raised again, soon.

    A signal may come while a destructor runs, or the callback of a weak reference (imports are full of them). The
    exception ends only these: the process went on, and printed a traceback.
    """
    error = told.exc_value
    if not isinstance(error, KeyboardInterrupt | SystemExit):
        return False
    kind, said = type(error), error.args

    def again(*_: object) -> None:
        raise kind(*said)

    signal.signal(signal.SIGALRM, again)
    signal.setitimer(signal.ITIMER_REAL, SOON)
    return True


def _unraisable(told: Any) -> None:
    if not insist(told):
        sys.__unraisablehook__(told)


def be_deaf() -> None:
    """Ignore signals from now on: while the interpreter ends, it would treat a late signal in its own way."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
