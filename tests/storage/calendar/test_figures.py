"""The numbers of a digest, against SQL that was written for this test alone, on both databases."""

import gc
import itertools
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from conversations.plan.calendar.ladder import Rung
from conversations.plan.figures.lights import Light
from conversations.plan.figures.monitoring import Rate
from conversations.plan.model import ActivityStatus, Post, Role
from conversations.plan.periods import period_for
from storage.calendar.figures import Figures
from storage.calendar.holidays import known_since
from storage.calendar.ledger import NewFire
from storage.imports.applying import apply as plan_apply
from storage.reports.revisions import revisions
from storage.reports.submissions import NewSubmission
from storage.seed import SEED_PLAN
from storage.unit_of_work import UnitOfWork
from tests.closings import expected_at_closing
from tests.storage.blank_forms import blank_form
from tests.storage.database.put_back import once_made
from tests.storage.imports.plan_books import seed_draft
from tests.storage.validation import set_state

ZONE = ZoneInfo("America/Santo_Domingo")
NOW = datetime(2018, 10, 15, 8, 30, tzinfo=ZONE).astimezone(UTC)
WEEK = timedelta(days=7)

Apply = Callable[[Callable[[UnitOfWork], Any]], Any]


@pytest.fixture
def seeded(apply: Apply) -> Any:
    """The shipped plan, a focal point in three agencies and one who left, and a form to submit with."""

    def build(unit: UnitOfWork) -> Any:
        plan_apply(unit, seed_draft(), SEED_PLAN, None, NOW - WEEK * 40)
        plan = unit.plans.only()
        agencies = {agency.code: agency.id for agency in unit.plans.agencies(plan.id)}
        people = {}
        for number, code in enumerate(("PGR", "MMUJER", "MIREX", "DPD"), start=1):
            person = unit.people.add(number, f"Persona {code}", "es", NOW - WEEK * 20, timezone=plan.timezone)
            unit.roles.grant(person.id, plan.id, Post(Role.FOCAL_POINT, agencies[code]), now=NOW - WEEK * 20)
            unit.people.accept_privacy(person.id, NOW - WEEK * 20)
            people[code] = person.id
        unit.leaving.end_membership(people["DPD"], plan.id, now=NOW - timedelta(days=14), by=None)
        unit.people.mark_unreachable(2, NOW - WEEK)
        form = unit.forms.publish(
            blank_form(plan.id),
            NOW,
        )
        return SimpleNamespace(plan_id=plan.id, agencies=agencies, people=people, form=form)

    return apply(lambda unit: once_made("seeded figures", unit, build))


numbers = itertools.count(1)


def send(seeded: Any, activity: Any, period: str, sent: datetime, **values: Any) -> Callable[[UnitOfWork], int]:
    answers = values.pop("answers", {"/data/evidence_group/evidence_type": "none"})
    standard: dict[str, Any] = {
        "plan_id": seeded.plan_id,
        "form_id": seeded.form.form_key,
        "form_version_id": seeded.form.id,
        "instance_id": f"uuid:{next(numbers)}",
        "person_id": seeded.people["PGR"],
        "agency_id": seeded.agencies[activity.agency_code],
        "answers": answers,
        "language": "es",
        "started_at": sent,
        "now": sent,
        "subject": activity.subject,
        "activity_status": "in_progress",
        "progress": 12,
        "sensitive": activity.is_restricted,
    }

    def work(unit: UnitOfWork) -> int:
        period_id = unit.plans.period(seeded.plan_id, period).id
        given = standard | values | {"reporting_period_id": period_id}
        now = given.pop("now")
        return unit.submissions.add(NewSubmission(**given), now).id

    return work


def standing(seeded: Any, now: datetime = NOW, **more: Any) -> Callable[[UnitOfWork], Any]:
    return lambda unit: Figures(unit).standing(seeded.plan_id, now, now - WEEK, ZONE, **more)


