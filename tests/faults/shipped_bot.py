"""`enlace run` as it is shipped, with a fault or a defect planted into it from outside.

A fault suite that wires a bot of its own proves something about that bot. So this imports the product, patches what it
was told to patch (FAULTS_DIE: die at a named point, the N-th time it is reached; FAULTS_PLANT: a row of PLANTS), and
hands over to the command line. Nothing of it is in the product.

Started as `shipped_bot.py nursery FD` it has made the imports and nothing else, and forks a bot for every request: of
the two seconds that a bot needs to serve, more than one goes into imports, and the suites start hundreds.
"""

import contextlib
import gc
import json
import os
import signal
import socket
import sys
import time

from bot.cli import app
from bot.dispatch import Dispatch
from bot.telegram.api import Api
from tests.bot.cli.forked import import_to_serve, left_to_the_system

POINTS = ("before_commit", "before_acknowledging", "before_marking")
"""Everything done and nothing committed; durable, and nobody told; Telegram has the message, and nobody knows."""


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Countdown:
    """Dies the N-th time."""

    def __init__(self, number: int) -> None:
        self._left = number

    def __call__(self) -> None:
        self._left -= 1
        if self._left == 0:
            die()


def die_at(point: str, reached: Countdown) -> None:
    """Patch the seam at which this point lies: what a unit does, what is called after its commit, what was sent."""
    handle, call = Dispatch.handle, Api.call

    def handled(self, unit, raw, now):
        if point == "before_acknowledging":
            unit.after_commit(reached)
        result = handle(self, unit, raw, now)
        if point == "before_commit" and result.deliveries:
            reached()
        return result

    async def called(self, method, *given, **more):
        result = await call(self, method, *given, **more)
        if method in ("sendMessage", "editMessageText"):
            reached()
        return result

    if point == "before_marking":
        Api.call = called
    else:
        assert point in POINTS, point
        Dispatch.handle = handled


# ------------------------------------------------------------------ the process that has imported
def nursery(asked: socket.socket) -> None:
    """For every bot that is asked for, return once: in a process that is its own. Ends when nobody asks any more."""
    import_to_serve()
    import plants  # noqa: F401

    import bot.web.server  # noqa: F401

    gc.collect()
    gc.freeze()
    asked.send(b".")
    while True:
        request, handed, _, _ = socket.recv_fds(asked, 1 << 20, 2)
        if not request:
            os._exit(0)
        if not os.fork():
            asked.close()
            return become_bot(json.loads(request), *handed)
        for descriptor in handed:
            os.close(descriptor)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def become_bot(request, log: int, back: int) -> None:
    """Fork once more: one waits and tells the number and the exit code, the other goes on as a bot just started."""
    with socket.socket(fileno=back) as wire:
        if bot_process := os.fork():
            wire.sendall(f"{bot_process}\n".encode())
            _, status = os.waitpid(bot_process, 0)
            with contextlib.suppress(BrokenPipeError):  # whoever asked is gone
                wire.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
            os._exit(0)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    sys.argv[1:] = request["arguments"]


if __name__ == "__main__":
    if is_forked := sys.argv[1:2] == ["nursery"]:
        nursery(socket.socket(fileno=int(sys.argv[2])))
    if plant := os.environ.get("FAULTS_PLANT"):
        from tests.faults import plants

        getattr(plants, plant)() if plant not in plants.PLANTS else plants.PLANTS[plant].install()
    if where := os.environ.get("FAULTS_DIE"):
        name, _, number = where.partition(":")
        die_at(name, Countdown(int(number)))
    if is_forked:
        left_to_the_system(app.main)
    else:
        app.main()
