"""A quarter of chance over the shipped plan, and its numbers counted with SQL: what the screens and files are held to.

The statements know the rules of the domain (docs/domain.md#lights) and the tables, and nothing of the house's own
counting. They are written once for both databases; `dialect` puts in the few words that each has of its own.
"""

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text

from conversations.plan.model import Role
from storage.open_database import Database
from storage.reports.submissions import NewSubmission
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import Desk, buttons, said, tap
from tests.bot.house import CARMEN, PEDRO
from tests.bot.schedule.days import HERE
from tests.storage.exports.small_plan import Plan

SHAPES: Final = {
    "🔴": "critical", "🟡": "attention", "⬜": "no_report", "🔷": "to_validate", "🟢": "on_track", "⚪": "grey",
}  # fmt: skip
WORST_FIRST: Final = tuple(SHAPES.values())
SHAPE_OF: Final = {light: shape for shape, light in SHAPES.items()}
STATUSES: Final = (*["in_progress"] * 4, "delayed", "suspended", "completed", "cancelled", "not_started")
READERS: Final = ((CARMEN, Role.COORDINATOR), (PEDRO, Role.ADMIN))
"""One reads every report that stands, the other the validated ones."""

# ------------------------------------------------------------------ the statements
CALENDAR: Final = """
    SELECT a.code, a.id AS activity_id, a.agency_id, 'activity:' || a.code AS subject, a.start_on, a.due_on,
           a.sensitivity, p.id AS period_id, p.code AS period, p.end_on, p.opens_on, p.due_on AS closes_on, p.locks_on
    FROM activity a JOIN reporting_period p ON p.plan_id = a.plan_id AND p.end_on >= a.start_on
     AND p.period_type = CASE a.report_frequency WHEN 'monthly' THEN 'Monthly' WHEN 'quarterly' THEN 'Quarterly'
                         WHEN 'semiannual' THEN 'SixMonthly' ELSE 'Yearly' END
"""
ENDED: Final = """
    present AS (
        SELECT *, row_number() OVER (PARTITION BY subject ORDER BY end_on DESC, id DESC) AS nth
        FROM sent WHERE is_current
    ),
    ended AS (
        SELECT subject, end_on FROM present WHERE nth = 1 AND (
            activity_status = 'completed' AND validation_state <> 'returned'
            OR activity_status = 'cancelled' AND validation_state = 'validated')
    )
"""
"""What is completed or cancelled, and since when, from `sent`: what was sent, with the end of its period."""
LIGHTS: Final = f"""
    WITH calendar AS ({CALENDAR}),
    sent AS (
        SELECT s.*, p.end_on FROM submission s JOIN reporting_period p ON p.id = s.reporting_period_id
    ),
    latest AS (
        SELECT *, row_number() OVER (PARTITION BY subject ORDER BY end_on DESC, id DESC) AS nth
        FROM sent WHERE CASE WHEN :validated THEN validation_state = 'validated' ELSE is_current END
    ),
    {ENDED},
    missing AS (
        SELECT c.subject, count(*) AS n FROM calendar c LEFT JOIN ended e ON e.subject = c.subject
        WHERE c.closes_on < :today AND (e.end_on IS NULL OR e.end_on >= c.end_on)
          AND NOT EXISTS (SELECT 1 FROM sent s WHERE s.subject = c.subject AND s.end_on >= c.end_on)
        GROUP BY c.subject
    ),
    standing AS (
        SELECT a.code, g.code AS agency, a.start_on, a.due_on, l.activity_status AS status, l.progress, l.end_on,
               l.validation_state AS state, l.promises_evidence AS owes, coalesce(m.n, 0) AS missed,
               l.activity_status = 'suspended' AND CAST(l.answers AS text) NOT LIKE '%new_due_date%' AS has_no_date,
               CASE WHEN :today >= a.due_on THEN 100.0
                    ELSE 100.0 * (day_number(:today) - day_number(a.start_on))
                               / (day_number(a.due_on) - day_number(a.start_on))
               END - coalesce(l.progress, 0) AS gap,
               EXISTS (SELECT 1 FROM sent w WHERE w.subject = 'activity:' || a.code AND w.is_current
                       AND w.validation_state IN ('submitted', 'corrected')) AS waits
        FROM activity a JOIN agency g ON g.id = a.agency_id
        LEFT JOIN latest l ON l.subject = 'activity:' || a.code AND l.nth = 1
        LEFT JOIN missing m ON m.subject = 'activity:' || a.code
    )
    SELECT code, agency, status, progress, end_on,
           status = 'completed' AND state <> 'returned' AS is_completed,
           status = 'cancelled' AND state = 'validated' AS is_dropped, CASE
        WHEN :today < start_on OR status = 'cancelled' AND state = 'validated' THEN 'grey'
        WHEN :today > due_on AND coalesce(status, '') <> 'completed' OR gap > 25 OR missed >= 2 OR has_no_date
            THEN 'critical'
        WHEN gap > 10 OR day_number(due_on) - day_number(:today) <= 30 AND coalesce(progress, 0) < 80 OR missed = 1
             OR status = 'completed' AND owes THEN 'attention'
        WHEN status IS NOT NULL THEN 'on_track'
        WHEN waits THEN 'to_validate'
        ELSE 'no_report' END AS light
    FROM standing ORDER BY code
"""
WAITING: Final = """
    SELECT substr(s.subject, 10) AS code, g.code AS agency, s.sensitive, s.validation_state
    FROM submission s JOIN agency g ON g.id = s.agency_id
    WHERE s.is_current AND s.validation_state IN ('submitted', 'corrected') ORDER BY s.submitted_at
"""
RETURNED: Final = "SELECT count(*) FROM submission WHERE is_current AND validation_state = 'returned'"
REPORTS: Final = """
    SELECT s.receipt_number, substr(s.subject, 10) AS code, p.code AS period, g.code AS agency, s.activity_status,
           s.progress, s.validation_state, s.version,
           local_day(f.submitted_at) <= p.due_on AS on_time, a.sensitivity = 'restricted' AS restricted,
           answer(s.answers, '/data/beneficiaries/ben_total') AS people
    FROM submission s JOIN reporting_period p ON p.id = s.reporting_period_id JOIN agency g ON g.id = s.agency_id
    JOIN activity a ON 'activity:' || a.code = s.subject JOIN submission f ON f.instance_id = s.root_id
    WHERE CASE WHEN :validated THEN s.validation_state = 'validated' AND NOT EXISTS (
              SELECT 1 FROM submission n WHERE n.root_id = s.root_id AND n.version > s.version
              AND n.validation_state = 'validated') ELSE s.is_current END
    ORDER BY s.receipt_number
"""


