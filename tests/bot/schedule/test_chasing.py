"""Closing, /recordar and what the ledger says of it, over the real handlers and scans; nothing is sent anywhere."""

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from bot.acts.people.enrolment import Newcomer, enrol
from bot.open_storage import open_storage
from bot.schedule.agenda import passed_by
from bot.schedule.explain import explained
from bot.schedule.job import Moment
from bot.schedule.ledger import carry
from bot.schedule.reminders import to_chase
from bot.schedule.scheduler import due, look_at, show_progress
from bot.schedule.scheduler import ensure_schedules as furnish_schedules
from bot.telegram.in_hand import Note, write
from conversations.plan.model import Role
from conversations.wording import wording
from storage.calendar.figures import Figures
from storage.database.models import Fire, Person, Submission, table
from storage.messages.outbox import Sent, Unreachable
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import Desk, buttons, press, said, tap
from tests.bot.house import ANA, CARMEN, JEAN, LUIS, PEDRO, ROSA, settings_in
from tests.bot.schedule import days

T = TypeVar("T")
ZONE = "America/Santo_Domingo"
DUE = datetime(2018, 10, 5, 13, 1, tzinfo=UTC)
LATE = datetime(2018, 10, 8, 13, 1, tzinfo=UTC)
LOCKED = datetime(2018, 10, 22, 13, 1, tzinfo=UTC)
"""Both September and the third quarter have locked."""
COCO, EVA, OTTO = 511, 513, 512


@pytest.fixture
def desk(tmp_path: Path, furnished: Path) -> Iterator[Desk]:
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    with open_storage(settings_in(tmp_path)) as database:
        made = Desk(database)

        def begin(unit: UnitOfWork) -> None:
            furnish_schedules(unit, unit.plans.only().id, datetime(2018, 9, 1, tzinfo=UTC))
            for number, name, role, agency in (
                (COCO, "Coco Lora", Role.FOCAL_POINT, "CONANI"),
                (EVA, "Eva Sol", Role.ALTERNATE, "CONANI"),
                (OTTO, "Otto Ring", Role.FOCAL_POINT, "MIDE"),
            ):
                enrol(unit, Newcomer(number, name, role, agency, "es"), datetime(2018, 8, 1, tzinfo=UTC), ZONE)

        made.do(begin)
        yield made


def scan(desk: Desk, now: datetime) -> dict[int, str]:
    """What the ladder says now, by chat, as it leaves; and all of it is sent."""
    desk.now = now

    def work(unit: UnitOfWork) -> dict[int, str]:
        for plan_id, job, planned in due(unit, now, ZONE):
            carry(unit, plan_id, job, planned, now)
        return send(unit, now)

    return desk.do(work)


def send(unit: UnitOfWork, now: datetime) -> dict[int, str]:
    """What delivery would send of it after the second look."""
    rows, _ = look_at(unit, unit.outbox.claim(now, now + timedelta(minutes=1), 100), now, ZONE)
    told = {row.chat_id: str(row.payload["text"]) for row in rows if row.kind == "reminder"}
    for row in rows:
        unit.outbox.begin(row)
        unit.outbox.record(row.id, Sent(1), now)
    unit.ledger.settle()
    return told


def report_everything(desk: Desk, who: int) -> None:
    """By "Sin novedades", which is a report like any other."""
    tap(desk, who, "novedades", "no_progress")


def states(desk: Desk, who: int) -> list[tuple[str, str]]:
    def work(unit: UnitOfWork) -> list[tuple[str, str]]:
        fire, person = table(Fire), table(Person)
        rows = unit.connection.execute(
            select(fire.c.state, fire.c.reason)
            .join(person, person.c.id == fire.c.person_id)
            .where(person.c.telegram_id == who, fire.c.what == "reminders")
            .order_by(fire.c.window)
        )
        return [(row.state, row.reason) for row in rows]

    return desk.do(work)


def whys(desk: Desk, now: datetime, what: str = "reminders") -> dict[str, str]:
    """`enlace due`: by name, in Spanish."""
    return desk.do(
        lambda unit: {one.who.name: one.why(wording("es")) for one in explained(unit, now, ZONE) if one.what == what},
    )


def pause_everybody(desk: Desk, now: datetime) -> None:
    desk.now = now
    tap(desk, CARMEN, "pausar", "0")


