"""A scheduler's days over a real database: what is said when, to whom, and what the ledger keeps of it."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from bot.open_storage import open_storage
from bot.schedule.ledger import write_once
from bot.schedule.scheduler import due, look_at
from bot.schedule.scheduler import ensure_schedules as furnish_schedules
from bot.schedule.settling import settle
from storage.calendar.ledger import StoredFire
from storage.calendar.schedules import StoredSchedule
from storage.messages.outbox import Sent, Undeliverable
from storage.unit_of_work import UnitOfWork
from tests.bot.desk import Desk
from tests.bot.house import settings_in

T = TypeVar("T")
ZONE = "America/Santo_Domingo"
HERE = ZoneInfo(ZONE)


def opened(furnished: Path, folder: Path) -> Iterator[Desk]:
    shutil.copytree(furnished, folder)
    with open_storage(settings_in(folder)) as database:
        made = Desk(database)
        made.do(lambda unit: furnish_schedules(unit, 1, datetime(2018, 7, 1, tzinfo=UTC)))
        yield made


def here(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=HERE).astimezone(UTC)


@dataclass(frozen=True)
class Told:
    what: str
    text: str
    buttons: str


def scan(desk: Desk, now: datetime, *, reaches: bool = True, is_sent: bool = True) -> dict[int, list[Told]]:
    """What the scheduler says now, by chat, as it leaves; a digest's picture is part of it."""
    desk.now = now

    def work(unit: UnitOfWork) -> dict[int, list[Told]]:
        told: dict[int, list[Told]] = {}
        while True:  # as the scheduler does, which looks again after a few seconds
            settle(unit, now)
            for batch in list(due(unit, now)):
                write_once(unit, batch, now)
            claimed = unit.outbox.claim(now, now + timedelta(minutes=1), 100) if is_sent else []
            if not claimed:
                return told
            rows, _ = look_at(unit, claimed, now)
            for row in rows:
                if "text" in row.payload and row.method.startswith("send"):
                    words = Told(row.kind, str(row.payload["text"]), str(row.payload.get("reply_markup", "")))
                    told.setdefault(row.chat_id, []).append(words)
                unit.outbox.begin(row)
                unit.outbox.record(row.id, Sent(1) if reaches else Undeliverable("test"), now)

    return desk.do(work)


def number_of(unit: UnitOfWork, who: int) -> int:
    person = unit.people.by_telegram_id(who)
    assert person is not None
    return person.id


def of(desk: Desk, who: int, what: str | None = None) -> list[StoredFire]:
    """Somebody's rows of the ledger."""
    return desk.do(
        lambda unit: [
            fire for fire in unit.ledger.fires(1, date(2000, 1, 1), what) if fire.person_id == number_of(unit, who)
        ],
    )


def schedule_of(unit: UnitOfWork, what: str) -> StoredSchedule:
    return next(one for one in unit.schedules.all(1) if one.what == what)


def set_schedule(desk: Desk, what: str, **values: object) -> None:
    desk.do(lambda unit: unit.schedules.change(1, schedule_of(unit, what).id, **values))


HOURS = (time(8), time(8, 30), time(9), time(11), time(16))
