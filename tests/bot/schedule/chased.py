"""Institutions that a coordinator chases: some silent, some vacant, some with a deputy."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from bot.acts.people.enrolment import Newcomer, enrol
from bot.schedule.ledger import write_once
from bot.schedule.scheduler import due, look_at
from bot.schedule.scheduler import ensure_schedules as furnish_schedules
from conversations.plan.model import Role
from storage.database.models import Fire, Person, table
from storage.messages.outbox import Sent
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import Desk, tap

ZONE = "America/Santo_Domingo"
DUE = datetime(2018, 10, 5, 13, 1, tzinfo=UTC)
LATE = datetime(2018, 10, 8, 13, 1, tzinfo=UTC)
LOCKED = datetime(2018, 10, 22, 13, 1, tzinfo=UTC)
"""Both September and the third quarter have locked."""

COCO, EVA, OTTO = 511, 513, 512


def three_who_are_chased(unit: UnitOfWork) -> None:
    """A focal point with her alternate, and one without; and a plan that has its schedules."""
    furnish_schedules(unit, unit.plans.only().id, datetime(2018, 9, 1, tzinfo=UTC))
    for number, name, role, agency in (
        (COCO, "Coco Lora", Role.FOCAL_POINT, "CONANI"),
        (EVA, "Eva Sol", Role.ALTERNATE, "CONANI"),
        (OTTO, "Otto Ring", Role.FOCAL_POINT, "MIDE"),
    ):
        enrol(unit, Newcomer(number, name, role, agency, "es"), datetime(2018, 8, 1, tzinfo=UTC), ZONE)


def scan(desk: Desk, now: datetime) -> dict[int, str]:
    """What the ladder says now, by chat, as it leaves; and all of it is sent."""
    desk.now = now

    def work(unit: UnitOfWork) -> dict[int, str]:
        for batch in due(unit, now):
            write_once(unit, batch, now)
        return send(unit, now)

    return desk.do(work)


def send(unit: UnitOfWork, now: datetime) -> dict[int, str]:
    """What delivery would send of it after the second look."""
    rows, _ = look_at(unit, unit.outbox.claim(now, now + timedelta(minutes=1), 100), now)
    told = {row.chat_id: str(row.payload["text"]) for row in rows if row.kind == "reminder"}
    for row in rows:
        unit.outbox.begin(row)
        unit.outbox.record(row.id, Sent(1), now)
    unit.ledger.settle()
    return told


def report_everything(desk: Desk, who: int) -> None:
    """By "Sin novedades", which is a report like any other."""
    tap(desk, who, "novedades", "no_progress")


def states(desk: Desk, who: int) -> list[tuple[str, str]]:
    def work(unit: UnitOfWork) -> list[tuple[str, str]]:
        fire, person = table(Fire), table(Person)
        rows = unit.connection.execute(
            select(fire.c.state, fire.c.reason)
            .join(person, person.c.id == fire.c.person_id)
            .where(person.c.telegram_id == who, fire.c.what == "reminders")
            .order_by(fire.c.window)
        )
        return [(row.state, row.reason) for row in rows]

    return desk.do(work)


def schedule_of(unit: UnitOfWork, what: str) -> int:
    return next(one.id for one in unit.schedules.all(1) if one.what == what)