DIALECTS: Final = {
    "sqlite": (
        (r"day_number\((.*?)\)", r"julianday(\1)"),
        (r"local_day\((.*?)\)", r"date(\1, '-4 hours')"),
        (r"answer\((\S+), '(.*?)'\)", r"""json_extract(\1, '$."\2"')"""),
    ),
    "postgresql": (
        (r"day_number\((.*?)\)", r"extract(julian FROM CAST(\1 AS date))"),
        (r"local_day\((.*?)\)", r"CAST(\1 AT TIME ZONE 'America/Santo_Domingo' AS date)"),
        (r"answer\((\S+), '(.*?)'\)", r"(CAST(\1 AS json) ->> '\2')"),
        (r":today", r"CAST(:today AS date)"),
    ),
}
"""The day as a number, the day there of an instant, one answer."""


def found(database: Database, statement: str, **values: Any) -> list[Any]:
    """The rows of one of these statements."""
    with database.view() as unit:
        return list(unit.connection.execute(text(dialect(statement, unit.connection.dialect.name)), values))


def dialect(statement: str, name: str) -> str:
    for pattern, own in DIALECTS[name]:
        statement = re.sub(pattern, own, statement)
    return statement


# ------------------------------------------------------------------ a quarter of chance
class Quarter:
    """Reports of three months and their periods, in the order of the days: sent, late, corrected, returned, none."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self.desk, self.chance, self.looks = desk, random.Random(seed), count()
        self.sent: dict[tuple[str, str], str] = {}
        """By activity and period, the last version's instance."""
        with desk.database.view() as unit:
            self.plan_id = unit.plans.only().id
            form = unit.forms.current(self.plan_id, "activity_report")
            assert form is not None
            self.form = form
        calendar = found(
            desk.database, f"{CALENDAR} WHERE p.end_on BETWEEN '2018-09-30' AND '2018-12-31' ORDER BY a.id, p.id"
        )
        self.days = sorted((day for row in calendar for day in self._fate(row)), key=lambda each: each[0])

    def _fate(self, row: Any) -> Iterator[tuple[datetime, str, Any, dict[str, str]]]:
        """What happens to one report that is expected, and when."""
        fate = self.chance.choice(("none", "sent", "validated", "validated", "corrected", "twice", "returned"))
        if fate == "none":
            return
        opens, locks = date.fromisoformat(str(row.opens_on)), date.fromisoformat(str(row.locks_on))
        at = datetime.combine(opens + timedelta(self.chance.randrange((locks - opens).days)), time(10), HERE)
        yield at, "send", row, self._answers(row)
        for hours, what in {
            "sent": (), "validated": ((2, "validated"),), "returned": ((2, "returned"),),
            "corrected": ((2, "validated"), (4, "send")),
            "twice": ((2, "validated"), (4, "send"), (6, "validated")),
        }[fate]:  # fmt: skip
            yield at + timedelta(hours=hours), what, row, self._answers(row)

    def _answers(self, row: Any) -> dict[str, str]:
        status = self.chance.choice(STATUSES)
        progress = {"completed": 100, "not_started": 0}.get(status, self.chance.randrange(1, 100))
        answers = {"status": status, "progress": str(progress), "evidence_group/evidence_type": "later"}
        answers["beneficiaries/ben_total"] = str(self.chance.choice((1, 4, 9, 60)))
        if status == "suspended" and (row.sensitivity == "restricted" or self.chance.random() < 0.5):
            answers["new_due_date"] = "2020-06-30"
        return answers

    def live(self, until: datetime) -> None:
        """Go on with what happens until then."""
        while self.days and self.days[0][0] <= until:
            at, what, row, answers = self.days.pop(0)
            self.desk.do(lambda unit: self._act(unit, at, what, row, answers))  # noqa: B023

    def _act(self, unit: UnitOfWork, at: datetime, what: str, row: Any, answers: dict[str, str]) -> None:
        last = self.sent.get((row.code, row.period))
        current = unit.submissions.by_instance(last) if last else None
        people = {person.telegram_id: person.id for person in unit.people.list(self.plan_id)}
        if what != "send":
            assert current is not None
            unit.reviews.decide(current, what, people[CARMEN], at, reason="Por favor, aclarar")
            return
        self.sent[row.code, row.period] = f"uuid:{row.code}-{row.period}-{at:%H}"
        unit.submissions.add(
            NewSubmission(
                plan_id=self.plan_id, form_id=self.form.form_key, form_version_id=self.form.id, agency_id=row.agency_id,
                instance_id=self.sent[row.code, row.period], person_id=people[PEDRO], subject=row.subject,
                reporting_period_id=row.period_id, answers={f"/data/{name}": said for name, said in answers.items()},
                sensitive=row.sensitivity == "restricted", language="es", started_at=at,
                activity_status=answers["status"], progress=int(answers["progress"]),
                supersedes_id=current.id if current else None,
                validation_state="corrected" if current else "submitted",
            ),
            at,
        )  # fmt: skip


