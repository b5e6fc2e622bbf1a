"""Figures of indicators and closings of chance, beside a quarter's reports; and what the tables say of them, in SQL."""

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from storage.reports.submissions import NewSubmission
from storage.unit_of_work import UnitOfWork
from tests.bot.house import CARMEN, PEDRO
from tests.bot.schedule.days import HERE
from tests.bot.screens.everyone.quarter import CALENDAR, ENDED, Quarter, found

EXPECTED: Final = """
    SELECT i.code, 'indicator:' || i.code AS subject, i.unit, i.aggregation, i.sensitivity = 'restricted' AS restricted,
           CASE WHEN i.sensitivity = 'restricted' THEN coalesce(nullif(i.min_cell, 0), n.min_cell) ELSE i.min_cell END
               AS below,
           g.code AS agency, g.id AS agency_id, p.id AS period_id, p.code AS period, p.start_on, p.end_on, p.opens_on,
           p.locks_on
    FROM indicator i JOIN plan n ON n.id = i.plan_id JOIN agency g ON g.id = i.agency_id
    JOIN reporting_period p ON p.plan_id = i.plan_id
     AND p.period_type = CASE i.frequency WHEN 'monthly' THEN 'Monthly' WHEN 'quarterly' THEN 'Quarterly'
                         WHEN 'semiannual' THEN 'SixMonthly' ELSE 'Yearly' END
    WHERE coalesce(i.computed, '') = ''
"""
PANEL: Final = f"""
    WITH expected AS ({EXPECTED} AND p.opens_on <= :today)
    SELECT e.code, e.period, e.below, e.restricted, e.end_on, s.instance_id AS instance, s.receipt_number AS receipt,
           EXISTS (SELECT 1 FROM submission c WHERE c.subject = e.subject AND c.reporting_period_id = e.period_id
                   AND c.is_current) AS came
    FROM expected e LEFT JOIN submission s ON s.subject = e.subject AND s.reporting_period_id = e.period_id
     AND CASE WHEN :validated THEN s.validation_state = 'validated' AND NOT EXISTS (
             SELECT 1 FROM submission n WHERE n.root_id = s.root_id AND n.version > s.version
             AND n.validation_state = 'validated') ELSE s.is_current END
    ORDER BY e.code, e.end_on
"""
CLOSINGS: Final = f"""
    WITH calendar AS ({CALENDAR}),
    sent AS (
        SELECT s.*, p.end_on FROM submission s JOIN reporting_period p ON p.id = s.reporting_period_id
    ),
    {ENDED},
    wanted AS (
        SELECT c.agency_id, c.end_on, c.closes_on, k.closed_at, CASE WHEN EXISTS (
            SELECT 1 FROM sent s WHERE s.subject = c.subject AND s.reporting_period_id = c.period_id
        ) THEN 1 ELSE 0 END AS came
        FROM calendar c LEFT JOIN ended e ON e.subject = c.subject
        LEFT JOIN closing k ON k.agency_id = c.agency_id AND k.reporting_period_id = c.period_id
        WHERE c.opens_on <= :today AND (e.end_on IS NULL OR e.end_on >= c.end_on)
    ),
    counted AS (
        SELECT g.code AS agency, w.end_on, count(*) AS expected, sum(came) AS received, max(closes_on) AS closes_on,
               CASE WHEN count(closed_at) = count(*) THEN max(closed_at) END AS closed_at
        FROM wanted w JOIN agency g ON g.id = w.agency_id
        WHERE w.end_on >= (SELECT min(end_on) FROM wanted WHERE came = 1 OR closed_at IS NOT NULL)
        GROUP BY g.code, w.end_on
    ),
    timed AS (SELECT *, local_day(closed_at) AS closed_on FROM counted)
    SELECT agency, end_on, expected, received, closed_at IS NOT NULL AS closed, CASE
               WHEN closed_on IS NOT NULL THEN closed_on <= closes_on WHEN :today > closes_on THEN false END AS on_time,
           CASE WHEN closed_on IS NULL THEN NULL WHEN closed_on <= closes_on THEN 0
                ELSE day_number(closed_on) - day_number(closes_on) END AS days_late
    FROM timed ORDER BY end_on, agency
"""
COMPLETED: Final = """
    SELECT count(*) AS activities, sum(CASE WHEN (
        SELECT s.activity_status FROM submission s JOIN reporting_period p ON p.id = s.reporting_period_id
        WHERE s.subject = 'activity:' || a.code AND s.validation_state = 'validated' AND p.end_on <= :ended
        ORDER BY p.end_on DESC, s.id DESC LIMIT 1
    ) = 'completed' THEN 1 ELSE 0 END) AS completed FROM activity a
"""


