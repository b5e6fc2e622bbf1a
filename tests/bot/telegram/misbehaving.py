"""Servers in Telegram's place that misbehave: sockets that close, answers that are cut, pages instead of JSON."""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from bot.telegram.api import Api

TOKEN = "123456789:CANARY-token-AAAAAAAAAAAAAAAAAAAAAAAAA"
SENT = {"message_id": 7, "date": 1, "chat": {"id": 1, "type": "private", "first_name": "x"}}
OK = json.dumps({"ok": True, "result": SENT}).encode()
ME = json.dumps({"ok": True, "result": {"id": 1, "is_bot": True, "first_name": "x", "username": "x_bot"}}).encode()

Answer = Callable[[bytes, bytes, asyncio.StreamWriter], Awaitable[None]]


def response(
    body: bytes, status: str = "200 OK", kind: str = "application/json", *, length: int | None = None
) -> bytes:
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n".encode() + body


class Server:
    """Reads whole requests and does with them what `answer` says; counts connections."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.connections = 0
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                body = await self._body(head, reader)
                self.bodies.append(body)
                await self.answer(head, body, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _body(self, head: bytes, reader: asyncio.StreamReader) -> bytes:
        lower = head.lower()
        if b"transfer-encoding: chunked" in lower:
            parts = b""
            while size := int(await reader.readline(), 16):
                parts += (await reader.readexactly(size + 2))[:-2]
            await reader.readline()
            return parts
        if b"content-length: " in lower:
            return await reader.readexactly(int(lower.split(b"content-length: ")[1].split(b"\r\n")[0]))
        return b""


@contextlib.asynccontextmanager
async def serving(answer: Answer, **options: Any) -> AsyncIterator[tuple[Server, Api]]:
    """A server that answers like this (getMe always works), and an `Api` that talks to it."""

    async def guarded(head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        if b"/getMe" in head:
            writer.write(response(ME))
        else:
            await answer(head, body, writer)

    server = Server(guarded)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    api = Api(SecretStr(TOKEN), f"http://127.0.0.1:{port}", **options)
    await api.initialize()
    try:
        yield server, api
    finally:
        await api.shutdown()
        listening.close()
        await server.close()


def writes(data: bytes, *, closes: bool = False) -> Answer:
    async def answer(head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        if closes:
            await writer.drain()
            writer.close()

    return answer


async def resets(head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def keeps_silent(head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


def certificate(folder: Path, name: str) -> Path:
    """A certificate of `name` that vouches for itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(key.private_bytes(*plain) + made.public_bytes(serialization.Encoding.PEM))
    return path


def refusal(status: str, description: str, **parameters: Any) -> bytes:
    said: dict[str, Any] = {"ok": False, "error_code": int(status[:3]), "description": description}
    if parameters:
        said["parameters"] = parameters
    return response(json.dumps(said).encode(), status)