# ------------------------------------------------------------------ closing
def test_who_sent_everything_hears_of_the_closing_until_it_is_closed(desk: Desk) -> None:
    """With the button that does it; alternate too on the second day; silence after."""
    report_everything(desk, ANA)
    assert "Solo falta cerrarlo" in scan(desk, DUE)[ANA]
    told = scan(desk, LATE)
    assert "ya está enviado todo lo de septiembre 2018" in told[ANA]
    assert "Solo falta cerrarlo" in told[LUIS]
    asked = tap(desk, ANA, "cerrar")
    press(desk, ANA, asked, "✅ Sí, cerrar")
    desk.now = LATE + timedelta(days=1)
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
    assert "PRE-101 se envió y su evidencia quedó para después" in asked[ANA][0].text
    assert "📎 PRE-101: la evidencia" in asked[ANA][0].buttons
    others = [told.text for who, all_told in asked.items() if who != ANA for told in all_told]
    assert not any("quedó para después" in words for words in others)
    desk.do(promise(False))
    assert "quedó para después" not in days.scan(desk, LATE)[ANA][0].text


def moment(unit: UnitOfWork, now: datetime) -> Moment:
    return Moment.of(unit.plans.only().id, now, ZONE)


def report_one(desk: Desk, who: int, code: str) -> None:
    shown = desk.say(who, f"/reportar {code}")
    [same] = [words for words in buttons(shown, who) if "Igual" in words]
    press(desk, who, shown, same)
    shown = desk.say(who, "Seguir con el plan de trabajo")
    [send_now] = [words for words in buttons(shown, who) if "Enviar ahora" in words]
    press(desk, who, shown, send_now)


def test_who_waits_for_the_quarter_closes_the_month_with_it_by_the_later_date(desk: Desk) -> None:
    """CONANI has a monthly activity and two of the quarter: sent on the 4th and the 17th, all is closed on the 17th.

    DOMAIN §2.4. When the month locks, on the 15th, it is nobody who did not report, and its row is not counted.
    """
    report_one(desk, COCO, "ASI-202")
    grace_ended, month_locked, before_the_end = (datetime(2018, 10, day, 13, 1, tzinfo=UTC) for day in (11, 15, 17))
    assert "CONANI" not in scan(desk, grace_ended)[CARMEN]
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


def schedule_of(unit: UnitOfWork, what: str) -> int:
    return next(one.id for one in unit.schedules.all(1) if one.what == what)


def test_what_is_closed_between_the_plan_and_the_sending_is_not_asked_for(desk: Desk) -> None:
    """The second look (G8)."""
    report_everything(desk, ANA)

    def plan(unit: UnitOfWork) -> None:
        for plan_id, job, planned in due(unit, DUE, ZONE):
            carry(unit, plan_id, job, planned, DUE)

    desk.do(plan)
    desk.now = DUE
    press(desk, ANA, tap(desk, ANA, "cerrar"), "✅ Sí, cerrar")
    assert ANA not in desk.do(lambda unit: send(unit, DUE))
    assert states(desk, ANA)[-1:] == [("cancelled", "nothing_left")]


# ------------------------------------------------------------------ /recordar
def test_the_list_and_the_digest_count_alike_and_reach_who_only_has_to_close(desk: Desk) -> None:
    """Otto has sent everything and has not closed: he is on the list, among the number, and gets the sentence."""
    report_everything(desk, OTTO)
    desk.now = datetime(2018, 10, 9, 14, tzinfo=UTC)
    digest = next(words for words in buttons(desk.say(CARMEN, "/resumen"), CARMEN) if "Recordar" in words)
    listed = desk.say(CARMEN, "/recordar")
    assert digest == "🔔 Recordar a 5"
    assert "🔔 Recordar a 5 instituciones" in buttons(listed, CARMEN)
    assert "• MIDE · todo enviado, sin cerrar" in said(listed, CARMEN)[-1]
    assert "• MINERD · quedan 2 · sin punto focal" in said(listed, CARMEN)[-1]
    tap(desk, CARMEN, "recordar", "yes")
    told = desk.do(lambda unit: send(unit, desk.now))
    assert set(told) == {ANA, ROSA, JEAN, COCO, OTTO}
    assert "Solo falta cerrarlo" in told[OTTO]
    again = desk.say(CARMEN, "/recordar")
    assert "A 5 instituciones ya se les avisó hoy" in said(again, CARMEN)[-1]
    assert not [words for words in buttons(again, CARMEN) if "Recordar" in words]
    assert not [words for words in buttons(desk.say(CARMEN, "/resumen"), CARMEN) if "Recordar" in words]


