"""One call to a receiver: signed, to a checked address and port, and no word of its answer is kept."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import aiohttp
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from bot.acts.sharing.addresses import BadAddress, is_callable, read_address
from bot.acts.sharing.receivers import new_secret
from bot.settings import Reach
from bot.workers.webhooks import call, calling, signed
from storage.messages.endpoints import Target
from tests.bot.workers.receiver import Receiver, receiving
from tests.ports import free_port

HERE = Reach((ip_network("127.0.0.0/8"),), range(1, 65536))
OUTSIDE_ALONE = Reach()
SECRET = new_secret()


def now() -> datetime:
    """The machine's own clock: a signature is of now."""
    return datetime.now(UTC)


def test_a_signature_is_the_standards() -> None:
    """Checked by the library of the standard's authors; another body, number, time or secret is refused."""
    body, now = b'{"type":"ping"}', datetime.now(UTC)
    headers = signed(SECRET, "evt_1", now, body)

    assert Webhook(SECRET).verify(body, headers) == {"type": "ping"}

    forged = [
        (SECRET, b'{"type":"pong"}', headers),
        (SECRET, body, headers | {"webhook-id": "evt_2"}),
        (SECRET, body, headers | {"webhook-timestamp": str(int(now.timestamp()) + 1)}),
        (new_secret(), body, headers),
        (SECRET, body, signed(SECRET, "evt_1", now - timedelta(hours=1), body)),
    ]
    for secret, said, heads in forged:
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(said, heads)


# ------------------------------------------------------------------ what a receiver does
@pytest.mark.parametrize(
    ("mood", "reason", "status"),
    [("take", "", 204), ("flood", "", 200), ("fail", "status", 500), ("redirect", "redirect", 307),
     ("busy", "status", 503), ("reset", "reset", None), ("gone", "gone", 410)],
)  # fmt: skip
async def test_what_a_receiver_answers_is_a_status_and_a_word(mood: Any, reason: str, status: int | None) -> None:
    """A redirect is not followed, an answer without end is not read to its end, and no word of it is kept."""
    async with receiving(Receiver(SECRET, lambda: mood)) as receiver, calling(HERE) as session:
        found = await call(session, Target(receiver.url, SECRET), "evt_1", b"{}", now)
    assert (found.reason, found.status) == (reason, status)
    assert receiver.calls == 1


async def test_a_receiver_that_is_not_there() -> None:
    """Nobody listens, no such name, no TLS where it should be: a word for each."""
    async with receiving(Receiver(SECRET)) as receiver, calling(HERE) as session:
        urls = {
            f"http://127.0.0.1:{free_port()}/in": "connect",
            "https://nowhere.invalid/in": "dns",
            receiver.url.replace("http:", "https:"): "tls",
        }
        found = {url: await call(session, Target(url, SECRET), "evt_1", b"{}", now) for url in urls}
    assert {url: answer.reason for url, answer in found.items()} == urls


# ------------------------------------------------------------------ where it is never called
INSIDE = (
    "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "100.100.100.200", "192.0.0.192", "198.18.0.1", "224.0.0.1", "255.255.255.255", "168.63.129.16", "240.0.0.1",
    "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:10.0.0.1", "2001:db8::1",
    "::ffff:169.254.169.254", "64:ff9b::a00:1", "2002:a00:1::1", "::10.0.0.1", "2001:0:0:0:0:0:f5ff:fffe", "words",
)  # fmt: skip
OUTSIDE = ("1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "64:ff9b::101:101")


def test_only_public_addresses_are_called() -> None:
    """Private, local, shared, reserved, metadata of clouds; also inside IPv6, in each of the ways to write that."""
    assert [address for address in INSIDE if is_callable(address)] == []
    assert [address for address in OUTSIDE if not is_callable(address)] == []
    house = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert [address for address in INSIDE if is_callable(address, house)] == [
        "10.0.0.1", "fd00:ec2::254", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1", "::10.0.0.1",
        "2001:0:0:0:0:0:f5ff:fffe",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "localhost.",
        "at.localhost",
        "127.0.0.1.",
        "0177.0.0.1",
        "0x7f.1",
        "017700000001",
        "127。0。0。1",
        "127．0．0．1",
        "①②⑦.0.0.1",
        "ⓛocalhost",
        "%31%32%37.0.0.1",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[::1%25lo]",
        "[::ffff:0:127.0.0.1]",
        "user@127.0.0.1",
        "example.org:80@127.0.0.1",
    ],
)
async def test_no_socket_is_opened_to_an_address_inside(host: str) -> None:
    """However it is written: what is looked at is the address that is connected to."""
    with _listening() as (port, connected):
        async with calling(OUTSIDE_ALONE) as session:
            for scheme in ("http", "https"):
                found = await call(session, Target(f"{scheme}://{host}:{port}/in", SECRET), "evt_1", b"{}", now)
                assert found.reason in ("inside", "dns", "connect"), (host, found)
        assert not connected()


