"""Phones and switches of a sandbox that runs in another process.

    sandbox = SandboxClient("http://127.0.0.1:8081")
    ana = sandbox.add_person(501, "Ana", language="es")
    ana.start("invitation-code")
    card = ana.wait()                        # the next thing the phone is shown
    ana.tap(card["message_id"], "Reportar")

Blocking and without dependencies, because tests that start processes are ordinary functions. The same acts in the same
process are in people.py.
"""

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

Json = dict[str, Any]


class ControlError(Exception):
    """The sandbox refused a command. The sentence says why."""


class NothingSeenError(AssertionError):
    """The phone was shown nothing in time."""


@dataclass(frozen=True, slots=True)
class SandboxClient:
    """One running sandbox, by its address."""

    url: str

    def ask(self, method: str, path: str, body: Any = None, *, timeout: float = 70) -> Any:
        """Send a request to the control API. A ControlError has the sandbox's own words."""
        data = None if body is None else json.dumps(body).encode()
        return self._send(method, path, data, "application/json", timeout)

    def _send(self, method: str, path: str, data: bytes | None, kind: str, timeout: float) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the address is the test's own
            f"{self.url}/sandbox{path}", data, {"Content-Type": kind}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise ControlError(f"{error.code} {error.read().decode(errors='replace')}") from None

    def state(self) -> Json:
        return dict(self.ask("GET", "/state"))

    def wait_for_bot(self, timeout: float = 20) -> None:
        """Wait until a bot polls or has set its webhook."""
        deadline = time.monotonic() + timeout
        while self.state()["bot"]["mode"] == "silent":
            if time.monotonic() > deadline:
                raise NothingSeenError("no bot has come")
            time.sleep(0.05)

    def add_person(
        self, person_id: int, first_name: str, *, language: str = "es", title: str = "", started: bool = False
    ) -> "Phone":
        given = {"id": person_id, "first_name": first_name, "language_code": language, "title": title}
        self.ask("POST", "/people", {**given, "started": started})
        return Phone(self, person_id)

    def phone(self, person_id: int) -> "Phone":
        return Phone(self, person_id)

    def move_clock(self, *, to: str | float | None = None, by: float | None = None) -> float:
        """Move the clock forward, to a moment (ISO or Unix seconds) or by seconds; return the new time."""
        given = {"by": by} if to is None else {"to": to}
        return float(self.ask("POST", "/clock", given)["now"])

    def add_fault(self, kind: str, **rule: Any) -> int:
        """Add a rule of faults.py; return its number."""
        return int(self.ask("POST", "/faults", {"kind": kind, **rule})["id"])

    def fault_hits(self, number: int) -> int:
        return next(int(fault["hits"]) for fault in self.ask("GET", "/faults") if fault["id"] == number)

    def remove_faults(self) -> None:
        self.ask("DELETE", "/faults")

    def switch(self, **switches: Any) -> None:
        """Switch `down`, `latency` or `limits`."""
        self.ask("POST", "/switches", switches)

    def reset(self) -> None:
        """Forget everything but the time."""
        self.ask("POST", "/reset")

    def calls(self, since: int = 0) -> list[Json]:
        """Every call of the bot, getUpdates included."""
        return list(self.ask("GET", f"/calls?since={since}"))

    def ledger(self, *, chat: int | None = None, since: int = 0) -> list[Json]:
        """Return what phones were shown: one phone, or all."""
        query = {"since": since} if chat is None else {"since": since, "chat": chat}
        return list(self.ask("GET", f"/ledger?{urlencode(query)}"))

    def update(self, update: Json) -> int:
        """Post any update, as it is."""
        return int(self.ask("POST", "/update", update)["update_id"])


class BotByHand:
    """Calls the Bot API directly, for tests of the sandbox itself."""

    def __init__(self, url: str, token: str) -> None:
        self.base = f"{url}/bot{token}/"

    def call(self, method: str, **params: Any) -> Json:
        """The whole answer, also if it was refused."""
        request = urllib.request.Request(  # noqa: S310
            self.base + method, json.dumps(params).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=70) as answer:  # noqa: S310
                return dict(json.loads(answer.read()))
        except urllib.error.HTTPError as error:
            with error:
                return dict(json.loads(error.read()))

    def do(self, method: str, **params: Any) -> Any:
        """The result; AssertionError with Telegram's words if the call was refused."""
        answer = self.call(method, **params)
        assert answer["ok"], answer["description"]
        return answer["result"]

    def refusal(self, method: str, **params: Any) -> str:
        """The words with which the call was refused."""
        answer = self.call(method, **params)
        assert not answer["ok"], answer
        return str(answer["description"])


