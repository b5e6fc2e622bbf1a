"""Somebody in several plans: in which one they stand, and in which one a tap acts."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.bot.desk import Desk, is_denied, keys, press, said, tap, text_of
from tests.bot.house import ANA, CARMEN, PEDRO
from tests.bot.second_plan import open_second_plan

PLAN = "Plan Nacional"
"""How the name of the demo's plan begins."""


@pytest.fixture
def second(desk: Desk) -> int:
    """A plan that began while the first one still runs: Ana and Pedro have the same roles in both."""
    return open_second_plan(desk, (ANA, PEDRO), starts_on=date(2018, 9, 1))


def plan_of(desk: Desk, who: int) -> int | None:
    return desk.do(lambda unit: unit.chats.open(who, who).chat.plan_id)


def test_a_person_lands_in_the_plan_that_runs_not_in_the_oldest(desk: Desk, second: int) -> None:
    """The newest of those that run; each card names its plan, and the chat stands there from now on."""
    card = said(desk.say(PEDRO, "/menu"), PEDRO)[-1]
    assert card.startswith("Plan segundo\n")
    assert plan_of(desk, PEDRO) == second


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "name"),
    [
        (date(2018, 9, 1), date(2021, 12, 31), "Plan segundo"),
        (date(2019, 1, 1), date(2022, 12, 31), PLAN),  # has not begun
        (date(2015, 1, 1), date(2016, 12, 31), PLAN),  # is finished
    ],
)
def test_which_plan_runs_is_a_matter_of_its_dates(desk: Desk, starts_on: date, ends_on: date, name: str) -> None:
    """Neither its number nor when somebody joined it."""
    open_second_plan(desk, (PEDRO,), starts_on=starts_on, ends_on=ends_on)
    assert said(desk.say(PEDRO, "/menu"), PEDRO)[-1].startswith(name)


def test_a_tap_acts_in_the_plan_of_its_card_however_old(desk: Desk, second: int) -> None:
    """The chat then stands in that plan: what is typed next is about it."""
    new = desk.say(PEDRO, "/menu")
    old = tap(desk, PEDRO, "menu")  # a button from the time when he had one plan
    assert said(old, PEDRO)[-1].startswith(PLAN)
    assert said(desk.say(PEDRO, "/personas"), PEDRO)[-1].startswith(PLAN)
    data = dict(keys(new, PEDRO))
    assert {each.partition(":")[0] for each in data.values()} == {f"c{second}"}
    again = desk.tap(PEDRO, next(each for each in data.values() if ":personas:" in each))
    assert said(again, PEDRO)[-1].startswith("Plan segundo")
    assert said(desk.say(PEDRO, "/personas"), PEDRO)[-1].startswith("Plan segundo")


def test_a_button_of_a_plan_that_one_has_left_is_denied(desk: Desk, second: int) -> None:
    """It never acts in another plan."""
    desk.do(lambda unit: unit.connection.exec_driver_sql(f"UPDATE membership SET active_to='x' WHERE plan_id={second}"))
    assert is_denied(desk.tap(PEDRO, f"c{second}:personas:"))
    assert PLAN not in text_of(desk.say(PEDRO, "/menu"), PEDRO)  # one plan: nothing needs its name


def test_a_draft_goes_on_in_its_own_plan(desk: Desk, second: int) -> None:
    """Also if the chat stands in another one: each answer is checked with the role in the draft's plan."""
    begun = desk.tap(ANA, f"c{second}:reportar:a.PRE-101.201809")
    answer = next(data for _, data in keys(begun, ANA) if data.startswith("f:"))
    tap(desk, ANA, "menu")
    assert plan_of(desk, ANA) == 1
    went_on = desk.tap(ANA, answer)
    assert said(went_on, ANA)[-1].startswith("Plan segundo")
    assert plan_of(desk, ANA) == second