@pytest.fixture
def lived(seeded: Any, apply: Apply) -> Any:
    """Two closings of a commission as it is: most report, some late, some not at all; some close."""
    dice = random.Random(20181015)

    def live(unit: UnitOfWork) -> None:
        activities = unit.plans.activities(seeded.plan_id)
        for month_end, opens in ((date(2018, 8, 31), date(2018, 9, 1)), (date(2018, 9, 30), date(2018, 10, 1))):
            for activity in expected_at_closing(activities, month_end):
                if dice.random() < 0.2:
                    continue
                sent = datetime(opens.year, opens.month, dice.randint(1, 12), dice.randint(12, 22), tzinfo=UTC)
                status = dice.choice(["in_progress", "in_progress", "delayed", "completed", "suspended"])
                answers = {"/data/evidence_group/evidence_type": dice.choice(["later", "none", "link"])}
                if status in ("delayed", "suspended"):
                    answers |= {
                        "/data/obstacles/obstacle": "budget staff",
                        "/data/obstacles/needs_decision": dice.choice(["yes", "no"]),
                        "/data/obstacles/decision_text": "Que se firme",
                        "/data/new_due_date": "2019-06-30",
                    }
                number = send(
                    seeded, activity, period_for(activity.frequency, month_end).code, sent, answers=answers,
                    activity_status=status, progress=100 if status == "completed" else dice.randint(0, 90),
                )(unit)  # fmt: skip
                set_state(unit, number, dice.choice(["submitted", "validated", "returned"]))
            for code, agency_id in seeded.agencies.items():
                own = [each for each in expected_at_closing(activities, month_end) if each.agency_code == code]
                periods = {period_for(each.frequency, month_end) for each in own}
                at = datetime(opens.year, opens.month, dice.randint(2, 14), 23, tzinfo=UTC)
                if dice.random() < 0.7:
                    for period in periods:
                        found = unit.plans.period(seeded.plan_id, period.code)
                        unit.closings.close(seeded.plan_id, agency_id, found.id, seeded.people["PGR"], at)

    apply(live)
    return seeded


EXPECTED = """
    SELECT a.agency_id, a.code, p.id AS period_id, p.due_on
    FROM activity a JOIN reporting_period p ON p.plan_id = a.plan_id
    WHERE p.end_on = '2018-09-30' AND a.start_on <= p.end_on AND a.retired_on IS NULL
      AND p.period_type = CASE a.report_frequency WHEN 'monthly' THEN 'Monthly' WHEN 'quarterly' THEN 'Quarterly'
                          WHEN 'semiannual' THEN 'SixMonthly' ELSE 'Yearly' END
      AND NOT EXISTS (  -- the latest report ended it in an earlier period
        SELECT 1 FROM submission s JOIN reporting_period q ON q.id = s.reporting_period_id
        WHERE s.subject = 'activity:' || a.code AND s.is_current AND q.end_on < p.end_on
          AND s.activity_status = 'completed' AND s.validation_state <> 'returned'
          AND NOT EXISTS (SELECT 1 FROM submission t JOIN reporting_period r ON r.id = t.reporting_period_id
                          WHERE t.subject = s.subject AND t.is_current AND r.end_on > q.end_on))
"""


def rows(unit: UnitOfWork, statement: str) -> list[Any]:
    return list(unit.connection.execute(text(statement)).all())