async def test_nothing_is_called_on_a_port_that_the_operator_does_not_name() -> None:
    """A name may get another meaning, and a receiver may have been added before: the socket's port is looked at."""
    async with receiving(Receiver(SECRET)) as receiver:
        found = []
        for ports in (Reach().ports, [receiver.port]):
            async with calling(Reach(HERE.inside, ports)) as session:
                found.append(await call(session, Target(receiver.url, SECRET), "evt_1", b"{}", now))
        assert ([answer.reason for answer in found], receiver.calls) == (["port", ""], 1)


@contextlib.contextmanager
def _listening() -> Iterator[tuple[int, Callable[[], bool]]]:
    """A port on every address of this machine, and whether anybody has come."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        server.setblocking(False)

        def connected() -> bool:
            try:
                server.accept()[0].close()
            except BlockingIOError:
                return False
            return True

        yield server.getsockname()[1], connected


async def test_a_name_that_changes_its_address_is_no_way_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: public when it was looked at, inside when it is connected to. It is looked at there."""
    with _listening() as (port, connected):
        resolved = iter([["93.184.216.34", "127.0.0.1"], ["127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"]])

        async def resolve(_: object, host: str, port: int = 0, family: int = 0) -> list[dict[str, Any]]:
            found = next(resolved)
            return [
                {"hostname": host, "host": address, "port": port, "proto": 0, "flags": socket.AI_NUMERICHOST,
                 "family": socket.AF_INET6 if ":" in address else socket.AF_INET}
                for address in found[-1:]
            ]  # fmt: skip

        monkeypatch.setattr(aiohttp.DefaultResolver, "resolve", resolve)
        for _ in range(4):
            async with calling(OUTSIDE_ALONE) as session:
                target = Target(f"https://hooks.example.org:{port}/in", SECRET)
                assert (await call(session, target, "evt_1", b"{}", now)).reason == "inside"

        assert not connected()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://example.org/x", "scheme"), ("http://example.org/x", "scheme"), ("example.org/x", "scheme"),
        ("https://", "url"), ("https:///x", "url"), ("https://example.org:99999/", "url"), ("https://[::1/", "url"),
        ("https://a b.org/", "url"), ("https://example.org/\n", "ok"), ("https://ex\u202eample.org/", "url"),
        ("https://user:pass@example.org/", "login"), ("https://user@example.org/", "login"),
        ("https://example.org/" + "x" * 1000, "long"), ("https://127.0.0.1/", "inside"),
        ("http://127.0.0.1/", "scheme"), ("https://localhost/", "inside"), ("https://[::1]/", "inside"),
        ("https://10.1.2.3/", "inside"), ("https://[fd00::1]/", "inside"), ("https://169.254.169.254/", "inside"),
        ("https://example.org/in?key=1#frag", "ok"), ("javascript:alert(1)", "scheme"),
        ("https://example.org:22/", "port"), ("https://example.org:6379/in", "port"),
        ("https://10.1.2.3:22/", "inside"),
        ("https://example.org:8443/in", "ok"), ("https://example.org:80/in", "ok"), ("https://example.org:0/", "url"),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_is_refused_with_its_reason(url: str, why: str) -> None:
    """When it is typed, before anything is called."""
    if why == "ok":
        assert read_address(url, OUTSIDE_ALONE)[1] == "example.org"
    else:
        with pytest.raises(BadAddress) as refused:
            read_address(url, OUTSIDE_ALONE)
        assert refused.value.why == why


def test_http_is_for_this_machine_alone_and_only_if_the_operator_says_so() -> None:
    """ENLACE_EVENTS_INSIDE=127.0.0.1/32: a receiver beside the bot."""
    assert read_address("http://127.0.0.1:8000/in", HERE) == ("http://127.0.0.1:8000/in", "127.0.0.1")
    assert read_address("http://localhost:8000/in", HERE)[1] == "localhost"
    with pytest.raises(BadAddress, match="port"):
        read_address("http://127.0.0.1:8000/in", Reach(HERE.inside))
    with pytest.raises(BadAddress):
        read_address("http://10.0.0.1/in", Reach((ip_network("10.0.0.0/8"),)))
