"""A focal point's own reports: what was sent, read again and left as it was."""

from datetime import timedelta

from tests.bot.desk import Desk, buttons, press, said, tap
from tests.bot.house import ANA, JEAN, ROSA
from tests.bot.schedule.days import here, number_of


def test_a_correction_that_was_only_looked_at_leaves_no_draft(desk: Desk) -> None:
    """By command and by button: the report stays as it was sent. What was begun and not sent is kept."""
    tap(desk, ANA, "novedades", "no_progress")
    sent = desk.do(lambda unit: unit.submissions.of_agency(unit.plans.agency(1, "MMUJER").id, limit=1)[0].id)

    def drafts() -> int:
        return desk.do(lambda unit: len(unit.sessions.drafts_of(number_of(unit, ANA))))

    tap(desk, ANA, "corregir", str(sent))
    assert drafts() == 1
    assert said(desk.say(ANA, "/cancelar"), ANA)[-1] == "No cambió nada: el reporte queda como se envió."
    assert drafts() == 0

    answers = tap(desk, ANA, "corregir", str(sent))
    desk.now += timedelta(minutes=1)
    press(desk, ANA, answers, next(words for words in buttons(answers, ANA) if "porcentaje" in words))
    desk.say(ANA, "77")
    assert "Guardé su borrador" in said(desk.say(ANA, "/cancelar"), ANA)[-1]
    assert drafts() == 1


def test_who_let_a_period_lock_reads_so_on_the_first_screen(desk: Desk) -> None:
    """With the button that asks to reopen it; whoever closed it is up to date."""
    tap(desk, ANA, "novedades", "no_progress")
    tap(desk, ANA, "cerrar", "20180930")
    desk.now = here("2018-10-26T09:00")
    assert "✋ Pedir reapertura" not in buttons(desk.say(ANA, "/menu"), ANA)

    for typed in ("/menu", "/pendientes"):
        desk.now += timedelta(minutes=1)
        shown = desk.say(JEAN, typed)
        assert "DGP pa t fèmen l alè" in said(shown, JEAN)[-1]
        asked = press(desk, JEAN, shown, "✋ Mande relouvri")
        assert "relouvri" in said(asked, JEAN)[-1]


def test_a_receipt_that_asks_whether_to_close_is_answered_by_its_button(desk: Desk) -> None:
    """The same question is not asked twice. The button of another day closes nothing by itself."""
    tap(desk, ANA, "novedades", "no_progress")
    last = desk.do(lambda unit: unit.submissions.of_agency(unit.plans.agency(1, "MMUJER").id, limit=1)[0].id)
    opened = tap(desk, ANA, "corregir", str(last))
    press(desk, ANA, opened, next(words for words in buttons(opened, ANA) if "próximo paso" in words))
    receipt = press(desk, ANA, desk.say(ANA, "Visitar Azua en octubre"), "📨 Enviar ahora")
    assert "¿Cerramos septiembre 2018 para MMUJER?" in said(receipt, ANA)[-1]

    assert "MMUJER cerró septiembre 2018" in said(press(desk, ANA, receipt, "✅ Cerrar el mes"), ANA)[-1]
    desk.now = here("2018-11-03T09:00")
    tap(desk, ANA, "novedades", "no_progress")
    assert "¿Cerramos octubre 2018" in said(tap(desk, ANA, "cerrar", "20180930"), ANA)[-1]


def test_who_reports_referrals_is_never_told_otherwise(desk: Desk) -> None:
    """Between two months they are told that none is open, and a quarter that is open offers no form of a month."""
    assert "🤝 Referimientos" in buttons(desk.say(ANA, "/menu"), ANA)
    for day in ("2018-10-17", "2018-10-26"):  # September has locked: the quarter is open, then nothing is
        desk.now = here(f"{day}T09:00")
        assert "🤝 Referimientos" not in buttons(desk.say(ANA, "/menu"), ANA)
        assert "ningún mes abierto" in said(desk.say(ANA, "/referimientos"), ANA)[-1]
    assert "no reporta" not in said(desk.say(ANA, "/referimientos"), ANA)[-1]


def test_month_and_quarter_are_told_alike_before_and_after_they_are_sent(desk: Desk) -> None:
    """Both in the title, each in a sentence of its own; and both are what the button at the end closes."""
    due = said(desk.say(ROSA, "/pendientes"), ROSA)[-1]
    assert "\nSeptiembre 2018: a tiempo hasta el 5 oct" in due
    assert "\n3.er trimestre 2018: a tiempo hasta el 10 oct" in due

    tap(desk, ROSA, "novedades", "no_progress")
    sent = said(desk.say(ROSA, "/pendientes"), ROSA)[-1]

    assert sent == "PGR · septiembre 2018, 3.er trimestre 2018\nEstá todo enviado. Solo falta cerrar."
