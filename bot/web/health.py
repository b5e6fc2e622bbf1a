"""The web application: the webhook's route, and two questions for a supervisor.

`/healthz` says that the process answers. If it does not, a restart helps. `/readyz` says that the bot can do its work:
the database answers, its tables are of this version, and Telegram was reached lately. A restart mends none of these, so
nobody should restart because of `/readyz`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

Question = Callable[[], Awaitable[bool]]
QUESTION_TIMEOUT: Final = 3.0


def web_app(routes: Sequence[BaseRoute] = (), questions: Mapping[str, Question] | None = None) -> Starlette:
    """An application with these routes, `/healthz` and `/readyz`. `questions` are the checks of `/readyz`."""
    asked = dict(questions or {})

    async def readyz(_: Request) -> Response:
        answers = {name: await _ask(question) for name, question in asked.items()}
        is_ready = all(answers.values())
        told = {name: "ok" if answer else "failing" for name, answer in answers.items()}
        return JSONResponse(told, status_code=200 if is_ready else 503)

    return Starlette(routes=[*routes, Route("/healthz", healthz), Route("/readyz", readyz)])


async def healthz(_: Request) -> Response:
    return PlainTextResponse("ok")


async def _ask(question: Question) -> bool:
    try:
        async with asyncio.timeout(QUESTION_TIMEOUT):
            return await question()
    except TimeoutError:
        return False
