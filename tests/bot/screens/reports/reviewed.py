"""A report that was sent, and what a coordinator sees and does of it."""

from datetime import UTC, datetime
from typing import Any

from bot.telegram.handled import Handled
from conversations.plan.model import Post, Role
from storage.reports.submissions import NewSubmission
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import Desk, keys
from tests.bot.house import ANA
from tests.taps import command_token

NOW = datetime(2018, 10, 3, 12, tzinfo=UTC)
SECOND = 595
"""Another coordinator."""

ANSWERS = {
    "status": "in_progress", "progress": "40", "progress_final": "40", "prev_progress": "12", "reached": "no",
    "evidence_type": "none", "next_step": "Convocar la mesa", "agency": "MMUJER", "period": "201809",
}  # fmt: skip


def a_second_coordinator(unit: UnitOfWork) -> None:
    """Mario, who coordinates too."""
    plan = unit.plans.only()
    person = unit.people.add(SECOND, "Mario Gil", "en", NOW, timezone=plan.timezone)
    unit.roles.grant(person.id, plan.id, Post(Role.COORDINATOR), now=NOW)
    unit.people.accept_privacy(person.id, NOW)


def sent(desk: Desk, code: str = "PRE-101", by: int = ANA, *, agency: str = "MMUJER", **changes: Any) -> int:
    """A report for September, as if it had been filled in chat; its number."""
    answers = ANSWERS | {"activity": code, "agency": agency} | changes.pop("answers", {})

    def work(unit: Any) -> int:
        plan = unit.plans.only()
        form = unit.forms.current(plan.id, "activity_report")
        period = unit.plans.period(plan.id, "201809")
        values = {
            "plan_id": plan.id, "form_id": form.form_key, "form_version_id": form.id, "instance_id": f"uuid:{code}",
            "person_id": unit.people.by_telegram_id(by).id, "agency_id": unit.plans.agency(plan.id, agency).id,
            "answers": {_ref(name): value for name, value in answers.items()}, "language": "es", "started_at": NOW,
            "now": NOW, "subject": f"activity:{code}", "reporting_period_id": period.id,
            "activity_status": answers["status"], "progress": int(answers["progress"]),
        }  # fmt: skip
        given = values | changes
        now = given.pop("now")
        number: int = unit.submissions.add(NewSubmission(**given), now).id
        return number

    found: int = desk.do(work)
    return found


def _ref(name: str) -> str:
    group = {"evidence_type": "evidence_group/", "obstacle": "obstacles/"}.get(name, "")
    return f"/data/{group}{name}"


def state_of(desk: Desk, number: int) -> str:
    found: str = desk.do(lambda unit: unit.submissions.get(number).validation_state)
    return found


def audited(desk: Desk) -> list[str]:
    found: list[str] = desk.do(lambda unit: [entry.act for entry in unit.audit.latest(limit=50)][::-1])
    return [act for act in found if act.startswith(("report.", "restricted."))]


def tap(desk: Desk, who: int, name: str, argument: object = "") -> Any:
    return desk.tap(who, command_token(name, str(argument)))


def buttons(handled: Handled) -> list[str]:
    """Every button as "its words|what it carries"."""
    return [f"{words}|{carried}" for words, carried in keys(handled)]
