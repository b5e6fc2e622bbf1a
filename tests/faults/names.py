"""A server of names that can fall silent, and a bot that finds Telegram through it alone."""

import contextlib
import random
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

NAME = "host.docker.internal"  # a name that the sandbox takes for its own, and the system asks for


class Names:
    """Answers that NAME is this machine, until it is told to answer nothing."""

    def __init__(self, dice: random.Random) -> None:
        self.address = f"127.{dice.randint(1, 250)}.{dice.randint(1, 250)}.{dice.randint(1, 250)}"
        self.is_silent = False
        self.unanswered = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((self.address, 53))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._socket.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            asked, who = self._socket.recvfrom(512)
            if not asked:
                return
            if self.is_silent:
                self.unanswered += 1
                continue
            end = asked.index(b"\0", 12) + 5
            is_ipv4 = asked[end - 4 : end - 2] == b"\0\1"
            head = asked[:2] + b"\x81\x80" + b"\0\1" + (b"\0\1" if is_ipv4 else b"\0\0") + bytes(4)
            answer = b"\xc0\x0c\0\1\0\1" + (0).to_bytes(4) + b"\0\4" + socket.inet_aton("127.0.0.1")
            self._socket.sendto(head + asked[12:end] + (answer if is_ipv4 else b""), who)


@contextlib.contextmanager
def names(folder: Path, dice: random.Random) -> Iterator[tuple[Names, list[str]]]:
    """The server, and how a command begins that asks nobody else. Unsupported where nothing may be mounted."""
    served = Names(dice)
    try:
        config = folder / "resolv.conf"
        config.write_text(f"nameserver {served.address}\noptions timeout:20 attempts:3\n", "utf-8")
        mount = f'mount --bind {config} /etc/resolv.conf && exec "$@"'
        command = ["unshare", "--mount", "sh", "-c", mount, "sh"]
        subprocess.run([*command, "true"], check=True)
        yield served, command
    finally:
        served.close()
