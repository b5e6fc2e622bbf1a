"""A second plan beside the demo's, with some of its people: what somebody meets who is in several plans."""

from collections.abc import Collection
from datetime import UTC, date, datetime

from sqlalchemy import update

from bot.acts.reports.coverage import publish_shipped
from bot.schedule.scheduler import ensure_schedules
from conversations.plan.model import Post
from storage.database.models import Plan, table
from storage.imports.applying import apply
from storage.imports.reading import read_plan
from storage.seed import seed_workbook
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import Desk
from tests.bot.house import ANA, JEAN

LONG_AGO = datetime(2018, 7, 1, tzinfo=UTC)


def open_second_plan(
    desk: Desk,
    who: Collection[int] = (ANA, JEAN),
    *,
    code: str = "P2",
    name: str = "Plan segundo",
    timezone: str = "America/Santo_Domingo",
    starts_on: date | None = None,
    ends_on: date | None = None,
) -> int:
    """The shipped plan once more under another code and name. These people have the role in it that they have in the
    first. Return its number."""

    def work(unit: UnitOfWork) -> int:
        apply(unit, read_plan(seed_workbook()), code, None, LONG_AGO, timezone=timezone)
        plan = unit.plans.by_code(code)
        values = {"name": {"es": name}, "timezone": timezone}
        values |= {"starts_on": starts_on or plan.starts_on, "ends_on": ends_on or plan.ends_on}
        unit.connection.execute(update(table(Plan)).where(table(Plan).c.id == plan.id).values(values))
        publish_shipped(unit, plan.id, LONG_AGO)
        ensure_schedules(unit, plan.id, LONG_AGO)
        for one in unit.schedules.all(plan.id):
            unit.schedules.change(plan.id, one.id, begins_at=LONG_AGO)
        for telegram_id in who:
            person = unit.people.by_telegram_id(telegram_id)
            assert person is not None
            held = person.memberships[0]
            agency_id = unit.plans.agency(plan.id, held.agency_code).id if held.agency_code else None
            unit.roles.grant(person.id, plan.id, Post(held.role, agency_id), now=LONG_AGO)
        return plan.id

    return desk.do(work)