def test_institutions_are_counted_as_such_and_people_as_people(desk: Desk) -> None:
    """CONANI has two focal points: five institutions are six people."""
    desk.do(lambda unit: enrol(unit, Newcomer(514, "Segunda Lora", Role.FOCAL_POINT, "CONANI", "es"), DUE, ZONE))
    desk.now = datetime(2018, 10, 9, 14, tzinfo=UTC)
    listed = desk.say(CARMEN, "/recordar")
    assert "Se escribe a 6 personas" in said(listed, CARMEN)[-1]
    sending = press(desk, CARMEN, listed, "🔔 Recordar a 5 instituciones")
    assert said(sending, CARMEN)[-1] == "Recordando en privado, persona por persona: 0 de 6."
    assert "A 5 instituciones ya se les avisó hoy" in said(desk.say(CARMEN, "/recordar"), CARMEN)[-1]


def test_the_digest_counts_nobody_who_rests(desk: Desk) -> None:
    """At ten here it is three in the night in Honolulu: /recordar would not reach Otto now, in the digest neither."""
    desk.do(lambda unit: unit.connection.execute(_moved_to(OTTO, "Pacific/Honolulu")))
    desk.now = datetime(2018, 10, 9, 14, tzinfo=UTC)
    digest = buttons(desk.say(CARMEN, "/resumen"), CARMEN)
    assert "🔔 Recordar a 4 instituciones" in buttons(desk.say(CARMEN, "/recordar"), CARMEN)
    assert "🔔 Recordar a 4" in digest


def _moved_to(telegram_id: int, zone: str) -> Any:
    person = table(Person)
    return update(person).where(person.c.telegram_id == telegram_id).values(timezone=zone)


def test_under_a_pause_nobody_has_been_told(desk: Desk) -> None:
    """The ledger has a row for everybody, and it is told as what it is; after it all can be reached."""
    pause_everybody(desk, DUE - timedelta(hours=2))
    assert scan(desk, DUE) == {}
    assert states(desk, ANA)[-1:] == [("open", "paused_for_everybody")]
    listed = desk.say(CARMEN, "/recordar")
    assert "Los avisos están en pausa para todas" in said(listed, CARMEN)[-1]
    assert "avisó" not in said(listed, CARMEN)[-1]
    assert whys(desk, DUE)["Ana Martínez"] == "pausa para todos"
    assert whys(desk, DUE)["Luis Peña"] == "pausa para todos"
    tap(desk, CARMEN, "pausar", "end")
    listed = desk.say(CARMEN, "/recordar")
    assert "🔔 Recordar a 5 instituciones" in buttons(listed, CARMEN)
    press(desk, CARMEN, listed, "🔔 Recordar a 5 instituciones")
    assert ANA in desk.do(lambda unit: send(unit, desk.now))
    assert states(desk, ANA)[-1:] == [("sent", "")]
    assert whys(desk, DUE)["Ana Martínez"] == "ya se le avisó hoy"


def test_who_was_passed_over_for_the_focal_point_is_told_so(desk: Desk) -> None:
    """Each with the reason that the ledger has."""
    assert LUIS not in scan(desk, DUE)
    found = whys(desk, DUE + timedelta(minutes=5))
    assert found["Luis Peña"] == "se avisa al punto focal"
    assert found["Ana Martínez"] == "ya se le avisó hoy"


@pytest.mark.parametrize("is_known", [True, False])
def test_who_was_passed_over_for_somebody_out_of_reach_is_told_on_the_same_day(desk: Desk, is_known: bool) -> None:
    """That the focal point has blocked the bot is learnt from the refusal, or between the plan and the sending."""

    def refused(unit: UnitOfWork) -> dict[int, str]:
        for plan_id, job, planned in due(unit, DUE, ZONE):
            carry(unit, plan_id, job, planned, DUE)
        if is_known:
            unit.people.mark_unreachable(ANA, DUE)
            return send(unit, DUE)
        rows = unit.outbox.claim(DUE, DUE + timedelta(minutes=1), 100)
        write(unit, [Note(row, Unreachable("blocked")) for row in rows if row.chat_id == ANA], None, DUE)
        unit.ledger.settle()
        return {}

    assert LUIS not in desk.do(refused)
    assert LUIS in scan(desk, DUE + timedelta(minutes=1))
    assert scan(desk, DUE + timedelta(minutes=2)) == {}