def test_rates_equal_independent_sql(lived: Any, apply: Apply) -> None:
    """Expected, closed and on time of September, as the database itself counts them."""
    found = apply(standing(lived))

    def count(unit: UnitOfWork) -> tuple[int, int, int, int, int]:
        expected = rows(unit, EXPECTED)
        reported = {
            (row.subject, row.reporting_period_id)
            for row in rows(unit, "SELECT subject, reporting_period_id FROM submission WHERE is_current")
        }
        closed_at = {
            (row.agency_id, row.reporting_period_id): datetime.fromisoformat(str(row.closed_at))
            for row in rows(unit, "SELECT agency_id, reporting_period_id, closed_at FROM closing")
        }
        by_agency: dict[int, set[tuple[int, Any]]] = {}
        for row in expected:
            by_agency.setdefault(row.agency_id, set()).add((row.period_id, date.fromisoformat(str(row.due_on))))
        closed = on_time = 0
        for agency_id, periods in by_agency.items():
            times = [closed_at.get((agency_id, period_id)) for period_id, _ in periods]
            if None not in times:
                closed += 1
                last = max(t if t.tzinfo else t.replace(tzinfo=UTC) for t in times if t is not None)
                on_time += last.astimezone(ZONE).date() <= max(due for _, due in periods)
        came = sum((f"activity:{row.code}", row.period_id) in reported for row in expected)
        return len(by_agency), closed, on_time, len(expected), came

    agencies, closed, on_time, expected, came = apply(count)

    assert closed > on_time > 0
    assert found.rate == Rate(agencies, closed, on_time)
    assert sum(agency.expected for agency in found.agencies) == expected
    assert sum(agency.reported for agency in found.agencies) == came


def restricted_codes(found: Any) -> set[str]:
    return {each.code for each in found.activities if each.activity.is_restricted}


def test_lists_equal_independent_sql(lived: Any, apply: Apply) -> None:
    """What waits, what was promised, what was received, who asks for a decision."""
    found = apply(standing(lived))
    since = (NOW - WEEK).strftime("%Y-%m-%d %H:%M:%S")

    def count(unit: UnitOfWork) -> Any:
        one = lambda statement: unit.connection.execute(text(statement)).scalar_one()  # noqa: E731
        still_received = """SELECT s.id FROM submission s JOIN reporting_period p ON p.id = s.reporting_period_id
            WHERE s.is_current AND p.locks_on > '2018-10-15'"""
        latest = """SELECT s.subject FROM submission s JOIN reporting_period p ON p.id = s.reporting_period_id
            WHERE s.is_current AND s.answers LIKE '%"/data/obstacles/needs_decision":"yes"%'
              AND p.end_on = (SELECT max(q.end_on) FROM submission t JOIN reporting_period q
                              ON q.id = t.reporting_period_id WHERE t.subject = s.subject AND t.is_current)"""
        return (
            one("SELECT count(*) FROM submission WHERE is_current AND validation_state = 'submitted'"),
            sum(
                unit.submissions.answers(unit.submissions.get(row.id))["/data/evidence_group/evidence_type"] == "later"
                for row in rows(unit, still_received)
            ),
            one(f"SELECT count(*) FROM submission WHERE is_current AND submitted_at > '{since}'"
                if not unit.is_postgresql else
                f"SELECT count(*) FROM submission WHERE is_current AND submitted_at > '{since}+00'"),
            sorted(row.subject.partition(":")[2] for row in rows(unit, latest)),
        )  # fmt: skip

    waiting, promised, received, deciding = apply(count)
    assert (found.queue.count, len(found.promised), found.received) == (waiting, promised, received)

    asking = [e for e in found.activities if e.last and e.last.detail and e.last.detail.needs_decision]
    assert sorted(each.code for each in asking if not each.activity.is_restricted) == deciding
    assert all(each.last.detail.decision == "" for each in asking if each.activity.is_restricted)
    assert any(each.activity.is_restricted for each in asking), "sealed answers are read for their codes"
    assert {report.activity_code for report in found.promised} & restricted_codes(found), "sealed promises count"


def test_people_equal_independent_sql(lived: Any, apply: Apply) -> None:
    """Who reports for whom today, who left when, whom no message reaches."""
    found = apply(standing(lived))
    assert {agency.code for agency in found.agencies if agency.focal_points} == {"PGR", "MIREX"}
    blocked = found.agency("MMUJER")
    assert (blocked.vacant_since, blocked.vacant_why) == (date(2018, 10, 8), "unreachable")
    assert blocked.expected > 0, "vacant is the reason, not an excuse"
    assert found.agency("DPD").vacant_since == date(2018, 10, 1)
    assert found.agency("MMUJER").unreachable == ("Persona MMUJER",)


