"""Stolen from the real bot: its database, a backup, its keyring, a phone. What does the thief read, and do?"""

import json
import re
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url

from tests.bot.house import ANA, CARMEN, GRACE, PEDRO, Town, furnish, town_in
from tests.deadlines import PATIENCE, wait_until
from tests.storage.database import scratch

pytestmark = pytest.mark.slow

WRITTEN = {
    "the step of a restricted report": "coordinar con la mesa zorzal",
    "a restricted draft": "esperar respuesta del equipo cigua",
    "why a restricted report went back": "falta decir el lugar del tucán",
    "an observer on a restricted activity": "the team of the pelican is late",
    "what was refused": "llamar al flamenco, 809-555-0142",
    "what nobody asked for": "quiero hablar del quetzal",
}
BIRDS = ("zorzal", "cigua", "tucán", "pelican", "flamenco", "quetzal")
"""What no other text of a house has in it."""
OPEN = "el guión lo revisa la garza"
"""What is written of an open activity is no secret, and docs/safeguarding.md says so."""


@dataclass(frozen=True)
class Stolen:
    """A town in which everything was said, and the secrets that it gave out."""

    town: Town
    url: str
    secrets: dict[str, str]

    def database(self) -> bytes:
        """All that a thief of the database has, in a form that can be searched."""
        if not self.url:
            return b"\n".join(path.read_bytes() for path in sorted(self.town.folder.glob("enlace.db*")))
        return _dumped(self.url)

    def backup(self) -> bytes:
        path = self.town.folder / "stolen.backup"
        done = self.town.enlace("db", "backup", str(path))
        assert done.returncode == 0, done.stderr
        if self.url:
            plain = subprocess.run(["pg_restore", "--file=-", path], capture_output=True, timeout=PATIENCE, check=True)
            return _with_bytes(plain.stdout)
        with closing(sqlite3.connect(path)) as copy:
            return path.read_bytes() + "\n".join(copy.iterdump()).encode()


def _dumped(url: str) -> bytes:
    parsed = make_url(url)
    schema = re.search(r"search_path=(\w+)", str(parsed.query.get("options", "")))
    assert schema is not None
    plain = parsed.set(drivername="postgresql", query={}).render_as_string(hide_password=False)
    arguments = ["pg_dump", f"--schema={schema[1]}", plain]
    return _with_bytes(subprocess.run(arguments, capture_output=True, timeout=PATIENCE, check=True).stdout)


def _with_bytes(dump: bytes) -> bytes:
    r"""A dump and, behind it, what its `\x…` cells hold."""
    return dump + b"\n".join(bytes.fromhex(each.decode()) for each in re.findall(rb"\\\\x((?:[0-9a-f]{2})+)", dump))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stolen(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, furnished: Path
) -> Iterator[Stolen]:
    """One town for all of these tests: the phone is stolen last. On PostgreSQL it is told by webhook, else it polls."""
    tmp_path: Path = tmp_path_factory.mktemp("stolen")
    with ExitStack() as stack:
        url = ""
        if request.param == "postgresql":
            url = stack.enter_context(scratch.schema_or_skip(bots=1))
            furnish(tmp_path, url)
        town = stack.enter_context(town_in(tmp_path, None if url else furnished, database_url=url, webhook=bool(url)))
        yield Stolen(town, url, _lived(town))


def _lived(town: Town) -> dict[str, str]:
    """Everybody writes what no thief may read, and secrets are given out."""
    ana, carmen, grace = map(town.officer, (ANA, CARMEN, GRACE))
    ana.say("/pendientes")
    ana.tap("ASI-201")
    ana.tap("Igual que el reporte anterior")
    ana.say(WRITTEN["the step of a restricted report"])
    ana.tap("Enviar ahora")
    carmen.say("/revisar")
    for text in ("ASI-201", "Abrir el texto", "Devolver", "Cuál es el próximo paso", "Seguir con 1 pregunta"):
        carmen.tap(text)
    carmen.say(WRITTEN["why a restricted report went back"])
    grace.say("/comentar ASI-201")
    grace.say(WRITTEN["an observer on a restricted activity"])
    ana.say("/pendientes")
    ana.tap("PRE-101")
    ana.tap("Igual que el reporte anterior")
    ana.say(WRITTEN["what was refused"])
    ana.say(OPEN)
    ana.tap("Enviar ahora")
    ana.say(WRITTEN["what nobody asked for"])
    ana.say("/pendientes")
    ana.tap("ASI-201")
    ana.say(WRITTEN["a restricted draft"])
    said = {
        "an invitation": town.enlace("invite", "--role", "observer").stdout,
        "a token of the door": town.enlace("tokens", "add", "--audience", "public").stdout,
        "the secret of a receiver": town.enlace("events", "add", "https://hooks.example.org/in?k=colibri").stdout,
    }
    made = {name: max(re.findall(r"[\w+/-]{32,}", text), key=len) for name, text in said.items()}
    town.rest()
    return made | {
        "the address of a receiver": "colibri",
        "the bot's token": town.sandbox.token,
        "the secret half of the bot's token": town.sandbox.token.partition(":")[2],
    }


