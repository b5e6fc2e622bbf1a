"""Who may do what: the matrix is made from COMMANDS, so a row that is not declared cannot slip through (S2, S3)."""

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import NOW, Desk
from house import ANA, CARMEN, GRACE, JEAN, LUIS, PEDRO, ROSA, furnish, settings_in

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


ACTIONS = ["pick", "same", "skip", "send", "day", "value", "nope"]
PEOPLE = {
    Role.FOCAL_POINT: ANA,
    Role.ALTERNATE: LUIS,
    Role.COORDINATOR: CARMEN,
    Role.ADMIN: PEDRO,
    Role.OBSERVER: GRACE,
}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
@pytest.mark.parametrize("role", PEOPLE, ids=str)
def test_a_command_is_done_for_its_roles_and_denied_to_all_others(
    desk: Desk, command: commands.Command, role: Role
) -> None:
    """Command × role, typed and tapped: what the table does not grant changes nothing and says so."""
    who = PEOPLE[role]
    before = desk.state()
    tapped = desk.tap(who, command_token(command.name, ""))
    if role not in command.roles:
        assert desk.state() == before
        assert tapped.answer is not None
        assert tapped.answer.show_alert
        if command.is_typed:
            said = desk.say(who, f"/{command.name}")
            assert desk.state() == before
            assert any(
                wording("es")("denied") in str(r.payload) or "not for your role" in str(r.payload)
                for r in said.deliveries
            )


@pytest.mark.parametrize("kind", ["group", "supergroup", "channel"])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_nothing_is_done_outside_a_private_chat(desk: Desk, command: commands.Command, kind: str) -> None:
    """S4: command × chat type, for the most powerful as for the rest."""
    chat = {"id": -100500, "type": kind, "title": "G"}
    before = desk.state()
    for who in (PEDRO, ANA):
        desk.say(who, f"/{command.name}", chat=chat)
        desk.tap(who, command_token(command.name, ""), chat=chat)
    assert desk.state() == before


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


def test_ten_thousand_forged_taps_have_no_effect(desk: Desk) -> None:
    """S3: forged, replayed, foreign and expired; a session of somebody else is open all the while."""
    desk.tap(ANA, command_token("reportar", "a.PRE-101.201809"))
    with desk.database.reader() as connection:
        (number, version) = connection.exec_driver_sql(
            "SELECT s.id, s.version FROM session s JOIN person p ON p.id=s.person_id"
            f" WHERE p.telegram_id={ANA} AND s.state='open' ORDER BY s.id DESC"
        ).fetchone()
    dice = random.Random(20181003)
    makers: list[Callable[[], str]] = [
        lambda: f"f:{number:x}:{dice.randrange(50):x}:{dice.choice(ACTIONS)}:{dice.randrange(9)}",
        lambda: f"f:{dice.randrange(10**6):x}:1:pick:0",
        lambda: f"f:{dice.randbytes(5).hex()}",
        lambda: f"c:{dice.choice([c.name for c in COMMANDS if c.roles == commands._ADMINS])}:{dice.randrange(9)}",
        lambda: f"c:{dice.choice(['tomar', 'continuar', 'descartar', 'corregir'])}:{dice.randrange(10**6)}.yes",
        lambda: dice.randbytes(20).hex(),
    ]
    before = desk.state()

    def volley(unit: Any) -> None:
        for _ in range(1000):
            desk.update_id += 1
            raw = {
                "update_id": desk.update_id,
                "callback_query": {
                    "id": "1",
                    "from": {"id": JEAN, "is_bot": False, "first_name": "J"},
                    "message": {"message_id": 1, "date": 1, "chat": {"id": JEAN, "type": "private"}},
                    "data": dice.choice(makers)(),
                },
            }
            desk.dispatch.handle(unit, raw, NOW)

    for _ in range(10):
        desk.database.units.submit(None, volley).result()
    assert desk.state() == before
    assert version == desk.database.units.submit(None, lambda unit: unit.sessions.get(number).version).result()


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