def test_reminders_are_counted_in_days_since_the_closing_opened(seeded: Any, apply: Apply) -> None:
    """Of several people in one day one; not the news that the month has opened, nor what was not sent."""

    def remind(unit: UnitOfWork) -> None:
        for day, state, rungs in (
            (1, "sent", (Rung.OPEN,)), (3, "sent", (Rung.BEFORE,)), (5, "sent", (Rung.DUE,)), (9, "skipped", ()),
            (10, "ambiguous", ()),
        ):  # fmt: skip
            at = datetime(2018, 10, day, 13, tzinfo=UTC)
            fire = NewFire(seeded.people["PGR"], "reminders", at.date(), state, rungs=rungs)
            unit.ledger.fire_all(seeded.plan_id, [fire], at)
        at = datetime(2018, 9, 5, 13, tzinfo=UTC)
        unit.ledger.fire_all(seeded.plan_id, [NewFire(seeded.people["MMUJER"], "reminders", at.date(), "sent")], at)
        unit.ledger.fire_all(seeded.plan_id, [NewFire(seeded.people["MMUJER"], "digest", NOW.date(), "sent")], NOW)

    apply(remind)
    found = apply(standing(seeded))
    assert {agency.code: agency.reminders for agency in found.agencies if agency.reminders} == {"PGR": 3}


def test_reminders_are_those_of_who_reported_for_the_agency_then(seeded: Any, apply: Apply) -> None:
    """A focal point who has left was reminded; one who came later was not, nor is what a coordinator is told."""
    fifth = datetime(2018, 10, 5, 13, tzinfo=UTC)

    def live(unit: UnitOfWork) -> None:
        unit.ledger.fire_all(seeded.plan_id, [NewFire(seeded.people["PGR"], "reminders", fifth.date(), "sent")], fifth)
        agency = unit.plans.agency(seeded.plan_id, "MIREX")
        coordinator = unit.people.add(777, "Coordinadora", "es", NOW, timezone="America/Santo_Domingo")
        unit.roles.grant(
            coordinator.id, seeded.plan_id, Post(Role.COORDINATOR, agency.id), now=fifth - timedelta(days=9)
        )
        unit.ledger.fire_all(seeded.plan_id, [NewFire(coordinator.id, "reminders", fifth.date(), "sent")], fifth)
        later = fifth + timedelta(days=1)
        unit.leaving.end_membership(seeded.people["PGR"], seeded.plan_id, now=later, by=None)
        newcomer = unit.people.add(778, "Nuevo", "es", NOW, timezone="America/Santo_Domingo")
        dgp = unit.plans.agency(seeded.plan_id, "DGP")
        unit.ledger.fire_all(seeded.plan_id, [NewFire(newcomer.id, "reminders", fifth.date(), "sent")], fifth)
        unit.roles.grant(newcomer.id, seeded.plan_id, Post(Role.FOCAL_POINT, dgp.id), now=later)

    apply(live)
    found = apply(standing(seeded))

    assert {agency.code: agency.reminders for agency in found.agencies if agency.reminders} == {"PGR": 1}


def test_the_lights_of_the_worked_example(seeded: Any, apply: Apply) -> None:
    """docs/domain.md#lights: PRE-405 on 15 January 2019, 45 % expected and 30 % reported, is yellow."""
    then = datetime(2019, 1, 15, 15, tzinfo=UTC)
    activity = apply(lambda unit: unit.plans.activity(seeded.plan_id, "PRE-405"))
    for period in ("2018Q3", "2018Q4"):
        apply(send(seeded, activity, period, then - WEEK, progress=30))
    found = apply(standing(seeded, then))
    [light] = [each.light for each in found.activities if each.code == "PRE-405"]

    assert light is Light.ATTENTION


