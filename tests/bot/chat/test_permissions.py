"""The rows of PERMISSIONS, and whose items are whose; every cell of the matrix is tried in test_matrix.py (S2–S4)."""

import inspect
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from bot.chat import permissions
from bot.chat.permissions import PERMISSIONS, permission_of
from bot.commands import HANDLERS, HEARS, WORDS
from bot.demo.cast import CAST
from bot.open_storage import open_storage
from conversations.languages import LANGUAGES
from conversations.plan.model import Role
from conversations.routes import (
    AWAITS,
    CARRIES,
    NUMBER,
    FormTap,
    Piece,
    Route,
    RouteTap,
    awaiting,
    form_tap,
    read_awaited,
    read_parts,
    read_tap,
    tap,
)
from conversations.wording import catalogue, wording
from storage.database.models import RestrictedMessage, table
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import Desk, buttons
from tests.bot.house import ANA, JEAN, PEDRO, ROSA, furnish, settings_in
from tests.taps import command_token


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder: Path = tmp_path_factory.mktemp("desk")
    furnish(folder)
    with open_storage(settings_in(folder)) as database:
        yield Desk(database)


def test_the_table_declares_every_row() -> None:
    """Unique words, at least one role, words for what is typed, a description for what is listed in every language."""
    words = [word for permission in PERMISSIONS for word in permission.words]
    assert len(words) == len(set(words))
    for permission in PERMISSIONS:
        assert permission.roles
        assert permission.roles <= set(Role)
        assert bool(permission.words) == permission.is_typed
        if permission.in_menu:
            for language in LANGUAGES:
                assert f"command.{permission.route}" in catalogue(language)


def test_every_route_has_one_permission_and_one_handler() -> None:
    """What a button can lead to is granted in one row and done by one handler; only what is a route hears words."""
    assert sorted(permission.route for permission in PERMISSIONS) == sorted(Route)
    assert sorted(HANDLERS) == sorted(Route)
    assert HEARS.keys() == AWAITS.keys()


@pytest.mark.parametrize("route", Route)
def test_a_handler_takes_what_its_route_carries(route: Route) -> None:
    """One parameter a piece, of the piece's type; what a handler has beyond them has a default."""
    _, *parameters = inspect.signature(HANDLERS[route]).parameters.values()
    pieces = CARRIES.get(route, ())
    assert [each.annotation for each in parameters[: len(pieces)]] == [_type_of(piece) for piece in pieces]
    assert all(each.default is not each.empty for each in parameters[len(pieces) :])


@pytest.mark.parametrize("route", AWAITS)
def test_who_hears_takes_what_the_chat_kept_and_the_text(route: Route) -> None:
    """One parameter a piece, of the piece's type, and the words last."""
    _, *parameters = inspect.signature(HEARS[route]).parameters.values()
    expected = [*(_type_of(piece) for piece in AWAITS[route]), str]
    assert [each.annotation for each in parameters] == expected


def test_what_a_chat_keeps_is_what_was_written() -> None:
    """What no function of ours wrote awaits nothing: an older bot's word, a route that hears nothing, a stranger's."""
    assert read_awaited(awaiting(Route.SEND_BACK, 12, "a3")) == (Route.SEND_BACK, (12, "a3"))
    assert read_awaited(awaiting(Route.SEND_BACK, 12, "")) == (Route.SEND_BACK, (12, ""))
    assert read_awaited(awaiting(Route.PEOPLE)) == (Route.PEOPLE, ())
    assert read_awaited(awaiting(Route.AGENCY, "12.name.es")) == (Route.AGENCY, (12, "name", "es"))
    for strange in ("", "devolver", "devolver:x", "estado:", "personas:9", "nosuch:1"):
        assert read_awaited(strange) is None


def test_a_tap_says_what_it_was_made_of() -> None:
    assert read_tap(tap(Route.QUEUE, 0, "PGR")) == RouteTap(Route.QUEUE, "0.PGR")
    assert read_tap(tap(Route.HOME)) == RouteTap(Route.HOME, "")
    assert read_tap(form_tap("pick", 2)) == FormTap("pick", "2")
    assert read_tap(form_tap("value", "a:b")) == FormTap("value", "a:b")
    assert read_tap(form_tap("back")) == FormTap("back", "")


