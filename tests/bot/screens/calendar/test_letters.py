"""Two periods in a row without closing: a letter that a person may send, and the bot never does
(docs/domain.md#reminders).
"""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from bot.acts.calendar.holidays import add_public_holidays
from bot.schedule.agenda import agenda_within, outlook_of, passed_by, with_letters
from bot.schedule.job import Moment
from bot.telegram.handled import Handled
from conversations.plan.calendar.agenda_rows import Scope
from storage.calendar.figures import Figures
from storage.database.models import Activity, table
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import Desk, tap
from tests.bot.house import ANA, CARMEN, PEDRO
from tests.taps import command_token

JULY = datetime(2018, 7, 1, tzinfo=UTC)
LOCKED = datetime(2018, 11, 15, 13, tzinfo=UTC)
"""October has locked, and September before it."""


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.do(lambda unit: add_public_holidays(unit, unit.plans.only(), JULY))
    desk.now = LOCKED
    return desk


def said(handled: Handled) -> str:
    return "\n".join(str(row.payload.get("text", "")) for row in handled.deliveries)


def labels(handled: Handled) -> list[str]:
    rows: list[Any] = [row.payload.get("reply_markup", {}).get("inline_keyboard", []) for row in handled.deliveries]
    return [button["text"] for keyboard in rows for line in keyboard for button in line]


def ask(desk: Desk, who: int, argument: str) -> Handled:
    return desk.tap(who, command_token("oficio", argument))


def test_the_coordinator_is_offered_a_draft_a_call_and_time(desk: Desk) -> None:
    """The bot counts and proposes; who decides is asked, and every way out is a tap."""
    offered = ask(desk, CARMEN, "PGR")

    assert "PGR lleva 2 períodos sin cerrar" in said(offered)
    assert labels(offered)[:3] == ["📄 Ver borrador", "📞 Llamar primero", "Posponer"]
    assert "Reportan por PGR: Rosa Díaz" in said(ask(desk, CARMEN, "PGR.call"))
    assert "si PGR deja pasar otro" in said(ask(desk, CARMEN, "PGR.later"))


def test_the_letter_has_facts_and_goes_to_nobody(desk: Desk) -> None:
    """Periods and codes, no adjectives, no title of a restricted activity; in the coordinator's chat alone."""
    drafted = ask(desk, CARMEN, "PGR.draft")

    assert said(drafted).startswith("Procuraduría General de la República")
    assert "\nA su titular:\n" in said(drafted), "no name is bent to a preposition"
    assert "septiembre 2018, octubre 2018" in said(drafted)
    assert "Carmen Soto" in said(drafted)
    assert {row.chat_id for row in drafted.deliveries} == {CARMEN}


def test_whoever_closed_in_between_begins_anew(desk: Desk) -> None:
    """One closed period ends the row: of one alone nobody writes to a minister."""

    def close(unit: UnitOfWork) -> None:
        plan, agency = unit.plans.only(), unit.plans.agency(unit.plans.only().id, "PGR")
        person = unit.people.by_telegram_id(CARMEN)
        assert person is not None
        for code in ("201809", "2018Q3"):
            unit.closings.close(plan.id, agency.id, unit.plans.period(plan.id, code).id, person.id, LOCKED)

    desk.database.units.submit(None, close).result()
    assert "ya no tiene períodos seguidos" in said(ask(desk, CARMEN, "PGR"))


def test_the_letter_names_what_is_open_and_no_more(desk: Desk) -> None:
    """Nothing is open on the day October locks; on the sixth of December November is, and what locked is not."""
    assert "período abierto" not in said(ask(desk, CARMEN, "PGR.draft"))

    desk.now = datetime(2018, 12, 6, 13, tzinfo=UTC)
    drafted = said(ask(desk, CARMEN, "PGR.draft"))
    assert "En el período abierto le quedan 2 reportes: ASI-301, PER-202" in drafted
    assert "En el período abierto le queda 1 reporte: ASI-202" in said(ask(desk, CARMEN, "CONANI.draft"))


def test_the_letter_says_when_only_the_closing_is_missing(desk: Desk) -> None:
    """Who has reported everything is not told that their reports are missing."""
    assert "llegaron" not in said(ask(desk, CARMEN, "PGR.draft"))

    for day in (datetime(2018, 10, 4, 13, tzinfo=UTC), datetime(2018, 11, 2, 13, tzinfo=UTC)):
        desk.now = day
        desk.tap(ANA, command_token("novedades", "no_progress"))
    desk.now = LOCKED
    drafted = said(ask(desk, CARMEN, "MMUJER.draft"))
    assert "Los reportes de esos períodos llegaron. Solo falta cerrarlos, y la coordinación los reabre" in drafted


