"""Who has sent everything is asked to close the period until it is closed, and nobody else is."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.schedule.agenda import passed_by
from bot.schedule.job import Moment
from bot.schedule.ledger import write_once
from bot.schedule.reminders import to_chase
from bot.schedule.scheduler import due
from storage.calendar.figures import Figures
from storage.database.models import Submission, table
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import Desk, buttons, press, said, tap
from tests.bot.house import ANA, CARMEN, LUIS
from tests.bot.schedule import days
from tests.bot.schedule.chased import (
    COCO,
    DUE,
    EVA,
    LATE,
    LOCKED,
    OTTO,
    ZONE,
    report_everything,
    scan,
    schedule_of,
    send,
    states,
    three_who_are_chased,
)

LAST = LATE + timedelta(days=4)
"""Friday, the last working day on which September is received."""


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.do(three_who_are_chased)
    return desk


# ------------------------------------------------------------------ closing
def test_who_sent_everything_hears_of_the_closing_until_it_is_closed(desk: Desk) -> None:
    """With the button that does it, on the due day and on the last, when the alternate does too; silence after."""
    report_everything(desk, ANA)
    assert "Solo falta cerrarlo" in scan(desk, DUE)[ANA]
    assert {ANA, LUIS}.isdisjoint(scan(desk, LATE))

    told = scan(desk, LAST)
    assert "ya está enviado todo lo de septiembre 2018" in told[ANA]
    assert "Solo falta cerrarlo" in told[LUIS]

    asked = tap(desk, ANA, "cerrar")
    press(desk, ANA, asked, "✅ Sí, cerrar")
    desk.now = LAST + timedelta(hours=1)
    assert desk.do(lambda unit: "MMUJER" in to_chase(unit, moment(unit, desk.now))[1].waiting) is False


def test_promised_evidence_is_asked_of_who_promised_it_until_it_has_come(desk: Desk) -> None:
    """With the next notice and a button; not in anybody else's, and not once the report bears it."""
    report_one(desk, ANA, "PRE-101")
    sent = table(Submission)

    def promise(is_owed: bool) -> Any:
        own = sent.update().where(sent.c.subject == "activity:PRE-101", sent.c.is_current)
        return lambda unit: unit.connection.execute(own.values(promises_evidence=is_owed))

    desk.do(promise(True))
    asked = days.scan(desk, DUE)
    assert "PRE-101: la evidencia quedó para después" in asked[ANA][0].text
    assert "📎 PRE-101: la evidencia" in asked[ANA][0].buttons

    others = [told.text for who, all_told in asked.items() if who != ANA for told in all_told]
    assert not any("quedó para después" in words for words in others)

    desk.do(promise(False))
    assert "quedó para después" not in days.scan(desk, LATE)[ANA][0].text


@pytest.mark.parametrize("is_late", [False, True])
def test_who_is_left_nothing_is_asked_once_for_the_evidence_they_promised(desk: Desk, is_late: bool) -> None:
    """Two days after the due day; whoever promised it after that, on the last day; and nobody twice."""
    report_everything(desk, ANA)
    asked = tap(desk, ANA, "cerrar")
    press(desk, ANA, asked, next(words for words in buttons(asked, ANA) if "cerrar" in words))
    sent = table(Submission)
    own = sent.update().where(sent.c.subject.in_(["activity:PRE-101", "activity:ASI-201"]), sent.c.is_current)
    desk.do(lambda unit: unit.connection.execute(own.values(promises_evidence=True)))

    assert ANA not in days.scan(desk, DUE)
    [told] = days.scan(desk, LATE)[ANA]
    assert "solo falta esto; se recibe hasta el" in told.text
    assert sum(f"📎 {codes}: la evidencia" in told.text for codes in ("PRE-101 y ASI-201", "ASI-201 y PRE-101")) == 1
    assert all(f"📎 {code}: la evidencia" in told.buttons for code in ("PRE-101", "ASI-201"))
    assert "Empezar" not in told.buttons

    if is_late:
        desk.do(lambda unit: unit.connection.execute(own.values(submitted_at=LATE + timedelta(days=1))))
    assert (ANA in days.scan(desk, LAST)) is is_late


def moment(unit: UnitOfWork, now: datetime) -> Moment:
    return Moment.of(unit, unit.plans.only().id, now)


def report_one(desk: Desk, who: int, code: str) -> None:
    shown = desk.say(who, f"/reportar {code}")
    [same] = [words for words in buttons(shown, who) if "Igual" in words]
    press(desk, who, shown, same)
    shown = desk.say(who, "Seguir con el plan de trabajo")
    [send_now] = [words for words in buttons(shown, who) if "Enviar ahora" in words]
    press(desk, who, shown, send_now)