@pytest.mark.parametrize("change", ["pause", "blocked", None])
def test_a_colleague_is_named_only_if_told(desk: Desk, change: str | None) -> None:
    """Not who has paused, nor whom Telegram does not reach: in the plan of it and at the sending."""
    if change == "pause":
        tap(desk, EVA, "pausar", "7")
    elif change == "blocked":
        desk.do(lambda unit: unit.people.mark_unreachable(EVA, LATE))
    told = scan(desk, LATE)
    assert ("Copio a Eva Sol" in told[COCO]) is (change is None)
    assert (EVA in told) is (change is None)
    if change is None:
        assert "Coco Lora también recibió este aviso" in told[EVA]
    listed = scan(desk, datetime(2018, 10, 10, 13, 1, tzinfo=UTC))
    assert "Eva" not in listed[COCO], "on the quarter's due day she is told nothing"


def test_two_focal_points_are_told_of_each_other_as_equals(desk: Desk) -> None:
    """Only an alternate is copied: both have the same to do."""
    desk.do(lambda unit: enrol(unit, Newcomer(514, "Segunda Lora", Role.FOCAL_POINT, "CONANI", "es"), DUE, ZONE))
    tap(desk, EVA, "pausar", "7")
    told = scan(desk, LATE)
    assert "Segunda Lora también recibió este aviso" in told[COCO]
    assert "Coco Lora también recibió este aviso" in told[514]
    assert "Copio a" not in told[COCO] + told[514]


def test_a_colleague_who_was_passed_over_is_not_named_at_the_sending_either(desk: Desk) -> None:
    """Eva's pause ends between the plan and the sending: her day is in the ledger as silent, and stays it."""
    tap(desk, EVA, "pausar", "7")

    def plan(unit: UnitOfWork) -> dict[int, str]:
        found = {}
        for plan_id, job, planned in due(unit, LATE, ZONE):
            carry(unit, plan_id, job, planned, LATE)
            said_ = [(one.who.chat_id, each.payload) for one in planned for each in one.messages]
            found |= {chat_id: str(payload.get("text")) for chat_id, payload in said_}
        return found

    assert "Eva" not in desk.do(plan)[COCO], "nor in what `enlace due` shows of the plan"
    tap(desk, EVA, "pausar", "end")
    told = desk.do(lambda unit: send(unit, LATE))
    assert EVA not in told
    assert "Eva" not in told[COCO]


def test_whoever_stands_in_hears_nothing_of_who_was_not_told(desk: Desk) -> None:
    """Coco has left the post to Eva for a week."""
    desk.now = DUE
    named = press(desk, COCO, tap(desk, COCO, "delegar"), "Eva Sol")
    press(desk, COCO, named, next(words for words in buttons(named, COCO) if "7" in words))
    told = scan(desk, LATE)
    assert COCO not in told
    assert "Coco" not in told[EVA]
    assert whys(desk, LATE)["Coco Lora"] == "delegó sus avisos"


# ------------------------------------------------------------------ stopping
def test_a_stop_holds_back_all_that_has_not_begun(desk: Desk) -> None:
    """Claimed or not, of a large one; what has begun may go, and the numbers are those that went."""

    def crowd(unit: UnitOfWork) -> None:
        for number in range(200):
            enrol(unit, Newcomer(9000 + number, f"Persona {number}", Role.FOCAL_POINT, "MINERD", "es"), desk.now, ZONE)

    desk.now = datetime(2018, 10, 9, 14, tzinfo=UTC)
    desk.do(crowd)
    tap(desk, CARMEN, "recordar", "yes")
    begun = desk.do(lambda unit: _begin(unit, desk.now, claimed=60, begun=4))
    number = desk.do(lambda unit: unit.broadcasts.going_on()[0].id)
    stopped = tap(desk, CARMEN, "detener", str(number))
    assert stopped.answer is not None
    assert stopped.answer.text == "Se detiene: 201 mensajes ya no salen."
    assert not desk.do(lambda unit: any(unit.outbox.begin(row) for row in begun[4:])), "claimed, and taken back"
    desk.do(lambda unit: [unit.outbox.record(row.id, Sent(1), desk.now) for row in begun[:4]])
    text = desk.do(lambda unit: _shown(unit, desk.now))
    assert text == "Se detuvo. Personas a las que llegó: 4 de 205. Las demás no recibieron nada."
    assert "🔔 Recordar a" in str(buttons(desk.say(CARMEN, "/recordar"), CARMEN)), "who got nothing can be reminded"


