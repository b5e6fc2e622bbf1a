"""The reports that figures are counted from, of random plans, against the rule in plain Python over all rows."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from sqlalchemy import insert, select

from conversations.plan.figures.closings import closings_until
from conversations.plan.figures.monitoring import COLUMNS, standing
from conversations.plan.figures.standing_records import Detail, Records, Report
from conversations.plan.model import Activity, ActivityStatus, Post, Role, ValidationState
from storage.calendar.figures import Figures
from storage.database.models import Attachment, Submission, table
from storage.imports.applying import apply as plan_apply
from storage.reports.submissions import by_name, row
from storage.seed import SEED_PLAN
from storage.unit_of_work import UnitOfWork
from tests.storage.blank_forms import blank_form
from tests.storage.database.put_back import once_made
from tests.storage.imports.plan_books import seed_draft

ZONE = ZoneInfo("America/Santo_Domingo")
NOW = datetime(2020, 1, 20, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
_submission, _attachment = table(Submission), table(Attachment)

Apply = Callable[[Callable[[UnitOfWork], Any]], Any]


@pytest.fixture
def seeded(apply: Apply) -> Any:
    """The shipped plan, somebody who reports all of it, and a form."""

    def build(unit: UnitOfWork) -> Any:
        plan_apply(unit, seed_draft(), SEED_PLAN, None, NOW - WEEK * 120)
        plan = unit.plans.only()
        [first, *_] = unit.plans.agencies(plan.id)
        person = unit.people.add(1, "Persona", "es", NOW - WEEK * 100, timezone=plan.timezone)
        unit.roles.grant(person.id, plan.id, Post(Role.FOCAL_POINT, first.id), now=NOW - WEEK * 100)
        form = unit.forms.publish(blank_form(plan.id), NOW)
        return SimpleNamespace(plan_id=plan.id, agency_id=first.id, person_id=person.id, form=form)

    return apply(lambda unit: once_made("seeded reports", unit, build))


def live(unit: UnitOfWork, seeded: Any, dice: random.Random) -> None:
    """Years of reports: late ones, returned ones, corrections, restricted ones, and periods that are open again."""
    reports: list[dict[str, Any]] = []
    files: list[dict[str, Any]] = []
    numbers = count(1)
    reporting, validating = dice.choice([0.5, 0.9]), dice.choice([0.0, 0.6, 0.95])
    reopened = {period.id for period in unit.plans.periods(seeded.plan_id) if dice.random() < 0.1}
    periods = table_of_periods()
    for id in reopened:
        locks_on = (NOW + dice.choice([-1, 1]) * dice.randint(0, 9) * timedelta(days=1)).date()
        unit.connection.execute(periods.update().where(periods.c.id == id).values(locks_on=locks_on))
    for activity in unit.plans.activities(seeded.plan_id):
        stops = dice.choice([date.max, date.max, date(2019, dice.randint(1, 12), 1)])
        for period in unit.plans.periods(seeded.plan_id):
            if period.end_on > min(NOW.date(), stops) or dice.random() > reporting:
                continue
            if period.type != activity.frequency.period_type and dice.random() < 0.95:
                continue
            sent = datetime.combine(period.end_on, time(12), UTC) + timedelta(days=dice.randint(-3, 60))
            chain = versions(unit, seeded, activity, period, min(sent, NOW), dice, validating, numbers)
            reports += chain
            files += [file_of(each, seeded) for each in chain if dice.random() < 0.3]
    unit.connection.execute(insert(_submission), reports)
    unit.connection.execute(insert(_attachment), files)


def table_of_periods() -> Any:
    return _submission.metadata.tables["reporting_period"]


def versions(
    unit: UnitOfWork, seeded: Any, activity: Activity, period: Any, sent: datetime, dice: random.Random,
    validating: float, numbers: Any,
) -> list[dict[str, Any]]:  # fmt: skip
    """A report and its corrections. While the last one waits, the one before may stand."""
    found: list[dict[str, Any]] = []
    for version in range(1, dice.choice([1, 1, 1, 1, 2, 3]) + 1):
        number = next(numbers)
        status = dice.choice([*ActivityStatus, "in_progress", "in_progress", "delayed", "suspended"])
        said: dict[str, Any] = {"/data/evidence_group/evidence_type": dice.choice(["later", "none"])}
        if dice.random() < 0.7:
            said |= {
                "/data/obstacles/obstacle": dice.choice(["", "budget staff", "staff"]),
                "/data/obstacles/needs_decision": dice.choice(["yes", "no"]),
                "/data/obstacles/decision_text": dice.choice(
                    ["Que se firme", 'Un "sí", por escrito', "C:\\x", "a{b}\n"]
                ),
                "/data/new_due_date": dice.choice(["2020-12-01", "", "pronto", "2021-06-30"]),
            }
        if dice.random() < 0.1:
            said["/data/steps"] = [{"/data/steps/new_due_date": "2020-02-02"}]
        text = orjson.dumps(said).decode()
        instance = f"uuid:{number}"
        found.append(
            {
                "id": number,
                "plan_id": seeded.plan_id,
                "form_id": seeded.form.form_key,
                "form_version_id": seeded.form.id,
                "instance_id": instance,
                "deprecated_instance_id": found[-1]["instance_id"] if found else None,
                "root_id": found[0]["instance_id"] if found else instance,
                "version": version,
                "is_current": True,
                "is_standing": False,
                "person_id": seeded.person_id,
                "agency_id": seeded.agency_id,
                "subject": activity.subject,
                "reporting_period_id": period.id,
                "validation_state": "validated"
                if dice.random() < validating
                else dice.choice(["submitted", "returned"]),
                "receipt_number": number,
                "activity_status": str(status),
                "progress": dice.choice([None, 0, dice.randint(0, 100)]),
                "promises_evidence": said["/data/evidence_group/evidence_type"] == "later",
                "zero_reason": dice.choice([None, None, None, "no_funds"]),
                "sensitive": activity.is_restricted,
                "answers": None if activity.is_restricted else text,
                "sealed_answers": unit.vault.seal(text, row(instance)) if activity.is_restricted else None,
                "language": "es",
                "started_at": sent,
                "submitted_at": sent,
            }
        )
        sent = min(sent + timedelta(days=dice.randint(0, 20)), NOW)
    for old in found[:-1]:
        old["is_current"] = False
    if len(found) > 1 and found[-1]["validation_state"] != "validated" and dice.random() < 0.5:
        found[-2] |= {"validation_state": "validated", "is_standing": True}
    elif found[-1]["validation_state"] == "validated":
        found[-1]["is_standing"] = True
    return found


def file_of(report: dict[str, Any], seeded: Any) -> dict[str, Any]:
    return {
        "plan_id": seeded.plan_id, "instance_id": report["instance_id"], "ref": "/data/file", "file_name": "a.pdf",
        "original_name": "a.pdf", "mime_type": "application/pdf", "size": 1, "sha256": "0" * 64,
        "original_sha256": "0" * 64, "created_at": NOW,
    }  # fmt: skip


def plain_reports(unit: UnitOfWork, plan_id: int, now: datetime, since: date) -> tuple[Report, ...]:
    """The rule as it is told: every row is read, and then most are left out."""
    periods = {period.id: period for period in unit.plans.periods(plan_id)}
    ends = [each.month_end for each in closings_until(periods.values(), now.astimezone(ZONE).date(), COLUMNS)]
    before = max((period.end_on for period in periods.values() if period.end_on < ends[0]), default=ends[0])
    rows = unit.connection.execute(select(_submission).where(_submission.c.plan_id == plan_id)).all()
    by_instance = {found.instance_id: found for found in rows}
    with_files = set(unit.connection.execute(select(_attachment.c.instance_id)).scalars())

    def end(found: Any) -> date:
        return periods[found.reporting_period_id].end_on

    sent = [found for found in rows if by_instance[found.root_id].submitted_at <= now]
    current = [found for found in sent if found.is_current]
    last: dict[Any, Any] = {}
    for found in sorted((each for each in current if end(each) < ends[0]), key=lambda each: (end(each), each.id)):
        last[found.subject, found.validation_state == "validated"] = found
    read = [found for found in current if end(found) >= before]
    read += [found for found in last.values() if end(found) < before]
    read += [found for found in current if end(found) < before and found.promises_evidence
             and periods[found.reporting_period_id].locks_on > since and found not in last.values()]  # fmt: skip
    read += [found for found in sent if found.is_standing and not found.is_current]

    def report(found: Any) -> Report:
        is_first = found.version == 1
        return Report(
            found.id,
            found.subject.removeprefix("activity:"),
            found.reporting_period_id,
            end(found),
            ValidationState(found.validation_state),
            ActivityStatus(found.activity_status),
            found.progress or 0,
            by_instance[found.root_id].submitted_at,
            found.promises_evidence,
            end(found) == ends[-1] and found.instance_id in with_files,
            found.is_current,
            detail(unit, found),
            found.zero_reason or "",
            None if is_first else found.submitted_at,
            None if is_first else ActivityStatus(by_instance[found.deprecated_instance_id].activity_status),
        )

    return tuple(sorted(map(report, read), key=lambda each: (each.end_on, each.submission_id)))


def detail(unit: UnitOfWork, found: Any) -> Detail | None:
    if found.activity_status not in ("delayed", "suspended", "cancelled"):
        return None
    is_sealed = found.sealed_answers is not None
    said = by_name(unit.vault.open(found.sealed_answers, row(found.instance_id)) if is_sealed else found.answers)
    try:
        new_due_on = date.fromisoformat(said.get("new_due_date", ""))
    except ValueError:
        new_due_on = None
    text = "" if is_sealed else said.get("decision_text", "")
    return Detail(tuple(said.get("obstacle", "").split()), said.get("needs_decision") == "yes", text, new_due_on)


def told(report: Report) -> Report:
    """The report with its detail as it is compared: whoever reads its parts."""
    if report.detail is None:
        return report
    each = report.detail
    return report._replace(detail=Detail(each.reasons, each.needs_decision, each.decision, each.new_due_on))


@pytest.mark.parametrize("seed", range(6))
def test_the_reports_read_are_those_of_the_rule(seeded: Any, apply: Apply, seed: int) -> None:
    """Today and on a day gone by, whoever validates and however much: the same reports, and so the same state."""
    dice = random.Random(seed)
    apply(lambda unit: live(unit, seeded, dice))
    for now in (NOW, NOW - timedelta(days=dice.randint(20, 300)), NOW + WEEK * 60):
        since = now - WEEK

        def compare(unit: UnitOfWork, now: datetime = now, since: datetime = since) -> int:
            records: Records = Figures(unit).records(seeded.plan_id, now, ZONE, since=since)
            expected = plain_reports(unit, seeded.plan_id, now, since.astimezone(ZONE).date())
            assert tuple(map(told, records.reports)) == expected
            for only_validated in (False, True):
                counted = Figures(unit).standing(seeded.plan_id, now, since, ZONE, only_validated=only_validated)
                plain = standing(replace(records, reports=expected), now, since, ZONE, only_validated=only_validated)
                assert [each.code for each in counted.activities] == [each.code for each in plain.activities]
                assert [agency.cells for agency in counted.agencies] == [agency.cells for agency in plain.agencies]
                assert list(map(seen, counted.activities)) == list(map(seen, plain.activities))
            return len(expected)

        assert apply(compare) > 40


def seen(each: Any) -> Any:
    """An activity's state, its reports by their numbers."""
    last, before = (report and report.submission_id for report in (each.last, each.before))
    return replace(each, last=last, before=before)