def test_the_closing_of_the_example_expects_what_the_domain_says(seeded: Any, apply: Apply) -> None:
    """docs/domain.md#the-week: at the September closing 33 reports of 15 institutions; 10 activities begin later."""
    found = apply(standing(seeded))
    assert (found.rate.expected, sum(agency.expected for agency in found.agencies)) == (15, 33)
    assert sum(each.light is Light.GREY for each in found.activities) == 10


def test_a_day_gone_by_is_told_without_what_came_later(lived: Any, apply: Apply) -> None:
    """A report counts from the day it was first sent; its correction, whenever it came, stands in its place."""
    before = datetime(2018, 10, 5, 12, tzinfo=UTC)
    told = apply(standing(lived, before))
    [first, *_] = [each.last for each in told.activities if each.last and each.last.end_on == date(2018, 9, 30)]
    activity = apply(lambda unit: unit.plans.activity(lived.plan_id, first.activity_code))
    period = next(p.code for p in told.periods if p.id == first.period_id)
    apply(send(lived, activity, period, NOW, supersedes_id=first.submission_id, progress=77))
    again = apply(standing(lived, before))
    assert [a.reported for a in again.agencies] == [a.reported for a in told.agencies]

    [corrected] = [each.last for each in again.activities if each.code == activity.code]
    assert corrected.progress == 77
    assert (again.received, corrected.sent_at) == (told.received, first.sent_at)


def test_a_correction_makes_nothing_new(seeded: Any, apply: Apply) -> None:
    """A slip mended on Sunday is no news on Monday, and sets no clock of what was asked or promised anew."""
    answers = {
        "/data/obstacles/obstacle": "budget",
        "/data/obstacles/needs_decision": "yes",
        "/data/obstacles/decision_text": "Que se firme",
        "/data/new_due_date": "2019-06-30",
        "/data/evidence_group/evidence_type": "later",
    }
    activity = apply(lambda unit: unit.plans.activity(seeded.plan_id, "PRE-101"))
    more = {"activity_status": "delayed", "answers": answers}
    first = apply(send(seeded, activity, "201809", NOW - timedelta(days=12), **more))

    def look() -> tuple[Any, ...]:
        found = apply(standing(seeded))
        [one] = [each for each in found.activities if each.code == activity.code]
        return found.changed, found.received, one.asked_at, [each.sent_at for each in found.promised]

    before = look()
    assert before[2] is not None

    apply(send(seeded, activity, "201809", NOW - timedelta(days=1), supersedes_id=first, **more))
    assert look() == before

    [now] = [each.last for each in apply(standing(seeded)).activities if each.code == activity.code]
    assert (now.corrected_at, now.corrected_from) == (NOW - timedelta(days=1), ActivityStatus.DELAYED)


def test_an_old_report_is_still_the_last_one(seeded: Any, apply: Apply) -> None:
    """Older than all that is looked back on, it is what an activity was last known to be; and it alone comes out."""
    activity = apply(lambda unit: unit.plans.activity(seeded.plan_id, "PER-303"))
    for period, progress in (("201806", 5), ("201807", 9), ("201808", 14)):
        apply(send(seeded, activity, period, NOW - WEEK * 6, progress=progress))
    later = datetime(2019, 9, 2, tzinfo=UTC)
    found = apply(standing(seeded, later))
    [one] = [each for each in found.activities if each.code == "PER-303"]

    assert (one.last.progress, one.before, one.light) == (14, None, Light.CRITICAL)


