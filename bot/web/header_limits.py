"""Close HTTP connections whose request takes too long, or is too long, and the idle ones if there are too many.

uvicorn waits for ever for the end of the headers, and keeps all of them in memory, those behind a chunked body too. A
server in front (nginx) prevents that. Without one, a few connections that send a byte now and then would hold sockets
and memory, until nobody else gets in. A process may have 1 024 files open (the usual limit), and the bot needs some for
its database and to speak to Telegram: so a thousand connections that say nothing would stop the whole bot. So would a
few hundred that ask and never read the answer.
"""

import asyncio
import copy
import math
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

WITHIN: Final = 10.0
"""Seconds from the connection, or from a further request's first byte, to the end of its headers."""
READS_WITHIN: Final = 60.0
"""Seconds in which a client that is behind must take what waits for it: at most 64 KB."""
LONGEST: Final = 16 * 1024
"""Bytes of headers; Telegram sends about three hundred."""
LONGEST_REQUEST: Final = 2 * 1024 * 1024
"""Bytes of a whole request: more than any body that somebody here reads."""
MOST: Final = 256
"""Connections to one server. Telegram opens forty."""


class ShortHeads(HttpToolsProtocol):
    """uvicorn's protocol, with limits for the time and the length of a request, and for the number of connections."""

    within = WITHIN
    most = MOST
    reads_within = READS_WITHIN
    _late_at = math.inf
    """When what comes next, or what comes now, has taken too long."""
    _reading: asyncio.TimerHandle | None = None
    _length = 0
    _is_in_head = False
    _has_asked = False
    _has_come = False
    _since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()
        self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_reading()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stop_reading()
        self._reading = self.loop.call_later(self.reads_within, self._close)

    def resume_writing(self) -> None:
        self._stop_reading()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._length += len(data)
        most = LONGEST if self._is_in_head else LONGEST_REQUEST
        if self._length > most or (not self._has_come and self._is_answered):
            self._close()

    def look(self, at: float) -> None:
        """Close it if it has taken too long. The server looks ten times a second, so that no request needs timers."""
        if at > self._late_at:
            self._close()

    def send_400_response(self, msg: str) -> None:
        """Say that this was no request. No cache may keep that either: the application adds this to its own answers."""
        self.server_state = copy.copy(self.server_state)
        self.server_state.default_headers = [*self.server_state.default_headers, (b"cache-control", b"no-store")]
        super().send_400_response(msg)

    def on_message_begin(self) -> None:
        if not self._is_in_head:  # a further request on a connection that was kept
            self._wait()
        super().on_message_begin()

    def on_headers_complete(self) -> Any:
        self._is_in_head, self._has_asked = False, True
        self._late_at = math.inf
        return super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._has_come = True
        super().on_message_complete()

    @property
    def _is_answered(self) -> bool:
        """Whether it has its answer: a body that still comes is read by nobody."""
        return self.cycle is not None and self.cycle.response_complete

    @property
    def _is_idle(self) -> bool:
        """Whether it asks for nothing now, or does not read what it asked for."""
        return self.cycle is None or self._is_answered or self.flow.write_paused

    def _make_room(self) -> None:
        """Close an idle connection if there are too many: one that never asked, or the one that asked longest ago."""
        others = [each for each in self.connections if isinstance(each, ShortHeads) and each is not self]
        standing = [each for each in others if not each.transport.is_closing()]
        if len(standing) >= self.most:
            idle = [each for each in standing if each._is_idle]
            min(idle, key=lambda each: (each._has_asked, each._since), default=self)._close()

    def _wait(self) -> None:
        """Wait for a head."""
        self._length, self._is_in_head, self._has_come = 0, True, False
        self._since = self.loop.time()
        self._late_at = self._since + self.within

    def _stop_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _close(self) -> None:
        self._stop_reading()
        if self.flow.write_paused:  # otherwise it would first wait until all is read
            self.transport.abort()
        else:
            self.transport.close()
