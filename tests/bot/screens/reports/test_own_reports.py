"""A focal point's own reports: what was sent, read again and left as it was."""

from datetime import timedelta

from tests.bot.desk import Desk, buttons, press, said, tap
from tests.bot.house import ANA
from tests.bot.schedule.days import number_of


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