def test_those_outside_see_the_last_validated_report_however_old(seeded: Any, apply: Apply) -> None:
    """The newer ones wait for validation: they change nothing outside, and hide nothing."""
    activity = apply(lambda unit: unit.plans.activity(seeded.plan_id, "PER-303"))
    sent = [apply(send(seeded, activity, p, NOW - WEEK * 6, progress=n)) for p, n in (("201806", 5), ("201807", 9))]
    apply(lambda unit: set_state(unit, sent[0], "validated"))
    later = datetime(2019, 9, 2, tzinfo=UTC)
    for only_validated, progress in ((True, 5), (False, 9)):
        found = apply(standing(seeded, later, only_validated=only_validated))
        [one] = [each for each in found.activities if each.code == "PER-303"]
        assert one.last.progress == progress


@pytest.mark.parametrize("is_on", [True, False])
def test_the_collector_is_as_it_was_after_a_digest_also_if_it_failed(seeded: Any, apply: Apply, is_on: bool) -> None:
    """No garbage is searched for while a plan is counted; somebody else may have switched that off for longer."""
    nowhere: Any = "no zone"
    (gc.enable if is_on else gc.disable)()
    try:
        apply(standing(seeded))
        after_one = gc.isenabled()
        with pytest.raises(TypeError):
            apply(lambda unit: Figures(unit).standing(seeded.plan_id, NOW, NOW - WEEK, nowhere))
        after_failure = gc.isenabled()
    finally:
        gc.enable()
    assert (after_one, after_failure) == (is_on, is_on)


def test_another_plan_counts_for_nothing(lived: Any, apply: Apply) -> None:
    """Two plans share no row: importing the same workbook again, under another code, changes no number."""
    before = apply(standing(lived))
    apply(lambda unit: plan_apply(unit, seed_draft(), "RD-OTHER", None, NOW))
    after = apply(standing(lived))
    assert (after.rates, after.received, after.queue) == (before.rates, before.received, before.queue)

    other = apply(lambda unit: Figures(unit).standing(unit.plans.by_code("RD-OTHER").id, NOW, NOW - WEEK, ZONE))
    assert (other.rate.closed, other.received, other.queue.count) == (0, 0, 0)


def test_it_is_at_most_eleven_statements_whatever_there_is(lived: Any, apply: Apply, statements: Any) -> None:
    """A fixed number, which the size of plan and history does not change. The plan's own rows may be known already."""
    for look in (standing(lived), standing(lived, only_validated=True), standing(lived, NOW + WEEK * 60)):
        asked = [statement.split()[0] for statement in apply(lambda unit, look=look: statements(unit, look))]
        assert (set(asked), len(asked) <= 11) == ({"SELECT"}, True)


def test_one_activity_counts_as_it_does_in_the_whole_plan(lived: Any, apply: Apply, statements: Any) -> None:
    """Its light beside a single report is that of the digest, and the others' reports are not read for it."""
    for look in ({}, {"only_validated": True}):
        whole = apply(standing(lived, **look)).activities

        def one(unit: UnitOfWork, code: str, look: Any = look) -> Any:
            return Figures(unit).activity(lived.plan_id, code, NOW, NOW - WEEK, ZONE, **look)

        assert {each.code: apply(lambda unit, each=each: one(unit, each.code)) for each in whole} == {
            each.code: each for each in whole
        }

    assert apply(lambda unit: Figures(unit).activity(lived.plan_id, "NONE", NOW, NOW - WEEK, ZONE)) is None


