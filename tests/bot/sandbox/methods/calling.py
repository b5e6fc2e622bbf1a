"""A bot that calls the sandbox by hand, and what it is answered."""

import json
import urllib.error
import urllib.request
from io import BytesIO
from typing import Any

from PIL import Image

from bot.sandbox.clock import Clock
from bot.sandbox.server import Sandbox

ANA, STRANGER = 501, 777
START = 1_538_553_600


class StillClock(Clock):
    """Goes on only when it is moved, so that nothing depends on how fast the machine is."""

    def __init__(self, at: float) -> None:
        self._at = at

    def now(self) -> float:
        return self._at

    def move_by(self, seconds: float) -> None:
        self._at += seconds


def multipart(sandbox: Sandbox, method: str, fields: dict[str, Any], **files: tuple[str, bytes]) -> dict[str, Any]:
    parts = [
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
        + (value if isinstance(value, str) else json.dumps(value)).encode()
        for name, value in fields.items()
    ]
    parts += [
        f'--edge\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\n\r\n'.encode() + data
        for name, (file, data) in files.items()
    ]
    request = urllib.request.Request(
        f"{sandbox.url}/bot{sandbox.token}/{method}",
        b"\r\n".join(parts) + b"\r\n--edge--\r\n",
        {"Content-Type": "multipart/form-data; boundary=edge"},
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return dict(json.loads(answer.read()))
    except urllib.error.HTTPError as error:
        with error:
            return dict(json.loads(error.read()))


def picture(width: int = 1000, height: int = 500, **save: Any) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, save.pop("format", "JPEG"), **save)
    return buffer.getvalue()


def buttons(*data: str) -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": f"botón {one[:5]}", "callback_data": one}] for one in data]}
