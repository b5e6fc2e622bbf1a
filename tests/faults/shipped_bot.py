"""`enlace run` as it is shipped, with a fault or a defect planted into it from outside.

A fault suite that wires a bot of its own proves something about that bot. So this imports the product, patches what it
was told to patch (FAULTS_DIE: die at a named point, the N-th time it is reached; FAULTS_PLANT: a row of PLANTS), and
hands over to the command line. Nothing of it is in the product.
"""

import os
import signal

from bot.cli import app
from bot.dispatch import Dispatch
from bot.telegram.api import Api

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
    handle, post = Dispatch.handle, Api.post

    def handled(self, unit, raw, now):
        if point == "before_acknowledging":
            unit.after_commit(reached)
        result = handle(self, unit, raw, now)
        if point == "before_commit" and result.deliveries:
            reached()
        return result

    async def posted(self, method, *given, **more):
        result = await post(self, method, *given, **more)
        if method in ("sendMessage", "editMessageText"):
            reached()
        return result

    if point == "before_marking":
        Api.post = posted
    else:
        assert point in POINTS, point
        Dispatch.handle = handled


if __name__ == "__main__":
    if plant := os.environ.get("FAULTS_PLANT"):
        from tests.faults import plants

        getattr(plants, plant)() if plant not in plants.PLANTS else plants.PLANTS[plant].install()
    if where := os.environ.get("FAULTS_DIE"):
        name, _, number = where.partition(":")
        die_at(name, Countdown(int(number)))
    app.main()