def test_who_waits_for_the_quarter_closes_the_month_with_it_by_the_later_date(desk: Desk) -> None:
    """CONANI has a monthly activity and two of the quarter: sent on the 4th and the 17th, all is closed on the 17th.

    docs/domain.md#calendar. When the month locks, on the 15th, it is nobody who did not report, and its row is not
    counted.
    """
    report_one(desk, COCO, "ASI-202")
    grace_ended, month_locked, before_the_end = (datetime(2018, 10, day, 13, 1, tzinfo=UTC) for day in (11, 15, 17))
    assert CARMEN not in scan(desk, grace_ended), "the weekly digest says it"

    desk.do(lambda unit: unit.schedules.change(1, schedule_of(unit, "digest"), paused_at=month_locked))
    notice = scan(desk, month_locked)[CARMEN]
    assert "quedó cerrado" in notice
    assert "• MMUJER" in notice
    assert "CONANI" not in notice
    assert {"MMUJER", "PGR", "MINERD"} < passed(desk, month_locked), "with the quarter still open or without one"
    assert "CONANI" not in passed(desk, month_locked)

    desk.now = before_the_end
    report_everything(desk, COCO)
    asked = tap(desk, COCO, "cerrar")
    assert "septiembre 2018 y el 3.er trimestre 2018" in said(asked, COCO)[-1]

    closed = press(desk, COCO, asked, next(words for words in buttons(asked, COCO) if "cerrar" in words))
    assert "CONANI cerró" in said(closed, COCO)[-1]
    assert "CONANI" not in passed(desk, LOCKED)
    assert {"MINERD", "PGR"} < passed(desk, LOCKED)
    assert "CONANI" not in scan(desk, LOCKED)[CARMEN]


def test_a_month_that_is_all_in_brings_no_reminder_of_its_quarter(desk: Desk) -> None:
    """Neither on the month's due day, nor to the alternate two days after it; the quarter has days of its own."""
    report_one(desk, COCO, "ASI-202")
    due = scan(desk, DUE)
    assert ANA in due
    assert not {COCO, EVA, OTTO} & due.keys()

    late = scan(desk, LATE)  # and two days before the quarter's day, which yields to its due day and its last word
    assert LUIS in late
    assert not {COCO, EVA} & late.keys()
    assert "Hoy vence" in scan(desk, datetime(2018, 10, 10, 13, 1, tzinfo=UTC))[COCO]

    late = scan(desk, datetime(2018, 10, 12, 13, 1, tzinfo=UTC))
    assert "todavía se recibe" in late[COCO]
    assert EVA in late


def test_whoever_let_a_period_lock_is_not_told_to_be_up_to_date(desk: Desk) -> None:
    """Under every button of an old reminder: the period is named, and a reopening can be asked for."""
    desk.now = datetime(2018, 11, 16, 13, 1, tzinfo=UTC)
    for button in ("cerrar", "empezar", "novedades"):
        shown = tap(desk, ANA, button)
        assert "Octubre 2018 ya cerró, y MMUJER no lo cerró a tiempo" in said(shown, ANA)[-1]
        assert any("Pedir reapertura" in words for words in buttons(shown, ANA))
    desk.now = datetime(2018, 10, 4, 13, 1, tzinfo=UTC)
    report_everything(desk, ANA)
    assert "Solo falta cerrar" in said(desk.say(ANA, "/pendientes"), ANA)[-1]

    asked = tap(desk, ANA, "cerrar")
    press(desk, ANA, asked, next(words for words in buttons(asked, ANA) if "cerrar" in words))
    assert "Está al día" in said(tap(desk, ANA, "empezar"), ANA)[-1]


def test_a_month_that_locked_with_a_report_missing_is_not_closed_with_the_quarter(desk: Desk) -> None:
    """What did not come stays recorded as not come; the quarter is closed alone."""
    month_locked, after = (datetime(2018, 10, day, 13, 1, tzinfo=UTC) for day in (15, 17))
    desk.do(lambda unit: unit.schedules.change(1, schedule_of(unit, "digest"), paused_at=month_locked))
    assert "• CONANI · queda 1" in scan(desk, month_locked)[CARMEN]

    desk.now = after
    report_everything(desk, COCO)
    asked = said(tap(desk, COCO, "cerrar"), COCO)[-1]
    assert "3.er trimestre 2018" in asked
    assert "septiembre" not in asked


def passed(desk: Desk, now: datetime) -> set[str]:
    """Who has let a period lock, as letters and notices count it, and as the digest does."""

    def work(unit: UnitOfWork) -> tuple[set[str], set[str]]:
        week = Figures(unit).standing(1, now, now - timedelta(days=7), ZoneInfo(ZONE))
        codes = {agency.code for agency in week.agencies}
        letters = {code for code in codes if passed_by(unit, 1, code, now.date())}
        return letters, {agency.code for agency in week.agencies if agency.passed}

    by_ladder, by_digest = desk.do(work)
    assert by_ladder == by_digest
    return by_ladder


def test_what_is_closed_between_the_plan_and_the_sending_is_not_asked_for(desk: Desk) -> None:
    """The second look (G8)."""
    report_everything(desk, ANA)

    def plan(unit: UnitOfWork) -> None:
        for batch in due(unit, DUE):
            write_once(unit, batch, DUE)

    desk.do(plan)
    desk.now = DUE
    press(desk, ANA, tap(desk, ANA, "cerrar"), "✅ Sí, cerrar")

    assert ANA not in desk.do(lambda unit: send(unit, DUE))
    assert states(desk, ANA)[-1:] == [("cancelled", "nothing_left")]
