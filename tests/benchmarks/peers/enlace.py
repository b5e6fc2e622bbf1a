"""Enlace as it is, or with one thing taken away, to see that the benchmark would show it.

    python tests/benchmarks/peers/enlace.py [--without group|pyreqwest] -- run --clock 2018-10-03T08:00

`--without group`: every unit of work is a commit of its own, as in a bot that commits each answer. `--without
pyreqwest`: calls go through httpx, as python-telegram-bot's do. No setting of the product does either; here
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


def without_pyreqwest() -> None:
    import httpx

    import bot.telegram.api
    from bot.telegram.errors import TooLarge
    from bot.telegram.http import Transport, error_of

    class HttpxTransport(Transport):
        def open(self) -> None:
            limits = httpx.Limits(max_connections=self._connections, max_keepalive_connections=self._connections)
            self._other = httpx.AsyncClient(limits=limits, timeout=httpx.Timeout(self._timeout, pool=30))

        async def close(self) -> None:
            await self._other.aclose()

        async def exchange(
            self, url: str, body: Any, *, method: str = "POST", timeout: float | None = None, limit: int | None = None
        ) -> bytes:
            headers, seconds = {"Content-Type": "application/json"}, timeout or self._timeout
            answer = await self._other.request(method, url, content=body, headers=headers, timeout=seconds)
            if limit is not None and len(answer.content) > limit:
                raise TooLarge(f"over {limit} bytes")
            if answer.is_success:
                return answer.content
            raise error_of(answer.status_code, answer.content)

    bot.telegram.api.Transport = HttpxTransport  # type: ignore[misc, assignment, attr-defined]


SLOWDOWNS = {"group": without_group, "pyreqwest": without_pyreqwest}

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--without", choices=SLOWDOWNS)
    parser.add_argument("arguments", nargs="*")
    given = parser.parse_args()
    if given.without:
        SLOWDOWNS[given.without]()
    sys.argv = ["enlace", *given.arguments]
    main()
