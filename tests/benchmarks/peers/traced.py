"""Enlace as it is, with the bytecodes of its event loop's thread counted: `bytecodes.py --loop polling`.

    python tests/benchmarks/peers/traced.py [--top 60] [--inclusive] -- run --clock 2018-10-03T08:00

It counts from some seconds after the start on, and prints when it ends.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bytecodes import Counted, summary, told

import bot.app
from bot.cli.app import main
from bot.telegram.intake import Intake

WARM = 4.0
"""Seconds from the start until it counts."""

counted = Counted()
made: list[Intake] = []
before: list[int] = []


class Remembered(Intake):
    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        made.append(self)


def applied() -> int:
    return sum(made[0].updates.values())


def patch() -> None:
    settle_in = bot.app._settle_in

    async def settle_and_count(*given: Any) -> None:
        await settle_in(*given)
        await asyncio.sleep(WARM)
        before.append(applied())
        sys.settrace(counted.trace)

    bot.app.Intake = Remembered  # type: ignore[misc, attr-defined]
    bot.app._settle_in = settle_and_count


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--top", type=int, default=60)
    parser.add_argument("--inclusive", action="store_true")
    parser.add_argument("arguments", nargs="*")
    given = parser.parse_args()
    patch()
    sys.argv = ["enlace", *given.arguments]
    try:
        main()
    finally:
        sys.settrace(None)
        updates = applied() - before[0]
        by = counted.inclusive if given.inclusive else counted.own
        print("\n".join((*told(counted, updates, by=by, top=given.top), summary(counted, updates))))
