"""The data door: programs with a token read over HTTP what `enlace export` writes to a file.

`/data/v1` has one entrance, so no request reaches a dataset without these steps. The token is looked up in a unit of
work that counts the read and writes its audit entry. Data is read only after that commit, in threads of their own and
on connections that cannot write.

Law: only GET and HEAD, only what is declared, a JSON problem for everything else. No line of the log says what was
asked or by whom.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import BinaryIO, Final

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bot.doors.credentials import UNAUTHORISED, address_of, network_of, token_of
from bot.doors.limits import NETWORKS, READS, STRANGERS, Allowances
from bot.doors.odata import PATH, VERSION, feed_of, write_odata
from bot.doors.openapi import openapi
from bot.doors.parameters import LONGEST_ADDRESS, MEDIA_TYPES, TABULAR, Asked, asked_of, read
from bot.doors.problems import NOT_FOUND, Problem, unknown
from bot.doors.reading import BASE, Reader, listed, write_dataset, write_dictionary
from bot.doors.spool import Spool, Wrote, ready
from bot.telegram.handled import Clock
from storage.database.marks import protection_mark
from storage.errors import Unavailable
from storage.open_database import Database
from storage.plan.settings import LANGUAGE
from storage.unit_of_work import UnitOfWork

logger = structlog.get_logger(__name__)

WriteFor = Callable[[UnitOfWork, Reader, BinaryIO], Wrote]
AWAY: Final = Problem(503, "database", "The database is away. Ask again in a moment.", headers=(("Retry-After", "10"),))
FAILED: Final = Problem(500, "failed", "It failed here, and the bot's log says where. Later it may work.")


@dataclass(frozen=True, slots=True)
class Understood:
    """A request that was understood: the dataset, for the count, and the function that writes the answer."""

    dataset: str
    write: WriteFor


class DataDoor:
    """`/data/v1` of this bot. `origin` is its public URL."""

    def __init__(self, database: Database, clock: Clock, language: str, origin: str) -> None:
        self._database, self._clock = database, clock
        self._language, self._origin = language, origin
        self._readers = Allowances(READS, clock.monotonic)
        self._strangers = Allowances(STRANGERS, clock.monotonic)
        self._networks = Allowances(NETWORKS, clock.monotonic)
        self._spool = Spool()

    def routes(self) -> list[BaseRoute]:
        methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
        return [
            Route(BASE, self.answer, methods=methods),
            Route(BASE + "/{path:path}", self.answer, methods=methods),
        ]

    def close(self) -> None:
        self._spool.close()

    async def answer(self, request: Request) -> Response:
        """The boundary of a request: an error inside becomes a problem, and nothing else leaves."""
        try:
            return await self._answer(request)
        except Problem as error:
            problem = error
        except Unavailable:
            problem = AWAY
        except Exception as error:  # noqa: BLE001
            logger.error("door.failed", error=type(error).__name__)
            problem = FAILED
        if request.url.path != PATH and not request.url.path.startswith(f"{PATH}/"):
            return problem.response()
        answer = problem.response(is_odata=True)
        answer.headers.update(VERSION)
        return answer

    async def _answer(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            raise Problem(405, "method", "This door is for reading: GET and HEAD.", headers=(("Allow", "GET, HEAD"),))
        if len(request.url.path) + len(request.url.query) > LONGEST_ADDRESS:
            raise Problem(400, "too-long", "This address is longer than anything that can be asked.")
        if request.url.path == f"{BASE}/openapi.json":  # it says nothing about any plan
            return ready(request, openapi(), MEDIA_TYPES["json"])
        secret = self._secret(request)
        understood: Understood | Problem
        try:
            understood = understand(request)
        except Problem as problem:  # not said to a client without a token
            understood = problem
        reader = await self._reader(request, secret, understood)
        if isinstance(understood, Problem):
            raise understood
        writing = _Writing(self._database, understood, reader)
        may_read = partial(asyncio.to_thread, writing.may_go_on, secret)
        return await self._spool.answer(request, reader.token.prefix, writing, may_read)

    # -------------------------------------------------------------- who
    def _secret(self, request: Request) -> str:
        address = address_of(request)
        wait = max(self._strangers.wait(address), self._networks.wait(network_of(address)))
        if wait > 0 and not self._is_known(request):
            raise _too_many(wait)
        try:
            return token_of(request)
        except Problem:
            self._count(address)
            raise

    def _count(self, address: str) -> None:
        """Count a request without a good token."""
        self._strangers.spend(address)
        self._networks.spend(network_of(address))

    def _is_known(self, request: Request) -> bool:
        """Whether this token was good before. Such a reader is not slowed down by other clients at its address."""
        try:
            return _key(token_of(request)) in self._readers
        except Problem:
            return False

    async def _reader(self, request: Request, secret: str, understood: Understood | Problem) -> Reader:
        key = _key(secret)
        if (wait := self._readers.wait(key)) > 0:
            raise _too_many(wait)
        now = self._clock.now()
        dataset = understood.dataset if isinstance(understood, Understood) else ""
        admit = partial(self._admit, secret=secret, dataset=dataset, now=now)
        reader = await self._database.units.run(None, admit)
        if reader is None:
            self._count(address_of(request))
            raise UNAUTHORISED
        self._readers.spend(key)
        return reader

    def _admit(self, unit: UnitOfWork, *, secret: str, dataset: str, now: datetime) -> Reader | None:
        """The reader, if the token is good now. Its read is counted, and the first of a day is in the audit log."""
        token = unit.tokens.admitted(secret)
        if token is None:
            return None
        plan = unit.plans.by_id(token.plan_id)
        day = plan.day_of(now)
        if dataset and unit.tokens.note_read(token, dataset, day, now):
            details = {"token": token.prefix, "dataset": dataset, "audience": token.audience, "on": day.isoformat()}
            unit.audit.record("token.read", None, plan.id, details, now)
        language = unit.settings.text(plan.id, LANGUAGE) or self._language
        return Reader(token, now, plan.timezone, self._origin, language)


class _Writing:
    """Writes an answer, and says later whether its reader may still have it."""

    def __init__(self, database: Database, understood: Understood, reader: Reader) -> None:
        self._database, self._understood, self._reader = database, understood, reader
        self._protects = ""

    def __call__(self, out: BinaryIO) -> Wrote:
        with self._database.view() as unit:
            self._protects = protection_mark(unit, self._reader.token.plan_id)
            return self._understood.write(unit, self._reader, out)

    def may_go_on(self, secret: str) -> bool:
        """Whether the token is still good, and the plan protects what it protected when the answer was made.

        No, too, while nobody can tell.
        """
        with contextlib.suppress(Unavailable), self._database.view() as unit:
            token = unit.tokens.admitted(secret)
            return token is not None and protection_mark(unit, token.plan_id) == self._protects
        return False


def _key(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _too_many(wait: float) -> Problem:
    seconds = max(1, round(wait + 0.5))
    return Problem(
        429, "too-many", f"Ask again in {seconds} seconds. A copy is kept up to date with `next`, not by reading all.",
        headers=(("Retry-After", str(seconds)),),
    )  # fmt: skip


# ------------------------------------------------------------------ what is asked
def understand(request: Request) -> Understood:
    """Read what a request asks for. Problem if there is no such thing."""
    path = request.url.path.removeprefix(BASE).strip("/")
    if not path:
        read(request, Asked, [])
        return Understood("list", _listed)
    dataset, _, rest = path.partition("/")
    if dataset == "odata":
        feed = feed_of(request, rest)
        return Understood(feed.dataset if feed else "odata", partial(write_odata, rest, feed))
    if rest == "columns":
        if dataset not in TABULAR:
            raise unknown("dataset", TABULAR, 404)
        return Understood("columns", partial(_columns, dataset, read(request, Asked, ["language"]).language))
    if rest:
        raise NOT_FOUND
    asked = asked_of(request, dataset)
    return Understood(dataset, lambda unit, reader, out: write_dataset(unit, dataset, asked, reader, out))


def _columns(dataset: str, language: str, unit: UnitOfWork, reader: Reader, out: BinaryIO) -> Wrote:
    write_dictionary(unit, dataset, reader, language, out)
    return Wrote(MEDIA_TYPES["json"])


def _listed(_: UnitOfWork, reader: Reader, out: BinaryIO) -> Wrote:
    out.write(listed(reader).model_dump_json().encode())
    return Wrote(MEDIA_TYPES["json"])
