"""nginx and Caddy in front of the bot, with the files that are shipped."""

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests import ROOT
from tests.deadlines import PATIENCE, wait_until

DEPLOY: Final = ROOT / "deploy"
HOST: Final = "enlace.example.org"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
CADDY = shutil.which("caddy")
FRONTS: Final = (
    pytest.param("nginx.conf", marks=pytest.mark.skipif(NGINX is None, reason="no nginx on this machine")),
    pytest.param("Caddyfile", marks=pytest.mark.skipif(CADDY is None, reason="no Caddy on this machine")),
)


@contextlib.contextmanager
def in_front(
    name: str, folder: Path, outside: int, inside: Sequence[int], certificate: tuple[Path, Path] | None = None
) -> Iterator[None]:
    """Let the program of this file of `deploy` stand before two bots. Without a certificate it speaks plain HTTP."""
    text = adapted(name, outside, inside, certificate)
    command = _command(name, folder, text)
    with (folder / "said.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env={"HOME": str(folder)})
    try:
        wait_until(lambda: is_open(outside), "the proxy listens", unless=lambda: process.poll() is not None)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def adapted(name: str, outside: int, inside: Sequence[int], certificate: tuple[Path, Path] | None) -> str:
    """The shipped file. Only host, ports, certificate and seconds are other ones.

    Each change is found in it, or the file is another than its tests know.
    """
    text = (DEPLOY / name).read_text()
    folder = f"/etc/letsencrypt/live/{HOST}"
    changes = {f"127.0.0.1:{port}": f"127.0.0.1:{own}" for port, own in zip((8443, 8444), inside, strict=True)}
    if name == "nginx.conf":
        changes |= {
            "listen 443 ssl;": f"listen 127.0.0.1:{outside}{' ssl' if certificate else ''};",
            "listen [::]:443 ssl;": "",
            "_timeout 10s": "_timeout 1s",
            "proxy_connect_timeout 2s": f"proxy_connect_timeout {PATIENCE:.0f}s",
            "proxy_read_timeout   5s": f"proxy_read_timeout {PATIENCE:.0f}s",
        }
        for each, file in (("", "fullchain"), ("_key", "privkey")):
            line = f"ssl_certificate{each}".ljust(19) + f" {folder}/{file}.pem;"
            changes[line] = f"ssl_certificate{each} {certificate[bool(each)]};" if certificate else ""
    else:
        tls = f"\n\ttls {certificate[0]} {certificate[1]}" if certificate else ""
        site = f"https://{HOST}" if certificate else "http://127.0.0.1"
        changes |= {
            f"\n{HOST} {{\n": f"\n{site}:{outside} {{\n\tbind 127.0.0.1{tls}\n",
            "read_header 10s": "read_header 1s",
            "health_timeout 2s": f"health_timeout {PATIENCE:.0f}s",
            "\n{\n": "\n{\n\tadmin off\n\tauto_https off\n",
        }
    for found, instead in changes.items():
        assert found in text, found
        text = text.replace(found, instead)
    return text


def _command(name: str, folder: Path, text: str) -> list[str]:
    """How it is started in the foreground; what the file says is checked as an operator would."""
    written = folder / name
    written.write_text(text)
    if name == "Caddyfile":
        assert CADDY is not None
        subprocess.run([CADDY, "validate", "--adapter", "caddyfile", "--config", written], check=True, cwd=folder)
        return [CADDY, "run", "--adapter", "caddyfile", "--config", str(written)]
    assert NGINX is not None
    around = folder / "around.conf"
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    around.write_text(
        ("user root; " if os.geteuid() == 0 else "")
        + f"daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1; events {{}} http {{ "
        + " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
        + f" include {written}; }}"
    )
    subprocess.run([NGINX, "-t", "-q", "-c", around, "-e", folder / "error.log"], check=True)
    return [NGINX, "-c", str(around), "-e", str(folder / "error.log")]


def is_open(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0
