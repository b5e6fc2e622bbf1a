"""The first text where nothing is asked needs the tables of phrases, and nobody else waits until they are built."""

import threading
from typing import Any

import pytest

from bot.screens.everyone import unasked
from tests.bot.desk import Desk
from tests.bot.house import ANA


def test_the_tables_of_phrases_are_built_beside_the_writer(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second of work inside the transaction would be half a second for everybody, once after each start."""
    built: list[str] = []
    understood = unasked.understood

    def noting(text: str, language: str) -> Any:
        built.append(threading.current_thread().name)
        return understood(text, language)

    unasked._build_tables.cache_clear()
    monkeypatch.setattr(unasked, "prepare", lambda: built.append(threading.current_thread().name))
    monkeypatch.setattr(unasked, "understood", noting)
    desk.say(ANA, "hola")
    assert built[0] == "reading-first"
    assert all(name.startswith("units-") for name in built[1:])
    assert len(built) > 1
