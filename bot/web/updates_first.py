"""Hand an update that has come whole to its endpoint, without a task, a scope and messages for each.

That is how Telegram posts nearly all of them. The work of uvicorn and of ASGI for a request is a sixth of what the
event loop does for an update. Every other request, and an update that comes in pieces, is served by the application.
"""

import asyncio
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from bot.telegram.webhook import APPLIED, Applying, Reply, WebhookEndpoint
from bot.web.header_limits import ShortHeads

PATH: Final = "/telegram"
"""The path to which Telegram delivers updates."""
_URL: Final = PATH.encode()


class _Post:
    """A request whose update is being applied, as uvicorn's protocol wants to know it."""

    __slots__ = ("applying", "disconnected", "keep_alive", "late_at", "protocol", "response_complete")
    message_event: ClassVar = asyncio.Event()
    """uvicorn sets it for an application that waits for more of a body."""

    def __init__(self, protocol: "UpdatesFirst", applying: Applying, *, late_at: float, keep_alive: bool) -> None:
        self.protocol = protocol
        self.applying: Applying | None = applying
        """None: it has its answer."""
        self.late_at = late_at
        self.keep_alive = keep_alive
        """Whether the connection stays. uvicorn changes it when the server ends."""
        self.response_complete = False
        self.disconnected = False

    def end(self, _: object) -> None:
        self.protocol.answer(self)

    def cancel(self, msg: object = None) -> None:
        """End the wait. uvicorn does it when the server ends, as with its tasks."""
        self.protocol.loop.call_soon(self.end, msg)


class UpdatesFirst(ShortHeads):
    """uvicorn's protocol, with updates that have come whole handed to their endpoint."""

    def __init__(self, *given: Any, endpoint: WebhookEndpoint, **more: Any) -> None:
        super().__init__(*given, **more)
        self._endpoint = endpoint
        self._body: bytes | None = None
        """What has come of an update that nobody serves yet. None: there is no such update."""
        self._post: _Post | None = None
        """The update that is being applied."""
        self._applied = self._written(APPLIED)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._body is not None:
            self._serve_as_usual(self._body)

    def look(self, at: float) -> None:
        if self._post is not None and at > self._post.late_at:
            self.answer(self._post)
        super().look(at)

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
            try:
                applying = self._endpoint.begin(self._body)
            except Exception:  # noqa: BLE001  # httptools would call it a broken request; the application says what it is
                applying = None
            if applying is not None:
                self._wait_for(applying)
                return
            self._serve_as_usual(self._body)
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
        self._body, self._has_come = None, True
        late_at = self.loop.time() + self._endpoint.commit_timeout
        keep_alive = self.parser.get_http_version() != "1.0" and self.parser.should_keep_alive()
        self._post = post = _Post(self, applying, late_at=late_at, keep_alive=keep_alive)
        self.cycle = post  # type: ignore[assignment]
        self.tasks.add(post)  # type: ignore[arg-type]
        applying.handled.add_done_callback(post.end)

    def answer(self, post: _Post) -> None:
        """Answer this request, if it has no answer yet."""
        applying, post.applying = post.applying, None
        if applying is None:
            return
        post.response_complete, self._post = True, None
        self.tasks.discard(post)
        if self.transport.is_closing():
            return
        reply = applying.reply()
        if not post.keep_alive:
            self.transport.write(self._written(reply, (b"connection", b"close")))
            self.transport.close()
            return
        self.transport.write(self._applied if reply is APPLIED else self._written(reply))
        if self.pipeline:
            self.on_response_complete()
        elif not self._is_in_head:
            self._late_at = self.loop.time() + self.timeout_keep_alive

    def _written(self, reply: Reply, *more: tuple[bytes, bytes]) -> bytes:
        headers = (*self.server_state.default_headers, *reply.headers, *more)
        lines = b"".join([b"%b: %b\r\n" % header for header in headers])
        return b"%b%b\r\n%b" % (STATUS_LINE[reply.status], lines, reply.body)
