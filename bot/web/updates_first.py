"""Hand an update that has come whole to its endpoint, without a task, a scope and messages for each.

That is how Telegram posts nearly all of them. The work of uvicorn and of ASGI for a request is a sixth of what the
event loop does for an update. Every other request, and an update that comes in pieces, is served by the application.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from bot.telegram.handled import Handled
from bot.telegram.webhook import Applying, WebhookEndpoint
from bot.web.header_limits import ShortHeads

PATH: Final = "/telegram"
"""The path to which Telegram delivers updates."""
_URL: Final = PATH.encode()


@dataclass(slots=True)
class _Post:
    """A request whose update is being applied, as uvicorn's protocol wants to know it."""

    keep_alive: bool
    """Whether the connection stays. uvicorn changes it when the server ends."""
    response_complete: bool = False
    more_body: bool = True
    disconnected: bool = False
    message_event: ClassVar = asyncio.Event()
    """uvicorn sets it for an application that waits for more of a body."""


class UpdatesFirst(ShortHeads):
    """uvicorn's protocol, with updates that have come whole handed to their endpoint."""

    def __init__(self, *given: Any, endpoint: WebhookEndpoint, **more: Any) -> None:
        super().__init__(*given, **more)
        self._endpoint = endpoint
        self._body: bytes | None = None
        """What has come of an update that nobody serves yet. None: there is no such update."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._body is not None:
            self._serve_as_usual(self._body)

    def on_headers_complete(self) -> Any:
        is_next = self.cycle is None or self.cycle.response_complete
        if is_next and self.url == _URL and not self.expect_100_continue and self._is_from_telegram():
            self._head_has_come()
            self._body = b""
            return None
        return super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._body is None:
            super().on_body(body)
        else:
            self._body += body

    def on_message_complete(self) -> None:
        if self._body is not None:
            applying = None
            with suppress(Exception):  # httptools would call it a broken request; the application says what it is
                applying = self._endpoint.begin(self._body)
            if applying is None:
                self._serve_as_usual(self._body)
            else:
                self._wait_for(applying)
        super().on_message_complete()

    @property
    def _is_answered(self) -> bool:
        return self._body is None and super()._is_answered

    def _is_from_telegram(self) -> bool:
        return self.parser.get_method() == b"POST" and self._endpoint.lets_in(dict(self.headers))

    def _serve_as_usual(self, body: bytes) -> None:
        self._body = None
        super().on_headers_complete()
        super().on_body(body)

    def _wait_for(self, applying: Applying) -> None:
        self._body = None
        post = _Post(self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive())
        self.cycle = post  # type: ignore[assignment]
        handled = applying.handled
        self.tasks.add(handled)  # type: ignore[arg-type]  # uvicorn cancels them when the server ends
        limit = self.loop.call_later(self._endpoint.commit_timeout, handled.cancel)
        handled.add_done_callback(partial(self._answer, post, applying, limit))

    def _answer(
        self, post: _Post, applying: Applying, limit: asyncio.TimerHandle, handled: "asyncio.Future[Handled]"
    ) -> None:
        limit.cancel()
        self.tasks.discard(handled)
        post.response_complete = True
        beginning, body = applying.reply()
        if self.transport.is_closing():
            return
        headers = [*self.server_state.default_headers, *beginning["headers"]]
        if not post.keep_alive:
            headers.append((b"connection", b"close"))
        lines = b"".join([b"%b: %b\r\n" % header for header in headers])
        self.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[beginning["status"]], lines, body["body"]))
        if not post.keep_alive:
            self.transport.close()
        self.on_response_complete()
