"""A quarter with what a script seldom has: a month that is reopened, reported late and locked again, and a restore.

After each of them every number of the screens and of what is taken out is counted again with SQL, on both databases.
"""

from pathlib import Path

import pytest

from bot.open_storage import open_storage
from bot.settings import Settings
from storage.upkeep.backups import backup, restore
from tests.bot.desk import Desk, buttons, press, said, tap
from tests.bot.house import ANA, CARMEN, JEAN, PEDRO
from tests.bot.schedule.days import furnish_schedules, here, scan
from tests.bot.screens.everyone.quarter import Quarter, assert_numbers, found

pytestmark = pytest.mark.slow
SEED = 14
"""With it Jean's report of September is in progress, so that "nothing new" can repeat it."""
EXPECTED = """
    SELECT count(*) AS expected, sum(CASE WHEN EXISTS (
        SELECT 1 FROM submission s WHERE s.is_current AND s.subject = 'activity:' || a.code
        AND s.reporting_period_id = p.id) THEN 1 ELSE 0 END) AS received
    FROM activity a JOIN reporting_period p ON p.plan_id = a.plan_id AND p.code = '201810' AND p.end_on >= a.start_on
    WHERE a.report_frequency = 'monthly'
"""
COUNT = "SELECT count(*) AS n FROM submission"


def begun(desk: Desk) -> Quarter:
    """October of DGP is nobody's chance: Jean lets it pass."""
    desk.do(lambda unit: furnish_schedules(unit, 1, here("2018-07-01T08:00")))
    made = Quarter(desk, SEED)
    made.days = [day for day in made.days if (day[2].code, day[2].period) != ("PRE-304", "201810")]
    return made


def lived(quarter: Quarter, until: str) -> Desk:
    """The desk at that moment, with all that happened before it."""
    quarter.desk.now = here(until)
    quarter.live(quarter.desk.now)
    return quarter.desk


def numbers(quarter: Quarter, folder: Path, when: str) -> None:
    lived(quarter, when)
    assert_numbers(quarter, folder)


def october(desk: Desk) -> str:
    """Reports that came, of those that are expected, as the tables have it."""
    [row] = found(desk.database, EXPECTED)
    return f"{row.received} de {row.expected}"


def test_a_month_that_is_reopened_reported_late_and_locked_again(either_desk: Desk, tmp_path: Path) -> None:
    """Asked, granted, reported, closed, locked: each number follows at once, and nothing is said twice."""
    quarter = begun(either_desk)
    desk = lived(quarter, "2018-11-20T10:00")
    before = october(desk)
    why = press(desk, JEAN, tap(desk, JEAN, "reportar", "a.PRE-304.201810"), "✋ Mande relouvri")
    asked = press(desk, JEAN, why, "Gen yon rapò ki pa t voye")
    granted = press(desk, CARMEN, asked, "Reabrir 3 días a DGP")
    due = said(press(desk, JEAN, granted, "▶️ Kòmanse"), JEAN)[-1]
    assert due == "DGP · oktòb 2018\nRete 1 pou rapòte.\nRelouvri; y ap resevwa l jiska 23 nov."
    assert_numbers(quarter, tmp_path)

    lived(quarter, "2018-11-22T10:00")
    tap(desk, JEAN, "novedades", "no_progress")
    closed = tap(desk, JEAN, "cerrar", "20181031")
    assert "DGP" in said(closed, JEAN)[-1]
    assert october(desk) != before
    assert f"Recibidos: {october(desk)}" in said(desk.say(CARMEN, "/progreso"), CARMEN)[-1]
    assert f"reportes: {october(desk)}" in said(desk.say(CARMEN, "/resumen"), CARMEN)[-1]
    assert "Cierre: 1 de 9" in said(desk.say(CARMEN, "/resumen"), CARMEN)[-1]
    assert "a tiempo 0 (0%)" in said(press(desk, CARMEN, desk.say(CARMEN, "/resumen"), "Ver completo"), CARMEN)[-1]
    assert "Instituciones que cerraron: 1 de 9" in said(desk.say(CARMEN, "/menu"), CARMEN)[-1]
    assert_numbers(quarter, tmp_path)

    ended = tap(desk, CARMEN, "reabrir", "201810.DGP.end")
    assert "DGP" not in said(ended, CARMEN)[-1], "it has closed: it is not among those that have not"
    assert "Oktòb 2018 fèmen ankò" in said(ended, JEAN)[-1]
    assert "✋ Mande relouvri" not in buttons(desk.say(JEAN, "/menu"), JEAN), "nothing is missing any more"
    numbers(quarter, tmp_path, "2019-02-08T12:00")


def test_a_restore_in_the_middle_of_the_quarter(either_settings: Settings, tmp_path: Path) -> None:
    """Four days are gone: no number is left of them, what is sent again counts once, and one sentence tells of it."""
    url, copy = either_settings.database_url, tmp_path / "copy"
    with open_storage(either_settings) as database:
        quarter = begun(Desk(database))
        desk = lived(quarter, "2018-12-06T10:00")
        tap(desk, ANA, "empezar", "201811")
        backup(url, copy)
        days, sent = list(quarter.days), dict(quarter.sent)
        gone = found(lived(quarter, "2018-12-10T10:00").database, COUNT)
    restore(copy, url, now=here("2018-12-10T17:30"))
    with open_storage(either_settings) as database:
        quarter.desk, quarter.days, quarter.sent = Desk(database), days, sent
        quarter.desk.update_id = quarter.desk.message_id = 10**6
        quarter.desk.now = here("2018-12-10T17:40")
        assert found(database, COUNT) != gone, "something was sent in those days"
        assert_numbers(quarter, tmp_path)

        resumed = tap(quarter.desk, PEDRO, "estado", "resume")
        assert "restauró" not in said(resumed, PEDRO)[-1]
        [told] = scan(quarter.desk, here("2018-12-11T09:00"))[ANA]
        assert told.text.startswith("El sistema se restauró con los datos del 6 dic 2018 a las 10:00.")
        lived(quarter, "2018-12-12T10:00")
        assert found(database, COUNT) >= gone, "what was gone is sent again, and counts once"
        numbers(quarter, tmp_path, "2019-02-08T12:00")