def _type_of(piece: Piece) -> object:
    kind: Any = {"int": int, "str": str, "int | str": int | str}[piece.kind]
    return kind | None if piece.is_optional and piece.default is None else kind


def test_what_is_typed_alone_carries_nothing() -> None:
    """A command without words is as a button without pieces; only what can be typed takes words."""
    for permission in PERMISSIONS:
        assert not permission.is_typed or read_parts(permission.route, "") is not None
        assert permission.is_typed or permission.route not in WORDS


def test_what_a_button_carries_is_a_number_or_a_name() -> None:
    """Where it may be either, a handler tells them apart by their type; digits that are no number are neither."""
    assert read_parts(Route.AGENCY, "12.end.20181001.yes") == (12, "end", "20181001", "yes")
    assert read_parts(Route.AGENCY, "new") == ("new", "", "", "")
    assert read_parts(Route.PLAN, "O.PRE-1.2~1") == ("O", "PRE-1.2", 1)
    assert read_parts(Route.REPORT, "a.A-1.2.201809") == ("a", "A-1.2", "201809")
    assert read_parts(Route.SCHEDULES, "7.set.when.201801..201803") == (7, "set", "when", "201801..201803")
    assert read_parts(Route.VALIDATE, "PN") == ("PN", "")
    for route, forged in ((Route.VALIDATE, "9" * 18), (Route.AGENCY, "12.drop"), (Route.PUBLISH, "yes.12")):
        assert read_parts(route, forged) is None


FORGED = ("9" * 18, "-1", "1_0", " 1", "1 ", "+1", "٣", "x", "yes.1", ".1")


@pytest.mark.parametrize("route", [route for route in Route if CARRIES.get(route, ())[:1] == (NUMBER,)])
def test_a_forged_argument_is_refused_before_its_handler(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, route: Route
) -> None:
    """S3: of a route that carries a number first, no handler is called with anything else."""
    who = next(who.telegram_id for who in CAST if who.role in permission_of(route).roles)
    called: list[object] = []
    monkeypatch.setitem(cast("dict[Route, object]", HANDLERS), route, lambda ex, *parts: called.append(parts))
    for argument in FORGED:
        answer = desk.tap(who, command_token(route, argument)).answer
        assert answer is not None
        assert answer.show_alert

    assert called == []


def test_names_fit_telegrams_command_menu() -> None:
    """1-32 characters of a-z, 0-9 and underscore; descriptions up to 256 (Bot API, BotCommand)."""
    for role in Role:
        for language in LANGUAGES:
            for name, description in permissions.telegram_menu(role, language):
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


def test_what_names_one_person_and_anothers_chat_is_nobodys(desk: Desk) -> None:
    """S4: Telegram never sends it. A forged update would have an admin's screens shown on another phone."""
    elsewhere = {"id": ROSA, "type": "private"}
    desk.tap(ANA, command_token("reportar", "a.PRE-101.201809"))
    before = desk.state()
    for handled in (
        desk.say(PEDRO, "/personas", chat=elsewhere),
        desk.say(ANA, "en curso", chat=elsewhere),
        desk.tap(PEDRO, command_token("personas", ""), chat=elsewhere),
        desk.give(edited_message={"message_id": 1, "chat": elsewhere, "from": {"id": ANA}, "text": "en curso"}),
        desk.give(my_chat_member={"chat": elsewhere, "from": {"id": ANA}, "new_chat_member": {"status": "kicked"}}),
    ):
        assert not handled.deliveries
        assert handled.answer is None
    assert desk.state() == before
    desk.say(ANA, "/cancelar")