# ------------------------------------------------------------------ the screens
def assert_numbers(quarter: Quarter, folder: Path, *, is_workbook: bool = False) -> set[str]:
    """Every number of the screens and of what is taken out is that of the tables now. Return the lights that were seen.

    With `is_workbook` it is taken out as workbooks, which cost more than all else to be read: once a quarter.
    """
    desk, seen = quarter.desk, set()
    today = f"{desk.now.astimezone(HERE):%Y-%m-%d}"
    for who, role in READERS:
        counted = found(desk.database, LIGHTS, today=today, validated=role is Role.ADMIN)
        assert_digest(desk, who, counted)
        assert_agencies(desk, who, counted, next(quarter.looks))
        assert_taken_out(Plan(desk.database, quarter, folder, desk.now), role, counted, is_workbook=is_workbook)
        seen |= {row.light for row in counted}
    assert_queue(desk, found(desk.database, LIGHTS, today=today, validated=False))
    return seen


def assert_digest(desk: Desk, who: int, counted: list[Any]) -> None:
    """The line of lights counts what goes on, in short and in full; what is completed or cancelled stands apart."""
    whole = said(tap(desk, who, "resumen", "0.whole"), who)[-1]
    short = said(desk.say(who, "/resumen"), who)[-1]
    for line in (next(each for each in whole.splitlines() if each.startswith("Semáforo")), short.splitlines()[-1]):
        told = {SHAPES[shape]: int(n) for shape, n in re.findall(r"(🔴|🟡|⬜|🔷|🟢|⚪)\D*(\d+)", line)}
        assert told == Counter(row.light for row in counted if not row.is_completed and not row.is_dropped)


