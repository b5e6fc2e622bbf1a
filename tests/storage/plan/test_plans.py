"""The plan read back: in few statements, and the due list with what was said last time."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from conversations.plan.model import ActivityStatus, Post, Role, ValidationState
from conversations.plan.periods import PeriodType, reporting_period
from storage.database.statements import Prepared
from storage.errors import Conflict, NotFound
from storage.imports.applying import apply as plan_apply
from storage.reports.submissions import NewSubmission
from storage.seed import SEED_PLAN
from storage.unit_of_work import UnitOfWork
from tests.closings import expected_at_closing
from tests.storage.blank_forms import blank_form
from tests.storage.database.put_back import once_made
from tests.storage.imports.plan_books import seed_draft

NOW = datetime(2018, 10, 3, 12, 0, tzinfo=UTC)
TODAY = date(2018, 10, 3)

Apply = Callable[[Callable[[UnitOfWork], Any]], Any]


@pytest.fixture
def seeded(apply: Apply) -> Any:
    """The shipped plan, one focal point of MINERD, and a form to submit with."""

    def build(unit: UnitOfWork) -> Any:
        plan_apply(unit, seed_draft(), SEED_PLAN, None, NOW)
        plan = unit.plans.only()
        agency = unit.plans.agency(plan.id, "MINERD")
        person = unit.people.add(7, "Ana", "es", NOW, timezone=plan.timezone)
        unit.roles.grant(person.id, plan.id, Post(Role.FOCAL_POINT, agency.id), now=NOW)
        form = unit.forms.publish(
            blank_form(plan.id),
            NOW,
        )
        return SimpleNamespace(plan_id=plan.id, agency_id=agency.id, person_id=person.id, form=form)

    return apply(lambda unit: once_made("seeded plans", unit, build))


def send(seeded: Any, subject: str, period: str, **values: Any) -> Callable[[UnitOfWork], int]:
    standard: dict[str, Any] = {
        "plan_id": seeded.plan_id,
        "form_id": seeded.form.form_key,
        "form_version_id": seeded.form.id,
        "instance_id": f"uuid:{subject}:{period}",
        "person_id": seeded.person_id,
        "agency_id": seeded.agency_id,
        "answers": {},
        "language": "es",
        "started_at": NOW,
        "now": NOW,
        "subject": subject,
        "activity_status": "in_progress",
        "progress": 12,
    }

    def work(unit: UnitOfWork) -> int:
        period_id = unit.plans.period(seeded.plan_id, period).id
        given = standard | values | {"reporting_period_id": period_id}
        now = given.pop("now")
        return unit.submissions.add(NewSubmission(**given), now).id

    return work


def due(seeded: Any, on: date = TODAY) -> Callable[[UnitOfWork], Any]:
    return lambda unit: unit.plans.due(seeded.plan_id, seeded.agency_id, on)


def test_the_due_list_of_an_agency_is_that_of_the_seed_plan(seeded: Any, apply: Apply) -> None:
    """MINERD on 3 October: the monthly activity first, then its quarterly one and its indicator."""
    assert [(d.code, d.period.code, d.period.due_on) for d in apply(due(seeded))] == [
        ("PRE-102", "201809", date(2018, 10, 5)),
        ("ASI-404", "2018Q3", date(2018, 10, 10)),
        ("IND-02", "2018Q3", date(2018, 10, 10)),
    ]


def test_what_was_sent_is_done_and_what_was_returned_is_due_again(seeded: Any, apply: Apply) -> None:
    """The due list follows the validation state."""
    sent = apply(send(seeded, "activity:PRE-102", "201809"))
    apply(send(seeded, "indicator:IND-02", "2018Q3", activity_status=None, progress=None))
    assert [d.code for d in apply(due(seeded))] == ["ASI-404"]

    apply(
        send(
            seeded, "activity:PRE-102", "201809", instance_id="uuid:2", supersedes_id=sent, validation_state="returned"
        )
    )
    report = apply(due(seeded))[0]
    assert (report.code, report.returned.validation_state) == ("PRE-102", ValidationState.RETURNED)


def test_a_closed_period_asks_nothing_and_closes_once(seeded: Any, apply: Apply) -> None:
    """ "Cerrar el mes" by focal point and alternate at once is one closing, at the earlier time."""
    period = apply(lambda unit: unit.plans.period(seeded.plan_id, "201809"))
    later = datetime(2018, 10, 4, tzinfo=UTC)
    closings = [
        apply(
            lambda unit, at=at: unit.closings.close(seeded.plan_id, seeded.agency_id, period.id, seeded.person_id, at)
        )
        for at in (NOW, later)
    ]

    assert closings == [True, False]
    assert apply(lambda unit: unit.closings.closed_at(seeded.agency_id, period.id)) == NOW
    assert [d.period.code for d in apply(due(seeded))] == ["2018Q3", "2018Q3"]


def test_the_whole_plan_knows_which_activities_have_ended(seeded: Any, apply: Apply) -> None:
    """Completed in August: no longer expected in September, by the due list and by the rates alike."""
    apply(send(seeded, "activity:PRE-102", "201808", activity_status="completed", progress=100))
    apply(send(seeded, "activity:PRE-101", "201808"))
    ended = apply(lambda unit: unit.plans.ended(seeded.plan_id))
    activities = apply(lambda unit: unit.plans.activities(seeded.plan_id))

    assert ended == {"PRE-102": date(2018, 8, 31)}
    assert len(expected_at_closing(activities, date(2018, 9, 30), ended)) == 32
    assert "PRE-102" not in [d.code for d in apply(due(seeded))]


def read_for_due(seeded: Any, on: date = TODAY) -> Callable[[UnitOfWork], list[tuple[str, str]]]:
    """The reports that the due list reads: subject and period of each."""

    def rows(unit: UnitOfWork) -> list[tuple[str, str]]:
        asked = unit.plans.asked_by_due(seeded.plan_id, seeded.agency_id, on)
        return sorted((row.subject, row.code) for row in Prepared.rows_of_all(unit.connection, asked)[0])

    return rows


def test_the_due_list_reads_no_report_of_the_years_before(seeded: Any, apply: Apply) -> None:
    """Ten years of reports are one row, the one of a period that is open. An activity that has ended is one more."""
    years = [period for period in apply(lambda unit: unit.plans.periods(seeded.plan_id)) if period.end_on < TODAY]
    for period in years:
        if period.type is PeriodType.MONTHLY:
            apply(send(seeded, "activity:PRE-102", period.code))
    assert apply(read_for_due(seeded)) == [("activity:PRE-102", "201809")]

    for code, status in (("2018Q1", "in_progress"), ("2018Q2", "completed")):
        apply(send(seeded, "activity:ASI-404", code, activity_status=status))
    assert apply(read_for_due(seeded)) == [("activity:ASI-404", "2018Q2"), ("activity:PRE-102", "201809")]
    assert [d.code for d in apply(due(seeded))] == ["IND-02"]


def test_what_was_taken_up_again_is_due_whatever_came_between(seeded: Any, apply: Apply) -> None:
    """Completed twice, and then in progress: only what came since the last time is read, and it is due."""
    for period, status in (("201804", "completed"), ("201805", "delayed"), ("201806", "completed")):
        apply(send(seeded, "activity:PRE-102", period, activity_status=status))
    assert apply(lambda unit: unit.plans.ended(seeded.plan_id)) == {"PRE-102": date(2018, 6, 30)}
    assert "PRE-102" not in [d.code for d in apply(due(seeded))]

    apply(send(seeded, "activity:PRE-102", "201808"))
    assert apply(read_for_due(seeded)) == [("activity:PRE-102", "201806"), ("activity:PRE-102", "201808")]
    assert apply(lambda unit: unit.plans.ended(seeded.plan_id, seeded.agency_id)) == {}
    assert "PRE-102" in [d.code for d in apply(due(seeded))]


def test_a_reopened_period_asks_for_what_was_not_reported(seeded: Any, apply: Apply) -> None:
    """It has locked for all others. What the agency sends for it is not asked again."""
    september = apply(lambda unit: unit.plans.period(seeded.plan_id, "201809"))
    later, until = date(2018, 10, 20), date(2018, 10, 25)
    apply(
        lambda unit: unit.periods.reopen(
            seeded.plan_id, seeded.agency_id, september, until, reason="late", now=NOW, by=seeded.person_id
        )
    )
    assert [d.code for d in apply(due(seeded, later))] == ["PRE-102", "ASI-404", "IND-02"]

    apply(send(seeded, "activity:PRE-102", "201809"))
    assert apply(read_for_due(seeded, later)) == [("activity:PRE-102", "201809")]
    assert [d.code for d in apply(due(seeded, later))] == ["ASI-404", "IND-02"]


def test_the_due_list_takes_five_statements_however_much_there_is(seeded: Any, apply: Apply, statements: Any) -> None:
    """A fixed number, which the size of plan and history does not change."""
    for period in ("201808", "201809"):
        apply(send(seeded, "activity:PRE-102", period))
    asked = apply(lambda unit: statements(unit, due(seeded)))
    assert [statement.split()[0] for statement in asked] == ["SELECT"] * 5


def test_open_periods_are_those_that_opened_and_are_not_locked(seeded: Any, apply: Apply) -> None:
    """The locked day is locked; what a row holds is what is computed."""
    look = lambda day: apply(lambda unit: unit.plans.open_periods(seeded.plan_id, date(2018, 10, day)))  # noqa: E731
    assert [p.code for p in look(14)] == ["201809", "2018Q3"]
    assert [p.code for p in look(15)] == ["2018Q3"]
    assert look(14)[0] == reporting_period("201809")

    quarter_id = look(14)[1].id
    assert apply(lambda unit: unit.plans.period_by_id(quarter_id).code) == "2018Q3"


def test_what_does_not_exist_is_not_found(seeded: Any, apply: Apply) -> None:
    """One error, whatever was asked for."""
    for ask in (
        lambda plans: plans.by_code("x"),
        lambda plans: plans.agency(seeded.plan_id, "x"),
        lambda plans: plans.agency_by_id(0),
        lambda plans: plans.activity(seeded.plan_id, "x"),
        lambda plans: plans.indicator(seeded.plan_id, "x"),
        lambda plans: plans.period(seeded.plan_id, "x"),
        lambda plans: plans.period_by_id(0),
    ):
        with pytest.raises(NotFound):
            apply(lambda unit, ask=ask: ask(unit.plans))


def test_the_only_plan_is_the_only_one(apply: Apply) -> None:
    """None yet is not found; several is a conflict, which the message tells apart."""
    with pytest.raises(NotFound):
        apply(lambda unit: unit.plans.only())
    for code in (SEED_PLAN, "otro"):
        apply(lambda unit, code=code: plan_apply(unit, seed_draft(), code, None, NOW))
    with pytest.raises(Conflict, match="do-trata-2017-2020, otro"):
        apply(lambda unit: unit.plans.only())


def test_agencies_and_code_lists_come_in_the_author_s_order(seeded: Any, apply: Apply) -> None:
    """Labels in the reader's language; agencies that only a bill proposes do not take part."""
    statuses = apply(lambda unit: unit.plans.code_list(seeded.plan_id, "activity_status"))
    assert [s.text("ht") for s in statuses][:3] == ["Poko kòmanse", "Ap fèt", "Fini"]
    assert [s.code for s in statuses] == list(ActivityStatus)

    agencies = apply(lambda unit: unit.plans.agencies(seeded.plan_id, on=TODAY))
    assert [a.code for a in agencies][:2] == ["MIREX", "MIDE"]
    assert len(agencies) == 22

    areas = apply(lambda unit: unit.plans.strategic_areas(seeded.plan_id))
    assert [a.code for a in areas] == ["PRE", "PER", "ASI"]
