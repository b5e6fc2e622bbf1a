"""The door and the webhook through nginx and Caddy, with the files that are shipped.

Only host, ports, certificate and seconds are other ones.
"""

import contextlib
import gzip
import http.client
import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.doors.limits import STRANGERS
from bot.open_storage import open_storage
from tests.bot.doors.served import Answer, Served, basic, served
from tests.bot.house import furnish, settings_in
from tests.deadlines import PATIENCE
from tests.ports import free_port
from tests.proxies import FRONTS, HOST, in_front

pytestmark = pytest.mark.slow


class Proxy(Served):
    """The door as it is seen from outside."""

    def __init__(self, inside: Served, port: int, certificate: Path) -> None:
        super().__init__(inside.database, inside.port, inside.clock)
        self.outside, self.context = port, ssl.create_default_context(cafile=str(certificate))

    def call(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        connection = http.client.HTTPSConnection(HOST, self.outside, timeout=PATIENCE, context=self.context)
        connection._create_connection = lambda *_, **__: socket.create_connection(  # type: ignore[attr-defined]
            ("127.0.0.1", self.outside), PATIENCE
        )
        try:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # refused before all of it was sent
                connection.request(method, path, body or None, sent)
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, told, answer.read())
        finally:
            connection.close()

    def read(self, path: str, audience: str = "internal", **headers: str) -> Answer:
        self.clock.moved += 1
        return self.call("GET", f"/data/v1/{path}", Authorization=f"Bearer {self.token(audience)}", **headers)


async def _telegram(request: Request) -> Response:
    """Says what arrived; and 503, as the bot while its database is away."""
    body = await request.body()
    if body == b"away":
        return Response(status_code=503, headers={"Retry-After": "2"})
    return JSONResponse({"size": len(body), "secret": request.headers.get("x-telegram-bot-api-secret-token")})


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("certificate")
    made, key = folder / "made.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}", "-addext",
         f"subjectAltName=DNS:{HOST}", "-keyout", key, "-out", made],
        check=True, capture_output=True,
    )  # fmt: skip
    return made, key


@pytest.fixture(scope="module", params=FRONTS)
def proxy(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, certificate: tuple[Path, Path]
) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("proxy")
    folder.chmod(0o755)
    furnish(folder / "house")
    echo = Route("/telegram", _telegram, methods=["POST"])
    with open_storage(settings_in(folder / "house")) as database, served(database, (echo,)) as inside:
        outside = free_port()
        with (
            socket.socket() as gone
        ):  # of the two replicas one is gone; bound and deaf, so that nobody else gets its port
            gone.bind(("127.0.0.1", 0))
            with in_front(request.param, folder, outside, (inside.port, gone.getsockname()[1]), certificate):
                yield Proxy(inside, outside, certificate[0])


# ------------------------------------------------------------------ reading
def test_rows_are_read_with_the_token_as_bearer_and_as_a_password(proxy: Proxy) -> None:
    """And without one the challenge arrives, and the problem with its remedy."""
    rows = proxy.ask("agencies").rows
    assert rows
    assert proxy.read("agencies").rows == rows
    secret = proxy.token("internal")
    assert proxy.call("GET", "/data/v1/agencies", **basic(secret)).rows == rows
    nobody = proxy.call("GET", "/data/v1/agencies")
    assert (nobody.status, nobody.headers["content-type"]) == (401, "application/problem+json")
    assert "realm" in nobody.headers["www-authenticate"]
    assert proxy.read("nothing").json["there_is"]


def test_what_has_not_changed_is_304_also_where_it_was_compressed(proxy: Proxy) -> None:
    for accepted in ("identity", "gzip"):
        answer = proxy.read("plan", Accept_Encoding=accepted)
        assert (answer.headers.get("content-encoding") == "gzip") == (accepted == "gzip")
        body = gzip.decompress(answer.body) if accepted == "gzip" else answer.body
        assert json.loads(body)["rows"] == proxy.ask("plan").rows
        again = proxy.read("plan", Accept_Encoding=accepted, If_None_Match=answer.headers["etag"])
        assert (again.status, again.body) == (304, b"")


def test_every_address_that_the_door_gives_out_gets_through(proxy: Proxy) -> None:
    """Also the longest: a cursor with filters, and a feed's next page with a long $filter."""
    page = proxy.ask("reports", limit="1", agency=",".join(["PGR"] * 99), period="2018", status="in_progress")
    while True:
        path = page.json["next"].removeprefix(proxy.origin)
        page = proxy.call("GET", path, Authorization=f"Bearer {proxy.token('internal')}")
        assert page.status == 200, page.body
        if not page.json["has_more"]:
            break
    longest = "/data/v1/reports?cursor=" + "x" * 6900
    assert proxy.call("GET", longest, Authorization=f"Bearer {proxy.token('internal')}").json["type"].endswith("cursor")


def test_the_door_itself_needs_no_slash(proxy: Proxy) -> None:
    """No redirect: a client that follows one may leave its token behind, or carry it elsewhere."""
    assert proxy.call("GET", "/data/v1", Authorization=f"Bearer {proxy.token('internal')}").status == 200


