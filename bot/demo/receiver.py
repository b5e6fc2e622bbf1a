"""A receiver of events for the demonstration: it plays another institution's program.

The page shows the events that it got beside what the bot did. It recognises a repeated event by its number. It answers
401 to a call that is not signed with its secret.
"""

import hmac
import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from bot.acts.sharing.signatures import new_secret, signed
from bot.sandbox.telegram import World

MOST: Final = 64 * 1024


class Receiver(ThreadingHTTPServer):
    """Listens from the start, on a port of this machine."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Call)
        self.secret = new_secret()
        self.world: World | None = None
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def listen(self, world: World) -> None:
        self.world = world
        threading.Thread(target=self.serve_forever, name="receiver", daemon=True).start()

    def take(self, uid: str, body: bytes) -> None:
        with self._lock:
            is_new = uid not in self._seen
            self._seen.add(uid)
        if is_new and self.world is not None:
            event = json.loads(body)
            with self.world.lock:
                self.world.record(f"webhook {event['type']}", event["data"], status=200, via="webhook")


class _Call(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("Content-Length", "0")), MOST))
        uid, stamp = self.headers.get("webhook-id", ""), self.headers.get("webhook-timestamp", "0")
        at = datetime.fromtimestamp(int(stamp) if stamp.isdecimal() else 0, UTC)
        expected = signed(self.server.secret, uid, at, body)["webhook-signature"]
        is_ours = hmac.compare_digest(expected, self.headers.get("webhook-signature", ""))
        if is_ours:
            self.server.take(uid, body)
        self.send_response(204 if is_ours else 401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing: the page shows the call."""