def test_what_was_validated_stands_while_its_correction_waits(seeded: Any, apply: Apply) -> None:
    """Who reads validated reports only reads the one before until the new one is validated; others the new one."""
    activity = apply(lambda unit: unit.plans.activity(seeded.plan_id, "PER-405"))

    def report(progress: int, status: str, **about: Any) -> int:
        return apply(send(seeded, activity, "201809", NOW - WEEK, progress=progress, activity_status=status, **about))

    def read(*, only_validated: bool) -> tuple[int, str, int]:
        found = apply(standing(seeded, only_validated=only_validated))
        [one] = [each for each in found.activities if each.code == "PER-405"]
        return one.last.progress, one.last.status, found.received

    first = report(30, "in_progress")
    apply(lambda unit: set_state(unit, first, "validated"))
    second = report(45, "delayed", supersedes_id=first, validation_state="corrected")
    assert read(only_validated=True)[:2] == (30, "in_progress")
    assert read(only_validated=False) == (45, "delayed", read(only_validated=True)[2])

    apply(lambda unit: set_state(unit, second, "returned"))
    assert read(only_validated=True)[:2] == (30, "in_progress")

    apply(lambda unit: set_state(unit, second, "validated"))
    assert read(only_validated=True)[:2] == (45, "delayed")


def test_evidence_that_was_promised_is_promised_until_it_comes(seeded: Any, apply: Apply) -> None:
    """While it is received, whatever was reported since. When its period locks it is missed, once; nothing after."""
    activity = apply(lambda unit: unit.plans.activity(seeded.plan_id, "PER-405"))
    later = {"/data/evidence_group/evidence_type": "later"}
    first = apply(send(seeded, activity, "201809", NOW - WEEK, answers=later))
    locks = next(
        each.locks_on for each in apply(lambda unit: unit.plans.periods(seeded.plan_id)) if each.code == "201809"
    )
    day = datetime.combine(locks, time(12), tzinfo=UTC)

    def owed(at: datetime) -> tuple[list[int], list[int]]:
        found = apply(standing(seeded, at))
        return [one.submission_id for one in found.promised], [one.submission_id for one in found.missed]

    assert owed(day - timedelta(days=1)) == ([first], [])
    assert owed(day) == ([], [first])
    assert owed(day + timedelta(days=6)) == ([], [first])
    assert owed(day + WEEK) == ([], [])

    apply(send(seeded, activity, "201809", NOW, supersedes_id=first))
    assert owed(day) == ([], [])


def test_a_closing_that_locked_before_the_plan_was_kept_here_is_nobodys_failure(seeded: Any, apply: Apply) -> None:
    """On the first day there is none, unless something came for it; the next one counts from its opening."""
    first_day = datetime(2018, 9, 28, 12, tzinfo=UTC)
    apply(lambda unit: unit.facts.set(known_since(seeded.plan_id), "", first_day))
    assert apply(standing(seeded, first_day)).closing is None

    closing = apply(standing(seeded, datetime(2018, 10, 1, 12, tzinfo=UTC))).closings
    assert [each.month_end for each in closing] == [date(2018, 9, 30)]

    activity = apply(lambda unit: unit.plans.activity(seeded.plan_id, "PER-405"))
    apply(send(seeded, activity, "201808", first_day))
    assert apply(standing(seeded, first_day)).closing.month_end == date(2018, 8, 31)


def figure(seeded: Any, apply: Apply, code: str, period: str, sent: datetime = NOW - WEEK, **said: Any) -> int:
    """A report about an indicator."""
    item = apply(lambda unit: unit.plans.indicator(seeded.plan_id, code))
    about = SimpleNamespace(agency_code=item.agency_code, subject=item.subject, is_restricted=item.is_restricted)
    chain = {name: said.pop(name) for name in ("supersedes_id", "validation_state") if name in said}
    answers = {f"/data/{name}": value for name, value in ({"data_status": "final"} | said).items()}
    return apply(send(seeded, about, period, sent, answers=answers, activity_status=None, progress=None, **chain))