def test_who_guesses_is_held_up_by_their_own_address_alone(proxy: Proxy) -> None:
    """What they write into X-Forwarded-For is theirs, and not believed."""
    assert proxy.read("agencies").status == 200
    guesses = [
        proxy.call("GET", "/data/v1/", Authorization="Bearer guess", X_Forwarded_For=f"203.0.113.{number}").status
        for number in range(STRANGERS.burst + 2)
    ]
    assert guesses[0] == 401
    assert guesses[-1] == 429
    assert proxy.read("agencies").status == 200  # a reader who is known, at the same address
    proxy.clock.moved += 3600


@pytest.mark.parametrize(
    "path",
    ["/healthz", "/readyz", "/metrics", "/data/v1/../../healthz", "/data/v1/%2e%2e/%2e%2e/healthz",
     "/telegram/../healthz", "/data/v1/..%2f..%2fhealthz", "//healthz", "/data/v1x", "/DATA/V1/../../healthz",
     "/data/v1/;/../../healthz"],
)  # fmt: skip
def test_nothing_else_is_open_to_the_world(proxy: Proxy, path: str) -> None:
    answer = proxy.call("GET", path, Authorization=f"Bearer {proxy.token('internal')}")
    assert answer.status in (400, 404), answer
    assert answer.body.strip() != b"ok"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"])
def test_only_reading_gets_through(proxy: Proxy, method: str) -> None:
    answer = proxy.call(method, "/data/v1/agencies", Authorization=f"Bearer {proxy.token('internal')}")
    assert answer.status in (400, 404, 405, 501)
    assert b"rows" not in answer.body


# ------------------------------------------------------------------ what is too much
def test_a_body_at_the_door_is_refused(proxy: Proxy) -> None:
    with contextlib.suppress(http.client.IncompleteRead):  # the door hangs up while the proxy passes its answer on
        assert proxy.call("GET", "/data/v1/agencies", b"x" * 100_000).status in (400, 401, 413, 503)
    assert proxy.read("agencies").status == 200


def test_headers_that_do_not_end_are_cut_off(proxy: Proxy) -> None:
    """By the proxy itself: they never reach the bot."""
    plain = socket.create_connection(("127.0.0.1", proxy.outside), PATIENCE)
    with proxy.context.wrap_socket(plain, server_hostname=HOST) as connection:
        connection.sendall(b"GET /data/v1/ HTTP/1.1\r\nHost: enlace.example.org\r\nX-Slow: ")
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while connection.recv(1000):  # until it is closed, with a word of reproach or without
                pass


# ------------------------------------------------------------------ the webhook
def test_updates_arrive_with_their_secret_and_503_goes_back(proxy: Proxy) -> None:
    """Telegram sends again what it gets 503 for: a page of the proxy's in its place would lose Retry-After."""
    sent: dict[str, Any] = {"X_Telegram_Bot_Api_Secret_Token": "a-secret"}
    answer = proxy.call("POST", "/telegram", b"{" + b" " * 500_000 + b"}", **sent)
    assert answer.json == {"size": 500_002, "secret": "a-secret"}
    away = proxy.call("POST", "/telegram", b"away", **sent)
    assert (away.status, away.headers["retry-after"]) == (503, "2")
    assert proxy.call("POST", "/telegram", b"x" * 3_000_000, **sent).status in (413, 503)  # 503: Caddy of 2022


@pytest.mark.parametrize("front", FRONTS)
def test_where_both_replicas_are_gone_telegram_is_told_to_come_again_soon(front: str, tmp_path: Path) -> None:
    """The proxy says so itself: after a 502 without Retry-After Telegram would wait up to two minutes."""
    tmp_path.chmod(0o755)
    outside = free_port()
    with in_front(front, tmp_path, outside, (free_port(), free_port())), through(outside) as asking:
        asking.request("POST", "/telegram", b"{}")
        answer = asking.getresponse()
        assert (answer.status, answer.headers["retry-after"]) == (503, "2")


@pytest.mark.parametrize("front", FRONTS[:1])
def test_nginx_passes_on_what_one_replica_turns_away(front: str, tmp_path: Path) -> None:
    """With its body, and each time: neither is avoided for what it answered to another request."""
    tmp_path.chmod(0o755)
    outside, heard = free_port(), []

    def replica(status: int) -> Route:
        async def answer(request: Request) -> Response:
            heard.append((status, await request.body()))
            return Response(status_code=status)

        return Route("/telegram", answer, methods=["POST"])

    furnish(tmp_path / "house")
    with open_storage(settings_in(tmp_path / "house")) as database:
        one, other = served(database, (replica(503),)), served(database, (replica(200),))
        with one as away, other as there, in_front(front, tmp_path, outside, (away.port, there.port)):
            for _ in range(4):
                with through(outside) as asking:
                    asking.request("POST", "/telegram", b"an update")
                    assert asking.getresponse().status == 200
    assert heard.count((200, b"an update")) == 4
    assert (503, b"an update") in heard


def through(port: int) -> contextlib.closing[http.client.HTTPConnection]:
    return contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE))