class Phone:
    """One person's phone. `wait` tells each thing it is shown once, in order."""

    def __init__(self, sandbox: SandboxClient, person_id: int) -> None:
        self.sandbox = sandbox
        self.id = person_id
        self.seen = 0  # the number of the last ledger entry that `wait` has returned

    def _act(self, what: str, body: Any = None) -> Any:
        return self.sandbox.ask("POST", f"/chats/{self.id}/{what}", body or {})

    def start(self, payload: str = "") -> Json:
        return dict(self._act("start", {"payload": payload}))

    def say(self, text: str, **more: Any) -> Json:
        """Write a text. `more` is passed to the control API (reply_to, via_bot, …)."""
        return dict(self._act("text", {"text": text, **more}))

    def edit(self, message_id: int, text: str) -> Json:
        return dict(self._act("edit", {"message_id": message_id, "text": text}))

    def tap(self, message_id: int, text: str | None = None, *, data: str | None = None) -> str:
        """Tap the button with this text, or send this data; return the query's id."""
        given: Json = {"message_id": message_id}
        given |= {"data": data} if data is not None else {"text": text}
        return str(self._act("tap", given)["query_id"])

    def react(self, message_id: int, emoji: str | None) -> None:
        self._act("react", {"message_id": message_id, "emoji": emoji})

    def send_files(self, kind: str, *files: tuple[str, bytes], caption: str = "") -> list[Json]:
        """Send files by name and content; several make an album.

        kind: photo, document, video, audio, voice, sticker.
        """
        edge = uuid4().hex
        parts = []
        for name, value in (("as", kind), ("caption", caption)):
            parts.append(f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
        for name, content in files:
            head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
            parts.append(head.encode() + content + b"\r\n")
        body = b"".join(parts) + f"--{edge}--\r\n".encode()
        path, form = f"/chats/{self.id}/files", f"multipart/form-data; boundary={edge}"
        return list(self.sandbox._send("POST", path, body, form, 70))

    def send_location(self, latitude: float, longitude: float, accuracy: float | None = None) -> Json:
        given: Json = {"latitude": latitude, "longitude": longitude}
        return dict(self._act("location", given if accuracy is None else {**given, "horizontal_accuracy": accuracy}))

    def send_contact(self, contact: Json | None = None) -> Json:
        return dict(self._act("contact", contact))

    def forward(self, text: str) -> Json:
        return dict(self._act("forward", {"text": text}))

    def block(self) -> None:
        self._act("block")

    def unblock(self) -> None:
        self._act("unblock")

    def chat(self) -> Json:
        """The chat as the phone shows it now."""
        return dict(self.sandbox.ask("GET", f"/chats/{self.id}"))

    def messages(self) -> list[Json]:
        return list(self.chat()["messages"])

    def last(self) -> Json:
        """The newest message of the bot."""
        return next(message for message in reversed(self.messages()) if message["from_bot"])

    def wait(self, timeout: float = 10, *, kinds: tuple[str, ...] = ("send", "edit")) -> Json:
        """The next message that is sent or edited, as a Message. Other kinds, if asked for, as their ledger entry."""
        given = {"chat": self.id, "after": self.seen, "timeout": timeout, "kinds": list(kinds)}
        seen = self.sandbox.ask("POST", "/wait", given)
        if seen is None:
            raise NothingSeenError(f"phone {self.id} was shown no {' or '.join(kinds)} in {timeout} s")
        self.seen = seen["seq"]
        return dict(seen["message"] or seen)

    def wait_until(self, words: str, timeout: float = 10) -> Json:
        """The same as `wait`, but skip every message whose text or caption does not contain these words."""
        deadline = time.monotonic() + timeout
        passed = []
        while (left := deadline - time.monotonic()) > 0:
            try:
                message = self.wait(left)
            except NothingSeenError:
                break
            text = str(message.get("text", message.get("caption", "")))
            if words.casefold() in text.casefold():
                return message
            passed.append(text)
        raise NothingSeenError(f"phone {self.id} was not shown {words!r}, but: {passed}")
