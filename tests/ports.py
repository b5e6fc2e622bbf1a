"""Ports for processes that tests start: nobody else gets one meanwhile.

A port that was looked for and let go again may be given to any other process before the one it is for has come up, or
while that is down between two starts.
"""

import atexit
import socket
from collections import deque
from typing import Final

KEPT: Final = 128
"""So many at once: whose port was taken before all of these is over, and a process may open so many files only."""

_kept: deque[socket.socket] = deque()


def free_port() -> int:
    """A port of this machine, the caller's for as long as its test runs.

    It is held by a socket that never listens: the system gives such a port to nobody who asks for any, and whoever asks
    for this one by number may listen there (both with SO_REUSEADDR, as servers do). Until then connections are refused.
    """
    if len(_kept) == KEPT:
        _kept.popleft().close()
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    _kept.append(holder)
    return int(holder.getsockname()[1])


@atexit.register
def _let_all_go() -> None:
    """Close what is held: else a warning of each stands under the results, and hides one that means something."""
    while _kept:
        _kept.pop().close()