def test_a_role_that_is_over_in_one_plan_does_not_shut_the_other(desk: Desk, second: int) -> None:
    """Whoever stood in it lands in the other."""
    desk.say(PEDRO, "/menu")
    desk.do(
        lambda unit: unit.connection.exec_driver_sql(
            f"UPDATE membership SET until_on='2018-10-01' WHERE plan_id={second}"
        )
    )
    assert said(desk.say(PEDRO, "/menu"), PEDRO)[-1].startswith(PLAN)


def test_the_day_is_that_of_the_plan(desk: Desk) -> None:
    """Not that of the deployment: two plans of one database may stand in two days."""
    plan_id = open_second_plan(desk, (PEDRO,), timezone="Pacific/Kiritimati", starts_on=date(2018, 9, 1))
    desk.now = datetime(2018, 10, 3, 12, tzinfo=UTC)  # the 4th in that zone

    def today(plan: int) -> Any:
        from bot.chat.exchange import Exchange

        def ask(unit: Any) -> date:
            visit = unit.chats.open(PEDRO, PEDRO)
            visit.stand_in(plan)
            return Exchange(unit, visit, desk.now, desk.house, PEDRO).today

        return desk.do(ask)

    assert (today(1), today(plan_id)) == (date(2018, 10, 3), date(2018, 10, 4))


# ------------------------------------------------------------------ one list of all plans
def test_what_is_due_of_all_plans_is_one_list(desk: Desk, second: int) -> None:
    """Each plan by its name, its reports by its mark, what is due first on top; a tap begins it in its own plan."""
    card = desk.say(ANA, "/pendientes")
    text = said(card, ANA)[-1]
    assert text.startswith("Plan segundo\n")
    assert f"② {PLAN}" in text
    assert text.count("por reportar") == 2
    first = {data for words, data in keys(card, ANA) if words.startswith("PRE-")}
    other = {data for words, data in keys(card, ANA) if words.startswith("② ")}
    assert {data.partition(":")[0] for data in first} == {f"c{second}"}
    assert {data.partition(":")[0] for data in other} == {"c1"}
    begun = desk.tap(ANA, min(other))
    assert said(begun, ANA)[-1].startswith(PLAN)
    assert plan_of(desk, ANA) == 1


def test_a_plan_in_which_nothing_is_due_hides_nothing_of_the_other(desk: Desk) -> None:
    """The newest plan has no open period yet; what is left is in the other one."""
    open_second_plan(desk, (ANA,), starts_on=date(2018, 10, 2))
    desk.do(lambda unit: unit.connection.exec_driver_sql("DELETE FROM reporting_period WHERE plan_id=2"))
    card = desk.say(ANA, "/menu")
    assert "no hay un período abierto" in text_of(card, ANA)
    assert any(":reportar:" in data for _, data in keys(card, ANA))


def test_a_plan_in_which_one_writes_no_more_is_not_in_the_list(desk: Desk, second: int) -> None:
    """It was closed, or the role in it is over."""
    desk.do(lambda unit: unit.connection.exec_driver_sql("UPDATE plan SET closes_on='2018-10-01' WHERE id=1"))
    text = text_of(desk.say(ANA, "/pendientes"), ANA)
    assert PLAN not in text
    assert text.count("por reportar") == 1


def test_planes_leads_to_each_plan(desk: Desk, second: int) -> None:
    """With the role in each, and how much is left; somebody who does not report there is told of it too."""
    desk.do(lambda unit: unit.connection.exec_driver_sql(f"UPDATE membership SET role='reader' WHERE plan_id={second}"))
    home = desk.say(ANA, "/menu")
    assert "por reportar" in text_of(home, ANA)
    listed = press(desk, ANA, home, "Sus planes")
    assert "Plan segundo · Lectura ministerial" in text_of(listed, ANA)
    there = desk.tap(ANA, next(data for words, data in keys(listed, ANA) if words.startswith(PLAN)))
    assert said(there, ANA)[-1].startswith(PLAN)
    assert plan_of(desk, ANA) == 1
    assert "Sus planes" not in dict(keys(desk.say(CARMEN, "/menu"), CARMEN))