class Figures:
    """What agencies say of their indicators, and when they close; in the order of the days."""

    def __init__(self, quarter: Quarter, seed: int) -> None:
        self.quarter, self.chance = quarter, random.Random(seed)
        self.said: dict[str, dict[str, str]] = {}
        """By instance. What is restricted is sealed in the tables."""
        with quarter.desk.database.view() as unit:
            form = unit.forms.current(quarter.plan_id, "indicator_update")
            assert form is not None
            self.form = form
        database, of_quarter = quarter.desk.database, "p.end_on BETWEEN '2018-09-30' AND '2018-12-31'"
        figures = found(database, f"{EXPECTED} AND {of_quarter} ORDER BY i.id, p.id")
        self.days = [day for row in figures for day in self._fate(row)]
        ends = f"SELECT DISTINCT agency_id, period_id, closes_on FROM ({CALENDAR} WHERE {of_quarter}) c ORDER BY 2, 1"
        self.days += [day for row in found(database, ends) for day in self._closing(row)]
        self.days.sort(key=lambda each: each[0])

    def _fate(self, row: Any) -> Iterator[tuple[datetime, str, Any]]:
        fate = self.chance.choice(("none", "sent", "validated", "validated", "corrected", "twice", "returned"))
        at = datetime.combine(date.fromisoformat(str(row.opens_on)), time(10), HERE)
        at += timedelta(self.chance.randrange(9))
        acts = {"none": "", "sent": "s", "validated": "sv", "returned": "sr", "corrected": "svs", "twice": "svsv"}[fate]
        for nth, act in enumerate(acts):
            yield at + timedelta(hours=nth), act, row

    def _closing(self, row: Any) -> Iterator[tuple[datetime, str, Any]]:
        if self.chance.random() < 0.7:
            late = timedelta(self.chance.choice((-2, 0, 0, 1, 4)))
            yield datetime.combine(date.fromisoformat(str(row.closes_on)) + late, time(23, 30), HERE), "close", row

    def _answers(self, row: Any) -> dict[str, str]:
        status = self.chance.choice(("final", "final", "preliminary", "zero", "not_available"))
        told = {"data_status": status}
        if status in ("zero", "not_available"):
            return told
        amount = self.chance.choice((1, 3, 8, 30, 57))
        if row.unit == "percent":
            return told | {"ratio/denominator": str(amount + 20), "ratio/numerator": str(amount)}
        if row.unit == "count":
            return told | {"value_count": str(amount)}
        women = self.chance.randrange(amount + 1)
        parts = {"sa_women": women, "sa_men": amount - women, "sa_girls": 0, "sa_boys": 0}
        split = {f"by_sex_age/{name}": str(number) for name, number in parts.items()}
        return told | {"people_total/value_people": str(amount)} | split

    def live(self, until: datetime) -> None:
        """Go on with what happens until then, beside the quarter."""
        self.quarter.live(until)
        while self.days and self.days[0][0] <= until:
            at, act, row = self.days.pop(0)
            self.quarter.desk.do(lambda unit: self._act(unit, at, act, row))  # noqa: B023

    def _act(self, unit: UnitOfWork, at: datetime, act: str, row: Any) -> None:
        plan_id = self.quarter.plan_id
        people = {person.telegram_id: person.id for person in unit.people.list(plan_id)}
        if act == "close":
            unit.closings.close(plan_id, row.agency_id, row.period_id, people[PEDRO], at)
            return
        current = unit.submissions.current(plan_id, self.form.form_key, row.subject, row.period_id)
        if act != "s":
            assert current is not None
            decision = {"v": "validated", "r": "returned"}[act]
            unit.reviews.decide(current, decision, people[CARMEN], at, reason="Por favor, aclarar")
            return
        instance, answers = f"uuid:{row.code}-{row.period}-{at:%H}", self._answers(row)
        self.said[instance] = {name.rpartition("/")[2]: said for name, said in answers.items()}
        unit.submissions.add(
            NewSubmission(
                plan_id=plan_id, form_id=self.form.form_key, form_version_id=self.form.id, agency_id=row.agency_id,
                instance_id=instance, person_id=people[PEDRO], subject=row.subject, reporting_period_id=row.period_id,
                answers={f"/data/{name}": said for name, said in answers.items()}, sensitive=bool(row.restricted),
                language="es", started_at=at, supersedes_id=current.id if current else None,
                validation_state="corrected" if current else "submitted",
            ),
            at,
        )  # fmt: skip
