"""One number a closing: the first screen, /progreso and the digest count the same, on every day of a quarter's end."""

import re
from datetime import UTC, datetime

from sqlalchemy import text

from bot.schedule.digests import WEEK, printed
from bot.schedule.scheduler import ensure_schedules
from conversations.plan.model import Role
from storage.calendar.holidays import known_since
from storage.exports.datasets.plan import agencies
from storage.exports.wanted import Wanted
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import Desk, said, tap
from tests.bot.house import ANA, CARMEN, JEAN, PEDRO
from tests.bot.schedule.days import ZONE, here, scan, set_schedule


def numbers(text: str, words: str) -> list[str]:
    """Both numbers of "… N de M" behind these words."""
    found = re.search(rf"{words}\D*(\d+) de (\d+)", text)
    assert found is not None, text
    return list(found.groups())


def test_first_screen_progress_and_digest_have_one_number(desk: Desk) -> None:
    """Also when the month has locked and the quarter that ends with it is still open, and when both have."""
    tap(desk, ANA, "novedades", "waiting")
    tap(desk, ANA, "cerrar", "20180930")
    seen = set()
    for month, day in ((10, 3), (10, 10), (10, 16), (10, 25), (11, 2)):
        desk.now = datetime(2018, month, day, 14, tzinfo=UTC)
        digest = said(desk.say(CARMEN, "/resumen"), CARMEN)[-1]
        progress = said(desk.say(CARMEN, "/progreso"), CARMEN)[-1]
        for who in (CARMEN, PEDRO):
            home = said(desk.say(who, "/menu"), who)[-1]
            assert numbers(home, "Instituciones que cerraron:") == numbers(digest, "Cierre:"), (month, day)
        assert numbers(progress, "Recibidos:") == numbers(digest, "[Rr]eportes:")
        assert progress.count(" · cerrado") == int(numbers(digest, "Cierre:")[0])
        seen.add(tuple(numbers(digest, "Cierre:")))

    assert len(seen) == 2  # of September's end, and of October's


def test_on_the_first_day_no_screen_counts_a_closing_that_locked_before(desk: Desk) -> None:
    """August was over when the plan came here: "0 de 7" would be a failure that nobody had."""
    desk.now = here("2018-09-28T09:00")
    desk.do(lambda unit: unit.facts.set(known_since(1), "", desk.now))
    desk.do(lambda unit: unit.connection.execute(text("UPDATE submission SET is_current = false, is_standing = false")))
    for who, words in ((CARMEN, "/menu"), (CARMEN, "/progreso"), (CARMEN, "/resumen"), (PEDRO, "/menu")):
        assert "0 de " not in said(desk.say(who, words), who)[-1]


# ------------------------------------------------------------------ against the tables
EXPECTED = text("""
    SELECT g.code AS agency, a.code AS activity, p.id AS period
    FROM activity a JOIN agency g ON g.id = a.agency_id
    JOIN reporting_period p ON p.plan_id = a.plan_id AND p.end_on = :ended AND p.opens_on <= :today
     AND p.period_type = CASE a.report_frequency
         WHEN 'monthly' THEN 'Monthly' WHEN 'quarterly' THEN 'Quarterly'
         WHEN 'semiannual' THEN 'SixMonthly' ELSE 'Yearly' END
    WHERE a.start_on <= p.end_on AND a.retired_on IS NULL AND (a.added_on IS NULL OR a.added_on < p.due_on)
""")
CLOSED = text("SELECT g.code, c.reporting_period_id FROM closing c JOIN agency g ON g.id = c.agency_id")
SENT = text("SELECT substr(subject, 10), reporting_period_id FROM submission WHERE is_current")


def counted(unit: UnitOfWork, ended: str, today: str) -> tuple[int, int, int, int]:
    """By SQL alone: agencies that closed, of how many; reports that came, of how many."""
    wanted = unit.connection.execute(EXPECTED, {"ended": ended, "today": today}).all()
    closed = {tuple(row) for row in unit.connection.execute(CLOSED)}
    sent = {tuple(row) for row in unit.connection.execute(SENT)}
    expected = {row.agency for row in wanted}
    late = {row.agency for row in wanted if (row.agency, row.period) not in closed}
    return len(expected - late), len(expected), sum((row.activity, row.period) in sent for row in wanted), len(wanted)


def test_every_screen_notice_and_file_says_what_the_tables_say(desk: Desk) -> None:
    """A quarter lived: two agencies report, one closes, or both; at each lock all numbers are those of SQL."""
    desk.do(lambda unit: ensure_schedules(unit, 1, here("2018-09-01T08:00")))
    set_schedule(desk, "digest", paused_at=here("2018-09-01T08:00"))
    seen = set()
    for opened, ended, locked in (
        ("2018-10-03", "2018-09-30", "2018-10-15"),
        ("2018-10-18", "2018-09-30", "2018-10-22"),
        ("2018-11-02", "2018-10-31", "2018-11-15"),
        ("2018-12-03", "2018-11-30", "2018-12-17"),
        ("2019-01-02", "2018-12-31", "2019-01-15"),
        ("2019-01-16", "2018-12-31", "2019-01-22"),
    ):
        for who, closes in ((JEAN, True), (ANA, ended == "2018-11-30")):
            desk.now = here(f"{opened}T10:00")
            tap(desk, who, "novedades", "waiting")
            if closes:
                tap(desk, who, "cerrar", ended.replace("-", ""))
        notice = scan(desk, here(f"{locked}T09:01"))[CARMEN][0].text
        desk.now = here(f"{locked}T11:00")
        closed, expected, received, reports = desk.do(lambda unit: counted(unit, ended, locked))  # noqa: B023
        pair, counts = [str(closed), str(expected)], [str(received), str(reports)]
        over, listed = re.findall(r"Sin cerrar \((\d+)\)", notice), re.findall("^• ", notice, re.MULTILINE)
        assert sum(map(int, over)) == len(listed), (locked, notice)
        for shown in (
            said(desk.say(CARMEN, "/resumen"), CARMEN)[-1],
            desk.do(lambda unit: printed(unit, 1, desk.now, desk.now - WEEK, "es")),
        ):
            assert numbers(shown, "Cierre:") == pair, locked
            assert numbers(shown, "[Rr]eportes:") == counts, locked
        progress = said(desk.say(CARMEN, "/progreso"), CARMEN)[-1]
        assert numbers(progress, "Recibidos:") == counts
        assert progress.count(" · cerrado") == closed
        for who in (CARMEN, PEDRO):
            assert numbers(said(desk.say(who, "/menu"), who)[-1], "Instituciones que cerraron:") == pair
        file = desk.do(lambda unit: rows_of_agencies(unit, desk.now))
        assert sum(row["closed"] is True for row in file) == closed
        assert sum(row["closed"] is not None for row in file) == expected
        assert sum(int(str(row["received_reports"])) for row in file) == received
        seen.add((closed, received))

    assert len(seen) > 2


def rows_of_agencies(unit: UnitOfWork, now: datetime) -> list[dict[str, object]]:
    """The file of agencies, as a coordinator takes it out at that moment."""
    found = agencies(unit, Wanted(1, ZONE, now, role=Role.COORDINATOR))
    names = [column.name for column in found.tables[0].columns]
    return [dict(zip(names, row, strict=True)) for _, row in found.rows]
