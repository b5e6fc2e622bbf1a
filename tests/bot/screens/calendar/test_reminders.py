""" "Nothing new", the list of vacancies and the notices of the day: each says what is true when it is read."""

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from storage.database.models import Person, Submission, table
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import Desk, buttons, press, said, tap
from tests.bot.house import ANA, CARMEN, JEAN, LUIS, PEDRO, ROSA
from tests.bot.schedule.chased import (
    COCO,
    DUE,
    LOCKED,
    OTTO,
    report_everything,
    scan,
    schedule_of,
    three_who_are_chased,
)


@pytest.fixture
def desk(desk: Desk) -> Desk:
    desk.do(three_who_are_chased)
    return desk


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


def test_no_reason_is_asked_for_what_is_reported_apart(desk: Desk) -> None:
    """It was promised ("PRE-101 stays as it was"), a reason was asked, and only then it was said to ask for more."""
    suspended = """UPDATE submission SET activity_status = 'suspended',
        answers = replace(answers, 'in_progress', 'suspended') WHERE subject = 'activity:PRE-101'"""
    desk.do(lambda unit: unit.connection.exec_driver_sql(suspended))
    asked = tap(desk, ANA, "novedades")
    assert "Va a reportar ASI-201 sin novedades" in said(asked, ANA)[-1]
    assert "con algo más que responder: PRE-101" in said(asked, ANA)[-1]

    tap(desk, ANA, "novedades", "budget")
    alone = tap(desk, ANA, "novedades")
    assert said(alone, ANA)[-1] == "Para reportar aparte, con algo más que responder: PRE-101."
    assert "Espera presupuesto" not in buttons(alone, ANA)


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
    digest = tap(desk, who, "resumen", "0.whole")
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
    assert told.count("con una pregunta") == 1
    assert "venc" not in told.lower()

    asked = tap(desk, ANA, "novedades")
    assert "Con una pregunta por responder: ASI-201" in said(asked, ANA)[-1]
    assert not any("Espera presupuesto" in words for words in buttons(asked, ANA))


def test_nothing_new_names_the_periods_it_speaks_for(desk: Desk) -> None:
    """Under an old reminder of August it is September and the quarter that are reported."""
    asked = said(tap(desk, COCO, "novedades"), COCO)[-1]
    assert asked.startswith("Septiembre 2018 · 3.er trimestre 2018")

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
