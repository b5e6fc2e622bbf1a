"""The data door over a real database, on a real port, asked by a client of the standard library."""

import asyncio
import base64
import http.client
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from starlette.routing import BaseRoute

from bot.doors.data import DataDoor
from bot.web.health import web_app
from bot.web.server import HttpServer
from storage.open_database import Database
from tests.deadlines import PATIENCE
from tests.ports import free_port

NOW = datetime(2018, 10, 3, 12, tzinfo=UTC)
ZONE = "America/Santo_Domingo"


class Clock:
    """It stands, unless a test moves it."""

    def __init__(self) -> None:
        self.moved = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.moved)

    def monotonic(self) -> float:
        return 1000.0 + self.moved


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def rows(self) -> Any:
        return self.json["rows"]


class Served:
    """A door that is open; tokens are made as an admin makes them."""

    def __init__(self, database: Database, port: int, clock: Clock) -> None:
        self.database, self.port, self.clock = database, port, clock
        self.origin = f"http://127.0.0.1:{port}"
        self.plan_id = self.do(lambda unit: unit.plans.all()[0].id)
        self._tokens: dict[str, str] = {}

    def do(self, work: Any) -> Any:
        return self.database.units.submit(None, work).result(PATIENCE)

    def token(self, audience: str, *, anew: bool = False) -> str:
        if anew or audience not in self._tokens:
            made = self.do(lambda unit: unit.tokens.make(self.plan_id, audience, "", NOW, None))
            if anew:
                return str(made.secret)
            self._tokens[audience] = made.secret
        return self._tokens[audience]

    def ask(
        self, path: str, audience: str = "internal", *, token: str | None = None, method: str = "GET",
        headers: Mapping[str, str] | None = None, **query: str,
    ) -> Answer:  # fmt: skip
        """What is at this path of the door; a path that begins with / is one of the server."""
        self.clock.moved += 1  # whoever asks that often is slowed elsewhere
        secret = self.token(audience) if token is None else token
        sent = {"Authorization": f"Bearer {secret}"} if secret else {}
        path = path.removeprefix(self.origin)
        address = path if path.startswith("/") else f"/data/v1/{path}"
        if query:
            address += ("&" if "?" in address else "?") + urlencode(query, quote_via=quote)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, address, headers=sent | dict(headers or {}))
            answer = connection.getresponse()
            told: dict[str, str] = {}
            for name, value in answer.getheaders():
                told[name.lower()] = f"{told[name.lower()]}, {value}" if name.lower() in told else value
            return Answer(answer.status, told, answer.read())
        finally:
            connection.close()


def basic(token: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"anybody:{token}".encode()).decode()}


@contextmanager
def served(database: Database, beside: Sequence[BaseRoute] = ()) -> Iterator[Served]:
    port, clock = free_port(), Clock()
    door = DataDoor(database, clock, "es", f"http://127.0.0.1:{port}")
    server = HttpServer(web_app([*door.routes(), *beside]), "127.0.0.1", port)
    server.listen()
    thread = threading.Thread(target=lambda: asyncio.run(server.run()))
    thread.start()
    try:
        yield Served(database, port, clock)
    finally:
        server.stop()
        thread.join(PATIENCE)
        door.close()


__all__ = ["NOW", "ZONE", "Answer", "Served", "basic", "served"]
