"""The first text where nothing is asked needs the tables of phrases, and nobody else waits until they are built."""

import threading
from typing import Any

import pytest

from bot.screens.everyone import unasked
from tests.bot.desk import Desk, said
from tests.bot.house import ANA, PEDRO


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


def test_a_sentence_where_a_person_was_looked_for_is_read_if_it_finds_nobody(desk: Desk) -> None:
    """The list of people listens for a name: "we put October to bed" was answered with "I found nobody like that"."""
    assert "encontré" not in said(desk.say(PEDRO, "/personas"), PEDRO)[-1]
    assert "No encontré" in said(desk.say(PEDRO, "Fulgencia"), PEDRO)[-1]
    heard = said(desk.say(PEDRO, "quién se está durmiendo en los laureles"), PEDRO)[-1]
    assert heard.startswith("Reportes de septiembre 2018"), heard
