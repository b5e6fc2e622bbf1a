"""Whoever has a role in several plans reads of which one each message is, and its buttons act in that plan."""

from datetime import date
from typing import Any

import pytest

from bot.chat.actor import tell_later, told
from bot.chat.permissions import PERMISSIONS
from bot.telegram import render
from bot.telegram.handled import Handled
from conversations.card import Button, Card, bold, line
from conversations.plan.model import Role
from conversations.routes import Route, in_plan, tap
from conversations.wording import wording
from tests.bot.desk import Desk, keys, said, text_of
from tests.bot.desk import tap as press
from tests.bot.house import ANA, CARMEN, PEDRO
from tests.bot.schedule.days import here, scan
from tests.bot.second_plan import open_second_plan

PLAN = "Plan Nacional"
CARD = Card((line("Hoy ", bold("algo")),), ((Button("Ver", tap(Route.DUE)), Button("Ir", in_plan(tap(Route.DUE), 7))),))


@pytest.fixture
def second(desk: Desk) -> int:
    return open_second_plan(desk, (ANA, PEDRO), starts_on=date(2018, 9, 1))


def unnamed(handled: Handled, to: int) -> list[Any]:
    """What somebody is sent without the name of its plan, and buttons that would act in whichever plan comes first."""
    return [
        shown
        for row in handled.deliveries
        if row.chat_id == to and {"text", "caption", "@files"} & row.payload.keys()
        for shown in [str(row.payload.get("text", row.payload.get("caption", "")))]
        if not shown.startswith((PLAN, "Plan segundo"))
    ] + [data for _, data in keys(handled, to) if data.startswith("c:")]


def test_a_notice_names_its_plan_to_who_has_several(desk: Desk, second: int) -> None:
    """As a command at the server and a worker leave it. Who is in one plan reads it as it was written."""
    rows = desk.do(lambda unit: tell_later(unit, [told(ANA, CARD), told(CARMEN, CARD, plan_id=1)], desk.now, second))
    ana, carmen = (row.payload for row in rows)
    assert carmen == render.message(CARD)
    assert ana["text"] == "Plan segundo\nHoy algo"
    assert [ana["text"][each["offset"] :][: each["length"]] for each in ana["entities"]] == ["Plan segundo", "algo"]
    [row] = ana["reply_markup"]["inline_keyboard"]
    assert [button["callback_data"] for button in row] == [f"c{second}:pendientes:", "c7:pendientes:"]


def test_a_notice_about_a_plan_that_one_has_left_names_it(desk: Desk, second: int) -> None:
    """One plan is left, and the notice is not about it."""
    desk.do(lambda unit: unit.connection.exec_driver_sql(f"UPDATE membership SET active_to='x' WHERE plan_id={second}"))
    [row] = desk.do(lambda unit: tell_later(unit, [told(ANA, CARD)], desk.now, second))
    assert row.payload["text"].startswith("Plan segundo")
    [row] = desk.do(lambda unit: tell_later(unit, [told(ANA, CARD)], desk.now, 1))
    assert row.payload["text"].startswith("Hoy")


@pytest.mark.parametrize(("key", "limit"), [("text", render.TEXT_LIMIT), ("caption", render.CAPTION_LIMIT)])
def test_with_the_name_it_still_fits(key: str, limit: int) -> None:
    named = render.in_plan({key: "a" * limit}, "Plan", 2)
    assert named[key].startswith("Plan\naaa")
    assert render.units(named[key]) == limit


def test_a_file_without_words_has_the_name_below_it() -> None:
    """A call that shows nothing stays as it is."""
    assert render.in_plan({"@files": {"document": {}}}, "Plan", 2)["caption"] == "Plan"
    assert render.in_plan({"message_id": 1}, "Plan", 2) == {"message_id": 1}


def test_whatever_an_admin_of_two_plans_asks_for_names_its_plan(desk: Desk, second: int) -> None:
    """Every command of the role; what others are told in turn names it to those who are in both."""
    asked = [one for one in PERMISSIONS if one.is_for(Role.ADMIN) and one.is_typed]
    assert len(asked) > 15
    for one in asked:
        answer = desk.say(PEDRO, f"/{one.route}")
        assert said(answer, PEDRO), one.route
        assert unnamed(answer, PEDRO) == [], one.route


def test_a_reminder_names_its_plan(desk: Desk, second: int) -> None:
    told = [one for day in (5, 12) for one in scan(desk, here(f"2018-10-{day:02}T09:10")).get(ANA, ())]
    assert told
    for one in told:
        assert one.text.startswith((PLAN, "Plan segundo"))
        assert "'c:" not in one.buttons


def test_what_a_text_names_of_another_plan_gets_its_button(desk: Desk, second: int) -> None:
    """By that plan's name; a tap shows it there."""
    desk.do(
        lambda unit: unit.connection.exec_driver_sql(
            f"UPDATE activity SET code='ZAP-901' WHERE plan_id={second} AND code='PRE-101'"
        )
    )
    press(desk, ANA, "menu")  # in the first plan
    answer = desk.say(ANA, "cómo va la ZAP-901")
    assert "otro plan suyo: Plan segundo" in text_of(answer, ANA)
    data = next(data for words, data in keys(answer, ANA) if words.startswith("ZAP-901"))
    assert said(desk.tap(ANA, data), ANA)[-1].startswith("Plan segundo")
    stranger = desk.say(CARMEN, "cómo va la ZAP-901")
    assert "Plan segundo" not in text_of(stranger, CARMEN)


def test_a_command_that_one_may_give_in_another_plan_leads_there(desk: Desk, second: int) -> None:
    """It is refused only if no plan of theirs allows it."""
    desk.do(lambda unit: unit.connection.exec_driver_sql(f"UPDATE membership SET role='reader' WHERE plan_id={second}"))
    desk.say(ANA, "/menu")
    answer = desk.say(ANA, "/pendientes")
    assert f"otro plan suyo: {PLAN}" in text_of(answer, ANA)
    data = next(data for _, data in keys(answer, ANA) if data.startswith("c1:pendientes"))
    assert "por reportar" in text_of(desk.tap(ANA, data), ANA)
    assert said(desk.say(ANA, "/revisar"), ANA)[-1].endswith(wording("es")("denied"))
