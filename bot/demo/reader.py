"""A reader at the demonstration's data door: a program outside that keeps a copy of the reports, as the guide says.

It has a token for the public. The page shows the number of its rows, and each validated report arrives there.
"""

import http.client
import json
import threading
from collections.abc import Mapping
from typing import Any, Final

PATIENCE: Final = 0.5
"""Seconds within which the door must answer. Otherwise the copy stays as it is."""
BEGIN: Final = "/data/v1/reports?limit=1000"


class Reader:
    """A copy that is brought up to date whenever somebody looks and the bot has done something."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self._token = token
        self._next = BEGIN
        self._copy: dict[int, Mapping[str, Any]] = {}
        self._arrived = 0
        self._read_after: object = None
        self._lock = threading.Lock()

    def look(self, done: object = None) -> dict[str, int] | None:
        """The number of rows of the copy, and how many came after the first reading. None without a token.

        If all that the bot has `done` was done before the last reading, there is nothing to read: the page looks every
        few seconds, and a reading is the dearest part of it. Without `done`, read.
        """
        if not self._token:
            return None
        if (done is None or done != self._read_after) and self._lock.acquire(blocking=False):
            try:
                self._read_after = done if self._read() else None
            finally:
                self._lock.release()
        return {"rows": len(self._copy), "arrived": self._arrived}

    def _read(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("GET", self._next, headers={"Authorization": f"Bearer {self._token}"})
            answer = connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            return False  # the bot is down; the next look goes on from the same place
        finally:
            connection.close()
        if answer.status == 410:  # the plan has changed
            self._next, self._copy = BEGIN, {}
        elif answer.status == 200:
            self._take(json.loads(said))
        return answer.status == 200

    def _take(self, page: Mapping[str, Any]) -> None:
        if self._next != BEGIN:
            self._arrived += len(page["rows"])
        for receipt in page["removed"]:
            self._copy.pop(receipt, None)
        self._copy.update((row["root_receipt"], row) for row in page["rows"])
        self._next = "/" + page["next"].partition("://")[2].partition("/")[2]
