"""The rows of COMMANDS, and whose items are whose; every cell of the matrix is tried in test_matrix.py (S2–S4)."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import Desk
from house import ANA, JEAN, ROSA, furnish, settings_in

from bot import commands
from bot.commands import COMMANDS
from bot.opening import open_storage
from bot.telegram.updates import command_token
from conversations.plan import Role
from conversations.wording import LANGUAGES, wording


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder: Path = tmp_path_factory.mktemp("desk")
    furnish(folder)
    with open_storage(settings_in(folder)) as database:
        yield Desk(database)


def test_the_table_declares_every_row() -> None:
    """Unique names and aliases, at least one role, a description for whatever is listed, in every language."""
    names = [name for command in COMMANDS for name in (command.name, *command.aliases)]
    assert len(names) == len(set(names))
    for command in COMMANDS:
        assert command.roles
        assert command.roles <= set(Role)
        assert not command.in_menu or command.is_typed
        if command.in_menu:
            for language in LANGUAGES:
                assert f"command.{command.name}" in wording(language)


def test_names_fit_telegrams_command_menu() -> None:
    """1-32 characters of a-z, 0-9 and underscore; descriptions up to 256 (Bot API, BotCommand)."""
    for role in Role:
        for language in LANGUAGES:
            for name, description in commands.telegram_menu(role, language):
                assert re.fullmatch("[a-z0-9_]{1,32}", name)
                assert 0 < len(description) <= 256


@pytest.mark.parametrize(
    "mark",
    [
        {"forward_origin": {"type": "hidden_user", "date": 1, "sender_user_name": "x"}},
        {"via_bot": {"id": 5, "is_bot": True, "first_name": "b"}},
        {"sender_chat": {"id": -5, "type": "channel", "title": "c"}},
    ],
    ids=["forward", "via_bot", "sender_chat"],
)
def test_what_somebody_else_said_is_never_an_answer(desk: Desk, mark: dict[str, Any]) -> None:
    """S4: whoever presses send on a forward has not said it."""
    desk.say(ROSA, "/pendientes")
    desk.tap(ROSA, command_token("reportar", "a.PER-101.2018Q3"))
    with desk.database.reader() as connection:
        before = connection.exec_driver_sql("SELECT data FROM session WHERE state='open'").fetchall()
    desk.say(ROSA, "en curso", **mark)
    with desk.database.reader() as connection:
        after = connection.exec_driver_sql("SELECT data FROM session WHERE state='open'").fetchall()
    assert [_answers(row) for row in after] == [_answers(row) for row in before]
    desk.say(ROSA, "/cancelar")


def _answers(row: Any) -> Any:
    import json

    return json.loads(row[0])["state"] if row[0] else None


def test_an_agencys_items_are_its_own(desk: Desk) -> None:
    """Command × agency: another agency's activity, draft, submission and closing are out of reach."""
    before = desk.state()
    for data in ("a.PRE-101.201809", "a.PER-101.201899", "i.IND-99.201809", "a..", "x", "a.PRE-101"):
        desk.tap(JEAN, command_token("reportar", data))
    with desk.database.reader() as connection:
        sent = connection.exec_driver_sql(
            "SELECT s.id FROM submission s JOIN agency a ON a.id = s.agency_id WHERE a.code = 'MMUJER'"
        ).fetchall()
    for (number,) in sent:
        for name in ("recibo", "corregir", "continuar", "tomar", "descartar"):
            answer = desk.tap(JEAN, command_token(name, str(number))).answer
            assert answer is not None
            assert answer.show_alert
    for number in ("9" * 30, "-1", "1_0", " 1", "٣", "", "1.yes.yes"):
        for name in ("recibo", "corregir", "continuar", "tomar", "descartar", "historial", "pendientes", "indicadores"):
            assert desk.tap(JEAN, command_token(name, number)).answer is not None
    assert desk.state() == before


def test_an_expired_turn_of_ones_own_session_changes_no_answer(desk: Desk) -> None:
    """The owner too: only the turn that is shown counts."""
    desk.tap(ANA, command_token("reportar", "a.PRE-101.201809"))
    with desk.database.reader() as connection:
        number = connection.exec_driver_sql(
            f"SELECT s.id FROM session s JOIN person p ON p.id=s.person_id WHERE p.telegram_id={ANA} AND s.state='open'"
        ).scalar()
    before = desk.state()[0]
    for turn in (0, 99, 2**20):
        handled = desk.tap(ANA, f"f:{number:x}:{turn:x}:pick:2")
        assert handled.answer is not None
        assert handled.answer.text == wording("es")("form.stale")
    assert [row[4] for row in desk.state()[0]] == [row[4] for row in before]