def _kept(town: Town) -> list[tuple[str, list[tuple[object, ...]]]]:
    """Whatever an act changes: not what was said about it."""
    engine = create_engine(town.settings.database_url)
    with engine.connect() as connection:
        kept = [
            (name, sorted(map(tuple, connection.exec_driver_sql(f"SELECT * FROM {name}")), key=repr))
            for name in ("session", "submission", "membership", "person", "review_decision", "comment", "invitation",
                         "delegation", "setting", "data_token", "endpoint", "job", "closing")
        ]  # fmt: skip
    engine.dispose()
    return kept


def test_a_stolen_database_tells_who_reports_and_nothing_that_is_restricted(stolen: Stolen) -> None:
    """Files with all that SQLite leaves beside them, or a dump; and a backup. The keyring is in neither."""
    keys = [key["key"] if isinstance(key, dict) else key for key in _keys(stolen.town.settings.keys)]
    assert keys
    for what, data in (("the database", stolen.database()), ("a backup", stolen.backup())):
        assert OPEN.encode() in data, what
        assert "Ana Martínez".encode() in data, what
        for name, text in (*WRITTEN.items(), *stolen.secrets.items(), *(("a key", key) for key in keys)):
            for form in {text, json.dumps(text)[1:-1]}:
                assert form.encode() not in data, f"{what} holds {name}"
        assert [bird for bird in BIRDS if bird.encode() in data or json.dumps(bird)[1:-1].encode() in data] == [], what
    assert not [text for text in (*WRITTEN.values(), *stolen.secrets.values()) if text in stolen.town.logged()]


def _keys(path: Path) -> list[Any]:
    kept = json.loads(path.read_text("utf-8"))
    found = kept.get("keys", kept)
    return list(found.values() if isinstance(found, dict) else found)


def test_a_stolen_keyring_alone_names_nobody_and_is_its_owners(stolen: Stolen) -> None:
    """Names of keys and keys: no address of a database, no token, nobody."""
    path = stolen.town.settings.keys
    text = path.read_text("utf-8")
    assert path.stat().st_mode & 0o077 == 0
    assert not [each for each in (*stolen.secrets.values(), "sqlite", "postgresql", "MMUJER", str(ANA)) if each in text]


def test_a_stolen_phone_shows_nothing_restricted_and_its_old_buttons_do_nothing(stolen: Stolen) -> None:
    """From the suspension on: whatever was ever drawn there is pressed again, and commands are typed."""
    town, ana, pedro = stolen.town, stolen.town.officer(ANA), stolen.town.officer(PEDRO)
    drawn = {
        button["callback_data"]
        for call in town.client.calls()
        if str(call["params"].get("chat_id")) == str(ANA)
        for row in _keyboard(call["params"])
        for button in row
        if "callback_data" in button
    }
    assert len(drawn) > 20
    # A stranger's thirty in ten seconds are looked at, and more are dropped unread: one of each kind is pressed.
    pressed = sorted({":".join(data.split(":")[:2]): data for data in sorted(drawn)}.values())[:20]
    assert any(WRITTEN["a restricted draft"] in str(each) for each in ana.phone.messages())
    pedro.say("/personas")
    pedro.say("ana")
    pedro.tap("Suspender acceso")
    pedro.tap("Sí, suspender")

    def is_gone() -> bool:
        """Chats are cleaned once a minute of the sandbox's clock."""
        town.rest()
        holds = any(text in str(ana.phone.messages()) for name, text in WRITTEN.items() if "restricted" in name)
        if holds:
            town.client.move_clock(by=60)
        return not holds

    wait_until(is_gone, "what is restricted is gone", show=lambda: str(ana.phone.messages()), look_again=1.0)
    town.rest()
    before, seen = _kept(town), len(town.client.calls())
    card = ana.card["message_id"]
    for data in pressed:
        ana.phone.tap(card, data=data)
    for text in ("/pendientes", "/historial", "/misdatos", "/exportar", "ASI-201"):
        ana.phone.say(text)
    town.rest()
    assert _kept(town) == before
    told = " ".join(str(call["params"]) for call in town.client.calls()[seen:] if str(ANA) in str(call["params"]))
    assert not re.search(r"ASI-201|PRE-101|MMUJER|recibo|Recibo", told), told[:500]


def _keyboard(params: Mapping[str, Any]) -> list[list[dict[str, str]]]:
    markup = params.get("reply_markup") or {}
    markup = json.loads(markup) if isinstance(markup, str) else markup
    rows: list[list[dict[str, str]]] = markup.get("inline_keyboard", [])
    return rows
