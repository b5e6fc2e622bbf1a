"""A plan that is over, or has not begun, says so wherever somebody looks first, with the way out of it."""

from datetime import date, timedelta

import pytest

from bot.acts.people.enrolment import Newcomer, enrol
from bot.acts.upkeep.status import look, readings, sentence
from conversations.plan.model import Role
from conversations.plan.periods import PlanPhase, periods_between, plan_phase
from conversations.wording import wording
from tests.bot.desk import Desk, said, tap
from tests.bot.house import ANA, CARMEN, PEDRO
from tests.bot.schedule.days import here

MINISTER, OBSERVER = 992, 993
OVER, AHEAD = "Este plan terminó el 31 dic 2020", "Este plan empieza el 1 ene 2017"
DAYS = {OVER: "2026-12-02T09:00", AHEAD: "2016-12-02T09:00"}


@pytest.mark.parametrize("phase", DAYS)
@pytest.mark.parametrize("who", [ANA, CARMEN, PEDRO, OBSERVER, MINISTER])
def test_the_first_screen_of_each_role_says_it(desk: Desk, who: int, phase: str) -> None:
    """And says nothing of it while the plan is under way. Who can do something about it is told what."""
    zone = "America/Santo_Domingo"
    for newcomer in (
        Newcomer(MINISTER, "Elena Cruz", Role.READER, "", "es"),
        Newcomer(OBSERVER, "Eva Ramos", Role.OBSERVER, "IJM", "es"),
    ):
        desk.do(lambda unit, one=newcomer: enrol(unit, one, desk.now, zone))
    assert "Este plan" not in said(desk.say(who, "/menu"), who)[-1]

    desk.now = here(DAYS[phase])
    for command in ("/menu", "/resumen"):
        shown = said(desk.say(who, command), who)[-1]
        assert phase in shown
        assert ("/plan" in shown) == (who in (CARMEN, PEDRO))


@pytest.mark.parametrize("phase", DAYS)
def test_the_due_list_and_an_old_button_say_it(desk: Desk, phase: str) -> None:
    """A focal point who lists what is due, or taps what an old notice offered."""
    desk.now = here(DAYS[phase])
    assert phase in said(desk.say(ANA, "/pendientes"), ANA)[-1]
    assert phase in said(tap(desk, ANA, "novedades", "no_progress"), ANA)[-1]
    assert phase in said(tap(desk, ANA, "reportar", "a.PRE-101.201809"), ANA)[-1]


@pytest.mark.parametrize(
    ("day", "told"),
    [("2026-12-02", "terminó el 31 dic 2020"), ("2016-12-02", "empieza el 1 ene 2017"), ("2018-10-03", "")],
)
def test_the_state_of_the_bot_names_it(desk: Desk, day: str, told: str) -> None:
    """A warning with the plan's code; nothing while it is under way."""
    found = dict(desk.do(lambda unit: readings(look(unit, here(f"{day}T09:00")))))
    line = sentence("plan", found["plan"], wording("es")) if "plan" in found else ""
    assert (told in line, line.startswith("El plan do-trata-2017-2020 ")) == (True, bool(told))


def test_a_plan_is_over_when_its_last_period_locks() -> None:
    """Not with its last day: what was done in December is reported in January. Without periods it is not over."""
    first, last = date(2017, 1, 1), date(2020, 12, 31)
    periods = periods_between(first, last)
    lock = max(period.locks_on for period in periods)
    assert [
        plan_phase(first, periods, day)
        for day in (date(2016, 12, 31), first, date(2021, 1, 2), lock - timedelta(days=1), lock)
    ] == [PlanPhase.AHEAD, *[PlanPhase.UNDER_WAY] * 3, PlanPhase.OVER]
    assert plan_phase(first, (), date(2030, 1, 1)) is PlanPhase.UNDER_WAY
