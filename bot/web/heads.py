"""Close HTTP connections whose request headers take too long, or are too long.

uvicorn waits for ever for the end of the headers, and keeps all of them in memory. A server in front (nginx) prevents
that. Without one, a few connections that send a byte now and then would hold sockets and memory, until nobody else gets
in.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

WITHIN: Final = 10.0
"""Seconds from the connection, or from a further request's first byte, to the end of its headers."""
LONGEST: Final = 16 * 1024
"""Bytes of headers; Telegram sends about three hundred."""


class ShortHeads(HttpToolsProtocol):
    """uvicorn's protocol, with limits for the time and the length of headers."""

    within = WITHIN
    _closing: asyncio.TimerHandle | None = None
    _length = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._closing is not None:
            self._length += len(data)
            if self._length > LONGEST:
                self._close()

    def on_message_begin(self) -> None:
        if self._closing is None:  # a further request on a connection that was kept
            self._wait()
        super().on_message_begin()

    def on_headers_complete(self) -> Any:
        self._stop_waiting()
        return super().on_headers_complete()

    def _wait(self) -> None:
        self._length = 0
        self._closing = self.loop.call_later(self.within, self._close)

    def _stop_waiting(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None

    def _close(self) -> None:
        self._stop_waiting()
        self.transport.close()
