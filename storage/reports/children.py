"""Fresh interpreters that do one task and end: begun, asked, and ended. Both sides are here.

A child has no environment, no open file and no folder of ours. It is in a session of its own, so a Ctrl-C is for the
bot alone, which ends its child itself. The child's input stays open until it has answered. If that closes, the child
knows that nobody waits any more, and ends.
"""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final

Child = subprocess.Popen[bytes]

LOOK_EVERY: Final = 0.2
"""Seconds between two looks whether the answer is still wanted."""
TOLD_TO_END: Final = tuple(-number for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT))
"""The exit codes of a child that somebody has told to end, as a supervisor tells every process of a service at once.

They say nothing about what the child was doing.
"""


def begin(program: str) -> Child:
    return subprocess.Popen(
        [sys.executable, "-I", "-X", "utf8", "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=os.path.abspath(os.sep),
        env={},
        start_new_session=True,
    )


def end(child: Child) -> None:
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def exchange(
    child: Child, request: bytes, *, wall: float, longest: int, go_on: Callable[[], object] | None = None
) -> bytes | None:
    """Return what the child writes until it ends. None if it took longer than `wall`, or wrote more than `longest`.

    `go_on` is called again and again meanwhile. What it raises ends the exchange.
    """
    assert child.stdin is not None
    assert child.stdout is not None
    ends_at = time.monotonic() + wall
    left = memoryview(request)
    answer = bytearray()
    os.set_blocking(child.stdin.fileno(), False)
    with selectors.DefaultSelector() as ready:
        ready.register(child.stdin, selectors.EVENT_WRITE)
        ready.register(child.stdout, selectors.EVENT_READ)
        while (wait := ends_at - time.monotonic()) > 0:
            if go_on is not None:
                go_on()
                wait = min(wait, LOOK_EVERY)
            for key, _ in ready.select(wait):
                if key.fileobj is child.stdin:
                    try:
                        left = left[os.write(child.stdin.fileno(), left[:65_536]) :]
                    except BlockingIOError:
                        continue
                    except BrokenPipeError:
                        left = left[:0]
                    if not left:
                        ready.unregister(child.stdin)
                    continue
                chunk = os.read(child.stdout.fileno(), 1 << 18)
                answer += chunk
                if len(answer) > longest:
                    return None
                if not chunk:
                    child.wait()  # so that its exit status is known
                    return bytes(answer)
    return None


# ------------------------------------------------------------------ the child's side
def be_told_by_the_parent_alone() -> None:
    """Ignore signals that tell a service to stop: the parent decides about its child."""
    for number in TOLD_TO_END:
        signal.signal(-number, signal.SIG_IGN)


def end_with_the_parent() -> None:
    """End the process when the parent is gone: SIGIO comes when the other end of the input closes.

    SIGIO comes with data too, so call this only when everything has been read.
    """
    try:
        import fcntl
        import select

        fcntl.fcntl(0, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(0, fcntl.F_SETFL, fcntl.fcntl(0, fcntl.F_GETFL) | os.O_ASYNC)
        has_gone = bool(select.select([0], [], [], 0)[0])
    except (ImportError, OSError, AttributeError):
        return
    if has_gone:
        os._exit(1)
