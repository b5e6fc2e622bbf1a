"""Posts that nobody holds: administrators hear of them a week before the month, and not when there is none."""

import pytest

from bot.schedule import vacancies
from conversations.plan.figures.monitoring import Standing
from tests.bot.desk import Desk, buttons, said, tap
from tests.bot.house import ANA, CARMEN, PEDRO
from tests.bot.schedule.days import here, scan


def test_administrators_are_told_of_vacancies_before_the_month(desk: Desk) -> None:
    """One message, once, with the number that their first screen has, and the way to the list; nobody else gets it."""
    assert PEDRO not in scan(desk, here("2018-10-24T16:00"))

    told = scan(desk, here("2018-10-25T09:01"))
    assert {who for who, some in told.items() if any("nadie que las reporte" in one.text for one in some)} == {PEDRO}

    [one] = told[PEDRO]
    home = next(words for words in buttons(desk.say(PEDRO, "/menu"), PEDRO) if words.startswith("Sin punto focal ("))
    assert one.text.startswith(f"{home.partition('(')[2].rstrip(')')} instituciones tienen actividades")
    assert "personas:vacant" in one.buttons
    assert "Toque una para invitar" in said(tap(desk, PEDRO, "personas", "vacant"), PEDRO)[-1]
    assert PEDRO not in scan(desk, here("2018-10-26T09:01"))


def test_nobody_is_told_of_no_vacancy(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger has the reason."""

    def none(_: Standing) -> list[object]:
        return []

    monkeypatch.setattr(vacancies.digests, "vacancies", none)
    told = scan(desk, here("2018-10-25T09:01"))
    assert not {ANA, CARMEN, PEDRO} & told.keys()
