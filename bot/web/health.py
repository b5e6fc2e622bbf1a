"""The web application: the webhook's door, and two questions that a supervisor may ask.

`/healthz` says that the process answers; restarting helps if it does not. `/readyz` says that it can do its work:
the database answers, its tables are this version's, and Telegram has been reached lately; restarting helps nothing
of that, so nobody should restart for it.
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
    """An application of these routes, `/healthz` and `/readyz`; `questions` are what readiness consists of."""
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
