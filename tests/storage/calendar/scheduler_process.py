"""A scheduler that reminds each person of each day of some years, until it is killed.

python tests/storage/calendar/scheduler_process.py URL PLAN PERSON,PERSON
"""

import sys
from datetime import UTC, date, datetime, timedelta

from storage.calendar.ledger import NewFire
from storage.messages.outbox import OutboxDraft
from storage.open_database import open_database
from storage.unit_of_work import UnitOfWork

BEGIN = date(2018, 10, 1)
NOW = datetime(2018, 10, 5, 13, tzinfo=UTC)


def main(url: str, plan_id: int, people: list[int]) -> None:
    print("ready", flush=True)
    with open_database(url) as database:
        for day in range(2000):
            for person in people:

                def work(unit: UnitOfWork, day: int = day, person: int = person) -> None:
                    draft = OutboxDraft(person, "reminder", "sendMessage", {"text": "x"})
                    fire = NewFire(person, "reminders", BEGIN + timedelta(days=day), drafts=lambda: [draft])
                    unit.ledger.fire_all(plan_id, [fire], NOW)

                database.units.submit(None, work).result()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), [int(each) for each in sys.argv[3].split(",")])
