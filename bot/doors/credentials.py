"""The token of a request, and the address that the request comes from.

A token comes in a header: as Bearer, or as the password of Basic, which is what Excel asks for. It may not be in the
URL, because URLs are logged, shared and kept in histories. A token in a URL is refused, with the advice to revoke it.
"""

import base64
import binascii
import ipaddress
from typing import Final
from urllib.parse import unquote

from starlette.requests import Request

from bot.doors.problems import Problem
from storage.people.tokens import SHAPE

CHALLENGES: Final = (
    ("WWW-Authenticate", 'Bearer realm="enlace"'),
    ("WWW-Authenticate", 'Basic realm="enlace", charset="UTF-8"'),
)
UNAUTHORISED: Final = Problem(
    401,
    "token",
    "Send a token of the data door: `Authorization: Bearer TOKEN`, or as the password of Basic. An administrator of "
    "the plan makes one in the chat (/tokens), and one that was revoked is made anew.",
    headers=CHALLENGES,
)


def token_of(request: Request) -> str:
    """The token of a request. Problem if it has none, or if it has one in its URL."""
    if SHAPE.search(unquote(request.url.path)) or SHAPE.search(unquote(request.url.query)):
        raise Problem(
            400,
            "token-in-address",
            "A token stands in the address of this request, and others may have seen it there: have it revoked, and "
            "send a new one in the Authorization header.",
        )
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            _, _, value = base64.b64decode(value.strip(), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            raise UNAUTHORISED from None
    elif scheme.lower() != "bearer":
        raise UNAUTHORISED
    return value.strip()


def address_of(request: Request) -> str:
    """The client's address: as the reverse proxy reports it, if that is on this machine; otherwise the peer's address.

    The last forwarded address is the one that the proxy saw itself. Anybody may have written the ones before it.
    For IPv6 it is the network of 64 bits, because a client may use all addresses of its network.
    """
    host = request.client.host if request.client else ""
    forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    found, behind = _read(host), _read(forwarded)
    if found is not None and found.is_loopback and behind is not None:
        found = behind
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return host if found is None else str(getattr(found, "ipv4_mapped", None) or found)


def network_of(address: str) -> str:
    """The network of 48 bits around an address of `address_of`: what one customer of a provider gets. IPv4: itself."""
    if "/" not in address:
        return address
    return str(ipaddress.ip_network(address).supernet(new_prefix=48))


def _read(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