def test_a_stop_that_comes_too_late_says_so(desk: Desk) -> None:
    """All had begun to leave: nothing was taken back, and that is what is said."""
    desk.now = datetime(2018, 10, 9, 14, tzinfo=UTC)
    tap(desk, CARMEN, "recordar", "yes")
    begun = desk.do(lambda unit: _begin(unit, desk.now, claimed=60, begun=60))
    number = desk.do(lambda unit: unit.broadcasts.going_on()[0].id)
    stopped = tap(desk, CARMEN, "detener", str(number))
    assert stopped.answer is not None
    assert stopped.answer.text == "Ya estaban saliendo todos."
    desk.do(lambda unit: [unit.outbox.record(row.id, Sent(1), desk.now) for row in begun])
    assert desk.do(lambda unit: _shown(unit, desk.now)) == (
        "Se detuvo tarde: ya habían salido todos. Personas a las que llegó: 5 de 5."
    )


def _begin(unit: UnitOfWork, now: datetime, *, claimed: int, begun: int) -> list[Any]:
    rows = unit.outbox.claim(now, now + timedelta(minutes=1), claimed, ("fan_out",))
    for row in rows[:begun]:
        assert unit.outbox.begin(row)
    return rows


def _shown(unit: UnitOfWork, now: datetime) -> str:
    unit.ledger.settle()
    edits, goes_on = show_progress(unit, now)
    assert not goes_on
    return str(edits[-1].payload["text"])


# ------------------------------------------------------------------ why not, outside of the ladder
def test_due_explains_the_other_jobs_too(desk: Desk) -> None:
    """The digest before its hour and after it was sent; nothing validated is not nothing to report."""
    monday = datetime(2018, 10, 8, tzinfo=UTC)
    assert whys(desk, monday.replace(hour=12), "digest")["Carmen Soto"] == "no antes de las 08:30"
    scan(desk, monday.replace(hour=12, minute=31))
    assert whys(desk, monday.replace(hour=20, minute=5), "digest")["Carmen Soto"] == "ya se le avisó hoy"
    assert whys(desk, monday.replace(day=9, hour=13), "digest")["Carmen Soto"] == "hoy no toca"
    assert whys(desk, monday.replace(hour=21, minute=1), "validated")["Ana Martínez"] == "no se validó nada nuevo"


# ------------------------------------------------------------------ after the lock
def test_after_the_lock_every_button_leads_somewhere(desk: Desk) -> None:
    """Nobody is offered who cannot be reminded; who has reported is still told, and a period can be reopened."""
    desk.now = LOCKED
    assert "no hay a quién recordar" in said(desk.say(CARMEN, "/recordar"), CARMEN)[-1]
    assert not [words for words in buttons(desk.say(CARMEN, "/resumen"), CARMEN) if "Recordar" in words]
    assert "Reportes de septiembre 2018" in said(tap(desk, CARMEN, "progreso", "201809"), CARMEN)[-1]
    assert "Reportes del 3.er trimestre 2018" in said(tap(desk, CARMEN, "progreso", "2018Q3"), CARMEN)[-1]
    assert "PGR" in said(desk.say(CARMEN, "/progreso"), CARMEN)[-1]
    assert "¿Para qué institución se reabre" in said(tap(desk, CARMEN, "reabrir", "201809"), CARMEN)[-1]


# ------------------------------------------------------------------ nothing new
def test_nothing_new_says_what_will_be_stored(desk: Desk) -> None:
    """As the report before; where there is none, as not begun."""
    first = said(tap(desk, OTTO, "novedades"), OTTO)[-1]
    assert "PER-402: no tiene reporte anterior; queda como no iniciada" in first
    assert "como el reporte anterior" not in first
    assert "Quedan como el reporte anterior" in said(tap(desk, ANA, "novedades"), ANA)[-1]


def test_why_there_is_nothing_new_is_read_in_the_readers_language(desk: Desk) -> None:
    """Jean gives his reason in Creole, Carmen reads it in Spanish; a next step that was named before stays."""
    desk.now = DUE
    for who in (ANA, JEAN):
        tap(desk, who, "novedades", "budget")

    def sent(unit: UnitOfWork, who: int) -> dict[int, str]:
        found = unit.submissions.of_person(unit.people.by_telegram_id(who).id, limit=9)
        return {
            one.id: unit.submissions.answers(one)["/data/next_step"] for one in found if one.zero_reason == "budget"
        }

    own, theirs = (desk.do(lambda unit, who=who: sent(unit, who)) for who in (ANA, JEAN))
    assert own
    assert theirs
    assert "Espera presupuesto" not in own.values()
    for number in theirs:
        assert "🟰 Sin novedades: Espera presupuesto" in said(tap(desk, CARMEN, "revision", str(number)), CARMEN)[-1]
        assert "🟰 Pa gen anyen nouvo: Ap tann bidjè" in said(tap(desk, JEAN, "recibo", str(number)), JEAN)[-1]


