"""Where a receiver may be: on the public internet, and never where only this machine can reach.

Somebody who can make the bot call an address can reach what is otherwise closed to them: the database beside the bot, a
router's page, a cloud's metadata service that gives out passwords. So only public addresses are called. The check
happens when the connection is made, after the name was resolved, so a name that changes its meaning (DNS rebinding) is
no way around. On ports that are not the web's something else listens, such as a shell or a cache. The server's operator
can allow internal networks with ENLACE_EVENTS_INSIDE and other ports with ENLACE_EVENTS_PORTS. Nobody in a chat can.
"""

import ipaddress
from collections.abc import Sequence
from typing import Final
from urllib.parse import SplitResult, urlsplit

from bot.settings import Network, Reach

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

LONGEST: Final = 1000
_USUAL: Final = {"https": 443, "http": 80}
"""Schemes, and the port of an address that names none."""
NEVER: Final = tuple(
    ipaddress.ip_network(one)
    for one in (
        "168.63.129.16/32",  # a public number, but inside a cloud: Azure's "wire server"
        "192.0.0.0/24", "100.64.0.0/10", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4",
        "64:ff9b:1::/48", "100::/64", "2001:db8::/32", "3fff::/20", "5f00::/16", "fec0::/10",
    )
)  # fmt: skip
"""Networks besides those that Python knows as special, because its versions differ (IANA's special-purpose
registries).
"""
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE: Final = ipaddress.ip_network("::/96")


class BadAddress(Exception):
    """An address that must not be called. `why` is a code: its sentence is `receivers.refused.WHY`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def expect_callable(address: str, port: int, reach: Reach) -> None:
    """BadAddress if nothing at this address (numbers, not a name), or nothing on this port, may be called."""
    if not is_callable(address, reach.inside):
        raise BadAddress("inside")
    if port not in reach.ports:
        raise BadAddress("port")


def is_callable(address: str, inside: Sequence[Network] = ()) -> bool:
    """Whether a receiver at this address (numbers, not a name) may be called."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    meant = _meant(found)
    if _is_in(found, inside) or _is_in(meant, inside):
        return True
    # A network without IPv4 reaches all of IPv4 through NAT64, so there only the IPv4 address inside counts.
    return _is_public(meant) and (found in _NAT64 or _is_public(found))


def _is_public(address: Address) -> bool:
    is_special = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_link_local
    return address.is_global and not is_special and not _is_in(address, NEVER)


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(each.version == address.version and address in each for each in networks)


def _meant(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one, in each way to write it; otherwise the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64 or address in _COMPATIBLE:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def read_address(text: str, reach: Reach) -> tuple[str, str]:
    """Read typed or pasted text as the address of a receiver. Return it with its host.

    BadAddress says what is wrong. The address must be https. It may be http if the host is this machine and the
    operator has allowed that. The name is resolved only when the address is called.
    """
    url = text.strip()
    if len(url) > LONGEST:
        raise BadAddress("long")
    if not url.isprintable() or " " in url or "\\" in url:
        raise BadAddress("url")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise BadAddress("url") from None
    if port == 0:
        raise BadAddress("url")
    if parts.scheme not in _USUAL:
        raise BadAddress("scheme")
    if not host or len(host) > 253:
        raise BadAddress("url")
    if parts.username is not None or parts.password is not None:
        raise BadAddress("login")
    _expect_outside(parts, host, reach.inside)
    if (port or _USUAL[parts.scheme]) not in reach.ports:
        raise BadAddress("port")
    return parts._replace(fragment="").geturl(), host


def _expect_outside(parts: SplitResult, host: str, inside: Sequence[Network]) -> None:
    is_here = host == "localhost" or _is_loopback(host)
    allows_here = is_callable("127.0.0.1", inside)
    if parts.scheme == "http" and not (is_here and allows_here):
        raise BadAddress("scheme")
    if is_here and not allows_here:
        raise BadAddress("inside")
    if _is_number(host) and not is_callable(host, inside):
        raise BadAddress("inside")


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return _is_number(host) and ipaddress.ip_address(host.partition("%")[0]).is_loopback
