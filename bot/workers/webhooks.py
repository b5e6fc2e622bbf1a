"""One call to a receiver: signed as Standard Webhooks says, to a checked address, without trust in its answer.

A receiver is somebody else's program. It may be slow, never answer, answer with a gigabyte, or redirect us. So a call
has one time limit for all of it, only a little of the answer is read, only its status is kept, and no redirect is
followed. (standard-webhooks/standard-webhooks, spec v1.0.0)
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from bot.acts.sharing.addresses import BadAddress, expect_callable
from bot.acts.sharing.signatures import signed
from bot.settings import Reach
from storage.messages.endpoints import GONE, Target

if TYPE_CHECKING:
    import aiohttp

CONNECT_TIMEOUT: Final = 5.0
TIMEOUT: Final = 10.0
"""Seconds for all of a call, from resolving the name to the answer's last byte."""
READ: Final = 16 * 1024
"""Bytes of an answer that are read, so that its connection can be reused. A longer answer ends the connection."""
KEEPALIVE: Final = 3.0

REASONS: Final = (
    "inside", "port", "dns", "connect", "tls", "timeout", "reset", "redirect", "status", GONE, "keys",
)  # fmt: skip
"""Why a try failed, in a word. `inside` and `port`: the name now stands for what may not be called."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of a call.

    A blank `reason` means that the receiver accepted it. The text of the receiver's answer is not kept.
    """

    reason: str = ""
    status: int | None = None
    not_before: datetime | None = None


def calling(reach: Reach, *, tls: ssl.SSLContext | None = None) -> "aiohttp.ClientSession":
    """A session that checks every socket: the checked address is the one it connects to."""
    import aiohttp  # where nobody is told of events, this is 5 MB

    def checked(found: tuple[int, int, int, str, tuple[str | int, ...]]) -> socket.socket:
        family, kind, protocol, _, where = found
        expect_callable(str(where[0]), int(where[1]), reach)
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    connector = aiohttp.TCPConnector(
        limit=0, keepalive_timeout=KEEPALIVE, socket_factory=checked, ttl_dns_cache=5, ssl=tls or True
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=TIMEOUT, connect=CONNECT_TIMEOUT),
        headers={"User-Agent": "Enlace"},
    )


async def call(
    session: "aiohttp.ClientSession", target: Target, uid: str, body: bytes, now: Callable[[], datetime]
) -> Answer:
    """Call a receiver once. It never raises, however the receiver behaves."""
    import aiohttp

    headers = {"Content-Type": "application/json", **signed(target.secret, uid, now(), body)}
    try:
        async with session.post(target.url, data=body, headers=headers, allow_redirects=False) as response:
            status = response.status
            if 200 <= status < 300:
                await _read(response)
                return Answer(status=status)
            response.close()
            reason = "redirect" if 300 <= status < 400 else GONE if status == HTTPStatus.GONE else "status"
            return Answer(reason, status, _asked_pause(response.headers.get("Retry-After", ""), status, now()))
    except BadAddress as barred:
        return Answer(barred.why)
    except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError, ssl.SSLError):
        return Answer("tls")
    except aiohttp.ClientConnectorDNSError:
        return Answer("dns")
    except TimeoutError:
        return Answer("timeout")
    except (aiohttp.ClientConnectorError, aiohttp.InvalidURL):
        return Answer("connect")
    except (aiohttp.ClientError, OSError, ValueError, asyncio.IncompleteReadError):
        return Answer("reset")


async def _read(response: "aiohttp.ClientResponse") -> None:
    """Read a little of an answer. A longer answer ends the connection; the receiver has accepted the event already."""
    import aiohttp

    try:
        await response.content.read(READ)
        if not response.content.at_eof():
            response.close()
    except (aiohttp.ClientError, TimeoutError, OSError):
        response.close()


def _asked_pause(header: str, status: int, now: datetime) -> datetime | None:
    """Return until when an overloaded receiver asks us to wait (RFC 9110, Retry-After). None if it does not ask."""
    if status not in (429, 503) or not header.isascii():
        return None
    if header.strip().isdecimal():
        return now + timedelta(seconds=min(int(header), 10**6))
    try:
        asked = parsedate_to_datetime(header)
    except (TypeError, ValueError):
        return None
    return asked if asked.tzinfo is not None else asked.replace(tzinfo=UTC)