def test_what_has_been_begun_is_told_apart_from_what_asks_for_more(desk: Desk) -> None:
    """A draft is somebody's words: it is neither sent nor thrown away, and its report says so."""
    desk.say(ANA, "/reportar PRE-101")
    told = said(tap(desk, ANA, "novedades", "no_progress"), ANA)[-1]
    assert "Ya hay un borrador empezado: PRE-101" in told
    assert "piden algo más" not in told
    assert "ASI-201" in told


@pytest.mark.parametrize(
    ("now", "answer"),
    [
        (datetime(2018, 10, 11, 13, tzinfo=UTC), "Si queda algo, se lo recuerdo el 12 oct 2018"),
        (datetime(2018, 10, 12, 13, tzinfo=UTC), "El 14 oct 2018 es el último día para reportar septiembre 2018"),
    ],
)
def test_tomorrow_is_not_promised_when_all_locks_before_it(desk: Desk, now: datetime, answer: str) -> None:
    """September locks on Monday the 15th; MMUJER has nothing of the quarter."""
    desk.now = now
    assert answer in said(tap(desk, ANA, "posponer"), ANA)[-1]


def test_who_only_has_to_close_is_told_of_the_last_day_to_close(desk: Desk) -> None:
    """All is reported: there is nothing to report until then."""
    desk.now = datetime(2018, 10, 12, 13, tzinfo=UTC)
    report_everything(desk, ANA)
    answer = said(tap(desk, ANA, "posponer"), ANA)[-1]
    assert answer.startswith("Hoy no le recuerdo nada más. El 14 oct 2018 es el último día para cerrar septiembre 2018")


def test_tomorrow_of_nothing_promises_nothing(desk: Desk) -> None:
    """All sent and closed; and after the lock, what can be asked for."""
    desk.now = LOCKED
    assert "Septiembre 2018 ya cerró, y MMUJER no lo cerró a tiempo" in said(tap(desk, ANA, "posponer"), ANA)[-1]
    desk.now = DUE
    report_everything(desk, ANA)
    press(desk, ANA, tap(desk, ANA, "cerrar"), "✅ Sí, cerrar")
    assert "Está al día" in said(tap(desk, ANA, "posponer"), ANA)[-1]


def test_who_has_not_closed_comes_first_among_those_a_period_is_reopened_for(desk: Desk) -> None:
    """Then who has, and last those of whom it expects nothing."""
    desk.now = DUE
    report_everything(desk, ANA)
    press(desk, ANA, tap(desk, ANA, "cerrar"), "✅ Sí, cerrar")
    desk.now = LOCKED
    *listed, _back = buttons(tap(desk, CARMEN, "reabrir", "201809"), CARMEN)
    marks = [name[0] if name[0] in "⚪✅" else "" for name in listed]
    assert marks == ["⚪"] * marks.count("⚪") + ["✅"] + [""] * marks.count("")
    assert "✅ MMUJER" in listed
    assert 0 < marks.count("") < marks.count("⚪") + 20


def test_what_is_needed_is_told_and_what_was_postponed_is_not(desk: Desk) -> None:
    """A need stands until the period locks; "tomorrow" was of its day."""
    desk.do(lambda unit: unit.schedules.change(1, schedule_of(unit, "digest"), paused_at=DUE))
    scan(desk, DUE)
    tap(desk, ANA, "posponer")
    tap(desk, OTTO, "explicar", "no_data")
    notice = scan(desk, LOCKED)[CARMEN]
    assert "MIDE · queda 1 · No tengo el dato" in notice
    assert "esperar un día" not in notice


# ------------------------------------------------------------------ vacancies
@pytest.mark.parametrize("who", [CARMEN, PEDRO])
def test_naming_opens_the_list_of_all_that_is_vacant(desk: Desk, who: int) -> None:
    """Not the first of ten, for ever."""
    digest = desk.say(who, "/resumen")
    listed = press(desk, who, digest, next(words for words in buttons(digest, who) if "Nombrar" in words))
    assert len([words for words in buttons(listed, who) if words.isupper()]) > 5


