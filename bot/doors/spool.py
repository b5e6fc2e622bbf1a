"""Make an answer whole before its first byte leaves, from one moment of the database, beside the bot's own work.

Otherwise a slow reader would hold a moment of the database open. So a worker thread writes the answer into an unnamed
file, as an export is written, and releases the database. The file is sent from there. Its length and hash are known
before the first byte, so an answer that has not changed is not sent.

Memory stays constant, because rows go to the file as they come. Only a few answers are made at once; a few more wait.
"""

import asyncio
import hashlib
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import IO, Any, BinaryIO, Final, cast

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bot.doors.problems import Problem

logger = structlog.get_logger(__name__)

AT_ONCE: Final = 2
WAITING: Final = 16
"""The most answers that are being made, wait, or are being read."""
OF_ONE: Final = 4
"""As many of them may be of one reader, so that a slow one leaves room for the others."""
IN_MEMORY: Final = 1 << 20
"""Bytes of an answer that are kept in memory without a file."""
LONGEST: Final = 900.0
"""The most seconds that a reader may take."""
ASK_EVERY: Final = 1.0
"""Seconds after which somebody who is still reading must still be allowed to."""
BLOCK: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Made:
    """An answer that is ready to be read."""

    file: IO[bytes]
    length: int
    etag: str
    media_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Writing:
    """A file that counts and hashes all that is written into it."""

    def __init__(self) -> None:
        self.file: IO[bytes] = cast("IO[bytes]", tempfile.SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115
        self._hash, self._length = hashlib.sha256(), 0

    def write(self, data: Any) -> int:
        self._hash.update(data)
        self._length += len(data)
        return self.file.write(data)

    def flush(self) -> None: ...

    @property
    def closed(self) -> bool:
        return self.file.closed

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def made(self, wrote: "Wrote") -> Made:
        self.file.write(wrote.tail)
        self.file.seek(0)
        etag = f'{"W/" if wrote.tail else ""}"{self._hash.hexdigest()[:32]}"'
        return Made(self.file, self._length + len(wrote.tail), etag, wrote.media_type, wrote.headers)


@dataclass(frozen=True, slots=True)
class Wrote:
    """The result of writing: the media type, the headers, and the end of the answer."""

    media_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    tail: bytes = b""
    """The end of the answer, which differs each time. It is not part of the hash, so the ETag is a weak one."""


Write = Callable[[BinaryIO], Wrote]
MayRead = Callable[[], Awaitable[bool]]
"""Whether the reader may still have what was made for them."""


class Spool:
    """Makes answers."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="door")
        self._open: Counter[str] = Counter()
        """How many answers each reader has."""

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def answer(self, request: Request, who: str, write: Write, may_read: MayRead) -> Response:
        """The answer that `write` makes, or 304 if the reader `who` has it already.

        Problem if too many are being made. A reader who takes long is asked about again and again (`may_read`), and the
        answer is broken off if they may no longer have it.
        """
        if self._open.total() >= WAITING or self._open[who] >= OF_ONE:
            raise Problem(
                503, "busy", "Too many answers are being read. Ask again in a moment.", headers=(("Retry-After", "5"),)
            )
        self._open[who] += 1
        try:
            made = await asyncio.get_running_loop().run_in_executor(self._pool, _make, write)
        except BaseException:
            self._leave(who)
            raise
        return self._response(request, who, made, may_read)

    def _response(self, request: Request, who: str, made: Made, may_read: MayRead) -> Response:
        headers = {**_kept(made.etag), **made.headers}
        if _is_known(made.etag, request.headers.get("if-none-match", "")):
            self._done(who, made)
            return Response(None, 304, headers)
        headers["Content-Length"] = str(made.length)
        if request.method == "HEAD":
            self._done(who, made)
            return Response(None, 200, headers, made.media_type)
        return _Sent(made, headers, partial(self._done, who, made), may_read)

    def _done(self, who: str, made: Made) -> None:
        if not made.file.closed:
            made.file.close()
            self._leave(who)

    def _leave(self, who: str) -> None:
        self._open[who] -= 1
        if not self._open[who]:
            del self._open[who]


def ready(request: Request, content: bytes, media_type: str) -> Response:
    """An answer that is always the same. It takes nobody's place, however slowly it is read."""
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    if _is_known(etag, request.headers.get("if-none-match", "")):
        return Response(None, 304, _kept(etag))
    return Response(content, 200, _kept(etag), media_type)


def _kept(etag: str) -> dict[str, str]:
    return {
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        "Vary": "Accept, Authorization",
    }


class _Sent(Response):
    """An answer that is sent block by block. `done` is called in any case, even if the reader is gone."""

    def __init__(self, made: Made, headers: Mapping[str, str], done: Callable[[], None], may_read: MayRead) -> None:
        super().__init__(None, 200, dict(headers), made.media_type)
        self._made, self._finish, self._may_read = made, done, may_read

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(LONGEST):
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                asked_at = self._now()
                while block := self._made.file.read(BLOCK):
                    if self._now() - asked_at >= ASK_EVERY:
                        if not await self._may_read():
                            logger.info("door.broken_off")
                            return  # it is shorter than its Content-Length says: no reader takes it for whole
                        asked_at = self._now()
                    await send({"type": "http.response.body", "body": block, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            logger.info("door.slow_reader")
        finally:
            self._finish()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def _make(write: Write) -> Made:
    writing = Writing()
    try:
        return writing.made(write(cast(BinaryIO, writing)))
    except BaseException:
        writing.file.close()
        raise


def _is_known(etag: str, known: str) -> bool:
    """Whether If-None-Match names this ETag (RFC 9110, §13.1.2: compared weakly)."""
    etag = etag.removeprefix("W/")
    return known.strip() == "*" or etag in (each.strip().removeprefix("W/") for each in known.split(","))