def test_the_history_of_a_figure_is_read_as_it_was_validated(seeded: Any, apply: Apply, statements: Any) -> None:
    """In order: what came late comes late, a correction is a further figure, a validation taken back is none."""
    pedro = seeded.people["MIREX"]
    minute = timedelta(minutes=1)

    def decide(number: int, decision: str, at: datetime) -> None:
        def work(unit: UnitOfWork) -> None:
            sent = unit.submissions.get(number)
            if decision == "taken_back":
                unit.reviews.take_back(sent, pedro, at)
            else:
                unit.reviews.decide(sent, decision, pedro, at)  # type: ignore[arg-type]

        apply(work)

    september = figure(seeded, apply, "IND-20", "201809", value_people="12")
    august = figure(seeded, apply, "IND-20", "201808", value_people="30")
    decide(september, "validated", NOW - WEEK)
    decide(august, "validated", NOW - minute * 9)
    corrected = figure(seeded, apply, "IND-20", "201808", NOW - minute * 8, value_people="33", supersedes_id=august,
                       validation_state="corrected")  # fmt: skip
    decide(corrected, "validated", NOW - minute * 7)
    decide(corrected, "taken_back", NOW - minute * 6)

    look = lambda unit: revisions(unit, seeded.plan_id, ZONE)["indicator:IND-20"]  # noqa: E731
    assert [(each.figure.end_on.month, each.figure.number) for each in apply(look)] == [
        (9, 12),
        (8, 30),
        (8, 33),
        (8, 30),
    ]
    assert len(apply(lambda unit: statements(unit, look))) == 2, "the history, and the limits of before"
    told = {
        each.indicator.code: each.year for each in apply(lambda u: Figures(u).indicators(seeded.plan_id, NOW, ZONE))
    }
    assert (told["IND-20"].value.value, told["IND-20"].reported) == (42, 2)


def test_a_count_that_goes_on_is_told_beside_the_years_before(seeded: Any, apply: Apply) -> None:
    """A sum is of its year alone; of a stock what was told in earlier years is known to whoever read it."""
    later = NOW + WEEK * 20
    for code, period, sent, number in (
        ("IND-23", "2018Q2", NOW - WEEK, "120"), ("IND-23", "2018Q4", later, "125"), ("IND-20", "201808", NOW, "12"),
    ):  # fmt: skip
        id = figure(seeded, apply, code, period, sent, value_people=number)
        apply(lambda unit, id=id: set_state(unit, id, "validated"))
    look = lambda at, **more: {  # noqa: E731
        each.indicator.code: each.year
        for each in apply(lambda unit: Figures(unit).indicators(seeded.plan_id, at, ZONE, **more))
    }
    assert look(later)["IND-20"].reported == 0, "in March the year is this one"

    in_january = datetime(2019, 1, 20, 12, tzinfo=UTC)
    year = look(in_january)["IND-23"]
    assert (year.first.year, year.value.value, year.until) == (2018, 120, date(2018, 6, 30))
    assert look(in_january, protect=False)["IND-23"].value.value == 125


def test_indicators_are_added_up_from_validated_figures(seeded: Any, apply: Apply, statements: Any) -> None:
    """Sealed or not; a confirmed zero is a figure, a missing one is none; five statements."""
    told = {
        ("IND-20", "201808"): {"data_status": "final", "value_people": "12"},
        ("IND-20", "201809"): {"data_status": "zero"},
        ("IND-22", "201808"): {"data_status": "not_available"},
        ("IND-21", "201808"): {"data_status": "final", "numerator": "18", "denominator": "20"},
        ("IND-07", "201808"): {"data_status": "preliminary", "value_people": "4000"},
        ("IND-06", "201808"): {"data_status": "final", "value_count": "many"},
    }
    for (code, period), answers in told.items():
        number = figure(seeded, apply, code, period, **answers)
        if code != "IND-07":
            apply(lambda unit, number=number: set_state(unit, number, "validated"))
    look = lambda unit: Figures(unit).indicators(seeded.plan_id, NOW, ZONE)  # noqa: E731
    found = {each.indicator.code: each.year for each in apply(look) if each.year.reported}

    assert {code: (year.reported, year.value.value, year.percent) for code, year in found.items()} == {
        "IND-20": (2, 12, None),
        "IND-21": (1, None, None),
    }
    assert len(apply(lambda unit: statements(unit, look))) <= 5