@pytest.mark.parametrize("who", [CARMEN, PEDRO])
@pytest.mark.parametrize("now", [DUE, LOCKED, datetime(2019, 1, 21, 13, tzinfo=UTC)])
def test_vacancies_are_one_number_in_text_button_and_list(desk: Desk, who: int, now: datetime) -> None:
    """An agency that nothing is expected of yet has a post to fill all the same."""
    desk.now = now
    digest = desk.say(who, "/resumen")
    [told] = re.findall(r"Sin punto focal \((\d+)\)", said(digest, who)[-1])
    label = next(words for words in buttons(digest, who) if "Nombrar" in words)
    assert label == f"👤 Nombrar: {told} puestos"
    assert len([words for words in buttons(press(desk, who, digest, label), who) if words.isupper()]) == int(told)
    assert f"Sin punto focal ({told})" in said(desk.say(who, "/personas"), who)[-1]


def test_a_pause_until_it_is_ended_reads_as_a_sentence(desk: Desk) -> None:
    """No "hasta el que usted la termine"."""
    begun = said(tap(desk, CARMEN, "pausar", "0"), CARMEN)[-1]
    assert begun.startswith("Avisos en pausa para todas las instituciones hasta nuevo aviso")
    assert "En pausa hasta nuevo aviso." in said(desk.say(CARMEN, "/pausar"), CARMEN)[-1]


# ------------------------------------------------------------------ what is true on the day
def close_month(desk: Desk, who: int) -> None:
    press(desk, who, tap(desk, who, "cerrar"), "✅ Sí, cerrar")


def number_sent(desk: Desk, code: str) -> int:
    submission = table(Submission)
    return (
        desk.do(
            lambda unit: (
                unit.connection.execute(
                    select(submission.c.id)
                    .where(submission.c.subject == f"activity:{code}")
                    .order_by(submission.c.id.desc())
                )
                .scalars()
                .first()
            )
        )
        or 0
    )


def test_a_returned_report_is_reminded_of_as_one(desk: Desk) -> None:
    """It has been sent: nobody is told that it is missing, and "nothing new" does not answer its question."""
    desk.now = datetime(2018, 10, 3, 13, tzinfo=UTC)
    report_everything(desk, ANA)
    close_month(desk, ANA)
    tap(desk, CARMEN, "devolver", f"{number_sent(desk, 'ASI-201')}.1.w1")
    told = scan(desk, DUE)[ANA]
    assert told.startswith("Ana, 1 reporte de septiembre 2018 volvió con una pregunta")
    assert "se recibe hasta el 14 oct." in told
    assert "devuelto con una pregunta" in told
    assert "venc" not in told.lower()
    asked = tap(desk, ANA, "novedades")
    assert "Con una pregunta por responder: ASI-201" in said(asked, ANA)[-1]
    assert not any("Espera presupuesto" in words for words in buttons(asked, ANA))


def test_nothing_new_names_the_periods_it_speaks_for(desk: Desk) -> None:
    """Under an old reminder of August it is September and the quarter that are reported."""
    asked = said(tap(desk, COCO, "novedades"), COCO)[-1]
    assert "septiembre 2018" in asked
    assert "3.er trimestre 2018" in asked
    done = said(tap(desk, COCO, "novedades", "no_progress"), COCO)[-1]
    assert "ASI-202 · septiembre 2018 · recibo n.º" in done


@pytest.mark.parametrize(
    ("silence", "answer"),
    [
        ("everybody", "se lo recuerdo el 9 oct 2018"),
        ("own", "se lo recuerdo el 9 oct 2018"),
        ("sent", "se lo recuerdo el 5 oct 2018"),
        ("mondays", "se lo recuerdo el 8 oct 2018"),
        ("off", "Los recordatorios están detenidos"),
    ],
)
def test_tomorrow_is_the_day_on_which_a_word_can_come(desk: Desk, silence: str, answer: str) -> None:
    """Not in a pause, not before the due day where only the closing is left, not on a day nobody is reminded."""
    desk.now = datetime(2018, 10, 2, 13, tzinfo=UTC)
    ladder = desk.do(lambda unit: schedule_of(unit, "reminders"))
    match silence:
        case "everybody":
            tap(desk, CARMEN, "pausar", "7")
        case "own":
            tap(desk, ANA, "pausar", "7")
        case "sent":
            report_everything(desk, ANA)
        case "mondays":
            desk.do(lambda unit: unit.schedules.change(1, ladder, days="mon"))
        case _:
            desk.do(lambda unit: unit.schedules.change(1, ladder, paused_at=desk.now))
    assert answer in said(tap(desk, ANA, "posponer"), ANA)[-1]
    came = []
    for day in range(3, 12):
        if ANA in scan(desk, datetime(2018, 10, day, 13, 1, tzinfo=UTC)):
            came.append(day)
    assert f"{came[0]} oct" in answer if came else silence == "off"