def assert_agencies(desk: Desk, who: int, counted: list[Any], look: int) -> None:
    """Behind each agency: its activities, each with its light; on its button, the worst of them.

    A third of the agencies is opened at a look, another third at the next: to count for a card counts the whole plan.
    """
    agencies = {
        words: data for words, data in buttons(tap(desk, who, "resumen", "0.whole"), who).items() if words[0] in SHAPES
    }
    assert {words[2:] for words in agencies} == {row.agency for row in counted}
    for words, data in sorted(agencies.items(), key=lambda each: each[0][2:])[look % 3 :: 3]:
        rows = [row for row in counted if row.agency == words[2:]]
        opened = desk.tap(who, data)
        card = buttons(opened, who)
        assert {each.split()[1]: each[0] for each in card if each[0] in (*SHAPES, "✅")} == {
            row.code: "✅" if row.is_completed else SHAPE_OF[row.light] for row in rows
        }
        assert SHAPES[words[0]] == min((row.light for row in rows), key=WORST_FIRST.index), words
        assert words[0] in said(opened, who)[-1], "its own shape is explained where it opens"


def assert_queue(desk: Desk, counted: list[Any]) -> None:
    """The first screen, the queue's head, and the light and status beside each report that waits."""
    waiting, light = found(desk.database, WAITING), {row.code: row.light for row in counted}
    [(away,)] = found(desk.database, RETURNED)
    home, queue = desk.say(CARMEN, "/menu"), desk.say(CARMEN, "/revisar")
    assert any(words.endswith(f"Validar {len(waiting)}") for words in buttons(home, CARMEN))
    head = said(queue, CARMEN)[-1]
    assert head.startswith(f"{len(waiting)} reportes por validar")
    assert f"🔒 Restringidos, al final: {sum(row.sensitive for row in waiting)}\n" in head
    assert [int(n) for n in re.findall(r"↩️ \D*(\d+)", head)] == [away] * bool(away)
    for page in range(-(-len(waiting) // 8)):
        for words in buttons(tap(desk, CARMEN, "revisar", str(page)), CARMEN):
            if code := re.search(r"(?:PRE|PER|ASI)-\d+", words):
                # A restricted report shows its code alone, behind a sign that is no light.
                assert SHAPES.get(words[0], light[code.group()]) == light[code.group()], words


# ------------------------------------------------------------------ what is taken out
def assert_taken_out(book: Plan, role: Role, counted: list[Any], *, is_workbook: bool) -> None:
    """What this role takes out: the plan, its agencies, and the reports."""

    def rows_of(dataset: str) -> Sequence[Mapping[str, Any]]:
        if not is_workbook:
            return book.rows(dataset, role=role)
        [rows] = book.read(dataset, "xlsx", role=role).values()
        return rows

    plan = rows_of("plan")
    told = [(row["activity"], row["agency"], row["status"], row["progress"], row["light"]) for row in plan]
    assert sorted(told) == [(row.code, row.agency, row.status, row.progress, row.light) for row in counted]
    assert {row["activity"]: str(row["last_period_end"]) for row in plan} == {
        row.code: str(row.end_on) for row in counted
    }
    lights = {row.agency: [each.light for each in counted if each.agency == row.agency] for row in counted}
    assert {row["agency"]: (row["activities"], row["light"]) for row in rows_of("agencies") if row["activities"]} == {
        agency: (len(own), min(own, key=WORST_FIRST.index)) for agency, own in lights.items()
    }
    reports = rows_of("reports")
    sent = found(book.database, REPORTS, validated=role is Role.ADMIN)
    names = ("receipt", "activity", "period", "agency", "status", "progress", "validation", "version", "on_time")
    assert [tuple(row[name] for name in names) for row in reports] == [(*row[:8], bool(row.on_time)) for row in sent]
    assert [row["restricted"] for row in reports] == [bool(row.restricted) for row in sent]
    assert [row["people_total"] for row in reports if not row["restricted"]] == [
        row.people and int(row.people) for row in sent if not row.restricted
    ]
