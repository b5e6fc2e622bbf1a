"""Enlace as it is, or with one thing taken away, to see that the benchmark would show it.

    python tests/benchmarks/peers/enlace.py [--without group|aiohttp] -- run --clock 2018-10-03T08:00

`--without group`: every unit of work is a commit of its own, as in a bot that commits each answer. `--without
aiohttp`: calls go through python-telegram-bot's own transport (httpx). No setting of the product does either; here
a name is replaced before the command line starts.
"""

import argparse
import functools
import sys
from typing import Any

import telegram.request

import bot.open_storage
import bot.telegram.api
from bot.cli.app import main
from bot.telegram.http import TooLarge, error_of


def without_group() -> None:
    bot.open_storage.open_database = functools.partial(bot.open_storage.open_database, group_size=1)  # type: ignore[attr-defined]


class HttpxRequest(telegram.request.HTTPXRequest):
    """The library's transport where Enlace's is expected."""

    def __init__(self, *, connections: int, read_timeout: float, **_: Any) -> None:
        super().__init__(connection_pool_size=connections, read_timeout=read_timeout, pool_timeout=30)
        self.answered_at: float | None = None

    async def exchange(
        self, url: str, body: bytes | None, *, method: str = "POST", limit: int | None = None, **_: Any
    ) -> bytes:
        # Its do_request knows forms only: the client below it is asked, as the library itself does.
        answer = await self._client.request(method, url, content=body, headers={"Content-Type": "application/json"})
        if limit is not None and len(answer.content) > limit:
            raise TooLarge(f"over {limit} bytes")
        if answer.is_success:
            return answer.content
        raise error_of(answer.status_code, answer.content)


def without_aiohttp() -> None:
    bot.telegram.api.AiohttpRequest = HttpxRequest  # type: ignore[misc, assignment]


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
