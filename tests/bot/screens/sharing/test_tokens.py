"""Tokens of the data door, made and revoked from a phone."""

import re
from dataclasses import replace
from functools import partial

from bot.acts.sharing import tokens
from bot.chat.exchange import Exchange
from bot.screens.sharing.tokens import show_read
from storage.people.tokens import MOST, SHAPE, DataToken
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import NOW, Desk, buttons, press, said, tap
from tests.bot.house import ANA, CARMEN, PEDRO


def test_a_token_is_shown_once_protected_and_sealed_and_leaves_the_chat(desk: Desk) -> None:
    shown = press(desk, PEDRO, desk.say(PEDRO, "/accesos"), "Crear un acceso")
    made = press(desk, PEDRO, shown, "El público")
    [row] = [each for each in made.deliveries if "text" in each.payload]
    secret = SHAPE.search(str(row.payload["text"]))
    assert secret is not None
    assert (row.payload["protect_content"], row.sensitive) == (True, True)
    assert desk.do(lambda unit: unit.tokens.admitted(secret[0])).audience == "public"

    kept = press(desk, PEDRO, made, "Ya lo guardé")
    assert [each.method for each in kept.deliveries][:2] == ["deleteMessage", "sendMessage"]
    assert SHAPE.search(" ".join(said(kept, PEDRO))) is None
    assert secret[1] in said(kept, PEDRO)[-1]

    for statement in ("SELECT payload FROM outbox", "SELECT details FROM audit_entry"):
        with desk.database.reader() as connection:
            assert secret[0] not in str(connection.exec_driver_sql(statement).fetchall())


def test_a_token_is_revoked_when_it_is_meant(desk: Desk) -> None:
    plan_id = desk.do(lambda unit: unit.plans.only().id)
    made = desk.do(lambda unit: unit.tokens.make(plan_id, "observers", "Estadística", NOW, None))
    listed = desk.say(PEDRO, "/accesos")
    assert "Estadística" in said(listed, PEDRO)[-1]

    asked = press(desk, PEDRO, listed, f"Revocar {made.token.prefix}")
    assert desk.do(lambda unit: unit.tokens.admitted(made.secret)) is not None

    press(desk, PEDRO, asked, "Sí, revocar")
    assert desk.do(lambda unit: unit.tokens.admitted(made.secret)) is None

    acts = desk.do(lambda unit: [(each.act, each.actor_id is None) for each in unit.audit.latest(plan_id, limit=2)])
    assert acts == [("token.revoked", False), ("token.made", True)]

    again = press(desk, PEDRO, asked, "Sí, revocar")  # the button stays on an old screen
    assert not re.search(made.token.prefix, said(again, PEDRO)[-1])


def test_only_an_admin_has_tokens(desk: Desk) -> None:
    plan_id = desk.do(lambda unit: unit.plans.only().id)
    made = desk.do(lambda unit: unit.tokens.make(plan_id, "public", "", NOW, None))
    for who in (ANA, CARMEN):
        desk.say(who, "/accesos")
        tap(desk, who, "accesos", "new.internal")
        tap(desk, who, "accesos", f"end.{made.token.prefix}.yes")
    tap(desk, PEDRO, "accesos", "end.aaaaaaaa.yes")
    tap(desk, PEDRO, "accesos", "new.everybody")
    found = desk.do(lambda unit: unit.tokens.all(plan_id, only_open=True))

    assert [each.prefix for each in found] == [made.token.prefix]


def test_too_many_tokens_are_refused_with_the_remedy(desk: Desk) -> None:
    plan_id = desk.do(lambda unit: unit.plans.only().id)
    desk.do(lambda unit: [unit.tokens.make(plan_id, "public", "", NOW, None) for _ in range(MOST)])
    refused = tap(desk, PEDRO, "accesos", "new.public")

    assert "demasiados" in str([row.payload for row in refused.deliveries] + [refused])
    assert len(buttons(refused, PEDRO)) == 22


def test_a_token_is_tried_from_the_chat(desk: Desk) -> None:
    """The reading is a job; its answer says each dataset with its rows, and where programs read."""
    plan_id = desk.do(lambda unit: unit.plans.only().id)
    made = desk.do(lambda unit: unit.tokens.make(plan_id, "public", "", NOW, None)).token
    press(desk, PEDRO, desk.say(PEDRO, "/accesos"), f"Probar {made.prefix}")
    [job] = desk.do(lambda unit: unit.jobs.of_kind(tokens.TRY))
    assert job.payload["prefix"] == made.prefix

    shown = desk.do(partial(_read, desk, made))
    with desk.database.view() as unit:
        rows = len(unit.plans.activities(plan_id))
    assert f"Plan y actividades: {rows}" in shown
    assert "Personas inscritas" not in shown
    assert "Último uso: nunca" in shown
    assert "ENLACE_APP_URL" in shown

    desk.house = replace(desk.house, origin="https://enlace.example.org")
    assert "https://enlace.example.org/data/v1/" in desk.do(partial(_read, desk, made))


def _read(desk: Desk, token: DataToken, unit: UnitOfWork) -> str:
    """What the worker's answer says in the chat."""
    ex = Exchange(unit, unit.chats.open(PEDRO, PEDRO), NOW, desk.house, PEDRO)
    show_read(ex, token.prefix, tokens.readable(unit, token, NOW))
    return str(ex.deliveries[-1].payload["text"])


def test_a_token_that_was_revoked_is_not_tried(desk: Desk) -> None:
    plan_id = desk.do(lambda unit: unit.plans.only().id)
    made = desk.do(lambda unit: unit.tokens.make(plan_id, "public", "", NOW, None)).token
    desk.do(lambda unit: unit.tokens.revoke(plan_id, made.prefix, NOW, None))
    tap(desk, PEDRO, "accesos", f"test.{made.prefix}")

    assert desk.do(lambda unit: unit.jobs.of_kind(tokens.TRY)) == []