def test_all_letters_are_on_a_list(desk: Desk) -> None:
    """/oficio, and the notice's button: the longest rows first, a page at a time, each a tap from its draft."""
    first = desk.say(CARMEN, "/oficio")
    assert "instituciones llevan dos o más períodos seguidos sin cerrar" in said(first)
    assert "• PGR · 2 períodos seguidos" in said(first) + said(ask(desk, CARMEN, "p.1"))

    listed = [label for label in labels(first) if "oficio" in label]
    assert len(listed) == 8

    more = [label for label in labels(ask(desk, CARMEN, "p.1")) if "oficio" in label]
    assert more
    assert not set(more) & set(listed)
    assert said(ask(desk, CARMEN, "")) == said(first)
    assert said(ask(desk, CARMEN, "p.2")) == said(first), "a page that is gone is the first again"


def test_a_letter_that_was_put_off_is_offered_again_after_another_period(desk: Desk) -> None:
    """Neither counted nor offered until the row has grown; the list says so, and has its draft all the same."""

    def offered() -> int:
        [label] = [label for label in labels(tap(desk, CARMEN, "resumen", "0.whole")) if "Oficios" in label]
        return int(label.split()[2])

    before = offered()
    ask(desk, CARMEN, "PGR.later")
    assert offered() == before - 1

    listed = said(desk.say(CARMEN, "/oficio")) + said(ask(desk, CARMEN, "p.1"))
    assert listed.count("pospuesto hasta otro período") == 1
    assert "• PGR · 2 períodos seguidos sin cerrar · pospuesto hasta otro período" in listed
    assert "Procuraduría" in said(ask(desk, CARMEN, "PGR.draft"))

    desk.now = datetime(2018, 12, 17, 13, tzinfo=UTC)
    assert offered() >= before, "November has passed too"
    assert "pospuesto" not in said(desk.say(CARMEN, "/oficio")) + said(ask(desk, CARMEN, "p.1"))


@pytest.mark.parametrize("is_retired", [False, True])
def test_periods_in_a_row_are_told_alike_wherever_they_are_counted(desk: Desk, is_retired: bool) -> None:
    """Notice, letter, list and digest: five is five, not three; and nobody counts an agency that has nothing left."""
    desk.now = datetime(2019, 2, 15, 13, tzinfo=UTC)

    def count(unit: UnitOfWork) -> tuple[dict[str, int], dict[str, int], dict[str, int], int]:
        plan = unit.plans.only()
        today = desk.now.date()
        if is_retired:
            agency, activity = unit.plans.agency(plan.id, "PGR"), table(Activity)
            retire = update(activity).where(activity.c.agency_id == agency.id)
            unit.connection.execute(retire.values(retired_on=date(2019, 2, 1)))
        moment = Moment(plan.id, desk.now, today)
        agenda = agenda_within(unit, moment, outlook_of(unit, moment), Scope())
        found = Figures(unit).standing(plan.id, desk.now, desk.now, ZoneInfo(plan.timezone))
        digest = {each.code: len(each.passed) for each in found.agencies if len(each.passed) >= 2}
        letters = {code: len(row) for code, row in with_letters(unit, plan.id, today).items()}
        notices = {code: number for code, number in agenda.in_a_row.items() if number >= 2}
        return digest, letters, notices, len(passed_by(unit, plan.id, "PGR", today))

    digest, letters, notices, one = desk.database.units.submit(None, count).result()

    assert digest == letters == notices
    assert letters.get("PGR", 0) == one == (0 if is_retired else 5)


def test_the_one_statement_misses_nobody_who_let_a_period_lock(desk: Desk) -> None:
    """It spares most people the long way, so it must be true of whoever the long way finds; and not of everybody."""
    with desk.database.view() as unit:
        plan = unit.plans.only()
        agencies = unit.plans.agencies(plan.id)
        for today in (date(2018, 10, 3), date(2018, 10, 17), date(2018, 12, 17), date(2019, 2, 15)):
            found = {each.code for each in agencies if passed_by(unit, plan.id, each.code, today)}
            asked = {each.code for each in agencies if unit.agendas.may_have_let_lock(plan.id, each.id, today)}
            assert found <= asked, today
        assert found
        assert not any(unit.agendas.may_have_let_lock(plan.id, each.id, date(2017, 1, 2)) for each in agencies)


@pytest.mark.parametrize("who", [ANA, PEDRO])
def test_nobody_else_sees_the_list(desk: Desk, who: int) -> None:
    """Institutions that are late are named to whoever has to call them, and to nobody else."""
    assert "seguidos" not in said(desk.say(who, "/oficio")) + said(ask(desk, who, ""))


@pytest.mark.parametrize("who", [ANA, PEDRO])
def test_nobody_else_drafts_letters(desk: Desk, who: int) -> None:
    """Not the agency itself, not an admin: it is the coordinator's to decide."""
    assert "titular" not in said(ask(desk, who, "PGR.draft"))


def test_an_agency_that_does_not_exist_is_denied(desk: Desk) -> None:
    """A forged button (S3)."""
    assert "titular" not in said(ask(desk, CARMEN, "NADA.draft"))