def test_whoever_has_closed_the_month_is_up_to_date(desk: Desk) -> None:
    """August was let pass: its letter may stand, but no button of September's reminder brings it up."""
    desk.now = DUE
    report_everything(desk, ANA)
    close_month(desk, ANA)
    for button in ("cerrar", "empezar", "posponer", "novedades"):
        assert "Está al día" in said(tap(desk, ANA, button), ANA)[-1]


def test_a_reopened_period_is_not_said_to_be_closed(desk: Desk) -> None:
    """No reminder speaks of it: tomorrow is not promised, and its last day is named."""
    desk.now = datetime(2018, 10, 16, 13, tzinfo=UTC)
    tap(desk, CARMEN, "reabrir", "201809.MMUJER.3.trouble")
    answer = said(tap(desk, ANA, "posponer"), ANA)[-1]
    assert "último día para reportar septiembre 2018" in answer
    assert "ya cerró" not in answer


def test_a_pause_for_everybody_is_of_the_plans_days(desk: Desk) -> None:
    """A coordinator travels in Honolulu, where it is still Thursday: one day is Friday, here."""

    def move(unit: UnitOfWork) -> None:
        person = table(Person)
        unit.connection.execute(
            update(person).where(person.c.telegram_id == CARMEN).values(timezone="Pacific/Honolulu")
        )

    desk.do(move)
    desk.now = datetime(2018, 10, 5, 6, 30, tzinfo=UTC)
    assert "5 oct 2018" in said(tap(desk, CARMEN, "pausar", "1"), CARMEN)[-1]
    assert scan(desk, DUE) == {}


def test_closing_early_is_told_to_whoever_has_not_closed(desk: Desk) -> None:
    """In the morning they were told that Friday is the day; on Wednesday at three it becomes today."""
    desk.now = datetime(2018, 10, 3, 19, tzinfo=UTC)
    report_everything(desk, COCO)
    report_everything(desk, ANA)
    close_month(desk, ANA)
    asked = tap(desk, CARMEN, "plazos", "201809.lock")
    assert "A quienes no lo han cerrado se les avisa ahora" in said(asked, CARMEN)[-1]
    done = press(desk, CARMEN, asked, next(words for words in buttons(asked, CARMEN) if "Sí" in words))
    assert "hoy es el último día para reportar y cerrar" in said(done, ROSA)[-1]
    assert "septiembre 2018" in said(done, ROSA)[-1]
    assert said(done, COCO)
    assert not said(done, ANA), "who has closed is left in peace"


def test_who_is_asleep_is_named_as_that(desk: Desk) -> None:
    """One lives in Tokyo: the others can be reminded now, and it is nobody's hour of rest but theirs."""

    def move(unit: UnitOfWork) -> None:
        person = table(Person)
        unit.connection.execute(update(person).where(person.c.telegram_id == OTTO).values(timezone="Asia/Tokyo"))

    desk.do(move)
    desk.now = datetime(2018, 10, 4, 16, tzinfo=UTC)
    listed = said(desk.say(CARMEN, "/recordar"), CARMEN)[-1]
    assert "MIDE · queda 1 · hora de descanso" in listed
    assert "Ahora es hora de descanso" not in listed


def test_a_deputy_who_pauses_is_the_reason_for_the_silence(desk: Desk) -> None:
    """Not that the focal point has handed the post over: that is no reason for the coordinator to wait."""
    desk.now = datetime(2018, 10, 3, 13, tzinfo=UTC)
    named = press(desk, ANA, tap(desk, ANA, "delegar"), "Luis Peña")
    press(desk, ANA, named, next(words for words in buttons(named, ANA) if words.startswith("7 días")))
    tap(desk, LUIS, "pausar", "7")
    desk.now = datetime(2018, 10, 4, 13, tzinfo=UTC)
    listed = said(desk.say(CARMEN, "/recordar"), CARMEN)[-1]
    [line_] = [line_ for line_ in listed.splitlines() if "MMUJER" in line_]
    assert "delegó" not in line_
    assert "pausa" in line_