@pytest.mark.parametrize(
    "written",
    [
        {"poll": {"id": "1", "question": "¿Quién va con Yolanda Pérez?", "options": []}},
        {"poll": {"id": "1", "question": "¿Quién va?", "options": [{"text": "llamar al 809-555-1234"}]}},
        {"checklist": {"title": "Hoy", "tasks": [{"id": 1, "text": "visitar a Yolanda Pérez"}]}},
    ],
    ids=["poll", "option", "checklist"],
)
def test_what_answers_nothing_leaves_the_chat_if_it_names_somebody(desk: Desk, written: dict[str, Any]) -> None:
    """Every kind of message has words somewhere."""
    handled = desk.say(ROSA, None, **written)
    assert [row for row in handled.deliveries if row.payload.get("message_id") == desk.message_id]
    handled = desk.say(ROSA, None, poll={"id": "1", "question": "¿Taller el lunes?", "options": []})
    assert not [row for row in handled.deliveries if row.payload.get("message_id") == desk.message_id]


@pytest.mark.parametrize(
    "beside",
    [
        {"entities": [{"type": "text_link", "offset": 0, "length": 5, "url": "tel:+18095551234"}]},
        {"quote": {"text": "va con Yolanda Pérez"}, "external_reply": {}},
    ],
    ids=["link", "quote"],
)
@pytest.mark.parametrize("typed", ["/menu", "/comentar", "/ayuda"])
def test_what_a_command_bears_beside_its_words_leaves_the_chat_too(
    desk: Desk, typed: str, beside: dict[str, Any]
) -> None:
    """A command is a message like any other: it may lead somewhere, and quote somebody."""
    handled = desk.say(ROSA, typed, **beside)
    assert [row for row in handled.deliveries if row.payload.get("message_id") == desk.message_id]


def test_a_quote_of_something_restricted_is_noted_with_it(desk: Desk) -> None:
    """S15: the card leaves the chat, and the quote of it in an answer would stay."""

    def shown(unit: UnitOfWork, message_id: int) -> None:
        unit.restricted.note_written(ROSA, message_id, desk.now)

    desk.do(lambda unit: shown(unit, 4_000))
    bot = {"id": 1, "is_bot": True, "first_name": "Enlace"}
    for message_id, is_noted in ((4_000, True), (4_001, False)):
        replied = {"message_id": message_id, "from": bot}
        desk.say(ROSA, "gracias", reply_to_message=replied, quote={"text": "acogida", "position": 0})
        noted = desk.do(lambda unit: unit.restricted.is_shown_in(ROSA, desk.message_id))
        assert noted == is_noted
    desk.do(lambda unit: unit.connection.execute(table(RestrictedMessage).delete()))


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


def test_whose_update_failed_is_told_and_can_go_on(desk: Desk) -> None:
    """In their language, with a button and the tap's spinner stopped; strangers, groups and nobody hear nothing.

    What they wrote was read by nobody, so it leaves the chat within a day, as what is restricted does.
    """
    ana, stranger = CAST[0].telegram_id, 123_456_789
    raw = {"update_id": 1, "message": {"message_id": 1, "chat": {"id": ana}, "from": {"id": ana}, "text": "x"}}
    handled = desk.do(lambda unit: desk.dispatch.apologise(unit, raw, desk.now))
    assert [row.payload["text"] for row in handled.deliveries] == [wording(CAST[0].language)("trouble")]
    [due] = desk.do(lambda unit: unit.restricted.due(desk.now + timedelta(days=1)))
    assert (due.chat_id, due.payload) == (ana, {"message_id": 1})

    [token] = buttons(handled, ana).values()
    assert token == command_token("menu", "") or token.startswith("c:continuar:"), token

    tapped = {"id": "77", "from": {"id": ana}, "message": {"message_id": 1, "chat": {"id": ana}}, "data": "x"}
    handled = desk.do(lambda unit: desk.dispatch.apologise(unit, {"callback_query": tapped}, desk.now))
    assert handled.answer is not None
    assert handled.answer.callback_query_id == "77"

    for chat, sender in ((stranger, {"id": stranger}), (-100, {"id": ana}), (ana, "somebody"), (ana, None)):
        message = {"message_id": 1, "chat": {"id": chat}, "from": sender, "text": "x"}
        assert not desk.do(
            lambda unit, message=message: desk.dispatch.apologise(unit, {"message": message}, desk.now)  # type: ignore[misc]
        ).deliveries
    assert len(desk.do(lambda unit: unit.restricted.due(desk.now + timedelta(days=1)))) == 1
