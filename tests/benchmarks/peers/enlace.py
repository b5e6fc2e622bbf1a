"""Enlace as it is, or with one thing taken away, to see that the benchmark would show it.

    python tests/benchmarks/peers/enlace.py [--without group|aiohttp] -- run --clock 2018-10-03T08:00

`--without group`: every unit of work is a commit of its own, as in a bot that commits each answer. `--without
aiohttp`: calls go through httpx, as python-telegram-bot's own do. No setting of the product does either; here
a name is replaced before the command line starts. What is imported for that is imported then, so that Enlace
as it is weighs what it weighs.
"""

import argparse
import functools
import sys
from typing import Any

from bot.cli.app import main


def without_group() -> None:
    import bot.open_storage

    bot.open_storage.open_database = functools.partial(bot.open_storage.open_database, group_size=1)  # type: ignore[attr-defined]


def without_aiohttp() -> None:
    from telegram.request import HTTPXRequest

    import bot.telegram.api
    from bot.telegram.http import Request, error_of

    class OverHttpx(Request):
        async def initialize(self) -> None:
            self._over = HTTPXRequest(self._connections, read_timeout=self._timeout, pool_timeout=30)
            await self._over.initialize()

        async def shutdown(self) -> None:
            await self._over.shutdown()

        async def do_request(self, *given: Any, **more: Any) -> tuple[int, bytes]:
            status, payload = await self._over.do_request(*given, **more)
            if not 200 <= status < 300:
                raise error_of(status, payload)
            return status, payload

    bot.telegram.api.Request = OverHttpx  # type: ignore[misc, attr-defined]


SLOWDOWNS = {"group": without_group, "aiohttp": without_aiohttp}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--without", choices=SLOWDOWNS)
    parser.add_argument("arguments", nargs="*")
    given = parser.parse_args()
    if given.without:
        SLOWDOWNS[given.without]()
    sys.argv = ["enlace", *given.arguments]
    main()
