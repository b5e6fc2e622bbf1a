"""The first text where nothing is asked needs the tables of phrases, and nobody else waits until they are built."""

import threading
from typing import Any

import pytest

from bot.screens.everyone import unasked
from conversations.session.reading.meanings import WISHES
from tests.bot.desk import Desk, said
from tests.bot.house import ANA, PEDRO


def test_the_tables_of_phrases_are_built_beside_the_writer(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second of work inside the transaction would be half a second for everybody, once after each start."""
    built: list[str] = []
    read = unasked.read

    def noting(text: str, language: str, writer: Any) -> Any:
        built.append(threading.current_thread().name)
        return read(text, language, writer)

    unasked._build_tables.cache_clear()
    monkeypatch.setattr(unasked, "prepare", lambda: built.append(threading.current_thread().name))
    monkeypatch.setattr(unasked, "read", noting)
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


def test_the_screen_answers_what_the_table_says_is_answered_in_words() -> None:
    """No more and no less; other meanings lead somewhere."""
    assert {meaning for meaning, wish in WISHES.items() if wish.is_told} == set(unasked.TOLD)
    assert {meaning for meaning, wish in WISHES.items() if not wish.routes} == {*unasked.TOLD, *unasked.ANSWERS}
