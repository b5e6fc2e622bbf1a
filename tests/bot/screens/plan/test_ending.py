"""A plan ends: one admin asks, another agrees, late reports until a day, and afterwards nothing is written."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bot.acts.reports.forms import publish
from conversations.authoring.xlsform import read_xlsform
from conversations.xforms.bundle import Bundle
from storage.errors import PlanClosed
from tests.bot.desk import NOW, Desk, buttons, press, said, tap, text_of
from tests.bot.house import ANA, CARMEN, JEAN, PEDRO, ROSA
from tests.deadlines import PATIENCE

LATE = datetime(2018, 11, 2, 12, tzinfo=UTC)
"""The last day for late reports, if 30 days are chosen on 3 October."""
AFTER = datetime(2018, 11, 3, 12, tzinfo=UTC)


def close(desk: Desk, days: str = "30 días") -> Any:
    sure = press(desk, PEDRO, tap(desk, PEDRO, "fin"), days)
    return press(desk, PEDRO, sure, "🏁 Sí, cerrarlo")


def another_admin(desk: Desk) -> None:
    """Carmen administers beside Pedro."""
    make = "UPDATE membership SET role='admin' WHERE person_id = (SELECT id FROM person WHERE telegram_id=?)"
    desk.do(lambda unit: unit.connection.exec_driver_sql(make, (CARMEN,)))


def periods(desk: Desk) -> dict[str, tuple[str, str]]:
    with desk.database.reader() as connection:
        return {code: (str(opens), str(locks)) for code, opens, locks in connection.execute(
            text("SELECT code, opens_on, locks_on FROM reporting_period ORDER BY end_on")
        )}  # fmt: skip


def everything(desk: Desk) -> list[Any]:
    """All of the plan and its reports."""
    tables = ("plan", "activity", "agency", "reporting_period", "submission", "closing", "review_decision", "comment",
              "reopening", "form_version", "holiday", "schedule", "target", "session")  # fmt: skip
    with desk.database.reader() as connection:
        return [connection.exec_driver_sql(f"SELECT * FROM {name}").fetchall() for name in tables]


def test_a_single_admin_closes_it_and_everybody_hears_until_when(desk: Desk) -> None:
    """What is asked says what is open. What is open and the last period stay open until the day; none follows."""
    before = periods(desk)
    start = tap(desk, PEDRO, "fin")
    assert "Actividades sin terminar: 60" in said(start, PEDRO)[-1]
    sure = press(desk, PEDRO, start, "30 días")
    assert "¿Cerrar el plan? Se reciben reportes hasta el 2 nov 2018." in said(sure, PEDRO)[-1]
    done = press(desk, PEDRO, sure, "🏁 Sí, cerrarlo")
    assert "Decidido: el plan se cierra" in said(done, PEDRO)[-1]
    assert "hasta el 2 nov 2018" in said(done, ANA)[-1]
    assert "jiska 2 nov 2018" in said(done, JEAN)[-1]

    now = periods(desk)
    assert set(now) < set(before)
    assert max(now, key=lambda code: now[code][0]) == "201810"  # it has begun, and opens before the day
    assert now["201809"][1] == now["2018Q3"][1] == now["201810"][1] == "2018-11-03"
    assert now["201807"] == before["201807"]
    assert "se recibe hasta el 2 nov" in said(tap(desk, ANA, "menu"), ANA)[-1]


def test_two_admins_decide_it_together(desk: Desk) -> None:
    """One asks, the other agrees; nobody agrees to their own request, and a refusal leaves no trace but in the log."""
    another_admin(desk)
    before = periods(desk)
    asked = close(desk)
    assert "Hasta entonces no cambia nada" in said(asked, PEDRO)[-1]
    assert "pide cerrar el plan" in said(asked, CARMEN)[-1]
    assert periods(desk) == before
    tap(desk, PEDRO, "fin", "agree")
    assert periods(desk) == before

    refused = press(desk, CARMEN, asked, "✖️ No cerrarlo")
    assert "el plan no se cierra" in said(refused, PEDRO)[-1]
    tap(desk, CARMEN, "fin", "agree")
    assert periods(desk) == before

    agreed = press(desk, CARMEN, close(desk), "✅ De acuerdo")
    assert "El plan se cierra" in said(agreed, PEDRO)[-1]
    assert periods(desk) != before
    desk.now += timedelta(days=1)
    stale = tap(desk, PEDRO, "fin", "until.2018-10-03")
    assert said(stale, PEDRO) == []  # a button of yesterday


def test_a_request_is_void_after_a_week(desk: Desk) -> None:
    another_admin(desk)
    asked = close(desk)
    desk.now += timedelta(days=8)
    assert "Eso ya está decidido" in said(press(desk, CARMEN, asked, "✅ De acuerdo"), CARMEN)[-1]


def test_it_is_taken_back_before_its_day(desk: Desk) -> None:
    """The periods that were removed come back as they were."""
    before = periods(desk)
    kept = press(desk, PEDRO, close(desk), "Deshacer: no cerrarlo")
    assert "sigue abierto" in said(kept, PEDRO)[-1]
    assert "El plan no se cierra" in said(kept, ANA)[-1]
    assert set(periods(desk)) == set(before)
    assert {code for code, days in periods(desk).items() if days != before[code]} == {"201809", "2018Q3", "201810"}


def test_late_reports_come_in_until_the_day_and_nothing_is_written_afterwards(desk: Desk) -> None:
    """Whatever anybody taps or types then, the plan and its reports stay as they are, and they are told why."""
    close(desk)
    desk.now = LATE
    begun = tap(desk, ANA, "reportar", "a.PRE-101.201809")
    assert "PRE-101" in text_of(begun, ANA)

    desk.now = AFTER
    before = everything(desk)
    refused = "Este plan se cerró el 2 nov 2018"
    assert refused in text_of(tap(desk, ANA, "reportar", "a.PRE-101.201809"), ANA)
    assert refused in text_of(tap(desk, ANA, "pendientes"), ANA)
    for who, what, argument in (
        (CARMEN, "reabrir", "201808.MINERD.3.trouble"),
        (CARMEN, "plazos", "201809.more3"),
        (PEDRO, "agencia", "1.type.member.yes"),
        (PEDRO, "calendario", "+2018-12-24"),
        (PEDRO, "fin", "keep"),
        (PEDRO, "fin", "drop.PRE-101"),
        (ROSA, "cerrar", "yes"),
    ):
        tap(desk, who, what, argument)
        assert everything(desk) == before, (what, argument)
    assert refused in text_of(tap(desk, CARMEN, "reabrir", "201808.MINERD.3.trouble"), CARMEN)
    assert "📕" in str(buttons(tap(desk, ANA, "plan"), ANA))
    with pytest.raises(PlanClosed):
        desk.do(lambda unit: unit.audit.record("plan.imported", None, 1, {}, AFTER))
    assert "actividades hechas" in said(tap(desk, CARMEN, "balance"), CARMEN)[-1]


def test_a_form_without_a_period_ends_with_the_plan(desk: Desk) -> None:
    """It was begun before the end, and no period locks it."""
    content = b"| survey |\n| | type | name | label |\n| | text | place | Lugar |\n| | text | what | Tema |\n"
    content += b"| settings |\n| | form_id | form_title | version |\n| | visit | Visita | 1 |\n"
    desk.do(lambda unit: publish(unit, Bundle("visit.md", content), read_xlsform(content, "visit.md"), NOW))
    close(desk)
    desk.now = LATE
    press(desk, ANA, tap(desk, ANA, "formularios"), "Visita")
    desk.say(ANA, "Santiago")
    desk.now = AFTER
    before = everything(desk)
    assert "Este plan se cerró el 2 nov 2018" in text_of(desk.say(ANA, "Albergue"), ANA)
    assert everything(desk) == before


def test_what_is_not_carried_on_has_a_reason(desk: Desk) -> None:
    """It is typed, shown, taken back, and stands in the log and the check of the plan without the words."""
    listed = tap(desk, PEDRO, "fin", "open")
    assert "continúa" in said(listed, PEDRO)[-1]
    first = next(words for words in buttons(listed, PEDRO) if words.startswith("No continúa"))
    code = first.rpartition(" ")[2]
    press(desk, PEDRO, listed, first)
    told = desk.say(PEDRO, "La cubre el plan de educación")
    assert "no continúa — La cubre el plan de educación" in said(told, PEDRO)[-1]
    assert desk.do(lambda unit: unit.endings.dropped(1)) == {code: "La cubre el plan de educación"}
    assert "No continúan: 1" in said(tap(desk, PEDRO, "fin"), PEDRO)[-1]
    press(desk, PEDRO, told, f"Sí continúa: {code}")
    assert desk.do(lambda unit: unit.endings.dropped(1)) == {}


@pytest.mark.parametrize("day", ["2018-10-02", "2020-10-03"])
def test_a_day_that_has_passed_or_is_years_away_is_none(desk: Desk, day: str) -> None:
    before = periods(desk)
    desk.database.units.submit(None, lambda unit: None).result(PATIENCE)
    tap(desk, PEDRO, "fin", f"yes.{day}")
    assert periods(desk) == before
    assert date.fromisoformat(day)
